//! From changes to a [`Plan`]: order, phases, transactions, locks, undo.
//!
//! May use `catalog`, `plan`, `dialect` and `changes`. Deliberately not here: what a change needs (its own file says so)
//! and what a statement locks (the dialect says so).

mod assemble;
mod losses;
mod order;
mod regain;
mod resume;
mod rollback;
mod touch;
mod undo;

pub use undo::undo;

use std::{convert::Infallible, ops::ControlFlow};

use crate::{
    changes::{self, Builder, Change, Draft, Outline, pairs::Pairs},
    plan::{Action, Hazard, PhaseKind, Plan, Question},
    sql::{Ddl, Ident},
};

/// Which changes a plan is for; by id.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Empty: all.
    pub only: Vec<String>,
    pub exclude: Vec<String>,
}

impl Selection {
    fn takes(&self, change: &Change) -> bool {
        let id = change.id();
        (self.only.is_empty() || self.only.contains(&id)) && !self.exclude.contains(&id)
    }
}

/// Plans the way from `input.before` to `input.after`. Pure and deterministic.
pub fn plan(input: changes::Input<'_>, selection: &Selection) -> Plan {
    let Ok(plan) = plan_with::<Infallible>(input, selection, &|| ControlFlow::Continue(()));
    plan
}

/// As [`plan`]. `None`: `stop` said that nobody waits for the plan any more.
pub fn plan_unless(input: changes::Input<'_>, selection: &Selection, stop: &dyn Fn() -> bool) -> Option<Plan> {
    let stopped = || if stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    plan_with(input, selection, &stopped).ok()
}

fn plan_with<S>(
    input: changes::Input<'_>,
    selection: &Selection,
    stop: &dyn Fn() -> ControlFlow<S>,
) -> Result<Plan, S> {
    let go_on = || stop().break_value().map_or(Ok(()), Err);
    let pairs = Pairs::new(input);
    go_on()?;
    let diff = changes::diff_pairs(&pairs);
    let chosen: Vec<&Change> = diff.changes.iter().filter(|it| selection.takes(it)).collect();
    let b = Builder { pairs: &pairs };
    let outline = |it: &&Change| go_on().map(|()| it.outline(&b));
    let outlines: Vec<Outline> = chosen.iter().map(outline).collect::<Result<_, S>>()?;
    let drafts: Vec<Draft> = outlines
        .iter()
        .enumerate()
        .flat_map(|(change, outline)| outline.drafts.iter().map(move |draft| Draft { change, ..draft.clone() }))
        .collect();
    go_on()?;
    let mut drafts = once(drafts);
    let mut nodes = order::arrange(drafts.clone(), &pairs.base, input.after);
    let lost = regain::drafts(&pairs.base, input.after, &nodes);
    if !lost.is_empty() {
        drafts.extend(lost);
        nodes = order::arrange(drafts, &pairs.base, input.after);
    }
    go_on()?;
    let objects: Vec<_> = chosen.iter().flat_map(|it| it.objects()).collect();
    let everything = chosen.len() == diff.changes.len();
    let own = |it: &Question| everything || it.objects.iter().any(|it| objects.contains(it));
    let questions: Vec<Question> = diff.questions.into_iter().filter(own).collect();
    let summaries: Vec<_> = chosen.iter().map(|it| it.summary()).collect();
    let mut hazards: Vec<Hazard> = Vec::new();
    for (outline, summary) in outlines.iter().zip(&summaries) {
        hazards.extend(outline.hazards.iter().map(|(rule, severity, message)| Hazard {
            rule,
            severity: *severity,
            message: message.clone(),
            change: Some(summary.id.clone()),
        }));
    }
    let mut phases = assemble::phases(&input, nodes, &pairs.base, &outlines, &summaries, &mut hazards);
    resume::mark(&mut phases, &input);
    Ok(Plan {
        dialect: input.dialect.name(),
        server_version: input.facts.server_version,
        changes: summaries,
        questions,
        hazards,
        phases,
    })
}

/// Two changes may both make a column NOT NULL (a primary key and an identity): once is enough.
fn once(drafts: Vec<Draft>) -> Vec<Draft> {
    let mut seen: Vec<(PhaseKind, Ddl)> = Vec::new();
    let mut res = Vec::with_capacity(drafts.len());
    for draft in drafts {
        if let Action::Ddl(ddl) = &draft.action
            && is_tightening(ddl)
        {
            let key = (draft.phase, ddl.clone());
            if seen.contains(&key) {
                continue;
            }
            seen.push(key);
        }
        res.push(draft);
    }
    res
}

/// The statements of making a column NOT NULL: its scaffold and SET NOT NULL itself.
fn is_tightening(ddl: &Ddl) -> bool {
    let scaffold = |name: &Ident| name.as_str().starts_with("mc_nn") || name.as_str().ends_with("_not_null");
    match ddl {
        Ddl::SetNotNull { .. } => true,
        Ddl::AddConstraint { constraint, .. } => constraint.name.as_ref().is_some_and(scaffold),
        Ddl::ValidateConstraint { name, .. } | Ddl::DropConstraint { name, .. } => scaffold(name),
        _ => false,
    }
}
