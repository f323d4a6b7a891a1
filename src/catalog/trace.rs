//! What a step of a build asked of the catalog and did to it, so that it need not be taken again.
//!
//! A step's outcome and effects follow from the statement and from the entries it asked for. When the statements
//! change, a step that asked for nothing that is different now has the effects it had.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use smol_str::SmolStr;

use super::{
    ApplyError, Catalog, Hidden, Origin,
    map::{Notes, hash},
};
use crate::sql::*;

/// An entry of a catalog: its map, and the hash of its key with that.
type Place = (u8, u64);

fn place(map: u8, key: u64) -> Place {
    (map, key ^ u64::from(map).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

macro_rules! entries {
    ($($map:literal $variant:ident($($field:tt).+): $key:ty => $value:ty;)*) => {
        /// An entry of a catalog before and after a step, or in two catalogs.
        #[derive(Clone)]
        pub(super) enum Change {
            $($variant { key: $key, before: Option<$value>, after: Option<$value> },)*
        }

        impl Change {
            pub fn place(&self) -> Place {
                match self {
                    $(Self::$variant { key, .. } => place($map, hash(key)),)*
                }
            }

            /// Both are the same.
            pub fn is_none(&self) -> bool {
                match self {
                    $(Self::$variant { before, after, .. } => before == after,)*
                }
            }

            /// Makes the entry what it is `after`.
            pub fn put(&self, catalog: &mut Catalog) {
                match self {
                    $(Self::$variant { key, after: Some(it), .. } => drop(catalog.$($field).+.insert(key.clone(), it.clone())),
                    Self::$variant { key, after: None, .. } => drop(catalog.$($field).+.remove(key)),)*
                }
            }

            fn turned(&self) -> Self {
                match self.clone() {
                    $(Self::$variant { key, before, after } => Self::$variant { key, before: after, after: before },)*
                }
            }

            /// From what was `before` there to what is here.
            fn with_before(&mut self, other: &Self) {
                match (self, other) {
                    $((Self::$variant { before, .. }, Self::$variant { after, .. }) => before.clone_from(after),)*
                    _ => {}
                }
            }

            fn with_after(&mut self, other: &Self) {
                match (self, other) {
                    $((Self::$variant { after, .. }, Self::$variant { after: it, .. }) => after.clone_from(it),)*
                    _ => {}
                }
            }
        }

        impl Catalog {
            /// Begins to note what is asked of this catalog and of copies of it.
            pub(super) fn take_notes(&mut self) {
                $(self.$($field).+.take_notes();)*
            }

            pub(super) fn stop_notes(&mut self) {
                $(self.$($field).+.stop_notes();)*
            }

            /// What was noted since the last time.
            pub(super) fn noted(&self) -> Noted {
                let mut res = Noted::default();
                $(if let Some(notes) = self.$($field).+.noted() {
                    res.add($map, &notes);
                    let mut changed = notes.changed;
                    // The first note of a key has what was there before the step.
                    changed.sort_by(|a, b| a.0.cmp(&b.0));
                    changed.dedup_by(|later, first| later.0 == first.0);
                    for (key, before) in changed {
                        let after = self.$($field).+.peek(&key).cloned();
                        if before != after {
                            res.changes.push(Change::$variant { key, before, after });
                        }
                    }
                })*
                res
            }
        }
    };
}

entries! {
    0 Schema(schemas.0): Ident => ();
    1 Extension(extensions): Ident => Extension;
    2 Table(tables): Name => Arc<Table>;
    3 Index(indexes): Name => Arc<Index>;
    4 Sequence(sequences): Name => Arc<Sequence>;
    5 Type(types): Name => Arc<UserType>;
    6 View(views): Name => Arc<View>;
    7 Function(functions): (Name, Vec<DataType>) => Arc<Function>;
    8 Trigger(triggers): (Name, Ident) => Arc<Trigger>;
    9 Policy(policies): (Name, Ident) => Arc<Policy>;
    10 Statistics(statistics): Name => Arc<Statistics>;
    11 Comment(comments): ObjectRef => SmolStr;
    12 Privilege(privileges.0): Privilege => ();
    13 Revoked(revoked.0): Privilege => ();
    14 Unknown(unknown): Name => SmolStr;
    15 Hidden(hidden): Name => Vec<Hidden>;
    16 Origin(origins): ObjectRef => Arc<[Origin]>;
    17 Annotation(annotations): ObjectRef => Vec<Annotation>;
}

/// What a step asked and did.
#[derive(Default)]
pub(super) struct Noted {
    asked: Vec<u64>,
    scanned: u32,
    pub changes: Vec<Change>,
    /// Not all that was changed is known.
    pub lost: bool,
}

impl Noted {
    fn add<K: std::hash::Hash, V>(&mut self, map: u8, notes: &Notes<K, V>) {
        self.asked.extend(notes.asked.iter().map(|it| place(map, *it).1));
        self.asked.extend(notes.changed.iter().map(|(key, _)| place(map, hash(key)).1));
        self.scanned |= u32::from(notes.scanned) << map;
        self.lost |= notes.lost;
    }
}

/// What is taken: one of these is the same as another when all in it is.
#[derive(Clone)]
pub(super) enum Task {
    /// A part of a statement is applied.
    Apply { source: u32, statement: Arc<Parsed>, part: Part, path: Arc<[Ident]> },
    /// A schema that nobody creates is taken to be there.
    Grant(Ident),
    /// What a view reads is found again, with everything there.
    Resolve(Name),
    /// A statement that could not be read makes its tables unknown.
    Suspect { source: u32, statement: Arc<Parsed> },
}

/// Foreign keys are applied behind their table, so that two tables may point at each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All but the foreign keys of new tables.
    Body,
    /// A foreign key: index of the change in the statement, of the constraint in the table.
    Key(u32, u32),
}

impl Task {
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Apply { source, statement, part, path },
                Self::Apply { source: source2, statement: statement2, part: part2, path: path2 },
            ) => {
                source == source2
                    && part == part2
                    && Arc::ptr_eq(statement, statement2)
                    && (Arc::ptr_eq(path, path2) || path == path2)
            }
            (Self::Grant(a), Self::Grant(b)) => a == b,
            (Self::Resolve(a), Self::Resolve(b)) => a == b,
            (Self::Suspect { source, statement }, Self::Suspect { source: source2, statement: statement2 }) => {
                source == source2 && Arc::ptr_eq(statement, statement2)
            }
            _ => false,
        }
    }
}

