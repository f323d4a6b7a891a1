use std::collections::BTreeSet;

use super::{
    Rule,
    context::{Context, Findings},
};
use crate::{
    page::page,
    sql::{Constraint, ConstraintKind, Ddl, DomainAction, Ident, Name, Severity, Statement},
};

page! {
    /// # Several statements without a transaction
    ///
    /// If a later statement fails, the earlier ones stay; run again, the file stops at its first statement, which is done
    /// already.
    ///
    /// ## Why
    /// Said where a later statement may well fail: one that locks or reads a table that is in use, changes rows, runs code.
    /// A file that only makes new things is left alone. One statement per file needs nothing. Else let the transaction hold them together, or write every statement so that it
    /// may run twice: IF EXISTS, IF NOT EXISTS, OR REPLACE.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, name text, email text, team_id bigint);
    /// ```
    /// ```sql bad
    /// ALTER TABLE users ADD COLUMN locale text;
    /// CREATE INDEX CONCURRENTLY users_locale ON users (locale);
    /// ```
    /// ```sql good
    /// ALTER TABLE users ADD COLUMN IF NOT EXISTS locale text;
    /// DROP INDEX CONCURRENTLY IF EXISTS users_locale;
    /// CREATE INDEX CONCURRENTLY users_locale ON users (locale);
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, 3.4 Transactions.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "half-done-on-failure", severity: Severity::Info, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let spoken = ctx.file.reported.contains(RULE.code) || acc.list.iter().any(|it| it.rule == RULE.code);
    if ctx.in_transaction() || spoken || repeatable(ctx, ddl) {
        return;
    }
    if ctx.file.last_risk.is_some_and(|it| it > ctx.statement) {
        let message = "If a statement behind this one fails, this one stays, and the file cannot run again from the start. Put \
                       them into one transaction, or let each say IF EXISTS or IF NOT EXISTS";
        acc.report(&RULE, RULE.severity, message);
    }
}

/// The last statement of a file that may fail on a server where the schema is as expected: a lock is not to be had in
/// time, rows are not as they should be, a block of code raises. Making things that nobody uses yet does not.
pub(super) fn last_risk(statements: &[Statement]) -> Option<usize> {
    let mut made: BTreeSet<&Ident> = BTreeSet::new();
    for ddl in statements.iter().flat_map(|it| &it.parsed.ddl) {
        match ddl {
            Ddl::CreateTable { table, .. } | Ddl::CreateTableAs { table, .. } => made.insert(&table.name.name),
            Ddl::RenameTable { to, .. } => made.insert(to),
            _ => continue,
        };
    }
    let fresh = |it: &Name| made.contains(&it.name);
    statements.iter().rposition(|it| it.parsed.ddl.iter().any(|it| may_fail(it, &fresh)))
}

fn may_fail(ddl: &Ddl, fresh: &dyn Fn(&Name) -> bool) -> bool {
    // A foreign key locks the table it points to.
    let points_out = |it: &Constraint| matches!(&it.kind, ConstraintKind::ForeignKey(it) if !fresh(&it.references));
    match ddl {
        Ddl::Transaction(_)
        | Ddl::SetParameter { .. }
        | Ddl::SetSearchPath { .. }
        | Ddl::CreateSchema { .. }
        | Ddl::CreateType { .. }
        | Ddl::CreateSequence { .. }
        | Ddl::CreateFunction { .. }
        | Ddl::CreateView { .. }
        | Ddl::CreateExtension { .. }
        | Ddl::Comment { .. }
        | Ddl::Grant { .. }
        | Ddl::Revoke { .. } => false,
        Ddl::CreateTable { table, .. } => table.constraints.iter().any(points_out),
        Ddl::CreateIndex { index, concurrently, .. } => *concurrently || !fresh(&index.table),
        Ddl::CreateTrigger { trigger, .. } => !fresh(&trigger.table),
        Ddl::Data(it) if it.verb == "SELECT" => !it.calls.is_empty(),
        Ddl::Data(it) => it.target.as_ref().is_none_or(|it| !fresh(it)),
        Ddl::AddConstraint { table, constraint } => points_out(constraint) || !fresh(table),
        other => other.altered_table().is_none_or(|it| !fresh(it)),
    }
}

/// A second run does no harm and raises no error.
fn repeatable(ctx: &Context<'_>, ddl: &Ddl) -> bool {
    let dropped_before = |name: &Option<crate::sql::Name>| {
        ctx.earlier().any(|it| match (it, name) {
            (Ddl::DropIndex { name, if_exists: true, .. }, Some(made)) => name.name == made.name,
            _ => false,
        })
    };
    match ddl {
        Ddl::CreateSchema { if_not_exists: it, .. }
        | Ddl::CreateExtension { if_not_exists: it, .. }
        | Ddl::CreateTable { if_not_exists: it, .. }
        | Ddl::CreateTableAs { if_not_exists: it, .. }
        | Ddl::AddColumn { if_not_exists: it, .. }
        | Ddl::CreateSequence { if_not_exists: it, .. }
        | Ddl::AddEnumValue { if_not_exists: it, .. }
        | Ddl::CreateStatistics { if_not_exists: it, .. }
        | Ddl::DropSchema { if_exists: it, .. }
        | Ddl::DropExtension { if_exists: it, .. }
        | Ddl::DropTable { if_exists: it, .. }
        | Ddl::DropColumn { if_exists: it, .. }
        | Ddl::DropConstraint { if_exists: it, .. }
        | Ddl::DropIndex { if_exists: it, .. }
        | Ddl::DropSequence { if_exists: it, .. }
        | Ddl::DropType { if_exists: it, .. }
        | Ddl::DropView { if_exists: it, .. }
        | Ddl::DropFunction { if_exists: it, .. }
        | Ddl::DropTrigger { if_exists: it, .. }
        | Ddl::DropPolicy { if_exists: it, .. }
        | Ddl::DropStatistics { if_exists: it, .. }
        | Ddl::DropIdentity { if_exists: it, .. }
        | Ddl::DropExpression { if_exists: it, .. } => *it,
        Ddl::CreateIndex { if_not_exists, index, .. } => *if_not_exists || dropped_before(&index.name),
        Ddl::CreateView { or_replace, if_not_exists, .. } => *or_replace || *if_not_exists,
        Ddl::CreateFunction { or_replace: it, .. } | Ddl::CreateTrigger { or_replace: it, .. } => *it,
        Ddl::AlterDomain { action, .. } => {
            !matches!(action, DomainAction::AddConstraint(_) | DomainAction::RenameConstraint { .. })
        }
        Ddl::AddConstraint { .. }
        | Ddl::AddConstraintUsingIndex { .. }
        | Ddl::RenameTable { .. }
        | Ddl::SetTableSchema { .. }
        | Ddl::RenameColumn { .. }
        | Ddl::RenameConstraint { .. }
        | Ddl::RenameIndex { .. }
        | Ddl::RenameSequence { .. }
        | Ddl::RenameType { .. }
        | Ddl::RenameView { .. }
        | Ddl::RenameFunction { .. }
        | Ddl::RenameTrigger { .. }
        | Ddl::RenamePolicy { .. }
        | Ddl::RenameEnumValue { .. }
        | Ddl::AddIdentity { .. }
        | Ddl::AttachPartition { .. }
        | Ddl::DetachPartition { .. }
        | Ddl::Inherit { .. }
        | Ddl::NoInherit { .. }
        | Ddl::CreateType { .. }
        | Ddl::AlterComposite { .. }
        | Ddl::CreatePolicy { .. } => false,
        // Settings, rows, comments, privileges: either the same again or not for us to say.
        _ => true,
    }
}
