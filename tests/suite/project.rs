//! Projects on disk: which files are found, as whose, and in which order they run.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use expect_test::{Expect, expect};
use lockkeeper::{
    dialect::Dialect as _,
    dialect::postgres::Postgres,
    project::{NewFile, Overlay, Project, SETTINGS, Settings, Spec, write_new},
};
use tempfile::TempDir;

use crate::servers::{VERSIONS, with_server};

/// A folder with files: (path, contents).
fn tree(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (path, contents) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }
    dir
}

fn open(dir: &TempDir) -> Project {
    Project::open(dir.path(), Overlay::new()).unwrap()
}

/// What a project consists of, in words.
fn describe(project: &Project) -> String {
    let relative = |it: &Path| it.strip_prefix(&project.root).unwrap_or(it).display().to_string();
    let mut out = String::new();
    for path in project.schema_paths() {
        out.push_str(&format!("schema {}\n", relative(&path)));
    }
    if let Some(migrations) = project.migrations() {
        out.push_str(&format!("{} in {:?}\n", migrations.tool.name(), migrations.dir));
        for it in &migrations.files {
            let down = it.down.as_ref().map_or(String::new(), |it| format!(" (back: {})", it.display()));
            out.push_str(&format!("  {}{down}\n", it.up.display()));
        }
    }
    for note in &project.notes {
        out.push_str(&format!("note: {note}\n"));
    }
    out
}

#[track_caller]
fn check(files: &[(&str, &str)], expect: Expect) {
    let dir = tree(files);
    expect.assert_eq(&describe(&open(&dir)));
}

const TABLE: &str = "CREATE TABLE t (id bigint PRIMARY KEY);\n";

