use super::{
    Rule,
    context::{Context, Findings, listed},
};
use crate::{
    page::page,
    sql::{Ddl, Name, Severity},
};

page! {
    /// # Dropping a table
    ///
    /// All its rows are gone, running code that names it fails, and tables tied to it by foreign keys are locked
    /// completely.
    ///
    /// ## Why
    /// The triggers behind a foreign key sit on both tables: to drop them, both are locked. Drop foreign keys one by
    /// one before; rename the table first and wait, so that a forgotten user shows up while the rows are still there.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY);
    /// CREATE TABLE logins (id bigint PRIMARY KEY, user_id bigint REFERENCES users (id));
    /// ```
    /// ```sql bad
    /// DROP TABLE logins;
    /// ```
    /// ```sql good
    /// ALTER TABLE logins DROP CONSTRAINT logins_user_id_fkey;
    /// ```
    ///
    /// ## Phase
    /// Contract, when no running instance reads or writes the table.
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, DROP TABLE; measured on 10 to 18.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "dropping-table", severity: Severity::Warning, page: PAGE, check, fix: super::fix::later };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::DropTable { name, .. } = ddl else { return };
    if ctx.is_fresh(name) || ctx.impact.locks.is_empty() {
        return;
    }
    let name = ctx.resolve(name);
    let others: Vec<Name> = ctx.impact.locks.iter().map(|it| it.object.clone()).filter(|it| *it != name).collect();
    let others = ctx.in_use(&others);
    let mut message =
        format!("Every row of {} is gone for good, and running code that names it fails", ctx.sized(&name));
    if !others.is_empty() {
        message.push_str(&format!("; {} is locked with ACCESS EXCLUSIVE as well", listed(&others)));
    }
    message.push_str(". Drop it in a later release than the one that stops using it, its foreign keys before");
    acc.report(&RULE, RULE.severity, message);
}
