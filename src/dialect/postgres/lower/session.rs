//! What is not DDL: settings, transactions, rows.

use smol_str::SmolStr;
use squawk_syntax::{
    SyntaxNode,
    ast::{self, AstNode},
};

use super::context::{Cx, significant, words};
use crate::{
    dialect::postgres::{
        lexer::{Kind, Token, tokens},
        plpgsql, unquote,
    },
    sql::*,
};

impl Cx<'_> {
    pub fn set(&mut self, it: &ast::Set) -> Option<()> {
        let local = matches!(it.set_scope(), Some(ast::SetScope::LocalScope(_)));
        let parameter = |name: &str, value: Option<SmolStr>| Ddl::SetParameter { name: name.into(), value, local };
        let ddl = match it.set_target()? {
            ast::SetTarget::SetConfig(it) => {
                let name = self.text(&it.config_parameter_ref()?).to_ascii_lowercase();
                let values = match it.config_assignment()? {
                    ast::ConfigAssignment::ToConfigValue(it) if it.default_token().is_none() => {
                        Some(it.config_values().map(|it| self.text(&it)).collect::<Vec<_>>())
                    }
                    _ => None,
                };
                match values {
                    Some(values) if name == "search_path" => {
                        let schemas = values.iter().map(|it| Ident::new(&unquote::ident(it)));
                        Ddl::SetSearchPath { schemas: schemas.filter(|it| !it.as_str().is_empty()).collect(), local }
                    }
                    None if name == "search_path" => Ddl::SetSearchPath { schemas: default_path(), local },
                    Some(values) => {
                        let values: Vec<_> = values.iter().map(|it| unquote::string(it)).collect();
                        parameter(&name, Some(values.join(", ").into()))
                    }
                    None => parameter(&name, None),
                }
            }
            ast::SetTarget::SetSchemaValue(it) => {
                let schema = Ident::new(&self.value(&it.literal()?));
                Ddl::SetSearchPath { schemas: vec![schema], local }
            }
            ast::SetTarget::SetTimeZone(it) => {
                let text = self.text(&it);
                let value = text.split_whitespace().last().unwrap_or_default();
                let default = value.eq_ignore_ascii_case("default") || value.eq_ignore_ascii_case("local");
                parameter("timezone", (!default).then(|| unquote::string(value).into()))
            }
            ast::SetTarget::SetCatalog(it) => parameter("catalog", Some(self.value(&it.literal()?))),
            ast::SetTarget::SetXmlOption(it) => {
                parameter("xmloption", it.xml_document_or_content().map(|it| words(&it).to_lowercase().into()))
            }
        };
        self.push(ddl);
        Some(())
    }

    pub fn reset(&mut self, it: &ast::Reset) -> Option<()> {
        let name = words(&it.reset_target()?).to_lowercase().replace(" . ", ".");
        self.push(match name.as_str() {
            "search_path" => Ddl::SetSearchPath { schemas: default_path(), local: false },
            _ => Ddl::SetParameter { name: name.into(), value: None, local: false },
        });
        Some(())
    }

    /// `SET ROLE`, `SET SESSION AUTHORIZATION` and their RESET.
    pub fn set_role(&mut self, name: &str, target: Option<impl AstNode>) -> Option<()> {
        let value = target.map(|it| SmolStr::new(unquote::ident(self.text(&it))));
        self.push(Ddl::SetParameter { name: name.into(), value, local: false });
        Some(())
    }

    pub fn transaction(&mut self, control: TransactionControl) -> Option<()> {
        self.push(Ddl::Transaction(control));
        Some(())
    }

    pub fn lock(&mut self, it: &ast::Lock) -> Option<()> {
        let tables: Vec<_> = it.relation_list()?.relation_names().filter_map(|it| it.relation_name_ref()).collect();
        let tables: Vec<_> = tables.into_iter().filter_map(|it| self.table_ref(Some(it))).collect();
        let mode = it.lock_mode_clause().and_then(|it| it.lock_mode()).map(|it| words(&it));
        let any = !tables.is_empty();
        self.push(Ddl::Lock { tables, mode: mode.unwrap_or_else(|| "ACCESS EXCLUSIVE".into()) });
        any.then_some(())
    }

    pub fn truncate(&mut self, it: &ast::Truncate) -> Option<()> {
        let tables: Vec<_> = it.table_list()?.table_relation_names().filter_map(|it| it.table_name_ref()).collect();
        let tables: Vec<_> = tables.into_iter().filter_map(|it| self.table_ref(Some(it))).collect();
        let any = !tables.is_empty();
        self.push(Ddl::Truncate { tables, cascade: super::context::cascades(it.drop_behavior()) });
        any.then_some(())
    }

    pub fn do_block(&mut self, it: &ast::Do) -> Option<()> {
        let language = it.do_language().and_then(|it| match it.language_ref() {
            Some(name) => self.ident(&name),
            None => Some(Ident::new(&self.value(&it.literal()?))),
        });
        let language = Ident::folded(language.as_ref().map_or("plpgsql", |it| it.as_str()));
        let literal = it.body()?;
        let body = self.value(&literal);
        if let Some(ddl) = once(&body) {
            ddl.into_iter().for_each(|it| self.push(it));
            return Some(());
        }
        // Others of ours ask and clear up; they lead nowhere that the statements around them do not.
        if literal.syntax().text().to_string().starts_with("$lockkeeper") {
            self.push(Ddl::Data(DataStatement {
                verb: "DO".into(),
                target: None,
                filtered: true,
                rewrites: false,
                calls: Vec::new(),
            }));
            return Some(());
        }
        let code = match language.as_str() {
            "plpgsql" => plpgsql::parse(&body).map(Box::new),
            _ => None,
        };
        self.push(Ddl::Do { language, body, code });
        Some(())
    }

    pub fn reindex(&mut self, it: &ast::Reindex) -> Option<()> {
        use ast::ReindexTarget as Target;
        let concurrently = it.is_concurrently();
        let (what, name) = match it.reindex_target()? {
            Target::ReindexTargetIndex(it) => ("INDEX", self.refer(it.index_ref(), ObjectRef::Index)?),
            Target::ReindexTargetTable(it) => ("TABLE", self.table_ref(it.table_name_ref())?),
            Target::ReindexTargetSchema(it) => ("SCHEMA", self.name(&it.schema_ref()?)?),
            Target::ReindexTargetDatabase(it) => ("DATABASE", self.optional_name(it.database_ref())),
            Target::ReindexTargetSystem(it) => ("SYSTEM", self.optional_name(it.database_ref())),
        };
        self.push(Ddl::Reindex { what: what.into(), name, concurrently });
        Some(())
    }

    fn optional_name<N: AstNode>(&mut self, node: Option<N>) -> Name {
        node.and_then(|it| self.name(&it)).unwrap_or_default()
    }

    // Rows

    /// Any statement that reads or writes rows, or does neither.
    pub fn data(&mut self, node: &SyntaxNode) -> Option<()> {
        self.data_on(node, None, false, false)
    }

    pub fn data_on(&mut self, node: &SyntaxNode, target: Option<Name>, filtered: bool, rewrites: bool) -> Option<()> {
        self.uses(node);
        let with = ast::WithClause::can_cast(node.first_child()?.kind());
        let verb = match (with, node.kind()) {
            (true, kind) => format!("{kind:?}"),
            _ => significant(node).next()?.text().to_ascii_uppercase(),
        };
        // Rows in a COPY or a long INSERT call nothing that matters.
        let calls = match verb.as_str() {
            "SELECT" | "CALL" | "VALUES" => called(self.slice(node)),
            _ => Vec::new(),
        };
        self.push(Ddl::Data(DataStatement { verb: verb.into(), target, filtered, rewrites, calls }));
        Some(())
    }

    pub fn insert(&mut self, it: &ast::Insert) -> Option<()> {
        let target = self.table_ref(it.relation_name_ref())?;
        self.data_on(it.syntax(), Some(target), false, false)
    }

    pub fn update(&mut self, it: &ast::Update) -> Option<()> {
        let target = self.table_ref(it.relation_name()?.relation_name_ref())?;
        it.set_clause()?;
        self.data_on(it.syntax(), Some(target), it.where_clause_or_current_of().is_some(), false)
    }

    pub fn delete(&mut self, it: &ast::Delete) -> Option<()> {
        let target = self.table_ref(it.relation_name()?.relation_name_ref())?;
        self.data_on(it.syntax(), Some(target), it.where_clause_or_current_of().is_some(), false)
    }

    pub fn merge(&mut self, it: &ast::Merge) -> Option<()> {
        let target = self.table_ref(it.table_relation_name()?.table_name_ref())?;
        self.data_on(it.syntax(), Some(target), true, false)
    }

    pub fn copy(&mut self, it: &ast::Copy) -> Option<()> {
        let target = self.table_ref(it.copy_table().and_then(|it| it.table_name_ref()));
        let writes = matches!(it.copy_direction(), Some(ast::CopyDirection::CopyFrom(_)));
        self.data_on(it.syntax(), target.filter(|_| writes), false, false)
    }

    pub fn vacuum(&mut self, it: &ast::Vacuum) -> Option<()> {
        self.maintenance(it.syntax(), it.table_and_columns_list(), it.is_full())
    }

    /// VACUUM and ANALYZE: one `Ddl` for each table they name.
    pub fn maintenance(
        &mut self,
        node: &SyntaxNode,
        list: Option<ast::TableAndColumnsList>,
        rewrites: bool,
    ) -> Option<()> {
        let tables: Vec<_> = list.into_iter().flat_map(|it| it.table_and_columnss()).collect();
        if tables.is_empty() {
            return self.maintain(node, None, rewrites);
        }
        for table in tables {
            let target = self.table_ref(table.table_relation_name().and_then(|it| it.table_name_ref()))?;
            self.maintain(node, Some(target), rewrites)?;
        }
        Some(())
    }

    pub fn maintain(&mut self, node: &SyntaxNode, target: Option<Name>, rewrites: bool) -> Option<()> {
        let verb = significant(node).next()?.text().to_ascii_uppercase();
        let verb = if verb == "ANALYSE" { "ANALYZE".to_owned() } else { verb };
        self.push(Ddl::Data(DataStatement { verb: verb.into(), target, filtered: false, rewrites, calls: Vec::new() }));
        Some(())
    }

    /// SELECT: `set_config('search_path', …)` is how pg_dump sets the path.
    pub fn select(&mut self, node: &SyntaxNode) -> Option<()> {
        if let Some(set) = set_config(self.slice(node)) {
            self.push(set);
            return Some(());
        }
        self.data(node)
    }

    /// `SELECT … INTO t` creates a table as CREATE TABLE AS does.
    pub fn select_into(&mut self, it: &ast::SelectInto) -> Option<()> {
        let into = it.into_clause()?;
        let mut table = Table::new(self.define(into.table_name(), ObjectRef::Table)?);
        table.persistence = super::tables::persistence(into.persistence());
        let query = self.query(it);
        self.push(Ddl::CreateTableAs { table: Box::new(table), if_not_exists: false, query });
        Some(())
    }
}

