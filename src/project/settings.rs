//! `lockkeeper.toml`: optional, and every key in it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use globset::{GlobBuilder, GlobSetBuilder};
use serde::Deserialize;

use super::{LintSettings, Overlay, lint_settings::FileLint, read, source::line_column};
use crate::{export::Tool, plan::Facts, sql::Name};

pub const SETTINGS_FILE: &str = "lockkeeper.toml";

/// A key of the settings, for people.
pub struct Setting {
    /// With the tables it is in; `*` is any name.
    pub key: &'static str,
    pub value: &'static str,
    pub default: &'static str,
    pub about: &'static str,
}

const fn setting(key: &'static str, value: &'static str, default: &'static str, about: &'static str) -> Setting {
    Setting { key, value, default, about }
}

/// Every key there is, in the order of the docs.
pub const SETTINGS: &[Setting] = &[
    setting("dialect", "`\"postgres\"`", "`\"postgres\"`", "the database"),
    setting("server_version", "13 to 18", "15", "major version of the server that plans and lint are for"),
    setting("schema", "glob, or list of globs", "by layout", "the files of the desired schema"),
    setting("utc", "`true`, `false`", "`false`", "sessions that migrate have TimeZone = UTC"),
    setting("migrations.dir", "folder", "by layout", "where the migrations are"),
    setting(
        "migrations.tool",
        "name of a tool",
        "by layout",
        "who runs them: `flyway`, `sqlx`, …, `sql` for a plain client",
    ),
    setting(
        "naming.versions",
        "`\"numbers\"`, `\"timestamps\"`",
        "numbers",
        "for the first migration of an empty folder",
    ),
    setting(
        "main_branch",
        "revision",
        "origin/HEAD, origin/main, …",
        "what counts as deployed: `edited-migration` and others",
    ),
    setting("tables.*.rows", "number", "not known", "rows in production: findings are ranked by it"),
    setting("lint.reasons", "`\"required\"`, `\"optional\"`", "optional", "an `ignore` has to say why"),
    setting("lint.newer_than", "version", "all are judged", "migrations up to this version are left alone"),
    setting(
        "lint.rules.*",
        "`\"off\"`, `\"hint\"`, `\"info\"`, `\"warning\"`, `\"error\"`",
        "as the rule's page says",
        "how loud a rule is; warnings and errors fail CI",
    ),
    setting("lint.overrides[].paths", "list of globs", "", "files for which `rules` below hold"),
    setting("lint.overrides[].rules.*", "as `lint.rules.*`", "", "how loud a rule is in them; later overrides win"),
];

/// The settings. Everything absent is found by layout or has a default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `postgres`.
    pub dialect: Option<String>,
    /// Major version, e.g. 15.
    pub server_version: Option<u32>,
    /// The session that runs migrations has TimeZone = UTC.
    pub utc: bool,
    /// Globs of schema files, relative to the settings; empty: by layout.
    pub schema: Vec<String>,
    pub migrations: MigrationSettings,
    /// The revision whose migrations may have run; by itself found among the usual names.
    pub main_branch: Option<String>,
    /// Rows by table, as written: `orders`, `billing.invoices`.
    pub rows: BTreeMap<String, u64>,
    pub versions: Option<Versions>,
    pub lint: LintSettings,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MigrationSettings {
    /// Relative to the settings.
    pub dir: Option<PathBuf>,
    pub tool: Option<Tool>,
}

/// `naming.versions`: how the first migration of a folder without any is numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Versions {
    Numbers,
    Timestamps,
}

