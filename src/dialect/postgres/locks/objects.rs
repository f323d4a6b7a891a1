//! What is not a table: views, sequences, types, triggers, policies, statistics, comments, privileges.

use std::collections::BTreeSet;

use super::{Acc, types};
use crate::{
    plan::LockMode::{self, *},
    sql::{CompositeAction, DataType, Ddl, DomainAction, Name, ObjectRef, Opaque, Persistence, View},
};

impl Acc<'_> {
    pub(super) fn object(&mut self, ddl: &Ddl) {
        match ddl {
            Ddl::CreateView { .. }
            | Ddl::AlterView { .. }
            | Ddl::RenameView { .. }
            | Ddl::DropView { .. }
            | Ddl::RefreshView { .. } => self.view(ddl),
            Ddl::CreateSequence { .. }
            | Ddl::AlterSequence { .. }
            | Ddl::RenameSequence { .. }
            | Ddl::DropSequence { .. } => self.sequence(ddl),
            Ddl::AlterDomain { name, action } => self.alter_domain(name, action),
            Ddl::AlterComposite { name, action: CompositeAction::SetAttributeType { .. } } => {
                // A new or dropped attribute is read from stored rows as it comes; another type is not.
                if let Some((table, column)) = self.columns_of_type(name).into_iter().next() {
                    self.refuse(format!(
                        "column {column} of {table} is of type {name}: the type of its attribute cannot change"
                    ));
                }
            }
            Ddl::DropType { name, cascade: true, .. } => {
                for (table, _) in self.columns_of_type(name) {
                    self.lock(&table, AccessExclusive);
                }
            }
            Ddl::DropType { name, cascade: false, .. } => {
                if let Some((table, column)) = self.columns_of_type(name).into_iter().next() {
                    self.refuse(format!("column {column} of {table} is of type {name}"));
                }
            }
            Ddl::CreateTrigger { .. }
            | Ddl::EnableTrigger { .. }
            | Ddl::RenameTrigger { .. }
            | Ddl::DropTrigger { .. } => self.trigger(ddl),
            Ddl::CreatePolicy { policy } => self.lock(&policy.table, AccessExclusive),
            Ddl::AlterPolicy { table, .. } | Ddl::RenamePolicy { table, .. } | Ddl::DropPolicy { table, .. } => {
                self.lock(table, AccessExclusive);
            }
            Ddl::CreateStatistics { statistics, .. } => self.lock(&statistics.table, ShareUpdateExclusive),
            Ddl::DropStatistics { name, .. } => {
                if let Some(found) = self.before.statistics.get(&self.resolve(name)) {
                    self.lock(&found.table, ShareUpdateExclusive);
                }
            }
            Ddl::Comment { object, .. } => self.comment(object),
            Ddl::Grant { objects, .. } | Ddl::Revoke { objects, .. } if self.facts.server_version >= 18 => {
                for it in objects {
                    self.lock_relation_of(it, AccessShare);
                }
            }
            Ddl::SetOwner { object, .. } | Ddl::SetSchema { object, .. } => {
                self.lock_relation_of(object, AccessExclusive)
            }
            Ddl::DropSchema { name, cascade: true, .. } => {
                let inside = |it: &&Name| it.schema.as_ref() == Some(name);
                let tables = self.before.tables.keys().filter(inside).cloned();
                let views = self.before.views.keys().filter(inside).cloned();
                for it in tables.chain(views).collect::<Vec<_>>() {
                    self.lock_referenced_by(&it, AccessExclusive);
                    self.lock(&it, AccessExclusive);
                }
            }
            Ddl::Opaque(it) => self.opaque(it),
            Ddl::DropOpaque { object: ObjectRef::Rule(table, _), .. } => self.lock(table, AccessExclusive),
            // The rest works on catalogs only: no relation that anybody reads or writes is locked.
            _ => {}
        }
    }

    /// The lock on the relation that an object is, or is part of.
    fn lock_relation_of(&mut self, object: &ObjectRef, mode: LockMode) {
        if let Some(relation) = object.relation() {
            self.lock(relation, mode);
        }
    }

    /// What hangs on a relation is found through it with a weak lock (`get_object_address_relobject`).
    fn comment(&mut self, object: &ObjectRef) {
        let part = matches!(
            object,
            ObjectRef::Constraint(..) | ObjectRef::Trigger(..) | ObjectRef::Policy(..) | ObjectRef::Rule(..)
        );
        self.lock_relation_of(object, if part { AccessShare } else { ShareUpdateExclusive });
    }

    fn view(&mut self, ddl: &Ddl) {
        match ddl {
            Ddl::CreateView { view, or_replace, .. } => {
                let name = self.resolve(&view.name);
                if *or_replace && self.before.views.contains_key(&name) {
                    self.lock(&name, AccessExclusive);
                }
                self.lock_read(view);
            }
            Ddl::AlterView { name, .. } | Ddl::RenameView { from: name, .. } => self.lock(name, AccessExclusive),
            Ddl::DropView { name, if_exists, cascade, .. } => {
                let name = self.resolve(name);
                if !if_exists || self.before.views.contains_key(&name) {
                    self.drop_view(&name, *cascade);
                }
            }
            Ddl::RefreshView { name, concurrently, .. } => {
                let name = self.resolve(name);
                let view = self.before.views.get(&name);
                if let Some(view) = view {
                    self.lock_read(view);
                }
                if *concurrently {
                    self.lock(&name, Exclusive);
                    let usable = self.before.indexes_of(&name).any(|it| {
                        it.unique
                            && it.predicate.is_none()
                            && it.keys.iter().all(|it| matches!(it.expr, crate::sql::KeyExpr::Column(_)))
                    });
                    if view.is_some() && !usable {
                        self.refuse(format!("{name} has no unique index on plain columns without WHERE: it cannot be refreshed concurrently"));
                    }
                } else {
                    self.lock(&name, AccessExclusive);
                    self.builds.extend(self.before.indexes_of(&name).filter_map(|it| it.name.clone()));
                    self.rewrites.insert(name);
                }
            }
            _ => {}
        }
    }

    fn lock_read(&mut self, view: &View) {
        for it in &view.reads {
            let name = self.resolve(it);
            // A name of a WITH clause may be among them.
            if self.before.tables.contains_key(&name) || self.before.views.contains_key(&name) {
                self.lock(&name, AccessShare);
            }
        }
    }

    pub(super) fn drop_view(&mut self, name: &Name, cascade: bool) {
        let mut dropped = BTreeSet::from([name.clone()]);
        loop {
            let dependent = |it: &&std::sync::Arc<View>| {
                !dropped.contains(&it.name) && it.reads.iter().any(|it| dropped.contains(it))
            };
            let Some(next) = self.before.views.values().find(dependent) else { break };
            if !cascade {
                self.refuse(format!("view {} depends on {name}", next.name));
                break;
            }
            dropped.insert(next.name.clone());
        }
        for it in dropped {
            self.lock(&it, AccessExclusive);
        }
    }

    fn sequence(&mut self, ddl: &Ddl) {
        match ddl {
            Ddl::CreateSequence { sequence, .. } if sequence.persistence != Persistence::Temporary => {
                if let Some((table, _)) = &sequence.owned_by {
                    self.lock(table, AccessShare);
                }
            }
            Ddl::AlterSequence { name, owned_by, if_exists, .. } => {
                if *if_exists && !self.exists(&self.resolve(name)) {
                    return;
                }
                self.lock(name, ShareRowExclusive);
                if let Some(Some((table, _))) = owned_by {
                    self.lock(table, AccessShare);
                }
            }
            Ddl::RenameSequence { from, .. } => self.lock(from, AccessExclusive),
            Ddl::DropSequence { name, if_exists: true, .. } if !self.exists(&self.resolve(name)) => {}
            Ddl::DropSequence { name, .. } => self.lock(name, AccessExclusive),
            _ => {}
        }
    }

    /// Values of the domain stand in tables: to check them, the tables are read under SHARE.
    fn alter_domain(&mut self, name: &Name, action: &DomainAction) {
        let checks = match action {
            DomainAction::AddConstraint(it) => !it.not_valid && !it.not_enforced,
            DomainAction::ValidateConstraint(_) | DomainAction::SetNotNull => true,
            DomainAction::SetDefault(_)
            | DomainAction::DropNotNull
            | DomainAction::DropConstraint { .. }
            | DomainAction::RenameConstraint { .. } => false,
        };
        if !checks {
            return;
        }
        for (table, _) in self.columns_of_type(name) {
            if !self.is_partitioned(&table) {
                self.lock(&table, Share);
                self.scan(&table);
            }
        }
    }

    /// Tables and columns of a type, or of a domain or an array over it.
    fn columns_of_type(&self, ty: &Name) -> Vec<(Name, crate::sql::Ident)> {
        let wanted = |it: &DataType| {
            let named = |it: &DataType| {
                types::user_type(it, self.before).is_some_and(|it| it.name == *ty || it.name == self.resolve_type(ty))
            };
            let element = DataType { array: false, ..it.clone() };
            // A composite holds its attributes' types; one over itself cannot be made.
            const DEEPEST: usize = 16;
            let inside = |it: &DataType| named(it) || types::domain_chain(it, self.before).any(|it| named(&it.base));
            let mut level = vec![element];
            for _ in 0..DEEPEST {
                if level.iter().any(inside) {
                    return true;
                }
                level = level.iter().flat_map(|it| types::attributes(it, self.before)).collect();
            }
            false
        };
        let tables = self.before.tables.values();
        tables
            .flat_map(|table| {
                table.columns.iter().filter(|it| wanted(&it.ty)).map(|it| (table.name.clone(), it.name.clone()))
            })
            .collect()
    }

    fn resolve_type(&self, ty: &Name) -> Name {
        if ty.schema.is_some() {
            return ty.clone();
        }
        let mut names =
            self.before.search_path.iter().map(|it| Name { schema: Some(it.clone()), name: ty.name.clone() });
        names.find(|it| self.before.types.contains_key(it)).unwrap_or_else(|| ty.clone())
    }

    fn trigger(&mut self, ddl: &Ddl) {
        match ddl {
            Ddl::CreateTrigger { trigger, or_replace } => {
                if *or_replace {
                    self.refuse_before(14, "CREATE OR REPLACE TRIGGER");
                }
                // A row trigger of a partitioned table is made on its partitions too.
                if trigger.for_each_row {
                    self.lock_partitions(&trigger.table, ShareRowExclusive);
                } else {
                    self.lock(&trigger.table, ShareRowExclusive);
                }
                if let Some(from) = &trigger.from_table {
                    self.lock(from, AccessShare);
                }
            }
            Ddl::EnableTrigger { table, .. } if self.is_partitioned(table) => {
                self.lock_partitions(table, ShareRowExclusive)
            }
            Ddl::EnableTrigger { table, .. } => self.lock(table, ShareRowExclusive),
            // Those of partitions are renamed along since 15.
            Ddl::RenameTrigger { table, .. } if self.facts.server_version < 15 => self.lock(table, AccessExclusive),
            Ddl::RenameTrigger { table, .. } => self.lock_partitions_too(table),
            Ddl::DropTrigger { table, name, if_exists, .. } => {
                let table = self.resolve(table);
                let there = self.before.triggers.contains_key(&(table.clone(), name.clone()));
                let unknown = !self.exists(&table) && !self.before.is_complete();
                if !if_exists || there || unknown {
                    self.lock_partitions_too(&table);
                }
            }
            _ => {}
        }
    }

    fn lock_partitions_too(&mut self, table: &Name) {
        if self.is_partitioned(table) {
            self.lock_partitions(table, AccessExclusive);
        } else {
            self.lock(table, AccessExclusive);
        }
    }

    fn opaque(&mut self, opaque: &Opaque) {
        let mode = match opaque.kind.as_str() {
            "CREATE RULE" | "ALTER RULE" => AccessExclusive,
            "CREATE PUBLICATION" | "ALTER PUBLICATION" => ShareUpdateExclusive,
            _ => return,
        };
        for it in &opaque.touches {
            let name = self.resolve(it);
            if self.exists(&name) {
                self.lock(&name, mode);
            }
        }
    }
}
