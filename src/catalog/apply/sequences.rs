//! Sequences: options in normal form, ownership.

use std::sync::Arc;

use super::{Applied, exists_already};
use crate::{
    catalog::{
        Catalog,
        resolve::{SequenceAt, missing, refused},
    },
    sql::*,
};

/// Leaves out every option that has its default value (manual: CREATE SEQUENCE).
pub(super) fn normal_options(options: &SequenceOptions, ty: &DataType) -> SequenceOptions {
    let ty = options.ty.as_ref().unwrap_or(ty);
    let (low, high) = match ty.name.as_str() {
        "smallint" => (i64::from(i16::MIN), i64::from(i16::MAX)),
        "integer" => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    };
    let ascending = options.increment.is_none_or(|it| it > 0);
    let (least, most) = if ascending { (1, high) } else { (low, -1) };
    let (min, max) = (options.min.unwrap_or(least), options.max.unwrap_or(most));
    let start = if ascending { min } else { max };
    SequenceOptions {
        ty: options.ty.clone().filter(|it| it.name != "bigint"),
        start: options.start.filter(|it| *it != start),
        increment: options.increment.filter(|it| *it != 1),
        min: options.min.filter(|it| *it != least),
        max: options.max.filter(|it| *it != most),
        cache: options.cache.filter(|it| *it != 1),
        cycle: options.cycle,
        name: options.name.clone(),
    }
}

/// What is set replaces; what is not set stays. The words `NO CYCLE` alone leave no other trace than an empty set.
pub(super) fn merge_options(options: &SequenceOptions, set: &SequenceOptions) -> SequenceOptions {
    let nothing = *set == SequenceOptions::default();
    SequenceOptions {
        ty: set.ty.clone().or_else(|| options.ty.clone()),
        start: set.start.or(options.start),
        increment: set.increment.or(options.increment),
        min: set.min.or(options.min),
        max: set.max.or(options.max),
        cache: set.cache.or(options.cache),
        cycle: set.cycle || (options.cycle && !nothing),
        name: set.name.clone().or_else(|| options.name.clone()),
    }
}

fn bigint() -> DataType {
    DataType::builtin("bigint")
}

impl Catalog {
    pub(super) fn create_sequence(&mut self, written: &Sequence, if_not_exists: bool) -> Applied {
        let name = self.place(&written.name, written.persistence)?;
        if self.relation_exists(&name) {
            return exists_already("relation", &name, if_not_exists);
        }
        let owned_by = self.resolve_owner(written.owned_by.as_ref())?;
        let options = normal_options(&written.options, &bigint());
        let sequence = Sequence { name: name.clone(), options, owned_by, ..written.clone() };
        self.sequences.insert(name, Arc::new(sequence));
        Ok(())
    }

    fn resolve_owner(&self, owned_by: Option<&(Name, Ident)>) -> Result<Option<(Name, Ident)>, super::ApplyError> {
        let Some((table, column)) = owned_by else { return Ok(None) };
        if self.find_table(table).is_err() && self.is_unknown(table) {
            return Ok(None);
        }
        let (table, _) = self.find_column(table, column)?;
        Ok(Some((table, column.clone())))
    }

    pub(super) fn alter_sequence(&mut self, ddl: &Ddl) -> Applied {
        let Ddl::AlterSequence { name, set, owned_by, if_exists, restart } = ddl else { return Ok(()) };
        let only_options = owned_by.is_none() && restart.is_none();
        match self.find_sequence(name) {
            None if *if_exists => Ok(()),
            None => Err(missing("sequence", name)),
            Some(SequenceAt::Identity(table, column)) => {
                if owned_by.is_some() {
                    return Err(refused(format!("cannot change ownership of identity sequence {name}")));
                }
                if restart.is_some() && *set == SequenceOptions::default() {
                    return Ok(());
                }
                self.set_identity(&table, &column, None, set)
            }
            Some(SequenceAt::Own(found)) => {
                let owner = match owned_by {
                    Some(owner) => Some(self.resolve_owner(owner.as_ref())?),
                    None => None,
                };
                if let Some(sequence) = self.sequences.get_mut(&found).map(Arc::make_mut) {
                    if only_options || *set != SequenceOptions::default() {
                        sequence.options = normal_options(&merge_options(&sequence.options, set), &bigint());
                    }
                    if let Some(owner) = owner {
                        sequence.owned_by = owner;
                    }
                }
                Ok(())
            }
        }
    }

