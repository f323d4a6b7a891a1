use super::{
    Rule,
    around::{Files, Remark, never},
    rollback::Ways,
};
use crate::{
    catalog::differences,
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # A way down that does not lead back
    ///
    /// After the way up and the way down the schema is not what it was: the next way up fails, or meets another schema.
    ///
    /// ## Why
    /// Undo each statement, the last one first. A way down that fails wherever the table has rows (a column that comes back
    /// NOT NULL and has no value for them) leads back only where it is tried. What cannot be undone, such as a value added to
    /// an enum, is said in the file: `-- lockkeeper: irreversible reason="…"`.
    ///
    /// ```files bad
    /// -- file: migrations/0001_users.up.sql
    /// CREATE TABLE users (id bigint PRIMARY KEY);
    /// -- file: migrations/0001_users.down.sql
    /// DROP TABLE users;
    /// -- file: migrations/0002_locale.up.sql
    /// SET lock_timeout = '2s';
    /// ALTER TABLE users ADD COLUMN locale text;
    /// CREATE TYPE tone AS ENUM ('low');
    /// -- file: migrations/0002_locale.down.sql
    /// ALTER TABLE users DROP COLUMN locale;
    /// ```
    /// ```files good
    /// -- file: migrations/0001_users.up.sql
    /// CREATE TABLE users (id bigint PRIMARY KEY);
    /// -- file: migrations/0001_users.down.sql
    /// DROP TABLE users;
    /// -- file: migrations/0002_locale.up.sql
    /// SET lock_timeout = '2s';
    /// ALTER TABLE users ADD COLUMN locale text;
    /// CREATE TYPE tone AS ENUM ('low');
    /// -- file: migrations/0002_locale.down.sql
    /// DROP TYPE tone;
    /// ALTER TABLE users DROP COLUMN locale;
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Up, then down, replayed on the catalog.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "incomplete-rollback", severity: Severity::Warning, page: PAGE, check: never, fix: super::fix::none };

/// So many differences are named.
const NAMED: usize = 3;

pub(super) fn judge(files: &Files<'_>) -> Vec<Remark> {
    let Some(ways) = files.ways.as_ref().filter(|it| it.changes && !it.down.is_empty()) else { return Vec::new() };
    let message = match &ways.failed {
        Some(why) => Some(format!("The way down fails: {why}")),
        None => fails_on_rows(ways).or_else(|| not_back(ways)),
    };
    message.map(|it| Remark::new(RULE.severity, it)).into_iter().collect()
}

fn not_back(ways: &Ways<'_>) -> Option<String> {
    let left = differences(ways.before, &ways.back);
    if left.is_empty() {
        return None;
    }
    let more = left.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let named: Vec<String> = left.into_iter().take(NAMED).collect();
    Some(format!(
        "The way down does not lead back; before the migration and after the way down differ: {}{more}",
        named.join("; ")
    ))
}

/// A column that comes back NOT NULL without a value, to a table that was there before and may have rows.
fn fails_on_rows(ways: &Ways<'_>) -> Option<String> {
    let mut catalog = ways.after.clone();
    for ddl in ways.down.iter().flat_map(|it| &it.parsed.ddl) {
        if let Ddl::AddColumn { table, column, .. } = ddl {
            let known = catalog.resolve(table, |it| catalog.tables.contains_key(it));
            let rows =
                known.is_some_and(|it| ways.before.tables.contains_key(&it) && ways.after.tables.contains_key(&it));
            let filled = column.default.is_some()
                || column.identity.is_some()
                || column.generated.is_some()
                || column.ty.serial_base().is_some()
                // A domain may have a default of its own.
                || !column.ty.is_builtin();
            if rows && column.not_null && !filled {
                return Some(format!(
                    "The way down fails unless {table} is empty: its rows have no value for {}, which comes back NOT NULL. Add it \
                     nullable, fill it, and make it NOT NULL then",
                    column.name
                ));
            }
        }
        let _ = catalog.apply(ddl);
    }
    None
}
