//! The way back: the partition is the table again, with the rows that went to others meanwhile.

use super::{Divided, exchange::said_again, key_of, moves::Moves};
use crate::{
    catalog::Catalog,
    changes::{
        build::{Builder, backing_index, grant},
        recreate,
    },
    plan::{Action, helper_name},
    sql::*,
};

impl Divided {
    /// Fills `self.back`: from `end`, the catalog after the exchange, to `staged`, the one before it (less the check, which
    /// rows of other partitions would break).
    pub(super) fn way_back(
        &mut self,
        b: &Builder<'_>,
        staged: &Catalog,
        end: &Catalog,
        midway: &Catalog,
    ) -> Result<(), String> {
        let mut acc = Moves::from(b.dialect(), end);
        let Some(old) = staged.table(&self.table).cloned() else { return Ok(()) };
        let keys = self.build_keys(&mut acc);
        self.lock(&mut acc);
        for (table, it) in &self.incoming {
            if let Some(name) =
                it.name.clone().filter(|it| acc.now.table(table).is_some_and(|table| table.constraint(it).is_some()))
            {
                acc.run(Ddl::DropConstraint { table: table.clone(), name, if_exists: false, cascade: false }, "");
            }
        }
        for partition in self.others.iter().chain([&self.legacy]) {
            let (parent, partition) = (self.table.clone(), partition.clone());
            acc.run(Ddl::DetachPartition { parent, partition, mode: DetachMode::Plain }, "");
        }
        self.bring_rows_home(&mut acc, &old);
        self.read_one_table(&mut acc, staged, midway);
        self.take_sequences(&mut acc, staged, &old);
        let drop = |name: &Name| Ddl::DropTable { name: name.clone(), if_exists: false, cascade: false };
        self.others.iter().for_each(|it| acc.run(drop(it), ""));
        acc.run(drop(&self.table), "");
        self.restore_identities(&mut acc, staged, &old);
        self.restore_keys(&mut acc, &old, keys);
        let rename = Ddl::RenameTable { from: self.legacy.clone(), to: self.table.name.clone(), if_exists: false };
        acc.run(rename, "");
        acc.dress(staged, &self.table);
        for ddl in self.bound_functions(staged).into_iter().flat_map(|it| recreate::function(staged, it)) {
            acc.run(ddl, "");
        }
        let mut last = Vec::new();
        for (table, it) in &self.incoming {
            let pending = Constraint { not_valid: !it.not_enforced, ..it.clone() };
            let whole = b.partitioned(table) && !b.can(crate::dialect::Capability::PartitionedForeignKeyNotValid);
            let constraint = Box::new(if whole { it.clone() } else { pending });
            acc.run(Ddl::AddConstraint { table: table.clone(), constraint }, "");
            if !it.not_valid && !it.not_enforced && !whole {
                last.push(Ddl::ValidateConstraint { table: table.clone(), name: self.name_of(it) });
            }
        }
        last.into_iter().for_each(|it| acc.run(it, ""));
        self.back = acc.done()?.0.into_iter().map(|it| it.0).collect();
        Ok(())
    }

    /// Unique indexes, beside running writes: of each key that was lost, under a name of its own; and of each that was
    /// built for the exchange and goes with its constraint.
    fn build_keys(&self, acc: &mut Moves<'_>) -> Vec<(Constraint, Ident)> {
        let mut res = Vec::new();
        let mut build = |index: Index| {
            let create = Ddl::CreateIndex { index: Box::new(index), concurrently: true, if_not_exists: false };
            acc.run(create, "");
        };
        for it in &self.lost {
            let Some(key) = key_of(it) else { continue };
            let working = helper_name("mc_old", &[self.name_of(it).as_str()]);
            build(backing_index(&self.legacy, &working, key));
            res.push((it.clone(), working));
        }
        for it in &self.indexes {
            let name = it.name.clone().map(|it| self.legacy.sibling(helper_name("mc_old", &[it.name.as_str()])));
            build(Index { name, table: self.legacy.clone(), ..it.clone() });
        }
        res
    }

    /// Rows of the other partitions, with the values they have.
    fn bring_rows_home(&self, acc: &mut Moves<'_>, old: &Table) {
        let columns = old.columns.iter().filter(|it| it.generated.is_none());
        let columns: Vec<String> = columns.map(|it| acc.dialect.quote(&it.name).into_owned()).collect();
        let columns = columns.join(", ");
        let to = acc.dialect.quote_name(&self.legacy);
        for it in &self.others {
            let from = acc.dialect.quote_name(it);
            acc.data(format!("INSERT INTO {to} ({columns}) SELECT {columns} FROM {from}"), "");
        }
    }

