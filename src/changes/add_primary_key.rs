//! A primary key where there was none.

use super::{Builder, Kind, Outline, build, drop_constraint::matches, pairs::Pairs};
use crate::{
    page::page,
    plan::PhaseKind::*,
    sql::{Constraint, ConstraintKind, Name, ObjectRef},
};

page! {
    /// # Add a primary key
    ///
    /// Added whole, it builds its index, and reads every row for NULLs, while nobody can use the table. Its index is built
    /// CONCURRENTLY, its columns become NOT NULL through a validated check, then the index is promoted.
    ///
    /// ```sql before
    /// CREATE TABLE readings (sensor bigint, taken_at timestamptz, value numeric);
    /// ```
    /// ```sql after
    /// CREATE TABLE readings (sensor bigint, taken_at timestamptz, value numeric, PRIMARY KEY (sensor, taken_at));
    /// ```
    /// ```plan
    /// Enforce: add primary key readings.readings_pkey
    ///   before: no two rows of readings share sensor, taken_at = 0
    ///   before: no invalid index readings_pkey is left from an earlier try = t
    ///   before: no row has readings.sensor empty = 0
    ///   before: no row has readings.taken_at empty = 0
    ///   CREATE UNIQUE INDEX CONCURRENTLY readings_pkey ON readings (sensor, taken_at)
    ///     outside a transaction
    ///     lock: ShareUpdateExclusive on readings
    ///   ALTER TABLE readings ADD CONSTRAINT mc_nn_readings_sensor CHECK (sensor IS NOT NULL) NOT VALID
    ///     lock: AccessExclusive on readings, brief
    ///   ALTER TABLE readings VALIDATE CONSTRAINT mc_nn_readings_sensor
    ///     lock: ShareUpdateExclusive on readings, reads every row
    ///   ALTER TABLE readings ALTER COLUMN sensor SET NOT NULL
    ///     lock: AccessExclusive on readings, brief
    ///   ALTER TABLE readings DROP CONSTRAINT mc_nn_readings_sensor
    ///     with the step above
    ///     lock: AccessExclusive on readings, brief
    ///   ALTER TABLE readings ADD CONSTRAINT mc_nn_readings_taken_at CHECK (taken_at IS NOT NULL) NOT VALID
    ///     with the step above
    ///     lock: AccessExclusive on readings, brief
    ///   ALTER TABLE readings VALIDATE CONSTRAINT mc_nn_readings_taken_at
    ///     lock: ShareUpdateExclusive on readings, reads every row
    ///   ALTER TABLE readings ALTER COLUMN taken_at SET NOT NULL
    ///     lock: AccessExclusive on readings, brief
    ///   ALTER TABLE readings DROP CONSTRAINT mc_nn_readings_taken_at
    ///     with the step above
    ///     lock: AccessExclusive on readings, brief
    ///   ALTER TABLE readings ADD CONSTRAINT readings_pkey PRIMARY KEY USING INDEX readings_pkey
    ///     with the step above
    ///     lock: AccessExclusive on readings, brief
    ///   after: readings.sensor is NOT NULL = t
    ///   after: readings.taken_at is NOT NULL = t
    ///   after: readings_pkey holds for every row of readings = t
    ///   undo: ALTER TABLE readings DROP CONSTRAINT readings_pkey
    ///   undo: ALTER TABLE readings ALTER COLUMN taken_at DROP NOT NULL
    ///   undo: ALTER TABLE readings DROP CONSTRAINT IF EXISTS mc_nn_readings_taken_at
    ///   undo: ALTER TABLE readings ALTER COLUMN sensor DROP NOT NULL
    ///   undo: ALTER TABLE readings DROP CONSTRAINT IF EXISTS mc_nn_readings_sensor
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddPrimaryKey {
    table: Name,
    constraint: Constraint,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<AddPrimaryKey> {
    let new = matches(pairs).into_iter().filter(|it| it.before.is_none());
    let own = new
        .filter_map(|it| Some((it.table, it.after?)))
        .filter(|(_, it)| matches!(it.kind, ConstraintKind::PrimaryKey(..)));
    own.map(|(table, constraint)| AddPrimaryKey { table, constraint }).collect()
}

impl Kind for AddPrimaryKey {
    fn kind(&self) -> &'static str {
        "add_primary_key"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Constraint(self.table.clone(), self.constraint.name.clone().unwrap_or_default())
    }

    fn describe(&self) -> String {
        format!("add primary key {}", self.object())
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        build::constraint(b, acc, Enforce, &self.table, &self.constraint);
    }
}
