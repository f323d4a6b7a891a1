//! CREATE TABLE, what belongs to a table as a whole, and the writes that keep hidden names in step.

use std::sync::Arc;

use super::{Applied, ApplyError, change_options, exists_already};
use crate::{
    catalog::{
        Catalog, Hidden, HiddenKind,
        resolve::{IndexAt, missing, refused},
    },
    sql::*,
};

/// A table on its way into the catalog, with what it brings along.
#[derive(Default)]
pub(super) struct Extras {
    pub(super) sequences: Vec<Sequence>,
    pub(super) comments: Vec<(ObjectRef, smol_str::SmolStr)>,
    /// Indexes to copy onto the table, once it is there.
    pub(super) indexes: Vec<Arc<Index>>,
    /// Copied indexes are attached to their originals (partitions) rather than independent (LIKE).
    pub(super) attach: bool,
    pub(super) statistics: Vec<Arc<Statistics>>,
    /// The table hangs on something unknown: why.
    pub(super) unknown: Option<String>,
}

impl Catalog {
    pub(super) fn create_table(&mut self, written: &Table, if_not_exists: bool, likes: &[Like]) -> Applied {
        let name = self.place(&written.name, written.persistence)?;
        if self.relation_exists(&name) || self.types.contains_key(&name) {
            return exists_already("relation", &name, if_not_exists);
        }
        let mut extras = Extras::default();
        let mut table = Table { name: name.clone(), ..written.clone() };
        table.access_method = table.access_method.as_ref().and_then(super::normal_method);
        self.own_columns(&mut table, &mut extras)?;
        table.constraints = self.merge_duplicate_keys(std::mem::take(&mut table.constraints));
        self.expand_likes(&mut table, written, likes, &mut extras)?;
        self.take_from_parents(&mut table, &mut extras)?;
        // The columns of LIKE and of parents may be keys, too.
        if let Some(by) = &table.partition_by {
            self.check_keys(&table, &by.keys)?;
        }
        self.complete_constraints(&mut table)?;
        if let Some(why) = extras.unknown.take() {
            self.unknown.insert(name.clone(), why.into());
        }
        self.insert_table(table);
        self.insert_extras(&name, extras);
        Ok(())
    }

    /// Types, serials and defaults of the columns as written.
    fn own_columns(&self, table: &mut Table, extras: &mut Extras) -> Applied {
        let is_partition = table.partition_of.is_some();
        let mut columns = Vec::with_capacity(table.columns.len());
        for column in &table.columns {
            if columns.iter().any(|it: &Column| it.name == column.name) {
                return Err(refused(format!("column {} of {} is specified more than once", column.name, table.name)));
            }
            // The columns of a PARTITION OF have no type of their own.
            let column = if is_partition { column.clone() } else { self.complete_column(table, column, extras)? };
            columns.push(column);
        }
        table.columns = columns;
        Ok(())
    }

    fn insert_extras(&mut self, table: &Name, extras: Extras) {
        for it in extras.sequences {
            self.sequences.insert(it.name.clone(), Arc::new(it));
        }
        for (object, text) in extras.comments {
            self.comments.insert(object, text);
        }
        for it in extras.indexes {
            self.copy_index(&it, table, extras.attach);
        }
        for it in extras.statistics {
            let name = self.statistics_name(table, &it.keys);
            let copy = Statistics { name: name.clone(), table: table.clone(), ..(*it).clone() };
            self.statistics.insert(name, Arc::new(copy));
        }
    }

    /// Columns are known to the server alone.
    pub(super) fn create_table_as(&mut self, written: &Table, if_not_exists: bool) -> Applied {
        let name = self.place(&written.name, written.persistence)?;
        if self.relation_exists(&name) {
            return exists_already("relation", &name, if_not_exists);
        }
        self.unknown.insert(name.clone(), "CREATE TABLE AS: its columns are known to a server only".into());
        self.insert_table(Table { name, ..written.clone() });
        Ok(())
    }

    /// The table, to be changed in place. Not for names of constraints and identity columns: see `push_constraint`.
    pub(super) fn table_mut(&mut self, name: &Name) -> Result<&mut Table, ApplyError> {
        let found = self.find_table(name)?;
        self.tables.get_mut(&found).map(Arc::make_mut).ok_or_else(|| missing("table", name))
    }

    pub(super) fn edit(&mut self, name: &Name, change: impl FnOnce(&mut Table)) -> Applied {
        change(self.table_mut(name)?);
        Ok(())
    }

