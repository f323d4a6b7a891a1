//! From the statements of files to a [`Catalog`].

use std::{borrow::Cow, collections::BTreeSet, ops::Range, sync::Arc};

use super::{ApplyError, Catalog, Origin, creates};
use crate::sql::*;

/// The statements of one file, in the order of the list given to [`desired`] or [`replay`].
#[derive(Clone, Debug)]
pub struct Source {
    pub statements: Arc<[Statement]>,
}

/// A catalog, and what was wrong on the way to it.
#[derive(Clone, Debug)]
pub struct Build {
    pub catalog: Catalog,
    /// (index of the source, problem with ranges in that file).
    pub problems: Vec<(u32, Problem)>,
}

/// A history: statements run one after the other on top of `base`, as a server would run them.
pub fn replay(base: Catalog, sources: &[Source]) -> Build {
    let path = if base.search_path.is_empty() { Catalog::new().search_path } else { base.search_path.clone() };
    let mut build = Build { catalog: base, problems: Vec::new() };
    for (source, file) in sources.iter().enumerate() {
        // Each file has a session of its own, or a tool that resets it.
        build.catalog.search_path.clone_from(&path);
        build.run_file(source as u32, file);
        build.drop_temporary();
    }
    build.catalog.search_path = path;
    build
}

/// One statement, or a part of one.
pub(super) struct Item<'a> {
    pub source: u32,
    pub parsed: &'a Arc<Parsed>,
    pub ddl: Vec<Cow<'a, Ddl>>,
}

impl Item<'_> {
    fn is_drop(&self) -> bool {
        !self.ddl.is_empty() && self.ddl.iter().all(|it| is_drop(it))
    }
}

pub(super) fn is_drop(ddl: &Ddl) -> bool {
    !super::drops(ddl).is_empty()
}

impl Build {
    fn run_file(&mut self, source: u32, file: &Source) {
        // Where ROLLBACK leads back to: the transaction's begin, then its savepoints.
        let mut saved: Vec<Catalog> = Vec::new();
        let mut local: Option<Vec<Ident>> = None;
        for statement in file.statements.iter() {
            match statement.parsed.ddl.as_slice() {
                [Ddl::Transaction(TransactionControl::Begin)] => saved = vec![self.catalog.clone()],
                [Ddl::Transaction(TransactionControl::Savepoint)] => saved.push(self.catalog.clone()),
                [Ddl::Transaction(TransactionControl::Release)] => drop(saved.pop()),
                [Ddl::Transaction(TransactionControl::RollbackToSavepoint)] => {
                    if let Some(before) = saved.last() {
                        self.catalog.clone_from(before);
                    }
                }
                [Ddl::Transaction(TransactionControl::Rollback)] => {
                    if let Some(before) = saved.drain(..).next() {
                        self.catalog = before;
                    }
                    local = None;
                }
                [Ddl::Transaction(TransactionControl::Commit)] => {
                    saved.clear();
                    if let Some(path) = local.take() {
                        self.catalog.search_path = path;
                    }
                }
                ddl => {
                    if let [Ddl::SetSearchPath { local: true, .. }] = ddl {
                        local.get_or_insert_with(|| self.catalog.search_path.clone());
                    }
                    self.run_statement(source, statement);
                }
            }
        }
    }

    fn run_statement(&mut self, source: u32, statement: &Statement) {
        let ddl = statement.parsed.ddl.iter().map(Cow::Borrowed).collect();
        let item = Item { source, parsed: &statement.parsed, ddl };
        let mut res = self.apply(&item);
        if res.is_err() {
            let lacking = self.schemas_lacking(&item.ddl);
            for schema in &lacking {
                self.taken_for_granted(source, statement, schema);
                self.catalog.schemas.insert(schema.clone());
            }
            if !lacking.is_empty() {
                res = self.apply(&item);
            }
        }
        match res {
            Ok(()) => self.record(&item),
            Err(ApplyError::Missing(_)) if self.alters_nothing(&item) => {}
            Err(error) => self.report(source, statement, &error),
        }
        self.mark_unread(&statement.parsed);
    }

