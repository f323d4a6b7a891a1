use super::{
    Rule,
    context::{Context, Findings, sentence},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # Creating a trigger
    ///
    /// Writes to the table wait, for a moment, but behind the oldest transaction that wrote to it; and every later
    /// write runs the trigger.
    ///
    /// ## Why
    /// Set lock_timeout and retry.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY);
    /// CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
    /// ```
    /// ```sql bad
    /// CREATE TRIGGER users_note BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION note();
    /// ```
    /// ```sql good
    /// SELECT 1;
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, CREATE TRIGGER; 13.3.1.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "creating-trigger", severity: Severity::Info, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::CreateTrigger { trigger, .. } = ddl else { return };
    if !ctx.is_fresh(&trigger.table) {
        let message = format!("{}. Set lock_timeout and retry", sentence(&ctx.for_a_moment(&trigger.table)));
        acc.report(&RULE, RULE.severity, message);
    }
}
