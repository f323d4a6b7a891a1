//! Another type takes the name of one in a single transaction: what is tied to the old one goes first, the columns are
//! written again, and all comes back over the new one. The way where columns cannot have two copies.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Builder, Outline,
    bound::Bound,
    build::Followers,
    change_generated,
    pairs::Pairs,
    rebuilt::{self, Part, nameless},
    recreate,
};
use crate::{
    catalog::Catalog,
    dialect::Probe,
    plan::{Action, PhaseKind::*, Undo, helper_name},
    sql::*,
};

/// Types of both sides that another one must take the place of, and whose columns cannot have two copies.
pub fn roots(pairs: &Pairs<'_>) -> Vec<Name> {
    let both = pairs.base.types.iter().filter_map(|(name, old)| Some((name, old, pairs.input.after.types.get(name)?)));
    let needed = both.filter(|(name, old, new)| match (&old.kind, &new.kind) {
        (TypeKind::Enum(_), TypeKind::Enum(_)) => pairs.replaced.iter().any(|it| it.name == **name && !it.twice),
        (TypeKind::Domain(old), TypeKind::Domain(new)) => old.base != new.base || old.collation != new.collation,
        // The server changes an attribute in place only while no column is of the type (measured 13–18).
        (TypeKind::Composite(old), TypeKind::Composite(new)) => {
            retyped(old, new) && !Bound::of(&pairs.base, std::slice::from_ref(*name)).columns.is_empty()
        }
        (old, new) => old != new,
    });
    needed.map(|(name, ..)| name.clone()).collect()
}

fn retyped(old: &[Attribute], new: &[Attribute]) -> bool {
    old.iter().any(|old| new.iter().any(|new| new.name == old.name && new != old))
}

/// The types that the transaction makes anew, whatever changes of them.
pub fn remade(pairs: &Pairs<'_>) -> Vec<Name> {
    let roots = roots(pairs);
    if roots.is_empty() { roots } else { Bound::of(&pairs.base, &roots).types }
}

/// Functions that the transaction takes down and puts up as they are wanted.
pub fn remade_functions(pairs: &Pairs<'_>) -> Vec<ObjectRef> {
    if pairs.remade.is_empty() {
        return Vec::new();
    }
    let bound = Bound::of(&pairs.base, &pairs.remade);
    bound.functions.iter().map(|it| it.object()).filter(|it| pairs.input.after.holds(it)).collect()
}

/// All steps, for all types together.
pub fn outline(b: &Builder<'_>, acc: &mut Outline, roots: &[Name]) {
    let Some(first) = roots.first() else { return };
    let work = InPlace::new(b, roots, format!("type:{first}"));
    let mut obstacles = work.obstacles();
    if !obstacles.is_empty() {
        obstacles.sort();
        obstacles.dedup();
        let message = format!(
            "{} cannot be replaced by another type while {}: take that away in a plan of its own, or make a type of another name and move the columns to it; nothing is planned for it",
            names(roots),
            obstacles.join(" and ")
        );
        acc.hazard("replacing-type-refused", Severity::Error, message);
        return;
    }
    work.take_down(acc);
    work.rename(acc);
    work.columns(acc);
    work.put_up(acc);
    work.drop_old(acc);
}

fn names(list: &[Name]) -> String {
    list.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

struct InPlace<'a> {
    b: &'a Builder<'a>,
    roots: &'a [Name],
    bound: Bound<'a>,
    followers: Followers<'a>,
    group: String,
}

/// What the old type is called until it goes.
fn aside(name: &Name) -> Name {
    name.sibling(helper_name("mc_old", &[name.name.as_str()]))
}

impl<'a> InPlace<'a> {
    fn new(b: &'a Builder<'a>, roots: &'a [Name], group: String) -> Self {
        let bound = Bound::of(&b.pairs.base, roots);
        let columns: Vec<(Name, Ident)> = bound.columns.iter().chain(&bound.computed).cloned().collect();
        let followers = b.followers_of(&columns, Some(&bound));
        Self { b, roots, bound, followers, group }
    }

