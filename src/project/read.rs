//! Reading a file as text, with errors that name file, line and cause.

use std::{fs, path::Path, sync::Arc};

use anyhow::{Context, Result, bail};

use super::Overlay;

/// Larger files are refused: no schema is that long, and a database dump with rows is not what was meant.
const MAX_BYTES: u64 = 256 << 20;

/// The text of a file, or of the buffer that stands in for it.
pub(super) fn read(path: &Path, overlays: &Overlay) -> Result<Arc<str>> {
    if let Some(text) = overlays.get(path) {
        return Ok(text.clone());
    }
    let metadata = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    if metadata.is_dir() {
        bail!("cannot read {}: it is a folder", path.display());
    }
    if metadata.len() > MAX_BYTES {
        bail!("{} is larger than {} MB: a schema without rows is wanted", path.display(), MAX_BYTES >> 20);
    }
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    decode(bytes, &path.display().to_string())
}

/// Bytes as text. A byte order mark becomes three spaces, so that offsets stay those of the file.
/// Anything that is not UTF-8 text is an error that names `label` and the line.
pub fn decode(mut bytes: Vec<u8>, label: &str) -> Result<Arc<str>> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        bail!("{label}:1: the file is UTF-16; save it as UTF-8");
    }
    if bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
        bytes[..3].fill(b' ');
    }
    let line_of = |bytes: &[u8], at: usize| 1 + bytes[..at].iter().filter(|it| **it == b'\n').count();
    if let Some(at) = bytes.iter().position(|it| *it == 0) {
        bail!("{label}:{}: not a text file (byte 0x00 at offset {at})", line_of(&bytes, at));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text.into()),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let bytes = error.as_bytes();
            let byte = bytes.get(at).copied().unwrap_or_default();
            let line = line_of(bytes, at);
            bail!("{label}:{line}: not UTF-8 (byte 0x{byte:02X} at offset {at}); save the file as UTF-8")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(bytes: &[u8]) -> String {
        decode(bytes.to_vec(), "a.sql").map_or_else(|it| it.to_string(), |it| format!("read: {it}"))
    }

    #[test]
    fn what_is_not_utf8_text_is_named_with_line_and_offset() {
        assert_eq!(
            error(b"SELECT 1;\n-- caf\xe9\n"),
            "a.sql:2: not UTF-8 (byte 0xE9 at offset 16); save the file as UTF-8"
        );
        assert_eq!(error(b"\x7fELF\0\0"), "a.sql:1: not a text file (byte 0x00 at offset 4)");
        assert_eq!(error(b"\xff\xfeS\0"), "a.sql:1: the file is UTF-16; save it as UTF-8");
    }

    #[test]
    fn a_byte_order_mark_becomes_spaces() {
        assert_eq!(error(b"\xef\xbb\xbfSELECT 1"), "read:    SELECT 1");
    }
}
