//! Comments.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use super::{Builder, Kind, Outline, pairs::Pairs};
use crate::{
    page::page,
    plan::PhaseKind::*,
    sql::{Ddl, ObjectRef},
};

page! {
    /// # Change a comment
    ///
    /// One statement. On a table it waits only for other schema changes.
    ///
    /// ```sql before
    /// CREATE TABLE notes (id bigint PRIMARY KEY);
    /// ```
    /// ```sql after
    /// CREATE TABLE notes (id bigint PRIMARY KEY);
    /// COMMENT ON TABLE notes IS 'What drivers write down';
    /// ```
    /// ```plan
    /// Expand: comment on notes
    ///   COMMENT ON TABLE notes IS 'What drivers write down'
    ///     lock: ShareUpdateExclusive on notes
    ///   undo: COMMENT ON TABLE notes IS NULL
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeComment {
    object: ObjectRef,
    text: Option<SmolStr>,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<ChangeComment> {
    let (base, after) = (&pairs.base.comments, &pairs.input.after.comments);
    // A part that is built anew starts without a comment.
    let twice = pairs.columns().filter(|(_, it)| it.dual.as_ref().is_some_and(|it| !it.swap));
    let twice = twice.map(|(pair, it)| ObjectRef::Column(pair.after.name.clone(), it.after.name.clone()));
    let anew: BTreeSet<ObjectRef> = pairs.rebuilt.iter().map(|it| it.after.object()).chain(twice).collect();
    // A column that is swapped carries its own along.
    let swapped = |object: &ObjectRef| match object {
        ObjectRef::Column(table, column) => pairs.sets.iter().flatten().any(|it| (&it.0, &it.1) == (table, column)),
        _ => false,
    };
    let set = after.iter().filter(|(object, text)| anew.contains(*object) || base.get(*object) != Some(*text));
    let set = set.filter(|(object, _)| !swapped(object));
    let set = set.map(|(object, text)| ChangeComment { object: object.clone(), text: Some(text.clone()) });
    let gone = base.keys().filter(|object| !after.contains_key(*object) && stays(pairs, object) && !swapped(object));
    set.chain(gone.map(|object| ChangeComment { object: object.clone(), text: None })).collect()
}

/// The commented object is still there at the end, so its comment must be taken away.
fn stays(pairs: &Pairs<'_>, object: &ObjectRef) -> bool {
    let after = pairs.input.after;
    match object {
        ObjectRef::Schema(it) => after.schemas.contains(it),
        ObjectRef::Extension(it) => after.extensions.contains_key(it),
        ObjectRef::Table(it) => after.tables.contains_key(it),
        ObjectRef::View(it) => after.views.contains_key(it),
        ObjectRef::Index(it) => after.indexes.contains_key(it),
        ObjectRef::Sequence(it) => after.sequences.contains_key(it),
        ObjectRef::Type(it) => after.types.contains_key(it),
        ObjectRef::Column(table, it) => after.table(table).is_some_and(|table| table.column(it).is_some()),
        ObjectRef::Constraint(table, it) => after.table(table).is_some_and(|table| table.constraint(it).is_some()),
        ObjectRef::Function(it, args) => after.functions.contains_key(&(it.clone(), args.clone())),
        ObjectRef::Trigger(table, it) => after.triggers.contains_key(&(table.clone(), it.clone())),
        ObjectRef::Policy(table, it) => after.policies.contains_key(&(table.clone(), it.clone())),
        ObjectRef::Statistics(it) => after.statistics.contains_key(it),
        ObjectRef::DomainConstraint(..) | ObjectRef::Rule(..) | ObjectRef::Collation(_) | ObjectRef::Other(..) => false,
    }
}

impl Kind for ChangeComment {
    fn kind(&self) -> &'static str {
        "change_comment"
    }

    fn object(&self) -> ObjectRef {
        self.object.clone()
    }

    fn describe(&self) -> String {
        match &self.text {
            Some(_) => format!("comment on {}", self.object),
            None => format!("remove the comment on {}", self.object),
        }
    }

    fn outline(&self, _b: &Builder<'_>, acc: &mut Outline) {
        acc.step(
            Expand,
            Ddl::Comment { object: self.object.clone(), text: self.text.clone() },
            "only the catalog changes",
        );
    }
}
