//! Ordered drafts become phases: transactions, locks, timeouts, checks, and the way back.

use std::collections::{BTreeMap, BTreeSet};

use super::{losses::Losses, order::Node, rollback, undo};
use crate::{
    catalog::Catalog,
    changes::{Draft, Input, Outline},
    dialect::Impact,
    plan::*,
    sql::{Ddl, Ident, Name, Severity, TriggerEvent},
};

/// Milliseconds a statement may wait for its lock before it gives up, so that nobody queues behind it for longer.
const LOCK_TIMEOUT: u32 = 3_000;
/// The same where one transaction waits for several tables: it gives up before the server's `deadlock_timeout` (1 s) lets
/// an application that locks them in another order pay for it.
const SEVERAL_LOCKS_TIMEOUT: u32 = 500;
/// Milliseconds for a statement that only changes the catalog: an unexpected rewrite fails instead of blocking.
const STATEMENT_TIMEOUT: u32 = 10_000;

/// A planned step with what the rollback needs to know of it.
pub struct Planned {
    pub step: Step,
    pub undo: Undo,
}

pub fn phases(
    input: &Input<'_>,
    nodes: Vec<Node>,
    base: &Catalog,
    outlines: &[Outline],
    summaries: &[ChangeSummary],
    hazards: &mut Vec<Hazard>,
) -> Vec<Phase> {
    let moved = moved(&nodes);
    let mut run = Run { input, summaries, hazards, catalog: input.before.clone(), tx: 0 };
    let mut res = Vec::new();
    for kind in PhaseKind::ALL {
        let nodes_of: Vec<&Node> = nodes.iter().filter(|it| it.phase == kind).collect();
        if nodes_of.is_empty() {
            continue;
        }
        let steps = run.steps(&nodes_of);
        let (rollback, irreversible) =
            rollback::of(&steps, &Losses::new(&nodes, kind, base), input.dialect, &mut run.tx);
        let at = |change: usize, phase: &PhaseKind| moved.get(&(change, *phase)).copied().unwrap_or(*phase) == kind;
        // Where two phases of a change have become one, the state between them is never seen.
        let moved = &moved;
        let own = |i: usize| PhaseKind::ALL.into_iter().filter(move |it| moved.get(&(i, *it)) == Some(&kind));
        let checks = |of: fn(&Outline) -> &Vec<(PhaseKind, Check)>,
                      seen: fn(Option<PhaseKind>, PhaseKind) -> bool,
                      end: &dyn Fn(usize) -> Option<PhaseKind>| {
            let all = outlines.iter().enumerate().flat_map(|(i, outline)| {
                let end = end(i);
                of(outline).iter().filter(move |(phase, _)| at(i, phase) && seen(end, *phase))
            });
            unique(all.map(|(_, it)| it.clone()))
        };
        let gates = outlines
            .iter()
            .enumerate()
            .flat_map(|(i, outline)| outline.gates.iter().filter(move |(phase, _)| at(i, phase)));
        let gates: Vec<String> = unique(gates.map(|(_, it)| it.clone()));
        res.push(Phase {
            kind,
            title: title(&steps, summaries),
            gate: (!gates.is_empty()).then(|| gates.join("; ")),
            preflight: checks(|it| &it.preflight, |first, it| first.is_none_or(|first| it <= first), &|i| own(i).min()),
            verify: checks(|it| &it.verify, |last, it| last.is_none_or(|last| it >= last), &|i| own(i).max()),
            steps: steps.into_iter().map(|it| it.step).collect(),
            rollback,
            irreversible,
            begun: Vec::new(),
        });
    }
    res
}

fn unique<T: PartialEq>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut res = Vec::new();
    for item in items {
        if !res.contains(&item) {
            res.push(item);
        }
    }
    res
}

/// Where a change's steps of a phase went, as ordering may have put them later: its gates and checks go with them.
fn moved(nodes: &[Node]) -> BTreeMap<(usize, PhaseKind), PhaseKind> {
    let mut res: BTreeMap<(usize, PhaseKind), PhaseKind> = BTreeMap::new();
    for node in nodes {
        for draft in &node.drafts {
            let at = res.entry((draft.change, draft.phase)).or_insert(node.phase);
            *at = (*at).max(node.phase);
        }
    }
    res
}

fn title(steps: &[Planned], summaries: &[ChangeSummary]) -> String {
    let ids: BTreeSet<&String> = steps.iter().flat_map(|it| &it.step.changes).collect();
    let served: Vec<&str> = summaries.iter().filter(|it| ids.contains(&it.id)).map(|it| it.summary.as_str()).collect();
    match served.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [one, two] => format!("{one}; {two}"),
        [one, two, rest @ ..] => format!("{one}; {two}; and {} more", rest.len()),
    }
}

