//! `lockkeeper diff`: what changed, without the way there.

use anyhow::Result;
use clap::ValueEnum;

use super::{Outcome, inputs::Inputs, json, print};
use crate::export::json::{Change, Question, VERSION};

/// Show what changed between two schemas
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    inputs: Inputs,
    #[arg(long, default_value = "text")]
    format: Format,
    /// Leave with 1 when there is a change
    #[arg(long)]
    exit_code: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
    Markdown,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let loaded = args.inputs.load(false)?;
    let diff = loaded.diff()?;
    let changes = diff.changes.iter().map(|it| it.summary()).filter(|it| loaded.is_selected(&it.id));
    let diff = json::Diff {
        version: VERSION,
        dialect: loaded.dialect.name().to_owned(),
        server_version: loaded.facts.server_version,
        changes: changes.map(|it| Change::new(&it)).collect(),
        questions: diff.questions.iter().map(Question::new).collect(),
    };
    match args.format {
        Format::Json => print::out_json(&diff)?,
        Format::Text => print::out(&text(&diff))?,
        Format::Markdown => print::out(&markdown(&diff))?,
    }
    Ok(if args.exit_code && !diff.changes.is_empty() { Outcome::Findings } else { Outcome::Fine })
}

fn text(diff: &json::Diff) -> String {
    if diff.changes.is_empty() {
        return "Nothing changed.\n".to_owned();
    }
    let width = diff.changes.iter().map(|it| it.id.chars().count()).max().unwrap_or_default();
    let lines = diff.changes.iter().map(|it| {
        let loses = if it.destructive { " (loses data)" } else { "" };
        format!("{:width$}  {}{loses}\n", it.id, it.summary)
    });
    let questions = diff.questions.iter().map(|it| {
        let state = if it.answered { "answered" } else { "assumed" };
        format!("Question: {}\n  {}: {} ({state} {})\n", it.about, it.id, it.choices.join(" | "), it.assumed)
    });
    lines.chain(questions).collect()
}

fn markdown(diff: &json::Diff) -> String {
    if diff.changes.is_empty() {
        return "Nothing changed.\n".to_owned();
    }
    let mut out = "| change | what | loses data |\n| --- | --- | --- |\n".to_owned();
    for it in &diff.changes {
        let loses = if it.destructive { "**yes**" } else { "no" };
        out.push_str(&format!("| `{}` | {} | {loses} |\n", it.id, it.summary.replace('|', "\\|")));
    }
    for it in &diff.questions {
        let state = if it.answered { "answered" } else { "open, assumed" };
        out.push_str(&format!("\n**{}** ({state}: `{}`; `--answer {}=…`)\n", it.about, it.assumed, it.id));
    }
    out
}
