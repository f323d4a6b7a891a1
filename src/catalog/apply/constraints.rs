//! Constraints: names, what they refer to, NOT NULL of primary keys.

use std::sync::Arc;

use super::{Applied, ApplyError};
use crate::{
    catalog::{
        Catalog,
        naming::{addition, index_columns, object_name},
        resolve::{IndexAt, missing, refused},
    },
    sql::*,
};

impl Catalog {
    /// The server merges key constraints of one CREATE TABLE that are the same (`transformIndexConstraints`):
    /// `UNIQUE PRIMARY KEY` is a primary key.
    pub(super) fn merge_duplicate_keys(&self, constraints: Vec<Constraint>) -> Vec<Constraint> {
        let mut res: Vec<Constraint> = Vec::with_capacity(constraints.len());
        for it in constraints {
            let twin = res.iter_mut().find(|other| same_key(other, &it));
            match twin {
                None => res.push(it),
                Some(twin) => {
                    let name = twin.name.take().or(it.name.clone());
                    if matches!(it.kind, ConstraintKind::PrimaryKey(_)) {
                        *twin = it;
                    }
                    twin.name = name;
                }
            }
        }
        res
    }

    /// Names and completes the constraints of a new table, in the server's order: checks, primary key, other
    /// keys, foreign keys. Sets NOT NULL for the primary key.
    pub(super) fn complete_constraints(&self, table: &mut Table) -> Applied {
        let mut order: Vec<usize> = (0..table.constraints.len()).collect();
        order.sort_by_key(|&at| table.constraints.get(at).map(|it| rank(&it.kind)));
        let mut taken: Vec<Ident> = table.constraints.iter().filter_map(|it| it.name.clone()).collect();
        let mut done: Vec<Option<Constraint>> = vec![None; table.constraints.len()];
        for at in order {
            let Some(written) = table.constraints.get(at) else { continue };
            let complete = self.complete_constraint(table, written, &taken)?;
            taken.extend(complete.name.clone());
            if let ConstraintKind::PrimaryKey(key) = &complete.kind {
                mark_not_null(table, &key.columns.clone());
            }
            if let Some(slot) = done.get_mut(at) {
                *slot = Some(complete);
            }
        }
        let mut constraints: Vec<Constraint> = done.into_iter().flatten().collect();
        if constraints.iter().filter(|it| matches!(it.kind, ConstraintKind::PrimaryKey(_))).count() > 1 {
            return Err(refused(format!("multiple primary keys for table {} are not allowed", table.name)));
        }
        // A valid NOT NULL constraint is the column's own matter.
        for it in &constraints {
            if let (ConstraintKind::NotNull(column), false) = (&it.kind, it.not_valid) {
                name_not_null(table, column, it.name.as_ref());
            }
        }
        constraints.retain(|it| it.not_valid || !matches!(it.kind, ConstraintKind::NotNull(_)));
        table.constraints = constraints;
        Ok(())
    }

    /// A constraint with its name, its columns checked and its foreign key resolved.
    pub(super) fn complete_constraint(
        &self,
        table: &Table,
        written: &Constraint,
        taken: &[Ident],
    ) -> Result<Constraint, ApplyError> {
        let mut res = written.clone();
        let unknown = self.unknown.contains_key(&table.name);
        for column in written.kind.columns() {
            if table.column(column).is_none() && !unknown {
                return Err(missing("column", format!("{}.{column}", table.name)));
            }
        }
        if let ConstraintKind::ForeignKey(fk) = &mut res.kind {
            self.complete_foreign_key(table, fk)?;
        }
        if let ConstraintKind::Exclude(it) = &mut res.kind {
            it.method = if it.method.as_str().is_empty() { "btree".into() } else { it.method.clone() };
        }
        if let ConstraintKind::Check(expr) = &mut res.kind {
            *expr = own(expr, &table.name);
        }
        res.initially_deferred &= !matches!(res.kind, ConstraintKind::Check(_) | ConstraintKind::NotNull(_));
        res.deferrable |= res.initially_deferred;
        // What is not enforced is not valid either (PostgreSQL 18).
        res.not_valid |= res.not_enforced;
        if res.name.is_none() {
            res.name = Some(self.choose_for(table, &res.kind, taken));
        }
        Ok(res)
    }

