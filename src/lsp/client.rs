//! What the client at the other end can do.

use tower_lsp_server::ls_types::{
    ClientCapabilities, DiagnosticTag, InitializeParams, PositionEncodingKind, ResourceOperationKind, WorkspaceFolder,
};

use crate::text::PositionEncoding;

/// The client's abilities that change what we send.
#[derive(Clone, Debug)]
pub struct Abilities {
    pub encoding: PositionEncoding,
    /// Edits may name versions and stand beside file operations.
    pub document_changes: bool,
    /// Edits may create files.
    pub create_files: bool,
    /// Edits may ask the user to confirm.
    pub annotations: bool,
    /// Code actions may be values rather than commands.
    pub action_literals: bool,
    /// `codeAction/resolve` may bring the edit later.
    pub resolve_edits: bool,
    pub watch_files: bool,
    pub refresh_diagnostics: bool,
    pub show_documents: bool,
    /// The client's plugin shows what commands answer (initialization option `showsAnswers`).
    pub shows_answers: bool,
    pub markdown: bool,
    pub related_information: bool,
    /// Codes of diagnostics may be links.
    pub code_links: bool,
    /// What can go is shown faded.
    pub unnecessary_tag: bool,
}

impl Abilities {
    pub fn of(params: &InitializeParams) -> Self {
        let client = &params.capabilities;
        let options = params.initialization_options.as_ref();
        let workspace = client.workspace.as_ref();
        let text = client.text_document.as_ref();
        let edit = workspace.and_then(|it| it.workspace_edit.as_ref());
        let actions = text.and_then(|it| it.code_action.as_ref());
        let publish = text.and_then(|it| it.publish_diagnostics.as_ref());
        let document_changes = edit.and_then(|it| it.document_changes) == Some(true);
        let operations = edit.and_then(|it| it.resource_operations.as_deref()).unwrap_or_default();
        let resolve = actions.and_then(|it| it.resolve_support.as_ref());
        let keeps_data = actions.and_then(|it| it.data_support) == Some(true);
        let formats = text.and_then(|it| it.hover.as_ref()).and_then(|it| it.content_format.as_deref());
        Self {
            encoding: encoding(client),
            document_changes,
            create_files: document_changes && operations.contains(&ResourceOperationKind::Create),
            annotations: document_changes && edit.is_some_and(|it| it.change_annotation_support.is_some()),
            action_literals: actions.is_some_and(|it| it.code_action_literal_support.is_some()),
            resolve_edits: keeps_data && resolve.is_some_and(|it| it.properties.iter().any(|it| it == "edit")),
            watch_files: workspace
                .and_then(|it| it.did_change_watched_files)
                .is_some_and(|it| it.dynamic_registration == Some(true)),
            refresh_diagnostics: workspace
                .and_then(|it| it.diagnostics.as_ref())
                .is_some_and(|it| it.refresh_support == Some(true)),
            show_documents: client
                .window
                .as_ref()
                .and_then(|it| it.show_document.as_ref())
                .is_some_and(|it| it.support),
            shows_answers: options.and_then(|it| it.get("showsAnswers")).and_then(|it| it.as_bool()) == Some(true),
            markdown: formats.is_none_or(|it| it.contains(&tower_lsp_server::ls_types::MarkupKind::Markdown)),
            related_information: publish.and_then(|it| it.related_information) == Some(true),
            code_links: publish.and_then(|it| it.code_description_support) == Some(true),
            unnecessary_tag: publish
                .and_then(|it| it.tag_support.as_ref())
                .is_some_and(|it| it.value_set.contains(&DiagnosticTag::UNNECESSARY)),
        }
    }

    pub fn encoding_kind(&self) -> PositionEncodingKind {
        match self.encoding {
            PositionEncoding::Utf8 => PositionEncodingKind::UTF8,
            PositionEncoding::Utf16 => PositionEncodingKind::UTF16,
            PositionEncoding::Utf32 => PositionEncodingKind::UTF32,
        }
    }
}

/// UTF-8 when offered: it is what we count in. Then UTF-32: every character is one. UTF-16 is what every client can do.
fn encoding(client: &ClientCapabilities) -> PositionEncoding {
    let offered = client.general.as_ref().and_then(|it| it.position_encodings.as_deref()).unwrap_or_default();
    if offered.contains(&PositionEncodingKind::UTF8) {
        PositionEncoding::Utf8
    } else if offered.contains(&PositionEncodingKind::UTF32) {
        PositionEncoding::Utf32
    } else {
        PositionEncoding::Utf16
    }
}

/// The folders that the client has open.
pub fn folders(params: &InitializeParams) -> Vec<WorkspaceFolder> {
    if let Some(folders) = params.workspace_folders.clone().filter(|it| !it.is_empty()) {
        return folders;
    }
    // What clients sent before there were several folders.
    #[expect(deprecated)]
    let root = params.root_uri.clone();
    root.map(|uri| WorkspaceFolder { uri, name: String::new() }).into_iter().collect()
}
