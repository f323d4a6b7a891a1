//! A database the user named, read as a baseline. Nothing in it is changed.

use anyhow::{Context, Result};

use super::{
    block_on,
    connect::{Session, parse_url, place},
    introspect::snapshot,
};

/// A live database's schema.
pub struct Live {
    /// As a file of SQL.
    pub text: String,
    /// Host, port, database and user, for people; no password.
    pub place: String,
    /// Major version.
    pub server_version: u32,
}

/// Reads the schema in one read-only transaction.
pub fn read(url: &str) -> Result<Live> {
    let config = parse_url(url)?;
    block_on(async {
        let session = Session::open(&config).await?;
        let place = place(&config);
        let snapshot = snapshot(&session).await.with_context(|| format!("cannot read the schema of {place}"))?;
        let text = snapshot.ddl.iter().map(|it| format!("{it};\n")).collect();
        Ok(Live { text, place, server_version: session.version })
    })?
}
