use super::{
    Rule,
    context::{Context, Findings},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # Dropping a default
    ///
    /// Running code whose INSERTs leave the column out gets NULL from now on, or an error if the column is NOT NULL.
    ///
    /// ## Why
    /// Deploy code that always names the column first.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, locale text NOT NULL DEFAULT 'en');
    /// ```
    /// ```sql bad
    /// ALTER TABLE users ALTER COLUMN locale DROP DEFAULT;
    /// ```
    /// ```sql good
    /// ALTER TABLE users ALTER COLUMN locale SET DEFAULT 'de';
    /// ```
    ///
    /// ## Phase
    /// Contract, when every running instance names the column in its INSERTs.
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, ALTER TABLE, SET/DROP DEFAULT.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "dropping-default", severity: Severity::Info, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::SetDefault { table, column, default: None } = ddl else { return };
    let found = ctx.table(table).and_then(|it| it.column(column));
    if ctx.is_fresh(table) || found.is_some_and(|it| it.default.is_none()) {
        return;
    }
    let severity = if found.is_some_and(|it| it.not_null) { Severity::Warning } else { RULE.severity };
    let effect = if severity == Severity::Warning { "fail" } else { "store NULL" };
    let message = format!(
        "INSERTs into {} that leave {column} out {effect} from now on. Deploy code that always names it first",
        ctx.sized(table)
    );
    acc.report(&RULE, severity, message);
}
