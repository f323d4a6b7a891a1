//! Applying one [`Ddl`] to a [`Catalog`], with the server's side effects: implicit names, what a drop takes
//! along, where a rename is followed.

mod code;
pub(super) mod columns;
mod conditions;
pub(super) mod constraints;
pub(super) mod drops;
pub(super) mod functions;
mod indexes;
mod likes;
mod misc;
mod partitions;
pub(super) mod renames;
mod sequences;
mod tables;
mod types;
mod views;

use super::{Catalog, resolve::refused};
use crate::sql::*;

/// Why a statement cannot be applied. The message is for people and names the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApplyError {
    /// An object that is not there (yet): [`super::desired`] tries again later.
    Missing(String),
    /// The server would refuse, whatever else is applied.
    Refused(String),
}

impl ApplyError {
    pub fn message(&self) -> &str {
        match self {
            Self::Missing(it) | Self::Refused(it) => it,
        }
    }
}

/// The result of applying a change.
pub(super) type Applied = Result<(), ApplyError>;

impl Catalog {
    /// Applies one change. On an error the catalog is as before.
    pub fn apply(&mut self, ddl: &Ddl) -> Applied {
        // What is checked whole before the first write changes the catalog at once; the rest is tried on a copy.
        if !checks_first(ddl) {
            self.without_remarks().run(ddl)?;
        }
        self.run(ddl)
    }

    /// A copy without what is kept about objects: no change fails because of that, and it is the largest part.
    fn without_remarks(&mut self) -> Self {
        let comments = std::mem::take(&mut self.comments);
        let privileges = std::mem::take(&mut self.privileges);
        let revoked = std::mem::take(&mut self.revoked);
        let origins = std::mem::take(&mut self.origins);
        let annotations = std::mem::take(&mut self.annotations);
        let copy = self.clone();
        (self.comments, self.privileges, self.revoked) = (comments, privileges, revoked);
        (self.origins, self.annotations) = (origins, annotations);
        copy
    }

    fn run(&mut self, ddl: &Ddl) -> Applied {
        if let Some(table) = ddl.altered_table()
            && self.find_table(table).is_err()
            && self.is_unknown(table)
        {
            return Ok(());
        }
        if let Some(ty) = altered_type(ddl)
            && self.find_type(ty).is_err()
            && self.is_unknown(ty)
        {
            return Ok(());
        }
        self.run_tables(ddl)
            .or_else(|| self.run_columns(ddl))
            .or_else(|| self.run_relations(ddl))
            .or_else(|| self.run_routines(ddl))
            .or_else(|| self.run_rest(ddl))
            .unwrap_or(Ok(()))
    }

