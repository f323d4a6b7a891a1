//! Applying one [`Ddl`] to a [`Catalog`], with the server's side effects.

use super::Catalog;
use crate::sql::Ddl;

/// Why a statement cannot be applied. The message is for people and names the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApplyError {
    /// An object that is not there (yet): [`super::desired`] tries again later.
    Missing(String),
    /// The server would refuse, whatever else is applied.
    Refused(String),
}

impl Catalog {
    /// Applies one change. On an error the catalog is as before.
    pub fn apply(&mut self, _ddl: &Ddl) -> Result<(), ApplyError> {
        todo!()
    }
}
