//! What a rule is given, the words it speaks in, and where it puts what it found.

use std::ops::Range;

use super::{
    Finding, Fix, LintInput, Rule,
    file::{FileState, Held},
};
use crate::{
    catalog::{Catalog, TEMPORARY},
    dialect::{Dialect, Impact},
    plan::{Facts, LockMode, Work, longest, size_text},
    sql::{DataStatement, DataType, Ddl, Ident, Name, Severity, Statement, Table, TypeKind},
};

/// Findings of one part of a statement.
pub(super) struct Findings<'a> {
    pub(super) list: Vec<Finding>,
    pub(super) statement: &'a Statement,
    pub(super) index: usize,
    /// Of each finding.
    pub(super) fixes: Vec<Option<Fix>>,
    /// The part of a block of code that is being judged; `None`: the statement itself.
    pub(super) inside: Option<Inside>,
}

/// A statement within a block of code.
#[derive(Clone, Debug)]
pub(super) struct Inside {
    /// Bytes in the file, where its text can be found there.
    pub range: Option<Range<usize>>,
    /// Where it stands, and whether it is certain to run, in words.
    pub remark: String,
}

impl Findings<'_> {
    /// The statement's text, or that of the part of a block.
    pub(super) fn text<'t>(&self, input: &LintInput<'t>) -> &'t str {
        let range = match &self.inside {
            Some(inside) => inside.range.clone().unwrap_or_default(),
            None => self.statement.range.clone(),
        };
        input.text.get(range).unwrap_or_default()
    }

    pub(super) fn report(&mut self, rule: &'static Rule, severity: Severity, message: impl Into<String>) {
        let mut message = message.into();
        let mut range = self.statement.range.clone();
        if let Some(inside) = &self.inside {
            message.push_str(&inside.remark);
            range = inside.range.clone().unwrap_or(range);
        }
        self.list.push(Finding { rule: rule.code, severity, range, message, fixable: false, statement: self.index });
    }

    /// A hazard that is as grave as the table is large: with facts, how long it may take is said as well.
    pub(super) fn weigh(&mut self, ctx: &Context<'_>, rule: &'static Rule, table: &Name, message: impl Into<String>) {
        let mut message = message.into();
        if let Some(estimate) = ctx.estimate(table) {
            message.push_str(&format!(". Estimate: {estimate}"));
        }
        self.report(rule, ctx.by_size(rule.severity, table), message);
    }
}

/// One [`Ddl`] of a statement, and everything that decides what it means.
pub(super) struct Context<'a> {
    /// The file.
    pub input: &'a LintInput<'a>,
    pub dialect: &'a dyn Dialect,
    pub facts: &'a Facts,
    /// The catalog before this part of the statement.
    pub before: &'a Catalog,
    /// This part.
    pub ddl: &'a Ddl,
    /// Of this part alone.
    pub impact: &'a Impact,
    /// All parts of the statement: `ALTER TABLE t a, b`.
    pub parts: &'a [Ddl],
    /// Index of the statement.
    pub statement: usize,
    /// All statements of the file.
    pub statements: &'a [Statement],
    /// The statement's text.
    pub text: &'a str,
    /// What the transaction held before the statement.
    pub held: &'a Held,
    /// The strongest locks of the whole statement and of the transaction before it.
    pub locks: &'a std::collections::BTreeMap<Name, LockMode>,
    /// Tables that some part of the statement rewrites: what else has to be read is read on that way.
    pub rewritten: &'a [Name],
    pub file: &'a FileState,
}

/// Tables with fewer rows are locked for so short a time that a hint is enough.
const SMALL: u64 = 10_000;
/// Tables with more rows are locked for so long that a mistake is an outage.
const LARGE: u64 = 1_000_000;
/// As [`SMALL`] and [`LARGE`], in bytes: few rows can be long ones.
const SMALL_BYTES: u64 = 10_000_000;
const LARGE_BYTES: u64 = 1_000_000_000;

impl<'a> Context<'a> {
    /// The relation a name of the statement means.
    pub fn resolve(&self, name: &Name) -> Name {
        if name.schema.is_some() {
            return name.clone();
        }
        let in_schema = |schema: &Ident| Name { schema: Some(schema.clone()), name: name.name.clone() };
        let temporary = std::iter::once(in_schema(&Ident::new(TEMPORARY)));
        let mut names = temporary.chain(self.before.search_path.iter().map(in_schema));
        let known = |it: &Name| {
            let cat = self.before;
            cat.tables.contains_key(it) || cat.views.contains_key(it) || cat.indexes.contains_key(it)
        };
        let found = names.find(known).or_else(|| self.before.search_path.first().map(in_schema));
        found.unwrap_or_else(|| name.clone())
    }

