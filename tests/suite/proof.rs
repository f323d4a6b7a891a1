//! `verify` itself: plans made by hand, right ones and wrong ones, on real servers.

use std::sync::Arc;

use lockkeeper::{
    plan::*,
    shadow::{
        report::{MismatchKind, Report},
        server::Server,
        verify::{VerifyInput, verify_on},
    },
    sql::{Ddl, Ident, Name},
};

use crate::servers::{VERSIONS, with_server};

const BEFORE: &str = "CREATE TABLE item (id bigint PRIMARY KEY, name text, legacy text)";

/// A step as the planner would make it. Of its action, only whether it may run in a transaction matters to a proof.
fn step(sql: &str, tx: Option<u32>, locks: &[(&str, LockMode)]) -> Step {
    let concurrently = sql.contains("CONCURRENTLY");
    let ddl = Ddl::DropIndex { name: Name::bare("x"), concurrently, if_exists: false, cascade: false };
    let is_data = ["DO", "DELETE", "UPDATE", "SELECT"].iter().any(|it| sql.starts_with(it));
    Step {
        action: if is_data { Action::Data(sql.into()) } else { Action::Ddl(ddl) },
        sql: sql.into(),
        tx,
        locks: locks.iter().map(|(name, mode)| Lock { object: Name::new("public", name), mode: *mode }).collect(),
        rewrites: false,
        scans: false,
        estimate: None,
        timeouts: Timeouts { lock: Some(2000), statement: None },
        resume: Resume::default(),
        why: "test".into(),
        changes: vec![],
    }
}

fn undo(sql: &str, tx: Option<u32>) -> RollbackStep {
    let step = step(sql, tx, &[]);
    RollbackStep { action: step.action, sql: step.sql, tx, timeouts: Timeouts::default(), resume: Resume::default() }
}

fn phase(kind: PhaseKind, steps: Vec<Step>, rollback: Vec<RollbackStep>) -> Phase {
    let title = kind.as_str().into();
    Phase {
        kind,
        title,
        gate: None,
        preflight: vec![],
        steps,
        verify: vec![],
        rollback,
        irreversible: None,
        begun: vec![],
    }
}

fn plan(phases: Vec<Phase>) -> Plan {
    Plan { dialect: "postgres", server_version: 15, changes: vec![], questions: vec![], hazards: vec![], phases }
}

/// Two columns replace one, with everything a plan may hold.
fn good() -> Plan {
    use LockMode::*;
    let check = |sql: &str, expect: &str| Check { sql: sql.into(), expect: expect.into(), why: "test".into() };
    let mut expand = phase(
        PhaseKind::Expand,
        vec![
            step("ALTER TABLE item ADD COLUMN label text", Some(1), &[("item", AccessExclusive)]),
            step("ALTER TABLE item ADD CONSTRAINT label_set CHECK (label IS NOT NULL) NOT VALID", Some(1), &[]),
            step("ALTER TABLE item DROP CONSTRAINT label_set", Some(1), &[]),
            step("CREATE INDEX CONCURRENTLY item_label_idx ON item (label)", None, &[("item", ShareUpdateExclusive)]),
        ],
        vec![undo("DROP INDEX CONCURRENTLY item_label_idx", None), undo("ALTER TABLE item DROP COLUMN label", Some(1))],
    );
    expand.preflight = vec![check("SELECT count(*) > 0 FROM item", "t")];
    expand.verify = vec![check("SELECT indisvalid FROM pg_index WHERE indexrelid = 'item_label_idx'::regclass", "t")];
    let backfill = Backfill {
        table: Name::bare("item"),
        key: vec![],
        set: vec![(Ident::new("label"), "t.name".into())],
        fills: vec![Ident::new("label")],
        pending: String::new(),
        batch: 10,
    };
    let fill = Step {
        action: Action::Backfill(backfill),
        ..step(
            "DO $$ BEGIN FOR i IN 0..9 LOOP UPDATE item SET label = name WHERE id % 10 = i; COMMIT; END LOOP; END $$",
            None,
            &[("item", RowExclusive)],
        )
    };
    let mut contract = phase(
        PhaseKind::Contract,
        vec![step("ALTER TABLE item DROP COLUMN legacy", Some(1), &[("item", AccessExclusive)])],
        vec![undo("ALTER TABLE item ADD COLUMN legacy text", Some(1))],
    );
    contract.irreversible =
        Some(Irreversible { lost: "every value of item.legacy".into(), checklist: vec![], shape: false });
    plan(vec![expand, phase(PhaseKind::Backfill, vec![fill], vec![]), contract])
}

const AFTER: &[&str] = &[
    "CREATE INDEX item_label_idx ON item (label)",
    "CREATE TABLE item (id bigint PRIMARY KEY, name text, label text)",
];

async fn prove(server: &Arc<Server>, plan: &Plan, after: &[&str]) -> Report {
    let own = |list: &[&str]| list.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let input = VerifyInput {
        baseline: &own(&[BEFORE]),
        target: &own(after),
        plan,
        rows: 100,
        old_code: &own(&["INSERT INTO item (id, name, legacy) VALUES (-1, 'a', 'b')", "SELECT legacy FROM item"]),
        new_code: &own(&["INSERT INTO item (id, label) VALUES (-1, 'a')"]),
    };
    verify_on(server, &input).await.unwrap()
}

