//! Whole tables: create, drop, rename, options, storage, and statements that move rows.

use std::collections::BTreeSet;

use super::Acc;
use crate::{
    plan::LockMode::{self, *},
    sql::{ConstraintKind, DataStatement, Ddl, Name, Persistence, Table},
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
                self.lock_family(&fk.references, ShareRowExclusive);
            }
        }
        for parent in &table.inherits {
            self.lock(parent, ShareUpdateExclusive);
        }
        if let Some(of) = &table.partition_of {
            self.lock(&of.parent, AccessExclusive);
            self.lock_default_partition(&of.parent, Some((table, &of.bound)));
            self.lock_referenced_by(&of.parent, ShareRowExclusive);
        }
    }

    /// The tables a table's foreign keys point at.
    pub(super) fn lock_referenced_by(&mut self, table: &Name, mode: LockMode) {
        let Some(table) = self.table_at(table) else { return };
        for constraint in &table.constraints {
            if let ConstraintKind::ForeignKey(fk) = &constraint.kind {
                self.lock_family(&fk.references, mode);
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
            self.lock_referenced_by(it, AccessExclusive);
            self.drop_dependents_of_table(it, &dropped, cascade);
        }
        if let Some(of) = self.table_at(&name).and_then(|it| it.partition_of.as_ref()) {
            self.lock(&of.parent, AccessExclusive);
            self.lock_default_partition(&of.parent, None);
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
                self.lock(&view.name, AccessExclusive);
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
