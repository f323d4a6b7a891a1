//! Sessions on a server, and URLs.

use std::{
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use futures::future;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, SimpleQueryMessage, config::SslMode};

/// One connection. Notices of the server are kept until asked for.
pub struct Session {
    client: Client,
    notices: Arc<Mutex<Vec<String>>>,
    /// Process id of the backend, as `pg_locks` has it.
    pub backend: i32,
    /// Major version, e.g. 15.
    pub version: u32,
}

impl Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Session {
    /// Connects, and has the connection driven on the current runtime until it is closed.
    pub async fn open(config: &Config) -> Result<Self> {
        if config.get_ssl_mode() == SslMode::Require {
            bail!(
                "{} asks for TLS (sslmode=require), which is not supported: use sslmode=prefer or disable on a trusted network",
                place(config)
            );
        }
        let mut config = config.clone();
        config.application_name("lockkeeper").ssl_mode(SslMode::Disable);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(10));
        }
        let (client, mut connection) = config
            .connect(NoTls)
            .await
            .map_err(explain)
            .with_context(|| format!("cannot connect to {}", place(&config)))?;
        let notices = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&notices);
        tokio::spawn(async move {
            while let Some(Ok(message)) = future::poll_fn(|cx| connection.poll_message(cx)).await {
                if let AsyncMessage::Notice(notice) = message {
                    sink.lock().unwrap_or_else(PoisonError::into_inner).push(notice.message().to_owned());
                }
            }
        });
        let mut session = Self { client, notices, backend: 0, version: 0 };
        let row = session.query("SELECT pg_backend_pid(), current_setting('server_version_num')::int", &[]).await;
        let row = row.map_err(explain)?;
        let row = row.first().context("the server gave no answer")?;
        session.backend = row.try_get(0)?;
        session.version = u32::try_from(row.try_get::<_, i32>(1)?)? / 10_000;
        Ok(session)
    }

    /// Notices since the last call.
    pub fn take_notices(&self) -> Vec<String> {
        std::mem::take(&mut self.notices.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs one statement (or several) as it is, results ignored.
    pub async fn run(&self, sql: &str) -> Result<(), Failure> {
        self.client.batch_execute(sql).await.map_err(|it| Failure::of(&it, self.client.is_closed()))
    }

    /// First column of the first row, as text; `None` for NULL or no row.
    pub async fn value(&self, sql: &str) -> Result<Option<String>, Failure> {
        let messages = self.client.simple_query(sql).await.map_err(|it| Failure::of(&it, self.client.is_closed()))?;
        let row = messages.iter().find_map(|it| match it {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        Ok(row.and_then(|it| it.try_get(0).ok().flatten()).map(str::to_owned))
    }

    /// Rows as text.
    pub async fn rows(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>, Failure> {
        let messages = self.client.simple_query(sql).await.map_err(|it| Failure::of(&it, self.client.is_closed()))?;
        let rows = messages.into_iter().filter_map(|it| match it {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|i| row.try_get(i).ok().flatten().map(str::to_owned)).collect())
            }
            _ => None,
        });
        Ok(rows.collect())
    }
}

/// An error of the server, or its absence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub message: String,
    /// SQLSTATE, e.g. `42501`; empty when the connection broke.
    pub code: String,
    /// Constraint named by the error.
    pub constraint: Option<String>,
    /// Table named by the error.
    pub table: Option<String>,
    /// The server went away: nothing more can be done on this connection.
    pub gone: bool,
}

impl Failure {
    fn of(error: &tokio_postgres::Error, closed: bool) -> Self {
        let Some(db) = error.as_db_error() else {
            let message = format!("the server went away ({})", chain(error));
            return Self { message, code: String::new(), constraint: None, table: None, gone: true };
        };
        let mut message = db.message().to_owned();
        for more in [db.detail(), db.hint()].into_iter().flatten() {
            message = format!("{message}; {more}");
        }
        let code = db.code().code().to_owned();
        // Class 57P: admin shutdown, crash shutdown, cannot connect now.
        let gone = closed || code.starts_with("57P");
        if gone {
            message = format!("the server went away ({message})");
        }
        Self { message, code, constraint: db.constraint().map(Into::into), table: db.table().map(Into::into), gone }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        if self.code.is_empty() { Ok(()) } else { write!(f, " (SQLSTATE {})", self.code) }
    }
}

impl std::error::Error for Failure {}

/// Reads a URL or a `key=value` connection string. The text itself never shows in an error: it may hold a password.
pub fn parse_url(url: &str) -> Result<Config> {
    if url.contains("sslmode=verify") || url.contains("sslrootcert") {
        bail!(
            "the URL asks for TLS with verification, which is not supported: use sslmode=prefer or disable on a trusted network"
        );
    }
    url.parse::<Config>().map_err(|error| anyhow!("the database URL cannot be read: {}", chain(&error)))
}

/// Host, port, database and user; never the password.
pub fn place(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(tokio_postgres::config::Host::Tcp(host)) => host.clone(),
        #[cfg(unix)]
        Some(tokio_postgres::config::Host::Unix(path)) => path.display().to_string(),
        None => "(no host)".into(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let (user, name) = (config.get_user().unwrap_or_default(), config.get_dbname().unwrap_or_default());
    format!("{host}:{port}/{name} as {user}")
}

fn explain(error: tokio_postgres::Error) -> anyhow::Error {
    let text = chain(&error);
    if text.contains("no encryption") || text.contains("SSL off") {
        return anyhow!("the server takes TLS connections only, which is not supported: {text}");
    }
    anyhow!(text)
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_url_is_reported_without_its_password() {
        for url in ["postgres://me:s3cret@host:port/x", "postgres://me:s3cret@h/x?sslmode=verify-full"] {
            let error = format!("{:#}", parse_url(url).unwrap_err());
            assert!(!error.contains("s3cret"), "{error}");
        }
        let config = parse_url("postgres://me:s3cret@host:5433/shop").unwrap();
        assert_eq!(place(&config), "host:5433/shop as me");
    }
}
