//! Sequences.

use std::sync::Arc;

use super::{Builder, Kind, Outline, Tx, pairs::Pairs};
use crate::{
    catalog::Catalog,
    dialect::Capability,
    page::page,
    plan::{Action, PhaseKind::*, Undo},
    sql::{DataType, Ddl, Name, ObjectRef, Persistence, Sequence, SequenceOptions},
};

page! {
    /// # Create, change or drop a sequence
    ///
    /// Changing a sequence makes `nextval` wait for a moment; its numbers go on where they were. A sequence that a column owns goes
    /// when the column goes.
    ///
    /// ```sql before
    /// CREATE SEQUENCE ticket_no;
    /// ```
    /// ```sql after
    /// CREATE SEQUENCE ticket_no INCREMENT BY 10;
    /// CREATE SEQUENCE batch_no;
    /// ```
    /// ```plan
    /// Expand: create sequence batch_no; change sequence ticket_no
    ///   CREATE SEQUENCE batch_no
    ///   ALTER SEQUENCE ticket_no INCREMENT BY 10
    ///     with the step above
    ///     lock: ShareRowExclusive on ticket_no, brief
    ///   undo: ALTER SEQUENCE ticket_no INCREMENT BY 1
    ///   undo: DROP SEQUENCE batch_no
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeSequence {
    before: Option<Arc<Sequence>>,
    after: Option<Arc<Sequence>>,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<ChangeSequence> {
    let (base, after) = (&pairs.base.sequences, &pairs.input.after.sequences);
    let kept = after.values().filter_map(|new| {
        let old = base.get(&new.name);
        let owner = |it: &Sequence| {
            it.owned_by.as_ref().map(|(table, column)| (table.clone(), pairs.carried_column(table, column)))
        };
        let same = old.is_some_and(|old| old.options == new.options && owner(old) == new.owned_by);
        (!same).then(|| ChangeSequence { before: old.cloned(), after: Some(new.clone()) })
    });
    // One that goes with its column or table needs no step.
    let falls = |it: &Sequence| {
        it.owned_by.as_ref().is_some_and(|(table, column)| match pairs.pair(table) {
            Some(pair) => pair.dropped.contains(column),
            None => !pairs.input.after.tables.contains_key(table),
        })
    };
    let gone = base.values().filter(|it| !after.contains_key(&it.name) && !falls(it));
    kept.chain(gone.map(|it| ChangeSequence { before: Some(it.clone()), after: None })).collect()
}

/// The least and the greatest number, said or not.
fn bounds(options: &SequenceOptions) -> (i64, i64) {
    let top = match options.ty.as_ref().map(|it| it.name.as_str()) {
        Some("smallint") => i64::from(i16::MAX),
        Some("integer") => i64::from(i32::MAX),
        _ => i64::MAX,
    };
    let (min, max) = if options.increment.unwrap_or(1) < 0 { (-top - 1, -1) } else { (1, top) };
    (options.min.unwrap_or(min), options.max.unwrap_or(max))
}

/// ALTER SEQUENCE refuses bounds that leave out where the sequence stands: it goes to the nearest number that it may
/// give, if it is not there.
fn within(b: &Builder<'_>, name: &Name, before: &SequenceOptions, after: &SequenceOptions) -> Vec<Action> {
    let ((old_min, old_max), (min, max)) = (bounds(before), bounds(after));
    let relation = b.dialect().quote_name(name);
    let to = |value: i64, called: bool, test: &str| {
        let literal = b.dialect().literal(&relation);
        Action::Data(format!(
            "SELECT setval({literal}, {value}, {called}) FROM {relation} WHERE last_value {test} {value}"
        ))
    };
    let mut res = Vec::new();
    if min > old_min && min <= old_max {
        res.push(to(min, false, "<"));
    }
    if max < old_max && max >= old_min {
        res.push(to(max, true, ">"));
    }
    res
}

/// What must be said to get from one set of options to another, defaults written out.
pub(super) fn set_options(before: &SequenceOptions, after: &SequenceOptions) -> SequenceOptions {
    let increment = after.increment.unwrap_or(1);
    let ty = after.ty.clone().unwrap_or_else(|| DataType::builtin("bigint"));
    let (min, max) = bounds(&SequenceOptions { min: None, max: None, ..after.clone() });
    // Where it starts follows its bounds only when it is made; later it must be said.
    let start = |it: &SequenceOptions| it.start.or(if it.increment.unwrap_or(1) < 0 { it.max } else { it.min });
    let first = if increment < 0 { max } else { min };
    let (was, is) = (start(before).unwrap_or(first), start(after).unwrap_or(first));
    let changed = |old: Option<i64>, new: Option<i64>, default: i64| (old != new).then(|| new.unwrap_or(default));
    SequenceOptions {
        ty: (before.ty != after.ty).then_some(ty),
        start: (was != is).then_some(is),
        increment: changed(before.increment, after.increment, 1),
        min: changed(before.min, after.min, min),
        max: changed(before.max, after.max, max),
        cache: changed(before.cache, after.cache, 1),
        cycle: after.cycle,
        name: None,
    }
}

impl Kind for ChangeSequence {
    fn kind(&self) -> &'static str {
        match (&self.before, &self.after) {
            (None, _) => "create_sequence",
            (_, None) => "drop_sequence",
            _ => "change_sequence",
        }
    }

    fn object(&self) -> ObjectRef {
        let it = self.after.as_ref().or(self.before.as_ref());
        ObjectRef::Sequence(it.map(|it| it.name.clone()).unwrap_or_default())
    }

    fn describe(&self) -> String {
        format!("{} sequence {}", self.kind().trim_end_matches("_sequence"), self.object())
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        let own = |it: &Sequence| Ddl::AlterSequence {
            name: it.name.clone(),
            set: SequenceOptions::default(),
            restart: None,
            owned_by: Some(it.owned_by.clone()),
            if_exists: false,
        };
        match (&self.before, &self.after) {
            (None, Some(it)) => {
                // It is logged or not as its table is, and becomes so with it.
                let table = |of: &'_ Catalog| of.table(&it.owned_by.as_ref()?.0).map(|it| it.persistence);
                let as_table = table(b.after()) == Some(it.persistence);
                let persistence = table(&b.pairs.base).filter(|_| as_table).unwrap_or(it.persistence);
                let logged = persistence == Persistence::Unlogged && !b.can(Capability::UnloggedSequences);
                let persistence = if logged { Persistence::Permanent } else { persistence };
                let free = Sequence { owned_by: None, persistence, ..(**it).clone() };
                acc.step(
                    Expand,
                    Ddl::CreateSequence { sequence: Box::new(free), if_not_exists: false },
                    "nobody waits for a new sequence",
                );
                if it.owned_by.is_some() {
                    acc.step(Expand, own(it), "the sequence goes when its column goes");
                }
            }
            (Some(it), None) => {
                acc.step(
                    Contract,
                    Ddl::DropSequence { name: it.name.clone(), if_exists: false, cascade: false },
                    "nobody takes numbers from it any more",
                );
            }
            (Some(before), Some(it)) => {
                let alter = |set| Ddl::AlterSequence {
                    name: it.name.clone(),
                    set,
                    restart: None,
                    owned_by: None,
                    if_exists: false,
                };
                // NO CYCLE, and nothing else.
                let stop = || alter(SequenceOptions::default());
                if before.options.cycle && !it.options.cycle {
                    acc.step(Expand, stop(), "it ends at its bound");
                }
                let settled = SequenceOptions { cycle: it.options.cycle, ..before.options.clone() } == it.options
                    && !it.options.cycle;
                if before.options != it.options && !settled {
                    let group = format!("sequence:{}", it.name);
                    for moved in within(b, &it.name, &before.options, &it.options) {
                        acc.push(Expand, moved, Tx::Group(group.clone()), "it must stand within its bounds")
                            .undo(Undo::Nothing);
                    }
                    let back = within(b, &it.name, &it.options, &before.options);
                    let there = alter(set_options(&before.options, &it.options));
                    let step = acc.grouped(Expand, &group, there, "nextval waits for a moment");
                    let cycles = it.options.cycle && !before.options.cycle;
                    if cycles || !back.is_empty() {
                        let home = alter(set_options(&it.options, &before.options));
                        let stop = cycles.then(stop).map(Action::Ddl);
                        step.undo(Undo::By(back.into_iter().chain([Action::Ddl(home)]).chain(stop).collect()));
                    }
                }
                let owner = before
                    .owned_by
                    .as_ref()
                    .map(|(table, column)| (table.clone(), b.pairs.carried_column(table, column)));
                if owner != it.owned_by {
                    acc.step(Expand, own(it), "the sequence goes when its column goes");
                }
            }
            (None, None) => {}
        }
    }
}
