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
    /// ```plan
    /// Hazard: street and house_no of depots cannot always be made again from address: what cannot is lost in Contract; the checks before Expand and Contract count such rows and show some (dropping-column, warning)
    /// Expand: merge street, house_no of depots into address; create index depots_address_idx on depots
    ///   before: street and house_no of every row of depots can be made again from address = 0
    ///   before: no invalid index depots_address_idx is left from an earlier try = t
    ///   ALTER TABLE depots ADD COLUMN address text
    ///     lock: AccessExclusive on depots, brief
    ///   CREATE FUNCTION mc_sync_depots_street_house_no_address() …
    ///     with the step above
    ///   CREATE TRIGGER zzz_mc_sync_depots_street_house_no_address BEFORE INSERT OR UPDATE ON depots FOR EACH ROW EXECUTE FUNCTION mc_sync_depots_street_house_no_address()
    ///     with the step above
    ///     lock: ShareRowExclusive on depots, brief
    ///   CREATE INDEX CONCURRENTLY depots_address_idx ON depots (address)
    ///     outside a transaction
    ///     lock: ShareUpdateExclusive on depots
    ///   after: depots.address is there = t
    ///   after: trigger zzz_mc_sync_depots_street_house_no_address on depots is enabled = t
    ///   after: index depots_address_idx is valid = t
    ///   undo: DROP INDEX CONCURRENTLY IF EXISTS depots_address_idx
    ///   undo: DROP TRIGGER zzz_mc_sync_depots_street_house_no_address ON depots
    ///   undo: DROP FUNCTION mc_sync_depots_street_house_no_address()
    ///   undo: ALTER TABLE depots DROP COLUMN address
    /// Backfill: merge street, house_no of depots into address
    ///   backfill depots: address filled by the trigger as rows are touched where t.address IS NULL AND ((t.street || ' ' || t.house_no) IS NOT NULL), 1000 rows at a time by id
    ///     outside a transaction
    ///     lock: RowExclusive on depots
    ///   after: no row of depots is left to fill (address) = 0
    ///   after: street and house_no and address say the same in every row of depots = 0
    /// Enforce: merge street, house_no of depots into address
    ///   before: no row has depots.address empty = 0
    ///   ALTER TABLE depots ADD CONSTRAINT mc_nn_depots_address CHECK (address IS NOT NULL) NOT VALID
    ///     lock: AccessExclusive on depots, brief
    ///   ALTER TABLE depots VALIDATE CONSTRAINT mc_nn_depots_address
    ///     lock: ShareUpdateExclusive on depots, reads every row
    ///   ALTER TABLE depots ALTER COLUMN address SET NOT NULL
    ///     lock: AccessExclusive on depots, brief
    ///   ALTER TABLE depots DROP CONSTRAINT mc_nn_depots_address
    ///     with the step above
    ///     lock: AccessExclusive on depots, brief
    ///   after: depots.address is NOT NULL = t
    ///   undo: ALTER TABLE depots ALTER COLUMN address DROP NOT NULL
    ///   undo: ALTER TABLE depots DROP CONSTRAINT IF EXISTS mc_nn_depots_address
    /// Gate: no running instance reads or writes street and house_no of depots
    /// Contract: merge street, house_no of depots into address; drop index depots_street_idx on depots
    ///   before: street and house_no and address say the same in every row of depots = 0
    ///   before: street and house_no of every row of depots can be made again from address = 0
    ///   DROP INDEX CONCURRENTLY depots_street_idx
    ///     outside a transaction
    ///     lock: ShareUpdateExclusive on depots
    ///   DROP TRIGGER zzz_mc_sync_depots_street_house_no_address ON depots
    ///     lock: AccessExclusive on depots, brief
    ///   DROP FUNCTION mc_sync_depots_street_house_no_address()
    ///     with the step above
    ///   ALTER TABLE depots DROP COLUMN street
    ///     with the step above
    ///     lock: AccessExclusive on depots, brief
    ///   ALTER TABLE depots DROP COLUMN house_no
    ///     with the step above
    ///     lock: AccessExclusive on depots, brief
    ///   after: depots.street is gone = t
    ///   after: depots.house_no is gone = t
    ///   after: depots_street_idx is gone = t
    ///   undo: ALTER TABLE depots ADD COLUMN house_no character varying(6)
    ///   undo: ALTER TABLE depots ADD COLUMN street text
    ///   undo: CREATE FUNCTION mc_sync_depots_street_house_no_address() …
    ///   undo: CREATE TRIGGER zzz_mc_sync_depots_street_house_no_address BEFORE INSERT OR UPDATE ON depots FOR EACH ROW EXECUTE FUNCTION mc_sync_depots_street_house_no_address()
    ///   undo: backfill depots: street, house_no filled by the trigger as rows are touched where t.street IS NULL AND t.house_no IS NULL AND ((regexp_replace(t.address, ' [^ ]*$', '')) IS NOT NULL OR (substring(t.address from '[^ ]*$')::varchar(6)) IS NOT NULL), 1000 rows at a time by id
    ///   undo: ALTER TABLE depots ADD CONSTRAINT mc_nn_depots_street CHECK (street IS NOT NULL) NOT VALID
    ///   undo: ALTER TABLE depots VALIDATE CONSTRAINT mc_nn_depots_street
    ///   undo: ALTER TABLE depots ALTER COLUMN street SET NOT NULL
    ///   undo: ALTER TABLE depots DROP CONSTRAINT mc_nn_depots_street
    ///   undo: ALTER TABLE depots ADD CONSTRAINT mc_nn_depots_house_no CHECK (house_no IS NOT NULL) NOT VALID
    ///   undo: ALTER TABLE depots VALIDATE CONSTRAINT mc_nn_depots_house_no
    ///   undo: ALTER TABLE depots ALTER COLUMN house_no SET NOT NULL
    ///   undo: ALTER TABLE depots DROP CONSTRAINT mc_nn_depots_house_no
    ///   undo: CREATE INDEX CONCURRENTLY depots_street_idx ON depots (street)
    ///   irreversible: values of depots.house_no that address cannot make again as they were; values of depots.street that address cannot make again as they were
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

    fn objects(&self) -> Vec<ObjectRef> {
        regroup::objects(&self.regroup)
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