    fn choose_for(&self, table: &Table, kind: &ConstraintKind, taken: &[Ident]) -> Ident {
        let columns = |it: &[Ident]| addition(it.iter().map(Ident::as_str));
        match kind {
            ConstraintKind::PrimaryKey(_) => self.choose_relation_name(&table.name, None, "pkey", true, taken),
            ConstraintKind::Unique(key) => {
                let keys: Vec<IndexKey> = key.columns.iter().cloned().map(IndexKey::column).collect();
                let columns = index_columns(&keys, &key.include);
                let addition = addition(columns.iter().map(String::as_str));
                self.choose_relation_name(&table.name, Some(&addition), "key", true, taken)
            }
            ConstraintKind::Exclude(it) => {
                let keys: Vec<IndexKey> = it.elements.iter().map(|(key, _)| key.clone()).collect();
                let columns = index_columns(&keys, &it.include);
                let addition = addition(columns.iter().map(String::as_str));
                self.choose_relation_name(&table.name, Some(&addition), "excl", true, taken)
            }
            ConstraintKind::ForeignKey(fk) => {
                self.choose_constraint_name(&table.name, Some(&columns(&fk.columns)), "fkey", taken)
            }
            // Named after its column when it mentions exactly one (`AddRelationNewConstraints`).
            ConstraintKind::Check(expr) => {
                let mentioned = tokens::columns_among(expr.text(), table.columns.iter().map(|it| &it.name));
                let only = if let [only] = mentioned.as_slice() { Some(only.as_str()) } else { None };
                self.choose_constraint_name(&table.name, only, "check", taken)
            }
            ConstraintKind::NotNull(column) => {
                self.choose_constraint_name(&table.name, Some(column.as_str()), "not_null", taken)
            }
        }
    }

    fn complete_foreign_key(&self, table: &Table, fk: &mut ForeignKey) -> Applied {
        // A foreign key to the table that is being created: it is not in the catalog yet.
        let itself = self.find_table(&fk.references).is_err()
            && fk.references.name == table.name.name
            && fk.references.schema.as_ref().is_none_or(|it| Some(it) == table.name.schema.as_ref());
        let referenced: &Table = if itself || self.find_table(&fk.references).is_ok_and(|it| it == table.name) {
            fk.references = table.name.clone();
            table
        } else {
            match self.find_table(&fk.references) {
                Ok(found) => fk.references = found,
                Err(_) if self.is_unknown(&fk.references) => return Ok(()),
                Err(error) => return Err(error),
            }
            self.tables.get(&fk.references).map(Arc::as_ref).ok_or_else(|| missing("table", &fk.references))?
        };
        let unknown = self.unknown.contains_key(&referenced.name);
        if fk.referenced_columns.is_empty() {
            match referenced.primary_key().map(|it| &it.kind) {
                Some(ConstraintKind::PrimaryKey(key)) => fk.referenced_columns = key.columns.clone(),
                _ if unknown => return Ok(()),
                _ => {
                    return Err(ApplyError::Missing(format!(
                        "there is no primary key for referenced table {}",
                        fk.references
                    )));
                }
            }
        }
        if fk.referenced_columns.len() != fk.columns.len() {
            return Err(refused(format!(
                "foreign key of {}: number of referencing and referenced columns differ",
                table.name
            )));
        }
        if let Some(column) = fk.referenced_columns.iter().find(|it| referenced.column(it).is_none() && !unknown) {
            return Err(missing("column", format!("{}.{column}", fk.references)));
        }
        if !unknown && !self.has_key(referenced, &fk.referenced_columns) {
            let columns = fk.referenced_columns.iter().map(Ident::as_str).collect::<Vec<_>>().join(", ");
            let message = format!(
                "there is no unique constraint on {} ({columns}) for a foreign key of {}",
                fk.references, table.name
            );
            return Err(ApplyError::Missing(message));
        }
        Ok(())
    }

