//! "Plan as phased migration", "Rewrite as phased migration", "Advance plan": a plan becomes files.

use std::{collections::BTreeSet, ops::Range, path::PathBuf};

use super::{Action, ActionKind, Delivery, FileEdit, Outcome, Todo, explain};
use crate::{
    catalog::{ApplyError, Catalog},
    copilot::{FileId, Role, Snapshot, Target, analysis, history},
    export::{self, Document, ExportContext, Format, OutFile, Staging},
    plan::{Answers, Plan},
    planner::{self, Selection},
    sql::{Ddl, Statement},
    text::TextEdit,
};

/// A comment of a rewritten file that says whose phase it holds must stand among its first lines; above this one it does.
const NEAR_THE_TOP: u32 = 10;

/// Planning the pending changes of a schema file: those at the place, and all.
pub(super) fn plan_actions(snapshot: &Snapshot, file: FileId, at: &Range<usize>, acc: &mut Vec<Action>) {
    let all = snapshot.analysis.diff.as_ref().map_or(0, |it| it.changes.len());
    if all == 0 {
        return;
    }
    let here = super::changes_at(snapshot, file, at);
    if !here.is_empty() && here.len() < all {
        let what = if here.len() == 1 { "this change".to_owned() } else { format!("these {} changes", here.len()) };
        both(&what, &|delivery| Todo::Plan { only: here.clone(), delivery }, acc);
    }
    let what = if all == 1 { "the pending change".to_owned() } else { format!("all {all} pending changes") };
    both(&what, &|delivery| Todo::Plan { only: Vec::new(), delivery }, acc);
}

fn both(what: &str, todo: &dyn Fn(Delivery) -> Todo, acc: &mut Vec<Action>) {
    for (delivery, title) in [
        (Delivery::Staged, format!("Plan {what} as phased migration")),
        (Delivery::All, format!("Plan {what} as phased migration: write all phases")),
    ] {
        let preferred = delivery == Delivery::Staged;
        acc.push(Action { title, kind: ActionKind::Rewrite, todo: todo(delivery), preferred, code: None });
    }
}

/// Rewriting the statement of a migration that hurts. `None` in `code`: it has been offered something simpler.
pub(super) fn rewrite_actions(statement: usize, code: Option<&str>, acc: &mut Vec<Action>) {
    for (delivery, title) in [
        (Delivery::Staged, "Rewrite as phased migration"),
        (Delivery::All, "Rewrite as phased migration: write all phases"),
    ] {
        acc.push(Action {
            title: title.to_owned(),
            kind: ActionKind::QuickFix,
            todo: Todo::Rewrite { statement, delivery },
            preferred: code.is_some() && delivery == Delivery::Staged,
            code: code.map(str::to_owned),
        });
    }
}

/// Is there a phased way to what the statement does?
pub(super) fn can_be_planned(snapshot: &Snapshot, file: FileId, index: usize) -> bool {
    let statement = snapshot.file(file).and_then(|it| it.script.statements.get(index));
    let before = history::catalog_before(snapshot, file, index);
    statement.zip(before).is_some_and(|(statement, before)| plan_of(snapshot, &before, statement).is_ok())
}

pub(super) fn advance_actions(snapshot: &Snapshot, file: FileId, acc: &mut Vec<Action>) {
    let Some(document) = document_of(snapshot, file) else { return };
    let Some(next) = document.progress(texts(snapshot).iter().map(|it| it.1.as_str())).next else { return };
    let Some(phase) = document.plan.phases.get(next) else { return };
    let title = format!("Advance plan: write the {} phase", phase.kind);
    acc.push(Action { title, kind: ActionKind::Rewrite, todo: Todo::Advance, preferred: true, code: None });
}

/// The files of the pending changes.
pub(super) fn plan(snapshot: &Snapshot, only: &[String], delivery: Delivery, now: &str) -> Result<Outcome, String> {
    let plan = explain::pending(snapshot, only.to_vec());
    let plan =
        plan.ok_or("there is no schema to come from: no migrations, and no commit that holds the schema file")?;
    let target = target(snapshot)?;
    let files = render(snapshot, &plan, delivery, target.format, now)?;
    Ok(Outcome { edits: created(target, files), confirm: loss(&plan, delivery) })
}

