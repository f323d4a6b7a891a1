//! Parents and children are written, moved and deleted by several programs at once while the key that ties them goes from
//! int to bigint: no statement fails, no write is lost, ids go on, past what an int can hold too.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use lockkeeper::{
    plan::{Answers, Phase, PhaseKind, Plan},
    shadow::{
        build::build,
        run::{Runner, Statement},
        server::Database,
    },
};
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::{
    plans::{desired, plan},
    real::statements,
    servers::with_database,
};

const BEFORE: &str = "
CREATE TABLE orders (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, after integer REFERENCES orders (id) ON DELETE SET NULL, note text);
CREATE TABLE lines (order_id integer NOT NULL REFERENCES orders (id) ON DELETE CASCADE, n smallint NOT NULL, qty integer NOT NULL, PRIMARY KEY (order_id, n));
CREATE TABLE notes (id serial PRIMARY KEY, order_id integer REFERENCES orders (id) ON DELETE CASCADE, body text);
CREATE INDEX notes_order_id_idx ON notes (order_id);";

const AFTER: &str = "
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, after bigint REFERENCES orders (id) ON DELETE SET NULL, note text);
CREATE TABLE lines (order_id bigint NOT NULL REFERENCES orders (id) ON DELETE CASCADE, n smallint NOT NULL, qty integer NOT NULL, PRIMARY KEY (order_id, n));
CREATE TABLE notes (id bigserial PRIMARY KEY, order_id bigint REFERENCES orders (id) ON DELETE CASCADE, body text);
CREATE INDEX notes_order_id_idx ON notes (order_id);";

/// An order as its writer believes it to be: the line numbers with their quantities, and whether it has a note.
#[derive(Default, Debug, PartialEq)]
struct Order {
    lines: BTreeMap<i64, i64>,
    notes: usize,
}

#[derive(Default)]
struct Seen {
    orders: BTreeMap<i64, Order>,
    failures: Vec<String>,
    /// Transactions that PostgreSQL ended as victims of a deadlock (40P01) and that were run again.
    deadlocks: u32,
    rounds: u64,
}

/// Runs the statements as one transaction; the values of the rows that came back. After a deadlock it runs them again, as
/// every program has to that locks more than one row.
async fn all(client: &Client, seen: &mut Seen, sql: &str) -> Vec<i64> {
    loop {
        match client.simple_query(sql).await {
            Ok(messages) => {
                return messages
                    .iter()
                    .filter_map(|it| match it {
                        SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
                        _ => None,
                    })
                    .collect();
            }
            Err(error) => {
                let code = error.code().map(|it| it.code().to_owned()).unwrap_or_default();
                client.simple_query("ROLLBACK").await.ok();
                if code == "40P01" {
                    seen.deadlocks += 1;
                    continue;
                }
                seen.failures.push(format!("{sql}: {}", error.as_db_error().map_or(code, |it| it.to_string())));
                return Vec::new();
            }
        }
    }
}

