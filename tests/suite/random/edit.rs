//! Random edits of a world, as people make them to schema files.

use super::{dice::Dice, make, parts, types, world::*};

pub fn edit(world: &mut World, dice: &mut Dice) {
    match dice.below(20) {
        0..=1 => make::part(world, dice),
        2 => make::table(world, dice),
        3..=4 => drop_object(world, dice),
        5..=12 => table(world, dice),
        13 => reorder(world, dice),
        14 => rename_object(world, dice),
        15 => parts::comment(world, dice),
        _ => object(world, dice),
    }
    world.prune();
}

fn drop_object(world: &mut World, dice: &mut Dice) {
    if world.objects.len() > 1 {
        let at = dice.below(world.objects.len());
        world.objects.remove(at);
    }
}

/// The file in another order. What comes first wins no fights, but may move implicit names.
fn reorder(world: &mut World, dice: &mut Dice) {
    let (a, b) = (dice.below(world.objects.len()), dice.below(world.objects.len()));
    if !world.objects.is_empty() {
        world.objects.swap(a, b);
    }
    let tables: Vec<Id> = world.tables().map(|it| it.0.id).collect();
    if let Some(id) = dice.pick(&tables) {
        make::edit_table(world, id, |it| {
            let by = usize::from(it.columns.len() > 1);
            it.columns.rotate_left(by);
        });
    }
}

fn rename_object(world: &mut World, dice: &mut Dice) {
    let at = dice.below(world.objects.len());
    let id = world.fresh();
    let Some(object) = world.objects.get_mut(at) else { return };
    let stem = match object.kind {
        Kind::Extension | Kind::Schema => return,
        Kind::Table(_) => "renamed",
        _ => "other",
    };
    let is_plain = object.name.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit());
    if matches!(object.kind, Kind::Table(_)) && object.was.is_none() && is_plain && !dice.once_in(4) {
        object.was = Some(object.name.clone());
    }
    object.name = format!("{stem}{id}");
}

fn table(world: &mut World, dice: &mut Dice) {
    let tables: Vec<Id> = world.tables().map(|it| it.0.id).collect();
    let Some(id) = dice.pick(&tables) else { return };
    let is_partition = world.table(id).is_some_and(|it| it.partition_of.is_some());
    match dice.below(20) {
        0..=3 if !is_partition => {
            let column = make::column(world, dice);
            make::edit_table(world, id, |it| it.columns.push(column));
        }
        4 if !is_partition => make::generated(world, dice, id),
        5..=12 => column(world, dice, id),
        13..=14 => make::constraint(world, dice, id),
        15..=16 => constraint(world, dice, id),
        _ => settings(world, dice, id),
    }
}

fn settings(world: &mut World, dice: &mut Dice, id: Id) {
    let roll = dice.below(6);
    let option = make::table_option(dice);
    let identity = dice.one(&[None, Some("FULL"), Some("NOTHING")]);
    make::edit_table(world, id, |it| match roll {
        0 => it.row_security = !it.row_security,
        1 => it.forced = !it.forced,
        2 if it.partition_by.is_none() => _ = it.options.insert(option.0, option.1),
        3 => it.options.clear(),
        4 => it.replica_identity = identity,
        _ if it.partition_by.is_none() && it.partition_of.is_none() => it.unlogged = !it.unlogged,
        _ => {}
    });
}

