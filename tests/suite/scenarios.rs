//! The scenarios of `tests/cases/*.md` and the `plan` fences of the change pages: what is planned stands there word for
//! word, and every scenario is run on real servers 13 to 18. `UPDATE_EXPECT=1` rewrites the plans, and only them.
//!
//! A case is a `##` heading with `sql before` and `sql after`; `sql old-code` and `sql new-code` are run between the
//! phases; `answers` holds lines as `--answer` takes them; `plan` is the plan for [`VERSION`], `plan 18` for 18.

use std::{fmt::Write, fs, path::PathBuf};

use lockkeeper::{changes, plan::Answers};

use crate::{
    plans::{assert_leads_there_and_back, desired, plan},
    real,
};

/// The version of a plan that names none: the one that is assumed where a project says nothing.
const VERSION: u32 = lockkeeper::plan::Facts::DEFAULT_SERVER_VERSION;

/// A fenced block: its info words and its text.
struct Block {
    info: String,
    text: String,
}

struct Scenario {
    /// File and heading.
    name: String,
    blocks: Vec<Block>,
}

impl Scenario {
    fn text(&self, info: &str) -> Option<&str> {
        self.blocks.iter().find(|it| it.info == info).map(|it| it.text.as_str())
    }

    #[track_caller]
    fn sql(&self, info: &str) -> &str {
        self.text(info).unwrap_or_else(|| panic!("{} has no ```{info}", self.name))
    }

    fn answers(&self) -> Answers {
        let mut res = Answers::default();
        for line in self.text("answers").unwrap_or_default().lines() {
            let (id, choice) = line.split_once('=').unwrap_or_else(|| panic!("{}: {line}", self.name));
            res.by_id.insert(id.to_owned(), choice.to_owned());
        }
        res
    }

    /// The plan that belongs under this info string.
    fn plan(&self, info: &str) -> String {
        let version = info.strip_prefix("plan").and_then(|it| it.trim().parse().ok()).unwrap_or(VERSION);
        plan_text(self.sql("sql before"), self.sql("sql after"), version, &self.answers())
    }
}

fn plan_text(before: &str, after: &str, version: u32, answers: &Answers) -> String {
    plan(&desired(before), &desired(after), version, answers).to_string()
}

fn files() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");
    let mut res: Vec<_> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    res.sort();
    res
}

fn scenarios(name: &str, text: &str) -> Vec<Scenario> {
    let mut res: Vec<Scenario> = Vec::new();
    let mut open: Option<Block> = None;
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```"), line.strip_prefix("## ")) {
            (Some(_), Some(_), _) => {
                let scenario = res.last_mut().unwrap_or_else(|| panic!("{name}: a fence before the first ##"));
                scenario.blocks.extend(open.take());
            }
            (Some(block), None, _) => writeln!(block.text, "{line}").unwrap(),
            (None, Some(info), _) => open = Some(Block { info: info.trim().to_owned(), text: String::new() }),
            (None, None, Some(title)) => {
                res.push(Scenario { name: format!("{name}: {title}"), blocks: Vec::new() });
            }
            (None, None, None) => {}
        }
    }
    assert!(open.is_none(), "{name}: a fence is not closed");
    res
}

/// `text` with each block of a plan replaced by what `plan` says, in order of their appearance. `margin` is what
/// stands before every line (`    /// ` in a page).
fn with_plans(text: &str, margin: &str, mut plan: impl FnMut(&str) -> String) -> String {
    let (mut res, mut inside) = (String::new(), false);
    for line in text.lines() {
        let bare = line.strip_prefix(margin).unwrap_or("");
        match bare.strip_prefix("```") {
            Some(info) if !inside && info.starts_with("plan") => {
                inside = true;
                writeln!(res, "{line}").unwrap();
                for line in plan(info).lines() {
                    writeln!(res, "{margin}{line}").unwrap();
                }
            }
            Some(_) if inside => {
                inside = false;
                writeln!(res, "{line}").unwrap();
            }
            _ if inside => {}
            _ => writeln!(res, "{line}").unwrap(),
        }
    }
    res
}

/// Compares, or with `UPDATE_EXPECT=1` writes.
fn settle(path: &PathBuf, found: &str, wanted: &str, differing: &mut Vec<String>) {
    if found == wanted {
        return;
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        return fs::write(path, wanted).unwrap();
    }
    let first = found.lines().zip(wanted.lines()).enumerate().find(|(_, (found, wanted))| found != wanted);
    let (line, (found, wanted)) = first.unwrap_or((0, ("", "(one is longer)")));
    differing.push(format!("{}:{}:\n  stands: {found}\n  planned: {wanted}", path.display(), line + 1));
}

#[test]
fn the_plans_of_pages_and_cases_are_those_that_are_made() {
    let mut differing = Vec::new();
    for path in files() {
        let text = fs::read_to_string(&path).unwrap();
        let scenarios = scenarios(&path.file_name().unwrap().to_string_lossy(), &text);
        let mut plans = scenarios.iter().flat_map(|it| {
            let plans = it.blocks.iter().filter(|it| it.info.starts_with("plan"));
            plans.map(|block| it.plan(&block.info)).collect::<Vec<_>>()
        });
        let wanted = with_plans(&text, "", |_| plans.next().unwrap());
        settle(&path, &text, &wanted, &mut differing);
    }
    for (name, page) in changes::PAGES {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("src/changes/{name}.rs"));
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(page.fences("plan").len(), 1, "page {name} shows no plan, or several");
        let fence = |kind: &str| page.fence(kind).unwrap();
        let made = plan_text(&fence("sql before"), &fence("sql after"), VERSION, &Answers::default());
        let wanted = with_plans(&text, "    /// ", |_| made.clone());
        settle(&path, &text, &wanted, &mut differing);
    }
    assert!(differing.is_empty(), "UPDATE_EXPECT=1 rewrites these plans:\n{}", differing.join("\n"));
}

fn for_each(mut check: impl FnMut(&Scenario)) {
    let only = std::env::var("LOCKKEEPER_CASE").ok();
    let mut ran = 0;
    for path in files() {
        let text = fs::read_to_string(&path).unwrap();
        for scenario in scenarios(&path.file_name().unwrap().to_string_lossy(), &text) {
            ran += 1;
            if only.as_deref().is_none_or(|only| scenario.name.contains(only)) {
                check(&scenario);
            }
        }
    }
    assert!(ran > 0, "no scenario was found");
}

#[test]
fn every_case_leads_there_and_back_in_memory() {
    for_each(|it| {
        let (before, after) = (desired(it.sql("sql before")), desired(it.sql("sql after")));
        for version in 13..=18 {
            assert_leads_there_and_back(&before, &after, version, &it.answers(), &it.name);
        }
    });
}

/// `LOCKKEEPER_CASE=part of a name` runs some only.
#[test]
fn every_case_is_true_on_real_servers() {
    let mut failures = String::new();
    for_each(|it| {
        let code = |kind| it.text(kind).map(real::statements);
        for version in crate::servers::VERSIONS {
            let run = real::Run {
                before: it.sql("sql before"),
                after: it.sql("sql after"),
                answers: it.answers(),
                rows: 50,
                old_code: code("sql old-code"),
                new_code: code("sql new-code"),
            };
            if let Err(error) = run.on(version) {
                writeln!(failures, "{} on {version}:\n{error}", it.name).unwrap();
            }
        }
    });
    assert!(failures.is_empty(), "{failures}");
}
