//! A parsed statement: where it stands, what it says, what is wrong with it.

use std::{ops::Range, sync::Arc};

use smol_str::SmolStr;

use super::{Ddl, Ident, ObjectRef};

/// One statement of a file. Splitting finds `range`; `parsed` depends on the text alone and is shared by
/// equal statements, so an edit elsewhere in the file costs nothing.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Bytes in the file, from the first token (leading comments excluded) to before the semicolon.
    pub range: Range<usize>,
    /// Bytes in the file including the comments directly above the statement (annotations live there) and,
    /// behind it, the semicolon and a comment on the same line.
    pub full: Range<usize>,
    pub parsed: Arc<Parsed>,
}

/// The meaning of a statement's text. All ranges are relative to [`Statement::full`]'s start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// Several for `ALTER TABLE a, b`, `DROP TABLE a, b`; none when nothing could be read.
    pub ddl: Vec<Ddl>,
    /// Where objects are named, for hover, navigation and diagnostics. Names as written (unresolved).
    pub marks: Vec<Mark>,
    pub annotations: Vec<Annotation>,
    pub problems: Vec<Problem>,
    /// `ALTER … IF EXISTS`: without the object it alters the statement does nothing.
    pub if_exists: bool,
}

/// An object's name in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub object: ObjectRef,
    pub range: Range<usize>,
    /// This place defines the object (CREATE, ADD COLUMN, a column in CREATE TABLE) rather than refers to it.
    pub defines: bool,
}

/// `-- @renamed from=old_name` on or above a line, or `-- lockkeeper: ignore RULE reason="…"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// `renamed`, `split`, `using`, `backfill`; for directives `ignore`, `ignore-file`.
    pub key: SmolStr,
    /// The rest of the line, trimmed: `from=old_name`.
    pub value: SmolStr,
    pub range: Range<usize>,
    /// The column whose definition shares the line with the annotation or stands on the next one; `None`: the statement.
    pub column: Option<Ident>,
}

impl Annotation {
    /// `x` of `key=x` in the value; quotes removed.
    pub fn argument(&self, key: &str) -> Option<&str> {
        let rest = self.value.split_whitespace().find_map(|it| it.strip_prefix(key)?.strip_prefix('='))?;
        Some(rest.trim_matches(['"', '\'']))
    }
}

/// Something that a person has to look at. A pure room never fails: it returns what it could do and these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub range: Range<usize>,
    pub message: String,
    pub severity: Severity,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Hint,
    Info,
    Warning,
    Error,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hint => "hint",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}
