//! Columns of a row that take the place of others: new ones beside the old ones, a trigger that carries every write, old
//! rows touched in batches, and the old columns dropped at the end (playbook §4.13). For splits and merges alike.

use super::{Builder, Outline, build};
use crate::{
    dialect::Probe,
    plan::{Action, Backfill, PhaseKind::*, Piece, Regroup, Undo},
    sql::{Column, Ddl, FunctionKind, Ident, ObjectRef, Severity},
};

/// All steps of a split or merge.
pub fn outline(b: &Builder<'_>, acc: &mut Outline, it: &Regroup) {
    expand(b, acc, it);
    let why = format!("old rows are touched; the trigger fills {}", list(&it.new_columns()));
    acc.backfill(b.dialect(), touch(b, it, false), why);
    acc.verify(Backfill, b.dialect(), Probe::Regrouped(it.clone()));
    for column in new_columns(b, it).into_iter().filter(|it| it.not_null) {
        build::enforce_not_null(b, acc, Enforce, &it.table, &column.name);
    }
    contract(b, acc, it);
    let message = format!(
        "{} of {} cannot always be made again from {}: what cannot is lost in Contract; the checks before Expand and Contract count such rows and show some",
        list(&it.old_columns()),
        it.table,
        list(&it.new_columns())
    );
    acc.hazard("dropping-column", Severity::Warning, message);
}

/// The new columns, then the old ones.
pub fn objects(it: &Regroup) -> Vec<ObjectRef> {
    let all = it.new.iter().chain(&it.old);
    all.map(|piece| ObjectRef::Column(it.table.clone(), piece.column.clone())).collect()
}

fn list(names: &[Ident]) -> String {
    names.iter().map(Ident::to_string).collect::<Vec<_>>().join(" and ")
}

fn new_columns(b: &Builder<'_>, it: &Regroup) -> Vec<Column> {
    let table = b.after().table(&it.table);
    it.new.iter().filter_map(|piece| table?.column(&piece.column).cloned()).collect()
}

fn old_columns(b: &Builder<'_>, it: &Regroup) -> Vec<Column> {
    let table = b.pairs.base.table(&it.table);
    it.old.iter().filter_map(|piece| table?.column(&piece.column).cloned()).collect()
}

fn group(it: &Regroup, word: &str) -> String {
    format!("{word}:{}.{}", it.table, it.new.first().map_or("", |it| it.column.as_str()))
}

/// The column without what would fill or check it.
fn bare(column: &Column) -> Column {
    let plain = Column::new(column.name.clone(), column.ty.clone());
    Column { collation: column.collation.clone(), ..plain }
}

fn expand(b: &Builder<'_>, acc: &mut Outline, it: &Regroup) {
    let (table, group) = (&it.table, group(it, "sync"));
    for (column, piece) in new_columns(b, it).iter().zip(&it.new) {
        let add = Ddl::AddColumn {
            table: table.clone(),
            column: Box::new(bare(column)),
            constraints: Vec::new(),
            if_not_exists: false,
        };
        let why = format!("beside {}; empty, so no row is written", list(&it.old_columns()));
        acc.grouped(Expand, &group, add, why);
        for ddl in build::column_settings(table, column) {
            acc.grouped(Expand, &group, ddl, "as the schema sets it");
        }
        if piece.default.is_some() {
            let set =
                Ddl::SetDefault { table: table.clone(), column: column.name.clone(), default: piece.default.clone() };
            acc.grouped(Expand, &group, set, "set after ADD COLUMN, so that old rows stay recognisably empty");
        }
        acc.verify(Expand, b.dialect(), Probe::Exists(ObjectRef::Column(table.clone(), column.name.clone())));
    }
    for ddl in b.dialect().regroup(it) {
        if let Ddl::CreateTrigger { trigger, .. } = &ddl {
            let probe = Probe::TriggerEnabled { table: table.clone(), name: trigger.name.clone() };
            acc.verify(Expand, b.dialect(), probe);
        }
        acc.grouped(Expand, &group, ddl, "whichever side a writer sets, the other follows in the same row");
    }
    // Before Expand a renamed table has its old name.
    let renamed = b.pairs.renamed_tables.iter().find(|(_, to)| to == table);
    let there = Regroup { table: renamed.map_or(table, |(from, _)| from).clone(), ..it.clone() };
    acc.preflight(Expand, b.dialect(), Probe::RegroupLoses { regroup: there, ahead: true });
}

