//! What triggers keep equal when facts change their shape: columns split or merged within a row ([`Regroup`]), columns
//! that move to another table ([`Mirror`]). Both for as long as old and new code write (playbook §4.13, §4.14).

use crate::sql::{DataType, Expr, Ident, Name};

/// Columns of a row that say the same as other columns of it: `full_name`, and `first_name` with `last_name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regroup {
    pub table: Name,
    /// The columns old code writes.
    pub old: Vec<Piece>,
    /// The columns new code writes.
    pub new: Vec<Piece>,
}

/// A column of a [`Regroup`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub column: Ident,
    pub ty: DataType,
    /// SQL for its value from the columns of the other side, by their bare names.
    pub value: String,
    /// Its default while both sides are written: a writer that gives another value has meant this side.
    pub default: Option<Expr>,
}

impl Regroup {
    pub fn old_columns(&self) -> Vec<Ident> {
        self.old.iter().map(|it| it.column.clone()).collect()
    }

    pub fn new_columns(&self) -> Vec<Ident> {
        self.new.iter().map(|it| it.column.clone()).collect()
    }
}

/// Columns of a table that are kept in another table as well, row by row.
///
/// A row of `source` has at most one counterpart in `target`. It is *given* when one of its moved columns holds
/// something else than its default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// The table old code writes.
    pub source: Name,
    /// The table new code writes.
    pub target: Name,
    /// Columns that tell which rows belong together: (source, target). Unique in both tables.
    pub key: Vec<(Ident, Ident)>,
    pub columns: Vec<Moved>,
    /// A given row without a counterpart gets one: `target` is new and can take a row of key and moved columns.
    pub makes: bool,
}

/// A column of a [`Mirror`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    pub from: Ident,
    pub to: Ident,
    pub ty: DataType,
    pub from_default: Option<Expr>,
    pub to_default: Option<Expr>,
    /// What stands for NULL in `to`, which does not take it.
    pub filler: Option<String>,
}
