//! Which changes of a column's type keep a value's beginning and drop its rest without an error (measured on 12 to 18).

use super::{
    TypeChange, base,
    cost::{Using, family, length_of_fixed, scale, using},
};
use crate::{
    catalog::Catalog,
    sql::{DataType, tokens},
};

/// Digits that a double and a real keep (manual 8.1.3).
const DOUBLE_DIGITS: i64 = 15;
const REAL_DIGITS: i64 = 6;

/// What is lost of values, in a clause: `decimals behind the second are rounded away`. `None`: nothing, or the server
/// refuses values that do not fit.
pub(in crate::dialect::postgres) fn loss(change: &TypeChange<'_>, before: &Catalog) -> Option<String> {
    let column = before.table(change.table)?.column(change.column)?;
    let (from, to) = (base(&column.ty, before), base(change.to, before));
    if from.array != to.array {
        return None;
    }
    match change.using.map(|it| using(it, &column.name)) {
        None | Some(Using::Column) => step(&from, &to, false),
        Some(Using::Cast(middle)) => {
            let middle = base(&middle, before);
            step(&from, &middle, true).or_else(|| step(&middle, &to, false))
        }
        Some(Using::Other) => cutting(change.using.map(|it| it.text())?),
    }
}

/// A USING that calls a function which is there to cut.
fn cutting(using: &str) -> Option<String> {
    const CUTS: &[&str] = &[
        "left",
        "right",
        "substr",
        "substring",
        "split_part",
        "trunc",
        "round",
        "floor",
        "ceil",
        "ceiling",
        "date_trunc",
    ];
    let called = tokens::paths(using).into_iter().filter(|it| it.called).map(|it| it.name().name);
    let name = called.into_iter().find(|it| CUTS.contains(&it.as_str()))?;
    Some(format!("{name}() in USING drops a part of each value"))
}

fn step(from: &DataType, to: &DataType, explicit: bool) -> Option<String> {
    let (source, target) = (family(from), family(to));
    let modifier = |it: &DataType| it.modifiers.first().and_then(|it| it.parse::<i64>().ok());
    match (source, target) {
        ("numeric", "numeric") => {
            modifier(to)?;
            let kept = scale(to);
            let fits = modifier(from).is_some() && scale(from) <= kept;
            (!fits).then(|| decimals(kept))
        }
        ("numeric", "smallint" | "integer" | "bigint") => {
            let whole = modifier(from).is_some() && scale(from) <= 0;
            (!whole).then(|| decimals(0))
        }
        ("numeric", "double precision" | "real") => {
            let digits = if target == "real" { REAL_DIGITS } else { DOUBLE_DIGITS };
            let fits = modifier(from).is_some_and(|it| it <= digits);
            (!fits).then(|| format!("of each number some {digits} digits stay"))
        }
        ("double precision" | "real", "smallint" | "integer" | "bigint") => Some(decimals(0)),
        ("double precision" | "real", "numeric") => modifier(to).map(|_| decimals(scale(to))),
        ("double precision", "real") | ("integer" | "bigint", "real") => {
            Some(format!("of each number some {REAL_DIGITS} digits stay"))
        }
        ("bigint", "double precision") => Some("numbers above 2^53 are rounded".to_owned()),
        (_, "name") if text_like(source) => Some("what is longer than 63 bytes is cut off".to_owned()),
        (_, "character varying" | "character") if explicit && text_like(source) => shortened(from, to),
        (_, "char") if explicit && text_like(source) => Some("of each value one byte stays".to_owned()),
        ("timestamp without time zone" | "timestamp with time zone", "date") => {
            Some("the time of day is lost".to_owned())
        }
        (
            "timestamp without time zone" | "timestamp with time zone",
            "time without time zone" | "time with time zone",
        ) => Some("the day is lost".to_owned()),
        ("time with time zone", "time without time zone") => Some("the time zone is lost".to_owned()),
        _ => fractions(from, to),
    }
}

/// An explicit cast cuts where an assignment would fail (manual 8.3).
fn shortened(from: &DataType, to: &DataType) -> Option<String> {
    let kept = match family(to) {
        "character" => length_of_fixed(to)?,
        _ => to.modifiers.first()?.parse().ok()?,
    };
    let had = match family(from) {
        "character" => length_of_fixed(from),
        "character varying" => from.modifiers.first().and_then(|it| it.parse().ok()),
        _ => None,
    };
    let fits = had.is_some_and(|it| it <= kept);
    (!fits).then(|| format!("what is longer than {kept} characters is cut off, because USING casts explicitly"))
}

/// Seconds with fewer decimals.
fn fractions(from: &DataType, to: &DataType) -> Option<String> {
    const FULL: i64 = 6;
    let timed = |it: &str| it.starts_with("timestamp") || it.starts_with("time ") || it.starts_with("interval");
    let (source, target) = (family(from), family(to));
    if !timed(source) || !timed(target) || source.split(' ').next() != target.split(' ').next() {
        return None;
    }
    let digits = |it: &DataType| it.modifiers.first().and_then(|it| it.parse().ok()).unwrap_or(FULL);
    if source.starts_with("interval") && from.name != to.name && to.name != "interval" {
        return Some("fields that the new type does not have are lost".to_owned());
    }
    (digits(to) < digits(from)).then(|| format!("seconds are rounded to {} decimals", digits(to)))
}

fn decimals(kept: i64) -> String {
    match kept {
        0 => "decimals are rounded away".to_owned(),
        1 => "decimals behind the first are rounded away".to_owned(),
        _ => format!("decimals behind the {kept}th are rounded away"),
    }
}

fn text_like(family: &str) -> bool {
    matches!(family, "text" | "character varying" | "character" | "citext")
}
