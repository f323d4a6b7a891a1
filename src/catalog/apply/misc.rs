//! Schemas, extensions, statistics, comments, privileges, owners, text we keep; and the bookkeeping that drops
//! and renames share.

use std::sync::Arc;

use smol_str::SmolStr;

use super::{Applied, exists_already};
use crate::{
    catalog::{
        Catalog, Map,
        naming::addition,
        resolve::{missing, refused},
    },
    sql::*,
};

impl Catalog {
    pub(super) fn create_schema(&mut self, name: &Ident, if_not_exists: bool) -> Applied {
        if !self.schemas.insert(name.clone()) {
            return exists_already("schema", name, if_not_exists);
        }
        Ok(())
    }

    pub(super) fn create_extension(&mut self, extension: &Extension, if_not_exists: bool) -> Applied {
        if self.extensions.contains_key(&extension.name) {
            return exists_already("extension", &extension.name, if_not_exists);
        }
        if let Some(schema) =
            extension.schema.as_ref().filter(|it| !self.schemas.contains(*it) && it.as_str() != "pg_catalog")
        {
            return Err(missing("schema", schema));
        }
        self.extensions.insert(extension.name.clone(), extension.clone());
        Ok(())
    }

    pub(super) fn alter_extension(&mut self, name: &Ident, action: &ExtensionAction) -> Applied {
        if let ExtensionAction::SetSchema(schema) = action
            && !self.schemas.contains(schema)
        {
            return Err(missing("schema", schema));
        }
        let extension = self.extensions.get_mut(name).ok_or_else(|| missing("extension", name))?;
        match action {
            ExtensionAction::Update(version) => extension.version = version.clone(),
            ExtensionAction::SetSchema(schema) => extension.schema = Some(schema.clone()),
            ExtensionAction::Member(_) => {}
        }
        Ok(())
    }

    pub(super) fn drop_extension(&mut self, name: &Ident, if_exists: bool) -> Applied {
        if self.extensions.remove(name).is_none() && !if_exists {
            return Err(missing("extension", name));
        }
        self.forget(|it| matches!(it, ObjectRef::Extension(it) if it == name));
        Ok(())
    }

    pub(super) fn create_statistics(&mut self, written: &Statistics, if_not_exists: bool) -> Applied {
        let Ok(table) = self.find_table(&written.table) else {
            let known = !self.is_unknown(&written.table);
            return if known { Err(missing("table", &written.table)) } else { Ok(()) };
        };
        let name = if written.name.name.as_str().is_empty() {
            self.statistics_name(&table, &written.keys)
        } else {
            self.place(&written.name, Persistence::Permanent)?
        };
        if self.statistics.contains_key(&name) {
            return exists_already("statistics object", &name, if_not_exists);
        }
        let mut statistics = Statistics { name: name.clone(), table, ..written.clone() };
        statistics.kinds.sort();
        // The server keeps them in the order of the table's columns, expressions last.
        statistics.keys.sort_by(|a, b| match (a, b) {
            (KeyExpr::Column(a), KeyExpr::Column(b)) => a.cmp(b),
            (KeyExpr::Expr(a), KeyExpr::Expr(b)) => a.canon().cmp(b.canon()),
            (a, _) => a.as_column().is_none().cmp(&a.as_column().is_some()),
        });
        // All kinds are the same as none named.
        if statistics.kinds.len() >= 3 {
            statistics.kinds.clear();
        }
        self.statistics.insert(name, Arc::new(statistics));
        Ok(())
    }

    /// `ChooseExtendedStatisticName`: table, columns (an expression is `expr`), `stat`.
    pub(super) fn statistics_name(&self, table: &Name, keys: &[KeyExpr]) -> Name {
        let addition = addition(keys.iter().map(|it| it.as_column().map_or("expr", Ident::as_str)));
        let taken: Vec<Ident> = self.statistics.keys().map(|it| it.name.clone()).collect();
        table.sibling(self.choose_relation_name(table, Some(&addition), "stat", false, &taken))
    }

    pub(super) fn set_statistics_target(&mut self, name: &Name, target: i32) -> Applied {
        let found =
            self.resolve(name, |it| self.statistics.contains_key(it)).ok_or_else(|| missing("statistics", name))?;
        if let Some(it) = self.statistics.get_mut(&found) {
            Arc::make_mut(it).target = (target >= 0).then_some(target);
        }
        Ok(())
    }

