//! Columns: what CREATE and ADD make of them, and ALTER COLUMN. (Dropping: drops.rs, renaming: renames.rs.)

use super::{Applied, constraints::own, tables::Extras};
use crate::{
    catalog::{
        ApplyError, Catalog,
        apply::sequences::normal_options,
        resolve::{missing, refused},
    },
    sql::*,
};

impl Catalog {
    /// The column as the server keeps it: type resolved, serial expanded (its sequence goes to `extras`).
    pub(super) fn complete_column(
        &self,
        table: &Table,
        column: &Column,
        extras: &mut Extras,
    ) -> Result<Column, ApplyError> {
        let mut res = column.clone();
        if let Some(base) = column.ty.serial_base() {
            let taken: Vec<Ident> = extras.sequences.iter().map(|it| it.name.name.clone()).collect();
            let name = self.choose_relation_name(&table.name, Some(column.name.as_str()), "seq", false, &taken);
            let name = table.name.sibling(name);
            res.default = Some(nextval(&name));
            res.not_null = true;
            extras.sequences.push(Sequence {
                name,
                persistence: table.persistence,
                options: SequenceOptions {
                    ty: Some(base.clone()).filter(|it| it.name != "bigint"),
                    ..Default::default()
                },
                owned_by: Some((table.name.clone(), column.name.clone())),
                owner: None,
            });
            res.ty = base;
        }
        res.ty = self.resolve_type(&res.ty)?;
        res.default = res.default.as_ref().and_then(|it| self.normal_default(it)).map(|it| it.as_default_of(&res.ty));
        res.collation = column.collation.as_ref().and_then(|it| self.normal_collation(it));
        res.storage = column.storage.as_ref().and_then(|it| super::normal_storage(it, &res.ty));
        if let Some(generated) = &mut res.generated {
            generated.expr = own(&generated.expr, &table.name);
        }
        if let Some(identity) = &mut res.identity {
            res.not_null = true;
            identity.options = self.identity_options(&table.name, &column.name, &identity.options, &res.ty);
        }
        Ok(res)
    }

    /// `COLLATE "default"` is none; the schema of the server's own collations is left out.
    pub(super) fn normal_collation(&self, collation: &Name) -> Option<Name> {
        let own = collation.schema.as_ref().is_some_and(|it| it.as_str() == "pg_catalog");
        let res = if own { Name { schema: None, ..collation.clone() } } else { collation.clone() };
        (res.name.as_str() != "default").then_some(res)
    }

    fn identity_options(
        &self,
        table: &Name,
        column: &Ident,
        options: &SequenceOptions,
        ty: &DataType,
    ) -> SequenceOptions {
        let mut res = normal_options(options, ty);
        res.ty = None;
        // The name that it would have anyway is not told.
        let implicit =
            table.sibling(crate::catalog::naming::object_name(table.name.as_str(), Some(column.as_str()), "seq"));
        res.name = res.name.filter(|it| {
            it.name != implicit.name || it.schema.as_ref().is_some_and(|it| Some(it) != table.schema.as_ref())
        });
        res
    }

    /// `NULL` is no default; the sequence in a `nextval` is resolved, so that all spellings compare equal.
    pub(super) fn normal_default(&self, default: &Expr) -> Option<Expr> {
        if is_null(default.text()) {
            return None;
        }
        let Some(written) = only_nextval(default.text()) else { return Some(default.clone()) };
        let fallback =
            || Name { schema: written.schema.clone().or_else(|| Some("public".into())), name: written.name.clone() };
        Some(nextval(&self.resolve(&written, |it| self.relation_exists(it)).unwrap_or_else(fallback)))
    }

