//! Sorted maps and sets of which many versions share what they have in common.
//!
//! A clone costs one counter, a change after it copies one run of entries. So a catalog may be kept for every point
//! of a history. On request a map notes which of its keys are asked for and changed: what follows from a statement
//! can then be kept for as long as nothing it asked for has changed (see `trace`).

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    ops::{Bound, RangeBounds},
    sync::{Arc, Mutex, PoisonError},
};

/// Entries of a run. Copying one must be cheap, and so must copying the list of all runs.
const RUN: usize = 48;

type Run<K, V> = Arc<Vec<(K, V)>>;

/// A sorted map. Equal maps have equal entries; how they came to be does not matter.
pub struct Map<K, V> {
    /// Sorted, none empty.
    runs: Arc<Vec<Run<K, V>>>,
    len: usize,
    notes: Option<Arc<Mutex<Notes<K, V>>>>,
}

/// What has been asked of a map and done to it.
pub(super) struct Notes<K, V> {
    /// Hashes of the keys that were asked for, found or not.
    pub asked: Vec<u64>,
    /// All of the map was looked through.
    pub scanned: bool,
    /// Keys that were inserted, changed or removed, with what stood there before.
    pub changed: Vec<(K, Option<V>)>,
    /// Anything may have been changed.
    pub lost: bool,
}

impl<K, V> Default for Notes<K, V> {
    fn default() -> Self {
        Self { asked: Vec::new(), scanned: false, changed: Vec::new(), lost: false }
    }
}

