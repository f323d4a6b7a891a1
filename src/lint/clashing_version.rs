use super::{
    Others, Rule,
    around::{Files, Remark, never},
    context::listed,
};
use crate::{page::page, sql::Severity};

page! {
    /// # Two migrations with one version
    ///
    /// Two branches took the next number, and both were merged: the tool stops, or runs only one of them.
    ///
    /// ## Why
    /// A version is the name by which a tool knows what has run. Give the file that is not deployed yet a version of its own,
    /// above all others. Files of the main branch count even where this branch does not have them yet.
    ///
    /// ```files bad
    /// -- main: migrations/V1__users.sql
    /// CREATE TABLE users (id bigint PRIMARY KEY);
    /// -- main: migrations/V2__teams.sql
    /// CREATE TABLE teams (id bigint PRIMARY KEY);
    /// -- file: migrations/V2__carts.sql
    /// CREATE TABLE carts (id bigint PRIMARY KEY);
    /// ```
    /// ```files good
    /// -- main: migrations/V1__users.sql
    /// CREATE TABLE users (id bigint PRIMARY KEY);
    /// -- main: migrations/V2__teams.sql
    /// CREATE TABLE teams (id bigint PRIMARY KEY);
    /// -- file: migrations/V3__carts.sql
    /// CREATE TABLE carts (id bigint PRIMARY KEY);
    /// ```
    ///
    /// ## Versions
    /// All. Flyway's folders are taken one by one: which of them are locations of one database is not in the files.
    ///
    /// ## Source
    /// The documentation and the source of each tool.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "clashing-version", severity: Severity::Error, page: PAGE, check: never, fix: super::fix::none };

pub(super) fn judge(files: &Files<'_>) -> Vec<Remark> {
    let remark = |others: &Others| {
        let (have, place) = (if others.names.len() == 1 { "has" } else { "have" }, others.place());
        let message = format!(
            "{}{place} {have} the same version: {}. Give this migration a version of its own",
            listed(&others.names),
            others.then
        );
        Remark::new(others.severity, message)
    };
    files.around.standing.same_version.iter().map(remark).collect()
}
