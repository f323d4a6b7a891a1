//! How a hazard is taken out of its statement: [`Fix`], and the parts that the rules' own fixes are made of.
//!
//! A fix ends where the statement would have ended: the catalog afterwards is the same. What leads there on another
//! way, through several deployments, is not an edit but a plan ([`Fix::Phases`]); `copilot` makes its files.

use std::{collections::BTreeMap, ops::Range};

use super::{context::Context, file::Found};
use crate::{
    catalog::object_name,
    plan::{PhaseKind, phase_of_file},
    sql::{
        Constraint, ConstraintKind, Ddl, Ident, Index, IndexKey, Name, Statement, TransactionControl, Wrap,
        tokens::{Token, tokens},
    },
    text::TextEdit,
};

/// How a hazard is taken out of its statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fix {
    /// Other text in the same file.
    Edit(FileFix),
    /// A phased migration takes the statement's place.
    Phases,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFix {
    /// What it does, as an order: `Create the index CONCURRENTLY`.
    pub title: String,
    /// In bytes of the file; they do not overlap.
    pub edits: Vec<TextEdit>,
    /// The file has to run outside of the transaction that its tool makes: the tool's mark for that is part of the fix.
    pub mark: bool,
}

/// Fixes for findings of a file that can be made at once.
pub(super) fn choose(mut findings: Vec<Found>) -> Vec<FileFix> {
    // Stable: those of the same severity stay in the order of the file.
    findings.sort_by_key(|it| std::cmp::Reverse(it.finding.severity));
    let mut res: Vec<FileFix> = Vec::new();
    let mut severity = None;
    let hull = |it: &FileFix| {
        let start = it.edits.iter().map(|it| it.range.start).min().unwrap_or_default();
        start..it.edits.iter().map(|it| it.range.end).max().unwrap_or(start)
    };
    for Found { finding, fix } in findings {
        let Some(Fix::Edit(fix)) = fix else { continue };
        if severity.is_some_and(|it| it != finding.severity) {
            break;
        }
        let own = hull(&fix);
        let apart = |it: &Range<usize>| own.end < it.start || it.end < own.start;
        if res.iter().all(|it| apart(&hull(it))) && !(fix.mark && res.iter().any(|it| it.mark)) {
            severity = Some(finding.severity);
            res.push(fix);
        }
    }
    res
}

/// What to do is for people to decide.
pub(super) fn none(_: &Context<'_>, _: &Ddl) -> Option<Fix> {
    None
}

/// The statement is planned. (That the catalog knows what it changes, [`super::file`] sees to.)
pub(super) fn phases(_: &Context<'_>, _: &Ddl) -> Option<Fix> {
    Some(Fix::Phases)
}

/// As [`phases`], except where the file is the last phase of a plan: there it is where it belongs.
pub(super) fn later(ctx: &Context<'_>, ddl: &Ddl) -> Option<Fix> {
    let is_last = phase_of_file(ctx.input.text).is_some_and(|it| it.1.starts_with(PhaseKind::Contract.as_str()));
    phases(ctx, ddl).filter(|_| !is_last)
}

/// What the text of a statement becomes.
pub(super) struct Rewrite {
    title: String,
    edits: Vec<TextEdit>,
    /// Statements more than before.
    more: usize,
    /// One of its statements cannot run in a transaction.
    outside: bool,
    /// Its statements must not share a transaction.
    apart: bool,
}

