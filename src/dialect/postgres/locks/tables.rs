//! Whole tables: create, drop, rename, options, storage, and statements that move rows.

use std::collections::BTreeSet;

use super::Acc;
use crate::{
    plan::LockMode::{self, *},
    sql::{ConstraintKind, DataStatement, Ddl, ForeignKey, Name, Persistence, Table},
};

impl Acc<'_> {
    pub(super) fn table(&mut self, ddl: &Ddl) {
        match ddl {
            Ddl::CreateTable { table, if_not_exists: true, .. } if self.exists(&self.resolve(&table.name)) => {}
            Ddl::CreateTable { table, likes, .. } => {
                self.create_table(table);
                for like in likes {
                    self.lock(&like.source, AccessShare);
                }
            }
            Ddl::DropTable { name, if_exists, cascade } => self.drop_table(name, *if_exists, *cascade),
            Ddl::RenameTable { from, if_exists, .. } => {
                let name = self.resolve(from);
                if !if_exists || self.exists(&name) {
                    let index = self.before.indexes.contains_key(&name) || self.index_constraint(&name).is_some();
                    self.lock(&name, if index { ShareUpdateExclusive } else { AccessExclusive });
                }
            }
            Ddl::SetTableSchema { name, .. } => self.lock(name, AccessExclusive),
            Ddl::SetTableOptions { table, set, reset } => {
                // `user_catalog_table` is the one storage parameter that wants more (reloptions.c).
                let strong = set.keys().chain(reset).any(|it| it == "user_catalog_table");
                self.lock(table, if strong { AccessExclusive } else { ShareUpdateExclusive });
            }
            Ddl::SetPersistence { table, persistence } => self.set_persistence(table, *persistence),
            Ddl::SetTablespace { table, tablespace } => {
                self.lock(table, AccessExclusive);
                let current = self.table_at(table).and_then(|it| it.tablespace.as_ref());
                if current.map_or("pg_default", |it| it.as_str()) != tablespace.as_str() && !self.is_partitioned(table)
                {
                    self.rewrites.insert(self.resolve(table));
                }
            }
            Ddl::SetAccessMethod { table, method } => {
                self.refuse_before(15, "SET ACCESS METHOD");
                self.lock(table, AccessExclusive);
                let current = self.table_at(table).and_then(|it| it.access_method.as_ref());
                if current.map_or("heap", |it| it.as_str()) != method.as_str() && !self.is_partitioned(table) {
                    self.rewrite(table);
                }
            }
            Ddl::SetRowSecurity { table, .. } | Ddl::SetReplicaIdentity { table, .. } => {
                self.lock(table, AccessExclusive)
            }
            Ddl::ClusterOn { table, .. } => self.lock(table, ShareUpdateExclusive),
            Ddl::Inherit { table, parent } => {
                self.lock(table, AccessExclusive);
                self.lock(parent, ShareUpdateExclusive);
            }
            Ddl::NoInherit { table, parent } => {
                self.lock(table, AccessExclusive);
                self.lock(parent, AccessShare);
            }
            Ddl::Lock { tables, mode } => {
                let words: String = mode.split_whitespace().map(capitalised).collect();
                let mode = LockMode::parse(&words).unwrap_or(AccessExclusive);
                for it in tables {
                    self.lock_family(it, mode);
                }
            }
            Ddl::Truncate { tables, cascade } => self.truncate(tables, *cascade),
            Ddl::Data(it) => self.data(it),
            // CREATE TABLE AS locks only what it makes and, weakly, what it reads.
            _ => {}
        }
    }

    fn create_table(&mut self, table: &Table) {
        let name = self.resolve(&table.name);
        for constraint in &table.constraints {
            if let ConstraintKind::ForeignKey(fk) = &constraint.kind
                && self.resolve(&fk.references) != name
            {
                self.lock_partitions(&fk.references, ShareRowExclusive);
            }
        }
        for parent in &table.inherits {
            self.lock(parent, ShareUpdateExclusive);
        }
        if let Some(of) = &table.partition_of {
            self.lock(&of.parent, AccessExclusive);
            self.lock_default_partition(&of.parent, Some((table, &of.bound)));
            self.lock_referenced_by(&of.parent, ShareRowExclusive);
            self.lock_referencing(&of.parent);
        }
    }

    /// A new partition of a referenced table gets the triggers of the foreign keys; since 15 the other side is locked
    /// for it as well.
    pub(super) fn lock_referencing(&mut self, parent: &Name) {
        if self.facts.server_version >= 15 {
            let before = self.before;
            for (from, _) in before.referencing(&self.resolve(parent)) {
                self.lock_partitions(&from.name, ShareRowExclusive);
            }
        }
    }

    /// The tables a table's foreign keys point at.
    pub(super) fn lock_referenced_by(&mut self, table: &Name, mode: LockMode) {
        let Some(table) = self.table_at(table) else { return };
        for constraint in &table.constraints {
            if let ConstraintKind::ForeignKey(fk) = &constraint.kind {
                self.lock_partitions(&fk.references, mode);
            }
        }
    }

    fn drop_table(&mut self, name: &Name, if_exists: bool, cascade: bool) {
        let name = self.resolve(name);
        if if_exists && !self.before.tables.contains_key(&name) {
            return;
        }
        let dropped: BTreeSet<Name> = self.family(&name).into_iter().collect();
        for it in &dropped {
            self.lock(it, AccessExclusive);
            // The triggers of a foreign key sit on both of its tables: both are locked to drop them.
            self.lock_key_triggers_of(it);
            self.drop_dependents_of_table(it, &dropped, cascade);
        }
        self.drop_dependents_of_parents(&name, &dropped, cascade);
        if let Some(of) = self.table_at(&name).and_then(|it| it.partition_of.as_ref()) {
            self.lock(&of.parent, AccessExclusive);
            self.lock_default_partition(&of.parent, None);
        }
    }

    /// A foreign key to a partitioned table rests on each of its partitions, too.
    fn drop_dependents_of_parents(&mut self, name: &Name, dropped: &BTreeSet<Name>, cascade: bool) {
        let before = self.before;
        let parent = |it: &Name| Some(before.table(it)?.partition_of.as_ref()?.parent.clone());
        let mut at = parent(name);
        while let Some(ancestor) = at {
            for (from, constraint) in before.referencing(&ancestor).filter(|(from, _)| !dropped.contains(&from.name)) {
                self.lock_partitions(&from.name, AccessExclusive);
                if !cascade && let Some(constraint) = &constraint.name {
                    self.refuse(format!("foreign key {constraint} of {} depends on {name}", from.name));
                }
            }
            at = parent(&ancestor);
        }
    }

    /// Locks for dropping the triggers that a foreign key has on the table it references; on a partitioned one they
    /// were only on the partitions up to 14.
    pub(super) fn lock_key_triggers(&mut self, referenced: &Name) {
        let referenced = self.resolve(referenced);
        for it in self.with_partitions(&referenced) {
            if self.facts.server_version >= 15 || !self.is_partitioned(&it) {
                self.lock(&it, AccessExclusive);
            }
        }
    }

    /// A partition has no triggers of its own for the foreign keys it got from its parent.
    fn lock_key_triggers_of(&mut self, table: &Name) {
        let Some(table) = self.table_at(table) else { return };
        let parent = table.partition_of.as_ref().and_then(|it| self.table_at(&it.parent));
        let inherited = |fk: &ForeignKey| {
            let keys = parent.into_iter().flat_map(|it| &it.constraints);
            keys.into_iter().any(|it| {
                matches!(&it.kind, ConstraintKind::ForeignKey(it) if it.columns == fk.columns && it.references == fk.references)
            })
        };
        for constraint in &table.constraints {
            if let ConstraintKind::ForeignKey(fk) = &constraint.kind
                && !inherited(fk)
            {
                self.lock_key_triggers(&fk.references);
            }
        }
    }

    fn drop_dependents_of_table(&mut self, table: &Name, dropped: &BTreeSet<Name>, cascade: bool) {
        let before = self.before;
        for (from, constraint) in before.referencing(table).filter(|(from, _)| !dropped.contains(&from.name)) {
            self.lock(&from.name, AccessExclusive);
            if !cascade && let Some(constraint) = &constraint.name {
                self.refuse(format!("foreign key {constraint} of {} depends on {table}", from.name));
            }
        }
        for view in before.views.values().filter(|it| it.reads.contains(table)) {
            if cascade {
                self.drop_view(&view.name, true);
            } else {
                self.refuse(format!("view {} depends on {table}", view.name));
            }
        }
    }

    fn set_persistence(&mut self, table: &Name, persistence: Persistence) {
        self.lock(table, AccessExclusive);
        let Some(found) = self.table_at(table) else { return };
        if found.persistence == persistence {
            return;
        }
        let before = self.before;
        if persistence == Persistence::Unlogged {
            let logged = |(from, _): &(&std::sync::Arc<Table>, _)| {
                from.persistence == Persistence::Permanent && from.name != found.name
            };
            if let Some((from, _)) = before.referencing(&found.name).find(logged) {
                self.refuse(format!(
                    "{} cannot become unlogged because logged table {} references it",
                    found.name, from.name
                ));
            }
        } else {
            for constraint in &found.constraints {
                if let ConstraintKind::ForeignKey(fk) = &constraint.kind
                    && fk.references != found.name
                    && self.table_at(&fk.references).is_some_and(|it| it.persistence == Persistence::Unlogged)
                {
                    self.refuse(format!(
                        "{} cannot become logged because it references unlogged table {}",
                        found.name, fk.references
                    ));
                }
            }
        }
        self.rewrite(&found.name);
    }

    fn truncate(&mut self, tables: &[Name], cascade: bool) {
        let mut truncated: BTreeSet<Name> = tables.iter().flat_map(|it| self.family(it)).collect();
        let before = self.before;
        loop {
            let referencing: Vec<Name> = truncated
                .iter()
                .flat_map(|it| before.referencing(it).map(move |(from, _)| (it, from.name.clone())))
                .filter(|(_, from)| !truncated.contains(from))
                .map(|(_, from)| from)
                .collect();
            if referencing.is_empty() {
                break;
            }
            if !cascade {
                let (from, tables) = (&referencing[0], tables.iter().map(|it| it.to_string()).collect::<Vec<_>>());
                self.refuse(format!("table {from} references {} by a foreign key", tables.join(", ")));
                break;
            }
            let more: Vec<Name> = referencing.iter().flat_map(|it| self.family(it)).collect();
            truncated.extend(more);
        }
        for it in &truncated {
            self.lock(it, AccessExclusive);
        }
    }

    fn data(&mut self, data: &DataStatement) {
        let Some(target) = &data.target else { return };
        match data.verb.as_str() {
            "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "COPY" => self.lock(target, RowExclusive),
            "CLUSTER" => {
                self.lock(target, AccessExclusive);
                self.rewrite(target);
            }
            "VACUUM" if data.rewrites => {
                self.lock(target, AccessExclusive);
                self.rewrite(target);
            }
            "VACUUM" | "ANALYZE" | "ANALYSE" => self.lock_family(target, ShareUpdateExclusive),
            _ => {}
        }
    }
}

/// `EXCLUSIVE` as `Exclusive`.
fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    let first = chars.next().map(|it| it.to_ascii_uppercase());
    first.into_iter().chain(chars.map(|it| it.to_ascii_lowercase())).collect()
}
