//! Columns that become others: split, merged, moved to another table. Annotations and answers say so, or names suggest
//! it; a suggestion is a question, and its assumed answer keeps every value.

use std::collections::BTreeSet;

use super::{
    Builder, build,
    intent::{self, DROP_AND_ADD, KEEP},
    pairs::Pairs,
    rebuilt,
};
use crate::{
    dialect::Volatility,
    plan::{Mirror, Moved, Piece, Regroup},
    sql::{tokens::mentions_column, *},
};

pub const SPLIT: &str = "split";
pub const MERGE: &str = "merge";
pub const MOVE: &str = "move";

/// What was found, and which columns it takes from the kinds that add and drop columns.
#[derive(Clone, Debug, Default)]
pub struct Reshapes {
    pub regroups: Vec<Regroup>,
    pub moves: Vec<Mirror>,
    /// Columns of `before` that stay, though `after` lacks them, until a question is answered.
    pub kept: BTreeSet<(Name, Ident)>,
    old: BTreeSet<(Name, Ident)>,
    new: BTreeSet<(Name, Ident)>,
}

impl Reshapes {
    /// Its values go into other columns: nobody else drops or renames it.
    pub fn takes_old(&self, table: &Name, column: &Ident) -> bool {
        self.old.contains(&(table.clone(), column.clone()))
    }

    /// Its values come from other columns: nobody else adds it.
    pub fn takes_new(&self, table: &Name, column: &Ident) -> bool {
        self.new.contains(&(table.clone(), column.clone()))
    }

    /// A text that mentions a column which is still filling up.
    pub fn filling(&self, text: &str) -> bool {
        self.new.iter().any(|(_, column)| mentions_column(text, column))
    }
}

/// Annotations first, then what names suggest.
pub fn find(pairs: &mut Pairs<'_>) {
    let both: Vec<Name> = pairs
        .base
        .tables
        .iter()
        .filter(|(name, before)| pairs.input.after.table(name).is_some_and(|it| !std::sync::Arc::ptr_eq(it, before)))
        .map(|(name, _)| name.clone())
        .collect();
    for table in &both {
        annotated_groups(pairs, table);
    }
    annotated_moves(pairs);
    suggested_moves(pairs, &both);
    check_makers(pairs);
    for table in &both {
        suggested_group(pairs, table);
    }
}

/// Columns of `before` that `after` lacks and nobody has taken.
fn gone(pairs: &Pairs<'_>, table: &Name) -> Vec<Column> {
    let (Some(before), Some(after)) = (pairs.base.table(table), pairs.input.after.table(table)) else {
        return Vec::new();
    };
    let free = |it: &&Column| {
        let key = (table.clone(), it.name.clone());
        after.column(&it.name).is_none() && !pairs.reshapes.old.contains(&key) && !pairs.reshapes.kept.contains(&key)
    };
    before.columns.iter().filter(free).cloned().collect()
}

/// Columns of `after` that are new and that nobody has taken.
fn come(pairs: &Pairs<'_>, table: &Name) -> Vec<Column> {
    let Some(after) = pairs.input.after.table(table) else { return Vec::new() };
    let before = pairs.base.table(table);
    let new = |it: &&Column| {
        before.is_none_or(|before| before.column(&it.name).is_none()) && !pairs.reshapes.takes_new(table, &it.name)
    };
    after.columns.iter().filter(new).cloned().collect()
}

/// Nothing is said yet of where the column comes from.
fn unsaid(pairs: &Pairs<'_>, table: &Name, column: &Column) -> bool {
    let said = intent::annotations(pairs, &ObjectRef::Column(table.clone(), column.name.clone()));
    !said.iter().any(|it| matches!(it.key.as_str(), "new" | "renamed" | "split" | "merge" | "moved"))
}

fn columns(table: &Name, columns: &[Column]) -> Vec<ObjectRef> {
    columns.iter().map(|it| ObjectRef::Column(table.clone(), it.name.clone())).collect()
}

fn names(columns: &[Column]) -> String {
    columns.iter().map(|it| it.name.to_string()).collect::<Vec<_>>().join(",")
}

