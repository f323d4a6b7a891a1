//! Cutting a file into statements: one pass over the bytes.
//!
//! Where psql and the server differ in what they take for one statement, this follows psql, because files are
//! run by it or by tools that copy it. One difference: a semicolon ends the statement inside parentheses too
//! (except in `CREATE RULE … DO (a; b)`), so that a parenthesis left open while typing spoils one statement, not the file.

use std::ops::Range;

use super::{
    Split,
    lexer::{
        is_space, is_word_byte, skip_blank, skip_comment, skip_dollar, skip_escaped, skip_line, skip_quoted,
        starts_word, tokens,
    },
    nesting,
};
use crate::{
    dialect::Piece,
    sql::{Problem, Severity},
};

pub(super) fn split(text: &str) -> Split {
    let mut cut = Cutter { text, bytes: text.as_bytes(), at: 0, split: Split::default() };
    while cut.piece() {}
    cut.split
}

/// Brackets and tokens up to which a statement is not looked at closely.
const SAFE_DEPTH: u32 = 40;
const SAFE_TOKENS: u32 = 300;

struct Cutter<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    split: Split,
}

/// What the scan of one statement found.
#[derive(Default)]
struct Scan {
    /// Before the semicolon.
    end: usize,
    /// Past the last token.
    last: usize,
    deepest: u32,
    tokens: u32,
    /// Ended by a psql command such as `\gexec`.
    command: bool,
    /// A quote or comment is not closed.
    open: bool,
}

impl<'a> Cutter<'a> {
    /// Cuts the next piece; `false` at the end.
    fn piece(&mut self) -> bool {
        let Some(full_start) = self.lead() else { return false };
        let start = self.at;
        match self.bytes[start] {
            b';' => {
                self.at += 1;
                return true;
            }
            b'\\' => {
                self.at = skip_line(self.bytes, start);
                self.push(full_start..self.at, start..self.trim(start, self.at), true);
                return true;
            }
            _ => {}
        }
        let first = self.word_at(start);
        let scan = self.statement(start, first);
        let range = start..scan.last;
        self.at = if scan.end < self.bytes.len() && !scan.command { scan.end + 1 } else { scan.end };
        self.trail();
        let skip = self.unreadable(&range, &scan);
        if scan.command {
            let line = skip_line(self.bytes, scan.end);
            self.push(full_start..scan.end, range, skip);
            self.push(scan.end..line, scan.end..self.trim(scan.end, line), true);
            self.at = line;
            return true;
        }
        self.push(full_start..self.at, range.clone(), skip);
        if first.eq_ignore_ascii_case("copy") && !skip && reads_stdin(&self.text[range.clone()]) {
            self.copy_data(&range);
        }
        true
    }

    fn push(&mut self, full: Range<usize>, range: Range<usize>, skip: bool) {
        self.split.pieces.push(Piece { full, range, skip });
    }

    fn problem(&mut self, range: Range<usize>, message: &str, severity: Severity) {
        self.split.problems.push(Problem { range, message: message.into(), severity });
    }

    /// Goes to the first token and says where the comments directly above it start. `None`: only blank is left.
    fn lead(&mut self) -> Option<usize> {
        let mut comments = None;
        loop {
            let mut newlines = 0;
            while let Some(byte) = self.bytes.get(self.at).filter(|it| is_space(**it)) {
                newlines += u32::from(*byte == b'\n');
                self.at += 1;
            }
            if newlines > 1 {
                comments = None;
            }
            let at = self.at;
            match (self.bytes.get(at)?, self.bytes.get(at + 1)) {
                (b'-', Some(b'-')) => {
                    comments.get_or_insert(at);
                    self.at = skip_line(self.bytes, at);
                }
                (b'/', Some(b'*')) => {
                    comments.get_or_insert(at);
                    let (end, closed) = skip_comment(self.bytes, at);
                    self.at = end;
                    if !closed {
                        self.open(at, end, "this comment is not closed: `*/` is missing");
                        self.push(at..end, at..end, true);
                    }
                }
                (0xEF, Some(0xBB)) if self.bytes.get(at + 2) == Some(&0xBF) => self.at += 3,
                _ => return Some(comments.unwrap_or(at)),
            }
        }
    }

