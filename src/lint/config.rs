//! What a project wants of lint: [`Config`]. Who reads it from where is not the business of this room.

use std::collections::BTreeMap;

use super::{Finding, RULES};
use crate::sql::Severity;

/// What a project wants of lint, for one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// By the code of the rule; the others speak as their pages say.
    pub levels: BTreeMap<String, Level>,
    /// An `ignore` that does not say why is a finding.
    pub reasons_required: bool,
    /// Statements that lose data have been agreed to.
    pub allow_destructive: bool,
    /// Nothing is said of the file: it is older than the project's use of lint.
    pub silent: bool,
}

/// How loud a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Off,
    As(Severity),
}

impl Level {
    /// The words for settings.
    pub const WORDS: [&str; 5] = ["off", "hint", "info", "warning", "error"];

    pub fn by_name(word: &str) -> Option<Self> {
        Some(match word {
            "off" => Self::Off,
            "hint" => Self::As(Severity::Hint),
            "info" => Self::As(Severity::Info),
            "warning" => Self::As(Severity::Warning),
            "error" => Self::As(Severity::Error),
            _ => return None,
        })
    }
}

/// Rules about statements after which rows or values are gone.
pub(super) const LOSES_DATA: &[&str] =
    &["change-type-loses-data", "dropping-column", "dropping-schema", "dropping-table", "truncating-table"];

impl Config {
    /// A finding as the project wants it. `agreed`: a directive at the statement says that it may lose data.
    ///
    /// What loses data is never quieter than a warning unless somebody has agreed to it; what has been agreed to is
    /// told, and fails nothing.
    pub(super) fn settle(&self, mut finding: Finding, agreed: bool) -> Option<Finding> {
        let level = self.levels.get(finding.rule);
        let destructive = LOSES_DATA.contains(&finding.rule);
        let asked = match level {
            Some(Level::As(severity)) => Some(*severity),
            Some(Level::Off) => None,
            None => Some(finding.severity),
        };
        if !destructive {
            finding.severity = asked?;
            return Some(finding);
        }
        if self.allow_destructive || agreed {
            finding.severity = asked?.min(Severity::Info);
            return Some(finding);
        }
        let quiet = asked.is_none_or(|it| it < Severity::Warning);
        if quiet && level.is_some() {
            finding
                .message
                .push_str(". It loses data: whatever the settings, that takes `-- lockkeeper: allow-destructive`");
        }
        finding.severity = asked.unwrap_or(Severity::Warning).max(Severity::Warning);
        Some(finding)
    }
}

/// The rule's name that is written most like this one, if one is.
pub fn nearest_rule(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase().replace('_', "-");
    let near = RULES.iter().map(|it| (distance(&name, it.code), it.code)).min()?;
    (near.0 <= name.len() / 3).then_some(near.1)
}

/// Levenshtein's: insertions, deletions and replacements.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_that_lose_data_are_rules() {
        assert!(LOSES_DATA.iter().all(|it| super::super::explain(it).is_some()));
        assert!(LOSES_DATA.is_sorted());
    }

    #[test]
    fn a_name_with_a_slip_finds_its_rule() {
        assert_eq!(nearest_rule("creating-indx"), Some("creating-index"));
        assert_eq!(nearest_rule("Creating_Index"), Some("creating-index"));
        assert_eq!(nearest_rule("quite-another-thing"), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
