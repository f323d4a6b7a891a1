use super::{
    Rule,
    context::{Context, Findings, sentence},
};
use crate::{
    page::page,
    sql::{Ddl, Name, RowSecurityChange, Severity},
};

page! {
    /// # Changing who sees which rows
    ///
    /// CREATE, ALTER and DROP POLICY and ENABLE or DISABLE ROW LEVEL SECURITY lock everybody out for a moment; from the next
    /// query on other rows are visible.
    ///
    /// ## Why
    /// With row level security enabled and no policy for it a role sees no row at all, and its INSERTs fail; only the owner
    /// and roles with BYPASSRLS are exempt. Create the policies first, enable last. Without it, everybody sees everything.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, name text, email text, team_id bigint);
    /// ```
    /// ```sql bad
    /// ALTER TABLE users ENABLE ROW LEVEL SECURITY;
    /// CREATE POLICY users_own ON users USING (name = current_user);
    /// ```
    /// ```sql good
    /// SET lock_timeout = '2s';
    /// COMMENT ON TABLE users IS 'one row per account';
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, 5.9 Row Security Policies; CREATE POLICY.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "changing-row-security", severity: Severity::Info, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let (table, effect): (&Name, String) = match ddl {
        Ddl::SetRowSecurity { table, change } => (table, row_security(ctx, table, *change)),
        Ddl::CreatePolicy { policy } => (&policy.table, String::new()),
        Ddl::AlterPolicy { table, .. } | Ddl::RenamePolicy { table, .. } | Ddl::DropPolicy { table, .. } => {
            (table, String::new())
        }
        _ => return,
    };
    if ctx.is_fresh(table) || ctx.impact.locks.is_empty() {
        return;
    }
    let severity = if effect.is_empty() { RULE.severity } else { Severity::Warning };
    let message = format!("{}. {effect}Set lock_timeout and retry", sentence(&ctx.for_a_moment(table)));
    acc.report(&RULE, severity, message);
}

fn row_security(ctx: &Context<'_>, table: &Name, change: RowSecurityChange) -> String {
    let name = ctx.resolve(table);
    let policies = ctx.before.policies.values().any(|it| it.table == name);
    match change {
        RowSecurityChange::Enable if !policies => format!(
            "{table} has no policy yet: from here on only its owner sees rows, and others cannot write. Create the policies \
             before, in the same transaction. "
        ),
        RowSecurityChange::Disable if policies => {
            format!("From here on whoever may read {table} reads every row, whatever its policies say. ")
        }
        _ => String::new(),
    }
}
