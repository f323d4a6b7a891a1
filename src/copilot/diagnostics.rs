//! What is wrong, and what is pending.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use super::{Analysis, Diagnostic, File, FileId, Related, Role, Snapshot, WayDownAt, objects};
use crate::{
    catalog::{Build, Catalog},
    export::Tool,
    lint::{self, Around, Down, LintInput, WayDown},
    sql::{ObjectRef, Severity},
    text::{Dirty, Document},
};

/// What to show for a file: its syntax as it is now, and the rest from the last analysis. `moved` is what has been
/// edited since that analysis: what stood there is not shown.
pub fn diagnostics(snapshot: &Snapshot, file: FileId, moved: Option<&Dirty>) -> Vec<Diagnostic> {
    let Some(found) = snapshot.file(file) else { return Vec::new() };
    let mut res: Vec<Diagnostic> = match found.role {
        Role::Plan => Vec::new(),
        _ => found.script.problems().into_iter().map(|it| plain(it.range, it.severity, "syntax", it.message)).collect(),
    };
    if let Some(trouble) = &found.trouble {
        res.push(plain(0..0, Severity::Error, "file", trouble.clone()));
    }
    for known in snapshot.analysis.diagnostics.get(&file).into_iter().flatten() {
        let range = match moved {
            Some(dirty) => dirty.shift(&known.range),
            None => Some(known.range.clone()),
        };
        if let Some(range) = range {
            res.push(Diagnostic { range, ..known.clone() });
        }
    }
    res.sort_by(|a, b| (a.range.start, a.range.end, &a.code).cmp(&(b.range.start, b.range.end, &b.code)));
    res
}

/// Everything that needs more than the file's own text.
pub(super) fn beyond_syntax(snapshot: &Snapshot, analysis: &Analysis) -> BTreeMap<FileId, Vec<Diagnostic>> {
    let mut res: BTreeMap<FileId, Vec<Diagnostic>> = BTreeMap::new();
    let mut add = |file: FileId, it: Diagnostic| res.entry(file).or_default().push(it);
    if let Some(before) = &analysis.before {
        build_problems(before, |source| analysis.before_file(source), &mut add);
    }
    if let Some(after) = &analysis.after {
        build_problems(after, |source| analysis.schema_file(source), &mut add);
    }
    pending(snapshot, analysis, &mut add);
    hazards(snapshot, analysis, &mut add);
    for all in res.values_mut() {
        // Lint says the same of what cannot be applied, and who is to blame.
        let tells = |it: &Diagnostic| matches!(it.code.as_str(), "colliding-with-earlier" | "refused-by-server");
        let told: Vec<usize> = all.iter().filter(|it| tells(it)).map(|it| it.range.start).collect();
        all.retain(|it| it.code != "catalog" || !told.contains(&it.range.start));
    }
    res
}

fn build_problems(build: &Build, file: impl Fn(u32) -> Option<FileId>, add: &mut impl FnMut(FileId, Diagnostic)) {
    for (source, problem) in &build.problems {
        if let Some(file) = file(*source) {
            add(file, plain(problem.range.clone(), problem.severity, "catalog", problem.message.clone()));
        }
    }
}

/// Hazards of the migrations that the editor shows, and of SQL that is neither migration nor schema, judged against
/// the schema as it is deployed.
fn hazards(snapshot: &Snapshot, analysis: &Analysis, add: &mut impl FnMut(FileId, Diagnostic)) {
    for file in snapshot.open.iter().copied() {
        let findings = judged(snapshot, analysis, file, lint::lint_with).unwrap_or_default();
        let Some(found) = snapshot.file(file) else { continue };
        for it in findings {
            let range = first_line(&found.script.text, it.range);
            let related = made_in(snapshot, analysis, file, it.statement);
            // Of the comments to lint, those that keep nothing quiet are a mere notice.
            let unnecessary = it.rule == "ignore-directive" && it.severity == Severity::Info;
            let known = plain(range, it.severity, it.rule, it.message);
            add(file, Diagnostic { fixable: it.fixable, related, unnecessary, ..known });
        }
    }
}

/// Where earlier migrations made the tables that a statement names.
fn made_in(snapshot: &Snapshot, analysis: &Analysis, file: FileId, statement: usize) -> Vec<Related> {
    let index = analysis.history.files.iter().position(|it| it.0 == file);
    let statement = snapshot.file(file).and_then(|it| it.counted.get(statement));
    let Some((index, statement)) = index.zip(statement) else { return Vec::new() };
    let before = analysis.history.state(index);
    let tables = statement.parsed.marks.iter().filter(|it| matches!(it.object, ObjectRef::Table(_)));
    let found: BTreeSet<ObjectRef> = tables.filter_map(|it| objects::resolve(&before, &it.object)).collect();
    let related = found.into_iter().filter_map(|object| {
        let origin = before.origins.get(&object)?.first()?;
        let (made, range) = analysis.before_place(origin)?;
        let range = first_line(&snapshot.file(made)?.script.text, range);
        Some(Related { file: made, range, message: format!("{object} was made here") })
    });
    related.collect()
}

