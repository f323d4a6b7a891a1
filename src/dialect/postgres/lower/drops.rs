//! DROP, one `Ddl` for each name.

use squawk_syntax::ast::{self, AstNode};

use super::context::{Cx, cascades};
use crate::sql::*;

/// What the drops of one statement share.
struct How {
    if_exists: bool,
    cascade: bool,
}

fn how(if_exists: Option<ast::IfExists>, behavior: Option<ast::DropBehavior>) -> How {
    How { if_exists: if_exists.is_some(), cascade: cascades(behavior) }
}

impl Cx<'_> {
    pub fn drop_table(&mut self, it: &ast::DropTable) -> Option<()> {
        let How { if_exists, cascade } = how(it.if_exists(), it.drop_behavior());
        self.drop_each(it.table_name_refs(), ObjectRef::Table, |name| Ddl::DropTable { name, if_exists, cascade })
    }

    pub fn drop_index(&mut self, it: &ast::DropIndex) -> Option<()> {
        let How { if_exists, cascade } = how(it.if_exists(), it.drop_behavior());
        let concurrently = it.concurrently_token().is_some();
        self.drop_each(it.index_refs(), ObjectRef::Index, |name| Ddl::DropIndex {
            name,
            concurrently,
            if_exists,
            cascade,
        })
    }

    pub fn drop_view(&mut self, it: &ast::DropView) -> Option<()> {
        let How { if_exists, cascade } = how(it.if_exists(), it.drop_behavior());
        let drop = |name| Ddl::DropView { name, materialized: false, if_exists, cascade };
        self.drop_each(it.view_refs(), ObjectRef::View, drop)
    }

    pub fn drop_materialized_view(&mut self, it: &ast::DropMaterializedView) -> Option<()> {
        let How { if_exists, cascade } = how(it.if_exists(), it.drop_behavior());
        let drop = |name| Ddl::DropView { name, materialized: true, if_exists, cascade };
        self.drop_each(it.view_refs(), ObjectRef::View, drop)
    }

    pub fn drop_sequence(&mut self, it: &ast::DropSequence) -> Option<()> {
        let How { if_exists, cascade } = how(it.if_exists(), it.drop_behavior());
        self.drop_each(it.sequence_refs(), ObjectRef::Sequence, |name| Ddl::DropSequence { name, if_exists, cascade })
    }

    pub fn drop_type(&mut self, it: &ast::DropType) -> Option<()> {
        let How { if_exists, cascade } = how(it.if_exists(), it.drop_behavior());
        let drop = |name| Ddl::DropType { name, domain: false, if_exists, cascade };
        self.drop_each(it.type_name_refs(), ObjectRef::Type, drop)
    }

    pub fn drop_domain(&mut self, it: &ast::DropDomain) -> Option<()> {
        let How { if_exists, cascade } = how(it.if_exists(), it.drop_behavior());
        let drop = |name| Ddl::DropType { name, domain: true, if_exists, cascade };
        self.drop_each(it.domain_refs(), ObjectRef::Type, drop)
    }

    pub fn drop_schema(&mut self, it: &ast::DropSchema) -> Option<()> {
        let How { if_exists, cascade } = how(it.if_exists(), it.drop_behavior());
        let drop = |it: Name| Ddl::DropSchema { name: it.name, if_exists, cascade };
        self.drop_each(it.schema_refs(), |it| ObjectRef::Schema(it.name), drop)
    }

    pub fn drop_extension(&mut self, it: &ast::DropExtension) -> Option<()> {
        let How { if_exists, cascade } = how(it.if_exists(), it.drop_behavior());
        let drop = |it: Name| Ddl::DropExtension { name: it.name, if_exists, cascade };
        self.drop_each(it.extension_refs(), |it| ObjectRef::Extension(it.name), drop)
    }

    pub fn drop_statistics(&mut self, it: &ast::DropStatistics) -> Option<()> {
        let if_exists = it.if_exists().is_some();
        self.drop_each(it.statistics_refs(), ObjectRef::Statistics, |name| Ddl::DropStatistics { name, if_exists })
    }

    pub fn drop_trigger(&mut self, it: &ast::DropTrigger) -> Option<()> {
        let How { if_exists, cascade } = how(it.if_exists(), it.drop_behavior());
        let table = self.table_ref(it.on_relation()?.relation_name_ref())?;
        let name = self.trigger_ref(it.trigger_ref()?, &table)?;
        self.push(Ddl::DropTrigger { table, name, if_exists, cascade });
        Some(())
    }

    pub fn drop_policy(&mut self, it: &ast::DropPolicy) -> Option<()> {
        let How { if_exists, cascade } = how(it.if_exists(), it.drop_behavior());
        let table = self.table_ref(it.on_table()?.table_name_ref())?;
        let name = self.policy_ref(it.policy_ref()?, &table)?;
        self.push(Ddl::DropPolicy { table, name, if_exists, cascade });
        Some(())
    }

    pub fn drop_rule(&mut self, it: &ast::DropRule) -> Option<()> {
        let table = self.table_ref(it.on_relation()?.relation_name_ref())?;
        let rule = self.ident_opt(it.rule_ref())?;
        self.drop_opaque(Some(ObjectRef::Rule(table, rule)), cascades(it.drop_behavior()))
    }

    pub fn drop_foreign_table(&mut self, it: &ast::DropForeignTable) -> Option<()> {
        let cascade = cascades(it.drop_behavior());
        self.drop_others(it.table_name_refs(), ObjectRef::Table, cascade)
    }

    pub fn drop_collation(&mut self, it: &ast::DropCollation) -> Option<()> {
        let cascade = cascades(it.drop_behavior());
        self.drop_others(it.collation_refs(), ObjectRef::Collation, cascade)
    }

    /// Things that are kept as text, by kind and name.
    pub fn drop_kind<N: AstNode>(
        &mut self,
        kind: &str,
        nodes: impl IntoIterator<Item = N>,
        behavior: Option<ast::DropBehavior>,
    ) -> Option<()> {
        let cascade = cascades(behavior);
        self.drop_others(nodes.into_iter(), |it| ObjectRef::Other(kind.into(), it), cascade)
    }

    fn drop_others<N: AstNode>(
        &mut self,
        nodes: impl Iterator<Item = N>,
        object: impl Fn(Name) -> ObjectRef,
        cascade: bool,
    ) -> Option<()> {
        let mut any = false;
        for node in nodes {
            any = true;
            let name = self.refer(Some(node), &object)?;
            self.drop_opaque(Some(object(name)), cascade)?;
        }
        any.then_some(())
    }

    fn drop_each<N: AstNode>(
        &mut self,
        nodes: impl Iterator<Item = N>,
        object: impl Fn(Name) -> ObjectRef,
        drop: impl Fn(Name) -> Ddl,
    ) -> Option<()> {
        let mut any = false;
        for node in nodes {
            any = true;
            let name = self.refer(Some(node), &object)?;
            self.push(drop(name));
        }
        any.then_some(())
    }
}
