//! The whole test suite, one binary.
mod lsp;
mod servers;
mod verify;
