//! Fixes are true: after one, lint is quiet about what it was for, says nothing worse, and the catalog ends the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use lockkeeper::{
    catalog::{Catalog, differences},
    copilot::{self, Delivery, FileEdit, FileId, Role, Script, Snapshot, Target, Todo},
    dialect::{parse_file, postgres::Postgres},
    export::{Format, Tool},
    lint::{Config, FileFix, Finding, Fix, LintInput, RULES, fix, lint},
    plan::{Answers, Facts},
    shadow::{connect::Session, introspect, server::Server},
    sql::{Runs, Severity, Statement, Wrap},
    text::{Document, TextEdit},
};

use crate::{
    corpus::{histories, shared},
    servers::{VERSIONS, with_server},
};

const RUNS: [Runs; 4] = [
    Runs::ALONE,
    Runs::WRAPPED,
    Runs { wrap: Wrap::Yes, marked: Some(Wrap::WhenSeveral) },
    Runs { wrap: Wrap::WhenSeveral, marked: None },
];

struct File<'a> {
    text: &'a str,
    before: &'a Catalog,
    facts: &'a Facts,
    runs: Runs,
}

impl File<'_> {
    fn statements(&self) -> Vec<Statement> {
        parse_file(&Postgres, self.text).0
    }

    fn with<T>(&self, judge: impl FnOnce(&LintInput<'_>) -> T) -> T {
        judge(&LintInput {
            dialect: &Postgres,
            text: self.text,
            statements: &self.statements(),
            before: self.before,
            facts: self.facts,
            runs: self.runs,
            around: None,
        })
    }

    fn findings(&self) -> Vec<Finding> {
        self.with(lint)
    }

    /// The catalog at the end. What cannot be applied changes nothing.
    fn end(&self) -> Catalog {
        let mut res = self.before.clone();
        for ddl in self.statements().iter().flat_map(|it| &it.parsed.ddl) {
            let _ = res.apply(ddl);
        }
        res
    }

    fn refused(&self) -> Vec<String> {
        let mut catalog = self.before.clone();
        let mut res = Vec::new();
        for ddl in self.statements().iter().flat_map(|it| &it.parsed.ddl) {
            if let Err(error) = catalog.apply(ddl) {
                res.push(format!("{error:?}"));
            }
        }
        res
    }
}

pub fn edited(text: &str, edits: &[TextEdit]) -> String {
    let mut document = Document::new(text);
    document.edit(edits);
    document.text()
}

fn count(findings: &[Finding], rule: &str) -> usize {
    findings.iter().filter(|it| it.rule == rule).count()
}

/// What is wrong with a fix, if anything. `old` are the findings of the file, `end` its last catalog.
fn judge_edit(file: &File<'_>, old: &[Finding], end: &Catalog, finding: &Finding, fix: &FileFix) -> Result<(), String> {
    let text = edited(file.text, &fix.edits);
    let runs =
        if fix.mark { Runs { wrap: file.runs.marked.expect("a tool with a mark"), marked: None } } else { file.runs };
    let fixed = File { text: &text, runs, ..*file };
    let (_, problems) = parse_file(&Postgres, &text);
    let (_, known) = parse_file(&Postgres, file.text);
    let new = fixed.findings();
    let said = |why: String| Err(format!("{} ({}): {why}\n{}\n=>\n{text}", finding.rule, fix.title, file.text));
    if problems.len() > known.len() {
        return said(format!("{problems:?}"));
    }
    if count(&new, finding.rule) >= count(old, finding.rule) {
        return said("it still speaks".to_owned());
    }
    let worse = |it: &&Finding| it.severity >= Severity::Warning && count(&new, it.rule) > count(old, it.rule);
    if let Some(it) = new.iter().find(worse) {
        return said(format!("new: {} {}", it.rule, it.message));
    }
    if fixed.refused().len() > file.refused().len() {
        return said(format!("cannot be applied: {:?}", fixed.refused()));
    }
    match differences(end, &fixed.end()) {
        same if same.is_empty() => Ok(()),
        others => said(others.join("\n")),
    }
}

