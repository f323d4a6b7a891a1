//! The migration tools whose folders Lockkeeper reads, and what each does with a file when it runs it.

use crate::sql::{Runs, Wrap};

/// A migration tool, known by how its files are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tool {
    /// Numbered or timestamped `.sql` files that somebody runs with a plain client.
    Plain,
    Flyway,
    GolangMigrate,
    Diesel,
    Sqlx,
    Dbmate,
    Goose,
    Prisma,
    Refinery,
    Supabase,
    Drizzle,
    NodePgMigrate,
    Liquibase,
}

/// What says that a file is to run outside of its tool's transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Text to be put into the file, at this byte.
    Inside(usize, String),
    /// A line of the settings file beside it.
    Beside { name: String, line: String },
}

impl Tool {
    pub const ALL: [Self; 13] = [
        Self::Plain,
        Self::Flyway,
        Self::GolangMigrate,
        Self::Diesel,
        Self::Sqlx,
        Self::Dbmate,
        Self::Goose,
        Self::Prisma,
        Self::Refinery,
        Self::Supabase,
        Self::Drizzle,
        Self::NodePgMigrate,
        Self::Liquibase,
    ];

    /// The word for settings and the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "sql",
            Self::Flyway => "flyway",
            Self::GolangMigrate => "golang-migrate",
            Self::Diesel => "diesel",
            Self::Sqlx => "sqlx",
            Self::Dbmate => "dbmate",
            Self::Goose => "goose",
            Self::Prisma => "prisma",
            Self::Refinery => "refinery",
            Self::Supabase => "supabase",
            Self::Drizzle => "drizzle",
            Self::NodePgMigrate => "node-pg-migrate",
            Self::Liquibase => "liquibase",
        }
    }

    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// Does a file of the tool hold the way up and the way down?
    pub fn has_sections(self) -> bool {
        matches!(self, Self::Dbmate | Self::Goose | Self::NodePgMigrate)
    }

    /// How the tool runs this file, and how it would if the file were marked to run outside of a transaction.
    pub fn runs(self, text: &str, config: Option<&str>) -> Runs {
        let (wrap, unmarked) = (self.wrap(text, config), self.wrap("", None));
        let marked = match self {
            Self::Flyway | Self::Goose | Self::Liquibase => Some(Wrap::No),
            Self::Diesel | Self::Sqlx | Self::Dbmate => Some(Wrap::WhenSeveral),
            _ => None,
        };
        Runs { wrap, marked: marked.filter(|_| wrap == unmarked) }
    }

    /// What keeps a file out of the tool's transaction. `name` is the file's own. `None`: the tool knows nothing of the
    /// kind, or the file has no place for it.
    pub fn mark(self, text: &str, name: &str) -> Option<Mark> {
        let behind = |words: &str, insert: &str| {
            let line = lines(text).find(|(_, it)| starts_with(it, words))?;
            Some(Mark::Inside(line.0 + line.1.trim_end().len(), insert.to_owned()))
        };
        let beside = |name: String, line: &str| Some(Mark::Beside { name, line: line.to_owned() });
        match self {
            Self::Flyway => beside(format!("{name}.conf"), "executeInTransaction=false"),
            Self::Diesel => beside("metadata.toml".to_owned(), "run_in_transaction = false"),
            Self::Sqlx => Some(Mark::Inside(0, format!("-- no-transaction{}", line_end(text)))),
            Self::Dbmate => behind("-- migrate:up", " transaction:false"),
            Self::Goose => Some(Mark::Inside(0, format!("-- +goose NO TRANSACTION{}", line_end(text)))),
            Self::Liquibase => behind("--changeset", " runInTransaction:false"),
            _ => None,
        }
    }

    /// How the tool runs this file. `text` is the whole file, `config` the settings that stand beside it
    /// (Flyway's `FILE.conf`, diesel's `metadata.toml`).
    pub fn wrap(self, text: &str, config: Option<&str>) -> Wrap {
        let config = config.unwrap_or_default();
        match self {
            Self::Plain => Wrap::No,
            Self::Flyway if setting(config, "executeInTransaction") == Some("false") => Wrap::No,
            Self::Flyway => Wrap::Detects,
            Self::Diesel if setting(config, "run_in_transaction") == Some("false") => Wrap::WhenSeveral,
            Self::Sqlx if text.starts_with("-- no-transaction") => Wrap::WhenSeveral,
            Self::Dbmate if marker(text, "-- migrate:up").is_some_and(|it| it.contains("transaction:false")) => {
                Wrap::WhenSeveral
            }
            Self::Goose if marker(text, "-- +goose NO TRANSACTION").is_some() => Wrap::No,
            Self::Liquibase if text.contains("runInTransaction:false") => Wrap::No,
            Self::GolangMigrate | Self::Prisma => Wrap::WhenSeveral,
            Self::Diesel | Self::Sqlx | Self::Dbmate | Self::Goose | Self::Refinery => Wrap::Yes,
            // Since CLI 2.109: what cannot run in a transaction runs by itself, the rest in batches around it.
            Self::Supabase => Wrap::Detects,
            Self::Drizzle | Self::NodePgMigrate | Self::Liquibase => Wrap::Yes,
        }
    }
}

