//! Functions, triggers and policies.

use std::sync::Arc;

use super::{Applied, constraints::own, exists_already};
use crate::{
    catalog::{
        Catalog,
        resolve::{missing, refused},
    },
    sql::*,
};

impl Catalog {
    pub(super) fn create_function(&mut self, written: &Function, or_replace: bool) -> Applied {
        let name = self.place(&written.name, Persistence::Permanent)?;
        let mut function = Function { name: name.clone(), ..written.clone() };
        for arg in &mut function.args {
            arg.ty = self.resolve_type(&arg.ty)?;
        }
        let key = (name.clone(), function.input_types());
        match self.functions.get(&key) {
            Some(old) if or_replace => {
                if old.kind != function.kind || old.returns != function.returns {
                    let shown = function.object();
                    return Err(refused(format!(
                        "cannot change the return type or kind of function {shown}: drop it first"
                    )));
                }
                function.owner = old.owner.clone();
            }
            Some(_) => return exists_already("function", function.object(), false),
            None => {}
        }
        self.functions.insert(key, Arc::new(function));
        Ok(())
    }

    pub(super) fn drop_function(
        &mut self,
        name: &Name,
        args: Option<&[DataType]>,
        if_exists: bool,
        cascade: bool,
    ) -> Applied {
        let (found, args) = match self.find_function(name, args) {
            Ok(found) => found,
            Err(super::ApplyError::Missing(_)) if if_exists => return Ok(()),
            Err(_) if self.is_unknown(name) => return Ok(()),
            Err(error) => return Err(error),
        };
        // Of several functions of one name the callers' tokens do not tell which they call.
        let only = self.overloads(&found).count() == 1;
        for user in self.callers(&found).into_iter().filter(|it| only || matches!(it, ObjectRef::Trigger(..))) {
            if !cascade {
                let shown = ObjectRef::Function(found, args);
                return Err(refused(format!("cannot drop function {shown}: {} depends on it", described(&user))));
            }
            self.drop_call(&user, &found)?;
        }
        self.functions.remove(&(found.clone(), args.clone()));
        let object = ObjectRef::Function(found, args);
        self.forget(|it| *it == object);
        Ok(())
    }

    /// With CASCADE a column loses the default that calls the function; everything else goes whole.
    fn drop_call(&mut self, user: &ObjectRef, function: &Name) -> Applied {
        if let ObjectRef::Column(table, column) = user {
            let (_, found) = self.find_column(table, column)?;
            if found.default.as_ref().is_some_and(|it| calls(it.text(), function)) {
                return self.edit_column(table, column, |it| it.default = None);
            }
        }
        self.drop_object(user)
    }

    /// What calls a function of that name: triggers, defaults, checks, generated columns, indexes, views, policies.
    pub fn callers(&self, function: &Name) -> Vec<ObjectRef> {
        let calls = |expr: &Expr| calls(expr.text(), function);
        let mut res = Vec::new();
        let triggers = self.triggers.values().filter(|it| it.function == *function);
        res.extend(triggers.map(|it| ObjectRef::Trigger(it.table.clone(), it.name.clone())));
        for table in self.tables.values() {
            for column in &table.columns {
                let generated = column.generated.as_ref().map(|it| &it.expr);
                if column.default.iter().chain(generated).any(calls) {
                    res.push(ObjectRef::Column(table.name.clone(), column.name.clone()));
                }
            }
            for it in &table.constraints {
                if let (ConstraintKind::Check(expr), Some(name)) = (&it.kind, &it.name)
                    && calls(expr)
                {
                    res.push(ObjectRef::Constraint(table.name.clone(), name.clone()));
                }
            }
        }
        for index in self.indexes.values() {
            let keys = index.keys.iter().filter_map(|it| match &it.expr {
                KeyExpr::Expr(expr) => Some(expr),
                KeyExpr::Column(_) => None,
            });
            if keys.chain(&index.predicate).any(calls) {
                res.extend(index.name.clone().map(ObjectRef::Index));
            }
        }
        let views = self.views.values().filter(|it| it.calls.contains(function));
        res.extend(views.map(|it| ObjectRef::View(it.name.clone())));
        let policies = self.policies.values().filter(|it| it.using.iter().chain(&it.check).any(calls));
        res.extend(policies.map(|it| ObjectRef::Policy(it.table.clone(), it.name.clone())));
        res
    }

    pub(super) fn rename_function(&mut self, name: &Name, args: Option<&[DataType]>, to: &Ident) -> Applied {
        let (found, args) = self.find_function(name, args)?;
        let target = found.sibling(to.clone());
        if self.functions.contains_key(&(target.clone(), args.clone())) {
            return exists_already("function", ObjectRef::Function(target, args), false);
        }
        self.move_function(&found, &args, &target);
        Ok(())
    }

