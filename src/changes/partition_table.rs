//! A plain table that becomes a partitioned one.

use super::{
    Builder, Kind, Outline, build,
    divide::{Divided, is_default},
    outline::Tx,
    pairs::Pairs,
};
use crate::{
    dialect::Probe,
    page::page,
    plan::{Action, PhaseKind::*, Undo},
    sql::*,
};

page! {
    /// # Turn a table into a partitioned one
    ///
    /// The table becomes the partition that holds all its rows (the one from MINVALUE, the DEFAULT one, or the one annotated
    /// `-- @renamed from=` the table), and a partitioned table takes its name. Everything that reads rows is done beforehand,
    /// beside running writes: a CHECK that says what the partition's bound says, NOT NULL for the key, and the unique index of
    /// the key that now includes the partition key. One short transaction then exchanges the names, makes the other partitions,
    /// and moves sequences, triggers, policies, privileges, comments and views to the table above; no row is read in it.
    ///
    /// From the CHECK on, rows beyond the bound are refused until the exchange: choose one that no row reaches until then.
    /// Foreign keys that point at the table go; those that the schema keeps come back NOT VALID in the same transaction.
    /// The way back puts rows of the other partitions into the table again, under its lock. Run it as the table's owner,
    /// and ANALYZE the table afterwards: autovacuum looks at partitions only.
    ///
    /// ```sql before
    /// CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL, note text);
    /// CREATE INDEX events_at_idx ON events (at);
    /// ```
    /// ```sql after
    /// CREATE TABLE events (
    ///   id bigint GENERATED ALWAYS AS IDENTITY,
    ///   at timestamptz NOT NULL,
    ///   note text,
    ///   PRIMARY KEY (id, at)
    /// ) PARTITION BY RANGE (at);
    /// CREATE INDEX events_at_idx ON events (at);
    /// CREATE TABLE events_legacy PARTITION OF events FOR VALUES FROM (MINVALUE) TO ('2040-01-01');
    /// CREATE TABLE events_2040 PARTITION OF events FOR VALUES FROM ('2040-01-01') TO ('2041-01-01');
    /// ```
    /// ```plan
    /// Hazard: from the check in Enforce to the exchange, writes to events are refused unless at < '2040-01-01': choose a bound that no row reaches until then (partitioning-refuses-rows, warning)
    /// Hazard: id of events is unique within a partition only, and ON CONFLICT (id) fails, from the exchange on (partitioning-loosens-key, warning)
    /// Expand: partition events, whose rows become events_legacy
    ///   before: no invalid index events_legacy_pkey is left from an earlier try = t
    ///   CREATE UNIQUE INDEX CONCURRENTLY events_legacy_pkey ON events (id, at)
    ///     outside a transaction
    ///     lock: ShareUpdateExclusive on events
    ///   after: index events_legacy_pkey is valid = t
    ///   undo: DROP INDEX CONCURRENTLY IF EXISTS events_legacy_pkey
    /// Gate: no running instance relies on (id) of events being unique, or says ON CONFLICT (id)
    /// Enforce: partition events, whose rows become events_legacy
    ///   before: no row of events breaks the check = 0
    ///   before: no transaction older than five minutes holds events = 0
    ///   ALTER TABLE events ADD CONSTRAINT mc_bound_events CHECK (at < '2040-01-01') NOT VALID
    ///     lock: AccessExclusive on events, brief
    ///   ALTER TABLE events VALIDATE CONSTRAINT mc_bound_events
    ///     lock: ShareUpdateExclusive on events, reads every row
    ///   LOCK TABLE events IN ACCESS EXCLUSIVE MODE
    ///     lock: AccessExclusive on events, brief
    ///   ALTER SEQUENCE events_id_seq RENAME TO mc_old_events_id_seq
    ///     with the step above
    ///     lock: AccessExclusive on events_id_seq, brief
    ///   ALTER TABLE events RENAME TO events_legacy
    ///     with the step above
    ///     lock: AccessExclusive on events, brief
    ///   ALTER INDEX events_at_idx RENAME TO events_legacy_at_idx
    ///     with the step above
    ///     lock: ShareUpdateExclusive on events_at_idx
    ///   ALTER TABLE events_legacy DROP CONSTRAINT events_pkey
    ///     with the step above
    ///     lock: AccessExclusive on events_legacy, brief
    ///   ALTER TABLE events_legacy ADD CONSTRAINT events_legacy_pkey PRIMARY KEY USING INDEX events_legacy_pkey
    ///     with the step above
    ///     lock: AccessExclusive on events_legacy, brief
    ///   CREATE TABLE events ( id bigint NOT NULL, at timestamp with time zone NOT NULL, note text, CONSTRAINT events_pkey PRIMARY KEY (id, at) ) PARTITION BY RANGE (at)
    ///     with the step above
    ///   ALTER TABLE events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME events_id_seq)
    ///     with the step above
    ///     lock: AccessExclusive on events, brief
    ///   SELECT setval('events_id_seq', last_value, is_called) FROM mc_old_events_id_seq
    ///     with the step above
    ///   ALTER TABLE events_legacy ALTER COLUMN id DROP IDENTITY
    ///     with the step above
    ///     lock: AccessExclusive on events_legacy, brief
    ///   CREATE INDEX events_at_idx ON events (at)
    ///     with the step above
    ///     lock: Share on events
    ///   ALTER TABLE events ATTACH PARTITION events_legacy FOR VALUES FROM (MINVALUE) TO ('2040-01-01')
    ///     with the step above
    ///     lock: AccessExclusive on events_legacy, brief
    ///     lock: ShareUpdateExclusive on events
    ///   CREATE TABLE events_2040 PARTITION OF events FOR VALUES FROM ('2040-01-01') TO ('2041-01-01')
    ///     with the step above
    ///     lock: AccessExclusive on events, brief
    ///   ALTER TABLE events_legacy DROP CONSTRAINT mc_bound_events
    ///     with the step above
    ///     lock: AccessExclusive on events_legacy, brief
    ///   after: events_legacy is there = t
    ///   undo: CREATE UNIQUE INDEX CONCURRENTLY mc_old_events_pkey ON events_legacy (id)
    ///   undo: CREATE UNIQUE INDEX CONCURRENTLY mc_old_events_legacy_pkey ON events_legacy (id, at)
    ///   undo: LOCK TABLE events IN ACCESS EXCLUSIVE MODE
    ///   undo: ALTER TABLE events DETACH PARTITION events_2040
    ///   undo: ALTER TABLE events DETACH PARTITION events_legacy
    ///   undo: INSERT INTO events_legacy (id, at, note) SELECT id, at, note FROM events_2040
    ///   undo: ALTER TABLE events_legacy ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME mc_old_events_id_seq)
    ///   undo: SELECT setval('mc_old_events_id_seq', last_value, is_called) FROM events_id_seq
    ///   undo: DROP TABLE events_2040
    ///   undo: DROP TABLE events
    ///   undo: ALTER SEQUENCE mc_old_events_id_seq RENAME TO events_id_seq
    ///   undo: ALTER TABLE events_legacy DROP CONSTRAINT events_legacy_pkey
    ///   undo: ALTER INDEX mc_old_events_legacy_pkey RENAME TO events_legacy_pkey
    ///   undo: ALTER TABLE events_legacy ADD CONSTRAINT events_pkey PRIMARY KEY USING INDEX mc_old_events_pkey
    ///   undo: ALTER INDEX events_legacy_at_idx RENAME TO events_at_idx
    ///   undo: ALTER TABLE events_legacy RENAME TO events
    ///   undo: ALTER TABLE events DROP CONSTRAINT IF EXISTS mc_bound_events
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionTable {
    table: Name,
    /// The partition that the table becomes; or why there is none.
    legacy: Result<Name, String>,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<PartitionTable> {
    let divided =
        pairs.divided.iter().map(|it| PartitionTable { table: it.table.clone(), legacy: Ok(it.legacy.clone()) });
    let refused =
        pairs.undivided.iter().map(|(table, why)| PartitionTable { table: table.clone(), legacy: Err(why.clone()) });
    divided.chain(refused).collect()
}

impl PartitionTable {
    fn hazards(&self, b: &Builder<'_>, acc: &mut Outline, it: &Divided) {
        let (table, legacy) = (&self.table, &it.legacy);
        if let Some(Constraint { kind: ConstraintKind::Check(check), .. }) = &it.check {
            let message = format!(
                "from the check in Enforce to the exchange, writes to {table} are refused unless {}: choose a bound that no row reaches until then",
                check.text()
            );
            acc.hazard("partitioning-refuses-rows", Severity::Warning, message);
        } else if !b
            .after()
            .table(legacy)
            .and_then(|it| it.partition_of.as_ref())
            .is_some_and(|of| is_default(&of.bound))
        {
            let message =
                format!("{legacy} is read while nobody can use {table}: its bound is none that a check can prove");
            acc.hazard("attaching-partition-scans", Severity::Error, message);
        }
        let shared =
            |it: &&std::sync::Arc<Index>| b.after().indexes_of(table).any(|own| own.unique && own.keys == it.keys);
        let own = b.pairs.base.indexes_of(legacy).filter(|it| it.unique && !shared(it));
        let own = own.filter_map(|it| it.name.as_ref().map(ToString::to_string));
        let own = own.filter(|name| b.pairs.input.before.indexes.keys().any(|it| it.to_string() == *name));
        for name in own {
            let message = format!("unique index {name} looks at the rows of {legacy} alone from the exchange on");
            acc.hazard("partitioning-loosens-key", Severity::Warning, message);
        }
        for lost in &it.lost {
            let columns: Vec<String> = lost.kind.columns().into_iter().map(Ident::to_string).collect();
            let columns = columns.join(", ");
            let message = format!(
                "{columns} of {table} is unique within a partition only, and ON CONFLICT ({columns}) fails, from the exchange on"
            );
            acc.hazard("partitioning-loosens-key", Severity::Warning, message);
        }
        for (from, fk) in &it.incoming {
            let name = fk.name.clone().unwrap_or_default();
            let kept = it.exchange.iter().any(|(action, _)| {
                matches!(action, Action::Ddl(Ddl::AddConstraint { table, constraint }) if table == from && constraint.name == fk.name)
            });
            if !kept {
                let stays = b.after().table(from).is_some_and(|it| it.constraint(&name).is_some());
                let message = match stays {
                    true => format!(
                        "foreign key {name} of {from} goes in the exchange and comes back later in Enforce: rows without counterpart may be written between"
                    ),
                    false => format!("foreign key {name} of {from} goes in the exchange: the schema has it no more"),
                };
                acc.hazard("partitioning-drops-foreign-key", Severity::Warning, message);
            }
        }
        let published = b.pairs.input.before.opaque.iter().filter(|it| it.kind.as_str() == "CREATE PUBLICATION");
        for it in published.filter(|it| it.touches.contains(table)) {
            let name = it.object.as_ref().map(ToString::to_string).unwrap_or_default();
            let message = format!(
                "publication {name} goes on with {legacy} alone: ALTER PUBLICATION … ADD TABLE {table} belongs in the exchange"
            );
            acc.hazard("partitioning-published-table", Severity::Warning, message);
        }
    }

    fn prepare(&self, b: &Builder<'_>, acc: &mut Outline, it: &Divided) {
        let table = &self.table;
        for index in &it.indexes {
            let columns: Vec<Ident> = index.keys.iter().filter_map(|it| it.expr.as_column().cloned()).collect();
            // What holds a key that is unique already is unique.
            let implied = it.lost.iter().any(|it| it.kind.columns().into_iter().all(|it| columns.contains(it)));
            if !implied {
                let (table, nulls_not_distinct) = (table.clone(), index.nulls_not_distinct);
                let probe = Probe::Duplicates { table, columns: columns.clone(), predicate: None, nulls_not_distinct };
                acc.preflight(Expand, b.dialect(), probe);
            }
            if let Some(name) = index.name.clone() {
                acc.preflight(Expand, b.dialect(), Probe::NoInvalidIndex(name.clone()));
                let create =
                    Ddl::CreateIndex { index: Box::new(index.clone()), concurrently: true, if_not_exists: false };
                acc.step(Expand, create, "built beside running writes; it becomes the key of the partition");
                acc.verify(Expand, b.dialect(), Probe::IndexValid(name));
            }
        }
        for lost in &it.lost {
            let columns: Vec<String> = lost.kind.columns().into_iter().map(Ident::to_string).collect();
            let columns = columns.join(", ");
            let gate = format!(
                "no running instance relies on ({columns}) of {table} being unique, or says ON CONFLICT ({columns})"
            );
            acc.gate(Enforce, gate);
        }
        for column in &it.tightened {
            acc.gate(Enforce, format!("every writer sets {table}.{column}"));
            build::not_null_steps(b, acc, Enforce, table, column);
        }
        let Some(check) = &it.check else { return };
        if let (ConstraintKind::Check(condition), Some(name)) = (&check.kind, &check.name) {
            let (table, name) = (table.clone(), name.clone());
            acc.preflight(Enforce, b.dialect(), Probe::Violations { table: table.clone(), check: condition.clone() });
            let add = Ddl::AddConstraint {
                table: table.clone(),
                constraint: Box::new(Constraint { not_valid: true, ..check.clone() }),
            };
            // The exchange ends with it gone; the way back does not bring it again.
            let drop =
                Ddl::DropConstraint { table: table.clone(), name: name.clone(), if_exists: true, cascade: false };
            acc.step(Enforce, add, "NOT VALID: holds for new rows at once, reads no old ones")
                .undo(Undo::By(vec![Action::Ddl(drop)]));
            acc.step(
                Enforce,
                Ddl::ValidateConstraint { table, name },
                "reads the old rows while reads and writes go on; the exchange need not",
            );
        }
    }
}

impl Kind for PartitionTable {
    fn kind(&self) -> &'static str {
        "partition_table"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Table(self.table.clone())
    }

    fn objects(&self) -> Vec<ObjectRef> {
        [self.object()].into_iter().chain(self.legacy.iter().cloned().map(ObjectRef::Table)).collect()
    }

    fn describe(&self) -> String {
        match &self.legacy {
            Ok(legacy) => format!("partition {}, whose rows become {legacy}", self.table),
            Err(_) => format!("change the partitioning of {}", self.table),
        }
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        if let Err(why) = &self.legacy {
            let message = format!("{} cannot be partitioned in place: {why}; nothing of this plan does it", self.table);
            acc.hazard("partitioning-not-in-place", Severity::Error, message);
        }
        let Some(it) = b.pairs.divided.iter().find(|it| it.table == self.table) else { return };
        self.hazards(b, acc, it);
        self.prepare(b, acc, it);
        acc.preflight(Enforce, b.dialect(), Probe::LongTransactions(self.table.clone()));
        let group = format!("partition:{}", self.table);
        for (action, why) in &it.exchange {
            match action {
                Action::Ddl(ddl) => acc.grouped(Enforce, &group, ddl.clone(), why).undo(Undo::Nothing),
                Action::Data(sql) => acc.data(Enforce, Tx::Group(group.clone()), sql.clone(), why).undo(Undo::Nothing),
                Action::Backfill(_) => continue,
            };
        }
        if let Some(last) = acc.drafts.last_mut() {
            last.undo(Undo::By(it.back.clone()));
        }
        acc.verify(Enforce, b.dialect(), Probe::Exists(ObjectRef::Table(it.legacy.clone())));
    }
}
