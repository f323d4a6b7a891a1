//! `lockkeeper lint`: hazards in migration files.

mod github;
mod gitlab;
mod mend;
mod sarif;
mod text;

use std::{
    collections::BTreeMap,
    io::Read,
    ops::Range,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use super::{Outcome, inputs, json, print};
use crate::{
    catalog::{Catalog, Source, replay},
    dialect::Dialect,
    export::Tool,
    lint::{
        Around, Config, Down, Earlier, EarlierFile, LintInput, Standing, is_about_rollback, lint_with, needs_files,
        phase,
    },
    plan::Facts,
    project::{self, Baseline, LineIndex, Overlay, Project, SourceFile, Spec},
    sql::{Runs, Severity},
};

/// Look for hazards in migration files; leaves with 1 when there is a warning or an error
#[derive(clap::Args)]
pub struct Args {
    /// Migration files in the order in which they run; `-` is stdin [default: all of the project's]
    files: Vec<PathBuf>,
    /// The schema as it was before the first file [default: what the migrations before it make]
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    #[command(flatten)]
    server: inputs::Server,
    #[arg(long, default_value = "text")]
    format: Format,
    /// Only what is new since a git revision: files that came or changed, and in these the statements that came
    #[arg(long, value_name = "REV")]
    since: Option<String>,
    /// Change the files where an edit takes a finding away and the schema ends the same
    #[arg(long)]
    fix: bool,
    /// Statements that lose data have been agreed to: they fail nothing
    #[arg(long)]
    allow_destructive: bool,
    /// What stdin is called, and where in the project it stands
    #[arg(long, value_name = "PATH")]
    stdin_filename: Option<PathBuf>,
    /// Colours in the text form
    #[arg(long, default_value = "auto", value_name = "WHEN")]
    color: Colour,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
    Sarif,
    Github,
    Gitlab,
}

#[derive(Clone, Copy, ValueEnum)]
enum Colour {
    Auto,
    Always,
    Never,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let here = std::env::current_dir().context("cannot tell the current folder")?;
    let project = Project::open(&Project::find_root(&here), stdin(args)?)?;
    let (dialect, facts) = args.server.settle(&project)?;
    let (base, mut files) = files(args, &project, &here)?;
    if let Some(rev) = &args.since {
        keep_new(&project, rev, dialect, &mut files)?;
    }
    let tool = project.migrations().map_or(Tool::Plain, |it| it.tool);
    let mender = args.fix.then_some(mend::Mender { dialect, facts: &facts, tool });
    let report = json::Lint { version: 1, files: judge(base, &mut files, dialect, &facts, mender)? };
    match args.format {
        Format::Json => print::out_json(&report)?,
        Format::Text => print::out(&text(&report, &files, args.color))?,
        Format::Github => print::out(&github::annotations(&report))?,
        Format::Sarif => print::out_json(&sarif::log(&report))?,
        Format::Gitlab => print::out_json(&gitlab::report(&report))?,
    }
    let findings = report.files.iter().flat_map(|it| &it.findings);
    let counts = findings.filter(|it| it.severity == "warning" || it.severity == "error").count();
    Ok(if counts == 0 { Outcome::Fine } else { Outcome::Findings })
}

/// What comes on stdin, as the buffer of the file that it stands for.
fn stdin(args: &Args) -> Result<Overlay> {
    if !args.files.iter().any(|it| it.as_os_str() == "-") {
        return Ok(Overlay::new());
    }
    let name = stdin_name(args);
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes).context("cannot read stdin")?;
    let text = project::decode(bytes, &name.display().to_string())?;
    let path = std::path::absolute(name).with_context(|| format!("cannot resolve {}", name.display()))?;
    let folder = path.parent().and_then(|it| it.canonicalize().ok());
    let path = folder.zip(path.file_name()).map_or(path.clone(), |(folder, name)| folder.join(name));
    Ok(Overlay::from([(path, text)]))
}