fn annotated_groups(pairs: &mut Pairs<'_>, table: &Name) {
    let old = gone(pairs, table);
    if old.is_empty() {
        return;
    }
    let from = |pairs: &Pairs<'_>, column: &Column, key: &str| -> Option<Vec<Ident>> {
        let at = intent::annotations(pairs, &ObjectRef::Column(table.clone(), column.name.clone()));
        // Somebody has said since that it came from nowhere.
        let said = at.iter().find(|it| it.key == key).filter(|_| !at.iter().any(|it| it.key == "new"))?;
        Some(said.argument("from")?.split(',').map(|it| Ident::new(it.trim().trim_matches('"'))).collect())
    };
    let mut groups: Vec<(Vec<Column>, Vec<Column>)> = Vec::new();
    for new in come(pairs, table) {
        let (key, said) = match (from(pairs, &new, SPLIT), from(pairs, &new, MERGE)) {
            (Some(said), _) => (SPLIT, said),
            (None, Some(said)) => (MERGE, said),
            (None, None) => continue,
        };
        let sources: Vec<Column> =
            said.iter().filter_map(|name| old.iter().find(|it| it.name == *name)).cloned().collect();
        // What it came from is gone already, or stays: there is nothing to carry over.
        if sources.len() != said.len() {
            continue;
        }
        match groups.iter_mut().find(|(olds, _)| key == SPLIT && *olds == sources) {
            Some((_, news)) => news.push(new),
            None => groups.push((sources, vec![new])),
        }
    }
    for (olds, news) in groups {
        settle_group(pairs, table, &olds, &news);
    }
}

/// Makes the group, or asks for what it lacks and keeps the old columns meanwhile.
fn settle_group(pairs: &mut Pairs<'_>, table: &Name, olds: &[Column], news: &[Column]) {
    let word = if olds.len() > 1 { MERGE } else { SPLIT };
    let free = gone(pairs, table);
    if !olds.iter().all(|it| free.contains(it)) {
        return;
    }
    if let Some(why) = impossible(pairs, table, olds, news) {
        let id = format!("{word}:{table}.{}>{}", names(olds), names(news));
        let about =
            format!("{table}.{} cannot become {} step by step: {why}. What is to happen?", names(olds), names(news));
        keep_or_drop(pairs, table, olds, (id, about), columns(table, news), Vec::new());
        return;
    }
    let (ups, asked_up) = values(pairs, table, news, olds, "using");
    let (downs, asked_down) = values(pairs, table, olds, news, "back");
    let asked: Vec<(String, String)> = asked_up.into_iter().chain(asked_down).collect();
    if !asked.is_empty() {
        for asked in asked {
            keep_or_drop(pairs, table, olds, asked, columns(table, news), vec!["value:…".to_owned()]);
        }
        return;
    }
    let piece = |(column, value): (&Column, String), default: Option<Expr>| Piece {
        column: column.name.clone(),
        ty: column.ty.clone(),
        value,
        default,
    };
    let old = olds.iter().zip(downs).map(|it| piece(it, None)).collect();
    let new = news
        .iter()
        .zip(ups)
        .map(|it| {
            let default = steady_default(pairs, it.0, false);
            piece(it, default)
        })
        .collect();
    let reshapes = &mut pairs.reshapes;
    reshapes.old.extend(olds.iter().map(|it| (table.clone(), it.name.clone())));
    reshapes.new.extend(news.iter().map(|it| (table.clone(), it.name.clone())));
    reshapes.regroups.push(Regroup { table: table.clone(), old, new });
}

/// Keeps the columns until somebody says what is to become of them.
fn keep_or_drop(
    pairs: &mut Pairs<'_>,
    table: &Name,
    olds: &[Column],
    asked: (String, String),
    mut objects: Vec<ObjectRef>,
    more: Vec<String>,
) {
    objects.extend(columns(table, olds));
    let mut choices = more;
    choices.extend([KEEP.to_owned(), DROP_AND_ADD.to_owned()]);
    let question = intent::question(pairs, asked, objects, choices, KEEP);
    if question.assumed != DROP_AND_ADD {
        pairs.reshapes.kept.extend(olds.iter().map(|it| (table.clone(), it.name.clone())));
    }
    pairs.questions.push(question);
}

/// A default that is the same in both evaluations of a statement.
fn steady_default(pairs: &Pairs<'_>, column: &Column, before: bool) -> Option<Expr> {
    let catalog = if before { &pairs.base } else { pairs.input.after };
    let steady = |it: &&Expr| pairs.input.dialect.volatility(it, catalog) < Volatility::Volatile;
    column.default.as_ref().filter(steady).cloned()
}

