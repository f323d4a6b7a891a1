use super::{
    Rule,
    context::{Context, Findings},
};
use crate::{
    page::page,
    sql::{Constraint, ConstraintKind, Ddl, Ident, Index, KeyConstraint, Name, Severity, Table},
};

page! {
    /// # A foreign key whose columns have no index
    ///
    /// Every DELETE and every UPDATE of a key in the referenced table looks for rows that point at it: without an index it
    /// reads the whole referencing table, once per row.
    ///
    /// ## Why
    /// The server makes an index for the referenced side only. On a busy parent a missing one shows up as slow DELETEs, and
    /// as row locks held much longer.
    ///
    /// ```sql before
    /// CREATE TABLE teams (id bigint PRIMARY KEY);
    /// CREATE TABLE users (id bigint PRIMARY KEY, team_id bigint);
    /// CREATE TABLE notes (id bigint PRIMARY KEY, team_id bigint);
    /// CREATE INDEX notes_team_id ON notes (team_id);
    /// ```
    /// ```sql bad
    /// ALTER TABLE users ADD CONSTRAINT users_team FOREIGN KEY (team_id) REFERENCES teams (id) NOT VALID;
    /// ```
    /// ```sql good
    /// ALTER TABLE notes ADD CONSTRAINT notes_team FOREIGN KEY (team_id) REFERENCES teams (id) NOT VALID;
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, 5.5.5 Foreign Keys: "it is often a good idea to index the referencing columns".
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "foreign-key-without-index", severity: Severity::Info, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let (table, constraints, made): (&Name, &[Constraint], Option<&Table>) = match ddl {
        Ddl::AddConstraint { table, constraint } => (table, std::slice::from_ref(&**constraint), None),
        Ddl::AddColumn { table, constraints, .. } => (table, constraints, None),
        // A partition has the indexes of its parent, LIKE copies some: what is not written here is not known here.
        Ddl::CreateTable { table, likes, .. } if table.partition_of.is_none() && likes.is_empty() => {
            (&table.name, &table.constraints, Some(table))
        }
        _ => return,
    };
    for constraint in constraints {
        let ConstraintKind::ForeignKey(fk) = &constraint.kind else { continue };
        if covered(ctx, table, made, &fk.columns) || ctx.table(table).is_none() && made.is_none() {
            continue;
        }
        let message = format!(
            "No index of {} begins with {}: every DELETE in {}, and every UPDATE of its key, reads the whole table for each \
             row. Create one{}",
            ctx.sized(table),
            fk.columns.iter().map(Ident::as_str).collect::<Vec<_>>().join(", "),
            fk.references,
            if made.is_some() || ctx.is_fresh(table) { "" } else { ", CONCURRENTLY, before the foreign key" }
        );
        acc.report(&RULE, RULE.severity, message);
    }
}

/// Some index, there already or made later in the file, has the columns first, in any order.
fn covered(ctx: &Context<'_>, table: &Name, made: Option<&Table>, columns: &[Ident]) -> bool {
    let leads =
        |keys: &[Ident]| keys.len() >= columns.len() && keys.iter().take(columns.len()).all(|it| columns.contains(it));
    let by_key = |it: &Constraint| match &it.kind {
        ConstraintKind::PrimaryKey(KeyConstraint { columns: keys, .. })
        | ConstraintKind::Unique(KeyConstraint { columns: keys, .. }) => leads(keys),
        _ => false,
    };
    let by_index = |it: &Index| {
        let keys: Vec<Ident> = it.keys.iter().map_while(|it| it.expr.as_column().cloned()).collect();
        it.predicate.is_none() && leads(&keys)
    };
    let name = ctx.resolve(table);
    let known = ctx.table(table).or(made);
    known.is_some_and(|it| it.constraints.iter().any(by_key))
        || ctx.before.indexes_of(&name).any(|it| by_index(it))
        || ctx.later_keys(&name.name).any(|it| match it {
            Ddl::CreateIndex { index, .. } => ctx.resolve(&index.table) == name && by_index(index),
            Ddl::AddConstraint { table, constraint } => ctx.resolve(table) == name && by_key(constraint),
            _ => false,
        })
}
