//! Safe ways to build things, shared by the kinds: indexes, constraints, NOT NULL, and what follows a column.

use std::sync::Arc;

use smol_str::SmolStr;

use super::{outline::Outline, pairs::Pairs, rebuilt::Part};
use crate::{
    catalog::Catalog,
    dialect::{Capability, Dialect, Probe},
    plan::{Action, Backfill, PhaseKind, Undo, helper_name},
    sql::{tokens::mentions_column, *},
};

/// What the steps of a change are made with.
pub struct Builder<'a> {
    pub pairs: &'a Pairs<'a>,
}

impl<'a> Builder<'a> {
    pub fn dialect(&self) -> &'a dyn Dialect {
        self.pairs.input.dialect
    }

    pub fn can(&self, capability: Capability) -> bool {
        self.dialect().can(capability, self.pairs.input.facts.server_version)
    }

    pub fn after(&self) -> &'a Catalog {
        self.pairs.input.after
    }

    /// The table is made by this plan: empty, and nobody waits for it.
    pub fn is_new(&self, table: &Name) -> bool {
        !self.pairs.base.tables.contains_key(table)
    }

    pub fn partitioned(&self, table: &Name) -> bool {
        self.pairs.base.table(table).is_some_and(|it| it.partition_by.is_some())
    }

    /// Rows of `table` in batches along a key of `before`.
    pub fn backfill(&self, table: &Name, set: Vec<(Ident, String)>, pending: String) -> Backfill {
        let key = self.pairs.base.table(table).map(|it| key_of(it, &self.pairs.base)).unwrap_or_default();
        let fills = set.iter().map(|(column, _)| column.clone()).collect();
        Backfill { table: table.clone(), key, set, fills, pending, batch: 1000 }
    }

    /// The same along a key of `after`, for the way back from Contract.
    pub fn backfill_after(&self, table: &Name, set: Vec<(Ident, String)>, pending: String) -> Backfill {
        let key = self.after().table(table).map(|it| key_of(it, self.after())).unwrap_or_default();
        Backfill { key, ..self.backfill(table, set, pending) }
    }

    /// The name under which a part is built: its own, or a helper name while the old part still has it.
    pub fn free_name(&self, part: &Part) -> Name {
        let object = part.object();
        let name = match &object {
            ObjectRef::Constraint(table, it) => table.sibling(it.clone()),
            ObjectRef::Index(it) => it.clone(),
            _ => part.table().clone(),
        };
        let own_table = self.pairs.base.table(part.table());
        let taken =
            relation_exists(&self.pairs.base, &name) || own_table.is_some_and(|it| it.constraint(&name.name).is_some());
        if taken { name.sibling(helper_name("mc_new", &[name.name.as_str()])) } else { name }
    }

    pub fn no_followers(&self) -> Followers<'a> {
        Followers { catalog: self.after(), views: Vec::new(), policies: Vec::new(), triggers: Vec::new() }
    }

    /// What PostgreSQL ties to the column itself and would keep on the wrong copy: views, policies, triggers.
    pub fn followers(&self, table: &Name, column: &Ident) -> Followers<'a> {
        let (base, after) = (&self.pairs.base, self.after());
        let mut res = self.no_followers();
        for view in views_over(base, table, column) {
            if let Some(after) = after.views.get(&view) {
                res.views.push(after.clone());
            }
        }
        let policies = base.policies.values().filter(|it| it.table == *table);
        for policy in policies
            .filter(|it| [&it.using, &it.check].into_iter().flatten().any(|it| mentions_column(it.text(), column)))
        {
            res.policies.extend(after.policies.get(&(table.clone(), policy.name.clone())).cloned());
        }
        for trigger in base.triggers.values().filter(|it| it.table == *table && trigger_mentions(it, column)) {
            res.triggers.extend(after.triggers.get(&(table.clone(), trigger.name.clone())).cloned());
        }
        res
    }
}

fn trigger_mentions(trigger: &Trigger, column: &Ident) -> bool {
    let of = trigger.events.iter().any(|it| matches!(it, TriggerEvent::Update(columns) if columns.contains(column)));
    of || trigger.when.as_ref().is_some_and(|it| mentions_column(it.text(), column))
}

