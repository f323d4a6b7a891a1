//! Ways down, judged on catalogs: what leads back, what does not, what comes back empty; on the command line and in the
//! editor.

use std::fs;

use serde_json::json;
use tempfile::TempDir;

use crate::{
    around::found,
    cli::{lockkeeper, stdout, tree},
    lsp::client::{Client, Folder, capabilities},
};

const FIRST: &str = "CREATE TABLE users (id bigint PRIMARY KEY, name text, mail text, amount numeric(10,2));\n";

/// A folder whose second migration goes up and down like this.
fn project(up: &str, down: Option<&str>) -> TempDir {
    let dir = tree(&[("migrations/0001_a.up.sql", FIRST), ("migrations/0001_a.down.sql", "DROP TABLE users;\n")]);
    fs::write(dir.path().join("migrations/0002_b.up.sql"), up).unwrap();
    if let Some(down) = down {
        fs::write(dir.path().join("migrations/0002_b.down.sql"), down).unwrap();
    }
    dir
}

const RULES: [&str; 3] = ["missing-rollback", "incomplete-rollback", "lossy-rollback"];

#[track_caller]
fn check(up: &str, down: Option<&str>, expect: &[&str]) {
    let dir = project(up, down);
    let all = found(dir.path(), &[], &RULES);
    let all: Vec<&str> = all.iter().filter_map(|it| it.strip_prefix("0002_b.up.sql ")).collect();
    assert_eq!(all, expect, "{}", stdout(&lockkeeper(dir.path(), &["lint"])));
}

fn message(up: &str, down: &str, rule: &str) -> String {
    let dir = project(up, Some(down));
    let text = stdout(&lockkeeper(dir.path(), &["lint", "--format", "github"]));
    let line = text.lines().find(|it| it.contains(rule)).unwrap_or_else(|| panic!("{text}"));
    line.rsplit("::").next().unwrap_or_default().to_owned()
}

#[test]
fn a_way_down_leads_back_or_is_told_of() {
    check("ALTER TABLE users ADD COLUMN z int;", Some("ALTER TABLE users DROP COLUMN z;"), &[]);
    check("UPDATE users SET name = 'x' WHERE id = 1;", Some(""), &[]);
    check("UPDATE users SET name = 'x' WHERE id = 1;", None, &[]);
    check("ALTER TABLE users ADD COLUMN z int;", None, &["missing-rollback info"]);
    check("ALTER TABLE users ADD COLUMN z int;", Some("-- Nothing to do.\n"), &["missing-rollback info"]);
    check("CREATE TYPE tone AS ENUM ('low');", Some("SELECT 1;"), &["incomplete-rollback warning"]);
    let up = "ALTER TABLE users ALTER COLUMN name SET NOT NULL, ADD COLUMN z int;";
    let wrong = message(up, "ALTER TABLE users DROP COLUMN z;", "incomplete-rollback");
    assert!(wrong.contains("table users column name not null"), "{wrong}");
    let wrong = message("DROP TABLE users;", "ALTER TABLE users ADD COLUMN y int;", "incomplete-rollback");
    assert!(wrong.starts_with("The way down fails: "), "{wrong}");
}

#[test]
fn a_way_down_that_fails_where_there_are_rows_does_not_lead_back() {
    let setup = "ALTER TABLE users ALTER COLUMN name SET NOT NULL;\n";
    let first = format!("{FIRST}{setup}");
    let judged = |down: &str| {
        let dir = tree(&[
            ("migrations/0001_a.up.sql", &first),
            ("migrations/0001_a.down.sql", "DROP TABLE users;\n"),
            ("migrations/0002_b.up.sql", "ALTER TABLE users DROP COLUMN name;\n"),
            ("migrations/0002_b.down.sql", down),
        ]);
        found(dir.path(), &[], &RULES)
    };
    let fails = "0002_b.up.sql incomplete-rollback warning";
    let empty = "0002_b.up.sql lossy-rollback info";
    assert_eq!(judged("ALTER TABLE users ADD COLUMN name text NOT NULL;"), [fails, empty]);
    // Filled on the way, or filled by a default that goes again.
    let filled = "ALTER TABLE users ADD COLUMN name text; UPDATE users SET name = ''; ALTER TABLE users ALTER COLUMN name SET NOT NULL;";
    assert_eq!(judged(filled), [""; 0]);
    let default =
        "ALTER TABLE users ADD COLUMN name text NOT NULL DEFAULT ''; ALTER TABLE users ALTER COLUMN name DROP DEFAULT;";
    assert_eq!(judged(default), [empty]);
}