    /// Views and policies read the partition alone, and follow it to its name.
    fn read_one_table(&self, acc: &mut Moves<'_>, staged: &Catalog, midway: &Catalog) {
        for view in staged.views.values().filter(|it| !it.materialized) {
            if let Some(went) = midway.views.get(&view.name).filter(|it| it.reads != view.reads) {
                let view = Box::new((**went).clone());
                acc.run(Ddl::CreateView { view, or_replace: true, if_not_exists: false }, "");
            }
        }
        // They are kept parsed, and would keep the parent.
        for it in self.bound_functions(staged) {
            let (name, args) = (it.name.clone(), Some(it.input_types()));
            acc.run(Ddl::DropFunction { name, args, kind: it.kind, if_exists: false, cascade: false }, "");
        }
        for (key, policy) in staged.policies.iter() {
            if let Some(went) = midway.policies.get(key)
                && (&went.using, &went.check) != (&policy.using, &policy.check)
            {
                acc.run(said_again(went), "");
            }
        }
    }

    /// Before the parent goes and takes them along.
    fn take_sequences(&self, acc: &mut Moves<'_>, staged: &Catalog, old: &Table) {
        let owned = staged.sequences.values().filter_map(|it| Some((it.name.clone(), it.owned_by.clone()?)));
        for (name, (_, column)) in owned.filter(|it| it.1.0 == self.table).collect::<Vec<_>>() {
            let owned_by = Some(Some((self.legacy.clone(), column)));
            let set = SequenceOptions::default();
            acc.run(Ddl::AlterSequence { name, set, restart: None, owned_by, if_exists: false }, "");
        }
        for column in old.columns.iter().filter(|it| it.identity.is_some()) {
            let (Some(now), Some(identity)) =
                (staged.identity_sequence(&self.table, &column.name), column.identity.clone())
            else {
                continue;
            };
            let aside = now.sibling(helper_name("mc_old", &[now.name.as_str()]));
            let options = SequenceOptions { name: Some(aside.clone()), ..identity.options.clone() };
            let identity = Identity { options, ..identity };
            acc.run(Ddl::AddIdentity { table: self.legacy.clone(), column: column.name.clone(), identity }, "");
            acc.carry(&now, &aside);
        }
    }

    fn restore_identities(&self, acc: &mut Moves<'_>, staged: &Catalog, old: &Table) {
        for column in old.columns.iter().filter(|it| it.identity.is_some()) {
            let Some(now) = staged.identity_sequence(&self.table, &column.name) else { continue };
            let aside = now.sibling(helper_name("mc_old", &[now.name.as_str()]));
            acc.run(Ddl::RenameSequence { from: aside, to: now.name.clone() }, "");
            for it in staged.privileges.iter().filter(|it| it.object == ObjectRef::Sequence(now.clone())) {
                acc.run(grant(it), "");
            }
        }
    }

    /// Names of indexes and keys as they were; keys of the exchange step down to what they were made of.
    fn restore_keys(&self, acc: &mut Moves<'_>, old: &Table, keys: Vec<(Constraint, Ident)>) {
        for name in self.indexes.iter().filter_map(|it| it.name.clone()) {
            let own = name.name.clone();
            acc.run(
                Ddl::DropConstraint { table: self.legacy.clone(), name: own, if_exists: false, cascade: false },
                "",
            );
            let aside = name.sibling(helper_name("mc_old", &[name.name.as_str()]));
            acc.run(Ddl::RenameIndex { from: aside, to: name.name.clone() }, "");
        }
        for (it, index) in keys {
            let promote = Ddl::AddConstraintUsingIndex {
                table: self.legacy.clone(),
                name: it.name.clone(),
                primary: matches!(it.kind, ConstraintKind::PrimaryKey(_)),
                index,
                deferrable: it.deferrable,
                initially_deferred: it.initially_deferred,
            };
            acc.run(promote, "");
        }
        // What the exchange renamed takes its name again.
        let renames = self.exchange.iter().rev().filter_map(|it| match &it.0 {
            Action::Ddl(Ddl::RenameIndex { from, to }) => {
                Some(Ddl::RenameIndex { from: from.sibling(to.clone()), to: from.name.clone() })
            }
            Action::Ddl(Ddl::RenameConstraint { table, from, to }) if old.constraint(from).is_some() => {
                Some(Ddl::RenameConstraint { table: table.clone(), from: to.clone(), to: from.clone() })
            }
            _ => None,
        });
        renames.collect::<Vec<_>>().into_iter().for_each(|it| acc.run(it, ""));
    }
}
