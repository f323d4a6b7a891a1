//! A plain table that becomes a partition of the partitioned one which takes its name (playbook §4.19a).
//!
//! What is proven beforehand, beside running reads and writes (the bound, NOT NULL, the keys' indexes), makes the exchange
//! a matter of the catalog alone. [`find`] settles it for all kinds: `base` is as the exchange leaves it, so that whatever
//! else differs is found, and planned behind it, as for any partitioned table.

mod back;
mod exchange;
mod moves;

use super::{
    build::{Builder, backing_index},
    intent,
    pairs::Pairs,
};
use crate::{
    catalog::Catalog,
    plan::{Action, helper_name},
    sql::*,
};

/// How a table is divided.
pub struct Divided {
    pub table: Name,
    /// The partition that the table becomes.
    pub legacy: Name,
    /// Unique indexes that the keys of the partition are made of.
    pub indexes: Vec<Index>,
    /// Columns of keys that may hold NULL so far.
    pub tightened: Vec<Ident>,
    /// What the bound asks of every row.
    pub check: Option<Constraint>,
    /// Keys that hold no longer: what is unique within one partition may repeat in another.
    pub lost: Vec<Constraint>,
    /// Foreign keys that point at the table: out and, where the schema still has them, in again.
    pub incoming: Vec<(Name, Constraint)>,
    /// The partitions beside it.
    pub others: Vec<Name>,
    /// One transaction, with a reason for each statement.
    pub exchange: Vec<(Action, String)>,
    /// The way back, rows of the other partitions included.
    pub back: Vec<Action>,
}

/// Finds the tables that become partitioned and puts `pairs.base` behind the exchange.
pub fn find(pairs: &mut Pairs<'_>) {
    let after = pairs.input.after;
    let changed = |it: &Table| after.table(&it.name).is_some_and(|new| differs(it, new) && new.partition_of.is_none());
    let names: Vec<Name> = pairs
        .base
        .tables
        .values()
        .filter(|it| changed(it) && it.partition_of.is_none())
        .map(|it| it.name.clone())
        .collect();
    for table in names {
        match divide(pairs, &table) {
            Ok((divided, base)) => {
                pairs.base = base;
                pairs.divided.push(divided);
            }
            Err(why) => pairs.undivided.push((table, why)),
        }
    }
}

/// Is it partitioned by something else? A column of the key may have got another name.
fn differs(old: &Table, new: &Table) -> bool {
    let (Some(was), Some(is)) = (&old.partition_by, &new.partition_by) else {
        return old.partition_by.is_some() != new.partition_by.is_some();
    };
    let other = |(was, is): (&IndexKey, &IndexKey)| match (was.expr.as_column(), is.expr.as_column()) {
        (Some(a), Some(b)) => a != b && new.column(a).is_some(),
        (None, None) => false,
        _ => true,
    };
    was.strategy != is.strategy || was.keys.len() != is.keys.len() || was.keys.iter().zip(&is.keys).any(other)
}

/// The way, and the catalog at its end; an error says why there is none.
fn divide(pairs: &mut Pairs<'_>, table: &Name) -> Result<(Divided, Catalog), String> {
    let after = pairs.input.after;
    let (Some(old), Some(new)) = (pairs.base.table(table).cloned(), after.table(table)) else {
        return Err("it is not there".into());
    };
    let Some(by) = new.partition_by.clone().filter(|_| old.partition_by.is_none()) else {
        return Err("what it is partitioned by cannot be changed: its rows would have to be moved".into());
    };
    if !old.inherits.is_empty() || !pairs.base.descendants(table).is_empty() {
        return Err("it takes part in inheritance, which a partitioned table cannot".into());
    }
    if let Some(lacking) = by.keys.iter().filter_map(|it| it.expr.as_column()).find(|it| old.column(it).is_none()) {
        return Err(format!("its partition key {lacking} is not a column yet: add and fill it first"));
    }
    let legacy = choose(pairs, table, &old)?;
    let mut staged = pairs.base.clone();
    let mut res = Divided {
        table: table.clone(),
        legacy,
        indexes: Vec::new(),
        tightened: Vec::new(),
        check: None,
        lost: Vec::new(),
        incoming: Vec::new(),
        others: Vec::new(),
        exchange: Vec::new(),
        back: Vec::new(),
    };
    res.prepare(&Builder { pairs }, &mut staged, &old, &by)?;
    let (end, midway) = res.exchange(&Builder { pairs }, &staged)?;
    res.way_back(&Builder { pairs }, &staged, &end, &midway)?;
    Ok((res, end))
}

