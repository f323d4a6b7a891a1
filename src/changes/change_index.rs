//! An index with another definition under the same name.

use std::sync::Arc;

use super::{
    Builder, Kind, Outline, build, create_index,
    pairs::Pairs,
    rebuilt::{Part, carried, nameless},
};
use crate::{
    page::page,
    plan::PhaseKind::*,
    sql::{Ddl, Index, ObjectRef},
};

page! {
    /// # Change an index
    ///
    /// An index cannot be altered in its columns. The new one is built beside the old one under another name, then takes its
    /// place: at no time are queries without an index. Storage parameters are simply set.
    ///
    /// ```sql before
    /// CREATE TABLE shipments (id bigint PRIMARY KEY, eta date, carrier text);
    /// CREATE INDEX shipments_eta_idx ON shipments (eta);
    /// ```
    /// ```sql after
    /// CREATE TABLE shipments (id bigint PRIMARY KEY, eta date, carrier text);
    /// CREATE INDEX shipments_eta_idx ON shipments (eta, carrier);
    /// ```
    /// ```plan
    /// Expand: change index shipments_eta_idx on shipments
    ///   before: no invalid index mc_new_shipments_eta_idx is left from an earlier try = t
    ///   CREATE INDEX CONCURRENTLY mc_new_shipments_eta_idx ON shipments (eta, carrier)
    ///     outside a transaction
    ///     lock: ShareUpdateExclusive on shipments
    ///   after: index mc_new_shipments_eta_idx is valid = t
    ///   undo: DROP INDEX CONCURRENTLY IF EXISTS mc_new_shipments_eta_idx
    /// Contract: change index shipments_eta_idx on shipments
    ///   DROP INDEX CONCURRENTLY shipments_eta_idx
    ///     outside a transaction
    ///     lock: ShareUpdateExclusive on shipments
    ///   ALTER INDEX mc_new_shipments_eta_idx RENAME TO shipments_eta_idx
    ///     lock: ShareUpdateExclusive on mc_new_shipments_eta_idx
    ///   undo: ALTER INDEX shipments_eta_idx RENAME TO mc_new_shipments_eta_idx
    ///   undo: CREATE INDEX CONCURRENTLY shipments_eta_idx ON shipments (eta)
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeIndex {
    before: Arc<Index>,
    after: Arc<Index>,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<ChangeIndex> {
    let pairs_of = create_index::matches(pairs).into_iter().filter_map(|(before, after)| Some((before?, after?)));
    let changed = pairs_of.filter(|(before, after)| {
        before.name == after.name
            && nameless(&carried(pairs, &Part::Index(before.clone()))) != nameless(&Part::Index(after.clone()))
    });
    changed.map(|(before, after)| ChangeIndex { before, after }).collect()
}

impl Kind for ChangeIndex {
    fn kind(&self) -> &'static str {
        "change_index"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Index(self.after.name.clone().unwrap_or_default())
    }

    fn describe(&self) -> String {
        format!("change index {} on {}", self.object(), self.after.table)
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        let Some(name) = self.after.name.clone() else { return };
        let settled = Index {
            options: self.after.options.clone(),
            statistics: self.after.statistics.clone(),
            ..(*self.before).clone()
        };
        // Parameters of a partitioned index cannot be altered (ALTER INDEX … SET: "not supported for partitioned indexes").
        let fixed = b.partitioned(&self.after.table) && self.before.options != self.after.options;
        if settled == *self.after && !fixed {
            if self.before.options != self.after.options {
                let reset =
                    self.before.options.keys().filter(|it| !self.after.options.contains_key(*it)).cloned().collect();
                acc.step(
                    Expand,
                    Ddl::SetIndexOptions { index: name.clone(), set: self.after.options.clone(), reset },
                    "only the catalog changes",
                );
            }
            for (column, target) in &self.after.statistics {
                if self.before.statistics.get(column) != Some(target) {
                    let set = Ddl::SetIndexStatistics { index: name.clone(), column: *column, target: *target };
                    acc.step(Expand, set, "only the catalog changes");
                }
            }
            return;
        }
        let working = b.free_name(&Part::Index(self.after.clone()));
        let phase = if self.after.unique { Enforce } else { Expand };
        build::index(b, acc, phase, &Index { name: Some(working.clone()), ..(*self.after).clone() });
        build::drop_index(b, acc, Contract, &name, "its successor is built and valid");
        // The name is there again a moment later.
        acc.verify.pop();
        acc.step(Contract, Ddl::RenameIndex { from: working, to: name.name }, "the name the schema gives it");
    }
}
