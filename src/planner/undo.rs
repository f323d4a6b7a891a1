//! The way back of one statement, from the statement and the catalog before it.

use smol_str::SmolStr;

use crate::{
    catalog::Catalog,
    changes::{default_storage, recreate},
    plan::{Action, Undo},
    sql::*,
};

/// Derives the undo. The forms that come back are the safe ones: CONCURRENTLY, NOT VALID and VALIDATE.
pub fn undo(ddl: &Ddl, before: &Catalog) -> Undo {
    if let Some(actions) =
        additive(ddl, before).or_else(|| renaming(ddl)).or_else(|| column(ddl, before)).or_else(|| setting(ddl, before))
    {
        return by(actions);
    }
    removal(ddl, before)
}

fn by(actions: Vec<Ddl>) -> Undo {
    if actions.is_empty() { Undo::Nothing } else { Undo::By(actions.into_iter().map(Action::Ddl).collect()) }
}

/// What was made is dropped.
fn additive(ddl: &Ddl, before: &Catalog) -> Option<Vec<Ddl>> {
    let drop = match ddl {
        Ddl::CreateSchema { name, .. } => Ddl::DropSchema { name: name.clone(), if_exists: false, cascade: false },
        Ddl::CreateExtension { extension, .. } => {
            Ddl::DropExtension { name: extension.name.clone(), if_exists: false, cascade: false }
        }
        Ddl::CreateTable { table, .. } | Ddl::CreateTableAs { table, .. } => {
            Ddl::DropTable { name: table.name.clone(), if_exists: false, cascade: false }
        }
        Ddl::AddColumn { table, column, .. } => {
            Ddl::DropColumn { table: table.clone(), column: column.name.clone(), if_exists: false, cascade: false }
        }
        Ddl::AddConstraint { table, constraint } => {
            let drop = Ddl::DropConstraint {
                table: table.clone(),
                name: constraint.name.clone()?,
                if_exists: false,
                cascade: false,
            };
            return Some([drop].into_iter().chain(nullable_again(before, table, constraint)).collect());
        }
        // IF EXISTS: as the index of a constraint it may have gone with the constraint.
        Ddl::CreateIndex { index, concurrently, .. } => {
            Ddl::DropIndex { name: index.name.clone()?, concurrently: *concurrently, if_exists: true, cascade: false }
        }
        Ddl::CreateSequence { sequence, .. } => {
            Ddl::DropSequence { name: sequence.name.clone(), if_exists: false, cascade: false }
        }
        Ddl::CreateType { ty } => Ddl::DropType {
            name: ty.name.clone(),
            domain: matches!(ty.kind, TypeKind::Domain(_)),
            if_exists: false,
            cascade: false,
        },
        Ddl::CreateStatistics { statistics, .. } => {
            Ddl::DropStatistics { name: statistics.name.clone(), if_exists: false }
        }
        Ddl::CreatePolicy { policy } => {
            Ddl::DropPolicy { table: policy.table.clone(), name: policy.name.clone(), if_exists: false, cascade: false }
        }
        Ddl::AddIdentity { table, column, .. } => {
            Ddl::DropIdentity { table: table.clone(), column: column.clone(), if_exists: false }
        }
        Ddl::Inherit { table, parent } => Ddl::NoInherit { table: table.clone(), parent: parent.clone() },
        Ddl::NoInherit { table, parent } => Ddl::Inherit { table: table.clone(), parent: parent.clone() },
        Ddl::AttachPartition { parent, partition, .. } => {
            Ddl::DetachPartition { parent: parent.clone(), partition: partition.clone(), mode: DetachMode::Plain }
        }
        Ddl::Grant { privileges, objects, grantees, grantable } => Ddl::Revoke {
            privileges: privileges.clone(),
            objects: objects.clone(),
            grantees: grantees.clone(),
            option_only: *grantable && had(before, privileges, objects, grantees),
            cascade: false,
        },
        Ddl::Revoke { privileges, objects, grantees, .. } => Ddl::Grant {
            privileges: privileges.clone(),
            objects: objects.clone(),
            grantees: grantees.clone(),
            grantable: false,
        },
        _ => return None,
    };
    Some(vec![drop])
}

