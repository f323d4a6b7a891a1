//! Columns that are split or merged, and columns that move to another table, while old and new code write: no statement fails, no
//! write is lost. As `dual_write`, for shapes in which the two applications do not write one column each.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::SinkExt;
use lockkeeper::{
    plan::{Answers, PhaseKind, Plan},
    shadow::{
        build::build,
        run::{Runner, Statement},
        server::Database,
    },
};

use crate::{
    plans::{desired, plan},
    real::statements,
    servers::with_database,
};

/// The oldest, the one that is assumed, the newest.
const VERSIONS: [u32; 3] = [13, 15, 18];

/// Rows that are there before anything happens; old code writes the lower half of them, new code the upper one.
const ROWS: i64 = 1500;

/// What an application believes a row to say at the end; `None`: the row is gone.
type Written = BTreeMap<i64, Option<String>>;

/// A statement of an application and what the row says after it, if that changes.
struct Write {
    sql: String,
    /// Of a COPY: its lines.
    data: Option<String>,
    id: i64,
    says: Option<Option<String>>,
}

fn write(id: i64, says: Option<&str>, sql: String) -> Write {
    Write { sql, data: None, id, says: Some(says.map(str::to_owned)) }
}

fn touch(id: i64, sql: String) -> Write {
    Write { sql, data: None, id, says: None }
}

fn copy(id: i64, says: &str, sql: &str, line: String) -> Write {
    Write { sql: format!("COPY {sql} FROM STDIN"), data: Some(line + "\n"), id, says: Some(Some(says.to_owned())) }
}

/// One round of an application: `id` and the next nine rows are its own and fresh, `there` is one that was there before.
type Program = fn(id: i64, there: i64) -> Vec<Write>;

struct Scenario {
    before: &'static str,
    after: &'static str,
    fill: &'static str,
    /// What a row of the fill says in the end.
    filled: fn(i64) -> String,
    old: Program,
    new: Program,
    /// One text of all rows, in the shape of `after`: `id=says`, by id.
    result: &'static str,
}

async fn copy_in(client: &tokio_postgres::Client, sql: &str, data: String) -> Result<(), tokio_postgres::Error> {
    let sink = client.copy_in::<_, std::io::Cursor<Vec<u8>>>(sql).await?;
    futures::pin_mut!(sink);
    sink.send(std::io::Cursor::new(data.into_bytes())).await?;
    sink.finish().await.map(drop)
}

async fn run(
    connection: String,
    program: Program,
    first: i64,
    half: (i64, i64),
    stop: Arc<AtomicBool>,
    rounds: Arc<AtomicU64>,
) -> Written {
    let (client, driver) = tokio_postgres::connect(&connection, tokio_postgres::NoTls).await.unwrap();
    let driver = tokio::spawn(driver);
    let mut written = Written::new();
    let (mut id, mut there) = (first, half.0);
    while !stop.load(Ordering::SeqCst) {
        for Write { sql, data, id, says } in program(id, there) {
            let done = match data {
                None => client.batch_execute(&sql).await,
                Some(data) => copy_in(&client, &sql, data).await,
            };
            if let Err(error) = done {
                panic!(
                    "{sql}: {}",
                    error.as_db_error().map_or(error.to_string(), |it| format!("{it} {:?}", it.where_()))
                );
            }
            if let Some(says) = says {
                written.insert(id, says);
            }
        }
        id += 10;
        there = if there >= half.1 { half.0 } else { there + 1 };
        rounds.fetch_add(1, Ordering::SeqCst);
    }
    drop(client);
    driver.await.unwrap().unwrap();
    written
}

/// An application that is running.
struct Application {
    stop: Arc<AtomicBool>,
    rounds: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<Written>,
}

