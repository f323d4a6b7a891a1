//! Partitions that come and go.

use super::{Builder, Kind, Outline, divide::is_default, pairs::Pairs};
use crate::{
    catalog::object_name,
    dialect::{Capability, Probe},
    page::page,
    plan::{
        Action,
        PhaseKind::{self, *},
        Undo, helper_name,
    },
    sql::*,
};

page! {
    /// # Attach or detach a partition
    ///
    /// Attaching reads the new partition for rows that do not belong, and the DEFAULT partition for rows that now do, while
    /// nobody can use them, unless a valid check proves it: so there is one for as long as it takes. Rows of the DEFAULT
    /// partition that belong to the new one must have been moved; nothing but the application knows when that can be.
    /// Detaching goes CONCURRENTLY where the server can (PostgreSQL 14+, no DEFAULT partition).
    ///
    /// ```sql before
    /// CREATE TABLE pings (id bigint, at date NOT NULL) PARTITION BY RANGE (at);
    /// CREATE TABLE pings_rest PARTITION OF pings DEFAULT;
    /// CREATE TABLE pings_2026 (id bigint, at date NOT NULL);
    /// ```
    /// ```sql after
    /// CREATE TABLE pings (id bigint, at date NOT NULL) PARTITION BY RANGE (at);
    /// CREATE TABLE pings_rest PARTITION OF pings DEFAULT;
    /// CREATE TABLE pings_2026 PARTITION OF pings FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    /// ```
    /// ```plan
    /// Hazard: from the check to the attachment of pings_2026, writes to pings that belong to it are refused: so far they go to pings_rest (partitioning-refuses-rows, warning)
    /// Enforce: attach pings_2026 to pings
    ///   before: no row of pings_2026 breaks the check = 0
    ///   before: no row of pings_rest belongs to pings_2026 (rows that do have to be moved out first: the server refuses the partition while they are there) = 0
    ///   ALTER TABLE pings_2026 ADD CONSTRAINT mc_bound_pings_2026 CHECK (at >= '2026-01-01' AND at < '2027-01-01') NOT VALID
    ///     lock: AccessExclusive on pings_2026, brief
    ///   ALTER TABLE pings_2026 VALIDATE CONSTRAINT mc_bound_pings_2026
    ///     lock: ShareUpdateExclusive on pings_2026, reads every row
    ///   ALTER TABLE pings_rest ADD CONSTRAINT mc_bound_pings_rest_pings_2026 CHECK (NOT (at >= '2026-01-01' AND at < '2027-01-01')) NOT VALID
    ///     lock: AccessExclusive on pings_rest, brief
    ///   ALTER TABLE pings_rest VALIDATE CONSTRAINT mc_bound_pings_rest_pings_2026
    ///     lock: ShareUpdateExclusive on pings_rest, reads every row
    ///   ALTER TABLE pings ATTACH PARTITION pings_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')
    ///     lock: AccessExclusive on pings_2026, pings_rest, brief
    ///     lock: ShareUpdateExclusive on pings
    ///   ALTER TABLE pings_2026 DROP CONSTRAINT mc_bound_pings_2026
    ///     with the step above
    ///     lock: AccessExclusive on pings_2026, brief
    ///   ALTER TABLE pings_rest DROP CONSTRAINT mc_bound_pings_rest_pings_2026
    ///     with the step above
    ///     lock: AccessExclusive on pings_rest, brief
    ///   undo: ALTER TABLE pings DETACH PARTITION pings_2026
    ///   undo: ALTER TABLE pings_rest DROP CONSTRAINT IF EXISTS mc_bound_pings_rest_pings_2026
    ///   undo: ALTER TABLE pings_2026 DROP CONSTRAINT IF EXISTS mc_bound_pings_2026
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

/// Puts a partition in. What reads rows is done beforehand, beside running writes: checks that say that the rows of the
/// partition belong, and that none of the DEFAULT partition does, spare ATTACH reading them under lock (playbook §4.19).
/// `from`: where it is a partition so far, and leaves in the same transaction.
pub(super) fn attach(
    b: &Builder<'_>,
    acc: &mut Outline,
    phase: PhaseKind,
    partition: &Name,
    of: &PartitionOf,
    from: Option<&PartitionOf>,
) {
    let (parent, bound) = (of.parent.clone(), of.bound.clone());
    let group = format!("partition:{partition}");
    let attach = Ddl::AttachPartition { parent: parent.clone(), partition: partition.clone(), bound: bound.clone() };
    // As the server would see it now.
    let scans = b.dialect().lock_of(&attach, &b.pairs.base, b.pairs.input.facts).scans;
    let by = b.pairs.base.table(&parent).and_then(|it| it.partition_by.clone());
    let condition = |within: bool| {
        let by = by.as_ref()?;
        let nullable = by.keys.iter().any(|it| match &it.expr {
            KeyExpr::Column(it) => {
                b.after().table(&parent).and_then(|table| table.column(it)).is_none_or(|it| !it.not_null)
            }
            KeyExpr::Expr(_) => true,
        });
        b.dialect().bound_condition(by, &bound, nullable, within)
    };
    let mut scaffolds: Vec<(Name, Ident)> = Vec::new();
    let mut prove = |acc: &mut Outline, table: &Name, condition: Expr, probe: Probe| {
        let of = (table != partition).then_some(partition.name.as_str());
        let parts: Vec<&str> = [table.name.as_str()].into_iter().chain(of).collect();
        let name = helper_name("mc_bound", &parts);
        acc.preflight(phase, b.dialect(), probe);
        let check = Constraint::new(Some(name.clone()), ConstraintKind::Check(condition));
        let add =
            Ddl::AddConstraint { table: table.clone(), constraint: Box::new(Constraint { not_valid: true, ..check }) };
        let drop = Ddl::DropConstraint { table: table.clone(), name: name.clone(), if_exists: true, cascade: false };
        acc.step(phase, add, "NOT VALID: holds for new rows at once, reads no old ones")
            .undo(Undo::By(vec![Action::Ddl(drop)]));
        let validate = Ddl::ValidateConstraint { table: table.clone(), name: name.clone() };
        acc.step(phase, validate, "reads the old rows while reads and writes go on; ATTACH need not");
        scaffolds.push((table.clone(), name));
    };
    let settled = b.pairs.base.tables.contains_key(partition);
    if settled && scans.contains(partition) {
        match condition(true) {
            Some(check) => {
                let probe = Probe::Violations { table: partition.clone(), check: check.clone() };
                prove(acc, partition, check, probe);
            }
            None if is_default(&bound) => {}
            None => {
                let message =
                    format!("{partition} is read while nobody can use it: its bound is none that a check can prove");
                acc.hazard("attaching-partition-scans", Severity::Warning, message);
            }
        }
    }
    if let Some(default) = default_of(b, &parent).filter(|it| it != partition && !is_default(&bound)) {
        match condition(false) {
            Some(check) => {
                let message = format!(
                    "from the check to the attachment of {partition}, writes to {parent} that belong to it are refused: so far they go to {default}"
                );
                acc.hazard("partitioning-refuses-rows", Severity::Warning, message);
                let (table, partition) = (default.clone(), partition.clone());
                prove(acc, &default, check.clone(), Probe::Strays { table, check, partition });
            }
            None => {
                let message = format!("{default} is read while nobody can use it, for rows that belong to {partition}");
                acc.hazard("attaching-partition-scans", Severity::Warning, message);
            }
        }
    }
    let why = match (settled, scaffolds.is_empty()) {
        (false, true) => "it is empty: there is nothing to check",
        (true, true) => "its rows are checked against the bounds",
        _ => "the valid checks prove it: no row is read",
    };
    if let Some(from) = from {
        let (parent, partition) = (from.parent.clone(), partition.clone());
        let out = Ddl::DetachPartition { parent, partition, mode: DetachMode::Plain };
        acc.grouped(phase, &group, out, "it comes back in this transaction");
    }
    acc.grouped(phase, &group, attach, why);
    for (table, name) in scaffolds {
        let drop = Ddl::DropConstraint { table, name, if_exists: false, cascade: false };
        acc.grouped(phase, &group, drop, "the bounds say it now").undo(Undo::Nothing);
    }
}

/// The DEFAULT partition that a table has now.
fn default_of(b: &Builder<'_>, parent: &Name) -> Option<Name> {
    let is = |it: &&std::sync::Arc<Table>| it.partition_of.as_ref().is_some_and(|it| is_default(&it.bound));
    b.pairs.base.partitions_of(parent).find(is).map(|it| it.name.clone())
}

/// The name of the check that DETACH CONCURRENTLY makes of the bound (`DetachAddConstraintIfNeeded` in tablecmds.c),
/// where the key is one column.
fn bound_copy(b: &Builder<'_>, parent: &Name, partition: &Name) -> Option<Ident> {
    let by = b.pairs.base.table(parent)?.partition_by.as_ref()?;
    let [IndexKey { expr: KeyExpr::Column(column), .. }] = by.keys.as_slice() else { return None };
    let name = object_name(partition.name.as_str(), Some(column.as_str()), "check");
    let taken = b.pairs.base.table(partition)?.constraint(&name).is_some();
    let second = || object_name(partition.name.as_str(), Some(column.as_str()), "check1");
    Some(if taken { second() } else { name })
}

/// How a partition can be taken out on this server.
pub(super) fn detach(b: &Builder<'_>, parent: &Name, partition: &Name) -> (Ddl, &'static str) {
    let default = default_of(b, parent).is_some();
    let (mode, why) = match b.can(Capability::DetachConcurrently) {
        true if default => {
            (DetachMode::Plain, "only the catalog changes; CONCURRENTLY is refused where there is a DEFAULT partition")
        }
        true => (DetachMode::Concurrently, "waits for who uses the parent, and blocks nobody"),
        false => (DetachMode::Plain, "only the catalog changes; CONCURRENTLY came with PostgreSQL 14"),
    };
    (Ddl::DetachPartition { parent: parent.clone(), partition: partition.clone(), mode }, why)
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
        match (&self.before, &self.after) {
            (before, Some(after)) => {
                attach(b, acc, Enforce, &self.table, after, before.as_ref());
            }
            (Some(before), None) => {
                let (detach, why) = detach(b, &before.parent, &self.table);
                acc.gate(
                    Contract,
                    format!("no running instance looks for rows of {} in {}", self.table, before.parent),
                );
                let concurrently = matches!(&detach, Ddl::DetachPartition { mode: DetachMode::Concurrently, .. });
                acc.step(Contract, detach, why);
                if let Some(name) = bound_copy(b, &before.parent, &self.table).filter(|_| concurrently) {
                    let drop = Ddl::DropConstraint { table: self.table.clone(), name, if_exists: true, cascade: false };
                    acc.step(Contract, drop, "DETACH CONCURRENTLY leaves the bound behind as a check")
                        .undo(Undo::Nothing);
                }
            }
            (None, None) => {}
        }
    }
}
