//! The type or collation of a column.

use super::{
    Builder, Kind, Outline, change_generated,
    dual::{Twin, swap},
    intent, link,
    pairs::Pairs,
};
use crate::{
    dialect::{TypeChange, TypeCost},
    page::page,
    plan::{
        PhaseKind::{self, *},
        Question, Undo,
    },
    sql::{Column, Ddl, Expr, Name, ObjectRef, Severity},
};

page! {
    /// # Change the type of a column
    ///
    /// Some changes touch the catalog only: a longer `varchar`, `varchar` to `text`, a `numeric` with more digits. Most write
    /// every row again while nobody can even read the table. Those go another way: a hidden copy of the column in the
    /// new type follows every write, old rows are filled in batches, indexes and constraints are built on it, and one short
    /// transaction exchanges the names. The old copy follows until Contract, so the way back loses nothing.
    ///
    /// ```sql before
    /// CREATE TABLE stock_moves (id bigint PRIMARY KEY, quantity integer NOT NULL, note varchar(40));
    /// CREATE INDEX stock_moves_quantity_idx ON stock_moves (quantity);
    /// ```
    /// ```sql after
    /// CREATE TABLE stock_moves (id bigint PRIMARY KEY, quantity bigint NOT NULL, note varchar(80));
    /// CREATE INDEX stock_moves_quantity_idx ON stock_moves (quantity);
    /// ```
    /// ```plan
    /// Expand: change stock_moves.note from character varying(40) to character varying(80); change stock_moves.quantity from integer to bigint
    ///   ALTER TABLE stock_moves ALTER COLUMN note TYPE character varying(80)
    ///     lock: AccessExclusive on stock_moves, brief
    ///   ALTER TABLE stock_moves ADD COLUMN mc_new_quantity bigint
    ///     with the step above
    ///     lock: AccessExclusive on stock_moves, brief
    ///   CREATE FUNCTION mc_sync_stock_moves_quantity_mc_new_quantity() …
    ///     with the step above
    ///   CREATE TRIGGER zzz_mc_sync_stock_moves_quantity_mc_new_quantity BEFORE INSERT OR UPDATE ON stock_moves FOR EACH ROW EXECUTE FUNCTION mc_sync_stock_moves_quantity_mc_new_quantity()
    ///     with the step above
    ///     lock: ShareRowExclusive on stock_moves, brief
    ///   after: stock_moves.mc_new_quantity is there = t
    ///   after: trigger zzz_mc_sync_stock_moves_quantity_mc_new_quantity is enabled and fires last = t
    ///   undo: DROP TRIGGER zzz_mc_sync_stock_moves_quantity_mc_new_quantity ON stock_moves
    ///   undo: DROP FUNCTION mc_sync_stock_moves_quantity_mc_new_quantity()
    ///   undo: ALTER TABLE stock_moves DROP COLUMN mc_new_quantity
    ///   undo: ALTER TABLE stock_moves ALTER COLUMN note TYPE character varying(40) USING note::character varying(40)
    /// Backfill: change stock_moves.quantity from integer to bigint
    ///   backfill stock_moves: mc_new_quantity filled by the trigger as rows are touched where t.mc_new_quantity IS NULL AND t.quantity IS NOT NULL, 1000 rows at a time by id
    ///     outside a transaction
    ///     lock: RowExclusive on stock_moves
    ///   after: no row of stock_moves is left to fill (mc_new_quantity) = 0
    ///   after: every row holds the same in quantity and mc_new_quantity = 0
    /// Gate: every instance can read and write stock_moves.quantity as bigint; every INSERT into stock_moves names its columns
    /// Enforce: change stock_moves.quantity from integer to bigint
    ///   before: no invalid index mc_new_stock_moves_quantity_idx is left from an earlier try = t
    ///   before: no row has stock_moves.mc_new_quantity empty = 0
    ///   CREATE INDEX CONCURRENTLY mc_new_stock_moves_quantity_idx ON stock_moves (mc_new_quantity)
    ///     outside a transaction
    ///     lock: ShareUpdateExclusive on stock_moves
    ///   ALTER TABLE stock_moves ADD CONSTRAINT mc_nn_stock_moves_mc_new_quantity CHECK (mc_new_quantity IS NOT NULL) NOT VALID
    ///     lock: AccessExclusive on stock_moves, brief
    ///   ALTER TABLE stock_moves VALIDATE CONSTRAINT mc_nn_stock_moves_mc_new_quantity
    ///     lock: ShareUpdateExclusive on stock_moves, reads every row
    ///   ALTER TABLE stock_moves ALTER COLUMN mc_new_quantity SET NOT NULL
    ///     lock: AccessExclusive on stock_moves, brief
    ///   ALTER TABLE stock_moves DROP CONSTRAINT mc_nn_stock_moves_mc_new_quantity
    ///     with the step above
    ///     lock: AccessExclusive on stock_moves, brief
    ///   DROP TRIGGER zzz_mc_sync_stock_moves_quantity_mc_new_quantity ON stock_moves
    ///     with the step above
    ///     lock: AccessExclusive on stock_moves, brief
    ///   DROP FUNCTION mc_sync_stock_moves_quantity_mc_new_quantity()
    ///     with the step above
    ///   ALTER TABLE stock_moves RENAME COLUMN quantity TO mc_old_quantity
    ///     with the step above
    ///     lock: AccessExclusive on stock_moves, brief
    ///   ALTER TABLE stock_moves RENAME COLUMN mc_new_quantity TO quantity
    ///     with the step above
    ///     lock: AccessExclusive on stock_moves, brief
    ///   ALTER TABLE stock_moves ALTER COLUMN mc_old_quantity DROP NOT NULL
    ///     with the step above
    ///     lock: AccessExclusive on stock_moves, brief
    ///   CREATE FUNCTION mc_sync_stock_moves_mc_old_quantity_quantity() …
    ///     with the step above
    ///   CREATE TRIGGER zzz_mc_sync_stock_moves_mc_old_quantity_quantity BEFORE INSERT OR UPDATE ON stock_moves FOR EACH ROW EXECUTE FUNCTION mc_sync_stock_moves_mc_old_quantity_quantity()
    ///     with the step above
    ///     lock: ShareRowExclusive on stock_moves, brief
    ///   after: index mc_new_stock_moves_quantity_idx is valid = t
    ///   after: stock_moves.quantity is NOT NULL = t
    ///   after: trigger zzz_mc_sync_stock_moves_mc_old_quantity_quantity is enabled and fires last = t
    ///   undo: ALTER TABLE stock_moves ADD CONSTRAINT mc_nn_stock_moves_mc_old_quantity CHECK (mc_old_quantity IS NOT NULL) NOT VALID
    ///   undo: ALTER TABLE stock_moves VALIDATE CONSTRAINT mc_nn_stock_moves_mc_old_quantity
    ///   undo: ALTER TABLE stock_moves ALTER COLUMN mc_old_quantity SET NOT NULL
    ///   undo: ALTER TABLE stock_moves DROP CONSTRAINT mc_nn_stock_moves_mc_old_quantity
    ///   undo: DROP TRIGGER zzz_mc_sync_stock_moves_mc_old_quantity_quantity ON stock_moves
    ///   undo: DROP FUNCTION mc_sync_stock_moves_mc_old_quantity_quantity()
    ///   undo: ALTER TABLE stock_moves RENAME COLUMN quantity TO mc_new_quantity
    ///   undo: ALTER TABLE stock_moves RENAME COLUMN mc_old_quantity TO quantity
    ///   undo: CREATE FUNCTION mc_sync_stock_moves_quantity_mc_new_quantity() …
    ///   undo: CREATE TRIGGER zzz_mc_sync_stock_moves_quantity_mc_new_quantity BEFORE INSERT OR UPDATE ON stock_moves FOR EACH ROW EXECUTE FUNCTION mc_sync_stock_moves_quantity_mc_new_quantity()
    ///   undo: ALTER TABLE stock_moves ALTER COLUMN mc_new_quantity DROP NOT NULL
    ///   undo: ALTER TABLE stock_moves DROP CONSTRAINT IF EXISTS mc_nn_stock_moves_mc_new_quantity
    ///   undo: DROP INDEX CONCURRENTLY IF EXISTS mc_new_stock_moves_quantity_idx
    /// Contract: change stock_moves.quantity from integer to bigint
    ///   before: every row holds the same in mc_old_quantity and quantity = 0
    ///   DROP INDEX CONCURRENTLY stock_moves_quantity_idx
    ///     outside a transaction
    ///     lock: ShareUpdateExclusive on stock_moves
    ///   DROP TRIGGER zzz_mc_sync_stock_moves_mc_old_quantity_quantity ON stock_moves
    ///     lock: AccessExclusive on stock_moves, brief
    ///   DROP FUNCTION mc_sync_stock_moves_mc_old_quantity_quantity()
    ///     with the step above
    ///   ALTER TABLE stock_moves DROP COLUMN mc_old_quantity
    ///     with the step above
    ///     lock: AccessExclusive on stock_moves, brief
    ///   ALTER INDEX mc_new_stock_moves_quantity_idx RENAME TO stock_moves_quantity_idx
    ///     with the step above
    ///     lock: ShareUpdateExclusive on mc_new_stock_moves_quantity_idx
    ///   after: stock_moves.mc_old_quantity is gone = t
    ///   undo: ALTER INDEX stock_moves_quantity_idx RENAME TO mc_new_stock_moves_quantity_idx
    ///   undo: ALTER TABLE stock_moves ADD COLUMN mc_old_quantity integer
    ///   undo: CREATE FUNCTION mc_sync_stock_moves_mc_old_quantity_quantity() …
    ///   undo: CREATE TRIGGER zzz_mc_sync_stock_moves_mc_old_quantity_quantity BEFORE INSERT OR UPDATE ON stock_moves FOR EACH ROW EXECUTE FUNCTION mc_sync_stock_moves_mc_old_quantity_quantity()
    ///   undo: backfill stock_moves: mc_old_quantity filled by the trigger as rows are touched where t.mc_old_quantity IS NULL AND t.quantity IS NOT NULL, 1000 rows at a time by id
    ///   undo: CREATE INDEX CONCURRENTLY stock_moves_quantity_idx ON stock_moves (mc_old_quantity)
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeType {
    table: Name,
    before: Column,
    after: Column,
    /// The two copies, when the change would rewrite the table.
    twin: Option<Box<Twin>>,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<ChangeType> {
    let single = pairs.single_columns();
    let changed = single.filter(|(_, it)| it.before.ty != it.after.ty || it.before.collation != it.after.collation);
    // A generated column is recomputed, whatever its type.
    let own = changed.filter(|(_, it)| it.before.generated == it.after.generated);
    // One that is computed from a column that changes in place goes and comes back with it.
    let own = own.filter(|(pair, it)| !change_generated::with_its_base(pairs, pair, &it.before));
    // The parent's change reaches it; one of its own is refused.
    let own = own.filter(|(pair, it)| !pair.inherited(&it.after.name, pairs));
    let direct = own.map(|(pair, it)| ChangeType {
        table: pair.after.name.clone(),
        before: it.before.clone(),
        after: it.after.clone(),
        twin: None,
    });
    let sets = pairs.sets.iter().filter(|it| !link::is_pointed(pairs, it) && link::types(pairs, it).is_empty());
    let swapped = sets.flat_map(|it| link::twins(pairs, it)).map(|twin| ChangeType {
        table: twin.table().clone(),
        before: twin.before.clone(),
        after: twin.after.clone(),
        twin: Some(Box::new(twin)),
    });
    let mut res: Vec<ChangeType> = direct.chain(swapped).collect();
    res.sort_by(|a, b| a.table.cmp(&b.table));
    res
}

impl ChangeType {
    /// One ALTER: free, or too entangled for a second copy.
    fn direct(&self, b: &Builder<'_>, acc: &mut Outline) {
        let (table, column, ty) = (&self.table, &self.after.name, &self.after.ty);
        let plain = TypeChange { table, column, to: ty, collation: self.after.collation.as_ref(), using: None };
        let cost = b.dialect().type_change(&plain, &b.pairs.base, b.pairs.input.facts);
        let said = super::dual::said(b.pairs, table, column, "using").map(|it| b.dialect().expr(&it));
        let using = said.or_else(|| (cost == TypeCost::NeedsUsing).then(|| self.cast_by_text(b)));
        let phase = self.phase(b, &cost);
        let group = format!("type:{table}.{column}");
        let followers = b.followers(&[(table.clone(), column.clone())]);
        followers.drop(acc, phase, &group);
        let generated = change_generated::over(b.pairs, table, column);
        generated.iter().for_each(|(old, _)| change_generated::drop(b, acc, phase, &group, table, old));
        // A default is cast with the column, which fails where no implicit cast exists: it goes and comes back.
        let recast = self.before.default.is_some() && cost > TypeCost::Rebuilds;
        let default = |it: Option<Expr>| Ddl::SetDefault { table: table.clone(), column: column.clone(), default: it };
        if recast {
            acc.grouped(phase, &group, default(None), "the old default may not fit the new type");
        }
        let set = Ddl::SetType {
            table: table.clone(),
            column: column.clone(),
            ty: ty.clone(),
            collation: self.after.collation.clone(),
            using,
        };
        let why = match cost {
            TypeCost::Free => "only the catalog changes",
            TypeCost::Rebuilds => "the rows stay as they are; indexes or checks on the column are gone through once",
            _ => "every row is written again while nobody can use the table",
        };
        let back = Ddl::SetType {
            table: table.clone(),
            column: column.clone(),
            ty: self.before.ty.clone(),
            collation: self.before.collation.clone(),
            // USING is refused for a generated column: it is computed anew.
            using: self.before.generated.is_none().then(|| {
                let ty = b.dialect().render_type(&self.before.ty);
                b.dialect().expr(&format!("{}::{ty}", b.dialect().quote(column)))
            }),
        };
        let draft = acc.grouped(phase, &group, set, why);
        if self.before.ty != self.after.ty {
            draft.undo(Undo::By(vec![crate::plan::Action::Ddl(back)]));
        }
        if recast && self.after.default.is_some() {
            acc.grouped(phase, &group, default(self.after.default.clone()), "the default in the new type");
        }
        generated.iter().for_each(|(_, new)| change_generated::add(b, acc, phase, &group, table, new));
        followers.create(acc, phase, &group);
        if cost > TypeCost::Rebuilds {
            acc.gate(Contract, format!("{table} can be unavailable while it is written anew"));
            let message = format!(
                "{table}.{column} to {ty} writes every row of {table} while nobody can read it; a second copy is not possible for this column"
            );
            acc.hazard("changing-type-rewrites", Severity::Error, message);
        } else if cost == TypeCost::Rebuilds {
            let message = format!(
                "{table}.{column} to {ty} rebuilds indexes or rechecks constraints of {table} while nobody can read it"
            );
            acc.hazard("changing-type-rebuilds", Severity::Warning, message);
        }
    }

    /// What is computed from the column is computed anew.
    fn phase(&self, b: &Builder<'_>, cost: &TypeCost) -> PhaseKind {
        let feeds = !change_generated::over(b.pairs, &self.table, &self.after.name).is_empty();
        if *cost <= TypeCost::Rebuilds && !feeds { Expand } else { Contract }
    }

    /// The cast PostgreSQL would not make by itself.
    fn cast_by_text(&self, b: &Builder<'_>) -> Expr {
        let (column, ty) = (b.dialect().quote(&self.after.name), b.dialect().render_type(&self.after.ty));
        match self.after.ty.array && !self.before.ty.array {
            true => b.dialect().expr(&super::dual::as_array(&column, &ty)),
            false => b.dialect().expr(&format!("{column}::text::{ty}")),
        }
    }
}

impl Kind for ChangeType {
    fn kind(&self) -> &'static str {
        "change_type"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Column(self.table.clone(), self.after.name.clone())
    }

    fn describe(&self) -> String {
        if self.before.ty == self.after.ty {
            return format!("change the collation of {}.{}", self.table, self.after.name);
        }
        format!("change {}.{} from {} to {}", self.table, self.after.name, self.before.ty, self.after.ty)
    }

    fn questions(&self, b: &Builder<'_>) -> Vec<Question> {
        let (table, column, ty) = (&self.table, &self.after.name, &self.after.ty);
        let at = intent::annotations(b.pairs, &self.object());
        let plain = TypeChange { table, column, to: ty, collation: self.after.collation.as_ref(), using: None };
        let cost = b.dialect().type_change(&plain, &b.pairs.base, b.pairs.input.facts);
        if cost != TypeCost::NeedsUsing || at.iter().any(|it| it.key == "using") {
            return Vec::new();
        }
        let by_text = format!("value:{}", self.cast_by_text(b));
        let about = format!(
            "PostgreSQL does not cast {table}.{column} from {} to {ty} by itself: which expression over {column} gives the new value?",
            self.before.ty
        );
        let asked = (format!("using:{table}.{column}"), about);
        let choices = vec![by_text.clone(), "value:…".to_owned()];
        vec![intent::question(b.pairs, asked, vec![self.object()], choices, &by_text)]
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        match &self.twin {
            Some(twin) => swap::outline(b, acc, std::slice::from_ref(twin)),
            None => self.direct(b, acc),
        }
    }
}
