//! Columns: add, drop, rename, retype, NOT NULL, defaults, identity, generation, storage.

use super::{Acc, types};
use crate::{
    dialect::{TypeChange, Volatility},
    plan::LockMode::*,
    sql::{
        Column, Constraint, ConstraintKind, Ddl, Ident, KeyExpr, Name, PartitionBy, Table, TriggerEvent, View,
        tokens::{Token, mentions_column, tokens},
    },
};

impl Acc<'_> {
    pub(super) fn column(&mut self, ddl: &Ddl) {
        match ddl {
            Ddl::AddColumn { table, column, constraints, if_not_exists } => {
                self.lock_family(table, AccessExclusive);
                let there = self.table_at(table).is_some_and(|it| it.column(&column.name).is_some());
                if there && !if_not_exists {
                    self.refuse(format!("column {} of {table} already exists", column.name));
                } else if !there {
                    self.add_column(table, column, constraints);
                }
            }
            Ddl::DropColumn { table, column, cascade, .. } => self.drop_column(table, column, *cascade),
            Ddl::RenameColumn { table, from, .. } => {
                self.lock_family(table, AccessExclusive);
                if let Some(parent) = self.table_at(table).and_then(|it| self.inherited_from(it, from)) {
                    self.refuse(format!("column {from} of {table} is inherited from {parent}: rename it there"));
                }
            }
            Ddl::SetType { table, column, ty, collation, using } => {
                let change = TypeChange { table, column, to: ty, collation: collation.as_ref(), using: using.as_ref() };
                self.set_type(&change);
            }
            Ddl::SetDefault { table, .. } => self.lock_family(table, AccessExclusive),
            Ddl::SetNotNull { table, column } => {
                self.lock_family(table, AccessExclusive);
                self.prove_not_null(table, column);
            }
            Ddl::DropNotNull { table, column } => {
                self.lock_family(table, AccessExclusive);
                self.drop_not_null(table, column);
            }
            Ddl::AddIdentity { table, column, .. } => {
                self.lock(table, AccessExclusive);
                let found = self.table_at(table).and_then(|it| it.column(column));
                match found {
                    Some(it) if it.identity.is_some() => {
                        self.refuse(format!("column {column} of {table} is already an identity column"))
                    }
                    Some(it) if it.default.is_some() => {
                        self.refuse(format!("column {column} of {table} already has a default value"))
                    }
                    Some(it) if !it.not_null => {
                        self.refuse(format!(
                            "column {column} of {table} must be NOT NULL before it can be an identity column"
                        ));
                    }
                    _ => {}
                }
            }
            Ddl::SetIdentity { table, .. } | Ddl::DropIdentity { table, .. } => self.lock(table, AccessExclusive),
            Ddl::SetExpression { table, column, .. } => {
                self.refuse_before(17, "SET EXPRESSION");
                self.lock_family(table, AccessExclusive);
                let generated = self.table_at(table).and_then(|it| it.column(column)?.generated.as_ref());
                if generated.is_none_or(|it| it.stored) {
                    self.rewrite(table);
                }
            }
            Ddl::DropExpression { table, .. } => self.lock_family(table, AccessExclusive),
            Ddl::SetColumnStatistics { table, .. } => self.lock_family(table, ShareUpdateExclusive),
            Ddl::SetColumnOptions { table, .. } => self.lock(table, ShareUpdateExclusive),
            Ddl::SetColumnStorage { table, .. } => self.lock_family(table, AccessExclusive),
            Ddl::SetColumnCompression { table, .. } => {
                self.refuse_before(14, "SET COMPRESSION");
                self.lock(table, AccessExclusive);
            }
            _ => {}
        }
    }

    fn add_column(&mut self, table: &Name, column: &Column, constraints: &[Constraint]) {
        if column.generated.as_ref().is_some_and(|it| !it.stored) {
            self.refuse_before(18, "virtual generated columns");
        }
        if self.add_column_rewrites(column) {
            self.rewrite(table);
        }
        // A virtual column's values are worked out to see that none is NULL.
        let stored = column.generated.as_ref().is_some_and(|it| it.stored);
        let valued = column.default.is_some() || stored || column.identity.is_some();
        let key = constraints.iter().any(|it| matches!(it.kind, ConstraintKind::PrimaryKey(_)));
        let rewritten = self.leaves(table).iter().any(|it| self.rewrites.contains(it));
        if (column.not_null || key) && !valued && !rewritten {
            // Looks for a row, to fail at the first.
            self.scan(table);
        }
        let filled = column.default.as_ref().is_some_and(|it| !it.text().trim().eq_ignore_ascii_case("null"));
        for constraint in constraints {
            match &constraint.kind {
                ConstraintKind::Check(_) if !constraint.not_enforced && !rewritten => {
                    self.scan(table);
                }
                ConstraintKind::ForeignKey(fk) => {
                    self.lock_partitions(&fk.references, ShareRowExclusive);
                    if filled && !constraint.not_enforced {
                        self.scan(table);
                    }
                }
                ConstraintKind::PrimaryKey(_) | ConstraintKind::Unique(_) | ConstraintKind::Exclude(_) => {
                    self.build_for_constraint(table, constraint);
                }
                ConstraintKind::Check(_) | ConstraintKind::NotNull(_) => {}
            }
        }
    }

    /// `ATExecAddColumn`: a value that differs from row to row, or has to be checked by a domain, is written into
    /// every row. A constant is remembered once (11+).
    fn add_column_rewrites(&self, column: &Column) -> bool {
        if column.ty.serial_base().is_some() || column.identity.is_some() {
            return true;
        }
        if let Some(generated) = &column.generated {
            return generated.stored;
        }
        if types::constrained(&column.ty, self.before) {
            return true;
        }
        let of_domain = || types::domain_chain(&column.ty, self.before).find_map(|it| it.default.as_ref());
        let default = column.default.as_ref().or_else(of_domain);
        default.is_some_and(|it| types::volatility(it, self.before) == Volatility::Volatile)
    }

    fn drop_column(&mut self, table: &Name, column: &Ident, cascade: bool) {
        self.lock_family(table, AccessExclusive);
        let before = self.before;
        let Some(found) = self.table_at(table) else { return };
        if let Some(parent) = self.inherited_from(found, column) {
            self.refuse(format!("column {column} of {} is inherited from {parent}: drop it there", found.name));
        }
        for constraint in &found.constraints {
            if let ConstraintKind::ForeignKey(fk) = &constraint.kind
                && fk.columns.contains(column)
            {
                self.lock_key_triggers(&fk.references);
            }
        }
        for (from, constraint) in before.referencing(&found.name) {
            if let ConstraintKind::ForeignKey(fk) = &constraint.kind
                && fk.referenced_columns.contains(column)
                && from.name != found.name
            {
                self.lock_partitions(&from.name, AccessExclusive);
                if !cascade {
                    self.refuse(format!("a foreign key of {} depends on column {column} of {}", from.name, found.name));
                }
            }
        }
        if cascade {
            let views = before.views.values().filter(|it| self.view_reads_column(it, found, column));
            for view in views.map(|it| it.name.clone()).collect::<Vec<_>>() {
                self.drop_view(&view, true);
            }
        } else if let Some(user) = self.user_of_column(found, column) {
            self.refuse(format!("{user} depends on column {column} of {}", found.name));
        }
    }

    /// What reads the column and is not dropped with it: a view, a generated column, a policy, a trigger's WHEN.
    fn user_of_column(&self, table: &Table, column: &Ident) -> Option<String> {
        let view = self.before.views.values().find(|it| self.view_reads_column(it, table, column));
        if let Some(view) = view {
            return Some(format!("view {}", view.name));
        }
        let generated = table
            .columns
            .iter()
            .find(|it| it.generated.as_ref().is_some_and(|it| mentions_column(it.expr.text(), column)));
        if let Some(generated) = generated {
            return Some(format!("generated column {}", generated.name));
        }
        let policy = self
            .before
            .policies
            .values()
            .filter(|it| it.table == table.name)
            .find(|it| it.using.iter().chain(&it.check).any(|it| mentions_column(it.text(), column)));
        if let Some(policy) = policy {
            return Some(format!("policy {}", policy.name));
        }
        let of = |it: &TriggerEvent| matches!(it, TriggerEvent::Update(columns) if columns.contains(column));
        let mut triggers = self.before.triggers.values().filter(|it| it.table == table.name);
        let trigger = triggers.find(|it| {
            it.events.iter().any(of) || it.when.as_ref().is_some_and(|it| mentions_column(it.text(), column))
        });
        trigger.map(|it| format!("trigger {}", it.name))
    }

    /// Without a tree of the query this is certain only if no other table of the view has a column of that name.
    fn view_reads_column(&self, view: &View, table: &Table, column: &Ident) -> bool {
        let elsewhere = |it: &Name| {
            *it != table.name
                && (self.before.table(it).is_some_and(|it| it.column(column).is_some())
                    || self.before.views.contains_key(it))
        };
        view.reads.contains(&table.name)
            && mentions_column(view.query.text(), column)
            && !view.reads.iter().any(elsewhere)
            && self.before.views_reading(&table.name, Some(column)).contains(&view.name)
    }

    /// The parent that a column comes from: what is done to it is done there.
    fn inherited_from(&self, table: &Table, column: &Ident) -> Option<Name> {
        let has = |it: &&Name| self.before.table(it).is_some_and(|it| it.column(column).is_some());
        let partition = table.partition_of.as_ref().map(|it| &it.parent);
        partition.into_iter().chain(&table.inherits).find(has).cloned()
    }

    fn set_type(&mut self, change: &TypeChange<'_>) {
        self.lock_family(change.table, AccessExclusive);
        let Some(table) = self.table_at(change.table) else { return };
        let Some(column) = table.column(change.column) else { return };
        let effects = types::effects(change, column, self.before, self.facts);
        if let Some(parent) = self.inherited_from(table, &column.name) {
            self.refuse(format!("column {} of {} is inherited from {parent}: alter it there", column.name, table.name));
        }
        let of_key = |it: &PartitionBy| {
            it.keys.iter().any(|it| match &it.expr {
                KeyExpr::Column(it) => *it == column.name,
                KeyExpr::Expr(it) => mentions_column(it.text(), &column.name),
            })
        };
        if table.partition_by.as_ref().is_some_and(of_key) {
            self.refuse(format!("column {} is part of the partition key of {}", column.name, table.name));
        }
        if effects.needs_using {
            self.refuse(format!(
                "column {} cannot be cast automatically from {} to {}: it needs USING",
                column.name, column.ty, change.to
            ));
        }
        if change.using.is_some() && column.default.is_some() {
            let bare = TypeChange { using: None, ..change.clone() };
            if types::effects(&bare, column, self.before, self.facts).needs_using {
                self.refuse(format!(
                    "the default of column {} cannot be cast automatically to {}: drop it first, set it again afterwards",
                    column.name, change.to
                ));
            }
        }
        if let Some(user) = self.user_of_column(table, &column.name) {
            self.refuse(format!("column {} is used by {user}: its type cannot be altered", column.name));
        }
        for name in self.leaves(&table.name) {
            let Some(leaf) = self.before.table(&name) else { continue };
            if effects.rewrites {
                self.rewrite(&name);
                continue;
            }
            self.builds.extend(types::rebuilt_indexes(leaf, &column.name, effects, self.before));
            // The index of a partitioned table has no storage that could be kept: it is dropped with those of the
            // partitions, and they are built again (`TryReuseIndex`; measured on 13 to 18).
            let own = self.before.indexes_of(&name).filter(|it| it.attached_to.is_some());
            let own = own.filter(|it| types::index_names(it, &column.name)).filter_map(|it| it.name.clone());
            self.builds.extend(own);
            if self.is_partitioned(&table.name) {
                self.builds.extend(types::keys_over(leaf, &column.name));
            }
            if types::rescanned_checks(leaf, &column.name).next().is_some() {
                self.scan(&name);
            }
        }
        self.remake_foreign_keys(table, &column.name, effects.rewrites || effects.other_operators);
    }

    /// Foreign keys on either side of the column are dropped and made again, which locks the other table; they are
    /// checked again when their operators or the rows changed.
    fn remake_foreign_keys(&mut self, table: &Table, column: &Ident, recheck: bool) {
        let before = self.before;
        for constraint in &table.constraints {
            if let ConstraintKind::ForeignKey(fk) = &constraint.kind
                && fk.columns.contains(column)
            {
                self.lock_partitions(&fk.references, ShareRowExclusive);
                self.lock_key_triggers(&fk.references);
                if recheck && !constraint.not_valid && !constraint.not_enforced {
                    self.scan(&table.name);
                }
            }
        }
        for (from, constraint) in before.referencing(&table.name) {
            if let ConstraintKind::ForeignKey(fk) = &constraint.kind
                && fk.referenced_columns.contains(column)
            {
                self.lock_partitions(&from.name, AccessExclusive);
                if recheck && !constraint.not_valid && !constraint.not_enforced {
                    self.scan(&from.name);
                }
            }
        }
    }

    /// The scan of SET NOT NULL, for every table of the family where nothing spares it.
    pub(super) fn prove_not_null(&mut self, table: &Name, column: &Ident) {
        for name in self.leaves(table) {
            let proven =
                self.before.table(&name).is_some_and(|it| not_null_is_proven(it, column, self.facts.server_version));
            if !proven {
                self.scan(&name);
            }
        }
    }

    fn drop_not_null(&mut self, table: &Name, column: &Ident) {
        let Some(found) = self.table_at(table) else { return };
        let in_key = found.primary_key().is_some_and(|it| match &it.kind {
            ConstraintKind::PrimaryKey(key) => key.columns.contains(column),
            _ => false,
        });
        if in_key {
            self.refuse(format!("column {column} of {table} is in the primary key"));
        }
        if found.column(column).is_some_and(|it| it.identity.is_some()) {
            self.refuse(format!("column {column} of {table} is an identity column"));
        }
    }
}

