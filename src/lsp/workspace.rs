//! A folder on disk, as the project room finds it, made into a [`Snapshot`].

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result};

use super::files::Files;
use crate::{
    copilot::{Analysis, File, FileId, Role, Script, Snapshot, Stop, Target, WayDownAt},
    dialect::{Dialect, postgres::Postgres},
    export::Tool,
    lint::{Config, Standing},
    plan::{Answers, Facts},
    project::{self, Overlay, Project, SETTINGS_FILE},
    text::Document,
};

/// The dialect of every project, until there is another.
pub const DIALECT: &dyn Dialect = &Postgres;

/// What was found in a folder.
pub struct Loaded {
    facts: Facts,
    files: Vec<LoadedFile>,
    /// There is a state to compare with: that of the migrations, of the baseline's files, or an empty database.
    compares: bool,
    target: Result<Arc<Target>, String>,
    tool: Tool,
    keeps_ways_down: bool,
}

struct LoadedFile {
    path: PathBuf,
    name: String,
    place: Place,
    script: Arc<Script>,
    trouble: Option<String>,
    config: Option<String>,
    lint: Arc<Config>,
    standing: Option<Arc<Standing>>,
    /// Of a migration that could have a way down: its file, where it has one.
    way_down: Option<Option<PathBuf>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Role(Role),
    /// Part of the state to compare with; not a file on disk.
    Baseline,
    /// The phases to come of a plan that was begun: they run behind the migrations, and are no file yet.
    ToCome,
}

/// A project of no files.
pub fn nothing() -> Snapshot {
    Snapshot {
        dialect: DIALECT,
        facts: Facts::for_version(Facts::DEFAULT_SERVER_VERSION),
        answers: Answers::default(),
        files: BTreeMap::new(),
        schema: Vec::new(),
        history: Vec::new(),
        baseline: None,
        open: BTreeSet::new(),
        tool: Tool::Plain,
        target: Err(NO_FOLDER.to_owned()),
        analysis: Arc::new(Analysis::default()),
        stop: Stop::never(),
    }
}

const NO_FOLDER: &str = "the file is in no folder that the editor has open: there is no place for migrations";

type Scripts = BTreeMap<PathBuf, Arc<Script>>;

/// Reads the files of a folder. `open` are the texts that the editor has; what is `known` is not parsed again.
pub fn load(root: &Path, open: &Scripts, known: &Scripts) -> Loaded {
    let inside = open.iter().filter(|it| it.0.starts_with(root));
    let overlay: Overlay = inside.map(|(path, it)| (path.clone(), Arc::from(it.text.text()))).collect();
    match Project::open(root, overlay) {
        Ok(project) => {
            // Without git the other rules go on.
            let standings = project.standings().unwrap_or_default();
            Reader { project: &project, root, open, known, standings, files: Vec::new() }.read()
        }
        Err(error) => Loaded {
            files: vec![trouble(root.join(SETTINGS_FILE), SETTINGS_FILE, Role::Other, &error)],
            ..Loaded::nothing()
        },
    }
}

struct Reader<'a> {
    project: &'a Project,
    root: &'a Path,
    open: &'a Scripts,
    known: &'a Scripts,
    standings: BTreeMap<PathBuf, Standing>,
    files: Vec<LoadedFile>,
}

