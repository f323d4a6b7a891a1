//! A type that another one takes the place of: what cannot be planned is refused by name, and sessions that were there
//! before the swap go on after it.

use lockkeeper::{plan::Answers, sql::Severity};

use crate::{
    killed::{files, run_file},
    plans::{desired, plan},
    real::statements,
    servers::with_server,
};

const OLD: &str = "CREATE TYPE mode AS ENUM ('road', 'air', 'rail');";
const NEW: &str = "CREATE TYPE mode AS ENUM ('road', 'rail');";

#[test]
fn what_stands_in_the_way_is_named_and_nothing_is_planned() {
    let refused = |rest: &str, because: &str| {
        let (before, after) = (desired(&format!("{OLD} {rest}")), desired(&format!("{NEW} {rest}")));
        for version in 13..=18 {
            let plan = plan(&before, &after, version, &Answers::default());
            let hazards: Vec<_> = plan.hazards.iter().filter(|it| it.rule == "replacing-type-refused").collect();
            assert_eq!(hazards.len(), 1, "{rest}: {:?}", plan.hazards);
            assert_eq!(hazards[0].severity, Severity::Error);
            assert!(hazards[0].message.contains(because), "{}", hazards[0].message);
            assert!(plan.phases.is_empty(), "{rest}: {plan}");
        }
    };
    refused(
        "CREATE TABLE legs (id bigint, mode mode, PRIMARY KEY (id, mode)) PARTITION BY LIST (mode);
         CREATE TABLE legs_road PARTITION OF legs FOR VALUES IN ('road');",
        "legs is partitioned by it",
    );
    refused(
        "CREATE TABLE legs (id bigint PRIMARY KEY, mode mode) PARTITION BY RANGE (id);
         CREATE INDEX legs_rail_idx ON legs (id) WHERE mode = 'rail';",
        "index legs_rail_idx of a partitioned table uses it",
    );
}

#[test]
fn a_session_that_has_called_functions_of_the_type_goes_on() {
    let rest = "CREATE TABLE legs (id bigint PRIMARY KEY, mode mode NOT NULL);
        CREATE FUNCTION copy_leg(was bigint, now bigint) RETURNS void LANGUAGE plpgsql AS $$
        DECLARE m legs.mode%TYPE; BEGIN SELECT mode INTO m FROM legs WHERE id = was; INSERT INTO legs (id, mode) VALUES (now, m); END $$;
        CREATE FUNCTION add_leg(id bigint, kind text) RETURNS void LANGUAGE plpgsql AS $$
        DECLARE m mode := kind; BEGIN INSERT INTO legs (id, mode) VALUES (id, m); END $$;
        CREATE FUNCTION is_slow(m mode) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN m = 'rail'; END $$;";
    let (before, after) = (format!("{OLD} {rest}"), format!("{NEW} {rest}"));
    for version in [13, 15, 18] {
        with_server(version, async |server| {
            let plan = plan(&desired(&before), &desired(&after), version, &Answers::default());
            let database = server.create_database(None).await.unwrap();
            let session = database.connect().await.unwrap();
            for sql in statements(&before) {
                session.run(&sql).await.unwrap();
            }
            let mut id = 0;
            let mut write = async || {
                id += 10;
                session.run(&format!("SELECT add_leg({id}, 'rail'), copy_leg({id}, {id} + 1)")).await.unwrap();
                let slow = session.value("SELECT bool_and(is_slow(mode)) FROM legs").await.unwrap();
                assert_eq!(slow.as_deref(), Some("t"), "on {version}");
                id
            };
            write().await;
            for (forward, _) in files(&plan) {
                run_file(&database, &forward).await.unwrap();
                write().await;
            }
            for (_, back) in files(&plan).iter().rev() {
                run_file(&database, back).await.unwrap();
                write().await;
            }
            let rows = write().await / 5;
            let found = session.value("SELECT count(*) FROM legs WHERE mode = 'rail'").await.unwrap();
            assert_eq!(found, Some(rows.to_string()), "on {version}");
            drop(session);
            database.remove().await.unwrap();
        });
    }
}
