//! What PostgreSQL ties to a column: views, policies, triggers; and what a DROP takes along.

use std::sync::Arc;

use super::Builder;
use crate::{
    catalog::Catalog,
    changes::{bound::Bound, outline::Outline},
    plan::PhaseKind,
    sql::{tokens::mentions_column, *},
};

impl<'a> Builder<'a> {
    /// What PostgreSQL ties to the columns themselves and would keep on the wrong copy: views, policies, triggers,
    /// extended statistics.
    pub fn followers(&self, columns: &[(Name, Ident)]) -> Followers<'a> {
        self.followers_of(columns, None)
    }

    /// The same, and what stands on a type that another one takes the place of.
    pub fn followers_of(&self, columns: &[(Name, Ident)], bound: Option<&Bound<'_>>) -> Followers<'a> {
        let (base, after) = (&self.pairs.base, self.after());
        // What stands on the column of a partition or an heir stands on this one.
        let heirs = columns
            .iter()
            .flat_map(|(table, column)| base.descendants(table).into_iter().map(move |it| (it, column.clone())));
        let columns: Vec<(Name, Ident)> = columns.iter().cloned().chain(heirs).collect();
        let columns = columns.as_slice();
        let mut res = Followers {
            before: base,
            catalog: after,
            views: Vec::new(),
            policies: Vec::new(),
            triggers: Vec::new(),
            statistics: Vec::new(),
            functions: Vec::new(),
        };
        let standing = base.functions.iter().filter(|(_, it)| binds(it, columns));
        res.functions.extend(standing.filter_map(|(key, _)| after.functions.get(key)).cloned());
        let uses = |it: &View| bound.is_some_and(|bound| bound.uses(&it.query));
        res.views.extend(views_where(base, columns, &uses).iter().filter_map(|it| after.views.get(it)).cloned());
        let on = |table: &Name, mentioned: &dyn Fn(&Ident) -> bool| {
            columns.iter().any(|(of, column)| of == table && mentioned(column))
        };
        for it in base.policies.values() {
            let texts = [&it.using, &it.check];
            let typed = bound.is_some_and(|it| texts.into_iter().flatten().any(|text| it.uses(text)));
            if typed
                || on(&it.table, &|column| texts.into_iter().flatten().any(|it| mentions_column(it.text(), column)))
            {
                res.policies.extend(after.policies.get(&(it.table.clone(), it.name.clone())).cloned());
            }
        }
        let typed = |it: &Trigger| bound.is_some_and(|bound| it.when.iter().any(|it| bound.uses(it)));
        let stands = |it: &&Arc<Trigger>| typed(it) || on(&it.table, &|column| trigger_mentions(it, column));
        for it in base.triggers.values().filter(stands) {
            res.triggers.extend(after.triggers.get(&(it.table.clone(), it.name.clone())).cloned());
        }
        let typed = |it: &Statistics| {
            let mut keys = it.keys.iter().filter_map(|it| if let KeyExpr::Expr(it) = it { Some(it) } else { None });
            bound.is_some_and(|bound| keys.any(|it| bound.uses(it)))
        };
        let stand = |it: &&Arc<Statistics>| typed(it) || on(&it.table, &|column| statistics_mention(it, column));
        for it in base.statistics.values().filter(stand) {
            res.statistics.extend(after.statistics.get(&it.name).cloned());
        }
        res
    }

    /// What calls a function and so keeps it from being dropped: views, policies, triggers.
    pub fn callers(&self, function: &Name) -> Followers<'a> {
        let (before, catalog) = (&self.pairs.base, self.after());
        let calling: Vec<ObjectRef> = before.callers(function);
        let views = views_upon(before, |it| it.calls.contains(function));
        let policy = |it: &ObjectRef| match it {
            ObjectRef::Policy(table, name) => catalog.policies.get(&(table.clone(), name.clone())).cloned(),
            _ => None,
        };
        let trigger = |it: &ObjectRef| match it {
            ObjectRef::Trigger(table, name) => catalog.triggers.get(&(table.clone(), name.clone())).cloned(),
            _ => None,
        };
        Followers {
            before,
            catalog,
            views: views.iter().filter_map(|it| catalog.views.get(it)).cloned().collect(),
            policies: calling.iter().filter_map(policy).collect(),
            triggers: calling.iter().filter_map(trigger).collect(),
            statistics: Vec::new(),
            functions: Vec::new(),
        }
    }
}

