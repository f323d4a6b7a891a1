//! Makes what stands beside and on tables.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    dice::Dice,
    make::{COMMENTS, ROLES, check, edit_table, name, ordered_columns, push},
    world::*,
};

pub fn schema(world: &mut World, dice: &mut Dice) {
    let (id, name) = name(world, dice, "s");
    push(world, dice, id, name, Kind::Schema);
}

pub fn extension(world: &mut World, dice: &mut Dice) {
    let name = dice.one(&["hstore", "citext", "pg_trgm", "btree_gist"]);
    if !world.objects.iter().any(|it| it.name == name) {
        let id = world.fresh();
        push(world, dice, id, name.into(), Kind::Extension);
    }
}

pub fn any_type(world: &mut World, dice: &mut Dice) {
    let (id, name) = name(world, dice, "ty");
    let kind = match dice.below(4) {
        0 | 1 => Kind::Enum((0..2 + dice.below(3)).map(|it| label(id, it)).collect()),
        2 => {
            let base = dice.one(&["integer", "text"]);
            let default = dice.once_in(3).then(|| if base == "text" { "'d'" } else { "5" });
            let mut checks = Vec::new();
            if dice.once_in(2) {
                let check = domain_check(base, dice);
                checks.push((world.fresh(), check));
            }
            Kind::Domain { base, default, not_null: dice.once_in(8), checks }
        }
        _ => {
            let list = (0..1 + dice.below(3)).map(|_| attribute(world, dice)).collect();
            Kind::Composite(list)
        }
    };
    push(world, dice, id, name, kind);
}

pub fn domain_check(base: &str, dice: &mut Dice) -> String {
    match base {
        "text" => dice.one(&["VALUE <> ''", "length(VALUE) < 999"]),
        _ => dice.one(&["VALUE > -10", "VALUE <> 99999"]),
    }
    .into()
}

pub fn label(id: Id, at: usize) -> String {
    match at {
        2 => format!("label's {id}"),
        _ => format!("l{id}_{at}"),
    }
}

pub fn attribute(world: &mut World, dice: &mut Dice) -> (Id, String, String) {
    let (id, name) = name(world, dice, "a");
    (id, name, dice.one(&["integer", "text", "boolean", "numeric(10,2)"]).into())
}

pub fn sequence(world: &mut World, dice: &mut Dice) {
    let (id, name) = name(world, dice, "sq");
    let mut options = BTreeMap::new();
    for _ in 0..dice.below(3) {
        let (key, value) = sequence_option(dice);
        options.insert(key, value);
    }
    push(world, dice, id, name, Kind::Sequence { options, owner: None });
}

pub fn sequence_option(dice: &mut Dice) -> (&'static str, &'static str) {
    dice.one(&[
        ("INCREMENT BY ", "2"),
        ("INCREMENT BY ", "5"),
        ("MINVALUE ", "-10"),
        ("MAXVALUE ", "100000"),
        ("START WITH ", "7"),
        ("CACHE ", "20"),
        ("CYCLE", ""),
        ("AS ", "integer"),
    ])
}

/// `immutable`: of one integer, for expressions of tables; else anything.
pub fn function(world: &mut World, dice: &mut Dice, immutable: bool) {
    let (id, name) = name(world, dice, "f");
    let mut attributes = BTreeSet::new();
    for it in ["STRICT", "SECURITY DEFINER", "PARALLEL SAFE", "COST 10", "SET search_path = public"] {
        if dice.once_in(8) {
            attributes.insert(it);
        }
    }
    let tables: Vec<Id> = world.tables().map(|it| it.0.id).collect();
    let function = if immutable {
        attributes.insert("IMMUTABLE");
        Function {
            args: vec![("i".into(), "integer".into(), None)],
            returns: Some("integer".into()),
            language: "plpgsql",
            body: "BEGIN RETURN i + 1; END".into(),
            attributes,
        }
    } else {
        let args = match dice.below(3) {
            0 => vec![],
            1 => vec![("a".into(), "text".into(), None)],
            _ => vec![("a".into(), "integer".into(), None), ("b".into(), "text".into(), Some("'x'"))],
        };
        match (dice.below(5), dice.pick(&tables)) {
            (0, Some(table)) => Function {
                args,
                returns: Some("bigint".into()),
                language: "sql",
                body: format!("SELECT count(*) FROM {{o{table}}}"),
                attributes,
            },
            (1, Some(table)) => Function {
                args,
                returns: Some(format!("SETOF {{o{table}}}")),
                language: "sql",
                body: format!("SELECT * FROM {{o{table}}}"),
                attributes,
            },
            (2, _) => Function {
                args,
                returns: None,
                language: "plpgsql",
                body: "BEGIN RAISE NOTICE 'done'; END".into(),
                attributes: attributes.into_iter().filter(|it| it.starts_with("SE")).collect(),
            },
            (3, _) => Function {
                args,
                returns: Some("TABLE (x integer, y text)".into()),
                language: "plpgsql",
                body: "BEGIN RETURN QUERY SELECT 1, 'a'::text; END".into(),
                attributes,
            },
            _ => Function {
                args,
                returns: Some("text".into()),
                language: "sql",
                body: "SELECT 'x'::text".into(),
                attributes,
            },
        }
    };
    push(world, dice, id, name, Kind::Function(function));
}

