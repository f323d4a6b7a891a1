//! How long work on a table of known size may take: a class, with what it assumes. Never a promise.
//!
//! The rates are those of a server with ordinary cloud storage and a cold cache, rounded down: a fast disk beats them
//! many times over, a busy one does not reach them. What they are for is telling a second from an hour.

use super::Facts;
use crate::sql::Name;

/// What is done to the whole of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// Every row is read.
    Scan,
    /// An index is built over every row: read, sorted, written.
    Build,
    /// Every row and every index is written anew, and written to the WAL.
    Rewrite,
    /// Every row is changed: read, written again beside the old one, entered into every index, written to the WAL.
    Change,
}

impl Work {
    fn gerund(self) -> &'static str {
        match self {
            Self::Scan => "reading",
            Self::Build => "building an index on",
            Self::Rewrite => "rewriting",
            Self::Change => "changing every row of",
        }
    }

    /// Megabytes of the table per second.
    fn rate(self) -> u64 {
        match self {
            Self::Scan => 200,
            Self::Build => 100,
            Self::Rewrite => 50,
            Self::Change => 20,
        }
    }
}

/// What a row takes, with its share of the indexes, where only the number of rows is known.
pub const ROW_BYTES: u64 = 200;

/// 10^6, as storage is sold.
const MEGABYTE: u64 = 1_000_000;

/// A span of time no more exact than what it is worked out from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Span {
    /// Less than a second.
    Moment,
    Seconds(u64),
    Minutes(u64),
    Hours(u64),
}

impl Span {
    fn of(seconds: u64) -> Self {
        match seconds {
            0 => Self::Moment,
            1..45 => Self::Seconds(round(seconds)),
            45..2_700 => Self::Minutes(round((seconds + 30) / 60)),
            _ => Self::Hours(round((seconds + 1_800) / 3_600)),
        }
    }

    /// `roughly 4 min`.
    pub fn text(self) -> String {
        match self {
            Self::Moment => "less than a second".to_owned(),
            Self::Seconds(n) => format!("roughly {n} s"),
            Self::Minutes(n) => format!("roughly {n} min"),
            Self::Hours(n) => format!("roughly {n} h"),
        }
    }
}

/// 1, 2, 5, 10, 20, 30, …: the nearest of those that are not more exact than the rates are.
fn round(n: u64) -> u64 {
    match n {
        0..3 => n.max(1),
        3 => 2,
        4..8 => 5,
        8..15 => 10,
        _ => (n + 5) / 10 * 10,
    }
}

/// How long the work takes, with what is assumed: `reading 12 GB takes roughly 1 min at 200 MB/s`. `None`: nothing is
/// known of the table.
pub fn estimate(work: Work, table: &Name, facts: &Facts) -> Option<(Span, String)> {
    let (bytes, assumed) = match (facts.bytes.get(table), facts.rows.get(table)) {
        (Some(bytes), _) => (*bytes, String::new()),
        (None, Some(rows)) => (rows.saturating_mul(ROW_BYTES), format!(" and {ROW_BYTES} bytes a row")),
        (None, None) => return None,
    };
    let rate = work.rate();
    let span = Span::of(bytes / (rate * MEGABYTE));
    let (size, took) = (size_text(bytes), span.text());
    Some((span, format!("{} {size} takes {took} at {rate} MB/s{assumed}", work.gerund())))
}

/// Of several works the one that takes longest, of those on tables of known size.
pub fn longest(works: impl IntoIterator<Item = (Work, Name)>, facts: &Facts) -> Option<String> {
    works.into_iter().filter_map(|(work, table)| estimate(work, &table, facts)).max().map(|it| it.1)
}

/// `900 KB`, `1.2 GB`, `12 GB`.
pub fn size_text(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(1_000_000 * MEGABYTE, "TB"), (1_000 * MEGABYTE, "GB"), (MEGABYTE, "MB"), (1_000, "KB")];
    let Some((unit, name)) = UNITS.into_iter().find(|it| bytes >= it.0) else { return format!("{bytes} bytes") };
    match bytes / unit {
        whole @ 10.. => format!("{whole} {name}"),
        whole => match bytes / (unit / 10) % 10 {
            0 => format!("{whole} {name}"),
            tenths => format!("{whole}.{tenths} {name}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(rows: Option<u64>, bytes: Option<u64>) -> (Name, Facts) {
        let orders = Name::new("public", "orders");
        let mut facts = Facts::for_version(15);
        facts.rows.extend(rows.map(|it| (orders.clone(), it)));
        facts.bytes.extend(bytes.map(|it| (orders.clone(), it)));
        (orders, facts)
    }

    fn text(work: Work, rows: Option<u64>, bytes: Option<u64>) -> Option<String> {
        let (orders, facts) = facts(rows, bytes);
        estimate(work, &orders, &facts).map(|it| it.1)
    }

    #[test]
    fn an_estimate_says_what_it_assumes() {
        let said = |work, rows, bytes| text(work, rows, bytes).unwrap();
        let big = Some(12_000_000_000);
        assert_eq!(said(Work::Scan, Some(50_000_000), big), "reading 12 GB takes roughly 1 min at 200 MB/s");
        assert_eq!(said(Work::Build, None, big), "building an index on 12 GB takes roughly 2 min at 100 MB/s");
        assert_eq!(said(Work::Rewrite, None, big), "rewriting 12 GB takes roughly 5 min at 50 MB/s");
        assert_eq!(
            said(Work::Scan, Some(50_000_000), None),
            "reading 10 GB takes roughly 1 min at 200 MB/s and 200 bytes a row"
        );
        assert_eq!(said(Work::Scan, None, Some(8192)), "reading 8.1 KB takes less than a second at 200 MB/s");
        assert_eq!(said(Work::Rewrite, None, Some(2_000_000_000_000)), "rewriting 2 TB takes roughly 10 h at 50 MB/s");
        assert_eq!(text(Work::Scan, None, None), None);
    }

    #[test]
    fn more_never_takes_less() {
        let spans: Vec<Span> = (0..40_000).step_by(7).map(Span::of).collect();
        assert!(spans.is_sorted(), "{spans:?}");
        assert_eq!(
            [0, 1, 3, 44, 45, 100, 2_699, 2_700, 36_000].map(|it| Span::of(it).text()).join(", "),
            "less than a second, roughly 1 s, roughly 2 s, roughly 40 s, roughly 1 min, roughly 2 min, roughly 50 min, \
             roughly 1 h, roughly 10 h"
        );
        // The largest there can be does not overflow.
        assert!(text(Work::Rewrite, Some(u64::MAX), None).is_some());
    }
}
