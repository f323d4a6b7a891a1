//! What a way back cannot bring into force again, because the rows or values it was about are gone.
//!
//! A foreign key or check that old rows may break comes back NOT VALID: it holds for what is written from then on. A key
//! over values that all came back alike does not come back at all. Either is said, never tried.

use std::collections::{BTreeMap, BTreeSet};

use super::order::Node;
use crate::{
    catalog::Catalog,
    plan::{Action, PhaseKind, Undo},
    sql::{
        Column, Constraint, ConstraintKind, Ddl, Expr, Ident, Index, KeyExpr, Name, ObjectRef, ReplicaIdentity, tokens,
    },
};

/// What old rows hold in a column that came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filled {
    Nothing,
    /// The same in all of them.
    Alike,
    /// A number or the like of its own each.
    Distinct,
}

/// Tables and columns that a phase, or one behind it, empties.
pub struct Losses<'a> {
    base: &'a Catalog,
    /// They come back without rows.
    tables: BTreeSet<Name>,
    /// Those, and the parents that have lost rows with them.
    thinned: BTreeSet<Name>,
    columns: BTreeMap<(Name, Ident), Filled>,
}

type Actions = Vec<(Action, Option<u32>)>;

impl<'a> Losses<'a> {
    pub fn new(nodes: &[Node], from: PhaseKind, base: &'a Catalog) -> Self {
        let mut res = Self { base, tables: BTreeSet::new(), thinned: BTreeSet::new(), columns: BTreeMap::new() };
        for draft in nodes.iter().filter(|it| it.phase >= from).flat_map(|it| &it.drafts) {
            match (&draft.action, &draft.undo) {
                (Action::Ddl(Ddl::DropTable { name, .. }), None | Some(Undo::Loses { .. })) => res.table(name),
                (Action::Ddl(Ddl::DropColumn { .. }), Some(Undo::Loses { actions, .. })) => {
                    for it in actions {
                        if let Action::Ddl(Ddl::AddColumn { table, column, .. }) = it {
                            res.column(table, column);
                        }
                    }
                }
                _ => {}
            }
        }
        res
    }

    fn table(&mut self, name: &Name) {
        self.tables.extend(self.base.descendants(name));
        self.tables.insert(name.clone());
        let mut at = Some(name.clone());
        while let Some(it) = at {
            at = self.base.table(&it).and_then(|it| it.partition_of.as_ref()).map(|it| it.parent.clone());
            self.thinned.insert(it);
        }
        self.thinned.extend(self.base.descendants(name));
    }

    fn column(&mut self, table: &Name, column: &Column) {
        // What is computed comes back with what it is computed from.
        if column.generated.is_some() {
            return;
        }
        let was = self.base.table(table).and_then(|it| it.column(&column.name));
        let own = ["nextval", "gen_random_uuid", "uuid_generate", "uuidv", "random"];
        let distinct = |it: &Expr| own.iter().any(|own| it.text().to_ascii_lowercase().contains(own));
        let filled = match &column.default {
            _ if column.identity.is_some() => Filled::Distinct,
            Some(default) if distinct(default) => Filled::Distinct,
            Some(_) => Filled::Alike,
            None if was.is_some_and(|it| it.not_null) => Filled::Alike,
            None => Filled::Nothing,
        };
        let heirs = self.base.descendants(table);
        for table in [table.clone()].into_iter().chain(heirs) {
            self.columns.insert((table, column.name.clone()), filled);
        }
    }

    /// The actions that can be promised, and what is lost besides.
    pub fn settle(&self, actions: Actions) -> (Actions, Vec<String>) {
        if self.tables.is_empty() && self.columns.is_empty() {
            return (actions, Vec::new());
        }
        let (gone, unproven) = (BTreeSet::new(), BTreeSet::new());
        let mut run = Run { losses: self, lost: Vec::new(), gone, unproven, keys: Vec::new() };
        let mut res = Vec::with_capacity(actions.len());
        for (action, tx) in actions {
            let action = match action {
                Action::Ddl(ddl) => run.ddl(ddl).map(Action::Ddl),
                other => Some(other),
            };
            res.extend(action.map(|it| (it, tx)));
        }
        (res, run.lost)
    }

    fn filled(&self, table: &Name, column: &Ident) -> Option<Filled> {
        self.columns.get(&(table.clone(), column.clone())).copied().filter(|_| !self.tables.contains(table))
    }

    /// May two old rows be alike in these, now that some of them were lost?
    fn alike(&self, table: &Name, columns: &[Ident], nulls_too: bool) -> bool {
        let filled: Vec<Filled> = columns.iter().filter_map(|it| self.filled(table, it)).collect();
        let unlike = |it: &Filled| *it == Filled::Distinct || (*it == Filled::Nothing && !nulls_too);
        !filled.is_empty() && !filled.iter().any(unlike)
    }

    fn was(&self, table: &Name, name: &Ident) -> Option<&Constraint> {
        self.base.table(table).and_then(|it| it.constraint(name))
    }

    /// Lost columns of a table that an expression mentions.
    fn mentioned(&self, table: &Name, text: &str) -> Vec<(Ident, Filled)> {
        let own = self.columns.iter().filter(|((of, _), _)| of == table && !self.tables.contains(of));
        let mentioned = own.filter(|((_, column), _)| tokens::mentions_column(text, column));
        mentioned.map(|((_, column), filled)| (column.clone(), *filled)).collect()
    }
}

struct Run<'a> {
    losses: &'a Losses<'a>,
    lost: Vec<String>,
    /// What does not come back.
    gone: BTreeSet<ObjectRef>,
    /// Constraints that come back NOT VALID.
    unproven: BTreeSet<ObjectRef>,
    /// Tables and columns of keys that do not come back.
    keys: Vec<(Name, Vec<Ident>)>,
}

