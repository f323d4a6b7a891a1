use super::{
    Rule,
    context::{Context, Findings},
};
use crate::{
    page::page,
    sql::{ConstraintKind, Ddl, Severity},
};

page! {
    /// # Adding a column with REFERENCES
    ///
    /// The foreign key locks the referenced table against writes, on top of the full lock on the altered table.
    ///
    /// ## Why
    /// With a default other than NULL every row is checked as well, under the same locks.
    ///
    /// ```sql before
    /// CREATE TABLE teams (id bigint PRIMARY KEY);
    /// CREATE TABLE users (id bigint PRIMARY KEY);
    /// ```
    /// ```sql bad
    /// ALTER TABLE users ADD COLUMN team_id bigint REFERENCES teams (id);
    /// ```
    /// ```sql good
    /// ALTER TABLE users ADD COLUMN team_id bigint;
    /// ALTER TABLE users ADD CONSTRAINT users_team_id_fkey FOREIGN KEY (team_id) REFERENCES teams (id) NOT VALID;
    /// ALTER TABLE users VALIDATE CONSTRAINT users_team_id_fkey;
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, ALTER TABLE, ADD table_constraint; 13.3.1.
    const PAGE;
}

pub(super) const RULE: Rule = Rule {
    code: "add-column-inline-references",
    severity: Severity::Warning,
    page: PAGE,
    check,
    fix: super::fix::phases,
};

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::AddColumn { table, constraints, .. } = ddl else { return };
    for constraint in constraints {
        let ConstraintKind::ForeignKey(fk) = &constraint.kind else { continue };
        let other = ctx.resolve(&fk.references);
        if ctx.is_fresh(table) || other == ctx.resolve(table) && ctx.impact.scans.is_empty() {
            continue;
        }
        let scan = if ctx.impact.scans.is_empty() { "" } else { ", reads every row" };
        let message = format!(
            "Takes ACCESS EXCLUSIVE on {} and keeps writes off {}{scan}: both queue behind the oldest transaction on either. \
             Add the column first, then the foreign key as NOT VALID, and VALIDATE it in another transaction",
            ctx.sized(table),
            ctx.sized(&other)
        );
        if ctx.impact.scans.is_empty() {
            acc.report(&RULE, RULE.severity, message);
        } else {
            acc.weigh(ctx, &RULE, table, message);
        }
    }
}