    /// Why it cannot be done.
    fn obstacles(&self) -> Vec<String> {
        let (base, after) = (&self.b.pairs.base, self.b.after());
        let mut res = self.bound.obstacles();
        for it in &self.bound.types {
            let composite = base.types.get(it).is_some_and(|it| matches!(it.kind, TypeKind::Composite(_)));
            let mapped =
                self.b.pairs.replaced.iter().any(|it| self.roots.contains(&it.name) && !it.labels.map.is_empty());
            let kind = |catalog: &Catalog| catalog.types.get(it).map(|it| it.kind.clone());
            if let (Some(TypeKind::Composite(old)), Some(TypeKind::Composite(new))) = (kind(base), kind(after))
                && !old.iter().map(|it| &it.name).eq(new.iter().map(|it| &it.name))
            {
                res.push(format!("attributes of {it} come or go in the same plan"));
            }
            if matches!(kind(base), Some(TypeKind::Range(_))) {
                res.push(format!("{it} is a range type, whose multirange keeps its name"));
            }
            if !after.types.contains_key(it) {
                res.push(format!("type {it} is made of it and goes in the same plan"));
            } else if composite && mapped && self.bound.columns.iter().any(|at| self.is_of(at, it)) {
                res.push(format!("columns of type {it} hold values of it whose labels must be mapped"));
            }
        }
        for (table, column) in &self.bound.columns {
            let new = after.table(table).and_then(|it| it.column(column));
            if new.is_some_and(|it| !self.bound.is(&it.ty)) {
                res.push(format!("column {table}.{column} gets another type in the same plan"));
            }
        }
        for (table, it) in self.bound.constraints() {
            let name = it.name.clone().unwrap_or_default();
            let wanted = after.table(&table).and_then(|of| of.constraint(&name));
            if wanted.is_some_and(|wanted| wanted.kind != it.kind) {
                res.push(format!("constraint {name} of {table} changes in the same plan"));
            }
        }
        for it in self.bound.indexes() {
            let wanted = it.name.as_ref().and_then(|it| after.indexes.get(it));
            let same = |wanted: &&Arc<Index>| {
                let carried = rebuilt::carried(self.b.pairs, &Part::Index(it.clone()));
                nameless(&carried) == nameless(&Part::Index((*wanted).clone()))
            };
            if let Some(wanted) = wanted.filter(|it| !same(it)) {
                res.push(format!("index {} changes in the same plan", wanted.name.clone().unwrap_or_default()));
            }
        }
        for (table, column) in &self.bound.computed {
            let of = |catalog: &Catalog| catalog.table(table)?.column(column).cloned();
            if let (Some(old), Some(new)) = (of(base), of(after))
                && old.generated != new.generated
            {
                res.push(format!("generated column {table}.{column} changes in the same plan"));
            }
        }
        res
    }

    fn is_of(&self, (table, column): &(Name, Ident), name: &Name) -> bool {
        let column = self.b.pairs.base.table(table).and_then(|it| it.column(column));
        column.is_some_and(|it| super::labels::is_of(&it.ty, name))
    }

    fn take_down(&self, acc: &mut Outline) {
        let (b, group) = (self.b, self.group.as_str());
        self.followers.drop(acc, Contract, group);
        for (table, old, _) in self.computed() {
            change_generated::drop(b, acc, Contract, group, &table, &old);
        }
        let mut constraints = self.constraints();
        // Keys that others stand on are left to the end; none is among them today.
        constraints.sort_by_key(|(_, it)| !matches!(it.kind, ConstraintKind::ForeignKey(_)));
        for (table, it) in constraints {
            let Some(name) = it.name.clone() else { continue };
            let drop =
                Ddl::DropConstraint { table: table.clone(), name: name.clone(), if_exists: false, cascade: false };
            let back = self.constraint(&b.pairs.base, &table, &it).into_iter().map(Action::Ddl).collect();
            acc.grouped(Contract, group, drop, "it holds the old type and comes back in this transaction")
                .undo(Undo::By(back));
        }
        for it in self.indexes() {
            let Some(name) = it.name.clone() else { continue };
            let drop = Ddl::DropIndex { name, concurrently: false, if_exists: false, cascade: false };
            acc.grouped(Contract, group, drop, "it holds the old type and comes back in this transaction");
        }
        for (table, column, _) in self.defaults() {
            let drop = Ddl::SetDefault { table, column, default: None };
            acc.grouped(Contract, group, drop, "a default is of the old type");
        }
        let kept = |it: &&Arc<Function>| b.after().functions.contains_key(&(it.name.clone(), it.input_types()));
        for it in self.bound.functions.iter().rev().filter(kept) {
            acc.grouped(
                Contract,
                group,
                drop_function(it),
                "the old type is in its signature; it comes back in this transaction",
            );
        }
    }

