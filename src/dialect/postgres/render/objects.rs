//! Schemas, extensions, indexes, types, views and extended statistics.

use super::{
    constraints,
    parts::{self, data_type, idents, key, list, name, set_reset, when, with},
    tables::{attribute, raw_options},
};
use crate::sql::{
    CompositeAction, Ddl, Domain, DomainAction, EnumPosition, ExtensionAction, Index, IndexKey, TypeKind, View,
    literal, quote,
};

pub(super) fn schema(ddl: &Ddl) -> String {
    match ddl {
        Ddl::CreateSchema { name, if_not_exists, owner } => {
            let owner = owner.as_ref().map(|it| format!(" AUTHORIZATION {}", parts::role(it))).unwrap_or_default();
            format!("CREATE SCHEMA{} {}{owner}", when(*if_not_exists, " IF NOT EXISTS"), quote(name))
        }
        Ddl::DropSchema { name, if_exists, cascade } => parts::drop("SCHEMA", &quote(name), *if_exists, *cascade),
        _ => String::new(),
    }
}

pub(super) fn extension(ddl: &Ddl) -> String {
    match ddl {
        Ddl::CreateExtension { extension, if_not_exists, cascade } => {
            let mut res =
                format!("CREATE EXTENSION{} {}", when(*if_not_exists, " IF NOT EXISTS"), quote(&extension.name));
            if let Some(schema) = &extension.schema {
                res += &format!(" SCHEMA {}", quote(schema));
            }
            if let Some(version) = &extension.version {
                res += &format!(" VERSION {}", literal(version));
            }
            res + when(*cascade, " CASCADE")
        }
        Ddl::AlterExtension { name, action } => {
            let action = match action {
                ExtensionAction::Update(None) => "UPDATE".to_owned(),
                ExtensionAction::Update(Some(version)) => format!("UPDATE TO {}", literal(version)),
                ExtensionAction::SetSchema(schema) => format!("SET SCHEMA {}", quote(schema)),
                ExtensionAction::Member(text) => text.to_string(),
            };
            format!("ALTER EXTENSION {} {action}", quote(name))
        }
        Ddl::DropExtension { name, if_exists, cascade } => parts::drop("EXTENSION", &quote(name), *if_exists, *cascade),
        _ => String::new(),
    }
}

pub(super) fn index(ddl: &Ddl) -> String {
    match ddl {
        Ddl::CreateIndex { index, concurrently, if_not_exists } => create_index(index, *concurrently, *if_not_exists),
        Ddl::DropIndex { name, concurrently, if_exists, cascade } => {
            let what = if *concurrently { "INDEX CONCURRENTLY" } else { "INDEX" };
            parts::drop(what, &parts::name(name), *if_exists, *cascade)
        }
        Ddl::RenameIndex { from, to } => format!("ALTER INDEX {} RENAME TO {}", name(from), quote(to)),
        Ddl::AttachIndex { parent, index } => format!("ALTER INDEX {} ATTACH PARTITION {}", name(parent), name(index)),
        Ddl::SetIndexOptions { index, set, reset } => format!("ALTER INDEX {} {}", name(index), set_reset(set, reset)),
        Ddl::SetIndexStatistics { index, column, target } => {
            format!("ALTER INDEX {} ALTER COLUMN {column} SET STATISTICS {target}", name(index))
        }
        Ddl::Reindex { what, name: of, concurrently } => {
            format!("REINDEX {what}{} {}", when(*concurrently, " CONCURRENTLY"), name(of))
        }
        _ => String::new(),
    }
}

fn create_index(index: &Index, concurrently: bool, if_not_exists: bool) -> String {
    let mut res = format!("CREATE {}INDEX{}", when(index.unique, "UNIQUE "), when(concurrently, " CONCURRENTLY"));
    res += when(if_not_exists, " IF NOT EXISTS");
    // An index lives in its table's schema; its name cannot be qualified here.
    if let Some(it) = &index.name {
        res += &format!(" {}", quote(&it.name));
    }
    res += &format!(" ON {}{}", when(index.only, "ONLY "), name(&index.table));
    if index.method.as_str() != "btree" {
        res += &format!(" USING {}", quote(&index.method));
    }
    res += &format!(" ({})", list(&index.keys, key));
    if !index.include.is_empty() {
        res += &format!(" INCLUDE ({})", idents(&index.include));
    }
    res += when(index.nulls_not_distinct, " NULLS NOT DISTINCT");
    res += &with(&index.options);
    if let Some(tablespace) = &index.tablespace {
        res += &format!(" TABLESPACE {}", quote(tablespace));
    }
    if let Some(predicate) = &index.predicate {
        res += &format!(" WHERE {}", predicate.text().trim());
    }
    res
}

