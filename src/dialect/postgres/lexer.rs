//! Tokens, as the server's own scanner cuts them (manual chapter 4.1).
//!
//! Cheap and total: any text is a list of tokens. Statements are parsed by squawk; this is for splitting, for
//! expressions and for texts that squawk refuses.

use std::ops::Range;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Unquoted name or keyword.
    Word,
    /// `"name"`, `U&"name"`.
    Quoted,
    /// `'text'`, with any prefix (E, B, X, N, U&), or dollar quoted.
    String,
    Number,
    /// `$1`.
    Parameter,
    /// Operator characters, cut as the server cuts them; `::` and `:=` too.
    Operator,
    /// One of `( ) [ ] , ; .` and `:`.
    Mark,
    /// Anything else: one character.
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub kind: Kind,
    pub text: &'a str,
    pub start: usize,
}

impl Token<'_> {
    pub fn range(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    /// An unquoted word, compared without case.
    pub fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    pub fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Operator | Kind::Mark) && self.text == text
    }
}

/// The tokens of a text, without white space and comments.
pub(super) fn tokens(text: &str) -> Tokens<'_> {
    Tokens { text, at: 0 }
}

#[derive(Clone, Debug)]
pub(super) struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let bytes = self.text.as_bytes();
        self.at = skip_blank(bytes, self.at);
        let start = self.at;
        let first = *bytes.get(start)?;
        let (kind, end) = token_at(bytes, start, first);
        let end = if kind == Kind::Other { self.text.ceil_char_boundary(end) } else { end };
        self.at = end;
        Some(Token { kind, text: &self.text[start..end], start })
    }
}

fn token_at(bytes: &[u8], start: usize, first: u8) -> (Kind, usize) {
    let next = bytes.get(start + 1).copied().unwrap_or(0);
    // What is not closed is neither a string nor a name.
    let closed = |kind, (end, closed): (usize, bool)| (if closed { kind } else { Kind::Other }, end);
    match first {
        b'\'' => closed(Kind::String, skip_quoted(bytes, start, b'\'')),
        b'"' => closed(Kind::Quoted, skip_quoted(bytes, start, b'"')),
        b'$' if next.is_ascii_digit() => (Kind::Parameter, skip_while(bytes, start + 1, |it| it.is_ascii_digit())),
        b'$' => match skip_dollar(bytes, start) {
            Some(end) => closed(Kind::String, end),
            None => (Kind::Other, start + 1),
        },
        b'e' | b'E' if next == b'\'' => closed(Kind::String, skip_escaped(bytes, start + 1)),
        b'b' | b'B' | b'x' | b'X' | b'n' | b'N' if next == b'\'' => {
            closed(Kind::String, skip_quoted(bytes, start + 1, b'\''))
        }
        b'u' | b'U' if next == b'&' && matches!(bytes.get(start + 2), Some(b'\'' | b'"')) => {
            let quote = bytes[start + 2];
            let kind = if quote == b'"' { Kind::Quoted } else { Kind::String };
            closed(kind, skip_quoted(bytes, start + 2, quote))
        }
        _ if starts_word(first) => (Kind::Word, skip_while(bytes, start, is_word_byte)),
        b'0'..=b'9' => (Kind::Number, skip_number(bytes, start)),
        b'.' if next.is_ascii_digit() => (Kind::Number, skip_number(bytes, start)),
        b'(' | b')' | b'[' | b']' | b',' | b';' | b'.' => (Kind::Mark, start + 1),
        b':' if next == b':' || next == b'=' => (Kind::Operator, start + 2),
        b':' => (Kind::Mark, start + 1),
        _ if is_operator_byte(first) => (Kind::Operator, skip_operator(bytes, start)),
        _ => (Kind::Other, start + 1),
    }
}

/// Letters, underscore and every byte of a non-ASCII character start a name.
pub(super) fn starts_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

pub(super) fn is_word_byte(byte: u8) -> bool {
    starts_word(byte) || byte.is_ascii_digit() || byte == b'$'
}

fn is_operator_byte(byte: u8) -> bool {
    matches!(
        byte,
        b'+' | b'-'
            | b'*'
            | b'/'
            | b'<'
            | b'>'
            | b'='
            | b'~'
            | b'!'
            | b'@'
            | b'#'
            | b'%'
            | b'^'
            | b'&'
            | b'|'
            | b'`'
            | b'?'
    )
}

fn skip_while(bytes: &[u8], start: usize, is: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    start + rest.iter().position(|it| !is(*it)).unwrap_or(rest.len())
}

/// Digits, fraction, exponent; also `0x1F` and `1_000` (PostgreSQL 16).
fn skip_number(bytes: &[u8], start: usize) -> usize {
    if bytes[start] == b'0' && matches!(bytes.get(start + 1), Some(b'x' | b'X' | b'o' | b'O' | b'b' | b'B')) {
        return skip_while(bytes, start + 2, |it| it.is_ascii_alphanumeric() || it == b'_');
    }
    let digits = |at| skip_while(bytes, at, |it| it.is_ascii_digit() || it == b'_');
    let mut end = digits(start);
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1) != Some(&b'.') {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        if bytes.get(end + 1 + sign).is_some_and(u8::is_ascii_digit) {
            end = digits(end + 1 + sign);
        }
    }
    end
}

