//! Two catalogs side by side, for tests and proofs.

use std::{fmt::Debug, sync::Arc};

use super::{Catalog, Map};
use crate::sql::*;

/// One line per difference: `table t column a type: integer / bigint`. Not compared: the order of columns and of
/// definitions, origins, annotations, owners, the names of identity sequences, what is unknown in either.
pub fn differences(a: &Catalog, b: &Catalog) -> Vec<String> {
    let mut acc = Vec::new();
    sets(&mut acc, "schema", a.schemas.iter(), b.schemas.iter());
    sets(&mut acc, "extension", a.extensions.keys(), b.extensions.keys());
    let known = |it: &Name| !a.unknown.contains_key(it) && !b.unknown.contains_key(it);
    pairs(&mut acc, "table", &a.tables, &b.tables, |acc, name, a, b| {
        if known(name) {
            table(acc, a, b);
        }
    });
    pairs(&mut acc, "index", &indexes(a), &indexes(b), |acc, name: &String, a, b| index(acc, name, a, b));
    pairs(&mut acc, "sequence", &a.sequences, &b.sequences, |acc, name, a, b| {
        field(acc, format!("sequence {name} options"), &a.options, &b.options);
        field(acc, format!("sequence {name} owned by"), &a.owned_by, &b.owned_by);
        // That of an owned one follows its table (since 15; before, sequences are always logged).
        if a.owned_by.is_none() || b.owned_by.is_none() {
            field(acc, format!("sequence {name} persistence"), &a.persistence, &b.persistence);
        }
    });
    pairs(&mut acc, "type", &a.types, &b.types, |acc, name, a, b| user_type(acc, name, a, b));
    pairs(&mut acc, "view", &a.views, &b.views, |acc, name, a, b| {
        field(acc, format!("view {name} query"), &a.query, &b.query);
        field(acc, format!("view {name} columns"), &a.columns, &b.columns);
        field(acc, format!("view {name} materialized"), &a.materialized, &b.materialized);
        field(acc, format!("view {name} options"), &a.options, &b.options);
    });
    functions(&mut acc, a, b);
    let keyed = |map: &Map<(Name, Ident), Arc<Trigger>>| -> Map<String, Arc<Trigger>> {
        map.iter().map(|((table, name), it)| (format!("{name} of {table}"), it.clone())).collect()
    };
    pairs(&mut acc, "trigger", &keyed(&a.triggers), &keyed(&b.triggers), |acc, name, a, b| {
        field(acc, format!("trigger {name}"), a, b);
    });
    let keyed = |map: &Map<(Name, Ident), Arc<Policy>>| -> Map<String, Arc<Policy>> {
        map.iter().map(|((table, name), it)| (format!("{name} of {table}"), it.clone())).collect()
    };
    pairs(&mut acc, "policy", &keyed(&a.policies), &keyed(&b.policies), |acc, name, a, b| {
        field(acc, format!("policy {name}"), a, b);
    });
    pairs(&mut acc, "statistics", &a.statistics, &b.statistics, |acc, name, a, b| {
        field(acc, format!("statistics {name}"), a, b);
    });
    let shown = |map: &Map<ObjectRef, smol_str::SmolStr>| -> Map<String, smol_str::SmolStr> {
        map.iter().map(|(object, it)| (super::apply::functions::described(object), it.clone())).collect()
    };
    pairs(&mut acc, "comment on", &shown(&a.comments), &shown(&b.comments), |acc, name, a, b| {
        field(acc, format!("comment on {name}"), a, b);
    });
    sets(&mut acc, "privilege", a.privileges.iter().map(privilege), b.privileges.iter().map(privilege));
    sets(&mut acc, "revoked privilege", a.revoked.iter().map(privilege), b.revoked.iter().map(privilege));
    sets(&mut acc, "text", a.opaque.iter().map(|it| it.text.canon()), b.opaque.iter().map(|it| it.text.canon()));
    acc
}

fn privilege(it: &Privilege) -> String {
    let option = if it.grantable { " with grant option" } else { "" };
    format!("{} on {} to {}{option}", it.privilege, super::apply::functions::described(&it.object), it.grantee)
}

