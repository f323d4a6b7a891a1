//! Ways down: in files of their own, or in a section of the migration.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Result;

use super::{Migration, Project, sections};
use crate::{
    copilot::rollback_path,
    dialect::parse_file,
    lint::{Down, WayDown, says_irreversible},
    sql::Statement,
};

impl Project {
    /// Does the tool know ways down of this project: a file, or a section with something in it?
    pub fn keeps_ways_down(&self) -> bool {
        let Some(migrations) = self.migrations() else { return false };
        if migrations.files.iter().any(|it| it.down.is_some()) {
            return true;
        }
        let filled = |it: &Migration| -> Result<bool> {
            let Some(down) = sections::down_part(&self.read(&it.up)?) else { return Ok(false) };
            Ok(!self.statements(&down)?.is_empty())
        };
        // A file that cannot be read is told of elsewhere.
        migrations.tool.has_sections() && migrations.files.iter().any(|it| filled(it).unwrap_or(false))
    }

    /// The way down of a migration. `kept`: as [`Project::keeps_ways_down`] says. One that we wrote where the tool does
    /// not look is one, too.
    pub fn way_down(&self, path: &Path, kept: bool) -> Result<Down> {
        let Some(migrations) = self.migrations() else { return Ok(Down::Unkept) };
        let relative = path.strip_prefix(&self.root).unwrap_or(path).as_os_str();
        let own = |it: &&Migration| it.up.as_os_str() == relative && !it.version.is_empty();
        // A repeatable migration has none.
        let Some(migration) = migrations.files.iter().find(own) else { return Ok(Down::Unkept) };
        let text = match self.file_of_way_down(migration) {
            Some(file) => Some(self.read(&file)?),
            None if migrations.tool.has_sections() => sections::down_part(&self.read(&migration.up)?),
            None => None,
        };
        let Some(text) = text else { return Ok(if kept { Down::Kept(WayDown::default()) } else { Down::Unkept }) };
        let statements = self.statements(&text)?;
        let irreversible = says_irreversible(&text);
        // Templates have empty sections: where nobody fills them, nobody keeps ways down.
        let asked = kept || irreversible || !statements.is_empty();
        Ok(if asked { Down::Kept(WayDown { statements, irreversible }) } else { Down::Unkept })
    }

    /// Of a text that is no way up.
    fn statements(&self, text: &str) -> Result<Arc<[Statement]>> {
        Ok(parse_file(self.dialect()?, text).0.into())
    }

    /// The file that holds the way down of a migration, where there is one.
    pub fn file_of_way_down(&self, migration: &Migration) -> Option<PathBuf> {
        let tool = self.migrations()?.tool;
        let ours = rollback_path(tool, &migration.up).filter(|it| *it != migration.up && self.root.join(it).exists());
        migration.down.clone().or(ours)
    }
}
