//! What a schema is made of. The parser puts these into [`super::Ddl`], the catalog keeps them.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use super::{DataType, Expr, Ident, Name, ObjectRef};

/// Options in parentheses: `WITH (fillfactor = 70)`. Keys lower case, values as text without quotes.
pub type Options = BTreeMap<SmolStr, SmolStr>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub name: Name,
    pub persistence: Persistence,
    /// In the order of the file. Two tables whose columns differ in order only are not different for a diff.
    pub columns: Vec<Column>,
    /// From the parser as written (names may be missing, column constraints lifted to here);
    /// in a catalog every one has the name the server gives it. NOT NULL lives in [`Column::not_null`].
    pub constraints: Vec<Constraint>,
    pub partition_by: Option<PartitionBy>,
    pub partition_of: Option<PartitionOf>,
    pub inherits: Vec<Name>,
    pub options: Options,
    pub tablespace: Option<Ident>,
    pub access_method: Option<Ident>,
    pub row_security: RowSecurity,
    pub replica_identity: ReplicaIdentity,
    /// Name of the index the table was last clustered on.
    pub cluster_on: Option<Ident>,
    pub owner: Option<Ident>,
}

impl Table {
    /// An empty permanent table.
    pub fn new(name: Name) -> Self {
        Self {
            name,
            persistence: Persistence::Permanent,
            columns: Vec::new(),
            constraints: Vec::new(),
            partition_by: None,
            partition_of: None,
            inherits: Vec::new(),
            options: Options::new(),
            tablespace: None,
            access_method: None,
            row_security: RowSecurity::default(),
            replica_identity: ReplicaIdentity::Default,
            cluster_on: None,
            owner: None,
        }
    }

    pub fn column(&self, name: &Ident) -> Option<&Column> {
        self.columns.iter().find(|it| it.name == *name)
    }

    pub fn column_mut(&mut self, name: &Ident) -> Option<&mut Column> {
        self.columns.iter_mut().find(|it| it.name == *name)
    }

    pub fn constraint(&self, name: &Ident) -> Option<&Constraint> {
        self.constraints.iter().find(|it| it.name.as_ref() == Some(name))
    }

