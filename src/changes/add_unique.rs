//! A unique constraint that is new.

use super::{Builder, Kind, Outline, build, drop_constraint::matches, pairs::Pairs};
use crate::{
    page::page,
    plan::PhaseKind::*,
    sql::{Constraint, ConstraintKind, Name, ObjectRef},
};

page! {
    /// # Add a unique constraint
    ///
    /// Added whole, it builds its index while nobody can use the table. The index is built CONCURRENTLY instead and then
    /// promoted to a constraint, which touches the catalog only. Duplicates are counted first.
    ///
    /// ```sql before
    /// CREATE TABLE products (id bigint PRIMARY KEY, sku text);
    /// ```
    /// ```sql after
    /// CREATE TABLE products (id bigint PRIMARY KEY, sku text UNIQUE);
    /// ```
    /// ```plan
    /// Enforce: add unique constraint products.products_sku_key
    ///   before: no two rows of products share sku = 0
    ///   before: no invalid index products_sku_key is left from an earlier try = t
    ///   CREATE UNIQUE INDEX CONCURRENTLY products_sku_key ON products (sku)
    ///     outside a transaction
    ///     lock: ShareUpdateExclusive on products
    ///   ALTER TABLE products ADD CONSTRAINT products_sku_key UNIQUE USING INDEX products_sku_key
    ///     lock: AccessExclusive on products, brief
    ///   after: products_sku_key holds for every row of products = t
    ///   undo: ALTER TABLE products DROP CONSTRAINT products_sku_key
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddUnique {
    table: Name,
    constraint: Constraint,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<AddUnique> {
    let new = matches(pairs).into_iter().filter(|it| it.before.is_none());
    let own = new
        .filter_map(|it| Some((it.table, it.after?)))
        .filter(|(_, it)| matches!(it.kind, ConstraintKind::Unique(..)));
    own.map(|(table, constraint)| AddUnique { table, constraint }).collect()
}

impl Kind for AddUnique {
    fn kind(&self) -> &'static str {
        "add_unique"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Constraint(self.table.clone(), self.constraint.name.clone().unwrap_or_default())
    }

    fn describe(&self) -> String {
        format!("add unique constraint {}", self.object())
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        build::constraint(b, acc, Enforce, &self.table, &self.constraint);
    }
}
