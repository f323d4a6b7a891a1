use super::{
    Rule,
    context::{Context, Findings},
};
use crate::{
    page::page,
    sql::{Ddl, DetachMode, Name, Severity},
};

page! {
    /// # A statement_timeout over work that takes long
    ///
    /// VALIDATE and CREATE INDEX CONCURRENTLY may take hours without disturbing anybody; a statement_timeout aborts them half
    /// way, and what CONCURRENTLY has built by then stays as an invalid index.
    ///
    /// ## Why
    /// Set lock_timeout for the quick statements, and statement_timeout = 0 before the long ones.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, name text, email text, team_id bigint);
    /// ```
    /// ```sql bad
    /// SET statement_timeout = '5s';
    /// CREATE INDEX CONCURRENTLY users_email ON users (email);
    /// ```
    /// ```sql good
    /// SET statement_timeout = 0;
    /// CREATE INDEX CONCURRENTLY users_email ON users (email);
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, 20.11.1 Statement Behavior.
    const PAGE;
}

pub(super) const RULE: Rule = Rule {
    code: "statement-timeout-on-long-statement",
    severity: Severity::Warning,
    page: PAGE,
    check,
    fix: super::fix::none,
};

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Some(limit) = &ctx.file.statement_timeout else { return };
    let (table, left): (Option<Name>, &str) = match ddl {
        Ddl::CreateIndex { index, concurrently: true, .. } => {
            (Some(index.table.clone()), "; the index stays behind, invalid")
        }
        Ddl::Reindex { concurrently: true, .. } => (None, "; the new index stays behind, invalid"),
        Ddl::DetachPartition { parent, mode: DetachMode::Concurrently, .. } => {
            (Some(parent.clone()), "; the partition stays half detached, until DETACH … FINALIZE")
        }
        Ddl::ValidateConstraint { table, .. } if !ctx.impact.scans.is_empty() => (Some(table.clone()), ""),
        _ => return,
    };
    if table.as_ref().is_some_and(|it| ctx.is_fresh(it)) {
        return;
    }
    let on = table.map(|it| format!(" on {}", ctx.sized(&it))).unwrap_or_default();
    let message = format!(
        "Is aborted{on} after statement_timeout ({limit}), whatever it has done by then{left}. SET statement_timeout = 0 before it"
    );
    acc.report(&RULE, RULE.severity, message);
}
