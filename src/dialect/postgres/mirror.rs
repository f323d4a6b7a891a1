//! The triggers that keep columns of one table equal to columns of another (playbook §4.14).
//!
//! Each side's AFTER trigger writes to the other what changed, and only where it differs: one hop, and it stops. A row of
//! the target is inserted with its source row locked first, so that everybody who makes a counterpart locks in the
//! same order. A row that is touched without a change fills an empty counterpart: that is how old rows are brought over.
//!
//! The functions run with the rights of their owner, as those who write one table need not have rights on the other, and
//! so with a `search_path` of their own (manual, CREATE FUNCTION, "Writing SECURITY DEFINER Functions Safely").

use std::collections::BTreeMap;

use super::{regroup, render, sync};
use crate::{
    plan::{Mirror, Moved, helper_name},
    sql::*,
};

/// A function and its triggers for the source, then for the target.
pub(super) fn triggers(it: &Mirror) -> Vec<Ddl> {
    let (source, target) = (function_name(it, &it.source), function_name(it, &it.target));
    let mut events = vec![TriggerEvent::Insert];
    if it.makes {
        events.push(TriggerEvent::Delete);
    }
    events.push(TriggerEvent::Update(Vec::new()));
    let all = vec![TriggerEvent::Insert, TriggerEvent::Delete, TriggerEvent::Update(Vec::new())];
    let after = TriggerTiming::After;
    vec![
        regroup::function(&source, &source_body(it), attributes(it)),
        regroup::row_trigger(after_name(&source), &it.source, after, events, &source),
        regroup::function(&target, &target_body(it), attributes(it)),
        regroup::row_trigger(
            before_name(&target),
            &it.target,
            TriggerTiming::Before,
            vec![TriggerEvent::Insert],
            &target,
        ),
        regroup::row_trigger(after_name(&target), &it.target, after, all, &target),
    ]
}

fn function_name(it: &Mirror, on: &Name) -> Name {
    let moved = it.columns.first().map_or("", |it| it.from.as_str());
    let other = if *on == it.source { &it.target } else { &it.source };
    on.sibling(helper_name("mc_move", &[on.name.as_str(), other.name.as_str(), moved]))
}

/// Sorts before `RI_ConstraintTrigger…`: counterparts are gone before a foreign key looks for them.
fn after_name(function: &Name) -> Ident {
    Ident::new(&format!("Mc_{}", function.name.as_str().trim_start_matches("mc_")))
}

fn before_name(function: &Name) -> Ident {
    Ident::new(&format!("zzz_{}", function.name))
}

fn attributes(it: &Mirror) -> BTreeMap<smol_str::SmolStr, smol_str::SmolStr> {
    let public = Ident::new("public");
    let mut schemas: Vec<&Ident> = Vec::new();
    for schema in [&it.source, &it.target].into_iter().map(|it| it.schema.as_ref().unwrap_or(&public)) {
        if !schemas.contains(&schema) {
            schemas.push(schema);
        }
    }
    let schemas: String = schemas.into_iter().map(|it| format!("{}, ", render::quote(it))).collect();
    BTreeMap::from([
        ("security".into(), "definer".into()),
        ("set search_path".into(), format!("pg_catalog, {schemas}pg_temp").into()),
    ])
}

fn column(row: &str, name: &Ident) -> String {
    format!("{row}.{}", render::quote(name))
}

/// The value for the target: the source's, or what stands for NULL.
fn up(row: &str, it: &Moved) -> String {
    let value = column(row, &it.from);
    it.filler.as_ref().map_or(value.clone(), |filler| format!("coalesce({value}, {filler})"))
}

/// Any column for which `one` says so.
fn any(it: &Mirror, one: impl Fn(&Moved) -> String) -> String {
    it.columns.iter().map(one).collect::<Vec<_>>().join(" OR ")
}

/// The row of the source holds something else than defaults.
fn given(it: &Mirror, row: &str) -> String {
    any(it, |one| {
        let default = one.from_default.as_ref().map_or("NULL", Expr::text);
        sync::distinct(&column(row, &one.from), default, &one.ty)
    })
}

