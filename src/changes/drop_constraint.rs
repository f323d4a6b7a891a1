//! A constraint that goes; the pairing of constraints for its neighbours.

use super::{
    Builder, Kind, Outline,
    archive::{self, Fate},
    pairs::{Pairs, TablePair, parents},
    rebuilt::{Part, carried, constraint_mentions, nameless},
};
use crate::{
    dialect::Probe,
    page::page,
    plan::PhaseKind::{self, *},
    sql::{Constraint, ConstraintKind, Ddl, Ident, Name, ObjectRef},
};

page! {
    /// # Drop a constraint
    ///
    /// Only the catalog changes, but a foreign key locks both tables against everybody for that moment. A check or foreign key
    /// goes in Expand, so that new code may write what it forbade; a unique or primary key in Contract, as old code may rely
    /// on it for ON CONFLICT. Bringing it back reads the rows again, and fails if they break it by then.
    ///
    /// ```sql before
    /// CREATE TABLE products (id bigint PRIMARY KEY, sku text CONSTRAINT sku_short CHECK (length(sku) < 20), gtin text UNIQUE);
    /// ```
    /// ```sql after
    /// CREATE TABLE products (id bigint PRIMARY KEY, sku text, gtin text);
    /// ```
    /// ```plan
    /// Expand: drop check products.sku_short
    ///   ALTER TABLE products DROP CONSTRAINT sku_short
    ///     lock: AccessExclusive on products, brief
    ///   after: products.sku_short is gone = t
    ///   undo: ALTER TABLE products ADD CONSTRAINT sku_short CHECK (length(sku) < 20) NOT VALID
    ///   undo: ALTER TABLE products VALIDATE CONSTRAINT sku_short
    /// Gate: no running instance relies on products_gtin_key (products)
    /// Contract: drop unique constraint products.products_gtin_key
    ///   ALTER TABLE products DROP CONSTRAINT products_gtin_key
    ///     lock: AccessExclusive on products, brief
    ///   after: products.products_gtin_key is gone = t
    ///   undo: CREATE UNIQUE INDEX CONCURRENTLY products_gtin_key ON products (gtin)
    ///   undo: ALTER TABLE products ADD CONSTRAINT products_gtin_key UNIQUE USING INDEX products_gtin_key
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropConstraint {
    table: Name,
    constraint: Constraint,
    /// It goes because a column or table it names goes.
    with_column: bool,
}

/// A constraint of a table that is there before and after.
pub(super) struct Match {
    pub table: Name,
    pub before: Option<Constraint>,
    pub after: Option<Constraint>,
    /// Another primary key, under another name.
    pub another: bool,
}

/// Constraints of both sides that have their own story, paired by name, else by definition.
pub(super) fn matches(pairs: &Pairs<'_>) -> Vec<Match> {
    pairs.tables.iter().flat_map(|pair| of_table(pairs, pair)).collect()
}

fn of_table(pairs: &Pairs<'_>, pair: &TablePair) -> Vec<Match> {
    let table = &pair.after.name;
    let part = |it: &Constraint| Part::Constraint(table.clone(), it.clone());
    let consumed = |it: &Constraint, old: bool| {
        let part = part(it);
        pairs.rebuilt.iter().any(|it| if old { it.before.as_ref() == Some(&part) } else { it.after == part })
    };
    let handed_down = |it: &Constraint, old: bool| {
        let catalog = if old { &pairs.base } else { pairs.input.after };
        // From a parent that stays: one that goes leaves it here, one that comes asks for it.
        let kept = parents(&pair.before).filter(|it| parents(&pair.after).any(|parent| parent == *it));
        // Heirs get checks, by name; partitions get keys as well.
        let named = |theirs: &Constraint| match it.kind {
            ConstraintKind::Check(_) => theirs.name == it.name,
            _ => pair.after.partition_of.is_some(),
        };
        let theirs = |theirs: &Constraint| theirs.kind == it.kind && !theirs.no_inherit && named(theirs);
        kept.filter_map(|it| catalog.table(it)).any(|parent| parent.constraints.iter().any(theirs))
    };
    let free = |it: &&Constraint, old: bool| !consumed(it, old) && !handed_down(it, old);
    let mut old: Vec<Constraint> = pair.before.constraints.iter().filter(|it| free(it, true)).cloned().collect();
    let mut res = Vec::new();
    let mut rest = Vec::new();
    let paired = |before: Option<Constraint>, after: Option<Constraint>| Match {
        table: table.clone(),
        before,
        after,
        another: false,
    };
    for constraint in pair.after.constraints.iter().filter(|it| free(it, false)) {
        match old.iter().position(|it| it.name == constraint.name) {
            Some(at) => res.push(paired(Some(old.remove(at)), Some(constraint.clone()))),
            None => rest.push(constraint.clone()),
        }
    }
    for constraint in rest {
        let same = |it: &Constraint| nameless(&carried(pairs, &part(it))) == nameless(&part(&constraint));
        let at = old.iter().position(same);
        res.push(paired(at.map(|at| old.remove(at)), Some(constraint)));
    }
    // A table has one primary key: another takes its place.
    let primary = |it: &Constraint| matches!(it.kind, ConstraintKind::PrimaryKey(_));
    let successor = res.iter_mut().find(|it| it.before.is_none() && it.after.as_ref().is_some_and(primary));
    if let (Some(at), Some(successor)) = (old.iter().position(primary), successor) {
        successor.before = Some(old.remove(at));
        successor.another = true;
    }
    res.extend(old.into_iter().map(|it| paired(Some(it), None)));
    res
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<DropConstraint> {
    let gone = matches(pairs).into_iter().filter(|it| it.after.is_none());
    gone.filter_map(|it| {
        let constraint = it.before?;
        let own = pairs
            .pair(&it.table)
            .is_some_and(|pair| pair.dropped.iter().any(|column| constraint_mentions(&constraint, column)));
        let theirs = match &constraint.kind {
            ConstraintKind::ForeignKey(fk) => match pairs.pair(&fk.references) {
                Some(pair) => fk.referenced_columns.iter().any(|it| pair.dropped.contains(it)),
                None => !pairs.input.after.tables.contains_key(&fk.references),
            },
            _ => false,
        };
        // Rows that it points at go with a partition.
        let theirs = theirs
            || matches!(&constraint.kind, ConstraintKind::ForeignKey(fk)
                if pairs.base.descendants(&fk.references).iter().any(|it| !pairs.input.after.tables.contains_key(it)));
        Some(DropConstraint { table: it.table, constraint, with_column: own || theirs })
    })
    .collect()
}

impl DropConstraint {
    /// The table that a foreign key points at, when that goes.
    fn dead_end(&self, b: &Builder<'_>) -> Option<&Name> {
        match &self.constraint.kind {
            ConstraintKind::ForeignKey(fk) if !b.after().tables.contains_key(&fk.references) => Some(&fk.references),
            _ => None,
        }
    }
}

impl Kind for DropConstraint {
    fn kind(&self) -> &'static str {
        "drop_constraint"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Constraint(self.table.clone(), self.constraint.name.clone().unwrap_or_default())
    }

    fn describe(&self) -> String {
        let what = match &self.constraint.kind {
            ConstraintKind::PrimaryKey(_) => "primary key",
            ConstraintKind::Unique(_) => "unique constraint",
            ConstraintKind::Check(_) => "check",
            ConstraintKind::ForeignKey(_) => "foreign key",
            ConstraintKind::Exclude(_) => "exclusion constraint",
            ConstraintKind::NotNull(_) => "not null constraint",
        };
        format!("drop {what} {}", self.object())
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        let Some(name) = self.constraint.name.clone() else { return };
        let loosens = matches!(
            self.constraint.kind,
            ConstraintKind::Check(_) | ConstraintKind::ForeignKey(_) | ConstraintKind::Exclude(_)
        );
        let dead_end = self.dead_end(b);
        let phase = match dead_end {
            // The table it points at waits under another name: until it goes for good, nothing is lost.
            Some(table) if archive::fate(b, table) == Fate::Tripwire => Retire,
            _ if loosens && !self.with_column => Expand,
            _ => Contract,
        };
        if phase == Contract && !self.with_column {
            acc.gate(Contract, format!("no running instance relies on {} ({})", name, self.table));
        }
        let drop = Ddl::DropConstraint { table: self.table.clone(), name, if_exists: false, cascade: false };
        acc.step(phase, drop, "only the catalog changes");
        loosen(b, acc, phase, None, &self.table, &self.constraint);
        acc.verify(phase, b.dialect(), Probe::Gone(self.object()));
    }
}

/// A key keeps its columns NOT NULL; what the schema wants nullable becomes so when it is gone.
pub(super) fn loosen(
    b: &Builder<'_>,
    acc: &mut Outline,
    phase: PhaseKind,
    group: Option<&str>,
    table: &Name,
    gone: &Constraint,
) {
    let ConstraintKind::PrimaryKey(key) = &gone.kind else { return };
    let Some(pair) = b.pairs.pair(table) else { return };
    let loose = pair.columns.iter().filter(|it| {
        key.columns.contains(&it.before.name)
            && it.before.not_null
            && !it.after.not_null
            && it.before.identity.is_none()
            && it.dual.is_none()
    });
    // Code that does not know a column that goes leaves it out: where nothing gives it a value, it has to be nullable.
    let given = |it: &Ident| pair.before.column(it).is_some_and(|it| it.identity.is_some() || it.default.is_some());
    let left_out = pair.dropped.iter().filter(|it| key.columns.contains(it) && !given(it));
    for column in loose.map(|it| &it.after.name).chain(left_out) {
        let drop = Ddl::DropNotNull { table: table.clone(), column: column.clone() };
        let why = "nothing keeps it NOT NULL any more";
        match group {
            Some(group) => acc.grouped(phase, group, drop, why),
            None => acc.step(phase, drop, why),
        };
    }
}
