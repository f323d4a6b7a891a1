//! Values that a gate asks of people: a column that becomes NOT NULL without a default gets its values from the
//! application, or from an answer to the plan's question. On a shadow database somebody has to stand in for them.

use anyhow::Result;

use super::{
    super::{checksums::Checksums, connect::Session},
    model::{Column, Model, Table},
    values,
};

/// The target's columns and constraints.
pub struct Wanted(Model);

impl Wanted {
    pub async fn read(target: &Session) -> Result<Self> {
        Ok(Self(Model::read(target).await?))
    }

    /// Fills columns that the plan has added, that the target wants NOT NULL and that are empty still. Returns
    /// `table.column` of each.
    pub async fn complete(&self, session: &Session, start: &Checksums) -> Result<Vec<String>> {
        let mut res = Vec::new();
        for table in self.0.tables.values() {
            let Some(was) = start.get(&table.name) else { continue };
            for column in &table.columns {
                if column.nullable || column.is_numbered || was.columns.contains_key(&column.name) {
                    continue;
                }
                // Not there (yet), or no value for it: the preflight has the last word.
                let empty = format!("SELECT 1 FROM {} WHERE {} IS NULL LIMIT 1", table.name, column.name);
                if !matches!(session.value(&empty).await, Ok(Some(_))) {
                    continue;
                }
                let Some(value) = self.value(table, column) else { continue };
                let sql = format!(
                    "UPDATE {t} AS t SET {c} = v.value FROM (SELECT ctid AS place, {value} AS value FROM \
                     (SELECT ctid, row_number() OVER (ORDER BY ctid) AS g FROM {t}) n) v WHERE t.ctid = v.place AND t.{c} IS NULL",
                    t = table.name,
                    c = column.name
                );
                match session.run(&sql).await {
                    Ok(()) => res.push(format!("{}.{}", table.name, column.name)),
                    Err(failure) if failure.gone => return Err(failure.into()),
                    Err(_) => {}
                }
            }
        }
        Ok(res)
    }

    /// SQL over the row's number `g`: a key of the parent's for a foreign key, else the first idea that no check has
    /// anything against by its literals.
    fn value(&self, table: &Table, column: &Column) -> Option<String> {
        for key in &table.foreign_keys {
            if let Some(at) = key.columns.iter().position(|it| *it == column.name) {
                let (parent, of) = (&self.0.tables.get(&key.references)?.name, key.parent_columns.get(at)?);
                let keys = format!("(SELECT array_agg({of} ORDER BY {of}) FROM {parent})");
                return Some(format!("{keys}[1 + g % cardinality({keys})]"));
            }
        }
        let literals = table.literals_for(column);
        values::candidate(column, &literals, usize::from(!literals.is_empty()))
    }
}
