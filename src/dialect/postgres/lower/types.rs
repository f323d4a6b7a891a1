//! Data types, in the spelling of `format_type` (PostgreSQL 13–18).

use smol_str::SmolStr;
use squawk_syntax::{
    SourceFile, SyntaxKind,
    ast::{self, AstNode},
};

use super::context::{Cx, significant};
use crate::{
    dialect::postgres::{
        lexer::{Kind, tokens},
        nesting,
    },
    sql::*,
};

/// A type from its text; `None`: it is none.
pub(in crate::dialect::postgres) fn data_type(text: &str) -> Option<DataType> {
    let text = text.trim();
    plain(text).or_else(|| {
        let mut depth = tokens(text).filter(|it| it.is("(")).count();
        depth += usize::from(nesting::too_deep(text, false)) * 100;
        if text.is_empty() || depth > 3 || text.contains(';') {
            return None;
        }
        let statement = format!("SELECT NULL::{text}");
        let parse = SourceFile::parse(&statement);
        let root = parse.syntax_node();
        let cast = root.descendants().find_map(ast::CastExpr::cast)?;
        let ty = cast.ty()?;
        let mut cx = Cx::new(&statement, 0..statement.len());
        let whole = cx.place(ty.syntax()) == (13..statement.len()) && parse.errors().is_empty();
        if whole { cx.data_type(&ty) } else { None }
    })
}

/// The common forms without a parser: `name`, `name(1,2)`, `name[]`.
fn plain(text: &str) -> Option<DataType> {
    let mut parts = tokens(text);
    let first = parts.next().filter(|it| it.kind == Kind::Word)?;
    let mut modifiers = Vec::new();
    let mut array = false;
    let mut next = parts.next();
    if next.as_ref().is_some_and(|it| it.is("(")) {
        loop {
            modifiers.push(SmolStr::new(parts.next().filter(|it| it.kind == Kind::Number)?.text));
            let after = parts.next()?;
            if after.is(")") {
                break;
            }
            if !after.is(",") {
                return None;
            }
        }
        next = parts.next();
    }
    while let Some(bracket) = next {
        if !bracket.is("[") || !parts.next()?.is("]") {
            return None;
        }
        array = true;
        next = parts.next();
    }
    let word = first.text.to_ascii_lowercase();
    if matches!(word.as_str(), "interval" | "bit" | "setof" | "double" | "national" | "nchar" | "variadic" | "array") {
        return None;
    }
    let ty = DataType { array, ..named(&word, false, modifiers) };
    (ty.is_builtin() || !crate::sql::is_keyword(&word)).then_some(ty)
}

impl Cx<'_> {
    pub fn data_type(&mut self, ty: &ast::Type) -> Option<DataType> {
        let builtin = |name: &str, modifiers: Vec<SmolStr>| DataType { modifiers, ..DataType::builtin(name) };
        Some(match ty {
            ast::Type::ArrayType(it) => DataType { array: true, ..self.data_type(&it.ty()?)? },
            ast::Type::PathType(it) => {
                let modifiers = self.modifiers(it.arg_list());
                self.path_type(&it.path_ref()?, modifiers)?
            }
            ast::Type::VarcharType(it) => builtin("character varying", self.modifiers(it.arg_list())),
            ast::Type::CharacterType(it) => builtin("character", or_one(self.modifiers(it.arg_list()))),
            ast::Type::BitType(it) => builtin("bit", or_one(self.modifiers(it.arg_list()))),
            ast::Type::BitVaryingType(it) => builtin("bit varying", self.modifiers(it.arg_list())),
            ast::Type::DoubleType(_) => builtin("double precision", Vec::new()),
            ast::Type::TimeType(it) => builtin(zoned("time", it.timezone()), self.precision(it.literal())),
            ast::Type::TimestampType(it) => builtin(zoned("timestamp", it.timezone()), self.precision(it.literal())),
            ast::Type::IntervalType(it) => self.interval(it),
        })
    }

    /// A function's argument or result: also `table.column%TYPE`, which the server resolves when it creates the function.
    pub fn func_type(&mut self, ty: &ast::FuncType) -> Option<DataType> {
        match ty {
            ast::FuncType::Type(it) => self.data_type(it),
            ast::FuncType::PercentType(it) => {
                let path = self.name(&it.path_ref()?)?;
                let prefix = path.schema.map(|it| format!("{it}.")).unwrap_or_default();
                Some(DataType::builtin(&format!("{prefix}{}%TYPE", path.name)))
            }
        }
    }

    fn path_type(&mut self, path: &ast::PathRef, modifiers: Vec<SmolStr>) -> Option<DataType> {
        let name = self.name(path)?;
        let last = significant(path.syntax()).filter(|it| it.kind() != SyntaxKind::DOT).last()?;
        let quoted = last.text().starts_with('"') || last.text().starts_with("U&") || last.text().starts_with("u&");
        match name.schema {
            None => Some(named(name.name.as_str(), quoted, modifiers)),
            Some(schema) if schema.as_str() == "pg_catalog" => Some(named(name.name.as_str(), true, modifiers)),
            schema => Some(DataType { schema, name: name.name.as_str().into(), modifiers, array: false }),
        }
    }

    fn modifiers(&mut self, list: Option<ast::ArgList>) -> Vec<SmolStr> {
        let list = list.into_iter().flat_map(|it| it.args());
        list.map(|it| self.text(&it).chars().filter(|it| !it.is_whitespace()).collect()).collect()
    }

    fn precision(&mut self, literal: Option<ast::Literal>) -> Vec<SmolStr> {
        literal.iter().map(|it| SmolStr::new(self.text(it))).collect()
    }

    /// `interval(3)`, `interval day to second(3)`.
    fn interval(&mut self, ty: &ast::IntervalType) -> DataType {
        let mut name = String::from("interval");
        let mut modifiers = self.precision(ty.literal());
        if let Some(qualifier) = ty.interval_qualifier() {
            for token in significant(qualifier.syntax()) {
                match token.kind() {
                    SyntaxKind::INT_NUMBER => modifiers.push(token.text().into()),
                    SyntaxKind::L_PAREN | SyntaxKind::R_PAREN => {}
                    _ => {
                        name.push(' ');
                        name.push_str(&token.text().to_ascii_lowercase());
                    }
                }
            }
        }
        DataType { modifiers, ..DataType::builtin(&name) }
    }

    /// The collation of a column, domain or attribute; the database's own counts as none.
    pub fn collation(&mut self, collate: Option<ast::Collate>) -> Option<Name> {
        let name = self.refer(collate?.collation_ref(), ObjectRef::Collation)?;
        let bare = name.name.as_str();
        match &name.schema {
            Some(schema) if schema.as_str() == "pg_catalog" => (bare != "default").then(|| Name::bare(bare)),
            None if bare == "default" => None,
            _ => Some(name),
        }
    }

    /// Names a user-defined type and marks it; the built-in ones have no place to go to.
    pub fn mark_type(&mut self, ty: &ast::Type, found: &DataType) {
        let mut inner = ty.clone();
        while let ast::Type::ArrayType(array) = &inner {
            let Some(next) = array.ty() else { return };
            inner = next;
        }
        if let ast::Type::PathType(it) = &inner
            && let Some(path) = it.path_ref()
            && !found.is_builtin()
        {
            let name = Name { schema: found.schema.clone(), name: Ident::new(&found.name) };
            self.mark(&path, ObjectRef::Type(name), false);
        }
    }
}

