//! The desired state: statements in any order, built once and then again after every edit.
//!
//! A build keeps what each of its steps asked of the catalog and did to it (`trace`). The next build takes over the
//! steps whose statements are the same and that asked for nothing that differs by then; the others are taken anew, on
//! the catalog as it is at that point. So the result is that of a build from nothing, and an edit costs what it changes.

use std::{borrow::Cow, sync::Arc};

use super::{
    ApplyError, Build, Catalog, Source,
    build::{Item, is_drop},
    trace::{Delta, Part, Rest, Round, Step, Task, common},
};
use crate::sql::*;

/// Steps between two kept states.
const STRIDE: usize = 128;

/// A desired state, and how it came to be.
pub struct Desired {
    pub build: Arc<Build>,
    units: Vec<Arc<Unit>>,
    /// `None`: a step's effects are not fully known, and the next build begins from nothing.
    trace: Option<Trace>,
}

struct Trace {
    steps: Vec<Arc<Step>>,
    /// Steps that were taken in one go; what had to wait was tried again in the next.
    rounds: Vec<Round>,
    /// The catalog before the step of that number. The last one is the end.
    states: Vec<(usize, Catalog)>,
}

/// A statement as a build sees it.
struct Unit {
    source: u32,
    parsed: Arc<Parsed>,
    /// The search path in front of it.
    found: Arc<[Ident]>,
    /// The search path it sets, or leaves as it is; it is applied under this one.
    path: Arc<[Ident]>,
    parts: Vec<Part>,
    rank: u8,
    /// Its meaning depends on what stands before it.
    ordered: bool,
}

impl Desired {
    pub fn new(sources: &[Source]) -> Self {
        Self::build(sources, None)
    }

    /// The state of other sources. What they have in common with the present ones is not worked out again.
    pub fn next(&self, sources: &[Source]) -> Self {
        Self::build(sources, Some(self))
    }

    fn build(sources: &[Source], last: Option<&Self>) -> Self {
        let units = units(sources, last.map_or(&[], |it| &it.units));
        let known = last.and_then(|it| it.trace.as_ref());
        let again = known.and_then(|it| Run::new(sources, &units, Some(it), true).run());
        let (build, trace) = match again.or_else(|| Run::new(sources, &units, None, true).run()) {
            Some((build, trace)) => (build, Some(trace)),
            None => (desired_of(sources, &units), None),
        };
        Self { build: Arc::new(build), units, trace }
    }
}

/// A desired state: statements may stand in any order; one that needs an object that is not there yet waits for it.
pub fn desired(sources: &[Source]) -> Build {
    desired_of(sources, &units(sources, &[]))
}

fn desired_of(sources: &[Source], units: &[Arc<Unit>]) -> Build {
    let run = Run::new(sources, units, None, false);
    match run.run() {
        Some((build, _)) => build,
        None => Build { catalog: Catalog::new(), problems: Vec::new() },
    }
}

/// The statements of all sources; those that are as in `last` are taken from there.
fn units(sources: &[Source], last: &[Arc<Unit>]) -> Vec<Arc<Unit>> {
    let start: Arc<[Ident]> = Catalog::new().search_path.into();
    let mut res = Vec::with_capacity(last.len());
    let mut rest = last;
    for (source, file) in sources.iter().enumerate() {
        let source = source as u32;
        let here = rest.partition_point(|it| it.source <= source);
        let (known, behind) = rest.split_at(here);
        rest = behind;
        let known = &known[known.partition_point(|it| it.source < source)..];
        let statements = &file.statements;
        let same = |(a, b): &(&Arc<Unit>, &Statement)| Arc::ptr_eq(&a.parsed, &b.parsed);
        let front = known.iter().zip(statements.iter()).take_while(same).count();
        let most = known.len().min(statements.len()) - front;
        let back = known.iter().rev().zip(statements.iter().rev()).take(most).take_while(same).count();
        let mut path = start.clone();
        for (index, statement) in statements.iter().enumerate() {
            let old = match index {
                _ if index < front => known.get(index),
                _ if index + back >= statements.len() => known.get(index + known.len() - statements.len()),
                _ => None,
            };
            let old = old.filter(|it| Arc::ptr_eq(&it.found, &path) || it.found == path);
            let unit = old.cloned().unwrap_or_else(|| Arc::new(Unit::new(source, statement, path)));
            path = unit.path.clone();
            res.push(unit);
        }
    }
    res
}