fn target(snapshot: &Snapshot) -> Result<&Target, String> {
    snapshot.target.as_deref().map_err(Clone::clone)
}

fn render(
    snapshot: &Snapshot,
    plan: &Plan,
    delivery: Delivery,
    format: &'static Format,
    now: &str,
) -> Result<Vec<OutFile>, String> {
    let target = target(snapshot)?;
    let context = ExportContext {
        format,
        names: &target.names,
        now: Some(now),
        timestamps: target.timestamps,
        from: &target.from,
        to: &target.to,
    };
    let staging = match delivery {
        Delivery::Staged => Staging::First,
        Delivery::All => Staging::All,
    };
    let files = export::render(plan, snapshot.dialect, &context, staging);
    if files.is_empty() {
        Err("nothing is pending: the schema is as the migrations make it".to_owned())
    } else {
        Ok(files)
    }
}

fn created(target: &Target, files: Vec<OutFile>) -> Vec<FileEdit> {
    files.into_iter().map(|it| FileEdit::Create { path: target.dir.join(it.path), text: it.contents }).collect()
}

/// What the files that are written now cannot bring back, as a question.
fn loss(plan: &Plan, delivery: Delivery) -> Option<String> {
    let count = match delivery {
        Delivery::Staged => 1,
        Delivery::All => plan.phases.len(),
    };
    let lost: Vec<&str> =
        plan.phases.iter().take(count).filter_map(|it| it.irreversible.as_ref()).map(|it| it.lost.as_str()).collect();
    (!lost.is_empty()).then(|| format!("These migrations lose {}", lost.join("; ")))
}

/// A statement of a migration, replaced by the first phase of the way that leads to the same end; the other phases
/// become files.
pub(super) fn rewrite(
    snapshot: &Snapshot,
    file: FileId,
    index: usize,
    delivery: Delivery,
    now: &str,
) -> Result<Outcome, String> {
    let script = &snapshot.file(file).ok_or("the file is gone")?.script;
    let statement = script.statements.get(index).ok_or("the statement is gone")?;
    let before = history::catalog_before(snapshot, file, index).ok_or("the tables of this statement are not known")?;
    let plan = plan_of(snapshot, &before, statement)?;
    let target = target(snapshot)?;
    let files = render(snapshot, &plan, delivery, target.format, now)?;
    let confirm = loss(&plan, delivery);
    let transactional = plan.phases.first().is_some_and(|it| it.steps.iter().all(|it| it.tx.is_some()));
    let alone = snapshot.statements(file).len() == 1;
    let text = script.text.text();
    let config = snapshot.file(file).and_then(|it| it.config.as_deref());
    let wraps = snapshot.tool.wrap(&text, config).wraps(plan.phases.first().map_or(0, |it| it.steps.len()), true);
    let bytes = statement.full.clone();
    let own = files.iter().find_map(|it| Document::parse(&it.contents));
    let is_first = |text: &str| {
        let phase = own.as_ref().and_then(|it| Some((it.phase_of(text)?, it.plan.phases.first()?.kind.as_str())));
        phase.is_some_and(|(phase, first)| phase == first)
    };
    // What is the last step of something can only move to a file, and a transaction, of its own.
    let apart = statement.parsed.ddl.iter().any(|it| matches!(it, Ddl::ValidateConstraint { .. }));
    if apart || !(transactional || alone && !wraps) {
        let names: Vec<String> =
            files.iter().filter(|it| is_first(&it.contents)).map(|it| it.path.display().to_string()).collect();
        let words = format!("-- Made in phases, from {} on.", names.first().map_or("the next file", String::as_str));
        let mut edits = created(target, files);
        edits.push(FileEdit::Change { file, edits: vec![TextEdit::replace(bytes, words)] });
        return Ok(Outcome { edits, confirm });
    }
    // The first phase stands here; its own file is not needed.
    let plain = Format::by_name("sql").ok_or("no plain format")?;
    let inline = render(snapshot, &plan, Delivery::Staged, plain, now)?;
    let inline = inline.into_iter().find(|it| is_first(&it.contents)).ok_or("the plan has no first phase")?.contents;
    let replaced: BTreeSet<PathBuf> =
        files.iter().filter(|it| is_first(&it.contents)).map(|it| it.path.clone()).collect();
    let name = snapshot.file(file).map(|it| it.name.clone()).unwrap_or_default();
    let mut files: Vec<OutFile> = files.into_iter().filter(|it| !is_first(&it.contents)).collect();
    for document in &mut files {
        for path in &replaced {
            document.contents = document.contents.replace(&format!("`{}`", path.display()), &format!("`{name}`"));
        }
    }
    let mut edits = vec![TextEdit::replace(bytes.clone(), inline.trim_end().to_owned())];
    let line = script.text.position(bytes.start, crate::text::PositionEncoding::Utf8).line;
    if line > NEAR_THE_TOP
        && let Some(mark) = inline.lines().find(|it| is_first(it))
    {
        edits.insert(0, TextEdit::insert(0, format!("{mark}{}", script.text.line_ending())));
    }
    let mut all = vec![FileEdit::Change { file, edits }];
    all.extend(created(target, files));
    Ok(Outcome { edits: all, confirm })
}

