//! What the target asks of rows that the baseline does not: generated rows must be fit for the way.
//!
//! A plan that makes a column NOT NULL cannot succeed on rows where it is NULL, and says so in its preflight.
//! To generate rows that pass, the target's constraints are put on the baseline for as long as rows are made.

use std::collections::BTreeSet;

use anyhow::Result;

use super::super::connect::Session;

/// Names of what is put on for a while begin with this.
const PREFIX: &str = "lockkeeper_fill_";

/// Constraints that are on for the time being; the statements that take them off again.
pub struct Demands {
    undo: Vec<String>,
}

impl Demands {
    /// Puts the target's constraints on the baseline's tables, under the target's names, where they fit.
    pub async fn impose(baseline: &Session, target: &Session, renames: &[[String; 2]]) -> Result<Self> {
        let mut res = Self { undo: Vec::new() };
        for [sql, undo] in renames {
            match baseline.run(sql).await {
                Ok(()) => res.undo.push(undo.clone()),
                Err(failure) if failure.gone => return Err(failure.into()),
                // The plan will say what is wrong with it.
                Err(_) => {}
            }
        }
        let has: BTreeSet<_> = baseline.rows(ALL).await?.into_iter().collect();
        for (number, row) in target.rows(ALL).await?.into_iter().filter(|it| !has.contains(it)).enumerate() {
            let [Some(kind), Some(table), Some(what)] = row.as_slice() else { continue };
            let name = format!("{PREFIX}{number}");
            let (sql, undo) = match kind.as_str() {
                // A partition here may stand alone there: nothing new is asked of it.
                "not null" if is_not_null(baseline, table, what).await? => continue,
                "not null" => (
                    format!("ALTER TABLE {table} ALTER COLUMN {what} SET NOT NULL"),
                    format!("ALTER TABLE {table} ALTER COLUMN {what} DROP NOT NULL"),
                ),
                "index" => (
                    format!("CREATE UNIQUE INDEX {name} ON {what}"),
                    // It stands in its table's schema; the name is ours alone.
                    format!(
                        "DO $$ DECLARE i regclass; BEGIN FOR i IN SELECT oid FROM pg_class WHERE relname = '{name}' \
                         LOOP EXECUTE 'DROP INDEX ' || i; END LOOP; END $$"
                    ),
                ),
                "domain" => (
                    format!("ALTER DOMAIN {table} ADD CONSTRAINT {name} {what}"),
                    format!("ALTER DOMAIN {table} DROP CONSTRAINT {name}"),
                ),
                "type" => {
                    let Some(sql) = fits(baseline, table, what, &name).await? else { continue };
                    (sql, format!("ALTER TABLE {table} DROP CONSTRAINT {name}"))
                }
                _ => (
                    format!("ALTER TABLE {table} ADD CONSTRAINT {name} {what}"),
                    format!("ALTER TABLE {table} DROP CONSTRAINT {name}"),
                ),
            };
            // What does not fit (a column that is not there yet) asks nothing of these rows.
            match baseline.run(&sql).await {
                Ok(()) => res.undo.push(undo),
                Err(failure) if failure.gone => return Err(failure.into()),
                Err(_) => {}
            }
        }
        Ok(res)
    }

    /// Takes them off again, in reverse order: a foreign key leans on a unique key, a primary key on NOT NULL. A
    /// child's NOT NULL may have to wait for its parent's: what fails is tried again while that gets any further.
    pub async fn lift(self, baseline: &Session) -> Result<()> {
        let mut waiting: Vec<&String> = self.undo.iter().rev().collect();
        loop {
            let (mut failed, mut last) = (Vec::new(), None);
            for sql in &waiting {
                if let Err(failure) = baseline.run(sql).await {
                    failed.push(*sql);
                    last = Some(failure);
                }
            }
            match last {
                None => return Ok(()),
                Some(failure) if failure.gone || failed.len() == waiting.len() => return Err(failure.into()),
                Some(_) => waiting = failed,
            }
        }
    }
}

async fn is_not_null(baseline: &Session, table: &str, column: &str) -> Result<bool> {
    let sql = format!("SELECT attnotnull FROM pg_attribute WHERE {}", place(table, column));
    Ok(baseline.value(&sql).await?.is_some_and(|it| it == "t"))
}

/// Condition on `pg_attribute`: this column, both names as they stand in SQL.
fn place(table: &str, column: &str) -> String {
    let [table, column] = [table, column].map(|it| it.replace('\'', "''"));
    format!("attrelid = to_regclass('{table}') AND quote_ident(attname) = '{column}'")
}

/// A check that a column's values come through a change of its type unharmed.
async fn fits(baseline: &Session, table: &str, what: &str, name: &str) -> Result<Option<String>> {
    let Some((column, rest)) = what.split_once('\u{1f}') else { return Ok(None) };
    let Some((ty, labels)) = rest.split_once('\u{1f}') else { return Ok(None) };
    let old = format!("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE {}", place(table, column));
    let Some(old) = baseline.value(&old).await? else { return Ok(None) };
    let check = match labels {
        "" => format!("({column}::{ty})::{old} IS NOT DISTINCT FROM {column}"),
        labels => format!("{column}::text = ANY (ARRAY[{labels}])"),
    };
    Ok(Some(format!("ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({check})")))
}

/// Kind, table, definition; NOT NULL first, since a primary key implies it and would leave it behind. Equal rows on both sides ask nothing new.
const ALL: &str = "WITH own AS (SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c \
      JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition \
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema') \
    SELECT kind, name, what FROM ( \
      SELECT 1 AS place, 'constraint' AS kind, name, pg_get_constraintdef(k.oid) AS what FROM own JOIN pg_constraint k ON k.conrelid = own.oid \
        WHERE k.contype IN ('p', 'u', 'x', 'c') AND k.conparentid = 0 \
      UNION ALL SELECT 2, 'index', name, name || ' ' || substring(pg_get_indexdef(i.indexrelid) FROM ' USING .*') FROM own \
        JOIN pg_index i ON i.indrelid = own.oid WHERE i.indisunique AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid) \
      UNION ALL SELECT 0, 'not null', name, quote_ident(a.attname) FROM own JOIN pg_attribute a ON a.attrelid = own.oid \
        WHERE a.attnotnull AND a.attnum > 0 AND NOT a.attisdropped \
      UNION ALL SELECT 4, 'type', name, concat_ws(E'\\x1f', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod), \
        coalesce((SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = a.atttypid), '')) \
        FROM own JOIN pg_attribute a ON a.attrelid = own.oid WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' \
      UNION ALL SELECT 5, 'domain', t.oid::regtype::text, pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN pg_type t ON t.oid = k.contypid \
        WHERE k.contype = 'c' AND t.typnamespace <> 'information_schema'::regnamespace \
      UNION ALL SELECT 6, 'constraint', name, pg_get_constraintdef(k.oid) FROM own JOIN pg_constraint k ON k.conrelid = own.oid \
        WHERE k.contype = 'f' AND k.conparentid = 0) x ORDER BY place, name, what";

/// Is a constraint one of those that are on for a while and look at a type?
pub fn is_of_ours(constraint: &str) -> bool {
    constraint.starts_with(PREFIX)
}
