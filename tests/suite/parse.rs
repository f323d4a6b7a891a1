//! Splitting and parsing: real projects' SQL, bad input, and fuzzing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use lockkeeper::{
    dialect::{Dialect, ParseCache, parse_file, postgres::Postgres},
    sql::{Ddl, Problem, Severity, Statement},
};
use proptest::{prelude::*, test_runner::TestRunner};

use crate::corpus::shared;

/// Files of the corpus that no server would take either, and why.
const BROKEN: &[(&str, &str)] = &[(
    "rust-registry/postgres/0542__migrations__20170318181441_downloads_need_no_id__down.sql",
    "a semicolon is missing between two statements",
)];

/// Statements of the corpus that stay text, and why.
const OPAQUE: &[(&str, &str)] =
    &[("CREATE DATABASE", "databases and tablespaces belong to the cluster, not to the schema")];

fn sql_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().map(|it| it.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sql_files(&path, found);
        } else if path.extension().is_some_and(|it| it == "sql") {
            found.push(path);
        }
    }
}

/// What must hold for any text: ranges lie in it, pieces do not overlap, nothing is lost.
#[track_caller]
fn check(text: &str) -> (Vec<Statement>, Vec<Problem>) {
    let split = Postgres.split(text);
    let mut end = 0;
    for piece in &split.pieces {
        assert!(end <= piece.full.start, "pieces overlap at {end}");
        assert!(piece.full.start <= piece.range.start && piece.range.end <= piece.full.end, "{piece:?}");
        assert!(text.get(piece.full.clone()).is_some() && text.get(piece.range.clone()).is_some(), "{piece:?}");
        end = piece.full.end;
    }
    let (statements, problems) = parse_file(&Postgres, text);
    for problem in &problems {
        assert!(text.get(problem.range.clone()).is_some(), "{problem:?}");
        assert!(!problem.message.is_empty());
    }
    for statement in &statements {
        let full = &text[statement.full.clone()];
        let parsed = &statement.parsed;
        assert!(parsed.marks.iter().all(|it| full.get(it.range.clone()).is_some()), "{:?}", parsed.marks);
        assert!(parsed.annotations.iter().all(|it| full.get(it.range.clone()).is_some()));
        let told = parsed.problems.iter().any(|it| it.severity == Severity::Error);
        assert!(!parsed.ddl.is_empty() || told || blank(&text[statement.range.clone()]), "lost in silence: {full}");
    }
    (statements, problems)
}

/// `SET WITHOUT OIDS` and empty statements say nothing.
fn blank(statement: &str) -> bool {
    let statement = statement.to_ascii_lowercase();
    statement.trim().is_empty() || statement.contains("oids")
}

