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
        let all = codes(snapshot, file, range, false);
        let codes = codes(snapshot, file, range, true);
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
        acc.extend(all.into_iter().map(|rule| Action {
            title: format!("Ignore {rule} here, with reason"),
            kind: ActionKind::QuickFix,
            code: Some(rule.clone()),
            todo: Todo::Ignore { statement: counted, rule },
            preferred: false,
        }));
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

/// Codes of the findings at a statement: all, or those with a fix.
fn codes(snapshot: &Snapshot, file: FileId, range: &Range<usize>, fixable: bool) -> BTreeSet<String> {
    let known = snapshot.analysis.diagnostics.get(&file).into_iter().flatten();
    let here = known.filter(|it| range.start <= it.range.start && it.range.end <= range.end);
    let rules = here.filter(|it| (it.fixable || !fixable) && lint::explain(&it.code).is_some());
    rules.map(|it| it.code.clone()).collect()
}

/// A comment above the statement. Its reason is empty: until somebody fills it in, that is a finding.
pub(super) fn ignore(snapshot: &Snapshot, file: FileId, statement: usize, rule: &str) -> Result<Outcome, String> {
    let found = snapshot.file(file).ok_or("the file is gone")?;
    let start = found.counted.get(statement).ok_or("the statement is gone")?.range.start;
    let text = &found.script.text;
    let line = text.line_start(start);
    let indent: String = text.slice(line..start).chars().take_while(|it| it.is_whitespace()).collect();
    // A statement that shares its line begins another one.
    let (at, before) = match text.slice(line..start).trim().is_empty() {
        true => (line, String::new()),
        false => (start, text.line_ending().to_owned()),
    };
    let comment = format!("{before}{indent}-- lockkeeper: ignore {rule} reason=\"\"{}", text.line_ending());
    Ok(Outcome { edits: vec![FileEdit::Change { file, edits: vec![TextEdit::insert(at, comment)] }], confirm: None })
}

fn fix(snapshot: &Snapshot, file: FileId, statement: usize, rule: &str) -> Option<Fix> {
    judged(snapshot, &snapshot.analysis, file, |input, config| lint::fix(input, config, statement, rule))?
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
