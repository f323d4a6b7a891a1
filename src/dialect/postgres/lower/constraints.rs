//! Constraints of tables, columns and domains.

use squawk_syntax::ast;

use super::context::Cx;
use crate::{
    dialect::postgres::{
        expr,
        lexer::{Kind, Token, tokens},
        unquote,
    },
    sql::*,
};

/// A constraint written at a column or a table. `column`: the one it is written at.
pub(super) enum Lowered {
    Constraint(Constraint),
    UsingIndex {
        name: Option<Ident>,
        primary: bool,
        index: Ident,
        deferrable: bool,
        initially_deferred: bool,
    },
    /// A column, and the name that its NOT NULL was given.
    NotNull(Ident, Option<Ident>),
    /// NULL, or what is part of the column itself (DEFAULT, GENERATED).
    Column,
}

impl Cx<'_> {
    pub fn constraint(&mut self, it: &ast::Constraint, table: &Name, column: Option<&Ident>) -> Option<Lowered> {
        let name = match it.constraint_name() {
            Some(node) => {
                let name = self.ident(&node)?;
                self.mark(&node, ObjectRef::Constraint(table.clone(), name.clone()), true);
                Some(name)
            }
            None => None,
        };
        let kind = match it {
            ast::Constraint::CheckConstraint(it) => ConstraintKind::Check(self.expr_opt(it.expr())?),
            ast::Constraint::PrimaryKeyConstraint(key) => match self.using_index(key.using_index(), it, &name, true)? {
                Some(using) => return Some(using),
                None => ConstraintKind::PrimaryKey(self.key(key.index_parameters()?, table, column)?),
            },
            ast::Constraint::UniqueConstraint(key) => match self.using_index(key.using_index(), it, &name, false)? {
                Some(using) => return Some(using),
                None => ConstraintKind::Unique(self.key(key.index_parameters()?, table, column)?),
            },
            ast::Constraint::ForeignKeyConstraint(it) => ConstraintKind::ForeignKey(self.foreign_key(it, table)?),
            ast::Constraint::ReferencesConstraint(it) => ConstraintKind::ForeignKey(self.references(it, column?)?),
            ast::Constraint::ExcludeConstraint(it) => ConstraintKind::Exclude(self.exclude(it)?),
            ast::Constraint::NotNullConstraint(node) => {
                let column = self.column_ref(node.column_name_ref(), table).or_else(|| column.cloned())?;
                if !it.is_not_valid() {
                    return Some(Lowered::NotNull(column, name));
                }
                ConstraintKind::NotNull(column)
            }
            ast::Constraint::NullConstraint(_)
            | ast::Constraint::DefaultConstraint(_)
            | ast::Constraint::GeneratedConstraint(_) => return Some(Lowered::Column),
        };
        let mut constraint = Constraint::new(name, kind);
        attributes(&mut constraint, it);
        Some(Lowered::Constraint(constraint))
    }

    /// `Some(None)`: no USING INDEX.
    fn using_index(
        &mut self,
        using: Option<ast::UsingIndexName>,
        constraint: &ast::Constraint,
        name: &Option<Ident>,
        primary: bool,
    ) -> Option<Option<Lowered>> {
        let Some(using) = using else { return Some(None) };
        let index = self.refer(using.index_ref(), ObjectRef::Index)?.name;
        let mut probe = Constraint::new(None, ConstraintKind::NotNull(index.clone()));
        attributes(&mut probe, constraint);
        let (deferrable, initially_deferred) = (probe.deferrable, probe.initially_deferred);
        Some(Some(Lowered::UsingIndex { name: name.clone(), primary, index, deferrable, initially_deferred }))
    }

    fn key(&mut self, it: ast::IndexParameters, table: &Name, column: Option<&Ident>) -> Option<KeyConstraint> {
        let list = it.column_list();
        let columns = match &list {
            Some(list) => self.column_refs(list.column_name_refs(), table),
            None => vec![column?.clone()],
        };
        let include = it.constraint_include_clause().and_then(|it| it.column_ref_list());
        Some(KeyConstraint {
            include: include.map(|it| self.column_refs(it.column_name_refs(), table)).unwrap_or_default(),
            nulls_not_distinct: matches!(
                it.nulls_distinct_option(),
                Some(ast::NullsDistinctOption::NullsNotDistinct(_))
            ),
            without_overlaps: list.is_some_and(|it| it.without_overlaps().is_some()),
            options: self.with_params(it.with_params()),
            tablespace: self.index_tablespace(it.constraint_index_tablespace()),
            ..KeyConstraint::on(columns)
        })
    }

    fn index_tablespace(&mut self, it: Option<ast::ConstraintIndexTablespace>) -> Option<Ident> {
        self.ident_opt(it?.tablespace_ref())
    }

    fn foreign_key(&mut self, it: &ast::ForeignKeyConstraint, table: &Name) -> Option<ForeignKey> {
        let references = self.table_ref(it.table_name_ref())?;
        let from = it.from_columns()?;
        let mut columns = self.column_refs(from.column_name_refs(), table);
        let period = from.period_column().and_then(|it| it.name());
        let has_period = period.is_some();
        columns.extend(self.column_ref(period, table));
        let mut referenced = Vec::new();
        if let Some(to) = it.to_columns() {
            referenced = self.column_refs(to.column_name_refs(), &references);
            referenced.extend(self.column_ref(to.period_column().and_then(|it| it.name()), &references));
        }
        let mut key = plain_key(columns, references, referenced);
        key.period = has_period;
        key.match_full = matches!(it.match_type(), Some(ast::MatchType::MatchFull(_)));
        self.actions(&mut key, it.referential_actions(), table);
        Some(key)
    }

    fn references(&mut self, it: &ast::ReferencesConstraint, column: &Ident) -> Option<ForeignKey> {
        let references = self.table_ref(it.table())?;
        let referenced = self.column_ref(it.column(), &references).into_iter().collect();
        let mut key = plain_key(vec![column.clone()], references.clone(), referenced);
        key.match_full = matches!(it.match_type(), Some(ast::MatchType::MatchFull(_)));
        self.actions(&mut key, it.referential_actions(), &references);
        Some(key)
    }

    fn actions(&mut self, key: &mut ForeignKey, all: impl Iterator<Item = ast::ReferentialAction>, table: &Name) {
        for action in all {
            match action {
                ast::ReferentialAction::OnDeleteAction(it) => {
                    let Some(action) = it.ref_action() else { continue };
                    key.on_delete = foreign_key_action(&action);
                    let columns = match action {
                        ast::RefAction::SetNullColumns(it) => it.column_ref_list(),
                        ast::RefAction::SetDefaultColumns(it) => it.column_ref_list(),
                        _ => None,
                    };
                    key.on_delete_columns =
                        columns.map(|it| self.column_refs(it.column_name_refs(), table)).unwrap_or_default();
                }
                ast::ReferentialAction::OnUpdateAction(it) => {
                    if let Some(action) = it.ref_action() {
                        key.on_update = foreign_key_action(&action);
                    }
                }
            }
        }
    }

    fn exclude(&mut self, it: &ast::ExcludeConstraint) -> Option<Exclude> {
        let method = it.constraint_index_method().and_then(|it| it.access_method_ref());
        let include = it.constraint_include_clause().and_then(|it| it.column_ref_list());
        let elements = exclusions(self.text(&it.constraint_exclusion_list()?))?;
        Some(Exclude {
            method: self.ident_opt(method).unwrap_or_else(|| Ident::new("btree")),
            elements,
            include: include.map(|it| self.idents(it.column_name_refs())).unwrap_or_default(),
            predicate: self.expr_opt(it.where_condition_clause().and_then(|it| it.expr())),
            options: self.with_params(it.with_params()),
            tablespace: self.index_tablespace(it.constraint_index_tablespace()),
        })
    }
}