fn pick_table(world: &World, dice: &mut Dice) -> Option<Id> {
    let tables: Vec<Id> = world.tables().map(|it| it.0.id).collect();
    dice.pick(&tables)
}

pub fn index(world: &mut World, dice: &mut Dice) {
    let Some(table) = pick_table(world, dice) else { return };
    let (id, name) = name(world, dice, "ix");
    let columns = ordered_columns(world, table);
    let partitioned = world.table(table).is_some_and(|it| it.partition_by.is_some());
    let jsonb = world.columns_of(table).iter().find(|it| it.ty == "jsonb").map(|it| it.id);
    let index = match (jsonb, dice.below(5)) {
        (Some(column), 0..=1) => Index {
            method: "gin",
            keys: vec![format!("{{c{column}}}{}", dice.one(&["", " jsonb_path_ops"]))],
            ..plain_index(table)
        },
        _ => {
            let Some(first) = dice.pick(&columns) else { return };
            let mut keys = vec![index_key(world, dice, table, first)];
            if dice.once_in(3) {
                keys.extend(dice.pick(&columns).filter(|it| *it != first).map(|it| index_key(world, dice, table, it)));
            }
            let unique = !partitioned && dice.once_in(5);
            let include = if dice.once_in(6) { dice.pick(&columns).into_iter().collect() } else { vec![] };
            let predicate = if dice.once_in(5) { check(world, dice, table) } else { None };
            let options = dice.once_in(8).then_some("fillfactor = 80");
            let nulls_not_distinct = unique && world.version >= 15 && dice.once_in(4);
            Index { unique, keys, include, predicate, options, nulls_not_distinct, ..plain_index(table) }
        }
    };
    push(world, dice, id, name, Kind::Index(index));
}

fn plain_index(table: Id) -> Index {
    Index {
        table,
        unique: false,
        method: "btree",
        keys: Vec::new(),
        include: Vec::new(),
        nulls_not_distinct: false,
        predicate: None,
        options: None,
    }
}

fn index_key(world: &World, dice: &mut Dice, table: Id, column: Id) -> String {
    let columns = world.columns_of(table);
    let ty = columns.iter().find(|it| it.id == column).map_or("", |it| it.ty.as_str());
    let own = format!("{{c{column}}}");
    let key = match (ty, dice.below(6)) {
        ("text", 0) => format!("lower({own})"),
        ("text", 1) => format!("{own} text_pattern_ops"),
        ("text", 2) => format!("{own} COLLATE \"C\""),
        ("integer", 0) => format!("({own} + 1)"),
        ("integer", 1) => format!("abs({own})"),
        ("timestamp without time zone", 0) => format!("date({own})"),
        _ => own,
    };
    key + dice.one(&["", "", "", " DESC", " DESC NULLS LAST", " NULLS FIRST"])
}

pub fn view(world: &mut World, dice: &mut Dice) {
    let relations: Vec<(Id, Vec<Id>)> = world
        .objects
        .iter()
        .filter_map(|it| match &it.kind {
            Kind::Table(_) => Some((it.id, world.columns_of(it.id).iter().map(|it| it.id).collect())),
            Kind::View(view) => Some((it.id, view.items.iter().map(|it| it.0).collect())),
            _ => None,
        })
        .collect();
    let Some((relation, columns)) = dice.pick(&relations) else { return };
    let (id, name) = name(world, dice, "v");
    let materialized = dice.once_in(4);
    let mut items = Vec::new();
    let mut tail = "";
    let (mut from, mut filter) = (format!("{{o{relation}}} a"), None);
    match dice.below(5) {
        0 => {
            items.push((world.fresh(), "count(*)".to_owned(), "n".to_owned()));
            if let Some(column) = dice.pick(&columns) {
                filter = Some(format!("a.{{c{column}}} IS NOT NULL"));
            }
        }
        1 if relations.len() > 1 => {
            let Some((other, theirs)) = dice.pick(&relations) else { return };
            from += &format!(" CROSS JOIN {{o{other}}} b");
            for (alias, list) in [("a", &columns), ("b", &theirs)] {
                for column in dice.some(list) {
                    let id = world.fresh();
                    items.push((id, format!("{alias}.{{c{column}}}"), format!("o{id}")));
                }
            }
        }
        _ => {
            for column in dice.some(&columns) {
                let id = world.fresh();
                items.push((id, format!("a.{{c{column}}}"), format!("o{id}")));
            }
            filter = dice.pick(&columns).filter(|_| dice.once_in(2)).map(|it| format!("a.{{c{it}}} IS NOT NULL"));
            tail = if dice.once_in(6) { " LIMIT 10" } else { "" };
        }
    }
    let options = (!materialized && dice.once_in(8)).then_some("security_barrier = true");
    push(world, dice, id, name, Kind::View(View { materialized, items, from, filter, tail, options }));
}

