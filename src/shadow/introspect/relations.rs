//! Tables and what belongs to them: columns, constraints, indexes, sequences, views.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::{Item, Query, Session, own, rank};

/// `CREATE TABLE` with columns; everything else of a table is a statement of its own.
pub async fn tables(session: &Session) -> Result<Vec<Item>> {
    let columns = session.rows(&columns_sql(session.version)).await.context("reading columns")?;
    let mut by_table: BTreeMap<String, Vec<Column>> = BTreeMap::new();
    for row in columns {
        let [oid, definition, local, overrides] = <[Option<String>; 4]>::try_from(row).unwrap_or_default();
        let (Some(oid), Some(definition)) = (oid, definition) else { continue };
        let column = Column { definition, local: local.as_deref() == Some("t"), overrides };
        by_table.entry(oid).or_default().push(column);
    }
    let mut items = Vec::new();
    for row in session.rows(&tables_sql()).await.context("reading tables")? {
        let [oid, name, create, inherits, partition_of, tail, foreign] =
            <[Option<String>; 7]>::try_from(row).unwrap_or_default();
        let (Some(oid), Some(name), Some(create)) = (oid, name, create) else { continue };
        let columns = by_table.remove(&oid).unwrap_or_default();
        let tail = tail.unwrap_or_default();
        let statement = match &partition_of {
            Some(clause) => {
                let overrides: Vec<_> = columns.iter().filter_map(|it| it.overrides.as_deref()).collect();
                let list = if overrides.is_empty() { String::new() } else { format!(" ({})", overrides.join(", ")) };
                let (parent, bound) = clause.split_once('\u{1f}').unwrap_or((clause, ""));
                format!("{create} {name} PARTITION OF {parent}{list} {bound}{tail}")
            }
            None => {
                let local: Vec<_> = columns.iter().filter(|it| it.local).map(|it| it.definition.as_str()).collect();
                let inherits = inherits.as_deref().map(|it| format!(" INHERITS ({it})")).unwrap_or_default();
                let list = if local.is_empty() { String::new() } else { format!("\n    {}\n", local.join(",\n    ")) };
                format!("{create} {name} ({list}){inherits}{tail}")
            }
        };
        let parent = partition_of.map(|it| format!(" PARTITION OF {}", it.replace('\u{1f}', " "))).unwrap_or_default();
        let inherits = inherits.map(|it| format!(" INHERITS ({it})")).unwrap_or_default();
        let mut lines = vec![format!("{create} {name}{parent}{inherits}{tail}")];
        // A definition begins with the column's name.
        lines.extend(columns.iter().map(|it| format!("COLUMN {name}.{}", it.definition)));
        let place = match (parent.is_empty() && inherits.is_empty(), foreign) {
            (true, _) => rank::TABLE,
            (false, _) => rank::PARTITION,
        };
        items.push(Item { order: (place, name), statement, lines });
    }
    Ok(items)
}

struct Column {
    definition: String,
    /// Not (only) inherited.
    local: bool,
    /// In a partition: what differs from the parent's column.
    overrides: Option<String>,
}

fn tables_sql() -> String {
    format!(
        "SELECT c.oid, c.oid::regclass, \
           'CREATE ' || CASE WHEN c.relkind = 'f' THEN 'FOREIGN ' WHEN c.relpersistence = 'u' THEN 'UNLOGGED ' ELSE '' END || 'TABLE', \
           CASE WHEN NOT c.relispartition THEN (SELECT string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno) \
             FROM pg_inherits i WHERE i.inhrelid = c.oid) END, \
           CASE WHEN c.relispartition THEN (SELECT i.inhparent::regclass || E'\\x1f' || pg_get_expr(c.relpartbound, c.oid) \
             FROM pg_inherits i WHERE i.inhrelid = c.oid) END, \
           concat(CASE WHEN c.relkind = 'p' THEN ' PARTITION BY ' || pg_get_partkeydef(c.oid) END, \
             CASE WHEN c.relkind = 'f' THEN (SELECT ' SERVER ' || quote_ident(s.srvname) || coalesce(' OPTIONS (' || \
               (SELECT string_agg(quote_ident(o.option_name) || ' ' || quote_literal(o.option_value), ', ' ORDER BY 1) \
                FROM pg_options_to_table(f.ftoptions) o) || ')', '') \
               FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid) END, \
             CASE WHEN a.amname <> 'heap' THEN ' USING ' || quote_ident(a.amname) END, \
             {OPTIONS}, \
             CASE WHEN s.spcname IS NOT NULL THEN ' TABLESPACE ' || quote_ident(s.spcname) END), \
           c.relkind = 'f' \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         LEFT JOIN pg_am a ON a.oid = c.relam LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace \
         WHERE c.relkind IN ('r', 'p', 'f') AND {}",
        own("pg_class", "c.oid")
    )
}

