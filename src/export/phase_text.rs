//! A phase on its way into files: its header, its units, and what each format needs to know.

use std::path::PathBuf;

use super::{
    json::{Phase, Plan},
    numbering::Numbering,
    script::{self, Frame, Piece, comment},
};
use crate::plan::PHASE_MARK;

/// A file to be written, relative to the folder of the migrations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutFile {
    pub path: PathBuf,
    pub contents: String,
}

impl OutFile {
    pub(super) fn new(path: impl Into<PathBuf>, contents: String) -> Self {
        Self { path: path.into(), contents }
    }
}

/// One phase of a plan, to be written.
pub(super) struct PhaseText<'a> {
    pub plan: &'a Plan,
    /// Index in the plan's phases.
    pub index: usize,
    pub phase: &'a Phase,
    /// Part of file names: `rename_column_shipments_co2_kg`.
    pub slug: &'a str,
    pub digest: &'a str,
    /// Name of the plan document.
    pub document: &'a str,
}

/// What goes into one file: statements that all run inside a transaction, or all outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Unit {
    pub up: Vec<Piece>,
    pub down: Vec<Piece>,
}

impl Unit {
    /// Runs outside a transaction.
    pub fn outside(pieces: &[Piece]) -> bool {
        pieces.iter().any(|it| !it.transactional)
    }
}

impl PhaseText<'_> {
    /// Name of a file without version and extension; `part` counts from 0.
    pub fn name(&self, part: usize) -> String {
        match part {
            0 => format!("{}_{}", self.word(), self.slug),
            _ => format!("{}_{}_{}", self.word(), part + 1, self.slug),
        }
    }

    fn word(&self) -> String {
        self.plan.word(self.index)
    }

    /// The statement that refuses to go on before the phase before has done its work.
    pub fn guard(&self) -> Option<String> {
        self.index
            .checked_sub(1)
            .and_then(|it| self.plan.phases.get(it))
            .and_then(|before| script::guard(before, self.phase))
    }

    pub fn guard_why(&self) -> String {
        let before = self.index.checked_sub(1).and_then(|it| self.plan.phases.get(it)).map_or("", |it| &it.kind);
        format!("Guard: nothing below runs unless the {before} phase has done its work.")
    }

    /// The comment at the head of a file. `undo` tells where the way back is; `part` counts from 0 of `parts`.
    pub fn header(&self, part: usize, parts: usize, undo: &str) -> String {
        let phase = self.phase;
        let (number, phases) = (self.index + 1, self.plan.phases.len());
        let file = if parts > 1 { format!(", file {} of {parts}", part + 1) } else { String::new() };
        let mut out = comment(&format!("{}: {} phase, {number} of {phases}{file}", title(self.plan), phase.kind));
        out.push_str("--\n");
        out.push_str(&comment(&format!("What:  {}", one_line(&phase.title))));
        if let Some(gate) = &phase.gate {
            out.push_str(&comment(&format!("Gate:  {}", one_line(gate))));
        }
        if let Some(locks) = locks(phase) {
            out.push_str(&comment(&format!("Locks: {locks}")));
        }
        out.push_str(&comment(&format!("Undo:  {undo}")));
        if let Some(irreversible) = &phase.irreversible {
            out.push_str(&comment(&format!("Lost for good: {}", one_line(&irreversible.lost))));
        }
        out.push_str(&comment(&format!("Plan:  {} has the reasons, the checks and what comes next.", self.document)));
        out.push_str(&format!("-- {}{} {} {}/{parts}\n", PHASE_MARK, self.digest, self.word(), part + 1));
        out
    }

    /// The comment at the head of a rollback.
    pub fn undo_header(&self) -> String {
        let mut out = comment(&format!("{}: takes back the {} phase.", title(self.plan), self.phase.kind));
        if let Some(irreversible) = &self.phase.irreversible {
            out.push_str(&comment(&format!("It cannot bring back: {}", one_line(&irreversible.lost))));
        }
        if self.phase.rollback.is_empty() {
            out.push_str("-- There is nothing to take back.\n");
        } else if script::forward(self.phase).len() > 1 {
            let whole = "It takes back the whole phase: one that stopped half way is run again to its end first.";
            out.push_str(&comment(whole));
        }
        out
    }

    /// The whole way back as one script for a plain client.
    pub fn undo_script(&self) -> String {
        let mut out = self.undo_header();
        for piece in script::backward(self.phase) {
            out.push('\n');
            out.push_str(&script::text(&piece, Frame::Written));
        }
        out
    }

    /// The phase cut for a tool that runs a file in one transaction or in none. `alone`: what runs outside a
    /// transaction needs a file for each statement. The guard comes first.
    pub fn units(&self, alone: bool) -> Vec<Unit> {
        let mut ups = grouped(script::forward(self.phase), alone);
        if let Some(guard) = self.guard() {
            let guard = Piece::of(guard, &self.guard_why());
            match ups.first_mut().filter(|it| !Unit::outside(it)) {
                Some(first) => first.insert(0, guard),
                None => ups.insert(0, vec![guard]),
            }
        }
        pair(ups, grouped(script::backward(self.phase), alone))
    }
}

