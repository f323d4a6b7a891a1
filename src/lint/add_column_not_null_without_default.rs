use super::{
    Rule,
    context::{Context, Findings, sentence},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # Adding a NOT NULL column without a default
    ///
    /// Rows that exist have no value for the column: the statement fails on any table that is not empty.
    ///
    /// ## Why
    /// On an empty table it goes through, and then INSERTs of running code, which do not know the column, fail.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, name text, email text, team_id bigint);
    /// ```
    /// ```sql bad
    /// ALTER TABLE users ADD COLUMN country text NOT NULL;
    /// ```
    /// ```sql good
    /// ALTER TABLE users ADD COLUMN country text NOT NULL DEFAULT '';
    /// ```
    ///
    /// ## Phase
    /// Enforce for NOT NULL, when every running instance writes a value and the old rows are filled; the column itself
    /// comes in Expand.
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, ALTER TABLE; error "column contains null values".
    const PAGE;
}

pub(super) const RULE: Rule = Rule {
    code: "add-column-not-null-without-default",
    severity: Severity::Error,
    page: PAGE,
    check,
    fix: super::fix::phases,
};

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::AddColumn { table, column, .. } = ddl else { return };
    let filled = column.default.is_some()
        || column.identity.is_some()
        || column.generated.is_some()
        || column.ty.serial_base().is_some()
        || ctx.domain_has_default(&column.ty);
    let is_virtual = column.generated.as_ref().is_some_and(|it| !it.stored);
    if let (true, Some(table)) = (is_virtual && column.not_null, ctx.blocking_scans().first()) {
        let message = format!(
            "{} to see that {} is never NULL. Add it without NOT NULL, which a virtual column can do without",
            sentence(&ctx.during("works out every row of", table)),
            column.name
        );
        acc.weigh(ctx, &RULE, table, message);
        return;
    }
    if !column.not_null || filled || ctx.is_fresh(table) {
        return;
    }
    let message = format!(
        "{} has no value for {}: the statement fails unless the table is empty, and running code's INSERTs fail after it. \
         Give it a constant DEFAULT, or add it nullable, fill it, and make it NOT NULL later",
        ctx.sized(table),
        column.name
    );
    acc.report(&RULE, RULE.severity, message);
}
