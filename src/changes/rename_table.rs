//! A table under a new name or in another schema.

use std::collections::BTreeSet;

use super::{Builder, Kind, Outline, build, pairs::Pairs};
use crate::{
    dialect::Probe,
    page::page,
    plan::PhaseKind::*,
    sql::{Ddl, Expr, Name, ObjectRef, Options, View},
};

page! {
    /// # Rename a table
    ///
    /// One transaction renames the table and puts a view under the old name. Through the view old code goes on to read,
    /// insert, update and delete; TRUNCATE, COPY into it, `ON CONFLICT ON CONSTRAINT` and foreign keys to it do
    /// not work. When no running code uses the old name, the view goes.
    ///
    /// ```sql before
    /// CREATE TABLE parcels (id bigint PRIMARY KEY, weight_kg numeric);
    /// ```
    /// ```sql after
    /// -- @renamed from=parcels
    /// CREATE TABLE shipments (id bigint PRIMARY KEY, weight_kg numeric);
    /// ```
    /// ```plan
    /// Expand: rename table parcels to shipments
    ///   ALTER TABLE parcels RENAME TO shipments
    ///     lock: AccessExclusive on parcels, brief
    ///   CREATE VIEW parcels AS SELECT id, weight_kg FROM shipments
    ///     with the step above
    ///     lock: AccessShare on shipments
    ///   after: shipments is there = t
    ///   undo: DROP VIEW parcels
    ///   undo: ALTER TABLE shipments RENAME TO parcels
    /// Gate: no running instance uses the name parcels
    /// Contract: rename table parcels to shipments; rename constraint parcels_pkey of shipments to shipments_pkey
    ///   DROP VIEW parcels
    ///     lock: AccessExclusive on parcels, brief
    ///   ALTER TABLE shipments RENAME CONSTRAINT parcels_pkey TO shipments_pkey
    ///     with the step above
    ///     lock: AccessExclusive on shipments, brief
    ///   undo: ALTER TABLE shipments RENAME CONSTRAINT shipments_pkey TO parcels_pkey
    ///   undo: CREATE VIEW parcels AS SELECT id, weight_kg FROM shipments
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenameTable {
    from: Name,
    to: Name,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<RenameTable> {
    pairs.renamed_tables.iter().map(|(from, to)| RenameTable { from: from.clone(), to: to.clone() }).collect()
}

impl RenameTable {
    /// A view with the columns that old code knows.
    fn compatible(&self, b: &Builder<'_>) -> Option<View> {
        let table = b.pairs.input.before.table(&self.from)?;
        let columns: Vec<String> = table.columns.iter().map(|it| b.dialect().quote(&it.name).into_owned()).collect();
        let text = format!("SELECT {} FROM {}", columns.join(", "), b.dialect().quote_name(&self.to));
        let query: Expr = b.dialect().query(&text);
        let mut options = Options::new();
        if table.row_security.enabled && b.pairs.input.facts.server_version >= 15 {
            options.insert("security_invoker".into(), "true".into());
        }
        Some(View {
            name: self.from.clone(),
            materialized: false,
            columns: Vec::new(),
            query,
            options,
            recursive: false,
            temporary: false,
            with_data: true,
            tablespace: None,
            access_method: None,
            reads: BTreeSet::from([self.to.clone()]),
            calls: BTreeSet::new(),
            owner: None,
        })
    }
}

impl Kind for RenameTable {
    fn kind(&self) -> &'static str {
        "rename_table"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Table(self.to.clone())
    }

    fn describe(&self) -> String {
        format!("rename table {} to {}", self.from, self.to)
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        let group = format!("rename:{}", self.to);
        let mut now = self.from.clone();
        if self.from.schema != self.to.schema
            && let Some(schema) = &self.to.schema
        {
            let set = Ddl::SetTableSchema { name: now.clone(), schema: schema.clone() };
            acc.grouped(Expand, &group, set, "only the catalog changes");
            now.schema = Some(schema.clone());
        }
        if now.name != self.to.name {
            let rename = Ddl::RenameTable { from: now, to: self.to.name.clone(), if_exists: false };
            acc.grouped(Expand, &group, rename, "only the catalog changes");
        }
        if let Some(view) = self.compatible(b) {
            let name = view.name.clone();
            let create = Ddl::CreateView { view: Box::new(view), or_replace: false, if_not_exists: false };
            acc.grouped(Expand, &group, create, "old code goes on under the old name");
            for privilege in
                b.pairs.input.before.privileges.iter().filter(|it| it.object == ObjectRef::Table(self.from.clone()))
            {
                let privilege = crate::sql::Privilege { object: ObjectRef::View(name.clone()), ..privilege.clone() };
                acc.grouped(Expand, &group, build::grant(&privilege), "who may use the table may use the view");
            }
            acc.gate(Contract, format!("no running instance uses the name {}", self.from));
            let drop = Ddl::DropView { name, materialized: false, if_exists: false, cascade: false };
            acc.step(Contract, drop, "nobody uses the old name any more");
        }
        acc.verify(Expand, b.dialect(), Probe::Exists(self.object()));
    }
}
