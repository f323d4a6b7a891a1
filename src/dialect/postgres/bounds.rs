//! What a partition's bound says of a row, in the words of a CHECK.
//!
//! Written so that the server finds the bound implied (`predicate_implied_by`) and attaches without reading a row.

use super::{expr, locks::parenthesised, render};
use crate::sql::{Expr, KeyExpr, PartitionBy, PartitionStrategy};

/// The condition that rows of the partition meet (`within`), or that no row meets which belongs to it. `None`: a DEFAULT
/// or hash partition, or a key of several columns.
pub(super) fn condition(by: &PartitionBy, bound: &Expr, nullable: bool, within: bool) -> Option<Expr> {
    let [key] = by.keys.as_slice() else { return None };
    let key = match &key.expr {
        KeyExpr::Column(it) => render::quote(it).into_owned(),
        KeyExpr::Expr(it) => format!("({})", it.text()),
    };
    let lists = parenthesised(bound.text());
    let present = || format!("{key} IS NOT NULL");
    let text = match (by.strategy, lists.as_slice()) {
        (PartitionStrategy::Range, [from, to]) => {
            let lower = (from != "minvalue").then(|| format!("{key} >= {from}"));
            let upper = (to != "maxvalue").then(|| format!("{key} < {to}"));
            let unbounded = lower.is_none() && upper.is_none();
            let known = (unbounded || (within && nullable)).then(present);
            let parts: Vec<String> = known.into_iter().chain(lower).chain(upper).collect();
            parts.join(" AND ")
        }
        (PartitionStrategy::List, [values]) => {
            let (null, values): (Vec<&str>, Vec<&str>) = values.split(" , ").partition(|it| *it == "null");
            let one_of = match values.as_slice() {
                [] => None,
                [one] => Some(format!("{key} = {one}")),
                several => Some(format!("{key} IN ({})", several.join(", "))),
            };
            match (null.is_empty(), one_of) {
                (true, Some(one_of)) if within && nullable => format!("{} AND {one_of}", present()),
                (true, Some(one_of)) => one_of,
                (false, Some(one_of)) => format!("{key} IS NULL OR {one_of}"),
                (_, None) => format!("{key} IS NULL"),
            }
        }
        _ => return None,
    };
    Some(expr::expr(&if within { text } else { format!("NOT ({text})") }))
}

/// A range that begins with everything there is.
pub(super) fn has_no_beginning(bound: &Expr) -> bool {
    matches!(parenthesised(bound.text()).as_slice(), [from, _] if from.split(" , ").all(|it| it == "minvalue"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::{Ident, IndexKey};

    fn said(strategy: PartitionStrategy, bound: &str, nullable: bool, within: bool) -> Option<String> {
        let by = PartitionBy { strategy, keys: vec![IndexKey::column(Ident::new("at"))] };
        condition(&by, &Expr::new(bound, bound), nullable, within).map(|it| it.text().to_owned())
    }

    #[test]
    fn bounds_in_words() {
        use PartitionStrategy::{Hash, List, Range};
        let year = "FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')";
        assert_eq!(said(Range, year, false, true).unwrap(), "at >= '2026-01-01' AND at < '2027-01-01'");
        assert_eq!(said(Range, year, true, false).unwrap(), "NOT (at >= '2026-01-01' AND at < '2027-01-01')");
        let past = "FOR VALUES FROM (MINVALUE) TO (100)";
        assert_eq!(said(Range, past, true, true).unwrap(), "at IS NOT NULL AND at < 100");
        assert_eq!(said(List, "FOR VALUES IN ('a', 'b')", false, true).unwrap(), "at IN ('a', 'b')");
        assert_eq!(said(List, "FOR VALUES IN ('a', NULL)", true, false).unwrap(), "NOT (at IS NULL OR at = 'a')");
        assert_eq!(said(Hash, "FOR VALUES WITH (MODULUS 2, REMAINDER 0)", false, true), None);
        assert_eq!(said(Range, "DEFAULT", false, true), None);
    }

    #[test]
    fn ranges_without_a_beginning() {
        let of = |it: &str| Expr::new(it, it);
        assert!(has_no_beginning(&of("FOR VALUES FROM (MINVALUE, MINVALUE) TO (1, 2)")));
        assert!(!has_no_beginning(&of("FOR VALUES FROM (1) TO (MAXVALUE)")));
    }
}
