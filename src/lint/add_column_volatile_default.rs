use super::{
    Rule,
    context::{Context, Findings, sentence},
};
use crate::{
    dialect::Volatility,
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # Adding a column with a volatile default
    ///
    /// The default gives each row another value, so the server writes every row and builds every index again, with
    /// everybody locked out.
    ///
    /// ## Why
    /// A constant default, or one that is the same for the whole statement (`now()`), is stored once and costs nothing.
    /// `random()`, `clock_timestamp()`, `gen_random_uuid()` and `nextval()` are not.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, name text, email text, team_id bigint);
    /// ```
    /// ```sql bad
    /// ALTER TABLE users ADD COLUMN token uuid DEFAULT gen_random_uuid();
    /// ```
    /// ```sql good
    /// ALTER TABLE users ADD COLUMN token uuid;
    /// ALTER TABLE users ALTER COLUMN token SET DEFAULT gen_random_uuid();
    /// ```
    ///
    /// ## Versions
    /// All. Before 11 every default rewrote the table.
    ///
    /// ## Source
    /// Manual, ALTER TABLE, Notes; 38.7 Function Volatility Categories.
    const PAGE;
}

pub(super) const RULE: Rule = Rule {
    code: "add-column-volatile-default",
    severity: Severity::Warning,
    page: PAGE,
    check,
    fix: super::fix::phases,
};

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::AddColumn { table, column, .. } = ddl else { return };
    let Some(default) = &column.default else { return };
    let volatile = ctx.dialect.volatility(default, ctx.before) == Volatility::Volatile;
    if !volatile || ctx.impact.rewrites.is_empty() || ctx.is_fresh(table) {
        return;
    }
    let message = format!(
        "{}, because {default} has a new value for each row. Add {} without a default, then SET DEFAULT, then fill old rows in batches",
        sentence(&ctx.during("rewrites every row and index of", table)),
        column.name
    );
    acc.weigh(ctx, &RULE, table, message);
}
