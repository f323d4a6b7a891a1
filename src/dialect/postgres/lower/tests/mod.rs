//! Lowering, by example: statement in, `Ddl` out.

mod objects;
mod tables;

use expect_test::{Expect, expect};

use crate::{
    dialect::{Dialect, parse_file, postgres::Postgres},
    sql::*,
};

fn parse(text: &str) -> Parsed {
    Postgres.parse(text, 0..text.len())
}

fn ddl(text: &str) -> Vec<Ddl> {
    let parsed = parse(text);
    let errors: Vec<_> = parsed.problems.iter().filter(|it| it.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{text}: {errors:?}");
    parsed.ddl
}

fn one(text: &str) -> Ddl {
    let mut all = ddl(text);
    assert_eq!(all.len(), 1, "{text}: {all:?}");
    all.remove(0)
}

fn problems(text: &str) -> Vec<String> {
    let show = |it: &Problem| format!("{}: {} [{}]", it.severity.as_str(), it.message, &text[it.range.clone()]);
    parse(text).problems.iter().map(show).collect()
}

/// `Debug` without what is empty or default.
fn brief(value: &impl std::fmt::Debug) -> String {
    let mut text = format!("{value:?}");
    for gone in [
        "collation: None, ",
        "not_null: false, ",
        "default: None, ",
        "identity: None, ",
        "generated: None, ",
        "storage: None, ",
        "compression: None, ",
        "statistics: None, ",
        "options: {} ",
        ", options: {}",
        "deferrable: false, ",
        "initially_deferred: false, ",
        "not_valid: false, ",
        "no_inherit: false, ",
        ", not_enforced: false",
        "include: [], ",
        "nulls_not_distinct: false, ",
        "without_overlaps: false, ",
        ", tablespace: None",
        "on_delete_columns: [], ",
        "match_full: false, ",
        ", period: false",
        "opclass: None, ",
        "descending: false, ",
        ", nulls_first: None",
        "schema: None, ",
        "modifiers: [], ",
        ", array: false",
        "predicate: None",
    ] {
        text = text.replace(gone, "");
    }
    text
}

#[track_caller]
fn check(text: &str, expect: Expect) {
    let lines: Vec<_> = ddl(text).iter().map(brief).collect();
    expect.assert_eq(&lines.join("\n"));
}

#[track_caller]
fn table(text: &str) -> Table {
    let Ddl::CreateTable { table, .. } = one(text) else { panic!("{text}") };
    *table
}

#[test]
fn what_is_not_ddl() {
    for (text, expected) in [
        ("SELECT pg_catalog.set_config('search_path', '', false)", "SetSearchPath { schemas: [], local: false }"),
        ("set local search_path to \"$user\", App, 'B'", "SetSearchPath { schemas: [$user, app, B], local: true }"),
        ("reset search_path", "SetSearchPath { schemas: [public], local: false }"),
        ("SET lock_timeout = '5s'", "SetParameter { name: \"lock_timeout\", value: Some(\"5s\"), local: false }"),
        ("set client_encoding to default", "SetParameter { name: \"client_encoding\", value: None, local: false }"),
        ("begin", "Transaction(Begin)"),
        ("end", "Transaction(Commit)"),
        ("savepoint a", "Transaction(Savepoint)"),
        ("lock table t in share mode", "Lock { tables: [t], mode: \"SHARE\" }"),
        ("truncate t, s.u cascade", "Truncate { tables: [t, s.u], cascade: true }"),
        (
            "update t set a = 1",
            "Data(DataStatement { verb: \"UPDATE\", target: Some(t), filtered: false, rewrites: false, calls: [] })",
        ),
        (
            "with x as (select 1) delete from t where a = 1",
            "Data(DataStatement { verb: \"DELETE\", target: Some(t), filtered: true, rewrites: false, calls: [] })",
        ),
        (
            "select setval('s', 5)",
            "Data(DataStatement { verb: \"SELECT\", target: None, filtered: false, rewrites: false, calls: [setval] })",
        ),
        (
            "copy t from stdin",
            "Data(DataStatement { verb: \"COPY\", target: Some(t), filtered: false, rewrites: false, calls: [] })",
        ),
        (
            "vacuum full t",
            "Data(DataStatement { verb: \"VACUUM\", target: Some(t), filtered: false, rewrites: true, calls: [] })",
        ),
        ("do $$ begin end $$", "Do { language: plpgsql, body: \" begin end \", code: Some(Code { steps: [] }) }"),
    ] {
        assert_eq!(brief(&one(text)), expected);
    }
}

#[test]
fn what_is_kept_as_text_says_what_it_touches() {
    let Ddl::Opaque(it) = one("create publication p for table s.t (a), u where (x > 1)") else { panic!() };
    assert_eq!((it.kind.as_str(), it.why.as_str()), ("CREATE PUBLICATION", "publications are kept as text"));
    assert_eq!(format!("{:?} {:?}", it.object, it.touches), "Some(Other(\"PUBLICATION\", p)) {u, s.t}");
    let Ddl::Opaque(it) = one("create rule r as on insert to t do instead (delete from u; select 1)") else { panic!() };
    assert_eq!(format!("{:?} {:?}", it.object, it.touches), "Some(Rule(t, r)) {t, u}");
    let Ddl::DropOpaque { object, cascade, .. } = one("drop publication p cascade") else { panic!() };
    assert_eq!((format!("{object:?}"), cascade), ("Other(\"PUBLICATION\", p)".into(), true));
}

#[test]
fn names_are_folded_unescaped_and_cut() {
    let long = "x".repeat(70);
    let text = format!("create table U&\"d\\0061t\" (ABC int, \"A\"\"b\" {long})");
    let Some(Ddl::CreateTable { table, .. }) = parse(&text).ddl.pop() else { panic!() };
    assert_eq!(table.name, Name::bare("dat"));
    assert_eq!(table.columns.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["abc", "A\"b"]);
    assert_eq!(table.columns[1].ty.name.len(), 63);
    assert_eq!(problems(&text).len(), 1);
}

#[test]
fn types_have_the_names_of_format_type() {
    for (written, canonical) in [
        ("int", "integer"),
        ("INT4", "integer"),
        ("int2", "smallint"),
        ("int8", "bigint"),
        ("float", "double precision"),
        ("float(10)", "real"),
        ("float4", "real"),
        ("decimal(10,2)", "numeric(10,2)"),
        ("numeric(5)", "numeric(5,0)"),
        ("bool", "boolean"),
        ("varchar", "character varying"),
        ("character varying(5)", "character varying(5)"),
        ("char", "character(1)"),
        ("nchar(3)", "character(3)"),
        ("bpchar", "bpchar"),
        ("\"char\"", "\"char\""),
        ("timestamptz(3)", "timestamp(3) with time zone"),
        ("timestamp", "timestamp without time zone"),
        ("time with time zone", "time with time zone"),
        ("timetz", "time with time zone"),
        ("interval year to month", "interval year to month"),
        ("interval second(3)", "interval second(3)"),
        ("bit varying(8)", "bit varying(8)"),
        ("varbit", "bit varying"),
        ("bit", "bit(1)"),
        ("double precision[]", "double precision[]"),
        ("int array[4]", "integer[]"),
        ("int[][]", "integer[]"),
        ("pg_catalog.int4", "integer"),
        ("pg_catalog.\"char\"", "\"char\""),
        ("pg_catalog.bpchar", "bpchar"),
        ("serial", "serial"),
        ("bigserial", "bigserial"),
        ("serial4", "serial"),
        ("app.\"Mood\"", "app.Mood"),
        ("geometry(Point, 4326)", "geometry(Point,4326)"),
        ("national character varying(4)", "character varying(4)"),
    ] {
        assert_eq!(super::data_type(written).map(|it| it.to_string()).as_deref(), Some(canonical), "{written}");
        let in_table = table(&format!("create table t (a {written})")).columns.remove(0).ty;
        assert_eq!(Some(in_table), super::data_type(written), "{written}");
    }
    for text in ["", "int)", "int, int", "1", "select", "int; drop", "(((((((("] {
        assert_eq!(super::data_type(text), None, "{text}");
    }
}

#[test]
fn what_is_incomplete_is_refused() {
    for text in [
        "DROP TABLE",
        "ALTER TABLE t",
        "ALTER TABLE",
        "CREATE TABLE t",
        "ALTER SEQUENCE s",
        "COMMENT ON TABLE t IS",
        "GRANT SELECT ON t TO",
    ] {
        assert!(ddl_or_problems(text), "{text}: {:?}", parse(text));
    }
    expect!["error: this DROP TABLE statement is incomplete: a name or an action is missing [DROP TABLE]"]
        .assert_eq(&problems("DROP TABLE").join("\n"));
    expect!["error: syntax error at `c`: expected `,` [c]"]
        .assert_eq(&problems("create table t (a int,\n b int\n c int)").join("\n"));
    expect!["error: syntax error at `create`: expected command, found CREATE [create]"]
        .assert_eq(&problems("create tabel t (a int)").join("\n"));
}

/// Nothing lowered, and a problem that says so.
fn ddl_or_problems(text: &str) -> bool {
    let parsed = parse(text);
    parsed.ddl.is_empty() && parsed.problems.iter().any(|it| it.severity == Severity::Error)
}

#[test]
fn a_broken_statement_still_names_its_table() {
    let parsed = parse("alter table s.t add column a int defualt 1");
    assert!(parsed.ddl.is_empty());
    assert_eq!(format!("{:?}", parsed.marks), "[Mark { object: Table(s.t), range: 12..15, defines: false }]");
}

#[test]
fn marks_tell_definitions_from_references() {
    let text = "-- c\ncreate table s.t (a int references u (b), constraint k check (a > 0));";
    let (statements, _) = parse_file(&Postgres, text);
    let full = statements[0].full.start;
    let marks: Vec<_> = statements[0]
        .parsed
        .marks
        .iter()
        .map(|it| format!("{} {} {:?}", &text[it.range.start + full..it.range.end + full], it.defines, it.object))
        .collect();
    expect![[r#"
        s.t true Table(s.t)
        a true Column(s.t, a)
        u false Table(u)
        b false Column(u, b)
        k true Constraint(s.t, k)"#]]
    .assert_eq(&marks.join("\n"));
}
