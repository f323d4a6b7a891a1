use super::{
    Rule,
    context::{Context, Findings, sentence},
    fix::Fix,
};
use crate::{
    dialect::Capability,
    page::page,
    sql::{Ddl, DetachMode, Severity},
};

page! {
    /// # Detaching a partition with everybody locked out
    ///
    /// The parent, and the DEFAULT partition if there is one, are locked completely, for a moment, but behind the
    /// oldest query.
    ///
    /// ## Why
    /// From 14 on CONCURRENTLY does it without, outside a transaction and only while the parent has no DEFAULT
    /// partition.
    ///
    /// ```sql before
    /// CREATE TABLE events (id bigint NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);
    /// CREATE TABLE events_2020 PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
    /// ```
    /// ```sql bad
    /// ALTER TABLE events DETACH PARTITION events_2020;
    /// ```
    /// ```sql good 14
    /// ALTER TABLE events DETACH PARTITION events_2020 CONCURRENTLY;
    /// ```
    ///
    /// ## Versions
    /// All; CONCURRENTLY from 14 on.
    ///
    /// ## Source
    /// Manual, ALTER TABLE, DETACH PARTITION.
    const PAGE;
}

pub(super) const RULE: Rule = Rule { code: "detaching-partition", severity: Severity::Warning, page: PAGE, check, fix };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::DetachPartition { parent, mode: DetachMode::Plain, .. } = ddl else { return };
    if ctx.is_fresh(parent) {
        return;
    }
    let name = ctx.resolve(parent);
    let way = if can_be_concurrent(ctx) {
        "Detach it CONCURRENTLY, outside a transaction"
    } else {
        "Set lock_timeout and retry"
    };
    acc.report(&RULE, RULE.severity, format!("{}. {way}", sentence(&ctx.for_a_moment(&name))));
}

/// Not beside a DEFAULT partition, which is locked as well.
fn can_be_concurrent(ctx: &Context<'_>) -> bool {
    let has_default = ctx.impact.locks.len() > 2;
    ctx.dialect.can(Capability::DetachConcurrently, ctx.facts.server_version) && !has_default
}

/// CONCURRENTLY leaves a CHECK behind, which a plan takes away again.
fn fix(ctx: &Context<'_>, _: &Ddl) -> Option<Fix> {
    can_be_concurrent(ctx).then_some(Fix::Phases)
}
