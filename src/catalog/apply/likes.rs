//! `LIKE other INCLUDING …`.

use super::{Applied, tables::Extras};
use crate::{
    catalog::{Catalog, resolve::missing},
    sql::*,
};

impl Catalog {
    /// Puts the copied columns at their places, and copies what is included.
    pub(super) fn expand_likes(
        &self,
        table: &mut Table,
        written: &Table,
        likes: &[Like],
        extras: &mut Extras,
    ) -> Applied {
        for like in likes.iter().rev() {
            let Some(source) = self.find_relation(&like.source) else {
                if self.is_unknown(&like.source) {
                    extras.unknown = Some(format!("LIKE {}, of which nothing certain is known", like.source));
                    continue;
                }
                return Err(missing("table", &like.source));
            };
            let Some(from) = self.tables.get(&source) else {
                extras.unknown = Some(format!("LIKE {source}: the columns of a view are known to a server only"));
                continue;
            };
            if let Some(why) = self.unknown.get(&source) {
                extras.unknown = Some(format!("LIKE {source}: {why}"));
            }
            let at = like.at.min(written.columns.len()).min(table.columns.len());
            let copies = from.columns.iter().map(|it| copy_column(it, like));
            table.columns.splice(at..at, copies);
            self.copy_parts(table, from, like, extras);
        }
        Ok(())
    }

    fn copy_parts(&self, table: &mut Table, from: &Table, like: &Like, extras: &mut Extras) {
        let includes = |what: &str| like.including.iter().any(|it| it == what);
        for constraint in &from.constraints {
            match &constraint.kind {
                ConstraintKind::Check(_) if includes("CONSTRAINTS") => table.constraints.push(constraint.clone()),
                _ if constraint.is_key() && includes("INDEXES") => {
                    table.constraints.push(Constraint { name: None, ..constraint.clone() });
                }
                // NOT NULL is copied without asking.
                ConstraintKind::NotNull(_) => table.constraints.push(constraint.clone()),
                _ => {}
            }
        }
        if includes("INDEXES") {
            extras.indexes.extend(self.indexes_of(&from.name).cloned());
        }
        if includes("STATISTICS") {
            extras.statistics.extend(self.statistics.values().filter(|it| it.table == from.name).cloned());
        }
        if includes("COMMENTS") {
            for column in &from.columns {
                let object = ObjectRef::Column(from.name.clone(), column.name.clone());
                if let Some(text) = self.comments.get(&object) {
                    extras.comments.push((ObjectRef::Column(table.name.clone(), column.name.clone()), text.clone()));
                }
            }
        }
    }
}

fn copy_column(column: &Column, like: &Like) -> Column {
    let includes = |what: &str| like.including.iter().any(|it| it == what);
    Column {
        default: column.default.clone().filter(|_| includes("DEFAULTS")),
        generated: column.generated.clone().filter(|_| includes("GENERATED")),
        identity: column
            .identity
            .clone()
            .filter(|_| includes("IDENTITY"))
            .map(|it| Identity { options: SequenceOptions { name: None, ..it.options }, ..it }),
        storage: column.storage.clone().filter(|_| includes("STORAGE")),
        compression: column.compression.clone().filter(|_| includes("COMPRESSION")),
        statistics: None,
        options: Options::new(),
        ..column.clone()
    }
}
