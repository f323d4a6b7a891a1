//! ALTER TABLE: each action is a `Ddl` of its own.

use squawk_syntax::{
    SyntaxNode,
    ast::{self, AstNode},
};

use super::{
    constraints::Lowered,
    context::{Cx, cascades, words},
    sequences::Read,
    tables::{compression, storage},
};
use crate::sql::*;

impl Cx<'_> {
    pub fn alter_table(&mut self, it: &ast::AlterTable) -> Option<()> {
        if it.all_in_tablespace().is_some() {
            return self.opaque_alter(it.syntax());
        }
        let table = self.table_ref(it.table_relation_name()?.table_name_ref())?;
        let if_exists = it.if_exists().is_some();
        let mut any = false;
        for action in it.actions() {
            any = true;
            self.table_action(action, &table, if_exists, it.syntax())?;
        }
        any.then_some(())
    }

    pub fn table_action(
        &mut self,
        action: ast::AlterTableAction,
        table: &Name,
        if_exists: bool,
        whole: &SyntaxNode,
    ) -> Option<()> {
        use ast::AlterTableAction as Action;
        let name = table.clone();
        let ddl = match action {
            Action::AddColumn(it) => self.add_column(&it, table)?,
            Action::DropColumn(it) => Ddl::DropColumn {
                table: name,
                column: self.column_ref(it.column_name_ref(), table)?,
                if_exists: it.if_exists().is_some(),
                cascade: cascades(it.drop_behavior()),
            },
            Action::RenameColumn(it) => self.rename_column(&it, table)?,
            Action::AlterColumn(it) => return self.alter_column(&it, table),
            Action::TableRenameTo(it) => {
                Ddl::RenameTable { from: name, to: self.define(it.table_name(), ObjectRef::Table)?.name, if_exists }
            }
            Action::SetSchema(it) => Ddl::SetTableSchema { name, schema: self.schema_ref(it.schema_ref())? },
            Action::OwnerTo(it) => return self.set_owner(ObjectRef::Table(name), &it),
            Action::AddConstraint(_)
            | Action::DropConstraint(_)
            | Action::RenameConstraint(_)
            | Action::ValidateConstraint(_)
            | Action::AlterConstraint(_) => self.constraint_action(action, table)?,
            Action::SetOptions(it) => {
                Ddl::SetTableOptions { table: name, set: self.options(it.attribute_list()), reset: Vec::new() }
            }
            Action::ResetOptions(it) => {
                Ddl::SetTableOptions { table: name, set: Options::new(), reset: self.option_keys(it.attribute_list()) }
            }
            Action::SetLogged(_) => Ddl::SetPersistence { table: name, persistence: Persistence::Permanent },
            Action::SetUnlogged(_) => Ddl::SetPersistence { table: name, persistence: Persistence::Unlogged },
            Action::SetTablespace(it) => {
                Ddl::SetTablespace { table: name, tablespace: self.ident_opt(it.tablespace_ref())? }
            }
            Action::SetAccessMethod(it) => {
                let method = self.ident_opt(it.access_method_ref());
                Ddl::SetAccessMethod { table: name, method: method.unwrap_or_else(|| Ident::new("heap")) }
            }
            Action::EnableRls(_) => Ddl::SetRowSecurity { table: name, change: RowSecurityChange::Enable },
            Action::DisableRls(_) => Ddl::SetRowSecurity { table: name, change: RowSecurityChange::Disable },
            Action::ForceRls(_) => Ddl::SetRowSecurity { table: name, change: RowSecurityChange::Force },
            Action::NoForceRls(_) => Ddl::SetRowSecurity { table: name, change: RowSecurityChange::NoForce },
            Action::ReplicaIdentity(it) => {
                Ddl::SetReplicaIdentity { table: name, identity: self.replica_identity(&it)? }
            }
            Action::ClusterOn(it) => {
                Ddl::ClusterOn { table: name, index: Some(self.refer(it.index_ref(), ObjectRef::Index)?.name) }
            }
            Action::SetWithoutCluster(_) => Ddl::ClusterOn { table: name, index: None },
            Action::InheritTable(it) => Ddl::Inherit { table: name, parent: self.table_ref(it.table_name_ref())? },
            Action::NoInheritTable(it) => Ddl::NoInherit { table: name, parent: self.table_ref(it.table_name_ref())? },
            Action::AttachPartition(it) => Ddl::AttachPartition {
                parent: name,
                partition: self.table_ref(it.table_name_ref())?,
                bound: self.bound(it.partition_type()?),
            },
            Action::DetachPartition(it) => Ddl::DetachPartition {
                parent: name,
                partition: self.table_ref(it.table_name_ref())?,
                mode: match it.detach_partition_option() {
                    None => DetachMode::Plain,
                    Some(ast::DetachPartitionOption::DetachConcurrently(_)) => DetachMode::Concurrently,
                    Some(ast::DetachPartitionOption::DetachFinalize(_)) => DetachMode::Finalize,
                },
            },
            Action::EnableTrigger(_)
            | Action::DisableTrigger(_)
            | Action::EnableAlwaysTrigger(_)
            | Action::EnableReplicaTrigger(_) => self.trigger_action(action, table)?,
            // No effect since PostgreSQL 12: there are no OIDs.
            Action::SetWithoutOids(it) => {
                self.hint(it.syntax(), "SET WITHOUT OIDS has no effect since PostgreSQL 12");
                return Some(());
            }
            Action::OfType(_)
            | Action::NotOf(_)
            | Action::EnableRule(_)
            | Action::EnableAlwaysRule(_)
            | Action::EnableReplicaRule(_)
            | Action::DisableRule(_)
            | Action::MergePartitions(_)
            | Action::SplitPartition(_)
            | Action::AlterOptionList(_)
            | Action::OptionItemList(_) => return self.opaque_alter(whole),
        };
        self.push(ddl);
        Some(())
    }

    pub fn schema_ref(&mut self, it: Option<ast::SchemaRef>) -> Option<Ident> {
        let it = it?;
        let name = self.ident(&it)?;
        self.mark(&it, ObjectRef::Schema(name.clone()), false);
        Some(name)
    }

    pub fn rename_column(&mut self, it: &ast::RenameColumn, table: &Name) -> Option<Ddl> {
        let from = self.column_ref(it.column_name_ref(), table)?;
        let to_node = it.column_name()?;
        let to = self.ident(&to_node)?;
        self.mark(&to_node, ObjectRef::Column(table.clone(), to.clone()), true);
        Some(Ddl::RenameColumn { table: table.clone(), from, to })
    }

    fn constraint_ref(&mut self, it: Option<ast::ConstraintNameRef>, table: &Name) -> Option<Ident> {
        let it = it?;
        let name = self.ident(&it)?;
        self.mark(&it, ObjectRef::Constraint(table.clone(), name.clone()), false);
        Some(name)
    }

    fn constraint_action(&mut self, action: ast::AlterTableAction, table: &Name) -> Option<Ddl> {
        use ast::AlterTableAction as Action;
        let name = table.clone();
        Some(match action {
            Action::AddConstraint(it) => match self.constraint(&it.constraint()?, table, None)? {
                Lowered::Constraint(it) => Ddl::AddConstraint { table: name, constraint: Box::new(it) },
                Lowered::UsingIndex { name: constraint, primary, index, deferrable, initially_deferred } => {
                    Ddl::AddConstraintUsingIndex {
                        table: name,
                        name: constraint,
                        primary,
                        index,
                        deferrable,
                        initially_deferred,
                    }
                }
                Lowered::NotNull(column, None) => Ddl::SetNotNull { table: name, column },
                Lowered::NotNull(column, named) => {
                    let constraint = Box::new(Constraint::new(named, ConstraintKind::NotNull(column)));
                    Ddl::AddConstraint { table: name, constraint }
                }
                Lowered::Column => return None,
            },
            Action::DropConstraint(it) => Ddl::DropConstraint {
                table: name,
                name: self.constraint_ref(it.constraint_name_ref(), table)?,
                if_exists: it.if_exists().is_some(),
                cascade: cascades(it.drop_behavior()),
            },
            Action::RenameConstraint(it) => {
                let from = self.constraint_ref(it.constraint_name_ref(), table)?;
                let to_node = it.constraint_name()?;
                let to = self.ident(&to_node)?;
                self.mark(&to_node, ObjectRef::Constraint(table.clone(), to.clone()), true);
                Ddl::RenameConstraint { table: name, from, to }
            }
            Action::ValidateConstraint(it) => {
                Ddl::ValidateConstraint { table: name, name: self.constraint_ref(it.constraint_name_ref(), table)? }
            }
            Action::AlterConstraint(it) => self.alter_constraint(&it, table)?,
            _ => return None,
        })
    }

    fn alter_constraint(&mut self, it: &ast::AlterConstraint, table: &Name) -> Option<Ddl> {
        let name = self.constraint_ref(it.constraint_name_ref(), table)?;
        let (mut deferrable, mut initially_deferred, mut enforced) = (None, None, None);
        for option in it.constraint_options() {
            match option {
                ast::ConstraintOption::DeferrableConstraintOption(_) => deferrable = Some(true),
                ast::ConstraintOption::NotDeferrableConstraintOption(_) => deferrable = Some(false),
                ast::ConstraintOption::InitiallyDeferredConstraintOption(_) => initially_deferred = Some(true),
                ast::ConstraintOption::InitiallyImmediateConstraintOption(_) => initially_deferred = Some(false),
                ast::ConstraintOption::Enforced(_) => enforced = Some(true),
                ast::ConstraintOption::NotEnforced(_) => enforced = Some(false),
                ast::ConstraintOption::NoInherit(it) => return self.inherit_constraint(it.syntax(), table),
                ast::ConstraintOption::Inherit(it) => return self.inherit_constraint(it.syntax(), table),
                ast::ConstraintOption::NotValid(_) => return None,
            }
        }
        // INITIALLY DEFERRED alone implies DEFERRABLE.
        if initially_deferred == Some(true) && deferrable.is_none() {
            deferrable = Some(true);
        }
        (deferrable.is_some() || initially_deferred.is_some() || enforced.is_some()).then_some(Ddl::AlterConstraint {
            table: table.clone(),
            name,
            deferrable,
            initially_deferred,
            enforced,
        })
    }

    /// `ALTER CONSTRAINT … [NO] INHERIT` (PostgreSQL 18) has no variant.
    fn inherit_constraint(&mut self, option: &SyntaxNode, table: &Name) -> Option<Ddl> {
        let _ = option;
        Some(self.opaque_of(
            "ALTER TABLE",
            Some(ObjectRef::Table(table.clone())),
            "inheritance of NOT NULL constraints is kept as text",
        ))
    }

    fn replica_identity(&mut self, it: &ast::ReplicaIdentity) -> Option<ReplicaIdentity> {
        Some(match it.replica_identity_option()? {
            ast::ReplicaIdentityOption::ReplicaIdentityDefault(_) => ReplicaIdentity::Default,
            ast::ReplicaIdentityOption::ReplicaIdentityFull(_) => ReplicaIdentity::Full,
            ast::ReplicaIdentityOption::ReplicaIdentityNothing(_) => ReplicaIdentity::Nothing,
            ast::ReplicaIdentityOption::UsingIndexName(it) => {
                ReplicaIdentity::Index(self.refer(it.index_ref(), ObjectRef::Index)?.name)
            }
        })
    }

    fn alter_column(&mut self, it: &ast::AlterColumn, table: &Name) -> Option<()> {
        use ast::AlterColumnOption as Option_;
        let column = self.column_ref(it.column_name_ref(), table)?;
        let table = table.clone();
        let ddl = match it.option()? {
            Option_::SetType(it) => {
                let ty = it.ty()?;
                let found = self.data_type(&ty)?;
                self.mark_type(&ty, &found);
                Ddl::SetType {
                    table,
                    column,
                    ty: found,
                    collation: self.collation(it.collate()),
                    using: self.expr_opt(it.using_expr().and_then(|it| it.expr())),
                }
            }
            Option_::SetDefault(it) => Ddl::SetDefault { table, column, default: Some(self.expr_opt(it.expr())?) },
            Option_::DropDefault(_) => Ddl::SetDefault { table, column, default: None },
            Option_::SetNotNull(_) => Ddl::SetNotNull { table, column },
            Option_::DropNotNull(_) => Ddl::DropNotNull { table, column },
            Option_::AddGenerated(it) => {
                let identity = self.identity(it.generated_when()?, it.sequence_option_list())?;
                Ddl::AddIdentity { table, column, identity }
            }
            Option_::SetGenerated(_)
            | Option_::SetGeneratedOptions(_)
            | Option_::SetSequenceOption(_)
            | Option_::Restart(_) => self.set_identity(it.option()?, table, column)?,
            Option_::DropIdentity(it) => Ddl::DropIdentity { table, column, if_exists: it.if_exists().is_some() },
            Option_::SetExpression(it) => Ddl::SetExpression { table, column, expr: self.expr_opt(it.expr())? },
            Option_::DropExpression(it) => Ddl::DropExpression { table, column, if_exists: it.if_exists().is_some() },
            Option_::SetStatistics(it) => {
                Ddl::SetColumnStatistics { table, column, target: self.statistics_target(&it)? }
            }
            Option_::SetStorage(it) => {
                let mode = words(&it.storage_mode()?);
                Ddl::SetColumnStorage { table, column, storage: storage(&mode).unwrap_or(mode) }
            }
            Option_::SetCompression(it) => {
                let method = compression(&words(&it.compression_method_name()?));
                Ddl::SetColumnCompression { table, column, method }
            }
            Option_::SetOptions(it) => {
                Ddl::SetColumnOptions { table, column, set: self.options(it.attribute_list()), reset: Vec::new() }
            }
            Option_::ResetOptions(it) => {
                let reset = self.option_keys(it.attribute_list());
                Ddl::SetColumnOptions { table, column, set: Options::new(), reset }
            }
            Option_::SetOptionsList(_) => {
                let object = ObjectRef::Table(table);
                self.opaque_of("ALTER TABLE", Some(object), "options of foreign tables are kept as text")
            }
            Option_::Inherit(_) | Option_::NoInherit(_) => return None,
        };
        self.push(ddl);
        Some(())
    }

    fn set_identity(&mut self, option: ast::AlterColumnOption, table: Name, column: Ident) -> Option<Ddl> {
        let mut always = None;
        let mut read = Read::default();
        let mut one = |cx: &mut Self, it: ast::SetGeneratedOption| -> Option<()> {
            match it {
                ast::SetGeneratedOption::SetGenerated(it) => {
                    always = Some(matches!(it.generated_when()?, ast::GeneratedWhen::GeneratedAlways(_)));
                }
                ast::SetGeneratedOption::SetSequenceOption(it) => {
                    cx.sequence_option(it.sequence_option()?, &mut read)?
                }
                ast::SetGeneratedOption::Restart(it) => read.restart = Some(cx.integer(it.expr())),
            }
            Some(())
        };
        match option {
            ast::AlterColumnOption::SetGeneratedOptions(it) => {
                for option in it.set_generated_options() {
                    one(self, option)?;
                }
            }
            other => one(self, ast::SetGeneratedOption::cast(other.syntax().clone())?)?,
        }
        Some(Ddl::SetIdentity { table, column, always, options: read.options, restart: read.restart })
    }
}
