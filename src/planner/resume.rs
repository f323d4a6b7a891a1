//! What lets a phase's file run again after a failure and go on from where it was.
//!
//! A transaction is passed over when a fact shows that it is done. Which facts do is found by looking at the states the
//! plan leads through: a fact is a sign of a transaction when it holds in states after it only. Statements that bear being
//! run again, and that no later statement of the phase takes the ground from under, need no sign.

use std::collections::{BTreeMap, BTreeSet};

use super::touch::{Touch, touch};
use crate::{
    catalog::{Catalog, changes},
    changes::Input,
    dialect::{Capability, Dialect},
    plan::{Action, Fact, IndexShape, Phase, Resume, Sign},
    sql::*,
};

/// Marks every step of every phase, and of every way back.
pub fn mark(phases: &mut [Phase], input: &Input<'_>) {
    let mut states = States::from(input.before);
    let built = phases.iter().flat_map(|it| &it.steps).map(|it| &it.action);
    let known = Known::new(input.before, built);
    let of = |it: &Phase, acc: &mut Vec<Fact>| {
        pieces(it.steps.iter().map(|it| (&it.action, it.tx)), input.dialect, &known, acc)
    };
    let own: Vec<Vec<Piece>> = phases.iter().map(|it| of(it, &mut states.facts)).collect();
    states.look();
    let mut ends = Vec::new();
    for (phase, pieces) in phases.iter().zip(&own) {
        states.walk(phase.steps.iter().map(|it| &it.action), pieces);
        ends.push(states.now.clone());
    }
    let mut first = 1;
    for ((phase, pieces), end) in phases.iter_mut().zip(&own).zip(&ends) {
        let range = first..first + pieces.len();
        let lines: Vec<&Action> = phase.steps.iter().map(|it| &it.action).collect();
        let resumes = resumes(&lines, pieces, &states, &range, input, &known);
        let begun = states.signs(pieces, 0, range.clone(), 0);
        for (step, resume) in phase.steps.iter_mut().zip(resumes) {
            step.resume = resume;
        }
        // Before the first phase there is nothing to ask for.
        phase.begun = if first == 1 { Vec::new() } else { begun };
        first = range.end;
        back(phase, end, input);
    }
}

/// The way back, from the end of the phase.
fn back(phase: &mut Phase, end: &Catalog, input: &Input<'_>) {
    let mut states = States::from(end);
    let known = Known::new(end, phase.rollback.iter().map(|it| &it.action));
    let pieces = pieces(phase.rollback.iter().map(|it| (&it.action, it.tx)), input.dialect, &known, &mut states.facts);
    states.look();
    states.walk(phase.rollback.iter().map(|it| &it.action), &pieces);
    let lines: Vec<&Action> = phase.rollback.iter().map(|it| &it.action).collect();
    let resumes = resumes(&lines, &pieces, &states, &(1..1 + pieces.len()), input, &known);
    for (step, resume) in phase.rollback.iter_mut().zip(resumes) {
        step.resume = resume;
    }
}

/// How many facts of a phase are tried in pairs.
const MOST_FACTS: usize = 100;

/// A transaction, or a statement outside of any.
struct Piece {
    /// Of the phase's steps.
    lines: std::ops::Range<usize>,
    outside: bool,
    /// Of the states' facts: what may hold because of it.
    facts: std::ops::Range<usize>,
}

fn pieces<'a>(
    lines: impl Iterator<Item = (&'a Action, Option<u32>)>,
    dialect: &dyn Dialect,
    known: &Known,
    acc: &mut Vec<Fact>,
) -> Vec<Piece> {
    let mut res: Vec<Piece> = Vec::new();
    let mut open = None;
    for (at, (action, tx)) in lines.enumerate() {
        match res.last_mut() {
            Some(piece) if tx.is_some() && tx == open => piece.lines.end = at + 1,
            _ => res.push(Piece { lines: at..at + 1, outside: tx.is_none(), facts: acc.len()..acc.len() }),
        }
        open = tx;
        if let (Some(piece), Action::Ddl(ddl)) = (res.last_mut(), action) {
            acc.extend(known.renamed(ddl).into_iter().filter(|it| dialect.condition(it).is_some()));
            acc.extend(facts(ddl).into_iter().filter(|it| dialect.condition(it).is_some()));
            piece.facts.end = acc.len();
        }
    }
    res
}

