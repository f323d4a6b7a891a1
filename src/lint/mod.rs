//! Hazards of a migration file: [`Rule`], [`RULES`], [`lint`]. One file per rule: its page, its code, its check.
//!
//! May use `page`, `sql`, `catalog`, `plan` and `dialect`. A statement is judged against the catalog as it is at
//! that point, the server version, the transaction it runs in and what is known about sizes; what it locks, scans
//! and rewrites is asked of [`Dialect::lock_of`], never decided in a rule. A table made in the same file has no
//! rows and no users yet: nothing that happens to it is a hazard.

mod around;
mod config;
mod context;
mod directives;
mod earlier;
mod file;
mod fix;
pub mod hazards;
mod inside;
mod rollback;

mod add_column_constrained_domain;
mod add_column_inline_check;
mod add_column_inline_references;
mod add_column_inline_unique;
mod add_column_not_null_without_default;
mod add_column_serial;
mod add_column_stored_generated;
mod add_column_volatile_default;
mod add_json_column;
mod attach_partition_scan;
mod backfill_under_lock;
mod change_type_loses_data;
mod change_type_rebuild;
mod change_type_rescan;
mod change_type_rewrite;
mod change_type_without_analyze;
mod changing_row_security;
mod check_without_not_valid;
mod clashing_version;
mod colliding_with_earlier;
mod concurrently_in_transaction;
mod concurrently_on_partitioned;
mod creating_index;
mod creating_partition;
mod creating_rule;
mod creating_trigger;
mod detaching_partition;
mod disabling_trigger;
mod domain_constraint_scan;
mod drop_and_add_column;
mod dropping_code_object;
mod dropping_column;
mod dropping_constraint;
mod dropping_default;
mod dropping_index;
mod dropping_not_null;
mod dropping_schema;
mod dropping_table;
mod dropping_trigger;
mod edited_migration;
mod enforcing_constraint;
mod enum_value_in_same_transaction;
mod exclusion_constraint;
mod foreign_key_without_index;
mod foreign_key_without_not_valid;
mod half_done_on_failure;
mod hidden_statements;
mod if_not_exists_hiding_difference;
mod ignore_directive;
mod incomplete_rollback;
mod invalid_index_left_behind;
mod locking_several_tables;
mod lossy_rollback;
mod missing_lock_timeout;
mod missing_rollback;
mod out_of_order_version;
mod primary_key_building_index;
mod primary_key_using_nullable_index;
mod refreshing_materialized_view;
mod refused_by_server;
mod reindexing;
mod renaming_column;
mod renaming_enum_value;
mod renaming_table;
mod rewriting_table;
mod set_not_null_scan;
mod statement_timeout_on_long_statement;
mod truncating_table;
mod unbalanced_transaction;
mod undoing_earlier;
mod unique_constraint_building_index;
mod unique_over_existing_rows;
mod update_or_delete_without_where;
mod validate_in_same_transaction;
mod work_under_lock;

use std::ops::Range;

use crate::{
    catalog::Catalog,
    dialect::Dialect,
    page::Page,
    plan::Facts,
    sql::{Ddl, Runs, Severity, Statement},
};
pub use around::{Around, Compare, OnMain, Others, Standing, is_about_rollback, needs_files};
pub use config::{Config, Level, nearest_rule};
use context::{Context, Findings};
pub use directives::says_irreversible;
pub use earlier::{Earlier, EarlierFile};
pub use fix::{FileFix, Fix};
pub use rollback::{Down, WayDown};