    pub(super) fn add_column(
        &mut self,
        table: &Name,
        column: &Column,
        constraints: &[Constraint],
        if_not_exists: bool,
    ) -> Applied {
        let table = self.find_table(table)?;
        let current = self.tables.get(&table).cloned().ok_or_else(|| missing("table", &table))?;
        if current.column(&column.name).is_some() {
            return super::exists_already("column", format!("{table}.{}", column.name), if_not_exists);
        }
        if current.partition_of.is_some() {
            return Err(refused(format!("cannot add column to a partition: {table}")));
        }
        let mut extras = Extras::default();
        let complete = self.complete_column(&current, column, &mut extras)?;
        let children = self.children(&table);
        for sequence in extras.sequences {
            self.sequences.insert(sequence.name.clone(), sequence.into());
        }
        self.push_column(&table, &complete);
        for child in children {
            self.push_column_below(&child, &complete);
        }
        for constraint in constraints {
            self.add_constraint(&table, constraint)?;
        }
        Ok(())
    }

    fn push_column(&mut self, table: &Name, column: &Column) {
        if let Some(identity) = &column.identity {
            self.hide_identity(table, &column.name, identity);
        }
        if let Ok(it) = self.table_mut(table) {
            it.columns.push(column.clone());
        }
    }

    /// Partitions and heirs get the column too; an heir that has it already keeps its own.
    fn push_column_below(&mut self, table: &Name, column: &Column) {
        if self.tables.get(table).is_none_or(|it| it.column(&column.name).is_some()) {
            return;
        }
        self.push_column(table, &Column { identity: None, ..column.clone() });
        for child in self.children(table) {
            self.push_column_below(&child, column);
        }
    }

    pub(super) fn find_column(&self, table: &Name, column: &Ident) -> Result<(Name, &Column), ApplyError> {
        let table = self.find_table(table)?;
        let found = self.tables.get(&table).and_then(|it| it.column(column));
        match found {
            Some(found) => Ok((table, found)),
            None => Err(missing("column", format!("{table}.{column}"))),
        }
    }

    /// Changes a column of this table alone.
    pub(super) fn edit_column(&mut self, table: &Name, column: &Ident, change: impl FnOnce(&mut Column)) -> Applied {
        if self.find_table(table).is_ok_and(|it| self.unknown.contains_key(&it))
            && self.find_column(table, column).is_err()
        {
            return Ok(());
        }
        // Views have columns whose statistics and defaults can be set; they are not modelled.
        if self.find_table(table).is_err() && self.find_view(table).is_ok() {
            return Ok(());
        }
        let (table, _) = self.find_column(table, column)?;
        if let Some(found) = self.table_mut(&table)?.column_mut(column) {
            change(found);
        }
        Ok(())
    }

    /// Changes a column of a table, its partitions and its heirs.
    pub(super) fn edit_column_below(&mut self, table: &Name, column: &Ident, change: &impl Fn(&mut Column)) -> Applied {
        self.edit_column(table, column, change)?;
        let Ok(table) = self.find_table(table) else { return Ok(()) };
        for child in self.children(&table) {
            if self.find_column(&child, column).is_ok() {
                self.edit_column_below(&child, column, change)?;
            }
        }
        Ok(())
    }

    pub(super) fn set_default(&mut self, table: &Name, column: &Ident, default: Option<&Expr>) -> Applied {
        if let Ok((table, found)) = self.find_column(table, column) {
            if default.is_some() && found.identity.is_some() {
                return Err(refused(format!("column {column} of {table} is an identity column")));
            }
            if found.generated.is_some() {
                return Err(refused(format!("column {column} of {table} is a generated column")));
            }
        }
        let default = default.and_then(|it| self.normal_default(it));
        self.edit_column_below(table, column, &|it| it.default = default.clone().map(|to| to.as_default_of(&it.ty)))
    }

    pub(super) fn set_not_null(&mut self, table: &Name, column: &Ident) -> Applied {
        self.edit_column_below(table, column, &|it| it.not_null = true)
    }