/// SQL for each column of a side from those of the other: annotated, answered, or words of text. What is not known comes
/// back as questions (id, text).
fn values(
    pairs: &Pairs<'_>,
    table: &Name,
    side: &[Column],
    others: &[Column],
    key: &str,
) -> (Vec<String>, Vec<(String, String)>) {
    let mut res = Vec::new();
    let mut asked = Vec::new();
    let texts = side.iter().chain(others).all(|it| is_text(&it.ty));
    for (at, column) in side.iter().enumerate() {
        let id = format!("{key}:{table}.{}", column.name);
        let answered = pairs.input.answers.by_id.get(&id).and_then(|it| it.strip_prefix("value:"));
        let said = match key {
            "back" => said_back(pairs, table, side, others, column),
            _ => said_up(pairs, table, column),
        };
        match said.or(answered.map(str::to_owned)) {
            Some(value) => res.push(value),
            None if side.len() == 1 && others.len() == 1 && side[0].ty == others[0].ty => {
                res.push(pairs.input.dialect.quote(&others[0].name).into_owned());
            }
            None if texts => res.push(by_words(pairs, at, side.len(), column, others)),
            None => asked.push((
                id,
                format!(
                    "which expression over {} gives {table}.{}? Until it is known, {} stays",
                    names(others),
                    column.name,
                    if key == "back" { names(side) } else { names(others) }
                ),
            )),
        }
    }
    (res, asked)
}

/// `-- @using expr` or `-- @backfill expr` at the new column.
fn said_up(pairs: &Pairs<'_>, table: &Name, column: &Column) -> Option<String> {
    let at = intent::annotations(pairs, &ObjectRef::Column(table.clone(), column.name.clone()));
    let find = |key: &str| at.iter().find(|it| it.key == key).map(|it| it.value.to_string());
    find("using").or_else(|| find("backfill")).filter(|it| !it.is_empty())
}

/// `-- @back expr` or `-- @back old_column = expr` at any of the new columns.
fn said_back(pairs: &Pairs<'_>, table: &Name, olds: &[Column], news: &[Column], column: &Column) -> Option<String> {
    let mut said = news.iter().flat_map(|new| {
        intent::annotations(pairs, &ObjectRef::Column(table.clone(), new.name.clone()))
            .iter()
            .filter(|it| it.key == "back")
    });
    said.find_map(|it| {
        let named = it.value.split_once('=').and_then(|(name, value)| {
            let name = Ident::new(name.trim().trim_matches('"'));
            olds.iter().any(|it| it.name == name).then(|| (name, value.trim().to_owned()))
        });
        match named {
            Some((name, value)) => (name == column.name).then_some(value),
            None => (olds.len() == 1 && !it.value.is_empty()).then(|| it.value.to_string()),
        }
    })
}

fn is_text(ty: &DataType) -> bool {
    !ty.array && matches!(ty.name.as_str(), "text" | "character varying" | "citext")
}

/// Text by its words: the first of several columns gets the first word and so on, the last one the rest; one column gets
/// the others joined by blanks. A column that takes no NULL gets an empty text instead.
fn by_words(pairs: &Pairs<'_>, at: usize, of: usize, column: &Column, others: &[Column]) -> String {
    let quote = |it: &Column| pairs.input.dialect.quote(&it.name).into_owned();
    let joined = match others {
        [one] => quote(one),
        many => {
            let parts: Vec<String> = many.iter().map(|it| format!("nullif({}, '')", quote(it))).collect();
            format!("concat_ws(' ', {})", parts.join(", "))
        }
    };
    let words = format!("regexp_split_to_array(btrim({joined}), '[[:space:]]+')");
    let value = match at + 1 {
        _ if of == 1 => joined,
        last if last == of => format!("array_to_string(({words})[{of}:], ' ')"),
        nth => format!("({words})[{nth}]"),
    };
    let value = if column.not_null { format!("coalesce({value}, '')") } else { format!("nullif({value}, '')") };
    match column.ty.modifiers.is_empty() {
        true => value,
        // A cast cuts what is too long, where an assignment would fail (manual 8.3).
        false => format!("({value})::{}", pairs.input.dialect.render_type(&column.ty)),
    }
}

