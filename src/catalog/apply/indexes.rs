//! Indexes: names, those of partitions, those behind constraints.

use std::sync::Arc;

use super::{Applied, ApplyError, change_options, constraints::own, exists_already};
use crate::{
    catalog::{
        Catalog,
        naming::{addition, index_columns},
        resolve::{IndexAt, missing, refused},
    },
    sql::*,
};

impl Catalog {
    pub(super) fn create_index(&mut self, written: &Index, if_not_exists: bool) -> Applied {
        let Some(table) = self.find_relation(&written.table) else {
            // On a table that we know nothing certain of, neither is its index known.
            let known = !self.is_unknown(&written.table);
            return if known { Err(missing("table", &written.table)) } else { Ok(()) };
        };
        if let Some(name) = &written.name {
            let name = table.sibling(name.name.clone());
            if self.relation_exists(&name) {
                return exists_already("relation", &name, if_not_exists);
            }
        }
        if let Some(owner) = self.tables.get(&table) {
            self.check_keys(owner, &written.keys)?;
            let lacking = written.include.iter().find(|it| owner.column(it).is_none());
            if let (Some(column), false) = (lacking, self.unknown.contains_key(&table)) {
                return Err(missing("column", format!("{table}.{column}")));
            }
        }
        let index = self.complete_index(&table, written);
        let name = index.name.clone().unwrap_or_default();
        let only = index.only;
        let index = Arc::new(index);
        self.indexes.insert(name, index.clone());
        if !only {
            self.index_children(&table, &index);
        }
        Ok(())
    }

    /// Partitions get the index too, or lend the one they have. (Heirs do not.)
    fn index_children(&mut self, table: &Name, index: &Arc<Index>) {
        if self.tables.get(table).is_none_or(|it| it.partition_by.is_none()) {
            return;
        }
        for child in self.children(table) {
            self.attach_or_copy(&child, index);
        }
    }

    pub(super) fn attach_or_copy(&mut self, child: &Name, index: &Arc<Index>) {
        let fits = |it: &&Arc<Index>| it.attached_to.is_none() && same_index(it, index);
        let own = self.indexes_of(child).find(fits).and_then(|it| it.name.clone());
        match own.and_then(|it| self.indexes.get_mut(&it)) {
            Some(own) => Arc::make_mut(own).attached_to = index.name.clone(),
            None => self.copy_index(index, child, true),
        }
    }

    /// A copy on another table under a name of its own.
    pub(super) fn copy_index(&mut self, index: &Arc<Index>, table: &Name, attach: bool) {
        let written = Index { name: None, table: table.clone(), attached_to: None, only: false, ..(**index).clone() };
        let mut copy = self.complete_index(table, &written);
        copy.attached_to = index.name.clone().filter(|_| attach);
        let copy = Arc::new(copy);
        self.indexes.insert(copy.name.clone().unwrap_or_default(), copy.clone());
        if attach {
            self.index_children(table, &copy);
        }
    }

    fn complete_index(&self, table: &Name, written: &Index) -> Index {
        let name = match &written.name {
            Some(name) => name.name.clone(),
            None => {
                let columns = index_columns(&written.keys, &written.include);
                let addition = addition(columns.iter().map(String::as_str));
                self.choose_relation_name(table, Some(&addition), "idx", false, &[])
            }
        };
        let mut res = Index { name: Some(table.sibling(name)), table: table.clone(), ..written.clone() };
        for key in &mut res.keys {
            key.collation = key.collation.as_ref().and_then(|it| self.normal_collation(it));
            if let KeyExpr::Expr(expr) = &mut key.expr {
                *expr = own(expr, table);
            }
        }
        res.predicate = res.predicate.as_ref().map(|it| own(it, table));
        // ONLY says something of partitioned tables alone.
        res.only &= self.tables.get(table).is_some_and(|it| it.partition_by.is_some());
        res
    }

    /// Do the columns exist that keys of an index, partition or statistics name?
    pub(super) fn check_keys(&self, table: &Table, keys: &[IndexKey]) -> Applied {
        if self.unknown.contains_key(&table.name) {
            return Ok(());
        }
        let lacking = keys.iter().filter_map(|it| it.expr.as_column()).find(|it| table.column(it).is_none());
        lacking.map_or(Ok(()), |it| Err(missing("column", format!("{}.{it}", table.name))))
    }

    fn own_index(&mut self, name: &Name) -> Result<Name, ApplyError> {
        match self.find_index(name) {
            Some(IndexAt::Own(found)) => Ok(found),
            _ => Err(missing("index", name)),
        }
    }

