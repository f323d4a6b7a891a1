//! How large production is: `lockkeeper stats` on real servers, the file it writes, and what lint says with it.

use std::fs;

use lockkeeper::shadow::sizes;
use serde_json::Value;

use crate::{
    cli::{lockkeeper, stderr, stdout, tree},
    servers::with_database,
};

const SCHEMA: &str = "CREATE TABLE orders (id bigint PRIMARY KEY, note text);
CREATE TABLE days (at date NOT NULL) PARTITION BY RANGE (at);
";

/// Fills a database; the statistics are those of ANALYZE, or none.
const SETUP: &str = "CREATE TABLE orders (id bigint PRIMARY KEY, note text);
INSERT INTO orders SELECT i, repeat('x', 100) FROM generate_series(1, 20000) i;
CREATE TABLE days (at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE days_2 PARTITION OF days FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
INSERT INTO days SELECT '2024-01-01'::date + i % 50 FROM generate_series(0, 999) i;
CREATE TABLE childless (at date) PARTITION BY RANGE (at);
CREATE SCHEMA \"Odd.One\";
CREATE TABLE \"Odd.One\".empty (id bigint);
CREATE MATERIALIZED VIEW seen AS SELECT id FROM orders;
CREATE VIEW passing AS SELECT id FROM orders;
ANALYZE orders; ANALYZE days; ANALYZE seen;
CREATE TABLE never (id bigint) WITH (autovacuum_enabled = off);
INSERT INTO never VALUES (1)";

#[test]
fn sizes_are_those_of_the_servers_statistics() {
    for version in [13, 14, 18] {
        let found = with_database(version, async |database| {
            database.connect().await.unwrap().run(SETUP).await.unwrap();
            let url = database.connection_string().unwrap();
            tokio::task::spawn_blocking(move || sizes::read(&url).unwrap()).await.unwrap()
        });
        let rows: Vec<_> = found.iter().map(|it| (it.schema.as_str(), it.name.as_str(), it.rows)).collect();
        let expected = [
            ("Odd.One", "empty", Some(0)),
            ("public", "childless", Some(0)),
            ("public", "days", Some(1000)),
            ("public", "days_1", Some(620)),
            ("public", "days_2", Some(380)),
            ("public", "never", None),
            ("public", "orders", Some(20_000)),
            ("public", "seen", Some(20_000)),
        ];
        assert_eq!(rows, expected, "PostgreSQL {version}");
        let bytes = |name: &str| found.iter().find(|it| it.name == name).unwrap().bytes;
        assert_eq!(bytes("days"), bytes("days_1") + bytes("days_2"));
        // 20,000 rows of some 136 bytes, and an index.
        assert!((2_500_000..5_000_000).contains(&bytes("orders")), "{}", bytes("orders"));
        assert_eq!((bytes("empty"), bytes("childless")), (0, 0));
    }
}

#[test]
fn the_file_is_written_and_lint_weighs_by_it() {
    let index = "SET lock_timeout = '2s';\nCREATE INDEX i ON orders (note);\n";
    let dir = tree(&[("schema.sql", SCHEMA), ("a.sql", index), ("lockkeeper.toml", "")]);
    with_database(16, async |database| {
        database.connect().await.unwrap().run(SETUP).await.unwrap();
        let url = database.connection_string().unwrap();
        let path = dir.path().to_path_buf();
        tokio::task::spawn_blocking(move || {
            let printed = lockkeeper(&path, &["stats", &url]);
            assert!(printed.status.success(), "{}", stderr(&printed));
            assert!(!path.join("lockkeeper.stats.json").exists());
            // Twice: the second takes the place of the first.
            for _ in 0..2 {
                let out = lockkeeper(&path, &["stats", &url, "--out", "lockkeeper.stats.json"]);
                assert!(out.status.success() && stdout(&out).is_empty(), "{}", stderr(&out));
            }
            assert_eq!(fs::read_to_string(path.join("lockkeeper.stats.json")).unwrap(), stdout(&printed));
        })
        .await
        .unwrap();
    });
    let message = || {
        let out = lockkeeper(dir.path(), &["lint", "--schema", "schema.sql", "a.sql", "--format", "json"]);
        let report: Value = serde_json::from_str(&stdout(&out)).unwrap_or_else(|_| panic!("{}", stderr(&out)));
        let found = report["files"][0]["findings"].as_array().unwrap();
        let found = found.iter().find(|it| it["rule"] == "creating-index").unwrap();
        (found["severity"].as_str().unwrap().to_owned(), found["message"].as_str().unwrap().to_owned())
    };
    let (severity, text) = message();
    assert_eq!(severity, "warning");
    assert!(text.starts_with("Builds an index on orders (about 20 thousand rows, "), "{text}");
    assert!(text.ends_with("takes less than a second at 100 MB/s"), "{text}");
    // What the settings say wins, and what was measured of another size is no longer said.
    fs::write(dir.path().join("lockkeeper.toml"), "[tables.orders]\nrows = 50_000_000\n").unwrap();
    let (severity, text) = message();
    assert_eq!(severity, "error");
    assert!(text.contains("orders (about 50 million rows) under"), "{text}");
    assert!(
        text.ends_with(". Estimate: building an index on 10 GB takes roughly 2 min at 100 MB/s and 200 bytes a row"),
        "{text}"
    );
    // A file that says something else is an error with its place, not silence.
    fs::write(dir.path().join("lockkeeper.stats.json"), "{\n\"tables\": 3}\n").unwrap();
    let out = lockkeeper(dir.path(), &["lint", "a.sql"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(stderr(&out).contains("lockkeeper.stats.json:2:"), "{}", stderr(&out));
}

#[test]
fn sizes_decide_how_grave_a_finding_is() {
    let stats = |rows: &str, bytes: u64| {
        format!("{{\"version\": 1, \"tables\": {{\"public\": {{\"orders\": {{{rows}\"bytes\": {bytes}}}}}}}}}")
    };
    let severity = |stats: &str| {
        let sql = "SET lock_timeout = '2s';\nCREATE INDEX i ON orders (note);\n";
        let files = [("schema.sql", SCHEMA), ("a.sql", sql), ("lockkeeper.toml", ""), ("lockkeeper.stats.json", stats)];
        let dir = tree(&files);
        let out = lockkeeper(dir.path(), &["lint", "--schema", "schema.sql", "a.sql", "--format", "json"]);
        let report: Value = serde_json::from_str(&stdout(&out)).unwrap_or_else(|_| panic!("{}", stderr(&out)));
        report["files"][0]["findings"][0]["severity"].as_str().unwrap().to_owned()
    };
    assert_eq!(severity(&stats("\"rows\": 100, ", 16_384)), "hint");
    assert_eq!(severity(&stats("\"rows\": 100000, ", 20_000_000)), "warning");
    assert_eq!(severity(&stats("\"rows\": 50000000, ", 12_000_000_000)), "error");
    // Few rows, but long ones; and rows that nobody has counted.
    assert_eq!(severity(&stats("\"rows\": 100, ", 20_000_000)), "warning");
    assert_eq!(severity(&stats("\"rows\": 100, ", 2_000_000_000)), "error");
    assert_eq!(severity(&stats("", 2_000_000_000)), "error");
    assert_eq!(severity(&stats("", 8192)), "hint");
}
