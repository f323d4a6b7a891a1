//! Enums that lose, reorder or rename labels: PostgreSQL cannot do that to a type (playbook §4.15), so another type
//! takes its name, and its columns go over like those of any other change of type, all in one swap.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::{
    bound::Bound,
    dual,
    pairs::Pairs,
    rebuilt::{Part, stands_on},
};
use crate::{
    plan::{Question, helper_name},
    sql::*,
};

/// An enum and the one that follows it under its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    pub name: Name,
    /// What the new type is called until the swap.
    pub working: Name,
    /// What the old type is called from the swap on.
    pub aside: Name,
    pub labels: Labels,
    /// The columns can have two copies; else they are written again in place.
    pub twice: bool,
    /// Why they cannot.
    pub why: Option<String>,
}

/// How values get from one set of labels to the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// Labels that go, with what becomes of them: another label, or NULL.
    pub map: BTreeMap<SmolStr, Option<SmolStr>>,
    /// Labels that go and that nobody has said anything of: no row may hold them.
    pub unsaid: Vec<SmolStr>,
    /// Labels only the new type has that stand for one of the old.
    back: BTreeMap<SmolStr, SmolStr>,
}

/// The enums of both sides that are not just added to.
pub fn find(pairs: &Pairs<'_>) -> Vec<Replaced> {
    let both = pairs.base.types.iter().filter_map(|(name, old)| Some((name, old, pairs.input.after.types.get(name)?)));
    let enums = both.filter_map(|(name, old, new)| match (&old.kind, &new.kind) {
        (TypeKind::Enum(old), TypeKind::Enum(new)) if !extends(old, new) => Some((name, old, new)),
        _ => None,
    });
    enums
        .map(|(name, old, new)| Replaced {
            name: name.clone(),
            working: name.sibling(helper_name("mc_new", &[name.name.as_str()])),
            aside: name.sibling(helper_name("mc_old", &[name.name.as_str()])),
            labels: Labels::of(pairs, name, old, new),
            twice: false,
            why: obstacle(pairs, name),
        })
        .map(|it| Replaced { twice: it.why.is_none(), ..it })
        .collect()
}

/// All old labels stay, in their order.
fn extends(old: &[SmolStr], new: &[SmolStr]) -> bool {
    new.iter().filter(|it| old.contains(it)).eq(old)
}

/// Is a value of this type one of the enum's, or an array of them?
pub fn is_of(ty: &DataType, name: &Name) -> bool {
    ty.name.as_str() == name.name.as_str() && (ty.schema.is_none() || ty.schema == name.schema)
}

/// Why its columns cannot have two copies: said to a person. Functions, views, policies, triggers and defaults that hold
/// on to the old type are made again in the swap; indexes and checks are built on the new copies.
fn obstacle(pairs: &Pairs<'_>, name: &Name) -> Option<String> {
    let (base, after) = (&pairs.base, pairs.input.after);
    let bound = Bound::of(base, std::slice::from_ref(name));
    if let Some(it) = bound.types.iter().find(|it| *it != name) {
        return Some(format!("type {it} is made of it"));
    }
    if let Some((table, it)) = bound.computed.first() {
        return Some(format!("generated column {table}.{it} depends on it"));
    }
    let columns: Vec<(&Name, &Column)> =
        base.tables.values().flat_map(|of| of.columns.iter().map(|it| (&of.name, it))).collect();
    let own = columns.iter().filter(|(_, it)| is_of(&it.ty, name));
    for (table, old) in own.clone() {
        let new = after.table(table).and_then(|it| it.column(&old.name));
        match new {
            Some(new) if new.ty != old.ty => return Some(format!("{table}.{} gets another type", old.name)),
            Some(new) if dual::possible(pairs, table, old, new) => {}
            Some(_) => return Some(format!("a second copy of {table}.{} is not possible", old.name)),
            None => return Some(format!("{table}.{} goes or gets another name", old.name)),
        }
    }
    if own.count() == 0 {
        return Some("no column is of it".into());
    }
    // A column that comes would be made of the type that goes.
    let known = |table: &Name, it: &Column| {
        columns.iter().any(|old| old.0 == table && old.1.name == it.name && old.1.ty == it.ty)
    };
    let all = after.tables.values().flat_map(|of| of.columns.iter().map(|it| (&of.name, it)));
    if let Some((table, it)) = all.into_iter().find(|(table, it)| is_of(&it.ty, name) && !known(table, it)) {
        return Some(format!("{table}.{} is new", it.name));
    }
    held_by_function(pairs, &bound).or_else(|| held_apart(&bound)).or_else(|| {
        held_apart(&Bound::of(after, std::slice::from_ref(name))).or_else(|| bound.obstacles().into_iter().next())
    })
}

/// A function that changes as well, or that is called where the swap does not reach.
fn held_by_function(pairs: &Pairs<'_>, bound: &Bound<'_>) -> Option<String> {
    for it in &bound.functions {
        let wanted = pairs.input.after.functions.get(&(it.name.clone(), it.input_types()));
        let same = wanted.is_some_and(|wanted| {
            Function { owner: None, ..(**wanted).clone() } == Function { owner: None, ..(**it).clone() }
        });
        if !same || it.kind == FunctionKind::Aggregate {
            return Some(format!("function {} has it in its signature", it.name));
        }
    }
    let default = |table: &Name, column: &Ident| pairs.base.table(table)?.column(column)?.default.clone();
    let mut own = bound.defaults(true).into_iter();
    let calling = own.find(|(table, column)| default(table, column).is_some_and(|it| bound.calls(&it)));
    calling.map(|(table, column)| format!("the default of {table}.{column} calls a function with it in its signature"))
}

