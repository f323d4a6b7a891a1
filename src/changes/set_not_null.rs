//! NOT NULL that is new.

use super::{Builder, Kind, Outline, build, intent, pairs::Pairs};
use crate::{
    page::page,
    plan::{PhaseKind::*, Question},
    sql::{Column, Name, ObjectRef},
};

page! {
    /// # Make a column NOT NULL
    ///
    /// `SET NOT NULL` reads the whole table while nobody else may; a validated CHECK spares that reading, and PostgreSQL 18
    /// has a NOT NULL constraint that can be validated later. Old rows are filled first: even a NOT VALID check refuses
    /// updates of rows that break it.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, email text);
    /// ```
    /// ```sql after
    /// CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);
    /// ```
    /// ```plan
    /// Question: which value do old rows get whose users.email is empty? (none: there are none, or you fill them)
    ///   fill:users.email: none | value:… (assumed none)
    /// Gate: every writer sets users.email
    /// Enforce: make users.email not null
    ///   before: no row has users.email empty = 0
    ///   ALTER TABLE users ADD CONSTRAINT mc_nn_users_email CHECK (email IS NOT NULL) NOT VALID
    ///     lock: AccessExclusive on users, brief
    ///   ALTER TABLE users VALIDATE CONSTRAINT mc_nn_users_email
    ///     lock: ShareUpdateExclusive on users, reads every row
    ///   ALTER TABLE users ALTER COLUMN email SET NOT NULL
    ///     lock: AccessExclusive on users, brief
    ///   ALTER TABLE users DROP CONSTRAINT mc_nn_users_email
    ///     with the step above
    ///     lock: AccessExclusive on users, brief
    ///   after: users.email is NOT NULL = t
    ///   undo: ALTER TABLE users ALTER COLUMN email DROP NOT NULL
    ///   undo: ALTER TABLE users DROP CONSTRAINT IF EXISTS mc_nn_users_email
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetNotNull {
    table: Name,
    column: Column,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<SetNotNull> {
    let tightened = pairs.single_columns().filter(|(_, it)| !it.before.not_null && it.after.not_null);
    let own = tightened.filter(|(pair, it)| !pair.inherited(&it.after.name, pairs));
    // A new primary key brings its own, an identity too.
    let alone = own.filter(|(pair, it)| {
        let keyed = |it: &crate::sql::Table, name| {
            it.primary_key().is_some_and(|key| super::rebuilt::constraint_mentions(key, name))
        };
        let new_key = keyed(&pair.after, &it.after.name) && pair.after.primary_key() != pair.before.primary_key();
        !new_key && (it.after.identity.is_none() || it.before.identity.is_some())
    });
    alone.map(|(pair, it)| SetNotNull { table: pair.after.name.clone(), column: it.after.clone() }).collect()
}

impl SetNotNull {
    /// Which value do empty rows get? Annotated, answered, or the column's own default.
    fn fill(&self, b: &Builder<'_>) -> Question {
        let about = format!(
            "which value do old rows get whose {}.{} is empty? (none: there are none, or you fill them)",
            self.table, self.column.name
        );
        let default = self.column.default.as_ref().map(|it| it.text().to_owned());
        intent::fill_question(b, &self.table, &self.column.name, about, default)
    }
}

impl Kind for SetNotNull {
    fn kind(&self) -> &'static str {
        "set_not_null"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Column(self.table.clone(), self.column.name.clone())
    }

    fn describe(&self) -> String {
        format!("make {}.{} not null", self.table, self.column.name)
    }

    fn questions(&self, b: &Builder<'_>) -> Vec<Question> {
        vec![self.fill(b)]
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        let (table, column) = (&self.table, &self.column.name);
        acc.gate(Enforce, format!("every writer sets {table}.{column}"));
        if let Some(value) = intent::fill_value(&self.fill(b)) {
            let pending = format!("t.{} IS NULL", b.dialect().quote(column));
            let backfill = b.backfill(table, vec![(column.clone(), value)], pending);
            acc.backfill(b.dialect(), backfill, "rows that have no value yet");
        }
        build::enforce_not_null(b, acc, Enforce, table, column);
    }
}
