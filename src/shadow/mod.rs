//! Real servers: finding and starting one, reading a live database, running a plan on a shadow database and proving it.
//!
//! May use every pure room. The database driver stays in here. Deliberately not here: anything that touches a
//! database the user did not name, and any SQL of a workspace run as superuser.

pub mod account;
pub mod build;
pub mod checksums;
pub mod cluster;
pub mod connect;
pub mod find;
pub mod introspect;
pub mod live;
pub mod locks;
pub mod report;
pub mod rows;
pub mod run;
pub mod server;
pub mod sizes;
pub mod verify;

use std::future::Future;

use anyhow::{Context, Result};

/// Runs something of this room to its end, for callers without a runtime of their own.
pub fn block_on<F: Future>(future: F) -> Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    Ok(runtime.context("cannot start the runtime for database connections")?.block_on(future))
}
