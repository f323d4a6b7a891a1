//! Holds the invariants of `src/lib.rs` true: who may use whom, what pure rooms never touch, where nobody may panic.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Rooms in reading order, and what each may use. `*` stands for every pure room.
const ROOMS: &[(&str, bool, &[&str])] = &[
    ("page", true, &[]),
    ("text", true, &[]),
    ("sql", true, &[]),
    ("catalog", true, &["sql"]),
    ("plan", true, &["sql", "catalog"]),
    ("dialect", true, &["text", "sql", "catalog", "plan"]),
    ("changes", true, &["page", "sql", "catalog", "plan", "dialect"]),
    ("planner", true, &["sql", "catalog", "plan", "dialect", "changes"]),
    ("lint", true, &["page", "text", "sql", "catalog", "plan", "dialect"]),
    ("export", true, &["page", "sql", "plan", "dialect"]),
    ("copilot", true, &["*"]),
    ("project", false, &["*"]),
    ("shadow", false, &["*"]),
    ("lsp", false, &["*", "project", "shadow", "cli"]),
    ("cli", false, &["*", "project", "shadow", "lsp"]),
];

/// What a pure room never names: disk, network, clock, environment, threads, randomness, global state, maps without
/// an order, output, wire formats.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::time",
    "std::env",
    "std::process",
    "std::thread",
    "std::io",
    "tokio",
    "rand::",
    "static mut",
    "LazyLock",
    "OnceLock",
    "OnceCell",
    "LazyCell",
    "thread_local!",
    "Mutex",
    "RwLock",
    "RefCell",
    "Atomic",
    "HashMap",
    "HashSet",
    "println!",
    "eprintln!",
    "print!(",
    "eprint!(",
    "dbg!",
    "serde",
    "anyhow",
];

/// Where a pure room may name one of them: the beginning of the path, the word, and why.
const MAY_NAME: &[(&str, &str, &str)] = &[
    ("src/export/", "serde", "what crosses a wire has its own types there"),
    ("src/dialect/script.rs", "HashMap", "a cache that is looked up, never walked through"),
    ("src/catalog/map.rs", "Mutex", "the notes of one build, read by that build alone"),
];

/// Crates that belong to one room.
const OWNED_CRATES: &[(&str, &str)] = &[
    ("squawk_", "src/dialect/postgres/"),
    ("tokio_postgres", "src/shadow/"),
    ("tower_lsp_server", "src/lsp/"),
    ("ropey", "src/text/"),
    ("clap", "src/cli/"),
];

/// Ways to panic on purpose.
const PANICS: &[&str] = &[".unwrap()", ".expect(", "todo!(", "unimplemented!(", "panic!(", "unreachable!("];

/// Places that may: file, how often, and why.
const MAY_PANIC: &[(&str, usize, &str)] = &[];

/// Longer files are split by subject.
const LINES_AT_MOST: usize = 700;
/// Longer ones are named in the report.
const LINES_WISHED: usize = 500;

struct Source {
    /// From the root, with slashes: `src/lint/mod.rs`.
    path: String,
    text: String,
    /// Without comments, strings and test modules.
    code: String,
}

impl Source {
    fn room(&self) -> Option<&str> {
        let rest = self.path.strip_prefix("src/")?;
        let name = rest.split('/').next()?;
        Some(name.strip_suffix(".rs").unwrap_or(name)).filter(|it| !matches!(*it, "lib" | "main"))
    }
}