#[test]
fn the_corpus_parses_whole() {
    let Some(root) = shared("LOCKKEEPER_CORPUS", "corpus") else { return };
    let mut files = Vec::new();
    for project in fs::read_dir(&root).into_iter().flatten().flatten() {
        sql_files(&project.path().join("postgres"), &mut files);
    }
    assert!(files.len() > 100, "only {} files under {}", files.len(), root.display());
    let (mut count, mut ddl, mut unexpected) = (0, 0, String::new());
    let mut broken = BTreeSet::new();
    let mut opaque: BTreeMap<(String, String), usize> = BTreeMap::new();
    for file in &files {
        let text = String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned();
        let name = file.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        let (statements, problems) = check(&text);
        count += statements.len();
        for problem in problems.iter().filter(|it| it.severity >= Severity::Warning) {
            match BROKEN.iter().find(|(it, _)| *it == name) {
                Some((it, _)) => _ = broken.insert(*it),
                None => _ = writeln!(unexpected, "{name}: {} at {:?}", problem.message, &text[problem.range.clone()]),
            }
        }
        for it in statements.iter().flat_map(|it| &it.parsed.ddl) {
            ddl += 1;
            if let Ddl::Opaque(it) = it {
                *opaque.entry((it.kind.to_string(), it.why.to_string())).or_default() += 1;
            }
        }
    }
    eprintln!("corpus: {} files, {count} statements, {ddl} Ddl, opaque: {opaque:?}", files.len());
    assert_eq!(unexpected, "");
    assert_eq!(broken.len(), BROKEN.len(), "files that are broken no more: {broken:?}");
    let expected: BTreeSet<_> = OPAQUE.iter().map(|(kind, why)| (kind.to_string(), why.to_string())).collect();
    assert_eq!(opaque.into_keys().collect::<BTreeSet<_>>(), expected);
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_change_nothing() {
    let Some(root) = shared("LOCKKEEPER_CORPUS", "corpus") else { return };
    let mut files = Vec::new();
    sql_files(&root.join("pagila/postgres"), &mut files);
    for file in files.iter().filter(|it| it.metadata().is_ok_and(|it| it.len() < 500_000)) {
        let text = fs::read_to_string(file).unwrap().replace("\r\n", "\n");
        let (plain, _) = parse_file(&Postgres, &text);
        let (windows, problems) = check(&format!("\u{feff}{}", text.replace('\n', "\r\n")));
        assert!(problems.iter().all(|it| it.severity < Severity::Error), "{problems:?}");
        assert_eq!(plain.len(), windows.len(), "{}", file.display());
        for (a, b) in plain.iter().zip(&windows) {
            let kinds = |it: &Statement| it.parsed.ddl.iter().map(std::mem::discriminant).collect::<Vec<_>>();
            assert_eq!(kinds(a), kinds(b), "{}", &text[a.range.clone()]);
        }
    }
}

#[test]
fn bad_input_is_told_and_does_no_harm() {
    let errors = |text: &str| check(text).1.iter().filter(|it| it.severity == Severity::Error).count();
    let binary: String = (0_u32..4000).map(|it| char::from((it * 7919 % 256) as u8)).collect();
    assert!(errors(&binary) > 0);
    assert_eq!(errors("create table a (x int); select 'open; create table b (y int);"), 1);
    assert_eq!(errors("create table a (x int) /* open ; create table b (y int);"), 1);
    let nested = format!(
        "create table a (x int); select {}1{}; create table b (y int);",
        "(".repeat(20_000),
        ")".repeat(20_000)
    );
    let (statements, problems) = check(&nested);
    assert_eq!((statements.len(), problems.len()), (2, 1));
    let after = check("create table t (a int,, b int);\ncreate table u (a int);").0;
    assert_eq!(after.iter().map(|it| it.parsed.ddl.len()).collect::<Vec<_>>(), [0, 1]);
    for text in
        ["", ";", ";;\n;", "--", "/*", "'", "\"", "$$", "\\", "\u{feff}", "\0", "create", "é", "E'\\", "$a$ $b$"]
    {
        check(text);
    }
}

/// Stands for the longest time a user may wait for a file that is no SQL; in a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn ten_megabytes_of_garbage_take_no_time() {
    let size = 10 << 20;
    let started = Instant::now();
    let cases: Vec<(&str, String)> = vec![
        ("brackets", "(".repeat(size)),
        ("quotes", "'".repeat(size + 1)),
        ("dollars", "$a".repeat(size / 2)),
        ("comments", "/*".repeat(size / 2)),
        ("words", "create table ".repeat(size / 13)),
        ("rules", "create rule r as on insert to t do (select 1; ".repeat(size / 46)),
        ("atomic", "create function f() begin atomic select 1; ".repeat(size / 43)),
        ("lines", "\\x\n".repeat(size / 3)),
    ];
    for (name, text) in cases {
        let one = Instant::now();
        let split = Postgres.split(&text);
        eprintln!("{name}: {} pieces in {:?}", split.pieces.len(), one.elapsed());
        assert!(started.elapsed() < PATIENCE, "{name} takes {:?}", one.elapsed());
    }
}

#[test]
fn a_parsed_file_with_a_cache_is_the_same() {
    let text = "create table a (x int);\n\n-- @renamed from=y\ncreate table b (y int); select ,;\n";
    let mut cache = ParseCache::default();
    for text in [text, &text.replace("x int", "z int"), text] {
        let (cached, problems) = cache.parse_file(&Postgres, text);
        let (plain, expected) = parse_file(&Postgres, text);
        assert_eq!(problems, expected);
        assert_eq!(cached.len(), plain.len());
        assert!(cached.iter().zip(&plain).all(|(a, b)| a.parsed == b.parsed && a.range == b.range));
    }
}

