//! What is said about objects of every kind: comments, privileges, owners, schemas.

use smol_str::SmolStr;

use super::{
    parts::{idents, list, name, role, roles, when},
    routines::signature,
};
use crate::sql::{Ddl, FunctionKind, Ident, ObjectRef, literal, quote};

pub(super) fn about(ddl: &Ddl) -> String {
    match ddl {
        Ddl::Comment { object, text } => {
            let text = text.as_ref().map_or("NULL".to_owned(), |it| literal(it));
            format!("COMMENT ON {} IS {text}", spoken(object))
        }
        Ddl::Grant { privileges, objects, grantees, grantable } => {
            let option = when(*grantable, " WITH GRANT OPTION");
            format!("GRANT {} TO {}{option}", what(privileges, objects), roles(grantees))
        }
        Ddl::Revoke { privileges, objects, grantees, option_only, cascade } => {
            let (option, cascade) = (when(*option_only, "GRANT OPTION FOR "), when(*cascade, " CASCADE"));
            format!("REVOKE {option}{} FROM {}{cascade}", what(privileges, objects), roles(grantees))
        }
        Ddl::SetOwner { object, owner } => format!("ALTER {} OWNER TO {}", spoken(object), role(owner)),
        Ddl::SetSchema { object, schema } => format!("ALTER {} SET SCHEMA {}", spoken(object), quote(schema)),
        _ => String::new(),
    }
}

/// Kind and name. `TYPE` and `ROUTINE` are also right for domains, procedures and aggregates (manual: COMMENT,
/// ALTER TYPE, ALTER ROUTINE); a materialized view must be called one and comes as [`ObjectRef::Other`].
fn spoken(object: &ObjectRef) -> String {
    let on = |kind: &str, it: &Ident, table: &crate::sql::Name| format!("{kind} {} ON {}", quote(it), name(table));
    match object {
        ObjectRef::Schema(it) => format!("SCHEMA {}", quote(it)),
        ObjectRef::Table(it) => format!("TABLE {}", name(it)),
        ObjectRef::Column(table, it) => format!("COLUMN {}.{}", name(table), quote(it)),
        ObjectRef::Constraint(table, it) => on("CONSTRAINT", it, table),
        ObjectRef::Index(it) => format!("INDEX {}", name(it)),
        ObjectRef::Sequence(it) => format!("SEQUENCE {}", name(it)),
        ObjectRef::Type(it) => format!("TYPE {}", name(it)),
        ObjectRef::DomainConstraint(domain, it) => format!("CONSTRAINT {} ON DOMAIN {}", quote(it), name(domain)),
        ObjectRef::View(it) => format!("VIEW {}", name(it)),
        ObjectRef::Function(it, args) => format!("ROUTINE {}", signature(it, Some(args), FunctionKind::Function)),
        ObjectRef::Trigger(table, it) => on("TRIGGER", it, table),
        ObjectRef::Policy(table, it) => on("POLICY", it, table),
        ObjectRef::Rule(table, it) => on("RULE", it, table),
        ObjectRef::Extension(it) => format!("EXTENSION {}", quote(it)),
        ObjectRef::Statistics(it) => format!("STATISTICS {}", name(it)),
        ObjectRef::Collation(it) => format!("COLLATION {}", name(it)),
        ObjectRef::Other(kind, it) => format!("{kind} {}", name(it)),
    }
}

/// `SELECT, UPDATE ON TABLE a, b`; `SELECT (x, y) ON TABLE t` for columns.
fn what(privileges: &[SmolStr], objects: &[ObjectRef]) -> String {
    let mut columns: Vec<Ident> = Vec::new();
    let mut kind = "";
    let mut targets: Vec<String> = Vec::new();
    for object in objects {
        let (of, target) = match object {
            ObjectRef::Column(table, column) => {
                if !columns.contains(column) {
                    columns.push(column.clone());
                }
                ("TABLE", name(table))
            }
            ObjectRef::Table(it) | ObjectRef::View(it) => ("TABLE", name(it)),
            ObjectRef::Sequence(it) => ("SEQUENCE", name(it)),
            ObjectRef::Schema(it) => ("SCHEMA", quote(it).into_owned()),
            ObjectRef::Type(it) => ("TYPE", name(it)),
            ObjectRef::Function(it, args) => ("ROUTINE", signature(it, Some(args), FunctionKind::Function)),
            ObjectRef::Other(kind, it) => (if kind == "MATERIALIZED VIEW" { "TABLE" } else { kind.as_str() }, name(it)),
            other => ("", spoken(other)),
        };
        kind = of;
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    let columns = if columns.is_empty() { String::new() } else { format!(" ({})", idents(&columns)) };
    let privileges = list(privileges, |it| format!("{it}{columns}"));
    format!("{privileges} ON {kind} {}", targets.join(", "))
}
