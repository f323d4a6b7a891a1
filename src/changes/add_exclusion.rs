//! An exclusion constraint that is new.

use super::{Builder, Kind, Outline, build, drop_constraint::matches, pairs::Pairs};
use crate::{
    page::page,
    plan::PhaseKind::*,
    sql::{Constraint, ConstraintKind, Name, ObjectRef},
};

page! {
    /// # Add an exclusion constraint
    ///
    /// It builds its index while nobody can use the table: PostgreSQL has no concurrent form and no NOT VALID for it.
    /// The plan says so; for a large table copy the rows into a new one instead.
    ///
    /// ```sql before
    /// CREATE TABLE bookings (id bigint PRIMARY KEY, during tsrange);
    /// ```
    /// ```sql after
    /// CREATE TABLE bookings (id bigint PRIMARY KEY, during tsrange, CONSTRAINT no_overlap EXCLUDE USING gist (during WITH &&));
    /// ```
    /// ```plan
    /// Hazard: no_overlap builds its index while nobody can use bookings; PostgreSQL has no other way (constraint-builds-index, warning)
    /// Enforce: add exclusion constraint bookings.no_overlap
    ///   ALTER TABLE bookings ADD CONSTRAINT no_overlap EXCLUDE USING gist (during WITH &&)
    ///     lock: AccessExclusive on bookings, brief
    ///   undo: ALTER TABLE bookings DROP CONSTRAINT no_overlap
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddExclusion {
    table: Name,
    constraint: Constraint,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<AddExclusion> {
    let new = matches(pairs).into_iter().filter(|it| it.before.is_none());
    let own = new
        .filter_map(|it| Some((it.table, it.after?)))
        .filter(|(_, it)| matches!(it.kind, ConstraintKind::Exclude(..)));
    own.map(|(table, constraint)| AddExclusion { table, constraint }).collect()
}

impl Kind for AddExclusion {
    fn kind(&self) -> &'static str {
        "add_exclusion"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Constraint(self.table.clone(), self.constraint.name.clone().unwrap_or_default())
    }

    fn describe(&self) -> String {
        format!("add exclusion constraint {}", self.object())
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        build::constraint(b, acc, Enforce, &self.table, &self.constraint);
    }
}
