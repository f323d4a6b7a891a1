//! Statements that run outside a transaction, in forms that bear being run again when the ground has changed.
//!
//! What cannot be in a transaction cannot be in a block with a condition either. But names without a schema go by the
//! search path, and a session can change what they mean: IF EXISTS passes over a name that the path does not show, and
//! a temporary table stands in front of all others (manual 20.11.1, `search_path`).

use super::{probe, probe::regclass, render};
use crate::{
    plan::Resume,
    sql::{DataType, Ddl, Ident, Index, Name},
};

/// `DROP INDEX CONCURRENTLY`, passed over where the condition holds: the name is another index's by then.
pub(super) fn drop_index(index: &Name, condition: &str) -> Resume {
    let before = block(&hide(condition));
    let sql = format!("DROP INDEX CONCURRENTLY IF EXISTS {}", render::quote(&index.name));
    around(index, before, sql, "")
}

/// `CREATE INDEX CONCURRENTLY`, done to an empty table of the session where the condition holds: there is no IF EXISTS for
/// the table of an index. The columns are all that the definition may name.
pub(super) fn create_index(index: &Index, columns: &[(Ident, DataType)], condition: &str) -> Option<Resume> {
    let name = index.name.as_ref()?;
    let table = render::quote(&index.table.name);
    let columns: Vec<String> =
        columns.iter().map(|(it, ty)| format!("{} {}", render::quote(it), render::data_type(ty))).collect();
    let stand_in = block(&format!(
        "  IF {condition} THEN\n    CREATE TEMPORARY TABLE {table} ({});\n  END IF;\n",
        columns.join(", ")
    ));
    let before = format!("{};\n{stand_in}", probe::drop_if_invalid(name));
    let bare = |it: &Name| Name { schema: None, name: it.name.clone() };
    let index = Index { name: Some(bare(name)), table: bare(&index.table), ..index.clone() };
    let sql = render::ddl(&Ddl::CreateIndex { index: Box::new(index), concurrently: true, if_not_exists: true });
    Some(around(name, before, sql, &block(&format!("  DROP TABLE IF EXISTS pg_temp.{table};\n"))))
}

/// A detaching that was cut off must be finished (`FINALIZE`, manual of ALTER TABLE), and there is no IF EXISTS for the
/// partition, only for the parent.
pub(super) fn detach(parent: &Name, partition: &Name) -> Resume {
    let (partition_name, parent_name) = (qualified(partition), qualified(parent));
    let attached = format!(
        "FROM pg_inherits WHERE inhrelid = to_regclass({}) AND inhparent = to_regclass({})",
        regclass(partition),
        regclass(parent)
    );
    let finish = format!(
        "  IF EXISTS (SELECT {attached} AND inhdetachpending) THEN\n    ALTER TABLE {parent_name} DETACH PARTITION {partition_name} FINALIZE;\n  END IF;\n"
    );
    let before = block(&format!("{finish}{}", hide(&format!("NOT EXISTS (SELECT {attached})"))));
    let bare = render::quote(&parent.name);
    let sql = format!("ALTER TABLE IF EXISTS {bare} DETACH PARTITION {partition_name} CONCURRENTLY");
    around(parent, before, sql, "")
}

/// The search path shows the schema of the relation while the statement runs.
fn around(relation: &Name, before: String, sql: String, after: &str) -> Resume {
    let before = match relation.schema.as_ref().filter(|it| it.as_str() != "public") {
        Some(schema) => format!("SET search_path TO {}, public;\n{before}", render::quote(schema)),
        None => before,
    };
    let after = if after.is_empty() { String::new() } else { format!("{after};\n") };
    Resume { done: Vec::new(), sql: Some(sql), before: Some(before), after: Some(format!("{after}RESET search_path")) }
}

fn hide(condition: &str) -> String {
    format!("  IF {condition} THEN\n    PERFORM set_config('search_path', '', false);\n  END IF;\n")
}

fn block(body: &str) -> String {
    format!("DO $lockkeeper$\nBEGIN\n{body}END\n$lockkeeper$")
}

fn qualified(name: &Name) -> String {
    let schema = name.schema.clone().unwrap_or_else(|| Ident::new("public"));
    format!("{}.{}", render::quote(&schema), render::quote(&name.name))
}