impl Rewrite {
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), edits: Vec::new(), more: 0, outside: false, apart: false }
    }

    pub fn edit(mut self, edit: TextEdit) -> Self {
        self.edits.push(edit);
        self
    }

    /// Other statements in place of this one.
    pub fn statements(mut self, ctx: &Context<'_>, statements: &[String]) -> Self {
        self.more = statements.len().saturating_sub(1);
        let text = statements.join(&format!(";{}", ctx.line_break()));
        self.edit(TextEdit::replace(ctx.range(), text))
    }

    /// So many statements more than before.
    pub fn more(self, more: usize) -> Self {
        Self { more, ..self }
    }

    /// One of its statements cannot run in a transaction.
    pub fn outside(self) -> Self {
        Self { outside: true, ..self }
    }

    /// Its statements must not share a transaction.
    pub fn apart(self) -> Self {
        Self { apart: true, ..self }
    }

    /// The fix, with what it takes to run the statements as they have to run. Where only a file of their own will do:
    /// a plan.
    pub fn fix(mut self, ctx: &Context<'_>) -> Option<Fix> {
        let separate = self.outside || self.apart;
        let count = ctx.input.statements.len();
        let wraps = |runs: Wrap| runs.wraps(count + self.more, self.outside);
        let mut mark = false;
        if ctx.held.explicit {
            if separate {
                self.edits.extend(leave_block(ctx)?);
            }
            // Between BEGIN and COMMIT of the file; what the tool adds around them is beyond a fix.
            if separate && wraps(ctx.input.runs.wrap) {
                return Some(Fix::Phases);
            }
        } else if separate && wraps(ctx.input.runs.wrap) {
            // With a mark all of the file leaves the transaction: the others must have no use for it.
            mark = ctx.is_alone() && ctx.input.runs.marked.is_some_and(|it| !wraps(it));
            if !mark {
                return Some(Fix::Phases);
            }
        }
        Some(Fix::Edit(FileFix { title: self.title, edits: self.edits, mark }))
    }
}

/// A constraint is added NOT VALID and validated by a statement of its own.
pub(super) fn not_valid(ctx: &Context<'_>, ddl: &Ddl, table: &Name, constraint: &Constraint) -> Option<Fix> {
    // Of a table that is not known nobody can say whether it takes a constraint that is not valid.
    ctx.table(table)?;
    if !ctx.is_single() {
        return Some(Fix::Phases);
    }
    let name = match &constraint.name {
        Some(name) => name.clone(),
        None => ctx.constraint_name(table, ddl)?,
    };
    let validate = ctx.sql(&Ddl::ValidateConstraint { table: table.clone(), name });
    Rewrite::new("Add it NOT VALID, then validate it")
        .edit(ctx.append(&format!(" NOT VALID;{}{validate}", ctx.line_break()))?)
        .apart()
        .more(1)
        .fix(ctx)
}

/// An index that is created CONCURRENTLY, also after a try that failed: IF NOT EXISTS would keep its invalid index.
pub(super) fn create_anew(ctx: &Context<'_>, index: &Index, title: &str) -> Option<Fix> {
    let name = index.name.as_ref()?;
    // An index that is known to be there is one that IF NOT EXISTS is to keep.
    if ctx.before.indexes.contains_key(&ctx.resolve(name)) || ctx.is_partitioned(&index.table) {
        return None;
    }
    let tokens = ctx.tokens();
    let words = |at: usize, words: &[&str]| {
        words.iter().enumerate().all(|(i, it)| tokens.get(at + i).is_some_and(|token| token.is(ctx.text, it)))
    };
    let at = (0..tokens.len()).find(|it| words(*it, &["IF", "NOT", "EXISTS"]))?;
    let concurrently = if words(at.checked_sub(1)?, &["CONCURRENTLY"]) { "" } else { "CONCURRENTLY " };
    let (start, end) = (tokens[at].range.start, tokens.get(at + 3)?.range.start);
    let create = format!("{}{concurrently}{}", &ctx.text[..start], &ctx.text[end..]);
    let drop = Ddl::DropIndex { name: name.clone(), concurrently: true, if_exists: true, cascade: false };
    let fix = Rewrite::new(title).statements(ctx, &[ctx.sql(&drop), create]).outside().fix(ctx);
    // A plan has its own way to begin again.
    fix.filter(|it| *it != Fix::Phases)
}

