//! Statements of one transaction, each judged on the catalog that the ones before it leave behind.

use crate::{
    catalog::Catalog,
    changes::{
        build::{grant, revoke},
        recreate,
    },
    dialect::Dialect,
    plan::Action,
    sql::*,
};

pub struct Moves<'a> {
    pub dialect: &'a dyn Dialect,
    /// As things stand after the statements so far.
    pub now: Catalog,
    pub list: Vec<(Action, String)>,
    /// The first statement that the catalog refuses, and why.
    failed: Option<String>,
}

impl<'a> Moves<'a> {
    pub fn from(dialect: &'a dyn Dialect, now: &Catalog) -> Self {
        Self { dialect, now: now.clone(), list: Vec::new(), failed: None }
    }

    pub fn run(&mut self, ddl: Ddl, why: &str) {
        if let Err(error) = self.now.apply(&ddl)
            && self.failed.is_none()
        {
            self.failed = Some(format!("{}: {}", self.dialect.render(&ddl), error.message()));
        }
        self.list.push((Action::Ddl(ddl), why.to_owned()));
    }

    pub fn data(&mut self, sql: String, why: &str) {
        self.list.push((Action::Data(sql), why.to_owned()));
    }

    pub fn done(self) -> Result<(Vec<(Action, String)>, Catalog), String> {
        match self.failed {
            Some(why) => Err(why),
            None => Ok((self.list, self.now)),
        }
    }

    /// The sequence `to` goes on where `from` stood.
    pub fn carry(&mut self, from: &Name, to: &Name) {
        let sql = format!(
            "SELECT setval({}, last_value, is_called) FROM {}",
            self.dialect.literal(&self.dialect.quote_name(to)),
            self.dialect.quote_name(from)
        );
        self.data(sql, "numbers go on where they stood");
    }

    /// Triggers and policies: nothing may fire twice, or guard what nobody asks for.
    pub fn bare(&mut self, table: &Name) {
        let triggers: Vec<Ident> =
            self.now.triggers.keys().filter(|it| it.0 == *table).map(|it| it.1.clone()).collect();
        for name in triggers {
            let drop = Ddl::DropTrigger { table: table.clone(), name, if_exists: false, cascade: false };
            self.run(drop, "it comes back on the table that takes the name");
        }
        let policies: Vec<Ident> =
            self.now.policies.keys().filter(|it| it.0 == *table).map(|it| it.1.clone()).collect();
        for name in policies {
            let drop = Ddl::DropPolicy { table: table.clone(), name, if_exists: false, cascade: false };
            self.run(drop, "it comes back on the table that takes the name");
        }
    }

    /// Row security, privileges and comments, which went along with a rename.
    pub fn strip(&mut self, table: &Name) {
        let security = self.now.table(table).map(|it| it.row_security).unwrap_or_default();
        let off = [(security.forced, RowSecurityChange::NoForce), (security.enabled, RowSecurityChange::Disable)];
        for (_, change) in off.into_iter().filter(|it| it.0) {
            self.run(Ddl::SetRowSecurity { table: table.clone(), change }, "the table above it has it now");
        }
        let privileges: Vec<Privilege> =
            self.now.privileges.iter().filter(|it| it.object.relation() == Some(table)).cloned().collect();
        for it in privileges {
            self.run(revoke(&it), "rights are those of the table above it");
        }
        let indexes: Vec<ObjectRef> =
            self.now.indexes_of(table).filter_map(|it| Some(ObjectRef::Index(it.name.clone()?))).collect();
        let own = |it: &&ObjectRef| it.relation() == Some(table) || indexes.contains(it);
        let comments: Vec<ObjectRef> = self.now.comments.keys().filter(own).cloned().collect();
        for object in comments {
            self.run(Ddl::Comment { object, text: None }, "said of the table above it");
        }
    }

    /// Puts on a table what it has in `wanted` and has not here: policies, row security, triggers, privileges, comments.
    pub fn dress(&mut self, wanted: &Catalog, table: &Name) {
        for it in wanted.policies.values().filter(|it| it.table == *table) {
            self.run(Ddl::CreatePolicy { policy: Box::new((**it).clone()) }, "as before");
        }
        let security = wanted.table(table).map(|it| it.row_security).unwrap_or_default();
        let on = [(security.enabled, RowSecurityChange::Enable), (security.forced, RowSecurityChange::Force)];
        for (_, change) in on.into_iter().filter(|it| it.0) {
            self.run(Ddl::SetRowSecurity { table: table.clone(), change }, "as before");
        }
        let triggers: Vec<Ident> = wanted.triggers.keys().filter(|it| it.0 == *table).map(|it| it.1.clone()).collect();
        for ddl in triggers.iter().flat_map(|it| recreate::trigger(wanted, table, it)) {
            self.run(ddl, "as before; partitions get it by themselves");
        }
        let lost = |it: &&Privilege| it.object.relation() == Some(table) && !self.now.privileges.contains(*it);
        let privileges: Vec<Ddl> = wanted.privileges.iter().filter(lost).map(grant).collect();
        for ddl in privileges {
            self.run(ddl, "as before");
        }
        let indexes: Vec<ObjectRef> =
            wanted.indexes_of(table).filter_map(|it| Some(ObjectRef::Index(it.name.clone()?))).collect();
        let own = |it: &ObjectRef| it.relation() == Some(table) || indexes.contains(it);
        let comments = wanted.comments.iter().filter(|(object, text)| {
            own(object) && self.now.holds(object) && self.now.comments.get(*object) != Some(*text)
        });
        let comments: Vec<Ddl> =
            comments.map(|(object, text)| Ddl::Comment { object: object.clone(), text: Some(text.clone()) }).collect();
        for ddl in comments {
            self.run(ddl, "as before");
        }
    }
}
