//! JSON that only the command line speaks. The plan's own is [`crate::export::json`].

use std::time::Duration;

use serde::Serialize;

use crate::{
    export::json::{Change, Question, VERSION},
    plan::Lock,
    shadow::report::{Mismatch, PhaseReport, Report, StepReport},
};

/// `diff --format json`, version 1.
#[derive(Serialize)]
pub struct Diff {
    pub version: u32,
    pub dialect: String,
    pub server_version: u32,
    pub changes: Vec<Change>,
    pub questions: Vec<Question>,
}

/// `lint --format json`, version 1. Lines and columns (in characters) count from 1.
#[derive(Serialize)]
pub struct Lint {
    pub version: u32,
    pub files: Vec<LintFile>,
}

#[derive(Serialize)]
pub struct LintFile {
    pub path: String,
    pub findings: Vec<Finding>,
}

#[derive(Serialize)]
pub struct Finding {
    /// A rule of `lint`, or `syntax`.
    pub rule: String,
    pub severity: String,
    pub line: usize,
    pub column: usize,
    pub end_line: usize,
    pub end_column: usize,
    pub message: String,
    pub fixable: bool,
    /// Of what breaks running code: the phase of a plan it belongs to, and when it may come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
}

/// `verify --format json`, version 1. Times are milliseconds.
#[derive(Serialize)]
pub struct Verification {
    pub version: u32,
    pub ok: bool,
    pub server: String,
    pub server_version: u32,
    pub rows: u64,
    pub notes: Vec<String>,
    pub phases: Vec<VerifiedPhase>,
    pub mismatches: Vec<VerifiedMismatch>,
    pub setup_ms: u64,
    pub total_ms: u64,
}

#[derive(Serialize)]
pub struct VerifiedPhase {
    pub kind: &'static str,
    pub title: String,
    pub forward_ms: u64,
    pub rollback_ms: u64,
    pub again_ms: u64,
    pub steps: Vec<VerifiedStep>,
}

#[derive(Serialize)]
pub struct VerifiedStep {
    pub sql: String,
    pub ms: u64,
    pub promised: Vec<SeenLock>,
    pub taken: Vec<SeenLock>,
    pub rewritten: Vec<String>,
}

#[derive(Serialize)]
pub struct SeenLock {
    pub object: String,
    pub mode: &'static str,
}

#[derive(Serialize)]
pub struct VerifiedMismatch {
    /// `failed`, `check`, `lock`, `rewrite`, `schema`, `rows` or `code`.
    pub kind: &'static str,
    /// Number of the phase in the plan, from 0.
    pub phase: Option<usize>,
    /// `forward`, `rollback` or `again`.
    pub direction: &'static str,
    pub message: String,
    pub sql: Option<String>,
    /// Lines of a difference: `-` is missing, `+` is not expected.
    pub details: Vec<String>,
}

impl Verification {
    pub fn new(report: &Report) -> Self {
        Self {
            version: VERSION,
            ok: report.ok(),
            server: report.server.clone(),
            server_version: report.server_version,
            rows: report.rows,
            notes: report.notes.clone(),
            phases: report.phases.iter().map(VerifiedPhase::new).collect(),
            mismatches: report.mismatches.iter().map(VerifiedMismatch::new).collect(),
            setup_ms: ms(report.setup),
            total_ms: ms(report.total),
        }
    }
}

impl VerifiedPhase {
    fn new(it: &PhaseReport) -> Self {
        Self {
            kind: it.kind.as_str(),
            title: it.title.clone(),
            forward_ms: ms(it.forward),
            rollback_ms: ms(it.rollback),
            again_ms: ms(it.again),
            steps: it.steps.iter().map(VerifiedStep::new).collect(),
        }
    }
}

impl VerifiedStep {
    fn new(it: &StepReport) -> Self {
        let locks = |locks: &[Lock]| {
            locks.iter().map(|it| SeenLock { object: it.object.to_string(), mode: it.mode.as_str() }).collect()
        };
        Self {
            sql: it.sql.clone(),
            ms: ms(it.time),
            promised: locks(&it.promised),
            taken: locks(&it.taken),
            rewritten: it.rewritten.clone(),
        }
    }
}

impl VerifiedMismatch {
    fn new(it: &Mismatch) -> Self {
        Self {
            kind: it.kind.as_str(),
            phase: it.phase,
            direction: it.direction.as_str(),
            message: it.message.clone(),
            sql: it.sql.clone(),
            details: it.details.clone(),
        }
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
