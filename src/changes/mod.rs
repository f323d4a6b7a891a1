//! What changed between two catalogs, one file per kind of change: its page, its data, how it is found, its steps.
//!
//! May use `page`, `sql`, `catalog`, `plan` and `dialect`. [`pairs::Pairs`] settles which table and column is which;
//! each kind then looks for itself. Order, transactions, locks and undo are the planner's.
//! To add a kind: a file with `PAGE`, a type that is [`Kind`], `detect`, and its two lines here.

mod archive;
mod bound;
mod build;
mod divide;
mod dual;
mod in_place;
mod intent;
mod labels;
mod link;
mod outline;
pub mod pairs;
mod rebuilt;
pub mod recreate;
mod regroup;
mod reshape;
mod soft_delete;

mod add_check;
mod add_column;
mod add_exclusion;
mod add_foreign_key;
mod add_primary_key;
mod add_unique;
mod change_column_settings;
mod change_comment;
mod change_constraint;
mod change_extension;
mod change_function;
mod change_generated;
mod change_identity;
mod change_index;
mod change_key;
mod change_opaque;
mod change_partition;
mod change_policy;
mod change_privilege;
mod change_row_security;
mod change_schema;
mod change_sequence;
mod change_statistics;
mod change_table_settings;
mod change_trigger;
mod change_type;
mod change_user_type;
mod change_view;
mod create_index;
mod create_table;
mod drop_column;
mod drop_constraint;
mod drop_default;
mod drop_index;
mod drop_not_null;
mod drop_table;
mod merge_columns;
mod move_column;
mod partition_table;
mod rename_column;
mod rename_constraint;
mod rename_index;
mod rename_sequence;
mod rename_table;
mod set_default;
mod set_not_null;
mod split_column;

use crate::{
    catalog::Catalog,
    dialect::Dialect,
    page::Page,
    plan::{Answers, ChangeSummary, Facts, Question},
    sql::ObjectRef,
};

pub use archive::aside;
pub use build::{Builder, default_storage, grant, revoke};
pub use outline::{Draft, Outline, Tx};
use pairs::Pairs;

/// What a diff looks at.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    pub before: &'a Catalog,
    pub after: &'a Catalog,
    pub dialect: &'a dyn Dialect,
    pub facts: &'a Facts,
    pub answers: &'a Answers,
}

/// Typed changes in a stable order, and what the files leave open.
#[derive(Clone, Debug, Default)]
pub struct Diff {
    pub changes: Vec<Change>,
    pub questions: Vec<Question>,
}

/// What every kind of change says of itself.
trait Kind {
    /// The word for `kind` in JSON; mostly the file's name.
    fn kind(&self) -> &'static str;

    /// The object in `after`; in `before` for drops.
    fn object(&self) -> ObjectRef;

    /// All objects whose story it tells: the questions about them are its own.
    fn objects(&self) -> Vec<ObjectRef> {
        vec![self.object()]
    }

    /// What tells it from other changes of its kind; part of its id.
    fn id(&self) -> String {
        self.object().to_string()
    }

    /// One sentence, no final dot.
    fn describe(&self) -> String;

    /// Rows, or values of rows, are gone at the end.
    fn destructive(&self) -> bool {
        false
    }

    /// What must be decided before it can be planned for sure.
    fn questions(&self, _b: &Builder<'_>) -> Vec<Question> {
        Vec::new()
    }

    /// Steps, gates and checks.
    fn outline(&self, b: &Builder<'_>, acc: &mut Outline);
}

macro_rules! kinds {
    ($($module:ident :: $kind:ident),* $(,)?) => {
        /// One change; a variant per file of this room.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Change {
            $($kind($module::$kind)),*
        }

        impl Change {
            fn inner(&self) -> &dyn Kind {
                match self {
                    $(Self::$kind(it) => it),*
                }
            }
        }

        /// Every kind's page, by the name of its file.
        pub const PAGES: &[(&str, Page)] = &[$((stringify!($module), $module::PAGE)),*];

        fn detect(pairs: &Pairs<'_>) -> Vec<Change> {
            let mut res = Vec::new();
            $(res.extend($module::detect(pairs).into_iter().map(Change::$kind));)*
            res
        }
    };
}

