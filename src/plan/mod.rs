//! The words of a plan: [`Plan`], [`Phase`], [`Step`], [`Gate`](Phase::gate), [`Hazard`], [`LockMode`], [`Backfill`],
//! [`Undo`], [`Question`], and of what triggers keep equal: [`Sync`], [`Regroup`], [`Mirror`]. Values only; who makes them is `changes` and `planner`.
//!
//! May use `sql` and `catalog`.

mod estimate;
mod fact;
mod reshape;
mod text;

use std::collections::BTreeMap;

use crate::sql::{Ddl, Expr, Ident, Name, ObjectRef, Severity};

pub use estimate::{ROW_BYTES, Span, Work, estimate, longest, size_text};
pub use fact::{Fact, IndexShape, Resume, Sign};
pub use reshape::{Mirror, Moved, Piece, Regroup};

/// A phased migration from one catalog to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// `postgres`, `mysql` …
    pub dialect: &'static str,
    /// Major version, e.g. 15.
    pub server_version: u32,
    pub changes: Vec<ChangeSummary>,
    pub questions: Vec<Question>,
    pub hazards: Vec<Hazard>,
    /// In order; empty phases are absent. A plan for no change has none.
    pub phases: Vec<Phase>,
}

/// What a plan says of a change. The change itself lives in `changes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeSummary {
    /// Stable: made of kind and object, e.g. `rename_column:shipments.co2_kg`.
    pub id: String,
    /// File name in `changes/`, e.g. `rename_column`.
    pub kind: &'static str,
    /// The object in words a person uses: `shipments.co2_kg`.
    pub object: String,
    /// One sentence without a final dot.
    pub summary: String,
    /// Rows, or values of rows, are gone when the plan is done.
    pub destructive: bool,
}

/// Something the files do not say. The plan goes on with `assumed`, the choice that loses nothing, and says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Stable, e.g. `rename:users.mail>email`.
    pub id: String,
    /// The question as a sentence.
    pub about: String,
    /// Words for `--answer ID=CHOICE`. A choice that ends in `:…` takes a value: `value:…`.
    pub choices: Vec<String>,
    pub assumed: String,
    /// Settled by an answer or an annotation rather than assumed.
    pub answered: bool,
    /// What it is about: objects of the schema wanted, and of the schema before for what goes.
    pub objects: Vec<ObjectRef>,
}

impl Question {
    /// Is this one of the choices, or a value where a choice takes one?
    pub fn accepts(&self, answer: &str) -> bool {
        self.choices.iter().any(|choice| match choice.strip_suffix('…') {
            Some(word) => answer.strip_prefix(word).is_some_and(|it| !it.trim().is_empty()),
            None => choice == answer,
        })
    }
}

/// A danger that the plan cannot take away, or that the direct way would have had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hazard {
    /// Code of a rule in `lint`.
    pub rule: &'static str,
    pub severity: Severity,
    pub message: String,
    /// Id of the change it belongs to.
    pub change: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PhaseKind {
    /// Additive: old and new code both run against it.
    Expand,
    /// Old rows are brought into the new shape, in committed batches.
    Backfill,
    /// Constraints begin to hold for all rows.
    Enforce,
    /// What only old code needs goes away.
    Contract,
    /// A second contract phase: what the first only put out of reach goes for good.
    Retire,
}

impl PhaseKind {
    pub const ALL: [Self; 5] = [Self::Expand, Self::Backfill, Self::Enforce, Self::Contract, Self::Retire];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expand => "expand",
            Self::Backfill => "backfill",
            Self::Enforce => "enforce",
            Self::Contract | Self::Retire => "contract",
        }
    }
}

/// Marks a file as one of a plan's, in a comment: behind it stand the plan's digest, the phase and the part.
pub const PHASE_MARK: &str = "lockkeeper-plan: ";