/// ` WITH (…)` of relation `c`, those of its TOAST table included.
const OPTIONS: &str = "(SELECT ' WITH (' || string_agg(o, ', ' ORDER BY o) || ')' FROM ( \
    SELECT quote_ident(option_name) || '=' || v.printed AS o FROM pg_options_to_table(c.reloptions), \
      LATERAL (SELECT CASE WHEN option_value ~ '^([a-z_]+|-?[0-9.]+)$' THEN option_value ELSE quote_literal(option_value) END) v(printed) \
    UNION ALL SELECT 'toast.' || quote_ident(option_name) || '=' || option_value \
      FROM pg_class t, pg_options_to_table(t.reloptions) WHERE t.oid = c.reltoastrelid) x)";

/// `NULL::character varying`: the server keeps such a default where the type has a length. It says nothing, save that a
/// domain's own default does not count.
const NOTHING: &str = r"^NULL::[^()]+(\([0-9, ]+\))?[^()]*$";

/// Columns of tables: oid, definition, local, overrides. The name of an identity column's sequence is the server's
/// affair (and stays behind when the table is renamed): it is not printed.
fn columns_sql(version: u32) -> String {
    // 18 keeps NOT NULL as constraints; one that is not valid is a statement of its own.
    let not_null = if version >= 18 {
        "(a.attnotnull AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'n' \
          AND a.attnum = ANY (k.conkey) AND (NOT k.convalidated OR k.connoinherit)))"
    } else {
        "a.attnotnull"
    };
    format!(
        "SELECT a.attrelid, concat(quote_ident(a.attname), ' ', format_type(a.atttypid, a.atttypmod), \
             CASE WHEN a.attcollation <> 0 AND a.attcollation <> t.typcollation THEN ' COLLATE ' || a.attcollation::regcollation END, \
             CASE WHEN a.attfdwoptions IS NOT NULL THEN (SELECT ' OPTIONS (' || string_agg(quote_ident(o.option_name) || ' ' || \
               quote_literal(o.option_value), ', ' ORDER BY 1) || ')' FROM pg_options_to_table(a.attfdwoptions) o) END, \
             CASE a.attgenerated WHEN 's' THEN ' GENERATED ALWAYS AS (' || {expr} || ') STORED' \
               WHEN 'v' THEN ' GENERATED ALWAYS AS (' || {expr} || ') VIRTUAL' \
               ELSE CASE WHEN t.typtype = 'd' OR {expr} !~ '{NOTHING}' THEN ' DEFAULT ' || {expr} END END, \
             CASE a.attidentity WHEN 'a' THEN ' GENERATED ALWAYS AS IDENTITY' WHEN 'd' THEN ' GENERATED BY DEFAULT AS IDENTITY' END, \
             CASE WHEN a.attidentity <> '' THEN (SELECT ' (' || {sequence} || ')' \
               FROM pg_depend d JOIN pg_class q ON q.oid = d.objid AND q.relkind = 'S' JOIN pg_sequence s ON s.seqrelid = q.oid \
               WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid \
               AND d.refobjsubid = a.attnum AND d.deptype = 'i') END, \
             CASE WHEN {not_null} THEN ' NOT NULL' END), \
           a.attislocal, \
           CASE WHEN c.relispartition THEN (SELECT CASE WHEN {expr} IS DISTINCT FROM pg_get_expr(pd.adbin, pd.adrelid) \
                 OR (a.attnotnull AND NOT pa.attnotnull) THEN concat(quote_ident(a.attname), \
                 CASE WHEN {expr} IS DISTINCT FROM pg_get_expr(pd.adbin, pd.adrelid) AND a.attgenerated = '' \
                   THEN ' DEFAULT ' || coalesce({expr}, 'NULL') END, \
                 CASE WHEN a.attnotnull AND NOT pa.attnotnull THEN ' NOT NULL' END) END \
             FROM pg_inherits i JOIN pg_attribute pa ON pa.attrelid = i.inhparent AND pa.attname = a.attname \
             LEFT JOIN pg_attrdef pd ON pd.adrelid = pa.attrelid AND pd.adnum = pa.attnum WHERE i.inhrelid = c.oid) END \
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
         WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f') AND {} ORDER BY a.attrelid, a.attnum",
        own("pg_class", "c.oid"),
        expr = "pg_get_expr(d.adbin, d.adrelid)",
        sequence = SEQUENCE_OPTIONS,
    )
}

