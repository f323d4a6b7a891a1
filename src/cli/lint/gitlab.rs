//! GitLab's code quality report.

use std::collections::BTreeMap;

use serde::Serialize;

use super::fingerprint;
use crate::cli::json::Lint;

#[derive(Serialize)]
pub struct Issue {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
    end: usize,
}

pub fn report(report: &Lint) -> Vec<Issue> {
    let mut res = Vec::new();
    let mut seen = BTreeMap::new();
    for file in &report.files {
        for it in &file.findings {
            res.push(Issue {
                description: it.message.clone(),
                check_name: it.rule.clone(),
                fingerprint: fingerprint(&mut seen, &file.path, it),
                severity: match it.severity.as_str() {
                    "error" => "critical",
                    "warning" => "major",
                    "info" => "minor",
                    _ => "info",
                },
                location: Location { path: file.path.clone(), lines: Lines { begin: it.line, end: it.end_line } },
            });
        }
    }
    res
}