/// A function whose body is parsed when it is created (BEGIN ATOMIC, since 14) stands on the columns it names.
fn binds(function: &Function, columns: &[(Name, Ident)]) -> bool {
    let text = function.body.text();
    let names = |table: &Name| tokens::paths(text).iter().any(|it| it.name().name == table.name);
    function.sql_body && columns.iter().any(|(table, column)| mentions_column(text, column) && names(table))
}

fn statistics_mention(it: &Statistics, column: &Ident) -> bool {
    it.keys.iter().any(|it| match it {
        KeyExpr::Column(it) => it == column,
        KeyExpr::Expr(it) => mentions_column(it.text(), column),
    })
}

fn trigger_mentions(trigger: &Trigger, column: &Ident) -> bool {
    let of = trigger.events.iter().any(|it| matches!(it, TriggerEvent::Update(columns) if columns.contains(column)));
    of || trigger.when.as_ref().is_some_and(|it| mentions_column(it.text(), column))
}

/// Views that read one of the columns (or all columns of its table) or meet another condition, and views over those,
/// bottom up.
fn views_where(catalog: &Catalog, columns: &[(Name, Ident)], also: &dyn Fn(&View) -> bool) -> Vec<Name> {
    let all = |view: &View| view.query.text().contains('*');
    let functions: Vec<&Name> = catalog.functions.values().filter(|it| binds(it, columns)).map(|it| &it.name).collect();
    views_upon(catalog, |view| {
        also(view)
            || view.calls.iter().any(|it| functions.contains(&it))
            || columns.iter().any(|(table, column)| {
                view.reads.contains(table) && (all(view) || mentions_column(view.query.text(), column))
            })
    })
}

/// Views of which something is true, and views over those, bottom up.
fn views_upon(catalog: &Catalog, first: impl Fn(&View) -> bool) -> Vec<Name> {
    let reads = |view: &View, of: &Name| view.reads.contains(of);
    let mut res: Vec<Name> = Vec::new();
    loop {
        let next = catalog
            .views
            .values()
            .find(|view| !res.contains(&view.name) && (first(view) || res.iter().any(|it| reads(view, it))));
        match next {
            Some(view) => res.push(view.name.clone()),
            None => break,
        }
    }
    // One that was found by itself may read another that was found later.
    let mut sorted: Vec<Name> = Vec::with_capacity(res.len());
    while !res.is_empty() {
        let waits = |it: &Name| {
            let view = catalog.views.get(it);
            view.is_some_and(|view| res.iter().any(|other| other != it && reads(view, other)))
        };
        let next = res.iter().position(|it| !waits(it)).unwrap_or(0);
        sorted.push(res.remove(next));
    }
    sorted
}

/// Objects that are dropped before and made again after a change of a column, in its transaction.
pub struct Followers<'a> {
    before: &'a Catalog,
    catalog: &'a Catalog,
    /// Bottom up.
    views: Vec<Arc<View>>,
    policies: Vec<Arc<Policy>>,
    triggers: Vec<Arc<Trigger>>,
    statistics: Vec<Arc<Statistics>>,
    functions: Vec<Arc<Function>>,
}