fn stdin_name(args: &Args) -> &Path {
    args.stdin_filename.as_deref().unwrap_or(Path::new("stdin.sql"))
}

/// A file to judge, with how it runs.
struct Judged {
    file: SourceFile,
    /// As it is on disk; the parts that do not run forward among it.
    raw: Arc<str>,
    runs: Runs,
    /// The settings of the tool beside it.
    tool_config: Option<String>,
    config: Config,
    /// Absolute.
    path: PathBuf,
    /// Name in messages: relative to the current folder.
    name: String,
    /// Its statements at the revision that `--since` names. `None`: it is new, or nobody asked.
    known: Option<Vec<String>>,
    /// The files around it, when it is one of the project's migrations.
    around: Option<Around>,
    /// It is to be told of.
    wanted: bool,
}

/// What stands before the first file: the schema, and who made it.
type Base = (Catalog, Arc<Earlier>);

/// What stands before the first file, and the files.
fn files(args: &Args, project: &Project, here: &Path) -> Result<(Base, Vec<Judged>)> {
    let schema = match &args.schema {
        Some(schema) => {
            let before = project.baseline(&Spec::Path(schema.clone()))?;
            inputs::refuse_errors(&before)?;
            Some(before.catalog)
        }
        None => None,
    };
    let migrations = project.migrations();
    let ups: Vec<PathBuf> =
        migrations.map(|it| it.files.iter().map(|it| project.root.join(&it.up)).collect()).unwrap_or_default();
    let paths = if args.files.is_empty() { ups.clone() } else { args.files.clone() };
    if args.fix && args.files.is_empty() && args.since.is_none() {
        bail!(
            "--fix: name the files to change, or say since when with --since: migrations that have run stay as they are"
        );
    }
    let kept = project.keeps_ways_down();
    let mut judged = Vec::new();
    let mut read = Vec::new();
    for path in &paths {
        if args.fix {
            mend::refuse_stdin(path)?;
        }
        let path = if path.as_os_str() == "-" { stdin_name(args) } else { path };
        read.push(text_of(project, path, here, kept)?);
    }
    let standings = project.standings()?;
    let texts: Vec<(PathBuf, Arc<str>)> = read.iter().map(|it| (it.path.clone(), it.raw.clone())).collect();
    for (file, read) in project::parse_all(project.dialect()?, &texts).into_iter().zip(read) {
        judged.push(one(args, project, &standings, file, read, here));
    }
    let mut earlier = Earlier::default();
    let base = match (schema, judged.first()) {
        (Some(schema), _) => schema,
        (None, Some(first)) if !args.files.is_empty() => {
            let before = ups.iter().position(|it| *it == first.path).unwrap_or(ups.len());
            let sources = project.first_migration_sources(before)?;
            for it in &sources {
                let relative = it.path.strip_prefix(&project.root).unwrap_or(&it.path);
                let pending = standings.get(relative).is_some_and(|it| it.pending);
                earlier.note(EarlierFile { name: shown(&it.path, here), pending }, &it.text, &it.statements);
            }
            Baseline::replayed(sources, String::new()).catalog
        }
        _ => Catalog::new(),
    };
    Ok(((base, Arc::new(earlier)), judged))
}

/// A file as it was named and read.
struct Text {
    path: PathBuf,
    absolute: PathBuf,
    raw: Arc<str>,
    down: Down,
}

fn text_of(project: &Project, path: &Path, here: &Path, kept: bool) -> Result<Text> {
    let absolute = std::path::absolute(path).with_context(|| format!("cannot resolve {}", path.display()))?;
    // What is on stdin need not be on disk.
    let folder = absolute.parent().and_then(|it| it.canonicalize().ok());
    let beside = folder.zip(absolute.file_name()).map(|(folder, name)| folder.join(name));
    let absolute = absolute.canonicalize().ok().or(beside).unwrap_or(absolute);
    let raw = project.read(&absolute).map_err(|error| match path.is_absolute() {
        true => error,
        false => {
            anyhow::anyhow!("{}", format!("{error:#}").replace(&absolute.display().to_string(), &shown(path, here)))
        }
    })?;
    let down = project.way_down(&absolute, kept)?;
    Ok(Text { path: path.to_path_buf(), absolute, raw, down })
}

