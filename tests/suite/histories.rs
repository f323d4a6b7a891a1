//! Real histories: twenty points of each, planned from one to the next, run on a real server there, back and there again.
//!
//! `LOCKKEEPER_CASE=part of a name` runs some only.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use lockkeeper::{
    catalog::{Catalog, Source, replay},
    dialect::{parse_file, postgres::Postgres},
    plan::Answers,
    shadow::{
        build::shorten,
        server::Server,
        verify::{VerifyInput, verify_on},
    },
    sql::Ddl,
};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    corpus::{History, histories, prelude, shared},
    plans,
    servers::{VERSIONS, with_database, with_server},
};

/// Points of a history, the empty database before its first file not counted.
const POINTS: usize = 20;

/// Verifications at a time: more than this only wait for each other.
const AT_ONCE: usize = 3;

/// Generated rows per table.
const ROWS: u64 = 10;

/// Those with files enough, and the oldest server that takes what they say; the others of the corpus are whole schemas, or
/// have a handful.
const PROJECTS: [(&str, u32); 10] = [
    // CREATE OR REPLACE TRIGGER.
    ("atuin", 14),
    ("authelia", 13),
    ("graphile-worker", 13),
    ("hoppscotch", 13),
    // Function bodies of SQL.
    ("kestra", 14),
    ("memos", 13),
    ("rauthy", 13),
    ("rust-registry", 13),
    ("supabase-auth", 13),
    ("temporal default versioned", 13),
];

/// What need not hold, by a part of the line, and why.
const EXPLAINED: &[(&str, &str)] = &[
    (
        "COLUMN background_jobs.last_retry",
        "a default that was a timestamp before its column had a time zone: the server keeps the cast, the value is the same",
    ),
    (
        "oauth2_consent_session column expires_at: only in the first",
        "it may have moved to a new table whose rows need more than it: that is asked, and until it is answered it stays",
    ),
];

/// The schema as it stood after one of the files.
struct Point {
    file: String,
    statements: Vec<String>,
    catalog: Catalog,
}

impl Point {
    fn new(file: &str, statements: &[String]) -> Self {
        let text = statements.join(";\n");
        let catalog = replay(Catalog::new(), &[Source { statements: parse_file(&Postgres, &text).0.into() }]).catalog;
        Self { file: file.to_owned(), statements: statements.to_vec(), catalog }
    }
}

/// From one point to the next.
#[derive(Clone)]
struct Hop {
    name: String,
    before: Arc<Point>,
    after: Arc<Point>,
}

/// The statements of each file that the server takes. Histories whose beginning is not in the corpus have others, and
/// rows are generated: what only moves rows is left out.
fn accepted(history: &History, version: u32) -> Vec<Vec<String>> {
    with_database(version, async |database| {
        let admin = database.connect_admin().await.unwrap();
        // Owners and grantees of some histories. Another history may have made it.
        let _ = admin.run("CREATE ROLE postgres").await;
        admin.run("GRANT postgres TO lockkeeper").await.unwrap();
        for it in prelude(&history.name) {
            admin.run(it).await.unwrap();
        }
        let session = database.connect().await.unwrap();
        let mut res = Vec::new();
        for (_, text) in &history.files {
            let mut taken = Vec::new();
            for statement in parse_file(&Postgres, text).0 {
                let rows = matches!(statement.parsed.ddl.as_slice(), [Ddl::Data(_) | Ddl::Transaction(_)]);
                let text = &text[statement.range.clone()];
                if session.run(text).await.is_ok() && !rows {
                    taken.push(text.to_owned());
                }
            }
            res.push(taken);
        }
        res
    })
}

/// Evenly spread over the files, the last one among them.
fn hops(history: &History) -> Vec<Hop> {
    let files = history.files.len();
    let count = POINTS.min(files);
    let accepted = accepted(history, *VERSIONS.end());
    let mut statements: Vec<String> = prelude(&history.name).iter().map(|it| (*it).to_owned()).collect();
    let (mut before, mut from, mut res) = (Arc::new(Point::new("nothing", &statements)), 0, Vec::new());
    for i in 0..count {
        let to = (i + 1) * files / count;
        statements.extend(accepted[from..to].iter().flatten().cloned());
        from = to;
        let after = Arc::new(Point::new(&history.files[to - 1].0, &statements));
        let name = format!("{}: {} > {}", history.name, before.file, after.file);
        res.push(Hop { name, before: Arc::clone(&before), after: Arc::clone(&after) });
        before = after;
    }
    res
}

