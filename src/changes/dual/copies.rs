//! What a rename and a swap have in common: the second copy and its trigger, the filling, what stands on the column.

use super::Twin;
use crate::{
    changes::{
        build::{self, Builder},
        outline::Outline,
        rebuilt::{self, Part, Rebuilt},
    },
    dialect::Probe,
    plan::{
        self, Direction,
        PhaseKind::{self, *},
        Sync, Undo,
    },
    sql::*,
};

/// The second column and the trigger that fills it, in one transaction.
pub fn expand(b: &Builder<'_>, acc: &mut Outline, twin: &Twin) {
    let (new, sync) = (&twin.after, &twin.dual.sync);
    let table = &sync.table;
    let group = format!("sync:{table}.{}", sync.new);
    let bare = Column { collation: new.collation.clone(), ..Column::new(sync.new.clone(), sync.new_type.clone()) };
    let add =
        Ddl::AddColumn { table: table.clone(), column: Box::new(bare), constraints: Vec::new(), if_not_exists: false };
    acc.grouped(
        Expand,
        &group,
        add,
        format!("{} gets the column beside {}; empty, so no row is written", table, sync.old),
    );
    for ddl in build::column_settings(table, &Column { name: sync.new.clone(), ..new.clone() }) {
        acc.grouped(Expand, &group, ddl, "as the column it stands for");
    }
    if let Some(default) = sync.default_new.clone().filter(|_| !twin.dual.swap) {
        let set = Ddl::SetDefault { table: table.clone(), column: sync.new.clone(), default: Some(default) };
        acc.grouped(Expand, &group, set, "set after ADD COLUMN, so that old rows stay recognisably empty");
    }
    let why = match sync.direction {
        Direction::Both => "whichever column a writer sets, the other follows in the same row",
        _ => "the copy follows every write",
    };
    for ddl in b.dialect().sync(sync) {
        acc.grouped(Expand, &group, ddl, why);
    }
    acc.verify(Expand, b.dialect(), Probe::Exists(ObjectRef::Column(table.clone(), sync.new.clone())));
    acc.verify(Expand, b.dialect(), Probe::SyncTrigger { sync: sync.clone() });
    if twin.dual.guarded {
        // Before Expand a renamed table has its old name.
        let renamed = b.pairs.renamed_tables.iter().find(|(_, to)| to == table);
        // A cast to a type that Expand makes cannot be tried before.
        let name =
            sync.new_type.schema.clone().map(|it| Name { schema: Some(it), name: Ident::new(&sync.new_type.name) });
        let made = name.is_some_and(|it| !b.pairs.base.types.contains_key(&it) && b.after().types.contains_key(&it));
        if !made {
            acc.preflight(Expand, b.dialect(), survival(sync, renamed.map_or(table, |(from, _)| from)));
        }
        // Again when the copy takes the place of the original: rows have come since.
        let last = if twin.dual.swap { Enforce } else { Contract };
        acc.preflight(last, b.dialect(), survival(sync, table));
    }
}

/// Does every value survive the way there and back? A cast to a shorter type cuts in silence.
fn survival(sync: &Sync, table: &Name) -> Probe {
    let (up, down) = (sync.up.clone(), sync.down.clone());
    Probe::LossyValues { table: table.clone(), column: sync.old.clone(), up, down }
}

/// Fills the copies: one pass over each table, however many of its columns are copied.
pub fn fill(b: &Builder<'_>, acc: &mut Outline, twins: &[&Twin]) {
    let mut rest = twins.to_vec();
    while let Some(first) = rest.first() {
        let (own, others): (Vec<&Twin>, Vec<&Twin>) = rest.iter().partition(|it| it.table() == first.table());
        let syncs: Vec<&Sync> = own.iter().map(|it| &it.dual.sync).collect();
        let backfill = touch(b, first.table(), &syncs);
        let names: Vec<&str> = syncs.iter().map(|it| it.new.as_str()).collect();
        let why =
            format!("old rows are touched, {} at a time; the trigger fills {}", backfill.batch, names.join(" and "));
        acc.backfill(b.dialect(), backfill, why);
        for sync in syncs {
            acc.verify(Backfill, b.dialect(), Probe::OutOfSync { sync: sync.clone() });
        }
        rest = others;
    }
}

