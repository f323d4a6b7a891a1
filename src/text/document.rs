//! A text on a rope, and its positions.

use std::{borrow::Cow, ops::Range};

use ropey::{Rope, RopeSlice};

use super::{Dirty, Position, PositionEncoding, TextEdit};

/// A text that is cheap to clone and cheap to change anywhere.
#[derive(Clone, Debug, Default)]
pub struct Document {
    rope: Rope,
}

impl Document {
    pub fn new(text: &str) -> Self {
        Self { rope: Rope::from_str(text) }
    }

    /// Bytes.
    pub fn len(&self) -> usize {
        self.rope.len_bytes()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn text(&self) -> String {
        self.rope.to_string()
    }

    /// The same characters. Cheap for clones of one document.
    pub fn same(&self, other: &Self) -> bool {
        self.rope.is_instance(&other.rope) || self.rope == other.rope
    }

    /// The text of some bytes; borrowed where the rope allows. A range that is no range of this text is moved to one.
    pub fn slice(&self, range: Range<usize>) -> Cow<'_, str> {
        let (start, end) = (self.boundary(range.start), self.boundary(range.end));
        self.rope.get_byte_slice(start..end.max(start)).map_or(Cow::Borrowed(""), Cow::from)
    }

    /// Replaces the text between two positions, or all of it.
    pub fn change(&mut self, range: Option<(Position, Position)>, text: &str, encoding: PositionEncoding) -> Dirty {
        let range = match range {
            Some((from, to)) => {
                let (from, to) = (self.offset(from, encoding), self.offset(to, encoding));
                from.min(to)..from.max(to)
            }
            None => 0..self.len(),
        };
        self.replace(range, text)
    }

    /// Replaces some bytes.
    pub fn replace(&mut self, range: Range<usize>, text: &str) -> Dirty {
        let (start, end) = (self.boundary(range.start), self.boundary(range.end));
        let end = end.max(start);
        let chars = self.rope.byte_to_char(start)..self.rope.byte_to_char(end);
        self.rope.remove(chars.clone());
        self.rope.insert(chars.start, text);
        Dirty::edit(start..end, text.len())
    }

    /// Applies edits that do not overlap, whatever their order.
    pub fn edit(&mut self, edits: &[TextEdit]) {
        let mut edits: Vec<&TextEdit> = edits.iter().collect();
        edits.sort_by_key(|it| (it.range.start, it.range.end));
        for edit in edits.into_iter().rev() {
            self.replace(edit.range.clone(), &edit.insert);
        }
    }

    /// The byte at a position. A line that is not there is the end of the text, a column that is not there the end of
    /// its line; a column inside a character is that character's start.
    pub fn offset(&self, position: Position, encoding: PositionEncoding) -> usize {
        let line = position.line as usize;
        if line >= self.rope.len_lines() {
            return self.len();
        }
        let start = self.rope.line_to_byte(line);
        let content = without_line_end(self.rope.line(line));
        let column = position.column as usize;
        start
            + match encoding {
                PositionEncoding::Utf8 => {
                    let column = column.min(content.len_bytes());
                    content.char_to_byte(content.byte_to_char(column))
                }
                PositionEncoding::Utf16 => {
                    // ropey rounds a code unit inside a pair down to the character.
                    let column = column.min(content.len_utf16_cu());
                    content.char_to_byte(content.utf16_cu_to_char(column))
                }
                PositionEncoding::Utf32 => content.char_to_byte(column.min(content.len_chars())),
            }
    }

    /// The position of a byte. A byte inside a character is that character's start, one inside a line ending the end
    /// of the line.
    pub fn position(&self, offset: usize, encoding: PositionEncoding) -> Position {
        let offset = self.boundary(offset);
        let line = self.rope.byte_to_line(offset);
        let start = self.rope.line_to_byte(line);
        let content = without_line_end(self.rope.line(line));
        let bytes = (offset - start).min(content.len_bytes());
        let column = match encoding {
            PositionEncoding::Utf8 => bytes,
            PositionEncoding::Utf16 => content.char_to_utf16_cu(content.byte_to_char(bytes)),
            PositionEncoding::Utf32 => content.byte_to_char(bytes),
        };
        let clamp = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
        Position { line: clamp(line), column: clamp(column) }
    }

    /// First byte of the line that a byte stands on.
    pub fn line_start(&self, offset: usize) -> usize {
        self.rope.line_to_byte(self.rope.byte_to_line(self.boundary(offset)))
    }

    /// End of the line that a byte stands on, before its line ending.
    pub fn line_end(&self, offset: usize) -> usize {
        let line = self.rope.byte_to_line(self.boundary(offset));
        self.rope.line_to_byte(line) + without_line_end(self.rope.line(line)).len_bytes()
    }

