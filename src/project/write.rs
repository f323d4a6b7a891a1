//! Writing new files: all of them or none, and never over an existing one.

use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use tempfile::NamedTempFile;

/// A file to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    pub path: PathBuf,
    pub contents: String,
}

/// Writes files under temporary names first, then gives them their own. If one of them cannot be, those already
/// named are taken away again. A file that exists is an error and nothing is written.
pub fn write_new(files: &[NewFile]) -> Result<()> {
    if let Some(there) = files.iter().find(|it| it.path.symlink_metadata().is_ok()) {
        bail!("{} exists already; nothing was written", there.path.display());
    }
    let mut made = Made::default();
    let result = write_all(files, &mut made);
    if result.is_err() {
        made.take_back();
    }
    result
}

/// U+FEFF in UTF-8.
const MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// Puts another text in place of a file's, at once and with the permissions and the byte order mark it had
/// ([`super::read`] made three spaces of that).
pub fn replace(path: &Path, contents: &str) -> Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    // Through a link to what it stands for.
    let path = &path.canonicalize().with_context(cannot)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut temporary = NamedTempFile::with_prefix_in(".lockkeeper-", folder).with_context(cannot)?;
    let mut marked = [0; MARK.len()];
    let has_mark = fs::File::open(path).and_then(|mut it| it.read_exact(&mut marked)).is_ok() && marked == MARK;
    let (mark, text) = match has_mark {
        true => (MARK.as_slice(), contents.strip_prefix("   ").unwrap_or(contents)),
        false => (Default::default(), contents),
    };
    let written = temporary.write_all(mark).and_then(|()| temporary.write_all(text.as_bytes()));
    written.and_then(|()| temporary.as_file().sync_all()).with_context(cannot)?;
    let permissions = fs::metadata(path).with_context(cannot)?.permissions();
    temporary.as_file().set_permissions(permissions).with_context(cannot)?;
    temporary.persist(path).map_err(|it| it.error).with_context(cannot)?;
    Ok(())
}

fn write_all(files: &[NewFile], made: &mut Made) -> Result<()> {
    let mut waiting = Vec::new();
    for file in files {
        let folder = file.path.parent().unwrap_or(Path::new("."));
        made.create_folder(folder)?;
        let mut temporary = NamedTempFile::with_prefix_in(".lockkeeper-", folder)
            .with_context(|| format!("cannot write in {}", folder.display()))?;
        let written = temporary.write_all(file.contents.as_bytes()).and_then(|()| temporary.as_file().sync_all());
        written.with_context(|| format!("cannot write {}", file.path.display()))?;
        readable_by_all(&temporary).with_context(|| format!("cannot write {}", file.path.display()))?;
        waiting.push((temporary, &file.path));
    }
    for (temporary, path) in waiting {
        let named = temporary.persist_noclobber(path).map_err(|it| it.error);
        named.with_context(|| format!("cannot write {}", path.display()))?;
        made.files.push(path.clone());
    }
    Ok(())
}

/// A temporary file is its owner's alone; a migration is like any other file of the project.
fn readable_by_all(file: &NamedTempFile) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    Ok(())
}

/// What has been made so far.
#[derive(Default)]
struct Made {
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Made {
    fn create_folder(&mut self, folder: &Path) -> Result<()> {
        let missing: Vec<_> = folder.ancestors().take_while(|it| !it.as_os_str().is_empty() && !it.exists()).collect();
        for folder in missing.into_iter().rev() {
            fs::create_dir(folder).with_context(|| format!("cannot create {}", folder.display()))?;
            self.folders.push(folder.to_path_buf());
        }
        Ok(())
    }

    /// Best effort: the error that led here is the one to tell.
    fn take_back(self) {
        for file in self.files {
            drop(fs::remove_file(file));
        }
        for folder in self.folders.into_iter().rev() {
            drop(fs::remove_dir(folder));
        }
    }
}
