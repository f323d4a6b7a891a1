//! One file per message: from the protocol, through the view, back to the protocol.

mod diagnostic;
mod documents;
mod files;
mod hover;
mod initialize;

pub use diagnostic::diagnostic;
pub use documents::{did_change, did_close, did_open, did_save};
pub use files::{did_change_watched_files, did_change_workspace_folders};
pub use hover::hover;
pub use initialize::{initialize, initialized};
