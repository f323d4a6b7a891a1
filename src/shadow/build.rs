//! Building a database from the statements of schema files or migrations.

use anyhow::{Result, bail};

use super::{
    connect::{Failure, Session},
    server::Database,
};
use crate::{
    dialect::{Dialect, parse_file, postgres::Postgres},
    sql::{Constraint, ConstraintKind, Ddl, Table},
};

/// Runs the statements in the database; returns what the user should know.
///
/// A desired state may stand in any order: what fails is tried again as long as that gets any further; tables that
/// point at each other are made without their foreign keys, which come last. What only a superuser may do is left out
/// with a note, save for extensions and roles, which are made on our own cluster.
pub async fn build(database: &Database, statements: &[String]) -> Result<Vec<String>> {
    let mut builder = Builder { database, session: database.connect().await?, notes: Vec::new() };
    // Bodies may name what comes later, as in a dump.
    builder.session.run("SET check_function_bodies = off").await?;
    let mut waiting = Vec::new();
    for statement in statements {
        builder.attempt(statement, None, &mut waiting).await?;
    }
    let mut foreign_keys = Vec::new();
    while !waiting.is_empty() {
        let again = std::mem::take(&mut waiting);
        let count = again.len();
        for it in again {
            builder.attempt(&it.statement, Some(&it.search_path), &mut waiting).await?;
        }
        if waiting.len() == count && !put_off_foreign_keys(&mut waiting, &mut foreign_keys) {
            let Some(first) = waiting.first() else { break };
            let others = match waiting.len() - 1 {
                0 => String::new(),
                n => format!(" ({n} more statements failed)"),
            };
            bail!("{}{others}; the statement was: {}", first.failure, shorten(&first.statement));
        }
        if waiting.is_empty() {
            waiting.append(&mut foreign_keys);
        }
    }
    Ok(builder.notes)
}

/// Takes the foreign keys out of the tables that wait, as statements of their own; false when there are none.
fn put_off_foreign_keys(waiting: &mut [Waiting], foreign_keys: &mut Vec<Waiting>) -> bool {
    let before = foreign_keys.len();
    for it in waiting {
        if let Some((table, keys)) = without_foreign_keys(&it.statement) {
            let key = |statement| Waiting { statement, ..it.clone() };
            foreign_keys.extend(keys.into_iter().map(key));
            it.statement = table;
        }
    }
    foreign_keys.len() > before
}

/// A `CREATE TABLE` without its foreign keys, and the statements that add them.
fn without_foreign_keys(statement: &str) -> Option<(String, Vec<String>)> {
    let (statements, _) = parse_file(&Postgres, statement);
    let [Ddl::CreateTable { table, if_not_exists, likes }] = statements.first()?.parsed.ddl.as_slice() else {
        return None;
    };
    let is_key = |it: &Constraint| matches!(it.kind, ConstraintKind::ForeignKey(_));
    let (keys, others): (Vec<_>, Vec<_>) = table.constraints.iter().cloned().partition(is_key);
    let bare = Table { constraints: others, ..(**table).clone() };
    let create = Ddl::CreateTable { table: Box::new(bare), if_not_exists: *if_not_exists, likes: likes.clone() };
    let add = |it| Ddl::AddConstraint { table: table.name.clone(), constraint: Box::new(it) };
    let keys: Vec<_> = keys.into_iter().map(|it| Postgres.render(&add(it))).collect();
    (!keys.is_empty()).then(|| (Postgres.render(&create), keys))
}

struct Builder<'a> {
    database: &'a Database,
    session: Session,
    notes: Vec<String>,
}

/// A statement that failed and may succeed when others have run.
#[derive(Clone)]
struct Waiting {
    statement: String,
    /// In force when it was first tried.
    search_path: String,
    failure: Failure,
}

impl Builder<'_> {
    async fn attempt(&mut self, statement: &str, search_path: Option<&str>, waiting: &mut Vec<Waiting>) -> Result<()> {
        if is_left_out(statement) {
            return Ok(());
        }
        if let Some(path) = search_path {
            self.set_search_path(path).await?;
        }
        let mut failure = match self.session.run(statement).await {
            Ok(()) => return Ok(()),
            Err(failure) => failure,
        };
        // A policy or a GRANT may name several roles that are not there.
        while let Some(role) = missing_role(&failure).map(str::to_owned)
            && self.database.server.is_own()
        {
            make_role(self.database, &role).await?;
            failure = match self.session.run(statement).await {
                Ok(()) => return Ok(()),
                Err(next) if next == failure => break,
                Err(next) => next,
            };
        }
        if failure.gone {
            return Err(failure.into());
        }
        if failure.code == INSUFFICIENT_PRIVILEGE {
            return self.elevate(statement, failure).await;
        }
        let search_path = match search_path {
            Some(path) => path.to_owned(),
            None => self.session.value("SHOW search_path").await?.unwrap_or_default(),
        };
        waiting.push(Waiting { statement: statement.to_owned(), search_path, failure });
        Ok(())
    }

    /// What needs rights that the role for workspace SQL does not have.
    async fn elevate(&mut self, statement: &str, failure: Failure) -> Result<()> {
        if let Some(sql) = extension(statement)
            && self.database.connect_admin().await?.run(&sql).await.is_ok()
        {
            self.notes.push(format!("made by a superuser: {}", shorten(statement)));
        } else if let Some(role) = created_role(statement)
            && self.database.server.is_own()
        {
            make_role(self.database, &role).await?;
        } else {
            self.notes.push(format!(
                "left out, it needs rights that workspace SQL does not get here: {} ({})",
                shorten(statement),
                failure.message
            ));
        }
        Ok(())
    }

    async fn set_search_path(&self, path: &str) -> Result<()> {
        let sql = format!("SELECT pg_catalog.set_config('search_path', '{}', false)", path.replace('\'', "''"));
        Ok(self.session.run(&sql).await?)
    }
}

