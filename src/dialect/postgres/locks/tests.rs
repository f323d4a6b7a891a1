use std::sync::Arc;

use super::*;
use crate::sql::{
    Column, DataType, Expr, ForeignKey, ForeignKeyAction, KeyConstraint, PartitionBy, PartitionOf, PartitionStrategy,
};

fn name(text: &str) -> Name {
    Name::new("public", text)
}

fn foreign_key(column: &str, references: &str) -> Constraint {
    let fk = ForeignKey {
        columns: vec![column.into()],
        references: name(references),
        referenced_columns: vec!["id".into()],
        on_delete: ForeignKeyAction::NoAction,
        on_delete_columns: Vec::new(),
        on_update: ForeignKeyAction::NoAction,
        match_full: false,
        period: false,
    };
    Constraint::new(Some(format!("fk_{column}").as_str().into()), ConstraintKind::ForeignKey(fk))
}

/// t (id key, a), child (t_id → t), part with part1 and a default partition.
fn catalog() -> Catalog {
    let mut res = Catalog::new();
    let mut add = |table_name: &str, edit: &dyn Fn(&mut Table)| {
        let mut table = Table::new(name(table_name));
        for column in ["id", "a", "t_id"] {
            table.columns.push(Column::new(column.into(), DataType::builtin("integer")));
        }
        table.columns[0].not_null = true;
        edit(&mut table);
        res.tables.insert(table.name.clone(), Arc::new(table));
    };
    let bound = |text: &str| Some(PartitionOf { parent: name("part"), bound: Expr::new(text, text) });
    add("t", &|it| {
        let key = KeyConstraint::on(vec!["id".into()]);
        it.constraints.push(Constraint::new(Some("t_pkey".into()), ConstraintKind::PrimaryKey(key)));
    });
    add("child", &|it| it.constraints.push(foreign_key("t_id", "t")));
    let by = PartitionBy { strategy: PartitionStrategy::Range, keys: vec![crate::sql::IndexKey::column("id".into())] };
    add("part", &|it| it.partition_by = Some(by.clone()));
    add("part1", &|it| it.partition_of = bound("FOR VALUES FROM (0) TO (10)"));
    add("partd", &|it| it.partition_of = bound("DEFAULT"));
    res
}

#[track_caller]
fn check(ddl: &Ddl, version: u32, expect: &str) {
    let impact = lock_of(ddl, &catalog(), &Facts::for_version(version));
    let mut words: Vec<String> = impact.locks.iter().map(|it| format!("{} {}", it.object, it.mode.as_str())).collect();
    let mut note = |label: &str, names: &[Name]| words.extend(names.iter().map(|it| format!("{label} {it}")));
    note("rewrites", &impact.rewrites);
    note("scans", &impact.scans);
    note("builds", &impact.builds);
    words.extend(impact.refused.map(|it| format!("refused: {it}")));
    assert_eq!(words.join(", "), expect);
}

fn set_type(table: &str, column: &str, ty: &str) -> Ddl {
    Ddl::SetType { table: name(table), column: column.into(), ty: DataType::builtin(ty), collation: None, using: None }
}

#[test]
fn a_new_type_of_a_referenced_key_locks_and_checks_the_child() {
    check(
        &set_type("t", "id", "bigint"),
        15,
        "child AccessExclusive, t AccessExclusive, rewrites t, scans child, builds t_pkey",
    );
    check(
        &set_type("t", "a", "uuid"),
        15,
        "t AccessExclusive, refused: column a cannot be cast automatically from integer to uuid: it needs USING",
    );
}

#[test]
fn partitions_are_locked_with_their_parent() {
    let add = Ddl::AddConstraint { table: name("part"), constraint: Box::new(foreign_key("t_id", "t")) };
    check(
        &add,
        15,
        "part ShareRowExclusive, part1 ShareRowExclusive, partd ShareRowExclusive, t ShareRowExclusive, scans part1, scans partd",
    );
    let detach = |mode| Ddl::DetachPartition { parent: name("part"), partition: name("part1"), mode };
    use crate::sql::DetachMode::*;
    check(&detach(Plain), 13, "part AccessExclusive, part1 ShareUpdateExclusive, partd AccessExclusive");
    check(&detach(Plain), 14, "part AccessExclusive, part1 AccessExclusive, partd AccessExclusive");
    check(
        &detach(Concurrently),
        14,
        "part ShareUpdateExclusive, part1 AccessExclusive, refused: part has a DEFAULT partition: its partitions cannot be detached concurrently",
    );
}

#[test]
fn dropping_a_child_locks_its_parent() {
    let drop = |table: &str, cascade| Ddl::DropTable { name: name(table), if_exists: false, cascade };
    check(&drop("child", false), 15, "child AccessExclusive, t AccessExclusive");
    check(
        &drop("t", false),
        15,
        "child AccessExclusive, t AccessExclusive, refused: foreign key fk_t_id of child depends on t",
    );
    check(&drop("t", true), 15, "child AccessExclusive, t AccessExclusive");
}

#[test]
fn names_without_a_schema_are_looked_up() {
    let ddl = Ddl::SetNotNull { table: Name::bare("t"), column: "a".into() };
    check(&ddl, 15, "t AccessExclusive, scans t");
    let ddl = Ddl::SetNotNull { table: Name::bare("nowhere"), column: "a".into() };
    check(&ddl, 15, "nowhere AccessExclusive, scans nowhere");
}
