use super::{
    Rule,
    context::{Context, Findings, listed},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # Constraining a domain that tables use
    ///
    /// Every table with a column of the domain is read while writes to it are locked out; VALIDATE takes the same lock.
    ///
    /// ## Why
    /// There is no way without that lock: a CHECK on the tables' own columns can be validated while everybody works.
    ///
    /// ```sql before
    /// CREATE DOMAIN amount AS integer;
    /// CREATE TABLE items (id bigint PRIMARY KEY, weight amount);
    /// ```
    /// ```sql bad
    /// ALTER DOMAIN amount ADD CONSTRAINT amount_positive CHECK (VALUE > 0);
    /// ```
    /// ```sql good
    /// ALTER TABLE items ADD CONSTRAINT items_weight_check CHECK (weight > 0) NOT VALID;
    /// ALTER TABLE items VALIDATE CONSTRAINT items_weight_check;
    /// ```
    ///
    /// ## Phase
    /// Enforce, when every running instance writes values that satisfy it.
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, ALTER DOMAIN, Notes; measured on 11 to 18.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "domain-constraint-scan", severity: Severity::Warning, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::AlterDomain { name, .. } = ddl else { return };
    let tables = ctx.in_use(&ctx.impact.scans);
    let Some(first) = tables.first() else { return };
    let message = format!(
        "Reads every row of {} under SHARE: every write to it waits (reads go on) until that is done. \
         A CHECK on the columns of type {name}, NOT VALID at first, can be validated while everybody works",
        listed(&tables.iter().map(|it| ctx.sized(it)).collect::<Vec<_>>())
    );
    acc.weigh(ctx, &RULE, first, message);
}
