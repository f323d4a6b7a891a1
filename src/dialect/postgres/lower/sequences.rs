//! CREATE and ALTER SEQUENCE, and the options of identity columns.

use squawk_syntax::ast;

use super::{context::Cx, tables::persistence};
use crate::sql::*;

/// What the options of a sequence say.
#[derive(Default)]
pub(super) struct Read {
    pub options: SequenceOptions,
    pub restart: Option<Option<i64>>,
    /// `Some(None)`: OWNED BY NONE.
    pub owned_by: Option<Option<(Name, Ident)>>,
}

impl Cx<'_> {
    pub fn sequence_options(&mut self, all: impl Iterator<Item = ast::SequenceOption>) -> Option<Read> {
        let mut read = Read::default();
        for option in all {
            self.sequence_option(option, &mut read)?;
        }
        Some(read)
    }

    pub fn sequence_option(&mut self, option: ast::SequenceOption, read: &mut Read) -> Option<()> {
        let options = &mut read.options;
        match option {
            ast::SequenceOption::OptionAsType(it) => options.ty = Some(self.data_type(&it.ty()?)?),
            ast::SequenceOption::OptionCache(it) => options.cache = Some(self.integer(it.expr())?),
            ast::SequenceOption::OptionIncrement(it) => options.increment = Some(self.integer(it.expr())?),
            ast::SequenceOption::OptionStart(it) => options.start = Some(self.integer(it.expr())?),
            ast::SequenceOption::OptionMinValue(it) => options.min = Some(self.integer(it.expr())?),
            ast::SequenceOption::OptionMaxValue(it) => options.max = Some(self.integer(it.expr())?),
            ast::SequenceOption::OptionNoMinValue(_) => options.min = None,
            ast::SequenceOption::OptionNoMaxValue(_) => options.max = None,
            ast::SequenceOption::OptionCycle(_) => options.cycle = true,
            ast::SequenceOption::OptionNoCycle(_) => options.cycle = false,
            ast::SequenceOption::OptionSequenceName(it) => {
                options.name = Some(self.define(it.sequence(), ObjectRef::Sequence)?);
            }
            ast::SequenceOption::OptionRestart(it) => read.restart = Some(self.integer(it.expr())),
            ast::SequenceOption::OptionOwnedBy(it) => {
                read.owned_by = Some(match it.owned_by_target()? {
                    ast::OwnedByTarget::OwnedByNone(_) => None,
                    ast::OwnedByTarget::QualifiedColumnNameRef(path) => {
                        let (table, column) = self.column_path(&path)?;
                        self.mark(&path, ObjectRef::Column(table.clone(), column.clone()), false);
                        Some((table, column))
                    }
                });
            }
            // Identity sequences take them from the table (LOGGED of pg_dump for unlogged ones).
            ast::SequenceOption::OptionLogged(_) | ast::SequenceOption::OptionUnlogged(_) => {}
        }
        Some(())
    }

    pub fn create_sequence(&mut self, it: &ast::CreateSequence) -> Option<()> {
        let name = self.define(it.sequence(), ObjectRef::Sequence)?;
        let read = self.sequence_options(it.sequence_options())?;
        let sequence = Sequence {
            name,
            persistence: persistence(it.persistence()),
            options: read.options,
            owned_by: read.owned_by.flatten(),
            owner: None,
        };
        self.push(Ddl::CreateSequence { sequence: Box::new(sequence), if_not_exists: it.if_not_exists().is_some() });
        Some(())
    }

    pub fn alter_sequence(&mut self, it: &ast::AlterSequence) -> Option<()> {
        let name = self.refer(it.sequence_ref(), ObjectRef::Sequence)?;
        let mut read = Read::default();
        let mut options = false;
        let mut any = false;
        for action in it.actions() {
            any = true;
            match action {
                ast::AlterSequenceAction::SequenceOption(it) => {
                    options = true;
                    self.sequence_option(it, &mut read)?;
                }
                ast::AlterSequenceAction::SequenceRenameTo(it) => {
                    let to = self.define(it.sequence(), ObjectRef::Sequence)?.name;
                    self.push(Ddl::RenameSequence { from: name.clone(), to });
                }
                ast::AlterSequenceAction::OwnerTo(it) => self.set_owner(ObjectRef::Sequence(name.clone()), &it)?,
                ast::AlterSequenceAction::SetSchema(it) => self.set_schema(ObjectRef::Sequence(name.clone()), &it)?,
                ast::AlterSequenceAction::SetLogged(_) => {
                    self.push(Ddl::SetPersistence { table: name.clone(), persistence: Persistence::Permanent });
                }
                ast::AlterSequenceAction::SetUnlogged(_) => {
                    self.push(Ddl::SetPersistence { table: name.clone(), persistence: Persistence::Unlogged });
                }
            }
        }
        if options {
            let Read { options: set, restart, owned_by } = read;
            self.push(Ddl::AlterSequence { name, set, restart, owned_by, if_exists: it.if_exists().is_some() });
        }
        any.then_some(())
    }

    pub fn set_owner(&mut self, object: ObjectRef, it: &ast::OwnerTo) -> Option<()> {
        let owner = self.ident_opt(it.role_ref())?;
        self.push(Ddl::SetOwner { object, owner });
        Some(())
    }

    pub fn set_schema(&mut self, object: ObjectRef, it: &ast::SetSchema) -> Option<()> {
        let schema = it.schema_ref()?;
        let name = self.ident(&schema)?;
        self.mark(&schema, ObjectRef::Schema(name.clone()), false);
        self.push(Ddl::SetSchema { object, schema: name });
        Some(())
    }
}
