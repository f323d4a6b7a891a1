//! A file in the editor, cut and parsed; after an edit only the statements around it are cut and parsed again.

use std::{ops::Range, sync::Arc};

use crate::{
    dialect::{Dialect, Piece},
    sql::{Parsed, Problem, Statement},
    text::{Dirty, Document},
};

/// Pieces of a text, each with its meaning unless it is not to be parsed.
type Pieces = Vec<(Piece, Option<Arc<Parsed>>)>;

/// A text and its statements.
#[derive(Clone, Debug, Default)]
pub struct Script {
    pub text: Document,
    pub statements: Arc<[Statement]>,
    pieces: Pieces,
    /// What was wrong with the cutting, in bytes of the file.
    cuts: Vec<Problem>,
}

impl Script {
    pub fn new(dialect: &dyn Dialect, text: Document) -> Self {
        let whole = text.text();
        let (pieces, cuts) = cut(dialect, &whole, 0);
        Self::of(text, pieces, cuts)
    }

    /// A text that is not SQL, or that could not be read: no statements.
    pub fn plain(text: Document) -> Self {
        Self { text, ..Self::default() }
    }

    /// The script of `text`, which differs from this one's by `dirty`.
    pub fn edited(&self, dialect: &dyn Dialect, text: Document, dirty: &Dirty) -> Self {
        // An open quote changes everything behind it: such a text is cut as a whole.
        if self.cuts.is_empty()
            && let Some(pieces) = self.patch(dialect, &text, dirty)
        {
            return Self::of(text, pieces, Vec::new());
        }
        Self::new(dialect, text)
    }

    fn of(text: Document, pieces: Pieces, cuts: Vec<Problem>) -> Self {
        let statements = pieces.iter().filter_map(|(piece, parsed)| {
            let parsed = parsed.clone()?;
            Some(Statement { range: piece.range.clone(), full: piece.full.clone(), parsed })
        });
        Self { statements: statements.collect(), text, pieces, cuts }
    }

    /// The pieces after an edit, or `None` when nothing short of the whole file will do.
    ///
    /// A stretch around the edit is cut anew. It begins at a piece that was there before and ends with one: when that
    /// last piece comes out as it was, the cutter stands where it stood and what follows is as before, only moved.
    fn patch(&self, dialect: &dyn Dialect, text: &Document, dirty: &Dirty) -> Option<Pieces> {
        let pieces = &self.pieces;
        let touched = pieces.partition_point(|(it, _)| it.full.end < dirty.old.start);
        // One piece more to the front: a comment can change the piece it belongs to.
        let mut first = touched.saturating_sub(1);
        while first > 0 && (pieces[first].0.skip || pieces[first - 1].0.skip) {
            first -= 1;
        }
        let start = if first == 0 { 0 } else { pieces[first].0.full.start };
        let moved = |at: usize| at - dirty.old.end + dirty.new.end;
        let mut last = pieces.partition_point(|(it, _)| it.full.start <= dirty.old.end);
        let mut reach = 1;
        loop {
            while last < pieces.len() && (pieces[last].0.skip || pieces.get(last + 1).is_some_and(|it| it.0.skip)) {
                last += 1;
            }
            // The last piece of a file may lack its semicolon: it is no place to stop at.
            let Some((guard, known)) = pieces.get(last).filter(|_| last + 1 < pieces.len()) else {
                let (tail, cuts) = cut(dialect, &text.slice(start..text.len()), start);
                return cuts.is_empty().then(|| pieces[..first].iter().cloned().chain(tail).collect());
            };
            let guard = shifted(guard, moved);
            let (mut middle, cuts) = cut(dialect, &text.slice(start..guard.full.end), start);
            if cuts.is_empty() && middle.last().is_some_and(|(it, _)| *it == guard) {
                middle.pop();
                recognise(&mut middle, &pieces[first..last]);
                let behind = pieces[last + 1..].iter().map(|(it, parsed)| (shifted(it, moved), parsed.clone()));
                let front = pieces[..first].iter().cloned();
                return Some(front.chain(middle).chain([(guard, known.clone())]).chain(behind).collect());
            }
            last += reach;
            reach *= 4;
        }
    }

    /// Everything wrong with the text itself, in bytes of the file, in order.
    pub fn problems(&self) -> Vec<Problem> {
        let parsed = self.statements.iter().flat_map(|it| {
            let start = it.full.start;
            it.parsed
                .problems
                .iter()
                .map(move |p| Problem { range: p.range.start + start..p.range.end + start, ..p.clone() })
        });
        let mut res: Vec<Problem> = self.cuts.iter().cloned().chain(parsed).collect();
        res.sort_by_key(|it| (it.range.start, it.range.end));
        res
    }

