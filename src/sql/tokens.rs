//! Names in SQL text, found by its tokens: enough to see which columns an expression mentions and to rename
//! them, without a parser. Comments and literals are never mistaken for names.

use std::ops::Range;

use super::{Ident, Name, quote};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// An unquoted identifier or keyword.
    Word,
    /// An identifier in double quotes.
    Quoted,
    /// A string, bit string or dollar-quoted text.
    Literal,
    Number,
    /// `$1`.
    Parameter,
    /// One character, or `::`.
    Symbol,
}

/// A token; white space and comments are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub kind: TokenKind,
    pub range: Range<usize>,
}

impl Token {
    pub fn text<'a>(&self, sql: &'a str) -> &'a str {
        sql.get(self.range.clone()).unwrap_or_default()
    }

    pub fn is_name(&self) -> bool {
        matches!(self.kind, TokenKind::Word | TokenKind::Quoted)
    }

    /// The identifier a name stands for.
    pub fn ident(&self, sql: &str) -> Ident {
        let text = self.text(sql);
        match self.kind {
            TokenKind::Quoted => Ident::new(&text.trim_matches('"').replace("\"\"", "\"")),
            _ => Ident::folded(text),
        }
    }

    /// Is it this unquoted word?
    pub fn is(&self, sql: &str, word: &str) -> bool {
        matches!(self.kind, TokenKind::Word | TokenKind::Symbol) && self.text(sql).eq_ignore_ascii_case(word)
    }
}

/// Cuts text into tokens. An open quote or comment reaches to the end.
pub fn tokens(sql: &str) -> Vec<Token> {
    let bytes = sql.as_bytes();
    let mut res = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        let next = bytes.get(at + 1).copied();
        let kind = match byte {
            _ if byte.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b'-' if next == Some(b'-') => {
                at = find(bytes, at, |it| it == b'\n');
                continue;
            }
            b'/' if next == Some(b'*') => {
                at = comment_end(bytes, at);
                continue;
            }
            b'\'' => {
                at = quote_end(bytes, at + 1, b'\'', false);
                TokenKind::Literal
            }
            b'"' => {
                at = quote_end(bytes, at + 1, b'"', false);
                TokenKind::Quoted
            }
            b'$' => match dollar_end(sql, at) {
                Some(end) => {
                    at = end;
                    TokenKind::Literal
                }
                None => {
                    at = find(bytes, at + 1, |it| !it.is_ascii_digit());
                    TokenKind::Parameter
                }
            },
            b'0'..=b'9' => {
                at = find(bytes, at, |it| !(it.is_ascii_alphanumeric() || it == b'.' || it == b'_'));
                TokenKind::Number
            }
            _ if starts_word(byte) => word(bytes, &mut at),
            b':' if next == Some(b':') => {
                at += 2;
                TokenKind::Symbol
            }
            _ => {
                at += 1;
                TokenKind::Symbol
            }
        };
        res.push(Token { kind, range: start..at });
    }
    res
}

/// A word, or a literal with a prefix (`E''`, `B''`, `U&''`, `U&""`).
fn word(bytes: &[u8], at: &mut usize) -> TokenKind {
    let start = *at;
    *at = find(bytes, start, |it| !(starts_word(it) || it.is_ascii_digit() || it == b'$'));
    let prefix = bytes.get(start..*at).unwrap_or_default();
    let here = bytes.get(*at).copied();
    match prefix {
        [b'e' | b'E'] if here == Some(b'\'') => {
            *at = quote_end(bytes, *at + 1, b'\'', true);
            TokenKind::Literal
        }
        [b'b' | b'B' | b'x' | b'X' | b'n' | b'N'] if here == Some(b'\'') => {
            *at = quote_end(bytes, *at + 1, b'\'', false);
            TokenKind::Literal
        }
        [b'u' | b'U'] if here == Some(b'&') && matches!(bytes.get(*at + 1), Some(b'\'' | b'"')) => {
            let quote = bytes.get(*at + 1).copied().unwrap_or(b'\'');
            *at = quote_end(bytes, *at + 2, quote, false);
            if quote == b'"' { TokenKind::Quoted } else { TokenKind::Literal }
        }
        _ => TokenKind::Word,
    }
}