/// Every fixable finding of a file is fixed, and judged. Counts rules by the way of their fix.
fn judge_all(file: &File<'_>, most: usize, counts: &mut BTreeMap<String, usize>, wrong: &mut Vec<String>) {
    let (old, end) = (file.findings(), file.end());
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in &old {
        let seen = seen.entry(finding.rule).or_default();
        *seen += 1;
        if *seen > most {
            continue;
        }
        let fix = file.with(|it| fix(it, &Config::default(), finding.statement, finding.rule));
        if finding.fixable && fix.is_none() {
            wrong.push(format!("{}: fixable, but has no fix\n{}", finding.rule, file.text));
        }
        if let Some(Fix::Edit(fix)) = &fix {
            *counts.entry(finding.rule.to_owned()).or_default() += 1;
            wrong.extend(judge_edit(file, &old, &end, finding, fix).err());
        }
    }
}

pub fn catalog(fences: &[String]) -> Catalog {
    let mut res = Catalog::new();
    for fence in fences {
        for ddl in parse_file(&Postgres, fence).0.iter().flat_map(|it| &it.parsed.ddl) {
            res.apply(ddl).unwrap_or_else(|why| panic!("{why:?} in\n{fence}"));
        }
    }
    res
}

/// The bad examples of all rules, each with the rule's code and the catalog before.
pub fn bad_examples() -> Vec<(&'static str, Vec<String>, String)> {
    let examples = RULES.iter().flat_map(|rule| {
        let before: Vec<String> = rule.page.fences("sql before").into_iter().map(|it| it.text).collect();
        rule.page.fences("sql bad").into_iter().map(move |it| (rule.code, before.clone(), it.text))
    });
    examples.collect()
}

#[test]
fn edits_of_bad_examples_end_where_these_end() {
    let (mut counts, mut wrong) = (BTreeMap::new(), Vec::new());
    for (_, before, text) in bad_examples() {
        let before = catalog(&before);
        for version in [13, 15, 18] {
            let facts = Facts::for_version(version);
            for runs in RUNS {
                let file = File { text: &text, before: &before, facts: &facts, runs };
                judge_all(&file, 99, &mut counts, &mut wrong);
            }
        }
    }
    println!("{counts:#?}");
    wrong.dedup();
    assert!(wrong.is_empty(), "{}\n{} wrong", wrong.join("\n\n"), wrong.len());
    assert!(counts.len() > 12, "{counts:?}");
}

#[test]
fn edits_in_real_projects_end_where_these_end() {
    let Some(corpus) = shared("LOCKKEEPER_CORPUS", "corpus") else { return };
    let facts = Facts::for_version(15);
    let (mut counts, mut wrong) = (BTreeMap::new(), Vec::new());
    for history in histories(&corpus) {
        let mut before = Catalog::new();
        for (name, text) in &history.files {
            // Long files cost the square of their length; of each rule some findings of a file are tried.
            for runs in [Runs::ALONE, RUNS[2]].into_iter().filter(|_| text.len() < 8_000) {
                let mut found = Vec::new();
                judge_all(&File { text, before: &before, facts: &facts, runs }, 2, &mut counts, &mut found);
                wrong.extend(found.into_iter().map(|it| format!("{} {name}: {it}", history.name)));
            }
            for ddl in parse_file(&Postgres, text).0.iter().flat_map(|it| &it.parsed.ddl) {
                // What a history does to objects of others is not the point here.
                let _ = before.apply(ddl);
            }
        }
    }
    println!("{counts:#?}");
    assert!(
        wrong.is_empty(),
        "{}\n{} wrong",
        wrong.iter().take(12).cloned().collect::<Vec<_>>().join("\n\n"),
        wrong.len()
    );
    assert!(counts.values().sum::<usize>() > 500, "{counts:?}");
}

