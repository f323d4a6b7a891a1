//! What `plan`, `diff` and `verify` work on: two catalogs, facts, answers and a selection.

use std::{collections::BTreeMap, env, path::Path};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use super::print;
use crate::{
    changes::{self, Diff},
    dialect::Dialect,
    plan::{Answers, Facts, Plan, Question},
    planner::{self, Selection},
    project::{self, Baseline, FileProblem, Overlay, Project, Spec},
    shadow,
    sql::Severity,
};

/// Major versions of PostgreSQL that plans are made for.
const SERVER_VERSIONS: std::ops::RangeInclusive<u32> = 13..=18;

#[derive(clap::Args)]
pub struct Inputs {
    /// The schema before: a file, a folder, `git:REV[:PATH]`, `migrations`, `schema` or a database URL
    /// [default: the project's migrations, else the schema at git:HEAD]
    #[arg(long, value_name = "A")]
    from: Option<String>,
    /// The schema wanted, named in the same ways [default: the project's schema files]
    #[arg(long, value_name = "B")]
    to: Option<String>,
    #[command(flatten)]
    server: Server,
    /// Only the change with this id (as often as needed)
    #[arg(long, value_name = "ID")]
    only: Vec<String>,
    /// Leave out the change with this id (as often as needed)
    #[arg(long, value_name = "ID")]
    exclude: Vec<String>,
    /// Settle an open question (as often as needed)
    #[arg(long, value_name = "ID=CHOICE")]
    answer: Vec<String>,
    /// Settle every open rename question in the same way
    #[arg(long)]
    assume: Option<Assume>,
}

/// Which database a command is about.
#[derive(clap::Args)]
pub struct Server {
    /// Database [default: postgres]
    #[arg(long)]
    dialect: Option<String>,
    /// Major version of the server, 13 to 18 [default: that of a database named, else from lockkeeper.toml, else 15]
    #[arg(long, value_name = "N")]
    server_version: Option<u32>,
}

impl Server {
    /// Arguments first, then the settings.
    pub fn settle(&self, project: &Project) -> Result<(&'static dyn Dialect, Facts)> {
        let dialect = match &self.dialect {
            Some(name) => project::find_dialect(name)?,
            None => project.dialect()?,
        };
        let mut facts = project.facts();
        facts.server_version = self.server_version.unwrap_or(facts.server_version);
        check_version(facts.server_version)?;
        Ok((dialect, facts))
    }
}

fn check_version(version: u32) -> Result<()> {
    if !SERVER_VERSIONS.contains(&version) {
        let (first, last) = (SERVER_VERSIONS.start(), SERVER_VERSIONS.end());
        bail!("server version {version} is not supported: {first} to {last} are");
    }
    Ok(())
}

#[derive(Clone, Copy, ValueEnum)]
enum Assume {
    Rename,
    DropAndAdd,
}

/// Everything a plan is made from.
pub struct Loaded {
    pub project: Project,
    pub before: Baseline,
    pub after: Baseline,
    pub dialect: &'static dyn Dialect,
    pub facts: Facts,
    answers: Answers,
    selection: Selection,
}

impl Inputs {
    /// Reads everything. `search`: the project's own files matter even if both sides are named.
    pub fn load(&self, search: bool) -> Result<Loaded> {
        let here = env::current_dir().context("cannot tell the current folder")?;
        let root = Project::find_root(&here);
        let named = |it: &Option<String>| it.as_deref().map(spec);
        let (from, to) = (named(&self.from), named(&self.to));
        let needs_project = |it: &Option<Spec>| !matches!(it, Some(Spec::Path(_) | Spec::Url(_)));
        let project = if search || needs_project(&from) || needs_project(&to) {
            Project::open(&root, Overlay::new())?
        } else {
            Project::open_unsearched(&root)?
        };
        project.notes.iter().for_each(|it| print::note(it));
        let (dialect, mut facts) = self.server.settle(&project)?;
        let answers = self.answers()?;
        let mut live = None;
        let before = || from.as_ref().map_or_else(|| project.default_before(), |it| project.baseline(it));
        let after = || to.as_ref().map_or_else(|| project.default_after(), |it| project.baseline(it));
        let (before, after) = match (&from, &to) {
            (Some(Spec::Url(from)), Some(Spec::Url(to))) => {
                (live_database(from, dialect, &mut live)?, live_database(to, dialect, &mut live)?)
            }
            (Some(Spec::Url(from)), _) => (live_database(from, dialect, &mut live)?, after()?),
            (_, Some(Spec::Url(to))) => (before()?, live_database(to, dialect, &mut live)?),
            // Neither waits for the other. What is wrong with the first is told first.
            _ => std::thread::scope(|scope| {
                let after = scope.spawn(after);
                let before = before()?;
                let after = after.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
                anyhow::Ok((before, after))
            })?,
        };
        // The database that is to be migrated knows its version better than a default does.
        if let (Some(version), None, None) = (live, self.server.server_version, project.settings.server_version) {
            check_version(version)?;
            facts.server_version = version;
        }
        let selection = Selection { only: self.only.clone(), exclude: self.exclude.clone() };
        let loaded = Loaded { project, before, after, dialect, facts, answers, selection };
        loaded.check_selection()?;
        Ok(loaded)
    }