    /// The line ending that the text uses: that of its first line.
    pub fn line_ending(&self) -> &'static str {
        let first = self.rope.line(0);
        let content = without_line_end(first).len_chars();
        match (first.get_char(content), first.get_char(content + 1)) {
            (Some('\r'), Some('\n')) => "\r\n",
            (Some('\r'), None) => "\r",
            _ => "\n",
        }
    }

    /// The start of the character that a byte belongs to; the end of the text for bytes beyond it.
    fn boundary(&self, offset: usize) -> usize {
        let offset = offset.min(self.len());
        self.rope.char_to_byte(self.rope.byte_to_char(offset))
    }
}

fn without_line_end(line: RopeSlice<'_>) -> RopeSlice<'_> {
    let mut end = line.len_chars();
    if end > 0 && line.get_char(end - 1) == Some('\n') {
        end -= 1;
    }
    if end > 0 && line.get_char(end - 1) == Some('\r') {
        end -= 1;
    }
    line.slice(..end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use PositionEncoding::*;

    fn at(line: u32, column: u32) -> Position {
        Position { line, column }
    }

    #[test]
    fn columns_are_counted_in_the_agreed_unit() {
        let doc = Document::new("a\u{e9}\u{1f600}b\n");
        let b = "a\u{e9}\u{1f600}".len();
        assert_eq!(doc.position(b, Utf8), at(0, 7));
        assert_eq!(doc.position(b, Utf16), at(0, 4));
        assert_eq!(doc.position(b, Utf32), at(0, 3));
        for encoding in [Utf8, Utf16, Utf32] {
            assert_eq!(doc.offset(doc.position(b, encoding), encoding), b);
        }
    }

    #[test]
    fn inside_a_character_is_its_start() {
        let doc = Document::new("\u{1f600}b");
        assert_eq!(doc.offset(at(0, 1), Utf16), 0, "between the halves of a surrogate pair");
        assert_eq!(doc.offset(at(0, 3), Utf8), 0);
        assert_eq!(doc.position(2, Utf16), at(0, 0));
    }

    #[test]
    fn lines_end_as_the_protocol_says() {
        let doc = Document::new("a\r\nb\rc\nd\u{2028}e\u{b}f");
        assert_eq!(doc.offset(at(1, 0), Utf16), 3);
        assert_eq!(doc.offset(at(2, 0), Utf16), 5);
        assert_eq!(doc.offset(at(3, 9), Utf16), doc.len(), "U+2028 and \\v are no line ends");
        assert_eq!(doc.position(2, Utf16), at(0, 1), "inside \\r\\n");
        assert_eq!(doc.line_ending(), "\r\n");
    }

    #[test]
    fn what_is_not_there_is_moved() {
        let doc = Document::new("ab\ncd");
        assert_eq!(doc.offset(at(0, 99), Utf16), 2);
        assert_eq!(doc.offset(at(99, 0), Utf16), 5);
        assert_eq!(doc.position(99, Utf16), at(1, 2));
        assert_eq!(doc.slice(4..99), "d");
        assert_eq!(doc.slice(std::ops::Range { start: 4, end: 1 }), "");
        assert_eq!(Document::new("").position(7, Utf16), at(0, 0));
    }

    #[test]
    fn edits_apply_in_any_order() {
        let mut doc = Document::new("one two");
        doc.edit(&[TextEdit::replace(0..3, "1"), TextEdit::replace(4..7, "2")]);
        assert_eq!(doc.text(), "1 2");
    }

    proptest! {
        #[test]
        fn changes_are_those_of_a_string(
            text in "[a\r\n\u{e9}\u{1f600}]{0,20}",
            edits in prop::collection::vec((0u32..6, 0u32..12, 0u32..6, 0u32..12, "[b\r\n\u{1f600}]{0,4}"), 0..5),
            unit in 0usize..3,
        ) {
            let encoding = [Utf8, Utf16, Utf32][unit];
            let mut doc = Document::new(&text);
            let mut plain = text;
            for (l1, c1, l2, c2, insert) in edits {
                let dirty = doc.change(Some((at(l1, c1), at(l2, c2))), &insert, encoding);
                plain.replace_range(dirty.old, &insert);
                prop_assert_eq!(doc.text(), plain.clone());
            }
            for offset in 0..=doc.len() {
                let position = doc.position(offset, encoding);
                let back = doc.offset(position, encoding);
                prop_assert!(back <= offset);
                prop_assert_eq!(doc.position(back, encoding), position);
            }
        }
    }
}