impl Application {
    fn start(connection: &str, program: Program, first: i64, half: (i64, i64)) -> Self {
        let (stop, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let task = run(connection.to_owned(), program, first, half, Arc::clone(&stop), Arc::clone(&rounds));
        Self { stop, rounds, task: tokio::spawn(task) }
    }

    /// Waits until it has gone round some more; one that has failed says so when it is stopped.
    async fn go_on(&self) {
        let goal = self.rounds.load(Ordering::SeqCst) + 5;
        while self.rounds.load(Ordering::SeqCst) < goal && !self.task.is_finished() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn stop(self) -> Written {
        self.stop.store(true, Ordering::SeqCst);
        self.task.await.unwrap()
    }
}

async fn live_through(database: Arc<Database>, it: &Scenario, plan: &Plan) {
    build(&database, &statements(it.before)).await.unwrap();
    let connection = database.connection_string().unwrap();
    let runner = Runner::new(&database).await.unwrap();
    for statement in statements(it.fill) {
        runner.session.run(&statement).await.unwrap();
    }
    let mut old_code = Some(Application::start(&connection, it.old, 1_000_000, (1, ROWS / 2)));
    let mut new_code = None;
    if let Some(it) = &old_code {
        it.go_on().await;
    }
    let mut expected: Written = (1..=ROWS).map(|id| (id, Some((it.filled)(id)))).collect();
    for phase in &plan.phases {
        if phase.kind == PhaseKind::Contract {
            // The gate: no running instance knows the old shape.
            if let Some(it) = old_code.take() {
                expected.extend(it.stop().await);
            }
        }
        let steps: Vec<Statement<'_>> = phase.steps.iter().map(Statement::from).collect();
        let outcome = runner.run(&steps).await.unwrap();
        let failures: Vec<String> =
            outcome.mismatches.iter().map(|it| format!("{}\n{:?}", it.message, it.sql)).collect();
        assert!(failures.is_empty(), "{:?}: {}", phase.kind, failures.join("\n"));
        let findings = runner.checks(&phase.verify).await.unwrap();
        let findings: Vec<&str> = findings.iter().map(|it| it.message.as_str()).collect();
        assert!(findings.is_empty(), "{:?}: {}", phase.kind, findings.join("\n"));
        let start = || Application::start(&connection, it.new, 2_000_000, (ROWS / 2 + 1, ROWS));
        for application in [Some(new_code.get_or_insert_with(start)), old_code.as_mut()].into_iter().flatten() {
            application.go_on().await;
        }
    }
    expected.extend(new_code.unwrap().stop().await);

    let found = runner.session.value(it.result).await.unwrap().unwrap();
    let found: Vec<&str> = found.split('|').collect();
    let expected: Vec<String> = expected.into_iter().filter_map(|(id, says)| Some(format!("{id}={}", says?))).collect();
    let lost: Vec<(&&str, &String)> = found.iter().zip(&expected).filter(|(a, b)| **a != b.as_str()).take(5).collect();
    assert!(lost.is_empty(), "found, written: {lost:?}");
    assert_eq!(found.len(), expected.len(), "rows are missing or too many");
}

fn live(it: &Scenario, kind: &str) {
    let (before, after) = (desired(it.before), desired(it.after));
    for version in VERSIONS {
        let plan = plan(&before, &after, version, &Answers::default());
        assert!(plan.changes.iter().any(|it| it.kind == kind), "{version}: {:?}", plan.changes);
        with_database(version, async |database| live_through(database, it, &plan).await);
    }
}

#[test]
fn a_split_loses_no_write_of_old_or_new_code() {
    live(
        &Scenario {
            before: "CREATE TABLE people (id bigint PRIMARY KEY, full_name text, note text);",
            after: "CREATE TABLE people (
                  id bigint PRIMARY KEY,
                  first_name text, -- @split from=full_name
                  last_name text, -- @split from=full_name
                  note text
                );
                CREATE INDEX people_last_name_idx ON people (last_name);",
            fill: "INSERT INTO people (id, full_name) SELECT g, 'First' || g || ' Last' || g FROM generate_series(1, 1500) g",
            filled: |id| format!("First{id},Last{id}"),
            old: |id, there| {
                let insert = |id, name: &str| format!("INSERT INTO people (id, full_name) VALUES ({id}, {name})");
                vec![
                    write(id, Some("Ada,Lovelace"), insert(id, "'Ada Lovelace'")),
                    write(id + 1, Some(","), insert(id + 1, "NULL")),
                    write(id + 2, Some(","), format!("INSERT INTO people (id, note) VALUES ({}, 'n')", id + 2)),
                    write(id + 3, Some("Plato,"), insert(id + 3, "'Plato'")),
                    write(id, Some("Ada,King"), format!("UPDATE people SET full_name = 'Ada King' WHERE id = {id}")),
                    write(
                        id + 1,
                        Some("Jean,de la Fontaine"),
                        format!(
                            "{} ON CONFLICT (id) DO UPDATE SET full_name = EXCLUDED.full_name",
                            insert(id + 1, "'Jean de la Fontaine'")
                        ),
                    ),
                    write(id + 3, Some(","), format!("UPDATE people SET full_name = NULL WHERE id = {}", id + 3)),
                    touch(id, format!("UPDATE people SET note = 'touched' WHERE id = {id}")),
                    write(
                        id + 4,
                        None,
                        format!("{}; DELETE FROM people WHERE id = {}", insert(id + 4, "'A B'"), id + 4),
                    ),
                    copy(id + 5, "Copied,Row", "people (id, full_name)", format!("{}\tCopied Row", id + 5)),
                    write(
                        there,
                        Some(&format!("Old,{id}")),
                        format!("UPDATE people SET full_name = 'Old {id}' WHERE id = {there}"),
                    ),
                ]
            },
            new: |id, there| {
                let insert =
                    |id, names: &str| format!("INSERT INTO people (id, first_name, last_name) VALUES ({id}, {names})");
                vec![
                    write(id, Some("Ada,Lovelace"), insert(id, "'Ada', 'Lovelace'")),
                    write(id + 1, Some(","), insert(id + 1, "NULL, NULL")),
                    write(id + 2, Some(",Plato"), insert(id + 2, "NULL, 'Plato'")),
                    // What the old shape cannot tell apart stays as it was written.
                    write(id + 3, Some("Jean Luc,Picard"), insert(id + 3, "'Jean Luc', 'Picard'")),
                    touch(id + 3, format!("UPDATE people SET note = 'touched' WHERE id = {}", id + 3)),
                    write(id, Some("Ada,King"), format!("UPDATE people SET last_name = 'King' WHERE id = {id}")),
                    write(
                        id + 1,
                        Some("A,B"),
                        format!(
                            "{} ON CONFLICT (id) DO UPDATE SET first_name = EXCLUDED.first_name, last_name = EXCLUDED.last_name",
                            insert(id + 1, "'A', 'B'")
                        ),
                    ),
                    write(id + 2, Some(","), format!("UPDATE people SET last_name = NULL WHERE id = {}", id + 2)),
                    write(
                        id + 4,
                        None,
                        format!("{}; DELETE FROM people WHERE id = {}", insert(id + 4, "'A', 'B'"), id + 4),
                    ),
                    copy(
                        id + 5,
                        "Copied,Row",
                        "people (id, first_name, last_name)",
                        format!("{}\tCopied\tRow", id + 5),
                    ),
                    // One half of a row that may not be filled yet: the other half must not be lost.
                    write(
                        there,
                        Some(&format!("New{id},Last{there}")),
                        format!("UPDATE people SET first_name = 'New{id}' WHERE id = {there}"),
                    ),
                ]
            },
            result: "SELECT string_agg(id || '=' || coalesce(first_name, '') || ',' || coalesce(last_name, ''), '|' ORDER BY id) FROM people",
        },
        "split_column",
    );
}

#[test]
fn a_merge_loses_no_write_of_old_or_new_code() {
    live(
        &Scenario {
            before: "CREATE TABLE people (id bigint PRIMARY KEY, first_name text, last_name text, note text);",
            after: "CREATE TABLE people (
                  id bigint PRIMARY KEY,
                  full_name text, -- @merge from=first_name,last_name
                  note text
                );
                CREATE INDEX people_full_name_idx ON people (full_name);",
            fill: "INSERT INTO people (id, first_name, last_name) SELECT g, 'First' || g, 'Last' || g FROM generate_series(1, 1500) g",
            filled: |id| format!("First{id} Last{id}"),
            old: |id, there| {
                let insert =
                    |id, names: &str| format!("INSERT INTO people (id, first_name, last_name) VALUES ({id}, {names})");
                vec![
                    write(id, Some("Ada Lovelace"), insert(id, "'Ada', 'Lovelace'")),
                    write(id + 1, Some(""), insert(id + 1, "NULL, NULL")),
                    write(id + 2, Some(""), format!("INSERT INTO people (id, note) VALUES ({}, 'n')", id + 2)),
                    write(id + 3, Some("Plato"), insert(id + 3, "'Plato', NULL")),
                    // Where one value ends cannot be told from the merged one: it stays as it was written.
                    write(id + 6, Some("Jean Luc Picard"), insert(id + 6, "'Jean Luc', 'Picard'")),
                    touch(id + 6, format!("UPDATE people SET note = 'touched' WHERE id = {}", id + 6)),
                    write(
                        id + 6,
                        Some("Jean Luc King"),
                        format!("UPDATE people SET last_name = 'King' WHERE id = {}", id + 6),
                    ),
                    write(id, Some("Ada King"), format!("UPDATE people SET last_name = 'King' WHERE id = {id}")),
                    write(
                        id + 1,
                        Some("A B"),
                        format!(
                            "{} ON CONFLICT (id) DO UPDATE SET first_name = EXCLUDED.first_name, last_name = EXCLUDED.last_name",
                            insert(id + 1, "'A', 'B'")
                        ),
                    ),
                    write(id + 3, Some(""), format!("UPDATE people SET first_name = NULL WHERE id = {}", id + 3)),
                    write(
                        id + 4,
                        None,
                        format!("{}; DELETE FROM people WHERE id = {}", insert(id + 4, "'A', 'B'"), id + 4),
                    ),
                    copy(
                        id + 5,
                        "Copied Row",
                        "people (id, first_name, last_name)",
                        format!("{}\tCopied\tRow", id + 5),
                    ),
                    // One half of a row that may not be filled yet.
                    write(
                        there,
                        Some(&format!("Old{id} Last{there}")),
                        format!("UPDATE people SET first_name = 'Old{id}' WHERE id = {there}"),
                    ),
                ]
            },
            new: |id, there| {
                let insert = |id, name: &str| format!("INSERT INTO people (id, full_name) VALUES ({id}, {name})");
                vec![
                    write(id, Some("Ada Lovelace"), insert(id, "'Ada Lovelace'")),
                    write(id + 1, Some(""), insert(id + 1, "NULL")),
                    write(id + 2, Some("Plato"), insert(id + 2, "'Plato'")),
                    write(id, Some("Ada King"), format!("UPDATE people SET full_name = 'Ada King' WHERE id = {id}")),
                    write(
                        id + 1,
                        Some("Jean de la Fontaine"),
                        format!(
                            "{} ON CONFLICT (id) DO UPDATE SET full_name = EXCLUDED.full_name",
                            insert(id + 1, "'Jean de la Fontaine'")
                        ),
                    ),
                    touch(id + 1, format!("UPDATE people SET note = 'touched' WHERE id = {}", id + 1)),
                    write(id + 2, Some(""), format!("UPDATE people SET full_name = NULL WHERE id = {}", id + 2)),
                    write(
                        id + 4,
                        None,
                        format!("{}; DELETE FROM people WHERE id = {}", insert(id + 4, "'A B'"), id + 4),
                    ),
                    copy(id + 5, "Copied Row", "people (id, full_name)", format!("{}\tCopied Row", id + 5)),
                    write(
                        there,
                        Some(&format!("New {id}")),
                        format!("UPDATE people SET full_name = 'New {id}' WHERE id = {there}"),
                    ),
                ]
            },
            result: "SELECT string_agg(id || '=' || coalesce(full_name, ''), '|' ORDER BY id) FROM people",
        },
        "merge_columns",
    );
}

