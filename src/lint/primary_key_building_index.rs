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
    /// # Adding a PRIMARY KEY that builds its index
    ///
    /// The index is built, and nullable columns are read for NULLs, with everybody locked out.
    ///
    /// ## Why
    /// A unique index built CONCURRENTLY on NOT NULL columns can become the key in a moment.
    ///
    /// ```sql before
    /// CREATE TABLE logs (id bigint NOT NULL, line text);
    /// ```
    /// ```sql bad
    /// ALTER TABLE logs ADD PRIMARY KEY (id);
    /// ```
    /// ```sql good
    /// CREATE UNIQUE INDEX CONCURRENTLY logs_pkey ON logs (id);
    /// ALTER TABLE logs ADD CONSTRAINT logs_pkey PRIMARY KEY USING INDEX logs_pkey;
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
    Rule { code: "primary-key-building-index", severity: Severity::Warning, page: PAGE, check, fix };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::AddConstraint { table, constraint } = ddl else { return };
    if !matches!(constraint.kind, ConstraintKind::PrimaryKey(_)) || ctx.impact.builds.is_empty() || ctx.is_fresh(table)
    {
        return;
    }
    let message = format!(
        "{}. Make its columns NOT NULL first, build a unique index CONCURRENTLY, then ADD CONSTRAINT … PRIMARY KEY USING INDEX",
        sentence(&ctx.during("builds an index on", table))
    );
    acc.weigh(ctx, &RULE, table, message);
}

fn fix(ctx: &Context<'_>, ddl: &Ddl) -> Option<Fix> {
    fix::key_from_index(ctx, ddl)
}
