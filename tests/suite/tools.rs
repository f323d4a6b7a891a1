//! How each tool sends a file to the server, as lint judges it: what may run CONCURRENTLY, and what shares a transaction.

use lockkeeper::{
    catalog::{Catalog, Source, replay},
    dialect::{parse_file, postgres::Postgres},
    export::Tool,
    lint::{LintInput, lint},
    plan::Facts,
};

/// Its own words in front of the SQL, the file beside it, then: does the server refuse CONCURRENTLY (alone in its file)?
/// Are NOT VALID and VALIDATE, one after the other, in one transaction?
const FILES: &[(Tool, &str, &str, bool, bool)] = &[
    // psql -f, statement by statement.
    (Tool::Plain, "", "", false, false),
    // Flyway's parser knows what cannot run in a transaction.
    (Tool::Flyway, "", "", false, true),
    (Tool::Flyway, "", "executeInTransaction=false\n", false, false),
    // libpq's simple protocol makes one transaction of several statements, whatever the tool does.
    (Tool::Diesel, "", "", true, true),
    (Tool::Diesel, "", "run_in_transaction = false\n", false, true),
    (Tool::GolangMigrate, "", "", false, true),
    (Tool::Prisma, "", "", false, true),
    (Tool::Sqlx, "", "", true, true),
    (Tool::Sqlx, "-- no-transaction\n", "", false, true),
    (Tool::Dbmate, "-- migrate:up\n", "", true, true),
    (Tool::Dbmate, "-- migrate:up transaction:false\n", "", false, true),
    (Tool::Goose, "-- +goose Up\n", "", true, true),
    (Tool::Goose, "-- +goose NO TRANSACTION\n-- +goose Up\n", "", false, false),
    (Tool::Refinery, "", "", true, true),
    (Tool::NodePgMigrate, "-- Up Migration\n", "", true, true),
    // Since its CLI 2.109 what cannot run in a transaction runs by itself.
    (Tool::Supabase, "", "", false, true),
    (Tool::Drizzle, "", "", true, true),
    (Tool::Liquibase, "--liquibase formatted sql\n--changeset me:1\n", "", true, true),
    (Tool::Liquibase, "--liquibase formatted sql\n--changeset me:1 runInTransaction:false\n", "", false, false),
];

fn codes(tool: Tool, text: &str, config: &str) -> Vec<&'static str> {
    let before = "CREATE TABLE users (id bigint PRIMARY KEY, email text);";
    let before = replay(Catalog::new(), &[Source { statements: parse_file(&Postgres, before).0.into() }]).catalog;
    let facts = Facts::for_version(15);
    let (statements, _) = parse_file(&Postgres, text);
    let runs = tool.runs(text, Some(config).filter(|it| !it.is_empty()));
    let input = LintInput {
        dialect: &Postgres,
        text,
        statements: &statements,
        before: &before,
        facts: &facts,
        runs,
        around: None,
    };
    lint(&input).into_iter().map(|it| it.rule).collect()
}

#[test]
fn each_tool_has_its_own_transactions() {
    for (tool, words, config, refused, shared) in FILES.iter().copied() {
        let name = format!("{} {words:?} {config:?}", tool.name());
        let alone = format!("{words}CREATE INDEX CONCURRENTLY i ON users (email);\n");
        let found = codes(tool, &alone, config);
        assert_eq!(found.contains(&"concurrently-in-transaction"), refused, "{name}: {found:?}");
        let two = format!(
            "{words}ALTER TABLE users ADD CONSTRAINT c CHECK (email <> '') NOT VALID;\nALTER TABLE users VALIDATE CONSTRAINT c;\n"
        );
        let found = codes(tool, &two, config);
        assert_eq!(found.contains(&"validate-in-same-transaction"), shared, "{name}: {found:?}");
        // What the file says itself counts with every tool.
        let block = format!("{words}BEGIN;\nCREATE INDEX CONCURRENTLY i ON users (email);\nCOMMIT;\n");
        assert!(codes(tool, &block, config).contains(&"concurrently-in-transaction"), "{name}");
    }
    // None is forgotten.
    for tool in &Tool::ALL {
        assert!(FILES.iter().any(|it| it.0 == *tool), "{}", tool.name());
    }
}
