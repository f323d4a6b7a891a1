//! Live fire: old code and new code read and write while all phases of a plan run on a real server. No statement fails,
//! no write is lost, and the longest time a client had to wait is told next to that of the direct statement on the
//! same rows. `LOCKKEEPER_LIVE_ROWS=1000000` for figures worth quoting (`--nocapture` prints the table).

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

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

/// A change of more than one statement, and the two programs that live through it. In their statements, `{id}` is a row
/// of their own, `{v}` a number, `{any}` a row that was there before.
struct Change {
    name: &'static str,
    before: &'static str,
    after: &'static str,
    /// Fills the table; `{rows}` is how many.
    fill: &'static str,
    /// What somebody would write who does not know better.
    direct: &'static str,
    old: Program,
    new: Program,
}

#[derive(Clone, Copy)]
struct Program {
    insert: &'static str,
    update: &'static str,
    /// The number that the row holds, as text.
    read: &'static str,
    /// Touches a row that was there before.
    touch: &'static str,
    delete: &'static str,
}

/// The common table: `v` is what changes.
const fn program() -> Program {
    Program {
        insert: "INSERT INTO readings (id, v) VALUES ({id}, {v})",
        update: "UPDATE readings SET v = {v} WHERE id = {id}",
        read: "SELECT v::text FROM readings WHERE id = {id}",
        touch: "UPDATE readings SET note = 'touched' WHERE id = {any}",
        delete: "DELETE FROM readings WHERE id = {id}",
    }
}

const FILL: &str = "INSERT INTO readings (id, v, note) SELECT g, g, 'row ' || g FROM generate_series(1, {rows}) g";