    /// Gives a function another name or schema; triggers and expressions that call it follow.
    pub(super) fn move_function(&mut self, from: &Name, args: &[DataType], to: &Name) {
        let only = self.overloads(from).count() == 1;
        if let Some(mut function) = self.functions.remove(&(from.clone(), args.to_vec())) {
            Arc::make_mut(&mut function).name = to.clone();
            self.functions.insert((to.clone(), args.to_vec()), function);
        }
        if args.is_empty() {
            for trigger in self.triggers.values_mut().filter(|it| it.function == *from) {
                Arc::make_mut(trigger).function = to.clone();
            }
        }
        if only {
            self.rewrite_expressions(&|text| rename_call(text, from, to));
            for view in self.views.values_mut().filter(|it| it.calls.contains(from)) {
                let view = Arc::make_mut(view);
                view.calls.remove(from);
                view.calls.insert(to.clone());
                view.query =
                    Expr::new(rename_call(view.query.text(), from, to), rename_call(view.query.canon(), from, to));
            }
        }
        let (from, to) =
            (ObjectRef::Function(from.clone(), args.to_vec()), ObjectRef::Function(to.clone(), args.to_vec()));
        self.rekey(|it| (*it == from).then(|| to.clone()));
    }

    pub(super) fn create_trigger(&mut self, written: &Trigger, or_replace: bool) -> Applied {
        let Some(table) = self.find_relation(&written.table) else {
            let known = !self.is_unknown(&written.table);
            return if known { Err(missing("relation", &written.table)) } else { Ok(()) };
        };
        let function = self.resolve(&written.function, |it| self.overloads(it).any(|it| it.args.is_empty()));
        let function = match function {
            Some(found) => found,
            // One of the server's own, or an extension's.
            None if is_builtin_trigger_function(&written.function)
                || !self.extensions.is_empty()
                || self.is_unknown(&written.function)
                || self.kept_as_text(&written.function) =>
            {
                written.function.clone()
            }
            None => return Err(missing("function", format!("{}()", written.function))),
        };
        if let Some(owner) = self.tables.get(&table) {
            let columns = written.events.iter().flat_map(|it| match it {
                TriggerEvent::Update(columns) => columns.as_slice(),
                _ => &[],
            });
            if let Some(column) =
                columns.into_iter().find(|it| owner.column(it).is_none() && !self.unknown.contains_key(&table))
            {
                return Err(missing("column", format!("{table}.{column}")));
            }
        }
        let from_table = match &written.from_table {
            Some(from) => Some(self.find_relation(from).ok_or_else(|| missing("relation", from))?),
            None => None,
        };
        let key = (table.clone(), written.name.clone());
        if self.triggers.contains_key(&key) && !or_replace {
            return exists_already("trigger", format!("{} of {table}", written.name), false);
        }
        let trigger = Trigger { table, function, from_table, ..written.clone() };
        self.triggers.insert(key, Arc::new(trigger));
        Ok(())
    }

    pub(super) fn enable_trigger(&mut self, table: &Name, trigger: Option<&Ident>, enabled: TriggerEnabled) -> Applied {
        let table = self.find_relation(table).ok_or_else(|| missing("relation", table))?;
        if let Some(name) = trigger
            && !self.triggers.contains_key(&(table.clone(), name.clone()))
        {
            return Err(missing("trigger", format!("{name} of {table}")));
        }
        let meant = |it: &&mut Arc<Trigger>| it.table == table && trigger.is_none_or(|name| it.name == *name);
        for it in self.triggers.values_mut().filter(meant) {
            Arc::make_mut(it).enabled = enabled;
        }
        Ok(())
    }

    pub(super) fn rename_trigger(&mut self, table: &Name, from: &Ident, to: &Ident) -> Applied {
        let table = self.find_relation(table).ok_or_else(|| missing("relation", table))?;
        if self.triggers.contains_key(&(table.clone(), to.clone())) {
            return exists_already("trigger", format!("{to} of {table}"), false);
        }
        let Some(mut trigger) = self.triggers.remove(&(table.clone(), from.clone())) else {
            return Err(missing("trigger", format!("{from} of {table}")));
        };
        Arc::make_mut(&mut trigger).name = to.clone();
        self.triggers.insert((table.clone(), to.clone()), trigger);
        let (from, to) = (ObjectRef::Trigger(table.clone(), from.clone()), ObjectRef::Trigger(table, to.clone()));
        self.rekey(|it| (*it == from).then(|| to.clone()));
        Ok(())
    }

    pub(super) fn drop_trigger(&mut self, table: &Name, name: &Ident, if_exists: bool) -> Applied {
        let Some(found) = self.find_relation(table) else {
            let fine = if_exists || self.is_unknown(table);
            return if fine { Ok(()) } else { Err(missing("relation", table)) };
        };
        if !self.triggers.contains_key(&(found.clone(), name.clone())) {
            let fine = if_exists || self.unknown.contains_key(&found);
            return if fine { Ok(()) } else { Err(missing("trigger", format!("{name} of {found}"))) };
        }
        self.drop_object(&ObjectRef::Trigger(found, name.clone()))
    }

