//! Which statement is lowered how.

use squawk_syntax::{
    SyntaxNode,
    ast::{self, AstNode},
};

use super::context::Cx;
use crate::sql::*;

/// Lowers one statement; `None`: it lacks a part.
pub(super) fn lower(cx: &mut Cx<'_>, node: &SyntaxNode) -> Option<()> {
    let stmt = ast::Stmt::cast(node.clone())?;
    match &stmt {
        ast::Stmt::EmptyStmt(_) => Some(()),
        ast::Stmt::CreateTable(it) => cx.create_table(it),
        ast::Stmt::CreateTableAs(it) => cx.create_table_as(it),
        ast::Stmt::AlterTable(it) => cx.alter_table(it),
        ast::Stmt::CreateIndex(it) => cx.create_index(it),
        ast::Stmt::AlterIndex(it) => cx.alter_index(it),
        ast::Stmt::Reindex(it) => cx.reindex(it),
        ast::Stmt::CreateSequence(it) => cx.create_sequence(it),
        ast::Stmt::AlterSequence(it) => cx.alter_sequence(it),
        ast::Stmt::CreateType(it) => cx.create_type(it),
        ast::Stmt::AlterType(it) => cx.alter_type(it),
        ast::Stmt::CreateDomain(it) => cx.create_domain(it),
        ast::Stmt::AlterDomain(it) => cx.alter_domain(it),
        ast::Stmt::CreateView(it) => cx.create_view(it),
        ast::Stmt::AlterView(it) => cx.alter_view(it),
        ast::Stmt::CreateMaterializedView(it) => cx.create_materialized_view(it),
        ast::Stmt::AlterMaterializedView(it) => cx.alter_materialized_view(it),
        ast::Stmt::Refresh(it) => cx.refresh(it),
        ast::Stmt::CreateFunction(it) => cx.create_function(it),
        ast::Stmt::CreateProcedure(it) => cx.create_procedure(it),
        ast::Stmt::CreateAggregate(it) => cx.create_aggregate(it),
        ast::Stmt::AlterFunction(it) => cx.alter_function(it),
        ast::Stmt::AlterProcedure(it) => cx.alter_procedure(it),
        ast::Stmt::AlterRoutine(it) => cx.alter_routine(it),
        ast::Stmt::AlterAggregate(it) => cx.alter_aggregate(it),
        ast::Stmt::CreateTrigger(it) => cx.create_trigger(it),
        ast::Stmt::AlterTrigger(it) => cx.alter_trigger(it),
        ast::Stmt::CreatePolicy(it) => cx.create_policy(it),
        ast::Stmt::AlterPolicy(it) => cx.alter_policy(it),
        ast::Stmt::CreateSchema(it) => cx.create_schema(it),
        ast::Stmt::AlterSchema(it) => cx.alter_schema(it),
        ast::Stmt::CreateExtension(it) => cx.create_extension(it),
        ast::Stmt::AlterExtension(it) => cx.alter_extension(it),
        ast::Stmt::CreateStatistics(it) => cx.create_statistics(it),
        ast::Stmt::AlterStatistics(it) => cx.alter_statistics(it),
        ast::Stmt::CommentOn(it) => cx.comment(it),
        ast::Stmt::Grant(it) => cx.grant(it),
        ast::Stmt::Revoke(it) => cx.revoke(it),
        _ => lower_drop(cx, &stmt).or_else(|| lower_session(cx, &stmt)).unwrap_or_else(|| lower_opaque(cx, &stmt)),
    }
}

