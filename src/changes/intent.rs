//! What a diff cannot know: is a dropped and an added thing a rename? Annotations and answers say so, else a question does.

use super::{Builder, pairs::Pairs, reshape};
use crate::{catalog::Catalog, plan::Question, sql::*};

pub const RENAME: &str = "rename";
pub const DROP_AND_ADD: &str = "drop-and-add";
pub const KEEP: &str = "keep";

/// Finds tables that were renamed or moved and applies that to `pairs.base`.
pub fn rename_tables(pairs: &mut Pairs<'_>) {
    let (before, after) = (pairs.input.before, pairs.input.after);
    let mut dropped: Vec<&Name> = before.tables.keys().filter(|it| !after.tables.contains_key(it)).collect();
    let added: Vec<&Name> = after.tables.keys().filter(|it| !before.tables.contains_key(it)).collect();
    for to in added {
        let object = ObjectRef::Table(to.clone());
        let said = annotated(pairs, &object);
        let from = match &said {
            Some(Said::New) => continue,
            Some(Said::From(name)) => dropped
                .iter()
                .find(|it| it.name == name.name && name.schema.as_ref().is_none_or(|s| it.schema.as_ref() == Some(s))),
            None => dropped
                .iter()
                .filter(|from| before.table(from).is_some_and(|a| after.table(to).is_some_and(|b| alike(a, b))))
                .max_by_key(|from| closeness(&from.name, &to.name)),
        };
        let Some(from) = from.map(|it| (*it).clone()) else { continue };
        let asked = said.is_none().then(|| {
            (format!("rename:{from}>{to}"), format!("Is table {to} the old {from} under a new name, or another table?"))
        });
        if settle(pairs, asked, vec![object, ObjectRef::Table(from.clone())]) {
            dropped.retain(|it| **it != from);
            move_table(pairs, from, to.clone());
        }
    }
}

fn move_table(pairs: &mut Pairs<'_>, from: Name, to: Name) {
    let mut now = from.clone();
    if from.schema != to.schema
        && let Some(schema) = &to.schema
    {
        if pairs.base.apply(&Ddl::SetTableSchema { name: now.clone(), schema: schema.clone() }).is_err() {
            return;
        }
        now.schema = Some(schema.clone());
    }
    if now.name != to.name
        && pairs.base.apply(&Ddl::RenameTable { from: now, to: to.name.clone(), if_exists: false }).is_err()
    {
        return;
    }
    pairs.renamed_tables.push((from, to));
}

/// Finds columns of one table that were renamed: (before, after). Those that are `settled` are not looked at.
pub fn rename_columns(
    pairs: &mut Pairs<'_>,
    table: &Name,
    before: &Table,
    after: &Table,
    settled: &[(Ident, Ident)],
) -> Vec<(Ident, Ident)> {
    // A column that a parent hands down is renamed there or not at all.
    let parents: Vec<Name> =
        super::pairs::parents(before).filter(|it| super::pairs::parents(after).any(|of| of == *it)).cloned().collect();
    let handed = |catalog: &Catalog, column: &Ident| {
        parents.iter().any(|it| catalog.table(it).is_some_and(|it| it.column(column).is_some()))
    };
    let free = |it: &&Column| {
        let settled_above = handed(pairs.input.before, &it.name);
        let kept = pairs.reshapes.kept.contains(&(table.clone(), it.name.clone()));
        let settled = settled.iter().any(|(from, _)| *from == it.name);
        after.column(&it.name).is_none()
            && !settled_above
            && !kept
            && !settled
            && !pairs.reshapes.takes_old(table, &it.name)
    };
    let mut dropped: Vec<&Column> = before.columns.iter().filter(free).collect();
    let mut res = Vec::new();
    if dropped.is_empty() {
        return res;
    }
    let added = after.columns.iter().filter(|it| before.column(&it.name).is_none());
    let added = added.filter(|it| !settled.iter().any(|(_, to)| *to == it.name));
    let added: Vec<&Column> = added.filter(|it| !pairs.reshapes.takes_new(table, &it.name)).collect();
    for new in added {
        if pairs.unrelated.contains(&(table.clone(), new.name.clone())) {
            continue;
        }
        let said = annotated(pairs, &ObjectRef::Column(table.clone(), new.name.clone()));
        let from = match &said {
            Some(Said::New) => continue,
            Some(Said::From(name)) => dropped.iter().find(|it| it.name == name.name),
            None => {
                let like =
                    dropped.iter().filter(|it| it.ty == new.ty && it.generated.is_none() == new.generated.is_none());
                like.max_by_key(|it| closeness(&it.name, &new.name))
            }
        };
        let Some(from) = from.map(|it| it.name.clone()) else { continue };
        let asked = said.is_none().then(|| {
            (
                format!("rename:{table}.{from}>{}", new.name),
                format!("Is {table}.{} the old {from} under a new name, or another column?", new.name),
            )
        });
        let objects = [&new.name, &from].map(|it| ObjectRef::Column(table.clone(), it.clone())).to_vec();
        if settle(pairs, asked, objects) {
            dropped.retain(|it| it.name != from);
            res.push((from, new.name.clone()));
        }
    }
    res
}

