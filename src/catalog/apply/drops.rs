//! Drops: what goes along, what stands in the way.

use std::sync::Arc;

use super::Applied;
use crate::{
    catalog::{
        Catalog,
        resolve::{missing, refused},
    },
    sql::*,
};

impl Catalog {
    pub(super) fn drop_table(&mut self, name: &Name, if_exists: bool, cascade: bool) -> Applied {
        let found = match self.find_table(name) {
            Ok(found) => found,
            Err(_) if if_exists || self.is_unknown(name) => {
                self.unknown.retain(|it, _| it != name && (name.schema.is_some() || it.name != name.name));
                self.retain_opaque(|it| !matches!(&it.object, Some(ObjectRef::Table(it)) if it.name == name.name));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let what = format!("table {found}");
        for child in self.children(&found) {
            let partition = self.tables.get(&child).is_some_and(|it| it.partition_of.is_some());
            if !partition && !cascade {
                return Err(refused(format!("cannot drop {what}: table {child} inherits from it")));
            }
            if self.tables.contains_key(&child) {
                self.drop_table(&child, true, cascade)?;
            }
        }
        let pointing: Vec<(Name, Ident)> = self
            .referencing(&found)
            .filter(|(from, _)| from.name != found)
            .filter_map(|(from, it)| Some((from.name.clone(), it.name.clone()?)))
            .collect();
        for (table, constraint) in pointing {
            if !cascade {
                return Err(refused(format!(
                    "cannot drop {what}: constraint {constraint} on table {table} depends on it"
                )));
            }
            self.remove_constraint(&table, &constraint);
        }
        self.release_readers(&found, None, cascade, &what)?;
        self.release_policies(&found, cascade, &what)?;
        self.release_type(&found, cascade, &what)?;
        let indexes: Vec<Name> = self.indexes_of(&found).filter_map(|it| it.name.clone()).collect();
        for index in indexes {
            self.remove_index(&index);
        }
        self.drop_owned_sequences(&found, None, cascade)?;
        self.remove_table(&found);
        self.remove_attached(&found);
        self.forget(|it| it.relation() == Some(&found));
        Ok(())
    }

    /// Policies of other tables that look into this one.
    fn release_policies(&mut self, table: &Name, cascade: bool, what: &str) -> Applied {
        let names = |expr: &Expr| {
            let reads = |it: &tokens::Path| {
                let name = it.name();
                name.name == table.name && name.schema.is_none_or(|it| Some(&it) == table.schema.as_ref()) && !it.called
            };
            let from = expr.text().to_ascii_lowercase().contains("from");
            from && tokens::paths(expr.text()).iter().any(reads)
        };
        let looks = |it: &&Arc<Policy>| it.table != *table && it.using.iter().chain(&it.check).any(names);
        let found: Vec<(Name, Ident)> =
            self.policies.values().filter(looks).map(|it| (it.table.clone(), it.name.clone())).collect();
        for (of, policy) in found {
            if !cascade {
                return Err(refused(format!("cannot drop {what}: policy {policy} on table {of} depends on it")));
            }
            self.drop_object(&ObjectRef::Policy(of, policy))?;
        }
        Ok(())
    }

    fn drop_owned_sequences(&mut self, table: &Name, column: Option<&Ident>, cascade: bool) -> Applied {
        let owned = |it: &&Arc<Sequence>| {
            it.owned_by.as_ref().is_some_and(|(of, at)| of == table && column.is_none_or(|column| column == at))
        };
        let sequences: Vec<Name> = self.sequences.values().filter(owned).map(|it| it.name.clone()).collect();
        for sequence in sequences {
            for (of, at) in self.sequence_users(&sequence) {
                let itself = of == *table && column.is_none_or(|column| *column == at);
                if itself {
                    continue;
                }
                if !cascade {
                    return Err(refused(format!(
                        "cannot drop sequence {sequence}: the default of {of}.{at} depends on it"
                    )));
                }
                self.edit_column(&of, &at, |it| it.default = None)?;
            }
            self.remove_sequence(&sequence);
        }
        Ok(())
    }

    pub(super) fn drop_column(&mut self, table: &Name, column: &Ident, if_exists: bool, cascade: bool) -> Applied {
        let table = self.find_table(table)?;
        let Some(owner) = self.tables.get(&table).filter(|it| it.column(column).is_some()).cloned() else {
            let fine = if_exists || self.unknown.contains_key(&table);
            return if fine { Ok(()) } else { Err(missing("column", format!("{table}.{column}"))) };
        };
        let what = format!("column {column} of table {table}");
        self.check_droppable(&owner, column, &what)?;
        self.drop_generated_from(&owner, column, cascade, &what)?;
        self.release_readers(&table, Some(column), cascade, &what)?;
        self.release_triggers_and_policies(&table, column, cascade, &what)?;
        let constraints: Vec<Ident> =
            owner.constraints.iter().filter(|it| uses_column(it, column)).filter_map(|it| it.name.clone()).collect();
        for constraint in constraints {
            self.drop_constraint_here(&table, &constraint, cascade, &what)?;
        }
        let indexes: Vec<(Name, bool, Vec<Ident>)> = self
            .indexes_of(&table)
            .filter(|it| index_uses(it, column))
            .filter_map(|it| {
                Some((
                    it.name.clone()?,
                    it.unique && it.predicate.is_none(),
                    super::constraints::plain_columns(it).unwrap_or_default(),
                ))
            })
            .collect();
        for (index, unique, columns) in indexes {
            if unique && !columns.is_empty() {
                self.release_key(&table, &columns, &what, cascade, Some(&index))?;
            }
            self.remove_index(&index);
        }
        self.remove_statistics(|it| it.table == table && it.keys.iter().any(|it| key_uses(it, column)));
        self.unhide_identity(&table, column);
        self.edit(&table, |it| it.columns.retain(|it| it.name != *column))?;
        let object = ObjectRef::Column(table.clone(), column.clone());
        self.forget(|it| *it == object);
        for child in self.children(&table) {
            if self.tables.get(&child).is_some_and(|it| it.column(column).is_some()) {
                // Inside, the column of a partition is no longer its parent's.
                self.drop_column(&child, column, true, cascade)?;
            }
        }
        // Last: the defaults of children use the sequence of their parent.
        self.drop_owned_sequences(&table, Some(column), cascade)
    }

    fn check_droppable(&self, owner: &Table, column: &Ident, what: &str) -> Applied {
        let keys = owner.partition_by.iter().flat_map(|it| &it.keys);
        if keys.into_iter().any(|it| key_uses(&it.expr, column)) {
            return Err(refused(format!("cannot drop {what}: it is part of the partition key")));
        }
        let parents = owner.inherits.iter().chain(owner.partition_of.iter().map(|it| &it.parent));
        let inherited = parents.into_iter().any(|it| self.tables.get(it).is_some_and(|it| it.column(column).is_some()));
        if inherited {
            return Err(refused(format!("cannot drop inherited {what}")));
        }
        Ok(())
    }

    /// Generated columns that are computed from the one that goes.
    fn drop_generated_from(&mut self, owner: &Table, column: &Ident, cascade: bool, what: &str) -> Applied {
        let uses = |it: &&Column| {
            it.name != *column
                && it.generated.as_ref().is_some_and(|it| tokens::mentions_column(it.expr.text(), column))
        };
        let found: Vec<Ident> = owner.columns.iter().filter(uses).map(|it| it.name.clone()).collect();
        for generated in found {
            if !cascade {
                return Err(refused(format!("cannot drop {what}: generated column {generated} depends on it")));
            }
            self.drop_column(&owner.name, &generated, true, true)?;
        }
        Ok(())
    }

    fn release_triggers_and_policies(&mut self, table: &Name, column: &Ident, cascade: bool, what: &str) -> Applied {
        let mut users = Vec::new();
        for it in self.triggers.values().filter(|it| it.table == *table) {
            if trigger_uses(it, column) {
                users.push(ObjectRef::Trigger(table.clone(), it.name.clone()));
            }
        }
        for it in self.policies.values().filter(|it| it.table == *table) {
            if it.using.iter().chain(&it.check).any(|it| mentions_own(it.text(), table, column)) {
                users.push(ObjectRef::Policy(table.clone(), it.name.clone()));
            }
        }
        for user in users {
            if !cascade {
                return Err(refused(format!(
                    "cannot drop {what}: {} depends on it",
                    super::functions::described(&user)
                )));
            }
            self.drop_object(&user)?;
        }
        Ok(())
    }

    pub(super) fn drop_constraint(&mut self, table: &Name, name: &Ident, if_exists: bool, cascade: bool) -> Applied {
        let table = self.find_table(table)?;
        let owner = self.tables.get(&table).ok_or_else(|| missing("table", &table))?.clone();
        let Some(found) = owner.constraint(name).cloned() else {
            if if_exists || self.unknown.contains_key(&table) {
                return Ok(());
            }
            // A NOT NULL is dropped by its name from PostgreSQL 18 on.
            return match super::constraints::named_not_null(&owner, name).map(|it| it.name.clone()) {
                Some(column) => self.drop_not_null(&table, &column),
                None => Err(missing("constraint", format!("{name} of table {table}"))),
            };
        };
        let parent = owner.partition_of.as_ref().and_then(|it| self.tables.get(&it.parent));
        let from_parent = parent.is_some_and(|it| {
            it.constraints.iter().any(|above| {
                if found.is_key() {
                    super::constraints::same_key(above, &found)
                } else {
                    above.name == found.name && above.kind == found.kind
                }
            })
        });
        if from_parent {
            return Err(refused(format!("cannot drop inherited constraint {name} of table {table}")));
        }
        self.drop_constraint_here(&table, name, cascade, &format!("constraint {name} on table {table}"))?;
        for child in self.children(&table) {
            let below = self.tables.get(&child).cloned();
            let copy = below.as_ref().and_then(|it| {
                it.constraints.iter().find(|own| {
                    if found.is_key() { super::constraints::same_key(own, &found) } else { own.name == found.name }
                })
            });
            if let Some(copy) = copy.filter(|_| !found.no_inherit).and_then(|it| it.name.clone()) {
                self.drop_constraint(&child, &copy, true, cascade)?;
            }
        }
        Ok(())
    }

    fn drop_constraint_here(&mut self, table: &Name, name: &Ident, cascade: bool, what: &str) -> Applied {
        let found = self.tables.get(table).and_then(|it| it.constraint(name)).cloned();
        if let Some(ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key)) = found.map(|it| it.kind) {
            let itself = table.sibling(name.clone());
            self.release_key(table, &key.columns, what, cascade, Some(&itself))?;
        }
        self.remove_constraint(table, name);
        Ok(())
    }

    /// Takes a constraint away with all that is kept about it.
    pub(super) fn remove_constraint(&mut self, table: &Name, name: &Ident) {
        self.take_constraint(table, name);
        let (constraint, index) =
            (ObjectRef::Constraint(table.clone(), name.clone()), ObjectRef::Index(table.sibling(name.clone())));
        self.forget(|it| *it == constraint || *it == index);
        if let Some(owner) = self.tables.get_mut(table) {
            if owner.cluster_on.as_ref() == Some(name) {
                Arc::make_mut(owner).cluster_on = None;
            }
            if owner.replica_identity == ReplicaIdentity::Index(name.clone()) {
                Arc::make_mut(owner).replica_identity = ReplicaIdentity::Nothing;
            }
        }
    }

    /// Foreign keys that rest on a key that goes, unless another key over the same columns stays.
    pub(super) fn release_key(
        &mut self,
        table: &Name,
        columns: &[Ident],
        what: &str,
        cascade: bool,
        key: Option<&Name>,
    ) -> Applied {
        let same = |other: &[Ident]| other.len() == columns.len() && other.iter().all(|it| columns.contains(it));
        let owner = self.tables.get(table);
        let other = owner.is_some_and(|it| {
            it.constraints.iter().any(|it| match &it.kind {
                ConstraintKind::PrimaryKey(own) | ConstraintKind::Unique(own) => {
                    it.name.as_ref() != key.map(|it| &it.name) && same(&own.columns)
                }
                _ => false,
            })
        }) || self.indexes_of(table).any(|it| {
            it.name.as_ref() != key
                && it.unique
                && it.predicate.is_none()
                && super::constraints::plain_columns(it).is_some_and(|it| same(&it))
        });
        if other {
            return Ok(());
        }
        let rests =
            |it: &Constraint| matches!(&it.kind, ConstraintKind::ForeignKey(fk) if same(&fk.referenced_columns));
        let pointing: Vec<(Name, Ident)> = self
            .referencing(table)
            .filter(|(_, it)| rests(it))
            .filter_map(|(from, it)| Some((from.name.clone(), it.name.clone()?)))
            .collect();
        for (from, constraint) in pointing {
            if !cascade {
                return Err(refused(format!(
                    "cannot drop {what}: constraint {constraint} on table {from} depends on it"
                )));
            }
            self.remove_constraint(&from, &constraint);
        }
        Ok(())
    }

    pub(super) fn drop_type(&mut self, name: &Name, if_exists: bool, cascade: bool) -> Applied {
        let found = match self.find_type(name) {
            Ok(found) => found,
            Err(_) if if_exists || self.is_unknown(name) => {
                self.retain_opaque(|it| !matches!(&it.object, Some(ObjectRef::Type(it)) if it.name == name.name));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        self.release_type(&found, cascade, &format!("type {found}"))?;
        self.types.remove(&found);
        self.forget(|it| matches!(it, ObjectRef::Type(it) | ObjectRef::DomainConstraint(it, _) if *it == found));
        Ok(())
    }

    /// Columns, domains, composite types and functions of a type that goes.
    fn release_type(&mut self, ty: &Name, cascade: bool, what: &str) -> Applied {
        for user in self.type_users(ty) {
            // A table does not stand in its own way.
            if user.relation() == Some(ty) {
                continue;
            }
            if !cascade {
                return Err(refused(format!(
                    "cannot drop {what}: {} depends on it",
                    super::functions::described(&user)
                )));
            }
            self.drop_object(&user)?;
        }
        Ok(())
    }

    /// What is of a type: columns, domains over it, composites with it, functions with such arguments.
    pub(in crate::catalog) fn type_users(&self, ty: &Name) -> Vec<ObjectRef> {
        let is = |it: &DataType| it.name == ty.name.as_str() && it.schema == ty.schema;
        let mut res = Vec::new();
        for table in self.tables.values() {
            let columns = table.columns.iter().filter(|it| is(&it.ty));
            res.extend(columns.map(|it| ObjectRef::Column(table.name.clone(), it.name.clone())));
        }
        for other in self.types.values() {
            let uses = match &other.kind {
                TypeKind::Domain(domain) => is(&domain.base),
                TypeKind::Composite(attributes) => attributes.iter().any(|it| is(&it.ty)),
                _ => false,
            };
            if uses {
                res.push(ObjectRef::Type(other.name.clone()));
            }
        }
        for function in self.functions.values() {
            let returns = function.returns.as_ref().is_some_and(|it| {
                tokens::paths(it.text()).iter().any(|it| {
                    let name = it.name();
                    name.name == ty.name && name.schema.is_none_or(|it| Some(&it) == ty.schema.as_ref())
                })
            });
            if returns || function.args.iter().any(|it| is(&it.ty)) {
                res.push(function.object());
            }
        }
        res
    }

    pub(super) fn drop_schema(&mut self, name: &Ident, if_exists: bool, cascade: bool) -> Applied {
        if !self.schemas.contains(name) {
            return if if_exists { Ok(()) } else { Err(missing("schema", name)) };
        }
        let inside = self.objects_in(name);
        if let (Some(first), false) = (inside.first(), cascade) {
            return Err(refused(format!("cannot drop schema {name}: {} is in it", super::functions::described(first))));
        }
        for object in inside {
            self.drop_object(&object)?;
        }
        let extensions: Vec<Ident> =
            self.extensions.values().filter(|it| it.schema.as_ref() == Some(name)).map(|it| it.name.clone()).collect();
        for extension in extensions {
            self.drop_extension(&extension, true)?;
        }
        self.schemas.remove(name);
        self.unknown.retain(|it, _| it.schema.as_ref() != Some(name));
        self.retain_opaque(|it| {
            it.object.as_ref().and_then(ObjectRef::relation).is_none_or(|it| it.schema.as_ref() != Some(name))
        });
        self.forget(|it| matches!(it, ObjectRef::Schema(it) if it == name));
        Ok(())
    }

    fn objects_in(&self, schema: &Ident) -> Vec<ObjectRef> {
        let inside = |it: &&Name| it.schema.as_ref() == Some(schema);
        let mut res: Vec<ObjectRef> = self.views.keys().filter(inside).cloned().map(ObjectRef::View).collect();
        res.extend(self.tables.keys().filter(inside).cloned().map(ObjectRef::Table));
        res.extend(self.functions.values().filter(|it| inside(&&it.name)).map(|it| it.object()));
        res.extend(self.sequences.keys().filter(inside).cloned().map(ObjectRef::Sequence));
        res.extend(self.types.keys().filter(inside).cloned().map(ObjectRef::Type));
        res.extend(self.statistics.keys().filter(inside).cloned().map(ObjectRef::Statistics));
        res
    }
}

/// Does a constraint name the column, in its lists or in its expression?
pub(in crate::catalog) fn uses_column(constraint: &Constraint, column: &Ident) -> bool {
    let in_lists = constraint.kind.columns().contains(&column);
    in_lists
        || match &constraint.kind {
            ConstraintKind::Check(expr) => tokens::mentions_column(expr.text(), column),
            ConstraintKind::Exclude(it) => {
                it.elements.iter().any(|(key, _)| key_uses(&key.expr, column))
                    || it.predicate.as_ref().is_some_and(|it| tokens::mentions_column(it.text(), column))
            }
            _ => false,
        }
}

pub(in crate::catalog) fn index_uses(index: &Index, column: &Ident) -> bool {
    index.keys.iter().any(|it| key_uses(&it.expr, column))
        || index.include.contains(column)
        || index.predicate.as_ref().is_some_and(|it| tokens::mentions_column(it.text(), column))
}

pub(in crate::catalog) fn key_uses(key: &KeyExpr, column: &Ident) -> bool {
    match key {
        KeyExpr::Column(it) => it == column,
        KeyExpr::Expr(expr) => tokens::mentions_column(expr.text(), column),
    }
}

pub(in crate::catalog) fn trigger_uses(trigger: &Trigger, column: &Ident) -> bool {
    let of = trigger.events.iter().any(|it| matches!(it, TriggerEvent::Update(columns) if columns.contains(column)));
    of || trigger.when.as_ref().is_some_and(|it| tokens::mentions_column(it.text(), column))
}

/// A mention without a qualifier, or qualified by the table itself. (A policy may look into other tables.)
pub(in crate::catalog) fn mentions_own(text: &str, table: &Name, column: &Ident) -> bool {
    let own = |it: &tokens::Path| it.qualifier().is_none_or(|it| *it == table.name);
    tokens::paths(text).iter().any(|it| it.column() == Some(column) && own(it))
}
