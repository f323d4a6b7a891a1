//! A schema as the generator knows it: objects with references by id, so that whatever loses what it stands on can be
//! taken away with it, and any subset is a schema again.
//!
//! Texts hold their references as `{c7}` (the column's name) and `{o3}` (the object's name with its schema).

use std::collections::{BTreeMap, BTreeSet};

pub type Id = u32;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct World {
    pub version: u32,
    /// Ids are never used twice, so that those of `before` and `after` mean the same.
    pub next: Id,
    pub objects: Vec<Object>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    pub id: Id,
    /// `None` is public.
    pub schema: Option<Id>,
    pub name: String,
    /// The name it had, for `@renamed`.
    pub was: Option<String>,
    pub comment: Option<&'static str>,
    /// Privilege and role.
    pub grants: BTreeSet<(&'static str, &'static str)>,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Schema,
    Extension,
    Enum(Vec<String>),
    Domain { base: &'static str, default: Option<&'static str>, not_null: bool, checks: Vec<(Id, String)> },
    Composite(Vec<(Id, String, String)>),
    Sequence { options: BTreeMap<&'static str, &'static str>, owner: Option<(Id, Id)> },
    Function(Function),
    Table(Table),
    Index(Index),
    View(View),
    Trigger(Trigger),
    Policy(Policy),
    Statistics { table: Id, kinds: &'static str, columns: Vec<Id> },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    pub args: Vec<(String, String, Option<&'static str>)>,
    /// `None` for a procedure.
    pub returns: Option<String>,
    pub language: &'static str,
    pub body: String,
    pub attributes: BTreeSet<&'static str>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub columns: Vec<Column>,
    pub constraints: Vec<Constraint>,
    /// Strategy and column.
    pub partition_by: Option<(&'static str, Id)>,
    pub partition_of: Option<(Id, String)>,
    pub inherits: Vec<Id>,
    pub unlogged: bool,
    pub options: BTreeMap<&'static str, &'static str>,
    pub row_security: bool,
    pub forced: bool,
    pub replica_identity: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub id: Id,
    pub name: String,
    pub was: Option<String>,
    pub ty: String,
    pub not_null: bool,
    pub default: Option<String>,
    pub identity: Option<&'static str>,
    pub generated: Option<String>,
    pub collation: Option<&'static str>,
    pub comment: Option<&'static str>,
    /// `SET STORAGE EXTERNAL` and the like, behind `ALTER COLUMN name`.
    pub settings: BTreeSet<&'static str>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Constraint {
    pub id: Id,
    pub name: Option<String>,
    pub rule: Rule,
    /// `""`, `DEFERRABLE` or `DEFERRABLE INITIALLY DEFERRED`.
    pub timing: &'static str,
    pub comment: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    Primary(Vec<Id>),
    Unique { columns: Vec<Id>, include: Vec<Id>, nulls_not_distinct: bool },
    Check { text: String, no_inherit: bool },
    Foreign { columns: Vec<Id>, table: Id, references: Vec<Id>, actions: &'static str },
    Exclude { method: &'static str, elements: Vec<String>, predicate: Option<String> },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Index {
    pub table: Id,
    pub unique: bool,
    pub method: &'static str,
    pub keys: Vec<String>,
    pub include: Vec<Id>,
    pub nulls_not_distinct: bool,
    pub predicate: Option<String>,
    pub options: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct View {
    pub materialized: bool,
    /// Id of the output column, expression, name.
    pub items: Vec<(Id, String, String)>,
    pub from: String,
    pub filter: Option<String>,
    pub tail: &'static str,
    pub options: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    pub table: Id,
    pub function: Id,
    pub timing: &'static str,
    pub events: BTreeSet<&'static str>,
    pub of: Vec<Id>,
    pub row: bool,
    pub when: Option<String>,
    pub disabled: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub table: Id,
    pub restrictive: bool,
    pub command: &'static str,
    pub role: &'static str,
    pub using: Option<String>,
    pub check: Option<String>,
}

/// `{c7}` and `{o3}` of a text.
pub fn references(text: &str) -> Vec<(char, Id)> {
    let parts = text.split('{').skip(1).filter_map(|it| it.split_once('}'));
    parts.filter_map(|(it, _)| Some((it.chars().next()?, it.get(1..)?.parse().ok()?))).collect()
}

impl World {
    pub fn fresh(&mut self) -> Id {
        self.next += 1;
        self.next
    }

    pub fn object(&self, id: Id) -> Option<&Object> {
        self.objects.iter().find(|it| it.id == id)
    }

    pub fn table(&self, id: Id) -> Option<&Table> {
        match &self.object(id)?.kind {
            Kind::Table(it) => Some(it),
            _ => None,
        }
    }

    pub fn tables(&self) -> impl Iterator<Item = (&Object, &Table)> {
        self.objects.iter().filter_map(|it| match &it.kind {
            Kind::Table(table) => Some((it, table)),
            _ => None,
        })
    }

    /// The table's own columns, those of its parents first.
    pub fn columns_of(&self, table: Id) -> Vec<&Column> {
        let Some(table) = self.table(table) else { return Vec::new() };
        let parents = table.inherits.iter().chain(table.partition_of.iter().map(|it| &it.0));
        parents.flat_map(|it| self.columns_of(*it)).chain(&table.columns).collect()
    }

    /// Every column and output column by id.
    fn column_names(&self) -> BTreeMap<Id, &str> {
        let mut res = BTreeMap::new();
        for object in &self.objects {
            match &object.kind {
                Kind::Table(table) => res.extend(table.columns.iter().map(|it| (it.id, it.name.as_str()))),
                Kind::View(view) => res.extend(view.items.iter().map(|it| (it.0, it.2.as_str()))),
                Kind::Composite(list) => res.extend(list.iter().map(|it| (it.0, it.1.as_str()))),
                _ => {}
            }
        }
        res
    }

    /// Takes away whatever has lost what it stands on.
    pub fn prune(&mut self) {
        loop {
            let was = self.clone();
            self.prune_once(&was);
            if *self == was {
                return;
            }
        }
    }

    fn prune_once(&mut self, was: &World) {
        let objects: BTreeSet<Id> = was.objects.iter().map(|it| it.id).collect();
        let columns = was.column_names();
        let holds = |text: &String| {
            references(text).iter().all(|(kind, id)| match kind {
                'c' => columns.contains_key(id),
                _ => objects.contains(id),
            })
        };
        let drop_text = |it: &mut Option<String>| {
            if it.as_ref().is_some_and(|it| !holds(it)) {
                *it = None;
            }
        };
        self.objects.retain_mut(|object| {
            let scope = |table: Id, id: &Id| was.columns_of(table).iter().any(|it| it.id == *id);
            let own = |table: Id, text: &String| references(text).iter().all(|it| it.0 != 'c' || scope(table, &it.1));
            if object.schema.is_some_and(|it| !objects.contains(&it)) {
                return false;
            }
            match &mut object.kind {
                Kind::Schema | Kind::Extension | Kind::Enum(_) | Kind::Domain { .. } => true,
                Kind::Composite(list) => {
                    list.retain(|it| holds(&it.2));
                    !list.is_empty()
                }
                Kind::Sequence { owner, .. } => {
                    if owner.is_some_and(|(_, column)| !columns.contains_key(&column)) {
                        *owner = None;
                    }
                    true
                }
                Kind::Function(it) => {
                    holds(&it.body) && it.args.iter().all(|it| holds(&it.1)) && it.returns.iter().all(holds)
                }
                Kind::Table(table) => prune_table(was, object.id, table, &holds),
                Kind::Index(it) => {
                    let table = it.table;
                    it.include.retain(|it| scope(table, it));
                    if it.predicate.as_ref().is_some_and(|it| !own(table, it)) {
                        it.predicate = None;
                    }
                    drop_text(&mut it.predicate);
                    it.keys.retain(|it| holds(it) && own(table, it));
                    !it.keys.is_empty() && objects.contains(&table)
                }
                Kind::View(it) => {
                    it.items.retain(|it| holds(&it.1));
                    drop_text(&mut it.filter);
                    !it.items.is_empty() && holds(&it.from)
                }
                Kind::Trigger(it) => {
                    it.of.retain(|column| scope(it.table, column));
                    drop_text(&mut it.when);
                    objects.contains(&it.table) && objects.contains(&it.function)
                }
                Kind::Policy(it) => {
                    drop_text(&mut it.using);
                    drop_text(&mut it.check);
                    objects.contains(&it.table)
                }
                Kind::Statistics { table, columns, .. } => {
                    columns.retain(|it| scope(*table, it));
                    columns.len() > 1
                }
            }
        });
    }
}

/// What a foreign key may hold together.
fn class(ty: &str) -> &str {
    match ty {
        "smallint" | "integer" | "bigint" | "serial" | "bigserial" => "integer",
        "text" | "character varying(20)" | "character varying(200)" => "text",
        other => other,
    }
}

fn prune_table(was: &World, id: Id, table: &mut Table, holds: &dyn Fn(&String) -> bool) -> bool {
    if table
        .partition_of
        .as_ref()
        .is_some_and(|(parent, _)| was.table(*parent).is_none_or(|it| it.partition_by.is_none()))
    {
        return false;
    }
    if table.partition_by.is_some_and(|(_, key)| !table.columns.iter().any(|it| it.id == key)) {
        return false;
    }
    table.inherits.retain(|it| was.table(*it).is_some());
    table.columns.retain(|it| holds(&it.ty) && it.generated.iter().all(holds));
    for column in &mut table.columns {
        if column.default.as_ref().is_some_and(|it| !holds(it)) {
            column.default = None;
        }
    }
    let own: BTreeMap<Id, &str> = was.columns_of(id).iter().map(|it| (it.id, it.ty.as_str())).collect();
    let all = |list: &[Id]| list.iter().all(|it| own.contains_key(it));
    let key = table.partition_by.map(|it| it.1);
    let covers = |list: &[Id]| key.is_none_or(|it| list.contains(&it));
    table.constraints.retain_mut(|it| match &mut it.rule {
        Rule::Primary(columns) => all(columns) && covers(columns),
        Rule::Unique { columns, include, .. } => {
            include.retain(|it| own.contains_key(it));
            all(columns) && covers(columns)
        }
        Rule::Check { text, .. } => {
            holds(text) && references(text).iter().all(|it| it.0 != 'c' || own.contains_key(&it.1))
        }
        Rule::Foreign { columns, table: to, references, .. } => {
            let Some(target) = was.table(*to) else { return false };
            let theirs: BTreeMap<Id, &str> = was.columns_of(*to).iter().map(|it| (it.id, it.ty.as_str())).collect();
            let fits = columns.iter().zip(references.iter()).all(|(a, b)| match (own.get(a), theirs.get(b)) {
                (Some(a), Some(b)) => class(a) == class(b),
                _ => false,
            });
            // A permanent table may point at permanent ones only.
            let lasting = table.unlogged || !target.unlogged;
            fits && lasting
                && target.constraints.iter().any(|it| match &it.rule {
                    Rule::Primary(key) | Rule::Unique { columns: key, .. } => it.timing.is_empty() && key == references,
                    _ => false,
                })
        }
        Rule::Exclude { elements, predicate, .. } => {
            elements.retain(|it| {
                holds(it)
                    && crate::random::world::references(it).iter().all(|it| it.0 != 'c' || own.contains_key(&it.1))
            });
            if predicate.as_ref().is_some_and(|it| !holds(it)) {
                *predicate = None;
            }
            !elements.is_empty()
        }
    });
    true
}