/// The shape of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    dialect: Option<String>,
    server_version: Option<u32>,
    #[serde(default)]
    utc: bool,
    schema: Option<OneOrMany>,
    main_branch: Option<String>,
    #[serde(default)]
    migrations: FileMigrations,
    #[serde(default)]
    tables: BTreeMap<String, FileTable>,
    #[serde(default)]
    naming: FileNaming,
    #[serde(default)]
    lint: FileLint,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct FileMigrations {
    dir: Option<PathBuf>,
    tool: Option<toml::Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileTable {
    rows: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct FileNaming {
    versions: Option<Versions>,
}

impl Settings {
    /// Reads the settings of a folder. None there: the defaults.
    pub(super) fn load(root: &Path, overlays: &Overlay) -> Result<Self> {
        let path = root.join(SETTINGS_FILE);
        if !overlays.contains_key(&path) && !path.exists() {
            return Ok(Self::default());
        }
        let text = read::read(&path, overlays)?;
        Self::parse(&text, &path.display().to_string())
    }

    /// From the text of a settings file; `label` names it in errors.
    pub fn parse(text: &str, label: &str) -> Result<Self> {
        let file: File = match toml::from_str(text) {
            Ok(file) => file,
            Err(error) => {
                let (line, column) = error.span().map_or((1, 1), |it| line_column(text, it.start));
                let message = error.message().lines().collect::<Vec<_>>().join(" ");
                bail!("{label}:{line}:{column}: {message}");
            }
        };
        let tool = match &file.migrations.tool {
            None => None,
            Some(word) => Some(Tool::by_name(word.get_ref()).with_context(|| {
                let (line, column) = line_column(text, word.span().start);
                let known: Vec<_> = Tool::ALL.iter().map(|it| it.name()).collect();
                format!(
                    "{label}:{line}:{column}: unknown tool `{}`, expected one of {}",
                    word.get_ref(),
                    known.join(", ")
                )
            })?),
        };
        Ok(Self {
            dialect: file.dialect,
            server_version: file.server_version,
            utc: file.utc,
            schema: match file.schema {
                None => Vec::new(),
                Some(OneOrMany::One(glob)) => vec![glob],
                Some(OneOrMany::Many(globs)) => globs,
            },
            migrations: MigrationSettings { dir: file.migrations.dir, tool },
            main_branch: file.main_branch,
            rows: file.tables.into_iter().filter_map(|(name, table)| Some((name, table.rows?))).collect(),
            versions: file.naming.versions,
            lint: LintSettings::new(file.lint, text, label)?,
        })
    }

    /// What the settings say about production.
    pub fn facts(&self) -> Facts {
        let rows = self.rows.iter().map(|(name, rows)| {
            let name = match name.split_once('.') {
                Some((schema, name)) => Name::new(schema, name),
                None => Name::new("public", name),
            };
            (name, *rows)
        });
        Facts {
            server_version: self.server_version.unwrap_or(Facts::DEFAULT_SERVER_VERSION),
            rows: rows.collect(),
            bytes: BTreeMap::new(),
            utc: self.utc,
        }
    }

    /// The files that the schema globs match; `None` when there are no globs.
    pub(super) fn schema_files(&self, files: &[PathBuf]) -> Result<Option<Vec<PathBuf>>> {
        if self.schema.is_empty() {
            return Ok(None);
        }
        let mut set = GlobSetBuilder::new();
        for glob in &self.schema {
            let parsed = GlobBuilder::new(glob.trim_start_matches("./")).literal_separator(true).build();
            set.add(parsed.with_context(|| format!("{SETTINGS_FILE}: `{glob}` is not a glob"))?);
        }
        let set = set.build().with_context(|| format!("{SETTINGS_FILE}: cannot use the schema globs"))?;
        let found: Vec<_> = files.iter().filter(|it| set.is_match(it)).cloned().collect();
        if found.is_empty() {
            bail!("{SETTINGS_FILE}: no file matches schema = {:?}", self.schema);
        }
        Ok(Some(found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn error(text: &str) -> String {
        match Settings::parse(text, "lockkeeper.toml") {
            Ok(settings) => panic!("no error but {settings:?}"),
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn every_key_is_read() -> Result<()> {
        let text = r#"
            dialect = "postgres"
            server_version = 16
            schema = "db/*.sql"
            utc = true
            main_branch = "origin/trunk"
            [migrations]
            dir = "db/migration"
            tool = "flyway"
            [naming]
            versions = "timestamps"
            [tables.orders]
            rows = 50_000_000
            [tables."billing.invoices"]
            rows = 7
        "#;
        let settings = Settings::parse(text, "x")?;
        assert_eq!(settings.migrations.tool, Some(Tool::Flyway));
        assert_eq!(settings.main_branch.as_deref(), Some("origin/trunk"));
        assert_eq!(settings.versions, Some(Versions::Timestamps));
        let facts = settings.facts();
        assert_eq!((facts.server_version, facts.utc), (16, true));
        assert_eq!(facts.rows.get(&Name::new("public", "orders")), Some(&50_000_000));
        assert_eq!(facts.rows.get(&Name::new("billing", "invoices")), Some(&7));
        Ok(())
    }

    #[test]
    fn what_is_not_known_is_named_with_its_line() {
        let unknown = error("server_version = 15\nshema = \"x.sql\"\n");
        assert!(unknown.starts_with("lockkeeper.toml:2:1: unknown field `shema`, expected one of"), "{unknown}");
        assert!(error("[tables.orders]\nrow = 1\n").starts_with("lockkeeper.toml:2:1: unknown field `row`"));
        assert!(error("\n[migrations]\ntool = \"flywy\"\n").starts_with("lockkeeper.toml:3:8: unknown tool `flywy`"));
        assert!(error("a = = 1").starts_with("lockkeeper.toml:1:"));
        assert!(error("server_version = \"15\"").starts_with("lockkeeper.toml:1:18: invalid type"));
    }
}
