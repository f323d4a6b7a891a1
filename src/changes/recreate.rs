//! Definitions out of a catalog, with all that hangs on them: what a DROP takes and a rollback must bring back.

use smol_str::SmolStr;

use super::build::{attachments, backing_index, grant, view_again};
use crate::{catalog::Catalog, sql::*};

/// A table with its indexes, triggers, policies, comments and privileges; foreign keys that point at it excepted.
pub fn table(catalog: &Catalog, name: &Name) -> Vec<Ddl> {
    let Some(table) = catalog.table(name) else { return Vec::new() };
    let mut res = Vec::new();
    let owned: Vec<_> =
        catalog.sequences.values().filter(|it| it.owned_by.as_ref().is_some_and(|(of, _)| of == name)).collect();
    for it in &owned {
        let free = Sequence { owned_by: None, ..(***it).clone() };
        res.push(Ddl::CreateSequence { sequence: Box::new(free), if_not_exists: false });
    }
    let bare = bare(catalog, (**table).clone());
    res.push(Ddl::CreateTable { table: Box::new(bare), if_not_exists: false, likes: Vec::new() });
    for it in &owned {
        let owned_by = Some(it.owned_by.clone());
        res.push(Ddl::AlterSequence {
            name: it.name.clone(),
            set: SequenceOptions::default(),
            restart: None,
            owned_by,
            if_exists: false,
        });
        res.extend(attached(catalog, &ObjectRef::Sequence(it.name.clone())));
    }
    res.extend(table.columns.iter().flat_map(|it| super::build::column_settings(name, it)));
    res.extend(super::change_table_settings::beyond_create(table));
    for partition in catalog.partitions_of(name) {
        res.extend(self::table(catalog, &partition.name));
    }
    let own = catalog.indexes_of(name).filter(|it| it.attached_to.is_none());
    let own: Vec<_> = own.collect();
    let comments: Vec<Ddl> =
        own.iter().filter_map(|it| comment(catalog, &ObjectRef::Index(it.name.clone()?))).collect();
    res.extend(own.into_iter().map(|it| Ddl::CreateIndex {
        index: Box::new((**it).clone()),
        concurrently: false,
        if_not_exists: false,
    }));
    res.extend(comments);
    let triggers = catalog.triggers.values().filter(|it| it.table == *name);
    res.extend(triggers.flat_map(|it| trigger(catalog, name, &it.name)));
    let policies = catalog.policies.values().filter(|it| it.table == *name);
    res.extend(policies.map(|it| Ddl::CreatePolicy { policy: Box::new((**it).clone()) }));
    if table.row_security.enabled {
        res.push(Ddl::SetRowSecurity { table: name.clone(), change: RowSecurityChange::Enable });
    }
    if table.row_security.forced {
        res.push(Ddl::SetRowSecurity { table: name.clone(), change: RowSecurityChange::Force });
    }
    let statistics = catalog.statistics.values().filter(|it| it.table == *name);
    for it in statistics {
        res.push(Ddl::CreateStatistics { statistics: Box::new((**it).clone()), if_not_exists: false });
        res.extend(comment(catalog, &ObjectRef::Statistics(it.name.clone())));
    }
    res.extend(attachments(catalog, name));
    res
}

/// What CREATE TABLE can say of a table: settings of columns have statements of their own, and a partition gets the keys
/// of its parent by itself.
pub(super) fn bare(catalog: &Catalog, mut table: Table) -> Table {
    for column in &mut table.columns {
        (column.storage, column.compression, column.statistics) = (None, None, None);
        column.options.clear();
    }
    if let Some(parent) = table.partition_of.as_ref().and_then(|it| catalog.table(&it.parent)) {
        let handed = |it: &Constraint| {
            !matches!(it.kind, ConstraintKind::Check(_)) && parent.constraints.iter().any(|own| own.kind == it.kind)
        };
        table.constraints.retain(|it| !handed(it));
    }
    table
}

