//! Which folder holds migrations, of which tool, and in which order the tool runs them.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};

use super::tree::Tree;
use crate::export::{Direction, FileName, Tool};

/// Folders of files that are not the project's own history.
const ASIDE: &[&str] = &[
    "docs",
    "example",
    "examples",
    "fixture",
    "fixtures",
    "node_modules",
    "rollback",
    "seed",
    "seeds",
    "target",
    "test",
    "testdata",
    "tests",
    "vendor",
];

/// Words in paths that name a database, by dialect.
const DIALECT_WORDS: &[(&str, &[&str])] = &[
    ("postgres", &["postgres", "postgresql", "pg", "pgsql"]),
    ("mysql", &["mysql"]),
    ("mariadb", &["mariadb"]),
    ("sqlite", &["sqlite", "sqlite3"]),
    ("", &["mssql", "sqlserver", "oracle", "cockroachdb", "cockroach", "h2", "clickhouse", "cassandra", "spanner"]),
];

/// A folder of migrations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrations {
    /// Relative to the root.
    pub dir: PathBuf,
    pub tool: Tool,
    /// In the order in which the tool runs them.
    pub files: Vec<Migration>,
    /// Names of all files and folders in `dir` that carry a version, ways down too: what the next version must be above.
    pub names: Vec<String>,
}

/// One migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Groups of digits; empty for a repeatable one.
    pub version: Vec<String>,
    pub description: String,
    /// Relative to the root.
    pub up: PathBuf,
    /// The file of the way down, where it is a file of its own.
    pub down: Option<PathBuf>,
}

pub(super) fn is_sql(path: &Path) -> bool {
    path.extension().is_some_and(|it| it.eq_ignore_ascii_case("sql"))
}

/// In a folder that does not hold the project's own history?
pub(super) fn is_aside(path: &Path) -> bool {
    path.components().any(|it| it.as_os_str().to_str().is_some_and(|it| ASIDE.contains(&it)))
}

/// Looks for the folder of migrations anywhere in the tree.
pub(super) fn search(
    tree: &Tree<'_>,
    files: &[PathBuf],
    schema: &[PathBuf],
    tool: Option<Tool>,
    dialect: &str,
    notes: &mut Vec<String>,
) -> Result<Option<Migrations>> {
    let schema: BTreeSet<_> = schema.iter().collect();
    let own: Vec<PathBuf> = files.iter().filter(|it| !is_aside(it) && !schema.contains(it)).cloned().collect();
    let mut found = Vec::new();
    for dir in folders(&own) {
        if let Some(rank) = dialect_rank(&dir, dialect)
            && let Some(migrations) = recognise(tree, &own, &dir, tool)?
            && (migrations.tool != Tool::Plain || looks_like_history(&dir, &own, &migrations))
        {
            let unnamed = !dir.to_string_lossy().to_ascii_lowercase().contains("migrat");
            found.push((rank, unnamed, dir.components().count(), migrations));
        }
    }
    // The least is the best; among equals the longest history, then the first by name.
    found.sort_by(|a, b| {
        let count = b.3.files.len().cmp(&a.3.files.len());
        (a.0, a.1, a.2).cmp(&(b.0, b.1, b.2)).then(count).then(a.3.dir.cmp(&b.3.dir))
    });
    let mut found = found.into_iter().map(|it| it.3);
    let Some(best) = found.next() else { return Ok(None) };
    let others: Vec<_> = found
        .filter(|it| !it.dir.starts_with(&best.dir) && !best.dir.starts_with(&it.dir))
        .map(|it| it.dir.display().to_string())
        .collect();
    if !others.is_empty() {
        notes.push(format!(
            "migrations are taken from {}; {} could be meant too: say which with `[migrations] dir = …` in lockkeeper.toml",
            best.dir.display(),
            others.join(", ")
        ));
    }
    Ok(Some(best))
}

/// The migrations of a folder that somebody named.
pub(super) fn in_dir(tree: &Tree<'_>, files: &[PathBuf], dir: &Path, tool: Option<Tool>) -> Result<Migrations> {
    let dir: PathBuf = dir.components().filter(|it| *it != std::path::Component::CurDir).collect();
    match recognise(tree, files, &dir, tool)? {
        Some(migrations) => Ok(migrations),
        // A folder that is still empty is where the first migration will go.
        None if !files.iter().any(|it| it.starts_with(&dir) && is_sql(it)) => {
            Ok(Migrations { dir, tool: tool.unwrap_or(Tool::Plain), files: Vec::new(), names: Vec::new() })
        }
        None => bail!("{} holds no migrations of a layout that Lockkeeper knows", tree.label(&dir).display()),
    }
}

/// The migrations of a folder that is the root of its tree. `None`: it holds something else.
pub(super) fn of_folder(tree: &Tree<'_>, files: &[PathBuf], tool: Option<Tool>) -> Result<Option<Migrations>> {
    let root = Path::new("");
    let found = recognise(tree, files, root, tool)?;
    // Files that only happen to be numbered describe a state when there are others beside them.
    let all = files.iter().filter(|it| it.parent() == Some(root) && is_sql(it)).count();
    Ok(found.filter(|it| it.tool != Tool::Plain || it.names.len() == all))
}

