use super::{
    Rule,
    context::{Context, Findings, sentence},
};
use crate::{
    page::page,
    sql::{ConstraintKind, Ddl, Severity},
};

page! {
    /// # Adding a column with a CHECK
    ///
    /// The CHECK is verified on every row with everybody locked out, even when the column has no default and all rows
    /// hold NULL.
    ///
    /// ## Why
    /// Only NOT VALID spares the reading, and a column's own CHECK cannot be NOT VALID.
    ///
    /// ```sql before
    /// CREATE TABLE items (id bigint PRIMARY KEY);
    /// ```
    /// ```sql bad
    /// ALTER TABLE items ADD COLUMN amount integer CHECK (amount > 0);
    /// ```
    /// ```sql good
    /// ALTER TABLE items ADD COLUMN amount integer;
    /// ALTER TABLE items ADD CONSTRAINT items_amount_check CHECK (amount > 0) NOT VALID;
    /// ALTER TABLE items VALIDATE CONSTRAINT items_amount_check;
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, ALTER TABLE, Notes; measured on 10 to 18.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "add-column-inline-check", severity: Severity::Warning, page: PAGE, check, fix: super::fix::phases };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::AddColumn { table, constraints, .. } = ddl else { return };
    let checked = constraints.iter().any(|it| matches!(it.kind, ConstraintKind::Check(_)));
    if !checked || ctx.blocking_scans().is_empty() {
        return;
    }
    let message = format!(
        "{}. Add the column first, then the CHECK as NOT VALID, and VALIDATE it in another transaction",
        sentence(&ctx.during("reads every row of", table))
    );
    acc.weigh(ctx, &RULE, table, message);
}
