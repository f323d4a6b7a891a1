//! A folder on disk, as the project room finds it, made into a [`Snapshot`].

use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::files::Files;
use crate::{
    copilot::{Analysis, File, FileId, Role, Script, Snapshot},
    dialect::{Dialect, postgres::Postgres},
    plan::{Answers, Facts},
    text::Document,
};

/// The dialect of every project, until there is another.
pub const DIALECT: &dyn Dialect = &Postgres;

/// What was found in a folder.
pub struct Loaded {
    facts: Facts,
    files: Vec<LoadedFile>,
}

struct LoadedFile {
    path: PathBuf,
    name: String,
    role: Role,
    script: Arc<Script>,
}

/// A project of no files.
pub fn nothing() -> Snapshot {
    Snapshot {
        dialect: DIALECT,
        facts: Facts::for_version(Facts::DEFAULT_SERVER_VERSION),
        answers: Answers::default(),
        files: BTreeMap::new(),
        schema: Vec::new(),
        history: Vec::new(),
        baseline: Vec::new(),
        analysis: Arc::new(Analysis::default()),
    }
}

/// Reads the files of a folder; `open` are the texts that the editor has.
pub fn load(root: &Path, open: &BTreeMap<PathBuf, Arc<Script>>) -> Loaded {
    let mut files = Vec::new();
    for name in ["schema.sql", "db/structure.sql", "structure.sql"] {
        let path = root.join(name);
        let script = match open.get(&path) {
            Some(script) => script.clone(),
            None => match std::fs::read_to_string(&path) {
                Ok(text) => Arc::new(Script::new(DIALECT, Document::new(&text))),
                Err(_) => continue,
            },
        };
        files.push(LoadedFile { path, name: name.to_owned(), role: Role::Schema, script });
        break;
    }
    Loaded { facts: Facts::for_version(Facts::DEFAULT_SERVER_VERSION), files }
}

/// The parts of a migration's text that run forward; `None`: all of it.
pub fn forward_parts(_role: Role, _text: &Document) -> Option<Vec<Range<usize>>> {
    None
}

impl Loaded {
    pub fn nothing() -> Self {
        Self { facts: Facts::for_version(Facts::DEFAULT_SERVER_VERSION), files: Vec::new() }
    }

    /// The new snapshot, with the analysis of `last`, and the files whose text on disk is not what it was there.
    pub fn into_snapshot(
        self,
        files: &mut Files,
        last: &Snapshot,
        open: impl Fn(FileId) -> Option<Arc<Script>>,
    ) -> (Snapshot, Vec<FileId>) {
        let mut res = Snapshot { facts: self.facts, analysis: last.analysis.clone(), ..nothing() };
        let mut changed = Vec::new();
        for file in self.files {
            let Some(id) = files.intern_path(&file.path) else { continue };
            let known = last.file(id);
            let script = match (open(id), known) {
                (Some(script), _) => script,
                (None, Some(known)) if known.script.text.same(&file.script.text) => known.script.clone(),
                (None, _) => {
                    changed.push(id);
                    file.script
                }
            };
            let forward = forward_parts(file.role, &script.text);
            res.files.insert(id, File { name: file.name, role: file.role, forward, script });
            match file.role {
                Role::Schema => res.schema.push(id),
                Role::Migration => res.history.push(id),
                Role::Rollback | Role::Plan | Role::Other => {}
            }
        }
        (res, changed)
    }
}
