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

/// A connection string for a server that a user would name, as one of its roles.
fn named(database: &Database, role: &str) -> ServerChoice {
    let own = database.connection_string().unwrap();
    ServerChoice::Url(own.replace("user=lockkeeper ", &format!("user={role} ")))
}

#[test]
fn a_named_server_gets_databases_that_go_away_again() {
    with_server(16, async |server| {
        let home = Arc::new(server.create_database(None).await.unwrap());
        let admin = home.connect_admin().await.unwrap();
        for sql in [
            "CREATE ROLE maker LOGIN CREATEDB",
            "CREATE ROLE nobody_special LOGIN",
            // Left behind by a process that is no more; one that is not ours; one whose owner lives.
            "CREATE DATABASE lockkeeper_shadow_999999999_0",
            "CREATE DATABASE lockkeeper_shadow_of_a_user",
            "CREATE DATABASE lockkeeper_shadow_1_0",
        ] {
            admin.run(sql).await.unwrap();
        }
        let machine = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
        for (name, process) in [("lockkeeper_shadow_999999999_0", "999999999"), ("lockkeeper_shadow_1_0", "1")] {
            let mark = format!("lockkeeper shadow of process {process} on {}", machine.trim());
            admin.run(&format!("COMMENT ON DATABASE {name} IS '{mark}'")).await.unwrap();
        }
        let list = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE datname LIKE 'lockkeeper_shadow_%_0' \
                    AND datname NOT LIKE '%of_a_user' AND datname NOT LIKE 'lockkeeper_shadow_' || current_setting('my.pid') || '%' \
                    OR datname = 'lockkeeper_shadow_of_a_user'";
        admin.run(&format!("SET my.pid = '{}'", std::process::id())).await.unwrap();

        // A superuser's URL: workspace SQL runs as a role made for the purpose.
        let named_server = Server::open(&named(&home, "lockkeeper_admin")).await.unwrap();
        assert_eq!(admin.value(list).await.unwrap().unwrap(), "lockkeeper_shadow_1_0 lockkeeper_shadow_of_a_user");
        let shadow = named_server.create_database(None).await.unwrap();
        let who = shadow
            .connect()
            .await
            .unwrap()
            .value("SELECT current_user || rolsuper FROM pg_roles WHERE rolname = current_user")
            .await;
        assert_eq!(who.unwrap().unwrap(), format!("lockkeeper_shadow_{}false", std::process::id()));
        let name = shadow.name.clone();
        shadow.remove().await.unwrap();
        named_server.close().await;
        let left = format!(
            "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'lockkeeper_shadow%'; SELECT 1 FROM pg_database WHERE datname = '{name}'"
        );
        assert_eq!(admin.value(&left).await.unwrap().unwrap(), "0");

        // A role that may create databases works as itself; one that may not is told what to do.
        let named_server = Server::open(&named(&home, "maker")).await.unwrap();
        let shadow = named_server.create_database(None).await.unwrap();
        assert_eq!(shadow.connect().await.unwrap().value("SELECT current_user").await.unwrap().unwrap(), "maker");
        shadow.remove().await.unwrap();
        let error = format!("{:#}", Server::open(&named(&home, "nobody_special")).await.unwrap_err());
        assert!(error.contains("may not create databases") && error.contains("CREATEDB"), "{error}");
        for name in ["lockkeeper_shadow_of_a_user", "lockkeeper_shadow_1_0"] {
            admin.run(&format!("DROP DATABASE {name}")).await.unwrap();
        }
    });
}

#[test]
fn tls_is_refused_in_plain_words() {
    with_server(15, async |_| {
        let choice = ServerChoice::Url("postgres://me:s3cret@localhost/x?sslmode=require".into());
        let error = format!("{:#}", Server::open(&choice).await.unwrap_err());
        assert!(error.contains("TLS") && !error.contains("s3cret"), "{error}");
    });
}

/// Runs `lockkeeper verify` on a baseline that never ends, with a temporary folder of its own.
fn endless(folder: &std::path::Path) -> std::process::Child {
    use std::os::unix::fs::PermissionsExt;
    // The server may run as another user than we do.
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(folder.join("a.sql"), "CREATE TABLE a (id int); SELECT pg_sleep(600);").unwrap();
    std::fs::write(folder.join("b.sql"), "CREATE TABLE a (id int);").unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lockkeeper"));
    command.args(["verify", "--from", "a.sql", "--to", "b.sql"]).current_dir(folder).env("TMPDIR", folder);
    command.stderr(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn().unwrap()
}

/// Names in the folder that a server made.
fn remains(folder: &std::path::Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|it| it.starts_with("lockkeeper-shadow-") && !it.ends_with(".lock")).collect()
}

