//! The language server: protocol in, protocol out, and the loop in between.
//!
//! May use every room. The protocol's types stay in this room; what an editor is told is decided in `copilot`.
//!
//! Edits become [`events::Event`]s for one thread, the [`analyst`], which owns all state. It hands out immutable
//! [`view::View`]s; a request waits for the view that holds every edit sent before it, and works on that. Long work runs
//! on blocking threads. A panic ends the request, or the stage, in which it happens. Logs go to stderr.

mod analyst;
mod client;
mod edits;
mod events;
mod files;
mod from_proto;
mod handlers;
mod publisher;
mod server;
mod to_proto;
mod view;
mod watching;
mod wire;
mod workspace;

use anyhow::Context;
use tower_lsp_server::{LspService, Server as Transport};

pub use server::Server;

/// Requests in work at the same time; more wait. High, because a waiting request costs nothing and must never keep a
/// cancellation or an edit from being read.
const CONCURRENCY: usize = 256;

/// Serves one client on stdin and stdout until it says goodbye or goes away.
pub fn run() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.context("the language server cannot start its threads")?;
    runtime.block_on(serve(tokio::io::stdin(), tokio::io::stdout()));
    // Reading stdin cannot be interrupted: waiting for it would keep the process alive after `exit`.
    runtime.shutdown_background();
    Ok(())
}

/// Serves one client on any pair of streams.
pub async fn serve(input: impl tokio::io::AsyncRead + Unpin, output: impl tokio::io::AsyncWrite) {
    let (service, socket) = LspService::new(Server::new);
    Transport::new(input, output, socket).concurrency_level(CONCURRENCY).serve(service).await;
}
