//! A user's project: its settings, its schema files and migrations, and the catalogs they stand for.
//!
//! May use every pure room. Deliberately not here: connections (a database as a baseline is `shadow`'s work),
//! the protocol of editors.
//!
//! Everything is found by layout, see [`layout`]; `lockkeeper.toml` says what cannot be found. Unsaved editor
//! buffers ([`Overlay`]) stand in for their files everywhere but in `git:REV`.

mod baseline;
mod clock;
mod folder;
mod git;
mod layout;
mod lint_settings;
mod open_plans;
mod read;
mod schema_files;
mod sections;
mod settings;
mod source;
mod standing;
mod stats;
mod target;
mod tree;
mod ways_down;
mod write;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail};

use crate::{
    dialect::{self, Dialect},
    plan::Facts,
};

pub use baseline::{Baseline, Spec};
pub use clock::now;
pub use folder::{Folder, read_folder};
pub use layout::{Migration, Migrations};
pub use lint_settings::{LintSettings, Override};
pub use read::decode;
pub use sections::forward_parts;
pub use settings::{SETTINGS, SETTINGS_FILE, Settings, Versions};
pub use source::{FileProblem, LineIndex, SourceFile, line_column, parse, parse_all};
pub use stats::{STATS_FILE, Stats, TableStats};
pub use target::Target;
pub use write::{NewFile, replace, write_new};

use tree::Tree;

/// Unsaved buffers by absolute path.
pub type Overlay = BTreeMap<PathBuf, Arc<str>>;

/// A folder with a schema in it.
#[derive(Clone, Debug)]
pub struct Project {
    /// Absolute.
    pub root: PathBuf,
    pub settings: Settings,
    /// How large the tables are, by [`STATS_FILE`].
    pub stats: Stats,
    pub dialect: &'static str,
    overlays: Overlay,
    /// Relative to `root`, sorted.
    schema: Vec<PathBuf>,
    migrations: Option<Migrations>,
    /// What was decided while looking and might surprise: for people, one sentence each.
    pub notes: Vec<String>,
}

impl Project {
    /// Reads the settings and looks for schema files and migrations under `root`.
    pub fn open(root: &Path, overlays: Overlay) -> Result<Self> {
        let mut project = Self::with_settings(root, overlays)?;
        project.refresh()?;
        Ok(project)
    }

    /// As [`Project::open`] but without looking for files: for a command that was told every one it needs.
    pub fn open_unsearched(root: &Path) -> Result<Self> {
        Self::with_settings(root, Overlay::new())
    }

    fn with_settings(root: &Path, overlays: Overlay) -> Result<Self> {
        let root = std::path::absolute(root).with_context(|| format!("cannot resolve {}", root.display()))?;
        let root = root.canonicalize().with_context(|| format!("cannot read {}", root.display()))?;
        let settings = Settings::load(&root, &overlays)?;
        let stats = Stats::load(&root, &overlays)?;
        let dialect = settings.dialect.clone().unwrap_or_else(|| "postgres".to_owned());
        let dialect = find_dialect(&dialect)?.name();
        Ok(Self { root, settings, stats, dialect, overlays, schema: Vec::new(), migrations: None, notes: Vec::new() })
    }

    /// The folder a command started in `start` means: the nearest one upwards with settings, else with `.git`, else `start`.
    pub fn find_root(start: &Path) -> PathBuf {
        let above = |name: &str| start.ancestors().find(|it| it.join(name).exists()).map(Path::to_path_buf);
        above(SETTINGS_FILE).or_else(|| above(".git")).unwrap_or_else(|| start.to_path_buf())
    }

    /// Looks again for files, after some came or went.
    pub fn refresh(&mut self) -> Result<()> {
        let tree = Tree::disk(&self.root, &self.overlays);
        let found = find(&tree, &self.settings, self.dialect)?;
        (self.schema, self.migrations, self.notes) = (found.schema, found.migrations, found.notes);
        Ok(())
    }

    /// What settings and statistics say about production; of a table in both, the settings.
    pub fn facts(&self) -> Facts {
        let mut facts = self.settings.facts();
        self.stats.add_to(&mut facts);
        facts
    }

    /// Replaces the unsaved buffers. Files that only exist as a buffer are found after [`Project::refresh`].
    pub fn set_overlays(&mut self, overlays: Overlay) {
        self.overlays = overlays;
    }

