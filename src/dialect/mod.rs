//! What differs between databases: parsing, rendering, locks, capabilities, the SQL of triggers, batches and checks.
//!
//! May use `text`, `sql`, `catalog` and `plan`.

pub mod postgres;
mod script;

use std::{borrow::Cow, ops::Range};

use smol_str::SmolStr;

use crate::{
    catalog::Catalog,
    plan::{Backfill, Check, Fact, Facts, Lock, Mirror, Regroup, Resume, Sign, Sync, Work, longest},
    sql::*,
};

pub use script::{ParseCache, Unparsed, parse_file, parse_file_by};

/// The databases Lockkeeper knows, by name.
pub const DIALECTS: &[&dyn Dialect] = &[&postgres::Postgres];

/// Finds a dialect by its name.
pub fn by_name(name: &str) -> Option<&'static dyn Dialect> {
    DIALECTS.iter().copied().find(|it| it.name() == name)
}

/// One database's ways. Stateless; every answer depends on the arguments alone.
pub trait Dialect: std::marker::Sync {
    /// `postgres`, `mysql`, `mariadb` or `sqlite`.
    fn name(&self) -> &'static str;

    /// Cuts a file into statements. Never fails: what cannot be cut (an open quote) is one statement to the end
    /// of the file, with a problem. Statements nested deeper than the parser can take are reported and not parsed.
    fn split(&self, text: &str) -> Split;

    /// Parses the text of one piece ([`Piece::full`] of [`Dialect::split`]); `range` is the statement proper within it.
    fn parse(&self, text: &str, range: Range<usize>) -> Parsed;

    /// An expression with its canonical form. Text that does not parse is its own canonical form.
    fn expr(&self, text: &str) -> Expr;

    /// A query (of a view) with its canonical form.
    fn query(&self, text: &str) -> Expr;

    /// A type from its text, canonical. `None`: not a type.
    fn data_type(&self, text: &str) -> Option<DataType>;

    /// Column names (unqualified identifiers that are not functions, types or keywords) that an expression mentions.
    fn columns_in(&self, expr: &Expr) -> Vec<Ident>;

    /// The expression with every mention of a column replaced.
    fn rename_in(&self, expr: &Expr, from: &Ident, to: &Ident) -> Expr;

    /// How the default's value is found; decides whether ADD COLUMN rewrites the table.
    fn volatility(&self, expr: &Expr, catalog: &Catalog) -> Volatility;

