//! SQL for a column's value in row `g`.

use super::model::Column;

/// Candidates beyond the first for any column.
pub const CANDIDATES: usize = 18;

/// The `at`-th idea for a value. `literals` stand in checks on the column. `None`: we know no value of this type.
pub fn candidate(column: &Column, literals: &[String], at: usize) -> Option<String> {
    let cast = |expr: String| format!("({expr})::{}", column.type_name);
    if at == 0 {
        return first(column).map(cast);
    }
    let mut ideas = Vec::new();
    let quoted: Vec<_> = literals.iter().map(|it| literal(it)).collect();
    if is_number(&column.base) {
        let numbers = literals.iter().filter(|it| it.parse::<f64>().is_ok());
        ideas.extend(["1", "0", "g % 10 + 1", "g % 100"].map(str::to_owned));
        ideas.extend(numbers.flat_map(|it| [format!("{it} + 1"), it.clone(), format!("{it} - 1")]));
        ideas.extend(["-g", "0.5", "100 + g", "1000000 + g"].map(str::to_owned));
    } else if is_time(&column.base) {
        // Earlier and later than the first idea: for pairs such as begins_at, ends_at.
        ideas.extend(["40", "-40", "400", "-400"].map(|days| shifted(column, days)));
        ideas.extend(quoted);
    } else {
        if quoted.len() > 1 {
            ideas.push(format!("(ARRAY[{}])[1 + g % {}]", quoted.join(", "), quoted.len()));
        }
        ideas.extend(quoted);
        if is_text(&column.base) {
            ideas.extend(TEXTS.map(str::to_owned));
        }
    }
    if column.nullable {
        ideas.insert(ideas.len().min(2), "NULL".into());
    }
    // Past the last idea: the first again, so that other columns can go on.
    match ideas.into_iter().nth(at - 1) {
        Some(idea) => Some(cast(idea)),
        None => first(column).map(cast),
    }
}

/// Texts that common checks and casts ask for: a number, a date, an id, a truth value, an address, a code, digits, a colour, a link, one letter, nothing.
const TEXTS: [&str; 13] = [
    "g::text",
    "(date '2024-01-01' + (g % 20000)::int)::text",
    "md5(g::text)::uuid::text",
    "(g % 2 = 0)::text",
    "'user' || g || '@example.com'",
    "lpad(g::text, 8, '0')",
    "'ABC'",
    "chr(65 + (g % 26)::int) || chr(65 + (g / 26 % 26)::int)",
    "'#' || lpad(to_hex(g), 6, '0')",
    "'https://example.com/' || g",
    "'a' || g",
    "'A'",
    "''",
];

