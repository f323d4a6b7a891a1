//! Extensions.

use super::{Builder, Kind, Outline, pairs::Pairs};
use crate::{
    page::page,
    plan::PhaseKind::*,
    sql::{Ddl, Extension, ExtensionAction, ObjectRef},
};

page! {
    /// # Create, update or drop an extension
    ///
    /// The extension's files must be on every server, replicas included, and creating it may need a privileged role.
    /// It is never dropped with CASCADE.
    ///
    /// ```sql before
    /// CREATE TABLE t (id bigint PRIMARY KEY);
    /// ```
    /// ```sql after
    /// CREATE EXTENSION pg_trgm;
    /// CREATE TABLE t (id bigint PRIMARY KEY);
    /// ```
    /// ```plan
    /// Expand: create extension pg_trgm
    ///   CREATE EXTENSION IF NOT EXISTS pg_trgm
    ///   undo: DROP EXTENSION pg_trgm
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeExtension {
    before: Option<Extension>,
    after: Option<Extension>,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<ChangeExtension> {
    let (base, after) = (&pairs.base.extensions, &pairs.input.after.extensions);
    let kept = after.values().filter_map(|new| {
        let old = base.get(&new.name);
        let moved = old.is_some_and(|old| new.version.is_some() && old.version != new.version);
        (old.is_none() || moved).then(|| ChangeExtension { before: old.cloned(), after: Some(new.clone()) })
    });
    let gone = base.values().filter(|it| !after.contains_key(&it.name));
    kept.chain(gone.map(|it| ChangeExtension { before: Some(it.clone()), after: None })).collect()
}

impl Kind for ChangeExtension {
    fn kind(&self) -> &'static str {
        match (&self.before, &self.after) {
            (None, _) => "create_extension",
            (_, None) => "drop_extension",
            _ => "change_extension",
        }
    }

    fn object(&self) -> ObjectRef {
        let it = self.after.as_ref().or(self.before.as_ref());
        ObjectRef::Extension(it.map(|it| it.name.clone()).unwrap_or_default())
    }

    fn describe(&self) -> String {
        format!("{} extension {}", self.kind().trim_end_matches("_extension"), self.object())
    }

    fn outline(&self, _b: &Builder<'_>, acc: &mut Outline) {
        match (&self.before, &self.after) {
            (None, Some(it)) => {
                acc.step(
                    Expand,
                    Ddl::CreateExtension { extension: it.clone(), if_not_exists: true, cascade: false },
                    "its files must be on every server",
                );
            }
            (Some(it), None) => {
                acc.step(
                    Contract,
                    Ddl::DropExtension { name: it.name.clone(), if_exists: false, cascade: false },
                    "nothing depends on it any more",
                );
            }
            (Some(_), Some(it)) => {
                let action = ExtensionAction::Update(it.version.clone());
                acc.step(
                    Expand,
                    Ddl::AlterExtension { name: it.name.clone(), action },
                    "its files must be on every server",
                );
            }
            (None, None) => {}
        }
    }
}
