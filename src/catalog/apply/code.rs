//! Procedural code: what is certain to run is applied, of what may run the objects are unknown afterwards.

use super::{Applied, ApplyError, refused};
use crate::{
    catalog::{Catalog, differences},
    sql::*,
};

/// How a list of steps ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    /// By RETURN or EXIT.
    Left,
    MaybeLeft,
}

impl Catalog {
    /// Runs a block as the server would, as far as its branches can be foreseen.
    pub(super) fn run_code(&mut self, code: &Code, body: &str) -> Applied {
        self.run_steps(&code.steps, body).map(drop)
    }

    /// Runs one step of a block. For those who look at a block step by step.
    pub fn apply_step(&mut self, step: &CodeStep, body: &str) -> Applied {
        let saved = self.clone();
        let res = self.run_step(step, body).map(drop);
        if res.is_err() {
            *self = saved;
        }
        res
    }

    fn run_steps(&mut self, steps: &[CodeStep], body: &str) -> Result<Flow, ApplyError> {
        for (i, step) in steps.iter().enumerate() {
            match self.run_step(step, body)? {
                Flow::On => {}
                Flow::Left => return Ok(Flow::Left),
                Flow::MaybeLeft => {
                    steps.iter().skip(i + 1).for_each(|it| self.suspect_step(it, body));
                    return Ok(Flow::MaybeLeft);
                }
            }
        }
        Ok(Flow::On)
    }

    fn run_step(&mut self, step: &CodeStep, body: &str) -> Result<Flow, ApplyError> {
        match &step.kind {
            StepKind::Run(ddl) => {
                for it in ddl {
                    self.apply(it)?;
                }
                Ok(Flow::On)
            }
            StepKind::Hidden => {
                self.suspect_step(step, body);
                Ok(Flow::On)
            }
            StepKind::Leave => Ok(Flow::Left),
            StepKind::Fail => Err(refused("the block raises an exception".to_owned())),
            StepKind::Loop(steps) => Ok(self.perhaps(steps, body)),
            StepKind::Branch(arms) => self.run_branch(arms, body),
            StepKind::Try { body: tried, handlers } => Ok(self.run_try(tried, handlers, body)),
        }
    }

    fn run_branch(&mut self, arms: &[Arm], body: &str) -> Result<Flow, ApplyError> {
        let mut flow = Flow::On;
        let mut certain = true;
        for arm in arms {
            let holds = arm.condition.as_ref().map_or(Some(true), |it| self.condition_holds(it));
            match holds {
                Some(false) => {}
                Some(true) if certain => return self.run_steps(&arm.steps, body),
                _ => {
                    certain = false;
                    if self.perhaps(&arm.steps, body) != Flow::On {
                        flow = Flow::MaybeLeft;
                    }
                    if holds == Some(true) {
                        break;
                    }
                }
            }
        }
        Ok(flow)
    }

    /// The body as a whole, or nothing of it and a handler.
    fn run_try(&mut self, tried: &[CodeStep], handlers: &[CodeStep], body: &str) -> Flow {
        let mut draft = self.clone();
        match draft.run_steps(tried, body) {
            // Errors that only rows can raise cannot be foreseen.
            Ok(flow) if !code_statements(tried).iter().any(|it| depends_on_rows(it)) => {
                *self = draft;
                flow
            }
            Ok(_) => {
                let (a, b) = (self.perhaps(tried, body), self.perhaps(handlers, body));
                if a == Flow::On { b } else { a }
            }
            Err(_) => self.perhaps(handlers, body),
        }
    }

    /// Steps that may run, once, often or not at all.
    fn perhaps(&mut self, steps: &[CodeStep], body: &str) -> Flow {
        let leaves = walk_code(steps).iter().any(|it| it.kind == StepKind::Leave);
        let flow = if leaves { Flow::MaybeLeft } else { Flow::On };
        let mut draft = self.clone();
        match draft.run_steps(steps, body) {
            // It would fail, and the migration with it: so it does not run.
            Err(ApplyError::Refused(_)) => return Flow::On,
            Ok(_) if draft.unknown == self.unknown && differences(self, &draft).is_empty() => return flow,
            _ => {}
        }
        steps.iter().for_each(|it| self.suspect_step(it, body));
        flow
    }

    fn suspect_step(&mut self, step: &CodeStep, body: &str) {
        // Marking never fails.
        let _ = self.suspect(body.get(step.range.clone()).unwrap_or_default());
    }

    /// What a routine that is called changes is unknown afterwards.
    pub(super) fn suspect_calls(&mut self, calls: &[Name]) -> Applied {
        for body in self.bodies_of(calls) {
            self.suspect(&body)?;
        }
        Ok(())
    }

    fn bodies_of(&self, calls: &[Name]) -> Vec<String> {
        let called = |function: &Function| {
            calls.iter().any(|it| {
                it.name == function.name.name
                    && match &it.schema {
                        Some(_) => it.schema == function.name.schema,
                        None => function.name.schema.as_ref().is_some_and(|it| self.search_path.contains(it)),
                    }
            })
        };
        if calls.is_empty() || self.functions.is_empty() {
            return Vec::new();
        }
        let readable = |it: &Function| matches!(it.language.as_str(), "plpgsql" | "sql");
        let found = self.functions.values().filter(|it| called(it) && readable(it));
        found.map(|it| it.body.text().to_owned()).collect()
    }
}

/// Can it fail on one set of rows and not on another?
fn depends_on_rows(ddl: &Ddl) -> bool {
    match ddl {
        Ddl::AddConstraint { constraint, .. } => !constraint.not_valid,
        Ddl::AddColumn { column, constraints, .. } => {
            column.not_null && column.default.is_none() && column.identity.is_none() || !constraints.is_empty()
        }
        Ddl::CreateIndex { index, .. } => index.unique,
        // Every value has a text.
        Ddl::SetType { ty, using: None, .. } if ty.name == "text" && !ty.array => false,
        Ddl::SetNotNull { .. }
        | Ddl::SetType { .. }
        | Ddl::ValidateConstraint { .. }
        | Ddl::AttachPartition { .. }
        | Ddl::AddConstraintUsingIndex { .. }
        | Ddl::Data(_)
        | Ddl::Do { .. } => true,
        Ddl::AlterDomain { action, .. } => {
            matches!(
                action,
                DomainAction::SetNotNull | DomainAction::AddConstraint(_) | DomainAction::ValidateConstraint(_)
            )
        }
        _ => false,
    }
}