struct Run<'a, 'b> {
    input: &'a Input<'a>,
    summaries: &'a [ChangeSummary],
    hazards: &'b mut Vec<Hazard>,
    /// As the database stands before the next step.
    catalog: Catalog,
    tx: u32,
}

/// The transaction that is open at the end of the steps so far.
struct Open {
    id: u32,
    /// Tables of before this phase that it locks against anybody.
    tables: BTreeSet<Name>,
    alone: bool,
}

impl Run<'_, '_> {
    fn steps(&mut self, nodes: &[&Node]) -> Vec<Planned> {
        let mut res: Vec<Planned> = Vec::new();
        let mut open: Option<Open> = None;
        let start = self.catalog.clone();
        for node in nodes {
            if already_so(node, &self.catalog) {
                continue;
            }
            if node.outside() {
                open = None;
                let planned: Vec<Planned> = node.drafts.iter().map(|it| self.step(it, None, &start)).collect();
                res.extend(planned);
                continue;
            }
            let from = res.len();
            for draft in &node.drafts {
                let planned = self.step(draft, Some(0), &start);
                res.push(planned);
            }
            let tables = locked(&res[from..], &start);
            if tables.len() > 1 {
                let limits = res[from..].iter_mut().filter_map(|it| it.step.timeouts.lock.as_mut());
                limits.filter(|it| **it == LOCK_TIMEOUT).for_each(|it| *it = SEVERAL_LOCKS_TIMEOUT);
            }
            let alone = res[from..].iter().any(|it| stands_alone(&it.step));
            let joins = open.as_ref().is_some_and(|it| !it.alone && !alone && it.tables.union(&tables).count() <= 1);
            match &mut open {
                Some(open) if joins => open.tables.extend(tables),
                _ => {
                    self.tx += 1;
                    open = Some(Open { id: self.tx, tables, alone });
                }
            }
            let id = open.as_ref().map(|it| it.id);
            res[from..].iter_mut().for_each(|it| it.step.tx = id);
        }
        res
    }

    fn step(&mut self, draft: &Draft, tx: Option<u32>, start: &Catalog) -> Planned {
        let dialect = self.input.dialect;
        let id = self.summaries[draft.change].id.clone();
        let mut estimate = None;
        let (sql, impact, undo) = match &draft.action {
            Action::Ddl(ddl) => {
                let impact = dialect.lock_of(ddl, &self.catalog, self.input.facts);
                let undo = draft.undo.clone().unwrap_or_else(|| undo::undo(ddl, &self.catalog));
                estimate = impact.estimate(ddl, &self.catalog, self.input.facts);
                self.apply(ddl, &id);
                (dialect.render(ddl), impact, undo)
            }
            Action::Backfill(backfill) => {
                self.fires(backfill, &id);
                let lock = Lock { object: backfill.table.clone(), mode: LockMode::RowExclusive };
                let impact = Impact { locks: vec![lock], ..Impact::default() };
                estimate = longest([(Work::Change, backfill.table.clone())], self.input.facts);
                (dialect.backfill(backfill), impact, draft.undo.clone().unwrap_or(Undo::Nothing))
            }
            Action::Data(sql) => (sql.clone(), Impact::default(), draft.undo.clone().unwrap_or(Undo::Nothing)),
        };
        self.warn(&id, &impact, tx.is_some(), start);
        let slow = !impact.rewrites.is_empty() || !impact.scans.is_empty() || !impact.builds.is_empty();
        let step = Step {
            timeouts: timeouts(&draft.action, &impact, slow),
            resume: Resume::default(),
            action: draft.action.clone(),
            sql,
            tx,
            rewrites: !impact.rewrites.is_empty(),
            scans: !impact.scans.is_empty(),
            estimate,
            locks: impact.locks,
            why: draft.why.clone(),
            changes: vec![id],
        };
        Planned { step, undo }
    }

    /// Keeps the picture of the database in step. What the picture cannot follow is said, not hidden.
    fn apply(&mut self, ddl: &Ddl, id: &str) {
        if let Err(error) = self.catalog.apply(ddl) {
            let message = format!(
                "the effect of this could not be followed: {}; verify the plan before you trust it",
                error.message()
            );
            self.hazards.push(Hazard {
                rule: "not-modelled",
                severity: Severity::Warning,
                message,
                change: Some(id.to_owned()),
            });
        }
    }