/// Indexes and columns that are there, and those that are made.
struct Known {
    shapes: BTreeMap<Name, IndexShape>,
    types: BTreeMap<(Name, Ident), DataType>,
}

impl Known {
    fn new<'a>(catalog: &Catalog, made: impl Iterator<Item = &'a Action>) -> Self {
        let shapes = catalog.indexes.iter().filter_map(|(name, it)| Some((name.clone(), IndexShape::of(it)?)));
        let types = catalog.tables.iter().flat_map(|(table, it)| {
            it.columns.iter().map(|column| ((table.clone(), column.name.clone()), column.ty.clone()))
        });
        let mut res = Self { shapes: shapes.collect(), types: types.collect() };
        for action in made {
            match action {
                Action::Ddl(Ddl::CreateIndex { index, .. }) => {
                    res.shapes.extend(index.name.clone().zip(IndexShape::of(index)));
                }
                Action::Ddl(Ddl::AddColumn { table, column, .. }) => {
                    res.types.insert((table.clone(), column.name.clone()), column.ty.clone());
                }
                _ => {}
            }
        }
        res
    }

    /// What stands under a new name looks as it did under the old one.
    fn renamed(&self, ddl: &Ddl) -> Option<Fact> {
        match ddl {
            Ddl::RenameIndex { from, to } => {
                let shape = self.shapes.get(from)?.clone();
                Some(Fact::IndexOn { index: from.sibling(to.clone()), shape })
            }
            Ddl::RenameColumn { table, from, to } => {
                let ty = self.types.get(&(table.clone(), from.clone()))?.clone();
                Some(Fact::Type { table: table.clone(), column: to.clone(), ty })
            }
            _ => None,
        }
    }
}

/// What may hold once the statement has run, and not before.
fn facts(ddl: &Ddl) -> Vec<Fact> {
    let mut res = Vec::new();
    // With a table come its parts: the table alone is sign enough.
    let whole = |it: &ObjectRef| {
        !matches!((ddl, it), (Ddl::CreateTable { .. }, ObjectRef::Column(..) | ObjectRef::Constraint(..)))
    };
    res.extend(crate::catalog::creates(ddl).into_iter().filter(whole).map(Fact::Holds));
    res.extend(crate::catalog::drops(ddl).into_iter().map(Fact::Lacks));
    res.extend(crate::catalog::renamed(ddl).map(|(from, _)| Fact::Lacks(from)));
    let not_null =
        |table: &Name, column: &Ident, is| Fact::NotNull { table: table.clone(), column: column.clone(), is };
    let identity =
        |table: &Name, column: &Ident, is| Fact::Identity { table: table.clone(), column: column.clone(), is };
    let label = |ty: &Name, label: &smol_str::SmolStr, is| Fact::Label { ty: ty.clone(), label: label.clone(), is };
    match ddl {
        Ddl::SetNotNull { table, column } => res.push(not_null(table, column, true)),
        Ddl::DropNotNull { table, column } => res.push(not_null(table, column, false)),
        Ddl::AddIdentity { table, column, .. } => res.push(identity(table, column, true)),
        Ddl::DropIdentity { table, column, .. } => res.push(identity(table, column, false)),
        Ddl::ValidateConstraint { table, name } => {
            res.push(Fact::Validated { table: table.clone(), name: name.clone(), is: true });
        }
        Ddl::AddConstraint { table, constraint } => {
            if let ConstraintKind::NotNull(column) = &constraint.kind {
                res.push(not_null(table, column, true));
            }
            let name = constraint.name.iter();
            res.extend(name.map(|it| Fact::Validated {
                table: table.clone(),
                name: it.clone(),
                is: !constraint.not_valid,
            }));
        }
        Ddl::AttachPartition { parent, partition, .. } => {
            res.push(Fact::Partition { parent: parent.clone(), partition: partition.clone(), is: true });
        }
        Ddl::DetachPartition { parent, partition, .. } => {
            res.push(Fact::Partition { parent: parent.clone(), partition: partition.clone(), is: false });
        }
        Ddl::SetType { table, column, ty, .. } => {
            res.push(Fact::Type { table: table.clone(), column: column.clone(), ty: ty.clone() });
        }
        Ddl::AddColumn { table, column, .. } => {
            res.push(Fact::Type { table: table.clone(), column: column.name.clone(), ty: column.ty.clone() });
        }
        Ddl::AddEnumValue { ty, value, .. } => res.push(label(ty, value, true)),
        Ddl::RenameEnumValue { ty, from, to } => res.extend([label(ty, to, true), label(ty, from, false)]),
        _ => {}
    }
    res
}