/// The same for equal keys, in every process.
pub(super) fn hash(key: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

impl<K, V> Map<K, V> {
    pub fn new() -> Self {
        Self { runs: Arc::default(), len: 0, notes: None }
    }

    pub fn len(&self) -> usize {
        self.scan();
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.scan();
        self.len == 0
    }

    /// Both are versions of one map and nothing lies between them.
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.runs, &other.runs)
    }

    /// In the order of the keys.
    pub fn iter(&self) -> Iter<'_, K, V> {
        self.scan();
        self.entries()
    }

    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.iter().map(|it| it.0)
    }

    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.iter().map(|it| it.1)
    }

    fn entries(&self) -> Iter<'_, K, V> {
        Iter { runs: &self.runs, front: (0, 0), back: (self.runs.len(), 0) }
    }

    fn note(&self, what: impl FnOnce(&mut Notes<K, V>)) {
        if let Some(notes) = &self.notes {
            what(&mut notes.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn scan(&self) {
        self.note(|it| it.scanned = true);
    }

    /// Begins to note what is asked and done, for this map and what is cloned from it.
    pub(super) fn take_notes(&mut self) {
        self.notes = Some(Arc::default());
    }

    pub(super) fn stop_notes(&mut self) {
        self.notes = None;
    }

    /// What has been noted since the last time.
    pub(super) fn noted(&self) -> Option<Notes<K, V>> {
        let notes = self.notes.as_ref()?;
        Some(std::mem::take(&mut *notes.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl<K: Ord + Hash, V> Map<K, V> {
    pub fn get(&self, key: &K) -> Option<&V> {
        self.note(|it| it.asked.push(hash(key)));
        self.peek(key)
    }

    pub fn contains_key(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    /// As [`Map::get`], unnoticed.
    pub(super) fn peek(&self, key: &K) -> Option<&V> {
        let (run, at) = self.find(key);
        Some(&self.runs.get(run)?.get(at.ok()?)?.1)
    }

    /// The run in which a key is or belongs, and its place there.
    fn find(&self, key: &K) -> (usize, Result<usize, usize>) {
        let behind = self.runs.partition_point(|run| run.first().is_some_and(|it| it.0 <= *key));
        let run = behind.saturating_sub(1);
        let at = self.runs.get(run).map_or(Err(0), |it| it.binary_search_by(|it| it.0.cmp(key)));
        (run, at)
    }

    pub fn range(&self, range: impl RangeBounds<K>) -> Iter<'_, K, V> {
        self.scan();
        let place = |key: &K, behind: bool| match self.find(key) {
            (run, Ok(at)) => (run, at + usize::from(behind)),
            (run, Err(at)) => (run, at),
        };
        let front = match range.start_bound() {
            Bound::Included(key) => place(key, false),
            Bound::Excluded(key) => place(key, true),
            Bound::Unbounded => (0, 0),
        };
        let back = match range.end_bound() {
            Bound::Included(key) => place(key, true),
            Bound::Excluded(key) => place(key, false),
            Bound::Unbounded => (self.runs.len(), 0),
        };
        Iter { runs: &self.runs, front, back: back.max(front) }
    }
}

impl<K: Ord + Hash + Clone, V: Clone> Map<K, V> {
    fn note_change(&self, key: &K, run: usize, at: Result<usize, usize>) {
        self.note(|it| {
            let before = at.ok().and_then(|at| self.runs.get(run)?.get(at)).map(|it| it.1.clone());
            it.changed.push((key.clone(), before));
        });
    }

    /// What stood there before.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let (run, at) = self.find(&key);
        self.note_change(&key, run, at);
        let runs = Arc::make_mut(&mut self.runs);
        let Some(entries) = runs.get_mut(run) else {
            runs.push(Arc::new(vec![(key, value)]));
            self.len += 1;
            return None;
        };
        let at = match at {
            Ok(at) => {
                let old = Arc::make_mut(entries).get_mut(at)?;
                return Some(std::mem::replace(&mut old.1, value));
            }
            Err(at) => at,
        };
        self.len += 1;
        if entries.len() < RUN {
            Arc::make_mut(entries).insert(at, (key, value));
            return None;
        }
        // What is appended in order fills its runs.
        let split = if at == RUN { RUN } else { RUN / 2 };
        let mut right = Arc::make_mut(entries).split_off(split);
        if at >= split && at > 0 {
            right.insert(at - split, (key, value));
        } else {
            Arc::make_mut(entries).insert(at, (key, value));
        }
        runs.insert(run + 1, Arc::new(right));
        None
    }

    pub fn remove(&mut self, key: &K) -> Option<V> {
        let (run, at) = self.find(key);
        self.note_change(key, run, at);
        let at = at.ok()?;
        let runs = Arc::make_mut(&mut self.runs);
        let entries = Arc::make_mut(runs.get_mut(run)?);
        let (_, value) = entries.remove(at);
        if entries.is_empty() {
            runs.remove(run);
        }
        self.len -= 1;
        Some(value)
    }

    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let (run, at) = self.find(key);
        self.note_change(key, run, at);
        let at = at.ok()?;
        let entries = Arc::make_mut(&mut self.runs).get_mut(run)?;
        Some(&mut Arc::make_mut(entries).get_mut(at)?.1)
    }

    /// The value of a key, put there first where there is none.
    pub fn get_or_insert_with(&mut self, key: K, value: impl FnOnce() -> V) -> &mut V {
        let (run, at) = match self.find(&key) {
            (run, Ok(at)) => {
                self.note_change(&key, run, Ok(at));
                (run, at)
            }
            _ => {
                self.insert(key.clone(), value());
                let (run, at) = self.find(&key);
                (run, at.unwrap_or_else(|at| at))
            }
        };
        &mut Arc::make_mut(&mut Arc::make_mut(&mut self.runs)[run])[at].1
    }

    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.note(|it| it.lost = true);
        let runs = Arc::make_mut(&mut self.runs).iter_mut();
        runs.flat_map(|it| Arc::make_mut(it).iter_mut().map(|it| &mut it.1))
    }

    pub fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        let gone: Vec<K> = self.iter().filter(|(key, it)| !keep(key, it)).map(|(key, _)| key.clone()).collect();
        for key in gone {
            self.remove(&key);
        }
    }
}

impl<K: Ord + Hash, V> std::ops::Index<&K> for Map<K, V> {
    type Output = V;

    /// Panics when the key is not there.
    fn index(&self, key: &K) -> &V {
        let (run, at) = self.find(key);
        self.note(|it| it.asked.push(hash(key)));
        // A place that is not there, for a key that is not.
        &self.runs[run][at.unwrap_or(RUN)].1
    }
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V> Clone for Map<K, V> {
    fn clone(&self) -> Self {
        Self { runs: self.runs.clone(), len: self.len, notes: self.notes.clone() }
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Map<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.entries()).finish()
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for Map<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.same(other) || self.len == other.len && self.entries().eq(other.entries())
    }
}

impl<K: Eq, V: Eq> Eq for Map<K, V> {}

impl<K: Ord + Hash + Clone, V: Clone> Extend<(K, V)> for Map<K, V> {
    fn extend<T: IntoIterator<Item = (K, V)>>(&mut self, iter: T) {
        for (key, value) in iter {
            self.insert(key, value);
        }
    }
}

impl<K: Ord + Hash + Clone, V: Clone> FromIterator<(K, V)> for Map<K, V> {
    fn from_iter<T: IntoIterator<Item = (K, V)>>(iter: T) -> Self {
        let mut res = Self::new();
        res.extend(iter);
        res
    }
}

impl<'a, K, V> IntoIterator for &'a Map<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Entries between two places: (run, entry), the second one excluded.
pub struct Iter<'a, K, V> {
    runs: &'a [Run<K, V>],
    front: (usize, usize),
    back: (usize, usize),
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.front >= self.back {
                return None;
            }
            let (run, at) = self.front;
            if let Some((key, value)) = self.runs.get(run)?.get(at) {
                self.front.1 += 1;
                return Some((key, value));
            }
            self.front = (run + 1, 0);
        }
    }
}

