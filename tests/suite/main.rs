//! The whole test suite, one binary.
mod lsp;
mod project;
mod servers;
mod verify;
