use super::{
    Rule,
    context::{Context, Findings, sentence},
    fix::{self, Fix},
};
use crate::{
    page::page,
    sql::{ConstraintKind, Ddl, Severity},
};

page! {
    /// # Adding a UNIQUE constraint that builds its index
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
    /// ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE (email);
    /// ```
    /// ```sql good
    /// CREATE UNIQUE INDEX CONCURRENTLY users_email_key ON users (email);
    /// ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE USING INDEX users_email_key;
    /// ```
    ///
    /// ## Phase
    /// Enforce, when no running instance writes duplicates.
    ///
    /// ## Versions
    /// All. Partitioned tables take no constraint from an index: there it is built per partition.
    ///
    /// ## Source
    /// Manual, ALTER TABLE, ADD table_constraint_using_index.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "unique-constraint-building-index", severity: Severity::Warning, page: PAGE, check, fix };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::AddConstraint { table, constraint } = ddl else { return };
    if !matches!(constraint.kind, ConstraintKind::Unique(_)) || ctx.impact.builds.is_empty() || ctx.is_fresh(table) {
        return;
    }
    let way = if ctx.is_partitioned(table) {
        "Add the constraint to each partition from an index built CONCURRENTLY there, then to the parent, which takes those over"
    } else {
        "Build the unique index CONCURRENTLY, then attach it with ADD CONSTRAINT … UNIQUE USING INDEX"
    };
    let message = format!("{}. {way}", sentence(&ctx.during("builds an index on", table)));
    acc.weigh(ctx, &RULE, table, message);
}

fn fix(ctx: &Context<'_>, ddl: &Ddl) -> Option<Fix> {
    fix::key_from_index(ctx, ddl)
}
