//! CREATE TABLE and the forms of ALTER TABLE that are about the table as a whole.

use super::{
    columns, constraints,
    parts::{assignments, data_type, name, names, partition_by, set_reset, when, with},
};
use crate::sql::{Ddl, DetachMode, Expr, Like, Persistence, ReplicaIdentity, RowSecurityChange, Table, quote};

pub(super) fn create(table: &Table, if_not_exists: bool, likes: &[Like]) -> String {
    let mut res = head(table, if_not_exists);
    let elements = elements(table, likes);
    match &table.partition_of {
        Some(of) => {
            res += &format!(" PARTITION OF {}", name(&of.parent));
            if !elements.is_empty() {
                res += &format!(" (\n    {}\n)", elements.join(",\n    "));
            }
            res += &format!(" {}", of.bound.text().trim());
        }
        None if elements.is_empty() => res += " ()",
        None => res += &format!(" (\n    {}\n)", elements.join(",\n    ")),
    }
    if !table.inherits.is_empty() {
        res += &format!(" INHERITS ({})", names(&table.inherits));
    }
    if let Some(by) = &table.partition_by {
        res += &format!(" {}", partition_by(by));
    }
    res + &tail(table)
}

pub(super) fn create_as(table: &Table, if_not_exists: bool, query: &Expr) -> String {
    let mut res = head(table, if_not_exists);
    if !table.columns.is_empty() {
        let columns: Vec<_> = table.columns.iter().map(|it| quote(&it.name).into_owned()).collect();
        res += &format!(" ({})", columns.join(", "));
    }
    format!("{res}{} AS {}", tail(table), query.text().trim())
}

fn head(table: &Table, if_not_exists: bool) -> String {
    let kind = match table.persistence {
        Persistence::Permanent => "",
        Persistence::Unlogged => "UNLOGGED ",
        Persistence::Temporary => "TEMPORARY ",
    };
    format!("CREATE {kind}TABLE{} {}", when(if_not_exists, " IF NOT EXISTS"), name(&table.name))
}

fn tail(table: &Table) -> String {
    let mut res = String::new();
    if let Some(method) = &table.access_method {
        res += &format!(" USING {}", quote(method));
    }
    res += &with(&table.options);
    if let Some(tablespace) = &table.tablespace {
        res += &format!(" TABLESPACE {}", quote(tablespace));
    }
    res
}

/// Columns with the LIKE clauses at their places, then constraints.
fn elements(table: &Table, likes: &[Like]) -> Vec<String> {
    let mut res = Vec::new();
    let mut likes = likes.iter().peekable();
    for (i, column) in table.columns.iter().enumerate() {
        while let Some(it) = likes.next_if(|it| it.at <= i) {
            res.push(like(it));
        }
        if table.partition_of.is_some() {
            // A partition's columns are its parent's: only what differs can be said.
            let qualities = columns::qualities(column);
            if !qualities.is_empty() {
                res.push(format!("{}{qualities}", quote(&column.name)));
            }
        } else {
            res.push(columns::definition(column));
        }
    }
    res.extend(likes.map(like));
    res.extend(table.constraints.iter().map(constraints::definition));
    res
}

fn like(it: &Like) -> String {
    let including: String = it.including.iter().map(|it| format!(" INCLUDING {it}")).collect();
    format!("LIKE {}{including}", name(&it.source))
}

pub(super) fn alter(ddl: &Ddl) -> String {
    let (table, action) = match ddl {
        Ddl::RenameTable { from, to, if_exists } => {
            return format!("ALTER TABLE{} {} RENAME TO {}", when(*if_exists, " IF EXISTS"), name(from), quote(to));
        }
        Ddl::SetTableSchema { name, schema } => (name, format!("SET SCHEMA {}", quote(schema))),
        Ddl::SetTableOptions { table, set, reset } => (table, set_reset(set, reset)),
        Ddl::SetPersistence { table, persistence } => {
            let logged = *persistence != Persistence::Unlogged;
            (table, if logged { "SET LOGGED" } else { "SET UNLOGGED" }.to_owned())
        }
        Ddl::SetTablespace { table, tablespace } => (table, format!("SET TABLESPACE {}", quote(tablespace))),
        Ddl::SetAccessMethod { table, method } => (table, format!("SET ACCESS METHOD {}", quote(method))),
        Ddl::SetRowSecurity { table, change } => {
            let change = match change {
                RowSecurityChange::Enable => "ENABLE",
                RowSecurityChange::Disable => "DISABLE",
                RowSecurityChange::Force => "FORCE",
                RowSecurityChange::NoForce => "NO FORCE",
            };
            (table, format!("{change} ROW LEVEL SECURITY"))
        }
        Ddl::SetReplicaIdentity { table, identity } => {
            let identity = match identity {
                ReplicaIdentity::Default => "DEFAULT".to_owned(),
                ReplicaIdentity::Full => "FULL".to_owned(),
                ReplicaIdentity::Nothing => "NOTHING".to_owned(),
                ReplicaIdentity::Index(index) => format!("USING INDEX {}", quote(index)),
            };
            (table, format!("REPLICA IDENTITY {identity}"))
        }
        Ddl::ClusterOn { table, index: Some(index) } => (table, format!("CLUSTER ON {}", quote(index))),
        Ddl::ClusterOn { table, index: None } => (table, "SET WITHOUT CLUSTER".to_owned()),
        Ddl::Inherit { table, parent } => (table, format!("INHERIT {}", name(parent))),
        Ddl::NoInherit { table, parent } => (table, format!("NO INHERIT {}", name(parent))),
        Ddl::AttachPartition { parent, partition, bound } => {
            (parent, format!("ATTACH PARTITION {} {}", name(partition), bound.text().trim()))
        }
        Ddl::DetachPartition { parent, partition, mode } => {
            let mode = match mode {
                DetachMode::Plain => "",
                DetachMode::Concurrently => " CONCURRENTLY",
                DetachMode::Finalize => " FINALIZE",
            };
            (parent, format!("DETACH PARTITION {}{mode}", name(partition)))
        }
        _ => return String::new(),
    };
    format!("ALTER TABLE {} {action}", name(table))
}

/// The attributes of a composite type, and what ALTER TYPE says of one.
pub(super) fn attribute(it: &crate::sql::Attribute) -> String {
    let collation = it.collation.as_ref().map(|it| format!(" COLLATE {}", name(it))).unwrap_or_default();
    format!("{} {}{collation}", quote(&it.name), data_type(&it.ty))
}

/// The options of a range type: names of types and functions, which must not become string literals.
pub(super) fn raw_options(options: &crate::sql::Options) -> String {
    if options.values().all(|it| !it.is_empty()) {
        options.iter().map(|(key, value)| format!("{key} = {value}")).collect::<Vec<_>>().join(", ")
    } else {
        assignments(options)
    }
}
