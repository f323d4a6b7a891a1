//! What a diff cannot know, in memory: questions, what is kept until they are answered, and answers that are none.

use std::collections::BTreeMap;

use lockkeeper::{
    changes,
    dialect::{self, parse_file},
    plan::{Answers, Facts, Plan},
    planner::{self, Selection},
};

use crate::plans::desired;

fn planned(before: &str, after: &str, answers: &[(&str, &str)], only: &[&str]) -> Plan {
    let by_id: BTreeMap<String, String> = answers.iter().map(|(id, it)| ((*id).to_owned(), (*it).to_owned())).collect();
    let answers = Answers { by_id, assume: None };
    let (before, after) = (desired(before), desired(after));
    let facts = Facts::for_version(15);
    let dialect = dialect::by_name("postgres").unwrap();
    let input = changes::Input { before: &before, after: &after, dialect, facts: &facts, answers: &answers };
    let only = only.iter().map(|it| (*it).to_owned()).collect();
    planner::plan(input, &Selection { only, exclude: Vec::new() })
}

fn kinds(plan: &Plan) -> Vec<&'static str> {
    plan.changes.iter().map(|it| it.kind).collect()
}

fn questions(plan: &Plan) -> Vec<(&str, &str)> {
    plan.questions.iter().map(|it| (it.id.as_str(), it.assumed.as_str())).collect()
}

#[test]
fn a_split_without_an_expression_keeps_the_column_and_asks() {
    let before = "CREATE TABLE places (id bigint PRIMARY KEY, spot point);";
    let after = "CREATE TABLE places (id bigint PRIMARY KEY,
        lon double precision, -- @split from=spot
        lat double precision -- @split from=spot\n);";
    let plan = planned(before, after, &[], &[]);
    assert_eq!(kinds(&plan), ["add_column", "add_column"]);
    let asked = [("using:places.lon", "keep"), ("using:places.lat", "keep"), ("back:places.spot", "keep")];
    assert_eq!(questions(&plan), asked);
    let answers = [
        ("using:places.lon", "value:spot[0]"),
        ("using:places.lat", "value:spot[1]"),
        ("back:places.spot", "value:point(lon, lat)"),
    ];
    assert_eq!(kinds(&planned(before, after, &answers, &[])), ["split_column"]);
    let refused = [
        ("using:places.lon", "drop-and-add"),
        ("using:places.lat", "drop-and-add"),
        ("back:places.spot", "drop-and-add"),
    ];
    assert_eq!(kinds(&planned(before, after, &refused, &[])), ["add_column", "add_column", "drop_column"]);
}

#[test]
fn a_move_without_a_key_keeps_the_column_and_asks() {
    let before = "CREATE TABLE users (id bigint PRIMARY KEY, bio text);
        CREATE TABLE pages (id uuid PRIMARY KEY, user_id bigint UNIQUE);";
    let after = "CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE pages (id uuid PRIMARY KEY, user_id bigint UNIQUE,
          bio text -- @moved from=users.bio\n);";
    let plan = planned(before, after, &[], &[]);
    assert_eq!((kinds(&plan), questions(&plan)), (vec!["add_column"], vec![("key:pages.bio", "keep")]));
    let plan = planned(before, after, &[("key:pages.bio", "key:user_id")], &[]);
    assert_eq!(kinds(&plan), ["move_column"]);
    // Many rows for one: whose value would it be?
    let many = after.replace(" UNIQUE", "");
    let plan = planned(&before.replace(" UNIQUE", ""), &many.replace("users.bio", "users.bio key=user_id"), &[], &[]);
    assert_eq!(kinds(&plan), ["add_column"]);
    assert!(plan.questions[0].about.contains("user_id is not unique in pages"), "{:?}", plan.questions);
}

#[test]
fn a_new_table_that_needs_more_than_what_moves_is_asked_about() {
    let before = "CREATE TABLE users (id bigint PRIMARY KEY, bio text);";
    let after = "CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE profiles (user_id bigint PRIMARY KEY REFERENCES users, bio text, kind text NOT NULL);";
    let plan = planned(before, after, &[], &[]);
    assert_eq!(kinds(&plan), ["create_table"]);
    assert_eq!(questions(&plan), [("move:users.bio>profiles.bio", "keep")]);
}

#[test]
fn columns_that_share_only_their_name_are_left_alone_when_that_is_said() {
    let before = "CREATE TABLE users (id bigint PRIMARY KEY, bio text);
        CREATE TABLE profiles (user_id bigint PRIMARY KEY REFERENCES users);";
    let after = "CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE profiles (user_id bigint PRIMARY KEY REFERENCES users, bio text);";
    assert_eq!(kinds(&planned(before, after, &[], &[])), ["move_column"]);
    let no = [("move:users.bio>profiles.bio", "drop-and-add")];
    assert_eq!(kinds(&planned(before, after, &no, &[])), ["add_column", "drop_column"]);
    let new = after.replace("bio text", "bio text -- @new\n");
    assert_eq!(kinds(&planned(before, &new, &[], &[])), ["add_column", "drop_column"]);
}

#[test]
fn questions_are_those_of_the_changes_that_were_chosen() {
    let before = "CREATE TABLE t (id bigint PRIMARY KEY, full_name text); CREATE TABLE u (id bigint PRIMARY KEY);";
    let after = "CREATE TABLE t (id bigint PRIMARY KEY, first_name text, last_name text);
        CREATE TABLE u (id bigint PRIMARY KEY, n integer NOT NULL);";
    let all = planned(before, after, &[], &[]);
    assert_eq!(questions(&all), [("split:t.full_name>first_name,last_name", "split"), ("fill:u.n", "value:0")]);
    assert_eq!(questions(&planned(before, after, &[], &["add_column:u.n"])), [("fill:u.n", "value:0")]);
    let split = planned(before, after, &[], &["split_column:t.first_name"]);
    assert_eq!(questions(&split), [("split:t.full_name>first_name,last_name", "split")]);
}

#[test]
fn an_answer_that_is_none_of_the_choices_is_none() {
    let (before, after) = ("CREATE TABLE u (id bigint);", "CREATE TABLE u (id bigint, n integer NOT NULL);");
    for wrong in ["5", "value:", "something"] {
        let plan = planned(before, after, &[("fill:u.n", wrong)], &[]);
        let question = &plan.questions[0];
        assert!(!question.answered && question.assumed == "value:0" && !question.accepts(wrong), "{question:?}");
        assert!(!question.choices.iter().any(|it| it == wrong), "{question:?}");
    }
    let plan = planned(before, after, &[("fill:u.n", "value:5")], &[]);
    assert!(plan.questions[0].answered && plan.questions[0].assumed == "value:5");
}

#[test]
fn a_misspelt_annotation_is_said() {
    let postgres = dialect::by_name("postgres").unwrap();
    let (_, problems) = parse_file(postgres, "CREATE TABLE t (\n  b int -- @renmed from=a\n);\n-- @omit\nSELECT 1;");
    let said: Vec<&str> = problems.iter().map(|it| it.message.as_str()).collect();
    assert_eq!(said, ["there is no annotation @renmed: did you mean @renamed?"]);
}