/// Touches each row whose copy is empty; the trigger does the rest. The copy is set to what it holds, nothing: its value
/// would count as a write by new code, and setting the original is refused for an identity that is ALWAYS generated, and
/// fires the triggers `UPDATE OF` it. A value that becomes NULL is not waited for.
pub fn touch(b: &Builder<'_>, table: &Name, syncs: &[&Sync]) -> plan::Backfill {
    let q = |it: &Ident| format!("t.{}", b.dialect().quote(it));
    let ends = |it: &Sync| match it.direction {
        Direction::NewToOld => (it.new.clone(), it.old.clone(), it.down.clone()),
        _ => (it.old.clone(), it.new.clone(), it.up.clone()),
    };
    let pending = |it: &&Sync| {
        let (from, to, value) = ends(it);
        unfilled(b, &q(&from), &q(&to), &value)
    };
    let pending = match syncs.iter().map(pending).collect::<Vec<_>>().as_slice() {
        [one] => one.clone(),
        many => many.iter().map(|it| format!("({it})")).collect::<Vec<_>>().join(" OR "),
    };
    let set = syncs.iter().map(|it| ends(it).1).map(|to| (to.clone(), q(&to))).collect();
    match syncs.iter().any(|it| it.direction == Direction::NewToOld) {
        true => b.backfill_after(table, set, pending),
        false => b.backfill(table, set, pending),
    }
}

/// Rows whose copy is still empty, those left out whose value becomes NULL on the way: they would be pending for ever.
pub fn unfilled(b: &Builder<'_>, from: &str, to: &str, value: &str) -> String {
    let empty = format!("{to} IS NULL AND {from} IS NOT NULL");
    // A cast never makes NULL of a value; other conversions may.
    let casts = value.strip_prefix("{}").map(|it| it.split("::").skip(1));
    if casts.is_some_and(|mut it| it.all(|ty| b.dialect().data_type(ty).is_some())) {
        return empty;
    }
    format!("{empty} AND ({}) IS NOT NULL", value.replace("{}", from))
}

/// What stands on a column with two copies, built over the working copy.
pub fn build_part(b: &Builder<'_>, acc: &mut Outline, part: &Rebuilt) {
    match rebuilt::at_work(b.pairs, &part.after) {
        Part::Index(index) => {
            let name = b.free_name(&part.after);
            build::index(b, acc, Enforce, &Index { name: Some(name), ..(*index).clone() });
        }
        Part::Constraint(table, constraint) => {
            let name = b.free_name(&part.after).name;
            let named = Constraint { name: Some(name), ..constraint };
            if matches!(named.kind, ConstraintKind::PrimaryKey(_)) {
                // Only one primary key at a time: its index now, its constraint when the old one goes.
                build::key_index(b, acc, Enforce, &table, &named);
            } else {
                build::constraint(b, acc, Enforce, &table, &named);
            }
        }
    }
}

pub fn is_primary_key(part: &Part) -> bool {
    matches!(part, Part::Constraint(_, Constraint { kind: ConstraintKind::PrimaryKey(_), .. }))
}

pub fn is_foreign_key(part: &Part) -> bool {
    matches!(part, Part::Constraint(_, Constraint { kind: ConstraintKind::ForeignKey(_), .. }))
}

/// Keys, indexes and checks, then NOT NULL, then the foreign keys that stand on all of them.
pub fn build_parts(b: &Builder<'_>, acc: &mut Outline, twins: &[&Twin], parts: &[&Rebuilt]) {
    parts.iter().filter(|it| !is_foreign_key(&it.after)).for_each(|it| build_part(b, acc, it));
    for twin in twins.iter().filter(|it| it.after.not_null) {
        build::not_null_steps(b, acc, Enforce, twin.table(), &twin.dual.sync.new);
        let (table, column) = (twin.table().clone(), twin.after.name.clone());
        acc.verify(Enforce, b.dialect(), Probe::NotNull { table, column, expect: true });
    }
    parts.iter().filter(|it| is_foreign_key(&it.after)).for_each(|it| build_part(b, acc, it));
}

