//! Statements in a DO block, and in functions and procedures that a statement calls: judged one by one, each against
//! the catalog as it is where it stands.

use std::{ops::Range, sync::Arc};

use super::{
    LintInput,
    context::{Findings, Inside},
    file::{self, FileState, Held, Part},
};
use crate::{
    catalog::Catalog,
    sql::{Arm, Code, CodeStep, Ddl, Function, Name, StepKind, TransactionControl, walk_code},
};

/// Functions that call functions are followed so far.
const DEEPEST: usize = 3;

/// Judges what the parts of a statement run inside. Locks stay with `held` when a transaction is open around them.
pub(super) fn judge(
    input: &LintInput<'_>,
    parts: &[Part],
    held: &mut Held,
    file: &mut FileState,
    found: &mut Findings<'_>,
) {
    for part in parts {
        let outer = held.clone();
        held.open = true;
        held.block = true;
        let mut walk = Walk { input, held, file, found, place: Place::default(), depth: 0 };
        match &part.ddl {
            Ddl::Do { code: Some(code), body, .. } => {
                let text = input.text.get(walk.found.statement.range.clone()).unwrap_or_default();
                walk.place.start = text.find(body.as_str()).map(|it| walk.found.statement.range.start + it);
                walk.place.name = "in a DO block".to_owned();
                walk.code(code, body, &part.before);
            }
            Ddl::Data(data) => walk.calls(&data.calls, &part.before),
            _ => {}
        }
        if outer.open {
            (held.open, held.block, held.explicit) = (true, outer.block, outer.explicit);
        } else {
            *held = outer;
        }
        found.inside = None;
    }
}

/// Where the walk is.
#[derive(Clone, Default)]
struct Place {
    /// Where the body begins in the file, if it stands there as it is.
    start: Option<usize>,
    name: String,
    /// Not certain to run: why.
    doubt: Option<&'static str>,
    /// An error is caught.
    caught: bool,
}

struct Walk<'a, 'f> {
    input: &'a LintInput<'a>,
    held: &'a mut Held,
    file: &'a mut FileState,
    found: &'a mut Findings<'f>,
    place: Place,
    depth: usize,
}

impl Walk<'_, '_> {
    fn code(&mut self, code: &Code, body: &str, before: &Catalog) {
        self.steps(&code.steps, body, &mut before.clone());
    }

    fn steps(&mut self, steps: &[CodeStep], body: &str, catalog: &mut Catalog) {
        let place = self.place.clone();
        for step in steps {
            if step.kind == StepKind::Leave {
                break;
            }
            self.step(step, body, catalog);
            // What cannot be applied leaves the catalog as it is; the server's refusal is in the finding.
            let _ = catalog.apply_step(step, body);
            if walk_code(std::slice::from_ref(step)).iter().any(|it| it.kind == StepKind::Leave) {
                self.place.doubt = self.place.doubt.or(Some("unless the block ends before"));
            }
        }
        self.place = place;
    }

    /// Steps that leave nothing behind here: what they may do, the step around them does to the catalog.
    fn aside(&mut self, steps: &[CodeStep], body: &str, catalog: &Catalog, doubt: Option<&'static str>) {
        let place = self.place.clone();
        self.place.doubt = self.place.doubt.or(doubt);
        self.steps(steps, body, &mut catalog.clone());
        self.place = place;
    }

    fn step(&mut self, step: &CodeStep, body: &str, catalog: &Catalog) {
        match &step.kind {
            StepKind::Run(ddl) => self.run(ddl, &step.range, catalog),
            StepKind::Branch(arms) => self.branch(arms, body, catalog),
            StepKind::Loop(steps) => self.aside(steps, body, catalog, Some("as often as the loop runs")),
            StepKind::Try { body: tried, handlers } => {
                let caught = std::mem::replace(&mut self.place.caught, true);
                self.aside(tried, body, catalog, None);
                self.place.caught = caught;
                self.aside(handlers, body, catalog, Some("if the error occurs"));
            }
            StepKind::Hidden | StepKind::Leave | StepKind::Fail => {}
        }
    }

    fn branch(&mut self, arms: &[Arm], body: &str, catalog: &Catalog) {
        let mut doubt = None;
        for arm in arms {
            let holds = arm.condition.as_ref().map_or(Some(true), |it| catalog.condition_holds(it));
            match holds {
                Some(false) => {}
                Some(true) => {
                    self.aside(&arm.steps, body, catalog, doubt);
                    break;
                }
                None => {
                    doubt = Some("if its branch is taken");
                    self.aside(&arm.steps, body, catalog, doubt);
                }
            }
        }
    }

    /// One statement.
    fn run(&mut self, ddl: &[Ddl], range: &Range<usize>, catalog: &Catalog) {
        let mut draft = Arc::new(catalog.clone());
        let facts = self.file.facts(self.input.facts);
        let mut parts: Vec<Part> = Vec::new();
        let order = self.input.dialect.passes(ddl);
        for ddl in order.into_iter().filter_map(|it| ddl.get(it)) {
            let mut impact = self.input.dialect.lock_of(ddl, &draft, &facts);
            if self.place.doubt.is_some() || self.place.caught {
                impact.refused = None;
            }
            parts.push(Part { ddl: ddl.clone(), before: Arc::clone(&draft), impact });
            let _ = Arc::make_mut(&mut draft).apply(ddl);
        }
        self.found.inside = Some(Inside { range: self.range(range), remark: self.remark() });
        file::judge(self.input, &parts, self.held, self.file, self.found);
        for part in &parts {
            self.file.note(&part.ddl, &part.before, true);
            self.held.note(part);
            if matches!(part.ddl, Ddl::Transaction(TransactionControl::Commit | TransactionControl::Rollback)) {
                (self.held.open, self.held.block) = (true, true);
            }
            match &part.ddl {
                Ddl::Data(data) => self.calls(&data.calls, &part.before),
                Ddl::Do { code: Some(code), body, .. } if self.depth < DEEPEST => {
                    let place = self.place.clone();
                    self.place.start = None;
                    self.depth += 1;
                    self.code(code, body, &part.before);
                    self.depth -= 1;
                    self.place = place;
                }
                _ => {}
            }
        }
    }

    /// The functions and procedures that a statement calls, where their code is known.
    fn calls(&mut self, calls: &[Name], before: &Catalog) {
        if self.depth == DEEPEST {
            return;
        }
        let called = |it: &Function| {
            calls.iter().any(|name| {
                name.name == it.name.name
                    && match &name.schema {
                        Some(_) => name.schema == it.name.schema,
                        None => it.name.schema.as_ref().is_some_and(|it| before.search_path.contains(it)),
                    }
            })
        };
        for function in before.functions.values().filter(|it| !calls.is_empty() && called(it)) {
            let Some(code) = self.input.dialect.code(&function.language, function.body.text()) else { continue };
            let place = std::mem::take(&mut self.place);
            self.place = Place {
                start: None,
                name: format!("in {}(), which this calls", function.name),
                doubt: place.doubt,
                caught: place.caught,
            };
            self.depth += 1;
            self.code(&code, function.body.text(), before);
            self.depth -= 1;
            self.place = place;
        }
    }

    fn range(&self, step: &Range<usize>) -> Option<Range<usize>> {
        self.place.start.map(|it| it + step.start..it + step.end)
    }

    fn remark(&self) -> String {
        match self.place.doubt {
            Some(doubt) => format!(" ({}, {doubt})", self.place.name),
            None => format!(" ({})", self.place.name),
        }
    }
}
