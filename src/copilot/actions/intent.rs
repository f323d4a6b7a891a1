//! "Treat as rename", "Treat as split of …": what a person means, written where the next reader sees it.

use super::{Action, ActionKind, FileEdit, Outcome, Todo};
use crate::{
    changes,
    copilot::{FileId, Snapshot, diagnostics},
    sql::ObjectRef,
    text::{Document, TextEdit},
};

/// The open questions that are asked at some place of a file, an action for each answer that can be written down.
pub(super) fn actions(snapshot: &Snapshot, file: FileId, at: &std::ops::Range<usize>, acc: &mut Vec<Action>) {
    let analysis = &snapshot.analysis;
    let (Some(diff), Some(after)) = (&analysis.diff, &analysis.after) else { return };
    let text = snapshot.file(file).map(|it| &it.script.text);
    for question in diff.questions.iter().filter(|it| !it.answered) {
        let here = question.objects.iter().any(|object| {
            let exact = after.catalog.origins.contains_key(object);
            let place = diagnostics::place(snapshot, analysis, after, object).filter(|_| exact);
            place.is_some_and(|(asked_in, range)| {
                let on_line =
                    text.is_some_and(|it| it.line_start(range.start) <= at.end && at.start <= it.line_end(range.end));
                asked_in == file && on_line
            })
        });
        if !here {
            continue;
        }
        for choice in &question.choices {
            let Some((title, _)) = changes::annotation(question, choice, &after.catalog) else { continue };
            let todo = Todo::Answer { question: question.id.clone(), choice: choice.clone() };
            let preferred = *choice == question.assumed;
            acc.push(Action { title, kind: ActionKind::QuickFix, todo, preferred, code: Some("question".to_owned()) });
        }
    }
}

/// Writes the annotations, each on the line above its object.
pub(super) fn perform(snapshot: &Snapshot, question: &str, choice: &str) -> Result<Outcome, String> {
    const SETTLED: &str = "the question is settled meanwhile";
    let diff = snapshot.analysis.diff.as_ref().ok_or(SETTLED)?;
    let after = snapshot.analysis.after.as_ref().ok_or(SETTLED)?;
    let asked = diff.questions.iter().find(|it| it.id == question && it.accepts(choice)).ok_or(SETTLED)?;
    let (_, annotations) = changes::annotation(asked, choice, &after.catalog).ok_or(SETTLED)?;
    let mut changed: Vec<(FileId, Vec<TextEdit>)> = Vec::new();
    for (object, words) in annotations {
        let (file, at) = definition(snapshot, &object).ok_or("the new object is not in a schema file any more")?;
        let text = &snapshot.file(file).ok_or("the schema file is gone")?.script.text;
        let edit = line_above(text, at, &words);
        match changed.iter_mut().find(|it| it.0 == file) {
            Some((_, edits)) => edits.push(edit),
            None => changed.push((file, vec![edit])),
        }
    }
    let edits = changed.into_iter().map(|(file, edits)| FileEdit::Change { file, edits }).collect();
    Ok(Outcome { edits, ..Outcome::default() })
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
