//! Which table and column of `after` is which of `before`. Settled once, for all kinds.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Input,
    dual::Dual,
    intent,
    labels::{self, Replaced},
    link,
    rebuilt::Rebuilt,
    reshape::{self, Reshapes},
};
use crate::{
    catalog::Catalog,
    plan::Question,
    sql::{tokens::rename_column, *},
};

/// `before` and `after`, side by side.
pub struct Pairs<'a> {
    pub input: Input<'a>,
    /// `before` under the names of `after`: renames that happen in one stroke (tables, sequences, columns that cannot be
    /// written twice) are applied, so that everything else compares like with like.
    pub base: Catalog,
    /// Tables that get a new name or schema: (before, after).
    pub renamed_tables: Vec<(Name, Name)>,
    /// Columns that are renamed in one stroke: (table in `after`, before, after).
    pub renamed_columns: Vec<(Name, Ident, Ident)>,
    /// Sequences that get a new name: (before, after).
    pub renamed_sequences: Vec<(Name, Name)>,
    /// Columns that are split, merged or moved to another table.
    pub reshapes: Reshapes,
    /// New columns of which an answer says that they have nothing to do with those that go.
    pub unrelated: BTreeSet<(Name, Ident)>,
    pub tables: Vec<TablePair>,
    /// Indexes and constraints that are made anew on the new copy of a column.
    pub rebuilt: Vec<Rebuilt>,
    /// Enums that another type takes the place of.
    pub replaced: Vec<Replaced>,
    /// Columns whose copies exchange names, by table and column of `after`; each set in one transaction.
    pub sets: Vec<Vec<(Name, Ident)>>,
    pub questions: Vec<Question>,
}

/// A table that is there before and after.
pub struct TablePair {
    pub before: Arc<Table>,
    pub after: Arc<Table>,
    pub columns: Vec<ColumnPair>,
    pub added: Vec<Ident>,
    pub dropped: Vec<Ident>,
}

/// A column that is there before and after, maybe under another name.
pub struct ColumnPair {
    pub before: Column,
    pub after: Column,
    /// Set when old and new code each need their own copy for a while.
    pub dual: Option<Dual>,
}

impl TablePair {
    /// A parent table has the column and hands its changes down.
    pub fn inherited(&self, column: &Ident, pairs: &Pairs<'_>) -> bool {
        let parents = self.after.inherits.iter().chain(self.after.partition_of.iter().map(|it| &it.parent));
        parents.into_iter().any(|it| pairs.base.table(it).is_some_and(|it| it.column(column).is_some()))
    }
}

impl<'a> Pairs<'a> {
    pub fn new(input: Input<'a>) -> Self {
        let mut res = Self {
            input,
            base: input.before.clone(),
            renamed_tables: Vec::new(),
            renamed_columns: Vec::new(),
            renamed_sequences: Vec::new(),
            reshapes: Reshapes::default(),
            unrelated: BTreeSet::new(),
            tables: Vec::new(),
            rebuilt: Vec::new(),
            replaced: Vec::new(),
            sets: Vec::new(),
            questions: Vec::new(),
        };
        intent::rename_tables(&mut res);
        reshape::find(&mut res);
        res.replaced = labels::find(&res);
        res.pair_tables();
        intent::rename_sequences(&mut res);
        res.rebuilt = super::rebuilt::find(&res);
        res.sets = link::find(&res);
        let keyed: Vec<(Name, Ident)> =
            res.sets.iter().filter(|it| link::is_keyed(&res, it)).flatten().cloned().collect();
        for pair in &mut res.tables {
            for column in &mut pair.columns {
                let at = (pair.after.name.clone(), column.after.name.clone());
                if let Some(dual) = column.dual.as_mut().filter(|_| keyed.contains(&at)) {
                    dual.keyed = true;
                }
            }
        }
        res
    }

    fn pair_tables(&mut self) {
        let names: Vec<Name> =
            self.base.tables.keys().filter(|it| self.input.after.tables.contains_key(it)).cloned().collect();
        for name in names {
            let (Some(before), Some(after)) = (self.base.table(&name).cloned(), self.input.after.table(&name).cloned())
            else {
                continue;
            };
            // The same allocation is the same table: nothing to look at.
            if Arc::ptr_eq(&before, &after) {
                continue;
            }
            let pair = self.pair_columns(&name, &before, after);
            self.tables.push(pair);
        }
    }

