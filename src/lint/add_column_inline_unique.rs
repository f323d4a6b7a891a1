use super::{
    Rule,
    context::{Context, Findings, sentence},
};
use crate::{
    page::page,
    sql::{ConstraintKind, Ddl, Severity},
};

page! {
    /// # Adding a column with UNIQUE or PRIMARY KEY
    ///
    /// The index is built on every row with everybody locked out.
    ///
    /// ## Why
    /// An index built CONCURRENTLY can become the constraint in a moment.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, name text, email text, team_id bigint);
    /// ```
    /// ```sql bad
    /// ALTER TABLE users ADD COLUMN handle text UNIQUE;
    /// ```
    /// ```sql good
    /// ALTER TABLE users ADD COLUMN handle text;
    /// CREATE UNIQUE INDEX CONCURRENTLY users_handle_key ON users (handle);
    /// ALTER TABLE users ADD CONSTRAINT users_handle_key UNIQUE USING INDEX users_handle_key;
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, ALTER TABLE, ADD table_constraint_using_index.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "add-column-inline-unique", severity: Severity::Warning, page: PAGE, check, fix: super::fix::phases };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::AddColumn { table, constraints, .. } = ddl else { return };
    let key = constraints.iter().any(|it| matches!(it.kind, ConstraintKind::PrimaryKey(_) | ConstraintKind::Unique(_)));
    if !key || ctx.impact.builds.is_empty() || ctx.is_fresh(table) {
        return;
    }
    let message = format!(
        "{}. Add the column, build the unique index CONCURRENTLY, then attach it with ADD CONSTRAINT … USING INDEX",
        sentence(&ctx.during("builds an index on", table))
    );
    acc.weigh(ctx, &RULE, table, message);
}
