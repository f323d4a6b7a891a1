use super::{
    Rule,
    context::{Context, Findings},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # UPDATE or DELETE of a whole table
    ///
    /// Every row stays locked against other writers until the transaction ends, and the table doubles its size on disk.
    ///
    /// ## Why
    /// In batches by key, each committed, nobody waits for long and a failure loses little.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, name text, email text, team_id bigint);
    /// ```
    /// ```sql bad
    /// UPDATE users SET name = lower(name);
    /// ```
    /// ```sql good
    /// UPDATE users SET name = lower(name) WHERE id > 0 AND id <= 1000;
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, 13.3.2 Row-Level Locks; 24.1 Routine Vacuuming.
    const PAGE;
}

pub(super) const RULE: Rule = Rule {
    code: "update-or-delete-without-where",
    severity: Severity::Warning,
    page: PAGE,
    check,
    fix: super::fix::none,
};

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::Data(data) = ddl else { return };
    let Some(target) = &data.target else { return };
    if !matches!(data.verb.as_str(), "UPDATE" | "DELETE") || data.filtered || ctx.is_fresh(target) {
        return;
    }
    let message = format!(
        "Locks every row of {} against other writers until it commits, and leaves as many dead ones. \
         Work in batches by key and commit each",
        ctx.sized(target)
    );
    acc.weigh(ctx, &RULE, target, message);
}
