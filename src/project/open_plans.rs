//! Plans that were begun: some of their phases have files among the migrations, the others are still to come.
//!
//! What they lead to is decided already. A comparison that left the phases to come out of account would plan them again,
//! or worse, take away the helpers that the phases so far have put up.

use std::path::PathBuf;

use anyhow::Result;

use super::{Migrations, Project, SourceFile, source::parse, tree::Tree};
use crate::export::{Document, json::Phase};

/// How the name of a plan document ends.
pub(super) const PLAN_SUFFIX: &str = ".plan.md";

impl Project {
    /// The phases to come of every plan that was begun, one source per plan, in the order of the documents' names.
    pub fn open_plan_sources(&self) -> Result<Vec<SourceFile>> {
        let Some(migrations) = self.migrations() else { return Ok(Vec::new()) };
        let tree = Tree::disk(&self.root, &self.overlays);
        let documents = self.plan_documents(&tree, migrations)?;
        if documents.is_empty() {
            return Ok(Vec::new());
        }
        let ups: Vec<PathBuf> = migrations.files.iter().map(|it| it.up.clone()).collect();
        let texts = tree.read_all(&ups)?;
        let mut sources = Vec::new();
        for (path, document) in documents {
            let progress = document.progress(texts.iter().map(|it| &**it));
            let Some(next) = progress.next.filter(|_| !progress.written.is_empty()) else { continue };
            let text: String = document.plan.phases.iter().skip(next).map(statements).collect();
            sources.push(parse(self.dialect()?, &tree.label(&path), &text.into()));
        }
        Ok(sources)
    }

    fn plan_documents(&self, tree: &Tree<'_>, migrations: &Migrations) -> Result<Vec<(PathBuf, Document)>> {
        let mut documents = Vec::new();
        for path in tree.list()? {
            let is_document = path.to_str().is_some_and(|it| it.ends_with(PLAN_SUFFIX));
            if is_document
                && path.starts_with(&migrations.dir)
                && let Some(document) = Document::parse(&tree.read(&path)?)
            {
                documents.push((path, document));
            }
        }
        Ok(documents)
    }
}

fn statements(phase: &Phase) -> String {
    phase.steps.iter().map(|it| format!("{};\n", it.sql)).collect()
}
