//! What each statement locks, rewrites, scans and builds, as measured on servers 13 to 18 (manual 13.3.1 and the
//! pages of the commands; `tests/suite/locks.rs` compares with the measurements).
//!
//! Reported are tables, views and sequences; of indexes only those that the statement names. What the statement
//! itself creates does not count. A table that the catalog does not hold is believed to exist, since the statement
//! says so.

mod columns;
mod constraints;
mod indexes;
mod objects;
mod partitions;
mod tables;

pub(super) use partitions::parenthesised;

use std::collections::{BTreeMap, BTreeSet};

use super::{Impact, types};
use crate::{
    catalog::{Catalog, IndexAt},
    plan::{Facts, Lock, LockMode},
    sql::{CodeStep, Constraint, ConstraintKind, Ddl, Ident, Name, StepKind, Table, TransactionControl},
};

pub(super) fn lock_of(ddl: &Ddl, before: &Catalog, facts: &Facts) -> Impact {
    let mut acc = Acc::new(before, facts);
    acc.statement(ddl);
    acc.name_builds(ddl);
    acc.finish()
}

/// ALTER TABLE does its parts in passes, whatever their order in the text (`AlterTablePass` in tablecmds.c): a CHECK
/// that is dropped in the statement proves nothing to a SET NOT NULL before it.
pub(super) fn passes(parts: &[Ddl]) -> Vec<usize> {
    let pass = |it: &Ddl| match it {
        Ddl::DropColumn { .. }
        | Ddl::DropConstraint { .. }
        | Ddl::DropNotNull { .. }
        | Ddl::DropIdentity { .. }
        | Ddl::DropExpression { .. }
        | Ddl::SetDefault { default: None, .. } => 0,
        Ddl::SetType { .. } => 1,
        Ddl::AddColumn { .. } => 2,
        Ddl::SetExpression { .. } => 3,
        Ddl::SetNotNull { .. } | Ddl::AddIdentity { .. } | Ddl::SetIdentity { .. } => 4,
        Ddl::AddConstraint { constraint, .. } if has_index(constraint) => 5,
        Ddl::AddConstraintUsingIndex { .. } => 5,
        Ddl::AddConstraint { .. } | Ddl::SetDefault { .. } => 6,
        _ => 7,
    };
    let altered = parts.iter().map(|it| it.altered_table()).collect::<Option<BTreeSet<_>>>();
    let mut res: Vec<usize> = (0..parts.len()).collect();
    if altered.is_some_and(|it| it.len() == 1) {
        res.sort_by_key(|it| parts.get(*it).map(pass));
    }
    res
}

/// The impact while it is put together.
struct Acc<'a> {
    before: &'a Catalog,
    facts: &'a Facts,
    locks: BTreeMap<Name, LockMode>,
    rewrites: BTreeSet<Name>,
    scans: BTreeSet<Name>,
    builds: BTreeSet<Name>,
    /// Tables on which the statement builds the indexes it makes; the catalog after it knows their names.
    built_on: BTreeSet<Name>,
    refused: Option<String>,
}

impl<'a> Acc<'a> {
    fn new(before: &'a Catalog, facts: &'a Facts) -> Self {
        Self {
            before,
            facts,
            locks: BTreeMap::new(),
            rewrites: BTreeSet::new(),
            scans: BTreeSet::new(),
            builds: BTreeSet::new(),
            built_on: BTreeSet::new(),
            refused: None,
        }
    }

    fn finish(self) -> Impact {
        Impact {
            locks: self.locks.into_iter().map(|(object, mode)| Lock { object, mode }).collect(),
            rewrites: self.rewrites.into_iter().collect(),
            scans: self.scans.into_iter().collect(),
            builds: self.builds.into_iter().collect(),
            refused: self.refused,
        }
    }

