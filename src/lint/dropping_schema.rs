use super::{
    Rule,
    context::{Context, Findings, listed},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # Dropping a schema or a database
    ///
    /// With CASCADE every table, view and function in it is gone, with all rows; running code that names any of them fails.
    ///
    /// ## Why
    /// Drop by name what is meant, when nobody uses it any more; drop the empty schema last, without CASCADE.
    ///
    /// ```sql before
    /// CREATE SCHEMA old;
    /// CREATE TABLE old.users (id bigint PRIMARY KEY);
    /// CREATE SCHEMA unused;
    /// ```
    /// ```sql bad
    /// DROP SCHEMA old CASCADE;
    /// ```
    /// ```sql good
    /// DROP SCHEMA unused;
    /// ```
    ///
    /// ## Phase
    /// Contract, when no running instance reads or writes anything in the schema.
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, DROP SCHEMA; DROP DATABASE.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "dropping-schema", severity: Severity::Warning, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let (message, severity) = match ddl {
        Ddl::DropSchema { name, cascade: true, .. } => {
            let inside = ctx.before.tables.keys().filter(|it| it.schema.as_ref() == Some(name));
            let tables: Vec<String> =
                ctx.in_use(&inside.cloned().collect::<Vec<_>>()).iter().map(|it| ctx.sized(it)).collect();
            let missing = ctx.before.schemas.contains(name) && tables.is_empty();
            if missing {
                return;
            }
            let what = if tables.is_empty() { "everything in it".to_owned() } else { listed(&tables) };
            (
                format!(
                    "Every row of {what} is gone for good with schema {name}, and running code that names them fails. Drop \
                     what is meant by name, in a later release than the one that stops using it"
                ),
                RULE.severity,
            )
        }
        Ddl::Opaque(it) if it.kind == "DROP DATABASE" => drop_database(),
        Ddl::DropOpaque { text, .. } if text.text().to_ascii_lowercase().starts_with("drop database") => {
            drop_database()
        }
        _ => return,
    };
    acc.report(&RULE, severity, message);
}

fn drop_database() -> (String, Severity) {
    (
        "Every schema and row of the database is gone for good. That is no work for a migration: do it by hand"
            .to_owned(),
        Severity::Error,
    )
}
