//! The short transaction: the table steps down, a partitioned one takes its name and its place.

use super::{Divided, is_default, key_of, moves::Moves, same_key};
use crate::{
    catalog::Catalog,
    changes::{
        build::{Builder, column_settings, grant},
        recreate,
    },
    dialect::Capability,
    plan::helper_name,
    sql::*,
};

impl Divided {
    /// Fills `self.exchange`. The catalogs at its end, and where the table has its new name and nothing else has happened.
    pub(super) fn exchange(&mut self, b: &Builder<'_>, staged: &Catalog) -> Result<(Catalog, Catalog), String> {
        let mut acc = Moves::from(b.dialect(), staged);
        self.incoming = staged.referencing(&self.table).map(|(from, it)| (from.name.clone(), it.clone())).collect();
        self.lock(&mut acc);
        for (table, it) in &self.incoming {
            let name = self.name_of(it);
            let drop = Ddl::DropConstraint { table: table.clone(), name, if_exists: false, cascade: false };
            acc.run(drop, "it would go on pointing at the old rows alone");
        }
        acc.bare(&self.table);
        let identities = self.set_identities_aside(&mut acc, staged);
        let rename = Ddl::RenameTable { from: self.table.clone(), to: self.legacy.name.clone(), if_exists: false };
        acc.run(rename, "the rows stay where they are");
        let midway = acc.now.clone();
        let kept = self.free_index_names(b, &mut acc, staged);
        self.exchange_keys(b, &mut acc);
        self.create_parent(b, &mut acc, staged);
        for (column, aside, now) in identities {
            self.hand_identity_over(&mut acc, staged, &column, &aside, &now);
        }
        for index in kept {
            let create = Ddl::CreateIndex { index: Box::new(index), concurrently: false, if_not_exists: false };
            acc.run(create, "the table is empty; the partition lends it the one it has");
        }
        self.attach(b, &mut acc);
        acc.strip(&self.legacy);
        acc.dress(staged, &self.table);
        self.follow(&mut acc, staged, &midway);
        self.point_here_again(b, &mut acc);
        let (exchange, end) = acc.done()?;
        self.exchange = exchange;
        Ok((end, midway))
    }

    /// All locks first, in one order.
    pub(super) fn lock(&self, acc: &mut Moves<'_>) {
        // ATTACH takes the triggers of a foreign key off the table that it points at.
        let pointed = |it: &Constraint| match &it.kind {
            ConstraintKind::ForeignKey(fk) => Some(fk.references.clone()),
            _ => None,
        };
        let own = acc.now.table(&self.table).map(|it| it.constraints.clone()).unwrap_or_default();
        let incoming = self.incoming.iter().map(|it| it.0.clone());
        let mut tables: Vec<Name> = Vec::new();
        for table in own.iter().filter_map(pointed).chain([self.table.clone()]).chain(incoming) {
            if !tables.contains(&table) {
                tables.push(table);
            }
        }
        let lock = Ddl::Lock { tables, mode: "ACCESS EXCLUSIVE".into() };
        acc.run(lock, "all locks first, in one order: what follows waits for nobody");
    }

    /// Identity columns with the name under which their sequence waits, and the name it has.
    fn set_identities_aside(&self, acc: &mut Moves<'_>, staged: &Catalog) -> Vec<(Column, Name, Name)> {
        let columns = staged.table(&self.table).map(|it| it.columns.clone()).unwrap_or_default();
        let mut res = Vec::new();
        for column in columns.into_iter().filter(|it| it.identity.is_some()) {
            let Some(now) = staged.identity_sequence(&self.table, &column.name) else { continue };
            let aside = now.sibling(helper_name("mc_old", &[now.name.as_str()]));
            let rename = Ddl::RenameSequence { from: now.clone(), to: aside.name.clone() };
            acc.run(rename, "its successor takes the name; nextval waits until this is committed");
            res.push((column, aside, now));
        }
        res
    }

    fn hand_identity_over(&self, acc: &mut Moves<'_>, staged: &Catalog, column: &Column, aside: &Name, now: &Name) {
        let Some(identity) = column.identity.clone() else { return };
        let options = SequenceOptions { name: Some(now.clone()), ..identity.options.clone() };
        let identity = Identity { options, ..identity };
        let add = Ddl::AddIdentity { table: self.table.clone(), column: column.name.clone(), identity };
        acc.run(add, "the partitioned table numbers its rows");
        acc.carry(aside, now);
        for it in staged.privileges.iter().filter(|it| it.object == ObjectRef::Sequence(now.clone())) {
            acc.run(grant(it), "as for the sequence before");
        }
        let drop = Ddl::DropIdentity { table: self.legacy.clone(), column: column.name.clone(), if_exists: false };
        acc.run(drop, "a partition numbers no rows; its sequence goes with it");
    }

