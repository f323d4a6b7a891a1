use super::{
    Rule,
    context::{Context, Findings, sentence},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # Adding a serial or identity column
    ///
    /// Each row gets its number at once: the table and all its indexes are written again, with everybody locked out.
    ///
    /// ## Why
    /// The numbers come from a sequence, and what a sequence returns differs from row to row.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, name text, email text, team_id bigint);
    /// ```
    /// ```sql bad
    /// ALTER TABLE users ADD COLUMN number bigserial;
    /// ```
    /// ```sql good
    /// CREATE SEQUENCE users_number_seq;
    /// ALTER TABLE users ADD COLUMN number bigint;
    /// ALTER TABLE users ALTER COLUMN number SET DEFAULT nextval('users_number_seq');
    /// ALTER SEQUENCE users_number_seq OWNED BY users.number;
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, ALTER TABLE, Notes; 8.1.4 Serial Types.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "add-column-serial", severity: Severity::Warning, page: PAGE, check, fix: super::fix::phases };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::AddColumn { table, column, .. } = ddl else { return };
    let numbered = column.identity.is_some() || column.ty.serial_base().is_some();
    if !numbered || ctx.impact.rewrites.is_empty() || ctx.is_fresh(table) {
        return;
    }
    let message = format!(
        "{} to number it. Add {} as a plain nullable column, give it the sequence as default, fill old rows in batches",
        sentence(&ctx.during("rewrites every row and index of", table)),
        column.name
    );
    acc.weigh(ctx, &RULE, table, message);
}
