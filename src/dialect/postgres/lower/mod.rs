//! From squawk's syntax tree to [`Ddl`].
//!
//! One file per subject. squawk's tree keeps everything that was written and checks little: what is missing is
//! refused here (`DROP TABLE ;`), names are folded, unescaped and cut here, and texts are always sliced from the source.
//! Statements without a typed variant become [`Ddl::Opaque`] (`opaque.rs`); nothing is dropped in silence.

mod alter;
mod annotations;
mod constraints;
mod context;
mod drops;
mod functions;
mod grants;
mod indexes;
mod objects;
mod opaque;
mod sequences;
mod session;
mod statement;
mod tables;
mod tree;
mod triggers;
mod types;
mod user_types;
mod views;

#[cfg(test)]
mod tests;

use std::ops::Range;

use squawk_syntax::{SyntaxKind, SyntaxNode, ast::AstNode};

use super::nesting;
use crate::sql::*;
use context::Cx;

pub(super) use types::data_type;

/// Errors behind the first are mostly its consequences: at most so many are told, each on a line of its own.
const MAX_ERRORS: usize = 3;

pub(super) fn parse(text: &str, range: Range<usize>) -> Parsed {
    let mut cx = Cx::new(text, range.clone());
    let Some(statement) = text.get(range.clone()) else { return cx.finish() };
    if statement.contains(['$', '\'']) && is_routine(statement) && nesting::too_deep(statement, true) {
        cx.error(range, "the body of this function nests too deeply to be read");
        return cx.finish();
    }
    let masked = constraints::mask_exclusions(statement);
    let tree::Tree { root, errors } = tree::parse(masked.as_deref().unwrap_or(statement));
    let mut broken = false;
    let mut lines = Vec::new();
    for (at, message) in errors {
        let in_body = is_in_body(&root, at.start);
        broken |= !in_body;
        let line = statement.get(..at.start).map_or(0, |it| it.matches('\n').count());
        if lines.len() < MAX_ERRORS && !lines.contains(&line) {
            lines.push(line);
            cx.syntax_error(at, &message, in_body);
        }
    }
    if broken {
        cx.mark_all(&root);
        return cx.finish();
    }
    for node in root.children() {
        let before = cx.problems();
        if statement::lower(&mut cx, &node).is_none() && cx.problems() == before {
            cx.incomplete(&node);
        }
    }
    cx.finish()
}

/// CREATE FUNCTION and PROCEDURE: squawk parses the body of those in SQL.
fn is_routine(statement: &str) -> bool {
    let mut words = super::lexer::tokens(statement);
    words.next().is_some_and(|it| it.is_word("create"))
        && words.take(3).any(|it| it.is_word("function") || it.is_word("procedure"))
}

/// Is the place inside the string that holds a function's body? The server may be told not to check those.
fn is_in_body(root: &SyntaxNode, at: usize) -> bool {
    let Ok(at) = u32::try_from(at) else { return false };
    let Some(token) = root.token_at_offset(at.into()).right_biased() else { return false };
    u32::from(token.text_range().start()) < at
        && matches!(token.kind(), SyntaxKind::DOLLAR_QUOTED_STRING | SyntaxKind::STRING | SyntaxKind::ESC_STRING)
        && token.parent_ancestors().any(|it| squawk_syntax::ast::AsDefinition::can_cast(it.kind()))
}
