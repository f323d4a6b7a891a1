//! Two applications write at the same time, one knowing the old shape and one the new, while all phases of a plan run
//! on a real server: no statement fails, no write is lost, and both columns of a row always agree.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use futures::SinkExt;
use lockkeeper::{
    dialect,
    plan::{Answers, PhaseKind, Plan},
    shadow::{
        build::build,
        run::{Runner, Statement},
        server::Database,
    },
};

use crate::{
    plans::{desired, plan},
    servers::{VERSIONS, with_database},
};

/// What one application believes to have written: id → value.
type Written = BTreeMap<i64, Option<i64>>;

/// Writes rows of its own, in every way a row can be written, until told to stop.
async fn write(
    connection: String,
    table: &'static str,
    column: &'static str,
    first_id: i64,
    stop: Arc<AtomicBool>,
    rounds: Arc<AtomicU64>,
) -> Written {
    let (client, driver) = tokio_postgres::connect(&connection, tokio_postgres::NoTls).await.unwrap();
    let driver = tokio::spawn(driver);
    let mut written = Written::new();
    let mut id = first_id;
    let show = |value: Option<i64>| value.map_or("NULL".to_owned(), |it| it.to_string());
    while !stop.load(Ordering::SeqCst) {
        let round = id - first_id;
        // Given, NULL, omitted (the default), over an existing row, changed, changed to NULL and back.
        let statements = [
            (id, Some(Some(round)), format!("INSERT INTO {table} (id, {column}) VALUES ({id}, {round})")),
            (id + 1, Some(None), format!("INSERT INTO {table} (id, {column}) VALUES ({}, NULL)", id + 1)),
            (id + 2, Some(Some(7)), format!("INSERT INTO {table} (id, note) VALUES ({}, 'default')", id + 2)),
            (
                id + 2,
                Some(Some(round + 1)),
                format!(
                    "INSERT INTO {table} (id, {column}) VALUES ({}, {}) ON CONFLICT (id) DO UPDATE SET {column} = EXCLUDED.{column}",
                    id + 2,
                    round + 1
                ),
            ),
            (id, Some(Some(round + 2)), format!("UPDATE {table} SET {column} = {} WHERE id = {id}", round + 2)),
            (id + 1, Some(Some(5)), format!("UPDATE {table} SET {column} = 5 WHERE id = {}", id + 1)),
            (id, None, format!("UPDATE {table} SET note = 'touched' WHERE id = {id}")),
            (id + 2, Some(None), format!("UPDATE {table} SET {column} = NULL WHERE id = {}", id + 2)),
        ];
        for (at, value, sql) in statements {
            if let Err(error) = client.batch_execute(&sql).await {
                panic!("{sql}: {}", error.as_db_error().map_or(error.to_string(), |it| it.to_string()));
            }
            if let Some(value) = value {
                written.insert(at, value);
            }
        }
        let copied = Some(round * 2);
        let sink = client
            .copy_in::<_, std::io::Cursor<Vec<u8>>>(&format!("COPY {table} (id, {column}) FROM STDIN"))
            .await
            .unwrap();
        futures::pin_mut!(sink);
        let line = format!("{}\t{}\n", id + 3, show(copied));
        sink.send(std::io::Cursor::new(line.into_bytes())).await.unwrap();
        sink.finish().await.unwrap();
        written.insert(id + 3, copied);
        id += 4;
        rounds.fetch_add(1, Ordering::SeqCst);
    }
    drop(client);
    driver.await.unwrap().unwrap();
    written
}

struct Scenario {
    before: &'static str,
    after: &'static str,
    table: &'static str,
    old: &'static str,
    new: &'static str,
}