    /// Were single changes asked for?
    pub fn selects(&self) -> bool {
        !self.only.is_empty() || !self.exclude.is_empty()
    }

    fn answers(&self) -> Result<Answers> {
        let mut by_id = BTreeMap::new();
        for answer in &self.answer {
            let Some((id, choice)) = answer.split_once('=') else {
                bail!("--answer {answer}: write it as ID=CHOICE");
            };
            by_id.insert(id.to_owned(), choice.to_owned());
        }
        let assume = self.assume.map(|it| match it {
            Assume::Rename => "rename".to_owned(),
            Assume::DropAndAdd => "drop-and-add".to_owned(),
        });
        Ok(Answers { by_id, assume })
    }
}

fn spec(text: &str) -> Spec {
    match text.parse() {
        Ok(spec) => spec,
        Err(never) => match never {},
    }
}

/// The schema of a live database, read in a read-only transaction; `version` becomes its major version if it has none.
fn live_database(url: &str, dialect: &dyn Dialect, version: &mut Option<u32>) -> Result<Baseline> {
    let live = shadow::live::read(url)?;
    version.get_or_insert(live.server_version);
    let file = project::parse(dialect, Path::new(&live.place), &live.text.into());
    Ok(Baseline::desired(vec![file], live.place))
}

/// Reports what is wrong with the files of a baseline. Errors end the command: planning around a statement that
/// could not be read would drop what it creates.
pub fn refuse_errors(baseline: &Baseline) -> Result<()> {
    let (errors, others): (Vec<&FileProblem>, Vec<_>) =
        baseline.problems.iter().partition(|it| it.severity == Severity::Error);
    for problem in others.iter().filter(|it| it.severity == Severity::Warning) {
        print::note(&format!("{problem}"));
    }
    match errors.as_slice() {
        [] => Ok(()),
        [one] => bail!("{one}"),
        [first, others @ ..] => bail!("{first} (and {} more)", others.len()),
    }
}

impl Loaded {
    pub fn input(&self) -> changes::Input<'_> {
        changes::Input {
            before: &self.before.catalog,
            after: &self.after.catalog,
            dialect: self.dialect,
            facts: &self.facts,
            answers: &self.answers,
        }
    }

    pub fn diff(&self) -> Result<Diff> {
        let diff = changes::diff(self.input());
        self.check_answers(&diff.questions)?;
        Ok(diff)
    }

    pub fn plan(&self) -> Result<Plan> {
        let plan = planner::plan(self.input(), &self.selection);
        // An answer may be about a change that was left out.
        match self.answers.by_id.is_empty() {
            true => {}
            false => self.check_answers(&changes::diff(self.input()).questions)?,
        }
        Ok(plan)
    }

    /// Is the change part of what was asked for?
    pub fn is_selected(&self, id: &str) -> bool {
        let wanted = self.selection.only.is_empty() || self.selection.only.iter().any(|it| it == id);
        wanted && !self.selection.exclude.iter().any(|it| it == id)
    }

    fn check_selection(&self) -> Result<()> {
        refuse_errors(&self.before)?;
        refuse_errors(&self.after)?;
        if self.selection.only.is_empty() && self.selection.exclude.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = changes::diff(self.input()).changes.iter().map(changes::Change::id).collect();
        let asked = self.selection.only.iter().chain(&self.selection.exclude);
        match asked.into_iter().find(|it| !ids.contains(it)) {
            Some(unknown) if ids.is_empty() => bail!("there is no change `{unknown}`: nothing changed"),
            Some(unknown) => bail!("there is no change `{unknown}`; there are {}", ids.join(", ")),
            None => Ok(()),
        }
    }

    fn check_answers(&self, questions: &[Question]) -> Result<()> {
        for (id, choice) in &self.answers.by_id {
            let Some(question) = questions.iter().find(|it| it.id == *id) else {
                let ids: Vec<_> = questions.iter().map(|it| it.id.as_str()).collect();
                let open =
                    if ids.is_empty() { "no question is open".to_owned() } else { format!("open: {}", ids.join(", ")) };
                bail!("--answer {id}={choice}: there is no such question; {open}");
            };
            if !question.accepts(choice) {
                bail!("--answer {id}={choice}: choose one of {}", question.choices.join(", "));
            }
        }
        Ok(())
    }
}