/// Names that stand before a parenthesis.
fn called(text: &str) -> Vec<Name> {
    let mut res: Vec<Name> =
        crate::sql::tokens::paths(text).iter().filter(|it| it.called).map(|it| it.name()).collect();
    res.sort();
    res.dedup();
    res
}

/// The path when nothing is set, but for the user's own schema.
fn default_path() -> Vec<Ident> {
    vec![Ident::new("public")]
}

/// `SELECT [pg_catalog.]set_config('search_path', 'a, b', false)`, and of other settings.
fn set_config(select: &str) -> Option<Ddl> {
    let all: Vec<Token<'_>> = tokens(select).take(12).collect();
    let call = all.iter().position(|it| it.is_word("set_config"))?;
    let [open, name, comma, value, comma_2, local, close, ..] = all.get(call + 1..)? else { return None };
    let shape = call <= 3 && open.is("(") && comma.is(",") && comma_2.is(",") && close.is(")");
    if !shape || name.kind != Kind::String || value.kind != Kind::String || all.len() > call + 8 {
        return None;
    }
    let (name, value, local) = (unquote::string(name.text), unquote::string(value.text), local.is_word("true"));
    if name != "search_path" {
        return Some(Ddl::SetParameter { name: name.to_lowercase().into(), value: Some(value.into()), local });
    }
    let schemas = value.split(',').map(str::trim).filter(|it| !it.is_empty());
    Some(Ddl::SetSearchPath { schemas: schemas.map(|it| Ident::new(&unquote::ident(it))).collect(), local })
}

