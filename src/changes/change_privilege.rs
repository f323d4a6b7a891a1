//! Privileges.

use super::{Builder, Kind, Outline, build, pairs::Pairs};
use crate::{
    page::page,
    plan::PhaseKind::*,
    sql::{ObjectRef, Privilege},
};

page! {
    /// # Grant or revoke a privilege
    ///
    /// A grant belongs to Expand: new code may need it. A revoke belongs to Contract: old code may still use it. No table is locked
    /// (PostgreSQL 18: against being dropped).
    ///
    /// ```sql before
    /// CREATE TABLE notes (id bigint PRIMARY KEY);
    /// ```
    /// ```sql after
    /// CREATE TABLE notes (id bigint PRIMARY KEY);
    /// GRANT SELECT ON notes TO PUBLIC;
    /// ```
    /// ```plan
    /// Expand: grant SELECT on notes to public
    ///   GRANT SELECT ON TABLE notes TO PUBLIC
    ///   undo: REVOKE SELECT ON TABLE notes FROM PUBLIC
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangePrivilege {
    privilege: Privilege,
    grant: bool,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<ChangePrivilege> {
    let (base, after) = (&pairs.base, pairs.input.after);
    let lives = |it: &&Privilege| match &it.object {
        ObjectRef::Table(name) => after.tables.contains_key(name),
        ObjectRef::View(name) => after.views.contains_key(name),
        ObjectRef::Sequence(name) => after.sequences.contains_key(name),
        ObjectRef::Column(table, name) => after.table(table).is_some_and(|it| it.column(name).is_some()),
        ObjectRef::Function(name, args) => after.functions.contains_key(&(name.clone(), args.clone())),
        ObjectRef::Schema(name) => after.schemas.contains(name),
        ObjectRef::Type(name) => after.types.contains_key(name),
        _ => true,
    };
    let granted =
        after.privileges.difference(&base.privileges).chain(base.revoked.difference(&after.revoked).filter(lives));
    let granted = granted.map(|it| ChangePrivilege { privilege: it.clone(), grant: true });
    // A grant without grant option in place of one with it is a revoke of the option; revoking all of it first is the same.
    let revoked =
        base.privileges.difference(&after.privileges).filter(lives).chain(after.revoked.difference(&base.revoked));
    let upgraded =
        |it: &&Privilege| it.grantable || !after.privileges.contains(&Privilege { grantable: true, ..(*it).clone() });
    let revoked = revoked.filter(upgraded).map(|it| ChangePrivilege { privilege: it.clone(), grant: false });
    granted.chain(revoked).collect()
}

impl Kind for ChangePrivilege {
    fn kind(&self) -> &'static str {
        if self.grant { "grant" } else { "revoke" }
    }

    /// There may be many on one object.
    fn id(&self) -> String {
        format!("{}.{}.{}", self.privilege.object, self.privilege.privilege, self.privilege.grantee)
    }

    fn object(&self) -> ObjectRef {
        self.privilege.object.clone()
    }

    fn describe(&self) -> String {
        let it = &self.privilege;
        let (verb, to) = if self.grant { ("grant", "to") } else { ("revoke", "from") };
        format!("{verb} {} on {} {to} {}", it.privilege, it.object, it.grantee)
    }

    fn outline(&self, _b: &Builder<'_>, acc: &mut Outline) {
        if self.grant {
            acc.step(Expand, build::grant(&self.privilege), "new code may need it");
        } else {
            acc.step(Contract, build::revoke(&self.privilege), "no running code needs it any more");
        }
    }
}
