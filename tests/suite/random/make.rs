//! Makes worlds and their parts.

use std::collections::BTreeSet;

use super::{
    dice::Dice,
    parts::{
        any_type, comment, extension, function, grant, index, policy, schema, sequence, statistics, trigger, view,
    },
    types::{TYPES, type_of},
    world::*,
};

pub const COMMENTS: &[&str] = &["a note", "it''s a note", "zwei Wörter", "-- not a comment", "x\ny"];
pub const ROLES: &[&str] = &["reader", "writer", "PUBLIC"];

pub fn world(dice: &mut Dice, version: u32) -> World {
    let mut world = World { version, ..World::default() };
    if dice.once_in(3) {
        schema(&mut world, dice);
    }
    for _ in 0..dice.below(3) {
        any_type(&mut world, dice);
    }
    if dice.once_in(3) {
        function(&mut world, dice, true);
    }
    for _ in 0..1 + dice.below(4) {
        table(&mut world, dice);
    }
    for _ in 0..dice.below(9) {
        part(&mut world, dice);
    }
    world.prune();
    world
}

/// Anything that stands beside or on tables.
pub fn part(world: &mut World, dice: &mut Dice) {
    match dice.below(22) {
        0 => sequence(world, dice),
        1 => function(world, dice, false),
        2 => {
            let immutable = dice.once_in(2);
            function(world, dice, immutable);
        }
        3..=7 => index(world, dice),
        8..=10 => view(world, dice),
        11..=12 => trigger(world, dice),
        13..=14 => policy(world, dice),
        15 => statistics(world, dice),
        16..=17 => grant(world, dice),
        18..=19 => comment(world, dice),
        20 => any_type(world, dice),
        _ => {
            if dice.once_in(3) {
                extension(world, dice);
            } else {
                partition(world, dice);
            }
        }
    }
}

/// A name that is not taken, mostly plain.
pub fn name(world: &mut World, dice: &mut Dice, stem: &str) -> (Id, String) {
    let id = world.fresh();
    let name = match dice.below(16) {
        0 => format!("{stem} Odd{id}"),
        1 => format!("{stem}_with_a_name_so_long_that_it_comes_near_to_the_limit_{id}"),
        _ => format!("{stem}{id}"),
    };
    (id, name)
}

pub fn push(world: &mut World, dice: &mut Dice, id: Id, name: String, kind: Kind) -> Id {
    let schemas: Vec<Id> = world.objects.iter().filter(|it| it.kind == Kind::Schema).map(|it| it.id).collect();
    let schema = match &kind {
        // In the schema of their tables, or in none.
        Kind::Index(_) | Kind::Trigger(_) | Kind::Policy(_) | Kind::Schema | Kind::Extension => None,
        _ if dice.once_in(3) => dice.pick(&schemas),
        _ => None,
    };
    let object = Object { id, schema, name, was: None, comment: None, grants: BTreeSet::new(), kind };
    world.objects.push(object);
    id
}

pub fn table(world: &mut World, dice: &mut Dice) {
    let (id, name) = name(world, dice, "t");
    let mut table = Table::default();
    let plain: Vec<Id> = world
        .tables()
        .filter(|it| it.1.partition_by.is_none() && it.1.partition_of.is_none())
        .map(|it| it.0.id)
        .collect();
    let partitioned = dice.once_in(8);
    if !partitioned && dice.once_in(8) {
        table.inherits.extend(dice.pick(&plain));
    }
    table.unlogged = !partitioned && table.inherits.is_empty() && dice.once_in(16);
    if !partitioned && dice.once_in(8) {
        let (key, value) = table_option(dice);
        table.options.insert(key, value);
    }
    push(world, dice, id, name, Kind::Table(table));
    if partitioned {
        let key = column(world, dice);
        let key = Column {
            ty: "integer".into(),
            not_null: true,
            default: None,
            identity: None,
            generated: None,
            collation: None,
            settings: BTreeSet::new(),
            ..key
        };
        let strategy = dice.one(&["RANGE", "LIST", "HASH"]);
        edit_table(world, id, |it| {
            it.partition_by = Some((strategy, key.id));
            it.columns.push(key);
        });
    }
    for _ in 0..1 + dice.below(5) {
        let column = column(world, dice);
        edit_table(world, id, |it| it.columns.push(column));
    }
    if !dice.once_in(4) {
        primary_key(world, dice, id);
    }
    for _ in 0..dice.below(4) {
        constraint(world, dice, id);
    }
    if dice.once_in(8) {
        generated(world, dice, id);
    }
    if partitioned {
        for _ in 0..1 + dice.below(2) {
            partition_of(world, dice, id);
        }
    }
}

