//! Generated rows: made from the catalog alone, the same every time, and such that the constraints hold.
//!
//! A row's number `g` decides all its values. A table that cannot be filled (a check nobody can guess, a trigger
//! that refuses) is named in the notes; it never fails the run.

mod complete;
mod demands;
mod model;
mod renames;
mod values;

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::connect::{Failure, Session};
pub use complete::Wanted;
use demands::Demands;
use model::{Column, ForeignKey, Model, Table};
pub use renames::renames;

/// Attempts at values for one table before it is given up.
const ATTEMPTS: usize = 120;

/// As [`fill`], with rows that satisfy the target's constraints as well: a plan cannot enforce what rows break.
/// `renames` ([`renames`]) leads from the names there are to the target's.
pub async fn fill_for(session: &Session, target: &Session, renames: &[[String; 2]], rows: u64) -> Result<Vec<String>> {
    let demands = Demands::impose(session, target, renames).await?;
    let notes = fill(session, rows).await;
    demands.lift(session).await.context("taking the target's constraints off again")?;
    notes
}

/// Fills every table with up to `rows` rows; returns notes about those that have fewer.
pub async fn fill(session: &Session, rows: u64) -> Result<Vec<String>> {
    let model = Model::read(session).await?;
    let mut filler = Filler { session, model: &model, rows, counts: BTreeMap::new(), notes: Vec::new() };
    if rows == 0 {
        return Ok(Vec::new());
    }
    let mut waiting: Vec<&Table> = model.tables.values().collect();
    while !waiting.is_empty() {
        let next = filler.next(&waiting);
        let table = waiting.remove(next);
        filler.table(table).await?;
    }
    for table in model.tables.values() {
        filler.close_circles(table).await?;
    }
    session.run("ANALYZE").await.ok();
    Ok(filler.notes)
}

struct Filler<'a> {
    session: &'a Session,
    model: &'a Model,
    rows: u64,
    /// Rows of the tables that are done.
    counts: BTreeMap<String, u64>,
    notes: Vec<String>,
}

