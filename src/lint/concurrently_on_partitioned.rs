use super::{
    Rule,
    context::{Context, Findings},
    fix::{Fix, Rewrite},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
    text::TextEdit,
};

page! {
    /// # CONCURRENTLY on a partitioned table
    ///
    /// The server refuses to build or drop an index of a partitioned table concurrently.
    ///
    /// ## Why
    /// Create the index ON ONLY the parent (it is invalid and costs nothing), CONCURRENTLY on each partition, and
    /// attach those: the parent's index becomes valid with the last.
    ///
    /// ```sql before
    /// CREATE TABLE events (id bigint NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);
    /// ```
    /// ```sql bad
    /// CREATE INDEX CONCURRENTLY events_at_idx ON events (at);
    /// ```
    /// ```sql good
    /// CREATE INDEX events_at_idx ON ONLY events (at);
    /// ```
    ///
    /// ## Versions
    /// 11 and later.
    ///
    /// ## Source
    /// Manual, CREATE INDEX, Notes; 5.12.2.3.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "concurrently-on-partitioned", severity: Severity::Error, page: PAGE, check, fix };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let table = match ddl {
        Ddl::CreateIndex { index, concurrently: true, .. } => ctx.resolve(&index.table),
        Ddl::DropIndex { name, concurrently: true, .. } => match ctx.before.indexes.get(&ctx.resolve(name)) {
            Some(index) => index.table.clone(),
            None => return,
        },
        _ => return,
    };
    if !ctx.is_partitioned(&table) {
        return;
    }
    let way = match ddl {
        Ddl::CreateIndex { .. } => {
            "Create the index ON ONLY the parent, CONCURRENTLY on each partition, and attach those"
        }
        _ => "Drop it without CONCURRENTLY, with lock_timeout and retries",
    };
    acc.report(&RULE, RULE.severity, format!("The server refuses CONCURRENTLY because {table} is partitioned. {way}"));
}

fn fix(ctx: &Context<'_>, ddl: &Ddl) -> Option<Fix> {
    if matches!(ddl, Ddl::CreateIndex { .. }) {
        return Some(Fix::Phases);
    }
    let tokens = ctx.tokens();
    let at = tokens.iter().position(|it| it.is(ctx.text, "CONCURRENTLY"))?;
    let (start, end) = (tokens[at].range.start, tokens.get(at + 1)?.range.start);
    let edit = TextEdit::replace(ctx.range().start + start..ctx.range().start + end, "");
    Rewrite::new("Drop it without CONCURRENTLY").edit(edit).fix(ctx)
}
