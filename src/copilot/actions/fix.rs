//! Quick fixes: the edits that take a finding out of a file, and the phased way where edits will not do.

use std::{collections::BTreeSet, ops::Range, path::Path};

use super::{Action, ActionKind, FileEdit, Outcome, Todo, deliver};
use crate::{
    copilot::{FileId, Role, Snapshot, diagnostics::judged},
    export::Mark,
    lint::{self, FileFix, Fix},
    text::TextEdit,
};

/// What can be done about the findings at a place.
pub(super) fn actions(snapshot: &Snapshot, file: FileId, at: &Range<usize>, acc: &mut Vec<Action>) {
    let Some(found) = snapshot.file(file) else { return };
    for statement in found.script.statements_in(at) {
        let range = &found.script.statements[statement].range;
        let Some(counted) = found.counted.iter().position(|it| it.range == *range) else { continue };
        let codes = codes(snapshot, file, range);
        let first = acc.len();
        let mut planned = None;
        for code in &codes {
            match fix(snapshot, file, counted, code) {
                Some(Fix::Edit(fix)) => acc.push(Action {
                    title: fix.title,
                    kind: ActionKind::QuickFix,
                    todo: Todo::Fix { statement: counted, rule: code.clone() },
                    preferred: true,
                    code: Some(code.clone()),
                }),
                Some(Fix::Phases) => planned = planned.or(Some(code.as_str())),
                None => {}
            }
        }
        let some = planned.is_some() || acc.len() > first;
        if some && found.role == Role::Migration && deliver::can_be_planned(snapshot, file, statement) {
            deliver::rewrite_actions(statement, planned, acc);
        }
    }
    if !edits_of_all(snapshot, file).is_empty() {
        acc.push(Action {
            title: "Fix all that can be fixed in this file".to_owned(),
            kind: ActionKind::FixAll,
            todo: Todo::FixAll,
            preferred: false,
            code: None,
        });
    }
}

/// Codes of the fixable findings at a statement.
fn codes(snapshot: &Snapshot, file: FileId, range: &Range<usize>) -> BTreeSet<String> {
    let known = snapshot.analysis.diagnostics.get(&file).into_iter().flatten();
    let here = known.filter(|it| it.fixable && range.start <= it.range.start && it.range.end <= range.end);
    here.map(|it| it.code.clone()).collect()
}

fn fix(snapshot: &Snapshot, file: FileId, statement: usize, rule: &str) -> Option<Fix> {
    judged(snapshot, &snapshot.analysis, file, |input| lint::fix(input, statement, rule))?
}

/// The edits of one fix.
pub(super) fn one(snapshot: &Snapshot, file: FileId, statement: usize, rule: &str) -> Result<Outcome, String> {
    match fix(snapshot, file, statement, rule) {
        Some(Fix::Edit(fix)) => outcome(snapshot, file, vec![fix]),
        _ => Err(format!("`{rule}` has nothing to say here any more, or nothing that an edit can mend")),
    }
}

/// The edits of all fixes of a file that can be made at once. What remains shows when these are made.
pub(super) fn all(snapshot: &Snapshot, file: FileId) -> Result<Outcome, String> {
    let fixes = edits_of_all(snapshot, file);
    if fixes.is_empty() { Err("there is nothing left to fix".to_owned()) } else { outcome(snapshot, file, fixes) }
}

fn edits_of_all(snapshot: &Snapshot, file: FileId) -> Vec<FileFix> {
    judged(snapshot, &snapshot.analysis, file, lint::fixes).unwrap_or_default()
}

fn outcome(snapshot: &Snapshot, file: FileId, fixes: Vec<FileFix>) -> Result<Outcome, String> {
    let found = snapshot.file(file).ok_or("the file is gone")?;
    let mut edits: Vec<TextEdit> = fixes.iter().flat_map(|it| it.edits.clone()).collect();
    let mut all = Vec::new();
    if fixes.iter().any(|it| it.mark) {
        let path = Path::new(&found.name);
        let name = path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
        match snapshot.tool.mark(&found.script.text.text(), &name) {
            Some(Mark::Inside(at, text)) => edits.push(TextEdit::insert(at, text)),
            Some(Mark::Beside { name, line }) if found.config.is_none() => {
                all.push(FileEdit::Create { path: path.with_file_name(name), text: format!("{line}\n") });
            }
            Some(Mark::Beside { name, line }) => {
                return Err(format!("write `{line}` into {name} first: it has other settings already"));
            }
            None => return Err("the tool has no mark for files that run outside of a transaction".to_owned()),
        }
    }
    all.insert(0, FileEdit::Change { file, edits });
    Ok(Outcome { edits: all, confirm: None })
}
