//! From our words to the protocol's.

use std::ops::Range;

use tower_lsp_server::ls_types as lsp;

use super::view::{FolderView, View};
use crate::{
    copilot::{self, FileId},
    sql::Severity,
    text::{Document, Position, PositionEncoding},
};

pub fn position(it: Position) -> lsp::Position {
    lsp::Position { line: it.line, character: it.column }
}

pub fn range(document: &Document, it: &Range<usize>, encoding: PositionEncoding) -> lsp::Range {
    lsp::Range {
        start: position(document.position(it.start, encoding)),
        end: position(document.position(it.end, encoding)),
    }
}

pub fn severity(it: Severity) -> lsp::DiagnosticSeverity {
    match it {
        Severity::Error => lsp::DiagnosticSeverity::ERROR,
        Severity::Warning => lsp::DiagnosticSeverity::WARNING,
        Severity::Info => lsp::DiagnosticSeverity::INFORMATION,
        Severity::Hint => lsp::DiagnosticSeverity::HINT,
    }
}

/// Everything to be shown for a file.
pub fn diagnostics(view: &View, folder: &FolderView, id: FileId) -> Vec<lsp::Diagnostic> {
    let snapshot = &folder.snapshot;
    let Some(file) = snapshot.file(id) else { return Vec::new() };
    let found = copilot::diagnostics(snapshot, id, folder.dirty.get(&id));
    found.into_iter().map(|it| diagnostic(view, folder, &file.script.text, it)).collect()
}

fn diagnostic(view: &View, folder: &FolderView, text: &Document, it: copilot::Diagnostic) -> lsp::Diagnostic {
    let wanted = view.abilities.as_ref().is_some_and(|it| it.related_information);
    let related: Vec<_> = it.related.iter().filter(|_| wanted).filter_map(|it| related(view, folder, it)).collect();
    lsp::Diagnostic {
        range: range(text, &it.range, view.encoding()),
        severity: Some(severity(it.severity)),
        code: Some(lsp::NumberOrString::String(it.code)),
        source: Some("lockkeeper".to_owned()),
        message: it.message,
        related_information: (!related.is_empty()).then_some(related),
        ..lsp::Diagnostic::default()
    }
}

fn related(view: &View, folder: &FolderView, it: &copilot::Related) -> Option<lsp::DiagnosticRelatedInformation> {
    Some(lsp::DiagnosticRelatedInformation {
        location: location(view, folder, it.file, &it.range)?,
        message: it.message.clone(),
    })
}

pub fn location(view: &View, folder: &FolderView, file: FileId, it: &Range<usize>) -> Option<lsp::Location> {
    let text = &folder.snapshot.file(file)?.script.text;
    Some(lsp::Location { uri: view.files.uri(file)?.clone(), range: range(text, it, view.encoding()) })
}
