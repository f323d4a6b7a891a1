//! Names that the server invents: constraints, indexes and sequences nobody named.
//!
//! Follows `ChooseConstraintName`, `ChooseIndexName`, `ChooseRelationName` and `makeObjectName` of
//! PostgreSQL's `src/backend/catalog/pg_constraint.c` and `src/backend/commands/indexcmds.c` (13 to 18).

use super::Catalog;
use crate::sql::{Ident, IndexKey, KeyExpr, Name};

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

/// The names an index gives its columns: an expression is `expr`, repeated names get numbers.
pub fn index_columns(keys: &[IndexKey], include: &[Ident]) -> Vec<String> {
    let mut res: Vec<String> = Vec::new();
    let keys = keys.iter().map(|it| match &it.expr {
        KeyExpr::Column(column) => column.as_str(),
        KeyExpr::Expr(_) => "expr",
    });
    for name in keys.chain(include.iter().map(Ident::as_str)) {
        let mut candidate = name.to_owned();
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
        let keys = [key("lower(a)"), IndexKey::column("b".into()), key("upper(a)")];
        assert_eq!(index_columns(&keys, &["b".into()]), ["expr", "b", "expr1", "b1"]);
    }
}
