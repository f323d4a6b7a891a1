use super::{
    Rule,
    context::{Context, Findings},
    fix::{Fix, Rewrite},
};
use crate::{
    page::page,
    sql::{Ddl, Name, Severity},
};

page! {
    /// # Using a new enum value in its own transaction
    ///
    /// The server refuses to use the value before the transaction that added it has committed.
    ///
    /// ## Why
    /// Add the value in a file of its own. From 17 on a value of a type made in the same transaction can be used at
    /// once.
    ///
    /// ```sql before
    /// CREATE TYPE mood AS ENUM ('sad', 'ok');
    /// CREATE TABLE people (id bigint PRIMARY KEY, mood mood);
    /// ```
    /// ```sql bad
    /// BEGIN;
    /// ALTER TYPE mood ADD VALUE 'happy';
    /// ALTER TABLE people ALTER COLUMN mood SET DEFAULT 'happy';
    /// COMMIT;
    /// ```
    /// ```sql good
    /// ALTER TYPE mood ADD VALUE 'happy';
    /// ALTER TABLE people ALTER COLUMN mood SET DEFAULT 'happy';
    /// ```
    ///
    /// ## Versions
    /// 12 and later; before, ADD VALUE could not run in a transaction at all.
    ///
    /// ## Source
    /// Manual, ALTER TYPE, Notes.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "enum-value-in-same-transaction", severity: Severity::Error, page: PAGE, check, fix };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    if matches!(ddl, Ddl::AddEnumValue { .. } | Ddl::Transaction(_)) {
        return;
    }
    const USABLE_WITH_ITS_TYPE: u32 = 17;
    let refused = |ty: &Name| ctx.facts.server_version < USABLE_WITH_ITS_TYPE || !ctx.held.types.contains(ty);
    for (ty, value) in ctx.held.enum_values.iter().filter(|(ty, _)| refused(ty)) {
        if ctx.text.contains(&format!("'{}'", value.replace('\'', "''"))) {
            let message = format!(
                "The server refuses to use {value} of {ty} in the transaction that added it. Add the value in a file of its own, before"
            );
            acc.report(&RULE, RULE.severity, message);
        }
    }
}

fn fix(ctx: &Context<'_>, _: &Ddl) -> Option<Fix> {
    let fix = Rewrite::new("Commit the new value before it is used").apart().fix(ctx);
    // The plan of this statement alone would stand in the same file.
    fix.filter(|it| *it != Fix::Phases)
}
