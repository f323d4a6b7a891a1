//! Constraints added so that no lock is held while rows are read.

use super::{
    Builder,
    indexes::{adopted, key_index},
    not_null::enforce_not_null,
    relation_exists,
};
use crate::{
    catalog::{addition, object_name},
    changes::{outline::Outline, rebuilt::Part},
    dialect::{Capability, Probe},
    plan::{Action, PhaseKind, Undo, helper_name},
    sql::*,
};

/// Adds a constraint so that no lock is held while rows are read.
pub fn constraint(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, table: &Name, it: &Constraint) {
    let whole = |it: &Constraint| Ddl::AddConstraint { table: table.clone(), constraint: Box::new(it.clone()) };
    let Some(name) = it.name.clone() else { return };
    if b.is_new(table) {
        acc.step(phase, whole(it), "the table is new and empty");
        return;
    }
    let partitioned = b.partitioned(table);
    match &it.kind {
        ConstraintKind::Check(check) if !it.not_enforced => {
            acc.preflight(phase, b.dialect(), Probe::Violations { table: table.clone(), check: check.clone() });
            not_valid_then_valid(b, acc, phase, table, it, &name);
        }
        ConstraintKind::ForeignKey(fk) if !it.not_enforced => {
            if !b.is_new(&fk.references) {
                acc.preflight(phase, b.dialect(), Probe::Orphans { table: table.clone(), foreign_key: fk.clone() });
            }
            if partitioned && !b.can(Capability::PartitionedForeignKeyNotValid) {
                // NOT VALID is refused on the partitioned table before PostgreSQL 18; one that all partitions have valid is
                // taken over without another look at their rows (playbook §4.9).
                for leaf in leaves(b, table) {
                    let own = not_valid_on_leaf(b, acc, phase, &leaf, it, &name);
                    let validate = Ddl::ValidateConstraint { table: leaf, name: own };
                    acc.step(phase, validate, "reads the old rows while reads and writes go on");
                }
                acc.step(phase, whole(it), "every partition has it and has proven it: no row is read");
                acc.verify(phase, b.dialect(), Probe::ConstraintValid { table: table.clone(), name });
            } else {
                not_valid_then_valid(b, acc, phase, table, it, &name);
            }
        }
        ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key) if !key.without_overlaps && !partitioned => {
            let primary = matches!(it.kind, ConstraintKind::PrimaryKey(_));
            let own = adopted(b.pairs, table, it);
            // Another object may still have the name: the server gives it to the index when it becomes the key.
            let working = b.free_name(&Part::Constraint(table.clone(), it.clone())).name;
            let index = own.clone().map_or(working, |it| it.name);
            if own.is_none() {
                key_index(b, acc, phase, table, &Constraint { name: Some(index.clone()), ..it.clone() });
            }
            if primary {
                for column in &key.columns {
                    if b.pairs.base.table(table).and_then(|it| it.column(column)).is_some_and(|it| !it.not_null) {
                        enforce_not_null(b, acc, phase, table, column);
                    }
                }
            }
            let (deferrable, initially_deferred) = (it.deferrable, it.initially_deferred);
            let promote = Ddl::AddConstraintUsingIndex {
                table: table.clone(),
                name: Some(name.clone()),
                primary,
                index,
                deferrable,
                initially_deferred,
            };
            acc.step(phase, promote, "the index is there already: only the catalog changes");
            acc.verify(phase, b.dialect(), Probe::ConstraintValid { table: table.clone(), name });
        }
        ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key) if !key.without_overlaps => {
            let primary = matches!(it.kind, ConstraintKind::PrimaryKey(_));
            let nullable = |it: &&Ident| {
                primary && b.pairs.base.table(table).and_then(|table| table.column(it)).is_some_and(|it| !it.not_null)
            };
            key.columns.iter().filter(nullable).for_each(|it| enforce_not_null(b, acc, phase, table, it));
            leaves(b, table).iter().for_each(|leaf| key_on_leaf(b, acc, phase, leaf, it));
            acc.step(phase, whole(it), "every partition has such a key: its index is taken over, not built");
            acc.verify(phase, b.dialect(), Probe::ConstraintValid { table: table.clone(), name });
        }
        ConstraintKind::Check(_) | ConstraintKind::ForeignKey(_) => {
            acc.step(phase, whole(it), "not enforced: no row is read");
        }
        _ => {
            acc.hazard(
                "constraint-builds-index",
                Severity::Warning,
                format!("{name} builds its index while nobody can use {table}; PostgreSQL has no other way"),
            );
            acc.step(phase, whole(it), "there is no way to build it beside running writes");
        }
    }
}

