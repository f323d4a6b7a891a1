//! CREATE TABLE and its columns.

use smol_str::{SmolStr, StrExt};
use squawk_syntax::ast::{self, AstNode};

use super::{
    constraints::Lowered,
    context::{Cx, words},
};
use crate::sql::*;

/// Where a column or table constraint is written decides what becomes of what it says.
struct Parts<'a> {
    table: &'a Name,
    constraints: Vec<Constraint>,
}

impl Cx<'_> {
    pub fn create_table(&mut self, it: &ast::CreateTable) -> Option<()> {
        let mut table = Table::new(self.define(it.table_name(), ObjectRef::Table)?);
        table.persistence = persistence(it.persistence());
        let mut likes = Vec::new();
        if let Some(of) = it.of_type() {
            // The columns are those of the type, which the model does not follow.
            let ty = of.ty()?;
            if let Some(found) = self.data_type(&ty) {
                self.mark_type(&ty, &found);
            }
            return self.opaque_create(
                it.syntax(),
                Some(ObjectRef::Table(table.name)),
                "typed tables are kept as text",
            );
        }
        if it.table_arg_list().is_none() && it.partition_of().is_none() {
            return None;
        }
        if let Some(list) = it.table_arg_list() {
            let typed = it.partition_of().is_none();
            self.table_args(&list, &mut table, &mut likes, typed)?;
        }
        if let Some(parent) = it.partition_of() {
            table.partition_of = Some(PartitionOf {
                parent: self.table_ref(parent.table_name_ref())?,
                bound: self.bound(it.partition_type()?),
            });
        }
        table.inherits = it
            .inherits()
            .into_iter()
            .flat_map(|it| it.table_name_refs())
            .filter_map(|it| self.table_ref(Some(it)))
            .collect();
        if let Some(by) = it.partition_by() {
            table.partition_by = Some(self.partition_by(&by, &table.name)?);
        }
        self.storage_clauses(&mut table, it.using_method(), it.table_params(), it.tablespace_clause());
        let name = table.name.clone();
        self.push(Ddl::CreateTable { table: Box::new(table), if_not_exists: it.if_not_exists().is_some(), likes });
        if it.on_commit().is_some_and(|it| {
            it.on_commit_action().is_some_and(|it| !matches!(it, ast::OnCommitAction::PreserveRows(_)))
        }) {
            self.hint(it.syntax(), &format!("ON COMMIT of {name} is not modelled"));
        }
        Some(())
    }

    pub fn create_table_as(&mut self, it: &ast::CreateTableAs) -> Option<()> {
        let mut table = Table::new(self.define(it.table_name(), ObjectRef::Table)?);
        table.persistence = persistence(it.persistence());
        self.storage_clauses(&mut table, it.using_method(), it.table_params(), it.tablespace_clause());
        let query = self.query(&it.query()?);
        self.push(Ddl::CreateTableAs { table: Box::new(table), if_not_exists: it.if_not_exists().is_some(), query });
        Some(())
    }

    fn storage_clauses(
        &mut self,
        table: &mut Table,
        using: Option<ast::UsingMethod>,
        params: Option<ast::TableParams>,
        tablespace: Option<ast::TablespaceClause>,
    ) {
        table.access_method = self.method(using);
        if let Some(ast::TableParams::WithParams(it)) = params {
            table.options = self.with_params(Some(it));
        }
        table.tablespace = self.ident_opt(tablespace.and_then(|it| it.tablespace_ref()));
    }

    /// `typed`: each column needs a type of its own.
    fn table_args(
        &mut self,
        list: &ast::TableArgList,
        table: &mut Table,
        likes: &mut Vec<Like>,
        typed: bool,
    ) -> Option<()> {
        for arg in list.args() {
            match arg {
                ast::TableArg::Column(it) => {
                    if typed && it.ty().is_none() {
                        self.error(self.place(it.syntax()), "the type of this column is missing");
                        return None;
                    }
                    let (column, constraints) = self.column(&it, &table.name)?;
                    table.columns.push(column);
                    table.constraints.extend(constraints);
                }
                ast::TableArg::TableConstraint(it) => {
                    let it = ast::Constraint::cast(it.syntax().clone())?;
                    match self.constraint(&it, &table.name, None)? {
                        Lowered::Constraint(it) => table.constraints.push(it),
                        // Written before or behind its column.
                        Lowered::NotNull(column, name) => {
                            table.constraints.push(Constraint::new(name, ConstraintKind::NotNull(column)))
                        }
                        Lowered::UsingIndex { .. } | Lowered::Column => return None,
                    }
                }
                ast::TableArg::LikeClause(it) => {
                    let source = self.table_ref(it.relation_name_ref())?;
                    likes.push(Like { source, including: including(&it), at: table.columns.len() });
                }
            }
        }
        // `NOT NULL c` as a table constraint (PostgreSQL 18) is the column's.
        let columns = &mut table.columns;
        table.constraints.retain(|it| match &it.kind {
            ConstraintKind::NotNull(name) if !it.not_valid => {
                let column = columns.iter_mut().find(|it| it.name == *name);
                column.map(|column| column.set_not_null(it.name.as_ref())).is_none()
            }
            _ => true,
        });
        Some(())
    }

    fn column(&mut self, it: &ast::Column, table: &Name) -> Option<(Column, Vec<Constraint>)> {
        let name_node = it.name()?;
        let name = self.ident(&name_node)?;
        self.define_column(&name_node, it.syntax(), table, &name);
        let ty = match it.ty() {
            Some(ty) => {
                let found = self.data_type(&ty)?;
                self.mark_type(&ty, &found);
                found
            }
            // `CREATE TABLE … PARTITION OF … (c DEFAULT 1)`: the type is the parent's; the catalog fills it in.
            None => DataType::builtin(""),
        };
        let mut column = Column::new(name, ty);
        let mut parts = Parts { table, constraints: Vec::new() };
        for clause in it.clauses() {
            match clause {
                ast::ColumnClause::Collate(it) => column.collation = self.collation(Some(it)),
                ast::ColumnClause::CompressionMethod(it) => {
                    column.compression = it.compression_method_name().and_then(|it| compression(&words(&it)));
                }
                ast::ColumnClause::Storage(it) => {
                    column.storage = it.storage_mode().and_then(|it| storage(&words(&it)));
                }
                ast::ColumnClause::WithOptions(_) => {}
                ast::ColumnClause::AlterOptionList(it) => {
                    self.hint(it.syntax(), "options of foreign tables are not modelled")
                }
                ast::ColumnClause::ColumnConstraint(it) => {
                    self.column_part(&mut column, &mut parts, &ast::Constraint::cast(it.syntax().clone())?)?;
                }
            }
        }
        Some((column, parts.constraints))
    }

    pub fn add_column(&mut self, it: &ast::AddColumn, table: &Name) -> Option<Ddl> {
        let name_node = it.column_name()?;
        let name = self.ident(&name_node)?;
        self.mark(&name_node, ObjectRef::Column(table.clone(), name.clone()), true);
        let ty = it.ty()?;
        let found = self.data_type(&ty)?;
        self.mark_type(&ty, &found);
        let mut column = Column::new(name, found);
        column.collation = self.collation(it.collate());
        let mut parts = Parts { table, constraints: Vec::new() };
        for constraint in it.constraints() {
            self.column_part(&mut column, &mut parts, &constraint)?;
        }
        Some(Ddl::AddColumn {
            table: table.clone(),
            column: Box::new(column),
            constraints: parts.constraints,
            if_not_exists: it.if_not_exists().is_some(),
        })
    }

    fn column_part(&mut self, column: &mut Column, parts: &mut Parts<'_>, it: &ast::Constraint) -> Option<()> {
        match it {
            ast::Constraint::DefaultConstraint(it) => column.default = Some(self.expr_opt(it.expr())?),
            ast::Constraint::GeneratedConstraint(it) => match it.generated_as()? {
                ast::GeneratedAs::GeneratedIdentity(it) => {
                    column.not_null = true;
                    column.identity = Some(self.identity(it.generated_when()?, it.sequence_option_list())?);
                }
                ast::GeneratedAs::GeneratedStored(it) => {
                    // VIRTUAL is the default since PostgreSQL 18; before, STORED had to be written.
                    let stored = matches!(it.generated_kind(), Some(ast::GeneratedKind::Stored(_)));
                    column.generated = Some(Generated { expr: self.expr_opt(it.expr())?, stored });
                }
            },
            _ => match self.constraint(it, parts.table, Some(&column.name.clone()))? {
                Lowered::Constraint(it) => parts.constraints.push(it),
                Lowered::NotNull(_, name) => column.set_not_null(name.as_ref()),
                Lowered::Column => {}
                Lowered::UsingIndex { .. } => return None,
            },
        }
        Some(())
    }

    pub fn identity(&mut self, when: ast::GeneratedWhen, list: Option<ast::SequenceOptionList>) -> Option<Identity> {
        let always = matches!(when, ast::GeneratedWhen::GeneratedAlways(_));
        let list = list.into_iter().flat_map(|it| it.sequence_options());
        Some(Identity { always, options: self.sequence_options(list)?.options })
    }

    pub fn partition_by(&mut self, it: &ast::PartitionBy, table: &Name) -> Option<PartitionBy> {
        let strategy = it.partition_strategy()?;
        let strategy = match words(&strategy).as_str() {
            "RANGE" => PartitionStrategy::Range,
            "LIST" => PartitionStrategy::List,
            "HASH" => PartitionStrategy::Hash,
            other => {
                let message = format!("unknown partitioning strategy {other}: RANGE, LIST and HASH exist");
                self.error(self.place(strategy.syntax()), message);
                return None;
            }
        };
        Some(PartitionBy { strategy, keys: self.keys(&it.partition_item_list()?, table)? })
    }

    /// `FOR VALUES …` or `DEFAULT`.
    pub fn bound(&mut self, it: ast::PartitionType) -> Expr {
        self.query(&it)
    }

    pub fn hint(&mut self, node: &squawk_syntax::SyntaxNode, message: &str) {
        let range = self.place(node);
        self.problem(range, message, Severity::Hint);
    }
}