fn plain_key(columns: Vec<Ident>, references: Name, referenced_columns: Vec<Ident>) -> ForeignKey {
    ForeignKey {
        columns,
        references,
        referenced_columns,
        on_delete: ForeignKeyAction::NoAction,
        on_delete_columns: Vec::new(),
        on_update: ForeignKeyAction::NoAction,
        match_full: false,
        period: false,
    }
}

fn foreign_key_action(it: &ast::RefAction) -> ForeignKeyAction {
    match it {
        ast::RefAction::Cascade(_) => ForeignKeyAction::Cascade,
        ast::RefAction::NoAction(_) => ForeignKeyAction::NoAction,
        ast::RefAction::Restrict(_) => ForeignKeyAction::Restrict,
        ast::RefAction::SetDefaultColumns(_) => ForeignKeyAction::SetDefault,
        ast::RefAction::SetNullColumns(_) => ForeignKeyAction::SetNull,
    }
}

fn attributes(constraint: &mut Constraint, it: &ast::Constraint) {
    for option in it.constraint_options() {
        match option {
            ast::ConstraintOption::DeferrableConstraintOption(_) => constraint.deferrable = true,
            ast::ConstraintOption::InitiallyDeferredConstraintOption(_) => {
                // INITIALLY DEFERRED alone implies DEFERRABLE (manual, CREATE TABLE).
                constraint.deferrable = true;
                constraint.initially_deferred = true;
            }
            ast::ConstraintOption::NotValid(_) => constraint.not_valid = true,
            ast::ConstraintOption::NoInherit(_) => constraint.no_inherit = true,
            ast::ConstraintOption::NotEnforced(_) => constraint.not_enforced = true,
            ast::ConstraintOption::NotDeferrableConstraintOption(_)
            | ast::ConstraintOption::InitiallyImmediateConstraintOption(_)
            | ast::ConstraintOption::Inherit(_)
            | ast::ConstraintOption::Enforced(_) => {}
        }
    }
}

