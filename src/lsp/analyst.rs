//! The one thread that owns all state: takes [`Event`]s, keeps every text parsed, has the rest worked out on other
//! threads, hands out [`View`]s and publishes diagnostics.

mod folder;

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender},
    },
    time::{Duration, Instant},
};

use tokio::sync::watch;
use tower_lsp_server::ls_types::Uri;

use self::folder::Folder;
use super::{
    client::Abilities,
    events::Event,
    files::path_of,
    publisher::Publisher,
    to_proto,
    view::{FolderView, View},
};
use crate::{
    copilot::{FileId, Role, Script},
    text::{Dirty, Document},
};

/// A message and its place in the order of the client's messages; 0 for our own.
pub type Numbered = (u64, Event);

/// Analyses that took no longer are waited for, so that one set of diagnostics is sent rather than two.
const WORTH_WAITING: Duration = Duration::from_millis(25);

pub struct Analyst {
    inbox: Receiver<Numbered>,
    outbox: Sender<Numbered>,
    views: watch::Sender<Arc<View>>,
    publisher: Publisher,
    view: View,
    open: BTreeMap<FileId, Open>,
    folders: Vec<Folder>,
    /// Files whose diagnostics are to be sent.
    touched: BTreeSet<FileId>,
    /// When they are to be sent at the latest.
    due: Option<Instant>,
}

struct Open {
    version: i32,
    script: Arc<Script>,
}

impl Analyst {
    /// Starts the thread. It ends when nobody can send it messages any more, except itself: on `Err` from the client's
    /// side, that is when the server is gone.
    pub fn start(
        inbox: Receiver<Numbered>,
        outbox: Sender<Numbered>,
        views: watch::Sender<Arc<View>>,
        publisher: Publisher,
    ) -> std::io::Result<()> {
        let analyst = Self {
            inbox,
            outbox,
            views,
            publisher,
            view: View::empty(),
            open: BTreeMap::new(),
            folders: Vec::new(),
            touched: BTreeSet::new(),
            due: None,
        };
        std::thread::Builder::new().name("analyst".to_owned()).spawn(move || analyst.run()).map(drop)
    }

