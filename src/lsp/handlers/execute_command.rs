//! `workspace/executeCommand`: the actions for clients and scripts that name them.

use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde_json::json;
use tower_lsp_server::{
    jsonrpc::{Error, Result},
    ls_types::*,
};

use super::code_action::edit;
use crate::{
    copilot,
    lsp::{
        Server,
        files::Files,
        from_proto,
        server::{blocking, failed},
        wire::{ActionData, FileArgument, PlaceArgument, WireTodo},
    },
};

pub const PLAN: &str = "lockkeeper.plan";
pub const ADVANCE: &str = "lockkeeper.advance";
pub const EXPLAIN: &str = "lockkeeper.explain";
/// Applies a code action's data, for clients whose code actions are commands.
pub const APPLY: &str = "lockkeeper.apply";

/// All commands, as they are announced.
pub const COMMANDS: [&str; 4] = [PLAN, ADVANCE, EXPLAIN, APPLY];

pub async fn execute_command(server: &Server, params: ExecuteCommandParams) -> Result<Option<LSPAny>> {
    let argument = params.arguments.into_iter().next().unwrap_or(LSPAny::Null);
    match params.command.as_str() {
        PLAN => {
            let FileArgument { uri, all } = parse(argument)?;
            apply(server, ActionData { uri, version: None, todo: WireTodo::Plan { only: Vec::new(), all } }).await
        }
        ADVANCE => {
            let FileArgument { uri, .. } = parse(argument)?;
            apply(server, ActionData { uri, version: None, todo: WireTodo::Advance }).await
        }
        APPLY => apply(server, parse(argument)?).await,
        EXPLAIN => explain(server, parse(argument)?).await,
        other => Err(Error::invalid_params(format!("unknown command {other}; known are {}", COMMANDS.join(", ")))),
    }
}

fn parse<T: DeserializeOwned>(argument: LSPAny) -> Result<T> {
    serde_json::from_value(argument).map_err(|it| Error::invalid_params(format!("the command's argument: {it}")))
}

/// Has the client apply the edit, and shows the first new file.
async fn apply(server: &Server, data: ActionData) -> Result<Option<LSPAny>> {
    let view = server.analysed().await?;
    let shows = view.abilities.as_ref().is_some_and(|it| it.show_documents);
    let (edit, created) = blocking(move |stop| edit(&view.until(&stop), data)).await??;
    let answer = server.client.apply_edit(edit).await?;
    if !answer.applied {
        let why = answer.failure_reason.unwrap_or_else(|| "it gave no reason".to_owned());
        return Err(failed(format!("the editor did not apply the edit: {why}")));
    }
    if let Some(uri) = created.first().filter(|_| shows) {
        show(server, uri.clone()).await;
    }
    let files: Vec<&str> = created.iter().map(|it| it.as_str()).collect();
    Ok(Some(json!({ "applied": true, "files": files })))
}

/// Answers with Markdown. A client that does nothing with answers is shown a document.
async fn explain(server: &Server, place: PlaceArgument) -> Result<Option<LSPAny>> {
    let view = server.analysed().await?;
    let abilities = view.abilities.clone();
    let markdown = blocking(move |stop| {
        let view = view.until(&stop);
        let (id, folder) = view.find(&place.uri)?;
        let text = &folder.snapshot.file(id)?.script.text;
        let offset = from_proto::offset(text, place.position, view.encoding());
        copilot::explain(&folder.snapshot, id, offset)
    });
    let Some(markdown) = markdown.await? else { return Ok(None) };
    if abilities.is_some_and(|it| it.show_documents && !it.shows_answers) {
        let path: PathBuf = std::env::temp_dir().join(format!("lockkeeper-explain-{}.md", std::process::id()));
        match tokio::fs::write(&path, &markdown).await {
            Ok(()) => {
                if let Some(uri) = Files::new_uri(&path) {
                    show(server, uri).await;
                }
            }
            Err(error) => eprintln!("lockkeeper: cannot write {}: {error}", path.display()),
        }
    }
    Ok(Some(LSPAny::String(markdown)))
}

async fn show(server: &Server, uri: Uri) {
    let params = ShowDocumentParams { uri, external: None, take_focus: Some(true), selection: None };
    if let Err(error) = server.client.show_document(params).await {
        eprintln!("lockkeeper: the editor does not show the file: {error}");
    }
}
