//! What generating rows needs to know of a database.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::{super::connect::Session, demands};

/// Tables by oid; a partitioned table stands for all its partitions.
pub struct Model {
    pub tables: BTreeMap<String, Table>,
}

pub struct Table {
    pub oid: String,
    /// As it must stand in SQL.
    pub name: String,
    pub columns: Vec<Column>,
    pub checks: Vec<CheckText>,
    pub foreign_keys: Vec<ForeignKey>,
    /// Columns of unique keys.
    pub keys: Vec<String>,
    /// Partitions without partitions of their own.
    pub leaves: Vec<Leaf>,
}

pub struct Column {
    /// Quoted where needed.
    pub name: String,
    /// `format_type` of the type, for casts.
    pub type_name: String,
    /// As above, of the type under the domains.
    pub base_name: String,
    /// `typname` under the domains, e.g. `int4`, `_text`.
    pub base: String,
    /// `typtype` of the base: `b`, `e`, `c`, `r`.
    pub kind: String,
    /// Modifier of the type, -1 for none.
    pub modifier: i32,
    pub nullable: bool,
    /// Identity or a default by `nextval`: the server gives the value.
    pub is_numbered: bool,
    /// Check expressions of its domains.
    pub domain_checks: String,
}

pub struct CheckText {
    pub name: String,
    pub columns: Vec<String>,
    pub definition: String,
}

pub struct ForeignKey {
    /// Oid of the table (the root of partitions).
    pub references: String,
    pub columns: Vec<String>,
    pub parent_columns: Vec<String>,
}

pub struct Leaf {
    pub name: String,
    /// Values of the partition key that belong to this partition, where they can be told from its bound.
    pub values: Option<BTreeMap<String, String>>,
}

impl Model {
    pub async fn read(session: &Session) -> Result<Self> {
        // Names come qualified: the session's search_path is not ours to know.
        let mut tables = BTreeMap::new();
        for [oid, name] in rows(session, TABLES).await? {
            let table = Table {
                oid: oid.clone(),
                name,
                columns: Vec::new(),
                checks: Vec::new(),
                foreign_keys: Vec::new(),
                keys: Vec::new(),
                leaves: Vec::new(),
            };
            tables.insert(oid, table);
        }
        for row in rows(session, COLUMNS).await? {
            let [oid, name, type_name, base_name, base, kind, modifier, nullable, is_numbered, domain_checks] = row;
            let Some(table) = tables.get_mut(&oid) else { continue };
            let modifier = modifier.parse().unwrap_or(-1);
            let (nullable, is_numbered) = (nullable == "t", is_numbered == "t");
            let column =
                Column { name, type_name, base_name, base, kind, modifier, nullable, is_numbered, domain_checks };
            table.columns.push(column);
        }
        for [oid, kind, name, columns, definition, references, parent_columns] in rows(session, CONSTRAINTS).await? {
            let Some(table) = tables.get_mut(&oid) else { continue };
            let columns = split(&columns);
            match kind.as_str() {
                "c" => table.checks.push(CheckText { name, columns, definition }),
                "f" => {
                    let parent_columns = split(&parent_columns);
                    table.foreign_keys.push(ForeignKey { references, columns, parent_columns });
                }
                _ => table.keys.extend(columns),
            }
        }
        for [root, name, bound, keys] in rows(session, LEAVES).await? {
            if let Some(table) = tables.get_mut(&root) {
                let values = bound_values(&bound, &split(&keys), &table.columns);
                table.leaves.push(Leaf { name, values });
            }
        }
        Ok(Self { tables })
    }
}