/// Views that read the column (or all columns) of a table, and views over those, bottom up.
pub fn views_over(catalog: &Catalog, table: &Name, column: &Ident) -> Vec<Name> {
    let reads = |view: &View, of: &Name| view.reads.iter().any(|it| it == of);
    let all = |view: &View| view.query.text().contains('*');
    let mut res: Vec<Name> = Vec::new();
    loop {
        let next = catalog.views.values().find(|view| {
            !res.contains(&view.name)
                && ((reads(view, table) && (all(view) || mentions_column(view.query.text(), column)))
                    || res.iter().any(|it| reads(view, it)))
        });
        match next {
            Some(view) => res.push(view.name.clone()),
            None => return res,
        }
    }
}

/// Objects that are dropped before and made again after a change of a column, in its transaction.
pub struct Followers<'a> {
    catalog: &'a Catalog,
    /// Bottom up.
    views: Vec<Arc<View>>,
    policies: Vec<Arc<Policy>>,
    triggers: Vec<Arc<Trigger>>,
}

impl Followers<'_> {
    pub fn drop(&self, acc: &mut Outline, phase: PhaseKind, group: &str) {
        for view in self.views.iter().rev() {
            let drop = Ddl::DropView {
                name: view.name.clone(),
                materialized: view.materialized,
                if_exists: false,
                cascade: false,
            };
            acc.grouped(phase, group, drop, "it reads the column and comes back in this transaction");
        }
        for it in &self.policies {
            let drop =
                Ddl::DropPolicy { table: it.table.clone(), name: it.name.clone(), if_exists: false, cascade: false };
            acc.grouped(phase, group, drop, "it names the column and comes back in this transaction");
        }
        for it in &self.triggers {
            let drop =
                Ddl::DropTrigger { table: it.table.clone(), name: it.name.clone(), if_exists: false, cascade: false };
            acc.grouped(phase, group, drop, "it names the column and comes back in this transaction");
        }
    }

    pub fn create(&self, acc: &mut Outline, phase: PhaseKind, group: &str) {
        for view in &self.views {
            for ddl in view_again(self.catalog, view) {
                acc.grouped(phase, group, ddl, "over the column that stays");
            }
        }
        for it in &self.policies {
            acc.grouped(
                phase,
                group,
                Ddl::CreatePolicy { policy: Box::new((**it).clone()) },
                "over the column that stays",
            );
        }
        for it in &self.triggers {
            acc.grouped(
                phase,
                group,
                Ddl::CreateTrigger { trigger: Box::new((**it).clone()), or_replace: false },
                "over the column that stays",
            );
        }
    }

    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.views.iter().map(|it| &it.name)
    }
}

/// A view with all that a DROP takes from it: indexes, privileges, comments, triggers.
pub fn view_again(catalog: &Catalog, view: &View) -> Vec<Ddl> {
    let mut res = vec![Ddl::CreateView { view: Box::new(view.clone()), or_replace: false, if_not_exists: false }];
    for index in catalog.indexes_of(&view.name) {
        res.push(Ddl::CreateIndex { index: Box::new((**index).clone()), concurrently: false, if_not_exists: false });
    }
    res.extend(attachments(catalog, &view.name));
    for trigger in catalog.triggers.values().filter(|it| it.table == view.name) {
        res.push(Ddl::CreateTrigger { trigger: Box::new((**trigger).clone()), or_replace: false });
    }
    res
}

/// Comments and privileges of a relation and its parts.
pub fn attachments(catalog: &Catalog, relation: &Name) -> Vec<Ddl> {
    let of = |object: &ObjectRef| object.relation() == Some(relation);
    let comments = catalog.comments.iter().filter(|(object, _)| of(object));
    let mut res: Vec<Ddl> =
        comments.map(|(object, text)| Ddl::Comment { object: object.clone(), text: Some(text.clone()) }).collect();
    res.extend(catalog.privileges.iter().filter(|it| of(&it.object)).map(grant));
    res
}

pub fn grant(it: &Privilege) -> Ddl {
    Ddl::Grant {
        privileges: vec![it.privilege.clone()],
        objects: vec![it.object.clone()],
        grantees: vec![it.grantee.clone()],
        grantable: it.grantable,
    }
}

pub fn revoke(it: &Privilege) -> Ddl {
    Ddl::Revoke {
        privileges: vec![it.privilege.clone()],
        objects: vec![it.object.clone()],
        grantees: vec![it.grantee.clone()],
        option_only: false,
        cascade: false,
    }
}

