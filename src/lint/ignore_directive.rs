use super::{Rule, around::never};
use crate::{page::page, sql::Severity};

page! {
    /// # A comment to lint that says nothing
    ///
    /// A `lockkeeper:` comment names a rule that there is not, keeps nothing quiet, or does not say why.
    ///
    /// ## Why
    /// A slip in a rule's name leaves its author believing that the finding was dealt with; a comment whose finding is
    /// gone will hide the next one. With `lint.reasons = "required"` in the settings a comment that gives no reason is
    /// a finding, too.
    ///
    /// What is understood: `-- lockkeeper: ignore RULE, RULE reason="…"` for the statement that follows (without a name:
    /// every rule), `-- lockkeeper: ignore-file RULE reason="…"` for the whole file,
    /// `-- lockkeeper: allow-destructive reason="…"` for a statement that is meant to lose data, and
    /// `-- lockkeeper: irreversible reason="…"` for a migration that has no way back.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, name text, email text, team_id bigint);
    /// ```
    /// ```sql bad
    /// -- lockkeeper: ignore creating-indx reason="forty rows"
    /// CREATE INDEX users_email_idx ON users (email);
    /// ```
    /// ```sql good
    /// -- lockkeeper: ignore creating-index reason="forty rows"
    /// CREATE INDEX users_email_idx ON users (email);
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Lockkeeper's own.
    const PAGE;
}

/// What a directive is worth is known when everything else has been said: [`super::directives`] speaks for this rule.
pub(super) const RULE: Rule =
    Rule { code: "ignore-directive", severity: Severity::Warning, page: PAGE, check: never, fix: super::fix::none };
