//! How the tool that runs a file sends it to the server.

/// How a tool sends a file to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrap {
    /// Statement by statement, each on its own.
    No,
    /// In a transaction of the tool's making.
    Yes,
    /// As one string: PostgreSQL runs several statements in one string as one transaction (manual 55.2.2.1),
    /// a single one on its own.
    WhenSeveral,
    /// In a transaction unless it holds a statement that cannot run in one; a mixture is refused (Flyway's `mixed`).
    Detects,
}

impl Wrap {
    /// Whether a file of so many statements runs in a transaction. For [`Wrap::Detects`]: yes, unless one of them cannot.
    pub fn wraps(self, statements: usize, any_cannot: bool) -> bool {
        match self {
            Self::No => false,
            Self::Yes => true,
            Self::WhenSeveral => statements > 1,
            Self::Detects => !any_cannot,
        }
    }
}

/// How a file runs, and how it would once it is marked to run outside of the tool's transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Runs {
    pub wrap: Wrap,
    /// `None`: the tool knows no such mark, or the file bears it.
    pub marked: Option<Wrap>,
}

impl Runs {
    /// A plain client: statement by statement.
    pub const ALONE: Self = Self { wrap: Wrap::No, marked: None };
    /// In a transaction that nothing can be done about.
    pub const WRAPPED: Self = Self { wrap: Wrap::Yes, marked: None };
}
