//! What a statement makes, needs and removes.

use std::collections::BTreeSet;

use crate::{
    catalog::{Catalog, creates, drops, needs, renamed},
    changes::aside,
    sql::{ConstraintKind, Ddl, Ident, Name, ObjectRef},
};

/// Of one statement, or of a transaction.
#[derive(Clone, Debug, Default)]
pub struct Touch {
    pub creates: BTreeSet<ObjectRef>,
    pub drops: BTreeSet<ObjectRef>,
    /// Names given up by a rename: what stands on the object follows it.
    pub leaves: BTreeSet<ObjectRef>,
    /// What its statements build upon.
    pub needs: BTreeSet<ObjectRef>,
    /// What its pure take-downs stand on: they refer to the world before.
    pub frees: BTreeSet<ObjectRef>,
    /// Names of relations and types that it sets free or takes, with the objects that bear them.
    pub gives: BTreeSet<(Name, ObjectRef)>,
    pub takes: BTreeSet<(Name, ObjectRef)>,
    /// Columns whose type changes: no view may stand on them meanwhile.
    pub retypes: BTreeSet<ObjectRef>,
    /// Keys that a foreign key rests on; it finds them by their columns, whatever they are called.
    pub rests: BTreeSet<ObjectRef>,
    /// There is an index to rest on before the key is made of it.
    pub early: bool,
    /// Names that a rename gives.
    pub renames: BTreeSet<ObjectRef>,
}

impl Touch {
    pub fn add(&mut self, other: Self) {
        // What an earlier statement of the transaction made is not needed from elsewhere.
        let elsewhere = |it: &ObjectRef| !self.creates.contains(it);
        self.needs.extend(other.needs.into_iter().filter(elsewhere));
        self.frees.extend(other.frees.into_iter().filter(elsewhere));
        self.rests.extend(other.rests.into_iter().filter(elsewhere));
        self.early |= other.early;
        self.renames.extend(other.renames);
        self.creates.extend(other.creates);
        self.drops.extend(other.drops);
        self.leaves.extend(other.leaves);
        self.retypes.extend(other.retypes);
        self.gives.extend(other.gives);
        self.takes.extend(other.takes);
    }
}