/// Digest of the plan and word of the phase that a file holds, if it is marked as one.
pub fn phase_of_file(text: &str) -> Option<(&str, &str)> {
    // The head of a file of ours is no longer.
    let line = text.lines().take(40).find_map(|it| it.strip_prefix("-- ")?.strip_prefix(PHASE_MARK))?;
    let mut words = line.split_whitespace();
    words.next().zip(words.next())
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    pub kind: PhaseKind,
    /// A short line: "Add shipments.carbon_kg beside co2_kg".
    pub title: String,
    /// What must be true of the deployed application before this phase may run.
    pub gate: Option<String>,
    /// Read-only queries that show whether the phase can succeed on today's data. All hold → go.
    pub preflight: Vec<Check>,
    pub steps: Vec<Step>,
    /// Read-only queries that show that the phase has done its work.
    pub verify: Vec<Check>,
    /// In the order in which they run: the undo of the last step first.
    pub rollback: Vec<RollbackStep>,
    /// What the rollback cannot bring back.
    pub irreversible: Option<Irreversible>,
    /// Any of them holds once the phase has begun to change the schema, and none before in the whole plan. What the
    /// phase before must have done is asked only until then: this phase may have used it up.
    pub begun: Vec<Sign>,
}

/// A query whose single value, as text, is known when all is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub sql: String,
    pub expect: String,
    pub why: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub action: Action,
    /// One statement, without a semicolon, that a plain client can execute as it is.
    pub sql: String,
    /// Neighbouring steps with the same number share one transaction; `None` runs outside any.
    pub tx: Option<u32>,
    pub locks: Vec<Lock>,
    /// Writes the whole table anew while it holds its lock.
    pub rewrites: bool,
    /// Reads the whole table while it holds its lock.
    pub scans: bool,
    /// How long it may take on tables of known size, with what is assumed.
    pub estimate: Option<String>,
    pub timeouts: Timeouts,
    pub resume: Resume,
    /// One sentence for people.
    pub why: String,
    /// Ids of the changes it serves.
    pub changes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly all actions are Ddl")]
pub enum Action {
    Ddl(Ddl),
    Backfill(Backfill),
    /// A single statement that moves data or sets state (a sequence's value) and leaves the catalog as it is.
    Data(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollbackStep {
    pub action: Action,
    pub sql: String,
    pub tx: Option<u32>,
    pub timeouts: Timeouts,
    pub resume: Resume,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Irreversible {
    /// What is gone: "every value of users.legacy".
    pub lost: String,
    /// What to make sure of before: backup verified, application deployed …
    pub checklist: Vec<String>,
    /// The schema itself does not come back either: an enum value cannot be taken away.
    pub shape: bool,
}

/// How a step is undone. The planner derives it from the [`Ddl`] and the catalog before it, unless the change knows better.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undo {
    /// Inverse statements, in running order.
    By(Vec<Action>),
    /// The shape can come back with these, the data cannot.
    Loses { actions: Vec<Action>, lost: String },
    /// As `Loses`, and the shape comes back in part only (an attribute at the end, where it stood in the middle).
    Bends { actions: Vec<Action>, lost: String },
    /// Nothing to do: the step leaves nothing behind (a backfill of a column that Expand's undo drops).
    Nothing,
}

/// PostgreSQL's table lock modes, weakest first (manual 13.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockMode {
    AccessShare,
    RowShare,
    RowExclusive,
    ShareUpdateExclusive,
    Share,
    ShareRowExclusive,
    Exclusive,
    AccessExclusive,
}

impl LockMode {
    pub const ALL: [Self; 8] = [
        Self::AccessShare,
        Self::RowShare,
        Self::RowExclusive,
        Self::ShareUpdateExclusive,
        Self::Share,
        Self::ShareRowExclusive,
        Self::Exclusive,
        Self::AccessExclusive,
    ];

