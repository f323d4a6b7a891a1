//! What is dropped can be kept aside: offered as a question, done when the answer says so.
//!
//! Without an answer nothing is kept: the files ask for a schema in which it is gone, and a plan leads there. What is
//! kept stands in a table that the files do not know; who wants to be rid of it drops it.

use super::{
    Builder, Outline, build, intent,
    pairs::{Pairs, parents},
};
use crate::{
    plan::{Action, Backfill, PhaseKind, Question, helper_name},
    sql::*,
};

const KEEP: &str = "archive";
const NONE: &str = "none";
const TRIPWIRE: &str = "tripwire";

/// How a table goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// At once.
    Dropped,
    /// Renamed, and dropped a release later.
    Tripwire,
    /// Renamed, for good.
    Kept,
}

/// The question how a table goes.
pub fn table_question(b: &Builder<'_>, table: &Name) -> Question {
    let object = ObjectRef::Table(table.clone());
    if !can_trip(b.pairs, table) {
        return question(b, &object);
    }
    let about = format!(
        "How does {table} go? With a tripwire it has another name for a release, which takes it from whoever still asks for it and loses nothing; then it is dropped. An archive stays under its other name. With none it is dropped at once"
    );
    let choices = vec![TRIPWIRE.into(), KEEP.into(), NONE.into()];
    intent::question(b.pairs, (format!("archive:{object}"), about), vec![object], choices, TRIPWIRE)
}

pub fn fate(b: &Builder<'_>, table: &Name) -> Fate {
    match table_question(b, table).assumed.as_str() {
        KEEP => Fate::Kept,
        TRIPWIRE => Fate::Tripwire,
        _ => Fate::Dropped,
    }
}

/// Rows of a partition or an heir are seen through its parent, under whichever name.
fn can_trip(pairs: &Pairs<'_>, table: &Name) -> bool {
    let Some(it) = pairs.base.table(table) else { return false };
    let family = parents(it).next().is_some() || pairs.base.tables.values().any(|it| parents(it).any(|of| of == table));
    let taken = build::relation_exists(&pairs.base, &aside(table))
        || build::relation_exists(pairs.input.after, &aside(table))
        || pairs.input.after.views.contains_key(table);
    !family && !taken && it.persistence != Persistence::Temporary
}

/// The name of a dropped table until it goes for good.
pub fn aside(table: &Name) -> Name {
    table.sibling(helper_name(table.name.as_str(), &["", "dropped"]))
}

/// The question for a dropped table or column.
pub fn question(b: &Builder<'_>, object: &ObjectRef) -> Question {
    let about =
        format!("Keep a copy of {object} when it is dropped? Without one, only a backup brings back what it held");
    let choices = vec![NONE.into(), KEEP.into()];
    intent::question(b.pairs, (format!("archive:{object}"), about), vec![object.clone()], choices, NONE)
}

pub fn wanted(b: &Builder<'_>, object: &ObjectRef) -> bool {
    question(b, object).assumed == KEEP
}

/// The name of the table that keeps a dropped table.
pub fn name(table: &Name) -> Name {
    table.sibling(helper_name(table.name.as_str(), &["", KEEP]))
}

/// A copy of the values of a column, by the table's key.
pub struct ColumnArchive {
    table: Name,
    column: Column,
    archive: Table,
    key: Vec<(Ident, DataType)>,
}

impl ColumnArchive {
    /// `None`: without a key the values would not find their rows again; a generated column is computed again, and an
    /// identity numbers its rows itself.
    pub fn new(b: &Builder<'_>, table: &Name, column: &Column) -> Option<Self> {
        let key = b.backfill(table, Vec::new(), String::new()).key;
        let partitioned = b.pairs.base.table(table)?.partition_by.is_some();
        if key.is_empty() || partitioned || column.generated.is_some() || column.identity.is_some() {
            return None;
        }
        if key.iter().any(|(it, _)| *it == column.name) {
            return None;
        }
        let name = table.sibling(helper_name(table.name.as_str(), &["", column.name.as_str(), KEEP]));
        let mut archive = Table::new(name);
        for (it, ty) in &key {
            archive.columns.push(Column { not_null: true, ..Column::new(it.clone(), ty.clone()) });
        }
        archive.columns.push(Column::new(column.name.clone(), column.ty.clone()));
        let columns = key.iter().map(|it| it.0.clone()).collect();
        let primary = KeyConstraint::on(columns);
        let own = helper_name(archive.name.name.as_str(), &["pkey"]);
        archive.constraints.push(Constraint::new(Some(own), ConstraintKind::PrimaryKey(primary)));
        Some(Self { table: table.clone(), column: column.clone(), archive, key })
    }

    /// The table that keeps them.
    pub fn place(&self) -> &Name {
        &self.archive.name
    }

    /// The table is made and filled in one transaction, which locks nobody out.
    pub fn fill(&self, b: &Builder<'_>, acc: &mut Outline) {
        let d = b.dialect();
        let group = format!("archive:{}.{}", self.table, self.column.name);
        let create =
            Ddl::CreateTable { table: Box::new(self.archive.clone()), if_not_exists: false, likes: Vec::new() };
        acc.grouped(PhaseKind::Contract, &group, create, format!("keeps the values of {}", self.column.name));
        let columns: Vec<String> = self.archive.columns.iter().map(|it| d.quote(&it.name).into_owned()).collect();
        let columns = columns.join(", ");
        let copy = format!(
            "INSERT INTO {} ({columns}) SELECT {columns} FROM {}",
            d.quote_name(&self.archive.name),
            d.quote_name(&self.table)
        );
        acc.data(PhaseKind::Contract, super::Tx::Group(group), copy, "nobody writes the column any more");
    }

    /// The values go back to the rows that are still there.
    pub fn restore(&self, b: &Builder<'_>) -> Action {
        let d = b.dialect();
        let from = d.quote_name(&self.archive.name);
        let column = d.quote(&self.column.name);
        let same: Vec<String> = self.key.iter().map(|(it, _)| format!("a.{0} = t.{0}", d.quote(it))).collect();
        let same = same.join(" AND ");
        let value = format!("(SELECT a.{column} FROM {from} AS a WHERE {same})");
        let pending = format!(
            "EXISTS (SELECT FROM {from} AS a WHERE {same} AND a.{column}::text IS DISTINCT FROM t.{column}::text)"
        );
        let fill: Backfill = b.backfill_after(&self.table, vec![(self.column.name.clone(), value)], pending);
        Action::Backfill(fill)
    }
}
