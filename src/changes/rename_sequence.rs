//! A sequence under a new name.

use super::{Builder, Kind, Outline, pairs::Pairs};
use crate::{
    page::page,
    plan::PhaseKind::*,
    sql::{Ddl, Name, ObjectRef},
};

page! {
    /// # Rename a sequence
    ///
    /// The sequence of a serial column takes the name that its table or column has now. Defaults follow by themselves; code that
    /// calls `nextval` by name must know, so it waits for Contract.
    ///
    /// ```sql before
    /// CREATE TABLE parcels (id bigserial PRIMARY KEY);
    /// ```
    /// ```sql after
    /// -- @renamed from=parcels
    /// CREATE TABLE shipments (id bigserial PRIMARY KEY);
    /// ```
    /// ```plan
    /// Expand: rename table parcels to shipments
    ///   ALTER TABLE parcels RENAME TO shipments
    ///     lock: AccessExclusive on parcels, brief
    ///   CREATE VIEW parcels AS SELECT id FROM shipments
    ///     with the step above
    ///     lock: AccessShare on shipments
    ///   after: shipments is there = t
    ///   undo: DROP VIEW parcels
    ///   undo: ALTER TABLE shipments RENAME TO parcels
    /// Gate: no running instance uses the name parcels
    /// Contract: rename sequence parcels_id_seq to shipments_id_seq; rename table parcels to shipments; and 1 more
    ///   ALTER SEQUENCE parcels_id_seq RENAME TO shipments_id_seq
    ///     lock: AccessExclusive on parcels_id_seq, brief
    ///   DROP VIEW parcels
    ///     with the step above
    ///     lock: AccessExclusive on parcels, brief
    ///   ALTER TABLE shipments RENAME CONSTRAINT parcels_pkey TO shipments_pkey
    ///     with the step above
    ///     lock: AccessExclusive on shipments, brief
    ///   undo: ALTER TABLE shipments RENAME CONSTRAINT shipments_pkey TO parcels_pkey
    ///   undo: CREATE VIEW parcels AS SELECT id FROM shipments
    ///   undo: ALTER SEQUENCE shipments_id_seq RENAME TO parcels_id_seq
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenameSequence {
    from: Name,
    to: Name,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<RenameSequence> {
    pairs.renamed_sequences.iter().map(|(from, to)| RenameSequence { from: from.clone(), to: to.clone() }).collect()
}

impl Kind for RenameSequence {
    fn kind(&self) -> &'static str {
        "rename_sequence"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Sequence(self.to.clone())
    }

    fn describe(&self) -> String {
        format!("rename sequence {} to {}", self.from, self.to)
    }

    fn outline(&self, _b: &Builder<'_>, acc: &mut Outline) {
        acc.step(
            Contract,
            Ddl::RenameSequence { from: self.from.clone(), to: self.to.name.clone() },
            "defaults follow by themselves",
        );
    }
}
