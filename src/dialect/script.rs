//! Whole files: cut, parsed piece by piece, and parsed again after an edit without repeating the pieces that stayed.

use std::{collections::HashMap, ops::Range, sync::Arc};

use super::{Dialect, Piece};
use crate::sql::{Parsed, Problem, Statement};

/// The statements of a file and what is wrong in it. Ranges of the problems are bytes of the file.
///
/// Pieces that are not SQL (psql meta-commands, COPY data) or that nest too deeply are no statements.
pub fn parse_file(dialect: &dyn Dialect, text: &str) -> (Vec<Statement>, Vec<Problem>) {
    parse_file_by(dialect, text, |pieces| pieces.iter().map(|it| it.parse(dialect)).collect())
}

/// A piece of a file that is to be parsed.
pub struct Unparsed<'a> {
    text: &'a str,
    /// Where the statement stands in the text.
    range: Range<usize>,
}

impl Unparsed<'_> {
    pub fn parse(&self, dialect: &dyn Dialect) -> Arc<Parsed> {
        Arc::new(dialect.parse(self.text, self.range.clone()))
    }
}

/// As [`parse_file`]. `parse_all` has the pieces parsed, in whatever way, and returns what they mean in their order.
pub fn parse_file_by(
    dialect: &dyn Dialect,
    text: &str,
    parse_all: impl FnOnce(&[Unparsed<'_>]) -> Vec<Arc<Parsed>>,
) -> (Vec<Statement>, Vec<Problem>) {
    let split = dialect.split(text);
    let mut problems = split.problems;
    let pieces: Vec<Piece> = split.pieces.into_iter().filter(|it| !it.skip).collect();
    let unparsed = |Piece { full, range, .. }: &Piece| Unparsed {
        text: &text[full.clone()],
        range: range.start - full.start..range.end - full.start,
    };
    let meanings = parse_all(&pieces.iter().map(unparsed).collect::<Vec<_>>());
    let mut statements = Vec::with_capacity(pieces.len());
    for (Piece { full, range, .. }, parsed) in pieces.into_iter().zip(meanings) {
        let at = full.start;
        let moved = |it: &Problem| Problem { range: it.range.start + at..it.range.end + at, ..it.clone() };
        problems.extend(parsed.problems.iter().map(moved));
        statements.push(Statement { range, full, parsed });
    }
    problems.sort_by_key(|it| (it.range.start, it.range.end));
    (statements, problems)
}

/// Remembers the meaning of every piece of one file, by its text, from one version of the file to the next.
#[derive(Debug, Default)]
pub struct ParseCache {
    /// Key: the piece's text and where the statement stands in it. Never iterated, so its order cannot leak.
    parsed: HashMap<(Box<str>, Range<usize>), Arc<Parsed>>,
}

impl ParseCache {
    /// As [`parse_file`]; pieces with the text of a piece of the last version share its meaning. What the new
    /// version does not hold is forgotten.
    pub fn parse_file(&mut self, dialect: &dyn Dialect, text: &str) -> (Vec<Statement>, Vec<Problem>) {
        let mut old = std::mem::take(&mut self.parsed);
        let new = &mut self.parsed;
        let mut parse = |it: &Unparsed<'_>| {
            let key = (Box::from(it.text), it.range.clone());
            if let Some(known) = new.get(&key) {
                return known.clone();
            }
            let (key, parsed) = match old.remove_entry(&key) {
                Some(known) => known,
                None => {
                    let parsed = Arc::new(dialect.parse(&key.0, key.1.clone()));
                    (key, parsed)
                }
            };
            new.insert(key, parsed.clone());
            parsed
        };
        parse_file_by(dialect, text, |pieces| pieces.iter().map(&mut parse).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::postgres::Postgres;

    #[test]
    fn an_edit_leaves_the_other_statements_as_they_were() {
        let mut cache = ParseCache::default();
        let (first, _) = cache.parse_file(&Postgres, "create table a (x int);\ncreate table b (y int);\n");
        let (second, _) = cache.parse_file(&Postgres, "create table a (x int, z int);\ncreate table b (y int);\n");
        assert!(!Arc::ptr_eq(&first[0].parsed, &second[0].parsed));
        assert!(Arc::ptr_eq(&first[1].parsed, &second[1].parsed));
    }

    #[test]
    fn problems_stand_where_they_are_in_the_file() {
        let text = "select 1;\ncreate table t (a int,, b int);\n";
        let (statements, problems) = parse_file(&Postgres, text);
        assert_eq!(statements.len(), 2);
        assert!(problems.iter().all(|it| it.range.start > 10), "{problems:?}");
        assert!(!problems.is_empty());
    }
}
