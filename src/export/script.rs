//! The statements of a phase as text: pieces that run inside and outside a transaction, time limits, guards.

use super::json::{Check, Phase, RollbackStep, Step, Timeouts};
use crate::sql::tokens::tokens;

/// Statements that belong together: one transaction, or one statement outside any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub transactional: bool,
    /// A condition that holds as soon as the transaction is done: then it is passed over.
    pub done: Option<String>,
    pub lines: Vec<Line>,
}

/// One statement with what goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Without a semicolon.
    pub sql: String,
    pub why: String,
    pub timeouts: Timeouts,
    /// Runs first, so that the file can run again after a failure.
    pub before: Option<String>,
    /// Runs afterwards when `before` has run.
    pub after: Option<String>,
    /// The statement as it stands in the plan, for a file of its own.
    pub plain: String,
}

impl Line {
    fn new(sql: String, why: String, timeouts: Timeouts) -> Self {
        Self { plain: sql.clone(), sql, why, timeouts, before: None, after: None }
    }
}

impl Piece {
    /// A statement of ours in a transaction of its own.
    pub fn of(sql: String, why: &str) -> Self {
        let line = Line::new(sql, why.to_owned(), Timeouts::default());
        Self { transactional: true, done: None, lines: vec![line] }
    }
}

/// The steps of a phase, cut where the transaction changes.
pub(super) fn forward(phase: &Phase) -> Vec<Piece> {
    let line = |it: &Step| Line {
        sql: it.rerunnable.clone().unwrap_or_else(|| it.sql.clone()),
        why: it.why.clone(),
        timeouts: it.timeouts,
        before: it.before_retry.clone(),
        after: it.after_retry.clone(),
        plain: it.sql.clone(),
    };
    cut(phase.steps.iter().map(|it| (it.tx, it.done.clone(), line(it))))
}

/// The way back, cut in the same way.
pub(super) fn backward(phase: &Phase) -> Vec<Piece> {
    let line = |it: &RollbackStep| Line {
        sql: it.rerunnable.clone().unwrap_or_else(|| it.sql.clone()),
        why: String::new(),
        timeouts: it.timeouts,
        before: it.before_retry.clone(),
        after: it.after_retry.clone(),
        plain: it.sql.clone(),
    };
    cut(phase.rollback.iter().map(|it| (it.tx, it.done.clone(), line(it))))
}

fn cut(lines: impl Iterator<Item = (Option<u32>, Option<String>, Line)>) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut open = None;
    for (tx, done, line) in lines {
        match pieces.last_mut() {
            Some(piece) if tx.is_some() && tx == open => piece.lines.push(line),
            _ => pieces.push(Piece { transactional: tx.is_some(), done, lines: vec![line] }),
        }
        open = tx;
    }
    pieces
}

/// The guard of a phase: refuses to go on when the phase before it has not done its work. A phase that has begun has
/// passed its guard, and may have used up what that asks for.
pub(super) fn guard(before: &Phase, phase: &Phase) -> Option<String> {
    if before.verify.is_empty() {
        return None;
    }
    let checks: String = before.verify.iter().map(|it| guard_check(it, &before.kind)).collect();
    let checks = match &phase.begun {
        Some(begun) => format!("  IF NOT ({begun}) THEN\n{}  END IF;\n", indented(&checks)),
        None => checks,
    };
    let tag = free_tag(&checks);
    Some(format!("DO {tag}\nDECLARE\n  mc_found text;\nBEGIN\n{checks}END\n{tag}"))
}

fn indented(text: &str) -> String {
    text.lines().map(|it| format!("  {it}\n")).collect()
}

/// `format('%s', …)` gives the text form that [`Check::expect`] is in; an assignment would turn `t` into `true`.
fn guard_check(check: &Check, phase: &str) -> String {
    let message = format!(
        "lockkeeper: the {phase} phase has not done its work: {}: expected {}, found ",
        check.why, check.expect
    );
    format!(
        "  mc_found := format('%s', ({}));\n  IF mc_found IS DISTINCT FROM {} THEN\n    RAISE EXCEPTION USING MESSAGE = {} || mc_found;\n  END IF;\n",
        check.sql.trim_end().trim_end_matches(';'),
        literal(&check.expect),
        literal(&message)
    )
}

/// A dollar quote that the body does not contain.
fn free_tag(body: &str) -> String {
    let mut tag = "$lockkeeper$".to_owned();
    let mut n = 0;
    while body.contains(&tag) {
        n += 1;
        tag = format!("$lockkeeper{n}$");
    }
    tag
}

/// A string literal; texts of ours and of plans, no backslash escapes (manual 4.1.2.1).
fn literal(text: &str) -> String {
    let text = text.lines().collect::<Vec<_>>().join(" ");
    format!("'{}'", text.replace('\'', "''"))
}

