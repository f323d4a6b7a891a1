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
    /// # Adding a column of a constrained domain
    ///
    /// A domain with a CHECK or NOT NULL makes the server write every row to check it, even when the column has no
    /// default.
    ///
    /// ## Why
    /// The shortcut for constant defaults does not look into domains.
    ///
    /// ```sql before
    /// CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
    /// CREATE TABLE items (id bigint PRIMARY KEY);
    /// ```
    /// ```sql bad
    /// ALTER TABLE items ADD COLUMN weight positive;
    /// ```
    /// ```sql good
    /// ALTER TABLE items ADD COLUMN weight integer;
    /// ALTER TABLE items ADD CONSTRAINT items_weight_check CHECK (weight > 0) NOT VALID;
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, ALTER TABLE, Notes; measured on 10 to 18.
    const PAGE;
}

pub(super) const RULE: Rule = Rule {
    code: "add-column-constrained-domain",
    severity: Severity::Warning,
    page: PAGE,
    check,
    fix: super::fix::none,
};

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::AddColumn { table, column, .. } = ddl else { return };
    let other_reason = column.identity.is_some()
        || column.ty.serial_base().is_some()
        || column.generated.is_some()
        || column.default.as_ref().is_some_and(|it| ctx.dialect.volatility(it, ctx.before) == Volatility::Volatile);
    if other_reason || ctx.impact.rewrites.is_empty() || ctx.is_fresh(table) {
        return;
    }
    let message = format!(
        "{}, because domain {} has constraints. Use its base type and a CHECK that is NOT VALID at first",
        sentence(&ctx.during("rewrites every row of", table)),
        column.ty
    );
    acc.weigh(ctx, &RULE, table, message);
}
