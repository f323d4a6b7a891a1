//! Workflow commands of GitHub Actions: annotations on the lines of a change.

use crate::cli::json::Lint;

pub fn annotations(report: &Lint) -> String {
    let mut out = String::new();
    for file in &report.files {
        for it in &file.findings {
            let level = match it.severity.as_str() {
                "error" => "error",
                "warning" => "warning",
                _ => "notice",
            };
            // Columns are for annotations of one line only.
            let columns = match it.line == it.end_line {
                true => format!(",col={},endColumn={}", it.column, it.end_column),
                false => String::new(),
            };
            out.push_str(&format!(
                "::{level} file={},line={},endLine={}{columns},title={}::{}\n",
                property(&file.path),
                it.line,
                it.end_line,
                property(&it.rule),
                data(&it.message)
            ));
        }
    }
    out
}

/// As the runner takes it apart again: <https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts>.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_means_something_to_the_runner_is_escaped() {
        assert_eq!(super::property("a%,b:c\r\n.sql"), "a%25%2Cb%3Ac%0D%0A.sql");
        assert_eq!(super::data("50%, a:b\n"), "50%25, a:b%0A");
    }
}
