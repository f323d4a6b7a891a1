//! Conditions of procedural code that ask the system catalogs for an object: `NOT EXISTS (SELECT … FROM
//! information_schema.columns WHERE table_name = 't' AND column_name = 'c')`. Three-valued: what is not understood is
//! not known.

use std::collections::BTreeMap;

use crate::{
    catalog::Catalog,
    sql::{
        ConstraintKind, Ident, Name,
        tokens::{Token, TokenKind, tokens},
    },
};

impl Catalog {
    /// Does the condition hold on this catalog? `None`: it cannot be known.
    pub fn condition_holds(&self, condition: &str) -> Option<bool> {
        let tokens = tokens(condition);
        Condition { catalog: self, text: condition, tokens: &tokens }.value()
    }
}

#[derive(Clone, Copy)]
struct Condition<'a> {
    catalog: &'a Catalog,
    text: &'a str,
    tokens: &'a [Token],
}

impl<'a> Condition<'a> {
    fn is(&self, at: usize, word: &str) -> bool {
        self.tokens.get(at).is_some_and(|it| it.is(self.text, word))
    }

    fn part(&self, from: usize, to: usize) -> Self {
        Self { tokens: self.tokens.get(from..to).unwrap_or_default(), ..*self }
    }

    /// The parts between a word that stands outside parentheses.
    fn split(&self, word: &str) -> Vec<Self> {
        let (mut open, mut start, mut res) = (0_usize, 0, Vec::new());
        for at in 0..self.tokens.len() {
            if self.is(at, "(") {
                open += 1;
            } else if self.is(at, ")") {
                open = open.saturating_sub(1);
            } else if open == 0 && self.is(at, word) {
                res.push(self.part(start, at));
                start = at + 1;
            }
        }
        res.push(self.part(start, self.tokens.len()));
        res
    }

    /// What stands in parentheses that enclose everything.
    fn inside(&self) -> Option<Self> {
        let last = self.tokens.len().checked_sub(1)?;
        if !self.is(0, "(") || !self.is(last, ")") {
            return None;
        }
        let mut open = 0_usize;
        for at in 0..last {
            open += usize::from(self.is(at, "("));
            open -= usize::from(self.is(at, ")"));
            if open == 0 {
                return None;
            }
        }
        Some(self.part(1, last))
    }

    fn value(&self) -> Option<bool> {
        if let Some(inner) = self.inside().filter(|it| !it.is(0, "select")) {
            return inner.value();
        }
        let any = self.split("or");
        if any.len() > 1 {
            let values: Vec<Option<bool>> = any.iter().map(Self::value).collect();
            return if values.contains(&Some(true)) {
                Some(true)
            } else {
                values.iter().all(|it| *it == Some(false)).then_some(false)
            };
        }
        let all = self.split("and");
        if all.len() > 1 {
            let values: Vec<Option<bool>> = all.iter().map(Self::value).collect();
            return if values.contains(&Some(false)) {
                Some(false)
            } else {
                values.iter().all(|it| *it == Some(true)).then_some(true)
            };
        }
        let rest = |from: usize| self.part(from, self.tokens.len());
        match () {
            () if self.is(0, "not") => rest(1).value().map(|it| !it),
            () if self.is(0, "exists") => rest(1).inside()?.query(),
            () if self.is(0, "true") && self.tokens.len() == 1 => Some(true),
            () if self.is(0, "false") && self.tokens.len() == 1 => Some(false),
            () if self.is(0, "to_regclass") => self.regclass(),
            () => None,
        }
    }

    /// `to_regclass('name') IS [NOT] NULL`.
    fn regclass(&self) -> Option<bool> {
        if !self.is(1, "(") || !self.is(3, ")") || !self.is(4, "is") {
            return None;
        }
        let negated = self.is(5, "not");
        if !self.is(5 + usize::from(negated), "null") {
            return None;
        }
        let there = self.catalog.relation_named(&written(&self.literal(2)?))?;
        Some(there == negated)
    }