/// A project of two migrations: the state before, and the file.
fn project(tool: Tool, before: &str, text: &str, version: u32) -> Snapshot {
    let names = match tool {
        Tool::Flyway => ["V1__a.sql", "V2__b.sql"],
        _ => ["0001_a.up.sql", "0002_b.up.sql"],
    };
    let format = Format::of(tool).expect("a tool that is written for");
    let target = Target {
        format,
        dir: "migrations".into(),
        names: names.map(str::to_owned).to_vec(),
        timestamps: false,
        from: "migrations".into(),
        to: "schema.sql".into(),
    };
    let script = |text: &str| Arc::new(Script::new(&Postgres, Document::new(text)));
    let file =
        |name: &str, text: &str| copilot::File::new(format!("migrations/{name}"), Role::Migration, script(text), None);
    let files = BTreeMap::from([(FileId(0), file(names[0], before)), (FileId(1), file(names[1], text))]);
    let mut res = Snapshot {
        dialect: &Postgres,
        facts: Facts::for_version(version),
        answers: Answers::default(),
        files,
        schema: Vec::new(),
        history: vec![FileId(0), FileId(1)],
        baseline: None,
        open: [FileId(1)].into(),
        tool,
        target: Ok(Arc::new(target)),
        analysis: Arc::default(),
        stop: copilot::Stop::never(),
    };
    res.analysis = Arc::new(copilot::analyse(&res, &|| false).expect("nobody stops it"));
    res
}

/// Rewrites as phases end the same, and no file of them has the hazard.
#[test]
fn phases_of_bad_examples_end_where_these_end() {
    let mut wrong = Vec::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (code, before_text, text) in bad_examples() {
        let before = catalog(&before_text);
        for (tool, version) in [(Tool::Plain, 13), (Tool::GolangMigrate, 15), (Tool::Flyway, 18)] {
            let facts = Facts::for_version(version);
            let runs = tool.runs(&text, None);
            let file = File { text: &text, before: &before, facts: &facts, runs };
            for finding in file.findings().iter().filter(|it| it.rule == code) {
                if file.with(|it| fix(it, &Config::default(), finding.statement, code)) != Some(Fix::Phases) {
                    continue;
                }
                *counts.entry(code).or_default() += 1;
                let snapshot = project(tool, &before_text.concat(), &text, version);
                let todo = Todo::Rewrite { statement: finding.statement, delivery: Delivery::All };
                match copilot::perform(&snapshot, FileId(1), &todo, "20260101000000") {
                    Ok(done) => {
                        if let Err(why) = judge_phases(&file, tool, code, &done.edits) {
                            wrong.push(format!("{code} for {} on {version}: {why}", tool.name()));
                        }
                    }
                    Err(why) => wrong.push(format!("{code} for {} on {version}: {why}\n{text}", tool.name())),
                }
            }
        }
    }
    println!("{counts:#?}");
    assert!(wrong.is_empty(), "{}\n{} wrong", wrong.join("\n\n"), wrong.len());
    assert!(counts.len() > 10, "{counts:?}");
}

/// The files that a rewrite leaves, the old one first, each with its name; settings beside them are not among them.
fn in_order(old: &str, edits: &[FileEdit]) -> Vec<(String, String)> {
    let mut first = old.to_owned();
    let mut created: Vec<(String, String)> = Vec::new();
    for edit in edits {
        match edit {
            FileEdit::Change { edits, .. } => first = edited(&first, edits),
            FileEdit::Create { path, text } => created.push((path.display().to_string(), text.clone())),
        }
    }
    created.retain(|it| it.0.ends_with(".sql") && !it.0.contains("down.sql") && !it.0.contains("rollback"));
    created.sort();
    std::iter::once(("migrations/V2__b.sql".to_owned(), first)).chain(created).collect()
}