#[test]
fn plain_files_run_by_number() {
    check(
        &[
            ("schema.sql", TABLE),
            ("migrations/10_c.sql", TABLE),
            ("migrations/2_b.sql", TABLE),
            ("migrations/1_a.sql", TABLE),
            ("migrations/README.sql", ""),
        ],
        expect![[r#"
            schema schema.sql
            sql in "migrations"
              migrations/1_a.sql
              migrations/2_b.sql
              migrations/10_c.sql
        "#]],
    );
}

#[test]
fn timestamped_files_and_ways_back_beside_them() {
    check(
        &[
            ("db/structure.sql", TABLE),
            ("db/migrate/20240102030405_b.sql", TABLE),
            ("db/migrate/20230102030405_scale_down.sql", TABLE),
            ("db/migrate/20250102030405_c_up.sql", TABLE),
            ("db/migrate/20250102030405_c_down.sql", TABLE),
        ],
        expect![[r#"
            schema db/structure.sql
            sql in "db/migrate"
              db/migrate/20230102030405_scale_down.sql
              db/migrate/20240102030405_b.sql
              db/migrate/20250102030405_c_up.sql (back: db/migrate/20250102030405_c_down.sql)
        "#]],
    );
}

#[test]
fn flyway_runs_by_version_and_repeatable_ones_last() {
    check(
        &[
            ("src/main/resources/db/migration/V10__z.sql", TABLE),
            ("src/main/resources/db/migration/V8.1__y.sql", TABLE),
            ("src/main/resources/db/migration/V8_10__x.sql", TABLE),
            ("src/main/resources/db/migration/V9__w.sql", TABLE),
            ("src/main/resources/db/migration/U9__w.sql", TABLE),
            ("src/main/resources/db/migration/R__views.sql", TABLE),
            ("src/main/resources/db/migration/R__functions.sql", TABLE),
            ("src/main/resources/db/migration/2024/V11__deep.sql", TABLE),
            ("src/main/resources/db/migration/rollback/undo_V8.1__y.sql", TABLE),
        ],
        expect![[r#"
            flyway in "src/main/resources/db/migration"
              src/main/resources/db/migration/V8.1__y.sql
              src/main/resources/db/migration/V8_10__x.sql
              src/main/resources/db/migration/V9__w.sql (back: src/main/resources/db/migration/U9__w.sql)
              src/main/resources/db/migration/V10__z.sql
              src/main/resources/db/migration/2024/V11__deep.sql
              src/main/resources/db/migration/R__functions.sql
              src/main/resources/db/migration/R__views.sql
        "#]],
    );
}

#[test]
fn a_flyway_baseline_migration_replaces_what_came_before() {
    check(
        &[
            ("migration/V1__a.sql", TABLE),
            ("migration/V2__b.sql", TABLE),
            ("migration/B2__all.sql", TABLE),
            ("migration/V3__c.sql", TABLE),
        ],
        expect![[r#"
            flyway in "migration"
              migration/B2__all.sql
              migration/V3__c.sql
        "#]],
    );
}

#[test]
fn the_same_names_are_refinery_where_cargo_says_so() {
    check(
        &[("Cargo.toml", "[dependencies]\nrefinery = \"0.8\"\n"), ("migrations/V1__a.sql", TABLE)],
        expect![[r#"
            refinery in "migrations"
              migrations/V1__a.sql
        "#]],
    );
}

#[test]
fn golang_migrate_pairs() {
    check(
        &[
            ("go.mod", "module x\n"),
            ("migrations/000002_b.up.sql", TABLE),
            ("migrations/000002_b.down.sql", TABLE),
            ("migrations/000001_a.up.sql", TABLE),
            ("migrations/000001_a.down.sql", TABLE),
        ],
        expect![[r#"
            golang-migrate in "migrations"
              migrations/000001_a.up.sql (back: migrations/000001_a.down.sql)
              migrations/000002_b.up.sql (back: migrations/000002_b.down.sql)
        "#]],
    );
}

#[test]
fn sqlx_single_files_and_pairs() {
    check(
        &[
            ("Cargo.toml", "[dependencies]\nsqlx = \"0.8\"\n"),
            ("migrations/20240102030405_a.sql", TABLE),
            ("migrations/20240202030405_b.up.sql", TABLE),
            ("migrations/20240202030405_b.down.sql", TABLE),
        ],
        expect![[r#"
            sqlx in "migrations"
              migrations/20240102030405_a.sql
              migrations/20240202030405_b.up.sql (back: migrations/20240202030405_b.down.sql)
        "#]],
    );
}

#[test]
fn diesel_folders() {
    check(
        &[
            ("diesel.toml", ""),
            ("migrations/2024-01-02-030405_b/up.sql", TABLE),
            ("migrations/2024-01-02-030405_b/down.sql", TABLE),
            ("migrations/00000000000000_diesel_initial_setup/up.sql", TABLE),
            ("migrations/00000000000000_diesel_initial_setup/down.sql", TABLE),
        ],
        expect![[r#"
            diesel in "migrations"
              migrations/00000000000000_diesel_initial_setup/up.sql (back: migrations/00000000000000_diesel_initial_setup/down.sql)
              migrations/2024-01-02-030405_b/up.sql (back: migrations/2024-01-02-030405_b/down.sql)
        "#]],
    );
}

#[test]
fn prisma_folders() {
    check(
        &[
            ("prisma/migrations/20240102030405_b/migration.sql", TABLE),
            ("prisma/migrations/20230102030405_a/migration.sql", TABLE),
            ("prisma/migrations/migration_lock.toml", "provider = \"postgresql\"\n"),
        ],
        expect![[r#"
            prisma in "prisma/migrations"
              prisma/migrations/20230102030405_a/migration.sql
              prisma/migrations/20240102030405_b/migration.sql
        "#]],
    );
}

#[test]
fn tools_told_apart_by_marks_in_their_files() {
    for (mark, tool) in [
        ("-- migrate:up\n", "dbmate"),
        ("-- +goose Up\n", "goose"),
        ("-- Up Migration\n", "node-pg-migrate"),
        ("--liquibase formatted sql\n", "liquibase"),
    ] {
        let dir = tree(&[("db/migrations/20240102030405_a.sql", &format!("{mark}{TABLE}"))]);
        assert_eq!(open(&dir).migrations().unwrap().tool.name(), tool);
    }
    let dir = tree(&[("supabase/migrations/20240102030405_a.sql", TABLE)]);
    assert_eq!(open(&dir).migrations().unwrap().tool.name(), "supabase");
    let dir =
        tree(&[("drizzle/0000_a.sql", TABLE), ("drizzle/0001_a.sql", TABLE), ("drizzle/meta/_journal.json", "{}")]);
    assert_eq!(open(&dir).migrations().unwrap().tool.name(), "drizzle");
}

#[test]
fn another_databases_migrations_and_fixtures_are_passed_over() {
    check(
        &[
            ("migrations/mysql/0001_a.sql", TABLE),
            ("migrations/postgres/0001_a.sql", TABLE),
            ("tests/fixtures/migrations/0001_x.sql", TABLE),
            ("node_modules/x/migrations/0001_x.sql", TABLE),
        ],
        expect![""],
    );
}

#[test]
fn two_histories_are_not_chosen_between_in_silence() {
    check(
        &[("a/migrations/0001_x.sql", TABLE), ("b/migrations/0001_x.sql", TABLE), ("b/migrations/0002_x.sql", TABLE)],
        expect![[r#"
            sql in "b/migrations"
              b/migrations/0001_x.sql
              b/migrations/0002_x.sql
            note: migrations are taken from b/migrations; a/migrations could be meant too: say which with `[migrations] dir = …` in lockkeeper.toml
        "#]],
    );
}

#[test]
fn schema_folders_and_dumps() {
    check(
        &[("schema/02_views.sql", TABLE), ("schema/01_tables.sql", TABLE)],
        expect![[r#"
            schema schema/01_tables.sql
            schema schema/02_views.sql
        "#]],
    );
    check(
        &[
            ("dump.sql", "--\n-- PostgreSQL database dump\n--\n\nCREATE TABLE t (id int);\n"),
            ("notes.sql", "SELECT 1;"),
        ],
        expect![[r#"
            schema dump.sql
        "#]],
    );
}

#[test]
fn settings_say_what_cannot_be_found() {
    check(
        &[
            ("lockkeeper.toml", "schema = \"sql/*.ddl.sql\"\n[migrations]\ndir = \"deltas\"\ntool = \"sqlx\"\n"),
            ("sql/a.ddl.sql", TABLE),
            ("sql/b.sql", TABLE),
            ("deltas/1_a.sql", TABLE),
            ("migrations/0001_other.sql", TABLE),
        ],
        expect![[r#"
            schema sql/a.ddl.sql
            sqlx in "deltas"
              deltas/1_a.sql
        "#]],
    );
}

#[track_caller]
fn fails(dir: &TempDir, spec: &str, expect: &str) {
    let error =
        match Project::open(dir.path(), Overlay::new()).and_then(|it| it.baseline(&spec.parse::<Spec>().unwrap())) {
            Ok(baseline) => panic!("no error but {}", baseline.label),
            Err(error) => format!("{error:#}"),
        };
    let root = dir.path().canonicalize().unwrap().display().to_string();
    assert_eq!(error.replace(&root, "ROOT"), expect);
}

#[test]
fn what_cannot_be_read_is_named() {
    let dir = tree(&[("schema.sql", TABLE), ("lockkeeper.toml", "x = 1\n")]);
    fails(
        &dir,
        "schema",
        "ROOT/lockkeeper.toml:1:1: unknown field `x`, expected one of `dialect`, `server_version`, `utc`, `schema`, `main_branch`, `migrations`, `tables`, `naming`, `lint`",
    );
    let dir = tree(&[]);
    fs::write(dir.path().join("schema.sql"), b"SELECT 1;\n-- \xff\n").unwrap();
    fails(&dir, "schema", "ROOT/schema.sql:2: not UTF-8 (byte 0xFF at offset 13); save the file as UTF-8");
    fails(&dir, "nowhere.sql", "cannot read nowhere.sql: No such file or directory (os error 2)");
    fails(
        &dir,
        "migrations",
        "no migrations in ROOT: no folder has a layout that Lockkeeper knows; name it with `[migrations] dir = …` in lockkeeper.toml",
    );
    fails(&dir, "git:HEAD", "ROOT is not in a git repository, so git:HEAD cannot be read");
    let empty = tree(&[("x/readme.txt", "")]);
    let folder = empty.path().join("x").display().to_string();
    fails(&empty, &folder, "ROOT/x holds no .sql file");
    fails(
        &empty,
        "schema",
        "no schema file in ROOT: looked for schema.sql, db/structure.sql, structure.sql, schema/*.sql and dumps; name it with --to or `schema = …` in lockkeeper.toml",
    );
}

fn git(dir: &TempDir, arguments: &[&str]) {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
    let out = Command::new("git").current_dir(dir.path()).args(identity).args(arguments).output().unwrap();
    assert!(out.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
}

#[test]
fn revisions() {
    let dir = tree(&[("schema.sql", TABLE), ("other/a.sql", "CREATE TABLE é (id int);\n")]);
    fails(&dir, "git:HEAD", "ROOT is not in a git repository, so git:HEAD cannot be read");
    git(&dir, &["init", "-q"]);
    fails(&dir, "git:HEAD", "git has no revision `HEAD` in ROOT");
    git(&dir, &["add", "."]);
    git(&dir, &["commit", "-q", "-m", "one"]);
    fails(&dir, "git:nowhere", "git has no revision `nowhere` in ROOT");
    fails(&dir, "git:--help", "`--help` is not a git revision");
    fails(&dir, "git:HEAD:missing.sql", "git:HEAD:missing.sql does not exist");
}

#[test]
fn unsaved_buffers_stand_in_for_files() {
    let dir = tree(&[("schema.sql", TABLE)]);
    let root = dir.path().canonicalize().unwrap();
    let new = root.join("migrations/0001_new.sql");
    let overlays: Overlay =
        [(root.join("schema.sql"), Arc::from("SELECT 1;\n")), (new, Arc::from("SELECT 2;\n"))].into();
    let project = Project::open(&root, overlays).unwrap();
    assert_eq!(&*project.read(Path::new("schema.sql")).unwrap(), "SELECT 1;\n");
    expect![[r#"
        schema schema.sql
        sql in "migrations"
          migrations/0001_new.sql
    "#]]
    .assert_eq(&describe(&project));
}

#[test]
fn new_files_are_all_written_or_none() {
    let dir = tree(&[("migrations/0002_b.sql", "mine")]);
    let file = |name: &str| NewFile { path: dir.path().join(name), contents: "x".to_owned() };
    let error = write_new(&[file("migrations/0001_a.sql"), file("migrations/0002_b.sql")]).unwrap_err();
    assert!(error.to_string().ends_with("migrations/0002_b.sql exists already; nothing was written"), "{error}");
    // A name that cannot be a folder: the first file is taken back.
    assert!(write_new(&[file("new/0001_a.sql"), file("migrations/0002_b.sql/x.sql")]).is_err());
    let left: Vec<PathBuf> = walk(dir.path());
    assert_eq!(left, [dir.path().join("migrations/0002_b.sql")]);
    write_new(&[file("new/deep/0001_a.sql"), file("new/0002_b.sql")]).unwrap();
    assert_eq!(walk(dir.path()).len(), 3);
}

fn walk(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

/// The worked example, `before` and `after`.
pub const EXAMPLE: [&str; 2] = [include_str!("../example/before.sql"), include_str!("../example/after.sql")];

/// The statements of a file as text.
pub fn statements(text: &str) -> Vec<String> {
    let pieces = Postgres.split(text).pieces;
    pieces.into_iter().map(|it| text[it.range].to_owned()).collect()
}

#[test]
fn the_worked_example_runs_on_every_server() {
    for version in VERSIONS {
        with_server(version, async |server| {
            for text in EXAMPLE {
                let database = server.create_database(None).await.unwrap();
                let session = database.connect().await.unwrap();
                for sql in statements(text) {
                    session.run(&sql).await.unwrap_or_else(|it| panic!("on {version}: {it:?}\n{sql}"));
                }
                drop(session);
                database.remove().await.unwrap();
            }
        });
    }
}

/// The list of settings has what the code reads: an unknown key makes it say what it knows. The README has the list.
#[test]
fn every_setting_is_in_the_docs() {
    let known = |table: &str| -> Vec<String> {
        let text = match table {
            "" => "zzz = 1\n".to_owned(),
            "tables.*" => "[tables.a]\nzzz = 1\n".to_owned(),
            "lint.overrides[]" => "[[lint.overrides]]\nzzz = 1\n".to_owned(),
            table => format!("[{table}]\nzzz = 1\n"),
        };
        let error = format!("{:#}", Settings::parse(&text, "x").unwrap_err());
        let list = error.split_once("expected").unwrap_or_else(|| panic!("{error}")).1;
        list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    for table in ["", "migrations", "naming", "tables.*", "lint", "lint.overrides[]"] {
        let prefix = if table.is_empty() { String::new() } else { format!("{table}.") };
        let listed = SETTINGS.iter().filter_map(|it| it.key.strip_prefix(&prefix)?.split(['.', '[']).next());
        let listed: BTreeSet<&str> = listed.collect();
        let known = known(table);
        assert_eq!(listed, known.iter().map(String::as_str).collect(), "in `{table}`");
    }
    let rows = SETTINGS.iter().map(|it| format!("| `{}` | {} | {} | {} |\n", it.key, it.value, it.default, it.about));
    let table =
        format!("| key | value | default | what it says |\n| --- | --- | --- | --- |\n{}", rows.collect::<String>());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (head, rest) = readme.split_once("<!-- settings: compared with the code by a test -->\n").unwrap();
    let (known, tail) = rest.split_once("<!-- end of settings -->").unwrap();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let text =
            format!("{head}<!-- settings: compared with the code by a test -->\n{table}<!-- end of settings -->{tail}");
        fs::write(&path, text).unwrap();
    } else {
        assert_eq!(known, table, "UPDATE_EXPECT=1 writes it");
    }
    // The example is one.
    let example = readme.split("```toml\n").nth(1).and_then(|it| it.split("```").next()).unwrap();
    assert!(Settings::parse(example, "README.md").is_ok());
}
