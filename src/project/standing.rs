//! Where each migration stands among the others: versions that clash or come late, and what the main branch has of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Result;

use super::{Migration, Migrations, Project, git, layout, sections};
use crate::{
    export::{Consequence, Edit, FileName, Tool, compare_versions},
    lint::{Compare, OnMain, Others, Standing},
};

/// So many names are told.
const NAMED: usize = 3;

/// What the main branch has of a folder of migrations.
struct MainBranch {
    /// As people call it: `origin/main`.
    name: String,
    /// Files of the folder where the branch is now.
    tip: BTreeSet<PathBuf>,
    /// Texts of files of the working tree, as they were where the present branch left the main branch.
    base: BTreeMap<PathBuf, Arc<str>>,
    /// Files of the folder there, whether the working tree has them or not.
    left: BTreeSet<PathBuf>,
}

impl MainBranch {
    fn has(&self, path: &Path) -> bool {
        self.tip.contains(path) || self.left.contains(path)
    }
}

impl Project {
    /// The standing of each migration, by its path relative to the root. Without a repository, or without a main branch
    /// in it, what follows from the names alone.
    ///
    /// # Errors
    /// `main_branch` in the settings names no revision; git cannot be asked.
    pub fn standings(&self) -> Result<BTreeMap<PathBuf, Standing>> {
        let Some(migrations) = self.migrations() else { return Ok(BTreeMap::new()) };
        let main = self.main_branch(migrations)?;
        // Those that the main branch got since, and this branch does not have yet.
        let coming = main.as_ref().map(|main| {
            let here = |it: &PathBuf| migrations.files.iter().any(|own| own.up == *it);
            let new: Vec<PathBuf> =
                main.tip.iter().filter(|it| !main.left.contains(*it) && !here(it)).cloned().collect();
            layout::collect(&new, &migrations.dir, migrations.tool).files
        });
        let folder = Folder::new(migrations, main.as_ref(), coming.as_deref().unwrap_or_default());
        Ok(migrations.files.iter().map(|it| (it.up.clone(), folder.standing(it))).collect())
    }

    fn main_branch(&self, migrations: &Migrations) -> Result<Option<MainBranch>> {
        if !git::is_repository(&self.root) {
            return Ok(None);
        }
        let Some((name, tip_commit)) = git::main_branch(&self.root, self.settings.main_branch.as_deref())? else {
            return Ok(None);
        };
        let base_commit = git::merge_base(&self.root, &tip_commit)?.unwrap_or_else(|| tip_commit.clone());
        let list = |commit: &str| -> Result<BTreeSet<PathBuf>> {
            let files = git::list_below(&self.root, commit, &migrations.dir)?;
            Ok(files.into_iter().collect())
        };
        let tip = list(&tip_commit)?;
        let left = if base_commit == tip_commit { tip.clone() } else { list(&base_commit)? };
        let known: Vec<PathBuf> =
            migrations.files.iter().map(|it| it.up.clone()).filter(|it| left.contains(it)).collect();
        let texts = if known.is_empty() { Vec::new() } else { git::read(&self.root, &base_commit, &known)? };
        let texts = texts.into_iter().map(|it| sections::up_part(&it));
        Ok(Some(MainBranch { name, tip, base: known.into_iter().zip(texts).collect(), left }))
    }
}

struct Folder<'a> {
    tool: Tool,
    main: Option<&'a MainBranch>,
    /// By what is one version to the tool: those here, and those on the main branch alone.
    by_version: BTreeMap<Key, [Vec<&'a Migration>; 2]>,
    /// The last one that the main branch has.
    last: Option<&'a Migration>,
}

/// Letter, folder and version, as far as they count.
type Key = (Option<char>, PathBuf, Vec<String>);

impl<'a> Folder<'a> {
    fn new(migrations: &'a Migrations, main: Option<&'a MainBranch>, coming: &'a [Migration]) -> Self {
        let tool = migrations.tool;
        let mut by_version: BTreeMap<Key, [Vec<&Migration>; 2]> = BTreeMap::new();
        for (at, files) in [migrations.files.as_slice(), coming].into_iter().enumerate() {
            for it in files.iter().filter(|it| !it.version.is_empty()) {
                by_version.entry(key(tool, it)).or_default()[at].push(it);
            }
        }
        let there = migrations.files.iter().filter(|it| main.is_some_and(|main| main.tip.contains(&it.up)));
        let versioned = there.chain(coming).filter(|it| !it.version.is_empty());
        Self { tool, main, by_version, last: versioned.max_by(|a, b| versions(a, b)) }
    }