    /// Indexes that the partitioned table is to have: theirs are renamed as the partition's. Returns those of the table.
    fn free_index_names(&self, b: &Builder<'_>, acc: &mut Moves<'_>, staged: &Catalog) -> Vec<Index> {
        let after = b.after();
        let mut res = Vec::new();
        for own in staged.indexes_of(&self.table) {
            let Some(name) = &own.name else { continue };
            if self.indexes.iter().any(|it| it.name.as_ref() == Some(name)) {
                continue;
            }
            let wanted = after.indexes.get(name);
            let same = wanted.filter(|it| it.table == self.table && comparable(it) == comparable(own));
            if let Some(same) = same {
                res.push(Index { only: false, attached_to: None, statistics: Default::default(), ..(**same).clone() });
            } else if wanted.is_none_or(|it| it.table == self.legacy) {
                continue;
            }
            let lent =
                after.indexes_of(&self.legacy).find(|it| same.is_some() && it.attached_to.as_ref() == Some(name));
            let free = lent.and_then(|it| it.name.clone()).map(|it| it.name);
            let to = free.unwrap_or_else(|| helper_name(self.legacy.name.as_str(), &[name.name.as_str()]));
            acc.run(Ddl::RenameIndex { from: name.clone(), to }, "the name belongs to the index of all partitions");
        }
        res
    }

    /// The partition gets the keys of its parent as constraints: an index alone would be built again (measured 11–18).
    fn exchange_keys(&self, b: &Builder<'_>, acc: &mut Moves<'_>) {
        let (Some(new), Some(legacy)) = (b.after().table(&self.table), b.after().table(&self.legacy)) else { return };
        let own = acc.now.table(&self.legacy).map(|it| it.constraints.clone()).unwrap_or_default();
        for it in &own {
            let Some(name) = it.name.clone().filter(|_| key_of(it).is_some()) else { continue };
            if new.constraints.iter().any(|key| same_key(key, it)) {
                let lent = legacy.constraints.iter().find(|key| same_key(key, it)).and_then(|it| it.name.clone());
                let to = lent.unwrap_or_else(|| helper_name(self.legacy.name.as_str(), &[name.as_str()]));
                if to != name {
                    let rename = Ddl::RenameConstraint { table: self.legacy.clone(), from: name, to };
                    acc.run(rename, "the name belongs to the key of all partitions");
                }
                continue;
            }
            let drop = Ddl::DropConstraint { table: self.legacy.clone(), name, if_exists: false, cascade: false };
            acc.run(drop, "a key of a partitioned table holds its partition key");
        }
        for index in &self.indexes {
            let Some(name) = index.name.as_ref().map(|it| it.name.clone()) else { continue };
            let columns: Vec<&Ident> = index.keys.iter().filter_map(|it| it.expr.as_column()).collect();
            let key = new.constraints.iter().find(|it| {
                let own = key_of(it)
                    .is_some_and(|it| it.columns.iter().eq(columns.iter().copied()) && it.include == index.include);
                own && !legacy_has(acc, &self.legacy, it)
            });
            let Some(key) = key else { continue };
            let promote = Ddl::AddConstraintUsingIndex {
                table: self.legacy.clone(),
                name: Some(name.clone()),
                primary: matches!(key.kind, ConstraintKind::PrimaryKey(_)),
                index: name,
                deferrable: key.deferrable,
                initially_deferred: key.initially_deferred,
            };
            acc.run(promote, "the index is there already: only the catalog changes");
        }
    }

    fn create_parent(&self, b: &Builder<'_>, acc: &mut Moves<'_>, staged: &Catalog) {
        let (Some(old), Some(new)) = (staged.table(&self.table), b.after().table(&self.table)) else { return };
        let here = |it: &&Constraint| match &it.kind {
            ConstraintKind::PrimaryKey(_) | ConstraintKind::Unique(_) => true,
            ConstraintKind::Check(_) | ConstraintKind::ForeignKey(_) => {
                old.constraints.iter().any(|own| own == *it && !own.not_valid)
            }
            _ => false,
        };
        let own = |it: &&Constraint| !matches!(&it.kind, ConstraintKind::ForeignKey(fk) if fk.references == self.table);
        let mut table = Table::new(self.table.clone());
        table.persistence = old.persistence;
        table.columns = old.columns.clone();
        table.columns.iter_mut().for_each(|it| it.identity = None);
        table.constraints = new.constraints.iter().filter(here).filter(own).cloned().collect();
        table.partition_by = new.partition_by.clone();
        let bare = recreate::bare(staged, table.clone());
        let create = Ddl::CreateTable { table: Box::new(bare), if_not_exists: false, likes: Vec::new() };
        acc.run(create, "the same columns, defaults and constraints, and no rows of its own");
        for ddl in table.columns.iter().flat_map(|it| column_settings(&self.table, it)) {
            acc.run(ddl, "as before");
        }
        let owned = staged.sequences.values().filter_map(|it| Some((it.name.clone(), it.owned_by.clone()?)));
        for (name, owner) in owned.filter(|it| it.1.0 == self.table).collect::<Vec<_>>() {
            let set = SequenceOptions::default();
            let own = Ddl::AlterSequence { name, set, restart: None, owned_by: Some(Some(owner)), if_exists: false };
            acc.run(own, "it numbers the rows of all partitions");
        }
    }