/// Options of sequence `s` that are not the default of its type and direction.
const SEQUENCE_OPTIONS: &str = "nullif(concat_ws(' ', \
    CASE WHEN s.seqincrement <> 1 THEN 'INCREMENT BY ' || s.seqincrement END, \
    CASE WHEN s.seqmin <> CASE WHEN s.seqincrement > 0 THEN 1 ELSE CASE s.seqtypid WHEN 'int2'::regtype THEN -32768 \
      WHEN 'int4'::regtype THEN -2147483648 ELSE -9223372036854775808 END END THEN 'MINVALUE ' || s.seqmin END, \
    CASE WHEN s.seqmax <> CASE WHEN s.seqincrement < 0 THEN -1 ELSE CASE s.seqtypid WHEN 'int2'::regtype THEN 32767 \
      WHEN 'int4'::regtype THEN 2147483647 ELSE 9223372036854775807 END END THEN 'MAXVALUE ' || s.seqmax END, \
    CASE WHEN s.seqstart <> CASE WHEN s.seqincrement > 0 THEN s.seqmin ELSE s.seqmax END THEN 'START WITH ' || s.seqstart END, \
    CASE WHEN s.seqcache <> 1 THEN 'CACHE ' || s.seqcache END, \
    CASE WHEN s.seqcycle THEN 'CYCLE' END), '')";

pub fn queries(version: u32) -> Vec<Query> {
    vec![
        sequences(version),
        owned_by(),
        inherited_defaults(),
        column_settings(version),
        constraints(version),
        foreign_keys(),
        constraint_index_options(),
        indexes(),
        views(),
        view_defaults(),
        table_settings(),
    ]
}

fn sequences(version: u32) -> Query {
    let unlogged = if version >= 15 { "CASE WHEN c.relpersistence = 'u' THEN 'UNLOGGED ' END" } else { "NULL" };
    let sql = format!(
        "SELECT c.oid::regclass, concat('CREATE ', {unlogged}, 'SEQUENCE ', c.oid::regclass, \
           CASE WHEN s.seqtypid <> 'int8'::regtype THEN ' AS ' || s.seqtypid::regtype END, ' ' || {SEQUENCE_OPTIONS}) \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_sequence s ON s.seqrelid = c.oid \
         WHERE c.relkind = 'S' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass \
           AND d.objid = c.oid AND d.deptype = 'i') AND {}",
        own("pg_class", "c.oid")
    );
    Query { rank: rank::SEQUENCE, what: "sequences", sql }
}

