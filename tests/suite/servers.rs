//! Real servers for tests: one cluster per major version and test process, fresh databases for each test.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex},
};

use lockkeeper::shadow::{
    find,
    server::{Database, Server, ServerChoice},
};

/// Every major version the product supports.
pub const VERSIONS: std::ops::RangeInclusive<u32> = 13..=18;

type Servers = BTreeMap<u32, Arc<Server>>;

static SERVERS: Mutex<Servers> = Mutex::new(BTreeMap::new());

/// Runs a test against a server of this very version.
///
/// The server is shared by all tests of the process and stops at its end. A version that is not installed
/// fails the test: `tests/setup` installs all of them.
pub fn with_server<F: Future>(version: u32, test: impl FnOnce(Arc<Server>) -> F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let server = server(version).await;
        test(server).await
    })
}

/// A fresh database on a server of this version.
pub fn with_database<F: Future>(version: u32, test: impl FnOnce(Arc<Database>) -> F) -> F::Output {
    with_server(version, async |server| {
        let database = Arc::new(server.create_database(None).await.unwrap());
        let res = test(Arc::clone(&database)).await;
        if let Ok(database) = Arc::try_unwrap(database) {
            database.remove().await.unwrap();
        }
        res
    })
}

async fn server(version: u32) -> Arc<Server> {
    tokio::task::spawn_blocking(move || {
        // Held while starting: a second test for the same version waits instead of starting another.
        let mut servers = SERVERS.lock().unwrap_or_else(|it| it.into_inner());
        if let Some(server) = servers.get(&version) {
            return Arc::clone(server);
        }
        let installed = find::all().into_iter().find(|it| it.major == version);
        let installed = installed.unwrap_or_else(|| panic!("PostgreSQL {version} is not installed: run tests/setup"));
        let choice = ServerChoice::Found { binaries: Some(installed.dir), version: Some(version) };
        let server = tokio::runtime::Handle::current().block_on(Server::open(&choice)).unwrap();
        if servers.is_empty() {
            // SAFETY: `stop` is a plain function; statics are not dropped at exit, so somebody has to.
            unsafe { nix::libc::atexit(stop) };
        }
        servers.insert(version, Arc::clone(&server));
        server
    })
    .await
    .unwrap()
}

extern "C" fn stop() {
    if let Ok(mut servers) = SERVERS.lock() {
        servers.clear();
    }
}

#[test]
fn every_version_starts_and_gives_databases() {
    for version in VERSIONS {
        let text = with_database(version, async |database| {
            let session = database.connect().await.unwrap();
            session.value("SELECT current_setting('server_version_num')::int / 10000 || ' ' || current_user").await
        });
        assert_eq!(text.unwrap().unwrap(), format!("{version} lockkeeper"));
    }
}

#[test]
fn workspace_sql_is_no_superuser() {
    with_database(15, async |database| {
        let session = database.connect().await.unwrap();
        let failure = session.run("COPY (SELECT 1) TO PROGRAM 'cat'").await.unwrap_err();
        assert_eq!(failure.code, "42501");
        assert_eq!(
            session.value("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").await.unwrap().unwrap(),
            "f"
        );
    });
}