/// What stands in a block of ours that is passed over when it is done already (`export::script`): the statements of the
/// block as if they stood alone, so that a replay of the migrations knows of them.
fn once(body: &str) -> Option<Vec<Ddl>> {
    let rest = body.trim_start().strip_prefix("BEGIN\n  IF ")?;
    let (_, rest) = rest.split_once(" THEN\n    RETURN;\n  END IF;\n")?;
    let inner = rest.trim_end().strip_suffix("END")?;
    let mut res = Vec::new();
    for piece in crate::dialect::postgres::split::split(inner).pieces {
        let text = inner.get(piece.range.clone())?;
        let text = match text.strip_prefix("EXECUTE $") {
            Some(quoted) => {
                let (tag, quoted) = quoted.split_once('$')?;
                quoted.strip_suffix(&format!("${tag}$"))?.to_owned()
            }
            None => text.strip_prefix("PERFORM ").map_or_else(|| text.to_owned(), |rest| format!("SELECT {rest}")),
        };
        // No block within a block: a hostile file could nest them without end.
        if text.get(..2).is_none_or(|it| it.eq_ignore_ascii_case("do")) {
            return None;
        }
        let parsed = super::parse(&text, 0..text.len());
        if !parsed.problems.is_empty() {
            return None;
        }
        res.extend(parsed.ddl.iter().cloned());
    }
    Some(res)
}