fn wait_for<T>(what: &str, mut is: impl FnMut() -> Option<T>) -> T {
    for _ in 0..600 {
        if let Some(res) = is() {
            return res;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("{what} did not happen within 30 s");
}

fn server_pid(folder: &std::path::Path) -> Option<nix::unistd::Pid> {
    let name = remains(folder).pop()?;
    let text = std::fs::read_to_string(folder.join(name).join("data/postmaster.pid")).ok()?;
    text.lines().nth(7).filter(|it| it.trim() == "ready")?;
    Some(nix::unistd::Pid::from_raw(text.lines().next()?.trim().parse().ok()?))
}

fn is_gone(pid: nix::unistd::Pid) -> Option<()> {
    // A zombie that nobody has waited for yet is gone, too.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    (stat.is_empty() || stat.contains(") Z ")).then_some(())
}

#[test]
fn ctrl_c_and_sigterm_leave_nothing_behind() {
    use nix::sys::signal::{Signal, kill};
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let folder = tempfile::tempdir().unwrap();
        let child = endless(folder.path());
        let pid = wait_for("the server's start", || server_pid(folder.path()));
        kill(nix::unistd::Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("interrupted"), "{output:?}");
        wait_for("the server's end", || is_gone(pid));
        assert_eq!(remains(folder.path()), Vec::<String>::new());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_killed_process_takes_its_server_along_and_the_next_one_clears_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = endless(folder.path());
    let pid = wait_for("the server's start", || server_pid(folder.path()));
    child.kill().unwrap();
    child.wait().unwrap();
    wait_for("the server's end", || is_gone(pid));
    let left = remains(folder.path());
    assert_eq!(left.len(), 1);
    let mut next = endless(folder.path());
    wait_for("the clearing up", || (!remains(folder.path()).contains(&left[0])).then_some(()));
    next.kill().unwrap();
    next.wait().unwrap();
}

#[test]
fn a_database_is_cloned_from_another() {
    for version in VERSIONS {
        with_server(version, async |server| {
            let base = server.create_database(None).await.unwrap();
            let session = base.connect().await.unwrap();
            for i in 0..30 {
                session.run(&format!("CREATE TABLE t{i} (id int PRIMARY KEY, name text)")).await.unwrap();
            }
            drop(session);
            // The server takes no copy while somebody is connected.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            let begin = std::time::Instant::now();
            let clone = server.create_database(Some(&base.name)).await.unwrap();
            eprintln!("PostgreSQL {version}: 30 tables cloned in {:?}", begin.elapsed());
            let count = "SELECT count(*) FROM pg_class WHERE relname ~ '^t[0-9]+$'";
            assert_eq!(clone.connect().await.unwrap().value(count).await.unwrap().unwrap(), "30");
            clone.remove().await.unwrap();
            base.remove().await.unwrap();
        });
    }
}

#[test]
fn a_server_that_goes_away_in_the_middle_is_told_in_one_line() {
    use nix::sys::signal::{Signal, kill};
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.sql"), "CREATE TABLE a (id int); SELECT pg_sleep(600);").unwrap();
    std::fs::write(folder.path().join("b.sql"), "CREATE TABLE a (id int);").unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        // One of its own: the others' must live.
        let installed = find::all().into_iter().find(|it| it.major == 16).expect("run tests/setup");
        let choice = ServerChoice::Found { binaries: Some(installed.dir), version: Some(16) };
        let server = Server::open(&choice).await.unwrap();
        let home = Arc::new(server.create_database(None).await.unwrap());
        let ServerChoice::Url(url) = named(&home, "lockkeeper_admin") else { panic!("a URL") };
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lockkeeper"));
        command.args(["verify", "--from", "a.sql", "--to", "b.sql", "--shadow", &url]).current_dir(folder.path());
        let child = command.stderr(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
        let admin = home.connect_admin().await.unwrap();
        let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'";
        for _ in 0..600 {
            if admin.value(sleeping).await.unwrap().as_deref() == Some("1") {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        kill(nix::unistd::Pid::from_raw(server.pid().unwrap()), Signal::SIGQUIT).unwrap();
        let output = tokio::task::spawn_blocking(move || child.wait_with_output()).await.unwrap().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]), "{told}");
        assert!(told.lines().count() == 1 && told.contains("the server went away"), "{told}");
    });
}
