//! Rules in context: fresh tables, transactions, versions, sizes, annotations, and the errors other linters make.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use lockkeeper::{
    catalog::Catalog,
    dialect::{parse_file, postgres::Postgres},
    lint::{LintInput, RULES, lint, phase},
    plan::Facts,
    sql::{Name, Runs},
};

use crate::corpus::{histories, shared};

/// A lint of one file, to be changed by the tests.
struct Case<'a> {
    before: &'a str,
    facts: Facts,
    wraps: bool,
}

const SHOP: &str = "
    CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
    CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE TABLE users (id bigint PRIMARY KEY, email varchar(50), name text, age integer, CONSTRAINT users_age CHECK (age > 0));
    CREATE INDEX users_email_lower ON users (lower(email));
    CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users (id), amount numeric(10,2), note varchar(20));
    CREATE TABLE events (id bigint NOT NULL, at date NOT NULL, kind text) PARTITION BY RANGE (at);
    CREATE TABLE events_2020 PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
    CREATE TABLE events_rest PARTITION OF events DEFAULT;
";

impl Case<'_> {
    fn on(version: u32) -> Self {
        Case { before: SHOP, facts: Facts::for_version(version), wraps: false }
    }

    fn in_transaction(self) -> Self {
        Self { wraps: true, ..self }
    }

    fn with_rows(mut self, table: &str, rows: u64) -> Self {
        self.facts.rows.insert(Name::new("public", table), rows);
        self
    }

    fn messages(&self, sql: &str) -> Vec<(usize, String, String)> {
        let mut before = Catalog::new();
        let (statements, problems) = parse_file(&Postgres, self.before);
        assert!(problems.is_empty(), "{problems:?}");
        for ddl in statements.iter().flat_map(|it| &it.parsed.ddl) {
            before.apply(ddl).expect("the catalog of the test can be made");
        }
        let (statements, _) = parse_file(&Postgres, sql);
        let input = LintInput {
            dialect: &Postgres,
            text: sql,
            statements: &statements,
            before: &before,
            facts: &self.facts,
            runs: if self.wraps { Runs::WRAPPED } else { Runs::ALONE },
            around: None,
        };
        let line = |at: usize| sql[..at].matches('\n').count() + 1;
        let found = lint(&input).into_iter();
        found.map(|it| (line(it.range.start), format!("{} {}", it.severity.as_str(), it.rule), it.message)).collect()
    }

    /// Line, severity and rule of each finding, but for what is said of almost every file.
    #[track_caller]
    fn check(&self, sql: &str, expect: Expect) {
        let usual = ["missing-lock-timeout", "half-done-on-failure", "change-type-without-analyze"];
        let found = self.messages(sql).into_iter().filter(|it| !usual.iter().any(|rule| it.1.ends_with(rule)));
        expect.assert_eq(&found.map(|(line, rule, _)| format!("{line}: {rule}\n")).collect::<String>());
    }
}

#[test]
fn a_table_made_in_the_same_file_is_empty_and_nobodys() {
    Case::on(15).check(
        "CREATE TABLE carts (id bigint, token uuid);
         ALTER TABLE carts ADD COLUMN a uuid DEFAULT gen_random_uuid();
         ALTER TABLE carts ADD COLUMN b text NOT NULL;
         CREATE INDEX ON carts (token);
         ALTER TABLE carts ADD PRIMARY KEY (id), ALTER COLUMN token SET NOT NULL, ADD CHECK (id > 0);
         ALTER TABLE carts RENAME COLUMN token TO key;
         ALTER TABLE carts RENAME TO baskets;
         UPDATE baskets SET a = NULL;
         DROP TABLE baskets;",
        expect![[""]],
    );
}