/// Is the name taken among relations (tables, views, sequences, indexes and those of constraints)?
pub fn relation_exists(catalog: &Catalog, name: &Name) -> bool {
    let own = |it: &&Arc<Table>| it.name.schema == name.schema;
    let backed = |it: &Constraint| {
        it.name.as_ref() == Some(&name.name)
            && matches!(it.kind, ConstraintKind::PrimaryKey(_) | ConstraintKind::Unique(_) | ConstraintKind::Exclude(_))
    };
    catalog.tables.contains_key(name)
        || catalog.indexes.contains_key(name)
        || catalog.sequences.contains_key(name)
        || catalog.views.contains_key(name)
        || catalog.tables.values().filter(own).any(|it| it.constraints.iter().any(backed))
}

/// A unique, NOT NULL key of the table to page by: the primary key, else a unique constraint or index.
fn key_of(table: &Table, catalog: &Catalog) -> Vec<(Ident, DataType)> {
    let typed = |columns: &[Ident]| -> Option<Vec<(Ident, DataType)>> {
        let column = |name: &Ident| table.column(name).filter(|it| it.not_null).map(|it| (name.clone(), it.ty.clone()));
        columns.iter().map(column).collect()
    };
    let primary = table.primary_key().into_iter();
    let unique = table.constraints.iter().filter(|it| matches!(it.kind, ConstraintKind::Unique(_)) && !it.deferrable);
    let constraints = primary.chain(unique).filter_map(|it| match &it.kind {
        ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key) if !key.without_overlaps => typed(&key.columns),
        _ => None,
    });
    let indexes = catalog.indexes_of(&table.name).filter(|it| it.unique && it.predicate.is_none()).filter_map(|it| {
        let plain = |key: &IndexKey| match &key.expr {
            KeyExpr::Column(name) if !key.descending && key.opclass.is_none() && key.collation.is_none() => {
                Some(name.clone())
            }
            _ => None,
        };
        typed(&it.keys.iter().map(plain).collect::<Option<Vec<Ident>>>()?)
    });
    constraints.chain(indexes).next().unwrap_or_default()
}

/// A domain with a CHECK or NOT NULL: adding a column of it rewrites the table (measured 13–18).
pub fn constrained_domain(catalog: &Catalog, ty: &DataType) -> bool {
    let name = Name { schema: ty.schema.clone().or_else(|| Some(Ident::new("public"))), name: Ident::new(&ty.name) };
    catalog.types.get(&name).is_some_and(|it| match &it.kind {
        TypeKind::Domain(domain) => domain.not_null || !domain.checks.is_empty(),
        _ => false,
    })
}

/// Builds an index without blocking writers; on a partitioned table partition by partition.
pub fn index(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, index: &Index) {
    index_steps(b, acc, phase, index);
    if let Some(name) = index.name.clone().filter(|_| !b.is_new(&index.table)) {
        acc.verify(phase, b.dialect(), Probe::IndexValid(name));
    }
}

/// The steps of [`index`], for an index that has another name by the end of the phase.
fn index_steps(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, index: &Index) {
    let Some(name) = index.name.clone() else { return };
    if b.is_new(&index.table) && !b.pairs.base.views.contains_key(&index.table) {
        let create = Ddl::CreateIndex { index: Box::new(index.clone()), concurrently: false, if_not_exists: false };
        acc.step(phase, create, "the table is new and empty");
        return;
    }
    if index.unique {
        duplicates(b, acc, phase, index);
    }
    if b.partitioned(&index.table) && !index.only {
        partitioned_index(b, acc, phase, index, &name);
    } else {
        acc.preflight(phase, b.dialect(), Probe::NoInvalidIndex(name.clone()));
        let create = Ddl::CreateIndex { index: Box::new(index.clone()), concurrently: true, if_not_exists: false };
        acc.step(phase, create, "built beside running writes; it waits for transactions that are open when it starts");
    }
}

fn duplicates(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, index: &Index) {
    let columns: Option<Vec<Ident>> = index
        .keys
        .iter()
        .map(|it| match &it.expr {
            KeyExpr::Column(it) => Some(it.clone()),
            KeyExpr::Expr(_) => None,
        })
        .collect();
    if let Some(columns) = columns {
        let (table, predicate) = (index.table.clone(), index.predicate.clone());
        let probe = Probe::Duplicates { table, columns, predicate, nulls_not_distinct: index.nulls_not_distinct };
        acc.preflight(phase, b.dialect(), probe);
    }
}