    /// Is there a key or a unique index on just these columns, in any order?
    pub(in crate::catalog) fn has_key(&self, table: &Table, columns: &[Ident]) -> bool {
        let same = |key: &[Ident]| key.len() == columns.len() && key.iter().all(|it| columns.contains(it));
        let constraint = table.constraints.iter().any(|it| match &it.kind {
            ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key) => same(&key.columns),
            _ => false,
        });
        constraint
            || self
                .indexes_of(&table.name)
                .any(|it| it.unique && it.predicate.is_none() && plain_columns(it).is_some_and(|it| same(&it)))
    }

    pub(super) fn add_constraint(&mut self, table: &Name, written: &Constraint) -> Applied {
        let table = self.find_table(table)?;
        let owner = self.tables.get(&table).ok_or_else(|| missing("table", &table))?.clone();
        let complete = self.complete_constraint(&owner, written, &[])?;
        self.check_addition(&owner, &complete)?;
        if let Some(twin) = self.inherited_twin(&owner, &complete) {
            // Dumps name the keys of partitions again that their parent's key has already brought.
            self.take_constraint(&table, &twin);
            self.push_constraint(&table, complete);
            return Ok(());
        }
        self.add_complete(&table, complete);
        Ok(())
    }

    fn check_addition(&self, owner: &Table, constraint: &Constraint) -> Applied {
        let Some(name) = &constraint.name else { return Ok(()) };
        let twin = self.inherited_twin(owner, constraint);
        if owner.constraint(name).is_some() && twin.as_ref() != Some(name) {
            return Err(refused(format!("constraint {name} of {} already exists", owner.name)));
        }
        if constraint.is_key() && self.relation_exists(&owner.name.sibling(name.clone())) && twin.as_ref() != Some(name)
        {
            return Err(refused(format!("relation {name} already exists")));
        }
        if matches!(constraint.kind, ConstraintKind::PrimaryKey(_)) && owner.primary_key().is_some() && twin.is_none() {
            return Err(refused(format!("multiple primary keys for table {} are not allowed", owner.name)));
        }
        Ok(())
    }

    /// The key of a partition that is the same as the new one and came from its parent.
    fn inherited_twin(&self, owner: &Table, constraint: &Constraint) -> Option<Ident> {
        let parent = self.tables.get(&owner.partition_of.as_ref()?.parent)?;
        let same =
            |it: &&Constraint| same_key(it, constraint) && parent.constraints.iter().any(|above| same_key(above, it));
        owner.constraints.iter().find(same).and_then(|it| it.name.clone())
    }

    /// Adds a complete constraint here and, where it is inherited, below.
    pub(super) fn add_complete(&mut self, table: &Name, constraint: Constraint) {
        let children = if constraint.no_inherit { Vec::new() } else { self.children(table) };
        match &constraint.kind {
            ConstraintKind::PrimaryKey(key) => {
                if let Ok(owner) = self.table_mut(table) {
                    mark_not_null(owner, &key.columns);
                }
            }
            ConstraintKind::NotNull(column) if !constraint.not_valid => {
                if let Ok(owner) = self.table_mut(table) {
                    name_not_null(owner, column, constraint.name.as_ref());
                }
            }
            _ => {}
        }
        let pending = constraint.not_valid || !matches!(constraint.kind, ConstraintKind::NotNull(_));
        if pending {
            self.push_constraint(table, constraint.clone());
        }
        for child in children {
            self.inherit_constraint(&child, &constraint);
        }
    }

    /// What a child takes over of its parent's constraint: checks and foreign keys by name, keys of partitions
    /// under names of their own; what it has already is merged.
    pub(super) fn inherit_constraint(&mut self, child: &Name, constraint: &Constraint) {
        let Some(owner) = self.tables.get(child).cloned() else { return };
        let partition = owner.partition_of.is_some();
        let inherited = match &constraint.kind {
            ConstraintKind::Check(_) | ConstraintKind::NotNull(_) => true,
            ConstraintKind::ForeignKey(_) => partition,
            ConstraintKind::PrimaryKey(_) | ConstraintKind::Unique(_) | ConstraintKind::Exclude(_) => partition,
        };
        let merged = owner.constraints.iter().any(|it| match &constraint.kind {
            ConstraintKind::ForeignKey(_) => it.kind == constraint.kind,
            _ if constraint.is_key() => same_key(it, constraint),
            _ => it.name == constraint.name,
        });
        if !inherited || merged {
            return;
        }
        let mut copy = constraint.clone();
        let clash = copy.name.as_ref().is_some_and(|it| owner.constraint(it).is_some());
        if constraint.is_key() || clash {
            copy.name = Some(self.choose_for(&owner, &copy.kind, &[]));
        }
        self.add_complete(child, copy);
    }

    pub(super) fn add_constraint_using_index(&mut self, ddl: &Ddl) -> Applied {
        let Ddl::AddConstraintUsingIndex { table, name, primary, index, deferrable, initially_deferred } = ddl else {
            return Ok(());
        };
        let table = self.find_table(table)?;
        let at = table.sibling(index.clone());
        let Some(IndexAt::Own(found)) = self.find_index(&at) else { return Err(missing("index", &at)) };
        let Some(taken) = self.indexes.get(&found).filter(|it| it.table == table).cloned() else {
            return Err(refused(format!("index {index} does not belong to table {table}")));
        };
        if !taken.unique || taken.predicate.is_some() || taken.method.as_str() != "btree" {
            return Err(refused(format!("{index} is not a unique index over the whole table")));
        }
        let default_order = |it: &IndexKey| !it.descending && it.nulls_first.is_none() && it.opclass.is_none();
        let columns = plain_columns(&taken).filter(|_| taken.keys.iter().all(default_order));
        let Some(columns) = columns else {
            return Err(refused(format!(
                "index {index} has expressions or a sort order that a constraint cannot have"
            )));
        };
        let key = KeyConstraint {
            columns,
            include: taken.include.clone(),
            nulls_not_distinct: taken.nulls_not_distinct,
            without_overlaps: false,
            options: taken.options.clone(),
            tablespace: taken.tablespace.clone(),
        };
        let kind = if *primary { ConstraintKind::PrimaryKey(key) } else { ConstraintKind::Unique(key) };
        let mut constraint = Constraint::new(Some(name.clone().unwrap_or_else(|| index.clone())), kind);
        constraint.deferrable = *deferrable || *initially_deferred;
        constraint.initially_deferred = *initially_deferred;
        self.indexes.remove(&found);
        let owner = self.tables.get(&table).ok_or_else(|| missing("table", &table))?.clone();
        self.check_addition(&owner, &constraint)?;
        let to = constraint.name.clone().map(|it| table.sibling(it)).unwrap_or_else(|| found.clone());
        self.rekey(|it| (*it == ObjectRef::Index(found.clone())).then(|| ObjectRef::Index(to.clone())));
        self.follow_index_name(&table, index, &to.name);
        self.add_complete(&table, constraint);
        Ok(())
    }

    /// CLUSTER and REPLICA IDENTITY remember an index by name.
    pub(super) fn follow_index_name(&mut self, table: &Name, from: &Ident, to: &Ident) {
        let uses = |it: &Table| {
            it.cluster_on.as_ref() == Some(from) || it.replica_identity == ReplicaIdentity::Index(from.clone())
        };
        let Some(owner) = self.tables.get_mut(table).filter(|it| uses(it)).map(Arc::make_mut) else { return };
        if owner.cluster_on.as_ref() == Some(from) {
            owner.cluster_on = Some(to.clone());
        }
        if owner.replica_identity == ReplicaIdentity::Index(from.clone()) {
            owner.replica_identity = ReplicaIdentity::Index(to.clone());
        }
    }

    pub(super) fn validate_constraint(&mut self, table: &Name, name: &Ident) -> Applied {
        let table = self.find_table(table)?;
        let found = self.tables.get(&table).and_then(|it| it.constraint(name)).cloned();
        let Some(found) = found else {
            let holds = self.tables.get(&table).is_some_and(|it| named_not_null(it, name).is_some());
            return if holds || self.unknown.contains_key(&table) {
                Ok(())
            } else {
                Err(missing("constraint", format!("{name} of {table}")))
            };
        };
        if found.not_enforced {
            return Err(refused(format!("cannot validate NOT ENFORCED constraint {name}")));
        }
        if let ConstraintKind::NotNull(column) = &found.kind {
            self.take_constraint(&table, name);
            self.set_not_null(&table, column)?;
            if let Ok(owner) = self.table_mut(&table) {
                name_not_null(owner, column, Some(name));
            }
        } else {
            self.edit_constraint(&table, name, |it| it.not_valid = false);
        }
        for child in self.children(&table) {
            if self.tables.get(&child).is_some_and(|it| it.constraint(name).is_some()) {
                self.validate_constraint(&child, name)?;
            }
        }
        Ok(())
    }

    pub(super) fn edit_constraint(&mut self, table: &Name, name: &Ident, change: impl FnOnce(&mut Constraint)) {
        let owner = self.tables.get_mut(table).map(Arc::make_mut);
        if let Some(it) = owner.and_then(|it| it.constraints.iter_mut().find(|it| it.name.as_ref() == Some(name))) {
            change(it);
        }
    }

    pub(super) fn alter_constraint(&mut self, ddl: &Ddl) -> Applied {
        let Ddl::AlterConstraint { table, name, deferrable, initially_deferred, enforced } = ddl else { return Ok(()) };
        let table = self.find_table(table)?;
        let found = self.tables.get(&table).and_then(|it| it.constraint(name));
        let Some(found) = found else { return Err(missing("constraint", format!("{name} of {table}"))) };
        if !matches!(found.kind, ConstraintKind::ForeignKey(_)) {
            return Err(refused(format!("constraint {name} of {table} is not a foreign key constraint")));
        }
        let deferred = initially_deferred.unwrap_or(found.initially_deferred && deferrable.unwrap_or(true));
        let deferrable = deferrable.unwrap_or(found.deferrable) || deferred;
        let enforced = *enforced;
        self.edit_constraint(&table, name, |it| {
            it.deferrable = deferrable;
            it.initially_deferred = deferred;
            if let Some(enforced) = enforced {
                it.not_enforced = !enforced;
                // Becoming ENFORCED validates (manual: ALTER TABLE, PostgreSQL 18).
                it.not_valid = !enforced;
            }
        });
        Ok(())
    }
}

