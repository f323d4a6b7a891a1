//! What lint says of the histories of real projects, against what a server does: every finding that a server can
//! confirm is looked at, and every rewrite, scan and build that a server tells of must have been said.

use std::collections::{BTreeMap, BTreeSet};

use lockkeeper::{
    catalog::{Catalog, Source, replay},
    dialect::{parse_file, postgres::Postgres},
    lint::{Finding, LintInput, lint},
    plan::{Facts, LockMode},
    shadow::{connect::Session, locks::Before},
    sql::{Ddl, Name, Runs, Statement},
};

use crate::{
    corpus::{History, histories, prelude, shared},
    servers::with_database,
};

const VERSION: u32 = 15;

/// What one statement did on the server.
#[derive(Debug, Default)]
pub struct Seen {
    pub locks: BTreeMap<Name, LockMode>,
    /// They could be looked at.
    pub locks_known: bool,
    pub notices: Vec<String>,
    /// Of the relations before and after.
    columns: (BTreeSet<String>, BTreeSet<String>),
    tables: (BTreeSet<String>, BTreeSet<String>),
    indexes: (BTreeSet<String>, BTreeSet<String>),
    constraints: (BTreeSet<String>, BTreeSet<String>),
}

impl Seen {
    /// What changed from one shape to the other; locks and notices are for the caller to add.
    pub fn between(before: Shape, after: Shape) -> Self {
        Self {
            columns: (before.columns, after.columns),
            tables: (before.tables, after.tables),
            indexes: (before.indexes, after.indexes),
            constraints: (before.constraints, after.constraints),
            ..Self::default()
        }
    }

    /// In a line.
    pub fn told(&self) -> String {
        let locks = self.locks.iter().filter(|it| it.1.blocks_writes());
        let locks = locks.map(|(name, mode)| format!("{} on {}", mode.as_str(), name.name));
        let sets = [("column", &self.columns), ("relation", &self.tables), ("index", &self.indexes)];
        let lost = sets.into_iter().flat_map(|(kind, (before, after))| {
            let (skip, take) = match kind {
                "column" => (0, 2),
                "relation" => (1, 9),
                _ => (0, 1),
            };
            let name = move |it: &String| it.split(' ').skip(skip).take(take).collect::<Vec<_>>().join(".");
            let kept: BTreeSet<String> = after.iter().map(name).collect();
            // What lies beside a table is numbered by the server.
            let told = |it: &String| !kept.contains(it) && !it.contains("pg_toast");
            let gone: BTreeSet<String> = before.iter().map(name).filter(told).collect();
            gone.into_iter().map(move |it| format!("{kind} {it} gone"))
        });
        let all: Vec<String> = self.notices.iter().cloned().chain(locks).chain(lost).collect();
        if all.is_empty() { "nothing that lasts".to_owned() } else { all.join("; ") }
    }

    fn says(&self, start: &str) -> bool {
        self.notices.iter().any(|it| it.starts_with(start))
    }

    /// Does a foreign key of that name stand on a table that `known` knows?
    fn keys_are_known(&self, constraint: &str, known: &dyn Fn(&str) -> bool) -> bool {
        let words = |it: &&String| it.split(' ').nth(3) == Some(constraint) && it.contains(" f ");
        let mut tables = self.constraints.1.iter().filter(words).filter_map(|it| it.split(' ').next());
        tables.any(|it| known(it.rsplit('.').next().unwrap_or(it).trim_matches('"')))
    }

    fn locked(&self, mode: LockMode) -> bool {
        self.locks.values().any(|it| *it >= mode)
    }
}

fn lost(sets: &(BTreeSet<String>, BTreeSet<String>)) -> bool {
    sets.0.difference(&sets.1).next().is_some()
}

fn gained(sets: &(BTreeSet<String>, BTreeSet<String>), words: &str) -> bool {
    sets.1.difference(&sets.0).any(|it| it.contains(words))
}

