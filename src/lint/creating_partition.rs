use super::{
    Rule,
    context::{Context, Findings, listed, sentence},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # Creating a partition in place
    ///
    /// CREATE TABLE … PARTITION OF locks the parent completely; a DEFAULT partition is read whole under the same lock.
    ///
    /// ## Why
    /// Create the table on its own and ATTACH it: that lets the parent's readers and writers go on.
    ///
    /// ```sql before
    /// CREATE TABLE events (id bigint NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);
    /// ```
    /// ```sql bad
    /// CREATE TABLE events_2020 PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
    /// ```
    /// ```sql good
    /// CREATE TABLE events_2020 (LIKE events INCLUDING ALL);
    /// ALTER TABLE events ATTACH PARTITION events_2020 FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
    /// ```
    ///
    /// ## Versions
    /// 12 and later; before, ATTACH took the same lock.
    ///
    /// ## Source
    /// Manual, CREATE TABLE, PARTITION OF; ALTER TABLE, ATTACH PARTITION.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "creating-partition", severity: Severity::Info, page: PAGE, check, fix: super::fix::phases };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::CreateTable { table, .. } = ddl else { return };
    let Some(of) = &table.partition_of else { return };
    if ctx.is_fresh(&of.parent) || ctx.impact.locks.is_empty() {
        return;
    }
    let scans = ctx.blocking_scans();
    let read =
        if scans.is_empty() { String::new() } else { format!("; every row of {} is read meanwhile", listed(&scans)) };
    let severity = scans.first().map_or(RULE.severity, |it| ctx.by_size(crate::sql::Severity::Warning, it));
    let mut message =
        format!("{}{read}. Create the table on its own, then ATTACH it", sentence(&ctx.for_a_moment(&of.parent)));
    if let Some(estimate) = scans.first().and_then(|it| ctx.estimate(it)) {
        message.push_str(&format!(". Estimate: {estimate}"));
    }
    acc.report(&RULE, severity, message);
}