#[test]
fn a_split_table_loses_no_write_of_old_or_new_code() {
    live(
        &Scenario {
            before: "CREATE TABLE users (id bigint PRIMARY KEY, email text, bio text, links text);",
            after: "CREATE TABLE users (id bigint PRIMARY KEY, email text);
                CREATE TABLE profiles (
                  user_id bigint PRIMARY KEY REFERENCES users,
                  bio text, -- @moved from=users.bio
                  links text -- @moved from=users.links
                );",
            fill: "INSERT INTO users (id, bio, links) SELECT g, 'bio ' || g, 'links ' || g FROM generate_series(1, 1500) g",
            filled: |id| format!("bio {id},links {id}"),
            old: |id, there| {
                let insert = |id, bio: &str, links: &str| {
                    format!("INSERT INTO users (id, bio, links) VALUES ({id}, {bio}, {links})")
                };
                vec![
                    write(id, Some("a,b"), insert(id, "'a'", "'b'")),
                    write(id + 1, Some(","), insert(id + 1, "NULL", "NULL")),
                    write(id + 2, Some(","), format!("INSERT INTO users (id, email) VALUES ({}, 'e')", id + 2)),
                    write(id, Some("c,b"), format!("UPDATE users SET bio = 'c' WHERE id = {id}")),
                    write(
                        id + 1,
                        Some("x,y"),
                        format!(
                            "{} ON CONFLICT (id) DO UPDATE SET bio = EXCLUDED.bio, links = EXCLUDED.links",
                            insert(id + 1, "'x'", "'y'")
                        ),
                    ),
                    write(id + 2, Some(",z"), format!("UPDATE users SET links = 'z' WHERE id = {}", id + 2)),
                    write(id, Some("c,"), format!("UPDATE users SET links = NULL WHERE id = {id}")),
                    touch(id, format!("UPDATE users SET email = 'touched' WHERE id = {id}")),
                    copy(id + 4, "copied,row", "users (id, bio, links)", format!("{}\tcopied\trow", id + 4)),
                    // The foreign key of a table it does not know must not be in its way.
                    write(
                        id + 3,
                        None,
                        format!("{}; DELETE FROM users WHERE id = {}", insert(id + 3, "'a'", "'b'"), id + 3),
                    ),
                    write(
                        there,
                        Some(&format!("old {id},links {there}")),
                        format!("UPDATE users SET bio = 'old {id}' WHERE id = {there}"),
                    ),
                ]
            },
            new: |id, there| {
                let insert = |id, bio: &str, links: &str| {
                    format!(
                        "INSERT INTO users (id, email) VALUES ({id}, 'e'); INSERT INTO profiles (user_id, bio, links) VALUES ({id}, {bio}, {links})"
                    )
                };
                vec![
                    write(id, Some("a,b"), insert(id, "'a'", "'b'")),
                    write(id + 1, Some(","), insert(id + 1, "NULL", "NULL")),
                    write(id + 2, Some(","), format!("INSERT INTO users (id, email) VALUES ({}, 'e')", id + 2)),
                    write(id, Some("c,b"), format!("UPDATE profiles SET bio = 'c' WHERE user_id = {id}")),
                    write(
                        id + 1,
                        Some("x,"),
                        format!(
                            "INSERT INTO profiles (user_id, bio) VALUES ({0}, 'x') ON CONFLICT (user_id) DO UPDATE SET bio = EXCLUDED.bio",
                            id + 1
                        ),
                    ),
                    write(
                        id + 2,
                        Some(",z"),
                        format!("INSERT INTO profiles (user_id, links) VALUES ({}, 'z')", id + 2),
                    ),
                    write(id, Some("c,"), format!("UPDATE profiles SET links = NULL WHERE user_id = {id}")),
                    touch(id, format!("UPDATE users SET email = 'touched' WHERE id = {id}")),
                    write(id + 2, Some(","), format!("DELETE FROM profiles WHERE user_id = {}", id + 2)),
                    write(
                        id + 3,
                        None,
                        format!(
                            "{}; DELETE FROM profiles WHERE user_id = {1}; DELETE FROM users WHERE id = {1}",
                            insert(id + 3, "'a'", "'b'"),
                            id + 3
                        ),
                    ),
                    write(
                        there,
                        Some(&format!("new {id},new")),
                        format!(
                            "INSERT INTO profiles (user_id, bio, links) VALUES ({there}, 'new {id}', 'new') ON CONFLICT (user_id) DO UPDATE SET bio = EXCLUDED.bio, links = EXCLUDED.links"
                        ),
                    ),
                ]
            },
            result: "SELECT string_agg(id || '=' || coalesce(bio, '') || ',' || coalesce(links, ''), '|' ORDER BY id) FROM users LEFT JOIN profiles ON user_id = id",
        },
        "move_column",
    );
}

