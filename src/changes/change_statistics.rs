//! Extended statistics.

use std::sync::Arc;

use super::{Builder, Kind, Outline, pairs::Pairs};
use crate::{
    page::page,
    plan::PhaseKind::*,
    sql::{Ddl, KeyExpr, ObjectRef, Statistics, tokens::mentions_column},
};

page! {
    /// # Create or drop extended statistics
    ///
    /// They wait only for other schema changes, and say nothing until the next ANALYZE.
    ///
    /// ```sql before
    /// CREATE TABLE stops (id bigint PRIMARY KEY, city text, zip text);
    /// ```
    /// ```sql after
    /// CREATE TABLE stops (id bigint PRIMARY KEY, city text, zip text);
    /// CREATE STATISTICS stops_city_zip ON city, zip FROM stops;
    /// ```
    /// ```plan
    /// Expand: create statistics stops_city_zip
    ///   CREATE STATISTICS stops_city_zip ON city, zip FROM stops
    ///     lock: ShareUpdateExclusive on stops
    ///   undo: DROP STATISTICS stops_city_zip
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeStatistics {
    before: Option<Arc<Statistics>>,
    after: Option<Arc<Statistics>>,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<ChangeStatistics> {
    let (base, after) = (&pairs.base.statistics, &pairs.input.after.statistics);
    // Statistics on a column that goes are dropped with it.
    let falls = |it: &Statistics| {
        pairs.pair(&it.table).is_none_or(|pair| {
            pair.dropped.iter().any(|column| {
                it.keys.iter().any(|key| match key {
                    KeyExpr::Column(it) => it == column,
                    KeyExpr::Expr(it) => mentions_column(it.text(), column),
                })
            })
        }) && !pairs.input.after.tables.contains_key(&it.table)
    };
    let kept = after.iter().filter_map(|(key, new)| {
        let old = base.get(key);
        (old != Some(new)).then(|| ChangeStatistics { before: old.cloned(), after: Some(new.clone()) })
    });
    let gone = base.iter().filter(|(key, it)| !after.contains_key(*key) && !falls(it));
    kept.chain(gone.map(|(_, it)| ChangeStatistics { before: Some(it.clone()), after: None })).collect()
}

impl Kind for ChangeStatistics {
    fn kind(&self) -> &'static str {
        match (&self.before, &self.after) {
            (None, _) => "create_statistics",
            (_, None) => "drop_statistics",
            _ => "change_statistics",
        }
    }

    fn object(&self) -> ObjectRef {
        let it = self.after.as_ref().or(self.before.as_ref());
        ObjectRef::Statistics(it.map(|it| it.name.clone()).unwrap_or_default())
    }

    fn describe(&self) -> String {
        format!("{} statistics {}", self.kind().trim_end_matches("_statistics"), self.object())
    }

    fn outline(&self, _b: &Builder<'_>, acc: &mut Outline) {
        if let (Some(before), Some(after)) = (&self.before, &self.after)
            && (Statistics { target: after.target, ..(**before).clone() }) == **after
        {
            let target = after.target.unwrap_or(-1);
            acc.step(Expand, Ddl::SetStatisticsTarget { name: after.name.clone(), target }, "until the next ANALYZE");
            return;
        }
        let group = format!("statistics:{}", self.object());
        let phase = if self.after.is_some() { Expand } else { Contract };
        if let Some(it) = &self.before {
            acc.grouped(
                phase,
                &group,
                Ddl::DropStatistics { name: it.name.clone(), if_exists: false },
                "waits only for other schema changes",
            );
        }
        if let Some(it) = &self.after {
            let create = Ddl::CreateStatistics { statistics: Box::new((**it).clone()), if_not_exists: false };
            acc.grouped(phase, &group, create, "waits only for other schema changes");
            if let Some(target) = it.target {
                acc.grouped(
                    phase,
                    &group,
                    Ddl::SetStatisticsTarget { name: it.name.clone(), target },
                    "until the next ANALYZE",
                );
            }
        }
    }
}