/// One hazard: how it is called, what it means, how it is found.
pub struct Rule {
    /// Reads after "allow …": `creating-index`.
    pub code: &'static str,
    /// Without facts about sizes; see [`Context::by_size`].
    pub severity: Severity,
    pub page: Page,
    check: fn(&mut Findings<'_>, &Context<'_>, &Ddl),
    /// How to take the hazard out of a statement that [`Rule::check`] fired on, where that can be done.
    fix: fn(&Context<'_>, &Ddl) -> Option<Fix>,
}

/// Every rule, by code.
pub const RULES: &[&Rule] = &[
    &add_column_constrained_domain::RULE,
    &add_column_inline_check::RULE,
    &add_column_inline_references::RULE,
    &add_column_inline_unique::RULE,
    &add_column_not_null_without_default::RULE,
    &add_column_serial::RULE,
    &add_column_stored_generated::RULE,
    &add_column_volatile_default::RULE,
    &add_json_column::RULE,
    &attach_partition_scan::RULE,
    &backfill_under_lock::RULE,
    &change_type_loses_data::RULE,
    &change_type_rebuild::RULE,
    &change_type_rescan::RULE,
    &change_type_rewrite::RULE,
    &change_type_without_analyze::RULE,
    &changing_row_security::RULE,
    &check_without_not_valid::RULE,
    &clashing_version::RULE,
    &colliding_with_earlier::RULE,
    &concurrently_in_transaction::RULE,
    &concurrently_on_partitioned::RULE,
    &creating_index::RULE,
    &creating_partition::RULE,
    &creating_rule::RULE,
    &creating_trigger::RULE,
    &detaching_partition::RULE,
    &disabling_trigger::RULE,
    &domain_constraint_scan::RULE,
    &drop_and_add_column::RULE,
    &dropping_code_object::RULE,
    &dropping_column::RULE,
    &dropping_constraint::RULE,
    &dropping_default::RULE,
    &dropping_index::RULE,
    &dropping_not_null::RULE,
    &dropping_schema::RULE,
    &dropping_table::RULE,
    &dropping_trigger::RULE,
    &edited_migration::RULE,
    &enforcing_constraint::RULE,
    &enum_value_in_same_transaction::RULE,
    &exclusion_constraint::RULE,
    &foreign_key_without_index::RULE,
    &foreign_key_without_not_valid::RULE,
    &half_done_on_failure::RULE,
    &hidden_statements::RULE,
    &if_not_exists_hiding_difference::RULE,
    &ignore_directive::RULE,
    &incomplete_rollback::RULE,
    &invalid_index_left_behind::RULE,
    &locking_several_tables::RULE,
    &lossy_rollback::RULE,
    &missing_lock_timeout::RULE,
    &missing_rollback::RULE,
    &out_of_order_version::RULE,
    &primary_key_building_index::RULE,
    &primary_key_using_nullable_index::RULE,
    &refreshing_materialized_view::RULE,
    &refused_by_server::RULE,
    &reindexing::RULE,
    &renaming_column::RULE,
    &renaming_enum_value::RULE,
    &renaming_table::RULE,
    &rewriting_table::RULE,
    &set_not_null_scan::RULE,
    &statement_timeout_on_long_statement::RULE,
    &truncating_table::RULE,
    &unbalanced_transaction::RULE,
    &undoing_earlier::RULE,
    &unique_constraint_building_index::RULE,
    &unique_over_existing_rows::RULE,
    &update_or_delete_without_where::RULE,
    &validate_in_same_transaction::RULE,
    &work_under_lock::RULE,
];

/// What a lint looks at: one migration file.
#[derive(Clone, Copy)]
pub struct LintInput<'a> {
    pub dialect: &'a dyn Dialect,
    /// The file; ranges of the statements point into it.
    pub text: &'a str,
    pub statements: &'a [Statement],
    /// The catalog as it stands before the file.
    pub before: &'a Catalog,
    pub facts: &'a Facts,
    /// How the tool sends the file to the server.
    pub runs: Runs,
    /// The files around it. `None`: not known, and the rules that need them are silent.
    pub around: Option<&'a Around>,
}

/// A hazard at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Code of the rule.
    pub rule: &'static str,
    pub severity: Severity,
    /// Bytes in the file: the statement.
    pub range: Range<usize>,
    /// What it locks and who waits, then what to do.
    pub message: String,
    /// There is a safe form that can take the statement's place.
    pub fixable: bool,
    /// Index of the statement.
    pub statement: usize,
}

/// Judges a file, statement by statement. Findings come in the order of the file, then by code.
pub fn lint(input: &LintInput<'_>) -> Vec<Finding> {
    lint_with(input, &Config::default())
}

/// As [`lint`], as the project wants it.
pub fn lint_with(input: &LintInput<'_>, config: &Config) -> Vec<Finding> {
    file::walk(input, config).into_iter().map(|it| it.finding).collect()
}

/// What takes a finding out of the file: of that rule at that statement. `None`: nothing finds it there, or there is no
/// safe form.
pub fn fix(input: &LintInput<'_>, config: &Config, statement: usize, rule: &str) -> Option<Fix> {
    let is_it = |it: &file::Found| it.finding.statement == statement && it.finding.rule == rule && it.fix.is_some();
    file::walk(input, config).into_iter().find(is_it)?.fix
}

/// Edits that can be made at once to take findings out of the file: of the gravest of those that have some, at most one
/// for a statement. What is left can be asked for when they are made.
pub fn fixes(input: &LintInput<'_>, config: &Config) -> Vec<FileFix> {
    fix::choose(file::walk(input, config))
}

/// Where the page of a rule can be read.
pub fn link(code: &str) -> Option<String> {
    let file = code.replace('-', "_");
    let repository = env!("CARGO_PKG_REPOSITORY");
    explain(code).map(|_| format!("{repository}/blob/main/src/lint/{file}.rs"))
}

/// The phase of a plan that a statement belongs to which breaks running code, and when it may come: `Contract, when no
/// running instance reads or writes the column`. `None`: the rule is about something else.
pub fn phase(code: &str) -> Option<String> {
    let text = explain(code)?.section("Phase")?;
    Some(text.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned())
}

/// The page of a rule.
pub fn explain(code: &str) -> Option<&'static Page> {
    RULES.iter().find(|it| it.code == code).map(|it| &it.page)
}
