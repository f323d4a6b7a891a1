//! Settings of a table beyond columns and constraints.

use super::{Builder, Kind, Outline, pairs::Pairs};
use crate::{
    page::page,
    plan::PhaseKind::*,
    sql::{Column, Ddl, Ident, ObjectRef, Persistence, ReplicaIdentity, Severity, Table},
};

page! {
    /// # Change settings of a table
    ///
    /// Storage parameters wait only for other schema changes. Replica identity blocks everybody for a moment. Logged or unlogged, another
    /// tablespace or access method write the whole table again while nobody can use it.
    ///
    /// ```sql before
    /// CREATE TABLE pings (id bigint PRIMARY KEY, at timestamptz);
    /// ```
    /// ```sql after
    /// CREATE TABLE pings (id bigint PRIMARY KEY, at timestamptz) WITH (fillfactor = 70);
    /// ```
    /// ```plan
    /// Expand: change the settings of pings
    ///   ALTER TABLE pings SET (fillfactor = 70)
    ///     lock: ShareUpdateExclusive on pings
    ///   undo: ALTER TABLE pings RESET (fillfactor)
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeTableSettings {
    before: Settings,
    after: Settings,
}

/// What a table is beyond its columns and constraints.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Settings(Table);

impl Settings {
    fn of(table: &Table) -> Self {
        Self(Table {
            columns: Vec::new(),
            constraints: Vec::new(),
            owner: None,
            row_security: Default::default(),
            partition_by: None,
            partition_of: None,
            ..table.clone()
        })
    }
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<ChangeTableSettings> {
    let both = pairs
        .tables
        .iter()
        .map(|it| ChangeTableSettings { before: Settings::of(&it.before), after: Settings::of(&it.after) });
    both.filter(|it| it.before != it.after).collect()
}

/// What CREATE TABLE cannot say.
pub(super) fn beyond_create(table: &Table) -> Vec<Ddl> {
    let mut res = Vec::new();
    if table.replica_identity != ReplicaIdentity::Default {
        res.push(Ddl::SetReplicaIdentity { table: table.name.clone(), identity: table.replica_identity.clone() });
    }
    if table.cluster_on.is_some() {
        res.push(Ddl::ClusterOn { table: table.name.clone(), index: table.cluster_on.clone() });
    }
    res
}

impl Kind for ChangeTableSettings {
    fn kind(&self) -> &'static str {
        "change_table_settings"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Table(self.after.0.name.clone())
    }

    fn describe(&self) -> String {
        format!("change the settings of {}", self.after.0.name)
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        let (before, after) = (&self.before.0, &self.after.0);
        let table = after.name.clone();
        if before.options != after.options {
            let reset = before.options.keys().filter(|it| !after.options.contains_key(*it)).cloned().collect();
            let set = after.options.iter().filter(|(key, value)| before.options.get(*key) != Some(*value));
            let set = set.map(|(key, value)| (key.clone(), value.clone())).collect();
            acc.step(Expand, Ddl::SetTableOptions { table: table.clone(), set, reset }, "only the catalog changes");
        }
        for parent in after.inherits.iter().filter(|it| !before.inherits.contains(it)) {
            // It must have the parent's columns already (manual, ALTER TABLE, INHERIT).
            let columns = b.after().table(parent).into_iter().flat_map(|it| &it.columns);
            let has = |it: &Column| b.pairs.base.table(&table).is_none_or(|own| own.column(&it.name).is_some());
            for column in columns.filter(|it| !has(it)) {
                let own = b.after().table(&table).and_then(|it| it.column(&column.name)).cloned();
                let Some(own) = own else { continue };
                let (table, constraints) = (table.clone(), Vec::new());
                let add = Ddl::AddColumn { table, column: Box::new(own), constraints, if_not_exists: false };
                acc.step(Expand, add, "what inherits has all columns of its parent");
            }
            acc.step(Expand, Ddl::Inherit { table: table.clone(), parent: parent.clone() }, "only the catalog changes");
        }
        for parent in before.inherits.iter().filter(|it| !after.inherits.contains(it)) {
            acc.step(
                Contract,
                Ddl::NoInherit { table: table.clone(), parent: parent.clone() },
                "only the catalog changes",
            );
        }
        if before.replica_identity != after.replica_identity {
            let identity = after.replica_identity.clone();
            acc.step(Expand, Ddl::SetReplicaIdentity { table: table.clone(), identity }, "only the catalog changes");
        }
        if before.cluster_on != after.cluster_on {
            let index: Option<Ident> = after.cluster_on.clone();
            acc.step(Expand, Ddl::ClusterOn { table: table.clone(), index }, "only the catalog changes");
        }
        let mut rewrites = Vec::new();
        if before.persistence != after.persistence && after.persistence != Persistence::Temporary {
            rewrites.push(Ddl::SetPersistence { table: table.clone(), persistence: after.persistence });
        }
        if before.tablespace != after.tablespace {
            let tablespace = after.tablespace.clone().unwrap_or_else(|| Ident::new("pg_default"));
            rewrites.push(Ddl::SetTablespace { table: table.clone(), tablespace });
        }
        if before.access_method != after.access_method {
            let method = after.access_method.clone().unwrap_or_else(|| Ident::new("heap"));
            rewrites.push(Ddl::SetAccessMethod { table: table.clone(), method });
        }
        for ddl in rewrites {
            acc.gate(Contract, format!("{table} can be unavailable while it is written anew"));
            acc.hazard(
                "rewriting-table",
                Severity::Error,
                format!("every row of {table} is written again while nobody can read it"),
            );
            acc.step(Contract, ddl, "every row is written again");
        }
    }
}
