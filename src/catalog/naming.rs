//! Names that the server invents: constraints, indexes and sequences nobody named.
//!
//! Follows `ChooseConstraintName`, `ChooseIndexName`, `ChooseRelationName` and `makeObjectName` of
//! PostgreSQL's `src/backend/catalog/pg_constraint.c` and `src/backend/commands/indexcmds.c` (13 to 18).

use super::Catalog;
use crate::sql::{Ident, IndexKey, KeyExpr, Name, tokens};

/// `makeObjectName`: the longer of the two names loses characters until all fit in 63 bytes.
pub fn object_name(first: &str, second: Option<&str>, label: &str) -> Ident {
    let overhead = label.len() + 1 + usize::from(second.is_some());
    let room = Ident::MAX_BYTES.saturating_sub(overhead);
    let (mut one, mut two) = (first.len(), second.map_or(0, str::len));
    while one + two > room {
        if one > two {
            one -= 1;
        } else {
            two = two.saturating_sub(1);
        }
    }
    let clip = |text: &str, len: usize| text[..text.floor_char_boundary(len)].to_owned();
    let mut res = clip(first, one);
    if let Some(second) = second {
        res += "_";
        res += &clip(second, two);
    }
    Ident::new(&format!("{res}_{label}"))
}

/// The middle part of a key's name: its columns joined, cut where the server's buffer ends.
pub fn addition<'a>(columns: impl IntoIterator<Item = &'a str>) -> String {
    let mut res = String::new();
    for column in columns {
        if !res.is_empty() {
            res.push('_');
        }
        res += column;
        if res.len() > Ident::MAX_BYTES {
            break;
        }
    }
    res
}

/// The names an index gives its columns: an expression is called after its function, or `expr`; repeated names
/// get numbers.
pub fn index_columns(keys: &[IndexKey], include: &[Ident]) -> Vec<String> {
    let mut res: Vec<String> = Vec::new();
    let keys = keys.iter().map(|it| match &it.expr {
        KeyExpr::Column(column) => column.to_string(),
        KeyExpr::Expr(expr) => expression_name(expr.text()).map_or_else(|| "expr".to_owned(), |(name, _)| name),
    });
    for name in keys.chain(include.iter().map(|it| it.to_string())) {
        let mut candidate = name.clone();
        let mut pass = 0usize;
        while res.contains(&candidate) {
            pass += 1;
            let number = pass.to_string();
            let keep = name.floor_char_boundary(Ident::MAX_BYTES - number.len());
            candidate = format!("{}{number}", &name[..keep]);
        }
        res.push(candidate);
    }
    res
}

/// `FigureColname`: how an expression is called, and whether the name is a good one (of a column or function)
/// rather than a poor one (of a type, or `case`).
fn expression_name(text: &str) -> Option<(String, bool)> {
    let text = unwrapped(text.trim());
    let tokens = tokens::tokens(text);
    // Outermost operators and casts: what stands at depth 0.
    let mut depth = 0usize;
    let mut cast = None;
    for token in &tokens {
        match token.text(text) {
            "(" | "[" => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            "::" if depth == 0 => cast = Some(token.range.clone()),
            _ => {}
        }
    }
    let paths = tokens::paths_in(text, &tokens);
    let first = paths.first().filter(|it| it.token == 0);
    if first.is_some_and(|it| !it.quoted && it.parts.len() == 1 && tokens.first().is_some_and(|it| it.is(text, "case")))
    {
        return Some(("case".to_owned(), false));
    }
    if let Some(cast) = cast {
        let inner = text.get(..cast.start)?;
        if is_operator_free(inner)
            && let Some((name, true)) = expression_name(inner)
        {
            return Some((name, true));
        }
        let ty =
            paths.iter().find(|it| it.typed && it.parts.first().is_some_and(|(_, range)| range.start >= cast.end))?;
        return is_operator_free(text).then(|| (ty.name().name.to_string(), false));
    }
    if !is_operator_free(text) {
        return None;
    }
    let path = first?;
    if path.called && tokens.first().is_some_and(|it| it.is(text, "cast")) {
        let inner = text.get(tokens.get(1)?.range.end..text.len() - 1)?;
        let ty = paths.iter().rev().find(|it| it.typed)?;
        let value =
            ty.parts.first().and_then(|(_, range)| inner.get(..range.start.checked_sub(text.len() - 1 - inner.len())?));
        let value = value.map(|it| it.trim_end().trim_end_matches(['s', 'S']).trim_end_matches(['a', 'A']));
        return match value.and_then(expression_name) {
            Some((name, true)) => Some((name, true)),
            _ => Some((ty.name().name.to_string(), false)),
        };
    }
    Some((path.name().name.to_string(), true))
}

