//! `initialize` and `initialized`: who can do what.

use std::sync::PoisonError;

use tower_lsp_server::{jsonrpc::Result, ls_types::*};

use crate::lsp::{
    Server,
    client::{Abilities, folders},
    events::Event,
    files::path_of,
    watching,
};

use super::COMMANDS;

pub async fn initialize(server: &Server, params: InitializeParams) -> Result<InitializeResult> {
    let abilities = Abilities::of(&params);
    let folders = folders(&params).iter().map(|it| path_of(&it.uri)).collect();
    let capabilities = capabilities(&abilities);
    let watch = abilities.watch_files;
    // Told at once: documents may be opened before `initialized` has been handled.
    server.tell(Event::Initialized { abilities, folders });
    *server.watch.lock().unwrap_or_else(PoisonError::into_inner) = watch;
    let version = Some(env!("CARGO_PKG_VERSION").to_owned());
    let server_info = Some(ServerInfo { name: "lockkeeper".to_owned(), version });
    Ok(InitializeResult { capabilities, server_info, offset_encoding: None })
}

pub async fn initialized(server: &Server) {
    if *server.watch.lock().unwrap_or_else(PoisonError::into_inner) {
        watching::register(&server.client).await;
    }
}

fn capabilities(abilities: &Abilities) -> ServerCapabilities {
    let sync = TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(TextDocumentSyncKind::INCREMENTAL),
        save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions { include_text: Some(false) })),
        ..TextDocumentSyncOptions::default()
    };
    let diagnostics = DiagnosticOptions {
        identifier: None,
        inter_file_dependencies: true,
        workspace_diagnostics: false,
        work_done_progress_options: WorkDoneProgressOptions::default(),
    };
    ServerCapabilities {
        position_encoding: Some(abilities.encoding_kind()),
        text_document_sync: Some(TextDocumentSyncCapability::Options(sync)),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![
                CodeActionKind::QUICKFIX,
                CodeActionKind::REFACTOR_REWRITE,
                CodeActionKind::SOURCE_FIX_ALL,
            ]),
            work_done_progress_options: WorkDoneProgressOptions::default(),
            resolve_provider: Some(abilities.resolve_edits),
        })),
        execute_command_provider: Some(ExecuteCommandOptions {
            commands: COMMANDS.map(str::to_owned).to_vec(),
            work_done_progress_options: WorkDoneProgressOptions::default(),
        }),
        diagnostic_provider: Some(DiagnosticServerCapabilities::Options(diagnostics)),
        workspace: Some(WorkspaceServerCapabilities {
            workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(OneOf::Left(true)),
            }),
            ..WorkspaceServerCapabilities::default()
        }),
        ..ServerCapabilities::default()
    }
}
