//! The files of a plan: their names, their text, and that real servers run them.

use expect_test::{Expect, expect, expect_file};
use lockkeeper::{
    dialect::postgres::Postgres,
    export::{self, Document, ExportContext, FORMATS, Format, OutFile, Staging},
    plan::*,
    shadow::connect::Session,
    sql::{Ddl, Ident, Index, IndexKey, Name},
};

use crate::{
    project::statements,
    servers::{VERSIONS, with_server},
};

/// A plan in four phases, small enough to be read and with every trait a file can have: several transactions, statements
/// outside of them, a retry, guards, loss.
fn plan() -> Plan {
    let table = Name::new("public", "shipments");
    let index = Index {
        name: Some(Name::new("public", "shipments_carbon_kg_idx")),
        table: table.clone(),
        unique: false,
        method: Ident::new("btree"),
        keys: vec![IndexKey::column(Ident::new("carbon_kg"))],
        include: vec![],
        nulls_not_distinct: false,
        predicate: None,
        options: Default::default(),
        tablespace: None,
        only: false,
        attached_to: None,
        statistics: Default::default(),
    };
    let create_index = Ddl::CreateIndex { index: Box::new(index), concurrently: true, if_not_exists: false };
    let drop_index = Ddl::DropIndex {
        name: Name::new("public", "shipments_carbon_kg_idx"),
        concurrently: true,
        if_exists: false,
        cascade: false,
    };
    Plan {
        dialect: "postgres",
        server_version: 15,
        changes: vec![ChangeSummary {
            id: "rename_column:shipments.co2_kg".to_owned(),
            kind: "rename_column",
            object: "shipments.co2_kg".to_owned(),
            summary: "Rename shipments.co2_kg to carbon_kg".to_owned(),
            destructive: false,
        }],
        questions: vec![],
        hazards: vec![],
        phases: vec![
            Phase {
                steps: vec![
                    step("ALTER TABLE shipments ADD COLUMN carbon_kg numeric", Some(1), "New code needs the column"),
                    step("COMMENT ON COLUMN shipments.carbon_kg IS 'carbon; in kg'", Some(1), "As the old one had"),
                    Step {
                        action: Action::Ddl(create_index),
                        timeouts: Timeouts { lock: Some(0), statement: Some(0) },
                        resume: Resume {
                            before: Some("DROP INDEX CONCURRENTLY IF EXISTS shipments_carbon_kg_idx".to_owned()),
                            sql: Some("CREATE INDEX CONCURRENTLY IF NOT EXISTS shipments_carbon_kg_idx ON shipments USING btree (carbon_kg)".to_owned()),
                            ..Resume::default()
                        },
                        ..step(
                            "CREATE INDEX CONCURRENTLY shipments_carbon_kg_idx ON shipments USING btree (carbon_kg)",
                            None,
                            "New code looks rows up by it",
                        )
                    },
                ],
                verify: vec![check(
                    "SELECT count(*) = 1 FROM pg_attribute WHERE attrelid = 'shipments'::regclass AND attname = 'carbon_kg'",
                    "t",
                    "shipments.carbon_kg exists",
                )],
                rollback: vec![
                    undo(Action::Ddl(drop_index), "DROP INDEX CONCURRENTLY shipments_carbon_kg_idx", None),
                    undo(Action::Data(String::new()), "ALTER TABLE shipments DROP COLUMN carbon_kg", Some(1)),
                ],
                ..phase(PhaseKind::Expand, "Add shipments.carbon_kg beside co2_kg")
            },
            Phase {
                steps: vec![Step {
                    timeouts: Timeouts { lock: None, statement: Some(0) },
                    ..step(
                        "DO $$\nBEGIN\n  UPDATE shipments SET carbon_kg = co2_kg WHERE carbon_kg IS NULL;\n  COMMIT;\nEND\n$$",
                        None,
                        "Old rows get their value",
                    )
                }],
                verify: vec![check(
                    "SELECT count(*) FROM shipments WHERE carbon_kg IS DISTINCT FROM co2_kg",
                    "0",
                    "rows where carbon_kg is not co2_kg's value",
                )],
                ..phase(PhaseKind::Backfill, "Copy co2_kg to carbon_kg")
            },
            Phase {
                gate: Some("every writer sets carbon_kg".to_owned()),
                steps: vec![
                    step(
                        "ALTER TABLE shipments ADD CONSTRAINT c CHECK (carbon_kg IS NOT NULL) NOT VALID",
                        Some(1),
                        "Holds for new rows",
                    ),
                    step("ALTER TABLE shipments VALIDATE CONSTRAINT c", Some(2), "Holds for old rows"),
                ],
                rollback: vec![undo(Action::Data(String::new()), "ALTER TABLE shipments DROP CONSTRAINT c", Some(1))],
                verify: vec![check(
                    "SELECT convalidated FROM pg_constraint WHERE conname = 'c'",
                    "t",
                    "constraint c is valid",
                )],
                ..phase(PhaseKind::Enforce, "carbon_kg is always there")
            },
            Phase {
                gate: Some("no instance reads or writes shipments.co2_kg".to_owned()),
                steps: vec![step("ALTER TABLE shipments DROP COLUMN co2_kg", Some(1), "Nobody needs it")],
                rollback: vec![undo(
                    Action::Data(String::new()),
                    "ALTER TABLE shipments ADD COLUMN co2_kg numeric",
                    Some(1),
                )],
                irreversible: Some(Irreversible {
                    lost: "every value of shipments.co2_kg that carbon_kg does not hold".to_owned(),
                    checklist: vec!["a backup from today can be restored".to_owned()],
                    shape: false,
                }),
                ..phase(PhaseKind::Contract, "Drop shipments.co2_kg")
            },
        ],
    }
}

