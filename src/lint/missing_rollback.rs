use super::{
    Rule,
    around::{Files, Remark, never},
};
use crate::{page::page, sql::Severity};

page! {
    /// # A migration without its way down
    ///
    /// Other migrations of the folder can be taken back, this one cannot: who has to go back in a hurry finds that out then.
    ///
    /// ## Why
    /// Write the way down while the reason for the way up is known; the editor offers a first draft ("Write rollback"). Where
    /// there is none, say so, in the migration or in its empty way down: `-- lockkeeper: irreversible reason="…"`.
    ///
    /// ```files bad
    /// -- file: migrations/0001_users.up.sql
    /// CREATE TABLE users (id bigint PRIMARY KEY);
    /// -- file: migrations/0001_users.down.sql
    /// DROP TABLE users;
    /// -- file: migrations/0002_carts.up.sql
    /// CREATE TABLE carts (id bigint PRIMARY KEY);
    /// ```
    /// ```files good
    /// -- file: migrations/0001_users.up.sql
    /// CREATE TABLE users (id bigint PRIMARY KEY);
    /// -- file: migrations/0001_users.down.sql
    /// DROP TABLE users;
    /// -- file: migrations/0002_carts.up.sql
    /// -- lockkeeper: irreversible reason="carts are paid for: they stay"
    /// CREATE TABLE carts (id bigint PRIMARY KEY);
    /// ```
    ///
    /// ## Versions
    /// All. A folder in which nobody writes ways down is left alone, and so is a migration that leaves the schema as it is.
    ///
    /// ## Source
    /// The convention of the migration tool.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "missing-rollback", severity: Severity::Info, page: PAGE, check: never, fix: super::fix::none };

pub(super) fn judge(files: &Files<'_>) -> Vec<Remark> {
    if !files.ways.as_ref().is_some_and(|it| it.changes && it.down.is_empty() && !it.planned) {
        return Vec::new();
    }
    let message = "There is no way down for this migration, though others of the folder have theirs. Write one, or say why \
                   there is none: `-- lockkeeper: irreversible reason=\"…\"`";
    vec![Remark::new(RULE.severity, message.to_owned())]
}
