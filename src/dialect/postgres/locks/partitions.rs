//! Attaching and detaching partitions, and the DEFAULT partition that suffers with them.

use super::Acc;
use crate::{
    plan::LockMode::*,
    sql::{
        Column, ConstraintKind, Ddl, DetachMode, Expr, KeyExpr, Name, PartitionBy, PartitionStrategy, Table,
        tokens::tokens,
    },
};

impl Acc<'_> {
    pub(super) fn partition(&mut self, ddl: &Ddl) {
        match ddl {
            Ddl::AttachPartition { parent, partition, bound } => self.attach(parent, partition, bound),
            Ddl::DetachPartition { parent, partition, mode } => self.detach(parent, partition, *mode),
            _ => {}
        }
    }

    fn attach(&mut self, parent: &Name, partition: &Name, bound: &Expr) {
        self.lock(parent, ShareUpdateExclusive);
        self.lock_family(partition, AccessExclusive);
        self.lock_referenced_by(parent, ShareRowExclusive);
        let (parent_table, table) = (self.table_at(parent), self.table_at(partition));
        // A foreign key that both have becomes one: the partition's triggers on the other side go (measured on 13 to 18).
        for it in table.into_iter().flat_map(|it| &it.constraints) {
            if let ConstraintKind::ForeignKey(fk) = &it.kind
                && parent_table.is_some_and(|parent| parent.constraints.iter().any(|own| own.kind == it.kind))
            {
                self.lock_partitions(&fk.references, AccessExclusive);
            }
        }
        let implied = match (parent_table.and_then(|it| it.partition_by.as_ref()), table) {
            (Some(by), Some(table)) => conditions(by, bound).is_some_and(|it| is_implied(&it, table)),
            _ => false,
        };
        let is_default = bound.text().trim().eq_ignore_ascii_case("default");
        // A first DEFAULT partition is not checked against anything.
        let first_default = is_default && self.before.partitions_of(&self.resolve(parent)).next().is_none();
        if !implied && !first_default {
            self.scan(partition);
        }
        if let Some(table) = table {
            self.lock_default_partition(parent, Some((table, bound)));
        }
        self.lock_referencing(parent);
        // Indexes of the parent that the partition has no equal of are built now. An index of a constraint is matched by
        // a constraint only (measured on 11 to 18).
        self.built_on.extend(self.leaves(partition));
    }

    fn detach(&mut self, parent: &Name, partition: &Name, mode: DetachMode) {
        match mode {
            DetachMode::Plain => {
                self.lock(parent, AccessExclusive);
                let before = self.before;
                let mut referenced = false;
                for (from, _) in before.referencing(&self.resolve(parent)) {
                    self.lock_partitions(&from.name, AccessExclusive);
                    referenced = true;
                }
                let strong = referenced || self.facts.server_version >= 14;
                self.lock(partition, if strong { AccessExclusive } else { ShareUpdateExclusive });
                if let Some(default) = self.default_partition(parent) {
                    self.lock(&default.name, AccessExclusive);
                }
            }
            DetachMode::Concurrently | DetachMode::Finalize => {
                self.refuse_before(14, "DETACH PARTITION CONCURRENTLY");
                // The manual, ALTER TABLE: the second transaction locks the partition for a moment.
                self.lock(parent, ShareUpdateExclusive);
                self.lock(partition, AccessExclusive);
                if mode == DetachMode::Concurrently && self.default_partition(parent).is_some() {
                    self.refuse(format!(
                        "{parent} has a DEFAULT partition: its partitions cannot be detached concurrently"
                    ));
                }
            }
        }
        self.lock_referenced_by(partition, ShareRowExclusive);
    }

    /// The DEFAULT partition of a parent that gains (`Some`) or loses (`None`) another partition: no row of it may
    /// belong to the new one, so it is locked and, unless a CHECK proves it, read whole.
    pub(super) fn lock_default_partition(&mut self, parent: &Name, new: Option<(&Table, &Expr)>) {
        let Some(default) = self.default_partition(parent) else { return };
        if new.is_some_and(|(table, _)| table.name == default.name) {
            return;
        }
        self.lock_family(&default.name, AccessExclusive);
        if let Some((_, bound)) = new {
            let by = self.table_at(parent).and_then(|it| it.partition_by.as_ref());
            let excluded = by.and_then(|it| conditions(it, bound)).is_some_and(|it| excludes(default, &it));
            if !excluded {
                self.scan(&default.name);
            }
        }
    }
}

