use super::{
    Rule,
    context::{Context, Findings, sentence},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # Dropping a trigger
    ///
    /// The table is locked completely, for a moment, but behind the oldest query on it; what the trigger did is not
    /// done any more.
    ///
    /// ## Why
    /// Set lock_timeout and retry.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY);
    /// CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
    /// CREATE TRIGGER users_note BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION note();
    /// ```
    /// ```sql bad
    /// DROP TRIGGER users_note ON users;
    /// ```
    /// ```sql good
    /// SELECT 1;
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, DROP TRIGGER; measured on 11 to 18.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "dropping-trigger", severity: Severity::Info, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::DropTrigger { table, if_exists, .. } = ddl else { return };
    if !ctx.is_fresh(table) && !ctx.impact.locks.is_empty() {
        let unsure = *if_exists && ctx.table(table).is_none();
        let locks = ctx.for_a_moment(table);
        let locks = if unsure { format!("If it is there: {locks}") } else { sentence(&locks) };
        let message = format!("{locks}. Set lock_timeout and retry");
        acc.report(&RULE, RULE.severity, message);
    }
}
