//! The table of hazards: whole, true by example, and the page that is made of it.

use std::{collections::BTreeMap, path::Path};

use expect_test::{expect, expect_file};
use lockkeeper::{
    catalog::{Catalog, Source, replay},
    dialect::{Dialect, TypeChange, parse_file, postgres::Postgres},
    lint::{
        Finding, LintInput, RULES,
        hazards::{HAZARDS, PEERS, table},
        lint, needs_files,
    },
    plan::Facts,
    sql::{Ddl, Name, Runs, Severity},
};

use crate::{
    corpus::shared,
    servers::{VERSIONS, with_database},
};

const SHOP: &str = "
    CREATE SCHEMA old; CREATE TABLE old.things (id int);
    CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
    CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE TYPE spot AS (x integer);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
    CREATE TABLE teams (id bigint PRIMARY KEY);
    CREATE TABLE users (id bigint PRIMARY KEY, email varchar(50), name text, age integer, mood mood, stars positive, place spot,
        team_id bigint REFERENCES teams (id), seen timestamp, note varchar(20), tag varchar(9) NOT NULL DEFAULT 'x',
        CONSTRAINT users_age CHECK (age > 0), CONSTRAINT users_note CHECK (length(note) > 0));
    CREATE INDEX users_email_lower ON users (lower(email));
    CREATE INDEX users_team ON users (team_id);
    CREATE UNIQUE INDEX users_seen ON users (seen);
    CREATE TRIGGER users_note BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION note();
    CREATE TABLE logins (id bigint PRIMARY KEY, user_id bigint, code integer, a numeric(10,4));
    CREATE VIEW codes AS SELECT code FROM logins;
    CREATE MATERIALIZED VIEW counts AS SELECT count(*) AS n FROM logins;
    CREATE TABLE animal (id integer, name text);
    CREATE TABLE dog (breed text) INHERITS (animal);
    CREATE TABLE events (id bigint NOT NULL, at date NOT NULL, kind text) PARTITION BY RANGE (at);
    CREATE TABLE events_2020 PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
    CREATE TABLE events_2021 (id bigint NOT NULL, at date NOT NULL, kind text);
";

