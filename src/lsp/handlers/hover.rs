//! `textDocument/hover`.

use tower_lsp_server::{jsonrpc::Result, ls_types::*};

use crate::{
    copilot,
    lsp::{Server, from_proto, server::blocking, to_proto},
};

pub async fn hover(server: &Server, params: HoverParams) -> Result<Option<Hover>> {
    let TextDocumentPositionParams { text_document, position } = params.text_document_position_params;
    let view = server.analysed().await?;
    let found = blocking(move |_| {
        let (id, folder) = view.find(&text_document.uri)?;
        let text = &folder.snapshot.file(id)?.script.text;
        let offset = from_proto::offset(text, position, view.encoding());
        let hover = copilot::hover(&folder.snapshot, id, offset)?;
        Some(to_proto::hover(&view, folder, text, &hover))
    });
    found.await
}