/// The first idea: unique wherever the type has room for it.
fn first(column: &Column) -> Option<String> {
    let base = column.base.as_str();
    Some(match base {
        "int2" => "g % 32767".into(),
        "int4" | "int8" | "oid" | "xid8" => "g".into(),
        "float4" | "float8" => "g + 0.5".into(),
        "numeric" => numeric(column.modifier),
        "money" => "g::numeric".into(),
        "bool" => "g % 2 = 0".into(),
        "text" | "citext" | "varchar" | "bpchar" | "name" | "char" => text(column),
        "bytea" => "decode(md5(g::text), 'hex')".into(),
        "uuid" => "md5(g::text)".into(),
        "date" | "timestamp" | "timestamptz" => shifted(column, "0"),
        "time" | "timetz" => "time '00:00' + g % 86400 * interval '1 second'".into(),
        "interval" => "g * interval '1 minute'".into(),
        "json" | "jsonb" => "'{\"n\": ' || g || ', \"name\": \"row ' || g || '\"}'".into(),
        "xml" => "'<row n=\"' || g || '\"/>'".into(),
        "inet" => "'10.' || g / 65536 % 256 || '.' || g / 256 % 256 || '.' || g % 256".into(),
        "cidr" => "'10.' || g / 65536 % 256 || '.' || g / 256 % 256 || '.' || g % 256 || '/32'".into(),
        "macaddr" => "left('02' || lpad(to_hex(g), 10, '0'), 12)".into(),
        "macaddr8" => "left('02' || lpad(to_hex(g), 14, '0'), 16)".into(),
        "bit" => format!("(g % 2147483647)::int::bit({})", column.modifier.max(1)),
        "varbit" if column.modifier > 0 => format!("(g % 2147483647)::int::bit({})", column.modifier.min(32)),
        "varbit" => "g::bit(32)".into(),
        "tsvector" => "to_tsvector('simple', 'row ' || g)".into(),
        "tsquery" => "to_tsquery('simple', 'row' || g)".into(),
        "point" => "point(g, g)".into(),
        "line" => "line(point(0, g), point(1, g))".into(),
        "lseg" => "lseg(point(0, g), point(1, g))".into(),
        "box" => "box(point(g, g), point(g + 1, g + 1))".into(),
        "path" => "path('((0,0),(1,' || g || '))')".into(),
        "polygon" => "polygon(box(point(g, g), point(g + 1, g + 1)))".into(),
        "circle" => "circle(point(g, g), 1)".into(),
        "int4range" => "int4range((g * 2)::int, (g * 2 + 1)::int)".into(),
        "int8range" => "int8range(g * 2, g * 2 + 1)".into(),
        "numrange" => "numrange(g * 2, g * 2 + 1)".into(),
        "daterange" => "daterange(date '2024-01-01' + (g * 2)::int, date '2024-01-01' + (g * 2 + 1)::int)".into(),
        "tsrange" => "tsrange(timestamp '2024-01-01' + g * interval '1 day', timestamp '2024-01-01' + g * interval '1 day' + interval '1 hour')".into(),
        "tstzrange" => "tstzrange(timestamptz '2024-01-01 00:00+00' + g * interval '1 day', timestamptz '2024-01-01 00:00+00' + g * interval '1 day' + interval '1 hour')".into(),
        "hstore" => "'n=>' || g".into(),
        "ltree" => "'row.r' || g".into(),
        "pg_lsn" => "'0/' || to_hex(g)".into(),
        _ if column.kind == "e" => {
            let all = format!("enum_range(NULL::{})", column.base_name);
            format!("({all})[1 + g % cardinality({all})]")
        }
        // An array: empty is a value of every array type. A row of NULLs is one of every composite type.
        _ if base.starts_with('_') => "'{}'".into(),
        _ if column.kind == "r" => "'empty'".into(),
        _ if column.kind == "m" => "'{}'".into(),
        _ => return None,
    })
}

/// The modifier of numeric holds precision and scale (numeric.c: `((precision << 16) | scale) + VARHDRSZ`).
fn numeric(modifier: i32) -> String {
    if modifier < 4 {
        return "g".into();
    }
    let (precision, scale) = ((modifier - 4) >> 16, (modifier - 4) & 0x7ff);
    let whole = (precision - scale).clamp(0, 15);
    match whole {
        0 => "0".into(),
        whole => format!("g % {}", 10i64.pow(u32::try_from(whole).unwrap_or(1))),
    }
}

/// Text that is unique and fits. The modifier of character types is the length plus 4.
fn text(column: &Column) -> String {
    let limit = match column.base.as_str() {
        "char" => 1,
        "name" => 63,
        _ if column.modifier > 4 => column.modifier - 4,
        _ => return "'row ' || g".into(),
    };
    match limit {
        // Base 36 in so few places: repeats late.
        ..=9 => format!("right(lpad(to_hex(g), {limit}, '0'), {limit})"),
        _ => format!("left('row ' || g, {limit})"),
    }
}

/// A moment some days away from the row's own.
fn shifted(column: &Column, days: &str) -> String {
    match column.base.as_str() {
        "date" => format!("date '2024-01-01' + (g % 20000)::int + {days}"),
        "timestamptz" => {
            format!("timestamptz '2024-01-01 00:00+00' + g * interval '1 minute' + interval '{days} days'")
        }
        "timestamp" => format!("timestamp '2024-01-01' + g * interval '1 minute' + interval '{days} days'"),
        _ => format!("time '12:00' + g % 3600 * interval '1 second' + interval '{days} minutes'"),
    }
}

fn is_number(base: &str) -> bool {
    matches!(base, "int2" | "int4" | "int8" | "float4" | "float8" | "numeric" | "money")
}

fn is_time(base: &str) -> bool {
    matches!(base, "date" | "timestamp" | "timestamptz" | "time" | "timetz")
}

fn is_text(base: &str) -> bool {
    matches!(base, "text" | "citext" | "varchar" | "bpchar" | "name")
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fit_their_precision() {
        // numeric(5,2): 5 << 16 | 2, plus 4.
        assert_eq!(numeric((5 << 16 | 2) + 4), "g % 1000");
        assert_eq!(numeric((2 << 16 | 2) + 4), "0");
        assert_eq!(numeric(-1), "g");
    }
}