    fn rename(&self, acc: &mut Outline) {
        let (b, group) = (self.b, self.group.as_str());
        for it in &self.bound.types {
            let rename = Ddl::RenameType { from: it.clone(), to: aside(it).name };
            acc.grouped(Contract, group, rename, "the old type steps aside");
        }
        for it in &self.bound.types {
            let Some(ty) = b.after().types.get(it) else { continue };
            acc.grouped(
                Contract,
                group,
                Ddl::CreateType { ty: Box::new((**ty).clone()) },
                "the new one takes its name",
            );
            for ddl in recreate::attached(b.after(), &ObjectRef::Type(it.clone())) {
                acc.grouped(Contract, group, ddl, "as on the old one").undo(Undo::Nothing);
            }
        }
    }

    fn columns(&self, acc: &mut Outline) {
        let (b, group) = (self.b, self.group.as_str());
        for (table, column) in &self.bound.columns {
            let of = |catalog: &Catalog| catalog.table(table)?.column(column).cloned();
            let (Some(old), Some(new)) = (of(&b.pairs.base), of(b.after())) else { continue };
            let name = Name {
                schema: old.ty.schema.clone().or_else(|| Some(Ident::new("public"))),
                name: Ident::new(&old.ty.name),
            };
            // On the way back the old type is there again, aside still.
            let gone = aside(&name);
            let back_to = DataType {
                schema: old.ty.schema.as_ref().and(gone.schema),
                name: gone.name.as_str().into(),
                ..old.ty.clone()
            };
            let (forth, back) = self.conversions(&name, column, &new.ty, &back_to);
            let set = |ty: &DataType, using: &str| Ddl::SetType {
                table: table.clone(),
                column: column.clone(),
                ty: ty.clone(),
                collation: None,
                using: Some(b.dialect().expr(using)),
            };
            acc.grouped(Contract, group, set(&new.ty, &forth), "every row is written again")
                .undo(Undo::By(vec![Action::Ddl(set(&back_to, &back))]));
            self.probe(acc, &name, table, &old);
            let message = format!(
                "{table} is written again while nobody can use it: another type takes the place of {}, and {}",
                names(self.roots),
                self.reason()
            );
            if !acc.hazards.iter().any(|it| it.2 == message) {
                acc.hazard("changing-type-rewrites", Severity::Error, message);
            }
        }
    }

    /// Why two copies cannot be.
    fn reason(&self) -> String {
        let why = self.b.pairs.replaced.iter().find_map(|it| it.why.clone().filter(|_| self.roots.contains(&it.name)));
        why.unwrap_or_else(|| "PostgreSQL changes no such type in place".into())
    }

    /// Old rows must have a label of the new type.
    fn probe(&self, acc: &mut Outline, name: &Name, table: &Name, old: &Column) {
        let replaced = self.b.pairs.replaced.iter().find(|it| self.reaches(name, &it.name));
        let labels = replaced.map(|it| it.labels.unsaid.clone()).filter(|it| !it.is_empty());
        let of = self.b.pairs.base.types.get(name).map(|it| &it.kind);
        if let (Some(labels), Some(TypeKind::Enum(_) | TypeKind::Domain(_))) = (labels, of) {
            let renamed = self.b.pairs.renamed_columns.iter().find(|(of, _, to)| of == table && *to == old.name);
            let column = renamed.map_or_else(|| old.name.clone(), |(_, from, _)| from.clone());
            let table = self.b.pairs.renamed_tables.iter().find(|(_, to)| to == table).map_or(table, |(from, _)| from);
            let array = self.is_array(&old.ty, name);
            acc.preflight(Contract, self.b.dialect(), Probe::Labels { table: table.clone(), column, labels, array });
        }
    }

