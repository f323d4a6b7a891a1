//! From our words to the protocol's.

use std::ops::Range;

use tower_lsp_server::ls_types as lsp;

use super::view::{FolderView, View};
use crate::{
    copilot::{self, FileId},
    lint,
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
    let abilities = view.abilities.as_deref();
    let link = lint::link(&it.code).filter(|_| abilities.is_some_and(|it| it.code_links));
    let unnecessary = it.unnecessary && abilities.is_some_and(|it| it.unnecessary_tag);
    lsp::Diagnostic {
        code_description: link.and_then(|it| Some(lsp::CodeDescription { href: it.parse().ok()? })),
        tags: unnecessary.then(|| vec![lsp::DiagnosticTag::UNNECESSARY]),
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

/// Markdown, or its text for clients that show none.
pub fn hover(view: &View, folder: &FolderView, text: &Document, it: &copilot::Hover) -> lsp::Hover {
    let markdown = view.abilities.as_ref().is_none_or(|it| it.markdown);
    let parts: Vec<String> = it.parts.iter().filter_map(|it| part(view, folder, it, markdown)).collect();
    let kind = if markdown { lsp::MarkupKind::Markdown } else { lsp::MarkupKind::PlainText };
    lsp::Hover {
        contents: lsp::HoverContents::Markup(lsp::MarkupContent { kind, value: parts.join("\n\n") }),
        range: Some(range(text, &it.range, view.encoding())),
    }
}

fn part(view: &View, folder: &FolderView, it: &copilot::Part, markdown: bool) -> Option<String> {
    Some(match it {
        copilot::Part::Text(text) => text.clone(),
        copilot::Part::Sql(sql) if markdown => format!("```sql\n{sql}\n```"),
        copilot::Part::Sql(sql) => sql.clone(),
        copilot::Part::Places { about, places } => {
            let places = places.iter().filter_map(|(file, offset)| place(view, folder, *file, *offset, markdown));
            let places: Vec<String> = places.collect();
            (!places.is_empty()).then(|| format!("{about} {}", places.join(", ")))?
        }
    })
}

/// A link that editors open at the line.
fn place(view: &View, folder: &FolderView, file: FileId, offset: usize, markdown: bool) -> Option<String> {
    let found = folder.snapshot.file(file)?;
    let line = found.script.text.position(offset, view.encoding()).line + 1;
    let name = format!("{}:{line}", found.name);
    match view.files.uri(file).filter(|it| markdown && it.scheme().as_str() == "file") {
        Some(uri) => Some(format!("[{name}]({}#L{line})", uri.as_str())),
        None => Some(name),
    }
}
