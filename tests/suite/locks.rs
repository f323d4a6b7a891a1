//! What [`Dialect::lock_of`] promises, against what servers 13 to 18 did: every statement of the playbook's measurements.
//!
//! The measurements live outside the project: `LOCKKEEPER_PLAYBOOK`, by default `../shared/playbook`.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::PathBuf,
};

use lockkeeper::{
    catalog::Catalog,
    dialect::{Dialect, parse_file, postgres::Postgres},
    plan::{Facts, LockMode},
    sql::{ConstraintKind, Ddl, Name},
};
use serde::Deserialize;

/// One statement on one version, as the measurements record it.
#[derive(Deserialize)]
struct Measured {
    #[serde(default)]
    locks: BTreeMap<String, String>,
    #[serde(default)]
    rewritten: Vec<String>,
    #[serde(default)]
    notes: Vec<String>,
    error: Option<String>,
}

/// Refused by older versions because of how it is spelled; the [`Ddl`] is the one of an older spelling.
const SPELLED_ANEW: &[&str] = &["ADD CONSTRAINT nn2 NOT NULL b", "REINDEX (CONCURRENTLY)"];

/// Errors that depend on the rows, or on what a [`Ddl`] does not hold: nothing to be known before.
const NOT_KNOWN_BEFORE: &[&str] = &[
    "contains null values",
    "violates foreign key constraint",
    "bit string length",
    "unsafe use of new value",
    // ALTER TABLE ONLY: lowering reads the statement without ONLY.
    "column must be added to child tables too",
    // INHERIT is not compared column by column.
    "child table is missing column",
];

const VERSIONS: [u32; 6] = [13, 14, 15, 16, 17, 18];

#[test]
fn locks_are_as_measured_on_servers_13_to_18() {
    let folder = env::var_os("LOCKKEEPER_PLAYBOOK").map_or_else(|| PathBuf::from("../shared/playbook"), PathBuf::from);
    let (Ok(setup), Ok(measured)) =
        (fs::read_to_string(folder.join("locks_setup.sql")), fs::read_to_string(folder.join("locks.json")))
    else {
        eprintln!("NOT RUN: no measurements in {} (set LOCKKEEPER_PLAYBOOK)", folder.display());
        assert!(env::var_os("CI").is_none(), "the measurements are needed in CI");
        return;
    };
    let measured: BTreeMap<String, BTreeMap<u32, Measured>> =
        serde_json::from_str(&measured).expect("locks.json is as described");
    let before = catalog(&setup);
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (statement, by_version) in &measured {
        for version in VERSIONS {
            let Some(expect) = by_version.get(&version) else { continue };
            compared += 1;
            let problems = compare(statement, version, expect, &before);
            wrong.extend(problems.into_iter().map(|it| format!("{version}: {statement}\n      {it}")));
        }
    }
    println!("{compared} measurements of {} statements compared", measured.len());
    assert!(compared > 1000, "only {compared} measurements");
    assert!(wrong.is_empty(), "{} of {compared} differ\n{}", wrong.len(), wrong.join("\n"));
}

/// The schema of the measurements.
fn catalog(setup: &str) -> Catalog {
    let (statements, problems) = parse_file(&Postgres, setup);
    assert!(problems.is_empty(), "{problems:?}");
    let mut res = Catalog::new();
    for statement in &statements {
        assert!(statement.parsed.problems.is_empty(), "{:?}", statement.parsed.problems);
        for ddl in &statement.parsed.ddl {
            if let Err(why) = res.apply(ddl) {
                assert!(matches!(ddl, Ddl::DropSchema { .. }), "{ddl:?}: {why:?}");
            }
        }
    }
    res
}

/// What the model says of a statement, in the words of the measurements.
#[derive(Default)]
struct Promise {
    locks: BTreeMap<String, LockMode>,
    rewrites: BTreeSet<String>,
    scans: BTreeSet<String>,
    builds: BTreeSet<String>,
    refused: Option<String>,
}

