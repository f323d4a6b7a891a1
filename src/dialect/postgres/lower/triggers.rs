//! Triggers and policies.

use smol_str::SmolStr;
use squawk_syntax::ast::{self, AstNode};

use super::context::{Cx, words};
use crate::sql::*;

impl Cx<'_> {
    pub fn create_trigger(&mut self, it: &ast::CreateTrigger) -> Option<()> {
        let table = self.table_ref(it.on_relation()?.relation_name_ref())?;
        let name_node = it.trigger()?;
        let name = self.ident(&name_node)?;
        self.mark(&name_node, ObjectRef::Trigger(table.clone(), name.clone()), true);
        let call = it.call_expr()?;
        let function_node = call.expr()?;
        let function = self.name(&function_node)?;
        self.mark(&function_node, ObjectRef::Function(function.clone(), Vec::new()), false);
        let mut deferred = Constraint::new(None, ConstraintKind::NotNull(name.clone()));
        for option in it.constraint_options() {
            match option {
                ast::ConstraintOption::DeferrableConstraintOption(_) => deferred.deferrable = true,
                ast::ConstraintOption::InitiallyDeferredConstraintOption(_) => {
                    deferred.deferrable = true;
                    deferred.initially_deferred = true;
                }
                _ => {}
            }
        }
        let (mut old_table, mut new_table) = (None, None);
        for table in it.referencing().into_iter().flat_map(|it| it.referencing_tables()) {
            match table {
                ast::ReferencingTable::OldTable(it) => old_table = self.ident_opt(it.transition_relation_name()),
                ast::ReferencingTable::NewTable(it) => new_table = self.ident_opt(it.transition_relation_name()),
            }
        }
        let trigger = Trigger {
            name,
            events: self.trigger_events(&it.trigger_event_list()?, &table),
            timing: match it.timing()? {
                ast::Timing::TimingAfter(_) => TriggerTiming::After,
                ast::Timing::TimingBefore(_) => TriggerTiming::Before,
                ast::Timing::TimingInsteadOf(_) => TriggerTiming::InsteadOf,
            },
            table,
            for_each_row: matches!(it.trigger_level(), Some(ast::TriggerLevel::ForEachRow(_))),
            when: self.expr_opt(it.when_condition().and_then(|it| it.expr())),
            function,
            args: self.trigger_args(&call),
            constraint: it.constraint_token().is_some(),
            deferrable: deferred.deferrable,
            initially_deferred: deferred.initially_deferred,
            from_table: self.table_ref(it.from_table().and_then(|it| it.table_name_ref())),
            old_table,
            new_table,
            enabled: TriggerEnabled::Origin,
        };
        self.push(Ddl::CreateTrigger { trigger: Box::new(trigger), or_replace: it.or_replace().is_some() });
        Some(())
    }

    /// In the order of the catalog: INSERT, DELETE, UPDATE, TRUNCATE.
    fn trigger_events(&mut self, list: &ast::TriggerEventList, table: &Name) -> Vec<TriggerEvent> {
        let mut events: Vec<_> = list
            .trigger_events()
            .map(|it| match it {
                ast::TriggerEvent::TriggerEventInsert(_) => (0, TriggerEvent::Insert),
                ast::TriggerEvent::TriggerEventDelete(_) => (1, TriggerEvent::Delete),
                ast::TriggerEvent::TriggerEventUpdate(it) => {
                    (2, TriggerEvent::Update(self.column_refs(it.column_name_refs(), table)))
                }
                ast::TriggerEvent::TriggerEventTruncate(_) => (3, TriggerEvent::Truncate),
            })
            .collect();
        events.sort_by_key(|(order, _)| *order);
        events.into_iter().map(|(_, it)| it).collect()
    }

    /// Strings, numbers or words; the trigger gets all of them as strings.
    fn trigger_args(&mut self, call: &ast::CallExpr) -> Vec<SmolStr> {
        let args = call.arg_list().into_iter().flat_map(|it| it.args());
        args.map(|it| match it.expr() {
            Some(ast::Expr::Literal(literal)) => self.value(&literal),
            _ => self.query(&it).canon().into(),
        })
        .collect()
    }

    pub fn trigger_action(&mut self, action: ast::AlterTableAction, table: &Name) -> Option<Ddl> {
        use ast::AlterTableAction as Action;
        let (trigger, enabled) = match action {
            Action::EnableTrigger(it) => (self.trigger_target(it.trigger_target()?, table)?, TriggerEnabled::Origin),
            Action::DisableTrigger(it) => (self.trigger_target(it.trigger_target()?, table)?, TriggerEnabled::Disabled),
            Action::EnableAlwaysTrigger(it) => {
                (Some(self.trigger_ref(it.trigger_ref()?, table)?), TriggerEnabled::Always)
            }
            Action::EnableReplicaTrigger(it) => {
                (Some(self.trigger_ref(it.trigger_ref()?, table)?), TriggerEnabled::Replica)
            }
            _ => return None,
        };
        Some(Ddl::EnableTrigger { table: table.clone(), trigger, enabled })
    }

    fn trigger_target(&mut self, it: ast::TriggerTarget, table: &Name) -> Option<Option<Ident>> {
        match it {
            ast::TriggerTarget::All(_) | ast::TriggerTarget::User(_) => Some(None),
            ast::TriggerTarget::TriggerRef(it) => self.trigger_ref(it, table).map(Some),
        }
    }

    pub fn trigger_ref(&mut self, it: ast::TriggerRef, table: &Name) -> Option<Ident> {
        let name = self.ident(&it)?;
        self.mark(&it, ObjectRef::Trigger(table.clone(), name.clone()), false);
        Some(name)
    }

    pub fn alter_trigger(&mut self, it: &ast::AlterTrigger) -> Option<()> {
        let table = self.table_ref(it.on_relation()?.relation_name_ref())?;
        let from = self.trigger_ref(it.trigger_ref()?, &table)?;
        match it.action()? {
            ast::AlterTriggerAction::TriggerRenameTo(to) => {
                let to = self.ident_opt(to.trigger())?;
                self.push(Ddl::RenameTrigger { table, from, to });
                Some(())
            }
            ast::AlterTriggerAction::DependsOnExtension(_) | ast::AlterTriggerAction::NoDependsOnExtension(_) => {
                self.opaque_alter(it.syntax())
            }
        }
    }

    pub fn policy_ref(&mut self, it: ast::PolicyRef, table: &Name) -> Option<Ident> {
        let name = self.ident(&it)?;
        self.mark(&it, ObjectRef::Policy(table.clone(), name.clone()), false);
        Some(name)
    }

    pub fn create_policy(&mut self, it: &ast::CreatePolicy) -> Option<()> {
        let table = self.table_ref(it.on_table()?.table_name_ref())?;
        let name_node = it.policy()?;
        let name = self.ident(&name_node)?;
        self.mark(&name_node, ObjectRef::Policy(table.clone(), name.clone()), true);
        let restrictive = it.as_policy_type().and_then(|it| it.ident_token());
        let policy = Policy {
            name,
            table,
            permissive: !restrictive.is_some_and(|it| it.text().eq_ignore_ascii_case("restrictive")),
            command: match it.policy_command() {
                Some(it) => words(&it.command()?),
                None => "ALL".into(),
            },
            roles: self.policy_roles(it.policy_roles()).unwrap_or_else(|| vec![Ident::new("public")]),
            using: self.expr_opt(it.using_expr_clause().and_then(|it| it.expr())),
            check: self.expr_opt(it.with_check_expr_clause().and_then(|it| it.expr())),
        };
        self.push(Ddl::CreatePolicy { policy: Box::new(policy) });
        Some(())
    }

    /// Sorted; PUBLIC makes the others pointless, as the server says too.
    fn policy_roles(&mut self, it: Option<ast::PolicyRoles>) -> Option<Vec<Ident>> {
        let mut roles = self.roles(it?.role_ref_list());
        roles.sort();
        roles.dedup();
        if roles.iter().any(|it| it.as_str() == "public") {
            roles.retain(|it| it.as_str() == "public");
        }
        Some(roles)
    }

    pub fn alter_policy(&mut self, it: &ast::AlterPolicy) -> Option<()> {
        let table = self.table_ref(it.on_table()?.table_name_ref())?;
        let name = self.policy_ref(it.policy_ref()?, &table)?;
        let ddl = match it.action()? {
            ast::AlterPolicyAction::PolicyRenameTo(to) => {
                Ddl::RenamePolicy { table, from: name, to: self.ident_opt(to.policy())? }
            }
            ast::AlterPolicyAction::AlterPolicyTo(it) => Ddl::AlterPolicy {
                table,
                name,
                roles: self.policy_roles(it.policy_roles()),
                using: self.expr_opt(it.using_expr_clause().and_then(|it| it.expr())),
                check: self.expr_opt(it.with_check_expr_clause().and_then(|it| it.expr())),
            },
        };
        self.push(ddl);
        Some(())
    }
}
