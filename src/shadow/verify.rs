//! Proving a plan on a shadow database: forward to the target, back to the start, and forward again.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use super::{
    build::build,
    checksums::{Checksums, ColumnSum, TableSum, changed_columns, checksums, compare},
    connect::Session,
    introspect::{Snapshot, differences, snapshot},
    report::{Direction, Mismatch, MismatchKind, PhaseReport, Report},
    rows,
    run::{Finding, Runner, Statement},
    server::{Database, Server, ServerChoice},
};
use crate::{
    plan::{Action, ChangeSummary, Phase, PhaseKind, Plan, helper_name},
    sql::{Ddl, Name},
};

/// What is to be proven.
#[derive(Clone, Debug)]
pub struct VerifyInput<'a> {
    /// Statements that make the schema as it is before the plan; in any order that a server would take, or none.
    pub baseline: &'a [String],
    /// Statements that make the schema the plan leads to.
    pub target: &'a [String],
    pub plan: &'a Plan,
    /// Generated rows per table.
    pub rows: u64,
    /// Statements of the application as it is now: they must work until Contract begins.
    pub old_code: &'a [String],
    /// Statements of the application to come: they must work as soon as Expand is done.
    pub new_code: &'a [String],
}

/// Rows per table where nothing is said.
pub const DEFAULT_ROWS: u64 = 50;

/// Starts or reaches the server, proves the plan, and leaves nothing behind.
///
/// An error means that nothing could be found out (no server, a baseline that cannot be built, a server that went
/// away); a plan that does not hold is a report with mismatches.
pub async fn verify(choice: &ServerChoice, input: &VerifyInput<'_>) -> Result<Report> {
    let server = Server::open(choice).await?;
    let res = verify_on(&server, input).await;
    server.close().await;
    res
}

/// As [`verify`], and ends early on Ctrl-C or SIGTERM, cleaned up. For programs that have nothing else to end:
/// from the first call on, these signals do no more than that.
pub async fn verify_until_signal(choice: &ServerChoice, input: &VerifyInput<'_>) -> Result<Report> {
    tokio::select! {
        res = verify(choice, input) => res,
        () = super::server::signal() => anyhow::bail!("interrupted; the shadow server was stopped and removed"),
    }
}

/// Proves the plan on a server that is there already.
pub async fn verify_on(server: &Arc<Server>, input: &VerifyInput<'_>) -> Result<Report> {
    let begin = Instant::now();
    let mut report = Report {
        server: server.description.clone(),
        server_version: server.version,
        notes: server.notes.clone(),
        ..Report::default()
    };
    let target = server.create_database(None).await?;
    let shadow = match server.create_database(None).await {
        Ok(shadow) => shadow,
        Err(error) => {
            target.remove().await.ok();
            return Err(error);
        }
    };
    let res = prove(&target, &shadow, input, &mut report).await;
    // Dropped also when nothing could be proven. An error here must not hide the one above.
    for database in [target, shadow] {
        if let Err(error) = database.remove().await
            && res.is_ok()
        {
            report.notes.push(format!("a shadow database could not be dropped: {error:#}"));
        }
    }
    res?;
    report.total = begin.elapsed();
    Ok(report)
}

async fn prove(target: &Database, shadow: &Database, input: &VerifyInput<'_>, report: &mut Report) -> Result<()> {
    let begin = Instant::now();
    report.notes.extend(build(target, input.target).await.context("the target schema cannot be built")?);
    let target = target.connect().await?;
    let expected = snapshot(&target).await?;
    for note in build(shadow, input.baseline).await.context("the baseline schema cannot be built")? {
        if !report.notes.contains(&note) {
            report.notes.push(note);
        }
    }
    let runner = Runner::new(shadow).await?;
    let notes = rows::fill_for(&runner.session, &target, &rows::renames(input.plan), input.rows)
        .await
        .context("generating rows")?;
    report.notes.extend(notes);
    report.setup = begin.elapsed();
    let wanted = rows::Wanted::read(&target).await?;
    let filled = filled_columns(input.plan);
    let fired = fired_tables(&runner.session, input.plan).await?;
    let mut proof = Proof { runner, input, report, states: Vec::new(), expected, wanted, filled, fired };
    let start = proof.state().await?;
    proof.report.rows = start.sums.values().map(|it| it.rows).sum();
    proof.states.push(start);
    proof.run().await
}

