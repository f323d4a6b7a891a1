//! Before/after pairs from other tools' test suites (migra, tusker, sqldef), each planned and verified on a real server.
//!
//! Known failures stand in `cases.known.txt`: a case that is not in it must converge. `UPDATE_EXPECT=1` rewrites the file.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use lockkeeper::{
    catalog::{self, Build, Source},
    changes,
    dialect::{parse_file, postgres::Postgres},
    plan::{Answers, Facts, Plan},
    planner::{self, Selection},
    shadow::{
        build::shorten,
        server::Server,
        verify::{VerifyInput, verify_on},
    },
    sql::Severity,
};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::servers::with_server;

/// Servers are newer than what most cases ask for, and older than the newest, so that both ends are covered elsewhere.
const VERSION: u32 = 16;

/// Verifications at a time: more than this only wait for each other.
const AT_ONCE: usize = 3;

struct Case {
    id: String,
    before: String,
    after: String,
    version: u32,
}

/// What became of a case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Outcome {
    Converges,
    /// The server itself refuses the case's own SQL: nothing to plan.
    Refused(String),
    Fails(String),
}

fn cases(folder: &std::path::Path) -> Vec<Case> {
    let mut res = Vec::new();
    for (file, before, after) in [
        ("migra_cases.json", "old", "new"),
        ("tusker_cases.json", "old", "new"),
        ("sqldef_psqldef.json", "current", "desired"),
    ] {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let set = file.split('_').next().unwrap();
        for case in json["cases"].as_array().unwrap() {
            let text = |key: &str| case[key].as_str().unwrap_or_default().to_owned();
            let min = case["min_version"].as_str().and_then(|it| it.split('.').next()?.parse().ok());
            res.push(Case {
                id: format!("{set}:{}", text("id")),
                before: text(before),
                after: text(after),
                version: min.unwrap_or(0).clamp(VERSION, 18),
            });
        }
    }
    res
}

/// A schema's statements and its catalog.
fn read(text: &str) -> (Vec<String>, Build) {
    let (statements, _) = parse_file(&Postgres, text);
    let texts = statements.iter().filter_map(|it| text.get(it.range.clone())).map(str::to_owned).collect();
    (texts, catalog::desired(&[Source { statements: statements.into() }]))
}

fn plan(before: &Build, after: &Build, version: u32) -> Plan {
    let facts = Facts::for_version(version);
    let answers = Answers::default();
    let input = changes::Input {
        before: &before.catalog,
        after: &after.catalog,
        dialect: &Postgres,
        facts: &facts,
        answers: &answers,
    };
    planner::plan(input, &Selection::default())
}

/// sqldef's own harness makes the schemas that a case's files take for granted; so does this.
async fn run(server: &Arc<Server>, case: &Case) -> Outcome {
    let outcome = run_once(server, case).await;
    let Outcome::Refused(why) = &outcome else { return outcome };
    let schema = why.split_once("schema \"").and_then(|it| it.1.split_once("\" does not exist"));
    let Some((schema, _)) = schema else { return outcome };
    let create = |text: &str| match text.to_uppercase().contains("CREATE SCHEMA") {
        true => text.to_owned(),
        false => format!("CREATE SCHEMA {schema};\n{text}"),
    };
    let case = Case { id: case.id.clone(), before: create(&case.before), after: create(&case.after), ..*case };
    run_once(server, &case).await
}