/// The states that the plan leads through, from the first to the last.
struct States {
    facts: Vec<Fact>,
    /// For each state, for each fact: does it hold?
    truth: Vec<Vec<bool>>,
    /// For each piece: what it makes, needs and takes away, and whether it takes the ground from under itself.
    reaches: Vec<(Touch, bool)>,
    now: Catalog,
}

impl States {
    fn from(catalog: &Catalog) -> Self {
        Self { facts: Vec::new(), truth: Vec::new(), reaches: Vec::new(), now: catalog.clone() }
    }

    fn look(&mut self) {
        let row = self.facts.iter().map(|it| it.holds_in(&self.now)).collect();
        self.truth.push(row);
    }

    fn walk<'a>(&mut self, mut lines: impl Iterator<Item = &'a Action>, pieces: &[Piece]) {
        for piece in pieces {
            let mut own: Vec<Touch> = Vec::new();
            for action in lines.by_ref().take(piece.lines.len()) {
                own.push(reach(action, &self.now));
                if let Action::Ddl(ddl) = action {
                    // What cannot be followed has been told as a hazard.
                    _ = self.now.apply(ddl);
                }
            }
            let undercut = (1..own.len()).any(|at| own[..at].iter().any(|it| takes_ground(&own[at], it)));
            let mut all = Touch::default();
            own.into_iter().for_each(|it| all.add(it));
            self.reaches.push((all, undercut));
            self.look();
        }
    }

    /// Signs one of which holds in every state from the piece's on, and none before it (from state `since` on); as
    /// far as there are any.
    fn signs(&self, pieces: &[Piece], at: usize, states: std::ops::Range<usize>, since: usize) -> Vec<Sign> {
        let own = states.start + at;
        let before: Vec<usize> = (since..own).collect();
        let mut uncovered: BTreeSet<usize> = (own..states.end).collect();
        let mut res = Vec::new();
        let columns = || pieces.get(at..).unwrap_or_default().iter().flat_map(|it| it.facts.clone());
        for column in columns() {
            if uncovered.is_empty() {
                return res;
            }
            if !before.iter().any(|it| self.holds(*it, column)) && uncovered.iter().any(|it| self.holds(*it, column)) {
                uncovered.retain(|it| !self.holds(*it, column));
                res.extend(self.facts.get(column).map(|it| vec![it.clone()]));
            }
        }
        // Two that do not hold together before.
        for first in columns().take(MOST_FACTS) {
            let relation = self.facts.get(first).and_then(Fact::relation);
            for second in (0..self.facts.len()).filter(|it| self.facts[*it].relation() == relation) {
                let both = |state: &usize| self.holds(*state, first) && self.holds(*state, second);
                if uncovered.is_empty() {
                    return res;
                }
                if !before.iter().any(both) && uncovered.iter().any(both) {
                    uncovered.retain(|it| !both(it));
                    res.push([first, second].iter().filter_map(|it| self.facts.get(*it).cloned()).collect());
                }
            }
        }
        res
    }

    fn holds(&self, state: usize, fact: usize) -> bool {
        self.truth.get(state).and_then(|row| row.get(fact)).copied().unwrap_or(true)
    }
}

fn resumes(
    lines: &[&Action],
    pieces: &[Piece],
    states: &States,
    range: &std::ops::Range<usize>,
    input: &Input<'_>,
    known: &Known,
) -> Vec<Resume> {
    let reaches = states.reaches.get(range.start - 1..range.end - 1).unwrap_or_default();
    let mut res = Vec::with_capacity(lines.len());
    for (at, piece) in pieces.iter().enumerate() {
        let own = &lines[piece.lines.clone()];
        let safe = own.iter().all(|it| bears(it, input)) && stands(reaches, at);
        let done = if safe { Vec::new() } else { states.signs(pieces, at, range.clone(), range.start - 1) };
        res.extend(own.iter().map(|action| resume(action, &done, piece.outside, input, known)));
    }
    res
}

