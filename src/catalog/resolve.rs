//! From names as written to the objects of a catalog: search_path, kinds, types.

use super::{ApplyError, Catalog, Hidden, HiddenKind};
use crate::sql::*;

/// An index by name: one of its own, or the one behind a constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexAt {
    Own(Name),
    Constraint(Name, Ident),
}

/// A sequence by name: one of its own, or the one of an identity column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SequenceAt {
    Own(Name),
    Identity(Name, Ident),
}

/// Where temporary objects stand: a schema of the session's own, before all others.
pub const TEMPORARY: &str = "pg_temp";

/// "table users does not exist".
pub(super) fn missing(kind: &str, name: impl std::fmt::Display) -> ApplyError {
    ApplyError::Missing(format!("{kind} {name} does not exist"))
}

pub(super) fn refused(message: impl Into<String>) -> ApplyError {
    ApplyError::Refused(message.into())
}

impl Catalog {
    /// The name in the first schema of the search path where it `exists`.
    pub fn resolve(&self, name: &Name, exists: impl Fn(&Name) -> bool) -> Option<Name> {
        if name.schema.is_some() {
            return exists(name).then(|| name.clone());
        }
        self.path().map(|schema| Name { schema: Some(schema), name: name.name.clone() }).find(|it| exists(it))
    }

    /// Schemas in the order of resolution: temporary objects first (manual 5.10.3). An empty search path stands
    /// for `public`: dumps that set it qualify everything, so nothing else can be meant.
    fn path(&self) -> impl Iterator<Item = Ident> {
        let fallback = self.search_path.is_empty().then(|| Ident::new("public"));
        let temporary = std::iter::once(Ident::new(TEMPORARY));
        temporary.chain(self.search_path.iter().cloned()).chain(fallback)
    }

    /// Where a new object of that name comes to stand.
    pub(super) fn place(&self, name: &Name, persistence: Persistence) -> Result<Name, ApplyError> {
        if persistence == Persistence::Temporary {
            return Ok(Name { schema: Some(TEMPORARY.into()), name: name.name.clone() });
        }
        match &name.schema {
            Some(schema) if self.schemas.contains(schema) || schema.as_str() == TEMPORARY => Ok(name.clone()),
            Some(schema) => Err(missing("schema", schema)),
            None => {
                let first = self.search_path.iter().find(|it| self.schemas.contains(*it)).cloned();
                Ok(Name { schema: Some(first.unwrap_or_else(|| "public".into())), name: name.name.clone() })
            }
        }
    }

    /// Is there a table, view, index, sequence or composite type of that (resolved) name?
    pub(super) fn relation_exists(&self, name: &Name) -> bool {
        let composite = |it: &Name| self.types.get(it).is_some_and(|it| matches!(it.kind, TypeKind::Composite(_)));
        self.tables.contains_key(name)
            || self.views.contains_key(name)
            || self.indexes.contains_key(name)
            || self.sequences.contains_key(name)
            || composite(name)
            || self.hidden(name).iter().any(|it| it.kind != HiddenKind::Constraint)
    }

    pub(super) fn constraint_exists(&self, name: &Name) -> bool {
        self.hidden(name).iter().any(|it| it.kind != HiddenKind::Sequence)
    }

