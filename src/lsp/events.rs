//! What happens to the server, in the order in which it happens.

use std::{path::PathBuf, time::Duration};

use tower_lsp_server::ls_types::Uri;

use super::{client::Abilities, workspace::Loaded};
use crate::{copilot::Analysis, text::Position};

/// One thing that happened. Closed: the analyst handles every one.
pub enum Event {
    Initialized {
        abilities: Abilities,
        folders: Vec<PathBuf>,
    },
    Folders {
        added: Vec<PathBuf>,
        removed: Vec<PathBuf>,
    },
    Opened {
        uri: Uri,
        version: i32,
        text: String,
    },
    /// Each change: the range, or all of the text, and what stands there now.
    Changed {
        uri: Uri,
        version: i32,
        changes: Vec<(Option<(Position, Position)>, String)>,
    },
    Closed {
        uri: Uri,
    },
    /// On disk, by us or by others.
    FilesChanged {
        paths: Vec<PathBuf>,
    },
    Loaded {
        folder: PathBuf,
        loaded: Box<Loaded>,
    },
    Analysed {
        folder: PathBuf,
        result: Option<Box<Analysis>>,
        took: Duration,
    },
    /// The client asked for diagnostics: it need not be sent any.
    Pulled,
}