/// DROP of anything; `None`: it is something else.
fn lower_drop(cx: &mut Cx<'_>, stmt: &ast::Stmt) -> Option<Option<()>> {
    Some(match stmt {
        ast::Stmt::DropTable(it) => cx.drop_table(it),
        ast::Stmt::DropIndex(it) => cx.drop_index(it),
        ast::Stmt::DropView(it) => cx.drop_view(it),
        ast::Stmt::DropMaterializedView(it) => cx.drop_materialized_view(it),
        ast::Stmt::DropSequence(it) => cx.drop_sequence(it),
        ast::Stmt::DropType(it) => cx.drop_type(it),
        ast::Stmt::DropDomain(it) => cx.drop_domain(it),
        ast::Stmt::DropSchema(it) => cx.drop_schema(it),
        ast::Stmt::DropExtension(it) => cx.drop_extension(it),
        ast::Stmt::DropStatistics(it) => cx.drop_statistics(it),
        ast::Stmt::DropTrigger(it) => cx.drop_trigger(it),
        ast::Stmt::DropPolicy(it) => cx.drop_policy(it),
        ast::Stmt::DropFunction(it) => {
            let all = it.function_sig_list().into_iter().flat_map(|it| it.function_sigs());
            let all = all.map(|it| cx.function(Some(it))).collect();
            cx.drop_functions(all, FunctionKind::Function, it.if_exists().is_some(), it.drop_behavior())
        }
        ast::Stmt::DropProcedure(it) => {
            let all = it.procedure_sig_list().into_iter().flat_map(|it| it.procedure_sigs());
            let all = all.map(|it| cx.procedure(Some(it))).collect();
            cx.drop_functions(all, FunctionKind::Procedure, it.if_exists().is_some(), it.drop_behavior())
        }
        ast::Stmt::DropRoutine(it) => {
            let all = it.routine_sig_list().into_iter().flat_map(|it| it.routine_sigs());
            let all = all.map(|it| cx.any_routine(Some(it))).collect();
            cx.drop_functions(all, FunctionKind::Function, it.if_exists().is_some(), it.drop_behavior())
        }
        ast::Stmt::DropAggregate(it) => {
            let all = it.aggregates().map(|it| cx.aggregate(Some(it))).collect();
            cx.drop_functions(all, FunctionKind::Aggregate, it.if_exists().is_some(), it.drop_behavior())
        }
        ast::Stmt::DropRule(it) => cx.drop_rule(it),
        ast::Stmt::DropForeignTable(it) => cx.drop_foreign_table(it),
        ast::Stmt::DropCollation(it) => cx.drop_collation(it),
        ast::Stmt::DropAccessMethod(it) => cx.drop_kind("ACCESS METHOD", it.access_method_ref(), it.drop_behavior()),
        ast::Stmt::DropConversion(it) => cx.drop_kind("CONVERSION", it.conversion_ref(), it.drop_behavior()),
        ast::Stmt::DropDatabase(it) => cx.drop_kind("DATABASE", it.database_ref(), None),
        ast::Stmt::DropEventTrigger(it) => cx.drop_kind("EVENT TRIGGER", it.event_trigger_ref(), it.drop_behavior()),
        ast::Stmt::DropForeignDataWrapper(it) => {
            cx.drop_kind("FOREIGN DATA WRAPPER", it.foreign_data_wrapper_refs(), it.drop_behavior())
        }
        ast::Stmt::DropLanguage(it) => cx.drop_kind("LANGUAGE", it.language_ref(), it.drop_behavior()),
        ast::Stmt::DropPropertyGraph(it) => cx.drop_kind("PROPERTY GRAPH", it.property_graph_ref(), it.drop_behavior()),
        ast::Stmt::DropPublication(it) => cx.drop_kind("PUBLICATION", it.publication_refs(), it.drop_behavior()),
        ast::Stmt::DropRole(it) => cx.drop_kind("ROLE", it.role_refs(), None),
        ast::Stmt::DropUser(it) => cx.drop_kind("ROLE", it.role_refs(), None),
        ast::Stmt::DropGroup(it) => cx.drop_kind("ROLE", it.role_refs(), None),
        ast::Stmt::DropServer(it) => cx.drop_kind("SERVER", it.server_refs(), it.drop_behavior()),
        ast::Stmt::DropSubscription(it) => cx.drop_kind("SUBSCRIPTION", it.subscription_ref(), it.drop_behavior()),
        ast::Stmt::DropTablespace(it) => cx.drop_kind("TABLESPACE", it.tablespace_ref(), None),
        ast::Stmt::DropTextSearchConfig(it) => {
            cx.drop_kind("TEXT SEARCH CONFIGURATION", it.text_search_configuration_ref(), it.drop_behavior())
        }
        ast::Stmt::DropTextSearchDict(it) => {
            cx.drop_kind("TEXT SEARCH DICTIONARY", it.text_search_dictionary_ref(), it.drop_behavior())
        }
        ast::Stmt::DropTextSearchParser(it) => {
            cx.drop_kind("TEXT SEARCH PARSER", it.text_search_parser_ref(), it.drop_behavior())
        }
        ast::Stmt::DropTextSearchTemplate(it) => {
            cx.drop_kind("TEXT SEARCH TEMPLATE", it.text_search_template_ref(), it.drop_behavior())
        }
        ast::Stmt::DropCast(it) => drop_text(cx, "CAST", it.cast_sig(), it.drop_behavior()),
        ast::Stmt::DropOperator(it) => drop_text(cx, "OPERATOR", it.op_sig_list(), it.drop_behavior()),
        ast::Stmt::DropOperatorClass(it) => cx.drop_kind("OPERATOR CLASS", it.op_class_ref(), it.drop_behavior()),
        ast::Stmt::DropOperatorFamily(it) => cx.drop_kind("OPERATOR FAMILY", it.op_family_ref(), it.drop_behavior()),
        ast::Stmt::DropTransform(it) => drop_text(cx, "TRANSFORM", it.ty(), it.drop_behavior()),
        ast::Stmt::DropUserMapping(it) => drop_text(cx, "USER MAPPING", it.server_clause(), None),
        _ => return None,
    })
}

