//! Expressions: canonical form, columns, renaming.
use crate::sql::{Expr, Ident};
pub(super) fn expr(text: &str) -> Expr {
    query(text)
}
pub(super) fn query(text: &str) -> Expr {
    let mut canon = String::with_capacity(text.len());
    for token in super::lexer::tokens(text) {
        if !canon.is_empty() {
            canon.push(' ')
        }
        if token.kind == super::lexer::Kind::Word {
            canon.push_str(&token.text.to_ascii_lowercase())
        } else {
            canon.push_str(token.text)
        }
    }
    Expr::new(text, canon)
}
pub(super) fn columns_in(_expr: &Expr) -> Vec<Ident> {
    todo!()
}
pub(super) fn rename_in(_expr: &Expr, _from: &Ident, _to: &Ident) -> Expr {
    todo!()
}
