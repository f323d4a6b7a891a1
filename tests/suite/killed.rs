//! Whoever runs a phase's file may die at any moment: running the same file again goes on from where it was, loses
//! nothing, and ends where an undisturbed run ends. The same holds for the way back.

use std::{sync::Arc, time::Duration};

use lockkeeper::{
    catalog::{self, Source, replay},
    changes,
    dialect::{parse_file, postgres::Postgres},
    export::{self, ExportContext, Format, Staging},
    plan::{Action, Answers, Plan},
    shadow::{
        build::build,
        checksums::{checksums, compare},
        connect::Session,
        introspect::{differences, snapshot},
        rows,
        server::{Database, Server},
    },
};

use crate::{
    plans::{desired, plan},
    project::statements,
    servers::{VERSIONS, with_server},
};

/// Runs a whole file.
pub async fn run_file(database: &Database, text: &str) -> Result<(), String> {
    run(database, &statements(text)).await.map(drop)
}

/// The file of each phase and of its way back, in the order of the phases.
pub fn files(plan: &Plan) -> Vec<(String, String)> {
    let format = Format::by_name("sql").unwrap();
    let ctx = ExportContext { format, names: &[], now: None, timestamps: false, from: "before.sql", to: "after.sql" };
    let files = export::render(plan, &Postgres, &ctx, Staging::All);
    let of = |back: bool| {
        let own = files.iter().filter(move |it| {
            it.path.extension().is_some_and(|it| it == "sql") && it.path.starts_with("rollback") == back
        });
        own.map(|it| it.contents.clone())
    };
    of(false).zip(of(true)).collect()
}

/// Statements after which the server may find itself in another state than before.
fn tells(sql: &str) -> bool {
    let word = sql.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    !matches!(word.as_str(), "SET" | "RESET" | "BEGIN")
}

async fn kill(session: Session, admin: &Session) {
    let pid = session.backend;
    admin.run(&format!("SELECT pg_terminate_backend({pid})")).await.unwrap();
    gone(pid, admin).await;
}

