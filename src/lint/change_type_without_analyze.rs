use super::{
    Rule,
    context::{Context, Findings},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # A change of type that is not followed by ANALYZE
    ///
    /// The statistics of the column are gone after every change of type, even a free one: until the next ANALYZE the planner
    /// guesses, and queries on a large table may take a bad plan.
    ///
    /// ## Why
    /// Autovacuum comes by only after many rows have changed. ANALYZE of the one column takes no lock that anybody waits
    /// for.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, email varchar(50));
    /// ```
    /// ```sql bad
    /// ALTER TABLE users ALTER COLUMN email TYPE varchar(100);
    /// ```
    /// ```sql good
    /// ALTER TABLE users ALTER COLUMN email TYPE varchar(100);
    /// ANALYZE users (email);
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, ALTER TABLE, SET DATA TYPE: statistics are removed, "it is recommended to run ANALYZE"; measured on 12 to 18.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "change-type-without-analyze", severity: Severity::Info, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::SetType { table, column, ty, collation, .. } = ddl else { return };
    let unchanged =
        ctx.table(table).and_then(|it| it.column(column)).is_some_and(|it| it.ty == *ty && it.collation == *collation);
    if ctx.is_fresh(table) || ctx.impact.refused.is_some() || unchanged {
        return;
    }
    let name = ctx.resolve(table);
    let analyzed = ctx.later().any(|it| match it {
        Ddl::Data(it) => {
            matches!(it.verb.as_str(), "ANALYZE" | "VACUUM")
                && it.target.as_ref().is_none_or(|it| ctx.resolve(it) == name)
        }
        _ => false,
    });
    if !analyzed {
        // ANALYZE takes a sample whose size does not grow with the table (manual, ANALYZE, default_statistics_target).
        let known = ctx.facts.rows.contains_key(&name) || ctx.facts.bytes.contains_key(&name);
        let takes =
            if known { ". Estimate: a sample of about 30,000 rows, seconds on a table of any size" } else { "" };
        let message = format!(
            "The planner's statistics of {table}.{column} are gone after this. Run ANALYZE {table} ({column}) behind it{takes}"
        );
        acc.report(&RULE, ctx.by_size(RULE.severity, table).min(Severity::Warning), message);
    }
}