    /// The identifier as it must stand in SQL.
    fn quote<'a>(&self, ident: &'a Ident) -> Cow<'a, str>;

    /// The name as it must stand in SQL. Schema `public` is left out.
    fn quote_name(&self, name: &Name) -> String;

    /// A string literal.
    fn literal(&self, text: &str) -> String;

    /// A type as it must stand in SQL.
    fn render_type(&self, ty: &DataType) -> String;

    /// One statement, without semicolon.
    fn render(&self, ddl: &Ddl) -> String;

    /// What the statement locks, reads and writes on a catalog as it stands before it.
    fn lock_of(&self, ddl: &Ddl, before: &Catalog, facts: &Facts) -> Impact;

    /// Indexes of the parts of one statement (`ALTER TABLE t a, b`) in the order in which the server carries them out.
    fn passes(&self, parts: &[Ddl]) -> Vec<usize>;

    /// What a change of a column's type costs.
    fn type_change(&self, change: &TypeChange<'_>, before: &Catalog, facts: &Facts) -> TypeCost;

    /// What a change of a column's type loses of values without an error, in a clause; `None`: nothing.
    fn type_loss(&self, change: &TypeChange<'_>, before: &Catalog) -> Option<String>;

    /// What the body of a routine runs, as far as that is written there; `None`: a language that is not read.
    fn code(&self, language: &Ident, body: &str) -> Option<Code>;

    fn can(&self, capability: Capability, server_version: u32) -> bool;

    /// The condition that all rows of a partition meet (`within`), or that no row meets which belongs to it, for a CHECK that
    /// spares reading them when it is attached. `None`: there is none, or none that the server would recognise.
    fn bound_condition(&self, by: &PartitionBy, bound: &Expr, nullable: bool, within: bool) -> Option<Expr>;

    /// A range that has no lower end.
    fn has_no_beginning(&self, bound: &Expr) -> bool;

    /// Function and trigger of a dual write, to be created in one transaction.
    fn sync(&self, sync: &Sync) -> Vec<Ddl>;

    /// The same for columns that are split or merged.
    fn regroup(&self, regroup: &Regroup) -> Vec<Ddl>;

    /// Rows of a [`Regroup`], over alias `t`, whose new columns (`back`: whose old ones) are all empty though the other
    /// side has something for them. Touched, they are filled.
    fn unfilled(&self, regroup: &Regroup, back: bool) -> String;

    /// A function and its triggers for the source, then for the target. Each function with its triggers is a transaction:
    /// one that locks both tables could meet an application that locks them in another order.
    fn mirror(&self, mirror: &Mirror) -> Vec<Ddl>;

    /// Rows of a [`Mirror`]'s source, over alias `t`, whose counterpart does not hold what they hold. Touched, they bring
    /// it up to date.
    fn unmirrored(&self, mirror: &Mirror) -> String;

    /// Rows of a [`Mirror`]'s target, over alias `t`, whose counterpart does not hold what they hold. Touched, they bring
    /// it up to date if it is empty.
    fn unmirrored_back(&self, mirror: &Mirror) -> String;

    /// One statement that runs the whole backfill, batch by batch, committing each; to be sent alone and outside a transaction.
    fn backfill(&self, backfill: &Backfill) -> String;

    /// As [`Dialect::backfill`], and does nothing where the condition holds.
    fn backfill_unless(&self, backfill: &Backfill, condition: &str) -> String;

    /// A boolean expression that tells whether the fact holds. `None`: there is no look-up for it that is sure.
    fn condition(&self, fact: &Fact) -> Option<String>;

    /// A boolean expression that tells whether one of the signs holds, all of whose facts have a look-up.
    fn any_of(&self, signs: &[Sign]) -> String {
        let all = |sign: &Sign| sign.iter().filter_map(|it| self.condition(it)).collect::<Vec<_>>().join(" AND ");
        signs.iter().map(all).collect::<Vec<_>>().join(" OR ")
    }

    /// `DROP INDEX CONCURRENTLY`, passed over where the condition holds.
    fn drop_index_unless(&self, index: &Name, condition: &str) -> Resume;

    /// `CREATE INDEX CONCURRENTLY`, passed over where the condition holds. `columns`: all that the definition may name.
    /// `None`: an index without a name.
    fn create_index_unless(&self, index: &Index, columns: &[(Ident, DataType)], condition: &str) -> Option<Resume>;

    /// `DETACH PARTITION … CONCURRENTLY` in a form that finishes what an earlier try has begun, and bears being run again.
    fn detach_again(&self, parent: &Name, partition: &Name) -> Resume;

    /// Drops the index if an earlier try has left it invalid, else does nothing.
    fn drop_if_invalid(&self, index: &Name) -> String;

    /// A read-only query about the data or the catalog.
    fn probe(&self, probe: &Probe) -> Check;

    /// A value of the type that can stand for "nothing yet" (0, '', false …); `None` when there is none.
    fn neutral_value(&self, ty: &DataType, catalog: &Catalog) -> Option<String>;
}

/// A file cut into statements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    pub pieces: Vec<Piece>,
    pub problems: Vec<Problem>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// As [`Statement::full`].
    pub full: Range<usize>,
    /// As [`Statement::range`].
    pub range: Range<usize>,
    /// Nested too deeply, psql meta-command, COPY data: not to be parsed.
    pub skip: bool,
}

/// What a statement does to those who use the tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impact {
    /// Strongest mode per relation that exists before the statement, sorted by name.
    pub locks: Vec<Lock>,
    /// Tables written anew.
    pub rewrites: Vec<Name>,
    /// Tables read whole under the lock (constraint checks, NOT NULL).
    pub scans: Vec<Name>,
    /// Indexes built or rebuilt while the lock is held.
    pub builds: Vec<Name>,
    /// The server will refuse it: why.
    pub refused: Option<String>,
}

impl Impact {
    /// What takes long, each with the table it is done to. Indexes are built on `table`.
    pub fn works(&self, table: Option<&Name>) -> Vec<(Work, Name)> {
        let of = |work: Work, names: &[Name]| names.iter().map(|it| (work, it.clone())).collect::<Vec<_>>();
        let builds = table.filter(|_| !self.builds.is_empty()).map(|it| (Work::Build, it.clone()));
        let mut res = of(Work::Rewrite, &self.rewrites);
        res.extend(builds);
        res.extend(of(Work::Scan, &self.scans));
        res
    }