    /// The type is the enum, or a domain over it.
    fn reaches(&self, name: &Name, of: &Name) -> bool {
        let base = self.b.pairs.base.types.get(name).map(|it| &it.kind);
        name == of
            || matches!(base, Some(TypeKind::Domain(it)) if self.reaches(&Name {
                schema: it.base.schema.clone(),
                name: Ident::new(&it.base.name),
            }, of))
    }

    fn is_array(&self, ty: &DataType, name: &Name) -> bool {
        let base = self.b.pairs.base.types.get(name).map(|it| &it.kind);
        ty.array || matches!(base, Some(TypeKind::Domain(it)) if it.base.array)
    }

    /// A column's value in the new type, and in the old one on the way back: by its text.
    fn conversions(&self, name: &Name, column: &Ident, to: &DataType, back_to: &DataType) -> (String, String) {
        let dialect = self.b.dialect();
        let (value, ty, old) = (dialect.quote(column), dialect.render_type(to), dialect.render_type(back_to));
        let array = self.is_array(to, name);
        let replaced = self.b.pairs.replaced.iter().find(|it| self.reaches(name, &it.name));
        match replaced.map(|it| &it.labels) {
            Some(it) => {
                (it.up(dialect, array, &ty).replace("{}", &value), it.down(dialect, array, &old).replace("{}", &value))
            }
            None => {
                let text = if to.array { "text[]" } else { "text" };
                (format!("{value}::{text}::{ty}"), format!("{value}::{text}::{old}"))
            }
        }
    }

    fn put_up(&self, acc: &mut Outline) {
        let (b, group) = (self.b, self.group.as_str());
        let views: BTreeSet<&Name> = self.followers.names().collect();
        let functions = self.functions();
        // The body of an SQL function is checked when it is made: behind the views that it reads.
        let reads = |it: &Function| {
            let paths = tokens::paths(it.body.text());
            paths.iter().any(|it| views.iter().any(|view| it.parts.last().is_some_and(|it| it.0 == view.name)))
        };
        let (late, early): (Vec<_>, Vec<_>) = functions.into_iter().partition(|it| reads(it));
        early.iter().for_each(|it| self.create_function(acc, it));
        for (table, column, default) in self.defaults() {
            if default.is_some() {
                acc.grouped(Contract, group, Ddl::SetDefault { table, column, default }, "the default in the new type");
            }
        }
        for (table, _, new) in self.computed() {
            if let Some(new) = new {
                change_generated::add(b, acc, Contract, group, &table, &new);
            }
        }
        for it in self.indexes() {
            let kept = it.name.as_ref().and_then(|it| b.after().indexes.get(it));
            if let Some(it) = kept {
                let create =
                    Ddl::CreateIndex { index: Box::new((**it).clone()), concurrently: false, if_not_exists: false };
                acc.grouped(Contract, group, create, "over the new type");
                let comment = it.name.clone().and_then(|it| recreate::comment(b.after(), &ObjectRef::Index(it)));
                comment
                    .into_iter()
                    .for_each(|it| _ = acc.grouped(Contract, group, it, "as before").undo(Undo::Nothing));
            }
        }
        for (table, it) in self.constraints() {
            let kept = it.name.as_ref().and_then(|it| b.after().table(&table)?.constraint(it)).cloned();
            for (i, ddl) in kept.iter().flat_map(|it| self.constraint(b.after(), &table, it)).enumerate() {
                let draft = acc.grouped(Contract, group, ddl, "over the new type");
                if i > 0 {
                    draft.undo(Undo::Nothing);
                }
            }
        }
        self.followers.create(acc, Contract, group);
        late.iter().for_each(|it| self.create_function(acc, it));
        for it in self.bound.compiled().filter_map(|it| b.after().functions.get(&(it.name.clone(), it.input_types()))) {
            let again = Ddl::CreateFunction { function: Box::new((**it).clone()), or_replace: true };
            acc.grouped(Contract, group, again, "sessions forget the old type that its variables were of")
                .undo(Undo::Nothing);
        }
    }

