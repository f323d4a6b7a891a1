use std::sync::Arc;

use super::*;
use crate::{plan::Facts, sql::*};

fn catalog() -> Catalog {
    let mut res = Catalog::new();
    let mut t = Table::new(Name::new("public", "t"));
    let columns: &[(&str, &str, &[&str])] = &[
        ("a", "integer", &[]),
        ("b", "text", &[]),
        ("c", "character varying", &["10"]),
        ("e", "numeric", &["10", "2"]),
        ("num", "numeric", &[]),
        ("ts", "timestamp without time zone", &[]),
        ("tstz", "timestamp with time zone", &[]),
        ("tm", "timestamp without time zone", &["3"]),
        ("iv", "interval", &[]),
        ("iv3", "interval", &["3"]),
        ("ch", "character", &["5"]),
        ("ci", "cidr", &[]),
        ("ip", "inet", &[]),
        ("vb", "bit varying", &["4"]),
        ("x", "xml", &[]),
        ("bo", "boolean", &[]),
        ("o", "oid", &[]),
    ];
    for (name, ty, modifiers) in columns {
        t.columns.push(Column::new(Ident::new(name), DataType::with_modifiers(ty, modifiers)));
    }
    t.columns.push(Column::new(
        Ident::new("arr"),
        DataType { array: true, ..DataType::with_modifiers("character varying", &["5"]) },
    ));
    t.columns.push(Column::new(Ident::new("m"), user("mood")));
    t.columns.push(Column::new(Ident::new("dn"), user("d_nochk")));
    res.tables.insert(t.name.clone(), Arc::new(t));
    let domain = |name: &str, check: Option<&str>| UserType {
        name: Name::new("public", name),
        kind: TypeKind::Domain(Domain {
            base: DataType::builtin("integer"),
            collation: None,
            default: None,
            not_null: false,
            checks: check
                .map(|it| Constraint::new(None, ConstraintKind::Check(Expr::new(it, it))))
                .into_iter()
                .collect(),
        }),
        owner: None,
    };
    let mood = UserType { name: Name::new("public", "mood"), kind: TypeKind::Enum(vec!["a".into()]), owner: None };
    for ty in [mood, domain("d_chk", Some("value > 0")), domain("d_nochk", None)] {
        res.types.insert(ty.name.clone(), Arc::new(ty));
    }
    res
}

fn user(name: &str) -> DataType {
    DataType { schema: Some(Ident::new("public")), ..DataType::builtin(name) }
}

#[track_caller]
fn check(column: &str, to: DataType, expect: TypeCost) {
    let facts = Facts { utc: true, ..Facts::for_version(15) };
    let change = TypeChange {
        table: &Name::new("public", "t"),
        column: &Ident::new(column),
        to: &to,
        collation: None,
        using: None,
    };
    assert_eq!(change_cost(&change, &catalog(), &facts), expect, "{column} to {to}");
}

/// Playbook 4.11 and its appendix, as measured.
#[test]
fn the_cost_of_a_type_change_is_what_the_server_does() {
    use TypeCost::*;
    let ty = DataType::with_modifiers;
    check("a", ty("bigint", &[]), Rewrites);
    check("a", ty("oid", &[]), Free);
    check("o", ty("integer", &[]), Free);
    check("b", ty("character varying", &[]), Free);
    check("b", ty("character varying", &["10"]), Rewrites);
    check("c", ty("character varying", &["20"]), Free);
    check("c", ty("character varying", &["5"]), Rewrites);
    check("c", ty("text", &[]), Free);
    check("c", ty("character", &["10"]), Rewrites);
    check("e", ty("numeric", &["12", "2"]), Free);
    check("e", ty("numeric", &["12", "3"]), Rewrites);
    check("e", ty("numeric", &[]), Free);
    check("num", ty("numeric", &["10", "2"]), Rewrites);
    check("ts", ty("timestamp with time zone", &[]), Free);
    check("tstz", ty("timestamp without time zone", &[]), Free);
    check("tm", ty("timestamp without time zone", &["6"]), Free);
    check("tm", ty("timestamp without time zone", &[]), Free);
    check("ts", ty("timestamp without time zone", &["3"]), Rewrites);
    check("iv", ty("interval", &["6"]), Free);
    check("iv", ty("interval", &["3"]), Rewrites);
    check("iv3", ty("interval", &[]), Free);
    check("iv3", ty("interval", &["5"]), Free);
    check("ch", ty("text", &[]), Rewrites);
    check("ch", ty("character", &["10"]), Rewrites);
    check("ci", ty("inet", &[]), Free);
    check("ip", ty("cidr", &[]), Rewrites);
    check("vb", ty("bit varying", &["8"]), Free);
    check("x", ty("text", &[]), Free);
    check("a", ty("text", &[]), Rewrites);
    check("m", ty("text", &[]), Rewrites);
    check("a", user("d_nochk"), Free);
    check("a", user("d_chk"), Rewrites);
    check("dn", ty("integer", &[]), Free);
    check("arr", DataType { array: true, ..ty("text", &[]) }, Rewrites);
}

