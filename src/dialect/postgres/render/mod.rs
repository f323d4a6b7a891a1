//! From [`Ddl`] to SQL text: one statement, without semicolon, for PostgreSQL 13 to 18.
//!
//! What a statement cannot say is not said: row security, replica identity, clustering, owners and per-column
//! statistics of a [`Table`] have statements of their own, which the planner emits behind CREATE TABLE.

mod columns;
mod constraints;
mod grants;
mod objects;
mod parts;
mod routines;
mod sequences;
mod session;
mod tables;

use std::borrow::Cow;

use crate::sql::{self, DataType, Ddl, Ident, Name};

pub(super) fn quote(ident: &Ident) -> Cow<'_, str> {
    sql::quote(ident)
}

pub(super) fn name(name: &Name) -> String {
    sql::quote_name(name)
}

pub(super) fn literal(text: &str) -> String {
    sql::literal(text)
}

pub(super) fn data_type(ty: &DataType) -> String {
    parts::data_type(ty)
}

pub(super) fn ddl(ddl: &Ddl) -> String {
    use Ddl as D;
    match ddl {
        D::CreateSchema { .. } | D::DropSchema { .. } => objects::schema(ddl),
        D::CreateExtension { .. } | D::AlterExtension { .. } | D::DropExtension { .. } => objects::extension(ddl),
        D::CreateTable { table, if_not_exists, likes } => tables::create(table, *if_not_exists, likes),
        D::CreateTableAs { table, if_not_exists, query } => tables::create_as(table, *if_not_exists, query),
        D::DropTable { name, if_exists, cascade } => parts::drop("TABLE", &parts::name(name), *if_exists, *cascade),
        D::RenameTable { .. }
        | D::SetTableSchema { .. }
        | D::SetTableOptions { .. }
        | D::SetPersistence { .. }
        | D::SetTablespace { .. }
        | D::SetAccessMethod { .. }
        | D::SetRowSecurity { .. }
        | D::SetReplicaIdentity { .. }
        | D::ClusterOn { .. }
        | D::Inherit { .. }
        | D::NoInherit { .. }
        | D::AttachPartition { .. }
        | D::DetachPartition { .. } => tables::alter(ddl),
        D::AddColumn { .. }
        | D::DropColumn { .. }
        | D::RenameColumn { .. }
        | D::SetType { .. }
        | D::SetDefault { .. }
        | D::SetNotNull { .. }
        | D::DropNotNull { .. }
        | D::AddIdentity { .. }
        | D::SetIdentity { .. }
        | D::DropIdentity { .. }
        | D::SetExpression { .. }
        | D::DropExpression { .. }
        | D::SetColumnStatistics { .. }
        | D::SetColumnStorage { .. }
        | D::SetColumnCompression { .. }
        | D::SetColumnOptions { .. } => columns::alter(ddl),
        D::AddConstraint { .. }
        | D::AddConstraintUsingIndex { .. }
        | D::ValidateConstraint { .. }
        | D::DropConstraint { .. }
        | D::RenameConstraint { .. }
        | D::AlterConstraint { .. } => constraints::alter(ddl),
        D::CreateIndex { .. }
        | D::DropIndex { .. }
        | D::RenameIndex { .. }
        | D::AttachIndex { .. }
        | D::SetIndexOptions { .. }
        | D::SetIndexStatistics { .. }
        | D::Reindex { .. } => objects::index(ddl),
        D::CreateSequence { .. } | D::AlterSequence { .. } | D::RenameSequence { .. } | D::DropSequence { .. } => {
            sequences::sequence(ddl)
        }
        D::CreateType { .. }
        | D::AddEnumValue { .. }
        | D::RenameEnumValue { .. }
        | D::AlterDomain { .. }
        | D::AlterComposite { .. }
        | D::RenameType { .. }
        | D::DropType { .. } => objects::user_type(ddl),
        D::CreateView { .. }
        | D::AlterView { .. }
        | D::RenameView { .. }
        | D::DropView { .. }
        | D::RefreshView { .. } => objects::view(ddl),
        D::CreateFunction { .. } | D::DropFunction { .. } | D::RenameFunction { .. } => routines::function(ddl),
        D::CreateTrigger { .. } | D::EnableTrigger { .. } | D::RenameTrigger { .. } | D::DropTrigger { .. } => {
            routines::trigger(ddl)
        }
        D::CreatePolicy { .. } | D::AlterPolicy { .. } | D::RenamePolicy { .. } | D::DropPolicy { .. } => {
            routines::policy(ddl)
        }
        D::CreateStatistics { .. } | D::SetStatisticsTarget { .. } | D::DropStatistics { .. } => {
            objects::statistics(ddl)
        }
        D::Comment { .. } | D::Grant { .. } | D::Revoke { .. } | D::SetOwner { .. } | D::SetSchema { .. } => {
            grants::about(ddl)
        }
        D::Opaque(it) => it.text.text().to_owned(),
        D::DropOpaque { text, .. } => text.text().to_owned(),
        D::SetSearchPath { .. }
        | D::SetParameter { .. }
        | D::Transaction(_)
        | D::Lock { .. }
        | D::Truncate { .. }
        | D::Data(_)
        | D::Do { .. } => session::statement(ddl),
    }
}

#[cfg(test)]
mod tests;
