//! What a change creates, drops, changes and needs; what hangs on an object.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Catalog,
    apply::{
        columns::only_nextval,
        drops::{index_uses, key_uses, mentions_own, trigger_uses, uses_column},
    },
};
use crate::sql::*;

/// The objects that come into being, named as in the change. Unnamed constraints and indexes are not among them.
pub fn creates(ddl: &Ddl) -> Vec<ObjectRef> {
    match ddl {
        Ddl::CreateSchema { name, .. } => vec![ObjectRef::Schema(name.clone())],
        Ddl::CreateExtension { extension, .. } => vec![ObjectRef::Extension(extension.name.clone())],
        Ddl::CreateTable { table, .. } | Ddl::CreateTableAs { table, .. } => {
            let of = |it: &Ident| (table.name.clone(), it.clone());
            let mut res = vec![ObjectRef::Table(table.name.clone())];
            res.extend(table.columns.iter().map(|it| of(&it.name)).map(|(table, it)| ObjectRef::Column(table, it)));
            let named = table.constraints.iter().filter_map(|it| it.name.as_ref());
            res.extend(named.map(of).map(|(table, it)| ObjectRef::Constraint(table, it)));
            res
        }
        Ddl::AddColumn { table, column, constraints, .. } => {
            let mut res = vec![ObjectRef::Column(table.clone(), column.name.clone())];
            let named = constraints.iter().filter_map(|it| it.name.clone());
            res.extend(named.map(|it| ObjectRef::Constraint(table.clone(), it)));
            res
        }
        Ddl::AddConstraint { table, constraint } => {
            constraint.name.iter().map(|it| ObjectRef::Constraint(table.clone(), it.clone())).collect()
        }
        Ddl::AddConstraintUsingIndex { table, name, index, .. } => {
            vec![ObjectRef::Constraint(table.clone(), name.clone().unwrap_or_else(|| index.clone()))]
        }
        Ddl::CreateIndex { index, .. } => {
            let in_schema =
                |it: &Name| Name { schema: it.schema.clone().or_else(|| index.table.schema.clone()), ..it.clone() };
            index.name.iter().map(|it| ObjectRef::Index(in_schema(it))).collect()
        }
        Ddl::CreateSequence { sequence, .. } => vec![ObjectRef::Sequence(sequence.name.clone())],
        Ddl::CreateType { ty } => vec![ObjectRef::Type(ty.name.clone())],
        Ddl::CreateView { view, .. } => vec![ObjectRef::View(view.name.clone())],
        Ddl::CreateFunction { function, .. } => vec![function.object()],
        Ddl::CreateTrigger { trigger, .. } => vec![ObjectRef::Trigger(trigger.table.clone(), trigger.name.clone())],
        Ddl::CreatePolicy { policy } => vec![ObjectRef::Policy(policy.table.clone(), policy.name.clone())],
        Ddl::CreateStatistics { statistics, .. } => vec![ObjectRef::Statistics(statistics.name.clone())],
        Ddl::Opaque(it) => it.object.iter().cloned().collect(),
        _ => renamed(ddl).map(|(_, to)| to).into_iter().collect(),
    }
}

/// The objects that cease to be, named as in the change.
pub fn drops(ddl: &Ddl) -> Vec<ObjectRef> {
    let one = |it: ObjectRef| vec![it];
    match ddl {
        Ddl::DropSchema { name, .. } => one(ObjectRef::Schema(name.clone())),
        Ddl::DropExtension { name, .. } => one(ObjectRef::Extension(name.clone())),
        Ddl::DropTable { name, .. } => one(ObjectRef::Table(name.clone())),
        Ddl::DropColumn { table, column, .. } => one(ObjectRef::Column(table.clone(), column.clone())),
        Ddl::DropConstraint { table, name, .. } => one(ObjectRef::Constraint(table.clone(), name.clone())),
        Ddl::DropIndex { name, .. } => one(ObjectRef::Index(name.clone())),
        Ddl::DropSequence { name, .. } => one(ObjectRef::Sequence(name.clone())),
        Ddl::DropType { name, .. } => one(ObjectRef::Type(name.clone())),
        Ddl::DropView { name, .. } => one(ObjectRef::View(name.clone())),
        Ddl::DropFunction { name, args, .. } => {
            one(ObjectRef::Function(name.clone(), args.clone().unwrap_or_default()))
        }
        Ddl::DropTrigger { table, name, .. } => one(ObjectRef::Trigger(table.clone(), name.clone())),
        Ddl::DropPolicy { table, name, .. } => one(ObjectRef::Policy(table.clone(), name.clone())),
        Ddl::DropStatistics { name, .. } => one(ObjectRef::Statistics(name.clone())),
        Ddl::DropOpaque { object, .. } => one(object.clone()),
        Ddl::AddConstraintUsingIndex { table, index, .. } => one(ObjectRef::Index(table.sibling(index.clone()))),
        _ => Vec::new(),
    }
}