/// `world` holds `base` and all that the plan adds to it, helpers included.
pub fn touch(ddl: &Ddl, base: &Catalog, world: &Catalog, after: &Catalog) -> Touch {
    let mut dropped: BTreeSet<ObjectRef> = drops(ddl).into_iter().collect();
    // A parent's column takes those of its heirs along.
    if let Ddl::DropColumn { table, column, .. } = ddl {
        let heirs = base.descendants(table).into_iter().map(|it| ObjectRef::Column(it, column.clone()));
        dropped.extend(heirs.filter(|it| base.holds(it)));
    }
    let mut left: BTreeSet<ObjectRef> = renamed(ddl).map(|(from, _)| from).into_iter().collect();
    let mut created: BTreeSet<ObjectRef> = creates(ddl).into_iter().collect();
    let renames: BTreeSet<ObjectRef> = renamed(ddl).map(|(_, to)| to).into_iter().collect();
    let (target, now) = (needs(ddl, after), needs(ddl, world));
    // A foreign key that finds a new index to stand on can do without the key that will be made of it.
    let index = |it: &ObjectRef| matches!(it, ObjectRef::Index(it) if !base.indexes.contains_key(it));
    let early = matches!(ddl, Ddl::AddConstraint { .. }) && now.iter().any(index);
    let refers = matches!(ddl, Ddl::AddConstraint { .. } | Ddl::CreateTable { .. } | Ddl::AddColumn { .. });
    let key = |it: &ObjectRef| refers && matches!(it, ObjectRef::Constraint(..) | ObjectRef::Index(_));
    let (rests, mut needed): (BTreeSet<ObjectRef>, BTreeSet<ObjectRef>) = target.into_iter().chain(now).partition(key);
    // A DROP stands where its object stood: on what the definition needs.
    let stood: BTreeSet<ObjectRef> =
        dropped.iter().map(|it| put_aside(it, base).unwrap_or_else(|| it.clone())).collect();
    for it in &stood {
        match definition(it, base) {
            Some(definition) => needed.extend(needs(&definition, base)),
            // A helper of the plan's own.
            None => needed.extend(definition_of_helper(it, world).iter().flat_map(|it| needs(it, world))),
        }
        // A table's triggers and policies go with it.
        if let ObjectRef::Table(name) = it {
            let own = |it: &ObjectRef| it.relation() == Some(name);
            let triggers = base.triggers.keys().map(|(table, it)| ObjectRef::Trigger(table.clone(), it.clone()));
            let policies = base.policies.keys().map(|(table, it)| ObjectRef::Policy(table.clone(), it.clone()));
            let parts = triggers.chain(policies).filter(own).filter_map(|it| definition(&it, base));
            needed.extend(parts.flat_map(|it| needs(&it, base)));
        }
    }
    // Another default leaves what the old one stood on.
    if let Ddl::SetDefault { table, column, .. } = ddl
        && let Some(old) = base.table(table).and_then(|it| it.column(column))
    {
        let old = Ddl::SetDefault { table: table.clone(), column: column.clone(), default: old.default.clone() };
        needed.extend(needs(&old, base));
    }
    handed_down(ddl, base, &mut created, &mut left);
    // The names of what goes with a table are free again.
    if let Ddl::DropTable { name, .. } = ddl {
        dropped.extend(base.indexes_of(name).filter_map(|it| it.name.clone()).map(ObjectRef::Index));
        let keys = base.table(name).into_iter().flat_map(|it| &it.constraints).filter_map(|it| it.name.clone());
        dropped.extend(keys.map(|it| ObjectRef::Constraint(name.clone(), it)));
        let owned = base.sequences.values().filter(|it| it.owned_by.as_ref().is_some_and(|(of, _)| of == name));
        dropped.extend(owned.map(|it| ObjectRef::Sequence(it.name.clone())));
    }
    let mut gives: BTreeSet<_> = dropped.iter().chain(&left).filter_map(|it| named(it, base)).collect();
    // Not what takes the name afterwards.
    let successor = |it: &ObjectRef| named(it, after).is_some_and(|(name, _)| gives.iter().any(|it| it.0 == name));
    // It has left its old name by then.
    let table = |it: &ObjectRef| if let ObjectRef::Table(it) = it { Some(it.clone()) } else { it.relation().cloned() };
    let gone: BTreeSet<Name> = stood.difference(&dropped).filter_map(table).collect();
    let own = |it: &ObjectRef| table(it).is_some_and(|it| gone.contains(&it));
    // So may others that go.
    if !dropped.is_empty() {
        let going = |it: &ObjectRef| match it {
            ObjectRef::Table(name) if !after.holds(it) => Some(ObjectRef::Table(aside(name))),
            _ => None,
        };
        let others: Vec<ObjectRef> = needed.iter().filter_map(going).collect();
        needed.extend(others);
    }
    needed.retain(|it| {
        !created.contains(it) && !dropped.contains(it) && !left.contains(it) && !own(it) && !successor(it)
    });
    let builds = !created.is_empty() || dropped.is_empty();
    let (needs, frees) = if builds { (needed, BTreeSet::new()) } else { (BTreeSet::new(), needed) };
    let retypes = match ddl {
        Ddl::SetType { table, column, .. } => {
            let all = [table.clone()].into_iter().chain(base.descendants(table));
            all.map(|it| ObjectRef::Column(it, column.clone())).collect()
        }
        _ => BTreeSet::new(),
    };
    if let Ddl::DropIdentity { table, column, .. } | Ddl::DropColumn { table, column, .. } = ddl {
        let owner = ObjectRef::Column(table.clone(), column.clone());
        gives.extend(base.identity_sequence(table, column).map(|it| (it, owner)));
    }
    let takes = created.iter().filter_map(|it| named(it, after)).collect();
    Touch { creates: created, drops: dropped, leaves: left, needs, frees, gives, takes, retypes, rests, early, renames }
}

/// Tables, views, sequences and indexes share one set of names, and their row types another with all other types
/// (manual, `pg_class.relname` and `pg_type.typname`). The name that an object of the catalog has among them.
fn named(object: &ObjectRef, catalog: &Catalog) -> Option<(Name, ObjectRef)> {
    let name = match object {
        ObjectRef::Table(it)
        | ObjectRef::View(it)
        | ObjectRef::Sequence(it)
        | ObjectRef::Index(it)
        | ObjectRef::Type(it) => it.clone(),
        ObjectRef::Constraint(table, it) => {
            let found = catalog.table(table)?.constraint(it)?;
            (found.is_key() || matches!(found.kind, ConstraintKind::Exclude(_))).then(|| table.sibling(it.clone()))?
        }
        _ => return None,
    };
    catalog.holds(object).then(|| (name, object.clone()))
}

