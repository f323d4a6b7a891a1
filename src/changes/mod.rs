//! What changed between two catalogs, one file per kind of change: its page, its data, how it is found, its steps.
//!
//! May use `page`, `sql`, `catalog`, `plan` and `dialect`.

use crate::{
    catalog::Catalog,
    dialect::Dialect,
    plan::{Answers, Facts, Question},
};

/// What a diff looks at.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    pub before: &'a Catalog,
    pub after: &'a Catalog,
    pub dialect: &'a dyn Dialect,
    pub facts: &'a Facts,
    pub answers: &'a Answers,
}

/// Typed changes in a stable order, and what the files leave open.
#[derive(Clone, Debug, Default)]
pub struct Diff {
    pub changes: Vec<Change>,
    pub questions: Vec<Question>,
}

/// One change. (An enum over the kinds.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {}

impl Change {
    /// Stable id: kind and object, `set_not_null:users.email`.
    pub fn id(&self) -> String {
        todo!()
    }
    /// The object in `after` (in `before` for drops).
    pub fn object(&self) -> crate::sql::ObjectRef {
        todo!()
    }
    pub fn summary(&self) -> crate::plan::ChangeSummary {
        todo!()
    }
}

/// Compares two catalogs.
pub fn diff(_input: Input<'_>) -> Diff {
    todo!()
}