/// Old and new name of what a change renames or moves.
pub fn renamed(ddl: &Ddl) -> Option<(ObjectRef, ObjectRef)> {
    let moved = |name: &Name, schema: &Ident| Name { schema: Some(schema.clone()), ..name.clone() };
    Some(match ddl {
        Ddl::RenameTable { from, to, .. } => {
            (ObjectRef::Table(from.clone()), ObjectRef::Table(from.sibling(to.clone())))
        }
        Ddl::SetTableSchema { name, schema } => (ObjectRef::Table(name.clone()), ObjectRef::Table(moved(name, schema))),
        Ddl::RenameColumn { table, from, to } => {
            (ObjectRef::Column(table.clone(), from.clone()), ObjectRef::Column(table.clone(), to.clone()))
        }
        Ddl::RenameConstraint { table, from, to } => {
            (ObjectRef::Constraint(table.clone(), from.clone()), ObjectRef::Constraint(table.clone(), to.clone()))
        }
        Ddl::RenameIndex { from, to } => (ObjectRef::Index(from.clone()), ObjectRef::Index(from.sibling(to.clone()))),
        Ddl::RenameSequence { from, to } => {
            (ObjectRef::Sequence(from.clone()), ObjectRef::Sequence(from.sibling(to.clone())))
        }
        Ddl::RenameType { from, to } => (ObjectRef::Type(from.clone()), ObjectRef::Type(from.sibling(to.clone()))),
        Ddl::RenameView { from, to, .. } => (ObjectRef::View(from.clone()), ObjectRef::View(from.sibling(to.clone()))),
        Ddl::RenameFunction { name, args, to, .. } => {
            let args = args.clone().unwrap_or_default();
            (ObjectRef::Function(name.clone(), args.clone()), ObjectRef::Function(name.sibling(to.clone()), args))
        }
        Ddl::RenameTrigger { table, from, to } => {
            (ObjectRef::Trigger(table.clone(), from.clone()), ObjectRef::Trigger(table.clone(), to.clone()))
        }
        Ddl::RenamePolicy { table, from, to } => {
            (ObjectRef::Policy(table.clone(), from.clone()), ObjectRef::Policy(table.clone(), to.clone()))
        }
        Ddl::SetSchema { object, schema } => {
            let to = match object {
                ObjectRef::View(it) => ObjectRef::View(moved(it, schema)),
                ObjectRef::Sequence(it) => ObjectRef::Sequence(moved(it, schema)),
                ObjectRef::Type(it) => ObjectRef::Type(moved(it, schema)),
                ObjectRef::Function(it, args) => ObjectRef::Function(moved(it, schema), args.clone()),
                ObjectRef::Statistics(it) => ObjectRef::Statistics(moved(it, schema)),
                other => other.clone(),
            };
            (object.clone(), to)
        }
        _ => return None,
    })
}