fn owned_by() -> Query {
    let sql = format!(
        "SELECT c.oid::regclass, format('ALTER SEQUENCE %s OWNED BY %s.%I', c.oid::regclass, d.refobjid::regclass, a.attname) \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_depend d ON d.classid = 'pg_class'::regclass \
           AND d.objid = c.oid AND d.deptype = 'a' AND d.refclassid = 'pg_class'::regclass \
         JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid WHERE c.relkind = 'S' AND {}",
        own("pg_class", "c.oid")
    );
    Query { rank: rank::OWNED_BY, what: "owned sequences", sql }
}

/// Defaults of inherited columns that are not the parent's (partitions say them in CREATE TABLE).
fn inherited_defaults() -> Query {
    let sql = format!(
        "SELECT c.oid::regclass || '.' || a.attname, format('ALTER TABLE ONLY %s ALTER COLUMN %I %s', c.oid::regclass, a.attname, \
           coalesce('SET DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), 'DROP DEFAULT')) \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_inherits i ON i.inhrelid = c.oid \
         JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attislocal AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' \
         JOIN pg_attribute pa ON pa.attrelid = i.inhparent AND pa.attname = a.attname \
         LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
         LEFT JOIN pg_attrdef pd ON pd.adrelid = pa.attrelid AND pd.adnum = pa.attnum \
         WHERE c.relkind = 'r' AND NOT c.relispartition \
           AND pg_get_expr(d.adbin, d.adrelid) IS DISTINCT FROM pg_get_expr(pd.adbin, pd.adrelid) AND {}",
        own("pg_class", "c.oid")
    );
    Query { rank: rank::COLUMN, what: "defaults of inherited columns", sql }
}

fn column_settings(version: u32) -> Query {
    let compression = if version >= 14 {
        "CASE a.attcompression WHEN 'p' THEN 'SET COMPRESSION pglz' WHEN 'l' THEN 'SET COMPRESSION lz4' END"
    } else {
        "NULL"
    };
    let sql = format!(
        "SELECT c.oid::regclass || '.' || a.attname || ' ' || x.action, format('ALTER TABLE %s ALTER COLUMN %I %s', \
           CASE WHEN c.relkind = 'p' THEN 'ONLY ' ELSE '' END || c.oid::regclass, a.attname, x.action) \
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_type t ON t.oid = a.atttypid, \
         LATERAL (VALUES (CASE WHEN a.attstorage <> t.typstorage THEN 'SET STORAGE ' || CASE a.attstorage WHEN 'p' THEN 'PLAIN' \
             WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END END), ({compression}), \
           (CASE WHEN a.attstattarget >= 0 THEN 'SET STATISTICS ' || a.attstattarget END), \
           ((SELECT 'SET (' || string_agg(quote_ident(option_name) || '=' || option_value, ', ' ORDER BY 1) || ')' \
             FROM pg_options_to_table(a.attoptions)))) x(action) \
         WHERE x.action IS NOT NULL AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'm') AND {}",
        own("pg_class", "c.oid")
    );
    Query { rank: rank::COLUMN, what: "column settings", sql }
}

/// All but foreign keys. Inherited ones come with their parents.
fn constraints(version: u32) -> Query {
    let not_null = if version >= 18 { "OR (k.contype = 'n' AND (NOT k.convalidated OR k.connoinherit))" } else { "" };
    let sql = format!(
        "SELECT c.oid::regclass || '.' || k.conname, format('ALTER TABLE %s ADD CONSTRAINT %I %s', c.oid::regclass, k.conname, \
           pg_get_constraintdef(k.oid)) \
         FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE (k.contype IN ('p', 'u', 'x', 'c') {not_null}) AND k.coninhcount = 0 AND k.conparentid = 0 \
           AND c.relkind IN ('r', 'p', 'f') AND {}",
        own("pg_class", "c.oid")
    );
    Query { rank: rank::CONSTRAINT, what: "constraints", sql }
}

fn foreign_keys() -> Query {
    let sql = format!(
        "SELECT c.oid::regclass || '.' || k.conname, format('ALTER TABLE %s ADD CONSTRAINT %I %s', c.oid::regclass, k.conname, \
           pg_get_constraintdef(k.oid)) \
         FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE k.contype = 'f' AND k.coninhcount = 0 AND k.conparentid = 0 AND {}",
        own("pg_class", "c.oid")
    );
    Query { rank: rank::FOREIGN_KEY, what: "foreign keys", sql }
}