/// A primary key has made its columns NOT NULL, and they stay so when it goes.
fn nullable_again(before: &Catalog, table: &Name, constraint: &Constraint) -> Vec<Ddl> {
    let (ConstraintKind::PrimaryKey(key), Some(before)) = (&constraint.kind, before.table(table)) else {
        return Vec::new();
    };
    let nullable = before.columns.iter().filter(|it| key.columns.contains(&it.name) && !it.not_null);
    nullable.map(|it| Ddl::DropNotNull { table: table.clone(), column: it.name.clone() }).collect()
}

/// The roles had the privileges already, without the option to hand them on.
fn had(before: &Catalog, privileges: &[SmolStr], objects: &[ObjectRef], grantees: &[Ident]) -> bool {
    before.privileges.iter().any(|it| {
        !it.grantable
            && privileges.contains(&it.privilege)
            && objects.contains(&it.object)
            && grantees.contains(&it.grantee)
    })
}

/// Names go back.
fn renaming(ddl: &Ddl) -> Option<Vec<Ddl>> {
    let back = match ddl {
        Ddl::RenameTable { from, to, .. } => {
            Ddl::RenameTable { from: from.sibling(to.clone()), to: from.name.clone(), if_exists: false }
        }
        Ddl::RenameColumn { table, from, to } => {
            Ddl::RenameColumn { table: table.clone(), from: to.clone(), to: from.clone() }
        }
        Ddl::RenameConstraint { table, from, to } => {
            Ddl::RenameConstraint { table: table.clone(), from: to.clone(), to: from.clone() }
        }
        Ddl::RenameIndex { from, to } => Ddl::RenameIndex { from: from.sibling(to.clone()), to: from.name.clone() },
        Ddl::RenameSequence { from, to } => {
            Ddl::RenameSequence { from: from.sibling(to.clone()), to: from.name.clone() }
        }
        Ddl::RenameType { from, to } => Ddl::RenameType { from: from.sibling(to.clone()), to: from.name.clone() },
        Ddl::RenameView { from, to, materialized } => {
            Ddl::RenameView { from: from.sibling(to.clone()), to: from.name.clone(), materialized: *materialized }
        }
        Ddl::RenameTrigger { table, from, to } => {
            Ddl::RenameTrigger { table: table.clone(), from: to.clone(), to: from.clone() }
        }
        Ddl::RenamePolicy { table, from, to } => {
            Ddl::RenamePolicy { table: table.clone(), from: to.clone(), to: from.clone() }
        }
        Ddl::RenameEnumValue { ty, from, to } => {
            Ddl::RenameEnumValue { ty: ty.clone(), from: to.clone(), to: from.clone() }
        }
        Ddl::SetTableSchema { name, schema } => {
            let now = Name { schema: Some(schema.clone()), name: name.name.clone() };
            Ddl::SetTableSchema { name: now, schema: name.schema.clone().unwrap_or_else(|| Ident::new("public")) }
        }
        _ => return None,
    };
    Some(vec![back])
}

