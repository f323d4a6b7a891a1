//! Read-only queries for pre-flight and verification.
use super::Probe;
use crate::plan::Check;
pub(super) fn check(_probe: &Probe) -> Check {
    todo!()
}
