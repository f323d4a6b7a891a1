//! What lies in a folder that migrations are written to.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::export::{FileName, Tool};

/// The migrations of a folder as they are on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder {
    /// Names with a version, of files or folders.
    pub names: Vec<String>,
    /// Files that run forward, and their texts: the name is that of [`Folder::names`].
    pub texts: Vec<(String, String)>,
}

/// Reads a folder. One that does not exist yet is empty.
pub fn read_folder(dir: &Path, tool: Tool) -> Result<Folder> {
    let mut folder = Folder::default();
    if !dir.exists() {
        return Ok(folder);
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        entries.push(entry.with_context(|| format!("cannot read {}", dir.display()))?.path());
    }
    entries.sort();
    for path in entries {
        let Some(name) = path.file_name().and_then(|it| it.to_str()) else { continue };
        if FileName::parse(tool, name).is_none() {
            continue;
        }
        folder.names.push(name.to_owned());
        let Some(file) = forward_file(&path, name) else { continue };
        // Only the comment at the head is looked at: bytes that are not UTF-8 further down do not matter here.
        let bytes = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        folder.texts.push((name.to_owned(), String::from_utf8_lossy(&bytes).into_owned()));
    }
    Ok(folder)
}

fn forward_file(path: &Path, name: &str) -> Option<PathBuf> {
    if path.is_dir() {
        return ["up.sql", "migration.sql"].iter().map(|it| path.join(it)).find(|it| it.is_file());
    }
    (!name.ends_with(".down.sql")).then(|| path.to_path_buf())
}
