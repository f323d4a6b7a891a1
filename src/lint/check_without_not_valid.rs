use super::{
    Rule,
    context::{Context, Findings, sentence},
    fix::{self, Fix},
};
use crate::{
    page::page,
    sql::{ConstraintKind, Ddl, Severity},
};

page! {
    /// # Adding a CHECK without NOT VALID
    ///
    /// The whole table is read under the strongest lock to verify the rows that exist.
    ///
    /// ## Why
    /// NOT VALID makes the constraint hold for new rows at once; VALIDATE reads the old ones while everybody works.
    ///
    /// ```sql before
    /// CREATE TABLE items (id bigint PRIMARY KEY, price numeric);
    /// ```
    /// ```sql bad
    /// ALTER TABLE items ADD CONSTRAINT items_price_check CHECK (price >= 0);
    /// ```
    /// ```sql good
    /// ALTER TABLE items ADD CONSTRAINT items_price_check CHECK (price >= 0) NOT VALID;
    /// ALTER TABLE items VALIDATE CONSTRAINT items_price_check;
    /// ```
    ///
    /// ## Phase
    /// Enforce, when every running instance writes rows that satisfy it.
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, ALTER TABLE, ADD table_constraint [ NOT VALID ].
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "check-without-not-valid", severity: Severity::Warning, page: PAGE, check, fix };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::AddConstraint { table, constraint } = ddl else { return };
    if !matches!(constraint.kind, ConstraintKind::Check(_)) || ctx.blocking_scans().is_empty() {
        return;
    }
    let message = format!(
        "{}. Add it as NOT VALID and VALIDATE it in another transaction",
        sentence(&ctx.during("reads every row of", table))
    );
    acc.weigh(ctx, &RULE, table, message);
}

fn fix(ctx: &Context<'_>, ddl: &Ddl) -> Option<Fix> {
    match ddl {
        Ddl::AddConstraint { table, constraint } => fix::not_valid(ctx, ddl, table, constraint),
        _ => None,
    }
}