fn constraint_index_options() -> Query {
    let sql = format!(
        "SELECT c.oid::regclass, format('ALTER INDEX %s SET (%s)', c.oid::regclass, \
           (SELECT string_agg(quote_ident(option_name) || '=' || option_value, ', ' ORDER BY 1) FROM pg_options_to_table(c.reloptions))) \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_constraint k ON k.conindid = c.oid \
           AND k.contype IN ('p', 'u', 'x') \
         WHERE c.relkind IN ('i', 'I') AND c.reloptions IS NOT NULL AND NOT c.relispartition AND {}",
        own("pg_class", "k.conrelid")
    );
    Query { rank: rank::INDEX, what: "options of constraints' indexes", sql }
}

/// Indexes that belong to no constraint. Parts of a partitioned index are left to it.
fn indexes() -> Query {
    let sql = format!(
        "SELECT c.oid::regclass, CASE WHEN c.relkind = 'I' AND i.indisvalid THEN replace(pg_get_indexdef(c.oid), ' ON ONLY ', ' ON ') \
           ELSE pg_get_indexdef(c.oid) END, CASE WHEN NOT i.indisvalid THEN '(invalid)' END \
         FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x')) \
           AND NOT c.relispartition AND {}",
        own("pg_class", "i.indrelid")
    );
    Query { rank: rank::INDEX, what: "indexes", sql }
}

fn views() -> Query {
    let sql = format!(
        "SELECT c.oid::regclass, concat('CREATE ', CASE WHEN c.relkind = 'm' THEN 'MATERIALIZED ' END, 'VIEW ', c.oid::regclass, \
           {OPTIONS}, ' AS', E'\\n', rtrim(pg_get_viewdef(c.oid), E'; \\n'), \
           CASE WHEN c.relkind = 'm' AND NOT c.relispopulated THEN E'\\nWITH NO DATA' END) \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('v', 'm') AND {}",
        own("pg_class", "c.oid")
    );
    Query { rank: rank::VIEW, what: "views", sql }
}

fn view_defaults() -> Query {
    let sql = format!(
        "SELECT c.oid::regclass || '.' || a.attname, format('ALTER VIEW %s ALTER COLUMN %I SET DEFAULT %s', c.oid::regclass, a.attname, \
           pg_get_expr(d.adbin, d.adrelid)) \
         FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.adnum WHERE c.relkind = 'v' AND {}",
        own("pg_class", "c.oid")
    );
    Query { rank: rank::VIEW + 1, what: "defaults of views", sql }
}

/// Row security, replica identity, clustering.
fn table_settings() -> Query {
    let sql = format!(
        "SELECT c.oid::regclass || ' ' || x.action, 'ALTER TABLE ' || c.oid::regclass || ' ' || x.action \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, LATERAL (VALUES \
           (CASE WHEN c.relrowsecurity THEN 'ENABLE ROW LEVEL SECURITY' END), \
           (CASE WHEN c.relforcerowsecurity THEN 'FORCE ROW LEVEL SECURITY' END), \
           (CASE c.relreplident WHEN 'f' THEN 'REPLICA IDENTITY FULL' WHEN 'n' THEN 'REPLICA IDENTITY NOTHING' WHEN 'i' THEN \
             (SELECT 'REPLICA IDENTITY USING INDEX ' || quote_ident(ic.relname) FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid \
              WHERE i.indrelid = c.oid AND i.indisreplident) END), \
           ((SELECT 'CLUSTER ON ' || quote_ident(ic.relname) FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid \
             WHERE i.indrelid = c.oid AND i.indisclustered))) x(action) \
         WHERE x.action IS NOT NULL AND c.relkind IN ('r', 'p') AND {}",
        own("pg_class", "c.oid")
    );
    Query { rank: rank::TABLE_SETTING, what: "table settings", sql }
}
