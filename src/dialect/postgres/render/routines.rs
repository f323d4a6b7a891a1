//! Functions, procedures, triggers and policies.

use super::{
    constraints::deferral,
    parts::{self, data_type, dollar_quoted, idents, list, name, parenthesised, roles, when},
};
use crate::sql::{
    Argument, ArgumentMode, DataType, Ddl, Function, FunctionKind, Name, Policy, Trigger, TriggerEnabled, TriggerEvent,
    TriggerTiming, literal, quote,
};

pub(super) fn function(ddl: &Ddl) -> String {
    match ddl {
        Ddl::CreateFunction { function, or_replace } => create_function(function, *or_replace),
        Ddl::DropFunction { name, args, kind: of, if_exists, cascade } => {
            parts::drop(kind(*of), &signature(name, args.as_deref(), *of), *if_exists, *cascade)
        }
        Ddl::RenameFunction { name, args, kind: of, to } => {
            format!("ALTER {} {} RENAME TO {}", kind(*of), signature(name, args.as_deref(), *of), quote(to))
        }
        _ => String::new(),
    }
}

fn kind(kind: FunctionKind) -> &'static str {
    match kind {
        FunctionKind::Function => "FUNCTION",
        FunctionKind::Procedure => "PROCEDURE",
        FunctionKind::Aggregate => "AGGREGATE",
    }
}

/// `f(integer, text)`; without the arguments where the statement gave none.
pub(super) fn signature(function: &Name, args: Option<&[DataType]>, kind: FunctionKind) -> String {
    match args {
        None => name(function),
        Some([]) if kind == FunctionKind::Aggregate => format!("{}(*)", name(function)),
        Some(args) => format!("{}({})", name(function), list(args, data_type)),
    }
}

fn create_function(it: &Function, or_replace: bool) -> String {
    let args = list(&it.args, argument);
    let mut res = format!("CREATE {}{} {}({args})", when(or_replace, "OR REPLACE "), kind(it.kind), name(&it.name));
    if it.kind == FunctionKind::Aggregate {
        return format!("{res} {}", parenthesised(&it.body));
    }
    if let Some(returns) = &it.returns {
        res += &format!(" RETURNS {}", returns.text().trim());
    }
    res += &format!(" LANGUAGE {}", quote(&it.language));
    for (key, value) in &it.attributes {
        res += &format!(" {}", attribute(key, value));
    }
    let body = it.body.text();
    if it.sql_body {
        res + &format!(" {}", body.trim())
    } else if it.language.as_str() == "c" && body.trim_start().starts_with('\'') {
        res + &format!(" AS {body}")
    } else {
        res + &format!(" AS {}", dollar_quoted(body))
    }
}

fn argument(it: &Argument) -> String {
    let mode = match it.mode {
        ArgumentMode::In => "",
        ArgumentMode::Out => "OUT ",
        ArgumentMode::InOut => "INOUT ",
        ArgumentMode::Variadic => "VARIADIC ",
    };
    let named = it.name.as_ref().map(|it| format!("{} ", quote(it))).unwrap_or_default();
    let default = it.default.as_ref().map(|it| format!(" DEFAULT {}", it.text().trim())).unwrap_or_default();
    format!("{mode}{named}{}{default}", data_type(&it.ty))
}

fn attribute(key: &str, value: &str) -> String {
    match key {
        "volatility" | "strict" | "leakproof" | "window" => {
            if key == "volatility" {
                value.to_uppercase()
            } else {
                key.to_uppercase()
            }
        }
        "security" | "parallel" => format!("{} {}", key.to_uppercase(), value.to_uppercase()),
        "cost" | "rows" | "support" | "transform" => format!("{} {value}", key.to_uppercase()),
        _ => match key.strip_prefix("set ") {
            Some(parameter) if value.eq_ignore_ascii_case("from current") => format!("SET {parameter} FROM CURRENT"),
            Some(parameter) => format!("SET {parameter} TO {}", if value.is_empty() { "''" } else { value }),
            None => format!("{} {value}", key.to_uppercase()).trim_end().to_owned(),
        },
    }
}