/// What a statement makes, changes, needs and takes away, on the catalog before it.
fn reach(action: &Action, catalog: &Catalog) -> Touch {
    let mut res = Touch::default();
    match action {
        Action::Ddl(ddl) => {
            res = touch(ddl, catalog, catalog, catalog);
            res.needs.extend(changes(ddl));
        }
        Action::Backfill(it) => {
            let columns = catalog.table(&it.table).map(|it| it.columns.as_slice()).unwrap_or_default();
            res.needs.extend(columns.iter().map(|column| ObjectRef::Column(it.table.clone(), column.name.clone())));
        }
        Action::Data(_) => {}
    }
    // A part stands on its table, also when it goes.
    let parts = res.needs.iter().chain(&res.creates).chain(&res.drops).chain(&res.leaves);
    let relations: Vec<ObjectRef> = parts.filter_map(|it| it.relation().cloned()).map(ObjectRef::Table).collect();
    res.needs.extend(relations);
    res
}

/// Nothing takes the ground from under the piece: neither itself nor a later one.
fn stands(reaches: &[(Touch, bool)], at: usize) -> bool {
    let later = reaches.get(at + 1..).unwrap_or_default();
    reaches.get(at).is_some_and(|(own, undercut)| !undercut && !later.iter().any(|(it, _)| takes_ground(it, own)))
}

/// A later piece that makes it impossible, or harmful, to run an earlier one again.
fn takes_ground(later: &Touch, earlier: &Touch) -> bool {
    let gone = later.drops.iter().chain(&later.leaves);
    gone.clone().any(|it| earlier.creates.contains(it) || earlier.needs.contains(it))
        || later.creates.iter().any(|it| earlier.drops.contains(it) || earlier.leaves.contains(it))
}

/// Bears being run again where nothing it stands on has changed.
fn bears(action: &Action, input: &Input<'_>) -> bool {
    match action {
        Action::Backfill(_) => true,
        Action::Data(_) => false,
        Action::Ddl(ddl) => same_again(ddl) || again(ddl, input.dialect, input.facts.server_version).is_some(),
    }
}

/// Says the same a second time and changes nothing.
fn same_again(ddl: &Ddl) -> bool {
    match ddl {
        Ddl::SetDefault { .. }
        | Ddl::SetNotNull { .. }
        | Ddl::DropNotNull { .. }
        | Ddl::SetTableOptions { .. }
        | Ddl::SetPersistence { .. }
        | Ddl::SetTablespace { .. }
        | Ddl::SetAccessMethod { .. }
        | Ddl::SetRowSecurity { .. }
        | Ddl::SetReplicaIdentity { .. }
        | Ddl::ClusterOn { .. }
        | Ddl::SetColumnStatistics { .. }
        | Ddl::SetColumnStorage { .. }
        | Ddl::SetColumnCompression { .. }
        | Ddl::SetColumnOptions { .. }
        | Ddl::ValidateConstraint { .. }
        | Ddl::AlterConstraint { .. }
        | Ddl::SetIndexOptions { .. }
        | Ddl::SetIndexStatistics { .. }
        | Ddl::AttachIndex { .. }
        | Ddl::AlterView { .. }
        | Ddl::AlterPolicy { .. }
        | Ddl::EnableTrigger { .. }
        | Ddl::SetStatisticsTarget { .. }
        | Ddl::Comment { .. }
        | Ddl::Grant { .. }
        | Ddl::Revoke { .. }
        | Ddl::SetOwner { .. } => true,
        Ddl::SetIdentity { restart, .. } | Ddl::AlterSequence { restart, .. } => restart.is_none(),
        Ddl::AlterDomain { action, .. } => matches!(
            action,
            DomainAction::SetDefault(_)
                | DomainAction::SetNotNull
                | DomainAction::DropNotNull
                | DomainAction::ValidateConstraint(_)
        ),
        _ => false,
    }
}

