//! From a [`crate::plan::Plan`] to the files of a migration tool, and what is known of those tools.
//!
//! May use `page`, `sql`, `plan` and `dialect`. Deliberately not here: the disk (see `project` and `cli`), the clock
//! (the time of timestamped versions is an argument).
//!
//! Delivery is staged: [`render`] writes the first phase and the plan document; [`advance`] reads the document, sees
//! from the files that are there which phase was written last, and writes the next. The document carries the plan
//! itself, so later phases are those that were reviewed, whatever the schema files say by then.

mod document;
mod flyway;
pub mod json;
pub mod markdown;
mod naming;
mod numbering;
mod order;
mod pairs;
mod phase_text;
mod plain;
mod script;
mod tool;

pub use document::{Document, Progress};
pub use naming::{Direction, FileName, compare_versions};
pub use numbering::Numbering;
pub use order::{Consequence, Edit};
pub use phase_text::OutFile;
pub use tool::{Mark, Tool};

use crate::{dialect::Dialect, plan::Plan};
use phase_text::PhaseText;

/// A way to write a plan's files.
pub struct Format {
    /// The word for `--as`.
    pub name: &'static str,
    pub tool: Tool,
    /// One line for people.
    pub about: &'static str,
    write: fn(&PhaseText<'_>, &mut Numbering) -> Vec<OutFile>,
}

/// Every format, the plainest first.
pub const FORMATS: &[Format] = &[
    Format { name: "sql", tool: Tool::Plain, about: "plain SQL, one file per phase", write: plain::write },
    Format { name: "flyway", tool: Tool::Flyway, about: "Flyway, V8.1__x.sql", write: flyway::write },
    Format {
        name: "golang-migrate",
        tool: Tool::GolangMigrate,
        about: "golang-migrate, 000008_x.up.sql and .down.sql",
        write: pairs::golang_migrate,
    },
    Format {
        name: "diesel",
        tool: Tool::Diesel,
        about: "diesel, folders with up.sql and down.sql",
        write: pairs::diesel,
    },
    Format { name: "sqlx", tool: Tool::Sqlx, about: "sqlx, TIME_x.up.sql and .down.sql", write: pairs::sqlx },
    Format { name: "dbmate", tool: Tool::Dbmate, about: "dbmate, sections in TIME_x.sql", write: pairs::dbmate },
    Format { name: "goose", tool: Tool::Goose, about: "goose, sections in 00008_x.sql", write: pairs::goose },
    Format { name: "prisma", tool: Tool::Prisma, about: "Prisma, folders with migration.sql", write: pairs::prisma },
];

impl Format {
    pub fn by_name(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|it| it.name == name)
    }

    /// The format that writes for a tool. `None`: Lockkeeper reads its files but does not write them.
    pub fn of(tool: Tool) -> Option<&'static Self> {
        FORMATS.iter().find(|it| it.tool == tool)
    }
}

/// What the files depend on besides the plan.
pub struct ExportContext<'a> {
    pub format: &'static Format,
    /// Names of files and folders with versions that are there already.
    pub names: &'a [String],
    /// `YYYYMMDDHHMMSS`, for timestamped versions.
    pub now: Option<&'a str>,
    /// Number the first migration of an empty folder by time.
    pub timestamps: bool,
    /// Where the two catalogs come from, for people.
    pub from: &'a str,
    pub to: &'a str,
}

/// Which phases to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Staging {
    /// The first; the others as the plan is advanced.
    First,
    /// All, for pipelines with gates of their own.
    All,
}

/// The files of a plan: its phases and the plan document, which comes last. A plan for no change has no files.
pub fn render(plan: &Plan, dialect: &dyn Dialect, ctx: &ExportContext<'_>, staging: Staging) -> Vec<OutFile> {
    if plan.phases.is_empty() {
        return Vec::new();
    }
    let mut numbering = Numbering::after(ctx.format.tool, ctx.names, &[], ctx.now, ctx.timestamps);
    let plan = json::Plan::new(plan, dialect);
    let document = Document::new(plan, ctx, &numbering);
    let count = match staging {
        Staging::First => 1,
        Staging::All => document.plan.phases.len(),
    };
    let mut files = Vec::new();
    for index in 0..count {
        files.extend(document.write_phase(ctx.format, index, &mut numbering));
    }
    let written: Vec<String> = files.iter().map(|it| it.path.display().to_string()).collect();
    files.push(document.render(&written, count));
    files
}

/// The files of the next phase of a plan that was begun. `existing` are the names (as in [`ExportContext::names`]) and
/// `texts` the contents of the migration files that are there.
pub fn advance(
    document: &Document,
    names: &[String],
    existing: &[(String, &str)],
    now: Option<&str>,
) -> Result<Vec<OutFile>, String> {
    let Some(format) = Format::by_name(&document.format) else {
        return Err(format!("the plan was written for `{}`, which this version does not write", document.format));
    };
    let progress = document.progress(existing.iter().map(|it| it.1));
    let Some(next) = progress.next else {
        return Err("every phase of the plan has been written".to_owned());
    };
    let own: Vec<String> = existing.iter().filter(|it| document.owns(it.1)).map(|it| it.0.clone()).collect();
    let mut numbering = Numbering::after(format.tool, names, &own, now, false);
    Ok(document.write_phase(format, next, &mut numbering))
}