/// A sequence keeps its column and gets another name, as when a serial's table is renamed.
pub fn rename_sequences(pairs: &mut Pairs<'_>) {
    let gone = pairs.base.sequences.values().filter(|it| !pairs.input.after.sequences.contains_key(&it.name));
    let mut found = Vec::new();
    for old in gone {
        let Some((table, column)) = &old.owned_by else { continue };
        let owner = Some((table.clone(), pairs.carried_column(table, column)));
        let new = pairs
            .input
            .after
            .sequences
            .values()
            .find(|it| it.owned_by == owner && !pairs.base.sequences.contains_key(&it.name));
        if let Some(new) = new.filter(|it| it.name.schema == old.name.schema) {
            found.push((old.name.clone(), new.name.clone()));
        }
    }
    for (from, to) in found {
        if pairs.base.apply(&Ddl::RenameSequence { from: from.clone(), to: to.name.clone() }).is_ok() {
            pairs.renamed_sequences.push((from, to));
        }
    }
}

enum Said {
    From(Name),
    New,
}

/// `-- @renamed from=x` or `-- @new` at the object in `after`.
fn annotated(pairs: &Pairs<'_>, object: &ObjectRef) -> Option<Said> {
    annotations(pairs, object).iter().find_map(|it| match it.key.as_str() {
        "renamed" => {
            let from = it.argument("from")?;
            Some(Said::From(match from.split_once('.') {
                Some((schema, name)) => Name::new(schema, name),
                None => Name::bare(from),
            }))
        }
        "new" => Some(Said::New),
        _ => None,
    })
}

/// What the files say of an object of `after`.
pub fn annotations<'a>(pairs: &Pairs<'a>, object: &ObjectRef) -> &'a [Annotation] {
    pairs.input.after.annotations.get(object).map_or(&[], Vec::as_slice)
}

/// A question with its answer, if one was given that is among the choices; else with what is assumed.
pub fn question(
    pairs: &Pairs<'_>,
    (id, about): (String, String),
    objects: Vec<ObjectRef>,
    choices: Vec<String>,
    assumed: &str,
) -> Question {
    let answers = pairs.input.answers;
    let mut res = Question { id, about, choices, assumed: assumed.to_owned(), answered: false, objects };
    let answer = answers.by_id.get(&res.id).or(answers.assume.as_ref());
    if let Some(answer) = answer.filter(|it| res.accepts(it)) {
        res.assumed.clone_from(answer);
        res.answered = true;
    }
    res
}

/// Is it a rename? `asked` is the question's id and text; `None`: an annotation has said so.
/// Without an answer the rename is assumed: it loses nothing.
fn settle(pairs: &mut Pairs<'_>, asked: Option<(String, String)>, objects: Vec<ObjectRef>) -> bool {
    let Some(asked) = asked else { return true };
    let question = question(pairs, asked, objects, vec![RENAME.into(), DROP_AND_ADD.into()], RENAME);
    let rename = question.assumed == RENAME;
    pairs.questions.push(question);
    rename
}

/// The question which value rows get that have none: a value, or `none` for those whose writers give it.
pub fn fill_question(
    b: &Builder<'_>,
    table: &Name,
    column: &Ident,
    about: String,
    proposed: Option<String>,
) -> Question {
    let object = ObjectRef::Column(table.clone(), column.clone());
    let said =
        annotations(b.pairs, &object).iter().find(|it| it.key == "backfill").map(|it| format!("value:{}", it.value));
    let proposed = proposed.map(|it| format!("value:{it}"));
    let mut choices = vec!["none".to_owned(), "value:…".to_owned()];
    choices.extend(proposed.clone());
    let assumed: String = said.clone().or(proposed).unwrap_or_else(|| "none".to_owned());
    let res = question(b.pairs, (format!("fill:{table}.{column}"), about), vec![object], choices, &assumed);
    match said {
        // The file speaks for itself, whatever the command line says.
        Some(said) => Question { assumed: said, answered: true, ..res },
        None => res,
    }
}

/// The value that a [`fill_question`] came to.
pub fn fill_value(question: &Question) -> Option<String> {
    question.assumed.strip_prefix("value:").map(str::to_owned)
}