fn column(world: &mut World, dice: &mut Dice, table: Id) {
    let Some(it) = world.table(table) else { return };
    if it.columns.is_empty() {
        return;
    }
    let key = it.partition_by.map(|it| it.1);
    let at = dice.below(it.columns.len());
    let mut column = it.columns[at].clone();
    let is_key = key == Some(column.id);
    let is_identity = column.identity.is_some();
    match dice.below(16) {
        0..=2 if !is_key && it.columns.len() > 1 => {
            return make::edit_table(world, table, |it| _ = it.columns.remove(at));
        }
        3..=4 => {
            let id = world.fresh();
            let plain = column.name.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit());
            if column.was.is_none() && plain && !dice.once_in(4) {
                column.was = Some(column.name.clone());
            }
            column.name = format!("col{id}");
        }
        5..=7 if !is_key && !is_identity && column.generated.is_none() => {
            let wider: Vec<_> = types::WIDER.iter().filter(|it| it.0 == column.ty).collect();
            if let Some(to) = dice.pick(&wider) {
                column.ty = to.1.into();
                column.default = None;
                column.collation = None;
                column.settings.clear();
            }
        }
        8..=9 if !is_key && !is_identity => column.not_null = !column.not_null,
        10..=11 if !is_identity && column.generated.is_none() => {
            column.default = match types::type_of(&column.ty) {
                Some(ty) if !dice.once_in(3) => Some(dice.one(ty.defaults).into()),
                _ => None,
            };
        }
        12 if ["integer", "bigint"].contains(&column.ty.as_str())
            && column.default.is_none()
            && column.generated.is_none() =>
        {
            column.identity = (!is_identity || !dice.once_in(2)).then(|| dice.one(make::IDENTITIES));
            column.not_null |= column.identity.is_some();
        }
        13 if column.generated.is_some() => {
            let text = column.generated.clone().unwrap_or_default();
            let stored = text.rsplit(' ').next().unwrap_or_default().to_owned();
            let base = references(&text).first().map(|it| it.1);
            if let Some(base) = base {
                let text = make::generated_text(base, &column.ty, dice);
                column.generated = if dice.once_in(3) { None } else { Some(format!("({text}) {stored}")) };
            }
        }
        14 => column.comment = if column.comment.is_some() { None } else { Some(dice.one(make::COMMENTS)) },
        15 if column.ty == "text" => {
            _ = column.settings.insert(dice.one(&["SET STATISTICS 99", "SET (n_distinct = 9)"]))
        }
        _ => column.settings.clear(),
    }
    make::edit_table(world, table, |it| it.columns[at] = column);
}

fn constraint(world: &mut World, dice: &mut Dice, table: Id) {
    let Some(it) = world.table(table) else { return };
    if it.constraints.is_empty() {
        return;
    }
    let at = dice.below(it.constraints.len());
    let mut constraint = it.constraints[at].clone();
    let id = world.fresh();
    match dice.below(5) {
        0 => return make::edit_table(world, table, |it| _ = it.constraints.remove(at)),
        1 => constraint.name = Some(format!("con{id}")),
        2 => constraint.comment = if constraint.comment.is_some() { None } else { Some(dice.one(make::COMMENTS)) },
        _ => match &mut constraint.rule {
            Rule::Check { text, .. } => match make::check(world, dice, table) {
                Some(it) => *text = it,
                None => return,
            },
            Rule::Foreign { actions, .. } => {
                *actions = dice.one(make::ACTIONS);
                constraint.timing = dice.one(&["", "DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED"]);
            }
            Rule::Unique { nulls_not_distinct, .. } if world.version >= 15 => {
                *nulls_not_distinct = !*nulls_not_distinct
            }
            Rule::Unique { .. } | Rule::Primary(_) => constraint.timing = dice.one(&["", "DEFERRABLE"]),
            Rule::Exclude { predicate, .. } => *predicate = None,
        },
    }
    make::edit_table(world, table, |it| it.constraints[at] = constraint);
}

