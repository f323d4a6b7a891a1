//! An index under a new name.

use super::{Builder, Kind, Outline, create_index, pairs::Pairs};
use crate::{
    page::page,
    plan::PhaseKind::*,
    sql::{Ddl, Name, ObjectRef},
};

page! {
    /// # Rename an index
    ///
    /// Only the catalog changes; from PostgreSQL 12 on not even writers wait. Code that names the index (hints, `REINDEX`
    /// scripts) must know.
    ///
    /// ```sql before
    /// CREATE TABLE orders (id bigint PRIMARY KEY, placed_on date);
    /// CREATE INDEX orders_date ON orders (placed_on);
    /// ```
    /// ```sql after
    /// CREATE TABLE orders (id bigint PRIMARY KEY, placed_on date);
    /// CREATE INDEX orders_placed_on_idx ON orders (placed_on);
    /// ```
    /// ```plan
    /// Contract: rename index orders_date to orders_placed_on_idx
    ///   ALTER INDEX orders_date RENAME TO orders_placed_on_idx
    ///     lock: ShareUpdateExclusive on orders_date
    ///   undo: ALTER INDEX orders_placed_on_idx RENAME TO orders_date
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenameIndex {
    from: Name,
    to: Name,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<RenameIndex> {
    let both = create_index::matches(pairs)
        .into_iter()
        .filter_map(|(before, after)| Some((before?.name.clone()?, after?.name.clone()?)));
    both.filter(|(from, to)| from != to).map(|(from, to)| RenameIndex { from, to }).collect()
}

impl Kind for RenameIndex {
    fn kind(&self) -> &'static str {
        "rename_index"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Index(self.to.clone())
    }

    fn describe(&self) -> String {
        format!("rename index {} to {}", self.from, self.to)
    }

    fn outline(&self, _b: &Builder<'_>, acc: &mut Outline) {
        acc.step(
            Contract,
            Ddl::RenameIndex { from: self.from.clone(), to: self.to.name.clone() },
            "only the catalog changes",
        );
    }
}
