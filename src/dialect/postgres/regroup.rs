//! The dual-write trigger of a split or merge (playbook §4.13): columns of one row that say the same in two shapes.
//!
//! As in [`sync`], the side that changed wins, the new one if both did. A row whose new columns are all empty has not
//! been filled yet: new code that writes one of them gets the others from the old columns first, else they would be lost.
//! A row whose old columns are all empty is one that is on the way back.

use std::collections::BTreeMap;

use super::{expr, render, sync};
use crate::{
    plan::{Piece, Regroup, helper_name},
    sql::{tokens::qualify_columns, *},
};

/// The function, then the trigger; to be created in one transaction.
pub(super) fn triggers(it: &Regroup) -> Vec<Ddl> {
    let name = function_name(it);
    vec![
        function(&name, &body(it), BTreeMap::new()),
        row_trigger(
            Ident::new(&format!("zzz_{}", name.name)),
            &it.table,
            TriggerTiming::Before,
            vec![TriggerEvent::Insert, TriggerEvent::Update(Vec::new())],
            &name,
        ),
    ]
}

/// A trigger function.
pub(super) fn function(name: &Name, body: &str, attributes: BTreeMap<smol_str::SmolStr, smol_str::SmolStr>) -> Ddl {
    let function = Function {
        name: name.clone(),
        kind: FunctionKind::Function,
        args: Vec::new(),
        returns: Some(Expr::new("trigger", "trigger")),
        language: Ident::new("plpgsql"),
        body: expr::query(body),
        sql_body: false,
        attributes,
        owner: None,
    };
    Ddl::CreateFunction { function: Box::new(function), or_replace: false }
}

/// A trigger for each row.
pub(super) fn row_trigger(
    name: Ident,
    table: &Name,
    timing: TriggerTiming,
    events: Vec<TriggerEvent>,
    function: &Name,
) -> Ddl {
    let trigger = Trigger {
        name,
        table: table.clone(),
        timing,
        events,
        for_each_row: true,
        when: None,
        function: function.clone(),
        args: Vec::new(),
        constraint: false,
        deferrable: false,
        initially_deferred: false,
        from_table: None,
        old_table: None,
        new_table: None,
        enabled: TriggerEnabled::Origin,
    };
    Ddl::CreateTrigger { trigger: Box::new(trigger), or_replace: false }
}

fn function_name(it: &Regroup) -> Name {
    let mut parts = vec![it.table.name.as_str()];
    parts.extend(it.old.iter().chain(&it.new).map(|it| it.column.as_str()));
    it.table.sibling(helper_name("mc_sync", &parts))
}

fn body(it: &Regroup) -> String {
    let of = |row: &str, piece: &Piece| format!("{row}.{}", render::quote(&piece.column));
    let set = |side: &[Piece], others: &[Ident], indent: &str| -> String {
        let line = |piece: &Piece| {
            format!("{indent}{} := {};\n", of("NEW", piece), qualify_columns(&piece.value, others, "NEW"))
        };
        side.iter().map(line).collect()
    };
    let any = |side: &[Piece], other: &dyn Fn(&Piece) -> String| -> String {
        let one = |piece: &Piece| sync::distinct(&of("NEW", piece), &other(piece), &piece.ty);
        side.iter().map(one).collect::<Vec<_>>().join(" OR ")
    };
    let empty = |row: &str, side: &[Piece]| -> String {
        side.iter().map(|piece| format!("{} IS NULL", of(row, piece))).collect::<Vec<_>>().join(" AND ")
    };
    let (olds, news) = (it.old_columns(), it.new_columns());
    let given = any(&it.new, &|piece| piece.default.as_ref().map_or("NULL", Expr::text).to_owned());
    let new_changed = any(&it.new, &|piece| of("OLD", piece));
    let old_changed = any(&it.old, &|piece| of("OLD", piece));
    let untouched: String = it
        .new
        .iter()
        .map(|piece| {
            let same = sync::distinct(&of("NEW", piece), &of("OLD", piece), &piece.ty);
            let value = qualify_columns(&piece.value, &olds, "OLD");
            format!("      IF NOT ({same}) THEN\n        {} := {value};\n      END IF;\n", of("NEW", piece))
        })
        .collect();
    format!(
        "
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF {given} THEN
{}    ELSE
{}    END IF;
  ELSIF {new_changed} THEN
    IF {} THEN
{untouched}    END IF;
{}  ELSIF {old_changed} THEN
{}  ELSIF {} THEN
{}  ELSIF {} THEN
{}  END IF;
  RETURN NEW;
END
",
        set(&it.old, &news, "      "),
        set(&it.new, &olds, "      "),
        empty("OLD", &it.new),
        set(&it.old, &news, "    "),
        set(&it.new, &olds, "    "),
        empty("NEW", &it.new),
        set(&it.new, &olds, "    "),
        empty("NEW", &it.old),
        set(&it.old, &news, "    "),
    )
}