    fn pair_columns(&mut self, name: &Name, before: &Arc<Table>, after: Arc<Table>) -> TablePair {
        let renamed = intent::rename_columns(self, name, before, &after);
        let mut duals: Vec<(Ident, Dual)> = Vec::new();
        for (from, to) in &renamed {
            let (Some(old), Some(new)) = (before.column(from), after.column(to)) else { continue };
            match Dual::of(self, name, old, new) {
                Some(dual) => duals.push((to.clone(), dual)),
                None => {
                    let rename = Ddl::RenameColumn { table: name.clone(), from: from.clone(), to: to.clone() };
                    if self.base.apply(&rename).is_ok() {
                        self.renamed_columns.push((name.clone(), from.clone(), to.clone()));
                    }
                }
            }
        }
        let before = self.base.table(name).cloned().unwrap_or_else(|| before.clone());
        let mut columns = Vec::new();
        let mut added = Vec::new();
        for new in &after.columns {
            let twice = duals.iter().find(|(to, _)| *to == new.name).map(|(_, dual)| dual.clone());
            let old_name = twice.as_ref().map_or(&new.name, |dual| &dual.sync.old);
            match before.column(old_name) {
                Some(old) => {
                    let dual =
                        twice.or_else(|| (old.name == new.name).then(|| Dual::of(self, name, old, new)).flatten());
                    columns.push(ColumnPair { before: old.clone(), after: new.clone(), dual });
                }
                None => added.push(new.name.clone()),
            }
        }
        let kept: BTreeSet<&Ident> = columns.iter().map(|it| &it.before.name).collect();
        let stays = |it: &&Ident| kept.contains(it) || self.reshapes.kept.contains(&(name.clone(), (*it).clone()));
        let dropped = before.columns.iter().map(|it| &it.name).filter(|it| !stays(it)).cloned().collect();
        TablePair { before, after, columns, added, dropped }
    }

    /// The pair of a table of `after`. The pairs stand in the order of their names.
    pub fn pair(&self, table: &Name) -> Option<&TablePair> {
        let at = self.tables.binary_search_by(|it| it.after.name.cmp(table)).ok()?;
        self.tables.get(at)
    }

    /// Columns of all tables that are there before and after.
    pub fn columns(&self) -> impl Iterator<Item = (&TablePair, &ColumnPair)> {
        self.tables.iter().flat_map(|pair| pair.columns.iter().map(move |column| (pair, column)))
    }

    /// Columns that keep one copy; what changes of them is theirs alone.
    pub fn single_columns(&self) -> impl Iterator<Item = (&TablePair, &ColumnPair)> {
        self.columns().filter(|(_, column)| column.dual.is_none())
    }

    /// The name under which a column of `after` can be reached before Contract (before the swap, for a changed type).
    pub fn working(&self, table: &Name, column: &Ident) -> Ident {
        let dual = self
            .pair(table)
            .and_then(|it| it.columns.iter().find(|it| it.after.name == *column))
            .and_then(|it| it.dual.as_ref());
        dual.map_or_else(|| column.clone(), |it| it.sync.new.clone())
    }

    /// An expression of `before` with renamed columns under their new names.
    pub fn carried(&self, table: &Name, expr: &Expr) -> Expr {
        let Some(pair) = self.pair(table) else { return expr.clone() };
        let renamed = pair.columns.iter().filter(|it| it.before.name != it.after.name);
        renamed.fold(expr.clone(), |expr, it| self.input.dialect.rename_in(&expr, &it.before.name, &it.after.name))
    }

    /// A column of `before` under its new name.
    pub fn carried_column(&self, table: &Name, column: &Ident) -> Ident {
        let pair = self.pair(table).and_then(|it| it.columns.iter().find(|it| it.before.name == *column));
        pair.map_or_else(|| column.clone(), |it| it.after.name.clone())
    }

    /// An expression of `after` over the working names of columns that exist twice.
    pub fn at_work(&self, table: &Name, expr: &Expr) -> Expr {
        let Some(pair) = self.pair(table) else { return expr.clone() };
        let duals = pair.columns.iter().filter_map(|it| Some((&it.after.name, &it.dual.as_ref()?.sync.new)));
        duals.filter(|(name, working)| name != working).fold(expr.clone(), |expr, (name, working)| {
            Expr::new(rename_column(expr.text(), name, working), rename_column(expr.canon(), name, working))
        })
    }
}
