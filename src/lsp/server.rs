//! The protocol's entry points. Each hands over to its handler, under a guard that turns a panic into an error.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Sender, channel},
    },
};

use futures::FutureExt;
use tokio::sync::watch;
use tower_lsp_server::{
    Client, LanguageServer,
    jsonrpc::{Error, ErrorCode, Result},
    ls_types::*,
};

use super::{
    analyst::{Analyst, Numbered},
    events::Event,
    handlers,
    publisher::Publisher,
    view::View,
};
use crate::copilot::Stop;

/// The server that one client talks to.
pub struct Server {
    pub(super) client: Client,
    /// Numbers and order of the messages are one: both change under this lock.
    events: Mutex<(u64, Sender<Numbered>)>,
    views: watch::Receiver<Arc<View>>,
    pub(super) publisher: Publisher,
    /// The client watches files for us when asked.
    pub(super) watch: Mutex<bool>,
}

impl Server {
    pub fn new(client: Client) -> Self {
        let (outbox, inbox) = channel();
        let (views_out, views) = watch::channel(Arc::new(View::empty()));
        let publisher = Publisher::new(client.clone());
        if let Err(error) = Analyst::start(inbox, outbox.clone(), views_out, publisher.clone()) {
            eprintln!("lockkeeper: no thread for the analysis: {error}");
        }
        Self { client, events: Mutex::new((0, outbox)), views, publisher, watch: Mutex::new(false) }
    }

    /// Tells the analyst. Must be called before the handler's first `await`: so messages keep the client's order.
    pub(super) fn tell(&self, event: Event) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.0 += 1;
        let number = events.0;
        // The analyst only ends with the server.
        let _ = events.1.send((number, event));
    }

    /// Waits for the view that satisfies, of everything told so far.
    async fn view(&self, ready: impl Fn(&View, u64) -> bool) -> Result<Arc<View>> {
        let now = self.events.lock().unwrap_or_else(PoisonError::into_inner).0;
        let mut views = self.views.clone();
        let view = views.wait_for(|it| ready(it, now)).await;
        view.map(|it| it.clone()).map_err(|_| Error::internal_error())
    }

    /// The texts, with diagnostics as good as they get in good time.
    pub(super) async fn settled(&self) -> Result<Arc<View>> {
        self.view(|it, now| it.settled >= now).await
    }

    /// The texts, and all that follows from them.
    pub(super) async fn analysed(&self) -> Result<Arc<View>> {
        self.view(|it, now| it.analysed >= now).await
    }
}

/// Runs work that may take long on a thread of its own. It is asked to stop when nobody waits for it any more: the
/// client took its request back, or is gone.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce(Stop) -> T + Send + 'static) -> Result<T> {
    let waiting = Waiting::default();
    let given_up = waiting.0.clone();
    let stop = Stop::when(move || given_up.load(Ordering::Relaxed));
    // The only error is a panic in there, which the runtime has logged.
    tokio::task::spawn_blocking(move || work(stop)).await.map_err(|_| panicked())
}

/// Lives as long as a request does, and tells when that is over.
#[derive(Default)]
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A panic ends the request, not the server.
async fn guarded<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| Err(panicked()))
}

async fn guarded_notice(work: impl Future<Output = ()>) {
    if AssertUnwindSafe(work).catch_unwind().await.is_err() {
        eprintln!("lockkeeper: a notification could not be handled; the server goes on");
    }
}

/// The request made sense and cannot be done: a sentence for people.
pub(super) fn failed(why: String) -> Error {
    // RequestFailed of the protocol, 3.17.
    Error { code: ErrorCode::ServerError(-32803), message: why.into(), data: None }
}

fn panicked() -> Error {
    let message = "lockkeeper failed on this request; the server goes on (its log has the details)";
    Error { message: message.into(), ..Error::internal_error() }
}

impl LanguageServer for Server {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        guarded(handlers::initialize(self, params)).await
    }

    async fn initialized(&self, _: InitializedParams) {
        guarded_notice(handlers::initialized(self)).await;
    }

    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        guarded_notice(handlers::did_open(self, params)).await;
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        guarded_notice(handlers::did_change(self, params)).await;
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        guarded_notice(handlers::did_close(self, params)).await;
    }

    async fn did_save(&self, params: DidSaveTextDocumentParams) {
        guarded_notice(handlers::did_save(self, params)).await;
    }

    async fn did_change_watched_files(&self, params: DidChangeWatchedFilesParams) {
        guarded_notice(handlers::did_change_watched_files(self, params)).await;
    }

    async fn did_change_workspace_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        guarded_notice(handlers::did_change_workspace_folders(self, params)).await;
    }

    async fn did_change_configuration(&self, _: DidChangeConfigurationParams) {
        // Settings live in lockkeeper.toml, which is watched.
    }

    async fn diagnostic(&self, params: DocumentDiagnosticParams) -> Result<DocumentDiagnosticReportResult> {
        guarded(handlers::diagnostic(self, params)).await
    }

    async fn hover(&self, params: HoverParams) -> Result<Option<Hover>> {
        guarded(handlers::hover(self, params)).await
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        guarded(handlers::code_action(self, params)).await
    }

    async fn code_action_resolve(&self, params: CodeAction) -> Result<CodeAction> {
        guarded(handlers::code_action_resolve(self, params)).await
    }

    async fn execute_command(&self, params: ExecuteCommandParams) -> Result<Option<LSPAny>> {
        guarded(handlers::execute_command(self, params)).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_panic_ends_one_request() {
        let answer: Result<()> = guarded(async { panic!("a bug") }).await;
        assert!(answer.expect_err("an error").message.contains("the server goes on"));
        let answer: Result<()> = blocking(|_| panic!("a bug")).await;
        assert!(answer.is_err());
    }

    #[tokio::test]
    async fn work_ends_with_its_request() {
        let (done, ended) = channel();
        let work = blocking(move |stop| {
            while !stop.is_asked() {
                std::thread::yield_now();
            }
            done.send(())
        });
        // As the transport does with a request that is cancelled: nobody asks for its answer any more.
        assert!(tokio::time::timeout(Duration::from_millis(20), work).await.is_err());
        ended.recv_timeout(Duration::from_secs(30)).expect("the work ends");
    }
}
