//! Columns that go to another table.

use super::{Builder, Kind, Outline, build, drop_column, pairs::Pairs};
use crate::{
    dialect::Probe,
    page::page,
    plan::{Action, Backfill, Mirror, PhaseKind::*, Undo},
    sql::{Column, Ddl, FunctionKind, Ident, Name, ObjectRef, Severity},
};

page! {
    /// # Move columns to another table
    ///
    /// The new column says so: `-- @moved from=users.bio`. Rows belong together by a foreign key that is unique at both ends, or by
    /// equal primary keys; else `key=user_id` names the column of the new table that holds the other's primary key. Triggers on
    /// both tables carry every write across; old rows are brought over in batches; and the old columns go when no
    /// running code asks for them.
    ///
    /// The other table may be new, in the same change: the table is split. A row of it is made for each row that holds
    /// something else than defaults in the columns that move, so new code joins it from the left. An existing table
    /// gets no rows: Contract waits until every value has found its row.
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL, bio text, links text NOT NULL, phone text);
    /// CREATE TABLE accounts (user_id bigint PRIMARY KEY REFERENCES users ON DELETE CASCADE, balance integer NOT NULL);
    /// ```
    /// ```sql after
    /// CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);
    /// CREATE TABLE profiles (
    ///   user_id bigint PRIMARY KEY REFERENCES users,
    ///   bio text, -- @moved from=users.bio
    ///   links text NOT NULL -- @moved from=users.links
    /// );
    /// CREATE TABLE accounts (
    ///   user_id bigint PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    ///   balance integer NOT NULL,
    ///   phone text -- @moved from=users.phone
    /// );
    /// ```
    /// ```plan
    /// Hazard: values of phone in rows of users that have no row of accounts wait there: Contract refuses to run before each has one (moving-column, info)
    /// Hazard: rows of users whose bio, links hold nothing but defaults get no row of profiles: new code joins it from the left (moving-column, info)
    /// Expand: create table profiles; move phone of users to accounts; and 1 more
    ///   before: every row of users that holds phone has a row of accounts = 0
    ///   CREATE TABLE profiles ( user_id bigint NOT NULL, bio text, links text NOT NULL, CONSTRAINT profiles_pkey PRIMARY KEY (user_id), CONSTRAINT profiles_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) )
    ///     lock: ShareRowExclusive on users, brief
    ///   ALTER TABLE accounts ADD COLUMN phone text
    ///     lock: AccessExclusive on accounts, brief
    ///   CREATE FUNCTION mc_move_users_accounts_phone() …
    ///   CREATE TRIGGER "Mc_move_users_accounts_phone" AFTER INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION mc_move_users_accounts_phone()
    ///     with the step above
    ///     lock: ShareRowExclusive on users, brief
    ///   CREATE FUNCTION mc_move_accounts_users_phone() …
    ///   CREATE TRIGGER zzz_mc_move_accounts_users_phone BEFORE INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION mc_move_accounts_users_phone()
    ///     with the step above
    ///     lock: ShareRowExclusive on accounts, brief
    ///   CREATE TRIGGER "Mc_move_accounts_users_phone" AFTER INSERT OR DELETE OR UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION mc_move_accounts_users_phone()
    ///     with the step above
    ///     lock: ShareRowExclusive on accounts, brief
    ///   ALTER TABLE users ALTER COLUMN links DROP NOT NULL
    ///     lock: AccessExclusive on users, brief
    ///   CREATE FUNCTION mc_move_users_profiles_bio() …
    ///     with the step above
    ///   CREATE TRIGGER "Mc_move_users_profiles_bio" AFTER INSERT OR DELETE OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION mc_move_users_profiles_bio()
    ///     with the step above
    ///     lock: ShareRowExclusive on users, brief
    ///   CREATE FUNCTION mc_move_profiles_users_bio() …
    ///     with the step above
    ///   CREATE TRIGGER zzz_mc_move_profiles_users_bio BEFORE INSERT ON profiles FOR EACH ROW EXECUTE FUNCTION mc_move_profiles_users_bio()
    ///     with the step above
    ///     lock: ShareRowExclusive on profiles, brief
    ///   CREATE TRIGGER "Mc_move_profiles_users_bio" AFTER INSERT OR DELETE OR UPDATE ON profiles FOR EACH ROW EXECUTE FUNCTION mc_move_profiles_users_bio()
    ///     with the step above
    ///     lock: ShareRowExclusive on profiles, brief
    ///   after: profiles is there = t
    ///   after: accounts.phone is there = t
    ///   after: trigger Mc_move_users_accounts_phone on users is enabled = t
    ///   after: trigger zzz_mc_move_accounts_users_phone on accounts is enabled = t
    ///   after: trigger Mc_move_accounts_users_phone on accounts is enabled = t
    ///   after: trigger Mc_move_users_profiles_bio on users is enabled = t
    ///   after: trigger zzz_mc_move_profiles_users_bio on profiles is enabled = t
    ///   after: trigger Mc_move_profiles_users_bio on profiles is enabled = t
    ///   undo: DROP TRIGGER "Mc_move_profiles_users_bio" ON profiles
    ///   undo: DROP TRIGGER zzz_mc_move_profiles_users_bio ON profiles
    ///   undo: DROP FUNCTION mc_move_profiles_users_bio()
    ///   undo: DROP TRIGGER "Mc_move_users_profiles_bio" ON users
    ///   undo: DROP FUNCTION mc_move_users_profiles_bio()
    ///   undo: backfill users: links = '' where t.links IS NULL, 1000 rows at a time by id
    ///   undo: ALTER TABLE users ADD CONSTRAINT mc_nn_users_links CHECK (links IS NOT NULL) NOT VALID
    ///   undo: ALTER TABLE users VALIDATE CONSTRAINT mc_nn_users_links
    ///   undo: ALTER TABLE users ALTER COLUMN links SET NOT NULL
    ///   undo: ALTER TABLE users DROP CONSTRAINT mc_nn_users_links
    ///   undo: DROP TRIGGER "Mc_move_accounts_users_phone" ON accounts
    ///   undo: DROP TRIGGER zzz_mc_move_accounts_users_phone ON accounts
    ///   undo: DROP FUNCTION mc_move_accounts_users_phone()
    ///   undo: DROP TRIGGER "Mc_move_users_accounts_phone" ON users
    ///   undo: DROP FUNCTION mc_move_users_accounts_phone()
    ///   undo: ALTER TABLE accounts DROP COLUMN phone
    ///   undo: DROP TABLE profiles
    /// Backfill: move phone of users to accounts; move bio, links of users to profiles
    ///   backfill users: rows are touched and their triggers do the rest, where EXISTS (SELECT FROM accounts AS g WHERE g.user_id = t.id AND NOT (g.phone IS NOT NULL) AND (g.phone IS DISTINCT FROM t.phone)), 1000 rows at a time by id
    ///     outside a transaction
    ///     lock: RowExclusive on users
    ///   backfill users: rows are touched and their triggers do the rest, where EXISTS (SELECT FROM profiles AS g WHERE g.user_id = t.id AND NOT (g.bio IS NOT NULL OR g.links IS NOT NULL) AND (g.bio IS DISTINCT FROM t.bio OR g.links IS DISTINCT FROM coalesce(t.links, ''))) OR (t.bio IS DISTINCT FROM NULL OR t.links IS DISTINCT FROM NULL) AND NOT EXISTS (SELECT FROM profiles AS g WHERE g.user_id = t.id), 1000 rows at a time by id
    ///     outside a transaction
    ///     lock: RowExclusive on users
    ///   after: no row of users is left to bring over = 0
    ///   after: every row of users that holds phone has a row of accounts with the same = 0
    ///   after: no row of users is left to bring over = 0
    ///   after: every row of users that holds bio or links has a row of profiles with the same = 0
    /// Gate: no running instance reads or writes phone of users; no running instance reads or writes bio, links of users
    /// Contract: move phone of users to accounts; move bio, links of users to profiles
    ///   before: every row of users that holds phone has a row of accounts with the same = 0
    ///   before: every row of users that holds bio or links has a row of profiles with the same = 0
    ///   DROP TRIGGER "Mc_move_users_accounts_phone" ON users
    ///     lock: AccessExclusive on users, brief
    ///   DROP FUNCTION mc_move_users_accounts_phone()
    ///     with the step above
    ///   DROP TRIGGER "Mc_move_accounts_users_phone" ON accounts
    ///     lock: AccessExclusive on accounts, brief
    ///   DROP TRIGGER zzz_mc_move_accounts_users_phone ON accounts
    ///     with the step above
    ///     lock: AccessExclusive on accounts, brief
    ///   DROP FUNCTION mc_move_accounts_users_phone()
    ///     with the step above
    ///   ALTER TABLE users DROP COLUMN phone
    ///     lock: AccessExclusive on users, brief
    ///   DROP TRIGGER "Mc_move_users_profiles_bio" ON users
    ///     with the step above
    ///     lock: AccessExclusive on users, brief
    ///   DROP FUNCTION mc_move_users_profiles_bio()
    ///     with the step above
    ///   DROP TRIGGER "Mc_move_profiles_users_bio" ON profiles
    ///     lock: AccessExclusive on profiles, brief
    ///   DROP TRIGGER zzz_mc_move_profiles_users_bio ON profiles
    ///     with the step above
    ///     lock: AccessExclusive on profiles, brief
    ///   DROP FUNCTION mc_move_profiles_users_bio()
    ///     with the step above
    ///   ALTER TABLE users DROP COLUMN bio
    ///     lock: AccessExclusive on users, brief
    ///   ALTER TABLE users DROP COLUMN links
    ///     with the step above
    ///     lock: AccessExclusive on users, brief
    ///   after: users.phone is gone = t
    ///   after: users.bio is gone = t
    ///   after: users.links is gone = t
    ///   undo: ALTER TABLE users ADD COLUMN links text
    ///   undo: ALTER TABLE users ADD COLUMN bio text
    ///   undo: CREATE FUNCTION mc_move_profiles_users_bio() …
    ///   undo: CREATE TRIGGER zzz_mc_move_profiles_users_bio BEFORE INSERT ON profiles FOR EACH ROW EXECUTE FUNCTION mc_move_profiles_users_bio()
    ///   undo: CREATE TRIGGER "Mc_move_profiles_users_bio" AFTER INSERT OR DELETE OR UPDATE ON profiles FOR EACH ROW EXECUTE FUNCTION mc_move_profiles_users_bio()
    ///   undo: CREATE FUNCTION mc_move_users_profiles_bio() …
    ///   undo: CREATE TRIGGER "Mc_move_users_profiles_bio" AFTER INSERT OR DELETE OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION mc_move_users_profiles_bio()
    ///   undo: backfill profiles: rows are touched and their triggers do the rest, where EXISTS (SELECT FROM users AS s WHERE t.user_id = s.id AND NOT (s.bio IS DISTINCT FROM NULL OR s.links IS DISTINCT FROM NULL) AND (t.bio IS DISTINCT FROM s.bio OR t.links IS DISTINCT FROM coalesce(s.links, ''))), 1000 rows at a time by user_id
    ///   undo: ALTER TABLE users ADD COLUMN phone text
    ///   undo: CREATE FUNCTION mc_move_accounts_users_phone() …
    ///   undo: CREATE TRIGGER zzz_mc_move_accounts_users_phone BEFORE INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION mc_move_accounts_users_phone()
    ///   undo: CREATE TRIGGER "Mc_move_accounts_users_phone" AFTER INSERT OR DELETE OR UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION mc_move_accounts_users_phone()
    ///   undo: CREATE FUNCTION mc_move_users_accounts_phone() …
    ///   undo: CREATE TRIGGER "Mc_move_users_accounts_phone" AFTER INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION mc_move_users_accounts_phone()
    ///   undo: backfill accounts: rows are touched and their triggers do the rest, where EXISTS (SELECT FROM users AS s WHERE t.user_id = s.id AND NOT (s.phone IS DISTINCT FROM NULL) AND (t.phone IS DISTINCT FROM s.phone)), 1000 rows at a time by user_id
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveColumn {
    mirror: Mirror,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<MoveColumn> {
    pairs.reshapes.moves.iter().map(|it| MoveColumn { mirror: it.clone() }).collect()
}

impl MoveColumn {
    fn group(&self, word: &str) -> String {
        format!("{word}:{}>{}", self.mirror.source, self.mirror.target)
    }

    fn list(&self) -> String {
        self.mirror.columns.iter().map(|it| it.from.to_string()).collect::<Vec<_>>().join(", ")
    }

    /// The columns in the table they leave.
    fn leaving(&self, b: &Builder<'_>) -> Vec<Column> {
        let table = b.pairs.base.table(&self.mirror.source);
        self.mirror.columns.iter().filter_map(|it| table?.column(&it.from).cloned()).collect()
    }

    /// The columns in the table they come to.
    fn arriving(&self, b: &Builder<'_>) -> Vec<Column> {
        let table = b.after().table(&self.mirror.target);
        self.mirror.columns.iter().filter_map(|it| table?.column(&it.to).cloned()).collect()
    }

    fn expand(&self, b: &Builder<'_>, acc: &mut Outline) {
        let it = &self.mirror;
        for column in self.leaving(b).into_iter().filter(|it| it.not_null) {
            let relax = Ddl::DropNotNull { table: it.source.clone(), column: column.name.clone() };
            let restore = drop_column::restore_not_null(b, &it.source, &column);
            acc.step(Expand, relax, "new code leaves the column out").undo(Undo::By(restore));
        }
        let group = self.group("move");
        if !it.makes {
            for column in self.arriving(b) {
                self.add(b, acc, &group, &column);
            }
            // Before Expand a renamed table has its old name.
            let now = |name: &Name| {
                let renamed = b.pairs.renamed_tables.iter().find(|(_, to)| to == name);
                renamed.map_or(name, |(from, _)| from).clone()
            };
            let there = Mirror { source: now(&it.source), target: now(&it.target), ..it.clone() };
            acc.preflight(Expand, b.dialect(), Probe::Unmatched(there));
        }
        for (at, half) in self.halves(b).into_iter().enumerate() {
            for ddl in half {
                if let Ddl::CreateTrigger { trigger, .. } = &ddl {
                    let probe = Probe::TriggerEnabled { table: trigger.table.clone(), name: trigger.name.clone() };
                    acc.verify(Expand, b.dialect(), probe);
                }
                let why = "whichever table a writer changes, the other follows";
                acc.grouped(Expand, &format!("{group}:{at}"), ddl, why);
            }
        }
    }

    /// The function and triggers of the source, and those of the target.
    fn halves(&self, b: &Builder<'_>) -> Vec<Vec<Ddl>> {
        let mut res: Vec<Vec<Ddl>> = Vec::new();
        for ddl in b.dialect().mirror(&self.mirror) {
            match res.last_mut().filter(|_| !matches!(ddl, Ddl::CreateFunction { .. })) {
                Some(half) => half.push(ddl),
                None => res.push(vec![ddl]),
            }
        }
        res
    }

    fn add(&self, b: &Builder<'_>, acc: &mut Outline, group: &str, column: &Column) {
        let target = &self.mirror.target;
        let plain = Column::new(column.name.clone(), column.ty.clone());
        let bare = Column { collation: column.collation.clone(), ..plain };
        let add = Ddl::AddColumn {
            table: target.clone(),
            column: Box::new(bare),
            constraints: Vec::new(),
            if_not_exists: false,
        };
        acc.grouped(Expand, group, add, "empty, so no row is written");
        for ddl in build::column_settings(target, column) {
            acc.grouped(Expand, group, ddl, "as the schema sets it");
        }
        if column.default.is_some() {
            let default = column.default.clone();
            let set = Ddl::SetDefault { table: target.clone(), column: column.name.clone(), default };
            acc.grouped(Expand, group, set, "set after ADD COLUMN, so that old rows stay recognisably empty");
        }
        acc.verify(Expand, b.dialect(), Probe::Exists(ObjectRef::Column(target.clone(), column.name.clone())));
    }

    /// Rows of a table are touched, and bring their counterparts up to date.
    fn touch(&self, b: &Builder<'_>, back: bool) -> Option<Backfill> {
        let first = self.mirror.columns.first()?;
        let itself = |it: &Ident| vec![(it.clone(), format!("t.{}", b.dialect().quote(it)))];
        let res = if back {
            b.backfill_after(&self.mirror.target, itself(&first.to), b.dialect().unmirrored_back(&self.mirror))
        } else {
            b.backfill(&self.mirror.source, itself(&first.from), b.dialect().unmirrored(&self.mirror))
        };
        Some(Backfill { fills: Vec::new(), ..res })
    }

    fn contract(&self, b: &Builder<'_>, acc: &mut Outline) {
        let it = &self.mirror;
        let group = self.group("drop");
        acc.gate(Contract, format!("no running instance reads or writes {} of {}", self.list(), it.source));
        acc.preflight(Contract, b.dialect(), Probe::Mirrored(it.clone()));
        // The source first: from here on nothing flows back from its old columns into what new code writes.
        for (at, half) in self.halves(b).into_iter().enumerate() {
            for ddl in half.into_iter().rev() {
                self.drop_again(b, acc, &format!("{group}:{at}"), ddl);
            }
        }
        let columns: Vec<(Name, Ident)> = it.columns.iter().map(|one| (it.source.clone(), one.from.clone())).collect();
        let followers = b.followers(&columns);
        followers.drop(acc, Contract, &group);
        for (column, moved) in self.leaving(b).iter().zip(&it.columns) {
            let undo = self.back_again(b, column, moved.from_default.is_some());
            let (table, name) = (it.source.clone(), column.name.clone());
            let drop = Ddl::DropColumn { table: table.clone(), column: name.clone(), if_exists: false, cascade: false };
            acc.grouped(Contract, &group, drop, format!("its values live on in {}", it.target)).undo(undo);
            acc.verify(Contract, b.dialect(), Probe::Gone(ObjectRef::Column(table, name)));
        }
        followers.create(acc, Contract, &group);
    }

    fn drop_again(&self, b: &Builder<'_>, acc: &mut Outline, group: &str, made: Ddl) {
        let why = "nobody writes the old columns any more";
        match made {
            Ddl::CreateTrigger { trigger, .. } => {
                let (table, name) = (trigger.table.clone(), trigger.name.clone());
                let drop = Ddl::DropTrigger { table: table.clone(), name, if_exists: false, cascade: false };
                let draft = acc.grouped(Contract, group, drop, why);
                if table == self.mirror.source {
                    // The last to come back: with it, the values.
                    let mut back = vec![Action::Ddl(Ddl::CreateTrigger { trigger, or_replace: false })];
                    back.extend(self.touch(b, true).map(Action::Backfill));
                    draft.undo(Undo::By(back));
                }
            }
            Ddl::CreateFunction { function, .. } => {
                let drop = Ddl::DropFunction {
                    name: function.name,
                    args: Some(Vec::new()),
                    kind: FunctionKind::Function,
                    if_exists: false,
                    cascade: false,
                };
                acc.grouped(Contract, group, drop, why);
            }
            _ => {}
        }
    }

    /// The column as it was, with nothing but its default: what is touched in the other table fills it.
    fn back_again(&self, b: &Builder<'_>, column: &Column, steady: bool) -> Undo {
        let source = &self.mirror.source;
        let plain = Column::new(column.name.clone(), column.ty.clone());
        let default = column.default.clone();
        let bare = Column { collation: column.collation.clone(), default: default.clone().filter(|_| steady), ..plain };
        let mut again = vec![Ddl::AddColumn {
            table: source.clone(),
            column: Box::new(bare),
            constraints: Vec::new(),
            if_not_exists: false,
        }];
        if default.is_some() && !steady {
            again.push(Ddl::SetDefault { table: source.clone(), column: column.name.clone(), default });
        }
        again.extend(build::column_settings(source, column));
        again.extend(super::recreate::comment(&b.pairs.base, &ObjectRef::Column(source.clone(), column.name.clone())));
        Undo::By(again.into_iter().map(Action::Ddl).collect())
    }
}

impl Kind for MoveColumn {
    fn kind(&self) -> &'static str {
        "move_column"
    }

    fn object(&self) -> ObjectRef {
        let first = self.mirror.columns.first().map(|it| it.to.clone()).unwrap_or_default();
        ObjectRef::Column(self.mirror.target.clone(), first)
    }

    fn objects(&self) -> Vec<ObjectRef> {
        let it = &self.mirror;
        let new = it.columns.iter().map(|one| ObjectRef::Column(it.target.clone(), one.to.clone()));
        new.chain(it.columns.iter().map(|one| ObjectRef::Column(it.source.clone(), one.from.clone()))).collect()
    }

    fn describe(&self) -> String {
        format!("move {} of {} to {}", self.list(), self.mirror.source, self.mirror.target)
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        let it = &self.mirror;
        self.expand(b, acc);
        if let Some(backfill) = self.touch(b, false) {
            let why =
                format!("old rows of {} are touched; the trigger brings {} to {}", it.source, self.list(), it.target);
            acc.backfill(b.dialect(), backfill, why);
        }
        acc.verify(Backfill, b.dialect(), Probe::Mirrored(it.clone()));
        for column in self.arriving(b).into_iter().filter(|column| column.not_null && !it.makes) {
            acc.gate(Enforce, format!("every row of {} has a value in {}", it.target, column.name));
            build::enforce_not_null(b, acc, Enforce, &it.target, &column.name);
        }
        self.contract(b, acc);
        let message = match it.makes {
            true => format!(
                "rows of {} whose {} hold nothing but defaults get no row of {}: new code joins it from the left",
                it.source,
                self.list(),
                it.target
            ),
            false => format!(
                "values of {} in rows of {} that have no row of {} wait there: Contract refuses to run before each has one",
                self.list(),
                it.source,
                it.target
            ),
        };
        acc.hazard("moving-column", Severity::Info, message);
    }
}
