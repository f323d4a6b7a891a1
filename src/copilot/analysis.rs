//! What follows from the texts of a project: the two catalogs, what lies between them, and what to say of it.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use super::{Diagnostic, FileId, Snapshot, diagnostics, history::History};
use crate::{
    catalog::{self, Build, Catalog, Desired, Origin, Source},
    changes::{self, Diff},
    dialect::Dialect,
    plan::{Answers, Facts},
    sql::Statement,
};

/// The statements that an [`Analysis`] was made of. Unchanged files are recognised by pointer.
type Statements = Vec<(FileId, Arc<[Statement]>)>;

/// What follows from the texts of a snapshot.
#[derive(Default)]
pub struct Analysis {
    pub(super) history: History,
    baseline: Option<Statements>,
    schema: Statements,
    facts: Option<Facts>,
    answers: Option<Answers>,
    /// The schema as it is deployed: the migrations, or the baseline.
    pub before: Option<Arc<Build>>,
    /// The schema as it is wanted.
    pub after: Option<Arc<Build>>,
    /// How `after` came to be: the next one costs what has changed.
    desired: Option<Arc<Desired>>,
    /// From `before` to `after`, when both are there.
    pub diff: Option<Arc<Diff>>,
    /// Beyond the syntax: what is wrong or worth saying, by file.
    pub diagnostics: BTreeMap<FileId, Vec<Diagnostic>>,
}

impl Analysis {
    /// Where an object of the catalog after was defined or changed.
    pub(super) fn schema_place(&self, origin: &Origin) -> Option<(FileId, Range<usize>)> {
        let (file, statements) = self.schema.get(origin.source as usize)?;
        Some((*file, origin.place(statements)?))
    }

    /// As [`Analysis::schema_place`], for the catalog before.
    pub(super) fn before_place(&self, origin: &Origin) -> Option<(FileId, Range<usize>)> {
        let (file, statements) = self.before_files()?.get(origin.source as usize)?;
        Some((*file, origin.place(statements)?))
    }

    /// Index in the catalogs' lists of sources → file.
    pub fn schema_file(&self, source: u32) -> Option<FileId> {
        self.schema.get(source as usize).map(|it| it.0)
    }

    /// As [`Analysis::schema_file`], for the catalog before.
    pub fn before_file(&self, source: u32) -> Option<FileId> {
        self.before_files()?.get(source as usize).map(|it| it.0)
    }

    fn before_files(&self) -> Option<&Statements> {
        let history = &self.history.files;
        if history.is_empty() { self.baseline.as_ref() } else { Some(history) }
    }
}

/// Works out what follows from the texts of `snapshot`. Parts whose texts are those of `last` are taken from it.
/// `None`: `stop` said that nobody waits for the answer any more.
pub fn analyse(snapshot: &Snapshot, stop: &dyn Fn() -> bool) -> Option<Analysis> {
    let last = &snapshot.analysis;
    let of = |files: &[FileId]| -> Statements { files.iter().map(|it| (*it, snapshot.statements(*it))).collect() };
    let mut res = Analysis {
        history: History::replay(of(&snapshot.history), &last.history, &snapshot.open),
        baseline: snapshot.baseline.as_deref().map(of),
        schema: of(&snapshot.schema),
        facts: Some(snapshot.facts.clone()),
        answers: Some(snapshot.answers.clone()),
        ..Analysis::default()
    };
    res.history.note_earlier(snapshot);
    res.before = match &res.history.end {
        Some(end) => Some(end.clone()),
        None => res.baseline.as_ref().map(|baseline| match (&last.baseline, &last.before) {
            (Some(known), Some(before)) if same(baseline, known) => before.clone(),
            _ => Arc::new(catalog::desired(&sources(baseline))),
        }),
    };
    if stop() {
        return None;
    }
    res.desired = match (&last.desired, res.schema.is_empty()) {
        (_, true) => None,
        (Some(last_one), _) if same(&res.schema, &last.schema) => Some(last_one.clone()),
        (Some(last_one), _) => Some(Arc::new(last_one.next(&sources(&res.schema)))),
        (None, _) => Some(Arc::new(Desired::new(&sources(&res.schema)))),
    };
    res.after = res.desired.as_ref().map(|it| it.build.clone());
    if stop() {
        return None;
    }
    res.diff = match (&res.before, &res.after) {
        (Some(before), Some(after)) => {
            let unmoved = |a: &Option<Arc<Build>>, b: &Arc<Build>| a.as_ref().is_some_and(|it| Arc::ptr_eq(it, b));
            let known = unmoved(&last.before, before)
                && unmoved(&last.after, after)
                && last.facts == res.facts
                && last.answers == res.answers;
            match &last.diff {
                Some(diff) if known => Some(diff.clone()),
                _ => Some(Arc::new(changes::diff(input(snapshot, &before.catalog, &after.catalog)))),
            }
        }
        _ => None,
    };
    if stop() {
        return None;
    }
    res.diagnostics = diagnostics::beyond_syntax(snapshot, &res);
    Some(res)
}

/// The arguments of a diff between two catalogs.
pub(super) fn input<'a>(snapshot: &'a Snapshot, before: &'a Catalog, after: &'a Catalog) -> changes::Input<'a> {
    let dialect: &dyn Dialect = snapshot.dialect;
    changes::Input { before, after, dialect, facts: &snapshot.facts, answers: &snapshot.answers }
}

fn sources(statements: &Statements) -> Vec<Source> {
    statements.iter().map(|(_, it)| Source { statements: it.clone() }).collect()
}

fn same(a: &Statements, b: &Statements) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && Arc::ptr_eq(&a.1, &b.1))
}