    /// One arm per variant, no catch-all: a new variant has to say what it locks.
    fn statement(&mut self, ddl: &Ddl) {
        match ddl {
            Ddl::CreateTable { .. }
            | Ddl::CreateTableAs { .. }
            | Ddl::DropTable { .. }
            | Ddl::RenameTable { .. }
            | Ddl::SetTableSchema { .. }
            | Ddl::SetTableOptions { .. }
            | Ddl::SetPersistence { .. }
            | Ddl::SetTablespace { .. }
            | Ddl::SetAccessMethod { .. }
            | Ddl::SetRowSecurity { .. }
            | Ddl::SetReplicaIdentity { .. }
            | Ddl::ClusterOn { .. }
            | Ddl::Inherit { .. }
            | Ddl::NoInherit { .. }
            | Ddl::Lock { .. }
            | Ddl::Truncate { .. }
            | Ddl::Data(_) => self.table(ddl),
            Ddl::AttachPartition { .. } | Ddl::DetachPartition { .. } => self.partition(ddl),
            Ddl::AddColumn { .. }
            | Ddl::DropColumn { .. }
            | Ddl::RenameColumn { .. }
            | Ddl::SetType { .. }
            | Ddl::SetDefault { .. }
            | Ddl::SetNotNull { .. }
            | Ddl::DropNotNull { .. }
            | Ddl::AddIdentity { .. }
            | Ddl::SetIdentity { .. }
            | Ddl::DropIdentity { .. }
            | Ddl::SetExpression { .. }
            | Ddl::DropExpression { .. }
            | Ddl::SetColumnStatistics { .. }
            | Ddl::SetColumnStorage { .. }
            | Ddl::SetColumnCompression { .. }
            | Ddl::SetColumnOptions { .. } => self.column(ddl),
            Ddl::AddConstraint { .. }
            | Ddl::AddConstraintUsingIndex { .. }
            | Ddl::ValidateConstraint { .. }
            | Ddl::DropConstraint { .. }
            | Ddl::RenameConstraint { .. }
            | Ddl::AlterConstraint { .. } => self.constraint(ddl),
            Ddl::CreateIndex { .. }
            | Ddl::DropIndex { .. }
            | Ddl::RenameIndex { .. }
            | Ddl::AttachIndex { .. }
            | Ddl::SetIndexOptions { .. }
            | Ddl::SetIndexStatistics { .. }
            | Ddl::Reindex { .. } => self.index(ddl),
            Ddl::CreateSchema { .. }
            | Ddl::DropSchema { .. }
            | Ddl::CreateExtension { .. }
            | Ddl::AlterExtension { .. }
            | Ddl::DropExtension { .. }
            | Ddl::CreateSequence { .. }
            | Ddl::AlterSequence { .. }
            | Ddl::RenameSequence { .. }
            | Ddl::DropSequence { .. }
            | Ddl::CreateType { .. }
            | Ddl::AddEnumValue { .. }
            | Ddl::RenameEnumValue { .. }
            | Ddl::AlterDomain { .. }
            | Ddl::AlterComposite { .. }
            | Ddl::RenameType { .. }
            | Ddl::DropType { .. }
            | Ddl::CreateView { .. }
            | Ddl::AlterView { .. }
            | Ddl::RenameView { .. }
            | Ddl::DropView { .. }
            | Ddl::RefreshView { .. }
            | Ddl::CreateFunction { .. }
            | Ddl::DropFunction { .. }
            | Ddl::RenameFunction { .. }
            | Ddl::CreateTrigger { .. }
            | Ddl::EnableTrigger { .. }
            | Ddl::RenameTrigger { .. }
            | Ddl::DropTrigger { .. }
            | Ddl::CreatePolicy { .. }
            | Ddl::AlterPolicy { .. }
            | Ddl::RenamePolicy { .. }
            | Ddl::DropPolicy { .. }
            | Ddl::CreateStatistics { .. }
            | Ddl::SetStatisticsTarget { .. }
            | Ddl::DropStatistics { .. }
            | Ddl::Comment { .. }
            | Ddl::Grant { .. }
            | Ddl::Revoke { .. }
            | Ddl::SetOwner { .. }
            | Ddl::SetSchema { .. }
            | Ddl::Opaque(_)
            | Ddl::DropOpaque { .. } => self.object(ddl),
            Ddl::Do { code: Some(code), .. } => self.block(&code.steps, &mut self.before.clone()),
            Ddl::SetSearchPath { .. } | Ddl::SetParameter { .. } | Ddl::Do { code: None, .. } => {}
            Ddl::Transaction(
                TransactionControl::Begin
                | TransactionControl::Commit
                | TransactionControl::Rollback
                | TransactionControl::Savepoint
                | TransactionControl::Release
                | TransactionControl::RollbackToSavepoint
                | TransactionControl::Other,
            ) => {}
        }
    }