/// Objects that stay but are changed, named as in the change.
pub fn changes(ddl: &Ddl) -> Vec<ObjectRef> {
    let column = |table: &Name, column: &Ident| vec![ObjectRef::Column(table.clone(), column.clone())];
    match ddl {
        Ddl::SetType { table, column: it, .. }
        | Ddl::SetDefault { table, column: it, .. }
        | Ddl::SetNotNull { table, column: it }
        | Ddl::DropNotNull { table, column: it }
        | Ddl::AddIdentity { table, column: it, .. }
        | Ddl::SetIdentity { table, column: it, .. }
        | Ddl::DropIdentity { table, column: it, .. }
        | Ddl::SetExpression { table, column: it, .. }
        | Ddl::DropExpression { table, column: it, .. }
        | Ddl::SetColumnStatistics { table, column: it, .. }
        | Ddl::SetColumnStorage { table, column: it, .. }
        | Ddl::SetColumnCompression { table, column: it, .. }
        | Ddl::SetColumnOptions { table, column: it, .. } => column(table, it),
        Ddl::ValidateConstraint { table, name } | Ddl::AlterConstraint { table, name, .. } => {
            vec![ObjectRef::Constraint(table.clone(), name.clone())]
        }
        Ddl::SetIndexOptions { index, .. } | Ddl::SetIndexStatistics { index, .. } | Ddl::AttachIndex { index, .. } => {
            vec![ObjectRef::Index(index.clone())]
        }
        Ddl::AlterSequence { name, .. } => vec![ObjectRef::Sequence(name.clone())],
        Ddl::AddEnumValue { ty, .. } | Ddl::RenameEnumValue { ty, .. } => vec![ObjectRef::Type(ty.clone())],
        Ddl::AlterDomain { name, .. } | Ddl::AlterComposite { name, .. } => vec![ObjectRef::Type(name.clone())],
        Ddl::AlterView { name, .. } | Ddl::RefreshView { name, .. } => vec![ObjectRef::View(name.clone())],
        Ddl::EnableTrigger { table, trigger: Some(it), .. } => vec![ObjectRef::Trigger(table.clone(), it.clone())],
        Ddl::AlterPolicy { table, name, .. } => vec![ObjectRef::Policy(table.clone(), name.clone())],
        Ddl::AttachPartition { partition, .. } | Ddl::DetachPartition { partition, .. } => {
            vec![ObjectRef::Table(partition.clone())]
        }
        Ddl::SetTableOptions { table, .. }
        | Ddl::SetPersistence { table, .. }
        | Ddl::SetTablespace { table, .. }
        | Ddl::SetAccessMethod { table, .. }
        | Ddl::SetRowSecurity { table, .. }
        | Ddl::SetReplicaIdentity { table, .. }
        | Ddl::ClusterOn { table, .. }
        | Ddl::Inherit { table, .. }
        | Ddl::NoInherit { table, .. } => vec![ObjectRef::Table(table.clone())],
        _ => Vec::new(),
    }
}

/// The objects of `catalog` that must exist before the change can run. More than strictly needed is possible,
/// an object that the catalog does not hold is not among them.
pub fn needs(ddl: &Ddl, catalog: &Catalog) -> Vec<ObjectRef> {
    let mut acc = Needs { catalog, found: BTreeSet::new() };
    acc.of(ddl);
    let own: BTreeSet<ObjectRef> = creates(ddl).into_iter().filter_map(|it| catalog.resolve_object(&it).ok()).collect();
    // A foreign key to itself, a sequence of its own: what comes into being with the change is not needed before it.
    let created_table = own.iter().find_map(|it| if let ObjectRef::Table(it) = it { Some(it.clone()) } else { None });
    let inner = |it: &ObjectRef| created_table.is_some() && it.relation() == created_table.as_ref();
    acc.found.into_iter().filter(|it| !own.contains(it) && !inner(it)).collect()
}

struct Needs<'a> {
    catalog: &'a Catalog,
    found: BTreeSet<ObjectRef>,
}

