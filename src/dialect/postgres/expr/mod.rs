//! Expressions: canonical form, columns, renaming.
//!
//! What a user writes and what PostgreSQL's deparser prints for it (`pg_get_expr`, `pg_get_constraintdef`,
//! `pg_get_indexdef`, versions 13 to 18) should have one canonical form. It is for comparing, not for running.
//! Parsed here and not by squawk: its tree binds `a BETWEEN 1 AND 2 OR b` otherwise than the server, and
//! expressions are compared by the thousand. What does not parse is compared by its tokens.

mod literal;
mod operators;
mod primary;

#[cfg(test)]
mod tests;

use super::{
    lexer::{Kind, tokens},
    unquote,
};
use crate::sql::{self, Expr, Ident};

pub(super) fn expr(text: &str) -> Expr {
    match operators::canonical(text) {
        Some(canon) => Expr::new(text, canon),
        None => query(text),
    }
}

/// A query or any other text, compared by its tokens.
pub(super) fn query(text: &str) -> Expr {
    Expr::new(text, normal(text))
}

/// Without comments, one space between tokens, words in lower case, names unquoted where that is the same.
fn normal(text: &str) -> String {
    let mut canon = String::with_capacity(text.len());
    let mut tight = true;
    for token in tokens(text) {
        let opens = token.is("(") || token.is("[") || token.is(".");
        let closes = token.is(")") || token.is("]") || token.is(",") || token.is(".") || token.is(";");
        if !tight && !closes {
            canon.push(' ');
        }
        tight = opens;
        match token.kind {
            Kind::Word => canon.extend(token.text.chars().map(|it| it.to_ascii_lowercase())),
            Kind::Quoted => canon.push_str(&name(&unquote::ident(token.text))),
            _ => canon.push_str(token.text),
        }
    }
    canon
}

/// A name in canonical text: quotes only where it would not be itself without.
fn name(name: &str) -> String {
    sql::quote(&Ident::new(name)).into_owned()
}

pub(super) fn columns_in(expr: &Expr) -> Vec<Ident> {
    let mut columns: Vec<Ident> = Vec::new();
    for path in sql::tokens::paths(expr.text()) {
        let keyword =
            path.parts.len() == 1 && !path.quoted && path.parts.iter().any(|(it, _)| is_word_of_sql(it.as_str()));
        if let Some(column) = path.column().filter(|it| !keyword && !columns.contains(it)) {
            columns.push(column.clone());
        }
    }
    columns
}

/// A keyword that cannot be a column without quotes, or a word that stands between operands.
fn is_word_of_sql(word: &str) -> bool {
    sql::is_keyword(word)
        || matches!(
            word,
            "at" | "between"
                | "is"
                | "isnull"
                | "notnull"
                | "like"
                | "ilike"
                | "similar"
                | "escape"
                | "zone"
                | "unknown"
        )
}

pub(super) fn rename_in(it: &Expr, from: &Ident, to: &Ident) -> Expr {
    let renamed = sql::tokens::rename_column(it.text(), from, to);
    if renamed == it.text() { it.clone() } else { expr(&renamed) }
}
