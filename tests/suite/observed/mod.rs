//! What servers really do, statement by statement, compared with what `lock_of` promises: our own list of statements,
//! and the examples of every rule's page.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use lockkeeper::{
    catalog::Catalog,
    dialect::{Dialect, parse_file, postgres::Postgres},
    lint::{LintInput, RULES, lint},
    plan::{Facts, LockMode},
    shadow::{connect::Session, locks::Before},
    sql::{Ddl, Name, ObjectRef, Runs, Statement, TransactionControl},
};

use crate::servers::{VERSIONS, with_database};

const SCHEMA: &str = include_str!("schema.sql");
const STATEMENTS: &str = include_str!("statements.sql");

/// Where the model is known to differ, and why: the beginning of the line, the words of the difference.
const KNOWN: &[(&str, &str, &str)] = &[
    // The CHECK compares the column with a string: whether it means anything for the new type takes the server's parser.
    ("ALTER TABLE late ALTER COLUMN code TYPE uuid USING", "operator does not exist", "checks are not typed"),
    // Lint says so; the statement alone does not show that its table is partitioned.
    ("REINDEX TABLE log", "cannot run inside a transaction block", "a partitioned table, 14 and later"),
];

#[test]
fn statements_do_on_servers_13_to_18_what_the_model_says() {
    let lines: Vec<&str> = STATEMENTS.lines().filter(|it| !it.starts_with("--") && !it.is_empty()).collect();
    let mut wrong = String::new();
    for version in VERSIONS {
        let found = with_database(version, async |database| {
            let session = database.connect().await.unwrap();
            session.run("SET client_min_messages = debug1; SET timezone = 'UTC'").await.unwrap();
            session.run(SCHEMA).await.unwrap();
            let before = catalog(SCHEMA);
            let mut res = Vec::new();
            for line in &lines {
                for problem in try_line(&session, line, &before, version).await {
                    let known =
                        KNOWN.iter().any(|(start, words, _)| line.starts_with(start) && problem.contains(words));
                    if !known {
                        res.push((*line, problem));
                    }
                }
            }
            res
        });
        for (line, problem) in found {
            writeln!(wrong, "{version}: {line}\n      {problem}").unwrap();
        }
    }
    assert!(lines.len() > 200, "only {} statements", lines.len());
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Pages are about live tables: the examples run one after the other, as a migration tool would run them.
#[test]
fn examples_of_the_rules_do_on_servers_what_the_model_says() {
    let mut wrong = String::new();
    for version in VERSIONS {
        let found = with_database(version, async |database| {
            let session = database.connect().await.unwrap();
            session.run("SET client_min_messages = debug1; SET timezone = 'UTC'").await.unwrap();
            let mut res = Vec::new();
            for rule in RULES {
                for kind in ["sql bad", "sql good"] {
                    let since = |info: &str| info.split_whitespace().find_map(|it| it.parse().ok()).unwrap_or(0);
                    for fence in rule.page.fences(kind).into_iter().filter(|it| since(&it.info) <= version) {
                        let clean = "DROP SCHEMA IF EXISTS public, old, unused CASCADE; CREATE SCHEMA public; RESET ALL; \
                                     SET client_min_messages = debug1; SET timezone = 'UTC'";
                        session.run(clean).await.unwrap();
                        let before =
                            rule.page.fences("sql before").iter().map(|it| it.text.as_str()).collect::<String>();
                        session.run(&before).await.unwrap_or_else(|it| panic!("{} on {version}: {it}", rule.code));
                        let problems = run_file(&session, &fence.text, catalog(&before), version).await;
                        res.extend(problems.into_iter().map(|it| (rule.code, it)));
                    }
                }
            }
            res
        });
        for (code, problem) in found {
            writeln!(wrong, "{version}: {code}\n      {problem}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

fn catalog(sql: &str) -> Catalog {
    let (statements, problems) = parse_file(&Postgres, sql);
    assert!(problems.is_empty(), "{problems:?}");
    let mut res = Catalog::new();
    for ddl in statements.iter().flat_map(|it| &it.parsed.ddl) {
        res.apply(ddl).unwrap_or_else(|why| panic!("{ddl:?}: {why:?}"));
    }
    res
}

/// What is promised, or observed, so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Work {
    locks: BTreeMap<Name, LockMode>,
    rewrites: BTreeSet<String>,
    scans: BTreeSet<String>,
    builds: BTreeSet<String>,
}

/// The statements of a line in one transaction, rolled back in the end.
async fn try_line(session: &Session, line: &str, setup: &Catalog, version: u32) -> Vec<String> {
    let mut catalog = setup.clone();
    let (statements, _) = parse_file(&Postgres, line);
    session.run("BEGIN").await.unwrap();
    let watch = Before::read(session).await.unwrap();
    session.take_notices();
    let mut promised = Work::default();
    let mut observed = Work::default();
    let mut res = Vec::new();
    for statement in &statements {
        let text = &line[statement.range.clone()];
        let (refused, gone) = promise(statement, &mut catalog, version, &mut promised);
        let result = session.run(text).await;
        observed.note(&session.take_notices(), setup);
        match (result, refused) {
            (Err(failure), None) => {
                res.push(format!("the server refuses it ({}), the model does not", failure.message))
            }
            (Ok(()), Some(why)) => res.push(format!("the model refuses it ({why}), the server does not")),
            (Ok(()), None) => {
                let seen = watch.seen(session).await.unwrap();
                observed.locks.extend(seen.taken().into_iter().map(|it| (it.object, it.mode)));
                compare(&promised, &observed, &gone, statement, &mut res);
            }
            (Err(_), Some(_)) => break,
        }
        if !res.is_empty() {
            break;
        }
    }
    session.run("ROLLBACK").await.unwrap();
    res
}

/// A whole file, committed statement by statement unless it says BEGIN itself.
async fn run_file(session: &Session, file: &str, mut catalog: Catalog, version: u32) -> Vec<String> {
    let (statements, _) = parse_file(&Postgres, file);
    let mut open = false;
    let mut watch = Before::read(session).await.unwrap();
    let mut promised = Work::default();
    let mut observed = Work::default();
    let mut res = Vec::new();
    let by_lint = refused_by_lint(file, &statements, &catalog, version);
    for (index, statement) in statements.iter().enumerate() {
        let text = &file[statement.range.clone()];
        let before = catalog.clone();
        let control = statement.parsed.ddl.iter().find_map(|it| match it {
            Ddl::Transaction(it) => Some(*it),
            _ => None,
        });
        let transactional = statement.parsed.ddl.iter().all(Ddl::transactional);
        let own = !open && transactional && control.is_none();
        if own || control == Some(TransactionControl::Begin) {
            session.run("BEGIN").await.unwrap();
            watch = Before::read(session).await.unwrap();
            (promised, observed) = (Work::default(), Work::default());
        }
        open = match control {
            Some(TransactionControl::Begin) => true,
            Some(_) => false,
            None => open,
        };
        if control == Some(TransactionControl::Begin) {
            continue;
        }
        session.take_notices();
        let (refused, gone) = promise(statement, &mut catalog, version, &mut promised);
        let refused = refused.or_else(|| by_lint.get(&index).cloned());
        let result = session.run(text).await;
        observed.note(&session.take_notices(), &before);
        // What a block puts together at run time cannot be promised.
        let hidden = statement
            .parsed
            .ddl
            .iter()
            .any(|it| matches!(it, Ddl::Do { code: Some(code), .. } if !code.hidden().is_empty()));
        let compared = control.is_none() && transactional && result.is_ok() && !hidden;
        if compared {
            let seen = watch.seen(session).await.unwrap();
            observed.locks.extend(seen.taken().into_iter().map(|it| (it.object, it.mode)));
            compare(&promised, &observed, &gone, statement, &mut res);
        }
        match (&result, refused) {
            (Err(failure), None) => res.push(format!("{text}: the server refuses it ({})", failure.message)),
            (Ok(()), Some(why)) => res.push(format!("{text}: the model refuses it ({why}), the server does not")),
            _ => {}
        }
        if own || result.is_err() {
            session.run(if result.is_ok() { "COMMIT" } else { "ROLLBACK" }).await.unwrap();
        }
        if result.is_err() {
            break;
        }
    }
    res
}

/// Statements of which lint says that the server refuses them.
fn refused_by_lint(file: &str, statements: &[Statement], before: &Catalog, version: u32) -> BTreeMap<usize, String> {
    let facts = Facts { utc: true, ..Facts::for_version(version) };
    let input = LintInput {
        dialect: &Postgres,
        text: file,
        statements,
        before,
        facts: &facts,
        runs: Runs::ALONE,
        around: None,
    };
    let refused = lint(&input).into_iter().filter(|it| it.message.contains("server refuses"));
    refused.map(|it| (it.statement, it.message)).collect()
}

/// Adds what the model says of a statement and applies it; gives back why it is refused, and what it drops or moves.
fn promise(
    statement: &Statement,
    catalog: &mut Catalog,
    version: u32,
    work: &mut Work,
) -> (Option<String>, BTreeSet<Name>) {
    let facts = Facts { utc: true, ..Facts::for_version(version) };
    let before = catalog.clone();
    let mut refused = None;
    for at in Postgres.passes(&statement.parsed.ddl) {
        let ddl = &statement.parsed.ddl[at];
        let impact = Postgres.lock_of(ddl, catalog, &facts);
        for lock in impact.locks {
            let mode = work.locks.entry(lock.object).or_insert(lock.mode);
            *mode = (*mode).max(lock.mode);
        }
        let names = |it: Vec<Name>| it.into_iter().map(|it| it.name.to_string()).collect::<Vec<_>>();
        work.rewrites.extend(names(impact.rewrites));
        work.scans.extend(names(impact.scans));
        work.builds.extend(names(impact.builds));
        refused = refused.or(impact.refused);
        if let Err(why) = catalog.apply(ddl) {
            refused.get_or_insert(format!("{why:?}"));
        }
    }
    let relations = |it: &Catalog| it.tables.keys().chain(it.views.keys()).cloned().collect::<BTreeSet<Name>>();
    (refused, relations(&before).difference(&relations(catalog)).cloned().collect())
}

impl Work {
    /// Reads the server's DEBUG1 messages.
    fn note(&mut self, notices: &[String], before: &Catalog) {
        let known = |it: &str| {
            before.tables.contains_key(&Name::new("public", it)) || before.views.contains_key(&Name::new("public", it))
        };
        for notice in notices {
            let quoted = |at: usize| notice.split('"').nth(at).unwrap_or_default().to_owned();
            if notice.starts_with("rewriting table") {
                self.rewrites.insert(quoted(1));
            } else if notice.starts_with("verifying table") {
                self.scans.insert(quoted(1));
            } else if notice.starts_with("validating foreign key constraint") {
                self.scans.insert(format!("foreign key {}", quoted(1)));
            } else if notice.starts_with("building index") && known(&quoted(3)) {
                self.builds.insert(quoted(1));
            }
        }
    }
}

fn compare(promised: &Work, observed: &Work, gone: &BTreeSet<Name>, statement: &Statement, res: &mut Vec<String>) {
    let ddl = &statement.parsed.ddl;
    for (name, mode) in &observed.locks {
        let promise = promised.locks.get(name);
        // Catalog look-ups leave ACCESS SHARE and the like here and there; nobody waits for those.
        if promise != Some(mode) && (*mode >= LockMode::ShareUpdateExclusive || promise.is_some()) {
            res.push(format!("{name}: took {mode:?}, promised {promise:?}"));
        }
    }
    let renamed = ddl
        .iter()
        .any(|it| matches!(it, Ddl::RenameTable { .. } | Ddl::RenameView { .. } | Ddl::SetTableSchema { .. }));
    for (name, mode) in &promised.locks {
        let strong = *mode >= LockMode::ShareUpdateExclusive;
        if !observed.locks.contains_key(name) && strong && !gone.contains(name) && !renamed && is_watched(statement) {
            res.push(format!("{name}: took nothing, promised {mode:?}"));
        }
    }
    let truncates = ddl.iter().any(|it| matches!(it, Ddl::Truncate { .. }));
    let silent_rewrite = ddl.iter().any(|it| {
        matches!(it, Ddl::RefreshView { .. } | Ddl::SetTablespace { .. })
            || matches!(it, Ddl::Data(it) if it.rewrites || it.verb == "CLUSTER")
    });
    if promised.rewrites != observed.rewrites && !silent_rewrite {
        res.push(format!("rewrote {:?}, promised {:?}", observed.rewrites, promised.rewrites));
    }
    // Foreign keys are named by the server, tables by the model; domains and new partitions are read without a word.
    let scans =
        |it: &Work| it.scans.iter().filter(|it| !it.starts_with("foreign key ")).cloned().collect::<BTreeSet<_>>();
    let keys = observed.scans.iter().any(|it| it.starts_with("foreign key "));
    let silent_scan = ddl.iter().any(|it| match it {
        Ddl::AlterDomain { .. } => true,
        Ddl::CreateTable { table, .. } => table.partition_of.is_some(),
        _ => false,
    });
    let scanned = scans(observed);
    let agrees =
        if keys { !promised.scans.is_empty() && scanned.is_subset(&promised.scans) } else { scanned == promised.scans };
    if !agrees && !silent_scan {
        res.push(format!("scanned {:?}, promised {:?}", observed.scans, promised.scans));
    }
    if promised.builds != observed.builds && !truncates && !silent_rewrite {
        res.push(format!("built {:?}, promised {:?}", observed.builds, promised.builds));
    }
}

/// Locks on indexes and sequences are promised where a statement names them, but not watched here.
fn is_watched(statement: &Statement) -> bool {
    let names_other = |it: &Ddl| {
        matches!(
            it,
            Ddl::RenameIndex { .. }
                | Ddl::SetIndexOptions { .. }
                | Ddl::Reindex { .. }
                | Ddl::AttachIndex { .. }
                | Ddl::AlterSequence { .. }
                | Ddl::RenameSequence { .. }
                | Ddl::DropSequence { .. }
                | Ddl::Comment { object: ObjectRef::Index(_) | ObjectRef::Sequence(_), .. }
                | Ddl::SetOwner { object: ObjectRef::Sequence(_), .. }
        )
    };
    !statement.parsed.ddl.iter().any(names_other)
}
