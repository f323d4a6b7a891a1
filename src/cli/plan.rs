//! `lockkeeper plan`: the way from one schema to another, printed or written as migration files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use clap::ValueEnum;

use super::{
    Outcome,
    inputs::{Inputs, Loaded},
    print,
};
use crate::{
    export::{self, Document, Format as FileFormat, OutFile, Staging, Tool, json, markdown},
    plan::Plan,
    project::{self, NewFile, read_folder},
};

/// Plan the way from one schema to another; with --out or --as, write its files
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    inputs: Inputs,
    /// How the plan is printed
    #[arg(long, default_value = "text")]
    format: Format,
    /// Write files, for this tool [default: the project's own]
    #[arg(long = "as", value_name = "TOOL")]
    tool: Option<String>,
    /// Write files, into this folder [default: the project's migrations, else `migrations`]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write the files of every phase, for a pipeline with gates of its own
    #[arg(long)]
    all_phases: bool,
    /// Write the next phase of a plan that was begun
    #[arg(long, value_name = "PLAN.md", conflicts_with_all = ["from", "to", "out", "tool", "all_phases"])]
    advance: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Markdown,
}

pub fn run(args: &Args) -> Result<Outcome> {
    if let Some(document) = &args.advance {
        return advance(document);
    }
    let writes = args.out.is_some() || args.tool.is_some() || args.all_phases;
    let loaded = args.inputs.load(writes)?;
    let plan = loaded.plan()?;
    if writes {
        let files = write(args, &loaded, &plan)?;
        tell(&files, args.format)?;
        return Ok(Outcome::Fine);
    }
    match args.format {
        Format::Json => print::out_json(&json::Plan::new(&plan, loaded.dialect))?,
        Format::Text => print::out(&print::coloured(&text(&plan)))?,
        Format::Markdown => print::out(&markdown::plan(&json::Plan::new(&plan, loaded.dialect)))?,
    }
    Ok(Outcome::Fine)
}

fn text(plan: &Plan) -> String {
    match (plan.phases.is_empty(), plan.changes.is_empty()) {
        (true, true) => "Nothing to do.\n".to_owned(),
        (true, false) => format!("{plan}Nothing is planned.\n"),
        _ => plan.to_string(),
    }
}

/// Writes the plan's files and returns their paths.
fn write(args: &Args, loaded: &Loaded, plan: &Plan) -> Result<Vec<PathBuf>> {
    let target = loaded.project.target(args.tool.as_deref(), args.out.as_deref())?;
    let now = project::now();
    let ctx = target.context(&now, &loaded.before.label, &loaded.after.label);
    let staging = if args.all_phases { Staging::All } else { Staging::First };
    place(&target.dir, export::render(plan, loaded.dialect, &ctx, staging))
}

/// `lockkeeper plan --advance PLAN.md`.
fn advance(path: &Path) -> Result<Outcome> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = project::decode(bytes, &path.display().to_string())?;
    let Some(document) = Document::parse(&text) else {
        bail!("{}: carries no plan of Lockkeeper's (the comment `lockkeeper-plan` at its end)", path.display());
    };
    let dir = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let tool = FileFormat::by_name(&document.format).map_or(Tool::Plain, |it| it.tool);
    let folder = read_folder(dir, tool)?;
    let texts: Vec<(String, &str)> = folder.texts.iter().map(|(name, text)| (name.clone(), text.as_str())).collect();
    let files = export::advance(&document, &folder.names, &texts, Some(&project::now()))
        .map_err(|why| anyhow!("{}: {why}", path.display()))?;
    let files = place(dir, files)?;
    tell(&files, Format::Text)?;
    Ok(Outcome::Fine)
}

/// Writes files below a folder, all or none.
fn place(dir: &Path, files: Vec<OutFile>) -> Result<Vec<PathBuf>> {
    let files: Vec<NewFile> =
        files.into_iter().map(|it| NewFile { path: dir.join(it.path), contents: it.contents }).collect();
    project::write_new(&files)?;
    Ok(files.into_iter().map(|it| it.path).collect())
}

/// Says what was written.
fn tell(files: &[PathBuf], format: Format) -> Result<()> {
    let names: Vec<String> = files.iter().map(|it| it.display().to_string()).collect();
    match format {
        Format::Json => print::out_json(&serde_json::json!({ "version": json::VERSION, "files": names })),
        _ if names.is_empty() => print::out("Nothing to do.\n"),
        _ => print::out(&names.iter().map(|it| format!("{it}\n")).collect::<String>()),
    }
}
