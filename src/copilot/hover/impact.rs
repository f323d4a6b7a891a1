//! What a statement of a migration does to those who use the tables.

use super::Part;
use crate::{
    copilot::{FileId, Role, Snapshot, history},
    dialect::Impact,
    plan::LockMode,
    sql::{Ddl, Name},
};

/// What the statement locks, what waits for it, and what to do instead.
pub(super) fn of_statement(snapshot: &Snapshot, file: FileId, statement: usize) -> Vec<Part> {
    let Some(found) = snapshot.file(file) else { return Vec::new() };
    let Some(parsed) = found.script.statements.get(statement).map(|it| &it.parsed) else { return Vec::new() };
    if parsed.ddl.iter().all(is_quiet) {
        return Vec::new();
    }
    let Some(before) = history::catalog_before(snapshot, file, statement) else { return Vec::new() };
    let mut catalog = (*before).clone();
    let mut all = Impact::default();
    let mut estimates = Vec::new();
    for ddl in &parsed.ddl {
        let impact = snapshot.dialect.lock_of(ddl, &catalog, &snapshot.facts);
        estimates.extend(impact.estimate(ddl, &catalog, &snapshot.facts));
        all.locks.extend(impact.locks);
        all.rewrites.extend(impact.rewrites);
        all.scans.extend(impact.scans);
        all.builds.extend(impact.builds);
        all.refused = all.refused.or(impact.refused);
        // What cannot be applied is said by the diagnostics; the rest of the statement is judged without it.
        let _ = catalog.apply(ddl);
    }
    let mut parts = Vec::from_iter(text(&all, &estimates).map(Part::Text));
    if found.role == Role::Migration && hurts(&all) {
        parts.push(Part::Text(
            "Instead: the action *Rewrite as phased migration* splits it into steps that block nobody for long."
                .to_owned(),
        ));
    }
    parts
}

/// Statements that take no lock worth a word.
fn is_quiet(ddl: &Ddl) -> bool {
    matches!(ddl, Ddl::SetParameter { .. } | Ddl::Transaction(_))
}

/// Others wait for longer than a moment.
pub fn hurts(impact: &Impact) -> bool {
    let blocking = impact.locks.iter().any(|it| it.mode.blocks_writes());
    blocking && !(impact.rewrites.is_empty() && impact.scans.is_empty() && impact.builds.is_empty())
}

fn text(impact: &Impact, estimates: &[String]) -> Option<String> {
    let mut lines = Vec::new();
    if let Some(why) = &impact.refused {
        lines.push(format!("- the server refuses it: {why}"));
    }
    let mut locks = impact.locks.clone();
    locks.sort_by(|a, b| b.mode.cmp(&a.mode).then_with(|| a.object.cmp(&b.object)));
    locks.dedup_by(|a, b| a.object == b.object);
    for lock in &locks {
        lines.push(format!("- locks `{}` in mode {}: {}", lock.object, lock.mode.as_str(), who_waits(lock.mode)));
    }
    let mut add = |names: &[Name], what: &str| {
        if !names.is_empty() {
            let names: Vec<String> = names.iter().map(|it| format!("`{it}`")).collect();
            lines.push(format!("- {what} {}", names.join(", ")));
        }
    };
    add(&impact.rewrites, "writes every row anew, and every index:");
    add(&impact.scans, "reads every row while it holds the lock:");
    add(&impact.builds, "builds under the lock:");
    lines.extend(estimates.iter().map(|it| format!("- estimate: {it}")));
    if lines.is_empty() {
        return None;
    }
    let brief = impact.rewrites.is_empty() && impact.scans.is_empty() && impact.builds.is_empty();
    if brief && locks.iter().any(|it| it.mode.blocks_writes()) {
        lines.push(
            "- holds its locks for a moment only, once it has them; others queue behind it while it waits".to_owned(),
        );
    }
    lines.push("\n[PostgreSQL manual 13.3.1: table-level locks](https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES)".to_owned());
    Some(lines.join("\n"))
}

fn who_waits(mode: LockMode) -> &'static str {
    match mode {
        LockMode::AccessExclusive => "all reads and writes wait",
        LockMode::Share | LockMode::ShareRowExclusive | LockMode::Exclusive => "all writes wait, reads go on",
        LockMode::ShareUpdateExclusive => "reads and writes go on; other schema changes and VACUUM wait",
        LockMode::AccessShare | LockMode::RowShare | LockMode::RowExclusive => "reads and writes go on",
    }
}