const CHANGES: &[Change] = &[
    Change {
        name: "rename a column",
        before: "CREATE TABLE readings (id bigint PRIMARY KEY, v int NOT NULL, note text); CREATE INDEX readings_v_idx ON readings (v);",
        after: "CREATE TABLE readings (id bigint PRIMARY KEY,
            value int NOT NULL, -- @renamed from=v
            note text); CREATE INDEX readings_value_idx ON readings (value);",
        fill: FILL,
        direct: "ALTER TABLE readings RENAME COLUMN v TO value",
        old: program(),
        new: Program {
            insert: "INSERT INTO readings (id, value) VALUES ({id}, {v})",
            update: "UPDATE readings SET value = {v} WHERE id = {id}",
            read: "SELECT value::text FROM readings WHERE id = {id}",
            ..program()
        },
    },
    Change {
        name: "int to bigint, with an index",
        before: "CREATE TABLE readings (id bigint PRIMARY KEY, v int NOT NULL, note text); CREATE INDEX readings_v_idx ON readings (v);",
        after: "CREATE TABLE readings (id bigint PRIMARY KEY, v bigint NOT NULL, note text); CREATE INDEX readings_v_idx ON readings (v);",
        fill: FILL,
        direct: "ALTER TABLE readings ALTER COLUMN v TYPE bigint",
        old: program(),
        new: program(),
    },
    Change {
        name: "a required column with a random default",
        before: "CREATE TABLE readings (id bigint PRIMARY KEY, v int, note text);",
        after: "CREATE TABLE readings (id bigint PRIMARY KEY, v int, note text, public_id uuid NOT NULL DEFAULT gen_random_uuid());",
        fill: FILL,
        direct: "ALTER TABLE readings ADD COLUMN public_id uuid NOT NULL DEFAULT gen_random_uuid()",
        old: program(),
        new: Program { insert: "INSERT INTO readings (id, v, public_id) VALUES ({id}, {v}, gen_random_uuid())", ..program() },
    },
    Change {
        name: "make a column NOT NULL",
        before: "CREATE TABLE readings (id bigint PRIMARY KEY, v int, note text);",
        after: "CREATE TABLE readings (id bigint PRIMARY KEY, v int NOT NULL, note text);",
        fill: FILL,
        direct: "ALTER TABLE readings ALTER COLUMN v SET NOT NULL",
        old: program(),
        new: program(),
    },
    Change {
        name: "add a check",
        before: "CREATE TABLE readings (id bigint PRIMARY KEY, v int, note text);",
        after: "CREATE TABLE readings (id bigint PRIMARY KEY, v int CONSTRAINT v_ok CHECK (v >= 0), note text);",
        fill: FILL,
        direct: "ALTER TABLE readings ADD CONSTRAINT v_ok CHECK (v >= 0)",
        old: program(),
        new: program(),
    },
    Change {
        name: "create an index",
        before: "CREATE TABLE readings (id bigint PRIMARY KEY, v int, note text);",
        after: "CREATE TABLE readings (id bigint PRIMARY KEY, v int, note text); CREATE INDEX readings_note_idx ON readings (note);",
        fill: FILL,
        direct: "CREATE INDEX readings_note_idx ON readings (note)",
        old: program(),
        new: program(),
    },
    Change {
        name: "add a unique constraint",
        before: "CREATE TABLE readings (id bigint PRIMARY KEY, v int, code text, note text);",
        after: "CREATE TABLE readings (id bigint PRIMARY KEY, v int, code text UNIQUE, note text);",
        fill: "INSERT INTO readings (id, v, code) SELECT g, g, 'code ' || g FROM generate_series(1, {rows}) g",
        direct: "ALTER TABLE readings ADD CONSTRAINT readings_code_key UNIQUE (code)",
        old: program(),
        new: program(),
    },
    Change {
        name: "add a foreign key",
        before: "CREATE TABLE sites (id bigint PRIMARY KEY); INSERT INTO sites SELECT generate_series(0, 999);
            CREATE TABLE readings (id bigint PRIMARY KEY, v int, site_id bigint DEFAULT 0, note text);
            CREATE INDEX readings_site_id_idx ON readings (site_id);",
        after: "CREATE TABLE sites (id bigint PRIMARY KEY);
            CREATE TABLE readings (id bigint PRIMARY KEY, v int, site_id bigint DEFAULT 0 REFERENCES sites, note text);
            CREATE INDEX readings_site_id_idx ON readings (site_id);",
        fill: "INSERT INTO readings (id, v, site_id) SELECT g, g, g % 1000 FROM generate_series(1, {rows}) g",
        direct: "ALTER TABLE readings ADD CONSTRAINT readings_site_id_fkey FOREIGN KEY (site_id) REFERENCES sites",
        old: program(),
        new: program(),
    },
    Change {
        name: "rename a table",
        before: "CREATE TABLE reading (id bigint PRIMARY KEY, v int, note text);",
        after: "-- @renamed from=reading
            CREATE TABLE readings (id bigint PRIMARY KEY, v int, note text);",
        fill: "INSERT INTO reading (id, v) SELECT g, g FROM generate_series(1, {rows}) g",
        direct: "ALTER TABLE reading RENAME TO readings",
        old: Program {
            insert: "INSERT INTO reading (id, v) VALUES ({id}, {v})",
            update: "UPDATE reading SET v = {v} WHERE id = {id}",
            read: "SELECT v::text FROM reading WHERE id = {id}",
            touch: "UPDATE reading SET note = 'touched' WHERE id = {any}",
            delete: "DELETE FROM reading WHERE id = {id}",
        },
        new: program(),
    },
    Change {
        name: "another primary key",
        before: "CREATE TABLE readings (id bigint PRIMARY KEY, v int, code text NOT NULL DEFAULT md5(random()::text), note text);",
        after: "CREATE TABLE readings (id bigint NOT NULL, v int, code text PRIMARY KEY DEFAULT md5(random()::text), note text);
            CREATE INDEX readings_id_idx ON readings (id);",
        fill: "INSERT INTO readings (id, v, code) SELECT g, g, 'code ' || g FROM generate_series(1, {rows}) g",
        direct: "ALTER TABLE readings DROP CONSTRAINT readings_pkey, ADD PRIMARY KEY (code)",
        old: program(),
        new: program(),
    },
    Change {
        name: "int to bigint of a key, with a child",
        before: "CREATE TABLE readings (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, v int, note text);
            CREATE TABLE alarms (id bigint PRIMARY KEY, reading_id int REFERENCES readings, note text);
            CREATE INDEX alarms_reading_id_idx ON alarms (reading_id);",
        after: "CREATE TABLE readings (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, v int, note text);
            CREATE TABLE alarms (id bigint PRIMARY KEY, reading_id bigint REFERENCES readings, note text);
            CREATE INDEX alarms_reading_id_idx ON alarms (reading_id);",
        fill: "WITH kept AS (INSERT INTO readings (id, v) SELECT g, g FROM generate_series(1, {rows}) g RETURNING id)
            INSERT INTO alarms (id, reading_id) SELECT id, id FROM kept",
        direct: "ALTER TABLE readings ALTER COLUMN id TYPE bigint",
        old: Program { touch: "UPDATE alarms SET note = 'touched', reading_id = {any} WHERE id = {any}", ..program() },
        new: Program { touch: "UPDATE alarms SET note = 'touched', reading_id = {any} WHERE id = {any}", ..program() },
    },
    Change {
        name: "remove a label of an enum",
        before: "CREATE TYPE state AS ENUM ('new', 'seen', 'lost');
            CREATE TABLE readings (id bigint PRIMARY KEY, v int, state state NOT NULL DEFAULT 'new', note text);",
        after: "CREATE TYPE state AS ENUM ('new', 'seen');
            CREATE TABLE readings (id bigint PRIMARY KEY, v int, state state NOT NULL DEFAULT 'new', note text);",
        fill: FILL,
        direct: "CREATE TYPE state_new AS ENUM ('new', 'seen');
            ALTER TABLE readings ALTER COLUMN state DROP DEFAULT, ALTER COLUMN state TYPE state_new USING state::text::state_new,
              ALTER COLUMN state SET DEFAULT 'new'",
        old: program(),
        new: program(),
    },
];

