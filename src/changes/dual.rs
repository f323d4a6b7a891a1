//! A column that exists twice for a while: old and new code each find the shape they know (playbook §2, §4.4, §4.11).
//!
//! Two forms. A *rename* puts the new name beside the old one and a trigger carries writes both ways. A *swap*
//! (rewriting change of type) fills a hidden copy, exchanges the names in one short transaction, and keeps the
//! old copy up to date until Contract, so that the way back loses nothing.

use super::{
    build::{self, Builder},
    outline::Outline,
    pairs::Pairs,
    rebuilt::{self, Part, Rebuilt},
};
use crate::{
    dialect::{Probe, TypeChange, TypeCost, Volatility},
    plan::{
        Action, Direction,
        PhaseKind::{self, *},
        Sync, Undo, helper_name,
    },
    sql::{tokens::mentions_column, *},
};

/// Rows up to which a table known to be small is rewritten directly: well under a second.
const SMALL: u64 = 10_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dual {
    /// While both copies fill up. `old` is the column of `before`; `new` the working copy.
    pub sync: Sync,
    /// Old and new have one name: the copies exchange it in Enforce.
    pub swap: bool,
}

impl Dual {
    /// Does this pair of columns need two copies, and can it have them?
    pub fn of(pairs: &Pairs<'_>, table: &Name, old: &Column, new: &Column) -> Option<Self> {
        let swap = old.name == new.name;
        let retyped = old.ty != new.ty;
        if swap && (!retyped || !rewrites(pairs, table, new)) {
            return None;
        }
        if !possible(pairs, table, old, new, swap) {
            return None;
        }
        let working = if swap { helper_name("mc_new", &[new.name.as_str()]) } else { new.name.clone() };
        let up = conversion(pairs, table, &old.name, &old.ty, new);
        let down = if retyped { cast(pairs, &new.ty, &old.ty) } else { "{}".into() };
        let sync = Sync {
            table: table.clone(),
            old: old.name.clone(),
            new: working,
            up,
            down,
            default_new: shared_default(pairs, old, new),
            old_type: old.ty.clone(),
            new_type: new.ty.clone(),
            direction: if swap { Direction::OldToNew } else { Direction::Both },
        };
        Some(Self { sync, swap })
    }

    /// The sync after a swap: everybody writes the new copy, the old one follows.
    pub fn reverse(&self, column: &Ident) -> Sync {
        Sync {
            old: helper_name("mc_old", &[column.as_str()]),
            new: column.clone(),
            default_new: None,
            direction: Direction::NewToOld,
            ..self.sync.clone()
        }
    }
}

fn rewrites(pairs: &Pairs<'_>, table: &Name, new: &Column) -> bool {
    let using = said(pairs, table, &new.name, "using").map(|it| pairs.input.dialect.expr(&it));
    let change =
        TypeChange { table, column: &new.name, to: &new.ty, collation: new.collation.as_ref(), using: using.as_ref() };
    let cost = pairs.input.dialect.type_change(&change, &pairs.base, pairs.input.facts);
    let small = pairs.input.facts.rows.get(table).is_some_and(|rows| *rows <= SMALL);
    cost >= TypeCost::Rewrites && !small
}

