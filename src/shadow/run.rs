//! Running a phase of a plan, statement by statement, as a person would: its transactions, its timeouts.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::{
    build,
    connect::{Failure, Session},
    locks::{Before, Seen},
    report::{Mismatch, MismatchKind, StepReport},
    server::Database,
};
use crate::{
    plan::{Action, Check, Lock, RollbackStep, Step, Timeouts},
    sql::Ddl,
};

/// Sessions on the shadow database.
pub struct Runner<'a> {
    pub database: &'a Database,
    pub session: Session,
    /// Looks at locks from outside.
    watcher: Session,
    /// Keeps tables open while CONCURRENTLY is watched.
    holder: Session,
}

/// A statement of a plan, forward or back.
pub struct Statement<'a> {
    pub sql: &'a str,
    action: &'a Action,
    tx: Option<u32>,
    timeouts: Timeouts,
    /// Forward: what the step promises.
    promise: Option<&'a Step>,
}

impl<'a> From<&'a Step> for Statement<'a> {
    fn from(it: &'a Step) -> Self {
        Self { sql: &it.sql, action: &it.action, tx: it.tx, timeouts: it.timeouts, promise: Some(it) }
    }
}

impl<'a> From<&'a RollbackStep> for Statement<'a> {
    fn from(it: &'a RollbackStep) -> Self {
        Self { sql: &it.sql, action: &it.action, tx: it.tx, timeouts: it.timeouts, promise: None }
    }
}

/// What happened to some statements.
#[derive(Default)]
pub struct Outcome {
    pub steps: Vec<StepReport>,
    /// Without phase and direction: the caller knows them.
    pub mismatches: Vec<Finding>,
    pub notes: Vec<String>,
}

pub struct Finding {
    pub kind: MismatchKind,
    pub message: String,
    pub sql: Option<String>,
}

impl Outcome {
    fn finding(&mut self, kind: MismatchKind, message: impl Into<String>, sql: &str) {
        self.mismatches.push(Finding { kind, message: message.into(), sql: Some(sql.to_owned()) });
    }

    /// A statement failed: what comes after it has not run.
    pub fn failed(&self) -> bool {
        self.mismatches.iter().any(|it| it.kind == MismatchKind::Failed)
    }
}

impl<'a> Runner<'a> {
    pub async fn new(database: &'a Database) -> Result<Self> {
        let (session, watcher, holder) =
            (database.connect().await?, database.connect().await?, database.connect().await?);
        Ok(Self { database, session, watcher, holder })
    }

