//! An index that goes.

use super::{Builder, Kind, Outline, build, create_index, drop_constraint, pairs::Pairs};
use crate::{
    page::page,
    plan::PhaseKind::*,
    sql::{Name, ObjectRef},
};

page! {
    /// # Drop an index
    ///
    /// A plain DROP INDEX waits for every query on the table and lets nobody in meanwhile; CONCURRENTLY does not. It goes in
    /// Contract, when no running code needs it to be fast (or, unique, for ON CONFLICT).
    ///
    /// ```sql before
    /// CREATE TABLE orders (id bigint PRIMARY KEY, legacy_no text);
    /// CREATE INDEX orders_legacy_no_idx ON orders (legacy_no);
    /// ```
    /// ```sql after
    /// CREATE TABLE orders (id bigint PRIMARY KEY, legacy_no text);
    /// ```
    /// ```plan
    /// Contract: drop index orders_legacy_no_idx on orders
    ///   DROP INDEX CONCURRENTLY orders_legacy_no_idx
    ///     outside a transaction
    ///     lock: ShareUpdateExclusive on orders
    ///   after: orders_legacy_no_idx is gone = t
    ///   undo: CREATE INDEX CONCURRENTLY orders_legacy_no_idx ON orders (legacy_no)
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropIndex {
    name: Name,
    table: Name,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<DropIndex> {
    let gone =
        create_index::matches(pairs).into_iter().filter(|(_, after)| after.is_none()).filter_map(|(before, _)| before);
    // One that becomes a key stays.
    let new = drop_constraint::matches(pairs).into_iter().filter(|it| it.before.is_none());
    let keys: Vec<Name> = new.filter_map(|it| build::adopted(pairs, &it.table, it.after.as_ref()?)).collect();
    let gone = gone.filter(|it| it.name.as_ref().is_none_or(|it| !keys.contains(it)));
    gone.filter_map(|it| Some(DropIndex { name: it.name.clone()?, table: it.table.clone() })).collect()
}

impl Kind for DropIndex {
    fn kind(&self) -> &'static str {
        "drop_index"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Index(self.name.clone())
    }

    fn describe(&self) -> String {
        format!("drop index {} on {}", self.name, self.table)
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        build::drop_index(b, acc, Contract, &self.name, "nobody needs it any more");
    }
}