#[test]
fn what_comes_back_empty_is_told_and_what_a_way_down_is_for_is_not() {
    // Additive: the way down takes away what came, with all that was written there.
    check("CREATE TABLE carts (id bigint);", Some("DROP TABLE carts;"), &[]);
    let fill = "ALTER TABLE users ADD COLUMN z int; UPDATE users SET z = 1 WHERE id > 0;";
    check(fill, Some("ALTER TABLE users DROP COLUMN z;"), &[]);
    check(
        "ALTER TABLE users RENAME COLUMN mail TO email;",
        Some("ALTER TABLE users RENAME COLUMN email TO mail;"),
        &[],
    );
    // Dropped, and back without rows.
    let lossy = &["lossy-rollback info"];
    check("ALTER TABLE users DROP COLUMN mail;", Some("ALTER TABLE users ADD COLUMN mail text;"), lossy);
    check("DROP TABLE users;", Some(FIRST), lossy);
    check("TRUNCATE users;", Some("SELECT 1;"), lossy);
    let kept = "CREATE TABLE kept AS SELECT id, mail FROM users; ALTER TABLE users DROP COLUMN mail;";
    let back = "ALTER TABLE users ADD COLUMN mail text; UPDATE users SET mail = kept.mail FROM kept WHERE kept.id = users.id; DROP TABLE kept;";
    check(kept, Some(back), &[]);
    // A column that the server computes comes back with its values.
    let computed = "ALTER TABLE users DROP COLUMN both;";
    let dir = tree(&[
        (
            "migrations/0001_a.up.sql",
            "CREATE TABLE users (id bigint PRIMARY KEY, both bigint GENERATED ALWAYS AS (id * 2) STORED);",
        ),
        ("migrations/0001_a.down.sql", "DROP TABLE users;"),
        ("migrations/0002_b.up.sql", computed),
        ("migrations/0002_b.down.sql", "ALTER TABLE users ADD COLUMN both bigint GENERATED ALWAYS AS (id * 2) STORED;"),
    ]);
    assert_eq!(found(dir.path(), &[], &RULES), [""; 0]);
    // Moved on the way up, dropped on the way down.
    let moved = "ALTER TABLE users ADD COLUMN email text; UPDATE users SET email = mail WHERE id > 0; ALTER TABLE users DROP COLUMN mail;";
    let down = "ALTER TABLE users ADD COLUMN mail text; ALTER TABLE users DROP COLUMN email;";
    check(moved, Some(down), &["lossy-rollback warning"]);
    assert_eq!(
        message(moved, down, "lossy-rollback"),
        "The way down brings users.mail back empty, and drops email, which holds the values. Copy them back before that"
    );
    // Values are cut on the way back.
    let wider = "ALTER TABLE users ALTER COLUMN amount TYPE numeric(12,4);";
    check(wider, Some("ALTER TABLE users ALTER COLUMN amount TYPE numeric(10,2);"), &["lossy-rollback warning"]);
}

#[test]
fn who_says_why_there_is_no_way_back_is_believed() {
    let up = "CREATE TABLE carts (id bigint);\n";
    let says = "-- lockkeeper: irreversible reason=\"paid for\"\n";
    check(&format!("{says}{up}"), None, &[]);
    check(up, Some(says), &[]);
    check(&format!("{says}{up}"), Some("SELECT 1;"), &[]);
    check(&format!("-- lockkeeper: ignore-file missing-rollback\n{up}"), None, &[]);
    let directive =
        |up: &str, down: Option<&str>| found(project(up, down).path(), &[], &["ignore-directive", RULES[0]]);
    // Without a reason it says nothing, and where there is a way back it is not true.
    let mute = format!("-- lockkeeper: irreversible\n{up}");
    assert_eq!(
        directive(&mute, None),
        ["0002_b.up.sql ignore-directive warning", "0002_b.up.sql missing-rollback info"]
    );
    assert_eq!(directive(&format!("{says}{up}"), Some("DROP TABLE carts;")), ["0002_b.up.sql ignore-directive info"]);
}