fn drop_text<N: AstNode>(
    cx: &mut Cx<'_>,
    kind: &str,
    node: Option<N>,
    behavior: Option<ast::DropBehavior>,
) -> Option<()> {
    let object = cx.by_text(kind, &node?);
    cx.drop_opaque(object, super::context::cascades(behavior))
}

/// What is not DDL; `None`: it is.
fn lower_session(cx: &mut Cx<'_>, stmt: &ast::Stmt) -> Option<Option<()>> {
    Some(match stmt {
        ast::Stmt::Begin(_) => cx.transaction(TransactionControl::Begin),
        ast::Stmt::Commit(_) => cx.transaction(TransactionControl::Commit),
        ast::Stmt::Rollback(ast::Rollback::RollbackTransaction(_)) => cx.transaction(TransactionControl::Rollback),
        ast::Stmt::Rollback(ast::Rollback::RollbackToSavepoint(_)) => {
            cx.transaction(TransactionControl::RollbackToSavepoint)
        }
        ast::Stmt::SavepointCreate(_) => cx.transaction(TransactionControl::Savepoint),
        ast::Stmt::ReleaseSavepoint(_) => cx.transaction(TransactionControl::Release),
        ast::Stmt::Rollback(_)
        | ast::Stmt::SetTransaction(_)
        | ast::Stmt::PrepareTransaction(_)
        | ast::Stmt::SetConstraints(_) => cx.transaction(TransactionControl::Other),
        ast::Stmt::Set(it) => cx.set(it),
        ast::Stmt::Reset(it) => cx.reset(it),
        ast::Stmt::SetRole(it) => cx.set_role("role", it.set_role_target()),
        ast::Stmt::ResetRole(_) => cx.set_role("role", None::<ast::RoleRef>),
        ast::Stmt::SetSessionAuth(it) => cx.set_role("session_authorization", it.set_session_auth_target()),
        ast::Stmt::ResetSessionAuth(_) => cx.set_role("session_authorization", None::<ast::RoleRef>),
        ast::Stmt::Lock(it) => cx.lock(it),
        ast::Stmt::Truncate(it) => cx.truncate(it),
        ast::Stmt::Do(it) => cx.do_block(it),
        ast::Stmt::Insert(it) => cx.insert(it),
        ast::Stmt::Update(it) => cx.update(it),
        ast::Stmt::Delete(it) => cx.delete(it),
        ast::Stmt::Merge(it) => cx.merge(it),
        ast::Stmt::Copy(it) => cx.copy(it),
        ast::Stmt::Select(it) => cx.select(it.syntax()),
        ast::Stmt::SelectInto(it) => cx.select_into(it),
        ast::Stmt::Vacuum(it) => cx.vacuum(it),
        ast::Stmt::Analyze(it) => cx.maintenance(it.syntax(), it.table_and_columns_list(), false),
        ast::Stmt::Cluster(it) => {
            let table = it.table_name_ref().or_else(|| it.cluster_legacy()?.on_path()?.table_name_ref());
            let target = cx.table_ref(table);
            cx.maintain(it.syntax(), target, true)
        }
        ast::Stmt::Repack(it) => cx.maintenance(it.syntax(), it.table_and_columns_list(), true),
        ast::Stmt::CompoundSelect(_)
        | ast::Stmt::ParenSelect(_)
        | ast::Stmt::Table(_)
        | ast::Stmt::Values(_)
        | ast::Stmt::Call(_)
        | ast::Stmt::Checkpoint(_)
        | ast::Stmt::Close(_)
        | ast::Stmt::Deallocate(_)
        | ast::Stmt::Declare(_)
        | ast::Stmt::Discard(_)
        | ast::Stmt::Execute(_)
        | ast::Stmt::Explain(_)
        | ast::Stmt::Fetch(_)
        | ast::Stmt::Listen(_)
        | ast::Stmt::Load(_)
        | ast::Stmt::Move(_)
        | ast::Stmt::Notify(_)
        | ast::Stmt::Prepare(_)
        | ast::Stmt::Show(_)
        | ast::Stmt::Unlisten(_) => cx.data(stmt.syntax()),
        _ => return None,
    })
}

