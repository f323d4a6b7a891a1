//! Constraints added so that no lock is held while rows are read.

use super::{
    Builder,
    indexes::{adopted, key_index},
    not_null::enforce_not_null,
};
use crate::{
    changes::{outline::Outline, rebuilt::Part},
    dialect::{Capability, Probe},
    plan::PhaseKind,
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
                acc.hazard("foreign-key-without-not-valid", Severity::Warning, format!("{table} is partitioned: before PostgreSQL 18 its foreign key {name} is checked while writes to both tables wait"));
                acc.step(phase, whole(it), "NOT VALID is refused on a partitioned table before PostgreSQL 18");
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