#[test]
fn sections_are_ways_down_too() {
    let goose = |down: &str| format!("-- +goose Up\nCREATE TABLE b (id bigint);\n{down}");
    let judged = |first: &str, second: &str| {
        let dir = tree(&[("migrations/00001_a.sql", first), ("migrations/00002_b.sql", second)]);
        found(dir.path(), &[], &RULES)
    };
    let first = "-- +goose Up\nCREATE TABLE a (id bigint);\n-- +goose Down\nDROP TABLE a;\n";
    assert_eq!(judged(first, &goose("-- +goose Down\nDROP TABLE b;\n")), [""; 0]);
    assert_eq!(judged(first, &goose("-- +goose Down\nSELECT 1;\n")), ["00002_b.sql incomplete-rollback warning"]);
    assert_eq!(judged(first, &goose("-- +goose Down\n")), ["00002_b.sql missing-rollback info"]);
    assert_eq!(judged(first, &goose("")), ["00002_b.sql missing-rollback info"]);
    let says = "-- +goose Down\n-- lockkeeper: irreversible reason=\"paid for\"\n";
    assert_eq!(judged(first, &goose(says)), [""; 0]);
    // Nobody fills the template's section in.
    let unkept = "-- +goose Up\nCREATE TABLE a (id bigint);\n-- +goose Down\n";
    assert_eq!(judged(unkept, &goose("-- +goose Down\n")), [""; 0]);
    let dbmate = |down: &str| format!("-- migrate:up\nCREATE TABLE b (id bigint);\n-- migrate:down\n{down}");
    let first = "-- migrate:up\nCREATE TABLE a (id bigint);\n-- migrate:down\nDROP TABLE a;\n";
    assert_eq!(judged(first, &dbmate("DROP TABLE a;")), ["00002_b.sql incomplete-rollback warning"]);
}

#[test]
fn the_editor_tells_of_ways_down_and_writes_them() {
    let (up, down) = ("migrations/0002_b.up.sql", "migrations/0002_b.down.sql");
    let sql = "CREATE TABLE carts (id bigint);\n";
    let first = [("migrations/0001_a.up.sql", FIRST), ("migrations/0001_a.down.sql", "DROP TABLE users;\n")];
    let folder = Folder::new(&[&first[..], &[(up, sql)]].concat());
    let (mut client, _) = Client::start(&folder, &capabilities());
    client.open(&folder, up, sql);
    client.diagnostics_where(&folder, up, |it| it.to_string().contains("missing-rollback"));
    let actions = client.actions(&folder, up, (0, 3));
    let write = actions.as_array().unwrap().iter().find(|it| it["title"] == "Write rollback").unwrap();
    assert_eq!(write["kind"], "quickfix", "{write}");
    let resolved = client.request("codeAction/resolve", write).to_string();
    assert!(resolved.contains("0002_b.down.sql") && resolved.contains("DROP TABLE carts"), "{resolved}");
    client.stop();
    // With the way down open, its text as it is being typed is what counts.
    let folder = Folder::new(&[&first[..], &[(up, sql), (down, "SELECT 1;\n")]].concat());
    let (mut client, _) = Client::start(&folder, &capabilities());
    client.open(&folder, up, sql);
    client.diagnostics_where(&folder, up, |it| it.to_string().contains("incomplete-rollback"));
    client.open(&folder, down, "SELECT 1;\n");
    client.edit(&folder, down, 2, (0, 0), (0, 9), "DROP TABLE carts;");
    client.diagnostics_where(&folder, up, |it| *it == json!([]));
    client.stop();
}