    pub(super) fn rename_sequence(&mut self, from: &Name, to: &Ident) -> Applied {
        let found = match self.find_sequence(from).ok_or_else(|| missing("sequence", from))? {
            SequenceAt::Own(found) => found,
            SequenceAt::Identity(table, column) => {
                let target = table.sibling(to.clone());
                if self.relation_exists(&target) {
                    return exists_already("relation", &target, false);
                }
                self.unhide_identity(&table, &column);
                let implicit = crate::catalog::naming::object_name(table.name.as_str(), Some(column.as_str()), "seq");
                self.edit_column(&table, &column, |it| {
                    if let Some(identity) = &mut it.identity {
                        identity.options.name = Some(target.clone()).filter(|it| it.name != implicit);
                    }
                })?;
                let (_, found) = self.find_column(&table, &column)?;
                if let Some(identity) = found.identity.clone() {
                    let options = SequenceOptions { name: Some(target), ..identity.options };
                    self.hide_identity(&table, &column, &Identity { options, ..identity });
                }
                return Ok(());
            }
        };
        let target = found.sibling(to.clone());
        if self.relation_exists(&target) {
            return exists_already("relation", &target, false);
        }
        self.move_sequence(&found, &target);
        Ok(())
    }

    /// Gives a sequence another name or schema; defaults that call it follow.
    pub(super) fn move_sequence(&mut self, from: &Name, to: &Name) {
        if let Some(mut sequence) = self.sequences.remove(from) {
            Arc::make_mut(&mut sequence).name = to.clone();
            self.sequences.insert(to.clone(), sequence);
        }
        for table in self.tables.values_mut() {
            if !table.columns.iter().any(|it| calls_sequence(it, from)) {
                continue;
            }
            for column in &mut Arc::make_mut(table).columns {
                if calls_sequence(column, from) {
                    column.default = Some(super::columns::nextval(to));
                }
            }
        }
        self.rekey(|it| match it {
            ObjectRef::Sequence(name) if name == from => Some(ObjectRef::Sequence(to.clone())),
            _ => None,
        });
    }

    pub(super) fn drop_sequence(&mut self, name: &Name, if_exists: bool, cascade: bool) -> Applied {
        let found = match self.find_sequence(name) {
            Some(SequenceAt::Own(found)) => found,
            Some(SequenceAt::Identity(table, column)) => {
                return Err(refused(format!(
                    "cannot drop sequence {name}: identity column {table}.{column} requires it"
                )));
            }
            None if if_exists => return Ok(()),
            None => return Err(missing("sequence", name)),
        };
        let users = self.sequence_users(&found);
        if let (Some((table, column)), false) = (users.first(), cascade) {
            let message = format!("cannot drop sequence {found}: the default of {table}.{column} depends on it");
            return Err(refused(message));
        }
        for (table, column) in users {
            self.edit_column(&table, &column, |it| it.default = None)?;
        }
        self.remove_sequence(&found);
        Ok(())
    }

    /// Columns whose default calls the sequence.
    pub(in crate::catalog) fn sequence_users(&self, sequence: &Name) -> Vec<(Name, Ident)> {
        let of_table = |table: &Arc<Table>| {
            let using = table.columns.iter().filter(|it| calls_sequence(it, sequence));
            using.map(|it| (table.name.clone(), it.name.clone())).collect::<Vec<_>>()
        };
        self.tables.values().flat_map(of_table).collect()
    }

    pub(super) fn remove_sequence(&mut self, name: &Name) {
        self.sequences.remove(name);
        self.forget(|it| matches!(it, ObjectRef::Sequence(it) if it == name));
    }
}

fn calls_sequence(column: &Column, sequence: &Name) -> bool {
    let default = column.default.as_ref();
    default.and_then(|it| super::columns::only_nextval(it.text())).is_some_and(|it| {
        it.name == sequence.name
            && it.schema.as_ref().map_or("public", Ident::as_str)
                == sequence.schema.as_ref().map_or("public", Ident::as_str)
    })
}
