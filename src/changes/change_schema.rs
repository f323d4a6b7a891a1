//! Schemas.

use super::{Builder, Kind, Outline, pairs::Pairs};
use crate::{
    page::page,
    plan::PhaseKind::*,
    sql::{Ddl, Ident, ObjectRef},
};

page! {
    /// # Create or drop a schema
    ///
    /// A new schema is nobody's concern. An old one goes in Contract, empty by then: nothing is dropped with CASCADE.
    ///
    /// ```sql before
    /// CREATE TABLE t (id bigint PRIMARY KEY);
    /// ```
    /// ```sql after
    /// CREATE SCHEMA archive;
    /// CREATE TABLE t (id bigint PRIMARY KEY);
    /// ```
    /// ```plan
    /// Expand: create schema archive
    ///   CREATE SCHEMA archive
    ///   undo: DROP SCHEMA archive
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeSchema {
    name: Ident,
    create: bool,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<ChangeSchema> {
    let (base, after) = (&pairs.base.schemas, &pairs.input.after.schemas);
    let created = after.difference(base).map(|name| ChangeSchema { name: name.clone(), create: true });
    let dropped = base.difference(after).map(|name| ChangeSchema { name: name.clone(), create: false });
    created.chain(dropped).collect()
}

impl Kind for ChangeSchema {
    fn kind(&self) -> &'static str {
        if self.create { "create_schema" } else { "drop_schema" }
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Schema(self.name.clone())
    }

    fn describe(&self) -> String {
        format!("{} schema {}", if self.create { "create" } else { "drop" }, self.name)
    }

    fn outline(&self, _b: &Builder<'_>, acc: &mut Outline) {
        if self.create {
            acc.step(
                Expand,
                Ddl::CreateSchema { name: self.name.clone(), if_not_exists: false, owner: None },
                "a new place for objects",
            );
        } else {
            acc.step(
                Contract,
                Ddl::DropSchema { name: self.name.clone(), if_exists: false, cascade: false },
                "it is empty by now",
            );
        }
    }
}
