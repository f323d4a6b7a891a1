//! A server to make shadow databases on: a throw-away cluster of our own, or one the user named for this purpose.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use anyhow::{Context, Result, bail};
use tokio_postgres::Config;

use super::{
    cluster::{ADMIN, Cluster, PORT},
    connect::{Failure, Session, parse_url, place},
    find,
};

/// Which server to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerChoice {
    /// Programs found on this machine, or in the folder named.
    Found { binaries: Option<PathBuf>, version: Option<u32> },
    /// A server the user named for shadow databases.
    Url(String),
}

/// Role that workspace SQL runs as on our own cluster: owns the databases, sees all rows (a forced row security would
/// hide them from the comparison), and is nothing else.
const RUNNER: &str = "lockkeeper";

/// Names of shadow databases (and of the role made for them) begin with this.
const PREFIX: &str = "lockkeeper_shadow_";

/// A server with the right to create databases.
#[derive(Debug)]
pub struct Server {
    /// Major version, e.g. 15.
    pub version: u32,
    /// For people: `PostgreSQL 15.18 in /usr/lib/postgresql/15/bin`, `PostgreSQL 16.2 at db.example:5432/x as me`.
    pub description: String,
    /// What the user should know of the choice.
    pub notes: Vec<String>,
    /// Creates and drops databases; a superuser on our own cluster.
    admin: Config,
    /// Runs workspace SQL.
    runner: Config,
    admin_is_superuser: bool,
    /// Role made for this run on a named server.
    made_role: bool,
    next: AtomicU32,
    /// Ours: stops when dropped.
    cluster: Option<Cluster>,
}

impl Server {
    /// Starts or reaches the server.
    pub async fn open(choice: &ServerChoice) -> Result<Arc<Self>> {
        let server = match choice {
            ServerChoice::Found { binaries, version } => Self::start(binaries.clone(), *version).await?,
            ServerChoice::Url(url) => Self::reach(url).await?,
        };
        Ok(Arc::new(server))
    }

    async fn start(dir: Option<PathBuf>, version: Option<u32>) -> Result<Self> {
        let (found, cluster) = tokio::task::spawn_blocking(move || {
            let found = find::find(dir.as_deref(), version)?;
            let cluster = Cluster::start(&found.binaries).with_context(|| {
                format!("cannot start PostgreSQL {} of {}", found.binaries.version, found.binaries.dir.display())
            })?;
            anyhow::Ok((found, cluster))
        })
        .await??;
        let mut admin = Config::new();
        admin.host_path(cluster.socket_dir()).port(PORT).user(ADMIN).dbname("postgres");
        let mut runner = admin.clone();
        runner.user(RUNNER);
        Session::open(&admin).await?.run(&format!("CREATE ROLE {RUNNER} LOGIN BYPASSRLS")).await?;
        Ok(Self {
            version: found.binaries.major,
            description: format!("PostgreSQL {} of {}", found.binaries.version, found.binaries.dir.display()),
            notes: found.note.into_iter().collect(),
            admin,
            runner,
            admin_is_superuser: true,
            made_role: false,
            next: AtomicU32::new(0),
            cluster: Some(cluster),
        })
    }

    async fn reach(url: &str) -> Result<Self> {
        let admin = parse_url(url)?;
        let session = Session::open(&admin).await?;
        let rows = session.rows(
            "SELECT rolsuper, rolcreatedb, rolcreaterole, current_setting('server_version') FROM pg_roles WHERE rolname = current_user",
        );
        let row = rows.await?.pop().context("the role is not in pg_roles")?;
        let is = |i: usize| row.get(i).is_some_and(|it| it.as_deref() == Some("t"));
        let place = place(&admin);
        if !is(0) && !is(1) {
            bail!(
                "{place}: the role may not create databases, and shadow databases must be. Grant it (ALTER ROLE … CREATEDB), \
                 name another role in the URL, or use a server of this machine (--shadow embedded)"
            );
        }
        if session.version < 13 {
            bail!("{place}: PostgreSQL {} is too old, 13 or newer is needed", session.version);
        }
        let mut server = Self {
            version: session.version,
            description: format!("PostgreSQL {} at {place}", row.get(3).cloned().flatten().unwrap_or_default()),
            notes: Vec::new(),
            runner: admin.clone(),
            admin,
            admin_is_superuser: is(0),
            made_role: false,
            next: AtomicU32::new(0),
            cluster: None,
        };
        server.remove_leftovers(&session).await?;
        if server.admin_is_superuser {
            server.make_runner(&session).await?;
        }
        Ok(server)
    }

    /// Workspace SQL never runs as superuser: a role of its own for this run.
    async fn make_runner(&mut self, session: &Session) -> Result<()> {
        let role = format!("{PREFIX}{}", std::process::id());
        // Two in one process share the role; the password is renewed and given back to this server only.
        let password = session.value("SELECT gen_random_uuid()::text").await?.unwrap_or_default();
        let exists = session.value(&format!("SELECT 1 FROM pg_roles WHERE rolname = '{role}'")).await?.is_some();
        let verb = if exists { "ALTER" } else { "CREATE" };
        session.run(&format!("{verb} ROLE {role} LOGIN BYPASSRLS PASSWORD '{password}'")).await?;
        session.run(&format!("COMMENT ON ROLE {role} IS '{}'", mark())).await?;
        self.runner.user(&role).password(&password);
        self.made_role = true;
        Session::open(&self.runner).await.with_context(|| {
            format!(
                "{}: the role of the URL is a superuser, so workspace SQL would run as {role}, made for this purpose, \
                 and that role cannot log in. Name a role in the URL that has CREATEDB and is no superuser",
                place(&self.admin)
            )
        })?;
        Ok(())
    }

