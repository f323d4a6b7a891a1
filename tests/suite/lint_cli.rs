//! `lockkeeper lint` as CI runs it: forms, levels, directives, what is new, fixes, stdin, exit status.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use expect_test::{Expect, expect};
use serde_json::Value;
use tempfile::TempDir;

use crate::cli::{git, lockkeeper, stderr, stdout, tree};

const SCHEMA: &str = "CREATE TABLE users (id bigint PRIMARY KEY, mail text);\n";
const INDEX: &str = "SET lock_timeout = '2s';\nCREATE INDEX i ON users (mail);\n";

fn lint(dir: &Path, arguments: &[&str]) -> Output {
    lockkeeper(dir, &[&["lint", "--schema", "schema.sql"], arguments].concat())
}

/// Rule and severity of each finding in the first file.
fn findings(out: &Output) -> Vec<String> {
    let report: Value = serde_json::from_str(&stdout(out)).unwrap_or_else(|_| panic!("{}", stderr(out)));
    let files = report["files"].as_array().unwrap().iter();
    let all = files.flat_map(|it| it["findings"].as_array().unwrap());
    all.map(|it| format!("{} {}", it["severity"].as_str().unwrap(), it["rule"].as_str().unwrap())).collect()
}

#[track_caller]
fn check(files: &[(&str, &str)], arguments: &[&str], status: i32, expect: &[&str]) -> TempDir {
    let dir = tree(&[&[("schema.sql", SCHEMA)], files].concat());
    let out = lint(dir.path(), &[arguments, &["--format", "json"]].concat());
    assert_eq!((findings(&out), out.status.code()), (expect.iter().map(|it| (*it).to_owned()).collect(), Some(status)));
    dir
}