impl Unit {
    fn new(source: u32, statement: &Statement, found: Arc<[Ident]>) -> Self {
        let ddl = &statement.parsed.ddl;
        let mut path = found.clone();
        let mut keys = Vec::new();
        for (at, it) in ddl.iter().enumerate() {
            match it {
                Ddl::SetSearchPath { schemas, .. } => {
                    path = schemas.iter().filter(|it| it.as_str() != "$user").cloned().collect();
                }
                Ddl::CreateTable { table, .. } => {
                    let all = table.constraints.iter().enumerate().filter(|(_, it)| is_foreign_key(it));
                    keys.extend(all.map(|(key, _)| Part::Key(at as u32, key as u32)));
                }
                _ => {}
            }
        }
        let mut applied = ddl.iter().filter(|it| is_applied(it));
        let rank = match applied.clone().next() {
            Some(Ddl::CreateSchema { .. }) => 0,
            Some(Ddl::CreateExtension { .. }) => 1,
            Some(Ddl::CreateType { .. }) => 2,
            // Where extensions are about, a function that is not there yet would be taken for one of theirs.
            Some(Ddl::CreateTrigger { .. } | Ddl::EnableTrigger { .. }) => 4,
            _ => 3,
        };
        let ordered = applied.clone().any(depends_on_order);
        let body = applied.next().map(|_| Part::Body);
        let parts = body.into_iter().chain(keys).collect();
        Self { source, parsed: statement.parsed.clone(), found, path, parts, rank, ordered }
    }

    fn task(&self, part: Part) -> Task {
        Task::Apply { source: self.source, statement: self.parsed.clone(), part, path: self.path.clone() }
    }

    fn is_drop(&self) -> bool {
        let mut applied = self.parsed.ddl.iter().filter(|it| is_applied(it)).peekable();
        applied.peek().is_some() && applied.all(is_drop)
    }
}

/// What is applied for a part of a statement.
fn ddl_of(parsed: &Parsed, part: Part) -> Vec<Cow<'_, Ddl>> {
    fn body(it: &Ddl) -> Cow<'_, Ddl> {
        match it {
            Ddl::CreateTable { table, if_not_exists, likes } if table.constraints.iter().any(is_foreign_key) => {
                let mut table = table.clone();
                table.constraints.retain(|it| !is_foreign_key(it));
                Cow::Owned(Ddl::CreateTable { table, if_not_exists: *if_not_exists, likes: likes.clone() })
            }
            other => Cow::Borrowed(other),
        }
    }
    match part {
        Part::Body => parsed.ddl.iter().filter(|it| is_applied(it)).map(body).collect(),
        Part::Key(at, key) => match parsed.ddl.get(at as usize) {
            Some(Ddl::CreateTable { table, .. }) => {
                let constraint = table.constraints.get(key as usize).into_iter();
                let add =
                    |it: &Constraint| Ddl::AddConstraint { table: table.name.clone(), constraint: it.clone().into() };
                constraint.map(|it| Cow::Owned(add(it))).collect()
            }
            _ => Vec::new(),
        },
    }
}

fn is_foreign_key(it: &Constraint) -> bool {
    matches!(it.kind, ConstraintKind::ForeignKey(_))
}

/// Transactions and rows are no part of a state, and the path is set for each statement.
fn is_applied(ddl: &Ddl) -> bool {
    !matches!(ddl, Ddl::SetSearchPath { .. } | Ddl::Transaction(_) | Ddl::Data(_))
}

/// Statements whose meaning depends on what stands before them.
fn depends_on_order(ddl: &Ddl) -> bool {
    is_drop(ddl)
        || matches!(
            ddl,
            Ddl::RenameTable { .. }
                | Ddl::RenameColumn { .. }
                | Ddl::RenameConstraint { .. }
                | Ddl::RenameIndex { .. }
                | Ddl::RenameSequence { .. }
                | Ddl::RenameType { .. }
                | Ddl::RenameView { .. }
                | Ddl::RenameFunction { .. }
                | Ddl::SetTableSchema { .. }
                | Ddl::SetSchema { .. }
                | Ddl::DetachPartition { .. }
        )
}

/// The tasks in an order that saves most of the waiting: schemas, extensions and types first, unless drops and
/// renames among them make the written order matter.
fn ordered(units: &[Arc<Unit>]) -> Vec<Ready> {
    let parts = |(index, unit): (usize, &Arc<Unit>)| {
        let all: Vec<Ready> = unit.parts.iter().map(|it| (index, *it)).collect();
        all
    };
    let mut res: Vec<Ready> = units.iter().enumerate().flat_map(parts).collect();
    if !units.iter().any(|it| it.ordered) {
        res.sort_by_key(|(index, part)| match part {
            Part::Body => units.get(*index).map_or(3, |it| it.rank),
            Part::Key(..) => 3,
        });
    }
    res
}

