//! Canonical values: constants lose their casts, numbers their quotes, AND and OR their brackets.

/// A canonical expression and what may still happen to it.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A string, decoded.
    Text(String),
    /// A number, `true`, `false` or `null`.
    Constant(String),
    And(Vec<String>),
    Or(Vec<String>),
    Row(Vec<String>),
    /// A column, or arithmetic: the server may have widened its number.
    Number(String),
    Other(String),
}

impl Value {
    pub fn other(text: String) -> Self {
        Self::Other(text)
    }

    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => untyped(text),
            Self::Constant(text) | Self::Number(text) | Self::Other(text) => text.clone(),
            Self::Row(parts) => format!("row({})", parts.join(", ")),
            Self::And(parts) => format!("({})", parts.join(" and ")),
            Self::Or(parts) => format!("({})", parts.join(" or ")),
        }
    }

    pub fn and(self, right: Self) -> Self {
        let parts = |it: Self| if let Self::And(parts) = it { parts } else { vec![it.text()] };
        let mut all = parts(self);
        all.extend(parts(right));
        Self::And(all)
    }

    pub fn or(self, right: Self) -> Self {
        let parts = |it: Self| if let Self::Or(parts) = it { parts } else { vec![it.text()] };
        let mut all = parts(self);
        all.extend(parts(right));
        Self::Or(all)
    }
}

/// A string whose type only the server knows: what reads as a number, truth value, interval or time is printed as
/// the server prints it for a column of that type. For a text column that makes no difference, but that two texts which
/// mean the same time (`'1 hour'`, `'60 minutes'`) count as equal.
fn untyped(text: &str) -> String {
    match text {
        "t" | "true" => return "true".into(),
        "f" | "false" => return "false".into(),
        _ if plain_number(text) => return text.to_owned(),
        _ => {}
    }
    let unit = text.bytes().any(|it| it.is_ascii_alphabetic() || it == b':');
    let time =
        if unit && text.starts_with(|it: char| it.is_ascii_digit() || it == '-') { interval(text) } else { None };
    format!("'{}'", time.as_deref().unwrap_or(text).replace('\'', "''"))
}

/// `1e3` is `1000` and `.5` is `0.5`, as the server prints them.
pub(super) fn number(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let (mantissa, exponent) = lower.split_once('e').unwrap_or((&lower, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let Some(exponent) = exponent.parse::<i32>().ok().filter(|it| it.abs() <= 100 && !lower.starts_with("0x")) else {
        return lower;
    };
    let whole = if whole.is_empty() { "0" } else { whole };
    if exponent == 0 {
        return if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") };
    }
    let digits = format!("{whole}{fraction}");
    let point = whole.len() as i32 + exponent;
    let (whole, fraction) = match usize::try_from(point) {
        Ok(point) if point >= digits.len() => (format!("{digits:0<point$}"), String::new()),
        Ok(point) if point > 0 => (digits[..point].to_owned(), digits[point..].to_owned()),
        _ => ("0".to_owned(), format!("{}{digits}", "0".repeat(point.unsigned_abs() as usize))),
    };
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

pub(super) fn negate(value: Value) -> Value {
    match value {
        Value::Constant(text) if text.starts_with(|it: char| it.is_ascii_digit()) => {
            Value::Constant(format!("-{text}"))
        }
        other => Value::Number(format!("(- {})", other.text())),
    }
}

/// `0`, `-1`, `2.50`: written as the server prints a number, so that `'1'` for a number and `1` are the same.
fn plain_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    all_digits(whole) && all_digits(fraction) && (whole == "0" || !whole.starts_with('0'))
}

/// `value::ty`; `ty` canonical.
pub(super) fn cast(value: Value, ty: &str) -> Value {
    let base = ty.trim_end_matches("[]");
    match value {
        Value::Text(text) => match base {
            "boolean" if base == ty => Value::Constant(boolean(&text).unwrap_or(&text).to_owned()),
            "regclass" => Value::Text(object_name(&text)),
            _ if base.starts_with("interval") && base == ty => Value::Text(interval(&text).unwrap_or(text)),
            _ => Value::Text(text),
        },
        Value::Constant(text) => Value::Constant(text),
        // `price * quantity` is printed as `(price * (quantity)::numeric)`.
        Value::Number(text) if matches!(ty, "bigint" | "numeric" | "double precision" | "real") => Value::Number(text),
        // Implicit casts to text are printed: `(code)::text = 'a'::text` for a varchar.
        other if matches!(base, "text" | "character varying" | "bpchar") => other,
        // The elements hold the constants.
        Value::Other(text) if base != ty && text.starts_with("array[") => Value::Other(text),
        other => Value::other(format!("{}::{ty}", other.text())),
    }
}

fn boolean(text: &str) -> Option<&'static str> {
    match text.trim().to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "on" | "1" => Some("true"),
        "f" | "false" | "n" | "no" | "off" | "0" => Some("false"),
        _ => None,
    }
}