/// For each hazard with rules: SQL in which one of them finds it. For those without: SQL that is let pass.
const EXAMPLES: &[(&str, &str)] = &[
    ("C01", "ALTER TABLE users ADD COLUMN z uuid DEFAULT gen_random_uuid();"),
    ("C02", "ALTER TABLE users ADD COLUMN z int DEFAULT 1, ADD COLUMN y timestamptz NOT NULL DEFAULT now();"),
    ("C03", "ALTER TABLE users ADD COLUMN z int NOT NULL;"),
    ("C04", "ALTER TABLE users ADD COLUMN z bigserial;"),
    ("C04", "ALTER TABLE users ADD COLUMN z int GENERATED ALWAYS AS IDENTITY;"),
    ("C05", "ALTER TABLE users ADD COLUMN z text GENERATED ALWAYS AS (lower(name)) STORED;"),
    ("C06", "ALTER TABLE users ADD COLUMN z int GENERATED ALWAYS AS (age + 1) VIRTUAL;"),
    ("C07", "ALTER TABLE users ADD COLUMN z positive;"),
    ("C08", "ALTER TABLE users ADD COLUMN z int CHECK (z > 0);"),
    ("C09", "ALTER TABLE users ADD COLUMN z bigint DEFAULT 1 REFERENCES teams (id);"),
    ("C09", "ALTER TABLE users ADD COLUMN z bigint REFERENCES teams (id);"),
    ("C10", "ALTER TABLE users ADD COLUMN z int UNIQUE;"),
    ("C11", "ALTER TABLE users ADD COLUMN z int DEFAULT 1, ALTER COLUMN z SET NOT NULL;"),
    ("C12", "ALTER TABLE users ADD COLUMN z json;"),
    ("C13", "ALTER TABLE users ADD COLUMN z int; ALTER TABLE users ADD COLUMN y int;"),
    ("N01", "ALTER TABLE users ALTER COLUMN name SET NOT NULL;"),
    (
        "N02",
        "ALTER TABLE users ADD CONSTRAINT nn CHECK (name IS NOT NULL) NOT VALID; ALTER TABLE users VALIDATE CONSTRAINT nn; \
         ALTER TABLE users ALTER COLUMN name SET NOT NULL; ALTER TABLE users DROP CONSTRAINT nn;",
    ),
    (
        "N03",
        "ALTER TABLE users ADD CONSTRAINT nn CHECK (name IS NOT NULL) NOT VALID; ALTER TABLE users VALIDATE CONSTRAINT nn; \
         ALTER TABLE users ALTER COLUMN name SET NOT NULL, DROP CONSTRAINT nn;",
    ),
    (
        "N04",
        "ALTER TABLE users ADD CONSTRAINT nn NOT NULL name NOT VALID; ALTER TABLE users ALTER COLUMN name SET NOT NULL;",
    ),
    ("N05", "ALTER TABLE users ADD CHECK (age < 200);"),
    (
        "N06",
        "BEGIN; ALTER TABLE users ADD CONSTRAINT c CHECK (age < 200) NOT VALID; ALTER TABLE users VALIDATE CONSTRAINT c; COMMIT;",
    ),
    ("N07", "ALTER TABLE logins ADD FOREIGN KEY (user_id) REFERENCES users (id);"),
    ("N08", "ALTER TABLE events ADD CONSTRAINT f FOREIGN KEY (id) REFERENCES users (id) NOT VALID;"),
    ("N09", "ALTER TABLE logins ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;"),
    ("N10", "CREATE TABLE z (user_id bigint PRIMARY KEY REFERENCES users (id));"),
    ("N11", "ALTER TABLE users DROP CONSTRAINT users_team_id_fkey;"),
    ("N11", "DROP TABLE users;"),
    ("N12", "ALTER TABLE users ADD UNIQUE (email);"),
    ("N13", "ALTER TABLE animal ADD PRIMARY KEY (id);"),
    ("N14", "ALTER TABLE users DROP CONSTRAINT users_pkey, ADD PRIMARY KEY USING INDEX users_seen;"),
    ("N15", "ALTER TABLE users ADD EXCLUDE USING gist (age WITH =);"),
    ("N16", "CREATE UNIQUE INDEX CONCURRENTLY z ON users (email);"),
    ("N17", "ALTER TABLE animal ADD CHECK (id > 0);"),
    ("N17", "ALTER TABLE events ALTER COLUMN kind SET NOT NULL;"),
    (
        "N18",
        "ALTER TABLE logins ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users (id) NOT ENFORCED; \
         ALTER TABLE logins ALTER CONSTRAINT f ENFORCED;",
    ),
    ("N19", "ALTER TABLE users ALTER COLUMN tag DROP NOT NULL;"),
    ("N20", "ALTER TABLE users DROP CONSTRAINT users_pkey;"),
    ("N21", "ALTER DOMAIN positive ADD CHECK (VALUE < 9);"),
    ("T01", "ALTER TABLE users ALTER COLUMN tag TYPE varchar(20); ALTER TABLE users ALTER COLUMN tag TYPE text;"),
    ("T02", "ALTER TABLE logins ALTER COLUMN user_id TYPE text;"),
    ("T03", "ALTER TABLE users ALTER COLUMN seen TYPE timestamptz USING seen AT TIME ZONE 'UTC';"),
    ("T04", "ALTER TABLE users ALTER COLUMN email TYPE varchar(60);"),
    ("T05", "ALTER TABLE users ALTER COLUMN note TYPE varchar(60);"),
    ("T06", "ALTER TABLE users ALTER COLUMN team_id TYPE integer;"),
    ("T07", "ALTER TABLE logins ALTER COLUMN code TYPE bigint;"),
    ("T08", "ALTER TABLE animal ALTER COLUMN id TYPE bigint;"),
    ("T09", "ALTER TABLE logins ALTER COLUMN a TYPE numeric(10,2);"),
    ("T10", "ALTER TABLE users ALTER COLUMN tag TYPE text;"),
    ("D01", "ALTER TABLE users DROP COLUMN name;"),
    ("D02", "DROP TABLE dog;"),
    ("D03", "DROP SCHEMA old CASCADE;"),
    ("D03", "DROP DATABASE shop;"),
    ("D04", "TRUNCATE logins;"),
    ("D05", "DELETE FROM logins;"),
    ("D06", "ALTER TABLE users RENAME COLUMN name TO title;"),
    ("D07", "ALTER TABLE users RENAME TO people;"),
    ("D07", "ALTER TABLE users SET SCHEMA old;"),
    ("D08", "ALTER TYPE mood RENAME VALUE 'sad' TO 'blue';"),
    ("D09", "ALTER TABLE animal DROP COLUMN name, ADD COLUMN title text;"),
    (
        "D10",
        "CREATE TYPE mood2 AS ENUM ('ok'); ALTER TABLE users ALTER COLUMN mood TYPE mood2 USING mood::text::mood2;",
    ),
    ("D12", "ALTER TABLE users ALTER COLUMN tag DROP DEFAULT;"),
    ("I01", "CREATE INDEX ON users (name);"),
    ("I02", "BEGIN; CREATE INDEX CONCURRENTLY z ON users (name); COMMIT;"),
    ("I02", "BEGIN; DROP INDEX CONCURRENTLY users_team; COMMIT;"),
    ("I03", "DROP INDEX users_team;"),
    ("I04", "CREATE INDEX CONCURRENTLY IF NOT EXISTS z ON users (name);"),
    ("I05", "REINDEX TABLE users;"),
    ("I06", "CREATE INDEX CONCURRENTLY ON events (kind);"),
    ("I07", "SET lock_timeout = '1s'; ALTER INDEX users_team RENAME TO users_by_team;"),
    ("P01", "ALTER TABLE events ATTACH PARTITION events_2021 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');"),
    ("P02", "ALTER TABLE events DETACH PARTITION events_2020;"),
    ("P03", "CREATE TABLE events_2022 PARTITION OF events FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');"),
    ("P03", "DROP TABLE events_2020;"),
    ("L01", "ALTER TABLE users ADD COLUMN z int;"),
    ("L02", "SET lock_timeout = 0; ALTER TABLE users ADD COLUMN z int;"),
    ("L02", "SET lock_timeout = '10min'; ALTER TABLE users ADD COLUMN z int;"),
    ("L02", "ALTER TABLE users ADD COLUMN z int; SET lock_timeout = '1s';"),
    ("L02", "SET statement_timeout = '1s'; CREATE INDEX CONCURRENTLY z ON users (name);"),
    ("L03", "BEGIN; ALTER TABLE users ADD COLUMN z int; DELETE FROM logins WHERE id < 9; COMMIT;"),
    ("L03", "BEGIN; ALTER TABLE users ADD COLUMN z int; UPDATE users SET z = 1 WHERE id < 9; COMMIT;"),
    ("L04", "BEGIN; ALTER TABLE users ADD COLUMN z int; ALTER TABLE logins ADD COLUMN z int; COMMIT;"),
    ("L05", "UPDATE users SET age = 1;"),
    ("L06", "BEGIN; ALTER TABLE users ADD COLUMN z int;"),
    ("L06", "COMMIT;"),
    ("L07", "CREATE TRIGGER z BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION note();"),
    ("L07", "DROP TRIGGER users_note ON users;"),
    ("L07", "ALTER TABLE users DISABLE TRIGGER users_note;"),
    ("L08", "CREATE POLICY p ON users USING (true);"),
    ("L08", "ALTER TABLE users ENABLE ROW LEVEL SECURITY;"),
    ("L08", "CREATE RULE r AS ON DELETE TO users DO INSTEAD NOTHING;"),
    ("L09", "VACUUM FULL users;"),
    ("L09", "CLUSTER users USING users_pkey;"),
    ("L10", "ALTER TABLE users SET UNLOGGED;"),
    ("L11", "REFRESH MATERIALIZED VIEW counts;"),
    ("L11", "REFRESH MATERIALIZED VIEW CONCURRENTLY counts;"),
    ("L12", "BEGIN; ALTER TYPE mood ADD VALUE 'glad'; UPDATE users SET mood = 'glad' WHERE id = 1; COMMIT;"),
    ("L13", "ALTER TYPE spot ALTER ATTRIBUTE x TYPE bigint;"),
    ("L14", "ALTER TABLE users ALTER COLUMN name SET STORAGE EXTERNAL;"),
    (
        "L15",
        "ALTER TABLE users ADD COLUMN z int GENERATED ALWAYS AS (age) STORED; ALTER TABLE users ALTER COLUMN z SET EXPRESSION AS (age + 1);",
    ),
    ("X10", "CREATE TABLE users (id bigint);"),
    ("X10", "ALTER TABLE users ADD COLUMN name text;"),
    ("X11", "CREATE TABLE IF NOT EXISTS teams (id bigint, name text);"),
    ("X11", "CREATE INDEX IF NOT EXISTS users_team ON users (age);"),
    ("X03", "DROP VIEW codes;"),
    ("X03", "DROP TYPE spot CASCADE;"),
    ("X02", "-- lockkeeper: ignore creating-index reason=\"none\"\nSELECT 1;"),
    ("X01", "DO $$ DECLARE t text := 'users'; BEGIN EXECUTE 'DROP TABLE ' || t; END $$;"),
];

