//! CREATE INDEX, ALTER INDEX, and the keys that indexes and partitions share.

use smol_str::SmolStr;
use squawk_syntax::ast::{self, AstNode};

use super::context::Cx;
use crate::{
    dialect::postgres::{
        lexer::{Kind, tokens},
        unquote,
    },
    sql::*,
};

impl Cx<'_> {
    pub fn create_index(&mut self, it: &ast::CreateIndex) -> Option<()> {
        let target = it.table_relation_name()?;
        let table = self.table_ref(target.table_name_ref())?;
        let name = self.define(it.index(), ObjectRef::Index);
        let include = it.index_include_clause().and_then(|it| it.partition_item_list());
        let index = Index {
            name,
            unique: it.unique_token().is_some(),
            method: self.method(it.using_method()).unwrap_or_else(|| Ident::new("btree")),
            keys: self.keys(&it.partition_item_list()?, &table)?,
            include: match include {
                Some(list) => self.columns_of(&list, &table),
                None => Vec::new(),
            },
            nulls_not_distinct: matches!(
                it.nulls_distinct_option(),
                Some(ast::NullsDistinctOption::NullsNotDistinct(_))
            ),
            predicate: self.expr_opt(it.where_clause().and_then(|it| it.expr())),
            options: self.with_params(it.with_params()),
            tablespace: self.ident_opt(it.tablespace_clause().and_then(|it| it.tablespace_ref())),
            only: target.only_token().is_some(),
            attached_to: None,
            statistics: Default::default(),
            table,
        };
        self.push(Ddl::CreateIndex {
            index: Box::new(index),
            concurrently: it.concurrently_token().is_some(),
            if_not_exists: it.if_not_exists().is_some(),
        });
        Some(())
    }

    pub fn method(&mut self, using: Option<ast::UsingMethod>) -> Option<Ident> {
        self.ident_opt(using?.access_method_ref())
    }

    pub fn keys(&mut self, list: &ast::PartitionItemList, table: &Name) -> Option<Vec<IndexKey>> {
        let keys: Option<Vec<_>> = list.partition_items().map(|it| self.key_of(&it, table)).collect();
        keys.filter(|it| !it.is_empty())
    }

    fn columns_of(&mut self, list: &ast::PartitionItemList, table: &Name) -> Vec<Ident> {
        let columns = list.partition_items().filter_map(|it| it.expr());
        columns.filter_map(|it| self.column_ref(Some(it), table)).collect()
    }

    fn key_of(&mut self, it: &ast::PartitionItem, table: &Name) -> Option<IndexKey> {
        // `a COLLATE "C"` is one expression to squawk, and may be a sibling too.
        let mut expr = it.expr();
        let mut collate = it.collate();
        if let Some(ast::Expr::Collate(inner)) = &expr {
            collate = Some(inner.clone());
            expr = inner.expr();
        } else if expr.is_none() {
            expr = collate.as_ref().and_then(|it| it.expr());
        }
        let descending = matches!(it.sort_order(), Some(ast::SortOrder::SortDesc(_)));
        let nulls_first = it.nulls_order().map(|it| matches!(it, ast::NullsOrder::NullsFirst(_)));
        Some(IndexKey {
            expr: self.key_expr(&expr?, table)?,
            collation: self.collation(collate),
            opclass: it.op_class_ref().map(|class| {
                let options = it.attribute_list().map(|it| self.text(&it)).unwrap_or_default();
                opclass(&format!("{}{options}", self.text(&class)))
            }),
            descending,
            nulls_first: nulls_first.filter(|it| *it != descending),
        })
    }

    /// A column, or an expression without the brackets it needs in the list.
    pub fn key_expr(&mut self, expr: &ast::Expr, table: &Name) -> Option<KeyExpr> {
        Some(match expr {
            ast::Expr::NameRef(it) => KeyExpr::Column(self.column_ref(Some(it.clone()), table)?),
            ast::Expr::ParenExpr(it) => match it.expr() {
                Some(inner @ (ast::Expr::ParenExpr(_) | ast::Expr::NameRef(_))) => return self.key_expr(&inner, table),
                Some(inner) => KeyExpr::Expr(self.expr(&inner)),
                None => KeyExpr::Expr(self.expr(it)),
            },
            other => KeyExpr::Expr(self.expr(other)),
        })
    }

    pub fn with_params(&mut self, params: Option<ast::WithParams>) -> Options {
        self.options(params.and_then(|it| it.attribute_list()))
    }

    /// `(fillfactor = 70, toast.autovacuum_enabled)`: a key alone stands for `true`.
    pub fn options(&mut self, list: Option<ast::AttributeList>) -> Options {
        let all: Vec<_> = list.into_iter().flat_map(|it| it.attribute_options()).collect();
        all.iter().filter_map(|it| Some((self.option_key(it)?, self.option_value(it)))).collect()
    }

    pub fn option_keys(&mut self, list: Option<ast::AttributeList>) -> Vec<SmolStr> {
        list.into_iter().flat_map(|it| it.attribute_options()).filter_map(|it| self.option_key(&it)).collect()
    }

    fn option_key(&mut self, it: &ast::AttributeOption) -> Option<SmolStr> {
        let key = unquote::ident(self.text(&it.name()?)).to_lowercase();
        Some(match it.namespace() {
            Some(space) => format!("{}.{key}", unquote::ident(self.text(&space))).into(),
            None => key.into(),
        })
    }

    fn option_value(&mut self, it: &ast::AttributeOption) -> SmolStr {
        let Some(value) = it.attribute_value() else { return "true".into() };
        match value.literal() {
            Some(literal) => match self.value(&literal) {
                word if matches!(literal.syntax().first_token(), Some(it) if it.kind().is_keyword()) => {
                    word.to_lowercase().into()
                }
                other => other,
            },
            // A name: of an operator class, a collation provider …
            None => match self.text(&value) {
                text if text.starts_with('"') => unquote::ident(text).into(),
                text => text.to_lowercase().into(),
            },
        }
    }

    pub fn alter_index(&mut self, it: &ast::AlterIndex) -> Option<()> {
        if it.all_in_tablespace().is_some() {
            return self.opaque_alter(it.syntax());
        }
        let index = self.refer(it.index_ref(), ObjectRef::Index)?;
        let ddl = match it.action()? {
            ast::AlterIndexAction::IndexRenameTo(to) => {
                Ddl::RenameIndex { from: index, to: self.define(to.index(), ObjectRef::Index)?.name }
            }
            ast::AlterIndexAction::AttachIndexPartition(it) => {
                Ddl::AttachIndex { parent: index, index: self.refer(it.index_ref(), ObjectRef::Index)? }
            }
            ast::AlterIndexAction::SetOptions(it) => {
                Ddl::SetIndexOptions { index, set: self.options(it.attribute_list()), reset: Vec::new() }
            }
            ast::AlterIndexAction::ResetOptions(it) => {
                Ddl::SetIndexOptions { index, set: Options::new(), reset: self.option_keys(it.attribute_list()) }
            }
            ast::AlterIndexAction::AlterSetStatistics(it) => {
                let column = self.integer(it.expr())?.try_into().ok()?;
                let target = self.statistics_target(&it.set_statistics()?)?.unwrap_or(-1);
                Ddl::SetIndexStatistics { index, column, target }
            }
            ast::AlterIndexAction::SetTablespace(it) => {
                Ddl::SetTablespace { table: index, tablespace: self.ident_opt(it.tablespace_ref())? }
            }
            ast::AlterIndexAction::DependsOnExtension(_) | ast::AlterIndexAction::NoDependsOnExtension(_) => {
                return self.opaque_alter(it.syntax());
            }
        };
        self.push(ddl);
        Some(())
    }

    /// `None` inside: the default. -1 has meant the default before PostgreSQL 17 and still does.
    pub fn statistics_target(&mut self, it: &ast::SetStatistics) -> Option<Option<i32>> {
        if it.default_token().is_some() {
            return Some(None);
        }
        let target = i32::try_from(self.integer(it.expr())?).ok()?;
        Some((target >= 0).then_some(target))
    }
}

/// An operator class and its options, without white space, folded, `pg_catalog.` left out.
pub(super) fn opclass(text: &str) -> SmolStr {
    let parts: String = tokens(text)
        .map(|it| if it.kind == Kind::Word { it.text.to_ascii_lowercase() } else { it.text.to_owned() })
        .collect();
    parts.strip_prefix("pg_catalog.").unwrap_or(&parts).into()
}
