use super::{LintInput, Rule, around::never, context::Findings, earlier::qualified};
use crate::{
    catalog::{Catalog, Source, creates, replay},
    page::page,
    sql::{Ident, ObjectRef, Severity, Statement},
};

page! {
    /// # A migration that an earlier one leaves no room for
    ///
    /// What it creates is there already, or what it names was dropped or renamed by an earlier migration: it fails when it
    /// runs, and everything behind it waits.
    ///
    /// ## Why
    /// Two branches made the same object, or one took away what the other was built on; each was right alone. Look at what
    /// the earlier migration made, and write this one for that.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, email text);
    /// ```
    /// ```sql bad
    /// CREATE TABLE users (id bigint PRIMARY KEY, name text);
    /// ```
    /// ```sql good
    /// CREATE TABLE people (id bigint PRIMARY KEY, name text);
    /// ```
    /// ```files bad
    /// -- file: migrations/0001_users.sql
    /// CREATE TABLE users (id bigint PRIMARY KEY, email text);
    /// -- file: migrations/0002_no_email.sql
    /// SET lock_timeout = '2s';
    /// ALTER TABLE users DROP COLUMN email;
    /// -- file: migrations/0003_index.sql
    /// CREATE INDEX CONCURRENTLY users_email ON users (email);
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// The migrations replayed; the server's errors 42P07, 42701, 42710 (it exists), 42P01, 42703, 42704 (it does not).
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "colliding-with-earlier", severity: Severity::Error, page: PAGE, check: never, fix: super::fix::none };

/// A statement that could not be applied to `before`: is that because of what earlier ones did?
pub(super) fn judge(acc: &mut Findings<'_>, input: &LintInput<'_>, statement: &Statement, before: &Catalog) {
    // Taken as a whole, as a server takes it.
    let build = replay(before.clone(), &[Source { statements: [statement.clone()].into() }]);
    let Some((_, problem)) = build.problems.into_iter().find(|it| it.1.severity == Severity::Error) else { return };
    let default = Ident::new("public");
    let path = before.search_path.first().unwrap_or(&default);
    let earlier = input.around.map(|it| &*it.earlier);
    let made: Vec<ObjectRef> = statement.parsed.ddl.iter().flat_map(creates).collect();
    let there = made.iter().find(|it| before.resolve_object(it).is_ok() && problem.message.contains("already exists"));
    if let Some(object) = there {
        let by = qualified(object, path).and_then(|it| earlier?.made(&it));
        let by = by.map(|it| format!(" ({} made it)", it.name)).unwrap_or_default();
        acc.report(&RULE, RULE.severity, format!("This fails: {}{by}", problem.message));
        return;
    }
    let named = statement.parsed.marks.iter().filter(|it| !it.defines).map(|it| &it.object);
    let missing = named.filter(|it| before.resolve_object(it).is_err()).map(|it| match it {
        // Where the table is missing, its columns say nothing.
        ObjectRef::Column(table, _) if before.resolve_object(&ObjectRef::Table(table.clone())).is_err() => {
            ObjectRef::Table(table.clone())
        }
        other => other.clone(),
    });
    let gone = missing.filter_map(|it| earlier?.gone(&qualified(&it, path)?)).next();
    if let Some(by) = gone {
        let message = format!("This fails: {} ({} took it away)", problem.message, by.name);
        acc.report(&RULE, RULE.severity, message);
    }
}