impl Needs<'_> {
    fn object(&mut self, object: &ObjectRef) {
        if let Ok(found) = self.catalog.resolve_object(object)
            && self.catalog.holds(&found)
        {
            self.found.insert(found);
        }
    }

    fn schema_of(&mut self, name: &Name) {
        if let Some(schema) = &name.schema {
            self.object(&ObjectRef::Schema(schema.clone()));
        }
    }

    fn relation(&mut self, name: &Name) {
        self.object(&ObjectRef::Table(name.clone()));
    }

    fn column(&mut self, table: &Name, column: &Ident) {
        self.relation(table);
        self.object(&ObjectRef::Column(table.clone(), column.clone()));
    }

    fn data_type(&mut self, ty: &DataType) {
        if ty.is_builtin() {
            return;
        }
        let name = Name { schema: ty.schema.clone(), name: Ident::new(&ty.name) };
        if self.catalog.find_type(&name).is_ok() {
            self.object(&ObjectRef::Type(name));
        } else {
            self.relation(&name);
        }
    }

    /// What is kept as text and is named by an expression: a collation, an operator, a text search configuration.
    fn kept_as_text(&mut self, expr: &Expr) {
        for it in self.catalog.opaque.iter().filter_map(|it| it.object.as_ref()) {
            let name = match it {
                ObjectRef::Collation(name) | ObjectRef::Other(_, name) => name.name.as_str(),
                _ => continue,
            };
            if !name.is_empty() && expr.text().contains(name) {
                self.found.insert(it.clone());
            }
        }
    }

    fn collation(&mut self, collation: Option<&Name>) {
        collation.iter().for_each(|it| self.object(&ObjectRef::Collation((*it).clone())));
    }

    /// Columns of `table`, functions, sequences, types and relations that an expression mentions.
    fn expr(&mut self, table: Option<&Name>, expr: &Expr) {
        self.kept_as_text(expr);
        if let Some(sequence) = only_nextval(expr.text()) {
            self.object(&ObjectRef::Sequence(sequence));
        }
        for path in tokens::paths(expr.text()) {
            if path.called {
                self.function(&path.name());
            } else if path.typed {
                self.data_type(&DataType {
                    schema: path.name().schema,
                    ..DataType::builtin(path.name().name.as_str())
                });
            } else if let (Some(table), Some(column)) = (table, path.column()) {
                self.object(&ObjectRef::Column(table.clone(), column.clone()));
            }
        }
    }

    fn function(&mut self, name: &Name) {
        let Some(found) = self.catalog.resolve(name, |it| self.catalog.overloads(it).next().is_some()) else { return };
        let overloads: Vec<ObjectRef> = self.catalog.overloads(&found).map(Function::object).collect();
        self.found.extend(overloads);
    }

    fn keys(&mut self, table: &Name, keys: &[IndexKey]) {
        for key in keys {
            self.key(table, &key.expr);
            self.collation(key.collation.as_ref());
        }
    }

    fn key(&mut self, table: &Name, key: &KeyExpr) {
        match key {
            KeyExpr::Column(it) => self.column(table, it),
            KeyExpr::Expr(expr) => self.expr(Some(table), expr),
        }
    }

    fn column_definition(&mut self, table: &Name, column: &Column) {
        self.data_type(&column.ty);
        self.collation(column.collation.as_ref());
        for expr in column.default.iter().chain(column.generated.as_ref().map(|it| &it.expr)) {
            self.expr(Some(table), expr);
        }
    }

    fn constraint(&mut self, table: &Name, constraint: &Constraint) {
        for column in constraint.kind.columns() {
            self.column(table, column);
        }
        match &constraint.kind {
            ConstraintKind::Check(expr) => self.expr(Some(table), expr),
            ConstraintKind::ForeignKey(fk) => self.foreign_key(fk),
            ConstraintKind::Exclude(it) => {
                it.elements.iter().for_each(|(key, _)| self.key(table, &key.expr));
                it.predicate.iter().for_each(|it| self.expr(Some(table), it));
            }
            _ => {}
        }
    }

    /// The referenced table, its columns, and the key that the foreign key rests on.
    fn foreign_key(&mut self, fk: &ForeignKey) {
        self.relation(&fk.references);
        let Ok(name) = self.catalog.find_table(&fk.references) else { return };
        let Some(table) = self.catalog.tables.get(&name) else { return };
        let primary = table.primary_key().map(|it| it.kind.columns().into_iter().cloned().collect());
        let columns = Some(fk.referenced_columns.clone()).filter(|it| !it.is_empty()).or(primary).unwrap_or_default();
        for column in &columns {
            self.column(&name, column);
        }
        let same = |other: &[Ident]| other.len() == columns.len() && other.iter().all(|it| columns.contains(it));
        for it in &table.constraints {
            let rests = match &it.kind {
                ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key) => same(&key.columns),
                _ => false,
            };
            if let (true, Some(key)) = (rests, &it.name) {
                self.object(&ObjectRef::Constraint(name.clone(), key.clone()));
            }
        }
        for it in self.catalog.indexes_of(&name).filter(|it| it.unique) {
            let columns = super::apply::constraints::plain_columns(it);
            if let (true, Some(index)) = (columns.is_some_and(|it| same(&it)), &it.name) {
                self.found.insert(ObjectRef::Index(index.clone()));
            }
        }
    }

    fn of(&mut self, ddl: &Ddl) {
        if let Some(table) = ddl.altered_table() {
            self.relation(table);
        }
        drops(ddl).iter().chain(&changes(ddl)).for_each(|it| self.object(it));
        if let Some((from, _)) = renamed(ddl) {
            self.object(&from);
        }
        match ddl {
            Ddl::CreateTable { table, likes, .. } => self.table(table, likes),
            Ddl::AddColumn { table, column, constraints, .. } => {
                self.column_definition(table, column);
                constraints.iter().for_each(|it| self.constraint(table, it));
            }
            Ddl::SetType { table, ty, using, collation, .. } => {
                self.data_type(ty);
                self.collation(collation.as_ref());
                using.iter().for_each(|it| self.expr(Some(table), it));
            }
            Ddl::SetDefault { table, default: Some(default), .. } => self.expr(Some(table), default),
            Ddl::SetExpression { table, expr, .. } => self.expr(Some(table), expr),
            Ddl::AddConstraint { table, constraint } => self.constraint(table, constraint),
            Ddl::AttachPartition { parent, partition, .. } | Ddl::DetachPartition { parent, partition, .. } => {
                self.relation(parent);
                self.relation(partition);
            }
            Ddl::Inherit { parent, .. } | Ddl::NoInherit { parent, .. } => self.relation(parent),
            Ddl::CreateIndex { index, .. } => {
                self.relation(&index.table);
                self.keys(&index.table, &index.keys);
                index.include.iter().for_each(|it| self.column(&index.table, it));
                index.predicate.iter().for_each(|it| self.expr(Some(&index.table), it));
            }
            Ddl::AttachIndex { parent, index } => {
                self.object(&ObjectRef::Index(parent.clone()));
                self.object(&ObjectRef::Index(index.clone()));
            }
            Ddl::ClusterOn { table, index: Some(index) } => {
                self.object(&ObjectRef::Index(table.sibling(index.clone())))
            }
            Ddl::SetReplicaIdentity { table, identity: ReplicaIdentity::Index(index) } => {
                self.object(&ObjectRef::Index(table.sibling(index.clone())));
            }
            Ddl::CreateSequence { sequence, .. } => {
                self.schema_of(&sequence.name);
                sequence.owned_by.iter().for_each(|(table, column)| self.column(table, column));
            }
            Ddl::AlterSequence { owned_by: Some(Some((table, column))), .. } => self.column(table, column),
            Ddl::SetTableSchema { schema, .. } | Ddl::SetSchema { schema, .. } => {
                self.object(&ObjectRef::Schema(schema.clone()));
            }
            _ => self.of_definition(ddl),
        }
    }

    fn of_definition(&mut self, ddl: &Ddl) {
        match ddl {
            Ddl::CreateType { ty } => {
                self.schema_of(&ty.name);
                match &ty.kind {
                    TypeKind::Domain(domain) => {
                        self.data_type(&domain.base);
                        domain.default.iter().for_each(|it| self.expr(None, it));
                    }
                    TypeKind::Composite(attributes) => attributes.iter().for_each(|it| self.data_type(&it.ty)),
                    _ => {}
                }
            }
            Ddl::CreateView { view, .. } => {
                self.schema_of(&view.name);
                view.reads.iter().for_each(|it| self.relation(it));
                view.calls.iter().for_each(|it| self.function(it));
                // Which columns a query takes is known to its tokens only.
                let read: Vec<Name> = view.reads.iter().filter_map(|it| self.catalog.find_table(it).ok()).collect();
                for table in read {
                    self.expr(Some(&table), &view.query);
                }
            }
            Ddl::CreateFunction { function, .. } => {
                self.schema_of(&function.name);
                function.args.iter().for_each(|it| self.data_type(&it.ty));
                // SQL functions are checked when they are created (check_function_bodies).
                let checked = function.sql_body || function.language.as_str() == "sql";
                for path in tokens::paths(function.body.text()).into_iter().filter(|_| checked) {
                    if path.called { self.function(&path.name()) } else { self.relation(&path.name()) }
                }
                // Which columns they take is known to its tokens only.
                let tables: Vec<Name> = self
                    .found
                    .iter()
                    .filter_map(|it| if let ObjectRef::Table(it) = it { Some(it.clone()) } else { None })
                    .collect();
                for table in tables.iter().filter(|_| checked) {
                    self.expr(Some(table), &function.body);
                }
                if function.kind == FunctionKind::Aggregate {
                    tokens::paths(function.body.text()).iter().for_each(|it| self.function(&it.name()));
                }
                for path in function.returns.iter().flat_map(|it| tokens::paths(it.text())) {
                    self.data_type(&DataType {
                        schema: path.name().schema,
                        ..DataType::builtin(path.name().name.as_str())
                    });
                }
            }
            Ddl::CreateTrigger { trigger, .. } => {
                self.relation(&trigger.table);
                self.function(&trigger.function);
                for event in &trigger.events {
                    if let TriggerEvent::Update(columns) = event {
                        columns.iter().for_each(|it| self.column(&trigger.table, it));
                    }
                }
                trigger.when.iter().for_each(|it| self.expr(Some(&trigger.table), it));
            }
            Ddl::CreatePolicy { policy } => {
                self.relation(&policy.table);
                for expr in policy.using.iter().chain(&policy.check) {
                    self.expr(Some(&policy.table), expr);
                    for path in tokens::paths(expr.text()).iter().filter(|it| !it.called && it.parts.len() < 3) {
                        self.relation(&path.name());
                    }
                }
            }
            Ddl::CreateStatistics { statistics, .. } => {
                self.relation(&statistics.table);
                statistics.keys.iter().for_each(|it| self.key(&statistics.table, it));
            }
            Ddl::Comment { object, .. } | Ddl::SetOwner { object, .. } => self.object(object),
            Ddl::Grant { objects, .. } | Ddl::Revoke { objects, .. } => objects.iter().for_each(|it| self.object(it)),
            Ddl::Opaque(it) => {
                it.touches.iter().for_each(|it| self.relation(it));
                for path in tokens::paths(it.text.text()) {
                    self.function(&path.name());
                    self.data_type(&DataType {
                        schema: path.name().schema,
                        ..DataType::builtin(path.name().name.as_str())
                    });
                }
            }
            Ddl::CreateExtension { extension, .. } => {
                extension.schema.iter().for_each(|it| self.object(&ObjectRef::Schema(it.clone())));
            }
            Ddl::Truncate { tables, .. } | Ddl::Lock { tables, .. } => tables.iter().for_each(|it| self.relation(it)),
            Ddl::Data(it) => it.target.iter().for_each(|it| self.relation(it)),
            _ => {}
        }
    }

    fn table(&mut self, table: &Table, likes: &[Like]) {
        self.schema_of(&table.name);
        likes.iter().for_each(|it| self.relation(&it.source));
        table.inherits.iter().for_each(|it| self.relation(it));
        table.partition_of.iter().for_each(|it| self.relation(&it.parent));
        table.columns.iter().for_each(|it| self.column_definition(&table.name, it));
        table.constraints.iter().for_each(|it| self.constraint(&table.name, it));
        // A partition takes the keys of its parent along, and those its parent's foreign keys rest on.
        table.partition_by.iter().for_each(|it| self.keys(&table.name, &it.keys));
    }
}