    /// Past the comment that stands behind the statement on its line.
    fn trail(&mut self) {
        loop {
            let blank = self.bytes[self.at..].iter().take_while(|it| matches!(it, b' ' | b'\t' | b'\r')).count();
            let at = self.at + blank;
            match (self.bytes.get(at), self.bytes.get(at + 1)) {
                (Some(b'-'), Some(b'-')) => {
                    self.at = self.trim(at, skip_line(self.bytes, at));
                    return;
                }
                (Some(b'/'), Some(b'*')) => {
                    let (end, closed) = skip_comment(self.bytes, at);
                    if !closed || self.bytes[at..end].contains(&b'\n') {
                        return;
                    }
                    self.at = end;
                }
                _ => return,
            }
        }
    }

    /// Scans a statement that starts here with the word `first`.
    fn statement(&mut self, start: usize, first: &str) -> Scan {
        let bytes = self.bytes;
        let mut scan = Scan { end: bytes.len(), last: start, ..Scan::default() };
        let mut body = Body::of(first, bytes, start);
        let mut depth = 0_u32;
        let mut at = start;
        let reported = self.split.problems.len();
        while let Some(&byte) = bytes.get(at) {
            let next = bytes.get(at + 1).copied().unwrap_or(0);
            let from = at;
            match byte {
                _ if is_space(byte) => {
                    at += 1;
                    continue;
                }
                b'-' if next == b'-' => {
                    at = skip_line(bytes, at);
                    continue;
                }
                b'/' if next == b'*' => {
                    at = self.closed(from, skip_comment(bytes, at), "this comment is not closed: `*/` is missing");
                    continue;
                }
                b';' if body.ends_here(bytes, at, depth) => {
                    scan.end = at;
                    return scan;
                }
                b'\\' if depth == 0 && self.is_send_command(at) => {
                    scan.end = at;
                    scan.command = true;
                    return scan;
                }
                b'(' | b'[' => {
                    depth += 1;
                    scan.deepest = scan.deepest.max(depth);
                    at += 1;
                }
                b')' | b']' => {
                    depth = depth.saturating_sub(1);
                    at += 1;
                }
                _ => at = self.token(at, byte, next, &mut body),
            }
            scan.tokens += 1;
            scan.last = at;
        }
        scan.open = self.split.problems.len() > reported;
        scan
    }

    /// Past one token that is not a bracket.
    fn token(&mut self, at: usize, byte: u8, next: u8, body: &mut Body) -> usize {
        let bytes = self.bytes;
        const OPEN: &str = "this text is not closed: a quote `'` is missing";
        match byte {
            b'\'' => self.closed(at, skip_quoted(bytes, at, b'\''), OPEN),
            b'"' => self.closed(at, skip_quoted(bytes, at, b'"'), "this name is not closed: a `\"` is missing"),
            b'e' | b'E' if next == b'\'' => self.closed(at, skip_escaped(bytes, at + 1), OPEN),
            b'$' => match skip_dollar(bytes, at) {
                Some(end) => self.closed(at, end, "this dollar-quoted text is not closed: its end tag is missing"),
                None => at + 1,
            },
            _ if starts_word(byte) => {
                let end = at + 1 + bytes[at + 1..].iter().take_while(|it| is_word_byte(**it)).count();
                body.word(&bytes[at..end]);
                end
            }
            b'0'..=b'9' => at + 1 + bytes[at + 1..].iter().take_while(|it| is_word_byte(**it)).count(),
            _ => at + 1,
        }
    }

    fn closed(&mut self, start: usize, (end, closed): (usize, bool), message: &str) -> usize {
        if !closed {
            self.open(start, end, message);
        }
        end
    }

    /// Reports what is never closed at its first line.
    fn open(&mut self, start: usize, end: usize, message: &str) {
        let line = self.trim(start, skip_line(self.bytes, start).min(end));
        let line = self.text.floor_char_boundary(line.min(start + 80)).max(start + 1);
        self.problem(start..line, message, Severity::Error);
    }

    /// `\g`, `\gx`, `\gset`, `\gexec`, `\gdesc`, `\crosstabview`, `\watch`: send the statement before them.
    fn is_send_command(&self, at: usize) -> bool {
        matches!(self.word_at(at + 1), "g" | "gx" | "gset" | "gexec" | "gdesc" | "crosstabview" | "watch" | "bind")
    }