/// The statement with the server's own words for "unless it is so already".
fn again(ddl: &Ddl, dialect: &dyn Dialect, server_version: u32) -> Option<Ddl> {
    let mut res = ddl.clone();
    match &mut res {
        Ddl::CreateSchema { if_not_exists, .. }
        | Ddl::CreateExtension { if_not_exists, .. }
        | Ddl::CreateTable { if_not_exists, .. }
        | Ddl::CreateTableAs { if_not_exists, .. }
        | Ddl::CreateSequence { if_not_exists, .. }
        | Ddl::CreateStatistics { if_not_exists, .. }
        | Ddl::AddColumn { if_not_exists, .. }
        | Ddl::AddEnumValue { if_not_exists, .. } => *if_not_exists = true,
        Ddl::CreateIndex { index, if_not_exists, .. } if index.name.is_some() => *if_not_exists = true,
        Ddl::CreateView { view, or_replace, if_not_exists } => match view.materialized {
            true => *if_not_exists = true,
            false => *or_replace = true,
        },
        Ddl::CreateFunction { or_replace, .. } => *or_replace = true,
        Ddl::CreateTrigger { trigger, or_replace }
            if !trigger.constraint && dialect.can(Capability::ReplaceTrigger, server_version) =>
        {
            *or_replace = true;
        }
        Ddl::DropSchema { if_exists, .. }
        | Ddl::DropExtension { if_exists, .. }
        | Ddl::DropTable { if_exists, .. }
        | Ddl::DropColumn { if_exists, .. }
        | Ddl::DropIdentity { if_exists, .. }
        | Ddl::DropExpression { if_exists, .. }
        | Ddl::DropConstraint { if_exists, .. }
        | Ddl::DropIndex { if_exists, .. }
        | Ddl::DropSequence { if_exists, .. }
        | Ddl::DropType { if_exists, .. }
        | Ddl::DropView { if_exists, .. }
        | Ddl::DropFunction { if_exists, .. }
        | Ddl::DropTrigger { if_exists, .. }
        | Ddl::DropPolicy { if_exists, .. }
        | Ddl::DropStatistics { if_exists, .. } => *if_exists = true,
        Ddl::AlterDomain { action: DomainAction::DropConstraint { if_exists, .. }, .. }
        | Ddl::AlterComposite { action: CompositeAction::DropAttribute { if_exists, .. }, .. } => *if_exists = true,
        _ => return None,
    }
    Some(res)
}

fn resume(action: &Action, done: &[Sign], outside: bool, input: &Input<'_>, known: &Known) -> Resume {
    let (dialect, server_version) = (input.dialect, input.facts.server_version);
    let mut res = Resume { done: done.to_vec(), ..Resume::default() };
    match action {
        Action::Backfill(it) if !done.is_empty() => {
            res.sql = Some(dialect.backfill_unless(it, &dialect.any_of(done)));
            res.done.clear();
        }
        Action::Ddl(Ddl::CreateIndex { index, concurrently: true, .. }) if !done.is_empty() => {
            let own = known.types.iter().filter(|it| it.0.0 == index.table);
            let columns: Vec<_> = own.map(|((_, name), ty)| (name.clone(), ty.clone())).collect();
            return dialect.create_index_unless(index, &columns, &dialect.any_of(done)).unwrap_or_default();
        }
        // The name belongs to another index by then.
        Action::Ddl(Ddl::DropIndex { name, concurrently: true, .. }) if !done.is_empty() => {
            return dialect.drop_index_unless(name, &dialect.any_of(done));
        }
        Action::Ddl(Ddl::DetachPartition { parent, partition, mode: DetachMode::Concurrently }) => {
            return dialect.detach_again(parent, partition);
        }
        Action::Ddl(ddl) => {
            res.sql = again(ddl, dialect, server_version)
                .map(|it| dialect.render(&it))
                .filter(|it| *it != dialect.render(ddl));
            if let Ddl::CreateIndex { index, concurrently: true, .. } = ddl
                && outside
            {
                res.before = index.name.as_ref().map(|it| dialect.drop_if_invalid(it));
            }
        }
        _ => {}
    }
    res
}