fn judge_phases(file: &File<'_>, tool: Tool, code: &str, edits: &[FileEdit]) -> Result<(), String> {
    let configs: BTreeMap<String, String> = edits
        .iter()
        .filter_map(|it| match it {
            FileEdit::Create { path, text } => {
                Some((path.display().to_string().strip_suffix(".conf")?.to_owned(), text.clone()))
            }
            FileEdit::Change { .. } => None,
        })
        .collect();
    let all = in_order(file.text, edits);
    let mut before = file.before.clone();
    for (name, text) in all {
        let runs = tool.runs(&text, configs.get(&name).map(String::as_str));
        let part = File { text: &text, before: &before, facts: file.facts, runs };
        let at_end = |it: &&Finding| it.rule == code && it.fixable;
        if let Some(it) = part.findings().iter().find(at_end) {
            return Err(format!("{name} still has it: {}\n{text}", it.message));
        }
        if let Some(why) = part.refused().first() {
            return Err(format!("{name} cannot be applied: {why}\n{text}"));
        }
        before = part.end();
    }
    match differences(&file.end(), &before) {
        same if same.is_empty() => Ok(()),
        others => Err(format!("{}\n{}", others.join("\n"), file.text)),
    }
}

/// The edit of a whole fix, with the tool's own mark, as it goes to the editor.
#[test]
fn a_fix_sets_the_mark_of_the_tool() {
    let before = "CREATE TABLE users (id bigint PRIMARY KEY, email text);\n";
    for (tool, text, expect) in [
        (
            Tool::Sqlx,
            "CREATE INDEX i ON users (email);\n",
            "-- no-transaction\nCREATE INDEX CONCURRENTLY i ON users (email);\n",
        ),
        (
            Tool::Dbmate,
            "-- migrate:up\nCREATE INDEX i ON users (email);\n-- migrate:down\n",
            "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY i ON users (email);\n-- migrate:down\n",
        ),
        (
            Tool::Goose,
            "-- +goose Up\nCREATE INDEX i ON users (email);\n",
            "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY i ON users (email);\n",
        ),
        (Tool::GolangMigrate, "CREATE INDEX i ON users (email);\n", "CREATE INDEX CONCURRENTLY i ON users (email);\n"),
    ] {
        let snapshot = project(tool, before, text, 15);
        let todo = Todo::Fix { statement: 0, rule: "creating-index".into() };
        let done = copilot::perform(&snapshot, FileId(1), &todo, "").expect("an edit");
        let [FileEdit::Change { edits, .. }] = done.edits.as_slice() else { panic!("{done:?}") };
        assert_eq!(edited(text, edits), expect);
    }
    for (tool, name, line) in
        [(Tool::Diesel, "migrations/metadata.toml", "run_in_transaction = false\n"), (Tool::Flyway, "", "")]
    {
        let snapshot = project(tool, before, "CREATE INDEX i ON users (email);\n", 15);
        let todo = Todo::Fix { statement: 0, rule: "creating-index".into() };
        let done = copilot::perform(&snapshot, FileId(1), &todo, "").expect("an edit");
        match done.edits.get(1) {
            Some(FileEdit::Create { path, text }) => {
                assert_eq!((path.display().to_string().as_str(), text.as_str()), (name, line))
            }
            // Flyway sees by itself that a file of one such statement cannot run in a transaction.
            other => assert_eq!((tool, other), (Tool::Flyway, None)),
        }
    }
}

/// Runs statements one by one; the first failure.
async fn run(session: &Session, sql: &str) -> Result<(), String> {
    let (statements, _) = parse_file(&Postgres, sql);
    for it in &statements {
        let text = &sql[it.range.clone()];
        session.run(text).await.map_err(|it| format!("{text}: {it:?}"))?;
    }
    Ok(())
}