fn one(
    args: &Args,
    project: &Project,
    standings: &BTreeMap<PathBuf, Standing>,
    file: SourceFile,
    text: Text,
    here: &Path,
) -> Judged {
    let Text { path, absolute, raw, down } = text;
    let tool = project.migrations().map_or(Tool::Plain, |it| it.tool);
    let tool_config = project.config_beside(&absolute);
    let mut config = project.lint_config(&absolute);
    config.allow_destructive |= args.allow_destructive;
    let standing = absolute.strip_prefix(&project.root).ok().and_then(|it| standings.get(it));
    Judged {
        around: standing.map(|it| Around { standing: Arc::new(it.clone()), down, earlier: Arc::default() }),
        runs: tool.runs(&raw, tool_config.as_deref()),
        file,
        raw,
        tool_config,
        config,
        name: shown(&path, here),
        path: absolute,
        known: None,
        wanted: true,
    }
}

/// A path as people and other tools know it: from here, with nothing that leads nowhere.
fn shown(path: &Path, here: &Path) -> String {
    let path = path.strip_prefix(here).unwrap_or(path);
    let clean: PathBuf = path.components().filter(|it| *it != Component::CurDir).collect();
    clean.display().to_string()
}

/// Leaves out of the report what a git revision has already.
fn keep_new(project: &Project, rev: &str, dialect: &dyn Dialect, files: &mut [Judged]) -> Result<()> {
    let relative = |it: &Judged| it.path.strip_prefix(&project.root).map(Path::to_path_buf).ok();
    let paths: Vec<PathBuf> = files.iter().filter_map(relative).collect();
    let old = project.texts_at(rev, &paths)?;
    for file in files {
        let Some(text) = relative(file).and_then(|it| old.get(&it)) else { continue };
        file.wanted = *text != file.raw;
        file.known = Some(project::parse(dialect, &file.path, text).texts());
    }
    Ok(())
}

/// Judges the files one after the other, each on the catalog that those before it leave behind. With a mender they are
/// mended before, all of them or, when one cannot be, none.
fn judge(
    base: Base,
    files: &mut [Judged],
    dialect: &dyn Dialect,
    facts: &Facts,
    mender: Option<mend::Mender<'_>>,
) -> Result<Vec<json::LintFile>> {
    let (mut catalog, mut earlier) = base;
    let mut out = Vec::new();
    let mut mended = Vec::new();
    let last = files.len().saturating_sub(1);
    for (index, judged) in files.iter_mut().enumerate() {
        // A file that the revision has may have run.
        if let Some(mender) = mender.as_ref().filter(|_| judged.wanted && judged.known.is_none()) {
            mended.extend(mender.mend(judged, &catalog)?);
        }
        if let Some(around) = &mut judged.around {
            around.earlier = Arc::clone(&earlier);
        }
        if judged.wanted {
            out.push(json::LintFile {
                path: judged.name.clone(),
                findings: findings(judged, &catalog, dialect, facts),
            });
        }
        if index == last {
            // Nobody asks for the state behind it.
            break;
        }
        let pending = match &mut judged.around {
            Some(around) => {
                around.earlier = Arc::default();
                around.standing.pending
            }
            None => false,
        };
        let file = EarlierFile { name: judged.name.clone(), pending };
        Arc::make_mut(&mut earlier).note(file, &judged.raw, &judged.file.statements);
        catalog = replay(catalog, &[Source { statements: judged.file.statements.clone() }]).catalog;
    }
    mend::write(&mended)?;
    for it in &mended {
        let name = files.iter().find(|file| file.path == it.path).map_or_else(String::new, |it| it.name.clone());
        let (count, s) = (it.fixes, if it.fixes == 1 { "" } else { "s" });
        print::note(&format!("{name}: {count} finding{s} fixed"));
    }
    Ok(out)
}

