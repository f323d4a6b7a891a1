//! Statements that are not DDL but stand in the same files.

use super::parts::{dollar_quoted, is_number, list, name, names, when};
use crate::sql::{DataStatement, Ddl, TransactionControl, literal, quote};

pub(super) fn statement(ddl: &Ddl) -> String {
    let scope = |local: &bool| if *local { "SET LOCAL" } else { "SET" };
    match ddl {
        Ddl::SetSearchPath { schemas, local } if schemas.is_empty() => format!("{} search_path TO ''", scope(local)),
        Ddl::SetSearchPath { schemas, local } => {
            format!("{} search_path TO {}", scope(local), list(schemas, |it| quote(it).into_owned()))
        }
        Ddl::SetParameter { name, value: Some(value), local } => {
            format!("{} {name} TO {}", scope(local), setting(value))
        }
        Ddl::SetParameter { name, value: None, local: true } => format!("SET LOCAL {name} TO DEFAULT"),
        Ddl::SetParameter { name, value: None, local: false } => format!("RESET {name}"),
        Ddl::Transaction(TransactionControl::Begin) => "BEGIN".to_owned(),
        Ddl::Transaction(TransactionControl::Commit) => "COMMIT".to_owned(),
        Ddl::Transaction(TransactionControl::Rollback) => "ROLLBACK".to_owned(),
        Ddl::Transaction(
            TransactionControl::Savepoint
            | TransactionControl::Release
            | TransactionControl::RollbackToSavepoint
            | TransactionControl::Other,
        ) => "/* transaction control */".to_owned(),
        Ddl::Lock { tables, mode } => format!("LOCK TABLE {} IN {mode} MODE", names(tables)),
        Ddl::Truncate { tables, cascade } => format!("TRUNCATE TABLE {}{}", names(tables), when(*cascade, " CASCADE")),
        Ddl::Data(it) => data(it),
        Ddl::Do { language, body, .. } if language.as_str() == "plpgsql" => format!("DO {}", dollar_quoted(body)),
        Ddl::Do { language, body, .. } => format!("DO LANGUAGE {} {}", quote(language), dollar_quoted(body)),
        _ => String::new(),
    }
}

/// A number or a plain word stands as it is; `5s` and the rest need quotes.
fn setting(value: &str) -> String {
    let word = value.bytes().all(|it| it.is_ascii_lowercase() || it == b'_') && !value.is_empty();
    if word || is_number(value) { value.to_owned() } else { literal(value) }
}

/// Of statements on rows the vocabulary keeps what they touch, not their text: VACUUM, ANALYZE and CLUSTER can
/// be said again, the others only named.
fn data(it: &DataStatement) -> String {
    let target = it.target.as_ref().map(|it| format!(" {}", name(it))).unwrap_or_default();
    match it.verb.as_str() {
        "VACUUM" => format!("VACUUM{}{target}", when(it.rewrites, " FULL")),
        "ANALYZE" | "CLUSTER" => format!("{}{target}", it.verb),
        verb => format!("/* {verb}{target} */"),
    }
}
