//! Walking through a file: the catalog and the transaction as they are at each statement.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use smol_str::SmolStr;

use super::{
    Finding, Fix, LintInput, RULES, around, colliding_with_earlier,
    config::Config,
    context::{Context, Findings, all_of},
    directives::Directives,
    half_done_on_failure, hidden_statements, inside, refused_by_server,
};
use crate::{
    catalog::{Catalog, TEMPORARY},
    dialect::Impact,
    plan::{Facts, LockMode},
    sql::{Ddl, Ident, Name, Persistence, Statement, TransactionControl},
};

/// What the file has done so far.
#[derive(Clone, Debug, Default)]
pub(super) struct FileState {
    /// Relations and types made in this file.
    pub fresh: BTreeSet<Name>,
    /// `lock_timeout` as the file has set it, in milliseconds, when that is not 0.
    pub lock_timeout: Option<u64>,
    /// The setting ends with its transaction.
    pub lock_timeout_local: bool,
    /// `statement_timeout` as the file has set it, when that is not 0.
    pub statement_timeout: Option<SmolStr>,
    /// The file has set TimeZone: is it UTC?
    pub utc: Option<bool>,
    /// What [`Self::utc`] is again when the transaction that has set it for itself ends.
    utc_outside: Option<Option<bool>>,
    /// Codes already reported, for rules that speak once per file.
    pub reported: BTreeSet<&'static str>,
    /// Views that the file makes, with the index of the statement.
    pub views: Vec<(usize, Name)>,
    /// The last statement that may well fail.
    pub last_risk: Option<usize>,
    /// Statements that make indexes or constraints, by the bare name of the table.
    pub keys: BTreeMap<Ident, Vec<usize>>,
}

/// What the transaction has done so far; empty outside of one.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    pub open: bool,
    /// Opened by BEGIN in the file, not by the tool that runs it.
    pub explicit: bool,
    /// A block of code, which runs in one transaction whatever is around it.
    pub block: bool,
    pub locks: BTreeMap<Name, LockMode>,
    /// Enum values added in it.
    pub enum_values: Vec<(Name, SmolStr)>,
    /// Types made in it.
    pub types: BTreeSet<Name>,
}

/// A finding, with what takes it out of the file.
pub(super) struct Found {
    pub finding: Finding,
    pub fix: Option<Fix>,
}

/// Judges the file. Findings come in the order of the file, then by code.
pub(super) fn walk(input: &LintInput<'_>, config: &Config) -> Vec<Found> {
    if config.silent {
        return Vec::new();
    }
    let mut catalog = Arc::new(input.before.clone());
    let mut file = FileState {
        views: views(input.statements),
        keys: keys(input.statements),
        last_risk: half_done_on_failure::last_risk(input.statements),
        ..FileState::default()
    };
    let mut held = Held { open: wraps(input), ..Held::default() };
    let mut res = Vec::new();
    let mut directives = Directives::find(input);
    let mut of_file = around::judge(input);
    let mut points = Points::of(input, &catalog, &file, &held);
    for (index, statement) in input.statements.iter().enumerate() {
        let facts = file.facts(input.facts);
        // A single part that cannot be applied leaves the catalog as it was.
        let saved = (statement.parsed.ddl.len() > 1).then(|| Arc::clone(&catalog));
        let (mut parts, mut applied) = parts(input, &facts, statement, &mut catalog);
        let mut acc = Findings { list: Vec::new(), fixes: Vec::new(), statement, index, inside: None };
        inside::judge(input, &parts, &mut held, &mut file, &mut acc);
        judge(input, &parts, &held, &file, &mut acc);
        for part in &parts {
            file.note(&part.ddl, &part.before, held.open);
            held.note(part);
        }
        // With the parts gone nobody else holds the catalog, and it changes in place.
        if let Some(last) = parts.pop() {
            drop(parts);
            let Part { ddl, before, .. } = last;
            drop(before);
            applied &= apply(&mut catalog, &ddl);
        }
        if !applied {
            colliding_with_earlier::judge(&mut acc, input, statement, saved.as_ref().unwrap_or(&catalog));
            refused_by_server::judge_failure(input, saved.as_deref(), &mut catalog, &mut acc);
            acc.fixes.resize(acc.list.len(), None);
        }
        drop(saved);
        points.follow(statement, &mut catalog, &mut file, &mut held);
        let found = acc.list.into_iter().zip(acc.fixes).map(|(finding, fix)| Found { finding, fix });
        let mut found: Vec<Found> = found.collect();
        found.extend(of_file.extract_if(.., |it| it.finding.statement == index));
        directives.silence(index, &mut found);
        found.sort_by_key(|it| (it.finding.range.start, it.finding.rule));
        found.dedup_by(|a, b| a.finding == b.finding);
        file.reported.extend(found.iter().map(|it| it.finding.rule));
        if !applied {
            // What cannot be applied cannot be planned.
            for it in found.iter_mut().filter(|it| it.fix == Some(Fix::Phases)) {
                it.fix = None;
                it.finding.fixable = false;
            }
        }
        res.append(&mut found);
    }
    // A file without statements.
    directives.silence(0, &mut of_file);
    res.append(&mut of_file);
    let agreed: Vec<bool> = res.iter().map(|it: &Found| directives.agrees(&it.finding)).collect();
    let own = directives.judge(input, config).into_iter().map(|it| (it, false));
    let settled =
        res.into_iter().zip(agreed).chain(own).filter_map(|(Found { finding, fix }, agreed)| {
            Some(Found { finding: config.settle(finding, agreed)?, fix })
        });
    let mut res: Vec<Found> = settled.collect();
    res.sort_by_key(|it| it.finding.statement);
    res
}

