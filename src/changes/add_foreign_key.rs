//! A foreign key that is new.

use super::{Builder, Kind, Outline, build, drop_constraint::matches, pairs::Pairs};
use crate::{
    page::page,
    plan::PhaseKind::*,
    sql::{Constraint, ConstraintKind, Name, ObjectRef},
};

page! {
    /// # Add a foreign key
    ///
    /// Added whole, it lets nobody write to either table while every row is checked. NOT VALID takes the same locks for a
    /// moment; VALIDATE checks the old rows beside everybody. An index on the referencing columns spares deletes of
    /// the referenced rows a scan.
    ///
    /// ```sql before
    /// CREATE TABLE carriers (id bigint PRIMARY KEY);
    /// CREATE TABLE shipments (id bigint PRIMARY KEY, carrier_id bigint);
    /// ```
    /// ```sql after
    /// CREATE TABLE carriers (id bigint PRIMARY KEY);
    /// CREATE TABLE shipments (id bigint PRIMARY KEY, carrier_id bigint REFERENCES carriers);
    /// ```
    /// ```plan
    /// Enforce: add foreign key shipments.shipments_carrier_id_fkey
    ///   before: every carrier_id of shipments points at a row of carriers = 0
    ///   ALTER TABLE shipments ADD CONSTRAINT shipments_carrier_id_fkey FOREIGN KEY (carrier_id) REFERENCES carriers (id) NOT VALID
    ///     lock: ShareRowExclusive on carriers, shipments, brief
    ///   ALTER TABLE shipments VALIDATE CONSTRAINT shipments_carrier_id_fkey
    ///     lock: ShareUpdateExclusive on shipments, reads every row
    ///     lock: RowShare on carriers, reads every row
    ///   after: shipments_carrier_id_fkey holds for every row of shipments = t
    ///   undo: ALTER TABLE shipments DROP CONSTRAINT shipments_carrier_id_fkey
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddForeignKey {
    table: Name,
    constraint: Constraint,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<AddForeignKey> {
    let new = matches(pairs).into_iter().filter(|it| it.before.is_none());
    let own = new
        .filter_map(|it| Some((it.table, it.after?)))
        .filter(|(_, it)| matches!(it.kind, ConstraintKind::ForeignKey(..)));
    own.map(|(table, constraint)| AddForeignKey { table, constraint }).collect()
}

impl Kind for AddForeignKey {
    fn kind(&self) -> &'static str {
        "add_foreign_key"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Constraint(self.table.clone(), self.constraint.name.clone().unwrap_or_default())
    }

    fn describe(&self) -> String {
        format!("add foreign key {}", self.object())
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        build::constraint(b, acc, Enforce, &self.table, &self.constraint);
    }
}
