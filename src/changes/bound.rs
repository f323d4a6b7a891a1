//! What is tied to a type by its identity, not by its name: where another type takes the name, all of it must be taken
//! down before and put up after. PostgreSQL keeps the type's OID in columns, in constants of stored expressions, and in
//! the signatures of functions (manual, `pg_depend`).

use std::sync::Arc;

use super::{labels, pairs::parents, rebuilt};
use crate::{
    catalog::{Catalog, calls},
    sql::{tokens::mentions_column, *},
};

/// By the names of `catalog`.
pub struct Bound<'a> {
    catalog: &'a Catalog,
    /// The types asked for, then those made of them: each behind what it is made of.
    pub types: Vec<Name>,
    /// Stored columns of these types, and of arrays of them.
    pub columns: Vec<(Name, Ident)>,
    /// Generated columns of them, or computed from such columns.
    pub computed: Vec<(Name, Ident)>,
    /// Functions with one of the types in their signature, or in a body that is kept parsed: each behind those it calls.
    pub functions: Vec<Arc<Function>>,
}

impl<'a> Bound<'a> {
    pub fn of(catalog: &'a Catalog, roots: &[Name]) -> Self {
        let mut res =
            Self { catalog, types: roots.to_vec(), columns: Vec::new(), computed: Vec::new(), functions: Vec::new() };
        while let Some(next) = catalog.types.values().find(|it| !res.types.contains(&it.name) && res.makes(it)) {
            res.types.push(next.name.clone());
        }
        res.types = inner_first(catalog, std::mem::take(&mut res.types));
        while let Some(next) = catalog.functions.values().find(|it| !res.functions.contains(it) && res.signs(it)) {
            res.functions.push(next.clone());
        }
        let stored = |it: &&Column| it.generated.is_none() && res.is(&it.ty);
        res.columns = all_columns(catalog, stored);
        while let Some(next) = res.next_computed() {
            res.computed.push(next);
        }
        res
    }

    /// Is a value of one of the types, or an array of them?
    pub fn is(&self, ty: &DataType) -> bool {
        self.types.iter().any(|it| labels::is_of(ty, it))
    }

    fn makes(&self, it: &UserType) -> bool {
        match &it.kind {
            TypeKind::Domain(it) => self.is(&it.base),
            TypeKind::Composite(it) => it.iter().any(|it| self.is(&it.ty)),
            TypeKind::Range(options) => options.values().any(|it| self.names(it)),
            TypeKind::Enum(_) | TypeKind::Shell => false,
        }
    }

    fn signs(&self, it: &Function) -> bool {
        let signature = it.args.iter().any(|it| self.is(&it.ty) || it.default.as_ref().is_some_and(|it| self.uses(it)));
        let returned = it.returns.as_ref().is_some_and(|it| self.names(it.text()));
        let aggregated = it.kind == FunctionKind::Aggregate && self.names(it.body.text());
        signature || returned || aggregated || (it.sql_body && (self.uses(&it.body) || self.names(it.body.text())))
    }

    /// Does a text name one of the types, wherever it stands?
    pub fn names(&self, text: &str) -> bool {
        let named = |it: &tokens::Path| self.types.iter().any(|ty| it.parts.last().is_some_and(|it| it.0 == ty.name));
        tokens::paths(text).iter().any(named)
    }

    /// Does an expression cast to one of the types, or call one of the functions?
    pub fn uses(&self, it: &Expr) -> bool {
        let named = |it: &tokens::Path| self.types.iter().any(|ty| it.parts.last().is_some_and(|it| it.0 == ty.name));
        tokens::paths(it.text()).iter().any(|it| it.typed && named(it)) || self.calls(it)
    }

    pub fn calls(&self, it: &Expr) -> bool {
        self.functions.iter().any(|function| calls(it.text(), &function.name))
    }

    /// All columns of the table that hold values of the types, or values computed from them.
    fn own<'b>(&'b self, table: &'b Name) -> impl Iterator<Item = &'b Ident> {
        self.columns.iter().chain(&self.computed).filter(move |it| it.0 == *table).map(|it| &it.1)
    }

    pub fn stands(&self, table: &Name, it: &Expr) -> bool {
        self.uses(it) || self.own(table).any(|column| mentions_column(it.text(), column))
    }

    fn next_computed(&self) -> Option<(Name, Ident)> {
        let tables = self.catalog.tables.values();
        let mut all = tables.flat_map(|table| table.columns.iter().map(move |it| (table, it)));
        let next = all.find(|(table, it)| {
            let known = self.computed.iter().any(|(of, name)| *of == table.name && *name == it.name);
            let found = |expr: &Expr| !known && (self.is(&it.ty) || self.stands(&table.name, expr));
            it.generated.as_ref().is_some_and(|it| found(&it.expr))
        });
        next.map(|(table, it)| (table.name.clone(), it.name.clone()))
    }

    /// Stored columns of other types whose default casts to one of the types or calls one of the functions, and of the
    /// types themselves where `own` is set.
    pub fn defaults(&self, own: bool) -> Vec<(Name, Ident)> {
        let stands = |it: &&Column| {
            let is = self.is(&it.ty);
            it.generated.is_none() && it.default.as_ref().is_some_and(|it| (is && own) || (!is && self.uses(it)))
        };
        all_columns(self.catalog, stands)
    }

