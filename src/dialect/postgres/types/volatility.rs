//! How often a default has to be evaluated: decides whether ADD COLUMN rewrites the table (manual 38.7).

use super::Volatility;
use crate::{
    catalog::Catalog,
    sql::{
        Expr, Function, FunctionKind, Ident,
        tokens::{Token, TokenKind, paths_in, tokens},
    },
};

/// Volatility of a built-in function by name; `None` when it is volatile or not built in.
fn built_in(name: &str) -> Option<Volatility> {
    let mut section = Volatility::Constant;
    for line in include_str!("functions.txt").lines().filter(|it| !it.starts_with('#')) {
        match line {
            "[immutable]" => section = Volatility::Constant,
            "[stable]" => section = Volatility::Stable,
            names if names.split(' ').any(|it| it == name) => return Some(section),
            _ => {}
        }
    }
    None
}

/// Words that stand before a parenthesis without being functions, and functions with a grammar of their own.
const SYNTAX: &[&str] = &[
    "all",
    "and",
    "any",
    "array",
    "as",
    "between",
    "case",
    "cast",
    "coalesce",
    "collate",
    "distinct",
    "else",
    "end",
    "exists",
    "filter",
    "for",
    "from",
    "greatest",
    "in",
    "is",
    "json_object",
    "json_array",
    "json_scalar",
    "json_value",
    "json_query",
    "json_exists",
    "least",
    "like",
    "ilike",
    "not",
    "null",
    "nullif",
    "on",
    "or",
    "overlay",
    "over",
    "position",
    "row",
    "select",
    "similar",
    "some",
    "substring",
    "then",
    "treat",
    "trim",
    "using",
    "values",
    "when",
    "where",
    "with",
    "within",
    "xmlconcat",
    "xmlelement",
    "xmlforest",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
    "normalize",
    "grouping",
];

/// Functions written without parentheses (manual 9.9.5, 9.27.1); the session's or the transaction's value.
const SESSION_VALUES: &[&str] = &[
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "localtime",
    "localtimestamp",
    "session_user",
    "system_user",
    "user",
];

/// Types that take modifiers in parentheses and are names of functions too.
const TYPES_WITH_MODIFIERS: &[&str] = &[
    "bit",
    "bpchar",
    "char",
    "character",
    "dec",
    "decimal",
    "float",
    "interval",
    "numeric",
    "time",
    "timestamp",
    "timestamptz",
    "timetz",
    "varbit",
    "varchar",
    "varying",
];

/// The worst volatility of what the expression calls. A function nobody knows is taken to be volatile.
pub(in crate::dialect::postgres) fn volatility(expr: &Expr, catalog: &Catalog) -> Volatility {
    // An SQL function may call another; a cycle of them must not run away.
    const DEEPEST: usize = 8;
    of_text(expr.text(), catalog, DEEPEST)
}

fn of_text(text: &str, catalog: &Catalog, depth: usize) -> Volatility {
    let tokens = tokens(text);
    let mut res = Volatility::Constant;
    for path in paths_in(text, &tokens) {
        let name = path.name();
        let word = name.name.as_str();
        let plain = !path.quoted && path.parts.len() == 1;
        if path.called {
            let modifiers = || only_numbers(text, tokens.get(path.end + 1..).unwrap_or_default());
            let syntax = plain && SYNTAX.contains(&word);
            let ty = path.typed || (plain && TYPES_WITH_MODIFIERS.contains(&word) && modifiers());
            if !syntax && !ty {
                res = res.max(of_call(name.schema.as_ref(), &name.name, catalog, depth));
            }
        } else if plain && SESSION_VALUES.contains(&word) {
            res = res.max(Volatility::Stable);
        }
    }
    res
}

/// `10, 2)`: the modifiers of a type.
fn only_numbers(text: &str, tokens: &[Token]) -> bool {
    let mut inside = tokens.iter().take_while(|it| !it.is(text, ")")).peekable();
    inside.peek().is_some() && inside.all(|it| it.kind == TokenKind::Number || it.is(text, ","))
}

fn of_call(schema: Option<&Ident>, name: &Ident, catalog: &Catalog, depth: usize) -> Volatility {
    let in_reach = |it: &Ident| match schema {
        Some(schema) => it == schema,
        None => catalog.search_path.contains(it),
    };
    let own =
        catalog.functions.values().filter(|it| it.name.name == *name && it.name.schema.as_ref().is_none_or(in_reach));
    let own = own.map(|it| of_function(it, catalog, depth)).max();
    let built_in = match schema {
        Some(it) if it.as_str() != "pg_catalog" => None,
        _ => built_in(name.as_str()),
    };
    // Overloads: which one is meant depends on the argument types, so the worst counts.
    own.max(built_in).unwrap_or(Volatility::Volatile)
}

fn of_function(function: &Function, catalog: &Catalog, depth: usize) -> Volatility {
    match function.attributes.get("volatility").map(|it| it.as_str()) {
        Some("immutable") => Volatility::Constant,
        Some("stable") => Volatility::Stable,
        _ => match inlined(function) {
            // Measured on 12 to 18: the server looks at the default after inlining, so a VOLATILE function that is
            // just `SELECT 1` does not make ADD COLUMN rewrite the table.
            Some(body) if depth > 0 => of_text(body, catalog, depth - 1),
            _ => Volatility::Volatile,
        },
    }
}

/// The expression that takes the place of a call when the planner can inline the function (`inline_function` in
/// clauses.c): one plain SELECT in SQL, no settings, not SECURITY DEFINER, returns one value.
fn inlined(function: &Function) -> Option<&str> {
    let plain = function.attributes.keys().all(|it| {
        let key = it.as_str();
        !(key == "security" || key == "strict" || key.starts_with("set "))
    });
    let one_value = function.returns.as_ref().is_some_and(|it| {
        let text = it.text().to_ascii_lowercase();
        !(text.starts_with("setof ") || text.starts_with("table") || text == "record" || text == "void")
    });
    if function.kind != FunctionKind::Function || function.language.as_str() != "sql" || !plain || !one_value {
        return None;
    }
    let body = function.body.text().trim().trim_end_matches(';').trim_end();
    let first = body.split_whitespace().next().unwrap_or_default();
    if !first.eq_ignore_ascii_case(if function.sql_body { "return" } else { "select" }) {
        return None;
    }
    let rest = &body[first.len()..];
    const CLAUSES: &[&str] =
        &["from", "where", "group", "having", "order", "limit", "offset", "union", "select", "with"];
    let clause = |it: &Token| it.is(rest, ";") || CLAUSES.iter().any(|clause| it.is(rest, clause));
    if tokens(rest).iter().any(clause) { None } else { Some(rest) }
}