/// The catalog, the file and the transaction at a place.
type State = (Arc<Catalog>, FileState, Held);

/// What ROLLBACK leads back to: the state at the transaction's begin, then at its savepoints. Their names are not
/// looked at: the last one is meant. Empty for a file that takes nothing back.
#[derive(Default)]
struct Points {
    wanted: bool,
    states: Vec<State>,
}

impl Points {
    fn of(input: &LintInput<'_>, catalog: &Arc<Catalog>, file: &FileState, held: &Held) -> Self {
        use TransactionControl::{Rollback, RollbackToSavepoint};
        let takes_back = |it: &Ddl| matches!(it, Ddl::Transaction(Rollback | RollbackToSavepoint));
        let wanted = input.statements.iter().flat_map(|it| &it.parsed.ddl).any(takes_back);
        let mut res = Self { wanted, states: Vec::new() };
        if held.open && wanted {
            res.states.push((Arc::clone(catalog), file.clone(), held.clone()));
        }
        res
    }

    /// Behind a statement.
    fn follow(&mut self, statement: &Statement, catalog: &mut Arc<Catalog>, file: &mut FileState, held: &mut Held) {
        let [Ddl::Transaction(control)] = statement.parsed.ddl.as_slice() else { return };
        let back = match control {
            TransactionControl::Begin | TransactionControl::Savepoint => {
                if *control == TransactionControl::Begin {
                    self.states.clear();
                }
                if self.wanted {
                    self.states.push((Arc::clone(catalog), file.clone(), held.clone()));
                }
                return;
            }
            TransactionControl::Commit => {
                self.states.clear();
                return;
            }
            TransactionControl::Release => {
                self.states.pop();
                return;
            }
            TransactionControl::Rollback => self.states.drain(..).next().map(|it| (it.0, it.1, Held::default())),
            TransactionControl::RollbackToSavepoint => self.states.last().cloned(),
            TransactionControl::Other => return,
        };
        let Some((before, mut then, locks)) = back else { return };
        // What has been said stays said.
        then.reported = std::mem::take(&mut file.reported);
        (*catalog, *file, *held) = (before, then, locks);
    }
}

/// Does the tool put the file into a transaction?
fn wraps(input: &LintInput<'_>) -> bool {
    let mut ddl = input.statements.iter().flat_map(|it| &it.parsed.ddl);
    input.runs.wrap.wraps(input.statements.len(), ddl.any(|it| !it.transactional()))
}

/// Whether it can be applied is not the business of lint; what the server would refuse is in the impact.
fn apply(catalog: &mut Arc<Catalog>, ddl: &Ddl) -> bool {
    Arc::make_mut(catalog).apply(ddl).is_ok()
}

/// One [`Ddl`], the catalog before it and what it does.
pub(super) struct Part {
    pub ddl: Ddl,
    pub before: Arc<Catalog>,
    pub impact: Impact,
}