    fn run_tables(&mut self, ddl: &Ddl) -> Option<Applied> {
        Some(match ddl {
            Ddl::CreateTable { table, if_not_exists, likes } => self.create_table(table, *if_not_exists, likes),
            Ddl::CreateTableAs { table, if_not_exists, .. } => self.create_table_as(table, *if_not_exists),
            Ddl::DropTable { name, if_exists, cascade } => self.drop_table(name, *if_exists, *cascade),
            Ddl::RenameTable { from, to, if_exists } => self.rename_table(from, to, *if_exists),
            Ddl::SetTableSchema { name, schema } => self.set_schema(&ObjectRef::Table(name.clone()), schema),
            Ddl::SetTableOptions { table, set, reset } => self.set_table_options(table, set, reset),
            Ddl::SetPersistence { table, persistence } => self.set_persistence(table, *persistence),
            Ddl::SetTablespace { table, tablespace } => self.set_tablespace(table, tablespace),
            Ddl::SetAccessMethod { table, method } => self.edit(table, |it| it.access_method = normal_method(method)),
            Ddl::SetRowSecurity { table, change } => self.edit(table, |it| match change {
                RowSecurityChange::Enable => it.row_security.enabled = true,
                RowSecurityChange::Disable => it.row_security.enabled = false,
                RowSecurityChange::Force => it.row_security.forced = true,
                RowSecurityChange::NoForce => it.row_security.forced = false,
            }),
            Ddl::SetReplicaIdentity { table, identity } => self.set_replica_identity(table, identity),
            Ddl::ClusterOn { table, index } => self.cluster_on(table, index.as_ref()),
            Ddl::Inherit { table, parent } => self.inherit(table, parent),
            Ddl::NoInherit { table, parent } => self.no_inherit(table, parent),
            Ddl::AttachPartition { parent, partition, bound } => self.attach_partition(parent, partition, bound),
            Ddl::DetachPartition { parent, partition, mode } => self.detach_partition(parent, partition, *mode),
            Ddl::AddConstraint { table, constraint } => self.add_constraint(table, constraint),
            Ddl::AddConstraintUsingIndex { .. } => self.add_constraint_using_index(ddl),
            Ddl::ValidateConstraint { table, name } => self.validate_constraint(table, name),
            Ddl::DropConstraint { table, name, if_exists, cascade } => {
                self.drop_constraint(table, name, *if_exists, *cascade)
            }
            Ddl::RenameConstraint { table, from, to } => self.rename_constraint(table, from, to),
            Ddl::AlterConstraint { .. } => self.alter_constraint(ddl),
            _ => return None,
        })
    }

    fn run_columns(&mut self, ddl: &Ddl) -> Option<Applied> {
        Some(match ddl {
            Ddl::AddColumn { table, column, constraints, if_not_exists } => {
                self.add_column(table, column, constraints, *if_not_exists)
            }
            Ddl::DropColumn { table, column, if_exists, cascade } => {
                self.drop_column(table, column, *if_exists, *cascade)
            }
            Ddl::RenameColumn { table, from, to } => self.rename_column(table, from, to),
            Ddl::SetType { table, column, ty, collation, .. } => self.set_type(table, column, ty, collation.as_ref()),
            Ddl::SetDefault { table, column, default } => self.set_default(table, column, default.as_ref()),
            Ddl::SetNotNull { table, column } => self.set_not_null(table, column),
            Ddl::DropNotNull { table, column } => self.drop_not_null(table, column),
            Ddl::AddIdentity { table, column, identity } => self.add_identity(table, column, identity),
            Ddl::SetIdentity { table, column, always, options, .. } => {
                self.set_identity(table, column, *always, options)
            }
            Ddl::DropIdentity { table, column, if_exists } => self.drop_identity(table, column, *if_exists),
            Ddl::SetExpression { table, column, expr } => self.set_expression(table, column, expr),
            Ddl::DropExpression { table, column, if_exists } => self.drop_expression(table, column, *if_exists),
            Ddl::SetColumnStatistics { table, column, target } => {
                self.edit_column_below(table, column, &|it| it.statistics = target.filter(|it| *it >= 0))
            }
            Ddl::SetColumnStorage { table, column, storage } => {
                self.edit_column_below(table, column, &|it| it.storage = normal_storage(storage, &it.ty))
            }
            Ddl::SetColumnCompression { table, column, method } => {
                self.edit_column(table, column, |it| it.compression = method.clone().filter(|it| it != "default"))
            }
            Ddl::SetColumnOptions { table, column, set, reset } => {
                self.edit_column(table, column, |it| change_options(&mut it.options, set, reset))
            }
            _ => return None,
        })
    }

