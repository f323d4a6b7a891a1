//! A throw-away PostgreSQL cluster: made in a temporary folder, reached by a unix socket only, gone with us.
//!
//! It dies with this process however that ends: the server asks the kernel for a signal at our death (Linux), and
//! folders that a killed process left behind are removed when the next cluster starts. A lock file tells dead from living.

use std::{
    env,
    fs::{self, File},
    io::ErrorKind,
    os::unix::{
        fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
        net::UnixStream,
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, Uid},
};

use super::{
    account::{self, Account},
    find::Binaries,
};

/// The bootstrap superuser. Not `postgres`, so that a dump may name a role `postgres` that is nothing special.
pub const ADMIN: &str = "lockkeeper_admin";

/// For the socket's file name only: nothing listens on TCP.
pub const PORT: u16 = 5432;

const PREFIX: &str = "lockkeeper-shadow-";

/// A running cluster. Dropping it stops the server and removes its folder.
#[derive(Debug)]
pub struct Cluster {
    /// Holds data, socket and log.
    dir: PathBuf,
    pid: Pid,
    /// Started the server and waits for it. The kernel ties the death signal to the *thread* that forked
    /// (prctl(2), PR_SET_PDEATHSIG), so that thread must live as long as the server.
    keeper: Option<JoinHandle<()>>,
    /// Locked while we live.
    lock: Lock,
}

#[derive(Debug)]
struct Lock {
    path: PathBuf,
    /// Keeps the lock.
    _file: File,
}

impl Cluster {
    /// Makes and starts a cluster; returns when it takes connections.
    pub fn start(binaries: &Binaries) -> Result<Self> {
        let account = Account::for_server()?;
        remove_stale(account);
        let bin = account.reachable(&binaries.dir, &binaries.version)?;
        let (dir, lock) = make_folder(account)?;
        let started = prepare(&bin, binaries, &dir, account).and_then(|()| spawn(&bin, &dir, account));
        let (pid, keeper) = started.inspect_err(|_| remove(&dir, &lock.path))?;
        let cluster = Self { dir, pid, keeper: Some(keeper), lock };
        cluster.wait_until_ready()?;
        Ok(cluster)
    }

    /// The folder of the unix socket.
    pub fn socket_dir(&self) -> &Path {
        &self.dir
    }

