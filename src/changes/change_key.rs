//! The type of a key and of the columns that point at it.

use super::{
    Builder, Kind, Outline,
    dual::{Twin, swap},
    link,
    pairs::Pairs,
};
use crate::{page::page, sql::ObjectRef};

page! {
    /// # Change the type of a key that other tables point at
    ///
    /// An `int` key that runs out of numbers is the usual case. Key and pointing columns each get a hidden copy in the new
    /// type that follows every write; old rows are filled in batches; unique indexes and foreign keys are built between the
    /// copies, beside running writes; and one short transaction, that locks all the tables before it does anything, exchanges
    /// the names. Serials and identities go on counting where they stood. The old copies follow until Contract, so there
    /// is a way back until the first number that only the new type can hold. Pointing columns may keep their type.
    ///
    /// ```sql before
    /// CREATE TABLE orders (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parent_id integer REFERENCES orders (id), note text);
    /// CREATE TABLE order_lines (
    ///   order_id integer NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ///   line_no smallint NOT NULL,
    ///   quantity integer,
    ///   PRIMARY KEY (order_id, line_no)
    /// );
    /// CREATE TABLE order_notes (id serial PRIMARY KEY, order_id integer REFERENCES orders (id), body text);
    /// CREATE INDEX order_notes_order_id_idx ON order_notes (order_id);
    /// ```
    /// ```sql after
    /// CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parent_id bigint REFERENCES orders (id), note text);
    /// CREATE TABLE order_lines (
    ///   order_id bigint NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ///   line_no smallint NOT NULL,
    ///   quantity integer,
    ///   PRIMARY KEY (order_id, line_no)
    /// );
    /// CREATE TABLE order_notes (id bigserial PRIMARY KEY, order_id integer REFERENCES orders (id), body text);
    /// CREATE INDEX order_notes_order_id_idx ON order_notes (order_id);
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeKey {
    /// The key first; at least one.
    twins: Vec<Twin>,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<ChangeKey> {
    let sets = pairs.sets.iter().filter(|it| link::is_pointed(pairs, it));
    sets.map(|it| ChangeKey { twins: link::twins(pairs, it) }).filter(|it| !it.twins.is_empty()).collect()
}

impl Kind for ChangeKey {
    fn kind(&self) -> &'static str {
        "change_key"
    }

    fn object(&self) -> ObjectRef {
        let first = self.twins.first();
        first.map_or(ObjectRef::Table(Default::default()), |it| {
            ObjectRef::Column(it.table().clone(), it.after.name.clone())
        })
    }

    fn describe(&self) -> String {
        let name = |it: &Twin| format!("{}.{}", it.table(), it.after.name);
        let types =
            self.twins.first().map(|it| format!(" from {} to {}", it.before.ty, it.after.ty)).unwrap_or_default();
        let names: Vec<String> = self.twins.iter().map(name).collect();
        match names.as_slice() {
            [one] => format!("change the key {one}{types}"),
            [first, rest @ ..] => format!("change the key {first}{types}, and with it {}", rest.join(", ")),
            [] => String::new(),
        }
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        swap::outline(b, acc, &self.twins);
    }
}
