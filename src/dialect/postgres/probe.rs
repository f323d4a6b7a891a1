//! Read-only queries for pre-flight and verification (playbook: preflight.sql Q1–Q25, verify.sql V1–V12).

use super::{backfill, fact, mirror, regroup, render, sync};
use crate::{
    dialect::Probe,
    plan::{Check, Mirror, Sync},
    sql::{ForeignKey, Ident, Name, ObjectRef},
};

pub(super) fn check(probe: &Probe) -> Check {
    match probe {
        Probe::Nulls { table, column } => none(
            format!("SELECT count(*) FROM {} WHERE {} IS NULL", render::name(table), render::quote(column)),
            format!("no row has {table}.{column} empty"),
        ),
        Probe::OutOfSync { sync } => none(
            format!("SELECT count(*) FROM {} AS t WHERE {}", render::name(&sync.table), backfill::out_of_sync(sync)),
            format!("every row holds the same in {} and {}", sync.old, sync.new),
        ),
        Probe::Pending { backfill } => none(
            format!("SELECT count(*) FROM {} AS t WHERE {}", render::name(&backfill.table), backfill.pending),
            match backfill.fills.as_slice() {
                [] => format!("no row of {} is left to bring over", backfill.table),
                fills => format!("no row of {} is left to fill ({})", backfill.table, list(fills, "")),
            },
        ),
        Probe::Violations { table, check } => none(
            format!("SELECT count(*) FROM {} WHERE NOT ({})", render::name(table), check.text()),
            format!("no row of {table} breaks the check"),
        ),
        Probe::Strays { table, check, partition } => none(
            format!("SELECT count(*) FROM {} WHERE NOT ({})", render::name(table), check.text()),
            format!(
                "no row of {table} belongs to {partition} (rows that do have to be moved out first: the server refuses the partition while they are there)"
            ),
        ),
        Probe::Duplicates { table, columns, predicate, nulls_not_distinct } => {
            duplicates(table, columns, predicate.as_ref().map(|it| it.text()), *nulls_not_distinct)
        }
        Probe::Orphans { table, foreign_key } => orphans(table, foreign_key),
        Probe::LossyValues { table, column, up, down } => {
            let value = backfill::qualified(column);
            let back = down.replace("{}", &format!("({})", up.replace("{}", &value)));
            none(
                format!(
                    "SELECT count(*) FROM {} AS t WHERE ({back})::text IS DISTINCT FROM ({value})::text",
                    render::name(table)
                ),
                format!("every value of {table}.{column} survives the way there and back"),
            )
        }
        Probe::Regrouped(it) => none(
            regroup::out_of_step(it),
            format!(
                "{} and {} say the same in every row of {}",
                shown(&it.old_columns()),
                shown(&it.new_columns()),
                it.table
            ),
        ),
        Probe::RegroupLoses { regroup: it, ahead } => none(
            regroup::losing(it, *ahead),
            format!(
                "{} of every row of {} can be made again from {}",
                shown(&it.old_columns()),
                it.table,
                shown(&it.new_columns())
            ),
        ),
        Probe::Mirrored(it) => none(
            mirror::out_of_step(it),
            format!("every row of {} that holds {} has a row of {} with the same", it.source, moved(it), it.target),
        ),
        Probe::Unmatched(it) => none(
            mirror::unmatched(it),
            format!("every row of {} that holds {} has a row of {}", it.source, moved(it), it.target),
        ),
        Probe::TriggerEnabled { table, name } => yes(
            format!(
                "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = to_regclass({}) AND tgname = {} AND tgenabled IN ('O', 'A'))",
                regclass(table),
                literal(name)
            ),
            format!("trigger {name} on {table} is enabled"),
        ),
        Probe::Labels { table, column, labels, array } => {
            let value = render::quote(column);
            let list: Vec<String> = labels.iter().map(|it| render::literal(it)).collect();
            let list = list.join(", ");
            let holds = match array {
                true => format!("{value}::text[] && ARRAY[{list}]"),
                false => format!("{value}::text IN ({list})"),
            };
            none(
                format!("SELECT count(*) FROM {} WHERE {holds}", render::name(table)),
                format!("no row of {table} holds {list} in {column}"),
            )
        }
        Probe::Exists(object) => exists(object, true),
        Probe::Gone(object) => exists(object, false),
        Probe::IndexValid(index) => yes(
            format!(
                "SELECT coalesce(bool_and(indisvalid AND indisready), false) FROM pg_index WHERE indexrelid = to_regclass({})",
                regclass(index)
            ),
            format!("index {index} is valid"),
        ),
        Probe::NoInvalidIndex(index) => yes(
            format!(
                "SELECT NOT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass({}) AND NOT indisvalid)",
                regclass(index)
            ),
            format!("no invalid index {index} is left from an earlier try"),
        ),
        Probe::ConstraintValid { table, name } => yes(
            format!(
                "SELECT EXISTS (SELECT FROM pg_constraint WHERE conrelid = to_regclass({}) AND conname = {} AND convalidated)",
                regclass(table),
                literal(name)
            ),
            format!("{name} holds for every row of {table}"),
        ),
        Probe::NotNull { table, column, expect } => Check {
            sql: format!(
                "SELECT attnotnull FROM pg_attribute WHERE attrelid = to_regclass({}) AND attname = {} AND NOT attisdropped",
                regclass(table),
                literal(column)
            ),
            expect: if *expect { "t" } else { "f" }.into(),
            why: format!("{table}.{column} is {}", if *expect { "NOT NULL" } else { "nullable" }),
        },
        Probe::SyncTrigger { sync } => sync_trigger(sync),
        Probe::Empty(table) => {
            yes(format!("SELECT NOT EXISTS (SELECT FROM {})", render::name(table)), format!("{table} has no rows"))
        }
        Probe::LongTransactions(table) => none(
            format!(
                "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.relation = to_regclass({}) \
                 AND a.pid <> pg_backend_pid() AND a.xact_start < now() - interval '5 minutes'",
                regclass(table)
            ),
            format!("no transaction older than five minutes holds {table}"),
        ),
    }
}

