//! The dual-write trigger.
use crate::{plan::Sync, sql::Ddl};
pub(super) fn sync(_sync: &Sync) -> Vec<Ddl> {
    todo!()
}