/// The constraints that a table does not get from its parents.
pub(super) fn own_constraints<'a>(catalog: &'a Catalog, table: &'a Table) -> impl Iterator<Item = &'a Constraint> {
    let parents: Vec<&Table> = super::pairs::parents(table).filter_map(|it| Some(&**catalog.table(it)?)).collect();
    let handed = move |it: &&Constraint| {
        let theirs = |own: &Constraint| own.kind == it.kind && (it.is_key() || own.name == it.name);
        !parents.iter().any(|parent| parent.constraints.iter().any(&theirs))
    };
    table.constraints.iter().filter(handed)
}

/// A constraint, so that it comes back without a long lock.
pub fn constraint(catalog: &Catalog, table: &Name, name: &Ident) -> Vec<Ddl> {
    let Some(it) = catalog.table(table).and_then(|it| it.constraint(name)).cloned() else { return Vec::new() };
    let partitioned = catalog.table(table).is_some_and(|it| it.partition_by.is_some());
    let whole = |it: &Constraint| Ddl::AddConstraint { table: table.clone(), constraint: Box::new(it.clone()) };
    let mut res = match &it.kind {
        ConstraintKind::Check(_) | ConstraintKind::ForeignKey(_)
            if !it.not_valid && !it.not_enforced && !partitioned =>
        {
            let validate = Ddl::ValidateConstraint { table: table.clone(), name: name.clone() };
            vec![whole(&Constraint { not_valid: true, ..it.clone() }), validate]
        }
        ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key) if !partitioned && !key.without_overlaps => {
            let index = backing_index(table, name, key);
            let promote = Ddl::AddConstraintUsingIndex {
                table: table.clone(),
                name: Some(name.clone()),
                primary: matches!(it.kind, ConstraintKind::PrimaryKey(_)),
                index: name.clone(),
                deferrable: it.deferrable,
                initially_deferred: it.initially_deferred,
            };
            vec![Ddl::CreateIndex { index: Box::new(index), concurrently: true, if_not_exists: false }, promote]
        }
        _ => vec![whole(&it)],
    };
    res.extend(comment(catalog, &ObjectRef::Constraint(table.clone(), name.clone())));
    res
}

pub fn view(catalog: &Catalog, name: &Name) -> Vec<Ddl> {
    catalog.views.get(name).map(|it| view_again(catalog, it)).unwrap_or_default()
}

pub fn function(catalog: &Catalog, function: &Function) -> Vec<Ddl> {
    let object = function.object();
    let mut res = vec![Ddl::CreateFunction { function: Box::new(function.clone()), or_replace: false }];
    res.extend(attached(catalog, &object));
    res
}

pub fn trigger(catalog: &Catalog, table: &Name, name: &Ident) -> Vec<Ddl> {
    let Some(it) = catalog.triggers.get(&(table.clone(), name.clone())) else { return Vec::new() };
    let plain = Trigger { enabled: TriggerEnabled::Origin, ..(**it).clone() };
    let mut res = vec![Ddl::CreateTrigger { trigger: Box::new(plain), or_replace: false }];
    if it.enabled != TriggerEnabled::Origin {
        res.push(Ddl::EnableTrigger { table: table.clone(), trigger: Some(name.clone()), enabled: it.enabled });
    }
    res.extend(comment(catalog, &ObjectRef::Trigger(table.clone(), name.clone())));
    res
}

/// Comment and privileges of an object that is no relation with parts.
pub fn attached(catalog: &Catalog, object: &ObjectRef) -> Vec<Ddl> {
    let grants = catalog.privileges.iter().filter(|it| it.object == *object).map(grant);
    let revokes = catalog.revoked.iter().filter(|it| it.object == *object).map(super::build::revoke);
    comment(catalog, object).into_iter().chain(grants).chain(revokes).collect()
}

pub fn comment(catalog: &Catalog, object: &ObjectRef) -> Option<Ddl> {
    let text: Option<SmolStr> = catalog.comments.get(object).cloned();
    text.map(|text| Ddl::Comment { object: object.clone(), text: Some(text) })
}
