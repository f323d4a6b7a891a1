//! Renames and moves to another schema, followed to everything that refers to the object.

use std::sync::Arc;

use super::{Applied, exists_already};
use crate::{
    catalog::{
        Catalog,
        resolve::{IndexAt, SequenceAt, missing, refused},
    },
    sql::*,
};

impl Catalog {
    /// `ALTER TABLE … RENAME TO` takes every relation, not tables alone.
    pub(super) fn rename_table(&mut self, from: &Name, to: &Ident, if_exists: bool) -> Applied {
        let Some(found) = self.find_relation(from) else {
            if self.find_sequence(from).is_some() {
                return self.rename_sequence(from, to);
            }
            if self.find_index(from).is_some() {
                return self.rename_index(from, to);
            }
            return if if_exists { Ok(()) } else { Err(missing("relation", from)) };
        };
        let target = found.sibling(to.clone());
        if self.relation_exists(&target) || self.types.contains_key(&target) {
            return exists_already("relation", &target, false);
        }
        self.move_relation(&found, &target);
        Ok(())
    }

    /// Gives a table or view another name or schema.
    fn move_relation(&mut self, from: &Name, to: &Name) {
        // Policies and checks may qualify columns with the table's name.
        self.rename_qualifiers(from, to);
        self.rename_relation_in_views(from, to);
        if let Some(mut view) = self.views.remove(from) {
            Arc::make_mut(&mut view).name = to.clone();
            self.views.insert(to.clone(), view);
        }
        if let Some(mut table) = self.tables.remove(from) {
            Arc::make_mut(&mut table).name = to.clone();
            self.tables.insert(to.clone(), table);
        }
        self.move_references(from, to);
        self.move_attached(from, to);
        self.move_type_name(from, to);
        let relation = |it: &Name| if it == from { Some(to.clone()) } else { None };
        self.rekey(|object| {
            Some(match object {
                ObjectRef::Table(it) => ObjectRef::Table(relation(it)?),
                ObjectRef::View(it) => ObjectRef::View(relation(it)?),
                ObjectRef::Column(it, part) => ObjectRef::Column(relation(it)?, part.clone()),
                ObjectRef::Constraint(it, part) => ObjectRef::Constraint(relation(it)?, part.clone()),
                ObjectRef::Trigger(it, part) => ObjectRef::Trigger(relation(it)?, part.clone()),
                ObjectRef::Policy(it, part) => ObjectRef::Policy(relation(it)?, part.clone()),
                ObjectRef::Rule(it, part) => ObjectRef::Rule(relation(it)?, part.clone()),
                _ => return None,
            })
        });
    }

