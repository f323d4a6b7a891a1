//! Ways down: is there one, and does it lead back? Judged on catalogs, migration by migration.

use super::Finding;
use crate::{
    catalog::{Catalog, Source, differences, replay},
    page::{Page, page},
    sql::{Severity, Statement},
};

page! {
    /// # A migration without its way down
    ///
    /// The other migrations of the folder can be taken back, this one cannot: who has to go back in a hurry finds that out
    /// then.
    ///
    /// ## Why
    /// Write the way down while the reason for the way up is known; where there is none, say so in it.
    ///
    /// ```sql up
    /// CREATE TABLE carts (id bigint PRIMARY KEY);
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// The convention of the migration tool.
    const MISSING_PAGE;
}

page! {
    /// # A way down that does not lead back
    ///
    /// After the way up and the way down the schema is not what it was: the next way up fails, or meets another schema.
    ///
    /// ## Why
    /// Undo each statement in reverse order. What cannot be undone (a value added to an enum) is said in a comment.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY);
    /// ```
    /// ```sql up
    /// ALTER TABLE users ADD COLUMN locale text;
    /// CREATE INDEX users_locale ON users (locale);
    /// CREATE TYPE tone AS ENUM ('low');
    /// ```
    /// ```sql down
    /// ALTER TABLE users DROP COLUMN locale;
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Up, then down, replayed on the catalog.
    const INCOMPLETE_PAGE;
}

/// The rules about ways down, with their pages.
pub const ROLLBACK_RULES: &[(&str, Page)] =
    &[("incomplete-rollback", INCOMPLETE_PAGE), ("missing-rollback", MISSING_PAGE)];

/// So many differences are named.
const NAMED: usize = 3;

/// Judges the way down of one migration. `down`: its statements; `None`: there is no file, though others of the folder
/// have theirs.
pub fn judge_rollback(before: &Catalog, up: &[Statement], down: Option<&[Statement]>) -> Option<Finding> {
    let run = |base: &Catalog, statements: &[Statement]| {
        let build = replay(base.clone(), &[Source { statements: statements.into() }]);
        let failed = build.problems.into_iter().find(|(_, it)| it.severity == Severity::Error);
        (build.catalog, failed.map(|(_, it)| it.message))
    };
    let (after, failed) = run(before, up);
    let first = up.first()?;
    let changed = differences(before, &after);
    if changed.is_empty() || failed.is_some() {
        return None;
    }
    let finding = |rule, severity, message| Finding {
        rule,
        severity,
        range: first.range.clone(),
        message,
        fixable: false,
        statement: 0,
    };
    let Some(down) = down else {
        let message = "There is no way down for this migration, though others of the folder have theirs. Write one, or an empty \
                       one that says why there is none";
        return Some(finding("missing-rollback", Severity::Info, message.to_owned()));
    };
    let (back, failed) = run(&after, down);
    if let Some(why) = failed {
        return Some(finding("incomplete-rollback", Severity::Warning, format!("The way down fails: {why}")));
    }
    let left = differences(before, &back);
    if left.is_empty() {
        return None;
    }
    let more = left.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let named: Vec<String> = left.into_iter().take(NAMED).collect();
    let message = format!(
        "The way down does not lead back; before the migration and after the way down differ: {}{more}",
        named.join("; ")
    );
    Some(finding("incomplete-rollback", Severity::Warning, message))
}
