//! Enums that lose, reorder or rename labels: PostgreSQL cannot do that to a type (playbook §4.15), so another type
//! takes its name, and its columns go over like those of any other change of type, all in one swap.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::{
    build::views_over,
    dual,
    pairs::Pairs,
    rebuilt::{Part, parts},
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
            twice: can_be_twice(pairs, name),
        })
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

/// Every column of the type can have two copies, and nothing else holds on to the old type.
fn can_be_twice(pairs: &Pairs<'_>, name: &Name) -> bool {
    let (base, after) = (&pairs.base, pairs.input.after);
    let mut columns: Vec<(Name, Ident)> = Vec::new();
    for table in base.tables.values() {
        for old in table.columns.iter().filter(|it| is_of(&it.ty, name)) {
            let new = after.table(&table.name).and_then(|it| it.column(&old.name));
            if !new.is_some_and(|new| new.ty == old.ty && dual::possible(pairs, &table.name, old, new)) {
                return false;
            }
            columns.push((table.name.clone(), old.name.clone()));
        }
    }
    // A column that comes would be made of the type that goes.
    let known = |table: &Table, it: &Column| base.table(&table.name).is_some_and(|old| old.column(&it.name).is_some());
    let comes = after.tables.values().any(|table| {
        let own = table.columns.iter().filter(|it| is_of(&it.ty, name));
        own.into_iter().any(|it| !known(table, it))
    });
    let named = |text: &str| {
        let last = |it: &tokens::Path| it.parts.last().is_some_and(|(part, _)| *part == name.name);
        tokens::paths(text).iter().any(|it| it.typed && last(it))
    };
    let held_by_type = base.types.values().any(|it| match &it.kind {
        TypeKind::Domain(it) => is_of(&it.base, name),
        TypeKind::Composite(it) => it.iter().any(|it| is_of(&it.ty, name)),
        _ => false,
    });
    let held_by_function = base.functions.values().any(|it| {
        let returned = it.returns.as_ref().is_some_and(|it| it.text().contains(name.name.as_str()));
        returned || it.args.iter().any(|it| is_of(&it.ty, name))
    });
    let followers = views_over(base, &columns);
    let held_by_view = base.views.values().any(|it| named(it.query.text()) && !followers.contains(&it.name));
    let cast = |it: &Part| match it {
        Part::Index(it) => {
            let keys = it.keys.iter().filter_map(|it| match &it.expr {
                KeyExpr::Expr(it) => Some(it),
                KeyExpr::Column(_) => None,
            });
            keys.chain(&it.predicate).any(|it| named(it.text()))
        }
        Part::Constraint(_, it) => matches!(&it.kind, ConstraintKind::Check(it) if named(it.text())),
    };
    let held = parts(base).any(|it| cast(&it)) || parts(after).any(|it| cast(&it));
    !columns.is_empty() && !comes && !held_by_type && !held_by_function && !held_by_view && !held
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