impl<K, V> DoubleEndedIterator for Iter<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        while self.back.1 == 0 {
            if self.front >= self.back {
                return None;
            }
            let run = self.back.0.checked_sub(1)?;
            self.back = (run, self.runs.get(run)?.len());
        }
        if self.front >= self.back {
            return None;
        }
        self.back.1 -= 1;
        let (key, value) = self.runs.get(self.back.0)?.get(self.back.1)?;
        Some((key, value))
    }
}

/// A sorted set; see [`Map`].
#[derive(Debug, PartialEq, Eq)]
pub struct Set<K>(pub(super) Map<K, ()>);

impl<K> Set<K> {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.0.keys()
    }
}

impl<K: Ord + Hash + Clone> Set<K> {
    pub fn contains(&self, key: &K) -> bool {
        self.0.contains_key(key)
    }

    /// What is here and not there.
    pub fn difference<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a K> {
        let same = self.0.same(&other.0);
        self.iter().filter(move |it| !same && !other.contains(it))
    }

    /// It was not there.
    pub fn insert(&mut self, key: K) -> bool {
        self.0.insert(key, ()).is_none()
    }

    /// It was there.
    pub fn remove(&mut self, key: &K) -> bool {
        self.0.remove(key).is_some()
    }

    pub fn retain(&mut self, mut keep: impl FnMut(&K) -> bool) {
        self.0.retain(|key, ()| keep(key));
    }
}

impl<K> Clone for Set<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K> Default for Set<K> {
    fn default() -> Self {
        Self(Map::new())
    }
}

impl<K: Ord + Hash + Clone> Extend<K> for Set<K> {
    fn extend<T: IntoIterator<Item = K>>(&mut self, iter: T) {
        self.0.extend(iter.into_iter().map(|it| (it, ())));
    }
}

impl<K: Ord + Hash + Clone> FromIterator<K> for Set<K> {
    fn from_iter<T: IntoIterator<Item = K>>(iter: T) -> Self {
        Self(iter.into_iter().map(|it| (it, ())).collect())
    }
}

impl<'a, K> IntoIterator for &'a Set<K> {
    type Item = &'a K;
    type IntoIter = std::iter::Map<Iter<'a, K, ()>, fn((&'a K, &'a ())) -> &'a K>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|it| it.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn as_a_map_of_the_standard_library(
            edits in prop::collection::vec((0u8..4, 0u32..300, any::<u8>()), 0..900), from in 0u32..300, to in 0u32..300,
        ) {
            let mut map = Map::new();
            let mut model = BTreeMap::new();
            let mut kept = Vec::new();
            for (what, key, value) in edits {
                match what {
                    0 => prop_assert_eq!(map.remove(&key), model.remove(&key)),
                    1 => prop_assert_eq!(map.get_mut(&key).map(|it| { *it = 7; }), model.get_mut(&key).map(|it| { *it = 7; })),
                    _ => prop_assert_eq!(map.insert(key, value), model.insert(key, value)),
                }
                prop_assert_eq!(map.len(), model.len());
                if kept.len() < 9 && value < 9 {
                    kept.push((map.clone(), model.clone()));
                }
            }
            kept.push((map, model));
            for (map, model) in kept {
                prop_assert!(map.iter().eq(model.iter()));
                prop_assert!(map.iter().rev().eq(model.iter().rev()));
                prop_assert!(map.range(from..).eq(model.range(from..)));
                if from <= to {
                    prop_assert!(map.range(from..to).eq(model.range(from..to)));
                    prop_assert!(map.range(from..=to).rev().eq(model.range(from..=to).rev()));
                }
                for key in 0..300 {
                    prop_assert_eq!(map.get(&key), model.get(&key));
                }
            }
        }
    }

    #[test]
    fn a_change_leaves_the_versions_before_alone_and_far_runs_shared() {
        let mut map: Map<u32, u32> = (0..1000).map(|it| (it, it)).collect();
        let before = map.clone();
        map.insert(500, 0);
        assert_eq!(before.get(&500), Some(&500));
        let shared = map.runs.iter().zip(before.runs.iter()).filter(|(a, b)| Arc::ptr_eq(a, b)).count();
        assert_eq!(shared, map.runs.len() - 1);
        assert!(!map.same(&before) && before.same(&before.clone()));
    }

    #[test]
    fn notes_tell_what_was_asked_and_changed() {
        let mut map: Map<u32, u32> = (0..100).map(|it| (it, it)).collect();
        map.take_notes();
        assert_eq!(map.clone().get(&7), Some(&7));
        map.insert(8, 0);
        let notes = map.noted().expect("they are taken");
        assert_eq!((notes.asked, notes.changed, notes.scanned), (vec![hash(&7)], vec![(8, Some(8))], false));
        assert_eq!(map.values().count(), 100);
        assert!(map.noted().expect("they are taken").scanned);
    }
}
