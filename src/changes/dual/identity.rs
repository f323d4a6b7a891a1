//! An identity moves from one copy of a column to the other; its sequence goes on where it stood.
//!
//! A table may have two identity columns for a moment (manual, CREATE TABLE), so both sequences are there when
//! the position is handed over. An identity's sequence cannot be given to another column (manual, ALTER SEQUENCE:
//! OWNED BY), hence a second one. Renaming the first locks it: a `nextval` from elsewhere waits for the hand-over.

use super::Twin;
use crate::{
    catalog::object_name,
    changes::{
        build::{Builder, grant},
        outline::{Outline, Tx},
    },
    plan::{Action, PhaseKind, Undo, helper_name},
    sql::*,
};

/// From `from` to `to`, two columns of the twin's table.
pub fn hand_over(
    b: &Builder<'_>,
    acc: &mut Outline,
    phase: PhaseKind,
    group: &str,
    twin: &Twin,
    from: &Ident,
    to: &Ident,
) {
    let table = twin.table();
    let drop = || Ddl::DropIdentity { table: table.clone(), column: from.clone(), if_exists: false };
    match (&twin.before.identity, &twin.after.identity) {
        (Some(_), Some(after)) => {
            let Some(now) = b.pairs.base.identity_sequence(table, &twin.before.name) else { return };
            let aside = now.sibling(helper_name("mc_old", &[now.name.as_str()]));
            let implicit = || table.sibling(object_name(table.name.as_str(), Some(twin.after.name.as_str()), "seq"));
            let name = after.options.name.clone().unwrap_or_else(|| match twin.dual.swap {
                true => now.clone(),
                false => implicit(),
            });
            let rename = Ddl::RenameSequence { from: now, to: aside.name.clone() };
            acc.grouped(phase, group, rename, "its successor takes the name; nextval waits until this is committed");
            let options = SequenceOptions { name: Some(name.clone()), ..after.options.clone() };
            let identity = Identity { options, ..after.clone() };
            let add = Ddl::AddIdentity { table: table.clone(), column: to.clone(), identity };
            acc.grouped(phase, group, add, "for the copy that stays");
            let carry = |from: &Name, to: &Name| {
                format!(
                    "SELECT setval({}, last_value, is_called) FROM {}",
                    b.dialect().literal(&b.dialect().quote_name(to)),
                    b.dialect().quote_name(from)
                )
            };
            acc.data(phase, Tx::Group(group.to_owned()), carry(&aside, &name), "numbers go on where they stood")
                .undo(Undo::By(vec![Action::Data(carry(&name, &aside))]));
            for it in b.after().privileges.iter().filter(|it| it.object == ObjectRef::Sequence(name.clone())) {
                acc.grouped(phase, group, grant(it), "as for the sequence before").undo(Undo::Nothing);
            }
            acc.grouped(phase, group, drop(), "its sequence goes with it");
        }
        (Some(_), None) => {
            acc.grouped(phase, group, drop(), "the column has none any more; its sequence goes with it");
        }
        (None, Some(identity)) => {
            let add = Ddl::AddIdentity { table: table.clone(), column: to.clone(), identity: identity.clone() };
            acc.grouped(phase, group, add, "only the catalog changes, and a sequence is made");
            let name = b.dialect().literal(&b.dialect().quote_name(table));
            let carry = format!(
                "SELECT setval(pg_get_serial_sequence({name}, {}), coalesce(max({}), 0) + 1, false) FROM {}",
                b.dialect().literal(to.as_str()),
                b.dialect().quote(to),
                b.dialect().quote_name(table)
            );
            acc.data(phase, Tx::Group(group.to_owned()), carry, "it goes on behind the highest value")
                .undo(Undo::Nothing);
        }
        (None, None) => {}
    }
}
