use super::{
    Rule,
    context::{Context, Findings},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # Renaming or moving a table
    ///
    /// Running code still asks for the old name and fails the moment the change commits.
    ///
    /// ## Why
    /// A view with the old name, made in the same transaction, keeps old code working: it takes INSERT, UPDATE and
    /// DELETE (not COPY or TRUNCATE).
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY);
    /// ```
    /// ```sql bad
    /// ALTER TABLE users RENAME TO accounts;
    /// ```
    /// ```sql good
    /// BEGIN;
    /// ALTER TABLE users RENAME TO accounts;
    /// CREATE VIEW users AS SELECT * FROM accounts;
    /// COMMIT;
    /// ```
    ///
    /// ## Phase
    /// Contract, when no running instance asks for the old name; until then a view has it.
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, ALTER TABLE, RENAME; CREATE VIEW, Updatable Views.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "renaming-table", severity: Severity::Warning, page: PAGE, check, fix: super::fix::phases };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let (table, what) = match ddl {
        Ddl::RenameTable { from, to, .. } => (from, format!("is called {to}")),
        Ddl::SetTableSchema { name, schema } => (name, format!("is in schema {schema}")),
        _ => return,
    };
    let name = ctx.resolve(table);
    let other_relation = ctx.before.indexes.contains_key(&name) || ctx.before.views.contains_key(&name);
    if ctx.is_fresh(table) || other_relation || ctx.in_transaction() && ctx.file.view_follows(ctx.statement, &name) {
        return;
    }
    let message = format!(
        "Running code still asks for {name} and fails the moment the table {what}. In the same transaction, create a view \
         with the old name; drop it when nobody asks for it any more"
    );
    acc.report(&RULE, RULE.severity, message);
}
