//! Comments that speak to lint: `-- lockkeeper: ignore RULE, RULE reason="…"` for the next statement, `ignore-file` for
//! all of the file, `allow-destructive` for a statement that may lose data, `irreversible` for a migration that has no way
//! back. What is wrong with them is a finding itself.

use std::ops::Range;

use super::{
    FileFix, Finding, Fix, LintInput,
    around::{is_about_rollback, needs_files},
    config::{Config, LOSES_DATA, nearest_rule},
    file::Found,
    ignore_directive,
};
use crate::{sql::Severity, text::TextEdit};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ignore,
    IgnoreFile,
    AllowDestructive,
    /// There is no way back from the migration.
    Irreversible,
}

const WORDS: [(&str, Kind); 4] = [
    ("ignore", Kind::Ignore),
    ("ignore-file", Kind::IgnoreFile),
    ("allow-destructive", Kind::AllowDestructive),
    ("irreversible", Kind::Irreversible),
];

/// Does the text, of a way down, say that there is no way back, and why?
pub fn says_irreversible(text: &str) -> bool {
    let mut found = Vec::new();
    between(text, 0..text.len(), 0, &mut found);
    found.iter().any(Directive::is_irreversible)
}

/// A directive of the file.
struct Directive {
    kind: Option<Kind>,
    word: String,
    /// Rules named, each with its bytes in the file and whether it has kept something quiet. None: all rules.
    rules: Vec<(String, Range<usize>, bool)>,
    /// As written; `None`: there is none.
    reason: Option<String>,
    /// Bytes in the file.
    range: Range<usize>,
    /// The statement it stands at, or before.
    statement: usize,
    used: bool,
}

pub(super) struct Directives {
    list: Vec<Directive>,
}

impl Directives {
    /// Those at statements, and those in comments between them.
    pub fn find(input: &LintInput<'_>) -> Self {
        let mut list = Vec::new();
        let mut end = 0;
        for (index, statement) in input.statements.iter().enumerate() {
            between(input.text, end..statement.full.start, index, &mut list);
            for it in &statement.parsed.annotations {
                let at = statement.full.start + it.range.start..statement.full.start + it.range.end;
                list.extend(read(input.text, at, index));
            }
            end = end.max(statement.full.end);
        }
        between(input.text, end..input.text.len(), input.statements.len(), &mut list);
        Self { list }
    }

    /// Keeps quiet what is ignored at a statement or in the file.
    pub fn silence(&mut self, statement: usize, found: &mut Vec<Found>) {
        found.retain(|it| !self.ignores(statement, it.finding.rule));
    }

    fn ignores(&mut self, statement: usize, rule: &str) -> bool {
        let mut res = false;
        for it in &mut self.list {
            let here = match it.kind {
                Some(Kind::Ignore) => it.statement == statement,
                Some(Kind::IgnoreFile) => true,
                Some(Kind::Irreversible) if it.is_irreversible() && is_about_rollback(rule) => {
                    it.used = true;
                    res = true;
                    continue;
                }
                _ => false,
            };
            let named = it.rules.iter().position(|it| it.0 == rule);
            // What loses data has to be named where it stands.
            let blanket = named.is_none() || it.kind == Some(Kind::IgnoreFile);
            if !here || named.is_none() && !it.rules.is_empty() || blanket && LOSES_DATA.contains(&rule) {
                continue;
            }
            if let Some(named) = named.and_then(|at| it.rules.get_mut(at)) {
                named.2 = true;
            }
            it.used = true;
            res = true;
        }
        res
    }

    /// May the statement lose data?
    pub fn agrees(&mut self, finding: &Finding) -> bool {
        let asked = LOSES_DATA.contains(&finding.rule);
        let here = |it: &&mut Directive| it.kind == Some(Kind::AllowDestructive) && it.statement == finding.statement;
        match self.list.iter_mut().find(|it| asked && here(it)) {
            Some(it) => {
                it.used = true;
                true
            }
            None => false,
        }
    }

    /// What is wrong with the directives themselves, when all else has been said.
    ///
    /// Where the files around are not known, the rules that need them had no chance to speak.
    pub fn judge(&mut self, input: &LintInput<'_>, config: &Config) -> Vec<Found> {
        if input.around.is_none() {
            for it in &mut self.list {
                it.used |= it.kind == Some(Kind::Irreversible);
                for rule in it.rules.iter_mut().filter(|it| needs_files(&it.0)) {
                    rule.2 = true;
                    it.used = true;
                }
            }
        }
        self.list.iter().flat_map(|it| it.judge(input, config)).collect()
    }
}

impl Directive {
    fn is_irreversible(&self) -> bool {
        self.kind == Some(Kind::Irreversible) && self.reason.as_ref().is_some_and(|it| !it.is_empty())
    }

