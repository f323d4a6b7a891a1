//! A column under a new name.

use super::{
    Builder, Kind, Outline,
    dual::{self, Dual},
    pairs::Pairs,
};
use crate::{
    page::page,
    plan::PhaseKind::*,
    sql::{Column, Ddl, Ident, Name, ObjectRef, Severity},
};

page! {
    /// # Rename a column
    ///
    /// Running code asks for the old name and fails the moment a RENAME commits. So the new column is put beside the old
    /// one; a trigger carries every write, of old and new code alike, to the other column; old rows are filled in batches;
    /// indexes and constraints are built on the new column; and when no running code asks for the old name, it goes.
    ///
    /// ```sql before
    /// CREATE TABLE shipments (id bigint PRIMARY KEY, co2_kg numeric(10,2) NOT NULL DEFAULT 0);
    /// CREATE INDEX shipments_co2_kg_idx ON shipments (co2_kg);
    /// ```
    /// ```sql after
    /// CREATE TABLE shipments (
    ///   id bigint PRIMARY KEY,
    ///   carbon_kg numeric(10,2) NOT NULL DEFAULT 0 -- @renamed from=co2_kg
    /// );
    /// CREATE INDEX shipments_carbon_kg_idx ON shipments (carbon_kg);
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenameColumn {
    table: Name,
    from: Ident,
    to: Ident,
    /// `None`: it can only be renamed in one stroke.
    twice: Option<Box<(Column, Column, Dual)>>,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<RenameColumn> {
    let twice = pairs.columns().filter_map(|(pair, column)| {
        let dual = column.dual.as_ref().filter(|it| !it.swap)?;
        Some(RenameColumn {
            table: pair.after.name.clone(),
            from: column.before.name.clone(),
            to: column.after.name.clone(),
            twice: Some(Box::new((column.before.clone(), column.after.clone(), dual.clone()))),
        })
    });
    let direct = pairs.renamed_columns.iter().map(|(table, from, to)| RenameColumn {
        table: table.clone(),
        from: from.clone(),
        to: to.clone(),
        twice: None,
    });
    twice.chain(direct).collect()
}

impl Kind for RenameColumn {
    fn kind(&self) -> &'static str {
        "rename_column"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Column(self.table.clone(), self.to.clone())
    }

    fn describe(&self) -> String {
        format!("rename {}.{} to {}", self.table, self.from, self.to)
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        if let Some(it) = &self.twice {
            let (old, new, dual) = &**it;
            dual::outline(b, acc, old, new, dual);
            return;
        }
        acc.gate(
            Contract,
            format!(
                "the code that asks for {}.{} is stopped, or asks for {} from now on",
                self.table, self.from, self.to
            ),
        );
        let rename = Ddl::RenameColumn { table: self.table.clone(), from: self.from.clone(), to: self.to.clone() };
        acc.step(Contract, rename, "the column cannot exist twice (identity, generated, partition key, inherited or pointed at), so the name changes in one stroke");
        let message = format!(
            "code that asks for {}.{} fails from the moment this commits: the column cannot be kept under both names",
            self.table, self.from
        );
        acc.hazard("renaming-column", Severity::Warning, message);
    }
}
