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
    /// ```plan
    /// Hazard: full_name of customers cannot always be made again from first_name and last_name: what cannot is lost in Contract; the checks before Expand and Contract count such rows and show some (dropping-column, warning)
    /// Expand: split customers.full_name into first_name, last_name; create index customers_last_name_idx on customers
    ///   before: full_name of every row of customers can be made again from first_name and last_name = 0
    ///   before: no invalid index customers_last_name_idx is left from an earlier try = t
    ///   ALTER TABLE customers ADD COLUMN first_name text
    ///     lock: AccessExclusive on customers, brief
    ///   ALTER TABLE customers ADD COLUMN last_name text
    ///     with the step above
    ///     lock: AccessExclusive on customers, brief
    ///   CREATE FUNCTION mc_sync_customers_full_name_first_name_last_name() …
    ///     with the step above
    ///   CREATE TRIGGER zzz_mc_sync_customers_full_name_first_name_last_name BEFORE INSERT OR UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION mc_sync_customers_full_name_first_name_last_name()
    ///     with the step above
    ///     lock: ShareRowExclusive on customers, brief
    ///   CREATE INDEX CONCURRENTLY customers_last_name_idx ON customers (last_name)
    ///     outside a transaction
    ///     lock: ShareUpdateExclusive on customers
    ///   after: customers.first_name is there = t
    ///   after: customers.last_name is there = t
    ///   after: trigger zzz_mc_sync_customers_full_name_first_name_last_name on customers is enabled = t
    ///   after: index customers_last_name_idx is valid = t
    ///   undo: DROP INDEX CONCURRENTLY IF EXISTS customers_last_name_idx
    ///   undo: DROP TRIGGER zzz_mc_sync_customers_full_name_first_name_last_name ON customers
    ///   undo: DROP FUNCTION mc_sync_customers_full_name_first_name_last_name()
    ///   undo: ALTER TABLE customers DROP COLUMN last_name
    ///   undo: ALTER TABLE customers DROP COLUMN first_name
    /// Backfill: split customers.full_name into first_name, last_name
    ///   backfill customers: first_name, last_name filled by the trigger as rows are touched where t.first_name IS NULL AND t.last_name IS NULL AND ((coalesce((regexp_split_to_array(btrim(t.full_name), '[[:space:]]+'))[1], '')) IS NOT NULL OR (nullif(array_to_string((regexp_split_to_array(btrim(t.full_name), '[[:space:]]+'))[2:], ' '), '')) IS NOT NULL), 1000 rows at a time by id
    ///     outside a transaction
    ///     lock: RowExclusive on customers
    ///   after: no row of customers is left to fill (first_name, last_name) = 0
    ///   after: full_name and first_name and last_name say the same in every row of customers = 0
    /// Enforce: split customers.full_name into first_name, last_name
    ///   before: no row has customers.first_name empty = 0
    ///   ALTER TABLE customers ADD CONSTRAINT mc_nn_customers_first_name CHECK (first_name IS NOT NULL) NOT VALID
    ///     lock: AccessExclusive on customers, brief
    ///   ALTER TABLE customers VALIDATE CONSTRAINT mc_nn_customers_first_name
    ///     lock: ShareUpdateExclusive on customers, reads every row
    ///   ALTER TABLE customers ALTER COLUMN first_name SET NOT NULL
    ///     lock: AccessExclusive on customers, brief
    ///   ALTER TABLE customers DROP CONSTRAINT mc_nn_customers_first_name
    ///     with the step above
    ///     lock: AccessExclusive on customers, brief
    ///   after: customers.first_name is NOT NULL = t
    ///   undo: ALTER TABLE customers ALTER COLUMN first_name DROP NOT NULL
    ///   undo: ALTER TABLE customers DROP CONSTRAINT IF EXISTS mc_nn_customers_first_name
    /// Gate: no running instance reads or writes full_name of customers
    /// Contract: split customers.full_name into first_name, last_name
    ///   before: full_name and first_name and last_name say the same in every row of customers = 0
    ///   before: full_name of every row of customers can be made again from first_name and last_name = 0
    ///   DROP VIEW customer_names
    ///     lock: AccessExclusive on customer_names, brief
    ///   DROP TRIGGER zzz_mc_sync_customers_full_name_first_name_last_name ON customers
    ///     with the step above
    ///     lock: AccessExclusive on customers, brief
    ///   DROP FUNCTION mc_sync_customers_full_name_first_name_last_name()
    ///     with the step above
    ///   ALTER TABLE customers DROP COLUMN full_name
    ///     with the step above
    ///     lock: AccessExclusive on customers, brief
    ///   CREATE VIEW customer_names AS SELECT id, concat_ws(' ', first_name, last_name) AS full_name FROM customers
    ///     with the step above
    ///     lock: AccessShare on customers
    ///   after: customers.full_name is gone = t
    ///   undo: DROP VIEW customer_names
    ///   undo: ALTER TABLE customers ADD COLUMN full_name text
    ///   undo: CREATE FUNCTION mc_sync_customers_full_name_first_name_last_name() …
    ///   undo: CREATE TRIGGER zzz_mc_sync_customers_full_name_first_name_last_name BEFORE INSERT OR UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION mc_sync_customers_full_name_first_name_last_name()
    ///   undo: backfill customers: full_name filled by the trigger as rows are touched where t.full_name IS NULL AND ((coalesce(concat_ws(' ', nullif(t.first_name, ''), nullif(t.last_name, '')), '')) IS NOT NULL), 1000 rows at a time by id
    ///   undo: ALTER TABLE customers ADD CONSTRAINT mc_nn_customers_full_name CHECK (full_name IS NOT NULL) NOT VALID
    ///   undo: ALTER TABLE customers VALIDATE CONSTRAINT mc_nn_customers_full_name
    ///   undo: ALTER TABLE customers ALTER COLUMN full_name SET NOT NULL
    ///   undo: ALTER TABLE customers DROP CONSTRAINT mc_nn_customers_full_name
    ///   undo: CREATE VIEW customer_names AS SELECT id, full_name FROM customers
    ///   irreversible: values of customers.full_name that first_name and last_name cannot make again as they were
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

    fn objects(&self) -> Vec<ObjectRef> {
        regroup::objects(&self.regroup)
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
