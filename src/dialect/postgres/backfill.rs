//! Keyset backfills as one DO block that commits each batch.
use crate::plan::Backfill;
pub(super) fn statement(_backfill: &Backfill) -> String {
    todo!()
}
