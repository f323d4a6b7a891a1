//! A scanner for expressions: enough to find the names and calls in them, without a tree.

use crate::sql::{Expr, Ident};

/// A token of an expression; comments and blanks are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::dialect::postgres) enum Token {
    /// A name or a keyword; `quoted` names are never keywords.
    Word {
        name: Ident,
        quoted: bool,
    },
    /// A string, without its quotes.
    Text(String),
    /// A number or a parameter.
    Number(String),
    /// `::`, or a single other character.
    Sign(&'static str),
    Other(char),
}

impl Token {
    /// Is it this keyword (lower case)?
    pub(in crate::dialect::postgres) fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Word { name, quoted: false } if name.as_str() == keyword)
    }

    pub(in crate::dialect::postgres) fn is_char(&self, c: char) -> bool {
        *self == Self::Other(c)
    }
}

/// Does the expression name the column? Calls do not count, qualified names do.
pub(in crate::dialect::postgres) fn mentions(expr: &Expr, column: &Ident) -> bool {
    let tokens = tokens(expr.text());
    tokens.iter().enumerate().any(|(i, it)| match it {
        Token::Word { name, .. } => name == column && !tokens.get(i + 1).is_some_and(|it| it.is_char('(')),
        _ => false,
    })
}

pub(in crate::dialect::postgres) fn tokens(text: &str) -> Vec<Token> {
    let mut res = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (token, len) = if c.is_whitespace() {
            (None, c.len_utf8())
        } else if rest.starts_with("--") {
            (None, rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            (None, rest.find("*/").map_or(rest.len(), |it| it + 2))
        } else if c == '"' {
            let (name, len) = quoted(rest, '"', false);
            (Some(Token::Word { name: Ident::new(&name), quoted: true }), len)
        } else if c == '\'' {
            let (text, len) = quoted(rest, '\'', false);
            (Some(Token::Text(text)), len)
        } else if let Some((text, len)) = prefixed_string(rest).or_else(|| dollar_quoted(rest)) {
            (Some(Token::Text(text)), len)
        } else if c.is_alphabetic() || c == '_' {
            let len = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
            (Some(Token::Word { name: Ident::folded(&rest[..len]), quoted: false }), len)
        } else if c.is_ascii_digit() {
            let len = rest.find(|c: char| !(c.is_alphanumeric() || c == '.' || c == '_')).unwrap_or(rest.len());
            (Some(Token::Number(rest[..len].to_owned())), len)
        } else if rest.starts_with("::") {
            (Some(Token::Sign("::")), 2)
        } else {
            (Some(Token::Other(c)), c.len_utf8())
        };
        res.extend(token);
        rest = &rest[len..];
    }
    res
}

/// Text between quotes at the start, a doubled quote standing for one; and its length in bytes with the quotes.
fn quoted(text: &str, quote: char, backslashes: bool) -> (String, usize) {
    let mut res = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            if chars.peek().is_some_and(|(_, it)| *it == quote) {
                chars.next();
            } else {
                return (res, at + 1);
            }
        } else if c == '\\' && backslashes {
            // What the escape stands for does not matter here, only that it does not end the string.
            res.extend(chars.next().map(|(_, it)| it));
            continue;
        }
        res.push(c);
    }
    (res, text.len())
}

/// `E'…'`, `B'…'`, `X'…'`, `N'…'`.
fn prefixed_string(text: &str) -> Option<(String, usize)> {
    let mut chars = text.chars();
    let prefix = chars.next().filter(|it| "eEbBxXnN".contains(*it))?;
    if chars.next() != Some('\'') {
        return None;
    }
    let (res, len) = quoted(&text[1..], '\'', prefix.eq_ignore_ascii_case(&'e'));
    Some((res, len + 1))
}

fn dollar_quoted(text: &str) -> Option<(String, usize)> {
    let tag_len = text.strip_prefix('$')?.find('$')? + 2;
    let tag = &text[..tag_len];
    if !tag[1..tag_len - 1].chars().all(|it| it.is_alphanumeric() || it == '_') {
        return None;
    }
    let body_len = text[tag_len..].find(tag)?;
    Some((text[tag_len..tag_len + body_len].to_owned(), tag_len + body_len + tag_len))
}