async fn write(connection: String, stop: Arc<AtomicBool>, rounds: Arc<AtomicU64>) -> Seen {
    let (client, driver) = tokio_postgres::connect(&connection, tokio_postgres::NoTls).await.unwrap();
    let driver = tokio::spawn(driver);
    let mut seen = Seen::default();
    let mut last: Option<i64> = None;
    while !stop.load(Ordering::SeqCst) && seen.failures.is_empty() {
        let k = seen.rounds as i64;
        // Parent, then children, in one transaction.
        let made = all(
            &client,
            &mut seen,
            &format!(
                "BEGIN; INSERT INTO orders (note) VALUES ('{k}') RETURNING id; \
                 INSERT INTO lines (order_id, n, qty) SELECT currval('orders_id_seq'), n, {k} FROM generate_series(1, 2) n; COMMIT"
            ),
        )
        .await;
        let Some(id) = made.first().copied() else { break };
        if last.is_some_and(|last| id <= last) || seen.orders.contains_key(&id) {
            seen.failures.push(format!("{id} came after {last:?}"));
        }
        let mut order = Order { lines: BTreeMap::from([(1, k), (2, k)]), notes: 1 };
        // Children, then the parent: the other order of locks.
        let changed = format!(
            "BEGIN; INSERT INTO notes (order_id, body) VALUES ({id}, 'x'); UPDATE lines SET qty = qty + 1 WHERE order_id = {id} AND n = 1; \
             UPDATE orders SET note = 'seen' WHERE id = {id}; COMMIT"
        );
        all(&client, &mut seen, &changed).await;
        order.lines.insert(1, k + 1);
        all(&client, &mut seen, &format!("DELETE FROM lines WHERE order_id = {id} AND n = 2")).await;
        order.lines.remove(&2);
        if let Some(last) = last.filter(|last| seen.orders.contains_key(last)) {
            // A child moves to another parent, and a parent points at another.
            all(
                &client,
                &mut seen,
                &format!("UPDATE lines SET order_id = {last}, n = 1000 + n WHERE order_id = {id} AND n = 1"),
            )
            .await;
            let moved = order.lines.remove(&1).unwrap_or_default();
            seen.orders.entry(last).or_default().lines.insert(1001, moved);
            all(&client, &mut seen, &format!("UPDATE orders SET after = {last} WHERE id = {id}")).await;
            if k % 5 == 0 {
                all(&client, &mut seen, &format!("DELETE FROM orders WHERE id = {last}")).await;
                seen.orders.remove(&last);
            }
        }
        seen.orders.insert(id, order);
        last = Some(id);
        seen.rounds += 1;
        rounds.fetch_add(1, Ordering::SeqCst);
    }
    drop(client);
    driver.await.unwrap().unwrap();
    seen
}

struct Writer {
    stop: Arc<AtomicBool>,
    rounds: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<Seen>,
}

