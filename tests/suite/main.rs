//! The whole test suite, one binary.

mod architecture;
mod blocks;
mod cases;
mod catalog;
mod cli;
mod corpus;
mod deparse;
mod dual_write;
mod exports;
mod fixes;
mod incremental;
mod key_writes;
mod lint;
mod live_fire;
mod locks;
mod lsp;
mod observed;
mod pages;
mod parse;
mod plans;
mod project;
mod proof;
mod real;
mod scenarios;
mod servers;
mod verify;
