//! `lockkeeper plan`: the way from one schema to another, printed or written as migration files.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, anyhow, bail};
use clap::ValueEnum;

use super::{
    Outcome,
    inputs::{Inputs, Loaded},
    print,
};
use crate::{
    export::{self, Document, ExportContext, FORMATS, Format as FileFormat, OutFile, Staging, Tool, json, markdown},
    plan::Plan,
    project::{self, NewFile, Project, Settings, read_folder},
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
    if plan.phases.is_empty() {
        return "Nothing to do.\n".to_owned();
    }
    plan.to_string()
}

/// Writes the plan's files and returns their paths.
fn write(args: &Args, loaded: &Loaded, plan: &Plan) -> Result<Vec<PathBuf>> {
    let project = &loaded.project;
    let format = file_format(args.tool.as_deref(), project)?;
    let dir = match (&args.out, project.migrations()) {
        (Some(dir), _) => dir.clone(),
        (None, Some(migrations)) => project.root.join(&migrations.dir),
        (None, None) => project.root.join("migrations"),
    };
    let mut names = read_folder(&dir, format.tool)?.names;
    if names.is_empty()
        && let Some(migrations) = project.migrations().filter(|it| it.tool == format.tool)
    {
        names.clone_from(&migrations.names);
    }
    let now = now();
    let ctx = ExportContext {
        format,
        names: &names,
        now: Some(&now),
        timestamps: wants_timestamps(&project.settings),
        from: &loaded.before.label,
        to: &loaded.after.label,
    };
    let staging = if args.all_phases { Staging::All } else { Staging::First };
    place(&dir, export::render(plan, loaded.dialect, &ctx, staging))
}

/// The format that was asked for; `sql` and none at all mean the shape that the project's own tool reads.
fn file_format(asked: Option<&str>, project: &Project) -> Result<&'static FileFormat> {
    let own = project.migrations().map(|it| it.tool);
    let tool = match asked {
        Some("sql") if own == Some(Tool::Flyway) => Tool::Plain,
        None | Some("sql") => own.unwrap_or(Tool::Plain),
        Some(name) => {
            let known = || FORMATS.iter().map(|it| it.name).collect::<Vec<_>>().join(", ");
            return FileFormat::by_name(name)
                .with_context(|| format!("--as {name}: unknown; files can be written as {}", known()));
        }
    };
    FileFormat::of(tool).with_context(|| {
        let name = tool.name();
        format!("the project's migrations are {name}'s, which Lockkeeper reads but does not write: name a format with --as and a folder with --out")
    })
}

fn wants_timestamps(settings: &Settings) -> bool {
    settings.versions == Some(project::Versions::Timestamps)
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
    let files = export::advance(&document, &folder.names, &texts, Some(&now()))
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

/// The time as `YYYYMMDDHHMMSS`, UTC.
fn now() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs());
    let (day, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(day);
    format!("{year:04}{month:02}{day:02}{:02}{:02}{:02}", second / 3600, second / 60 % 60, second % 60)
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar.
fn date(days: u64) -> (u64, u64, u64) {
    // Counted in eras of 400 years that begin on 1 March of the year 0, so that a leap day ends a year.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn days_become_dates() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(19_782), (2024, 2, 29));
        assert_eq!(date(20_778), (2026, 11, 21));
        assert_eq!(date(47_541), (2100, 3, 1));
    }
}
