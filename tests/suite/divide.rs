//! A table is written by several programs, through prepared statements too, while it becomes partitioned, and while it
//! becomes plain again with rows in every partition: no statement fails, no row is lost, numbers go on.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use lockkeeper::{
    plan::Answers,
    shadow::{
        build::build,
        run::{Runner, Statement},
        server::Database,
    },
};
use tokio_postgres::{Client, Error};

use crate::{
    plans::{desired, plan},
    real::statements,
    servers::with_database,
};

const BEFORE: &str = "
CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at date NOT NULL, v bigint NOT NULL, seen integer DEFAULT 0);
CREATE INDEX events_at_idx ON events (at);
CREATE VIEW event_days AS SELECT at, count(*) AS n FROM events GROUP BY at;
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.seen := NEW.seen + 1; RETURN NEW; END';
CREATE TRIGGER see BEFORE INSERT OR UPDATE ON events FOR EACH ROW EXECUTE FUNCTION see();";

const AFTER: &str = "
CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY, at date NOT NULL, v bigint NOT NULL, seen integer DEFAULT 0, PRIMARY KEY (id, at))
  PARTITION BY RANGE (at);
CREATE INDEX events_at_idx ON events (at);
CREATE TABLE events_legacy PARTITION OF events FOR VALUES FROM (MINVALUE) TO ('2040-01-01');
CREATE TABLE events_2040 PARTITION OF events FOR VALUES FROM ('2040-01-01') TO ('2041-01-01');
CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE VIEW event_days AS SELECT at, count(*) AS n FROM events GROUP BY at;
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.seen := NEW.seen + 1; RETURN NEW; END';
CREATE TRIGGER see BEFORE INSERT OR UPDATE ON events FOR EACH ROW EXECUTE FUNCTION see();";

/// Value, and how often the trigger has seen the row.
type Rows = BTreeMap<i64, (i64, i32)>;

#[derive(Default)]
struct Seen {
    rows: Rows,
    failure: Option<String>,
}

struct Writer {
    stop: Arc<AtomicBool>,
    /// Days beyond the bound may be written: there is a partition for them.
    beyond: Arc<AtomicBool>,
    rounds: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<Seen>,
}

/// One row comes, changes, and maybe goes or moves to another partition.
async fn round(
    client: &Client,
    rows: &mut Rows,
    last: &mut i64,
    k: i64,
    beyond: bool,
) -> Result<Option<String>, Error> {
    let day = ["2020-05-05", "2039-12-31", "2040-03-03", "2050-01-01"][(k % if beyond { 4 } else { 2 }) as usize];
    let insert = "INSERT INTO events (at, v) VALUES ($1::text::date, $2) RETURNING id";
    let id: i64 = client.query_one(insert, &[&day, &k]).await?.get(0);
    if id <= *last {
        return Ok(Some(format!("{id} came after {last}")));
    }
    *last = id;
    let touch = client.prepare("UPDATE events SET v = v + 1 WHERE id = $1").await?;
    // A statement prepared before the exchange is carried out after it.
    tokio::time::sleep(Duration::from_millis(3)).await;
    let touched = client.execute(&touch, &[&id]).await?;
    let read = client.query_one("SELECT v, seen FROM events WHERE id = $1", &[&id]).await?;
    let found: (i64, i32) = (read.get(0), read.get(1));
    if touched != 1 || found != (k + 1, 2) {
        return Ok(Some(format!("{id}: {touched} rows touched, found {found:?} for {:?}", (k + 1, 2))));
    }
    match k % 3 {
        0 => {
            client.execute("DELETE FROM events WHERE id = $1", &[&id]).await?;
        }
        _ => {
            rows.insert(id, found);
        }
    }
    Ok(None)
}

impl Writer {
    fn start(connection: String) -> Self {
        let (stop, beyond) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let rounds = Arc::new(AtomicU64::new(0));
        let (stopped, past, done) = (Arc::clone(&stop), Arc::clone(&beyond), Arc::clone(&rounds));
        let task = tokio::spawn(async move {
            let (client, driver) = tokio_postgres::connect(&connection, tokio_postgres::NoTls).await.unwrap();
            let driver = tokio::spawn(driver);
            let (mut seen, mut last) = (Seen::default(), 0);
            while !stopped.load(Ordering::SeqCst) && seen.failure.is_none() {
                let k = done.load(Ordering::SeqCst) as i64;
                seen.failure = match round(&client, &mut seen.rows, &mut last, k, past.load(Ordering::SeqCst)).await {
                    Ok(failure) => failure,
                    Err(error) => Some(error.as_db_error().map_or_else(|| error.to_string(), |it| format!("{it:?}"))),
                };
                done.fetch_add(1, Ordering::SeqCst);
            }
            drop(client);
            driver.await.unwrap().unwrap();
            seen
        });
        Self { stop, beyond, rounds, task }
    }

