//! A tree of files: on disk, with unsaved buffers on top, or at a git revision.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result};

use super::{Overlay, git, open_plans::PLAN_SUFFIX, read};

/// Names of files that say something about a project. Everything else is not even listed.
const NAMES: &[&str] = &["Cargo.toml", "go.mod", "package.json", "_journal.json", "metadata.toml"];

/// Files deeper than this are not looked for.
const MAX_DEPTH: usize = 10;

pub(super) enum Tree<'a> {
    Disk { root: &'a Path, overlays: &'a Overlay },
    Git { root: &'a Path, rev: &'a str },
}

impl<'a> Tree<'a> {
    pub fn disk(root: &'a Path, overlays: &'a Overlay) -> Self {
        Self::Disk { root, overlays }
    }

    /// Paths of the files of interest, relative to the root, sorted. What git ignores is left out.
    pub fn list(&self) -> Result<Vec<PathBuf>> {
        let mut files = match self {
            Self::Disk { root, overlays } => list_disk(root, overlays)?,
            Self::Git { root, rev } => git::list(root, rev)?,
        };
        files.retain(|it| is_of_interest(it));
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// The text of one file.
    pub fn read(&self, path: &Path) -> Result<Arc<str>> {
        let mut texts = self.read_all(std::slice::from_ref(&path.to_path_buf()))?;
        texts.pop().with_context(|| format!("cannot read {}", path.display()))
    }

    /// The texts of files, in the same order.
    pub fn read_all(&self, paths: &[PathBuf]) -> Result<Vec<Arc<str>>> {
        match self {
            Self::Disk { root, overlays } => paths.iter().map(|it| read::read(&root.join(it), overlays)).collect(),
            Self::Git { root, rev } => git::read(root, rev, paths),
        }
    }

    /// How a file of the tree is called in messages.
    pub fn label(&self, path: &Path) -> PathBuf {
        match self {
            Self::Disk { root, .. } => root.join(path),
            Self::Git { rev, .. } => PathBuf::from(format!("git:{rev}:{}", path.display())),
        }
    }
}

fn is_of_interest(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default();
    extension == "sql" || extension == "conf" || NAMES.contains(&&*name) || name.ends_with(PLAN_SUFFIX)
}

fn list_disk(root: &Path, overlays: &Overlay) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> =
        overlays.keys().filter_map(|it| it.strip_prefix(root).ok()).map(Path::to_path_buf).collect();
    let walk = ignore::WalkBuilder::new(root).max_depth(Some(MAX_DEPTH)).follow_links(false).build();
    for entry in walk {
        // A folder that cannot be entered hides its files; files that matter fail loudly when they are read.
        let Ok(entry) = entry else { continue };
        let is_file = entry.file_type().is_some_and(|it| it.is_file() || it.is_symlink());
        if is_file && let Ok(path) = entry.path().strip_prefix(root) {
            files.push(path.to_path_buf());
        }
    }
    Ok(files)
}