pub fn table_option(dice: &mut Dice) -> (&'static str, &'static str) {
    dice.one(&[
        ("fillfactor", "70"),
        ("fillfactor", "90"),
        ("autovacuum_enabled", "false"),
        ("autovacuum_vacuum_scale_factor", "0.05"),
    ])
}

pub fn edit_table(world: &mut World, id: Id, edit: impl FnOnce(&mut Table)) {
    if let Some(Kind::Table(table)) = world.objects.iter_mut().find(|it| it.id == id).map(|it| &mut it.kind) {
        edit(table);
    }
}

pub fn column(world: &mut World, dice: &mut Dice) -> Column {
    let (id, name) = name(world, dice, "c");
    let users: Vec<&Object> = world
        .objects
        .iter()
        .filter(|it| matches!(it.kind, Kind::Enum(_) | Kind::Domain { .. } | Kind::Composite(_)))
        .collect();
    let mut column = Column {
        id,
        name,
        was: None,
        ty: String::new(),
        not_null: dice.once_in(3),
        default: None,
        identity: None,
        generated: None,
        collation: None,
        comment: dice.once_in(12).then(|| dice.one(COMMENTS)),
        settings: BTreeSet::new(),
    };
    if let Some(user) = dice.once_in(4).then(|| dice.pick(&users)).flatten() {
        column.ty = format!("{{o{}}}", user.id);
        match &user.kind {
            Kind::Enum(labels) if dice.once_in(2) => column.default = Some(format!("'{}'", labels[0])),
            Kind::Enum(_) if dice.once_in(3) => column.ty += "[]",
            Kind::Composite(_) => column.not_null = false,
            _ => {}
        }
        return column;
    }
    if dice.once_in(12) {
        column.ty = dice.one(&["serial", "bigserial"]).into();
        return column;
    }
    let ty = &TYPES[dice.below(TYPES.len())];
    column.ty = ty.sql.into();
    if dice.once_in(3) {
        column.default = Some(dice.one(ty.defaults).into());
    } else if ["integer", "bigint"].contains(&ty.sql) && dice.once_in(6) {
        column.identity = Some(dice.one(IDENTITIES));
        column.not_null = true;
    }
    if ty.sql.starts_with("text") && ty.sql.len() == 4 {
        column.collation = dice.once_in(8).then_some("C");
        if dice.once_in(12) {
            column.settings.insert(dice.one(&["SET STORAGE EXTERNAL", "SET STORAGE MAIN"]));
        }
    }
    if dice.once_in(20) {
        column.settings.insert(dice.one(&["SET STATISTICS 250", "SET (n_distinct = 50)"]));
    }
    column
}

pub const IDENTITIES: &[&str] = &[
    "BY DEFAULT AS IDENTITY",
    "ALWAYS AS IDENTITY",
    "ALWAYS AS IDENTITY (START WITH 100)",
    "BY DEFAULT AS IDENTITY (INCREMENT BY 3 CACHE 5)",
];

/// A generated column of another.
pub fn generated(world: &mut World, dice: &mut Dice, table: Id) {
    let Some(it) = world.table(table) else { return };
    let bases: Vec<(Id, String)> = it
        .columns
        .iter()
        .filter(|it| it.generated.is_none() && ["integer", "text"].contains(&it.ty.as_str()))
        .map(|it| (it.id, it.ty.clone()))
        .collect();
    let partition_key = it.partition_by.map(|it| it.1);
    let Some((base, ty)) = dice.pick(&bases) else { return };
    if partition_key == Some(base) {
        return;
    }
    let column = column(world, dice);
    let text = generated_text(base, &ty, dice);
    let stored = if world.version >= 18 && dice.once_in(2) { "VIRTUAL" } else { "STORED" };
    let column = Column {
        ty,
        not_null: false,
        default: None,
        identity: None,
        collation: None,
        settings: BTreeSet::new(),
        generated: Some(format!("({text}) {stored}")),
        ..column
    };
    edit_table(world, table, |it| it.columns.push(column));
}

pub fn generated_text(base: Id, ty: &str, dice: &mut Dice) -> String {
    let texts: &[&str] = match ty {
        "integer" => &["{c} * 2", "{c} + 1", "COALESCE({c}, 0)"],
        _ => &["upper({c})", "COALESCE({c}, '')", "{c} || '!'"],
    };
    dice.one(texts).replace("{c}", &format!("{{c{base}}}"))
}

