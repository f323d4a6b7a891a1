use super::{
    Rule,
    context::{Context, Findings},
};
use crate::{
    catalog::Catalog,
    page::page,
    sql::{Column, Ddl, Index, Name, ObjectRef, Severity},
};

page! {
    /// # IF NOT EXISTS where something else is there
    ///
    /// An object of that name exists and is another one: the statement does nothing, says nothing, and what it describes is
    /// not there.
    ///
    /// ## Why
    /// IF NOT EXISTS looks at the name alone. A database that is made new from other files gets the other definition, and
    /// code that was written for it fails here. Change what is there with ALTER, or use another name. The same definition
    /// once more is no finding.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, email text);
    /// ```
    /// ```sql bad
    /// CREATE TABLE IF NOT EXISTS users (id bigint PRIMARY KEY, email text, locale text);
    /// ```
    /// ```sql bad
    /// SET lock_timeout = '2s';
    /// ALTER TABLE users ADD COLUMN IF NOT EXISTS email varchar(50);
    /// ```
    /// ```sql good
    /// CREATE TABLE IF NOT EXISTS users (id bigint PRIMARY KEY, email text);
    /// SET lock_timeout = '2s';
    /// ALTER TABLE users ADD COLUMN IF NOT EXISTS locale text;
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, CREATE TABLE: "there is no guarantee that the existing relation is anything like the one that would have been
    /// created"; CREATE INDEX says the same.
    const PAGE;
}

pub(super) const RULE: Rule = Rule {
    code: "if-not-exists-hiding-difference",
    severity: Severity::Warning,
    page: PAGE,
    check,
    fix: super::fix::none,
};

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let found = match ddl {
        Ddl::CreateTable { table, if_not_exists: true, likes } => {
            let name = ctx.resolve(&table.name);
            let plain = Ddl::CreateTable { table: table.clone(), if_not_exists: false, likes: likes.clone() };
            let drop = Ddl::DropTable { name: name.clone(), if_exists: true, cascade: true };
            existing_table(ctx, &name).and_then(|there| {
                let wanted = instead(ctx.before, &drop, &plain)?;
                let wanted = wanted.table(&name)?;
                let differs = wanted.columns.iter().find_map(|it| column_differs(there.column(&it.name), it));
                differs.map(|it| (ObjectRef::Table(name), it))
            })
        }
        Ddl::AddColumn { table, column, if_not_exists: true, constraints } => {
            let name = ctx.resolve(table);
            let plain = Ddl::AddColumn {
                table: name.clone(),
                column: column.clone(),
                if_not_exists: false,
                constraints: constraints.clone(),
            };
            let drop =
                Ddl::DropColumn { table: name.clone(), column: column.name.clone(), if_exists: true, cascade: true };
            existing_table(ctx, &name).and_then(|there| {
                let there = there.column(&column.name)?;
                let wanted = instead(ctx.before, &drop, &plain)?;
                let differs = column_differs(Some(there), wanted.table(&name)?.column(&column.name)?)?;
                Some((ObjectRef::Column(name.clone(), column.name.clone()), differs))
            })
        }
        Ddl::CreateIndex { index, if_not_exists: true, .. } => index_differs(ctx, index),
        _ => None,
    };
    if let Some((object, difference)) = found {
        let message = format!(
            "{object} is there already, so this does nothing, and it is another one: {difference}. Change it with ALTER, or take another name"
        );
        acc.report(&RULE, RULE.severity, message);
    }
}

/// The table, when everything is known of it.
fn existing_table<'a>(ctx: &Context<'a>, name: &Name) -> Option<&'a crate::sql::Table> {
    ctx.before.table(name).map(|it| &**it).filter(|_| !ctx.before.unknown.contains_key(name))
}

/// The catalog in which the statement's object stands in place of the one that is there.
fn instead(before: &Catalog, drop: &Ddl, create: &Ddl) -> Option<Catalog> {
    let mut res = before.clone();
    res.apply(drop).ok()?;
    res.apply(create).ok()?;
    Some(res)
}

fn column_differs(there: Option<&Column>, wanted: &Column) -> Option<String> {
    let name = &wanted.name;
    let Some(there) = there else { return Some(format!("it has no column {name}")) };
    if there.ty != wanted.ty {
        return Some(format!("{name} is {}, not {}", there.ty, wanted.ty));
    }
    if wanted.not_null && !there.not_null {
        return Some(format!("{name} may be NULL"));
    }
    if there.generated != wanted.generated {
        return Some(format!("{name} is computed in another way"));
    }
    let default = |it: &Column| it.default.as_ref().map(|it| it.canon().to_owned());
    match (default(there), default(wanted)) {
        (None, Some(wanted)) => Some(format!("{name} has no default {wanted}")),
        (Some(there), Some(wanted)) if there != wanted => {
            Some(format!("the default of {name} is {there}, not {wanted}"))
        }
        _ => None,
    }
}

fn index_differs(ctx: &Context<'_>, index: &Index) -> Option<(ObjectRef, String)> {
    let bare = index.name.as_ref()?;
    let name = ctx.beside(bare, &index.table);
    let there = ctx.before.indexes.get(&name)?;
    let drop = Ddl::DropIndex { name: name.clone(), concurrently: false, if_exists: true, cascade: true };
    let plain = Ddl::CreateIndex { index: Box::new(index.clone()), concurrently: false, if_not_exists: false };
    let wanted = instead(ctx.before, &drop, &plain)?;
    let wanted = wanted.indexes.get(&name)?;
    let difference = if there.table != wanted.table {
        format!("it is an index of {}", there.table)
    } else if there.keys != wanted.keys {
        "it has other columns".to_owned()
    } else if there.unique != wanted.unique {
        if there.unique { "it is unique".to_owned() } else { "it is not unique".to_owned() }
    } else if there.predicate != wanted.predicate {
        "its WHERE is another one".to_owned()
    } else if there.method != wanted.method || there.include != wanted.include {
        "it is built in another way".to_owned()
    } else {
        return None;
    };
    Some((ObjectRef::Index(name), difference))
}