fn compare(statement: &str, version: u32, expect: &Measured, setup: &Catalog) -> Vec<String> {
    let (first, second) = statement.split_once(" ||| ").unwrap_or(("", statement));
    let facts = Facts { utc: !first.contains("TimeZone"), ..Facts::for_version(version) };
    let mut before = setup.clone();
    let held = promise(first, &mut before, &facts).0;
    let stands = before.clone();
    let (promised, parts) = promise(second, &mut before, &facts);
    let refused = promised.refused.clone().or(held.refused.clone());
    if let Some(error) = &expect.error {
        let in_block = error.contains("cannot run inside a transaction block");
        let spelling = SPELLED_ANEW.iter().any(|it| second.contains(it)) && error.starts_with("syntax error");
        let known =
            refused.is_some() || spelling || NOT_KNOWN_BEFORE.iter().any(|it| error.contains(it)) || parts.is_empty();
        let transactional = parts.iter().all(Ddl::transactional);
        return match (in_block, transactional, known) {
            (true, true, _) => vec![format!("runs in a transaction, says the model; the server: {error}")],
            (true, false, _) | (false, _, true) => Vec::new(),
            (false, _, false) => vec![format!("not refused, but the server says: {error}")],
        };
    }
    let mut res: Vec<String> = refused.map(|it| format!("refused: {it}; the server did it")).into_iter().collect();
    compare_locks(expect, &promised, &held, &stands, &before, &parts, &mut res);
    compare_work(expect, &promised, &stands, &parts, &mut res);
    res
}

fn promise(sql: &str, catalog: &mut Catalog, facts: &Facts) -> (Promise, Vec<Ddl>) {
    let (statements, _) = parse_file(&Postgres, sql);
    let mut res = Promise::default();
    let mut parts = Vec::new();
    let in_order = |ddl: &[Ddl]| Postgres.passes(ddl).into_iter().map(|it| ddl[it].clone()).collect::<Vec<_>>();
    for ddl in statements.iter().flat_map(|it| in_order(&it.parsed.ddl)) {
        let ddl = &ddl;
        let impact = Postgres.lock_of(ddl, catalog, facts);
        for lock in impact.locks {
            let mode = res.locks.entry(lock.object.name.to_string()).or_insert(lock.mode);
            *mode = (*mode).max(lock.mode);
        }
        let names = |it: Vec<Name>| it.into_iter().map(|it| it.name.to_string()).collect::<Vec<_>>();
        res.rewrites.extend(names(impact.rewrites));
        res.scans.extend(names(impact.scans));
        res.builds.extend(names(impact.builds));
        res.refused = res.refused.or(impact.refused);
        // The server would have refused what cannot be applied; the comparison says so.
        if let Err(why) = catalog.apply(ddl) {
            res.refused.get_or_insert(format!("{why:?}"));
        }
        parts.push(ddl.clone());
    }
    (res, parts)
}

fn is_relation(catalog: &Catalog, name: &str) -> bool {
    let name = Name::new("lp", name);
    catalog.tables.contains_key(&name) || catalog.views.contains_key(&name) || catalog.sequences.contains_key(&name)
}

fn compare_locks(
    expect: &Measured,
    promised: &Promise,
    held: &Promise,
    before: &Catalog,
    after: &Catalog,
    parts: &[Ddl],
    res: &mut Vec<String>,
) {
    let mut seen = BTreeSet::new();
    for (name, mode) in &expect.locks {
        let (name, kind) = name.split_once('/').unwrap_or((name, ""));
        // Of indexes only those are promised that a statement names.
        if matches!(kind, "i" | "I") {
            continue;
        }
        let name = old_name(name, parts);
        if !is_relation(before, &name) {
            continue;
        }
        let mode = LockMode::parse(mode).expect("a lock mode");
        // Locks that the first part of the statement took already are not in the measurement.
        let strongest = held.locks.get(&name).copied().max(promised.locks.get(&name).copied());
        let agrees =
            promised.locks.get(&name) == Some(&mode) || (held.locks.contains_key(&name) && strongest >= Some(mode));
        if !agrees {
            res.push(format!("{name}: measured {mode:?}, promised {:?}", promised.locks.get(&name)));
        }
        seen.insert(name);
    }
    for (name, mode) in &promised.locks {
        let index = !is_relation(before, name);
        let gone = !is_relation(after, name)
            && !parts.iter().any(|it| matches!(it, Ddl::RenameTable { .. } | Ddl::RenameView { .. }));
        let moved = parts.iter().any(|it| matches!(it, Ddl::SetTableSchema { .. }));
        let held_before = held.locks.get(name) >= Some(mode);
        if !seen.contains(name) && !index && !gone && !moved && !held_before {
            res.push(format!("{name}: promised {mode:?}, measured none"));
        }
    }
}