    pub(super) fn set_table_options(&mut self, name: &Name, set: &Options, reset: &[smol_str::SmolStr]) -> Applied {
        if let (Err(_), Ok(view)) = (self.find_table(name), self.find_view(name)) {
            return self.alter_view(&view, set, reset);
        }
        if self.find_table(name).is_err() && self.find_index(name).is_some() {
            return self.set_index_options(name, set, reset);
        }
        self.edit(name, |it| change_options(&mut it.options, set, reset))
    }

    /// Sequences that belong to the table go along (from PostgreSQL 15 on).
    pub(super) fn set_persistence(&mut self, name: &Name, persistence: Persistence) -> Applied {
        let table = self.find_table(name)?;
        for it in self.sequences.values_mut() {
            if it.owned_by.as_ref().is_some_and(|(of, _)| *of == table) {
                Arc::make_mut(it).persistence = persistence;
            }
        }
        self.edit(&table, |it| it.persistence = persistence)
    }

    pub(super) fn set_tablespace(&mut self, name: &Name, tablespace: &Ident) -> Applied {
        let tablespace = Some(tablespace.clone()).filter(|it| it.as_str() != "pg_default");
        if self.find_table(name).is_ok() {
            return self.edit(name, |it| it.tablespace = tablespace);
        }
        if let Ok(view) = self.find_view(name) {
            if let Some(view) = self.views.get_mut(&view) {
                Arc::make_mut(view).tablespace = tablespace;
            }
            return Ok(());
        }
        match self.find_index(name) {
            Some(IndexAt::Own(index)) => {
                if let Some(index) = self.indexes.get_mut(&index) {
                    Arc::make_mut(index).tablespace = tablespace;
                }
                Ok(())
            }
            Some(IndexAt::Constraint(table, constraint)) => {
                self.edit_key(&table, &constraint, |it| it.tablespace = tablespace);
                Ok(())
            }
            None => Err(missing("relation", name)),
        }
    }

    pub(super) fn set_replica_identity(&mut self, table: &Name, identity: &ReplicaIdentity) -> Applied {
        if let ReplicaIdentity::Index(index) = identity {
            self.check_index_of(table, index)?;
        }
        self.edit(table, |it| it.replica_identity = identity.clone())
    }

    pub(super) fn cluster_on(&mut self, table: &Name, index: Option<&Ident>) -> Applied {
        if let Some(index) = index {
            self.check_index_of(table, index)?;
        }
        self.edit(table, |it| it.cluster_on = index.cloned())
    }

    fn check_index_of(&self, table: &Name, index: &Ident) -> Applied {
        let table = self.find_table(table)?;
        let of = match self.find_index(&table.sibling(index.clone())) {
            Some(IndexAt::Own(it)) => self.indexes.get(&it).map(|it| it.table.clone()),
            Some(IndexAt::Constraint(it, _)) => Some(it),
            None => return Err(missing("index", format!("{index} of {table}"))),
        };
        if of.as_ref() == Some(&table) { Ok(()) } else { Err(refused(format!("{index} is not an index of {table}"))) }
    }

    pub(super) fn inherit(&mut self, table: &Name, parent: &Name) -> Applied {
        let (child, parent) = (self.find_table(table)?, self.find_table(parent)?);
        let above = self.tables.get(&parent).cloned().ok_or_else(|| missing("table", &parent))?;
        let below = self.tables.get(&child).ok_or_else(|| missing("table", &child))?;
        if let Some(lacking) = above.columns.iter().find(|it| below.column(&it.name).is_none()) {
            return Err(refused(format!("child table {child} is missing column {}", lacking.name)));
        }
        if below.inherits.contains(&parent) {
            return Err(refused(format!("{child} inherits from {parent} already")));
        }
        self.inheriting += u32::from(below.inherits.is_empty());
        self.edit(&child, |it| it.inherits.push(parent))
    }

    pub(super) fn no_inherit(&mut self, table: &Name, parent: &Name) -> Applied {
        let (child, parent) = (self.find_table(table)?, self.find_table(parent)?);
        let below = self.tables.get(&child).ok_or_else(|| missing("table", &child))?;
        if !below.inherits.contains(&parent) {
            return Err(refused(format!("{parent} is not a parent of {child}")));
        }
        self.inheriting -= u32::from(below.inherits.len() == 1);
        self.edit(&child, |it| it.inherits.retain(|it| *it != parent))
    }

