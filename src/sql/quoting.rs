//! How identifiers stand in SQL text.

use std::borrow::Cow;

use super::{Ident, Name};

/// Keywords that `quote_ident` puts in double quotes: categories reserved, type_func_name and col_name of
/// `pg_get_keywords()`, PostgreSQL 13 to 18 together (manual, appendix C). Sorted.
#[rustfmt::skip]
const KEYWORDS: &[&str] = &[
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "authorization", "between",
    "bigint", "binary", "bit", "boolean", "both", "case", "cast", "char", "character", "check", "coalesce", "collate",
    "collation", "column", "concurrently", "constraint", "create", "cross", "current_catalog", "current_date",
    "current_role", "current_schema", "current_time", "current_timestamp", "current_user", "dec", "decimal",
    "default", "deferrable", "desc", "distinct", "do", "else", "end", "except", "exists", "extract", "false", "fetch",
    "float", "for", "foreign", "freeze", "from", "full", "grant", "greatest", "group", "grouping", "having", "ilike",
    "in", "initially", "inner", "inout", "int", "integer", "intersect", "interval", "into", "is", "isnull", "join",
    "json_array", "json_arrayagg", "json_exists", "json_object", "json_objectagg", "json_query", "json_scalar",
    "json_serialize", "json_table", "json_value", "lateral", "leading", "least", "left", "like", "limit", "localtime",
    "localtimestamp", "merge_action", "national", "natural", "nchar", "none", "normalize", "not", "notnull", "null",
    "nullif", "numeric", "offset", "on", "only", "or", "order", "out", "outer", "overlaps", "overlay", "placing",
    "position", "precision", "primary", "real", "references", "returning", "right", "row", "select", "session_user",
    "setof", "similar", "smallint", "some", "substring", "symmetric", "system_user", "table", "tablesample", "then",
    "time", "timestamp", "to", "trailing", "treat", "trim", "true", "union", "unique", "user", "using", "values",
    "varchar", "variadic", "verbose", "when", "where", "window", "with", "xmlattributes", "xmlconcat", "xmlelement",
    "xmlexists", "xmlforest", "xmlnamespaces", "xmlparse", "xmlpi", "xmlroot", "xmlserialize", "xmltable",
];

/// Must the (lower case) word be quoted to be a name everywhere?
pub fn is_keyword(word: &str) -> bool {
    KEYWORDS.binary_search(&word).is_ok()
}

/// The identifier as it must stand in SQL: quoted when it has to be, as `quote_ident` does.
pub fn quote(ident: &Ident) -> Cow<'_, str> {
    let name = ident.as_str();
    let plain = name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_')
        && name.bytes().next().is_some_and(|it| !it.is_ascii_digit());
    if plain && !is_keyword(name) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(format!("\"{}\"", name.replace('"', "\"\"")))
    }
}

/// The name as it must stand in SQL; schema `public` is left out.
pub fn quote_name(name: &Name) -> String {
    match &name.schema {
        Some(schema) if schema.as_str() != "public" => format!("{}.{}", quote(schema), quote(&name.name)),
        _ => quote(&name.name).into_owned(),
    }
}

/// A string literal: quotes doubled; `E''` when there is a backslash, so that it reads the same under any
/// `standard_conforming_strings`.
pub fn literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if doubled.contains('\\') { format!("E'{}'", doubled.replace('\\', "\\\\")) } else { format!("'{doubled}'") }
}

/// Reads a list of names as `search_path` and `regclass` texts hold them: `a."B c"` gives two parts.
pub fn dotted(text: &str) -> Option<Name> {
    let tokens = super::tokens::tokens(text);
    let mut parts = super::tokens::paths_in(text, &tokens);
    let only = if parts.len() == 1 { parts.pop()? } else { return None };
    (only.token == 0 && only.end == tokens.len() && only.parts.len() <= 2).then(|| only.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_sorted_and_single() {
        assert!(KEYWORDS.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn only_what_needs_quotes_gets_them() {
        let quoted = |name: &str| quote(&Ident::new(name)).into_owned();
        let names = ["a_1", "order", "Order", "1a", "a b", "a\"b", "ü", "name", ""].map(quoted);
        assert_eq!(
            names,
            ["a_1", "\"order\"", "\"Order\"", "\"1a\"", "\"a b\"", "\"a\"\"b\"", "\"ü\"", "name", "\"\""]
        );
    }

    #[test]
    fn a_literal_survives_quotes_and_backslashes() {
        assert_eq!([literal("it's"), literal("a\\b")], ["'it''s'", "E'a\\\\b'"]);
    }

    #[test]
    fn a_dotted_name_is_read_with_its_quotes() {
        assert_eq!(dotted("app.\"Order items\""), Some(Name::new("app", "Order items")));
        assert_eq!(dotted("Users"), Some(Name::bare("users")));
        assert_eq!(dotted("a + b"), None);
    }
}