/// Why triggers cannot carry the columns.
fn impossible(pairs: &Pairs<'_>, table: &Name, olds: &[Column], news: &[Column]) -> Option<String> {
    let (before, after) = (pairs.base.table(table)?, pairs.input.after.table(table)?);
    plain(pairs, before, after).or_else(|| {
        let keyed = |it: &Table, column: &Column| {
            let partition = it.partition_by.iter().flat_map(|it| &it.keys);
            it.primary_key().is_some_and(|key| rebuilt::constraint_mentions(key, &column.name))
                || partition.into_iter().any(|key| match &key.expr {
                    KeyExpr::Column(it) => *it == column.name,
                    KeyExpr::Expr(it) => mentions_column(it.text(), &column.name),
                })
        };
        let computed = |it: &Column| it.generated.is_some() || it.identity.is_some();
        let odd_old = olds.iter().find(|it| computed(it) || keyed(before, it));
        let odd_new = news
            .iter()
            .find(|it| computed(it) || keyed(after, it) || build::constrained_domain(pairs.input.after, &it.ty));
        let odd = odd_old.or(odd_new)?;
        Some(format!("{} is generated, part of a key, or of a domain with checks", odd.name))
    })
}

/// Why no trigger can be put on a table for this.
fn plain(pairs: &Pairs<'_>, before: &Table, after: &Table) -> Option<String> {
    let heirs = pairs.base.tables.values().any(|it| it.inherits.contains(&before.name));
    let tied = |it: &Table| it.partition_of.is_some() || !it.inherits.is_empty();
    if heirs || tied(before) || tied(after) {
        return Some(format!("{} shares its columns with other tables", before.name));
    }
    (before.persistence == Persistence::Temporary).then(|| format!("{} is temporary", before.name))
}

/// One text column became several that share a word with it, or several became one.
fn suggested_group(pairs: &mut Pairs<'_>, table: &Name) {
    let usable = |it: &Column| is_text(&it.ty) && it.generated.is_none();
    let olds: Vec<Column> = gone(pairs, table).into_iter().filter(usable).collect();
    if olds.is_empty() {
        return;
    }
    let free = |pairs: &Pairs<'_>, it: &Column| usable(it) && it.default.is_none() && unsaid(pairs, table, it);
    let news: Vec<Column> = come(pairs, table).into_iter().filter(|it| free(pairs, it)).collect();
    let alike = |a: &Column, b: &Column| shares_word(&a.name, &b.name);
    let (word, olds, news) = match (olds.as_slice(), news.as_slice()) {
        ([old], many) => {
            let parts: Vec<Column> = many.iter().filter(|it| alike(old, it)).cloned().collect();
            (SPLIT, vec![old.clone()], parts)
        }
        (many, [new]) => {
            let parts: Vec<Column> = many.iter().filter(|it| alike(it, new)).cloned().collect();
            (MERGE, parts, vec![new.clone()])
        }
        _ => return,
    };
    if olds.len().max(news.len()) < 2
        || olds.is_empty()
        || news.is_empty()
        || impossible(pairs, table, &olds, &news).is_some()
    {
        return;
    }
    let (from, to) = (names(&olds), names(&news));
    let about = match word {
        SPLIT => format!(
            "Is {table}.{from} split into {to} (by words), renamed to one of them, or do they have nothing to do with it?"
        ),
        _ => format!(
            "Are {table}.{from} merged into {to} (joined by blanks), is one of them renamed, or do they have nothing to do with it?"
        ),
    };
    let choices = [word, intent::RENAME, DROP_AND_ADD].map(str::to_owned).to_vec();
    let id = format!("{word}:{table}.{from}>{to}");
    let objects = columns(table, &news).into_iter().chain(columns(table, &olds)).collect();
    let question = intent::question(pairs, (id, about), objects, choices, word);
    let choice = question.assumed.clone();
    pairs.questions.push(question);
    match choice.as_str() {
        DROP_AND_ADD => pairs.unrelated.extend(news.iter().map(|it| (table.clone(), it.name.clone()))),
        intent::RENAME => {}
        _ => settle_group(pairs, table, &olds, &news),
    }
}

fn shares_word(a: &Ident, b: &Ident) -> bool {
    a.as_str().split('_').any(|word| word.len() > 1 && b.as_str().split('_').any(|it| it == word))
}

/// A column that is said to come from another table.
struct Arrival {
    source: Name,
    from: Column,
    target: Name,
    to: Column,
    /// As annotated or answered: columns of the target, each with that of the source.
    key: Option<String>,
}