/// Changes an object that is no table.
fn object(world: &mut World, dice: &mut Dice) {
    let others: Vec<Id> = world
        .objects
        .iter()
        .filter(|it| !matches!(it.kind, Kind::Table(_) | Kind::Extension))
        .map(|it| it.id)
        .collect();
    let Some(id) = dice.pick(&others) else { return };
    let Some(mut object) = world.object(id).cloned() else { return };
    if dice.once_in(6) && !object.grants.is_empty() {
        object.grants.pop_first();
    } else {
        match &mut object.kind {
            Kind::Enum(labels) => enumeration(labels, world, dice),
            Kind::Domain { base, default, not_null, checks } => match dice.below(4) {
                0 => *default = if default.is_some() { None } else { Some(if *base == "text" { "'e'" } else { "6" }) },
                1 => *not_null = !*not_null,
                2 => checks.clear(),
                _ => checks.push((world.fresh(), parts::domain_check(base, dice))),
            },
            Kind::Composite(list) => {
                if dice.once_in(2) && list.len() > 1 {
                    let at = dice.below(list.len());
                    list.remove(at);
                } else {
                    let it = parts::attribute(world, dice);
                    list.push(it);
                }
            }
            Kind::Sequence { options, owner } => match dice.below(4) {
                0 => options.clear(),
                1 => {
                    let columns: Vec<(Id, Id)> = world
                        .tables()
                        .filter(|it| it.0.schema == object.schema)
                        .flat_map(|(table, it)| it.columns.iter().map(|it| (table.id, it.id)))
                        .collect();
                    *owner = if owner.is_some() { None } else { dice.pick(&columns) };
                }
                _ => {
                    let (key, value) = parts::sequence_option(dice);
                    options.insert(key, value);
                }
            },
            Kind::Function(it) => function(it, dice),
            Kind::Index(it) => match dice.below(5) {
                0 => it.unique = !it.unique && world.table(it.table).is_some_and(|it| it.partition_by.is_none()),
                1 => it.predicate = if it.predicate.is_some() { None } else { make::check(world, dice, it.table) },
                2 => it.options = if it.options.is_some() { None } else { Some("fillfactor = 60") },
                3 => it.keys.rotate_left(1),
                _ => it.include.clear(),
            },
            Kind::View(it) => match dice.below(5) {
                0 => it.filter = None,
                1 => {
                    it.options =
                        if it.options.is_some() || it.materialized { None } else { Some("security_barrier = true") }
                }
                2 if it.items.len() > 1 => _ = it.items.pop(),
                3 => it.materialized = !it.materialized && it.options.is_none(),
                _ => {
                    let id = world.fresh();
                    it.items.push((id, "1".into(), format!("o{id}")));
                }
            },
            Kind::Trigger(it) => match dice.below(3) {
                0 => it.disabled = !it.disabled,
                1 => it.when = None,
                _ => *it = parts::trigger_on(world, dice, it.table, it.function),
            },
            Kind::Policy(it) => match dice.below(3) {
                0 => it.role = dice.one(&["reader", "writer"]),
                1 => it.restrictive = !it.restrictive,
                _ => it.using = it.using.as_ref().map(|_| "1 = 1".into()),
            },
            Kind::Statistics { kinds, .. } => *kinds = dice.one(&["", " (mcv)"]),
            Kind::Schema => _ = object.comment.take(),
            Kind::Extension | Kind::Table(_) => {}
        }
    }
    if let Some(slot) = world.objects.iter_mut().find(|it| it.id == id) {
        *slot = object;
    }
}

fn enumeration(labels: &mut Vec<String>, world: &mut World, dice: &mut Dice) {
    let id = world.fresh();
    let at = dice.below(labels.len() + 1);
    match dice.below(4) {
        // The first may be a default: it stays.
        0 if labels.len() > 2 => _ = labels.pop(),
        1 if labels.len() > 2 => labels[1..].reverse(),
        _ => labels.insert(at, parts::label(id, 9)),
    }
}

fn function(it: &mut Function, dice: &mut Dice) {
    match dice.below(5) {
        0 => {
            let attribute = dice.one(&["STRICT", "SECURITY DEFINER", "COST 50"]);
            let kept = if it.returns.is_none() { "SECURITY DEFINER" } else { attribute };
            let costs = kept.starts_with("COST") && it.attributes.iter().any(|it| it.starts_with("COST"));
            let had = it.attributes.remove(kept);
            if !had && !costs {
                it.attributes.insert(kept);
            }
        }
        1 if it.returns.as_deref() == Some("text") => {
            it.returns = Some("character varying".into());
            it.body = "SELECT 'y'::character varying".into();
        }
        2 if it.returns.as_deref() != Some("trigger") && !it.attributes.contains("IMMUTABLE") => {
            it.args.push(("z".into(), "integer".into(), Some("0")));
            it.args.dedup();
        }
        _ => {
            // Space in a body is part of it.
            it.body = it.body.replacen(' ', "  ", 1);
        }
    }
}