    pub(super) fn create_policy(&mut self, written: &Policy) -> Applied {
        let Ok(table) = self.find_table(&written.table) else {
            let known = !self.is_unknown(&written.table);
            return if known { Err(missing("table", &written.table)) } else { Ok(()) };
        };
        let key = (table.clone(), written.name.clone());
        if self.policies.contains_key(&key) {
            return exists_already("policy", format!("{} of {table}", written.name), false);
        }
        let mut policy = Policy { table, ..written.clone() };
        policy.using = policy.using.as_ref().map(|it| own(it, &policy.table));
        policy.check = policy.check.as_ref().map(|it| own(it, &policy.table));
        if policy.roles.is_empty() {
            policy.roles.push("public".into());
        }
        policy.roles.sort();
        self.policies.insert(key, Arc::new(policy));
        Ok(())
    }

    pub(super) fn alter_policy(&mut self, ddl: &Ddl) -> Applied {
        let Ddl::AlterPolicy { table, name, roles, using, check } = ddl else { return Ok(()) };
        let table = self.find_table(table)?;
        let Some(policy) = self.policies.get_mut(&(table.clone(), name.clone())).map(Arc::make_mut) else {
            return Err(missing("policy", format!("{name} of {table}")));
        };
        if let Some(roles) = roles {
            policy.roles = roles.clone();
            policy.roles.sort();
        }
        policy.using = using.as_ref().map(|it| own(it, &table)).or(policy.using.take());
        policy.check = check.as_ref().map(|it| own(it, &table)).or(policy.check.take());
        Ok(())
    }

    pub(super) fn rename_policy(&mut self, table: &Name, from: &Ident, to: &Ident) -> Applied {
        let table = self.find_table(table)?;
        if self.policies.contains_key(&(table.clone(), to.clone())) {
            return exists_already("policy", format!("{to} of {table}"), false);
        }
        let Some(mut policy) = self.policies.remove(&(table.clone(), from.clone())) else {
            return Err(missing("policy", format!("{from} of {table}")));
        };
        Arc::make_mut(&mut policy).name = to.clone();
        self.policies.insert((table.clone(), to.clone()), policy);
        let (from, to) = (ObjectRef::Policy(table.clone(), from.clone()), ObjectRef::Policy(table, to.clone()));
        self.rekey(|it| (*it == from).then(|| to.clone()));
        Ok(())
    }

    pub(super) fn drop_policy(&mut self, table: &Name, name: &Ident, if_exists: bool) -> Applied {
        let Ok(found) = self.find_table(table) else {
            let fine = if_exists || self.is_unknown(table);
            return if fine { Ok(()) } else { Err(missing("table", table)) };
        };
        if !self.policies.contains_key(&(found.clone(), name.clone())) {
            return if if_exists { Ok(()) } else { Err(missing("policy", format!("{name} of {found}"))) };
        }
        self.drop_object(&ObjectRef::Policy(found, name.clone()))
    }
}

/// Does an expression call a function of that name?
pub fn calls(text: &str, function: &Name) -> bool {
    tokens::paths(text).iter().any(|it| it.called && names_function(it, function))
}

fn names_function(path: &tokens::Path, function: &Name) -> bool {
    let name = path.name();
    name.name == function.name && name.schema.is_none_or(|it| Some(&it) == function.schema.as_ref())
}

fn rename_call(text: &str, from: &Name, to: &Name) -> String {
    let hits = tokens::paths(text).into_iter().filter(|it| it.called && names_function(it, from));
    let edits = hits.filter_map(|it| {
        let (first, last) = (it.parts.first()?, it.parts.last()?);
        Some((first.1.start..last.1.end, quote_name(to)))
    });
    tokens::edit(text, edits.collect())
}

/// Trigger functions that come with the server (manual 9.29, 12.4.3, F.24).
fn is_builtin_trigger_function(name: &Name) -> bool {
    let own = ["tsvector_update_trigger", "tsvector_update_trigger_column", "suppress_redundant_updates_trigger"];
    name.schema.as_ref().is_none_or(|it| it.as_str() == "pg_catalog") && own.contains(&name.name.as_str())
}

/// "view v", "default of t.c": for messages.
pub(in crate::catalog) fn described(object: &ObjectRef) -> String {
    let kind = match object {
        ObjectRef::Schema(_) => "schema",
        ObjectRef::Table(_) => "table",
        ObjectRef::Column(..) => "column",
        ObjectRef::Constraint(..) | ObjectRef::DomainConstraint(..) => "constraint",
        ObjectRef::Index(_) => "index",
        ObjectRef::Sequence(_) => "sequence",
        ObjectRef::Type(_) => "type",
        ObjectRef::View(_) => "view",
        ObjectRef::Function(..) => "function",
        ObjectRef::Trigger(..) => "trigger",
        ObjectRef::Policy(..) => "policy",
        ObjectRef::Rule(..) => "rule",
        ObjectRef::Extension(_) => "extension",
        ObjectRef::Statistics(_) => "statistics object",
        ObjectRef::Collation(_) => "collation",
        ObjectRef::Other(..) => return object.to_string(),
    };
    format!("{kind} {object}")
}