    pub(super) fn drop_index(&mut self, name: &Name, if_exists: bool, cascade: bool) -> Applied {
        let found = match self.find_index(name) {
            Some(IndexAt::Own(found)) => found,
            Some(IndexAt::Constraint(table, constraint)) => {
                let message = format!("cannot drop index {name}: constraint {constraint} on table {table} requires it");
                return Err(refused(message));
            }
            None if if_exists => return Ok(()),
            None => return Err(missing("index", name)),
        };
        let Some(index) = self.indexes.get(&found).cloned() else { return Err(missing("index", name)) };
        if let Some(parent) = &index.attached_to {
            return Err(refused(format!("cannot drop index {found}: index {parent} requires it")));
        }
        if index.unique
            && let Some(columns) = plain_columns_if_whole(&index)
        {
            self.release_key(&index.table, &columns, &format!("index {found}"), cascade, Some(&found))?;
        }
        self.remove_index(&found);
        Ok(())
    }

    /// Removes an index and those attached to it.
    pub(super) fn remove_index(&mut self, name: &Name) {
        let Some(index) = self.indexes.remove(name) else { return };
        self.forget(|it| matches!(it, ObjectRef::Index(it) if it == name));
        if let Some(owner) = self.tables.get(&index.table).cloned() {
            let gone = |it: &Ident| *it == name.name;
            if owner.cluster_on.as_ref().is_some_and(gone)
                || matches!(&owner.replica_identity, ReplicaIdentity::Index(it) if gone(it))
            {
                let owner = self.tables.get_or_insert_with(index.table.clone(), || owner);
                let owner = Arc::make_mut(owner);
                owner.cluster_on = owner.cluster_on.take().filter(|it| !gone(it));
                if matches!(&owner.replica_identity, ReplicaIdentity::Index(it) if gone(it)) {
                    owner.replica_identity = ReplicaIdentity::Nothing;
                }
            }
        }
        let attached = |it: &&Arc<Index>| it.attached_to.as_ref() == Some(name);
        let attached: Vec<Name> = self.indexes.values().filter(attached).filter_map(|it| it.name.clone()).collect();
        for it in attached {
            self.remove_index(&it);
        }
    }

    pub(super) fn attach_index(&mut self, parent: &Name, index: &Name) -> Applied {
        let above = self.find_index(parent).ok_or_else(|| missing("index", parent))?;
        let below = self.find_index(index).ok_or_else(|| missing("index", index))?;
        match (above, below) {
            (IndexAt::Own(above), IndexAt::Own(below)) => {
                if let Some(it) = self.indexes.get_mut(&below) {
                    Arc::make_mut(it).attached_to = Some(above.clone());
                }
                // Once every partition has one the parent is valid, which is when ONLY has served its time.
                let table = self.indexes.get(&above).map(|it| it.table.clone());
                let children = table.map(|it| self.children(&it)).unwrap_or_default();
                let has = |child: &Name| self.indexes_of(child).any(|it| it.attached_to.as_ref() == Some(&above));
                if children.iter().all(has)
                    && let Some(it) = self.indexes.get_mut(&above)
                {
                    Arc::make_mut(it).only = false;
                }
                Ok(())
            }
            (IndexAt::Constraint(..), IndexAt::Constraint(..)) => Ok(()),
            // The copy that the parent's constraint has brought gives way to the index that takes its part.
            _ => Err(refused(format!("cannot attach index {index} to {parent}: one of them belongs to a constraint"))),
        }
    }

    pub(super) fn set_index_options(&mut self, name: &Name, set: &Options, reset: &[smol_str::SmolStr]) -> Applied {
        if let Some(IndexAt::Constraint(table, constraint)) = self.find_index(name) {
            self.edit_key(&table, &constraint, |it| change_options(&mut it.options, set, reset));
            return Ok(());
        }
        let found = self.own_index(name)?;
        if let Some(index) = self.indexes.get_mut(&found) {
            change_options(&mut Arc::make_mut(index).options, set, reset);
        }
        Ok(())
    }

    pub(super) fn set_index_statistics(&mut self, name: &Name, column: u16, target: i32) -> Applied {
        let found = self.own_index(name)?;
        if let Some(index) = self.indexes.get_mut(&found).map(Arc::make_mut) {
            if target < 0 {
                index.statistics.remove(&column);
            } else {
                index.statistics.insert(column, target);
            }
        }
        Ok(())
    }
}

/// Could a partition's index stand for its parent's?
fn same_index(a: &Index, b: &Index) -> bool {
    a.unique == b.unique
        && a.method == b.method
        && a.keys == b.keys
        && a.include == b.include
        && a.nulls_not_distinct == b.nulls_not_distinct
        && a.predicate == b.predicate
}

/// The columns of an index that a foreign key could rest on.
fn plain_columns_if_whole(index: &Index) -> Option<Vec<Ident>> {
    super::constraints::plain_columns(index).filter(|_| index.predicate.is_none())
}