fn field<T: PartialEq + Debug>(acc: &mut Vec<String>, what: String, a: &T, b: &T) {
    if a != b {
        acc.push(format!("{what}: {a:?} / {b:?}"));
    }
}

fn sets<T: Ord + std::fmt::Display>(
    acc: &mut Vec<String>,
    what: &str,
    a: impl Iterator<Item = T>,
    b: impl Iterator<Item = T>,
) {
    let (a, b): (std::collections::BTreeSet<T>, std::collections::BTreeSet<T>) = (a.collect(), b.collect());
    acc.extend(a.difference(&b).map(|it| format!("{what} {it}: only in the first")));
    acc.extend(b.difference(&a).map(|it| format!("{what} {it}: only in the second")));
}

fn pairs<K: Ord + std::hash::Hash + std::fmt::Display, V: PartialEq>(
    acc: &mut Vec<String>,
    what: &str,
    a: &Map<K, V>,
    b: &Map<K, V>,
    mut compare: impl FnMut(&mut Vec<String>, &K, &V, &V),
) {
    for (name, it) in a {
        match b.get(name) {
            Some(other) if it == other => {}
            Some(other) => compare(acc, name, it, other),
            None => acc.push(format!("{what} {name}: only in the first")),
        }
    }
    acc.extend(b.keys().filter(|it| !a.contains_key(it)).map(|it| format!("{what} {it}: only in the second")));
}

fn table(acc: &mut Vec<String>, a: &Table, b: &Table) {
    let name = &a.name;
    let columns =
        |it: &Table| -> Map<Ident, Column> { it.columns.iter().map(|it| (it.name.clone(), it.clone())).collect() };
    pairs(acc, &format!("table {name} column"), &columns(a), &columns(b), |acc, column, a, b| {
        column_fields(acc, &format!("table {name} column {column}"), a, b);
    });
    let constraints = |table: &Table| -> Map<String, Constraint> {
        let named = table.constraints.iter().filter_map(|it| Some((it.name.clone()?, it)));
        // The server names the keys that a partition takes from its parent after what is free at the time.
        let keyed = named.map(|(name, it)| {
            match table.partition_of.is_some() && !matches!(it.kind, ConstraintKind::Check(_)) {
                true => (format!("{:?}", it.kind), Constraint { name: None, ..it.clone() }),
                false => (name.to_string(), it.clone()),
            }
        });
        keyed.collect()
    };
    pairs(acc, &format!("table {name} constraint"), &constraints(a), &constraints(b), |acc, constraint, a, b| {
        field(acc, format!("table {name} constraint {constraint}"), a, b);
    });
    field(acc, format!("table {name} persistence"), &a.persistence, &b.persistence);
    field(acc, format!("table {name} partition by"), &a.partition_by, &b.partition_by);
    field(acc, format!("table {name} partition of"), &a.partition_of, &b.partition_of);
    field(acc, format!("table {name} inherits"), &a.inherits, &b.inherits);
    field(acc, format!("table {name} options"), &a.options, &b.options);
    field(acc, format!("table {name} tablespace"), &a.tablespace, &b.tablespace);
    field(acc, format!("table {name} access method"), &a.access_method, &b.access_method);
    field(acc, format!("table {name} row security"), &a.row_security, &b.row_security);
    field(acc, format!("table {name} replica identity"), &a.replica_identity, &b.replica_identity);
    field(acc, format!("table {name} cluster"), &a.cluster_on, &b.cluster_on);
}

/// Indexes by their names. Those of partitions that come with an index of the parent have what name was free at the
/// time: they go by that of the uppermost one.
fn indexes(catalog: &Catalog) -> Map<String, Arc<Index>> {
    let above = |name: &Name| catalog.indexes.get(name).and_then(|it| it.attached_to.clone());
    let named = catalog.indexes.iter().map(|(name, it)| match &it.attached_to {
        Some(parent) => {
            let top = std::iter::successors(Some(parent.clone()), above).last();
            let top = top.unwrap_or_else(|| parent.clone());
            (format!("{top} of {}", it.table), Arc::new(Index { name: None, attached_to: None, ..(**it).clone() }))
        }
        None => (name.to_string(), Arc::clone(it)),
    });
    named.collect()
}

