use super::{
    Rule,
    context::{Context, Findings, sentence},
};
use crate::{
    page::page,
    sql::{Ddl, Name, Severity},
};

page! {
    /// # Rebuilding indexes with writes locked out
    ///
    /// Writes to the table wait for the whole build, and so does every query that would use the index.
    ///
    /// ## Why
    /// REINDEX CONCURRENTLY (from 12 on) builds beside the old index, outside a transaction.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, email text);
    /// CREATE INDEX users_email_idx ON users (email);
    /// ```
    /// ```sql bad
    /// REINDEX INDEX users_email_idx;
    /// ```
    /// ```sql good
    /// REINDEX INDEX CONCURRENTLY users_email_idx;
    /// ```
    ///
    /// ## Versions
    /// All; CONCURRENTLY from 12 on, on partitioned tables from 14 on.
    ///
    /// ## Source
    /// Manual, REINDEX.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "reindexing", severity: Severity::Warning, page: PAGE, fixable: true, check };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::Reindex { concurrently: false, .. } = ddl else { return };
    let locked: Vec<Name> = ctx.impact.locks.iter().map(|it| it.object.clone()).collect();
    let tables: Vec<Name> = ctx.in_use(&locked).into_iter().filter(|it| ctx.before.tables.contains_key(it)).collect();
    let Some(table) = tables.first() else { return };
    let message = format!(
        "{}, and so does every query that would use the index. REINDEX CONCURRENTLY, outside a transaction",
        sentence(&ctx.during("builds indexes again on", table))
    );
    acc.report(&RULE, ctx.by_size(RULE.severity, table), message);
}