    pub(super) fn hidden(&self, name: &Name) -> &[Hidden] {
        self.hidden.get(name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn find_table(&self, name: &Name) -> Result<Name, ApplyError> {
        self.resolve(name, |it| self.tables.contains_key(it)).ok_or_else(|| missing("table", name))
    }

    pub(super) fn find_view(&self, name: &Name) -> Result<Name, ApplyError> {
        self.resolve(name, |it| self.views.contains_key(it)).ok_or_else(|| missing("view", name))
    }

    pub(super) fn find_type(&self, name: &Name) -> Result<Name, ApplyError> {
        self.resolve(name, |it| self.types.contains_key(it)).ok_or_else(|| missing("type", name))
    }

    /// Is what is not here not there? Not if nothing is known, or something could not be read.
    pub fn is_complete(&self) -> bool {
        !self.tables.is_empty() && self.unknown.is_empty()
    }

    /// A table or view.
    pub(super) fn find_relation(&self, name: &Name) -> Option<Name> {
        self.resolve(name, |it| self.tables.contains_key(it) || self.views.contains_key(it))
    }

    /// An index by name, those of constraints among them.
    pub fn find_index(&self, name: &Name) -> Option<IndexAt> {
        let of_constraint = |it: &Name| self.hidden(it).iter().find(|it| it.kind == HiddenKind::IndexConstraint);
        let found = self.resolve(name, |it| self.indexes.contains_key(it) || of_constraint(it).is_some())?;
        match of_constraint(&found) {
            Some(hidden) => Some(IndexAt::Constraint(hidden.table.clone(), found.name)),
            None => Some(IndexAt::Own(found)),
        }
    }

    /// A sequence by name, those of identity columns among them.
    pub fn find_sequence(&self, name: &Name) -> Option<SequenceAt> {
        let identity = |it: &Name| self.hidden(it).iter().find(|it| it.kind == HiddenKind::Sequence);
        let found = self.resolve(name, |it| self.sequences.contains_key(it) || identity(it).is_some())?;
        match identity(&found) {
            Some(Hidden { table, column: Some(column), .. }) => {
                Some(SequenceAt::Identity(table.clone(), column.clone()))
            }
            _ => Some(SequenceAt::Own(found)),
        }
    }

    /// The one function that a name and, where given, input types mean.
    pub(super) fn find_function(
        &self,
        name: &Name,
        args: Option<&[DataType]>,
    ) -> Result<(Name, Vec<DataType>), ApplyError> {
        let shown = || ObjectRef::Function(name.clone(), args.unwrap_or_default().to_vec()).to_string();
        let Some(found) = self.resolve(name, |it| self.overloads(it).next().is_some()) else {
            return Err(missing("function", shown()));
        };
        let mut overloads = self.overloads(&found);
        let Some(args) = args else {
            let only = overloads.next().map(|it| it.input_types()).unwrap_or_default();
            return if overloads.next().is_some() {
                Err(refused(format!("function name {name} is not unique: give its argument types")))
            } else {
                Ok((found, only))
            };
        };
        let args: Vec<DataType> = args.iter().map(|it| self.known_type(it)).collect();
        let hit = overloads.find(|it| same_types(&it.input_types(), &args)).map(|it| it.input_types());
        // Procedures may be named with their OUT arguments too (manual: DROP PROCEDURE).
        let all = |it: &Function| it.args.iter().map(|it| it.ty.clone()).collect::<Vec<_>>();
        let hit =
            hit.or_else(|| self.overloads(&found).find(|it| same_types(&all(it), &args)).map(|it| it.input_types()));
        hit.map(|args| (found.clone(), args)).ok_or_else(|| missing("function", shown()))
    }

    /// Functions of that (resolved) name.
    pub fn overloads<'a>(&'a self, name: &Name) -> impl Iterator<Item = &'a Function> + use<'a> {
        let from = (name.clone(), Vec::new());
        let name = name.clone();
        self.functions.range(from..).take_while(move |((it, _), _)| *it == name).map(|(_, it)| it.as_ref())
    }

    /// The type with its schema; unresolved types stay as written.
    pub(super) fn known_type(&self, ty: &DataType) -> DataType {
        self.resolve_type(ty).unwrap_or_else(|_| ty.clone())
    }

    /// The type with its schema. With extensions about, a type nobody defined is taken to be theirs.
    pub(super) fn resolve_type(&self, ty: &DataType) -> Result<DataType, ApplyError> {
        if ty.is_builtin() {
            return Ok(ty.clone());
        }
        let bare = DataType { schema: None, ..ty.clone() };
        if ty.schema.as_ref().is_some_and(|it| it.as_str() == "pg_catalog") {
            return Ok(bare);
        }
        let name = Name { schema: ty.schema.clone(), name: Ident::new(&ty.name) };
        let defines =
            |it: &Name| self.types.contains_key(it) || self.tables.contains_key(it) || self.views.contains_key(it);
        if let Some(found) = self.resolve(&name, defines) {
            return Ok(DataType { schema: found.schema, ..ty.clone() });
        }
        if let Some(found) = self.resolve(&name, |it| self.unknown.contains_key(it)) {
            return Ok(DataType { schema: found.schema, ..ty.clone() });
        }
        // An extension's type is called by its bare name wherever the extension lives, so that dumps compare equal.
        if !self.extensions.is_empty() && ty.schema.as_ref().is_none_or(|it| self.schemas.contains(it)) {
            return Ok(bare);
        }
        let in_text = |it: &Opaque| {
            it.object.as_ref().is_some_and(|it| matches!(it, ObjectRef::Type(it) if it.name == name.name))
        };
        if self.opaque.iter().any(|it| in_text(it)) || self.is_unknown(&name) {
            return Ok(ty.clone());
        }
        Err(missing("type", name))
    }

    /// Is the relation one that we cannot say anything certain of: kept as text, or marked unknown?
    pub(super) fn is_unknown(&self, name: &Name) -> bool {
        let same = |it: &Name| {
            it.name == name.name && (it.schema == name.schema || name.schema.is_none() || it.schema.is_none())
        };
        self.unknown.keys().any(same)
            || self.opaque.iter().any(|it| it.object.as_ref().and_then(ObjectRef::relation).is_some_and(same))
    }

    /// Is a function of that name among what is kept as text?
    pub(super) fn kept_as_text(&self, name: &Name) -> bool {
        let same = |it: &ObjectRef| matches!(it, ObjectRef::Function(it, _) if it.name == name.name);
        self.opaque.iter().any(|it| it.object.as_ref().is_some_and(same))
    }

    /// The object with all its names resolved.
    pub fn resolve_object(&self, object: &ObjectRef) -> Result<ObjectRef, ApplyError> {
        let relation = |it: &Name| self.find_relation(it).ok_or_else(|| missing("relation", it));
        Ok(match object {
            ObjectRef::Schema(it) if !self.schemas.contains(it) => return Err(missing("schema", it)),
            ObjectRef::Extension(it) if !self.extensions.contains_key(it) => return Err(missing("extension", it)),
            ObjectRef::Schema(_) | ObjectRef::Extension(_) | ObjectRef::Collation(_) => object.clone(),
            ObjectRef::Table(it) | ObjectRef::View(it) => self.resolve_relation(it)?,
            ObjectRef::Index(it) => match self.find_index(it).ok_or_else(|| missing("index", it))? {
                IndexAt::Own(it) => ObjectRef::Index(it),
                IndexAt::Constraint(table, name) => ObjectRef::Index(table.sibling(name)),
            },
            ObjectRef::Sequence(it) => match self.find_sequence(it).ok_or_else(|| missing("sequence", it))? {
                SequenceAt::Own(it) => ObjectRef::Sequence(it),
                SequenceAt::Identity(table, _) => ObjectRef::Sequence(table.sibling(it.name.clone())),
            },
            ObjectRef::Type(it) => ObjectRef::Type(self.find_type(it)?),
            ObjectRef::DomainConstraint(it, name) => ObjectRef::DomainConstraint(self.find_type(it)?, name.clone()),
            ObjectRef::Function(it, args) => {
                // Where the name is unique a statement may leave the arguments out, which reads as none.
                let unnamed = || self.find_function(it, None).ok().filter(|_| args.is_empty());
                let found = self.find_function(it, Some(args));
                let (name, args) = found.or_else(|error| unnamed().ok_or(error))?;
                ObjectRef::Function(name, args)
            }
            ObjectRef::Column(it, column) => {
                let composite = || self.find_type(it).ok();
                let table = relation(it).or_else(|error| composite().ok_or(error))?;
                let has = self.tables.get(&table).is_none_or(|it| it.column(column).is_some());
                if !has && !self.is_unknown(&table) {
                    return Err(missing("column", format!("{table}.{column}")));
                }
                ObjectRef::Column(table, column.clone())
            }
            ObjectRef::Constraint(it, name) => {
                let table = relation(it)?;
                let has = self.tables.get(&table).is_none_or(|it| it.constraint(name).is_some());
                if !has && !self.is_unknown(&table) {
                    return Err(missing("constraint", format!("{name} of {table}")));
                }
                ObjectRef::Constraint(table, name.clone())
            }
            ObjectRef::Trigger(it, name) => {
                let at = (relation(it)?, name.clone());
                if !self.triggers.contains_key(&at) {
                    return Err(missing("trigger", format!("{name} of {it}")));
                }
                ObjectRef::Trigger(at.0, at.1)
            }
            ObjectRef::Policy(it, name) => {
                let at = (relation(it)?, name.clone());
                if !self.policies.contains_key(&at) {
                    return Err(missing("policy", format!("{name} of {it}")));
                }
                ObjectRef::Policy(at.0, at.1)
            }
            ObjectRef::Rule(it, name) => ObjectRef::Rule(relation(it)?, name.clone()),
            ObjectRef::Statistics(it) => {
                let found = self.resolve(it, |it| self.statistics.contains_key(it));
                ObjectRef::Statistics(found.ok_or_else(|| missing("statistics", it))?)
            }
            ObjectRef::Other(kind, it) => match kind.as_str() {
                "MATERIALIZED VIEW" => ObjectRef::View(self.find_view(it)?),
                "DOMAIN" => ObjectRef::Type(self.find_type(it)?),
                "FOREIGN TABLE" => self.resolve_relation(it)?,
                _ => object.clone(),
            },
        })
    }

    /// `ALTER TABLE` and `GRANT … ON` take any relation.
    fn resolve_relation(&self, name: &Name) -> Result<ObjectRef, ApplyError> {
        if let Some(found) = self.find_relation(name) {
            let view = self.views.contains_key(&found);
            return Ok(if view { ObjectRef::View(found) } else { ObjectRef::Table(found) });
        }
        match (self.find_sequence(name), self.find_index(name)) {
            (Some(_), _) => self.resolve_object(&ObjectRef::Sequence(name.clone())),
            (_, Some(_)) => self.resolve_object(&ObjectRef::Index(name.clone())),
            _ if self.is_unknown(name) => Ok(ObjectRef::Table(self.place(name, Persistence::Permanent)?)),
            _ => Err(missing("relation", name)),
        }
    }

    /// As COMMENT, ALTER … OWNER and ALTER … SET SCHEMA must call it: a materialized view is no VIEW to them.
    pub fn spoken(&self, object: &ObjectRef) -> ObjectRef {
        match object {
            ObjectRef::View(it) if self.views.get(it).is_some_and(|it| it.materialized) => {
                ObjectRef::Other("MATERIALIZED VIEW".into(), it.clone())
            }
            _ => object.clone(),
        }
    }
}

/// Modifiers are no part of a function's identity.
fn same_types(a: &[DataType], b: &[DataType]) -> bool {
    let same = |(a, b): (&DataType, &DataType)| a.schema == b.schema && a.name == b.name && a.array == b.array;
    a.len() == b.len() && a.iter().zip(b).all(same)
}
