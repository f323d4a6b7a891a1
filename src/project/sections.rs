//! Files that hold the way up and the way down: dbmate, goose, node-pg-migrate.
//!
//! The part that does not run is replaced by spaces, byte for byte, so that ranges stay those of the file.

use std::{ops::Range, sync::Arc};

/// The parts of a file that run forward, as byte ranges. `None`: all of it, the file has no sections.
pub fn forward_parts(text: &str) -> Option<Vec<Range<usize>>> {
    split(text).map(|it| it.up)
}

/// The text with everything but its up section blanked; the text itself when it has no sections.
pub(super) fn up_part(text: &Arc<str>) -> Arc<str> {
    match split(text) {
        Some(sections) => blank_all_but(text, &sections.up).into(),
        None => text.clone(),
    }
}

/// The text with everything but its down section blanked. `None`: it has no sections, or none that leads down.
pub(super) fn down_part(text: &Arc<str>) -> Option<Arc<str>> {
    let sections = split(text).filter(|it| !it.down.is_empty())?;
    Some(blank_all_but(text, &sections.down).into())
}

/// The up and down sections of a file, as byte ranges; there may be several of each (goose allows one, dbmate one).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sections {
    pub up: Vec<Range<usize>>,
    pub down: Vec<Range<usize>>,
}

/// Finds section markers. `None`: the file has none.
pub(super) fn split(text: &str) -> Option<Sections> {
    let mut sections = Sections { up: Vec::new(), down: Vec::new() };
    let mut open: Option<(bool, usize)> = None;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        if let Some(up) = marker(line) {
            close(&mut sections, open, offset);
            open = Some((up, offset + line.len()));
        }
        offset += line.len();
    }
    open?;
    close(&mut sections, open, offset);
    Some(sections)
}

fn close(sections: &mut Sections, open: Option<(bool, usize)>, end: usize) {
    match open {
        Some((true, start)) => sections.up.push(start..end),
        Some((false, start)) => sections.down.push(start..end),
        None => {}
    }
}

/// Does the line open a section: up or down?
fn marker(line: &str) -> Option<bool> {
    let words: Vec<String> = line.trim().to_ascii_lowercase().split_whitespace().map(str::to_owned).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--", "migrate:up", ..] | ["--", "+goose", "up", ..] | ["--", "up", "migration", ..] => Some(true),
        ["--", "migrate:down", ..] | ["--", "+goose", "down", ..] | ["--", "down", "migration", ..] => Some(false),
        _ => None,
    }
}

fn blank_all_but(text: &str, kept: &[Range<usize>]) -> String {
    let mut out = String::with_capacity(text.len());
    for (i, c) in text.char_indices() {
        if c == '\n' || c == '\r' || kept.iter().any(|it| it.contains(&i)) {
            out.push(c);
        } else {
            // As many bytes as the character had.
            out.extend(std::iter::repeat_n(' ', c.len_utf8()));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_way_up_stays_and_offsets_with_it() {
        let text: Arc<str> = "-- migrate:up transaction:false\nSELECT 1;\n-- migrate:down\nDROP TABLE é;\n".into();
        let up = up_part(&text);
        assert_eq!(up.len(), text.len());
        assert_eq!(up.trim(), "SELECT 1;");
        assert_eq!(up.find("SELECT"), text.find("SELECT"));
        let down = down_part(&text).unwrap_or_default();
        assert_eq!((down.len(), down.trim()), (text.len(), "DROP TABLE é;"));
        assert_eq!(down_part(&"-- migrate:up\nSELECT 1;\n".into()), None);
    }

    #[test]
    fn goose_markers_stay_comments() {
        let text: Arc<str> =
            "-- +goose Up\n-- +goose StatementBegin\nDO $$ BEGIN END $$;\n-- +goose StatementEnd\n-- +goose Down\nDROP TABLE t;".into();
        assert!(up_part(&text).contains("DO $$"));
        assert!(!up_part(&text).contains("DROP"));
    }

    #[test]
    fn a_file_without_markers_is_as_it_was() {
        let text: Arc<str> = "-- going up\nSELECT 1;".into();
        assert_eq!(up_part(&text), text);
        assert_eq!(split(&text), None);
    }
}
