//! What is known of the thing under the cursor.

mod impact;

use std::{collections::BTreeSet, ops::Range};

use super::{Analysis, File, FileId, Role, Snapshot, history, objects};
use crate::{
    catalog::{Catalog, Origin},
    lint,
    sql::{
        ANNOTATIONS, Annotation, Column, ConstraintKind, Ddl, ForeignKey, KeyExpr, Name, ObjectRef, Statement, Table,
    },
};

/// What to show, and for which bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hover {
    pub range: Range<usize>,
    pub parts: Vec<Part>,
}

/// A part of a hover, from top to bottom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Markdown.
    Text(String),
    /// SQL, to be shown as code.
    Sql(String),
    /// Places to go to, after a word or two that say why.
    Places { about: String, places: Vec<(FileId, usize)> },
}

/// At most so many columns of a table are shown.
const MAX_LINES: usize = 40;

/// What is known of the object under the cursor, or of the statement.
pub fn hover(snapshot: &Snapshot, file: FileId, offset: usize) -> Option<Hover> {
    let found = snapshot.file(file)?;
    let (index, statement) = found.script.statement_at(offset)?;
    if let Some(hover) = annotation(found, statement, offset) {
        return Some(hover);
    }
    let object = objects::object_at(snapshot, file, offset);
    let mut parts = Vec::new();
    let mut range = statement.range.clone();
    if let Some((named, at)) = object
        && let Some(described) = describe(snapshot, file, index, &named)
    {
        range = at;
        parts = described;
    }
    if matches!(found.role, Role::Migration | Role::Other) {
        parts.extend(impact::of_statement(snapshot, file, index));
    }
    parts.extend(pages(snapshot, file, &statement.range, offset));
    (!parts.is_empty()).then_some(Hover { range, parts })
}

/// The pages of the rules that speak at a byte of a statement.
fn pages(snapshot: &Snapshot, file: FileId, statement: &Range<usize>, offset: usize) -> Vec<Part> {
    let known = snapshot.analysis.diagnostics.get(&file).into_iter().flatten();
    let here = known.filter(|it| {
        let inside = statement.start <= it.range.start && it.range.end <= statement.end;
        inside && it.range.start <= offset && offset <= it.range.end
    });
    let codes: BTreeSet<&str> = here.map(|it| it.code.as_str()).collect();
    codes.into_iter().filter_map(|it| Some(Part::Text(lint::explain(it)?.text()))).collect()
}

/// What an annotation means.
fn annotation(file: &File, statement: &Statement, offset: usize) -> Option<Hover> {
    let start = statement.full.start;
    let inside = |it: &&Annotation| (it.range.start + start..=it.range.end + start).contains(&offset);
    let found = statement.parsed.annotations.iter().find(inside)?;
    let range = found.range.start + start..found.range.end + start;
    let own = file.script.text.slice(range.clone()).starts_with('@');
    let (name, value, means) = ANNOTATIONS.iter().find(|it| own && it.0 == found.key)?;
    let usage = format!("-- @{name} {value}");
    Some(Hover { range, parts: vec![Part::Sql(usage.trim_end().to_owned()), Part::Text((*means).to_owned())] })
}

/// How the place of an origin is found.
type Finder = fn(&Analysis, &Origin) -> Option<(FileId, Range<usize>)>;

/// The catalogs in which an object may be found, best first, and how to find the places of each one's origins.
type Place<'a> = (std::borrow::Cow<'a, Catalog>, Finder);