/// A key whose index is built before, while everybody works.
pub(super) fn key_from_index(ctx: &Context<'_>, ddl: &Ddl) -> Option<Fix> {
    let Ddl::AddConstraint { table, constraint } = ddl else { return None };
    let (key, primary) = match &constraint.kind {
        ConstraintKind::PrimaryKey(it) => (it, true),
        ConstraintKind::Unique(it) => (it, false),
        _ => return None,
    };
    let known = ctx.table(table)?;
    let nullable = |it: &Ident| known.column(it).is_none_or(|it| !it.not_null);
    if !ctx.is_single()
        || known.partition_by.is_some()
        || key.without_overlaps
        || primary && key.columns.iter().any(nullable)
    {
        return Some(Fix::Phases);
    }
    let name = match &constraint.name {
        Some(name) => name.clone(),
        None => ctx.constraint_name(table, ddl)?,
    };
    let index = Index {
        name: Some(Name { schema: None, name: name.clone() }),
        table: table.clone(),
        unique: true,
        method: Ident::new("btree"),
        keys: key.columns.iter().cloned().map(IndexKey::column).collect(),
        include: key.include.clone(),
        nulls_not_distinct: key.nulls_not_distinct,
        predicate: None,
        options: key.options.clone(),
        tablespace: key.tablespace.clone(),
        only: false,
        attached_to: None,
        statistics: BTreeMap::new(),
    };
    let build = Ddl::CreateIndex { index: Box::new(index), concurrently: true, if_not_exists: false };
    let attach = Ddl::AddConstraintUsingIndex {
        table: table.clone(),
        name: Some(name.clone()),
        primary,
        index: name,
        deferrable: constraint.deferrable,
        initially_deferred: constraint.initially_deferred,
    };
    Rewrite::new("Build its index CONCURRENTLY before")
        .statements(ctx, &[ctx.sql(&build), ctx.sql(&attach)])
        .outside()
        .fix(ctx)
}

/// Statements that prove, before and without locking anybody out, that a column holds no NULL, and the one that takes
/// the proof away when NOT NULL is set.
pub(super) fn proof_of_not_null(ctx: &Context<'_>, table: &Name, column: &Ident) -> Option<(Vec<String>, String)> {
    let known = ctx.table(table)?;
    let name = object_name(table.name.as_str(), Some(column.as_str()), "present");
    if known.constraint(&name).is_some() {
        return None;
    }
    let check = ctx.dialect.expr(&format!("{} IS NOT NULL", ctx.dialect.quote(column)));
    let mut constraint = Constraint::new(Some(name.clone()), ConstraintKind::Check(check));
    constraint.not_valid = true;
    let add = Ddl::AddConstraint { table: table.clone(), constraint: Box::new(constraint) };
    let validate = Ddl::ValidateConstraint { table: table.clone(), name: name.clone() };
    let drop = Ddl::DropConstraint { table: table.clone(), name, if_exists: false, cascade: false };
    Some((vec![ctx.sql(&add), ctx.sql(&validate)], ctx.sql(&drop)))
}

/// Edits that end the block of BEGIN and COMMIT before the statement and begin another behind it, where there is
/// something to put into them. `None`: the block has no end, or does not end well.
fn leave_block(ctx: &Context<'_>) -> Option<Vec<TextEdit>> {
    let statements = ctx.input.statements;
    let control = |it: &Statement| match it.parsed.ddl.as_slice() {
        [Ddl::Transaction(it)] => Some(*it),
        _ => None,
    };
    let begin = statements[..ctx.statement].iter().rposition(|it| control(it) == Some(TransactionControl::Begin))?;
    let mut rest = statements.iter().enumerate().skip(ctx.statement + 1);
    let end = rest.find(|(_, it)| control(it).is_some_and(|it| it != TransactionControl::Begin))?.0;
    if control(&statements[end]) != Some(TransactionControl::Commit) {
        return None;
    }
    let line_break = ctx.line_break();
    let before = match begin + 1 == ctx.statement {
        true => ctx.removal(&statements[begin]),
        false => TextEdit::insert(ctx.range().start, format!("COMMIT;{line_break}")),
    };
    let after = match end == ctx.statement + 1 {
        true => ctx.removal(&statements[end]),
        false => TextEdit::insert(ctx.range().end, format!(";{line_break}BEGIN")),
    };
    Some(vec![before, after])
}