    /// Not to be parsed: left open, or nested too deeply; reports the latter.
    fn unreadable(&mut self, range: &Range<usize>, scan: &Scan) -> bool {
        if scan.open {
            return true;
        }
        if scan.deepest <= SAFE_DEPTH && scan.tokens <= SAFE_TOKENS {
            return false;
        }
        let deep = nesting::too_deep(&self.text[range.clone()], false);
        if deep {
            let line = self.trim(range.start, skip_line(self.bytes, range.start).min(range.end));
            let end = self.text.floor_char_boundary(line.min(range.start + 80));
            let message = "this statement nests too deeply to be read; split it into smaller parts";
            self.problem(range.start..end, message, Severity::Error);
        }
        deep
    }

    /// The lines of data behind `COPY … FROM stdin`, up to `\.`.
    fn copy_data(&mut self, statement: &Range<usize>) {
        let start = (skip_line(self.bytes, self.at) + 1).min(self.bytes.len());
        let mut line = start;
        while line < self.bytes.len() {
            let end = skip_line(self.bytes, line);
            if self.trim(line, end) == line + 2 && self.bytes[line..].starts_with(b"\\.") {
                self.push(start..end, start..line + 2, true);
                self.at = end;
                return;
            }
            line = end + 1;
        }
        let message = "the data of this COPY has no end: a line with `\\.` is missing";
        self.problem(statement.clone(), message, Severity::Warning);
        if start < self.bytes.len() {
            self.push(start..self.bytes.len(), start..self.bytes.len(), true);
        }
        self.at = self.bytes.len();
    }

    /// Without the blanks at the end.
    fn trim(&self, start: usize, end: usize) -> usize {
        start + self.bytes[start..end].trim_ascii_end().len()
    }

    fn word_at(&self, at: usize) -> &'a str {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let len = rest.iter().take_while(|it| it.is_ascii_alphabetic()).count();
        self.text.get(at..at + len).unwrap_or_default()
    }
}

fn reads_stdin(copy: &str) -> bool {
    let mut before = None;
    tokens(copy).any(|token| {
        let hit = token.is_word("stdin") && before.replace(token.clone()).is_some_and(|it| it.is_word("from"));
        before = Some(token);
        hit
    })
}

/// Semicolons that do not end a statement: in `BEGIN ATOMIC … END` and in the actions of a rule.
#[derive(Default)]
struct Body {
    /// CREATE FUNCTION or PROCEDURE: may have a body.
    routine: bool,
    rule: bool,
    after_begin: bool,
    /// BEGIN ATOMIC and CASE that still wait for END.
    ends: u32,
}

impl Body {
    fn of(first: &str, bytes: &[u8], start: usize) -> Self {
        let mut body = Self::default();
        if !first.eq_ignore_ascii_case("create") {
            return body;
        }
        let mut at = start + first.len();
        // CREATE [ OR REPLACE ] kind
        for _ in 0..3 {
            at = skip_blank(bytes, at);
            let len = bytes[at..].iter().take_while(|it| it.is_ascii_alphabetic()).count();
            let word = &bytes[at..at + len];
            body.routine |= word.eq_ignore_ascii_case(b"function") || word.eq_ignore_ascii_case(b"procedure");
            body.rule |= word.eq_ignore_ascii_case(b"rule");
            if body.routine || body.rule || !(word.eq_ignore_ascii_case(b"or") || word.eq_ignore_ascii_case(b"replace"))
            {
                break;
            }
            at += len;
        }
        body
    }

    fn word(&mut self, word: &[u8]) {
        if !self.routine {
            return;
        }
        let is = |it: &[u8]| word.eq_ignore_ascii_case(it);
        if self.ends > 0 {
            if is(b"case") {
                self.ends += 1;
            } else if is(b"end") {
                self.ends -= 1;
            }
        } else if self.after_begin && is(b"atomic") {
            self.ends = 1;
        }
        self.after_begin = is(b"begin");
    }