    /// Other tables' foreign keys, partitions and heirs; hidden names.
    fn move_references(&mut self, from: &Name, to: &Name) {
        let points = |it: &Constraint| matches!(&it.kind, ConstraintKind::ForeignKey(fk) if fk.references == *from);
        for table in self.tables.values_mut() {
            let affected = table.constraints.iter().any(points)
                || table.inherits.contains(from)
                || table.partition_of.as_ref().is_some_and(|it| it.parent == *from);
            if !affected {
                continue;
            }
            let table = Arc::make_mut(table);
            for it in &mut table.constraints {
                if let ConstraintKind::ForeignKey(fk) = &mut it.kind
                    && fk.references == *from
                {
                    fk.references = to.clone();
                }
            }
            for parent in table.inherits.iter_mut().chain(table.partition_of.iter_mut().map(|it| &mut it.parent)) {
                if parent == from {
                    *parent = to.clone();
                }
            }
        }
        let mut moved = Vec::new();
        let held = self.hidden.iter().filter(|(_, all)| all.iter().any(|it| it.table == *from));
        for name in held.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            for it in self.hidden.get_mut(&name).into_iter().flatten().filter(|it| it.table == *from) {
                it.table = to.clone();
                if name.schema != to.schema {
                    moved.push((name.clone(), it.clone()));
                }
            }
        }
        for (name, hidden) in moved {
            if let Some(all) = self.hidden.get_mut(&name) {
                all.retain(|it| *it != hidden);
            }
            self.hidden.get_or_insert_with(Name { schema: to.schema.clone(), ..name }, Vec::new).push(hidden);
        }
        self.hidden.retain(|_, all| !all.is_empty());
    }

    /// Indexes, sequences, triggers, policies and statistics of the relation; text that names it.
    fn move_attached(&mut self, from: &Name, to: &Name) {
        let indexes: Vec<Name> = self.indexes_of(from).filter_map(|it| it.name.clone()).collect();
        for name in indexes {
            let Some(mut index) = self.indexes.remove(&name) else { continue };
            let renamed = Name { schema: to.schema.clone(), ..name.clone() };
            let it = Arc::make_mut(&mut index);
            it.table = to.clone();
            it.name = Some(renamed.clone());
            self.indexes.insert(renamed.clone(), index);
            if renamed != name {
                self.rekey(|it| (*it == ObjectRef::Index(name.clone())).then(|| ObjectRef::Index(renamed.clone())));
            }
        }
        let owned = |it: &&Arc<Sequence>| it.owned_by.as_ref().is_some_and(|(table, _)| table == from);
        let sequences: Vec<Name> = self.sequences.values().filter(owned).map(|it| it.name.clone()).collect();
        for name in sequences {
            if let Some(it) = self.sequences.get_mut(&name).map(Arc::make_mut)
                && let Some((table, _)) = &mut it.owned_by
            {
                *table = to.clone();
            }
            if name.schema != to.schema {
                self.move_sequence(&name, &Name { schema: to.schema.clone(), ..name.clone() });
            }
        }
        let keys: Vec<(Name, Ident)> = self.triggers.keys().filter(|(table, _)| table == from).cloned().collect();
        for key in keys {
            if let Some(mut it) = self.triggers.remove(&key) {
                Arc::make_mut(&mut it).table = to.clone();
                self.triggers.insert((to.clone(), key.1), it);
            }
        }
        for it in self.triggers.values_mut().filter(|it| it.from_table.as_ref() == Some(from)) {
            Arc::make_mut(it).from_table = Some(to.clone());
        }
        let keys: Vec<(Name, Ident)> = self.policies.keys().filter(|(table, _)| table == from).cloned().collect();
        for key in keys {
            if let Some(mut it) = self.policies.remove(&key) {
                Arc::make_mut(&mut it).table = to.clone();
                self.policies.insert((to.clone(), key.1), it);
            }
        }
        for it in self.statistics.values_mut().filter(|it| it.table == *from) {
            Arc::make_mut(it).table = to.clone();
        }
        if let Some(why) = self.unknown.remove(from) {
            self.unknown.insert(to.clone(), why);
        }
        for it in Arc::make_mut(&mut self.opaque) {
            if it.touches.contains(from) {
                let it = Arc::make_mut(it);
                it.touches.remove(from);
                it.touches.insert(to.clone());
            }
        }
    }

    fn rename_qualifiers(&mut self, from: &Name, to: &Name) {
        if from.name == to.name {
            return;
        }
        let rename = |text: &str| tokens::rename_qualifier(text, &from.name, &to.name);
        self.rewrite_expressions_of(from, &rename);
        let looks = |it: &Policy| {
            it.table != *from
                && it.using.iter().chain(&it.check).any(|it| rename(it.text()) != it.text() || names(it.text(), from))
        };
        for it in self.policies.values_mut().filter(|it| looks(it)) {
            let follow = |text: &str| rename_mentions(&rename(text), from, to);
            let it = Arc::make_mut(it);
            rewrite_option(&mut it.using, &follow);
            rewrite_option(&mut it.check, &follow);
        }
    }

    pub(super) fn rename_column(&mut self, table: &Name, from: &Ident, to: &Ident) -> Applied {
        if self.find_table(table).is_err() {
            return self.rename_attribute(table, from, to);
        }
        let table = self.find_table(table)?;
        let owner = self.tables.get(&table).cloned().ok_or_else(|| missing("table", &table))?;
        if owner.column(from).is_none() {
            let unknown = self.unknown.contains_key(&table);
            return if unknown { Ok(()) } else { Err(missing("column", format!("{table}.{from}"))) };
        }
        if owner.column(to).is_some() {
            return Err(refused(format!("column {to} of {table} already exists")));
        }
        self.rename_column_here(&table, from, to);
        for child in self.children(&table) {
            self.rename_column(&child, from, to)?;
        }
        Ok(())
    }

    /// `ALTER TABLE view RENAME COLUMN`, `ALTER TYPE … RENAME ATTRIBUTE` in its ALTER TABLE form.
    fn rename_attribute(&mut self, name: &Name, from: &Ident, to: &Ident) -> Applied {
        let view = self.find_view(name).map_err(|_| missing("relation", name))?;
        if let Some(view) = self.views.get_mut(&view).map(Arc::make_mut) {
            // Without a column list the server keeps one of its own; here the names are in the query.
            if let Some(column) = view.columns.iter_mut().find(|it| *it == from) {
                *column = to.clone();
            }
        }
        Ok(())
    }

    fn rename_column_here(&mut self, table: &Name, from: &Ident, to: &Ident) {
        self.rename_column_in_views(table, from, to);
        let follow = |text: &str| rename_own(text, table, from, to);
        self.rewrite_expressions_of(table, &follow);
        if let Some(owner) = self.tables.get_mut(table).map(Arc::make_mut) {
            if let Some(column) = owner.column_mut(from) {
                column.name = to.clone();
            }
            let keys = owner.partition_by.iter_mut().flat_map(|it| &mut it.keys);
            keys.for_each(|it| rename_key(&mut it.expr, from, to));
            for it in &mut owner.constraints {
                rename_in_constraint(&mut it.kind, from, to);
            }
        }
        let points = |it: &Constraint| matches!(&it.kind, ConstraintKind::ForeignKey(fk) if fk.references == *table && fk.referenced_columns.contains(from));
        for other in self.tables.values_mut().filter(|it| it.constraints.iter().any(points)) {
            for it in Arc::make_mut(other).constraints.iter_mut().filter(|it| points(it)) {
                if let ConstraintKind::ForeignKey(fk) = &mut it.kind {
                    replace(&mut fk.referenced_columns, from, to);
                }
            }
        }
        let has = |it: &Index| {
            it.table == *table
                && (it.include.contains(from) || it.keys.iter().any(|it| it.expr.as_column() == Some(from)))
        };
        for it in self.indexes.values_mut().filter(|it| has(it)) {
            let it = Arc::make_mut(it);
            replace(&mut it.include, from, to);
            it.keys.iter_mut().for_each(|it| rename_key(&mut it.expr, from, to));
        }
        for it in self.statistics.values_mut().filter(|it| it.table == *table) {
            Arc::make_mut(it).keys.iter_mut().for_each(|it| rename_key(it, from, to));
        }
        let fires = |it: &Trigger| {
            it.table == *table
                && it.events.iter().any(|it| matches!(it, TriggerEvent::Update(columns) if columns.contains(from)))
        };
        for it in self.triggers.values_mut().filter(|it| fires(it)) {
            for event in &mut Arc::make_mut(it).events {
                if let TriggerEvent::Update(columns) = event {
                    replace(columns, from, to);
                }
            }
        }
        for it in self.sequences.values_mut() {
            if it.owned_by.as_ref().is_some_and(|(of, column)| of == table && column == from) {
                Arc::make_mut(it).owned_by = Some((table.clone(), to.clone()));
            }
        }
        for it in self.hidden.values_mut().flatten().filter(|it| it.table == *table && it.column.as_ref() == Some(from))
        {
            it.column = Some(to.clone());
        }
        let (old, new) = (ObjectRef::Column(table.clone(), from.clone()), ObjectRef::Column(table.clone(), to.clone()));
        self.rekey(|it| (*it == old).then(|| new.clone()));
    }

    pub(super) fn rename_constraint(&mut self, table: &Name, from: &Ident, to: &Ident) -> Applied {
        let table = self.find_table(table)?;
        let owner = self.tables.get(&table).cloned().ok_or_else(|| missing("table", &table))?;
        let Some(found) = owner.constraint(from) else {
            if let Some(column) = super::constraints::named_not_null(&owner, from).map(|it| it.name.clone()) {
                if let Ok(owner) = self.table_mut(&table) {
                    super::constraints::name_not_null(owner, &column, Some(to));
                }
                return Ok(());
            }
            let unknown = self.unknown.contains_key(&table);
            return if unknown { Ok(()) } else { Err(missing("constraint", format!("{from} of table {table}"))) };
        };
        if owner.constraint(to).is_some() {
            return Err(refused(format!("constraint {to} of {table} already exists")));
        }
        let index = table.sibling(to.clone());
        if found.is_key() && self.relation_exists(&index) {
            return exists_already("relation", &index, false);
        }
        let (is_key, inherits) = (found.is_key(), !found.no_inherit);
        let at = owner.constraints.iter().position(|it| it.name.as_ref() == Some(from));
        if let Some(mut it) = self.take_constraint(&table, from) {
            it.name = Some(to.clone());
            self.push_constraint(&table, it);
            // Renaming moves nothing: the constraint goes back to its place.
            if let (Some(at), Some(owner)) = (at, self.tables.get_mut(&table).map(Arc::make_mut))
                && let Some(it) = owner.constraints.pop()
            {
                owner.constraints.insert(at, it);
            }
        }
        self.follow_index_name(&table, from, to);
        let old = [ObjectRef::Constraint(table.clone(), from.clone()), ObjectRef::Index(table.sibling(from.clone()))];
        let new = [ObjectRef::Constraint(table.clone(), to.clone()), ObjectRef::Index(index)];
        self.rekey(|it| old.iter().position(|old| old == it).and_then(|at| new.get(at).cloned()));
        // Keys of partitions have names of their own; checks and foreign keys share their parent's.
        if !is_key && inherits {
            for child in self.children(&table) {
                if self.tables.get(&child).is_some_and(|it| it.constraint(from).is_some()) {
                    self.rename_constraint(&child, from, to)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn rename_index(&mut self, from: &Name, to: &Ident) -> Applied {
        match self.find_index(from) {
            None if self.find_table(from).is_ok() => self.rename_table(from, to, false),
            None => Err(missing("index", from)),
            Some(IndexAt::Constraint(table, constraint)) => self.rename_constraint(&table, &constraint, to),
            Some(IndexAt::Own(found)) => {
                let target = found.sibling(to.clone());
                if self.relation_exists(&target) {
                    return exists_already("relation", &target, false);
                }
                if let Some(mut index) = self.indexes.remove(&found) {
                    let table = index.table.clone();
                    Arc::make_mut(&mut index).name = Some(target.clone());
                    self.indexes.insert(target.clone(), index);
                    self.follow_index_name(&table, &found.name, to);
                }
                for it in self.indexes.values_mut().filter(|it| it.attached_to.as_ref() == Some(&found)) {
                    Arc::make_mut(it).attached_to = Some(target.clone());
                }
                self.rekey(|it| (*it == ObjectRef::Index(found.clone())).then(|| ObjectRef::Index(target.clone())));
                Ok(())
            }
        }
    }

    pub(super) fn rename_type(&mut self, from: &Name, to: &Ident) -> Applied {
        let found = self.find_type(from)?;
        let target = found.sibling(to.clone());
        if self.types.contains_key(&target) || self.tables.contains_key(&target) || self.views.contains_key(&target) {
            return exists_already("type", &target, false);
        }
        self.move_type(&found, &target);
        Ok(())
    }

    fn move_type(&mut self, from: &Name, to: &Name) {
        if let Some(mut ty) = self.types.remove(from) {
            Arc::make_mut(&mut ty).name = to.clone();
            self.types.insert(to.clone(), ty);
        }
        self.move_type_name(from, to);
        self.rekey(|it| match it {
            ObjectRef::Type(it) if it == from => Some(ObjectRef::Type(to.clone())),
            ObjectRef::DomainConstraint(it, name) if it == from => {
                Some(ObjectRef::DomainConstraint(to.clone(), name.clone()))
            }
            _ => None,
        });
    }

    /// Columns, domains, attributes and functions of a type that has another name now; casts to it.
    fn move_type_name(&mut self, from: &Name, to: &Name) {
        let is = |it: &DataType| it.name == from.name.as_str() && it.schema == from.schema;
        let follow = |it: &mut DataType| {
            if is(it) {
                it.name = to.name.as_str().into();
                it.schema = to.schema.clone();
            }
        };
        self.rewrite_expressions(&|text| rename_casts(text, from, to));
        for view in self.views.values_mut().filter(|it| rename_casts(it.query.text(), from, to) != it.query.text()) {
            rewrite_expr(&mut Arc::make_mut(view).query, &|text| rename_casts(text, from, to));
        }
        for table in self.tables.values_mut().filter(|it| it.columns.iter().any(|it| is(&it.ty))) {
            Arc::make_mut(table).columns.iter_mut().for_each(|it| follow(&mut it.ty));
        }
        for ty in self.types.values_mut() {
            match &ty.kind {
                TypeKind::Domain(it) if is(&it.base) => {}
                TypeKind::Composite(it) if it.iter().any(|it| is(&it.ty)) => {}
                _ => continue,
            }
            match &mut Arc::make_mut(ty).kind {
                TypeKind::Domain(it) => follow(&mut it.base),
                TypeKind::Composite(it) => it.iter_mut().for_each(|it| follow(&mut it.ty)),
                _ => {}
            }
        }
        let returns = |it: &Function| it.returns.as_ref().is_some_and(|it| names(it.text(), from));
        let uses = |it: &Function| it.args.iter().any(|it| is(&it.ty)) || returns(it);
        let keys: Vec<_> = self.functions.iter().filter(|(_, it)| uses(it)).map(|(key, _)| key.clone()).collect();
        for key in keys {
            let Some(mut function) = self.functions.remove(&key) else { continue };
            let it = Arc::make_mut(&mut function);
            it.args.iter_mut().for_each(|it| follow(&mut it.ty));
            rewrite_option(&mut it.returns, &|text| rename_mentions(text, from, to));
            let (old, new) = (ObjectRef::Function(key.0.clone(), key.1), it.object());
            self.functions.insert((key.0, it.input_types()), function);
            self.rekey(|it| (*it == old).then(|| new.clone()));
        }
    }

    pub(super) fn set_schema(&mut self, object: &ObjectRef, schema: &Ident) -> Applied {
        if object.relation().is_some_and(|it| self.find_relation(it).is_none() && self.is_unknown(it)) {
            return Ok(());
        }
        if !self.schemas.contains(schema) {
            return Err(missing("schema", schema));
        }
        let object = self.resolve_object(object)?;
        let moved = |name: &Name| Name { schema: Some(schema.clone()), ..name.clone() };
        let free = |name: &Name| {
            let target = moved(name);
            let taken = target != *name && (self.relation_exists(&target) || self.types.contains_key(&target));
            if taken { exists_already("object", &target, false) } else { Ok(()) }
        };
        match &object {
            ObjectRef::Table(it) | ObjectRef::View(it) => {
                free(it)?;
                self.move_relation(it, &moved(it));
            }
            ObjectRef::Sequence(it) => {
                free(it)?;
                if let Some(SequenceAt::Own(it)) = self.find_sequence(it) {
                    self.move_sequence(&it, &moved(&it));
                }
            }
            ObjectRef::Type(it) => {
                free(it)?;
                self.move_type(it, &moved(it));
            }
            ObjectRef::Function(name, args) => {
                if *name != moved(name) && self.functions.contains_key(&(moved(name), args.clone())) {
                    return exists_already("function", &object, false);
                }
                self.move_function(name, args, &moved(name));
            }
            ObjectRef::Extension(it) => return self.alter_extension(it, &ExtensionAction::SetSchema(schema.clone())),
            ObjectRef::Statistics(it) => {
                if let Some(mut statistics) = self.statistics.remove(it) {
                    Arc::make_mut(&mut statistics).name = moved(it);
                    self.statistics.insert(moved(it), statistics);
                }
                self.rekey(|other| (*other == object).then(|| ObjectRef::Statistics(moved(it))));
            }
            _ => {}
        }
        Ok(())
    }

    /// Rewrites every expression of one relation: its columns, constraints, indexes, triggers, policies, statistics.
    fn rewrite_expressions_of(&mut self, table: &Name, rewrite: &dyn Fn(&str) -> String) {
        if let Some(owner) = self.tables.get_mut(table) {
            rewrite_table(Arc::make_mut(owner), rewrite);
        }
        for it in self.indexes.values_mut().filter(|it| it.table == *table) {
            rewrite_index(it, rewrite);
        }
        for it in self.statistics.values_mut().filter(|it| it.table == *table) {
            Arc::make_mut(it).keys.iter_mut().for_each(|it| rewrite_key(it, rewrite));
        }
        for it in self.triggers.values_mut().filter(|it| it.table == *table && it.when.is_some()) {
            rewrite_option(&mut Arc::make_mut(it).when, rewrite);
        }
        for it in self.policies.values_mut().filter(|it| it.table == *table) {
            let it = Arc::make_mut(it);
            rewrite_option(&mut it.using, rewrite);
            rewrite_option(&mut it.check, rewrite);
        }
    }

    /// Rewrites the expressions of all relations and domains.
    pub(super) fn rewrite_expressions(&mut self, rewrite: &dyn Fn(&str) -> String) {
        let relations: Vec<Name> = self.tables.keys().chain(self.views.keys()).cloned().collect();
        for it in relations {
            self.rewrite_expressions_of(&it, rewrite);
        }
        for ty in self.types.values_mut() {
            if let TypeKind::Domain(domain) = &mut Arc::make_mut(ty).kind {
                rewrite_option(&mut domain.default, rewrite);
                for check in &mut domain.checks {
                    rewrite_constraint(check, rewrite);
                }
            }
        }
    }
}

fn rewrite_table(table: &mut Table, rewrite: &dyn Fn(&str) -> String) {
    for column in &mut table.columns {
        rewrite_option(&mut column.default, rewrite);
        if let Some(it) = &mut column.generated {
            rewrite_expr(&mut it.expr, rewrite);
        }
    }
    table.constraints.iter_mut().for_each(|it| rewrite_constraint(it, rewrite));
    let keys = table.partition_by.iter_mut().flat_map(|it| &mut it.keys);
    keys.for_each(|it| rewrite_key(&mut it.expr, rewrite));
}

fn rewrite_constraint(constraint: &mut Constraint, rewrite: &dyn Fn(&str) -> String) {
    match &mut constraint.kind {
        ConstraintKind::Check(expr) => rewrite_expr(expr, rewrite),
        ConstraintKind::Exclude(it) => {
            it.elements.iter_mut().for_each(|(key, _)| rewrite_key(&mut key.expr, rewrite));
            rewrite_option(&mut it.predicate, rewrite);
        }
        _ => {}
    }
}

fn rewrite_index(index: &mut Arc<Index>, rewrite: &dyn Fn(&str) -> String) {
    let plain = index.predicate.is_none() && index.keys.iter().all(|it| it.expr.as_column().is_some());
    if !plain {
        let index = Arc::make_mut(index);
        index.keys.iter_mut().for_each(|it| rewrite_key(&mut it.expr, rewrite));
        rewrite_option(&mut index.predicate, rewrite);
    }
}

fn rewrite_key(key: &mut KeyExpr, rewrite: &dyn Fn(&str) -> String) {
    if let KeyExpr::Expr(expr) = key {
        rewrite_expr(expr, rewrite);
    }
}

fn rewrite_option(expr: &mut Option<Expr>, rewrite: &dyn Fn(&str) -> String) {
    if let Some(expr) = expr {
        rewrite_expr(expr, rewrite);
    }
}

fn rewrite_expr(expr: &mut Expr, rewrite: &dyn Fn(&str) -> String) {
    *expr = Expr::new(rewrite(expr.text()), rewrite(expr.canon()));
}

fn rename_key(key: &mut KeyExpr, from: &Ident, to: &Ident) {
    if let KeyExpr::Column(it) = key
        && it == from
    {
        *it = to.clone();
    }
}

fn rename_in_constraint(kind: &mut ConstraintKind, from: &Ident, to: &Ident) {
    match kind {
        ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key) => {
            replace(&mut key.columns, from, to);
            replace(&mut key.include, from, to);
        }
        ConstraintKind::ForeignKey(fk) => {
            replace(&mut fk.columns, from, to);
            replace(&mut fk.on_delete_columns, from, to);
        }
        ConstraintKind::Exclude(it) => {
            it.elements.iter_mut().for_each(|(key, _)| rename_key(&mut key.expr, from, to));
            replace(&mut it.include, from, to);
        }
        ConstraintKind::NotNull(it) if it == from => *it = to.clone(),
        ConstraintKind::NotNull(_) | ConstraintKind::Check(_) => {}
    }
}

fn replace(columns: &mut [Ident], from: &Ident, to: &Ident) {
    columns.iter_mut().filter(|it| *it == from).for_each(|it| *it = to.clone());
}

/// Renames a column where it stands bare, or behind its table, NEW or OLD.
fn rename_own(text: &str, table: &Name, from: &Ident, to: &Ident) -> String {
    let own = |it: &tokens::Path| {
        it.qualifier().is_none_or(|it| *it == table.name || matches!(it.as_str(), "new" | "old" | "excluded"))
    };
    let hits = tokens::paths(text).into_iter().filter(|it| it.column() == Some(from) && own(it));
    let edits = hits.filter_map(|it| it.parts.last().map(|(_, range)| (range.clone(), quote(to).into_owned())));
    tokens::edit(text, edits.collect())
}

fn is_named(path: &tokens::Path, name: &Name) -> bool {
    let own = path.name();
    own.name == name.name && own.schema.is_none_or(|it| Some(&it) == name.schema.as_ref())
}

fn names(text: &str, name: &Name) -> bool {
    tokens::paths(text).iter().any(|it| is_named(it, name))
}

fn rename_mentions(text: &str, from: &Name, to: &Name) -> String {
    rename_paths(text, from, to, |_| true)
}

/// A text whose casts to a type, and literals of it, follow the type's new name.
pub fn rename_casts(text: &str, from: &Name, to: &Name) -> String {
    rename_paths(text, from, to, |it| it.typed)
}

fn rename_paths(text: &str, from: &Name, to: &Name, which: impl Fn(&tokens::Path) -> bool) -> String {
    let hits = tokens::paths(text).into_iter().filter(|it| is_named(it, from) && which(it));
    let edits = hits.filter_map(|it| {
        let (first, last) = (it.parts.first()?, it.parts.last()?);
        Some((first.1.start..last.1.end, quote_name(to)))
    });
    tokens::edit(text, edits.collect())
}
