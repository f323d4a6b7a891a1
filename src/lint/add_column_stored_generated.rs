use super::{
    Rule,
    context::{Context, Findings, sentence},
};
use crate::{
    dialect::Capability,
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # Adding a stored generated column
    ///
    /// The value of every row is computed and written at once, with everybody locked out.
    ///
    /// ## Why
    /// From PostgreSQL 18 a VIRTUAL column is computed when it is read and costs nothing to add; it cannot be indexed.
    ///
    /// ```sql before
    /// CREATE TABLE items (id bigint PRIMARY KEY, price numeric, amount integer);
    /// ```
    /// ```sql bad
    /// ALTER TABLE items ADD COLUMN total numeric GENERATED ALWAYS AS (price * amount) STORED;
    /// ```
    /// ```sql good
    /// ALTER TABLE items ADD COLUMN total numeric;
    /// ```
    ///
    /// ## Versions
    /// 12 and later; 18 has VIRTUAL.
    ///
    /// ## Source
    /// Manual, 5.4 Generated Columns; ALTER TABLE, Notes.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "add-column-stored-generated", severity: Severity::Warning, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::AddColumn { table, column, .. } = ddl else { return };
    let stored = column.generated.as_ref().is_some_and(|it| it.stored);
    if !stored || ctx.impact.rewrites.is_empty() || ctx.is_fresh(table) {
        return;
    }
    let way = if ctx.dialect.can(Capability::VirtualColumns, ctx.facts.server_version) {
        "Make it VIRTUAL if it needs no index, or add a plain column, a trigger that computes it, and fill old rows in batches"
    } else {
        "Add a plain column and a trigger that computes it, and fill old rows in batches"
    };
    let message =
        format!("{} to compute {}. {way}", sentence(&ctx.during("rewrites every row of", table)), column.name);
    acc.weigh(ctx, &RULE, table, message);
}