/// Schema and rows at a phase's boundary.
struct State {
    schema: Snapshot,
    sums: Checksums,
}

struct Proof<'a> {
    runner: Runner<'a>,
    input: &'a VerifyInput<'a>,
    report: &'a mut Report,
    /// Before the first phase, and after each.
    states: Vec<State>,
    expected: Snapshot,
    wanted: rows::Wanted,
    /// Columns that backfills give values to: they are meant to change, and no rollback takes the values back.
    filled: Vec<String>,
    /// Tables that a backfill updates and that have triggers of their own for that.
    fired: Vec<String>,
}

impl Proof<'_> {
    async fn run(&mut self) -> Result<()> {
        if !self.forward(Direction::Forward).await? {
            return Ok(());
        }
        // What a rollback has said it cannot bring back, a second run cannot take away again: that asks for a new plan.
        if !self.back().await? {
            return Ok(());
        }
        self.forward(Direction::Again).await?;
        Ok(())
    }

    async fn state(&self) -> Result<State> {
        let session = &self.runner.session;
        Ok(State { schema: snapshot(session).await?, sums: checksums(session).await? })
    }

    /// All phases, first to last. `false`: a statement failed, and going on would prove nothing.
    async fn forward(&mut self, direction: Direction) -> Result<bool> {
        let plan = self.input.plan;
        self.code(0, direction).await?;
        for (number, phase) in plan.phases.iter().enumerate() {
            let begin = Instant::now();
            let what = || format!("phase {} ({})", number + 1, phase.title);
            let preflight = self.preflight(phase).await.with_context(what)?;
            let statements: Vec<_> = phase.steps.iter().map(Statement::from).collect();
            let outcome = self.runner.run(&statements).await.with_context(what)?;
            let failed = outcome.failed();
            let verify =
                if failed { Vec::new() } else { self.runner.checks(&phase.verify).await.with_context(what)? };
            let findings = preflight.into_iter().chain(outcome.mismatches).chain(verify);
            self.report.mismatches.extend(findings.map(|it| it.at(number, direction)));
            for note in outcome.notes {
                if !self.report.notes.contains(&note) {
                    self.report.notes.push(note);
                }
            }
            match direction {
                Direction::Again => self.timing(number, |it| it.again = begin.elapsed()),
                _ => self.report.phases.push(PhaseReport {
                    kind: phase.kind,
                    title: phase.title.clone(),
                    steps: outcome.steps,
                    forward: begin.elapsed(),
                    rollback: Duration::ZERO,
                    again: Duration::ZERO,
                }),
            }
            if failed {
                return Ok(false);
            }
            self.code(number + 1, direction).await?;
            if direction == Direction::Forward {
                let state = self.state().await.with_context(what)?;
                self.states.push(state);
            }
        }
        self.arrived(direction).await?;
        Ok(true)
    }

    /// A preflight that fails for want of values that people have to give is tried again with generated ones.
    async fn preflight(&mut self, phase: &Phase) -> Result<Vec<Finding>> {
        let findings = self.runner.checks(&phase.preflight).await?;
        let Some(start) = self.states.first().filter(|_| !findings.is_empty()) else { return Ok(findings) };
        let mut sums = start.sums.clone();
        for (from, to) in self.input.plan.phases.iter().flat_map(renamed_tables) {
            sums.extend(start.sums.get(&from).map(|it| (to, it.clone())));
        }
        let given = self.wanted.complete(&self.runner.session, &sums).await?;
        if given.is_empty() {
            return Ok(findings);
        }
        for column in given {
            let note =
                format!("{column}: generated values stand in for those that the application, or an answer, gives");
            if !self.report.notes.contains(&note) {
                self.report.notes.push(note);
            }
        }
        self.runner.checks(&phase.preflight).await
    }

    fn timing(&mut self, phase: usize, set: impl FnOnce(&mut PhaseReport)) {
        if let Some(report) = self.report.phases.get_mut(phase) {
            set(report);
        }
    }

    /// At the end the schema is the target's, and what survived holds the rows it held.
    async fn arrived(&mut self, direction: Direction) -> Result<()> {
        let state = self.state().await?;
        let last = self.input.plan.phases.len().checked_sub(1);
        let lines = differences(&self.expected.fingerprint, &state.schema.fingerprint);
        if !lines.is_empty() {
            self.mismatch(
                MismatchKind::Schema,
                last,
                direction,
                "after the last phase the schema is not the target's",
                lines,
            );
        }
        // The second time round, what an irreversible phase has lost is gone already.
        if direction == Direction::Forward
            && let Some(start) = self.states.first()
        {
            let mut lines = compare(&start.sums, &state.sums, &self.filled);
            lines.extend(moved(self.input.plan, &start.sums, &state.sums));
            self.forgive(&mut lines);
            if !lines.is_empty() {
                self.mismatch(MismatchKind::Rows, last, direction, "rows were not kept", lines);
            }
        }
        Ok(())
    }

    /// All rollbacks, last to first; after each, everything is as it was before that phase. `false`: the plan cannot run
    /// again from there.
    async fn back(&mut self) -> Result<bool> {
        let mut lost = self.filled.clone();
        // Differences that a phase has said it leaves behind.
        let mut left: Vec<String> = Vec::new();
        let mut whole = true;
        for (number, phase) in self.input.plan.phases.iter().enumerate().rev() {
            let begin = Instant::now();
            let what = || format!("rollback of phase {} ({})", number + 1, phase.title);
            let statements: Vec<_> = phase.rollback.iter().map(Statement::from).collect();
            let outcome = self.runner.run(&statements).await.with_context(what)?;
            let failed = outcome.failed();
            let findings = outcome.mismatches.into_iter().map(|it| it.at(number, Direction::Rollback));
            self.report.mismatches.extend(findings);
            self.timing(number, |it| it.rollback = begin.elapsed());
            if failed {
                return Ok(false);
            }
            let now = self.state().await.with_context(what)?;
            let Some(then) = self.states.get(number) else { continue };
            let mut schema = differences(&then.schema.fingerprint, &now.schema.fingerprint);
            if phase.irreversible.as_ref().is_some_and(|it| it.shape) {
                let of = |mark: char| schema.iter().filter(|it| it.starts_with(mark)).count();
                whole &= of('-') <= of('+');
                left.extend(schema.iter().cloned());
            }
            for (from, to) in renamed_tables(phase).into_iter().chain(old_copies(phase)) {
                let last = |it: &str| it.rsplit('.').next().unwrap_or_default().to_owned();
                let again: Vec<String> = left.iter().map(|it| it.replace(&last(&to), &last(&from))).collect();
                left.extend(again);
            }
            schema.retain(|it| !left.contains(it));
            if phase.irreversible.is_some() {
                lost.extend(changed_columns(&then.sums, &now.sums));
            }
            // A table has its old name again, and what it lost is lost under that name.
            for (from, to) in renamed_tables(phase) {
                let own = |it: &String| Some(format!("{from}.{}", it.strip_prefix(&to)?.strip_prefix('.')?));
                let again: Vec<String> = lost.iter().filter_map(own).collect();
                lost.extend(again);
            }
            // Rows of a table that is empty now because its data is lost: said by the plan.
            let gone = |name: &String| lost.iter().any(|it| it.rsplit_once('.').is_some_and(|it| it.0 == name));
            let mut was = then.sums.clone();
            self.keep_first(&mut was);
            was.retain(|name, sum| !(gone(name) && now.sums.get(name).is_some_and(|it| it.rows != sum.rows)));
            let mut rows = compare(&was, &now.sums, &lost);
            self.forgive(&mut rows);
            if !schema.is_empty() {
                let message = "after the rollback the schema is not what it was before the phase";
                self.mismatch(MismatchKind::Schema, Some(number), Direction::Rollback, message, schema);
            }
            if !rows.is_empty() {
                let message = "the rollback did not bring the rows back";
                self.mismatch(MismatchKind::Rows, Some(number), Direction::Rollback, message, rows);
            }
        }
        Ok(whole)
    }

    /// Leaves what stood there before the plan. Columns and tables that the plan itself made hold copies: a rollback
    /// takes them away in the end, and what they hold on the way is nobody's data.
    fn keep_first(&self, sums: &mut Checksums) {
        let Some(start) = self.states.first() else { return };
        let made = |name: &String| {
            let created = self.input.plan.changes.iter().filter(|it| it.kind == "create_table");
            created.into_iter().any(|it| name.strip_prefix("public.").unwrap_or(name) == it.object)
        };
        sums.retain(|name, _| start.sums.contains_key(name) || !made(name));
        for (name, table) in sums {
            let was = start.sums.get(name);
            table.columns.retain(|column, _| was.is_some_and(|it| it.columns.contains_key(column)));
        }
    }

    /// Tries the application's statements after `done` phases.
    async fn code(&mut self, done: usize, direction: Direction) -> Result<()> {
        let phases = &self.input.plan.phases;
        let is = |phase: &Phase, kind| phase.kind == kind;
        let old_works = !phases.iter().take(done).any(|it| is(it, PhaseKind::Contract));
        let new_works = !phases.iter().skip(done).any(|it| is(it, PhaseKind::Expand));
        let mut findings = Vec::new();
        if old_works {
            findings.extend(self.runner.code(self.input.old_code, "old").await?);
        }
        if new_works {
            findings.extend(self.runner.code(self.input.new_code, "new").await?);
        }
        let phase = done.saturating_sub(1);
        self.report.mismatches.extend(findings.into_iter().map(|it| it.at(phase, direction)));
        Ok(())
    }

    /// What a trigger of the application's own writes when rows are brought over is not lost by the plan.
    fn forgive(&mut self, lines: &mut Vec<String>) {
        let fired = |line: &String| self.fired.iter().any(|it| line.starts_with(&format!("{it}.")));
        for line in lines.extract_if(.., |it| fired(it)) {
            let note = format!("{line}: triggers of the table's own fire when rows are backfilled");
            if !self.report.notes.contains(&note) {
                self.report.notes.push(note);
            }
        }
    }

    fn mismatch(
        &mut self,
        kind: MismatchKind,
        phase: Option<usize>,
        direction: Direction,
        message: &str,
        details: Vec<String>,
    ) {
        let mismatch = Mismatch { kind, phase, direction, message: message.to_owned(), sql: None, details };
        self.report.mismatches.push(mismatch);
    }
}

