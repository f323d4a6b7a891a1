use super::{
    Rule,
    context::{Context, Findings},
    fix::{self, Fix},
};
use crate::{
    dialect::Capability,
    page::page,
    sql::{ConstraintKind, Ddl, Name, Severity},
};

page! {
    /// # Adding a foreign key without NOT VALID
    ///
    /// Every row is checked while writes to both tables are locked out.
    ///
    /// ## Why
    /// NOT VALID takes the same locks for a moment only; VALIDATE checks the old rows while everybody works. Before 18
    /// a partitioned table takes no NOT VALID: its partitions do.
    ///
    /// ```sql before
    /// CREATE TABLE teams (id bigint PRIMARY KEY);
    /// CREATE TABLE users (id bigint PRIMARY KEY, team_id bigint);
    /// ```
    /// ```sql bad
    /// ALTER TABLE users ADD CONSTRAINT users_team_fk FOREIGN KEY (team_id) REFERENCES teams (id);
    /// ```
    /// ```sql good
    /// ALTER TABLE users ADD CONSTRAINT users_team_fk FOREIGN KEY (team_id) REFERENCES teams (id) NOT VALID;
    /// ALTER TABLE users VALIDATE CONSTRAINT users_team_fk;
    /// ```
    ///
    /// ## Phase
    /// Enforce, when every running instance writes rows that satisfy it.
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, ALTER TABLE, ADD table_constraint [ NOT VALID ]; 13.3.1.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "foreign-key-without-not-valid", severity: Severity::Warning, page: PAGE, check, fix };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::AddConstraint { table, constraint } = ddl else { return };
    let ConstraintKind::ForeignKey(fk) = &constraint.kind else { return };
    if ctx.blocking_scans().is_empty() {
        return;
    }
    let way = if per_partition(ctx, table) {
        "Add it as NOT VALID to each partition, VALIDATE each, then add it to the parent, which takes those over"
    } else {
        "Add it as NOT VALID and VALIDATE it in another transaction"
    };
    let message = format!(
        "Checks every row of {} while writes to it and to {} wait. {way}",
        ctx.sized(table),
        ctx.sized(&fk.references)
    );
    acc.weigh(ctx, &RULE, table, message);
}

fn fix(ctx: &Context<'_>, ddl: &Ddl) -> Option<Fix> {
    match ddl {
        Ddl::AddConstraint { table, .. } if per_partition(ctx, table) => Some(Fix::Phases),
        Ddl::AddConstraint { table, constraint } => fix::not_valid(ctx, ddl, table, constraint),
        _ => None,
    }
}

/// Before 18 a partitioned table takes no NOT VALID.
fn per_partition(ctx: &Context<'_>, table: &Name) -> bool {
    ctx.is_partitioned(table) && !ctx.dialect.can(Capability::PartitionedForeignKeyNotValid, ctx.facts.server_version)
}
