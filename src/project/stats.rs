//! `lockkeeper.stats.json`: how large the tables of production are, as their server's own statistics say. Written by
//! `lockkeeper stats`, read next to the settings, which win.
//!
//! ```json
//! {
//!   "version": 1,
//!   "tables": {
//!     "public": {
//!       "orders": { "rows": 50000000, "bytes": 12884901888 }
//!     }
//!   }
//! }
//! ```
//!
//! Tables by schema, named as the catalog has them (no quotes). Either number may be absent: not known.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::{Overlay, read};
use crate::{plan::Facts, sql::Name};

pub const STATS_FILE: &str = "lockkeeper.stats.json";

/// Of the format.
const VERSION: u32 = 1;

/// What is known of the tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stats {
    version: u32,
    /// By schema, then by name.
    tables: BTreeMap<String, BTreeMap<String, TableStats>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableStats {
    /// About so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// With indexes and TOAST.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

impl Default for Stats {
    fn default() -> Self {
        Self { version: VERSION, tables: BTreeMap::new() }
    }
}

impl Stats {
    /// Reads the file of a folder. None there: nothing is known.
    pub(super) fn load(root: &Path, overlays: &Overlay) -> Result<Self> {
        let path = root.join(STATS_FILE);
        if !overlays.contains_key(&path) && !path.exists() {
            return Ok(Self::default());
        }
        Self::parse(&read::read(&path, overlays)?, &path.display().to_string())
    }

    /// From the text of the file; `label` names it in errors.
    pub fn parse(text: &str, label: &str) -> Result<Self> {
        let stats: Self = serde_json::from_str(text).map_err(|error| {
            let why = error.to_string();
            let why = why.split(" at line ").next().unwrap_or_default();
            anyhow::anyhow!("{label}:{}:{}: {why}; `lockkeeper stats` writes it", error.line(), error.column())
        })?;
        if stats.version != VERSION {
            bail!("{label}: version {} is not known: `lockkeeper stats` writes version {VERSION}", stats.version);
        }
        Ok(stats)
    }

    pub fn add(&mut self, schema: &str, table: &str, stats: TableStats) {
        self.tables.entry(schema.to_owned()).or_default().insert(table.to_owned(), stats);
    }

    /// As a file: equal statistics, equal bytes.
    pub fn text(&self) -> Result<String> {
        let mut text = serde_json::to_string_pretty(self).context("cannot write the statistics as JSON")?;
        text.push('\n');
        Ok(text)
    }

    /// Adds what is known here. A table of which the facts know the rows is left as it is, its size with them: it may be
    /// of another day or another server.
    pub(super) fn add_to(&self, facts: &mut Facts) {
        let tables = self.tables.iter().flat_map(|(schema, tables)| tables.iter().map(move |it| (schema, it)));
        for (schema, (table, stats)) in tables {
            let name = Name::new(schema, table);
            if facts.rows.contains_key(&name) {
                continue;
            }
            facts.bytes.extend(stats.bytes.map(|it| (name.clone(), it)));
            facts.rows.extend(stats.rows.map(|it| (name, it)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_the_settings_win() -> Result<()> {
        let mut stats = Stats::default();
        stats.add("public", "orders", TableStats { rows: Some(50_000_000), bytes: Some(12_884_901_888) });
        stats.add("public", "Odd.Name", TableStats { rows: None, bytes: Some(8192) });
        stats.add("public", "users", TableStats { rows: Some(7), bytes: Some(16_384) });
        let text = stats.text()?;
        assert!(text.contains("\"Odd.Name\": {\n        \"bytes\": 8192\n      }"), "{text}");
        assert_eq!(Stats::parse(&text, "x")?, stats);
        let users = Name::new("public", "users");
        let mut facts = Facts::for_version(15);
        facts.rows.insert(users.clone(), 1_000);
        stats.add_to(&mut facts);
        assert_eq!((facts.rows.get(&users), facts.bytes.get(&users)), (Some(&1_000), None));
        let orders = Name::new("public", "orders");
        assert_eq!((facts.rows.get(&orders), facts.bytes.get(&orders)), (Some(&50_000_000), Some(&12_884_901_888)));
        let odd = Name::new("public", "Odd.Name");
        assert_eq!((facts.rows.get(&odd), facts.bytes.get(&odd)), (None, Some(&8192)));
        Ok(())
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let error =
            |text: &str| Stats::parse(text, "s.json").map_or_else(|it| format!("{it:#}"), |it| format!("{it:?}"));
        let unknown = error("{\n  \"version\": 1,\n  \"tables\": {\"public\": {\"t\": {\"row\": 1}}}\n}");
        assert!(unknown.starts_with("s.json:3:"), "{unknown}");
        assert!(unknown.contains("unknown field `row`"), "{unknown}");
        assert!(error("{\"version\": 1, \"tables\": {\"a\": {\"t\": {\"rows\": -1}}}}").contains("s.json:1:"));
        assert_eq!(
            error("{\"version\": 2, \"tables\": {}}"),
            "s.json: version 2 is not known: `lockkeeper stats` writes version 1"
        );
    }
}
