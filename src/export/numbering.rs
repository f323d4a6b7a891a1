//! The next version, in the convention of the files that are there.

use super::{FileName, Tool, compare_versions};

/// Hands out version prefixes, each above all others: `V8.1__`, `0008_`, `20240102030405_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbering {
    letter: Option<char>,
    /// Groups before the one that counts.
    head: Vec<String>,
    separator: char,
    /// The group that counts, as it was last used.
    last: String,
    /// Stands between version and description.
    glue: &'static str,
}

impl Numbering {
    /// Continues after the highest version in `names` (file or folder names). `now` (`YYYYMMDDHHMMSS`) is the version
    /// of timestamp conventions, as far as it is above the highest. Flyway versions get a second group, so that
    /// the files of one plan stay together: after `V7`, `V8.1`, `V8.2`; `own` are the names of the plan's files so far.
    pub fn after(tool: Tool, names: &[String], own: &[String], now: Option<&str>, timestamps: bool) -> Self {
        let parsed = names.iter().filter_map(|it| FileName::parse(tool, it));
        let known: Vec<FileName<'_>> = parsed.filter(|it| !it.version.is_empty()).collect();
        let Some(highest) = known.iter().max_by(|a, b| a.compare(b)) else {
            return Self::first(tool, now.filter(|_| timestamps || starts_with_timestamps(tool)));
        };
        let glue = match tool {
            Tool::Flyway | Tool::Refinery => "__",
            _ => glue(names, highest),
        };
        let letter = highest.letter.map(|it| if it == 'v' { 'v' } else { 'V' });
        let version: Vec<String> = highest.version.iter().map(|it| (*it).to_owned()).collect();
        let next = |head: Vec<String>, last: String| Self { letter, head, separator: highest.separator, last, glue };
        if let Some(now) = now.and_then(|it| as_timestamp(it, &version))
            && greater(&now, &version)
        {
            let (head, last) = split_last(now);
            return next(head, decrement(&last));
        }
        if tool == Tool::Flyway && !is_timestamp(&version) {
            return Self::flyway(&known, highest, own, letter);
        }
        let (head, last) = split_last(version);
        next(head, last)
    }

    /// The convention of a tool whose folder is still empty.
    fn first(tool: Tool, now: Option<&str>) -> Self {
        let flyway = matches!(tool, Tool::Flyway | Tool::Refinery);
        let (letter, glue) = if flyway { (Some('V'), "__") } else { (None, "_") };
        let plain =
            |head: Vec<String>, separator, last: &str| Self { letter, head, separator, last: last.to_owned(), glue };
        match (tool, now) {
            (Tool::Diesel, Some(now)) if now.len() == 14 && now.is_ascii() => {
                let head = [&now[..4], &now[4..6], &now[6..8]].map(str::to_owned).to_vec();
                plain(head, '-', &decrement(&now[8..]))
            }
            (_, Some(now)) => plain(Vec::new(), '.', &decrement(now)),
            (Tool::Flyway, None) => plain(vec!["1".to_owned()], '.', "0"),
            (Tool::Refinery, None) => plain(Vec::new(), '.', "0"),
            (Tool::GolangMigrate, None) => plain(Vec::new(), '.', "000000"),
            (Tool::Goose, None) => plain(Vec::new(), '.', "00000"),
            (_, None) => plain(Vec::new(), '.', "0000"),
        }
    }