/// Is the finding true of what was seen? `None`: not for a server to say.
pub fn is_true(rule: &str, seen: &Seen) -> Option<bool> {
    use LockMode::{AccessExclusive, Share, ShareRowExclusive};
    Some(match rule {
        "add-column-volatile-default"
        | "add-column-serial"
        | "add-column-stored-generated"
        | "add-column-constrained-domain"
        | "change-type-rewrite"
        | "rewriting-table" => seen.says("rewriting table") && seen.locked(AccessExclusive),
        "set-not-null-scan"
        | "check-without-not-valid"
        | "add-column-inline-check"
        | "change-type-rescan"
        | "add-column-not-null-without-default" => seen.says("verifying table") && seen.locked(AccessExclusive),
        "foreign-key-without-not-valid" => seen.says("validating foreign key") && seen.locked(ShareRowExclusive),
        "add-column-inline-references" => seen.locked(ShareRowExclusive) && gained(&seen.constraints, " f "),
        "unique-constraint-building-index"
        | "primary-key-building-index"
        | "add-column-inline-unique"
        | "exclusion-constraint" => seen.says("building index") && seen.locked(AccessExclusive),
        "creating-index" => seen.says("building index") && seen.locked(Share),
        "change-type-rebuild" => seen.says("building index") && !seen.says("rewriting table"),
        "dropping-table" => lost(&seen.tables) && seen.locked(AccessExclusive),
        "dropping-column" | "drop-and-add-column" => lost(&seen.columns),
        "renaming-column" => lost(&seen.columns) && seen.columns.0.len() == seen.columns.1.len(),
        "renaming-table" => lost(&seen.tables) && seen.tables.0.len() == seen.tables.1.len(),
        "dropping-constraint" => lost(&seen.constraints) && seen.locked(AccessExclusive),
        "dropping-index" => lost(&seen.indexes) && seen.locked(AccessExclusive),
        "dropping-not-null" => gained(&seen.columns, " null"),
        "dropping-default" => gained(&seen.columns, " plain"),
        "creating-trigger" => seen.locked(ShareRowExclusive),
        "dropping-trigger" | "truncating-table" | "changing-row-security" | "disabling-trigger" => {
            seen.locked(if rule == "disabling-trigger" { ShareRowExclusive } else { AccessExclusive })
        }
        "missing-lock-timeout" => seen.locked(Share),
        "unique-over-existing-rows" => gained(&seen.indexes, "unique"),
        "foreign-key-without-index" => gained(&seen.constraints, "uncovered"),
        "add-json-column" => gained(&seen.columns, " json "),
        // It did it.
        "refused-by-server" => false,
        "update-or-delete-without-where" => seen.locks.values().any(|it| *it == LockMode::RowExclusive),
        _ => return None,
    })
}

async fn list(session: &Session, sql: &str) -> BTreeSet<String> {
    let rows = session.rows(sql).await.unwrap();
    rows.into_iter().map(|it| it.into_iter().flatten().collect::<Vec<_>>().join(" ")).collect()
}

const ELSEWHERE: &str = "n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')";

pub struct Shape {
    columns: BTreeSet<String>,
    tables: BTreeSet<String>,
    indexes: BTreeSet<String>,
    constraints: BTreeSet<String>,
}

pub async fn shape(session: &Session) -> Shape {
    let columns = format!(
        "SELECT a.attrelid::regclass, a.attname, format_type(a.atttypid, null), CASE WHEN a.attnotnull THEN 'not' ELSE 'null' END, \
         CASE WHEN a.atthasdef THEN 'default' ELSE 'plain' END FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v') AND {ELSEWHERE}"
    );
    let tables = format!(
        "SELECT c.oid, c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm') AND {ELSEWHERE}"
    );
    let indexes = format!(
        "SELECT c.oid::regclass, CASE WHEN i.indisunique THEN 'unique' END FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {ELSEWHERE}"
    );
    let constraints = format!(
        "SELECT o.conrelid::regclass, o.oid, o.contype::text, o.conname, CASE WHEN o.contype = 'f' AND NOT EXISTS (SELECT FROM pg_index i WHERE \
         i.indrelid = o.conrelid AND i.indpred IS NULL AND (i.indkey::int2[])[0:cardinality(o.conkey) - 1] @> o.conkey) THEN 'uncovered' END \
         FROM pg_constraint o JOIN pg_namespace n ON n.oid = o.connamespace WHERE o.conrelid <> 0 AND {ELSEWHERE}"
    );
    Shape {
        columns: list(session, &columns).await,
        tables: list(session, &tables).await,
        indexes: list(session, &indexes).await,
        constraints: list(session, &constraints).await,
    }
}

