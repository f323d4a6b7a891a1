//! Lockkeeper: phased, zero-downtime schema migrations, planned in the editor and proven on a real server.
//!
//! This file is the map. Data flows one way, as plain values:
//!
//! ```text
//! text ─ dialect.parse ─▶ Statement* ─ catalog::build ─▶ Catalog (after)      baseline ─▶ Catalog (before)
//! changes::diff(before, after) ─▶ Changes ─ planner::plan ─▶ Plan ─ export ─▶ files
//!                                                             └─ shadow::verify ─▶ proof
//! ```
//!
//! Invariants, held by `tests/suite/architecture.rs`:
//! - The pure rooms know no disk, network, clock, randomness or global state: equal input, equal bytes.
//! - One DDL vocabulary ([`sql::Ddl`]): the parser yields it, the plan's steps hold it, the dialect renders it.
//! - Locks are looked up with [`dialect::Dialect::lock_of`], never typed into a change.
//! - What the core cannot know is an argument ([`plan::Facts`]) or a [`plan::Question`]; it never guesses silently.
//! - LSP types stay in `lsp`, squawk's types in `dialect::postgres`, the database driver in `shadow`.

// Pure rooms, in reading order.
pub mod catalog;
pub mod changes;
pub mod copilot;
pub mod dialect;
pub mod export;
pub mod lint;
pub mod page;
pub mod plan;
pub mod planner;
pub mod sql;
pub mod text;
// Outside rooms: I/O, may fail.
pub mod cli;
pub mod lsp;
pub mod project;
pub mod shadow;