pub(super) fn user_type(ddl: &Ddl) -> String {
    match ddl {
        Ddl::CreateType { ty } => match &ty.kind {
            TypeKind::Enum(values) => {
                format!("CREATE TYPE {} AS ENUM ({})", name(&ty.name), list(values, |it| literal(it)))
            }
            TypeKind::Domain(domain) => format!("CREATE DOMAIN {} AS {}", name(&ty.name), create_domain(domain)),
            TypeKind::Composite(attributes) => {
                format!("CREATE TYPE {} AS ({})", name(&ty.name), list(attributes, attribute))
            }
            TypeKind::Range(options) => format!("CREATE TYPE {} AS RANGE ({})", name(&ty.name), raw_options(options)),
            TypeKind::Shell => format!("CREATE TYPE {}", name(&ty.name)),
        },
        Ddl::AddEnumValue { ty, value, position, if_not_exists } => {
            let position = match position {
                EnumPosition::End => String::new(),
                EnumPosition::Before(it) => format!(" BEFORE {}", literal(it)),
                EnumPosition::After(it) => format!(" AFTER {}", literal(it)),
            };
            let if_not_exists = when(*if_not_exists, " IF NOT EXISTS");
            format!("ALTER TYPE {} ADD VALUE{if_not_exists} {}{position}", name(ty), literal(value))
        }
        Ddl::RenameEnumValue { ty, from, to } => {
            format!("ALTER TYPE {} RENAME VALUE {} TO {}", name(ty), literal(from), literal(to))
        }
        Ddl::AlterDomain { name: domain, action } => format!("ALTER DOMAIN {} {}", name(domain), domain_action(action)),
        Ddl::AlterComposite { name: ty, action } => format!("ALTER TYPE {} {}", name(ty), composite_action(action)),
        Ddl::RenameType { from, to } => format!("ALTER TYPE {} RENAME TO {}", name(from), quote(to)),
        Ddl::DropType { name: ty, domain, if_exists, cascade } => {
            parts::drop(if *domain { "DOMAIN" } else { "TYPE" }, &name(ty), *if_exists, *cascade)
        }
        _ => String::new(),
    }
}

fn create_domain(domain: &Domain) -> String {
    let mut res = data_type(&domain.base);
    if let Some(collation) = &domain.collation {
        res += &format!(" COLLATE {}", name(collation));
    }
    if let Some(default) = &domain.default {
        res += &format!(" DEFAULT {}", default.text().trim());
    }
    res += when(domain.not_null, " NOT NULL");
    for check in &domain.checks {
        res += &format!(" {}", constraints::inline(check));
    }
    res
}

fn domain_action(action: &DomainAction) -> String {
    match action {
        DomainAction::SetDefault(Some(expr)) => format!("SET DEFAULT {}", expr.text().trim()),
        DomainAction::SetDefault(None) => "DROP DEFAULT".to_owned(),
        DomainAction::SetNotNull => "SET NOT NULL".to_owned(),
        DomainAction::DropNotNull => "DROP NOT NULL".to_owned(),
        DomainAction::AddConstraint(it) => format!("ADD {}", constraints::inline(it)),
        DomainAction::DropConstraint { name, if_exists } => {
            format!("DROP CONSTRAINT{} {}", when(*if_exists, " IF EXISTS"), quote(name))
        }
        DomainAction::RenameConstraint { from, to } => {
            format!("RENAME CONSTRAINT {} TO {}", quote(from), quote(to))
        }
        DomainAction::ValidateConstraint(name) => format!("VALIDATE CONSTRAINT {}", quote(name)),
    }
}