impl Table {
    /// The foreign key's column that may be NULL, the first one: MATCH SIMPLE asks for no more.
    pub fn nullable_column<'t>(&'t self, key: &ForeignKey) -> Option<&'t str> {
        let mut columns = self.columns.iter().filter(|it| it.nullable && key.columns.contains(&it.name));
        columns.next().map(|it| it.name.as_str())
    }

    pub fn is_nullable(&self, key: &ForeignKey) -> bool {
        self.nullable_column(key).is_some()
    }

    pub fn is_checked(&self, column: &Column) -> bool {
        !column.domain_checks.is_empty() || self.checks.iter().any(|it| it.columns.contains(&column.name))
    }

    pub fn is_key(&self, column: &Column) -> bool {
        self.keys.contains(&column.name)
    }

    pub fn is_foreign(&self, column: &Column) -> bool {
        self.foreign_keys.iter().any(|it| it.columns.contains(&column.name))
    }

    /// Columns that a check constraint (of the table or of a column's domain) looks at.
    pub fn checked_by(&self, constraint: &str) -> Vec<&Column> {
        let check = self.checks.iter().find(|it| it.name == constraint);
        let is_checked = |column: &&Column| match check {
            Some(check) => check.columns.contains(&column.name),
            None => !column.domain_checks.is_empty(),
        };
        self.columns.iter().filter(is_checked).collect()
    }

    /// Columns whose values may be of no use to another type: those that are about to change theirs, else all.
    pub fn doubtful(&self) -> Vec<&Column> {
        let casts: Vec<_> = self.checks.iter().filter(|it| demands::is_of_ours(&it.name)).collect();
        let res: Vec<_> =
            self.columns.iter().filter(|it| casts.iter().any(|check| check.columns.contains(&it.name))).collect();
        if res.is_empty() { self.columns.iter().collect() } else { res }
    }

    /// Texts and numbers that stand in checks on the column: likely values.
    pub fn literals_for(&self, column: &Column) -> Vec<String> {
        let checks = self.checks.iter().filter(|it| it.columns.contains(&column.name));
        let mut res: Vec<String> = Vec::new();
        for text in checks.map(|it| it.definition.as_str()).chain([column.domain_checks.as_str()]) {
            for literal in literals(text) {
                if !res.contains(&literal) {
                    res.push(literal);
                }
            }
        }
        res
    }
}

/// String and number literals of an expression, unquoted.
fn literals(text: &str) -> Vec<String> {
    let mut res = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(|it: char| it == '\'' || it.is_ascii_digit()) {
        let (before, tail) = rest.split_at(at);
        if let Some(inner) = tail.strip_prefix('\'') {
            let end = inner.find('\'').unwrap_or(inner.len());
            res.push(inner[..end].to_owned());
            rest = inner.get(end + 1..).unwrap_or_default();
            continue;
        }
        let end = tail.find(|it: char| !it.is_ascii_digit() && it != '.').unwrap_or(tail.len());
        // Digits in a name (`col1`) or a modifier are no literals; a wrong guess costs an attempt, no more.
        if !before.ends_with(|it: char| it.is_alphanumeric() || it == '_') {
            let sign = if before.ends_with('-') { "-" } else { "" };
            res.push(format!("{sign}{}", &tail[..end]));
        }
        rest = &tail[end..];
    }
    res
}

/// Values for the partition key from `FOR VALUES FROM (…) TO (…)` or `IN (…)`; `None` for hash and default.
fn bound_values(bound: &str, keys: &[String], columns: &[Column]) -> Option<BTreeMap<String, String>> {
    let inside = |text: &str| Some(text.split_once('(')?.1.split_once(')')?.0.to_owned());
    let cast = |key: &String, value: &str| {
        let ty = &columns.iter().find(|it| it.name == *key)?.type_name;
        Some((key.clone(), format!("{value}::{ty}")))
    };
    if let Some(list) = bound.strip_prefix("FOR VALUES IN ") {
        let first = inside(list)?.split(", ").next()?.to_owned();
        return Some(BTreeMap::from([cast(keys.first()?, &first)?]));
    }
    let (from, to) = bound.strip_prefix("FOR VALUES FROM ")?.split_once(" TO ")?;
    let (from, to) = (inside(from)?, inside(to)?);
    let mut values = BTreeMap::new();
    for ((key, from), to) in keys.iter().zip(from.split(", ")).zip(to.split(", ")) {
        let (name, value) = match (from, to) {
            ("MINVALUE", "MAXVALUE") => continue,
            ("MINVALUE", to) => cast(key, to).map(|(name, value)| (name, below(&value)))?,
            (from, _) => cast(key, from)?,
        };
        values.insert(name, value);
    }
    Some(values)
}

/// Something smaller than a bound of a number, date or timestamp.
fn below(value: &str) -> String {
    if value.contains("::timestamp") { format!("({value} - interval '1 day')") } else { format!("({value} - 1)") }
}

fn split(list: &str) -> Vec<String> {
    list.split('\u{1f}').filter(|it| !it.is_empty()).map(str::to_owned).collect()
}

async fn rows<const N: usize>(session: &Session, sql: &str) -> Result<Vec<[String; N]>> {
    let rows = session.rows(sql).await.context("reading what rows must satisfy")?;
    let rows = rows.into_iter().map(|it| it.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>());
    Ok(rows.filter_map(|it| it.try_into().ok()).collect())
}

const TABLES: &str = "SELECT c.oid, format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
    AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')";