impl Followers<'_> {
    pub fn drop(&self, acc: &mut Outline, phase: PhaseKind, group: &str) {
        for view in self.views.iter().rev() {
            let drop = Ddl::DropView {
                name: view.name.clone(),
                materialized: self.before.views.get(&view.name).is_some_and(|it| it.materialized),
                if_exists: false,
                cascade: false,
            };
            acc.grouped(phase, group, drop, "it reads the column and comes back in this transaction");
        }
        for it in &self.policies {
            let drop =
                Ddl::DropPolicy { table: it.table.clone(), name: it.name.clone(), if_exists: false, cascade: false };
            acc.grouped(phase, group, drop, "it names the column and comes back in this transaction");
        }
        for it in &self.triggers {
            let drop =
                Ddl::DropTrigger { table: it.table.clone(), name: it.name.clone(), if_exists: false, cascade: false };
            acc.grouped(phase, group, drop, "it names the column and comes back in this transaction");
        }
        for it in &self.statistics {
            let drop = Ddl::DropStatistics { name: it.name.clone(), if_exists: false };
            acc.grouped(phase, group, drop, "they name the column and come back in this transaction");
        }
        for it in &self.functions {
            let drop = Ddl::DropFunction {
                name: it.name.clone(),
                args: Some(it.input_types()),
                kind: it.kind,
                if_exists: false,
                cascade: false,
            };
            acc.grouped(phase, group, drop, "its body stands on the column; it comes back in this transaction");
        }
    }

    pub fn create(&self, acc: &mut Outline, phase: PhaseKind, group: &str) {
        for it in &self.functions {
            let create = Ddl::CreateFunction { function: Box::new((**it).clone()), or_replace: false };
            acc.grouped(phase, group, create, "over the column that stays");
        }
        for view in &self.views {
            for ddl in view_again(self.catalog, view) {
                acc.grouped(phase, group, ddl, "over the column that stays");
            }
        }
        for it in &self.policies {
            acc.grouped(
                phase,
                group,
                Ddl::CreatePolicy { policy: Box::new((**it).clone()) },
                "over the column that stays",
            );
        }
        for ddl in self.triggers.iter().flat_map(|it| trigger_again(it)) {
            acc.grouped(phase, group, ddl, "over the column that stays");
        }
        for it in &self.statistics {
            let create = Ddl::CreateStatistics { statistics: Box::new((**it).clone()), if_not_exists: false };
            acc.grouped(phase, group, create, "over the column that stays; filled by the next ANALYZE");
        }
    }

    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.views.iter().map(|it| &it.name)
    }
}

/// A view with all that a DROP takes from it: indexes, privileges, comments, triggers.
pub fn view_again(catalog: &Catalog, view: &View) -> Vec<Ddl> {
    let mut res = vec![Ddl::CreateView { view: Box::new(view.clone()), or_replace: false, if_not_exists: false }];
    for index in catalog.indexes_of(&view.name) {
        res.push(Ddl::CreateIndex { index: Box::new((**index).clone()), concurrently: false, if_not_exists: false });
    }
    res.extend(attachments(catalog, &view.name));
    for trigger in catalog.triggers.values().filter(|it| it.table == view.name) {
        res.extend(trigger_again(trigger));
    }
    res
}

/// A trigger is made enabled; what else it is set to is said after.
pub fn trigger_again(it: &Trigger) -> Vec<Ddl> {
    let (table, name, enabled) = (it.table.clone(), it.name.clone(), it.enabled);
    let plain = Trigger { enabled: TriggerEnabled::Origin, ..it.clone() };
    let create = Ddl::CreateTrigger { trigger: Box::new(plain), or_replace: false };
    let enable = Ddl::EnableTrigger { table, trigger: Some(name), enabled };
    [create].into_iter().chain((enabled != TriggerEnabled::Origin).then_some(enable)).collect()
}

/// Comments and privileges of a relation and its parts.
pub fn attachments(catalog: &Catalog, relation: &Name) -> Vec<Ddl> {
    let of = |object: &ObjectRef| object.relation() == Some(relation);
    let comments = catalog.comments.iter().filter(|(object, _)| of(object));
    let mut res: Vec<Ddl> =
        comments.map(|(object, text)| Ddl::Comment { object: object.clone(), text: Some(text.clone()) }).collect();
    res.extend(catalog.privileges.iter().filter(|it| of(&it.object)).map(grant));
    res
}

pub fn grant(it: &Privilege) -> Ddl {
    Ddl::Grant {
        privileges: vec![it.privilege.clone()],
        objects: vec![it.object.clone()],
        grantees: vec![it.grantee.clone()],
        grantable: it.grantable,
    }
}

pub fn revoke(it: &Privilege) -> Ddl {
    Ddl::Revoke {
        privileges: vec![it.privilege.clone()],
        objects: vec![it.object.clone()],
        grantees: vec![it.grantee.clone()],
        option_only: false,
        cascade: false,
    }
}
