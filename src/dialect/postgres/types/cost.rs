//! What `ALTER COLUMN … TYPE` costs: nothing, indexes, or the whole table (tablecmds.c, `ATColumnChangeRequiresRewrite`;
//! measured on 11 to 18).

use super::{TypeChange, TypeCost, base, constrained, domain, user_type};
use crate::{
    catalog::Catalog,
    plan::Facts,
    sql::{
        Column, Constraint, ConstraintKind, DataType, Expr, Ident, Index, KeyExpr, Name, Table, TypeKind,
        tokens::{Token, mentions_column, tokens},
    },
};

/// The parts of the cost that the locks need one by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::dialect::postgres) struct Effects {
    /// No cast that the server would use on its own, and no USING.
    pub needs_using: bool,
    pub rewrites: bool,
    /// Indexes of the column get another operator class, foreign keys other operators.
    pub other_operators: bool,
    pub other_collation: bool,
}

pub(in crate::dialect::postgres) fn change_cost(change: &TypeChange<'_>, before: &Catalog, facts: &Facts) -> TypeCost {
    let Some(table) = before.table(change.table) else { return TypeCost::Rewrites };
    let Some(column) = table.column(change.column) else { return TypeCost::Rewrites };
    let effects = effects(change, column, before, facts);
    if effects.needs_using {
        return TypeCost::NeedsUsing;
    }
    if effects.rewrites {
        return TypeCost::Rewrites;
    }
    let checks = rescanned_checks(table, &column.name).next().is_some();
    let keys = effects.other_operators && before.referencing(&table.name).next().is_some();
    if checks || keys || !rebuilt_indexes(table, &column.name, effects, before).is_empty() {
        TypeCost::Rebuilds
    } else {
        TypeCost::Free
    }
}

pub(in crate::dialect::postgres) fn effects(
    change: &TypeChange<'_>,
    column: &Column,
    before: &Catalog,
    facts: &Facts,
) -> Effects {
    let from = &column.ty;
    let to = change.to;
    let conversion = match change.using.map(|it| using(it, &column.name)) {
        None => convert(from, to, Context::Assignment, before, facts),
        Some(Using::Column) => convert(from, to, Context::Assignment, before, facts),
        Some(Using::Cast(ty)) => convert(from, &ty, Context::Explicit, before, facts).max(convert(
            &ty,
            to,
            Context::Assignment,
            before,
            facts,
        )),
        Some(Using::Other) => Conversion::Rewrite,
    };
    Effects {
        needs_using: conversion == Conversion::Impossible,
        rewrites: conversion == Conversion::Rewrite
            || (conversion == Conversion::Relabel && constrained(to, before) && from != to),
        other_operators: operators(&base(from, before)) != operators(&base(to, before)),
        other_collation: collatable(&base(to, before))
            && own_collation(column.collation.as_ref()) != own_collation(change.collation),
    }
}

/// Indexes (those of constraints too) that are built again although the table stays as it is: `CheckIndexCompatible`
/// keeps an index only if it has neither expressions nor a predicate and its operator classes and collations stay.
pub(in crate::dialect::postgres) fn rebuilt_indexes(
    table: &Table,
    column: &Ident,
    effects: Effects,
    before: &Catalog,
) -> Vec<Name> {
    let plain = effects.other_operators || effects.other_collation;
    let own = before.indexes_of(&table.name).filter(|it| index_is_rebuilt(it, column, effects));
    let mut res: Vec<Name> = own.filter_map(|it| it.name.clone()).collect();
    let of_constraints = table.constraints.iter().filter(|it| match &it.kind {
        ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key) => plain && key.columns.contains(column),
        ConstraintKind::Exclude(it) => {
            let keys = || it.elements.iter().map(|(key, _)| &key.expr);
            let names = keys().any(|it| names_column(it, column)) || predicate_mentions(it.predicate.as_ref(), column);
            let kept = it.predicate.is_none() && keys().all(|it| matches!(it, KeyExpr::Column(_)));
            names && (plain || !kept)
        }
        _ => false,
    });
    res.extend(of_constraints.filter_map(|it| Some(table.name.sibling(it.name.clone()?))));
    res.sort();
    res
}

/// Does the index depend on the column?
pub(in crate::dialect::postgres) fn index_names(index: &Index, column: &Ident) -> bool {
    index.keys.iter().any(|it| names_column(&it.expr, column))
        || index.include.contains(column)
        || predicate_mentions(index.predicate.as_ref(), column)
}

/// The indexes of keys over the column.
pub(in crate::dialect::postgres) fn keys_over(table: &Table, column: &Ident) -> Vec<Name> {
    let over = |it: &&Constraint| match &it.kind {
        ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key) => {
            key.columns.contains(column) || key.include.contains(column)
        }
        _ => false,
    };
    let found = table.constraints.iter().filter(over);
    found.filter_map(|it| Some(table.name.sibling(it.name.clone()?))).collect()
}

