//! Types: canonical names, the cost of changing one, volatility of defaults, neutral values.

mod cost;
mod loss;
mod volatility;

use super::{TypeChange, TypeCost, Volatility};
use crate::{
    catalog::Catalog,
    sql::{DataType, Domain, Ident, Name, TypeKind, UserType},
};

pub(super) use cost::{change_cost, effects, index_names, keys_over, rebuilt_indexes, rescanned_checks};
pub(super) use loss::loss;
pub(super) use volatility::volatility;

pub(super) fn parse(text: &str) -> Option<DataType> {
    super::lower::data_type(text)
}

/// A value that can stand for "nothing yet", as SQL. Dates, uuids, enums and constrained domains have none that
/// would not be a lie.
pub(super) fn neutral_value(ty: &DataType, catalog: &Catalog) -> Option<String> {
    if ty.array {
        return Some("'{}'".to_owned());
    }
    if let Some(domain) = domain(ty, catalog) {
        return if domain.checks.is_empty() { neutral_value(&domain.base, catalog) } else { None };
    }
    if user_type(ty, catalog).is_some() {
        return None;
    }
    let value = match ty.name.as_str() {
        "smallint" | "integer" | "bigint" | "numeric" | "real" | "double precision" | "money" => "0",
        "boolean" => "false",
        "text" | "character varying" | "character" | "bpchar" | "name" | "citext" | "bytea" | "tsvector" | "hstore" => {
            "''"
        }
        "json" | "jsonb" => "'{}'",
        "interval" => "'0'",
        _ => return None,
    };
    Some(value.to_owned())
}

/// The user-defined type behind a name; bare names are looked up along the search path.
pub(super) fn user_type<'a>(ty: &DataType, catalog: &'a Catalog) -> Option<&'a UserType> {
    let lookup = |schema: &Ident| {
        let name = Name { schema: Some(schema.clone()), name: Ident::new(&ty.name) };
        catalog.types.get(&name).map(|it| &**it)
    };
    match &ty.schema {
        Some(schema) => lookup(schema),
        None => catalog.search_path.iter().find_map(lookup),
    }
}

/// The domain behind a name, if it is one (an array of a domain is not).
pub(super) fn domain<'a>(ty: &DataType, catalog: &'a Catalog) -> Option<&'a Domain> {
    match &user_type(ty, catalog)?.kind {
        TypeKind::Domain(domain) if !ty.array => Some(domain),
        _ => None,
    }
}

/// Does the type, or a domain it is made of, have a CHECK or a NOT NULL? Then every value is checked on its way in.
pub(super) fn constrained(ty: &DataType, catalog: &Catalog) -> bool {
    domain_chain(ty, catalog).any(|it| it.not_null || !it.checks.is_empty())
}

/// The domain, the domain it is based on, and so on.
pub(super) fn domain_chain<'a>(ty: &DataType, catalog: &'a Catalog) -> impl Iterator<Item = &'a Domain> {
    // A catalog read from broken files could hold a domain over itself.
    const DEEPEST: usize = 32;
    std::iter::successors(domain(ty, catalog), |it| domain(&it.base, catalog)).take(DEEPEST)
}

/// Types of the attributes of a composite, or of one below a domain; none for other types. An array counts as its element.
pub(super) fn attributes(ty: &DataType, catalog: &Catalog) -> Vec<DataType> {
    let element = |it: &DataType| DataType { array: false, ..it.clone() };
    match user_type(&base(&element(ty), catalog), catalog).map(|it| &it.kind) {
        Some(TypeKind::Composite(attributes)) => attributes.iter().map(|it| element(&it.ty)).collect(),
        _ => Vec::new(),
    }
}

/// The type below all domains.
pub(super) fn base(ty: &DataType, catalog: &Catalog) -> DataType {
    domain_chain(ty, catalog).last().map_or_else(|| ty.clone(), |it| it.base.clone())
}

#[cfg(test)]
mod tests;