/// The partitions that hold rows.
fn leaves(b: &Builder<'_>, table: &Name) -> Vec<Name> {
    let below = b.pairs.base.partitions_of(table);
    below
        .flat_map(|it| match it.partition_by.is_some() {
            true => leaves(b, &it.name),
            false => vec![it.name.clone()],
        })
        .collect()
}

/// A partition's own foreign key, that the parent's takes over; its name.
fn not_valid_on_leaf(
    b: &Builder<'_>,
    acc: &mut Outline,
    phase: PhaseKind,
    leaf: &Name,
    it: &Constraint,
    name: &Ident,
) -> Ident {
    let taken = b.pairs.base.table(leaf).is_some_and(|it| it.constraint(name).is_some());
    let own = if taken { helper_name(leaf.name.as_str(), &[name.as_str()]) } else { name.clone() };
    let pending = Constraint { name: Some(own.clone()), not_valid: true, ..it.clone() };
    let add = Ddl::AddConstraint { table: leaf.clone(), constraint: Box::new(pending) };
    // With the parent's it goes; one that a failure left alone goes by itself.
    let drop = Ddl::DropConstraint { table: leaf.clone(), name: own.clone(), if_exists: true, cascade: false };
    acc.step(phase, add, "NOT VALID: holds for new rows at once, reads no old ones")
        .undo(Undo::By(vec![Action::Ddl(drop)]));
    own
}

/// A partition's own key, its index built beside running writes.
fn key_on_leaf(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, leaf: &Name, it: &Constraint) {
    let (ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key)) = &it.kind else { return };
    if b.pairs.base.table(leaf).is_some_and(|own| own.constraints.iter().any(|own| own.kind == it.kind)) {
        return;
    }
    let primary = matches!(it.kind, ConstraintKind::PrimaryKey(_));
    // As the server would name it.
    let columns = addition(key.columns.iter().map(Ident::as_str));
    let name = match primary {
        true => object_name(leaf.name.as_str(), None, "pkey"),
        false => object_name(leaf.name.as_str(), Some(&columns), "key"),
    };
    let taken = relation_exists(&b.pairs.base, &leaf.sibling(name.clone()));
    let name = if taken { helper_name("mc_key", &[leaf.name.as_str(), columns.as_str()]) } else { name };
    key_index(b, acc, phase, leaf, &Constraint { name: Some(name.clone()), ..it.clone() });
    let promote = Ddl::AddConstraintUsingIndex {
        table: leaf.clone(),
        name: Some(name.clone()),
        primary,
        index: name.clone(),
        deferrable: it.deferrable,
        initially_deferred: it.initially_deferred,
    };
    let drop = Ddl::DropConstraint { table: leaf.clone(), name, if_exists: true, cascade: false };
    acc.step(phase, promote, "the index is there already: only the catalog changes")
        .undo(Undo::By(vec![Action::Ddl(drop)]));
}

fn not_valid_then_valid(
    b: &Builder<'_>,
    acc: &mut Outline,
    phase: PhaseKind,
    table: &Name,
    it: &Constraint,
    name: &Ident,
) {
    let pending = Constraint { not_valid: true, ..it.clone() };
    let add = Ddl::AddConstraint { table: table.clone(), constraint: Box::new(pending) };
    acc.step(phase, add, "NOT VALID: holds for new rows at once, reads no old ones");
    if !it.not_valid {
        acc.step(
            phase,
            Ddl::ValidateConstraint { table: table.clone(), name: name.clone() },
            "reads the old rows while reads and writes go on",
        );
        acc.verify(phase, b.dialect(), Probe::ConstraintValid { table: table.clone(), name: name.clone() });
    }
}