/// A database with the state before and the script; what the server says of it, line by line.
async fn made(server: &Arc<Server>, before: &[String], sql: &str) -> Result<BTreeSet<String>, String> {
    let database = server.create_database(None).await.unwrap();
    let session = database.connect().await.unwrap();
    run(&session, &before.concat()).await.expect("the state before can be made");
    let ran = run(&session, sql).await;
    // A script may leave a transaction open, or broken.
    session.run("COMMIT").await.unwrap();
    let res = match ran {
        Ok(()) => Ok(introspect::snapshot(&session).await.unwrap().fingerprint),
        Err(why) => Err(why),
    };
    drop(session);
    database.remove().await.unwrap();
    res
}

/// Each bad example and its edits, on one version each: the edited script runs, and leaves the schema that the original
/// leaves (where the server takes the original).
#[test]
fn servers_end_the_same_with_fixed_scripts() {
    let (mut ran, mut compared, mut wrong) = (0, 0, Vec::new());
    for (at, (code, before, text)) in bad_examples().into_iter().enumerate() {
        let version = VERSIONS.start() + u32::try_from(at).expect("few pages") % 6;
        let known = catalog(&before);
        let facts = Facts::for_version(version);
        let file = File { text: &text, before: &known, facts: &facts, runs: Runs::ALONE };
        let mut edits: Vec<(String, FileFix)> = Vec::new();
        for finding in file.findings() {
            let found = file.with(|it| fix(it, &Config::default(), finding.statement, finding.rule));
            if let Some(Fix::Edit(it)) = found {
                edits.push((finding.rule.to_owned(), it));
            }
        }
        if edits.is_empty() {
            continue;
        }
        let results = with_server(version, async |server| {
            let original = made(&server, &before, &text).await;
            let mut results = Vec::new();
            for (rule, fix) in &edits {
                let fixed = edited(&text, &fix.edits);
                let after = made(&server, &before, &fixed).await;
                results.push((rule.clone(), fixed, after, original.clone()));
            }
            results
        });
        for (rule, fixed, after, original) in results {
            ran += 1;
            match (after, original) {
                (Err(why), Ok(_)) => wrong.push(format!("{code} on {version}, {rule}: {why}\n{fixed}")),
                // What the server refuses for another reason is refused with the edit, too: that one is not for this reason.
                (Err(why), Err(_)) if rule == code => {
                    wrong.push(format!("{code} on {version}, {rule}: {why}\n{fixed}"))
                }
                (Ok(after), Ok(original)) => {
                    compared += 1;
                    if after != original {
                        let lost: Vec<_> = original.difference(&after).collect();
                        let new: Vec<_> = after.difference(&original).collect();
                        wrong.push(format!("{code} on {version}, {rule}: - {lost:?} + {new:?}\n{fixed}"));
                    }
                }
                _ => {}
            }
        }
    }
    println!("{ran} fixed scripts ran, {compared} compared");
    assert!(wrong.is_empty(), "{}\n{} wrong", wrong.join("\n\n"), wrong.len());
    assert!(ran > 30 && compared > 20, "{ran} ran, {compared} compared");
}

/// Scripts about partitioned tables, where the ordinary safe forms are refused.
const PARTITIONED: &str = "CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE events (id bigint NOT NULL, at date NOT NULL, kind varchar(10), user_id bigint) PARTITION BY RANGE (at);
    CREATE INDEX events_kind ON events (kind);
    CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
    CREATE TABLE events_2 (id bigint NOT NULL, at date NOT NULL, kind varchar(10), user_id bigint);";