/// CHECK constraints that are made anew and so verified again. A NOT VALID one stays unverified.
pub(in crate::dialect::postgres) fn rescanned_checks<'a>(
    table: &'a Table,
    column: &'a Ident,
) -> impl Iterator<Item = &'a Constraint> {
    table.constraints.iter().filter(move |it| match &it.kind {
        ConstraintKind::Check(expr) => !it.not_valid && !it.not_enforced && mentions_column(expr.text(), column),
        _ => false,
    })
}

fn index_is_rebuilt(index: &Index, column: &Ident, effects: Effects) -> bool {
    let kept = index.predicate.is_none() && index.keys.iter().all(|it| matches!(it.expr, KeyExpr::Column(_)));
    let key = index.keys.iter().find(|it| names_column(&it.expr, column));
    if !kept {
        return key.is_some() || index.include.contains(column) || predicate_mentions(index.predicate.as_ref(), column);
    }
    // An operator class or collation that the index states itself does not change with the column.
    key.is_some_and(|it| {
        effects.other_operators && it.opclass.is_none() || effects.other_collation && it.collation.is_none()
    })
}

fn names_column(key: &KeyExpr, column: &Ident) -> bool {
    match key {
        KeyExpr::Column(it) => it == column,
        KeyExpr::Expr(it) => mentions_column(it.text(), column),
    }
}

fn predicate_mentions(predicate: Option<&Expr>, column: &Ident) -> bool {
    predicate.is_some_and(|it| mentions_column(it.text(), column))
}

/// What happens to a stored value, cheapest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Conversion {
    /// The bytes stay.
    Relabel,
    Rewrite,
    Impossible,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    /// Without USING: implicit and assignment casts count.
    Assignment,
    Explicit,
}

pub(super) enum Using {
    /// `USING c`.
    Column,
    /// `USING c::type`, `USING CAST(c AS type)`.
    Cast(DataType),
    Other,
}