/// The phased way to what one statement does.
fn plan_of(snapshot: &Snapshot, before: &Catalog, statement: &Statement) -> Result<Plan, String> {
    let mut after = before.clone();
    for ddl in &statement.parsed.ddl {
        after.apply(ddl).map_err(|it| match it {
            ApplyError::Missing(why) | ApplyError::Refused(why) => format!("the statement cannot be applied: {why}"),
        })?;
    }
    // What the statement says it is, is no question.
    let renames =
        statement.parsed.ddl.iter().any(|it| matches!(it, Ddl::RenameColumn { .. } | Ddl::RenameTable { .. }));
    let assume = if renames { "rename" } else { "drop-and-add" };
    let answers = Answers { assume: Some(assume.to_owned()), ..snapshot.answers.clone() };
    let input = crate::changes::Input { answers: &answers, ..analysis::input(snapshot, before, &after) };
    let plan = planner::plan_unless(input, &Selection::default(), &|| snapshot.stop.is_asked());
    let plan = plan.ok_or("nobody waits for the plan any more")?;
    if plan.phases.is_empty() { Err("the statement changes nothing".to_owned()) } else { Ok(plan) }
}

/// The next phase of the plan that a document carries, or that a migration is part of.
pub(super) fn advance(snapshot: &Snapshot, file: FileId, now: &str) -> Result<Outcome, String> {
    let document = document_of(snapshot, file).ok_or("this file is no plan document and belongs to none")?;
    let target = target(snapshot)?;
    let texts = texts(snapshot);
    let existing: Vec<(String, &str)> = texts.iter().map(|(name, text)| (name.clone(), text.as_str())).collect();
    let files = export::advance(&document, &target.names, &existing, Some(now))?;
    let next = document.progress(existing.iter().map(|it| it.1)).next;
    let phase = next.and_then(|it| document.plan.phases.get(it));
    let lost = phase.and_then(|it| it.irreversible.as_ref()).map(|it| format!("This phase loses {}", it.lost));
    Ok(Outcome { edits: created(target, files), confirm: lost })
}

/// The plan document that a file is, or whose phase it holds.
fn document_of(snapshot: &Snapshot, file: FileId) -> Option<Document> {
    let found = snapshot.file(file)?;
    if found.role == Role::Plan {
        return Document::parse(&found.script.text.text());
    }
    let text = found.script.text.text();
    let documents = snapshot.files.values().filter(|it| it.role == Role::Plan);
    documents.filter_map(|it| Document::parse(&it.script.text.text())).find(|it| it.owns(&text))
}

/// Names and texts of the migrations.
fn texts(snapshot: &Snapshot) -> Vec<(String, String)> {
    let files = snapshot.history.iter().filter_map(|it| snapshot.file(*it)).filter(|it| it.role == Role::Migration);
    let named = files.map(|it| (it.name.rsplit('/').next().unwrap_or(&it.name).to_owned(), it.script.text.text()));
    named.collect()
}