/// The new partition that all rows go to.
fn choose(pairs: &mut Pairs<'_>, table: &Name, old: &Table) -> Result<Name, String> {
    let after = pairs.input.after;
    let fits = |it: &&Table| {
        let here = |column: &Column| old.column(&column.name).is_some_and(|old| old.ty == column.ty);
        it.partition_by.is_none()
            && !pairs.base.tables.contains_key(&it.name)
            && it.columns.iter().filter(|it| here(it)).count() * 2 > old.columns.len()
    };
    let candidates: Vec<&Table> = after.partitions_of(table).map(|it| &**it).filter(fits).collect();
    let said = |it: &&&Table| {
        let annotations = intent::annotations(pairs, &ObjectRef::Table(it.name.clone()));
        annotations.iter().any(|it| it.key == "renamed" && it.argument("from") == Some(table.name.as_str()))
    };
    if let Some(said) = candidates.iter().find(said) {
        return Ok(said.name.clone());
    }
    let dialect = pairs.input.dialect;
    let first = |it: &&&Table| it.partition_of.as_ref().is_some_and(|it| dialect.has_no_beginning(&it.bound));
    let rest = |it: &&&Table| it.partition_of.as_ref().is_some_and(|it| is_default(&it.bound));
    let open: Vec<&&Table> = candidates.iter().filter(|it| first(it) || rest(it)).collect();
    let all: Vec<&&Table> = if open.is_empty() { candidates.iter().collect() } else { open };
    let hash = candidates.len() > 1
        && after
            .table(table)
            .and_then(|it| it.partition_by.as_ref())
            .is_some_and(|it| it.strategy == PartitionStrategy::Hash);
    let Some(likely) = all.iter().find(|it| first(it)).or(all.first()).filter(|_| !hash) else {
        let why = match hash {
            true => "hash partitions each take a part of the rows: none can take the table as it is",
            false => "the schema has no new partition of it that could take its rows (one from MINVALUE, or DEFAULT)",
        };
        return Err(why.into());
    };
    let likely = likely.name.clone();
    if all.len() > 1 {
        let choices: Vec<String> = all.iter().map(|it| it.name.to_string()).collect();
        let objects = all.iter().map(|it| ObjectRef::Table(it.name.clone())).collect();
        let about = format!("Which partition of {table} takes the rows that are there?");
        let question =
            intent::question(pairs, (format!("partition:{table}"), about), objects, choices, &likely.to_string());
        let chosen = all.iter().find(|it| it.name.to_string() == question.assumed).map(|it| it.name.clone());
        pairs.questions.push(question);
        return Ok(chosen.unwrap_or(likely));
    }
    Ok(likely)
}

pub fn is_default(bound: &Expr) -> bool {
    bound.canon().trim().eq_ignore_ascii_case("default")
}

/// The columns of a key that an index stands behind.
fn key_of(it: &Constraint) -> Option<&KeyConstraint> {
    match &it.kind {
        ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key) => Some(key),
        _ => None,
    }
}

/// The same key, whatever its name.
fn same_key(a: &Constraint, b: &Constraint) -> bool {
    a.kind == b.kind && a.deferrable == b.deferrable && a.initially_deferred == b.initially_deferred
}

