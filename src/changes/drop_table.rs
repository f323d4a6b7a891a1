//! A table that goes.

use super::{Builder, Kind, Outline, archive, pairs::Pairs};
use crate::{
    dialect::Probe,
    page::page,
    plan::{PhaseKind::*, Question},
    sql::{ConstraintKind, Ddl, Name, ObjectRef, Severity},
};

page! {
    /// # Drop a table
    ///
    /// The table goes in Contract, when no running code knows it. A DROP locks not only the table but every table that
    /// a foreign key ties it to, so its foreign keys go first, each in a transaction of its own. No CASCADE:
    /// what still depends on the table is dropped by name or stops the plan.
    ///
    /// A DROP cannot be taken back. The answer `archive` keeps the table under another name instead: whoever still asks
    /// for it fails at once and the way back is a rename. Drop the copy when nobody has missed it for a release.
    ///
    /// ```sql before
    /// CREATE TABLE suppliers (id bigint PRIMARY KEY);
    /// CREATE TABLE supplier_notes (id bigint PRIMARY KEY, supplier_id bigint REFERENCES suppliers, note text);
    /// ```
    /// ```sql after
    /// CREATE TABLE suppliers (id bigint PRIMARY KEY);
    /// ```
    /// ```plan
    /// Question: Keep a copy of supplier_notes when it is dropped? Without one, only a backup brings back what it held
    ///   archive:supplier_notes: none | archive (assumed none)
    /// Hazard: every row of supplier_notes is lost in Contract (dropping-table, warning)
    /// Gate: no running instance uses table supplier_notes
    /// Contract: drop table supplier_notes and all its rows
    ///   before: no transaction older than five minutes holds supplier_notes = 0
    ///   ALTER TABLE supplier_notes DROP CONSTRAINT supplier_notes_supplier_id_fkey
    ///     lock: AccessExclusive on supplier_notes, suppliers, brief
    ///   DROP TABLE supplier_notes
    ///     lock: AccessExclusive on supplier_notes, brief
    ///   after: supplier_notes is gone = t
    ///   undo: CREATE TABLE supplier_notes ( id bigint NOT NULL, supplier_id bigint, note text, CONSTRAINT supplier_notes_pkey PRIMARY KEY (id) )
    ///   undo: ALTER TABLE supplier_notes ADD CONSTRAINT supplier_notes_supplier_id_fkey FOREIGN KEY (supplier_id) REFERENCES suppliers (id) NOT VALID
    ///   undo: ALTER TABLE supplier_notes VALIDATE CONSTRAINT supplier_notes_supplier_id_fkey
    ///   irreversible: every row of supplier_notes
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropTable {
    name: Name,
    /// Own foreign keys to tables that stay, and those of others that point here.
    foreign_keys: Vec<(Name, crate::sql::Ident)>,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<DropTable> {
    let gone = pairs.base.tables.values().filter(|it| !pairs.input.after.tables.contains_key(&it.name));
    // Partitions go with their parent.
    let own =
        gone.filter(|it| it.partition_of.as_ref().is_none_or(|of| pairs.input.after.tables.contains_key(&of.parent)));
    own.map(|table| {
        let own = table.constraints.iter().filter(|it| match &it.kind {
            ConstraintKind::ForeignKey(fk) => fk.references != table.name,
            _ => false,
        });
        let own = own.filter_map(|it| Some((table.name.clone(), it.name.clone()?)));
        // A partition's foreign keys belong to its parent.
        let foreign_keys = if table.partition_of.is_some() { Vec::new() } else { own.collect() };
        DropTable { name: table.name.clone(), foreign_keys }
    })
    .collect()
}

impl Kind for DropTable {
    fn kind(&self) -> &'static str {
        "drop_table"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Table(self.name.clone())
    }

    fn describe(&self) -> String {
        format!("drop table {} and all its rows", self.name)
    }

    fn destructive(&self) -> bool {
        true
    }

    fn questions(&self, b: &Builder<'_>) -> Vec<Question> {
        vec![archive::question(b, &self.object())]
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        acc.gate(Contract, format!("no running instance uses table {}", self.name));
        acc.preflight(Contract, b.dialect(), Probe::LongTransactions(self.name.clone()));
        for (table, name) in &self.foreign_keys {
            let drop =
                Ddl::DropConstraint { table: table.clone(), name: name.clone(), if_exists: false, cascade: false };
            acc.step(Contract, drop, "dropped alone, so that the table it points at is locked for a moment only");
        }
        if archive::wanted(b, &self.object()) {
            let kept = archive::name(&self.name);
            let message = format!("{} is kept as {kept}, which the schema files do not have", self.name);
            acc.hazard("dropping-table", Severity::Info, message);
            let rename = Ddl::RenameTable { from: self.name.clone(), to: kept.name, if_exists: false };
            acc.step(Contract, rename, "whoever still asks for it is told at once, and the way back is the name");
        } else {
            let drop = Ddl::DropTable { name: self.name.clone(), if_exists: false, cascade: false };
            acc.step(Contract, drop, "nobody uses it any more");
            acc.hazard("dropping-table", Severity::Warning, format!("every row of {} is lost in Contract", self.name));
        }
        acc.verify(Contract, b.dialect(), Probe::Gone(self.object()));
    }
}