/// CREATE INDEX CONCURRENTLY that fails leaves an invalid index, and IF NOT EXISTS is content with it.
pub(super) fn drop_if_invalid(index: &Name) -> String {
    format!(
        "DO $mc$ BEGIN IF EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass({}) AND NOT indisvalid) THEN DROP INDEX {}; END IF; END $mc$",
        regclass(index),
        render::name(index)
    )
}

fn none(sql: String, why: String) -> Check {
    Check { sql, expect: "0".into(), why }
}

fn yes(sql: String, why: String) -> Check {
    Check { sql, expect: "t".into(), why }
}

/// The relation's name as a string literal for `to_regclass`, always with its schema.
pub(super) fn regclass(name: &Name) -> String {
    let schema = name.schema.clone().unwrap_or_else(|| Ident::new("public"));
    render::literal(&format!("{}.{}", render::quote(&schema), render::quote(&name.name)))
}

fn literal(ident: &Ident) -> String {
    render::literal(ident.as_str())
}

fn list(columns: &[Ident], prefix: &str) -> String {
    columns.iter().map(|it| format!("{prefix}{}", render::quote(it))).collect::<Vec<_>>().join(", ")
}

fn shown(columns: &[Ident]) -> String {
    columns.iter().map(Ident::to_string).collect::<Vec<_>>().join(" and ")
}

fn moved(it: &Mirror) -> String {
    it.columns.iter().map(|it| it.from.to_string()).collect::<Vec<_>>().join(" or ")
}

fn duplicates(table: &Name, columns: &[Ident], predicate: Option<&str>, nulls_not_distinct: bool) -> Check {
    let mut conditions: Vec<String> = predicate.iter().map(|it| format!("({it})")).collect();
    if !nulls_not_distinct {
        conditions.extend(columns.iter().map(|it| format!("{} IS NOT NULL", render::quote(it))));
    }
    let filter = if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
    let columns_list = list(columns, "");
    none(
        format!(
            "SELECT count(*) FROM (SELECT FROM {}{filter} GROUP BY {columns_list} HAVING count(*) > 1) AS d",
            render::name(table)
        ),
        format!("no two rows of {table} share {columns_list}"),
    )
}

fn orphans(table: &Name, fk: &ForeignKey) -> Check {
    let join: Vec<String> = fk
        .columns
        .iter()
        .zip(&fk.referenced_columns)
        .map(|(from, to)| format!("p.{} = t.{}", render::quote(to), render::quote(from)))
        .collect();
    let given: Vec<String> = fk.columns.iter().map(|it| format!("t.{} IS NOT NULL", render::quote(it))).collect();
    none(
        format!(
            "SELECT count(*) FROM {} AS t WHERE {} AND NOT EXISTS (SELECT FROM {} AS p WHERE {})",
            render::name(table),
            given.join(" AND "),
            render::name(&fk.references),
            join.join(" AND ")
        ),
        format!("every {} of {table} points at a row of {}", list(&fk.columns, ""), fk.references),
    )
}

fn sync_trigger(it: &Sync) -> Check {
    let name = sync::trigger_name(it);
    yes(
        format!(
            "SELECT EXISTS (SELECT FROM pg_trigger t WHERE tgrelid = to_regclass({0}) AND tgname = {1} AND tgenabled IN ('O', 'A') \
             AND NOT EXISTS (SELECT FROM pg_trigger o WHERE o.tgrelid = t.tgrelid AND NOT o.tgisinternal AND o.tgtype & 3 = 3 \
             AND o.tgname::text COLLATE \"C\" > t.tgname::text COLLATE \"C\" AND o.tgname NOT LIKE 'zzz\\_mc\\_%'))",
            regclass(&it.table),
            literal(&name)
        ),
        format!("trigger {name} is enabled and fires last"),
    )
}

fn exists(object: &ObjectRef, there: bool) -> Check {
    // Kinds without a one-line catalog look-up are proven by the shadow run, not by a probe.
    let Some(found) = fact::found(object) else {
        return yes("SELECT true".into(), format!("{object} needs no query of its own"));
    };
    let (sql, state) =
        if there { (format!("SELECT {found}"), "is there") } else { (format!("SELECT NOT {found}"), "is gone") };
    yes(sql, format!("{object} {state}"))
}