impl Reader<'_> {
    fn read(mut self) -> Loaded {
        let project = self.project;
        for path in project.schema_paths() {
            let relative = path.strip_prefix(&project.root).unwrap_or(&path).to_owned();
            self.add(&relative, Role::Schema);
        }
        let mut compares = false;
        let mut from = "an empty database".to_owned();
        if let Some(migrations) = project.migrations() {
            compares = true;
            from = format!("{} migrations in {}", migrations.tool.name(), migrations.dir.display());
            for migration in &migrations.files {
                self.add(&migration.up, Role::Migration);
                let down = project.file_of_way_down(migration);
                if let Some(added) = self.files.last_mut().filter(|_| !migration.version.is_empty()) {
                    added.way_down = Some(down.as_ref().map(|it| self.root.join(it)));
                }
                if let Some(down) = down {
                    self.add(&down, Role::Rollback);
                }
            }
            // What they lead to is decided: it is not pending once more.
            for plan in project.open_plan_sources().unwrap_or_default() {
                self.add_text(format!("to come: {}", plan.path.display()), &plan.text, Place::ToCome);
            }
        } else if let Ok(baseline) = project.default_before() {
            // Without a repository there is nothing to compare with, which is no error.
            compares = true;
            from.clone_from(&baseline.label);
            for file in baseline.files {
                self.add_text(format!("HEAD:{}", file.path.display()), &file.text, Place::Baseline);
            }
        }
        let tool = project.migrations().map_or(Tool::Plain, |it| it.tool);
        let target = target(project, &from, self.label_of_schema()).map(Arc::new).map_err(|it| format!("{it:#}"));
        if let Ok(target) = &target {
            self.plans(&target.dir);
        }
        let keeps_ways_down = project.keeps_ways_down();
        Loaded { facts: project.facts(), files: self.files, compares, target, tool, keeps_ways_down }
    }

    /// What is no file on disk.
    fn add_text(&mut self, name: String, text: &str, place: Place) {
        let text = Document::new(text);
        let path = PathBuf::from(&name);
        let script = match self.known.get(&path) {
            Some(known) if known.text.same(&text) => known.clone(),
            _ => Arc::new(Script::new(DIALECT, text)),
        };
        let (trouble, config, lint, standing, way_down) = (None, None, Arc::default(), None, None);
        self.files.push(LoadedFile { path, name, place, script, trouble, config, lint, standing, way_down });
    }

    fn label_of_schema(&self) -> String {
        let schema: Vec<&str> =
            self.files.iter().filter(|it| it.place == Place::Role(Role::Schema)).map(|it| it.name.as_str()).collect();
        match schema.as_slice() {
            [] => "nothing".to_owned(),
            [one] => (*one).to_owned(),
            [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        }
    }

    /// The plan documents beside the migrations.
    fn plans(&mut self, dir: &Path) {
        let Ok(entries) = fs::read_dir(self.root.join(dir)) else { return };
        let names = entries.filter_map(|it| it.ok()?.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|it| it.ends_with(".plan.md")).collect();
        names.sort();
        for name in names {
            self.add(&dir.join(name), Role::Plan);
        }
    }

    fn add(&mut self, relative: &Path, role: Role) {
        // Not the canonical root: the client's own spelling of the folder finds its open documents again.
        let path = self.root.join(relative);
        let name = relative.to_string_lossy();
        self.files.push(match self.script(&path) {
            Ok(script) => LoadedFile {
                name: name.into_owned(),
                place: Place::Role(role),
                script,
                trouble: None,
                config: config(&path).filter(|_| role == Role::Migration),
                lint: Arc::new(self.project.lint_config(relative)),
                standing: self.standings.get(relative).cloned().map(Arc::new).filter(|_| role == Role::Migration),
                way_down: None,
                path,
            },
            Err(error) => trouble(path, &name, role, &error),
        });
    }

    fn script(&self, path: &Path) -> Result<Arc<Script>> {
        if let Some(open) = self.open.get(path) {
            return Ok(open.clone());
        }
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let text = Document::new(&project::decode(bytes, &path.display().to_string())?);
        Ok(match self.known.get(path) {
            Some(known) if known.text.same(&text) => known.clone(),
            _ if path.extension().is_some_and(|it| it == "md") => Arc::new(Script::plain(text)),
            _ => Arc::new(Script::new(DIALECT, text)),
        })
    }
}

/// What stands beside a migration and says how it runs: Flyway's `FILE.conf`, diesel's `metadata.toml`.
fn config(path: &Path) -> Option<String> {
    let flyway = PathBuf::from(format!("{}.conf", path.display()));
    fs::read_to_string(flyway).or_else(|_| fs::read_to_string(path.with_file_name("metadata.toml"))).ok()
}