fn describe(snapshot: &Snapshot, file: FileId, statement: usize, named: &ObjectRef) -> Option<Vec<Part>> {
    use std::borrow::Cow;
    let analysis = &snapshot.analysis;
    let before =
        analysis.before.as_ref().map(|it| -> Place<'_> { (Cow::Borrowed(&it.catalog), Analysis::before_place) });
    let after = analysis.after.as_ref().map(|it| -> Place<'_> { (Cow::Borrowed(&it.catalog), Analysis::schema_place) });
    let mut places: Vec<Place<'_>> = match snapshot.file(file)?.role {
        Role::Migration => before.into_iter().chain(after).collect(),
        _ => after.into_iter().chain(before).collect(),
    };
    // What a later migration drops is only known as it was.
    if let Some(catalog) = history::catalog_before(snapshot, file, statement) {
        places.push((Cow::Owned((*catalog).clone()), Analysis::before_place));
    }
    places.iter().find_map(|(catalog, files)| {
        let object = objects::resolve(catalog, named)?;
        let mut parts = definition(snapshot, catalog, &object)?;
        parts.extend(origins(analysis, catalog, &object, *files));
        Some(parts)
    })
}

fn definition(snapshot: &Snapshot, catalog: &Catalog, object: &ObjectRef) -> Option<Vec<Part>> {
    let render = |ddl: &Ddl| shortened(&snapshot.dialect.render(ddl));
    Some(match object {
        ObjectRef::Table(name) => {
            let table = catalog.table(name)?;
            let ddl = Ddl::CreateTable { table: Box::new((**table).clone()), if_not_exists: false, likes: Vec::new() };
            let mut parts = vec![Part::Sql(render(&ddl))];
            parts.extend(relations(snapshot, catalog, table));
            parts
        }
        ObjectRef::Column(table, name) => {
            let table = catalog.table(table)?;
            let column = table.column(name)?;
            let mut parts = vec![Part::Sql(format!("{}.{}", table.name, column_line(snapshot, column)))];
            parts.extend(column_facts(catalog, table, column));
            parts.extend(rows(snapshot, &table.name));
            parts
        }
        ObjectRef::Constraint(table, name) => {
            let constraint = catalog.table(table)?.constraint(name)?.clone();
            vec![Part::Sql(render(&Ddl::AddConstraint { table: table.clone(), constraint: Box::new(constraint) }))]
        }
        ObjectRef::Index(name) => {
            let index = Box::new((**catalog.indexes.get(name)?).clone());
            let table = index.table.clone();
            let mut parts =
                vec![Part::Sql(render(&Ddl::CreateIndex { index, concurrently: false, if_not_exists: false }))];
            parts.extend(rows(snapshot, &table));
            parts
        }
        ObjectRef::Type(name) => {
            vec![Part::Sql(render(&Ddl::CreateType { ty: Box::new((**catalog.types.get(name)?).clone()) }))]
        }
        ObjectRef::View(name) => {
            let view = Box::new((**catalog.views.get(name)?).clone());
            vec![Part::Sql(render(&Ddl::CreateView { view, or_replace: false, if_not_exists: false }))]
        }
        ObjectRef::Sequence(name) => {
            let sequence = Box::new((**catalog.sequences.get(name)?).clone());
            vec![Part::Sql(render(&Ddl::CreateSequence { sequence, if_not_exists: false }))]
        }
        ObjectRef::Function(name, args) => {
            let function = Box::new((**catalog.functions.get(&(name.clone(), args.clone()))?).clone());
            vec![Part::Sql(render(&Ddl::CreateFunction { function, or_replace: false }))]
        }
        ObjectRef::Trigger(table, name) => {
            let trigger = Box::new((**catalog.triggers.get(&(table.clone(), name.clone()))?).clone());
            vec![Part::Sql(render(&Ddl::CreateTrigger { trigger, or_replace: false }))]
        }
        ObjectRef::Policy(table, name) => {
            let policy = Box::new((**catalog.policies.get(&(table.clone(), name.clone()))?).clone());
            vec![Part::Sql(render(&Ddl::CreatePolicy { policy }))]
        }
        _ => return None,
    })
}

/// A column as it would stand in CREATE TABLE.
fn column_line(snapshot: &Snapshot, column: &Column) -> String {
    let mut res = format!("{} {}", column.name, snapshot.dialect.render_type(&column.ty));
    if column.not_null {
        res.push_str(" NOT NULL");
    }
    if let Some(default) = &column.default {
        res.push_str(&format!(" DEFAULT {default}"));
    }
    if let Some(identity) = &column.identity {
        res.push_str(if identity.always {
            " GENERATED ALWAYS AS IDENTITY"
        } else {
            " GENERATED BY DEFAULT AS IDENTITY"
        });
    }
    if let Some(generated) = &column.generated {
        let kind = if generated.stored { "STORED" } else { "VIRTUAL" };
        res.push_str(&format!(" GENERATED ALWAYS AS ({}) {kind}", generated.expr));
    }
    res
}

/// Rows, foreign keys in and out, indexes.
fn relations(snapshot: &Snapshot, catalog: &Catalog, table: &Table) -> Vec<Part> {
    let mut lines = Vec::new();
    for constraint in &table.constraints {
        if let ConstraintKind::ForeignKey(it) = &constraint.kind {
            lines.push(format!("- references {}", reference(it)));
        }
    }
    for (from, constraint) in catalog.referencing(&table.name) {
        if let ConstraintKind::ForeignKey(it) = &constraint.kind {
            lines.push(format!("- referenced by `{}` ({})", from.name, list(it.columns.iter())));
        }
    }
    for index in catalog.indexes_of(&table.name) {
        let keys = index.keys.iter().map(|it| match &it.expr {
            KeyExpr::Column(it) => it.to_string(),
            KeyExpr::Expr(it) => it.to_string(),
        });
        let name = index.name.as_ref().map(|it| it.name.to_string()).unwrap_or_default();
        let unique = if index.unique { "unique " } else { "" };
        lines.push(format!("- {unique}index `{name}` ({})", list(keys)));
    }
    let mut parts: Vec<Part> = rows(snapshot, &table.name).into_iter().collect();
    if !lines.is_empty() {
        let more = lines.len().saturating_sub(MAX_LINES);
        lines.truncate(MAX_LINES);
        if more > 0 {
            lines.push(format!("- and {more} more"));
        }
        parts.push(Part::Text(lines.join("\n")));
    }
    if let Some(why) = catalog.unknown.get(&table.name) {
        parts.push(Part::Text(format!("Not everything is known of this table: {why}.")));
    }
    parts
}

fn column_facts(catalog: &Catalog, table: &Table, column: &Column) -> Option<Part> {
    let mut lines = Vec::new();
    for constraint in &table.constraints {
        let name = constraint.name.as_ref().map(|it| it.to_string()).unwrap_or_default();
        match &constraint.kind {
            ConstraintKind::PrimaryKey(it) if it.columns.contains(&column.name) => {
                lines.push(format!("- primary key ({})", list(it.columns.iter())));
            }
            ConstraintKind::Unique(it) if it.columns.contains(&column.name) => {
                lines.push(format!("- unique `{name}` ({})", list(it.columns.iter())));
            }
            ConstraintKind::ForeignKey(it) if it.columns.contains(&column.name) => {
                lines.push(format!("- references {}", reference(it)));
            }
            _ => {}
        }
    }
    for (from, constraint) in catalog.referencing(&table.name) {
        if let ConstraintKind::ForeignKey(it) = &constraint.kind
            && it.referenced_columns.contains(&column.name)
        {
            lines.push(format!("- referenced by `{}` ({})", from.name, list(it.columns.iter())));
        }
    }
    for index in catalog.indexes_of(&table.name) {
        if index.keys.iter().any(|it| it.expr == KeyExpr::Column(column.name.clone())) {
            lines.push(format!(
                "- in index `{}`",
                index.name.as_ref().map(|it| it.name.to_string()).unwrap_or_default()
            ));
        }
    }
    (!lines.is_empty()).then(|| Part::Text(lines.join("\n")))
}

fn reference(key: &ForeignKey) -> String {
    let to = list(key.referenced_columns.iter());
    format!("`{}` ({to}) by ({})", key.references, list(key.columns.iter()))
}

fn rows(snapshot: &Snapshot, table: &Name) -> Option<Part> {
    let rows = snapshot.facts.rows.get(table)?;
    Some(Part::Text(format!("{} rows in production, by lockkeeper.toml or lockkeeper.stats.json", grouped(*rows))))
}

/// `50_000_000` as people read it.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut res = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            res.push(',');
        }
        res.push(digit);
    }
    res
}