    /// The table as a partition, and the partitions beside it, so that every row finds its place from the first moment.
    fn attach(&mut self, b: &Builder<'_>, acc: &mut Moves<'_>) {
        let Some(of) = b.after().table(&self.legacy).and_then(|it| it.partition_of.clone()) else { return };
        let (parent, partition) = (self.table.clone(), self.legacy.clone());
        acc.run(
            Ddl::AttachPartition { parent, partition, bound: of.bound },
            "the valid check proves its bound: no row is read",
        );
        let mut open: Vec<Name> = vec![self.table.clone()];
        while let Some(parent) = open.pop() {
            let of = |it: &Table| it.partition_of.as_ref().is_some_and(|it| is_default(&it.bound));
            let mut own: Vec<&Table> = b.after().partitions_of(&parent).map(|it| &**it).collect();
            own.sort_by_key(|it| of(it));
            for it in own.into_iter().filter(|it| !b.pairs.base.tables.contains_key(&it.name) && it.name != self.legacy)
            {
                let table = Box::new(own_part(b.after(), it));
                acc.run(
                    Ddl::CreateTable { table, if_not_exists: false, likes: Vec::new() },
                    "it is empty, and nobody waits for it",
                );
                if parent == self.table {
                    self.others.push(it.name.clone());
                }
                open.push(it.name.clone());
            }
        }
        if let Some(name) = self.check.as_ref().and_then(|it| it.name.clone()) {
            let drop = Ddl::DropConstraint { table: self.legacy.clone(), name, if_exists: false, cascade: false };
            acc.run(drop, "the bound says it now");
        }
    }

    /// Foreign keys that the schema keeps hold for new rows at once.
    fn point_here_again(&self, b: &Builder<'_>, acc: &mut Moves<'_>) {
        for (table, it) in &self.incoming {
            let wanted = b.after().table(table).and_then(|table| table.constraint(it.name.as_ref()?));
            let same = wanted.is_some_and(|wanted| wanted.kind == it.kind) && *table != self.table;
            let later = !b.partitioned(table) || b.can(Capability::PartitionedForeignKeyNotValid);
            if same && later && !it.not_enforced {
                let constraint = Box::new(Constraint { not_valid: true, ..it.clone() });
                let add = Ddl::AddConstraint { table: table.clone(), constraint };
                acc.run(add, "NOT VALID: holds for new rows at once, reads no old ones");
            }
        }
    }

    /// What reads the table by its identity, not its name, went along with the rename: it reads the whole again.
    fn follow(&self, acc: &mut Moves<'_>, staged: &Catalog, midway: &Catalog) {
        for view in staged.views.values().filter(|it| !it.materialized) {
            if midway.views.get(&view.name).is_some_and(|it| it.reads != view.reads) {
                let again =
                    Ddl::CreateView { view: Box::new((**view).clone()), or_replace: true, if_not_exists: false };
                acc.run(again, "it reads all partitions");
            }
        }
        for it in self.bound_functions(staged) {
            acc.run(
                Ddl::CreateFunction { function: Box::new(it.clone()), or_replace: true },
                "it reads all partitions",
            );
        }
        for (key, policy) in staged.policies.iter() {
            if let Some(went) = midway.policies.get(key)
                && (&went.using, &went.check) != (&policy.using, &policy.check)
            {
                acc.run(said_again(policy), "it asks all partitions");
            }
        }
    }

    /// Functions whose body is kept parsed (`BEGIN ATOMIC`, PostgreSQL 14+), and names the table.
    pub(super) fn bound_functions<'a>(&self, staged: &'a Catalog) -> Vec<&'a Function> {
        let names = |it: &Function| {
            let paths = tokens::paths(it.body.text());
            paths.iter().any(|it| !it.called && it.name().name == self.table.name)
        };
        staged.functions.values().map(|it| &**it).filter(|it| it.sql_body && names(it)).collect()
    }
}

/// What a partition says beyond its parent: the rest it takes from there, as the parent is at that moment.
fn own_part(after: &Catalog, table: &Table) -> Table {
    let mut res = recreate::bare(after, table.clone());
    let Some(parent) = table.partition_of.as_ref().and_then(|it| after.table(&it.parent)) else { return res };
    let said = |it: &Column| (it.not_null, it.default.clone(), it.generated.clone());
    res.columns.retain(|it| parent.column(&it.name).is_none_or(|above| said(above) != said(it)));
    res.constraints.retain(|it| !parent.constraints.iter().any(|above| above.kind == it.kind));
    res
}

fn legacy_has(acc: &Moves<'_>, legacy: &Name, key: &Constraint) -> bool {
    acc.now.table(legacy).is_some_and(|it| it.constraints.iter().any(|own| same_key(own, key)))
}

/// What makes an index of a partition fit for that of its parent.
fn comparable(index: &Index) -> Index {
    Index { name: None, attached_to: None, only: false, statistics: Default::default(), ..index.clone() }
}

/// A policy's conditions, anew.
pub(super) fn said_again(policy: &Policy) -> Ddl {
    Ddl::AlterPolicy {
        table: policy.table.clone(),
        name: policy.name.clone(),
        roles: Some(policy.roles.clone()),
        using: policy.using.clone(),
        check: policy.check.clone(),
    }
}