/// Plans, applies in memory and runs; what is not as planned is the error.
async fn run(server: &Arc<Server>, hop: &Hop) -> Result<usize, String> {
    let (before, after) = (&hop.before.catalog, &hop.after.catalog);
    let planned =
        catch_unwind(AssertUnwindSafe(|| plans::there_and_back(before, after, server.version, &Answers::default())));
    let plan = planned.map_err(|_| "panic while planning".to_owned())?.map_err(|it| it.text)?;
    let input = VerifyInput {
        baseline: &hop.before.statements,
        target: &hop.after.statements,
        plan: &plan,
        rows: ROWS,
        old_code: &[],
        new_code: &[],
    };
    let report = verify_on(server, &input).await.map_err(|it| format!("{it:#}"))?;
    let Some(it) = report.mismatches.first() else { return Ok(plan.phases.len()) };
    let sql = it.sql.as_deref().map(shorten).unwrap_or_default();
    let more = report.mismatches.len() - 1;
    let details = it.details.join("\n    ");
    Err(format!(
        "{} {}: {} (and {more} more)\n    {details}\n    {sql}\n{}",
        it.direction.as_str(),
        it.kind.as_str(),
        it.message,
        plans::shown(&plan)
    ))
}

async fn run_all(server: &Arc<Server>, hops: Vec<Hop>) -> Vec<(Hop, Result<usize, String>)> {
    let (gate, mut tasks) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    for hop in hops {
        let (server, gate) = (Arc::clone(server), Arc::clone(&gate));
        tasks.spawn(async move {
            let _permit = gate.acquire_owned().await.unwrap();
            let outcome = run(&server, &hop).await;
            (hop, outcome)
        });
    }
    tasks.join_all().await
}

#[test]
fn real_histories_are_planned_from_point_to_point() {
    let Some(corpus) = shared("LOCKKEEPER_CORPUS", "corpus") else { return };
    let begin = Instant::now();
    let only = std::env::var("LOCKKEEPER_CASE").ok();
    let all = histories(&corpus);
    let mut by_version: BTreeMap<u32, Vec<Hop>> = BTreeMap::new();
    let mut count = 0;
    for (i, (project, oldest)) in PROJECTS.iter().enumerate() {
        if only.as_ref().and_then(|it| it.split_once(':')).is_some_and(|it| it.0 != *project) {
            continue;
        }
        let history = all.iter().find(|it| it.name == *project).unwrap_or_else(|| panic!("no history of {project}"));
        for (at, hop) in hops(history).into_iter().enumerate() {
            if only.as_ref().is_none_or(|it| hop.name.contains(it)) {
                let versions: Vec<u32> = VERSIONS.filter(|it| it >= oldest).collect();
                let version = versions[(i + at) % versions.len()];
                by_version.entry(version).or_default().push(hop);
                count += 1;
            }
        }
    }
    eprintln!("read in {:?}", begin.elapsed());
    let (mut phases, mut failures) = (0, Vec::new());
    for (version, hops) in by_version {
        for (hop, outcome) in with_server(version, async |server| run_all(&server, hops).await) {
            match outcome {
                Ok(it) => phases += it,
                Err(why) => failures.push(format!("{} on {version}: {why}", hop.name)),
            }
        }
    }
    eprintln!("{count} plans of real histories, {phases} phases run in {:?}", begin.elapsed());
    failures.sort();
    let (known, new): (Vec<_>, Vec<_>) =
        failures.into_iter().partition(|line| EXPLAINED.iter().any(|(part, _)| line.contains(part)));
    known.iter().for_each(|it| eprintln!("explained: {it}"));
    assert!(new.is_empty(), "{} of {count} fail:\n{}", new.len(), new.join("\n"));
}
