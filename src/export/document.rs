//! The plan document: a runbook in Markdown that carries the plan itself, for [`super::advance`].

use serde::{Deserialize, Serialize};

use super::{
    ExportContext, Format, OutFile, json, markdown,
    numbering::Numbering,
    phase_text::{PhaseText, slug, title},
};
use crate::plan::phase_of_file;

const OPEN: &str = "<!-- lockkeeper-plan\n";
const CLOSE: &str = "\n-->";

/// What a plan document knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    pub version: u32,
    /// Of the plan; the files of its phases carry it.
    pub digest: String,
    pub from: String,
    pub to: String,
    /// Name of a [`Format`].
    pub format: String,
    pub slug: String,
    /// File name of the document.
    pub name: String,
    pub plan: json::Plan,
}

/// How far a plan has been written, by the files that are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Words ([`json::Plan::word`]) of the phases whose files exist.
    pub written: Vec<String>,
    /// Index of the phase to write next; `None`: all are written.
    pub next: Option<usize>,
}

impl Document {
    pub(super) fn new(plan: json::Plan, ctx: &ExportContext<'_>, numbering: &Numbering) -> Self {
        let text = serde_json::to_string(&plan).unwrap_or_default();
        let slug = slug(&plan);
        Self {
            version: json::VERSION,
            digest: digest(&text),
            from: ctx.from.to_owned(),
            to: ctx.to.to_owned(),
            format: ctx.format.name.to_owned(),
            name: format!("{}{slug}.plan.md", numbering.group(ctx.format.tool)),
            slug,
            plan,
        }
    }

    /// Reads a document's text. `None`: it carries no plan, or one of a version not known.
    pub fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(OPEN)?;
        let (json, _) = rest.split_once(CLOSE)?;
        let document: Self = serde_json::from_str(json).ok()?;
        (document.version == json::VERSION).then_some(document)
    }

    /// Is the text a file of this plan?
    pub fn owns(&self, text: &str) -> bool {
        self.phase_of(text).is_some()
    }

    /// The phase whose file the text is.
    pub fn phase_of<'a>(&self, text: &'a str) -> Option<&'a str> {
        let (digest, phase) = phase_of_file(text)?;
        (digest == self.digest).then_some(phase)
    }

    /// How far the plan has been written, given the texts of the migration files.
    pub fn progress<'a>(&self, texts: impl Iterator<Item = &'a str>) -> Progress {
        let there: Vec<&str> = texts.filter_map(|it| self.phase_of(it)).collect();
        let words: Vec<String> = (0..self.plan.phases.len()).map(|it| self.plan.word(it)).collect();
        let is_there = |it: &String| there.contains(&it.as_str());
        let last = words.iter().rposition(is_there);
        let next = last.map_or(0, |it| it + 1);
        Progress {
            written: words.into_iter().filter(is_there).collect(),
            next: (next < self.plan.phases.len()).then_some(next),
        }
    }

    pub(super) fn write_phase(&self, format: &Format, index: usize, numbering: &mut Numbering) -> Vec<OutFile> {
        let Some(phase) = self.plan.phases.get(index) else { return Vec::new() };
        let text =
            PhaseText { plan: &self.plan, index, phase, slug: &self.slug, digest: &self.digest, document: &self.name };
        (format.write)(&text, numbering)
    }

    /// The document as a file. `written` are the files of the first `count` phases.
    pub(super) fn render(&self, written: &[String], count: usize) -> OutFile {
        let mut out = format!("# {}\n\n", title(&self.plan));
        out.push_str(&format!(
            "From {} to {}, for {} {}. Planned by Lockkeeper: every phase is safe to stay in, and has its way back.\n\n",
            self.from, self.to, self.plan.dialect, self.plan.server_version
        ));
        out.push_str(&delivery(&self.plan, written, count, &self.name));
        out.push_str(&markdown::plan(&self.plan));
        // `--` would end the comment early; within JSON it can only stand in a string, where it may be spelt otherwise.
        let json = serde_json::to_string(self).unwrap_or_default().replace("--", "-\\u002d");
        out.push_str(&format!("\n{OPEN}{json}{CLOSE}\n"));
        OutFile::new(self.name.clone(), out)
    }
}

/// Which files there are, and how the others come.
fn delivery(plan: &json::Plan, written: &[String], count: usize, name: &str) -> String {
    let words: Vec<String> = (0..plan.phases.len()).map(|it| plan.word(it)).collect();
    let (phases, waiting) = words.split_at(count.min(words.len()));
    let mut out = format!("Written with this document ({}):\n\n", phases.join(", "));
    for file in written {
        out.push_str(&format!("- `{file}`\n"));
    }
    if !waiting.is_empty() {
        out.push_str(&format!(
            "\nStill to come: {}. When a phase has run and the gate of the next one is open, `lockkeeper plan --advance {name}` writes the next.\n\
             Which phases were written is told by the files beside this document, not by the document.\n",
            waiting.join(", ")
        ));
    }
    out.push('\n');
    out
}

/// FNV-1a, 64 bits: enough to tell plans of one project apart, and stable for ever.
fn digest(text: &str) -> String {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}