    /// All that a block may run, one after the other, but for branches that are certain not to be taken. Whether the
    /// server refuses a part depends on the branch it stands in.
    fn block(&mut self, steps: &[CodeStep], draft: &mut Catalog) {
        for step in steps {
            match &step.kind {
                StepKind::Run(all) => all.iter().for_each(|it| self.block_statement(it, draft)),
                StepKind::Loop(steps) => self.block(steps, draft),
                StepKind::Try { body, handlers } => {
                    self.block(body, draft);
                    self.block(handlers, draft);
                }
                StepKind::Branch(arms) => {
                    for arm in arms {
                        let holds = arm.condition.as_ref().map_or(Some(true), |it| draft.condition_holds(it));
                        if holds != Some(false) {
                            self.block(&arm.steps, draft);
                        }
                        if holds == Some(true) {
                            break;
                        }
                    }
                }
                StepKind::Leave => return,
                StepKind::Hidden | StepKind::Fail => {}
            }
        }
    }

    fn block_statement(&mut self, ddl: &Ddl, draft: &mut Catalog) {
        let impact = lock_of(ddl, draft, self.facts);
        let there = |name: &Name| self.before.tables.contains_key(name) || !draft.tables.contains_key(name);
        for lock in impact.locks.into_iter().filter(|it| there(&it.object)) {
            let held = self.locks.entry(lock.object).or_insert(lock.mode);
            *held = (*held).max(lock.mode);
        }
        self.rewrites.extend(impact.rewrites.into_iter().filter(there));
        self.scans.extend(impact.scans.into_iter().filter(there));
        self.builds.extend(impact.builds);
        // What cannot be applied stands in a branch that is not taken.
        let _ = draft.apply(ddl);
    }

    // What is being put together.

    /// Takes a lock; the stronger one counts.
    fn lock(&mut self, name: &Name, mode: LockMode) {
        let held = self.locks.entry(self.resolve(name)).or_insert(mode);
        *held = (*held).max(mode);
    }

    /// Takes a lock on a table and everything that inherits from it.
    fn lock_family(&mut self, name: &Name, mode: LockMode) {
        for it in self.family(name) {
            self.lock(&it, mode);
        }
    }

    /// Takes a lock on a table and its partitions, not on children of old-style inheritance: those have no part in
    /// keys, indexes and row triggers.
    fn lock_partitions(&mut self, name: &Name, mode: LockMode) {
        for it in self.with_partitions(name) {
            self.lock(&it, mode);
        }
    }

    /// Every row is written again, every index with it.
    fn rewrite(&mut self, name: &Name) {
        for leaf in self.leaves(name) {
            self.builds.extend(all_indexes(self.before, &leaf));
            self.rewrites.insert(leaf);
        }
    }

    fn scan(&mut self, name: &Name) {
        let leaves = self.leaves(name);
        self.scans.extend(leaves);
    }

    /// The indexes that the statement makes on `built_on`, by the names the catalog gives them.
    fn name_builds(&mut self, ddl: &Ddl) {
        if self.built_on.is_empty() {
            return;
        }
        let mut after = self.before.clone();
        let applied = after.apply(ddl).is_ok();
        for table in std::mem::take(&mut self.built_on) {
            let known: BTreeSet<Name> = all_indexes(self.before, &table).collect();
            self.builds.extend(all_indexes(&after, &table).filter(|it| !known.contains(it)));
            if !applied {
                // A table that is not in the catalog: that an index is built matters more than its name.
                self.builds.insert(table.sibling(Ident::new(&format!("{}_idx", table.name))));
            }
        }
    }

    /// The first reason stays.
    fn refuse(&mut self, why: impl Into<String>) {
        self.refused.get_or_insert_with(|| why.into());
    }

    fn refuse_before(&mut self, version: u32, what: &str) {
        if self.facts.server_version < version {
            self.refuse(format!(
                "PostgreSQL {} does not know {what}; {version} is the first to",
                self.facts.server_version
            ));
        }
    }

    // What the catalog says.

