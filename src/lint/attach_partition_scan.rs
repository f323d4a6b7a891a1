use super::{
    Rule,
    context::{Context, Findings, listed, sentence},
};
use crate::{
    page::page,
    sql::{Ddl, Name, Severity},
};

page! {
    /// # Attaching a partition that has to be read
    ///
    /// The new partition, and the DEFAULT partition if there is one, are read whole while everybody is locked out of
    /// them.
    ///
    /// ## Why
    /// A valid CHECK that says what the bound says spares the reading; for the DEFAULT partition, one that excludes the
    /// bound. Both can be validated before without a lock.
    ///
    /// ```sql before
    /// CREATE TABLE events (id bigint NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);
    /// CREATE TABLE events_old (id bigint NOT NULL, at date NOT NULL);
    /// ```
    /// ```sql bad
    /// ALTER TABLE events ATTACH PARTITION events_old FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
    /// ```
    /// ```sql good
    /// ALTER TABLE events_old ADD CONSTRAINT events_old_at CHECK (at >= '2020-01-01' AND at < '2021-01-01') NOT VALID;
    /// ALTER TABLE events_old VALIDATE CONSTRAINT events_old_at;
    /// ALTER TABLE events ATTACH PARTITION events_old FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
    /// ```
    ///
    /// ## Versions
    /// All; the parent is locked with SHARE UPDATE EXCLUSIVE from 12 on.
    ///
    /// ## Source
    /// Manual, ALTER TABLE, ATTACH PARTITION; 5.12.2.2.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "attach-partition-scan", severity: Severity::Warning, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::AttachPartition { partition, .. } = ddl else { return };
    let scans = ctx.blocking_scans();
    let Some(first) = scans.first() else {
        builds(acc, ctx, partition);
        return;
    };
    let names = listed(&scans.iter().map(|it| ctx.sized(it)).collect::<Vec<_>>());
    let message = format!(
        "Reads every row of {names} under ACCESS EXCLUSIVE: every query on it waits until that is done. Before, add a CHECK \
         that says what the bound says (on a DEFAULT partition: that excludes it), NOT VALID at first, and VALIDATE it{}",
        if ctx.impact.builds.is_empty() || ctx.is_fresh(partition) {
            ""
        } else {
            ". Indexes of the parent that the partition has no equal of are built meanwhile: build them before, CONCURRENTLY"
        }
    );
    acc.weigh(ctx, &RULE, first, message);
}

/// Nothing has to be read to check it, but indexes are built.
fn builds(acc: &mut Findings<'_>, ctx: &Context<'_>, partition: &Name) {
    if ctx.is_fresh(partition) || ctx.impact.builds.is_empty() {
        return;
    }
    let message = format!(
        "{}: indexes of the parent that it has no equal of ({}). Build them before, CONCURRENTLY",
        sentence(&ctx.during("builds indexes on", partition)),
        listed(&ctx.impact.builds)
    );
    acc.weigh(ctx, &RULE, partition, message);
}
