//! An index that is new; the pairing of indexes for its neighbours.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Builder, Kind, Outline, build,
    pairs::Pairs,
    rebuilt::{Part, carried, nameless},
};
use crate::{
    page::page,
    plan::PhaseKind::*,
    sql::{Ddl, Index, Name, ObjectRef},
};

page! {
    /// # Create an index
    ///
    /// A plain CREATE INDEX lets nobody write until it is done; CONCURRENTLY lets everybody go on and takes longer. It cannot
    /// run in a transaction, and when it fails it leaves an invalid index behind, which is dropped before the next try. A
    /// partitioned table gets a shell, then an index for each partition, attached one by one.
    ///
    /// ```sql before
    /// CREATE TABLE order_lines (id bigint PRIMARY KEY, order_id bigint NOT NULL, sku text);
    /// ```
    /// ```sql after
    /// CREATE TABLE order_lines (id bigint PRIMARY KEY, order_id bigint NOT NULL, sku text);
    /// CREATE INDEX order_lines_order_id_idx ON order_lines (order_id) WHERE sku IS NOT NULL;
    /// ```
    /// ```plan
    /// Expand: create index order_lines_order_id_idx on order_lines
    ///   before: no invalid index order_lines_order_id_idx is left from an earlier try = t
    ///   CREATE INDEX CONCURRENTLY order_lines_order_id_idx ON order_lines (order_id) WHERE sku IS NOT NULL
    ///     outside a transaction
    ///     lock: ShareUpdateExclusive on order_lines
    ///   after: index order_lines_order_id_idx is valid = t
    ///   undo: DROP INDEX CONCURRENTLY IF EXISTS order_lines_order_id_idx
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateIndex {
    index: Arc<Index>,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<CreateIndex> {
    let matched = matches(pairs);
    let new = matched.into_iter().filter(|(before, after)| before.is_none() && after.is_some());
    new.filter_map(|(_, after)| after).map(|index| CreateIndex { index }).collect()
}

/// An index before and after.
pub(super) type Match = (Option<Arc<Index>>, Option<Arc<Index>>);

/// Indexes of both sides that have their own story (not rebuilt with a column, not a partition's share of its
/// parent's), paired by name, else by definition.
pub(super) fn matches(pairs: &Pairs<'_>) -> Vec<Match> {
    let (base, after) = (&pairs.base, pairs.input.after);
    let consumed = |index: &Arc<Index>, old: bool| {
        let part = Part::Index(index.clone());
        pairs.rebuilt.iter().any(|it| if old { it.before.as_ref() == Some(&part) } else { it.after == part })
    };
    let lives = |table: &Name| {
        (base.tables.contains_key(table) && after.tables.contains_key(table)) || after.views.contains_key(table)
    };
    let mine = |it: &&Arc<Index>| lives(&it.table) && it.attached_to.is_none() && !consumed(it, true);
    let mut old: BTreeMap<Option<Name>, Arc<Index>> =
        base.indexes.values().filter(mine).map(|it| (it.name.clone(), it.clone())).collect();
    let present = |table: &Name| after.tables.contains_key(table) || after.views.contains_key(table);
    let new =
        after.indexes.values().filter(|it| present(&it.table) && it.attached_to.is_none() && !consumed(it, false));
    let mut res = Vec::new();
    let mut rest = Vec::new();
    for index in new.cloned() {
        match old.remove(&index.name) {
            Some(before) => res.push((Some(before), Some(index))),
            None => rest.push(index),
        }
    }
    for index in rest {
        let wanted = nameless(&Part::Index(index.clone()));
        let same = |it: &&Arc<Index>| {
            it.table == index.table && nameless(&carried(pairs, &Part::Index((*it).clone()))) == wanted
        };
        let name = old.values().find(same).map(|it| it.name.clone());
        res.push((name.and_then(|it| old.remove(&it)), Some(index)));
    }
    res.extend(old.into_values().map(|it| (Some(it), None)));
    res
}

impl Kind for CreateIndex {
    fn kind(&self) -> &'static str {
        "create_index"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Index(self.index.name.clone().unwrap_or_default())
    }

    fn describe(&self) -> String {
        let unique = if self.index.unique { "unique " } else { "" };
        format!("create {unique}index {} on {}", self.object(), self.index.table)
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        let phase = if self.index.unique && !b.is_new(&self.index.table) { Enforce } else { Expand };
        // The name may belong to a constraint, table or view that goes: it is given when that is gone.
        let working = b.free_name(&Part::Index(self.index.clone()));
        build::index(b, acc, phase, &Index { name: Some(working.clone()), ..(*self.index).clone() });
        if let Some(name) = self.index.name.as_ref().filter(|it| **it != working) {
            let rename = Ddl::RenameIndex { from: working, to: name.name.clone() };
            acc.step(Contract, rename, "the name the schema gives it");
        }
    }
}
