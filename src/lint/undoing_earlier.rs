use super::{
    Rule,
    context::{Context, Findings},
    earlier::{Earlier, qualified, used_by},
};
use crate::{
    catalog::{creates, drops},
    page::page,
    plan::phase_of_file,
    sql::{Ddl, Ident, ObjectRef, Severity},
};

page! {
    /// # A migration that undoes another that is not deployed
    ///
    /// One migration of a branch makes a table, a column or an index, a later one of the same branch drops it; or drops it,
    /// and a later one makes it again, without its rows.
    ///
    /// ## Why
    /// Neither has run anywhere that matters: take it out of the earlier file instead. What is on the main branch has run;
    /// to drop that later on is no mistake, and nothing is said. Nor is it of what rows go through in between, or of the
    /// phases of a plan.
    ///
    /// ```files bad
    /// -- main: migrations/0001_users.sql
    /// CREATE TABLE users (id bigint PRIMARY KEY);
    /// -- file: migrations/0002_email.sql
    /// SET lock_timeout = '2s';
    /// ALTER TABLE users ADD COLUMN email text;
    /// -- file: migrations/0003_no_email.sql
    /// SET lock_timeout = '2s';
    /// ALTER TABLE users DROP COLUMN email;
    /// ```
    /// ```files good
    /// -- main: migrations/0001_users.sql
    /// CREATE TABLE users (id bigint PRIMARY KEY);
    /// -- main: migrations/0002_email.sql
    /// SET lock_timeout = '2s';
    /// ALTER TABLE users ADD COLUMN email text;
    /// -- file: migrations/0003_no_email.sql
    /// SET lock_timeout = '2s';
    /// -- lockkeeper: allow-destructive reason="nobody ever wrote it"
    /// ALTER TABLE users DROP COLUMN email;
    /// ```
    ///
    /// ## Versions
    /// All. What is deployed is told by the main branch: see `out-of-order-version`.
    ///
    /// ## Source
    /// The migrations, taken one after the other.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "undoing-earlier", severity: Severity::Info, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Some(around) = ctx.input.around.filter(|it| it.standing.pending) else { return };
    if phase_of_file(ctx.input.text).is_some() || acc.inside.is_some() {
        return;
    }
    let default = Ident::new("public");
    let path = ctx.before.search_path.first().unwrap_or(&default);
    let used = |it: &ObjectRef| {
        let before = ctx.statements.iter().take(ctx.statement);
        before.flat_map(|it| used_by(it, path)).any(|used| it.relation() == Some(&used))
    };
    let find = |objects: Vec<ObjectRef>, by: fn(&Earlier, &ObjectRef) -> Option<String>| {
        let objects = objects.into_iter().filter(is_followed).filter_map(|it| qualified(&it, path));
        objects.filter(|it| !used(it)).find_map(|it| Some((by(&around.earlier, &it)?, it)))
    };
    if let Some((file, object)) = find(drops(ddl), |all, it| Some(all.just_made(it)?.name.clone())) {
        let message =
            format!("{file} makes {object}, and neither is deployed: take it out there, instead of dropping it here");
        acc.report(&RULE, RULE.severity, message);
    } else if let Some((file, object)) = find(creates(ddl), |all, it| Some(all.just_gone(it)?.name.clone())) {
        let message = format!(
            "{file} drops {object}, and neither is deployed: made again here it has no rows. Keep it there, or rename it"
        );
        acc.report(&RULE, Severity::Warning, message);
    }
}

fn is_followed(object: &ObjectRef) -> bool {
    matches!(object, ObjectRef::Table(_) | ObjectRef::Column(..) | ObjectRef::Index(_))
}
