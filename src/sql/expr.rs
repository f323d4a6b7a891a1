//! SQL expressions and queries: the text as written, and a canonical form to compare by.

use std::{cmp::Ordering, fmt, hash};

use smol_str::SmolStr;

/// An expression (default, check, predicate, view query …) as its author wrote it, with the canonical form
/// that stands for it in comparisons.
///
/// The dialect makes the canonical form: what PostgreSQL's deparser would print, as far as that can be known
/// without a server: lower case, no redundant parentheses, no casts on literals, `IN` as `= ANY`.
/// Equality, order and hash use the canonical form only.
#[derive(Clone)]
pub struct Expr {
    text: SmolStr,
    canon: SmolStr,
}

impl Expr {
    /// `text` as written; `canon` from the dialect.
    pub fn new(text: impl Into<SmolStr>, canon: impl Into<SmolStr>) -> Self {
        Self { text: text.into(), canon: canon.into() }
    }

    /// As written, ready to stand in a statement.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The form to compare by.
    pub fn canon(&self) -> &str {
        &self.canon
    }
}

impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.canon == other.canon
    }
}
impl Eq for Expr {}
impl PartialOrd for Expr {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Expr {
    fn cmp(&self, other: &Self) -> Ordering {
        self.canon.cmp(&other.canon)
    }
}
impl hash::Hash for Expr {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.canon.hash(state);
    }
}
impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.text)
    }
}
impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
