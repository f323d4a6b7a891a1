//! From the protocol's words to ours.

use std::ops::Range;

use tower_lsp_server::ls_types as lsp;

use crate::text::{Document, Position, PositionEncoding};

pub fn position(it: lsp::Position) -> Position {
    Position { line: it.line, column: it.character }
}

pub fn offset(document: &Document, it: lsp::Position, encoding: PositionEncoding) -> usize {
    document.offset(position(it), encoding)
}

pub fn range(document: &Document, it: lsp::Range, encoding: PositionEncoding) -> Range<usize> {
    let (a, b) = (offset(document, it.start, encoding), offset(document, it.end, encoding));
    a.min(b)..a.max(b)
}