/// Before and after, as [`checksums`] names them.
fn renamed_tables(phase: &Phase) -> Vec<(String, String)> {
    let name = |it: &Name| {
        let schema = it.schema.as_ref().map_or("public", |it| it.as_str());
        format!("{}.{}", shown(schema), shown(it.name.as_str()))
    };
    let renames = phase.steps.iter().filter_map(|it| match &it.action {
        Action::Ddl(Ddl::RenameTable { from, to, .. }) => Some((name(from), name(&from.sibling(to.clone())))),
        Action::Ddl(Ddl::SetTableSchema { name: from, schema }) => {
            Some((name(from), name(&Name { schema: Some(schema.clone()), name: from.name.clone() })))
        }
        _ => None,
    });
    let mut res: Vec<_> = renames.collect();
    res.reverse();
    res
}

/// Columns that step aside for their successors, before and after.
fn old_copies(phase: &Phase) -> Vec<(String, String)> {
    let renames = phase.steps.iter().filter_map(|it| match &it.action {
        Action::Ddl(Ddl::RenameColumn { from, to, .. }) if *to == helper_name("mc_old", &[from.as_str()]) => {
            Some((shown(from.as_str()), shown(to.as_str())))
        }
        _ => None,
    });
    renames.collect()
}

/// Tables that the plan backfills and that have triggers for updates before it begins, as [`checksums`] names them.
async fn fired_tables(session: &Session, plan: &Plan) -> Result<Vec<String>> {
    const SQL: &str = "SELECT DISTINCT format('%I.%I', n.nspname, c.relname) FROM pg_trigger t \
        JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE NOT t.tgisinternal AND t.tgtype & 16 <> 0 AND t.tgenabled <> 'D'";
    let mut there = Vec::new();
    for row in session.rows(SQL).await.context("reading triggers")? {
        there.extend(row.into_iter().flatten());
    }
    let filled = plan.phases.iter().flat_map(|it| &it.steps).filter_map(|it| match &it.action {
        Action::Backfill(it) => Some(&it.table),
        _ => None,
    });
    let filled: Vec<String> = filled
        .map(|it| {
            let schema = it.schema.as_ref().map_or("public", |it| it.as_str());
            format!("{}.{}", shown(schema), shown(it.name.as_str()))
        })
        .collect();
    there.retain(|it| filled.contains(it));
    Ok(there)
}