/// The row of the target holds something else than defaults.
fn filled(it: &Mirror, row: &str) -> String {
    any(it, |one| match one.to_default.as_ref() {
        None => format!("{} IS NOT NULL", column(row, &one.to)),
        Some(default) => {
            let value = column(row, &one.to);
            format!("({value} IS NOT NULL AND {})", sync::distinct(&value, default.text(), &one.ty))
        }
    })
}

/// The rows of source and target do not hold the same.
fn differs(it: &Mirror, source: &str, target: &str) -> String {
    any(it, |one| sync::distinct(&column(target, &one.to), &up(source, one), &one.ty))
}

fn changed(it: &Mirror, of: impl Fn(&Moved) -> Ident, key: impl Fn(&(Ident, Ident)) -> Ident) -> String {
    let columns =
        it.columns.iter().map(|one| sync::distinct(&column("NEW", &of(one)), &column("OLD", &of(one)), &one.ty));
    let keys =
        it.key.iter().map(|one| format!("{} IS DISTINCT FROM {}", column("NEW", &key(one)), column("OLD", &key(one))));
    columns.chain(keys).collect::<Vec<_>>().join(" OR ")
}

/// Which rows belong together.
fn pair(it: &Mirror, source: &str, target: &str) -> String {
    let one = |(from, to): &(Ident, Ident)| format!("{} = {}", column(target, to), column(source, from));
    it.key.iter().map(one).collect::<Vec<_>>().join(" AND ")
}

fn assigned(it: &Mirror, one: impl Fn(&Moved) -> (Ident, String)) -> String {
    let set = it.columns.iter().map(one).map(|(name, value)| format!("{} = {value}", render::quote(&name)));
    set.collect::<Vec<_>>().join(", ")
}

fn source_body(it: &Mirror) -> String {
    let target = render::name(&it.target);
    let key = pair(it, "NEW", "g");
    let set = assigned(it, |one| (one.to.clone(), up("NEW", one)));
    let differs = differs(it, "NEW", "g");
    let changed = changed(it, |it| it.from.clone(), |it| it.0.clone());
    let delete = format!(
        "  IF TG_OP = 'DELETE' THEN
    DELETE FROM {target} AS g WHERE {};
    RETURN NULL;
  END IF;
",
        pair(it, "OLD", "g")
    );
    let columns: Vec<String> = it
        .key
        .iter()
        .map(|it| &it.1)
        .chain(it.columns.iter().map(|it| &it.to))
        .map(|it| render::quote(it).into_owned())
        .collect();
    let values: Vec<String> =
        it.key.iter().map(|it| column("NEW", &it.0)).chain(it.columns.iter().map(|one| up("NEW", one))).collect();
    let arbiter: Vec<String> = it.key.iter().map(|it| render::quote(&it.1).into_owned()).collect();
    let make = format!(
        "  IF ({}) AND NOT EXISTS (SELECT FROM {target} AS g WHERE {key}) THEN
    INSERT INTO {target} ({}) VALUES ({}) ON CONFLICT ({}) DO NOTHING;
  END IF;
",
        given(it, "NEW"),
        columns.join(", "),
        values.join(", "),
        arbiter.join(", "),
    );
    let (delete, make) = if it.makes { (delete, make) } else { (String::new(), String::new()) };
    format!(
        "
BEGIN
{delete}  IF TG_OP = 'INSERT' OR {changed} THEN
    UPDATE {target} AS g SET {set} WHERE {key} AND ({differs});
  ELSE
    UPDATE {target} AS g SET {set} WHERE {key} AND NOT ({}) AND ({differs});
  END IF;
{make}  RETURN NULL;
END
",
        filled(it, "g")
    )
}

