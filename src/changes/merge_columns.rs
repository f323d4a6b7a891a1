//! Columns that become one.

use super::{Builder, Kind, Outline, pairs::Pairs, regroup};
use crate::{page::page, plan::Regroup, sql::ObjectRef};

page! {
    /// # Merge columns
    ///
    /// The new column says so: `-- @merge from=first_name,last_name`. It stands beside the old ones while a trigger carries
    /// every write, of old and new code alike, to the other side of the row; old rows are filled in batches; and the old
    /// columns go when no running code asks for them.
    ///
    /// How to merge is said by `-- @using expr` on the new column, how to get back by `-- @back old_column = expr` for each old one.
    /// Texts need neither: they are joined with blanks, and the way back cuts by words. Where one value ended and the next
    /// began is often not to be told any more: the checks count such rows before Contract, where that is lost.
    ///
    /// ```sql before
    /// CREATE TABLE depots (id bigint PRIMARY KEY, street text NOT NULL, house_no varchar(6) NOT NULL);
    /// CREATE INDEX depots_street_idx ON depots (street);
    /// ```
    /// ```sql after
    /// CREATE TABLE depots (
    ///   id bigint PRIMARY KEY,
    ///   -- @merge from=street,house_no
    ///   -- @using street || ' ' || house_no
    ///   -- @back street = regexp_replace(address, ' [^ ]*$', '')
    ///   -- @back house_no = substring(address from '[^ ]*$')::varchar(6)
    ///   address text NOT NULL
    /// );
    /// CREATE INDEX depots_address_idx ON depots (address);
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeColumns {
    regroup: Regroup,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<MergeColumns> {
    let own = pairs.reshapes.regroups.iter().filter(|it| it.old.len() > 1);
    own.map(|it| MergeColumns { regroup: it.clone() }).collect()
}

impl Kind for MergeColumns {
    fn kind(&self) -> &'static str {
        "merge_columns"
    }

    fn object(&self) -> ObjectRef {
        let first = self.regroup.new.first().map(|it| it.column.clone()).unwrap_or_default();
        ObjectRef::Column(self.regroup.table.clone(), first)
    }

    fn describe(&self) -> String {
        let words = |it: &[crate::sql::Ident]| it.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let it = &self.regroup;
        format!("merge {} of {} into {}", words(&it.old_columns()), it.table, words(&it.new_columns()))
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        regroup::outline(b, acc, &self.regroup);
    }
}