/// `schema.table.column`, as [`checksums`] names them.
fn filled_columns(plan: &Plan) -> Vec<String> {
    let steps = plan.phases.iter().flat_map(|it| &it.steps);
    let backfills = steps.filter_map(|it| match &it.action {
        Action::Backfill(backfill) => Some(backfill),
        _ => None,
    });
    let names = backfills.flat_map(|it| {
        let schema = it.table.schema.as_ref().map_or("public", |it| it.as_str());
        let table = it.table.name.as_str();
        it.fills.iter().map(move |column| format!("{}.{}.{}", shown(schema), shown(table), shown(column.as_str())))
    });
    names.collect()
}

/// Renamed tables and columns hold what something that went away held; a sentence for each that does not.
fn moved(plan: &Plan, before: &Checksums, after: &Checksums) -> Vec<String> {
    let is_said = |change: &ChangeSummary, name: &str| name.strip_prefix("public.").unwrap_or(name) == change.object;
    let gone_tables: Vec<_> = before.iter().filter(|it| !after.contains_key(it.0)).map(|it| it.1).collect();
    let mut res = Vec::new();
    for change in plan.changes.iter().filter(|it| it.kind == "partition_table") {
        let was = before.iter().find(|(name, _)| is_said(change, name)).map(|it| it.1);
        // Partitions are told apart by their columns: all of the table's, with the values it had.
        let holds = |was: &TableSum, is: &TableSum| {
            let kept = |(name, it): (&String, &ColumnSum)| is.columns.get(name).is_none_or(|is| is.values == it.values);
            was.rows == is.rows && was.columns.iter().all(kept)
        };
        if let Some(was) =
            was.filter(|was| !after.iter().any(|(name, is)| !before.contains_key(name) && holds(was, is)))
        {
            res.push(format!("no partition of {} holds its {} rows", change.object, was.rows));
        }
    }
    for change in &plan.changes {
        for (name, table) in after {
            let is_new = !before.contains_key(name);
            if change.kind == "rename_table" && is_new && is_said(change, name) {
                let same = |was: &TableSum| was.rows == table.rows;
                if !gone_tables.iter().any(|it| same(it)) {
                    res.push(format!("{name} does not hold the rows of a table that went away"));
                }
            }
            for (column, sum) in &table.columns {
                let is_new = before.get(name).is_none_or(|it| !it.columns.contains_key(column));
                if change.kind != "rename_column" || !is_new || !is_said(change, &format!("{name}.{column}")) {
                    continue;
                }
                let gone = before.iter().flat_map(|(table, was)| {
                    let is = after.get(table);
                    was.columns.iter().filter(move |(it, _)| is.is_none_or(|is| !is.columns.contains_key(*it)))
                });
                let mut gone = gone.map(|it| it.1);
                let same = |was: &ColumnSum| match was.type_name == sum.type_name {
                    true => was.values == sum.values,
                    false => was.not_null == sum.not_null,
                };
                if !gone.any(same) {
                    res.push(format!("{name}.{column} does not hold the values of the column it was renamed from"));
                }
            }
        }
    }
    res
}

/// As `format('%I')` prints it.
fn shown(name: &str) -> String {
    use crate::dialect::{Dialect, postgres::Postgres};
    Postgres.quote(&crate::sql::Ident::new(name)).into_owned()
}