    fn create_function(&self, acc: &mut Outline, it: &Function) {
        for (i, ddl) in recreate::function(self.b.after(), it).into_iter().enumerate() {
            let draft = acc.grouped(Contract, &self.group, ddl, "over the new type");
            if i > 0 {
                draft.undo(Undo::Nothing);
            }
        }
    }

    fn drop_old(&self, acc: &mut Outline) {
        let base = &self.b.pairs.base;
        for it in self.bound.types.iter().rev().filter_map(|it| base.types.get(it)) {
            let domain = matches!(it.kind, TypeKind::Domain(_));
            let drop = Ddl::DropType { name: aside(&it.name), domain, if_exists: false, cascade: false };
            acc.grouped(Contract, &self.group, drop, "nothing is of it any more");
        }
        acc.gate(Contract, format!("no running instance uses what {} no longer has", names(self.roots)));
    }

    /// Generated columns: table, before, after.
    fn computed(&self) -> Vec<(Name, Column, Option<Column>)> {
        let of = |(table, column): &(Name, Ident)| {
            let old = self.b.pairs.base.table(table)?.column(column)?.clone();
            let new = self.b.after().table(table).and_then(|it| it.column(column)).cloned();
            let handed = super::pairs::parents(self.b.pairs.base.table(table)?)
                .any(|it| self.b.pairs.base.table(it).is_some_and(|it| it.column(column).is_some()));
            (!handed && new.is_some()).then(|| (table.clone(), old, new))
        };
        self.bound.computed.iter().filter_map(of).collect()
    }

    /// Those that stay.
    fn constraints(&self) -> Vec<(Name, Constraint)> {
        let kept = |(table, it): &(Name, Constraint)| {
            let wanted = self.b.after().table(table);
            wanted.is_some_and(|of| it.name.as_ref().is_some_and(|it| of.constraint(it).is_some()))
        };
        self.bound.constraints().into_iter().filter(kept).collect()
    }

    fn indexes(&self) -> Vec<Arc<Index>> {
        let kept = |it: &Arc<Index>| it.name.as_ref().is_some_and(|it| self.b.after().indexes.contains_key(it));
        self.bound.indexes().into_iter().filter(kept).collect()
    }

    /// Defaults that go for the time, and what they are to be.
    fn defaults(&self) -> Vec<(Name, Ident, Option<Expr>)> {
        let of = |(table, column): (Name, Ident)| {
            let default = self.b.after().table(&table)?.column(&column)?.default.clone();
            Some((table, column, default))
        };
        self.bound.defaults(true).into_iter().filter_map(of).collect()
    }

    fn functions(&self) -> Vec<Arc<Function>> {
        let of = |it: &Arc<Function>| self.b.after().functions.get(&(it.name.clone(), it.input_types())).cloned();
        self.bound.functions.iter().filter_map(of).collect()
    }

    /// A constraint in one statement: the transaction holds the table anyway.
    fn constraint(&self, catalog: &Catalog, table: &Name, it: &Constraint) -> Vec<Ddl> {
        let name = it.name.clone().unwrap_or_default();
        let add = Ddl::AddConstraint { table: table.clone(), constraint: Box::new(it.clone()) };
        [add].into_iter().chain(recreate::comment(catalog, &ObjectRef::Constraint(table.clone(), name))).collect()
    }
}

fn drop_function(it: &Function) -> Ddl {
    Ddl::DropFunction {
        name: it.name.clone(),
        args: Some(it.input_types()),
        kind: it.kind,
        if_exists: false,
        cascade: false,
    }
}
