//! `lint --fix`: edits of files that say the same thing to the end. What takes several deployments is left to people.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::Judged;
use crate::{
    catalog::{Catalog, Source, differences, replay},
    dialect::Dialect,
    export::{Mark, Tool},
    lint::{self, LintInput},
    plan::Facts,
    project::{self, SourceFile},
    text::{Document, TextEdit},
};

/// Rounds of edits: each may bring to light what the last one hid.
const ROUNDS: usize = 50;

/// What a file becomes.
pub struct Mended {
    pub path: PathBuf,
    pub text: String,
    /// A settings file of the tool, to be made beside it.
    pub beside: Option<(PathBuf, String)>,
    pub fixes: usize,
}

/// What stays the same for all files.
pub struct Mender<'a> {
    pub dialect: &'a dyn Dialect,
    pub facts: &'a Facts,
    pub tool: Tool,
}

impl Mender<'_> {
    /// Makes the edits that can be made of one file, in memory. `before` is the catalog before it. `None`: there are none.
    pub fn mend(&self, file: &mut Judged, before: &Catalog) -> Result<Option<Mended>> {
        let raw = file.raw.to_string();
        let mut res = Mended { path: file.path.clone(), text: raw, beside: None, fixes: 0 };
        let mut tool_config = file.tool_config.clone();
        let mut source = file.file.clone();
        for _ in 0..ROUNDS {
            let input = self.input(&source, before, &res.text, tool_config.as_deref());
            let fixes = lint::fixes(&input, &file.config);
            let name = file.path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
            let mut edits: Vec<TextEdit> = Vec::new();
            for fix in fixes {
                match self.tool.mark(&res.text, &name).filter(|_| fix.mark) {
                    Some(Mark::Inside(at, text)) => edits.push(TextEdit::insert(at, text)),
                    Some(Mark::Beside { name, line }) if tool_config.is_none() => {
                        let line = format!("{line}\n");
                        res.beside = Some((file.path.with_file_name(name), line.clone()));
                        tool_config = Some(line);
                    }
                    // Another's settings are not ours to change.
                    Some(Mark::Beside { .. }) => continue,
                    None if fix.mark => continue,
                    None => {}
                }
                res.fixes += 1;
                edits.extend(fix.edits);
            }
            if edits.is_empty() {
                break;
            }
            let mut document = Document::new(&res.text);
            document.edit(&edits);
            res.text = document.text();
            source = project::parse(self.dialect, &file.file.path, &res.text.as_str().into());
        }
        if res.fixes == 0 {
            return Ok(None);
        }
        self.check(file, before, &source)?;
        file.runs = self.tool.runs(&res.text, tool_config.as_deref());
        file.raw = res.text.as_str().into();
        file.file = source;
        Ok(Some(res))
    }

    fn input<'a>(
        &'a self,
        source: &'a SourceFile,
        before: &'a Catalog,
        raw: &str,
        config: Option<&str>,
    ) -> LintInput<'a> {
        LintInput {
            dialect: self.dialect,
            text: &source.text,
            statements: &source.statements,
            before,
            facts: self.facts,
            runs: self.tool.runs(raw, config),
            around: None,
        }
    }

    /// The schema must end as it would have.
    fn check(&self, file: &Judged, before: &Catalog, fixed: &SourceFile) -> Result<()> {
        let end = |it: &SourceFile| replay(before.clone(), &[Source { statements: it.statements.clone() }]).catalog;
        let differences = differences(&end(&file.file), &end(fixed));
        if let Some(first) = differences.first() {
            bail!("{}: its fixes would end in another schema ({first}); nothing was changed", file.name);
        }
        Ok(())
    }
}

/// Writes what has been mended, new settings files among it: all of it or nothing.
pub fn write(mended: &[Mended]) -> Result<()> {
    let beside = mended.iter().filter_map(|it| it.beside.clone());
    let beside: Vec<_> = beside.map(|(path, contents)| project::NewFile { path, contents }).collect();
    let file = |it: &Mended| project::NewFile { path: it.path.clone(), contents: it.text.clone() };
    let changed: Vec<_> = mended.iter().map(file).collect();
    if changed.is_empty() { Ok(()) } else { project::replace(&changed, &beside) }
}

/// Nothing is judged here, but a path has to be a file of the disk.
pub fn refuse_stdin(path: &Path) -> Result<()> {
    if path.as_os_str() == "-" {
        bail!("--fix: stdin cannot be changed; name a file");
    }
    Ok(())
}