async fn run_once(server: &Arc<Server>, case: &Case) -> Outcome {
    let planned = catch_unwind(AssertUnwindSafe(|| {
        let (before, after) = (read(&case.before), read(&case.after));
        let plan = plan(&before.1, &after.1, case.version);
        (before, after, plan)
    }));
    let Ok((before, after, plan)) = planned else { return Outcome::Fails("PANIC while planning".into()) };
    let input =
        VerifyInput { baseline: &before.0, target: &after.0, plan: &plan, rows: 20, old_code: &[], new_code: &[] };
    let report = match verify_on(server, &input).await {
        Ok(report) => report,
        Err(error) => {
            let text = format!("{error:#}");
            let is_theirs = text.contains("schema cannot be built");
            return if is_theirs { Outcome::Refused(text) } else { Outcome::Fails(text) };
        }
    };
    let unread = before.1.problems.iter().chain(&after.1.problems).find(|it| it.1.severity == Severity::Error);
    match (report.mismatches.first(), unread) {
        (None, None) => Outcome::Converges,
        (None, Some((_, problem))) => Outcome::Fails(format!("could not be read: {}", problem.message)),
        (Some(mismatch), unread) => {
            let unread = unread.map(|it| format!(" (could not be read: {})", it.1.message)).unwrap_or_default();
            let details = shorten(&mismatch.details.join(" "));
            let sql = mismatch.sql.as_deref().map(shorten).unwrap_or_default();
            Outcome::Fails(format!(
                "{} {}: {} {details}{sql}{unread}",
                mismatch.direction.as_str(),
                mismatch.kind.as_str(),
                mismatch.message
            ))
        }
    }
}

async fn run_all(server: &Arc<Server>, cases: Vec<Case>) -> BTreeMap<String, Outcome> {
    let (gate, mut tasks) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    for case in cases {
        let (server, gate) = (Arc::clone(server), Arc::clone(&gate));
        tasks.spawn(async move {
            let _permit = gate.acquire_owned().await.unwrap();
            let outcome = run(&server, &case).await;
            (case.id, outcome)
        });
    }
    tasks.join_all().await.into_iter().collect()
}

#[test]
fn cases_of_other_tools_converge() {
    let Some(folder) = crate::corpus::shared("LOCKKEEPER_CASES", "cases") else { return };
    let mut by_version: BTreeMap<u32, Vec<Case>> = BTreeMap::new();
    for case in cases(&folder).into_iter().filter(|it| wanted(&it.id)) {
        by_version.entry(case.version).or_default().push(case);
    }
    let mut outcomes = BTreeMap::new();
    for (version, cases) in by_version {
        outcomes.extend(with_server(version, async |server| run_all(&server, cases).await));
    }
    let mut known = String::new();
    for set in ["migra", "tusker", "sqldef"] {
        let own: Vec<_> = outcomes.iter().filter(|it| it.0.starts_with(set)).collect();
        let count = |is: fn(&Outcome) -> bool| own.iter().filter(|it| is(it.1)).count();
        eprintln!(
            "{set}: {} of {} converge, {} fail, {} are refused by the server itself",
            count(|it| *it == Outcome::Converges),
            own.len(),
            count(|it| matches!(it, Outcome::Fails(_))),
            count(|it| matches!(it, Outcome::Refused(_))),
        );
    }
    for (id, outcome) in &outcomes {
        let (word, why) = match outcome {
            Outcome::Converges => continue,
            Outcome::Refused(why) => ("refused", why),
            Outcome::Fails(why) => ("fails", why),
        };
        eprintln!("  {word} {id}: {why}");
        known += &format!("{word} {id}\n");
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() && std::env::var_os("LOCKKEEPER_CASE").is_none() {
        return expect_test::expect_file!["cases.known.txt"].assert_eq(&known);
    }
    let (before, now) = (lines(include_str!("cases.known.txt")), lines(&known));
    for mended in before.difference(&now).filter(|it| wanted(it)) {
        eprintln!("  now converges: {mended} (UPDATE_EXPECT=1 takes it off the list)");
    }
    let worse: Vec<_> = now.difference(&before).collect();
    assert!(worse.is_empty(), "these did converge: {worse:#?}");
}

fn lines(text: &str) -> BTreeSet<&str> {
    text.lines().collect()
}

/// `LOCKKEEPER_CASE=part of an id` runs some only, for looking into them.
fn wanted(id: &str) -> bool {
    std::env::var("LOCKKEEPER_CASE").map_or(true, |it| id.contains(&it))
}