fn catalog(sql: &str) -> Catalog {
    let build = replay(Catalog::new(), &[Source { statements: parse_file(&Postgres, sql).0.into() }]);
    assert!(build.problems.is_empty(), "{:?}", build.problems);
    build.catalog
}

fn found(before: &Catalog, sql: &str, version: u32) -> Vec<Finding> {
    let (statements, _) = parse_file(&Postgres, sql);
    let facts = Facts::for_version(version);
    let input = LintInput {
        dialect: &Postgres,
        text: sql,
        statements: &statements,
        before,
        facts: &facts,
        runs: Runs::ALONE,
        around: None,
    };
    lint(&input)
}

#[test]
fn the_table_is_whole_and_its_page_is_made_of_it() {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for hazard in HAZARDS {
        assert!(!hazard.rules.is_empty() || !hazard.note.is_empty(), "{}: neither a rule nor a reason", hazard.id);
        for rule in hazard.rules {
            assert!(RULES.iter().any(|it| it.code == *rule), "{}: there is no rule {rule}", hazard.id);
            *seen.entry(rule).or_default() += 1;
        }
        for peer in hazard.peers.split(' ').filter(|it| !it.is_empty()) {
            assert!(PEERS.iter().any(|it| it.0 == peer), "{}: nobody is called {peer}", hazard.id);
        }
    }
    for rule in RULES {
        assert!(seen.contains_key(rule.code), "{} stands in no row of the table", rule.code);
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/hazards.md");
    expect_file![page].assert_eq(&table());
}

/// The list in which the rules of others were collected has no row that we forgot.
#[test]
fn no_known_hazard_is_forgotten() {
    let Some(corpus) = shared("LOCKKEEPER_CORPUS", "corpus") else { return };
    let Ok(list) = std::fs::read_to_string(corpus.with_file_name("HAZARDS.md")) else {
        eprintln!("*** HAZARDS.md is not beside the corpus. NOT COMPARED. ***");
        return;
    };
    let mut compared = 0;
    for line in list.lines().filter_map(|it| it.strip_prefix("| ")) {
        let id = line.get(..3).unwrap_or_default();
        let is_id = id.starts_with(|it: char| it.is_ascii_uppercase()) && id[1..].chars().all(|it| it.is_ascii_digit());
        if !is_id {
            continue;
        }
        compared += 1;
        assert!(HAZARDS.iter().any(|it| it.id == id), "{id} is not in our table");
    }
    assert!(compared > 80, "only {compared} rows");
}

#[test]
fn each_hazard_is_found_in_its_example() {
    let before = catalog(SHOP);
    let mut wrong = String::new();
    for hazard in HAZARDS {
        let examples: Vec<&str> = EXAMPLES.iter().filter(|it| it.0 == hazard.id).map(|it| it.1).collect();
        let none = matches!(hazard.id, "T11" | "T12" | "I08" | "I09" | "L16" | "S01" | "D11");
        // Files among others have their examples in the pages: see `around`.
        let none = none || !hazard.rules.is_empty() && hazard.rules.iter().all(|it| needs_files(it));
        if examples.is_empty() && !none {
            wrong.push_str(&format!("{}: no example\n", hazard.id));
        }
        for sql in examples {
            // New forms are judged by the version that has them.
            let version =
                if ["NOT ENFORCED", "VIRTUAL", "NOT NULL name", "SET EXPRESSION"].iter().any(|it| sql.contains(it)) {
                    18
                } else {
                    15
                };
            let found = found(&before, sql, version);
            let codes: Vec<&str> = found.iter().map(|it| it.rule).collect();
            let loud: Vec<&str> =
                found.iter().filter(|it| it.severity >= Severity::Warning).map(|it| it.rule).collect();
            let hit = hazard.rules.iter().any(|it| codes.contains(it));
            if hazard.rules.is_empty() && !loud.is_empty() {
                wrong.push_str(&format!("{}: said of what is no hazard: {loud:?}: {sql}\n", hazard.id));
            } else if !hazard.rules.is_empty() && !hit {
                wrong.push_str(&format!("{}: not found, only {codes:?}: {sql}\n", hazard.id));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// What other linters are known to get wrong (numbers as in the list of their errors).
#[test]
fn the_errors_of_other_linters_are_not_ours() {
    let before = catalog(SHOP);
    let loud = |sql: &str, version: u32| -> Vec<&'static str> {
        let found = found(&before, sql, version).into_iter().filter(|it| it.severity >= Severity::Warning);
        found.map(|it| it.rule).collect()
    };
    let message = |sql: &str, rule: &str| -> String {
        found(&before, sql, 15).into_iter().find(|it| it.rule == rule).map(|it| it.message).unwrap_or_default()
    };
    // 1: a widening of varchar costs nothing.
    assert_eq!(loud("ALTER TABLE users ALTER COLUMN tag TYPE varchar(99);", 13), [""; 0]);
    // 2: a constant default costs nothing; int to text and to numeric rewrite.
    assert_eq!(loud("ALTER TABLE users ADD COLUMN z int DEFAULT 5;", 13), [""; 0]);
    assert_eq!(loud("ALTER TABLE logins ALTER COLUMN user_id TYPE text;", 15), ["change-type-rewrite"]);
    assert_eq!(loud("ALTER TABLE logins ALTER COLUMN user_id TYPE numeric;", 15), ["change-type-rewrite"]);
    // 3: RENAME is quick and breaks code on every version; CHECK NOT VALID takes ACCESS EXCLUSIVE.
    for version in VERSIONS {
        assert_eq!(loud("ALTER TABLE users RENAME COLUMN name TO title;", version), ["renaming-column"]);
    }
    let locked = message("ALTER TABLE users ADD CONSTRAINT c CHECK (age < 200) NOT VALID;", "missing-lock-timeout");
    assert!(locked.contains("waits for ACCESS EXCLUSIVE on users"), "{locked}");
    // 4: one ALTER TABLE instead of two can lose the proof of NOT NULL.
    let proof = "ALTER TABLE users ADD CONSTRAINT nn CHECK (name IS NOT NULL) NOT VALID; ALTER TABLE users VALIDATE CONSTRAINT nn;";
    assert_eq!(
        loud(
            &format!("{proof} ALTER TABLE users ALTER COLUMN name SET NOT NULL; ALTER TABLE users DROP CONSTRAINT nn;"),
            15
        ),
        [""; 0]
    );
    assert_eq!(
        loud(&format!("{proof} ALTER TABLE users ALTER COLUMN name SET NOT NULL, DROP CONSTRAINT nn;"), 15),
        ["set-not-null-scan"]
    );
    // 5: no CONCURRENTLY is advised where the server refuses it.
    let advice = message("CREATE INDEX ON events (kind);", "creating-index");
    assert!(advice.contains("ON ONLY the parent"), "{advice}");
    let detach = |version| {
        let all = found(&before, "ALTER TABLE events DETACH PARTITION events_2020;", version);
        all.into_iter().find(|it| it.rule == "detaching-partition").map(|it| it.message).unwrap_or_default()
    };
    assert!(!detach(13).contains("CONCURRENTLY") && detach(14).contains("CONCURRENTLY"));
    // 6: a virtual column costs nothing.
    assert_eq!(loud("ALTER TABLE users ADD COLUMN z int GENERATED ALWAYS AS (age + 1) VIRTUAL;", 18), [""; 0]);
    // 7: a constraint on one column proves nothing of another.
    assert_eq!(loud(&format!("{proof} ALTER TABLE users ALTER COLUMN email SET NOT NULL;"), 15), ["set-not-null-scan"]);
    // 8: a foreign key lets readers go on.
    expect![[
        "Checks every row of logins while writes to it and to users wait. Add it as NOT VALID and VALIDATE it in another transaction"
    ]]
    .assert_eq(&message("ALTER TABLE logins ADD FOREIGN KEY (user_id) REFERENCES users (id);", "foreign-key-without-not-valid"));
}

/// Values before, type, USING: does the server keep them? As `type_loss` says.
#[test]
fn values_are_lost_where_the_model_says_so() {
    let columns = "n numeric(10,4) DEFAULT 1.2345, whole numeric(10) DEFAULT 7, n0 numeric DEFAULT 12345.678901234567891, s text DEFAULT 'abcdef', \
        ts timestamp DEFAULT '2020-01-01 10:11:12.345678', tz timestamptz DEFAULT '2020-01-01 10:11:12.345678+02', f8 float8 DEFAULT 1.6, \
        bi bigint DEFAULT 9007199254740993, i integer DEFAULT 16777217, vc varchar(10) DEFAULT 'abcdefgh', iv interval DEFAULT '1 day 01:02:03.4', \
        tm time DEFAULT '10:11:12.5', ch char(5) DEFAULT 'abc', d date DEFAULT '2020-01-01', si smallint DEFAULT 5, t3 timestamp(3) DEFAULT '2020-01-01 10:11:12.345'";
    let changes = [
        ("n", "numeric(10,2)", ""),
        ("n", "numeric(12,4)", ""),
        ("n", "numeric", ""),
        ("n", "integer", ""),
        ("n", "double precision", ""),
        ("n", "text", ""),
        ("whole", "bigint", ""),
        ("n0", "numeric(10,2)", ""),
        ("n0", "bigint", ""),
        ("n0", "double precision", ""),
        ("s", "varchar(3)", "s::varchar(3)"),
        ("s", "varchar(3)", "left(s, 3)"),
        ("s", "varchar(30)", ""),
        ("s", "char(3)", "cast(s as char(3))"),
        ("vc", "varchar(5)", "vc::varchar(5)"),
        ("vc", "varchar(10)", "vc::varchar(10)"),
        ("ch", "varchar(1)", "ch::varchar(1)"),
        ("ts", "timestamp(0)", ""),
        ("ts", "date", ""),
        ("ts", "time", ""),
        ("ts", "timestamptz(3)", ""),
        ("ts", "timestamptz", ""),
        ("tz", "date", ""),
        ("f8", "integer", ""),
        ("f8", "numeric", ""),
        ("f8", "numeric(10,0)", ""),
        ("bi", "double precision", ""),
        ("bi", "text", ""),
        ("i", "real", ""),
        ("i", "bigint", ""),
        ("si", "real", ""),
        ("iv", "interval(0)", ""),
        ("iv", "interval day", ""),
        ("tm", "time(0)", ""),
        ("d", "timestamp", ""),
        ("t3", "timestamp(6)", ""),
        ("t3", "timestamp(3)", ""),
    ];
    let table = format!("CREATE TABLE t (id int, {columns})");
    let before = catalog(&table);
    for version in [13, 18] {
        with_database(version, async |database| {
            let session = database.connect().await.unwrap();
            session
                .run(&format!("SET timezone = 'UTC'; SET extra_float_digits = 3; {table}; INSERT INTO t VALUES (1)"))
                .await
                .unwrap();
            for (column, ty, using) in changes {
                let using = if using.is_empty() { String::new() } else { format!(" USING {using}") };
                let sql = format!("ALTER TABLE t ALTER COLUMN {column} TYPE {ty}{using}");
                let (statements, _) = parse_file(&Postgres, &sql);
                let [Ddl::SetType { column: ident, ty: to, using, .. }] = statements[0].parsed.ddl.as_slice() else {
                    panic!("{sql}")
                };
                let name = Name::new("public", "t");
                let change = TypeChange { table: &name, column: ident, to, collation: None, using: using.as_ref() };
                let ours = Postgres.type_loss(&change, &before);
                // Lost: taken back to the old type, the value is another.
                session.run("BEGIN").await.unwrap();
                let old = session.value(&format!("SELECT {column}::text FROM t")).await.unwrap().unwrap_or_default();
                let back = session
                    .value(&format!("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = '{column}'"))
                    .await
                    .unwrap()
                    .unwrap_or_default();
                session.run(&format!("ALTER TABLE t ALTER COLUMN {column} DROP DEFAULT")).await.unwrap();
                session.run(&sql).await.unwrap_or_else(|it| panic!("{sql}: {it}"));
                let new = session.value(&format!("SELECT {column}::text::{back}::text FROM t")).await;
                // A time of day alone does not even read as a timestamp.
                let lost = new.map_or(true, |it| it.unwrap_or_default() != old);
                session.run("ROLLBACK").await.unwrap();
                assert_eq!(ours.is_some(), lost, "{version}: {sql}: we say {ours:?}, {old} before");
            }
        });
    }
}
