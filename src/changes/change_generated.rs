//! How a column is generated.

use super::{Builder, Kind, Outline, pairs::Pairs};
use crate::{
    page::page,
    plan::{Action, PhaseKind::*, Undo},
    sql::{Column, Ddl, Name, ObjectRef, Severity},
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
    ///   irreversible: every value of lines.twice
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
    let changed = pairs.single_columns().filter(|(_, it)| it.before.generated != it.after.generated);
    changed
        .map(|(pair, it)| ChangeGenerated {
            table: pair.after.name.clone(),
            before: it.before.clone(),
            after: it.after.clone(),
        })
        .collect()
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
        let drop = Ddl::DropColumn { table: table.clone(), column: column.clone(), if_exists: false, cascade: false };
        acc.grouped(Contract, &group, drop, "its values follow from other columns");
        for action in self.again(&self.after).into_iter().skip(1) {
            if let Action::Ddl(ddl) = action {
                acc.grouped(Contract, &group, ddl, "computed anew");
            }
        }
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
