//! The dual-write trigger (playbook §2.2): two columns of one row stay equal while old and new code both write.
//!
//! A BEFORE trigger that compares with OLD, so that the last writer wins whichever column it wrote, NULL included.
//! It must run last (PostgreSQL fires triggers in byte order of their names, manual 39.1), hence `zzz_`.

use std::collections::BTreeMap;

use super::{expr, render};
use crate::{
    plan::{Direction, Sync, helper_name},
    sql::*,
};

/// The function, then the trigger; to be created in one transaction.
pub(super) fn sync(sync: &Sync) -> Vec<Ddl> {
    let function = Function {
        name: function_name(sync),
        kind: FunctionKind::Function,
        args: Vec::new(),
        returns: Some(Expr::new("trigger", "trigger")),
        language: Ident::new("plpgsql"),
        body: expr::query(&body(sync)),
        sql_body: false,
        attributes: BTreeMap::new(),
        owner: None,
    };
    let trigger = Trigger {
        name: trigger_name(sync),
        table: sync.table.clone(),
        timing: TriggerTiming::Before,
        events: vec![TriggerEvent::Insert, TriggerEvent::Update(Vec::new())],
        for_each_row: true,
        when: None,
        function: function.name.clone(),
        args: Vec::new(),
        constraint: false,
        deferrable: false,
        initially_deferred: false,
        from_table: None,
        old_table: None,
        new_table: None,
        enabled: TriggerEnabled::Origin,
    };
    vec![
        Ddl::CreateFunction { function: Box::new(function), or_replace: false },
        Ddl::CreateTrigger { trigger: Box::new(trigger), or_replace: false },
    ]
}

/// `mc_sync_…` in the schema of the table.
pub(super) fn function_name(sync: &Sync) -> Name {
    let parts = [sync.table.name.as_str(), sync.old.as_str(), sync.new.as_str()];
    sync.table.sibling(helper_name("mc_sync", &parts))
}

/// `zzz_mc_sync_…`.
pub(super) fn trigger_name(sync: &Sync) -> Ident {
    Ident::new(&format!("zzz_{}", function_name(sync).name))
}

fn body(sync: &Sync) -> String {
    let old = render::quote(&sync.old);
    let new = render::quote(&sync.new);
    let up = sync.up.replace("{}", &format!("NEW.{old}"));
    let down = sync.down.replace("{}", &format!("NEW.{new}"));
    match sync.direction {
        Direction::OldToNew => return format!("\nBEGIN\n  NEW.{new} := {up};\n  RETURN NEW;\nEND\n"),
        Direction::NewToOld => return format!("\nBEGIN\n  NEW.{old} := {down};\n  RETURN NEW;\nEND\n"),
        Direction::Both => {}
    }
    let default = sync.default_new.as_ref().map_or("NULL", Expr::text);
    let new_given = distinct(&format!("NEW.{new}"), default, &sync.new_type);
    let new_changed = distinct(&format!("NEW.{new}"), &format!("OLD.{new}"), &sync.new_type);
    let old_changed = distinct(&format!("NEW.{old}"), &format!("OLD.{old}"), &sync.old_type);
    format!(
        "
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF {new_given} THEN
      NEW.{old} := {down};
    ELSE
      NEW.{new} := {up};
    END IF;
  ELSIF {new_changed} THEN
    NEW.{old} := {down};
  ELSIF {old_changed} THEN
    NEW.{new} := {up};
  ELSIF NEW.{new} IS NULL AND NEW.{old} IS NOT NULL THEN
    NEW.{new} := {up};
  END IF;
  RETURN NEW;
END
"
    )
}

/// `a IS DISTINCT FROM b`; by text for types that have no equality operator.
pub(super) fn distinct(a: &str, b: &str, ty: &DataType) -> String {
    let by_text =
        matches!(ty.name.as_str(), "json" | "xml" | "point" | "polygon" | "path" | "line" | "lseg" | "box" | "circle");
    if by_text { format!("({a})::text IS DISTINCT FROM ({b})::text") } else { format!("{a} IS DISTINCT FROM {b}") }
}