fn annotated_moves(pairs: &mut Pairs<'_>) {
    let said: Vec<(Name, Ident, String, Option<String>)> = pairs
        .input
        .after
        .annotations
        .iter()
        .filter_map(|(object, all)| {
            let ObjectRef::Column(target, to) = object else { return None };
            let it = all.iter().find(|it| it.key == "moved").filter(|_| !all.iter().any(|it| it.key == "new"))?;
            Some((target.clone(), to.clone(), it.argument("from")?.to_owned(), it.argument("key").map(str::to_owned)))
        })
        .collect();
    let mut arrivals = Vec::new();
    for (target, to, from, key) in said {
        let Some(to) = come(pairs, &target).into_iter().find(|it| it.name == to) else { continue };
        let Some((table, column)) = from.rsplit_once('.') else { continue };
        let source = match table.split_once('.') {
            Some((schema, name)) => Name::new(schema, name),
            None => target.sibling(Ident::new(table)),
        };
        let Some(from) = gone(pairs, &source).into_iter().find(|it| it.name.as_str() == column) else { continue };
        let id = format!("key:{target}.{}", to.name);
        let answered = pairs.input.answers.by_id.get(&id).and_then(|it| it.strip_prefix("key:"));
        arrivals.push(Arrival { source, from, key: key.or(answered.map(str::to_owned)), target, to });
    }
    for arrival in arrivals {
        match way(pairs, &arrival) {
            Ok(mirror) => take(pairs, mirror),
            Err(why) => {
                let Arrival { source, from, target, to, .. } = &arrival;
                let id = format!("key:{target}.{}", to.name);
                let about = format!(
                    "{source}.{} cannot move to {target}.{}: {why}. Which columns of {target} tell its row of {source} (column, or column:column of {source})? Until it is known, {source}.{} stays",
                    from.name, to.name, from.name
                );
                let objects = columns(target, std::slice::from_ref(to));
                let more = vec!["key:…".to_owned()];
                keep_or_drop(pairs, source, std::slice::from_ref(from), (id, about), objects, more);
            }
        }
    }
}

/// A column went from one table and came, with its name and type, to one whose rows are told by the same key.
fn suggested_moves(pairs: &mut Pairs<'_>, both: &[Name]) {
    for source in both {
        for from in gone(pairs, source) {
            let targets: Vec<Name> = pairs.input.after.tables.keys().filter(|it| *it != source).cloned().collect();
            let found = targets.into_iter().find_map(|target| {
                // A new table is no target of its own: what else would its columns be but new?
                let to = come(pairs, &target).into_iter().find(|it| it.name == from.name && it.ty == from.ty)?;
                if !unsaid(pairs, &target, &to) {
                    return None;
                }
                let arrival = Arrival { source: source.clone(), from: from.clone(), target, to, key: None };
                way(pairs, &arrival).ok()
            });
            let Some(mirror) = found else { continue };
            let id = format!("{MOVE}:{source}.{}>{}.{}", from.name, mirror.target, from.name);
            let about = format!(
                "Has {source}.{0} moved to {1}.{0}, or are they two columns that share a name?",
                from.name, mirror.target
            );
            let choices = [MOVE, DROP_AND_ADD].map(str::to_owned).to_vec();
            let objects = columns(&mirror.target, std::slice::from_ref(&from))
                .into_iter()
                .chain(columns(source, std::slice::from_ref(&from)))
                .collect();
            let question = intent::question(pairs, (id, about), objects, choices, MOVE);
            let moved = question.assumed == MOVE;
            pairs.questions.push(question);
            if moved {
                take(pairs, mirror);
            } else {
                pairs.unrelated.insert((mirror.target, from.name.clone()));
            }
        }
    }
}

/// Columns between the same rows of the same tables move together.
fn take(pairs: &mut Pairs<'_>, mirror: Mirror) {
    let reshapes = &mut pairs.reshapes;
    for one in &mirror.columns {
        reshapes.old.insert((mirror.source.clone(), one.from.clone()));
        reshapes.new.insert((mirror.target.clone(), one.to.clone()));
    }
    let same = |it: &&mut Mirror| it.source == mirror.source && it.target == mirror.target && it.key == mirror.key;
    match reshapes.moves.iter_mut().find(same) {
        Some(known) => known.columns.extend(mirror.columns),
        None => reshapes.moves.push(mirror),
    }
}