/// Folders that might hold migrations.
fn folders(files: &[PathBuf]) -> BTreeSet<PathBuf> {
    let mut folders = BTreeSet::new();
    for path in files.iter().filter(|it| is_sql(it)) {
        let Some(parent) = path.parent() else { continue };
        folders.insert(parent.to_path_buf());
        let name = path.file_name().unwrap_or_default();
        if name == "up.sql" || name == "migration.sql" {
            folders.extend(parent.parent().map(Path::to_path_buf));
        }
        // Flyway reads sub-folders too.
        if path.file_name().and_then(|it| it.to_str()).is_some_and(|it| FileName::parse(Tool::Flyway, it).is_some()) {
            let named = |it: &&Path| it.file_name().is_some_and(|it| it == "migration" || it == "migrations");
            folders.extend(parent.ancestors().filter(named).map(Path::to_path_buf));
        }
    }
    folders
}

/// 0: the path names this database, 1: it names none, `None`: it names another one.
fn dialect_rank(dir: &Path, dialect: &str) -> Option<u8> {
    let mut rank = 1;
    for part in dir.components().filter_map(|it| it.as_os_str().to_str()) {
        for word in part.to_ascii_lowercase().split(['-', '_', '.']) {
            match DIALECT_WORDS.iter().find(|(_, words)| words.contains(&word)) {
                Some((name, _)) if *name == dialect => rank = 0,
                Some(_) => return None,
                None => {}
            }
        }
    }
    Some(rank)
}

/// Numbered SQL files of no known tool: a history only if the folder is called so, or holds nothing else.
fn looks_like_history(dir: &Path, files: &[PathBuf], migrations: &Migrations) -> bool {
    let name = dir.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    if name.starts_with("schema") {
        return false;
    }
    let words = ["migrat", "version", "delta", "upgrade", "update", "evolution", "change", "patch"];
    let all = files.iter().filter(|it| it.parent() == Some(dir) && is_sql(it)).count();
    words.iter().any(|it| name.contains(it)) || (all >= 2 && migrations.names.len() == all)
}

/// What a folder holds, by the names in it and, where names are alike, by marks in the files and the project around.
fn recognise(tree: &Tree<'_>, files: &[PathBuf], dir: &Path, tool: Option<Tool>) -> Result<Option<Migrations>> {
    let tool = match tool {
        Some(tool) => tool,
        None => match tool_of(tree, files, dir)? {
            Some(tool) => tool,
            None => return Ok(None),
        },
    };
    let migrations = collect(files, dir, tool);
    Ok((!migrations.files.is_empty()).then_some(migrations))
}

fn tool_of(tree: &Tree<'_>, files: &[PathBuf], dir: &Path) -> Result<Option<Tool>> {
    let below = |name: &str| {
        files.iter().any(|it| {
            it.file_name().is_some_and(|it| it == name)
                && it.parent().and_then(Path::parent) == Some(dir)
                && folder_name(it).is_some_and(|it| FileName::parse(Tool::Diesel, it).is_some())
        })
    };
    if below("up.sql") {
        return Ok(Some(Tool::Diesel));
    }
    if below("migration.sql") {
        return Ok(Some(Tool::Prisma));
    }
    let flyway = |it: &PathBuf| name_of(it).is_some_and(|it| FileName::parse(Tool::Flyway, it).is_some());
    if files.iter().any(|it| it.starts_with(dir) && flyway(it)) {
        let refinery = manifest_mentions(tree, files, dir, "Cargo.toml", "refinery");
        return Ok(Some(if refinery { Tool::Refinery } else { Tool::Flyway }));
    }
    let numbered: Vec<&PathBuf> = files
        .iter()
        .filter(|it| it.parent() == Some(dir))
        .filter(|it| name_of(it).is_some_and(|it| FileName::parse(Tool::Plain, it).is_some()))
        .collect();
    let Some(first) = numbered.first() else { return Ok(None) };
    // A file that cannot be read fails loudly when it is to run.
    let text = tree.read(first).unwrap_or_default();
    let marked = |mark: &str| text.lines().any(|it| it.trim().to_ascii_lowercase().starts_with(mark));
    let tool = if marked("-- migrate:up") {
        Tool::Dbmate
    } else if marked("-- +goose up") {
        Tool::Goose
    } else if marked("-- up migration") {
        Tool::NodePgMigrate
    } else if marked("--liquibase formatted sql") || marked("-- liquibase formatted sql") {
        Tool::Liquibase
    } else if files.contains(&dir.join("meta/_journal.json")) {
        Tool::Drizzle
    } else if dir.ends_with("supabase/migrations") {
        Tool::Supabase
    } else if manifest_mentions(tree, files, dir, "Cargo.toml", "sqlx") {
        Tool::Sqlx
    } else if numbered.iter().any(|it| name_of(it).is_some_and(|it| it.ends_with(".up.sql"))) {
        Tool::GolangMigrate
    } else {
        Tool::Plain
    };
    Ok(Some(tool))
}