pub(super) fn trigger(ddl: &Ddl) -> String {
    match ddl {
        Ddl::CreateTrigger { trigger, or_replace } => create_trigger(trigger, *or_replace),
        Ddl::EnableTrigger { table, trigger, enabled } => {
            let action = match enabled {
                TriggerEnabled::Origin => "ENABLE",
                TriggerEnabled::Disabled => "DISABLE",
                TriggerEnabled::Replica => "ENABLE REPLICA",
                TriggerEnabled::Always => "ENABLE ALWAYS",
            };
            let which = trigger.as_ref().map_or("ALL".to_owned(), |it| quote(it).into_owned());
            format!("ALTER TABLE {} {action} TRIGGER {which}", name(table))
        }
        Ddl::RenameTrigger { table, from, to } => {
            format!("ALTER TRIGGER {} ON {} RENAME TO {}", quote(from), name(table), quote(to))
        }
        Ddl::DropTrigger { table, name: trigger, if_exists, cascade } => {
            parts::drop("TRIGGER", &format!("{} ON {}", quote(trigger), name(table)), *if_exists, *cascade)
        }
        _ => String::new(),
    }
}

fn create_trigger(it: &Trigger, or_replace: bool) -> String {
    let timing = match it.timing {
        TriggerTiming::Before => "BEFORE",
        TriggerTiming::After => "AFTER",
        TriggerTiming::InsteadOf => "INSTEAD OF",
    };
    let events: Vec<String> = it.events.iter().map(event).collect();
    let kind = if it.constraint { "CONSTRAINT TRIGGER" } else { "TRIGGER" };
    let mut res = format!("CREATE {}{kind} {} {timing}", when(or_replace, "OR REPLACE "), quote(&it.name));
    res += &format!(" {} ON {}", events.join(" OR "), name(&it.table));
    if let Some(table) = &it.from_table {
        res += &format!(" FROM {}", name(table));
    }
    res += deferral(it.deferrable, it.initially_deferred);
    if it.old_table.is_some() || it.new_table.is_some() {
        res += " REFERENCING";
        res += &it.old_table.as_ref().map(|it| format!(" OLD TABLE AS {}", quote(it))).unwrap_or_default();
        res += &it.new_table.as_ref().map(|it| format!(" NEW TABLE AS {}", quote(it))).unwrap_or_default();
    }
    res += if it.for_each_row { " FOR EACH ROW" } else { " FOR EACH STATEMENT" };
    if let Some(condition) = &it.when {
        res += &format!(" WHEN {}", parenthesised(condition));
    }
    format!("{res} EXECUTE FUNCTION {}({})", name(&it.function), list(&it.args, |it| literal(it)))
}

fn event(it: &TriggerEvent) -> String {
    match it {
        TriggerEvent::Insert => "INSERT".to_owned(),
        TriggerEvent::Delete => "DELETE".to_owned(),
        TriggerEvent::Update(columns) if columns.is_empty() => "UPDATE".to_owned(),
        TriggerEvent::Update(columns) => format!("UPDATE OF {}", idents(columns)),
        TriggerEvent::Truncate => "TRUNCATE".to_owned(),
    }
}

pub(super) fn policy(ddl: &Ddl) -> String {
    let clauses = |using: &Option<crate::sql::Expr>, check: &Option<crate::sql::Expr>| {
        let using = using.as_ref().map(|it| format!(" USING {}", parenthesised(it))).unwrap_or_default();
        let check = check.as_ref().map(|it| format!(" WITH CHECK {}", parenthesised(it))).unwrap_or_default();
        using + &check
    };
    match ddl {
        Ddl::CreatePolicy { policy } => create_policy(policy) + &clauses(&policy.using, &policy.check),
        Ddl::AlterPolicy { table, name: policy, roles: to, using, check } => {
            let to = to.as_ref().map(|it| format!(" TO {}", roles(it))).unwrap_or_default();
            format!("ALTER POLICY {} ON {}{to}{}", quote(policy), name(table), clauses(using, check))
        }
        Ddl::RenamePolicy { table, from, to } => {
            format!("ALTER POLICY {} ON {} RENAME TO {}", quote(from), name(table), quote(to))
        }
        Ddl::DropPolicy { table, name: policy, if_exists, cascade } => {
            parts::drop("POLICY", &format!("{} ON {}", quote(policy), name(table)), *if_exists, *cascade)
        }
        _ => String::new(),
    }
}

fn create_policy(it: &Policy) -> String {
    let mut res = format!("CREATE POLICY {} ON {}", quote(&it.name), name(&it.table));
    res += when(!it.permissive, " AS RESTRICTIVE");
    if it.command != "ALL" {
        res += &format!(" FOR {}", it.command);
    }
    if it.roles.iter().any(|it| it.as_str() != "public") {
        res += &format!(" TO {}", roles(&it.roles));
    }
    res
}
