//! The whole test suite, one binary.
mod servers;
