use super::{
    Rule,
    context::{Context, Findings, sentence},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # Enforcing a constraint that was not
    ///
    /// ALTER CONSTRAINT … ENFORCED checks every row at once, with writes to both tables kept out.
    ///
    /// ## Why
    /// There is no NOT VALID form of it. Add a second foreign key as NOT VALID, VALIDATE it in another transaction, and drop
    /// the one that was not enforced.
    ///
    /// ```sql before
    /// CREATE TABLE teams (id bigint PRIMARY KEY);
    /// CREATE TABLE users (id bigint PRIMARY KEY, team_id bigint);
    /// CREATE INDEX users_team_id ON users (team_id);
    /// ```
    /// ```sql bad 18
    /// ALTER TABLE users ADD CONSTRAINT users_team FOREIGN KEY (team_id) REFERENCES teams (id) NOT ENFORCED;
    /// ALTER TABLE users ALTER CONSTRAINT users_team ENFORCED;
    /// ```
    /// ```sql good
    /// ALTER TABLE users ADD CONSTRAINT users_team FOREIGN KEY (team_id) REFERENCES teams (id) NOT VALID;
    /// ALTER TABLE users VALIDATE CONSTRAINT users_team;
    /// ```
    ///
    /// ## Phase
    /// Enforce, when every running instance writes rows that satisfy it.
    ///
    /// ## Versions
    /// 18 and later: before there is no NOT ENFORCED.
    ///
    /// ## Source
    /// Manual, ALTER TABLE, ALTER CONSTRAINT; measured on 18.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "enforcing-constraint", severity: Severity::Warning, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::AlterConstraint { table, enforced: Some(true), .. } = ddl else { return };
    if ctx.blocking_scans().is_empty() {
        return;
    }
    let message = format!(
        "{}. Add a second constraint as NOT VALID, VALIDATE it in another transaction, and drop this one",
        sentence(&ctx.during("checks every row of", table))
    );
    acc.weigh(ctx, &RULE, table, message);
}
