//! The histories of real projects: replayed into a catalog, and run by a real server whose catalog must be the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use lockkeeper::{
    catalog::{Catalog, Source, differences, replay},
    dialect::{Dialect, parse_file, postgres::Postgres},
    shadow::introspect,
    sql::{Ddl, TransactionControl},
};

use crate::servers::with_database;

/// A folder next to the checkout, or where the variable says. Absent: said loudly, and a failure in CI.
pub fn shared(variable: &str, name: &str) -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(name);
    let folder = std::env::var_os(variable).map_or(default, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("*** {name} is not at {}: set {variable}. NOT TESTED. ***", folder.display());
    assert!(std::env::var_os("CI").is_none(), "{variable} must name a folder in CI");
    None
}

/// A history: the files that one database sees, in order.
pub struct History {
    pub name: String,
    pub files: Vec<(String, String)>,
}

pub fn histories(corpus: &Path) -> Vec<History> {
    let mut res = Vec::new();
    let mut projects: Vec<PathBuf> =
        fs::read_dir(corpus).unwrap().map(|it| it.unwrap().path().join("postgres")).collect();
    projects.sort();
    for folder in projects.iter().filter(|it| it.is_dir()) {
        let project = folder.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        let mut groups: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
        let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
        files.sort();
        for file in files {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            if name.ends_with(".down.sql") || name.ends_with("__down.sql") || name.ends_with("_down.sql") {
                continue;
            }
            let text = String::from_utf8(fs::read(&file).unwrap()).unwrap();
            // goose keeps both directions in one file.
            let up = text.split("-- +goose Down").next().unwrap_or_default().to_owned();
            groups.entry(group(&project, &name)).or_default().push((name, up));
        }
        res.extend(groups.into_iter().map(|(name, files)| History { name, files }));
    }
    res
}

/// Projects that keep whole schemas beside their migrations have several histories.
fn group(project: &str, file: &str) -> String {
    match project {
        "temporal" => {
            let kind = if file.contains("__visibility__") { "visibility" } else { "default" };
            let form = if file.contains("__versioned__") { "versioned" } else { "schema" };
            format!("temporal {kind} {form}")
        }
        "pagila" => format!("pagila {}", file.split("__").nth(1).unwrap_or_default()),
        "memos" if file.contains("LATEST") => "memos latest".to_owned(),
        _ => project.to_owned(),
    }
}

/// What the project finds in its database before its first migration.
pub fn prelude(history: &str) -> &'static [&'static str] {
    match history {
        "graphile-worker" => &["CREATE SCHEMA graphile_worker AUTHORIZATION lockkeeper"],
        "supabase-auth" => &["CREATE SCHEMA auth AUTHORIZATION lockkeeper"],
        _ => &[],
    }
}

fn line(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or_default().matches('\n').count() + 1
}

/// Problems as `file:line: message`.
fn replayed(history: &History) -> (Catalog, Vec<String>) {
    let sources: Vec<Source> =
        history.files.iter().map(|(_, text)| Source { statements: parse_file(&Postgres, text).0.into() }).collect();
    let mut base = Catalog::new();
    let before: String = prelude(&history.name).join(";");
    let before = replay(base.clone(), &[Source { statements: parse_file(&Postgres, &before).0.into() }]);
    base.clone_from(&before.catalog);
    let build = replay(base, &sources);
    let shown = |(source, problem): &(u32, lockkeeper::sql::Problem)| {
        let (name, text) = &history.files[*source as usize];
        format!("{name}:{}: {}", line(text, problem.range.start), problem.message)
    };
    (build.catalog, build.problems.iter().map(shown).collect())
}

/// What may differ between our replay and the server, by a part of the line, and why.
const EXPLAINED: &[(&str, &str)] = &[
    ("permission denied for schema public", "the role that is to own a table may not create one on the test server"),
    ("permission denied to create database", "workspace SQL may not create databases; they are no part of a schema"),
    ("LOCK TABLE can only be used in transaction blocks", "the test sends statements one by one"),
    ("vector", "the test servers do not have the extension pgvector"),
    ("film_embedding", "has a column of pgvector's type"),
    ("kestra differs: function ", "a body in SQL is printed by the server from its tree: other text, same meaning"),
    ("text[])", "an array's literal in the server's spelling: '{a, b}' is '{a,b}'"),
    ("EXTRACT(milliseconds", "an array's literal in the server's spelling"),
    (" query: ", "the server prints a view from its tree, each column with its table"),
    ("pagila-schema.sql differs: table payment_p2022_", "a bound with a time zone is printed in the server's zone"),
    ("function group_concat(text) body", "an aggregate is printed from its parts"),
    ("default: Some('1970-01-01", "a time's literal in the server's spelling"),
    (
        "temporal default versioned differs: table cluster_metadata column data default",
        "the empty bytea is '\\x' to the server",
    ),
    ("downloads_date keys", "a call of date() on a date is left out by the server"),
    ("to_semver_no_prerelease(text) attributes", "SET … FROM CURRENT takes a value that only a server has"),
    (
        "recent_crate_downloads",
        "reads a table that is older than the corpus: the server refuses the view, the catalog does not look",
    ),
    ("reverse_dependencies", "SQL bodies are checked by the server when they are created, not by the catalog"),
];

