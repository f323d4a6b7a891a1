//! Constraints: add, attach an index, validate, drop, rename, alter.

use super::Acc;
use crate::{
    plan::LockMode::*,
    sql::{Constraint, ConstraintKind, Ddl, ForeignKey, Ident, Index, KeyConstraint, KeyExpr, Name, Table},
};

impl Acc<'_> {
    pub(super) fn constraint(&mut self, ddl: &Ddl) {
        match ddl {
            Ddl::AddConstraint { table, constraint } => self.add_constraint(table, constraint),
            Ddl::AddConstraintUsingIndex { table, primary, index, .. } => self.add_using_index(table, *primary, index),
            Ddl::ValidateConstraint { table, name } => self.validate(table, name),
            Ddl::DropConstraint { table, name, cascade, .. } => self.drop_constraint(table, name, *cascade),
            Ddl::RenameConstraint { table, from, .. } => {
                if self.is_inherited(table, from) {
                    self.lock_family(table, AccessExclusive);
                } else {
                    self.lock(table, AccessExclusive);
                }
            }
            Ddl::AlterConstraint { table, name, enforced, .. } => self.alter_constraint(table, name, *enforced),
            _ => {}
        }
    }

    fn add_constraint(&mut self, table: &Name, constraint: &Constraint) {
        if constraint.not_enforced {
            self.refuse_before(18, "NOT ENFORCED");
        }
        let unchecked = constraint.not_valid || constraint.not_enforced;
        match &constraint.kind {
            ConstraintKind::Check(_) => {
                if constraint.no_inherit && self.is_partitioned(table) {
                    self.refuse(format!("{table} is partitioned: its constraints cannot be NO INHERIT"));
                }
                if constraint.no_inherit && self.facts.server_version < 18 {
                    self.lock(table, AccessExclusive);
                } else {
                    self.lock_family(table, AccessExclusive);
                }
                if !unchecked && constraint.no_inherit {
                    self.scans.insert(self.resolve(table));
                } else if !unchecked {
                    self.scan(table);
                }
            }
            ConstraintKind::NotNull(column) => {
                self.refuse_before(18, "NOT NULL as a table constraint");
                self.lock_family(table, AccessExclusive);
                if !unchecked {
                    self.prove_not_null(table, column);
                }
            }
            ConstraintKind::ForeignKey(fk) => self.add_foreign_key(table, fk, constraint),
            ConstraintKind::PrimaryKey(_) | ConstraintKind::Unique(_) | ConstraintKind::Exclude(_) => {
                // Since 18 every constraint locks the partitions as it locks the parent.
                if self.facts.server_version >= 18 {
                    self.lock_family(table, AccessExclusive);
                } else {
                    self.lock(table, AccessExclusive);
                }
                self.build_for_constraint(table, constraint);
            }
        }
    }

    fn add_foreign_key(&mut self, table: &Name, fk: &ForeignKey, constraint: &Constraint) {
        self.lock_partitions(table, ShareRowExclusive);
        self.lock_partitions(&fk.references, ShareRowExclusive);
        if constraint.not_valid && self.is_partitioned(table) && self.facts.server_version < 18 {
            self.refuse(format!("{table} is partitioned: before PostgreSQL 18 its foreign keys cannot be NOT VALID"));
        }
        if constraint.not_valid || constraint.not_enforced {
            return;
        }
        for leaf in self.partition_leaves(table) {
            // A partition that has an equal, valid foreign key is not checked again.
            let adopted = self.is_partitioned(table)
                && self.before.table(&leaf).is_some_and(|it| it.constraints.iter().any(|it| self.is_same_key(it, fk)));
            if adopted {
                // Its triggers give way to those of the parent's key.
                self.lock_key_triggers(&fk.references);
            } else {
                self.scan(&leaf);
            }
        }
    }

    fn is_same_key(&self, constraint: &Constraint, fk: &ForeignKey) -> bool {
        match &constraint.kind {
            ConstraintKind::ForeignKey(own) => {
                let wanted = self.resolve(&fk.references);
                !constraint.not_valid
                    && own.columns == fk.columns
                    && own.references == wanted
                    && own.on_delete == fk.on_delete
                    && own.on_update == fk.on_update
            }
            _ => false,
        }
    }

    /// The index behind PRIMARY KEY, UNIQUE and EXCLUDE is built under the lock, on every partition.
    pub(super) fn build_for_constraint(&mut self, table: &Name, constraint: &Constraint) {
        let table = self.resolve(table);
        match &constraint.kind {
            ConstraintKind::PrimaryKey(key) => {
                if self.table_at(&table).is_some_and(|it| it.primary_key().is_some()) {
                    self.refuse(format!("{table} already has a primary key"));
                }
                let nullable =
                    |it: &&Ident| self.table_at(&table).and_then(|t| t.column(it)).is_some_and(|it| !it.not_null);
                let nullable: Vec<&Ident> = key.columns.iter().filter(nullable).collect();
                // Setting the columns NOT NULL recurses with its own lock.
                if !nullable.is_empty() {
                    self.lock_family(&table, AccessExclusive);
                }
                for column in nullable {
                    self.prove_not_null(&table, column);
                }
                self.build_key(&table, key);
            }
            ConstraintKind::Unique(key) => self.build_key(&table, key),
            ConstraintKind::Exclude(_) => {
                if self.is_partitioned(&table) {
                    self.refuse_before(17, "exclusion constraints on partitioned tables");
                }
                self.build_on_leaves(&table);
            }
            ConstraintKind::Check(_) | ConstraintKind::ForeignKey(_) | ConstraintKind::NotNull(_) => {}
        }
        if constraint.is_key() && constraint.deferrable {
            // Each partition gets the trigger that checks at commit.
            self.lock_partitions(&table, ShareRowExclusive);
        }
    }

    fn build_key(&mut self, table: &Name, key: &KeyConstraint) {
        if key.nulls_not_distinct {
            self.refuse_before(15, "NULLS NOT DISTINCT");
        }
        if key.without_overlaps {
            self.refuse_before(18, "WITHOUT OVERLAPS");
        }
        self.refuse_partial_key(table, &key.columns);
        self.build_on_leaves(table);
    }

    /// Uniqueness over partitions needs the partition key within the key (manual 5.12.2.3).
    pub(super) fn refuse_partial_key(&mut self, table: &Name, columns: &[Ident]) {
        let Some(by) = self.table_at(table).and_then(|it| it.partition_by.as_ref()) else { return };
        let covered = by.keys.iter().all(|it| matches!(&it.expr, KeyExpr::Column(it) if columns.contains(it)));
        if !covered {
            self.refuse(format!("a unique key of partitioned table {table} must include all its partition columns"));
        }
    }

    /// Notes that an index is built on each table that holds rows, and takes the lock of a build on partitions.
    pub(super) fn build_on_leaves(&mut self, table: &Name) {
        let table = self.resolve(table);
        for it in self.with_partitions(&table).into_iter().filter(|it| *it != table) {
            self.lock(&it, Share);
        }
        self.built_on.extend(self.partition_leaves(&table));
    }

    fn add_using_index(&mut self, table: &Name, primary: bool, index: &Ident) {
        self.lock(table, AccessExclusive);
        let table = self.resolve(table);
        if self.is_partitioned(&table) {
            self.refuse(format!("{table} is partitioned: a constraint cannot be made from an index there"));
        }
        let Some(index) = self.before.indexes.get(&table.sibling(index.clone())) else { return };
        if let Some(why) = not_a_constraint(index) {
            self.refuse(format!("index {} cannot become a constraint: {why}", index.name.clone().unwrap_or_default()));
        }
        if primary {
            for key in &index.keys {
                if let KeyExpr::Column(column) = &key.expr {
                    self.prove_not_null(&table, column);
                }
            }
        }
    }

    fn validate(&mut self, table: &Name, name: &Ident) {
        if self.is_inherited(table, name) {
            self.lock_family(table, ShareUpdateExclusive);
        } else {
            self.lock_partitions(table, ShareUpdateExclusive);
        }
        let Some(constraint) = self.table_at(table).and_then(|it| it.constraint(name)) else {
            // Not in the catalog: believe the statement that there is work to do.
            self.scan(table);
            return;
        };
        if constraint.not_enforced {
            self.refuse(format!("constraint {name} of {table} is NOT ENFORCED: it cannot be validated"));
        }
        if !constraint.not_valid {
            return;
        }
        if let ConstraintKind::ForeignKey(fk) = &constraint.kind {
            self.lock(&fk.references, RowShare);
            self.scans.extend(self.partition_leaves(table));
        } else {
            self.scan(table);
        }
    }

    /// CHECK and NOT NULL go down to children of inheritance; a constraint nobody knows may be one.
    fn is_inherited(&self, table: &Name, name: &Ident) -> bool {
        let constraint = self.table_at(table).and_then(|it| it.constraint(name));
        constraint
            .is_none_or(|it| matches!(it.kind, ConstraintKind::Check(_) | ConstraintKind::NotNull(_)) && !it.no_inherit)
    }

    fn drop_constraint(&mut self, table: &Name, name: &Ident, cascade: bool) {
        if self.is_inherited(table, name) {
            self.lock_family(table, AccessExclusive);
        } else {
            self.lock_partitions(table, AccessExclusive);
        }
        let Some(found) = self.table_at(table) else { return };
        let Some(constraint) = found.constraint(name) else { return };
        match &constraint.kind {
            ConstraintKind::ForeignKey(fk) => self.lock_partitions(&fk.references, AccessExclusive),
            ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key) => self.drop_key(found, name, key, cascade),
            ConstraintKind::Check(_) | ConstraintKind::Exclude(_) | ConstraintKind::NotNull(_) => {}
        }
    }

    fn drop_key(&mut self, table: &Table, name: &Ident, key: &KeyConstraint, cascade: bool) {
        let before = self.before;
        for (from, constraint) in before.referencing(&table.name) {
            let ConstraintKind::ForeignKey(fk) = &constraint.kind else { continue };
            let same = fk.referenced_columns.len() == key.columns.len()
                && fk.referenced_columns.iter().all(|it| key.columns.contains(it));
            if !same || other_key(table, name, key) {
                continue;
            }
            self.lock_partitions(&from.name, AccessExclusive);
            if !cascade {
                let fk = constraint.name.clone().unwrap_or_default();
                self.refuse(format!("foreign key {fk} of {} depends on {name} of {}", from.name, table.name));
            }
        }
    }

    fn alter_constraint(&mut self, table: &Name, name: &Ident, enforced: Option<bool>) {
        self.lock_partitions(table, AccessExclusive);
        let Some(enforced) = enforced else { return };
        self.refuse_before(18, "ENFORCED");
        let constraint = self.table_at(table).and_then(|it| it.constraint(name));
        if let Some(ConstraintKind::ForeignKey(fk)) = constraint.map(|it| &it.kind) {
            // Triggers are made (SHARE ROW EXCLUSIVE) or dropped (ACCESS EXCLUSIVE) on both tables.
            self.lock_partitions(&fk.references, if enforced { ShareRowExclusive } else { AccessExclusive });
        }
        if enforced && constraint.is_none_or(|it| it.not_enforced) {
            self.scan(table);
        }
    }
}

/// Is there another key over the same columns that a foreign key could rest on?
fn other_key(table: &Table, name: &Ident, key: &KeyConstraint) -> bool {
    table.constraints.iter().filter(|it| it.name.as_ref() != Some(name)).any(|it| match &it.kind {
        ConstraintKind::PrimaryKey(other) | ConstraintKind::Unique(other) => {
            other.columns.len() == key.columns.len() && other.columns.iter().all(|it| key.columns.contains(it))
        }
        _ => false,
    })
}

/// Why an index cannot be the index of a constraint (manual, ALTER TABLE, `ADD table_constraint_using_index`).
fn not_a_constraint(index: &Index) -> Option<&'static str> {
    if !index.unique {
        return Some("it is not unique");
    }
    if index.method.as_str() != "btree" {
        return Some("it is not a btree");
    }
    if index.predicate.is_some() {
        return Some("it is partial");
    }
    if index.keys.iter().any(|it| matches!(it.expr, KeyExpr::Expr(_))) {
        return Some("it contains expressions");
    }
    let plain = index.keys.iter().all(|it| !it.descending && it.nulls_first.is_none() && it.opclass.is_none());
    (!plain).then_some("it does not sort in the default way")
}
