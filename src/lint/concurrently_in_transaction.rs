use super::{
    Rule,
    context::{Context, Findings},
    fix::{Fix, Rewrite},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # CONCURRENTLY in a transaction
    ///
    /// The server refuses the statement: it has to commit in between and cannot do so inside a transaction block.
    ///
    /// ## Why
    /// Put it into a file of its own that the tool runs outside a transaction (Flyway: `executeInTransaction=false`;
    /// sqlx: `-- no-transaction`; dbmate: `transaction:false`; goose: `NO TRANSACTION`).
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, name text, email text, team_id bigint);
    /// ```
    /// ```sql bad
    /// BEGIN;
    /// CREATE INDEX CONCURRENTLY users_email_idx ON users (email);
    /// COMMIT;
    /// ```
    /// ```sql good
    /// CREATE INDEX CONCURRENTLY users_email_idx ON users (email);
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, CREATE INDEX, DROP INDEX, REINDEX, VACUUM, Notes.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "concurrently-in-transaction", severity: Severity::Error, page: PAGE, check, fix };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let each_partition = match ddl {
        Ddl::Reindex { what, name, .. } => {
            what == "TABLE" && ctx.facts.server_version >= 14 && ctx.is_partitioned(name)
        }
        _ => false,
    };
    if (ddl.transactional() && !each_partition) || !ctx.in_transaction() {
        return;
    }
    let who = match ctx.held {
        held if held.block => "a block of code always runs in one",
        held if held.explicit => "it stands after BEGIN",
        _ => "the migration tool runs the file in one",
    };
    let message = format!(
        "The server refuses this inside a transaction, and {who}. Give it a file that runs outside a transaction"
    );
    acc.report(&RULE, RULE.severity, message);
}

fn fix(ctx: &Context<'_>, ddl: &Ddl) -> Option<Fix> {
    let fix = Rewrite::new("Run it outside of the transaction").outside().fix(ctx);
    let planned = matches!(ddl, Ddl::CreateIndex { .. } | Ddl::DropIndex { .. } | Ddl::DetachPartition { .. });
    fix.filter(|it| *it != Fix::Phases || planned)
}
