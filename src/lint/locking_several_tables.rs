use super::{
    Rule,
    context::{Context, Findings, listed},
};
use crate::{
    page::page,
    sql::{Ddl, Name, Severity},
};

page! {
    /// # Locking several tables in one transaction
    ///
    /// Each further table is waited for while the first ones are held: queries that use them in another order deadlock with
    /// the migration, and the wait for one table stops them all.
    ///
    /// ## Why
    /// Change one table per transaction. Where two have to change together, LOCK TABLE both in one statement first, in the
    /// order in which the application uses them, with a short lock_timeout.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, name text, email text, team_id bigint);
    /// CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, note text);
    /// ```
    /// ```sql bad
    /// BEGIN;
    /// ALTER TABLE users ADD COLUMN locale text;
    /// ALTER TABLE orders ADD COLUMN locale text;
    /// COMMIT;
    /// ```
    /// ```sql good
    /// ALTER TABLE users ADD COLUMN locale text;
    /// ALTER TABLE orders ADD COLUMN locale text;
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, 13.3.4 Deadlocks.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "locking-several-tables", severity: Severity::Info, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let once = ctx.file.reported.contains(RULE.code) || acc.list.iter().any(|it| it.rule == RULE.code);
    // LOCK TABLE is how several are taken on purpose.
    if !ctx.in_transaction() || once || matches!(ddl, Ddl::Lock { .. }) {
        return;
    }
    let taken = |name: &Name| ctx.before.tables.contains_key(name) && !ctx.is_fresh(name);
    let held: Vec<&Name> =
        ctx.held.locks.iter().filter(|(name, mode)| mode.blocks_reads() && taken(name)).map(|it| it.0).collect();
    let new = ctx.impact.locks.iter().filter(|it| it.mode.blocks_reads() && taken(&it.object));
    let new: Vec<&Name> = new.map(|it| &it.object).filter(|it| !held.contains(it)).collect();
    if held.is_empty() || new.is_empty() {
        return;
    }
    let message = format!(
        "Waits for ACCESS EXCLUSIVE on {} while the transaction holds it on {}: queries that use them in another order \
         deadlock with it. Change one table per transaction",
        listed(&new),
        listed(&held)
    );
    acc.report(&RULE, RULE.severity, message);
}