#[track_caller]
fn check(plan: &Plan, after: &[&str], kind: MismatchKind, text: &str) {
    let report = with_server(15, async |server| prove(&server, plan, after).await);
    let found = report
        .mismatches
        .iter()
        .any(|it| it.kind == kind && (it.message.contains(text) || it.details.iter().any(|line| line.contains(text))));
    assert!(found, "expected {} with {text:?} in {:#?}", kind.as_str(), report.mismatches);
}

#[test]
fn a_right_plan_is_proven_on_every_version() {
    for version in VERSIONS {
        let report = with_server(version, async |server| prove(&server, &good(), AFTER).await);
        assert!(report.ok(), "on {version}: {:#?}", report.mismatches);
        assert_eq!((report.phases.len(), report.rows, report.server_version), (3, 100, version));
        let index = &report.phases[0].steps[3];
        // CONCURRENTLY is seen from another session.
        assert_eq!(index.taken, index.promised, "on {version}");
    }
}

#[test]
fn a_lock_that_was_not_promised_is_found() {
    let mut plan = good();
    plan.phases[0].steps[0].locks.clear();
    check(&plan, AFTER, MismatchKind::Lock, "AccessExclusive on item was taken, and no lock on it was promised");
    let mut plan = good();
    plan.phases[0].steps[3].sql = "CREATE INDEX item_label_idx ON item (label)".into();
    check(&plan, AFTER, MismatchKind::Lock, "Share on item was taken, ShareUpdateExclusive was promised");
}

#[test]
fn a_rewrite_that_was_not_promised_is_found() {
    let mut plan = good();
    plan.phases[0].steps[0].sql = "ALTER TABLE item ADD COLUMN label text DEFAULT random()::text".into();
    check(&plan, AFTER, MismatchKind::Rewrite, "item was rewritten");
}

#[test]
fn another_schema_than_the_targets_is_found() {
    check(&good(), &[AFTER[1]], MismatchKind::Schema, "+ CREATE INDEX item_label_idx");
}

#[test]
fn a_rollback_that_leaves_something_is_found() {
    let mut plan = good();
    plan.phases[0].rollback.pop();
    check(&plan, AFTER, MismatchKind::Schema, "+ COLUMN item.label text");
    let mut plan = good();
    plan.phases[2].irreversible = None;
    check(&plan, AFTER, MismatchKind::Rows, "public.item.legacy does not hold the values it held");
}

#[test]
fn lost_rows_are_found() {
    let mut plan = good();
    plan.phases[1].steps.push(step("DELETE FROM item WHERE id > 90", None, &[]));
    check(&plan, AFTER, MismatchKind::Rows, "public.item had 100 rows and has 90");
    let mut plan = good();
    plan.phases[1].steps.push(step("UPDATE item SET name = 'x' WHERE id = 1", None, &[]));
    check(&plan, AFTER, MismatchKind::Rows, "public.item.name does not hold the values it held");
}

#[test]
fn checks_and_code_that_fail_are_found() {
    let mut plan = good();
    plan.phases[0].preflight[0].expect = "f".into();
    check(&plan, AFTER, MismatchKind::Check, "expected f, the server said t");
    let mut plan = good();
    plan.phases[0].kind = PhaseKind::Enforce;
    check(&plan, AFTER, MismatchKind::Code, "a statement of new code failed");
    let mut plan = good();
    plan.phases[2].kind = PhaseKind::Enforce;
    check(&plan, AFTER, MismatchKind::Code, "a statement of old code failed");
}

#[test]
fn a_statement_that_the_server_refuses_ends_the_proof() {
    let mut plan = good();
    plan.phases[0].steps[1].sql = "ALTER TABLE item ADD CONSTRAINT c CHECK (nothing)".into();
    check(&plan, AFTER, MismatchKind::Failed, "column \"nothing\" does not exist");
}

#[test]
fn a_server_that_goes_away_is_an_error_that_says_where() {
    let error = with_server(15, async |shared| {
        drop(shared);
        let choice = lockkeeper::shadow::server::ServerChoice::Found { binaries: None, version: Some(15) };
        let server = Server::open(&choice).await.unwrap();
        let mut plan = good();
        plan.phases[1].steps[0] = step("SELECT pg_sleep(30)", None, &[]);
        let pid = nix::unistd::Pid::from_raw(server.pid().unwrap());
        let watched = server.create_database(None).await.unwrap().connect().await.unwrap();
        tokio::spawn(async move {
            let sleeps = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query = 'SELECT pg_sleep(30)'";
            while watched.value(sleeps).await.unwrap().is_none() {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGQUIT).unwrap();
        });
        let own = |list: &[&str]| list.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let (baseline, target) = (own(&[BEFORE]), own(AFTER));
        let input =
            VerifyInput { baseline: &baseline, target: &target, plan: &plan, rows: 5, old_code: &[], new_code: &[] };
        format!("{:#}", verify_on(&server, &input).await.unwrap_err())
    });
    assert!(error.contains("phase 2 (backfill)") && error.contains("the server went away"), "{error}");
}
