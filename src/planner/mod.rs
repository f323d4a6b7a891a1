//! From changes to a [`Plan`]: order, phases, transactions, locks, undo.
//!
//! May use `catalog`, `plan`, `dialect` and `changes`.

use crate::{changes, plan::Plan};

/// Which changes a plan is for; by id.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Empty: all.
    pub only: Vec<String>,
    pub exclude: Vec<String>,
}

/// Plans the way from `input.before` to `input.after`. Pure and deterministic.
pub fn plan(_input: changes::Input<'_>, _selection: &Selection) -> Plan {
    todo!()
}
