//! What quoted names and strings stand for (manual 4.1.1 and 4.1.2).

use std::borrow::Cow;

/// A name token as the server stores it, but for the cut at 63 bytes: folded, or without its quotes.
pub(super) fn ident(token: &str) -> Cow<'_, str> {
    match token.as_bytes() {
        [b'"', ..] => undouble(inside(token, 1), '"'),
        [b'u' | b'U', b'&', b'"', ..] => Cow::Owned(unicode(token, '\\')),
        [b'\'', ..] => undouble(inside(token, 1), '\''),
        _ if token.bytes().any(|it| it.is_ascii_uppercase()) => Cow::Owned(token.to_ascii_lowercase()),
        _ => Cow::Borrowed(token),
    }
}

/// The text of a string token; other tokens are their own text. Bit strings keep their prefix and quotes.
pub(super) fn string(token: &str) -> Cow<'_, str> {
    match token.as_bytes() {
        [b'\'', ..] => undouble(inside(token, 1), '\''),
        [b'e' | b'E', b'\'', ..] => Cow::Owned(unescape(inside(token, 2))),
        [b'n' | b'N', b'\'', ..] => undouble(inside(token, 2), '\''),
        [b'u' | b'U', b'&', b'\'', ..] => Cow::Owned(unicode(token, '\\')),
        [b'$', rest @ ..] if rest.first().is_some_and(|it| !it.is_ascii_digit()) => {
            let tag = rest.iter().position(|it| *it == b'$').map_or(0, |it| it + 2);
            Cow::Borrowed(token.get(tag..token.len().saturating_sub(tag)).unwrap_or_default())
        }
        _ => Cow::Borrowed(token),
    }
}

/// `U&"d\0061t"` and `U&'…'` with their escape character.
pub(super) fn unicode(token: &str, escape: char) -> String {
    let inner = inside(token, 3);
    let quote = if token.as_bytes().get(2) == Some(&b'"') { '"' } else { '\'' };
    let inner = undouble(inner, quote);
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner.as_ref();
    let mut high = None;
    while let Some(at) = rest.find(escape) {
        out.push_str(&rest[..at]);
        let after = &rest[at + escape.len_utf8()..];
        if after.starts_with(escape) {
            out.push(escape);
            rest = &after[escape.len_utf8()..];
            continue;
        }
        let (digits, skip) =
            if let Some(long) = after.strip_prefix('+') { (long.get(..6), 7) } else { (after.get(..4), 4) };
        let Some(code) = digits.and_then(|it| u32::from_str_radix(it, 16).ok()) else {
            out.push(escape);
            rest = after;
            continue;
        };
        rest = after.get(skip..).unwrap_or_default();
        match (high.take(), code) {
            (_, 0xD800..=0xDBFF) => high = Some(code),
            (Some(high), 0xDC00..=0xDFFF) => {
                out.extend(char::from_u32(0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00)));
            }
            _ => out.extend(char::from_u32(code)),
        }
    }
    out.push_str(rest);
    out
}

/// Without `start` bytes in front and the quote at the end.
fn inside(token: &str, start: usize) -> &str {
    token.get(start..token.len().max(start + 1) - 1).unwrap_or_default()
}

fn undouble(text: &str, quote: char) -> Cow<'_, str> {
    if !text.contains(quote) {
        return Cow::Borrowed(text);
    }
    let mut double = [0; 2];
    double[0] = quote as u8;
    double[1] = quote as u8;
    Cow::Owned(text.replace(std::str::from_utf8(&double).unwrap_or_default(), quote.encode_utf8(&mut [0; 4])))
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\'' => {
                chars.next_if_eq(&'\'');
                out.push('\'');
            }
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some('b') => out.push('\u{8}'),
                Some('f') => out.push('\u{c}'),
                Some('x') => out.extend(number(&mut chars, 16, 2, 0)),
                Some('u') => out.extend(number(&mut chars, 16, 4, 0)),
                Some('U') => out.extend(number(&mut chars, 16, 8, 0)),
                Some(digit @ '0'..='7') => out.extend(number(&mut chars, 8, 2, digit as u32 - 48)),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            _ => out.push(char),
        }
    }
    out
}

fn number(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, radix: u32, digits: u32, start: u32) -> Option<char> {
    let mut value = start;
    for _ in 0..digits {
        let Some(digit) = chars.peek().and_then(|it| it.to_digit(radix)) else { break };
        value = value.checked_mul(radix)?.checked_add(digit)?;
        chars.next();
    }
    char::from_u32(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folded_or_unquoted() {
        assert_eq!(ident("FooÄ"), "fooÄ");
        assert_eq!(ident(r#""Foo""bar""#), "Foo\"bar");
        assert_eq!(ident(r#"U&"d\0061t\+000061""#), "data");
        assert_eq!(unicode(r#"U&"d!0061t!!""#, '!'), "dat!");
        assert_eq!(ident("\""), "");
    }

    #[test]
    fn strings_lose_quotes_and_escapes() {
        assert_eq!(string("'it''s'"), "it's");
        assert_eq!(string(r"E'a\'b\n\x41\101\u00e9'"), "a'b\nAAé");
        assert_eq!(string("$x$a$y$b$x$"), "a$y$b");
        assert_eq!(string("$$$$"), "");
        assert_eq!(string(r"U&'\D83D\DE00'"), "😀");
        assert_eq!(string("12"), "12");
    }
}