fn or_one(modifiers: Vec<SmolStr>) -> Vec<SmolStr> {
    if modifiers.is_empty() { vec!["1".into()] } else { modifiers }
}

fn zoned(base: &str, zone: Option<ast::Timezone>) -> &'static str {
    match (base, matches!(zone, Some(ast::Timezone::WithTimezone(_)))) {
        ("time", false) => "time without time zone",
        ("time", true) => "time with time zone",
        (_, false) => "timestamp without time zone",
        (_, true) => "timestamp with time zone",
    }
}

/// A type by its last name. `catalog`: the name of `pg_type` is meant (quoted, or in schema `pg_catalog`), so
/// the words of the grammar do not count: `pg_catalog.char` and `"char"` are one byte, `char` is `character(1)`.
fn named(name: &str, catalog: bool, modifiers: Vec<SmolStr>) -> DataType {
    let of = |name: &str| DataType { modifiers: modifiers.clone(), ..DataType::builtin(name) };
    match name {
        "char" if catalog => return DataType::builtin("\"char\""),
        "char" | "character" | "nchar" if !catalog => {
            return DataType { modifiers: or_one(modifiers), ..DataType::builtin("character") };
        }
        "bpchar" if !modifiers.is_empty() => return of("character"),
        "float" if !catalog => {
            let digits = modifiers.first().and_then(|it| it.parse::<u32>().ok()).unwrap_or(53);
            return DataType::builtin(if digits <= 24 { "real" } else { "double precision" });
        }
        "numeric" | "decimal" | "dec" if name == "numeric" || !catalog => {
            let mut ty = of("numeric");
            if ty.modifiers.len() == 1 {
                ty.modifiers.push("0".into());
            }
            return ty;
        }
        _ => {}
    }
    let grammar = match name {
        "int" | "integer" => Some("integer"),
        "smallint" => Some("smallint"),
        "bigint" => Some("bigint"),
        "real" => Some("real"),
        "boolean" => Some("boolean"),
        "serial" | "serial4" => Some("serial"),
        "bigserial" | "serial8" => Some("bigserial"),
        "smallserial" | "serial2" => Some("smallserial"),
        _ => None,
    };
    match grammar.filter(|_| !catalog).or_else(|| catalog_name(name)) {
        Some(canonical) => of(canonical),
        None => of(name),
    }
}

/// `format_type`'s name of a type whose name in `pg_type` differs.
fn catalog_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "int4" => "integer",
        "int2" => "smallint",
        "int8" => "bigint",
        "float4" => "real",
        "float8" => "double precision",
        "bool" => "boolean",
        "varchar" => "character varying",
        "varbit" => "bit varying",
        "timestamp" => "timestamp without time zone",
        "timestamptz" => "timestamp with time zone",
        "time" => "time without time zone",
        "timetz" => "time with time zone",
        _ => return None,
    })
}