    fn flyway(known: &[FileName<'_>], highest: &FileName<'_>, own: &[String], letter: Option<char>) -> Self {
        let make =
            |head: Vec<String>, last: String| Self { letter, head, separator: highest.separator, last, glue: "__" };
        let version: Vec<String> = highest.version.iter().map(|it| (*it).to_owned()).collect();
        // The highest is the plan's own: go on in its group.
        let is_own =
            own.iter().filter_map(|it| FileName::parse(Tool::Flyway, it)).any(|it| it.version == highest.version);
        if is_own && version.len() > 1 {
            let (head, last) = split_last(version);
            return make(head, last);
        }
        let groups = known.iter().map(|it| it.version.len()).min().unwrap_or(1).max(1);
        let mut head = version;
        head.truncate(groups);
        if let Some(last) = head.last_mut() {
            *last = increment(last);
        }
        make(head, "0".to_owned())
    }

    /// Takes the next version, with what stands between it and the description.
    pub fn take(&mut self) -> String {
        self.last = increment(&self.last);
        format!("{}{}", self.version(), self.glue)
    }

    /// The prefix that the files of a plan share: `V8__`, or the one [`Numbering::take`] gives next.
    pub fn group(&self, tool: Tool) -> String {
        if tool == Tool::Flyway && self.last == "0" {
            let letter = self.letter.map(String::from).unwrap_or_default();
            return format!("{letter}{}{}", self.head.join(&self.separator.to_string()), self.glue);
        }
        self.clone().take()
    }

    fn version(&self) -> String {
        let mut groups = self.head.clone();
        groups.push(self.last.clone());
        let letter = self.letter.map(String::from).unwrap_or_default();
        format!("{letter}{}", groups.join(&self.separator.to_string()))
    }
}

/// Tools whose own `new` command writes timestamps.
fn starts_with_timestamps(tool: Tool) -> bool {
    matches!(tool, Tool::Diesel | Tool::Sqlx | Tool::Dbmate | Tool::Prisma | Tool::Supabase | Tool::NodePgMigrate)
}

/// The mark between version and description in the name with the highest version.
fn glue(names: &[String], highest: &FileName<'_>) -> &'static str {
    let version = highest.version.join(&highest.separator.to_string());
    let mark = names.iter().find_map(|it| {
        let rest = it.trim_start_matches(['V', 'v']).strip_prefix(version.as_str())?;
        rest.chars().next()
    });
    match mark {
        Some('-') => "-",
        Some('.') if !highest.description.is_empty() => ".",
        _ => "_",
    }
}

fn greater(a: &[String], b: &[String]) -> bool {
    let a: Vec<&str> = a.iter().map(String::as_str).collect();
    let b: Vec<&str> = b.iter().map(String::as_str).collect();
    compare_versions(&a, &b).is_gt()
}

/// Is the version a date: `20240102030405`, `202401020304`, or `2024-01-02-030405`?
fn is_timestamp(version: &[String]) -> bool {
    let year = |it: &str| it.starts_with("19") || it.starts_with("20");
    match version {
        [one] => matches!(one.len(), 12 | 14) && year(one),
        [first, .., last] => version.len() >= 3 && first.len() == 4 && year(first) && last.len() <= 6,
        [] => false,
    }
}

/// `now` in the shape of an existing version; `None` when that is no timestamp or of a shape not known.
fn as_timestamp(now: &str, like: &[String]) -> Option<Vec<String>> {
    if now.len() != 14 || !now.bytes().all(|it| it.is_ascii_digit()) || !is_timestamp(like) {
        return None;
    }
    match like {
        [one] => Some(vec![now[..one.len()].to_owned()]),
        [_, _, _, time] if time.len() == 6 => {
            Some(vec![now[..4].to_owned(), now[4..6].to_owned(), now[6..8].to_owned(), now[8..].to_owned()])
        }
        _ => None,
    }
}

fn split_last(mut groups: Vec<String>) -> (Vec<String>, String) {
    let last = groups.pop().unwrap_or_default();
    (groups, last)
}

/// One more, as many digits as before or more.
fn increment(digits: &str) -> String {
    let mut out: Vec<u8> = digits.bytes().collect();
    for digit in out.iter_mut().rev() {
        if *digit == b'9' {
            *digit = b'0';
        } else {
            *digit += 1;
            return String::from_utf8_lossy(&out).into_owned();
        }
    }
    format!("1{}", String::from_utf8_lossy(&out))
}

/// One less; 0 stays.
fn decrement(digits: &str) -> String {
    let mut out: Vec<u8> = digits.bytes().collect();
    for digit in out.iter_mut().rev() {
        if *digit == b'0' {
            *digit = b'9';
        } else {
            *digit -= 1;
            return String::from_utf8_lossy(&out).into_owned();
        }
    }
    digits.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(tool: Tool, names: &[&str], now: Option<&str>, expect: [&str; 2]) {
        let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
        let mut numbering = Numbering::after(tool, &names, &[], now, false);
        assert_eq!([numbering.take(), numbering.take()], expect);
    }

    const NOW: Option<&str> = Some("20261121014519");

    #[test]
    fn numbers_keep_their_padding_and_their_mark() {
        check(Tool::Plain, &["0001_a.sql", "0007_b.sql"], NOW, ["0008_", "0009_"]);
        check(Tool::Plain, &["9-a.sql", "10-b.sql"], None, ["11-", "12-"]);
        check(Tool::Plain, &["000019.sql"], None, ["000020_", "000021_"]);
        check(Tool::Plain, &["v1_a.sql"], None, ["v2_", "v3_"]);
        check(Tool::GolangMigrate, &["000099_a.up.sql", "000099_a.down.sql"], NOW, ["000100_", "000101_"]);
    }

    #[test]
    fn flyway_versions_are_digits_with_dots_and_keep_a_plan_together() {
        check(Tool::Flyway, &["V7__a.sql", "R__v.sql"], NOW, ["V8.1__", "V8.2__"]);
        check(Tool::Flyway, &["V1__a.sql", "V1.1__b.sql"], None, ["V2.1__", "V2.2__"]);
        check(Tool::Flyway, &["V1_9__a.sql"], None, ["V1_10_1__", "V1_10_2__"]);
        check(Tool::Flyway, &["V007__a.sql"], None, ["V008.1__", "V008.2__"]);
        check(Tool::Flyway, &["V20240101120000__a.sql"], NOW, ["V20261121014519__", "V20261121014520__"]);
        check(Tool::Refinery, &["V7__a.sql"], None, ["V8__", "V9__"]);
    }

    #[test]
    fn a_flyway_plan_goes_on_in_its_group() {
        let names = ["V7__a.sql", "V8.1__x.sql", "V8.2__x.sql"].map(str::to_owned);
        let mut numbering = Numbering::after(Tool::Flyway, &names, &names[1..], None, false);
        assert_eq!(numbering.take(), "V8.3__");
        let mut numbering = Numbering::after(Tool::Flyway, &names, &[], None, false);
        assert_eq!(numbering.group(Tool::Flyway), "V9__");
        assert_eq!(numbering.take(), "V9.1__");
    }

    #[test]
    fn timestamps_go_on_from_now_or_from_the_highest() {
        check(Tool::Sqlx, &["20240102030405_a.sql"], NOW, ["20261121014519_", "20261121014520_"]);
        check(Tool::Sqlx, &["20240102030405_a.sql"], None, ["20240102030406_", "20240102030407_"]);
        check(Tool::Sqlx, &["20990102030405_a.sql"], NOW, ["20990102030406_", "20990102030407_"]);
        check(Tool::Plain, &["202401020304_a.sql"], NOW, ["202611210145_", "202611210146_"]);
        check(Tool::Diesel, &["2024-01-02-030405_a"], NOW, ["2026-11-21-014519_", "2026-11-21-014520_"]);
    }

    #[test]
    fn an_empty_folder_begins_as_its_tool_does() {
        check(Tool::Plain, &[], NOW, ["0001_", "0002_"]);
        check(Tool::Flyway, &[], NOW, ["V1.1__", "V1.2__"]);
        check(Tool::Diesel, &[], NOW, ["2026-11-21-014519_", "2026-11-21-014520_"]);
        check(Tool::Dbmate, &[], NOW, ["20261121014519_", "20261121014520_"]);
    }
}
