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
            Self::Supabase | Self::Drizzle | Self::NodePgMigrate | Self::Liquibase => Wrap::Yes,
        }
    }
}

/// The value of `key = value` in a properties or TOML file.
fn setting<'a>(config: &'a str, key: &str) -> Option<&'a str> {
    config.lines().find_map(|line| Some(line.trim().strip_prefix(key)?.trim_start().strip_prefix('=')?.trim()))
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