/// An index or a check that holds the type, and that is not made anew over a second copy.
fn held_apart(bound: &Bound<'_>) -> Option<String> {
    let copied = |part: &Part| bound.columns.iter().any(|(table, column)| stands_on(part, table, column));
    let exprs = |part: &Part| -> Vec<Expr> {
        match part {
            Part::Index(it) => {
                let keys =
                    it.keys.iter().filter_map(|it| if let KeyExpr::Expr(it) = &it.expr { Some(it) } else { None });
                keys.chain(&it.predicate).cloned().collect()
            }
            Part::Constraint(_, it) => match &it.kind {
                ConstraintKind::Check(it) => vec![it.clone()],
                _ => Vec::new(),
            },
        }
    };
    let indexes = bound.indexes().into_iter().map(Part::Index);
    let constraints = bound.constraints().into_iter().map(|(table, it)| Part::Constraint(table, it));
    let mut all = indexes.chain(constraints);
    let held = all.find(|it| exprs(it).iter().any(|expr| bound.calls(expr) || (bound.uses(expr) && !copied(it))));
    held.map(|it| match it {
        Part::Index(_) => format!("index {} holds on to it", it.object()),
        Part::Constraint(..) => format!("constraint {} holds on to it", it.object()),
    })
}

impl Labels {
    fn of(pairs: &Pairs<'_>, name: &Name, old: &[SmolStr], new: &[SmolStr]) -> Self {
        let mut res = Self::default();
        for label in old.iter().filter(|it| !new.contains(it)) {
            match said(pairs, name, label) {
                Some(None) => _ = res.map.insert(label.clone(), None),
                Some(Some(to)) if new.contains(&to) => {
                    if !old.contains(&to) {
                        res.back.insert(to.clone(), label.clone());
                    }
                    res.map.insert(label.clone(), Some(to));
                }
                _ => res.unsaid.push(label.clone()),
            }
        }
        res
    }

    /// From the old type's value, `{}`, to the new type; both an enum or an array of it.
    pub fn up(&self, b: &dyn crate::dialect::Dialect, array: bool, target: &str) -> String {
        convert(b, self.map.iter().map(|(from, to)| (from, to.as_ref())), array, target)
    }

    /// And back. A label that only the new type has and that stands for none of the old is refused.
    pub fn down(&self, b: &dyn crate::dialect::Dialect, array: bool, target: &str) -> String {
        convert(b, self.back.iter().map(|(from, to)| (from, Some(to))), array, target)
    }

    /// What becomes of each label that goes.
    pub fn questions(&self, name: &Name) -> Vec<Question> {
        let asked = |label: &SmolStr, assumed: String, answered: bool| Question {
            id: id(name, label),
            about: format!(
                "what becomes of '{label}' of {name}, which goes? (none: no row holds it; null; or another label)"
            ),
            choices: vec!["none".into(), "null".into(), "value:…".into()],
            assumed,
            answered,
            objects: vec![ObjectRef::Type(name.clone())],
        };
        let said = self.map.iter().map(|(label, to)| {
            let to = to.as_ref().map_or("null".to_owned(), |it| format!("value:{it}"));
            asked(label, to, true)
        });
        said.chain(self.unsaid.iter().map(|it| asked(it, "none".into(), false))).collect()
    }
}

fn id(name: &Name, label: &SmolStr) -> String {
    format!("label:{name}.{label}")
}

/// `-- @map from=x to=y` at the type, or an answer; `to=null` empties.
fn said(pairs: &Pairs<'_>, name: &Name, label: &SmolStr) -> Option<Option<SmolStr>> {
    let value = |it: &str| (it != "null").then(|| SmolStr::new(it));
    if let Some(answer) = pairs.input.answers.by_id.get(&id(name, label)).filter(|it| *it != "none") {
        return Some(value(answer.strip_prefix("value:").unwrap_or(answer)));
    }
    let notes = pairs.input.after.annotations.get(&ObjectRef::Type(name.clone()))?;
    let mut own = notes.iter().filter(|it| it.key == "map" && it.argument("from") == Some(label.as_str()));
    own.find_map(|it| it.argument("to")).map(value)
}

fn convert<'a>(
    dialect: &dyn crate::dialect::Dialect,
    map: impl Iterator<Item = (&'a SmolStr, Option<&'a SmolStr>)>,
    array: bool,
    target: &str,
) -> String {
    let literal = |it: Option<&SmolStr>| it.map_or("NULL".to_owned(), |it| dialect.literal(it));
    let pairs: Vec<(String, String)> = map.map(|(from, to)| (dialect.literal(from), literal(to))).collect();
    if array {
        let text =
            pairs.iter().fold("{}::text[]".to_owned(), |acc, (from, to)| format!("array_replace({acc}, {from}, {to})"));
        return format!("{text}::{target}");
    }
    if pairs.is_empty() {
        return format!("{{}}::text::{target}");
    }
    let arms: String = pairs.iter().map(|(from, to)| format!(" WHEN {from} THEN {to}")).collect();
    format!("(CASE {{}}::text{arms} ELSE {{}}::text END)::{target}")
}