fn composite_action(action: &CompositeAction) -> String {
    match action {
        CompositeAction::AddAttribute(it) => format!("ADD ATTRIBUTE {}", attribute(it)),
        CompositeAction::DropAttribute { name, if_exists } => {
            format!("DROP ATTRIBUTE{} {}", when(*if_exists, " IF EXISTS"), quote(name))
        }
        CompositeAction::RenameAttribute { from, to } => format!("RENAME ATTRIBUTE {} TO {}", quote(from), quote(to)),
        CompositeAction::SetAttributeType { name: attribute, ty, collation } => {
            let collation = collation.as_ref().map(|it| format!(" COLLATE {}", name(it))).unwrap_or_default();
            format!("ALTER ATTRIBUTE {} TYPE {}{collation}", quote(attribute), data_type(ty))
        }
    }
}

pub(super) fn view(ddl: &Ddl) -> String {
    let kind = |materialized: bool| if materialized { "MATERIALIZED VIEW" } else { "VIEW" };
    match ddl {
        Ddl::CreateView { view, or_replace, if_not_exists } => create_view(view, *or_replace, *if_not_exists),
        // ALTER VIEW takes one action, ALTER TABLE (which may name a view) several.
        Ddl::AlterView { name: view, materialized: false, set, reset } if !set.is_empty() && !reset.is_empty() => {
            format!("ALTER TABLE {} {}", name(view), set_reset(set, reset))
        }
        Ddl::AlterView { name: view, materialized, set, reset } => {
            format!("ALTER {} {} {}", kind(*materialized), name(view), set_reset(set, reset))
        }
        Ddl::RenameView { from, to, materialized } => {
            format!("ALTER {} {} RENAME TO {}", kind(*materialized), name(from), quote(to))
        }
        Ddl::DropView { name: view, materialized, if_exists, cascade } => {
            parts::drop(kind(*materialized), &name(view), *if_exists, *cascade)
        }
        Ddl::RefreshView { name: view, concurrently, with_data } => {
            let concurrently = when(*concurrently, " CONCURRENTLY");
            let data = when(!with_data, " WITH NO DATA");
            format!("REFRESH MATERIALIZED VIEW{concurrently} {}{data}", name(view))
        }
        _ => String::new(),
    }
}

fn create_view(view: &View, or_replace: bool, if_not_exists: bool) -> String {
    let mut res = String::from("CREATE");
    res += when(or_replace, " OR REPLACE");
    res += when(view.temporary, " TEMPORARY");
    res += when(view.recursive, " RECURSIVE");
    res += if view.materialized { " MATERIALIZED VIEW" } else { " VIEW" };
    res += when(if_not_exists, " IF NOT EXISTS");
    res += &format!(" {}", name(&view.name));
    if !view.columns.is_empty() {
        res += &format!(" ({})", idents(&view.columns));
    }
    if let Some(method) = &view.access_method {
        res += &format!(" USING {}", quote(method));
    }
    res += &with(&view.options);
    if let Some(tablespace) = &view.tablespace {
        res += &format!(" TABLESPACE {}", quote(tablespace));
    }
    res += &format!(" AS {}", view.query.text().trim());
    res + when(view.materialized && !view.with_data, "\nWITH NO DATA")
}

pub(super) fn statistics(ddl: &Ddl) -> String {
    match ddl {
        Ddl::CreateStatistics { statistics, if_not_exists } => {
            let kinds =
                if statistics.kinds.is_empty() { String::new() } else { format!(" ({})", statistics.kinds.join(", ")) };
            let keys = list(&statistics.keys, |it| {
                key(&IndexKey { expr: it.clone(), ..IndexKey::column(Default::default()) })
            });
            let head =
                format!("CREATE STATISTICS{} {}", when(*if_not_exists, " IF NOT EXISTS"), name(&statistics.name));
            format!("{head}{kinds} ON {keys} FROM {}", name(&statistics.table))
        }
        Ddl::SetStatisticsTarget { name: of, target } => {
            format!("ALTER STATISTICS {} SET STATISTICS {target}", name(of))
        }
        Ddl::DropStatistics { name: of, if_exists } => parts::drop("STATISTICS", &name(of), *if_exists, false),
        _ => String::new(),
    }
}