pub(super) fn using(expr: &Expr, column: &Ident) -> Using {
    let text = expr.text();
    let tokens = tokens(text);
    let mut inner = tokens.as_slice();
    while let [open, rest @ .., close] = inner
        && open.is(text, "(")
        && close.is(text, ")")
        && !rest.iter().any(|it| it.is(text, "("))
    {
        inner = rest;
    }
    let is_column = |it: &Token| it.is_name() && it.ident(text) == *column;
    let span = |it: &[Token]| Some(text.get(it.first()?.range.start..it.last()?.range.end)?.to_owned());
    let ty = match inner {
        [it] if is_column(it) => return Using::Column,
        [it, cast, ty @ ..] if is_column(it) && cast.is(text, "::") => span(ty),
        [cast, open, it, r#as, ty @ .., _]
            if cast.is(text, "cast") && open.is(text, "(") && is_column(it) && r#as.is(text, "as") =>
        {
            span(ty)
        }
        _ => None,
    };
    ty.and_then(|it| super::parse(&it)).map_or(Using::Other, Using::Cast)
}

fn convert(from: &DataType, to: &DataType, context: Context, before: &Catalog, facts: &Facts) -> Conversion {
    if from.array != to.array {
        return if text_like(&base(to, before)) { Conversion::Rewrite } else { Conversion::Impossible };
    }
    if from.array {
        // An array is converted element by element, even when each element stays as it is (measured on 11 to 18).
        let element = |it: &DataType| DataType { array: false, ..it.clone() };
        let cost = convert(&element(from), &element(to), context, before, facts);
        return if from == to { Conversion::Relabel } else { cost.max(Conversion::Rewrite) };
    }
    if from == to {
        return Conversion::Relabel;
    }
    if domain(from, before).is_some() || domain(to, before).is_some() {
        // What length a domain was declared with is not known to a cast from it: a length asked for is always checked.
        let source = match domain(from, before) {
            Some(_) => DataType { modifiers: Vec::new(), ..base(from, before) },
            None => from.clone(),
        };
        let target = base(to, before);
        let cost =
            if source == target { Conversion::Relabel } else { convert(&source, &target, context, before, facts) };
        let checked = constrained(to, before) && cost == Conversion::Relabel;
        return if checked { Conversion::Rewrite } else { cost };
    }
    let custom = |it: &DataType| user_type(it, before);
    match (custom(from), custom(to)) {
        (None, None) => {}
        (Some(it), _) if text_like(to) && !matches!(it.kind, TypeKind::Domain(_)) => return Conversion::Rewrite,
        (_, Some(_)) if context == Context::Explicit && text_like(from) => return Conversion::Rewrite,
        (Some(a), Some(b)) if a.name == b.name => return Conversion::Relabel,
        _ => return Conversion::Impossible,
    }
    let Some(relabels) = cast(from, to, context, facts) else { return Conversion::Impossible };
    if relabels && keeps_length(from, to) { Conversion::Relabel } else { Conversion::Rewrite }
}

/// Is there a cast between these built-in types, and does it leave the bytes alone (modifiers aside)?
fn cast(from: &DataType, to: &DataType, context: Context, facts: &Facts) -> Option<bool> {
    let source = family(from);
    let target = family(to);
    if source == target {
        return Some(true);
    }
    match (source, target) {
        // The conversion is the identity when the session's time zone is UTC, and the server knows it since 12.
        ("timestamp without time zone", "timestamp with time zone")
        | ("timestamp with time zone", "timestamp without time zone") => {
            return Some(facts.utc && facts.server_version >= 12);
        }
        // Extension citext: binary compatible casts, implicit towards text, by assignment from it.
        ("citext", "text" | "character varying") | ("text" | "character varying", "citext") => return Some(true),
        _ => {}
    }
    for line in include_str!("casts.txt").lines().filter(|it| !it.starts_with('#')) {
        let mut parts = line.split(" | ");
        let (Some(name), Some(kind), Some(targets)) = (parts.next(), parts.next(), parts.next()) else { continue };
        if name != source || (kind == "e" && context == Context::Assignment) {
            continue;
        }
        for it in targets.split(", ") {
            match it.strip_prefix('=') {
                Some(it) if it == target => return Some(true),
                None if it == target => return Some(false),
                _ => {}
            }
        }
    }
    // Every type is assigned to a text type through its output function; the way back must be asked for (manual 5.9.7.2
    // of CREATE CAST: "automatic I/O conversion casts").
    let readable = text_like(to) || (context == Context::Explicit && text_like(from));
    readable.then_some(false)
}

/// Types of the string category.
fn text_like(ty: &DataType) -> bool {
    !ty.array && matches!(family(ty), "text" | "character varying" | "character" | "name" | "citext")
}

/// The type's name without what a modifier could say as well.
pub(super) fn family(ty: &DataType) -> &str {
    match ty.name.as_str() {
        "bpchar" => "character",
        name if name.starts_with("interval") => "interval",
        name => name,
    }
}

/// Does a value of one modifier fit another without being looked at? The length-coercion support functions
/// (`varchar_support`, `numeric_support`, `TemporalSimplify`, `interval_support`, `varbit_support`); `char` and `bit` have none.
fn keeps_length(from: &DataType, to: &DataType) -> bool {
    let same_family = family(from) == family(to);
    let first = |it: &DataType| it.modifiers.first().and_then(|it| it.parse::<i64>().ok());
    let (old, new) = (first(from).filter(|_| same_family), first(to));
    match family(to) {
        "character varying" | "bit varying" => match new {
            None => true,
            // From text or bit(n) the length has to be looked at.
            Some(new) => old.is_some_and(|old| old <= new),
        },
        "numeric" => match (new, old) {
            (None, _) => true,
            (Some(new), Some(old)) => same_family && scale(from) == scale(to) && old <= new,
            (Some(_), None) => false,
        },
        "timestamp without time zone"
        | "timestamp with time zone"
        | "time without time zone"
        | "time with time zone" => {
            const FULL: i64 = 6;
            let old = first(from);
            new.is_none_or(|new| new >= FULL || old.is_some_and(|old| old <= new))
        }
        "interval" => keeps_interval(from, to, old, new),
        "character" | "bit" => {
            same_family && length_of_fixed(from) == length_of_fixed(to) || length_of_fixed(to).is_none()
        }
        _ => true,
    }
}

pub(super) fn scale(ty: &DataType) -> i64 {
    ty.modifiers.get(1).and_then(|it| it.parse().ok()).unwrap_or(0)
}

/// `char` is `char(1)`, `bpchar` has no length.
pub(super) fn length_of_fixed(ty: &DataType) -> Option<i64> {
    match ty.modifiers.first() {
        Some(it) => it.parse().ok(),
        None if ty.name == "bpchar" => None,
        None => Some(1),
    }
}

fn keeps_interval(from: &DataType, to: &DataType, old: Option<i64>, new: Option<i64>) -> bool {
    const FULL: i64 = 6;
    // The least field an interval type keeps, years being the greatest.
    let least = |ty: &DataType| {
        let fields = ty.name.strip_prefix("interval").unwrap_or_default();
        let last = fields.rsplit(' ').next().unwrap_or_default();
        ["second", "minute", "hour", "day", "month", "year"].iter().position(|it| *it == last).unwrap_or(0)
    };
    let fields_kept = least(to) <= least(from);
    let no_seconds = least(from) > 0;
    fields_kept && (no_seconds || new.is_none_or(|new| new >= FULL || old.is_some_and(|old| old <= new)))
}

/// The operator class an index on the type gets by default: an index survives when it stays.
fn operators(ty: &DataType) -> &str {
    if ty.array {
        return "array";
    }
    match family(ty) {
        "character varying" => "text",
        "cidr" => "inet",
        name => name,
    }
}

fn collatable(ty: &DataType) -> bool {
    matches!(family(ty), "text" | "character varying" | "character" | "name" | "citext")
}

/// `COLLATE "default"` says nothing.
fn own_collation(collation: Option<&Name>) -> Option<&Name> {
    collation.filter(|it| it.name.as_str() != "default")
}
