//! The two catalogs a diff compares, wherever they come from.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Context, Result, bail};

use super::{FileProblem, Overlay, Project, SourceFile, find, git, layout, source, tree::Tree};
use crate::{
    catalog::{self, Build, Catalog},
    sql::{Problem, Severity},
};

/// Where a catalog comes from: `--from` and `--to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spec {
    /// The schema files of the project.
    Schema,
    /// Replay of the project's migrations.
    Migrations,
    /// The schema files (without any: the migrations) of the project at a revision, or one path there.
    Git { rev: String, path: Option<PathBuf> },
    /// A file, or a folder of schema files or of migrations.
    Path(PathBuf),
    /// A live database.
    Url(String),
}

impl FromStr for Spec {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "schema" => Self::Schema,
            "migrations" => Self::Migrations,
            _ if text.starts_with("postgres://") || text.starts_with("postgresql://") => Self::Url(text.to_owned()),
            _ => match text.strip_prefix("git:") {
                Some(rest) => match rest.split_once(':') {
                    Some((rev, path)) => Self::Git { rev: rev.to_owned(), path: Some(PathBuf::from(path)) },
                    None => Self::Git { rev: rest.to_owned(), path: None },
                },
                None => Self::Path(PathBuf::from(text)),
            },
        })
    }
}

/// A catalog with the files it was built from.
#[derive(Clone, Debug)]
pub struct Baseline {
    pub catalog: Catalog,
    /// [`crate::catalog::Origin::source`] counts these.
    pub files: Vec<SourceFile>,
    /// Of all files, in their order.
    pub problems: Vec<FileProblem>,
    /// What it is, for people: "migrations in db/migration", "schema.sql at HEAD".
    pub label: String,
}

impl Baseline {
    /// An empty database.
    pub fn empty(label: &str) -> Self {
        Self { catalog: Catalog::new(), files: Vec::new(), problems: Vec::new(), label: label.to_owned() }
    }

    /// The desired state that files describe, in any order.
    pub fn desired(files: Vec<SourceFile>, label: String) -> Self {
        Self::assemble(catalog::desired(&sources(&files)), files, label)
    }

    /// The state after the files ran one after the other.
    pub fn replayed(files: Vec<SourceFile>, label: String) -> Self {
        Self::assemble(catalog::replay(Catalog::new(), &sources(&files)), files, label)
    }

    fn assemble(build: Build, files: Vec<SourceFile>, label: String) -> Self {
        let mut by_file: BTreeMap<usize, Vec<Problem>> = BTreeMap::new();
        for (file, problem) in build.problems {
            by_file.entry(file as usize).or_default().push(problem);
        }
        let mut problems: Vec<FileProblem> = Vec::new();
        for (i, file) in files.iter().enumerate() {
            let built = by_file.get(&i).into_iter().flatten();
            let mut here = file.locate(file.problems.iter().chain(built));
            here.sort_by_key(|it| (it.range.start, it.range.end));
            problems.append(&mut here);
        }
        Self { catalog: build.catalog, files, problems, label }
    }

    /// The statements that make the schema, without semicolons, in the order of the files.
    pub fn statements(&self) -> Vec<String> {
        self.files.iter().flat_map(SourceFile::texts).collect()
    }

    /// Problems that make the catalog unfit to plan from: something in the files could not be read.
    pub fn errors(&self) -> impl Iterator<Item = &FileProblem> {
        self.problems.iter().filter(|it| it.severity == Severity::Error)
    }
}

fn sources(files: &[SourceFile]) -> Vec<catalog::Source> {
    files.iter().map(|it| catalog::Source { statements: it.statements.clone() }).collect()
}

impl Project {
    /// The baseline that is meant when nobody says: the migrations, if there are any, with what is still to come of
    /// plans that were begun; else the schema at `git:HEAD`.
    pub fn default_before(&self) -> Result<Baseline> {
        if self.migrations().is_some_and(|it| !it.files.is_empty()) {
            let open = self.open_plan_sources()?;
            if open.is_empty() {
                return self.baseline(&Spec::Migrations);
            }
            let mut sources = self.migration_sources()?;
            let plans = if open.len() == 1 { "the plan".to_owned() } else { format!("{} plans", open.len()) };
            sources.extend(open);
            return Ok(Baseline::replayed(sources, format!("migrations, with what is to come of {plans} begun")));
        }
        if self.migrations().is_some() {
            return Ok(Baseline::empty("no migrations yet"));
        }
        let head = Spec::Git { rev: "HEAD".to_owned(), path: None };
        git::check_revision(&self.root, "HEAD").with_context(|| {
            format!(
                "nothing to compare with in {}: no migrations and no commit; name it with --from",
                self.root.display()
            )
        })?;
        self.baseline(&head)
    }

    /// The desired state: the schema files.
    pub fn default_after(&self) -> Result<Baseline> {
        self.baseline(&Spec::Schema)
    }