fn sources() -> Vec<Source> {
    fn walk(dir: &Path, acc: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).expect("src can be listed") {
            let path = entry.expect("an entry of src can be read").path();
            if path.is_dir() {
                walk(&path, acc);
            } else if path.extension().is_some_and(|it| it == "rs") {
                acc.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    walk(&root.join("src"), &mut paths);
    paths.sort();
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("a source file can be read");
        let path = path.strip_prefix(root).expect("below the root").to_string_lossy().replace('\\', "/");
        let code = without_tests(&without_comments_and_strings(&text));
        Source { path, text, code }
    };
    let all: Vec<Source> = paths.iter().map(read).collect();
    assert!(all.len() > 30, "the walk found only {} files", all.len());
    all.into_iter().filter(|it| !is_test_file(&it.path)).collect()
}

fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

#[test]
fn each_room_uses_only_the_rooms_it_may() {
    let pure: Vec<&str> = ROOMS.iter().filter(|(_, pure, _)| *pure).map(|(name, ..)| *name).collect();
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(room) = source.room() else { continue };
        let Some((_, _, may)) = ROOMS.iter().find(|(name, ..)| *name == room) else {
            wrong.push(format!("{}: room {room} is not in the list of this test and of src/lib.rs", source.path));
            continue;
        };
        for used in used_rooms(&source.code) {
            let known = ROOMS.iter().any(|(name, ..)| *name == used);
            let allowed =
                used == room || may.contains(&used.as_str()) || (may.contains(&"*") && pure.contains(&used.as_str()));
            if known && !allowed {
                wrong.push(format!("{}: {room} may not use {used}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn pure_rooms_touch_nothing_outside() {
    let mut wrong = Vec::new();
    for source in sources() {
        let pure = source.room().is_some_and(|room| ROOMS.iter().any(|(name, pure, _)| *name == room && *pure));
        if pure {
            let may = |word: &str| MAY_NAME.iter().any(|(path, it, _)| *it == word && source.path.starts_with(path));
            let found = IMPURE.iter().filter(|it| names(&source.code, it) && !may(it));
            wrong.extend(found.map(|it| format!("{}: {it}", source.path)));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_crate_that_belongs_to_one_room_stays_there() {
    let mut wrong = Vec::new();
    for source in sources() {
        let found =
            OWNED_CRATES.iter().filter(|(name, home)| names(&source.code, name) && !source.path.starts_with(home));
        wrong.extend(found.map(|(name, home)| format!("{}: {name} belongs to {home}", source.path)));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn nobody_panics_on_purpose() {
    let mut wrong = Vec::new();
    for source in sources() {
        let allowed = MAY_PANIC.iter().find(|(path, ..)| *path == source.path).map_or(0, |(_, times, _)| *times);
        let found: Vec<&&str> = PANICS.iter().flat_map(|it| source.code.matches(it).map(move |_| it)).collect();
        if found.len() > allowed {
            wrong.push(format!("{}: {found:?}", source.path));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn only_the_command_line_prints() {
    let prints = ["println!", "eprintln!", "print!(", "eprint!("];
    let mut wrong = Vec::new();
    for source in sources() {
        let may = source.path.starts_with("src/cli/") || source.path == "src/main.rs";
        // Logs of the server go to stderr.
        let logs =
            source.path.starts_with("src/lsp/") && !names(&source.code, "println!") && !names(&source.code, "print!(");
        if !may && !logs {
            wrong.extend(prints.iter().filter(|it| names(&source.code, it)).map(|it| format!("{}: {it}", source.path)));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_holds_and_keeps_to_a_subject() {
    let mut wrong = Vec::new();
    let mut long = BTreeMap::new();
    for source in sources() {
        // A rule's or a change's page says it.
        let main = source.path == "src/main.rs";
        if !main && !source.text.starts_with("//!") && !source.text.contains("\npage! {") {
            wrong.push(format!("{}: neither //! at its head nor a page", source.path));
        }
        let lines = source.text.lines().count();
        if lines > LINES_AT_MOST {
            wrong.push(format!("{}: {lines} lines, more than {LINES_AT_MOST}", source.path));
        } else if lines > LINES_WISHED {
            long.insert(lines, source.path);
        }
    }
    for (lines, path) in long.iter().rev() {
        println!("{path}: {lines} lines");
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The first segments after `crate::`, groups taken apart.
fn used_rooms(code: &str) -> Vec<String> {
    let mut res = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(|it: char| it.is_alphanumeric() || it == '_') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => res.extend(group_heads(group)),
            None => res.push(identifier(rest)),
        }
    }
    res.retain(|it| !it.is_empty());
    res.sort();
    res.dedup();
    res
}

/// `a::{b, c}, d` up to the closing brace: `a` and `d`.
fn group_heads(group: &str) -> Vec<String> {
    let mut res = Vec::new();
    let mut depth = 0;
    let mut head = true;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => head = true,
            _ if c.is_whitespace() => {}
            _ if head => {
                res.push(identifier(&group[at..]));
                head = false;
            }
            _ => {}
        }
    }
    res
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect()
}

/// Is it there, not as the tail of a longer word?
fn names(code: &str, what: &str) -> bool {
    code.match_indices(what).any(|(at, _)| !code[..at].ends_with(|it: char| it.is_alphanumeric() || it == '_'))
}

fn without_comments_and_strings(text: &str) -> String {
    let mut res = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skip = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |it| it + 2)
        } else if let Some(len) = raw_string(rest) {
            len
        } else if c == '"' {
            string(rest)
        } else if let Some(len) = char_literal(rest) {
            len
        } else {
            res.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        rest = &rest[skip..];
    }
    res
}

fn string(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn raw_string(text: &str) -> Option<usize> {
    let rest = text.strip_prefix('r')?;
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let body = rest[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    Some(body.find(&close).map_or(text.len(), |it| 1 + hashes + 1 + it + close.len()))
}

/// `'x'`, `'\n'`; a lifetime has no closing quote.
fn char_literal(text: &str) -> Option<usize> {
    let rest = text.strip_prefix('\'')?;
    let mut chars = rest.char_indices();
    let (_, first) = chars.next()?;
    if first == '\\' {
        chars.next()?;
        return Some(1 + rest.get(2..)?.find('\'')? + 3);
    }
    match chars.next()? {
        (at, '\'') => Some(1 + at + 1),
        _ => None,
    }
}

/// Without what stands behind `#[cfg(test)]`: a module with its braces, or a single item.
fn without_tests(code: &str) -> String {
    let mut res = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        res.push_str(&rest[..at]);
        rest = &rest[at + "#[cfg(test)]".len()..];
        let mut depth = 0;
        let end = rest.char_indices().find_map(|(at, c)| {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            (depth == 0 && matches!(c, '}' | ';')).then_some(at + 1)
        });
        rest = &rest[end.unwrap_or(rest.len())..];
    }
    res.push_str(rest);
    res
}

#[test]
fn this_test_reads_code_and_not_prose() {
    let text = "//! std::fs\nuse crate::{sql::{Ddl, Name}, plan};\nfn f<'a>(c: char) -> bool { c == '\"' || c == '\\'' }\n\
                const S: &str = \"crate::cli println!\";\n#[cfg(test)]\nmod tests { fn g() { x.unwrap(); } }\nfn h() { crate::page::x() }";
    let code = without_tests(&without_comments_and_strings(text));
    assert_eq!(used_rooms(&code), ["page", "plan", "sql"]);
    assert!(!names(&code, "std::fs") && !names(&code, "println!") && !code.contains(".unwrap()"));
    assert!(names("println!()", "println!") && !names("eprintln!()", "println!"));
}