    fn run_relations(&mut self, ddl: &Ddl) -> Option<Applied> {
        Some(match ddl {
            Ddl::CreateIndex { index, if_not_exists, .. } => self.create_index(index, *if_not_exists),
            Ddl::DropIndex { name, if_exists, cascade, .. } => self.drop_index(name, *if_exists, *cascade),
            Ddl::RenameIndex { from, to } => self.rename_index(from, to),
            Ddl::AttachIndex { parent, index } => self.attach_index(parent, index),
            Ddl::SetIndexOptions { index, set, reset } => self.set_index_options(index, set, reset),
            Ddl::SetIndexStatistics { index, column, target } => self.set_index_statistics(index, *column, *target),
            Ddl::CreateSequence { sequence, if_not_exists } => self.create_sequence(sequence, *if_not_exists),
            Ddl::AlterSequence { .. } => self.alter_sequence(ddl),
            Ddl::RenameSequence { from, to } => self.rename_sequence(from, to),
            Ddl::DropSequence { name, if_exists, cascade } => self.drop_sequence(name, *if_exists, *cascade),
            Ddl::CreateType { ty } => self.create_type(ty),
            Ddl::AddEnumValue { ty, value, position, if_not_exists } => {
                self.add_enum_value(ty, value, position, *if_not_exists)
            }
            Ddl::RenameEnumValue { ty, from, to } => self.rename_enum_value(ty, from, to),
            Ddl::AlterDomain { name, action } => self.alter_domain(name, action),
            Ddl::AlterComposite { name, action } => self.alter_composite(name, action),
            Ddl::RenameType { from, to } => self.rename_type(from, to),
            Ddl::DropType { name, if_exists, cascade, .. } => self.drop_type(name, *if_exists, *cascade),
            Ddl::CreateView { view, or_replace, if_not_exists } => self.create_view(view, *or_replace, *if_not_exists),
            Ddl::AlterView { name, set, reset, .. } => self.alter_view(name, set, reset),
            Ddl::RenameView { from, to, .. } => self.rename_table(from, to, false),
            Ddl::DropView { name, if_exists, cascade, .. } => self.drop_view(name, *if_exists, *cascade),
            _ => return None,
        })
    }

    fn run_routines(&mut self, ddl: &Ddl) -> Option<Applied> {
        Some(match ddl {
            Ddl::CreateFunction { function, or_replace } => self.create_function(function, *or_replace),
            Ddl::DropFunction { name, args, if_exists, cascade, .. } => {
                self.drop_function(name, args.as_deref(), *if_exists, *cascade)
            }
            Ddl::RenameFunction { name, args, to, .. } => self.rename_function(name, args.as_deref(), to),
            Ddl::CreateTrigger { trigger, or_replace } => self.create_trigger(trigger, *or_replace),
            Ddl::EnableTrigger { table, trigger, enabled } => self.enable_trigger(table, trigger.as_ref(), *enabled),
            Ddl::RenameTrigger { table, from, to } => self.rename_trigger(table, from, to),
            Ddl::DropTrigger { table, name, if_exists, .. } => self.drop_trigger(table, name, *if_exists),
            Ddl::CreatePolicy { policy } => self.create_policy(policy),
            Ddl::AlterPolicy { .. } => self.alter_policy(ddl),
            Ddl::RenamePolicy { table, from, to } => self.rename_policy(table, from, to),
            Ddl::DropPolicy { table, name, if_exists, .. } => self.drop_policy(table, name, *if_exists),
            _ => return None,
        })
    }

    fn run_rest(&mut self, ddl: &Ddl) -> Option<Applied> {
        Some(match ddl {
            Ddl::CreateSchema { name, if_not_exists, .. } => self.create_schema(name, *if_not_exists),
            Ddl::DropSchema { name, if_exists, cascade } => self.drop_schema(name, *if_exists, *cascade),
            Ddl::CreateExtension { extension, if_not_exists, .. } => self.create_extension(extension, *if_not_exists),
            Ddl::AlterExtension { name, action } => self.alter_extension(name, action),
            Ddl::DropExtension { name, if_exists, .. } => self.drop_extension(name, *if_exists),
            Ddl::CreateStatistics { statistics, if_not_exists } => self.create_statistics(statistics, *if_not_exists),
            Ddl::SetStatisticsTarget { name, target } => self.set_statistics_target(name, *target),
            Ddl::DropStatistics { name, if_exists } => self.drop_statistics(name, *if_exists),
            Ddl::Comment { object, text } => self.comment(object, text.as_ref()),
            Ddl::Grant { .. } | Ddl::Revoke { .. } => self.grant(ddl),
            Ddl::SetOwner { object, owner } => self.set_owner(object, owner),
            Ddl::SetSchema { object, schema } => self.set_schema(object, schema),
            Ddl::Opaque(it) => self.keep_opaque(it),
            Ddl::DropOpaque { object, .. } => self.drop_opaque(object),
            Ddl::SetSearchPath { schemas, .. } => {
                self.search_path = schemas.iter().filter(|it| it.as_str() != "$user").cloned().collect();
                Ok(())
            }
            Ddl::Do { body, code: Some(code), .. } => self.run_code(code, body),
            Ddl::Do { body, code: None, .. } => self.suspect(body),
            Ddl::Data(it) => self.suspect_calls(&it.calls),
            _ => return None,
        })
    }
}