    /// Runs the statements in order; stops at the first that fails.
    pub async fn run(&self, statements: &[Statement<'_>]) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let mut rest = statements;
        while let [first, ..] = rest
            && !outcome.failed()
        {
            let count = match first.tx {
                None => 1,
                tx => rest.iter().take_while(|it| it.tx == tx).count(),
            };
            let (group, next) = rest.split_at(count);
            rest = next;
            // Alone and allowed in a transaction: one of its own is the same to the server, and shows the locks.
            let alone = first.tx.is_none() && !may_be_wrapped(first.action);
            match alone {
                true => self.outside(first, &mut outcome).await?,
                false => self.inside(group, &mut outcome).await?,
            }
        }
        Ok(outcome)
    }

    /// Statements that share a transaction.
    async fn inside(&self, group: &[Statement<'_>], outcome: &mut Outcome) -> Result<()> {
        let before = Before::read(&self.session).await?;
        self.session.run("BEGIN").await?;
        let (mut promised, mut rewritten): (Vec<Lock>, Vec<_>) = (Vec::new(), Vec::new());
        for statement in group {
            let begin = Instant::now();
            for (name, value) in settings(statement.timeouts) {
                self.session.run(&format!("SET LOCAL {name} = {value}")).await?;
            }
            if let Err(failure) = self.one(statement, outcome).await? {
                // May fail when the server is gone; then the failure says so.
                self.session.run("ROLLBACK").await.ok();
                return refused(statement, failure, outcome);
            }
            let time = begin.elapsed();
            let seen = self.before_commit(&before).await?;
            promised.extend(statement.promise.iter().flat_map(|it| it.locks.clone()));
            let mut now = seen.clone();
            now.rewritten.retain(|it| !rewritten.contains(it));
            rewritten.extend(now.rewritten.clone());
            report(statement, time, &now, &promised, outcome);
        }
        let last = group.last().map(|it| it.sql).unwrap_or_default();
        match self.session.run("COMMIT").await {
            Ok(()) => Ok(()),
            Err(failure) if failure.gone => Err(failure).context("while committing"),
            Err(failure) => {
                outcome.finding(MismatchKind::Failed, format!("the commit failed: {failure}"), last);
                Ok(())
            }
        }
    }

    async fn before_commit(&self, before: &Before) -> Result<Seen> {
        before.seen(&self.session).await.context("reading locks")
    }

    /// A statement that must not be in a transaction.
    async fn outside(&self, statement: &Statement<'_>, outcome: &mut Outcome) -> Result<()> {
        let before = Before::read(&self.session).await?;
        let settings = settings(statement.timeouts);
        for (name, value) in &settings {
            self.session.run(&format!("SET {name} = {value}")).await?;
        }
        let begin = Instant::now();
        let promised = statement.promise.map(|it| it.locks.clone()).unwrap_or_default();
        let hold: &[Lock] = if matches!(statement.action, Action::Ddl(_)) { &promised } else { &[] };
        let (result, seen) = before
            .watch(&self.session, &self.watcher, &self.holder, hold, statement.sql)
            .await
            .context("watching locks")?;
        let time = begin.elapsed();
        if let Err(failure) = result {
            self.reset(&settings).await;
            return refused(statement, failure, outcome);
        }
        self.reset(&settings).await;
        report(statement, time, &seen, &promised, outcome);
        Ok(())
    }

    async fn reset(&self, settings: &[(&str, u32)]) {
        for (name, _) in settings {
            self.session.run(&format!("RESET {name}")).await.ok();
        }
    }

    /// Runs it; an extension that only a superuser may make is made by one, in words of our own.
    async fn one(&self, statement: &Statement<'_>, outcome: &mut Outcome) -> Result<Result<(), Failure>> {
        let elevated = match statement.action {
            Action::Ddl(Ddl::CreateExtension { extension, .. }) => {
                let name = extension.name.as_str().replace('\'', "''");
                let trusted = format!(
                    "SELECT bool_or(trusted OR NOT superuser) FROM pg_available_extension_versions WHERE name = '{name}'"
                );
                let is_trusted = self.session.value(&trusted).await?.is_none_or(|it| it == "t");
                if is_trusted { None } else { build::extension(statement.sql) }
            }
            Action::Ddl(Ddl::DropExtension { name, .. }) => {
                let owner = format!(
                    "SELECT pg_has_role(extowner, 'MEMBER') FROM pg_extension WHERE extname = '{}'",
                    name.as_str().replace('\'', "''")
                );
                let is_ours = self.session.value(&owner).await?.is_none_or(|it| it == "t");
                (!is_ours).then(|| format!("DROP EXTENSION {}", build::quote(name.as_str())))
            }
            _ => None,
        };
        let Some(sql) = elevated else { return Ok(self.session.run(statement.sql).await) };
        outcome.notes.push(format!("run by a superuser: {}", statement.sql));
        Ok(self.database.connect_admin().await?.run(&sql).await)
    }

    /// Queries of a plan whose answer is known.
    pub async fn checks(&self, checks: &[Check]) -> Result<Vec<Finding>> {
        let mut res = Vec::new();
        for check in checks {
            let message = match self.session.value(&check.sql).await {
                Ok(value) if value.as_deref() == Some(check.expect.as_str()) => continue,
                Ok(value) => {
                    let came = value.unwrap_or_else(|| "NULL".into());
                    format!("{}: expected {}, the server said {came}", check.why, check.expect)
                }
                Err(failure) if failure.gone => return Err(failure.into()),
                Err(failure) => format!("{}: the query failed: {failure}", check.why),
            };
            res.push(Finding { kind: MismatchKind::Check, message, sql: Some(check.sql.clone()) });
        }
        Ok(res)
    }

    /// Statements of the application, each taken back at once.
    pub async fn code(&self, statements: &[String], whose: &str) -> Result<Vec<Finding>> {
        let mut res = Vec::new();
        for sql in statements {
            self.session.run("BEGIN").await?;
            let result = self.session.run(sql).await;
            self.session.run("ROLLBACK").await?;
            if let Err(failure) = result {
                let message = format!("a statement of {whose} code failed: {failure}");
                res.push(Finding { kind: MismatchKind::Code, message, sql: Some(sql.clone()) });
            }
        }
        Ok(res)
    }
}

/// A backfill commits on its own; everything else is as its `Ddl` says.
fn may_be_wrapped(action: &Action) -> bool {
    match action {
        Action::Ddl(ddl) => ddl.transactional(),
        Action::Backfill(_) | Action::Data(_) => false,
    }
}

fn settings(timeouts: Timeouts) -> Vec<(&'static str, u32)> {
    let pairs = [("lock_timeout", timeouts.lock), ("statement_timeout", timeouts.statement)];
    pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn refused(statement: &Statement<'_>, failure: Failure, outcome: &mut Outcome) -> Result<()> {
    if failure.gone {
        return Err(failure).with_context(|| format!("while running: {}", build::shorten(statement.sql)));
    }
    outcome.finding(MismatchKind::Failed, format!("the server refused it: {failure}"), statement.sql);
    Ok(())
}

fn report(statement: &Statement<'_>, time: Duration, seen: &Seen, promised: &[Lock], outcome: &mut Outcome) {
    let Some(step) = statement.promise else { return };
    for message in seen.unpromised(promised) {
        outcome.finding(MismatchKind::Lock, message, statement.sql);
    }
    let is_truncate = statement.sql.trim_start().get(..8).is_some_and(|it| it.eq_ignore_ascii_case("truncate"));
    if !step.rewrites && !is_truncate {
        for table in &seen.rewritten {
            outcome.finding(
                MismatchKind::Rewrite,
                format!("{table} was rewritten, which was not promised"),
                statement.sql,
            );
        }
    }
    outcome.steps.push(StepReport {
        sql: statement.sql.to_owned(),
        time,
        promised: step.locks.clone(),
        taken: seen.taken(),
        rewritten: seen.rewritten.iter().map(ToString::to_string).collect(),
    });
}

impl Finding {
    pub fn at(self, phase: usize, direction: super::report::Direction) -> Mismatch {
        Mismatch {
            kind: self.kind,
            phase: Some(phase),
            direction,
            message: self.message,
            sql: self.sql,
            details: Vec::new(),
        }
    }
}