/// Partitions of one table for different rows: one goes and another comes as time passes, and no row is of both.
fn are_siblings(before: &Table, after: &Table) -> bool {
    matches!((&before.partition_of, &after.partition_of), (Some(a), Some(b)) if a.parent == b.parent && a.bound != b.bound)
}

/// Two tables are likely one when at least two thirds of their columns agree in name and type.
fn alike(before: &Table, after: &Table) -> bool {
    if are_siblings(before, after) {
        return false;
    }
    let same = after.columns.iter().filter(|new| before.column(&new.name).is_some_and(|old| old.ty == new.ty)).count();
    let most = before.columns.len().max(after.columns.len());
    same > 0 && same * 3 >= most * 2
}

/// How much two names have in common: shared words, then shared beginning and end.
fn closeness(a: &Ident, b: &Ident) -> usize {
    let (a, b) = (a.as_str(), b.as_str());
    let words = a.split('_').filter(|word| b.split('_').any(|it| it == *word)).count();
    let prefix = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let suffix = a.bytes().rev().zip(b.bytes().rev()).take_while(|(a, b)| a == b).count();
    words * 100 + prefix + suffix
}

/// What a choice among a question's answers is as an annotation: a title for people, and the comment for each object it
/// must stand at. `None`: a choice that leaves things as they are, or one that takes a value nobody has given yet.
pub fn annotation(question: &Question, choice: &str, after: &Catalog) -> Option<(String, Vec<(ObjectRef, String)>)> {
    let there = |it: &&ObjectRef| match it {
        ObjectRef::Column(table, column) => after.table(table).is_some_and(|it| it.column(column).is_some()),
        ObjectRef::Table(table) => after.tables.contains_key(table),
        _ => false,
    };
    let (news, olds): (Vec<&ObjectRef>, Vec<&ObjectRef>) = question.objects.iter().partition(there);
    let bare = |it: &&ObjectRef| match it {
        ObjectRef::Column(_, column) => column.to_string(),
        other => other.to_string(),
    };
    let list = |it: &[&ObjectRef], glue: &str| it.iter().map(bare).collect::<Vec<_>>().join(glue);
    let at = |words: String| news.iter().map(|it| ((*it).clone(), words.clone())).collect();
    let first = news.first()?;
    if question.id.starts_with("partition:") {
        let (_, table) = question.id.split_once(':')?;
        let chosen = news.iter().find(|it| it.to_string() == choice)?;
        let name = table.rsplit('.').next().unwrap_or(table);
        let annotation = format!("-- @renamed from={}", quoted(name));
        return Some((format!("{choice} takes the rows of {table}"), vec![((*chosen).clone(), annotation)]));
    }
    Some(match choice {
        RENAME => {
            let old = bare(olds.first()?);
            let mut all = vec![((*first).clone(), format!("-- @renamed from={}", quoted(&old)))];
            all.extend(news.iter().skip(1).map(|it| ((*it).clone(), "-- @new".to_owned())));
            (format!("Treat as rename: {old} is now {}", bare(first)), all)
        }
        DROP_AND_ADD => {
            let (new, old) = (list(&news, ", "), list(&olds, ", "));
            (format!("Treat as drop and add: {new} has nothing to do with {old}"), at("-- @new".to_owned()))
        }
        reshape::SPLIT => {
            let (old, new) = (list(&olds, ","), list(&news, ", "));
            (format!("Treat as split of {old} into {new}"), at(format!("-- @split from={}", quoted(&old))))
        }
        reshape::MERGE => {
            let olds: Vec<String> = olds.iter().map(|it| quoted(&bare(it))).collect();
            (
                format!("Treat as merge of {} into {}", olds.join(", "), bare(first)),
                at(format!("-- @merge from={}", olds.join(","))),
            )
        }
        reshape::MOVE => {
            let old = olds.first()?.to_string();
            (format!("Treat as moved from {old}"), at(format!("-- @moved from={}", quoted(&old))))
        }
        _ => {
            let value = choice.strip_prefix("value:").filter(|it| *it != "…")?;
            let word = question.id.split_once(':').map_or("", |it| it.0);
            let (title, key) = match word {
                "fill" => (format!("Give rows without a value {value}"), "backfill"),
                "using" => (format!("Convert by {value}"), "using"),
                _ => return None,
            };
            (title, at(format!("-- @{key} {value}")))
        }
    })
}

/// A name as an annotation takes it: in quotes when it holds anything but word characters.
fn quoted(name: &str) -> String {
    let plain = name.chars().all(|it| it.is_alphanumeric() || it == '_' || it == '.' || it == '$');
    if plain { name.to_owned() } else { format!("\"{name}\"") }
}
