//! "Write rollback": the way back of a migration that has none, where its tool looks for it.

use std::path::{Path, PathBuf};

use super::{Action, ActionKind, FileEdit, Outcome, Todo};
use crate::{
    copilot::{FileId, Snapshot, history},
    export::Tool,
    plan::{self, Undo},
    planner,
    sql::Ddl,
    text::TextEdit,
};

/// Where a way back stands.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    File(PathBuf),
    /// At the end of the migration itself, under this line.
    Section(&'static str),
}

/// The file that holds the way back of a migration, by its path relative to the project; `None` for tools that keep
/// both ways in one file.
pub fn rollback_path(tool: Tool, migration: &Path) -> Option<PathBuf> {
    match place(tool, migration) {
        Place::File(path) => Some(path),
        Place::Section(_) => None,
    }
}

fn place(tool: Tool, migration: &Path) -> Place {
    let name = migration.file_name().and_then(|it| it.to_str()).unwrap_or_default();
    if let Some(stem) = name.strip_suffix(".up.sql") {
        return Place::File(migration.with_file_name(format!("{stem}.down.sql")));
    }
    match tool {
        Tool::Diesel => Place::File(migration.with_file_name("down.sql")),
        Tool::Prisma => Place::File(migration.with_file_name("rollback.sql")),
        Tool::Dbmate => Place::Section("-- migrate:down"),
        Tool::Goose => Place::Section("-- +goose Down"),
        Tool::NodePgMigrate => Place::Section("-- Down Migration"),
        // A name with Flyway's prefix would be a migration of its own.
        Tool::Flyway => Place::File(migration.with_file_name("rollback").join(format!("undo_{name}"))),
        _ => Place::File(migration.with_file_name("rollback").join(name)),
    }
}

pub(super) fn actions(snapshot: &Snapshot, file: FileId, acc: &mut Vec<Action>) {
    let Some(found) = snapshot.file(file) else { return };
    let there = match place(snapshot.tool, Path::new(&found.name)) {
        Place::File(path) => snapshot.files.values().any(|it| Path::new(&it.name) == path),
        Place::Section(marker) => has_line(&found.script.text.text(), marker),
    };
    if there || found.counted.iter().all(|it| it.parsed.ddl.is_empty()) {
        return;
    }
    let title = "Write rollback".to_owned();
    let known = snapshot.analysis.diagnostics.get(&file).into_iter().flatten();
    let (kind, code) = match known.map(|it| it.code.as_str()).find(|it| *it == "missing-rollback") {
        Some(code) => (ActionKind::QuickFix, Some(code.to_owned())),
        None => (ActionKind::Rewrite, None),
    };
    acc.push(Action { title, kind, todo: Todo::Rollback, preferred: false, code });
}

fn has_line(text: &str, marker: &str) -> bool {
    text.lines().any(|it| it.trim().get(..marker.len()).is_some_and(|it| it.eq_ignore_ascii_case(marker)))
}

pub(super) fn perform(snapshot: &Snapshot, file: FileId) -> Result<Outcome, String> {
    let found = snapshot.file(file).ok_or("the file is gone")?;
    let script = script(snapshot, file).ok_or("the tables of this migration are not known")?;
    let edit = match place(snapshot.tool, Path::new(&found.name)) {
        Place::File(path) => {
            let text = format!("-- Way back of {}, by Lockkeeper.\n{script}", found.name);
            FileEdit::Create { path, text }
        }
        Place::Section(marker) => {
            let text = &found.script.text;
            let end = text.len();
            let gap = if text.line_start(end) == end { "" } else { "\n" };
            FileEdit::Change { file, edits: vec![TextEdit::insert(end, format!("{gap}\n{marker}\n{script}"))] }
        }
    };
    Ok(Outcome { edits: vec![edit], confirm: None })
}

/// The undo of each statement, the last one first.
fn script(snapshot: &Snapshot, file: FileId) -> Option<String> {
    let counted = &snapshot.file(file)?.counted;
    let first = snapshot
        .file(file)?
        .script
        .statements
        .iter()
        .position(|it| Some(&it.range) == counted.first().map(|it| &it.range))?;
    let mut catalog = (*history::catalog_before(snapshot, file, first)?).clone();
    let mut undos: Vec<String> = Vec::new();
    for ddl in counted.iter().flat_map(|it| &it.parsed.ddl) {
        undos.push(undo(snapshot, ddl, &planner::undo(ddl, &catalog)));
        // A statement that cannot be applied has its diagnostic; the way back of the others is still worth having.
        let _ = catalog.apply(ddl);
    }
    undos.reverse();
    undos.retain(|it| !it.is_empty());
    Some(undos.join("\n"))
}

fn undo(snapshot: &Snapshot, ddl: &Ddl, undo: &Undo) -> String {
    let sql = |actions: &[plan::Action]| -> String {
        let lines = actions.iter().map(|it| match it {
            plan::Action::Ddl(it) => snapshot.dialect.render(it),
            plan::Action::Backfill(it) => snapshot.dialect.backfill(it),
            plan::Action::Data(it) => it.clone(),
        });
        lines.map(|it| format!("{it};\n")).collect()
    };
    match undo {
        Undo::By(actions) => sql(actions),
        Undo::Loses { actions, lost } | Undo::Bends { actions, lost } => {
            format!("-- Does not bring back {lost}.\n{}", sql(actions))
        }
        Undo::Nothing => match ddl {
            Ddl::Data(it) if matches!(it.verb.as_str(), "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "COPY") => {
                let target = it.target.as_ref().map(|it| format!(" on {it}")).unwrap_or_default();
                format!("-- The rows of {}{target} are not brought back.\n", it.verb)
            }
            _ => String::new(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tool_finds_its_way_back() {
        let check = |tool, name: &str, expected: &str| {
            assert_eq!(rollback_path(tool, Path::new(name)), Some(PathBuf::from(expected)));
        };
        check(Tool::Flyway, "db/migration/V7__x.sql", "db/migration/rollback/undo_V7__x.sql");
        check(Tool::GolangMigrate, "m/0001_x.up.sql", "m/0001_x.down.sql");
        check(Tool::Diesel, "m/2024_x/up.sql", "m/2024_x/down.sql");
        check(Tool::Plain, "m/0001_x.sql", "m/rollback/0001_x.sql");
        assert_eq!(place(Tool::Goose, Path::new("m/1_x.sql")), Place::Section("-- +goose Down"));
    }
}
