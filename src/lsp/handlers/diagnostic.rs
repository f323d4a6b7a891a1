//! `textDocument/diagnostic`: for clients that ask.

use tower_lsp_server::{jsonrpc::Result, ls_types::*};

use crate::lsp::{Server, events::Event, server::blocking, to_proto};

pub async fn diagnostic(server: &Server, params: DocumentDiagnosticParams) -> Result<DocumentDiagnosticReportResult> {
    if !server.publisher.pulls() {
        server.tell(Event::Pulled);
    }
    let view = server.settled().await?;
    let uri = params.text_document.uri;
    let items = blocking(move |_| match view.find(&uri) {
        Some((id, folder)) => to_proto::diagnostics(&view, folder, id),
        None => Vec::new(),
    });
    let report = FullDocumentDiagnosticReport { result_id: None, items: items.await? };
    let report =
        RelatedFullDocumentDiagnosticReport { related_documents: None, full_document_diagnostic_report: report };
    Ok(DocumentDiagnosticReportResult::Report(DocumentDiagnosticReport::Full(report)))
}
