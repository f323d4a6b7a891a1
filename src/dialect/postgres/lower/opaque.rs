//! Definitions that are kept as text, and why.

use std::collections::BTreeSet;

use smol_str::SmolStr;
use squawk_syntax::{
    SyntaxNode,
    ast::{self, AstNode},
};

use super::context::Cx;
use crate::{dialect::postgres::expr, sql::*};

impl Cx<'_> {
    /// The whole statement as text.
    pub fn opaque_of(&mut self, kind: &str, object: Option<ObjectRef>, why: &str) -> Ddl {
        let text = self.statement().trim_end();
        Ddl::Opaque(Box::new(Opaque {
            kind: kind.into(),
            object,
            text: expr::query(text),
            touches: BTreeSet::new(),
            why: why.into(),
        }))
    }

    /// A definition without a typed variant.
    pub fn opaque_create(&mut self, node: &SyntaxNode, object: Option<ObjectRef>, why: &str) -> Option<()> {
        let kind = kind_of(node);
        let mut ddl = self.opaque_of(&kind, object, why);
        if let Ddl::Opaque(it) = &mut ddl {
            it.touches = self.touches(node);
        }
        self.push(ddl);
        Some(())
    }

    /// A change to something without a typed variant.
    pub fn opaque_alter(&mut self, node: &SyntaxNode) -> Option<()> {
        let kind = kind_of(node);
        self.opaque_create(node, None, &format!("this form of {kind} is kept as text"))
    }

    /// Tables, views, sequences, types and functions that a statement refers to; marks the relations.
    fn touches(&mut self, root: &SyntaxNode) -> BTreeSet<Name> {
        let mut touches = BTreeSet::new();
        for node in root.descendants() {
            let relation = ast::TableNameRef::can_cast(node.kind())
                || ast::RelationNameRef::can_cast(node.kind())
                || ast::ViewRef::can_cast(node.kind())
                || ast::SequenceRef::can_cast(node.kind());
            let other = ast::TypeNameRef::can_cast(node.kind())
                || ast::FunctionNameRef::can_cast(node.kind())
                || ast::IndexRef::can_cast(node.kind());
            if !relation && !other {
                continue;
            }
            let Some(path) = node.children().find_map(ast::PathRef::cast) else { continue };
            let Some(name) = self.name(&path) else { continue };
            if relation {
                self.mark(&path, ObjectRef::Table(name.clone()), false);
            }
            touches.insert(name);
        }
        touches
    }

    /// DROP of something that is kept as text.
    pub fn drop_opaque(&mut self, object: Option<ObjectRef>, cascade: bool) -> Option<()> {
        let text = expr::query(self.statement().trim_end());
        self.push(Ddl::DropOpaque { object: object?, text, cascade });
        Some(())
    }
}

/// The statement's kind in SQL's words, from the tree's own name of it: `CREATE_PUBLICATION`.
pub(super) fn kind_of(node: &SyntaxNode) -> SmolStr {
    let words = format!("{:?}", node.kind()).replace('_', " ");
    match words.strip_suffix(" STMT") {
        Some(words) => words.into(),
        None => words.into(),
    }
}
