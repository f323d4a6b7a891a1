use super::{
    Rule,
    context::{Context, Findings, sentence},
    fix::{self, Fix, Rewrite},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # Creating an index with writes locked out
    ///
    /// All writes to the table wait for as long as the build takes.
    ///
    /// ## Why
    /// CONCURRENTLY builds it while everybody works. It runs outside a transaction, and if it fails it leaves an
    /// invalid index to drop. A partitioned table takes it per partition only.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, name text, email text, team_id bigint);
    /// ```
    /// ```sql bad
    /// CREATE INDEX users_email_idx ON users (email);
    /// ```
    /// ```sql good
    /// CREATE INDEX CONCURRENTLY users_email_idx ON users (email);
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, CREATE INDEX, Building Indexes Concurrently.
    const PAGE;
}

pub(super) const RULE: Rule = Rule { code: "creating-index", severity: Severity::Warning, page: PAGE, check, fix };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::CreateIndex { index, concurrently: false, .. } = ddl else { return };
    if ctx.impact.builds.is_empty() || ctx.is_fresh(&index.table) {
        return;
    }
    let way = if ctx.is_partitioned(&index.table) {
        "Create it ON ONLY the parent, CONCURRENTLY on each partition, and attach those with ALTER INDEX … ATTACH PARTITION"
    } else {
        "Create it CONCURRENTLY, outside a transaction"
    };
    let message = format!("{}. {way}", sentence(&ctx.during("builds an index on", &index.table)));
    acc.weigh(ctx, &RULE, &index.table, message);
}

fn fix(ctx: &Context<'_>, ddl: &Ddl) -> Option<Fix> {
    let Ddl::CreateIndex { index, if_not_exists, .. } = ddl else { return None };
    let table = ctx.table(&index.table)?;
    if table.partition_by.is_some() {
        return Some(Fix::Phases);
    }
    if *if_not_exists {
        return fix::create_anew(ctx, index, "Create the index CONCURRENTLY, without what an earlier try has left");
    }
    let words: &[&str] = if index.unique { &["CREATE", "UNIQUE", "INDEX"] } else { &["CREATE", "INDEX"] };
    let edit = ctx.insert_after(words, "CONCURRENTLY")?;
    Rewrite::new("Create the index CONCURRENTLY").edit(edit).outside().fix(ctx)
}