/// A part of the unit of that index.
type Ready = (usize, Part);

/// A build under way: the new catalog, made beside the steps of the last build.
struct Run<'a> {
    units: &'a [Arc<Unit>],
    /// Beside `units`.
    statements: Vec<&'a Statement>,
    last: Option<&'a Trace>,
    build: Build,
    /// The catalog is that of the last build before this step of it, with `delta` put over it.
    at: usize,
    /// The step of the last build that comes next.
    here: usize,
    delta: Delta,
    traced: bool,
    trace: Trace,
}

impl<'a> Run<'a> {
    fn new(sources: &'a [Source], units: &'a [Arc<Unit>], last: Option<&'a Trace>, traced: bool) -> Self {
        let statements = sources.iter().flat_map(|it| it.statements.iter()).collect();
        let start = Catalog::new();
        let mut catalog = start.clone();
        if traced {
            catalog.take_notes();
        }
        let trace = Trace { steps: Vec::new(), rounds: Vec::new(), states: vec![(0, start)] };
        let build = Build { catalog, problems: Vec::new() };
        Self { units, statements, last, build, at: 0, here: 0, delta: Delta::default(), traced, trace }
    }

    /// `None`: the effects of a step cannot be followed.
    fn run(mut self) -> Option<(Build, Trace)> {
        let mut waiting = ordered(self.units);
        loop {
            let tasks = waiting.iter().filter_map(|(index, part)| Some(self.units.get(*index)?.task(*part)));
            let outcomes = self.round(tasks.collect())?;
            let mut next = Vec::new();
            for (ready, outcome) in waiting.iter().zip(outcomes) {
                match outcome {
                    Ok(()) => {}
                    Err(error @ ApplyError::Missing(_)) if !self.units.get(ready.0).is_some_and(|it| it.is_drop()) => {
                        next.push((*ready, error));
                    }
                    Err(error) => self.report(ready.0, &error),
                }
            }
            if next.is_empty() {
                break;
            }
            let stuck = next.len() == waiting.len();
            waiting = next.iter().map(|it| it.0).collect();
            if stuck && !self.take_schemas_for_granted(&waiting)? {
                for ((index, part), error) in next {
                    if !self.alters_nothing(index, part) {
                        self.report(index, &error);
                    }
                }
                break;
            }
        }
        self.catch_up();
        self.build.catalog.search_path = Catalog::new().search_path;
        // Views may have been read before what they read was there.
        let views = self.build.catalog.views.keys().cloned().map(Task::Resolve).collect();
        self.round(views)?;
        let unread = self.units.iter().filter(|it| it.parsed.problems.iter().any(|it| it.severity == Severity::Error));
        let suspect = |it: &Arc<Unit>| Task::Suspect { source: it.source, statement: it.parsed.clone() };
        self.round(unread.map(suspect).collect())?;
        self.catch_up();
        self.build.catalog.stop_notes();
        self.build.problems.sort_by_key(|(source, it)| (*source, it.range.start));
        self.trace.states.push((self.trace.steps.len(), self.build.catalog.clone()));
        Some((self.build, self.trace))
    }

    /// Takes the steps of a round; what comes of each.
    fn round(&mut self, tasks: Vec<Task>) -> Option<Vec<Result<(), ApplyError>>> {
        let number = self.trace.rounds.len();
        let from = self.trace.steps.len();
        let old = self.last.and_then(|it| Some((it, it.rounds.get(number)?.clone())));
        let known = old.as_ref().and_then(|(it, round)| it.steps.get(round.clone())).unwrap_or_default();
        let (front, back) = common(known, &tasks);
        let (gone, new) = (front..known.len() - back, front..tasks.len() - back);
        known[..front].iter().try_for_each(|it| self.keep(it))?;
        known[gone.clone()].iter().try_for_each(|it| self.leave(it))?;
        for task in &tasks[new] {
            let step = self.take(task.clone())?;
            if self.last.is_some() {
                self.delta.with(&step);
            }
            self.trace.steps.push(Arc::new(step));
        }
        known[gone.end..].iter().try_for_each(|it| self.keep(it))?;
        let steps = &self.trace.steps[from..];
        self.trace.rounds.push(from..self.trace.steps.len());
        Some(steps.iter().map(|it| it.outcome.clone()).collect())
    }

    /// A step of the last build, as it is or anew.
    fn keep(&mut self, step: &Arc<Step>) -> Option<()> {
        self.pass();
        if step.is_touched(&mut self.delta) {
            self.catch_up();
            let new = self.take(step.task.clone())?;
            self.delta.without(step);
            self.delta.with(&new);
            self.at += 1;
            self.trace.steps.push(Arc::new(new));
            (!step.changes_rest()).then_some(())?;
        } else {
            self.trace.steps.push(step.clone());
        }
        self.here += 1;
        Some(())
    }