// In the order in which changes are listed.
kinds! {
    change_schema::ChangeSchema,
    change_extension::ChangeExtension,
    change_user_type::ChangeUserType,
    change_sequence::ChangeSequence,
    rename_sequence::RenameSequence,
    change_function::ChangeFunction,
    create_table::CreateTable,
    rename_table::RenameTable,
    partition_table::PartitionTable,
    add_column::AddColumn,
    rename_column::RenameColumn,
    change_key::ChangeKey,
    split_column::SplitColumn,
    merge_columns::MergeColumns,
    move_column::MoveColumn,
    change_type::ChangeType,
    change_generated::ChangeGenerated,
    change_identity::ChangeIdentity,
    set_default::SetDefault,
    drop_default::DropDefault,
    set_not_null::SetNotNull,
    drop_not_null::DropNotNull,
    change_column_settings::ChangeColumnSettings,
    drop_column::DropColumn,
    create_index::CreateIndex,
    change_index::ChangeIndex,
    rename_index::RenameIndex,
    drop_index::DropIndex,
    add_primary_key::AddPrimaryKey,
    add_unique::AddUnique,
    add_check::AddCheck,
    add_exclusion::AddExclusion,
    add_foreign_key::AddForeignKey,
    change_constraint::ChangeConstraint,
    rename_constraint::RenameConstraint,
    drop_constraint::DropConstraint,
    change_table_settings::ChangeTableSettings,
    change_partition::ChangePartition,
    change_statistics::ChangeStatistics,
    change_view::ChangeView,
    change_trigger::ChangeTrigger,
    change_policy::ChangePolicy,
    change_row_security::ChangeRowSecurity,
    change_opaque::ChangeOpaque,
    change_privilege::ChangePrivilege,
    change_comment::ChangeComment,
    drop_table::DropTable,
}

impl Change {
    /// Stable id: kind and object, `set_not_null:users.email`.
    pub fn id(&self) -> String {
        let what = self.inner().id();
        format!("{}:{}", self.inner().kind(), what.replace(char::is_whitespace, "_"))
    }

    pub fn kind(&self) -> &'static str {
        self.inner().kind()
    }

    /// The object in `after` (in `before` for drops).
    pub fn object(&self) -> ObjectRef {
        self.inner().object()
    }

    pub fn summary(&self) -> ChangeSummary {
        ChangeSummary {
            id: self.id(),
            kind: self.kind(),
            object: self.object().to_string(),
            summary: self.inner().describe(),
            destructive: self.inner().destructive(),
        }
    }

    /// All objects whose story it tells.
    pub fn objects(&self) -> Vec<ObjectRef> {
        self.inner().objects()
    }

    /// What it contributes to a plan.
    pub fn outline(&self, b: &Builder<'_>) -> Outline {
        let mut acc = Outline::default();
        self.inner().outline(b, &mut acc);
        acc
    }
}

/// Compares two catalogs.
pub fn diff(input: Input<'_>) -> Diff {
    diff_pairs(&Pairs::new(input))
}

/// Compares what is paired already; the planner goes on with the same pairs.
pub fn diff_pairs(pairs: &Pairs<'_>) -> Diff {
    let changes = detect(pairs);
    let b = Builder { pairs };
    let mut questions = pairs.questions.clone();
    questions.extend(changes.iter().flat_map(|it| it.inner().questions(&b)));
    Diff { changes, questions }
}

pub use intent::annotation;

/// The page of a kind.
pub fn page(kind: &str) -> Option<Page> {
    PAGES.iter().find(|(name, _)| *name == kind).map(|(_, page)| *page)
}
