//! `[lint]` in `lockkeeper.toml`: how loud each rule is, and where.

use std::{cmp::Ordering, collections::BTreeMap, path::Path};

use anyhow::{Context, Result, bail};
use globset::GlobBuilder;
use serde::Deserialize;
use toml::Spanned;

use super::{SETTINGS_FILE, source::line_column};
use crate::{
    export::compare_versions,
    lint::{self, Config, Level},
};

/// What the project wants of lint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LintSettings {
    pub reasons_required: bool,
    /// Migrations up to this version are not judged.
    pub newer_than: Option<String>,
    pub rules: BTreeMap<String, Level>,
    /// Later ones win.
    pub overrides: Vec<Override>,
}

/// Levels for some files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// Globs, relative to the settings.
    pub paths: Vec<String>,
    pub rules: BTreeMap<String, Level>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct FileLint {
    #[serde(default)]
    reasons: Reasons,
    newer_than: Option<Version>,
    #[serde(default)]
    rules: Levels,
    #[serde(default)]
    overrides: Vec<FileOverride>,
}

type Levels = BTreeMap<Spanned<String>, Spanned<String>>;

#[derive(Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Reasons {
    #[default]
    Optional,
    Required,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Version {
    Number(u64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileOverride {
    paths: Vec<Spanned<String>>,
    rules: Levels,
}

impl LintSettings {
    /// From the text of a settings file; `label` names it in errors.
    pub(super) fn new(file: FileLint, text: &str, label: &str) -> Result<Self> {
        let levels = |levels: Levels| -> Result<BTreeMap<String, Level>> {
            levels.into_iter().map(|(rule, level)| level_of(&rule, &level, text, label)).collect()
        };
        let overrides = file.overrides.into_iter().map(|it| {
            for path in &it.paths {
                let (line, column) = line_column(text, path.span().start);
                let why = || format!("{label}:{line}:{column}: `{}` is not a glob", path.get_ref());
                glob(path.get_ref()).with_context(why)?;
            }
            let paths = it.paths.into_iter().map(Spanned::into_inner).collect();
            Ok(Override { paths, rules: levels(it.rules)? })
        });
        Ok(Self {
            reasons_required: file.reasons == Reasons::Required,
            newer_than: file.newer_than.map(|it| match it {
                Version::Number(it) => it.to_string(),
                Version::Text(it) => it,
            }),
            overrides: overrides.collect::<Result<_>>()?,
            rules: levels(file.rules)?,
        })
    }

    /// For one file, relative to the settings; `version` is that of a migration.
    pub fn config(&self, path: &Path, version: &[String]) -> Config {
        let mut levels = self.rules.clone();
        for it in &self.overrides {
            let matches = |it: &String| glob(it).is_ok_and(|it| it.is_match(path));
            if it.paths.iter().any(matches) {
                levels.extend(it.rules.iter().map(|(rule, level)| (rule.clone(), *level)));
            }
        }
        let limit = self.newer_than.as_deref().filter(|_| !version.is_empty());
        let silent = limit.is_some_and(|limit| {
            let groups: Vec<&str> = limit.split(|it: char| !it.is_ascii_digit()).filter(|it| !it.is_empty()).collect();
            let version: Vec<&str> = version.iter().map(String::as_str).collect();
            compare_versions(&version, &groups) != Ordering::Greater
        });
        Config { levels, reasons_required: self.reasons_required, allow_destructive: false, silent }
    }
}

fn glob(text: &str) -> Result<globset::GlobMatcher> {
    let glob = GlobBuilder::new(text.trim_start_matches("./")).literal_separator(true).build();
    Ok(glob.with_context(|| format!("{SETTINGS_FILE}: `{text}` is not a glob"))?.compile_matcher())
}

fn level_of(rule: &Spanned<String>, level: &Spanned<String>, text: &str, label: &str) -> Result<(String, Level)> {
    let name = rule.get_ref();
    if lint::explain(name).is_none() {
        let (line, column) = line_column(text, rule.span().start);
        let asked = lint::nearest_rule(name).map(|it| format!("; did you mean `{it}`?")).unwrap_or_default();
        bail!("{label}:{line}:{column}: there is no rule `{name}`{asked}");
    }
    let Some(found) = Level::by_name(level.get_ref()) else {
        let (line, column) = line_column(text, level.span().start);
        bail!("{label}:{line}:{column}: `{}` is none of {}", level.get_ref(), Level::WORDS.join(", "));
    };
    Ok((name.clone(), found))
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;
    use crate::sql::Severity;

    fn parse(text: &str) -> Result<LintSettings> {
        Ok(Settings::parse(text, "lockkeeper.toml")?.lint)
    }

    #[test]
    fn levels_are_those_of_the_rules_and_of_the_paths_that_match() -> Result<()> {
        let settings = parse(
            "[lint]\nreasons = \"required\"\nnewer_than = 20\n[lint.rules]\ncreating-index = \"error\"\ndropping-index = \"off\"\n\
             [[lint.overrides]]\npaths = [\"db/old/**\"]\nrules = { creating-index = \"hint\" }\n",
        )?;
        let level = |path: &str| settings.config(Path::new(path), &[]).levels["creating-index"];
        assert_eq!(level("db/new/1.sql"), Level::As(Severity::Error));
        assert_eq!(level("db/old/x/1.sql"), Level::As(Severity::Hint));
        assert_eq!(settings.config(Path::new("a"), &[]).levels["dropping-index"], Level::Off);
        let silent = |version: &str| settings.config(Path::new("a"), &[version.to_owned()]).silent;
        assert_eq!([silent("7"), silent("0020"), silent("21"), silent("100")], [true, true, false, false]);
        Ok(())
    }

    #[test]
    fn what_is_not_known_is_named_with_its_line() {
        let error = |text: &str| parse(text).map_or_else(|it| format!("{it:#}"), |it| format!("{it:?}"));
        assert_eq!(
            error("[lint.rules]\ncreating-indx = \"off\"\n"),
            "lockkeeper.toml:2:1: there is no rule `creating-indx`; did you mean `creating-index`?"
        );
        assert_eq!(
            error("[lint.rules]\ncreating-index = \"of\"\n"),
            "lockkeeper.toml:2:18: `of` is none of off, hint, info, warning, error"
        );
        let glob = error("[[lint.overrides]]\npaths = [\"a{\"]\nrules = {}\n");
        assert!(glob.starts_with("lockkeeper.toml:2:10: `a{` is not a glob"), "{glob}");
    }
}
