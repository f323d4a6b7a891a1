//! A column that marks rows as deleted changes what other parts of the schema mean (playbook §4.1): what still counts
//! the rows that are gone is named, for people to judge.

use super::{Builder, Outline};
use crate::sql::{tokens::mentions_column, *};

/// Names under which rows are marked.
const NAMES: &[&str] = &["deleted_at", "deleted_on", "removed_at", "archived_at", "discarded_at"];

/// Is this such a column: a nullable moment by one of the usual names?
fn marks(column: &Column) -> bool {
    let moment = matches!(column.ty.name.as_str(), "timestamp with time zone" | "timestamp without time zone" | "date");
    let named = NAMES.iter().any(|it| column.name.as_str() == *it);
    named && moment && !column.ty.array && !column.not_null && column.default.is_none()
}

/// Says what does not know of the mark.
pub fn advise(b: &Builder<'_>, acc: &mut Outline, table: &Name, column: &Column) {
    let Some(after) = b.after().table(table).filter(|_| marks(column)) else { return };
    let mut unaware: Vec<String> = Vec::new();
    for constraint in &after.constraints {
        if let (ConstraintKind::Unique(key), Some(name)) = (&constraint.kind, &constraint.name) {
            let columns: Vec<String> = key.columns.iter().map(Ident::to_string).collect();
            unaware.push(format!(
                "unique constraint {name} still counts rows that are marked (a unique index on ({}) WHERE {} IS NULL would not)",
                columns.join(", "),
                column.name
            ));
        }
    }
    let full = |it: &&std::sync::Arc<Index>| {
        it.unique && !it.predicate.as_ref().is_some_and(|it| mentions_column(it.text(), &column.name))
    };
    for name in b.after().indexes_of(table).filter(full).filter_map(|it| it.name.as_ref()) {
        unaware.push(format!("unique index {name} still counts rows that are marked"));
    }
    for (from, constraint) in b.after().referencing(table) {
        if let ConstraintKind::ForeignKey(key) = &constraint.kind
            && !matches!(key.on_delete, ForeignKeyAction::NoAction | ForeignKeyAction::Restrict)
        {
            unaware.push(format!(
                "rows of {} are no longer deleted or cleared with theirs: a mark is no DELETE",
                from.name
            ));
        }
    }
    let reading = b.after().views.values().filter(|it| it.reads.iter().any(|of| of == table));
    for view in reading.filter(|it| !mentions_column(it.query.text(), &column.name)) {
        unaware.push(format!("view {} shows rows that are marked", view.name));
    }
    if !unaware.is_empty() {
        let message = format!("{table}.{} marks rows as deleted, and: {}", column.name, unaware.join("; "));
        acc.hazard("soft-delete", Severity::Info, message);
    }
}
