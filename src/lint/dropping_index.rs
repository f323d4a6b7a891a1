use super::{
    Rule,
    context::{Context, Findings, sentence},
    fix::{Fix, Rewrite},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # Dropping an index with everybody locked out
    ///
    /// The table is locked completely, for a moment, but behind the oldest query on it, and everybody queues behind
    /// that.
    ///
    /// ## Why
    /// CONCURRENTLY waits without locking anybody out. It runs outside a transaction, takes one index, and not those of
    /// constraints or partitioned tables.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, email text);
    /// CREATE INDEX users_email_idx ON users (email);
    /// ```
    /// ```sql bad
    /// DROP INDEX users_email_idx;
    /// ```
    /// ```sql good
    /// DROP INDEX CONCURRENTLY users_email_idx;
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, DROP INDEX, CONCURRENTLY.
    const PAGE;
}

pub(super) const RULE: Rule = Rule { code: "dropping-index", severity: Severity::Warning, page: PAGE, check, fix };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::DropIndex { name, concurrently: false, if_exists, .. } = ddl else { return };
    let table = ctx.before.indexes.get(&ctx.resolve(name)).map(|it| it.table.clone());
    match table {
        Some(table) if ctx.is_fresh(&table) => {}
        Some(table) => {
            let partitioned = ctx.is_partitioned(&table);
            let way = if partitioned {
                "It is the index of a partitioned table, which takes no CONCURRENTLY: set lock_timeout and retry"
            } else {
                "Drop it CONCURRENTLY, outside a transaction"
            };
            acc.report(
                &RULE,
                ctx.by_size(RULE.severity, &table),
                format!("{}. {way}", sentence(&ctx.for_a_moment(&table))),
            );
        }
        None if ctx.impact.locks.is_empty() && ctx.knows_index(name) => {}
        None => {
            let there = if *if_exists { "If it is there: takes" } else { "Takes" };
            let message = format!(
                "{there} ACCESS EXCLUSIVE on the table of {name}: every query on it waits. Drop it CONCURRENTLY, outside a transaction"
            );
            acc.report(&RULE, RULE.severity, message);
        }
    }
}

fn fix(ctx: &Context<'_>, _: &Ddl) -> Option<Fix> {
    let takes_it = |it: &Ddl| match it {
        Ddl::DropIndex { name, cascade: false, .. } => {
            ctx.before.indexes.get(&ctx.resolve(name)).is_some_and(|it| !ctx.is_partitioned(&it.table))
        }
        _ => false,
    };
    if !ctx.parts.iter().all(takes_it) {
        return None;
    }
    let res = Rewrite::new("Drop it CONCURRENTLY").outside();
    if ctx.parts.len() == 1 {
        return res.edit(ctx.insert_after(&["DROP", "INDEX"], "CONCURRENTLY")?).fix(ctx);
    }
    // CONCURRENTLY takes one index at a time.
    let alone = ctx.parts.iter().filter_map(|it| match it.clone() {
        Ddl::DropIndex { name, if_exists, cascade, .. } => {
            Some(ctx.sql(&Ddl::DropIndex { name, concurrently: true, if_exists, cascade }))
        }
        _ => None,
    });
    res.statements(ctx, &alone.collect::<Vec<_>>()).fix(ctx)
}
