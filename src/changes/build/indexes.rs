//! Indexes built beside running writers.

use std::sync::Arc;

use super::Builder;
use crate::{
    changes::{outline::Outline, pairs::Pairs},
    dialect::Probe,
    plan::{Action, PhaseKind, Undo, helper_name},
    sql::*,
};

/// Builds an index without blocking writers; on a partitioned table partition by partition.
pub fn index(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, index: &Index) {
    index_steps(b, acc, phase, index);
    if let Some(name) = index.name.clone().filter(|_| !b.is_new(&index.table)) {
        acc.verify(phase, b.dialect(), Probe::IndexValid(name));
    }
}

/// The steps of [`index`], for an index that has another name by the end of the phase.
fn index_steps(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, index: &Index) {
    let Some(name) = index.name.clone() else { return };
    if b.is_new(&index.table) && !b.pairs.base.views.contains_key(&index.table) {
        let create = Ddl::CreateIndex { index: Box::new(index.clone()), concurrently: false, if_not_exists: false };
        acc.step(phase, create, "the table is new and empty");
        return;
    }
    if index.unique {
        duplicates(b, acc, phase, index);
    }
    if b.partitioned(&index.table) && !index.only {
        partitioned_index(b, acc, phase, index, &name);
    } else {
        acc.preflight(phase, b.dialect(), Probe::NoInvalidIndex(name.clone()));
        let create = Ddl::CreateIndex { index: Box::new(index.clone()), concurrently: true, if_not_exists: false };
        acc.step(phase, create, "built beside running writes; it waits for transactions that are open when it starts");
    }
}

fn duplicates(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, index: &Index) {
    let columns: Option<Vec<Ident>> = index
        .keys
        .iter()
        .map(|it| match &it.expr {
            KeyExpr::Column(it) => Some(it.clone()),
            KeyExpr::Expr(_) => None,
        })
        .collect();
    if let Some(columns) = columns {
        let (table, predicate) = (index.table.clone(), index.predicate.clone());
        let probe = Probe::Duplicates { table, columns, predicate, nulls_not_distinct: index.nulls_not_distinct };
        acc.preflight(phase, b.dialect(), probe);
    }
}

/// `ON ONLY` the parent, CONCURRENTLY on each partition, then attach (playbook §4.6, HAZARDS I06).
fn partitioned_index(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, parent: &Index, name: &Name) {
    // Attached ones go with the parent and cannot go before it; those that a failure left unattached go after it.
    let drops = drops_below(b, &parent.table, name);
    shells(b, acc, phase, parent, name, Undo::By(drops.into_iter().map(Action::Ddl).collect()));
}

/// The name of a partition's part of an index.
fn child(name: &Name, partition: &Table) -> Name {
    partition.name.sibling(helper_name(name.name.as_str(), &[partition.name.name.as_str()]))
}

/// DROP INDEX for an index and for what is left of those below it.
fn drops_below(b: &Builder<'_>, table: &Name, name: &Name) -> Vec<Ddl> {
    let partitioned = b.partitioned(table);
    let own = Ddl::DropIndex { name: name.clone(), concurrently: !partitioned, if_exists: true, cascade: false };
    let below = b.pairs.base.partitions_of(table).flat_map(|it| drops_below(b, &it.name, &child(name, it)));
    [own].into_iter().chain(below).collect()
}

fn shells(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, parent: &Index, name: &Name, undo: Undo) {
    let only = Index { only: true, ..parent.clone() };
    let create = Ddl::CreateIndex { index: Box::new(only), concurrently: false, if_not_exists: false };
    let partitions: Vec<Arc<Table>> = b.pairs.base.partitions_of(&parent.table).cloned().collect();
    acc.step(phase, create, "an empty shell on the parent; CONCURRENTLY is refused there").undo(undo);
    for partition in partitions {
        let child = child(name, &partition);
        let own = Index { name: Some(child.clone()), table: partition.name.clone(), ..parent.clone() };
        if partition.partition_by.is_some() {
            shells(b, acc, phase, &own, &child, Undo::Nothing);
        } else {
            let create = Ddl::CreateIndex { index: Box::new(own), concurrently: true, if_not_exists: false };
            acc.step(phase, create, "built beside running writes").undo(Undo::Nothing);
        }
        acc.step(
            phase,
            Ddl::AttachIndex { parent: name.clone(), index: child },
            "the parent's index is valid once all are attached",
        )
        .undo(Undo::Nothing);
    }
}

/// Drops an index without blocking writers where the server allows it.
pub fn drop_index(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, name: &Name, why: &str) {
    let on_partitioned = b.pairs.base.indexes.get(name).is_some_and(|it| b.partitioned(&it.table));
    let drop = Ddl::DropIndex { name: name.clone(), concurrently: !on_partitioned, if_exists: false, cascade: false };
    acc.step(phase, drop, why);
    acc.verify(phase, b.dialect(), Probe::Gone(ObjectRef::Index(name.clone())));
}

/// The index behind a primary key or unique constraint.
pub fn backing_index(table: &Name, name: &Ident, key: &KeyConstraint) -> Index {
    Index {
        name: Some(table.sibling(name.clone())),
        table: table.clone(),
        unique: true,
        method: Ident::new("btree"),
        keys: key.columns.iter().cloned().map(IndexKey::column).collect(),
        include: key.include.clone(),
        nulls_not_distinct: key.nulls_not_distinct,
        predicate: None,
        options: key.options.clone(),
        tablespace: key.tablespace.clone(),
        only: false,
        attached_to: None,
        statistics: Default::default(),
    }
}

/// An index of before that nothing in `after` wants, and that can become a key as it is (manual, ALTER TABLE, ADD
/// table_constraint_using_index).
pub fn adopted(pairs: &Pairs<'_>, table: &Name, constraint: &Constraint) -> Option<Name> {
    let (ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key)) = &constraint.kind else { return None };
    if key.without_overlaps || pairs.input.after.table(table)?.partition_by.is_some() {
        return None;
    }
    let wanted = backing_index(table, constraint.name.as_ref()?, key);
    let fits = |it: &Index| {
        Index { name: wanted.name.clone(), ..it.clone() } == wanted
            && it.name.as_ref().is_some_and(|it| !pairs.input.after.indexes.contains_key(it))
    };
    let mut own: Vec<&Arc<Index>> = pairs.base.indexes_of(table).filter(|it| fits(it)).collect();
    own.sort_by_key(|it| (it.name != wanted.name, it.name.clone()));
    own.first().and_then(|it| it.name.clone())
}

/// Builds the unique index that will back a key.
pub fn key_index(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, table: &Name, constraint: &Constraint) {
    let (ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key)) = &constraint.kind else { return };
    let Some(name) = &constraint.name else { return };
    index_steps(b, acc, phase, &backing_index(table, name, key));
}
