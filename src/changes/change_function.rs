//! Functions and procedures.

use std::sync::Arc;

use super::{Builder, Kind, Outline, pairs::Pairs};
use crate::{
    page::page,
    plan::PhaseKind::*,
    sql::{Ddl, Expr, Function, FunctionKind, Ident, Name, ObjectRef},
};

page! {
    /// # Create, replace or drop a function
    ///
    /// CREATE OR REPLACE changes the body in one stroke and keeps privileges; running calls finish with the old one. What a function
    /// returns and how its arguments are called cannot be replaced: it is dropped and created in one transaction.
    ///
    /// ```sql before
    /// CREATE FUNCTION vat(net numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT net * 0.19';
    /// ```
    /// ```sql after
    /// CREATE FUNCTION vat(net numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT net * 0.21';
    /// ```
    /// ```plan
    /// Expand: change function vat(numeric)
    ///   CREATE OR REPLACE FUNCTION vat() …
    ///   undo: CREATE OR REPLACE FUNCTION vat() …
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeFunction {
    before: Option<Arc<Function>>,
    after: Option<Arc<Function>>,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<ChangeFunction> {
    let (base, after) = (&pairs.base.functions, &pairs.input.after.functions);
    let same =
        |a: &Function, b: &Function| Function { owner: None, ..a.clone() } == Function { owner: None, ..b.clone() };
    let remade = super::in_place::remade_functions(pairs);
    let own = after.iter().filter(|(_, it)| remade.is_empty() || !remade.contains(&it.object()));
    let kept = own.filter_map(|(key, new)| {
        let old = base.get(key);
        let changed = old.is_none_or(|old| !Arc::ptr_eq(old, new) && !same(old, new));
        changed.then(|| ChangeFunction { before: old.cloned(), after: Some(new.clone()) })
    });
    let gone = base.iter().filter(|(key, _)| !after.contains_key(*key));
    kept.chain(gone.map(|(_, it)| ChangeFunction { before: Some(it.clone()), after: None })).collect()
}

/// PostgreSQL replaces a function only when its result and its arguments' names stay (manual, CREATE FUNCTION, Notes).
fn replaceable(before: &Function, after: &Function) -> bool {
    let shape =
        |it: &Function| it.args.iter().map(|it| (it.mode as u8, it.name.clone(), it.ty.clone())).collect::<Vec<_>>();
    let keeps_defaults =
        before.args.iter().zip(&after.args).all(|(old, new)| old.default.is_none() || new.default.is_some());
    before.kind == after.kind
        && before.returns == after.returns
        && shape(before) == shape(after)
        && keeps_defaults
        && after.kind != FunctionKind::Aggregate
}

/// Columns that are there before and after and whose default calls the function, with the default they get.
fn calling_columns(b: &Builder<'_>, function: &Function) -> Vec<(Name, Ident, Option<Expr>)> {
    let column = |it: ObjectRef| {
        let ObjectRef::Column(table, name) = it else { return None };
        let pair = b.pairs.pair(&table)?.columns.iter().find(|it| it.before.name == name)?;
        pair.before.default.as_ref()?;
        let kept = pair.before.default == pair.after.default;
        Some((table, name, if kept { pair.after.default.clone() } else { None }))
    };
    b.pairs.base.callers(&function.name).into_iter().filter_map(column).collect()
}

fn drop(it: &Function) -> Ddl {
    Ddl::DropFunction {
        name: it.name.clone(),
        args: Some(it.input_types()),
        kind: it.kind,
        if_exists: false,
        cascade: false,
    }
}

impl Kind for ChangeFunction {
    fn kind(&self) -> &'static str {
        match (&self.before, &self.after) {
            (None, _) => "create_function",
            (_, None) => "drop_function",
            _ => "change_function",
        }
    }

    fn object(&self) -> ObjectRef {
        let it = self.after.as_ref().or(self.before.as_ref());
        it.map_or_else(|| ObjectRef::Function(Default::default(), Vec::new()), |it| it.object())
    }

    fn describe(&self) -> String {
        format!("{} function {}", self.kind().trim_end_matches("_function"), self.object())
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        match (&self.before, &self.after) {
            (None, Some(it)) => {
                acc.step(
                    Expand,
                    Ddl::CreateFunction { function: Box::new((**it).clone()), or_replace: false },
                    "nobody calls it yet",
                );
            }
            (Some(it), None) => {
                acc.gate(Contract, format!("no running instance calls {}", it.object()));
                acc.step(Contract, drop(it), "nobody calls it any more");
            }
            (Some(before), Some(after)) if replaceable(before, after) => {
                let replace = Ddl::CreateFunction { function: Box::new((**after).clone()), or_replace: true };
                acc.step(Expand, replace, "running calls finish with the old body");
            }
            (Some(before), Some(after)) => {
                let group = format!("function:{}", after.object());
                // What calls it stands in the way of the DROP.
                let callers = b.callers(&before.name);
                callers.drop(acc, Expand, &group);
                let calling = calling_columns(b, before);
                for (table, column, _) in &calling {
                    let none = Ddl::SetDefault { table: table.clone(), column: column.clone(), default: None };
                    acc.grouped(Expand, &group, none, "it calls the function and comes back in this transaction");
                }
                let why = "its result or arguments change: it cannot be replaced in place";
                acc.grouped(Expand, &group, drop(before), why);
                let create = Ddl::CreateFunction { function: Box::new((**after).clone()), or_replace: false };
                acc.grouped(Expand, &group, create, "in the same transaction");
                for (table, column, default) in calling {
                    let again = Ddl::SetDefault { table, column, default };
                    acc.grouped(Expand, &group, again, "as the schema has it");
                }
                callers.create(acc, Expand, &group);
                for it in b.after().privileges.iter().filter(|it| it.object == after.object()) {
                    acc.grouped(Expand, &group, super::build::grant(it), "a DROP takes privileges away");
                }
            }
            (None, None) => {}
        }
    }
}