pub(super) fn persistence(it: Option<ast::Persistence>) -> Persistence {
    match it {
        None => Persistence::Permanent,
        Some(ast::Persistence::Temp(_)) => Persistence::Temporary,
        Some(ast::Persistence::Unlogged(_)) => Persistence::Unlogged,
    }
}

/// DEFAULT is no setting.
pub(super) fn storage(mode: &str) -> Option<SmolStr> {
    (mode != "DEFAULT").then(|| mode.into())
}

pub(super) fn compression(method: &str) -> Option<SmolStr> {
    (method != "DEFAULT").then(|| method.to_lowercase_smolstr())
}

fn including(it: &ast::LikeClause) -> Vec<SmolStr> {
    const ALL: [&str; 9] = [
        "COMMENTS",
        "COMPRESSION",
        "CONSTRAINTS",
        "DEFAULTS",
        "GENERATED",
        "IDENTITY",
        "INDEXES",
        "STATISTICS",
        "STORAGE",
    ];
    let mut chosen = [false; 9];
    for option in it.like_options() {
        let (on, property) = match option {
            ast::LikeOption::IncludingProperty(it) => (true, it.table_property()),
            ast::LikeOption::ExcludingProperty(it) => (false, it.table_property()),
        };
        let property = property.map(|it| words(&it)).unwrap_or_default();
        for (name, chosen) in ALL.iter().zip(&mut chosen) {
            if property == "ALL" || property == *name {
                *chosen = on;
            }
        }
    }
    ALL.iter().zip(chosen).filter(|(_, it)| *it).map(|(name, _)| SmolStr::new(name)).collect()
}
