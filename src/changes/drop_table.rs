//! A table that goes.

use super::{
    Builder, Kind, Outline,
    archive::{self, Fate},
    change_partition,
    pairs::Pairs,
};
use crate::{
    dialect::Probe,
    page::page,
    plan::{
        PhaseKind::{self, *},
        Question,
    },
    sql::{ConstraintKind, Ddl, Name, ObjectRef, Severity},
};

page! {
    /// # Drop a table
    ///
    /// A DROP cannot be taken back, and who still needs a table is often known only when it is gone. So Contract gives it
    /// another name, a tripwire: whoever still asks for it is told at once, nothing is lost, and the way back is a rename. When
    /// nobody has missed it for a release, a second contract phase drops it. The answer `none` drops it at once; `archive`
    /// keeps it under its other name. A partition, whose rows are seen through its parent, is dropped at once.
    ///
    /// A DROP locks not only the table but every table that a foreign key ties it to, so its foreign keys go first, each in a
    /// transaction of its own. No CASCADE: what still depends on the table is dropped by name or stops the plan.
    ///
    /// ```sql before
    /// CREATE TABLE suppliers (id bigint PRIMARY KEY);
    /// CREATE TABLE supplier_notes (id bigint PRIMARY KEY, supplier_id bigint REFERENCES suppliers, note text);
    /// ```
    /// ```sql after
    /// CREATE TABLE suppliers (id bigint PRIMARY KEY);
    /// ```
    /// ```plan
    /// Question: How does supplier_notes go? With a tripwire it has another name for a release, which takes it from whoever still asks for it and loses nothing; then it is dropped. An archive stays under its other name. With none it is dropped at once
    ///   archive:supplier_notes: tripwire | archive | none (assumed tripwire)
    /// Hazard: every row of supplier_notes is lost in the last phase; until then it is supplier_notes__dropped (dropping-table, warning)
    /// Gate: no running instance uses table supplier_notes
    /// Contract: drop table supplier_notes and all its rows
    ///   before: no transaction older than five minutes holds supplier_notes = 0
    ///   ALTER TABLE supplier_notes RENAME TO supplier_notes__dropped
    ///     lock: AccessExclusive on supplier_notes, brief
    ///   after: supplier_notes is gone = t
    ///   undo: ALTER TABLE supplier_notes__dropped RENAME TO supplier_notes
    /// Gate: for a release nobody has asked for supplier_notes: no log tells of a relation that does not exist
    /// Contract, a release later: drop table supplier_notes and all its rows
    ///   before: no transaction older than five minutes holds supplier_notes__dropped = 0
    ///   ALTER TABLE supplier_notes__dropped DROP CONSTRAINT supplier_notes_supplier_id_fkey
    ///     lock: AccessExclusive on supplier_notes__dropped, suppliers, brief
    ///   DROP TABLE supplier_notes__dropped
    ///     lock: AccessExclusive on supplier_notes__dropped, brief
    ///   after: supplier_notes__dropped is gone = t
    ///   undo: CREATE TABLE supplier_notes__dropped ( id bigint NOT NULL, supplier_id bigint, note text, CONSTRAINT supplier_notes_pkey PRIMARY KEY (id) )
    ///   undo: ALTER TABLE supplier_notes__dropped ADD CONSTRAINT supplier_notes_supplier_id_fkey FOREIGN KEY (supplier_id) REFERENCES suppliers (id) NOT VALID
    ///   undo: ALTER TABLE supplier_notes__dropped VALIDATE CONSTRAINT supplier_notes_supplier_id_fkey
    ///   irreversible: every row of supplier_notes__dropped
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropTable {
    name: Name,
    /// Own foreign keys to tables that stay.
    foreign_keys: Vec<(Name, crate::sql::Ident)>,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<DropTable> {
    let gone = pairs.base.tables.values().filter(|it| !pairs.input.after.tables.contains_key(&it.name));
    // Partitions go with their parent.
    let own =
        gone.filter(|it| it.partition_of.as_ref().is_none_or(|of| pairs.input.after.tables.contains_key(&of.parent)));
    // Where a table cannot stop being partitioned in place, nothing is planned for its partitions.
    let divided = |it: &Name| {
        let (old, new) = (pairs.base.table(it), pairs.input.after.table(it));
        old.is_none_or(|old| new.is_some_and(|new| old.partition_by == new.partition_by))
    };
    let own = own.filter(|it| it.partition_of.as_ref().is_none_or(|of| divided(&of.parent)));
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
        vec![archive::table_question(b, &self.name)]
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        acc.gate(Contract, format!("no running instance uses table {}", self.name));
        acc.preflight(Contract, b.dialect(), Probe::LongTransactions(self.name.clone()));
        let of = b.pairs.base.table(&self.name).and_then(|it| it.partition_of.clone());
        if let Some(of) = of.filter(|of| b.after().tables.contains_key(&of.parent)) {
            let (detach, why) = change_partition::detach(b, &of.parent, &self.name);
            acc.step(Contract, detach, why);
        }
        acc.verify(Contract, b.dialect(), Probe::Gone(self.object()));
        let rename = |to: &Name| Ddl::RenameTable { from: self.name.clone(), to: to.name.clone(), if_exists: false };
        match archive::fate(b, &self.name) {
            Fate::Dropped => {
                self.drop(acc, Contract, &self.name);
                let message = format!("every row of {} is lost in Contract", self.name);
                acc.hazard("dropping-table", Severity::Warning, message);
            }
            Fate::Kept => {
                self.drop_keys(acc, Contract, &self.name);
                let kept = archive::name(&self.name);
                let message = format!("{} is kept as {kept}, which the schema files do not have", self.name);
                acc.hazard("dropping-table", Severity::Info, message);
                acc.step(
                    Contract,
                    rename(&kept),
                    "whoever still asks for it is told at once, and the way back is the name",
                );
            }
            Fate::Tripwire => {
                let aside = archive::aside(&self.name);
                acc.step(
                    Contract,
                    rename(&aside),
                    "whoever still asks for it is told at once, and the way back is the name",
                );
                let gate = format!(
                    "for a release nobody has asked for {}: no log tells of a relation that does not exist",
                    self.name
                );
                acc.gate(Retire, gate);
                acc.preflight(Retire, b.dialect(), Probe::LongTransactions(aside.clone()));
                self.drop(acc, Retire, &aside);
                let message = format!("every row of {} is lost in the last phase; until then it is {aside}", self.name);
                acc.hazard("dropping-table", Severity::Warning, message);
                acc.verify(Retire, b.dialect(), Probe::Gone(ObjectRef::Table(aside)));
            }
        }
    }
}

impl DropTable {
    /// `now`: the name it has by then.
    fn drop_keys(&self, acc: &mut Outline, phase: PhaseKind, now: &Name) {
        for (_, name) in &self.foreign_keys {
            let drop = Ddl::DropConstraint { table: now.clone(), name: name.clone(), if_exists: false, cascade: false };
            acc.step(phase, drop, "dropped alone, so that the table it points at is locked for a moment only");
        }
    }

    fn drop(&self, acc: &mut Outline, phase: PhaseKind, now: &Name) {
        self.drop_keys(acc, phase, now);
        let drop = Ddl::DropTable { name: now.clone(), if_exists: false, cascade: false };
        acc.step(phase, drop, "nobody uses it any more");
    }
}
