//! One change to a schema, as the parser reads it, the planner emits it and the dialect renders it.
//!
//! `ALTER TABLE t a, b` is one [`super::Statement`] with two `Ddl`s. Names may lack their schema when they
//! come from a parser; the catalog resolves them. Adding a variant: leave `_ =>` out of matches and the
//! compiler lists the places (catalog::apply, the renderer, lock_of, the planner's needs and undo).

use smol_str::SmolStr;

use super::*;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ddl {
    // Schemas and extensions
    CreateSchema {
        name: Ident,
        if_not_exists: bool,
        owner: Option<Ident>,
    },
    DropSchema {
        name: Ident,
        if_exists: bool,
        cascade: bool,
    },
    CreateExtension {
        extension: Extension,
        if_not_exists: bool,
        cascade: bool,
    },
    AlterExtension {
        name: Ident,
        action: ExtensionAction,
    },
    DropExtension {
        name: Ident,
        if_exists: bool,
        cascade: bool,
    },

    // Tables
    /// Boxed: by far the largest variant. `likes` are `LIKE other INCLUDING …` elements, not yet expanded.
    CreateTable {
        table: Box<Table>,
        if_not_exists: bool,
        likes: Vec<Like>,
    },
    /// `CREATE TABLE … AS query`: columns are unknown without a server.
    CreateTableAs {
        table: Box<Table>,
        if_not_exists: bool,
        query: Expr,
    },
    DropTable {
        name: Name,
        if_exists: bool,
        cascade: bool,
    },
    RenameTable {
        from: Name,
        to: Ident,
        if_exists: bool,
    },
    SetTableSchema {
        name: Name,
        schema: Ident,
    },
    SetTableOptions {
        table: Name,
        set: Options,
        reset: Vec<SmolStr>,
    },
    SetPersistence {
        table: Name,
        persistence: Persistence,
    },
    SetTablespace {
        table: Name,
        tablespace: Ident,
    },
    SetAccessMethod {
        table: Name,
        method: Ident,
    },
    SetRowSecurity {
        table: Name,
        change: RowSecurityChange,
    },
    SetReplicaIdentity {
        table: Name,
        identity: ReplicaIdentity,
    },
    ClusterOn {
        table: Name,
        index: Option<Ident>,
    },
    Inherit {
        table: Name,
        parent: Name,
    },
    NoInherit {
        table: Name,
        parent: Name,
    },
    AttachPartition {
        parent: Name,
        partition: Name,
        bound: Expr,
    },
    DetachPartition {
        parent: Name,
        partition: Name,
        mode: DetachMode,
    },

    // Columns
    /// `constraints` are those written inline (CHECK, REFERENCES, UNIQUE, PRIMARY KEY).
    AddColumn {
        table: Name,
        column: Box<Column>,
        constraints: Vec<Constraint>,
        if_not_exists: bool,
    },
    DropColumn {
        table: Name,
        column: Ident,
        if_exists: bool,
        cascade: bool,
    },
    RenameColumn {
        table: Name,
        from: Ident,
        to: Ident,
    },
    SetType {
        table: Name,
        column: Ident,
        ty: DataType,
        collation: Option<Name>,
        using: Option<Expr>,
    },
    /// `None` drops the default.
    SetDefault {
        table: Name,
        column: Ident,
        default: Option<Expr>,
    },
    SetNotNull {
        table: Name,
        column: Ident,
    },
    DropNotNull {
        table: Name,
        column: Ident,
    },
    AddIdentity {
        table: Name,
        column: Ident,
        identity: Identity,
    },
    SetIdentity {
        table: Name,
        column: Ident,
        always: Option<bool>,
        options: SequenceOptions,
        restart: Option<Option<i64>>,
    },
    DropIdentity {
        table: Name,
        column: Ident,
        if_exists: bool,
    },
    SetExpression {
        table: Name,
        column: Ident,
        expr: Expr,
    },
    DropExpression {
        table: Name,
        column: Ident,
        if_exists: bool,
    },
    SetColumnStatistics {
        table: Name,
        column: Ident,
        target: Option<i32>,
    },
    SetColumnStorage {
        table: Name,
        column: Ident,
        storage: SmolStr,
    },
    SetColumnCompression {
        table: Name,
        column: Ident,
        method: Option<SmolStr>,
    },
    SetColumnOptions {
        table: Name,
        column: Ident,
        set: Options,
        reset: Vec<SmolStr>,
    },

    // Constraints
    AddConstraint {
        table: Name,
        constraint: Box<Constraint>,
    },
    /// `ADD CONSTRAINT … {UNIQUE | PRIMARY KEY} USING INDEX`.
    AddConstraintUsingIndex {
        table: Name,
        name: Option<Ident>,
        primary: bool,
        index: Ident,
        deferrable: bool,
        initially_deferred: bool,
    },
    ValidateConstraint {
        table: Name,
        name: Ident,
    },
    DropConstraint {
        table: Name,
        name: Ident,
        if_exists: bool,
        cascade: bool,
    },
    RenameConstraint {
        table: Name,
        from: Ident,
        to: Ident,
    },
    AlterConstraint {
        table: Name,
        name: Ident,
        deferrable: Option<bool>,
        initially_deferred: Option<bool>,
        enforced: Option<bool>,
    },

    // Indexes
    CreateIndex {
        index: Box<Index>,
        concurrently: bool,
        if_not_exists: bool,
    },
    DropIndex {
        name: Name,
        concurrently: bool,
        if_exists: bool,
        cascade: bool,
    },
    RenameIndex {
        from: Name,
        to: Ident,
    },
    AttachIndex {
        parent: Name,
        index: Name,
    },
    SetIndexOptions {
        index: Name,
        set: Options,
        reset: Vec<SmolStr>,
    },
    SetIndexStatistics {
        index: Name,
        column: u16,
        target: i32,
    },
    /// `REINDEX`: changes nothing in the catalog; `what` is `INDEX`, `TABLE`, `SCHEMA` …
    Reindex {
        what: SmolStr,
        name: Name,
        concurrently: bool,
    },

    // Sequences
    CreateSequence {
        sequence: Box<Sequence>,
        if_not_exists: bool,
    },
    AlterSequence {
        name: Name,
        set: SequenceOptions,
        restart: Option<Option<i64>>,
        owned_by: Option<Option<(Name, Ident)>>,
        if_exists: bool,
    },
    RenameSequence {
        from: Name,
        to: Ident,
    },
    DropSequence {
        name: Name,
        if_exists: bool,
        cascade: bool,
    },

    // Types
    CreateType {
        ty: Box<UserType>,
    },
    AddEnumValue {
        ty: Name,
        value: SmolStr,
        position: EnumPosition,
        if_not_exists: bool,
    },
    RenameEnumValue {
        ty: Name,
        from: SmolStr,
        to: SmolStr,
    },
    AlterDomain {
        name: Name,
        action: DomainAction,
    },
    AlterComposite {
        name: Name,
        action: CompositeAction,
    },
    RenameType {
        from: Name,
        to: Ident,
    },
    /// Enum, composite, range; `DROP DOMAIN` too (`domain`).
    DropType {
        name: Name,
        domain: bool,
        if_exists: bool,
        cascade: bool,
    },

    // Views
    CreateView {
        view: Box<View>,
        or_replace: bool,
        if_not_exists: bool,
    },
    AlterView {
        name: Name,
        materialized: bool,
        set: Options,
        reset: Vec<SmolStr>,
    },
    RenameView {
        from: Name,
        to: Ident,
        materialized: bool,
    },
    DropView {
        name: Name,
        materialized: bool,
        if_exists: bool,
        cascade: bool,
    },
    RefreshView {
        name: Name,
        concurrently: bool,
        with_data: bool,
    },

    // Functions, triggers, policies
    CreateFunction {
        function: Box<Function>,
        or_replace: bool,
    },
    /// `args` is `None` when the statement gave none (allowed when the name is unique).
    DropFunction {
        name: Name,
        args: Option<Vec<DataType>>,
        kind: FunctionKind,
        if_exists: bool,
        cascade: bool,
    },
    RenameFunction {
        name: Name,
        args: Option<Vec<DataType>>,
        kind: FunctionKind,
        to: Ident,
    },
    CreateTrigger {
        trigger: Box<Trigger>,
        or_replace: bool,
    },
    /// `trigger` is `None` for `ALL` and `USER`.
    EnableTrigger {
        table: Name,
        trigger: Option<Ident>,
        enabled: TriggerEnabled,
    },
    RenameTrigger {
        table: Name,
        from: Ident,
        to: Ident,
    },
    DropTrigger {
        table: Name,
        name: Ident,
        if_exists: bool,
        cascade: bool,
    },
    CreatePolicy {
        policy: Box<Policy>,
    },
    AlterPolicy {
        table: Name,
        name: Ident,
        roles: Option<Vec<Ident>>,
        using: Option<Expr>,
        check: Option<Expr>,
    },
    RenamePolicy {
        table: Name,
        from: Ident,
        to: Ident,
    },
    DropPolicy {
        table: Name,
        name: Ident,
        if_exists: bool,
        cascade: bool,
    },

    // Everything else with a shape
    CreateStatistics {
        statistics: Box<Statistics>,
        if_not_exists: bool,
    },
    SetStatisticsTarget {
        name: Name,
        target: i32,
    },
    DropStatistics {
        name: Name,
        if_exists: bool,
    },
    /// `None` removes the comment.
    Comment {
        object: ObjectRef,
        text: Option<SmolStr>,
    },
    /// Privileges as written: `ALL` stays `ALL`. For column privileges the object is the column.
    Grant {
        privileges: Vec<SmolStr>,
        objects: Vec<ObjectRef>,
        grantees: Vec<Ident>,
        grantable: bool,
    },
    Revoke {
        privileges: Vec<SmolStr>,
        objects: Vec<ObjectRef>,
        grantees: Vec<Ident>,
        option_only: bool,
        cascade: bool,
    },
    SetOwner {
        object: ObjectRef,
        owner: Ident,
    },
    /// Moves an object other than a table to another schema.
    SetSchema {
        object: ObjectRef,
        schema: Ident,
    },
    /// A definition kept as text.
    Opaque(Box<Opaque>),
    /// Drops an object that is kept as text.
    DropOpaque {
        object: ObjectRef,
        text: Expr,
        cascade: bool,
    },

    // What is not DDL but stands in the same files
    /// `SET search_path` (also through `set_config`): later names resolve by it.
    SetSearchPath {
        schemas: Vec<Ident>,
        local: bool,
    },
    /// Any other `SET`/`RESET`; `value` is `None` for RESET and DEFAULT.
    SetParameter {
        name: SmolStr,
        value: Option<SmolStr>,
        local: bool,
    },
    Transaction(TransactionControl),
    /// Explicit `LOCK TABLE`; mode in SQL's words, upper case.
    Lock {
        tables: Vec<Name>,
        mode: SmolStr,
    },
    Truncate {
        tables: Vec<Name>,
        cascade: bool,
    },
    /// INSERT, UPDATE, DELETE, MERGE, COPY, SELECT, CALL, VACUUM, ANALYZE …: rows or no effect on the schema.
    Data(DataStatement),
    /// `DO` block. `language` lower case. `code`: what it runs, as far as that is written there; `None`: not understood.
    Do {
        language: Ident,
        body: SmolStr,
        code: Option<Box<Code>>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExtensionAction {
    Update(Option<SmolStr>),
    SetSchema(Ident),
    /// `ADD`/`DROP` member, as text.
    Member(SmolStr),
}

/// `LIKE source INCLUDING … EXCLUDING …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Like {
    pub source: Name,
    /// Upper case, `ALL` expanded, exclusions applied: `COMMENTS`, `COMPRESSION`, `CONSTRAINTS`, `DEFAULTS`,
    /// `GENERATED`, `IDENTITY`, `INDEXES`, `STATISTICS`, `STORAGE`.
    pub including: Vec<SmolStr>,
    /// Index in `table.columns` before which the copied columns stand.
    pub at: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowSecurityChange {
    Enable,
    Disable,
    Force,
    NoForce,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DetachMode {
    Plain,
    /// PostgreSQL 14+.
    Concurrently,
    Finalize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnumPosition {
    End,
    Before(SmolStr),
    After(SmolStr),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DomainAction {
    SetDefault(Option<Expr>),
    SetNotNull,
    DropNotNull,
    AddConstraint(Constraint),
    DropConstraint { name: Ident, if_exists: bool },
    RenameConstraint { from: Ident, to: Ident },
    ValidateConstraint(Ident),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompositeAction {
    AddAttribute(Attribute),
    DropAttribute { name: Ident, if_exists: bool },
    RenameAttribute { from: Ident, to: Ident },
    SetAttributeType { name: Ident, ty: DataType, collation: Option<Name> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionControl {
    Begin,
    Commit,
    Rollback,
    /// SAVEPOINT; its name is not kept.
    Savepoint,
    /// RELEASE SAVEPOINT.
    Release,
    /// ROLLBACK TO SAVEPOINT.
    RollbackToSavepoint,
    /// SET TRANSACTION, PREPARE TRANSACTION …
    Other,
}

/// A statement that moves rows, or only reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataStatement {
    /// First keyword, upper case: `INSERT`, `UPDATE`, `VACUUM` …
    pub verb: SmolStr,
    /// The table it writes (or, for VACUUM, ANALYZE, CLUSTER, works on).
    pub target: Option<Name>,
    /// It has a WHERE clause (or LIMIT); meaningful for UPDATE and DELETE.
    pub filtered: bool,
    /// `VACUUM FULL`, `CLUSTER`.
    pub rewrites: bool,
    /// Functions that a SELECT calls, the procedure of a CALL; built-in ones too.
    pub calls: Vec<Name>,
}

impl Ddl {
    /// The table (or other relation) that an ALTER TABLE alters, as written.
    pub fn altered_table(&self) -> Option<&Name> {
        Some(match self {
            Self::SetTableSchema { name, .. } | Self::RenameTable { from: name, .. } => name,
            Self::AttachPartition { parent, .. } | Self::DetachPartition { parent, .. } => parent,
            Self::SetTableOptions { table, .. }
            | Self::SetPersistence { table, .. }
            | Self::SetTablespace { table, .. }
            | Self::SetAccessMethod { table, .. }
            | Self::SetRowSecurity { table, .. }
            | Self::SetReplicaIdentity { table, .. }
            | Self::ClusterOn { table, .. }
            | Self::Inherit { table, .. }
            | Self::NoInherit { table, .. }
            | Self::AddColumn { table, .. }
            | Self::DropColumn { table, .. }
            | Self::RenameColumn { table, .. }
            | Self::SetType { table, .. }
            | Self::SetDefault { table, .. }
            | Self::SetNotNull { table, .. }
            | Self::DropNotNull { table, .. }
            | Self::AddIdentity { table, .. }
            | Self::SetIdentity { table, .. }
            | Self::DropIdentity { table, .. }
            | Self::SetExpression { table, .. }
            | Self::DropExpression { table, .. }
            | Self::SetColumnStatistics { table, .. }
            | Self::SetColumnStorage { table, .. }
            | Self::SetColumnCompression { table, .. }
            | Self::SetColumnOptions { table, .. }
            | Self::AddConstraint { table, .. }
            | Self::AddConstraintUsingIndex { table, .. }
            | Self::ValidateConstraint { table, .. }
            | Self::DropConstraint { table, .. }
            | Self::RenameConstraint { table, .. }
            | Self::AlterConstraint { table, .. }
            | Self::EnableTrigger { table, .. } => table,
            _ => return None,
        })
    }

    /// May the statement run inside a transaction block? (Manual pages of each command; measured on 11–18.)
    pub fn transactional(&self) -> bool {
        match self {
            Self::CreateIndex { concurrently, .. } | Self::DropIndex { concurrently, .. } => !concurrently,
            Self::Reindex { concurrently, what, .. } => {
                !concurrently && !matches!(what.as_str(), "SCHEMA" | "DATABASE" | "SYSTEM")
            }
            Self::DetachPartition { mode, .. } => *mode != DetachMode::Concurrently,
            // CLUSTER without a table takes each that was clustered, in a transaction of its own.
            Self::Data(it) => it.verb != "VACUUM" && (it.verb != "CLUSTER" || it.target.is_some()),
            Self::Opaque(it) => !matches!(
                it.kind.as_str(),
                "CREATE DATABASE" | "DROP DATABASE" | "ALTER SYSTEM" | "CREATE TABLESPACE" | "DROP TABLESPACE"
            ),
            _ => true,
        }
    }
}