impl Catalog {
    /// Does the catalog hold this (resolved) object?
    pub fn holds(&self, object: &ObjectRef) -> bool {
        let column = |table: &Name, name: &Ident| self.tables.get(table).is_some_and(|it| it.column(name).is_some());
        match object {
            ObjectRef::Schema(it) => self.schemas.contains(it),
            ObjectRef::Table(it) => self.tables.contains_key(it),
            ObjectRef::View(it) => self.views.contains_key(it),
            ObjectRef::Column(table, it) => column(table, it) || self.views.contains_key(table),
            ObjectRef::Constraint(table, it) => self.tables.get(table).is_some_and(|of| of.constraint(it).is_some()),
            ObjectRef::Index(it) => self.find_index(it).is_some(),
            ObjectRef::Sequence(it) => self.find_sequence(it).is_some(),
            ObjectRef::Type(it) => self.types.contains_key(it),
            ObjectRef::DomainConstraint(it, name) => match self.types.get(it).map(|it| &it.kind) {
                Some(TypeKind::Domain(domain)) => domain.checks.iter().any(|it| it.name.as_ref() == Some(name)),
                _ => false,
            },
            ObjectRef::Function(name, args) => self.functions.contains_key(&(name.clone(), args.clone())),
            ObjectRef::Trigger(table, it) => self.triggers.contains_key(&(table.clone(), it.clone())),
            ObjectRef::Policy(table, it) => self.policies.contains_key(&(table.clone(), it.clone())),
            ObjectRef::Extension(it) => self.extensions.contains_key(it),
            ObjectRef::Statistics(it) => self.statistics.contains_key(it),
            ObjectRef::Rule(..) | ObjectRef::Collation(_) | ObjectRef::Other(..) => {
                self.opaque.iter().any(|it| it.object.as_ref() == Some(object))
            }
        }
    }

