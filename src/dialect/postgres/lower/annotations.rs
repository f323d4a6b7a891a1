//! Comments that speak to Lockkeeper: `-- @renamed from=x` and `-- lockkeeper: ignore RULE`.

use std::ops::Range;

use crate::{
    dialect::postgres::lexer::{skip_blank, skip_comment, skip_line, tokens},
    sql::{Annotation, Ident},
};

/// The annotations of a piece. `columns`: the column definitions of a CREATE TABLE at `statement`.
pub(super) fn find(text: &str, statement: &Range<usize>, columns: &[(Ident, Range<usize>)]) -> Vec<Annotation> {
    if !text.contains('@') && !text.contains("lockkeeper") {
        return Vec::new();
    }
    let mut found = Vec::new();
    for comment in comments(text) {
        for (line, range) in lines(text, comment.clone()) {
            let Some((key, value)) = read(line) else { continue };
            let column = if statement.contains(&range.start) { column_of(text, &comment, columns) } else { None };
            found.push(Annotation { key: key.into(), value: value.into(), range, column });
        }
    }
    found
}

/// The comments between the tokens.
fn comments(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    let mut gap = |from: usize, to: usize| {
        let mut at = from;
        while at < to {
            match (bytes[at], bytes.get(at + 1)) {
                (b'-', Some(b'-')) => {
                    let end = skip_line(bytes, at).min(to);
                    found.push(at..end);
                    at = end;
                }
                (b'/', Some(b'*')) => {
                    let end = skip_comment(bytes, at).0.min(to);
                    found.push(at..end);
                    at = end;
                }
                _ => at += 1,
            }
        }
    };
    for token in tokens(text) {
        gap(at, token.start);
        at = token.range().end;
    }
    gap(at, skip_blank(bytes, at));
    found
}

/// The lines of a comment without what makes them a comment.
fn lines(text: &str, comment: Range<usize>) -> impl Iterator<Item = (&str, Range<usize>)> {
    let mut start = comment.start;
    text[comment].split('\n').map(move |line| {
        let begin = start;
        start += line.len() + 1;
        let inner = line.trim_start_matches(['-', '/', '*', ' ', '\t']);
        let from = begin + line.len() - inner.len();
        let inner = inner.trim_end().trim_end_matches("*/").trim_end();
        (inner, from..from + inner.len())
    })
}

fn read(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix('@').or_else(|| Some(line.strip_prefix("lockkeeper:")?.trim_start()))?;
    let end = rest.find(|it: char| !it.is_ascii_alphanumeric() && it != '-' && it != '_').unwrap_or(rest.len());
    let (key, value) = rest.split_at(end);
    (!key.is_empty()).then(|| (key, value.trim()))
}

/// The last column that starts before the comment on its line; else, if the comment has the line for itself,
/// the column that starts the next line with code.
fn column_of(text: &str, comment: &Range<usize>, columns: &[(Ident, Range<usize>)]) -> Option<Ident> {
    let bytes = text.as_bytes();
    let line_start = text[..comment.start].rfind('\n').map_or(0, |it| it + 1);
    let beside = columns.iter().rev().find(|(_, it)| it.start < comment.start && it.end > line_start);
    if let Some((name, _)) = beside {
        return Some(name.clone());
    }
    let before = text[line_start..comment.start].trim_start();
    if !(before.starts_with("--") || before.starts_with("/*") || before.starts_with('*') || before.is_empty()) {
        return None;
    }
    // A comma may lead the line of the definition.
    let mut next = skip_blank(bytes, comment.end);
    if bytes.get(next) == Some(&b',') {
        next = skip_blank(bytes, next + 1);
    }
    columns.iter().find(|(_, it)| it.start == next).map(|(name, _)| name.clone())
}

#[cfg(test)]
mod tests {
    use crate::dialect::{Dialect, postgres::Postgres};

    fn found(text: &str) -> Vec<String> {
        let piece = Postgres.split(text).pieces.remove(0);
        let parsed = Postgres
            .parse(&text[piece.full.clone()], piece.range.start - piece.full.start..piece.range.end - piece.full.start);
        let show = |it: &crate::sql::Annotation| {
            format!("{} [{}] {}", it.key, it.value, it.column.as_ref().map_or("-", |it| it.as_str()))
        };
        parsed.annotations.iter().map(show).collect()
    }

    #[test]
    fn annotations_belong_to_the_statement_or_to_a_column() {
        let text =
            "-- @renamed from=old_orders\n-- lockkeeper: ignore drop-column reason=\"gone\"\ncreate table orders (
    -- @renamed from=x
    a int, b int, -- @renamed from=y
    /* @split
       with=z */
    , c int -- plain
); -- @note end";
        assert_eq!(
            found(&text.replace("\n    ,", "\n")),
            [
                "renamed [from=old_orders] -",
                "ignore [drop-column reason=\"gone\"] -",
                "renamed [from=x] a",
                "renamed [from=y] b",
                "split [] c",
                "note [end] -",
            ]
        );
    }

    #[test]
    fn text_in_strings_is_no_annotation() {
        assert_eq!(found("select '-- @renamed from=x';"), [""; 0]);
    }
}