/// squawk 2.68 knows no operator class in EXCLUDE (`c gist_ops WITH &&`): the text with those words blanked, of the
/// same length; `None`: nothing to blank. The elements are read from the source by [`exclusions`].
pub(super) fn mask_exclusions(statement: &str) -> Option<String> {
    let mut words = tokens(statement).filter(|it| it.is_word("exclude")).peekable();
    words.peek()?;
    let mut blanks = Vec::new();
    for exclude in words {
        let rest = statement.get(exclude.range().end..)?;
        let base = exclude.range().end;
        let mut list = tokens(rest).skip_while(|it| !it.is("("));
        let Some(open) = list.next() else { continue };
        for element in elements(&rest[open.start..]) {
            for token in element.class.iter().chain(&element.order) {
                blanks.push(base + open.start + token.start..base + open.start + token.range().end);
            }
        }
    }
    if blanks.is_empty() {
        return None;
    }
    let mut masked = statement.as_bytes().to_vec();
    for range in blanks {
        masked[range].fill(b' ');
    }
    String::from_utf8(masked).ok()
}

/// One element of an EXCLUDE list, in tokens.
#[derive(Default)]
struct Element<'a> {
    expr: Vec<Token<'a>>,
    collation: Vec<Token<'a>>,
    class: Vec<Token<'a>>,
    order: Vec<Token<'a>>,
    operator: Vec<Token<'a>>,
}

/// Cuts `(a WITH =, f(b) COLLATE "C" range_ops DESC WITH &&) …` after the closing bracket.
fn elements(list: &str) -> Vec<Element<'_>> {
    let mut all = Vec::new();
    let mut current = Element::default();
    let mut depth = 0_usize;
    #[derive(PartialEq)]
    enum At {
        Expr,
        Collation,
        Class,
        Order,
        Operator,
    }
    let mut at = At::Expr;
    for token in tokens(list).skip(1) {
        let (open, close) = (token.is("(") || token.is("["), token.is(")") || token.is("]"));
        if depth == 0 && (close || (token.is(",") && at == At::Operator)) {
            all.push(std::mem::take(&mut current));
            at = At::Expr;
            if close {
                break;
            }
            continue;
        }
        if depth == 0 && at != At::Operator {
            let before = current.expr.last();
            let order = ["asc", "desc", "nulls", "first", "last"].iter().any(|it| token.is_word(it));
            let name = matches!(token.kind, Kind::Word | Kind::Quoted);
            // Behind a whole expression or collation, a name is the operator class.
            let behind = match at {
                At::Expr => before.is_some_and(ends_element),
                At::Collation => current.collation.get(1..).and_then(<[_]>::last).is_some_and(|it| !it.is(".")),
                _ => false,
            };
            if token.is_word("with") {
                at = At::Operator;
                continue;
            } else if token.is_word("collate") {
                at = At::Collation;
            } else if order && !current.expr.is_empty() {
                at = At::Order;
            } else if name && behind {
                at = At::Class;
            }
        }
        depth = (depth + usize::from(open)).saturating_sub(usize::from(close));
        match at {
            At::Expr => current.expr.push(token),
            At::Collation => current.collation.push(token),
            At::Class => current.class.push(token),
            At::Order => current.order.push(token),
            At::Operator => current.operator.push(token),
        }
    }
    all
}

/// A name or a closing bracket ends an element's column or expression; after a dot the name goes on.
fn ends_element(token: &Token<'_>) -> bool {
    matches!(token.kind, Kind::Word | Kind::Quoted) || token.is(")") || token.is("]")
}

fn exclusions(list: &str) -> Option<Vec<(IndexKey, smol_str::SmolStr)>> {
    let cut = |parts: &[Token<'_>]| list.get(parts.first()?.start..parts.last()?.range().end);
    elements(list)
        .iter()
        .map(|it| {
            let expr = match it.expr.as_slice() {
                [column] => KeyExpr::Column(Ident::new(&unquote::ident(column.text))),
                parts => KeyExpr::Expr(expr::expr(cut(parts)?)),
            };
            let collation: Vec<_> = it.collation.iter().skip(1).filter(|it| !it.is(".")).collect();
            let mut collation = collation.iter().rev().map(|it| Ident::new(&unquote::ident(it.text)));
            let name = collation.next();
            let collation = name.map(|name| Name { schema: collation.next(), name });
            let descending = it.order.iter().any(|it| it.is_word("desc"));
            let nulls = it.order.iter().find(|it| it.is_word("first") || it.is_word("last"));
            let nulls_first = nulls.map(|it| it.is_word("first")).filter(|it| *it != descending);
            let opclass = cut(&it.class).map(super::indexes::opclass);
            let key = IndexKey { expr, collation, opclass, descending, nulls_first };
            Some((key, operator(&it.operator)?))
        })
        .collect()
}

/// `&&`, or `OPERATOR(pg_catalog.&&)`, which is the same when the schema is pg_catalog.
fn operator(parts: &[Token<'_>]) -> Option<smol_str::SmolStr> {
    match parts {
        [only] => Some(only.text.into()),
        [word, open, inner @ .., close] if word.is_word("operator") && open.is("(") && close.is(")") => match inner {
            [only] => Some(only.text.into()),
            [schema, dot, only] if schema.is_word("pg_catalog") && dot.is(".") => Some(only.text.into()),
            _ => Some(parts.iter().map(|it| it.text).collect::<String>().into()),
        },
        _ => None,
    }
}