    pub fn dialect(&self) -> Result<&'static dyn Dialect> {
        find_dialect(self.dialect)
    }

    /// Paths of the schema files, absolute.
    pub fn schema_paths(&self) -> Vec<PathBuf> {
        self.schema.iter().map(|it| self.root.join(it)).collect()
    }

    /// The migrations, if a folder of them was found. Paths are relative to [`Project::root`].
    pub fn migrations(&self) -> Option<&Migrations> {
        self.migrations.as_ref()
    }

    /// One file, read and parsed, called in messages what the caller called it.
    pub fn file(&self, path: &Path) -> Result<SourceFile> {
        let absolute = std::path::absolute(path).with_context(|| format!("cannot resolve {}", path.display()))?;
        Ok(parse(self.dialect()?, path, &read::read(&absolute, &self.overlays)?))
    }

    /// The schema files, read and parsed.
    pub fn schema_sources(&self) -> Result<Vec<SourceFile>> {
        self.sources(&self.schema)
    }

    /// The up parts of the migrations, read and parsed, in the order in which the tool runs them.
    pub fn migration_sources(&self) -> Result<Vec<SourceFile>> {
        self.first_migration_sources(usize::MAX)
    }

    /// As [`Project::migration_sources`], of so many.
    pub fn first_migration_sources(&self, count: usize) -> Result<Vec<SourceFile>> {
        let files = self.migrations.as_ref().map(|it| it.files.as_slice()).unwrap_or_default();
        let paths: Vec<_> = files.iter().take(count).map(|it| it.up.clone()).collect();
        self.sources(&paths)
    }

    /// Text of one file, or of the buffer that stands in for it. An error names file, line and cause.
    pub fn read(&self, path: &Path) -> Result<Arc<str>> {
        read::read(&self.root.join(path), &self.overlays)
    }

    /// What the project wants of lint for a file (absolute, or relative to the root).
    pub fn lint_config(&self, path: &Path) -> crate::lint::Config {
        let relative = path.strip_prefix(&self.root).unwrap_or(path);
        let mut files = self.migrations.iter().flat_map(|it| &it.files);
        let version = files.find(|it| it.up == relative).map(|it| it.version.as_slice()).unwrap_or_default();
        self.settings.lint.config(relative, version)
    }

    /// Texts of those of the files (relative to the root) that a git revision has.
    pub fn texts_at(&self, rev: &str, paths: &[PathBuf]) -> Result<BTreeMap<PathBuf, Arc<str>>> {
        let there = git::list(&self.root, rev)?;
        let wanted: Vec<PathBuf> = paths.iter().filter(|it| there.binary_search(it).is_ok()).cloned().collect();
        let texts = if wanted.is_empty() { Vec::new() } else { git::read(&self.root, rev, &wanted)? };
        Ok(wanted.into_iter().zip(texts).collect())
    }

    /// The settings a tool keeps beside a migration: `FILE.conf` of Flyway, `metadata.toml` of diesel.
    pub fn config_beside(&self, path: &Path) -> Option<String> {
        let path = self.root.join(path);
        let mut conf = path.clone().into_os_string();
        conf.push(".conf");
        let beside = [PathBuf::from(conf), path.with_file_name("metadata.toml")];
        beside.iter().find_map(|it| std::fs::read_to_string(it).ok())
    }

    fn sources(&self, paths: &[PathBuf]) -> Result<Vec<SourceFile>> {
        let tree = Tree::disk(&self.root, &self.overlays);
        source::load(&tree, paths, self.dialect()?)
    }
}

/// A dialect by name, or an error that lists them.
pub fn find_dialect(name: &str) -> Result<&'static dyn Dialect> {
    let Some(dialect) = dialect::by_name(name) else {
        let known: Vec<_> = dialect::DIALECTS.iter().map(|it| it.name()).collect();
        bail!("unknown dialect `{name}`: this version knows {}", known.join(", "));
    };
    Ok(dialect)
}

/// What lies in a tree.
struct Found {
    schema: Vec<PathBuf>,
    migrations: Option<Migrations>,
    notes: Vec<String>,
}

fn find(tree: &Tree<'_>, settings: &Settings, dialect: &str) -> Result<Found> {
    let files = tree.list()?;
    let mut notes = Vec::new();
    let schema_by_settings = settings.schema_files(&files)?;
    let migrations = match &settings.migrations.dir {
        Some(dir) => Some(layout::in_dir(tree, &files, dir, settings.migrations.tool)?),
        None => {
            let ruled_out = schema_by_settings.as_deref().unwrap_or_default();
            layout::search(tree, &files, ruled_out, settings.migrations.tool, dialect, &mut notes)?
        }
    };
    let schema = match schema_by_settings {
        Some(files) => files,
        None => schema_files::search(tree, &files, migrations.as_ref(), dialect, &mut notes)?,
    };
    Ok(Found { schema, migrations, notes })
}
