//! Room of text.