pub const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// Statements that would only get in the way: files bring their own transactions and rows, and who owns an object is not
/// compared (the role that runs workspace SQL must go on owning all).
fn is_left_out(statement: &str) -> bool {
    let words = leading_words(statement, 4);
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["BEGIN" | "COMMIT" | "END", ..] | ["START", "TRANSACTION", ..] | ["COMMENT", "ON", "EXTENSION", ..] => true,
        // The rows of a dump come behind it and are no statement; the database gets rows of our own.
        ["COPY", ..] => statement.to_uppercase().contains("FROM STDIN"),
        ["ALTER", ..] => {
            let tail: Vec<_> = statement.split_whitespace().rev().take(4).map(str::to_uppercase).collect();
            // Not the renaming of a column that is called `owner`.
            matches!(tail.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), [_, "TO", "OWNER", before]
                if !matches!(*before, "COLUMN" | "RENAME"))
        }
        _ => false,
    }
}

/// The statement's first words in upper case, comments before it skipped.
fn leading_words(statement: &str, count: usize) -> Vec<String> {
    let mut rest = statement.trim_start();
    loop {
        let end = match rest.get(..2) {
            Some("--") => rest.find('\n').map(|it| it + 1),
            Some("/*") => rest.find("*/").map(|it| it + 2),
            _ => break,
        };
        rest = rest.get(end.unwrap_or(rest.len())..).unwrap_or_default().trim_start();
    }
    rest.split_whitespace().take(count).map(str::to_uppercase).collect()
}

/// `role "x" does not exist` (undefined_object).
fn missing_role(failure: &Failure) -> Option<&str> {
    let rest = failure.message.strip_prefix("role \"").filter(|_| failure.code == "42704")?;
    rest.split_once("\" does not exist").map(|it| it.0)
}

/// A role that can do nothing, which the role of workspace SQL may act as.
pub async fn make_role(database: &Database, role: &str) -> Result<()> {
    let (role, runner) = (quote(role), quote(database.server.runner()));
    let session = database.connect_admin().await?;
    // 42710: another database of this cluster has it already.
    match session.run(&format!("CREATE ROLE {role} NOLOGIN")).await {
        Err(failure) if failure.code != "42710" => return Err(failure.into()),
        _ => {}
    }
    Ok(session.run(&format!("GRANT {role} TO {runner}")).await?)
}

/// `CREATE ROLE x …`, `CREATE USER x …`: the name.
fn created_role(statement: &str) -> Option<String> {
    let mut words = statement.split_whitespace();
    let (create, kind, name) = (words.next()?, words.next()?, words.next()?);
    let is = |word: &str, text: &str| word.eq_ignore_ascii_case(text);
    (is(create, "create") && ["role", "user", "group"].iter().any(|it| is(kind, it))).then(|| unquote(name))
}

/// `CREATE EXTENSION` in our own words: nothing of the statement but names reaches a superuser's session.
pub fn extension(statement: &str) -> Option<String> {
    let words: Vec<_> = statement.split_whitespace().collect();
    let is = |i: usize, text: &str| words.get(i).is_some_and(|it| it.eq_ignore_ascii_case(text));
    if !is(0, "create") || !is(1, "extension") {
        return None;
    }
    let at = if is(2, "if") { 5 } else { 2 };
    let mut sql = format!("CREATE EXTENSION IF NOT EXISTS {}", quote(&unquote(words.get(at)?)));
    if let Some(i) = (at..words.len()).find(|it| is(*it, "schema")) {
        sql = format!("{sql} WITH SCHEMA {}", quote(&unquote(words.get(i + 1)?)));
    }
    Some(sql + " CASCADE")
}

fn unquote(name: &str) -> String {
    let name = name.trim_end_matches(';');
    match name.strip_prefix('"').and_then(|it| it.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => name.to_lowercase(),
    }
}

/// An identifier in quotes, whatever it is.
pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A statement for a message: one line, not too long.
pub fn shorten(statement: &str) -> String {
    let line = statement.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transactions_and_owners_are_left_out() {
        for it in [
            "BEGIN",
            "-- x\ncommit",
            "START TRANSACTION",
            "ALTER TABLE a OWNER TO bob",
            "COMMENT ON EXTENSION x IS 'y'",
        ] {
            assert!(is_left_out(it), "{it}");
        }
        for it in ["CREATE TABLE a ()", "ALTER TABLE a RENAME COLUMN owner TO b", "/* BEGIN */ SELECT 1"] {
            assert!(!is_left_out(it), "{it}");
        }
    }

    #[test]
    fn only_names_of_an_extension_statement_reach_the_superuser() {
        assert_eq!(
            extension("create extension if not exists \"uuid-ossp\" with schema Ext version '1'").unwrap(),
            "CREATE EXTENSION IF NOT EXISTS \"uuid-ossp\" WITH SCHEMA \"ext\" CASCADE"
        );
        assert_eq!(extension("CREATE TABLE extension ()"), None);
    }

    #[test]
    fn a_role_that_is_not_there_is_read_from_the_error() {
        let mut failure = Failure {
            message: "role \"app\" does not exist".into(),
            code: "42704".into(),
            constraint: None,
            table: None,
            gone: false,
        };
        assert_eq!(missing_role(&failure), Some("app"));
        failure.code = "42P01".into();
        assert_eq!(missing_role(&failure), None);
    }
}