#[test]
fn a_move_to_an_existing_table_loses_no_write_of_old_or_new_code() {
    live(
        &Scenario {
            before:
                "CREATE TABLE users (id bigint PRIMARY KEY, email text, phone text);
                CREATE TABLE accounts (user_id bigint PRIMARY KEY REFERENCES users ON DELETE CASCADE, balance integer);",
            after: "CREATE TABLE users (id bigint PRIMARY KEY, email text);
                CREATE TABLE accounts (
                  user_id bigint PRIMARY KEY REFERENCES users ON DELETE CASCADE,
                  balance integer,
                  phone text -- @moved from=users.phone
                );",
            fill: "INSERT INTO users (id, phone) SELECT g, 'phone ' || g FROM generate_series(1, 1500) g;
                INSERT INTO accounts (user_id) SELECT g FROM generate_series(1, 1500) g",
            filled: |id| format!("phone {id}"),
            old: |id, there| {
                let insert = |id, phone: &str| {
                    format!(
                        "INSERT INTO users (id, phone) VALUES ({id}, {phone}); INSERT INTO accounts (user_id, balance) VALUES ({id}, 1)"
                    )
                };
                vec![
                    write(id, Some("a"), insert(id, "'a'")),
                    write(id + 1, Some(""), insert(id + 1, "NULL")),
                    write(id, Some("b"), format!("UPDATE users SET phone = 'b' WHERE id = {id}")),
                    write(id + 1, Some("c"), format!("UPDATE users SET phone = 'c' WHERE id = {}", id + 1)),
                    touch(id, format!("UPDATE accounts SET balance = 2 WHERE user_id = {id}")),
                    write(id + 1, Some(""), format!("UPDATE users SET phone = NULL WHERE id = {}", id + 1)),
                    write(id + 2, None, format!("{}; DELETE FROM users WHERE id = {}", insert(id + 2, "'a'"), id + 2)),
                    touch(there, format!("UPDATE accounts SET balance = {id} WHERE user_id = {there}")),
                    write(
                        there,
                        Some(&format!("old {id}")),
                        format!("UPDATE users SET phone = 'old {id}' WHERE id = {there}"),
                    ),
                ]
            },
            new: |id, there| {
                let insert = |id, phone: &str| {
                    format!(
                        "INSERT INTO users (id) VALUES ({id}); INSERT INTO accounts (user_id, phone) VALUES ({id}, {phone})"
                    )
                };
                vec![
                    write(id, Some("a"), insert(id, "'a'")),
                    write(id + 1, Some(""), insert(id + 1, "NULL")),
                    write(id, Some("b"), format!("UPDATE accounts SET phone = 'b' WHERE user_id = {id}")),
                    write(
                        id + 1,
                        Some("c"),
                        format!(
                            "INSERT INTO accounts (user_id, phone) VALUES ({}, 'c') ON CONFLICT (user_id) DO UPDATE SET phone = EXCLUDED.phone",
                            id + 1
                        ),
                    ),
                    touch(id, format!("UPDATE users SET email = 'touched' WHERE id = {id}")),
                    write(id + 1, Some(""), format!("UPDATE accounts SET phone = NULL WHERE user_id = {}", id + 1)),
                    write(id + 2, None, format!("{}; DELETE FROM users WHERE id = {}", insert(id + 2, "'a'"), id + 2)),
                    touch(id + 3, format!("INSERT INTO users (id) VALUES ({})", id + 3)),
                    copy(id + 3, "copied", "accounts (user_id, phone)", format!("{}\tcopied", id + 3)),
                    // Rows that may not be brought over yet, while the backfill holds them.
                    touch(there, format!("UPDATE accounts SET balance = {id} WHERE user_id = {there}")),
                    write(
                        there,
                        Some(&format!("new {id}")),
                        format!("UPDATE accounts SET phone = 'new {id}' WHERE user_id = {there}"),
                    ),
                ]
            },
            result: "SELECT string_agg(id || '=' || coalesce(phone, ''), '|' ORDER BY id) FROM users JOIN accounts ON user_id = id",
        },
        "move_column",
    );
}

