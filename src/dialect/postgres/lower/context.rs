//! What every lowering needs: source text, names, marks, problems.

use std::ops::Range;

use smol_str::SmolStr;
use squawk_syntax::{
    SyntaxElement, SyntaxKind, SyntaxNode, SyntaxToken,
    ast::{self, AstNode},
};

use super::annotations;
use crate::{
    dialect::postgres::{expr, unquote},
    sql::*,
};

/// One statement on its way to `Ddl`.
pub(super) struct Cx<'a> {
    /// The piece, comments included.
    text: &'a str,
    /// Where the statement stands in it; the tree's offsets count from its start.
    range: Range<usize>,
    out: Parsed,
    /// Column definitions of CREATE TABLE, for the annotations beside them.
    columns: Vec<(Ident, Range<usize>)>,
}

/// `ALTER TABLE IF EXISTS`, `ALTER MATERIALIZED VIEW IF EXISTS` …: the words stand right behind the kind.
fn alters_if_exists(statement: &str) -> bool {
    let mut words = super::super::lexer::tokens(statement);
    let alter = words.next().is_some_and(|it| it.is_word("alter"));
    let head: Vec<_> = words.take(4).collect();
    alter && head.windows(2).any(|it| matches!(it, [a, b] if a.is_word("if") && b.is_word("exists")))
}

impl<'a> Cx<'a> {
    pub fn new(text: &'a str, range: Range<usize>) -> Self {
        Self { text, range, out: Parsed::default(), columns: Vec::new() }
    }

    pub fn finish(mut self) -> Parsed {
        self.out.if_exists = alters_if_exists(self.statement());
        self.out.annotations = annotations::find(self.text, &self.range, &self.columns);
        for it in self.out.annotations.clone() {
            let ours = self.text[it.range.clone()].starts_with('@');
            if let Some(meant) = misspelt_annotation(&it.key).filter(|_| ours) {
                let message = format!("there is no annotation @{}: did you mean @{meant}?", it.key);
                self.problem(it.range, message, Severity::Warning);
            }
        }
        self.out.marks.sort_by_key(|it| (it.range.start, it.range.end));
        self.out.marks.dedup();
        self.out
    }

    pub fn push(&mut self, ddl: Ddl) {
        self.out.ddl.push(ddl);
    }

    // Text