    /// Tables that take over what is done to this one: partitions and heirs, direct ones.
    pub fn children(&self, table: &Name) -> Vec<Name> {
        let partitioned = self.tables.get(table).is_some_and(|it| it.partition_by.is_some());
        if !partitioned && self.inheriting == 0 {
            return Vec::new();
        }
        let is_child = |it: &&Arc<Table>| {
            it.inherits.contains(table) || it.partition_of.as_ref().is_some_and(|it| it.parent == *table)
        };
        self.tables.values().filter(is_child).map(|it| it.name.clone()).collect()
    }

    pub(super) fn insert_table(&mut self, table: Table) {
        for it in &table.constraints {
            self.hide_constraint(&table.name, it);
        }
        for column in &table.columns {
            if let Some(identity) = &column.identity {
                self.hide_identity(&table.name, &column.name, identity);
            }
        }
        self.inheriting += u32::from(!table.inherits.is_empty());
        self.tables.insert(table.name.clone(), Arc::new(table));
    }

    pub(super) fn remove_table(&mut self, name: &Name) -> Option<Arc<Table>> {
        let table = self.tables.remove(name)?;
        self.inheriting -= u32::from(!table.inherits.is_empty());
        self.unhide_all(|it| it.table == *name);
        Some(table)
    }

    fn hide(&mut self, name: Name, hidden: Hidden) {
        let all = self.hidden.get_or_insert_with(name, Vec::new);
        if !all.contains(&hidden) {
            all.push(hidden);
        }
    }

    fn unhide(&mut self, name: &Name, table: &Name) {
        if let Some(all) = self.hidden.get_mut(name) {
            all.retain(|it| it.table != *table);
            if all.is_empty() {
                self.hidden.remove(name);
            }
        }
    }

    fn hide_constraint(&mut self, table: &Name, constraint: &Constraint) {
        let kind = if constraint.is_key() { HiddenKind::IndexConstraint } else { HiddenKind::Constraint };
        if let Some(name) = &constraint.name {
            self.hide(table.sibling(name.clone()), Hidden { table: table.clone(), kind, column: None });
        }
    }

    pub(super) fn hide_identity(&mut self, table: &Name, column: &Ident, identity: &Identity) {
        let name = match &identity.options.name {
            Some(name) => Name { schema: name.schema.clone().or_else(|| table.schema.clone()), ..name.clone() },
            None => {
                let column = Some(column.as_str());
                table.sibling(self.choose_relation_name(table, column, "seq", false, &[]))
            }
        };
        let hidden = Hidden { table: table.clone(), kind: HiddenKind::Sequence, column: Some(column.clone()) };
        self.hide(name, hidden);
    }

    pub(super) fn unhide_identity(&mut self, table: &Name, column: &Ident) {
        self.unhide_all(|it| it.table == *table && it.column.as_ref() == Some(column));
    }

    fn unhide_all(&mut self, gone: impl Fn(&Hidden) -> bool) {
        let held = self.hidden.iter().filter(|(_, all)| all.iter().any(&gone));
        for name in held.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            if let Some(all) = self.hidden.get_mut(&name) {
                all.retain(|it| !gone(it));
                if all.is_empty() {
                    self.hidden.remove(&name);
                }
            }
        }
    }

    pub(super) fn push_constraint(&mut self, table: &Name, constraint: Constraint) {
        self.hide_constraint(table, &constraint);
        if let Some(table) = self.tables.get_mut(table) {
            Arc::make_mut(table).constraints.push(constraint);
        }
    }

    pub(super) fn take_constraint(&mut self, table: &Name, name: &Ident) -> Option<Constraint> {
        let owner = self.tables.get_mut(table)?;
        let at = owner.constraints.iter().position(|it| it.name.as_ref() == Some(name))?;
        let taken = Arc::make_mut(owner).constraints.remove(at);
        self.unhide(&table.sibling(name.clone()), table);
        Some(taken)
    }

    /// Changes a PRIMARY KEY or UNIQUE constraint in place.
    pub(super) fn edit_key(&mut self, table: &Name, name: &Ident, change: impl FnOnce(&mut KeyConstraint)) {
        let Some(table) = self.tables.get_mut(table).map(Arc::make_mut) else { return };
        let constraint = table.constraints.iter_mut().find(|it| it.name.as_ref() == Some(name));
        if let Some(ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key)) = constraint.map(|it| &mut it.kind) {
            change(key);
        }
    }
}
