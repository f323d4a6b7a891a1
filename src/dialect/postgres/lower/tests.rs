//! Lowering, by example: statement in, `Ddl` out.

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
fn columns_have_types_defaults_and_the_rest() {
    let table = table(
        "CREATE TABLE app.orders (
            id bigint GENERATED ALWAYS AS IDENTITY (START WITH 10 CACHE 5) PRIMARY KEY,
            \"Code\" varchar(10) COLLATE \"C\" NOT NULL DEFAULT 'x'::text,
            total numeric(10) CONSTRAINT positive CHECK (total > 0) NO INHERIT,
            twice numeric GENERATED ALWAYS AS (total * 2) STORED,
            tags text[] STORAGE EXTERNAL COMPRESSION lz4,
            customer int REFERENCES customers (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED NULL
        ) PARTITION BY RANGE (id) WITH (fillfactor = 70, toast.autovacuum_enabled) TABLESPACE fast",
    );
    let columns: Vec<_> = table.columns.iter().map(brief).collect();
    expect![[r#"
        Column { name: id, ty: DataType { name: "bigint" }, not_null: true, identity: Some(Identity { always: true, options: SequenceOptions { ty: None, start: Some(10), increment: None, min: None, max: None, cache: Some(5), cycle: false, name: None } }), }
        Column { name: Code, ty: DataType { name: "character varying", modifiers: ["10"] }, collation: Some(C), not_null: true, default: Some('x'::text), }
        Column { name: total, ty: DataType { name: "numeric", modifiers: ["10", "0"] }, }
        Column { name: twice, ty: DataType { name: "numeric" }, generated: Some(Generated { expr: total * 2, stored: true }), }
        Column { name: tags, ty: DataType { name: "text", array: true }, storage: Some("EXTERNAL"), compression: Some("lz4"), }
        Column { name: customer, ty: DataType { name: "integer" }, }"#]]
    .assert_eq(&columns.join("\n"));
    let constraints: Vec<_> = table.constraints.iter().map(brief).collect();
    expect![[r#"
        Constraint { name: None, kind: PrimaryKey(KeyConstraint { columns: [id] }) }
        Constraint { name: Some(positive), kind: Check(total > 0), no_inherit: true }
        Constraint { name: None, kind: ForeignKey(ForeignKey { columns: [customer], references: customers, referenced_columns: [id], on_delete: Cascade, on_update: NoAction }), deferrable: true, initially_deferred: true }"#]].assert_eq(&constraints.join("\n"));
    expect![[r#"(app.orders, Some(PartitionBy { strategy: Range, keys: [IndexKey { expr: Column(id) }] }), {"fillfactor": "70", "toast.autovacuum_enabled": "true"}, Some(fast))"#]].assert_eq(&brief(&(table.name, table.partition_by, table.options, table.tablespace)));
}

#[test]
fn table_constraints() {
    let table = table(
        "create table t (a int, b int, r int4range, c text,
            constraint k unique nulls not distinct (a, b) include (c) with (fillfactor = 90) using index tablespace fast,
            primary key (a, r without overlaps),
            foreign key (a, period r) references u (x, period y) match full on update set default on delete set null (a),
            exclude using gist (r with &&, lower(c) collate \"C\" text_ops desc with operator(pg_catalog.=), a inet_ops with =) where (a > 1) deferrable,
            check (a > 0) not enforced,
            not null c)",
    );
    let constraints: Vec<_> = table.constraints.iter().map(brief).collect();
    expect![[r#"
        Constraint { name: Some(k), kind: Unique(KeyConstraint { columns: [a, b], include: [c], nulls_not_distinct: true, options: {"fillfactor": "90"}, tablespace: Some(fast) }) }
        Constraint { name: None, kind: PrimaryKey(KeyConstraint { columns: [a, r], without_overlaps: true }) }
        Constraint { name: None, kind: ForeignKey(ForeignKey { columns: [a, r], references: u, referenced_columns: [x, y], on_delete: SetNull, on_delete_columns: [a], on_update: SetDefault, match_full: true, period: true }) }
        Constraint { name: None, kind: Exclude(Exclude { method: gist, elements: [(IndexKey { expr: Column(r) }, "&&"), (IndexKey { expr: Expr(lower(c)), collation: Some(C), opclass: Some("text_ops"), descending: true }, "="), (IndexKey { expr: Column(a), opclass: Some("inet_ops") }, "=")], predicate: Some(a > 1) }), deferrable: true }
        Constraint { name: None, kind: Check(a > 0), not_enforced: true }"#]].assert_eq(&constraints.join("\n"));
    assert!(table.column(&"c".into()).is_some_and(|it| it.not_null));
}

#[test]
fn other_forms_of_create_table() {
    let partition =
        table("create table p partition of t (a not null, check (a > 1)) for values from (1) to (MAXVALUE)");
    assert_eq!(partition.partition_of.as_ref().map(|it| it.parent.to_string()), Some("t".into()));
    assert_eq!(
        partition.partition_of.map(|it| it.bound.canon().to_owned()),
        Some("for values from (1) to (maxvalue)".into())
    );
    assert_eq!(table("create unlogged table t () inherits (a, b.c)").inherits, [Name::bare("a"), Name::new("b", "c")]);
    assert_eq!(table("create temp table t (a int)").persistence, Persistence::Temporary);
    let Ddl::CreateTable { likes, .. } = one("create table t (x int, like a.b including all excluding indexes, y int)")
    else {
        panic!()
    };
    expect![[r#"[Like { source: a.b, including: ["COMMENTS", "COMPRESSION", "CONSTRAINTS", "DEFAULTS", "GENERATED", "IDENTITY", "STATISTICS", "STORAGE"], at: 1 }]"#]].assert_eq(&format!("{likes:?}"));
    assert!(matches!(one("create table t as select 1"), Ddl::CreateTableAs { .. }));
    assert!(matches!(one("select 1 into t"), Ddl::CreateTableAs { .. }));
    assert!(matches!(one("create table t of ty"), Ddl::Opaque(_)));
}

#[test]
fn alter_table_is_one_ddl_for_each_action() {
    check(
        "ALTER TABLE ONLY public.t
            ADD COLUMN IF NOT EXISTS a int NOT NULL DEFAULT 1 CHECK (a > 0),
            DROP COLUMN IF EXISTS b CASCADE,
            ALTER c TYPE bigint USING c::bigint,
            ALTER COLUMN d SET DEFAULT now(),
            ALTER d DROP DEFAULT,
            ALTER d SET NOT NULL,
            ALTER d DROP NOT NULL,
            ALTER e ADD GENERATED BY DEFAULT AS IDENTITY (INCREMENT BY 2),
            ALTER e SET GENERATED ALWAYS SET CACHE 3 RESTART WITH 7,
            ALTER e DROP IDENTITY IF EXISTS,
            ALTER f SET EXPRESSION AS (a + 1),
            ALTER f DROP EXPRESSION,
            ALTER f SET STATISTICS 100,
            ALTER f SET STORAGE main,
            ALTER f SET COMPRESSION default,
            ALTER f SET (n_distinct = -0.5),
            ALTER f RESET (n_distinct)",
        expect![[r#"
            AddColumn { table: t, column: Column { name: a, ty: DataType { name: "integer" }, not_null: true, default: Some(1), }, constraints: [Constraint { name: None, kind: Check(a > 0) }], if_not_exists: true }
            DropColumn { table: t, column: b, if_exists: true, cascade: true }
            SetType { table: t, column: c, ty: DataType { name: "bigint" }, using: Some(c::bigint) }
            SetDefault { table: t, column: d, default: Some(now()) }
            SetDefault { table: t, column: d, default: None }
            SetNotNull { table: t, column: d }
            DropNotNull { table: t, column: d }
            AddIdentity { table: t, column: e, identity: Identity { always: false, options: SequenceOptions { ty: None, start: None, increment: Some(2), min: None, max: None, cache: None, cycle: false, name: None } } }
            SetIdentity { table: t, column: e, always: Some(true), options: SequenceOptions { ty: None, start: None, increment: None, min: None, max: None, cache: Some(3), cycle: false, name: None }, restart: Some(Some(7)) }
            DropIdentity { table: t, column: e, if_exists: true }
            SetExpression { table: t, column: f, expr: a + 1 }
            DropExpression { table: t, column: f, if_exists: false }
            SetColumnStatistics { table: t, column: f, target: Some(100) }
            SetColumnStorage { table: t, column: f, storage: "MAIN" }
            SetColumnCompression { table: t, column: f, method: None }
            SetColumnOptions { table: t, column: f, set: {"n_distinct": "-0.5"}, reset: [] }
            SetColumnOptions { table: t, column: f, set: {}, reset: ["n_distinct"] }"#]],
    );
}

#[test]
fn alter_table_on_the_whole() {
    check(
        "alter table t add constraint k foreign key (a) references u not valid, add unique using index i, validate constraint k,
            drop constraint if exists k cascade, alter constraint k deferrable initially deferred, add constraint n not null a not valid,
            add not null b, enable row level security, force row level security, replica identity using index i, replica identity full,
            cluster on i, set without cluster, inherit p, no inherit p, set (fillfactor = 50), reset (fillfactor), set unlogged,
            set tablespace fast, set access method heap, owner to current_user, disable trigger all, enable always trigger x",
        expect![[r#"
            AddConstraint { table: t, constraint: Constraint { name: Some(k), kind: ForeignKey(ForeignKey { columns: [a], references: u, referenced_columns: [], on_delete: NoAction, on_update: NoAction }), not_valid: true } }
            AddConstraintUsingIndex { table: t, name: None, primary: false, index: i, initially_deferred: false }
            ValidateConstraint { table: t, name: k }
            DropConstraint { table: t, name: k, if_exists: true, cascade: true }
            AlterConstraint { table: t, name: k, deferrable: Some(true), initially_deferred: Some(true), enforced: None }
            AddConstraint { table: t, constraint: Constraint { name: Some(n), kind: NotNull(a), not_valid: true } }
            SetNotNull { table: t, column: b }
            SetRowSecurity { table: t, change: Enable }
            SetRowSecurity { table: t, change: Force }
            SetReplicaIdentity { table: t, identity: Index(i) }
            SetReplicaIdentity { table: t, identity: Full }
            ClusterOn { table: t, index: Some(i) }
            ClusterOn { table: t, index: None }
            Inherit { table: t, parent: p }
            NoInherit { table: t, parent: p }
            SetTableOptions { table: t, set: {"fillfactor": "50"}, reset: [] }
            SetTableOptions { table: t, set: {}, reset: ["fillfactor"] }
            SetPersistence { table: t, persistence: Unlogged }
            SetTablespace { table: t, tablespace: fast }
            SetAccessMethod { table: t, method: heap }
            SetOwner { object: Table(t), owner: current_user }
            EnableTrigger { table: t, trigger: None, enabled: Disabled }
            EnableTrigger { table: t, trigger: Some(x), enabled: Always }"#]],
    );
    check(
        "alter table t attach partition p for values in (1, 'a'); ",
        expect!["AttachPartition { parent: t, partition: p, bound: for values in (1, 'a') }"],
    );
    for (text, expected) in [
        ("alter table if exists t rename to u", "RenameTable { from: t, to: u, if_exists: true }"),
        ("alter table t rename a to b", "RenameColumn { table: t, from: a, to: b }"),
        ("alter table t rename constraint a to b", "RenameConstraint { table: t, from: a, to: b }"),
        ("alter table t set schema s", "SetTableSchema { name: t, schema: s }"),
        (
            "alter table t detach partition p concurrently",
            "DetachPartition { parent: t, partition: p, mode: Concurrently }",
        ),
    ] {
        assert_eq!(brief(&one(text)), expected);
    }
}

#[test]
fn indexes() {
    check(
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY s.t USING gin (a DESC NULLS LAST, lower(b) COLLATE \"C\" text_pattern_ops, (c || d) x.ops (siglen='32') ASC NULLS LAST) INCLUDE (e, f) NULLS NOT DISTINCT WITH (fastupdate=off) TABLESPACE fast WHERE a > 1",
        expect![[
            r#"CreateIndex { index: Index { name: Some(i), table: s.t, unique: true, method: gin, keys: [IndexKey { expr: Column(a), descending: true, nulls_first: Some(false) }, IndexKey { expr: Expr(lower(b)), collation: Some(C), opclass: Some("text_pattern_ops") }, IndexKey { expr: Expr(c || d), opclass: Some("x.ops(siglen='32')") }], include: [e, f], nulls_not_distinct: true, predicate: Some(a > 1), options: {"fastupdate": "off"}, tablespace: Some(fast), only: true, attached_to: None, statistics: {} }, concurrently: true, if_not_exists: true }"#
        ]],
    );
    for (text, expected) in [
        ("create index on t ((a))", "Column(a)"),
        ("create index on t (((a + 1)))", "Expr(a + 1)"),
        ("create index on t (f(a))", "Expr(f(a))"),
    ] {
        let Ddl::CreateIndex { index, .. } = one(text) else { panic!() };
        assert_eq!(format!("{:?}", index.keys[0].expr), expected);
    }
    for (text, expected) in [
        ("alter index i rename to j", "RenameIndex { from: i, to: j }"),
        ("alter index p attach partition c", "AttachIndex { parent: p, index: c }"),
        ("alter index i alter column 2 set statistics 500", "SetIndexStatistics { index: i, column: 2, target: 500 }"),
        ("reindex index concurrently s.i", "Reindex { what: \"INDEX\", name: s.i, concurrently: true }"),
        ("reindex (concurrently) table t", "Reindex { what: \"TABLE\", name: t, concurrently: true }"),
        (
            "drop index concurrently if exists s.i",
            "DropIndex { name: s.i, concurrently: true, if_exists: true, cascade: false }",
        ),
    ] {
        assert_eq!(brief(&one(text)), expected);
    }
}

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
        ("savepoint a", "Transaction(Other)"),
        ("lock table t in share mode", "Lock { tables: [t], mode: \"SHARE\" }"),
        ("truncate t, s.u cascade", "Truncate { tables: [t, s.u], cascade: true }"),
        (
            "update t set a = 1",
            "Data(DataStatement { verb: \"UPDATE\", target: Some(t), filtered: false, rewrites: false })",
        ),
        (
            "with x as (select 1) delete from t where a = 1",
            "Data(DataStatement { verb: \"DELETE\", target: Some(t), filtered: true, rewrites: false })",
        ),
        (
            "select setval('s', 5)",
            "Data(DataStatement { verb: \"SELECT\", target: None, filtered: false, rewrites: false })",
        ),
        (
            "copy t from stdin",
            "Data(DataStatement { verb: \"COPY\", target: Some(t), filtered: false, rewrites: false })",
        ),
        ("vacuum full t", "Data(DataStatement { verb: \"VACUUM\", target: Some(t), filtered: false, rewrites: true })"),
        ("do $$ begin end $$", "Do { language: plpgsql, body: \" begin end \" }"),
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
