//! Files by number, by path and by the name the client gives them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use tower_lsp_server::ls_types::Uri;

use crate::copilot::FileId;

/// Every file the server has heard of. A file keeps its number.
#[derive(Clone, Debug, Default)]
pub struct Files {
    by_path: BTreeMap<PathBuf, FileId>,
    uris: Vec<Uri>,
}

impl Files {
    pub fn of_uri(&self, uri: &Uri) -> Option<FileId> {
        self.by_path.get(&path_of(uri)).copied()
    }

    pub fn uri(&self, id: FileId) -> Option<&Uri> {
        self.uris.get(id.0 as usize)
    }

    pub fn path(&self, id: FileId) -> Option<PathBuf> {
        self.uri(id).map(path_of)
    }

    /// The number of a file, and from now on the client's own spelling of its name.
    pub fn intern_uri(&mut self, uri: &Uri) -> FileId {
        let id = self.intern(path_of(uri), uri);
        if let Some(known) = self.uris.get_mut(id.0 as usize) {
            *known = uri.clone();
        }
        id
    }

    /// `None`: the path cannot be written as a URI.
    pub fn intern_path(&mut self, path: &Path) -> Option<FileId> {
        if let Some(id) = self.by_path.get(path) {
            return Some(*id);
        }
        let uri = Uri::from_file_path(path)?;
        Some(self.intern(path.to_owned(), &uri))
    }

    /// The name of a file that may not exist yet.
    pub fn new_uri(path: &Path) -> Option<Uri> {
        path.is_absolute().then(|| Uri::from_file_path(path)).flatten()
    }

    /// The number of a text that is no file on disk, such as a file of another revision.
    pub fn intern_name(&mut self, name: &str) -> Option<FileId> {
        let word = |c: char| if c.is_ascii_alphanumeric() || "._/-".contains(c) { c } else { '-' };
        let uri = format!("lockkeeper:{}", name.chars().map(word).collect::<String>()).parse().ok()?;
        Some(self.intern(PathBuf::from(name), &uri))
    }

    fn intern(&mut self, path: PathBuf, uri: &Uri) -> FileId {
        let next = FileId(u32::try_from(self.uris.len()).unwrap_or(u32::MAX));
        *self.by_path.entry(path).or_insert_with(|| {
            self.uris.push(uri.clone());
            next
        })
    }
}

/// The path that a URI means; for a buffer that is no file, a path that no file has.
pub fn path_of(uri: &Uri) -> PathBuf {
    let is_file = uri.scheme().as_str().eq_ignore_ascii_case("file");
    match uri.to_file_path().filter(|_| is_file) {
        Some(path) => path.into_owned(),
        None => PathBuf::from(uri.as_str()),
    }
}
