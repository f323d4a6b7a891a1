//! A check that is new.

use super::{Builder, Kind, Outline, build, drop_constraint::matches, pairs::Pairs};
use crate::{
    page::page,
    plan::PhaseKind::*,
    sql::{Constraint, ConstraintKind, Name, ObjectRef},
};

page! {
    /// # Add a check
    ///
    /// Added whole, it reads every row while nobody else may use the table. NOT VALID it holds for new rows at once and reads
    /// none; VALIDATE, in a transaction of its own, reads the old ones beside everybody.
    ///
    /// ```sql before
    /// CREATE TABLE inventory (id bigint PRIMARY KEY, on_hand integer);
    /// ```
    /// ```sql after
    /// CREATE TABLE inventory (id bigint PRIMARY KEY, on_hand integer CONSTRAINT on_hand_positive CHECK (on_hand >= 0));
    /// ```
    /// ```plan
    /// Enforce: add check inventory.on_hand_positive
    ///   before: no row of inventory breaks the check = 0
    ///   ALTER TABLE inventory ADD CONSTRAINT on_hand_positive CHECK (on_hand >= 0) NOT VALID
    ///     lock: AccessExclusive on inventory, brief
    ///   ALTER TABLE inventory VALIDATE CONSTRAINT on_hand_positive
    ///     lock: ShareUpdateExclusive on inventory, reads every row
    ///   after: on_hand_positive holds for every row of inventory = t
    ///   undo: ALTER TABLE inventory DROP CONSTRAINT on_hand_positive
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheck {
    table: Name,
    constraint: Constraint,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<AddCheck> {
    let new = matches(pairs).into_iter().filter(|it| it.before.is_none());
    let own =
        new.filter_map(|it| Some((it.table, it.after?))).filter(|(_, it)| matches!(it.kind, ConstraintKind::Check(..)));
    own.map(|(table, constraint)| AddCheck { table, constraint }).collect()
}

impl Kind for AddCheck {
    fn kind(&self) -> &'static str {
        "add_check"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Constraint(self.table.clone(), self.constraint.name.clone().unwrap_or_default())
    }

    fn describe(&self) -> String {
        format!("add check {}", self.object())
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        build::constraint(b, acc, Enforce, &self.table, &self.constraint);
    }
}
