//! Room of lint.