    pub(super) fn drop_statistics(&mut self, name: &Name, if_exists: bool) -> Applied {
        let Some(found) = self.resolve(name, |it| self.statistics.contains_key(it)) else {
            return if if_exists { Ok(()) } else { Err(missing("statistics", name)) };
        };
        self.statistics.remove(&found);
        self.forget(|it| matches!(it, ObjectRef::Statistics(it) if *it == found));
        Ok(())
    }

    pub(super) fn comment(&mut self, object: &ObjectRef, text: Option<&SmolStr>) -> Applied {
        let object = match self.resolve_object(object) {
            Ok(object) => object,
            Err(_) if object.relation().is_some_and(|it| self.is_unknown(it)) => return Ok(()),
            Err(error) => return Err(error),
        };
        match text.filter(|it| !it.is_empty()) {
            Some(text) => self.comments.insert(object, text.clone()),
            None => self.comments.remove(&object),
        };
        Ok(())
    }

    pub(super) fn grant(&mut self, ddl: &Ddl) -> Applied {
        let (privileges, objects, grantees) = match ddl {
            Ddl::Grant { privileges, objects, grantees, .. } => (privileges, objects, grantees),
            Ddl::Revoke { privileges, objects, grantees, .. } => (privileges, objects, grantees),
            _ => return Ok(()),
        };
        let mut resolved = Vec::new();
        for written in objects {
            match self.expand_object(written) {
                Ok(objects) => resolved.extend(objects),
                Err(_) if written.relation().is_some_and(|it| self.is_unknown(it)) => {}
                Err(error) => return Err(error),
            }
        }
        for object in resolved {
            for privilege in expand_privileges(privileges, &object) {
                for grantee in grantees {
                    self.change_privilege(ddl, &object, grantee, &privilege);
                }
            }
        }
        Ok(())
    }

    /// `ALL TABLES IN SCHEMA s` stands for what is in there now.
    fn expand_object(&self, object: &ObjectRef) -> Result<Vec<ObjectRef>, super::ApplyError> {
        let ObjectRef::Other(kind, name) = object else { return Ok(vec![self.resolve_object(object)?]) };
        let Some(what) = kind.strip_prefix("ALL ").and_then(|it| it.strip_suffix(" IN SCHEMA")) else {
            return Ok(vec![self.resolve_object(object)?]);
        };
        if !self.schemas.contains(&name.name) {
            return Err(missing("schema", &name.name));
        }
        let inside = |it: &&Name| it.schema.as_ref() == Some(&name.name);
        Ok(match what {
            "TABLES" => {
                let tables = self.tables.keys().filter(inside).cloned().map(ObjectRef::Table);
                tables.chain(self.views.keys().filter(inside).cloned().map(ObjectRef::View)).collect()
            }
            "SEQUENCES" => self.sequences.keys().filter(inside).cloned().map(ObjectRef::Sequence).collect(),
            _ => self.functions.values().filter(|it| inside(&&it.name)).map(|it| it.object()).collect(),
        })
    }

    fn change_privilege(&mut self, ddl: &Ddl, object: &ObjectRef, grantee: &Ident, privilege: &SmolStr) {
        let entry = |grantable| Privilege {
            object: object.clone(),
            grantee: grantee.clone(),
            privilege: privilege.clone(),
            grantable,
        };
        // PUBLIC may execute functions, use types and look into schema public from the start (manual 5.7, 5.9.6).
        let by_default = grantee.as_str() == "public"
            && match object {
                ObjectRef::Function(..) | ObjectRef::Type(_) => true,
                ObjectRef::Schema(schema) => schema.as_str() == "public" && privilege == "USAGE",
                _ => false,
            };
        match ddl {
            Ddl::Grant { grantable, .. } => {
                if by_default {
                    self.revoked.remove(&entry(false));
                    return;
                }
                let grantable = *grantable || self.privileges.contains(&entry(true));
                self.privileges.remove(&entry(!grantable));
                self.privileges.insert(entry(grantable));
            }
            Ddl::Revoke { option_only: true, .. } => {
                if self.privileges.remove(&entry(true)) {
                    self.privileges.insert(entry(false));
                }
            }
            _ => {
                self.privileges.remove(&entry(true));
                self.privileges.remove(&entry(false));
                if by_default {
                    self.revoked.insert(entry(false));
                }
            }
        }
    }

