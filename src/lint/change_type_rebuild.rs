use super::{
    Rule,
    context::{Context, Findings, listed, sentence},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # Changing a type so that indexes are rebuilt
    ///
    /// The table stays as it is, but indexes over the column are built again with everybody locked out.
    ///
    /// ## Why
    /// An index with an expression or a predicate on the column is always rebuilt; a plain one when its operators or
    /// its collation change. Drop it first and build it CONCURRENTLY afterwards, if queries can do without it for that
    /// time.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, email varchar(50));
    /// CREATE INDEX users_email_lower ON users (lower(email));
    /// ```
    /// ```sql bad
    /// ALTER TABLE users ALTER COLUMN email TYPE varchar(100);
    /// ```
    /// ```sql good
    /// DROP INDEX CONCURRENTLY users_email_lower;
    /// ALTER TABLE users ALTER COLUMN email TYPE varchar(100);
    /// CREATE INDEX CONCURRENTLY users_email_lower ON users (lower(email));
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, ALTER TABLE, Notes; measured on 11 to 18.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "change-type-rebuild", severity: Severity::Warning, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::SetType { table, .. } = ddl else { return };
    if !ctx.impact.rewrites.is_empty() || ctx.impact.builds.is_empty() || ctx.is_fresh(table) {
        return;
    }
    let builds = format!("builds {} again on", listed(&ctx.impact.builds));
    let message = format!(
        "{}, though the rows stay as they are. Drop the index CONCURRENTLY before, and build it CONCURRENTLY after",
        sentence(&ctx.during(&builds, table))
    );
    acc.weigh(ctx, &RULE, table, message);
}
