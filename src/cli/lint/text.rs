//! Findings for people: each with its lines of SQL and carets under what it is about.

use unicode_width::UnicodeWidthChar;

use crate::cli::json::{Finding, LintFile};

/// Cells of SQL shown of a line.
const WIDTH: usize = 140;
/// A tab reaches to the next multiple.
const TAB: usize = 4;

/// A file's findings; `source` is its text.
pub fn file(file: &LintFile, source: &str, colours: bool) -> String {
    let lines: Vec<&str> = source.lines().collect();
    let shown = file.findings.iter().map(|it| finding(&file.path, it, &lines, colours));
    shown.collect()
}

fn finding(path: &str, it: &Finding, lines: &[&str], colours: bool) -> String {
    let paint = |style: &str, text: &str| match colours {
        true => format!("\x1b[{style}m{text}\x1b[0m"),
        false => text.to_owned(),
    };
    let severity = paint(style(&it.severity), &it.severity);
    let head = format!("{path}:{}:{}: {severity}: {} ({})\n", it.line, it.column, printable(&it.message), it.rule);
    let Some(line) = it.line.checked_sub(1).and_then(|at| lines.get(at)) else { return head };
    let end = if it.end_line > it.line { line.chars().count() + 1 } else { it.end_column };
    let (shown, from, width) = underlined(line, it.column, end);
    let more = if it.end_line > it.line { " …" } else { "" };
    let number = it.line.to_string();
    let margin = " ".repeat(number.len());
    let carets = paint(style(&it.severity), &"^".repeat(width));
    let bar = paint("2", "|");
    format!(
        "{head}{margin} {bar}\n{} {bar} {shown}{more}\n{margin} {bar} {}{carets}\n",
        paint("2", &number),
        " ".repeat(from)
    ) + &it.phase.iter().map(|it| format!("{margin} {} belongs to {it}\n", paint("2", "="))).collect::<String>()
}

fn style(severity: &str) -> &'static str {
    match severity {
        "error" => "1;31",
        "warning" => "1;33",
        "info" => "1;34",
        _ => "1",
    }
}

/// A line as a terminal can show it, and the cells where its columns (from 1, in characters) begin and how many they
/// take. Of a long line the part around them is shown.
fn underlined(line: &str, column: usize, end: usize) -> (String, usize, usize) {
    let (mut from, mut to, mut at) = (None, None, 0);
    let mut cells: Vec<(usize, String)> = Vec::new();
    for (i, c) in line.chars().enumerate() {
        if i + 1 == column {
            from = Some(at);
        }
        if i + 1 == end {
            to = Some(at);
        }
        let (text, width) = cell(c, at);
        cells.push((at, text));
        at += width;
    }
    let from = from.unwrap_or(at);
    let to = to.unwrap_or(at).max(from + 1);
    if at <= WIDTH {
        return (cells.into_iter().map(|it| it.1).collect(), from, to - from);
    }
    let start = if to <= WIDTH { 0 } else { from.saturating_sub(TAB) };
    let stop = start + WIDTH;
    let first = cells.iter().map(|it| it.0).find(|it| *it >= start).unwrap_or(start);
    let part: String = cells.iter().filter(|it| (start..stop).contains(&it.0)).map(|it| it.1.as_str()).collect();
    let before = if start > 0 { "… " } else { "" };
    let after = if at > stop { " …" } else { "" };
    let shift = 2 * usize::from(start > 0);
    (format!("{before}{part}{after}"), from - first + shift, to.min(stop) - from)
}

/// What stands for a character in some cells, and how many: a tab reaches on, what would command the terminal does not
/// reach it.
fn cell(c: char, at: usize) -> (String, usize) {
    match c {
        '\t' => {
            let width = TAB - at % TAB;
            (" ".repeat(width), width)
        }
        _ => match c.width() {
            Some(width) if !is_command(c) => (c.to_string(), width),
            _ => ("\u{fffd}".to_owned(), 1),
        },
    }
}

/// Controls, and marks that change the direction of text around them.
fn is_command(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A message on one line, without anything that a terminal would obey.
fn printable(text: &str) -> String {
    text.chars().map(|it| if is_command(it) { ' ' } else { it }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, column: usize, end: usize, expect: &str) {
        let (shown, from, width) = underlined(line, column, end);
        assert_eq!(format!("{shown}\n{}{}", " ".repeat(from), "^".repeat(width)), expect);
    }

    #[test]
    fn carets_stand_under_what_they_mean() {
        check("DROP TABLE t;", 6, 11, "DROP TABLE t;\n     ^^^^^");
        check("\tDROP x;", 2, 6, "    DROP x;\n    ^^^^");
        check("a\tDROP x;", 3, 7, "a   DROP x;\n    ^^^^");
        check("'日本' x y;", 6, 7, "'日本' x y;\n       ^");
        check("-- e\u{301}e x", 8, 9, "-- e\u{301}e x\n      ^");
        check("x", 9, 9, "x\n ^");
        check("", 1, 1, "\n^");
    }

    #[test]
    fn nothing_in_a_file_commands_the_terminal() {
        check("\u{1b}[31m x", 7, 8, "\u{fffd}[31m x\n      ^");
        check("\u{202e}abc", 2, 3, "\u{fffd}abc\n ^");
        assert_eq!(printable("a\u{1b}[2Jb\nc"), "a [2Jb c");
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let line = format!("{}DROP TABLE t;", " ".repeat(1000));
        let (shown, from, width) = underlined(&line, 1001, 1013);
        assert_eq!(&shown.chars().skip(from).take(width).collect::<String>(), "DROP TABLE t");
        assert!(shown.starts_with("… ") && shown.chars().count() < 160);
        let (shown, from, width) = underlined(&format!("DROP TABLE t, {}", "x, ".repeat(500)), 1, 1514);
        assert_eq!((from, width, shown.ends_with(" …")), (0, WIDTH, true));
    }
}
