//! Storage, compression, statistics target and options of a column.

use super::{Builder, Kind, Outline, build, pairs::Pairs};
use crate::{
    page::page,
    plan::PhaseKind::*,
    sql::{Column, Ddl, Name, ObjectRef},
};

page! {
    /// # Change storage, compression or statistics of a column
    ///
    /// Statistics targets and options take a lock that blocks only other schema changes; storage and compression block
    /// everybody for a moment. Rows are not rewritten: the setting holds for values to come.
    ///
    /// ```sql before
    /// CREATE TABLE scans (id bigint PRIMARY KEY, image bytea);
    /// ```
    /// ```sql after
    /// CREATE TABLE scans (id bigint PRIMARY KEY, image bytea);
    /// ALTER TABLE scans ALTER COLUMN image SET STORAGE EXTERNAL;
    /// ```
    /// ```plan
    /// Expand: change the settings of scans.image
    ///   ALTER TABLE scans ALTER COLUMN image SET STORAGE EXTERNAL
    ///     lock: AccessExclusive on scans, brief
    ///   undo: ALTER TABLE scans ALTER COLUMN image SET STORAGE EXTENDED
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeColumnSettings {
    table: Name,
    before: Column,
    after: Column,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<ChangeColumnSettings> {
    let changed = pairs.single_columns().filter(|(_, it)| {
        let key = |it: &Column| (it.storage.clone(), it.compression.clone(), it.statistics, it.options.clone());
        key(&it.before) != key(&it.after)
    });
    changed
        .map(|(pair, it)| ChangeColumnSettings {
            table: pair.after.name.clone(),
            before: it.before.clone(),
            after: it.after.clone(),
        })
        .collect()
}

impl Kind for ChangeColumnSettings {
    fn kind(&self) -> &'static str {
        "change_column_settings"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Column(self.table.clone(), self.after.name.clone())
    }

    fn describe(&self) -> String {
        format!("change the settings of {}.{}", self.table, self.after.name)
    }

    fn outline(&self, _b: &Builder<'_>, acc: &mut Outline) {
        let (table, column) = (self.table.clone(), self.after.name.clone());
        let why = "only the catalog changes; for values to come";
        if self.before.storage != self.after.storage {
            let storage = self.after.storage.clone().unwrap_or_else(|| build::default_storage(&self.after.ty));
            acc.step(Expand, Ddl::SetColumnStorage { table: table.clone(), column: column.clone(), storage }, why);
        }
        if self.before.compression != self.after.compression {
            let method = self.after.compression.clone();
            acc.step(Expand, Ddl::SetColumnCompression { table: table.clone(), column: column.clone(), method }, why);
        }
        if self.before.statistics != self.after.statistics {
            let target = self.after.statistics;
            acc.step(Expand, Ddl::SetColumnStatistics { table: table.clone(), column: column.clone(), target }, why);
        }
        if self.before.options != self.after.options {
            let reset =
                self.before.options.keys().filter(|it| !self.after.options.contains_key(*it)).cloned().collect();
            acc.step(Expand, Ddl::SetColumnOptions { table, column, set: self.after.options.clone(), reset }, why);
        }
    }
}