pub fn ordered_columns(world: &World, table: Id) -> Vec<Id> {
    let columns = world.columns_of(table);
    let ordered = columns.iter().filter(|it| {
        it.generated.is_none() && (it.ty.ends_with("serial") || type_of(&it.ty).is_some_and(|it| it.ordered))
    });
    ordered.map(|it| it.id).collect()
}

fn constraint_name(world: &mut World, dice: &mut Dice) -> (Id, Option<String>) {
    let (id, name) = name(world, dice, "k");
    (id, dice.once_in(2).then_some(name))
}

pub fn primary_key(world: &mut World, dice: &mut Dice, table: Id) {
    let Some(it) = world.table(table) else { return };
    if it.constraints.iter().any(|it| matches!(it.rule, Rule::Primary(_))) || it.partition_of.is_some() {
        return;
    }
    let numbers = |it: &&Column| {
        ["integer", "bigint", "serial", "bigserial", "uuid", "text"].contains(&it.ty.as_str()) && it.generated.is_none()
    };
    let own: Vec<Id> = it.columns.iter().filter(numbers).map(|it| it.id).collect();
    let Some(first) = dice.pick(&own) else { return };
    let mut columns = vec![first];
    columns.extend(it.partition_by.map(|it| it.1).filter(|it| *it != first));
    if dice.once_in(6) {
        columns.extend(dice.pick(&own).filter(|it| !columns.contains(it)));
    }
    let (id, name) = constraint_name(world, dice);
    let timing = if dice.once_in(16) { "DEFERRABLE" } else { "" };
    let constraint = Constraint { id, name, rule: Rule::Primary(columns), timing, comment: None };
    edit_table(world, table, |it| it.constraints.push(constraint));
}

pub const ACTIONS: &[&str] =
    &["", "", " ON DELETE CASCADE", " ON UPDATE CASCADE ON DELETE RESTRICT", " ON DELETE SET NULL", " MATCH FULL"];
const TIMINGS: &[&str] = &["", "", "", "DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED"];

pub fn constraint(world: &mut World, dice: &mut Dice, table: Id) {
    if dice.once_in(5) {
        return primary_key(world, dice, table);
    }
    let (id, name) = constraint_name(world, dice);
    let comment = dice.once_in(10).then(|| dice.one(COMMENTS));
    let columns = ordered_columns(world, table);
    let Some(column) = dice.pick(&columns) else { return };
    let Some(it) = world.table(table) else { return };
    let key = it.partition_by.map(|it| it.1);
    let is_partition = it.partition_of.is_some();
    let mut timing = "";
    let rule = match dice.below(12) {
        0..=4 => {
            let Some(text) = check(world, dice, table) else { return };
            Rule::Check { text, no_inherit: key.is_none() && !is_partition && dice.once_in(10) }
        }
        5..=6 if !is_partition => {
            timing = dice.one(TIMINGS);
            let mut list = vec![column];
            list.extend(key.filter(|it| *it != column));
            let include = if dice.once_in(6) { vec![column] } else { vec![] };
            Rule::Unique { columns: list, include, nulls_not_distinct: world.version >= 15 && dice.once_in(8) }
        }
        7..=10 => {
            let targets: Vec<(Id, Vec<Id>)> = world
                .tables()
                .flat_map(|(object, it)| {
                    let keys =
                        it.constraints.iter().filter(|it| it.timing.is_empty()).filter_map(|it| match &it.rule {
                            Rule::Primary(key) | Rule::Unique { columns: key, .. } => Some(key.clone()),
                            _ => None,
                        });
                    keys.map(|it| (object.id, it))
                })
                .collect();
            let Some((target, references)) = dice.pick(&targets) else { return };
            foreign_columns(world, dice, table, target, &references);
            let own = world.columns_of(table);
            let theirs = world.columns_of(target);
            let mut columns: Vec<Id> = Vec::new();
            for id in &references {
                let Some(ty) = theirs.iter().find(|it| it.id == *id).map(|it| base(&it.ty)) else { return };
                let fits =
                    own.iter().filter(|it| it.generated.is_none() && base(&it.ty) == ty && !columns.contains(&it.id));
                let fits: Vec<Id> = fits.map(|it| it.id).collect();
                let Some(it) = dice.pick(&fits) else { return };
                columns.push(it);
            }
            if table == target && columns == references {
                return;
            }
            timing = dice.one(TIMINGS);
            Rule::Foreign { columns, table: target, references, actions: dice.one(ACTIONS) }
        }
        _ if key.is_none() && !is_partition => {
            let (method, element) = match world.columns_of(table).iter().find(|it| it.ty == "int4range") {
                Some(range) => ("gist", format!("{{c{}}} WITH &&", range.id)),
                None => ("btree", format!("{{c{column}}} WITH =")),
            };
            let predicate = dice.once_in(3).then(|| format!("{{c{column}}} IS NOT NULL"));
            Rule::Exclude { method, elements: vec![element], predicate }
        }
        _ => return,
    };
    edit_table(world, table, |it| it.constraints.push(Constraint { id, name, rule, timing, comment }));
}

