//! What a database holds: the [`Catalog`], made by applying [`Ddl`] to it, statement by statement.
//!
//! May use `sql`. Deliberately not here: parsing, files, a server. Everything in a catalog is resolved
//! (each name has its schema), named (implicit constraint, index and sequence names as the server gives them)
//! and normal (serial expanded, defaults of options left out), so that two catalogs can be compared part by part.

mod apply;
mod build;
mod compare;
mod depends;
mod desired;
mod map;
mod naming;
mod resolve;
mod trace;

use std::{ops::Range, sync::Arc};

use smol_str::SmolStr;

use crate::sql::*;

pub use apply::{ApplyError, columns::only_nextval, functions::calls, renames::rename_casts};
pub use build::{Build, Source, replay};
pub use compare::differences;
pub use depends::{changes, creates, drops, needs, renamed};
pub use desired::{Desired, desired};
pub use map::{Map, Set};
pub use naming::{addition, object_name};
pub use resolve::{IndexAt, SequenceAt, TEMPORARY};

/// A database's schema. Large values are behind `Arc`, so that a clone costs little and unchanged parts of
/// two versions can be recognised by pointer.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    pub schemas: Set<Ident>,
    pub extensions: Map<Ident, Extension>,
    pub tables: Map<Name, Arc<Table>>,
    /// Indexes that do not belong to a constraint.
    pub indexes: Map<Name, Arc<Index>>,
    /// Sequences other than those of identity columns.
    pub sequences: Map<Name, Arc<Sequence>>,
    pub types: Map<Name, Arc<UserType>>,
    pub views: Map<Name, Arc<View>>,
    /// By name and input types.
    pub functions: Map<(Name, Vec<DataType>), Arc<Function>>,
    pub triggers: Map<(Name, Ident), Arc<Trigger>>,
    pub policies: Map<(Name, Ident), Arc<Policy>>,
    pub statistics: Map<Name, Arc<Statistics>>,
    pub comments: Map<ObjectRef, SmolStr>,
    /// Only privileges that differ from what an owner or PUBLIC has by default.
    pub privileges: Set<Privilege>,
    /// Default privileges PUBLIC has lost (`REVOKE … FROM PUBLIC`), e.g. EXECUTE on a function.
    pub revoked: Set<Privilege>,
    /// Kept as text, in the order of definition.
    pub opaque: Arc<Vec<Arc<Opaque>>>,
    /// Where each object was created and changed, oldest first. Not part of what a catalog *is*.
    pub origins: Map<ObjectRef, Arc<[Origin]>>,
    /// Annotations (`@renamed` …) by the object they stand at. Not part of what a catalog *is*.
    pub annotations: Map<ObjectRef, Vec<Annotation>>,
    /// Tables touched by a statement we could not read or do not model: nothing certain can be said of them.
    pub unknown: Map<Name, SmolStr>,
    /// `search_path` in force, for names to come.
    pub search_path: Vec<Ident>,
    /// Names in use that are no key of a map above: constraints, the indexes behind them, identity sequences.
    hidden: Map<Name, Vec<Hidden>>,
    /// How many tables inherit from others: none in most databases, which spares looking for heirs.
    inheriting: u32,
}

/// Who uses a name that is no key of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hidden {
    table: Name,
    kind: HiddenKind,
    /// The identity column of a sequence.
    column: Option<Ident>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HiddenKind {
    Constraint,
    /// PRIMARY KEY, UNIQUE, EXCLUDE: the name is a constraint's and an index's.
    IndexConstraint,
    Sequence,
}

/// A place in one of the files a catalog was built from. It stays what it is when text in front of it changes.
#[derive(Clone)]
pub struct Origin {
    /// Index into the list of sources given to [`desired`] or [`replay`].
    pub source: u32,
    /// One of the statements of that source.
    pub statement: Arc<Parsed>,
    /// Bytes in the statement, counted from [`Statement::full`]'s start; `None`: all of it.
    pub range: Option<Range<usize>>,
}

impl Origin {
    /// Bytes in the file, which has these statements.
    pub fn place(&self, statements: &[Statement]) -> Option<Range<usize>> {
        let found = statements.iter().find(|it| Arc::ptr_eq(&it.parsed, &self.statement))?;
        let start = found.full.start;
        Some(self.range.as_ref().map_or_else(|| found.range.clone(), |it| it.start + start..it.end + start))
    }
}

impl PartialEq for Origin {
    /// The very same statement, not one that says the same.
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source && Arc::ptr_eq(&self.statement, &other.statement) && self.range == other.range
    }
}

impl std::fmt::Debug for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Origin").field("source", &self.source).field("range", &self.range).finish_non_exhaustive()
    }
}

impl Catalog {
    /// An empty database: schema `public` and the default search path.
    pub fn new() -> Self {
        let public = Ident::new("public");
        Self { schemas: Set::from_iter([public.clone()]), search_path: vec![public], ..Self::default() }
    }

    pub fn table(&self, name: &Name) -> Option<&Arc<Table>> {
        self.tables.get(name)
    }

    /// The sequence behind an identity column.
    pub fn identity_sequence(&self, table: &Name, column: &Ident) -> Option<Name> {
        let is = |it: &Hidden| it.table == *table && it.column.as_ref() == Some(column);
        self.hidden.iter().find(|(_, all)| all.iter().any(is)).map(|(name, _)| name.clone())
    }

    /// Indexes of a table, those of constraints not included.
    pub fn indexes_of<'a>(&'a self, table: &'a Name) -> impl Iterator<Item = &'a Arc<Index>> {
        self.indexes.values().filter(move |it| it.table == *table)
    }

    /// Foreign keys that point at a table: (referencing table, constraint).
    pub fn referencing<'a>(&'a self, table: &'a Name) -> impl Iterator<Item = (&'a Arc<Table>, &'a Constraint)> {
        self.tables.values().flat_map(move |from| {
            let pointing = from.constraints.iter().filter(move |it| match &it.kind {
                ConstraintKind::ForeignKey(fk) => fk.references == *table,
                _ => false,
            });
            pointing.map(move |it| (from, it))
        })
    }

    /// Tables that take columns from this one, at whatever depth: partitions and those that inherit.
    pub fn descendants(&self, table: &Name) -> Vec<Name> {
        let mut open = self.children(table);
        let mut res: Vec<Name> = Vec::new();
        while let Some(next) = open.pop() {
            if !res.contains(&next) {
                open.extend(self.children(&next));
                res.push(next);
            }
        }
        res
    }

    /// Partitions of a table, direct ones.
    pub fn partitions_of<'a>(&'a self, table: &'a Name) -> impl Iterator<Item = &'a Arc<Table>> {
        self.tables.values().filter(move |it| it.partition_of.as_ref().is_some_and(|of| of.parent == *table))
    }
}
