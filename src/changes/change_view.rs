//! Views and materialized views.

use std::sync::Arc;

use super::{Builder, Kind, Outline, build, pairs::Pairs};
use crate::{
    catalog::Catalog,
    page::page,
    plan::PhaseKind::{self, *},
    sql::{Ddl, Name, ObjectRef, Severity, View, tokens::mentions_column},
};

page! {
    /// # Create, change or drop a view
    ///
    /// A view changes in one transaction that drops it, with the views over it, and makes all of them again: readers see no gap, and
    /// privileges, comments and options come back. A materialized view is filled anew.
    ///
    /// ```sql before
    /// CREATE TABLE orders (id bigint PRIMARY KEY, state text, paid boolean);
    /// CREATE VIEW open_orders AS SELECT id FROM orders WHERE state <> 'done';
    /// ```
    /// ```sql after
    /// CREATE TABLE orders (id bigint PRIMARY KEY, state text, paid boolean);
    /// CREATE VIEW open_orders AS SELECT id, paid FROM orders WHERE state <> 'done';
    /// ```
    /// ```plan
    /// Expand: change view open_orders
    ///   DROP VIEW open_orders
    ///     lock: AccessExclusive on open_orders, brief
    ///   CREATE VIEW open_orders AS SELECT id, paid FROM orders WHERE state <> 'done'
    ///     with the step above
    ///     lock: AccessShare on orders
    ///   undo: DROP VIEW open_orders
    ///   undo: CREATE VIEW open_orders AS SELECT id FROM orders WHERE state <> 'done'
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeView {
    before: Option<Arc<View>>,
    after: Option<Arc<View>>,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<ChangeView> {
    let (base, after) = (&pairs.base.views, &pairs.input.after.views);
    let kept = after.values().filter_map(|new| {
        let old = base.get(&new.name);
        let changed = old.is_none_or(|old| !old.same_definition(new));
        changed.then(|| ChangeView { before: old.cloned(), after: Some(new.clone()) })
    });
    let gone = base.values().filter(|it| !after.contains_key(&it.name));
    kept.chain(gone.map(|it| ChangeView { before: Some(it.clone()), after: None })).collect()
}

impl ChangeView {
    fn view(&self) -> Option<&Arc<View>> {
        self.after.as_ref().or(self.before.as_ref())
    }

    /// Old code may read what the new form leaves out, and the new form may need columns that are still filling up.
    fn phase(&self, b: &Builder<'_>) -> PhaseKind {
        let mentions =
            |view: &Option<Arc<View>>, column| view.as_ref().is_some_and(|it| mentions_column(it.query.text(), column));
        let filling = b.pairs.columns().any(|(_, it)| it.dual.is_some() && mentions(&self.after, &it.after.name));
        let filling = filling || self.after.as_ref().is_some_and(|it| b.pairs.reshapes.filling(it.query.text()));
        let leaving = b.pairs.tables.iter().flat_map(|it| &it.dropped).any(|it| mentions(&self.before, it));
        match (leaving, filling) {
            (true, _) => Contract,
            (_, true) => Enforce,
            _ => Expand,
        }
    }

    fn change(&self, b: &Builder<'_>, acc: &mut Outline, before: &View, after: &View) {
        if before.materialized == after.materialized
            && (View { options: after.options.clone(), ..before.clone() }).same_definition(after)
        {
            let reset = before.options.keys().filter(|it| !after.options.contains_key(*it)).cloned().collect();
            let alter = Ddl::AlterView {
                name: after.name.clone(),
                materialized: after.materialized,
                set: after.options.clone(),
                reset,
            };
            acc.step(Expand, alter, "only the catalog changes");
            return;
        }
        // A changed view below this one takes this one along.
        if below(&b.pairs.base, &before.name).iter().any(|it| {
            let (old, new) = (b.pairs.base.views.get(it), b.after().views.get(it));
            matches!((old, new), (Some(old), Some(new)) if !old.same_definition(new))
        }) {
            return;
        }
        let phase = self.phase(b);
        let group = format!("view:{}", after.name);
        // Those that go for good have a change of their own, which comes before.
        let mut over = above(&b.pairs.base, &before.name);
        over.retain(|it| b.after().views.contains_key(it));
        for name in over.iter().rev().chain([&before.name]) {
            if let Some(view) = b.pairs.base.views.get(name) {
                let drop = Ddl::DropView {
                    name: name.clone(),
                    materialized: view.materialized,
                    if_exists: false,
                    cascade: false,
                };
                acc.grouped(phase, &group, drop, "made again in this transaction");
            }
        }
        let again: Vec<Name> = [after.name.clone()].into_iter().chain(over).collect();
        for name in &bottom_up(b.after(), again) {
            if let Some(view) = b.after().views.get(name) {
                for ddl in build::view_again(b.after(), view) {
                    acc.grouped(phase, &group, ddl, "readers see no gap");
                }
            }
        }
        if after.materialized {
            let message = format!("{} is filled anew while its readers wait", after.name);
            acc.hazard("materialized-view-refills", Severity::Warning, message);
        }
    }
}

/// Views over a view, bottom up.
fn above(catalog: &Catalog, name: &Name) -> Vec<Name> {
    let mut res: Vec<Name> = Vec::new();
    loop {
        let next = catalog.views.values().find(|view| {
            view.name != *name
                && !res.contains(&view.name)
                && view.reads.iter().any(|it| it == name || res.contains(it))
        });
        match next {
            Some(view) => res.push(view.name.clone()),
            None => return res,
        }
    }
}

/// In the order in which a catalog can make them.
fn bottom_up(catalog: &Catalog, mut names: Vec<Name>) -> Vec<Name> {
    let mut res = Vec::with_capacity(names.len());
    while !names.is_empty() {
        let stands = |it: &Name, other: &Name| it != other && above(catalog, other).contains(it);
        let next = names.iter().position(|it| !names.iter().any(|other| stands(it, other))).unwrap_or(0);
        res.push(names.remove(next));
    }
    res
}

/// Views that a view stands on.
fn below(catalog: &Catalog, name: &Name) -> Vec<Name> {
    catalog.views.keys().filter(|it| *it != name && above(catalog, it).contains(name)).cloned().collect()
}

impl Kind for ChangeView {
    fn kind(&self) -> &'static str {
        match (&self.before, &self.after) {
            (None, _) => "create_view",
            (_, None) => "drop_view",
            _ => "change_view",
        }
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::View(self.view().map(|it| it.name.clone()).unwrap_or_default())
    }

    fn describe(&self) -> String {
        let materialized = if self.view().is_some_and(|it| it.materialized) { "materialized " } else { "" };
        format!("{} {materialized}view {}", self.kind().trim_end_matches("_view"), self.object())
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        match (&self.before, &self.after) {
            (None, Some(it)) => {
                let create =
                    Ddl::CreateView { view: Box::new((**it).clone()), or_replace: false, if_not_exists: false };
                acc.step(self.phase(b), create, "nobody reads it yet");
            }
            (Some(it), None) => {
                acc.gate(Contract, format!("no running instance reads {}", it.name));
                let drop = Ddl::DropView {
                    name: it.name.clone(),
                    materialized: it.materialized,
                    if_exists: false,
                    cascade: false,
                };
                acc.step(Contract, drop, "nobody reads it any more");
            }
            (Some(before), Some(after)) => self.change(b, acc, before, after),
            (None, None) => {}
        }
    }
}