    /// What hangs on an object directly: views that read it, foreign keys to it, indexes, constraints, triggers,
    /// policies, defaults and generated columns that use it. By tokens where the server would know better.
    pub fn dependents_of(&self, object: &ObjectRef) -> Vec<ObjectRef> {
        let mut res: BTreeSet<ObjectRef> = BTreeSet::new();
        match object {
            ObjectRef::Schema(schema) => {
                let inside = |it: &&Name| it.schema.as_ref() == Some(schema);
                res.extend(self.tables.keys().filter(inside).cloned().map(ObjectRef::Table));
                res.extend(self.views.keys().filter(inside).cloned().map(ObjectRef::View));
            }
            ObjectRef::Table(it) | ObjectRef::View(it) => self.dependents_of_relation(it, &mut res),
            ObjectRef::Column(table, column) => self.dependents_of_column(table, column, &mut res),
            ObjectRef::Constraint(table, name) => self.dependents_of_key(table, name, &mut res),
            ObjectRef::Index(name) => {
                let attached = self.indexes.values().filter(|it| it.attached_to.as_ref() == Some(name));
                res.extend(attached.filter_map(|it| it.name.clone()).map(ObjectRef::Index));
                if let Some(index) = self.indexes.get(name).filter(|it| it.unique)
                    && let Some(columns) = super::apply::constraints::plain_columns(index)
                {
                    self.foreign_keys_on(&index.table, &columns, &mut res);
                }
            }
            ObjectRef::Sequence(it) => {
                res.extend(self.sequence_users(it).into_iter().map(|(table, column)| ObjectRef::Column(table, column)));
            }
            ObjectRef::Type(it) => res.extend(self.type_users(it)),
            ObjectRef::Function(it, _) => res.extend(self.callers(it)),
            _ => {}
        }
        res.remove(object);
        res.into_iter().collect()
    }

