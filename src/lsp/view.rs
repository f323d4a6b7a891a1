//! What the analyst hands out: the state of everything at one moment. Never changed, only replaced.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use tower_lsp_server::ls_types::Uri;

use super::{client::Abilities, files::Files};
use crate::{
    copilot::{FileId, Snapshot, Stop},
    text::{Dirty, PositionEncoding},
};

/// State at one moment.
#[derive(Clone)]
pub struct View {
    /// Events handled so far.
    pub revision: u64,
    /// Diagnostics are as good as they get in good time for events up to this one.
    pub settled: u64,
    /// Everything is worked out for events up to this one.
    pub analysed: u64,
    pub abilities: Option<Arc<Abilities>>,
    pub files: Arc<Files>,
    /// Versions of the open documents.
    pub versions: Arc<BTreeMap<FileId, i32>>,
    /// Innermost folder first; the last one has no path and holds what belongs to no folder.
    pub folders: Vec<FolderView>,
}

#[derive(Clone)]
pub struct FolderView {
    pub root: Option<PathBuf>,
    pub snapshot: Arc<Snapshot>,
    /// Edits since the snapshot's analysis.
    pub dirty: Arc<BTreeMap<FileId, Dirty>>,
}

impl View {
    pub fn empty() -> Self {
        Self {
            revision: 0,
            settled: 0,
            analysed: 0,
            abilities: None,
            files: Arc::default(),
            versions: Arc::default(),
            folders: Vec::new(),
        }
    }

    /// A file and the folder it is part of.
    pub fn find(&self, uri: &Uri) -> Option<(FileId, &FolderView)> {
        let id = self.files.of_uri(uri)?;
        Some((id, self.folder_of(id)?))
    }

    /// The same, for work that ends when it is asked to.
    pub fn until(&self, stop: &Stop) -> Self {
        let mut res = self.clone();
        for folder in &mut res.folders {
            Arc::make_mut(&mut folder.snapshot).stop = stop.clone();
        }
        res
    }

    pub fn folder_of(&self, id: FileId) -> Option<&FolderView> {
        self.folders.iter().find(|it| it.snapshot.files.contains_key(&id))
    }

    pub fn encoding(&self) -> PositionEncoding {
        self.abilities.as_ref().map_or(PositionEncoding::Utf16, |it| it.encoding)
    }
}
