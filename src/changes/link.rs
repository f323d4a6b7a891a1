//! Columns whose copies must exchange names in one transaction: those of one primary key, and those that a foreign key ties.

use std::collections::BTreeMap;

use super::{
    dual::Twin,
    labels::{self, Replaced},
    pairs::Pairs,
    rebuilt::{Part, Rebuilt, stands_on},
};
use crate::sql::*;

/// A column of `after`.
type At = (Name, Ident);

/// The sets, each with referenced tables before those that refer to them; columns that stand alone are sets of one.
pub fn find(pairs: &Pairs<'_>) -> Vec<Vec<At>> {
    let swapped = pairs.columns().filter(|(_, it)| it.dual.as_ref().is_some_and(|it| it.swap));
    let columns: Vec<At> = swapped.map(|(pair, it)| (pair.after.name.clone(), it.after.name.clone())).collect();
    // The number of its set, by column.
    let mut sets: BTreeMap<&At, usize> = columns.iter().enumerate().map(|(i, it)| (it, i)).collect();
    for part in pairs.rebuilt.iter().filter(|it| is_tie(&it.after)) {
        let tied: Vec<usize> = columns.iter().filter(|at| touches(part, at)).map(|at| sets[at]).collect();
        if let Some(first) = tied.iter().min() {
            sets.values_mut().filter(|it| tied.contains(it)).for_each(|it| *it = *first);
        }
    }
    for name in pairs.replaced.iter().map(|it| &it.name) {
        let tied: Vec<usize> = columns.iter().filter(|at| is_of_type(pairs, at, name)).map(|at| sets[at]).collect();
        if let Some(first) = tied.iter().min() {
            sets.values_mut().filter(|it| tied.contains(it)).for_each(|it| *it = *first);
        }
    }
    let order = order(pairs);
    let place = |it: &At| (order.iter().position(|table| **table == it.0), columns.iter().position(|at| at == it));
    let mut res: BTreeMap<usize, Vec<At>> = BTreeMap::new();
    sets.into_iter().for_each(|(at, set)| res.entry(set).or_default().push(at.clone()));
    res.values_mut().for_each(|it| it.sort_by_key(place));
    res.into_values().collect()
}

/// The twins of a set.
pub fn twins(pairs: &Pairs<'_>, set: &[At]) -> Vec<Twin> {
    let twin = |(table, column): &At| {
        let pair = pairs.pair(table)?.columns.iter().find(|it| it.after.name == *column)?;
        Some(Twin { before: pair.before.clone(), after: pair.after.clone(), dual: pair.dual.clone()? })
    };
    set.iter().filter_map(twin).collect()
}

fn is_of_type(pairs: &Pairs<'_>, (table, column): &At, name: &Name) -> bool {
    let column = pairs.input.after.table(table).and_then(|it| it.column(column));
    column.is_some_and(|it| labels::is_of(&it.ty, name))
}

/// The enums that go over with the set; its change is theirs then.
pub fn types<'a>(pairs: &'a Pairs<'_>, set: &[At]) -> Vec<&'a Replaced> {
    let twice = pairs.replaced.iter().filter(|it| it.twice);
    twice.filter(|it| set.iter().any(|at| is_of_type(pairs, at, &it.name))).collect()
}

/// Is there a key in it that others point at, or more than one column?
pub fn is_keyed(pairs: &Pairs<'_>, set: &[At]) -> bool {
    pairs.rebuilt.iter().any(|part| is_tie(&part.after) && set.iter().any(|at| touches(part, at)))
}

/// A foreign key stands on it: the set is more than one column's business.
pub fn is_pointed(pairs: &Pairs<'_>, set: &[At]) -> bool {
    let foreign = |it: &&Rebuilt| super::dual::is_foreign_key(&it.after);
    set.len() > 1 || pairs.rebuilt.iter().filter(foreign).any(|part| set.iter().any(|at| touches(part, at)))
}

fn is_tie(part: &Part) -> bool {
    let Part::Constraint(_, it) = part else { return false };
    matches!(it.kind, ConstraintKind::PrimaryKey(_) | ConstraintKind::ForeignKey(_))
}

fn touches(part: &Rebuilt, (table, column): &At) -> bool {
    [Some(&part.after), part.before.as_ref()].into_iter().flatten().any(|it| stands_on(it, table, column))
}

/// Tables, referenced ones before those that refer to them; by name where nothing else says.
fn order<'a>(pairs: &'a Pairs<'_>) -> Vec<&'a Name> {
    let mut rest: Vec<&Name> = pairs.base.tables.keys().collect();
    let mut res: Vec<&Name> = Vec::new();
    while !rest.is_empty() {
        let waits = |table: &Name| {
            let constraints = pairs.base.table(table).into_iter().flat_map(|it| &it.constraints);
            constraints.into_iter().any(|it| match &it.kind {
                ConstraintKind::ForeignKey(fk) => fk.references != *table && rest.contains(&&fk.references),
                _ => false,
            })
        };
        // In a ring, the first by name.
        let at = rest.iter().position(|it| !waits(it)).unwrap_or(0);
        res.push(rest.remove(at));
    }
    res
}
