//! What a table takes over from the tables above it: PARTITION OF, ATTACH, DETACH, INHERITS.

use std::sync::Arc;

use super::{Applied, constraints::same_key, tables::Extras};
use crate::{
    catalog::{
        Catalog,
        resolve::{missing, refused},
    },
    sql::*,
};

impl Catalog {
    /// Columns and constraints of a new table's parents. Indexes follow once the table is there.
    pub(super) fn take_from_parents(&self, table: &mut Table, extras: &mut Extras) -> Applied {
        if let Some(of) = &mut table.partition_of {
            let Ok(parent) = self.find_table(&of.parent) else {
                if self.is_unknown(&of.parent) {
                    extras.unknown = Some(format!("partition of {}, of which nothing certain is known", of.parent));
                    return Ok(());
                }
                return Err(missing("table", &of.parent));
            };
            of.parent = parent.clone();
            let above = self.tables.get(&parent).cloned().ok_or_else(|| missing("table", &parent))?;
            if above.partition_by.is_none() {
                return Err(refused(format!("{parent} is not partitioned")));
            }
            return self.take_from_partitioned(table, &above, extras);
        }
        let mut inherited: Vec<Column> = Vec::new();
        for parent in &mut table.inherits {
            *parent = self.find_table(parent)?;
            let above = self.tables.get(parent).ok_or_else(|| missing("table", &*parent))?;
            if let Some(why) = self.unknown.get(parent) {
                extras.unknown = Some(format!("inherits from {parent}: {why}"));
            }
            for column in &above.columns {
                match inherited.iter_mut().find(|it| it.name == column.name) {
                    Some(it) => it.not_null |= column.not_null,
                    None => inherited.push(handed_down(column)),
                }
            }
            let checks = above.constraints.iter().filter(|it| is_inherited_check(it));
            for it in checks {
                if !table.constraints.iter().any(|own| own.name == it.name) {
                    table.constraints.push(it.clone());
                }
            }
        }
        if !inherited.is_empty() {
            table.columns = merge_columns(inherited, std::mem::take(&mut table.columns));
        }
        Ok(())
    }

    fn take_from_partitioned(&self, table: &mut Table, above: &Table, extras: &mut Extras) -> Applied {
        let mut columns: Vec<Column> = above.columns.iter().map(handed_down).collect();
        for own in &table.columns {
            let Some(column) = columns.iter_mut().find(|it| it.name == own.name) else {
                return Err(missing("column", format!("{}.{}", above.name, own.name)));
            };
            column.not_null |= own.not_null;
            column.default = match &own.default {
                Some(default) => self.normal_default(default).map(|it| it.as_default_of(&column.ty)),
                None => column.default.take(),
            };
            column.generated = own.generated.clone().or(column.generated.take());
        }
        table.columns = columns;
        let mut own = std::mem::take(&mut table.constraints);
        let mut res: Vec<Constraint> = Vec::new();
        for it in &above.constraints {
            let twin = own.iter().position(|own| {
                if it.is_key() { same_key(own, it) } else { own.name.is_some() && own.name == it.name }
            });
            match twin {
                Some(twin) => res.push(own.remove(twin)),
                None if it.no_inherit => {}
                None => res.push(Constraint { name: it.name.clone().filter(|_| !it.is_key()), ..it.clone() }),
            }
        }
        res.extend(own);
        table.constraints = res;
        extras.indexes = self.indexes_of(&above.name).cloned().collect();
        extras.attach = true;
        Ok(())
    }

    pub(super) fn attach_partition(&mut self, parent: &Name, partition: &Name, bound: &Expr) -> Applied {
        let parent = self.find_table(parent)?;
        if self.find_table(partition).is_err() && self.is_unknown(partition) {
            return Ok(());
        }
        let partition = self.find_table(partition)?;
        let above = self.tables.get(&parent).cloned().ok_or_else(|| missing("table", &parent))?;
        let below = self.tables.get(&partition).cloned().ok_or_else(|| missing("table", &partition))?;
        let unknown = self.unknown.contains_key(&partition);
        if above.partition_by.is_none() {
            return Err(refused(format!("table {parent} is not partitioned")));
        }
        if let Some(of) = &below.partition_of {
            return Err(refused(format!("{partition} is already a partition of {}", of.parent)));
        }
        for column in &above.columns {
            match below.column(&column.name) {
                None if unknown => {}
                None => return Err(refused(format!("child table {partition} is missing column {}", column.name))),
                Some(own) if column.not_null && !own.not_null && !unknown => {
                    return Err(refused(format!(
                        "column {} in child table {partition} must be marked NOT NULL",
                        column.name
                    )));
                }
                Some(_) => {}
            }
        }
        if let Some(lacking) = above
            .constraints
            .iter()
            .find(|it| is_inherited_check(it) && below.constraints.iter().all(|own| own.name != it.name))
        {
            let name = lacking.name.clone().unwrap_or_default();
            return Err(refused(format!("child table {partition} is missing constraint {name}")));
        }
        self.edit(&partition, |it| {
            it.partition_of = Some(PartitionOf { parent: parent.clone(), bound: bound.clone() })
        })?;
        for constraint in &above.constraints {
            self.inherit_constraint(&partition, constraint);
        }
        let indexes: Vec<Arc<Index>> = self.indexes_of(&parent).cloned().collect();
        for index in indexes {
            self.attach_or_copy(&partition, &index);
        }
        Ok(())
    }

    pub(super) fn detach_partition(&mut self, parent: &Name, partition: &Name, mode: DetachMode) -> Applied {
        let (parent, partition) = (self.find_table(parent)?, self.find_table(partition)?);
        let of = self.tables.get(&partition).and_then(|it| it.partition_of.as_ref()).map(|it| it.parent.clone());
        if of.as_ref() != Some(&parent) {
            // FINALIZE ends what an interrupted CONCURRENTLY began; the catalog took it for done.
            let message = format!("{partition} is not a partition of {parent}");
            return if mode == DetachMode::Finalize { Ok(()) } else { Err(refused(message)) };
        }
        self.edit(&partition, |it| it.partition_of = None)?;
        let indexes: Vec<Name> = self.indexes_of(&partition).filter_map(|it| it.name.clone()).collect();
        for name in indexes {
            if let Some(index) = self.indexes.get_mut(&name) {
                Arc::make_mut(index).attached_to = None;
            }
        }
        Ok(())
    }
}

fn is_inherited_check(it: &Constraint) -> bool {
    matches!(it.kind, ConstraintKind::Check(_) | ConstraintKind::NotNull(_)) && !it.no_inherit
}

/// Inherited columns stand first; one that the table names itself takes over what it says there.
fn merge_columns(inherited: Vec<Column>, own: Vec<Column>) -> Vec<Column> {
    let mut res = inherited;
    for mut column in own {
        match res.iter_mut().find(|it| it.name == column.name) {
            None => res.push(column),
            Some(it) => {
                column.not_null |= it.not_null;
                column.default = column.default.or(it.default.take());
                *it = column;
            }
        }
    }
    res
}

/// What a child gets of a column. Partitions share the identity of their parent from PostgreSQL 17 on, and have none
/// before; statistics targets and options stay behind.
fn handed_down(column: &Column) -> Column {
    Column { identity: None, statistics: None, options: Options::new(), ..column.clone() }
}