/// Does a manifest above the folder name a library?
fn manifest_mentions(tree: &Tree<'_>, files: &[PathBuf], dir: &Path, manifest: &str, word: &str) -> bool {
    for above in dir.ancestors() {
        let path = above.join(manifest);
        if files.contains(&path) && tree.read(&path).is_ok_and(|it| it.contains(word)) {
            return true;
        }
    }
    false
}

fn name_of(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

fn folder_name(path: &Path) -> Option<&str> {
    name_of(path.parent()?)
}

/// The migrations of a folder, ordered.
pub(super) fn collect(files: &[PathBuf], dir: &Path, tool: Tool) -> Migrations {
    let mut found: Vec<(&PathBuf, FileName<'_>)> = Vec::new();
    let mut downs: BTreeMap<String, PathBuf> = BTreeMap::new();
    let names: BTreeSet<&str> =
        files.iter().filter(|it| it.parent() == Some(dir)).filter_map(|it| name_of(it)).collect();
    let mut versioned = BTreeSet::new();
    for path in files.iter().filter(|it| it.starts_with(dir) && is_sql(it)) {
        let Some(name) = own_name(path, dir, tool) else { continue };
        let Some(parts) = FileName::parse(tool, name) else { continue };
        versioned.insert(name.to_owned());
        match direction(path, name, &parts, &names, tool) {
            Direction::Down => drop(downs.insert(down_key(&parts), path.clone())),
            _ => found.push((path, parts)),
        }
    }
    order(&mut found, tool);
    let files = found.into_iter().map(|(path, parts)| Migration {
        version: parts.version.iter().map(|it| (*it).to_owned()).collect(),
        description: parts.description.to_owned(),
        up: path.clone(),
        down: downs.get(&down_key(&parts)).cloned(),
    });
    Migrations { dir: dir.to_path_buf(), tool, files: files.collect(), names: versioned.into_iter().collect() }
}

/// The name that carries the version: the file's, or its folder's.
fn own_name<'a>(path: &'a Path, dir: &Path, tool: Tool) -> Option<&'a str> {
    match tool {
        Tool::Diesel | Tool::Prisma => (path.parent()?.parent()? == dir).then(|| folder_name(path)).flatten(),
        Tool::Flyway | Tool::Refinery => name_of(path),
        _ => (path.parent()? == dir).then(|| name_of(path)).flatten(),
    }
}

fn direction(path: &Path, name: &str, parts: &FileName<'_>, names: &BTreeSet<&str>, tool: Tool) -> Direction {
    match tool {
        Tool::Diesel => match name_of(path) {
            Some("up.sql") => Direction::Up,
            _ => Direction::Down,
        },
        Tool::Flyway if parts.letter == Some('U') => Direction::Down,
        // `x_down.sql` is a way down only beside `x_up.sql`: `0006_scale_down.sql` is not.
        _ if name.strip_suffix("_down.sql").is_some_and(|it| names.contains(format!("{it}_up.sql").as_str())) => {
            Direction::Down
        }
        _ => parts.direction,
    }
}

/// What a way up and its way down have in common.
fn down_key(parts: &FileName<'_>) -> String {
    parts.version.join(".")
}

/// The order in which a tool runs its files.
fn order(found: &mut Vec<(&PathBuf, FileName<'_>)>, tool: Tool) {
    match tool {
        Tool::Flyway => {
            // The latest baseline migration replaces everything up to its version; repeatable ones come last, by description.
            let baseline = found.iter().filter(|it| it.1.letter == Some('B')).max_by(|a, b| a.1.compare(&b.1)).cloned();
            if let Some((_, baseline)) = baseline {
                found.retain(|(_, it)| match it.letter {
                    Some('V') => it.compare(&baseline) == Ordering::Greater,
                    Some('B') => it.version == baseline.version,
                    _ => true,
                });
            }
            found.sort_by(|(_, a), (_, b)| match (a.version.is_empty(), b.version.is_empty()) {
                (true, true) => a.description.cmp(b.description),
                (false, false) => a.compare(b),
                (a_repeats, b_repeats) => a_repeats.cmp(&b_repeats),
            });
        }
        // These sort names as text.
        Tool::Dbmate | Tool::Diesel | Tool::Prisma | Tool::Supabase | Tool::Liquibase => {
            found.sort_by_key(|(a, _)| *a);
        }
        // These sort by number.
        Tool::Plain
        | Tool::GolangMigrate
        | Tool::Sqlx
        | Tool::Goose
        | Tool::Refinery
        | Tool::Drizzle
        | Tool::NodePgMigrate => {
            found.sort_by(|(a, a_parts), (b, b_parts)| a_parts.compare(b_parts).then_with(|| a.cmp(b)));
        }
    }
}