    /// Drops databases and roles that dead processes of this machine left on a named server; touches no others.
    async fn remove_leftovers(&self, session: &Session) -> Result<()> {
        let databases = format!(
            "SELECT d.datname, shobj_description(d.oid, 'pg_database') FROM pg_database d \
             WHERE starts_with(d.datname, '{PREFIX}') AND pg_has_role(d.datdba, 'MEMBER') \
             AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid)"
        );
        let roles = format!(
            "SELECT rolname, shobj_description(oid, 'pg_authid') FROM pg_roles WHERE starts_with(rolname, '{PREFIX}')"
        );
        for (kind, sql) in [("DATABASE", databases), ("ROLE", roles)] {
            for row in session.rows(&sql).await? {
                if let [Some(name), Some(mark)] = row.as_slice()
                    && is_dead(mark)
                {
                    // Somebody else may be quicker, or it may be in use after all: no reason to stop.
                    session.run(&format!("DROP {kind} IF EXISTS \"{name}\"")).await.ok();
                }
            }
        }
        Ok(())
    }

    /// A new database, owned by the role that runs workspace SQL; a copy of `template` when given.
    pub async fn create_database(self: &Arc<Self>, template: Option<&str>) -> Result<Database> {
        let session = Session::open(&self.admin).await?;
        let owner = self.runner.get_user().unwrap_or(RUNNER);
        let template_name = template.unwrap_or("template0");
        // 15+ writes the copy to the WAL by default; copying files is faster for small databases (manual, CREATE DATABASE).
        let strategy = if self.version >= 15 { " STRATEGY file_copy" } else { "" };
        loop {
            let name = format!("{PREFIX}{}_{}", std::process::id(), self.next.fetch_add(1, Ordering::Relaxed));
            let encoding = if template.is_none() { " ENCODING 'UTF8'" } else { "" };
            let sql =
                format!("CREATE DATABASE {name} OWNER \"{owner}\" TEMPLATE \"{template_name}\"{strategy}{encoding}");
            match session.run(&sql).await {
                Ok(()) => {}
                Err(Failure { code, .. }) if code == "42P04" => continue,
                Err(failure) => return Err(failure).context("cannot create a shadow database"),
            }
            let database = Database { server: Arc::clone(self), name };
            if self.cluster.is_none() {
                session.run(&format!("COMMENT ON DATABASE {} IS '{}'", database.name, mark())).await?;
            }
            // Up to 14 schema public belongs to the bootstrap superuser; its owner is the database's from 15 on.
            if self.version < 15 && self.admin_is_superuser && template.is_none() {
                let session = database.connect_admin().await?;
                session.run(&format!("ALTER SCHEMA public OWNER TO \"{owner}\"")).await?;
            }
            return Ok(database);
        }
    }

    /// Process id of our own cluster's server.
    pub fn pid(&self) -> Option<i32> {
        self.cluster.as_ref().map(Cluster::pid)
    }

    /// Is this a cluster of our own, where roles may be made as a schema needs them?
    pub fn is_own(&self) -> bool {
        self.cluster.is_some()
    }

    /// The role that runs workspace SQL.
    pub fn runner(&self) -> &str {
        self.runner.get_user().unwrap_or(RUNNER)
    }

    /// Removes what was made on a named server besides databases. Our own cluster goes away as a whole.
    pub async fn close(&self) {
        if self.made_role
            && let Ok(session) = Session::open(&self.admin).await
        {
            session.run(&format!("DROP ROLE IF EXISTS \"{}\"", self.runner())).await.ok();
        }
    }
}

/// A shadow database. Drop it with [`Database::remove`].
#[derive(Debug)]
pub struct Database {
    pub server: Arc<Server>,
    pub name: String,
}

impl Database {
    /// A session of the role that runs workspace SQL.
    pub async fn connect(&self) -> Result<Session> {
        let mut config = self.server.runner.clone();
        Session::open(config.dbname(&self.name)).await
    }

    /// A session of the role that made the database.
    pub async fn connect_admin(&self) -> Result<Session> {
        let mut config = self.server.admin.clone();
        Session::open(config.dbname(&self.name)).await
    }

    /// A libpq connection string for other programs (psql, a migration tool); for our own cluster.
    pub fn connection_string(&self) -> Option<String> {
        let dir = self.server.cluster.as_ref()?.socket_dir().display();
        Some(format!("host={dir} port={PORT} user={RUNNER} dbname={}", self.name))
    }

    /// Drops the database, sessions that are still open included (13+).
    pub async fn remove(self) -> Result<()> {
        let session = Session::open(&self.server.admin).await?;
        session.run(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)).await?;
        Ok(())
    }
}

/// Says whose a database on a named server is: machine and process.
fn mark() -> String {
    format!("lockkeeper shadow of process {} on {}", std::process::id(), machine())
}

fn is_dead(mark: &str) -> bool {
    let Some(rest) = mark.strip_prefix("lockkeeper shadow of process ") else { return false };
    let Some((pid, on)) = rest.split_once(" on ") else { return false };
    let Ok(pid) = pid.parse() else { return false };
    on == machine() && nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None) == Err(nix::errno::Errno::ESRCH)
}

fn machine() -> String {
    let name = std::fs::read_to_string("/etc/hostname").or_else(|_| std::env::var("HOSTNAME")).unwrap_or_default();
    name.trim().replace('\'', "")
}

/// Resolves at Ctrl-C or SIGTERM. From the first call on these no longer end the process by themselves.
pub async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