/// Without the parentheses around the whole.
fn unwrapped(text: &str) -> &str {
    let tokens = tokens::tokens(text);
    let mut depth = 0usize;
    for (i, token) in tokens.iter().enumerate() {
        match token.text(text) {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            let whole = i > 0 && i + 1 == tokens.len();
            return if whole { text.get(1..text.len() - 1).map_or(text, |it| unwrapped(it.trim())) } else { text };
        }
    }
    text
}

/// One operand: a name, a call or a parenthesis, with casts and subscripts, and no operator between.
fn is_operator_free(text: &str) -> bool {
    let mut depth = 0usize;
    let mut operands = 0usize;
    for token in tokens::tokens(text) {
        match token.text(text) {
            "(" | "[" => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            "." | "::" => operands = 0,
            word if token.kind == tokens::TokenKind::Symbol && !word.is_empty() => return false,
            // `double precision`, `with time zone`: several words of one type are one operand behind its cast.
            _ => operands += 1,
        }
    }
    operands <= 1 || text.contains("::")
}

impl Catalog {
    /// `ChooseRelationName`: the first free of `label`, `label1`, `label2` … For constraints their names must be free too.
    pub(super) fn choose_relation_name(
        &self,
        table: &Name,
        addition: Option<&str>,
        label: &str,
        constraint: bool,
        taken: &[Ident],
    ) -> Ident {
        self.choose(table, addition, label, |name| {
            self.relation_exists(name) || taken.contains(&name.name) || (constraint && self.constraint_exists(name))
        })
    }

    /// `ChooseConstraintName`: free among the schema's constraints and among `taken`.
    pub(super) fn choose_constraint_name(
        &self,
        table: &Name,
        addition: Option<&str>,
        label: &str,
        taken: &[Ident],
    ) -> Ident {
        self.choose(table, addition, label, |name| taken.contains(&name.name) || self.constraint_exists(name))
    }

    fn choose(&self, table: &Name, addition: Option<&str>, label: &str, used: impl Fn(&Name) -> bool) -> Ident {
        let labels = std::iter::once(label.to_owned()).chain((1u32..).map(|pass| format!("{label}{pass}")));
        let names = labels.map(|label| object_name(table.name.as_str(), addition, &label));
        let free = names.take(100_000).find(|it| !used(&table.sibling(it.clone())));
        free.unwrap_or_else(|| object_name(table.name.as_str(), addition, label))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_name_is_cut_first() {
        assert_eq!(object_name("t", Some("a"), "key").as_str(), "t_a_key");
        assert_eq!(object_name("t", None, "pkey").as_str(), "t_pkey");
        let long = object_name(&"t".repeat(60), Some("column"), "fkey");
        assert_eq!(long.as_str(), format!("{}_column_fkey", "t".repeat(51)));
        let both = object_name(&"t".repeat(60), Some(&"c".repeat(60)), "idx");
        assert_eq!(both.as_str(), format!("{}_{}_idx", "t".repeat(29), "c".repeat(29)));
    }

    #[test]
    fn expressions_are_called_expr_and_counted() {
        let key = |text: &str| IndexKey {
            expr: KeyExpr::Expr(crate::sql::Expr::new(text, text)),
            ..IndexKey::column("x".into())
        };
        let keys = [key("a + 1"), IndexKey::column("b".into()), key("a || b"), key("lower(a)"), key("lower(b)")];
        assert_eq!(index_columns(&keys, &["b".into()]), ["expr", "b", "expr1", "lower", "lower1", "b1"]);
        let named = |text: &str| index_columns(&[key(text)], &[]).remove(0);
        let texts = [
            "(s.f(a))::text",
            "(a)::date",
            "(a + 1)::text",
            "cast(a as date)",
            "cast('1' as date)",
            "CASE WHEN a THEN 1 END",
            "(j ->> 'k')",
        ];
        assert_eq!(texts.map(named), ["f", "a", "text", "a", "date", "case", "expr"]);
    }
}
