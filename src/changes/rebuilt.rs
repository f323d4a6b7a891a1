//! Indexes and constraints that must be made anew because a column gets a second copy.

use std::sync::Arc;

use super::pairs::Pairs;
use crate::sql::{tokens::mentions_column, *};

/// Something that stands on a column with two copies. `before` goes away in Contract, `after` is built beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    pub before: Option<Part>,
    pub after: Part,
    /// Table and column (in `after`) whose change carries the steps.
    pub owner: (Name, Ident),
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "a handful per plan, matched on whole")]
pub enum Part {
    Index(Arc<Index>),
    /// A constraint of the table.
    Constraint(Name, Constraint),
}

impl Part {
    pub fn object(&self) -> ObjectRef {
        match self {
            Self::Index(it) => ObjectRef::Index(it.name.clone().unwrap_or_default()),
            Self::Constraint(table, it) => ObjectRef::Constraint(table.clone(), it.name.clone().unwrap_or_default()),
        }
    }

    pub fn table(&self) -> &Name {
        match self {
            Self::Index(it) => &it.table,
            Self::Constraint(table, _) => table,
        }
    }
}

/// Finds them, with their counterparts in `before`.
pub fn find(pairs: &Pairs<'_>) -> Vec<Rebuilt> {
    if pairs.columns().all(|(_, column)| column.dual.is_none()) {
        return Vec::new();
    }
    let mut res: Vec<Rebuilt> = Vec::new();
    // A table that is new is made with its parts.
    let there = |it: &Part| pairs.base.tables.contains_key(it.table());
    for after in parts(pairs.input.after).filter(there) {
        let Some(owner) = owner(pairs, &after) else { continue };
        let free = |part: &Part| !res.iter().any(|it| it.before.as_ref() == Some(part));
        let candidates: Vec<Part> = parts(&pairs.base).filter(|it| it.table() == after.table()).filter(free).collect();
        let same = candidates.iter().find(|it| nameless(&carried(pairs, it)) == nameless(&after));
        let before = same.or_else(|| candidates.iter().find(|it| it.object() == after.object())).cloned();
        // Another primary key is a change of its own.
        let primary =
            |it: &Part| matches!(it, Part::Constraint(_, it) if matches!(it.kind, ConstraintKind::PrimaryKey(_)));
        let swap = pairs.pair(&owner.0).is_some_and(|pair| {
            pair.columns.iter().any(|it| it.after.name == owner.1 && it.dual.as_ref().is_some_and(|it| it.swap))
        });
        if before.is_none() && !swap && primary(&after) && candidates.iter().any(primary) {
            continue;
        }
        res.push(Rebuilt { before, after, owner });
    }
    res
}

pub fn parts(catalog: &crate::catalog::Catalog) -> impl Iterator<Item = Part> {
    let indexes = catalog.indexes.values().cloned().map(Part::Index);
    let constraints = catalog
        .tables
        .values()
        .flat_map(|table| table.constraints.iter().map(|it| Part::Constraint(table.name.clone(), it.clone())));
    indexes.chain(constraints)
}

/// The last column with two copies that the part stands on; one that is swapped before one that is renamed, since a key
/// must go over in the transaction of the swap.
fn owner(pairs: &Pairs<'_>, part: &Part) -> Option<(Name, Ident)> {
    let duals = pairs.columns().filter_map(|(pair, column)| Some((column.dual.as_ref()?.swap, pair, column)));
    let standing = duals.filter(|(_, pair, column)| stands_on(part, &pair.after.name, &column.after.name));
    let last = standing.max_by_key(|it| it.0);
    last.map(|(_, pair, column)| (pair.after.name.clone(), column.after.name.clone()))
}

/// Does the part use the column?
pub fn stands_on(part: &Part, table: &Name, column: &Ident) -> bool {
    match part {
        Part::Index(it) => it.table == *table && index_mentions(it, column),
        Part::Constraint(of, it) => {
            let refers = match &it.kind {
                ConstraintKind::ForeignKey(fk) => fk.references == *table && fk.referenced_columns.contains(column),
                _ => false,
            };
            refers || (of == table && constraint_mentions(it, column))
        }
    }
}

pub fn index_mentions(index: &Index, column: &Ident) -> bool {
    index.keys.iter().any(|it| key_mentions(&it.expr, column))
        || index.include.contains(column)
        || index.predicate.as_ref().is_some_and(|it| mentions_column(it.text(), column))
}

pub fn key_mentions(key: &KeyExpr, column: &Ident) -> bool {
    match key {
        KeyExpr::Column(it) => it == column,
        KeyExpr::Expr(it) => mentions_column(it.text(), column),
    }
}