#[test]
fn the_text_form_shows_the_sql() {
    let sql = "SET lock_timeout = '2s';\n\tSELECT '日本'; CREATE INDEX i\n  ON users (mail);\nDROP TABLE users;\n";
    let dir = tree(&[("schema.sql", SCHEMA), ("a.sql", sql)]);
    let out = lint(dir.path(), &["./a.sql"]);
    expect![[r#"
        a.sql:2:15: warning: Builds an index on users under SHARE: every write to it waits (reads go on) until that is done. Create it CONCURRENTLY, outside a transaction (creating-index)
          |
        2 |     SELECT '日本'; CREATE INDEX i …
          |                    ^^^^^^^^^^^^^^
        a.sql:2:15: info: If a statement behind this one fails, this one stays, and the file cannot run again from the start. Put them into one transaction, or let each say IF EXISTS or IF NOT EXISTS (half-done-on-failure)
          |
        2 |     SELECT '日本'; CREATE INDEX i …
          |                    ^^^^^^^^^^^^^^
        a.sql:4:1: warning: Every row of users is gone for good, and running code that names it fails. Drop it in a later release than the one that stops using it, its foreign keys before (dropping-table)
          |
        4 | DROP TABLE users;
          | ^^^^^^^^^^^^^^^^
          = belongs to Contract, when no running instance reads or writes the table
        3 findings in 1 file, 2 of them fixable
    "#]]
    .assert_eq(&stdout(&out));
    assert!(stdout(&lint(dir.path(), &["a.sql", "--color", "always"])).contains("\x1b[1;33mwarning\x1b[0m"));
    assert!(!stdout(&lint(dir.path(), &["a.sql", "--color", "never"])).contains('\x1b'));
}

#[test]
fn github_annotations_survive_odd_names() {
    let dir = tree(&[("schema.sql", SCHEMA), ("a,b:100%.sql", INDEX), ("c.sql", "DROP\nTABLE users;\n")]);
    let out = lint(dir.path(), &["a,b:100%.sql", "c.sql", "--format", "github"]);
    let text = stdout(&out);
    let lines: Vec<&str> = text.lines().collect();
    let head =
        "::warning file=a%2Cb%3A100%25.sql,line=2,endLine=2,col=1,endColumn=31,title=creating-index::Builds an index";
    assert!(lines[0].starts_with(head), "{text}");
    assert!(lines.iter().any(|it| it.contains("file=c.sql,line=1,endLine=2,title=dropping-table::")), "{text}");
    assert_eq!(out.status.code(), Some(1));
}

#[test]
fn gitlab_reports_tell_findings_apart() {
    let twice = format!("{INDEX}CREATE INDEX ON users (mail);\nCREATE INDEX ON users (mail);\n");
    let dir = tree(&[("schema.sql", SCHEMA), ("a.sql", &twice)]);
    let report = |text: &str| {
        fs::write(dir.path().join("a.sql"), text).unwrap();
        let report: Vec<Value> =
            serde_json::from_str(&stdout(&lint(dir.path(), &["a.sql", "--format", "gitlab"]))).unwrap();
        report
    };
    let first = report(&twice);
    assert_eq!((&first[0]["check_name"], &first[0]["severity"]), (&"creating-index".into(), &"major".into()));
    assert_eq!(first[0]["location"]["lines"]["begin"], 2);
    let prints = |it: &[Value]| it.iter().map(|it| it["fingerprint"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let mut distinct = prints(&first);
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), first.len());
    // Lines above do not make another finding of it.
    assert_eq!(prints(&report(&format!("\n\n{twice}"))), prints(&first));
}

#[test]
fn levels_come_from_the_settings_and_by_path() {
    let quiet = "[lint.rules]\ncreating-index = \"info\"\n";
    check(&[("a.sql", INDEX), ("lockkeeper.toml", quiet)], &["a.sql"], 0, &["info creating-index"]);
    let off = "[lint.rules]\ncreating-index = \"off\"\n[[lint.overrides]]\npaths = [\"new/*\"]\nrules = { creating-index = \"error\" }\n";
    check(&[("old/a.sql", INDEX), ("lockkeeper.toml", off)], &["old/a.sql"], 0, &[]);
    check(&[("new/a.sql", INDEX), ("lockkeeper.toml", off)], &["new/a.sql"], 1, &["error creating-index"]);
}

#[test]
fn what_loses_data_wants_an_express_word() {
    const DROP: &str = "SET lock_timeout = '2s';\nDROP TABLE users;\n";
    let off = ("lockkeeper.toml", "[lint.rules]\ndropping-table = \"off\"\n");
    check(&[("a.sql", DROP)], &["a.sql"], 1, &["warning dropping-table"]);
    // Neither settings nor what is said of the whole file will do.
    check(&[("a.sql", DROP), off], &["a.sql"], 1, &["warning dropping-table"]);
    let file = format!("-- lockkeeper: ignore-file dropping-table reason=\"old\"\n\n{DROP}");
    check(&[("a.sql", &file)], &["a.sql"], 1, &["info ignore-directive", "warning dropping-table"]);
    let all = DROP.replace("DROP", "-- lockkeeper: ignore reason=\"old\"\nDROP");
    check(&[("a.sql", &all)], &["a.sql"], 1, &["info ignore-directive", "warning dropping-table"]);
    // These do.
    let here = DROP.replace("DROP", "-- lockkeeper: allow-destructive reason=\"empty since May\"\nDROP");
    check(&[("a.sql", &here)], &["a.sql"], 0, &["info dropping-table"]);
    check(&[("a.sql", &here), off], &["a.sql"], 0, &[]);
    let named = DROP.replace("DROP", "-- lockkeeper: ignore dropping-table reason=\"empty since May\"\nDROP");
    check(&[("a.sql", &named)], &["a.sql"], 0, &[]);
    check(&[("a.sql", DROP)], &["a.sql", "--allow-destructive"], 0, &["info dropping-table"]);
}

#[test]
fn comments_to_lint_are_judged_themselves() {
    let messages = |sql: &str, settings: &str| {
        let dir = tree(&[("schema.sql", SCHEMA), ("a.sql", sql), ("lockkeeper.toml", settings)]);
        let out = lint(dir.path(), &["a.sql", "--format", "json"]);
        let report: Value = serde_json::from_str(&stdout(&out)).unwrap_or_else(|_| panic!("{}", stderr(&out)));
        let found = report["files"][0]["findings"].as_array().unwrap().iter();
        let own = found.filter(|it| it["rule"] == "ignore-directive");
        own.map(|it| {
            format!("{}: {} {}", it["line"], it["severity"].as_str().unwrap(), it["message"].as_str().unwrap())
        })
        .collect::<Vec<_>>()
    };
    let index = "CREATE INDEX i ON users (mail);\n";
    let slip = format!("SET lock_timeout = '1s';\n-- lockkeeper: ignore creating-indx reason=\"x\"\n{index}");
    assert_eq!(messages(&slip, ""), ["2: warning There is no rule `creating-indx`; did you mean `creating-index`?"]);
    let unused = format!("SET lock_timeout = '1s';\n-- lockkeeper: ignore dropping-index, creating-index\n{index}");
    assert_eq!(messages(&unused, ""), ["2: info Nothing is said here by dropping-index: take the name away"]);
    let all =
        "-- lockkeeper: ignore dropping-index reason='x'\nSELECT 1;\n\n-- lockkeeper: ignore-file creating-index\n";
    assert_eq!(
        messages(all, ""),
        [
            "1: info Nothing is said here by dropping-index: take the comment away",
            "4: info Nothing is said here by creating-index: take the comment away"
        ]
    );
    let word = format!("-- lockkeeper: ignroe creating-index\n{index}");
    assert_eq!(
        messages(&word, ""),
        [
            "1: warning `lockkeeper: ignroe` means nothing; what is understood: `ignore`, `ignore-file`, `allow-destructive`, `irreversible`"
        ]
    );
    let mute = format!("-- lockkeeper: ignore creating-index, missing-lock-timeout\n{index}");
    assert_eq!(messages(&mute, ""), [""; 0]);
    assert_eq!(
        messages(&mute, "[lint]\nreasons = \"required\"\n"),
        ["1: warning Say why it is safe: `ignore … reason=\"…\"`"]
    );
    let empty = mute.replace("timeout\n", "timeout reason=\"\"\n");
    assert_eq!(messages(&empty, ""), ["1: warning Say why it is safe: `ignore … reason=\"…\"`"]);
    assert_eq!(messages(&format!("SELECT '-- lockkeeper: ignore x';\n{index}"), ""), [""; 0]);
}

/// A repository with one migration committed.
fn repository() -> TempDir {
    let dir = tree(&[
        ("migrations/0001_init.sql", SCHEMA),
        ("migrations/0002_index.sql", "CREATE INDEX a ON users (mail);\n"),
    ]);
    git(&dir, &["init", "-q", "-b", "main"]);
    git(&dir, &["add", "."]);
    git(&dir, &["commit", "-q", "-m", "first"]);
    dir
}

#[test]
fn since_a_revision_only_what_came_is_told() {
    let dir = repository();
    let path = dir.path();
    let since = |more: &[&str]| lockkeeper(path, &[&["lint", "--since", "HEAD", "--format", "json"], more].concat());
    assert_eq!((findings(&since(&[])), since(&[]).status.code()), (Vec::new(), Some(0)));
    fs::write(path.join("migrations/0003_more.sql"), INDEX).unwrap();
    fs::write(
        path.join("migrations/0002_index.sql"),
        "CREATE INDEX a ON users (mail);\nCREATE INDEX b ON users (mail);\n",
    )
    .unwrap();
    let out = since(&[]);
    let report: Value = serde_json::from_str(&stdout(&out)).unwrap();
    let line = |file: usize| {
        let found = report["files"][file]["findings"].as_array().unwrap().iter();
        found.map(|it| format!("{} {}", it["line"], it["rule"].as_str().unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(report["files"][0]["path"], "migrations/0002_index.sql");
    assert!(
        line(0).contains(&"2 creating-index".to_owned()) && line(0).iter().all(|it| it.starts_with("2 ")),
        "{report}"
    );
    assert_eq!(line(1), ["2 creating-index"]);
    // The catalog is that of all migrations: the table is known, and the old ones are not fixed.
    let fixed = since(&["--fix"]);
    assert!(stderr(&fixed).contains("migrations/0003_more.sql: 1 finding fixed"), "{}", stderr(&fixed));
    let text = fs::read_to_string(path.join("migrations/0003_more.sql")).unwrap();
    assert_eq!(text, INDEX.replace("INDEX", "INDEX CONCURRENTLY"));
    assert!(!fs::read_to_string(path.join("migrations/0002_index.sql")).unwrap().contains("CONCURRENTLY"));
    for rev in ["no-such-revision", "-x"] {
        let out = lockkeeper(path, &["lint", &format!("--since={rev}")]);
        assert_eq!((out.status.code(), stdout(&out).as_str()), (Some(2), ""));
        assert!(stderr(&out).contains(rev) && stderr(&out).lines().count() == 1, "{}", stderr(&out));
    }
}

#[test]
fn migrations_up_to_a_version_are_left_alone() {
    let dir = repository();
    fs::write(dir.path().join("migrations/0003_more.sql"), INDEX).unwrap();
    fs::write(dir.path().join("lockkeeper.toml"), "[lint]\nnewer_than = 2\n").unwrap();
    let out = lockkeeper(dir.path(), &["lint", "--format", "json"]);
    assert_eq!(findings(&out), ["warning creating-index"]);
    let old = lockkeeper(dir.path(), &["lint", "migrations/0002_index.sql", "--format", "json"]);
    assert_eq!((findings(&old), old.status.code()), (Vec::new(), Some(0)));
}

#[test]
fn fixes_are_written_once_and_then_there_is_nothing_left() {
    let sql = "-- Say what.\r\nBEGIN;\r\nALTER TABLE users ADD CONSTRAINT c CHECK (id > 0);\r\nCOMMIT;\r\nCREATE INDEX i ON users (mail);\r\n";
    let dir = tree(&[("schema.sql", SCHEMA), ("a.sql", sql), ("b.sql", "SELECT 1;\n")]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(dir.path().join("a.sql"), fs::Permissions::from_mode(0o640)).unwrap();
    }
    let out = lint(dir.path(), &["a.sql", "b.sql", "--fix"]);
    assert!(stderr(&out).starts_with("lockkeeper: a.sql: "), "{}", stderr(&out));
    let fixed = fs::read_to_string(dir.path().join("a.sql")).unwrap();
    expect![[r#"
        -- Say what.
        SET lock_timeout = '2s';
        ALTER TABLE users ADD CONSTRAINT c CHECK (id > 0) NOT VALID;
        ALTER TABLE users VALIDATE CONSTRAINT c;
        CREATE INDEX CONCURRENTLY i ON users (mail);
    "#]]
    .assert_eq(&fixed.replace("\r\n", "\n"));
    assert_eq!(fixed.matches('\n').count(), fixed.matches("\r\n").count());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(dir.path().join("a.sql")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }
    let again = lint(dir.path(), &["a.sql", "b.sql", "--fix"]);
    assert_eq!((stderr(&again).as_str(), again.status.code()), ("", Some(0)), "{}", stdout(&again));
    assert_eq!(fs::read_to_string(dir.path().join("a.sql")).unwrap(), fixed);
    for (arguments, why) in [(&["--fix"][..], "name the files"), (&["--fix", "-"][..], "stdin")] {
        let out = lint(dir.path(), arguments);
        assert_eq!((out.status.code(), stdout(&out).as_str()), (Some(2), ""));
        assert!(stderr(&out).contains(why), "{}", stderr(&out));
    }
}

#[test]
fn a_fix_leaves_a_byte_order_mark_where_it_is() {
    let sql = "\u{feff}SET lock_timeout = '2s';\nCREATE INDEX i ON users (mail);\n";
    let dir = tree(&[("schema.sql", SCHEMA), ("a.sql", sql)]);
    lint(dir.path(), &["a.sql", "--fix"]);
    let fixed = fs::read_to_string(dir.path().join("a.sql")).unwrap();
    assert_eq!(fixed, "\u{feff}SET lock_timeout = '2s';\nCREATE INDEX CONCURRENTLY i ON users (mail);\n");
}

#[test]
fn a_fix_takes_the_tool_s_mark_along() {
    let dir = tree(&[
        ("migrations/2024-01-01-000000_a/up.sql", SCHEMA),
        ("migrations/2024-01-01-000000_a/down.sql", "DROP TABLE users;\n"),
        ("migrations/2024-01-02-000000_b/up.sql", "CREATE INDEX i ON users (mail);\n"),
        ("migrations/2024-01-02-000000_b/down.sql", "DROP INDEX i;\n"),
    ]);
    let up = "migrations/2024-01-02-000000_b/up.sql";
    let out = lockkeeper(dir.path(), &["lint", up, "--fix", "--format", "json"]);
    assert_eq!((findings(&out), out.status.code()), (Vec::new(), Some(0)), "{}", stderr(&out));
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    assert_eq!(read(up), "CREATE INDEX CONCURRENTLY i ON users (mail);\n");
    assert_eq!(read("migrations/2024-01-02-000000_b/metadata.toml"), "run_in_transaction = false\n");
}

#[test]
fn stdin_stands_for_a_file() {
    let dir = repository();
    let piped = |arguments: &[&str], text: &[u8]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockkeeper"));
        command.current_dir(dir.path()).arg("lint").arg("-").args(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text).unwrap();
        child.wait_with_output().unwrap()
    };
    let name = ["--stdin-filename", "migrations/0003_x.sql", "--format", "json"];
    let out = piped(&name, INDEX.as_bytes());
    assert_eq!(findings(&out), ["warning creating-index"]);
    assert!(stdout(&out).contains("\"path\": \"migrations/0003_x.sql\""));
    // In place of a file that is there: on the catalog before it.
    let out = piped(&["--stdin-filename", "migrations/0002_index.sql", "--format", "json"], b"DROP TABLE users;\n");
    assert!(findings(&out).contains(&"warning dropping-table".to_owned()), "{}", stdout(&out));
    let out = piped(&[], b"SELECT 1;\n\xff");
    expect![[r#"
        lockkeeper: stdin.sql:2: not UTF-8 (byte 0xFF at offset 10); save the file as UTF-8
    "#]]
    .assert_eq(&stderr(&out));
    assert_eq!(out.status.code(), Some(2));
}

#[track_caller]
fn refuses(dir: &Path, arguments: &[&str], expect: Expect) {
    let out = lockkeeper(dir, arguments);
    assert_eq!((out.status.code(), stdout(&out).as_str()), (Some(2), ""), "{}", stderr(&out));
    let root = dir.canonicalize().unwrap().display().to_string();
    assert_eq!(stderr(&out).lines().count(), 1, "{}", stderr(&out));
    expect.assert_eq(&stderr(&out).replace(&root, "ROOT"));
}

#[test]
fn what_cannot_be_read_is_named_and_nothing_is_told() {
    let dir = tree(&[("good.sql", "SELECT 1;\n"), ("binary.sql", "\u{7f}ELF\0\0"), ("folder.sql/x", "")]);
    let path = dir.path();
    fs::write(path.join("latin1.sql"), b"SELECT 1;\n-- caf\xe9\n").unwrap();
    refuses(
        path,
        &["lint", "good.sql", "nowhere.sql"],
        expect![[r#"
        lockkeeper: cannot read nowhere.sql: No such file or directory (os error 2)
    "#]],
    );
    refuses(
        path,
        &["lint", "good.sql", "folder.sql"],
        expect![[r#"
        lockkeeper: cannot read folder.sql: it is a folder
    "#]],
    );
    refuses(
        path,
        &["lint", "good.sql", "binary.sql", "--format", "sarif"],
        expect![[r#"
        lockkeeper: binary.sql:1: not a text file (byte 0x00 at offset 4)
    "#]],
    );
    refuses(
        path,
        &["lint", "good.sql", "latin1.sql", "--fix"],
        expect![[r#"
        lockkeeper: latin1.sql:2: not UTF-8 (byte 0xE9 at offset 16); save the file as UTF-8
    "#]],
    );
    refuses(
        path,
        &["lint", "--schema", "nowhere.sql", "good.sql"],
        expect![[r#"
        lockkeeper: cannot read nowhere.sql: No such file or directory (os error 2)
    "#]],
    );
    refuses(
        path,
        &["lint", "--since", "HEAD", "good.sql"],
        expect![[r#"
        lockkeeper: ROOT is not in a git repository, so git:HEAD cannot be read
    "#]],
    );
    refuses(
        path,
        &["plan", "--from", "git:nowhere", "--to", "good.sql"],
        expect![[r#"
        lockkeeper: ROOT is not in a git repository, so git:nowhere cannot be read
    "#]],
    );
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("gone.sql", path.join("dangling.sql")).unwrap();
        refuses(
            path,
            &["lint", "dangling.sql"],
            expect![[r#"
            lockkeeper: cannot read dangling.sql: No such file or directory (os error 2)
        "#]],
        );
        refuses(
            path,
            &["plan", "--from", "good.sql", "--to", "dangling.sql"],
            expect![[r#"
            lockkeeper: cannot read dangling.sql: No such file or directory (os error 2)
        "#]],
        );
    }
    fs::write(path.join("lockkeeper.toml"), "[lint.rules]\nno-such-rule = \"off\"\n").unwrap();
    refuses(
        path,
        &["lint", "good.sql"],
        expect![[r#"
        lockkeeper: ROOT/lockkeeper.toml:2:1: there is no rule `no-such-rule`
    "#]],
    );
}

#[test]
fn a_file_that_may_not_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tree(&[("secret.sql", "SELECT 1;\n")]);
    let secret = dir.path().join("secret.sql");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).unwrap();
    // Nobody can keep a file from the superuser.
    match fs::read(&secret) {
        Ok(_) => assert_eq!(lockkeeper(dir.path(), &["lint", "secret.sql"]).status.code(), Some(0)),
        Err(_) => refuses(
            dir.path(),
            &["lint", "secret.sql"],
            expect![[r#"
            lockkeeper: cannot read secret.sql: Permission denied (os error 13)
        "#]],
        ),
    }
}

#[test]
fn ten_megabytes_of_garbage_are_judged_or_refused_in_time() {
    let mut state = 7u64;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        b"abc ();'\"$-/*\n123"[(state >> 33) as usize % 17]
    };
    let garbage: Vec<u8> = (0..10 << 20).map(|_| byte()).collect();
    let dir = tree(&[("schema.sql", SCHEMA)]);
    fs::write(dir.path().join("garbage.sql"), garbage).unwrap();
    let out = lint(dir.path(), &["garbage.sql"]);
    // What cannot be parsed is reported where it stands.
    assert_eq!(out.status.code(), Some(1), "{}", stderr(&out));
    assert!(stdout(&out).contains("(syntax)"));
}