/// Domains are followed down to their base; its checks come along.
const COLUMNS: &str = "WITH RECURSIVE bases(oid, base, modifier, checks, not_null) AS ( \
      SELECT t.oid, t.oid, -1, '', false FROM pg_type t WHERE t.typtype <> 'd' \
      UNION ALL SELECT t.oid, b.base, CASE WHEN t.typtypmod >= 0 THEN t.typtypmod ELSE b.modifier END, b.checks || ' ' || coalesce( \
        (SELECT string_agg(pg_get_constraintdef(k.oid), ' ' ORDER BY conname) FROM pg_constraint k WHERE k.contypid = t.oid), ''), \
        b.not_null OR t.typnotnull FROM pg_type t JOIN bases b ON b.oid = t.typbasetype WHERE t.typtype = 'd') \
    SELECT a.attrelid, quote_ident(a.attname), format_type(a.atttypid, a.atttypmod), \
      format_type(b.base, CASE WHEN a.atttypmod >= 0 THEN a.atttypmod ELSE b.modifier END), bt.typname, bt.typtype, \
      CASE WHEN a.atttypmod >= 0 THEN a.atttypmod ELSE b.modifier END, NOT a.attnotnull AND NOT b.not_null, \
      a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false), b.checks \
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN bases b ON b.oid = a.atttypid JOIN pg_type bt ON bt.oid = b.base \
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
    WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND c.relkind IN ('r', 'p') AND NOT c.relispartition \
    ORDER BY a.attrelid, a.attnum";

const CONSTRAINTS: &str = "SELECT k.conrelid, k.contype, k.conname, \
      (SELECT string_agg(quote_ident(a.attname), E'\\x1f' ORDER BY i) FROM unnest(k.conkey) WITH ORDINALITY u(attnum, i) \
       JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum), \
      CASE WHEN k.contype = 'c' THEN pg_get_constraintdef(k.oid) END, coalesce(pg_partition_root(k.confrelid)::oid, k.confrelid), \
      (SELECT string_agg(quote_ident(a.attname), E'\\x1f' ORDER BY i) FROM unnest(k.confkey) WITH ORDINALITY u(attnum, i) \
       JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.attnum) \
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid WHERE k.contype IN ('c', 'f', 'p', 'u') AND NOT c.relispartition \
      AND k.conparentid = 0 \
    UNION ALL SELECT i.indrelid, 'u', '', (SELECT string_agg(quote_ident(a.attname), E'\\x1f') FROM pg_attribute a \
      WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)), '', NULL, '' FROM pg_index i WHERE i.indisunique ORDER BY 1, 2, 3";

const LEAVES: &str = "SELECT pg_partition_root(c.oid)::oid, format('%I.%I', n.nspname, c.relname), pg_get_expr(c.relpartbound, c.oid), \
      (SELECT string_agg(quote_ident(a.attname), E'\\x1f' ORDER BY i) FROM pg_partitioned_table p, \
        unnest(p.partattrs::int2[]) WITH ORDINALITY u(attnum, i), pg_attribute a \
       WHERE p.partrelid = inh.inhparent AND a.attrelid = p.partrelid AND a.attnum = u.attnum) \
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_inherits inh ON inh.inhrelid = c.oid \
    WHERE c.relispartition AND c.relkind = 'r' ORDER BY 2";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_of_a_check_are_likely_values() {
        assert_eq!(literals("CHECK ((status = ANY (ARRAY['new'::text, 'old'::text])))"), ["new", "old"]);
        assert_eq!(literals("CHECK (((col1 >= 0.5) AND (b < '-5'::integer)))"), ["0.5", "-5"]);
    }

    #[test]
    fn a_partition_says_which_values_it_takes() {
        let columns = [column("day", "date")];
        let keys = ["day".to_owned()];
        let value = |bound: &str| bound_values(bound, &keys, &columns).map(|it| it["day"].clone());
        let range = "FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')";
        assert_eq!(value(range).unwrap(), "'2024-01-01'::date");
        assert_eq!(value("FOR VALUES FROM (MINVALUE) TO ('2024-01-01')").unwrap(), "('2024-01-01'::date - 1)");
        assert_eq!(value("DEFAULT"), None);
    }

    fn column(name: &str, ty: &str) -> Column {
        Column {
            name: name.into(),
            type_name: ty.into(),
            base_name: ty.into(),
            base: ty.into(),
            kind: "b".into(),
            modifier: -1,
            nullable: true,
            is_numbered: false,
            domain_checks: String::new(),
        }
    }
}
