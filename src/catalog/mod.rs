//! What a database holds: the [`Catalog`], made by applying [`Ddl`] to it, statement by statement.
//!
//! May use `sql`. Deliberately not here: parsing, files, a server. Everything in a catalog is resolved
//! (each name has its schema), named (implicit constraint, index and sequence names as the server gives them)
//! and normal (serial expanded, defaults of options left out), so that two catalogs can be compared part by part.

mod apply;
mod build;
mod compare;
mod depends;
mod naming;
mod resolve;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use smol_str::SmolStr;

use crate::sql::*;

pub use apply::ApplyError;
pub use build::{Build, Source, desired, replay};
pub use compare::differences;
pub use depends::{creates, drops, needs, renamed};
pub use naming::object_name;
pub use resolve::{IndexAt, SequenceAt};

/// A database's schema. Large values are behind `Arc`, so that a clone costs little and unchanged parts of
/// two versions can be recognised by pointer.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    pub schemas: BTreeSet<Ident>,
    pub extensions: BTreeMap<Ident, Extension>,
    pub tables: BTreeMap<Name, Arc<Table>>,
    /// Indexes that do not belong to a constraint.
    pub indexes: BTreeMap<Name, Arc<Index>>,
    /// Sequences other than those of identity columns.
    pub sequences: BTreeMap<Name, Arc<Sequence>>,
    pub types: BTreeMap<Name, Arc<UserType>>,
    pub views: BTreeMap<Name, Arc<View>>,
    /// By name and input types.
    pub functions: BTreeMap<(Name, Vec<DataType>), Arc<Function>>,
    pub triggers: BTreeMap<(Name, Ident), Arc<Trigger>>,
    pub policies: BTreeMap<(Name, Ident), Arc<Policy>>,
    pub statistics: BTreeMap<Name, Arc<Statistics>>,
    pub comments: BTreeMap<ObjectRef, SmolStr>,
    /// Only privileges that differ from what an owner or PUBLIC has by default.
    pub privileges: BTreeSet<Privilege>,
    /// Default privileges PUBLIC has lost (`REVOKE … FROM PUBLIC`), e.g. EXECUTE on a function.
    pub revoked: BTreeSet<Privilege>,
    /// Kept as text, in the order of definition.
    pub opaque: Vec<Arc<Opaque>>,
    /// Where each object was created and changed, oldest first. Not part of what a catalog *is*.
    pub origins: BTreeMap<ObjectRef, Vec<Origin>>,
    /// Annotations (`@renamed` …) by the object they stand at. Not part of what a catalog *is*.
    pub annotations: BTreeMap<ObjectRef, Vec<Annotation>>,
    /// Tables touched by a statement we could not read or do not model: nothing certain can be said of them.
    pub unknown: BTreeMap<Name, SmolStr>,
    /// `search_path` in force, for names to come.
    pub search_path: Vec<Ident>,
    /// Names in use that are no key of a map above: constraints, the indexes behind them, identity sequences.
    hidden: BTreeMap<Name, Vec<Hidden>>,
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

/// A place in one of the files a catalog was built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Index into the list of sources given to [`desired`] or [`replay`].
    pub source: u32,
    /// Bytes in that file.
    pub range: Range<usize>,
}

impl Catalog {
    /// An empty database: schema `public` and the default search path.
    pub fn new() -> Self {
        let public = Ident::new("public");
        Self { schemas: BTreeSet::from([public.clone()]), search_path: vec![public], ..Self::default() }
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

    /// Partitions of a table, direct ones.
    pub fn partitions_of<'a>(&'a self, table: &'a Name) -> impl Iterator<Item = &'a Arc<Table>> {
        self.tables.values().filter(move |it| it.partition_of.as_ref().is_some_and(|of| of.parent == *table))
    }
}