    pub fn primary_key(&self) -> Option<&Constraint> {
        self.constraints.iter().find(|it| matches!(it.kind, ConstraintKind::PrimaryKey(_)))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Persistence {
    Permanent,
    Unlogged,
    Temporary,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowSecurity {
    pub enabled: bool,
    pub forced: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplicaIdentity {
    Default,
    Full,
    Nothing,
    Index(Ident),
}

/// `PARTITION BY strategy (keys)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionBy {
    pub strategy: PartitionStrategy,
    pub keys: Vec<IndexKey>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionStrategy {
    Range,
    List,
    Hash,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionOf {
    pub parent: Name,
    /// `FOR VALUES …` or `DEFAULT`.
    pub bound: Expr,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: Ident,
    pub ty: DataType,
    /// Only when written and not the type's own.
    pub collation: Option<Name>,
    pub not_null: bool,
    /// Name of the NOT NULL when it was given one. Servers keep it from PostgreSQL 18 on (`pg_constraint`, contype `n`).
    pub not_null_name: Option<Ident>,
    pub default: Option<Expr>,
    pub identity: Option<Identity>,
    pub generated: Option<Generated>,
    /// `PLAIN`, `EXTERNAL`, `EXTENDED` or `MAIN`, upper case, when set.
    pub storage: Option<SmolStr>,
    /// `pglz` or `lz4`, lower case, when set (PostgreSQL 14+).
    pub compression: Option<SmolStr>,
    /// `SET STATISTICS n`.
    pub statistics: Option<i32>,
    /// `ALTER COLUMN … SET (n_distinct = …)`.
    pub options: Options,
}

impl Column {
    /// A nullable column with nothing else set.
    pub fn new(name: Ident, ty: DataType) -> Self {
        Self {
            name,
            ty,
            collation: None,
            not_null: false,
            not_null_name: None,
            default: None,
            identity: None,
            generated: None,
            storage: None,
            compression: None,
            statistics: None,
            options: Options::new(),
        }
    }

    /// NOT NULL from now on; the name it had, if any, stays when none is given.
    pub fn set_not_null(&mut self, name: Option<&Ident>) {
        self.not_null = true;
        self.not_null_name = name.cloned().or(self.not_null_name.take());
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `GENERATED ALWAYS` rather than `BY DEFAULT`.
    pub always: bool,
    pub options: SequenceOptions,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    pub expr: Expr,
    /// `STORED` rather than `VIRTUAL` (PostgreSQL 18+).
    pub stored: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    pub name: Option<Ident>,
    pub kind: ConstraintKind,
    pub deferrable: bool,
    pub initially_deferred: bool,
    /// `NOT VALID`: holds for new rows, not yet for old ones.
    pub not_valid: bool,
    /// `NO INHERIT`.
    pub no_inherit: bool,
    /// `NOT ENFORCED` (PostgreSQL 18+).
    pub not_enforced: bool,
}

impl Constraint {
    /// An enforced, valid, not deferrable constraint.
    pub fn new(name: Option<Ident>, kind: ConstraintKind) -> Self {
        Self {
            name,
            kind,
            deferrable: false,
            initially_deferred: false,
            not_valid: false,
            no_inherit: false,
            not_enforced: false,
        }
    }

    /// Does an index stand behind it?
    pub fn is_key(&self) -> bool {
        matches!(self.kind, ConstraintKind::PrimaryKey(_) | ConstraintKind::Unique(_) | ConstraintKind::Exclude(_))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConstraintKind {
    PrimaryKey(KeyConstraint),
    Unique(KeyConstraint),
    Check(Expr),
    ForeignKey(ForeignKey),
    Exclude(Exclude),
    /// A NOT NULL constraint that is not valid yet (PostgreSQL 18+). A valid one is [`Column::not_null`].
    NotNull(Ident),
}

impl ConstraintKind {
    /// The table's columns that it names. (A CHECK names them in its expression: see [`super::tokens`].)
    pub fn columns(&self) -> Vec<&Ident> {
        match self {
            Self::PrimaryKey(key) | Self::Unique(key) => key.columns.iter().chain(&key.include).collect(),
            Self::ForeignKey(fk) => fk.columns.iter().chain(&fk.on_delete_columns).collect(),
            Self::Exclude(it) => {
                let keys = it.elements.iter().filter_map(|(key, _)| key.expr.as_column());
                keys.chain(&it.include).collect()
            }
            Self::NotNull(column) => vec![column],
            Self::Check(_) => Vec::new(),
        }
    }
}

/// `PRIMARY KEY` or `UNIQUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyConstraint {
    pub columns: Vec<Ident>,
    pub include: Vec<Ident>,
    /// PostgreSQL 15+.
    pub nulls_not_distinct: bool,
    /// `WITHOUT OVERLAPS` on the last column (PostgreSQL 18+).
    pub without_overlaps: bool,
    pub options: Options,
    pub tablespace: Option<Ident>,
}

impl KeyConstraint {
    pub fn on(columns: Vec<Ident>) -> Self {
        Self {
            columns,
            include: Vec::new(),
            nulls_not_distinct: false,
            without_overlaps: false,
            options: Options::new(),
            tablespace: None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    pub columns: Vec<Ident>,
    pub references: Name,
    /// Empty from the parser when not written: then the primary key of the referenced table; the catalog fills it in.
    pub referenced_columns: Vec<Ident>,
    pub on_delete: ForeignKeyAction,
    /// Columns of `SET NULL (…)`/`SET DEFAULT (…)` (PostgreSQL 15+).
    pub on_delete_columns: Vec<Ident>,
    pub on_update: ForeignKeyAction,
    pub match_full: bool,
    /// `PERIOD` on the last column (PostgreSQL 18+).
    pub period: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForeignKeyAction {
    NoAction,
    Restrict,
    Cascade,
    SetNull,
    SetDefault,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclude {
    /// `gist`, `spgist`, `btree` …; `btree` is written out when it is the default.
    pub method: Ident,
    /// Key and operator (`&&`, `=`, or `OPERATOR(s.op)` as text).
    pub elements: Vec<(IndexKey, SmolStr)>,
    pub include: Vec<Ident>,
    pub predicate: Option<Expr>,
    pub options: Options,
    pub tablespace: Option<Ident>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// In a catalog always named and always in the schema of its table.
    pub name: Option<Name>,
    pub table: Name,
    pub unique: bool,
    /// `btree` when not written.
    pub method: Ident,
    pub keys: Vec<IndexKey>,
    pub include: Vec<Ident>,
    /// PostgreSQL 15+.
    pub nulls_not_distinct: bool,
    pub predicate: Option<Expr>,
    pub options: Options,
    pub tablespace: Option<Ident>,
    /// Created with `ON ONLY parent`: not valid until every partition has one attached.
    pub only: bool,
    /// The parent index this one is attached to.
    pub attached_to: Option<Name>,
    /// `ALTER INDEX … ALTER COLUMN n SET STATISTICS s`.
    pub statistics: BTreeMap<u16, i32>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexKey {
    pub expr: KeyExpr,
    pub collation: Option<Name>,
    /// Operator class as written, with its options: `text_pattern_ops`, `gist_trgm_ops(siglen='32')`.
    pub opclass: Option<SmolStr>,
    pub descending: bool,
    /// `None`: the default of the direction (ASC: last, DESC: first); the parser drops a redundant clause.
    pub nulls_first: Option<bool>,
}

impl IndexKey {
    pub fn column(name: Ident) -> Self {
        Self { expr: KeyExpr::Column(name), collation: None, opclass: None, descending: false, nulls_first: None }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyExpr {
    Column(Ident),
    Expr(Expr),
}

impl KeyExpr {
    pub fn as_column(&self) -> Option<&Ident> {
        match self {
            Self::Column(it) => Some(it),
            Self::Expr(_) => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    pub name: Name,
    pub persistence: Persistence,
    pub options: SequenceOptions,
    /// Table and column of `OWNED BY`.
    pub owned_by: Option<(Name, Ident)>,
    pub owner: Option<Ident>,
}

/// Only what was written and differs from the default; the catalog normalises defaults to `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SequenceOptions {
    /// `AS smallint|integer|bigint`; default `bigint`, for identity the column's type.
    pub ty: Option<DataType>,
    pub start: Option<i64>,
    pub increment: Option<i64>,
    /// `Some(None)` is `NO MINVALUE`.
    pub min: Option<i64>,
    pub max: Option<i64>,
    pub cache: Option<i64>,
    pub cycle: bool,
    /// Name of an identity's sequence when written (`SEQUENCE NAME`).
    pub name: Option<Name>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserType {
    pub name: Name,
    pub kind: TypeKind,
    pub owner: Option<Ident>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeKind {
    Enum(Vec<SmolStr>),
    Domain(Domain),
    Composite(Vec<Attribute>),
    /// `CREATE TYPE … AS RANGE (…)`: options as written.
    Range(Options),
    /// `CREATE TYPE name;`: a shell type.
    Shell,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    pub base: DataType,
    pub collation: Option<Name>,
    pub default: Option<Expr>,
    pub not_null: bool,
    /// CHECK constraints only; named in a catalog.
    pub checks: Vec<Constraint>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    pub name: Ident,
    pub ty: DataType,
    pub collation: Option<Name>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    pub name: Name,
    pub materialized: bool,
    /// Column names in parentheses behind the view's name.
    pub columns: Vec<Ident>,
    pub query: Expr,
    /// `security_barrier`, `security_invoker`, `check_option` (also from WITH CHECK OPTION), storage parameters.
    pub options: Options,
    pub recursive: bool,
    pub temporary: bool,
    /// Materialized: `WITH DATA` (default true).
    pub with_data: bool,
    pub tablespace: Option<Ident>,
    pub access_method: Option<Ident>,
    /// Relations that the query names (as written, resolved in a catalog). Over-approximate: CTE names may be among them.
    pub reads: BTreeSet<Name>,
    /// Functions that the query calls.
    pub calls: BTreeSet<Name>,
    pub owner: Option<Ident>,
}

impl View {
    /// Shows the same, in the same way: whose it is, and whether it was filled when it was made, does not count.
    pub fn same_definition(&self, other: &View) -> bool {
        let essence = |it: &View| View {
            owner: None,
            with_data: true,
            reads: BTreeSet::new(),
            calls: BTreeSet::new(),
            ..it.clone()
        };
        essence(self) == essence(other)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    pub name: Name,
    pub kind: FunctionKind,
    pub args: Vec<Argument>,
    /// Return type as text: `integer`, `SETOF users`, `TABLE(id integer, name text)`, `trigger`; `None` for procedures
    /// and functions with OUT arguments only. Canonical where it is a plain type.
    pub returns: Option<Expr>,
    /// Lower case.
    pub language: Ident,
    /// The source text between the quotes; for C functions file and symbol; for SQL-standard bodies the text from
    /// `RETURN`/`BEGIN ATOMIC` on with `sql_body`.
    pub body: Expr,
    pub sql_body: bool,
    /// All further attributes, canonical and sorted: `volatility=stable`, `strict`, `security=definer`, `leakproof`,
    /// `parallel=safe`, `cost=10`, `rows=5`, `set search_path=…`, `window`, `support=…`. Defaults are left out.
    pub attributes: BTreeMap<SmolStr, SmolStr>,
    pub owner: Option<Ident>,
}

impl Function {
    /// Types of the IN, INOUT and VARIADIC arguments: with the name, a function's identity.
    pub fn input_types(&self) -> Vec<DataType> {
        self.args.iter().filter(|it| it.mode != ArgumentMode::Out).map(|it| it.ty.clone()).collect()
    }

    pub fn object(&self) -> ObjectRef {
        ObjectRef::Function(self.name.clone(), self.input_types())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionKind {
    Function,
    Procedure,
    Aggregate,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    pub mode: ArgumentMode,
    pub name: Option<Ident>,
    pub ty: DataType,
    pub default: Option<Expr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgumentMode {
    In,
    Out,
    InOut,
    Variadic,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    pub name: Ident,
    pub table: Name,
    pub timing: TriggerTiming,
    /// Events in the order INSERT, DELETE, UPDATE, TRUNCATE.
    pub events: Vec<TriggerEvent>,
    pub for_each_row: bool,
    pub when: Option<Expr>,
    pub function: Name,
    /// Arguments as written, without quotes.
    pub args: Vec<SmolStr>,
    /// `CREATE CONSTRAINT TRIGGER`.
    pub constraint: bool,
    pub deferrable: bool,
    pub initially_deferred: bool,
    pub from_table: Option<Name>,
    /// `REFERENCING OLD TABLE AS …`.
    pub old_table: Option<Ident>,
    pub new_table: Option<Ident>,
    pub enabled: TriggerEnabled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerTiming {
    Before,
    After,
    InsteadOf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TriggerEvent {
    Insert,
    Delete,
    /// `UPDATE OF …`; empty for any column.
    Update(Vec<Ident>),
    Truncate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerEnabled {
    Origin,
    Disabled,
    Replica,
    Always,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub name: Ident,
    pub table: Name,
    /// `AS RESTRICTIVE` when false.
    pub permissive: bool,
    /// `ALL`, `SELECT`, `INSERT`, `UPDATE` or `DELETE`.
    pub command: SmolStr,
    /// `public` when not written; sorted.
    pub roles: Vec<Ident>,
    pub using: Option<Expr>,
    pub check: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    pub name: Ident,
    pub schema: Option<Ident>,
    pub version: Option<SmolStr>,
}

/// Extended statistics (`CREATE STATISTICS`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    pub name: Name,
    pub table: Name,
    /// `ndistinct`, `dependencies`, `mcv`; empty for all.
    pub kinds: Vec<SmolStr>,
    pub keys: Vec<KeyExpr>,
    /// `ALTER STATISTICS … SET STATISTICS n`.
    pub target: Option<i32>,
}

/// One privilege of one role on one object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Privilege {
    pub object: ObjectRef,
    /// Role, or `public`.
    pub grantee: Ident,
    /// `SELECT`, `USAGE` …, upper case. `ALL` is expanded by the catalog.
    pub privilege: SmolStr,
    /// For column privileges the `object` is the column.
    pub grantable: bool,
}

/// A definition that the model does not hold in parts. It is kept, compared and re-emitted as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opaque {
    /// In SQL's words: `CREATE PUBLICATION`.
    pub kind: SmolStr,
    /// What it defines, when known.
    pub object: Option<ObjectRef>,
    /// The whole statement without the semicolon.
    pub text: Expr,
    /// Objects it names: a change to one of them must look here.
    pub touches: BTreeSet<Name>,
    /// Why it is not modelled, in a clause for people: "publications are kept as text".
    pub why: SmolStr,
}
