use super::{
    Rule,
    context::{Context, Findings, listed},
};
use crate::{
    page::page,
    sql::{Ddl, Name, Severity},
};

page! {
    /// # Truncating a table
    ///
    /// All rows are gone, everybody is locked out, and with CASCADE the rows of every referencing table go, too.
    ///
    /// ## Why
    /// DELETE in batches leaves readers and writers alone, and can be stopped.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY);
    /// CREATE TABLE logins (id bigint PRIMARY KEY, user_id bigint REFERENCES users (id));
    /// ```
    /// ```sql bad
    /// TRUNCATE users CASCADE;
    /// ```
    /// ```sql good
    /// DELETE FROM logins WHERE id <= 1000;
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, TRUNCATE.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "truncating-table", severity: Severity::Warning, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::Truncate { tables, .. } = ddl else { return };
    let asked: Vec<Name> = tables.iter().map(|it| ctx.resolve(it)).collect();
    let locked: Vec<Name> = ctx.impact.locks.iter().map(|it| it.object.clone()).collect();
    let locked = ctx.in_use(&locked);
    if locked.is_empty() {
        return;
    }
    let more: Vec<&Name> = locked.iter().filter(|it| !asked.contains(it)).collect();
    let mut message =
        format!("Every row of {} is gone for good, under ACCESS EXCLUSIVE: every query on it waits", listed(&asked));
    if !more.is_empty() {
        message.push_str(&format!("; so are the rows of {}", listed(&more)));
    }
    message.push_str(". DELETE in batches if anybody is using it");
    acc.report(&RULE, RULE.severity, message);
}