/// What code must do before a column changes its place among the others.
pub fn named_columns(table: &Name) -> String {
    format!("every INSERT into {table} names its columns")
}

/// Does the index of that name, or of the constraint, use the column?
pub fn index_stands(catalog: &crate::catalog::Catalog, table: &Table, index: &Ident, column: &Ident) -> bool {
    let own = catalog.indexes.get(&table.name.sibling(index.clone()));
    own.is_some_and(|it| rebuilt::index_mentions(it, column))
        || table.constraint(index).is_some_and(|it| rebuilt::constraint_mentions(it, column))
}

/// A replica identity and CLUSTER ON go over to the new index before the old one goes: without it, a published table takes
/// neither UPDATE nor DELETE (manual, Publication).
pub fn stand_over(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, group: &str, parts: &[&Rebuilt]) {
    for part in parts {
        let Some(before) = &part.before else { continue };
        let name = match (before, &part.after) {
            (Part::Index(old), Part::Index(_)) => old.name.as_ref().map(|it| it.name.clone()),
            (Part::Constraint(_, old), Part::Constraint(..)) => old.name.clone(),
            _ => None,
        };
        let (Some(name), Some(table)) = (name, b.pairs.base.table(before.table())) else { continue };
        let working = b.free_name(&part.after).name;
        if table.replica_identity == ReplicaIdentity::Index(name.clone()) {
            let identity = ReplicaIdentity::Index(working.clone());
            let set = Ddl::SetReplicaIdentity { table: table.name.clone(), identity };
            acc.grouped(phase, group, set, "replication tells rows apart by the new index");
        }
        if table.cluster_on.as_ref() == Some(&name) {
            let set = Ddl::ClusterOn { table: table.name.clone(), index: Some(working) };
            acc.grouped(phase, group, set, "CLUSTER goes by the new index");
        }
    }
}

/// Sequences that the column owns, and its default, go over to the new copy.
pub fn take_over(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, group: &str, twin: &Twin) {
    let (table, new) = (twin.table(), &twin.after);
    for sequence in b.pairs.base.sequences.values() {
        let owner = sequence.owned_by.as_ref();
        if owner.is_some_and(|(of, column)| of == table && *column == twin.before.name) {
            let own = Ddl::AlterSequence {
                name: sequence.name.clone(),
                set: SequenceOptions::default(),
                restart: None,
                owned_by: Some(Some((table.clone(), new.name.clone()))),
                if_exists: false,
            };
            acc.grouped(phase, group, own, "else the sequence would go with the old column");
        }
    }
    if let Some(default) = &new.default {
        let set = Ddl::SetDefault { table: table.clone(), column: new.name.clone(), default: Some(default.clone()) };
        acc.grouped(phase, group, set, "rows to come");
    }
}

pub fn drop_sync(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, group: &str, sync: &Sync, undo: Option<Undo>) {
    for ddl in b.dialect().sync(sync).into_iter().rev() {
        let drop = match ddl {
            Ddl::CreateTrigger { trigger, .. } => drop_trigger(&trigger),
            Ddl::CreateFunction { function, .. } => Ddl::DropFunction {
                name: function.name,
                args: Some(Vec::new()),
                kind: FunctionKind::Function,
                if_exists: false,
                cascade: false,
            },
            _ => continue,
        };
        let trigger = matches!(drop, Ddl::DropTrigger { .. });
        let draft = acc.grouped(phase, group, drop, "both copies hold the same; nobody writes the other one any more");
        if trigger && let Some(undo) = &undo {
            draft.undo(undo.clone());
        }
    }
}

pub fn drop_trigger(trigger: &Trigger) -> Ddl {
    Ddl::DropTrigger { table: trigger.table.clone(), name: trigger.name.clone(), if_exists: false, cascade: false }
}

pub fn drop_primary_key(acc: &mut Outline, phase: PhaseKind, group: &str, part: &Rebuilt) -> bool {
    match part.before.as_ref().filter(|it| is_primary_key(it)) {
        Some(Part::Constraint(table, Constraint { name: Some(name), .. })) => {
            let drop =
                Ddl::DropConstraint { table: table.clone(), name: name.clone(), if_exists: false, cascade: false };
            acc.grouped(phase, group, drop, "a table has one primary key: the new one follows in this transaction");
            true
        }
        _ => false,
    }
}

