use super::{
    Rule,
    around::{Files, Remark, never},
    rollback::{Ways, writes},
};
use crate::{
    catalog::Catalog,
    dialect::{Dialect, TypeChange},
    page::page,
    sql::{DataType, Ddl, Expr, Ident, Name, Severity, Statement},
};

page! {
    /// # A way down that restores the schema and not the rows
    ///
    /// What the way up dropped comes back empty, or what the way down narrows loses values: the schema is as it was, the
    /// data is not.
    ///
    /// ## Why
    /// A way down is read as a promise that nothing happens. Where the values still are (the way up copied them elsewhere),
    /// copy them back before their new place is dropped; where they are gone, drop in a release of its own, once nobody wants
    /// to go back, and say so: `-- lockkeeper: irreversible reason="…"`. That a way down drops what the way up added, with all
    /// that was written there since, is what it is for, and no finding.
    ///
    /// ```files bad
    /// -- file: migrations/0001_users.up.sql
    /// CREATE TABLE users (id bigint PRIMARY KEY, mail text);
    /// -- file: migrations/0001_users.down.sql
    /// DROP TABLE users;
    /// -- file: migrations/0002_email.up.sql
    /// ALTER TABLE users ADD COLUMN email text;
    /// UPDATE users SET email = mail WHERE id < 1000;
    /// ALTER TABLE users DROP COLUMN mail;
    /// -- file: migrations/0002_email.down.sql
    /// ALTER TABLE users ADD COLUMN mail text;
    /// ALTER TABLE users DROP COLUMN email;
    /// ```
    /// ```files good
    /// -- file: migrations/0001_users.up.sql
    /// CREATE TABLE users (id bigint PRIMARY KEY, mail text);
    /// -- file: migrations/0001_users.down.sql
    /// DROP TABLE users;
    /// -- file: migrations/0002_mail.up.sql
    /// -- lockkeeper: irreversible reason="the way down restores the column, not the addresses"
    /// SET lock_timeout = '2s';
    /// -- lockkeeper: allow-destructive reason="copied to email in the last release"
    /// ALTER TABLE users DROP COLUMN mail;
    /// -- file: migrations/0002_mail.down.sql
    /// ALTER TABLE users ADD COLUMN mail text;
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Up, then down, replayed on the catalog; which changes of type lose values is measured on 13 to 18.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "lossy-rollback", severity: Severity::Warning, page: PAGE, check: never, fix: super::fix::none };

pub(super) fn judge(files: &Files<'_>) -> Vec<Remark> {
    let Some(ways) = files.ways.as_ref() else { return Vec::new() };
    if ways.planned || ways.failed.is_some() || ways.down.is_empty() {
        return Vec::new();
    }
    let (input, mut res) = (files.input, Vec::new());
    let mut catalog = ways.before.clone();
    for (index, statement) in input.statements.iter().enumerate() {
        for ddl in &statement.parsed.ddl {
            if let Some((severity, message)) = lost_on_the_way_up(input.dialect, ways, input.statements, ddl, &catalog)
            {
                res.push(Remark { severity, message, statement: index });
            }
            let _ = catalog.apply(ddl);
        }
    }
    res.extend(cut_on_the_way_down(input.dialect, ways).map(|it| Remark::new(RULE.severity, it)));
    res
}

/// The name as the catalog has it, of a table that was there before the migration.
fn old_table(ways: &Ways<'_>, catalog: &Catalog, name: &Name) -> Option<Name> {
    catalog.resolve(name, |it| catalog.tables.contains_key(it)).filter(|it| ways.before.tables.contains_key(it))
}

fn lost_on_the_way_up(
    dialect: &dyn Dialect,
    ways: &Ways<'_>,
    up: &[Statement],
    ddl: &Ddl,
    catalog: &Catalog,
) -> Option<(Severity, String)> {
    match ddl {
        Ddl::DropColumn { table, column, .. } => {
            let name = old_table(ways, catalog, table)?;
            let dropped = ways.before.table(&name)?.column(column)?;
            let comes_back = ways.back.table(&name)?.column(column).is_some();
            if dropped.generated.is_some() || !comes_back || ways.after.table(&name)?.column(column).is_some() {
                return None;
            }
            if ways.fills(&name) {
                return None;
            }
            let moved = writes(up, &name).then(|| new_column_that_goes(ways, &name)).flatten();
            Some(match moved {
                Some(new) => (
                    RULE.severity,
                    format!(
                        "The way down brings {name}.{column} back empty, and drops {new}, which holds the values. Copy them back \
                         before that"
                    ),
                ),
                None => (
                    Severity::Info,
                    format!("The way down brings {name}.{column} back without its values: rows are not restored"),
                ),
            })
        }
        Ddl::DropTable { name, .. } => {
            let name = old_table(ways, catalog, name)?;
            let gone = !ways.after.tables.contains_key(&name) && ways.back.tables.contains_key(&name);
            let message = format!("The way down brings {name} back empty: rows are not restored");
            (gone && !ways.fills(&name)).then_some((Severity::Info, message))
        }
        Ddl::Truncate { tables, .. } => {
            let emptied: Vec<Name> = tables.iter().filter_map(|it| old_table(ways, catalog, it)).collect();
            let first = emptied.iter().find(|it| !ways.fills(it))?;
            Some((Severity::Info, format!("The way down leaves {first} empty: rows are not restored")))
        }
        Ddl::SetType { table, column, ty, collation, using } => {
            let name = old_table(ways, catalog, table)?;
            let loss = loss(dialect, catalog, &name, column, ty, collation.as_ref(), using.as_ref())?;
            let message =
                format!("The way down brings the type of {name}.{column} back, not its values: {loss} on the way up");
            (!ways.fills(&name)).then_some((Severity::Info, message))
        }
        _ => None,
    }
}

/// A column that the way up adds and the way down drops.
fn new_column_that_goes(ways: &Ways<'_>, table: &Name) -> Option<Ident> {
    let (before, after, back) = (ways.before.table(table)?, ways.after.table(table)?, ways.back.table(table)?);
    let new = after.columns.iter().find(|it| before.column(&it.name).is_none() && back.column(&it.name).is_none());
    new.map(|it| it.name.clone())
}

/// A change of type on the way down that changes values without a word.
fn cut_on_the_way_down(dialect: &dyn Dialect, ways: &Ways<'_>) -> Option<String> {
    let mut catalog = ways.after.clone();
    for ddl in ways.down.iter().flat_map(|it| &it.parsed.ddl) {
        if let Ddl::SetType { table, column, ty, collation, using } = ddl
            && let Some(name) = old_table(ways, &catalog, table)
            && let Some(loss) = loss(dialect, &catalog, &name, column, ty, collation.as_ref(), using.as_ref())
        {
            return Some(format!(
                "The way down changes values of {name}.{column} that were written since without a word: {loss}. Keep them in \
                 a column of their own, or let it fail where there are any"
            ));
        }
        let _ = catalog.apply(ddl);
    }
    None
}

fn loss(
    dialect: &dyn Dialect,
    catalog: &Catalog,
    table: &Name,
    column: &Ident,
    to: &DataType,
    collation: Option<&Name>,
    using: Option<&Expr>,
) -> Option<String> {
    dialect.type_loss(&TypeChange { table, column, to, collation, using }, catalog)
}
