//! Views and materialized views.

use std::collections::BTreeSet;

use squawk_syntax::{
    SyntaxNode,
    ast::{self, AstNode},
};

use super::{context::Cx, tables::persistence};
use crate::sql::*;

impl Cx<'_> {
    pub fn create_view(&mut self, it: &ast::CreateView) -> Option<()> {
        let name = self.define(it.view(), ObjectRef::View)?;
        let query = it.query()?;
        let mut options = self.with_params(it.with_params());
        if let Some(check) = it.with_check_option() {
            let local = matches!(check.check_option_level(), Some(ast::CheckOptionLevel::LocalCheckOption(_)));
            options.insert("check_option".into(), if local { "local" } else { "cascaded" }.into());
        }
        let columns = it.column_list().map(|it| self.idents(it.column_names())).unwrap_or_default();
        let view = View {
            columns,
            options,
            recursive: it.recursive_token().is_some(),
            temporary: persistence(it.persistence()) == Persistence::Temporary,
            ..self.view(name, &query)
        };
        self.push(Ddl::CreateView {
            view: Box::new(view),
            or_replace: it.or_replace().is_some(),
            if_not_exists: false,
        });
        Some(())
    }

    pub fn create_materialized_view(&mut self, it: &ast::CreateMaterializedView) -> Option<()> {
        let name = self.define(it.view(), ObjectRef::View)?;
        let query = it.query()?;
        let view = View {
            materialized: true,
            columns: it.column_list().map(|it| self.idents(it.column_names())).unwrap_or_default(),
            options: self.with_params(it.with_params()),
            with_data: !matches!(it.data_option(), Some(ast::DataOption::WithNoData(_))),
            tablespace: self.ident_opt(it.tablespace_clause().and_then(|it| it.tablespace_ref())),
            access_method: self.method(it.using_method()),
            ..self.view(name, &query)
        };
        let if_not_exists = it.if_not_exists().is_some();
        self.push(Ddl::CreateView { view: Box::new(view), or_replace: false, if_not_exists });
        Some(())
    }

    fn view(&mut self, name: Name, query: &ast::SelectVariant) -> View {
        let (reads, calls) = self.uses(query.syntax());
        View {
            name,
            materialized: false,
            columns: Vec::new(),
            query: self.query(query),
            options: Options::new(),
            recursive: false,
            temporary: false,
            with_data: true,
            tablespace: None,
            access_method: None,
            reads,
            calls,
            owner: None,
        }
    }

    /// Relations (marked) and functions that a query names; names of its CTEs are left out.
    pub fn uses(&mut self, query: &SyntaxNode) -> (BTreeSet<Name>, BTreeSet<Name>) {
        let mut reads = BTreeSet::new();
        let mut calls = BTreeSet::new();
        let mut ctes = BTreeSet::new();
        for node in query.descendants() {
            if let Some(it) = ast::CteName::cast(node.clone()) {
                ctes.extend(self.name(&it));
            } else if let Some(it) = ast::RelationNameRef::cast(node.clone()) {
                let Some(name) = self.name(&it) else { continue };
                if !ctes.contains(&name) {
                    self.mark(&it, ObjectRef::Table(name.clone()), false);
                    reads.insert(name);
                }
            } else if let Some(it) = ast::CallExpr::cast(node) {
                let function = match it.expr() {
                    Some(ast::Expr::NameRef(it)) => self.name(&it),
                    Some(ast::Expr::FieldExpr(it)) => self.name(&it),
                    _ => None,
                };
                calls.extend(function);
            }
        }
        reads.retain(|it| !ctes.contains(it));
        (reads, calls)
    }

    pub fn alter_view(&mut self, it: &ast::AlterView) -> Option<()> {
        let name = self.refer(it.view_ref(), ObjectRef::View)?;
        let object = ObjectRef::View(name.clone());
        let ddl = match it.action()? {
            ast::AlterViewAction::ViewRenameTo(it) => {
                Ddl::RenameView { from: name, to: self.define(it.view(), ObjectRef::View)?.name, materialized: false }
            }
            ast::AlterViewAction::SetOptions(it) => {
                let set = self.options(it.attribute_list());
                Ddl::AlterView { name, materialized: false, set, reset: Vec::new() }
            }
            ast::AlterViewAction::ResetOptions(it) => {
                let reset = self.option_keys(it.attribute_list());
                Ddl::AlterView { name, materialized: false, set: Options::new(), reset }
            }
            ast::AlterViewAction::RenameColumn(it) => self.rename_column(&it, &name)?,
            ast::AlterViewAction::AlterViewColumn(it) => {
                let column = self.column_ref(it.name(), &name)?;
                let default = match it.alter_view_column_action()? {
                    ast::AlterViewColumnAction::SetDefault(it) => Some(self.expr_opt(it.expr())?),
                    ast::AlterViewColumnAction::DropDefault(_) => None,
                };
                Ddl::SetDefault { table: name, column, default }
            }
            ast::AlterViewAction::OwnerTo(it) => return self.set_owner(object, &it),
            ast::AlterViewAction::SetSchema(it) => return self.set_schema(object, &it),
        };
        self.push(ddl);
        Some(())
    }

    pub fn alter_materialized_view(&mut self, it: &ast::AlterMaterializedView) -> Option<()> {
        use ast::AlterMaterializedViewAction as Action;
        if it.all_in_tablespace().is_some() {
            return self.opaque_alter(it.syntax());
        }
        let name = self.refer(it.view_ref(), ObjectRef::View)?;
        let object = ObjectRef::View(name.clone());
        let mut any = false;
        for action in it.action() {
            any = true;
            let ddl = match action {
                Action::ViewRenameTo(it) => Ddl::RenameView {
                    from: name.clone(),
                    to: self.define(it.view(), ObjectRef::View)?.name,
                    materialized: true,
                },
                Action::RenameColumn(it) => self.rename_column(&it, &name)?,
                Action::SetSchema(it) => {
                    self.set_schema(object.clone(), &it)?;
                    continue;
                }
                Action::AlterTableAction(ast::AlterTableAction::TableRenameTo(it)) => Ddl::RenameView {
                    from: name.clone(),
                    to: self.define(it.table_name(), ObjectRef::View)?.name,
                    materialized: true,
                },
                Action::AlterTableAction(ast::AlterTableAction::OwnerTo(it)) => {
                    self.set_owner(object.clone(), &it)?;
                    continue;
                }
                Action::AlterTableAction(ast::AlterTableAction::SetSchema(it)) => {
                    self.set_schema(object.clone(), &it)?;
                    continue;
                }
                Action::AlterTableAction(ast::AlterTableAction::SetOptions(it)) => {
                    let set = self.options(it.attribute_list());
                    Ddl::AlterView { name: name.clone(), materialized: true, set, reset: Vec::new() }
                }
                Action::AlterTableAction(ast::AlterTableAction::ResetOptions(it)) => {
                    let reset = self.option_keys(it.attribute_list());
                    Ddl::AlterView { name: name.clone(), materialized: true, set: Options::new(), reset }
                }
                Action::AlterTableAction(action) => {
                    self.table_action(action, &name, it.if_exists().is_some(), it.syntax())?;
                    continue;
                }
                Action::DependsOnExtension(_) | Action::NoDependsOnExtension(_) => {
                    return self.opaque_alter(it.syntax());
                }
            };
            self.push(ddl);
        }
        any.then_some(())
    }

    pub fn refresh(&mut self, it: &ast::Refresh) -> Option<()> {
        let name = self.refer(it.view_ref(), ObjectRef::View)?;
        let with_data = !matches!(it.data_option(), Some(ast::DataOption::WithNoData(_)));
        self.push(Ddl::RefreshView { name, concurrently: it.concurrently_token().is_some(), with_data });
        Some(())
    }
}
