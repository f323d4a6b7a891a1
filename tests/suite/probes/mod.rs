//! Small scripts that ask one question each of what lint knows of its context, judged by a server: whatever it
//! rewrites, reads whole, builds, locks, loses or refuses must have been said, and nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use expect_test::expect_file;
use lockkeeper::{
    catalog::{Catalog, Source, replay},
    dialect::{parse_file, postgres::Postgres},
    lint::{Finding, LintInput, lint},
    plan::{Facts, LockMode},
    shadow::connect::Session,
    sql::{Ddl, Name, Runs, Statement, TransactionControl},
};

use crate::{
    servers::{VERSIONS, with_database},
    truth::{self, Seen, certain, is_true, missed},
};

const SCHEMA: &str = include_str!("schema.sql");

/// A file of this folder. Read when the test runs: probes come often.
fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/probes").join(name)
}

/// One script.
struct Probe {
    title: String,
    /// Versions that know its syntax.
    since: u32,
    /// In the transaction of a tool.
    wrapped: bool,
    /// What stands before, beside the schema.
    before: String,
    script: String,
}

/// `## title [14+] [wrapped]`, then the script; `-- then` ends what stands before it.
fn probes() -> Vec<Probe> {
    let mut res = Vec::new();
    for part in fs::read_to_string(file("probes.sql")).unwrap().split("\n## ").skip(1) {
        let (head, body) = part.split_once('\n').unwrap();
        let mut title = head.trim();
        let (mut since, mut wrapped) = (0, false);
        while let Some((rest, mark)) = title.strip_suffix(']').and_then(|it| it.rsplit_once(" [")) {
            match mark.strip_suffix('+') {
                Some(version) => since = version.parse().unwrap(),
                None => wrapped = mark == "wrapped",
            }
            title = rest;
        }
        let (before, script) = body.split_once("-- then\n").unwrap_or(("", body));
        let (before, script) = (before.to_owned(), script.trim().to_owned());
        res.push(Probe { title: title.to_owned(), since, wrapped, before, script });
    }
    res
}

/// A script on a server, statement by statement, with what lint said of each.
struct Trial<'a> {
    session: &'a Session,
    /// Relations that were there before the script, by oid: the name they had.
    old: BTreeMap<String, String>,
    open: bool,
    held: BTreeMap<Name, LockMode>,
    /// The file limits how long it waits, or was told to.
    limited: bool,
}

impl Trial<'_> {
    async fn begin(&mut self) {
        self.session.run("BEGIN").await.unwrap();
        self.held.clear();
        self.open = true;
    }

    /// What the transaction holds of the relations that were there before, by the names they had.
    async fn locks(&self) -> BTreeMap<Name, LockMode> {
        let sql = "SELECT relation, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation'";
        let mut res = BTreeMap::new();
        for row in self.session.rows(sql).await.unwrap() {
            let [Some(oid), Some(mode)] = row.as_slice() else { continue };
            let (Some(name), Some(mode)) = (self.old.get(oid), LockMode::parse(mode)) else { continue };
            let held = res.entry(Name::bare(name)).or_insert(mode);
            *held = (*held).max(mode);
        }
        res
    }

    /// Present names of the relations that were there before, with their files.
    async fn files(&self) -> BTreeMap<String, (String, String)> {
        let sql = "SELECT c.oid, c.relname, c.relfilenode FROM pg_class c WHERE c.relkind IN ('r', 'p', 'm')";
        let rows = self.session.rows(sql).await.unwrap().into_iter();
        let rows = rows.filter_map(|it| match it.as_slice() {
            [Some(oid), Some(name), Some(file)] => Some((oid.clone(), (name.clone(), file.clone()))),
            _ => None,
        });
        rows.filter(|it| self.old.contains_key(&it.0)).collect()
    }

    /// Runs a statement; what it did to relations that were there before, or the server's refusal.
    async fn run(&mut self, statement: &Statement, text: &str) -> Result<Seen, String> {
        let alone = statement.parsed.ddl.iter().any(|it| !it.transactional());
        let own = !self.open && !alone;
        if own {
            self.begin().await;
        }
        let (before, files) = (truth::shape(self.session).await, self.files().await);
        self.session.take_notices();
        let mut res = self.session.run(text).await;
        if own && res.as_ref().is_err_and(|it| it.message.contains("cannot run inside a transaction block")) {
            self.session.run("ROLLBACK").await.unwrap();
            self.open = false;
            res = self.session.run(text).await;
        }
        let notices = self.session.take_notices();
        if let Err(failure) = res {
            if self.open {
                self.session.run("ROLLBACK").await.unwrap();
                self.open = false;
            }
            return Err(failure.message);
        }
        let after = truth::shape(self.session).await;
        let now = self.files().await;
        let mut seen = Seen::between(before, after);
        seen.locks_known = self.open;
        if self.open {
            seen.locks = self.locks().await;
        }
        let names: BTreeSet<&String> = files.values().chain(now.values()).map(|it| &it.0).collect();
        seen.notices = notices;
        seen.notices.retain(|it| {
            let at = if it.starts_with("building index") { 3 } else { 1 };
            let table = it.split('"').nth(at).unwrap_or_default();
            it.starts_with("validating foreign key") || names.contains(&table.to_owned())
        });
        for (oid, (name, file)) in &now {
            let told = seen.notices.iter().any(|it| it.starts_with(&format!("rewriting table \"{name}\"")));
            if files.get(oid).is_some_and(|it| it.1 != *file) && !told {
                seen.notices.push(format!("rewriting table \"{name}\""));
            }
        }
        let keys = self.new_keys().await;
        seen.notices.retain(|it| {
            !it.starts_with("validating foreign key") || !keys.contains(it.split('"').nth(1).unwrap_or_default())
        });
        if own && self.open {
            self.session.run("COMMIT").await.unwrap();
            self.open = false;
        }
        Ok(seen)
    }

    /// Foreign keys of tables that the script has made.
    async fn new_keys(&self) -> BTreeSet<String> {
        let rows = self.session.rows("SELECT conname, conrelid FROM pg_constraint WHERE contype = 'f'").await.unwrap();
        let rows = rows.into_iter().filter_map(|it| match it.as_slice() {
            [Some(name), Some(table)] if !self.old.contains_key(table) => Some(name.clone()),
            _ => None,
        });
        rows.collect()
    }
}