    /// The server's process id.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    /// The server writes its state into the eighth line of postmaster.pid (10+).
    fn wait_until_ready(&self) -> Result<()> {
        let (file, begin) = (self.dir.join("data/postmaster.pid"), Instant::now());
        loop {
            if fs::read_to_string(&file).is_ok_and(|it| it.lines().nth(7).is_some_and(|it| it.trim() == "ready")) {
                return Ok(());
            }
            if self.keeper.as_ref().is_none_or(JoinHandle::is_finished) {
                bail!("the server stopped while starting: {}", self.log_tail());
            }
            if begin.elapsed() > Duration::from_secs(60) {
                bail!("the server was not ready within 60 s: {}", self.log_tail());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn log_tail(&self) -> String {
        let log = fs::read_to_string(self.dir.join("log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().rev().take(5).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(keeper) = self.keeper.take() {
            // Immediate shutdown: nothing in it is worth a checkpoint.
            for signal in [Signal::SIGQUIT, Signal::SIGKILL] {
                let begin = Instant::now();
                while !keeper.is_finished() && begin.elapsed() < Duration::from_secs(5) {
                    if begin.elapsed() < Duration::from_millis(2) {
                        kill(self.pid, signal).ok();
                    }
                    thread::sleep(Duration::from_millis(2));
                }
            }
        }
        remove(&self.dir, &self.lock.path);
    }
}

fn remove(dir: &Path, lock: &Path) {
    // A dying server may still write: once more if a file appeared meanwhile.
    for _ in 0..3 {
        match fs::remove_dir_all(dir) {
            Ok(()) => break,
            Err(error) if error.kind() == ErrorKind::NotFound => break,
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
    fs::remove_file(lock).ok();
}

/// A new folder that belongs to the account, with its lock.
fn make_folder(account: Account) -> Result<(PathBuf, Lock)> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let base = base(account);
    for _ in 0..1000 {
        let name = format!("{PREFIX}{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let (dir, path) = (base.join(&name), base.join(format!("{name}.lock")));
        // The lock stands before the folder does: nobody may take a folder in the making for a dead one.
        let file = match File::options().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error).with_context(|| format!("cannot create {}", path.display())),
        };
        if file.try_lock().is_err() {
            continue;
        }
        fs::DirBuilder::new().mode(0o700).create(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        account.own(&dir)?;
        return Ok((dir, Lock { path, _file: file }));
    }
    bail!("cannot create a folder for the server in {}", base.display())
}

/// The temporary folder; `/tmp` where its name is too long for a socket's (104 bytes on macOS, 108 on Linux), or
/// where the server's account cannot go.
fn base(account: Account) -> PathBuf {
    let dir = env::temp_dir();
    if dir.as_os_str().len() > 50 || !account.can_reach(&dir) { PathBuf::from("/tmp") } else { dir }
}

/// Removes what killed processes of this user left behind; ends servers that outlived them.
pub fn remove_stale(account: Account) {
    let base = base(account);
    for entry in fs::read_dir(&base).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".lock").filter(|it| it.starts_with(PREFIX)) else { continue };
        let ours = entry.metadata().is_ok_and(|it| it.is_file() && it.uid() == Uid::effective().as_raw());
        let Ok(file) = File::open(entry.path()) else { continue };
        // Whoever can take the lock knows that its owner is dead.
        if !ours || file.try_lock().is_err() {
            continue;
        }
        let dir = base.join(stem);
        end_orphan(&dir);
        remove(&dir, &entry.path());
    }
}

/// Ends a server that still listens in a dead process's folder.
fn end_orphan(dir: &Path) {
    let socket = dir.join(format!(".s.PGSQL.{PORT}"));
    let Ok(text) = fs::read_to_string(dir.join("data/postmaster.pid")) else { return };
    let Some(pid) = text.lines().next().and_then(|it| it.trim().parse().ok()) else { return };
    // That somebody listens there proves that the number is still that server's.
    for _ in 0..100 {
        if UnixStream::connect(&socket).is_err() {
            return;
        }
        kill(Pid::from_raw(pid), Signal::SIGQUIT).ok();
        thread::sleep(Duration::from_millis(20));
    }
}

/// Fills `dir/data`: from the cached folder of this version when there is one.
fn prepare(bin: &Path, binaries: &Binaries, dir: &Path, account: Account) -> Result<()> {
    let data = dir.join("data");
    let cached = cache().join(format!("initdb-{}-{:016x}", binaries.version, account::hash(&binaries.dir)));
    if cached.is_dir() {
        match account::copy_tree(&cached, &data, account) {
            Ok(()) => return Ok(()),
            // A cache that cannot be read is no reason to fail.
            Err(_) => fs::remove_dir_all(&data).ok(),
        };
    }
    initdb(bin, dir, account)?;
    // Without a cache all works as well, only slower: not an error.
    store(&data, &cached).ok();
    Ok(())
}

fn store(data: &Path, cached: &Path) -> Result<()> {
    let parent = cached.parent().context("no cache folder")?;
    fs::create_dir_all(parent)?;
    let fresh = tempfile::tempdir_in(parent)?;
    account::copy_tree(data, &fresh.path().join("data"), Account::Own)?;
    fs::rename(fresh.path().join("data"), cached)?;
    Ok(())
}

fn cache() -> PathBuf {
    let home = || env::var_os("HOME").map(|it| Path::new(&it).join(".cache"));
    let base = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home).unwrap_or_else(env::temp_dir);
    base.join("lockkeeper")
}

fn initdb(bin: &Path, dir: &Path, account: Account) -> Result<()> {
    let mut command = Command::new(bin.join("initdb"));
    // Small WAL segments: less to write and to copy. `--no-instructions` does not exist on 13.
    command.args([
        "-D",
        "data",
        "-U",
        ADMIN,
        "-A",
        "trust",
        "--no-locale",
        "-E",
        "UTF8",
        "--no-sync",
        "--wal-segsize=1",
    ]);
    settle(&mut command, dir, account);
    let output = command.output().with_context(|| format!("cannot run {}", bin.join("initdb").display()))?;
    if !output.status.success() {
        bail!("initdb failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// What both programs need: the folder, the account, and none of the user's PG… variables.
fn settle(command: &mut Command, dir: &Path, account: Account) {
    command.current_dir(dir).env_clear().env("PATH", env::var_os("PATH").unwrap_or_default()).env("LC_ALL", "C");
    command.env("TZ", "UTC").stdin(Stdio::null());
    account.apply(command);
}

fn spawn(bin: &Path, dir: &Path, account: Account) -> Result<(Pid, JoinHandle<()>)> {
    let mut command = Command::new(bin.join("postgres"));
    command.args(["-D", "data", "-k"]).arg(dir).args(["-p", &PORT.to_string()]);
    for setting in [
        "listen_addresses=",
        "unix_socket_permissions=0700",
        // Nothing here outlives the process.
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "shared_buffers=32MB",
        "max_wal_size=1GB",
        "max_connections=60",
        // One transaction may touch every table of a large schema.
        "max_locks_per_transaction=512",
        "autovacuum=off",
        "jit=off",
        "timezone=UTC",
    ] {
        command.args(["-c", setting]);
    }
    settle(&mut command, dir, account);
    let log = File::create(dir.join("log"))?;
    command.stdout(log.try_clone()?).stderr(log);
    die_with_us(&mut command);
    let program = bin.join("postgres");
    let (send, receive) = mpsc::channel();
    let keeper = thread::Builder::new().name("shadow-server".into()).spawn(move || match command.spawn() {
        Ok(mut child) => {
            send.send(Ok(child.id())).ok();
            child.wait().ok();
        }
        Err(error) => drop(send.send(Err(error))),
    })?;
    let pid = receive.recv().context("the thread that starts the server is gone")?;
    let pid = pid.with_context(|| format!("cannot run {}", program.display()))?;
    Ok((Pid::from_raw(i32::try_from(pid).map_err(|_| anyhow!("process id {pid}"))?), keeper))
}

/// Immediate shutdown (SIGQUIT) as soon as we are gone, even by SIGKILL. Elsewhere than on Linux the next start does it.
fn die_with_us(command: &mut Command) {
    #[cfg(target_os = "linux")]
    {
        let parent = nix::unistd::getpid();
        let arm = move || {
            nix::sys::prctl::set_pdeathsig(Signal::SIGQUIT)?;
            // We may have died before the line above.
            if nix::unistd::getppid() == parent { Ok(()) } else { Err(std::io::Error::from(ErrorKind::BrokenPipe)) }
        };
        // SAFETY: between fork and exec only prctl and getppid are called, both async-signal-safe.
        unsafe { command.pre_exec(arm) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = command;
}
