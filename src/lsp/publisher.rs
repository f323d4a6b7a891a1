//! Diagnostics on their way to the client, in order.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tower_lsp_server::{
    Client,
    ls_types::{Diagnostic, Uri},
};

/// Sends what is new. Other threads may use it; nothing blocks.
#[derive(Clone)]
pub struct Publisher {
    queue: UnboundedSender<Message>,
    /// The client asks for diagnostics itself.
    pulls: Arc<AtomicBool>,
}

enum Message {
    Publish {
        uri: Uri,
        diagnostics: Vec<Diagnostic>,
        version: Option<i32>,
    },
    /// Other files than the one being edited may have new diagnostics.
    Refresh,
    /// Take back what was pushed: the client pulls, and would show everything twice.
    Withdraw,
}

impl Publisher {
    pub fn new(client: Client) -> Self {
        let (queue, messages) = unbounded_channel();
        let pulls = Arc::new(AtomicBool::new(false));
        tokio::spawn(deliver(client, messages, pulls.clone()));
        Self { queue, pulls }
    }

    pub fn pulls(&self) -> bool {
        self.pulls.load(Ordering::Relaxed)
    }

    /// From now on the client asks.
    pub fn stop_pushing(&self) {
        if !self.pulls.swap(true, Ordering::Relaxed) {
            self.send(Message::Withdraw);
        }
    }

    pub fn publish(&self, uri: Uri, diagnostics: Vec<Diagnostic>, version: Option<i32>) {
        if !self.pulls() {
            self.send(Message::Publish { uri, diagnostics, version });
        }
    }

    pub fn refresh(&self) {
        self.send(Message::Refresh);
    }

    fn send(&self, message: Message) {
        // The other end goes away with the server: then nobody is left to be told.
        let _ = self.queue.send(message);
    }
}

async fn deliver(client: Client, mut messages: UnboundedReceiver<Message>, pulls: Arc<AtomicBool>) {
    // What the client shows now; empty lists are not kept.
    let mut shown: BTreeMap<Uri, Vec<Diagnostic>> = BTreeMap::new();
    while let Some(message) = messages.recv().await {
        match message {
            Message::Publish { .. } if pulls.load(Ordering::Relaxed) => {}
            Message::Publish { uri, diagnostics, version } => {
                // A new version is told even when nothing changed: clients wait for it.
                let unchanged = shown.get(&uri).map_or(diagnostics.is_empty(), |it| *it == diagnostics);
                if unchanged && version.is_none() {
                    continue;
                }
                if diagnostics.is_empty() {
                    shown.remove(&uri);
                } else {
                    shown.insert(uri.clone(), diagnostics.clone());
                }
                client.publish_diagnostics(uri, diagnostics, version).await;
            }
            Message::Refresh => {
                let client = client.clone();
                // The answer says nothing, and must not be waited for: the client may ask us first.
                tokio::spawn(async move { client.workspace_diagnostic_refresh().await });
            }
            Message::Withdraw => {
                for uri in std::mem::take(&mut shown).into_keys() {
                    client.publish_diagnostics(uri, Vec::new(), None).await;
                }
            }
        }
    }
}
