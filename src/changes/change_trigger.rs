//! Triggers.

use std::sync::Arc;

use super::{Builder, Kind, Outline, pairs::Pairs};
use crate::{
    dialect::Capability,
    page::page,
    plan::PhaseKind::*,
    sql::{Ddl, ObjectRef, Trigger, TriggerEnabled},
};

page! {
    /// # Create, change or drop a trigger
    ///
    /// Creating one makes writers wait for a moment, dropping one everybody. A change happens in one transaction, so no row slips
    /// through between the old and the new form.
    ///
    /// ```sql before
    /// CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    /// CREATE TABLE orders (id bigint PRIMARY KEY, changed_at timestamptz);
    /// ```
    /// ```sql after
    /// CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    /// CREATE TABLE orders (id bigint PRIMARY KEY, changed_at timestamptz);
    /// CREATE TRIGGER orders_stamp BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION stamp();
    /// ```
    /// ```plan
    /// Expand: create trigger orders.orders_stamp
    ///   CREATE TRIGGER orders_stamp BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION stamp()
    ///     lock: ShareRowExclusive on orders, brief
    ///   undo: DROP TRIGGER orders_stamp ON orders
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeTrigger {
    before: Option<Arc<Trigger>>,
    after: Option<Arc<Trigger>>,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<ChangeTrigger> {
    let (base, after) = (&pairs.base.triggers, &pairs.input.after.triggers);
    // A partition's triggers come from its parent.
    let own = |it: &Trigger| {
        pairs.input.after.table(&it.table).or(pairs.base.table(&it.table)).is_none_or(|table| {
            table.partition_of.as_ref().is_none_or(|of| {
                !after.contains_key(&(of.parent.clone(), it.name.clone()))
                    && !base.contains_key(&(of.parent.clone(), it.name.clone()))
            })
        })
    };
    let kept = after.iter().filter(|(_, it)| own(it)).filter_map(|(key, new)| {
        let old = base.get(key);
        (old != Some(new)).then(|| ChangeTrigger { before: old.cloned(), after: Some(new.clone()) })
    });
    let lives = |it: &Trigger| {
        pairs.input.after.tables.contains_key(&it.table) || pairs.input.after.views.contains_key(&it.table)
    };
    let gone = base.iter().filter(|(key, it)| own(it) && !after.contains_key(*key) && lives(it));
    kept.chain(gone.map(|(_, it)| ChangeTrigger { before: Some(it.clone()), after: None })).collect()
}

fn drop(it: &Trigger) -> Ddl {
    Ddl::DropTrigger { table: it.table.clone(), name: it.name.clone(), if_exists: false, cascade: false }
}

fn enable(it: &Trigger) -> Ddl {
    Ddl::EnableTrigger { table: it.table.clone(), trigger: Some(it.name.clone()), enabled: it.enabled }
}

fn create(it: &Trigger, or_replace: bool) -> Ddl {
    Ddl::CreateTrigger { trigger: Box::new(Trigger { enabled: TriggerEnabled::Origin, ..it.clone() }), or_replace }
}

impl Kind for ChangeTrigger {
    fn kind(&self) -> &'static str {
        match (&self.before, &self.after) {
            (None, _) => "create_trigger",
            (_, None) => "drop_trigger",
            _ => "change_trigger",
        }
    }

    fn object(&self) -> ObjectRef {
        let it = self.after.as_ref().or(self.before.as_ref());
        it.map_or_else(
            || ObjectRef::Trigger(Default::default(), Default::default()),
            |it| ObjectRef::Trigger(it.table.clone(), it.name.clone()),
        )
    }

    fn describe(&self) -> String {
        format!("{} trigger {}", self.kind().trim_end_matches("_trigger"), self.object())
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        match (&self.before, &self.after) {
            (None, Some(it)) => {
                let group = format!("trigger:{}.{}", it.table, it.name);
                acc.grouped(Expand, &group, create(it, false), "writers wait for a moment");
                if it.enabled != TriggerEnabled::Origin {
                    acc.grouped(Expand, &group, enable(it), "as the schema sets it");
                }
            }
            (Some(it), None) => {
                acc.step(Contract, drop(it), "everybody waits for a moment");
            }
            (Some(before), Some(after)) => {
                let settled = Trigger { enabled: after.enabled, ..(**before).clone() } == **after;
                let group = format!("trigger:{}.{}", after.table, after.name);
                if !settled && b.can(Capability::ReplaceTrigger) && !before.constraint && !after.constraint {
                    acc.grouped(Enforce, &group, create(after, true), "in place: no row slips through");
                } else if !settled {
                    acc.grouped(Enforce, &group, drop(before), "comes back changed in this transaction");
                    acc.grouped(Enforce, &group, create(after, false), "no row slips through");
                }
                if settled || after.enabled != TriggerEnabled::Origin {
                    acc.grouped(Enforce, &group, enable(after), "as the schema sets it");
                }
            }
            (None, None) => {}
        }
    }
}
