use super::{
    Rule,
    context::{Context, Findings, sentence},
};
use crate::{
    page::page,
    sql::{ConstraintKind, Ddl, Severity},
};

page! {
    /// # Dropping a constraint
    ///
    /// What it guaranteed may be broken a moment later, and to bring it back every row has to be checked again.
    ///
    /// ## Why
    /// Dropping a foreign key locks both of its tables completely, for a moment. Set lock_timeout, and drop one per
    /// transaction.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY);
    /// CREATE TABLE logins (id bigint PRIMARY KEY, user_id bigint CONSTRAINT logins_user_fk REFERENCES users (id));
    /// ```
    /// ```sql bad
    /// ALTER TABLE logins DROP CONSTRAINT logins_user_fk;
    /// ```
    /// ```sql good
    /// ALTER TABLE logins ALTER CONSTRAINT logins_user_fk DEFERRABLE;
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, ALTER TABLE, DROP CONSTRAINT; measured on 10 to 18.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "dropping-constraint", severity: Severity::Info, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::DropConstraint { table, name, .. } = ddl else { return };
    let known = ctx.table(table);
    let constraint = known.and_then(|it| it.constraint(name));
    if ctx.is_fresh(table) || known.is_some() && constraint.is_none() {
        return;
    }
    // Dropping a CHECK or a constraint that comes back in the same statement loses nothing.
    let again = ctx.parts.iter().any(|it| match it {
        Ddl::AddConstraint { constraint, .. } => constraint.name.as_ref() == Some(name),
        Ddl::AddConstraintUsingIndex { name: added, .. } => added.as_ref() == Some(name),
        _ => false,
    });
    match constraint.map(|it| &it.kind) {
        Some(ConstraintKind::ForeignKey(fk)) => {
            let message = format!(
                "Takes ACCESS EXCLUSIVE on {} and on {} for a moment: every query on either waits meanwhile. \
                 Set lock_timeout, and drop one foreign key per transaction",
                ctx.sized(table),
                ctx.sized(&fk.references)
            );
            acc.report(&RULE, RULE.severity, message);
        }
        Some(ConstraintKind::PrimaryKey(_) | ConstraintKind::Unique(_)) if !again => {
            let message = format!(
                "{} loses its index and its uniqueness with {name}: duplicates may come in, and ON CONFLICT on it fails. \
                 To bring it back every row has to be checked",
                sentence(&ctx.sized(table))
            );
            acc.report(&RULE, RULE.severity, message);
        }
        _ => {}
    }
}