    fn literal(&self, at: usize) -> Option<String> {
        let token = self.tokens.get(at).filter(|it| it.kind == TokenKind::Literal)?;
        let text = token.text(self.text);
        Some(text.strip_prefix('\'')?.strip_suffix('\'')?.replace("''", "'"))
    }

    /// `SELECT … FROM relation [alias] WHERE column = 'value' AND …`: is there such a row?
    fn query(&self) -> Option<bool> {
        let from = (0..self.tokens.len()).find(|at| self.is(*at, "from"))?;
        let mut at = from + 1;
        let mut relation = self.tokens.get(at)?.ident(self.text).as_str().to_owned();
        while self.is(at + 1, ".") {
            at += 2;
            relation = self.tokens.get(at)?.ident(self.text).as_str().to_owned();
        }
        at += 1;
        at += usize::from(self.is(at, "as"));
        if !self.is(at, "where") {
            // An alias.
            self.tokens.get(at).filter(|it| it.is_name())?;
            at += 1;
        }
        if !self.is(0, "select") || !self.is(at, "where") {
            return None;
        }
        let end = (at..self.tokens.len()).find(|it| self.is(*it, "limit")).unwrap_or(self.tokens.len());
        let mut wanted = BTreeMap::new();
        for part in self.part(at + 1, end).split("and") {
            let (column, value) = part.equality()?;
            wanted.insert(column, value);
        }
        self.catalog.system_row(&relation, &wanted)
    }

    /// `[alias.]column = 'value'`, either way round; the value may be cast.
    fn equality(&self) -> Option<(String, String)> {
        if let Some(inner) = self.inside() {
            return inner.equality();
        }
        let at = (0..self.tokens.len()).find(|at| self.is(*at, "="))?;
        let (left, right) = (self.part(0, at), self.part(at + 1, self.tokens.len()));
        let (column, value) = if left.literal(0).is_some() { (right, left) } else { (left, right) };
        let name = match column.tokens {
            [name] => name,
            [_, dot, name] if dot.is(self.text, ".") => name,
            _ => return None,
        };
        let text = match value.tokens {
            [_] => value.literal(0)?,
            [_, cast, _] if cast.is(self.text, "::") => value.literal(0)?,
            [name, open, close]
                if name.is(self.text, "current_schema") && open.is(self.text, "(") && close.is(self.text, ")") =>
            {
                self.catalog.search_path.first()?.as_str().to_owned()
            }
            _ => return None,
        };
        Some((name.ident(self.text).as_str().to_owned(), text))
    }
}

/// `schema.name` or `name`, as a `regclass` is written.
fn written(text: &str) -> Name {
    let fold = |it: &str| match it.strip_prefix('"').and_then(|it| it.strip_suffix('"')) {
        Some(quoted) => Ident::new(quoted),
        None => Ident::folded(it),
    };
    match text.split_once('.') {
        Some((schema, name)) => Name { schema: Some(fold(schema)), name: fold(name) },
        None => Name { schema: None, name: fold(text) },
    }
}

