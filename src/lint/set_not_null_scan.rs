use super::{
    Rule,
    context::{Context, Findings, sentence},
    fix::{self, Fix, Rewrite},
};
use crate::{
    dialect::Capability,
    page::page,
    sql::{ConstraintKind, Ddl, Ident, Name, Severity},
};

page! {
    /// # Setting NOT NULL with a full scan
    ///
    /// The whole table is read under the strongest lock to prove that no NULL is there.
    ///
    /// ## Why
    /// A valid CHECK (column IS NOT NULL) spares the reading, as long as it is still there: dropped in the same
    /// statement, it is dropped first. Old rows have to be filled and all writers have to set the column before.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, name text, email text, team_id bigint);
    /// ```
    /// ```sql bad
    /// ALTER TABLE users ALTER COLUMN email SET NOT NULL;
    /// ```
    /// ```sql good
    /// ALTER TABLE users ADD CONSTRAINT users_email_present CHECK (email IS NOT NULL) NOT VALID;
    /// ALTER TABLE users VALIDATE CONSTRAINT users_email_present;
    /// ALTER TABLE users ALTER COLUMN email SET NOT NULL;
    /// ALTER TABLE users DROP CONSTRAINT users_email_present;
    /// ```
    ///
    /// ## Phase
    /// Enforce, when every running instance writes a value and the rows that had none are filled.
    ///
    /// ## Versions
    /// All; the CHECK helps from 12 on; 18 has NOT NULL constraints that are NOT VALID at first.
    ///
    /// ## Source
    /// Manual, ALTER TABLE, SET/DROP NOT NULL.
    const PAGE;
}

pub(super) const RULE: Rule = Rule { code: "set-not-null-scan", severity: Severity::Warning, page: PAGE, check, fix };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let (table, column) = match ddl {
        Ddl::SetNotNull { table, column } => (table, column),
        Ddl::AddConstraint { table, constraint } => match &constraint.kind {
            ConstraintKind::NotNull(column) => (table, column),
            _ => return,
        },
        _ => return,
    };
    if ctx.blocking_scans().is_empty() {
        return;
    }
    let message = format!("{}. {}", sentence(&ctx.during("reads every row of", table)), advice(ctx, table, column));
    acc.weigh(ctx, &RULE, table, message);
}

/// What to do instead, by what is in the way.
fn advice(ctx: &Context<'_>, table: &Name, column: &Ident) -> String {
    let constraints = ctx.table(table).map(|it| it.constraints.as_slice()).unwrap_or_default();
    let not_valid = constraints.iter().any(|it| it.kind == ConstraintKind::NotNull(column.clone()));
    let dropped = ctx.parts.iter().any(|it| matches!(it, Ddl::DropConstraint { .. }));
    let added = ctx.parts.iter().any(|it| matches!(it, Ddl::AddColumn { column: it, .. } if it.name == *column));
    if not_valid {
        return format!(
            "{column} has a NOT NULL constraint that is not valid yet: VALIDATE CONSTRAINT reads the rows without locking anybody out"
        );
    }
    if added {
        return "Write NOT NULL into the column's definition: with a constant default that needs no reading".to_owned();
    }
    if dropped {
        return "The constraint is dropped before NOT NULL is set, whatever the order: use two statements, the drop last".to_owned();
    }
    if ctx.dialect.can(Capability::NotNullNotValid, ctx.facts.server_version) {
        return format!("ADD CONSTRAINT … NOT NULL {column} NOT VALID, then VALIDATE it in another transaction");
    }
    format!(
        "Add CHECK ({column} IS NOT NULL) as NOT VALID, VALIDATE it in another transaction, then SET NOT NULL, then drop the CHECK"
    )
}

fn fix(ctx: &Context<'_>, ddl: &Ddl) -> Option<Fix> {
    let Ddl::SetNotNull { table, column } = ddl else { return Some(Fix::Phases) };
    // A NOT NULL constraint that is there already, but not valid yet, wants only to be validated: that is planned.
    let known = ctx.table(table)?;
    if !ctx.is_single() || known.constraints.iter().any(|it| it.kind == ConstraintKind::NotNull(column.clone())) {
        return Some(Fix::Phases);
    }
    let (before, after) = fix::proof_of_not_null(ctx, table, column)?;
    let statements = [before, vec![ctx.text.to_owned(), after]].concat();
    Rewrite::new("Prove it with a CHECK that is validated first").statements(ctx, &statements).apart().fix(ctx)
}