/// Properties of a column go back to what they were.
fn column(ddl: &Ddl, before: &Catalog) -> Option<Vec<Ddl>> {
    let old = |table: &Name, column: &Ident| before.table(table).and_then(|it| it.column(column)).cloned();
    let back = match ddl {
        Ddl::SetDefault { table, column, .. } => {
            Ddl::SetDefault { table: table.clone(), column: column.clone(), default: old(table, column)?.default }
        }
        Ddl::SetNotNull { table, column } => {
            if old(table, column)?.not_null {
                return Some(Vec::new());
            }
            Ddl::DropNotNull { table: table.clone(), column: column.clone() }
        }
        Ddl::DropNotNull { table, column } => Ddl::SetNotNull { table: table.clone(), column: column.clone() },
        Ddl::SetType { table, column, .. } => {
            let old = old(table, column)?;
            Ddl::SetType {
                table: table.clone(),
                column: column.clone(),
                ty: old.ty,
                collation: old.collation,
                using: None,
            }
        }
        Ddl::DropIdentity { table, column, .. } => {
            Ddl::AddIdentity { table: table.clone(), column: column.clone(), identity: old(table, column)?.identity? }
        }
        Ddl::SetIdentity { table, column, options, .. } => {
            let identity = old(table, column)?.identity?;
            Ddl::SetIdentity {
                table: table.clone(),
                column: column.clone(),
                always: Some(identity.always),
                options: options_back(
                    &SequenceOptions { ty: Some(old(table, column)?.ty), ..identity.options },
                    options,
                ),
                restart: None,
            }
        }
        Ddl::SetColumnStatistics { table, column, .. } => Ddl::SetColumnStatistics {
            table: table.clone(),
            column: column.clone(),
            target: old(table, column)?.statistics,
        },
        Ddl::SetColumnStorage { table, column, .. } => {
            let old = old(table, column)?;
            let storage = old.storage.unwrap_or_else(|| default_storage(&old.ty));
            Ddl::SetColumnStorage { table: table.clone(), column: column.clone(), storage }
        }
        Ddl::SetColumnCompression { table, column, .. } => Ddl::SetColumnCompression {
            table: table.clone(),
            column: column.clone(),
            method: old(table, column)?.compression,
        },
        Ddl::SetColumnOptions { table, column, set, .. } => {
            let was = old(table, column)?.options;
            let reset = set.keys().filter(|it| !was.contains_key(*it)).cloned().collect();
            Ddl::SetColumnOptions { table: table.clone(), column: column.clone(), set: was, reset }
        }
        _ => return None,
    };
    Some(vec![back])
}