/// Already NOT NULL, or (12+) proven by a valid CHECK. A NOT VALID not-null of 18 proves nothing.
fn not_null_is_proven(table: &Table, column: &Ident, server_version: u32) -> bool {
    if table.column(column).is_some_and(|it| it.not_null) {
        return true;
    }
    server_version >= 12
        && table.constraints.iter().any(|it| match &it.kind {
            ConstraintKind::Check(expr) => !it.not_valid && !it.not_enforced && proves_not_null(expr.text(), column),
            _ => false,
        })
}

/// Does the CHECK say `column IS NOT NULL`, alone or as a part of an AND, or with a false alternative? Measured:
/// `(c IS NOT NULL) AND x`, `c IS NOT NULL OR false`, `NOT (c IS NULL)`, `c IS DISTINCT FROM NULL` and
/// `(c, d) IS NOT NULL` do, `c > 0` and `coalesce(c, 0) > 0` do not.
fn proves_not_null(check: &str, column: &Ident) -> bool {
    let tokens = tokens(check);
    let word = |i: usize, text: &str| tokens.get(i).is_some_and(|it| it.is(check, text));
    let words = |i: usize, all: &[&str]| all.iter().enumerate().all(|(at, it)| word(i + at, it));
    // An alternative that could hold for a NULL makes the proof worthless: only OR false is let through.
    let open_or = (0..tokens.len()).any(|i| word(i, "or") && !word(i + 1, "false"));
    if open_or {
        return false;
    }
    let is_not = |it: usize| word(it, "not") && !word(it.wrapping_sub(1), "is");
    (0..tokens.len()).any(|i| {
        let Some(token) = tokens.get(i) else { return false };
        if !token.is_name() || token.ident(check) != *column || word(i.wrapping_sub(1), ".") {
            return false;
        }
        // `NOT (c IS NOT NULL)` says the contrary; so may CASE and function calls around it.
        if (0..i).any(|it| word(it, "case")) {
            return false;
        }
        let negations = (0..i).filter(|it| is_not(*it)).count();
        let behind = if word(i + 1, ")") && called_with(&tokens, check, i).is_none() { i + 2 } else { i + 1 };
        let says = words(behind, &["is", "not", "null"]) || words(behind, &["is", "distinct", "from", "null"]);
        let open = (0..i).rev().find(|it| !word(*it, "("));
        let denied = words(behind, &["is", "null"]) && open.is_some_and(is_not);
        says && negations == 0 || denied && negations == 1 || negations == 0 && is_in_row(&tokens, check, i)
    })
}

