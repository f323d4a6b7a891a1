use super::{
    Rule,
    context::{Context, Findings, sentence},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # Rewriting a table
    ///
    /// Every row is written again, with everybody locked out: SET LOGGED and UNLOGGED, SET TABLESPACE, SET ACCESS
    /// METHOD, SET EXPRESSION, CLUSTER, VACUUM FULL.
    ///
    /// ## Why
    /// pg_repack and pg_squeeze do most of these while everybody works.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, name text, email text, team_id bigint);
    /// ```
    /// ```sql bad
    /// ALTER TABLE users SET UNLOGGED;
    /// ```
    /// ```sql good
    /// ALTER TABLE users SET (fillfactor = 90);
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, ALTER TABLE; CLUSTER; VACUUM.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "rewriting-table", severity: Severity::Warning, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    // Those that have a rule of their own.
    if matches!(ddl, Ddl::AddColumn { .. } | Ddl::SetType { .. } | Ddl::RefreshView { .. } | Ddl::Truncate { .. }) {
        return;
    }
    for table in ctx.in_use(&ctx.impact.rewrites) {
        let message = format!(
            "{}. Plan a window, or use a tool that rewrites beside the table (pg_repack, pg_squeeze)",
            sentence(&ctx.during("rewrites every row of", &table))
        );
        acc.weigh(ctx, &RULE, &table, message);
    }
}
