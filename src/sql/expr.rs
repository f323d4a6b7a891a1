//! SQL expressions and queries: the text as written, and a canonical form to compare by.

use std::{cmp::Ordering, fmt, hash};

use smol_str::SmolStr;

use super::DataType;

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

    /// As the default of a column of this type. The canonical form takes a string that reads as a truth value or an
    /// interval for one, as only the type can tell; text is what it is, letter by letter.
    pub fn as_default_of(self, ty: &DataType) -> Self {
        let texts = ["text", "character varying", "character", "name", "bpchar", "\"char\"", "citext"];
        if ty.array || !texts.contains(&ty.name.as_str()) {
            return self;
        }
        let reads_as_another = matches!(self.canon.as_str(), "true" | "false")
            || self.canon.starts_with('\'') && self.canon.contains(|it: char| it.is_ascii_digit());
        match lone_string(&self.text) {
            Some(exact) if reads_as_another && self.canon != exact => Self { canon: exact.into(), ..self },
            _ => self,
        }
    }
}

/// The literal, quotes included, of a text that is nothing but a string: in brackets, with a cast.
fn lone_string(text: &str) -> Option<&str> {
    let text = text.trim();
    let cast = text.get(..5).filter(|it| it.eq_ignore_ascii_case("cast(")).and_then(|_| text.get(5..));
    if let Some(inner) = text.strip_prefix('(').or(cast).and_then(|it| it.strip_suffix(')')) {
        return lone_string(inner);
    }
    let mut end = None;
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, it)) = chars.next() {
        if it == '\'' && chars.next_if(|it| it.1 == '\'').is_none() {
            end = Some(at + 1);
            break;
        }
    }
    let (literal, rest) = text.starts_with('\'').then(|| text.split_at_checked(end?))??;
    let rest = rest.trim_start();
    let cast = rest
        .strip_prefix("::")
        .or_else(|| rest.get(..3).filter(|it| it.eq_ignore_ascii_case("as ")).map(|_| &rest[3..]));
    let is_type = |it: &str| it.chars().all(|it| it.is_alphanumeric() || " _.,\"()[]".contains(it));
    (rest.is_empty() || cast.is_some_and(is_type)).then_some(literal)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_no_interval() {
        let default = |text: &str, ty: &str| Expr::new(text, "'01:00:00'").as_default_of(&DataType::builtin(ty));
        for text in ["'60 minutes'", "('60 minutes')", "'60 minutes'::text", "CAST('60 minutes' AS text)"] {
            assert_eq!(default(text, "text").canon(), "'60 minutes'", "{text}");
            assert_eq!(default(text, "interval").canon(), "'01:00:00'", "{text}");
        }
        assert_eq!(default("'it''s 1' || 'x'", "text").canon(), "'01:00:00'");
        assert_eq!(Expr::new("'t'", "true").as_default_of(&DataType::builtin("text")).canon(), "'t'");
        assert_eq!(Expr::new("true", "true").as_default_of(&DataType::builtin("text")).canon(), "true");
        assert_eq!(lone_string("'a''b'"), Some("'a''b'"));
        assert_eq!(lone_string("'a' || b"), None);
        assert_eq!(lone_string("'open"), None);
    }
}
