//! Constraints, in a table, behind a column, and added later.

use super::parts::{idents, key, list, name, parenthesised, when, with};
use crate::sql::{Constraint, ConstraintKind, Ddl, Exclude, ForeignKey, ForeignKeyAction, Ident, KeyConstraint, quote};

/// As an element of CREATE TABLE, and behind ADD.
pub(super) fn definition(it: &Constraint) -> String {
    let body = match &it.kind {
        ConstraintKind::PrimaryKey(key) => format!("PRIMARY KEY {}", key_constraint(key)),
        ConstraintKind::Unique(key) => {
            format!("UNIQUE{} {}", when(key.nulls_not_distinct, " NULLS NOT DISTINCT"), key_constraint(key))
        }
        ConstraintKind::Check(expr) => format!("CHECK {}", parenthesised(expr)),
        ConstraintKind::ForeignKey(fk) => {
            format!("FOREIGN KEY ({}) {}", columns(&fk.columns, fk.period, "PERIOD "), references(fk))
        }
        ConstraintKind::Exclude(it) => exclude(it),
        ConstraintKind::NotNull(column) => format!("NOT NULL {}", quote(column)),
    };
    format!("{}{body}{}", named(it), attributes(it))
}

/// Behind the column it is about.
pub(super) fn inline(it: &Constraint) -> String {
    let body = match &it.kind {
        ConstraintKind::PrimaryKey(key) => format!("PRIMARY KEY{}", storage(key)),
        ConstraintKind::Unique(key) => {
            format!("UNIQUE{}{}", when(key.nulls_not_distinct, " NULLS NOT DISTINCT"), storage(key))
        }
        ConstraintKind::ForeignKey(fk) => references(fk),
        ConstraintKind::Check(expr) => format!("CHECK {}", parenthesised(expr)),
        ConstraintKind::NotNull(_) => "NOT NULL".to_owned(),
        ConstraintKind::Exclude(_) => return definition(it),
    };
    format!("{}{body}{}", named(it), attributes(it))
}

fn named(it: &Constraint) -> String {
    it.name.as_ref().map(|it| format!("CONSTRAINT {} ", quote(it))).unwrap_or_default()
}

pub(super) fn attributes(it: &Constraint) -> String {
    let mut res = deferral(it.deferrable, it.initially_deferred).to_owned();
    res += when(it.no_inherit, " NO INHERIT");
    res += when(it.not_enforced, " NOT ENFORCED");
    // NOT ENFORCED implies NOT VALID; saying both is allowed (PostgreSQL 18) but tells nothing.
    res += when(it.not_valid && !it.not_enforced, " NOT VALID");
    res
}

pub(super) fn deferral(deferrable: bool, initially_deferred: bool) -> &'static str {
    match (deferrable, initially_deferred) {
        (_, true) => " DEFERRABLE INITIALLY DEFERRED",
        (true, false) => " DEFERRABLE",
        (false, false) => "",
    }
}

fn columns(columns: &[Ident], temporal: bool, before_last: &str) -> String {
    let last = columns.len().saturating_sub(1);
    list(columns.iter().enumerate(), |(i, it)| {
        format!("{}{}", if temporal && i == last { before_last } else { "" }, quote(it))
    })
}

fn key_constraint(key: &KeyConstraint) -> String {
    let include = if key.include.is_empty() { String::new() } else { format!(" INCLUDE ({})", idents(&key.include)) };
    let overlaps = when(key.without_overlaps, " WITHOUT OVERLAPS");
    format!("({}{overlaps}){include}{}", idents(&key.columns), storage(key))
}

fn storage(key: &KeyConstraint) -> String {
    with(&key.options) + &index_tablespace(key.tablespace.as_ref())
}

fn index_tablespace(tablespace: Option<&Ident>) -> String {
    tablespace.map(|it| format!(" USING INDEX TABLESPACE {}", quote(it))).unwrap_or_default()
}

fn references(fk: &ForeignKey) -> String {
    let mut res = format!("REFERENCES {}", name(&fk.references));
    if !fk.referenced_columns.is_empty() {
        res += &format!(" ({})", columns(&fk.referenced_columns, fk.period, "PERIOD "));
    }
    res += when(fk.match_full, " MATCH FULL");
    res += &on("DELETE", fk.on_delete, &fk.on_delete_columns);
    res += &on("UPDATE", fk.on_update, &[]);
    res
}

fn on(event: &str, action: ForeignKeyAction, columns: &[Ident]) -> String {
    let action = match action {
        ForeignKeyAction::NoAction => return String::new(),
        ForeignKeyAction::Restrict => "RESTRICT",
        ForeignKeyAction::Cascade => "CASCADE",
        ForeignKeyAction::SetNull => "SET NULL",
        ForeignKeyAction::SetDefault => "SET DEFAULT",
    };
    let columns = if columns.is_empty() { String::new() } else { format!(" ({})", idents(columns)) };
    format!(" ON {event} {action}{columns}")
}

fn exclude(it: &Exclude) -> String {
    let elements = list(&it.elements, |(element, operator)| format!("{} WITH {operator}", key(element)));
    let mut res = format!("EXCLUDE USING {} ({elements})", quote(&it.method));
    if !it.include.is_empty() {
        res += &format!(" INCLUDE ({})", idents(&it.include));
    }
    res += &with(&it.options);
    res += &index_tablespace(it.tablespace.as_ref());
    if let Some(predicate) = &it.predicate {
        res += &format!(" WHERE {}", parenthesised(predicate));
    }
    res
}

pub(super) fn alter(ddl: &Ddl) -> String {
    let (table, action) = match ddl {
        Ddl::AddConstraint { table, constraint } => (table, format!("ADD {}", definition(constraint))),
        Ddl::AddConstraintUsingIndex { table, name, primary, index, deferrable, initially_deferred } => {
            let named = name.as_ref().map(|it| format!("CONSTRAINT {} ", quote(it))).unwrap_or_default();
            let kind = if *primary { "PRIMARY KEY" } else { "UNIQUE" };
            let deferral = deferral(*deferrable, *initially_deferred);
            (table, format!("ADD {named}{kind} USING INDEX {}{deferral}", quote(index)))
        }
        Ddl::ValidateConstraint { table, name } => (table, format!("VALIDATE CONSTRAINT {}", quote(name))),
        Ddl::DropConstraint { table, name, if_exists, cascade } => {
            let (if_exists, cascade) = (when(*if_exists, " IF EXISTS"), when(*cascade, " CASCADE"));
            (table, format!("DROP CONSTRAINT{if_exists} {}{cascade}", quote(name)))
        }
        Ddl::RenameConstraint { table, from, to } => {
            (table, format!("RENAME CONSTRAINT {} TO {}", quote(from), quote(to)))
        }
        Ddl::AlterConstraint { table, name, deferrable, initially_deferred, enforced } => {
            let mut action = format!("ALTER CONSTRAINT {}", quote(name));
            action += match deferrable {
                Some(true) => " DEFERRABLE",
                Some(false) => " NOT DEFERRABLE",
                None => "",
            };
            action += match initially_deferred {
                Some(true) => " INITIALLY DEFERRED",
                Some(false) => " INITIALLY IMMEDIATE",
                None => "",
            };
            action += match enforced {
                Some(true) => " ENFORCED",
                Some(false) => " NOT ENFORCED",
                None => "",
            };
            (table, action)
        }
        _ => return String::new(),
    };
    format!("ALTER TABLE {} {action}", name(table))
}