    /// Checks, exclusions and foreign keys that a change of the type does not take along by itself. What stands on a
    /// generated column goes and comes with that.
    pub fn constraints(&self) -> Vec<(Name, Constraint)> {
        let of = |table: &Arc<Table>| {
            let own: Vec<_> = super::recreate::own_constraints(self.catalog, table)
                .filter(|it| self.binds(&table.name, it))
                .cloned()
                .collect();
            own.into_iter().map(|it| (table.name.clone(), it)).collect::<Vec<_>>()
        };
        self.catalog.tables.values().flat_map(of).collect()
    }

    fn binds(&self, table: &Name, it: &Constraint) -> bool {
        let computed = |it: &Constraint| {
            let mut own = self.computed.iter().filter(|(of, _)| of == table);
            own.any(|(_, column)| rebuilt::constraint_mentions(it, column))
        };
        let of = |table: &Name, columns: &[Ident]| self.own(table).any(|it| columns.contains(it));
        let binds = match &it.kind {
            ConstraintKind::Check(it) => self.stands(table, it),
            ConstraintKind::Exclude(it) => {
                let keys = it.elements.iter().filter_map(|(key, _)| expression(&key.expr));
                keys.chain(&it.predicate).any(|it| self.stands(table, it))
            }
            ConstraintKind::ForeignKey(fk) => of(table, &fk.columns) || of(&fk.references, &fk.referenced_columns),
            _ => false,
        };
        binds && !computed(it)
    }

    /// Indexes with an expression or a condition that stands on the type.
    pub fn indexes(&self) -> Vec<Arc<Index>> {
        let computed = |it: &Index| {
            let mut own = self.computed.iter().filter(|(of, _)| *of == it.table);
            own.any(|(_, column)| rebuilt::index_mentions(it, column))
        };
        let binds = |it: &&Arc<Index>| {
            let keys = it.keys.iter().filter_map(|it| expression(&it.expr));
            keys.chain(&it.predicate).any(|expr| self.stands(&it.table, expr)) && !computed(it)
        };
        self.catalog.indexes.values().filter(|it| it.attached_to.is_none()).filter(binds).cloned().collect()
    }

    /// Functions whose compiled form may hold the type: PL/pgSQL keeps the types of its variables for as long as a session
    /// lives, and forgets them when the function is replaced (manual, PL/pgSQL Under the Hood).
    pub fn compiled(&self) -> impl Iterator<Item = &Arc<Function>> {
        let holds = |it: &&Arc<Function>| {
            let text = it.body.text();
            let tables = || self.columns.iter().any(|(table, _)| names(text, table));
            it.language.as_str() == "plpgsql" && (self.names(text) || (text.contains('%') && tables()))
        };
        self.catalog.functions.values().filter(|it| !self.functions.contains(it)).filter(holds)
    }

    /// What no plan can take down and put up: said to a person.
    pub fn obstacles(&self) -> Vec<String> {
        let mut res = Vec::new();
        for table in self.catalog.tables.values() {
            let keys = table.partition_by.iter().flat_map(|it| &it.keys);
            let of = |it: &IndexKey| match &it.expr {
                KeyExpr::Column(it) => self.own(&table.name).any(|own| own == it),
                KeyExpr::Expr(it) => self.stands(&table.name, it),
            };
            if keys.into_iter().any(of) {
                res.push(format!("{} is partitioned by it", table.name));
            }
        }
        for it in self.catalog.opaque.iter().filter(|it| self.names(it.text.text())) {
            let object = it.object.as_ref().map_or_else(|| it.kind.to_string(), ToString::to_string);
            res.push(format!("{object} names it"));
        }
        let apart = |table: &Name| {
            self.catalog.table(table).is_some_and(|it| it.partition_by.is_some() || it.partition_of.is_some())
        };
        let partitioned = self.indexes().into_iter().filter(|it| apart(&it.table));
        res.extend(
            partitioned.filter_map(|it| Some(format!("index {} of a partitioned table uses it", it.name.as_ref()?))),
        );
        res
    }
}

fn inner_first(catalog: &Catalog, mut rest: Vec<Name>) -> Vec<Name> {
    let mut res = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let made_of = |it: &Name, other: &Name| {
            let of = |ty: &DataType| labels::is_of(ty, other);
            catalog.types.get(it).is_some_and(|it| match &it.kind {
                TypeKind::Domain(it) => of(&it.base),
                TypeKind::Composite(it) => it.iter().any(|it| of(&it.ty)),
                TypeKind::Range(options) => options.values().any(|it| names(it, other)),
                TypeKind::Enum(_) | TypeKind::Shell => false,
            })
        };
        let next = rest.iter().position(|it| !rest.iter().any(|other| other != it && made_of(it, other))).unwrap_or(0);
        res.push(rest.remove(next));
    }
    res
}

fn names(text: &str, name: &Name) -> bool {
    tokens::paths(text).iter().any(|it| it.parts.iter().any(|(part, _)| *part == name.name))
}

fn expression(key: &KeyExpr) -> Option<&Expr> {
    match key {
        KeyExpr::Expr(it) => Some(it),
        KeyExpr::Column(_) => None,
    }
}

/// Columns that a table does not have from a parent.
fn all_columns(catalog: &Catalog, wanted: impl Fn(&&Column) -> bool) -> Vec<(Name, Ident)> {
    let of = |table: &Arc<Table>| {
        let handed = |it: &&Column| {
            let has = |parent: &Name| catalog.table(parent).is_some_and(|of| of.column(&it.name).is_some());
            parents(table).any(has)
        };
        let own = table.columns.iter().filter(|it| wanted(it) && !handed(it));
        own.map(|it| (table.name.clone(), it.name.clone())).collect::<Vec<_>>()
    };
    catalog.tables.values().flat_map(of).collect()
}
