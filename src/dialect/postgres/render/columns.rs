//! Columns: their definition, and ALTER COLUMN.

use super::{
    constraints,
    parts::{data_type, name, parenthesised, set_reset, when},
    sequences,
};
use crate::sql::{Column, Constraint, Ddl, Expr, Identity, quote};

/// A column as it stands in CREATE TABLE and ADD COLUMN.
pub(super) fn definition(column: &Column) -> String {
    let mut res = format!("{} {}", quote(&column.name), data_type(&column.ty));
    // PostgreSQL 16+; the planner uses SET STORAGE, which every version has.
    if let Some(storage) = &column.storage {
        res += &format!(" STORAGE {storage}");
    }
    if let Some(method) = &column.compression {
        res += &format!(" COMPRESSION {method}");
    }
    if let Some(collation) = &column.collation {
        res += &format!(" COLLATE {}", name(collation));
    }
    res + &qualities(column)
}

/// Default, identity, generation and NOT NULL, each with a space before it.
pub(super) fn qualities(column: &Column) -> String {
    let mut res = String::new();
    if let Some(default) = &column.default {
        res += &format!(" DEFAULT {}", default_value(default));
    }
    if let Some(it) = &column.generated {
        res += &format!(
            " GENERATED ALWAYS AS {} {}",
            parenthesised(&it.expr),
            if it.stored { "STORED" } else { "VIRTUAL" }
        );
    }
    if let Some(it) = &column.identity {
        res += &format!(" {}", identity(it));
    }
    // An identity column is NOT NULL without being told.
    if column.not_null && column.identity.is_none() {
        res += &column.not_null_name.as_ref().map(|it| format!(" CONSTRAINT {}", quote(it))).unwrap_or_default();
        res += " NOT NULL";
    }
    res
}

/// A default in a column definition is a `b_expr`: what has boolean words in it must stand in parentheses.
fn default_value(expr: &Expr) -> String {
    let words = crate::sql::tokens::tokens(expr.text());
    let open = ["and", "or", "not", "in", "between", "like", "ilike", "is", "collate", "similar", "at"];
    let loose = words.iter().any(|it| open.iter().any(|word| it.is(expr.text(), word)));
    if loose { parenthesised(expr) } else { expr.text().trim().to_owned() }
}

fn identity(it: &Identity) -> String {
    let options = sequences::options(&it.options, false);
    let options = if options.is_empty() { String::new() } else { format!(" ({})", options.join(" ")) };
    format!("GENERATED {} AS IDENTITY{options}", kind(it.always))
}

fn kind(always: bool) -> &'static str {
    if always { "ALWAYS" } else { "BY DEFAULT" }
}

pub(super) fn alter(ddl: &Ddl) -> String {
    let (table, column, action) = match ddl {
        Ddl::AddColumn { table, column, constraints, if_not_exists } => {
            let inline: String =
                constraints.iter().map(|it: &Constraint| format!(" {}", constraints::inline(it))).collect();
            let definition = definition(column);
            let head = format!("ALTER TABLE {} ADD COLUMN", name(table));
            return format!("{head}{} {definition}{inline}", when(*if_not_exists, " IF NOT EXISTS"));
        }
        Ddl::DropColumn { table, column, if_exists, cascade } => {
            let (if_exists, cascade) = (when(*if_exists, " IF EXISTS"), when(*cascade, " CASCADE"));
            return format!("ALTER TABLE {} DROP COLUMN{if_exists} {}{cascade}", name(table), quote(column));
        }
        Ddl::RenameColumn { table, from, to } => {
            return format!("ALTER TABLE {} RENAME COLUMN {} TO {}", name(table), quote(from), quote(to));
        }
        Ddl::SetType { table, column, ty, collation, using } => {
            let collation = collation.as_ref().map(|it| format!(" COLLATE {}", name(it))).unwrap_or_default();
            let using = using.as_ref().map(|it| format!(" USING {}", it.text().trim())).unwrap_or_default();
            (table, column, format!("TYPE {}{collation}{using}", data_type(ty)))
        }
        Ddl::SetDefault { table, column, default: Some(it) } => {
            (table, column, format!("SET DEFAULT {}", it.text().trim()))
        }
        Ddl::SetDefault { table, column, default: None } => (table, column, "DROP DEFAULT".to_owned()),
        Ddl::SetNotNull { table, column } => (table, column, "SET NOT NULL".to_owned()),
        Ddl::DropNotNull { table, column } => (table, column, "DROP NOT NULL".to_owned()),
        Ddl::AddIdentity { table, column, identity: it } => (table, column, format!("ADD {}", identity(it))),
        Ddl::SetIdentity { table, column, always, options, restart } => {
            let mut parts: Vec<String> = Vec::new();
            parts.extend(always.map(|it| format!("SET GENERATED {}", kind(it))));
            parts.extend(sequences::options(options, false).into_iter().map(|it| format!("SET {it}")));
            parts.extend(restart.map(sequences::restart));
            if parts.is_empty() {
                parts.push("SET NO CYCLE".to_owned());
            }
            (table, column, parts.join(" "))
        }
        Ddl::DropIdentity { table, column, if_exists } => {
            (table, column, format!("DROP IDENTITY{}", when(*if_exists, " IF EXISTS")))
        }
        Ddl::SetExpression { table, column, expr } => {
            (table, column, format!("SET EXPRESSION AS {}", parenthesised(expr)))
        }
        Ddl::DropExpression { table, column, if_exists } => {
            (table, column, format!("DROP EXPRESSION{}", when(*if_exists, " IF EXISTS")))
        }
        // -1 is the default in every version; the word DEFAULT came with 17.
        Ddl::SetColumnStatistics { table, column, target } => {
            (table, column, format!("SET STATISTICS {}", target.unwrap_or(-1)))
        }
        Ddl::SetColumnStorage { table, column, storage } => (table, column, format!("SET STORAGE {storage}")),
        Ddl::SetColumnCompression { table, column, method } => {
            (table, column, format!("SET COMPRESSION {}", method.as_deref().unwrap_or("default")))
        }
        Ddl::SetColumnOptions { table, column, set, reset } => (table, column, set_reset(set, reset)),
        _ => return String::new(),
    };
    format!("ALTER TABLE {} ALTER COLUMN {} {action}", name(table), quote(column))
}
