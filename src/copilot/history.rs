//! Catalogs between migrations: what stood before a file, before a statement.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{FileId, Snapshot};
use crate::{
    catalog::{self, Build, Catalog, Source},
    lint::{Earlier, EarlierFile},
    sql::Statement,
};

/// The mark of a plan's file stands in so many bytes.
const HEAD: usize = 4_000;

/// The migrations replayed, with the states at some points on the way.
#[derive(Clone, Default)]
pub(super) struct History {
    pub files: Vec<(FileId, Arc<[Statement]>)>,
    /// State before the file of that index. Where edits happen there is one: an edit replays only what follows.
    before: BTreeMap<usize, Arc<Catalog>>,
    pub end: Option<Arc<Build>>,
    /// What the files before the one of that index did.
    earlier: BTreeMap<usize, Arc<Earlier>>,
}

impl History {
    /// Replays `files`, from where they differ from those of `last`. Before the files that are `open` states are kept.
    pub fn replay(files: Vec<(FileId, Arc<[Statement]>)>, last: &Self, open: &BTreeSet<FileId>) -> Self {
        let mut res = Self::from_last(files, last);
        for index in 0..res.files.len() {
            if open.contains(&res.files[index].0) && !res.before.contains_key(&index) {
                let state = res.state(index);
                res.before.insert(index, state);
            }
        }
        res
    }

    fn from_last(files: Vec<(FileId, Arc<[Statement]>)>, last: &Self) -> Self {
        let equal =
            |a: &(FileId, Arc<[Statement]>), b: &(FileId, Arc<[Statement]>)| a.0 == b.0 && Arc::ptr_eq(&a.1, &b.1);
        let same = files.iter().zip(&last.files).take_while(|(a, b)| equal(a, b)).count();
        if same == files.len() && same == last.files.len() && last.end.is_some() {
            return last.clone();
        }
        if files.is_empty() {
            return Self::default();
        }
        let mut res = Self { files, ..Self::default() };
        res.before = last.before.range(..=same).map(|(at, it)| (*at, it.clone())).collect();
        res.earlier = last.earlier.range(..=same).map(|(at, it)| (*at, it.clone())).collect();
        // Files are mostly added, and the last one is edited: a state before it is kept as well.
        let at = same.min(res.files.len() - 1);
        let start = res.state(at);
        res.before.insert(at, start.clone());
        let mut end = catalog::replay((*start).clone(), &res.sources(at, res.files.len()));
        // What was wrong in the files before is known, or is found by replaying them alone.
        let earlier = match &last.end {
            Some(known) if same >= at => known.problems.iter().filter(|it| (it.0 as usize) < at).cloned().collect(),
            _ => catalog::replay(Catalog::new(), &res.sources(0, at)).problems,
        };
        end.problems.splice(0..0, earlier);
        res.end = Some(Arc::new(end));
        res
    }

    /// What the files before the one of that index did, for the files that are open. `name` and `text` are asked of files
    /// that are not known from the last time.
    pub fn note_earlier(&mut self, snapshot: &Snapshot) {
        let described = |id: &FileId| {
            let file = snapshot.file(*id);
            let name = file.map(|it| it.name.clone()).unwrap_or_default();
            EarlierFile { name, pending: file.and_then(|it| it.standing.as_ref()).is_some_and(|it| it.pending) }
        };
        let expect: Vec<EarlierFile> = self.files.iter().map(|it| described(&it.0)).collect();
        self.earlier.retain(|at, it| expect.get(..*at) == Some(it.files()));
        for (index, (id, _)) in self.files.iter().enumerate() {
            if !snapshot.open.contains(id) || self.earlier.contains_key(&index) {
                continue;
            }
            let known = self.earlier.range(..index).next_back();
            let (from, mut res) = known.map_or((0, Earlier::default()), |(at, it)| (*at, (**it).clone()));
            for (at, (id, statements)) in self.files.iter().enumerate().take(index).skip(from) {
                let text = snapshot.file(*id).map(|it| it.script.text.slice(0..it.script.text.len().min(HEAD)));
                res.note(expect[at].clone(), &text.unwrap_or_default(), statements);
            }
            self.earlier.insert(index, Arc::new(res));
        }
    }

    /// As [`History::note_earlier`] found it for the file of that index.
    pub fn earlier(&self, index: usize) -> Arc<Earlier> {
        self.earlier.get(&index).cloned().unwrap_or_default()
    }

    /// The catalog before the file of that index.
    pub fn state(&self, index: usize) -> Arc<Catalog> {
        match self.before.range(..=index).next_back() {
            Some((at, known)) if *at == index => known.clone(),
            Some((at, known)) => Arc::new(catalog::replay((**known).clone(), &self.sources(*at, index)).catalog),
            None => Arc::new(catalog::replay(Catalog::new(), &self.sources(0, index)).catalog),
        }
    }

    /// Sources as `replay` takes them: the files before `from` are empty, so that origins count all files.
    fn sources(&self, from: usize, to: usize) -> Vec<Source> {
        let nothing: Arc<[Statement]> = Arc::from([]);
        let files = self.files.iter().take(to).enumerate();
        files.map(|(i, it)| Source { statements: if i < from { nothing.clone() } else { it.1.clone() } }).collect()
    }
}

/// The catalog in which a statement of a migration finds the database; for other files, the deployed one.
pub(super) fn catalog_before(snapshot: &Snapshot, file: FileId, statement: usize) -> Option<Arc<Catalog>> {
    let history = &snapshot.analysis.history;
    let Some(index) = history.files.iter().position(|it| it.0 == file) else {
        let build = snapshot.analysis.before.as_ref().or(snapshot.analysis.after.as_ref())?;
        return Some(Arc::new(build.catalog.clone()));
    };
    let state = history.state(index);
    let script = &snapshot.file(file)?.script;
    let start = script.statements.get(statement)?.range.start;
    let nothing: Arc<[Statement]> = Arc::from([]);
    let earlier = history.files[index].1.iter().filter(|it| it.range.start < start).cloned().collect();
    let mut sources: Vec<Source> = (0..index).map(|_| Source { statements: nothing.clone() }).collect();
    sources.push(Source { statements: earlier });
    Some(Arc::new(catalog::replay((*state).clone(), &sources).catalog))
}
