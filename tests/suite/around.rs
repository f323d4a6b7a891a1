//! Rules about a migration among others: their pages' examples, laid out as files and commits, and judged by the
//! program; what each tool calls an edit or a clash; the editor.

use std::{fs, path::Path};

use lockkeeper::{export::Tool, lint::RULES, page::Fence};
use serde_json::Value;
use tempfile::TempDir;

use crate::cli::{git, lockkeeper, stderr, stdout, tree};

/// A repository: `main` is committed on the main branch, then `files` are written on a branch of their own.
pub fn repository(main: &[(&str, &str)], files: &[(&str, &str)]) -> TempDir {
    let dir = tree(main);
    git(&dir, &["init", "-q", "-b", "main"]);
    git(&dir, &["add", "."]);
    git(&dir, &["commit", "-q", "--allow-empty", "-m", "main"]);
    git(&dir, &["switch", "-q", "-c", "work"]);
    write(&dir, files);
    dir
}

fn write(dir: &TempDir, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// `path rule severity` of each finding of these rules; without rules: of all.
pub fn found(dir: &Path, arguments: &[&str], rules: &[&str]) -> Vec<String> {
    let out = lockkeeper(dir, &[&["lint", "--format", "json"], arguments].concat());
    let report: Value = serde_json::from_str(&stdout(&out)).unwrap_or_else(|_| panic!("{}", stderr(&out)));
    let mut res = Vec::new();
    for file in report["files"].as_array().unwrap() {
        for it in file["findings"].as_array().unwrap() {
            let rule = it["rule"].as_str().unwrap();
            if rules.is_empty() || rules.contains(&rule) {
                let path = file["path"].as_str().unwrap().trim_start_matches("migrations/");
                res.push(format!("{path} {rule} {}", it["severity"].as_str().unwrap()));
            }
        }
    }
    res
}

/// Names and texts of files.
type Texts = Vec<(String, String)>;

/// The files of an example: on the main branch, and in the working tree.
fn files(fence: &Fence) -> (Texts, Texts) {
    let (mut main, mut here) = (Texts::new(), Texts::new());
    let mut into = None;
    for line in fence.text.lines() {
        if let Some(path) = line.strip_prefix("-- main: ") {
            main.push((path.to_owned(), String::new()));
            into = Some(true);
        } else if let Some(path) = line.strip_prefix("-- file: ") {
            here.push((path.to_owned(), String::new()));
            into = Some(false);
        } else {
            let list = if into.expect("a file's name comes first") { &mut main } else { &mut here };
            let last = &mut list.last_mut().unwrap().1;
            last.push_str(line);
            last.push('\n');
        }
    }
    (main, here)
}

fn strs(files: &[(String, String)]) -> Vec<(&str, &str)> {
    files.iter().map(|it| (it.0.as_str(), it.1.as_str())).collect()
}

#[test]
fn the_pages_examples_hold() {
    let mut ran = 0;
    for rule in RULES {
        for (kind, bad) in [("files bad", true), ("files good", false)] {
            for fence in rule.page.fences(kind) {
                let (main, here) = files(&fence);
                let dir = repository(&strs(&main), &strs(&here));
                let up = |it: &&str| !it.ends_with(".down.sql");
                let names: Vec<&str> = here.iter().map(|it| it.0.as_str()).filter(up).collect();
                let all = found(dir.path(), &names, &[]);
                let own = all.iter().any(|it| it.contains(&format!(" {} ", rule.code)));
                assert_eq!(own, bad, "{} {kind}: {all:?}\n{}", rule.code, fence.text);
                if !bad {
                    let loud = all.iter().filter(|it| it.ends_with("warning") || it.ends_with("error"));
                    assert_eq!(loud.count(), 0, "{}: {all:?}", rule.code);
                }
                ran += 1;
            }
        }
    }
    assert!(ran >= 14, "only {ran} examples");
}

const ONE: &str = "CREATE TABLE one (id bigint PRIMARY KEY);\n";
const TWO: &str = "CREATE TABLE two (id bigint PRIMARY KEY);\n";

/// Names of two files with one version, by tool, and a marker that makes the folder that tool's.
const CLASHES: &[(Tool, &str, &str, &str)] = &[
    (Tool::Plain, "migrations/0002_a.sql", "migrations/002_b.sql", ""),
    (Tool::Flyway, "migrations/V2__a.sql", "migrations/V2.0__b.sql", ""),
    (Tool::GolangMigrate, "migrations/2_a.up.sql", "migrations/02_b.up.sql", ""),
    (Tool::Diesel, "migrations/2024-01-02-000000_a/up.sql", "migrations/2024-01-02-000000_b/up.sql", ""),
    (Tool::Dbmate, "migrations/20240102_a.sql", "migrations/20240102_b.sql", "-- migrate:up\n"),
    (Tool::Goose, "migrations/00002_a.sql", "migrations/2_b.sql", "-- +goose Up\n"),
    (Tool::Supabase, "supabase/migrations/20240102_a.sql", "supabase/migrations/20240102_b.sql", ""),
];

#[test]
fn each_tool_s_versions_clash_as_it_counts_them() {
    for (tool, first, second, mark) in CLASHES {
        let text = |it: &str| format!("{mark}{it}");
        let dir = repository(&[(first, &text(ONE))], &[(second, &text(TWO))]);
        let project = lockkeeper::project::Project::open(dir.path(), Default::default()).unwrap();
        assert_eq!(project.migrations().unwrap().tool, *tool);
        let all = found(dir.path(), &[], &["clashing-version"]);
        // The one that is deployed keeps its version.
        assert_eq!(all.len(), 1, "{tool:?}: {all:?}");
        assert!(second.ends_with(all[0].split(' ').next().unwrap()), "{tool:?}: {all:?}");
        let severity = tool.on_same_version().unwrap().severity.as_str();
        assert!(all[0].ends_with(severity), "{tool:?}: {all:?}");
    }
    // Told apart by their whole names, or by folders that may be locations of different databases.
    for (first, second, mark) in [
        ("migrations/20240102_a/migration.sql", "migrations/20240102_b/migration.sql", ""),
        ("db/migration/pg/V1__a.sql", "db/migration/common/V1__b.sql", ""),
        ("migrations/V7__a.sql", "migrations/B7__b.sql", ""),
        ("migrations/V7__a.sql", "migrations/R__b.sql", ""),
        ("migrations/1_a.sql", "migrations/1_b.sql", "-- Up Migration\n"),
    ] {
        let text = |it: &str| format!("{mark}{it}");
        let dir = repository(&[(first, &text(ONE))], &[(second, &text(TWO))]);
        assert_eq!(found(dir.path(), &[], &["clashing-version"]), [""; 0], "{first} {second}");
    }
}

#[test]
fn without_a_repository_clashes_are_seen_and_nothing_else() {
    let dir = tree(&[
        ("migrations/0001_a.sql", ONE),
        ("migrations/0001_b.sql", TWO),
        ("migrations/0002_c.sql", "SELECT 1;\n"),
    ]);
    let all = found(dir.path(), &[], &["clashing-version", "out-of-order-version", "edited-migration"]);
    assert_eq!(all, ["0001_b.sql clashing-version warning"]);
}

#[test]
fn what_the_main_branch_got_meanwhile_counts() {
    let dir = repository(&[("migrations/0001_a.sql", ONE)], &[("migrations/0002_mine.sql", TWO)]);
    git(&dir, &["add", "."]);
    git(&dir, &["commit", "-q", "-m", "mine"]);
    // Somebody else merges the same number, and one above.
    git(&dir, &["switch", "-q", "main"]);
    write(&dir, &[("migrations/0002_theirs.sql", "SELECT 2;\n"), ("migrations/0003_theirs.sql", "SELECT 3;\n")]);
    write(&dir, &[("migrations/0001_a.sql", "SELECT 'edited on main';\n")]);
    git(&dir, &["add", "."]);
    git(&dir, &["commit", "-q", "-m", "theirs"]);
    git(&dir, &["switch", "-q", "work"]);
    let rules = ["clashing-version", "out-of-order-version", "edited-migration"];
    let expect = ["0002_mine.sql clashing-version warning", "0002_mine.sql out-of-order-version warning"];
    assert_eq!(found(dir.path(), &[], &rules), expect);
    assert_eq!(found(dir.path(), &["--since", "main"], &rules), expect);
    // A remote's main branch is more main than one's own.
    git(&dir, &["update-ref", "refs/remotes/origin/main", "HEAD~1"]);
    assert_eq!(found(dir.path(), &[], &rules), [""; 0]);
    fs::write(dir.path().join("lockkeeper.toml"), "main_branch = \"main\"\n").unwrap();
    assert_eq!(found(dir.path(), &[], &rules), expect);
    fs::write(dir.path().join("lockkeeper.toml"), "main_branch = \"trunk\"\n").unwrap();
    let out = lockkeeper(dir.path(), &["lint"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(stderr(&out).contains("main_branch in lockkeeper.toml: git has no revision `trunk`"), "{}", stderr(&out));
}

#[test]
fn an_edit_is_what_the_tool_takes_for_one() {
    let old = "CREATE TABLE one (id bigint PRIMARY KEY);\nSELECT 1;\n";
    let comment = format!("-- Why.\n{}", old.to_lowercase());
    let more = format!("{old}SELECT 2;\n");
    let crlf = old.replace('\n', "\r\n");
    let dir = |name: &str, text: &str| repository(&[(name, old)], &[(name, text)]);
    let edited = |name: &str, text: &str| found(dir(name, text).path(), &[], &["edited-migration"]).len();
    for (name, by_text) in
        [("migrations/V1__a.sql", true), ("migrations/0001_a.up.sql", false), ("migrations/0001_a.sql", false)]
    {
        assert_eq!(edited(name, old), 0, "{name}");
        assert_eq!(edited(name, &crlf), 0, "{name}");
        assert_eq!(edited(name, &comment), usize::from(by_text), "{name}");
        assert_eq!(edited(name, &more), 1, "{name}");
        assert_eq!(edited(name, ""), 1, "{name}");
    }
    assert_eq!(edited("migrations/R__a.sql", &more), 0, "a repeatable migration runs again");
    // Changesets are added to Liquibase's files, and ways down to goose's.
    let changes = "--liquibase formatted sql\n--changeset a:1\nSELECT 1;\n";
    let with = |old: &str, new: &str| {
        let name = "migrations/0001_a.sql";
        found(repository(&[(name, old)], &[(name, new)]).path(), &[], &["edited-migration"]).len()
    };
    assert_eq!(with(changes, &format!("{changes}--changeset a:2\nSELECT 2;\n")), 0);
    assert_eq!(with(changes, &changes.replace("SELECT 1", "SELECT 3")), 1);
    let goose = "-- +goose Up\nCREATE TABLE t (a int);\n-- +goose Down\nDROP TABLE t;\n";
    assert_eq!(with(goose, &goose.replace("DROP TABLE t", "DROP TABLE IF EXISTS t")), 0);
    assert_eq!(with(goose, &goose.replace("a int", "a bigint")), 1);
}

#[test]
fn an_edit_is_told_where_it_is_and_whatever_since_says() {
    let name = "migrations/0001_a.sql";
    let dir = repository(&[(name, "SELECT 1;\nSELECT 2;\n")], &[(name, "SELECT 1;\nSELECT 3;\n")]);
    let out = lockkeeper(dir.path(), &["lint", "--since", "main"]);
    assert!(
        stdout(&out).starts_with("migrations/0001_a.sql:2:1: warning: This migration is on main with another text"),
        "{}",
        stdout(&out)
    );
    // It can be ignored like every other rule, and a directive is not called idle where nobody could have known.
    let ignored = "-- lockkeeper: ignore-file edited-migration reason=\"never deployed\"\nSELECT 1;\nSELECT 3;\n";
    fs::write(dir.path().join(name), ignored).unwrap();
    assert_eq!(found(dir.path(), &[], &[]), [""; 0]);
    fs::write(dir.path().join("elsewhere.sql"), ignored).unwrap();
    assert_eq!(found(dir.path(), &["elsewhere.sql"], &[]), [""; 0]);
    fs::write(dir.path().join(name), ignored.replace("SELECT 3", "SELECT 2")).unwrap();
    assert_eq!(found(dir.path(), &[], &[]), ["0001_a.sql ignore-directive info"]);
    fs::write(dir.path().join("lockkeeper.toml"), "[lint.rules]\nedited-migration = \"off\"\n").unwrap();
    fs::write(dir.path().join(name), "SELECT 3;\n").unwrap();
    assert_eq!(found(dir.path(), &[], &[]), [""; 0]);
}

const NEXT: [&str; 3] = ["colliding-with-earlier", "undoing-earlier", "if-not-exists-hiding-difference"];

fn messages(dir: &TempDir, rules: &[&str]) -> Vec<String> {
    let out = lockkeeper(dir.path(), &["lint", "--format", "json"]);
    let report: Value = serde_json::from_str(&stdout(&out)).unwrap_or_else(|_| panic!("{}", stderr(&out)));
    let files = report["files"].as_array().unwrap().iter();
    let all = files.flat_map(|it| it["findings"].as_array().unwrap());
    let own = all.filter(|it| rules.contains(&it["rule"].as_str().unwrap()));
    own.map(|it| it["message"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_collision_names_who_is_to_blame() {
    let dir = tree(&[
        ("migrations/0001_a.sql", "CREATE TABLE a (x int, y int, z int);\nCREATE INDEX ax ON a (x);\n"),
        (
            "migrations/0002_b.sql",
            "ALTER TABLE a DROP COLUMN y;\nALTER TABLE a RENAME COLUMN z TO w;\nCREATE TABLE g (i int);\nDROP TABLE g;\n",
        ),
        (
            "migrations/0003_c.sql",
            "CREATE TABLE a (x int);\nALTER TABLE a ADD COLUMN x int;\nCREATE INDEX ax ON a (x);\nALTER TABLE a ALTER COLUMN y SET NOT NULL;\n\
             ALTER TABLE a DROP COLUMN z;\nDROP TABLE g;\nCREATE INDEX ON g (i);\nALTER TABLE elsewhere ADD COLUMN q int;\n\
             DROP TABLE IF EXISTS g;\nALTER TABLE IF EXISTS g ADD COLUMN q int;\n",
        ),
    ]);
    let path = "migrations/";
    let made = |what: &str| format!("This fails: {what} already exists ({path}0001_a.sql made it)");
    let gone = |what: &str| format!("This fails: {what} does not exist ({path}0002_b.sql took it away)");
    assert_eq!(
        messages(&dir, &[NEXT[0], "refused-by-server"]),
        [
            made("relation a"),
            made("column a.x"),
            made("relation ax"),
            gone("column a.y"),
            gone("column a.z"),
            gone("table g"),
            gone("table g"),
        ]
    );
    // A migration that comes before others looks only at those before itself.
    let all = found(dir.path(), &["migrations/0002_b.sql"], &NEXT);
    assert_eq!(all, [""; 0]);
    let alone = found(dir.path(), &["migrations/0003_c.sql"], &NEXT);
    assert_eq!(alone.len(), 7, "{alone:?}");
}

#[test]
fn what_a_server_would_let_pass_is_no_collision() {
    let dir = tree(&[
        ("migrations/0001_a.sql", "CREATE TABLE a (x int, y int);\nCREATE TABLE b (x int);\n"),
        (
            "migrations/0002_b.sql",
            "DROP TABLE b;\nCREATE TABLE b (x int);\nALTER TABLE a DROP COLUMN y, ADD COLUMN y bigint;\nALTER TABLE a RENAME TO c;\n\
             CREATE TABLE a (x int);\nALTER TABLE c RENAME COLUMN x TO z;\nALTER TABLE c ADD COLUMN x int;\nDROP VIEW IF EXISTS v;\n\
             CREATE OR REPLACE VIEW v AS SELECT 1 AS one;\nCREATE OR REPLACE VIEW v AS SELECT 1 AS one;\n\
             DO $$ BEGIN CREATE TABLE b (x int); EXCEPTION WHEN duplicate_table THEN NULL; END $$;\n",
        ),
        ("migrations/0003_c.sql", "ALTER TABLE b ADD COLUMN y int;\nCREATE TEMP TABLE t (x int);\n"),
        (
            "migrations/0004_d.sql",
            "CREATE TEMP TABLE t (x int);\nBEGIN;\nDROP TABLE b;\nROLLBACK;\nALTER TABLE b ADD COLUMN z int;\n",
        ),
    ]);
    assert_eq!(messages(&dir, &[NEXT[0], "refused-by-server"]), [""; 0]);
}

#[test]
fn undoing_is_told_among_what_is_not_deployed_and_not_used() {
    let main = &[("migrations/0001_a.sql", "CREATE TABLE a (x int, old int);\n")][..];
    let check = |files: &[(&str, &str)], expect: &[&str]| {
        let files: Vec<(String, &str)> =
            files.iter().map(|(name, text)| (format!("migrations/{name}"), *text)).collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
        assert_eq!(found(repository(main, &files).path(), &[], &["undoing-earlier"]), expect, "{files:?}");
    };
    let add = ("0002_b.sql", "ALTER TABLE a ADD COLUMN y int;\nCREATE INDEX ay ON a (y);\n");
    check(&[add, ("0003_c.sql", "ALTER TABLE a DROP COLUMN y;\n")], &["0003_c.sql undoing-earlier info"]);
    check(&[add, ("0003_c.sql", "DROP INDEX ay;\n")], &["0003_c.sql undoing-earlier info"]);
    check(
        &[("0002_b.sql", "CREATE TABLE t (x int);\n"), ("0003_c.sql", "DROP TABLE t;\n")],
        &["0003_c.sql undoing-earlier info"],
    );
    // What is deployed is dropped for a reason.
    check(&[("0002_b.sql", "ALTER TABLE a DROP COLUMN old;\n")], &[]);
    // Away and there again: without rows.
    let gone = ("0002_b.sql", "ALTER TABLE a DROP COLUMN old;\n");
    check(&[gone, ("0003_c.sql", "ALTER TABLE a ADD COLUMN old int;\n")], &["0003_c.sql undoing-earlier warning"]);
    // Rows went through it.
    check(&[add, ("0003_c.sql", "UPDATE a SET old = y WHERE y > 0;\nALTER TABLE a DROP COLUMN y;\n")], &[]);
    check(
        &[
            ("0002_b.sql", "CREATE TABLE t AS SELECT x FROM a;\nINSERT INTO t SELECT 1;\n"),
            ("0003_c.sql", "DROP TABLE t;\n"),
        ],
        &[],
    );
    // Without a repository nobody knows what is deployed.
    let dir =
        tree(&[("migrations/0001_b.sql", "CREATE TABLE t (x int);\n"), ("migrations/0002_c.sql", "DROP TABLE t;\n")]);
    assert_eq!(found(dir.path(), &[], &["undoing-earlier"]), [""; 0]);
}

#[test]
fn the_same_once_more_hides_nothing() {
    let first = "CREATE TABLE a (id bigserial PRIMARY KEY, x varchar(20) DEFAULT 'a', y int NOT NULL);\nCREATE UNIQUE INDEX ay ON a (y) WHERE y > 0;\n";
    let check = |second: &str, expect: &[&str]| {
        let dir = tree(&[("migrations/0001_a.sql", first), ("migrations/0002_b.sql", second)]);
        let all = messages(&dir, &[NEXT[2]]);
        let short: Vec<&str> =
            all.iter().map(|it| it.split(": ").nth(1).unwrap().split(". Change").next().unwrap()).collect();
        assert_eq!(short, expect, "{second}");
    };
    check(
        &first
            .replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS")
            .replace("UNIQUE INDEX", "UNIQUE INDEX IF NOT EXISTS"),
        &[],
    );
    check("CREATE TABLE IF NOT EXISTS a (id bigint, y integer);", &[]);
    check("CREATE TABLE IF NOT EXISTS a (id bigint, z integer);", &["it has no column z"]);
    check("CREATE TABLE IF NOT EXISTS a (x text);", &["x is character varying(20), not text"]);
    check("ALTER TABLE a ADD COLUMN IF NOT EXISTS x character varying(20);", &[]);
    check("ALTER TABLE a ADD COLUMN IF NOT EXISTS x varchar(20) NOT NULL;", &["x may be NULL"]);
    check("ALTER TABLE a ADD COLUMN IF NOT EXISTS x varchar(20) DEFAULT 'b';", &["the default of x is 'a', not 'b'"]);
    check("CREATE UNIQUE INDEX IF NOT EXISTS ay ON a (y) WHERE y > 0;", &[]);
    check("CREATE INDEX IF NOT EXISTS ay ON a (y) WHERE y > 0;", &["it is unique"]);
    check("CREATE UNIQUE INDEX IF NOT EXISTS ay ON a (x);", &["it has other columns"]);
    check("CREATE TABLE IF NOT EXISTS other (x text);", &[]);
}
