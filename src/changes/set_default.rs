//! A default that is new or other.

use super::{
    Builder, Kind, Outline,
    pairs::{Pairs, TablePair, parents},
};
use crate::{
    page::page,
    plan::PhaseKind::*,
    sql::{Column, Ddl, Name, ObjectRef},
};

page! {
    /// # Set a default
    ///
    /// The catalog changes for a moment; rows that are there stay as they are. Code that leaves the column out gets the
    /// new value from then on.
    ///
    /// ```sql before
    /// CREATE TABLE orders (id bigint PRIMARY KEY, state text);
    /// ```
    /// ```sql after
    /// CREATE TABLE orders (id bigint PRIMARY KEY, state text DEFAULT 'new');
    /// ```
    /// ```plan
    /// Expand: set the default of orders.state to 'new'
    ///   ALTER TABLE orders ALTER COLUMN state SET DEFAULT 'new'
    ///     lock: AccessExclusive on orders, brief
    ///   undo: ALTER TABLE orders ALTER COLUMN state DROP DEFAULT
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetDefault {
    table: Name,
    before: Column,
    after: Column,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<SetDefault> {
    let changed = pairs.single_columns().filter(|(pair, it)| {
        it.after.default.is_some()
            && it.before.default != it.after.default
            // It takes the place of an identity: one transaction, told there.
            && it.before.identity.is_none()
            && !handed_down(pairs, pair, &it.after)
    });
    changed
        .map(|(pair, it)| SetDefault {
            table: pair.after.name.clone(),
            before: it.before.clone(),
            after: it.after.clone(),
        })
        .collect()
}

/// A parent's column gets the same new default, and ALTER TABLE hands it down (manual, ALTER TABLE, ONLY).
pub(super) fn handed_down(pairs: &Pairs<'_>, pair: &TablePair, column: &Column) -> bool {
    let above = parents(&pair.after).filter(|it| parents(&pair.before).any(|parent| parent == *it));
    let theirs = above.filter_map(|it| pairs.pair(it)?.columns.iter().find(|it| it.after.name == column.name));
    theirs.into_iter().any(|it| it.after.default == column.default && it.before.default != it.after.default)
}

impl Kind for SetDefault {
    fn kind(&self) -> &'static str {
        "set_default"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Column(self.table.clone(), self.after.name.clone())
    }

    fn describe(&self) -> String {
        format!(
            "set the default of {}.{} to {}",
            self.table,
            self.after.name,
            self.after.default.as_ref().map_or("", |it| it.text())
        )
    }

    fn outline(&self, _b: &Builder<'_>, acc: &mut Outline) {
        let (table, column) = (self.table.clone(), self.after.name.clone());
        let default = self.after.default.clone();
        acc.step(Expand, Ddl::SetDefault { table, column, default }, "only the catalog changes; for rows to come");
    }
}