fn rank(kind: &ConstraintKind) -> u8 {
    match kind {
        ConstraintKind::NotNull(_) | ConstraintKind::Check(_) => 0,
        ConstraintKind::PrimaryKey(_) => 1,
        ConstraintKind::Unique(_) | ConstraintKind::Exclude(_) => 2,
        ConstraintKind::ForeignKey(_) => 3,
    }
}

pub(super) fn mark_not_null(table: &mut Table, columns: &[Ident]) {
    for column in columns {
        if let Some(it) = table.column_mut(column) {
            it.not_null = true;
        }
    }
}

/// NOT NULL under this name; the one that the server would choose itself is not kept.
pub(super) fn name_not_null(table: &mut Table, column: &Ident, name: Option<&Ident>) {
    let implicit = implicit_not_null(&table.name, column);
    if let Some(it) = table.column_mut(column) {
        it.set_not_null(name.filter(|it| **it != implicit));
    }
}

/// What PostgreSQL 18 calls the NOT NULL of a column that was given no name (`ChooseConstraintName`).
pub(super) fn implicit_not_null(table: &Name, column: &Ident) -> Ident {
    object_name(table.name.as_str(), Some(column.as_str()), "not_null")
}

/// The column whose NOT NULL has this name.
pub(super) fn named_not_null<'a>(table: &'a Table, name: &Ident) -> Option<&'a Column> {
    table.columns.iter().filter(|it| it.not_null).find(|it| match &it.not_null_name {
        Some(own) => own == name,
        None => implicit_not_null(&table.name, &it.name) == *name,
    })
}

/// The expression, compared without the table's name before its columns, as the server prints it.
pub(super) fn own(expr: &Expr, table: &Name) -> Expr {
    Expr::new(expr.text(), tokens::drop_qualifier(expr.canon(), &table.name))
}

/// Two keys over the same columns, primary or not.
pub(super) fn same_key(a: &Constraint, b: &Constraint) -> bool {
    let key = |it: &Constraint| match &it.kind {
        ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key) => Some(key.clone()),
        _ => None,
    };
    let same = match (key(a), key(b)) {
        (Some(a), Some(b)) => a == b,
        (None, None) => matches!(a.kind, ConstraintKind::Exclude(_)) && a.kind == b.kind,
        _ => false,
    };
    same && a.deferrable == b.deferrable && a.initially_deferred == b.initially_deferred
}

/// The key columns of an index that has no expressions.
pub(in crate::catalog) fn plain_columns(index: &Index) -> Option<Vec<Ident>> {
    let column = |it: &IndexKey| match &it.expr {
        KeyExpr::Column(column) => Some(column.clone()),
        KeyExpr::Expr(_) => None,
    };
    index.keys.iter().map(column).collect()
}
