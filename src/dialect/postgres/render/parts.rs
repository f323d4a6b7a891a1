//! The parts that statements share.

use smol_str::SmolStr;

use crate::sql::{
    DataType, Expr, Ident, IndexKey, KeyExpr, Name, Options, PartitionBy, PartitionStrategy, literal, quote,
    quote_name, tokens,
};

pub(super) fn name(name: &Name) -> String {
    quote_name(name)
}

/// `a, b, c`.
pub(super) fn list<T>(items: impl IntoIterator<Item = T>, render: impl Fn(T) -> String) -> String {
    items.into_iter().map(render).collect::<Vec<_>>().join(", ")
}

pub(super) fn idents(names: &[Ident]) -> String {
    list(names, |it| quote(it).into_owned())
}

pub(super) fn names(names: &[Name]) -> String {
    list(names, quote_name)
}

/// The words, where the condition holds.
pub(super) fn when(condition: bool, words: &'static str) -> &'static str {
    if condition { words } else { "" }
}

pub(super) fn drop(what: &str, name: &str, if_exists: bool, cascade: bool) -> String {
    format!("DROP {what}{} {name}{}", when(if_exists, " IF EXISTS"), when(cascade, " CASCADE"))
}

/// Roles; the words for PUBLIC and the current user are keywords, not names.
pub(super) fn roles(roles: &[Ident]) -> String {
    list(roles, role)
}

pub(super) fn role(role: &Ident) -> String {
    match role.as_str() {
        word @ ("public" | "current_user" | "current_role" | "session_user") => word.to_ascii_uppercase(),
        _ => quote(role).into_owned(),
    }
}

pub(super) fn data_type(ty: &DataType) -> String {
    if ty.is_builtin() {
        return ty.to_string();
    }
    let name = quote_name(&Name { schema: ty.schema.clone(), name: Ident::new(&ty.name) });
    let modifiers = if ty.modifiers.is_empty() { String::new() } else { format!("({})", ty.modifiers.join(",")) };
    format!("{name}{modifiers}{}", when(ty.array, "[]"))
}

/// The expression in parentheses, none added to those that already enclose it whole.
pub(super) fn parenthesised(expr: &Expr) -> String {
    let text = expr.text().trim();
    if is_enclosed(text) { text.to_owned() } else { format!("({})", closed(text)) }
}

/// Text that ends in a line comment needs a line break before what follows.
fn closed(text: &str) -> String {
    let last = text.rsplit('\n').next().unwrap_or_default();
    if last.contains("--") { format!("{text}\n") } else { text.to_owned() }
}

fn is_enclosed(text: &str) -> bool {
    let tokens = tokens::tokens(text);
    let mut depth = 0usize;
    for (i, token) in tokens.iter().enumerate() {
        match token.text(text) {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return i > 0 && i + 1 == tokens.len() && text.ends_with(')');
        }
    }
    false
}

/// Is the text one function call and nothing more? Such an index key needs no parentheses.
fn is_call(text: &str) -> bool {
    let tokens = tokens::tokens(text);
    let Some(path) = tokens::paths_in(text, &tokens).into_iter().next() else { return false };
    let after = tokens.get(path.end).map(|it| it.range.start);
    path.token == 0 && path.called && !is_special(&path) && after.is_some_and(|it| is_enclosed(&text[it..]))
}

/// Words that look like a function and are none, or are refused as a bare index key.
fn is_special(path: &tokens::Path) -> bool {
    let Some((word, _)) = path.parts.first() else { return false };
    path.parts.len() == 1 && !path.quoted && matches!(word.as_str(), "row" | "array" | "case" | "not" | "exists" | "in")
}

pub(super) fn key(key: &IndexKey) -> String {
    let mut res = match &key.expr {
        KeyExpr::Column(column) => quote(column).into_owned(),
        KeyExpr::Expr(expr) if is_call(expr.text().trim()) => expr.text().trim().to_owned(),
        KeyExpr::Expr(expr) => parenthesised(expr),
    };
    if let Some(collation) = &key.collation {
        res += &format!(" COLLATE {}", name(collation));
    }
    if let Some(opclass) = &key.opclass {
        res += &format!(" {opclass}");
    }
    res += when(key.descending, " DESC");
    res += match key.nulls_first {
        Some(true) => " NULLS FIRST",
        Some(false) => " NULLS LAST",
        None => "",
    };
    res
}

pub(super) fn partition_by(by: &PartitionBy) -> String {
    let strategy = match by.strategy {
        PartitionStrategy::Range => "RANGE",
        PartitionStrategy::List => "LIST",
        PartitionStrategy::Hash => "HASH",
    };
    format!("PARTITION BY {strategy} ({})", list(&by.keys, key))
}

/// ` WITH (a = 1)`, or nothing.
pub(super) fn with(options: &Options) -> String {
    if options.is_empty() { String::new() } else { format!(" WITH ({})", assignments(options)) }
}

pub(super) fn assignments(options: &Options) -> String {
    list(options, |(key, value)| format!("{} = {}", option_key(key), option_value(value)))
}

/// ` SET (a = 1), RESET (b)` as ALTER takes them.
pub(super) fn set_reset(set: &Options, reset: &[SmolStr]) -> String {
    let mut parts = Vec::new();
    if !set.is_empty() {
        parts.push(format!("SET ({})", assignments(set)));
    }
    if !reset.is_empty() {
        parts.push(format!("RESET ({})", list(reset, |it| option_key(it))));
    }
    parts.join(", ")
}

/// `toast.autovacuum_enabled` is two names.
fn option_key(key: &str) -> String {
    key.split('.').map(|it| quote(&Ident::new(it)).into_owned()).collect::<Vec<_>>().join(".")
}

fn option_value(value: &str) -> String {
    let word = value.bytes().next().is_some_and(|it| it.is_ascii_alphabetic() || it == b'_')
        && value.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_')
        && value.bytes().all(|it| !it.is_ascii_uppercase());
    if word || is_number(value) { value.to_owned() } else { literal(value) }
}

pub(super) fn is_number(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, fraction].iter().all(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()))
}

/// Text between dollar quotes whose tag does not occur in it.
pub(super) fn dollar_quoted(body: &str) -> String {
    let tags = std::iter::once(String::new())
        .chain(std::iter::once("body".to_owned()))
        .chain((1..).map(|it| format!("body{it}")));
    for tag in tags {
        let quote = format!("${tag}$");
        // A body that ends in `$` would run into the closing quote.
        let ends_open = body.ends_with('$');
        let runs_into = (ends_open && tag.is_empty()) || body.ends_with(&quote[..quote.len() - 1]);
        if !body.contains(&quote) && !runs_into {
            return format!("{quote}{body}{quote}");
        }
    }
    literal(body)
}
