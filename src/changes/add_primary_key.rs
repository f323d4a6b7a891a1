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