const ON_PARTITIONED: &[&str] = &[
    "ALTER TABLE events ALTER COLUMN kind SET NOT NULL;",
    "ALTER TABLE events ADD CONSTRAINT c CHECK (id > 0);",
    "ALTER TABLE events ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users (id);",
    "ALTER TABLE events ADD CONSTRAINT u UNIQUE (id, at);",
    "ALTER TABLE events ADD PRIMARY KEY (id, at);",
    "CREATE INDEX events_user ON events (user_id);",
    "DROP INDEX events_kind;",
    "ALTER TABLE events ADD COLUMN z uuid DEFAULT gen_random_uuid();",
    "ALTER TABLE events ADD COLUMN z integer CHECK (z > 0);",
    "ALTER TABLE events ADD COLUMN z bigint REFERENCES users (id);",
    "ALTER TABLE events ALTER COLUMN kind TYPE varchar(20);",
    "ALTER TABLE events ALTER COLUMN user_id TYPE integer;",
    "ALTER TABLE events ATTACH PARTITION events_2 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');",
    "ALTER TABLE events DETACH PARTITION events_1;",
    "CREATE TABLE events_3 PARTITION OF events FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');",
    "CREATE INDEX ON events_1 (user_id);",
    "REINDEX INDEX events_kind;",
];

/// The bad examples of all rules, and those on partitioned tables.
fn all_examples() -> Vec<(&'static str, Vec<String>, String)> {
    let more = ON_PARTITIONED.iter().map(|it| ("", vec![PARTITIONED.to_owned()], (*it).to_owned()));
    bad_examples().into_iter().chain(more).collect()
}

/// How the schema that a script leaves differs from that of the original.
fn differ(original: Result<BTreeSet<String>, String>, after: Result<BTreeSet<String>, String>) -> Option<String> {
    match (original, after) {
        (_, Err(why)) => Some(why),
        (Ok(original), Ok(after)) if original != after => {
            let lost: Vec<_> = original.difference(&after).collect();
            let new: Vec<_> = after.difference(&original).collect();
            Some(format!("- {lost:?} + {new:?}"))
        }
        _ => None,
    }
}

/// Rewrites as phases, all files of them one after the other: they run, and leave the schema that the original leaves.
#[test]
fn servers_end_the_same_with_phases() {
    let (mut ran, mut wrong) = (BTreeSet::new(), Vec::new());
    for (at, (code, before, text)) in all_examples().into_iter().enumerate() {
        let known = catalog(&before);
        // Each on one of them.
        for version in [13, 15, 18].into_iter().skip(at % 3).take(1) {
            let facts = Facts::for_version(version);
            let file = File { text: &text, before: &known, facts: &facts, runs: Runs::ALONE };
            let planned: Vec<Finding> = file.findings().into_iter().filter(|it| it.fixable).collect();
            let mut statements: Vec<usize> = Vec::new();
            for finding in &planned {
                let found = file.with(|it| fix(it, &Config::default(), finding.statement, finding.rule));
                if found == Some(Fix::Phases) && !statements.contains(&finding.statement) {
                    statements.push(finding.statement);
                }
            }
            for statement in statements {
                let snapshot = project(Tool::Plain, &before.concat(), &text, version);
                let todo = Todo::Rewrite { statement, delivery: Delivery::All };
                let Ok(done) = copilot::perform(&snapshot, FileId(1), &todo, "20260101000000") else { continue };
                let phased: String = in_order(&text, &done.edits).into_iter().map(|it| it.1 + "\n").collect();
                let (original, after) = with_server(version, async |server| {
                    (made(&server, &before, &text).await, made(&server, &before, &phased).await)
                });
                // What the server refuses has no end to compare with.
                if original.is_ok() {
                    ran.insert((code, version));
                    // DETACH CONCURRENTLY leaves a CHECK that says what the bound said (manual, ALTER TABLE).
                    let detached = phased.contains("CONCURRENTLY") && phased.contains("DETACH PARTITION");
                    let why = differ(original, after).filter(|_| !detached);
                    wrong.extend(why.map(|it| format!("{code} on {version}: {it}\n{text}\n=>\n{phased}")));
                }
            }
        }
    }
    println!("{} scripts ran as phases", ran.len());
    assert!(wrong.is_empty(), "{}\n{} wrong", wrong.join("\n\n"), wrong.len());
    assert!(ran.len() > 10, "{}", ran.len());
}
