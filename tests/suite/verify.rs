//! The shadow room on real servers: reading a live schema, generated rows, and whole verifications.

use lockkeeper::shadow::{
    build::build,
    introspect::{self, Snapshot},
    server::{Database, Server},
};
use std::sync::Arc;

use crate::servers::{VERSIONS, with_server};

/// A bit of everything. Statements end with a semicolon at the end of a line.
const EVERYTHING: &str = include_str!("everything.sql");

fn statements(text: &str, version: u32) -> Vec<String> {
    // Sections for newer servers begin with a line `-- since N`.
    let mut since = 0;
    let mut res = vec![];
    for piece in text.split(";\n\n") {
        if let Some(rest) = piece.lines().find_map(|it| it.strip_prefix("-- since ")) {
            since = rest.trim().parse().unwrap();
        }
        if since <= version && !piece.trim().is_empty() {
            res.push(piece.trim().trim_end_matches(';').to_owned());
        }
    }
    res
}

async fn read(server: &Arc<Server>, statements: &[String]) -> (Snapshot, Database) {
    let database = server.create_database(None).await.unwrap();
    build(&database, statements).await.unwrap();
    let snapshot = introspect::snapshot(&database.connect().await.unwrap()).await.unwrap();
    (snapshot, database)
}

#[test]
fn what_is_read_builds_the_same_database_again() {
    for version in VERSIONS {
        with_server(version, async |server| {
            let (first, a) = read(&server, &statements(EVERYTHING, version)).await;
            let (second, b) = read(&server, &first.ddl).await;
            let differences = introspect::differences(&first.fingerprint, &second.fingerprint);
            assert!(differences.is_empty(), "on {version}:\n{}", differences.join("\n"));
            assert_eq!(first, second, "on {version}");
            for database in [a, b] {
                database.remove().await.unwrap();
            }
        });
    }
}

#[test]
fn what_is_read_is_complete() {
    with_server(18, async |server| {
        let (snapshot, database) = read(&server, &statements(EVERYTHING, 18)).await;
        expect_test::expect_file!["everything.18.txt"].assert_eq(&(snapshot.ddl.join(";\n") + ";\n"));
        database.remove().await.unwrap();
    });
}