pub fn constraint_mentions(constraint: &Constraint, column: &Ident) -> bool {
    match &constraint.kind {
        ConstraintKind::PrimaryKey(it) | ConstraintKind::Unique(it) => {
            it.columns.contains(column) || it.include.contains(column)
        }
        ConstraintKind::Check(it) => mentions_column(it.text(), column),
        ConstraintKind::ForeignKey(it) => it.columns.contains(column) || it.on_delete_columns.contains(column),
        ConstraintKind::Exclude(it) => {
            it.elements.iter().any(|(key, _)| key_mentions(&key.expr, column))
                || it.predicate.as_ref().is_some_and(|it| mentions_column(it.text(), column))
        }
        ConstraintKind::NotNull(it) => it == column,
    }
}

/// A part of `before` under the column names of `after`.
pub fn carried(pairs: &Pairs<'_>, part: &Part) -> Part {
    let table = part.table().clone();
    let column = |it: &Ident| pairs.carried_column(&table, it);
    let expr = |it: &Expr| pairs.carried(&table, it);
    match part {
        Part::Index(index) => Part::Index(Arc::new(map_index(index, &column, &expr))),
        Part::Constraint(_, constraint) => {
            let referenced = |of: &Name, it: &Ident| pairs.carried_column(of, it);
            Part::Constraint(table.clone(), map_constraint(constraint, &column, &expr, &referenced))
        }
    }
}

/// A part of `after` over the working names of the columns.
pub fn at_work(pairs: &Pairs<'_>, part: &Part) -> Part {
    let table = part.table().clone();
    let column = |it: &Ident| pairs.working(&table, it);
    let expr = |it: &Expr| pairs.at_work(&table, it);
    match part {
        Part::Index(index) => Part::Index(Arc::new(map_index(index, &column, &expr))),
        Part::Constraint(_, constraint) => {
            let referenced = |of: &Name, it: &Ident| pairs.working(of, it);
            Part::Constraint(table.clone(), map_constraint(constraint, &column, &expr, &referenced))
        }
    }
}

/// A key or foreign key over other columns.
pub fn renamed(part: &Part, name: &dyn Fn(&Name, &Ident) -> Ident) -> Part {
    let table = part.table().clone();
    let column = |it: &Ident| name(&table, it);
    match part {
        Part::Index(index) => Part::Index(Arc::new(map_index(index, &column, &Expr::clone))),
        Part::Constraint(_, it) => Part::Constraint(table.clone(), map_constraint(it, &column, &Expr::clone, name)),
    }
}

fn map_index(index: &Index, column: &dyn Fn(&Ident) -> Ident, expr: &dyn Fn(&Expr) -> Expr) -> Index {
    let mut res = index.clone();
    res.keys.iter_mut().for_each(|it| map_key(&mut it.expr, column, expr));
    res.include.iter_mut().for_each(|it| *it = column(it));
    res.predicate = res.predicate.as_ref().map(expr);
    res
}

fn map_key(key: &mut KeyExpr, column: &dyn Fn(&Ident) -> Ident, expr: &dyn Fn(&Expr) -> Expr) {
    match key {
        KeyExpr::Column(it) => *it = column(it),
        KeyExpr::Expr(it) => *it = expr(it),
    }
}

fn map_constraint(
    constraint: &Constraint,
    column: &dyn Fn(&Ident) -> Ident,
    expr: &dyn Fn(&Expr) -> Expr,
    referenced: &dyn Fn(&Name, &Ident) -> Ident,
) -> Constraint {
    let mut res = constraint.clone();
    match &mut res.kind {
        ConstraintKind::PrimaryKey(it) | ConstraintKind::Unique(it) => {
            it.columns.iter_mut().chain(&mut it.include).for_each(|it| *it = column(it));
        }
        ConstraintKind::Check(it) => *it = expr(it),
        ConstraintKind::ForeignKey(it) => {
            it.columns.iter_mut().chain(&mut it.on_delete_columns).for_each(|it| *it = column(it));
            let of = it.references.clone();
            it.referenced_columns.iter_mut().for_each(|it| *it = referenced(&of, it));
        }
        ConstraintKind::Exclude(it) => {
            it.elements.iter_mut().for_each(|(key, _)| map_key(&mut key.expr, column, expr));
            it.include.iter_mut().for_each(|it| *it = column(it));
            it.predicate = it.predicate.as_ref().map(expr);
        }
        ConstraintKind::NotNull(it) => *it = column(it),
    }
    res
}

/// The part without its name, to compare definitions.
pub fn nameless(part: &Part) -> Part {
    match part {
        Part::Index(it) => Part::Index(Arc::new(Index { name: None, ..(**it).clone() })),
        Part::Constraint(table, it) => Part::Constraint(table.clone(), Constraint { name: None, ..it.clone() }),
    }
}
