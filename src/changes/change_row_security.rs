//! Row security, on and off.

use super::{Builder, Kind, Outline, pairs::Pairs};
use crate::{
    page::page,
    plan::PhaseKind::*,
    sql::{Ddl, Name, ObjectRef, RowSecurity, RowSecurityChange, Severity},
};

page! {
    /// # Switch row security on or off
    ///
    /// On without a policy means that nobody but the owner sees a row; so policies come first, and the application must set what they
    /// ask for before. Off shows every row to everybody who may read the table.
    ///
    /// ```sql before
    /// CREATE TABLE notes (id bigint PRIMARY KEY, tenant text);
    /// CREATE POLICY own ON notes USING (tenant = current_setting('app.tenant', true));
    /// ```
    /// ```sql after
    /// CREATE TABLE notes (id bigint PRIMARY KEY, tenant text);
    /// CREATE POLICY own ON notes USING (tenant = current_setting('app.tenant', true));
    /// ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
    /// ```
    /// ```plan
    /// Gate: every instance sets what the policies of notes ask for
    /// Enforce: switch row security of notes on
    ///   ALTER TABLE notes ENABLE ROW LEVEL SECURITY
    ///     lock: AccessExclusive on notes, brief
    ///   undo: ALTER TABLE notes DISABLE ROW LEVEL SECURITY
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRowSecurity {
    table: Name,
    before: RowSecurity,
    after: RowSecurity,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<ChangeRowSecurity> {
    let changed = pairs.tables.iter().filter(|it| it.before.row_security != it.after.row_security);
    let old = changed.map(|it| ChangeRowSecurity {
        table: it.after.name.clone(),
        before: it.before.row_security,
        after: it.after.row_security,
    });
    let new = pairs
        .input
        .after
        .tables
        .values()
        .filter(|it| !pairs.base.tables.contains_key(&it.name) && it.row_security != RowSecurity::default());
    old.chain(new.map(|it| ChangeRowSecurity {
        table: it.name.clone(),
        before: RowSecurity::default(),
        after: it.row_security,
    }))
    .collect()
}

impl Kind for ChangeRowSecurity {
    fn kind(&self) -> &'static str {
        "change_row_security"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Table(self.table.clone())
    }

    fn describe(&self) -> String {
        match (self.before.enabled, self.after.enabled) {
            (false, true) => format!("switch row security of {} on", self.table),
            (true, false) => format!("switch row security of {} off", self.table),
            _ => format!("change for whom row security of {} holds", self.table),
        }
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        let set = |change| Ddl::SetRowSecurity { table: self.table.clone(), change };
        let new = b.is_new(&self.table);
        if self.before.enabled != self.after.enabled {
            let (phase, change) = match (self.after.enabled, new) {
                (true, true) => (Expand, RowSecurityChange::Enable),
                (true, false) => (Enforce, RowSecurityChange::Enable),
                (false, _) => (Contract, RowSecurityChange::Disable),
            };
            if phase == Enforce {
                acc.gate(Enforce, format!("every instance sets what the policies of {} ask for", self.table));
                if !b.after().policies.keys().any(|(table, _)| *table == self.table) {
                    let message =
                        format!("row security on {} without a policy: nobody but its owner sees a row", self.table);
                    acc.hazard("row-security-without-policy", Severity::Warning, message);
                }
            }
            acc.step(phase, set(change), "only the catalog changes");
        }
        if self.before.forced != self.after.forced {
            let change = if self.after.forced { RowSecurityChange::Force } else { RowSecurityChange::NoForce };
            acc.step(if new { Expand } else { Enforce }, set(change), "holds for the owner too, or no longer");
        }
    }
}