    fn judge(&self, input: &LintInput<'_>, config: &Config) -> Vec<Found> {
        let found = |severity, message: String, fix: Option<FileFix>| Found {
            finding: Finding {
                rule: ignore_directive::RULE.code,
                severity,
                range: self.range.clone(),
                message,
                fixable: fix.is_some(),
                statement: self.statement.min(input.statements.len().saturating_sub(1)),
            },
            fix: fix.map(Fix::Edit),
        };
        let Some(kind) = self.kind else {
            let words = WORDS.map(|it| format!("`{}`", it.0)).join(", ");
            let message = format!("`lockkeeper: {}` means nothing; what is understood: {words}", self.word);
            return vec![found(Severity::Warning, message, None)];
        };
        let mut res = Vec::new();
        let is_rule = |name: &str| super::explain(name).is_some();
        let names_rules = matches!(kind, Kind::Ignore | Kind::IgnoreFile);
        for (name, range, _) in self.rules.iter().filter(|it| names_rules && !is_rule(&it.0)) {
            let near = nearest_rule(name);
            let asked = near.map(|it| format!("; did you mean `{it}`?")).unwrap_or_default();
            let fix = near.map(|it| FileFix {
                title: format!("Name the rule {it}"),
                edits: vec![TextEdit::replace(range.clone(), it)],
                mark: false,
            });
            res.push(found(Severity::Warning, format!("There is no rule `{name}`{asked}"), fix));
        }
        let required = config.reasons_required || kind == Kind::Irreversible;
        if self.reason.as_deref().map_or(required, str::is_empty) {
            let message = format!("Say why it is safe: `{} … reason=\"…\"`", self.word);
            res.push(found(Severity::Warning, message, None));
        }
        let unused: Vec<&str> =
            self.rules.iter().filter(|it| !it.2 && is_rule(&it.0)).map(|it| it.0.as_str()).collect();
        if kind == Kind::AllowDestructive && !self.used {
            res.push(found(
                Severity::Info,
                "Nothing here loses data: take the comment away".to_owned(),
                self.removal(input),
            ));
        } else if kind == Kind::Irreversible {
            if !self.used && self.is_irreversible() {
                let message = "There is a way back, and it leads back: take the comment away".to_owned();
                res.push(found(Severity::Info, message, self.removal(input)));
            }
        } else if kind != Kind::AllowDestructive && !self.used && self.rules.iter().all(|it| is_rule(&it.0)) {
            let what = if unused.is_empty() { "lint".to_owned() } else { unused.join(" and ") };
            let message = format!("Nothing is said here by {what}: take the comment away");
            res.push(found(Severity::Info, message, self.removal(input)));
        } else if kind != Kind::AllowDestructive && self.used && !unused.is_empty() {
            let message = format!("Nothing is said here by {}: take the name away", unused.join(" and "));
            res.push(found(Severity::Info, message, None));
        }
        res
    }

    /// Takes the comment away, if it has its line for itself.
    fn removal(&self, input: &LintInput<'_>) -> Option<FileFix> {
        let text = input.text;
        let start = text[..self.range.start].rfind('\n').map_or(0, |it| it + 1);
        let end = text[self.range.end..].find('\n').map_or(text.len(), |it| self.range.end + it + 1);
        let before = text[start..self.range.start].trim();
        let alone = before == "--" && text[self.range.end..end].trim().is_empty();
        alone.then(|| FileFix {
            title: "Take the comment away".to_owned(),
            edits: vec![TextEdit::replace(start..end, "")],
            mark: false,
        })
    }
}

/// Directives in the comments of some bytes that hold nothing but comments and blanks.
fn between(text: &str, bytes: Range<usize>, statement: usize, acc: &mut Vec<Directive>) {
    let Some(gap) = text.get(bytes.clone()).filter(|it| it.contains("lockkeeper:")) else { return };
    let mut start = bytes.start;
    for line in gap.split_inclusive('\n') {
        let inner = line.trim_start_matches([' ', '\t', '-', '/', '*']);
        // A comment begins the line: what psql or COPY reads is none.
        if line.trim_start().starts_with("--") && inner.starts_with("lockkeeper:") {
            let at = start + line.len() - inner.len();
            acc.extend(read(text, at..at + inner.trim_end().len(), statement));
        }
        start += line.len();
    }
}

/// A directive from the bytes behind the marks of a comment. `None`: it speaks of something else.
fn read(text: &str, range: Range<usize>, statement: usize) -> Option<Directive> {
    let line = text.get(range.clone())?;
    let rest = line.strip_prefix("lockkeeper:")?;
    let blank = rest.len() - rest.trim_start().len();
    let rest = rest.trim_start();
    let begin = range.start + "lockkeeper:".len() + blank;
    let word = rest.split([' ', '\t']).next().unwrap_or_default();
    let reason_at = rest.find("reason=");
    let mut rules = Vec::new();
    let mut at = word.len();
    for part in rest[word.len()..reason_at.unwrap_or(rest.len()).max(word.len())].split_inclusive([' ', '\t', ',']) {
        let name = part.trim_end_matches([' ', '\t', ',']);
        if !name.is_empty() {
            rules.push((name.to_owned(), begin + at..begin + at + name.len(), false));
        }
        at += part.len();
    }
    let kind = WORDS.iter().find(|it| it.0 == word).map(|it| it.1);
    let reason = reason_at.map(|it| value(&rest[it + "reason=".len()..]));
    Some(Directive { kind, word: word.to_owned(), rules, reason, range, statement, used: false })
}

/// `"…"`, `'…'`, or the rest.
fn value(text: &str) -> String {
    let quoted = text.chars().next().filter(|it| matches!(it, '"' | '\''));
    let inner = match quoted {
        Some(quote) => text[1..].split(quote).next().unwrap_or_default(),
        None => text,
    };
    inner.trim().to_owned()
}
