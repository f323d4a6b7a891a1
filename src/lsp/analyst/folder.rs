//! One workspace folder: its project, what is known of it, and the work under way.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Sender, channel},
    },
    time::{Duration, Instant},
};

use super::Numbered;
use crate::{
    copilot::{self, Analysis, File, FileId, Role, Script, Snapshot},
    lsp::{
        events::Event,
        files::Files,
        view::FolderView,
        workspace::{self, Loaded},
    },
    text::Dirty,
};

pub struct Folder {
    /// `None`: for what belongs to no folder.
    pub root: Option<PathBuf>,
    pub snapshot: Arc<Snapshot>,
    /// The files on disk have to be read again.
    pub reload: bool,
    loading: bool,
    /// Set to tell the running analysis that nobody waits for it.
    job: Option<Arc<AtomicBool>>,
    /// The analysis is of other texts than the present ones, and none of these is on its way.
    stale: bool,
    /// Edits between the texts of `snapshot.analysis` and those of the running job, or the present ones.
    dirty: BTreeMap<FileId, Dirty>,
    /// Edits since the running job began.
    since: BTreeMap<FileId, Dirty>,
    /// How long the last analysis took.
    took: Duration,
    worker: Worker,
}

impl Folder {
    pub fn new(root: Option<PathBuf>) -> Self {
        Self {
            reload: root.is_some(),
            root,
            snapshot: Arc::new(workspace::nothing()),
            loading: false,
            job: None,
            stale: false,
            dirty: BTreeMap::new(),
            since: BTreeMap::new(),
            took: Duration::ZERO,
            worker: Worker::default(),
        }
    }

    pub fn key(&self) -> &Path {
        self.root.as_deref().unwrap_or(Path::new(""))
    }

    pub fn contains(&self, path: &Path) -> bool {
        self.root.as_ref().is_none_or(|it| path.starts_with(it))
    }

    pub fn is_busy(&self) -> bool {
        self.loading || self.reload || self.stale || self.job.is_some()
    }

    /// How long the work under way will take, as far as one can tell.
    pub fn expected(&self) -> Duration {
        if self.is_busy() { self.took } else { Duration::ZERO }
    }

    pub fn view(&self) -> FolderView {
        let mut dirty = self.dirty.clone();
        for (id, it) in &self.since {
            merge(&mut dirty, *id, it);
        }
        FolderView { root: self.root.clone(), snapshot: self.snapshot.clone(), dirty: Arc::new(dirty) }
    }

    pub fn edited(&mut self, id: FileId, script: Arc<Script>, dirty: &Dirty) {
        if let Some(file) = Arc::make_mut(&mut self.snapshot).files.get_mut(&id) {
            let forward = workspace::forward_parts(file.role, &script.text);
            file.set_script(script, forward.as_deref());
        }
        let edits = if self.job.is_some() { &mut self.since } else { &mut self.dirty };
        merge(edits, id, dirty);
        self.stale = true;
    }

    /// An open document: it stands in for the file, or joins the project as SQL of no role.
    pub fn put(&mut self, id: FileId, path: &Path, script: Arc<Script>) {
        let snapshot = Arc::make_mut(&mut self.snapshot);
        let opened = snapshot.open.insert(id);
        self.stale |= opened;
        match snapshot.files.get_mut(&id) {
            Some(file) if Arc::ptr_eq(&file.script, &script) => return,
            Some(file) => {
                let forward = workspace::forward_parts(file.role, &script.text);
                file.set_script(script, forward.as_deref());
            }
            None => {
                let name = path.strip_prefix(self.root.as_deref().unwrap_or(Path::new(""))).unwrap_or(path);
                let name = name.to_string_lossy().into_owned();
                snapshot.files.insert(id, File::new(name, Role::Other, script, None));
                // A buffer that was never saved may be a migration.
                self.reload |= self.root.is_some() && opened;
            }
        }
        self.stale = true;
    }

    /// The file on disk counts again.
    pub fn closed(&mut self, id: FileId) {
        let Some(role) = self.snapshot.file(id).map(|it| it.role) else { return };
        Arc::make_mut(&mut self.snapshot).open.remove(&id);
        if role == Role::Other {
            Arc::make_mut(&mut self.snapshot).files.remove(&id);
        } else {
            self.reload = self.root.is_some();
        }
    }

    /// Open documents that are part of no project go back to where they are placed anew.
    pub fn forget(&mut self, open: impl Iterator<Item = FileId>) {
        let snapshot = Arc::make_mut(&mut self.snapshot);
        for id in open {
            snapshot.open.remove(&id);
            if snapshot.files.get(&id).is_some_and(|it| it.role == Role::Other) {
                snapshot.files.remove(&id);
            }
        }
    }

