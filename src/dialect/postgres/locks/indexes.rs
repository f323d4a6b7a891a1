//! Indexes: create, drop, rename, attach, options, REINDEX.

use super::Acc;
use crate::{
    plan::LockMode::*,
    sql::{Ddl, Ident, Index, KeyExpr, Name},
};

impl Acc<'_> {
    pub(super) fn index(&mut self, ddl: &Ddl) {
        match ddl {
            Ddl::CreateIndex { index, concurrently, if_not_exists } => {
                self.create_index(index, *concurrently, *if_not_exists)
            }
            Ddl::DropIndex { name, concurrently, if_exists, cascade } => {
                self.drop_index(name, *concurrently, *if_exists, *cascade);
            }
            Ddl::RenameIndex { from, .. } => self.lock(from, ShareUpdateExclusive),
            Ddl::AttachIndex { parent, index } => {
                self.lock(parent, ShareUpdateExclusive);
                for it in [parent, index] {
                    if let Some(table) = self.table_of_index(it) {
                        self.lock(&table, AccessShare);
                    }
                }
            }
            Ddl::SetIndexOptions { index, .. } | Ddl::SetIndexStatistics { index, .. } => {
                self.lock(index, ShareUpdateExclusive);
            }
            Ddl::Reindex { what, name, concurrently } => self.reindex(what, name, *concurrently),
            _ => {}
        }
    }

    fn create_index(&mut self, index: &Index, concurrently: bool, if_not_exists: bool) {
        let mode = if concurrently { ShareUpdateExclusive } else { Share };
        self.lock(&index.table, mode);
        let table = self.resolve(&index.table);
        if index.nulls_not_distinct {
            self.refuse_before(15, "NULLS NOT DISTINCT");
        }
        if let Some(name) = &index.name {
            let name = table.sibling(name.name.clone());
            if self.exists(&name) {
                if !if_not_exists {
                    self.refuse(format!("relation {name} already exists"));
                }
                return;
            }
        }
        if self.before.views.get(&table).is_some_and(|it| !it.materialized) {
            self.refuse(format!("{table} is a view: it has no rows of its own"));
        }
        let partitioned = self.is_partitioned(&table);
        if partitioned && concurrently {
            self.refuse(format!("{table} is partitioned: its indexes cannot be created concurrently"));
        }
        if index.unique {
            let columns: Vec<Ident> = index
                .keys
                .iter()
                .filter_map(|it| match &it.expr {
                    KeyExpr::Column(it) => Some(it.clone()),
                    KeyExpr::Expr(_) => None,
                })
                .collect();
            self.refuse_partial_key(&table, &columns);
        }
        if partitioned && index.only {
            return;
        }
        self.build_on_leaves(&table);
    }

    fn drop_index(&mut self, name: &Name, concurrently: bool, if_exists: bool, cascade: bool) {
        let name = self.resolve(name);
        if if_exists && !self.exists(&name) {
            return;
        }
        let mode = if concurrently { ShareUpdateExclusive } else { AccessExclusive };
        if let Some((table, constraint)) = self.index_constraint(&name) {
            let constraint = constraint.name.clone().unwrap_or_default();
            self.refuse(format!("index {name} belongs to constraint {constraint} of {}: drop that", table.name));
        }
        let Some(table) = self.table_of_index(&name) else { return };
        let partitioned = self.is_partitioned(&table);
        if concurrently && partitioned {
            self.refuse(format!("{table} is partitioned: its indexes cannot be dropped concurrently"));
        }
        if concurrently && cascade {
            self.refuse("DROP INDEX CONCURRENTLY does not take CASCADE");
        }
        if partitioned {
            self.lock_partitions(&table, mode);
        } else {
            self.lock(&table, mode);
        }
    }

    fn reindex(&mut self, what: &str, name: &Name, concurrently: bool) {
        let mode = if concurrently { ShareUpdateExclusive } else { Share };
        let index_mode = if concurrently { ShareUpdateExclusive } else { AccessExclusive };
        match what {
            "INDEX" => {
                let name = self.resolve(name);
                self.lock(&name, index_mode);
                if let Some(table) = self.table_of_index(&name) {
                    self.lock(&table, mode);
                }
                self.builds.insert(name);
            }
            "TABLE" => {
                if self.is_partitioned(name) && self.facts.server_version < 14 {
                    // Skipped with a warning.
                    self.lock(name, mode);
                    return;
                }
                for leaf in self.leaves(name) {
                    self.reindex_table(&leaf, mode, index_mode);
                }
            }
            "SCHEMA" => {
                let schema = &name.name;
                let tables: Vec<Name> =
                    self.before.tables.keys().filter(|it| it.schema.as_ref() == Some(schema)).cloned().collect();
                for table in tables {
                    self.reindex_table(&table, mode, index_mode);
                }
            }
            _ => {
                let tables: Vec<Name> = self.before.tables.keys().cloned().collect();
                for table in tables {
                    self.reindex_table(&table, mode, index_mode);
                }
            }
        }
    }

    fn reindex_table(&mut self, table: &Name, mode: crate::plan::LockMode, index_mode: crate::plan::LockMode) {
        self.lock(table, mode);
        for index in super::all_indexes(self.before, table) {
            self.lock(&index, index_mode);
            self.builds.insert(index);
        }
    }

    pub(super) fn table_of_index(&self, index: &Name) -> Option<Name> {
        let index = self.resolve(index);
        let own = self.before.indexes.get(&index).map(|it| it.table.clone());
        own.or_else(|| self.index_constraint(&index).map(|(it, _)| it.name.clone()))
    }
}