impl Filler<'_> {
    /// Index of the table to fill next: one whose parents are done; else one that can do without them for now.
    fn next(&self, waiting: &[&Table]) -> usize {
        let is_free = |table: &&Table, nullable_counts: bool| {
            table.foreign_keys.iter().all(|it| {
                it.references == table.oid
                    || self.counts.contains_key(&it.references)
                    || (nullable_counts && table.is_nullable(it))
            })
        };
        let ready = waiting.iter().position(|it| is_free(it, false));
        ready.or_else(|| waiting.iter().position(|it| is_free(it, true))).unwrap_or(0)
    }

    async fn table(&mut self, table: &Table) -> Result<()> {
        let leaves: Vec<_> = table.leaves.iter().filter(|it| it.values.is_some()).collect();
        let mut problem = None;
        if leaves.is_empty() {
            problem = self.insert(table, &table.name, 1, self.rows, &BTreeMap::new()).await?;
        } else {
            let share = (self.rows / leaves.len() as u64).max(1);
            for (from, leaf) in (1..).step_by(usize::try_from(share)?).zip(leaves) {
                let fixed = leaf.values.clone().unwrap_or_default();
                problem = self.insert(table, &leaf.name, from, from + share - 1, &fixed).await?.or(problem);
            }
        }
        let count = self.session.value(&format!("SELECT count(*) FROM {}", table.name)).await?;
        self.counts.insert(table.oid.clone(), count.and_then(|it| it.parse().ok()).unwrap_or(0));
        if let Some(failure) = problem {
            self.notes.push(format!("no generated rows in {}: {}", table.name, failure));
        }
        Ok(())
    }

    /// Inserts rows numbered `from` to `to`; what was in the way, if anything.
    async fn insert(
        &mut self,
        table: &Table,
        into: &str,
        from: u64,
        to: u64,
        fixed: &BTreeMap<String, String>,
    ) -> Result<Option<String>> {
        let mut choice = Choice::default();
        let mut conflict = " ON CONFLICT DO NOTHING";
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let sql = match self.insert_sql(table, into, (from, to), fixed, &choice) {
                Ok(sql) => sql,
                Err(why) => return Ok(Some(why)),
            };
            let failure = match self.session.run(&format!("{sql}{conflict}")).await {
                Ok(()) => return Ok(None),
                Err(failure) if failure.gone => return Err(failure.into()),
                Err(failure) => failure,
            };
            // A table with rules takes no ON CONFLICT.
            if failure.code == "0A000" && !conflict.is_empty() {
                conflict = "";
                continue;
            }
            if !choice.advance(table, &failure, fixed) {
                return Ok(Some(failure.to_string()));
            }
            last = Some(failure.to_string());
        }
        Ok(last)
    }

    fn insert_sql(
        &self,
        table: &Table,
        into: &str,
        (from, to): (u64, u64),
        fixed: &BTreeMap<String, String>,
        choice: &Choice,
    ) -> Result<String, String> {
        let (mut names, mut values, mut joins) = (Vec::new(), Vec::new(), String::new());
        let mut by_column: BTreeMap<&str, String> = BTreeMap::new();
        for (i, key) in table.foreign_keys.iter().enumerate() {
            let count = self.counts.get(&key.references).copied().unwrap_or(0);
            if key.references == table.oid || count == 0 {
                self.without_parent(table, key, &mut by_column)?;
                continue;
            }
            let parent = &self.model.tables.get(&key.references).ok_or("its parent is unknown")?.name;
            let list = key.parent_columns.join(", ");
            joins += &format!(
                " JOIN (SELECT row_number() OVER (ORDER BY {list}) - 1 AS n, {list} FROM {parent}) p{i} ON p{i}.n = g % {count}"
            );
            for (column, parent) in key.columns.iter().zip(&key.parent_columns) {
                by_column.entry(column).or_insert_with(|| format!("p{i}.{parent}"));
            }
        }
        let mut overriding = "";
        for column in &table.columns {
            let value = match (fixed.get(&column.name), by_column.remove(column.name.as_str())) {
                (Some(fixed), _) => fixed.clone(),
                (None, Some(value)) => value,
                // The sequence stays in step with the rows this way.
                (None, None) if column.is_numbered => continue,
                (None, None) => choice.value(table, column)?,
            };
            if column.is_numbered {
                overriding = " OVERRIDING SYSTEM VALUE";
            }
            names.push(column.name.as_str());
            values.push(value);
        }
        let list = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
        Ok(format!(
            "INSERT INTO {into}{list}{overriding} SELECT {} FROM generate_series({from}::bigint, {to}) g{joins}",
            values.join(", ")
        ))
    }

    /// Values of a foreign key whose parent has no rows yet: NULL where that may be; a row may point at itself.
    fn without_parent<'t>(
        &self,
        table: &'t Table,
        key: &'t ForeignKey,
        by_column: &mut BTreeMap<&'t str, String>,
    ) -> Result<(), String> {
        if let Some(nullable) = table.nullable_column(key) {
            by_column.insert(nullable, "NULL".into());
            return Ok(());
        }
        if key.references != table.oid {
            return Err("it needs rows of a table that has none".into());
        }
        for (column, parent) in key.columns.iter().zip(&key.parent_columns) {
            let target = table.columns.iter().find(|it| it.name == *parent).ok_or("its key is unknown")?;
            let value =
                if target.is_numbered { "g".into() } else { values::candidate(target, &[], 0).unwrap_or_default() };
            by_column.insert(column, value.clone());
            by_column.insert(parent, value);
        }
        Ok(())
    }

    /// Foreign keys that had to wait (to the table itself, or in a circle) get values now.
    async fn close_circles(&mut self, table: &Table) -> Result<()> {
        for key in &table.foreign_keys {
            let Some(parent) = self.model.tables.get(&key.references) else { continue };
            let (columns, list) = (key.columns.join(", "), key.parent_columns.join(", "));
            let open: Vec<_> = key.columns.iter().map(|it| format!("{it} IS NULL")).collect();
            // The first row's key serves all: any value will do. What refuses (a unique key, a trigger) stays NULL.
            let sql = format!(
                "UPDATE {} SET ({columns}) = ROW(p.*) FROM (SELECT {list} FROM {} ORDER BY {list} LIMIT 1) p WHERE {}",
                table.name,
                parent.name,
                open.join(" AND ")
            );
            match self.session.run(&sql).await {
                Err(failure) if failure.gone => return Err(failure.into()),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Which candidate value each column has; the first (0) where nothing is said.
#[derive(Default)]
struct Choice {
    by_column: BTreeMap<String, usize>,
    /// Attempts so far for each constraint.
    tried: BTreeMap<String, usize>,
}

impl Choice {
    fn value(&self, table: &Table, column: &Column) -> Result<String, String> {
        let at = self.by_column.get(&column.name).copied().unwrap_or(0);
        let value = values::candidate(column, &table.literals_for(column), at);
        // NULL now and then, where nothing speaks against it.
        match value {
            Some(value) if column.nullable && at == 0 && !table.is_checked(column) && !table.is_key(column) => {
                Ok(format!("CASE WHEN g % 7 <> 0 THEN {value} END"))
            }
            Some(value) => Ok(value),
            None if column.nullable => Ok("NULL".into()),
            None => Err(format!("no value for {} of type {}", column.name, column.type_name)),
        }
    }

    /// Other values for the columns that the failure speaks of. `false`: there is nothing more to try.
    fn advance(&mut self, table: &Table, failure: &Failure, fixed: &BTreeMap<String, String>) -> bool {
        let constraint = failure.constraint.clone().unwrap_or_default();
        let mut columns: Vec<&Column> = match failure.code.as_str() {
            "23514" => table.checked_by(&constraint),
            // Not null, by a trigger or a domain.
            "23502" => table.columns.iter().filter(|it| failure.message.contains(&it.name)).collect(),
            // A value that the column's type or a generated expression does not take.
            code if code.starts_with("22") => table.doubtful(),
            _ => return false,
        };
        columns.retain(|it| !fixed.contains_key(&it.name) && !it.is_numbered && !table.is_foreign(it));
        if columns.is_empty() {
            return false;
        }
        let tried = self.tried.entry(constraint).or_default();
        *tried += 1;
        // One column after the other moves on while the rest stay at the start; after that all together.
        let most = values::CANDIDATES;
        let (at, round) = (*tried - 1, columns.len() * most);
        for (i, column) in columns.iter().enumerate() {
            let choice = match at {
                at if at < round => {
                    if at % columns.len() == i {
                        at / columns.len() + 1
                    } else {
                        0
                    }
                }
                // Pairs: the columns walk at different speeds, so that every pair comes up.
                at => (at - round) / (most + 1).pow(u32::try_from(i).unwrap_or(0)) % (most + 1),
            };
            self.by_column.insert(column.name.clone(), choice);
        }
        true
    }
}
