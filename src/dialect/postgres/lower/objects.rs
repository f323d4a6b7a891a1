//! Objects as COMMENT, GRANT, DROP and ALTER name them.

use squawk_syntax::ast::{self, AstNode};

use super::context::Cx;
use crate::sql::*;

impl Cx<'_> {
    /// Something without a variant: kind in SQL's words, and its name.
    pub fn other<N: AstNode>(&mut self, kind: &str, node: Option<N>) -> Option<ObjectRef> {
        let node = node?;
        let object = ObjectRef::Other(kind.into(), self.name(&node)?);
        self.mark(&node, object.clone(), false);
        Some(object)
    }

    fn named<N: AstNode>(&mut self, node: Option<N>, object: impl Fn(Name) -> ObjectRef) -> Option<ObjectRef> {
        Some(object(self.refer(node, &object)?))
    }

    fn single<N: AstNode>(&mut self, node: Option<N>, object: impl Fn(Ident) -> ObjectRef) -> Option<ObjectRef> {
        let node = node?;
        let object = object(self.ident(&node)?);
        self.mark(&node, object.clone(), false);
        Some(object)
    }

    /// An object of a table: `TRIGGER x ON t`.
    fn part<N: AstNode, T: AstNode>(
        &mut self,
        node: Option<N>,
        table: Option<T>,
        object: impl Fn(Name, Ident) -> ObjectRef,
    ) -> Option<ObjectRef> {
        let table = self.table_ref(table)?;
        self.single(node, |it| object(table.clone(), it))
    }

    pub fn function(&mut self, sig: Option<ast::FunctionSig>) -> Option<(Name, Option<Vec<DataType>>)> {
        let sig = sig?;
        self.routine(sig.function_name_ref(), sig.param_list())
    }

    pub fn procedure(&mut self, sig: Option<ast::ProcedureSig>) -> Option<(Name, Option<Vec<DataType>>)> {
        let sig = sig?;
        self.routine(sig.procedure_name_ref(), sig.param_list())
    }

    pub fn any_routine(&mut self, sig: Option<ast::RoutineSig>) -> Option<(Name, Option<Vec<DataType>>)> {
        let sig = sig?;
        self.routine(sig.routine_name_ref(), sig.param_list())
    }

    pub fn aggregate(&mut self, it: Option<ast::Aggregate>) -> Option<(Name, Option<Vec<DataType>>)> {
        let it = it?;
        self.routine(it.path_ref(), it.param_list())
    }

    /// Name and input types; marks the name.
    fn routine<N: AstNode>(
        &mut self,
        node: Option<N>,
        list: Option<ast::ParamList>,
    ) -> Option<(Name, Option<Vec<DataType>>)> {
        let node = node?;
        let name = self.name(&node)?;
        let args = match list {
            Some(list) => Some(self.arguments(&list)?),
            None => None,
        };
        let args = args.map(|it| it.into_iter().filter(|it| it.mode != ArgumentMode::Out).map(|it| it.ty).collect());
        let args: Option<Vec<DataType>> = args;
        self.mark(&node, ObjectRef::Function(name.clone(), args.clone().unwrap_or_default()), false);
        Some((name, args))
    }

    pub fn comment_object(&mut self, it: ast::CommentObject) -> Option<ObjectRef> {
        use ast::CommentObject as Object;
        let function = |it: (Name, Option<Vec<DataType>>)| ObjectRef::Function(it.0, it.1.unwrap_or_default());
        match it {
            Object::ObjectTable(it) => self.named(it.table_name_ref(), ObjectRef::Table),
            Object::ObjectForeignTable(it) => self.named(it.table_name_ref(), ObjectRef::Table),
            Object::ObjectView(it) => self.named(it.view_ref(), ObjectRef::View),
            Object::ObjectMaterializedView(it) => self.named(it.view_ref(), ObjectRef::View),
            Object::ObjectIndex(it) => self.named(it.index_ref(), ObjectRef::Index),
            Object::ObjectSequence(it) => self.named(it.sequence_ref(), ObjectRef::Sequence),
            Object::ObjectType(it) => self.named(it.type_name_ref(), ObjectRef::Type),
            Object::ObjectDomain(it) => self.named(it.domain_ref(), ObjectRef::Type),
            Object::ObjectStatistics(it) => self.named(it.statistics_ref(), ObjectRef::Statistics),
            Object::ObjectCollation(it) => self.named(it.collation_ref(), ObjectRef::Collation),
            Object::ObjectSchema(it) => self.single(it.schema_ref(), ObjectRef::Schema),
            Object::ObjectExtension(it) => self.single(it.extension_ref(), ObjectRef::Extension),
            Object::ObjectColumn(it) => {
                let path = it.name()?;
                let (table, column) = self.column_path(&path)?;
                let object = ObjectRef::Column(table, column);
                self.mark(&path, object.clone(), false);
                Some(object)
            }
            Object::ObjectConstraint(it) => match it.domain_ref() {
                Some(domain) => {
                    let domain = self.refer(Some(domain), ObjectRef::Type)?;
                    self.single(it.constraint_name_ref(), |it| ObjectRef::DomainConstraint(domain.clone(), it))
                }
                None => self.part(it.constraint_name_ref(), it.table_name_ref(), ObjectRef::Constraint),
            },
            Object::ObjectTrigger(it) => self.part(it.trigger_ref(), it.relation_name_ref(), ObjectRef::Trigger),
            Object::ObjectPolicy(it) => self.part(it.policy_ref(), it.table_name_ref(), ObjectRef::Policy),
            Object::ObjectRule(it) => self.part(it.rule_ref(), it.relation_name_ref(), ObjectRef::Rule),
            Object::ObjectFunction(it) => self.function(it.function_sig()).map(function),
            Object::ObjectProcedure(it) => self.procedure(it.procedure_sig()).map(function),
            Object::ObjectRoutine(it) => self.any_routine(it.routine_sig()).map(function),
            Object::ObjectAggregate(it) => self.aggregate(it.aggregate()).map(function),
            Object::ObjectAccessMethod(it) => self.other("ACCESS METHOD", it.access_method_ref()),
            Object::ObjectConversion(it) => self.other("CONVERSION", it.conversion_ref()),
            Object::ObjectDatabase(it) => self.other("DATABASE", it.database_ref()),
            Object::ObjectEventTrigger(it) => self.other("EVENT TRIGGER", it.event_trigger_ref()),
            Object::ObjectForeignDataWrapper(it) => self.other("FOREIGN DATA WRAPPER", it.foreign_data_wrapper_ref()),
            Object::ObjectLanguage(it) => self.other("LANGUAGE", it.language_ref()),
            Object::ObjectPublication(it) => self.other("PUBLICATION", it.publication_ref()),
            Object::ObjectRole(it) => self.other("ROLE", it.role_ref()),
            Object::ObjectServer(it) => self.other("SERVER", it.server_ref()),
            Object::ObjectSubscription(it) => self.other("SUBSCRIPTION", it.subscription_ref()),
            Object::ObjectTablespace(it) => self.other("TABLESPACE", it.tablespace_ref()),
            Object::ObjectPropertyGraph(it) => self.other("PROPERTY GRAPH", it.property_graph_ref()),
            Object::ObjectTextSearchConfig(it) => {
                self.other("TEXT SEARCH CONFIGURATION", it.text_search_configuration_ref())
            }
            Object::ObjectTextSearchDict(it) => self.other("TEXT SEARCH DICTIONARY", it.text_search_dictionary_ref()),
            Object::ObjectTextSearchParser(it) => self.other("TEXT SEARCH PARSER", it.text_search_parser_ref()),
            Object::ObjectTextSearchTemplate(it) => self.other("TEXT SEARCH TEMPLATE", it.text_search_template_ref()),
            // Named by more than a name: the text stands for it.
            Object::ObjectCast(it) => self.by_text("CAST", &it.cast_sig()?),
            Object::ObjectLargeObject(it) => self.by_text("LARGE OBJECT", &it.literal()?),
            Object::ObjectOperator(it) => self.by_rest("OPERATOR", &it),
            Object::ObjectOperatorClass(it) => self.by_rest("OPERATOR CLASS", &it),
            Object::ObjectOperatorFamily(it) => self.by_rest("OPERATOR FAMILY", &it),
            Object::ObjectTransform(it) => self.by_rest("TRANSFORM", &it),
        }
    }

    /// An object whose identity is a piece of text: `CAST (a AS b)`.
    pub fn by_text(&mut self, kind: &str, node: &impl AstNode) -> Option<ObjectRef> {
        let name = self.query(node).canon().to_owned();
        Some(ObjectRef::Other(kind.into(), Name::bare(&name)))
    }

    /// As [`Cx::by_text`], for the text behind the kind's words.
    fn by_rest(&mut self, kind: &str, node: &impl AstNode) -> Option<ObjectRef> {
        let canon = self.query(node).canon().to_owned();
        let rest = canon.get(kind.len()..).unwrap_or_default().trim();
        Some(ObjectRef::Other(kind.into(), Name::bare(rest)))
    }
}