async fn gone(pid: i32, admin: &Session) {
    let there = format!("SELECT 1 FROM pg_stat_activity WHERE pid = {pid}");
    while admin.value(&there).await.unwrap().is_some() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Runs the first `count` statements of a file over a connection of its own.
async fn run(database: &Database, statements: &[String]) -> Result<Session, String> {
    let session = database.connect().await.unwrap();
    for sql in statements {
        session.run(sql).await.map_err(|it| format!("{it}\nat {sql}"))?;
    }
    Ok(session)
}

/// Kills the runner at every boundary of a file, one after the other, and lets the last one come to the end.
async fn run_killed(database: &Database, admin: &Session, text: &str) -> Result<(), String> {
    let statements = statements(text);
    for end in (1..=statements.len()).filter(|it| tells(&statements[it - 1])) {
        let session =
            run(database, &statements[..end]).await.map_err(|it| format!("killed after statement {end}: {it}"))?;
        kill(session, admin).await;
    }
    run(database, &statements).await.map_err(|it| format!("when all is done: {it}"))?;
    Ok(())
}

fn filled(plan: &Plan) -> Vec<String> {
    let steps = plan.phases.iter().flat_map(|it| &it.steps);
    let backfills = steps.filter_map(|it| if let Action::Backfill(it) = &it.action { Some(it) } else { None });
    backfills.flat_map(|it| it.fills.iter().map(move |column| format!("public.{}.{column}", it.table.name))).collect()
}

/// Forward and back, killed all the way.
async fn survive(server: &Arc<Server>, before: &str, after: &str) -> Result<(), String> {
    let plan = plan(&desired(before), &desired(after), server.version, &Answers::default());
    let (target, database) = (server.create_database(None).await.unwrap(), server.create_database(None).await.unwrap());
    build(&target, &statements(after)).await.unwrap();
    build(&database, &statements(before)).await.unwrap();
    let admin = database.connect_admin().await.unwrap();
    let session = database.connect().await.unwrap();
    let goal = target.connect().await.unwrap();
    rows::fill_for(&session, &goal, &rows::renames(&plan), 30).await.unwrap();
    let wanted = rows::Wanted::read(&goal).await.unwrap();
    let start = checksums(&session).await.unwrap();
    let mut states = vec![snapshot(&session).await.unwrap()];
    let files = files(&plan);
    for (phase, (forward, _)) in plan.phases.iter().zip(&files) {
        wanted.complete(&session, &start).await.unwrap();
        run_killed(&database, &admin, forward).await.map_err(|it| format!("{:?}: {it}", phase.kind))?;
        for check in &phase.verify {
            let found = session.value(&check.sql).await.map_err(|it| it.to_string())?;
            if found.as_deref() != Some(&check.expect) {
                return Err(format!("{:?}: {}: {found:?}", phase.kind, check.why));
            }
        }
        states.push(snapshot(&session).await.unwrap());
    }
    let expected = snapshot(&goal).await.unwrap();
    let lines = differences(&expected.fingerprint, &states[states.len() - 1].fingerprint);
    if !lines.is_empty() {
        return Err(format!("not at the target: {}", lines.join("\n")));
    }
    let lines = compare(&start, &checksums(&session).await.unwrap(), &filled(&plan));
    if !lines.is_empty() {
        return Err(format!("rows: {}", lines.join("\n")));
    }
    for ((phase, (_, back)), state) in plan.phases.iter().zip(&files).zip(&states).rev() {
        run_killed(&database, &admin, back).await.map_err(|it| format!("back from {:?}: {it}", phase.kind))?;
        let lines = differences(&state.fingerprint, &snapshot(&session).await.unwrap().fingerprint);
        if phase.irreversible.as_ref().is_none_or(|it| !it.shape) && !lines.is_empty() {
            return Err(format!("back from {:?}: {}", phase.kind, lines.join("\n")));
        }
    }
    drop((session, goal, admin));
    database.remove().await.unwrap();
    target.remove().await.unwrap();
    Ok(())
}

/// Each page on one version; over the pages, all versions. `LOCKKEEPER_PAGE` limits the run to one page, on all of them.
#[test]
fn every_change_page_survives_being_killed() {
    let only = std::env::var("LOCKKEEPER_PAGE").ok();
    let mut failures = Vec::new();
    for (at, version) in VERSIONS.enumerate() {
        let mine = changes::PAGES.iter().enumerate().filter(|(i, (name, _))| match &only {
            Some(only) => only == name,
            None => i % VERSIONS.count() == at,
        });
        let mine: Vec<_> = mine.map(|(_, it)| it).collect();
        with_server(version, async |server| {
            for (name, page) in mine {
                let (before, after) = (page.fence("sql before").unwrap(), page.fence("sql after").unwrap());
                if let Err(why) = survive(&server, &before, &after).await {
                    failures.push(format!("{name} on {version}: {why}"));
                }
            }
        });
    }
    assert!(failures.is_empty(), "{}\n{} failures", failures.join("\n"), failures.len());
}

#[test]
fn the_worked_example_survives_being_killed() {
    let (before, after) = (include_str!("../example/before.sql"), include_str!("../example/after.sql"));
    let res = with_server(16, async |server| survive(&server, before, after).await);
    assert_eq!(res, Ok(()));
}

/// The files of a plan are migrations like others: what they do is seen without a server.
#[test]
fn written_files_lead_a_replay_to_the_target() {
    let example = (include_str!("../example/before.sql").to_owned(), include_str!("../example/after.sql").to_owned());
    let fence = |page: &lockkeeper::page::Page, kind: &str| page.fence(kind).unwrap();
    let pages =
        changes::PAGES.iter().map(|(name, page)| (*name, (fence(page, "sql before"), fence(page, "sql after"))));
    for (name, (before, after)) in pages.chain([("the worked example", example)]) {
        for version in [13, 18] {
            let (old, new) = (desired(&before), desired(&after));
            let mut catalog = old.clone();
            for (forward, _) in files(&plan(&old, &new, version, &Answers::default())) {
                let (statements, problems) = parse_file(&Postgres, &forward);
                assert_eq!(problems, [], "{name} on {version}");
                let build = replay(catalog, &[Source { statements: statements.into() }]);
                assert_eq!(build.problems, [], "{name} on {version}");
                catalog = build.catalog;
            }
            assert_eq!(catalog::differences(&catalog, &new), Vec::<String>::new(), "{name} on {version}");
        }
    }
}

/// A statement on its way, and the connection it runs on.
async fn begin(database: &Database, statements: &[String]) -> (i32, tokio::task::JoinHandle<Result<(), String>>) {
    let session = database.connect().await.unwrap();
    let (pid, statements) = (session.backend, statements.to_vec());
    let task = tokio::spawn(async move {
        for sql in &statements {
            session.run(sql).await.map_err(|it| it.to_string())?;
        }
        Ok(())
    });
    (pid, task)
}

async fn waits(pid: i32, admin: &Session) {
    let waiting = format!("SELECT 1 FROM pg_stat_activity WHERE pid = {pid} AND wait_event_type = 'Lock'");
    for _ in 0..5000 {
        if admin.value(&waiting).await.unwrap().is_some() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("nothing waited");
}

/// Runs the first file of a plan, kills it while it waits for another session, and runs it again.
async fn cut_off(
    server: &Arc<Server>,
    (before, after): (&str, &str),
    prepare: &str,
    phase: usize,
    holder: &str,
    in_between: &str,
    expect: &str,
) -> Database {
    let plan = plan(&desired(before), &desired(after), server.version, &Answers::default());
    let database = server.create_database(None).await.unwrap();
    build(&database, &statements(before)).await.unwrap();
    let admin = database.connect_admin().await.unwrap();
    let other = database.connect().await.unwrap();
    other.run(prepare).await.unwrap();
    let files = files(&plan);
    for (forward, _) in &files[..phase] {
        run(&database, &statements(forward)).await.unwrap();
    }
    other.run("BEGIN").await.unwrap();
    other.run(holder).await.unwrap();
    let file = statements(&files[phase].0);
    let (pid, task) = begin(&database, &file).await;
    waits(pid, &admin).await;
    admin.run(&format!("SELECT pg_terminate_backend({pid})")).await.unwrap();
    assert!(task.await.unwrap().is_err());
    gone(pid, &admin).await;
    other.run("ROLLBACK").await.unwrap();
    assert_eq!(other.value(in_between).await.unwrap().as_deref(), Some(expect), "on {}", server.version);
    for (forward, _) in &files[phase..] {
        run(&database, &statements(forward)).await.unwrap_or_else(|it| panic!("on {}: {it}", server.version));
    }
    drop((other, admin));
    database
}

#[test]
fn an_index_left_invalid_is_built_again() {
    let before = "CREATE TABLE lines (id bigint PRIMARY KEY, sku text);";
    let after = "CREATE TABLE lines (id bigint PRIMARY KEY, sku text); CREATE INDEX lines_sku_idx ON lines (sku);";
    for version in [13, 18] {
        with_server(version, async |server| {
            let invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";
            let writer = "INSERT INTO lines VALUES (0, 'x')";
            let prepare = "INSERT INTO lines SELECT g, g::text FROM generate_series(1, 100) g";
            let database = cut_off(&server, (before, after), prepare, 0, writer, invalid, "1").await;
            let session = database.connect().await.unwrap();
            assert_eq!(session.value(invalid).await.unwrap().as_deref(), Some("0"));
            let valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'lines_sku_idx'::regclass";
            assert_eq!(session.value(valid).await.unwrap().as_deref(), Some("t"));
            drop(session);
            database.remove().await.unwrap();
        });
    }
}

#[test]
fn a_partition_half_detached_is_detached() {
    let table = "CREATE TABLE pings (id bigint, at date NOT NULL) PARTITION BY RANGE (at);";
    let before =
        format!("{table} CREATE TABLE pings_1 PARTITION OF pings FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');");
    let after = format!("{table} CREATE TABLE pings_1 (id bigint, at date NOT NULL);");
    for version in [14, 18] {
        with_server(version, async |server| {
            let pending = "SELECT count(*) FROM pg_inherits WHERE inhdetachpending";
            let reader = "SELECT count(*) FROM pings";
            let prepare = "INSERT INTO pings VALUES (1, '2026-02-02')";
            let database = cut_off(&server, (&before, &after), prepare, 0, reader, pending, "1").await;
            let session = database.connect().await.unwrap();
            let left = "SELECT count(*) FROM pg_inherits";
            assert_eq!(session.value(left).await.unwrap().as_deref(), Some("0"));
            assert_eq!(session.value("SELECT count(*) FROM pings_1").await.unwrap().as_deref(), Some("1"));
            drop(session);
            database.remove().await.unwrap();
        });
    }
}

#[test]
fn a_backfill_cut_in_the_middle_goes_on() {
    let before = "CREATE TABLE lines (id bigint PRIMARY KEY, sku text);";
    let after = "CREATE TABLE lines (id bigint PRIMARY KEY, sku text, public_id uuid DEFAULT gen_random_uuid());";
    for version in [13, 18] {
        with_server(version, async |server| {
            let prepare = "INSERT INTO lines SELECT g, g::text FROM generate_series(1, 5000) g";
            let holder = "SELECT FROM lines WHERE id = 3500 FOR UPDATE";
            let filled = "SELECT count(*) FROM lines WHERE public_id IS NOT NULL";
            let database = cut_off(&server, (before, after), prepare, 1, holder, filled, "3000").await;
            let session = database.connect().await.unwrap();
            assert_eq!(session.value(filled).await.unwrap().as_deref(), Some("5000"));
            drop(session);
            database.remove().await.unwrap();
        });
    }
}