/// Where the files of a plan go, without a connection to the disk.
fn target(project: &Project, from: &str, to: String) -> Result<Target> {
    let found = project.target(None, None)?;
    let context = found.context("", from, &to);
    let mut names = context.names.to_vec();
    // Those of unsaved buffers as well.
    names.extend(project.migrations().into_iter().flat_map(|it| it.names.iter().cloned()));
    names.sort();
    names.dedup();
    Ok(Target {
        format: found.format,
        dir: found.dir.strip_prefix(&project.root).unwrap_or(&found.dir).to_owned(),
        names,
        timestamps: context.timestamps,
        from: from.to_owned(),
        to,
    })
}

fn trouble(path: PathBuf, name: &str, role: Role, error: &anyhow::Error) -> LoadedFile {
    LoadedFile {
        path,
        name: name.to_owned(),
        place: Place::Role(role),
        script: Arc::new(Script::default()),
        trouble: Some(format!("{error:#}")),
        config: None,
        lint: Arc::default(),
        standing: None,
        way_down: None,
    }
}

/// The parts of a migration's text that run forward; `None`: all of it.
pub fn forward_parts(role: Role, text: &Document) -> Option<Vec<Range<usize>>> {
    (role == Role::Migration).then(|| project::forward_parts(&text.text()))?
}

impl Loaded {
    pub fn nothing() -> Self {
        Self {
            facts: Facts::for_version(Facts::DEFAULT_SERVER_VERSION),
            files: Vec::new(),
            compares: false,
            target: Err(NO_FOLDER.to_owned()),
            tool: Tool::Plain,
            keeps_ways_down: false,
        }
    }

    /// The new snapshot, with the analysis of `last`, and the files whose text on disk is not what it was there.
    pub fn into_snapshot(
        self,
        files: &mut Files,
        last: &Snapshot,
        open: impl Fn(FileId) -> Option<Arc<Script>>,
    ) -> (Snapshot, Vec<FileId>) {
        let (analysis, open_files) = (last.analysis.clone(), last.open.clone());
        let mut res = Snapshot {
            facts: self.facts,
            target: self.target,
            tool: self.tool,
            analysis,
            open: open_files,
            ..nothing()
        };
        let mut changed = Vec::new();
        let mut baseline = Vec::new();
        for file in self.files {
            let id = match file.place {
                Place::Role(_) => files.intern_path(&file.path),
                Place::Baseline | Place::ToCome => files.intern_name(&file.name),
            };
            let Some(id) = id else { continue };
            let script = open(id).unwrap_or(file.script);
            if last.file(id).is_some_and(|it| !Arc::ptr_eq(&it.script, &script)) {
                changed.push(id);
            }
            let role = match file.place {
                Place::Role(role) => role,
                Place::Baseline | Place::ToCome => Role::Other,
            };
            match file.place {
                Place::Role(Role::Schema) => res.schema.push(id),
                Place::Role(Role::Migration) | Place::ToCome => res.history.push(id),
                Place::Role(_) => {}
                Place::Baseline => baseline.push(id),
            }
            let forward = forward_parts(role, &script.text);
            let mut found = File::new(file.name, role, script, forward.as_deref());
            found.trouble = file.trouble;
            found.config = file.config;
            found.lint = file.lint;
            found.standing = file.standing;
            found.way_down = file.way_down.and_then(|down| match down.and_then(|it| files.intern_path(&it)) {
                Some(down) => Some(WayDownAt::File(down)),
                None if found.leads_back() => Some(WayDownAt::Section),
                None if !self.keeps_ways_down => None,
                None => Some(if self.tool.has_sections() { WayDownAt::Section } else { WayDownAt::Missing }),
            });
            res.files.insert(id, found);
        }
        res.baseline = self.compares.then_some(baseline);
        (res, changed)
    }
}
