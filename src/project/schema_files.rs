//! Which files hold the desired state, when the settings do not say.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Migrations, layout, tree::Tree};

/// Where projects keep their schema, best first. `*` stands for any file name.
const PLACES: &[&str] = &[
    "schema.sql",
    "db/structure.sql",
    "structure.sql",
    "schema/*.sql",
    "db/schema.sql",
    "db/schema/*.sql",
    "sql/schema.sql",
    "database/schema.sql",
    "supabase/schemas/*.sql",
];

/// The first place that holds anything; else a dump.
pub(super) fn search(
    tree: &Tree<'_>,
    files: &[PathBuf],
    migrations: Option<&Migrations>,
    dialect: &str,
    notes: &mut Vec<String>,
) -> Result<Vec<PathBuf>> {
    let is_migration = |path: &Path| migrations.is_some_and(|it| path.starts_with(&it.dir));
    for place in PLACES {
        let found: Vec<_> = files.iter().filter(|it| matches(place, it) && !is_migration(it)).cloned().collect();
        if !found.is_empty() {
            return Ok(found);
        }
    }
    let mut dumps = Vec::new();
    let candidates = files.iter().filter(|it| it.components().count() <= 2 && layout::is_sql(it));
    for path in candidates.filter(|it| !is_migration(it) && !layout::is_aside(it)) {
        // A file that cannot be read is no dump; whoever names it is told why it cannot be read.
        if tree.read(path).is_ok_and(|it| is_dump(&it, dialect)) {
            dumps.push(path.clone());
        }
    }
    if let [first, others @ ..] = dumps.as_slice()
        && !others.is_empty()
    {
        notes.push(format!("several files are database dumps; the schema is {}", first.display()));
        return Ok(vec![first.clone()]);
    }
    Ok(dumps)
}

fn matches(place: &str, path: &Path) -> bool {
    match place.strip_suffix("*.sql") {
        Some(folder) => path.parent() == Some(Path::new(folder.trim_end_matches('/'))) && layout::is_sql(path),
        None => path == Path::new(place),
    }
}

/// The first lines of what pg_dump writes.
fn is_dump(text: &str, dialect: &str) -> bool {
    let words = match dialect {
        "postgres" => "PostgreSQL database dump",
        _ => "MySQL dump",
    };
    text.lines().take(10).any(|it| it.starts_with("--") && it.contains(words))
}