fn phase(kind: PhaseKind, title: &str) -> Phase {
    Phase {
        kind,
        title: title.to_owned(),
        gate: None,
        preflight: vec![],
        steps: vec![],
        verify: vec![],
        rollback: vec![],
        irreversible: None,
        begun: vec![],
    }
}

fn step(sql: &str, tx: Option<u32>, why: &str) -> Step {
    Step {
        action: Action::Data(sql.to_owned()),
        sql: sql.to_owned(),
        tx,
        locks: vec![Lock { object: Name::new("public", "shipments"), mode: LockMode::AccessExclusive }],
        rewrites: false,
        scans: false,
        estimate: None,
        timeouts: Timeouts { lock: Some(3000), statement: Some(3000) },
        resume: Resume::default(),
        why: why.to_owned(),
        changes: vec!["rename_column:shipments.co2_kg".to_owned()],
    }
}

fn check(sql: &str, expect: &str, why: &str) -> Check {
    Check { sql: sql.to_owned(), expect: expect.to_owned(), why: why.to_owned() }
}

fn undo(action: Action, sql: &str, tx: Option<u32>) -> RollbackStep {
    RollbackStep {
        action,
        sql: sql.to_owned(),
        tx,
        timeouts: Timeouts { lock: Some(3000), statement: None },
        resume: Resume::default(),
    }
}

const NOW: &str = "20261121014519";

fn render(format: &'static Format, names: &[&str], staging: Staging) -> Vec<OutFile> {
    let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
    let ctx =
        ExportContext { format, names: &names, now: Some(NOW), timestamps: false, from: "before.sql", to: "after.sql" };
    export::render(&plan(), &Postgres, &ctx, staging)
}

/// All files but the document, one under the other.
fn listing(files: &[OutFile]) -> String {
    let shown = files.iter().filter(|it| it.path.extension().is_none_or(|it| it != "md"));
    shown.map(|it| format!("==> {} <==\n{}\n", it.path.display(), it.contents)).collect()
}