impl Run<'_> {
    fn ddl(&mut self, ddl: Ddl) -> Option<Ddl> {
        let stays = match &ddl {
            Ddl::CreateIndex { index, .. } if index.unique => self.index(index),
            Ddl::AddConstraintUsingIndex { table, name, index, .. } => {
                let stays = !self.gone.contains(&ObjectRef::Index(table.sibling(index.clone())));
                if !stays {
                    let name = name.clone().unwrap_or_else(|| index.clone());
                    self.gone.insert(ObjectRef::Constraint(table.clone(), name));
                }
                stays
            }
            Ddl::AddConstraint { table, constraint } => return self.constraint(table.clone(), (**constraint).clone()),
            Ddl::ValidateConstraint { table, name } => {
                let object = ObjectRef::Constraint(table.clone(), name.clone());
                !self.gone.contains(&object) && !self.unproven.contains(&object)
            }
            Ddl::Comment { object, .. } => !self.gone.contains(object),
            Ddl::SetReplicaIdentity { table, identity: ReplicaIdentity::Index(index) }
            | Ddl::ClusterOn { table, index: Some(index) } => {
                !self.gone.contains(&ObjectRef::Index(table.sibling(index.clone())))
                    && !self.gone.contains(&ObjectRef::Constraint(table.clone(), index.clone()))
            }
            _ => true,
        };
        stays.then_some(ddl)
    }

    /// Can the unique index be built?
    fn index(&mut self, index: &Index) -> bool {
        let column = |it: &KeyExpr| match it {
            KeyExpr::Column(it) => vec![it.clone()],
            KeyExpr::Expr(it) => {
                self.losses.mentioned(&index.table, it.text()).into_iter().map(|it| it.0).collect::<Vec<_>>()
            }
        };
        let columns: Vec<Ident> = index.keys.iter().flat_map(|it| column(&it.expr)).collect();
        if !self.losses.alike(&index.table, &columns, index.nulls_not_distinct) {
            return true;
        }
        let name = index.name.clone().unwrap_or_default();
        self.lose_key(&index.table, columns, name.name.as_str());
        self.gone.insert(ObjectRef::Index(name));
        false
    }

    fn lose_key(&mut self, table: &Name, columns: Vec<Ident>, name: &str) {
        self.lost.push(format!("{name} on {table}: what rows hold in place of the lost values is not unique"));
        self.keys.push((table.clone(), columns));
    }

    /// The constraint as it can come back.
    fn constraint(&mut self, table: Name, mut constraint: Constraint) -> Option<Ddl> {
        let losses = self.losses;
        let name = constraint.name.clone().unwrap_or_default();
        let object = ObjectRef::Constraint(table.clone(), name.clone());
        // A table that comes back empty breaks nothing.
        let empty = losses.tables.contains(&table);
        let mut unsure = false;
        match &constraint.kind {
            ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key)
                if losses.alike(&table, &key.columns, key.nulls_not_distinct) =>
            {
                self.lose_key(&table, key.columns.clone(), name.as_str());
                self.gone.insert(object);
                return None;
            }
            ConstraintKind::PrimaryKey(_) | ConstraintKind::Unique(_) => {}
            ConstraintKind::ForeignKey(fk) => {
                let same = |(of, key): &(Name, Vec<Ident>)| {
                    *of == fk.references
                        && key.len() == fk.referenced_columns.len()
                        && key.iter().all(|it| fk.referenced_columns.contains(it))
                };
                if self.keys.iter().any(same) {
                    self.lost.push(format!("foreign key {name} of {table}: the key it points at does not come back"));
                    self.gone.insert(object);
                    return None;
                }
                let own = |it: &Ident| losses.filled(&table, it);
                let nothing = fk.columns.iter().any(|it| own(it) == Some(Filled::Nothing)) && !fk.match_full;
                let theirs = losses.thinned.contains(&fk.references)
                    || fk.referenced_columns.iter().any(|it| losses.filled(&fk.references, it).is_some());
                unsure = !empty && !nothing && (theirs || fk.columns.iter().any(|it| own(it).is_some()));
            }
            // A check that the schema does not have proves a NOT NULL, after a backfill.
            ConstraintKind::Check(expr) if losses.was(&table, &name).is_some() => {
                let text = expr.text().to_ascii_lowercase();
                let nulls = ["not null", "is null", "coalesce", "num_n"].iter().any(|it| text.contains(it));
                let mentioned = losses.mentioned(&table, expr.text());
                unsure = mentioned.iter().any(|(_, filled)| *filled != Filled::Nothing || nulls);
            }
            _ => {}
        }
        if unsure && !constraint.not_enforced && !losses.was(&table, &name).is_some_and(|it| it.not_valid) {
            let foreign = matches!(constraint.kind, ConstraintKind::ForeignKey(_));
            let what = if foreign { "foreign key" } else { "check" };
            // PostgreSQL before 18 has no NOT VALID foreign key on a partitioned table.
            if foreign && losses.base.table(&table).is_some_and(|it| it.partition_by.is_some()) {
                self.lost.push(format!("{what} {name} of {table}: rows that are left point at lost ones"));
                self.gone.insert(object);
                return None;
            }
            self.lost.push(format!("{what} {name} of {table} is NOT VALID: old rows may break it, as values are lost"));
            constraint.not_valid = true;
            self.unproven.insert(object);
        }
        Some(Ddl::AddConstraint { table, constraint: Box::new(constraint) })
    }
}