/// Settings of other objects go back to what they were.
fn setting(ddl: &Ddl, before: &Catalog) -> Option<Vec<Ddl>> {
    let reset =
        |set: &Options, was: &Options| set.keys().filter(|it| !was.contains_key(*it)).cloned().collect::<Vec<_>>();
    let back = match ddl {
        Ddl::SetTableOptions { table, set, .. } => {
            let was = before.table(table)?.options.clone();
            Ddl::SetTableOptions { table: table.clone(), reset: reset(set, &was), set: was }
        }
        Ddl::SetIndexOptions { index, set, .. } => {
            let was = before.indexes.get(index)?.options.clone();
            Ddl::SetIndexOptions { index: index.clone(), reset: reset(set, &was), set: was }
        }
        Ddl::AlterView { name, materialized, set, .. } => {
            let was = before.views.get(name)?.options.clone();
            Ddl::AlterView { name: name.clone(), materialized: *materialized, reset: reset(set, &was), set: was }
        }
        Ddl::SetPersistence { table, .. } => {
            Ddl::SetPersistence { table: table.clone(), persistence: before.table(table)?.persistence }
        }
        Ddl::SetTablespace { table, .. } => Ddl::SetTablespace {
            table: table.clone(),
            tablespace: before.table(table)?.tablespace.clone().unwrap_or_else(|| Ident::new("pg_default")),
        },
        Ddl::SetAccessMethod { table, .. } => Ddl::SetAccessMethod {
            table: table.clone(),
            method: before.table(table)?.access_method.clone().unwrap_or_else(|| Ident::new("heap")),
        },
        Ddl::SetRowSecurity { table, change } => {
            let change = match change {
                RowSecurityChange::Enable => RowSecurityChange::Disable,
                RowSecurityChange::Disable => RowSecurityChange::Enable,
                RowSecurityChange::Force => RowSecurityChange::NoForce,
                RowSecurityChange::NoForce => RowSecurityChange::Force,
            };
            Ddl::SetRowSecurity { table: table.clone(), change }
        }
        Ddl::SetReplicaIdentity { table, .. } => {
            Ddl::SetReplicaIdentity { table: table.clone(), identity: before.table(table)?.replica_identity.clone() }
        }
        Ddl::ClusterOn { table, .. } => {
            Ddl::ClusterOn { table: table.clone(), index: before.table(table)?.cluster_on.clone() }
        }
        Ddl::AlterConstraint { table, name, .. } => {
            let was = before.table(table)?.constraint(name)?;
            Ddl::AlterConstraint {
                table: table.clone(),
                name: name.clone(),
                deferrable: Some(was.deferrable),
                initially_deferred: Some(was.initially_deferred),
                enforced: None,
            }
        }
        Ddl::ValidateConstraint { .. } | Ddl::RefreshView { .. } | Ddl::Reindex { .. } | Ddl::AttachIndex { .. } => {
            return Some(Vec::new());
        }
        Ddl::Comment { object, .. } => {
            Ddl::Comment { object: object.clone(), text: before.comments.get(object).cloned() }
        }
        Ddl::EnableTrigger { table, trigger: Some(name), .. } => {
            let enabled = before.triggers.get(&(table.clone(), name.clone()))?.enabled;
            Ddl::EnableTrigger { table: table.clone(), trigger: Some(name.clone()), enabled }
        }
        Ddl::AlterPolicy { table, name, .. } => {
            let was = before.policies.get(&(table.clone(), name.clone()))?;
            let (roles, using, check) = (Some(was.roles.clone()), was.using.clone(), was.check.clone());
            Ddl::AlterPolicy { table: table.clone(), name: name.clone(), roles, using, check }
        }
        Ddl::AlterDomain { name, action } => {
            Ddl::AlterDomain { name: name.clone(), action: domain(before, name, action)? }
        }
        Ddl::AlterComposite { name, action: CompositeAction::AddAttribute(it) } => Ddl::AlterComposite {
            name: name.clone(),
            action: CompositeAction::DropAttribute { name: it.name.clone(), if_exists: false },
        },
        Ddl::AlterSequence { name, set, owned_by, .. } => return Some(sequence(before, name, set, owned_by.is_some())),
        Ddl::SetStatisticsTarget { name, .. } => {
            Ddl::SetStatisticsTarget { name: name.clone(), target: before.statistics.get(name)?.target.unwrap_or(-1) }
        }
        _ => return None,
    };
    Some(vec![back])
}

fn domain(before: &Catalog, name: &Name, action: &DomainAction) -> Option<DomainAction> {
    let TypeKind::Domain(was) = &before.types.get(name)?.kind else { return None };
    Some(match action {
        DomainAction::SetDefault(_) => DomainAction::SetDefault(was.default.clone()),
        DomainAction::SetNotNull => DomainAction::DropNotNull,
        DomainAction::DropNotNull => DomainAction::SetNotNull,
        DomainAction::AddConstraint(it) => DomainAction::DropConstraint { name: it.name.clone()?, if_exists: false },
        DomainAction::DropConstraint { name, .. } => {
            DomainAction::AddConstraint(was.checks.iter().find(|it| it.name.as_ref() == Some(name))?.clone())
        }
        DomainAction::RenameConstraint { from, to } => {
            DomainAction::RenameConstraint { from: to.clone(), to: from.clone() }
        }
        DomainAction::ValidateConstraint(_) => return None,
    })
}

fn sequence(before: &Catalog, name: &Name, set: &SequenceOptions, owner: bool) -> Vec<Ddl> {
    let was = before.sequences.get(name);
    let options = was.map(|it| it.options.clone()).unwrap_or_default();
    let owned_by = owner.then(|| was.and_then(|it| it.owned_by.clone()));
    let alter = |set: SequenceOptions, owned_by| Ddl::AlterSequence {
        name: name.clone(),
        set,
        restart: None,
        owned_by,
        if_exists: false,
    };
    let mut res = vec![alter(options_back(&options, set), owned_by)];
    // Without options the statement says NO CYCLE.
    if set.cycle && !options.cycle && res[0] != alter(SequenceOptions::default(), None) {
        res.push(alter(SequenceOptions::default(), None));
    }
    res
}

