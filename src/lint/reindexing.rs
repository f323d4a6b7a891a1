use super::{
    Rule,
    context::{Context, Findings, sentence},
    fix::{Fix, Rewrite},
};
use crate::{
    dialect::Capability,
    page::page,
    sql::{Ddl, Name, Severity},
    text::TextEdit,
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

pub(super) const RULE: Rule = Rule { code: "reindexing", severity: Severity::Warning, page: PAGE, check, fix };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::Reindex { concurrently: false, .. } = ddl else { return };
    let locked: Vec<Name> = ctx.impact.locks.iter().map(|it| it.object.clone()).collect();
    let tables: Vec<Name> = ctx.in_use(&locked).into_iter().filter(|it| ctx.before.tables.contains_key(it)).collect();
    let Some(table) = tables.first() else { return };
    let message = format!(
        "{}, and so does every query that would use the index. REINDEX CONCURRENTLY, outside a transaction",
        sentence(&ctx.during("builds indexes again on", table))
    );
    acc.weigh(ctx, &RULE, table, message);
}

fn fix(ctx: &Context<'_>, ddl: &Ddl) -> Option<Fix> {
    let Ddl::Reindex { what, .. } = ddl else { return None };
    if what == "SYSTEM" || !ctx.dialect.can(Capability::ReindexConcurrently, ctx.facts.server_version) {
        return None;
    }
    // Options may stand in between: REINDEX (VERBOSE) TABLE t.
    let tokens = ctx.tokens();
    let word = tokens.iter().find(|it| it.is(ctx.text, what)).filter(|_| tokens[0].is(ctx.text, "REINDEX"))?;
    let edit = TextEdit::insert(ctx.range().start + word.range.end, " CONCURRENTLY");
    let fix = Rewrite::new("Rebuild it CONCURRENTLY").edit(edit).outside().fix(ctx);
    // It changes no schema: there is nothing to plan.
    fix.filter(|it| *it != Fix::Phases)
}