async fn wait_for_rounds(rounds: &AtomicU64, more: u64) {
    let goal = rounds.load(Ordering::SeqCst) + more;
    while rounds.load(Ordering::SeqCst) < goal {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

async fn live_through(database: Arc<Database>, scenario: &Scenario, plan: &Plan) {
    let postgres = dialect::by_name("postgres").unwrap();
    let (statements, _) = dialect::parse_file(postgres, scenario.before);
    let baseline: Vec<String> = statements.iter().map(|it| scenario.before[it.range.clone()].to_owned()).collect();
    build(&database, &baseline).await.unwrap();
    let connection = database.connection_string().unwrap();
    let runner = Runner::new(&database).await.unwrap();
    let fill =
        format!("INSERT INTO {} (id, {}) SELECT g, g FROM generate_series(1, 3000) g", scenario.table, scenario.old);
    runner.session.run(&fill).await.unwrap();

    let start = |column, first_id| {
        let (stop, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let task = tokio::spawn(write(
            connection.clone(),
            scenario.table,
            column,
            first_id,
            Arc::clone(&stop),
            Arc::clone(&rounds),
        ));
        (stop, rounds, task)
    };
    let (stop_old, old_rounds, old_code) = start(scenario.old, 1_000_000);
    wait_for_rounds(&old_rounds, 5).await;
    let mut old_code = Some(old_code);
    let mut new_code = None;
    let mut expected = Written::new();
    for phase in &plan.phases {
        if phase.kind == PhaseKind::Contract {
            // The gate: no running instance knows the old shape.
            stop_old.store(true, Ordering::SeqCst);
            if let Some(task) = old_code.take() {
                expected.extend(task.await.unwrap());
            }
        }
        let statements: Vec<Statement<'_>> = phase.steps.iter().map(Statement::from).collect();
        let outcome = runner.run(&statements).await.unwrap();
        let failures: Vec<String> =
            outcome.mismatches.iter().map(|it| format!("{:?}: {}\n{:?}", it.kind, it.message, it.sql)).collect();
        assert!(failures.is_empty(), "{:?}: {}", phase.kind, failures.join("\n"));
        let findings = runner.checks(&phase.verify).await.unwrap();
        assert!(
            findings.is_empty(),
            "{:?}: {}",
            phase.kind,
            findings.iter().map(|it| it.message.as_str()).collect::<Vec<_>>().join("\n")
        );
        if new_code.is_none() {
            new_code = Some(start(scenario.new, 2_000_000));
        }
        if let Some((_, rounds, _)) = &new_code {
            wait_for_rounds(rounds, 5).await;
        }
        if old_code.is_some() {
            wait_for_rounds(&old_rounds, 5).await;
        }
    }
    let (stop, _, task) = new_code.unwrap();
    stop.store(true, Ordering::SeqCst);
    expected.extend(task.await.unwrap());
    expected.extend((1..=3000).map(|it| (it, Some(it))));

    // Every row anybody wrote is there with the value last written.
    let rows = format!(
        "SELECT string_agg(id || '=' || coalesce({}::text, ''), ' ' ORDER BY id) FROM {}",
        scenario.new, scenario.table
    );
    let found = runner.session.value(&rows).await.unwrap().unwrap();
    let show = |(id, value): (&i64, &Option<i64>)| format!("{id}={}", value.map_or(String::new(), |it| it.to_string()));
    let expected: Vec<String> = expected.iter().map(show).collect();
    let found: Vec<&str> = found.split(' ').collect();
    assert_eq!(found.len(), expected.len(), "rows are missing or too many");
    let lost: Vec<(&&str, &String)> = found.iter().zip(&expected).filter(|(a, b)| **a != b.as_str()).take(5).collect();
    assert!(lost.is_empty(), "found, written: {lost:?}");
}

fn live(scenario: &Scenario) {
    let (before, after) = (desired(scenario.before), desired(scenario.after));
    for version in VERSIONS {
        let plan = plan(&before, &after, version, &Answers::default());
        let kinds: Vec<PhaseKind> = plan.phases.iter().map(|it| it.kind).collect();
        assert!(kinds.contains(&PhaseKind::Backfill) && kinds.contains(&PhaseKind::Contract), "{version}: {kinds:?}");
        with_database(version, async |database| live_through(database, scenario, &plan).await);
    }
}

#[test]
fn a_rename_loses_no_write_of_old_or_new_code() {
    live(&Scenario {
        before: "CREATE TABLE emissions (id bigint PRIMARY KEY, co2_kg integer DEFAULT 7, note text);
            CREATE INDEX emissions_co2_kg_idx ON emissions (co2_kg);",
        after: "CREATE TABLE emissions (
              id bigint PRIMARY KEY,
              carbon_kg integer DEFAULT 7, -- @renamed from=co2_kg
              note text
            );
            CREATE INDEX emissions_carbon_kg_idx ON emissions (carbon_kg);",
        table: "emissions",
        old: "co2_kg",
        new: "carbon_kg",
    });
}

#[test]
fn a_rewriting_type_change_loses_no_write() {
    live(&Scenario {
        before: "CREATE TABLE counts (id bigint PRIMARY KEY, quantity integer DEFAULT 7, note text);
            CREATE INDEX counts_quantity_idx ON counts (quantity);",
        after: "CREATE TABLE counts (id bigint PRIMARY KEY, quantity bigint DEFAULT 7, note text);
            CREATE INDEX counts_quantity_idx ON counts (quantity);",
        table: "counts",
        old: "quantity",
        new: "quantity",
    });
}
