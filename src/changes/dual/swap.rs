//! One name for two copies: the hidden copy is filled and guarded like the old one, then they exchange names.
//!
//! All columns of a set ([`crate::changes::link`]) go in one transaction (playbook §4.12). What was checked before, NOT
//! NULL, keys and foreign keys of the new copies, needs no look at the rows there: it is as short as the catalog changes are.

use super::{
    Twin,
    copies::{self, build_parts, drop_part, is_foreign_key, is_primary_key, rename_part, touch},
    identity,
};
use crate::{
    changes::{
        bound::Bound,
        build::{self, Builder, Followers},
        labels::{self, Replaced},
        link,
        outline::Outline,
        rebuilt::{self, Part, Rebuilt},
        recreate,
    },
    dialect::Probe,
    plan::{Action, PhaseKind::*, Undo, helper_name},
    sql::*,
};

struct Swap<'a> {
    b: &'a Builder<'a>,
    twins: Vec<&'a Twin>,
    parts: Vec<&'a Rebuilt>,
    /// The transaction.
    group: String,
    /// Enums that go over with them.
    types: Vec<&'a Replaced>,
    /// Referenced tables before those that refer to them; the transaction locks them in this order.
    tables: Vec<Name>,
}

/// All steps of the columns of a set.
pub fn outline(b: &Builder<'_>, acc: &mut Outline, twins: &[Twin]) {
    let Some(swap) = Swap::new(b, twins) else { return };
    swap.make_types(acc);
    swap.twins.iter().for_each(|it| copies::expand(b, acc, it));
    copies::fill(b, acc, &swap.twins);
    let from = acc.drafts.len();
    build_parts(b, acc, &swap.twins, &swap.parts);
    // The way back has dropped the new foreign keys by then, before the keys they stand on.
    for draft in &mut acc.drafts[from..] {
        if let Action::Ddl(Ddl::AddConstraint { table, constraint }) = &draft.action
            && let (ConstraintKind::ForeignKey(_), Some(name)) = (&constraint.kind, &constraint.name)
        {
            let drop = drop_constraint(table, name, true);
            draft.undo(Undo::By(vec![Action::Ddl(drop)]));
        }
    }
    swap.exchange(acc);
    swap.contract(acc);
}

impl<'a> Swap<'a> {
    fn new(b: &'a Builder<'a>, twins: &'a [Twin]) -> Option<Self> {
        let first = twins.first()?;
        let owns = |it: &&Rebuilt| twins.iter().any(|twin| it.owner == (twin.table().clone(), twin.after.name.clone()));
        let parts: Vec<&Rebuilt> = b.pairs.rebuilt.iter().filter(owns).collect();
        let mut tables: Vec<Name> = Vec::new();
        let pointing = parts.iter().filter(|it| is_foreign_key(&it.after)).map(|it| it.after.table());
        for it in twins.iter().map(Twin::table).chain(pointing) {
            if !tables.contains(it) {
                tables.push(it.clone());
            }
        }
        let group = format!("swap:{}.{}", first.table(), first.after.name);
        let set: Vec<(Name, Ident)> = twins.iter().map(|it| (it.table().clone(), it.after.name.clone())).collect();
        let types = link::types(b.pairs, &set);
        Some(Self { b, twins: twins.iter().collect(), parts, group, types, tables })
    }

