//! How large the tables of a database are, as its server's statistics say. No row is read and nothing is changed.

use anyhow::{Context, Result};

use super::{
    block_on,
    connect::{Session, parse_url, place},
};

/// One table or materialised view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size {
    pub schema: String,
    pub name: String,
    /// As the last VACUUM or ANALYZE left it. `None`: neither has been here.
    pub rows: Option<u64>,
    /// With indexes and TOAST.
    pub bytes: u64,
}

/// Catalog entries and file sizes alone. Manual, 51.11 pg_class: `reltuples` is -1 when it is not known (14 and later); before,
/// it is 0 with `relpages` 0. A table whose file is empty has no rows, whatever was counted. A partitioned table is what its
/// leaves are together (`pg_partition_tree`, 12 and later): its own entry has no file. On a standby an unlogged table has
/// no rows to look at, whatever the primary has.
const SIZES: &str = "
    WITH leaves AS (
        SELECT c.oid AS of, CASE c.relkind WHEN 'p' THEN p.relid ELSE c.oid END AS leaf
        FROM pg_catalog.pg_class c
        LEFT JOIN LATERAL pg_catalog.pg_partition_tree(CASE c.relkind WHEN 'p' THEN c.oid END) p ON p.isleaf
        WHERE c.relkind IN ('r', 'p', 'm') AND (c.relpersistence = 'p' OR c.relpersistence = 'u' AND NOT pg_catalog.pg_is_in_recovery())
    ), sized AS (
        SELECT l.of,
            CASE
                WHEN c.relkind = 'f' OR c.relpersistence = 'u' AND pg_catalog.pg_is_in_recovery() THEN NULL
                WHEN pg_catalog.pg_relation_size(c.oid) = 0 THEN 0
                WHEN c.reltuples < 0 OR c.reltuples = 0 AND c.relpages = 0 THEN NULL
                ELSE c.reltuples::bigint
            END AS rows,
            CASE c.relkind WHEN 'f' THEN 0 ELSE pg_catalog.pg_total_relation_size(c.oid) END AS bytes
        FROM leaves l LEFT JOIN pg_catalog.pg_class c ON c.oid = l.leaf
    )
    SELECT n.nspname, c.relname,
        CASE WHEN pg_catalog.count(s.rows) = pg_catalog.count(s.bytes) THEN COALESCE(pg_catalog.sum(s.rows), 0)::bigint END,
        COALESCE(pg_catalog.sum(s.bytes), 0)::bigint
    FROM sized s
    JOIN pg_catalog.pg_class c ON c.oid = s.of
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
    GROUP BY n.nspname, c.relname
    ORDER BY n.nspname, c.relname";

/// Asks the server the user named, in one read-only transaction that waits for nobody longer than a few seconds: a file's
/// size is taken under ACCESS SHARE, which stands behind those who hold a table alone.
pub fn read(url: &str) -> Result<Vec<Size>> {
    let config = parse_url(url)?;
    block_on(async {
        let session = Session::open(&config).await?;
        let rows =
            sizes(&session).await.with_context(|| format!("cannot read the statistics of {}", place(&config)))?;
        rows.into_iter().map(|row| size(&row).context("the server gave an answer that is none")).collect()
    })?
}

async fn sizes(session: &Session) -> Result<Vec<Vec<Option<String>>>> {
    session
        .run("BEGIN READ ONLY; SET LOCAL lock_timeout = '3s'; SET LOCAL statement_timeout = '60s'; SET LOCAL search_path = pg_catalog")
        .await?;
    let rows = session.rows(SIZES).await;
    session.run("ROLLBACK").await?;
    Ok(rows?)
}

fn size(row: &[Option<String>]) -> Option<Size> {
    let [schema, name, rows, bytes] = row else { return None };
    let rows = match rows {
        Some(rows) => Some(rows.parse().ok()?),
        None => None,
    };
    Some(Size { schema: schema.clone()?, name: name.clone()?, rows, bytes: bytes.as_ref()?.parse().ok()? })
}