    /// Takes over what was found on disk; `open` stands in for files.
    pub fn load(&mut self, loaded: Loaded, files: &mut Files, open: impl Fn(FileId) -> Option<Arc<Script>>) {
        self.loading = false;
        self.stale = true;
        let kept = self.snapshot.files.iter().filter(|(id, it)| it.role == Role::Other && open(**id).is_some());
        let kept: BTreeMap<FileId, File> = kept.map(|(id, it)| (*id, it.clone())).collect();
        let (snapshot, changed) = loaded.into_snapshot(files, &self.snapshot, open);
        let mut snapshot = snapshot;
        for (id, mut file) in kept {
            // What was wrong with it was found by reading, and so is that it is right again.
            file.trouble = None;
            snapshot.files.entry(id).or_insert(file);
        }
        // Positions in files that others changed mean nothing any more.
        for id in changed {
            let whole = Dirty { old: 0..usize::MAX / 2, new: 0..0 };
            self.dirty.insert(id, whole);
        }
        self.snapshot = Arc::new(snapshot);
    }

    /// Takes over an analysis; the files whose diagnostics may be new.
    pub fn analysed(&mut self, result: Option<Analysis>, took: Duration) -> Option<Vec<FileId>> {
        self.job = None;
        let since = std::mem::take(&mut self.since);
        let Some(analysis) = result else {
            for (id, it) in &since {
                merge(&mut self.dirty, *id, it);
            }
            return None;
        };
        self.took = took;
        self.dirty = since;
        let touched = self.snapshot.analysis.diagnostics.keys().chain(analysis.diagnostics.keys());
        let touched = touched.copied().collect();
        Arc::make_mut(&mut self.snapshot).analysis = Arc::new(analysis);
        Some(touched)
    }

    /// Starts reading files, or an analysis, on another thread when there is need and none is running.
    pub fn start_work(&mut self, outbox: &Sender<Numbered>, files: &Files, open: &BTreeMap<PathBuf, Arc<Script>>) {
        if self.reload && !self.loading {
            self.reload = false;
            let Some(root) = self.root.clone() else { return };
            self.loading = true;
            if let Some(stop) = &self.job {
                stop.store(true, Ordering::Relaxed);
            }
            let known = self.snapshot.files.iter();
            let known = known.filter_map(|(id, it)| Some((files.path(*id)?, it.script.clone()))).collect();
            let (outbox, open) = (outbox.clone(), open.clone());
            self.worker.run(move || {
                let load = || workspace::load(&root, &open, &known);
                let loaded = catch_unwind(AssertUnwindSafe(load)).unwrap_or_else(|_| Loaded::nothing());
                let _ = outbox.send((0, Event::Loaded { folder: root, loaded: Box::new(loaded) }));
            });
        }
        if self.stale && !self.loading && self.job.is_none() {
            self.stale = false;
            let stop = Arc::new(AtomicBool::new(false));
            self.job = Some(stop.clone());
            let (outbox, snapshot, key) = (outbox.clone(), self.snapshot.clone(), self.key().to_owned());
            self.worker.run(move || {
                let began = Instant::now();
                let work = || copilot::analyse(&snapshot, &|| stop.load(Ordering::Relaxed));
                // After a panic the last analysis stays, so that the rest of the server goes on.
                let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or_default().map(Box::new);
                let _ = outbox.send((0, Event::Analysed { folder: key, result, took: began.elapsed() }));
            });
        }
    }
}

/// A thread for a folder's work, one piece after the other: requests keep the runtime's threads, and what the last
/// piece has freed is there for the next (an allocator keeps memory by thread).
#[derive(Default)]
struct Worker {
    queue: Option<Sender<Work>>,
}

type Work = Box<dyn FnOnce() + Send>;

impl Worker {
    fn run(&mut self, work: impl FnOnce() + Send + 'static) {
        let queue = self.queue.get_or_insert_with(|| {
            let (queue, works) = channel::<Work>();
            let thread = std::thread::Builder::new().name("work".to_owned()).stack_size(8 << 20);
            // It ends with the folder, which holds the other end.
            if let Err(error) = thread.spawn(move || works.into_iter().for_each(|work| work())) {
                eprintln!("lockkeeper: no thread for the analysis: {error}");
            }
            queue
        });
        if let Err(refused) = queue.send(Box::new(work)) {
            // Without a thread the work is done here, late but done.
            (refused.0)();
        }
    }
}

fn merge(edits: &mut BTreeMap<FileId, Dirty>, id: FileId, next: &Dirty) {
    edits.entry(id).and_modify(|it| *it = it.then(next)).or_insert_with(|| next.clone());
}
