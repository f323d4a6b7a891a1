//! Partitions that come and go.

use super::{Builder, Kind, Outline, pairs::Pairs};
use crate::{
    dialect::Capability,
    page::page,
    plan::PhaseKind::*,
    sql::{Ddl, DetachMode, Name, ObjectRef, PartitionOf, Severity},
};

page! {
    /// # Attach or detach a partition
    ///
    /// Attaching reads the new partition for rows that do not belong, and the default partition for rows that now do, unless a valid check
    /// proves it. Detaching goes CONCURRENTLY where the server can (PostgreSQL 14+, no default partition).
    ///
    /// ```sql before
    /// CREATE TABLE pings (id bigint, at date NOT NULL) PARTITION BY RANGE (at);
    /// CREATE TABLE pings_2026 (
    ///   id bigint,
    ///   at date NOT NULL CONSTRAINT of_2026 CHECK (at >= '2026-01-01' AND at < '2027-01-01')
    /// );
    /// ```
    /// ```sql after
    /// CREATE TABLE pings (id bigint, at date NOT NULL) PARTITION BY RANGE (at);
    /// CREATE TABLE pings_2026 PARTITION OF pings (
    ///   CONSTRAINT of_2026 CHECK (at >= '2026-01-01' AND at < '2027-01-01')
    /// ) FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    /// ```
    /// ```plan
    /// Hazard: pings_2026 is read while nobody can use it, unless a valid check proves that its rows belong (attaching-partition-scans, warning)
    /// Enforce: attach pings_2026 to pings
    ///   ALTER TABLE pings ATTACH PARTITION pings_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')
    ///     lock: AccessExclusive on pings_2026, brief
    ///     lock: ShareUpdateExclusive on pings
    ///   undo: ALTER TABLE pings DETACH PARTITION pings_2026
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangePartition {
    table: Name,
    before: Option<PartitionOf>,
    after: Option<PartitionOf>,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<ChangePartition> {
    let changed = pairs.tables.iter().filter(|it| it.before.partition_of != it.after.partition_of);
    changed
        .map(|it| ChangePartition {
            table: it.after.name.clone(),
            before: it.before.partition_of.clone(),
            after: it.after.partition_of.clone(),
        })
        .collect()
}

/// How a partition can be taken out on this server.
pub(super) fn detach(b: &Builder<'_>, parent: &Name, partition: &Name) -> Ddl {
    let default = b
        .pairs
        .base
        .partitions_of(parent)
        .any(|it| it.partition_of.as_ref().is_some_and(|it| it.bound.canon().eq_ignore_ascii_case("default")));
    let mode =
        if b.can(Capability::DetachConcurrently) && !default { DetachMode::Concurrently } else { DetachMode::Plain };
    Ddl::DetachPartition { parent: parent.clone(), partition: partition.clone(), mode }
}

impl Kind for ChangePartition {
    fn kind(&self) -> &'static str {
        match (&self.before, &self.after) {
            (None, _) => "attach_partition",
            (_, None) => "detach_partition",
            _ => "change_partition",
        }
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Table(self.table.clone())
    }

    fn describe(&self) -> String {
        match (&self.before, &self.after) {
            (None, Some(of)) => format!("attach {} to {}", self.table, of.parent),
            (Some(of), None) => format!("detach {} from {}", self.table, of.parent),
            _ => format!("move partition {}", self.table),
        }
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        let group = format!("partition:{}", self.table);
        match (&self.before, &self.after) {
            (before, Some(after)) => {
                if let Some(before) = before {
                    let out = Ddl::DetachPartition {
                        parent: before.parent.clone(),
                        partition: self.table.clone(),
                        mode: DetachMode::Plain,
                    };
                    acc.grouped(Enforce, &group, out, "it comes back in this transaction");
                }
                let (parent, bound) = (after.parent.clone(), after.bound.clone());
                let attach = Ddl::AttachPartition { parent, partition: self.table.clone(), bound };
                acc.grouped(Enforce, &group, attach, "its rows are checked against the bounds");
                let message = format!(
                    "{} is read while nobody can use it, unless a valid check proves that its rows belong",
                    self.table
                );
                acc.hazard("attaching-partition-scans", Severity::Warning, message);
            }
            (Some(before), None) => {
                acc.step(
                    Contract,
                    detach(b, &before.parent, &self.table),
                    "its rows leave the parent and stay in the table",
                );
            }
            (None, None) => {}
        }
    }
}