/// Touches rows one side of which is empty; the trigger fills it. `back`: the old side.
fn touch(b: &Builder<'_>, it: &Regroup, back: bool) -> Backfill {
    let (from, to) = if back { (&it.new, &it.old) } else { (&it.old, &it.new) };
    let set: Vec<(Ident, String)> =
        from.iter().take(1).map(|it| (it.column.clone(), format!("t.{}", b.dialect().quote(&it.column)))).collect();
    let pending = b.dialect().unfilled(it, back);
    let backfill = if back { b.backfill_after(&it.table, set, pending) } else { b.backfill(&it.table, set, pending) };
    Backfill { fills: to.iter().map(|it| it.column.clone()).collect(), ..backfill }
}

fn contract(b: &Builder<'_>, acc: &mut Outline, it: &Regroup) {
    let (table, group, gone) = (&it.table, group(it, "drop"), it.old_columns());
    acc.gate(Contract, format!("no running instance reads or writes {} of {table}", list(&gone)));
    acc.preflight(Contract, b.dialect(), Probe::Regrouped(it.clone()));
    acc.preflight(Contract, b.dialect(), Probe::RegroupLoses { regroup: it.clone(), ahead: false });
    for ddl in b.dialect().regroup(it).into_iter().rev() {
        match ddl {
            Ddl::CreateTrigger { trigger, .. } => {
                let (table, name) = (trigger.table.clone(), trigger.name.clone());
                let back = restore(b, it, Ddl::CreateTrigger { trigger, or_replace: false });
                let drop = Ddl::DropTrigger { table, name, if_exists: false, cascade: false };
                acc.grouped(Contract, &group, drop, "nobody writes the old side any more").undo(Undo::By(back));
            }
            Ddl::CreateFunction { function, .. } => {
                let drop = Ddl::DropFunction {
                    name: function.name,
                    args: Some(Vec::new()),
                    kind: FunctionKind::Function,
                    if_exists: false,
                    cascade: false,
                };
                acc.grouped(Contract, &group, drop, "nobody writes the old side any more");
            }
            _ => {}
        }
    }
    let late = |piece: &Piece, column: &Column| piece.default.is_none() && column.default.is_some();
    for (column, _) in new_columns(b, it).iter().zip(&it.new).filter(|(column, piece)| late(piece, column)) {
        let set =
            Ddl::SetDefault { table: table.clone(), column: column.name.clone(), default: column.default.clone() };
        acc.grouped(Contract, &group, set, "for rows to come");
    }
    let followers = b.followers(&gone.iter().map(|it| (table.clone(), it.clone())).collect::<Vec<_>>());
    followers.drop(acc, Contract, &group);
    for column in old_columns(b, it) {
        let undo = back_again(b, it, &column);
        let drop =
            Ddl::DropColumn { table: table.clone(), column: column.name.clone(), if_exists: false, cascade: false };
        let why = format!("what it says lives on in {}", list(&it.new_columns()));
        acc.grouped(Contract, &group, drop, why).undo(undo);
        acc.verify(Contract, b.dialect(), Probe::Gone(ObjectRef::Column(table.clone(), column.name.clone())));
    }
    followers.create(acc, Contract, &group);
}

/// The old column as it was, empty: the trigger fills it from the new ones.
fn back_again(b: &Builder<'_>, it: &Regroup, column: &Column) -> Undo {
    let table = &it.table;
    let mut again = vec![Ddl::AddColumn {
        table: table.clone(),
        column: Box::new(bare(column)),
        constraints: Vec::new(),
        if_not_exists: false,
    }];
    if column.default.is_some() {
        let default = column.default.clone();
        again.push(Ddl::SetDefault { table: table.clone(), column: column.name.clone(), default });
    }
    again.extend(build::column_settings(table, column));
    again.extend(super::recreate::comment(&b.pairs.base, &ObjectRef::Column(table.clone(), column.name.clone())));
    Undo::Loses {
        actions: again.into_iter().map(Action::Ddl).collect(),
        lost: format!(
            "values of {table}.{} that {} cannot make again as they were",
            column.name,
            list(&it.new_columns())
        ),
    }
}

/// The way back from Contract, once column and function are there: the trigger, the values, NOT NULL.
fn restore(b: &Builder<'_>, it: &Regroup, trigger: Ddl) -> Vec<Action> {
    let mut actions = vec![Action::Ddl(trigger), Action::Backfill(touch(b, it, true))];
    for column in old_columns(b, it).into_iter().filter(|it| it.not_null) {
        actions.extend(build::not_null_actions(b, &it.table, &column.name).into_iter().map(Action::Ddl));
    }
    actions
}