/// Takes a statement apart and applies all of it but the last part. What cannot be applied (its table is not known)
/// leaves the catalog alone: then the second value is false.
fn parts(input: &LintInput<'_>, facts: &Facts, statement: &Statement, catalog: &mut Arc<Catalog>) -> (Vec<Part>, bool) {
    let mut res: Vec<Part> = Vec::new();
    let mut applied = true;
    // ALTER TABLE IF EXISTS of a table that is not there does nothing.
    let there = |it: &Name| catalog.resolve(it, |it| catalog.tables.contains_key(it)).is_some();
    let absent = |it: &Ddl| it.altered_table().is_some_and(|it| !there(it));
    if statement.parsed.if_exists && catalog.is_complete() && statement.parsed.ddl.iter().all(absent) {
        return (res, true);
    }
    let order = input.dialect.passes(&statement.parsed.ddl);
    for ddl in order.into_iter().filter_map(|it| statement.parsed.ddl.get(it)) {
        if let Some(before) = res.last() {
            let done = before.ddl.clone();
            applied &= apply(catalog, &done);
        }
        let impact = input.dialect.lock_of(ddl, catalog, facts);
        res.push(Part { ddl: ddl.clone(), before: Arc::clone(catalog), impact });
    }
    (res, applied)
}

pub(super) fn judge(input: &LintInput<'_>, parts: &[Part], held: &Held, file: &FileState, found: &mut Findings<'_>) {
    let mut locks = held.locks.clone();
    for lock in parts.iter().flat_map(|it| &it.impact.locks) {
        let mode = locks.entry(lock.object.clone()).or_insert(lock.mode);
        *mode = (*mode).max(lock.mode);
    }
    let ddl: Vec<Ddl> = parts.iter().map(|it| it.ddl.clone()).collect();
    let rewritten: Vec<Name> = parts.iter().flat_map(|it| it.impact.rewrites.iter().cloned()).collect();
    for part in parts {
        let ctx = Context {
            input,
            dialect: input.dialect,
            facts: input.facts,
            before: &part.before,
            ddl: &part.ddl,
            impact: &part.impact,
            parts: &ddl,
            statement: found.index,
            statements: input.statements,
            text: found.text(input),
            held,
            locks: &locks,
            rewritten: &rewritten,
            file,
        };
        // What stands in a block has been judged where it stands.
        let block = |code: &str| code == hidden_statements::RULE.code;
        for rule in RULES.iter().filter(|it| !matches!(part.ddl, Ddl::Do { .. }) || block(it.code)) {
            let known = found.list.len();
            (rule.check)(found, &ctx, &part.ddl);
            if found.list.len() > known {
                // Edits are made to statements, not to the code around them.
                let fix = if found.inside.is_some() { None } else { (rule.fix)(&ctx, &part.ddl) };
                found.list.iter_mut().skip(known).for_each(|it| it.fixable = fix.is_some());
                found.fixes.resize(found.list.len(), fix);
            }
        }
    }
}

impl FileState {
    /// The facts, and what the file has set itself.
    pub(super) fn facts(&self, known: &Facts) -> Facts {
        Facts { utc: self.utc.unwrap_or(known.utc), ..known.clone() }
    }

    /// Does the statement, when it is a block, or a later one make a view of that name?
    pub(super) fn view_follows(&self, statement: usize, name: &Name) -> bool {
        let same =
            |it: &Name| it.name == name.name && it.schema.as_ref().is_none_or(|it| name.schema.as_ref() == Some(it));
        self.views.iter().any(|(at, it)| *at >= statement && same(it))
    }