    /// A step of the last build that the new one has not.
    fn leave(&mut self, step: &Arc<Step>) -> Option<()> {
        self.pass();
        self.catch_up();
        self.delta.without(step);
        self.at += 1;
        self.here += 1;
        (!step.changes_rest()).then_some(())
    }

    /// A kept state of the last build becomes one of the new.
    fn pass(&mut self) {
        let Some(last) = self.last else { return };
        // The first one is there.
        let found = last.states.binary_search_by_key(&self.here, |it| it.0).ok().filter(|_| self.here > 0);
        if let Some((_, state)) = found.and_then(|it| last.states.get(it)) {
            let mut state = state.clone();
            self.delta.put(&mut state);
            self.trace.states.push((self.trace.steps.len(), state));
        }
    }

    /// Brings the catalog to where the build is.
    fn catch_up(&mut self) {
        let Some(last) = self.last else { return };
        if self.at == self.here {
            return;
        }
        let near = last.states.partition_point(|it| it.0 <= self.here);
        if let Some((at, state)) = near.checked_sub(1).and_then(|it| last.states.get(it)).filter(|it| it.0 > self.at) {
            let mut state = state.clone();
            self.delta.put(&mut state);
            (self.at, self.build.catalog) = (*at, state);
        }
        // What is repeated is known: only what is taken anew is noted.
        self.build.catalog.stop_notes();
        for step in last.steps.get(self.at..self.here).unwrap_or_default() {
            step.repeat(&mut self.build.catalog);
        }
        self.build.catalog.take_notes();
        self.at = self.here;
    }

    /// Takes a step on the catalog.
    fn take(&mut self, task: Task) -> Option<Step> {
        self.catch_up();
        if self.last.is_none() && self.traced && self.trace.steps.len() % STRIDE == STRIDE - 1 {
            let mut state = self.build.catalog.clone();
            state.stop_notes();
            self.trace.states.push((self.trace.steps.len(), state));
        }
        // What was asked by others is not part of the step.
        drop(self.build.catalog.noted());
        let rest = Rest::of(&self.build.catalog);
        let outcome = self.execute(&task);
        let noted = self.build.catalog.noted();
        if noted.lost {
            return None;
        }
        let step = Step::new(task, outcome, noted, &rest, &self.build.catalog);
        (self.last.is_none() || !step.changes_rest()).then_some(step)
    }

    fn execute(&mut self, task: &Task) -> Result<(), ApplyError> {
        match task {
            Task::Apply { source, statement, part, path } => {
                let catalog = &mut self.build.catalog;
                catalog.search_path.clear();
                catalog.search_path.extend_from_slice(path);
                let item = Item { source: *source, parsed: statement, ddl: ddl_of(statement, *part) };
                self.build.apply(&item)?;
                self.build.record(&item);
            }
            Task::Grant(schema) => drop(self.build.catalog.schemas.insert(schema.clone())),
            Task::Resolve(view) => self.build.resolve_view(view),
            Task::Suspect { statement, .. } => self.build.mark_unread(statement),
        }
        Ok(())
    }

    /// As [`Build::take_schemas_for_granted`].
    fn take_schemas_for_granted(&mut self, waiting: &[Ready]) -> Option<bool> {
        self.catch_up();
        let mut grants = Vec::new();
        for (index, part) in waiting {
            let Some((unit, statement)) = self.units.get(*index).zip(self.statements.get(*index)) else { continue };
            let ddl = ddl_of(&unit.parsed, *part);
            for schema in self.build.schemas_lacking(&ddl) {
                if !grants.contains(&schema) {
                    self.build.taken_for_granted(unit.source, statement, &schema);
                    grants.push(schema);
                }
            }
        }
        let any = !grants.is_empty();
        if any {
            self.round(grants.into_iter().map(Task::Grant).collect())?;
        }
        Some(any)
    }

    fn alters_nothing(&mut self, index: usize, part: Part) -> bool {
        let Some(unit) = self.units.get(index).filter(|it| it.parsed.if_exists) else { return false };
        self.catch_up();
        let item = Item { source: unit.source, parsed: &unit.parsed, ddl: ddl_of(&unit.parsed, part) };
        self.build.alters_nothing(&item)
    }

    fn report(&mut self, index: usize, error: &ApplyError) {
        if let Some((unit, statement)) = self.units.get(index).zip(self.statements.get(index)) {
            self.build.report(unit.source, statement, error);
        }
    }
}