// Words about the text of the statement.
impl Context<'_> {
    /// Bytes of the statement in the file.
    pub fn range(&self) -> Range<usize> {
        self.input.statements[self.statement].range.clone()
    }

    /// The tokens of the statement; ranges are bytes of its text.
    pub fn tokens(&self) -> Vec<Token> {
        tokens(self.text)
    }

    /// Puts a word behind the token that ends with these words: `after(&["CREATE", "INDEX"], "CONCURRENTLY")`.
    /// `None`: the statement does not begin with them.
    pub fn insert_after(&self, words: &[&str], insert: &str) -> Option<TextEdit> {
        let tokens = self.tokens();
        let begins = words.iter().enumerate().all(|(i, word)| tokens.get(i).is_some_and(|it| it.is(self.text, word)));
        let last = tokens.get(words.len().checked_sub(1)?).filter(|_| begins)?;
        Some(TextEdit::insert(self.range().start + last.range.end, format!(" {insert}")))
    }

    /// Puts text behind the last token: a comment may follow it.
    pub fn append(&self, insert: &str) -> Option<TextEdit> {
        let end = self.tokens().last()?.range.end;
        Some(TextEdit::insert(self.range().start + end, insert))
    }

    /// Where a statement can be put in front of this one without coming between it and what its comments say of it.
    pub fn start(&self) -> usize {
        let statement = &self.input.statements[self.statement];
        let above = statement.parsed.annotations.iter().map(|it| statement.full.start + it.range.start);
        let first = above.filter(|it| *it < statement.range.start).min();
        first.map_or(statement.range.start, |at| self.input.text[..at].rfind('\n').map_or(0, |it| it + 1))
    }

    /// Nothing else in the file would miss a transaction.
    pub fn is_alone(&self) -> bool {
        let harmless = |it: &Statement| it.parsed.ddl.iter().all(|it| matches!(it, Ddl::SetParameter { .. }));
        let mut others = self.input.statements.iter().enumerate().filter(|it| it.0 != self.statement);
        others.all(|it| !it.1.parsed.ddl.is_empty() && harmless(it.1))
    }

    /// The statement is about one thing only, as its text says: `ALTER TABLE t <one action>`.
    pub fn is_single(&self) -> bool {
        let statement = &self.input.statements[self.statement];
        self.parts.len() == 1 && statement.parsed.ddl.len() == 1 && !statement.parsed.if_exists
    }

    /// As the server's message of one statement: `ALTER TABLE …` without semicolon.
    pub fn sql(&self, ddl: &Ddl) -> String {
        self.dialect.render(ddl)
    }

    /// The name that an unnamed constraint gets.
    pub fn constraint_name(&self, table: &Name, ddl: &Ddl) -> Option<Ident> {
        let known = self.table(table)?;
        let mut after = self.before.clone();
        after.apply(ddl).ok()?;
        let now = after.table(&self.resolve(table))?;
        let is_new = |it: &&Constraint| known.constraints.iter().all(|known| known.name != it.name);
        now.constraints.iter().find(is_new)?.name.clone()
    }

    /// The end of the line above, with the indentation of this one.
    pub fn line_break(&self) -> String {
        let start = self.range().start;
        let text = self.input.text;
        let line = text[..start].rfind('\n').map_or(0, |it| it + 1);
        let indent: String = text[line..start].chars().take_while(|it| matches!(it, ' ' | '\t')).collect();
        let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        format!("{end}{indent}")
    }

    /// Takes a statement away, with its semicolon and its line if nothing else is on it.
    fn removal(&self, statement: &Statement) -> TextEdit {
        let text = self.input.text;
        let (start, mut end) = (statement.range.start, statement.range.end);
        let blank = |it: char| matches!(it, ' ' | '\t');
        end += text[end..].len() - text[end..].trim_start_matches(blank).len();
        if text[end..].starts_with(';') {
            end += 1;
        }
        let tail = text[end..].trim_start_matches(blank);
        let line = text[..start].rfind('\n').map_or(0, |it| it + 1);
        let alone = text[line..start].chars().all(blank);
        match tail.strip_prefix("\r\n").or_else(|| tail.strip_prefix('\n')) {
            Some(rest) if alone => TextEdit::replace(line..text.len() - rest.len(), ""),
            _ => TextEdit::replace(start..text.len() - tail.len(), ""),
        }
    }
}
