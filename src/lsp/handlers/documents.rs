//! `textDocument/didOpen`, `didChange`, `didClose`, `didSave`: the text as the editor has it.

use tower_lsp_server::ls_types::*;

use crate::lsp::{Server, events::Event, files::path_of, from_proto};

pub async fn did_open(server: &Server, params: DidOpenTextDocumentParams) {
    let TextDocumentItem { uri, version, text, .. } = params.text_document;
    server.tell(Event::Opened { uri, version, text });
}

pub async fn did_change(server: &Server, params: DidChangeTextDocumentParams) {
    let VersionedTextDocumentIdentifier { uri, version } = params.text_document;
    let changes = params.content_changes.into_iter();
    let changes = changes.map(|it| {
        let range = it.range.map(|it| (from_proto::position(it.start), from_proto::position(it.end)));
        (range, it.text)
    });
    server.tell(Event::Changed { uri, version, changes: changes.collect() });
}

pub async fn did_close(server: &Server, params: DidCloseTextDocumentParams) {
    server.tell(Event::Closed { uri: params.text_document.uri });
}

/// For clients that do not watch files: a saved file may be new to the project.
pub async fn did_save(server: &Server, params: DidSaveTextDocumentParams) {
    server.tell(Event::FilesChanged { paths: vec![path_of(&params.text_document.uri)] });
}