#[test]
fn what_the_server_would_not_cast_on_its_own_needs_using() {
    use TypeCost::*;
    check("b", DataType::builtin("integer"), NeedsUsing);
    check("b", DataType::builtin("uuid"), NeedsUsing);
    check("c", DataType::builtin("integer"), NeedsUsing);
    check("bo", DataType::builtin("integer"), NeedsUsing);
    check("a", DataType::builtin("boolean"), NeedsUsing);
    check("b", user("mood"), NeedsUsing);
    check("b", DataType::builtin("xml"), NeedsUsing);
    check("bo", DataType::builtin("text"), Rewrites);
    check("arr", DataType::builtin("text"), Rewrites);
}

#[test]
fn timestamps_are_converted_when_the_session_is_not_in_utc() {
    let facts = Facts::for_version(15);
    let change = TypeChange {
        table: &Name::new("public", "t"),
        column: &Ident::new("ts"),
        to: &DataType::builtin("timestamp with time zone"),
        collation: None,
        using: None,
    };
    assert_eq!(change_cost(&change, &catalog(), &facts), TypeCost::Rewrites);
}

#[track_caller]
fn check_volatility(text: &str, catalog: &Catalog, expect: Volatility) {
    assert_eq!(volatility(&Expr::new(text, text), catalog), expect, "{text}");
}

#[test]
fn volatility_is_that_of_the_worst_call() {
    use Volatility::*;
    let catalog = catalog();
    for text in
        ["5", "'random()'", "'{}'::jsonb", "ARRAY[]::text[]", "lower('A')", "0::numeric(10,2)", "NULL", "(1 + 2)"]
    {
        check_volatility(text, &catalog, Constant);
    }
    for text in [
        "now()",
        "CURRENT_TIMESTAMP",
        "current_date - 1",
        "now() - interval '1 day'",
        "pg_catalog.now()",
        "CURRENT_USER",
    ] {
        check_volatility(text, &catalog, Stable);
    }
    for text in [
        "random()",
        "gen_random_uuid()",
        "clock_timestamp()",
        "nextval('s'::regclass)",
        "timeofday()",
        "uuidv7()",
        "somebodys()",
        "floor(random() * 10)",
        "extensions.uuid_generate_v4()",
        "coalesce(1, random())",
        "\"random\"()",
    ] {
        check_volatility(text, &catalog, Volatile);
    }
}

#[test]
fn a_function_of_ones_own_is_looked_up_and_inlined() {
    let mut catalog = catalog();
    let mut add = |name: &str, language: &str, body: &str, volatility: Option<&str>| {
        let function = Function {
            name: Name::new("public", name),
            kind: FunctionKind::Function,
            args: Vec::new(),
            returns: Some(Expr::new("integer", "integer")),
            language: Ident::new(language),
            body: Expr::new(body, body),
            sql_body: false,
            attributes: volatility.map(|it| ("volatility".into(), it.into())).into_iter().collect(),
            owner: None,
        };
        catalog.functions.insert((function.name.clone(), Vec::new()), Arc::new(function));
    };
    add("one", "sql", "select 1", None);
    add("dice", "sql", "select random()", None);
    add("looped", "sql", "select looped()", None);
    add("of_table", "sql", "select a from t", None);
    add("code", "plpgsql", "begin return 1; end", None);
    add("stable_code", "plpgsql", "begin return 1; end", Some("stable"));
    check_volatility("one()", &catalog, Volatility::Constant);
    check_volatility("dice()", &catalog, Volatility::Volatile);
    check_volatility("looped()", &catalog, Volatility::Volatile);
    check_volatility("of_table()", &catalog, Volatility::Volatile);
    check_volatility("code()", &catalog, Volatility::Volatile);
    check_volatility("public.stable_code()", &catalog, Volatility::Stable);
}

#[test]
fn neutral_values_exist_where_they_do_not_lie() {
    let catalog = catalog();
    let value = |ty: DataType| neutral_value(&ty, &catalog);
    assert_eq!(value(DataType::builtin("bigint")).as_deref(), Some("0"));
    assert_eq!(value(DataType::with_modifiers("character varying", &["3"])).as_deref(), Some("''"));
    assert_eq!(value(DataType { array: true, ..user("mood") }).as_deref(), Some("'{}'"));
    assert_eq!(value(user("d_nochk")).as_deref(), Some("0"));
    for none in [user("d_chk"), user("mood"), DataType::builtin("uuid"), DataType::builtin("date")] {
        assert_eq!(value(none), None);
    }
}