/// Statements whose application writes nothing before everything is checked.
fn checks_first(ddl: &Ddl) -> bool {
    use Ddl as D;
    match ddl {
        D::DropTable { .. } | D::RenameTable { .. } | D::SetTableSchema { .. } | D::Inherit { .. } => false,
        D::AttachPartition { .. } | D::DetachPartition { .. } | D::NoInherit { .. } => false,
        D::DropColumn { .. } | D::RenameColumn { .. } | D::SetType { .. } => false,
        D::AddColumn { constraints, .. } => constraints.is_empty(),
        D::DropConstraint { .. } | D::RenameConstraint { .. } | D::AddConstraintUsingIndex { .. } => false,
        D::DropIndex { .. } | D::RenameIndex { .. } | D::AttachIndex { .. } => false,
        D::RenameSequence { .. } | D::DropSequence { .. } => false,
        D::RenameType { .. } | D::DropType { .. } | D::AlterDomain { .. } | D::AlterComposite { .. } => false,
        D::RenameView { .. } | D::DropView { .. } => false,
        D::DropFunction { .. } | D::RenameFunction { .. } => false,
        D::Do { .. } => false,
        D::DropSchema { .. } | D::DropExtension { .. } | D::AlterExtension { .. } | D::SetSchema { .. } => false,
        _ => true,
    }
}

fn altered_type(ddl: &Ddl) -> Option<&Name> {
    match ddl {
        Ddl::AddEnumValue { ty, .. } | Ddl::RenameEnumValue { ty, .. } => Some(ty),
        Ddl::AlterDomain { name, .. } | Ddl::AlterComposite { name, .. } | Ddl::RenameType { from: name, .. } => {
            Some(name)
        }
        _ => None,
    }
}

/// `heap` is the access method that is not written.
fn normal_method(method: &Ident) -> Option<Ident> {
    (method.as_str() != "heap").then(|| method.clone())
}

/// The storage a type has anyway is left out (`typstorage` of `pg_type`).
fn normal_storage(storage: &str, ty: &DataType) -> Option<smol_str::SmolStr> {
    let own = match ty.name.as_str() {
        _ if ty.array => "EXTENDED",
        "numeric" | "inet" | "cidr" => "MAIN",
        "text" | "character varying" | "character" | "bytea" | "json" | "jsonb" | "xml" | "tsvector" | "bit"
        | "bit varying" | "path" | "polygon" => "EXTENDED",
        _ => "",
    };
    (storage != own && storage != "DEFAULT").then(|| storage.into())
}

fn change_options(options: &mut Options, set: &Options, reset: &[smol_str::SmolStr]) {
    options.extend(set.iter().map(|(key, value)| (key.clone(), value.clone())));
    options.retain(|key, _| !reset.contains(key));
}

/// "table x already exists", the way every CREATE ends that finds its name taken.
fn exists_already(kind: &str, name: impl std::fmt::Display, if_not_exists: bool) -> Applied {
    if if_not_exists { Ok(()) } else { Err(refused(format!("{kind} {name} already exists"))) }
}
