//! A constraint with another definition under the same name.

use super::{
    Builder, Kind, Outline, build,
    drop_constraint::{loosen, matches},
    pairs::Pairs,
    rebuilt::{Part, carried},
};
use crate::{
    dialect::Probe,
    page::page,
    plan::{
        PhaseKind::{self, *},
        helper_name,
    },
    sql::{Constraint, ConstraintKind, Ddl, Ident, Name, ObjectRef},
};

page! {
    /// # Change a constraint
    ///
    /// A check has its successor added beside it, NOT VALID, and validated beside everybody; then it makes room for it. A foreign
    /// key goes and comes in one transaction, NOT VALID, and is validated after: two would both act on a DELETE. So at no
    /// time anything unchecked gets in. A key has its new index built first.
    ///
    /// ```sql before
    /// CREATE TABLE orders (id bigint PRIMARY KEY, state text CONSTRAINT state_known CHECK (state IN ('new', 'sent')));
    /// ```
    /// ```sql after
    /// CREATE TABLE orders (id bigint PRIMARY KEY, state text CONSTRAINT state_known CHECK (state IN ('new', 'sent', 'lost')));
    /// ```
    /// ```plan
    /// Enforce: change constraint state_known of orders
    ///   before: no row of orders breaks the check = 0
    ///   ALTER TABLE orders ADD CONSTRAINT mc_new_orders_state_known CHECK (state IN ('new', 'sent', 'lost')) NOT VALID
    ///     lock: AccessExclusive on orders, brief
    ///   ALTER TABLE orders VALIDATE CONSTRAINT mc_new_orders_state_known
    ///     lock: ShareUpdateExclusive on orders, reads every row
    ///   ALTER TABLE orders DROP CONSTRAINT state_known
    ///     lock: AccessExclusive on orders, brief
    ///   ALTER TABLE orders RENAME CONSTRAINT mc_new_orders_state_known TO state_known
    ///     with the step above
    ///     lock: AccessExclusive on orders, brief
    ///   after: state_known holds for every row of orders = t
    ///   undo: ALTER TABLE orders RENAME CONSTRAINT state_known TO mc_new_orders_state_known
    ///   undo: ALTER TABLE orders ADD CONSTRAINT state_known CHECK (state IN ('new', 'sent')) NOT VALID
    ///   undo: ALTER TABLE orders VALIDATE CONSTRAINT state_known
    ///   undo: ALTER TABLE orders DROP CONSTRAINT mc_new_orders_state_known
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeConstraint {
    table: Name,
    name: Ident,
    before: Constraint,
    after: Constraint,
    /// Foreign keys of other tables that stand on the key and stay.
    incoming: Vec<(Name, Constraint)>,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<ChangeConstraint> {
    let both = matches(pairs).into_iter().filter_map(|it| Some((it.table, it.before?, it.after?, it.another)));
    let changed = both.filter(|(table, before, after, another)| {
        let Part::Constraint(_, carried) = carried(pairs, &Part::Constraint(table.clone(), before.clone())) else {
            return false;
        };
        *another || before.name == after.name && carried != *after
    });
    changed
        .filter_map(|(table, before, after, _)| {
            let name = after.name.clone()?;
            let incoming = incoming(pairs, &table, &before);
            Some(ChangeConstraint { table, name, before, after, incoming })
        })
        .collect()
}

fn incoming(pairs: &Pairs<'_>, table: &Name, key: &Constraint) -> Vec<(Name, Constraint)> {
    let (ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key)) = &key.kind else { return Vec::new() };
    let on_key = pairs.base.referencing(table).filter(|(_, it)| match &it.kind {
        ConstraintKind::ForeignKey(fk) => {
            fk.referenced_columns.len() == key.columns.len()
                && fk.referenced_columns.iter().all(|it| key.columns.contains(it))
        }
        _ => false,
    });
    let stays = on_key.filter_map(|(from, it)| {
        let after = pairs.input.after.table(&from.name)?;
        after.constraints.iter().find(|other| *other == it).map(|it| (from.name.clone(), it.clone()))
    });
    stays.collect()
}

impl ChangeConstraint {
    fn drop(&self) -> Ddl {
        let name = self.before.name.clone().unwrap_or_else(|| self.name.clone());
        Ddl::DropConstraint { table: self.table.clone(), name, if_exists: false, cascade: false }
    }

    /// Running code may say ON CONFLICT over the old key as long as it runs. Where new foreign keys wait for the new key,
    /// it cannot wait itself.
    fn swap_phase(&self, b: &Builder<'_>) -> PhaseKind {
        let waited_for = b
            .after()
            .referencing(&self.table)
            .any(|(from, it)| b.pairs.base.table(&from.name).is_none_or(|was| !was.constraints.contains(it)));
        if self.before.name == self.after.name || waited_for { Enforce } else { Contract }
    }

    fn key(&self, b: &Builder<'_>, acc: &mut Outline, primary: bool, columns: &[Ident]) {
        let working = helper_name("mc_new", &[self.name.as_str()]);
        build::key_index(
            b,
            acc,
            Enforce,
            &self.table,
            &Constraint { name: Some(working.clone()), ..self.after.clone() },
        );
        if primary {
            let nullable = |it: &&Ident| {
                b.pairs.base.table(&self.table).and_then(|table| table.column(it)).is_some_and(|it| !it.not_null)
            };
            columns.iter().filter(nullable).for_each(|it| build::enforce_not_null(b, acc, Enforce, &self.table, it));
        }
        let phase = self.swap_phase(b);
        if let (Contract, Some(old)) = (phase, &self.before.name) {
            acc.gate(Contract, format!("no running instance relies on {old} ({})", self.table));
        }
        let group = format!("key:{}.{}", self.table, self.name);
        for (table, fk) in &self.incoming {
            if let Some(name) = fk.name.clone() {
                let drop = Ddl::DropConstraint { table: table.clone(), name, if_exists: false, cascade: false };
                acc.grouped(phase, &group, drop, "it stands on the key and comes back in this transaction");
            }
        }
        acc.grouped(phase, &group, self.drop(), "its successor follows in this transaction");
        let promote = Ddl::AddConstraintUsingIndex {
            table: self.table.clone(),
            name: Some(self.name.clone()),
            primary,
            index: working,
            deferrable: self.after.deferrable,
            initially_deferred: self.after.initially_deferred,
        };
        acc.grouped(phase, &group, promote, "the index is there already: only the catalog changes");
        loosen(b, acc, phase, Some(&group), &self.table, &self.before);
        for (table, fk) in &self.incoming {
            let pending = Constraint { not_valid: true, ..fk.clone() };
            let add = Ddl::AddConstraint { table: table.clone(), constraint: Box::new(pending) };
            acc.grouped(phase, &group, add, "NOT VALID: holds for new rows at once, reads no old ones");
        }
        for (table, fk) in &self.incoming {
            if let Some(name) = fk.name.clone() {
                acc.step(
                    phase,
                    Ddl::ValidateConstraint { table: table.clone(), name },
                    "reads the old rows while reads and writes go on",
                );
            }
        }
    }

    /// What shows that the old rows keep to it.
    fn probe(&self, b: &Builder<'_>, acc: &mut Outline) {
        match &self.after.kind {
            ConstraintKind::Check(check) => {
                acc.preflight(
                    Enforce,
                    b.dialect(),
                    Probe::Violations { table: self.table.clone(), check: check.clone() },
                );
            }
            ConstraintKind::ForeignKey(fk) => {
                acc.preflight(
                    Enforce,
                    b.dialect(),
                    Probe::Orphans { table: self.table.clone(), foreign_key: fk.clone() },
                );
            }
            _ => {}
        }
    }

    /// A check that old rows keep as well: at every moment one of the two is proven.
    fn succeed(&self, b: &Builder<'_>, acc: &mut Outline) {
        let table = &self.table;
        self.probe(b, acc);
        let working = helper_name("mc_new", &[table.name.as_str(), self.name.as_str()]);
        let pending = Constraint { name: Some(working.clone()), not_valid: true, ..self.after.clone() };
        let add = Ddl::AddConstraint { table: table.clone(), constraint: Box::new(pending) };
        acc.step(Enforce, add, "NOT VALID: holds for new rows at once, reads no old ones");
        let validate = Ddl::ValidateConstraint { table: table.clone(), name: working.clone() };
        acc.step(Enforce, validate, "reads the old rows while reads and writes go on");
        let group = format!("constraint:{}.{}", self.table, self.name);
        acc.grouped(Enforce, &group, self.drop(), "its successor stands and is proven");
        let rename = Ddl::RenameConstraint { table: table.clone(), from: working, to: self.name.clone() };
        acc.grouped(Enforce, &group, rename, "only the catalog changes");
        acc.verify(Enforce, b.dialect(), Probe::ConstraintValid { table: table.clone(), name: self.name.clone() });
    }

    /// Foreign keys, and checks that say nothing of old rows: out and in, then validated.
    fn replace(&self, b: &Builder<'_>, acc: &mut Outline) {
        let group = format!("constraint:{}.{}", self.table, self.name);
        self.probe(b, acc);
        acc.grouped(Enforce, &group, self.drop(), "its successor follows in this transaction");
        let pending = Constraint { not_valid: !self.after.not_enforced, ..self.after.clone() };
        let add = Ddl::AddConstraint { table: self.table.clone(), constraint: Box::new(pending) };
        acc.grouped(Enforce, &group, add, "NOT VALID: holds for new rows at once, reads no old ones");
        if !self.after.not_valid && !self.after.not_enforced {
            let validate = Ddl::ValidateConstraint { table: self.table.clone(), name: self.name.clone() };
            acc.step(Enforce, validate, "reads the old rows while reads and writes go on");
        }
    }
}

impl Kind for ChangeConstraint {
    fn kind(&self) -> &'static str {
        "change_constraint"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Constraint(self.table.clone(), self.name.clone())
    }

    fn describe(&self) -> String {
        format!("change constraint {} of {}", self.name, self.table)
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        let only_validity = Constraint { not_valid: self.after.not_valid, ..self.before.clone() } == self.after;
        if only_validity && !self.after.not_valid {
            let validate = Ddl::ValidateConstraint { table: self.table.clone(), name: self.name.clone() };
            acc.step(Enforce, validate, "reads the old rows while reads and writes go on");
            return;
        }
        let timed = Constraint {
            deferrable: self.after.deferrable,
            initially_deferred: self.after.initially_deferred,
            ..self.before.clone()
        };
        match (&self.before.kind, &self.after.kind) {
            (ConstraintKind::ForeignKey(_), ConstraintKind::ForeignKey(_)) if timed == self.after => {
                let alter = Ddl::AlterConstraint {
                    table: self.table.clone(),
                    name: self.name.clone(),
                    deferrable: Some(self.after.deferrable),
                    initially_deferred: Some(self.after.initially_deferred),
                    enforced: None,
                };
                acc.step(Enforce, alter, "only the catalog changes");
            }
            (
                ConstraintKind::PrimaryKey(_) | ConstraintKind::Unique(_),
                ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key),
            ) if !key.without_overlaps && !b.partitioned(&self.table) => {
                self.key(b, acc, matches!(self.after.kind, ConstraintKind::PrimaryKey(_)), &key.columns);
            }
            (ConstraintKind::Check(_), ConstraintKind::Check(_))
                if !self.after.not_valid && !self.after.not_enforced =>
            {
                self.succeed(b, acc);
            }
            (ConstraintKind::Check(_), ConstraintKind::Check(_))
            | (ConstraintKind::ForeignKey(_), ConstraintKind::ForeignKey(_))
                if !b.partitioned(&self.table) || matches!(self.after.kind, ConstraintKind::Check(_)) =>
            {
                self.replace(b, acc);
            }
            _ => {
                acc.step(Enforce, self.drop(), "another kind of constraint takes its name");
                build::constraint(b, acc, Enforce, &self.table, &self.after);
            }
        }
    }
}