/// What was `set` goes back to what it was, defaults written out.
fn options_back(options: &SequenceOptions, set: &SequenceOptions) -> SequenceOptions {
    let limit = match options.ty.as_ref().map(|it| it.name.as_str()) {
        Some("smallint") => i64::from(i16::MAX),
        Some("integer") => i64::from(i32::MAX),
        _ => i64::MAX,
    };
    SequenceOptions {
        ty: set.ty.is_some().then(|| options.ty.clone().unwrap_or_else(|| DataType::builtin("bigint"))),
        start: set.start.and(options.start.or(options.min).or(Some(1))),
        increment: set.increment.and(options.increment.or(Some(1))),
        min: set.min.and(options.min.or(Some(1))),
        max: set.max.and(options.max.or(Some(limit))),
        cache: set.cache.and(options.cache.or(Some(1))),
        cycle: options.cycle,
        name: None,
    }
}

/// What was dropped comes back, as far as it can.
fn removal(ddl: &Ddl, before: &Catalog) -> Undo {
    match ddl {
        Ddl::DropTable { name, .. } => {
            let actions = recreate::table(before, name).into_iter().map(Action::Ddl).collect();
            Undo::Loses { actions, lost: format!("every row of {name}") }
        }
        Ddl::DropIndex { name, concurrently, .. } => {
            let index = before.indexes.get(name).map(|it| Ddl::CreateIndex {
                index: Box::new((**it).clone()),
                concurrently: *concurrently,
                if_not_exists: false,
            });
            by(index.into_iter().chain(recreate::comment(before, &ObjectRef::Index(name.clone()))).collect())
        }
        Ddl::DropConstraint { table, name, .. } => by(recreate::constraint(before, table, name)),
        // The index that became a constraint goes with it; the phase began with the index alone.
        Ddl::AddConstraintUsingIndex { table, name, index, .. } => {
            let name = name.clone().unwrap_or_else(|| index.clone());
            let mut actions =
                vec![Ddl::DropConstraint { table: table.clone(), name, if_exists: false, cascade: false }];
            let index = before.indexes.get(&table.sibling(index.clone()));
            actions.extend(index.map(|it| Ddl::CreateIndex {
                index: Box::new((**it).clone()),
                concurrently: true,
                if_not_exists: false,
            }));
            by(actions)
        }
        Ddl::DropView { name, .. } => by(recreate::view(before, name)),
        Ddl::CreateView { view, or_replace, .. } => match before.views.get(&view.name).filter(|_| *or_replace) {
            Some(was) => {
                by(vec![Ddl::CreateView { view: Box::new((**was).clone()), or_replace: true, if_not_exists: false }])
            }
            None => by(vec![Ddl::DropView {
                name: view.name.clone(),
                materialized: view.materialized,
                if_exists: false,
                cascade: false,
            }]),
        },
        Ddl::CreateFunction { function, or_replace } => {
            let was = before.functions.get(&(function.name.clone(), function.input_types()));
            by(vec![match was.filter(|_| *or_replace) {
                Some(was) => Ddl::CreateFunction { function: Box::new((**was).clone()), or_replace: true },
                None => Ddl::DropFunction {
                    name: function.name.clone(),
                    args: Some(function.input_types()),
                    kind: function.kind,
                    if_exists: false,
                    cascade: false,
                },
            }])
        }
        Ddl::DropFunction { name, args, .. } => {
            let found = before
                .functions
                .iter()
                .filter(|((it, types), _)| it == name && args.as_ref().is_none_or(|args| args == types));
            by(found.flat_map(|(_, it)| recreate::function(before, it)).collect())
        }
        Ddl::CreateTrigger { trigger, or_replace } => {
            let was = before.triggers.get(&(trigger.table.clone(), trigger.name.clone())).filter(|_| *or_replace);
            let (table, name) = (trigger.table.clone(), trigger.name.clone());
            by(match was {
                // One that is replaced is enabled again.
                Some(was) => {
                    let plain = Trigger { enabled: TriggerEnabled::Origin, ..(**was).clone() };
                    let create = Ddl::CreateTrigger { trigger: Box::new(plain), or_replace: true };
                    let enable = Ddl::EnableTrigger { table, trigger: Some(name), enabled: was.enabled };
                    let disabled = was.enabled != TriggerEnabled::Origin;
                    [create].into_iter().chain(disabled.then_some(enable)).collect()
                }
                None => vec![Ddl::DropTrigger { table, name, if_exists: false, cascade: false }],
            })
        }
        Ddl::DropTrigger { table, name, .. } => by(recreate::trigger(before, table, name)),
        Ddl::DropPolicy { table, name, .. } => {
            let was = before.policies.get(&(table.clone(), name.clone()));
            let comment = recreate::comment(before, &ObjectRef::Policy(table.clone(), name.clone()));
            by(was
                .map(|it| Ddl::CreatePolicy { policy: Box::new((**it).clone()) })
                .into_iter()
                .chain(comment)
                .collect())
        }
        Ddl::DropSequence { name, .. } => {
            let was = before.sequences.get(name);
            let create = was.map(|it| Ddl::CreateSequence { sequence: Box::new((**it).clone()), if_not_exists: false });
            let attached = recreate::attached(before, &ObjectRef::Sequence(name.clone()));
            let actions = create.into_iter().chain(attached).map(Action::Ddl).collect();
            Undo::Loses { actions, lost: format!("where sequence {name} stood") }
        }
        Ddl::DropType { name, .. } => {
            let was = before.types.get(name);
            let attached = recreate::attached(before, &ObjectRef::Type(name.clone()));
            by(was.map(|it| Ddl::CreateType { ty: Box::new((**it).clone()) }).into_iter().chain(attached).collect())
        }
        Ddl::DropStatistics { name, .. } => {
            let was = before.statistics.get(name);
            by(was
                .map(|it| Ddl::CreateStatistics { statistics: Box::new((**it).clone()), if_not_exists: false })
                .into_iter()
                .chain(recreate::comment(before, &ObjectRef::Statistics(name.clone())))
                .collect())
        }
        Ddl::DropSchema { name, .. } => {
            let create = Ddl::CreateSchema { name: name.clone(), if_not_exists: false, owner: None };
            by([create].into_iter().chain(recreate::attached(before, &ObjectRef::Schema(name.clone()))).collect())
        }
        Ddl::DropExtension { name, .. } => {
            let was = before.extensions.get(name);
            by(was
                .map(|it| Ddl::CreateExtension { extension: it.clone(), if_not_exists: true, cascade: false })
                .into_iter()
                .collect())
        }
        Ddl::DetachPartition { parent, partition, .. } => {
            let of = before.table(partition).and_then(|it| it.partition_of.clone());
            by(of
                .map(|of| Ddl::AttachPartition {
                    parent: parent.clone(),
                    partition: partition.clone(),
                    bound: of.bound,
                })
                .into_iter()
                .collect())
        }
        Ddl::DropColumn { table, column, .. } => {
            let column = before.table(table).and_then(|it| it.column(column)).cloned();
            let lost =
                format!("every value of {table}.{}", column.as_ref().map(|it| it.name.to_string()).unwrap_or_default());
            let add = column.map(|it| {
                Action::Ddl(Ddl::AddColumn {
                    table: table.clone(),
                    column: Box::new(it),
                    constraints: Vec::new(),
                    if_not_exists: false,
                })
            });
            Undo::Loses { actions: add.into_iter().collect(), lost }
        }
        other => Undo::Loses { actions: Vec::new(), lost: format!("the way back of {}", kind_of(other)) },
    }
}

/// A word for a statement that has no way back of its own.
fn kind_of(ddl: &Ddl) -> &'static str {
    match ddl {
        Ddl::AddEnumValue { .. } => "a new enum value: PostgreSQL cannot take it away again",
        Ddl::Truncate { .. } => "the rows of a truncated table",
        _ => "this statement",
    }
}
