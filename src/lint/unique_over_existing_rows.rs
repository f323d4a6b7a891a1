use super::{
    Rule,
    context::{Context, Findings},
};
use crate::{
    page::page,
    sql::{ConstraintKind, Ddl, Ident, KeyExpr, Name, Severity},
};

page! {
    /// # Uniqueness for rows that are there already
    ///
    /// It fails if two rows share the key: the migration stops, and an index that was built CONCURRENTLY stays behind, invalid
    /// and paid for by every write.
    ///
    /// ## Why
    /// Count duplicates first, and keep writers from making new ones until the index stands. After a failure DROP INDEX
    /// CONCURRENTLY and begin again.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, name text, email text, team_id bigint);
    /// ```
    /// ```sql bad
    /// CREATE UNIQUE INDEX CONCURRENTLY users_email ON users (email);
    /// ```
    /// ```sql good
    /// CREATE INDEX CONCURRENTLY users_email ON users (email);
    /// ```
    ///
    /// ## Phase
    /// Enforce, when no running instance writes duplicates and those that were there are gone.
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, CREATE INDEX, Building Indexes Concurrently.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "unique-over-existing-rows", severity: Severity::Info, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let (table, columns): (&Name, Vec<Ident>) = match ddl {
        Ddl::CreateIndex { index, .. } if index.unique => {
            let columns = index.keys.iter().map(|it| match &it.expr {
                KeyExpr::Column(it) => Some(it.clone()),
                KeyExpr::Expr(_) => None,
            });
            (&index.table, columns.collect::<Option<Vec<_>>>().unwrap_or_default())
        }
        Ddl::AddConstraint { table, constraint } => match &constraint.kind {
            ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key) => (table, key.columns.clone()),
            _ => return,
        },
        _ => return,
    };
    if ctx.is_fresh(table)
        || ctx.impact.builds.is_empty() && ctx.table(table).is_some()
        || refines(ctx, table, &columns)
    {
        return;
    }
    let left = match ddl {
        Ddl::CreateIndex { concurrently: true, .. } => ", and leaves an invalid index behind",
        _ => "",
    };
    let look = if columns.is_empty() {
        "Count duplicates first".to_owned()
    } else {
        let keys = columns.iter().map(Ident::as_str).collect::<Vec<_>>().join(", ");
        format!("Count duplicates first: SELECT {keys}, count(*) FROM {table} GROUP BY {keys} HAVING count(*) > 1")
    };
    let message = format!("Fails if rows of {} share their key{left}. {look}", ctx.sized(table));
    acc.report(&RULE, RULE.severity, message);
}

/// A part of the columns is unique already: then all of them are.
fn refines(ctx: &Context<'_>, table: &Name, columns: &[Ident]) -> bool {
    let name = ctx.resolve(table);
    let within = |keys: &[Ident]| !keys.is_empty() && keys.iter().all(|it| columns.contains(it));
    let by_key = ctx.table(table).is_some_and(|it| {
        it.constraints.iter().any(|it| match &it.kind {
            ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key) => within(&key.columns),
            _ => false,
        })
    });
    by_key
        || ctx.before.indexes_of(&name).any(|it| {
            let keys: Option<Vec<Ident>> = it.keys.iter().map(|it| it.expr.as_column().cloned()).collect();
            it.unique && it.predicate.is_none() && keys.is_some_and(|it| within(&it))
        })
}