/// The measurement names what it found afterwards.
fn old_name(name: &str, parts: &[Ddl]) -> String {
    let renamed = parts.iter().find_map(|it| match it {
        Ddl::RenameTable { from, to, .. } | Ddl::RenameView { from, to, .. } if to.as_str() == name => Some(from),
        _ => None,
    });
    renamed.map_or_else(|| name.to_owned(), |it| it.name.to_string())
}

fn compare_work(expect: &Measured, promised: &Promise, before: &Catalog, parts: &[Ddl], res: &mut Vec<String>) {
    // TRUNCATE makes the files anew, but there is nothing to write into them.
    if parts.iter().any(|it| matches!(it, Ddl::Truncate { .. })) {
        return;
    }
    let holds_rows = |it: &&String| {
        let name = Name::new("lp", it);
        before.tables.contains_key(&name) || before.views.contains_key(&name)
    };
    let rewritten: BTreeSet<String> = expect.rewritten.iter().filter(holds_rows).cloned().collect();
    differ("rewrites", &rewritten, &promised.rewrites, res);

    let quoted = |note: &str, at: usize| note.split('"').nth(at).unwrap_or_default().to_owned();
    let mut scans = BTreeSet::new();
    let mut builds = BTreeSet::new();
    for note in &expect.notes {
        if note.starts_with("verifying table") {
            scans.insert(quoted(note, 1));
        } else if note.starts_with("validating foreign key constraint") {
            scans.extend(table_of(&quoted(note, 1), before, parts));
        } else if note.starts_with("building index") && is_relation(before, &quoted(note, 3)) {
            builds.insert(quoted(note, 1));
        }
    }
    // The server reads the tables of a domain, and a DEFAULT partition beside a new one, without saying so.
    let silent = |it: &Ddl| match it {
        Ddl::AlterDomain { .. } => true,
        Ddl::CreateTable { table, .. } => table.partition_of.is_some(),
        _ => false,
    };
    if !parts.iter().any(silent) {
        differ("scans", &scans, &promised.scans, res);
    }
    differ("builds", &builds, &promised.builds, res);
}

fn differ(what: &str, measured: &BTreeSet<String>, promised: &BTreeSet<String>, res: &mut Vec<String>) {
    if measured != promised {
        res.push(format!("{what}: measured {measured:?}, promised {promised:?}"));
    }
}

/// The table a foreign key stands on, which may be made by the statement itself.
fn table_of(constraint: &str, before: &Catalog, parts: &[Ddl]) -> Option<String> {
    let added = parts.iter().find_map(|it| match it {
        Ddl::AddConstraint { table, constraint: it }
            if it.name.as_ref().is_some_and(|it| it.as_str() == constraint) =>
        {
            Some(table)
        }
        _ => None,
    });
    let there = || {
        before.tables.values().find_map(|table| {
            let mut keys = table.constraints.iter().filter(|it| matches!(it.kind, ConstraintKind::ForeignKey(_)));
            keys.any(|it| it.name.as_ref().is_some_and(|it| it.as_str() == constraint)).then_some(&table.name)
        })
    };
    added.or_else(there).map(|it| it.name.to_string())
}
