//! Proof that rows were kept: what is in each column of each table, in numbers that do not depend on order.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::connect::Session;

/// Contents by table. A partition is a table of its own here: it keeps its rows when it is attached or detached.
pub type Checksums = BTreeMap<String, TableSum>;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableSum {
    pub rows: u64,
    /// Columns of the primary key.
    pub key: Vec<String>,
    pub columns: BTreeMap<String, ColumnSum>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnSum {
    pub type_name: String,
    /// Sum of the hashes of the values.
    pub values: String,
    /// Sum of the hashes of key and value: which row has which value.
    pub placed: String,
    pub not_null: u64,
}

/// Reads the contents of all tables.
pub async fn checksums(session: &Session) -> Result<Checksums> {
    let mut tables: BTreeMap<String, (String, TableSum)> = BTreeMap::new();
    for row in session.rows(COLUMNS).await.context("reading tables")? {
        let [Some(name), Some(from), Some(column), Some(type_name), Some(in_key)] = row.as_slice() else { continue };
        let (_, sum) = tables.entry(name.clone()).or_insert_with(|| (from.clone(), TableSum::default()));
        if in_key == "t" {
            sum.key.push(column.clone());
        }
        sum.columns.insert(column.clone(), ColumnSum { type_name: type_name.clone(), ..ColumnSum::default() });
    }
    let mut res = Checksums::new();
    for (name, (from, mut sum)) in tables {
        let key: String = sum.key.iter().map(|it| format!("{it}::text || '|' || ")).collect();
        let mut parts = vec!["count(*)".to_owned()];
        for column in sum.columns.keys() {
            let text = format!("coalesce({column}::text, E'\\x01')");
            parts.push(format!("coalesce(sum(hashtextextended({text}, 0)::numeric), 0)"));
            parts.push(format!("coalesce(sum(hashtextextended({key}{text}, 0)::numeric), 0)"));
            parts.push(format!("count({column})"));
        }
        let sql = format!("SELECT {} FROM {from}", parts.join(", "));
        let row = session.rows(&sql).await.with_context(|| format!("reading {name}"))?.pop().unwrap_or_default();
        let mut values = row.into_iter().map(Option::unwrap_or_default);
        sum.rows = values.next().and_then(|it| it.parse().ok()).unwrap_or(0);
        for column in sum.columns.values_mut() {
            column.values = values.next().unwrap_or_default();
            column.placed = values.next().unwrap_or_default();
            column.not_null = values.next().and_then(|it| it.parse().ok()).unwrap_or(0);
        }
        res.insert(name, sum);
    }
    Ok(res)
}

/// Name, name for FROM, column, type, whether in the primary key. What a generated column holds is no data. Rows of children are the children's own.
const COLUMNS: &str = "SELECT format('%I.%I', n.nspname, c.relname), \
      'ONLY ' || format('%I.%I', n.nspname, c.relname), quote_ident(a.attname), \
      format_type(a.atttypid, a.atttypmod), coalesce(a.attnum = ANY (k.conkey), false) \
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid \
    LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p' \
    WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' \
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
      AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e') \
    ORDER BY 1, 3";

/// What is not as it was, a sentence each. Tables and columns that only one side has are no loss: the fingerprint
/// speaks of those. `lost` names columns (`table.column`) whose values are known to be gone.
pub fn compare(before: &Checksums, after: &Checksums, lost: &[String]) -> Vec<String> {
    let mut res = Vec::new();
    for (name, was) in before {
        let Some(is) = after.get(name) else { continue };
        if was.rows != is.rows {
            res.push(format!("{name} had {} rows and has {}", was.rows, is.rows));
            continue;
        }
        for (column, was_column) in &was.columns {
            let Some(is_column) = is.columns.get(column) else { continue };
            if lost.iter().any(|it| *it == format!("{name}.{column}")) {
                continue;
            }
            let same_type = was_column.type_name == is_column.type_name;
            let kept = match (same_type, was.key == is.key) {
                (true, true) => was_column.placed == is_column.placed,
                (true, false) => was_column.values == is_column.values,
                // Another type prints values in another way; that none became NULL is all that can be said here.
                (false, _) => was_column.values == is_column.values || was_column.not_null == is_column.not_null,
            };
            if !kept {
                let (was, is) = (was_column.not_null, is_column.not_null);
                res.push(format!("{name}.{column} does not hold the values it held ({was} not null before, {is} now)"));
            }
        }
    }
    res
}

/// Columns whose values differ: `table.column`.
pub fn changed_columns(before: &Checksums, after: &Checksums) -> Vec<String> {
    let mut res = Vec::new();
    for (name, was) in before {
        for (column, sum) in &was.columns {
            if after.get(name).and_then(|it| it.columns.get(column)) != Some(sum) {
                res.push(format!("{name}.{column}"));
            }
        }
    }
    res
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(rows: u64, ty: &str, values: &str, not_null: u64) -> Checksums {
        let column = ColumnSum { type_name: ty.into(), values: values.into(), placed: values.into(), not_null };
        let columns = BTreeMap::from([("a".to_owned(), column)]);
        BTreeMap::from([("public.t".to_owned(), TableSum { rows, key: vec![], columns })])
    }

    #[test]
    fn lost_rows_and_values_are_named() {
        let before = sums(3, "integer", "7", 3);
        assert_eq!(compare(&before, &before, &[]), Vec::<String>::new());
        assert_eq!(compare(&before, &sums(2, "integer", "7", 2), &[]), ["public.t had 3 rows and has 2"]);
        assert_eq!(compare(&before, &sums(3, "integer", "8", 3), &[]).len(), 1);
        assert_eq!(compare(&before, &sums(3, "integer", "8", 3), &["public.t.a".into()]), Vec::<String>::new());
        assert_eq!(compare(&before, &sums(3, "numeric", "8", 3), &[]), Vec::<String>::new());
        assert_eq!(compare(&before, &sums(3, "numeric", "8", 2), &[]).len(), 1);
    }
}
