use super::{
    Rule,
    context::{Context, Findings, sentence},
};
use crate::{
    page::page,
    sql::{Ddl, Severity, TriggerEnabled},
};

page! {
    /// # Disabling a trigger
    ///
    /// Rows that anybody writes meanwhile escape it: what it should have checked, logged or copied stays unchecked, unlogged,
    /// not copied.
    ///
    /// ## Why
    /// DISABLE TRIGGER ALL switches off foreign keys, too, and nothing checks them when they are switched on again. For one
    /// session alone, `SET session_replication_role = replica` disturbs nobody else, and takes no lock.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, name text);
    /// CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
    /// CREATE TRIGGER users_note BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION note();
    /// ```
    /// ```sql bad
    /// ALTER TABLE users DISABLE TRIGGER users_note;
    /// ```
    /// ```sql good
    /// ALTER TABLE users ENABLE TRIGGER users_note;
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, ALTER TABLE, DISABLE TRIGGER.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "disabling-trigger", severity: Severity::Warning, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::EnableTrigger { table, trigger, enabled: TriggerEnabled::Disabled } = ddl else { return };
    if ctx.is_fresh(table) {
        return;
    }
    let what = match trigger {
        Some(it) => format!("rows written meanwhile escape {it}"),
        None => "rows written meanwhile escape every trigger, foreign keys among them".to_owned(),
    };
    let message = format!(
        "{}; {what}. Switch it off in your own session: SET session_replication_role = replica",
        sentence(&ctx.for_a_moment(table))
    );
    acc.report(&RULE, RULE.severity, message);
}
