//! What each tool makes of a history that does not fit: two files of one version, a file that comes late, a file that
//! was edited after it ran.

use super::Tool;
use crate::sql::Severity;

/// What a tool does, for people: a clause that goes on after "…: ".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consequence {
    pub severity: Severity,
    pub then: &'static str,
}

/// What counts as an edit of a file that has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Any byte but line ends: the tool keeps a checksum of the text.
    Text,
    /// Other statements: comments and blanks are nobody's business.
    Statements,
    /// A changeset that was there before; new ones are what the file is for.
    Changesets,
}

const fn error(then: &'static str) -> Consequence {
    Consequence { severity: Severity::Error, then }
}

const fn warning(then: &'static str) -> Consequence {
    Consequence { severity: Severity::Warning, then }
}

impl Tool {
    /// What happens when two migrations have one version. `None`: the tool tells files by their whole names.
    pub fn on_same_version(self) -> Option<Consequence> {
        Some(match self {
            // CompositeMigrationResolver.checkForIncompatibilities.
            Self::Flyway => {
                error("Flyway stops before it runs anything (\"Found more than one migration with version\")")
            }
            // source.Migrations.Append refuses the second, os.ErrExist.
            Self::GolangMigrate => error("golang-migrate stops before it runs anything (\"duplicate migration file\")"),
            // goose.Migrations.Less and the provider's sources.
            Self::Goose => error("goose stops before it runs anything (\"duplicate version\")"),
            // refinery_core::error::Kind::RepeatedVersion.
            Self::Refinery => error("refinery stops before it runs anything (\"repeated version\")"),
            // _sqlx_migrations.version is its primary key.
            Self::Sqlx => error("sqlx stores one checksum for a version, and fails at the second"),
            // diesel-rs/diesel#3698.
            Self::Diesel => error("diesel runs only one of them and says nothing"),
            // schema_migrations.version is its primary key; what is in it counts as done.
            Self::Dbmate => error("dbmate takes the second for done, or fails when it notes it"),
            Self::Supabase => error("supabase takes the second for done, or fails when it notes it"),
            Self::Plain => warning("which of them runs first is left to their names"),
            Self::Prisma | Self::Drizzle | Self::NodePgMigrate | Self::Liquibase => return None,
        })
    }

    /// What happens where later versions have run before a file comes. `None`: the order does not come from the names.
    pub fn on_late_version(self) -> Option<Consequence> {
        Some(match self {
            // `outOfOrder` is off by default; validateOnMigrate fails (flyway/flyway#1363).
            Self::Flyway => error(
                "Flyway fails there (\"Detected resolved migration not applied to database\"), unless outOfOrder is set",
            ),
            // schema_migrations holds one number.
            Self::GolangMigrate => error("golang-migrate never runs it there, and says nothing"),
            // pressly/goose#279.
            Self::Goose => error("goose fails there (\"missing migrations\"), unless it is told -allow-missing"),
            // Runner::set_abort_missing, on by default.
            Self::Refinery => error("refinery fails there, unless abort_missing is off"),
            // supabase/cli#1323.
            Self::Supabase => error("`supabase db push` refuses it, unless it is told --include-all"),
            // checkOrder, on by default.
            Self::NodePgMigrate => error("node-pg-migrate fails there, unless it is told --no-check-order"),
            // amacneil/dbmate#159: all that are not applied run, in numeric order; --strict fails.
            Self::Dbmate => warning("it runs there after them and elsewhere before them (with --strict it fails)"),
            Self::Diesel | Self::Sqlx | Self::Prisma => warning("it runs there after them and elsewhere before them"),
            Self::Plain => warning("it runs there after them, or not at all, and elsewhere before them"),
            // A journal and a list of files say the order.
            Self::Drizzle | Self::Liquibase => return None,
        })
    }

    /// What counts as an edit of a file that has run, and what happens where it has.
    pub fn on_edit(self) -> (Edit, Consequence) {
        match self {
            Self::Flyway => (Edit::Text, error("Flyway fails wherever it has run (\"Migration checksum mismatch\")")),
            Self::Sqlx => {
                (Edit::Text, error("sqlx fails wherever it has run (\"was previously applied but has been modified\")"))
            }
            Self::Refinery => {
                (Edit::Text, error("refinery fails wherever it has run (\"applied migration is different\")"))
            }
            Self::Prisma => (
                Edit::Text,
                warning("it does not run again where it has run, and `prisma migrate dev` wants to reset the database"),
            ),
            Self::Liquibase => {
                (Edit::Changesets, error("Liquibase fails wherever it has run (\"Validation Failed\", its checksum)"))
            }
            _ => (
                Edit::Statements,
                warning("where it has run it does not run again, and new databases become others than old ones"),
            ),
        }
    }
}
