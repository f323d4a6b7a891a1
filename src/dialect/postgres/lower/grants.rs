//! Comments, privileges, extensions, schemas and statistics.

use smol_str::SmolStr;
use squawk_syntax::ast::{self, AstNode};

use super::context::{Cx, cascades, words};
use crate::sql::*;

impl Cx<'_> {
    pub fn comment(&mut self, it: &ast::CommentOn) -> Option<()> {
        let object = self.comment_object(it.comment_object()?)?;
        let text = match it.literal() {
            Some(literal) => Some(self.value(&literal)).filter(|it| !it.is_empty()),
            None if it.null_token().is_some() => None,
            None => return None,
        };
        self.push(Ddl::Comment { object, text });
        Some(())
    }

    pub fn grant(&mut self, it: &ast::Grant) -> Option<()> {
        let Some(on) = it.on_privilege_objects_clause() else {
            return self.opaque_create(it.syntax(), None, "membership in roles is kept as text");
        };
        let objects = self.privilege_objects(on.privilege_objects()?)?;
        let grantees = self.roles(it.role_ref_list());
        let grantable = it.grant_with_clause().and_then(|it| it.grant_option()).is_some();
        for (privileges, objects) in self.by_columns(it.privileges()?, objects) {
            self.push(Ddl::Grant { privileges, objects, grantees: grantees.clone(), grantable });
        }
        (!grantees.is_empty()).then_some(())
    }

    pub fn revoke(&mut self, it: &ast::Revoke) -> Option<()> {
        let Some(on) = it.on_privilege_objects_clause() else {
            return self.opaque_create(it.syntax(), None, "membership in roles is kept as text");
        };
        let objects = self.privilege_objects(on.privilege_objects()?)?;
        let grantees = self.roles(it.role_ref_list());
        let option_only = it.revoke_option_for().is_some();
        let cascade = cascades(it.drop_behavior());
        for (privileges, objects) in self.by_columns(it.privileges()?, objects) {
            let grantees = grantees.clone();
            self.push(Ddl::Revoke { privileges, objects, grantees, option_only, cascade });
        }
        (!grantees.is_empty()).then_some(())
    }

    /// Privileges on whole objects together; those on columns each for itself, on the columns.
    fn by_columns(&mut self, all: ast::Privileges, objects: Vec<ObjectRef>) -> Vec<(Vec<SmolStr>, Vec<ObjectRef>)> {
        let mut whole = Vec::new();
        let mut grants = Vec::new();
        let commands: Vec<(SmolStr, Option<ast::ColumnRefList>)> = match all {
            ast::Privileges::AllPrivileges(it) => vec![("ALL".into(), it.column_ref_list())],
            ast::Privileges::RevokeCommandList(list) => list
                .revoke_commands()
                .map(|it| {
                    let columns = it.column_ref_list();
                    let end = columns.as_ref().map_or("", |it| self.text(it));
                    let text = self.text(&it).strip_suffix(end).unwrap_or_default().trim();
                    (text.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase().into(), columns)
                })
                .collect(),
        };
        for (privilege, columns) in commands {
            let Some(columns) = columns else {
                whole.push(privilege);
                continue;
            };
            let names = self.idents(columns.column_name_refs());
            let on = |object: &ObjectRef| {
                let table = object.relation().cloned().unwrap_or_default();
                names.iter().map(|it| ObjectRef::Column(table.clone(), it.clone())).collect::<Vec<_>>()
            };
            grants.push((vec![privilege], objects.iter().flat_map(on).collect()));
        }
        if !whole.is_empty() {
            grants.insert(0, (whole, objects));
        }
        grants
    }

    /// What stands behind ON. `ALL TABLES IN SCHEMA s` is an object of that kind, named `s`.
    fn privilege_objects(&mut self, it: ast::PrivilegeObjects) -> Option<Vec<ObjectRef>> {
        use ast::PrivilegeObjects as On;
        let function = |it: (Name, Option<Vec<DataType>>)| ObjectRef::Function(it.0, it.1.unwrap_or_default());
        let objects: Vec<ObjectRef> = match it {
            On::PrivilegeDefault(it) => self.each(it.relation_name_refs(), ObjectRef::Table),
            On::PrivilegeTable(it) => self.each(it.relation_name_refs(), ObjectRef::Table),
            On::PrivilegeSequence(it) => self.each(it.sequence_refs(), ObjectRef::Sequence),
            On::PrivilegeType(it) => self.each(it.type_name_refs(), ObjectRef::Type),
            On::PrivilegeDomain(it) => self.each(it.domain_refs(), ObjectRef::Type),
            On::PrivilegeSchema(it) => self.each(it.schema_refs(), |it| ObjectRef::Schema(it.name)),
            On::PrivilegeFunction(it) => {
                let sigs = it.function_sig_list()?.function_sigs();
                sigs.filter_map(|it| self.function(Some(it))).map(function).collect()
            }
            On::PrivilegeProcedure(it) => {
                let sigs = it.procedure_sig_list()?.procedure_sigs();
                sigs.filter_map(|it| self.procedure(Some(it))).map(function).collect()
            }
            On::PrivilegeRoutine(it) => {
                let sigs = it.routine_sig_list()?.routine_sigs();
                sigs.filter_map(|it| self.any_routine(Some(it))).map(function).collect()
            }
            On::PrivilegeAllTablesInSchema(it) => self.others("ALL TABLES IN SCHEMA", it.schema_refs()),
            On::PrivilegeAllSequencesInSchema(it) => self.others("ALL SEQUENCES IN SCHEMA", it.schema_refs()),
            On::PrivilegeAllFunctionsInSchema(it) => self.others("ALL FUNCTIONS IN SCHEMA", it.schema_refs()),
            On::PrivilegeAllProceduresInSchema(it) => self.others("ALL PROCEDURES IN SCHEMA", it.schema_refs()),
            On::PrivilegeAllRoutinesInSchema(it) => self.others("ALL ROUTINES IN SCHEMA", it.schema_refs()),
            On::PrivilegeDatabase(it) => self.others("DATABASE", it.database_refs()),
            On::PrivilegeForeignDataWrapper(it) => self.others("FOREIGN DATA WRAPPER", it.foreign_data_wrapper_refs()),
            On::PrivilegeForeignServer(it) => self.others("FOREIGN SERVER", it.server_refs()),
            On::PrivilegeLanguage(it) => self.others("LANGUAGE", it.language_refs()),
            On::PrivilegeParameter(it) => self.others("PARAMETER", it.config_parameter_refs()),
            On::PrivilegePropertyGraph(it) => self.others("PROPERTY GRAPH", it.property_graph_refs()),
            On::PrivilegeTablespace(it) => self.others("TABLESPACE", it.tablespace_refs()),
            On::PrivilegeLargeObject(it) => it.literals().filter_map(|it| self.by_text("LARGE OBJECT", &it)).collect(),
        };
        (!objects.is_empty()).then_some(objects)
    }

    fn each<N: AstNode>(
        &mut self,
        nodes: impl Iterator<Item = N>,
        object: impl Fn(Name) -> ObjectRef,
    ) -> Vec<ObjectRef> {
        nodes.filter_map(|it| self.refer(Some(it), &object)).map(&object).collect()
    }

    fn others<N: AstNode>(&mut self, kind: &str, nodes: impl Iterator<Item = N>) -> Vec<ObjectRef> {
        nodes.filter_map(|it| self.other(kind, Some(it))).collect()
    }

    pub fn create_schema(&mut self, it: &ast::CreateSchema) -> Option<()> {
        let (name, owner) = match it.create_schema_target()? {
            ast::CreateSchemaTarget::NamedSchema(it) => {
                let node = it.schema()?;
                let name = self.ident(&node)?;
                self.mark(&node, ObjectRef::Schema(name.clone()), true);
                (name, self.ident_opt(it.role_ref()))
            }
            ast::CreateSchemaTarget::AuthorizationSchema(it) => {
                let role = self.ident_opt(it.role())?;
                (role.clone(), Some(role))
            }
        };
        self.push(Ddl::CreateSchema { name, if_not_exists: it.if_not_exists().is_some(), owner });
        if it.schema_elements().next().is_some() {
            return self.opaque_create(it.syntax(), None, "what is created within CREATE SCHEMA is kept as text");
        }
        Some(())
    }

    pub fn alter_schema(&mut self, it: &ast::AlterSchema) -> Option<()> {
        let name = self.schema_ref(it.schema_ref())?;
        match it.action()? {
            ast::AlterSchemaAction::OwnerTo(it) => self.set_owner(ObjectRef::Schema(name), &it),
            ast::AlterSchemaAction::SchemaRenameTo(_) => {
                let object = Some(ObjectRef::Schema(name));
                self.opaque_create(it.syntax(), object, "renaming a schema moves all it holds and is kept as text")
            }
        }
    }

    pub fn create_extension(&mut self, it: &ast::CreateExtension) -> Option<()> {
        let node = it.extension()?;
        let name = self.ident(&node)?;
        self.mark(&node, ObjectRef::Extension(name.clone()), true);
        let version = it.extension_version_clause();
        let version = version.and_then(|it| match it.literal() {
            Some(literal) => Some(self.value(&literal)),
            None => Some(self.ident_opt(it.extension_version())?.as_str().into()),
        });
        let extension =
            Extension { name, schema: self.schema_ref(it.extension_schema().and_then(|it| it.schema_ref())), version };
        self.push(Ddl::CreateExtension {
            extension,
            if_not_exists: it.if_not_exists().is_some(),
            cascade: it.cascade_token().is_some(),
        });
        Some(())
    }

    pub fn alter_extension(&mut self, it: &ast::AlterExtension) -> Option<()> {
        let node = it.extension_ref()?;
        let name = self.ident(&node)?;
        self.mark(&node, ObjectRef::Extension(name.clone()), false);
        let action = match it.action()? {
            ast::AlterExtensionAction::AlterExtensionUpdate(it) => {
                let to = it.update_to();
                ExtensionAction::Update(to.and_then(|it| match it.literal() {
                    Some(literal) => Some(self.value(&literal)),
                    None => Some(self.ident_opt(it.extension_version())?.as_str().into()),
                }))
            }
            ast::AlterExtensionAction::SetSchema(it) => ExtensionAction::SetSchema(self.schema_ref(it.schema_ref())?),
            ast::AlterExtensionAction::AlterExtensionAdd(it) => ExtensionAction::Member(self.text(&it).into()),
            ast::AlterExtensionAction::AlterExtensionDrop(it) => ExtensionAction::Member(self.text(&it).into()),
        };
        self.push(Ddl::AlterExtension { name, action });
        Some(())
    }

    pub fn create_statistics(&mut self, it: &ast::CreateStatistics) -> Option<()> {
        let table = self.table_ref(it.from_table()?.table_name_ref())?;
        let keys: Vec<_> = it.statistics_on_clause()?.exprs().collect();
        let keys: Option<Vec<_>> = keys.iter().map(|it| self.key_expr(it, &table)).collect();
        let keys = keys?;
        let name = match it.statistics() {
            Some(name) => self.define(Some(name), ObjectRef::Statistics)?,
            // PostgreSQL 16+ may choose the name: table, columns (`expr` for an expression), `stat`.
            None => {
                let column = |it: &KeyExpr| match it {
                    KeyExpr::Column(it) => it.to_string(),
                    KeyExpr::Expr(_) => "expr".to_owned(),
                };
                let columns: Vec<_> = keys.iter().map(column).collect();
                table.sibling(Ident::new(&format!("{}_{}_stat", table.name, columns.join("_"))))
            }
        };
        let kinds = it.stat_types().into_iter().flat_map(|it| it.statistics_kinds());
        let mut kinds: Vec<SmolStr> = kinds.map(|it| words(&it).to_lowercase().into()).collect();
        kinds.sort();
        let statistics = Statistics { name, table, kinds, keys, target: None };
        self.push(Ddl::CreateStatistics {
            statistics: Box::new(statistics),
            if_not_exists: it.if_not_exists().is_some(),
        });
        Some(())
    }

    pub fn alter_statistics(&mut self, it: &ast::AlterStatistics) -> Option<()> {
        let name = self.refer(it.statistics_ref(), ObjectRef::Statistics)?;
        let object = ObjectRef::Statistics(name.clone());
        match it.action()? {
            ast::AlterStatisticsAction::SetStatistics(it) => {
                let target = self.statistics_target(&it)?.unwrap_or(-1);
                self.push(Ddl::SetStatisticsTarget { name, target });
                Some(())
            }
            ast::AlterStatisticsAction::OwnerTo(it) => self.set_owner(object, &it),
            ast::AlterStatisticsAction::SetSchema(it) => self.set_schema(object, &it),
            ast::AlterStatisticsAction::StatisticsRenameTo(_) => {
                self.opaque_create(it.syntax(), Some(object), "renaming statistics is kept as text")
            }
        }
    }
}
