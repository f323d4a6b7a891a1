use super::{
    Rule,
    context::{Context, Findings},
};
use crate::{
    page::page,
    sql::{Ddl, Severity, code_statements, tokens},
};

page! {
    /// # A block that hides statements
    ///
    /// What it runs is put together at run time, or written in a language that is not read here: nothing can be said of
    /// its locks, and what it touches is not known from here on.
    ///
    /// ## Why
    /// Statements that are written out in a DO block, and EXECUTE of a plain literal or of `format` on literals, are
    /// judged like any others. Where a migration needs no loop, write the statements out.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, name text);
    /// ```
    /// ```sql bad
    /// DO $$
    /// DECLARE t record;
    /// BEGIN
    ///   FOR t IN SELECT relname FROM pg_class WHERE relname = 'users' LOOP
    ///     EXECUTE format('ALTER TABLE %I ADD COLUMN locale text', t.relname);
    ///   END LOOP;
    /// END $$;
    /// ```
    /// ```sql good
    /// DO $$
    /// BEGIN
    ///   IF NOT EXISTS (SELECT 1 FROM information_schema.columns WHERE table_name = 'users' AND column_name = 'name') THEN
    ///     ALTER TABLE users ADD COLUMN name text;
    ///   END IF;
    /// END $$;
    /// ```
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, DO; 43.5.4 Executing Dynamic Commands.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "hidden-statements", severity: Severity::Info, page: PAGE, check, fix: super::fix::none };

fn check(acc: &mut Findings<'_>, _: &Context<'_>, ddl: &Ddl) {
    let (code, name) = match ddl {
        Ddl::Do { code: None, language, body } => {
            if changes_schema(body) {
                let message = format!(
                    "This block in {language} could not be read: what it locks and changes is not seen here. Write its \
                     statements out"
                );
                acc.report(&RULE, RULE.severity, message);
            }
            return;
        }
        Ddl::Do { code: Some(code), body, .. } => (code, body),
        _ => return,
    };
    let hidden = code.hidden();
    let Some(first) = hidden.first() else { return };
    let line = name.get(..first.start).map_or(0, |it| it.matches('\n').count()) + 1;
    let seen = code_statements(&code.steps).len();
    let message = format!(
        "{} of this block (the first in its line {line}) {} put together at run time: what {} and {} is not seen here{}",
        if hidden.len() == 1 { "A statement".to_owned() } else { format!("{} statements", hidden.len()) },
        if hidden.len() == 1 { "is" } else { "are" },
        if hidden.len() == 1 { "it locks" } else { "they lock" },
        if hidden.len() == 1 { "changes" } else { "change" },
        if seen == 0 { "" } else { "; the others are judged where they stand" }
    );
    acc.report(&RULE, RULE.severity, message);
}

/// Does the text hold a word that changes a schema?
fn changes_schema(body: &str) -> bool {
    let words = ["alter", "create", "drop", "truncate", "rename", "execute"];
    tokens::tokens(body).iter().any(|it| words.iter().any(|word| it.is(body, word)))
}
