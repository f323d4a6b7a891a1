//! Everything else that has a shape.

use expect_test::expect;

use super::{brief, check, ddl, one};
use crate::sql::*;

#[test]
fn sequences_and_types() {
    check(
        "create sequence if not exists s.q as integer increment by -1 minvalue -5 no maxvalue start with 3 cache 10 cycle owned by s.t.id",
        expect![[
            r#"CreateSequence { sequence: Sequence { name: s.q, persistence: Permanent, options: SequenceOptions { ty: Some(DataType { name: "integer" }), start: Some(3), increment: Some(-1), min: Some(-5), max: None, cache: Some(10), cycle: true, name: None }, owned_by: Some((s.t, id)), owner: None }, if_not_exists: true }"#
        ]],
    );
    check(
        "alter sequence q owned by none restart",
        expect![
            "AlterSequence { name: q, set: SequenceOptions { ty: None, start: None, increment: None, min: None, max: None, cache: None, cycle: false, name: None }, restart: Some(None), owned_by: Some(None), if_exists: false }"
        ],
    );
    check(
        "create type mood as enum ('a', E'b\\'c')",
        expect![[r#"CreateType { ty: UserType { name: mood, kind: Enum(["a", "b'c"]), owner: None } }"#]],
    );
    check(
        "create type pair as (a int, b text collate \"C\")",
        expect![[
            r#"CreateType { ty: UserType { name: pair, kind: Composite([Attribute { name: a, ty: DataType { name: "integer" }, collation: None }, Attribute { name: b, ty: DataType { name: "text" }, collation: Some(C) }]), owner: None } }"#
        ]],
    );
    check(
        "create type fr as range (subtype = float8, subtype_diff = float8mi)",
        expect![[
            r#"CreateType { ty: UserType { name: fr, kind: Range({"subtype": "float8", "subtype_diff": "float8mi"}), owner: None } }"#
        ]],
    );
    check(
        "create domain email as text collate \"C\" default '' not null constraint shape check (value ~ '@') check (length(value) < 9)",
        expect![[
            r#"CreateType { ty: UserType { name: email, kind: Domain(Domain { base: DataType { name: "text" }, collation: Some(C), default: Some(''), not_null: true, checks: [Constraint { name: Some(shape), kind: Check(value ~ '@') }, Constraint { name: None, kind: Check(length(value) < 9) }] }), owner: None } }"#
        ]],
    );
    for (text, expected) in [
        (
            "alter type mood add value if not exists 'x' before 'a'",
            "AddEnumValue { ty: mood, value: \"x\", position: Before(\"a\"), if_not_exists: true }",
        ),
        ("alter type mood rename value 'a' to 'b'", "RenameEnumValue { ty: mood, from: \"a\", to: \"b\" }"),
        (
            "alter type pair drop attribute if exists a",
            "AlterComposite { name: pair, action: DropAttribute { name: a, if_exists: true } }",
        ),
        ("alter domain d drop not null", "AlterDomain { name: d, action: DropNotNull }"),
        ("alter type t rename to u", "RenameType { from: t, to: u }"),
        ("drop domain if exists d cascade", "DropType { name: d, domain: true, if_exists: true, cascade: true }"),
        ("create type t", "CreateType { ty: UserType { name: t, kind: Shell, owner: None } }"),
    ] {
        assert_eq!(brief(&one(text)), expected);
    }
}

#[test]
fn views_know_what_they_read() {
    let text = "create or replace view v (a, b) with (security_barrier) as
        with c as (select * from base) select lower(x), s.f(y) from c join s.t using (id) where exists (select 1 from u) with local check option";
    let Ddl::CreateView { view, or_replace: true, .. } = one(text) else { panic!() };
    expect![[r#"[a, b] {"check_option": "local", "security_barrier": "true"} {base, u, s.t} {lower, s.f}"#]]
        .assert_eq(&format!("{:?} {:?} {:?} {:?}", view.columns, view.options, view.reads, view.calls));
    assert!(view.query.text().starts_with("with c as") && view.query.text().ends_with("from u)"), "{}", view.query);
    let Ddl::CreateView { view, .. } = one("create materialized view m tablespace x as select 1 with no data") else {
        panic!()
    };
    assert!(view.materialized && !view.with_data && view.tablespace == Some("x".into()));
    assert_eq!(
        brief(&one("refresh materialized view concurrently s.m")),
        "RefreshView { name: s.m, concurrently: true, with_data: true }"
    );
}

#[test]
fn functions() {
    check(
        "create or replace function s.f(a int, out b text, variadic c int[] default '{}') returns setof record language plpgsql
            stable strict security definer parallel safe cost 100 rows 10 set search_path = public, pg_temp as $body$ begin end $body$",
        expect![[r#"CreateFunction { function: Function { name: s.f, kind: Function, args: [Argument { mode: In, name: Some(a), ty: DataType { name: "integer" }, default: None }, Argument { mode: Out, name: Some(b), ty: DataType { name: "text" }, default: None }, Argument { mode: Variadic, name: Some(c), ty: DataType { name: "integer", array: true }, default: Some('{}') }], returns: Some(setof record), language: plpgsql, body:  begin end , sql_body: false, attributes: {"parallel": "safe", "rows": "10", "security": "definer", "set search_path": "public, pg_temp", "strict": "", "volatility": "stable"}, owner: None }, or_replace: true }"#]],
    );
    check(
        "create function g() returns table (id int, n text) language sql begin atomic select 1, 'a'; end",
        expect![
            "CreateFunction { function: Function { name: g, kind: Function, args: [], returns: Some(TABLE(id int, n text)), language: sql, body: begin atomic select 1, 'a'; end, sql_body: true, attributes: {}, owner: None }, or_replace: false }"
        ],
    );
    check(
        "create procedure p(inout x int) language c as 'lib', 'sym'",
        expect![[
            r#"CreateFunction { function: Function { name: p, kind: Procedure, args: [Argument { mode: InOut, name: Some(x), ty: DataType { name: "integer" }, default: None }], returns: None, language: c, body: 'lib', 'sym', sql_body: false, attributes: {}, owner: None }, or_replace: false }"#
        ]],
    );
    check(
        "create aggregate agg(int) (sfunc = f, stype = int8)",
        expect![[
            r#"CreateFunction { function: Function { name: agg, kind: Aggregate, args: [Argument { mode: In, name: None, ty: DataType { name: "integer" }, default: None }], returns: None, language: internal, body: (sfunc = f, stype = int8), sql_body: false, attributes: {}, owner: None }, or_replace: false }"#
        ]],
    );
    for (text, expected) in [
        (
            "drop function if exists f(int, out text), g cascade",
            "DropFunction { name: f, args: Some([DataType { name: \"integer\" }]), kind: Function, if_exists: true, cascade: true }\nDropFunction { name: g, args: None, kind: Function, if_exists: true, cascade: true }",
        ),
        ("alter procedure p() rename to q", "RenameFunction { name: p, args: Some([]), kind: Procedure, to: q }"),
        (
            "drop aggregate a(*)",
            "DropFunction { name: a, args: Some([]), kind: Aggregate, if_exists: false, cascade: false }",
        ),
    ] {
        assert_eq!(ddl(text).iter().map(brief).collect::<Vec<_>>().join("\n"), expected);
    }
    assert!(matches!(one("alter function f() stable"), Ddl::Opaque(_)));
}

#[test]
fn triggers_and_policies() {
    check(
        "create constraint trigger x after update of a, b or insert on t from u deferrable initially deferred for each row when (new.a > 1) execute procedure s.f('a', 2, b)",
        expect![[
            r#"CreateTrigger { trigger: Trigger { name: x, table: t, timing: After, events: [Insert, Update([a, b])], for_each_row: true, when: Some(new.a > 1), function: s.f, args: ["a", "2", "b"], constraint: true, deferrable: true, initially_deferred: true, from_table: Some(u), old_table: None, new_table: None, enabled: Origin }, or_replace: false }"#
        ]],
    );
    check(
        "create trigger y after delete on t referencing old table as o for each statement execute function f()",
        expect![
            "CreateTrigger { trigger: Trigger { name: y, table: t, timing: After, events: [Delete], for_each_row: false, when: None, function: f, args: [], constraint: false, from_table: None, old_table: Some(o), new_table: None, enabled: Origin }, or_replace: false }"
        ],
    );
    check(
        "create policy p on t as restrictive for update to b, a using (owner = current_user) with check (true)",
        expect![[
            r#"CreatePolicy { policy: Policy { name: p, table: t, permissive: false, command: "UPDATE", roles: [a, b], using: Some(owner = current_user), check: Some(true) } }"#
        ]],
    );
    check(
        "create policy p on t",
        expect![[
            r#"CreatePolicy { policy: Policy { name: p, table: t, permissive: true, command: "ALL", roles: [public], using: None, check: None } }"#
        ]],
    );
    check(
        "alter policy p on t to public using (a)",
        expect!["AlterPolicy { table: t, name: p, roles: Some([public]), using: Some(a), check: None }"],
    );
}

#[test]
fn comments_and_privileges() {
    for (text, expected) in [
        ("comment on table s.t is 'it''s'", "Comment { object: Table(s.t), text: Some(\"it's\") }"),
        ("comment on column s.t.c is null", "Comment { object: Column(s.t, c), text: None }"),
        ("comment on constraint k on t is 'x'", "Comment { object: Constraint(t, k), text: Some(\"x\") }"),
        ("comment on constraint k on domain d is 'x'", "Comment { object: DomainConstraint(d, k), text: Some(\"x\") }"),
        (
            "comment on function f(int) is 'x'",
            "Comment { object: Function(f, [DataType { name: \"integer\" }]), text: Some(\"x\") }",
        ),
        (
            "comment on cast (int as text) is 'x'",
            "Comment { object: Other(\"CAST\", (int as text)), text: Some(\"x\") }",
        ),
    ] {
        assert_eq!(brief(&one(text)), expected);
    }
    check(
        "grant select (a, b), insert, maintain on t, s.u to public, \"X\" with grant option",
        expect![[r#"
        Grant { privileges: ["INSERT", "MAINTAIN"], objects: [Table(t), Table(s.u)], grantees: [public, X], grantable: true }
        Grant { privileges: ["SELECT"], objects: [Column(t, a), Column(t, b), Column(s.u, a), Column(s.u, b)], grantees: [public, X], grantable: true }"#]],
    );
    check(
        "grant all privileges on all tables in schema s to r",
        expect![[
            r#"Grant { privileges: ["ALL"], objects: [Other("ALL TABLES IN SCHEMA", s)], grantees: [r], grantable: false }"#
        ]],
    );
    check(
        "grant usage on schema s to current_user",
        expect![[
            r#"Grant { privileges: ["USAGE"], objects: [Schema(s)], grantees: [current_user], grantable: false }"#
        ]],
    );
    check(
        "revoke grant option for execute on function f(int) from r cascade",
        expect![[
            r#"Revoke { privileges: ["EXECUTE"], objects: [Function(f, [DataType { name: "integer" }])], grantees: [r], option_only: true, cascade: true }"#
        ]],
    );
    assert!(matches!(one("grant a to b"), Ddl::Opaque(_)));
}

#[test]
fn the_rest_with_a_shape() {
    for (text, expected) in [
        (
            "create schema if not exists s authorization o",
            "CreateSchema { name: s, if_not_exists: true, owner: Some(o) }",
        ),
        (
            "create extension if not exists \"uuid-ossp\" with schema e version '1.1' cascade",
            "CreateExtension { extension: Extension { name: uuid-ossp, schema: Some(e), version: Some(\"1.1\") }, if_not_exists: true, cascade: true }",
        ),
        (
            "create statistics s (mcv, dependencies) on a, (b + 1) from t",
            "CreateStatistics { statistics: Statistics { name: s, table: t, kinds: [\"dependencies\", \"mcv\"], keys: [Column(a), Expr(b + 1)], target: None }, if_not_exists: false }",
        ),
        ("alter view v owner to r", "SetOwner { object: View(v), owner: r }"),
        (
            "alter function f(text) set schema s",
            "SetSchema { object: Function(f, [DataType { name: \"text\" }]), schema: s }",
        ),
    ] {
        assert_eq!(brief(&one(text)), expected);
    }
}
