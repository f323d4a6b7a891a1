//! One file per message: from the protocol, through the view, back to the protocol.

mod code_action;
mod diagnostic;
mod documents;
mod execute_command;
mod files;
mod hover;
mod initialize;

pub use code_action::{code_action, code_action_resolve};
pub use diagnostic::diagnostic;
pub use documents::{did_change, did_close, did_open, did_save};
pub use execute_command::{COMMANDS, execute_command};
pub use files::{did_change_watched_files, did_change_workspace_folders};
pub use hover::hover;
pub use initialize::{initialize, initialized};
