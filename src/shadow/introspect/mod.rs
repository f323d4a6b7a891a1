//! A live database as DDL: a small pg_dump. Read-only; names in schema `public` are printed plain.
//!
//! The server's own deparsers (`pg_get_…def`, `format_type`) do the printing. Objects of extensions are left out,
//! and so is what is physical: owners, column order (in the fingerprint), names that the server made up for the
//! parts of partitions.

mod access;
mod objects;
mod relations;

use std::{collections::BTreeSet, sync::Arc};

use anyhow::{Context, Result};

use super::connect::Session;
use crate::{
    catalog::{self, Build, Source},
    dialect::Dialect,
    sql::Statement,
};

/// A database's schema as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Statements without semicolon, in an order that is the same for equal schemas. One that needs another may
    /// stand before it (views of views): [`catalog::desired`] does not mind, and [`super::build`] tries again.
    pub ddl: Vec<String>,
    /// The same in smaller parts (each column its own), to compare by: two databases of one server version have
    /// equal fingerprints exactly when their schemas do not differ, the order of columns aside.
    pub fingerprint: BTreeSet<String>,
}

/// One statement and its place.
struct Item {
    /// Kind's place, then the object's name.
    order: (u8, String),
    /// Empty: only part of the fingerprint.
    statement: String,
    /// Parts for the fingerprint; empty: the statement itself.
    lines: Vec<String>,
}

/// Reads the schema of the database that the session is connected to. Changes nothing, and leaves the session's
/// `search_path` as it was.
pub async fn snapshot(session: &Session) -> Result<Snapshot> {
    // LOCAL: gone with the transaction. In `public` alone, so that names are printed as people write them.
    session
        .run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL search_path = public; SET LOCAL quote_all_identifiers = off; SET LOCAL DateStyle = ISO; SET LOCAL IntervalStyle = postgres; SET LOCAL extra_float_digits = 1")
        .await
        .context("cannot begin reading the schema")?;
    let items = read(session).await;
    let ended = session.run("ROLLBACK").await;
    let mut items = items?;
    ended?;
    items.sort_by(|a, b| a.order.cmp(&b.order));
    let mut res = Snapshot::default();
    for item in items {
        match item.lines.is_empty() {
            true => drop(res.fingerprint.insert(item.statement.clone())),
            false => res.fingerprint.extend(item.lines),
        }
        if !item.statement.is_empty() {
            res.ddl.push(item.statement);
        }
    }
    Ok(res)
}

async fn read(session: &Session) -> Result<Vec<Item>> {
    let mut items = relations::tables(session).await?;
    let queries =
        [objects::queries(session.version), relations::queries(session.version), access::queries(session.version)];
    for query in queries.into_iter().flatten() {
        let rows = session.rows(&query.sql).await.with_context(|| format!("reading {}", query.what))?;
        for row in rows {
            let mut row = row.into_iter();
            let (Some(Some(key)), Some(Some(statement))) = (row.next(), row.next()) else { continue };
            // A third value is something to compare by that the statement does not say.
            let more = row.next().flatten().map(|it| format!("{statement} {it}"));
            let physical = (query.rank == rank::STATISTICS).then(|| in_any_order(&statement));
            let lines = more.or(physical).into_iter().collect();
            items.push(Item { order: (query.rank, key), statement, lines });
        }
    }
    Ok(items)
}

/// `CREATE STATISTICS` with its columns by name: the server prints them as they stand in the table.
fn in_any_order(statement: &str) -> String {
    let parts = statement.rsplit_once(" FROM ").and_then(|(head, table)| Some((head.split_once(" ON ")?, table)));
    let Some(((head, columns), table)) = parts else { return statement.to_owned() };
    let mut columns: Vec<&str> = columns.split(", ").collect();
    columns.sort_unstable();
    format!("{head} ON {} FROM {table}", columns.join(", "))
}

/// A query of rows (name to sort by, statement, more to compare by).
struct Query {
    rank: u8,
    /// Plural, for errors.
    what: &'static str,
    sql: String,
}

/// Places of the kinds: what others need comes first.
mod rank {
    pub const SCHEMA: u8 = 0;
    pub const EXTENSION: u8 = 1;
    pub const COLLATION: u8 = 2;
    pub const TYPE: u8 = 3;
    pub const SEQUENCE: u8 = 4;
    pub const FUNCTION: u8 = 5;
    pub const TABLE: u8 = 6;
    pub const PARTITION: u8 = 7;
    pub const OWNED_BY: u8 = 8;
    pub const COLUMN: u8 = 9;
    pub const CONSTRAINT: u8 = 10;
    pub const INDEX: u8 = 11;
    pub const FOREIGN_KEY: u8 = 12;
    pub const VIEW: u8 = 13;
    pub const STATISTICS: u8 = 14;
    pub const RULE: u8 = 15;
    pub const TRIGGER: u8 = 16;
    pub const TABLE_SETTING: u8 = 17;
    pub const POLICY: u8 = 18;
    pub const COMMENT: u8 = 19;
    pub const GRANT: u8 = 20;
    pub const DATABASE: u8 = 21;
}

/// Condition: not a system schema (alias `n` of pg_namespace).
const USER_SCHEMA: &str = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

/// Condition: not in a system schema, not an extension's.
fn own(class: &str, oid: &str) -> String {
    format!(
        "{USER_SCHEMA} AND NOT EXISTS (SELECT FROM pg_depend e \
         WHERE e.classid = '{class}'::regclass AND e.objid = {oid} AND e.deptype = 'e')"
    )
}

impl Snapshot {
    /// The schema as the core knows it.
    pub fn catalog(&self, dialect: &dyn Dialect) -> Build {
        let statements = self.ddl.iter().map(|text| Statement {
            range: 0..text.len(),
            full: 0..text.len(),
            parsed: Arc::new(dialect.parse(text, 0..text.len())),
        });
        catalog::desired(&[Source { statements: statements.collect() }])
    }
}

/// What differs, one line each: `-` is missing in `actual`, `+` is not expected. Empty: nothing.
pub fn differences(expected: &BTreeSet<String>, actual: &BTreeSet<String>) -> Vec<String> {
    let mut lines: Vec<_> = expected.difference(actual).map(|it| (it, '-')).collect();
    lines.extend(actual.difference(expected).map(|it| (it, '+')));
    lines.sort();
    lines.into_iter().map(|(it, sign)| format!("{sign} {it}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_stand_beside_each_other() {
        let set = |lines: &[&str]| lines.iter().map(|it| (*it).to_owned()).collect();
        let (expected, actual) = (set(&["a", "t.x integer", "z"]), set(&["a", "t.x bigint", "z"]));
        assert_eq!(differences(&expected, &actual), ["+ t.x bigint", "- t.x integer"]);
        assert_eq!(differences(&expected, &expected), Vec::<String>::new());
    }
}
