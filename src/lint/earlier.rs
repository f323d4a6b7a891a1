//! What the migrations before a file made and took away, file by file.

use std::collections::{BTreeMap, BTreeSet};

use super::context::all_of;
use crate::{
    catalog::{creates, drops, renamed},
    plan::phase_of_file,
    sql::{Ddl, Ident, Name, ObjectRef, Statement},
};

/// A migration that runs before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierFile {
    /// For messages.
    pub name: String,
    /// The main branch does not have it.
    pub pending: bool,
}

/// The migrations before a file, in their order. Made by [`Earlier::note`], one after the other.
#[derive(Clone, Debug, Default)]
pub struct Earlier {
    files: Vec<EarlierFile>,
    /// By whom it is there.
    made: BTreeMap<ObjectRef, usize>,
    /// By whom it is not there any more.
    gone: BTreeMap<ObjectRef, usize>,
    /// Tables whose rows a file that is not deployed reads or writes: what it made may be meant for that alone.
    used: BTreeSet<Name>,
    /// Files that are phases of a plan: what they make for a while is not made by mistake.
    planned: BTreeSet<usize>,
}

impl Earlier {
    /// The files so far.
    pub fn files(&self) -> &[EarlierFile] {
        &self.files
    }

    /// Takes the next file.
    pub fn note(&mut self, file: EarlierFile, text: &str, statements: &[Statement]) {
        let index = self.files.len();
        let pending = file.pending;
        self.files.push(file);
        if phase_of_file(text).is_some() {
            self.planned.insert(index);
        }
        let mut path = Ident::new("public");
        for statement in statements {
            for ddl in &statement.parsed.ddl {
                if let Ddl::SetSearchPath { schemas, .. } = ddl
                    && let Some(first) = schemas.first()
                {
                    path = first.clone();
                }
                self.step(index, ddl, &path);
                // Nothing is certain of what a block does to them.
                if matches!(ddl, Ddl::Do { .. }) {
                    for inner in all_of(statement) {
                        for it in creates(inner).into_iter().chain(drops(inner)).filter_map(|it| qualified(&it, &path))
                        {
                            self.made.remove(&it);
                            self.gone.remove(&it);
                        }
                    }
                }
            }
            if pending {
                self.used.extend(used_by(statement, &path));
            }
        }
    }

    fn step(&mut self, index: usize, ddl: &Ddl, path: &Ident) {
        let of = |all: Vec<ObjectRef>| all.into_iter().filter_map(|it| qualified(&it, path)).collect::<Vec<_>>();
        let moved = renamed(ddl).map(|it| it.0);
        for it in of(drops(ddl).into_iter().chain(moved).collect()) {
            self.made.remove(&it);
            self.gone.insert(it, index);
        }
        for it in of(creates(ddl)) {
            self.gone.remove(&it);
            self.made.entry(it).or_insert(index);
        }
    }

    /// Who made it, as far as that is known.
    pub(super) fn made(&self, object: &ObjectRef) -> Option<&EarlierFile> {
        self.files.get(*self.made.get(object)?)
    }

    /// Who took it away; for a column also who took its table away.
    pub(super) fn gone(&self, object: &ObjectRef) -> Option<&EarlierFile> {
        let table = match object {
            ObjectRef::Column(table, _) => Some(ObjectRef::Table(table.clone())),
            _ => None,
        };
        let found = self.gone.get(object).or_else(|| self.gone.get(&table?))?;
        self.files.get(*found)
    }

    /// Who made it for good, when that is not deployed and nothing was done with it since.
    pub(super) fn just_made(&self, object: &ObjectRef) -> Option<&EarlierFile> {
        self.undeployed(object, &self.made)
    }

    /// Who took it away, when that is not deployed.
    pub(super) fn just_gone(&self, object: &ObjectRef) -> Option<&EarlierFile> {
        self.undeployed(object, &self.gone)
    }

    fn undeployed(&self, object: &ObjectRef, among: &BTreeMap<ObjectRef, usize>) -> Option<&EarlierFile> {
        let index = among.get(object)?;
        let used = object.relation().is_some_and(|it| self.used.contains(it));
        self.files.get(*index).filter(|it| it.pending && !used && !self.planned.contains(index))
    }
}

/// Tables that a statement with rows names.
pub(super) fn used_by(statement: &Statement, path: &Ident) -> Vec<Name> {
    let rows = |it: &Ddl| matches!(it, Ddl::Data(_) | Ddl::Do { .. } | Ddl::CreateTableAs { .. });
    if !statement.parsed.ddl.iter().any(rows) {
        return Vec::new();
    }
    let marks = statement.parsed.marks.iter().filter(|it| !it.defines);
    let tables = marks.filter_map(|it| it.object.relation()).map(|it| in_schema(it, path));
    let targets = statement.parsed.ddl.iter().filter_map(|it| match it {
        Ddl::Data(it) => it.target.as_ref().map(|it| in_schema(it, path)),
        _ => None,
    });
    tables.chain(targets).collect()
}

/// The object under the name it has everywhere. `None`: of a kind that is not followed.
pub(super) fn qualified(object: &ObjectRef, path: &Ident) -> Option<ObjectRef> {
    let full = |it: &Name| in_schema(it, path);
    Some(match object {
        ObjectRef::Table(it) => ObjectRef::Table(full(it)),
        ObjectRef::Column(it, column) => ObjectRef::Column(full(it), column.clone()),
        ObjectRef::Index(it) => ObjectRef::Index(full(it)),
        ObjectRef::Type(it) => ObjectRef::Type(full(it)),
        ObjectRef::View(it) => ObjectRef::View(full(it)),
        ObjectRef::Sequence(it) => ObjectRef::Sequence(full(it)),
        _ => return None,
    })
}

fn in_schema(name: &Name, path: &Ident) -> Name {
    Name { schema: Some(name.schema.clone().unwrap_or_else(|| path.clone())), name: name.name.clone() }
}