    /// As `pg_locks.mode` spells it, without the final `Lock`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccessShare => "AccessShare",
            Self::RowShare => "RowShare",
            Self::RowExclusive => "RowExclusive",
            Self::ShareUpdateExclusive => "ShareUpdateExclusive",
            Self::Share => "Share",
            Self::ShareRowExclusive => "ShareRowExclusive",
            Self::Exclusive => "Exclusive",
            Self::AccessExclusive => "AccessExclusive",
        }
    }

    /// From `pg_locks.mode`, with or without the final `Lock`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_suffix("Lock").unwrap_or(text);
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }

    /// INSERT, UPDATE and DELETE wait for it.
    pub fn blocks_writes(self) -> bool {
        self >= Self::Share
    }

    /// Even SELECT waits for it.
    pub fn blocks_reads(self) -> bool {
        self == Self::AccessExclusive
    }
}

/// A lock on a relation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lock {
    pub object: Name,
    pub mode: LockMode,
}

/// `lock_timeout` and `statement_timeout` of a step, in milliseconds; 0 means no limit, `None` leaves the session's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    pub lock: Option<u32>,
    pub statement: Option<u32>,
}

/// Rows brought into a new shape, keyset batch by keyset batch, each committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backfill {
    pub table: Name,
    /// Columns of a unique NOT NULL key to page by, with their types; empty: by physical blocks (ctid).
    pub key: Vec<(Ident, crate::sql::DataType)>,
    /// Column and the SQL for its new value (may name columns of the table as `t.column`).
    pub set: Vec<(Ident, String)>,
    /// Columns whose values it changes; through a trigger they may be others than those it sets.
    pub fills: Vec<Ident>,
    /// Which rows still need it, over alias `t`. A row that has it done must not match: this makes a second run cheap.
    pub pending: String,
    pub batch: u32,
}

/// A trigger that keeps two columns of a row equal while old and new code both write (playbook §2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sync {
    pub table: Name,
    /// The column old code writes.
    pub old: Ident,
    /// The column new code writes.
    pub new: Ident,
    /// SQL for new's value from old's; `{}` stands for the value.
    pub up: String,
    /// SQL for old's value from new's.
    pub down: String,
    /// New's default, when both columns have the same constant or stable one.
    pub default_new: Option<Expr>,
    pub old_type: crate::sql::DataType,
    pub new_type: crate::sql::DataType,
    pub direction: Direction,
}

/// Which way a [`Sync`] carries values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Old and new code write different columns.
    Both,
    /// Everybody writes `old`; `new` is a copy in the making.
    OldToNew,
    /// Everybody writes `new`; `old` is kept for the way back.
    NewToOld,
}

/// A name for a helper object of a plan: prefix and parts joined by `_`, at most 59 bytes (room for `zzz_`).
/// One that is too long is cut and ends in a hash of the whole, so that two plans never meet by truncation.
pub fn helper_name(prefix: &str, parts: &[&str]) -> Ident {
    const MAX: usize = Ident::MAX_BYTES - 4;
    let whole = format!("{prefix}_{}", parts.join("_"));
    if whole.len() <= MAX {
        return Ident::new(&whole);
    }
    // FNV-1a: short, stable between versions and machines.
    let hash = whole
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let kept = &whole[..whole.floor_char_boundary(MAX - 9)];
    Ident::new(&format!("{kept}_{:08x}", hash as u32))
}

/// What only the caller knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Major version of the server the plan is for.
    pub server_version: u32,
    /// Row counts by table, from settings or statistics.
    pub rows: BTreeMap<Name, u64>,
    /// Bytes by table, with its indexes and TOAST, from statistics.
    pub bytes: BTreeMap<Name, u64>,
    /// The session that runs the plan has TimeZone = UTC (then timestamp ↔ timestamptz needs no rewrite, 12+).
    pub utc: bool,
}

impl Facts {
    pub const DEFAULT_SERVER_VERSION: u32 = 15;

    pub fn for_version(server_version: u32) -> Self {
        Self { server_version, rows: BTreeMap::new(), bytes: BTreeMap::new(), utc: false }
    }
}

/// Answers to [`Question`]s.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// By question id.
    pub by_id: BTreeMap<String, String>,
    /// For every rename question without an answer of its own: `rename` or `drop-and-add`.
    pub assume: Option<String>,
}
