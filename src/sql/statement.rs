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

/// The annotations of a schema file: name, what follows it, what it means.
pub const ANNOTATIONS: &[(&str, &str, &str)] = &[
    ("renamed", "from=OLD", "This table or column is the old one under a new name."),
    ("new", "", "This table or column has nothing to do with those that went."),
    ("split", "from=OLD", "This column is a part of one that went; it stands at each of the parts."),
    ("merge", "from=OLD,OLD", "This column is made of several that went."),
    (
        "moved",
        "from=TABLE.OLD [key=COLUMN]",
        "This column was in another table. `key` names the column here that tells the row there by its primary key, where no foreign key does.",
    ),
    (
        "map",
        "from=LABEL to=LABEL",
        "Rows that hold a label which this enum loses get the other one; `to=null` empties them.",
    ),
    ("using", "EXPRESSION", "The new value, over the columns before: for a change of type, a split, a merge."),
    (
        "back",
        "[OLD =] EXPRESSION",
        "The old value, over the new columns of a split or merge: for old code that still reads, and for the way back.",
    ),
    ("backfill", "EXPRESSION", "The value of rows that have none, for a column that must not be NULL."),
];

/// The annotation that was probably meant, for a name that is none: one or two letters are wrong.
pub fn misspelt_annotation(name: &str) -> Option<&'static str> {
    let known = ANNOTATIONS.iter().map(|it| it.0);
    if known.clone().any(|it| it == name) {
        return None;
    }
    let allowed = |word: &str| if word.len() > 4 { 2 } else { 1 };
    let near = known.map(|it| (distance(name, it), it)).filter(|(far, it)| *far <= allowed(it));
    near.min().map(|it| it.1)
}

/// Letters to insert, delete or replace, or neighbours to swap, on the way from one word to the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (rows[i][j] + usize::from(x != y)).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows.last().and_then(|it| it.last()).copied().unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_told_from_another_word() {
        assert_eq!(misspelt_annotation("renmed"), Some("renamed"));
        assert_eq!(misspelt_annotation("splti"), Some("split"));
        assert_eq!(misspelt_annotation("mergr"), Some("merge"));
        assert_eq!(misspelt_annotation("renamed"), None);
        // Other tools have words of their own.
        assert_eq!(misspelt_annotation("omit"), None);
        assert_eq!(misspelt_annotation("deprecated"), None);
        assert_eq!(misspelt_annotation("name"), None);
    }
}
