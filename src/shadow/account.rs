//! The operating system's account a throw-away server runs as: PostgreSQL refuses to run as root.

use std::{
    fs, io,
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, PermissionsExt, chown, symlink},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use nix::unistd::{Uid, User};

/// Who the server runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// We are an ordinary user: as ourselves.
    Own,
    /// We are root: as this user.
    Other { uid: u32, gid: u32 },
}

impl Account {
    /// Ourselves; as root, `postgres` or else `nobody`.
    pub fn for_server() -> Result<Self> {
        if !Uid::effective().is_root() {
            return Ok(Self::Own);
        }
        for name in ["postgres", "nobody"] {
            if let Ok(Some(user)) = User::from_name(name) {
                return Ok(Self::Other { uid: user.uid.as_raw(), gid: user.gid.as_raw() });
            }
        }
        bail!("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as")
    }

    /// Makes the command run as this account. Supplementary groups are dropped with the user id (std does so).
    pub fn apply(self, command: &mut Command) {
        if let Self::Other { uid, gid } = self {
            command.gid(gid).uid(uid);
        }
    }

    /// Gives a file or folder (not what is in it) to the account.
    pub fn own(self, path: &Path) -> Result<()> {
        match self {
            Self::Own => Ok(()),
            Self::Other { uid, gid } => {
                chown(path, Some(uid), Some(gid)).with_context(|| format!("cannot give {} away", path.display()))
            }
        }
    }

    /// May the account go into the folder?
    pub fn can_reach(self, dir: &Path) -> bool {
        let Self::Other { uid, .. } = self else { return true };
        dir.ancestors().all(|it| fs::metadata(it).is_ok_and(|it| it.mode() & 0o001 != 0 || it.uid() == uid))
    }

    /// The programs' folder, where the account can reach it. Root's home is closed to others, and npm puts servers
    /// there: then the installation is mirrored (hard links where possible) into a folder that is open.
    pub fn reachable(self, bin: &Path, version: &str) -> Result<PathBuf> {
        if self.can_reach(bin) {
            return Ok(bin.to_path_buf());
        }
        let home = bin.parent().context("the programs' folder is the root folder")?;
        let mirror = Path::new("/var/tmp").join(format!("lockkeeper-postgres-{version}-{:016x}", hash(home)));
        if !mirror.join(".complete").exists() {
            let fresh = tempfile::Builder::new().prefix("lockkeeper-postgres-").tempdir_in("/var/tmp")?;
            mirror_tree(home, &fresh.path().join("native"))
                .with_context(|| format!("cannot mirror {} to /var/tmp", home.display()))?;
            fs::write(fresh.path().join(".complete"), home.as_os_str().as_bytes())?;
            fs::set_permissions(fresh.path(), fs::Permissions::from_mode(0o755))?;
            let fresh = fresh.keep();
            // Someone else may have been faster: then theirs is as good.
            if fs::rename(&fresh, &mirror).is_err() {
                fs::remove_dir_all(&fresh).ok();
            }
        }
        // /var/tmp is open to all: never run what another user has put there under our name.
        if fs::symlink_metadata(&mirror).is_ok_and(|it| it.is_dir() && it.uid() == Uid::effective().as_raw()) {
            return Ok(mirror.join("native").join(bin.file_name().unwrap_or_default()));
        }
        bail!("{} is not a folder of ours; remove it", mirror.display())
    }
}

/// Copies a folder and gives every part of the copy to the account; modes are kept.
pub fn copy_tree(from: &Path, to: &Path, account: Account) -> Result<()> {
    let copy = |from: &Path, to: &Path| fs::copy(from, to).map(drop);
    walk(from, to, &copy, &|it| account.own(it))
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

fn mirror_tree(from: &Path, to: &Path) -> Result<()> {
    walk(from, to, &|from, to| fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop)), &|_| Ok(()))
}

fn walk(
    from: &Path,
    to: &Path,
    copy: &dyn Fn(&Path, &Path) -> io::Result<()>,
    finish: &dyn Fn(&Path) -> Result<()>,
) -> Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&source, &target, copy, finish)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(&source)?, &target)?;
        } else {
            copy(&source, &target)?;
            finish(&target)?;
        }
    }
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    finish(to)
}

/// FNV-1a: a short name for a path; no protection against anything.
pub fn hash(path: &Path) -> u64 {
    let bytes = path.as_os_str().as_bytes().iter();
    bytes.fold(0xcbf2_9ce4_8422_2325, |acc, byte| (acc ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copied_tree_keeps_files_links_and_modes() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::create_dir_all(from.join("sub")).unwrap();
        fs::write(from.join("sub/file"), "x").unwrap();
        fs::set_permissions(from.join("sub"), fs::Permissions::from_mode(0o700)).unwrap();
        symlink("sub/file", from.join("link")).unwrap();
        copy_tree(&from, &to, Account::Own).unwrap();
        assert_eq!(fs::read_to_string(to.join("link")).unwrap(), "x");
        assert_eq!(fs::metadata(to.join("sub")).unwrap().mode() & 0o777, 0o700);
    }
}
