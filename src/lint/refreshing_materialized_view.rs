use super::{
    Rule,
    context::{Context, Findings, sentence},
    fix::{Fix, Rewrite},
};
use crate::{
    page::page,
    sql::{Ddl, Index, IndexKey, KeyExpr, Severity},
};

page! {
    /// # Refreshing a materialized view with readers locked out
    ///
    /// Nobody can read the view until its query has run and its indexes are built.
    ///
    /// ## Why
    /// CONCURRENTLY lets readers go on; it needs a unique index on plain columns.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY);
    /// CREATE MATERIALIZED VIEW user_ids AS SELECT id FROM users;
    /// CREATE UNIQUE INDEX user_ids_id ON user_ids (id);
    /// ```
    /// ```sql bad
    /// REFRESH MATERIALIZED VIEW user_ids;
    /// ```
    /// ```sql good
    /// REFRESH MATERIALIZED VIEW CONCURRENTLY user_ids;
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, REFRESH MATERIALIZED VIEW.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "refreshing-materialized-view", severity: Severity::Warning, page: PAGE, check, fix };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::RefreshView { name, concurrently: false, with_data: true } = ddl else { return };
    if !ctx.is_fresh(name) {
        let message = format!(
            "{}. Refresh it CONCURRENTLY; that needs a unique index on plain columns",
            sentence(&ctx.during("fills anew", name))
        );
        acc.weigh(ctx, &RULE, name, message);
    }
}

fn fix(ctx: &Context<'_>, ddl: &Ddl) -> Option<Fix> {
    let Ddl::RefreshView { name, .. } = ddl else { return None };
    let name = ctx.resolve(name);
    let plain = |it: &IndexKey| matches!(it.expr, KeyExpr::Column(_));
    let whole = |it: &Index| it.unique && it.predicate.is_none() && it.keys.iter().all(plain);
    let filled = ctx.before.views.get(&name).is_some_and(|it| it.with_data);
    if !filled || !ctx.before.indexes_of(&name).any(|it| whole(it)) {
        return None;
    }
    let edit = ctx.insert_after(&["REFRESH", "MATERIALIZED", "VIEW"], "CONCURRENTLY")?;
    Rewrite::new("Refresh it CONCURRENTLY").edit(edit).fix(ctx)
}
