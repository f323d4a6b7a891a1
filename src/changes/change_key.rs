//! The type of a key and of the columns that point at it.

use super::{
    Builder, Kind, Outline,
    dual::{Twin, swap},
    link,
    pairs::Pairs,
};
use crate::{page::page, sql::ObjectRef};

page! {
    /// # Change the type of a key that other tables point at
    ///
    /// An `int` key that runs out of numbers is the usual case. Key and pointing columns each get a hidden copy in the new
    /// type that follows every write; old rows are filled in batches; unique indexes and foreign keys are built between the
    /// copies, beside running writes; and one short transaction, that locks all the tables before it does anything, exchanges
    /// the names. Serials and identities go on counting where they stood. The old copies follow until Contract, so there
    /// is a way back until the first number that only the new type can hold. Pointing columns may keep their type.
    ///
    /// ```sql before
    /// CREATE TABLE orders (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text);
    /// CREATE TABLE order_lines (
    ///   order_id integer NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ///   line_no smallint NOT NULL,
    ///   quantity integer,
    ///   PRIMARY KEY (order_id, line_no)
    /// );
    /// ```
    /// ```sql after
    /// CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text);
    /// CREATE TABLE order_lines (
    ///   order_id bigint NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ///   line_no smallint NOT NULL,
    ///   quantity integer,
    ///   PRIMARY KEY (order_id, line_no)
    /// );
    /// ```
    /// ```plan
    /// Expand: change the key orders.id from integer to bigint, and with it order_lines.order_id
    ///   ALTER TABLE orders ADD COLUMN mc_new_id bigint
    ///     lock: AccessExclusive on orders, brief
    ///   CREATE FUNCTION mc_sync_orders_id_mc_new_id() …
    ///     with the step above
    ///   CREATE TRIGGER zzz_mc_sync_orders_id_mc_new_id BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION mc_sync_orders_id_mc_new_id()
    ///     with the step above
    ///     lock: ShareRowExclusive on orders, brief
    ///   ALTER TABLE order_lines ADD COLUMN mc_new_order_id bigint
    ///     lock: AccessExclusive on order_lines, brief
    ///   CREATE FUNCTION mc_sync_order_lines_order_id_mc_new_order_id() …
    ///     with the step above
    ///   CREATE TRIGGER zzz_mc_sync_order_lines_order_id_mc_new_order_id BEFORE INSERT OR UPDATE ON order_lines FOR EACH ROW EXECUTE FUNCTION mc_sync_order_lines_order_id_mc_new_order_id()
    ///     with the step above
    ///     lock: ShareRowExclusive on order_lines, brief
    ///   after: orders.mc_new_id is there = t
    ///   after: trigger zzz_mc_sync_orders_id_mc_new_id is enabled and fires last = t
    ///   after: order_lines.mc_new_order_id is there = t
    ///   after: trigger zzz_mc_sync_order_lines_order_id_mc_new_order_id is enabled and fires last = t
    ///   undo: DROP TRIGGER zzz_mc_sync_order_lines_order_id_mc_new_order_id ON order_lines
    ///   undo: DROP FUNCTION mc_sync_order_lines_order_id_mc_new_order_id()
    ///   undo: ALTER TABLE order_lines DROP COLUMN mc_new_order_id
    ///   undo: DROP TRIGGER zzz_mc_sync_orders_id_mc_new_id ON orders
    ///   undo: DROP FUNCTION mc_sync_orders_id_mc_new_id()
    ///   undo: ALTER TABLE orders DROP COLUMN mc_new_id
    /// Backfill: change the key orders.id from integer to bigint, and with it order_lines.order_id
    ///   backfill orders: mc_new_id filled by the trigger as rows are touched where t.mc_new_id IS NULL AND t.id IS NOT NULL, 1000 rows at a time by id
    ///     outside a transaction
    ///     lock: RowExclusive on orders
    ///   backfill order_lines: mc_new_order_id filled by the trigger as rows are touched where t.mc_new_order_id IS NULL AND t.order_id IS NOT NULL, 1000 rows at a time by order_id, line_no
    ///     outside a transaction
    ///     lock: RowExclusive on order_lines
    ///   after: no row of orders is left to fill (mc_new_id) = 0
    ///   after: every row holds the same in id and mc_new_id = 0
    ///   after: no row of order_lines is left to fill (mc_new_order_id) = 0
    ///   after: every row holds the same in order_id and mc_new_order_id = 0
    /// Gate: every instance can read and write orders.id as bigint; every instance can read and write order_lines.order_id as bigint; every INSERT into orders names its columns; every INSERT into order_lines names its columns
    /// Enforce: change the key orders.id from integer to bigint, and with it order_lines.order_id
    ///   before: no two rows of order_lines share mc_new_order_id, line_no = 0
    ///   before: no invalid index mc_new_order_lines_pkey is left from an earlier try = t
    ///   before: no two rows of orders share mc_new_id = 0
    ///   before: no invalid index mc_new_orders_pkey is left from an earlier try = t
    ///   before: no row has orders.mc_new_id empty = 0
    ///   before: no row has order_lines.mc_new_order_id empty = 0
    ///   before: every mc_new_order_id of order_lines points at a row of orders = 0
    ///   CREATE UNIQUE INDEX CONCURRENTLY mc_new_order_lines_pkey ON order_lines (mc_new_order_id, line_no)
    ///     outside a transaction
    ///     lock: ShareUpdateExclusive on order_lines
    ///   CREATE UNIQUE INDEX CONCURRENTLY mc_new_orders_pkey ON orders (mc_new_id)
    ///     outside a transaction
    ///     lock: ShareUpdateExclusive on orders
    ///   ALTER TABLE orders ADD CONSTRAINT mc_nn_orders_mc_new_id CHECK (mc_new_id IS NOT NULL) NOT VALID
    ///     lock: AccessExclusive on orders, brief
    ///   ALTER TABLE orders VALIDATE CONSTRAINT mc_nn_orders_mc_new_id
    ///     lock: ShareUpdateExclusive on orders, reads every row
    ///   ALTER TABLE orders ALTER COLUMN mc_new_id SET NOT NULL
    ///     lock: AccessExclusive on orders, brief
    ///   ALTER TABLE orders DROP CONSTRAINT mc_nn_orders_mc_new_id
    ///     with the step above
    ///     lock: AccessExclusive on orders, brief
    ///   ALTER TABLE order_lines ADD CONSTRAINT mc_nn_order_lines_mc_new_order_id CHECK (mc_new_order_id IS NOT NULL) NOT VALID
    ///     lock: AccessExclusive on order_lines, brief
    ///   ALTER TABLE order_lines VALIDATE CONSTRAINT mc_nn_order_lines_mc_new_order_id
    ///     lock: ShareUpdateExclusive on order_lines, reads every row
    ///   ALTER TABLE order_lines ALTER COLUMN mc_new_order_id SET NOT NULL
    ///     lock: AccessExclusive on order_lines, brief
    ///   ALTER TABLE order_lines DROP CONSTRAINT mc_nn_order_lines_mc_new_order_id
    ///     with the step above
    ///     lock: AccessExclusive on order_lines, brief
    ///   ALTER TABLE order_lines ADD CONSTRAINT mc_new_order_lines_order_id_fkey FOREIGN KEY (mc_new_order_id) REFERENCES orders (mc_new_id) ON DELETE CASCADE NOT VALID
    ///     lock: ShareRowExclusive on order_lines, orders, brief
    ///   ALTER TABLE order_lines VALIDATE CONSTRAINT mc_new_order_lines_order_id_fkey
    ///     lock: ShareUpdateExclusive on order_lines, reads every row
    ///     lock: RowShare on orders, reads every row
    ///   LOCK TABLE orders, order_lines IN ACCESS EXCLUSIVE MODE
    ///     lock: AccessExclusive on order_lines, orders, brief
    ///   DROP TRIGGER zzz_mc_sync_orders_id_mc_new_id ON orders
    ///     with the step above
    ///     lock: AccessExclusive on orders, brief
    ///   DROP FUNCTION mc_sync_orders_id_mc_new_id()
    ///     with the step above
    ///   DROP TRIGGER zzz_mc_sync_order_lines_order_id_mc_new_order_id ON order_lines
    ///     with the step above
    ///     lock: AccessExclusive on order_lines, brief
    ///   DROP FUNCTION mc_sync_order_lines_order_id_mc_new_order_id()
    ///     with the step above
    ///   ALTER TABLE order_lines DROP CONSTRAINT order_lines_order_id_fkey
    ///     with the step above
    ///     lock: AccessExclusive on order_lines, orders, brief
    ///   ALTER TABLE order_lines DROP CONSTRAINT order_lines_pkey
    ///     with the step above
    ///     lock: AccessExclusive on order_lines, brief
    ///   ALTER TABLE orders DROP CONSTRAINT orders_pkey
    ///     with the step above
    ///     lock: AccessExclusive on orders, brief
    ///   ALTER SEQUENCE orders_id_seq RENAME TO mc_old_orders_id_seq
    ///     with the step above
    ///     lock: AccessExclusive on orders_id_seq, brief
    ///   ALTER TABLE orders ALTER COLUMN mc_new_id ADD GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME orders_id_seq)
    ///     with the step above
    ///     lock: AccessExclusive on orders, brief
    ///   SELECT setval('orders_id_seq', last_value, is_called) FROM mc_old_orders_id_seq
    ///     with the step above
    ///   ALTER TABLE orders ALTER COLUMN id DROP IDENTITY
    ///     with the step above
    ///     lock: AccessExclusive on orders, brief
    ///   ALTER TABLE orders RENAME COLUMN id TO mc_old_id
    ///     with the step above
    ///     lock: AccessExclusive on orders, brief
    ///   ALTER TABLE orders RENAME COLUMN mc_new_id TO id
    ///     with the step above
    ///     lock: AccessExclusive on orders, brief
    ///   ALTER TABLE orders ALTER COLUMN mc_old_id DROP NOT NULL
    ///     with the step above
    ///     lock: AccessExclusive on orders, brief
    ///   ALTER TABLE order_lines RENAME COLUMN order_id TO mc_old_order_id
    ///     with the step above
    ///     lock: AccessExclusive on order_lines, brief
    ///   ALTER TABLE order_lines RENAME COLUMN mc_new_order_id TO order_id
    ///     with the step above
    ///     lock: AccessExclusive on order_lines, brief
    ///   ALTER TABLE order_lines ALTER COLUMN mc_old_order_id DROP NOT NULL
    ///     with the step above
    ///     lock: AccessExclusive on order_lines, brief
    ///   ALTER TABLE order_lines ADD CONSTRAINT order_lines_pkey PRIMARY KEY USING INDEX mc_new_order_lines_pkey
    ///     with the step above
    ///     lock: AccessExclusive on order_lines, brief
    ///   ALTER TABLE orders ADD CONSTRAINT orders_pkey PRIMARY KEY USING INDEX mc_new_orders_pkey
    ///     with the step above
    ///     lock: AccessExclusive on orders, brief
    ///   CREATE FUNCTION mc_sync_orders_mc_old_id_id() …
    ///     with the step above
    ///   CREATE TRIGGER zzz_mc_sync_orders_mc_old_id_id BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION mc_sync_orders_mc_old_id_id()
    ///     with the step above
    ///     lock: ShareRowExclusive on orders, brief
    ///   CREATE FUNCTION mc_sync_order_lines_mc_old_order_id_order_id() …
    ///     with the step above
    ///   CREATE TRIGGER zzz_mc_sync_order_lines_mc_old_order_id_order_id BEFORE INSERT OR UPDATE ON order_lines FOR EACH ROW EXECUTE FUNCTION mc_sync_order_lines_mc_old_order_id_order_id()
    ///     with the step above
    ///     lock: ShareRowExclusive on order_lines, brief
    ///   after: orders.id is NOT NULL = t
    ///   after: order_lines.order_id is NOT NULL = t
    ///   after: mc_new_order_lines_order_id_fkey holds for every row of order_lines = t
    ///   after: trigger zzz_mc_sync_orders_mc_old_id_id is enabled and fires last = t
    ///   after: trigger zzz_mc_sync_order_lines_mc_old_order_id_order_id is enabled and fires last = t
    ///   undo: ALTER TABLE orders ADD CONSTRAINT mc_nn_orders_mc_old_id CHECK (mc_old_id IS NOT NULL) NOT VALID
    ///   undo: ALTER TABLE orders VALIDATE CONSTRAINT mc_nn_orders_mc_old_id
    ///   undo: ALTER TABLE orders ALTER COLUMN mc_old_id SET NOT NULL
    ///   undo: ALTER TABLE orders DROP CONSTRAINT mc_nn_orders_mc_old_id
    ///   undo: ALTER TABLE order_lines ADD CONSTRAINT mc_nn_order_lines_mc_old_order_id CHECK (mc_old_order_id IS NOT NULL) NOT VALID
    ///   undo: ALTER TABLE order_lines VALIDATE CONSTRAINT mc_nn_order_lines_mc_old_order_id
    ///   undo: ALTER TABLE order_lines ALTER COLUMN mc_old_order_id SET NOT NULL
    ///   undo: ALTER TABLE order_lines DROP CONSTRAINT mc_nn_order_lines_mc_old_order_id
    ///   undo: CREATE UNIQUE INDEX CONCURRENTLY mc_old_order_lines_pkey ON order_lines (mc_old_order_id, line_no)
    ///   undo: CREATE UNIQUE INDEX CONCURRENTLY mc_old_orders_pkey ON orders (mc_old_id)
    ///   undo: ALTER TABLE order_lines ADD CONSTRAINT order_lines_order_id_fkey FOREIGN KEY (mc_old_order_id) REFERENCES orders (mc_old_id) ON DELETE CASCADE NOT VALID
    ///   undo: ALTER TABLE order_lines VALIDATE CONSTRAINT order_lines_order_id_fkey
    ///   undo: LOCK TABLE orders, order_lines IN ACCESS EXCLUSIVE MODE
    ///   undo: ALTER TABLE order_lines DROP CONSTRAINT mc_new_order_lines_order_id_fkey
    ///   undo: DROP TRIGGER zzz_mc_sync_order_lines_mc_old_order_id_order_id ON order_lines
    ///   undo: DROP FUNCTION mc_sync_order_lines_mc_old_order_id_order_id()
    ///   undo: DROP TRIGGER zzz_mc_sync_orders_mc_old_id_id ON orders
    ///   undo: DROP FUNCTION mc_sync_orders_mc_old_id_id()
    ///   undo: ALTER TABLE orders DROP CONSTRAINT orders_pkey
    ///   undo: ALTER TABLE order_lines DROP CONSTRAINT order_lines_pkey
    ///   undo: ALTER TABLE order_lines RENAME COLUMN order_id TO mc_new_order_id
    ///   undo: ALTER TABLE order_lines RENAME COLUMN mc_old_order_id TO order_id
    ///   undo: ALTER TABLE orders RENAME COLUMN id TO mc_new_id
    ///   undo: ALTER TABLE orders RENAME COLUMN mc_old_id TO id
    ///   undo: ALTER TABLE orders ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME mc_old_orders_id_seq)
    ///   undo: SELECT setval('mc_old_orders_id_seq', last_value, is_called) FROM orders_id_seq
    ///   undo: ALTER TABLE orders ALTER COLUMN mc_new_id DROP IDENTITY
    ///   undo: ALTER SEQUENCE mc_old_orders_id_seq RENAME TO orders_id_seq
    ///   undo: ALTER TABLE orders ADD CONSTRAINT orders_pkey PRIMARY KEY USING INDEX mc_old_orders_pkey
    ///   undo: ALTER TABLE order_lines ADD CONSTRAINT order_lines_pkey PRIMARY KEY USING INDEX mc_old_order_lines_pkey
    ///   undo: CREATE FUNCTION mc_sync_order_lines_order_id_mc_new_order_id() …
    ///   undo: CREATE TRIGGER zzz_mc_sync_order_lines_order_id_mc_new_order_id BEFORE INSERT OR UPDATE ON order_lines FOR EACH ROW EXECUTE FUNCTION mc_sync_order_lines_order_id_mc_new_order_id()
    ///   undo: CREATE FUNCTION mc_sync_orders_id_mc_new_id() …
    ///   undo: CREATE TRIGGER zzz_mc_sync_orders_id_mc_new_id BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION mc_sync_orders_id_mc_new_id()
    ///   undo: ALTER TABLE order_lines DROP CONSTRAINT IF EXISTS mc_new_order_lines_order_id_fkey
    ///   undo: ALTER TABLE order_lines ALTER COLUMN mc_new_order_id DROP NOT NULL
    ///   undo: ALTER TABLE order_lines DROP CONSTRAINT IF EXISTS mc_nn_order_lines_mc_new_order_id
    ///   undo: ALTER TABLE orders ALTER COLUMN mc_new_id DROP NOT NULL
    ///   undo: ALTER TABLE orders DROP CONSTRAINT IF EXISTS mc_nn_orders_mc_new_id
    ///   undo: DROP INDEX CONCURRENTLY IF EXISTS mc_new_orders_pkey
    ///   undo: DROP INDEX CONCURRENTLY IF EXISTS mc_new_order_lines_pkey
    /// Contract: change the key orders.id from integer to bigint, and with it order_lines.order_id
    ///   before: every row holds the same in mc_old_id and id = 0
    ///   before: every row holds the same in mc_old_order_id and order_id = 0
    ///   DROP TRIGGER zzz_mc_sync_orders_mc_old_id_id ON orders
    ///     lock: AccessExclusive on orders, brief
    ///   DROP FUNCTION mc_sync_orders_mc_old_id_id()
    ///     with the step above
    ///   ALTER TABLE orders DROP COLUMN mc_old_id
    ///     with the step above
    ///     lock: AccessExclusive on orders, brief
    ///   DROP TRIGGER zzz_mc_sync_order_lines_mc_old_order_id_order_id ON order_lines
    ///     lock: AccessExclusive on order_lines, brief
    ///   DROP FUNCTION mc_sync_order_lines_mc_old_order_id_order_id()
    ///     with the step above
    ///   ALTER TABLE order_lines DROP COLUMN mc_old_order_id
    ///     with the step above
    ///     lock: AccessExclusive on order_lines, brief
    ///   ALTER TABLE order_lines RENAME CONSTRAINT mc_new_order_lines_order_id_fkey TO order_lines_order_id_fkey
    ///     with the step above
    ///     lock: AccessExclusive on order_lines, brief
    ///   after: orders.mc_old_id is gone = t
    ///   after: order_lines.mc_old_order_id is gone = t
    ///   undo: ALTER TABLE order_lines RENAME CONSTRAINT order_lines_order_id_fkey TO mc_new_order_lines_order_id_fkey
    ///   undo: ALTER TABLE order_lines ADD COLUMN mc_old_order_id integer
    ///   undo: CREATE FUNCTION mc_sync_order_lines_mc_old_order_id_order_id() …
    ///   undo: CREATE TRIGGER zzz_mc_sync_order_lines_mc_old_order_id_order_id BEFORE INSERT OR UPDATE ON order_lines FOR EACH ROW EXECUTE FUNCTION mc_sync_order_lines_mc_old_order_id_order_id()
    ///   undo: backfill order_lines: mc_old_order_id filled by the trigger as rows are touched where t.mc_old_order_id IS NULL AND t.order_id IS NOT NULL AND (CASE WHEN t.order_id BETWEEN -2147483648 AND 2147483647 THEN t.order_id::integer END) IS NOT NULL, 1000 rows at a time by order_id, line_no
    ///   undo: ALTER TABLE orders ADD COLUMN mc_old_id integer
    ///   undo: CREATE FUNCTION mc_sync_orders_mc_old_id_id() …
    ///   undo: CREATE TRIGGER zzz_mc_sync_orders_mc_old_id_id BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION mc_sync_orders_mc_old_id_id()
    ///   undo: backfill orders: mc_old_id filled by the trigger as rows are touched where t.mc_old_id IS NULL AND t.id IS NOT NULL AND (CASE WHEN t.id BETWEEN -2147483648 AND 2147483647 THEN t.id::integer END) IS NOT NULL, 1000 rows at a time by id
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeKey {
    /// The key first; at least one.
    twins: Vec<Twin>,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<ChangeKey> {
    let sets = pairs.sets.iter().filter(|it| link::is_pointed(pairs, it) && link::types(pairs, it).is_empty());
    sets.map(|it| ChangeKey { twins: link::twins(pairs, it) }).filter(|it| !it.twins.is_empty()).collect()
}

impl Kind for ChangeKey {
    fn kind(&self) -> &'static str {
        "change_key"
    }

    fn object(&self) -> ObjectRef {
        let first = self.twins.first();
        first.map_or(ObjectRef::Table(Default::default()), |it| {
            ObjectRef::Column(it.table().clone(), it.after.name.clone())
        })
    }

    fn describe(&self) -> String {
        let name = |it: &Twin| format!("{}.{}", it.table(), it.after.name);
        let types =
            self.twins.first().map(|it| format!(" from {} to {}", it.before.ty, it.after.ty)).unwrap_or_default();
        let names: Vec<String> = self.twins.iter().map(name).collect();
        match names.as_slice() {
            [one] => format!("change the key {one}{types}"),
            [first, rest @ ..] => format!("change the key {first}{types}, and with it {}", rest.join(", ")),
            [] => String::new(),
        }
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        swap::outline(b, acc, &self.twins);
    }
}
