use std::collections::BTreeMap;

use super::{
    LintInput, OnMain, Rule,
    around::{Compare, Files, Remark, never},
};
use crate::{
    page::page,
    sql::{
        Severity,
        tokens::{TokenKind, tokens},
    },
};

page! {
    /// # An edit of a migration that may have run
    ///
    /// The main branch has the migration with another text: where it has run it does not run again, and a tool that keeps
    /// checksums refuses to go on.
    ///
    /// ## Why
    /// Put the file back as it was, and write what is new as a migration of its own.
    ///
    /// ```files bad
    /// -- main: migrations/0001_users.sql
    /// CREATE TABLE users (id bigint PRIMARY KEY);
    /// -- file: migrations/0001_users.sql
    /// CREATE TABLE users (id bigint PRIMARY KEY, email text);
    /// ```
    /// ```files good
    /// -- main: migrations/0001_users.sql
    /// CREATE TABLE users (id bigint PRIMARY KEY);
    /// -- file: migrations/0001_users.sql
    /// -- Everybody who has ever signed up.
    /// CREATE TABLE users (id bigint PRIMARY KEY);
    /// -- file: migrations/0002_email.sql
    /// SET lock_timeout = '2s';
    /// ALTER TABLE users ADD COLUMN email text;
    /// ```
    ///
    /// ## Versions
    /// All. Comments and blanks are an edit only for tools that keep a checksum of the text: Flyway, sqlx, refinery,
    /// Prisma. For which branch is the main branch see `out-of-order-version`; the file is compared with what that branch
    /// had where this one left it.
    ///
    /// ## Source
    /// The documentation and the source of each tool.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "edited-migration", severity: Severity::Error, page: PAGE, check: never, fix: super::fix::none };

pub(super) fn judge(files: &Files<'_>) -> Vec<Remark> {
    files.around.standing.main.iter().filter_map(|it| edited(files.input, it)).collect()
}

fn edited(input: &LintInput<'_>, main: &OnMain) -> Option<Remark> {
    let old: &str = &main.text;
    if old == input.text {
        return None;
    }
    let statement = first_edit(input, old);
    let edited = match main.compare {
        Compare::Lines => !old.lines().eq(input.text.lines()),
        Compare::Statements => statement.is_some(),
        Compare::Changesets => changeset_changed(old, input.text),
    };
    let message = format!(
        "This migration is on {} with another text: {}. Put it back, and write what is new as a migration of its own",
        main.branch, main.then
    );
    edited.then(|| Remark { severity: main.severity, message, statement: statement.unwrap_or(0) })
}

/// The first statement that is not what it was; where statements were taken away from the end, the last.
fn first_edit(input: &LintInput<'_>, old: &str) -> Option<usize> {
    let before = input.dialect.split(old).pieces;
    let before: Vec<&str> = before.iter().filter(|it| !it.skip).filter_map(|it| old.get(it.range.clone())).collect();
    let after: Vec<&str> = input.statements.iter().filter_map(|it| input.text.get(it.range.clone())).collect();
    let same = before.iter().zip(&after).take_while(|(a, b)| same_tokens(a, b)).count();
    (same < before.len().max(after.len())).then(|| same.min(after.len().saturating_sub(1)))
}

/// Do they say the same? Comments, blanks and the case of words apart.
fn same_tokens(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let (left, right) = (tokens(a), tokens(b));
    let same = |(x, y): (&crate::sql::tokens::Token, &crate::sql::tokens::Token)| {
        x.kind == y.kind
            && match x.kind {
                TokenKind::Word => x.text(a).eq_ignore_ascii_case(y.text(b)),
                _ => x.text(a) == y.text(b),
            }
    };
    left.len() == right.len() && left.iter().zip(&right).all(same)
}

fn changeset_changed(old: &str, new: &str) -> bool {
    let new = changesets(new);
    changesets(old).into_iter().any(|(id, text)| new.get(&id).is_none_or(|it| !same_tokens(&text, it)))
}

/// The changesets of Liquibase's formatted SQL, by `author:id`.
fn changesets(text: &str) -> BTreeMap<String, String> {
    let mut res: BTreeMap<String, String> = BTreeMap::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        let comment = line.trim_start().strip_prefix("--").map(str::trim_start).unwrap_or_default();
        match comment.strip_prefix("changeset ") {
            Some(rest) => open = rest.split_whitespace().next().map(str::to_owned),
            None => {
                if let Some(id) = &open {
                    let body = res.entry(id.clone()).or_default();
                    body.push_str(line);
                    body.push('\n');
                }
            }
        }
    }
    res
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_comments_and_case_say_nothing() {
        assert!(same_tokens("create  table T (a int) -- x", "CREATE TABLE t(a /* y */ int)"));
        assert!(!same_tokens("select 'A'", "select 'a'"));
        assert!(!same_tokens("select \"A\"", "select \"a\""));
        assert!(!same_tokens("create table t (a int)", "create table t (a int, b int)"));
    }

    #[test]
    fn a_changeset_more_is_no_edit() {
        let one = "--liquibase formatted sql\n--changeset a:1\nCREATE TABLE t (a int);\n";
        assert!(!changeset_changed(one, &format!("{one}-- changeset a:2\nCREATE TABLE u (a int);\n")));
        assert!(changeset_changed(one, &one.replace("(a int)", "(b int)")));
        assert!(changeset_changed(one, "--liquibase formatted sql\n"));
    }
}
