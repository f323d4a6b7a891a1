//! Every change page and the worked example, run on real servers 13 to 18: forward to the target, locks as
//! promised, back to the start with rows kept, forward again.

use lockkeeper::{
    catalog::Catalog,
    changes, dialect,
    plan::Answers,
    shadow::{
        report::Report,
        verify::{VerifyInput, verify_on},
    },
    sql::Column,
};

use crate::{
    plans::{desired, plan},
    servers::{VERSIONS, with_server},
};

pub fn statements(sql: &str) -> Vec<String> {
    let postgres = dialect::by_name("postgres").unwrap();
    let (statements, _) = dialect::parse_file(postgres, sql);
    statements.iter().map(|it| sql[it.range.clone()].to_owned()).collect()
}

pub fn report(report: &Report) -> String {
    let lines = report.mismatches.iter().map(|it| {
        let details: String = it.details.iter().map(|it| format!("\n    {it}")).collect();
        format!("  {:?} {:?} {:?}: {}{details}", it.phase, it.direction, it.kind, it.message)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What an application that knows this schema says of every table: each column read, written and inserted. Partitions
/// it uses through the table they are of.
fn code(catalog: &Catalog) -> Vec<String> {
    let postgres = dialect::by_name("postgres").unwrap();
    let tables = catalog.tables.values().filter(|it| it.partition_of.is_none()).flat_map(|table| {
        let name = postgres.quote_name(&table.name);
        let quoted = |it: &Column| postgres.quote(&it.name).into_owned();
        let all: Vec<String> = table.columns.iter().map(quoted).collect();
        let written = table
            .columns
            .iter()
            .filter(|it| it.generated.is_none() && !it.identity.as_ref().is_some_and(|it| it.always));
        let written: Vec<String> = written.map(quoted).collect();
        let own: Vec<String> = written.iter().map(|it| format!("{it} = {it}")).collect();
        let (all, written, own) = (all.join(", "), written.join(", "), own.join(", "));
        [
            format!("SELECT {all} FROM {name}"),
            format!("UPDATE {name} SET {own}"),
            format!("INSERT INTO {name} ({written}) SELECT {written} FROM {name} WHERE false"),
            format!("DELETE FROM {name} WHERE false"),
        ]
    });
    tables.collect()
}

/// One way from `before` to `after`.
pub struct Run<'a> {
    pub before: &'a str,
    pub after: &'a str,
    pub answers: Answers,
    pub rows: u64,
    /// What code says that knows the old tables, and works until Contract; by default every table is used in every way.
    pub old_code: Option<Vec<String>>,
    /// What code says that knows the new tables, and works from Expand on.
    pub new_code: Option<Vec<String>>,
}

impl<'a> Run<'a> {
    fn new(before: &'a str, after: &'a str, rows: u64) -> Self {
        Self { before, after, answers: Answers::default(), rows, old_code: None, new_code: None }
    }

    /// Runs it on one version; what is not as planned is the error.
    pub fn on(&self, version: u32) -> Result<(), String> {
        let (old, new) = (desired(self.before), desired(self.after));
        let old_code = self.old_code.clone().unwrap_or_else(|| code(&old));
        let new_code = self.new_code.clone().unwrap_or_else(|| code(&new));
        let plan = plan(&old, &new, version, &self.answers);
        let (baseline, target) = (statements(self.before), statements(self.after));
        with_server(version, async |server| {
            let input = VerifyInput {
                baseline: &baseline,
                target: &target,
                plan: &plan,
                rows: self.rows,
                old_code: &old_code,
                new_code: &new_code,
            };
            match verify_on(&server, &input).await {
                Ok(it) if it.ok() => Ok(()),
                Ok(it) => Err(report(&it)),
                Err(error) => Err(format!("  {error:#}")),
            }
        })
    }
}

/// `LOCKKEEPER_PAGE` limits the run to one page while working on it.
#[test]
fn every_change_page_is_true_on_real_servers() {
    let only = std::env::var("LOCKKEEPER_PAGE").ok();
    let mut failures = Vec::new();
    for (name, page) in changes::PAGES.iter().filter(|(name, _)| only.as_deref().is_none_or(|only| only == *name)) {
        let fence = |kind: &str| page.fence(kind).unwrap_or_else(|| panic!("page {name} has no fence {kind}"));
        for version in VERSIONS {
            if let Err(error) = Run::new(&fence("sql before"), &fence("sql after"), 50).on(version) {
                failures.push(format!("{name} on {version}:\n{error}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}\n{} failures", failures.join("\n"), failures.len());
}

/// The worked example holds every kind of change at once.
#[test]
fn the_worked_example_is_true_on_real_servers() {
    let (before, after) = (include_str!("../example/before.sql"), include_str!("../example/after.sql"));
    let mut failures = Vec::new();
    for version in VERSIONS {
        if let Err(error) = Run::new(before, after, 60).on(version) {
            failures.push(format!("on {version}:\n{error}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