    async fn rounds(&self, more: u64) {
        let goal = self.rounds.load(Ordering::SeqCst) + more;
        while self.rounds.load(Ordering::SeqCst) < goal && !self.task.is_finished() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Transaction by transaction; one that waited too long for a lock (55P03) is tried again, as the files say.
async fn run(runner: &Runner<'_>, all: Vec<(Option<u32>, Statement<'_>)>) {
    let mut groups: Vec<(Option<u32>, Vec<Statement<'_>>)> = Vec::new();
    for (tx, statement) in all {
        match groups.last_mut() {
            Some((open, group)) if tx.is_some() && *open == tx => group.push(statement),
            _ => groups.push((tx, vec![statement])),
        }
    }
    let mut again = 0;
    let mut rest = groups.as_slice();
    while let Some(((_, group), next)) = rest.split_first() {
        let outcome = runner.run(group).await.unwrap();
        let messages: Vec<&String> = outcome.mismatches.iter().map(|it| &it.message).collect();
        if messages.iter().any(|it| it.contains("55P03")) && again < 50 {
            again += 1;
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        }
        assert!(messages.is_empty(), "{messages:?}");
        rest = next;
    }
}

async fn live_through(database: Arc<Database>, version: u32) {
    let plan = plan(&desired(BEFORE), &desired(AFTER), version, &Answers::default());
    build(&database, &statements(BEFORE)).await.unwrap();
    let connection = database.connection_string().unwrap();
    let runner = Runner::new(&database).await.unwrap();
    let fill = "INSERT INTO events (at, v) SELECT date '2020-01-01' + g % 900, g FROM generate_series(1, 20000) g";
    runner.session.run(fill).await.unwrap();
    let writers = [Writer::start(connection.clone()), Writer::start(connection)];
    let all = async |rounds| {
        for writer in &writers {
            writer.rounds(rounds).await;
        }
    };
    all(5).await;
    for phase in &plan.phases {
        let findings = runner.checks(&phase.preflight).await.unwrap();
        assert!(findings.is_empty(), "{:?}", findings.iter().map(|it| &it.message).collect::<Vec<_>>());
        run(&runner, phase.steps.iter().map(|it| (it.tx, Statement::from(it))).collect()).await;
        let findings = runner.checks(&phase.verify).await.unwrap();
        assert!(findings.is_empty(), "{:?}", findings.iter().map(|it| &it.message).collect::<Vec<_>>());
        all(5).await;
    }
    writers.iter().for_each(|it| it.beyond.store(true, Ordering::SeqCst));
    all(20).await;
    let spread = runner.session.value("SELECT count(DISTINCT tableoid) FROM events").await.unwrap();
    assert_eq!(spread.as_deref(), Some("3"), "on {version}");
    for phase in plan.phases.iter().rev() {
        run(&runner, phase.rollback.iter().map(|it| (it.tx, Statement::from(it))).collect()).await;
        all(5).await;
    }
    let mut expected: Rows = (1..=20_000).map(|it| (it, (it, 1))).collect();
    for writer in writers {
        writer.stop.store(true, Ordering::SeqCst);
        let seen = writer.task.await.unwrap();
        assert_eq!(seen.failure, None, "on {version}");
        expected.extend(seen.rows);
    }
    let shown: Vec<String> = expected.iter().map(|(id, (v, seen))| format!("{id}:{v}:{seen}")).collect();
    let sql = "SELECT string_agg(id || ':' || v || ':' || seen, ' ' ORDER BY id) FROM events";
    let found = runner.session.value(sql).await.unwrap().unwrap();
    let found: Vec<&str> = found.split(' ').collect();
    let lost: Vec<_> = found.iter().zip(&shown).filter(|(a, b)| **a != b.as_str()).take(3).collect();
    assert!(lost.is_empty() && found.len() == shown.len(), "on {version}: found, written: {lost:?}");
    let plain = runner.session.value("SELECT relkind FROM pg_class WHERE oid = 'events'::regclass").await.unwrap();
    assert_eq!(plain.as_deref(), Some("r"));
}

#[test]
fn a_table_becomes_partitioned_and_plain_again_while_everybody_writes() {
    for version in [13, 15, 18] {
        with_database(version, async |database| live_through(database, version).await);
    }
}