/// The table of `base` that a dropped one is under another name, and its parts.
fn put_aside(object: &ObjectRef, base: &Catalog) -> Option<ObjectRef> {
    let origin = |it: &Name| {
        let gone = !base.tables.contains_key(it);
        base.tables.keys().find(|table| gone && aside(table) == *it).cloned()
    };
    match object {
        ObjectRef::Table(it) => origin(it).map(ObjectRef::Table),
        ObjectRef::Constraint(it, name) => origin(it).map(|it| ObjectRef::Constraint(it, name.clone())),
        _ => None,
    }
}

/// What becomes of a column in a parent becomes of it in its heirs.
fn handed_down(ddl: &Ddl, base: &Catalog, created: &mut BTreeSet<ObjectRef>, left: &mut BTreeSet<ObjectRef>) {
    let heirs = |table: &Name, column: &Ident| -> Vec<ObjectRef> {
        base.descendants(table).into_iter().map(|it| ObjectRef::Column(it, column.clone())).collect()
    };
    match ddl {
        Ddl::RenameColumn { table, from, to } => {
            created.extend(heirs(table, to));
            left.extend(heirs(table, from));
        }
        Ddl::AddColumn { table, column, .. } => {
            created.extend(heirs(table, &column.name).into_iter().filter(|it| !base.holds(it)));
        }
        _ => {}
    }
}

fn definition_of_helper(object: &ObjectRef, world: &Catalog) -> Option<Ddl> {
    if matches!(object, ObjectRef::View(_)) { definition(object, world) } else { None }
}

/// The statement that would create the object as it stands in a catalog.
fn definition(object: &ObjectRef, catalog: &Catalog) -> Option<Ddl> {
    match object {
        ObjectRef::Table(name) => {
            let table = Box::new((**catalog.tables.get(name)?).clone());
            Some(Ddl::CreateTable { table, if_not_exists: false, likes: Vec::new() })
        }
        ObjectRef::Column(table, name) => {
            let column = Box::new(catalog.table(table)?.column(name)?.clone());
            Some(Ddl::AddColumn { table: table.clone(), column, constraints: Vec::new(), if_not_exists: false })
        }
        ObjectRef::Constraint(table, name) => {
            let constraint = Box::new(catalog.table(table)?.constraint(name)?.clone());
            Some(Ddl::AddConstraint { table: table.clone(), constraint })
        }
        ObjectRef::Index(name) => {
            let index = Box::new((**catalog.indexes.get(name)?).clone());
            Some(Ddl::CreateIndex { index, concurrently: false, if_not_exists: false })
        }
        ObjectRef::View(name) => {
            let view = Box::new((**catalog.views.get(name)?).clone());
            Some(Ddl::CreateView { view, or_replace: false, if_not_exists: false })
        }
        ObjectRef::Type(name) => Some(Ddl::CreateType { ty: Box::new((**catalog.types.get(name)?).clone()) }),
        ObjectRef::Function(name, args) => {
            let function = Box::new((**catalog.functions.get(&(name.clone(), args.clone()))?).clone());
            Some(Ddl::CreateFunction { function, or_replace: false })
        }
        ObjectRef::Trigger(table, name) => {
            let trigger = Box::new((**catalog.triggers.get(&(table.clone(), name.clone()))?).clone());
            Some(Ddl::CreateTrigger { trigger, or_replace: false })
        }
        ObjectRef::Policy(table, name) => {
            let policy = Box::new((**catalog.policies.get(&(table.clone(), name.clone()))?).clone());
            Some(Ddl::CreatePolicy { policy })
        }
        ObjectRef::Statistics(name) => {
            let statistics = Box::new((**catalog.statistics.get(name)?).clone());
            Some(Ddl::CreateStatistics { statistics, if_not_exists: false })
        }
        ObjectRef::Rule(..) | ObjectRef::Collation(_) | ObjectRef::Other(..) => {
            let opaque = catalog.opaque.iter().find(|it| it.object.as_ref() == Some(object))?;
            Some(Ddl::Opaque(Box::new((**opaque).clone())))
        }
        _ => None,
    }
}

/// `base` with everything that the statements add.
pub fn world<'a>(base: &Catalog, ddl: impl Iterator<Item = &'a Ddl>) -> Catalog {
    let mut res = base.clone();
    for ddl in ddl {
        let adds = matches!(
            ddl,
            Ddl::CreateSchema { .. }
                | Ddl::CreateTable { .. }
                | Ddl::CreateType { .. }
                | Ddl::CreateSequence { .. }
                | Ddl::CreateFunction { .. }
                | Ddl::CreateView { .. }
                | Ddl::AddColumn { .. }
                | Ddl::CreateIndex { .. }
        );
        if adds {
            // What cannot be added yet, or again, is in `after` or comes with its own statement.
            _ = res.apply(ddl);
        }
    }
    res
}