fn is_explained(line: &str) -> bool {
    EXPLAINED.iter().any(|(part, _)| line.contains(part))
}

#[test]
fn histories_replay_as_on_a_server() {
    let Some(corpus) = shared("LOCKKEEPER_CORPUS", "corpus") else { return };
    let mut failures = Vec::new();
    for history in histories(&corpus) {
        let (ours, problems) = replayed(&history);
        let (theirs, refused) = with_database(18, async |database| {
            let admin = database.connect_admin().await.unwrap();
            // Owners and grantees of some histories. Another history may have made it.
            let _ = admin.run("CREATE ROLE postgres").await;
            admin.run("GRANT postgres TO lockkeeper").await.unwrap();
            for it in prelude(&history.name) {
                admin.run(it).await.unwrap();
            }
            let session = database.connect().await.unwrap();
            let mut refused = Vec::new();
            for (name, text) in &history.files {
                for statement in parse_file(&Postgres, text).0 {
                    // What fails on rows alone says nothing of the schema.
                    let rows = matches!(statement.parsed.ddl.as_slice(), [Ddl::Data(_) | Ddl::Do { .. }]);
                    if let Err(failure) = session.run(&text[statement.range.clone()]).await
                        && !rows
                    {
                        refused.push(format!("{name}:{}: {}", line(text, statement.range.start), failure.message));
                    }
                }
            }
            let session = database.connect().await.unwrap();
            (introspect::snapshot(&session).await.unwrap(), refused)
        });
        let build = theirs.catalog(&Postgres);
        let mut lines = Vec::new();
        let mut report = |what: &str, it: String| lines.push(format!("{} {what}: {it}", history.name));
        // Histories whose beginning is not in the corpus fail alike on both sides: statement by statement.
        let places = |all: &[String]| -> BTreeSet<String> {
            all.iter().filter_map(|it| Some(it.split_once(": ")?.0.to_owned())).collect()
        };
        let (here, there) = (places(&problems), places(&refused));
        problems
            .iter()
            .filter(|it| !there.iter().any(|at| it.starts_with(at)))
            .for_each(|it| report("replay", it.clone()));
        refused
            .iter()
            .filter(|it| !here.iter().any(|at| it.starts_with(at)))
            .for_each(|it| report("server", it.clone()));
        build.problems.iter().for_each(|(_, it)| report("introspection", it.message.clone()));
        ours.unknown.iter().for_each(|(name, why)| report("unknown", format!("{name}: {why}")));
        differences(&ours, &build.catalog).into_iter().for_each(|it| report("differs", it));
        let explained = lines.iter().filter(|it| is_explained(it)).count();
        println!(
            "{}: {} files, {} tables; refused by both {}, explained {explained}, not explained {}",
            history.name,
            history.files.len(),
            ours.tables.len(),
            here.intersection(&there).count(),
            lines.len() - explained
        );
        failures.extend(lines.into_iter().filter(|it| !is_explained(it)));
    }
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_statement_is_rendered_as_it_was_read() {
    let Some(corpus) = shared("LOCKKEEPER_CORPUS", "corpus") else { return };
    let mut seen = 0;
    let mut failures = Vec::new();
    for history in histories(&corpus) {
        for (name, text) in &history.files {
            // Schema `public` is never printed.
            let text = &text.replace("public.", "");
            for statement in parse_file(&Postgres, text).0 {
                for ddl in &statement.parsed.ddl {
                    // Rows are kept as what they touch, transactions other than the plain ones as nothing.
                    if matches!(ddl, Ddl::Data(_) | Ddl::Transaction(TransactionControl::Other)) {
                        continue;
                    }
                    seen += 1;
                    let rendered = Postgres.render(ddl);
                    let again = Postgres.parse(&rendered, 0..rendered.len());
                    if again.ddl != std::slice::from_ref(ddl) {
                        failures.push(format!("{name}:{}: {rendered}", line(text, statement.range.start)));
                    }
                }
            }
        }
    }
    println!("{seen} statements rendered and read again");
    assert!(failures.is_empty(), "{} of {seen}:\n{}", failures.len(), failures.join("\n"));
}