    fn ends_here(&self, bytes: &[u8], at: usize, depth: u32) -> bool {
        if self.ends == 0 && (!self.rule || depth == 0) {
            return true;
        }
        // Definitions cannot stand in a body: it was left open.
        let next = skip_blank(bytes, at + 1);
        let len = bytes[next..].iter().take_while(|it| it.is_ascii_alphabetic()).count();
        let word = &bytes[next..next + len];
        [&b"create"[..], b"alter", b"drop", b"comment", b"grant", b"revoke"]
            .iter()
            .any(|it| word.eq_ignore_ascii_case(it))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(text: &str) -> Vec<&str> {
        split(text).pieces.into_iter().filter(|it| !it.skip).map(|it| &text[it.range]).collect()
    }

    fn fulls(text: &str) -> Vec<&str> {
        split(text).pieces.into_iter().map(|it| &text[it.full]).collect()
    }

    #[test]
    fn semicolons_in_quotes_and_comments_do_not_cut() {
        let text = "a ';' b; c \";\" d; e $x$ ; $x$; f E'\\';' ; g /* ; /* ; */ */; h -- ;\n i; U&';';";
        assert_eq!(ranges(text), ["a ';' b", "c \";\" d", "e $x$ ; $x$", "f E'\\';'", "g", "h -- ;\n i", "U&';'"]);
    }

    #[test]
    fn bodies_and_rules_stay_whole() {
        let text =
            "create function f() returns int begin atomic select case when a then 1 end; select 2; end; select 3;
            create or replace rule r as on insert to t do also (insert into a values (1); delete from b); select 4;
            begin; select 5; end;";
        let cut = ranges(text);
        assert_eq!(cut.len(), 7, "{cut:#?}");
        assert!(cut[0].ends_with("end") && cut[2].ends_with(')'));
    }

    #[test]
    fn what_is_left_open_spoils_one_statement() {
        assert_eq!(ranges("create table t (a int; select 1;"), ["create table t (a int", "select 1"]);
        let text = "create function f() begin atomic select 1; create table t (a int);";
        assert_eq!(ranges(text), ["create function f() begin atomic select 1", "create table t (a int)"]);
    }

    #[test]
    fn comments_directly_above_and_on_the_line_belong_to_the_statement() {
        let text = "-- far\n\n-- near\n/* nearer */\nselect 1; -- same line\n-- next\nselect 2 /* x */ ;";
        assert_eq!(fulls(text), ["-- near\n/* nearer */\nselect 1; -- same line", "-- next\nselect 2 /* x */ ;"]);
        assert_eq!(ranges(text), ["select 1", "select 2"]);
    }

    #[test]
    fn psql_commands_and_copy_data_are_skipped() {
        let text = "\u{feff}\\connect db\r\nselect 1;\r\nCOPY public.t (a) FROM stdin;\r\n1;'\t\\N\r\n\\.\r\n\r\nselect 2\\gexec\nselect 3";
        assert_eq!(ranges(text), ["select 1", "COPY public.t (a) FROM stdin", "select 2", "select 3"]);
        let skipped: Vec<_> = split(text).pieces.into_iter().filter(|it| it.skip).map(|it| &text[it.range]).collect();
        assert_eq!(skipped, ["\\connect db", "1;'\t\\N\r\n\\.", "\\gexec"]);
    }

    #[test]
    fn what_is_not_closed_is_one_piece_with_a_problem() {
        for text in ["select 'a; b;\n c;", "select \"a; b", "select $$ a; b", "select 1 /* a; b", "select E'\\'"] {
            let split = split(text);
            assert_eq!((split.pieces.len(), split.problems.len()), (1, 1), "{text}");
            assert_eq!(split.pieces[0].full, 0..text.len());
        }
    }

    #[test]
    fn a_statement_that_nests_too_deeply_is_reported_and_not_parsed() {
        let text = format!("select 1; select {}1{}; select 2", "(".repeat(20_000), ")".repeat(20_000));
        let split = split(&text);
        assert_eq!(split.pieces.iter().map(|it| it.skip).collect::<Vec<_>>(), [false, true, false]);
        assert_eq!(split.problems.len(), 1);
    }

    #[test]
    fn copy_without_an_end_takes_the_rest() {
        let split = split("copy t from stdin;\n1\n2\n");
        assert_eq!((split.pieces.len(), split.problems.len()), (2, 1));
    }
}
