//! DO blocks and called functions: their statements are seen, and the catalog behind them is that of a server.

use expect_test::{Expect, expect};
use lockkeeper::{
    catalog::{Catalog, Source, differences, replay},
    dialect::{parse_file, postgres::Postgres},
    lint::{LintInput, lint},
    plan::Facts,
    shadow::introspect,
    sql::Runs,
};

use crate::servers::with_database;

const BEFORE: &str = "
    CREATE TABLE users (id bigint PRIMARY KEY, name text, email varchar(50));
    CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, note text);
    CREATE FUNCTION tidy() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CREATE INDEX orders_note ON orders (note); END $$;
    CREATE PROCEDURE wide() LANGUAGE sql AS 'ALTER TABLE orders ALTER COLUMN user_id SET NOT NULL';
";

fn before() -> Catalog {
    replay(Catalog::new(), &[Source { statements: parse_file(&Postgres, BEFORE).0.into() }]).catalog
}

#[track_caller]
fn check(sql: &str, expect: Expect) {
    let (statements, problems) = parse_file(&Postgres, sql);
    assert!(problems.is_empty(), "{problems:?}");
    let (before, facts) = (before(), Facts::for_version(15));
    let input = LintInput {
        dialect: &Postgres,
        text: sql,
        statements: &statements,
        before: &before,
        facts: &facts,
        runs: Runs::ALONE,
        around: None,
    };
    let usual = ["missing-lock-timeout", "half-done-on-failure", "change-type-without-analyze"];
    let found = lint(&input).into_iter().filter(|it| !usual.contains(&it.rule));
    let shown = found.map(|it| {
        let text = sql[it.range.clone()].split_whitespace().collect::<Vec<_>>().join(" ");
        let start: String = text.chars().take(40).collect();
        format!("{} at `{start}`: {}\n", it.rule, it.message.rsplit(" (").next().unwrap_or_default())
    });
    expect.assert_eq(&shown.collect::<String>());
}

#[test]
fn statements_in_a_block_are_judged_where_they_stand() {
    check(
        "DO $$ BEGIN
           CREATE INDEX orders_user ON orders (user_id);
           EXECUTE 'ALTER TABLE users ALTER COLUMN email TYPE text';
           EXECUTE format('ALTER TABLE %I ADD COLUMN %I int DEFAULT %s', 'orders', 'dice', 'random()');
         END $$;",
        expect![[r#"
            creating-index at `CREATE INDEX orders_user ON orders (user`: in a DO block)
            add-column-volatile-default at `EXECUTE format('ALTER TABLE %I ADD COLUM`: in a DO block)
            locking-several-tables at `EXECUTE format('ALTER TABLE %I ADD COLUM`: in a DO block)
            work-under-lock at `EXECUTE format('ALTER TABLE %I ADD COLUM`: in a DO block)
        "#]],
    );
}

