//! Text that an editor changes: [`Document`], positions in three encodings, [`TextEdit`].
//!
//! May use nothing. Deliberately not here: what the text means, and the protocol's own types.
//! Every question has an answer: a position or an offset that does not exist is moved to the nearest one that does.

mod dirty;
mod document;

use std::ops::Range;

pub use dirty::Dirty;
pub use document::Document;

/// What a column counts, as editor and server agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PositionEncoding {
    Utf8,
    Utf16,
    Utf32,
}

/// A place in a text: line from 0, column from 0 in the agreed unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

/// Bytes replaced by other text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextEdit {
    pub range: Range<usize>,
    pub insert: String,
}

impl TextEdit {
    pub fn insert(at: usize, text: impl Into<String>) -> Self {
        Self { range: at..at, insert: text.into() }
    }

    pub fn replace(range: Range<usize>, text: impl Into<String>) -> Self {
        Self { range, insert: text.into() }
    }
}