    fn standing(&self, of: &Migration) -> Standing {
        let pending = self.main.is_some_and(|it| !it.has(&of.up));
        // A repeatable migration has no version, and an edit makes it run again.
        if of.version.is_empty() {
            return Standing { pending, ..Standing::default() };
        }
        let tool = self.tool;
        Standing {
            pending,
            same_version: tool.on_same_version().and_then(|it| self.same_version(of, pending, it)),
            behind: tool.on_late_version().filter(|_| pending).and_then(|it| self.behind(of, it)),
            main: self.on_main(of),
        }
    }

    /// Said of the file that can still be changed; where all have been deployed, of all but the first.
    fn same_version(&self, of: &Migration, pending: bool, consequence: Consequence) -> Option<Others> {
        let [here, coming] = self.by_version.get(&key(self.tool, of))?;
        let here: Vec<&Migration> = here.iter().copied().filter(|it| it.up != of.up).collect();
        let coming = coming.clone();
        let is_pending = |it: &&Migration| self.main.is_some_and(|main| !main.has(&it.up));
        let first = here.iter().all(|it| of.up < it.up) && coming.is_empty();
        if !pending && (first || here.iter().any(is_pending)) {
            return None;
        }
        let branch =
            if here.is_empty() { self.main.map(|it| it.name.clone()).unwrap_or_default() } else { String::new() };
        let all = if here.is_empty() { coming } else { here };
        others(self.tool, &all, branch, consequence)
    }

    fn behind(&self, of: &Migration, consequence: Consequence) -> Option<Others> {
        let last = self.last.filter(|it| versions(it, of).is_gt())?;
        others(self.tool, &[last], self.main?.name.clone(), consequence)
    }

    fn on_main(&self, of: &Migration) -> Option<OnMain> {
        let main = self.main?;
        let text = main.base.get(&of.up)?.clone();
        let (edit, Consequence { severity, then }) = self.tool.on_edit();
        let compare = match edit {
            Edit::Text => Compare::Lines,
            Edit::Statements => Compare::Statements,
            Edit::Changesets => Compare::Changesets,
        };
        Some(OnMain { branch: main.name.clone(), text, compare, then, severity })
    }
}

fn others(
    tool: Tool,
    all: &[&Migration],
    branch: String,
    Consequence { severity, then }: Consequence,
) -> Option<Others> {
    let names: Vec<String> = all.iter().take(NAMED).map(|it| own_name(tool, &it.up)).collect();
    (!names.is_empty()).then_some(Others { names, then, severity, branch })
}

fn versions(a: &Migration, b: &Migration) -> std::cmp::Ordering {
    compare_versions(&strs(&a.version), &strs(&b.version))
}

fn strs(groups: &[String]) -> Vec<&str> {
    groups.iter().map(String::as_str).collect()
}

/// The same for migrations that have one version to the tool.
fn key(tool: Tool, of: &Migration) -> Key {
    // As `compare_versions` reads them: numbers, and a group that is missing is 0.
    let numbers = || {
        let mut groups: Vec<String> = of.version.iter().map(|it| it.trim_start_matches('0').to_owned()).collect();
        while groups.last().is_some_and(String::is_empty) {
            groups.pop();
        }
        groups
    };
    match tool {
        // A baseline migration (B7) stands in for V7; a folder may be a location of its own.
        Tool::Flyway | Tool::Refinery => {
            (letter(tool, of), of.up.parent().map(Path::to_path_buf).unwrap_or_default(), numbers())
        }
        // These keep the version as text.
        Tool::Diesel | Tool::Dbmate | Tool::Supabase => (None, PathBuf::new(), of.version.clone()),
        _ => (None, PathBuf::new(), numbers()),
    }
}

fn letter(tool: Tool, of: &Migration) -> Option<char> {
    FileName::parse(tool, of.up.file_name()?.to_str()?)?.letter
}

/// The name that carries the version, for people.
fn own_name(tool: Tool, path: &Path) -> String {
    let named = match tool {
        Tool::Diesel | Tool::Prisma => path.parent().unwrap_or(path),
        _ => path,
    };
    named.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