/// `ON ONLY` the parent, CONCURRENTLY on each partition, then attach (playbook §4.6, HAZARDS I06).
fn partitioned_index(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, parent: &Index, name: &Name) {
    let only = Index { only: true, ..parent.clone() };
    let create = Ddl::CreateIndex { index: Box::new(only), concurrently: false, if_not_exists: false };
    acc.step(phase, create, "an empty shell on the parent; CONCURRENTLY is refused there");
    let partitions: Vec<Arc<Table>> = b.pairs.base.partitions_of(&parent.table).cloned().collect();
    for partition in partitions {
        let child = partition.name.sibling(helper_name(name.name.as_str(), &[partition.name.name.as_str()]));
        let own = Index { name: Some(child.clone()), table: partition.name.clone(), ..parent.clone() };
        if partition.partition_by.is_some() {
            partitioned_index(b, acc, phase, &own, &child);
        } else {
            let create = Ddl::CreateIndex { index: Box::new(own), concurrently: true, if_not_exists: false };
            acc.step(phase, create, "built beside running writes");
        }
        acc.step(
            phase,
            Ddl::AttachIndex { parent: name.clone(), index: child },
            "the parent's index is valid once all are attached",
        )
        .undo(Undo::Nothing);
    }
}

/// Drops an index without blocking writers where the server allows it.
pub fn drop_index(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, name: &Name, why: &str) {
    let on_partitioned = b.pairs.base.indexes.get(name).is_some_and(|it| b.partitioned(&it.table));
    let drop = Ddl::DropIndex { name: name.clone(), concurrently: !on_partitioned, if_exists: false, cascade: false };
    acc.step(phase, drop, why);
    acc.verify(phase, b.dialect(), Probe::Gone(ObjectRef::Index(name.clone())));
}

/// The index behind a primary key or unique constraint.
pub fn backing_index(table: &Name, name: &Ident, key: &KeyConstraint) -> Index {
    Index {
        name: Some(table.sibling(name.clone())),
        table: table.clone(),
        unique: true,
        method: Ident::new("btree"),
        keys: key.columns.iter().cloned().map(IndexKey::column).collect(),
        include: key.include.clone(),
        nulls_not_distinct: key.nulls_not_distinct,
        predicate: None,
        options: key.options.clone(),
        tablespace: key.tablespace.clone(),
        only: false,
        attached_to: None,
        statistics: Default::default(),
    }
}

/// Builds the unique index that will back a key.
pub fn key_index(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, table: &Name, constraint: &Constraint) {
    let (ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key)) = &constraint.kind else { return };
    let Some(name) = &constraint.name else { return };
    let backing = backing_index(table, name, key);
    index_steps(b, acc, phase, &backing);
}

/// Adds a constraint so that no lock is held while rows are read.
pub fn constraint(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, table: &Name, it: &Constraint) {
    let whole = |it: &Constraint| Ddl::AddConstraint { table: table.clone(), constraint: Box::new(it.clone()) };
    let Some(name) = it.name.clone() else { return };
    if b.is_new(table) {
        acc.step(phase, whole(it), "the table is new and empty");
        return;
    }
    let partitioned = b.partitioned(table);
    match &it.kind {
        ConstraintKind::Check(check) if !it.not_enforced => {
            acc.preflight(phase, b.dialect(), Probe::Violations { table: table.clone(), check: check.clone() });
            not_valid_then_valid(b, acc, phase, table, it, &name);
        }
        ConstraintKind::ForeignKey(fk) if !it.not_enforced => {
            if !b.is_new(&fk.references) {
                acc.preflight(phase, b.dialect(), Probe::Orphans { table: table.clone(), foreign_key: fk.clone() });
            }
            if partitioned && !b.can(Capability::PartitionedForeignKeyNotValid) {
                acc.hazard("foreign-key-without-not-valid", Severity::Warning, format!("{table} is partitioned: before PostgreSQL 18 its foreign key {name} is checked while writes to both tables wait"));
                acc.step(phase, whole(it), "NOT VALID is refused on a partitioned table before PostgreSQL 18");
            } else {
                not_valid_then_valid(b, acc, phase, table, it, &name);
            }
        }
        ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key) if !key.without_overlaps && !partitioned => {
            let primary = matches!(it.kind, ConstraintKind::PrimaryKey(_));
            key_index(b, acc, phase, table, it);
            if primary {
                for column in &key.columns {
                    if b.pairs.base.table(table).and_then(|it| it.column(column)).is_some_and(|it| !it.not_null) {
                        enforce_not_null(b, acc, phase, table, column);
                    }
                }
            }
            let (deferrable, initially_deferred) = (it.deferrable, it.initially_deferred);
            let promote = Ddl::AddConstraintUsingIndex {
                table: table.clone(),
                name: Some(name.clone()),
                primary,
                index: name.clone(),
                deferrable,
                initially_deferred,
            };
            acc.step(phase, promote, "the index is there already: only the catalog changes");
            acc.verify(phase, b.dialect(), Probe::ConstraintValid { table: table.clone(), name });
        }
        ConstraintKind::Check(_) | ConstraintKind::ForeignKey(_) => {
            acc.step(phase, whole(it), "not enforced: no row is read");
        }
        _ => {
            acc.hazard(
                "constraint-builds-index",
                Severity::Warning,
                format!("{name} builds its index while nobody can use {table}; PostgreSQL has no other way"),
            );
            acc.step(phase, whole(it), "there is no way to build it beside running writes");
        }
    }
}