    /// The node's text as written.
    pub fn text(&self, node: &impl AstNode) -> &'a str {
        self.slice(node.syntax())
    }

    pub fn slice(&self, node: &SyntaxNode) -> &'a str {
        self.text.get(self.place(node)).unwrap_or_default()
    }

    /// The whole statement.
    pub fn statement(&self) -> &'a str {
        self.text.get(self.range.clone()).unwrap_or_default()
    }

    /// Where a node stands in the piece, without white space and comments at its ends.
    pub fn place(&self, node: &SyntaxNode) -> Range<usize> {
        let range = match (first_significant(node), last_significant(node)) {
            (Some(first), Some(last)) => first.text_range().cover(last.text_range()),
            _ => node.text_range(),
        };
        usize::from(range.start()) + self.range.start..usize::from(range.end()) + self.range.start
    }

    pub fn expr(&self, node: &impl AstNode) -> Expr {
        expr::expr(self.text(node))
    }

    pub fn query(&self, node: &impl AstNode) -> Expr {
        expr::query(self.text(node))
    }

    pub fn expr_opt(&self, node: Option<ast::Expr>) -> Option<Expr> {
        Some(self.expr(&node?))
    }

    // Names

    /// The parts of a name, dots aside.
    fn parts(&mut self, node: &SyntaxNode) -> Vec<Ident> {
        let mut parts = Vec::with_capacity(2);
        let mut tokens = significant(node).collect::<Vec<_>>().into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token.kind() {
                SyntaxKind::DOT | SyntaxKind::STAR | SyntaxKind::GROUP_KW => continue,
                SyntaxKind::UESCAPE_KW => {
                    tokens.next();
                    continue;
                }
                _ => {}
            }
            let name = if tokens.peek().is_some_and(|it| it.kind() == SyntaxKind::UESCAPE_KW) {
                let escape = tokens.clone().nth(1).and_then(|it| unquote::string(it.text()).chars().next());
                unquote::unicode(token.text(), escape.unwrap_or('\\'))
            } else {
                unquote::ident(token.text()).into_owned()
            };
            let ident = Ident::new(&name);
            if ident.as_str().len() < name.len() {
                let message = format!("this name is longer than 63 bytes: PostgreSQL cuts it to \"{ident}\"");
                let range = self.element_place(&token);
                self.problem(range, message, Severity::Warning);
            }
            parts.push(ident);
        }
        parts
    }

    fn element_place(&self, token: &SyntaxToken) -> Range<usize> {
        let range = token.text_range();
        usize::from(range.start()) + self.range.start..usize::from(range.end()) + self.range.start
    }

    /// The last part of a name.
    pub fn ident(&mut self, node: &impl AstNode) -> Option<Ident> {
        self.parts(node.syntax()).pop()
    }

    pub fn ident_opt<N: AstNode>(&mut self, node: Option<N>) -> Option<Ident> {
        self.ident(&node?)
    }

    /// A name with or without schema; a database in front is dropped, as the server allows only the current one.
    pub fn name(&mut self, node: &impl AstNode) -> Option<Name> {
        let mut parts = self.parts(node.syntax());
        let name = parts.pop()?;
        Some(Name { schema: parts.pop(), name })
    }

    /// `table.column`, as OWNED BY and COMMENT ON COLUMN have it.
    pub fn column_path(&mut self, node: &impl AstNode) -> Option<(Name, Ident)> {
        let mut parts = self.parts(node.syntax());
        let column = parts.pop()?;
        let name = parts.pop()?;
        Some((Name { schema: parts.pop(), name }, column))
    }

    pub fn idents<N: AstNode>(&mut self, nodes: impl Iterator<Item = N>) -> Vec<Ident> {
        nodes.filter_map(|it| self.ident(&it)).collect()
    }

    /// A role: a name, or `current_user` and its like in lower case.
    pub fn roles(&mut self, list: Option<ast::RoleRefList>) -> Vec<Ident> {
        list.map(|it| self.idents(it.role_refs())).unwrap_or_default()
    }

    // Marks

    pub fn mark(&mut self, node: &impl AstNode, object: ObjectRef, defines: bool) {
        let range = self.place(node.syntax());
        if !range.is_empty() {
            self.out.marks.push(Mark { object, range, defines });
        }
    }

    /// Names a table and marks the place as a reference.
    pub fn table_ref(&mut self, node: Option<impl AstNode>) -> Option<Name> {
        self.refer(node, ObjectRef::Table)
    }

    /// Names an object and marks the place as a reference to it.
    pub fn refer<N: AstNode>(&mut self, node: Option<N>, object: impl Fn(Name) -> ObjectRef) -> Option<Name> {
        let node = node?;
        let name = self.name(&node)?;
        self.mark(&node, object(name.clone()), false);
        Some(name)
    }

    /// Names an object and marks the place as its definition.
    pub fn define<N: AstNode>(&mut self, node: Option<N>, object: impl Fn(Name) -> ObjectRef) -> Option<Name> {
        let node = node?;
        let name = self.name(&node)?;
        self.mark(&node, object(name.clone()), true);
        Some(name)
    }

    /// A column of a table, referred to.
    pub fn column_ref<N: AstNode>(&mut self, node: Option<N>, table: &Name) -> Option<Ident> {
        let node = node?;
        let column = self.ident(&node)?;
        self.mark(&node, ObjectRef::Column(table.clone(), column.clone()), false);
        Some(column)
    }

    pub fn column_refs<N: AstNode>(&mut self, nodes: impl Iterator<Item = N>, table: &Name) -> Vec<Ident> {
        nodes.filter_map(|it| self.column_ref(Some(it), table)).collect()
    }

    /// A column's definition, remembered for the annotations beside it.
    pub fn define_column(&mut self, name: &impl AstNode, whole: &SyntaxNode, table: &Name, column: &Ident) {
        self.mark(name, ObjectRef::Column(table.clone(), column.clone()), true);
        let place = self.place(whole);
        self.columns.push((column.clone(), place));
    }

    /// Marks every table that a statement which could not be read mentions.
    pub fn mark_all(&mut self, root: &SyntaxNode) {
        for node in root.descendants() {
            if let Some(it) = ast::TableName::cast(node.clone()) {
                self.define(Some(it), ObjectRef::Table);
            } else if ast::TableNameRef::can_cast(node.kind()) || ast::RelationNameRef::can_cast(node.kind()) {
                let name = ast::TableNameRef::cast(node.clone()).and_then(|it| self.name(&it));
                let name = name.or_else(|| ast::RelationNameRef::cast(node.clone()).and_then(|it| self.name(&it)));
                let range = self.place(&node);
                self.out.marks.extend(name.map(|it| Mark { object: ObjectRef::Table(it), range, defines: false }));
            }
        }
    }

    // Literals

    /// The text of a string, adjacent parts joined; of a number or word its text.
    pub fn value(&self, literal: &ast::Literal) -> SmolStr {
        let mut text = String::new();
        for token in significant(literal.syntax()).take_while(|it| it.kind() != SyntaxKind::UESCAPE_KW) {
            text.push_str(&unquote::string(token.text()));
        }
        text.into()
    }

    /// An integer, possibly signed or in quotes.
    pub fn integer(&self, node: Option<ast::Expr>) -> Option<i64> {
        let text: String = self.text(&node?).chars().filter(|it| !it.is_whitespace() && *it != '_').collect();
        text.trim_matches('\'').parse().ok()
    }

    // Problems

    pub fn problems(&self) -> usize {
        self.out.problems.len()
    }

    pub fn problem(&mut self, range: Range<usize>, message: impl Into<String>, severity: Severity) {
        self.out.problems.push(Problem { range, message: message.into(), severity });
    }

    pub fn error(&mut self, range: Range<usize>, message: impl Into<String>) {
        self.problem(range, message, Severity::Error);
    }

    /// The statement lacks a part that squawk does not insist on.
    pub fn incomplete(&mut self, node: &SyntaxNode) {
        let range = self.place(node);
        let first: Vec<_> = significant(node).take(2).map(|it| it.text().to_ascii_uppercase()).collect();
        self.error(range, format!("this {} statement is incomplete: a name or an action is missing", first.join(" ")));
    }

    /// An error of squawk's; its range may be empty and then stands before or behind the token that is wrong.
    pub fn syntax_error(&mut self, at: Range<usize>, message: &str, in_body: bool) {
        let statement = self.statement();
        let start = statement.floor_char_boundary(at.start);
        let end = statement.ceil_char_boundary(at.end.max(start));
        let rest = &statement[start..];
        let blank = rest.len() - rest.trim_start().len();
        let range = if start < end {
            start..end
        } else if rest.trim_start().is_empty() {
            let kept = statement.trim_end().len();
            statement.floor_char_boundary(kept.saturating_sub(1))..kept
        } else {
            let word = super::super::lexer::tokens(rest).next().map_or(1, |it| it.range().end.max(blank + 1));
            start + blank..statement.ceil_char_boundary(start + word)
        };
        let found = statement.get(range.clone()).unwrap_or_default();
        let found = if found.len() > 30 || found.contains('\n') { "" } else { found };
        let message = explain(message, found);
        let severity = if in_body { Severity::Warning } else { Severity::Error };
        let base = self.range.start;
        self.problem(range.start + base..range.end + base, message, severity);
    }
}

