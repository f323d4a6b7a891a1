//! The text form of a plan, for tests, pages and the terminal.