/// A task that was done.
pub(super) struct Step {
    pub task: Task,
    pub outcome: Result<(), ApplyError>,
    changes: Box<[Change]>,
    /// Sorted.
    asked: Box<[u64]>,
    /// The maps that were looked through as a whole, a bit each.
    scanned: u32,
    /// A bit for each place asked for, to rule most of them out at once.
    sieve: [u64; 4],
    /// What is no entry of a map, when the step changed it.
    rest: Option<Rest>,
}

/// The parts of a catalog that are no maps.
#[derive(Clone)]
pub(super) struct Rest {
    opaque: Arc<Vec<Arc<Opaque>>>,
    inheriting: u32,
}

impl Rest {
    pub fn of(catalog: &Catalog) -> Self {
        Self { opaque: catalog.opaque.clone(), inheriting: catalog.inheriting }
    }

    fn is(&self, catalog: &Catalog) -> bool {
        Arc::ptr_eq(&self.opaque, &catalog.opaque) && self.inheriting == catalog.inheriting
    }
}

fn sieve_bit(hash: u64) -> (usize, u64) {
    ((hash >> 6 & 3) as usize, 1 << (hash & 63))
}

impl Step {
    /// `rest` as it was before the step.
    pub fn new(task: Task, outcome: Result<(), ApplyError>, noted: Noted, rest: &Rest, catalog: &Catalog) -> Self {
        let mut asked = noted.asked;
        asked.sort_unstable();
        asked.dedup();
        let mut sieve = [0; 4];
        for hash in &asked {
            let (word, bit) = sieve_bit(*hash);
            sieve[word] |= bit;
        }
        let rest = (!rest.is(catalog)).then(|| Rest::of(catalog));
        Self { task, outcome, changes: noted.changes.into(), asked: asked.into(), scanned: noted.scanned, sieve, rest }
    }

    /// Does it to a catalog in which all it asked for is as it was.
    pub fn repeat(&self, catalog: &mut Catalog) {
        self.changes.iter().for_each(|it| it.put(catalog));
        if let Some(rest) = &self.rest {
            catalog.opaque = rest.opaque.clone();
            catalog.inheriting = rest.inheriting;
        }
    }

    /// It asked for what is different.
    pub fn is_touched(&self, delta: &mut Delta) -> bool {
        delta.places().iter().any(|(map, hash)| {
            let (word, bit) = sieve_bit(*hash);
            self.scanned >> map & 1 == 1 || self.sieve[word] & bit != 0 && self.asked.binary_search(hash).is_ok()
        })
    }

    /// It changed what is no entry of a map: anything may depend on that.
    pub fn changes_rest(&self) -> bool {
        self.rest.is_some()
    }
}

/// How the catalog of an earlier build and that of a new one differ at one point.
#[derive(Default)]
pub(super) struct Delta {
    changes: BTreeMap<Place, Change>,
    /// The keys of that, to be walked through for every step; `None`: they have changed.
    places: Option<Vec<Place>>,
}

impl Delta {
    pub fn put(&self, catalog: &mut Catalog) {
        self.changes.values().for_each(|it| it.put(catalog));
    }

    fn places(&mut self) -> &[Place] {
        self.places.get_or_insert_with(|| self.changes.keys().copied().collect())
    }

    /// The step was part of the earlier build, and is not of the new one.
    pub fn without(&mut self, step: &Step) {
        for change in &step.changes {
            let at = change.place();
            self.changes.entry(at).and_modify(|it| it.with_before(change)).or_insert_with(|| change.turned());
            self.prune(at);
        }
    }

    /// The step is part of the new build, and was not of the earlier one.
    pub fn with(&mut self, step: &Step) {
        for change in &step.changes {
            let at = change.place();
            self.changes.entry(at).and_modify(|it| it.with_after(change)).or_insert_with(|| change.clone());
            self.prune(at);
        }
    }

    fn prune(&mut self, at: Place) {
        self.places = None;
        if self.changes.get(&at).is_some_and(Change::is_none) {
            self.changes.remove(&at);
        }
    }
}

/// Where two lists of tasks agree: so many at the front, so many at the end.
pub(super) fn common(old: &[Arc<Step>], new: &[Task]) -> (usize, usize) {
    let front = old.iter().zip(new).take_while(|(a, b)| a.task.same(b)).count();
    let most = old.len().min(new.len()) - front;
    let back = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(a, b)| a.task.same(b)).count();
    (front, back)
}

/// The place of a round among all steps.
pub(super) type Round = Range<usize>;
