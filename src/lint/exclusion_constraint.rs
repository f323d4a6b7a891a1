use super::{
    Rule,
    context::{Context, Findings, sentence},
};
use crate::{
    page::page,
    sql::{ConstraintKind, Ddl, Severity},
};

page! {
    /// # Adding an exclusion constraint
    ///
    /// The index behind it is built with everybody locked out, and there is no concurrent way.
    ///
    /// ## Why
    /// Neither NOT VALID nor USING INDEX exist for it: take a maintenance window, or build a new table and swap.
    ///
    /// ```sql before
    /// CREATE TABLE bookings (id bigint PRIMARY KEY, room integer);
    /// ```
    /// ```sql bad
    /// ALTER TABLE bookings ADD CONSTRAINT bookings_room_excl EXCLUDE USING btree (room WITH =);
    /// ```
    /// ```sql good
    /// CREATE TABLE bookings_new (id bigint PRIMARY KEY, room integer, CONSTRAINT bookings_new_room_excl EXCLUDE USING btree (room WITH =));
    /// ```
    ///
    /// ## Phase
    /// Enforce, when every running instance writes rows that satisfy it.
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, CREATE TABLE, EXCLUDE.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "exclusion-constraint", severity: Severity::Warning, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::AddConstraint { table, constraint } = ddl else { return };
    if !matches!(constraint.kind, ConstraintKind::Exclude(_)) || ctx.impact.builds.is_empty() || ctx.is_fresh(table) {
        return;
    }
    let message = format!(
        "{}, and there is no concurrent way. Plan a window, or build a new table with the constraint and swap",
        sentence(&ctx.during("builds an index on", table))
    );
    acc.weigh(ctx, &RULE, table, message);
}
