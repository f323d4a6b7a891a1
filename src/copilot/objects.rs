//! From a place in the text to an object of a catalog.

use std::ops::Range;

use super::{FileId, Snapshot};
use crate::{
    catalog::Catalog,
    sql::{Name, ObjectRef},
};

/// The object named at a byte, as written, and the bytes of its name in the file.
pub(super) fn object_at(snapshot: &Snapshot, file: FileId, offset: usize) -> Option<(ObjectRef, Range<usize>)> {
    let script = &snapshot.file(file)?.script;
    let (_, statement) = script.statement_at(offset)?;
    let start = statement.full.start;
    let marks = statement.parsed.marks.iter();
    let here = marks.filter(|it| it.range.start + start <= offset && offset <= it.range.end + start);
    // Of nested names (a column within its table's qualified name) the innermost is meant.
    let mark = here.min_by_key(|it| it.range.len())?;
    Some((mark.object.clone(), mark.range.start + start..mark.range.end + start))
}

/// The object of the catalog that a name means, found as the server would: by search path, and by kind, since a
/// statement that names a relation rarely says of which kind it is.
pub(super) fn resolve(catalog: &Catalog, object: &ObjectRef) -> Option<ObjectRef> {
    let names = |name: &Name| -> Vec<Name> {
        match &name.schema {
            Some(_) => vec![name.clone()],
            None => {
                let path = catalog.search_path.iter();
                path.map(|schema| Name { schema: Some(schema.clone()), name: name.name.clone() }).collect()
            }
        }
    };
    let first = |name: &Name, make: &dyn Fn(Name) -> ObjectRef| -> Option<ObjectRef> {
        names(name).into_iter().map(make).find(|it| exists(catalog, it))
    };
    let relation = |name: &Name| -> Option<ObjectRef> {
        let kinds: [&dyn Fn(Name) -> ObjectRef; 4] =
            [&ObjectRef::Table, &ObjectRef::View, &ObjectRef::Index, &ObjectRef::Sequence];
        kinds.into_iter().find_map(|kind| first(name, kind))
    };
    match object {
        ObjectRef::Table(it) | ObjectRef::View(it) | ObjectRef::Index(it) | ObjectRef::Sequence(it) => relation(it),
        ObjectRef::Column(table, it) => first(table, &|table| ObjectRef::Column(table, it.clone())),
        ObjectRef::Constraint(table, it) => first(table, &|table| ObjectRef::Constraint(table, it.clone())),
        ObjectRef::Trigger(table, it) => first(table, &|table| ObjectRef::Trigger(table, it.clone())),
        ObjectRef::Policy(table, it) => first(table, &|table| ObjectRef::Policy(table, it.clone())),
        ObjectRef::Type(it) => first(it, &ObjectRef::Type),
        ObjectRef::Function(it, args) => first(it, &|it| ObjectRef::Function(it, args.clone())),
        other => exists(catalog, other).then(|| other.clone()),
    }
}

fn exists(catalog: &Catalog, object: &ObjectRef) -> bool {
    match object {
        ObjectRef::Schema(it) => catalog.schemas.contains(it),
        ObjectRef::Extension(it) => catalog.extensions.contains_key(it),
        ObjectRef::Table(it) => catalog.tables.contains_key(it),
        ObjectRef::View(it) => catalog.views.contains_key(it),
        ObjectRef::Index(it) => catalog.indexes.contains_key(it) || constraint_index(catalog, it).is_some(),
        ObjectRef::Sequence(it) => catalog.sequences.contains_key(it),
        ObjectRef::Type(it) => catalog.types.contains_key(it),
        ObjectRef::Column(table, it) => catalog.table(table).is_some_and(|table| table.column(it).is_some()),
        ObjectRef::Constraint(table, it) => catalog.table(table).is_some_and(|table| table.constraint(it).is_some()),
        ObjectRef::Trigger(table, it) => catalog.triggers.contains_key(&(table.clone(), it.clone())),
        ObjectRef::Policy(table, it) => catalog.policies.contains_key(&(table.clone(), it.clone())),
        ObjectRef::Function(it, args) => catalog.functions.contains_key(&(it.clone(), args.clone())),
        other => catalog.origins.contains_key(other),
    }
}

/// The constraint whose index has this name.
fn constraint_index(catalog: &Catalog, index: &Name) -> Option<ObjectRef> {
    let tables = catalog.tables.values().filter(|it| it.name.schema == index.schema);
    let mut owners = tables.filter(|it| it.constraint(&index.name).is_some());
    owners.next().map(|it| ObjectRef::Constraint(it.name.clone(), index.name.clone()))
}
