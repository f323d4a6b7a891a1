use super::{
    Rule,
    context::{Context, Findings, listed},
};
use crate::{
    page::page,
    sql::{ConstraintKind, Ddl, Ident, KeyExpr, Name, Severity},
};

page! {
    /// # Dropping a column
    ///
    /// Its values are gone, running code that names it fails, and whatever mentions it goes silently with it.
    ///
    /// ## Why
    /// Without CASCADE the server still drops, and does not say so: every index that includes the column or mentions it
    /// in its predicate, and table constraints over it. With CASCADE views and row security policies go, too.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, legacy text, name text);
    /// CREATE INDEX users_name_legacy ON users (name, legacy);
    /// ```
    /// ```sql bad
    /// ALTER TABLE users DROP COLUMN legacy;
    /// ```
    /// ```sql good
    /// ALTER TABLE users ALTER COLUMN legacy DROP NOT NULL;
    /// ```
    ///
    /// ## Phase
    /// Contract, when no running instance reads or writes the column.
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, ALTER TABLE, DROP COLUMN.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "dropping-column", severity: Severity::Warning, page: PAGE, check, fix: super::fix::later };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::DropColumn { table, column, cascade, .. } = ddl else { return };
    let known = ctx.table(table);
    if ctx.is_fresh(table) || known.is_some_and(|it| it.column(column).is_none()) {
        return;
    }
    let mut message = format!(
        "Every value of {table}.{column} is gone for good, and running code that names it fails. Drop it in a later release \
         than the one that stops using it"
    );
    let lost = collateral(ctx, &ctx.resolve(table), column);
    if !lost.is_empty() {
        message.push_str(&format!("; {} goes silently with it", listed(&lost)));
    }
    if *cascade {
        message.push_str("; CASCADE also drops views and row security policies without asking: drop them by name");
    }
    acc.report(&RULE, RULE.severity, message);
}

/// Indexes and constraints that the server drops with the column without a word.
fn collateral(ctx: &Context<'_>, table: &Name, column: &Ident) -> Vec<String> {
    let names = |it: &KeyExpr| match it {
        KeyExpr::Column(it) => it == column,
        KeyExpr::Expr(it) => ctx.dialect.columns_in(it).contains(column),
    };
    let mentioned = |it: &crate::sql::Expr| ctx.dialect.columns_in(it).contains(column);
    let indexes = ctx.before.indexes_of(table).filter(|it| {
        it.keys.iter().any(|it| names(&it.expr))
            || it.include.contains(column)
            || it.predicate.as_ref().is_some_and(mentioned)
    });
    let mut res: Vec<String> = indexes.filter_map(|it| Some(format!("index {}", it.name.as_ref()?))).collect();
    let constraints = ctx.table(table).map(|it| it.constraints.as_slice()).unwrap_or_default();
    let touched = constraints.iter().filter(|it| match &it.kind {
        ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key) => {
            key.columns.contains(column) || key.include.contains(column)
        }
        ConstraintKind::ForeignKey(fk) => fk.columns.contains(column),
        ConstraintKind::Check(expr) => mentioned(expr),
        ConstraintKind::Exclude(it) => it.elements.iter().any(|(key, _)| names(&key.expr)),
        ConstraintKind::NotNull(_) => false,
    });
    res.extend(touched.filter_map(|it| Some(format!("constraint {}", it.name.as_ref()?))));
    res
}
