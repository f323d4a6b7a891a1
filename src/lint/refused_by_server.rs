use super::{
    Rule,
    context::{Context, Findings},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # A statement that the server refuses
    ///
    /// As the schema stands before it, or on this version, the statement is an error.
    ///
    /// ## Why
    /// The migration stops here, half done if it does not run in a transaction.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, age text);
    /// ```
    /// ```sql bad
    /// ALTER TABLE users ALTER COLUMN age TYPE integer;
    /// ```
    /// ```sql good
    /// ALTER TABLE users ADD COLUMN age_number integer;
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// The manual's page of the statement.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "refused-by-server", severity: Severity::Error, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Some(why) = &ctx.impact.refused else { return };
    // These have a rule of their own that says what to do.
    let told = match ddl {
        Ddl::CreateIndex { concurrently: true, index, .. } => ctx.is_partitioned(&index.table),
        Ddl::DropIndex { concurrently: true, name, .. } => {
            ctx.before.indexes.get(&ctx.resolve(name)).is_some_and(|it| ctx.is_partitioned(&it.table))
        }
        // Said with the migration that made it.
        Ddl::AddColumn { table, column, .. } if acc.inside.is_none() => {
            ctx.table(table).is_some_and(|it| it.column(&column.name).is_some())
        }
        Ddl::CreateIndex { index, .. } if acc.inside.is_none() => {
            index.name.as_ref().is_some_and(|it| ctx.before.find_index(&ctx.beside(it, &index.table)).is_some())
        }
        _ => false,
    };
    if !told {
        acc.report(&RULE, RULE.severity, format!("The server refuses this: {why}"));
    }
}
