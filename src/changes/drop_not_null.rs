//! NOT NULL that goes.

use super::{
    Builder, Kind, Outline, build,
    pairs::{ColumnPair, Pairs, TablePair},
    rebuilt::constraint_mentions,
};
use crate::{
    page::page,
    plan::{Action, PhaseKind::*, Undo},
    sql::{Column, Ddl, Name, ObjectRef},
};

page! {
    /// # Make a column nullable
    ///
    /// The catalog changes for a moment. Readers must cope with NULL before anybody writes one; taking it back
    /// checks every row again.
    ///
    /// ```sql before
    /// CREATE TABLE orders (id bigint PRIMARY KEY, note text NOT NULL);
    /// ```
    /// ```sql after
    /// CREATE TABLE orders (id bigint PRIMARY KEY, note text);
    /// ```
    /// ```plan
    /// Expand: make orders.note nullable
    ///   ALTER TABLE orders ALTER COLUMN note DROP NOT NULL
    ///     lock: AccessExclusive on orders, brief
    ///   undo: ALTER TABLE orders ADD CONSTRAINT mc_nn_orders_note CHECK (note IS NOT NULL) NOT VALID
    ///   undo: ALTER TABLE orders VALIDATE CONSTRAINT mc_nn_orders_note
    ///   undo: ALTER TABLE orders ALTER COLUMN note SET NOT NULL
    ///   undo: ALTER TABLE orders DROP CONSTRAINT mc_nn_orders_note
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropNotNull {
    table: Name,
    before: Column,
    after: Column,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<DropNotNull> {
    let changed = pairs.single_columns().filter(|(pair, it)| {
        it.before.not_null && !it.after.not_null && !pair.inherited(&it.after.name, pairs) && !held(pair, it)
    });
    changed
        .map(|(pair, it)| DropNotNull {
            table: pair.after.name.clone(),
            before: it.before.clone(),
            after: it.after.clone(),
        })
        .collect()
}

/// A primary key or an identity keeps the column NOT NULL: it goes with them, in their phase.
fn held(pair: &TablePair, column: &ColumnPair) -> bool {
    let keyed = pair.before.primary_key().is_some_and(|it| constraint_mentions(it, &column.before.name));
    keyed || column.before.identity.is_some()
}

impl Kind for DropNotNull {
    fn kind(&self) -> &'static str {
        "drop_not_null"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Column(self.table.clone(), self.after.name.clone())
    }

    fn describe(&self) -> String {
        format!("make {}.{} nullable", self.table, self.after.name)
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        let (table, column) = (self.table.clone(), self.after.name.clone());
        let actions = build::not_null_actions(b, &table, &column);
        acc.step(
            Expand,
            Ddl::DropNotNull { table, column },
            "only the catalog changes; readers must cope with NULL before anyone writes it",
        )
        .undo(Undo::By(actions.into_iter().map(Action::Ddl).collect()));
    }
}
