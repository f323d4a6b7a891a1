//! What a change contributes to a plan, before the planner orders it: drafts of steps, gates, checks.

use crate::{
    dialect::{Dialect, Probe},
    plan::*,
    sql::{Ddl, Severity},
};

/// A step as its change wishes it. Locks, SQL text and, as a rule, the undo are added by the planner.
#[derive(Clone, Debug)]
pub struct Draft {
    pub phase: PhaseKind,
    pub action: Action,
    pub tx: Tx,
    pub why: String,
    /// Instead of the undo that follows from the action.
    pub undo: Option<Undo>,
    /// Index of the change in the diff. The planner fills it in.
    pub change: usize,
}

/// The transaction a draft wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tx {
    /// One of its own, or that of a neighbour where the planner sees no harm.
    Own,
    /// The same as all drafts of the phase with this key: all or nothing.
    Group(String),
    /// None: the statement refuses to run in one, or commits by itself.
    Outside,
}

/// The contribution of one change.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    pub drafts: Vec<Draft>,
    pub gates: Vec<(PhaseKind, String)>,
    pub preflight: Vec<(PhaseKind, Check)>,
    pub verify: Vec<(PhaseKind, Check)>,
    pub hazards: Vec<(&'static str, Severity, String)>,
}

impl Outline {
    /// Adds a step; transactional unless the statement cannot be.
    pub fn step(&mut self, phase: PhaseKind, ddl: Ddl, why: impl Into<String>) -> &mut Draft {
        let tx = if ddl.transactional() { Tx::Own } else { Tx::Outside };
        self.push(phase, Action::Ddl(ddl), tx, why)
    }

    /// Adds a step that shares its transaction with the others of `group`.
    pub fn grouped(&mut self, phase: PhaseKind, group: &str, ddl: Ddl, why: impl Into<String>) -> &mut Draft {
        self.push(phase, Action::Ddl(ddl), Tx::Group(group.to_owned()), why)
    }

    /// Adds a statement on rows.
    pub fn data(&mut self, phase: PhaseKind, tx: Tx, sql: String, why: impl Into<String>) -> &mut Draft {
        self.push(phase, Action::Data(sql), tx, why)
    }

    /// Adds a backfill, with the query that shows it has done its work.
    pub fn backfill(&mut self, dialect: &dyn Dialect, backfill: Backfill, why: impl Into<String>) -> &mut Draft {
        self.verify(PhaseKind::Backfill, dialect, Probe::Pending { backfill: backfill.clone() });
        self.push(PhaseKind::Backfill, Action::Backfill(backfill), Tx::Outside, why).undo(Undo::Nothing)
    }

    /// Adds any action.
    pub fn push(&mut self, phase: PhaseKind, action: Action, tx: Tx, why: impl Into<String>) -> &mut Draft {
        let at = self.drafts.len();
        self.drafts.push(Draft { phase, action, tx, why: why.into(), undo: None, change: 0 });
        &mut self.drafts[at]
    }

    pub fn gate(&mut self, phase: PhaseKind, text: impl Into<String>) {
        self.gates.push((phase, text.into()));
    }

    pub fn preflight(&mut self, phase: PhaseKind, dialect: &dyn Dialect, probe: Probe) {
        self.preflight.push((phase, dialect.probe(&probe)));
    }

    pub fn verify(&mut self, phase: PhaseKind, dialect: &dyn Dialect, probe: Probe) {
        self.verify.push((phase, dialect.probe(&probe)));
    }

    pub fn hazard(&mut self, rule: &'static str, severity: Severity, message: impl Into<String>) {
        self.hazards.push((rule, severity, message.into()));
    }
}

impl Draft {
    pub fn undo(&mut self, undo: Undo) -> &mut Self {
        self.undo = Some(undo);
        self
    }
}