fn starts_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn find(bytes: &[u8], from: usize, stop: impl Fn(u8) -> bool) -> usize {
    bytes.iter().skip(from).position(|&it| stop(it)).map_or(bytes.len(), |it| from + it)
}

fn quote_end(bytes: &[u8], mut at: usize, quote: u8, escapes: bool) -> usize {
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        if byte == b'\\' && escapes {
            at += 1;
        } else if byte == quote {
            if bytes.get(at) != Some(&quote) {
                return at;
            }
            at += 1;
        }
    }
    bytes.len()
}

fn comment_end(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0usize;
    while at < bytes.len() {
        match bytes.get(at..at + 2) {
            Some(b"/*") => {
                depth += 1;
                at += 2;
            }
            Some(b"*/") => {
                depth = depth.saturating_sub(1);
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

/// End of a dollar-quoted text that starts at `at`.
fn dollar_end(sql: &str, at: usize) -> Option<usize> {
    let rest = sql.get(at + 1..)?;
    let tag = &rest[..rest.find('$')?];
    let mut chars = tag.chars();
    let fits = chars.next().is_none_or(|it| it.is_alphabetic() || it == '_');
    if !fits || !chars.all(|it| it.is_alphanumeric() || it == '_') {
        return None;
    }
    let close = format!("${tag}$");
    let body = at + close.len();
    Some(sql.get(body..)?.find(&close).map_or(sql.len(), |it| body + it + close.len()))
}

/// A dotted name in SQL text, and what stands around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    pub parts: Vec<(Ident, Range<usize>)>,
    /// A `(` follows: a function.
    pub called: bool,
    /// It stands where a type does: behind `::` or `AS` in a CAST, before a literal, or it names a field of `EXTRACT`.
    pub typed: bool,
    /// `t.*`.
    pub star: bool,
    /// A field of a composite value: `(c).field`.
    pub field: bool,
    /// The first part is in double quotes (and so no keyword).
    pub quoted: bool,
    /// Index of the first token.
    pub token: usize,
    /// Index of the token behind the last part.
    pub end: usize,
}

impl Path {
    /// The last part, where it may be a column.
    pub fn column(&self) -> Option<&Ident> {
        let may = !self.called && !self.typed && !self.star && !self.field;
        self.parts.last().filter(|_| may).map(|(name, _)| name)
    }

    /// The part before the last.
    pub fn qualifier(&self) -> Option<&Ident> {
        let at = if self.star { self.parts.len().checked_sub(1)? } else { self.parts.len().checked_sub(2)? };
        self.parts.get(at).map(|(name, _)| name)
    }

    /// As the name of a relation or function.
    pub fn name(&self) -> Name {
        let mut parts = self.parts.iter().rev().map(|(name, _)| name.clone());
        Name { name: parts.next().unwrap_or_default(), schema: parts.next() }
    }
}

/// All dotted names of a text, keywords among them.
pub fn paths(sql: &str) -> Vec<Path> {
    paths_in(sql, &tokens(sql))
}

pub fn paths_in(sql: &str, tokens: &[Token]) -> Vec<Path> {
    let mut res = Vec::new();
    let is = |at: Option<usize>, word: &str| at.and_then(|it| tokens.get(it)).is_some_and(|it| it.is(sql, word));
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let start = at;
        at += 1;
        if !token.is_name() {
            continue;
        }
        let mut path = Path {
            parts: vec![(token.ident(sql), token.range.clone())],
            called: false,
            typed: false,
            star: false,
            field: is(start.checked_sub(1), "."),
            quoted: token.kind == TokenKind::Quoted,
            token: start,
            end: at,
        };
        while is(Some(at), ".") {
            match tokens.get(at + 1) {
                Some(next) if next.is_name() => {
                    path.parts.push((next.ident(sql), next.range.clone()));
                    at += 2;
                }
                Some(next) if next.is(sql, "*") => {
                    path.star = true;
                    at += 2;
                    break;
                }
                _ => break,
            }
        }
        path.end = at;
        path.called = is(Some(at), "(");
        let literal = tokens.get(at).is_some_and(|it| it.kind == TokenKind::Literal);
        let before = start.checked_sub(1);
        let extract = is(before, "(") && is(start.checked_sub(2), "extract");
        path.typed =
            is(before, "::") || extract || (literal && !is_operator_word(&path)) || cast_target(sql, tokens, start);
        res.push(path);
    }
    res
}

/// Words that stand before a literal without being its type.
fn is_operator_word(path: &Path) -> bool {
    let [(word, _)] = path.parts.as_slice() else { return false };
    matches!(
        word.as_str(),
        "like"
            | "ilike"
            | "and"
            | "or"
            | "not"
            | "in"
            | "is"
            | "to"
            | "between"
            | "then"
            | "else"
            | "when"
            | "from"
            | "similar"
            | "select"
            | "default"
            | "zone"
            | "escape"
            | "as"
            | "return"
            | "where"
            | "on"
            | "case"
    )
}

/// `CAST(x AS type`: the word behind AS, up to the closing parenthesis.
fn cast_target(sql: &str, tokens: &[Token], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).and_then(|it| tokens.get(it)) else { return false };
    if !before.is(sql, "as") {
        return false;
    }
    let mut depth = 0usize;
    for i in (0..at.saturating_sub(1)).rev() {
        let Some(token) = tokens.get(i) else { return false };
        if token.is(sql, ")") {
            depth += 1;
        } else if token.is(sql, "(") {
            if depth == 0 {
                return i.checked_sub(1).and_then(|it| tokens.get(it)).is_some_and(|it| it.is(sql, "cast"));
            }
            depth -= 1;
        }
    }
    false
}

/// Which of `columns` an expression over one table mentions, in the order of `columns`.
pub fn columns_among<'a>(sql: &str, columns: impl Iterator<Item = &'a Ident>) -> Vec<Ident> {
    let paths = paths(sql);
    columns.filter(|it| paths.iter().any(|path| path.column() == Some(*it))).cloned().collect()
}

