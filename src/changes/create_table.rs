//! A table that is new.

use std::collections::BTreeSet;

use petgraph::{algo::tarjan_scc, graphmap::DiGraphMap};

use super::{Builder, Kind, Outline, build, change_partition, pairs::Pairs};
use crate::{
    page::page,
    plan::PhaseKind::*,
    sql::{Constraint, ConstraintKind, Ddl, Name, ObjectRef, Table},
};

page! {
    /// # Create a table
    ///
    /// Nobody waits for a table that is not there yet. A foreign key in it does lock the table it points at against
    /// writes for a moment (SHARE ROW EXCLUSIVE). Foreign keys that point at each other are added when both tables stand.
    ///
    /// ```sql before
    /// CREATE TABLE suppliers (id bigint PRIMARY KEY);
    /// ```
    /// ```sql after
    /// CREATE TABLE suppliers (id bigint PRIMARY KEY);
    /// CREATE TABLE audits (id bigint PRIMARY KEY, supplier_id bigint NOT NULL REFERENCES suppliers, passed boolean);
    /// CREATE INDEX audits_supplier_id_idx ON audits (supplier_id);
    /// ```
    /// ```plan
    /// Expand: create table audits; create index audits_supplier_id_idx on audits
    ///   CREATE TABLE audits ( id bigint NOT NULL, supplier_id bigint NOT NULL, passed boolean, CONSTRAINT audits_pkey PRIMARY KEY (id), CONSTRAINT audits_supplier_id_fkey FOREIGN KEY (supplier_id) REFERENCES suppliers (id) )
    ///     lock: ShareRowExclusive on suppliers, brief
    ///   CREATE INDEX audits_supplier_id_idx ON audits (supplier_id)
    ///     with the step above
    ///     lock: Share on audits
    ///   after: audits is there = t
    ///   undo: DROP INDEX IF EXISTS audits_supplier_id_idx
    ///   undo: DROP TABLE audits
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTable {
    table: Table,
    /// Foreign keys of a cycle: added when all its tables stand.
    late: Vec<Constraint>,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<CreateTable> {
    let after = pairs.input.after;
    let new: Vec<&Table> =
        after.tables.values().filter(|it| !pairs.base.tables.contains_key(&it.name)).map(|it| &**it).collect();
    let cyclic = cyclic(&new);
    let split = |table: &&Table| {
        let (late, own) = table.constraints.iter().cloned().partition(|it| match &it.kind {
            ConstraintKind::ForeignKey(fk) => {
                fk.references != table.name && cyclic.contains(&(table.name.clone(), fk.references.clone()))
            }
            _ => false,
        });
        CreateTable { table: Table { constraints: own, ..(*table).clone() }, late }
    };
    new.iter().map(split).collect()
}

/// References between new tables that lie on a cycle.
fn cyclic(new: &[&Table]) -> BTreeSet<(Name, Name)> {
    let at = |name: &Name| new.iter().position(|it| it.name == *name);
    let mut graph = DiGraphMap::<usize, ()>::new();
    for (from, table) in new.iter().enumerate() {
        for constraint in &table.constraints {
            if let ConstraintKind::ForeignKey(fk) = &constraint.kind
                && let Some(to) = at(&fk.references)
            {
                graph.add_edge(from, to, ());
            }
        }
    }
    let components = tarjan_scc(&graph);
    let together = |a: usize, b: usize| a != b && components.iter().any(|it| it.contains(&a) && it.contains(&b));
    graph
        .all_edges()
        .filter(|(a, b, ())| together(*a, *b))
        .map(|(a, b, ())| (new[a].name.clone(), new[b].name.clone()))
        .collect()
}

impl Kind for CreateTable {
    fn kind(&self) -> &'static str {
        "create_table"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Table(self.table.name.clone())
    }

    fn describe(&self) -> String {
        format!("create table {}", self.table.name)
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        let name = &self.table.name;
        let create = |table: Table| {
            let table = super::recreate::bare(b.after(), table);
            Ddl::CreateTable { table: Box::new(table), if_not_exists: false, likes: Vec::new() }
        };
        match self.table.partition_of.clone().filter(|of| !b.is_new(&of.parent)) {
            Some(of) => {
                // CREATE TABLE … PARTITION OF locks the parent against everybody, ATTACH only against schema changes.
                acc.step(
                    Expand,
                    create(Table { partition_of: None, ..self.table.clone() }),
                    "a table of its own at first; nobody uses it yet",
                );
                change_partition::attach(b, acc, Expand, name, &of, None);
            }
            None => {
                acc.step(Expand, create(self.table.clone()), "a new table; nobody uses it yet");
            }
        }
        for constraint in &self.late {
            let add = Ddl::AddConstraint { table: name.clone(), constraint: Box::new(constraint.clone()) };
            acc.step(Expand, add, "the tables of a cycle point at each other once they all stand");
        }
        for column in &self.table.columns {
            for ddl in build::column_settings(name, column) {
                acc.step(Expand, ddl, "as the schema sets it");
            }
        }
        for ddl in super::change_table_settings::beyond_create(&self.table) {
            acc.step(Expand, ddl, "as the schema sets it");
        }
        acc.verify(Expand, b.dialect(), crate::dialect::Probe::Exists(self.object()));
    }
}
