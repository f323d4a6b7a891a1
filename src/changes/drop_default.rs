//! A default that goes.

use super::{Builder, Kind, Outline, pairs::Pairs, set_default::handed_down};
use crate::{
    page::page,
    plan::PhaseKind::*,
    sql::{Column, Ddl, Name, ObjectRef},
};

page! {
    /// # Drop a default
    ///
    /// The catalog changes for a moment. Code that leaves the column out writes NULL from then on, or fails where the column
    /// is NOT NULL: so it waits for Contract.
    ///
    /// ```sql before
    /// CREATE TABLE orders (id bigint PRIMARY KEY, state text DEFAULT 'new');
    /// ```
    /// ```sql after
    /// CREATE TABLE orders (id bigint PRIMARY KEY, state text);
    /// ```
    /// ```plan
    /// Gate: every writer sets orders.state
    /// Contract: drop the default of orders.state
    ///   ALTER TABLE orders ALTER COLUMN state DROP DEFAULT
    ///     lock: AccessExclusive on orders, brief
    ///   undo: ALTER TABLE orders ALTER COLUMN state SET DEFAULT 'new'
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropDefault {
    table: Name,
    before: Column,
    after: Column,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<DropDefault> {
    let changed = pairs.single_columns().filter(|(pair, it)| {
        it.before.default.is_some()
            && it.after.default.is_none()
            && it.after.identity.is_none()
            && it.after.generated.is_none()
            && !handed_down(pairs, pair, &it.after)
    });
    changed
        .map(|(pair, it)| DropDefault {
            table: pair.after.name.clone(),
            before: it.before.clone(),
            after: it.after.clone(),
        })
        .collect()
}

impl Kind for DropDefault {
    fn kind(&self) -> &'static str {
        "drop_default"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Column(self.table.clone(), self.after.name.clone())
    }

    fn describe(&self) -> String {
        format!("drop the default of {}.{}", self.table, self.after.name)
    }

    fn outline(&self, _b: &Builder<'_>, acc: &mut Outline) {
        let (table, column) = (self.table.clone(), self.after.name.clone());
        acc.gate(Contract, format!("every writer sets {table}.{column}"));
        acc.step(
            Contract,
            Ddl::SetDefault { table, column, default: None },
            "only the catalog changes; for rows to come",
        );
    }
}