pub fn add_primary_key(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, group: &str, part: &Rebuilt) {
    let Part::Constraint(table, constraint) = &part.after else { return };
    if !is_primary_key(&part.after) {
        return;
    }
    let index = b.free_name(&part.after).name;
    let add = Ddl::AddConstraintUsingIndex {
        table: table.clone(),
        name: constraint.name.clone(),
        primary: true,
        index,
        deferrable: constraint.deferrable,
        initially_deferred: constraint.initially_deferred,
    };
    acc.grouped(phase, group, add, "its index is there already and its columns are NOT NULL: nothing is read");
}

/// The old index or constraint goes; primary keys have their own transaction.
pub fn drop_part(b: &Builder<'_>, acc: &mut Outline, part: &Rebuilt) {
    let Some(before) = part.before.as_ref().filter(|it| !is_primary_key(it)) else { return };
    match before {
        Part::Index(it) => {
            if let Some(name) = &it.name {
                build::drop_index(b, acc, Contract, name, "its successor is built and valid");
                if part.after.object() == before.object() {
                    // The name is there again a moment later.
                    acc.verify.pop();
                }
            }
        }
        Part::Constraint(table, it) => {
            if let Some(name) = &it.name {
                let drop =
                    Ddl::DropConstraint { table: table.clone(), name: name.clone(), if_exists: false, cascade: false };
                acc.step(Contract, drop, "its successor holds for every row");
            }
        }
    }
}

/// The temporary name of a part becomes its own, once the old part is gone.
pub fn rename_part(b: &Builder<'_>, acc: &mut Outline, part: &Rebuilt) {
    if is_primary_key(&part.after) {
        return;
    }
    let working = b.free_name(&part.after);
    match &part.after {
        Part::Index(it) => {
            if let Some(name) = it.name.as_ref().filter(|it| **it != working) {
                let rename = Ddl::RenameIndex { from: working, to: name.name.clone() };
                acc.step(Contract, rename, "the name the schema gives it");
            }
        }
        Part::Constraint(table, it) => {
            if let Some(name) = it.name.as_ref().filter(|it| **it != working.name) {
                let rename = Ddl::RenameConstraint { table: table.clone(), from: working.name, to: name.clone() };
                acc.step(Contract, rename, "the name the schema gives it");
            }
        }
    }
}

/// The column that goes, with what brings its shape back: the other copy holds its values.
pub fn drop_old(b: &Builder<'_>, acc: &mut Outline, group: &str, twin: &Twin) {
    let (table, gone, old) = (twin.table(), twin.old_copy(), &twin.before);
    let ty = twin.dual.aside.as_ref().map_or_else(|| old.ty.clone(), |it| it.0.clone());
    let back = Column { collation: old.collation.clone(), ..Column::new(gone.clone(), ty) };
    let mut again = vec![Ddl::AddColumn {
        table: table.clone(),
        column: Box::new(back),
        constraints: Vec::new(),
        if_not_exists: false,
    }];
    if let Some(default) = old.default.clone().filter(|_| !twin.dual.swap) {
        again.push(Ddl::SetDefault { table: table.clone(), column: gone.clone(), default: Some(default) });
    }
    again.extend(build::column_settings(table, &Column { name: gone.clone(), ..old.clone() }));
    let (base, was) = (&b.pairs.base, ObjectRef::Column(table.clone(), old.name.clone()));
    let object = ObjectRef::Column(table.clone(), gone.clone());
    again.extend(base.comments.get(&was).map(|it| Ddl::Comment { object: object.clone(), text: Some(it.clone()) }));
    let grants = base.privileges.iter().filter(|it| it.object == was);
    again.extend(grants.map(|it| build::grant(&Privilege { object: object.clone(), ..it.clone() })));
    let drop = Ddl::DropColumn { table: table.clone(), column: gone, if_exists: false, cascade: false };
    acc.grouped(Contract, group, drop, format!("its values live on in {}", twin.after.name))
        .undo(Undo::By(again.into_iter().map(plan::Action::Ddl).collect()));
}
