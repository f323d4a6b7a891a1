//! A column that goes.

use super::{
    Builder, Kind, Outline,
    archive::{self, ColumnArchive},
    build,
    pairs::{Pairs, parents},
    rebuilt::{constraint_mentions, index_mentions, key_mentions},
};
use crate::{
    dialect::Probe,
    page::page,
    plan::{Action, PhaseKind::*, Question, Undo},
    sql::{Column, Ddl, Ident, Name, ObjectRef, Sequence, Severity},
};

page! {
    /// # Drop a column
    ///
    /// Expand makes the column one that new code can leave out; Contract drops it when no running code knows it. PostgreSQL
    /// would silently drop every index, check and statistics object that mentions it: the plan drops them by name, views
    /// come back without it, and nothing is ever dropped with CASCADE. The values are lost, unless the answer is `archive`:
    /// then they are copied by the table's key before, and the way back brings them home.
    ///
    /// ```sql before
    /// CREATE TABLE carriers (id bigint PRIMARY KEY, name text NOT NULL, fax text NOT NULL);
    /// CREATE INDEX carriers_fax_idx ON carriers (fax);
    /// ```
    /// ```sql after
    /// CREATE TABLE carriers (id bigint PRIMARY KEY, name text NOT NULL);
    /// ```
    /// ```plan
    /// Question: Keep a copy of carriers.fax when it is dropped? Without one, only a backup brings back what it held
    ///   archive:carriers.fax: none | archive (assumed none)
    /// Hazard: every value of carriers.fax is lost in Contract; with it go carriers_fax_idx (dropping-column, warning)
    /// Expand: drop carriers.fax and all its values
    ///   ALTER TABLE carriers ALTER COLUMN fax DROP NOT NULL
    ///     lock: AccessExclusive on carriers, brief
    ///   undo: backfill carriers: fax = '' where t.fax IS NULL, 1000 rows at a time by id
    ///   undo: ALTER TABLE carriers ADD CONSTRAINT mc_nn_carriers_fax CHECK (fax IS NOT NULL) NOT VALID
    ///   undo: ALTER TABLE carriers VALIDATE CONSTRAINT mc_nn_carriers_fax
    ///   undo: ALTER TABLE carriers ALTER COLUMN fax SET NOT NULL
    ///   undo: ALTER TABLE carriers DROP CONSTRAINT mc_nn_carriers_fax
    /// Gate: no running instance reads or writes carriers.fax
    /// Contract: drop carriers.fax and all its values; drop index carriers_fax_idx on carriers
    ///   DROP INDEX CONCURRENTLY carriers_fax_idx
    ///     outside a transaction
    ///     lock: ShareUpdateExclusive on carriers
    ///   ALTER TABLE carriers DROP COLUMN fax
    ///     lock: AccessExclusive on carriers, brief
    ///   after: carriers.fax is gone = t
    ///   after: carriers_fax_idx is gone = t
    ///   undo: ALTER TABLE carriers ADD COLUMN fax text DEFAULT ''
    ///   undo: ALTER TABLE carriers ALTER COLUMN fax DROP DEFAULT
    ///   undo: CREATE INDEX CONCURRENTLY carriers_fax_idx ON carriers (fax)
    ///   irreversible: every value of carriers.fax
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropColumn {
    table: Name,
    column: Column,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<DropColumn> {
    let dropped = pairs
        .tables
        .iter()
        .flat_map(|pair| pair.dropped.iter().filter_map(move |name| Some((pair, pair.before.column(name)?))));
    // Partitions and inheriting tables lose theirs with a parent that stays theirs.
    let own = dropped.filter(|(pair, column)| {
        let kept = parents(&pair.before).filter(|it| parents(&pair.after).any(|parent| parent == *it));
        !kept.into_iter().any(|it| pairs.base.table(it).is_some_and(|it| it.column(&column.name).is_some()))
    });
    let own = own.filter(|(pair, column)| !pairs.reshapes.takes_old(&pair.before.name, &column.name));
    own.map(|(pair, column)| DropColumn { table: pair.before.name.clone(), column: column.clone() }).collect()
}

impl DropColumn {
    /// The column as it was; where it must not be empty, filled with a value that says nothing, as the real ones are gone.
    fn undo(&self, b: &Builder<'_>) -> Undo {
        let (table, name) = (&self.table, &self.column.name);
        let relaxed = self.relaxed();
        let unique = build::in_unique(&b.pairs.base, table, name);
        let filler = if relaxed && !unique { build::filler(b, &self.column) } else { None };
        let nullable = relaxed;
        let plain = Column {
            default: filler.as_ref().map(|it| b.dialect().expr(it)).or(self.column.default.clone()),
            not_null: self.column.not_null && !nullable,
            storage: None,
            compression: None,
            statistics: None,
            options: Default::default(),
            ..self.column.clone()
        };
        let sequences = b.pairs.base.sequences.values();
        let owned: Vec<_> =
            sequences.filter(|it| it.owned_by.as_ref() == Some(&(table.clone(), name.clone()))).collect();
        let mut actions: Vec<Ddl> = owned
            .iter()
            .map(|it| Ddl::CreateSequence {
                sequence: Box::new(Sequence { owned_by: None, ..(***it).clone() }),
                if_not_exists: false,
            })
            .collect();
        actions.push(Ddl::AddColumn {
            table: table.clone(),
            column: Box::new(plain),
            constraints: Vec::new(),
            if_not_exists: false,
        });
        for it in owned {
            actions.push(Ddl::AlterSequence {
                name: it.name.clone(),
                set: Default::default(),
                restart: None,
                owned_by: Some(it.owned_by.clone()),
                if_exists: false,
            });
            actions.extend(super::recreate::attached(&b.pairs.base, &ObjectRef::Sequence(it.name.clone())));
        }
        if filler.is_some() {
            actions.push(Ddl::SetDefault { table: table.clone(), column: name.clone(), default: None });
        }
        actions.extend(build::column_settings(table, &self.column));
        actions.extend(super::recreate::comment(&b.pairs.base, &self.object()));
        Undo::Loses {
            actions: actions.into_iter().map(Action::Ddl).collect(),
            lost: format!("every value of {table}.{name}"),
        }
    }

    /// Expand has taken NOT NULL away, and its own undo gives it back.
    fn relaxed(&self) -> bool {
        let it = &self.column;
        it.not_null && it.default.is_none() && it.identity.is_none() && it.generated.is_none()
    }
}

impl Kind for DropColumn {
    fn kind(&self) -> &'static str {
        "drop_column"
    }

    fn object(&self) -> ObjectRef {
        ObjectRef::Column(self.table.clone(), self.column.name.clone())
    }

    fn describe(&self) -> String {
        format!("drop {}.{} and all its values", self.table, self.column.name)
    }

    fn destructive(&self) -> bool {
        true
    }

    fn questions(&self, b: &Builder<'_>) -> Vec<Question> {
        let possible = ColumnArchive::new(b, &self.table, &self.column);
        possible.map(|_| archive::question(b, &self.object())).into_iter().collect()
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        let (table, name): (&Name, &Ident) = (&self.table, &self.column.name);
        let keyed =
            b.pairs.base.table(table).and_then(|it| it.primary_key()).is_some_and(|it| constraint_mentions(it, name));
        if self.relaxed() && !keyed {
            let relax = Ddl::DropNotNull { table: table.clone(), column: name.clone() };
            let restore = restore_not_null(b, table, &self.column);
            acc.step(Expand, relax, "new code leaves the column out").undo(Undo::By(restore));
        }
        acc.gate(Contract, format!("no running instance reads or writes {table}.{name}"));
        let group = format!("drop:{table}.{name}");
        let kept = ColumnArchive::new(b, table, &self.column).filter(|_| archive::wanted(b, &self.object()));
        kept.iter().for_each(|it| it.fill(b, acc));
        let followers = b.followers(&[(table.clone(), name.clone())]);
        followers.drop(acc, Contract, &group);
        let drop = Ddl::DropColumn { table: table.clone(), column: name.clone(), if_exists: false, cascade: false };
        let undo = match (&kept, self.undo(b)) {
            (Some(kept), Undo::Loses { mut actions, .. }) => {
                actions.push(kept.restore(b));
                Undo::By(actions)
            }
            (_, undo) => undo,
        };
        acc.grouped(Contract, &group, drop, "nobody uses it any more; the space comes back as rows are rewritten")
            .undo(undo);
        followers.create(acc, Contract, &group);
        let (severity, fate) = match &kept {
            Some(it) => (Severity::Info, format!("kept in {}, which the schema files do not have", it.place())),
            None => (Severity::Warning, "lost in Contract".to_owned()),
        };
        let message = format!("every value of {table}.{name} is {fate}{}", self.collateral(b));
        acc.hazard("dropping-column", severity, message);
        acc.verify(Contract, b.dialect(), Probe::Gone(self.object()));
    }
}

impl DropColumn {
    fn collateral(&self, b: &Builder<'_>) -> String {
        let Some(table) = b.pairs.base.table(&self.table) else { return String::new() };
        let constraints = table
            .constraints
            .iter()
            .filter(|it| constraint_mentions(it, &self.column.name))
            .filter_map(|it| it.name.clone());
        let indexes = b
            .pairs
            .base
            .indexes_of(&self.table)
            .filter(|it| index_mentions(it, &self.column.name))
            .filter_map(|it| it.name.clone());
        let statistics = b
            .pairs
            .base
            .statistics
            .values()
            .filter(|it| it.table == self.table && it.keys.iter().any(|key| key_mentions(key, &self.column.name)));
        let constraints = constraints.map(|it| it.to_string()).chain(indexes.map(|it| it.to_string()));
        let names: Vec<String> = constraints.chain(statistics.map(|it| format!("statistics {}", it.name))).collect();
        if names.is_empty() { String::new() } else { format!("; with it go {}", names.join(", ")) }
    }
}

/// NOT NULL again, after new code has written rows without the column: those get a value first.
pub(super) fn restore_not_null(b: &Builder<'_>, table: &Name, column: &Column) -> Vec<Action> {
    let mut actions = Vec::new();
    let value = match build::in_unique(&b.pairs.base, table, &column.name) {
        true => build::distinct_filler(b, table, column).or_else(|| build::filler(b, column)),
        false => build::filler(b, column),
    };
    if let Some(value) = value {
        let pending = format!("t.{} IS NULL", b.dialect().quote(&column.name));
        actions.push(Action::Backfill(b.backfill(table, vec![(column.name.clone(), value)], pending)));
    }
    actions.extend(build::not_null_actions(b, table, &column.name).into_iter().map(Action::Ddl));
    actions
}
