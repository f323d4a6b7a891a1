//! The command line: one file per subcommand.
//!
//! May use every room. Exit status: 0 fine, 1 findings or a failed verification, 2 bad usage or input, with one line
//! on stderr that names file, line and cause.

mod diff;
mod explain;
mod inputs;
mod json;
mod lint;
mod lsp;
mod plan;
mod print;
mod stats;
mod verify;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Phased, reversible, zero-downtime schema migrations from a schema file and its history.
#[derive(Parser)]
#[command(name = "lockkeeper", version, about, max_term_width = 120)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Plan(plan::Args),
    Diff(diff::Args),
    Verify(verify::Args),
    Lint(lint::Args),
    Explain(explain::Args),
    Stats(stats::Args),
    Lsp(lsp::Args),
}

/// How a command that ran to its end came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Fine,
    /// Findings, or a verification that failed.
    Findings,
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    // clap itself leaves with 2 on bad usage and with 0 after --help.
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Plan(args) => plan::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Lint(args) => lint::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Stats(args) => stats::run(&args),
        Command::Lsp(args) => lsp::run(&args),
    };
    finish(result)
}

fn finish(result: Result<Outcome>) -> ExitCode {
    match result {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Err(error) if print::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let line = format!("{error:#}").lines().map(str::trim).collect::<Vec<_>>().join(" ");
            eprintln!("lockkeeper: {line}");
            ExitCode::from(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
