//! PostgreSQL 13 to 18.
//!
//! squawk's syntax tree stays in this room: [`lower`] turns it into [`crate::sql::Ddl`].

mod again;
mod backfill;
mod bounds;
mod expr;
mod fact;
mod lexer;
mod locks;
mod lower;
mod mirror;
mod nesting;
mod plpgsql;
mod probe;
mod regroup;
mod render;
mod split;
mod sync;
mod types;
mod unquote;

use std::{borrow::Cow, ops::Range};

use super::{Capability, Dialect, Impact, Probe, Split, TypeChange, TypeCost, Volatility};
use crate::{
    catalog::Catalog,
    plan::{Backfill, Check, Fact, Facts, Mirror, Regroup, Resume, Sync},
    sql::*,
};

pub struct Postgres;

impl Dialect for Postgres {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn split(&self, text: &str) -> Split {
        split::split(text)
    }

    fn parse(&self, text: &str, range: Range<usize>) -> Parsed {
        lower::parse(text, range)
    }

    fn expr(&self, text: &str) -> Expr {
        expr::expr(text)
    }

    fn query(&self, text: &str) -> Expr {
        expr::query(text)
    }

    fn data_type(&self, text: &str) -> Option<DataType> {
        types::parse(text)
    }

    fn columns_in(&self, expr: &Expr) -> Vec<Ident> {
        expr::columns_in(expr)
    }

    fn rename_in(&self, expr: &Expr, from: &Ident, to: &Ident) -> Expr {
        expr::rename_in(expr, from, to)
    }

    fn volatility(&self, expr: &Expr, catalog: &Catalog) -> Volatility {
        types::volatility(expr, catalog)
    }

    fn quote<'a>(&self, ident: &'a Ident) -> Cow<'a, str> {
        render::quote(ident)
    }

    fn quote_name(&self, name: &Name) -> String {
        render::name(name)
    }

    fn literal(&self, text: &str) -> String {
        render::literal(text)
    }

    fn render_type(&self, ty: &DataType) -> String {
        render::data_type(ty)
    }

    fn render(&self, ddl: &Ddl) -> String {
        render::ddl(ddl)
    }

    fn lock_of(&self, ddl: &Ddl, before: &Catalog, facts: &Facts) -> Impact {
        locks::lock_of(ddl, before, facts)
    }

    fn passes(&self, parts: &[Ddl]) -> Vec<usize> {
        locks::passes(parts)
    }

    fn type_change(&self, change: &TypeChange<'_>, before: &Catalog, facts: &Facts) -> TypeCost {
        types::change_cost(change, before, facts)
    }

    fn type_loss(&self, change: &TypeChange<'_>, before: &Catalog) -> Option<String> {
        types::loss(change, before)
    }

    fn code(&self, language: &Ident, body: &str) -> Option<Code> {
        match language.as_str() {
            "plpgsql" => plpgsql::parse(body),
            "sql" => Some(plpgsql::parse_sql(body)),
            _ => None,
        }
    }

    fn can(&self, capability: Capability, server_version: u32) -> bool {
        let since = match capability {
            Capability::CheckProvesNotNull | Capability::ReindexConcurrently => 12,
            Capability::ReplaceTrigger | Capability::DetachConcurrently => 14,
            Capability::NullsNotDistinct | Capability::UnloggedSequences => 15,
            Capability::SetExpression => 17,
            Capability::NotNullNotValid | Capability::PartitionedForeignKeyNotValid | Capability::VirtualColumns => 18,
        };
        server_version >= since
    }

    fn bound_condition(&self, by: &PartitionBy, bound: &Expr, nullable: bool, within: bool) -> Option<Expr> {
        bounds::condition(by, bound, nullable, within)
    }

    fn has_no_beginning(&self, bound: &Expr) -> bool {
        bounds::has_no_beginning(bound)
    }

    fn sync(&self, sync: &Sync) -> Vec<Ddl> {
        sync::sync(sync)
    }

    fn regroup(&self, regroup: &Regroup) -> Vec<Ddl> {
        regroup::triggers(regroup)
    }

    fn unfilled(&self, regroup: &Regroup, back: bool) -> String {
        regroup::unfilled(regroup, back)
    }

    fn mirror(&self, mirror: &Mirror) -> Vec<Ddl> {
        mirror::triggers(mirror)
    }

    fn unmirrored(&self, mirror: &Mirror) -> String {
        mirror::unmirrored(mirror)
    }

    fn unmirrored_back(&self, mirror: &Mirror) -> String {
        mirror::unmirrored_back(mirror)
    }

    fn backfill(&self, backfill: &Backfill) -> String {
        backfill::statement(backfill)
    }

    fn backfill_unless(&self, backfill: &Backfill, condition: &str) -> String {
        backfill::unless(backfill, condition)
    }

    fn condition(&self, fact: &Fact) -> Option<String> {
        fact::condition(fact)
    }

    fn drop_index_unless(&self, index: &Name, condition: &str) -> Resume {
        again::drop_index(index, condition)
    }

    fn create_index_unless(&self, index: &Index, columns: &[(Ident, DataType)], condition: &str) -> Option<Resume> {
        again::create_index(index, columns, condition)
    }

    fn detach_again(&self, parent: &Name, partition: &Name) -> Resume {
        again::detach(parent, partition)
    }

    fn drop_if_invalid(&self, index: &Name) -> String {
        probe::drop_if_invalid(index)
    }

    fn probe(&self, probe: &Probe) -> Check {
        probe::check(probe)
    }

    fn neutral_value(&self, ty: &DataType, catalog: &Catalog) -> Option<String> {
        types::neutral_value(ty, catalog)
    }
}
