//! `lockkeeper lsp`: the language server on stdin and stdout.

use anyhow::Result;

use super::Outcome;
use crate::lsp;

/// Serve an editor over stdin and stdout (Language Server Protocol)
#[derive(clap::Args)]
pub struct Args {
    /// Accepted and without effect: some clients pass it to every server
    #[arg(long, hide = true)]
    stdio: bool,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let Args { stdio: _ } = args;
    lsp::run()?;
    Ok(Outcome::Fine)
}