    /// The relation a name means: as it stands in the catalog when it is there, else in the first schema of the path.
    fn resolve(&self, name: &Name) -> Name {
        if name.schema.is_some() {
            return name.clone();
        }
        let in_schema = |schema: &Ident| Name { schema: Some(schema.clone()), name: name.name.clone() };
        // Temporary objects come first (manual 5.10.3).
        let temporary = std::iter::once(in_schema(&Ident::new(crate::catalog::TEMPORARY)));
        let known = temporary.chain(self.before.search_path.iter().map(in_schema)).find(|it| self.exists(it));
        known.or_else(|| self.before.search_path.first().map(in_schema)).unwrap_or_else(|| name.clone())
    }

    fn exists(&self, name: &Name) -> bool {
        let cat = self.before;
        let constraint_index = || self.index_constraint(name).is_some();
        cat.tables.contains_key(name)
            || cat.views.contains_key(name)
            || cat.indexes.contains_key(name)
            || cat.sequences.contains_key(name)
            || constraint_index()
    }

    fn table_at(&self, name: &Name) -> Option<&'a Table> {
        self.before.table(&self.resolve(name)).map(|it| &**it)
    }

    /// The table and all that inherit from it: partitions, and children of old-style inheritance.
    fn family(&self, name: &Name) -> Vec<Name> {
        let inherits = |it: &Table, parent: &Name| it.inherits.contains(parent) || is_partition(it, parent);
        self.descend(name, inherits)
    }

    fn with_partitions(&self, name: &Name) -> Vec<Name> {
        self.descend(name, is_partition)
    }

    fn descend(&self, name: &Name, inherits: impl Fn(&Table, &Name) -> bool) -> Vec<Name> {
        let mut res = vec![self.resolve(name)];
        let mut at = 0;
        while let Some(parent) = res.get(at).cloned() {
            let children = self.before.children(&parent).into_iter();
            let children = children.filter(|it| self.before.table(it).is_some_and(|it| inherits(it, &parent)));
            let new: Vec<Name> = children.filter(|it| !res.contains(it)).collect();
            res.extend(new);
            at += 1;
        }
        res
    }

    /// Those of the family that hold rows.
    fn leaves(&self, name: &Name) -> Vec<Name> {
        self.family(name).into_iter().filter(|it| !self.is_partitioned(it)).collect()
    }

    fn is_partitioned(&self, name: &Name) -> bool {
        self.table_at(name).is_some_and(|it| it.partition_by.is_some())
    }

    /// The partitions, or the table itself, that hold rows.
    fn partition_leaves(&self, name: &Name) -> Vec<Name> {
        self.with_partitions(name).into_iter().filter(|it| !self.is_partitioned(it)).collect()
    }

    /// The table's DEFAULT partition.
    fn default_partition(&self, parent: &Name) -> Option<&'a Table> {
        let parent = self.resolve(parent);
        let is_default = |it: &&'a std::sync::Arc<Table>| {
            it.partition_of
                .as_ref()
                .is_some_and(|of| of.parent == parent && of.bound.text().trim().eq_ignore_ascii_case("default"))
        };
        self.before.tables.values().find(is_default).map(|it| &**it)
    }

    /// The table and constraint behind an index that belongs to a constraint.
    fn index_constraint(&self, index: &Name) -> Option<(&'a Table, &'a Constraint)> {
        let Some(IndexAt::Constraint(table, name)) = self.before.find_index(index) else { return None };
        let table = self.before.table(&table)?;
        Some((&**table, table.constraint(&name)?))
    }
}

fn is_partition(table: &Table, parent: &Name) -> bool {
    table.partition_of.as_ref().is_some_and(|of| of.parent == *parent)
}

/// Every index of a table, those of constraints too.
fn all_indexes<'a>(catalog: &'a Catalog, table: &'a Name) -> impl Iterator<Item = Name> + 'a {
    let own = catalog.indexes_of(table).filter_map(|it| it.name.clone());
    let constraints = catalog.table(table).into_iter().flat_map(|it| &it.constraints);
    own.chain(constraints.filter(|it| has_index(it)).filter_map(|it| Some(table.sibling(it.name.clone()?))))
}

fn has_index(constraint: &Constraint) -> bool {
    matches!(constraint.kind, ConstraintKind::PrimaryKey(_) | ConstraintKind::Unique(_) | ConstraintKind::Exclude(_))
}

#[cfg(test)]
mod tests;
