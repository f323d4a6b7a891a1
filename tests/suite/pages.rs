//! Pages are true: a rule's bad example makes it fire, its good example does not, and says nothing worse than a hint.

use std::path::Path;

use lockkeeper::{
    catalog::Catalog,
    dialect::{parse_file, postgres::Postgres},
    lint::{Finding, LintInput, RULES, Rule, explain, lint, needs_files},
    page::Fence,
    plan::Facts,
    sql::{Runs, Severity},
};

const VERSIONS: [u32; 6] = [13, 14, 15, 16, 17, 18];

#[test]
fn every_rule_has_a_whole_page_in_a_file_of_its_name() {
    let mut codes: Vec<&str> = RULES.iter().map(|it| it.code).collect();
    for rule in RULES {
        let page = &rule.page;
        assert!(!page.title().is_empty() && !page.summary().is_empty(), "{}", rule.code);
        for heading in ["Why", "Versions", "Source"] {
            assert!(page.section(heading).is_some_and(|it| !it.is_empty()), "{}: no ## {heading}", rule.code);
        }
        // Rules about a file among others show files; `around` lays them out.
        let kinds = if needs_files(rule.code) { ["files bad", "files good"] } else { ["sql bad", "sql good"] };
        for kind in kinds {
            assert!(page.fence(kind).is_some(), "{}: no ```{kind}", rule.code);
        }
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/lint/{}.rs", rule.code.replace('-', "_")));
        assert!(file.is_file(), "{} is missing", file.display());
        assert_eq!(explain(rule.code), Some(page));
    }
    assert!(codes.is_sorted(), "RULES is in the order of the codes");
    codes.dedup();
    assert_eq!(codes.len(), RULES.len(), "a code is used twice");
    assert_eq!(explain("no-such-rule"), None);
}

#[test]
fn a_bad_example_makes_its_rule_fire() {
    for_each_example("sql bad", |rule, version, sql, found| {
        assert!(
            found.iter().any(|it| it.rule == rule.code),
            "{} on {version} is silent on\n{sql}\n{found:#?}",
            rule.code
        );
    });
}

#[test]
fn a_good_example_raises_no_warning() {
    for_each_example("sql good", |rule, version, sql, found| {
        let worst = found.iter().filter(|it| it.rule == rule.code || it.severity >= Severity::Warning);
        assert_eq!(worst.count(), 0, "{} on {version} says of\n{sql}\n{found:#?}", rule.code);
    });
}

fn for_each_example(kind: &str, check: impl Fn(&Rule, u32, &str, &[Finding])) {
    let mut ran = 0;
    for rule in RULES {
        let before = catalog(rule);
        for fence in rule.page.fences(kind) {
            for version in VERSIONS.into_iter().filter(|it| *it >= first_version(&fence)) {
                check(rule, version, &fence.text, &found(&fence.text, &before, version));
                ran += 1;
            }
        }
    }
    assert!(ran >= RULES.len() * 4, "only {ran} examples ran");
}

/// A number behind the kind says from which version the example holds: `sql good 14`.
fn first_version(fence: &Fence) -> u32 {
    fence.info.split_whitespace().find_map(|it| it.parse().ok()).unwrap_or(0)
}

fn catalog(rule: &Rule) -> Catalog {
    let mut res = Catalog::new();
    for fence in rule.page.fences("sql before") {
        let (statements, problems) = parse_file(&Postgres, &fence.text);
        assert!(problems.is_empty(), "{}: {problems:?}", rule.code);
        for ddl in statements.iter().flat_map(|it| &it.parsed.ddl) {
            res.apply(ddl).unwrap_or_else(|why| panic!("{}: {why:?}", rule.code));
        }
    }
    res
}

fn found(sql: &str, before: &Catalog, version: u32) -> Vec<Finding> {
    let (statements, problems) = parse_file(&Postgres, sql);
    assert!(problems.is_empty(), "{sql}: {problems:?}");
    let facts = Facts::for_version(version);
    lint(&LintInput {
        dialect: &Postgres,
        text: sql,
        statements: &statements,
        before,
        facts: &facts,
        runs: Runs::ALONE,
        around: None,
    })
}