fn base(ty: &str) -> &str {
    match ty {
        "serial" => "integer",
        "bigserial" => "bigint",
        other => other,
    }
}

/// Columns that can point at the key, where there are none.
fn foreign_columns(world: &mut World, dice: &mut Dice, table: Id, target: Id, references: &[Id]) {
    if world.table(table).is_some_and(|it| it.partition_of.is_some()) {
        return;
    }
    let wanted: Vec<String> = references
        .iter()
        .filter_map(|id| world.columns_of(target).iter().find(|it| it.id == *id).map(|it| base(&it.ty).to_owned()))
        .collect();
    for ty in wanted {
        if dice.once_in(2) {
            let column = column(world, dice);
            let column = Column {
                ty,
                not_null: false,
                default: None,
                identity: None,
                generated: None,
                collation: None,
                settings: BTreeSet::new(),
                ..column
            };
            edit_table(world, table, |it| it.columns.push(column));
        }
    }
}

/// A condition on one or two columns.
pub fn check(world: &World, dice: &mut Dice, table: Id) -> Option<String> {
    let columns = world.columns_of(table);
    let known: Vec<&&Column> =
        columns.iter().filter(|it| type_of(&it.ty).is_some_and(|it| !it.checks.is_empty())).collect();
    let column = dice.pick(&known)?;
    let other = dice.pick(&known)?;
    let functions: Vec<Id> = world
        .objects
        .iter()
        .filter(|it| matches!(&it.kind, Kind::Function(it) if it.attributes.contains("IMMUTABLE")))
        .map(|it| it.id)
        .collect();
    let own = format!("{{c{}}}", column.id);
    if column.ty == "integer"
        && dice.once_in(3)
        && let Some(function) = dice.pick(&functions)
    {
        return Some(format!("{{o{function}}}({own}) > -1000"));
    }
    if column.id != other.id && dice.once_in(4) {
        return Some(format!("{own} IS NOT NULL OR {{c{}}} IS NOT NULL", other.id));
    }
    Some(dice.pick(type_of(&column.ty)?.checks)?.replace("{c}", &own))
}

pub fn partition(world: &mut World, dice: &mut Dice) {
    let parents: Vec<Id> = world.tables().filter(|it| it.1.partition_by.is_some()).map(|it| it.0.id).collect();
    if let Some(parent) = dice.pick(&parents) {
        partition_of(world, dice, parent);
    }
}

fn partition_of(world: &mut World, dice: &mut Dice, parent: Id) {
    let Some((strategy, _)) = world.table(parent).and_then(|it| it.partition_by) else { return };
    let (id, name) = name(world, dice, "p");
    // The id keeps the bounds apart.
    let bound = match strategy {
        "RANGE" => format!("FOR VALUES FROM ({}) TO ({})", id * 10, id * 10 + 10),
        "LIST" => format!("FOR VALUES IN ({id}, {})", id + 100_000),
        _ => {
            let used = world.tables().filter(|it| it.1.partition_of.as_ref().is_some_and(|it| it.0 == parent)).count();
            if used >= 4 {
                return;
            }
            let taken: Vec<String> = world
                .tables()
                .filter_map(|it| it.1.partition_of.clone())
                .filter(|it| it.0 == parent)
                .map(|it| it.1)
                .collect();
            let free =
                (0..4).map(|it| format!("FOR VALUES WITH (MODULUS 4, REMAINDER {it})")).find(|it| !taken.contains(it));
            let Some(free) = free else { return };
            free
        }
    };
    let table = Table { partition_of: Some((parent, bound)), ..Table::default() };
    push(world, dice, id, name, Kind::Table(table));
}