    /// The statement at a byte; between two, none.
    pub fn statement_at(&self, offset: usize) -> Option<(usize, &Statement)> {
        let index = self.statements.partition_point(|it| it.full.end < offset);
        let statement = self.statements.get(index).filter(|it| it.full.start <= offset)?;
        // At `a;|b;` the cursor belongs to the second.
        match self.statements.get(index + 1) {
            Some(next) if statement.full.end == offset && next.full.start == offset => Some((index + 1, next)),
            _ => Some((index, statement)),
        }
    }

    /// Indexes of the statements that a range touches.
    pub fn statements_in(&self, range: &Range<usize>) -> Range<usize> {
        let first = self.statements.partition_point(|it| it.full.end < range.start);
        let last = self.statements.partition_point(|it| it.full.start <= range.end);
        first..last.max(first)
    }
}

/// Pieces that mean what one meant before are that one: what follows from it stays known.
fn recognise(pieces: &mut Pieces, before: &[(Piece, Option<Arc<Parsed>>)]) {
    let mut known = before.iter().filter_map(|it| it.1.as_ref());
    let mut rest = known.clone();
    for parsed in pieces.iter_mut().filter_map(|it| it.1.as_mut()) {
        if let Some(same) = rest.find(|it| *it == parsed) {
            *parsed = same.clone();
            known = rest.clone();
        } else {
            rest = known.clone();
        }
    }
}

fn cut(dialect: &dyn Dialect, text: &str, base: usize) -> (Pieces, Vec<Problem>) {
    let split = dialect.split(text);
    let pieces = split.pieces.into_iter().map(|piece| {
        let within = piece.range.start - piece.full.start..piece.range.end - piece.full.start;
        let parsed = match text.get(piece.full.clone()) {
            Some(full) if !piece.skip => Some(Arc::new(dialect.parse(full, within))),
            _ => None,
        };
        (shifted(&piece, |it| it + base), parsed)
    });
    let problems = split.problems.into_iter();
    let problems = problems.map(|it| Problem { range: it.range.start + base..it.range.end + base, ..it });
    (pieces.collect(), problems.collect())
}

fn shifted(piece: &Piece, by: impl Fn(usize) -> usize) -> Piece {
    Piece {
        full: by(piece.full.start)..by(piece.full.end),
        range: by(piece.range.start)..by(piece.range.end),
        skip: piece.skip,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dialect::postgres::Postgres;

    fn check(text: &str, range: Range<usize>, insert: &str) -> (Script, Script) {
        let old = Script::new(&Postgres, Document::new(text));
        let mut doc = old.text.clone();
        let dirty = doc.replace(range, insert);
        let new = old.edited(&Postgres, doc.clone(), &dirty);
        let whole = Script::new(&Postgres, doc);
        assert_eq!(
            new.pieces.iter().map(|it| &it.0).collect::<Vec<_>>(),
            whole.pieces.iter().map(|it| &it.0).collect::<Vec<_>>(),
            "{:?}",
            new.text.text()
        );
        assert_eq!(new.problems(), whole.problems());
        for (a, b) in new.statements.iter().zip(whole.statements.iter()) {
            assert_eq!(a.parsed, b.parsed);
        }
        (old, new)
    }

    #[test]
    fn an_edit_leaves_far_statements_alone() {
        let text = "create table a (x int);\ncreate table b (x int);\ncreate table c (x int);\ncreate table d (x int);\ncreate table e (x int);\n";
        let (old, new) = check(text, 63..64, "yy");
        assert!(Arc::ptr_eq(&old.statements[0].parsed, &new.statements[0].parsed));
        assert!(Arc::ptr_eq(&old.statements[4].parsed, &new.statements[4].parsed));
    }

    #[test]
    fn quotes_that_open_and_close() {
        let text = "select 1;\nselect 'a;b';\nselect 3;\nselect 4;\n";
        check(text, 17..18, "");
        check("select 1;\nselect a;b';\nselect 3;\nselect 4;\n", 17..17, "'");
        check(text, 0..0, "$$");
        check(text, 0..0, "/*");
        check(text, 0..text.len(), "");
        check("", 0..0, text);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
        #[test]
        fn any_edit_gives_what_the_whole_file_gives(
            parts in prop::collection::vec(0usize..12, 0..14), a in 0usize..400, b in 0usize..12, with in 0usize..14,
        ) {
            const PARTS: [&str; 14] = [
                "select 1;\n", "-- c\n", "create table t (a int);", "\n\n", "select 'x;y';", "$$;$$ ;", " /* ; */ ",
                "\\echo hi\n", "copy t from stdin;\n1\t2\n\\.\n", "insert into t values ('a', $q$b;$q$);\n", ";", "select",
                "'", "/*",
            ];
            let text: String = parts.iter().map(|it| PARTS[*it]).collect();
            let start = a.min(text.len());
            let end = (start + b).min(text.len());
            check(&text, start..end, PARTS[with]);
        }
    }
}
