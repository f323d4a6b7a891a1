//! From the statements of files to a [`Catalog`].

use std::sync::Arc;

use super::Catalog;
use crate::sql::{Problem, Statement};

/// The statements of one file, in the order of the list given to [`desired`] or [`replay`].
#[derive(Clone, Debug)]
pub struct Source {
    pub statements: Arc<[Statement]>,
}

/// A catalog, and what was wrong on the way to it.
#[derive(Clone, Debug)]
pub struct Build {
    pub catalog: Catalog,
    /// (index of the source, problem with ranges in that file).
    pub problems: Vec<(u32, Problem)>,
}

/// A desired state: statements may stand in any order; one that needs an object that is not there yet waits for it.
pub fn desired(_sources: &[Source]) -> Build {
    todo!()
}

/// A history: statements run one after the other on top of `base`, as a server would run them.
pub fn replay(_base: Catalog, _sources: &[Source]) -> Build {
    todo!()
}
