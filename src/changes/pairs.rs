//! Which table and column of `after` is which of `before`. Settled once, for all kinds.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Input,
    divide::{self, Divided},
    dual::Dual,
    in_place, intent,
    labels::{self, Replaced},
    link,
    rebuilt::Rebuilt,
    reshape::{self, Reshapes},
};
use crate::{
    catalog::{Catalog, rename_casts},
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
    /// Tables that become partitioned in place.
    pub divided: Vec<Divided>,
    /// Tables whose partitioning changes in a way that there is no plan for, and why.
    pub undivided: Vec<(Name, String)>,
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
    /// Types that are made anew in one transaction, their columns written again.
    pub remade: Vec<Name>,
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

/// The tables that hand columns down to this one.
pub fn parents(table: &Table) -> impl Iterator<Item = &Name> {
    table.inherits.iter().chain(table.partition_of.iter().map(|it| &it.parent))
}

impl TablePair {
    /// A parent table has the column and hands its changes down. One that it joins only now asks for them instead.
    pub fn inherited(&self, column: &Ident, pairs: &Pairs<'_>) -> bool {
        parents(&self.after).filter(|it| parents(&self.before).any(|parent| parent == *it)).any(|it| {
            pairs.base.table(it).is_some_and(|it| it.column(column).is_some())
                || pairs.pair(it).is_some_and(|it| it.columns.iter().any(|it| it.after.name == *column))
        })
    }
}

impl<'a> Pairs<'a> {
    pub fn new(input: Input<'a>) -> Self {
        let mut res = Self {
            input,
            base: input.before.clone(),
            renamed_tables: Vec::new(),
            divided: Vec::new(),
            undivided: Vec::new(),
            renamed_columns: Vec::new(),
            renamed_sequences: Vec::new(),
            reshapes: Reshapes::default(),
            unrelated: BTreeSet::new(),
            tables: Vec::new(),
            rebuilt: Vec::new(),
            replaced: Vec::new(),
            remade: Vec::new(),
            sets: Vec::new(),
            questions: Vec::new(),
        };
        intent::rename_tables(&mut res);
        divide::find(&mut res);
        reshape::find(&mut res);
        res.replaced = labels::find(&res);
        res.remade = in_place::remade(&res);
        res.pair_tables();
        intent::rename_sequences(&mut res);
        res.follow_sequences();
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

    /// Defaults call a sequence by the name it has now.
    fn follow_sequences(&mut self) {
        if self.renamed_sequences.is_empty() {
            return;
        }
        for pair in &mut self.tables {
            let Some(now) = self.base.table(&pair.after.name).cloned() else { continue };
            for column in &mut pair.columns {
                if let Some(now) = now.column(&column.before.name) {
                    column.before.default.clone_from(&now.default);
                }
            }
            pair.before = now;
        }
    }

    fn pair_tables(&mut self) {
        let names: Vec<Name> =
            self.base.tables.keys().filter(|it| self.input.after.tables.contains_key(it)).cloned().collect();
        for name in parents_first(names, self.input.after) {
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
        self.tables.sort_by(|a, b| a.after.name.cmp(&b.after.name));
    }

    /// Columns that a parent gives another name: (before, after). The statement on the parent does it.
    fn renamed_above(&self, before: &Table, after: &Table) -> Vec<(Ident, Ident)> {
        let above: BTreeSet<&Name> = parents(before).filter(|it| parents(after).any(|parent| parent == *it)).collect();
        let pairs = self.tables.iter().filter(|it| above.contains(&it.after.name));
        let renamed = pairs.flat_map(|it| &it.columns).filter(|it| it.before.name != it.after.name);
        let names = renamed.map(|it| (it.before.name.clone(), it.after.name.clone()));
        names.filter(|(from, to)| before.column(from).is_some() && after.column(to).is_some()).collect()
    }

    fn pair_columns(&mut self, name: &Name, before: &Arc<Table>, after: Arc<Table>) -> TablePair {
        let above = self.renamed_above(before, &after);
        let renamed = intent::rename_columns(self, name, before, &after, &above);
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
            let inherited = above.iter().find(|(_, to)| *to == new.name).map(|(from, _)| from);
            let old_name = twice.as_ref().map(|dual| &dual.sync.old).or(inherited).unwrap_or(&new.name);
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
        let cast = |text: &str, it: &Replaced| rename_casts(text, &it.name, &it.working);
        let twice = self.replaced.iter().filter(|it| it.twice);
        let expr = &twice.fold(expr.clone(), |expr, it| Expr::new(cast(expr.text(), it), cast(expr.canon(), it)));
        let duals = pair.columns.iter().filter_map(|it| Some((&it.after.name, &it.dual.as_ref()?.sync.new)));
        duals.filter(|(name, working)| name != working).fold(expr.clone(), |expr, (name, working)| {
            Expr::new(rename_column(expr.text(), name, working), rename_column(expr.canon(), name, working))
        })
    }
}

/// A table behind those it inherits from or is a partition of.
fn parents_first(names: Vec<Name>, catalog: &Catalog) -> Vec<Name> {
    fn depth(name: &Name, catalog: &Catalog) -> usize {
        let above = catalog.table(name).and_then(|it| parents(it).map(|it| depth(it, catalog) + 1).max());
        above.unwrap_or(0)
    }
    let mut names = names;
    names.sort_by_cached_key(|it| depth(it, catalog));
    names
}
