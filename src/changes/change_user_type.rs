//! Enums, domains, composite and range types.

use std::sync::Arc;

use smol_str::SmolStr;

use super::{Builder, Kind, Outline, dual, in_place, link, pairs::Pairs};
use crate::{
    page::page,
    plan::{PhaseKind::*, Question, Undo},
    sql::{
        Attribute, CompositeAction, Constraint, Ddl, Domain, DomainAction, EnumPosition, Ident, Name, ObjectRef,
        Severity, TypeKind, UserType,
    },
};

page! {
    /// # Create, change or drop a type
    ///
    /// An enum gets a new value without any lock, and never loses it again. Taking values away, renaming or reordering them needs
    /// another type: its columns get copies that follow every write, and copies and types exchange their names in one short
    /// transaction. What becomes of a value that goes is said at the type (`-- @map from=air to=rail`, or `to=null`) or by an
    /// answer; else no row may hold it. Where copies cannot be, every column is written again, and that is said with what stands in the way. Functions, views,
    /// policies, triggers, defaults, indexes and checks that hold the type come back over the new one. Another base of a domain,
    /// or type of an attribute in use, goes the same way. A check on a domain locks every table that uses it against writes while it is validated.
    ///
    /// ```sql before
    /// CREATE TYPE mode AS ENUM ('road', 'rail');
    /// CREATE TABLE legs (id bigint PRIMARY KEY, mode mode);
    /// ```
    /// ```sql after
    /// CREATE TYPE mode AS ENUM ('road', 'rail', 'sea');
    /// CREATE TABLE legs (id bigint PRIMARY KEY, mode mode);
    /// ```
    /// ```plan
    /// Expand: change type mode
    ///   ALTER TYPE mode ADD VALUE IF NOT EXISTS 'sea'
    ///   irreversible: nothing; but the value sea of mode stays
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeUserType {
    before: Option<Arc<UserType>>,
    after: Option<Arc<UserType>>,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<ChangeUserType> {
    let (base, after) = (&pairs.base.types, &pairs.input.after.types);
    let kept = after.iter().filter_map(|(key, new)| {
        let old = base.get(key);
        let changed = old.is_none_or(|old| old.kind != new.kind);
        changed.then(|| ChangeUserType { before: old.cloned(), after: Some(new.clone()) })
    });
    let gone = base.iter().filter(|(key, _)| !after.contains_key(*key));
    kept.chain(gone.map(|(_, it)| ChangeUserType { before: Some(it.clone()), after: None })).collect()
}

fn drop(it: &UserType) -> Ddl {
    Ddl::DropType {
        name: it.name.clone(),
        domain: matches!(it.kind, TypeKind::Domain(_)),
        if_exists: false,
        cascade: false,
    }
}

impl ChangeUserType {
    fn name(&self) -> Name {
        self.after.as_ref().or(self.before.as_ref()).map(|it| it.name.clone()).unwrap_or_default()
    }

    fn change(&self, b: &Builder<'_>, acc: &mut Outline, before: &UserType, after: &UserType) {
        let name = self.name();
        if b.pairs.remade.contains(&name) {
            let roots = in_place::roots(b.pairs);
            if roots.first() == Some(&name) {
                in_place::outline(b, acc, &roots);
            }
            return;
        }
        match (&before.kind, &after.kind) {
            (TypeKind::Enum(old), TypeKind::Enum(new)) => match added(old, new) {
                Some(values) => self.add_values(acc, values),
                None => self.relabel(b, acc),
            },
            (TypeKind::Domain(old), TypeKind::Domain(new)) => self.domain(acc, old, new),
            (TypeKind::Composite(old), TypeKind::Composite(new)) => self.composite(acc, old, new),
            _ => {}
        }
    }

    /// Columns go over to another type by a second copy.
    fn relabel(&self, b: &Builder<'_>, acc: &mut Outline) {
        let name = self.name();
        for set in &b.pairs.sets {
            // Two enums of one set go over together, in the steps of the first.
            if link::types(b.pairs, set).first().is_some_and(|it| it.name == name) {
                dual::swap::outline(b, acc, &link::twins(b.pairs, set));
            }
        }
    }

    fn add_values(&self, acc: &mut Outline, values: Vec<(SmolStr, EnumPosition)>) {
        for (value, position) in values {
            let lost = format!("nothing; but the value {value} of {} stays", self.name());
            let add = Ddl::AddEnumValue { ty: self.name(), value, position, if_not_exists: true };
            let why = "no table is locked; it can be used once this is committed";
            acc.step(Expand, add, why).undo(Undo::Loses { actions: Vec::new(), lost });
        }
    }

    fn domain(&self, acc: &mut Outline, old: &Domain, new: &Domain) {
        let alter = |action| Ddl::AlterDomain { name: self.name(), action };
        if old.default != new.default {
            acc.step(Expand, alter(DomainAction::SetDefault(new.default.clone())), "only the catalog changes");
        }
        let same = |a: &Constraint, b: &Constraint| a.name == b.name && a.kind == b.kind;
        for check in old.checks.iter().filter(|it| !new.checks.iter().any(|other| same(it, other))) {
            if let Some(name) = check.name.clone() {
                acc.step(
                    Expand,
                    alter(DomainAction::DropConstraint { name, if_exists: false }),
                    "only the catalog changes",
                );
            }
        }
        for check in new.checks.iter().filter(|it| !old.checks.iter().any(|other| same(it, other))) {
            let Some(name) = check.name.clone() else { continue };
            let pending = Constraint { not_valid: true, ..check.clone() };
            acc.step(Enforce, alter(DomainAction::AddConstraint(pending)), "NOT VALID: no table is locked");
            if !check.not_valid {
                acc.step(
                    Enforce,
                    alter(DomainAction::ValidateConstraint(name)),
                    "tables that use the domain take no writes while they are read",
                )
                .undo(Undo::Nothing);
                let message =
                    format!("every table that uses {} takes no writes while its rows are checked", self.name());
                acc.hazard("domain-constraint-scans", Severity::Warning, message);
            }
        }
        if old.not_null != new.not_null {
            let (phase, action) =
                if new.not_null { (Enforce, DomainAction::SetNotNull) } else { (Expand, DomainAction::DropNotNull) };
            acc.step(phase, alter(action), "tables that use the domain are read");
        }
    }

    fn composite(&self, acc: &mut Outline, old: &[Attribute], new: &[Attribute]) {
        let alter = |action| Ddl::AlterComposite { name: self.name(), action };
        let find = |list: &[Attribute], name: &Ident| list.iter().find(|it| it.name == *name).cloned();
        for it in new {
            match find(old, &it.name) {
                None => {
                    acc.step(Expand, alter(CompositeAction::AddAttribute(it.clone())), "only the catalog changes");
                }
                Some(was) if was != *it => {
                    let (name, ty, collation) = (it.name.clone(), it.ty.clone(), it.collation.clone());
                    acc.step(
                        Enforce,
                        alter(CompositeAction::SetAttributeType { name, ty, collation }),
                        "no column is of it, so only the catalog changes",
                    );
                }
                Some(_) => {}
            }
        }
        for it in old.iter().filter(|it| find(new, &it.name).is_none()) {
            acc.step(
                Contract,
                alter(CompositeAction::DropAttribute { name: it.name.clone(), if_exists: false }),
                "its values are lost",
            )
            .undo({
                let actions = vec![crate::plan::Action::Ddl(alter(CompositeAction::AddAttribute(it.clone())))];
                let lost = format!("every value of {}.{}", self.name(), it.name);
                // PostgreSQL adds attributes at the end only.
                match old.last().is_some_and(|last| last.name == it.name) && new.len() < old.len() {
                    true => Undo::Loses { actions, lost },
                    false => Undo::Bends { actions, lost: format!("{lost}, and its place among the attributes") },
                }
            });
        }
    }
}

/// The new values with their places, when all old ones stay in their order.
fn added(old: &[SmolStr], new: &[SmolStr]) -> Option<Vec<(SmolStr, EnumPosition)>> {
    let kept: Vec<&SmolStr> = new.iter().filter(|it| old.contains(it)).collect();
    if kept != old.iter().collect::<Vec<_>>() {
        return None;
    }
    let mut res = Vec::new();
    for (i, value) in new.iter().enumerate().filter(|(_, it)| !old.contains(it)) {
        let position = match (i.checked_sub(1).and_then(|it| new.get(it)), new[i..].iter().find(|it| old.contains(it)))
        {
            (_, None) => EnumPosition::End,
            (Some(before), Some(_)) => EnumPosition::After(before.clone()),
            (None, Some(next)) => EnumPosition::Before(next.clone()),
        };
        res.push((value.clone(), position));
    }
    Some(res)
}

impl Kind for ChangeUserType {
    fn kind(&self) -> &'static str {
        match (&self.before, &self.after) {
            (None, _) => "create_type",
            (_, None) => "drop_type",
            _ => "change_user_type",
        }
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Type(self.name())
    }

    fn describe(&self) -> String {
        format!("{} type {}", self.kind().split('_').next().unwrap_or_default(), self.name())
    }

    fn questions(&self, b: &Builder<'_>) -> Vec<Question> {
        let name = self.name();
        b.pairs.replaced.iter().filter(|it| it.name == name).flat_map(|it| it.labels.questions(&name)).collect()
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        match (&self.before, &self.after) {
            (None, Some(it)) => {
                acc.step(Expand, Ddl::CreateType { ty: Box::new((**it).clone()) }, "nobody uses it yet");
            }
            (Some(it), None) => {
                acc.step(Contract, drop(it), "nothing is of it any more");
            }
            (Some(before), Some(after)) => self.change(b, acc, before, after),
            (None, None) => {}
        }
    }
}
