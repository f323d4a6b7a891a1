//! Room of shadow.