/// Rules that say that the server will not take a statement.
const REFUSALS: &[&str] = &[
    "colliding-with-earlier",
    "refused-by-server",
    "concurrently-in-transaction",
    "concurrently-on-partitioned",
    "enum-value-in-same-transaction",
];

/// Refusals that nobody is told of, by words of the server, and why.
const UNTOLD: &[(&str, &str)] = &[
    ("functions in index expression must be marked IMMUTABLE", "of most functions it is not known what they are"),
    ("would overlap partition", "bounds are not compared"),
    ("there is no previously clustered index", "which index a table was clustered by is not kept"),
    ("cannot change name of view column", "what a view shows is not worked out"),
    ("Key columns", "operators between types are not looked up"),
    ("does not exist", "a relation that no file has made may be there: histories are cut off at their beginning"),
    ("already exists", "a relation may have been dropped by hand"),
];

/// What is wrong with what lint says of a probe, and its findings line by line.
async fn judge(session: &Session, probe: &Probe, version: u32) -> (Vec<String>, Vec<String>) {
    let clean = "DISCARD TEMP; DROP SCHEMA IF EXISTS public, app, extra CASCADE; CREATE SCHEMA public; RESET ALL";
    session.run(clean).await.unwrap();
    session.run(&format!("{SCHEMA}{}", probe.before)).await.unwrap_or_else(|it| panic!("{}: {it}", probe.title));
    session.run("SET client_min_messages = debug1").await.unwrap();
    let text = &probe.script;
    let before = catalog(&format!("{SCHEMA}{}", probe.before));
    let (statements, _) = parse_file(&Postgres, text);
    let facts = Facts::for_version(version);
    let runs = if probe.wrapped { Runs::WRAPPED } else { Runs::ALONE };
    let input = LintInput {
        dialect: &Postgres,
        text,
        statements: &statements,
        before: &before,
        facts: &facts,
        runs,
        around: None,
    };
    let findings = lint(&input);
    let all = "SELECT oid, relname FROM pg_class WHERE relnamespace NOT IN ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace)";
    let rows = session.rows(all).await;
    let rows = rows.unwrap().into_iter().filter_map(|it| match it.as_slice() {
        [Some(oid), Some(name)] => Some((oid.clone(), name.clone())),
        _ => None,
    });
    let mut trial = Trial { session, old: rows.collect(), open: false, held: BTreeMap::new(), limited: false };
    if probe.wrapped {
        trial.begin().await;
    }
    let (mut wrong, mut lines) = (Vec::new(), Vec::new());
    for (index, statement) in statements.iter().enumerate() {
        let sql = &text[statement.range.clone()];
        let found: Vec<&Finding> = findings.iter().filter(|it| it.statement == index).collect();
        let codes: Vec<&str> = found.iter().map(|it| it.rule).collect();
        let control = statement.parsed.ddl.iter().find_map(|it| match it {
            Ddl::Transaction(it) => Some(*it),
            _ => None,
        });
        if let Some(control) = control {
            match control {
                TransactionControl::Begin if !trial.open => trial.begin().await,
                TransactionControl::Commit | TransactionControl::Rollback => {
                    session.run(sql).await.unwrap();
                    trial.open = false;
                }
                _ => session.run(sql).await.unwrap(),
            }
            continue;
        }
        let refused = found.iter().any(|it| REFUSALS.contains(&it.rule));
        let old: BTreeSet<String> = trial.files().await.into_values().map(|it| it.0).collect();
        let told = match trial.run(statement, sql).await {
            Err(why) if refused => format!("refused: {why}"),
            Err(why) if UNTOLD.iter().any(|it| why.contains(it.0)) && !is_of_table(&why) => {
                format!("refused, untold: {why}")
            }
            Err(why) => {
                wrong.push(format!("{sql}\n    not said: refused: {why}; said: {codes:?}"));
                break;
            }
            Ok(_) if refused => {
                wrong.push(format!("{sql}\n    said, but the server does it: {codes:?}"));
                continue;
            }
            Ok(seen) => {
                compare(&mut trial, &seen, &found, &old, sql, &mut wrong);
                seen.told()
            }
        };
        lines.push(format!("    {}\n      said: {}\n      did:  {told}", sql.replace('\n', " "), codes.join(", ")));
        if refused || lines.last().is_some_and(|it| it.contains("refused, untold")) {
            break;
        }
    }
    if trial.open {
        let _ = session.run("ROLLBACK").await;
    }
    (wrong, lines)
}

