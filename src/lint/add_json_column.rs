use super::{
    Rule,
    context::{Context, Findings},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # Adding a json column
    ///
    /// Type json has no equality: DISTINCT, GROUP BY and UNION over the table's rows stop working the moment the column
    /// is there.
    ///
    /// ## Why
    /// jsonb has it, takes indexes, and is what is meant nearly always.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, name text, email text, team_id bigint);
    /// ```
    /// ```sql bad
    /// ALTER TABLE users ADD COLUMN settings json;
    /// ```
    /// ```sql good
    /// ALTER TABLE users ADD COLUMN settings jsonb;
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, 8.14 JSON Types.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "add-json-column", severity: Severity::Warning, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::AddColumn { table, column, .. } = ddl else { return };
    if column.ty.name == "json" && !ctx.is_fresh(table) {
        let message = format!(
            "json has no equality: SELECT DISTINCT and UNION over rows of {} fail from now on. Use jsonb for {}",
            ctx.sized(table),
            column.name
        );
        acc.report(&RULE, RULE.severity, message);
    }
}
