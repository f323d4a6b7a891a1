//! A desired state that follows edits is the one that is built from nothing: after every edit, in every part.

use std::sync::Arc;

use lockkeeper::{
    catalog::{Desired, Source, desired},
    dialect::{parse_file, postgres::Postgres},
    sql::Statement,
};
use proptest::prelude::*;

/// Statements that need each other, take each other's names, cannot be applied or cannot be read.
const STATEMENTS: &[&str] = &[
    "create table a (id bigint primary key, x int, check (x > 0));",
    "create table a (id bigint primary key, x int, y text, unique (x));",
    "create table a (id uuid, x int);",
    "create table b (id serial primary key, a_id bigint references a, m mood);",
    "create table b (id int primary key, a_id bigint references a (id), c_id int references c);",
    "create table c (id int primary key, b_id int references b, d s.d);",
    "create table s.a (id int primary key) inherits (public.a);",
    "create table p (id int, at date) partition by range (at);",
    "create table p1 partition of p for values from ('2020-01-01') to ('2021-01-01');",
    "create table e (like a including all);",
    "create index on a (x);",
    "create index on a (x);",
    "create unique index a_x_idx on a (x);",
    "create index i on b (a_id) where m is not null;",
    "create index a_x_key on c (b_id);",
    "alter table a add column z int default 1;",
    "alter table a add column w text, add constraint k unique (id);",
    "alter table b add constraint b_a_id_fkey foreign key (a_id) references a;",
    "alter table b alter column a_id set not null;",
    "alter table if exists nothing add column x int;",
    "alter table nothing add column x int;",
    "comment on table a is 'one';",
    "comment on column a.x is 'two';",
    "comment on table a is 'three';",
    "create view v as select a.id, b.m from a join b on b.a_id = a.id;",
    "create or replace view v as select id from a;",
    "create view w as select * from v;",
    "create type mood as enum ('sad', 'ok');",
    "create type mood as enum ('sad', 'ok', 'happy');",
    "create domain s.d as int check (value > 0);",
    "create schema s;",
    "create schema if not exists s create table inner_t (id int primary key, a_id bigint references public.a);",
    "create extension citext;",
    "create sequence q owned by b.id;",
    "create function f(int) returns int language sql as 'select $1';",
    "create function f(mood) returns int language sql as 'select 1';",
    "create trigger t before insert on a for each row execute function g();",
    "create function g() returns trigger language plpgsql as 'begin return new; end';",
    "create policy pol on a using (x > 0);",
    "create statistics st on id, x from a;",
    "grant select on a to someone;",
    "revoke execute on function f(int) from public;",
    "set search_path = s, public;",
    "select pg_catalog.set_config('search_path', '', false);",
    "begin;",
    "commit;",
    "insert into a values (1);",
    "do $$ begin execute 'alter table a add column q int'; end $$;",
    "create rule r as on insert to a do nothing;",
    "create aggregate agg (int) (sfunc = int4pl, stype = int);",
    "create table broken (id int,, x int);",
    "alter table a add colum x int;",
    "drop table b;",
    "drop table if exists e;",
    "drop view w;",
    "alter table a rename to renamed;",
    "alter table a rename column x to xx;",
    "alter table a enable row level security;",
    "-- @renamed from=old\ncreate table f2 (id int, -- @renamed from=older\n x int);",
    "alter table c drop column d;",
];

fn parsed(sql: &str) -> Vec<Statement> {
    parse_file(&Postgres, sql).0
}

/// The statements of a file one behind the other: ranges move, meanings are shared, as in the editor.
fn file(pieces: &[(usize, Vec<Statement>)]) -> Source {
    let mut at = 0;
    let mut statements = Vec::new();
    for (len, piece) in pieces {
        for it in piece {
            let moved = |range: &std::ops::Range<usize>| range.start + at..range.end + at;
            statements.push(Statement { range: moved(&it.range), full: moved(&it.full), parsed: it.parsed.clone() });
        }
        at += len + 1;
    }
    Source { statements: statements.into() }
}

