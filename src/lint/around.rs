//! What only other files can tell of a migration, and the rules that speak of it. They speak of the file, not of a
//! statement: at most once each, however many statements there are.

use std::{ops::Range, sync::Arc};

use super::{
    Finding, Fix, LintInput, Rule, clashing_version,
    context::{Context, Findings},
    edited_migration,
    file::Found,
    out_of_order_version,
};
use crate::sql::{Ddl, Severity};

/// The files around a migration, as far as they are known.
#[derive(Clone, Debug, Default)]
pub struct Around {
    pub standing: Arc<Standing>,
}

/// Where a migration stands among the others, by its name and by what the repository says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The main branch does not have it. `false` also where nobody knows.
    pub pending: bool,
    /// Others of the same version.
    pub same_version: Option<Others>,
    /// Those on the main branch that run behind it, though it is new.
    pub behind: Option<Others>,
    /// As the main branch has it; `None`: not at all, or nobody knows.
    pub main: Option<OnMain>,
}

/// Other migrations, and what the tool makes of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Others {
    pub names: Vec<String>,
    /// A clause for people.
    pub then: &'static str,
    pub severity: Severity,
    /// The branch that has them; empty: they are here.
    pub branch: String,
}

/// The text of a migration on the main branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnMain {
    pub branch: String,
    /// What of it runs forward.
    pub text: Arc<str>,
    pub compare: Compare,
    /// What the tool makes of an edit.
    pub then: &'static str,
    pub severity: Severity,
}

/// What is an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// Another line of text.
    Lines,
    /// Other statements; comments and blanks do not count.
    Statements,
    /// Another text of a changeset (`--changeset author:id`), or one that went.
    Changesets,
}

/// What a rule about a file says.
pub(super) struct Remark {
    pub severity: Severity,
    pub message: String,
    /// Index of the statement it is said at.
    pub statement: usize,
}

impl Remark {
    /// At the head of the file.
    pub fn new(severity: Severity, message: String) -> Self {
        Self { severity, message, statement: 0 }
    }
}

type Judge = fn(&LintInput<'_>, &Around) -> Option<Remark>;

/// The rules that need [`Around`], by code.
const FILE_RULES: &[(&Rule, Judge)] = &[
    (&clashing_version::RULE, clashing_version::judge),
    (&edited_migration::RULE, edited_migration::judge),
    (&out_of_order_version::RULE, out_of_order_version::judge),
];

/// Does the rule speak of files among others? Without knowledge of those it is silent.
pub fn needs_files(code: &str) -> bool {
    FILE_RULES.iter().any(|it| it.0.code == code)
}

/// The check of rules that have nothing to say about a statement alone.
pub(super) fn never(_: &mut Findings<'_>, _: &Context<'_>, _: &Ddl) {}

/// What these rules find. Of a file without statements they speak at its first byte.
pub(super) fn judge(input: &LintInput<'_>) -> Vec<Found> {
    let Some(around) = input.around else { return Vec::new() };
    let found = FILE_RULES.iter().filter_map(|(rule, judge)| {
        let remark = judge(input, around)?;
        let range: Range<usize> = input.statements.get(remark.statement).map_or(0..0, |it| it.range.clone());
        let (severity, message, statement) = (remark.severity, remark.message, remark.statement);
        let finding = Finding { rule: rule.code, severity, range, message, fixable: false, statement };
        Some(Found { finding, fix: None::<Fix> })
    });
    found.collect()
}
