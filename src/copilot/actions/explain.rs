//! "Explain": what the changes here mean and how they are brought about, or what a statement does.

use std::ops::Range;

use super::{Action, ActionKind, Todo};
use crate::{
    copilot::{FileId, Part, Role, Snapshot, analysis, hover},
    plan::Plan,
    planner::{self, Selection},
};

pub(super) fn actions(snapshot: &Snapshot, file: FileId, at: &Range<usize>, acc: &mut Vec<Action>) {
    let Some(found) = snapshot.file(file) else { return };
    let title = match found.role {
        Role::Schema if super::changes_at(snapshot, file, at).is_empty() => return,
        Role::Schema => "Explain the pending changes here".to_owned(),
        _ if found.script.statement_at(at.start).is_none() => return,
        _ => "Explain what this statement locks".to_owned(),
    };
    let todo = Todo::Explain { offset: at.start };
    acc.push(Action { title, kind: ActionKind::Show, todo, preferred: false, code: None });
}

/// Markdown about what stands at a byte: the plan of the pending changes, or the statement's effects.
pub fn explain(snapshot: &Snapshot, file: FileId, offset: usize) -> Option<String> {
    let found = snapshot.file(file)?;
    if found.role == Role::Schema {
        let only = super::changes_at(snapshot, file, &(offset..offset));
        if !only.is_empty() {
            return Some(of_plan(&pending(snapshot, only)?));
        }
    }
    let hover = hover(snapshot, file, offset)?;
    let parts = hover.parts.into_iter().filter_map(|it| match it {
        Part::Text(text) => Some(text),
        Part::Sql(sql) => Some(format!("```sql\n{sql}\n```")),
        Part::Places { .. } => None,
    });
    Some(parts.collect::<Vec<_>>().join("\n\n"))
}

/// The plan of the pending changes with these ids (none: all).
pub(super) fn pending(snapshot: &Snapshot, only: Vec<String>) -> Option<Plan> {
    let (before, after) = (snapshot.analysis.before.as_ref()?, snapshot.analysis.after.as_ref()?);
    let input = analysis::input(snapshot, &before.catalog, &after.catalog);
    planner::plan_unless(input, &Selection { only, exclude: Vec::new() }, &|| snapshot.stop.is_asked())
}

fn of_plan(plan: &Plan) -> String {
    let mut res = String::new();
    for change in &plan.changes {
        res.push_str(&format!("- {}\n", change.summary));
    }
    for question in plan.questions.iter().filter(|it| !it.answered) {
        res.push_str(&format!("- open question: {} Assumed: {}\n", question.about, question.assumed));
    }
    for hazard in &plan.hazards {
        res.push_str(&format!("- {}: {}\n", hazard.severity.as_str(), hazard.message));
    }
    format!("{res}\n```\n{plan}\n```\n")
}
