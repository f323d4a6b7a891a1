//! Plans in memory: every change page, on every server version, leads from before to after and back, and a second
//! plan is empty. `tests/suite/verify.rs` does the same on real servers.

use lockkeeper::{
    catalog::{self, Catalog, Source},
    changes,
    dialect::{self, parse_file},
    plan::{Action, Answers, Facts, Plan},
    planner::{self, Selection},
    shadow::build::shorten,
};

/// The desired state that a text describes; it must have no problems.
#[track_caller]
pub fn desired(sql: &str) -> Catalog {
    let postgres = dialect::by_name("postgres").unwrap();
    let (statements, problems) = parse_file(postgres, sql);
    assert!(problems.is_empty(), "{problems:?}\nin\n{sql}");
    let build = catalog::desired(&[Source { statements: statements.into() }]);
    assert!(build.problems.is_empty(), "{:?}\nin\n{sql}", build.problems);
    build.catalog
}

pub fn plan(before: &Catalog, after: &Catalog, version: u32, answers: &Answers) -> Plan {
    let facts = Facts::for_version(version);
    let dialect = dialect::by_name("postgres").unwrap();
    planner::plan(changes::Input { before, after, dialect, facts: &facts, answers }, &Selection::default())
}

/// A plan in brief: what runs in which transaction.
pub fn shown(plan: &Plan) -> String {
    let mut res = String::new();
    for phase in &plan.phases {
        res += &format!("{}\n", phase.kind.as_str());
        phase.steps.iter().for_each(|it| res += &format!("  {:?} {}\n", it.tx, shorten(&it.sql)));
        phase.rollback.iter().for_each(|it| res += &format!("  back {:?} {}\n", it.tx, shorten(&it.sql)));
    }
    res
}

/// Why a plan does not lead there and back.
pub struct Failure {
    /// The same for failures that are likely one.
    pub kind: String,
    pub text: String,
}

/// Applies the DDL of some actions; what fails is told with the SQL.
fn apply<'a>(catalog: &mut Catalog, actions: impl Iterator<Item = (&'a Action, &'a String)>) -> Result<(), String> {
    for (action, sql) in actions {
        if let Action::Ddl(ddl) = action
            && let Err(error) = catalog.apply(ddl)
        {
            return Err(format!("{error:?}\nat {sql}"));
        }
    }
    Ok(())
}

/// A message with little of the names in it, so that two of them can be told to be one failure.
pub fn generic(message: &str) -> String {
    let words = message.split(|it: char| !it.is_ascii_alphabetic()).filter(|it| it.len() > 3);
    words.take(12).collect::<Vec<_>>().join(" ")
}

/// What a difference is about: which part of a table, whatever the table is called by now.
fn subject(difference: &str) -> String {
    let subject = difference.split(':').next().unwrap_or_default();
    let part = [" constraint ", " column "].iter().find_map(|it| subject.find(it));
    subject[part.unwrap_or_default()..].to_owned()
}

/// Plans, applies the plan in memory, plans again, and applies the way back.
pub fn there_and_back(before: &Catalog, after: &Catalog, version: u32, answers: &Answers) -> Result<Plan, Failure> {
    let plan = plan(before, after, version, answers);
    let fail = |kind: &str, text: String| Failure {
        kind: format!("{kind} {}", generic(&text)),
        text: format!("{kind}: {text}\n{}", shown(&plan)),
    };
    let mut catalog = before.clone();
    let mut starts = Vec::new();
    // What differs for good.
    let mut left: Vec<String> = Vec::new();
    for phase in &plan.phases {
        starts.push(catalog.clone());
        let steps = phase.steps.iter().map(|it| (&it.action, &it.sql));
        apply(&mut catalog, steps).map_err(|it| fail("forward", it))?;
    }
    let lines = catalog::differences(&catalog, after);
    if !lines.is_empty() {
        return Err(fail("not at the target", format!("{lines:#?}")));
    }
    let again = self::plan(&catalog, after, version, answers);
    if !again.phases.is_empty() {
        return Err(fail("a second plan is not empty", shown(&again)));
    }
    for (phase, start) in plan.phases.iter().zip(&starts).rev() {
        let steps = phase.rollback.iter().map(|it| (&it.action, &it.sql));
        apply(&mut catalog, steps).map_err(|it| fail("back", it))?;
        // A phase that says what it cannot bring back may leave a shape behind (an enum value), for good.
        let mut lines = catalog::differences(&catalog, start);
        if phase.irreversible.as_ref().is_some_and(|it| it.shape) {
            left.extend(lines.iter().map(|it| subject(it)));
        }
        lines.retain(|it| !left.contains(&subject(it)));
        if !lines.is_empty() {
            return Err(fail("not undone", format!("{:?} {lines:#?}", phase.kind)));
        }
    }
    Ok(plan)
}

#[track_caller]
pub fn assert_leads_there_and_back(
    before: &Catalog,
    after: &Catalog,
    version: u32,
    answers: &Answers,
    about: &str,
) -> Plan {
    let res = there_and_back(before, after, version, answers);
    res.unwrap_or_else(|it| panic!("{about} on {version}: {}", it.text))
}

#[test]
fn every_change_page_leads_there_and_back() {
    for (name, page) in changes::PAGES {
        let fence = |kind: &str| page.fence(kind).unwrap_or_else(|| panic!("page {name} has no fence {kind}"));
        let (before, after) = (desired(&fence("sql before")), desired(&fence("sql after")));
        for version in 13..=18 {
            let plan = assert_leads_there_and_back(&before, &after, version, &Answers::default(), name);
            assert!(!plan.phases.is_empty(), "page {name} shows no change on {version}");
        }
    }
}

#[test]
fn nothing_changed_means_no_plan() {
    for (name, page) in changes::PAGES {
        let before = desired(&page.fence("sql before").unwrap());
        let plan = plan(&before, &before.clone(), 15, &Answers::default());
        assert!(plan.phases.is_empty() && plan.changes.is_empty(), "page {name}: {plan:#?}");
    }
}

#[test]
fn a_plan_that_nobody_waits_for_ends() {
    let tables: String = (0..20).map(|it| format!("create table t{it} (id int primary key, a int);")).collect();
    let (before, after) = (desired(&tables), desired(&tables.replace("a int", "a int not null, b text")));
    let (facts, answers) = (Facts::for_version(15), Answers::default());
    let dialect = dialect::by_name("postgres").unwrap();
    let input = changes::Input { before: &before, after: &after, dialect, facts: &facts, answers: &answers };
    // Asked again and again while it works: it ends at whichever time it is told so.
    let asked = std::cell::Cell::new(0);
    let stop_at = |last: i32| {
        asked.set(0);
        let stop = || asked.replace(asked.get() + 1) >= last;
        planner::plan_unless(input, &Selection::default(), &stop)
    };
    assert_eq!(stop_at(i32::MAX), Some(planner::plan(input, &Selection::default())));
    let times = asked.get();
    assert!(times > 40, "{times}: once per change and between the stages");
    for last in [0, 1, 20, times - 1] {
        assert_eq!(stop_at(last), None);
        assert_eq!(asked.get(), last + 1, "the work went on");
    }
}