    /// The short transaction in which the copies exchange their names.
    fn exchange(&self, acc: &mut Outline) {
        let (b, group) = (self.b, self.group.as_str());
        for twin in &self.twins {
            let ty = b.dialect().render_type(&twin.after.ty);
            acc.gate(
                Enforce,
                format!("every instance can read and write {}.{} as {ty}", twin.table(), twin.after.name),
            );
        }
        let mut tables: Vec<&Name> = self.twins.iter().map(|it| it.table()).collect();
        tables.dedup();
        for table in tables {
            // The new copy stands behind all other columns: a value given by its place alone would go elsewhere.
            acc.gate(Enforce, copies::named_columns(table));
        }
        if self.tables.len() > 1 {
            acc.grouped(Enforce, group, self.lock(), "all locks first, in one order: what follows waits for nobody")
                .undo(Undo::Nothing);
        }
        copies::stand_over(b, acc, Enforce, group, &self.parts);
        for twin in &self.twins {
            copies::drop_sync(b, acc, Enforce, group, &twin.dual.sync, None);
        }
        let bound = self.bound();
        let followers = self.followers(&bound);
        followers.drop(acc, Enforce, group);
        self.take_down(acc, &bound);
        self.rename_types(acc);
        self.drop_old_keys(acc);
        for twin in &self.twins {
            let sync = &twin.dual.sync;
            identity::hand_over(b, acc, Enforce, group, twin, &sync.old, &sync.new);
        }
        self.twins.iter().for_each(|it| self.rename(acc, it));
        for part in &self.parts {
            copies::add_primary_key(b, acc, Enforce, group, part);
            if let Some(draft) = acc.drafts.last_mut().filter(|_| is_primary_key(&part.after)) {
                // Its index goes with it: what Enforce built is not built again only to be dropped.
                if let Part::Constraint(table, Constraint { name: Some(name), .. }) = &part.after {
                    draft.undo(Undo::By(vec![Action::Ddl(drop_constraint(table, name, false))]));
                }
            }
        }
        self.put_up(acc, &bound);
        followers.create(acc, Enforce, group);
        self.twins.iter().for_each(|it| self.attach(acc, it));
        self.follow_back(acc);
    }

    fn lock(&self) -> Ddl {
        Ddl::Lock { tables: self.tables.clone(), mode: "ACCESS EXCLUSIVE".into() }
    }