fn not_valid_then_valid(
    b: &Builder<'_>,
    acc: &mut Outline,
    phase: PhaseKind,
    table: &Name,
    it: &Constraint,
    name: &Ident,
) {
    let pending = Constraint { not_valid: true, ..it.clone() };
    let add = Ddl::AddConstraint { table: table.clone(), constraint: Box::new(pending) };
    acc.step(phase, add, "NOT VALID: holds for new rows at once, reads no old ones");
    if !it.not_valid {
        acc.step(
            phase,
            Ddl::ValidateConstraint { table: table.clone(), name: name.clone() },
            "reads the old rows while reads and writes go on",
        );
        acc.verify(phase, b.dialect(), Probe::ConstraintValid { table: table.clone(), name: name.clone() });
    }
}

/// NOT NULL without reading the table under a lock.
pub fn enforce_not_null(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, table: &Name, column: &Ident) {
    not_null_steps(b, acc, phase, table, column);
    acc.verify(phase, b.dialect(), Probe::NotNull { table: table.clone(), column: column.clone(), expect: true });
}

/// The steps of [`enforce_not_null`], for a column that has another name by the end of the phase.
pub fn not_null_steps(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, table: &Name, column: &Ident) {
    acc.preflight(phase, b.dialect(), Probe::Nulls { table: table.clone(), column: column.clone() });
    let group = format!("nn:{table}.{column}");
    let proven = b.pairs.base.table(table).is_some_and(|it| {
        it.constraints.iter().any(|it| match &it.kind {
            ConstraintKind::Check(check) => !it.not_valid && !it.not_enforced && *check == is_not_null(b, column),
            _ => false,
        })
    });
    if proven {
        acc.step(
            phase,
            Ddl::SetNotNull { table: table.clone(), column: column.clone() },
            "a valid CHECK proves it already",
        );
    } else {
        for ddl in not_null_actions(b, table, column) {
            let why = match &ddl {
                Ddl::AddConstraint { .. } => "NOT VALID: holds for new rows at once, reads no old ones",
                Ddl::ValidateConstraint { .. } => "reads the old rows while reads and writes go on",
                Ddl::SetNotNull { .. } => "the valid CHECK proves it: no row is read",
                _ => "NOT NULL says it now",
            };
            let last = matches!(ddl, Ddl::SetNotNull { .. } | Ddl::DropConstraint { .. });
            let undo = scaffold_undo(&ddl);
            let draft = if last { acc.grouped(phase, &group, ddl, why) } else { acc.step(phase, ddl, why) };
            if let Some(undo) = undo {
                draft.undo(undo);
            }
        }
    }
}

/// The check is a scaffold: it need not come back only to go again; left by a failure half way, it goes.
fn scaffold_undo(ddl: &Ddl) -> Option<Undo> {
    match ddl {
        Ddl::DropConstraint { .. } => Some(Undo::Nothing),
        Ddl::AddConstraint { table, constraint } => match (&constraint.kind, &constraint.name) {
            (ConstraintKind::Check(_), Some(name)) => {
                let drop =
                    Ddl::DropConstraint { table: table.clone(), name: name.clone(), if_exists: true, cascade: false };
                Some(Undo::By(vec![Action::Ddl(drop)]))
            }
            // The validated NOT NULL constraint is the column's own by then.
            (ConstraintKind::NotNull(column), _) => {
                Some(Undo::By(vec![Action::Ddl(Ddl::DropNotNull { table: table.clone(), column: column.clone() })]))
            }
            _ => None,
        },
        _ => None,
    }
}

