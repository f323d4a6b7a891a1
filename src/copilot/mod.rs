//! Room of copilot.