    /// What the application's own triggers do on UPDATE they do for every row that is brought over (playbook §3.2).
    fn fires(&mut self, backfill: &Backfill, id: &str) {
        let set = |it: &Ident| backfill.set.iter().any(|(column, _)| column == it);
        let fires = |it: &TriggerEvent| match it {
            TriggerEvent::Update(columns) => columns.is_empty() || columns.iter().any(set),
            _ => false,
        };
        let own = self.catalog.triggers.values().filter(|it| {
            let helper = it.name.as_str().starts_with("zzz_mc_") || it.name.as_str().starts_with("Mc_");
            it.table == backfill.table && !helper && it.events.iter().any(fires)
        });
        let names: Vec<String> = own.map(|it| it.name.to_string()).collect();
        if !names.is_empty() {
            let message = format!(
                "the backfill updates rows of {}: its triggers fire for each of them ({})",
                backfill.table,
                names.join(", ")
            );
            let change = Some(id.to_owned());
            let hazard = Hazard { rule: "backfill-fires-triggers", severity: Severity::Info, message, change };
            if !self.hazards.contains(&hazard) {
                self.hazards.push(hazard);
            }
        }
    }

    /// A long lock that its change has not announced is announced here.
    fn warn(&mut self, id: &str, impact: &Impact, transactional: bool, start: &Catalog) {
        let busy = impact.rewrites.iter().chain(&impact.scans).chain(&impact.builds).next().is_some();
        let blocked: Vec<&Lock> =
            impact.locks.iter().filter(|it| it.mode.blocks_writes() && start.tables.contains_key(&it.object)).collect();
        let known = self.hazards.iter().any(|it| it.change.as_deref() == Some(id) && it.severity >= Severity::Warning);
        if let Some(lock) = blocked.first().filter(|_| busy && transactional && !known) {
            let who = if lock.mode.blocks_reads() { "nobody can use it" } else { "nobody can write to it" };
            let message = format!("{} is gone through while {who}", lock.object);
            self.hazards.push(Hazard {
                rule: "long-lock",
                severity: Severity::Warning,
                message,
                change: Some(id.to_owned()),
            });
        }
    }
}

fn timeouts(action: &Action, impact: &Impact, slow: bool) -> Timeouts {
    let outside = match action {
        Action::Ddl(ddl) => !ddl.transactional(),
        Action::Backfill(_) => true,
        Action::Data(_) => false,
    };
    if outside {
        // They wait for old transactions by design; a timeout would leave an invalid index or a half-done batch.
        return Timeouts { lock: Some(0), statement: Some(0) };
    }
    if !impact.locks.iter().any(|it| it.mode >= LockMode::ShareUpdateExclusive) {
        return Timeouts::default();
    }
    Timeouts { lock: Some(LOCK_TIMEOUT), statement: Some(if slow { 0 } else { STATEMENT_TIMEOUT }) }
}

/// The node makes views again that stand so already: another change of the plan has had to make them, and made them as
/// they are wanted.
fn already_so(node: &Node, catalog: &Catalog) -> bool {
    let ddl = |it: &Draft| match &it.action {
        Action::Ddl(ddl) => Some(ddl.clone()),
        _ => None,
    };
    let all: Option<Vec<Ddl>> = node.drafts.iter().map(ddl).collect();
    let all = all.unwrap_or_default();
    let (mut dropped, mut made) = (BTreeSet::new(), BTreeSet::new());
    for ddl in &all {
        match ddl {
            Ddl::DropView { name, .. } => {
                dropped.insert(name);
            }
            Ddl::CreateView { view, .. }
                if catalog.views.get(&view.name).is_some_and(|it| it.same_definition(view)) =>
            {
                made.insert(&view.name);
            }
            // What hangs on a view and was made with it.
            Ddl::CreateIndex { .. } | Ddl::CreateTrigger { .. } | Ddl::Comment { .. } | Ddl::Grant { .. } => {}
            _ => return false,
        }
    }
    !dropped.is_empty() && dropped == made
}

/// Tables that were there when the phase began and that the steps keep others from.
fn locked(steps: &[Planned], start: &Catalog) -> BTreeSet<Name> {
    let locks = steps.iter().flat_map(|it| &it.step.locks);
    let existing =
        locks.filter(|it| it.mode >= LockMode::ShareUpdateExclusive && start.tables.contains_key(&it.object));
    existing.map(|it| it.object.clone()).collect()
}

/// Long statements hold their lock to the end of the transaction; a new enum value can be used only once committed.
fn stands_alone(step: &Step) -> bool {
    let own = matches!(
        &step.action,
        Action::Ddl(Ddl::AddEnumValue { .. } | Ddl::ValidateConstraint { .. }) | Action::Data(_)
    );
    own || step.rewrites || step.scans
}
