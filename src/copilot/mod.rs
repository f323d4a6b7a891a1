//! What the editor is told, in the editor's words: [`Snapshot`] → diagnostics, hover, code actions.
//!
//! May use every pure room. Deliberately not here: the protocol's types (`lsp` converts), files on disk (a snapshot
//! holds every text that matters), state (a snapshot never changes; a new text makes a new one).

mod actions;
mod analysis;
mod diagnostics;
mod history;
mod hover;
mod objects;
mod script;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    path::PathBuf,
    sync::Arc,
};

use crate::{
    dialect::Dialect,
    export::{Format, Tool},
    lint,
    plan::{Answers, Facts},
    sql::{Severity, Statement},
};

pub use actions::{Action, ActionKind, Delivery, FileEdit, Outcome, Todo, actions, explain, perform, rollback_path};
pub use analysis::{Analysis, analyse};
pub use diagnostics::diagnostics;
pub use hover::{Hover, Part, hover};
pub use script::Script;

/// Names a file of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// All that is known of one project at one moment.
#[derive(Clone)]
pub struct Snapshot {
    pub dialect: &'static dyn Dialect,
    pub facts: Facts,
    pub answers: Answers,
    pub files: BTreeMap<FileId, File>,
    /// The files of the desired state.
    pub schema: Vec<FileId>,
    /// Migrations in the order in which they run; behind them what is still to come of plans that were begun.
    pub history: Vec<FileId>,
    /// The desired state as it was, when there are no migrations: files of an older revision, or none for an empty
    /// database. `None`: nothing is known to compare with.
    pub baseline: Option<Vec<FileId>>,
    /// Files that the editor shows.
    pub open: BTreeSet<FileId>,
    /// The tool that runs the migrations.
    pub tool: Tool,
    /// Where the files of a plan go; the error says why none can be written.
    pub target: Result<Arc<Target>, String>,
    /// What was worked out last: of these texts or of older ones.
    pub analysis: Arc<Analysis>,
    /// Work on this snapshot may end early.
    pub stop: Stop,
}

/// Tells long work that nobody waits for its result any more.
#[derive(Clone)]
pub struct Stop(Arc<dyn Fn() -> bool + Send + Sync>);

impl Stop {
    pub fn when(asked: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(asked))
    }

    pub fn never() -> Self {
        Self::when(|| false)
    }

    pub fn is_asked(&self) -> bool {
        (self.0)()
    }
}

/// Where the files of a plan go, and in which shape.
#[derive(Clone)]
pub struct Target {
    pub format: &'static Format,
    /// Relative to the project's folder.
    pub dir: PathBuf,
    /// Names with versions that the new ones must be above.
    pub names: Vec<String>,
    /// Number the first migration of an empty folder by time.
    pub timestamps: bool,
    /// What the two schemas are, for people.
    pub from: String,
    pub to: String,
}

#[derive(Clone)]
pub struct File {
    /// For messages: relative to the project's folder.
    pub name: String,
    pub role: Role,
    pub script: Arc<Script>,
    /// Why the file could not be read, or what its settings lack.
    pub trouble: Option<String>,
    /// What stands beside a migration and says how its tool runs it.
    pub config: Option<String>,
    /// What the project wants of lint for this file.
    pub lint: Arc<lint::Config>,
    /// Of a migration: where it stands among the others.
    pub standing: Option<Arc<lint::Standing>>,
    /// Where its way down is; `None`: nobody asks for one.
    pub way_down: Option<WayDownAt>,
    /// The statements that count towards a catalog: of a migration those that run forward.
    counted: Arc<[Statement]>,
    /// Of a migration that holds its way down, the statements of that.
    backward: Arc<[Statement]>,
}

/// Where the way down of a migration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayDownAt {
    /// Nowhere, though others have theirs.
    Missing,
    File(FileId),
    /// In the file itself.
    Section,
}

impl File {
    /// `forward`: the parts of the text that run forward; `None`: all of it.
    pub fn new(name: String, role: Role, script: Arc<Script>, forward: Option<&[Range<usize>]>) -> Self {
        let mut res = Self {
            name,
            role,
            script,
            trouble: None,
            config: None,
            lint: Arc::default(),
            standing: None,
            way_down: None,
            backward: Arc::from([]),
            counted: Arc::from([]),
        };
        res.count(forward);
        res
    }

    /// Does it hold a way down?
    pub fn leads_back(&self) -> bool {
        !self.backward.is_empty()
    }

    pub fn set_script(&mut self, script: Arc<Script>, forward: Option<&[Range<usize>]>) {
        self.script = script;
        self.count(forward);
    }

    fn count(&mut self, forward: Option<&[Range<usize>]>) {
        self.counted = match forward {
            None => self.script.statements.clone(),
            Some(parts) => {
                let inside =
                    |it: &&Statement| parts.iter().any(|part| part.start <= it.range.start && it.range.end <= part.end);
                self.script.statements.iter().filter(inside).cloned().collect()
            }
        };
        let behind = forward.and_then(|parts| parts.first()).map(|it| it.start);
        self.backward = match behind {
            None => Arc::from([]),
            Some(first) => {
                let down =
                    |it: &&Statement| first < it.range.start && !self.counted.iter().any(|up| up.range == it.range);
                self.script.statements.iter().filter(down).cloned().collect()
            }
        };
    }
}

/// What a file is to its project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Part of the desired state.
    Schema,
    /// Runs forward, once.
    Migration,
    /// Undoes a migration.
    Rollback,
    /// A plan document that Lockkeeper wrote.
    Plan,
    /// SQL that is neither.
    Other,
}

/// Something to be shown under a range of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub range: Range<usize>,
    pub severity: Severity,
    /// `syntax`, `catalog`, a kind of change, or a rule.
    pub code: String,
    pub message: String,
    pub related: Vec<Related>,
    /// There is a safe form that can take the statement's place.
    pub fixable: bool,
    /// What stands there can go: nothing misses it.
    pub unnecessary: bool,
}

/// Another place that helps to understand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    pub file: FileId,
    pub range: Range<usize>,
    pub message: String,
}

impl Snapshot {
    pub fn file(&self, id: FileId) -> Option<&File> {
        self.files.get(&id)
    }

    /// The statements of a file that count towards a catalog.
    fn statements(&self, id: FileId) -> Arc<[Statement]> {
        self.files.get(&id).map_or_else(|| Arc::from([]), |it| it.counted.clone())
    }
}
