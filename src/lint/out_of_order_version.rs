use super::{
    Others, Rule,
    around::{Files, Remark, never},
    context::listed,
};
use crate::{page::page, sql::Severity};

page! {
    /// # A migration that comes too late
    ///
    /// It is new, and its version is below one that the main branch has already: where that one has run, this one is
    /// refused, skipped, or runs in another order than on a new database.
    ///
    /// ## Why
    /// Branches are merged in another order than they were begun. Give the file a version above those of the main branch
    /// before it is merged.
    ///
    /// ```files bad
    /// -- main: migrations/0001_users.up.sql
    /// CREATE TABLE users (id bigint PRIMARY KEY);
    /// -- main: migrations/0003_teams.up.sql
    /// CREATE TABLE teams (id bigint PRIMARY KEY);
    /// -- file: migrations/0002_carts.up.sql
    /// CREATE TABLE carts (id bigint PRIMARY KEY);
    /// ```
    /// ```files good
    /// -- main: migrations/0001_users.up.sql
    /// CREATE TABLE users (id bigint PRIMARY KEY);
    /// -- main: migrations/0003_teams.up.sql
    /// CREATE TABLE teams (id bigint PRIMARY KEY);
    /// -- file: migrations/0004_carts.up.sql
    /// CREATE TABLE carts (id bigint PRIMARY KEY);
    /// ```
    ///
    /// ## Versions
    /// All. The main branch is `main_branch` of the settings, else the first that there is of origin/HEAD, origin/main,
    /// origin/master, main and master; without a repository nothing is said.
    ///
    /// ## Source
    /// The documentation and the source of each tool.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "out-of-order-version", severity: Severity::Error, page: PAGE, check: never, fix: super::fix::none };

pub(super) fn judge(files: &Files<'_>) -> Vec<Remark> {
    let remark = |behind: &Others| {
        let message = format!(
            "{}{} runs behind it and may have run already: {}. Give this migration a version above",
            listed(&behind.names),
            behind.place(),
            behind.then
        );
        Remark::new(behind.severity, message)
    };
    files.around.standing.behind.iter().map(remark).collect()
}