    pub(super) fn set_owner(&mut self, object: &ObjectRef, owner: &Ident) -> Applied {
        let resolved = match self.resolve_object(object) {
            Ok(resolved) => resolved,
            Err(_) if object.relation().is_some_and(|it| self.is_unknown(it)) => return Ok(()),
            Err(error) => return Err(error),
        };
        let owner = Some(owner.clone());
        match &resolved {
            ObjectRef::Table(it) => {
                if let Some(it) = self.tables.get_mut(it) {
                    Arc::make_mut(it).owner = owner;
                }
            }
            ObjectRef::View(it) => {
                if let Some(it) = self.views.get_mut(it) {
                    Arc::make_mut(it).owner = owner;
                }
            }
            ObjectRef::Sequence(it) => {
                if let Some(it) = self.sequences.get_mut(it) {
                    Arc::make_mut(it).owner = owner;
                }
            }
            ObjectRef::Type(it) => {
                if let Some(it) = self.types.get_mut(it) {
                    Arc::make_mut(it).owner = owner;
                }
            }
            ObjectRef::Function(name, args) => {
                if let Some(it) = self.functions.get_mut(&(name.clone(), args.clone())) {
                    Arc::make_mut(it).owner = owner;
                }
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn keep_opaque(&mut self, written: &Opaque) -> Applied {
        // What belongs to the cluster is no part of a database's schema.
        let of_cluster = ["DATABASE", "TABLESPACE", "ROLE", "USER", "GROUP", "SYSTEM"];
        if written.kind.split_whitespace().nth(1).is_some_and(|it| of_cluster.contains(&it)) {
            return Ok(());
        }
        let mut kept = written.clone();
        if let Some(object) = &written.object {
            kept.object = Some(self.resolve_object(object).unwrap_or_else(|_| self.placed(object)));
        }
        kept.touches = written.touches.iter().map(|it| self.find_relation(it).unwrap_or_else(|| it.clone())).collect();
        let changes_tables = kept.kind.starts_with("ALTER TABLE") || kept.kind.starts_with("ALTER FOREIGN TABLE");
        if changes_tables {
            let known: Vec<Name> = kept.touches.iter().filter(|it| self.tables.contains_key(*it)).cloned().collect();
            for table in known {
                self.unknown.insert(table, format!("{}: {}", kept.kind, kept.why).into());
            }
        }
        let again = |it: &Arc<Opaque>| it.object.is_some() && it.object == kept.object && it.kind == kept.kind;
        match self.opaque.iter().position(again).and_then(|at| Arc::make_mut(&mut self.opaque).get_mut(at)) {
            Some(old) => *old = Arc::new(kept),
            None => Arc::make_mut(&mut self.opaque).push(Arc::new(kept)),
        }
        Ok(())
    }

    /// The object under the name it would be created with.
    fn placed(&self, object: &ObjectRef) -> ObjectRef {
        let place = |it: &Name| self.place(it, Persistence::Permanent).unwrap_or_else(|_| it.clone());
        match object {
            ObjectRef::Table(it) => ObjectRef::Table(place(it)),
            ObjectRef::View(it) => ObjectRef::View(place(it)),
            ObjectRef::Type(it) => ObjectRef::Type(place(it)),
            ObjectRef::Function(it, args) => ObjectRef::Function(place(it), args.clone()),
            other => other.clone(),
        }
    }

    pub(super) fn drop_opaque(&mut self, object: &ObjectRef) -> Applied {
        let placed = self.resolve_object(object).unwrap_or_else(|_| self.placed(object));
        self.retain_opaque(|it| it.object.as_ref().is_none_or(|it| it != object && *it != placed));
        self.forget(|it| *it == placed);
        Ok(())
    }

    /// A DO block is code: the tables that its DDL names are unknown from here on, and so is what it creates.
    /// Where it puts statements together as text, every table it names may be meant.
    pub(super) fn suspect(&mut self, body: &str) -> Applied {
        let literals = tokens::tokens(body).into_iter().filter(|it| it.kind == tokens::TokenKind::Literal);
        let inner = literals.map(|it| it.text(body).trim_matches('\'').replace("''", "'"));
        let texts: Vec<String> = std::iter::once(body.to_owned()).chain(inner).collect();
        let words = tokens::tokens(body);
        let composes = words.windows(2).any(
            |it| matches!(it, [a, b] if a.is(body, "execute") && !b.is(body, "function") && !b.is(body, "procedure")),
        );
        let verbs = ["alter", "create", "drop", "rename"];
        let has_ddl = |text: &String| tokens::tokens(text).iter().any(|it| verbs.iter().any(|verb| it.is(text, verb)));
        if !texts.iter().any(has_ddl) {
            return Ok(());
        }
        for text in &texts {
            let named = tokens::paths(text).iter().map(tokens::Path::name).filter(|_| composes).collect::<Vec<_>>();
            for name in touched_in(text).into_iter().chain(named) {
                if let Ok(table) = self.find_table(&name) {
                    let why = "a DO block may change it: its code is not modelled";
                    self.unknown.get_or_insert_with(table, || why.into());
                }
            }
            for name in created_in(text) {
                if let Ok(name) = self.place(&name, Persistence::Permanent)
                    && !self.relation_exists(&name)
                    && !self.types.contains_key(&name)
                {
                    let why = || "a DO block may create it: its code is not modelled".into();
                    self.unknown.get_or_insert_with(name, why);
                }
            }
        }
        Ok(())
    }

    /// Most drops take no text along, and leave all of it alone.
    pub(super) fn retain_opaque(&mut self, keep: impl Fn(&Arc<Opaque>) -> bool) {
        if !self.opaque.iter().all(&keep) {
            Arc::make_mut(&mut self.opaque).retain(keep);
        }
    }

    /// Everything that is kept by object goes with the objects.
    pub(super) fn forget(&mut self, gone: impl Fn(&ObjectRef) -> bool) {
        self.comments.retain(|it, _| !gone(it));
        self.privileges.retain(|it| !gone(&it.object));
        self.revoked.retain(|it| !gone(&it.object));
        self.origins.retain(|it, _| !gone(it));
        self.annotations.retain(|it, _| !gone(it));
    }

    /// Everything that is kept by object follows a new name.
    pub(super) fn rekey(&mut self, to: impl Fn(&ObjectRef) -> Option<ObjectRef>) {
        move_keys(&mut self.comments, &to);
        move_keys(&mut self.origins, &to);
        move_keys(&mut self.annotations, &to);
        for set in [&mut self.privileges, &mut self.revoked] {
            let moved: Vec<(Privilege, ObjectRef)> =
                set.iter().filter_map(|it| Some((it.clone(), to(&it.object)?))).collect();
            for (old, object) in moved {
                set.remove(&old);
                set.insert(Privilege { object, ..old });
            }
        }
    }

    /// Triggers, policies and statistics of a relation that goes.
    /// Statistics objects that go with what they are about, their comments with them.
    pub(super) fn remove_statistics(&mut self, goes: impl Fn(&Statistics) -> bool) {
        let gone: Vec<Name> = self.statistics.values().filter(|it| goes(it)).map(|it| it.name.clone()).collect();
        gone.iter().for_each(|it| _ = self.statistics.remove(it));
        self.forget(|it| matches!(it, ObjectRef::Statistics(it) if gone.contains(it)));
    }

    pub(super) fn remove_attached(&mut self, relation: &Name) {
        self.triggers.retain(|(it, _), _| it != relation);
        self.policies.retain(|(it, _), _| it != relation);
        self.remove_statistics(|it| it.table == *relation);
        self.unknown.remove(relation);
        // Rules and the like, kept as text.
        let of_it =
            |it: &ObjectRef| !matches!(it, ObjectRef::Table(_) | ObjectRef::View(_)) && it.relation() == Some(relation);
        self.retain_opaque(|it| !it.object.as_ref().is_some_and(of_it));
    }

    /// Drops an object that something else took along (CASCADE).
    pub(super) fn drop_object(&mut self, object: &ObjectRef) -> Applied {
        match object {
            ObjectRef::Table(it) => return self.drop_table(it, true, true),
            ObjectRef::Column(table, it) => return self.drop_column(table, it, true, true),
            ObjectRef::Constraint(table, it) => return self.drop_constraint(table, it, true, true),
            ObjectRef::Index(it) => self.remove_index(it),
            ObjectRef::Sequence(it) => return self.drop_sequence(it, true, true),
            ObjectRef::Type(it) => return self.drop_type(it, true, true),
            ObjectRef::View(it) => return self.drop_view(it, true, true),
            ObjectRef::Function(it, args) => return self.drop_function(it, Some(args), true, true),
            ObjectRef::Trigger(table, it) => {
                self.triggers.remove(&(table.clone(), it.clone()));
            }
            ObjectRef::Policy(table, it) => {
                self.policies.remove(&(table.clone(), it.clone()));
            }
            ObjectRef::Statistics(it) => {
                self.statistics.remove(it);
            }
            ObjectRef::Extension(it) => return self.drop_extension(it, true),
            _ => return Err(refused(format!("cannot drop {object}: it is kept as text"))),
        }
        self.forget(|it| it == object);
        Ok(())
    }
}

fn move_keys<V: Clone>(map: &mut Map<ObjectRef, V>, to: &impl Fn(&ObjectRef) -> Option<ObjectRef>) {
    let moved: Vec<(ObjectRef, ObjectRef)> = map.keys().filter_map(|it| Some((it.clone(), to(it)?))).collect();
    for (old, new) in moved {
        if let Some(value) = map.remove(&old) {
            map.insert(new, value);
        }
    }
}

/// `ALL` in full, per kind of object (manual 5.7, table 5.2). MAINTAIN (17) is taken for a part of ALL.
fn expand_privileges(privileges: &[SmolStr], object: &ObjectRef) -> Vec<SmolStr> {
    let all: &[&str] = match object {
        ObjectRef::Table(_) | ObjectRef::View(_) => {
            &["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]
        }
        ObjectRef::Column(..) => &["SELECT", "INSERT", "UPDATE", "REFERENCES"],
        ObjectRef::Sequence(_) => &["SELECT", "UPDATE", "USAGE"],
        ObjectRef::Schema(_) => &["CREATE", "USAGE"],
        ObjectRef::Function(..) => &["EXECUTE"],
        ObjectRef::Type(_) => &["USAGE"],
        _ => &[],
    };
    let is_all = |it: &SmolStr| it == "ALL" || it == "ALL PRIVILEGES";
    if privileges.iter().any(is_all) && !all.is_empty() {
        return all.iter().map(SmolStr::new).collect();
    }
    // A list that says all the rest of it, as a server from 17 on lists what ALL has given.
    let listed = ["TRUNCATE", "REFERENCES", "TRIGGER"].iter().all(|it| privileges.iter().any(|own| own == it));
    privileges.iter().filter(|it| !(listed && *it == "MAINTAIN")).cloned().collect()
}

/// Tables that DDL in code names: behind `ALTER TABLE` and `DROP TABLE`, and behind the ON of an index, trigger,
/// policy or rule.
fn touched_in(text: &str) -> Vec<Name> {
    let tokens = tokens::tokens(text);
    let paths = tokens::paths_in(text, &tokens);
    let is = |at: usize, words: &[&str]| tokens.get(at).is_some_and(|it| words.iter().any(|word| it.is(text, word)));
    let mut res = Vec::new();
    for start in (0..tokens.len()).filter(|at| is(*at, &["alter", "create", "drop"])) {
        let end = (start..tokens.len()).find(|at| is(*at, &[";"])).unwrap_or(tokens.len());
        let noise = ["table", "if", "exists", "only", "not", "foreign"];
        let whole = is(start + 1, &["table", "foreign"]);
        let at = if whole {
            (start + 1..end).find(|at| !is(*at, &noise))
        } else {
            let on = (start..end).find(|at| is(*at, &["on"]));
            on.map(|at| if is(at + 1, &["only"]) { at + 2 } else { at + 1 })
        };
        let named = paths.iter().find(|it| Some(it.token) == at && it.token < end);
        res.extend(named.map(tokens::Path::name));
    }
    res
}

/// Names that follow `CREATE TABLE`, `CREATE TYPE` and the like in code.
fn created_in(text: &str) -> Vec<Name> {
    let tokens = tokens::tokens(text);
    let paths = tokens::paths_in(text, &tokens);
    let mut res = Vec::new();
    for (i, _) in tokens.iter().enumerate().filter(|(_, it)| it.is(text, "create")) {
        let kinds = ["table", "type", "domain", "view", "sequence", "function", "procedure", "index"];
        let noise = [
            "or",
            "replace",
            "unique",
            "materialized",
            "temp",
            "temporary",
            "unlogged",
            "if",
            "not",
            "exists",
            "concurrently",
        ];
        let mut at = i + 1;
        let mut kind = false;
        while let Some(token) = tokens.get(at) {
            let is = |words: &[&str]| words.iter().any(|word| token.is(text, word));
            if is(&kinds) && !kind {
                kind = true;
            } else if !is(&noise) {
                break;
            }
            at += 1;
        }
        let named = paths.iter().find(|it| it.token == at).filter(|_| kind);
        res.extend(named.map(tokens::Path::name));
    }
    res
}