/// What a program saw.
#[derive(Default)]
struct Seen {
    longest: Duration,
    failures: Vec<String>,
    /// Its rows, as it believes them to be at the end.
    rows: BTreeMap<i64, i64>,
}

struct Client {
    stop: Arc<AtomicBool>,
    rounds: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<Seen>,
}

impl Client {
    /// Two things are asked of a client before the next phase: it is up, and it has used what the last phase made.
    async fn rounds(&self, more: u64) {
        let goal = self.rounds.load(Ordering::SeqCst) + more;
        while self.rounds.load(Ordering::SeqCst) < goal && !self.task.is_finished() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn stop(self) -> Seen {
        self.stop.store(true, Ordering::SeqCst);
        self.task.await.unwrap()
    }

    fn start(connection: String, program: Program, first_id: i64, rows: i64) -> Self {
        let (stop, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (told, count) = (Arc::clone(&stop), Arc::clone(&rounds));
        let task = tokio::spawn(async move {
            let (client, driver) = tokio_postgres::connect(&connection, tokio_postgres::NoTls).await.unwrap();
            let driver = tokio::spawn(driver);
            let mut seen = Seen::default();
            let mut id = first_id;
            while !told.load(Ordering::SeqCst) {
                round(&client, program, id, rows, &mut seen).await;
                id += 1;
                count.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            drop(client);
            driver.await.unwrap().unwrap();
            seen
        });
        Self { stop, rounds, task }
    }
}

/// A row comes, changes and is read again; every third goes; an old row is touched.
async fn round(client: &tokio_postgres::Client, program: Program, id: i64, rows: i64, seen: &mut Seen) {
    let (first, second) = (id % 1000, id % 1000 + 1);
    let any = (id * 7919) % rows + 1;
    let sql = |text: &str, v: i64| {
        text.replace("{id}", &id.to_string()).replace("{any}", &any.to_string()).replace("{v}", &v.to_string())
    };
    let leaves = id % 3 == 0;
    let mut all = vec![sql(program.insert, first), sql(program.touch, 0), sql(program.update, second)];
    all.push(sql(program.read, 0));
    if leaves {
        all.push(sql(program.delete, 0));
    }
    for sql in all {
        let start = Instant::now();
        let answer = client.simple_query(&sql).await;
        seen.longest = seen.longest.max(start.elapsed());
        match answer {
            Err(error) => {
                seen.failures
                    .push(format!("{sql}: {}", error.as_db_error().map_or(error.to_string(), |it| it.to_string())));
            }
            Ok(messages) if sql.starts_with("SELECT") => {
                let found = messages.iter().find_map(|it| match it {
                    tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                    _ => None,
                });
                if found.as_deref() != Some(second.to_string().as_str()) {
                    seen.failures.push(format!("{sql}: {second} was written, {found:?} is read"));
                }
            }
            Ok(_) => {}
        }
    }
    if !leaves {
        seen.rows.insert(id, second);
    }
}

/// A database in the state before, filled.
async fn prepare(database: &Database, change: &Change, rows: i64) {
    build(database, &statements(change.before)).await.unwrap();
    let session = database.connect().await.unwrap();
    session.run(&change.fill.replace("{rows}", &rows.to_string())).await.unwrap();
    session.run("ANALYZE").await.unwrap();
}

const OLD_ROWS: i64 = 1_000_000_000;
const NEW_ROWS: i64 = 2_000_000_000;

/// Runs the plan with both programs at work; the longest wait of either.
async fn phased(database: Arc<Database>, change: &Change, plan: &Plan, rows: i64) -> Duration {
    prepare(&database, change, rows).await;
    let connection = database.connection_string().unwrap();
    let runner = Runner::new(&database).await.unwrap();
    let mut old = Some(Client::start(connection.clone(), change.old, OLD_ROWS, rows));
    let (mut new, mut seen): (Option<Client>, Vec<Seen>) = (None, Vec::new());
    for phase in &plan.phases {
        if let Some(client) = &old {
            client.rounds(3).await;
        }
        // The gate: no running instance knows the old shape.
        if phase.kind == PhaseKind::Contract
            && let Some(client) = old.take()
        {
            seen.push(client.stop().await);
        }
        let all: Vec<Statement<'_>> = phase.steps.iter().map(Statement::from).collect();
        let outcome = runner.run(&all).await.unwrap();
        let failed: Vec<&String> = outcome.mismatches.iter().map(|it| &it.message).collect();
        assert!(failed.is_empty(), "{}, {:?}: {failed:?}", change.name, phase.kind);
        let client = new.get_or_insert_with(|| Client::start(connection.clone(), change.new, NEW_ROWS, rows));
        client.rounds(3).await;
    }
    for client in old.into_iter().chain(new) {
        seen.push(client.stop().await);
    }
    let failures: Vec<&String> = seen.iter().flat_map(|it| &it.failures).take(3).collect();
    assert!(failures.is_empty(), "{}: {failures:#?}", change.name);

    // Every row is there with the number that was last written to it, whoever wrote it.
    let expected: BTreeMap<i64, i64> = seen.iter().flat_map(|it| &it.rows).map(|(id, v)| (*id, *v)).collect();
    let expression = change.new.read.trim_start_matches("SELECT ").split("::text").next().unwrap();
    let all =
        format!("SELECT string_agg(id || '=' || {expression}, ' ' ORDER BY id) FROM readings WHERE id >= {OLD_ROWS}");
    let found = runner.session.value(&all).await.unwrap().unwrap_or_default();
    let expected: Vec<String> = expected.iter().map(|(id, v)| format!("{id}={v}")).collect();
    assert_eq!(found, expected.join(" "), "{}: rows are lost or torn", change.name);
    let untouched =
        format!("SELECT count(*) FROM readings WHERE id <= {rows} AND {expression} IS NOT DISTINCT FROM id");
    assert_eq!(runner.session.value(&untouched).await.unwrap().unwrap(), rows.to_string(), "{}", change.name);
    seen.iter().map(|it| it.longest).max().unwrap_or_default()
}

/// The direct statement, with the old program at work: the longest wait, and how many statements failed.
async fn direct(database: Arc<Database>, change: &Change, rows: i64) -> (Duration, usize) {
    prepare(&database, change, rows).await;
    let client = Client::start(database.connection_string().unwrap(), change.old, OLD_ROWS, rows);
    client.rounds(3).await;
    let session = database.connect().await.unwrap();
    session.run(change.direct).await.unwrap();
    client.rounds(3).await;
    let seen = client.stop().await;
    (seen.longest, seen.failures.len())
}

#[test]
fn clients_go_on_while_phases_run() {
    let rows = std::env::var("LOCKKEEPER_LIVE_ROWS").ok().and_then(|it| it.parse().ok()).unwrap_or(4_000);
    let only = std::env::var("LOCKKEEPER_CASE").ok();
    let ms = |it: Duration| it.as_millis();
    eprintln!("| change, {rows} rows | {} |", VERSIONS.map(|it| format!("{it}: phased | {it}: direct")).join(" | "));
    for change in CHANGES.iter().filter(|it| only.as_deref().is_none_or(|only| it.name.contains(only))) {
        let (before, after) = (desired(change.before), desired(change.after));
        let mut line = format!("| {} |", change.name);
        for version in VERSIONS {
            let plan = plan(&before, &after, version, &Answers::default());
            let wait = with_database(version, async |database| phased(database, change, &plan, rows).await);
            let (longest, failed) = with_database(version, async |database| direct(database, change, rows).await);
            let failed = if failed > 0 { ", fails".to_owned() } else { String::new() };
            line += &format!(" {} ms | {} ms{failed} |", ms(wait), ms(longest));
        }
        eprintln!("{line}");
    }
}