/// What a function of `lint` says of a file. `None`: the file is not of a kind that is judged.
pub(super) fn judged<T>(
    snapshot: &Snapshot,
    analysis: &Analysis,
    file: FileId,
    judge: impl FnOnce(&LintInput<'_>, &lint::Config) -> T,
) -> Option<T> {
    let found = snapshot.file(file)?;
    let nothing = Catalog::new();
    let index = analysis.history.files.iter().position(|it| it.0 == file);
    let state = index.map(|it| analysis.history.state(it));
    let deployed = analysis.before.as_ref().or(analysis.after.as_ref()).map(|it| &it.catalog);
    let (before, tool) = match (&state, found.role) {
        (Some(state), _) => (&**state, snapshot.tool),
        (None, Role::Other) => (deployed.unwrap_or(&nothing), Tool::Plain),
        (None, _) => return None,
    };
    let text = found.script.text.text();
    let around = found.standing.clone().map(|standing| Around {
        standing,
        down: way_down(snapshot, found),
        earlier: index.map(|it| analysis.history.earlier(it)).unwrap_or_default(),
    });
    let input = LintInput {
        dialect: snapshot.dialect,
        text: &text,
        statements: &found.counted,
        before,
        facts: &snapshot.facts,
        runs: tool.runs(&text, found.config.as_deref()),
        around: around.as_ref(),
    };
    Some(judge(&input, &found.lint))
}

/// The way down of a migration, as its text is now.
fn way_down(snapshot: &Snapshot, of: &File) -> Down {
    let (statements, irreversible) = match of.way_down {
        None => return Down::Unkept,
        Some(WayDownAt::Missing) => return Down::Kept(WayDown::default()),
        // What the file says of itself is read with its other directives.
        Some(WayDownAt::Section) => (of.backward.clone(), false),
        Some(WayDownAt::File(id)) => {
            let Some(down) = snapshot.file(id) else { return Down::Unkept };
            (down.counted.clone(), lint::says_irreversible(&down.script.text.text()))
        }
    };
    Down::Kept(WayDown { statements, irreversible })
}

/// Changes that no migration has made yet, each where its object is defined, and what they leave open.
fn pending(snapshot: &Snapshot, analysis: &Analysis, add: &mut impl FnMut(FileId, Diagnostic)) {
    let (Some(diff), Some(after)) = (&analysis.diff, &analysis.after) else { return };
    for change in &diff.changes {
        let summary = change.summary();
        if let Some((file, range)) = place(snapshot, analysis, after, &change.object()) {
            let message = format!("pending: {}", summary.summary);
            add(file, plain(range, Severity::Info, summary.kind, message));
        }
    }
    for question in diff.questions.iter().filter(|it| !it.answered) {
        let object = question.objects.iter().find(|it| after.catalog.origins.contains_key(it));
        if let Some((file, range)) = object.and_then(|it| place(snapshot, analysis, after, it)) {
            let message = format!("{} (assumed: {})", question.about, question.assumed);
            add(file, plain(range, Severity::Warning, "question", message));
        }
    }
}

/// As [`origin`], cut for underlining.
pub(super) fn place(
    snapshot: &Snapshot,
    analysis: &Analysis,
    after: &Build,
    object: &ObjectRef,
) -> Option<(FileId, Range<usize>)> {
    let (file, range) = origin(snapshot, analysis, after, object)?;
    Some((file, first_line(&snapshot.file(file)?.script.text, range)))
}

/// Where an object of the desired state stands; for one that is gone the table it was part of, else the first byte of
/// the first schema file.
pub(super) fn origin(
    snapshot: &Snapshot,
    analysis: &Analysis,
    after: &Build,
    object: &ObjectRef,
) -> Option<(FileId, Range<usize>)> {
    let origins = &after.catalog.origins;
    let table = object.relation().map(|it| ObjectRef::Table(it.clone()));
    let found = origins.get(object).or_else(|| origins.get(&table?)).and_then(|it| it.last());
    match found {
        Some(found) => analysis.schema_place(found),
        None => Some((*snapshot.schema.first()?, 0..0)),
    }
}

/// A range that is too long to be underlined is cut at the end of its first line.
pub(super) fn first_line(text: &Document, range: Range<usize>) -> Range<usize> {
    let end = text.line_end(range.start);
    range.start..range.end.min(end).max(range.start)
}

pub(super) fn plain(range: Range<usize>, severity: Severity, code: &str, message: String) -> Diagnostic {
    Diagnostic {
        range,
        severity,
        code: code.to_owned(),
        message,
        related: Vec::new(),
        fixable: false,
        unnecessary: false,
    }
}