    fn dependents_of_relation(&self, name: &Name, res: &mut BTreeSet<ObjectRef>) {
        res.extend(self.views_reading(name, None).into_iter().map(ObjectRef::View));
        let pointing = self.referencing(name).filter(|(from, _)| from.name != *name);
        res.extend(pointing.filter_map(|(from, it)| Some(ObjectRef::Constraint(from.name.clone(), it.name.clone()?))));
        let below = |it: &&Arc<Table>| {
            it.inherits.contains(name) || it.partition_of.as_ref().is_some_and(|it| it.parent == *name)
        };
        res.extend(self.tables.values().filter(below).map(|it| ObjectRef::Table(it.name.clone())));
        res.extend(self.indexes_of(name).filter_map(|it| it.name.clone()).map(ObjectRef::Index));
        let triggers = self.triggers.keys().filter(|(table, _)| table == name);
        res.extend(triggers.map(|(table, it)| ObjectRef::Trigger(table.clone(), it.clone())));
        let policies = self.policies.keys().filter(|(table, _)| table == name);
        res.extend(policies.map(|(table, it)| ObjectRef::Policy(table.clone(), it.clone())));
        res.extend(self.type_users(name));
    }

    fn dependents_of_column(&self, table: &Name, column: &Ident, res: &mut BTreeSet<ObjectRef>) {
        res.extend(self.views_reading(table, Some(column)).into_iter().map(ObjectRef::View));
        if let Some(owner) = self.tables.get(table) {
            let constraints = owner.constraints.iter().filter(|it| uses_column(it, column));
            res.extend(constraints.filter_map(|it| Some(ObjectRef::Constraint(table.clone(), it.name.clone()?))));
            let generated =
                |it: &&Column| it.generated.as_ref().is_some_and(|it| tokens::mentions_column(it.expr.text(), column));
            res.extend(
                owner.columns.iter().filter(generated).map(|it| ObjectRef::Column(table.clone(), it.name.clone())),
            );
        }
        let points = |it: &Constraint| matches!(&it.kind, ConstraintKind::ForeignKey(fk) if fk.referenced_columns.contains(column));
        let pointing = self.referencing(table).filter(|(_, it)| points(it));
        res.extend(pointing.filter_map(|(from, it)| Some(ObjectRef::Constraint(from.name.clone(), it.name.clone()?))));
        let indexes = self.indexes_of(table).filter(|it| index_uses(it, column));
        res.extend(indexes.filter_map(|it| it.name.clone()).map(ObjectRef::Index));
        let triggers = self.triggers.values().filter(|it| it.table == *table && trigger_uses(it, column));
        res.extend(triggers.map(|it| ObjectRef::Trigger(table.clone(), it.name.clone())));
        let mentions = |it: &&Arc<Policy>| {
            it.table == *table && it.using.iter().chain(&it.check).any(|it| mentions_own(it.text(), table, column))
        };
        res.extend(self.policies.values().filter(mentions).map(|it| ObjectRef::Policy(table.clone(), it.name.clone())));
        let statistics =
            self.statistics.values().filter(|it| it.table == *table && it.keys.iter().any(|it| key_uses(it, column)));
        res.extend(statistics.map(|it| ObjectRef::Statistics(it.name.clone())));
        let owned = self
            .sequences
            .values()
            .filter(|it| it.owned_by.as_ref().is_some_and(|(of, at)| of == table && at == column));
        res.extend(owned.map(|it| ObjectRef::Sequence(it.name.clone())));
    }

    fn dependents_of_key(&self, table: &Name, name: &Ident, res: &mut BTreeSet<ObjectRef>) {
        let found = self.tables.get(table).and_then(|it| it.constraint(name));
        if let Some(ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key)) = found.map(|it| &it.kind) {
            self.foreign_keys_on(table, &key.columns, res);
        }
    }

    fn foreign_keys_on(&self, table: &Name, columns: &[Ident], res: &mut BTreeSet<ObjectRef>) {
        let rests = |it: &Constraint| match &it.kind {
            ConstraintKind::ForeignKey(fk) => {
                fk.referenced_columns.len() == columns.len()
                    && fk.referenced_columns.iter().all(|it| columns.contains(it))
            }
            _ => false,
        };
        let pointing = self.referencing(table).filter(|(_, it)| rests(it));
        res.extend(pointing.filter_map(|(from, it)| Some(ObjectRef::Constraint(from.name.clone(), it.name.clone()?))));
    }
}