/// The longest run of operator characters before a comment; a trailing `+` or `-` belongs to it only if one of
/// `~ ! @ # % ^ & | ` ?` does too (manual 4.1.3).
fn skip_operator(bytes: &[u8], start: usize) -> usize {
    let mut end = start;
    while bytes.get(end).is_some_and(|it| is_operator_byte(*it)) {
        let pair = (bytes[end], bytes.get(end + 1).copied());
        if end > start && matches!(pair, (b'-', Some(b'-')) | (b'/', Some(b'*'))) {
            break;
        }
        end += 1;
    }
    let special = bytes[start..end]
        .iter()
        .any(|it| matches!(it, b'~' | b'!' | b'@' | b'#' | b'%' | b'^' | b'&' | b'|' | b'`' | b'?'));
    while !special && end > start + 1 && matches!(bytes[end - 1], b'+' | b'-') {
        end -= 1;
    }
    end
}

/// Past white space and comments.
pub(super) fn skip_blank(bytes: &[u8], mut at: usize) -> usize {
    loop {
        at = skip_while(bytes, at, is_space);
        match (bytes.get(at), bytes.get(at + 1)) {
            (Some(b'-'), Some(b'-')) => at = skip_line(bytes, at),
            (Some(b'/'), Some(b'*')) => at = skip_comment(bytes, at).0,
            (Some(0xEF), Some(0xBB)) if bytes.get(at + 2) == Some(&0xBF) => at += 3,
            _ => return at,
        }
    }
}

/// Space, tab, newline, carriage return, form feed, vertical tab.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0B | 0x0C)
}

/// To the newline (not past it).
pub(super) fn skip_line(bytes: &[u8], at: usize) -> usize {
    skip_while(bytes, at, |it| it != b'\n')
}

/// Past a block comment, which may hold others; `false`: it is not closed.
pub(super) fn skip_comment(bytes: &[u8], start: usize) -> (usize, bool) {
    let mut depth = 0_u32;
    let mut at = start;
    loop {
        at = skip_while(bytes, at, |it| it != b'*' && it != b'/');
        match (bytes.get(at), bytes.get(at + 1)) {
            (None, _) => return (bytes.len(), false),
            (Some(b'/'), Some(b'*')) => {
                depth += 1;
                at += 2;
            }
            (Some(b'*'), Some(b'/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return (at, true);
                }
            }
            _ => at += 1,
        }
    }
}

/// Past quoted text, in which the quote is doubled; `false`: it is not closed.
pub(super) fn skip_quoted(bytes: &[u8], start: usize, quote: u8) -> (usize, bool) {
    let mut at = start + 1;
    loop {
        at = skip_while(bytes, at, |it| it != quote);
        if at >= bytes.len() {
            return (bytes.len(), false);
        }
        at += 1;
        if bytes.get(at) != Some(&quote) {
            return (at, true);
        }
        at += 1;
    }
}

/// As [`skip_quoted`] for `E'…'`, in which a backslash takes the next character with it.
pub(super) fn skip_escaped(bytes: &[u8], start: usize) -> (usize, bool) {
    let mut at = start + 1;
    loop {
        at = skip_while(bytes, at, |it| it != b'\'' && it != b'\\');
        match bytes.get(at) {
            None => return (bytes.len(), false),
            Some(b'\\') => at = (at + 2).min(bytes.len()),
            Some(_) if bytes.get(at + 1) == Some(&b'\'') => at += 2,
            Some(_) => return (at + 1, true),
        }
    }
}

/// Past `$tag$ … $tag$`; `None`: no such quote starts here; `false`: it is not closed.
pub(super) fn skip_dollar(bytes: &[u8], start: usize) -> Option<(usize, bool)> {
    let tag_end = skip_while(bytes, start + 1, |it| is_word_byte(it) && it != b'$');
    if bytes.get(tag_end) != Some(&b'$') || bytes.get(start + 1).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let tag = &bytes[start..=tag_end];
    let mut at = tag_end + 1;
    loop {
        at = skip_while(bytes, at, |it| it != b'$');
        let rest = bytes.get(at..).unwrap_or_default();
        if rest.is_empty() {
            return Some((bytes.len(), false));
        }
        if rest.starts_with(tag) {
            return Some((at + tag.len(), true));
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        tokens(text).map(|it| it.text).collect()
    }

    #[test]
    fn operators_are_cut_as_the_server_cuts_them() {
        assert_eq!(texts("a<-1"), ["a", "<", "-", "1"]);
        assert_eq!(texts("a @- 1"), ["a", "@-", "1"]);
        assert_eq!(texts("a||b--c"), ["a", "||", "b"]);
        assert_eq!(texts("a::int[1:2]"), ["a", "::", "int", "[", "1", ":", "2", "]"]);
        assert_eq!(texts("j->>'k'"), ["j", "->>", "'k'"]);
    }

    #[test]
    fn every_way_to_quote_is_one_token() {
        let text = r#"'a''b' E'a\'b' U&"d\0061" $x$ ' $y$ $x$ $$z$$ b'01' $1 1.5e-3 "q""r" 0x1F"#;
        assert_eq!(
            texts(text),
            [
                "'a''b'",
                r"E'a\'b'",
                r#"U&"d\0061""#,
                "$x$ ' $y$ $x$",
                "$$z$$",
                "b'01'",
                "$1",
                "1.5e-3",
                "\"q\"\"r\"",
                "0x1F"
            ]
        );
    }

    #[test]
    fn comments_nest_and_any_bytes_are_tokens() {
        assert_eq!(texts("a /* b /* c */ d */ e \\ é\u{0}"), ["a", "e", "\\", "é", "\u{0}"]);
    }
}
