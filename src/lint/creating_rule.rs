use super::{
    Rule,
    context::{Context, Findings, sentence},
};
use crate::{
    page::page,
    sql::{Ddl, ObjectRef, Severity},
};

page! {
    /// # Creating a rule
    ///
    /// Everybody is locked out of the table for a moment, and statements on it are rewritten from the next one on.
    ///
    /// ## Why
    /// Rules surprise: they run once per statement, with expressions evaluated again. A trigger does what most rules are
    /// meant to do, and creating one does not wait for readers.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, name text, email text, team_id bigint);
    /// ```
    /// ```sql bad
    /// CREATE RULE users_keep AS ON DELETE TO users DO INSTEAD NOTHING;
    /// ```
    /// ```sql good
    /// SET lock_timeout = '2s';
    /// COMMENT ON TABLE users IS 'rows are never deleted';
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, chapter 41, The Rule System; CREATE RULE.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "creating-rule", severity: Severity::Info, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let rule = match ddl {
        Ddl::Opaque(it) => it.kind.ends_with(" RULE"),
        Ddl::DropOpaque { object, .. } => matches!(object, ObjectRef::Rule(..)),
        _ => false,
    };
    let Some(lock) = ctx.impact.locks.iter().find(|it| it.mode.blocks_writes()) else { return };
    if rule && !ctx.is_fresh(&lock.object) {
        let message = format!(
            "{}. Set lock_timeout and retry; a trigger would not wait for readers",
            sentence(&ctx.for_a_moment(&lock.object))
        );
        acc.report(&RULE, RULE.severity, message);
    }
}
