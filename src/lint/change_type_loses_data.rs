use super::{
    Rule,
    context::{Context, Findings},
};
use crate::{
    dialect::TypeChange,
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # A change of type that cuts values
    ///
    /// The server converts every value and does not say that it drops a part: decimals are rounded, seconds too, days are
    /// cut off, and with USING even text is truncated.
    ///
    /// ## Why
    /// Without USING text that is too long is an error. `USING c::varchar(3)` is an explicit cast, and such a cast
    /// truncates. Numbers are rounded to the new scale either way. Nobody can bring the values back: look before whether
    /// there are any, and keep the old column until you are certain.
    ///
    /// ```sql before
    /// CREATE TABLE orders (id bigint PRIMARY KEY, amount numeric(10,4), note text, price numeric(10,2));
    /// ```
    /// ```sql bad
    /// ALTER TABLE orders ALTER COLUMN amount TYPE numeric(10,2);
    /// ```
    /// ```sql bad
    /// ALTER TABLE orders ALTER COLUMN note TYPE varchar(3) USING note::varchar(3);
    /// ```
    /// ```sql good
    /// ALTER TABLE orders ALTER COLUMN price TYPE numeric(12,2);
    /// ```
    ///
    /// ## Phase
    /// Contract, when nobody wants the old values any more; a column of the new type comes in Expand and is filled in
    /// Backfill.
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, 8.3 Character Types (explicit casts truncate); 8.1.2 Arbitrary Precision Numbers; measured on 12 to 18.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "change-type-loses-data", severity: Severity::Warning, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::SetType { table, column, ty, collation, using } = ddl else { return };
    if ctx.is_fresh(table) || ctx.impact.refused.is_some() {
        return;
    }
    let name = ctx.resolve(table);
    let change = TypeChange { table: &name, column, to: ty, collation: collation.as_ref(), using: using.as_ref() };
    if let Some(loss) = ctx.dialect.type_loss(&change, ctx.before) {
        let message = format!(
            "Values of {table}.{column} change without a word: {loss}. See first whether there are such values, and keep the \
             old column until you are certain"
        );
        acc.report(&RULE, RULE.severity, message);
    }
}
