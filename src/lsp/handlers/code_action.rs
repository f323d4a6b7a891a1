//! `textDocument/codeAction` and `codeAction/resolve`: titles first, the edit when one is chosen.

use serde_json::to_value;
use tower_lsp_server::{
    jsonrpc::{Error, Result},
    ls_types::*,
};

use crate::{
    copilot::{self, ActionKind, FileId, Todo},
    lsp::{
        Server, edits, from_proto,
        server::{blocking, failed},
        to_proto,
        view::{FolderView, View},
        wire::{ActionData, PlaceArgument, WireTodo},
    },
    project::now,
};

use super::execute_command::{APPLY, EXPLAIN};

pub async fn code_action(server: &Server, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
    let view = server.analysed().await?;
    blocking(move |stop| answer(&view.until(&stop), &params)).await
}

fn answer(view: &View, params: &CodeActionParams) -> Option<CodeActionResponse> {
    let uri = &params.text_document.uri;
    let (id, folder) = view.find(uri)?;
    let text = &folder.snapshot.file(id)?.script.text;
    let at = from_proto::range(text, params.range, view.encoding());
    let found = copilot::actions(&folder.snapshot, id, &at);
    let wanted = found.into_iter().filter(|it| match &params.context.only {
        Some(kinds) => kinds.iter().any(|wanted| includes(wanted, &kind(it.kind))),
        None => true,
    });
    Some(wanted.filter_map(|it| action(view, folder, id, params, &it)).collect())
}

/// `refactor` includes `refactor.rewrite`.
fn includes(wanted: &CodeActionKind, kind: &CodeActionKind) -> bool {
    let (wanted, kind) = (wanted.as_str(), kind.as_str());
    wanted.is_empty() || kind == wanted || kind.strip_prefix(wanted).is_some_and(|it| it.starts_with('.'))
}

fn kind(it: ActionKind) -> CodeActionKind {
    match it {
        ActionKind::QuickFix => CodeActionKind::QUICKFIX,
        ActionKind::FixAll => CodeActionKind::SOURCE_FIX_ALL,
        ActionKind::Rewrite => CodeActionKind::REFACTOR_REWRITE,
        ActionKind::Show => CodeActionKind::EMPTY,
    }
}

fn action(
    view: &View,
    folder: &FolderView,
    id: FileId,
    params: &CodeActionParams,
    it: &copilot::Action,
) -> Option<CodeActionOrCommand> {
    let abilities = view.abilities.as_deref()?;
    let uri = params.text_document.uri.clone();
    let data = ActionData { uri: uri.clone(), version: view.versions.get(&id).copied(), todo: WireTodo::new(&it.todo) };
    let title = it.title.clone();
    if let Todo::Explain { offset } = it.todo {
        let text = &folder.snapshot.file(id)?.script.text;
        let position = to_proto::position(text.position(offset, view.encoding()));
        let argument = to_value(PlaceArgument { uri, position }).ok()?;
        let command = Command { title: title.clone(), command: EXPLAIN.to_owned(), arguments: Some(vec![argument]) };
        return Some(match abilities.action_literals {
            true => {
                CodeAction { title, kind: Some(kind(it.kind)), command: Some(command), ..CodeAction::default() }.into()
            }
            false => command.into(),
        });
    }
    if !abilities.action_literals {
        let arguments = Some(vec![to_value(data).ok()?]);
        return Some(Command { title, command: APPLY.to_owned(), arguments }.into());
    }
    let mut res = CodeAction {
        title,
        kind: Some(kind(it.kind)),
        is_preferred: it.preferred.then_some(true),
        diagnostics: settled(params, it.code.as_deref()),
        ..CodeAction::default()
    };
    if abilities.resolve_edits {
        res.data = Some(to_value(data).ok()?);
    } else {
        // An action whose edit cannot be made is not offered to a client that cannot ask why.
        let outcome = copilot::perform(&folder.snapshot, id, &it.todo, &now()).ok()?;
        res.edit = Some(edits::workspace_edit(view, folder, &outcome)?);
    }
    Some(res.into())
}

/// The diagnostics of the request that the action settles.
fn settled(params: &CodeActionParams, code: Option<&str>) -> Option<Vec<Diagnostic>> {
    let code = NumberOrString::String(code?.to_owned());
    let found = params.context.diagnostics.iter().filter(|it| it.code.as_ref() == Some(&code));
    let found: Vec<Diagnostic> = found.cloned().collect();
    (!found.is_empty()).then_some(found)
}

pub async fn code_action_resolve(server: &Server, mut action: CodeAction) -> Result<CodeAction> {
    let data = action.data.clone().ok_or_else(|| Error::invalid_params("the action carries no data"))?;
    let data: ActionData = serde_json::from_value(data).map_err(|it| Error::invalid_params(it.to_string()))?;
    let view = server.analysed().await?;
    let (edit, _) = blocking(move |stop| edit(&view.until(&stop), data)).await??;
    action.edit = Some(edit);
    Ok(action)
}

/// The edit of an action, and the files it makes. A document that has changed since makes the action meaningless.
pub(super) fn edit(view: &View, data: ActionData) -> Result<(WorkspaceEdit, Vec<Uri>)> {
    let (id, folder) = view.find(&data.uri).ok_or_else(Error::content_modified)?;
    if data.version.is_some() && data.version != view.versions.get(&id).copied() {
        return Err(Error::content_modified());
    }
    let outcome = copilot::perform(&folder.snapshot, id, &data.todo.todo(), &now()).map_err(failed)?;
    let edit = edits::workspace_edit(view, folder, &outcome);
    let edit = edit.ok_or_else(|| failed("the files of this action have no place on disk".to_owned()))?;
    Ok((edit, edits::created(folder, &outcome)))
}