    pub(super) fn note(&mut self, ddl: &Ddl, before: &Catalog, in_transaction: bool) {
        let mut add = |name: &Name, temporary: bool| {
            let own = temporary.then(|| Ident::new(TEMPORARY));
            let schema = own.or_else(|| name.schema.clone()).or_else(|| before.search_path.first().cloned());
            let name = Name { schema, name: name.name.clone() };
            // IF NOT EXISTS and OR REPLACE leave the one that is there.
            let there = before.tables.contains_key(&name)
                || before.views.contains_key(&name)
                || before.types.contains_key(&name)
                || before.unknown.contains_key(&name);
            if !there {
                self.fresh.insert(name);
            }
        };
        match ddl {
            Ddl::CreateTable { table, .. } | Ddl::CreateTableAs { table, .. } => {
                add(&table.name, table.persistence == Persistence::Temporary);
            }
            Ddl::CreateView { view, .. } => add(&view.name, view.temporary),
            Ddl::CreateType { ty } => add(&ty.name, false),
            Ddl::RenameTable { from, to, .. } => {
                let from = Name {
                    schema: from.schema.clone().or_else(|| before.search_path.first().cloned()),
                    ..from.clone()
                };
                if self.fresh.remove(&from) {
                    self.fresh.insert(from.sibling(to.clone()));
                }
            }
            // SET LOCAL outside a transaction has no effect (manual, SET).
            Ddl::SetParameter { name, value, local } if name == "lock_timeout" && (!local || in_transaction) => {
                self.lock_timeout = value.as_ref().and_then(|it| milliseconds(it)).filter(|it| *it > 0);
                self.lock_timeout_local = *local;
            }
            Ddl::Transaction(TransactionControl::Commit | TransactionControl::Rollback) => {
                if self.lock_timeout_local {
                    self.lock_timeout = None;
                }
                if let Some(outside) = self.utc_outside.take() {
                    self.utc = outside;
                }
            }
            Ddl::SetParameter { name, value, local } if name == "timezone" && (!local || in_transaction) => {
                if *local {
                    self.utc_outside.get_or_insert(self.utc);
                }
                self.utc = value.as_ref().map(|it| is_utc(it));
            }
            Ddl::SetParameter { name, value, .. } if name == "statement_timeout" => {
                self.statement_timeout = value.clone().filter(|it| !is_zero(it));
            }
            _ => {}
        }
    }
}

/// Names of the zone in which timestamps with and without time zone are the same.
fn is_utc(zone: &str) -> bool {
    let zone = zone.trim_matches(['\'', '"']);
    ["UTC", "Etc/UTC", "GMT", "Etc/GMT", "Zulu", "UCT", "Universal", "0"].iter().any(|it| it.eq_ignore_ascii_case(zone))
}

fn is_zero(value: &str) -> bool {
    milliseconds(value) == Some(0)
}

/// `2000`, `2s`, `'1.5 min'` (manual 20.1.1); without a unit milliseconds.
fn milliseconds(value: &str) -> Option<u64> {
    let value = value.trim();
    let end = value.find(|it: char| !it.is_ascii_digit() && it != '.').unwrap_or(value.len());
    let (number, unit) = value.split_at(end);
    let factor = match unit.trim() {
        "" | "ms" => 1.0,
        "us" => 0.001,
        "s" => 1e3,
        "min" => 60e3,
        "h" => 3_600e3,
        "d" => 86_400e3,
        _ => return None,
    };
    Some((number.parse::<f64>().ok()? * factor).ceil() as u64)
}

impl Held {
    pub(super) fn note(&mut self, part: &Part) {
        match &part.ddl {
            Ddl::Transaction(TransactionControl::Begin) => {
                self.open = true;
                self.explicit = true;
            }
            Ddl::Transaction(TransactionControl::Commit | TransactionControl::Rollback) => *self = Self::default(),
            _ if !self.open => {}
            ddl => self.note_in_transaction(ddl, part),
        }
    }

    fn note_in_transaction(&mut self, ddl: &Ddl, part: &Part) {
        for lock in &part.impact.locks {
            let mode = self.locks.entry(lock.object.clone()).or_insert(lock.mode);
            *mode = (*mode).max(lock.mode);
        }
        let schema = part.before.search_path.first();
        let resolved = |name: &Name| Name { schema: name.schema.as_ref().or(schema).cloned(), name: name.name.clone() };
        match ddl {
            Ddl::AddEnumValue { ty, value, .. } => self.enum_values.push((resolved(ty), value.clone())),
            Ddl::CreateType { ty } => {
                self.types.insert(resolved(&ty.name));
            }
            _ => {}
        }
    }
}

fn keys(statements: &[Statement]) -> BTreeMap<Ident, Vec<usize>> {
    let mut res: BTreeMap<Ident, Vec<usize>> = BTreeMap::new();
    for (index, statement) in statements.iter().enumerate() {
        for ddl in all_of(statement) {
            let table = match ddl {
                Ddl::CreateIndex { index, .. } => &index.table,
                Ddl::AddConstraint { table, .. } => table,
                _ => continue,
            };
            let all = res.entry(table.name.clone()).or_default();
            if all.last() != Some(&index) {
                all.push(index);
            }
        }
    }
    res
}

fn views(statements: &[Statement]) -> Vec<(usize, Name)> {
    let parts = statements.iter().enumerate().flat_map(|(i, it)| it.parsed.ddl.iter().map(move |it| (i, it)));
    parts
        .filter_map(|(i, it)| match it {
            Ddl::CreateView { view, .. } => Some((i, view.name.clone())),
            _ => None,
        })
        .collect()
}
