//! Safe ways to build things, shared by the kinds: indexes, constraints, NOT NULL, and what follows a column.

mod constraints;
mod followers;
mod indexes;
mod not_null;

use std::sync::Arc;

use smol_str::SmolStr;

use super::{pairs::Pairs, rebuilt::Part};
use crate::{
    catalog::Catalog,
    dialect::{Capability, Dialect},
    plan::{Backfill, helper_name},
    sql::*,
};

pub use constraints::constraint;
pub use followers::{Followers, attachments, grant, revoke, view_again};
pub use indexes::{adopted, backing_index, drop_index, index, key_index};
pub use not_null::{enforce_not_null, not_null_actions, not_null_steps};

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

/// The column alone is unique: two rows may not share its value.
pub fn in_unique(catalog: &Catalog, table: &Name, column: &Ident) -> bool {
    let key = |it: &Constraint| match &it.kind {
        ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key) => key.columns == [column.clone()],
        _ => false,
    };
    let keyed = catalog.table(table).is_some_and(|it| it.constraints.iter().any(key));
    let column = KeyExpr::Column(column.clone());
    keyed || catalog.indexes_of(table).any(|it| it.unique && matches!(it.keys.as_slice(), [it] if it.expr == column))
}

/// As [`filler`], another for each row of `t`, made of the table's key; `None` where the type has no room for that.
pub fn distinct_filler(b: &Builder<'_>, table: &Name, column: &Column) -> Option<String> {
    let key = b.backfill(table, Vec::new(), String::new()).key;
    let parts: Vec<String> = key.iter().map(|(it, _)| format!("t.{}::text", b.dialect().quote(it))).collect();
    if parts.is_empty() || key.iter().any(|(it, _)| *it == column.name) || column.ty.array {
        return None;
    }
    let digest = format!("md5({})", parts.join(" || '/' || "));
    let roomy = column.ty.modifiers.first().is_none_or(|it| it.parse::<u32>().is_ok_and(|it| it >= 32));
    match (column.ty.name.as_str(), key.as_slice()) {
        ("text", _) => Some(digest),
        ("character varying" | "character", _) if roomy => Some(digest),
        ("uuid", _) => Some(format!("{digest}::uuid")),
        ("integer" | "bigint" | "numeric", [(it, ty)]) if ["smallint", "integer"].contains(&ty.name.as_str()) => {
            Some(format!("t.{}", b.dialect().quote(it)))
        }
        _ => None,
    }
}