/// The files that pieces go into.
fn grouped(pieces: Vec<Piece>, alone: bool) -> Vec<Vec<Piece>> {
    let mut files: Vec<Vec<Piece>> = Vec::new();
    for piece in pieces {
        match files.last_mut() {
            _ if alone && !piece.transactional => files.extend(one_by_one(piece)),
            Some(file) if !alone && !piece.transactional && Unit::outside(file) => file.push(piece),
            _ => files.push(vec![piece]),
        }
    }
    files
}

/// Each statement of a piece that runs outside a transaction, on its own. What would run before a second try is told
/// rather than written: a file of its own would not run again.
fn one_by_one(piece: Piece) -> Vec<Vec<Piece>> {
    let alone = piece.lines.into_iter().map(|mut line| {
        if line.after.take().is_some() {
            line.sql = line.plain.clone();
        }
        if let Some(before) = line.before.take() {
            line.why = format!("{}\nIf it fails, run this before the next try: {}", line.why, one_line(&before));
        }
        vec![Piece { transactional: false, done: None, lines: vec![line] }]
    });
    alone.collect()
}

/// Gives each file its part of the way back. Ways back run from the last file to the first, so the first of `downs`
/// belongs to the last of `ups`; a file of one sort gets a way back of the same sort where that is possible.
fn pair(mut ups: Vec<Vec<Piece>>, downs: Vec<Vec<Piece>>) -> Vec<Unit> {
    // More ways back than files: files that do nothing on the way forth carry the rest.
    while ups.len() < downs.len() {
        ups.push(Vec::new());
    }
    let mut units: Vec<Unit> = ups.into_iter().map(|up| Unit { up, down: Vec::new() }).collect();
    let mut downs = downs.into_iter().peekable();
    for (left, unit) in units.iter_mut().enumerate().rev() {
        let alike = downs.peek().is_some_and(|it| unit.up.is_empty() || Unit::outside(it) == Unit::outside(&unit.up));
        if alike || downs.len() > left {
            unit.down = downs.next().unwrap_or_default();
        }
    }
    units
}

/// The strongest lock on each object, as a list.
fn locks(phase: &Phase) -> Option<String> {
    let mut words: Vec<String> = Vec::new();
    for step in &phase.steps {
        for lock in &step.locks {
            let cost = match (step.rewrites, step.scans) {
                (true, _) => ", writes every row anew",
                (_, true) => ", reads every row",
                _ => "",
            };
            let word = format!("{} on {}{cost}", lock.mode, lock.object);
            if !words.contains(&word) {
                words.push(word);
            }
        }
    }
    (!words.is_empty()).then(|| words.join("; "))
}

/// What the plan does, in a few words.
pub(super) fn title(plan: &Plan) -> String {
    match plan.changes.as_slice() {
        [] => "No change".to_owned(),
        [one] => one_line(&one.summary),
        [first, others @ ..] => {
            let more =
                if others.len() == 1 { "1 more change".to_owned() } else { format!("{} more changes", others.len()) };
            format!("{} and {more}", one_line(&first.summary))
        }
    }
}

/// Part of file names for a plan: made of the first change's id.
pub(super) fn slug(plan: &Plan) -> String {
    let Some(first) = plan.changes.first() else { return "no_change".to_owned() };
    let mut out = String::new();
    for c in first.id.chars() {
        match c {
            _ if c.is_ascii_alphanumeric() => out.push(c.to_ascii_lowercase()),
            _ if out.ends_with('_') || out.is_empty() => {}
            _ => out.push('_'),
        }
    }
    out.truncate(60);
    let out = out.trim_end_matches('_');
    match plan.changes.len() {
        1 => out.to_owned(),
        n => format!("{out}_and_{}_more", n - 1),
    }
}

pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text of pieces, each set off by an empty line.
pub(super) fn body(pieces: &[Piece], frame: Frame) -> String {
    pieces.iter().map(|it| format!("\n{}", script::text(it, frame))).collect()
}

/// How a unit of a tool that sends a file as one string is framed.
pub(super) fn one_string(pieces: &[Piece]) -> Frame {
    if Unit::outside(pieces) { Frame::Bare } else { Frame::Written }
}

/// The next name with its version: `0008_expand_x`.
pub(super) fn next_name(numbering: &mut Numbering, phase: &PhaseText<'_>, part: usize) -> String {
    format!("{}{}", numbering.take(), phase.name(part))
}