fn findings(judged: &Judged, before: &Catalog, dialect: &dyn Dialect, facts: &Facts) -> Vec<json::Finding> {
    let file = &judged.file;
    let input = LintInput {
        dialect,
        text: &file.text,
        statements: &file.statements,
        before,
        facts,
        runs: judged.runs,
        around: judged.around.as_ref(),
    };
    let place = Places { text: &file.text, lines: LineIndex::new(&file.text) };
    let mut findings: Vec<(usize, json::Finding)> = Vec::new();
    for it in file.problems.iter().filter(|_| !judged.config.silent) {
        findings.push((it.range.start, place.finding("syntax", it.severity, &it.range, &it.message, false)));
    }
    let new = new_statements(judged);
    for it in lint_with(&input, &judged.config) {
        // An edit of what is deployed is news; a way down that it lacks is not.
        let of_file = needs_files(it.rule) && (judged.known.is_none() || !is_about_rollback(it.rule));
        if of_file || new.get(it.statement).copied().unwrap_or(true) {
            findings.push((it.range.start, place.finding(it.rule, it.severity, &it.range, &it.message, it.fixable)));
        }
    }
    findings.sort_by_key(|it| it.0);
    findings.into_iter().map(|it| it.1).collect()
}

/// For each statement: is it one that the revision has not?
fn new_statements(judged: &Judged) -> Vec<bool> {
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for it in judged.known.iter().flatten() {
        *left.entry(it).or_default() += 1;
    }
    let texts = judged.file.texts();
    let new = texts.iter().map(|it| match left.get_mut(it.as_str()) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    });
    new.collect()
}

/// Puts lines and columns to findings of one file.
struct Places<'a> {
    text: &'a str,
    lines: LineIndex,
}

impl Places<'_> {
    fn finding(
        &self,
        rule: &str,
        severity: Severity,
        range: &Range<usize>,
        message: &str,
        fixable: bool,
    ) -> json::Finding {
        let (line, column) = self.lines.line_column(self.text, range.start);
        let (end_line, end_column) = self.lines.line_column(self.text, range.end);
        json::Finding {
            rule: rule.to_owned(),
            severity: severity.as_str().to_owned(),
            line,
            column,
            end_line,
            end_column,
            message: message.to_owned(),
            fixable,
            phase: phase(rule),
        }
    }
}

fn text(report: &json::Lint, files: &[Judged], colour: Colour) -> String {
    let colours = match colour {
        Colour::Auto => print::colours(),
        Colour::Always => true,
        Colour::Never => false,
    };
    let mut out = String::new();
    for (file, judged) in report.files.iter().zip(files.iter().filter(|it| it.wanted)) {
        out.push_str(&text::file(file, &judged.file.text, colours));
    }
    let count: usize = report.files.iter().map(|it| it.findings.len()).sum();
    let fixable = report.files.iter().flat_map(|it| &it.findings).filter(|it| it.fixable).count();
    let s = |count: usize| if count == 1 { "" } else { "s" };
    let files = report.files.len();
    let fixable = if fixable > 0 { format!(", {fixable} of them fixable") } else { String::new() };
    out.push_str(&format!("{count} finding{} in {files} file{}{fixable}\n", s(count), s(files)));
    out
}

/// The same for the same finding in the same file, wherever its line has moved to; `seen` tells equal ones apart.
fn fingerprint(seen: &mut BTreeMap<String, usize>, path: &str, it: &json::Finding) -> String {
    let key = format!("{path}\0{}\0{}", it.rule, it.message);
    let count = seen.entry(key.clone()).or_default();
    *count += 1;
    // FNV-1a: stable over time, which the standard library's hash does not promise.
    let hash = format!("{key}\0{count}")
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, it| (hash ^ u64::from(it)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}
