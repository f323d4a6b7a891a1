//! A file with its statements.

use std::{
    fmt,
    ops::Range,
    panic::resume_unwind,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Result;

use super::{sections, tree::Tree};
use crate::{
    dialect::{Dialect, Unparsed, parse_file_by},
    sql::{Problem, Severity, Statement},
};

/// A file that was read and parsed.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Absolute, or `git:REV:path`.
    pub path: PathBuf,
    /// As it runs: where a file holds the way up and the way down, the latter is spaces.
    pub text: Arc<str>,
    pub statements: Arc<[Statement]>,
    /// Ranges are bytes of the file.
    pub problems: Vec<Problem>,
}

/// A problem with its place, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileProblem {
    pub path: PathBuf,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    pub range: Range<usize>,
    pub severity: Severity,
    pub message: String,
}

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.path.display(), self.line, self.column, self.message)
    }
}

impl SourceFile {
    /// The statements as text, without semicolons.
    pub fn texts(&self) -> Vec<String> {
        self.statements.iter().filter_map(|it| self.text.get(it.range.clone())).map(str::to_owned).collect()
    }

    /// Problems in this file with their lines and columns.
    pub fn locate<'a>(&self, problems: impl Iterator<Item = &'a Problem>) -> Vec<FileProblem> {
        let lines = LineIndex::new(&self.text);
        let located = problems.map(|problem| {
            let (line, column) = lines.line_column(&self.text, problem.range.start);
            FileProblem {
                path: self.path.clone(),
                line,
                column,
                range: problem.range.clone(),
                severity: problem.severity,
                message: problem.message.clone(),
            }
        });
        located.collect()
    }
}

/// Where the lines of a text begin: a garbled file may have a problem in each of them.
pub struct LineIndex {
    starts: Vec<usize>,
}

impl LineIndex {
    pub fn new(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|it| it.1 == b'\n').map(|it| it.0 + 1);
        Self { starts: std::iter::once(0).chain(breaks).collect() }
    }

    /// Line and column (in characters) of a byte offset in the same text, both from 1.
    pub fn line_column(&self, text: &str, offset: usize) -> (usize, usize) {
        let offset = text.floor_char_boundary(offset);
        let line = self.starts.partition_point(|it| *it <= offset);
        let start = line.checked_sub(1).and_then(|it| self.starts.get(it)).copied().unwrap_or_default();
        (line, 1 + text.get(start..offset).unwrap_or_default().chars().count())
    }
}

/// Line and column (in characters) of one byte offset, both from 1.
pub fn line_column(text: &str, offset: usize) -> (usize, usize) {
    LineIndex::new(text).line_column(text, offset)
}

/// Reads and parses files of a tree.
pub(super) fn load(tree: &Tree<'_>, paths: &[PathBuf], dialect: &dyn Dialect) -> Result<Vec<SourceFile>> {
    let texts = tree.read_all(paths)?;
    let named: Vec<_> = paths.iter().map(|it| tree.label(it)).zip(texts).collect();
    Ok(parse_all(dialect, &named))
}

/// As [`parse`], of many.
pub fn parse_all(dialect: &dyn Dialect, files: &[(PathBuf, Arc<str>)]) -> Vec<SourceFile> {
    shared(files, 16, |(path, text)| parse(dialect, path, text))
}

/// The work done on every item, by all cores when there are so many that it is worth it. The results are in order.
fn shared<T: Sync, R: Send>(items: &[T], worth: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, |it| it.get().min(8));
    if cores == 1 || items.len() < worth {
        return items.iter().map(work).collect();
    }
    std::thread::scope(|scope| {
        let work = &work;
        let parts = items.chunks(items.len().div_ceil(cores));
        let hands: Vec<_> = parts.map(|it| scope.spawn(move || it.iter().map(work).collect::<Vec<_>>())).collect();
        // A panic goes on in the thread that waits.
        let done = |it: std::thread::ScopedJoinHandle<'_, Vec<R>>| it.join().unwrap_or_else(|it| resume_unwind(it));
        hands.into_iter().flat_map(done).collect()
    })
}

/// Cuts a text into statements and parses each. Only the up section of a file with sections counts.
pub fn parse(dialect: &dyn Dialect, path: &Path, text: &Arc<str>) -> SourceFile {
    let text = sections::up_part(text);
    let (statements, problems) =
        parse_file_by(dialect, &text, |pieces| shared(pieces, 500, |it: &Unparsed<'_>| it.parse(dialect)));
    SourceFile { path: path.to_path_buf(), text, statements: statements.into(), problems }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_characters() {
        assert_eq!(line_column("é\nab", 4), (2, 2));
        assert_eq!(line_column("éa", 2), (1, 2));
        assert_eq!(line_column("a", 99), (1, 2));
    }
}
