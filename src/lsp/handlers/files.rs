//! `workspace/didChangeWatchedFiles` and `workspace/didChangeWorkspaceFolders`: what happens outside the editor's buffers.

use tower_lsp_server::ls_types::*;

use crate::lsp::{Server, events::Event, files::path_of};

pub async fn did_change_watched_files(server: &Server, params: DidChangeWatchedFilesParams) {
    let paths = params.changes.iter().map(|it| path_of(&it.uri)).collect();
    server.tell(Event::FilesChanged { paths });
}

pub async fn did_change_workspace_folders(server: &Server, params: DidChangeWorkspaceFoldersParams) {
    let paths = |it: &[WorkspaceFolder]| it.iter().map(|it| path_of(&it.uri)).collect();
    server.tell(Event::Folders { added: paths(&params.event.added), removed: paths(&params.event.removed) });
}