/// Rows over alias `t` whose new columns (`back`: whose old ones) the trigger fills when they are touched.
pub(super) fn unfilled(it: &Regroup, back: bool) -> String {
    let (side, others) = if back { (&it.old, it.new_columns()) } else { (&it.new, it.old_columns()) };
    let empty = side.iter().map(|piece| format!("t.{} IS NULL", render::quote(&piece.column)));
    let has = side.iter().map(|piece| format!("({}) IS NOT NULL", qualify_columns(&piece.value, &others, "t")));
    format!("{} AND ({})", empty.collect::<Vec<_>>().join(" AND "), has.collect::<Vec<_>>().join(" OR "))
}

/// `t.a IS DISTINCT FROM (its value from the other side)`, for any column of a side.
fn differs(side: &[Piece], others: &[Ident]) -> String {
    let one = |piece: &Piece| {
        let value = qualify_columns(&piece.value, others, "t");
        sync::distinct(&format!("t.{}", render::quote(&piece.column)), &format!("({value})"), &piece.ty)
    };
    side.iter().map(one).collect::<Vec<_>>().join(" OR ")
}

/// A query for the number of rows of which neither side is made from the other.
pub(super) fn out_of_step(it: &Regroup) -> String {
    format!(
        "SELECT count(*) FROM {} AS t WHERE ({}) AND ({})",
        render::name(&it.table),
        differs(&it.new, &it.old_columns()),
        differs(&it.old, &it.new_columns()),
    )
}

/// A query for the number of rows, with some of them, whose old columns are not what the new ones make of them.
pub(super) fn losing(it: &Regroup, ahead: bool) -> String {
    let olds = it.old_columns();
    let own = it.old.iter().map(|piece| format!("t.{}", render::quote(&piece.column)));
    let new = it.new.iter().map(|piece| {
        let name = render::quote(&piece.column);
        if ahead { format!("({}) AS {name}", qualify_columns(&piece.value, &olds, "t")) } else { format!("t.{name}") }
    });
    let columns: Vec<String> = own.chain(new).collect();
    let shown = it.old.iter().map(|piece| format!("to_json(t.{})::text", render::quote(&piece.column)));
    let sample = format!("concat_ws(' and ', {})", shown.collect::<Vec<_>>().join(", "));
    let rows = format!(
        "SELECT {sample} AS sample, row_number() OVER () AS n FROM (SELECT {} FROM {} AS t) AS t WHERE {}",
        columns.join(", "),
        render::name(&it.table),
        differs(&it.old, &it.new_columns()),
    );
    sampled(&rows)
}

/// Turns rows of (sample, n) into `0`, or their number and some samples.
pub(super) fn sampled(rows: &str) -> String {
    format!(
        "SELECT count(*) || coalesce(', such as ' || string_agg(sample, ', ') FILTER (WHERE n <= 5), '') FROM ({rows}) AS r"
    )
}