/// A foreign key that joins many rows with one gives no row to move to, though both tables have an `id`.
#[test]
fn a_move_along_a_foreign_key_of_many_rows_is_asked_about() {
    let asks = |before: &str, after: &str, why: &str| {
        let plan = plan(&desired(before), &desired(after), 15, &Answers::default());
        assert!(plan.changes.iter().all(|it| it.kind != "move_column"), "{:?}", plan.changes);
        let question = plan.questions.iter().find(|it| it.id.starts_with("key:")).unwrap();
        assert!(question.about.contains(why), "{}", question.about);
        assert!(plan.changes.iter().all(|it| !it.destructive), "{plan}");
    };
    asks(
        "CREATE TABLE teams (id bigint PRIMARY KEY);
         CREATE TABLE people (id bigint PRIMARY KEY, team_id bigint REFERENCES teams, phone text);",
        "CREATE TABLE teams (id bigint PRIMARY KEY, 
         -- @moved from=people.phone
         phone text);
         CREATE TABLE people (id bigint PRIMARY KEY, team_id bigint REFERENCES teams);",
        "many rows of people may point at one of teams",
    );
    asks(
        "CREATE TABLE teams (id bigint PRIMARY KEY, phone text);
         CREATE TABLE people (id bigint PRIMARY KEY, team_id bigint REFERENCES teams);",
        "CREATE TABLE teams (id bigint PRIMARY KEY);
         CREATE TABLE people (id bigint PRIMARY KEY, team_id bigint REFERENCES teams,
         -- @moved from=teams.phone
         phone text);",
        "many rows of people may point at one of teams",
    );
}
