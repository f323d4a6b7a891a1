//! From [`Ddl`] to SQL text.
use crate::sql::{DataType, Ddl, Ident, Name};
use std::borrow::Cow;
pub(super) fn quote(_ident: &Ident) -> Cow<'_, str> {
    todo!()
}
pub(super) fn name(_name: &Name) -> String {
    todo!()
}
pub(super) fn literal(_text: &str) -> String {
    todo!()
}
pub(super) fn data_type(_ty: &DataType) -> String {
    todo!()
}
pub(super) fn ddl(_ddl: &Ddl) -> String {
    todo!()
}