#[test]
fn branches_that_cannot_be_taken_are_not_judged_and_others_say_so() {
    check(
        "DO $$ BEGIN
           IF NOT EXISTS (SELECT 1 FROM information_schema.columns WHERE table_name = 'users' AND column_name = 'name') THEN
             ALTER TABLE users RENAME COLUMN email TO name;
           END IF;
           IF (SELECT count(*) FROM orders) < 1000 THEN
             CREATE INDEX orders_user ON orders (user_id);
           ELSE
             RAISE EXCEPTION 'by hand, please';
           END IF;
           BEGIN
             ALTER TABLE users ADD COLUMN name text;
           EXCEPTION WHEN duplicate_column THEN
             NULL;
           END;
         END $$;",
        expect![[r#"
            creating-index at `CREATE INDEX orders_user ON orders (user`: in a DO block, if its branch is taken)
        "#]],
    );
}

#[test]
fn a_block_is_a_transaction_of_its_own() {
    check(
        "DO $$ BEGIN
           ALTER TABLE users ADD COLUMN locale text;
           UPDATE users SET locale = 'en' WHERE id < 100;
           CREATE INDEX CONCURRENTLY users_locale ON users (locale);
         END $$;
         UPDATE users SET locale = 'en' WHERE id > 100;",
        expect![[r#"
            backfill-under-lock at `UPDATE users SET locale = 'en' WHERE id `: in a DO block)
            concurrently-in-transaction at `CREATE INDEX CONCURRENTLY users_locale O`: in a DO block)
        "#]],
    );
}

#[test]
fn called_routines_are_looked_into() {
    check(
        "SELECT tidy(); CALL wide(); SELECT count(*) FROM orders;",
        expect![[r#"
        creating-index at `SELECT tidy()`: in tidy(), which this calls)
        set-not-null-scan at `CALL wide()`: in wide(), which this calls)
    "#]],
    );
    check(
        "DO $$ BEGIN PERFORM tidy(); END $$;",
        expect![[r#"
        creating-index at `DO $$ BEGIN PERFORM tidy(); END $$`: in tidy(), which this calls)
    "#]],
    );
}

#[test]
fn what_cannot_be_seen_is_said() {
    check(
        "DO $$ DECLARE t text := 'users'; BEGIN
           CREATE TABLE fresh (id int);
           CREATE INDEX ON fresh (id);
           EXECUTE 'DROP TABLE ' || t;
         END $$;
         DO LANGUAGE plpython3u $$ plpy.execute('drop table users') $$;",
        expect![[r#"
            hidden-statements at `DO $$ DECLARE t text := 'users'; BEGIN C`: the first in its line 4) is put together at run time: what it locks and changes is not seen here; the others are judged where they stand
            hidden-statements at `DO LANGUAGE plpython3u $$ plpy.execute('`: This block in plpython3u could not be read: what it locks and changes is not seen here. Write its statements out
        "#]],
    );
}

/// Blocks as migrations have them: what our catalog holds behind them, and what the server does.
#[test]
fn the_catalog_behind_a_block_is_that_of_the_server() {
    let blocks = [
        "DO $$ BEGIN CREATE TYPE mood AS ENUM ('a'); EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        "DO $$ BEGIN CREATE TYPE mood AS ENUM ('b'); EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        "DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_type WHERE typname = 'mood') THEN CREATE TYPE mood AS ENUM ('c'); END IF; END $$",
        "DO $$ BEGIN IF EXISTS (SELECT FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 'users' \
         AND column_name = 'email') THEN ALTER TABLE users RENAME COLUMN email TO mail; END IF; END $$",
        "DO $$ BEGIN ALTER TABLE users ADD COLUMN name text; EXCEPTION WHEN duplicate_column THEN RAISE NOTICE 'there'; END $$",
        "DO $$ BEGIN IF to_regclass('public.extra') IS NULL THEN CREATE TABLE extra (id int); ELSE DROP TABLE extra; END IF; END $$",
        "DO $$ BEGIN EXECUTE 'CREATE TABLE e' || '2 (id int)'; RETURN; DROP TABLE users; END $$",
        "DO $$ DECLARE n int; BEGIN SELECT 1 INTO n; IF n = 1 THEN NULL; END IF; CREATE VIEW v AS SELECT id FROM users; END $$",
        "DO $$ BEGIN BEGIN CREATE TABLE half (id int); CREATE TABLE users (id int); EXCEPTION WHEN OTHERS THEN \
         CREATE TABLE whole (id int); END; END $$",
        "DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = 'orders_user') THEN ALTER TABLE orders \
         ADD CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users (id); END IF; END $$",
        "DO $$ BEGIN FOR i IN 1..2 LOOP EXECUTE format('CREATE TABLE part_%s (id int)', i); END LOOP; END $$",
        "DO $$ BEGIN IF random() > 2 THEN DROP TABLE orders; END IF; END $$",
        "SELECT tidy()",
    ];
    for version in [13, 18] {
        with_database(version, async |database| {
            let session = database.connect().await.unwrap();
            session.run(BEFORE).await.unwrap();
            let mut ours = before();
            for block in blocks {
                session.run(block).await.unwrap();
                let build = replay(ours, &[Source { statements: parse_file(&Postgres, block).0.into() }]);
                assert!(build.problems.is_empty(), "{block}: {:?}", build.problems);
                ours = build.catalog;
                let theirs = introspect::snapshot(&session).await.unwrap().catalog(&Postgres).catalog;
                // Of a table that is unknown nothing is promised, nor of what stands on it.
                let unknown: Vec<String> = ours.unknown.keys().map(ToString::to_string).collect();
                let named = |it: &String| unknown.iter().any(|name| it.contains(name.as_str()));
                let hidden =
                    |it: &String| it.contains("part_") || it.contains("orders_note") || it.contains(" query: ");
                let differ: Vec<String> =
                    differences(&ours, &theirs).into_iter().filter(|it| !named(it) && !hidden(it)).collect();
                assert!(differ.is_empty(), "{version}: {block}\n{differ:#?}");
            }
            let unknown: Vec<String> = ours.unknown.keys().map(ToString::to_string).collect();
            assert_eq!(
                unknown,
                ["orders", "orders_note", "part_", "whole"],
                "what a handler, a loop or a function changes is unknown, and nothing else is"
            );
        });
    }
}