/// squawk names tokens by their kind: `expected R_PAREN`, `expected command, found IDENT`.
fn explain(message: &str, found: &str) -> String {
    let words: Vec<_> = message
        .split(' ')
        .map(|word| {
            let bare = word.trim_end_matches([',', '.', ':']);
            let tail = &word[bare.len()..];
            let plain = match bare {
                "L_PAREN" => "`(`",
                "R_PAREN" => "`)`",
                "L_BRACK" => "`[`",
                "R_BRACK" => "`]`",
                "COMMA" => "`,`",
                "SEMICOLON" => "`;`",
                "EQ" => "`=`",
                "DOT" => "`.`",
                "COLON" => "`:`",
                "IDENT" => "a name",
                "STRING" => "a string",
                "INT_NUMBER" => "a number",
                _ => match bare.strip_suffix("_KW") {
                    Some(keyword) => return format!("{keyword}{tail}"),
                    None => bare,
                },
            };
            format!("{plain}{tail}")
        })
        .collect();
    let message = words.join(" ");
    if found.trim().is_empty() {
        format!("syntax error: {message}")
    } else {
        format!("syntax error at `{found}`: {message}")
    }
}

// The tree

/// The node's tokens, white space and comments aside.
pub(super) fn significant(node: &SyntaxNode) -> impl Iterator<Item = SyntaxToken> {
    node.descendants_with_tokens().filter_map(SyntaxElement::into_token).filter(|it| !it.kind().is_trivia())
}

fn first_significant(node: &SyntaxNode) -> Option<SyntaxToken> {
    let end = node.text_range().end();
    let mut token = node.first_token()?;
    while token.kind().is_trivia() {
        token = token.next_token()?;
    }
    (token.text_range().end() <= end).then_some(token)
}

fn last_significant(node: &SyntaxNode) -> Option<SyntaxToken> {
    let end = node.text_range().end();
    let mut token = node.last_token()?;
    while token.kind().is_trivia() {
        token = token.prev_token()?;
    }
    (token.text_range().start() >= node.text_range().start() && token.text_range().end() <= end).then_some(token)
}

/// The node's words in upper case, one space apart: `ACCESS EXCLUSIVE`.
pub(super) fn words(node: &impl AstNode) -> SmolStr {
    let mut text = String::new();
    for token in significant(node.syntax()) {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&token.text().to_ascii_uppercase());
    }
    text.into()
}

pub(super) fn cascades(behavior: Option<ast::DropBehavior>) -> bool {
    matches!(behavior, Some(ast::DropBehavior::Cascade(_)))
}