    pub(super) fn drop_not_null(&mut self, table: &Name, column: &Ident) -> Applied {
        if let Ok((table, found)) = self.find_column(table, column) {
            let owner = self.tables.get(&table);
            let in_key = owner.and_then(|it| it.primary_key()).is_some_and(|it| match &it.kind {
                ConstraintKind::PrimaryKey(key) => key.columns.contains(column),
                _ => false,
            });
            if in_key {
                return Err(refused(format!("column {column} of {table} is in a primary key")));
            }
            if found.identity.is_some() {
                return Err(refused(format!("column {column} of {table} is an identity column")));
            }
            let parent = owner.and_then(|it| it.partition_of.as_ref()).map(|it| &it.parent);
            let above = parent.and_then(|it| self.tables.get(it)).and_then(|it| it.column(column));
            if above.is_some_and(|it| it.not_null) {
                return Err(refused(format!("column {column} is marked NOT NULL in the parent of {table}")));
            }
            // From PostgreSQL 18 on, a constraint that is not valid yet is dropped by the same words.
            let pending = owner.and_then(|it| {
                it.constraints
                    .iter()
                    .find(|it| it.kind == ConstraintKind::NotNull(column.clone()))
                    .and_then(|it| it.name.clone())
            });
            if let Some(pending) = pending {
                self.take_constraint(&table, &pending);
            }
        }
        self.edit_column_below(table, column, &|it| {
            it.not_null = false;
            it.not_null_name = None;
        })
    }

    pub(super) fn set_type(
        &mut self,
        table: &Name,
        column: &Ident,
        ty: &DataType,
        collation: Option<&Name>,
    ) -> Applied {
        // `ALTER COLUMN TYPE serial` is no type to the server.
        if ty.serial_base().is_some() {
            return Err(missing("type", ty));
        }
        let ty = self.resolve_type(ty)?;
        let collation = collation.and_then(|it| self.normal_collation(it));
        if let Ok((table, _)) = self.find_column(table, column) {
            let generated =
                |it: &&Column| it.generated.as_ref().is_some_and(|it| tokens::mentions_column(it.expr.text(), column));
            let owner = self.tables.get(&table);
            if let Some(it) = owner.and_then(|it| it.columns.iter().find(generated)) {
                return Err(refused(format!(
                    "cannot alter type of {table}.{column}: generated column {} uses it",
                    it.name
                )));
            }
            if let Some(view) = self.views_reading(&table, Some(column)).first() {
                return Err(refused(format!("cannot alter type of {table}.{column}: view {view} uses it")));
            }
        }
        self.edit_column_below(table, column, &|it| {
            it.ty = ty.clone();
            it.default = it.default.take().map(|default| default.as_default_of(&ty));
            it.collation = collation.clone();
            it.storage = it.storage.as_ref().and_then(|storage| super::normal_storage(storage, &ty));
        })
    }

    pub(super) fn add_identity(&mut self, table: &Name, column: &Ident, identity: &Identity) -> Applied {
        let (table, found) = self.find_column(table, column)?;
        if found.identity.is_some() {
            return Err(refused(format!("column {column} of {table} is already an identity column")));
        }
        if !found.not_null {
            return Err(refused(format!("column {column} of {table} must be NOT NULL before identity can be added")));
        }
        if found.default.is_some() {
            return Err(refused(format!("column {column} of {table} has a default already")));
        }
        let options = self.identity_options(&table, column, &identity.options, &found.ty.clone());
        let identity = Identity { always: identity.always, options };
        self.hide_identity(&table, column, &identity);
        self.edit_column(&table, column, |it| it.identity = Some(identity))
    }

    pub(super) fn set_identity(
        &mut self,
        table: &Name,
        column: &Ident,
        always: Option<bool>,
        set: &SequenceOptions,
    ) -> Applied {
        let (table, found) = self.find_column(table, column)?;
        let Some(identity) = &found.identity else {
            return Err(refused(format!("column {column} of {table} is not an identity column")));
        };
        let merged = super::sequences::merge_options(&identity.options, set);
        let identity =
            Identity { always: always.unwrap_or(identity.always), options: normal_options(&merged, &found.ty) };
        self.edit_column(&table, column, |it| it.identity = Some(identity))
    }