/// Runs a statement by itself; `None`: the server refuses it.
async fn run(session: &Session, statement: &Statement, text: &str) -> Option<Seen> {
    let alone = statement.parsed.ddl.iter().any(|it| !it.transactional() || matches!(it, Ddl::Transaction(_)));
    if alone {
        // Its locks cannot be looked at from within.
        let _ = session.run(text).await;
        return None;
    }
    session.run("BEGIN").await.unwrap();
    let before = shape(session).await;
    let watch = Before::read(session).await.unwrap();
    session.take_notices();
    let res = session.run(text).await;
    if res.is_err() {
        session.run("ROLLBACK").await.unwrap();
        return None;
    }
    let notices = session.take_notices();
    let locks = watch.seen(session).await.unwrap().taken().into_iter().map(|it| (it.object, it.mode)).collect();
    let after = shape(session).await;
    session.run("COMMIT").await.unwrap();
    Some(Seen { locks, notices, locks_known: true, ..Seen::between(before, after) })
}

/// "May", "if it is there" and "if its branch is taken" are no promises; sequences are not watched.
pub fn certain(finding: &Finding) -> bool {
    let said = &finding.message;
    !said.starts_with("If it is there")
        && !said.ends_with("is taken)")
        && !said.starts_with("May ")
        && !said.contains("ACCESS EXCLUSIVE on customer_customer_id_seq")
}

/// What the server did to tables that `known` knows to have been there before the file, and nobody said.
pub fn missed(seen: &Seen, found: &[&Finding], known: &dyn Fn(&str) -> bool) -> Vec<String> {
    let said = |rules: &[&str]| found.iter().any(|it| rules.contains(&it.rule));
    let quoted = |it: &str, at: usize| it.split('"').nth(at).unwrap_or_default().to_owned();
    let rewriting = [
        "add-column-volatile-default",
        "add-column-serial",
        "add-column-stored-generated",
        "add-column-constrained-domain",
        "change-type-rewrite",
        "rewriting-table",
        "refreshing-materialized-view",
        "truncating-table",
    ];
    let scanning = [
        "set-not-null-scan",
        "check-without-not-valid",
        "add-column-inline-check",
        "change-type-rescan",
        "add-column-not-null-without-default",
        "primary-key-building-index",
        "add-column-inline-unique",
        "primary-key-using-nullable-index",
        "attach-partition-scan",
        "validate-in-same-transaction",
    ];
    let building = [
        "creating-index",
        "unique-constraint-building-index",
        "primary-key-building-index",
        "add-column-inline-unique",
        "exclusion-constraint",
        "change-type-rebuild",
        "reindexing",
        "attach-partition-scan",
        "creating-partition",
    ];
    let validating = [
        "foreign-key-without-not-valid",
        "add-column-inline-references",
        "validate-in-same-transaction",
        "enforcing-constraint",
        "change-type-rewrite",
        "attach-partition-scan",
    ];
    let mut res = Vec::new();
    for notice in &seen.notices {
        // VALIDATE and CONCURRENTLY let everybody work.
        let blocks = seen.locked(LockMode::Share);
        let unsaid = if notice.starts_with("rewriting table") {
            known(&quoted(notice, 1)) && !said(&rewriting)
        } else if notice.starts_with("verifying table") {
            blocks && known(&quoted(notice, 1)) && !said(&scanning) && !said(&rewriting)
        } else if notice.starts_with("building index") {
            blocks && known(&quoted(notice, 3)) && !said(&building) && !said(&rewriting)
        } else if notice.starts_with("validating foreign key") {
            // VALIDATE CONSTRAINT by itself lets everybody work.
            seen.keys_are_known(&quoted(notice, 1), known)
                && seen.locked(LockMode::ShareRowExclusive)
                && !said(&validating)
        } else {
            false
        };
        if unsaid {
            res.push(notice.clone());
        }
    }
    res
}