#[test]
fn a_proof_of_not_null_has_to_be_valid_on_this_column_and_still_there() {
    let case = Case::on(15);
    case.check(
        "ALTER TABLE users ADD CONSTRAINT nn CHECK (email IS NOT NULL) NOT VALID;
         ALTER TABLE users VALIDATE CONSTRAINT nn;
         ALTER TABLE users ALTER COLUMN email SET NOT NULL;
         ALTER TABLE users DROP CONSTRAINT nn;",
        expect![[""]],
    );
    case.check(
        "ALTER TABLE users ADD CONSTRAINT nn CHECK (name IS NOT NULL) NOT VALID;
         ALTER TABLE users VALIDATE CONSTRAINT nn;
         ALTER TABLE users ALTER COLUMN email SET NOT NULL;
         ALTER TABLE users ALTER COLUMN age SET NOT NULL;",
        expect![[r#"
            3: warning set-not-null-scan
            4: warning set-not-null-scan
        "#]],
    );
    case.check(
        "ALTER TABLE users ADD CONSTRAINT nn CHECK (email IS NOT NULL) NOT VALID;
         ALTER TABLE users ALTER COLUMN email SET NOT NULL;",
        expect![[r#"
            2: warning set-not-null-scan
        "#]],
    );
    // Other linters advise to merge such statements: then the proof is dropped before it is used.
    case.check(
        "ALTER TABLE users ADD CONSTRAINT nn CHECK (email IS NOT NULL) NOT VALID;
         ALTER TABLE users VALIDATE CONSTRAINT nn;
         ALTER TABLE users ALTER COLUMN email SET NOT NULL, DROP CONSTRAINT nn;",
        expect![[r#"
            3: warning set-not-null-scan
        "#]],
    );
    case.check(
        "ALTER TABLE users ADD COLUMN locale text DEFAULT 'en', ALTER COLUMN locale SET NOT NULL;
         ALTER TABLE users ADD COLUMN zone text NOT NULL DEFAULT 'UTC';",
        expect![[r#"
            1: warning set-not-null-scan
        "#]],
    );
}

#[test]
fn type_changes_are_judged_by_what_the_column_is() {
    Case::on(15).check(
        "ALTER TABLE orders ALTER COLUMN note TYPE varchar(40);
         ALTER TABLE orders ALTER COLUMN note TYPE text;
         ALTER TABLE orders ALTER COLUMN amount TYPE numeric(12,2);
         ALTER TABLE orders ALTER COLUMN amount TYPE numeric(12,3);
         ALTER TABLE users ALTER COLUMN email TYPE varchar(100);
         ALTER TABLE users ALTER COLUMN age TYPE bigint;
         ALTER TABLE users ALTER COLUMN name TYPE integer;
         ALTER TABLE elsewhere ALTER COLUMN x TYPE bigint;",
        expect![[r#"
            4: warning change-type-rewrite
            5: warning change-type-rebuild
            6: warning change-type-rewrite
            7: error refused-by-server
            8: info change-type-rewrite
        "#]],
    );
}

#[test]
fn a_transaction_holds_its_locks_and_forbids_concurrently() {
    let sql = "ALTER TABLE orders ADD CONSTRAINT positive CHECK (amount > 0) NOT VALID;
         ALTER TABLE orders VALIDATE CONSTRAINT positive;
         CREATE INDEX CONCURRENTLY orders_note ON orders (note);
         UPDATE orders SET note = '' WHERE note IS NULL;";
    Case::on(15).check(sql, expect![[""]]);
    Case::on(15).in_transaction().check(
        sql,
        expect![[r#"
            2: warning validate-in-same-transaction
            3: error concurrently-in-transaction
            4: warning backfill-under-lock
        "#]],
    );
    Case::on(15).in_transaction().check(
        "ALTER TABLE orders ADD CONSTRAINT positive CHECK (amount > 0) NOT VALID;
         COMMIT;
         ALTER TABLE orders VALIDATE CONSTRAINT positive;",
        expect![[r#"
            2: warning unbalanced-transaction
        "#]],
    );
}

#[test]
fn a_new_enum_value_waits_for_its_commit() {
    let sql = "ALTER TYPE mood ADD VALUE 'happy';
         ALTER TABLE users ADD COLUMN mood mood NOT NULL DEFAULT 'happy';";
    Case::on(15).check(sql, expect![[""]]);
    Case::on(15).in_transaction().check(
        sql,
        expect![[r#"
            2: error enum-value-in-same-transaction
        "#]],
    );
    let both = "CREATE TYPE tone AS ENUM ('low');
         ALTER TYPE tone ADD VALUE 'high';
         CREATE TABLE sounds (tone tone DEFAULT 'high');";
    Case::on(17).in_transaction().check(both, expect![[""]]);
    Case::on(16).in_transaction().check(
        both,
        expect![[r#"
            3: error enum-value-in-same-transaction
        "#]],
    );
}

#[test]
fn partitioned_tables_take_no_concurrent_index_and_before_18_no_unvalidated_key() {
    let sql = "CREATE INDEX CONCURRENTLY ON events (kind);
         CREATE INDEX ON ONLY events (kind);
         ALTER TABLE events ADD CONSTRAINT fk FOREIGN KEY (id) REFERENCES users (id) NOT VALID;
         ALTER TABLE events DETACH PARTITION events_2020 CONCURRENTLY;";
    Case::on(18).check(
        sql,
        expect![[r#"
            1: error concurrently-on-partitioned
            3: info foreign-key-without-index
            4: error refused-by-server
        "#]],
    );
    Case::on(13).check(
        sql,
        expect![[r#"
            1: error concurrently-on-partitioned
            3: info foreign-key-without-index
            3: error refused-by-server
            4: error refused-by-server
        "#]],
    );
}

#[test]
fn virtual_columns_cost_nothing_from_18_on() {
    let sql = "ALTER TABLE orders ADD COLUMN gross numeric GENERATED ALWAYS AS (amount * 1.2) VIRTUAL;";
    Case::on(18).check(sql, expect![[""]]);
    Case::on(17).check(
        sql,
        expect![[r#"
            1: error refused-by-server
        "#]],
    );
}

#[test]
fn sizes_make_a_hint_or_an_error_of_a_warning() {
    let sql = "CREATE INDEX ON orders (note);";
    Case::on(15).with_rows("orders", 100).check(
        sql,
        expect![[r#"
            1: hint creating-index
        "#]],
    );
    Case::on(15).with_rows("orders", 50_000_000).check(
        sql,
        expect![[r#"
            1: error creating-index
        "#]],
    );
    let message = &Case::on(15).with_rows("orders", 50_000_000).messages(sql)[0].2;
    expect![[
        "Builds an index on orders (about 50 million rows) under SHARE: every write to it waits (reads go on) until that is done. Create it CONCURRENTLY, outside a transaction. Estimate: building an index on 10 GB takes roughly 2 min at 100 MB/s and 200 bytes a row"
    ]]
    .assert_eq(message);
}

#[test]
fn what_goes_silently_with_a_column_is_named() {
    let found = Case::on(15).messages("ALTER TABLE users DROP COLUMN email;");
    expect![[
        "Every value of users.email is gone for good, and running code that names it fails. Drop it in a later release than the one that stops using it; index users_email_lower goes silently with it"
    ]]
    .assert_eq(&found[0].2);
    let found = Case::on(15).messages("DROP TABLE orders;");
    expect![[
        "Every row of orders is gone for good, and running code that names it fails; users is locked with ACCESS EXCLUSIVE as well. Drop it in a later release than the one that stops using it, its foreign keys before"
    ]]
    .assert_eq(&found[0].2);
}

/// Said where a second run would trip over what the first one left.
#[test]
fn half_done_is_said_where_something_later_may_fail() {
    let lines = |sql: &str| -> Vec<usize> {
        let found = Case::on(15).messages(sql).into_iter().filter(|it| it.1.ends_with("half-done-on-failure"));
        found.map(|it| it.0).collect()
    };
    let new = "CREATE TYPE tone AS ENUM ('low');\nCREATE TABLE carts (id bigint PRIMARY KEY, tone tone);\nCREATE INDEX ON carts (tone);\n\
               ALTER TABLE carts ADD CONSTRAINT c CHECK (id > 0);\nINSERT INTO carts VALUES (1, 'low');\nCOMMENT ON TABLE carts IS 'x';";
    assert_eq!(lines(new), [0; 0]);
    // It locks a table in use, changes rows, reads rows, runs code.
    for last in [
        "ALTER TABLE users ADD COLUMN z int;",
        "UPDATE users SET age = 1 WHERE id = 1;",
        "CREATE INDEX CONCURRENTLY i ON users (age);",
        "ALTER TABLE carts ADD FOREIGN KEY (id) REFERENCES users (id);",
        "DO $$ BEGIN RAISE EXCEPTION 'no'; END $$;",
    ] {
        assert_eq!(lines(&format!("{new}\n{last}")), [1], "{last}");
    }
    // Before it nothing that could not run twice, or nothing behind what could not.
    assert_eq!(
        lines("SET lock_timeout = '1s';\nUPDATE users SET age = 1 WHERE id = 1;\nALTER TABLE users ADD COLUMN z int;"),
        [0; 0]
    );
    assert_eq!(lines("ALTER TABLE users ADD COLUMN z int;\nCREATE TABLE carts (id bigint);"), [0; 0]);
}

#[test]
fn what_breaks_running_code_belongs_to_a_phase() {
    let kinds = ["Expand", "Backfill", "Enforce", "Contract"];
    let with: Vec<&str> = RULES.iter().filter(|it| phase(it.code).is_some()).map(|it| it.code).collect();
    assert!(with.len() > 15, "{with:?}");
    for rule in &with {
        let text = phase(rule).unwrap();
        assert!(kinds.iter().any(|it| text.starts_with(it)) && text.contains(" when "), "{rule}: {text}");
    }
    for rule in [
        "renaming-column",
        "renaming-table",
        "dropping-column",
        "dropping-table",
        "set-not-null-scan",
        "change-type-rewrite",
    ] {
        assert!(with.contains(&rule), "{rule}");
    }
    assert_eq!(phase("creating-index"), None);
    assert_eq!(phase("dropping-column").unwrap(), "Contract, when no running instance reads or writes the column");
}

#[test]
fn annotations_silence_a_rule_for_a_statement_or_a_file() {
    let case = Case::on(15);
    case.check(
        "-- lockkeeper: ignore creating-index reason=\"small\"
         CREATE INDEX ON orders (note);
         CREATE INDEX ON users (name);",
        expect![[r#"
            3: warning creating-index
        "#]],
    );
    case.check(
        "-- lockkeeper: ignore-file creating-index
         CREATE INDEX ON orders (note);
         CREATE INDEX ON users (name);
         ALTER TABLE users RENAME COLUMN name TO title;",
        expect![[r#"
            4: warning renaming-column
        "#]],
    );
}

#[test]
fn lock_timeout_is_asked_for_once() {
    let count = |sql: &str| {
        let found = Case::on(15).messages(sql);
        found.into_iter().filter(|it| it.1.ends_with("missing-lock-timeout")).count()
    };
    let two = "ALTER TABLE users ADD COLUMN a int; ALTER TABLE users ADD COLUMN b int;";
    assert_eq!(count(two), 1);
    assert_eq!(count(&format!("SET lock_timeout = '2s'; {two}")), 0);
    assert_eq!(count(&format!("SET lock_timeout = 0; {two}")), 1);
    assert_eq!(count("CREATE INDEX CONCURRENTLY ON users (age); SELECT 1;"), 0);
}

#[test]
fn a_default_partition_is_read_when_it_gets_a_sibling() {
    Case::on(15).check(
        "CREATE TABLE events_2021 (LIKE events INCLUDING ALL);
         ALTER TABLE events ATTACH PARTITION events_2021 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');",
        expect![[r#"
            2: warning attach-partition-scan
        "#]],
    );
    Case::on(15).check(
        "CREATE TABLE events_2021 PARTITION OF events FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');",
        expect![[r#"
            1: warning creating-partition
        "#]],
    );
}

/// Real projects ran these files: whatever lint calls an error of the server is wrong.
#[test]
fn nothing_that_real_projects_ran_is_said_to_be_refused() {
    let Some(corpus) = shared("LOCKKEEPER_CORPUS", "corpus") else { return };
    let facts = Facts::for_version(15);
    let mut wrong = Vec::new();
    let mut counts: BTreeMap<String, BTreeMap<&str, usize>> = BTreeMap::new();
    for history in histories(&corpus) {
        let mut before = Catalog::new();
        for (name, text) in &history.files {
            let (statements, _) = parse_file(&Postgres, text);
            let input = LintInput {
                dialect: &Postgres,
                text,
                statements: &statements,
                before: &before,
                facts: &facts,
                runs: Runs::ALONE,
                around: None,
            };
            for it in lint(&input) {
                *counts.entry(history.name.clone()).or_default().entry(it.rule).or_default() += 1;
                // The files of rust-registry are not in the order in which they ran: ways down among them.
                let collides = it.rule == "colliding-with-earlier" && history.name != "rust-registry";
                if it.message.contains("server refuses") || collides {
                    let line = text[..it.range.start].matches('\n').count() + 1;
                    wrong.push(format!("{} {name}:{line}: {} {}", history.name, it.rule, it.message));
                }
            }
            for ddl in statements.iter().flat_map(|it| &it.parsed.ddl) {
                // What a history does to objects of others (roles, extensions) is not the point here.
                let _ = before.apply(ddl);
            }
        }
    }
    for (history, rules) in &counts {
        println!("{history}: {rules:?}");
    }
    assert!(counts.len() > 8, "only {} histories", counts.len());
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
