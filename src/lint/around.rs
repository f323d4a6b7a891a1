//! What only other files can tell of a migration, and the rules that speak of it. They speak of the file, not of a
//! statement: at most once each, however many statements there are.

use std::{ops::Range, sync::Arc};

use super::{
    Finding, Fix, LintInput, Rule, clashing_version,
    context::{Context, Findings},
    earlier::Earlier,
    edited_migration,
    file::Found,
    incomplete_rollback, lossy_rollback, missing_rollback, out_of_order_version,
    rollback::{Down, Ways},
    undoing_earlier,
};
use crate::sql::{Ddl, Severity};

/// The files around a migration, as far as they are known.
#[derive(Clone, Debug, Default)]
pub struct Around {
    pub standing: Arc<Standing>,
    pub down: Down,
    /// The migrations that run before it.
    pub earlier: Arc<Earlier>,
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

impl Others {
    /// ` on origin/main`; nothing for what is here.
    pub(super) fn place(&self) -> String {
        if self.branch.is_empty() { String::new() } else { format!(" on {}", self.branch) }
    }
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

/// What a rule about a file looks at.
pub(super) struct Files<'a> {
    pub input: &'a LintInput<'a>,
    pub around: &'a Around,
    /// Up and down, where a way down is to be judged.
    pub ways: Option<Ways<'a>>,
}

type Judge = fn(&Files<'_>) -> Vec<Remark>;

/// The rules that need [`Around`], by code.
const FILE_RULES: &[(&Rule, Judge)] = &[
    (&clashing_version::RULE, clashing_version::judge),
    (&edited_migration::RULE, edited_migration::judge),
    (&incomplete_rollback::RULE, incomplete_rollback::judge),
    (&lossy_rollback::RULE, lossy_rollback::judge),
    (&missing_rollback::RULE, missing_rollback::judge),
    (&out_of_order_version::RULE, out_of_order_version::judge),
];

/// Rules about ways down: a migration that says why there is none has answered them.
pub(super) const ROLLBACK_RULES: [&str; 3] =
    [incomplete_rollback::RULE.code, lossy_rollback::RULE.code, missing_rollback::RULE.code];

/// Does the rule speak of files among others? Without knowledge of those it is silent.
pub fn needs_files(code: &str) -> bool {
    code == undoing_earlier::RULE.code || FILE_RULES.iter().any(|it| it.0.code == code)
}

/// Does the rule speak of a migration's way down?
pub fn is_about_rollback(code: &str) -> bool {
    ROLLBACK_RULES.contains(&code)
}

/// The check of rules that have nothing to say about a statement alone.
pub(super) fn never(_: &mut Findings<'_>, _: &Context<'_>, _: &Ddl) {}

/// What these rules find. Of a file without statements they speak at its first byte.
pub(super) fn judge(input: &LintInput<'_>) -> Vec<Found> {
    let Some(around) = input.around else { return Vec::new() };
    let files = Files { input, around, ways: Ways::of(input, around) };
    let mut res = Vec::new();
    for (rule, judge) in FILE_RULES {
        for Remark { severity, message, statement } in judge(&files) {
            let range: Range<usize> = input.statements.get(statement).map_or(0..0, |it| it.range.clone());
            let finding = Finding { rule: rule.code, severity, range, message, fixable: false, statement };
            res.push(Found { finding, fix: None::<Fix> });
        }
    }
    res
}
