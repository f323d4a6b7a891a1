//! What can be done at a place: titles at first, the edits when one is chosen.

mod deliver;
mod explain;
mod fix;
mod intent;
mod rollback;

use std::{ops::Range, path::PathBuf};

use super::{FileId, Role, Snapshot, diagnostics};
use crate::text::TextEdit;

pub use rollback::rollback_path;

/// Something a person may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    pub title: String,
    pub kind: ActionKind,
    /// What choosing it means.
    pub todo: Todo,
    pub preferred: bool,
    /// Code of the diagnostics that it settles.
    pub code: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionKind {
    QuickFix,
    /// All that can be mended without asking.
    FixAll,
    Rewrite,
    /// Shows something, changes nothing.
    Show,
}

/// What an action does. Small, so that it can go to the editor and come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Todo {
    /// Plan the pending changes with these ids (none: all).
    Plan { only: Vec<String>, delivery: Delivery },
    /// Settle a question.
    Answer { question: String, choice: String },
    /// Take the finding of a rule out of a statement (its index among those that run).
    Fix { statement: usize, rule: String },
    /// Take out of the file all findings that edits of it can take out.
    FixAll,
    /// Keep a rule quiet at a statement (as in `Fix`), with a reason to be filled in.
    Ignore { statement: usize, rule: String },
    /// Replace a statement of a migration by its phased way.
    Rewrite { statement: usize, delivery: Delivery },
    /// Write the way back of a migration.
    Rollback,
    /// Write the next phase of a plan document.
    Advance,
    /// Say in Markdown what the changes or the statement here mean.
    Explain { offset: usize },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The first phase and the plan document.
    Staged,
    /// All phases at once, for pipelines with gates of their own.
    All,
}

/// What is to happen to the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub edits: Vec<FileEdit>,
    /// Rows or values are lost: the question to put to the user.
    pub confirm: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileEdit {
    /// Relative to the project's folder.
    Create {
        path: PathBuf,
        text: String,
    },
    Change {
        file: FileId,
        edits: Vec<TextEdit>,
    },
}

/// What can be done at some bytes of a file.
pub fn actions(snapshot: &Snapshot, file: FileId, at: &Range<usize>) -> Vec<Action> {
    let mut acc = Vec::new();
    match snapshot.file(file).map(|it| it.role) {
        Some(Role::Schema) => {
            intent::actions(snapshot, file, at, &mut acc);
            deliver::plan_actions(snapshot, file, at, &mut acc);
            explain::actions(snapshot, file, at, &mut acc);
        }
        Some(Role::Migration) => {
            fix::actions(snapshot, file, at, &mut acc);
            deliver::advance_actions(snapshot, file, &mut acc);
            rollback::actions(snapshot, file, &mut acc);
            explain::actions(snapshot, file, at, &mut acc);
        }
        Some(Role::Plan) => deliver::advance_actions(snapshot, file, &mut acc),
        Some(Role::Other) => {
            fix::actions(snapshot, file, at, &mut acc);
            explain::actions(snapshot, file, at, &mut acc);
        }
        Some(Role::Rollback) | None => {}
    }
    acc
}

/// The edits of an action; the error is a sentence for people. `now` is the time as `YYYYMMDDHHMMSS`, for versions.
pub fn perform(snapshot: &Snapshot, file: FileId, todo: &Todo, now: &str) -> Result<Outcome, String> {
    match todo {
        Todo::Plan { only, delivery } => deliver::plan(snapshot, only, *delivery, now),
        Todo::Answer { question, choice } => intent::perform(snapshot, question, choice),
        Todo::Fix { statement, rule } => fix::one(snapshot, file, *statement, rule),
        Todo::FixAll => fix::all(snapshot, file),
        Todo::Ignore { statement, rule } => fix::ignore(snapshot, file, *statement, rule),
        Todo::Rewrite { statement, delivery } => deliver::rewrite(snapshot, file, *statement, *delivery, now),
        Todo::Rollback => rollback::perform(snapshot, file),
        Todo::Advance => deliver::advance(snapshot, file, now),
        Todo::Explain { .. } => Err("this action shows something and edits nothing".to_owned()),
    }
}

pub use explain::explain;

/// Ids of the pending changes whose objects stand, wholly or in part, within some bytes of a file; for an object that is
/// gone, its table.
pub(super) fn changes_at(snapshot: &Snapshot, file: FileId, at: &Range<usize>) -> Vec<String> {
    let (Some(diff), Some(after)) = (&snapshot.analysis.diff, &snapshot.analysis.after) else { return Vec::new() };
    let here = diff.changes.iter().filter(|change| {
        let object = change.object();
        let place = diagnostics::origin(snapshot, &snapshot.analysis, after, &object);
        place.is_some_and(|(found, range)| found == file && range.start <= at.end && at.start <= range.end)
    });
    here.map(|it| it.id()).collect()
}