impl Catalog {
    /// Is there a row with these values in a system catalog or view? `None`: a column or relation that is not
    /// understood, or a table of which not all is known.
    fn system_row(&self, relation: &str, wanted: &BTreeMap<String, String>) -> Option<bool> {
        // Of a database that nobody has described nothing is known to be absent.
        // (Extensions and schemas are asked for to be created, which comes to the same.)
        let described = !self.tables.is_empty() || !self.types.is_empty() || !self.views.is_empty();
        if !described && !matches!(relation, "pg_extension" | "pg_namespace" | "schemata") {
            return None;
        }
        let allowed: &[&str] = match relation {
            "columns" => &["table_schema", "table_name", "column_name"],
            "tables" => &["table_schema", "table_name"],
            "pg_tables" => &["schemaname", "tablename"],
            "table_constraints" => {
                &["table_schema", "constraint_schema", "table_name", "constraint_name", "constraint_type"]
            }
            "constraint_column_usage" => &["table_schema", "table_name", "constraint_name", "constraint_schema"],
            "pg_constraint" => &["conname", "conrelid"],
            "pg_indexes" => &["schemaname", "tablename", "indexname"],
            "pg_class" => &["relname"],
            "pg_type" => &["typname"],
            "pg_extension" => &["extname"],
            "pg_namespace" => &["nspname"],
            "schemata" => &["schema_name"],
            "pg_trigger" => &["tgname", "tgrelid"],
            "pg_policies" => &["schemaname", "tablename", "policyname"],
            "pg_proc" => &["proname"],
            _ => return None,
        };
        if wanted.is_empty() || wanted.keys().any(|it| !allowed.contains(&it.as_str())) {
            return None;
        }
        let get = |keys: &[&str]| keys.iter().find_map(|it| wanted.get(*it)).map(|it| Ident::new(it));
        let schema = get(&["table_schema", "schemaname", "constraint_schema"]);
        let table = get(&["table_name", "tablename"]);
        let fits = |it: &Name| {
            schema.as_ref().is_none_or(|schema| it.schema.as_ref() == Some(schema))
                && table.as_ref().is_none_or(|table| it.name == *table)
        };
        if self.unknown.keys().any(|it| table.is_some() && fits(it)) {
            return None;
        }
        let nothing_unknown = || self.unknown.is_empty().then_some(());
        match relation {
            "tables" | "pg_tables" => {
                let views = relation == "tables" && self.views.keys().any(fits);
                Some(views || self.tables.keys().any(fits))
            }
            "columns" => {
                let column = get(&["column_name"])?;
                let mut tables = self.tables.values().filter(|it| fits(&it.name)).peekable();
                tables.peek()?;
                Some(tables.any(|it| it.column(&column).is_some()))
            }
            "table_constraints" | "constraint_column_usage" | "pg_constraint" => {
                self.constraint_row(relation, wanted, &fits)
            }
            "pg_indexes" | "pg_class" => {
                let name = get(&["indexname", "relname"])?;
                let index = self
                    .indexes
                    .values()
                    .any(|it| fits(&it.table) && it.name.as_ref().is_some_and(|it| it.name == name));
                let hidden = self.hidden.keys().any(|it| it.name == name);
                let other = relation == "pg_class" && self.relation_of_name(&name);
                if index || other || hidden && table.is_none() {
                    Some(true)
                } else {
                    nothing_unknown().map(|()| hidden)
                }
            }
            "pg_type" => {
                let name = get(&["typname"])?;
                let there = self.types.keys().any(|it| it.name == name) || self.relation_of_name(&name);
                if there { Some(true) } else { nothing_unknown().map(|()| false) }
            }
            "pg_extension" => get(&["extname"]).map(|it| self.extensions.contains_key(&it)),
            "pg_namespace" | "schemata" => get(&["nspname", "schema_name"]).map(|it| self.schemas.contains(&it)),
            "pg_proc" => {
                let name = get(&["proname"])?;
                self.functions.keys().any(|(it, _)| it.name == name).then_some(true)
            }
            "pg_trigger" => {
                let name = get(&["tgname"])?;
                let on = wanted.get("tgrelid").map(|it| written(it));
                let same = |it: &Name| on.as_ref().is_none_or(|on| on.name == it.name);
                Some(self.triggers.keys().any(|(table, it)| *it == name && same(table)))
            }
            "pg_policies" => {
                let name = get(&["policyname"])?;
                Some(self.policies.keys().any(|(table, it)| *it == name && fits(table)))
            }
            _ => None,
        }
    }