fn list(names: impl Iterator<Item = impl ToString>) -> String {
    names.map(|it| it.to_string()).collect::<Vec<_>>().join(", ")
}

fn origins(analysis: &Analysis, catalog: &Catalog, object: &ObjectRef, find: Finder) -> Vec<Part> {
    let origins = catalog.origins.get(object).map(|it| &**it).unwrap_or_default();
    let place = |it: &Origin| find(analysis, it).map(|(file, range)| (file, range.start));
    let mut parts = Vec::new();
    let mut add = |about: &str, places: Vec<(FileId, usize)>| {
        if !places.is_empty() {
            parts.push(Part::Places { about: about.to_owned(), places });
        }
    };
    add("Created in", origins.first().and_then(place).into_iter().collect());
    add("Changed in", origins.iter().skip(1).filter_map(place).collect());
    parts
}

/// Long definitions are cut: an editor shows a hover in a small window.
fn shortened(sql: &str) -> String {
    let lines: Vec<&str> = sql.lines().collect();
    match lines.len() > MAX_LINES {
        true => format!("{}\n-- {} more lines", lines[..MAX_LINES].join("\n"), lines.len() - MAX_LINES),
        false => sql.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_grouped() {
        assert_eq!(super::grouped(50_000_000), "50,000,000");
        assert_eq!(super::grouped(100), "100");
        assert_eq!(super::grouped(1000), "1,000");
    }
}
