//! `lockkeeper plan`: the way from one schema to another, printed or written as migration files.

use anyhow::Result;
use clap::ValueEnum;

use super::{Outcome, inputs::Inputs, print};
use crate::{export::json, plan::Plan};

/// Plan the way from one schema to another
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    inputs: Inputs,
    #[arg(long, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
    Markdown,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let loaded = args.inputs.load(false)?;
    let plan = loaded.plan()?;
    match args.format {
        Format::Json => print::out_json(&json::Plan::new(&plan, loaded.dialect))?,
        Format::Text => print::out(&print::coloured(&text(&plan)))?,
        Format::Markdown => print::out(&text(&plan))?,
    }
    Ok(Outcome::Fine)
}

fn text(plan: &Plan) -> String {
    if plan.phases.is_empty() {
        return "Nothing to do.\n".to_owned();
    }
    plan.to_string()
}
