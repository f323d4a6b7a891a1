use super::{
    Rule,
    context::{Context, Findings, listed, sql_words},
};
use crate::{
    page::page,
    plan::LockMode,
    sql::{Ddl, Name, Severity},
};

page! {
    /// # Long work in a transaction that locks another table
    ///
    /// A lock is held until the transaction ends: while this statement reads or writes many rows, everybody waits for a table
    /// that it does not even touch.
    ///
    /// ## Why
    /// One schema change per transaction, the quick ones first, nothing that takes long behind them.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, name text, email text, team_id bigint);
    /// CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, note text);
    /// ```
    /// ```sql bad
    /// BEGIN;
    /// ALTER TABLE users ADD COLUMN locale text;
    /// CREATE INDEX orders_note ON orders (note);
    /// COMMIT;
    /// ```
    /// ```sql good
    /// ALTER TABLE users ADD COLUMN locale text;
    /// CREATE INDEX CONCURRENTLY orders_note ON orders (note);
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, 13.3.1: a lock is held until the end of the transaction.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "work-under-lock", severity: Severity::Warning, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    if !ctx.in_transaction() {
        return;
    }
    let Some((busy, doing)) = long_work(ctx, ddl) else { return };
    let others = ctx.held.locks.iter().filter(|(name, mode)| mode.blocks_writes() && !busy.contains(name));
    let others: Vec<(Name, LockMode)> =
        others.filter(|(name, _)| !ctx.is_fresh(name)).map(|(name, mode)| (name.clone(), *mode)).collect();
    let Some((_, strongest)) = others.iter().max_by_key(|it| it.1) else { return };
    let names: Vec<String> = others.iter().map(|it| ctx.sized(&it.0)).collect();
    let mut message = format!(
        "This {doing} {} while the transaction still holds {} on {}: {}. Commit before it",
        listed(&busy.iter().map(|it| ctx.sized(it)).collect::<Vec<_>>()),
        sql_words(*strongest),
        listed(&names),
        if strongest.blocks_reads() { "every query there waits, too" } else { "every write there waits, too" }
    );
    if let Some(estimate) = busy.first().and_then(|it| ctx.estimate(it)) {
        message.push_str(&format!(". Estimate: {estimate}"));
    }
    let weighed = busy.first().map_or(RULE.severity, |it| ctx.by_size(RULE.severity, it));
    acc.report(&RULE, weighed, message);
}

/// Tables in use that the statement spends long on, and what it does to them.
fn long_work(ctx: &Context<'_>, ddl: &Ddl) -> Option<(Vec<Name>, &'static str)> {
    let rewritten = ctx.in_use(&ctx.impact.rewrites);
    if !rewritten.is_empty() && !matches!(ddl, Ddl::Truncate { .. }) {
        return Some((rewritten, "writes every row of"));
    }
    let scanned = ctx.in_use(&ctx.impact.scans);
    if !scanned.is_empty() {
        return Some((scanned, "reads every row of"));
    }
    match ddl {
        Ddl::CreateIndex { index, .. } if !ctx.impact.builds.is_empty() && !ctx.is_fresh(&index.table) => {
            Some((vec![ctx.resolve(&index.table)], "builds an index on"))
        }
        Ddl::AddConstraint { table, .. } if !ctx.impact.builds.is_empty() && !ctx.is_fresh(table) => {
            Some((vec![ctx.resolve(table)], "builds an index on"))
        }
        Ddl::Data(it) if matches!(it.verb.as_str(), "UPDATE" | "DELETE" | "MERGE") => {
            let target = it.target.as_ref().filter(|it| !ctx.is_fresh(it))?;
            Some((vec![ctx.resolve(target)], "changes rows of"))
        }
        _ => None,
    }
}
