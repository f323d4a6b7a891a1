//! Where a plan's files go, and in which shape.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{Project, Versions, read_folder};
use crate::export::{ExportContext, FORMATS, Format, Tool};

/// A folder for a plan's files.
pub struct Target {
    pub format: &'static Format,
    pub dir: PathBuf,
    /// Names with versions that the new ones must be above.
    names: Vec<String>,
    timestamps: bool,
}

impl Project {
    /// Settles format and folder. `tool` is a name of [`FORMATS`]; `sql` and none at all mean the shape that the
    /// project's own tool reads. Without `dir`: the folder of the project's migrations, else `migrations`.
    pub fn target(&self, tool: Option<&str>, dir: Option<&Path>) -> Result<Target> {
        let format = self.format(tool)?;
        let dir = match (dir, self.migrations()) {
            (Some(dir), _) => dir.to_path_buf(),
            (None, Some(migrations)) => self.root.join(&migrations.dir),
            (None, None) => self.root.join("migrations"),
        };
        let mut names = read_folder(&dir, format.tool)?.names;
        if names.is_empty()
            && let Some(migrations) = self.migrations().filter(|it| it.tool == format.tool)
        {
            names.clone_from(&migrations.names);
        }
        Ok(Target { format, dir, names, timestamps: self.settings.versions == Some(Versions::Timestamps) })
    }

    fn format(&self, asked: Option<&str>) -> Result<&'static Format> {
        let own = self.migrations().map(|it| it.tool);
        let tool = match asked {
            Some("sql") if own == Some(Tool::Flyway) => Tool::Plain,
            None | Some("sql") => own.unwrap_or(Tool::Plain),
            Some(name) => {
                let known = || FORMATS.iter().map(|it| it.name).collect::<Vec<_>>().join(", ");
                return Format::by_name(name)
                    .with_context(|| format!("--as {name}: unknown; files can be written as {}", known()));
            }
        };
        Format::of(tool).with_context(|| {
            format!(
                "the project's migrations are {}'s, which Lockkeeper reads but does not write: \
                 name a format with --as and a folder with --out",
                tool.name()
            )
        })
    }
}

impl Target {
    /// What [`crate::export::render`] needs. `from` and `to` name the two catalogs for people.
    pub fn context<'a>(&'a self, now: &'a str, from: &'a str, to: &'a str) -> ExportContext<'a> {
        ExportContext { format: self.format, names: &self.names, now: Some(now), timestamps: self.timestamps, from, to }
    }
}
