use std::sync::Arc;

use super::{
    Finding, LintInput, Rule,
    context::{Context, Findings},
};
use crate::{
    catalog::{Catalog, Source, replay},
    page::page,
    sql::{Ddl, Name, Severity},
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

/// A statement that the catalog cannot follow, where the catalog knows all that the statement names.
///
/// `first`: the catalog before it, if it has several parts. Those may need another order: the state that results is
/// then put into `catalog`.
pub(super) fn judge_failure(
    input: &LintInput<'_>,
    first: Option<&Catalog>,
    catalog: &mut Arc<Catalog>,
    acc: &mut Findings<'_>,
) {
    let told =
        ["refused-by-server", "colliding-with-earlier", "concurrently-on-partitioned", "concurrently-in-transaction"];
    let before = first.unwrap_or(catalog);
    let there = |it: &Name| before.resolve(it, |it| before.tables.contains_key(it)).is_some();
    let own = |it: &Ddl| is_own_affair(it) && it.altered_table().is_some_and(there);
    let sure = input.before.is_complete() && before.unknown.is_empty();
    if acc.list.iter().any(|it| told.contains(&it.rule)) || !sure && !acc.statement.parsed.ddl.iter().all(own) {
        return;
    }
    let build = replay(before.clone(), &[Source { statements: [acc.statement.clone()].into() }]);
    match build.problems.into_iter().find(|it| it.1.severity == Severity::Error) {
        Some((_, problem)) if is_about_others(&problem.message) => {}
        Some((_, problem)) => {
            acc.report(&RULE, RULE.severity, format!("The server refuses this: {}", problem.message));
        }
        None if first.is_some() => *catalog = Arc::new(build.catalog),
        None => {}
    }
}

/// What no file has made may be there all the same, or be gone: histories are cut off at their beginning, and joined.
fn is_about_others(message: &str) -> bool {
    let kinds = ["table ", "relation ", "type ", "index ", "view ", "sequence ", "schema ", "function ", "extension "];
    let whole = kinds.iter().any(|it| message.starts_with(it));
    whole && (message.ends_with("does not exist") || message.ends_with("already exists"))
}

/// Whether it can be done is decided by its table alone.
fn is_own_affair(ddl: &Ddl) -> bool {
    matches!(
        ddl,
        Ddl::DropColumn { .. }
            | Ddl::RenameColumn { .. }
            | Ddl::SetType { .. }
            | Ddl::SetDefault { .. }
            | Ddl::SetNotNull { .. }
            | Ddl::DropNotNull { .. }
            | Ddl::DropConstraint { .. }
            | Ddl::ValidateConstraint { .. }
            | Ddl::RenameConstraint { .. }
    )
}

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let several = matches!(ddl, Ddl::DropIndex { concurrently: true, .. }) && ctx.parts.len() > 1;
    let several = several.then(|| "DROP INDEX CONCURRENTLY takes one index at a time".to_owned());
    let Some(why) = ctx.impact.refused.as_ref().or(several.as_ref()) else { return };
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
    let said = |it: &Finding| it.rule == RULE.code && it.message.contains(why.as_str());
    if !told && !acc.list.iter().any(said) {
        acc.report(&RULE, RULE.severity, format!("The server refuses this: {why}"));
    }
}
