//! A column that exists twice for a while: old and new code each find the shape they know (playbook §2, §4.4, §4.11).
//!
//! Two forms. A *rename* ([`rename`]) puts the new name beside the old one and a trigger carries writes both ways. A
//! *swap* ([`swap`]; rewriting change of type) fills a hidden copy, exchanges the names in one short transaction, and
//! keeps the old copy up to date until Contract, so that the way back loses nothing. Columns that stand in one key, and
//! those that point at it, are swapped together ([`super::link`]).

mod copies;
mod identity;
pub mod rename;
pub mod swap;

pub use copies::is_foreign_key;

use super::{
    build,
    labels::{self, Replaced},
    pairs::Pairs,
    rebuilt,
};
use crate::{
    dialect::{TypeChange, TypeCost, Volatility},
    plan::{Direction, Sync, helper_name},
    sql::{tokens::mentions_column, *},
};

/// Rows up to which a table known to be small is rewritten directly: well under a second.
const SMALL: u64 = 10_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dual {
    /// While both copies fill up. `old` is the column of `before`; `new` the working copy.
    pub sync: Sync,
    /// Old and new have one name: the copies exchange it in Enforce.
    pub swap: bool,
    /// It stands in a primary or foreign key that is swapped whole. A number that the old type cannot hold must not stop
    /// writers then (playbook §4.12): the old copy is empty from there on, and the way back is closed.
    pub keyed: bool,
    /// Values may be cut by the cast, and nobody has said (`@using`) that they may.
    pub guarded: bool,
    /// Its enum steps aside in the swap: the old type's new name, and the way to it.
    pub aside: Option<(DataType, String)>,
}

/// A column with its two copies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twin {
    pub before: Column,
    pub after: Column,
    pub dual: Dual,
}

impl Twin {
    pub fn table(&self) -> &Name {
        &self.dual.sync.table
    }

    pub fn old_copy(&self) -> Ident {
        if self.dual.swap { old_copy(&self.after.name) } else { self.before.name.clone() }
    }

    /// The sync after a swap: everybody writes the new copy, the old one follows.
    pub fn reverse(&self) -> Sync {
        if let Some((old_type, down)) = self.dual.aside.clone() {
            return Sync {
                old: old_copy(&self.after.name),
                new: self.after.name.clone(),
                down,
                default_new: None,
                old_type,
                new_type: self.after.ty.clone(),
                direction: Direction::NewToOld,
                ..self.dual.sync.clone()
            };
        }
        let narrow = self.dual.keyed.then(|| narrowed(&self.after.ty, &self.before.ty)).flatten();
        Sync {
            old: old_copy(&self.after.name),
            new: self.after.name.clone(),
            down: narrow.unwrap_or_else(|| self.dual.sync.down.clone()),
            default_new: None,
            direction: Direction::NewToOld,
            ..self.dual.sync.clone()
        }
    }
}

/// What the old copy is called after a swap.
pub fn old_copy(column: &Ident) -> Ident {
    helper_name("mc_old", &[column.as_str()])
}

impl Dual {
    /// Does this pair of columns need two copies, and can it have them?
    pub fn of(pairs: &Pairs<'_>, table: &Name, old: &Column, new: &Column) -> Option<Self> {
        let swap = old.name == new.name;
        let of = |it: &&Replaced| it.twice && swap && old.ty == new.ty && labels::is_of(&new.ty, &it.name);
        if let Some(replaced) = pairs.replaced.iter().find(of) {
            return Some(Self::relabelled(pairs, table, old, replaced));
        }
        // Its type is made anew, and with it every column, in one transaction.
        if pairs.remade.iter().any(|it| labels::is_of(&old.ty, it) || labels::is_of(&new.ty, it)) {
            return None;
        }
        let retyped = old.ty != new.ty;
        if swap && (!retyped || !rewrites(pairs, table, new)) {
            return None;
        }
        if !possible(pairs, table, old, new) {
            return None;
        }
        let working = if swap { helper_name("mc_new", &[new.name.as_str()]) } else { new.name.clone() };
        let up = conversion(pairs, table, &old.name, &old.ty, new);
        let down = if retyped { cast(pairs, &new.ty, &old.ty) } else { "{}".into() };
        let sync = Sync {
            table: table.clone(),
            old: old.name.clone(),
            new: working,
            up,
            down,
            default_new: shared_default(pairs, old, new),
            old_type: old.ty.clone(),
            new_type: new.ty.clone(),
            direction: if swap { Direction::OldToNew } else { Direction::Both },
        };
        let free = !retyped || narrowed(&new.ty, &old.ty).is_some() || said(pairs, table, &new.name, "using").is_some();
        Some(Self { sync, swap, keyed: false, guarded: !free, aside: None })
    }

