//! Tables, columns, constraints, indexes.

use expect_test::expect;

use super::{brief, check, one, table};
use crate::sql::*;

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
        Column { name: id, ty: DataType { name: "bigint" }, not_null: true, not_null_name: None, identity: Some(Identity { always: true, options: SequenceOptions { ty: None, start: Some(10), increment: None, min: None, max: None, cache: Some(5), cycle: false, name: None } }), }
        Column { name: Code, ty: DataType { name: "character varying", modifiers: ["10"] }, collation: Some(C), not_null: true, not_null_name: None, default: Some('x'::text), }
        Column { name: total, ty: DataType { name: "numeric", modifiers: ["10", "0"] }, not_null_name: None, }
        Column { name: twice, ty: DataType { name: "numeric" }, not_null_name: None, generated: Some(Generated { expr: total * 2, stored: true }), }
        Column { name: tags, ty: DataType { name: "text", array: true }, not_null_name: None, storage: Some("EXTERNAL"), compression: Some("lz4"), }
        Column { name: customer, ty: DataType { name: "integer" }, not_null_name: None, }"#]]
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
            AddColumn { table: t, column: Column { name: a, ty: DataType { name: "integer" }, not_null: true, not_null_name: None, default: Some(1), }, constraints: [Constraint { name: None, kind: Check(a > 0) }], if_not_exists: true }
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
