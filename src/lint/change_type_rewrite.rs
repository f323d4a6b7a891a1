use super::{
    Rule,
    context::{Context, Findings, sentence},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # Changing a type so that the table is rewritten
    ///
    /// Every row and every index is written again, with everybody locked out; and code that reads the old type may
    /// break.
    ///
    /// ## Why
    /// Widening a varchar or a numeric, or varchar to text, costs nothing. int to bigint, text to varchar(n), anything
    /// with a real USING does. The way around is a second column, kept equal by a trigger, filled in batches, and
    /// swapped.
    ///
    /// ```sql before
    /// CREATE TABLE orders (id bigint PRIMARY KEY, amount integer);
    /// ```
    /// ```sql bad
    /// ALTER TABLE orders ALTER COLUMN amount TYPE bigint;
    /// ```
    /// ```sql good
    /// ALTER TABLE orders ADD COLUMN amount_big bigint;
    /// ```
    ///
    /// ## Phase
    /// Contract, when no running instance reads or writes the old column; one of the new type comes in Expand and is filled
    /// in Backfill.
    ///
    /// ## Versions
    /// All. timestamp to timestamptz is free from 12 on if the session's TimeZone is UTC.
    ///
    /// ## Source
    /// Manual, ALTER TABLE, SET DATA TYPE, Notes.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "change-type-rewrite", severity: Severity::Warning, page: PAGE, check, fix: super::fix::phases };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::SetType { table, column, ty, .. } = ddl else { return };
    if ctx.is_fresh(table) {
        return;
    }
    let Some(old) = ctx.table(table).and_then(|it| it.column(column)) else {
        let message = format!(
            "May rewrite every row of {}: what {column} is now is not known here. Give the schema as baseline to be certain",
            ctx.sized(table)
        );
        acc.report(&RULE, Severity::Info, message);
        return;
    };
    if ctx.impact.rewrites.is_empty() {
        return;
    }
    let message = format!(
        "{} to turn {} into {ty}. Add a second column, keep both equal by a trigger, fill it in batches and swap",
        sentence(&ctx.during("rewrites every row and index of", table)),
        old.ty
    );
    acc.weigh(ctx, &RULE, table, message);
}
