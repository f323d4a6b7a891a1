//! From changes to a [`Plan`]: order, phases, transactions, locks, undo.
//!
//! May use `catalog`, `plan`, `dialect` and `changes`. Deliberately not here: what a change needs (its own file says so)
//! and what a statement locks (the dialect says so).

mod assemble;
mod order;
mod rollback;
mod touch;
mod undo;

pub use undo::undo;

use crate::{
    changes::{self, Builder, Change, Draft, Outline, pairs::Pairs},
    plan::{Hazard, Plan},
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
    let pairs = Pairs::new(input);
    let diff = changes::diff_pairs(&pairs);
    let chosen: Vec<&Change> = diff.changes.iter().filter(|it| selection.takes(it)).collect();
    let b = Builder { pairs: &pairs };
    let outlines: Vec<Outline> = chosen.iter().map(|it| it.outline(&b)).collect();
    let drafts: Vec<Draft> = outlines
        .iter()
        .enumerate()
        .flat_map(|(change, outline)| outline.drafts.iter().map(move |draft| Draft { change, ..draft.clone() }))
        .collect();
    let nodes = order::arrange(drafts, &pairs.base, input.after);
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
    let phases = assemble::phases(&input, nodes, &outlines, &summaries, &mut hazards);
    Plan {
        dialect: input.dialect.name(),
        server_version: input.facts.server_version,
        changes: summaries,
        questions: diff.questions,
        hazards,
        phases,
    }
}
