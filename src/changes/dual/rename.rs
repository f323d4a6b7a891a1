//! Two names for one column: both are written, each by the code that knows it, until the old one goes.

use super::{
    Twin,
    copies::{self, build_parts, drop_part, rename_part},
    identity,
};
use crate::{
    changes::{
        build::{self, Builder},
        outline::Outline,
        rebuilt::{self, Part, Rebuilt},
    },
    dialect::Probe,
    plan::{Action, PhaseKind::*, Undo, helper_name},
    sql::*,
};

/// All steps of a column that gets another name.
pub fn outline(b: &Builder<'_>, acc: &mut Outline, twin: &Twin) {
    let owner = (twin.table().clone(), twin.after.name.clone());
    let parts: Vec<&Rebuilt> = b.pairs.rebuilt.iter().filter(|it| it.owner == owner).collect();
    copies::expand(b, acc, twin);
    copies::fill(b, acc, &[twin]);
    build_parts(b, acc, &[twin], &parts);
    contract(b, acc, twin, &parts);
}

fn contract(b: &Builder<'_>, acc: &mut Outline, twin: &Twin, parts: &[&Rebuilt]) {
    let (table, old, new, sync) = (twin.table(), &twin.before, &twin.after, &twin.dual.sync);
    acc.gate(Contract, format!("no running instance reads or writes {table}.{}", old.name));
    acc.gate(Contract, copies::named_columns(table));
    acc.preflight(Contract, b.dialect(), Probe::OutOfSync { sync: sync.clone() });
    copies::stand_over(b, acc, Contract, &format!("over:{table}.{}", new.name), parts);
    for part in parts {
        drop_part(b, acc, part);
    }
    let pk = format!("pk:{table}");
    parts.iter().for_each(|it| _ = copies::drop_primary_key(acc, Contract, &pk, it));
    for part in parts.iter().filter(|it| copies::is_primary_key(&it.after)) {
        copies::add_primary_key(b, acc, Contract, &pk, part);
        let back = key_back(b, twin, part);
        if let Some(draft) = acc.drafts.last_mut().filter(|_| !back.is_empty()) {
            draft.undo(Undo::By(back.into_iter().map(Action::Ddl).collect()));
        }
    }
    let group = format!("drop:{table}.{}", old.name);
    // Before the trigger goes: on the way back the identity returns to a column that is filled again.
    identity::hand_over(b, acc, Contract, &group, twin, &old.name, &new.name);
    copies::drop_sync(b, acc, Contract, &group, sync, Some(restore(b, twin)));
    if new.default != sync.default_new || old.default.is_some() {
        copies::take_over(b, acc, Contract, &group, twin);
    }
    let followers = b.followers(&[(table.clone(), old.name.clone())]);
    followers.drop(acc, Contract, &group);
    copies::drop_old(b, acc, &group, twin);
    followers.create(acc, Contract, &group);
    for part in parts {
        rename_part(b, acc, part);
    }
    acc.verify(Contract, b.dialect(), Probe::Gone(ObjectRef::Column(table.clone(), old.name.clone())));
}

/// How a new key that foreign keys stand on becomes an index again: they go with it and come back in one transaction.
fn key_back(b: &Builder<'_>, twin: &Twin, part: &Rebuilt) -> Vec<Ddl> {
    let Part::Constraint(table, key) = &part.after else { return Vec::new() };
    let (ConstraintKind::PrimaryKey(columns), Some(name)) = (&key.kind, &key.name) else { return Vec::new() };
    let points = |it: &Constraint| match &it.kind {
        ConstraintKind::ForeignKey(fk) => fk.references == *table && fk.referenced_columns.contains(&twin.after.name),
        _ => false,
    };
    let pointing = b.pairs.rebuilt.iter().filter_map(|it| match rebuilt::at_work(b.pairs, &it.after) {
        Part::Constraint(from, fk) if points(&fk) => {
            Some((from, Constraint { name: Some(b.free_name(&it.after).name), ..fk }))
        }
        _ => None,
    });
    let pointing: Vec<(Name, Constraint)> = pointing.collect();
    if pointing.is_empty() {
        return Vec::new();
    }
    let drop = |table: &Name, name: &Ident| Ddl::DropConstraint {
        table: table.clone(),
        name: name.clone(),
        if_exists: false,
        cascade: false,
    };
    let working = helper_name("mc_again", &[name.as_str()]);
    let index = Box::new(build::backing_index(table, &working, columns));
    let mut res = vec![Ddl::CreateIndex { index, concurrently: true, if_not_exists: false }];
    res.extend(pointing.iter().filter_map(|(from, fk)| Some(drop(from, fk.name.as_ref()?))));
    res.push(drop(table, name));
    res.push(Ddl::RenameIndex { from: table.sibling(working), to: b.free_name(&part.after).name });
    for (from, fk) in &pointing {
        let pending = Constraint { not_valid: true, ..fk.clone() };
        res.push(Ddl::AddConstraint { table: from.clone(), constraint: Box::new(pending) });
    }
    for (from, fk) in pointing.iter().filter(|it| !it.1.not_valid) {
        res.extend(fk.name.clone().map(|name| Ddl::ValidateConstraint { table: from.clone(), name }));
    }
    res
}

/// The way back from Contract: the trigger, the old column's values from the new one, its NOT NULL.
fn restore(b: &Builder<'_>, twin: &Twin) -> Undo {
    let (sync, gone) = (&twin.dual.sync, &twin.before.name);
    let triggers = b.dialect().sync(sync).into_iter().filter(|it| matches!(it, Ddl::CreateTrigger { .. }));
    let mut actions: Vec<Action> = triggers.map(Action::Ddl).collect();
    // Written from the new side: the value that new code left is the one that counts.
    let q = |it: &Ident| format!("t.{}", b.dialect().quote(it));
    let value = sync.down.replace("{}", &q(&sync.new));
    let pending = copies::unfilled(b, &q(&sync.new), &q(gone), &sync.down);
    actions.push(Action::Backfill(b.backfill_after(&sync.table, vec![(gone.clone(), value)], pending)));
    if twin.before.not_null {
        actions.extend(build::not_null_actions(b, &sync.table, gone).into_iter().map(Action::Ddl));
    }
    Undo::By(actions)
}
