//! From what is to happen to files to an edit that this client can apply.

use std::collections::HashMap;

use tower_lsp_server::ls_types::*;

use super::{
    client::Abilities,
    files::Files,
    to_proto,
    view::{FolderView, View},
};
use crate::copilot::{FileEdit, Outcome};

/// Name of the annotation of edits that the user has to agree to.
const CONFIRM: &str = "lockkeeper.confirm";

/// The edit, in the richest form that the client takes.
pub fn workspace_edit(view: &View, folder: &FolderView, outcome: &Outcome) -> Option<WorkspaceEdit> {
    let abilities = view.abilities.as_deref()?;
    let confirm = outcome.confirm.as_ref().filter(|_| abilities.annotations);
    let edits: Option<Vec<(Target, Vec<TextEdit>)>> =
        outcome.edits.iter().map(|it| file_edit(view, folder, it)).collect();
    let mut res = WorkspaceEdit::default();
    if abilities.document_changes {
        let mut operations = Vec::new();
        for (target, edits) in edits? {
            operations.extend(create(&target, abilities, confirm.is_some()));
            operations.push(DocumentChangeOperation::Edit(document_edit(target, edits, confirm.is_some())));
        }
        res.document_changes = Some(DocumentChanges::Operations(operations));
    } else {
        let mut changes: HashMap<Uri, Vec<TextEdit>> = HashMap::new();
        for (target, edits) in edits? {
            changes.entry(target.uri).or_default().extend(edits);
        }
        res.changes = Some(changes);
    }
    res.change_annotations = confirm.map(|question| {
        let annotation =
            ChangeAnnotation { label: question.clone(), needs_confirmation: Some(true), description: None };
        HashMap::from([(CONFIRM.to_owned(), annotation)])
    });
    Some(res)
}

/// Names of the files that the edit makes.
pub fn created(folder: &FolderView, outcome: &Outcome) -> Vec<Uri> {
    let paths = outcome.edits.iter().filter_map(|it| match it {
        FileEdit::Create { path, .. } => Some(path),
        FileEdit::Change { .. } => None,
    });
    let root = folder.root.clone().unwrap_or_default();
    paths.filter_map(|it| Files::new_uri(&root.join(it))).collect()
}

struct Target {
    uri: Uri,
    version: Option<i32>,
    is_new: bool,
}

fn file_edit(view: &View, folder: &FolderView, edit: &FileEdit) -> Option<(Target, Vec<TextEdit>)> {
    match edit {
        FileEdit::Create { path, text } => {
            let uri = Files::new_uri(&folder.root.as_ref()?.join(path))?;
            let start = Range::default();
            Some((Target { uri, version: None, is_new: true }, vec![TextEdit { range: start, new_text: text.clone() }]))
        }
        FileEdit::Change { file, edits } => {
            let text = &folder.snapshot.file(*file)?.script.text;
            let edits = edits.iter().map(|it| TextEdit {
                range: to_proto::range(text, &it.range, view.encoding()),
                new_text: it.insert.clone(),
            });
            let version = view.versions.get(file).copied();
            Some((Target { uri: view.files.uri(*file)?.clone(), version, is_new: false }, edits.collect()))
        }
    }
}

/// Clients that cannot create files make one of an edit to a document that is not there.
fn create(target: &Target, abilities: &Abilities, confirm: bool) -> Option<DocumentChangeOperation> {
    let create = CreateFile {
        uri: target.uri.clone(),
        options: Some(CreateFileOptions { overwrite: Some(false), ignore_if_exists: Some(false) }),
        annotation_id: confirm.then(|| CONFIRM.to_owned()),
    };
    let wanted = target.is_new && abilities.create_files;
    wanted.then_some(DocumentChangeOperation::Op(ResourceOp::Create(create)))
}

fn document_edit(target: Target, edits: Vec<TextEdit>, confirm: bool) -> TextDocumentEdit {
    let edits = edits.into_iter().map(|text_edit| match confirm {
        true => OneOf::Right(AnnotatedTextEdit { text_edit, annotation_id: CONFIRM.to_owned() }),
        false => OneOf::Left(text_edit),
    });
    let text_document = OptionalVersionedTextDocumentIdentifier { uri: target.uri, version: target.version };
    TextDocumentEdit { text_document, edits: edits.collect() }
}
