use super::{
    Rule,
    context::{Context, Findings},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # Dropping NOT NULL
    ///
    /// Cheap for the server; but running code that never saw a NULL in the column may not be able to read one.
    ///
    /// ## Why
    /// Deploy code that copes with NULL first. The way back needs every row to have a value again.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);
    /// ```
    /// ```sql bad
    /// ALTER TABLE users ALTER COLUMN email DROP NOT NULL;
    /// ```
    /// ```sql good
    /// ALTER TABLE users ALTER COLUMN email SET DEFAULT '';
    /// ```
    ///
    /// ## Phase
    /// Expand, when every running instance can read NULL, and before any writes it.
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, ALTER TABLE, SET/DROP NOT NULL.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "dropping-not-null", severity: Severity::Info, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::DropNotNull { table, column } = ddl else { return };
    let nullable = ctx.table(table).and_then(|it| it.column(column)).is_some_and(|it| !it.not_null);
    if !ctx.is_fresh(table) && !nullable {
        let message = format!(
            "From now on {table}.{column} can be NULL: running code that reads {} has to cope with that. Deploy it first",
            ctx.sized(table)
        );
        acc.report(&RULE, RULE.severity, message);
    }
}
