//! The whole test suite, one binary.
mod architecture;
mod locks;
mod exports;
mod lsp;
mod pages;
mod project;
mod servers;
mod verify;
