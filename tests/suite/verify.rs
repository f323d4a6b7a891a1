//! The shadow room on real servers: reading a live schema, generated rows, and whole verifications.

use lockkeeper::{
    catalog,
    dialect::{parse_file, postgres::Postgres},
    shadow::{
        build::build,
        checksums,
        introspect::{self, Snapshot},
        rows,
        server::{Database, Server},
    },
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

#[test]
fn generated_rows_satisfy_the_constraints_and_are_the_same_every_time() {
    for version in [13, 18] {
        with_server(version, async |server| {
            let mut sums = Vec::new();
            for _ in 0..2 {
                let (_, database) = read(&server, &statements(ROWS, version)).await;
                let session = database.connect().await.unwrap();
                assert_eq!(rows::fill(&session, 40).await.unwrap(), Vec::<String>::new());
                sums.push(checksums::checksums(&session).await.unwrap());
                drop(session);
                database.remove().await.unwrap();
            }
            assert_eq!(sums[0], sums[1]);
            for (table, sum) in &sums[0] {
                // A partition by list holds one key only.
                let least = if table.contains("area") { 1 } else { 3 };
                assert!(sum.rows >= least, "{table} has {} rows", sum.rows);
            }
            assert_eq!(sums[0]["public.item"].rows, 40);
            assert_eq!(sums[0]["public.employee"].columns["boss"].not_null, 40);
            assert_eq!(sums[0]["public.a"].columns["b_id"].not_null, 40);
        });
    }
}

const ROWS: &str = "
CREATE TYPE state AS ENUM ('new', 'paid', 'sent');

CREATE DOMAIN percent AS numeric(5,2) CHECK (VALUE >= 0 AND VALUE <= 100);

CREATE TABLE item (id serial PRIMARY KEY, sku varchar(12) NOT NULL UNIQUE, price numeric(8,2) NOT NULL CHECK (price > 0), state state NOT NULL,
  kind text NOT NULL CHECK (kind IN ('book', 'film')), discount percent NOT NULL, code char(3) CHECK (code = upper(code)), tags text[] NOT NULL, meta jsonb NOT NULL);

CREATE TABLE employee (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, boss bigint REFERENCES employee, hired date NOT NULL, left_on date, CHECK (left_on > hired));

CREATE TABLE must_have_boss (id int PRIMARY KEY, boss int NOT NULL REFERENCES must_have_boss);

CREATE TABLE a (id uuid PRIMARY KEY, b_id uuid);

CREATE TABLE b (id uuid PRIMARY KEY, a_id uuid NOT NULL REFERENCES a);

ALTER TABLE a ADD FOREIGN KEY (b_id) REFERENCES b;

CREATE TABLE line (item int REFERENCES item, employee bigint REFERENCES employee, n smallint CHECK (n BETWEEN 5 AND 9), PRIMARY KEY (item, employee));

CREATE TABLE sub_line (id int PRIMARY KEY, item int NOT NULL, employee bigint NOT NULL, FOREIGN KEY (item, employee) REFERENCES line, email text NOT NULL CHECK (email LIKE '%@%'));

CREATE TABLE metric (at timestamptz NOT NULL, region text NOT NULL, v double precision, PRIMARY KEY (at, region, v)) PARTITION BY RANGE (at);

CREATE TABLE metric_old PARTITION OF metric FOR VALUES FROM (MINVALUE) TO ('2024-01-01');

CREATE TABLE metric_new PARTITION OF metric FOR VALUES FROM ('2024-01-01') TO (MAXVALUE);

CREATE TABLE part (id int PRIMARY KEY) PARTITION BY HASH (id);

CREATE TABLE part_0 PARTITION OF part FOR VALUES WITH (MODULUS 2, REMAINDER 0);

CREATE TABLE part_1 PARTITION OF part FOR VALUES WITH (MODULUS 2, REMAINDER 1);

CREATE TABLE area (country text, PRIMARY KEY (country)) PARTITION BY LIST (country);

CREATE TABLE area_eu PARTITION OF area FOR VALUES IN ('de', 'fr');

CREATE TABLE area_us PARTITION OF area FOR VALUES IN ('us');

CREATE TABLE area_x PARTITION OF area FOR VALUES IN ('x');

CREATE TABLE span (during tstzrange, EXCLUDE USING gist (during WITH &&), since timestamptz NOT NULL, until timestamptz NOT NULL, CHECK (until > since));
";

#[test]
fn the_catalog_of_a_live_database_is_the_catalog_of_its_files() {
    for version in VERSIONS {
        with_server(version, async |server| {
            let files = statements(EVERYTHING, version);
            let (snapshot, database) = read(&server, &files).await;
            let live = snapshot.catalog(&Postgres);
            assert!(live.problems.is_empty(), "on {version}: {:?}", live.problems);
            let text = files.join(";\n") + ";";
            let (parsed, problems) = parse_file(&Postgres, &text);
            assert!(problems.is_empty(), "{problems:?}");
            let written = catalog::desired(&[catalog::Source { statements: parsed.into() }]);
            assert!(written.problems.is_empty(), "on {version}: {:?}", written.problems);
            let differences = catalog::differences(&written.catalog, &live.catalog);
            let unexplained: Vec<_> =
                differences.iter().filter(|it| !KNOWN.iter().any(|known| it.starts_with(known))).collect();
            assert!(unexplained.is_empty(), "on {version}: {unexplained:#?}");
            database.remove().await.unwrap();
        });
    }
}

/// What only a server knows, by name: casts that a domain brings in, which table a view's column is of (up to 15 all
/// are qualified), and what is kept as text and not read: rules, options of range types.
const KNOWN: &[&str] = &[
    "index customers_lower_idx predicate",
    "policy own_rows of customers",
    "view a_view_of_adults query",
    "view adults query",
    "view totals query",
    "type temperature",
    "text create rule protect",
    // Default privileges are kept as text, and so is what they do to a function; the body is printed by the server.
    "revoked privilege EXECUTE on function twice",
    "function twice(integer) body",
];
