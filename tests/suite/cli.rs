//! The command line, run as a process: output, exit status, files, bad input.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use expect_test::{Expect, expect};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    project::{EXAMPLE, statements},
    servers::{VERSIONS, with_server},
};

pub fn lockkeeper(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lockkeeper")).current_dir(dir).args(arguments).output().unwrap()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub fn tree(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (path, contents) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }
    dir
}

pub fn git(dir: &TempDir, arguments: &[&str]) {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
    let out = Command::new("git").current_dir(dir.path()).args(identity).args(arguments).output().unwrap();
    assert!(out.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
}

/// A before and an after with one change.
fn pair() -> TempDir {
    tree(&[
        ("before.sql", "CREATE TABLE users (id bigint PRIMARY KEY, mail text);\n"),
        ("after.sql", "CREATE TABLE users (id bigint PRIMARY KEY, mail text, age integer);\n"),
    ])
}

const FROM_TO: [&str; 4] = ["--from", "before.sql", "--to", "after.sql"];

fn with<'a>(command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [command].into_iter().chain(FROM_TO).chain(more.iter().copied()).collect()
}

/// One clear line on stderr, nothing on stdout, status 2.
#[track_caller]
fn refuses(dir: &Path, arguments: &[&str], expect: Expect) {
    let out = lockkeeper(dir, arguments);
    assert_eq!(out.status.code(), Some(2), "{}", stderr(&out));
    assert_eq!(stdout(&out), "");
    let root = dir.canonicalize().unwrap().display().to_string();
    let message = stderr(&out).replace(&root, "ROOT");
    assert_eq!(message.lines().count(), 1, "{message}");
    expect.assert_eq(&message);
}