fn names(files: &[OutFile]) -> String {
    files.iter().map(|it| format!("{}\n", it.path.display())).collect()
}

#[track_caller]
fn check_names(format: &str, existing: &[&str], staging: Staging, expect: Expect) {
    expect.assert_eq(&names(&render(Format::by_name(format).unwrap(), existing, staging)));
}

#[test]
fn the_text_of_every_format_is_as_it_was() {
    for format in FORMATS {
        let files = render(format, &[], Staging::All);
        expect_file![format!("exports/{}.txt", format.name)].assert_eq(&listing(&files));
    }
}

#[test]
fn the_plan_document_is_as_it_was_and_carries_the_plan() {
    let files = render(&FORMATS[0], &["0007_x.sql"], Staging::First);
    let document = files.last().unwrap();
    assert_eq!(document.path.display().to_string(), "0008_rename_column_shipments_co2_kg.plan.md");
    expect_file!["exports/plan.md"].assert_eq(&document.contents);
    let parsed = Document::parse(&document.contents).unwrap();
    assert_eq!(parsed.plan, export::json::Plan::new(&plan(), &Postgres));
    assert_eq!(Document::parse("# A plan\n"), None);
}

#[test]
fn the_first_phase_comes_first_and_the_others_by_advancing() {
    check_names(
        "flyway",
        &["V7__x.sql"],
        Staging::First,
        expect![[r#"
            V8.1__expand_rename_column_shipments_co2_kg.sql
            V8.2__expand_2_rename_column_shipments_co2_kg.sql
            V8.2__expand_2_rename_column_shipments_co2_kg.sql.conf
            rollback/undo_V8.1__expand_rename_column_shipments_co2_kg.sql
            V8__rename_column_shipments_co2_kg.plan.md
        "#]],
    );
    let mut files = render(Format::by_name("flyway").unwrap(), &["V7__x.sql"], Staging::First);
    let document = Document::parse(&files.last().unwrap().contents).unwrap();
    let mut seen = String::new();
    loop {
        let there: Vec<(String, &str)> =
            files.iter().map(|it| (it.path.display().to_string(), it.contents.as_str())).collect();
        let names: Vec<String> = there.iter().map(|it| it.0.clone()).collect();
        match export::advance(&document, &names, &there, Some(NOW)) {
            Ok(next) => {
                seen.push_str(&self::names(&next));
                files.extend(next);
            }
            Err(why) => {
                assert_eq!(why, "every phase of the plan has been written");
                break;
            }
        }
    }
    expect![[r#"
        V8.3__backfill_rename_column_shipments_co2_kg.sql
        V8.4__backfill_2_rename_column_shipments_co2_kg.sql
        V8.4__backfill_2_rename_column_shipments_co2_kg.sql.conf
        rollback/undo_V8.3__backfill_rename_column_shipments_co2_kg.sql
        V8.5__enforce_rename_column_shipments_co2_kg.sql
        V8.6__enforce_2_rename_column_shipments_co2_kg.sql
        rollback/undo_V8.5__enforce_rename_column_shipments_co2_kg.sql
        V8.7__contract_rename_column_shipments_co2_kg.sql
        rollback/undo_V8.7__contract_rename_column_shipments_co2_kg.sql
    "#]]
    .assert_eq(&seen);
}

#[test]
fn a_plan_for_no_change_has_no_files() {
    let nothing = Plan { changes: vec![], phases: vec![], ..plan() };
    let ctx = ExportContext { format: &FORMATS[0], names: &[], now: None, timestamps: false, from: "a", to: "b" };
    assert_eq!(export::render(&nothing, &Postgres, &ctx, Staging::All), []);
}

/// Runs a file as psql would without ON_ERROR_STOP: every statement, whatever became of the one before.
async fn run(session: &Session, text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    for sql in statements(text) {
        if let Err(error) = session.run(&sql).await {
            errors.push(format!("{error}"));
        }
    }
    errors
}

const BEFORE: &str = "CREATE TABLE shipments (id bigint PRIMARY KEY, co2_kg numeric);
    INSERT INTO shipments SELECT n, n * 1.5 FROM generate_series(1, 100) n;";

/// What is in the table, and what the table is.
const STATE: &str = "SELECT string_agg(attname || ' ' || atttypid::regtype, ', ' ORDER BY attnum) || ' | '
    || (SELECT count(*) || ' ' || coalesce(string_agg(conname, ',' ORDER BY conname), '') FROM pg_constraint WHERE conrelid = 'shipments'::regclass AND contype = 'c') || ' | '
    || (SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relkind = 'i' AND relname LIKE 'shipments%')
    FROM pg_attribute WHERE attrelid = 'shipments'::regclass AND attnum > 0 AND NOT attisdropped";

#[test]
fn plain_files_run_and_can_be_taken_back() {
    for version in VERSIONS {
        with_server(version, async |server| {
            let files = render(&FORMATS[0], &[], Staging::All);
            let database = server.create_database(None).await.unwrap();
            let session = database.connect().await.unwrap();
            assert_eq!(run(&session, BEFORE).await, Vec::<String>::new());
            let mut states = vec![];
            let forward: Vec<_> = files
                .iter()
                .filter(|it| it.path.components().count() == 1 && it.path.extension().unwrap() == "sql")
                .collect();
            let back: Vec<_> = files.iter().filter(|it| it.path.starts_with("rollback")).collect();
            assert_eq!((forward.len(), back.len()), (4, 4));
            for file in &forward {
                states.push(session.value(STATE).await.unwrap());
                // Twice: a file that ran to its end bears it as far as its statements outside transactions go.
                let errors = run(&session, &file.contents).await;
                assert!(errors.is_empty(), "on {version}, {}: {errors:?}", file.path.display());
            }
            for (file, state) in back.iter().zip(&states).rev() {
                let errors = run(&session, &file.contents).await;
                assert!(errors.is_empty(), "on {version}, {}: {errors:?}", file.path.display());
                let now = session.value(STATE).await.unwrap();
                if file.path.to_string_lossy().contains("contract") {
                    // The column comes back at the end of the table.
                    assert!(now.unwrap().contains("co2_kg numeric"));
                } else {
                    let sorted = |it: &Option<String>| {
                        let mut words: Vec<_> =
                            it.clone().unwrap().split([',', '|']).map(|it| it.trim().to_owned()).collect();
                        words.sort();
                        words
                    };
                    assert_eq!(sorted(&now), sorted(state), "on {version}, {}", file.path.display());
                }
            }
            drop(session);
            database.remove().await.unwrap();
        });
    }
}

#[test]
fn a_guard_keeps_everything_as_it_was_even_from_a_client_that_goes_on() {
    with_server(15, async |server| {
        for format in ["sql", "flyway"] {
            let files = render(Format::by_name(format).unwrap(), &[], Staging::All);
            let database = server.create_database(None).await.unwrap();
            let session = database.connect().await.unwrap();
            run(&session, BEFORE).await;
            session.run("ALTER TABLE shipments ADD COLUMN carbon_kg numeric").await.unwrap();
            let before = session.value(STATE).await.unwrap();
            let enforce = files.iter().find(|it| it.path.to_string_lossy().contains("enforce")).unwrap();
            let errors = run(&session, &enforce.contents).await;
            let message = "lockkeeper: the backfill phase has not done its work: rows where carbon_kg is not co2_kg's value: expected 0, found 100";
            assert!(errors[0].contains(message), "{errors:?}");
            if format == "sql" {
                assert_eq!(session.value(STATE).await.unwrap(), before);
                // The session is as it was, too.
                assert_eq!(session.value("SHOW default_transaction_read_only").await.unwrap().unwrap(), "off");
            }
            drop(session);
            database.remove().await.unwrap();
        }
    });
}