fn is_not_null(b: &Builder<'_>, column: &Ident) -> Expr {
    b.dialect().expr(&format!("{} IS NOT NULL", b.dialect().quote(column)))
}

/// The statements of [`enforce_not_null`].
pub fn not_null_actions(b: &Builder<'_>, table: &Name, column: &Ident) -> Vec<Ddl> {
    let add = |name: &Ident, kind: ConstraintKind| {
        let constraint = Constraint { not_valid: true, ..Constraint::new(Some(name.clone()), kind) };
        Ddl::AddConstraint { table: table.clone(), constraint: Box::new(constraint) }
    };
    let validate = |name: &Ident| Ddl::ValidateConstraint { table: table.clone(), name: name.clone() };
    if b.can(Capability::NotNullNotValid) {
        let name = helper_name(table.name.as_str(), &[column.as_str(), "not_null"]);
        return vec![add(&name, ConstraintKind::NotNull(column.clone())), validate(&name)];
    }
    let name = helper_name("mc_nn", &[table.name.as_str(), column.as_str()]);
    vec![
        add(&name, ConstraintKind::Check(is_not_null(b, column))),
        validate(&name),
        Ddl::SetNotNull { table: table.clone(), column: column.clone() },
        Ddl::DropConstraint { table: table.clone(), name, if_exists: false, cascade: false },
    ]
}

/// Storage, compression, statistics target and options of a new column.
pub fn column_settings(table: &Name, column: &Column) -> Vec<Ddl> {
    let (table, name) = (table.clone(), column.name.clone());
    let mut res = Vec::new();
    if let Some(storage) = column.storage.clone() {
        res.push(Ddl::SetColumnStorage { table: table.clone(), column: name.clone(), storage });
    }
    if column.compression.is_some() {
        res.push(Ddl::SetColumnCompression {
            table: table.clone(),
            column: name.clone(),
            method: column.compression.clone(),
        });
    }
    if column.statistics.is_some() {
        res.push(Ddl::SetColumnStatistics { table: table.clone(), column: name.clone(), target: column.statistics });
    }
    if !column.options.is_empty() {
        res.push(Ddl::SetColumnOptions { table, column: name, set: column.options.clone(), reset: Vec::new() });
    }
    res
}

/// How values of a type are stored when nothing is said (`pg_type.typstorage`). `SET STORAGE DEFAULT` needs PostgreSQL 16.
pub fn default_storage(ty: &DataType) -> SmolStr {
    let fixed = [
        "smallint",
        "integer",
        "bigint",
        "real",
        "double precision",
        "boolean",
        "date",
        "uuid",
        "interval",
        "oid",
        "time without time zone",
        "time with time zone",
        "timestamp without time zone",
        "timestamp with time zone",
        "macaddr",
    ];
    match ty.name.as_str() {
        _ if ty.array => "EXTENDED",
        "numeric" | "inet" | "cidr" => "MAIN",
        name if fixed.contains(&name) => "PLAIN",
        _ => "EXTENDED",
    }
    .into()
}

/// A value any row can take for a column that comes back empty; `None` where there is none that is sure to do.
pub fn filler(b: &Builder<'_>, column: &Column) -> Option<String> {
    let typed = |value: &str| Some(format!("'{value}'::{}", b.dialect().render_type(&column.ty)));
    let first_label = || {
        let name = Name {
            schema: column.ty.schema.clone().or_else(|| Some(Ident::new("public"))),
            name: Ident::new(&column.ty.name),
        };
        match &b.after().types.get(&name)?.kind {
            TypeKind::Enum(labels) if !column.ty.array => {
                Some(format!("{}::{}", b.dialect().literal(labels.first()?), b.dialect().render_type(&column.ty)))
            }
            _ => None,
        }
    };
    b.dialect().neutral_value(&column.ty, b.after()).or_else(first_label).or_else(|| match column.ty.name.as_str() {
        "date" | "timestamp with time zone" | "timestamp without time zone" => typed("epoch"),
        "time without time zone" | "time with time zone" => typed("00:00"),
        "uuid" => typed("00000000-0000-0000-0000-000000000000"),
        "inet" | "cidr" => typed("0.0.0.0"),
        _ => None,
    })
}
