//! A constraint under a new name.

use super::{Builder, Kind, Outline, drop_constraint::matches, pairs::Pairs};
use crate::{
    page::page,
    plan::PhaseKind::*,
    sql::{Ddl, Ident, Name, ObjectRef},
};

page! {
    /// # Rename a constraint
    ///
    /// Only the catalog changes; the index of a key is renamed with it. Code that names it (`ON CONFLICT ON CONSTRAINT`,
    /// handling of errors by name) must know, so it waits for Contract.
    ///
    /// ```sql before
    /// CREATE TABLE orders (id bigint PRIMARY KEY, qty integer CONSTRAINT c1 CHECK (qty > 0));
    /// ```
    /// ```sql after
    /// CREATE TABLE orders (id bigint PRIMARY KEY, qty integer CONSTRAINT qty_positive CHECK (qty > 0));
    /// ```
    /// ```plan
    /// Contract: rename constraint c1 of orders to qty_positive
    ///   ALTER TABLE orders RENAME CONSTRAINT c1 TO qty_positive
    ///     lock: AccessExclusive on orders, brief
    ///   undo: ALTER TABLE orders RENAME CONSTRAINT qty_positive TO c1
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenameConstraint {
    table: Name,
    from: Ident,
    to: Ident,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<RenameConstraint> {
    let both = matches(pairs)
        .into_iter()
        .filter(|it| !it.another)
        .filter_map(|it| Some((it.table, it.before?.name?, it.after?.name?)));
    both.filter(|(_, from, to)| from != to).map(|(table, from, to)| RenameConstraint { table, from, to }).collect()
}

impl Kind for RenameConstraint {
    fn kind(&self) -> &'static str {
        "rename_constraint"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Constraint(self.table.clone(), self.to.clone())
    }

    fn describe(&self) -> String {
        format!("rename constraint {} of {} to {}", self.from, self.table, self.to)
    }

    fn outline(&self, _b: &Builder<'_>, acc: &mut Outline) {
        let rename = Ddl::RenameConstraint { table: self.table.clone(), from: self.from.clone(), to: self.to.clone() };
        acc.step(Contract, rename, "only the catalog changes");
    }
}