/// About a part of a table: that is known.
fn is_of_table(why: &str) -> bool {
    ["column ", "constraint "].iter().any(|it| why.starts_with(it)) && why.contains(" of relation ")
}

fn compare(
    trial: &mut Trial<'_>,
    seen: &Seen,
    found: &[&Finding],
    old: &BTreeSet<String>,
    sql: &str,
    wrong: &mut Vec<String>,
) {
    for it in found.iter().copied().filter(|it| certain(it)) {
        let asks_locks = !seen.locks_known;
        if !asks_locks && is_true(it.rule, seen) == Some(false) {
            wrong.push(format!("{sql}\n    false: {} {}; {}", it.rule, it.message, seen.told()));
        }
    }
    for it in missed(seen, found, &|table| old.contains(table)) {
        wrong
            .push(format!("{sql}\n    not said: {it}; said: {:?}", found.iter().map(|it| it.rule).collect::<Vec<_>>()));
    }
    trial.limited |= found.iter().any(|it| it.rule == "missing-lock-timeout") || sql.contains("lock_timeout");
    for (name, mode) in &seen.locks {
        let is_new =
            trial.held.get(name).is_none_or(|it| it < mode) && mode.blocks_writes() && old.contains(name.name.as_str());
        if is_new && !trial.limited && !sql.to_uppercase().starts_with("LOCK") {
            wrong.push(format!("{sql}\n    not said: {} on {name}", mode.as_str()));
        }
        trial.held.insert(name.clone(), *mode);
    }
    if !trial.open {
        trial.held.clear();
    }
}

fn catalog(sql: &str) -> Catalog {
    let build = replay(Catalog::new(), &[Source { statements: parse_file(&Postgres, sql).0.into() }]);
    assert!(build.problems.is_empty(), "{:?}", build.problems);
    build.catalog
}

/// Each probe on one version, all of them in turn; `LOCKKEEPER_PROBES=15`: all on that one.
#[test]
fn what_lint_says_of_probes_is_what_servers_do() {
    let probes = probes();
    let only: Option<u32> = std::env::var("LOCKKEEPER_PROBES").ok().and_then(|it| it.parse().ok());
    let count = probes.len();
    let (mut wrong, mut table) = (Vec::new(), BTreeMap::new());
    for version in VERSIONS.filter(|it| only.is_none_or(|only| *it == only)) {
        with_database(version, async |database| {
            // Schemas come and go: the database's owner makes them.
            let admin = database.connect_admin().await.unwrap();
            admin.run("ALTER SCHEMA public OWNER TO lockkeeper").await.unwrap();
            // What RESET leads back to.
            let zone = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = %L', current_database(), 'America/New_York'); END $$";
            admin.run(zone).await.unwrap();
            let session = database.connect().await.unwrap();
            for (at, probe) in probes.iter().enumerate() {
                let versions: Vec<u32> = VERSIONS.filter(|it| *it >= probe.since).collect();
                let own = versions[at % versions.len()] == version;
                if !own && only.is_none() || probe.since > version {
                    continue;
                }
                let (problems, lines) = judge(&session, probe, version).await;
                wrong.extend(problems.into_iter().map(|it| format!("{version}: {}: {it}", probe.title)));
                if own {
                    table.insert(at, format!("{} ({version})\n{}\n", probe.title, lines.join("\n")));
                }
            }
        });
    }
    println!("{count} probes");
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= 150, "only {count} probes");
    if only.is_some() {
        return;
    }
    expect_file![file("judged.txt")].assert_eq(&table.into_values().collect::<Vec<_>>().join("\n"));
}
