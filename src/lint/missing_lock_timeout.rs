use super::{
    Rule,
    context::{Context, Findings, sql_words},
    fix::{Fix, Rewrite},
};
use crate::{
    page::page,
    sql::{Ddl, Name, Severity, Wrap},
    text::TextEdit,
};

page! {
    /// # A strong lock without lock_timeout
    ///
    /// A statement that waits for its lock makes everybody who comes later wait, even readers, however short its own
    /// work is.
    ///
    /// ## Why
    /// With lock_timeout it gives up, the queue drains, and it can be tried again.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, name text, email text, team_id bigint);
    /// ```
    /// ```sql bad
    /// ALTER TABLE users ADD COLUMN locale text;
    /// ```
    /// ```sql good
    /// SET lock_timeout = '2s';
    /// ALTER TABLE users ADD COLUMN locale text;
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, 20.11 lock_timeout; 13.3.1.
    const PAGE;
}

pub(super) const RULE: Rule = Rule { code: "missing-lock-timeout", severity: Severity::Info, page: PAGE, check, fix };

/// A minute in the queue is a minute of outage: a limit above that is none.
const LONGEST: u64 = 60_000;

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let waits = ctx.impact.locks.iter().filter(|it| it.mode.blocks_writes()).map(|it| it.object.clone());
    let waits: Vec<Name> = ctx.in_use(&waits.collect::<Vec<_>>());
    // TRUNCATE and LOCK are about locks already; one word per file is enough.
    let spoken = ctx.file.lock_timeout.is_some_and(|it| it <= LONGEST)
        || ctx.file.reported.contains(RULE.code)
        || acc.list.iter().any(|it| it.rule == RULE.code);
    let Some(table) = waits.iter().find(|it| ctx.before.tables.contains_key(it)).or(waits.first()) else { return };
    if spoken || matches!(ddl, Ddl::Lock { .. }) {
        return;
    }
    let mode = ctx.mode(table).map(sql_words).unwrap_or_default();
    let message = format!(
        "While this waits for {mode} on {}, behind whoever uses it now, everybody who comes later waits as well. \
         SET lock_timeout before it, and retry",
        ctx.sized(table)
    );
    acc.report(&RULE, RULE.severity, message);
}

/// Long enough to get through between queries, short enough for those who queue behind it.
const TIMEOUT: &str = "2s";

fn fix(ctx: &Context<'_>, ddl: &Ddl) -> Option<Fix> {
    // One more statement would put this one into a transaction, or beside one.
    if !ddl.transactional() && ctx.input.runs.wrap != Wrap::No {
        return None;
    }
    let local = if ctx.in_transaction() { "LOCAL " } else { "" };
    let start = ctx.start();
    let indent = ctx.line_break();
    let indent = indent.trim_start_matches(['\r', '\n']);
    // In front of a comment there is a line of its own to be made.
    let line = format!("SET {local}lock_timeout = '{TIMEOUT}';{}", ctx.line_break());
    let line = if start < ctx.range().start { format!("{indent}{}", line.trim_end_matches(indent)) } else { line };
    Rewrite::new("Set lock_timeout before it").edit(TextEdit::insert(start, line)).fix(ctx)
}
