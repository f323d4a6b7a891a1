//! What can be read in a catalog and tells how far a phase has come.

use smol_str::SmolStr;

use crate::{
    catalog::Catalog,
    sql::{ConstraintKind, DataType, Ident, Index, IndexKey, KeyExpr, Name, ObjectRef, TypeKind},
};

/// Something that holds or does not, in a [`Catalog`] as on a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    Holds(ObjectRef),
    Lacks(ObjectRef),
    NotNull {
        table: Name,
        column: Ident,
        is: bool,
    },
    /// The constraint is there, and its old rows are checked (or not yet).
    Validated {
        table: Name,
        name: Ident,
        is: bool,
    },
    Partition {
        parent: Name,
        partition: Name,
        is: bool,
    },
    Type {
        table: Name,
        column: Ident,
        ty: DataType,
    },
    Identity {
        table: Name,
        column: Ident,
        is: bool,
    },
    Label {
        ty: Name,
        label: SmolStr,
        is: bool,
    },
    /// The index is valid and of this shape.
    IndexOn {
        index: Name,
        shape: IndexShape,
    },
}

/// Facts that hold together.
pub type Sign = Vec<Fact>;

/// What tells an index from another that had its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexShape {
    pub columns: Vec<Ident>,
    pub unique: bool,
    pub partial: bool,
}

impl IndexShape {
    /// `None`: over expressions, which only a server can compare.
    pub fn of(index: &Index) -> Option<Self> {
        let column = |key: &IndexKey| match &key.expr {
            KeyExpr::Column(it) => Some(it.clone()),
            KeyExpr::Expr(_) => None,
        };
        let columns = index.keys.iter().map(column).collect::<Option<_>>()?;
        Some(Self { columns, unique: index.unique, partial: index.predicate.is_some() })
    }
}

impl Fact {
    /// The table, or other relation, it is about.
    pub fn relation(&self) -> Option<&Name> {
        match self {
            Self::Holds(it) | Self::Lacks(it) => it.relation(),
            Self::NotNull { table, .. } | Self::Validated { table, .. } => Some(table),
            Self::Type { table, .. } | Self::Identity { table, .. } => Some(table),
            Self::Partition { partition, .. } => Some(partition),
            Self::IndexOn { index, .. } => Some(index),
            Self::Label { .. } => None,
        }
    }

    pub fn holds_in(&self, catalog: &Catalog) -> bool {
        let column = |table: &Name, name: &Ident| catalog.table(table).and_then(|it| it.column(name));
        match self {
            Self::Holds(object) => catalog.holds(object),
            Self::Lacks(object) => !catalog.holds(object),
            Self::NotNull { table, column: name, is } => column(table, name).is_some_and(|it| it.not_null == *is),
            Self::Validated { table, name, is } => {
                let constraint = catalog.table(table).and_then(|it| it.constraint(name));
                constraint.is_some_and(|it| it.not_valid != *is && !matches!(it.kind, ConstraintKind::NotNull(_)))
            }
            Self::Partition { parent, partition, is } => catalog
                .table(partition)
                .is_some_and(|it| it.partition_of.as_ref().is_some_and(|it| it.parent == *parent) == *is),
            Self::Type { table, column: name, ty } => column(table, name).is_some_and(|it| it.ty == *ty),
            Self::Identity { table, column: name, is } => {
                column(table, name).is_some_and(|it| it.identity.is_some() == *is)
            }
            Self::Label { ty, label, is } => match catalog.types.get(ty).map(|it| &it.kind) {
                Some(TypeKind::Enum(labels)) => labels.contains(label) == *is,
                _ => false,
            },
            Self::IndexOn { index, shape } => {
                catalog.indexes.get(index).is_some_and(|it| IndexShape::of(it).as_ref() == Some(shape))
            }
        }
    }
}

/// How a statement is written in a file that may run again after a failure and goes on from where it was.
///
/// The plan's own `sql` has none of this: a runner that keeps track of its steps needs no second look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resume {
    /// Any of them holds as soon as the statement's transaction is done, and none before: then it is passed over.
    pub done: Vec<Sign>,
    /// The statement in a form that bears being run again (`IF NOT EXISTS`), where it has another one.
    pub sql: Option<String>,
    /// Runs first and clears what an earlier try has left, e.g. an invalid index.
    pub before: Option<String>,
    /// Runs afterwards and takes back what [`Self::before`] has set for the session.
    pub after: Option<String>,
}
