use super::{
    Rule,
    context::{Context, Findings, sentence},
    fix::{Fix, Rewrite},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # Validating in the transaction that added the constraint
    ///
    /// VALIDATE itself locks nobody out, but the transaction still holds the lock that adding the constraint took.
    ///
    /// ## Why
    /// So the whole table is read under that lock, and NOT VALID has gained nothing.
    ///
    /// ```sql before
    /// CREATE TABLE items (id bigint PRIMARY KEY, price numeric);
    /// ```
    /// ```sql bad
    /// BEGIN;
    /// ALTER TABLE items ADD CONSTRAINT items_price_check CHECK (price >= 0) NOT VALID;
    /// ALTER TABLE items VALIDATE CONSTRAINT items_price_check;
    /// COMMIT;
    /// ```
    /// ```sql good
    /// ALTER TABLE items ADD CONSTRAINT items_price_check CHECK (price >= 0) NOT VALID;
    /// ALTER TABLE items VALIDATE CONSTRAINT items_price_check;
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, ALTER TABLE, VALIDATE CONSTRAINT, Notes.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "validate-in-same-transaction", severity: Severity::Warning, page: PAGE, check, fix };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::ValidateConstraint { table, .. } = ddl else { return };
    if ctx.blocking_scans().is_empty() {
        return;
    }
    let message = format!(
        "{}, because this transaction took that lock before. VALIDATE in a transaction (and file) of its own",
        sentence(&ctx.during("reads every row of", table))
    );
    acc.weigh(ctx, &RULE, table, message);
}

fn fix(ctx: &Context<'_>, _: &Ddl) -> Option<Fix> {
    if ctx.is_single() {
        return Rewrite::new("Validate outside of the transaction").apart().fix(ctx);
    }
    None
}