/// Does an expression over one table mention the column?
pub fn mentions_column(sql: &str, column: &Ident) -> bool {
    may_hold(sql, column) && paths(sql).iter().any(|it| it.column() == Some(column))
}

/// A cheap answer to whether a name can be in a text at all.
fn may_hold(sql: &str, name: &Ident) -> bool {
    let (text, name) = (sql.as_bytes(), name.as_str().as_bytes());
    name.contains(&b'"') || text.windows(name.len().max(1)).any(|it| it.eq_ignore_ascii_case(name))
}

/// An expression over one table with every mention of a column replaced.
pub fn rename_column(sql: &str, from: &Ident, to: &Ident) -> String {
    if !may_hold(sql, from) {
        return sql.to_owned();
    }
    let hits = paths(sql).into_iter().filter(|it| it.column() == Some(from));
    let edits = hits.filter_map(|it| it.parts.last().map(|(_, range)| (range.clone(), quote(to).into_owned())));
    edit(sql, edits.collect())
}

/// An expression over one table with each mention of one of its columns, by a bare name, put behind a qualifier:
/// `a || b` → `NEW.a || NEW.b`.
pub fn qualify_columns(sql: &str, columns: &[Ident], qualifier: &str) -> String {
    let hits = paths(sql).into_iter().filter(|it| it.parts.len() == 1);
    let named = hits.filter(|it| it.column().is_some_and(|it| columns.contains(it)));
    let edits =
        named.filter_map(|it| it.parts.first().map(|(_, range)| (range.start..range.start, format!("{qualifier}."))));
    edit(sql, edits.collect())
}

