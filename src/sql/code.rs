//! Procedural code (the body of DO, of a PL/pgSQL or SQL routine), as far as it says which statements it runs.

use std::ops::Range;

use smol_str::SmolStr;

use super::Ddl;

/// The steps of a block in the order in which they are written. Ranges are bytes of the block's body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Code {
    pub steps: Vec<CodeStep>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeStep {
    pub range: Range<usize>,
    pub kind: StepKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// One SQL statement, written out or as a literal behind EXECUTE.
    Run(Vec<Ddl>),
    /// IF and CASE: the first arm whose condition holds.
    Branch(Vec<Arm>),
    /// Any number of times, or never.
    Loop(Vec<CodeStep>),
    /// A block with EXCEPTION: an error in the body undoes it and runs one of the handlers (one list for all).
    Try { body: Vec<CodeStep>, handlers: Vec<CodeStep> },
    /// A statement that is put together at run time, or that cannot be read.
    Hidden,
    /// RETURN, EXIT, CONTINUE: what follows may not run.
    Leave,
    /// RAISE EXCEPTION.
    Fail,
}

/// One way of a branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arm {
    /// `None`: ELSE.
    pub condition: Option<SmolStr>,
    pub steps: Vec<CodeStep>,
}

impl Code {
    /// Every statement of the code, whether it is certain to run or not.
    pub fn statements(&self) -> Vec<&Ddl> {
        statements(&self.steps)
    }

    /// The places where it runs what cannot be seen.
    pub fn hidden(&self) -> Vec<Range<usize>> {
        walk(&self.steps).into_iter().filter(|it| it.kind == StepKind::Hidden).map(|it| it.range.clone()).collect()
    }
}

/// As [`Code::statements`], of some steps.
pub fn statements(steps: &[CodeStep]) -> Vec<&Ddl> {
    let run = |it: &CodeStep| matches!(it.kind, StepKind::Run(_));
    let of = |it| match it {
        &CodeStep { kind: StepKind::Run(ref ddl), .. } => ddl.iter(),
        _ => [].iter(),
    };
    walk(steps).into_iter().filter(|it| run(it)).flat_map(of).collect()
}

/// All steps, those inside others too.
pub fn walk(steps: &[CodeStep]) -> Vec<&CodeStep> {
    let mut res = Vec::new();
    for step in steps {
        res.push(step);
        match &step.kind {
            StepKind::Branch(arms) => res.extend(arms.iter().flat_map(|it| walk(&it.steps))),
            StepKind::Loop(steps) => res.extend(walk(steps)),
            StepKind::Try { body, handlers } => {
                res.extend(walk(body));
                res.extend(walk(handlers));
            }
            StepKind::Run(_) | StepKind::Hidden | StepKind::Leave | StepKind::Fail => {}
        }
    }
    res
}