#[track_caller]
fn check(followed: &Desired, sources: &[Source]) {
    let whole = desired(sources);
    assert_eq!(followed.build.problems, whole.problems);
    assert_eq!(format!("{:?}", followed.build.catalog), format!("{:?}", whole.catalog));
    assert_eq!(followed.build.catalog.origins, whole.catalog.origins);
}

/// An edit: which file, where, what goes, what comes.
type Edit = (usize, usize, usize, Vec<usize>);

fn follow(start: &[Vec<usize>], edits: &[Edit]) {
    let piece = |it: &usize| (STATEMENTS[*it].len(), parsed(STATEMENTS[*it]));
    let mut files: Vec<Vec<(usize, Vec<Statement>)>> = start.iter().map(|it| it.iter().map(piece).collect()).collect();
    let sources = |files: &[Vec<(usize, Vec<Statement>)>]| files.iter().map(|it| file(it)).collect::<Vec<_>>();
    let mut state = Desired::new(&sources(&files));
    check(&state, &sources(&files));
    for (which, at, gone, come) in edits {
        let edited = which % files.len();
        let file = &mut files[edited];
        let at = at % (file.len() + 1);
        let end = (at + gone).min(file.len());
        file.splice(at..end, come.iter().map(piece));
        let sources = sources(&files);
        state = state.next(&sources);
        check(&state, &sources);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]
    #[test]
    fn any_edits_lead_where_building_from_nothing_leads(
        start in prop::collection::vec(prop::collection::vec(0..STATEMENTS.len(), 0..25), 1..3),
        edits in prop::collection::vec(
            (0usize..2, 0usize..30, 0usize..3, prop::collection::vec(0..STATEMENTS.len(), 0..3)), 1..12),
    ) {
        follow(&start, &edits);
    }
}

/// Each statement taken out of the whole and put back in: what depends on it must notice.
#[test]
fn every_statement_is_missed_and_found_again() {
    let all: Vec<usize> = (0..STATEMENTS.len()).filter(|it| !STATEMENTS[*it].starts_with("drop")).collect();
    let edits: Vec<Edit> = (0..all.len()).flat_map(|it| [(0, it, 1, vec![]), (0, it, 0, vec![all[it]])]).collect();
    follow(&[all], &edits);
}

/// Long enough for several kept states, with a chain of references through all of it.
#[test]
fn edits_of_a_big_schema() {
    let table = |it: usize, more: &str| {
        let parent =
            it.checked_sub(1).map(|it| format!(", parent_id bigint references t{it} (id)")).unwrap_or_default();
        format!(
            "create table t{it} (id bigint primary key, a int{more}{parent});\ncreate index i{it} on t{it} (a);\ncomment on table t{it} is 'table {it}';"
        )
    };
    let piece = |sql: &str| (sql.len(), parsed(sql));
    let mut pieces: Vec<_> = (0..400).map(|it| piece(&table(it, ""))).collect();
    let mut state = Desired::new(&[file(&pieces)]);
    let mut seed = 7usize;
    for round in 0..60 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let at = (seed >> 33) % pieces.len();
        match round % 4 {
            0 => pieces[at] = piece(&table(at, ", added text")),
            1 => pieces.insert(at, piece(&format!("alter table t{} add column c{round} int;", (seed >> 20) % 400))),
            2 => drop(pieces.remove(at)),
            _ => pieces[at] = piece(&table(at, "").replace("primary key", "")),
        }
        let sources = [file(&pieces)];
        state = state.next(&sources);
        if round % 6 == 5 {
            check(&state, &sources);
        }
    }
    // What an edit does not concern is not even made again.
    let known = state.build.catalog.tables.clone();
    pieces[200] = piece(&table(500, ""));
    let next = state.next(&[file(&pieces)]);
    check(&next, &[file(&pieces)]);
    let same = |(name, it): &(&_, &Arc<_>)| known.get(name).is_some_and(|old| Arc::ptr_eq(old, it));
    let made = next.build.catalog.tables.iter().filter(|it| !same(it)).count();
    assert!(made <= 3, "{made} of {} tables were made again", known.len());
}