/// An expression over one table whose qualifier (`t.c`) follows the table's new name.
pub fn rename_qualifier(sql: &str, from: &Ident, to: &Ident) -> String {
    if !may_hold(sql, from) {
        return sql.to_owned();
    }
    let hits = paths(sql).into_iter().filter(|it| !it.called && it.qualifier() == Some(from));
    let edits = hits.filter_map(|it| {
        let at = it.parts.len() - if it.star { 1 } else { 2 };
        it.parts.get(at).map(|(_, range)| (range.clone(), quote(to).into_owned()))
    });
    edit(sql, edits.collect())
}

/// An expression over one table without that table's name before columns. (Inside a subquery it may be needed.)
pub fn drop_qualifier(sql: &str, table: &Ident) -> String {
    let subquery = tokens(sql).iter().any(|it| it.is(sql, "select"));
    if subquery || !may_hold(sql, table) {
        return sql.to_owned();
    }
    let hits = paths(sql).into_iter().filter(|it| it.column().is_some() && it.qualifier() == Some(table));
    let edits = hits.filter_map(|it| {
        let (first, last) = (it.parts.first()?, it.parts.last()?);
        Some((first.1.start..last.1.start, String::new()))
    });
    edit(sql, edits.collect())
}

/// Puts new text in place of ranges that do not overlap.
pub fn edit(sql: &str, mut edits: Vec<(Range<usize>, String)>) -> String {
    edits.sort_by_key(|(range, _)| range.start);
    let mut res = String::with_capacity(sql.len());
    let mut at = 0;
    for (range, text) in edits {
        res.push_str(sql.get(at..range.start).unwrap_or_default());
        res.push_str(&text);
        at = range.end;
    }
    res.push_str(sql.get(at..).unwrap_or_default());
    res
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(sql: &str, among: &[&str]) -> Vec<String> {
        let among: Vec<Ident> = among.iter().map(|it| Ident::new(it)).collect();
        columns_among(sql, among.iter()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn strings_comments_functions_and_types_are_no_columns() {
        let sql = "lower(name) <> 'state' AND /* kind */ note::date > date '2020-01-01' AND CAST(x AS year) -- city\n";
        let among = ["lower", "name", "state", "kind", "note", "date", "x", "year", "city"];
        assert_eq!(columns(sql, &among), ["name", "note", "x"]);
        assert_eq!(
            columns("extract(year from day) > $$day2$$ || E'it\\'s c' || c", &["year", "day", "c"]),
            ["day", "c"]
        );
        assert_eq!(
            columns("(home).city = t.town AND s.t.zip = 1", &["home", "city", "t", "town", "zip"]),
            ["home", "town", "zip"]
        );
    }

    #[test]
    fn a_rename_quotes_where_it_must_and_leaves_other_text_alone() {
        let from = Ident::new("kind");
        let renamed =
            |to: &str| rename_column("kind = 'kind' OR \"kind\" IS NULL OR t.KIND(1) > kinds", &from, &to.into());
        assert_eq!(renamed("sort"), "sort = 'kind' OR sort IS NULL OR t.KIND(1) > kinds");
        assert_eq!(renamed("Order"), "\"Order\" = 'kind' OR \"Order\" IS NULL OR t.KIND(1) > kinds");
        assert_eq!(
            rename_qualifier("t.a > 1 AND s.t.b < t.c AND t", &"t".into(), &"u".into()),
            "u.a > 1 AND s.u.b < u.c AND t"
        );
        assert_eq!(drop_qualifier("t.a > 1 AND s.t.b < u.t", &"t".into()), "a > 1 AND b < u.t");
    }

    #[test]
    fn open_quotes_and_comments_reach_to_the_end() {
        for sql in ["'a", "\"a", "/* a", "$a$ b", "e'\\", "a.", ".", "$", "u&'"] {
            assert!(tokens(sql).iter().all(|it| it.range.end <= sql.len()), "{sql}");
            paths(sql);
        }
    }
}
