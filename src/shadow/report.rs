//! What a verification found. Plain values: the command line and the editor show them.

use std::time::Duration;

use crate::plan::{Lock, PhaseKind};

#[derive(Clone, Debug, Default)]
pub struct Report {
    /// `PostgreSQL 15.18 of /usr/lib/postgresql/15/bin`.
    pub server: String,
    pub server_version: u32,
    /// What the user should know: another version than wanted, statements left out, tables without rows.
    pub notes: Vec<String>,
    /// Rows in all tables when the plan began.
    pub rows: u64,
    /// In the plan's order.
    pub phases: Vec<PhaseReport>,
    /// Empty: the plan does what it says.
    pub mismatches: Vec<Mismatch>,
    /// Making both databases, and generating rows.
    pub setup: Duration,
    pub total: Duration,
}

impl Report {
    /// Does the plan do what it says?
    pub fn ok(&self) -> bool {
        self.mismatches.is_empty()
    }
}

#[derive(Clone, Debug)]
pub struct PhaseReport {
    pub kind: PhaseKind,
    pub title: String,
    pub steps: Vec<StepReport>,
    /// The whole phase with its checks; zero when it did not run.
    pub forward: Duration,
    pub rollback: Duration,
    /// The second time forward, after all rollbacks.
    pub again: Duration,
}

#[derive(Clone, Debug)]
pub struct StepReport {
    pub sql: String,
    pub time: Duration,
    pub promised: Vec<Lock>,
    /// Strongest mode per relation that stood before, as the server showed it. Locks of statements outside a
    /// transaction are seen from another session, and short ones may be missed.
    pub taken: Vec<Lock>,
    /// Tables written anew.
    pub rewritten: Vec<String>,
}

/// Something that is not as the plan says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    pub kind: MismatchKind,
    /// Number of the phase in the plan, from 0.
    pub phase: Option<usize>,
    /// Which way the plan was run.
    pub direction: Direction,
    /// A sentence: what was expected, what came.
    pub message: String,
    /// The statement it is about.
    pub sql: Option<String>,
    /// Lines of a difference: `-` is missing, `+` is not expected.
    pub details: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Forward,
    Rollback,
    /// The second time forward.
    Again,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MismatchKind {
    /// The server refused a statement.
    Failed,
    /// A preflight or verification query did not return what the plan expects.
    Check,
    /// A lock stronger than promised, or on a table that was not named.
    Lock,
    /// A table was rewritten that the plan says is not.
    Rewrite,
    /// The schema is not the one expected.
    Schema,
    /// Rows are missing or hold other values.
    Rows,
    /// A statement of the application failed.
    Code,
}

impl MismatchKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Check => "check",
            Self::Lock => "lock",
            Self::Rewrite => "rewrite",
            Self::Schema => "schema",
            Self::Rows => "rows",
            Self::Code => "code",
        }
    }
}

impl Direction {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Rollback => "rollback",
            Self::Again => "again",
        }
    }
}
