//! squawk's tree of one statement, and what is wrong in it.
//!
//! `SourceFile::parse(…).errors()` walks the whole tree to validate it, which costs as much as parsing. The
//! statements that make up dumps need little of that: their tree is built here from squawk's parser, whose errors
//! are at hand, and validated only when it holds something that squawk validates.

use std::ops::Range;

use rowan::GreenNodeBuilder;
use squawk_parser::{EntryPoint, LexedStr, StrStep};
use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};

use crate::dialect::postgres::lexer::tokens;

pub(super) struct Tree {
    pub root: SyntaxNode,
    /// In the order of their places.
    pub errors: Vec<(Range<usize>, String)>,
}

pub(super) fn parse(statement: &str) -> Tree {
    if is_plain(statement)
        && let Some(root) = sound(statement)
    {
        return Tree { root, errors: Vec::new() };
    }
    let parse = SourceFile::parse(statement);
    let errors = parse.errors();
    let errors = errors.iter().map(|it| (Range::<usize>::from(it.range()), it.message().to_owned())).collect();
    Tree { root: parse.syntax_node(), errors }
}

/// Does it begin like a statement of which squawk validates little?
fn is_plain(statement: &str) -> bool {
    const FIRST: [&str; 9] = ["alter", "comment", "drop", "grant", "revoke", "insert", "begin", "commit", "set"];
    const CREATED: [&str; 13] = [
        "table",
        "index",
        "unique",
        "unlogged",
        "temp",
        "temporary",
        "sequence",
        "type",
        "domain",
        "trigger",
        "extension",
        "schema",
        "policy",
    ];
    let mut words = tokens(statement);
    let Some(first) = words.next() else { return false };
    FIRST.iter().any(|it| first.is_word(it))
        || first.is_word("create") && words.next().is_some_and(|second| CREATED.iter().any(|it| second.is_word(it)))
}

/// The tree of a statement without errors that holds nothing to validate; `None`: it must be looked at closely.
fn sound(statement: &str) -> Option<SyntaxNode> {
    let lexed = LexedStr::new(statement);
    let output = EntryPoint::SourceFile.parse(&lexed.to_input());
    let mut builder = GreenNodeBuilder::new();
    let mut sound = lexed.errors().next().is_none();
    let mut parent = SyntaxKind::SOURCE_FILE;
    let mut before = SyntaxKind::SOURCE_FILE;
    let raw = |kind: SyntaxKind| rowan::SyntaxKind(kind.into());
    lexed.intersperse_trivia(&output, &mut |step| match step {
        StrStep::Token { kind, text } => {
            builder.token(raw(kind), text);
            if !kind.is_trivia() {
                sound &= !suspicious(parent, before, kind, text);
                before = kind;
            }
        }
        StrStep::Enter { kind } => {
            builder.start_node(raw(kind));
            sound &= !is_validated(kind);
            parent = kind;
        }
        StrStep::Exit => {
            builder.finish_node();
            parent = SyntaxKind::SOURCE_FILE;
        }
        StrStep::Error { .. } => sound = false,
    });
    let root = SyntaxNode::new_root(builder.finish());
    (sound && root.children().nth(1).is_none()).then_some(root)
}

/// Tokens that squawk validates: keywords as names, adjacent strings, Unicode escapes, IN lists, DEFAULT as a value.
fn suspicious(parent: SyntaxKind, before: SyntaxKind, kind: SyntaxKind, text: &str) -> bool {
    use SyntaxKind::*;
    let string = |it| matches!(it, STRING | ESC_STRING | BIT_STRING | BYTE_STRING | NATIONAL_STRING);
    match kind {
        IDENT => text.starts_with("U&") || text.starts_with("u&"),
        UNICODE_ESC_STRING | IN_KW | OVERLAPS_KW => true,
        DEFAULT_KW => parent == LITERAL,
        _ if string(kind) => string(before),
        _ => matches!(parent, NAME_REF | PATH_SEGMENT),
    }
}

/// Nodes that squawk 2.68 validates (`validation.rs`), but for those whose tokens tell enough, and CREATE TABLE, whose
/// check for missing types `tables.rs` repeats.
fn is_validated(kind: SyntaxKind) -> bool {
    use SyntaxKind::*;
    matches!(
        kind,
        AGGREGATE
            | ALL_FN
            | ANY_FN
            | ARRAY_EXPR
            | ATOMIC_BODY
            | CREATE_AGGREGATE
            | CREATE_FUNCTION
            | CREATE_PROCEDURE
            | DISTINCT_ON
            | DO
            | ERROR
            | EXCEPT_TABLE_CLAUSE
            | FUNCTION_FROM_ITEM
            | FUNCTION_SIG
            | FUNC_OPTION_LIST
            | JOIN_EXPR
            | JSON_ARRAY_FN
            | JSON_OBJECT_FN
            | NAMED_ARG
            | NON_STANDARD_PARAM
            | PAREN_FROM_ITEM
            | PARTITION_FOR_VALUES_WITH
            | PERCENT_TYPE
            | PREFIX_EXPR
            | PROCEDURE_SIG
            | RELATION_FROM_ITEM
            | ROUTINE_SIG
            | RULE_STMT_LIST
            | SELECT
            | SELECT_CLAUSE
            | SELECT_INTO
            | SET_COLUMN_LIST
            | SET_SINGLE_COLUMN
            | SOME_FN
            | STORAGE_MODE
            | TO_CONFIG_VALUE
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_build_the_same_tree() {
        for text in [
            "create table t (a int default 1 primary key, \"B\" text not null check (b > 'x')) with (fillfactor = 70)",
            "alter table only s.t add constraint c foreign key (a) references u (b) on delete cascade",
            "comment on table t is 'x'",
            "create unique index i on t using btree (lower(a) desc) where a is not null -- end",
        ] {
            let root = sound(text);
            assert_eq!(
                root.map(|it| format!("{it:#?}")),
                Some(format!("{:#?}", SourceFile::parse(text).syntax_node()))
            );
        }
    }

    #[test]
    fn what_is_wrong_is_never_sound() {
        for text in [
            "create table left (a int)",
            "create table t (a int default left)",
            "comment on table t is 'a' 'b'",
            "create table t (a int,)",
            "alter table t alter a set storage foo",
            "create table t (a int check (a in 1))",
            "create table t (a int default (default))",
            "drop table t alter table u add a int",
            "create table U&\"\\00\" (a int)",
        ] {
            let tree = parse(text);
            assert!(!tree.errors.is_empty(), "{text}");
        }
    }
}
