//! `lockkeeper lint`: hazards in migration files.

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::ValueEnum;

use super::{Outcome, inputs, json, print};
use crate::{
    catalog::{Catalog, Source, replay},
    dialect::Dialect,
    export::Tool,
    lint::{LintInput, RULES, lint},
    plan::Facts,
    project::{Baseline, LineIndex, Overlay, Project, SourceFile, Spec},
    sql::{Runs, Severity},
};

/// Look for hazards in migration files; leaves with 1 when there is a warning or an error
#[derive(clap::Args)]
pub struct Args {
    /// Migration files in the order in which they run [default: all of the project's]
    files: Vec<PathBuf>,
    /// The schema as it was before the first file [default: what the migrations before it make]
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    #[command(flatten)]
    server: inputs::Server,
    #[arg(long, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
    Sarif,
    Github,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let here = std::env::current_dir().context("cannot tell the current folder")?;
    let project = Project::open(&Project::find_root(&here), Overlay::new())?;
    let (dialect, facts) = args.server.settle(&project)?;
    let (base, files) = files(args, &project, &here)?;
    let report = json::Lint { version: 1, files: judge(base, &files, dialect, &facts) };
    match args.format {
        Format::Json => print::out_json(&report)?,
        Format::Text => print::out(&text(&report))?,
        Format::Github => print::out(&github(&report))?,
        Format::Sarif => print::out_json(&sarif(&report))?,
    }
    let findings = report.files.iter().flat_map(|it| &it.findings);
    let counts = findings.filter(|it| it.severity == "warning" || it.severity == "error").count();
    Ok(if counts == 0 { Outcome::Fine } else { Outcome::Findings })
}

/// A file to judge, with how it runs.
struct Judged {
    file: SourceFile,
    runs: Runs,
    /// Name in messages: relative to the current folder.
    name: String,
}

/// The catalog before the first file, and the files.
fn files(args: &Args, project: &Project, here: &Path) -> Result<(Catalog, Vec<Judged>)> {
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
    let mut judged = Vec::new();
    for path in &paths {
        let file = project.file(path)?;
        let absolute = std::path::absolute(path).with_context(|| format!("cannot resolve {}", path.display()))?;
        let runs = runs(project, &absolute)?;
        let name = path.strip_prefix(here).unwrap_or(path).display().to_string();
        judged.push(Judged { file, runs, name });
    }
    let base = match (schema, paths.first()) {
        (Some(schema), _) => schema,
        (None, Some(first)) if !args.files.is_empty() => {
            let own = first.canonicalize().with_context(|| format!("cannot read {}", first.display()))?;
            let mut earlier = project.migration_sources()?;
            earlier.truncate(ups.iter().position(|it| *it == own).unwrap_or(earlier.len()));
            Baseline::replayed(earlier, String::new()).catalog
        }
        _ => Catalog::new(),
    };
    Ok((base, judged))
}

/// How the tool runs the file. Without a tool: each statement on its own.
fn runs(project: &Project, path: &Path) -> Result<Runs> {
    let tool = project.migrations().map_or(Tool::Plain, |it| it.tool);
    Ok(tool.runs(&project.read(path)?, project.config_beside(path).as_deref()))
}

fn judge(base: Catalog, files: &[Judged], dialect: &dyn Dialect, facts: &Facts) -> Vec<json::LintFile> {
    let mut catalog = base;
    let mut out = Vec::new();
    for Judged { file, runs, name } in files {
        let input =
            LintInput { dialect, text: &file.text, statements: &file.statements, before: &catalog, facts, runs: *runs };
        let place = Places { text: &file.text, lines: LineIndex::new(&file.text) };
        let mut findings: Vec<(usize, json::Finding)> = Vec::new();
        for it in &file.problems {
            findings.push((it.range.start, place.finding("syntax", it.severity, &it.range, &it.message, false)));
        }
        for it in lint(&input) {
            findings.push((it.range.start, place.finding(it.rule, it.severity, &it.range, &it.message, it.fixable)));
        }
        findings.sort_by_key(|it| it.0);
        let findings = findings.into_iter().map(|it| it.1).collect();
        out.push(json::LintFile { path: name.clone(), findings });
        catalog = replay(catalog, &[Source { statements: file.statements.clone() }]).catalog;
    }
    out
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
        }
    }
}

fn text(report: &json::Lint) -> String {
    let mut out = String::new();
    let mut count = 0;
    for file in &report.files {
        for it in &file.findings {
            count += 1;
            let (path, line, column) = (&file.path, it.line, it.column);
            out.push_str(&format!("{path}:{line}:{column}: {}: {} ({})\n", it.severity, it.message, it.rule));
        }
    }
    let files = report.files.len();
    out.push_str(&format!(
        "{count} finding{} in {files} file{}\n",
        if count == 1 { "" } else { "s" },
        if files == 1 { "" } else { "s" }
    ));
    out
}

/// Workflow commands of GitHub Actions.
fn github(report: &json::Lint) -> String {
    let escape = |it: &str| it.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let mut out = String::new();
    for file in &report.files {
        for it in &file.findings {
            let level = match it.severity.as_str() {
                "error" => "error",
                "warning" => "warning",
                _ => "notice",
            };
            let path = escape(&file.path).replace(':', "%3A").replace(',', "%2C");
            out.push_str(&format!(
                "::{level} file={path},line={},endLine={},col={},title={}::{}\n",
                it.line,
                it.end_line,
                it.column,
                it.rule,
                escape(&it.message)
            ));
        }
    }
    out
}

/// SARIF 2.1.0.
fn sarif(report: &json::Lint) -> serde_json::Value {
    let rules: Vec<_> = RULES
        .iter()
        .map(|it| {
            serde_json::json!({ "id": it.code, "name": it.page.title(), "shortDescription": { "text": it.page.summary() } })
        })
        .collect();
    let mut results = Vec::new();
    for file in &report.files {
        for it in &file.findings {
            let level = match it.severity.as_str() {
                "error" => "error",
                "warning" => "warning",
                _ => "note",
            };
            let region = serde_json::json!({
                "startLine": it.line, "startColumn": it.column, "endLine": it.end_line, "endColumn": it.end_column
            });
            results.push(serde_json::json!({
                "ruleId": it.rule, "level": level, "message": { "text": it.message },
                "locations": [{ "physicalLocation": { "artifactLocation": { "uri": file.path }, "region": region } }]
            }));
        }
    }
    let driver = serde_json::json!({ "name": "lockkeeper", "version": env!("CARGO_PKG_VERSION"), "rules": rules });
    serde_json::json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
        "runs": [{ "tool": { "driver": driver }, "columnKind": "unicodeCodePoints", "results": results }]
    })
}
