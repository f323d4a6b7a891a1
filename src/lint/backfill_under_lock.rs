use super::{
    Rule,
    context::{Context, Findings, sql_words},
    fix::{Fix, Rewrite},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # Changing rows in the transaction of a schema change
    ///
    /// The schema change's lock is held until the end, so everybody waits for the rows, too.
    ///
    /// ## Why
    /// Commit the schema change first, then change rows in batches outside of it.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, name text, email text, team_id bigint);
    /// ```
    /// ```sql bad
    /// BEGIN;
    /// ALTER TABLE users ADD COLUMN locale text;
    /// UPDATE users SET locale = 'en' WHERE locale IS NULL;
    /// COMMIT;
    /// ```
    /// ```sql good
    /// ALTER TABLE users ADD COLUMN locale text;
    /// UPDATE users SET locale = 'en' WHERE id <= 1000 AND locale IS NULL;
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, 13.3.1: a lock is held until the end of the transaction.
    const PAGE;
}

pub(super) const RULE: Rule = Rule { code: "backfill-under-lock", severity: Severity::Warning, page: PAGE, check, fix };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::Data(data) = ddl else { return };
    let Some(target) = &data.target else { return };
    let name = ctx.resolve(target);
    let strong = ctx.held.locks.get(&name).copied().filter(|it| it.blocks_writes());
    let (Some(mode), "UPDATE" | "DELETE" | "INSERT" | "MERGE" | "COPY") = (strong, data.verb.as_str()) else { return };
    if ctx.is_fresh(target) {
        return;
    }
    let message = format!(
        "{} on {} is held since the schema change above, and {} while rows are changed here. \
         Commit the schema change first, then change rows in batches",
        sql_words(mode),
        ctx.sized(&name),
        if mode.blocks_reads() { "every query on it waits" } else { "every write to it waits" }
    );
    acc.weigh(ctx, &RULE, target, message);
}

fn fix(ctx: &Context<'_>, _: &Ddl) -> Option<Fix> {
    let fix = Rewrite::new("Commit the schema change before the rows are changed").apart().fix(ctx);
    // Rows are no part of a plan.
    fix.filter(|it| *it != Fix::Phases)
}
