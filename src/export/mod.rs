//! From a [`crate::plan::Plan`] to the files of a migration tool, and what is known of those tools.
//!
//! May use `page`, `sql`, `plan` and `dialect`. Deliberately not here: the disk (see `project` and `cli`).

pub mod json;
mod naming;
mod tool;

pub use naming::{Direction, FileName, compare_versions};
pub use tool::{Tool, Wrap};
