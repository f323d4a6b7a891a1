use super::{
    Rule,
    context::{Context, Findings},
    fix::{self, Fix},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # IF NOT EXISTS that takes an invalid index for a good one
    ///
    /// A failed concurrent build leaves an invalid index of that name. A retry with IF NOT EXISTS finds it and does
    /// nothing: the index stays invalid.
    ///
    /// ## Why
    /// Queries do not use an invalid index, every write keeps paying for it, and an invalid unique index guarantees
    /// nothing.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, name text, email text, team_id bigint);
    /// ```
    /// ```sql bad
    /// CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS users_email_key ON users (email);
    /// ```
    /// ```sql good
    /// DROP INDEX CONCURRENTLY IF EXISTS users_email_key;
    /// CREATE UNIQUE INDEX CONCURRENTLY users_email_key ON users (email);
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, CREATE INDEX, Building Indexes Concurrently; measured on 12, 15 and 18.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "invalid-index-left-behind", severity: Severity::Warning, page: PAGE, check, fix };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::CreateIndex { index, concurrently: true, if_not_exists: true } = ddl else { return };
    if ctx.is_fresh(&index.table) {
        return;
    }
    let message = format!(
        "If an earlier try on {} failed, IF NOT EXISTS keeps its invalid index and says all is well. \
         DROP INDEX CONCURRENTLY IF EXISTS first, then create it without IF NOT EXISTS",
        ctx.sized(&index.table)
    );
    acc.report(&RULE, RULE.severity, message);
}

fn fix(ctx: &Context<'_>, ddl: &Ddl) -> Option<Fix> {
    let Ddl::CreateIndex { index, .. } = ddl else { return None };
    fix::create_anew(ctx, index, "Drop what an earlier try has left, then create it")
}
