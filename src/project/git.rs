//! Files at a revision, through the `git` program.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use anyhow::{Context, Result, bail};

use super::read::decode;

/// Is there a commit of that name? An error says why not.
pub(super) fn check_revision(root: &Path, rev: &str) -> Result<()> {
    let commit = format!("{rev}^{{commit}}");
    // A name that starts with `-` would be taken for an option; no revision does.
    if rev.is_empty() || rev.starts_with('-') {
        bail!("`{rev}` is not a git revision");
    }
    let inside = run(root, &["rev-parse", "--is-inside-work-tree"])?;
    if !inside.ok {
        bail!("{} is not in a git repository, so git:{rev} cannot be read", root.display());
    }
    if !run(root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])?.ok {
        bail!("git has no revision `{rev}` in {}", root.display());
    }
    Ok(())
}

/// Is the folder part of a working tree? Asked of the disk: no program is run for a folder that is not.
pub(super) fn is_repository(root: &Path) -> bool {
    root.ancestors().any(|it| it.join(".git").exists())
}

/// Names of the main branch, the first that there is.
const MAIN_BRANCHES: [&str; 5] = [
    "refs/remotes/origin/HEAD",
    "refs/remotes/origin/main",
    "refs/remotes/origin/master",
    "refs/heads/main",
    "refs/heads/master",
];

/// The main branch, as people call it, and its commit. `None`: there is none. `asked`: what the settings say; that there
/// is no such revision is an error.
pub(super) fn main_branch(root: &Path, asked: Option<&str>) -> Result<Option<(String, String)>> {
    if let Some(name) = asked {
        check_revision(root, name).context("main_branch in lockkeeper.toml")?;
        let out = run(root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{name}^{{commit}}")])?;
        return Ok(Some((name.to_owned(), String::from_utf8_lossy(&out.bytes).trim().to_owned())));
    }
    let mut arguments = vec!["for-each-ref", "--format=%(refname) %(objectname) %(symref)"];
    arguments.extend(MAIN_BRANCHES);
    let out = run(root, &arguments)?;
    let text = String::from_utf8_lossy(&out.bytes).into_owned();
    let found = MAIN_BRANCHES.iter().find_map(|wanted| {
        let line = text.lines().find(|it| it.split(' ').next() == Some(wanted))?;
        let mut words = line.split(' ').skip(1);
        let (commit, target) = (words.next()?, words.next().filter(|it| !it.is_empty()));
        let name = target.unwrap_or(wanted);
        let short = name.strip_prefix("refs/remotes/").or_else(|| name.strip_prefix("refs/heads/")).unwrap_or(name);
        Some((short.to_owned(), commit.to_owned()))
    });
    Ok(found)
}

/// The commit at which the present branch left another. `None`: they have none in common, as far as this clone reaches.
pub(super) fn merge_base(root: &Path, commit: &str) -> Result<Option<String>> {
    let out = run(root, &["merge-base", "HEAD", commit])?;
    let found = String::from_utf8_lossy(&out.bytes).trim().to_owned();
    Ok(Some(found).filter(|it| out.ok && !it.is_empty()))
}

/// As [`list`], of a folder alone, at a commit that is known to be there.
pub(super) fn list_below(root: &Path, commit: &str, dir: &Path) -> Result<Vec<PathBuf>> {
    let dir = dir.to_string_lossy();
    let mut arguments = vec!["ls-tree", "-r", "-z", "--name-only", commit];
    let dir = format!("{dir}/");
    if dir != "/" {
        arguments.extend(["--", dir.as_str()]);
    }
    let out = run(root, &arguments)?;
    if !out.ok {
        bail!("git cannot list {commit}: {}", out.error);
    }
    let names = String::from_utf8_lossy(&out.bytes).into_owned();
    Ok(names.split('\0').filter(|it| !it.is_empty()).map(PathBuf::from).collect())
}

/// Files below `root` at a revision, relative to `root`, sorted.
pub(super) fn list(root: &Path, rev: &str) -> Result<Vec<PathBuf>> {
    check_revision(root, rev)?;
    let out = run(root, &["ls-tree", "-r", "-z", "--name-only", "--end-of-options", rev])?;
    if !out.ok {
        bail!("git cannot list {rev}: {}", out.error);
    }
    let names = String::from_utf8_lossy(&out.bytes).into_owned();
    let mut files: Vec<PathBuf> = names.split('\0').filter(|it| !it.is_empty()).map(PathBuf::from).collect();
    files.sort();
    Ok(files)
}

/// Texts of files at a revision, all through one `git cat-file`.
pub(super) fn read(root: &Path, rev: &str, paths: &[PathBuf]) -> Result<Vec<Arc<str>>> {
    let mut wanted = String::new();
    for path in paths {
        let name = path.to_str().filter(|it| !it.contains('\n'));
        let name = name.with_context(|| format!("git cannot be asked for {}", path.display()))?;
        // `./` makes the path relative to the folder git runs in (gitrevisions(7)).
        wanted.push_str(&format!("{rev}:./{}\n", name.trim_start_matches("./")));
    }
    let out = feed(root, &["cat-file", "--batch"], wanted)?;
    let mut rest = out.as_slice();
    let mut texts = Vec::new();
    for path in paths {
        let label = format!("git:{rev}:{}", path.display());
        let bytes = next_object(&mut rest).with_context(|| format!("{label} does not exist"))?;
        texts.push(decode(bytes, &label)?);
    }
    Ok(texts)
}

/// Takes one `<id> <type> <size>\n<contents>\n` off the output of `cat-file --batch`. `None`: `<name> missing`.
fn next_object(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let end = rest.iter().position(|it| *it == b'\n')?;
    let (header, tail) = rest.split_at(end);
    *rest = tail.get(1..)?;
    let header = String::from_utf8_lossy(header).into_owned();
    let mut words = header.split(' ');
    let (_, kind, size) = (words.next()?, words.next()?, words.next()?);
    let size: usize = size.parse().ok().filter(|_| words.next().is_none() && kind == "blob")?;
    let bytes = rest.get(..size)?.to_vec();
    *rest = rest.get(size + 1..).unwrap_or_default();
    Some(bytes)
}

struct Output {
    ok: bool,
    bytes: Vec<u8>,
    error: String,
}

fn git(root: &Path) -> Command {
    let mut command = Command::new("git");
    // Answers in English and without prompts, pagers or a repository named by the environment of a hook.
    command.current_dir(root).env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0").env_remove("GIT_DIR");
    command
}

fn run(root: &Path, arguments: &[&str]) -> Result<Output> {
    let out = git(root).args(arguments).stdin(Stdio::null()).output().context("cannot run git")?;
    let error = String::from_utf8_lossy(&out.stderr).lines().next().unwrap_or_default().to_owned();
    Ok(Output { ok: out.status.success(), bytes: out.stdout, error })
}

/// Runs git with something on its standard input, written from another thread so that neither side waits for ever.
fn feed(root: &Path, arguments: &[&str], input: String) -> Result<Vec<u8>> {
    let piped = git(root).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child = piped.context("cannot run git")?;
    let stdin = child.stdin.take();
    let writer = std::thread::spawn(move || stdin.map(|mut it| it.write_all(input.as_bytes())));
    let out = child.wait_with_output().context("cannot run git")?;
    // git may have gone before it read everything; then its answers are missing and that is reported.
    drop(writer.join());
    Ok(out.stdout)
}
