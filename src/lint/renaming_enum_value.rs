use super::{
    Rule,
    context::{Context, Findings},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # Renaming an enum value
    ///
    /// Running code that writes or compares with the old label fails the moment the rename commits.
    ///
    /// ## Why
    /// Add the new value, deploy code that knows both, move rows over in batches, then stop using the old one.
    ///
    /// ```sql before
    /// CREATE TYPE mood AS ENUM ('sad', 'ok');
    /// ```
    /// ```sql bad
    /// ALTER TYPE mood RENAME VALUE 'ok' TO 'fine';
    /// ```
    /// ```sql good
    /// ALTER TYPE mood ADD VALUE 'fine';
    /// ```
    ///
    /// ## Phase
    /// Contract, when no running instance writes or compares with the old label; the new one comes in Expand.
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, ALTER TYPE, RENAME VALUE.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "renaming-enum-value", severity: Severity::Warning, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::RenameEnumValue { ty, from, to } = ddl else { return };
    if !ctx.is_fresh(ty) {
        let message = format!(
            "Running code that writes or compares with '{from}' of {ty} fails the moment this commits. \
             Add '{to}', deploy code that knows both, move rows over in batches"
        );
        acc.report(&RULE, RULE.severity, message);
    }
}
