//! Functions, procedures and aggregates.

use smol_str::SmolStr;
use squawk_syntax::{
    SyntaxNode,
    ast::{self, AstNode},
};

use super::context::{Cx, cascades, significant, words};
use crate::sql::*;

impl Cx<'_> {
    pub fn create_function(&mut self, it: &ast::CreateFunction) -> Option<()> {
        let name_node = it.name()?;
        let returns = match it.ret_type() {
            Some(it) => Some(self.returns(&it)?),
            None => None,
        };
        let parts = (it.param_list()?, it.option_list(), it.body(), it.or_replace().is_some());
        self.routine_definition(&name_node, FunctionKind::Function, returns, parts)
    }

    pub fn create_procedure(&mut self, it: &ast::CreateProcedure) -> Option<()> {
        let name_node = it.name()?;
        let parts = (it.param_list()?, it.option_list(), it.body(), it.or_replace().is_some());
        self.routine_definition(&name_node, FunctionKind::Procedure, None, parts)
    }

    fn routine_definition(
        &mut self,
        name_node: &impl AstNode,
        kind: FunctionKind,
        returns: Option<Expr>,
        (params, options, sql_body, or_replace): (
            ast::ParamList,
            Option<ast::FuncOptionList>,
            Option<ast::RoutineBody>,
            bool,
        ),
    ) -> Option<()> {
        let name = self.name(name_node)?;
        let args = self.arguments(&params)?;
        let mut function = Function {
            name,
            kind,
            args,
            returns,
            language: Ident::new("sql"),
            body: Expr::new("", ""),
            sql_body: false,
            attributes: Default::default(),
            owner: None,
        };
        let mut has_body = false;
        for option in options.into_iter().flat_map(|it| it.options()) {
            has_body |= matches!(option, ast::FuncOption::AsFuncOption(_));
            self.function_option(option, &mut function)?;
        }
        if let Some(body) = sql_body {
            has_body = true;
            function.sql_body = true;
            function.body = self.query(&body);
        }
        drop_defaults(&mut function);
        self.mark(name_node, function.object(), true);
        self.push(Ddl::CreateFunction { function: Box::new(function), or_replace });
        has_body.then_some(())
    }

    pub fn arguments(&mut self, list: &ast::ParamList) -> Option<Vec<Argument>> {
        list.all_params().map(|it| self.argument(&it)).collect()
    }

    fn argument(&mut self, it: &ast::Param) -> Option<Argument> {
        let mode = match it.mode() {
            None | Some(ast::ParamMode::ParamIn(_)) => ArgumentMode::In,
            Some(ast::ParamMode::ParamOut(_)) => ArgumentMode::Out,
            Some(ast::ParamMode::ParamInOut(_)) => ArgumentMode::InOut,
            Some(ast::ParamMode::ParamVariadic(_)) => ArgumentMode::Variadic,
        };
        let default = it.param_default().and_then(|it| it.expr());
        Some(Argument {
            mode,
            name: self.ident_opt(it.name()),
            ty: self.func_type(&it.func_type()?)?,
            default: self.expr_opt(default),
        })
    }

    /// `integer`, `SETOF users`, `TABLE(id integer)`: as written, canonical by the names of the types.
    fn returns(&mut self, it: &ast::RetType) -> Option<Expr> {
        if let Some(list) = it.return_table_arg_list() {
            let columns: Vec<_> = list.args().collect();
            let columns: Option<Vec<_>> = columns
                .iter()
                .map(|it| Some(format!("{} {}", self.ident_opt(it.name())?, self.func_type(&it.func_type()?)?)))
                .collect();
            return Some(Expr::new(format!("TABLE{}", self.text(&list)), format!("TABLE({})", columns?.join(", "))));
        }
        let ty = it.func_type()?;
        let setof = significant(ty.syntax()).any(|it| it.text().eq_ignore_ascii_case("setof"));
        let found = self.func_type(&ty)?;
        if let ast::FuncType::Type(ty) = &ty {
            self.mark_type(ty, &found);
        }
        let canon = if setof { format!("SETOF {found}") } else { found.to_string() };
        Some(Expr::new(self.text(&ty), canon))
    }

    fn function_option(&mut self, option: ast::FuncOption, function: &mut Function) -> Option<()> {
        let mut set = |key: &str, value: &str| {
            function.attributes.insert(key.into(), value.into());
        };
        match option {
            ast::FuncOption::AsFuncOption(it) => match it.as_func_target()? {
                ast::AsFuncTarget::AsDefinition(it) => {
                    let body = self.value(&it.literal()?);
                    let canon = body.trim().replace("\r\n", "\n");
                    function.body = Expr::new(body, canon);
                }
                ast::AsFuncTarget::AsObjFile(it) => function.body = self.query(&it),
            },
            ast::FuncOption::LanguageFuncOption(it) => {
                let name = it.language_ref().and_then(|it| self.ident(&it));
                let name = name.or_else(|| Some(Ident::new(&self.value(&it.literal()?))));
                function.language = Ident::folded(name?.as_str());
            }
            ast::FuncOption::VolatilityFuncOption(it) => set("volatility", &words(&it).to_lowercase()),
            ast::FuncOption::StrictFuncOption(_) | ast::FuncOption::ReturnsNullOnNullInputFuncOption(_) => {
                set("strict", "")
            }
            ast::FuncOption::CalledOnNullInputFuncOption(_) => {
                function.attributes.remove("strict");
            }
            ast::FuncOption::SecurityDefinerFuncOption(_) => set("security", "definer"),
            ast::FuncOption::SecurityInvokerFuncOption(_) => set("security", "invoker"),
            ast::FuncOption::LeakproofFuncOption(_) => set("leakproof", ""),
            ast::FuncOption::NotLeakproofFuncOption(_) => {
                function.attributes.remove("leakproof");
            }
            ast::FuncOption::ParallelFuncOption(it) => {
                set("parallel", &it.ident_token()?.text().to_ascii_lowercase());
            }
            ast::FuncOption::CostFuncOption(it) => set("cost", self.text(&it.literal()?)),
            ast::FuncOption::RowsFuncOption(it) => set("rows", self.text(&it.literal()?)),
            ast::FuncOption::WindowFuncOption(_) => set("window", ""),
            ast::FuncOption::SupportFuncOption(it) => set("support", self.query(&it.function_name_ref()?).canon()),
            ast::FuncOption::TransformFuncOption(it) => {
                let text = self.query(&it);
                set("transform", text.canon().trim_start_matches("transform").trim());
            }
            ast::FuncOption::SetFuncOption(it) => {
                let it = it.set_config_param()?;
                let name = self.text(&it.config_parameter_ref()?).to_ascii_lowercase();
                let value = match it.config_assignment()? {
                    ast::ConfigAssignment::FromCurrent(_) => "from current".into(),
                    ast::ConfigAssignment::ToConfigValue(it) => self.config_text(&it),
                };
                set(&format!("set {name}"), &value);
            }
            ast::FuncOption::ResetFuncOption(_) => {}
        }
        Some(())
    }

    /// The value of a setting as SQL: `public, pg_temp`, `'1s'`.
    fn config_text(&mut self, it: &ast::ToConfigValue) -> SmolStr {
        if it.default_token().is_some() {
            return "DEFAULT".into();
        }
        let values: Vec<_> = it.config_values().map(|it| self.text(&it)).collect();
        values.join(", ").into()
    }

    pub fn create_aggregate(&mut self, it: &ast::CreateAggregate) -> Option<()> {
        let Some(list) = it.param_list() else {
            // The old form with `basetype` in the options.
            return self.opaque_create(
                it.syntax(),
                None,
                "aggregates in the form of before PostgreSQL 8.2 are kept as text",
            );
        };
        let name_node = it.aggregate_name()?;
        let name = self.name(&name_node)?;
        let args = self.arguments(&list)?;
        let function = Function {
            name,
            kind: FunctionKind::Aggregate,
            args,
            returns: None,
            language: Ident::new("internal"),
            body: self.query(&it.attribute_list()?),
            sql_body: false,
            attributes: Default::default(),
            owner: None,
        };
        self.mark(&name_node, function.object(), true);
        self.push(Ddl::CreateFunction { function: Box::new(function), or_replace: it.or_replace().is_some() });
        Some(())
    }

    pub fn alter_function(&mut self, it: &ast::AlterFunction) -> Option<()> {
        let (name, args) = self.function(it.function_sig())?;
        let kind = FunctionKind::Function;
        match it.action()? {
            ast::AlterFunctionAction::FunctionRenameTo(to) => {
                let to = self.ident_opt(to.function_name())?;
                self.push(Ddl::RenameFunction { name, args, kind, to });
                Some(())
            }
            ast::AlterFunctionAction::OwnerTo(it) => self.set_owner(function_ref(name, args), &it),
            ast::AlterFunctionAction::SetSchema(it) => self.set_schema(function_ref(name, args), &it),
            _ => self.opaque_function(it.syntax(), name, args),
        }
    }

    pub fn alter_procedure(&mut self, it: &ast::AlterProcedure) -> Option<()> {
        let (name, args) = self.procedure(it.procedure_sig())?;
        match it.action()? {
            ast::AlterProcedureAction::ProcedureRenameTo(to) => {
                let to = self.ident_opt(to.procedure_name())?;
                self.push(Ddl::RenameFunction { name, args, kind: FunctionKind::Procedure, to });
                Some(())
            }
            ast::AlterProcedureAction::OwnerTo(it) => self.set_owner(function_ref(name, args), &it),
            ast::AlterProcedureAction::SetSchema(it) => self.set_schema(function_ref(name, args), &it),
            _ => self.opaque_function(it.syntax(), name, args),
        }
    }

    pub fn alter_routine(&mut self, it: &ast::AlterRoutine) -> Option<()> {
        let (name, args) = self.any_routine(it.routine_sig())?;
        match it.action()? {
            ast::AlterRoutineAction::RoutineRenameTo(to) => {
                let to = self.ident_opt(to.routine_name())?;
                self.push(Ddl::RenameFunction { name, args, kind: FunctionKind::Function, to });
                Some(())
            }
            ast::AlterRoutineAction::OwnerTo(it) => self.set_owner(function_ref(name, args), &it),
            ast::AlterRoutineAction::SetSchema(it) => self.set_schema(function_ref(name, args), &it),
            _ => self.opaque_function(it.syntax(), name, args),
        }
    }

    pub fn alter_aggregate(&mut self, it: &ast::AlterAggregate) -> Option<()> {
        let (name, args) = self.aggregate(it.aggregate())?;
        match it.action()? {
            ast::AlterAggregateAction::AggregateRenameTo(to) => {
                let to = self.ident_opt(to.aggregate_name())?;
                self.push(Ddl::RenameFunction { name, args, kind: FunctionKind::Aggregate, to });
                Some(())
            }
            ast::AlterAggregateAction::OwnerTo(it) => self.set_owner(function_ref(name, args), &it),
            ast::AlterAggregateAction::SetSchema(it) => self.set_schema(function_ref(name, args), &it),
        }
    }

    /// Attributes and `DEPENDS ON EXTENSION` of a function.
    fn opaque_function(&mut self, node: &SyntaxNode, name: Name, args: Option<Vec<DataType>>) -> Option<()> {
        let object = function_ref(name, args);
        self.opaque_create(node, Some(object), "changes of a function's attributes are kept as text")
    }

    pub fn drop_functions(
        &mut self,
        all: Vec<Option<(Name, Option<Vec<DataType>>)>>,
        kind: FunctionKind,
        if_exists: bool,
        behavior: Option<ast::DropBehavior>,
    ) -> Option<()> {
        let cascade = cascades(behavior);
        for function in &all {
            let (name, args) = function.clone()?;
            self.push(Ddl::DropFunction { name, args, kind, if_exists, cascade });
        }
        (!all.is_empty()).then_some(())
    }
}

fn function_ref(name: Name, args: Option<Vec<DataType>>) -> ObjectRef {
    ObjectRef::Function(name, args.unwrap_or_default())
}

/// Defaults of CREATE FUNCTION: VOLATILE, PARALLEL UNSAFE, SECURITY INVOKER, COST 100 (1 for C), ROWS 1000.
fn drop_defaults(function: &mut Function) {
    let cost = if matches!(function.language.as_str(), "c" | "internal") { "1" } else { "100" };
    let defaults =
        [("volatility", "volatile"), ("parallel", "unsafe"), ("security", "invoker"), ("cost", cost), ("rows", "1000")];
    for (key, value) in defaults {
        if function.attributes.get(key).is_some_and(|it| it == value) {
            function.attributes.remove(key);
        }
    }
}
