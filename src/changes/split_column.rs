//! A column that becomes several.

use super::{Builder, Kind, Outline, pairs::Pairs, regroup};
use crate::{page::page, plan::Regroup, sql::ObjectRef};

page! {
    /// # Split a column
    ///
    /// The new columns say so: `-- @split from=full_name` on each. They stand beside the old one while a trigger carries
    /// every write, of old and new code alike, to the other side of the row; old rows are filled in batches; and the old column
    /// goes when no running code asks for it.
    ///
    /// How to split is said by `-- @using expr` (or `-- @backfill expr`) on each new column, an expression over the old one; how
    /// to get back by `-- @back expr` on any of them, over the new ones. Texts need neither: the first column gets the first
    /// word, the last one the rest, and the way back joins them with blanks. What does not survive that (runs of blanks, a
    /// blank at an end) is counted before Expand, and lost in Contract.
    ///
    /// ```sql before
    /// CREATE TABLE customers (id bigint PRIMARY KEY, full_name text NOT NULL, email text);
    /// CREATE VIEW customer_names AS SELECT id, full_name FROM customers;
    /// ```
    /// ```sql after
    /// CREATE TABLE customers (
    ///   id bigint PRIMARY KEY,
    ///   first_name text NOT NULL, -- @split from=full_name
    ///   last_name text, -- @split from=full_name
    ///   email text
    /// );
    /// CREATE INDEX customers_last_name_idx ON customers (last_name);
    /// CREATE VIEW customer_names AS SELECT id, concat_ws(' ', first_name, last_name) AS full_name FROM customers;
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitColumn {
    regroup: Regroup,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<SplitColumn> {
    let own = pairs.reshapes.regroups.iter().filter(|it| it.old.len() == 1);
    own.map(|it| SplitColumn { regroup: it.clone() }).collect()
}

impl Kind for SplitColumn {
    fn kind(&self) -> &'static str {
        "split_column"
    }

    fn object(&self) -> ObjectRef {
        let first = self.regroup.new.first().map(|it| it.column.clone()).unwrap_or_default();
        ObjectRef::Column(self.regroup.table.clone(), first)
    }

    fn describe(&self) -> String {
        let words = |it: &[crate::sql::Ident]| it.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let it = &self.regroup;
        format!("split {}.{} into {}", it.table, words(&it.old_columns()), words(&it.new_columns()))
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        regroup::outline(b, acc, &self.regroup);
    }
}