    /// Builds the catalog that a spec names. A [`Spec::Url`] is `shadow`'s to read and an error here.
    pub fn baseline(&self, spec: &Spec) -> Result<Baseline> {
        match spec {
            Spec::Schema => {
                if self.schema.is_empty() {
                    bail!(
                        "no schema file in {}: looked for schema.sql, db/structure.sql, structure.sql, schema/*.sql and dumps; \
                         name it with --to or `schema = …` in lockkeeper.toml",
                        self.root.display()
                    );
                }
                Ok(Baseline::desired(self.schema_sources()?, self.list(&self.schema)))
            }
            Spec::Migrations => {
                let Some(migrations) = self.migrations() else {
                    bail!(
                        "no migrations in {}: no folder has a layout that Lockkeeper knows; \
                         name it with `[migrations] dir = …` in lockkeeper.toml",
                        self.root.display()
                    );
                };
                let label = format!("{} migrations in {}", migrations.tool.name(), migrations.dir.display());
                Ok(Baseline::replayed(self.migration_sources()?, label))
            }
            Spec::Git { rev, path } => self.at_revision(rev, path.as_deref()),
            Spec::Path(path) => self.at_path(path),
            Spec::Url(_) => bail!("a database is read by the command that was given its URL"),
        }
    }

    fn list(&self, paths: &[PathBuf]) -> String {
        match paths {
            [one] => one.display().to_string(),
            [first, ..] => format!("{} and {} more", first.display(), paths.len() - 1),
            [] => "nothing".to_owned(),
        }
    }

    fn at_revision(&self, rev: &str, path: Option<&Path>) -> Result<Baseline> {
        let tree = Tree::Git { root: &self.root, rev };
        git::check_revision(&self.root, rev)?;
        let dialect = self.dialect()?;
        if let Some(path) = path {
            let files = source::load(&tree, &[path.to_path_buf()], dialect)?;
            return Ok(Baseline::desired(files, format!("{} at {rev}", path.display())));
        }
        // Globs of today's settings may match nothing at an old revision: that is an empty schema, not an error.
        let mut settings = self.settings.clone();
        let globs = std::mem::take(&mut settings.schema);
        let found = find(&tree, &settings, self.dialect)?;
        settings.schema = globs;
        let schema = match settings.schema.is_empty() {
            true => found.schema,
            false => settings.schema_files(&tree.list()?).ok().flatten().unwrap_or_default(),
        };
        if !schema.is_empty() {
            let label = format!("{} at {rev}", self.list(&schema));
            return Ok(Baseline::desired(source::load(&tree, &schema, dialect)?, label));
        }
        match found.migrations {
            Some(migrations) if self.schema.is_empty() => {
                let paths: Vec<_> = migrations.files.iter().map(|it| it.up.clone()).collect();
                let label = format!("{} migrations in {} at {rev}", migrations.tool.name(), migrations.dir.display());
                Ok(Baseline::replayed(source::load(&tree, &paths, dialect)?, label))
            }
            _ => Ok(Baseline::empty(&format!("no schema file at {rev}"))),
        }
    }

    fn at_path(&self, path: &Path) -> Result<Baseline> {
        let absolute = std::path::absolute(path).with_context(|| format!("cannot resolve {}", path.display()))?;
        let metadata = std::fs::metadata(&absolute);
        let is_dir = metadata.as_ref().is_ok_and(std::fs::Metadata::is_dir);
        if !is_dir && !self.overlays.contains_key(&absolute) {
            metadata.with_context(|| format!("cannot read {}", path.display()))?;
        }
        let dialect = self.dialect()?;
        let label = path.display().to_string();
        if !is_dir {
            let (folder, name) =
                (absolute.parent().unwrap_or(Path::new("/")), absolute.file_name().unwrap_or_default());
            let tree = Tree::disk(folder, &self.overlays);
            let mut files = source::load(&tree, &[PathBuf::from(name)], dialect)?;
            // In messages the file is called what the user called it.
            files.iter_mut().for_each(|it| it.path = path.to_path_buf());
            return Ok(Baseline::desired(files, label));
        }
        let overlays = Overlay::new();
        let tree = Tree::disk(&absolute, if self.overlays.is_empty() { &overlays } else { &self.overlays });
        let files = tree.list()?;
        if let Some(migrations) = layout::of_folder(&tree, &files, self.settings.migrations.tool)? {
            let paths: Vec<_> = migrations.files.iter().map(|it| it.up.clone()).collect();
            return Ok(Baseline::replayed(source::load(&tree, &paths, dialect)?, label));
        }
        let schema: Vec<_> = files.iter().filter(|it| layout::is_sql(it)).cloned().collect();
        if schema.is_empty() {
            bail!("{} holds no .sql file", path.display());
        }
        Ok(Baseline::desired(source::load(&tree, &schema, dialect)?, label))
    }
}