/// What a trigger and a second column cannot do falls back to one direct statement, announced as such.
fn possible(pairs: &Pairs<'_>, table: &Name, old: &Column, new: &Column, swap: bool) -> bool {
    let (Some(before), Some(after)) = (pairs.base.table(table), pairs.input.after.table(table)) else { return false };
    let plain = before.partition_of.is_none()
        && after.partition_of.is_none()
        && before.inherits.is_empty()
        && !pairs.base.tables.values().any(|it| it.inherits.contains(table))
        && before.persistence != Persistence::Temporary;
    let computed = |it: &Column| it.generated.is_some() || it.identity.is_some();
    let feeds = |it: &Table, name: &Ident| {
        let generated = it.columns.iter().filter_map(|it| it.generated.as_ref());
        let keys = it.partition_by.iter().flat_map(|it| &it.keys);
        generated.into_iter().any(|it| mentions_column(it.expr.text(), name))
            || keys.into_iter().any(|it| match &it.expr {
                KeyExpr::Column(it) => it == name,
                KeyExpr::Expr(it) => mentions_column(it.text(), name),
            })
    };
    let excluded = |it: &Table, name: &Ident| {
        let hard = it.constraints.iter().filter(|it| matches!(it.kind, ConstraintKind::Exclude(_)));
        hard.into_iter().any(|it| rebuilt::constraint_mentions(it, name))
    };
    // A key that other tables point at changes with them (playbook §4.12): not one column's business.
    let pointed_at = pairs.base.referencing(table).any(|(_, it)| match &it.kind {
        ConstraintKind::ForeignKey(fk) => fk.referenced_columns.contains(&old.name),
        _ => false,
    });
    let partitioned_key = before.partition_by.is_some()
        && before.constraints.iter().any(|it| rebuilt::constraint_mentions(it, &old.name));
    plain
        && !computed(old)
        && !computed(new)
        && !feeds(before, &old.name)
        && !feeds(after, &new.name)
        && !excluded(before, &old.name)
        && !excluded(after, &new.name)
        && !(pointed_at && swap)
        && !partitioned_key
        && !build::constrained_domain(&pairs.base, &new.ty)
}

/// The value of an annotation (`using`, `backfill`) at a column of `after`.
fn said(pairs: &Pairs<'_>, table: &Name, column: &Ident, key: &str) -> Option<String> {
    let at = pairs.input.after.annotations.get(&ObjectRef::Column(table.clone(), column.clone()))?;
    at.iter().find(|it| it.key == key).map(|it| it.value.to_string())
}

/// SQL for the new value; `{}` stands for the old one.
fn conversion(pairs: &Pairs<'_>, table: &Name, old: &Ident, from: &DataType, new: &Column) -> String {
    match said(pairs, table, &new.name, "using") {
        Some(using) => {
            const VALUE: &str = "mc_value";
            tokens::rename_column(&using, old, &Ident::new(VALUE)).replace(VALUE, "{}")
        }
        None if *from == new.ty => "{}".into(),
        None => cast(pairs, from, &new.ty),
    }
}

/// A cast that also gets from one enum to another: by its text.
fn cast(pairs: &Pairs<'_>, from: &DataType, to: &DataType) -> String {
    let is_enum = |ty: &DataType| {
        let name =
            Name { schema: ty.schema.clone().or_else(|| Some(Ident::new("public"))), name: Ident::new(&ty.name) };
        let found = pairs.base.types.get(&name).or_else(|| pairs.input.after.types.get(&name));
        found.is_some_and(|it| matches!(it.kind, TypeKind::Enum(_)))
    };
    // In a trigger: it must find the type whatever search_path its caller has.
    let plain = pairs.input.dialect.render_type(to);
    let target = match &to.schema {
        Some(schema) if schema.as_str() == "public" => format!("public.{plain}"),
        _ => plain,
    };
    if is_enum(from) || is_enum(to) { format!("{{}}::text::{target}") } else { format!("{{}}::{target}") }
}

/// A default that both copies can have without two evaluations differing (playbook §2.2, default placement).
fn shared_default(pairs: &Pairs<'_>, old: &Column, new: &Column) -> Option<Expr> {
    let (Some(_), Some(after)) = (&old.default, &new.default) else { return None };
    let dialect = pairs.input.dialect;
    let steady = |it: &Column| {
        it.default.as_ref().is_some_and(|it| dialect.volatility(it, pairs.input.after) < Volatility::Volatile)
    };
    (steady(old) && steady(new)).then(|| after.clone())
}

