//! What a plan drops and was told to keep aside comes back whole.

use std::collections::BTreeMap;

use lockkeeper::{
    plan::{Answers, PhaseKind},
    shadow::{
        build::build,
        checksums::{checksums, compare},
        introspect::{differences, snapshot},
        rows,
    },
};

use crate::{
    killed::{files, run_file},
    plans::{desired, plan},
    project::statements,
    servers::with_server,
};

const BEFORE: &str = "
    CREATE TABLE carriers (id bigint PRIMARY KEY, fax text NOT NULL, rating integer NOT NULL DEFAULT 3, meta jsonb);
    CREATE INDEX carriers_fax_idx ON carriers (fax);
    CREATE TABLE stops (route integer, n integer, note text, PRIMARY KEY (route, n));
    CREATE TABLE calls (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, carrier_id bigint REFERENCES carriers, said text);
    CREATE TABLE heap (note text, other text);
";
const AFTER: &str = "
    CREATE TABLE carriers (id bigint PRIMARY KEY);
    CREATE TABLE stops (route integer, n integer, PRIMARY KEY (route, n));
    CREATE TABLE heap (other text);
";

fn keep(ids: &[&str]) -> Answers {
    let by_id: BTreeMap<_, _> = ids.iter().map(|it| (format!("archive:{it}"), "archive".to_owned())).collect();
    Answers { by_id, ..Answers::default() }
}

#[test]
fn everything_that_can_be_kept_is_offered() {
    let plan = plan(&desired(BEFORE), &desired(AFTER), 15, &Answers::default());
    let ids: Vec<&str> = plan.questions.iter().map(|it| it.id.as_str()).collect();
    // A table without a key: the values would not find their rows again.
    let offered = [
        "archive:carriers.fax",
        "archive:carriers.rating",
        "archive:carriers.meta",
        "archive:stops.note",
        "archive:calls",
    ];
    assert_eq!(ids, offered);
    let none = |id: &str| if id == "archive:calls" { "tripwire" } else { "none" };
    assert!(plan.questions.iter().all(|it| it.assumed == none(&it.id) && !it.answered));
    let last = plan.phases.iter().find(|it| it.kind == PhaseKind::Retire).unwrap();
    assert!(last.irreversible.as_ref().is_some_and(|it| it.lost.contains("every row of calls")));
}

#[test]
fn what_was_kept_comes_back() {
    let answers = keep(&["carriers.fax", "carriers.rating", "carriers.meta", "stops.note", "calls"]);
    let (before, after) = (desired(BEFORE), desired(AFTER));
    for version in [13, 18] {
        let plan = plan(&before, &after, version, &answers);
        let lost: Vec<_> = plan.phases.iter().filter_map(|it| it.irreversible.as_ref().map(|it| &it.lost)).collect();
        assert_eq!(lost, ["every value of heap.note"], "on {version}");
        with_server(version, async |server| {
            let database = server.create_database(None).await.unwrap();
            build(&database, &statements(BEFORE)).await.unwrap();
            let session = database.connect().await.unwrap();
            rows::fill(&session, 40).await.unwrap();
            let (schema, sums) = (snapshot(&session).await.unwrap(), checksums(&session).await.unwrap());
            let files = files(&plan);
            for (forward, _) in &files {
                run_file(&database, forward).await.unwrap_or_else(|it| panic!("on {version}: {it}"));
            }
            let kept = "SELECT count(fax) FROM carriers__fax_archive";
            assert_eq!(session.value(kept).await.unwrap().as_deref(), Some("40"), "on {version}");
            assert_eq!(session.value("SELECT count(*) FROM calls__archive").await.unwrap().as_deref(), Some("40"));
            for (_, back) in files.iter().rev() {
                run_file(&database, back).await.unwrap_or_else(|it| panic!("on {version}: {it}"));
            }
            let now = (snapshot(&session).await.unwrap(), checksums(&session).await.unwrap());
            assert_eq!(differences(&schema.fingerprint, &now.0.fingerprint), Vec::<String>::new(), "on {version}");
            let heap = ["public.heap.note".to_owned()];
            assert_eq!(compare(&sums, &now.1, &heap), Vec::<String>::new(), "on {version}");
            drop(session);
            database.remove().await.unwrap();
        });
    }
}