    /// The name of an index, which is always in the schema of its table.
    pub fn beside(&self, index: &Name, table: &Name) -> Name {
        Name { schema: self.resolve(table).schema, name: index.name.clone() }
    }

    /// The table as the catalog has it.
    pub fn table(&self, name: &Name) -> Option<&'a Table> {
        self.before.table(&self.resolve(name)).map(|it| &**it)
    }

    /// Made in this file: without rows and without users.
    pub fn is_fresh(&self, name: &Name) -> bool {
        self.file.fresh.contains(&self.resolve(name))
    }

    pub fn is_partitioned(&self, name: &Name) -> bool {
        self.table(name).is_some_and(|it| it.partition_by.is_some())
    }

    /// What the file does before this statement, what stands in blocks of code among it.
    pub fn earlier(&self) -> impl Iterator<Item = &'a Ddl> {
        self.statements.iter().take(self.statement).flat_map(all_of)
    }

    /// What the file does behind this statement; the rest of its own block of code, too.
    pub fn later(&self) -> impl Iterator<Item = &'a Ddl> {
        let own = self.statements.get(self.statement).into_iter().flat_map(inner_of);
        own.chain(self.statements.iter().skip(self.statement + 1).flat_map(all_of))
    }

    /// Of that, the statements that make indexes or constraints of tables of that bare name.
    pub fn later_keys(&self, table: &Ident) -> impl Iterator<Item = &'a Ddl> {
        let own = self.statements.get(self.statement).into_iter().flat_map(inner_of);
        let all = self.file.keys.get(table).map(Vec::as_slice).unwrap_or_default();
        let later = &all[all.partition_point(|it| *it <= self.statement)..];
        own.chain(later.iter().filter_map(|it| self.statements.get(*it)).flat_map(all_of))
    }

    pub fn whole_file(&self) -> impl Iterator<Item = &'a Ddl> {
        self.statements.iter().flat_map(all_of)
    }

    pub fn in_transaction(&self) -> bool {
        self.held.open
    }

    /// A column of the type has a value of its own accord.
    pub fn domain_has_default(&self, ty: &DataType) -> bool {
        let schemas =
            ty.schema.iter().chain(if ty.schema.is_none() { self.before.search_path.as_slice() } else { &[] });
        let names = schemas.map(|it| Name { schema: Some(it.clone()), name: Ident::new(&ty.name) });
        let kinds = names.filter_map(|it| self.before.types.get(&it)).map(|it| &it.kind);
        !ty.array && kinds.into_iter().any(|it| matches!(it, TypeKind::Domain(it) if it.default.is_some()))
    }

    /// The catalog knows every index: nothing it reads could not be understood.
    pub fn knows_index(&self, name: &Name) -> bool {
        let name = self.resolve(name);
        self.before.indexes.contains_key(&name) || !self.before.tables.is_empty() && self.before.unknown.is_empty()
    }

    /// Those of the names that somebody may be using.
    pub fn in_use(&self, names: &[Name]) -> Vec<Name> {
        names.iter().filter(|it| !self.is_fresh(it)).cloned().collect()
    }

    /// Tables in use that are read whole while writes are kept out.
    pub fn blocking_scans(&self) -> Vec<Name> {
        let blocked = |it: &Name| self.mode(it).is_some_and(LockMode::blocks_writes) && !self.rewritten.contains(it);
        self.in_use(&self.impact.scans).into_iter().filter(blocked).collect()
    }

    /// The lock on the table while this statement runs.
    pub fn mode(&self, name: &Name) -> Option<LockMode> {
        self.locks.get(&self.resolve(name)).copied()
    }

    // Words.

    /// `users`, or with facts `users (about 12 million rows, 4 GB)`.
    pub fn sized(&self, name: &Name) -> String {
        let name = self.resolve(name);
        let rows = self.facts.rows.get(&name).map(|it| rounded(*it));
        let bytes = self.facts.bytes.get(&name).map(|it| size_text(*it));
        let known: Vec<String> = rows.into_iter().chain(bytes).collect();
        if known.is_empty() { name.to_string() } else { format!("{name} ({})", known.join(", ")) }
    }

    /// How long the work of this part may take, of what it does to tables of known size the longest. `table`: whose
    /// indexes it builds.
    pub fn estimate(&self, table: &Name) -> Option<String> {
        let table = self.resolve(table);
        let mut works = self.impact.works(Some(&table));
        // With a WHERE nobody knows how many rows there are.
        let all_rows = |it: &DataStatement| !it.filtered && matches!(it.verb.as_str(), "UPDATE" | "DELETE");
        if matches!(self.ddl, Ddl::Data(it) if all_rows(it)) {
            works.push((Work::Change, table));
        }
        works.retain(|it| !self.is_fresh(&it.1));
        longest(works, self.facts)
    }

    /// `<doing> users (…) under ACCESS EXCLUSIVE: every query on it waits until that is done`.
    pub fn during(&self, doing: &str, table: &Name) -> String {
        let mode = self.mode(table).unwrap_or(LockMode::AccessExclusive);
        format!("{doing} {} under {}: {} until that is done", self.sized(table), sql_words(mode), who_waits(mode))
    }

    /// `Locks users (…) with ACCESS EXCLUSIVE for a moment: …`: the lock is short, but everybody queues behind it.
    pub fn for_a_moment(&self, table: &Name) -> String {
        let mode = self.mode(table).unwrap_or(LockMode::AccessExclusive);
        format!(
            "takes {} on {} for a moment, but behind the oldest query on it, and {} meanwhile",
            sql_words(mode),
            self.sized(table),
            who_waits(mode)
        )
    }

    /// The rule's severity, weighed by what is known of the table: small ones get a hint, large ones an error.
    pub fn by_size(&self, severity: Severity, table: &Name) -> Severity {
        let name = self.resolve(table);
        let known =
            [(self.facts.rows.get(&name), SMALL, LARGE), (self.facts.bytes.get(&name), SMALL_BYTES, LARGE_BYTES)];
        let known: Vec<(u64, u64, u64)> =
            known.into_iter().filter_map(|(size, small, large)| Some((*size?, small, large))).collect();
        if known.iter().any(|(size, _, large)| size >= large) {
            Severity::Error
        } else if !known.is_empty() && known.iter().all(|(size, small, _)| size < small) {
            Severity::Hint
        } else {
            severity
        }
    }
}