#[derive(Default)]
struct Tally {
    /// By rule: true, false, not for a server to say.
    rules: BTreeMap<&'static str, [usize; 3]>,
    wrong: Vec<String>,
    statements: usize,
}

async fn judge(session: &Session, history: &History, tally: &mut Tally) {
    let facts = Facts::for_version(VERSION);
    let mut before = Catalog::new();
    for it in prelude(&history.name) {
        before = replay(before, &[Source { statements: parse_file(&Postgres, it).0.into() }]).catalog;
    }
    for (name, text) in &history.files {
        session.run("RESET ALL; SET client_min_messages = debug1; SET timezone = 'America/New_York'").await.unwrap();
        let (statements, _) = parse_file(&Postgres, text);
        let input = LintInput {
            dialect: &Postgres,
            text,
            statements: &statements,
            before: &before,
            facts: &facts,
            runs: Runs::ALONE,
            around: None,
        };
        let findings = lint(&input);
        let old = shape(session).await.tables;
        for (index, statement) in statements.iter().enumerate() {
            let Some(seen) = run(session, statement, &text[statement.range.clone()]).await else { continue };
            tally.statements += 1;
            let found: Vec<&Finding> = findings.iter().filter(|it| it.statement == index).collect();
            let unsure = found.iter().any(|it| it.message.starts_with("If it is there"));
            let line = text[..statement.range.start].matches('\n').count() + 1;
            for it in found.iter().copied().filter(|it| !unsure && certain(it)) {
                let truth = is_true(it.rule, &seen);
                let counts = tally.rules.entry(it.rule).or_default();
                counts[match truth {
                    Some(true) => 0,
                    Some(false) => 1,
                    None => 2,
                }] += 1;
                if truth == Some(false) {
                    tally.wrong.push(format!("{} {name}:{line}: false: {} {}", history.name, it.rule, it.message));
                }
            }
            let named =
                |it: &str, table: &str| it.ends_with(&format!(" {table}")) || it.ends_with(&format!(".{table}"));
            let known = |table: &str| old.intersection(&seen.tables.0).any(|it| named(it, table));
            for it in missed(&seen, &found, &known) {
                tally.wrong.push(format!("{} {name}:{line}: not said: {it}", history.name));
            }
        }
        before = replay(before, &[Source { statements: statements.into() }]).catalog;
    }
}

#[test]
fn what_lint_says_of_real_migrations_is_what_a_server_does() {
    let Some(corpus) = shared("LOCKKEEPER_CORPUS", "corpus") else { return };
    let mut tally = Tally::default();
    for history in histories(&corpus) {
        let mut own = Tally::default();
        with_database(VERSION, async |database| {
            let admin = database.connect_admin().await.unwrap();
            // Another history may have made it.
            let _ = admin.run("CREATE ROLE postgres").await;
            admin.run("GRANT postgres TO lockkeeper").await.unwrap();
            for it in prelude(&history.name) {
                admin.run(it).await.unwrap();
            }
            let session = database.connect().await.unwrap();
            judge(&session, &history, &mut own).await;
        });
        let counts: Vec<String> = own.rules.iter().map(|(rule, [a, b, c])| format!("{rule} {}", a + b + c)).collect();
        println!("{}: {} statements; {}", history.name, own.statements, counts.join(", "));
        tally.statements += own.statements;
        tally.wrong.append(&mut own.wrong);
        for (rule, counts) in own.rules {
            let sum = tally.rules.entry(rule).or_default();
            sum.iter_mut().zip(counts).for_each(|(sum, it)| *sum += it);
        }
    }
    let mut asked = 0;
    let mut rules = 0;
    for (rule, [yes, no, unasked]) in &tally.rules {
        println!("{rule}: {yes} true, {no} false, {unasked} not for a server to say");
        asked += yes + no;
        rules += usize::from(yes + no > 0);
    }
    println!("{} statements; {asked} findings of {rules} rules confirmed or refuted", tally.statements);
    assert!(asked >= 60 && rules >= 15, "only {asked} findings of {rules} rules");
    assert!(tally.wrong.is_empty(), "{} wrong:\n{}", tally.wrong.len(), tally.wrong.join("\n"));
}