/// How one column gets over; else why it cannot.
fn way(pairs: &Pairs<'_>, it: &Arrival) -> Result<Mirror, String> {
    let (source, target) = (&it.source, &it.target);
    let after = pairs.input.after;
    let (Some(t), Some(t_after), Some(u)) = (pairs.base.table(source), after.table(source), after.table(target)) else {
        return Err(format!("{source} goes as a whole"));
    };
    if let Some(why) = plain(pairs, t, t_after).or_else(|| plain(pairs, pairs.base.table(target).unwrap_or(u), u)) {
        return Err(why);
    }
    if t.partition_by.is_some() || u.partition_by.is_some() {
        return Err("one of the tables is partitioned".to_owned());
    }
    let computed = |it: &Column| it.generated.is_some() || it.identity.is_some();
    if computed(&it.from) || computed(&it.to) || build::constrained_domain(after, &it.to.ty) {
        return Err("it is generated, or of a domain with checks".to_owned());
    }
    if it.from.ty != it.to.ty {
        return Err(format!("its type changes from {} to {} on the way", it.from.ty, it.to.ty));
    }
    if t.primary_key().is_some_and(|key| rebuilt::constraint_mentions(key, &it.from.name)) {
        return Err("it is part of the primary key".to_owned());
    }
    let key = match &it.key {
        Some(said) => said_key(t, u, said)?,
        None => key_between(t_after, u).ok_or_else(|| many(t_after, u))?,
    };
    let there = |(a, b): &(Ident, Ident)| {
        t.column(a).is_some() && pairs.base.table(target).is_none_or(|it| it.column(b).is_some())
    };
    if !key.iter().all(there) {
        return Err("the columns that join the tables are new themselves".to_owned());
    }
    let own: Vec<Ident> = key.iter().map(|it| it.1.clone()).collect();
    if !uniques(u).any(|it| same_set(it, &own)) {
        return Err(format!("{} is not unique in {target}", list(&own)));
    }
    let makes = pairs.base.table(target).is_none();
    Ok(Mirror { source: source.clone(), target: target.clone(), key, columns: vec![moved(pairs, it)], makes })
}

fn moved(pairs: &Pairs<'_>, it: &Arrival) -> Moved {
    let filler = if it.to.not_null { build::filler(&Builder { pairs }, &it.to) } else { None };
    Moved {
        from: it.from.name.clone(),
        to: it.to.name.clone(),
        ty: it.to.ty.clone(),
        from_default: steady_default(pairs, &it.from, true),
        to_default: steady_default(pairs, &it.to, false),
        filler,
    }
}

/// New tables that cannot take a row of key and moved columns alone: their moves are taken back.
fn check_makers(pairs: &mut Pairs<'_>) {
    let mut refused: Vec<(Mirror, Ident)> = Vec::new();
    for mirror in pairs.reshapes.moves.iter().filter(|it| it.makes) {
        let Some(table) = pairs.input.after.table(&mirror.target) else { continue };
        let carried = |it: &Column| {
            mirror.key.iter().any(|(_, to)| *to == it.name) || mirror.columns.iter().any(|one| one.to == it.name)
        };
        let lacking = table.columns.iter().find(|it| {
            it.not_null && it.default.is_none() && it.identity.is_none() && it.generated.is_none() && !carried(it)
        });
        if let Some(column) = lacking {
            refused.push((mirror.clone(), column.name.clone()));
        }
    }
    for (mirror, lacking) in refused {
        let reshapes = &mut pairs.reshapes;
        reshapes.moves.retain(|it| *it != mirror);
        for one in &mirror.columns {
            reshapes.old.remove(&(mirror.source.clone(), one.from.clone()));
            reshapes.new.remove(&(mirror.target.clone(), one.to.clone()));
        }
        pairs.questions.retain(|it| !it.id.starts_with(&format!("{MOVE}:{}.", mirror.source)));
        let (source, target) = (&mirror.source, &mirror.target);
        for one in &mirror.columns {
            let Some(from) = pairs.base.table(source).and_then(|it| it.column(&one.from)).cloned() else { continue };
            let id = format!("{MOVE}:{source}.{}>{target}.{}", one.from, one.to);
            let about = format!(
                "{source}.{} cannot move to {target}.{}: a row of {target} needs {lacking}, which has no default. What is to happen?",
                one.from, one.to
            );
            let objects = vec![ObjectRef::Column(target.clone(), one.to.clone())];
            keep_or_drop(pairs, source, &[from], (id, about), objects, Vec::new());
        }
    }
}

