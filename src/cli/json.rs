//! JSON that only the command line speaks. The plan's own is [`crate::export::json`].

use serde::Serialize;

use crate::export::json::{Change, Question};

/// `diff --format json`, version 1.
#[derive(Serialize)]
pub struct Diff {
    pub version: u32,
    pub dialect: String,
    pub server_version: u32,
    pub changes: Vec<Change>,
    pub questions: Vec<Question>,
}
