//! The way down of a migration, replayed: what was before, what the way up makes of it, what the way down leaves.

use std::sync::Arc;

use super::{LintInput, around::Around, context::all_of};
use crate::{
    catalog::{Catalog, Source, differences, replay},
    plan::phase_of_file,
    sql::{Ddl, Name, Severity, Statement},
};

/// How a migration is taken back.
#[derive(Clone, Debug, Default)]
pub enum Down {
    /// Nobody in the folder writes ways down, or it is not known where they are.
    #[default]
    Unkept,
    Kept(WayDown),
}

/// A way down; without statements where there is no file, or nothing in it.
#[derive(Clone, Debug, Default)]
pub struct WayDown {
    pub statements: Arc<[Statement]>,
    /// It says itself that there is no way back, and why: `-- lockkeeper: irreversible reason="…"`.
    pub irreversible: bool,
}

/// Up and down, side by side.
pub(super) struct Ways<'a> {
    pub before: &'a Catalog,
    pub after: Catalog,
    pub down: &'a [Statement],
    /// What is left at the end.
    pub back: Catalog,
    /// Why the way down cannot run.
    pub failed: Option<String>,
    /// The way up changes the schema.
    pub changes: bool,
    /// The file is one of a plan of ours, which says itself what cannot be brought back.
    pub planned: bool,
}

impl<'a> Ways<'a> {
    /// `None`: nobody asks for a way down of this file, or it cannot be judged because the way up fails.
    pub fn of(input: &LintInput<'a>, around: &'a Around) -> Option<Self> {
        let Down::Kept(down) = &around.down else { return None };
        if down.irreversible || input.statements.is_empty() {
            return None;
        }
        let (after, failed) = run(input.before, input.statements);
        if failed.is_some() {
            return None;
        }
        let (back, failed) = run(&after, &down.statements);
        let changes = !differences(input.before, &after).is_empty();
        let planned = phase_of_file(input.text).is_some();
        Some(Self { before: input.before, after, down: &down.statements, back, failed, changes, planned })
    }

    /// The statements of the way down that write rows of a table.
    pub fn fills(&self, table: &Name) -> bool {
        writes(self.down, table)
    }
}

/// Is there a statement that writes rows of the table?
pub(super) fn writes(statements: &[Statement], table: &Name) -> bool {
    statements.iter().flat_map(all_of).any(|it| match it {
        Ddl::Data(it) => {
            let writes = matches!(it.verb.as_str(), "INSERT" | "UPDATE" | "MERGE" | "COPY" | "WITH");
            // What a routine does is not known.
            writes && it.target.as_ref().is_none_or(|it| it.name == table.name) || !it.calls.is_empty()
        }
        // What it does is not known to the end.
        Ddl::Do { .. } => true,
        _ => false,
    })
}

fn run(base: &Catalog, statements: &[Statement]) -> (Catalog, Option<String>) {
    let build = replay(base.clone(), &[Source { statements: statements.into() }]);
    let failed = build.problems.into_iter().find(|(_, it)| it.severity == Severity::Error);
    (build.catalog, failed.map(|(_, it)| it.message))
}
