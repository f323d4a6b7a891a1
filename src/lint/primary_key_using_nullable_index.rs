use super::{
    Rule,
    context::{Context, Findings, sentence},
    fix::{self, Fix, Rewrite},
};
use crate::{
    page::page,
    sql::{Ddl, Ident, Severity},
};

page! {
    /// # Making a PRIMARY KEY of an index over nullable columns
    ///
    /// The index is there, but the columns still have to become NOT NULL: the table is read with everybody locked out.
    ///
    /// ## Why
    /// Make the columns NOT NULL before, by way of a CHECK that is validated without a lock.
    ///
    /// ```sql before
    /// CREATE TABLE logs (id bigint, line text);
    /// CREATE UNIQUE INDEX logs_pkey ON logs (id);
    /// ```
    /// ```sql bad
    /// ALTER TABLE logs ADD CONSTRAINT logs_pkey PRIMARY KEY USING INDEX logs_pkey;
    /// ```
    /// ```sql good
    /// ALTER TABLE logs ADD CONSTRAINT logs_id_present CHECK (id IS NOT NULL) NOT VALID;
    /// ALTER TABLE logs VALIDATE CONSTRAINT logs_id_present;
    /// ALTER TABLE logs ADD CONSTRAINT logs_pkey PRIMARY KEY USING INDEX logs_pkey;
    /// ```
    ///
    /// ## Versions
    /// All; the CHECK helps from 12 on.
    ///
    /// ## Source
    /// Manual, ALTER TABLE, ADD table_constraint_using_index.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "primary-key-using-nullable-index", severity: Severity::Warning, page: PAGE, check, fix };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::AddConstraintUsingIndex { table, primary: true, .. } = ddl else { return };
    if ctx.blocking_scans().is_empty() {
        return;
    }
    let message = format!(
        "{}, because columns of the key are nullable. Make them NOT NULL before, by a CHECK that is validated on its own",
        sentence(&ctx.during("reads every row of", table))
    );
    acc.weigh(ctx, &RULE, table, message);
}

fn fix(ctx: &Context<'_>, ddl: &Ddl) -> Option<Fix> {
    let Ddl::AddConstraintUsingIndex { table, index, .. } = ddl else { return None };
    let known = ctx.table(table)?;
    let key = &ctx.before.indexes.get(&ctx.resolve(table).sibling(index.clone()))?.keys;
    let nullable = |it: &&Ident| known.column(it).is_some_and(|it| !it.not_null);
    let columns: Vec<&Ident> = key.iter().filter_map(|it| it.expr.as_column()).filter(nullable).collect();
    if !ctx.is_single() {
        return Some(Fix::Phases);
    }
    let proofs: Option<Vec<_>> = columns.into_iter().map(|it| fix::proof_of_not_null(ctx, table, it)).collect();
    let (before, after): (Vec<_>, Vec<_>) = proofs?.into_iter().unzip();
    let statements = [before.concat(), vec![ctx.text.to_owned()], after].concat();
    Rewrite::new("Prove that the columns are NOT NULL before").statements(ctx, &statements).apart().fix(ctx)
}