    /// All parts of a statement, or none. The server sorts the actions of one ALTER TABLE and drops the objects
    /// of one DROP together, so parts that fail are tried again behind the others.
    pub(super) fn apply(&mut self, item: &Item<'_>) -> Result<(), ApplyError> {
        if let [only] = item.ddl.as_slice() {
            return self.catalog.apply(only);
        }
        let saved = self.catalog.clone();
        let mut waiting: Vec<&Ddl> = item.ddl.iter().map(AsRef::as_ref).collect();
        while !waiting.is_empty() {
            let before = waiting.len();
            let mut failed = None;
            waiting.retain(|ddl| match self.catalog.apply(ddl) {
                Ok(()) => false,
                Err(error) => {
                    failed.get_or_insert(error);
                    true
                }
            });
            if waiting.len() < before {
                continue;
            }
            // Tables that point at each other go together; nothing outside may depend on them.
            let freed = item.is_drop() && self.drop_together(&waiting);
            if let (Some(error), false) = (failed, freed) {
                self.catalog = saved;
                return Err(error);
            }
            break;
        }
        Ok(())
    }

    /// `ALTER … IF EXISTS` of something that does not.
    pub(super) fn alters_nothing(&self, item: &Item<'_>) -> bool {
        let gone = |it: &ObjectRef| self.catalog.resolve_object(it).is_err();
        let altered = |ddl: &Ddl| match ddl {
            Ddl::SetOwner { object, .. } | Ddl::SetSchema { object, .. } => Some(object.clone()),
            _ => ddl
                .altered_table()
                .map(|it| ObjectRef::Table(it.clone()))
                .or_else(|| super::renamed(ddl).map(|(from, _)| from))
                .or_else(|| super::depends::changes(ddl).into_iter().next()),
        };
        item.parsed.if_exists && item.ddl.iter().filter_map(|it| altered(it)).any(|it| gone(&it))
    }

    /// Drops tables whose foreign keys hold each other.
    fn drop_together(&mut self, drops: &[&Ddl]) -> bool {
        let names = |it: &&Ddl| match it {
            Ddl::DropTable { name, .. } => self.catalog.find_table(name).ok(),
            _ => None,
        };
        let tables: BTreeSet<Name> = drops.iter().filter_map(names).collect();
        let mut draft = self.catalog.clone();
        for table in &tables {
            let inner: Vec<(Name, Ident)> = draft
                .referencing(table)
                .filter(|(from, _)| tables.contains(&from.name))
                .filter_map(|(from, it)| Some((from.name.clone(), it.name.clone()?)))
                .collect();
            for (table, name) in inner {
                let drop = Ddl::DropConstraint { table, name, if_exists: true, cascade: false };
                if draft.apply(&drop).is_err() {
                    return false;
                }
            }
        }
        if tables.is_empty() || drops.iter().any(|it| draft.apply(it).is_err()) {
            return false;
        }
        self.catalog = draft;
        true
    }

