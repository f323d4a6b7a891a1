//! The same input gives the same bytes: in another process, place, locale, time zone and environment, with files that were
//! made in another order and at another time.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime},
};

use tempfile::TempDir;

use crate::project::EXAMPLE;

const MIGRATION: &str = "\
ALTER TABLE shipments ADD COLUMN note text NOT NULL;
CREATE INDEX shipments_note_idx ON shipments (note);
DROP TABLE carriers CASCADE;
";

/// What is asked, as one would in a project.
const COMMANDS: &[&[&str]] = &[
    &["plan", "--from", "before.sql", "--to", "after.sql"],
    &["plan", "--from", "before.sql", "--to", "after.sql", "--format", "json"],
    &["plan", "--from", "before.sql", "--to", "after.sql", "--format", "markdown", "--server-version", "18"],
    &["plan", "--from", "before.sql", "--to", "after.sql", "--as", "flyway", "--out", "staged"],
    &["plan", "--from", "before.sql", "--to", "after.sql", "--as", "flyway", "--out", "all", "--all-phases"],
    &["plan", "--from", "before.sql", "--to", "after.sql", "--as", "sql", "--out", "plain", "--all-phases"],
    &["diff", "--from", "before.sql", "--to", "after.sql"],
    &["diff", "--from", "before.sql", "--to", "after.sql", "--format", "json"],
    &["diff", "--from", "before.sql", "--to", "after.sql", "--format", "markdown"],
    &["lint", "--schema", "before.sql", "V2__note.sql"],
    &["lint", "--schema", "before.sql", "--format", "json", "V2__note.sql"],
    &["lint", "--schema", "before.sql", "--format", "sarif", "V2__note.sql"],
    &["lint", "--schema", "before.sql", "--format", "github", "V2__note.sql"],
    // The baseline by replay of a folder, whose files the disk hands out in any order.
    &["plan", "--from", "migrations", "--to", "after.sql", "--format", "json"],
    &["lint", "--format", "json"],
];

struct Place {
    /// Below a fresh folder.
    folder: &'static str,
    backwards: bool,
    /// Seconds that the files are old.
    age: u64,
    env: &'static [(&'static str, &'static str)],
}

const PLACES: [Place; 3] = [
    Place { folder: "project", backwards: false, age: 0, env: &[("LC_ALL", "C"), ("TZ", "UTC")] },
    Place {
        folder: "a longer/way to it",
        backwards: true,
        age: 400 * 24 * 3600,
        env: &[
            ("LC_ALL", "tr_TR.UTF-8"),
            ("LANG", "tr_TR.UTF-8"),
            ("TZ", "Asia/Kathmandu"),
            ("HOME", "/nowhere"),
            ("USER", "somebody"),
            ("HOSTNAME", "elsewhere"),
            ("TOKIO_WORKER_THREADS", "1"),
            ("RAYON_NUM_THREADS", "1"),
            ("COLUMNS", "40"),
            ("TERM", "xterm-256color"),
            ("PGTZ", "America/New_York"),
            ("PGHOST", "db.example.org"),
        ],
    },
    Place {
        folder: "z",
        backwards: true,
        age: 3,
        env: &[
            ("LC_ALL", "de_DE.UTF-8"),
            ("LC_COLLATE", "sv_SE.UTF-8"),
            ("TZ", "Pacific/Kiritimati"),
            ("TOKIO_WORKER_THREADS", "8"),
            ("RAYON_NUM_THREADS", "8"),
            ("COLUMNS", "300"),
            ("TERM", "dumb"),
        ],
    },
];

fn make(place: &Place) -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let root = dir.path().join(place.folder);
    let mut files = vec![
        ("before.sql".to_owned(), EXAMPLE[0].to_owned()),
        ("after.sql".to_owned(), EXAMPLE[1].to_owned()),
        ("V2__note.sql".to_owned(), MIGRATION.to_owned()),
        ("migrations/V1__start.sql".to_owned(), EXAMPLE[0].to_owned()),
    ];
    for n in 2..12 {
        let text = format!("CREATE TABLE extra_{n} (id bigint PRIMARY KEY);\nCREATE INDEX ON extra_{n} (id);\n");
        files.push((format!("migrations/V{n}__extra.sql"), text));
    }
    if place.backwards {
        files.reverse();
    }
    for (name, text) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(place.age)).unwrap();
    }
    (dir, root)
}

/// Files below a folder, by their path in it.
fn contents(root: &Path, folder: &Path, acc: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            contents(root, &path, acc);
        } else {
            let name = path.strip_prefix(root).unwrap().display().to_string();
            acc.insert(name, fs::read(&path).unwrap());
        }
    }
}

/// What the commands print and write there, by what it is.
fn answers(place: &Place) -> BTreeMap<String, Vec<u8>> {
    let (_dir, root) = make(place);
    let mut res = BTreeMap::new();
    let path = std::env::var("PATH").unwrap_or_default();
    let path: Vec<&str> = if place.backwards { path.rsplit(':').collect() } else { path.split(':').collect() };
    for arguments in COMMANDS {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockkeeper"));
        command.current_dir(&root).args(*arguments).env_clear().env("PATH", path.join(":"));
        let out = command.envs(place.env.iter().copied()).output().unwrap();
        let name = arguments.join(" ");
        assert!(matches!(out.status.code(), Some(0 | 1)), "{name}: {}", String::from_utf8_lossy(&out.stderr));
        assert!(!out.stdout.is_empty(), "{name} says nothing");
        res.insert(format!("{name}: status"), format!("{:?}", out.status.code()).into_bytes());
        res.insert(format!("{name}: stderr"), out.stderr);
        res.insert(name, out.stdout);
    }
    contents(&root, &root, &mut res);
    res
}

#[test]
fn the_same_input_gives_the_same_bytes_everywhere() {
    let [first, others @ ..] = &PLACES;
    let expected = answers(first);
    assert!(expected.len() > 3 * COMMANDS.len() + 20, "files were written: {}", expected.len());
    for place in others {
        let found = answers(place);
        assert_eq!(expected.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>());
        for (name, bytes) in &expected {
            let (one, two) = (String::from_utf8_lossy(bytes), String::from_utf8_lossy(&found[name]));
            let differing = one.lines().zip(two.lines()).find(|(a, b)| a != b);
            assert!(one == two, "{name} in {}: {differing:?}", place.folder);
        }
    }
}
