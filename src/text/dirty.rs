//! Which part of a text differs from an older version of it, however many edits lie between.

use std::ops::Range;

/// Bytes `old` of the older text became bytes `new` of the newer; what stands before and behind is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dirty {
    pub old: Range<usize>,
    pub new: Range<usize>,
}

impl Dirty {
    /// One edit: `range` was replaced by `len` bytes.
    pub fn edit(range: Range<usize>, len: usize) -> Self {
        Self { new: range.start..range.start + len, old: range }
    }

    /// This change and then `next`, seen as one.
    pub fn then(&self, next: &Self) -> Self {
        // `next.old` is in the coordinates of `self.new`; the part of it outside `self.new` is moved back.
        let start = self.new.start.min(next.old.start);
        let end_between = self.new.end.max(next.old.end);
        let old_end = self.old.end + (end_between - self.new.end);
        let new_end = next.new.end + (end_between - next.old.end);
        Self { old: start..old_end, new: start..new_end }
    }

    /// Where a range of the older text stands now; `None` when it was touched.
    pub fn shift(&self, range: &Range<usize>) -> Option<Range<usize>> {
        if range.end < self.old.start || (range.end == self.old.start && !self.old.is_empty()) {
            return Some(range.clone());
        }
        let moved = |at: usize| at - self.old.end + self.new.end;
        (range.start >= self.old.end).then(|| moved(range.start)..moved(range.end))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_before_and_behind_an_edit_survive() {
        let dirty = Dirty::edit(10..20, 5);
        assert_eq!(dirty.shift(&(0..10)), Some(0..10));
        assert_eq!(dirty.shift(&(20..25)), Some(15..20));
        assert_eq!(dirty.shift(&(15..25)), None);
        assert_eq!(dirty.shift(&(5..25)), None);
    }

    proptest! {
        #[test]
        fn edits_add_up(text in "[a-z]{0,30}", edits in prop::collection::vec((0usize..40, 0usize..40, "[A-Z]{0,6}"), 1..6)) {
            let mut now = text.clone();
            let mut all: Option<Dirty> = None;
            for (a, b, insert) in edits {
                let (a, b) = (a.min(now.len()), b.min(now.len()));
                let range = a.min(b)..a.max(b);
                let one = Dirty::edit(range.clone(), insert.len());
                now.replace_range(range, &insert);
                all = Some(match all { Some(before) => before.then(&one), None => one });
            }
            let all = all.expect("at least one edit");
            prop_assert_eq!(&text[..all.old.start], &now[..all.new.start]);
            prop_assert_eq!(&text[all.old.end..], &now[all.new.end..]);
        }
    }
}
