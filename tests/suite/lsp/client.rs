//! A small editor: keeps what the server says, and waits for it.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf, split},
    runtime::Runtime,
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
};

/// What an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A workspace on disk.
pub struct Folder {
    dir: TempDir,
    root: PathBuf,
}

impl Folder {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = dir.path().canonicalize().expect("its real path");
        let res = Self { dir, root };
        for (name, text) in files {
            res.write(name, text);
        }
        res
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    pub fn git(&self, arguments: &[&str]) {
        crate::cli::git(&self.dir, arguments);
    }

    pub fn uri(&self, name: &str) -> String {
        format!("file://{}", self.root.join(name).display())
    }
}

/// What a capable editor announces.
pub fn capabilities() -> Value {
    json!({
        "general": {"positionEncodings": ["utf-16"]},
        "workspace": {
            "applyEdit": true,
            "workspaceEdit": {
                "documentChanges": true,
                "resourceOperations": ["create", "rename", "delete"],
                "changeAnnotationSupport": {"groupsOnLabel": true},
            },
            "workspaceFolders": true,
        },
        "window": {"showDocument": {"support": true}},
        "textDocument": {
            "publishDiagnostics": {"relatedInformation": true, "versionSupport": true},
            "hover": {"contentFormat": ["markdown", "plaintext"]},
            "codeAction": {
                "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix", "refactor", "refactor.rewrite"]}},
                "resolveSupport": {"properties": ["edit"]},
                "dataSupport": true,
            },
        },
    })
}

pub fn at(line: u32, character: u32) -> Value {
    json!({"line": line, "character": character})
}

pub struct Client {
    runtime: Runtime,
    to: WriteHalf<DuplexStream>,
    from: UnboundedReceiver<Value>,
    next: i64,
    answers: BTreeMap<i64, Value>,
    /// The last diagnostics and their version, by file.
    shown: BTreeMap<String, (Option<i64>, Value)>,
    /// Requests that the server made.
    pub asked: Vec<Value>,
}

