use super::{
    Rule,
    context::{Context, Findings, sentence},
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

pub(super) const RULE: Rule =
    Rule { code: "dropping-index", severity: Severity::Warning, page: PAGE, fixable: true, check };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::DropIndex { name, concurrently: false, .. } = ddl else { return };
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
            let message = format!(
                "Takes ACCESS EXCLUSIVE on the table of {name}: every query on it waits. Drop it CONCURRENTLY, outside a transaction"
            );
            acc.report(&RULE, RULE.severity, message);
        }
    }
}