/// The name in `'public.s'::regclass` and `nextval('public.s')`, without `public` and needless quotes.
pub(super) fn object_name(text: &str) -> String {
    let parts: Vec<_> = text.split('.').map(|it| super::unquote::ident(it).into_owned()).collect();
    match parts.as_slice() {
        [schema, name] if schema == "public" => super::name(name),
        parts => parts.iter().map(|it| super::name(it)).collect::<Vec<_>>().join("."),
    }
}

/// An interval as the server prints it (IntervalStyle postgres): `1 hour 30 min` is `01:30:00`. `None`: not read.
fn interval(text: &str) -> Option<String> {
    let lower = text.trim().to_ascii_lowercase();
    let (mut months, mut days, mut micros) = (0_i64, 0_i64, 0_i64);
    let mut words = lower.split_whitespace();
    while let Some(word) = words.next() {
        if word.contains(':') {
            micros = micros.checked_add(clock(word)?)?;
            continue;
        }
        let cut = word.find(|it: char| it.is_ascii_alphabetic()).unwrap_or(word.len());
        let (amount, unit) = if cut == word.len() { (word, words.next()?) } else { word.split_at(cut) };
        let amount: i64 = amount.parse().ok()?;
        let slot = match unit.trim_end_matches('s') {
            "year" | "yr" | "y" => (&mut months, 12),
            "mon" | "month" => (&mut months, 1),
            "week" | "w" => (&mut days, 7),
            "day" | "d" => (&mut days, 1),
            "hour" | "hr" | "h" => (&mut micros, 3_600_000_000),
            "minute" | "min" | "m" => (&mut micros, 60_000_000),
            "second" | "sec" | "" => (&mut micros, 1_000_000),
            "millisecond" | "msec" => (&mut micros, 1_000),
            _ => return None,
        };
        *slot.0 = slot.0.checked_add(amount.checked_mul(slot.1)?)?;
    }
    let mut parts = Vec::new();
    for (amount, unit) in [(months / 12, "year"), (months % 12, "mon"), (days, "day")] {
        if amount != 0 {
            parts.push(format!("{amount} {unit}{}", if amount == 1 { "" } else { "s" }));
        }
    }
    if micros != 0 || parts.is_empty() {
        let (sign, all) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
        let (seconds, rest) = (all / 1_000_000, all % 1_000_000);
        let fraction = if rest == 0 { String::new() } else { format!(".{rest:06}").trim_end_matches('0').to_owned() };
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        parts.push(format!("{sign}{hours:02}:{minutes:02}:{seconds:02}{fraction}"));
    }
    Some(parts.join(" "))
}

/// `HH:MM[:SS]` in microseconds.
fn clock(text: &str) -> Option<i64> {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |it| (-1, it));
    let mut parts = text.split(':').map(|it| it.parse::<i64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
    let all = hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?.checked_add(seconds)?;
    all.checked_mul(sign * 1_000_000)
}