pub fn trigger(world: &mut World, dice: &mut Dice) {
    let Some(table) = pick_table(world, dice) else { return };
    let functions: Vec<Id> = world
        .objects
        .iter()
        .filter(|it| matches!(&it.kind, Kind::Function(it) if it.returns.as_deref() == Some("trigger")))
        .map(|it| it.id)
        .collect();
    let function = match dice.pick(&functions).filter(|_| dice.once_in(2)) {
        Some(it) => it,
        None => {
            let (id, name) = name(world, dice, "tf");
            let function = Function {
                args: vec![],
                returns: Some("trigger".into()),
                language: "plpgsql",
                body: "BEGIN RETURN NEW; END".into(),
                attributes: BTreeSet::new(),
            };
            push(world, dice, id, name, Kind::Function(function))
        }
    };
    let (id, name) = name(world, dice, "tr");
    let trigger = trigger_on(world, dice, table, function);
    push(world, dice, id, name, Kind::Trigger(trigger));
}

pub fn trigger_on(world: &World, dice: &mut Dice, table: Id, function: Id) -> Trigger {
    let columns: Vec<Id> = world.columns_of(table).iter().filter(|it| it.generated.is_none()).map(|it| it.id).collect();
    let events: BTreeSet<_> = dice.some(&["INSERT", "UPDATE"]).into_iter().collect();
    let row = !dice.once_in(4);
    let of = if dice.once_in(3) { dice.some(&columns) } else { vec![] };
    let when = dice.pick(&columns).filter(|_| row && dice.once_in(3)).map(|it| format!("NEW.{{c{it}}} IS NOT NULL"));
    Trigger {
        table,
        function,
        timing: dice.one(&["BEFORE", "AFTER"]),
        events,
        of,
        row,
        when,
        disabled: dice.once_in(10),
    }
}

pub fn policy(world: &mut World, dice: &mut Dice) {
    let Some(table) = pick_table(world, dice) else { return };
    let (id, name) = name(world, dice, "po");
    let columns: Vec<Id> = world.columns_of(table).iter().map(|it| it.id).collect();
    let Some(column) = dice.pick(&columns) else { return };
    let command = dice.one(&["ALL", "SELECT", "INSERT", "UPDATE", "DELETE"]);
    let text =
        dice.one(&["{c} IS NOT NULL", "true", "CURRENT_USER = 'reader'"]).replace("{c}", &format!("{{c{column}}}"));
    let using = (command != "INSERT").then(|| text.clone());
    let check = (matches!(command, "INSERT" | "UPDATE" | "ALL") && dice.once_in(2)).then_some(text);
    let restrictive = dice.once_in(4);
    let role = dice.one(ROLES);
    push(world, dice, id, name, Kind::Policy(Policy { table, restrictive, command, role, using, check }));
    if !dice.once_in(4) {
        let forced = dice.once_in(4);
        edit_table(world, table, |it| {
            it.row_security = true;
            it.forced |= forced;
        });
    }
}

pub fn statistics(world: &mut World, dice: &mut Dice) {
    let Some(table) = pick_table(world, dice) else { return };
    let columns = ordered_columns(world, table);
    if columns.len() < 2 {
        return;
    }
    let (id, name) = name(world, dice, "st");
    let first = dice.below(columns.len() - 1);
    let columns = vec![columns[first], columns[first + 1]];
    let kinds = dice.one(&["", " (ndistinct)", " (dependencies, mcv)"]);
    push(world, dice, id, name, Kind::Statistics { table, kinds, columns });
}

pub fn grant(world: &mut World, dice: &mut Dice) {
    let at = dice.below(world.objects.len());
    let Some(object) = world.objects.get_mut(at) else { return };
    let privileges: &[&str] = match &object.kind {
        Kind::Schema => &["USAGE", "CREATE"],
        Kind::Enum(_) | Kind::Domain { .. } | Kind::Composite(_) => return,
        Kind::Sequence { .. } => &["USAGE", "SELECT"],
        Kind::Function(_) => &["EXECUTE"],
        Kind::Table(_) => &["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "ALL"],
        Kind::View(_) => &["SELECT"],
        _ => return,
    };
    let roles: &[&str] = if matches!(object.kind, Kind::Function(_)) { &ROLES[..2] } else { ROLES };
    object.grants.insert((dice.one(privileges), dice.one(roles)));
}

pub fn comment(world: &mut World, dice: &mut Dice) {
    let at = dice.below(world.objects.len());
    if let Some(object) = world.objects.get_mut(at).filter(|it| it.kind != Kind::Extension) {
        object.comment = if object.comment.is_some() && dice.once_in(2) { None } else { Some(dice.one(COMMENTS)) };
    }
}