    /// Schemas that nobody created but objects stand in: made elsewhere, said once, and taken as there.
    pub(super) fn schemas_lacking(&self, ddl: &[Cow<'_, Ddl>]) -> Vec<Ident> {
        let mut res: Vec<Ident> = Vec::new();
        for object in ddl.iter().flat_map(|it| creates(it)) {
            let schema = object_name(&object).and_then(|it| it.schema.clone());
            let lacking = schema.filter(|it| !self.catalog.schemas.contains(it) && !res.contains(it));
            res.extend(lacking);
        }
        res
    }

    pub(super) fn taken_for_granted(&mut self, source: u32, statement: &Statement, schema: &Ident) {
        let message = format!("schema {schema} is not created anywhere here: taken as existing");
        let range = statement.range.clone();
        self.problems.push((source, Problem { range, message, severity: Severity::Warning }));
    }

    pub(super) fn report(&mut self, source: u32, statement: &Statement, error: &ApplyError) {
        let range = statement.range.clone();
        let message = error.message().to_owned();
        self.problems.push((source, Problem { range, message, severity: Severity::Error }));
    }

    /// Notes where objects were defined and changed, and the annotations that stand with them.
    pub(super) fn record(&mut self, item: &Item<'_>) {
        let parsed = item.parsed;
        let mut first = None;
        for ddl in &item.ddl {
            for object in self.catalog.made_by(ddl) {
                let range = mark_of(parsed, &object);
                first.get_or_insert_with(|| object.clone());
                let origin = Origin { source: item.source, statement: parsed.clone(), range };
                let known = self.catalog.origins.get(&object);
                let all = known.into_iter().flat_map(|it| it.iter()).cloned().chain([origin]).collect();
                self.catalog.origins.insert(object, all);
            }
        }
        for annotation in &parsed.annotations {
            let table = first.as_ref().and_then(ObjectRef::relation).cloned();
            let object = match (&annotation.column, table) {
                (Some(column), Some(table)) => Some(ObjectRef::Column(table, column.clone())),
                _ => first.clone(),
            };
            if let Some(object) = object {
                let all = self.catalog.annotations.get_or_insert_with(object, Vec::new);
                if !all.contains(annotation) {
                    all.push(annotation.clone());
                }
            }
        }
    }

    /// Finds again what a view reads.
    pub(super) fn resolve_view(&mut self, name: &Name) {
        let Some(view) = self.catalog.views.get(name) else { return };
        let mut resolved = (**view).clone();
        self.catalog.resolve_reads(&mut resolved);
        if resolved.reads != view.reads || resolved.calls != view.calls {
            self.catalog.views.insert(name.clone(), Arc::new(resolved));
        }
    }

    /// Of the tables in a statement that could not be read nothing certain is known.
    pub(super) fn mark_unread(&mut self, parsed: &Parsed) {
        let Some(problem) = parsed.problems.iter().find(|it| it.severity == Severity::Error) else { return };
        for mark in &parsed.marks {
            let Some(written) = mark.object.relation() else { continue };
            if !matches!(mark.object, ObjectRef::Table(_) | ObjectRef::Column(..) | ObjectRef::Constraint(..)) {
                continue;
            }
            let placed = || self.catalog.place(written, Persistence::Permanent).ok();
            let found = self.catalog.find_table(written).ok().or_else(|| placed().filter(|_| mark.defines));
            if let Some(table) = found {
                let why = format!("a statement about it could not be read: {}", problem.message);
                self.catalog.unknown.get_or_insert_with(table, || why.into());
            }
        }
    }

    /// Temporary objects end with their session.
    fn drop_temporary(&mut self) {
        let temporary = |it: &&Name| it.schema.as_ref().is_some_and(|it| it.as_str() == super::resolve::TEMPORARY);
        let views: Vec<Name> = self.catalog.views.keys().filter(temporary).cloned().collect();
        let tables: Vec<Name> = self.catalog.tables.keys().filter(temporary).cloned().collect();
        let sequences: Vec<Name> = self.catalog.sequences.keys().filter(temporary).cloned().collect();
        let view = |name| Ddl::DropView { name, materialized: false, if_exists: true, cascade: true };
        let table = |name| Ddl::DropTable { name, if_exists: true, cascade: true };
        let sequence = |name| Ddl::DropSequence { name, if_exists: true, cascade: true };
        let drops =
            views.into_iter().map(view).chain(tables.into_iter().map(table)).chain(sequences.into_iter().map(sequence));
        for drop in drops.collect::<Vec<_>>() {
            // With IF EXISTS and CASCADE nothing can stand in the way.
            let _ = self.catalog.apply(&drop);
        }
    }
}

impl Catalog {
    /// The objects that a change made or changed, as they are called now that it has been applied.
    fn made_by(&self, ddl: &Ddl) -> Vec<ObjectRef> {
        let mut res = Vec::new();
        match ddl {
            Ddl::CreateTable { table, .. } | Ddl::CreateTableAs { table, .. } => {
                let Ok(name) = self.find_table(&table.name) else { return res };
                res.push(ObjectRef::Table(name.clone()));
                let Some(made) = self.tables.get(&name) else { return res };
                res.extend(made.columns.iter().map(|it| ObjectRef::Column(name.clone(), it.name.clone())));
                res.extend(
                    made.constraints
                        .iter()
                        .filter_map(|it| Some(ObjectRef::Constraint(name.clone(), it.name.clone()?))),
                );
            }
            Ddl::AddConstraint { table, constraint } => {
                let Ok(name) = self.find_table(table) else { return res };
                let made = self.tables.get(&name).and_then(|it| it.constraints.last()).and_then(|it| it.name.clone());
                let made = constraint.name.clone().or(made);
                res.extend(made.map(|it| ObjectRef::Constraint(name, it)));
            }
            Ddl::AddColumn { table, column, constraints, .. } => {
                let Ok(name) = self.find_table(table) else { return res };
                res.push(ObjectRef::Column(name.clone(), column.name.clone()));
                let made = self.tables.get(&name).map(|it| it.constraints.as_slice()).unwrap_or_default();
                let made = made.iter().rev().take(constraints.len());
                res.extend(made.filter_map(|it| Some(ObjectRef::Constraint(name.clone(), it.name.clone()?))));
            }
            Ddl::CreateIndex { index, .. } => res.extend(self.made_index(index)),
            other => {
                let objects = creates(other).into_iter().chain(super::depends::changes(other));
                res.extend(objects.filter_map(|it| self.resolve_object(&it).ok()));
            }
        }
        res
    }