impl Divided {
    /// What is made ready while everybody works; `staged` is the catalog with it.
    fn prepare(&mut self, b: &Builder<'_>, staged: &mut Catalog, old: &Table, by: &PartitionBy) -> Result<(), String> {
        let (Some(new), Some(legacy)) = (b.after().table(&self.table), b.after().table(&self.legacy)) else {
            return Err("it is not there".into());
        };
        let mut put = |ddl: Ddl| staged.apply(&ddl).map_err(|it| it.message().to_owned());
        for it in new.constraints.iter().filter(|it| !old.constraints.iter().any(|own| same_key(own, it))) {
            let Some(key) = key_of(it) else { continue };
            if key.without_overlaps {
                return Err(format!("{} WITHOUT OVERLAPS cannot be built beside running writes", self.name_of(it)));
            }
            let own = legacy.constraints.iter().find(|own| same_key(own, it)).and_then(|it| it.name.clone());
            let name = own.unwrap_or_else(|| helper_name(self.legacy.name.as_str(), &[self.name_of(it).as_str()]));
            let index = backing_index(&self.table, &name, key);
            put(Ddl::CreateIndex { index: Box::new(index.clone()), concurrently: true, if_not_exists: false })?;
            self.indexes.push(index);
            if matches!(it.kind, ConstraintKind::PrimaryKey(_)) {
                let nullable = |it: &&Ident| old.column(it).is_some_and(|it| !it.not_null);
                self.tightened.extend(key.columns.iter().filter(nullable).cloned());
            }
        }
        let keys = by.keys.iter().filter_map(|it| it.expr.as_column());
        let tighter = |it: &&Ident| {
            let not_null = |table: &Table| table.column(it).is_some_and(|it| it.not_null);
            not_null(new) && !not_null(old) && !self.tightened.contains(it)
        };
        let tighter: Vec<Ident> = keys.filter(tighter).cloned().collect();
        self.tightened.extend(tighter);
        for column in &self.tightened {
            put(Ddl::SetNotNull { table: self.table.clone(), column: column.clone() })?;
        }
        self.lost = old
            .constraints
            .iter()
            .filter(|it| key_of(it).is_some() && !new.constraints.iter().any(|own| same_key(own, it)))
            .cloned()
            .collect();
        self.check = self.check(b, by, staged);
        if let Some(check) = &self.check {
            let add = Ddl::AddConstraint { table: self.table.clone(), constraint: Box::new(check.clone()) };
            staged.apply(&add).map_err(|it| it.message().to_owned())?;
        }
        Ok(())
    }

    fn name_of(&self, it: &Constraint) -> Ident {
        it.name.clone().unwrap_or_default()
    }

    /// What the bound of the partition, or those beside a DEFAULT one, ask of the rows.
    fn check(&self, b: &Builder<'_>, by: &PartitionBy, staged: &Catalog) -> Option<Constraint> {
        let bound = |it: &Table| it.partition_of.as_ref().map(|it| it.bound.clone());
        let own = bound(b.after().table(&self.legacy)?)?;
        let nullable = by.keys.iter().any(|it| match &it.expr {
            KeyExpr::Column(it) => {
                staged.table(&self.table).and_then(|table| table.column(it)).is_none_or(|it| !it.not_null)
            }
            KeyExpr::Expr(_) => true,
        });
        let condition = match is_default(&own) {
            false => b.dialect().bound_condition(by, &own, nullable, true)?,
            true => {
                let others = b.after().partitions_of(&self.table).filter(|it| it.name != self.legacy);
                let each: Option<Vec<String>> = others
                    .map(|it| Some(b.dialect().bound_condition(by, &bound(it)?, nullable, false)?.text().to_owned()))
                    .collect();
                let each = each.filter(|it| !it.is_empty())?;
                b.dialect().expr(&each.join(" AND "))
            }
        };
        let name = helper_name("mc_bound", &[self.table.name.as_str()]);
        Some(Constraint::new(Some(name), ConstraintKind::Check(condition)))
    }
}