    /// How long it may take, where the sizes of its tables are known: [`longest`].
    pub fn estimate(&self, ddl: &Ddl, before: &Catalog, facts: &Facts) -> Option<String> {
        let table = match ddl {
            Ddl::CreateIndex { index, .. } => Some(&index.table),
            Ddl::AttachPartition { partition, .. } => Some(partition),
            Ddl::Reindex { name, .. } => Some(name),
            _ => ddl.altered_table(),
        };
        let table = table.map(|it| before.resolve(it, |it| before.tables.contains_key(it)).unwrap_or(it.clone()));
        longest(self.works(table.as_ref()), facts)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volatility {
    /// A constant, or an immutable function of constants.
    Constant,
    /// Same value within a transaction: `now()`, `current_date`.
    Stable,
    /// A new value for each row: `random()`, `gen_random_uuid()`, `nextval()`, functions we do not know.
    Volatile,
}

#[derive(Clone, Debug)]
pub struct TypeChange<'a> {
    pub table: &'a Name,
    pub column: &'a Ident,
    pub to: &'a DataType,
    pub collation: Option<&'a Name>,
    pub using: Option<&'a Expr>,
}

/// Cost of `ALTER COLUMN … TYPE`, cheapest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TypeCost {
    /// Catalog only.
    Free,
    /// The table stays, these indexes are built again and these checks scanned under the lock.
    Rebuilds,
    /// Every row is written again under the lock.
    Rewrites,
    /// There is no cast that the server would use on its own: a USING expression must be given.
    NeedsUsing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// `ADD CONSTRAINT … NOT NULL c NOT VALID` (PostgreSQL 18).
    NotNullNotValid,
    /// A validated CHECK (c IS NOT NULL) spares SET NOT NULL its scan (PostgreSQL 12).
    CheckProvesNotNull,
    /// `FOREIGN KEY … NOT VALID` on a partitioned table (PostgreSQL 18).
    PartitionedForeignKeyNotValid,
    /// `CREATE UNLOGGED SEQUENCE` (PostgreSQL 15).
    UnloggedSequences,
    /// `CREATE OR REPLACE TRIGGER` (PostgreSQL 14).
    ReplaceTrigger,
    /// `DETACH PARTITION … CONCURRENTLY` (PostgreSQL 14).
    DetachConcurrently,
    /// `REINDEX … CONCURRENTLY` (PostgreSQL 12).
    ReindexConcurrently,
    /// `UNIQUE NULLS NOT DISTINCT` (PostgreSQL 15).
    NullsNotDistinct,
    /// Virtual generated columns (PostgreSQL 18).
    VirtualColumns,
    /// `ALTER COLUMN … SET EXPRESSION` (PostgreSQL 17).
    SetExpression,
}

/// A question to the server, answered by one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Rows where the column is NULL: expect 0.
    Nulls {
        table: Name,
        column: Ident,
    },
    /// Rows that a sync has not reached (`old` and `new` differ): expect 0.
    OutOfSync {
        sync: Sync,
    },
    /// Rows that a backfill has not reached: expect 0.
    Pending {
        backfill: Backfill,
    },
    /// Rows that break a check expression: expect 0.
    Violations {
        table: Name,
        check: Expr,
    },
    /// Rows of a DEFAULT partition that belong to another one that is to come, which `check` rules out: expect 0.
    Strays {
        table: Name,
        check: Expr,
        partition: Name,
    },
    /// Groups of rows that share a key that must be unique: expect 0.
    Duplicates {
        table: Name,
        columns: Vec<Ident>,
        predicate: Option<Expr>,
        nulls_not_distinct: bool,
    },
    /// Rows whose foreign key points nowhere: expect 0.
    Orphans {
        table: Name,
        foreign_key: ForeignKey,
    },
    /// Values that do not survive the cast there and back: expect 0.
    LossyValues {
        table: Name,
        column: Ident,
        up: String,
        down: String,
    },
    /// Rows of which neither side says what the other does: expect 0.
    Regrouped(Regroup),
    /// Rows whose old columns cannot be made again from what the new ones would hold (`ahead`), or hold: expect 0; else
    /// their number with some of them.
    RegroupLoses {
        regroup: Regroup,
        ahead: bool,
    },
    /// Given rows without a counterpart that holds the same: expect 0; else their number with some keys.
    Mirrored(Mirror),
    /// Given rows without a counterpart at all: expect 0; else their number with some keys.
    Unmatched(Mirror),
    /// The trigger is there and enabled: expect `t`.
    TriggerEnabled {
        table: Name,
        name: Ident,
    },
    /// Rows that hold one of the labels, in an enum or an array of it: expect 0.
    Labels {
        table: Name,
        column: Ident,
        labels: Vec<SmolStr>,
        array: bool,
    },
    /// The object exists: expect `t`.
    Exists(ObjectRef),
    /// The object is gone: expect `t`.
    Gone(ObjectRef),
    /// The index is valid and ready: expect `t`.
    IndexValid(Name),
    /// No invalid index of that name is left from an earlier try: expect `t`.
    NoInvalidIndex(Name),
    ConstraintValid {
        table: Name,
        name: Ident,
    },
    /// `attnotnull`: expect `t`/`f`.
    NotNull {
        table: Name,
        column: Ident,
        expect: bool,
    },
    /// The sync trigger is enabled and the last BEFORE trigger by name: expect `t`.
    SyncTrigger {
        sync: Sync,
    },
    /// The table has no rows: expect `t`.
    Empty(Name),
    /// No other session holds a transaction open for more than five minutes on the table: expect 0.
    LongTransactions(Name),
}
