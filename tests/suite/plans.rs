//! Plans in memory: every change page, on every server version, leads from before to after and back, and a second
//! plan is empty. `tests/suite/verify.rs` does the same on real servers.

use lockkeeper::{
    catalog::{self, Catalog, Source},
    changes,
    dialect::{self, parse_file},
    plan::{Action, Answers, Facts, Plan},
    planner::{self, Selection},
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

/// Applies the DDL of some actions; what fails is told with the SQL.
#[track_caller]
fn apply<'a>(catalog: &mut Catalog, actions: impl Iterator<Item = (&'a Action, &'a String)>, about: &str) {
    for (action, sql) in actions {
        if let Action::Ddl(ddl) = action
            && let Err(error) = catalog.apply(ddl)
        {
            panic!("{about}: {error:?}\nat {sql}");
        }
    }
}

#[track_caller]
pub fn assert_leads_there_and_back(
    before: &Catalog,
    after: &Catalog,
    version: u32,
    answers: &Answers,
    about: &str,
) -> Plan {
    let plan = plan(before, after, version, answers);
    let about = format!("{about} on {version}");
    let mut catalog = before.clone();
    let mut starts = Vec::new();
    for phase in &plan.phases {
        starts.push(catalog.clone());
        apply(&mut catalog, phase.steps.iter().map(|it| (&it.action, &it.sql)), &about);
    }
    assert_eq!(catalog::differences(&catalog, after), Vec::<String>::new(), "{about}: not at the target\n{plan:#?}");
    let again = self::plan(&catalog, after, version, answers);
    assert!(again.phases.is_empty(), "{about}: a second plan is not empty\n{again:#?}");
    for (phase, start) in plan.phases.iter().zip(&starts).rev() {
        apply(
            &mut catalog,
            phase.rollback.iter().map(|it| (&it.action, &it.sql)),
            &format!("{about}, back from {:?}", phase.kind),
        );
        // A phase that says what it cannot bring back may leave a shape behind (an enum value).
        if phase.irreversible.as_ref().is_none_or(|it| !it.shape) {
            assert_eq!(
                catalog::differences(&catalog, start),
                Vec::<String>::new(),
                "{about}: {:?} is not undone",
                phase.kind
            );
        }
    }
    plan
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