    pub(super) fn drop_identity(&mut self, table: &Name, column: &Ident, if_exists: bool) -> Applied {
        let (table, found) = self.find_column(table, column)?;
        if found.identity.is_none() {
            let message = format!("column {column} of {table} is not an identity column");
            return if if_exists { Ok(()) } else { Err(refused(message)) };
        }
        self.unhide_identity(&table, column);
        self.edit_column(&table, column, |it| it.identity = None)
    }

    pub(super) fn set_expression(&mut self, table: &Name, column: &Ident, expr: &Expr) -> Applied {
        let (table, found) = self.find_column(table, column)?;
        if found.generated.is_none() {
            return Err(refused(format!("column {column} of {table} is not a generated column")));
        }
        self.edit_column_below(&table, column, &|it| {
            if let Some(generated) = &mut it.generated {
                generated.expr = expr.clone();
            }
        })
    }

    pub(super) fn drop_expression(&mut self, table: &Name, column: &Ident, if_exists: bool) -> Applied {
        let (table, found) = self.find_column(table, column)?;
        if found.generated.is_none() && !if_exists {
            return Err(refused(format!("column {column} of {table} is not a generated column")));
        }
        self.edit_column_below(&table, column, &|it| it.generated = None)
    }
}

/// `NULL`, with or without a cast.
fn is_null(text: &str) -> bool {
    let tokens = tokens::tokens(text);
    // Behind the cast only the words of a type may follow: `NULL::character varying`.
    let rest = tokens.get(2..).unwrap_or_default();
    tokens.first().is_some_and(|it| it.is(text, "null"))
        && tokens.get(1).is_none_or(|it| it.is(text, "::"))
        && rest
            .iter()
            .all(|it| it.is_name() || it.kind == tokens::TokenKind::Number || "().,[]".contains(it.text(text)))
}

/// `nextval('s'::regclass)`, spelt one way.
pub(in crate::catalog) fn nextval(sequence: &Name) -> Expr {
    let name = literal(&quote_name(sequence));
    Expr::new(format!("nextval({name}::regclass)"), format!("nextval({name})"))
}

/// The sequence of an expression that is a `nextval` call with a literal and nothing more.
pub fn only_nextval(text: &str) -> Option<Name> {
    let tokens = tokens::tokens(text);
    let path = tokens::paths_in(text, &tokens).into_iter().next()?;
    let nextval = path.called && path.token == 0 && path.parts.last()?.0.as_str() == "nextval";
    let inside = tokens.get(path.end + 1).filter(|it| nextval && it.kind == tokens::TokenKind::Literal)?;
    let rest: String = tokens.get(path.end + 2..)?.iter().map(|it| it.text(text).to_ascii_lowercase()).collect();
    let plain =
        matches!(rest.as_str(), ")" | "::regclass)" | "::text)" | "::text::regclass)" | "::pg_catalog.regclass)");
    dotted(&inside.text(text).trim_matches('\'').replace("''", "'")).filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_null_under_any_type() {
        let nulls = ["NULL", "null::character varying", "NULL::numeric(10,2)[]", "NULL::app.mood"];
        assert!(nulls.into_iter().all(is_null));
        assert!(!["nullif(a, b)", "'null'", "NULL || 'a'", ""].into_iter().any(is_null));
    }

    #[test]
    fn only_a_plain_nextval_is_one() {
        assert_eq!(only_nextval("nextval('app.s'::regclass)"), Some(Name::new("app", "s")));
        assert_eq!(only_nextval("pg_catalog.nextval('\"S\"')"), Some(Name::bare("S")));
        assert_eq!(only_nextval("nextval('s') + 1"), None);
        assert_eq!(only_nextval("'a' || nextval('s')::text"), None);
    }
}