impl Client {
    /// Starts a server, and gives what it said to `initialize`.
    pub fn start(folder: &Folder, capabilities: &Value) -> (Self, Value) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let (input, output) = split(theirs);
        runtime.spawn(lockkeeper::lsp::serve(input, output));
        let (read, to) = split(ours);
        let (sender, from) = unbounded_channel();
        runtime.spawn(async move {
            let mut read = BufReader::new(read);
            while let Some(message) = receive(&mut read).await {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let (answers, shown) = (BTreeMap::new(), BTreeMap::new());
        let mut client = Self { runtime, to, from, next: 0, answers, shown, asked: Vec::new() };
        let folders = json!([{"uri": format!("file://{}", folder.root.display()), "name": "w"}]);
        let params = json!({"processId": null, "capabilities": capabilities, "workspaceFolders": folders});
        let answer = client.request("initialize", &params);
        client.notify("initialized", &json!({}));
        (client, answer)
    }

    pub fn stop(mut self) {
        assert_eq!(self.request("shutdown", &Value::Null), Value::Null);
        self.notify("exit", &Value::Null);
        self.runtime.shutdown_timeout(Duration::from_secs(5));
    }

    pub fn notify(&mut self, method: &str, params: &Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// The result of a request that succeeds.
    pub fn request(&mut self, method: &str, params: &Value) -> Value {
        let id = self.ask(method, params);
        let answer = self.answer(id);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// The error of a request that fails.
    pub fn error(&mut self, method: &str, params: &Value) -> Value {
        let id = self.ask(method, params);
        let answer = self.answer(id);
        assert!(answer.get("error").is_some(), "{method}: {answer}");
        answer["error"].clone()
    }

    pub fn ask(&mut self, method: &str, params: &Value) -> i64 {
        self.next += 1;
        let id = self.next;
        let mut message = json!({"jsonrpc": "2.0", "id": id, "method": method});
        if !params.is_null() {
            message["params"] = params.clone();
        }
        self.send(&message);
        id
    }

    pub fn answer(&mut self, id: i64) -> Value {
        self.wait("an answer", |it| it.answers.remove(&id))
    }

    pub fn open(&mut self, folder: &Folder, name: &str, text: &str) {
        let document = json!({"uri": folder.uri(name), "languageId": "sql", "version": 1, "text": text});
        self.notify("textDocument/didOpen", &json!({"textDocument": document}));
    }

    pub fn edit(&mut self, folder: &Folder, name: &str, version: i64, from: (u32, u32), to: (u32, u32), text: &str) {
        let range = json!({"start": at(from.0, from.1), "end": at(to.0, to.1)});
        let params = json!({
            "textDocument": {"uri": folder.uri(name), "version": version},
            "contentChanges": [{"range": range, "text": text}],
        });
        self.notify("textDocument/didChange", &params);
    }

    /// The diagnostics of a version of a file, once they are there.
    pub fn diagnostics(&mut self, folder: &Folder, name: &str, version: i64) -> Value {
        let uri = folder.uri(name);
        self.wait("diagnostics", |it| it.shown.get(&uri).filter(|it| it.0 == Some(version)).map(|it| it.1.clone()))
    }

    /// The diagnostics of a file that satisfy a condition, once they are there.
    pub fn diagnostics_where(&mut self, folder: &Folder, name: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let uri = folder.uri(name);
        self.wait("the diagnostics that were expected", |it| {
            it.shown.get(&uri).filter(|it| holds(&it.1)).map(|it| it.1.clone())
        })
    }

    /// The code actions at a place, with the diagnostics of its line.
    pub fn actions(&mut self, folder: &Folder, name: &str, place: (u32, u32)) -> Value {
        let shown = self.shown(folder, name);
        let here = shown.as_array().into_iter().flatten().filter(|it| it["range"]["start"]["line"] == place.0);
        let here: Vec<&Value> = here.collect();
        let range = json!({"start": at(place.0, place.1), "end": at(place.0, place.1)});
        let params = json!({
            "textDocument": {"uri": folder.uri(name)}, "range": range, "context": {"diagnostics": here},
        });
        self.request("textDocument/codeAction", &params)
    }

    /// Tells the server that a file has changed on disk.
    pub fn touched(&mut self, folder: &Folder, name: &str) {
        let changes = json!([{"uri": folder.uri(name), "type": 2}]);
        self.notify("workspace/didChangeWatchedFiles", &json!({"changes": changes}));
    }

    /// What is shown now.
    pub fn shown(&self, folder: &Folder, name: &str) -> Value {
        self.shown.get(&folder.uri(name)).map_or_else(|| json!([]), |it| it.1.clone())
    }

    /// Takes messages until `done` finds what it looks for.
    pub fn wait<T>(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = done(self) {
                return found;
            }
            let left = end.saturating_duration_since(Instant::now());
            let next = self.runtime.block_on(async { tokio::time::timeout(left, self.from.recv()).await });
            match next {
                Ok(Some(message)) => self.take(message),
                Ok(None) => panic!("the server is gone; {what} did not come"),
                Err(_) => panic!("{what} did not come; shown: {:#?}", self.shown),
            }
        }
    }

    fn take(&mut self, message: Value) {
        match (message.get("method").and_then(Value::as_str), message.get("id")) {
            (Some("textDocument/publishDiagnostics"), None) => {
                let params = &message["params"];
                let uri = params["uri"].as_str().unwrap_or_default().to_owned();
                self.shown.insert(uri, (params["version"].as_i64(), params["diagnostics"].clone()));
            }
            (Some(method), Some(id)) => {
                let result = match method {
                    "workspace/applyEdit" => json!({"applied": true}),
                    "window/showDocument" => json!({"success": true}),
                    _ => Value::Null,
                };
                self.send(&json!({"jsonrpc": "2.0", "id": id, "result": result}));
                self.asked.push(message);
            }
            (None, Some(id)) => {
                let id = id.as_i64().unwrap_or(-1);
                self.answers.insert(id, message);
            }
            _ => {}
        }
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        let text = format!("Content-Length: {}\r\n\r\n{body}", body.len());
        let sent = self.runtime.block_on(self.to.write_all(text.as_bytes()));
        sent.expect("the server reads");
    }
}

async fn receive(read: &mut BufReader<ReadHalf<DuplexStream>>) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if read.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some(("Content-Length", it)) => length = it.parse().ok()?,
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    read.read_exact(&mut body).await.ok()?;
    serde_json::from_slice(&body).ok()
}