/// The value of `key = value` in a properties or TOML file.
fn setting<'a>(config: &'a str, key: &str) -> Option<&'a str> {
    config.lines().find_map(|line| Some(line.trim().strip_prefix(key)?.trim_start().strip_prefix('=')?.trim()))
}

/// The lines of a text, each with where it starts.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |line| {
        let at = start;
        start += line.len();
        (at, line)
    })
}

fn line_end(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

fn starts_with(line: &str, marker: &str) -> bool {
    line.trim_start().get(..marker.len()).is_some_and(|it| it.eq_ignore_ascii_case(marker))
}

/// The rest of the first line that starts with a marker, upper and lower case alike.
fn marker<'a>(text: &'a str, marker: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let line = line.trim_start();
        let head = line.get(..marker.len())?;
        head.eq_ignore_ascii_case(marker).then(|| &line[marker.len()..])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_found_by_its_own_name() {
        for tool in Tool::ALL {
            assert_eq!(Tool::by_name(tool.name()), Some(tool));
        }
    }

    #[test]
    fn a_mark_is_what_the_tool_understands() {
        for (tool, text) in [
            (Tool::Flyway, "CREATE INDEX CONCURRENTLY i ON t (a);\n"),
            (Tool::Diesel, "CREATE INDEX CONCURRENTLY i ON t (a);\n"),
            (Tool::Sqlx, "CREATE INDEX CONCURRENTLY i ON t (a);\r\n"),
            (Tool::Dbmate, "-- migrate:up\nCREATE INDEX CONCURRENTLY i ON t (a);\n-- migrate:down\n"),
            (Tool::Goose, "-- +goose Up\nCREATE INDEX CONCURRENTLY i ON t (a);\n"),
            (Tool::Liquibase, "--liquibase formatted sql\n--changeset me:1\nCREATE INDEX CONCURRENTLY i ON t (a);\n"),
        ] {
            let runs = tool.runs(text, None);
            let marked = match tool.mark(text, "V1__x.sql") {
                Some(Mark::Inside(at, insert)) => tool.wrap(&format!("{}{insert}{}", &text[..at], &text[at..]), None),
                Some(Mark::Beside { line, .. }) => tool.wrap(text, Some(&line)),
                None => panic!("{} has no mark", tool.name()),
            };
            assert_eq!(runs.marked, Some(marked), "{}", tool.name());
        }
        for tool in Tool::ALL {
            assert_eq!(
                tool.mark("-- migrate:up\n--changeset a:b\n", "x").is_some(),
                tool.runs("", None).marked.is_some()
            );
        }
    }

    #[test]
    fn each_tool_has_its_way_out_of_the_transaction() {
        let flyway = Tool::Flyway.wrap("DROP TABLE t;", Some("executeInTransaction=false"));
        assert_eq!(flyway, Wrap::No);
        assert!(Tool::Flyway.wrap("", None).wraps(2, false));
        assert!(!Tool::Flyway.wrap("", None).wraps(1, true));
        assert_eq!(Tool::Diesel.wrap("", Some("run_in_transaction = false")), Wrap::WhenSeveral);
        assert_eq!(Tool::Sqlx.wrap("-- no-transaction\nSELECT 1;", None), Wrap::WhenSeveral);
        assert_eq!(Tool::Dbmate.wrap("-- migrate:up transaction:false\n", None), Wrap::WhenSeveral);
        assert_eq!(Tool::Goose.wrap("-- +goose NO TRANSACTION\n-- +goose Up\n", None), Wrap::No);
        assert_eq!(Tool::Goose.wrap("-- +goose Up\n", None), Wrap::Yes);
        assert!(!Tool::GolangMigrate.wrap("", None).wraps(1, true));
    }
}
