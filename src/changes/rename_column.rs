//! A column under a new name.

use super::{
    Builder, Kind, Outline,
    dual::{Twin, rename},
    pairs::Pairs,
};
use crate::{
    page::page,
    plan::PhaseKind::*,
    sql::{Ddl, Ident, Name, ObjectRef, Severity},
};

page! {
    /// # Rename a column
    ///
    /// Running code asks for the old name and fails the moment a RENAME commits. So the new column is put beside the old
    /// one; a trigger carries every write, of old and new code alike, to the other column; old rows are filled in batches;
    /// indexes and constraints are built on the new column; and when no running code asks for the old name, it goes.
    ///
    /// ```sql before
    /// CREATE TABLE shipments (id bigint PRIMARY KEY, co2_kg numeric(10,2) NOT NULL DEFAULT 0);
    /// CREATE INDEX shipments_co2_kg_idx ON shipments (co2_kg);
    /// ```
    /// ```sql after
    /// CREATE TABLE shipments (
    ///   id bigint PRIMARY KEY,
    ///   carbon_kg numeric(10,2) NOT NULL DEFAULT 0 -- @renamed from=co2_kg
    /// );
    /// CREATE INDEX shipments_carbon_kg_idx ON shipments (carbon_kg);
    /// ```
    /// ```plan
    /// Expand: rename shipments.co2_kg to carbon_kg
    ///   ALTER TABLE shipments ADD COLUMN carbon_kg numeric(10,2)
    ///     lock: AccessExclusive on shipments, brief
    ///   ALTER TABLE shipments ALTER COLUMN carbon_kg SET DEFAULT 0
    ///     with the step above
    ///     lock: AccessExclusive on shipments, brief
    ///   CREATE FUNCTION mc_sync_shipments_co2_kg_carbon_kg() …
    ///     with the step above
    ///   CREATE TRIGGER zzz_mc_sync_shipments_co2_kg_carbon_kg BEFORE INSERT OR UPDATE ON shipments FOR EACH ROW EXECUTE FUNCTION mc_sync_shipments_co2_kg_carbon_kg()
    ///     with the step above
    ///     lock: ShareRowExclusive on shipments, brief
    ///   after: shipments.carbon_kg is there = t
    ///   after: trigger zzz_mc_sync_shipments_co2_kg_carbon_kg is enabled and fires last = t
    ///   undo: DROP TRIGGER zzz_mc_sync_shipments_co2_kg_carbon_kg ON shipments
    ///   undo: DROP FUNCTION mc_sync_shipments_co2_kg_carbon_kg()
    ///   undo: ALTER TABLE shipments ALTER COLUMN carbon_kg DROP DEFAULT
    ///   undo: ALTER TABLE shipments DROP COLUMN carbon_kg
    /// Backfill: rename shipments.co2_kg to carbon_kg
    ///   backfill shipments: carbon_kg filled by the trigger as rows are touched where t.carbon_kg IS NULL AND t.co2_kg IS NOT NULL, 1000 rows at a time by id
    ///     outside a transaction
    ///     lock: RowExclusive on shipments
    ///   after: no row of shipments is left to fill (carbon_kg) = 0
    ///   after: every row holds the same in co2_kg and carbon_kg = 0
    /// Enforce: rename shipments.co2_kg to carbon_kg
    ///   before: no invalid index shipments_carbon_kg_idx is left from an earlier try = t
    ///   before: no row has shipments.carbon_kg empty = 0
    ///   CREATE INDEX CONCURRENTLY shipments_carbon_kg_idx ON shipments (carbon_kg)
    ///     outside a transaction
    ///     lock: ShareUpdateExclusive on shipments
    ///   ALTER TABLE shipments ADD CONSTRAINT mc_nn_shipments_carbon_kg CHECK (carbon_kg IS NOT NULL) NOT VALID
    ///     lock: AccessExclusive on shipments, brief
    ///   ALTER TABLE shipments VALIDATE CONSTRAINT mc_nn_shipments_carbon_kg
    ///     lock: ShareUpdateExclusive on shipments, reads every row
    ///   ALTER TABLE shipments ALTER COLUMN carbon_kg SET NOT NULL
    ///     lock: AccessExclusive on shipments, brief
    ///   ALTER TABLE shipments DROP CONSTRAINT mc_nn_shipments_carbon_kg
    ///     with the step above
    ///     lock: AccessExclusive on shipments, brief
    ///   after: index shipments_carbon_kg_idx is valid = t
    ///   after: shipments.carbon_kg is NOT NULL = t
    ///   undo: ALTER TABLE shipments ALTER COLUMN carbon_kg DROP NOT NULL
    ///   undo: ALTER TABLE shipments DROP CONSTRAINT IF EXISTS mc_nn_shipments_carbon_kg
    ///   undo: DROP INDEX CONCURRENTLY IF EXISTS shipments_carbon_kg_idx
    /// Gate: no running instance reads or writes shipments.co2_kg; every INSERT into shipments names its columns
    /// Contract: rename shipments.co2_kg to carbon_kg
    ///   before: every row holds the same in co2_kg and carbon_kg = 0
    ///   DROP INDEX CONCURRENTLY shipments_co2_kg_idx
    ///     outside a transaction
    ///     lock: ShareUpdateExclusive on shipments
    ///   DROP TRIGGER zzz_mc_sync_shipments_co2_kg_carbon_kg ON shipments
    ///     lock: AccessExclusive on shipments, brief
    ///   DROP FUNCTION mc_sync_shipments_co2_kg_carbon_kg()
    ///     with the step above
    ///   ALTER TABLE shipments ALTER COLUMN carbon_kg SET DEFAULT 0
    ///     with the step above
    ///     lock: AccessExclusive on shipments, brief
    ///   ALTER TABLE shipments DROP COLUMN co2_kg
    ///     with the step above
    ///     lock: AccessExclusive on shipments, brief
    ///   after: shipments_co2_kg_idx is gone = t
    ///   after: shipments.co2_kg is gone = t
    ///   undo: ALTER TABLE shipments ADD COLUMN co2_kg numeric(10,2)
    ///   undo: ALTER TABLE shipments ALTER COLUMN co2_kg SET DEFAULT 0
    ///   undo: ALTER TABLE shipments ALTER COLUMN carbon_kg SET DEFAULT 0
    ///   undo: CREATE FUNCTION mc_sync_shipments_co2_kg_carbon_kg() …
    ///   undo: CREATE TRIGGER zzz_mc_sync_shipments_co2_kg_carbon_kg BEFORE INSERT OR UPDATE ON shipments FOR EACH ROW EXECUTE FUNCTION mc_sync_shipments_co2_kg_carbon_kg()
    ///   undo: backfill shipments: co2_kg = t.carbon_kg where t.co2_kg IS NULL AND t.carbon_kg IS NOT NULL, 1000 rows at a time by id
    ///   undo: ALTER TABLE shipments ADD CONSTRAINT mc_nn_shipments_co2_kg CHECK (co2_kg IS NOT NULL) NOT VALID
    ///   undo: ALTER TABLE shipments VALIDATE CONSTRAINT mc_nn_shipments_co2_kg
    ///   undo: ALTER TABLE shipments ALTER COLUMN co2_kg SET NOT NULL
    ///   undo: ALTER TABLE shipments DROP CONSTRAINT mc_nn_shipments_co2_kg
    ///   undo: CREATE INDEX CONCURRENTLY shipments_co2_kg_idx ON shipments (co2_kg)
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenameColumn {
    table: Name,
    from: Ident,
    to: Ident,
    /// `None`: it can only be renamed in one stroke.
    twin: Option<Box<Twin>>,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<RenameColumn> {
    let twice = pairs.columns().filter_map(|(pair, column)| {
        let dual = column.dual.as_ref().filter(|it| !it.swap)?;
        Some(RenameColumn {
            table: pair.after.name.clone(),
            from: column.before.name.clone(),
            to: column.after.name.clone(),
            twin: Some(Box::new(Twin {
                before: column.before.clone(),
                after: column.after.clone(),
                dual: dual.clone(),
            })),
        })
    });
    let direct = pairs.renamed_columns.iter().map(|(table, from, to)| RenameColumn {
        table: table.clone(),
        from: from.clone(),
        to: to.clone(),
        twin: None,
    });
    twice.chain(direct).collect()
}

impl Kind for RenameColumn {
    fn kind(&self) -> &'static str {
        "rename_column"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Column(self.table.clone(), self.to.clone())
    }

    fn describe(&self) -> String {
        format!("rename {}.{} to {}", self.table, self.from, self.to)
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        if let Some(twin) = &self.twin {
            rename::outline(b, acc, twin);
            return;
        }
        acc.gate(
            Contract,
            format!(
                "the code that asks for {}.{} is stopped, or asks for {} from now on",
                self.table, self.from, self.to
            ),
        );
        let rename = Ddl::RenameColumn { table: self.table.clone(), from: self.from.clone(), to: self.to.clone() };
        acc.step(Contract, rename, "the column cannot exist twice (it is generated, feeds a generated one, is inherited or of a partitioned table), so the name changes in one stroke");
        let message = format!(
            "code that asks for {}.{} fails from the moment this commits: the column cannot be kept under both names",
            self.table, self.from
        );
        acc.hazard("renaming-column", Severity::Warning, message);
    }
}