    /// A column of an enum that another one takes the place of.
    fn relabelled(pairs: &Pairs<'_>, table: &Name, column: &Column, replaced: &Replaced) -> Self {
        let dialect = pairs.input.dialect;
        let called = |name: &Name| DataType {
            schema: column.ty.schema.as_ref().and(name.schema.clone()),
            name: name.name.as_str().into(),
            ..column.ty.clone()
        };
        let (working, aside) = (called(&replaced.working), called(&replaced.aside));
        let target = |it: &DataType| qualified(pairs, it);
        let sync = Sync {
            table: table.clone(),
            old: column.name.clone(),
            new: helper_name("mc_new", &[column.name.as_str()]),
            up: replaced.labels.up(dialect, column.ty.array, &target(&working)),
            down: replaced.labels.down(dialect, column.ty.array, &target(&column.ty)),
            default_new: None,
            old_type: column.ty.clone(),
            new_type: working,
            direction: Direction::OldToNew,
        };
        let back = replaced.labels.down(dialect, column.ty.array, &target(&aside));
        Self { sync, swap: true, keyed: false, guarded: false, aside: Some((aside, back)) }
    }
}

fn rewrites(pairs: &Pairs<'_>, table: &Name, new: &Column) -> bool {
    let using = said(pairs, table, &new.name, "using").map(|it| pairs.input.dialect.expr(&it));
    let change =
        TypeChange { table, column: &new.name, to: &new.ty, collation: new.collation.as_ref(), using: using.as_ref() };
    let cost = pairs.input.dialect.type_change(&change, &pairs.base, pairs.input.facts);
    let small = pairs.input.facts.rows.get(table).is_some_and(|rows| *rows <= SMALL);
    cost >= TypeCost::Rewrites && !small
}

/// What a trigger and a second column cannot do falls back to one direct statement, announced as such.
pub fn possible(pairs: &Pairs<'_>, table: &Name, old: &Column, new: &Column) -> bool {
    let (Some(before), Some(after)) = (pairs.base.table(table), pairs.input.after.table(table)) else { return false };
    // The second column of a partitioned table is its partitions' too: their own changes do not know of it.
    let plain = |it: &Table| {
        let partitions = it.partition_by.is_some() || it.partition_of.is_some();
        !partitions && it.inherits.is_empty() && it.persistence != Persistence::Temporary
    };
    let alone = plain(before) && plain(after) && !pairs.base.tables.values().any(|it| it.inherits.contains(table));
    let feeds = |it: &Table, name: &Ident| {
        let mut generated = it.columns.iter().filter_map(|it| it.generated.as_ref());
        generated.any(|it| mentions_column(it.expr.text(), name))
    };
    let excluded = |it: &Table, name: &Ident| {
        let hard = it.constraints.iter().filter(|it| matches!(it.kind, ConstraintKind::Exclude(_)));
        hard.into_iter().any(|it| rebuilt::constraint_mentions(it, name))
    };
    // The foreign keys of a partitioned table are checked under lock when they are made (before 18).
    let in_parts = |it: &Name| {
        let table = pairs.base.table(it);
        table.is_some_and(|it| it.partition_by.is_some() || it.partition_of.is_some())
    };
    let pointed_at_by_parts = pairs.base.referencing(table).any(|(from, it)| match &it.kind {
        ConstraintKind::ForeignKey(fk) => fk.referenced_columns.contains(&old.name) && in_parts(&from.name),
        _ => false,
    });
    alone
        && old.generated.is_none()
        && new.generated.is_none()
        && !feeds(before, &old.name)
        && !feeds(after, &new.name)
        && !excluded(before, &old.name)
        && !excluded(after, &new.name)
        && !pointed_at_by_parts
        && !build::constrained_domain(&pairs.base, &new.ty)
}

