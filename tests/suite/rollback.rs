//! Ways down, judged on catalogs: the pages' examples, the corpus, and the command line.

use lockkeeper::{
    catalog::{Catalog, Source, replay},
    dialect::{parse_file, postgres::Postgres},
    lint::{ROLLBACK_RULES, explain, judge_rollback},
    sql::Statement,
};

fn parsed(sql: &str) -> Vec<Statement> {
    parse_file(&Postgres, sql).0
}

fn catalog(sql: &str) -> Catalog {
    replay(Catalog::new(), &[Source { statements: parsed(sql).into() }]).catalog
}

#[test]
fn the_pages_examples_are_found() {
    for (code, page) in ROLLBACK_RULES {
        assert_eq!(explain(code), Some(page));
        let before = catalog(&page.fence("sql before").unwrap_or_default());
        let up = parsed(&page.fence("sql up").unwrap());
        let down = page.fence("sql down").map(|it| parsed(&it));
        let found = judge_rollback(&before, &up, down.as_deref()).unwrap();
        assert_eq!(found.rule, *code, "{found:?}");
    }
}

#[test]
fn a_way_down_that_leads_back_is_let_pass() {
    let before = catalog("CREATE TABLE users (id bigint PRIMARY KEY, name text);");
    let found = |up: &str, down: &str| {
        judge_rollback(&before, &parsed(up), Some(&parsed(down))).map(|it| it.message).unwrap_or_default()
    };
    assert_eq!(found("ALTER TABLE users ADD COLUMN z int;", "ALTER TABLE users DROP COLUMN z;"), "");
    assert_eq!(found("UPDATE users SET name = 'x' WHERE id = 1;", ""), "", "rows are not the schema");
    let wrong = found(
        "ALTER TABLE users ALTER COLUMN name SET NOT NULL, ADD COLUMN z int;",
        "ALTER TABLE users DROP COLUMN z;",
    );
    assert!(wrong.contains("table users column name not null"), "{wrong}");
    let fails = found("DROP TABLE users;", "ALTER TABLE users ADD COLUMN y int;");
    assert!(fails.starts_with("The way down fails: "), "{fails}");
}

#[test]
fn the_command_line_tells_of_ways_down() {
    let folder = tempfile::tempdir().unwrap();
    let migrations = folder.path().join("migrations");
    std::fs::create_dir(&migrations).unwrap();
    for (name, sql) in [
        ("0001_users.up.sql", "CREATE TABLE users (id bigint PRIMARY KEY);"),
        ("0001_users.down.sql", "DROP TABLE users;"),
        ("0002_carts.up.sql", "CREATE TABLE carts (id bigint PRIMARY KEY); CREATE TYPE tone AS ENUM ('low');"),
        ("0002_carts.down.sql", "DROP TABLE carts;"),
        ("0003_more.up.sql", "CREATE TABLE more (id bigint PRIMARY KEY);"),
    ] {
        std::fs::write(migrations.join(name), sql).unwrap();
    }
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lockkeeper"));
    let output = command.args(["lint"]).current_dir(folder.path()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("incomplete-rollback") && text.contains("type tone"), "{text}");
    assert!(text.contains("missing-rollback"), "{text}");
    assert_eq!(text.matches("-rollback").count(), 2, "{text}");
}