/// Runs a property for a bounded time; the seeds are proptest's own.
fn fuzz<S: Strategy>(strategy: S, seconds: u64, test: impl Fn(S::Value)) {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) };
    let started = Instant::now();
    let mut cases = 0;
    while started.elapsed() < Duration::from_secs(seconds) {
        // A runner counts its cases over all its runs.
        TestRunner::new(config.clone())
            .run(&strategy, |value| {
                test(value);
                Ok(())
            })
            .unwrap();
        cases += 40;
    }
    eprintln!("{cases} cases");
}

#[test]
fn fuzz_any_text() {
    fuzz("(?s).{0,200}", 3, |text| _ = check(&text));
    fuzz(proptest::collection::vec(any::<u8>(), 0..400), 3, |bytes| _ = check(&String::from_utf8_lossy(&bytes)));
}

const WORDS: &[&str] = &[
    "create",
    "table",
    "alter",
    "drop",
    "index",
    "on",
    "add",
    "column",
    "constraint",
    "primary",
    "key",
    "unique",
    "check",
    "foreign",
    "references",
    "not",
    "null",
    "default",
    "int",
    "text",
    "numeric(10,2)",
    "varchar",
    "[]",
    "(",
    ")",
    ",",
    ";",
    "a",
    "b",
    "\"C\"",
    "s.t",
    "1",
    "'x'",
    "$$",
    "$1",
    "--\n",
    "/*",
    "*/",
    "::",
    "+",
    "||",
    "=",
    "select",
    "from",
    "where",
    "case",
    "when",
    "then",
    "end",
    "and",
    "or",
    "between",
    "in",
    "is",
    "begin",
    "atomic",
    "function",
    "returns",
    "language",
    "sql",
    "as",
    "or replace",
    "exclude",
    "using",
    "gist",
    "with",
    "&&",
    "type",
    "enum",
    "values",
    "partition",
    "of",
    "by",
    "range",
    "for",
    "to",
    "grant",
    "comment",
    "policy",
    "trigger",
    "execute",
    "each",
    "row",
    "view",
    "U&\"\\0061\"",
    "E'\\'",
    "generated",
    "always",
    "identity",
    "stored",
    "if",
    "exists",
    "cascade",
    "set",
    "statistics",
    "like",
    "including",
    "all",
];

#[test]
fn fuzz_token_soup() {
    let soup = proptest::collection::vec(proptest::sample::select(WORDS), 0..60);
    fuzz(soup, 6, |words| _ = check(&words.join(" ")));
}

const SEEDS: &[&str] = &[
    "create table s.t (a bigint generated always as identity primary key, \"B\" text collate \"C\" not null default 'x', check (a between 1 and 2));",
    "alter table t add constraint c foreign key (a, b) references u (x) on delete set null (a) not valid, alter d type int using d::int;",
    "create unique index concurrently if not exists i on only t using gin (a desc nulls last, lower(b) ops (x = 1)) include (c) where d is not null;",
    "create function f(a int default 1, out b text) returns setof record language plpgsql stable as $x$ begin end $x$;",
    "alter table t add exclude using gist (a with =, r range_ops with &&) where (a > 1) deferrable;",
    "create view v (a) with (security_barrier) as with c as (select 1) select f(x) from c join d using (id);",
    "-- @renamed from=x\ncreate type e as enum ('a', 'b'); -- lockkeeper: ignore r\ngrant select (a), all on t to public;",
    "create trigger x after update of a or insert on t for each row when (new.a <> 1) execute function f('a', 2);",
];

#[test]
fn fuzz_mutated_sql() {
    let edits =
        proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..6, proptest::sample::select(WORDS)), 0..6);
    fuzz((proptest::sample::select(SEEDS), edits), 6, |(seed, edits)| {
        let mut text = seed.to_owned();
        for (at, cut, word) in edits {
            let start = text.floor_char_boundary(at.index(text.len() + 1));
            let end = text.ceil_char_boundary((start + cut).min(text.len()));
            text.replace_range(start..end, word);
        }
        check(&text);
        for statement in parse_file(&Postgres, &text).0 {
            let expr = Postgres.expr(&text[statement.range]);
            Postgres.columns_in(&expr);
            Postgres.data_type(expr.text());
        }
    });
}
