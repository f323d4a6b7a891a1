//! The JSON of a plan, version 1: what `plan --format json` prints and what a plan document carries.
//!
//! Fields may be added within a version; none is renamed or taken away.

use serde::{Deserialize, Serialize};

use crate::{dialect::Dialect, plan};

pub const VERSION: u32 = 1;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub version: u32,
    pub dialect: String,
    pub server_version: u32,
    pub changes: Vec<Change>,
    pub questions: Vec<Question>,
    pub hazards: Vec<Hazard>,
    pub phases: Vec<Phase>,
}

impl Plan {
    /// The word for a phase in file names and marks: its kind, with a number from the second of its kind on.
    pub fn word(&self, index: usize) -> String {
        let Some(phase) = self.phases.get(index) else { return String::new() };
        match self.phases.iter().take(index).filter(|it| it.kind == phase.kind).count() {
            0 => phase.kind.clone(),
            n => format!("{}{}", phase.kind, n + 1),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub id: String,
    pub kind: String,
    pub object: String,
    pub summary: String,
    pub destructive: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    pub id: String,
    pub about: String,
    pub choices: Vec<String>,
    pub assumed: String,
    pub answered: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hazard {
    pub rule: String,
    pub severity: String,
    pub message: String,
    pub change: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// `expand`, `backfill`, `enforce` or `contract`.
    pub kind: String,
    pub title: String,
    pub gate: Option<String>,
    pub preflight: Vec<Check>,
    pub steps: Vec<Step>,
    pub verify: Vec<Check>,
    pub rollback: Vec<RollbackStep>,
    pub irreversible: Option<Irreversible>,
    /// A condition that holds once the phase has begun to change the schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    pub sql: String,
    pub expect: String,
    pub why: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub sql: String,
    /// The statement in a form that may run again after it succeeded, where it has another one (`IF EXISTS`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerunnable: Option<String>,
    /// One line that stands for `sql` where that is long.
    pub summary: String,
    pub tx: Option<u32>,
    pub locks: Vec<Lock>,
    pub rewrites: bool,
    pub scans: bool,
    /// How long it may take, with what is assumed; absent when the size of its tables is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<String>,
    pub timeouts: Timeouts,
    /// A condition that holds as soon as the step's transaction is done, and not before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<String>,
    /// To run first when the step is tried again after a failure.
    pub before_retry: Option<String>,
    /// To run after the step when `before_retry` has run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_retry: Option<String>,
    pub why: String,
    pub changes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    pub object: String,
    pub mode: String,
}

/// Milliseconds; 0: no limit; absent: the session's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeouts {
    pub lock_ms: Option<u32>,
    pub statement_ms: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackStep {
    pub sql: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerunnable: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_retry: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_retry: Option<String>,
    pub tx: Option<u32>,
    pub timeouts: Timeouts,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Irreversible {
    pub lost: String,
    pub checklist: Vec<String>,
}

impl Plan {
    pub fn new(plan: &plan::Plan, dialect: &dyn Dialect) -> Self {
        Self {
            version: VERSION,
            dialect: plan.dialect.to_owned(),
            server_version: plan.server_version,
            changes: plan.changes.iter().map(Change::new).collect(),
            questions: plan.questions.iter().map(Question::new).collect(),
            hazards: plan.hazards.iter().map(Hazard::new).collect(),
            phases: plan.phases.iter().map(|it| Phase::new(it, dialect)).collect(),
        }
    }
}

impl Change {
    pub fn new(it: &plan::ChangeSummary) -> Self {
        Self {
            id: it.id.clone(),
            kind: it.kind.to_owned(),
            object: it.object.clone(),
            summary: it.summary.clone(),
            destructive: it.destructive,
        }
    }
}

impl Question {
    pub fn new(it: &plan::Question) -> Self {
        Self {
            id: it.id.clone(),
            about: it.about.clone(),
            choices: it.choices.clone(),
            assumed: it.assumed.clone(),
            answered: it.answered,
        }
    }
}

impl Hazard {
    fn new(it: &plan::Hazard) -> Self {
        Self {
            rule: it.rule.to_owned(),
            severity: it.severity.as_str().to_owned(),
            message: it.message.clone(),
            change: it.change.clone(),
        }
    }
}

impl Phase {
    fn new(it: &plan::Phase, dialect: &dyn Dialect) -> Self {
        Self {
            kind: it.kind.as_str().to_owned(),
            title: it.title.clone(),
            gate: it.gate.clone(),
            preflight: it.preflight.iter().map(Check::new).collect(),
            steps: it.steps.iter().map(|it| Step::new(it, dialect)).collect(),
            verify: it.verify.iter().map(Check::new).collect(),
            rollback: it.rollback.iter().map(|it| RollbackStep::new(it, dialect)).collect(),
            irreversible: it
                .irreversible
                .as_ref()
                .map(|it| Irreversible { lost: it.lost.clone(), checklist: it.checklist.clone() }),
            begun: any(&it.begun, dialect),
        }
    }
}

impl Check {
    fn new(it: &plan::Check) -> Self {
        Self { sql: it.sql.clone(), expect: it.expect.clone(), why: it.why.clone() }
    }
}

impl Step {
    fn new(it: &plan::Step, dialect: &dyn Dialect) -> Self {
        let locks = it.locks.iter();
        Self {
            sql: it.sql.clone(),
            rerunnable: it.resume.sql.clone(),
            done: any(&it.resume.done, dialect),
            summary: it.line(),
            tx: it.tx,
            locks: locks.map(|it| Lock { object: it.object.to_string(), mode: it.mode.as_str().to_owned() }).collect(),
            rewrites: it.rewrites,
            scans: it.scans,
            estimate: it.estimate.clone(),
            timeouts: Timeouts::new(it.timeouts),
            before_retry: it.resume.before.clone(),
            after_retry: it.resume.after.clone(),
            why: it.why.clone(),
            changes: it.changes.clone(),
        }
    }
}

impl Timeouts {
    fn new(it: plan::Timeouts) -> Self {
        Self { lock_ms: it.lock, statement_ms: it.statement }
    }
}

impl RollbackStep {
    fn new(it: &plan::RollbackStep, dialect: &dyn Dialect) -> Self {
        Self {
            sql: it.sql.clone(),
            rerunnable: it.resume.sql.clone(),
            done: any(&it.resume.done, dialect),
            before_retry: it.resume.before.clone(),
            after_retry: it.resume.after.clone(),
            tx: it.tx,
            timeouts: Timeouts::new(it.timeouts),
        }
    }
}

/// A condition that holds when any of the signs does.
fn any(signs: &[plan::Sign], dialect: &dyn Dialect) -> Option<String> {
    (!signs.is_empty()).then(|| dialect.any_of(signs))
}
