//! Locks really taken, and tables really rewritten.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::Result;
use tokio::time::sleep;

use super::connect::{Failure, Session};
use crate::{
    plan::{Lock, LockMode},
    sql::Name,
};

/// Tables and views as they stand before a statement or transaction, by oid.
pub struct Before {
    relations: BTreeMap<String, Relation>,
}

struct Relation {
    name: Name,
    kind: String,
    file: String,
    has_rows: bool,
}

/// What a transaction (or a statement outside one) has done so far.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Strongest mode by relation: name before, name now, mode.
    locks: BTreeMap<Name, (Name, LockMode)>,
    pub rewritten: Vec<Name>,
}

impl Before {
    pub async fn read(session: &Session) -> Result<Self> {
        let rows = session.rows(
            "SELECT c.oid, n.nspname, c.relname, c.relkind, c.relfilenode, \
               c.relkind IN ('r', 'm') AND pg_relation_size(c.oid) > 0 \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'",
        );
        let mut relations = BTreeMap::new();
        for row in rows.await? {
            if let [Some(oid), Some(schema), Some(name), Some(kind), Some(file), has_rows] = row.as_slice() {
                let relation = Relation {
                    name: Name::new(schema, name),
                    kind: kind.clone(),
                    file: file.clone(),
                    has_rows: has_rows.as_deref() == Some("t"),
                };
                relations.insert(oid.clone(), relation);
            }
        }
        Ok(Self { relations })
    }

    /// Locks that the session's own transaction holds now, and what it has rewritten.
    pub async fn seen(&self, session: &Session) -> Result<Seen, Failure> {
        let mut seen = Seen::default();
        for row in session.rows(&locks_of("pg_backend_pid()")).await? {
            self.record(&row, &mut seen);
        }
        Ok(seen)
    }

    fn record(&self, row: &[Option<String>], seen: &mut Seen) {
        let [Some(oid), Some(mode), schema, name, file, _] = row else { return };
        let Some(relation) = self.relations.get(oid) else { return };
        let Some(mode) = LockMode::parse(mode) else { return };
        let now = match (schema, name) {
            (Some(schema), Some(name)) => Name::new(schema, name),
            _ => relation.name.clone(),
        };
        let lock = seen.locks.entry(relation.name.clone()).or_insert((now, mode));
        lock.1 = lock.1.max(mode);
        let is_rewritten = relation.has_rows && file.as_ref().is_some_and(|it| *it != relation.file);
        if is_rewritten && !seen.rewritten.contains(&relation.name) {
            seen.rewritten.push(relation.name.clone());
        }
    }

    /// Runs a statement that cannot be in a transaction and watches it from other sessions.
    ///
    /// A writer keeps the tables open (`hold`): CONCURRENTLY waits for it, and meanwhile its locks can be seen.
    pub async fn watch(
        &self,
        session: &Session,
        watcher: &Session,
        holder: &Session,
        hold: &[Lock],
        sql: &str,
    ) -> Result<(Result<(), Failure>, Seen)> {
        let is_table =
            |it: &&Lock| self.relations.values().any(|r| r.name == it.object && matches!(r.kind.as_str(), "r" | "p"));
        let tables: Vec<_> = hold.iter().filter(is_table).map(|it| quoted(&it.object)).collect();
        let mut holding = !tables.is_empty();
        if holding {
            holder.run(&format!("BEGIN; LOCK TABLE {} IN ROW EXCLUSIVE MODE", tables.join(", "))).await?;
        }
        let (mut seen, begin) = (Seen::default(), Instant::now());
        let query = locks_of(&session.backend.to_string());
        let statement = session.run(sql);
        tokio::pin!(statement);
        let result = loop {
            tokio::select! {
                result = &mut statement => break result,
                () = sleep(Duration::from_millis(2)) => {}
            }
            let mut waits = false;
            for row in watcher.rows(&query).await? {
                waits |= row.get(5).is_some_and(|it| it.as_deref() == Some("f"));
                self.record(&row, &mut seen);
            }
            // Not every statement waits for writers: it must not be held up for long.
            if holding && (waits || begin.elapsed() > Duration::from_millis(300)) {
                holder.run("COMMIT").await?;
                holding = false;
            }
        };
        if holding {
            holder.run("COMMIT").await?;
        }
        // From outside, a rewrite shows after the commit only.
        let files = watcher.rows("SELECT oid, 'AccessShareLock', NULL, NULL, relfilenode, true FROM pg_class").await;
        let mut after = Seen::default();
        files.iter().flatten().for_each(|row| self.record(row, &mut after));
        seen.rewritten = after.rewritten;
        Ok((result, seen))
    }
}

impl Seen {
    /// What was taken beyond the promise, a sentence each. Weak locks (those of reads and writes) need no promise.
    pub fn unpromised(&self, promised: &[Lock]) -> Vec<String> {
        let mut res = Vec::new();
        for (name, (now, mode)) in &self.locks {
            let promise =
                promised.iter().filter(|it| same(&it.object, name) || same(&it.object, now)).map(|it| it.mode).max();
            match promise {
                Some(promise) if *mode <= promise => {}
                Some(promise) => {
                    res.push(format!("{} on {name} was taken, {} was promised", mode.as_str(), promise.as_str()));
                }
                None if *mode >= LockMode::ShareUpdateExclusive => {
                    res.push(format!("{} on {name} was taken, and no lock on it was promised", mode.as_str()));
                }
                None => {}
            }
        }
        res
    }

    pub fn taken(&self) -> Vec<Lock> {
        self.locks.iter().map(|(name, (_, mode))| Lock { object: name.clone(), mode: *mode }).collect()
    }
}

/// A plan's name may leave `public` out.
fn same(promised: &Name, actual: &Name) -> bool {
    promised.name == actual.name
        && promised.schema.as_ref().map_or("public", |it| it.as_str())
            == actual.schema.as_ref().map_or("public", |it| it.as_str())
}

fn quoted(name: &Name) -> String {
    let schema = name.schema.as_ref().map_or("public", |it| it.as_str());
    format!("{}.{}", super::build::quote(schema), super::build::quote(name.name.as_str()))
}

/// oid (locks on anything but whole relations have none), mode, schema and name now, file now, granted. Requests that are not granted count as taken: they block others.
fn locks_of(backend: &str) -> String {
    format!(
        "SELECT CASE WHEN l.locktype = 'relation' THEN l.relation END, l.mode, n.nspname, c.relname, c.relfilenode, l.granted FROM pg_locks l \
         LEFT JOIN pg_class c ON c.oid = l.relation LEFT JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE l.pid = {backend} AND (l.relation IS NULL OR l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_covers_weaker_locks_and_silence_covers_those_of_reads_and_writes() {
        let name = Name::new("public", "t");
        let seen = |mode| Seen { locks: BTreeMap::from([(name.clone(), (name.clone(), mode))]), rewritten: vec![] };
        let promise = [Lock { object: Name::bare("t"), mode: LockMode::Share }];
        assert_eq!(seen(LockMode::Share).unpromised(&promise), Vec::<String>::new());
        assert_eq!(seen(LockMode::RowExclusive).unpromised(&[]), Vec::<String>::new());
        assert_eq!(
            seen(LockMode::AccessExclusive).unpromised(&promise),
            ["AccessExclusive on t was taken, Share was promised"]
        );
        assert_eq!(seen(LockMode::ShareUpdateExclusive).unpromised(&[]).len(), 1);
    }
}
