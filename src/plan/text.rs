//! The text form of a [`Plan`], for tests, pages and the terminal: one line per fact, nothing repeated.

use std::fmt;

use super::{Action, Backfill, Check, LockMode, Phase, PhaseKind, Plan, Question, Step};
use crate::sql::Ddl;

/// The text form: questions and hazards first, then the phases in order. Ends with a line break unless empty.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for question in &self.questions {
            write_question(f, question)?;
        }
        for hazard in &self.hazards {
            writeln!(f, "Hazard: {} ({}, {})", hazard.message, hazard.rule, hazard.severity.as_str())?;
        }
        for phase in &self.phases {
            write_phase(f, phase)?;
        }
        Ok(())
    }
}

impl PhaseKind {
    /// As a heading: `Expand`.
    pub fn title(self) -> &'static str {
        match self {
            Self::Expand => "Expand",
            Self::Backfill => "Backfill",
            Self::Enforce => "Enforce",
            Self::Contract => "Contract",
            Self::Retire => "Contract, a release later",
        }
    }
}

fn write_question(f: &mut fmt::Formatter<'_>, question: &Question) -> fmt::Result {
    let state = if question.answered { "answered" } else { "assumed" };
    writeln!(f, "Question: {}", question.about)?;
    writeln!(f, "  {}: {} ({state} {})", question.id, question.choices.join(" | "), question.assumed)
}

fn write_phase(f: &mut fmt::Formatter<'_>, phase: &Phase) -> fmt::Result {
    if let Some(gate) = &phase.gate {
        writeln!(f, "Gate: {gate}")?;
    }
    writeln!(f, "{}: {}", phase.kind.title(), phase.title)?;
    write_checks(f, "before", &phase.preflight)?;
    let mut above = None;
    for step in &phase.steps {
        write_step(f, step, above)?;
        above = step.tx;
    }
    write_checks(f, "after", &phase.verify)?;
    for step in &phase.rollback {
        writeln!(f, "  undo: {}", line_of(&step.action, &step.sql))?;
    }
    if let Some(irreversible) = &phase.irreversible {
        writeln!(f, "  irreversible: {}", irreversible.lost)?;
    }
    Ok(())
}

fn write_checks(f: &mut fmt::Formatter<'_>, when: &str, checks: &[Check]) -> fmt::Result {
    for check in checks {
        writeln!(f, "  {when}: {} = {}", check.why, check.expect)?;
    }
    Ok(())
}

fn write_step(f: &mut fmt::Formatter<'_>, step: &Step, above: Option<u32>) -> fmt::Result {
    writeln!(f, "  {}", line_of(&step.action, &step.sql))?;
    match step.tx {
        None => writeln!(f, "    outside a transaction")?,
        Some(_) if step.tx == above => writeln!(f, "    with the step above")?,
        Some(_) => {}
    }
    let cost = step.cost();
    for mode in LockMode::ALL.into_iter().rev() {
        let objects: Vec<_> = step.locks.iter().filter(|it| it.mode == mode).map(|it| it.object.to_string()).collect();
        if objects.is_empty() {
            continue;
        }
        let cost = if cost.is_empty() && mode >= LockMode::ShareRowExclusive { ", brief" } else { cost };
        writeln!(f, "    lock: {} on {}{cost}", mode.as_str(), objects.join(", "))?;
    }
    if let Some(estimate) = &step.estimate {
        writeln!(f, "    estimate: {estimate}")?;
    }
    Ok(())
}

impl Step {
    /// What the step does while it holds its locks, as the end of a clause; empty when it only touches the catalog.
    pub(crate) fn cost(&self) -> &'static str {
        match (self.rewrites, self.scans) {
            (true, _) => ", writes every row anew",
            (_, true) => ", reads every row",
            _ => "",
        }
    }

    /// One line for people: the SQL on one line, bodies of functions and loops of backfills told in short.
    pub fn line(&self) -> String {
        line_of(&self.action, &self.sql)
    }
}

/// One line that stands for an action.
pub(crate) fn line_of(action: &Action, sql: &str) -> String {
    match action {
        Action::Backfill(backfill) => backfill_line(backfill),
        Action::Ddl(Ddl::CreateFunction { function, or_replace }) => {
            let verb = if *or_replace { "CREATE OR REPLACE" } else { "CREATE" };
            format!("{verb} FUNCTION {}() …", function.name)
        }
        Action::Ddl(Ddl::Do { .. }) => "DO …".to_owned(),
        Action::Ddl(_) | Action::Data(_) => one_line(sql),
    }
}

