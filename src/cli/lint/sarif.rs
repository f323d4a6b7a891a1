//! SARIF 2.1.0.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::fingerprint;
use crate::{
    cli::json::Lint,
    lint::{self, RULES},
    sql::Severity,
};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

pub fn log(report: &Lint) -> Value {
    let rules: Vec<Value> = RULES.iter().map(|it| rule(it.code, it.page.title(), &it.page.summary(), it)).collect();
    let syntax = json!({
        "id": "syntax", "shortDescription": { "text": "A statement that cannot be read" },
        "defaultConfiguration": { "level": "error" }
    });
    let rules: Vec<Value> = rules.into_iter().chain([syntax]).collect();
    let index = |rule: &str| rules.iter().position(|it| it["id"] == rule);
    let mut results = Vec::new();
    let mut seen = BTreeMap::new();
    for file in &report.files {
        for it in &file.findings {
            let region = json!({
                "startLine": it.line, "startColumn": it.column, "endLine": it.end_line, "endColumn": it.end_column
            });
            let artifact = json!({ "uri": uri(&file.path) });
            let mut result = json!({
                "ruleId": it.rule, "level": level(&it.severity), "message": { "text": it.message },
                "locations": [{ "physicalLocation": { "artifactLocation": artifact, "region": region } }],
                "partialFingerprints": { "lockkeeper/v1": fingerprint(&mut seen, &file.path, it) }
            });
            if let Some(phase) = &it.phase {
                result["properties"] = json!({ "phase": phase });
            }
            if let Some(index) = index(&it.rule) {
                result["ruleIndex"] = index.into();
            }
            results.push(result);
        }
    }
    let driver = json!({
        "name": "lockkeeper", "version": env!("CARGO_PKG_VERSION"), "semanticVersion": env!("CARGO_PKG_VERSION"),
        "informationUri": env!("CARGO_PKG_REPOSITORY"), "rules": rules
    });
    json!({
        "$schema": SCHEMA, "version": "2.1.0",
        "runs": [{ "tool": { "driver": driver }, "columnKind": "unicodeCodePoints", "results": results }]
    })
}

fn rule(code: &str, title: &str, summary: &str, rule: &crate::lint::Rule) -> Value {
    let markdown = rule.page.text();
    json!({
        "id": code, "shortDescription": { "text": title }, "fullDescription": { "text": summary },
        "helpUri": lint::link(code), "help": { "text": markdown, "markdown": markdown },
        "defaultConfiguration": { "level": level(rule.severity.as_str()) }
    })
}

fn level(severity: &str) -> &'static str {
    match severity {
        "error" => "error",
        "warning" => "warning",
        it if it == Severity::Info.as_str() || it == Severity::Hint.as_str() => "note",
        _ => "none",
    }
}

/// A path as a relative reference (RFC 3986): forward slashes, everything but unreserved characters as bytes.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.replace('\\', "/").bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    match out.starts_with('/') {
        true => format!("file://{out}"),
        false => out,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn paths_are_uris() {
        assert_eq!(super::uri("db/a b:1#é.sql"), "db/a%20b%3A1%23%C3%A9.sql");
        assert_eq!(super::uri("/tmp/x.sql"), "file:///tmp/x.sql");
    }
}