/// The comparisons a partition's bound stands for, as canonical text: `at >= '2023-01-01'`, `at < '2024-01-01'`.
/// Only for one plain key column and a RANGE or a LIST without NULL: what more there is counts as not provable.
fn conditions(by: &PartitionBy, bound: &Expr) -> Option<Conditions> {
    let [key] = by.keys.as_slice() else { return None };
    let KeyExpr::Column(column) = &key.expr else { return None };
    let text = bound.text();
    let lists = parenthesised(text);
    let comparisons = match (by.strategy, lists.as_slice()) {
        (PartitionStrategy::Range, [from, to]) => {
            let lower = (from != "minvalue").then(|| format!("{column} >= {from}"));
            let upper = (to != "maxvalue").then(|| format!("{column} < {to}"));
            lower.into_iter().chain(upper).collect()
        }
        (PartitionStrategy::List, [values]) if values.split(" , ").all(|it| it != "null") => {
            match values.contains(" , ") {
                true => vec![format!("{column} in ( {values} )")],
                false => vec![format!("{column} = {values}")],
            }
        }
        _ => return None,
    };
    Some(Conditions { column: column.clone(), comparisons })
}

struct Conditions {
    column: crate::sql::Ident,
    comparisons: Vec<String>,
}

/// Do the table's valid CHECKs and NOT NULLs say all of it?
fn is_implied(conditions: &Conditions, table: &Table) -> bool {
    let facts: Vec<String> = valid_checks(table).flat_map(|it| conjuncts(it.text())).collect();
    let not_null = table.column(&conditions.column).is_some_and(|it: &Column| it.not_null)
        || facts.contains(&format!("{} is not null", conditions.column));
    not_null && conditions.comparisons.iter().all(|it| facts.contains(it))
}

/// Does a valid CHECK of the default partition say `NOT (all of it)`?
fn excludes(default: &Table, conditions: &Conditions) -> bool {
    valid_checks(default).flat_map(|it| conjuncts(it.text())).any(|it| {
        let Some(inner) = it.strip_prefix("not ") else { return false };
        let mut parts = conjuncts(inner);
        parts.retain(|it| *it != format!("{} is not null", conditions.column));
        !parts.is_empty() && parts.iter().all(|it| conditions.comparisons.contains(it))
    })
}

fn valid_checks(table: &Table) -> impl Iterator<Item = &Expr> {
    table.constraints.iter().filter_map(|it| match &it.kind {
        ConstraintKind::Check(expr) if !it.not_valid && !it.not_enforced => Some(expr),
        _ => None,
    })
}

/// The parts of `a AND b AND c`, each as canonical text. `BETWEEN` does not appear in bounds, so it is not taken apart.
fn conjuncts(text: &str) -> Vec<String> {
    let text = spaced(text);
    let mut res = vec![String::new()];
    let mut depth = 0i32;
    for word in unwrapped(&text).split(' ') {
        depth += i32::from(word == "(") - i32::from(word == ")");
        match (word, res.last_mut()) {
            ("and", _) if depth == 0 => res.push(String::new()),
            (_, Some(last)) => {
                let blank = if last.is_empty() { "" } else { " " };
                *last = format!("{last}{blank}{word}");
            }
            (_, None) => {}
        }
    }
    res.iter().map(|it| unwrapped(it).to_owned()).collect()
}

/// Tokens with one blank between them, lower case but for literals and quoted names, without casts on literals.
fn spaced(text: &str) -> String {
    let tokens = tokens(text);
    let mut res: Vec<String> = Vec::new();
    let mut skip_type = false;
    for token in &tokens {
        let word = token.text(text);
        if word == "::" {
            skip_type = true;
            continue;
        }
        if skip_type && token.is_name() {
            continue;
        }
        skip_type = false;
        let word = if token.is_name() { token.ident(text).to_string() } else { word.to_owned() };
        match (res.last_mut(), word.as_str()) {
            // `>` and `=` are two symbols to the scanner.
            (Some(last), "=") if last == ">" || last == "<" => last.push('='),
            _ => res.push(word),
        }
    }
    res.join(" ")
}

/// Without the parentheses around the whole.
fn unwrapped(text: &str) -> &str {
    let mut res = text.trim();
    while let Some(inner) = res.strip_prefix("( ").and_then(|it| it.strip_suffix(" )")) {
        let mut depth = 0i32;
        let balanced = inner.split(' ').all(|it| {
            depth += i32::from(it == "(") - i32::from(it == ")");
            depth >= 0
        });
        if !balanced {
            break;
        }
        res = inner.trim();
    }
    res
}

/// What stands in the top-level parentheses of a bound, canonical: `FROM ('a') TO ('b')` gives `'a'` and `'b'`.
pub(in crate::dialect::postgres) fn parenthesised(text: &str) -> Vec<String> {
    let text = spaced(text);
    let mut res = Vec::new();
    let mut depth = 0i32;
    let mut words: Vec<&str> = Vec::new();
    for word in text.split(' ') {
        if word == ")" {
            depth -= 1;
            if depth == 0 {
                res.push(std::mem::take(&mut words).join(" "));
            }
        }
        if depth > 0 {
            words.push(word);
        }
        if word == "(" {
            depth += 1;
        }
    }
    res
}