/// What is kept as text, with the object it defines.
fn lower_opaque(cx: &mut Cx<'_>, stmt: &ast::Stmt) -> Option<()> {
    let (object, why) = match stmt {
        ast::Stmt::CreateRule(it) => {
            let table = cx.table_ref(it.rule_on()?.relation_name_ref())?;
            let rule = cx.ident_opt(it.rule())?;
            (Some(ObjectRef::Rule(table, rule)), "rules are kept as text")
        }
        ast::Stmt::CreateForeignTable(it) => {
            let table = cx.define(it.table_name(), ObjectRef::Table)?;
            (Some(ObjectRef::Table(table)), "foreign tables are kept as text")
        }
        ast::Stmt::CreateCollation(it) => {
            (Some(ObjectRef::Collation(cx.name(&it.collation()?)?)), "collations are kept as text")
        }
        ast::Stmt::CreatePublication(it) => {
            (other(cx, "PUBLICATION", it.publication())?, "publications are kept as text")
        }
        ast::Stmt::CreateSubscription(it) => {
            (other(cx, "SUBSCRIPTION", it.subscription())?, "subscriptions are kept as text")
        }
        ast::Stmt::CreateEventTrigger(it) => {
            (other(cx, "EVENT TRIGGER", it.event_trigger())?, "event triggers are kept as text")
        }
        ast::Stmt::CreateServer(it) => (other(cx, "SERVER", it.server())?, "foreign servers are kept as text"),
        ast::Stmt::CreateForeignDataWrapper(it) => {
            (other(cx, "FOREIGN DATA WRAPPER", it.foreign_data_wrapper())?, "foreign data wrappers are kept as text")
        }
        ast::Stmt::CreateUserMapping(it) => {
            (cx.by_text("USER MAPPING", &it.server_clause()?), "user mappings are kept as text")
        }
        ast::Stmt::CreateCast(it) => (cx.by_text("CAST", &it.cast_sig()?), "casts are kept as text"),
        ast::Stmt::CreateOperator(it) => (cx.by_text("OPERATOR", &it.op()?), "operators are kept as text"),
        ast::Stmt::CreateOperatorClass(it) => {
            (other(cx, "OPERATOR CLASS", it.op_class_name())?, "operator classes are kept as text")
        }
        ast::Stmt::CreateOperatorFamily(it) => {
            (other(cx, "OPERATOR FAMILY", it.op_family_name())?, "operator families are kept as text")
        }
        ast::Stmt::CreateTextSearchConfiguration(it) => (
            other(cx, "TEXT SEARCH CONFIGURATION", it.text_search_configuration())?,
            "text search objects are kept as text",
        ),
        ast::Stmt::CreateTextSearchDictionary(it) => {
            (other(cx, "TEXT SEARCH DICTIONARY", it.text_search_dictionary())?, "text search objects are kept as text")
        }
        ast::Stmt::CreateTextSearchParser(it) => {
            (other(cx, "TEXT SEARCH PARSER", it.text_search_parser())?, "text search objects are kept as text")
        }
        ast::Stmt::CreateTextSearchTemplate(it) => {
            (other(cx, "TEXT SEARCH TEMPLATE", it.text_search_template())?, "text search objects are kept as text")
        }
        ast::Stmt::CreateConversion(it) => (other(cx, "CONVERSION", it.conversion())?, "conversions are kept as text"),
        ast::Stmt::CreateLanguage(it) => (other(cx, "LANGUAGE", it.language())?, "languages are kept as text"),
        ast::Stmt::CreateTransform(it) => (cx.by_text("TRANSFORM", &it.ty()?), "transforms are kept as text"),
        ast::Stmt::CreateAccessMethod(it) => {
            (other(cx, "ACCESS METHOD", it.access_method())?, "access methods are kept as text")
        }
        ast::Stmt::CreatePropertyGraph(it) => {
            (other(cx, "PROPERTY GRAPH", it.property_graph())?, "property graphs are kept as text")
        }
        ast::Stmt::CreateRole(it) => (other(cx, "ROLE", it.role())?, ROLES),
        ast::Stmt::CreateUser(it) => (other(cx, "ROLE", it.role())?, ROLES),
        ast::Stmt::CreateGroup(it) => (other(cx, "ROLE", it.role())?, ROLES),
        ast::Stmt::AlterRole(_) | ast::Stmt::AlterUser(_) | ast::Stmt::AlterGroup(_) => (None, ROLES),
        ast::Stmt::CreateDatabase(it) => (other(cx, "DATABASE", it.database())?, DATABASES),
        ast::Stmt::AlterDatabase(_) | ast::Stmt::AlterSystem(_) => (None, DATABASES),
        ast::Stmt::CreateTablespace(it) => (other(cx, "TABLESPACE", it.tablespace())?, DATABASES),
        ast::Stmt::AlterTablespace(_) => (None, DATABASES),
        ast::Stmt::AlterDefaultPrivileges(_) => (None, "default privileges are kept as text"),
        ast::Stmt::DropOwned(_) | ast::Stmt::Reassign(_) => (None, "what a role owns is not modelled"),
        ast::Stmt::ImportForeignSchema(_) => (None, "foreign tables are kept as text"),
        ast::Stmt::SecurityLabel(_) => (None, "security labels are kept as text"),
        ast::Stmt::AlterForeignTable(it) => {
            let table = cx.table_ref(it.table_relation_name()?.table_name_ref())?;
            (Some(ObjectRef::Table(table)), "foreign tables are kept as text")
        }
        // Every other ALTER of something that is kept as text.
        _ => return cx.opaque_alter(stmt.syntax()),
    };
    cx.opaque_create(stmt.syntax(), object, why)
}

const ROLES: &str = "roles belong to the cluster, not to the schema";
const DATABASES: &str = "databases and tablespaces belong to the cluster, not to the schema";

/// `Some(Some(…))`, or `None` when the name is missing.
fn other<N: AstNode>(cx: &mut Cx<'_>, kind: &str, node: Option<N>) -> Option<Option<ObjectRef>> {
    cx.other(kind, node).map(Some)
}
