use super::{
    Rule,
    context::{Context, Findings},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # Renaming a column
    ///
    /// Running code still asks for the old name and fails the moment the rename commits.
    ///
    /// ## Why
    /// Both names have to exist while old and new code run side by side: a second column, kept equal by a trigger,
    /// filled in batches; the old one goes when nobody asks for it any more.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, mail text);
    /// ```
    /// ```sql bad
    /// ALTER TABLE users RENAME COLUMN mail TO email;
    /// ```
    /// ```sql good
    /// ALTER TABLE users ADD COLUMN email text;
    /// ```
    ///
    /// ## Phase
    /// Contract, when no running instance reads or writes the old name; the new column comes in Expand.
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, ALTER TABLE, RENAME.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "renaming-column", severity: Severity::Warning, page: PAGE, check, fix: super::fix::phases };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::RenameColumn { table, from, to } = ddl else { return };
    if ctx.is_fresh(table) {
        return;
    }
    let message = format!(
        "Running code still asks {} for {from} and fails the moment this commits. Add {to} beside it, keep both equal by a \
         trigger, and drop {from} when nobody asks for it any more",
        ctx.sized(table)
    );
    acc.report(&RULE, RULE.severity, message);
}
