//! `lockkeeper stats`: how large production's tables are, for findings and estimates.

use std::path::PathBuf;

use anyhow::Result;

use super::{Outcome, print};
use crate::{
    project::{NewFile, Stats, TableStats, replace, write_new},
    shadow::sizes,
};

/// Write lockkeeper.stats.json from a server's own statistics: rows and bytes of each table. No row is read
#[derive(clap::Args)]
pub struct Args {
    /// The database; it is only read from
    url: String,
    /// The file to write, in place of what it says [default: stdout]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let mut stats = Stats::default();
    for it in sizes::read(&args.url)? {
        stats.add(&it.schema, &it.name, TableStats { rows: it.rows, bytes: Some(it.bytes) });
    }
    let contents = stats.text()?;
    match &args.out {
        None => print::out(&contents)?,
        Some(path) if path.exists() => replace(&[NewFile { path: path.clone(), contents }], &[])?,
        Some(path) => write_new(&[NewFile { path: path.clone(), contents }])?,
    }
    Ok(Outcome::Fine)
}
