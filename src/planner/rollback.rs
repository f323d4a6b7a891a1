//! The way back of a phase: the undo of each step, last step first.

use super::{assemble::Planned, losses::Losses};
use crate::{
    dialect::Dialect,
    plan::{Action, Irreversible, Resume, RollbackStep, Timeouts, Undo},
    sql::{ConstraintKind, Ddl, Name},
};

/// Steps in running order, and what they cannot bring back (`None` when it is nothing). Numbers transactions on from `tx`.
pub fn of(
    steps: &[Planned],
    losses: &Losses<'_>,
    dialect: &dyn Dialect,
    tx: &mut u32,
) -> (Vec<RollbackStep>, Option<Irreversible>) {
    let mut actions: Vec<(Action, Option<u32>)> = Vec::new();
    let mut lost: Vec<String> = Vec::new();
    let mut shape = false;
    for planned in keys_last(steps).into_iter().rev() {
        let own = match &planned.undo {
            Undo::Nothing => continue,
            Undo::By(own) => own,
            Undo::Loses { actions, lost: what } => {
                if !lost.contains(what) {
                    lost.push(what.clone());
                }
                shape |= actions.is_empty();
                actions
            }
            Undo::Bends { actions, lost: what } => {
                lost.push(what.clone());
                shape = true;
                actions
            }
        };
        actions.extend(own.iter().map(|it| (it.clone(), planned.step.tx)));
    }
    cancel_out(&mut actions);
    let (actions, more) = losses.settle(actions);
    shape |= !more.is_empty();
    lost.extend(more);
    let irreversible = (!lost.is_empty()).then(|| Irreversible {
        lost: lost.join("; "),
        checklist: vec![
            "a backup taken today has been restored and read".into(),
            "the application that does without is deployed everywhere, and the flag that could switch back is off"
                .into(),
            "no running instance, job or report uses what goes".into(),
            "the phases before have been verified".into(),
        ],
        shape,
    });
    (number(actions, dialect, tx), irreversible)
}

/// A foreign key may come before the unique index it stands on is made a constraint; from then on it stands on that. On the
/// way back it goes first: as if it had been added behind.
fn keys_last(steps: &[Planned]) -> Vec<&Planned> {
    let mut res: Vec<&Planned> = steps.iter().collect();
    let mut at = 0;
    while at < res.len() {
        let Action::Ddl(Ddl::AddConstraint { table: own, constraint }) = &res[at].step.action else {
            at += 1;
            continue;
        };
        let ConstraintKind::ForeignKey(fk) = &constraint.kind else {
            at += 1;
            continue;
        };
        let made = |it: &&Planned| matches!(&it.step.action, Action::Ddl(Ddl::AddConstraintUsingIndex { table, .. }) if *table == fk.references);
        let touched = |it: &&Planned| matches!(&it.step.action, Action::Ddl(Ddl::RenameConstraint { table, .. } | Ddl::DropConstraint { table, .. }) if table == own);
        match res[at + 1..].iter().rposition(made) {
            Some(later) if !res[at + 1..at + 2 + later].iter().any(touched) => {
                let moved = res.remove(at);
                res.insert(at + 1 + later, moved);
            }
            _ => at += 1,
        }
    }
    res
}

/// An index that a later action of the same way back drops need not be built; one that came back with its column is
/// not built again.
fn cancel_out(actions: &mut Vec<(Action, Option<u32>)>) {
    let built = |action: &Action| match action {
        Action::Ddl(Ddl::CreateIndex { index, .. }) => index.name.clone(),
        _ => None,
    };
    let mut there: Vec<Action> = Vec::new();
    actions.retain(|(action, _)| {
        let Action::Ddl(ddl) = action else { return true };
        let same = |it: &Action| built(it).is_some() && built(it) == built(action);
        match ddl {
            Ddl::CreateIndex { .. } if there.iter().any(same) => return false,
            Ddl::CreateIndex { .. } => there.push(action.clone()),
            Ddl::DropIndex { name, .. } => there.retain(|it| built(it).as_ref() != Some(name)),
            // An index goes with what it is over.
            Ddl::DropColumn { .. } | Ddl::DropTable { .. } => there.clear(),
            _ => {}
        }
        true
    });
    let dropped =
        |action: &Action, name: &Name| matches!(action, Action::Ddl(Ddl::DropIndex { name: it, .. }) if it == name);
    let mut at = 0;
    while at < actions.len() {
        let name = built(&actions[at].0);
        let later = name.and_then(|name| (at + 1..actions.len()).find(|it| dropped(&actions[*it].0, &name)));
        match later {
            Some(later) => {
                actions.remove(later);
                actions.remove(at);
            }
            None => at += 1,
        }
    }
}

/// Actions of one forward transaction share one on the way back, unless a statement between them cannot be in any or
/// would hold the lock while it reads.
fn number(actions: Vec<(Action, Option<u32>)>, dialect: &dyn Dialect, tx: &mut u32) -> Vec<RollbackStep> {
    let mut res: Vec<RollbackStep> = Vec::new();
    let mut open: Option<(Option<u32>, u32)> = None;
    for (action, forward) in actions {
        let (outside, alone) = match &action {
            Action::Ddl(ddl) => (!ddl.transactional(), reads(ddl)),
            Action::Backfill(_) => (true, false),
            Action::Data(_) => (false, false),
        };
        let id = match open {
            _ if outside => None,
            Some((from, id)) if from == forward && forward.is_some() && !alone => Some(id),
            _ => {
                *tx += 1;
                Some(*tx)
            }
        };
        open = id.filter(|_| !alone).map(|id| (forward, id));
        let sql = match &action {
            Action::Ddl(ddl) => dialect.render(ddl),
            Action::Backfill(it) => dialect.backfill(it),
            Action::Data(sql) => sql.clone(),
        };
        let timeouts = match id {
            None => Timeouts { lock: Some(0), statement: Some(0) },
            Some(_) => Timeouts { lock: Some(3_000), statement: Some(0) },
        };
        res.push(RollbackStep { action, sql, tx: id, timeouts, resume: Resume::default() });
    }
    res
}

/// Goes through the rows: alone in its transaction.
fn reads(ddl: &Ddl) -> bool {
    match ddl {
        Ddl::ValidateConstraint { .. } => true,
        Ddl::AddConstraint { constraint, .. } => {
            !constraint.not_valid && matches!(constraint.kind, ConstraintKind::Check(_) | ConstraintKind::ForeignKey(_))
        }
        _ => false,
    }
}
