//! "Treat as rename", "Treat as drop and add": what a person means, written where the next reader sees it.

use super::{Action, ActionKind, FileEdit, Outcome, Todo};
use crate::{
    copilot::{FileId, Snapshot, diagnostics},
    plan::Question,
    sql::ObjectRef,
    text::{Document, TextEdit},
};

/// What a rename question can be answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    Rename,
    DropAndAdd,
}

/// A rename question: `rename:users.mail>email`, or `rename:mail>email` for tables.
struct Rename {
    old: String,
    new: ObjectRef,
}

/// The open questions that are asked at some place of a file.
pub(super) fn actions(snapshot: &Snapshot, file: FileId, at: &std::ops::Range<usize>, acc: &mut Vec<Action>) {
    let analysis = &snapshot.analysis;
    let (Some(diff), Some(after)) = (&analysis.diff, &analysis.after) else { return };
    for question in diff.questions.iter().filter(|it| !it.answered) {
        let Some(rename) = rename(snapshot, question) else { continue };
        let Some((asked_in, range)) = diagnostics::place(snapshot, analysis, after, &rename.new) else { continue };
        let text = snapshot.file(file).map(|it| &it.script.text);
        let on_line = text.is_some_and(|it| it.line_start(range.start) <= at.end && at.start <= it.line_end(range.end));
        if asked_in != file || !on_line {
            continue;
        }
        let new = match &rename.new {
            ObjectRef::Column(_, it) => it.to_string(),
            other => other.to_string(),
        };
        for (choice, title) in [
            (Choice::Rename, format!("Treat as rename: {} is now {new}", rename.old)),
            (Choice::DropAndAdd, format!("Treat as drop and add: {new} has nothing to do with {}", rename.old)),
        ] {
            let todo = Todo::Answer { question: question.id.clone(), choice };
            let preferred = choice == Choice::Rename;
            acc.push(Action { title, kind: ActionKind::QuickFix, todo, preferred, code: Some("question".to_owned()) });
        }
    }
}

/// Writes the annotation on the line above the object.
pub(super) fn perform(snapshot: &Snapshot, question: &str, choice: Choice) -> Result<Outcome, String> {
    let diff = snapshot.analysis.diff.as_ref();
    let asked = diff.and_then(|it| it.questions.iter().find(|it| it.id == question));
    let rename = asked.and_then(|it| rename(snapshot, it)).ok_or("the question is settled meanwhile")?;
    let (file, at) = definition(snapshot, &rename.new).ok_or("the new object is not in a schema file any more")?;
    let text = &snapshot.file(file).ok_or("the schema file is gone")?.script.text;
    let words = match choice {
        Choice::Rename => format!("-- @renamed from={}", quoted(&rename.old)),
        Choice::DropAndAdd => "-- @new".to_owned(),
    };
    let edits = vec![line_above(text, at, &words)];
    Ok(Outcome { edits: vec![FileEdit::Change { file, edits }], ..Outcome::default() })
}

fn rename(snapshot: &Snapshot, question: &Question) -> Option<Rename> {
    let (from, to) = question.id.strip_prefix("rename:")?.split_once('>')?;
    let catalog = &snapshot.analysis.after.as_ref()?.catalog;
    // Of a column's question the first half names the table as well.
    let column = from.rsplit_once('.').and_then(|(table, old)| {
        let table = catalog.tables.keys().find(|it| it.to_string() == table)?;
        let column = catalog.table(table)?.columns.iter().find(|it| it.name.as_str() == to)?;
        Some(Rename { old: old.to_owned(), new: ObjectRef::Column(table.clone(), column.name.clone()) })
    });
    column.or_else(|| {
        let table = catalog.tables.keys().find(|it| it.to_string() == to)?;
        Some(Rename { old: from.to_owned(), new: ObjectRef::Table(table.clone()) })
    })
}

/// The byte where an object's definition begins in a schema file.
fn definition(snapshot: &Snapshot, object: &ObjectRef) -> Option<(FileId, usize)> {
    let analysis = &snapshot.analysis;
    let origin = analysis.after.as_ref()?.catalog.origins.get(object)?.first()?;
    let (file, at) = analysis.schema_place(origin)?;
    let (_, statement) = snapshot.file(file)?.script.statement_at(at.start)?;
    let ObjectRef::Column(_, name) = object else { return Some((file, statement.range.start)) };
    let start = statement.full.start;
    let marks = statement.parsed.marks.iter().filter(|it| it.defines);
    let mut named = marks.filter(|it| matches!(&it.object, ObjectRef::Column(_, column) if column == name));
    Some((file, named.next().map_or(at.start, |it| it.range.start + start)))
}

/// A comment on a line of its own above a definition; where the definition shares its line, the line is broken.
fn line_above(text: &Document, at: usize, words: &str) -> TextEdit {
    let start = text.line_start(at);
    let before = text.slice(start..at);
    let end = text.line_ending();
    let indent: String = before.chars().take_while(|it| it.is_whitespace()).collect();
    match before.trim().is_empty() {
        true => TextEdit::insert(start, format!("{indent}{words}{end}")),
        false => TextEdit::insert(at, format!("{end}{indent}  {words}{end}{indent}  ")),
    }
}

/// A name as the annotation takes it: in quotes when it holds anything but word characters.
fn quoted(name: &str) -> String {
    let plain = name.chars().all(|it| it.is_alphanumeric() || it == '_' || it == '.' || it == '$');
    if plain { name.to_owned() } else { format!("\"{name}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, at: &str, expected: &str) {
        let mut document = Document::new(text);
        let edit = line_above(&document, text.find(at).expect("in the text"), "-- @new");
        document.edit(&[edit]);
        assert_eq!(document.text(), expected);
    }

    #[test]
    fn an_annotation_gets_a_line_of_its_own() {
        check("create table t (\r\n  a int\r\n);", "a int", "create table t (\r\n  -- @new\r\n  a int\r\n);");
        check("create table t (a int, b int);", "b int", "create table t (a int, \n  -- @new\n  b int);");
    }
}