/// How the statements of a piece are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// `BEGIN` and `COMMIT` around a transaction, settings of the session around what stands outside.
    Written,
    /// The tool opens and ends the transaction.
    ByTool,
    /// The one statement alone: the tool sends a file as one string.
    Bare,
}

/// Text of a piece. Ends with a line break.
pub(super) fn text(piece: &Piece, frame: Frame) -> String {
    text_with(piece, frame, |sql| format!("{sql};\n"))
}

/// As [`text`], with each statement written by `statement`.
pub(super) fn text_with(piece: &Piece, frame: Frame, statement: impl Fn(&str) -> String) -> String {
    if let Some(done) = piece.done.as_ref().filter(|_| piece.transactional) {
        return text_with(&once(piece, done), frame, statement);
    }
    let mut out = String::new();
    if piece.transactional && frame == Frame::Written {
        out.push_str("BEGIN;\n");
    }
    let mut set = Timeouts::default();
    for line in &piece.lines {
        // Within a transaction a step without limits of its own keeps those of the step before: it is as brief.
        let keeps = piece.transactional && line.timeouts == Timeouts::default();
        if frame != Frame::Bare && !keeps {
            out.push_str(&settings(set, line.timeouts, if piece.transactional { "SET LOCAL" } else { "SET" }));
            set = line.timeouts;
        }
        out.push_str(&comment(&line.why));
        for sql in line.before.iter().chain([&line.sql]).chain(&line.after) {
            out.push_str(&statement(sql.trim_end().trim_end_matches(';')));
        }
    }
    if !piece.transactional && frame != Frame::Bare {
        out.push_str(&settings(set, Timeouts::default(), "SET"));
    }
    if piece.transactional && frame == Frame::Written {
        out.push_str("COMMIT;\n");
    }
    out
}

/// The piece as one block that is passed over when it is done already.
fn once(piece: &Piece, done: &str) -> Piece {
    let body: String = piece
        .lines
        .iter()
        .map(|line| {
            let why: String = comment(&line.why).lines().map(|it| format!("  {it}\n")).collect();
            format!("{why}  {};\n", in_block(line.sql.trim_end().trim_end_matches(';')))
        })
        .collect();
    let tag = free_tag(&body);
    let sql = format!("DO {tag}\nBEGIN\n  IF {done} THEN\n    RETURN;\n  END IF;\n{body}END\n{tag}");
    let line = Line::new(sql, String::new(), longest(&piece.lines));
    Piece { transactional: true, done: None, lines: vec![line] }
}

/// Time limits that leave each line its own: `statement_timeout` counts for the block as a whole.
fn longest(lines: &[Line]) -> Timeouts {
    let longer = |of: fn(&Timeouts) -> Option<u32>| {
        let own = lines.iter().filter_map(|it| of(&it.timeouts));
        own.reduce(|a, b| if a == 0 || b == 0 { 0 } else { a.max(b) })
    };
    Timeouts { lock_ms: longer(|it| it.lock_ms), statement_ms: longer(|it| it.statement_ms) }
}

/// A statement as PL/pgSQL takes it: a result must go somewhere (manual 43.5.2), and a text that the language could
/// read as its own is handed over as one.
fn in_block(sql: &str) -> String {
    if let Some(rest) = sql.strip_prefix("SELECT ") {
        return format!("PERFORM {rest}");
    }
    let tokens = tokens(sql);
    let own = tokens.iter().any(|it| it.text(sql) == ";" || it.is(sql, "into") || it.is(sql, "atomic"));
    if !own {
        return sql.to_owned();
    }
    let mut tag = "$sql$".to_owned();
    while sql.contains(&tag) {
        tag.insert(tag.len() - 1, 'q');
    }
    format!("EXECUTE {tag}{sql}{tag}")
}

/// Statements that turn one set of time limits into another.
fn settings(from: Timeouts, to: Timeouts, set: &str) -> String {
    let mut out = String::new();
    for (name, from, to) in
        [("lock_timeout", from.lock_ms, to.lock_ms), ("statement_timeout", from.statement_ms, to.statement_ms)]
    {
        match to {
            _ if from == to => {}
            Some(ms) => out.push_str(&format!("{set} {name} = '{}';\n", duration(ms))),
            None if set == "SET" => out.push_str(&format!("RESET {name};\n")),
            None => out.push_str(&format!("{set} {name} TO DEFAULT;\n")),
        }
    }
    out
}

/// Milliseconds in the server's units (manual 20.1.1).
pub(super) fn duration(ms: u32) -> String {
    match ms {
        0 => "0".to_owned(),
        _ if ms.is_multiple_of(60_000) => format!("{}min", ms / 60_000),
        _ if ms.is_multiple_of(1000) => format!("{}s", ms / 1000),
        _ => format!("{ms}ms"),
    }
}

/// A text as comment lines.
pub(super) fn comment(text: &str) -> String {
    text.lines().filter(|it| !it.trim().is_empty()).map(|it| format!("-- {}\n", it.trim())).collect()
}