fn column_fields(acc: &mut Vec<String>, what: &str, a: &Column, b: &Column) {
    if a.ty != b.ty {
        acc.push(format!("{what} type: {} / {}", a.ty, b.ty));
    }
    let nameless = |it: &Column| {
        let options = |it: &SequenceOptions| SequenceOptions { name: None, ..it.clone() };
        it.identity.as_ref().map(|it| (it.always, options(&it.options)))
    };
    field(acc, format!("{what} collation"), &a.collation, &b.collation);
    field(acc, format!("{what} not null"), &a.not_null, &b.not_null);
    field(acc, format!("{what} default"), &a.default, &b.default);
    field(acc, format!("{what} identity"), &nameless(a), &nameless(b));
    field(acc, format!("{what} generated"), &a.generated, &b.generated);
    field(acc, format!("{what} storage"), &a.storage, &b.storage);
    field(acc, format!("{what} compression"), &a.compression, &b.compression);
    field(acc, format!("{what} statistics"), &a.statistics, &b.statistics);
    field(acc, format!("{what} options"), &a.options, &b.options);
}

fn index(acc: &mut Vec<String>, name: &str, a: &Index, b: &Index) {
    field(acc, format!("index {name} table"), &a.table, &b.table);
    field(acc, format!("index {name} unique"), &a.unique, &b.unique);
    field(acc, format!("index {name} method"), &a.method, &b.method);
    field(acc, format!("index {name} keys"), &a.keys, &b.keys);
    field(acc, format!("index {name} include"), &a.include, &b.include);
    field(acc, format!("index {name} nulls not distinct"), &a.nulls_not_distinct, &b.nulls_not_distinct);
    field(acc, format!("index {name} predicate"), &a.predicate, &b.predicate);
    field(acc, format!("index {name} options"), &a.options, &b.options);
    field(acc, format!("index {name} tablespace"), &a.tablespace, &b.tablespace);
    field(acc, format!("index {name} attached to"), &a.attached_to, &b.attached_to);
    field(acc, format!("index {name} statistics"), &a.statistics, &b.statistics);
}

fn user_type(acc: &mut Vec<String>, name: &Name, a: &UserType, b: &UserType) {
    match (&a.kind, &b.kind) {
        (TypeKind::Domain(a), TypeKind::Domain(b)) => {
            field(acc, format!("domain {name} base"), &a.base, &b.base);
            field(acc, format!("domain {name} default"), &a.default, &b.default);
            field(acc, format!("domain {name} not null"), &a.not_null, &b.not_null);
            let checks = |it: &Domain| -> Map<Ident, Constraint> {
                it.checks.iter().filter_map(|it| Some((it.name.clone()?, it.clone()))).collect()
            };
            pairs(acc, &format!("domain {name} constraint"), &checks(a), &checks(b), |acc, check, a, b| {
                field(acc, format!("domain {name} constraint {check}"), a, b);
            });
        }
        (a, b) => field(acc, format!("type {name}"), a, b),
    }
}

fn functions(acc: &mut Vec<String>, a: &Catalog, b: &Catalog) {
    let shown = |it: &Catalog| -> Map<String, Arc<Function>> {
        it.functions.values().map(|it| (it.object().to_string(), it.clone())).collect()
    };
    pairs(acc, "function", &shown(a), &shown(b), |acc, name, a, b| {
        let bare = |it: &Function| Function { owner: None, ..it.clone() };
        let (a, b) = (bare(a), bare(b));
        field(acc, format!("function {name} kind"), &a.kind, &b.kind);
        field(acc, format!("function {name} arguments"), &a.args, &b.args);
        field(acc, format!("function {name} returns"), &a.returns, &b.returns);
        field(acc, format!("function {name} language"), &a.language, &b.language);
        field(acc, format!("function {name} body"), &a.body, &b.body);
        field(acc, format!("function {name} attributes"), &a.attributes, &b.attributes);
    });
}