    fn made_index(&self, index: &Index) -> Option<ObjectRef> {
        let table = self.find_relation(&index.table)?;
        if let Some(name) = &index.name {
            return Some(ObjectRef::Index(table.sibling(name.name.clone())));
        }
        // An implicit name begins with its table's, as far as that was not cut.
        let start: String = table.name.as_str().chars().take(20).collect();
        let from = table.sibling(start.as_str());
        let near = self
            .indexes
            .range(from..)
            .take_while(|(it, _)| it.schema == table.schema && it.name.as_str().starts_with(&start));
        let made = near
            .filter(|(_, it)| it.table == table && it.keys == index.keys && it.predicate == index.predicate)
            .last()?;
        Some(ObjectRef::Index(made.0.clone()))
    }
}

/// The place in the statement where the object is defined.
fn mark_of(parsed: &Parsed, object: &ObjectRef) -> Option<Range<usize>> {
    let same = |mark: &&Mark| match (&mark.object, object) {
        (ObjectRef::Column(table, a), ObjectRef::Column(of, b)) => a == b && table.name == of.name,
        (ObjectRef::Constraint(table, a), ObjectRef::Constraint(of, b)) => a == b && table.name == of.name,
        (ObjectRef::Trigger(table, a), ObjectRef::Trigger(of, b)) => a == b && table.name == of.name,
        (ObjectRef::Policy(table, a), ObjectRef::Policy(of, b)) => a == b && table.name == of.name,
        (a, b) => {
            std::mem::discriminant(a) == std::mem::discriminant(b)
                && object_name(a).map(|it| &it.name) == object_name(b).map(|it| &it.name)
        }
    };
    let marks = &parsed.marks;
    let hit = marks.iter().find(|it| it.defines && same(it)).or_else(|| marks.iter().find(same))?;
    Some(hit.range.clone())
}

/// The name that places an object in a schema.
fn object_name(object: &ObjectRef) -> Option<&Name> {
    match object {
        ObjectRef::Type(it) | ObjectRef::Function(it, _) | ObjectRef::Statistics(it) | ObjectRef::Collation(it) => {
            Some(it)
        }
        ObjectRef::DomainConstraint(it, _) | ObjectRef::Other(_, it) => Some(it),
        other => other.relation(),
    }
}