    fn constraint_row(
        &self,
        relation: &str,
        wanted: &BTreeMap<String, String>,
        fits: &dyn Fn(&Name) -> bool,
    ) -> Option<bool> {
        let name = wanted.get("constraint_name").or_else(|| wanted.get("conname")).map(|it| Ident::new(it));
        let kind = wanted.get("constraint_type").map(String::as_str);
        let on = wanted.get("conrelid").map(|it| written(it));
        if self.unknown.keys().any(|it| on.as_ref().is_none_or(|on| on.name == it.name) && fits(it)) {
            return None;
        }
        let same_kind = |it: &ConstraintKind| match kind {
            None => true,
            Some("PRIMARY KEY") => matches!(it, ConstraintKind::PrimaryKey(_)),
            Some("UNIQUE") => matches!(it, ConstraintKind::Unique(_)),
            Some("FOREIGN KEY") => matches!(it, ConstraintKind::ForeignKey(_)),
            Some("CHECK") => matches!(it, ConstraintKind::Check(_)),
            Some(_) => false,
        };
        let mut tables = self.tables.values().filter(|it| on.as_ref().is_none_or(|on| on.name == it.name.name));
        Some(tables.any(|table| {
            table.constraints.iter().any(|it| {
                // The usage view names the table whose columns are used: of a foreign key the referenced one.
                let place = match &it.kind {
                    ConstraintKind::ForeignKey(fk) if relation == "constraint_column_usage" => &fk.references,
                    _ => &table.name,
                };
                fits(place) && same_kind(&it.kind) && name.as_ref().is_none_or(|name| it.name.as_ref() == Some(name))
            })
        }))
    }

    fn relation_of_name(&self, name: &Ident) -> bool {
        self.tables.keys().chain(self.views.keys()).chain(self.sequences.keys()).any(|it| it.name == *name)
    }

    /// Does a relation of that name exist, along the search path when it has no schema?
    fn relation_named(&self, name: &Name) -> Option<bool> {
        if self.tables.is_empty() || self.is_unknown(name) {
            return None;
        }
        Some(self.find_relation(name).is_some_and(|it| self.relation_exists(&it)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::{Column, Constraint, DataType, Ddl, KeyConstraint, Table};

    #[test]
    fn objects_are_looked_up_and_the_rest_is_not_known() {
        let mut catalog = Catalog::new();
        let mut table = Table::new(Name::new("public", "users"));
        let text = DataType { schema: None, name: "text".into(), modifiers: Vec::new(), array: false };
        table.columns.push(Column::new(Ident::new("email"), text));
        let key = ConstraintKind::Unique(KeyConstraint::on(vec![Ident::new("email")]));
        table.constraints.push(Constraint::new(Some(Ident::new("users_email")), key));
        catalog
            .apply(&Ddl::CreateTable { table: Box::new(table), if_not_exists: false, likes: Vec::new() })
            .expect("made");
        let columns = "SELECT 1 FROM information_schema.columns WHERE table_name = 'users' AND column_name =";
        for (condition, expect) in [
            (format!("EXISTS ({columns} 'email')"), Some(true)),
            (format!("NOT EXISTS ({columns} 'phone')"), Some(true)),
            (format!("NOT (EXISTS ({columns} 'email'))"), Some(false)),
            (format!("EXISTS ({columns} v)"), None),
            (format!("EXISTS ({columns} 'email') AND n > 1"), None),
            (format!("EXISTS ({columns} 'phone') AND n > 1"), Some(false)),
            (format!("n > 1 OR EXISTS ({columns} 'email')"), Some(true)),
            ("exists (select * from information_schema.columns c where c.table_name = 'orders' and c.column_name = 'x')".into(), None),
            ("EXISTS (SELECT 1 FROM pg_constraint WHERE conname = 'users_email' AND conrelid = 'users'::regclass)".into(), Some(true)),
            ("EXISTS (SELECT 1 FROM pg_constraint WHERE conname = 'other')".into(), Some(false)),
            ("EXISTS (SELECT 1 FROM pg_type WHERE typname = 'mood')".into(), Some(false)),
            ("EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'x')".into(), None),
            ("to_regclass('public.users') IS NOT NULL".into(), Some(true)),
            ("to_regclass('nowhere') IS NULL".into(), Some(true)),
            ("(SELECT count(*) FROM users) = 0".into(), None),
        ] {
            assert_eq!(catalog.condition_holds(&condition), expect, "{condition}");
        }
    }
}