/// The value of an annotation (`using`, `backfill`) at a column of `after`.
pub fn said(pairs: &Pairs<'_>, table: &Name, column: &Ident, key: &str) -> Option<String> {
    let at = super::intent::annotations(pairs, &ObjectRef::Column(table.clone(), column.clone()));
    let answer = || pairs.input.answers.by_id.get(&format!("{key}:{table}.{column}"))?.strip_prefix("value:");
    at.iter().find(|it| it.key == key).map(|it| it.value.as_str()).or_else(answer).map(str::to_owned)
}

/// SQL for the new value; `{}` stands for the old one.
fn conversion(pairs: &Pairs<'_>, table: &Name, old: &Ident, from: &DataType, new: &Column) -> String {
    match said(pairs, table, &new.name, "using") {
        Some(using) => {
            const VALUE: &str = "mc_value";
            tokens::rename_column(&using, old, &Ident::new(VALUE)).replace(VALUE, "{}")
        }
        None if *from == new.ty => "{}".into(),
        None => cast(pairs, from, &new.ty),
    }
}

/// A value as the only element of an array; NULL stays NULL.
pub fn as_array(value: &str, ty: &str) -> String {
    format!("CASE WHEN {value} IS NOT NULL THEN ARRAY[{value}]::{ty} END")
}

/// A cast that also gets from one enum to another: by its text.
fn cast(pairs: &Pairs<'_>, from: &DataType, to: &DataType) -> String {
    let is_enum = |ty: &DataType| {
        let name =
            Name { schema: ty.schema.clone().or_else(|| Some(Ident::new("public"))), name: Ident::new(&ty.name) };
        let found = pairs.base.types.get(&name).or_else(|| pairs.input.after.types.get(&name));
        found.is_some_and(|it| matches!(it.kind, TypeKind::Enum(_)))
    };
    let target = qualified(pairs, to);
    // No cast leads from a value to an array of it, or back.
    let text = |ty: &DataType| matches!(ty.name.as_str(), "text" | "character varying" | "character");
    match (from.array, to.array) {
        (false, true) if !text(from) => return as_array("{}", &target),
        (true, false) if !text(to) => return format!("({{}})[1]::{target}"),
        _ => {}
    }
    if is_enum(from) || is_enum(to) { format!("{{}}::text::{target}") } else { format!("{{}}::{target}") }
}

/// In a trigger: it must find the type whatever search_path its caller has.
fn qualified(pairs: &Pairs<'_>, ty: &DataType) -> String {
    let plain = pairs.input.dialect.render_type(ty);
    match &ty.schema {
        Some(schema) if schema.as_str() == "public" => format!("public.{plain}"),
        _ => plain,
    }
}

/// From a wider integer to a narrower one: the value where it fits, else nothing.
fn narrowed(from: &DataType, to: &DataType) -> Option<String> {
    let limit = |ty: &DataType| match ty.name.as_str() {
        _ if ty.array => None,
        "smallint" => Some(i64::from(i16::MAX)),
        "integer" => Some(i64::from(i32::MAX)),
        "bigint" => Some(i64::MAX),
        _ => None,
    };
    let (from, top) = (limit(from)?, limit(to)?);
    let fits = format!("{{}} BETWEEN {} AND {top}", -top - 1);
    (top < from).then(|| format!("CASE WHEN {fits} THEN {{}}::{} END", to.name))
}

/// A default that both copies can have without two evaluations differing (playbook §2.2, default placement).
fn shared_default(pairs: &Pairs<'_>, old: &Column, new: &Column) -> Option<Expr> {
    let (Some(_), Some(after)) = (&old.default, &new.default) else { return None };
    let dialect = pairs.input.dialect;
    let steady = |it: &Column| {
        it.default.as_ref().is_some_and(|it| dialect.volatility(it, pairs.input.after) < Volatility::Volatile)
    };
    (steady(old) && steady(new)).then(|| after.clone())
}