/// `column`, or `column:column_of_source,…`.
fn said_key(t: &Table, u: &Table, said: &str) -> Result<Vec<(Ident, Ident)>, String> {
    let primary: Vec<Ident> = t.primary_key().map(columns_of).unwrap_or_default().to_vec();
    let mut res = Vec::new();
    for (at, part) in said.split(',').enumerate() {
        let (own, theirs) = match part.split_once(':') {
            Some((own, theirs)) => (Ident::new(own.trim()), Some(Ident::new(theirs.trim()))),
            None => (Ident::new(part.trim()), primary.get(at).cloned()),
        };
        let theirs = theirs.ok_or_else(|| format!("{} has no primary key that {own} could point at", t.name))?;
        if u.column(&own).is_none() || t.column(&theirs).is_none() {
            return Err(format!("there is no {}.{own}, or no {}.{theirs}", u.name, t.name));
        }
        res.push((theirs, own));
    }
    let sources: Vec<Ident> = res.iter().map(|it| it.0.clone()).collect();
    if !uniques(t).any(|it| same_set(it, &sources)) {
        return Err(format!("{} is not unique in {}", list(&sources), t.name));
    }
    Ok(res)
}

/// (source, target): a foreign key either way that is unique at both ends, or equal primary keys.
fn key_between(t: &Table, u: &Table) -> Option<Vec<(Ident, Ident)>> {
    let keys = |from: &Table, to: &Table| -> Option<Vec<(Ident, Ident)>> {
        from.constraints.iter().find_map(|it| match &it.kind {
            ConstraintKind::ForeignKey(fk)
                if fk.references == to.name && uniques(from).any(|it| same_set(it, &fk.columns)) =>
            {
                Some(fk.columns.iter().cloned().zip(fk.referenced_columns.iter().cloned()).collect())
            }
            _ => None,
        })
    };
    let turned = |it: Vec<(Ident, Ident)>| it.into_iter().map(|(a, b)| (b, a)).collect();
    let equal = || {
        let (a, b) = (columns_of(t.primary_key()?), columns_of(u.primary_key()?));
        let typed = |it: &Ident| t.column(it).map(|it| &it.ty) == u.column(it).map(|it| &it.ty);
        (a == b && a.iter().all(typed)).then(|| a.iter().cloned().zip(b.iter().cloned()).collect())
    };
    // Where a foreign key joins many rows with one, keys of one name have nothing to do with each other.
    let joined = points(t, u) || points(u, t);
    keys(u, t).map(turned).or_else(|| keys(t, u)).or_else(|| equal().filter(|_| !joined))
}

fn points(from: &Table, to: &Table) -> bool {
    from.constraints.iter().any(|it| matches!(&it.kind, ConstraintKind::ForeignKey(fk) if fk.references == to.name))
}

/// Why no row of one table is that of the other.
fn many(source: &Table, target: &Table) -> String {
    let (t, u) = (&source.name, &target.name);
    if points(source, target) {
        return format!("many rows of {t} may point at one of {u}, and only one of their values could stay");
    }
    if points(target, source) {
        return format!(
            "many rows of {u} may point at one of {t}, and a write to one of them would not be one to the others"
        );
    }
    "no foreign key and no equal primary key joins one row of each".to_owned()
}

fn columns_of(key: &Constraint) -> &[Ident] {
    match &key.kind {
        ConstraintKind::PrimaryKey(it) | ConstraintKind::Unique(it) => &it.columns,
        _ => &[],
    }
}

/// Column lists that are unique by a constraint which holds at once.
fn uniques(table: &Table) -> impl Iterator<Item = &[Ident]> {
    let keys = table.constraints.iter().filter(|it| {
        matches!(&it.kind, ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key) if !key.without_overlaps)
            && !it.deferrable
    });
    keys.map(columns_of)
}

fn same_set(a: &[Ident], b: &[Ident]) -> bool {
    a.len() == b.len() && a.iter().all(|it| b.contains(it))
}

fn list(names: &[Ident]) -> String {
    names.iter().map(Ident::to_string).collect::<Vec<_>>().join(", ")
}