/// The function in whose parentheses a token stands first: `f (c`.
fn called_with(tokens: &[Token], check: &str, at: usize) -> Option<Ident> {
    let open = at.checked_sub(1).filter(|it| tokens[*it].is(check, "("))?;
    let name = tokens.get(open.checked_sub(1)?).filter(|it| it.is_name())?;
    let keyword = ["and", "or", "not"].iter().any(|it| name.is(check, it));
    (!keyword).then(|| name.ident(check))
}

/// `(a, b) IS NOT NULL`, `ROW (a, b) IS NOT NULL`: no part of it is NULL.
fn is_in_row(tokens: &[Token], check: &str, at: usize) -> bool {
    let is = |i: usize, text: &str| tokens.get(i).is_some_and(|it| it.is(check, text));
    let part = |i: &usize| tokens.get(*i).is_some_and(Token::is_name) || is(*i, ",");
    let (Some(before), Some(behind)) = ((0..at).rev().find(|it| !part(it)), (at..tokens.len()).find(|it| !part(it)))
    else {
        return false;
    };
    let list = (before..behind).any(|it| is(it, ","));
    let called = called_with(tokens, check, before + 1).is_some_and(|it| it.as_str() != "row");
    let not_null = ["is", "not", "null"].iter().enumerate().all(|(i, it)| is(behind + 1 + i, it));
    list && !called && is(before, "(") && is(behind, ")") && not_null
}