fn target_body(it: &Mirror) -> String {
    let source = render::name(&it.source);
    let variable = |at: usize| format!("mc_{}", at + 1);
    let declare: String = it
        .columns
        .iter()
        .enumerate()
        .map(|(at, one)| format!("  {} {source}.{}%TYPE;\n", variable(at), render::quote(&one.from)))
        .collect();
    let selected: Vec<String> = it.columns.iter().map(|one| column("s", &one.from)).collect();
    let into: Vec<String> = (0..it.columns.len()).map(variable).collect();
    let source_given: Vec<String> = it
        .columns
        .iter()
        .enumerate()
        .map(|(at, one)| {
            let default = one.from_default.as_ref().map_or("NULL", Expr::text);
            sync::distinct(&variable(at), default, &one.ty)
        })
        .collect();
    let filler = |at: usize, one: &Moved| match &one.filler {
        Some(filler) => format!("coalesce({}, {filler})", variable(at)),
        None => variable(at),
    };
    let take: String = it
        .columns
        .iter()
        .enumerate()
        .map(|(at, one)| format!("      {} := {};\n", column("NEW", &one.to), filler(at, one)))
        .collect();
    let to_source = pair(it, "s", "NEW");
    let set = assigned(it, |one| (one.from.clone(), column("NEW", &one.to)));
    let reset = assigned(it, |one| (one.from.clone(), one.from_default.as_ref().map_or("NULL", Expr::text).to_owned()));
    let differs = differs(it, "s", "NEW");
    let changed = changed(it, |it| it.to.clone(), |it| it.1.clone());
    format!(
        "
DECLARE
{declare}BEGIN
  IF TG_WHEN = 'BEFORE' THEN
    SELECT {} INTO {} FROM {source} AS s WHERE {to_source} FOR NO KEY UPDATE;
    IF FOUND AND ({}) AND NOT ({}) THEN
{take}    END IF;
    RETURN NEW;
  END IF;
  IF TG_OP = 'DELETE' THEN
    UPDATE {source} AS s SET {reset} WHERE {} AND ({});
  ELSIF TG_OP = 'INSERT' OR {changed} THEN
    UPDATE {source} AS s SET {set} WHERE {to_source} AND ({differs});
  ELSE
    UPDATE {source} AS s SET {set} WHERE {to_source} AND NOT ({}) AND ({differs});
  END IF;
  RETURN NULL;
END
",
        selected.join(", "),
        into.join(", "),
        source_given.join(" OR "),
        filled(it, "NEW"),
        pair(it, "s", "OLD"),
        given(it, "s"),
        given(it, "s"),
    )
}

/// Rows of the source over alias `t` that bring their counterpart up to date when they are touched.
pub(super) fn unmirrored(it: &Mirror) -> String {
    let target = render::name(&it.target);
    let key = pair(it, "t", "g");
    let behind = format!(
        "EXISTS (SELECT FROM {target} AS g WHERE {key} AND NOT ({}) AND ({}))",
        filled(it, "g"),
        differs(it, "t", "g")
    );
    match it.makes {
        true => format!("{behind} OR ({}) AND NOT EXISTS (SELECT FROM {target} AS g WHERE {key})", given(it, "t")),
        false => behind,
    }
}

/// Rows of the target over alias `t` that bring their counterpart up to date when they are touched.
pub(super) fn unmirrored_back(it: &Mirror) -> String {
    format!(
        "EXISTS (SELECT FROM {} AS s WHERE {} AND NOT ({}) AND ({}))",
        render::name(&it.source),
        pair(it, "s", "t"),
        given(it, "s"),
        differs(it, "s", "t")
    )
}

/// A query for the number of rows of the source, with some keys, whose counterpart is missing or holds something else.
pub(super) fn out_of_step(it: &Mirror) -> String {
    let target = render::name(&it.target);
    let key = pair(it, "t", "g");
    keys_of(
        it,
        &format!(
            "({}) AND NOT EXISTS (SELECT FROM {target} AS g WHERE {key}) OR EXISTS (SELECT FROM {target} AS g WHERE {key} AND ({}))",
            given(it, "t"),
            differs(it, "t", "g")
        ),
    )
}

/// The same for rows that have no counterpart at all.
pub(super) fn unmatched(it: &Mirror) -> String {
    let key = pair(it, "t", "g");
    keys_of(
        it,
        &format!("({}) AND NOT EXISTS (SELECT FROM {} AS g WHERE {key})", given(it, "t"), render::name(&it.target)),
    )
}

fn keys_of(it: &Mirror, condition: &str) -> String {
    let key: Vec<String> = it.key.iter().map(|(from, _)| column("t", from)).collect();
    regroup::sampled(&format!(
        "SELECT concat_ws('/', {}) AS sample, row_number() OVER () AS n FROM {} AS t WHERE {condition}",
        key.join(", "),
        render::name(&it.source)
    ))
}