/// The statement, and what stands in its block of code.
pub(super) fn all_of(statement: &Statement) -> impl Iterator<Item = &Ddl> {
    statement.parsed.ddl.iter().chain(inner_of(statement))
}

fn inner_of(statement: &Statement) -> impl Iterator<Item = &Ddl> {
    let codes = statement.parsed.ddl.iter().filter_map(|it| match it {
        Ddl::Do { code: Some(code), .. } => Some(code.statements()),
        _ => None,
    });
    codes.flatten()
}

fn who_waits(mode: LockMode) -> &'static str {
    if mode.blocks_reads() {
        "every query on it waits"
    } else if mode.blocks_writes() {
        "every write to it waits (reads go on)"
    } else {
        "reads and writes go on, other schema changes wait"
    }
}

/// `ACCESS EXCLUSIVE`, as the manual and LOCK TABLE spell it.
pub(super) fn sql_words(mode: LockMode) -> String {
    let mut res = String::new();
    for c in mode.as_str().chars() {
        if c.is_ascii_uppercase() && !res.is_empty() {
            res.push(' ');
        }
        res.push(c.to_ascii_uppercase());
    }
    res
}

fn rounded(rows: u64) -> String {
    match rows {
        0..1_000 => format!("{rows} rows"),
        1_000..1_000_000 => format!("about {} thousand rows", rows / 1_000),
        1_000_000..10_000_000 => format!("about {}.{} million rows", rows / 1_000_000, rows / 100_000 % 10),
        1_000_000_000.. => format!("about {}.{} billion rows", rows / 1_000_000_000, rows / 100_000_000 % 10),
        _ => format!("about {} million rows", rows / 1_000_000),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed<T: ToString>(items: &[T]) -> String {
    let words: Vec<String> = items.iter().map(ToString::to_string).collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// The first letter in upper case.
pub(super) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_rows_are_rounded() {
        let rows = [7, 12_345, 3_456_789, 50_000_000, 1_500_000_000].map(rounded);
        let expect = [
            "7 rows",
            "about 12 thousand rows",
            "about 3.4 million rows",
            "about 50 million rows",
            "about 1.5 billion rows",
        ];
        assert_eq!(rows, expect);
    }

    #[test]
    fn modes_are_spelled_as_in_the_manual() {
        assert_eq!(sql_words(LockMode::ShareRowExclusive), "SHARE ROW EXCLUSIVE");
    }
}
