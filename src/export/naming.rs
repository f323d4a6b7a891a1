//! Names of migration files: taking them apart, comparing their versions, making the next one.

use std::cmp::Ordering;

use super::Tool;

/// A migration's file or folder name, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName<'a> {
    /// `V`, `U`, `R` or `B` of Flyway; `v` of some plain ones.
    pub letter: Option<char>,
    /// Groups of digits, as written: `["8", "1"]`. Empty for a repeatable migration.
    pub version: Vec<&'a str>,
    /// Stands between the groups.
    pub separator: char,
    /// What follows, without extension and direction: `create_users`.
    pub description: &'a str,
    pub direction: Direction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The name says nothing.
    Unsaid,
    Up,
    Down,
}

impl<'a> FileName<'a> {
    /// Takes a name apart as the tool would. `None`: the tool would not look at it.
    pub fn parse(tool: Tool, name: &'a str) -> Option<Self> {
        match tool {
            Tool::Flyway | Tool::Refinery => flyway(name.strip_suffix(".sql")?),
            Tool::Diesel | Tool::Prisma => numbered(name),
            _ => numbered(name.strip_suffix(".sql")?),
        }
    }

    /// The groups as one comparable version.
    pub fn compare(&self, other: &Self) -> Ordering {
        compare_versions(&self.version, &other.version)
    }
}

/// Compares group by group as numbers of any length; a missing group counts as 0, as Flyway does.
pub fn compare_versions(a: &[&str], b: &[&str]) -> Ordering {
    let groups = a.len().max(b.len());
    let number = |version: &[&str], i: usize| {
        let digits = version.get(i).copied().unwrap_or("0").trim_start_matches('0').to_owned();
        (digits.len(), digits)
    };
    (0..groups).map(|i| number(a, i).cmp(&number(b, i))).find(|it| it.is_ne()).unwrap_or(Ordering::Equal)
}

/// `V8.1__add_index`, `V8_1__x`, `R__views`.
fn flyway(stem: &str) -> Option<FileName<'_>> {
    let letter = stem.chars().next().filter(|it| matches!(it, 'V' | 'U' | 'R' | 'B'))?;
    let (version, description) = stem.get(1..)?.split_once("__")?;
    let separator = if version.contains('_') { '_' } else { '.' };
    let version: Vec<&str> = if version.is_empty() { Vec::new() } else { version.split(['.', '_']).collect() };
    let digits = version.iter().all(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()));
    if !digits || version.is_empty() != (letter == 'R') {
        return None;
    }
    Some(FileName { letter: Some(letter), version, separator, description, direction: Direction::Unsaid })
}

/// `0001_x`, `20240102030405_x.up`, `2024-01-02-030405_x`, `000001`, `v3.x`.
fn numbered(stem: &str) -> Option<FileName<'_>> {
    let (stem, direction) = match stem.strip_suffix(".up") {
        Some(stem) => (stem, Direction::Up),
        None => match stem.strip_suffix(".down") {
            Some(stem) => (stem, Direction::Down),
            None => (stem, Direction::Unsaid),
        },
    };
    let letter = stem.chars().next().filter(|it| matches!(it, 'V' | 'v'));
    let mut rest = if letter.is_some() { &stem[1..] } else { stem };
    let mut version = Vec::new();
    let mut separator = '.';
    loop {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        version.push(&rest[..digits]);
        rest = &rest[digits..];
        // Another group: `-` or `.`, then digits alone up to the next mark: 2024-01-02-030405, not 0001-2fa.
        let more = rest.strip_prefix(['-', '.']).is_some_and(|tail| {
            let digits = tail.bytes().take_while(u8::is_ascii_digit).count();
            digits > 0 && tail[digits..].chars().next().is_none_or(|it| matches!(it, '-' | '.' | '_'))
        });
        if digits == 0 || !more {
            break;
        }
        separator = if rest.starts_with('-') { '-' } else { '.' };
        rest = &rest[1..];
    }
    if version.iter().any(|it| it.is_empty()) {
        return None;
    }
    if !rest.is_empty() && !rest.starts_with(['_', '-', '.']) {
        return None;
    }
    let description = rest.trim_start_matches(['_', '-', '.']);
    Some(FileName { letter, version, separator, description, direction })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(tool: Tool, name: &str) -> Option<(String, String)> {
        let it = FileName::parse(tool, name)?;
        Some((it.version.join("|"), it.description.to_owned()))
    }

    fn some(version: &str, description: &str) -> Option<(String, String)> {
        Some((version.to_owned(), description.to_owned()))
    }

    #[test]
    fn flyway_names() {
        assert_eq!(version(Tool::Flyway, "V8.1__add_x.sql"), some("8|1", "add_x"));
        assert_eq!(version(Tool::Flyway, "V1_2__add__x.sql"), some("1|2", "add__x"));
        assert_eq!(version(Tool::Flyway, "R__views.sql"), some("", "views"));
        assert_eq!(version(Tool::Flyway, "V008A__x.sql"), None);
        assert_eq!(version(Tool::Flyway, "V__x.sql"), None);
        assert_eq!(version(Tool::Flyway, "V1_x.sql"), None);
    }

    #[test]
    fn numbered_names() {
        assert_eq!(version(Tool::Plain, "0001_init.sql"), some("0001", "init"));
        assert_eq!(version(Tool::Plain, "000001.sql"), some("000001", ""));
        assert_eq!(version(Tool::Plain, "0001-2fa.sql"), some("0001", "2fa"));
        assert_eq!(version(Tool::Diesel, "2024-01-02-030405_x"), some("2024|01|02|030405", "x"));
        assert_eq!(version(Tool::Plain, "schema.sql"), None);
        assert_eq!(version(Tool::Plain, "2fa.sql"), None);
        assert_eq!(version(Tool::Plain, "v.sql"), None);
        let down = FileName::parse(Tool::GolangMigrate, "0002_x.down.sql").map(|it| it.direction);
        assert_eq!(down, Some(Direction::Down));
    }

    #[test]
    fn versions_compare_as_numbers_of_any_length() {
        assert_eq!(compare_versions(&["9"], &["10"]), Ordering::Less);
        assert_eq!(compare_versions(&["8"], &["8", "0"]), Ordering::Equal);
        assert_eq!(compare_versions(&["8", "2"], &["8", "10"]), Ordering::Less);
        assert_eq!(compare_versions(&["0099999999999999999999"], &["100000000000000000000"]), Ordering::Less);
    }
}
