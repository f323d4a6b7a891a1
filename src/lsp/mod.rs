//! Room of lsp.