    /// What holds on to the enums that step aside.
    fn bound(&self) -> Bound<'a> {
        let names: Vec<Name> = self.types.iter().map(|it| it.name.clone()).collect();
        Bound::of(&self.b.pairs.base, &names)
    }

    fn followers(&self, bound: &Bound<'_>) -> Followers<'a> {
        let columns: Vec<(Name, Ident)> =
            self.twins.iter().map(|it| (it.table().clone(), it.before.name.clone())).collect();
        self.b.followers_of(&columns, Some(bound))
    }

    /// Functions with an enum in their signature, and defaults elsewhere that cast to it.
    fn take_down(&self, acc: &mut Outline, bound: &Bound<'_>) {
        for it in bound.functions.iter().rev() {
            let (name, args, kind) = (it.name.clone(), Some(it.input_types()), it.kind);
            let drop = Ddl::DropFunction { name, args, kind, if_exists: false, cascade: false };
            acc.grouped(
                Enforce,
                &self.group,
                drop,
                "the old type is in its signature; it comes back in this transaction",
            );
        }
        for (table, column) in bound.defaults(false) {
            let drop = Ddl::SetDefault { table, column, default: None };
            acc.grouped(Enforce, &self.group, drop, "it holds the old type and comes back in this transaction");
        }
    }

    fn put_up(&self, acc: &mut Outline, bound: &Bound<'_>) {
        let after = self.b.after();
        for it in &bound.functions {
            for (i, ddl) in recreate::function(after, it).into_iter().enumerate() {
                let draft = acc.grouped(Enforce, &self.group, ddl, "over the new type");
                if i > 0 {
                    draft.undo(Undo::Nothing);
                }
            }
        }
        for (table, column) in bound.defaults(false) {
            let default = after.table(&table).and_then(|it| it.column(&column)).and_then(|it| it.default.clone());
            if default.is_some() {
                acc.grouped(Enforce, &self.group, Ddl::SetDefault { table, column, default }, "over the new type");
            }
        }
        let compiled = bound.compiled().filter(|_| !bound.types.is_empty());
        for it in compiled {
            let kept = after.functions.get(&(it.name.clone(), it.input_types())).unwrap_or(it);
            let again = Ddl::CreateFunction { function: Box::new((**kept).clone()), or_replace: true };
            acc.grouped(Enforce, &self.group, again, "sessions forget the old type that its variables were of");
        }
    }

    /// Old foreign keys of the set, then old primary keys: their successors are valid already, or follow in this transaction.
    fn drop_old_keys(&self, acc: &mut Outline) {
        let b = self.b;
        for part in &self.parts {
            if let Some(Part::Constraint(table, Constraint { name: Some(name), .. })) =
                part.before.as_ref().filter(|it| is_foreign_key(it))
            {
                let drop = drop_constraint(table, name, false);
                acc.grouped(Enforce, &self.group, drop, "its successor holds for every row").undo(Undo::Nothing);
            }
        }
        for part in &self.parts {
            if copies::drop_primary_key(acc, Enforce, &self.group, part)
                && let (Some(draft), Some(back)) = (acc.drafts.last_mut(), self.key_back(part))
            {
                let comment = part.before.as_ref().and_then(|it| recreate::comment(&b.pairs.base, &it.object()));
                draft.undo(Undo::By([back.1].into_iter().chain(comment).map(Action::Ddl).collect()));
            }
        }
    }

    fn rename(&self, acc: &mut Outline, twin: &Twin) {
        let (b, table, group) = (self.b, twin.table(), self.group.as_str());
        let (old, new, gone) = (&twin.before, &twin.after, twin.old_copy());
        let rename =
            |from: &Ident, to: &Ident| Ddl::RenameColumn { table: table.clone(), from: from.clone(), to: to.clone() };
        let (from, to) = (b.dialect().render_type(&old.ty), b.dialect().render_type(&new.ty));
        let why = match twin.dual.keyed {
            true => {
                format!("the old copy steps aside; from the first {to} on that {from} cannot hold there is no way back")
            }
            false => {
                format!("the old copy steps aside; values of {to} that {from} cannot hold are refused until Contract")
            }
        };
        acc.grouped(Enforce, group, rename(&old.name, &gone), why);
        acc.grouped(Enforce, group, rename(&twin.dual.sync.new, &new.name), "the new copy takes the name");
        let filled = "the trigger fills it now";
        if old.default.is_some() {
            let drop = Ddl::SetDefault { table: table.clone(), column: gone.clone(), default: None };
            acc.grouped(Enforce, group, drop, filled);
        }
        if self.frees_null(twin) {
            acc.grouped(Enforce, group, Ddl::DropNotNull { table: table.clone(), column: gone }, filled)
                .undo(Undo::Nothing);
        }
        copies::take_over(b, acc, Enforce, group, twin);
    }

    /// The old copy may be empty after the swap: not where a key that goes later, or the replica identity, stands on it.
    fn frees_null(&self, twin: &Twin) -> bool {
        let base = &self.b.pairs.base;
        let Some(table) = base.table(twin.table()) else { return twin.before.not_null };
        let own = |name: &Ident| {
            self.parts.iter().filter_map(|it| it.before.as_ref()).any(|it| match it {
                Part::Index(it) => it.name.as_ref().is_some_and(|it| it.name == *name) && it.table == table.name,
                Part::Constraint(of, it) => *of == table.name && it.name.as_ref() == Some(name),
            })
        };
        let primary = table.primary_key().filter(|it| rebuilt::constraint_mentions(it, &twin.before.name));
        let primary = primary.and_then(|it| it.name.clone());
        let identity = match &table.replica_identity {
            ReplicaIdentity::Index(it) => {
                Some(it.clone()).filter(|it| copies::index_stands(base, table, it, &twin.before.name))
            }
            _ => None,
        };
        twin.before.not_null && primary.iter().chain(&identity).all(own)
    }

    /// Comment and column privileges are the column's, not its name's.
    fn attach(&self, acc: &mut Outline, twin: &Twin) {
        let column = ObjectRef::Column(twin.table().clone(), twin.after.name.clone());
        let gone = ObjectRef::Column(twin.table().clone(), twin.old_copy());
        if let Some(text) = self.b.after().comments.get(&column) {
            let comment = Ddl::Comment { object: column.clone(), text: Some(text.clone()) };
            let back = [(column.clone(), None), (gone.clone(), self.b.pairs.base.comments.get(&column).cloned())];
            let back = back.map(|(object, text)| Action::Ddl(Ddl::Comment { object, text }));
            acc.grouped(Enforce, &self.group, comment, "as on the old copy").undo(Undo::By(back.into()));
        }
        for it in self.b.after().privileges.iter().filter(|it| it.object == column) {
            let back = build::grant(&Privilege { object: gone.clone(), ..it.clone() });
            let back = vec![Action::Ddl(build::revoke(it)), Action::Ddl(back)];
            acc.grouped(Enforce, &self.group, build::grant(it), "as on the old copy").undo(Undo::By(back));
        }
    }

    /// Last of the transaction, so that the way back begins with what must be built before it.
    fn follow_back(&self, acc: &mut Outline) {
        let b = self.b;
        for (i, twin) in self.twins.iter().enumerate() {
            let reverse = twin.reverse();
            for ddl in b.dialect().sync(&reverse) {
                let trigger = match &ddl {
                    Ddl::CreateTrigger { trigger, .. } => Some(copies::drop_trigger(trigger)),
                    _ => None,
                };
                let draft = acc.grouped(Enforce, &self.group, ddl, "the old copy is kept up to date for the way back");
                if let Some(drop) = trigger.filter(|_| i + 1 == self.twins.len()) {
                    let mut actions = self.before_the_way_back();
                    actions.push(drop);
                    draft.undo(Undo::By(actions.into_iter().map(Action::Ddl).collect()));
                }
            }
            acc.verify(Enforce, b.dialect(), Probe::SyncTrigger { sync: reverse });
        }
    }

    /// The old copies get back what guards a key, beside running writes, before the names change again.
    fn before_the_way_back(&self) -> Vec<Ddl> {
        let mut res = Vec::new();
        for twin in self.twins.iter().filter(|it| self.frees_null(it)) {
            res.extend(build::not_null_actions(self.b, twin.table(), &twin.old_copy()));
        }
        res.extend(self.parts.iter().filter_map(|it| self.key_back(it)).map(|it| it.0));
        let mut successors = Vec::new();
        for part in self.parts.iter().filter(|it| it.before.as_ref().is_some_and(is_foreign_key)) {
            if let Some(Part::Constraint(table, old)) = part.before.as_ref().map(|it| self.at_old_copies(it))
                && let Some(name) = old.name.clone()
            {
                let pending = Constraint { not_valid: !old.not_enforced, ..old.clone() };
                res.push(Ddl::AddConstraint { table: table.clone(), constraint: Box::new(pending) });
                if !old.not_valid && !old.not_enforced {
                    res.push(Ddl::ValidateConstraint { table: table.clone(), name: name.clone() });
                }
                res.extend(recreate::comment(&self.b.pairs.base, &ObjectRef::Constraint(table, name)));
            }
        }
        for part in self.parts.iter().filter(|it| is_foreign_key(&it.after)) {
            successors.push(drop_constraint(part.after.table(), &self.b.free_name(&part.after).name, false));
        }
        if self.tables.len() > 1 {
            res.push(self.lock());
        }
        res.extend(successors);
        res
    }

    /// How an old primary key comes back: its index over the old copies, and the statement that makes a key of it.
    fn key_back(&self, part: &Rebuilt) -> Option<(Ddl, Ddl)> {
        let Part::Constraint(table, key) = self.at_old_copies(part.before.as_ref()?) else { return None };
        let (ConstraintKind::PrimaryKey(columns), Some(name)) = (&key.kind, &key.name) else { return None };
        let working = helper_name("mc_old", &[name.as_str()]);
        let index = Box::new(build::backing_index(&table, &working, columns));
        let promote = Ddl::AddConstraintUsingIndex {
            table: table.clone(),
            name: Some(name.clone()),
            primary: true,
            index: working,
            deferrable: key.deferrable,
            initially_deferred: key.initially_deferred,
        };
        Some((Ddl::CreateIndex { index, concurrently: true, if_not_exists: false }, promote))
    }

    /// A part of `before` over the names of the old copies after the swap.
    fn at_old_copies(&self, part: &Part) -> Part {
        rebuilt::renamed(part, &|table, column| {
            let twin = self.twins.iter().find(|it| it.table() == table && it.before.name == *column);
            twin.map_or_else(|| column.clone(), |it| it.old_copy())
        })
    }

    fn contract(&self, acc: &mut Outline) {
        let b = self.b;
        for twin in &self.twins {
            acc.preflight(Contract, b.dialect(), Probe::OutOfSync { sync: twin.reverse() });
        }
        self.parts.iter().filter(|it| !is_foreign_key(&it.after)).for_each(|it| drop_part(b, acc, it));
        for twin in &self.twins {
            let (table, gone) = (twin.table(), twin.old_copy());
            let group = format!("drop:{table}.{gone}");
            copies::drop_sync(b, acc, Contract, &group, &twin.reverse(), Some(self.restore(twin)));
            copies::drop_old(b, acc, &group, twin);
            acc.verify(Contract, b.dialect(), Probe::Gone(ObjectRef::Column(table.clone(), gone)));
        }
        self.parts.iter().for_each(|it| rename_part(b, acc, it));
        for it in &self.types {
            let drop = Ddl::DropType { name: it.aside.clone(), domain: false, if_exists: false, cascade: false };
            acc.step(Contract, drop, "no column is of it any more");
        }
    }

    /// The new enums beside the old ones, and whether the rows are fit for them.
    fn make_types(&self, acc: &mut Outline) {
        for it in &self.types {
            let Some(after) = self.b.after().types.get(&it.name) else { continue };
            let ty = UserType { name: it.working.clone(), ..(**after).clone() };
            acc.step(Expand, Ddl::CreateType { ty: Box::new(ty) }, "the columns get copies of this type");
            for label in &it.labels.unsaid {
                acc.gate(Expand, format!("no running instance writes '{label}' of {}", it.name));
            }
            for label in it.labels.map.keys() {
                acc.gate(Enforce, format!("no running instance uses '{label}' of {}", it.name));
            }
            if it.labels.unsaid.is_empty() {
                continue;
            }
            for twin in self.twins.iter().filter(|twin| labels::is_of(&twin.after.ty, &it.name)) {
                // Before Expand a renamed table has its old name.
                let renamed = self.b.pairs.renamed_tables.iter().find(|(_, to)| to == twin.table());
                let probe = |table: &Name| Probe::Labels {
                    table: table.clone(),
                    column: twin.before.name.clone(),
                    labels: it.labels.unsaid.clone(),
                    array: twin.before.ty.array,
                };
                acc.preflight(Expand, self.b.dialect(), probe(renamed.map_or(twin.table(), |(from, _)| from)));
            }
        }
    }

    fn rename_types(&self, acc: &mut Outline) {
        for it in &self.types {
            let rename = |from: &Name, to: &Name| Ddl::RenameType { from: from.clone(), to: to.name.clone() };
            acc.grouped(Enforce, &self.group, rename(&it.name, &it.aside), "the old type steps aside");
            acc.grouped(Enforce, &self.group, rename(&it.working, &it.name), "the new one takes its name");
            let (object, gone) = (ObjectRef::Type(it.name.clone()), ObjectRef::Type(it.aside.clone()));
            if let Some(text) = self.b.after().comments.get(&object) {
                let comment = Ddl::Comment { object: object.clone(), text: Some(text.clone()) };
                let back = [(object.clone(), None), (gone.clone(), self.b.pairs.base.comments.get(&object).cloned())];
                let back = back.map(|(object, text)| Action::Ddl(Ddl::Comment { object, text }));
                acc.grouped(Enforce, &self.group, comment, "as on the old type").undo(Undo::By(back.into()));
            }
            for privilege in self.b.after().privileges.iter().filter(|it| it.object == object) {
                let back = build::grant(&Privilege { object: gone.clone(), ..privilege.clone() });
                let back = vec![Action::Ddl(build::revoke(privilege)), Action::Ddl(back)];
                acc.grouped(Enforce, &self.group, build::grant(privilege), "as on the old type").undo(Undo::By(back));
            }
        }
    }

    /// The way back from Contract: the trigger, and every row touched, so that it fills the old copy.
    fn restore(&self, twin: &Twin) -> Undo {
        let reverse = twin.reverse();
        let made = self.b.dialect().sync(&reverse);
        let triggers = made.into_iter().filter(|it| matches!(it, Ddl::CreateTrigger { .. }));
        let mut actions: Vec<Action> = triggers.map(Action::Ddl).collect();
        actions.push(Action::Backfill(touch(self.b, twin.table(), &[&reverse])));
        Undo::By(actions)
    }
}

fn drop_constraint(table: &Name, name: &Ident, if_exists: bool) -> Ddl {
    Ddl::DropConstraint { table: table.clone(), name: name.clone(), if_exists, cascade: false }
}
