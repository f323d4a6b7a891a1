use super::{
    Rule,
    context::{Context, Findings},
};
use crate::{
    page::page,
    sql::{Ddl, Severity, TransactionControl},
};

page! {
    /// # BEGIN and COMMIT that do not match
    ///
    /// A transaction that nobody commits is rolled back at the end of the session; a second BEGIN does nothing, and the first
    /// COMMIT ends everything; inside the transaction of a migration tool it takes the tool's own bookkeeping along.
    ///
    /// ## Why
    /// The server only warns: "there is already a transaction in progress", "there is no transaction in progress". Leave
    /// transactions to the tool where it has them, else give every BEGIN one COMMIT.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, name text, email text, team_id bigint);
    /// ```
    /// ```sql bad
    /// BEGIN;
    /// ALTER TABLE users ADD COLUMN locale text;
    /// ```
    /// ```sql bad
    /// ALTER TABLE users ADD COLUMN locale text;
    /// COMMIT;
    /// ```
    /// ```sql bad
    /// BEGIN;
    /// ALTER TABLE users ADD COLUMN locale text;
    /// BEGIN;
    /// ALTER TABLE users ADD COLUMN zone text;
    /// COMMIT;
    /// ```
    /// ```sql good
    /// BEGIN;
    /// ALTER TABLE users ADD COLUMN locale text;
    /// COMMIT;
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, BEGIN and COMMIT, Notes.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "unbalanced-transaction", severity: Severity::Warning, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::Transaction(control) = ddl else { return };
    let message = match control {
        TransactionControl::Begin if ctx.held.open && !ctx.held.explicit => {
            "The migration tool has begun a transaction already: this BEGIN does nothing, and its COMMIT ends the tool's \
             transaction before its time. Leave it out"
        }
        TransactionControl::Begin if ctx.held.open => {
            "A transaction is open already: this BEGIN does nothing, and the next COMMIT ends both. Leave it out, or use \
             SAVEPOINT"
        }
        TransactionControl::Begin if !ctx.later().any(ends) => {
            "Nothing in this file ends the transaction: at the end of the session all of it is rolled back. Add COMMIT"
        }
        TransactionControl::Commit | TransactionControl::Rollback if !ctx.held.open => {
            "No transaction is open here: this does nothing, and what stands before it is committed already. Add the BEGIN, \
             or leave it out"
        }
        TransactionControl::Commit if !ctx.held.explicit => {
            "Ends the transaction of the migration tool: what follows runs outside of it, and if it fails the migration is \
             neither done nor undone. Leave it out"
        }
        _ => return,
    };
    acc.report(&RULE, RULE.severity, message);
}

fn ends(ddl: &Ddl) -> bool {
    matches!(ddl, Ddl::Transaction(TransactionControl::Commit | TransactionControl::Rollback))
}
