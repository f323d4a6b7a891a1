//! Asking the client to tell us of changes on disk.

use tower_lsp_server::{Client, ls_types::*};

/// What a project is made of.
const PATTERNS: [&str; 5] =
    ["**/*.sql", "**/*.sql.conf", "**/lockkeeper.toml", "**/lockkeeper.stats.json", "**/*.plan.md"];

pub async fn register(client: &Client) {
    let watchers =
        PATTERNS.map(|it| FileSystemWatcher { glob_pattern: GlobPattern::String(it.to_owned()), kind: None });
    let options = DidChangeWatchedFilesRegistrationOptions { watchers: watchers.to_vec() };
    let registration = Registration {
        id: "lockkeeper-files".to_owned(),
        method: "workspace/didChangeWatchedFiles".to_owned(),
        register_options: serde_json::to_value(options).ok(),
    };
    if let Err(error) = client.register_capability(vec![registration]).await {
        eprintln!("lockkeeper: the client does not watch files for us: {error}");
    }
}
