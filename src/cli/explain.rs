//! `lockkeeper explain FILE`: what each statement locks and whom it keeps waiting.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::{
    Outcome,
    inputs::{self, refuse_errors},
    print,
};
use crate::{
    catalog::{ApplyError, Catalog},
    changes,
    dialect::{Dialect, Impact},
    lint,
    plan::{Facts, LockMode},
    project::{Baseline, LineIndex, Overlay, Project, Spec},
    sql::Statement,
};

/// Explain a rule, a kind of change, or every statement of a file
#[derive(clap::Args)]
pub struct Args {
    /// A rule's code, a kind of change (`rename_column`), `hazards` for the table of all, or a file
    #[arg(value_name = "RULE|hazards|FILE")]
    what: String,
    /// The schema as it was before the file ran [default: what the project says]
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    #[command(flatten)]
    server: inputs::Server,
}

pub fn run(args: &Args) -> Result<Outcome> {
    if args.what == "hazards" {
        print::out(&lint::hazards::table())?;
        return Ok(Outcome::Fine);
    }
    let path = Path::new(&args.what);
    if let Some(page) = lint::explain(&args.what).copied().or_else(|| changes::page(&args.what)) {
        print::out(&page.text())?;
        return Ok(Outcome::Fine);
    }
    if !path.exists() {
        bail!("{} is neither a file nor the name of a rule or change", args.what);
    }
    explain_file(args, path)?;
    Ok(Outcome::Fine)
}

fn explain_file(args: &Args, path: &Path) -> Result<()> {
    let project = Project::open(&Project::find_root(&std::env::current_dir()?), Overlay::new())?;
    let (dialect, facts) = args.server.settle(&project)?;
    let mut catalog = match &args.schema {
        Some(schema) => {
            let before = project.baseline(&Spec::Path(schema.clone()))?;
            refuse_errors(&before)?;
            before.catalog
        }
        None => before_file(&project, path)?,
    };
    let file = project.file(path)?;
    let mut out = String::new();
    let lines = LineIndex::new(&file.text);
    for statement in file.statements.iter() {
        let (line, _) = lines.line_column(&file.text, statement.range.start);
        out.push_str(&format!("{line}: "));
        out.push_str(&explain(statement, &file.text, dialect, &mut catalog, &facts));
    }
    for problem in file.locate(file.problems.iter()) {
        print::note(&problem.to_string());
    }
    print::out(&out)
}

/// The catalog that a file finds: a migration that of the migrations before it, any other file that of all migrations.
fn before_file(project: &Project, path: &Path) -> Result<Catalog> {
    let Some(migrations) = project.migrations() else { return Ok(Catalog::new()) };
    let own = path.canonicalize()?;
    let mut sources = project.migration_sources()?;
    if let Some(at) = migrations.files.iter().position(|it| project.root.join(&it.up) == own) {
        sources.truncate(at);
    }
    Ok(Baseline::replayed(sources, String::new()).catalog)
}

/// A statement in words; afterwards the catalog is as the statement leaves it.
fn explain(statement: &Statement, text: &str, dialect: &dyn Dialect, catalog: &mut Catalog, facts: &Facts) -> String {
    let sql = text.get(statement.range.clone()).unwrap_or_default();
    let mut out = format!("{}\n", first_line(sql));
    for ddl in &statement.parsed.ddl {
        let impact = dialect.lock_of(ddl, catalog, facts);
        out.push_str(&impact_lines(&impact));
        if let Some(estimate) = impact.estimate(ddl, catalog, facts) {
            out.push_str(&format!("    estimate: {estimate}\n"));
        }
        if let Err(ApplyError::Missing(why) | ApplyError::Refused(why)) = catalog.apply(ddl) {
            out.push_str(&format!("    {why}\n"));
        }
    }
    out
}

fn first_line(sql: &str) -> String {
    let mut lines = sql.lines();
    let first = lines.next().unwrap_or_default().trim_end();
    if lines.next().is_some() { format!("{first} …") } else { first.to_owned() }
}

fn impact_lines(impact: &Impact) -> String {
    let mut out = String::new();
    for lock in &impact.locks {
        out.push_str(&format!("    {} on {}: {}\n", lock.mode.as_str(), lock.object, blocks(lock.mode)));
    }
    for (names, what) in [
        (&impact.rewrites, "writes every row anew of"),
        (&impact.scans, "reads every row of"),
        (&impact.builds, "builds index"),
    ] {
        for name in names {
            out.push_str(&format!("    {what} {name} under the lock\n"));
        }
    }
    if let Some(why) = &impact.refused {
        out.push_str(&format!("    the server will refuse it: {why}\n"));
    }
    out
}

/// Whom a lock keeps waiting (manual 13.3.1).
fn blocks(mode: LockMode) -> &'static str {
    match mode {
        _ if mode.blocks_reads() => "everybody waits, readers too",
        _ if mode.blocks_writes() => "writers wait, readers do not",
        LockMode::ShareUpdateExclusive => "other schema changes and VACUUM wait, readers and writers do not",
        _ => "nobody waits but those who need the table for themselves",
    }
}