/// All steps of a column with two copies.
pub fn outline(b: &Builder<'_>, acc: &mut Outline, old: &Column, new: &Column, dual: &Dual) {
    let table = &dual.sync.table;
    expand(b, acc, new, dual);
    fill(b, acc, dual);
    let parts: Vec<&Rebuilt> =
        b.pairs.rebuilt.iter().filter(|it| it.owner == (table.clone(), new.name.clone())).collect();
    let keys_first = parts.iter().filter(|it| !is_foreign_key(it)).chain(parts.iter().filter(|it| is_foreign_key(it)));
    keys_first.for_each(|part| build_part(b, acc, part));
    if new.not_null {
        build::not_null_steps(b, acc, Enforce, table, &dual.sync.new);
        acc.verify(
            Enforce,
            b.dialect(),
            Probe::NotNull { table: table.clone(), column: new.name.clone(), expect: true },
        );
    }
    if dual.swap {
        swap(b, acc, old, new, dual, &parts);
    }
    contract(b, acc, old, new, dual, &parts);
}

fn is_foreign_key(it: &Rebuilt) -> bool {
    matches!(&it.after, Part::Constraint(_, Constraint { kind: ConstraintKind::ForeignKey(_), .. }))
}

fn expand(b: &Builder<'_>, acc: &mut Outline, new: &Column, dual: &Dual) {
    let sync = &dual.sync;
    let table = &sync.table;
    let group = format!("sync:{table}.{}", sync.new);
    let bare = Column {
        name: sync.new.clone(),
        ty: new.ty.clone(),
        collation: new.collation.clone(),
        ..Column::new(sync.new.clone(), new.ty.clone())
    };
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
    if let Some(default) = dual.sync.default_new.clone().filter(|_| !dual.swap) {
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
    if sync.up != "{}" && sync.direction == Direction::Both {
        // Before Expand a renamed table has its old name.
        let renamed = b.pairs.renamed_tables.iter().find(|(_, to)| to == table);
        let table = renamed.map_or(table, |(from, _)| from);
        let probe = Probe::LossyValues {
            table: table.clone(),
            column: sync.old.clone(),
            up: sync.up.clone(),
            down: sync.down.clone(),
        };
        acc.preflight(Expand, b.dialect(), probe);
    }
}

fn fill(b: &Builder<'_>, acc: &mut Outline, dual: &Dual) {
    let backfill = touch(b, &dual.sync);
    let why = format!("old rows are touched, {} at a time; the trigger fills {}", backfill.batch, dual.sync.new);
    acc.backfill(b.dialect(), backfill, why);
    acc.verify(Backfill, b.dialect(), Probe::OutOfSync { sync: dual.sync.clone() });
}

/// Touches each row whose copy is empty; the trigger does the rest. Writing the copy directly would count as a
/// write by new code and send a converted value back into the original.
fn touch(b: &Builder<'_>, sync: &Sync) -> crate::plan::Backfill {
    let q = |it: &Ident| format!("t.{}", b.dialect().quote(it));
    let (from, to) = match sync.direction {
        Direction::NewToOld => (&sync.new, &sync.old),
        _ => (&sync.old, &sync.new),
    };
    let backfill = b.backfill(
        &sync.table,
        vec![(from.clone(), q(from))],
        format!("{} IS NULL AND {} IS NOT NULL", q(to), q(from)),
    );
    crate::plan::Backfill { fills: vec![to.clone()], ..backfill }
}

fn build_part(b: &Builder<'_>, acc: &mut Outline, part: &Rebuilt) {
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

fn is_primary_key(part: &Part) -> bool {
    matches!(part, Part::Constraint(_, Constraint { kind: ConstraintKind::PrimaryKey(_), .. }))
}

fn swap(b: &Builder<'_>, acc: &mut Outline, old: &Column, new: &Column, dual: &Dual, parts: &[&Rebuilt]) {
    let table = &dual.sync.table;
    let reverse = dual.reverse(&new.name);
    let group = format!("swap:{table}.{}", new.name);
    let ty = b.dialect().render_type(&new.ty);
    acc.gate(Enforce, format!("every instance can read and write {table}.{} as {ty}", new.name));
    drop_sync(b, acc, Enforce, &group, &dual.sync, None);
    let followers = b.followers(table, &old.name);
    followers.drop(acc, Enforce, &group);
    drop_primary_key(acc, Enforce, &group, parts);
    let rename =
        |from: &Ident, to: &Ident| Ddl::RenameColumn { table: table.clone(), from: from.clone(), to: to.clone() };
    acc.grouped(
        Enforce,
        &group,
        rename(&old.name, &reverse.old),
        format!(
            "the old copy steps aside; values of {ty} that {} cannot hold are refused until Contract",
            b.dialect().render_type(&old.ty)
        ),
    );
    acc.grouped(Enforce, &group, rename(&dual.sync.new, &new.name), "the new copy takes the name");
    if old.default.is_some() {
        acc.grouped(
            Enforce,
            &group,
            Ddl::SetDefault { table: table.clone(), column: reverse.old.clone(), default: None },
            "the trigger fills it now",
        );
    }
    if old.not_null {
        acc.grouped(
            Enforce,
            &group,
            Ddl::DropNotNull { table: table.clone(), column: reverse.old.clone() },
            "the trigger fills it now",
        );
    }
    take_over(b, acc, Enforce, &group, &reverse.old, new, table);
    add_primary_key(b, acc, Enforce, &group, parts);
    for ddl in b.dialect().sync(&reverse) {
        acc.grouped(Enforce, &group, ddl, "the old copy is kept up to date for the way back");
    }
    followers.create(acc, Enforce, &group);
    acc.verify(Enforce, b.dialect(), Probe::SyncTrigger { sync: reverse });
}

/// Default and owned sequences go over to the new copy.
fn take_over(
    b: &Builder<'_>,
    acc: &mut Outline,
    phase: PhaseKind,
    group: &str,
    from: &Ident,
    new: &Column,
    table: &Name,
) {
    for sequence in b.pairs.base.sequences.values() {
        let owner = sequence.owned_by.as_ref();
        if owner.is_some_and(|(of, column)| of == table && (column == from || *column == new.name)) {
            let owned_by = Some(Some((table.clone(), new.name.clone())));
            let own = Ddl::AlterSequence {
                name: sequence.name.clone(),
                set: SequenceOptions::default(),
                restart: None,
                owned_by,
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

fn drop_sync(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, group: &str, sync: &Sync, undo: Option<Undo>) {
    for ddl in b.dialect().sync(sync).into_iter().rev() {
        let drop = match ddl {
            Ddl::CreateTrigger { trigger, .. } => {
                Ddl::DropTrigger { table: trigger.table, name: trigger.name, if_exists: false, cascade: false }
            }
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

fn drop_primary_key(acc: &mut Outline, phase: PhaseKind, group: &str, parts: &[&Rebuilt]) {
    for part in parts.iter().filter_map(|it| it.before.as_ref()).filter(|it| is_primary_key(it)) {
        if let Part::Constraint(table, Constraint { name: Some(name), .. }) = part {
            let drop =
                Ddl::DropConstraint { table: table.clone(), name: name.clone(), if_exists: false, cascade: false };
            acc.grouped(phase, group, drop, "a table has one primary key: the new one follows in this transaction");
        }
    }
}

fn add_primary_key(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, group: &str, parts: &[&Rebuilt]) {
    for part in parts.iter().filter(|it| is_primary_key(&it.after)) {
        if let Part::Constraint(table, constraint) = &part.after {
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
    }
}

fn contract(b: &Builder<'_>, acc: &mut Outline, old: &Column, new: &Column, dual: &Dual, parts: &[&Rebuilt]) {
    let table = &dual.sync.table;
    let (sync, gone) = if dual.swap {
        let reverse = dual.reverse(&new.name);
        let gone = reverse.old.clone();
        (reverse, gone)
    } else {
        (dual.sync.clone(), old.name.clone())
    };
    if !dual.swap {
        acc.gate(Contract, format!("no running instance reads or writes {table}.{gone}"));
    }
    acc.preflight(Contract, b.dialect(), Probe::OutOfSync { sync: sync.clone() });
    for part in parts {
        drop_part(b, acc, part);
    }
    let group = format!("drop:{table}.{gone}");
    if !dual.swap {
        let pk = format!("pk:{table}");
        drop_primary_key(acc, Contract, &pk, parts);
        add_primary_key(b, acc, Contract, &pk, parts);
    }
    drop_sync(b, acc, Contract, &group, &sync, Some(restore(b, old, &gone, &sync, dual)));
    if !dual.swap && (new.default != dual.sync.default_new || old.default.is_some()) {
        take_over(b, acc, Contract, &group, &gone, new, table);
    }
    let followers = if dual.swap { b.no_followers() } else { b.followers(table, &old.name) };
    followers.drop(acc, Contract, &group);
    let back = Column {
        name: gone.clone(),
        ty: old.ty.clone(),
        collation: old.collation.clone(),
        ..Column::new(gone.clone(), old.ty.clone())
    };
    let mut again = vec![Ddl::AddColumn {
        table: table.clone(),
        column: Box::new(back.clone()),
        constraints: Vec::new(),
        if_not_exists: false,
    }];
    if let Some(default) = old.default.clone().filter(|_| !dual.swap) {
        again.push(Ddl::SetDefault { table: table.clone(), column: gone.clone(), default: Some(default) });
    }
    again.extend(build::column_settings(table, &Column { name: gone.clone(), ..old.clone() }));
    let drop = Ddl::DropColumn { table: table.clone(), column: gone.clone(), if_exists: false, cascade: false };
    acc.grouped(Contract, &group, drop, format!("its values live on in {}", new.name))
        .undo(Undo::By(again.into_iter().map(Action::Ddl).collect()));
    followers.create(acc, Contract, &group);
    for part in parts {
        rename_part(b, acc, part);
    }
    acc.verify(Contract, b.dialect(), Probe::Gone(ObjectRef::Column(table.clone(), gone)));
}

/// The way back from Contract: the trigger, the old column's values from the new one, its NOT NULL.
fn restore(b: &Builder<'_>, old: &Column, gone: &Ident, sync: &Sync, dual: &Dual) -> Undo {
    let mut actions: Vec<Action> = Vec::new();
    actions.extend(
        b.dialect().sync(sync).into_iter().filter(|it| matches!(it, Ddl::CreateTrigger { .. })).map(Action::Ddl),
    );
    let q = |it: &Ident| format!("t.{}", b.dialect().quote(it));
    // new → old, by touching the side that carries the value: the trigger sees an empty copy and a written original.
    let backfill = match sync.direction {
        Direction::NewToOld => touch(b, sync),
        _ => {
            let value = sync.down.replace("{}", &q(&sync.new));
            b.backfill_after(
                &sync.table,
                vec![(gone.clone(), value)],
                format!("{} IS NULL AND {} IS NOT NULL", q(gone), q(&sync.new)),
            )
        }
    };
    actions.push(Action::Backfill(backfill));
    if old.not_null && !dual.swap {
        actions.extend(build::not_null_actions(b, &sync.table, gone).into_iter().map(Action::Ddl));
    }
    Undo::By(actions)
}

fn drop_part(b: &Builder<'_>, acc: &mut Outline, part: &Rebuilt) {
    let Some(before) = &part.before else { return };
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
        // Handled with the primary key's own transaction (rename) or at the swap.
        Part::Constraint(..) if is_primary_key(before) => {}
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
fn rename_part(b: &Builder<'_>, acc: &mut Outline, part: &Rebuilt) {
    if is_primary_key(&part.after) {
        return;
    }
    let working = b.free_name(&part.after);
    match &part.after {
        Part::Index(it) => {
            if let Some(name) = it.name.as_ref().filter(|it| **it != working) {
                acc.step(
                    Contract,
                    Ddl::RenameIndex { from: working, to: name.name.clone() },
                    "the name the schema gives it",
                );
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
