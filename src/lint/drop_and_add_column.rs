use super::{
    Rule,
    context::{Context, Findings},
};
use crate::{
    page::page,
    sql::{Ddl, Severity},
};

page! {
    /// # A column that is dropped and one like it that is added
    ///
    /// If a rename was meant, the values are lost: a comparison of two schemas cannot tell a rename from a drop and an add,
    /// and generators write the latter.
    ///
    /// ## Why
    /// Ask whoever wrote it. For a rename add the column, keep both equal by a trigger, copy the rows in batches, and drop the
    /// old one in a later release.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, mail text, name text);
    /// ```
    /// ```sql bad
    /// ALTER TABLE users DROP COLUMN mail, ADD COLUMN email text;
    /// ```
    /// ```sql good
    /// ALTER TABLE users ADD COLUMN email text;
    /// UPDATE users SET email = mail WHERE id <= 1000;
    /// ```
    ///
    /// ## Phase
    /// Contract for the drop, when no running instance reads or writes the old column; the new one comes in Expand.
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, ALTER TABLE; the same question is asked by `lockkeeper plan`.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "drop-and-add-column", severity: Severity::Warning, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let Ddl::DropColumn { table, column, .. } = ddl else { return };
    let Some(dropped) = ctx.table(table).and_then(|it| it.column(column)) else { return };
    let name = ctx.resolve(table);
    let of_table = |it: &crate::sql::Name| ctx.resolve(it) == name;
    // Rows that are copied in the same file are not lost.
    let copied = ctx.whole_file().any(|it| match it {
        Ddl::Data(it) => it.verb == "UPDATE" && it.target.as_ref().is_some_and(of_table),
        Ddl::RenameColumn { table, .. } => of_table(table),
        _ => false,
    });
    let added = ctx.whole_file().find_map(|it| match it {
        Ddl::AddColumn { table, column: added, .. }
            if of_table(table) && added.ty == dropped.ty && added.name != *column && added.generated.is_none() =>
        {
            Some(&added.name)
        }
        _ => None,
    });
    let Some(added) = added.filter(|_| !copied && !ctx.is_fresh(table)) else { return };
    let message = format!(
        "{column} goes and {added} comes, both {}: if a rename of {table}.{column} was meant, its values are lost here. Copy \
         them first, and drop {column} in a later release",
        dropped.ty
    );
    acc.report(&RULE, RULE.severity, message);
}
