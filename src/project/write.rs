//! Writing files: all of them or none. New ones never over an existing one.

use std::{
    fs,
    io::Write,
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

/// Puts other texts in place of files' and makes new files beside them: all of it or nothing. Every text is on the disk
/// under a temporary name before the first file changes its contents; if one cannot, those before it get theirs back.
/// Files keep their permissions and the byte order mark they had ([`super::read`] made three spaces of that).
pub fn replace(changed: &[NewFile], new: &[NewFile]) -> Result<()> {
    if let Some(there) = new.iter().find(|it| it.path.symlink_metadata().is_ok()) {
        bail!("{} exists already; nothing was written", there.path.display());
    }
    let waiting: Vec<Replacement> = changed.iter().map(Replacement::prepare).collect::<Result<_>>()?;
    let mut made = Made::default();
    let mut done: Vec<(PathBuf, NamedTempFile)> = Vec::new();
    let mut result = write_all(new, &mut made);
    for Replacement { path, new, old } in waiting {
        if result.is_ok() {
            let named = new.persist(&path).map(drop).map_err(|it| it.error);
            result = named.with_context(|| format!("cannot write {}; nothing was changed", path.display()));
            done.push((path, old));
        }
    }
    if result.is_err() {
        // The last one is the one that could not.
        done.pop();
        for (path, old) in done {
            drop(old.persist(path));
        }
        made.take_back();
    }
    result
}

/// A text waiting to take a file's place.
struct Replacement {
    path: PathBuf,
    new: NamedTempFile,
    /// What the file held.
    old: NamedTempFile,
}

impl Replacement {
    fn prepare(file: &NewFile) -> Result<Self> {
        let cannot = || format!("cannot write {}", file.path.display());
        // Through a link to what it stands for.
        let path = file.path.canonicalize().with_context(cannot)?;
        let bytes = fs::read(&path).with_context(cannot)?;
        let permissions = fs::metadata(&path).with_context(cannot)?.permissions();
        let (mark, text) = match bytes.starts_with(&MARK) {
            true => (MARK.as_slice(), file.contents.strip_prefix("   ").unwrap_or(&file.contents)),
            false => (Default::default(), file.contents.as_str()),
        };
        let folder = path.parent().unwrap_or(Path::new("."));
        let write = |parts: [&[u8]; 2]| -> std::io::Result<NamedTempFile> {
            let mut temporary = NamedTempFile::with_prefix_in(".lockkeeper-", folder)?;
            parts.iter().try_for_each(|it| temporary.write_all(it))?;
            temporary.as_file().sync_all()?;
            temporary.as_file().set_permissions(permissions.clone())?;
            Ok(temporary)
        };
        let new = write([mark, text.as_bytes()]).with_context(cannot)?;
        let old = write([&bytes, &[]]).with_context(cannot)?;
        Ok(Self { path, new, old })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: PathBuf, contents: &str) -> NewFile {
        NewFile { path, contents: contents.to_owned() }
    }

    #[test]
    fn files_change_together_or_not_at_all() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let at = |name: &str| dir.path().join(name);
        fs::write(at("a.sql"), "a")?;
        fs::write(at("b.sql"), "b")?;
        let texts =
            || -> Result<(String, String)> { Ok((fs::read_to_string(at("a.sql"))?, fs::read_to_string(at("b.sql"))?)) };
        let names = || -> Result<usize> { Ok(fs::read_dir(dir.path())?.count()) };
        // One that is not there, a new one that is there already.
        assert!(replace(&[file(at("a.sql"), "A"), file(at("gone.sql"), "G")], &[file(at("a.conf"), "x")]).is_err());
        assert!(replace(&[file(at("a.sql"), "A")], &[file(at("b.sql"), "x")]).is_err());
        assert_eq!((texts()?, names()?), (("a".to_owned(), "b".to_owned()), 2));
        drop(Replacement::prepare(&file(at("b.sql"), "B"))?);
        assert_eq!(names()?, 2, "nothing stays behind");
        replace(&[file(at("a.sql"), "A"), file(at("b.sql"), "B")], &[file(at("a.conf"), "x")])?;
        assert_eq!((texts()?, names()?), (("A".to_owned(), "B".to_owned()), 3));
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn when_the_last_cannot_be_written_the_first_is_as_it_was() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let at = |name: &str| dir.path().join(name);
        fs::write(at("a.sql"), "a")?;
        fs::write(at("b.sql"), "b")?;
        // A folder that cannot be made: its name is a file's.
        let new = [file(at("a.sql").join("x.conf"), "x")];
        assert!(replace(&[file(at("b.sql"), "B")], &new).is_err());
        assert_eq!(
            (fs::read_to_string(at("a.sql"))?, fs::read_to_string(at("b.sql"))?),
            ("a".to_owned(), "b".to_owned())
        );
        Ok(())
    }
}
