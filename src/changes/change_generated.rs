//! How a column is generated.

use super::{
    Builder, Kind, Outline, build,
    pairs::{Pairs, TablePair},
    rebuilt::{constraint_mentions, index_mentions},
    recreate,
};
use crate::{
    catalog::Catalog,
    page::page,
    plan::{
        Action,
        PhaseKind::{self, *},
        Undo,
    },
    sql::{Column, Ddl, Ident, Name, ObjectRef, Severity, tokens::mentions_column},
};

page! {
    /// # Change a generated column
    ///
    /// The values are computed anew for every row, under lock: PostgreSQL 17+ with SET EXPRESSION, before that by dropping and
    /// adding the column. A generated column becomes a plain one in a moment (DROP EXPRESSION); the other way round it is
    /// dropped and added.
    ///
    /// ```sql before
    /// CREATE TABLE lines (id bigint PRIMARY KEY, n integer, twice integer GENERATED ALWAYS AS (n * 2) STORED);
    /// ```
    /// ```sql after
    /// CREATE TABLE lines (id bigint PRIMARY KEY, n integer, twice integer GENERATED ALWAYS AS (n + n) STORED);
    /// ```
    /// ```plan
    /// Hazard: lines.twice is computed for every row of lines while nobody can read it (generated-column-rewrites, error)
    /// Gate: lines can be unavailable while twice is computed
    /// Contract: change how lines.twice is generated
    ///   ALTER TABLE lines DROP COLUMN twice
    ///     lock: AccessExclusive on lines, brief
    ///   ALTER TABLE lines ADD COLUMN twice integer GENERATED ALWAYS AS (n + n) STORED
    ///     with the step above
    ///     lock: AccessExclusive on lines, writes every row anew
    ///   undo: ALTER TABLE lines DROP COLUMN twice
    ///   undo: ALTER TABLE lines ADD COLUMN twice integer GENERATED ALWAYS AS (n * 2) STORED
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeGenerated {
    table: Name,
    before: Column,
    after: Column,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<ChangeGenerated> {
    let changed = pairs.single_columns().filter(|(pair, it)| {
        it.before.generated != it.after.generated
            && !with_its_base(pairs, pair, &it.before)
            && !pair.inherited(&it.after.name, pairs)
    });
    changed
        .map(|(pair, it)| ChangeGenerated {
            table: pair.after.name.clone(),
            before: it.before.clone(),
            after: it.after.clone(),
        })
        .collect()
}

/// A generated column over one whose type changes in place: it goes and comes back in that change.
pub(super) fn with_its_base(pairs: &Pairs<'_>, pair: &TablePair, column: &Column) -> bool {
    let retyped = pair.columns.iter().filter(|it| it.dual.is_none() && it.before.ty != it.after.ty);
    let mut computed = retyped.flat_map(|base| over(pairs, &pair.after.name, &base.after.name));
    column.generated.is_some() && computed.any(|(old, _)| old.name == column.name)
}

/// Generated columns (before, after) that are computed from a column: its type cannot change under them.
pub(super) fn over(pairs: &Pairs<'_>, table: &Name, column: &Ident) -> Vec<(Column, Column)> {
    let Some(pair) = pairs.pair(table) else { return Vec::new() };
    let computed = pair.columns.iter().filter(|it| it.after.generated.is_some() && it.before.name == it.after.name);
    let from =
        computed.filter(|it| it.before.generated.as_ref().is_some_and(|it| mentions_column(it.expr.text(), column)));
    from.map(|it| (it.before.clone(), it.after.clone())).collect()
}

/// Takes a generated column away for a moment; the way back computes it again.
pub(super) fn drop(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, group: &str, table: &Name, column: &Column) {
    let drop = Ddl::DropColumn { table: table.clone(), column: column.name.clone(), if_exists: false, cascade: false };
    let back = definition(b, &b.pairs.base, table, column).into_iter().map(Action::Ddl).collect();
    acc.grouped(phase, group, drop, "its values follow from other columns").undo(Undo::By(back));
}

pub(super) fn add(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, group: &str, table: &Name, column: &Column) {
    for (i, ddl) in definition(b, b.after(), table, column).into_iter().enumerate() {
        let draft = acc.grouped(phase, group, ddl, "computed anew");
        // The rest goes with the column.
        if i > 0 {
            draft.undo(Undo::Nothing);
        }
    }
}

/// The column with what goes when it goes: indexes, constraints, comment.
fn definition(b: &Builder<'_>, catalog: &Catalog, table: &Name, column: &Column) -> Vec<Ddl> {
    let plain =
        Column { storage: None, compression: None, statistics: None, options: Default::default(), ..column.clone() };
    let mut res = vec![Ddl::AddColumn {
        table: table.clone(),
        column: Box::new(plain),
        constraints: Vec::new(),
        if_not_exists: false,
    }];
    res.extend(build::column_settings(table, column));
    for of in [table.clone()].into_iter().chain(catalog.descendants(table)).filter(|it| !b.is_new(it)) {
        let indexes = catalog.indexes_of(&of).filter(|it| index_mentions(it, &column.name) && it.attached_to.is_none());
        for index in indexes {
            res.push(Ddl::CreateIndex {
                index: Box::new((**index).clone()),
                concurrently: false,
                if_not_exists: false,
            });
            res.extend(index.name.clone().and_then(|it| recreate::comment(catalog, &ObjectRef::Index(it))));
        }
        let own = catalog.table(&of).into_iter().flat_map(|it| recreate::own_constraints(catalog, it));
        for it in own.filter(|it| constraint_mentions(it, &column.name)) {
            res.push(Ddl::AddConstraint { table: of.clone(), constraint: Box::new(it.clone()) });
            let name = it.name.clone().unwrap_or_default();
            res.extend(recreate::comment(catalog, &ObjectRef::Constraint(of.clone(), name)));
        }
    }
    res.extend(recreate::comment(catalog, &ObjectRef::Column(table.clone(), column.name.clone())));
    res
}

impl Kind for ChangeGenerated {
    fn kind(&self) -> &'static str {
        "change_generated"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Column(self.table.clone(), self.after.name.clone())
    }

    fn describe(&self) -> String {
        format!("change how {}.{} is generated", self.table, self.after.name)
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        let (table, column) = (self.table.clone(), self.after.name.clone());
        if let (Some(_), None) = (&self.before.generated, &self.after.generated)
            && self.before.ty == self.after.ty
            && self.before.generated.as_ref().is_some_and(|it| it.stored)
        {
            let undo = self.again(&self.before);
            acc.step(
                Expand,
                Ddl::DropExpression { table, column, if_exists: false },
                "the values stay; from now on writers set them",
            )
            .undo(Undo::By(undo));
            return;
        }
        let virtual_now = |it: &Column| it.generated.as_ref().is_some_and(|it| !it.stored);
        if !(virtual_now(&self.before) && virtual_now(&self.after)) {
            let message = format!("{table}.{column} is computed for every row of {table} while nobody can read it");
            acc.hazard("generated-column-rewrites", Severity::Error, message);
        }
        acc.gate(Contract, format!("{table} can be unavailable while {column} is computed"));
        let group = format!("generated:{table}.{column}");
        let followers = b.followers(&[(table.clone(), column.clone())]);
        followers.drop(acc, Contract, &group);
        match self.before.generated {
            Some(_) => self::drop(b, acc, Contract, &group, &table, &self.before),
            None => {
                let drop =
                    Ddl::DropColumn { table: table.clone(), column: column.clone(), if_exists: false, cascade: false };
                let back = definition(b, &b.pairs.base, &table, &self.before).into_iter().map(Action::Ddl).collect();
                acc.grouped(Contract, &group, drop, "its values will follow from other columns")
                    .undo(Undo::Loses { actions: back, lost: format!("every value of {table}.{column}") });
            }
        }
        add(b, acc, Contract, &group, &table, &self.after);
        followers.create(acc, Contract, &group);
    }
}

impl ChangeGenerated {
    /// Drops the column and adds it as given.
    fn again(&self, column: &Column) -> Vec<Action> {
        let table = self.table.clone();
        let drop =
            Ddl::DropColumn { table: table.clone(), column: column.name.clone(), if_exists: false, cascade: false };
        let add =
            Ddl::AddColumn { table, column: Box::new(column.clone()), constraints: Vec::new(), if_not_exists: false };
        vec![Action::Ddl(drop), Action::Ddl(add)]
    }
}
