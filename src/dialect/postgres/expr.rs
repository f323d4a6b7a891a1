//! Expressions: canonical form, columns, renaming.
use crate::sql::{Expr, Ident};
pub(super) fn expr(_text: &str) -> Expr {
    todo!()
}
pub(super) fn query(_text: &str) -> Expr {
    todo!()
}
pub(super) fn columns_in(_expr: &Expr) -> Vec<Ident> {
    todo!()
}
pub(super) fn rename_in(_expr: &Expr, _from: &Ident, _to: &Ident) -> Expr {
    todo!()
}