    fn run(mut self) {
        loop {
            let first = match self.due {
                Some(due) => self.inbox.recv_timeout(due.saturating_duration_since(Instant::now())),
                None => self.inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match first {
                Ok(event) => self.take(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            // What has piled up is handled as one: a client that types faster than we read is not answered twice.
            while let Ok(event) = self.inbox.try_recv() {
                self.take(event);
            }
            if self.views.is_closed() {
                return;
            }
            self.step();
        }
    }

    /// Handles one event; a panic on the way is logged and ends there.
    fn take(&mut self, (number, event): Numbered) {
        if catch_unwind(AssertUnwindSafe(|| self.handle(event))).is_err() {
            eprintln!("lockkeeper: an event could not be handled; the server goes on");
        }
        self.view.revision = self.view.revision.max(number);
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Initialized { abilities, folders } => self.initialized(abilities, folders),
            Event::Folders { added, removed } => self.folders_changed(added, &removed),
            Event::Opened { uri, version, text } => self.opened(&uri, version, &text),
            Event::Changed { uri, version, changes } => self.changed(&uri, version, changes),
            Event::Closed { uri } => self.closed(&uri),
            Event::FilesChanged { paths } => {
                for folder in &mut self.folders {
                    folder.reload |= paths.iter().any(|it| folder.contains(it));
                }
            }
            Event::Loaded { folder, loaded } => self.loaded(&folder, *loaded),
            Event::Analysed { folder, result, took } => {
                let index = self.folders.iter().position(|it| it.key() == folder);
                let Some(folder) = index.and_then(|it| self.folders.get_mut(it)) else { return };
                if let Some(found) = folder.analysed(result.map(|it| *it), took) {
                    self.touched.extend(found);
                }
            }
            Event::Pulled => self.publisher.stop_pushing(),
        }
    }

    /// After events: starts what is to be worked out, hands out the new view, sends diagnostics that are due.
    fn step(&mut self) {
        let open: BTreeMap<PathBuf, Arc<Script>> =
            self.open.iter().filter_map(|(id, it)| Some((self.view.files.path(*id)?, it.script.clone()))).collect();
        let mut grace = Duration::ZERO;
        for folder in &mut self.folders {
            folder.start_work(&self.outbox, &self.view.files, &open);
            grace = grace.max(folder.expected());
        }
        let busy = self.folders.iter().any(Folder::is_busy);
        if !busy {
            self.view.analysed = self.view.revision;
        }
        let now = Instant::now();
        if busy && self.due.is_none() && self.view.settled < self.view.revision {
            self.due = Some(now + if grace <= WORTH_WAITING { WORTH_WAITING } else { Duration::ZERO });
        }
        let settle = !busy || self.due.is_some_and(|it| it <= now);
        if settle {
            self.view.settled = self.view.revision;
            self.due = None;
        }
        self.view.folders = self.folders.iter().map(Folder::view).collect();
        self.view.versions = Arc::new(self.open.iter().map(|(id, it)| (*id, it.version)).collect());
        self.views.send_replace(Arc::new(self.view.clone()));
        if settle {
            self.publish();
        }
    }

    fn publish(&mut self) {
        let touched = std::mem::take(&mut self.touched);
        if touched.is_empty() {
            return;
        }
        if self.publisher.pulls() {
            self.refresh_if_supported(&touched);
            return;
        }
        for id in touched {
            let Some(uri) = self.view.files.uri(id).cloned() else { continue };
            let version = self.open.get(&id).map(|it| it.version);
            let found = match self.view.folder_of(id) {
                Some(folder) if version.is_some() || shown_while_closed(folder, id) => {
                    to_proto::diagnostics(&self.view, folder, id)
                }
                _ => Vec::new(),
            };
            self.publisher.publish(uri, found, version);
        }
    }

    /// A client that pulls asks again for the file it changed, but not for the files that depend on it.
    fn refresh_if_supported(&self, touched: &BTreeSet<FileId>) {
        let others = touched.iter().any(|it| self.open.contains_key(it));
        if others && self.view.abilities.as_ref().is_some_and(|it| it.refresh_diagnostics) {
            self.publisher.refresh();
        }
    }

    fn initialized(&mut self, abilities: Abilities, folders: Vec<PathBuf>) {
        self.view.abilities = Some(Arc::new(abilities));
        self.folders = vec![Folder::new(None)];
        self.folders_changed(folders, &[]);
    }

    fn folders_changed(&mut self, added: Vec<PathBuf>, removed: &[PathBuf]) {
        self.folders.retain(|it| it.root.as_ref().is_none_or(|root| !removed.contains(root)));
        for root in added {
            if self.folders.iter().all(|it| it.root.as_ref() != Some(&root)) {
                self.folders.push(Folder::new(Some(root)));
            }
        }
        // Innermost first; the one for everything else last.
        self.folders.sort_by_key(|it| std::cmp::Reverse(it.root.as_ref().map_or(0, |it| it.components().count())));
        let open: Vec<(FileId, Arc<Script>)> = self.open.iter().map(|(id, it)| (*id, it.script.clone())).collect();
        for folder in &mut self.folders {
            folder.forget(open.iter().map(|it| it.0));
        }
        for (id, script) in open {
            self.place(id, script);
        }
    }

    fn opened(&mut self, uri: &Uri, version: i32, text: &str) {
        let id = Arc::make_mut(&mut self.view.files).intern_uri(uri);
        let document = Document::new(text);
        let known = self.folders.iter().find_map(|it| it.snapshot.file(id));
        let script = match known {
            Some(file) if file.script.text.same(&document) => file.script.clone(),
            _ => Arc::new(self.parse(uri, document)),
        };
        self.open.insert(id, Open { version, script: script.clone() });
        self.place(id, script);
    }

    fn changed(
        &mut self,
        uri: &Uri,
        version: i32,
        changes: Vec<(Option<(crate::text::Position, crate::text::Position)>, String)>,
    ) {
        let Some(id) = self.view.files.of_uri(uri) else { return };
        let encoding = self.view.encoding();
        let Some(open) = self.open.get_mut(&id) else { return };
        let mut text = open.script.text.clone();
        let mut all: Option<Dirty> = None;
        for (range, insert) in changes {
            let dirty = text.change(range, &insert, encoding);
            all = Some(all.map_or_else(|| dirty.clone(), |it| it.then(&dirty)));
        }
        open.version = version;
        let Some(dirty) = all else { return };
        let old = open.script.clone();
        // The text is kept whatever happens to its meaning.
        open.script = Arc::new(Script::plain(text.clone()));
        if is_sql(&path_of(uri))
            && let Ok(script) = catch_unwind(AssertUnwindSafe(|| old.edited(super::workspace::DIALECT, text, &dirty)))
        {
            open.script = Arc::new(script);
        }
        let script = open.script.clone();
        let folder = self.folders.iter_mut().find(|it| it.snapshot.files.contains_key(&id));
        if let Some(folder) = folder {
            folder.edited(id, script, &dirty);
        }
        self.touched.insert(id);
    }

    fn closed(&mut self, uri: &Uri) {
        let Some(id) = self.view.files.of_uri(uri) else { return };
        self.open.remove(&id);
        for folder in &mut self.folders {
            folder.closed(id);
        }
        self.touched.insert(id);
    }

    fn loaded(&mut self, key: &Path, loaded: super::workspace::Loaded) {
        let files = Arc::make_mut(&mut self.view.files);
        let Some(folder) = self.folders.iter_mut().find(|it| it.key() == key) else { return };
        let open = &self.open;
        let troubled = |folder: &Folder| -> Vec<FileId> {
            folder.snapshot.files.iter().filter(|it| it.1.trouble.is_some()).map(|it| *it.0).collect()
        };
        self.touched.extend(troubled(folder));
        folder.load(loaded, files, |id| open.get(&id).map(|it| it.script.clone()));
        self.touched.extend(troubled(folder));
        let open: Vec<(FileId, Arc<Script>)> = self.open.iter().map(|(id, it)| (*id, it.script.clone())).collect();
        for (id, script) in open {
            self.place(id, script);
        }
    }

    /// Puts an open document into the folder it belongs to.
    fn place(&mut self, id: FileId, script: Arc<Script>) {
        let path = self.view.files.path(id).unwrap_or_default();
        let known = self.folders.iter().position(|it| it.snapshot.files.contains_key(&id));
        let index = known.or_else(|| self.folders.iter().position(|it| it.contains(&path)));
        if let Some(folder) = index.and_then(|it| self.folders.get_mut(it)) {
            folder.put(id, &path, script);
        }
        self.touched.insert(id);
    }

    fn parse(&self, uri: &Uri, document: Document) -> Script {
        if !is_sql(&path_of(uri)) {
            return Script::plain(document);
        }
        let parse = || Script::new(super::workspace::DIALECT, document.clone());
        catch_unwind(AssertUnwindSafe(parse)).unwrap_or_else(|_| Script::plain(document.clone()))
    }
}

/// Diagnostics of the desired state are worth showing even when its file is not open.
fn shown_while_closed(folder: &FolderView, id: FileId) -> bool {
    folder.snapshot.file(id).is_some_and(|it| it.role == Role::Schema || it.trouble.is_some())
}

/// Anything but the documents that we write ourselves.
fn is_sql(path: &Path) -> bool {
    !path.extension().is_some_and(|it| it.eq_ignore_ascii_case("md") || it.eq_ignore_ascii_case("toml"))
}
