//! Policies.

use std::sync::Arc;

use super::{Builder, Kind, Outline, pairs::Pairs};
use crate::{
    page::page,
    plan::PhaseKind::*,
    sql::{Ddl, ObjectRef, Policy},
};

page! {
    /// # Create, change or drop a policy
    ///
    /// Policies come before row security is switched on, and go after it is switched off: a table with row security and no policy
    /// shows its rows to nobody but its owner. A policy changes in one transaction.
    ///
    /// ```sql before
    /// CREATE TABLE notes (id bigint PRIMARY KEY, tenant text);
    /// ```
    /// ```sql after
    /// CREATE TABLE notes (id bigint PRIMARY KEY, tenant text);
    /// CREATE POLICY own ON notes USING (tenant = current_setting('app.tenant', true));
    /// ```
    /// ```plan
    /// Expand: create policy notes.own
    ///   CREATE POLICY own ON notes USING (tenant = current_setting('app.tenant', true))
    ///     lock: AccessExclusive on notes, brief
    ///   undo: DROP POLICY own ON notes
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangePolicy {
    before: Option<Arc<Policy>>,
    after: Option<Arc<Policy>>,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<ChangePolicy> {
    let (base, after) = (&pairs.base.policies, &pairs.input.after.policies);
    let kept = after.iter().filter_map(|(key, new)| {
        let old = base.get(key);
        (old != Some(new)).then(|| ChangePolicy { before: old.cloned(), after: Some(new.clone()) })
    });
    let gone =
        base.iter().filter(|(key, it)| !after.contains_key(*key) && pairs.input.after.tables.contains_key(&it.table));
    kept.chain(gone.map(|(_, it)| ChangePolicy { before: Some(it.clone()), after: None })).collect()
}

impl Kind for ChangePolicy {
    fn kind(&self) -> &'static str {
        match (&self.before, &self.after) {
            (None, _) => "create_policy",
            (_, None) => "drop_policy",
            _ => "change_policy",
        }
    }

    fn object(&self) -> ObjectRef {
        let it = self.after.as_ref().or(self.before.as_ref());
        it.map_or_else(
            || ObjectRef::Policy(Default::default(), Default::default()),
            |it| ObjectRef::Policy(it.table.clone(), it.name.clone()),
        )
    }

    fn describe(&self) -> String {
        format!("{} policy {}", self.kind().trim_end_matches("_policy"), self.object())
    }

    fn outline(&self, _b: &Builder<'_>, acc: &mut Outline) {
        let drop = |it: &Policy| Ddl::DropPolicy {
            table: it.table.clone(),
            name: it.name.clone(),
            if_exists: false,
            cascade: false,
        };
        let create = |it: &Policy| Ddl::CreatePolicy { policy: Box::new(it.clone()) };
        match (&self.before, &self.after) {
            (None, Some(it)) => {
                acc.step(Expand, create(it), "without effect until row security is on");
            }
            (Some(it), None) => {
                acc.step(Contract, drop(it), "row security is off by now, or other policies hold");
            }
            (Some(before), Some(after)) => {
                let group = format!("policy:{}.{}", after.table, after.name);
                let added_only = (before.using.is_none() || after.using.is_some())
                    && (before.check.is_none() || after.check.is_some());
                if before.command == after.command && before.permissive == after.permissive && added_only {
                    let alter = Ddl::AlterPolicy {
                        table: after.table.clone(),
                        name: after.name.clone(),
                        roles: (before.roles != after.roles).then(|| after.roles.clone()),
                        using: after.using.clone().filter(|it| before.using.as_ref() != Some(it)),
                        check: after.check.clone().filter(|it| before.check.as_ref() != Some(it)),
                    };
                    acc.grouped(Enforce, &group, alter, "in place: no row is seen that should not be");
                } else {
                    acc.grouped(Enforce, &group, drop(before), "comes back changed in this transaction");
                    acc.grouped(Enforce, &group, create(after), "no row is seen that should not be");
                }
            }
            (None, None) => {}
        }
    }
}
