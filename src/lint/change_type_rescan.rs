use super::{
    Rule,
    context::{Context, Findings, listed, sentence},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # Changing a type so that constraints are verified again
    ///
    /// The table stays as it is, but a CHECK or foreign key over the column is made anew and every row read for it.
    ///
    /// ## Why
    /// Drop the constraint, change the type, add the constraint as NOT VALID and VALIDATE it.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, email varchar(50), CONSTRAINT users_email_check CHECK (email <> ''));
    /// ```
    /// ```sql bad
    /// ALTER TABLE users ALTER COLUMN email TYPE varchar(100);
    /// ```
    /// ```sql good
    /// ALTER TABLE users DROP CONSTRAINT users_email_check, ALTER COLUMN email TYPE varchar(100), ADD CONSTRAINT users_email_check CHECK (email <> '') NOT VALID;
    /// ALTER TABLE users VALIDATE CONSTRAINT users_email_check;
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, ALTER TABLE, Notes; measured on 10 to 18.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "change-type-rescan", severity: Severity::Warning, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::SetType { table, .. } = ddl else { return };
    let scans = ctx.blocking_scans();
    if !ctx.impact.rewrites.is_empty() || scans.is_empty() {
        return;
    }
    let doing = format!("verifies constraints on every row of {} during a change of type of", listed(&scans));
    let message = format!(
        "{}. Drop the constraint, change the type, add it again as NOT VALID, VALIDATE it in another transaction",
        sentence(&ctx.during(&doing, table))
    );
    acc.weigh(ctx, &RULE, table, message);
}