impl Writer {
    fn start(connection: &str) -> Self {
        let (stop, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let task = tokio::spawn(write(connection.to_owned(), Arc::clone(&stop), Arc::clone(&rounds)));
        Self { stop, rounds, task }
    }

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
}

/// The phase, transaction by transaction; one that waited too long for a lock (55P03) is tried again, as the files say.
/// How often that was.
async fn run(runner: &Runner<'_>, phase: &Phase) -> u32 {
    let mut again = 0;
    let mut rest = phase.steps.as_slice();
    while let Some(first) = rest.first() {
        let count = first.tx.map_or(1, |tx| rest.iter().take_while(|it| it.tx == Some(tx)).count());
        let (group, next) = rest.split_at(count);
        let statements: Vec<Statement<'_>> = group.iter().map(Statement::from).collect();
        let outcome = runner.run(&statements).await.unwrap();
        let messages: Vec<&String> = outcome.mismatches.iter().map(|it| &it.message).collect();
        if messages.iter().any(|it| it.contains("55P03")) && again < 50 {
            again += 1;
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        }
        assert!(messages.is_empty(), "{:?}: {messages:?}", phase.kind);
        rest = next;
    }
    let findings = runner.checks(&phase.verify).await.unwrap();
    assert!(findings.is_empty(), "{:?}: {:?}", phase.kind, findings.iter().map(|it| &it.message).collect::<Vec<_>>());
    again
}

async fn live_through(database: Arc<Database>, plan: &Plan, version: u32) {
    build(&database, &statements(BEFORE)).await.unwrap();
    let connection = database.connection_string().unwrap();
    let runner = Runner::new(&database).await.unwrap();
    for sql in [
        "INSERT INTO orders (note) SELECT 'old' FROM generate_series(1, 3000)",
        "INSERT INTO lines (order_id, n, qty) SELECT g, 1, g FROM generate_series(1, 3000) g",
        "INSERT INTO notes (order_id, body) SELECT g, 'old' FROM generate_series(1, 3000) g",
        "UPDATE orders SET after = id - 1 WHERE id > 1",
    ] {
        runner.session.run(sql).await.unwrap();
    }
    // The key keeps its name: what distinguishes new code is that it reads ids as bigint, which a text protocol does anyway.
    let mut writers = vec![Writer::start(&connection), Writer::start(&connection)];
    let mut seen = Vec::new();
    let mut again = 0;
    for phase in &plan.phases {
        for writer in &writers {
            writer.rounds(10).await;
        }
        if phase.kind == PhaseKind::Contract {
            // Past what the old copy can hold: the writers must not notice.
            let past = "SELECT setval('orders_id_seq', 2147483640), setval('notes_id_seq', 2147483640)";
            runner.session.value(past).await.unwrap();
            for writer in &writers {
                writer.rounds(10).await;
            }
            let preflight = runner.checks(&phase.preflight).await.unwrap();
            assert!(preflight.is_empty(), "{:?}", preflight.iter().map(|it| &it.message).collect::<Vec<_>>());
        }
        again += run(&runner, phase).await;
        writers.push(Writer::start(&connection));
        for writer in &writers {
            writer.rounds(10).await;
        }
    }
    for writer in writers {
        seen.push(writer.stop().await);
    }
    let failures: Vec<&String> = seen.iter().flat_map(|it| &it.failures).take(3).collect();
    assert!(failures.is_empty(), "on {version}: {failures:#?}");
    let (rounds, deadlocks) = seen.iter().fold((0, 0), |acc, it| (acc.0 + it.rounds, acc.1 + it.deadlocks));
    eprintln!(
        "PostgreSQL {version}: {rounds} rounds, {deadlocks} deadlocks, {again} transactions of the plan tried again"
    );
    // The plan gives up after half a second, before a program's own wait of one second ends in a deadlock.
    assert_eq!(deadlocks, 0, "on {version}: the plan made programs fail");

    let mut expected: BTreeMap<i64, Order> =
        (1..=3000).map(|it| (it, Order { lines: BTreeMap::from([(1, it)]), notes: 1 })).collect();
    seen.into_iter().for_each(|it| expected.extend(it.orders));
    let all = "SELECT string_agg(o.id || ':' || coalesce((SELECT string_agg(n || '=' || qty, ',' ORDER BY n) FROM lines l WHERE l.order_id = o.id), '') \
               || ':' || (SELECT count(*) FROM notes n WHERE n.order_id = o.id), ' ' ORDER BY o.id) FROM orders o";
    let found = runner.session.value(all).await.unwrap().unwrap();
    let show = |(id, order): (&i64, &Order)| {
        let lines: Vec<String> = order.lines.iter().map(|(n, qty)| format!("{n}={qty}")).collect();
        format!("{id}:{}:{}", lines.join(","), order.notes)
    };
    let expected: Vec<String> = expected.iter().map(show).collect();
    let found: Vec<&str> = found.split(' ').collect();
    let lost: Vec<_> = found.iter().zip(&expected).filter(|(a, b)| **a != b.as_str()).take(3).collect();
    assert!(lost.is_empty() && found.len() == expected.len(), "on {version}: found, written: {lost:?}");
    let beyond = runner.session.value("SELECT max(id) > 2147483647 FROM orders").await.unwrap().unwrap();
    assert_eq!(beyond, "t");
}

#[test]
fn a_key_outgrows_int_while_everybody_writes() {
    let (before, after) = (desired(BEFORE), desired(AFTER));
    for version in [13, 15, 18] {
        let plan = plan(&before, &after, version, &Answers::default());
        let kinds: Vec<PhaseKind> = plan.phases.iter().map(|it| it.kind).collect();
        assert_eq!(
            kinds,
            [PhaseKind::Expand, PhaseKind::Backfill, PhaseKind::Enforce, PhaseKind::Contract],
            "on {version}"
        );
        with_database(version, async |database| live_through(database, &plan, version).await);
    }
}