fn backfill_line(backfill: &Backfill) -> String {
    let set: Vec<_> = backfill.set.iter().map(|(column, value)| format!("{column} = {}", one_line(value))).collect();
    let by = match backfill.key.as_slice() {
        [] => "physical blocks".to_owned(),
        key => key.iter().map(|(column, _)| column.as_str()).collect::<Vec<_>>().join(", "),
    };
    // A touch: the column is set to itself, and a trigger fills another.
    let touched = backfill
        .set
        .iter()
        .all(|(column, value)| value.strip_prefix("t.").is_some_and(|it| it.trim_matches('"') == column.as_str()));
    let what = if touched && backfill.fills.is_empty() {
        "rows are touched and their triggers do the rest,".to_owned()
    } else if touched {
        let fills: Vec<_> = backfill.fills.iter().map(|it| it.as_str()).collect();
        format!("{} filled by the trigger as rows are touched", fills.join(", "))
    } else {
        set.join(", ")
    };
    format!(
        "backfill {}: {what} where {}, {} rows at a time by {by}",
        backfill.table,
        one_line(&backfill.pending),
        backfill.batch
    )
}

/// Line breaks and indentation become single spaces.
fn one_line(sql: &str) -> String {
    sql.lines().map(str::trim).filter(|it| !it.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::{
        plan::{Hazard, Irreversible, Lock, RollbackStep, Timeouts},
        sql::{DataType, Ident, Name, Severity},
    };

    #[track_caller]
    fn check(plan: &Plan, expect: Expect) {
        expect.assert_eq(&plan.to_string());
    }

    fn step(sql: &str, tx: Option<u32>, mode: LockMode) -> Step {
        Step {
            action: Action::Data(sql.to_owned()),
            sql: sql.to_owned(),
            tx,
            locks: vec![Lock { object: Name::new("public", "users"), mode }],
            rewrites: false,
            scans: mode == LockMode::ShareUpdateExclusive,
            estimate: None,
            timeouts: Timeouts::default(),
            resume: Default::default(),
            why: String::new(),
            changes: Vec::new(),
        }
    }

    #[test]
    fn a_plan_for_no_change_is_empty() {
        let plan = Plan {
            dialect: "postgres",
            server_version: 15,
            changes: vec![],
            questions: vec![],
            hazards: vec![],
            phases: vec![],
        };
        check(&plan, expect![""]);
    }

    #[test]
    fn every_part_has_its_line() {
        let backfill = Backfill {
            table: Name::new("public", "users"),
            key: vec![(Ident::new("id"), DataType::builtin("bigint"))],
            set: vec![(Ident::new("email"), "''".to_owned())],
            fills: vec![Ident::new("email")],
            pending: "t.email IS NULL".to_owned(),
            batch: 1000,
        };
        let plan = Plan {
            dialect: "postgres",
            server_version: 15,
            changes: vec![],
            questions: vec![Question {
                id: "backfill:users.email".to_owned(),
                about: "Which value do old rows get?".to_owned(),
                choices: vec!["neutral".to_owned(), "value:…".to_owned()],
                assumed: "neutral".to_owned(),
                answered: false,
                objects: Vec::new(),
            }],
            hazards: vec![Hazard {
                rule: "data-loss",
                severity: Severity::Warning,
                message: "values go away".to_owned(),
                change: None,
            }],
            phases: vec![Phase {
                kind: PhaseKind::Enforce,
                title: "Make users.email NOT NULL".to_owned(),
                gate: Some("every writer sets users.email".to_owned()),
                preflight: vec![Check {
                    sql: "SELECT 0".to_owned(),
                    expect: "0".to_owned(),
                    why: "rows without users.email".to_owned(),
                }],
                steps: vec![
                    Step { action: Action::Backfill(backfill), ..step("DO $$ … $$", None, LockMode::RowExclusive) },
                    step(
                        "ALTER TABLE users\n  ADD CHECK (email IS NOT NULL) NOT VALID",
                        Some(1),
                        LockMode::AccessExclusive,
                    ),
                    step("COMMENT ON TABLE users IS 'x'", Some(1), LockMode::ShareUpdateExclusive),
                ],
                verify: vec![],
                rollback: vec![RollbackStep {
                    action: Action::Data(String::new()),
                    sql: "ALTER TABLE users DROP CONSTRAINT c".to_owned(),
                    tx: Some(1),
                    timeouts: Timeouts::default(),
                    resume: Default::default(),
                }],
                irreversible: Some(Irreversible {
                    lost: "nothing that matters".to_owned(),
                    checklist: vec![],
                    shape: false,
                }),
                begun: vec![],
            }],
        };
        check(
            &plan,
            expect![[r#"
            Question: Which value do old rows get?
              backfill:users.email: neutral | value:… (assumed neutral)
            Hazard: values go away (data-loss, warning)
            Gate: every writer sets users.email
            Enforce: Make users.email NOT NULL
              before: rows without users.email = 0
              backfill users: email = '' where t.email IS NULL, 1000 rows at a time by id
                outside a transaction
                lock: RowExclusive on users
              ALTER TABLE users ADD CHECK (email IS NOT NULL) NOT VALID
                lock: AccessExclusive on users, brief
              COMMENT ON TABLE users IS 'x'
                with the step above
                lock: ShareUpdateExclusive on users, reads every row
              undo: ALTER TABLE users DROP CONSTRAINT c
              irreversible: nothing that matters
        "#]],
        );
    }
}
