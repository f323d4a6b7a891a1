//! What each statement locks, rewrites and scans, as measured on servers 13 to 18.
use super::Impact;
use crate::{catalog::Catalog, plan::Facts, sql::Ddl};
pub(super) fn lock_of(_ddl: &Ddl, _before: &Catalog, _facts: &Facts) -> Impact {
    todo!()
}