#[test]
fn bad_files_are_named_with_line_and_cause() {
    let dir = pair();
    let path = dir.path();
    let refused = |name: &str, bytes: &[u8], expect: Expect| {
        fs::write(path.join(name), bytes).unwrap();
        refuses(path, &["plan", "--from", "before.sql", "--to", name], expect);
    };
    let nested = format!("CREATE TABLE a (id int);\nSELECT {}1{};\n", "(".repeat(20_000), ")".repeat(20_000));
    refused(
        "binary.sql",
        b"\x7fELF\x02\x00\x00",
        expect![[r#"
        lockkeeper: ROOT/binary.sql:1: not a text file (byte 0x00 at offset 5)
    "#]],
    );
    refused(
        "latin1.sql",
        b"SELECT 1;\n-- caf\xe9\n",
        expect![[r#"
        lockkeeper: ROOT/latin1.sql:2: not UTF-8 (byte 0xE9 at offset 16); save the file as UTF-8
    "#]],
    );
    refused(
        "utf16.sql",
        b"\xff\xfeS\x00E\x00",
        expect![[r#"
        lockkeeper: ROOT/utf16.sql:1: the file is UTF-16; save it as UTF-8
    "#]],
    );
    refused(
        "open.sql",
        b"CREATE TABLE t (id int);\nSELECT 'abc\n",
        expect![[r#"
        lockkeeper: open.sql:2:8: this text is not closed: a quote `'` is missing
    "#]],
    );
    refused(
        "nested.sql",
        nested.as_bytes(),
        expect![[r#"
        lockkeeper: nested.sql:2:1: this statement nests too deeply to be read; split it into smaller parts
    "#]],
    );
    refused(
        "syntax.sql",
        b"CREATE TABLE t (\n  id int,,\n);\n",
        expect![[r#"
            lockkeeper: syntax.sql:2:10: syntax error at `,`: unexpected comma
        "#]],
    );
    refuses(
        path,
        &["plan", "--from", "nowhere.sql", "--to", "after.sql"],
        expect![[r#"
        lockkeeper: cannot read nowhere.sql: No such file or directory (os error 2)
    "#]],
    );
    fs::create_dir(path.join("folder")).unwrap();
    refuses(
        path,
        &["plan", "--from", "folder", "--to", "after.sql"],
        expect![[r#"
        lockkeeper: folder holds no .sql file
    "#]],
    );
    refuses(
        path,
        &["plan"],
        expect![[r#"
            lockkeeper: nothing to compare with in ROOT: no migrations and no commit; name it with --from: ROOT is not in a git repository, so git:HEAD cannot be read
        "#]],
    );
}

#[test]
fn ten_megabytes_of_garbage_are_refused() {
    let dir = pair();
    // Bytes that open and close quotes, comments and parentheses without sense; the same ones every time.
    let mut state = 1u64;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        b"abc ();'\"$-/*\n123"[(state >> 33) as usize % 17]
    };
    let garbage: Vec<u8> = (0..10 << 20).map(|_| byte()).collect();
    fs::write(dir.path().join("garbage.sql"), garbage).unwrap();
    let out = lockkeeper(dir.path(), &["diff", "--from", "garbage.sql", "--to", "after.sql"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(stderr(&out).starts_with("lockkeeper: garbage.sql:1:"), "{}", stderr(&out));
}

#[test]
fn windows_line_ends_and_byte_order_marks_are_no_difference() {
    let dir = tree(&[
        ("a.sql", "CREATE TABLE t (\n  id int, -- a comment\n  note text DEFAULT 'a'\n);\n"),
        ("b.sql", "\u{feff}CREATE TABLE t (\r\n  id int, -- a comment\r\n  note text DEFAULT 'a'\r\n);\r\n"),
    ]);
    let out = lockkeeper(dir.path(), &["diff", "--from", "a.sql", "--to", "b.sql", "--exit-code"]);
    assert_eq!((out.status.code(), stdout(&out).as_str()), (Some(0), "Nothing changed.\n"), "{}", stderr(&out));
}

#[test]
fn bad_usage_is_refused() {
    let dir = pair();
    let path = dir.path();
    refuses(
        path,
        &with("plan", &["--server-version", "12"]),
        expect![[r#"
        lockkeeper: server version 12 is not supported: 13 to 18 are
    "#]],
    );
    refuses(
        path,
        &with("plan", &["--dialect", "oracle"]),
        expect![[r#"
        lockkeeper: unknown dialect `oracle`: this version knows postgres
    "#]],
    );
    refuses(
        path,
        &with("plan", &["--only", "add_column:users.agee"]),
        expect![[r#"
        lockkeeper: there is no change `add_column:users.agee`; there are add_column:users.age
    "#]],
    );
    refuses(
        path,
        &with("plan", &["--answer", "x"]),
        expect![[r#"
        lockkeeper: --answer x: write it as ID=CHOICE
    "#]],
    );
    refuses(
        path,
        &with("plan", &["--answer", "x=y"]),
        expect![[r#"
        lockkeeper: --answer x=y: there is no such question; no question is open
    "#]],
    );
    refuses(
        path,
        &with("plan", &["--as", "alembic"]),
        expect![[r#"
        lockkeeper: --as alembic: unknown; files can be written as sql, flyway, golang-migrate, diesel, sqlx, dbmate, goose, prisma
    "#]],
    );
    refuses(
        path,
        &["plan", "--advance", "after.sql"],
        expect![[r#"
        lockkeeper: after.sql: carries no plan of Lockkeeper's (the comment `lockkeeper-plan` at its end)
    "#]],
    );
    refuses(
        path,
        &["explain", "no-such-rule"],
        expect![[r#"
        lockkeeper: no-such-rule is neither a file nor the name of a rule or change
    "#]],
    );
    let out = lockkeeper(path, &["plan", "--no-such-option"]);
    assert_eq!(out.status.code(), Some(2));
    assert_eq!(lockkeeper(path, &["--help"]).status.code(), Some(0));
}

#[test]
fn the_json_of_a_plan_has_the_documented_shape() {
    let dir = pair();
    let out = lockkeeper(dir.path(), &with("plan", &["--format", "json", "--server-version", "16"]));
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    let plan: Value = serde_json::from_str(&stdout(&out)).unwrap();
    assert_eq!(
        (&plan["version"], &plan["dialect"], &plan["server_version"]),
        (&1.into(), &"postgres".into(), &16.into())
    );
    let keys = |it: &Value| it.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(keys(&plan), "changes dialect hazards phases questions server_version version");
    assert_eq!(keys(&plan["changes"][0]), "destructive id kind object summary");
    assert_eq!(plan["changes"][0]["id"], "add_column:users.age");
    let phase = &plan["phases"][0];
    assert_eq!(keys(phase), "gate irreversible kind preflight rollback steps title verify");
    assert_eq!(phase["kind"], "expand");
    let step = &phase["steps"][0];
    for key in ["sql", "tx", "locks", "rewrites", "scans", "why", "changes"] {
        assert!(step.get(key).is_some(), "{key} is missing in {step}");
    }
    assert_eq!(step["sql"], "ALTER TABLE users ADD COLUMN age integer");
    assert_eq!(step["locks"][0]["mode"], "AccessExclusive");
    assert_eq!(keys(&phase["verify"][0]), "expect sql why");
    assert_eq!(phase["rollback"][0]["sql"], "ALTER TABLE users DROP COLUMN age");
    // The same input gives the same bytes.
    assert_eq!(
        stdout(&lockkeeper(dir.path(), &with("plan", &["--format", "json", "--server-version", "16"]))),
        stdout(&out)
    );
}

#[test]
fn diff_says_what_changed_and_leaves_with_1_when_asked() {
    let dir = pair();
    let out = lockkeeper(dir.path(), &with("diff", &[]));
    assert_eq!(out.status.code(), Some(0));
    expect![[r#"
        add_column:users.age  add users.age integer
    "#]]
    .assert_eq(&stdout(&out));
    assert_eq!(lockkeeper(dir.path(), &with("diff", &["--exit-code"])).status.code(), Some(1));
    let none = lockkeeper(dir.path(), &with("diff", &["--exclude", "add_column:users.age", "--format", "json"]));
    let none: Value = serde_json::from_str(&stdout(&none)).unwrap();
    assert_eq!(none["changes"], Value::Array(vec![]));
}

#[test]
fn a_rename_is_asked_about_and_settled_by_an_answer() {
    let dir = tree(&[
        ("before.sql", "CREATE TABLE users (id bigint PRIMARY KEY, mail text);\n"),
        ("after.sql", "CREATE TABLE users (id bigint PRIMARY KEY, email text);\n"),
    ]);
    let ids = |more: &[&str]| {
        let out = lockkeeper(dir.path(), &with("diff", &[&["--format", "json"], more].concat()));
        let diff: Value = serde_json::from_str(&stdout(&out)).unwrap_or_else(|_| panic!("{}", stderr(&out)));
        let ids: Vec<_> =
            diff["changes"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect();
        (ids, diff["questions"][0]["id"].as_str().map(str::to_owned))
    };
    assert_eq!(ids(&[]).1.as_deref(), Some("rename:users.mail>email"));
    let renamed = vec!["rename_column:users.email".to_owned()];
    let dropped = vec!["add_column:users.email".to_owned(), "drop_column:users.mail".to_owned()];
    assert_eq!(ids(&["--answer", "rename:users.mail>email=rename"]).0, renamed);
    assert_eq!(ids(&["--answer", "rename:users.mail>email=drop-and-add"]).0, dropped);
    assert_eq!(ids(&["--assume", "drop-and-add"]).0, dropped);
}

#[test]
fn lint_json_and_exit_status() {
    let dir = tree(&[
        ("schema.sql", "CREATE TABLE users (id bigint PRIMARY KEY, mail text);\n"),
        ("bad.sql", "SELECT 1;\nCREATE INDEX i ON users (mail);\n"),
        ("good.sql", "SET lock_timeout = '3s';\nALTER TABLE users ADD COLUMN age int;\n"),
    ]);
    let out = lockkeeper(dir.path(), &["lint", "bad.sql", "--schema", "schema.sql", "--format", "json"]);
    assert_eq!(out.status.code(), Some(1), "{}", stderr(&out));
    let report: Value = serde_json::from_str(&stdout(&out)).unwrap();
    assert_eq!((&report["version"], &report["files"][0]["path"]), (&1.into(), &"bad.sql".into()));
    let findings = report["files"][0]["findings"].as_array().unwrap();
    let finding = findings.iter().find(|it| it["rule"] == "creating-index").unwrap();
    assert_eq!((&finding["line"], &finding["column"], &finding["end_line"]), (&2.into(), &1.into(), &2.into()));
    assert_eq!((&finding["end_column"], &finding["fixable"]), (&31.into(), &true.into()));
    let good = lockkeeper(dir.path(), &["lint", "good.sql", "--schema", "schema.sql"]);
    assert_eq!((good.status.code(), stdout(&good).as_str()), (Some(0), "0 findings in 1 file\n"), "{}", stderr(&good));
    let github = lockkeeper(dir.path(), &["lint", "bad.sql", "--schema", "schema.sql", "--format", "github"]);
    assert!(stdout(&github).contains("::warning file=bad.sql,line=2,"), "{}", stdout(&github));
    let sarif = lockkeeper(dir.path(), &["lint", "bad.sql", "--schema", "schema.sql", "--format", "sarif"]);
    let sarif: Value = serde_json::from_str(&stdout(&sarif)).unwrap();
    assert_eq!(sarif["runs"][0]["tool"]["driver"]["name"], "lockkeeper");
}

#[test]
fn explain_tells_of_rules_changes_and_statements() {
    let dir = tree(&[
        ("schema.sql", "CREATE TABLE users (id bigint PRIMARY KEY, mail text);\n"),
        ("x.sql", "ALTER TABLE users\n  ALTER COLUMN mail SET NOT NULL;\nCREATE TABLE teams (id int);\n"),
    ]);
    let rule = lockkeeper(dir.path(), &["explain", "creating-index"]);
    assert!(stdout(&rule).starts_with("# "), "{}", stderr(&rule));
    let change = lockkeeper(dir.path(), &["explain", "rename_column"]);
    assert!(stdout(&change).starts_with("# "), "{}", stderr(&change));
    let file = lockkeeper(dir.path(), &["explain", "x.sql", "--schema", "schema.sql"]);
    expect![[r#"
        1: ALTER TABLE users …
            AccessExclusive on users: everybody waits, readers too
            reads every row of users under the lock
        3: CREATE TABLE teams (id int)
    "#]]
    .assert_eq(&stdout(&file));
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let dir = tree(&[("before.sql", EXAMPLE[0]), ("after.sql", EXAMPLE[1])]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_lockkeeper"))
        .current_dir(dir.path())
        .args(with("plan", &["--format", "json"]))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let out = child.wait_with_output().unwrap();
    assert_eq!((out.status.code(), stderr(&out).as_str()), (Some(0), ""));
}

/// A repository whose schema was changed since the last commit, with a Flyway history.
fn flyway_project() -> TempDir {
    let dir = tree(&[
        ("schema.sql", "CREATE TABLE users (id bigint PRIMARY KEY, mail text);\n"),
        ("db/migration/V7__users.sql", "CREATE TABLE users (id bigint PRIMARY KEY, mail text);\n"),
    ]);
    git(&dir, &["init", "-q"]);
    git(&dir, &["add", "."]);
    git(&dir, &["commit", "-q", "-m", "one"]);
    let after = "CREATE TABLE users (\n  id bigint PRIMARY KEY,\n  email text -- @renamed from=mail\n);\n";
    fs::write(dir.path().join("schema.sql"), after).unwrap();
    dir
}

#[test]
fn a_plan_is_delivered_phase_by_phase() {
    let dir = flyway_project();
    let files = lockkeeper(dir.path(), &["plan", "--as", "flyway"]);
    assert_eq!(files.status.code(), Some(0), "{}", stderr(&files));
    let root = dir.path().canonicalize().unwrap();
    let shown = |it: &Output| stdout(it).replace(&format!("{}/", root.display()), "");
    expect![[r#"
        db/migration/V8.1__expand_rename_column_users_email.sql
        db/migration/rollback/undo_V8.1__expand_rename_column_users_email.sql
        db/migration/V8__rename_column_users_email.plan.md
    "#]]
    .assert_eq(&shown(&files));
    // The plan that was begun is not planned a second time.
    let again = lockkeeper(dir.path(), &["plan"]);
    assert_eq!(stdout(&again), "Nothing to do.\n", "{}", stderr(&again));
    let document = "db/migration/V8__rename_column_users_email.plan.md";
    let next = lockkeeper(dir.path(), &["plan", "--advance", document]);
    expect![[r#"
        db/migration/V8.2__backfill_rename_column_users_email.sql
        db/migration/V8.3__backfill_2_rename_column_users_email.sql
        db/migration/V8.3__backfill_2_rename_column_users_email.sql.conf
        db/migration/rollback/undo_V8.2__backfill_rename_column_users_email.sql
    "#]]
    .assert_eq(&shown(&next));
    let again = lockkeeper(dir.path(), &["plan"]);
    assert_eq!(stdout(&again), "Nothing to do.\n", "{}", stderr(&again));
    let mut last = next;
    while last.status.success() {
        last = lockkeeper(dir.path(), &["plan", "--advance", document]);
    }
    let message = format!("lockkeeper: {document}: every phase of the plan has been written\n");
    assert_eq!((last.status.code(), stderr(&last)), (Some(2), message));
    // The history leads to the schema.
    let end = lockkeeper(dir.path(), &["diff", "--from", "migrations"]);
    assert_eq!(stdout(&end), "Nothing changed.\n", "{}", stderr(&end));
}

#[test]
fn the_revision_is_the_baseline_where_there_are_no_migrations() {
    let dir = flyway_project();
    fs::remove_dir_all(dir.path().join("db")).unwrap();
    let default = lockkeeper(dir.path(), &["diff"]);
    assert_eq!(stdout(&default), "rename_column:users.email  rename users.mail to email\n", "{}", stderr(&default));
    let named = lockkeeper(dir.path(), &["diff", "--from", "git:HEAD:schema.sql", "--to", "schema"]);
    assert_eq!(stdout(&named), stdout(&default), "{}", stderr(&named));
    refuses(
        dir.path(),
        &["diff", "--from", "git:v9"],
        expect![[r#"
        lockkeeper: git has no revision `v9` in ROOT
    "#]],
    );
}

#[test]
fn nothing_is_written_over_and_nothing_by_halves() {
    let dir = pair();
    let first = lockkeeper(dir.path(), &with("plan", &["--out", "m"]));
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    let document = dir.path().join("m/0001_add_column_users_age.plan.md");
    let before = fs::read_to_string(&document).unwrap();
    // The next version is free, but a file of the rollback is in the way.
    fs::create_dir_all(dir.path().join("m/rollback")).unwrap();
    fs::write(dir.path().join("m/rollback/0002_expand_add_column_users_age.sql"), "mine").unwrap();
    refuses(
        dir.path(),
        &with("plan", &["--out", "m"]),
        expect![[r#"
        lockkeeper: m/rollback/0002_expand_add_column_users_age.sql exists already; nothing was written
    "#]],
    );
    assert_eq!(fs::read_to_string(&document).unwrap(), before);
    assert!(!dir.path().join("m/0002_expand_add_column_users_age.sql").exists());
}

/// The worked example's answers: a value for the rows that have none.
const ANSWER: [&str; 2] = ["--answer", "fill:customers.full_name=value:'unknown'"];

#[test]
fn the_worked_examples_files_lead_to_its_target_on_real_servers() {
    let dir = tree(&[("before.sql", EXAMPLE[0]), ("after.sql", EXAMPLE[1])]);
    for version in VERSIONS {
        let folder = format!("m{version}");
        let number = version.to_string();
        let arguments =
            with("plan", &["--server-version", &number, "--all-phases", "--out", &folder, ANSWER[0], ANSWER[1]]);
        let out = lockkeeper(dir.path(), &arguments);
        assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
        let files: Vec<PathBuf> = stdout(&out).lines().map(|it| dir.path().join(it)).collect();
        let files: Vec<_> = files
            .iter()
            .filter(|it| it.extension().unwrap() == "sql" && it.parent().unwrap().ends_with(&folder))
            .collect();
        assert_eq!(files.len(), 5);
        with_server(version, async |server| {
            let [before, after] =
                [server.create_database(None).await.unwrap(), server.create_database(None).await.unwrap()];
            let mut shapes = vec![];
            for (database, texts) in [
                (&after, vec![EXAMPLE[1].to_owned()]),
                (&before, {
                    let mut texts = vec![EXAMPLE[0].to_owned()];
                    texts.extend(files.iter().map(|it| fs::read_to_string(it).unwrap()));
                    texts
                }),
            ] {
                let session = database.connect().await.unwrap();
                for text in texts {
                    for sql in statements(&text) {
                        session.run(&sql).await.unwrap_or_else(|it| panic!("on {version}: {it}\n{sql}"));
                    }
                }
                shapes.push(session.rows(SHAPE).await.unwrap());
            }
            assert_eq!(shapes[0], shapes[1], "on {version}");
            for database in [before, after] {
                database.remove().await.unwrap();
            }
        });
    }
}

/// Columns, constraints and indexes of every table; leftovers of ours would show.
const SHAPE: &str = "
    SELECT c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull || ' '
        || a.attidentity::text || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '') AS line
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) || ' ' || convalidated
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
    UNION ALL SELECT pg_get_indexdef(indexrelid) || ' ' || indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE c.relnamespace = 'public'::regnamespace
    UNION ALL SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT tgname::text FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')
    ORDER BY line";

#[test]
fn a_wrong_answer_is_told_the_choices() {
    let dir = tree(&[("before.sql", EXAMPLE[0]), ("after.sql", EXAMPLE[1])]);
    let out = lockkeeper(dir.path(), &with("plan", &["--answer", "fill:customers.full_name=maybe"]));
    let message = "lockkeeper: --answer fill:customers.full_name=maybe: choose one of none, value:…";
    assert!(stderr(&out).starts_with(message), "{}", stderr(&out));
    assert_eq!(out.status.code(), Some(2));
}

#[test]
fn the_language_server_ends_with_its_client() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_lockkeeper"))
        .arg("lsp")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdin.take());
    assert!(child.wait().unwrap().code().is_some());
}
