use super::{
    Rule,
    context::{Context, Findings},
};
use crate::{
    page::page,
    sql::{Ddl, Name, Severity},
};

page! {
    /// # Dropping a view, function or type
    ///
    /// Running code that selects from the view, calls the function or casts to the type fails the moment this commits.
    ///
    /// ## Why
    /// The server knows which views and columns depend on it, but not which programs ask for it. Drop it in a later
    /// release than the one that stops using it; to change it, make it again in the same file (`CREATE OR REPLACE` where
    /// that is enough).
    ///
    /// ```sql before
    /// CREATE TABLE users (id bigint PRIMARY KEY, name text);
    /// CREATE VIEW names AS SELECT id, name FROM users;
    /// ```
    /// ```sql bad
    /// DROP VIEW names;
    /// ```
    /// ```sql good
    /// CREATE OR REPLACE VIEW names AS SELECT id, name, lower(name) AS sorted FROM users;
    /// ```
    ///
    /// ## Phase
    /// Contract, when no running instance and no other object names it.
    ///
    /// ## Versions
    /// All.
    ///
    /// ## Source
    /// Manual, DROP VIEW, DROP FUNCTION, DROP TYPE; 5.15 Dependency Tracking.
    const PAGE;
}

pub(super) const RULE: Rule =
    Rule { code: "dropping-code-object", severity: Severity::Warning, page: PAGE, check, fix: super::fix::later };

fn check(acc: &mut Findings<'_>, ctx: &Context<'_>, ddl: &Ddl) {
    let (what, name, does) = match ddl {
        Ddl::DropView { name, .. } => ("view", name, "selects from"),
        Ddl::DropFunction { name, .. } => ("routine", name, "calls"),
        Ddl::DropType { name, .. } => ("type", name, "names"),
        _ => return,
    };
    if ctx.is_fresh(name) || !may_be_used(ctx, ddl) || is_passing(ctx, ddl, name) {
        return;
    }
    let message = format!(
        "Running code that {does} {what} {name} fails the moment this commits. Drop it in a later release than the one that \
         stops using it"
    );
    acc.report(&RULE, RULE.severity, message);
}

/// With IF EXISTS nothing may be there. What only triggers call is called by no code.
fn may_be_used(ctx: &Context<'_>, ddl: &Ddl) -> bool {
    let is = |a: &Name, b: &Name| {
        let in_path = || b.schema.as_ref().is_some_and(|it| ctx.before.search_path.contains(it));
        a.name == b.name && if a.schema.is_none() { in_path() } else { a.schema == b.schema }
    };
    match ddl {
        Ddl::DropView { name, if_exists, .. } => !if_exists || ctx.before.views.keys().any(|it| is(name, it)),
        Ddl::DropType { name, if_exists, .. } => !if_exists || ctx.before.types.keys().any(|it| is(name, it)),
        Ddl::DropFunction { name, args, if_exists, .. } => {
            let mut own = ctx
                .before
                .functions
                .iter()
                .filter(|((other, types), _)| is(name, other) && args.as_ref().is_none_or(|it| it == types));
            match own.next() {
                Some((_, function)) => {
                    function.returns.as_ref().is_none_or(|it| !matches!(it.canon(), "trigger" | "event_trigger"))
                }
                None => !if_exists,
            }
        }
        _ => false,
    }
}

/// The file makes another of that name, or nobody knows the name yet: it was given in this file.
fn is_passing(ctx: &Context<'_>, ddl: &Ddl, name: &Name) -> bool {
    let same = |it: &Name| ctx.resolve(it) == ctx.resolve(name);
    let renamed = |from: &Name, to: &crate::sql::Ident| same(&from.sibling(to.clone()));
    match ddl {
        Ddl::DropView { .. } => {
            let again = |it: &Ddl| match it {
                Ddl::CreateView { view, .. } => same(&view.name),
                Ddl::CreateTable { table, .. } => same(&table.name),
                Ddl::RenameView { from, to, .. } | Ddl::RenameTable { from, to, .. } => renamed(from, to),
                _ => false,
            };
            ctx.later().any(again)
                || ctx.earlier().any(|it| matches!(it, Ddl::RenameView { from, to, .. } if renamed(from, to)))
        }
        Ddl::DropFunction { .. } => {
            ctx.later().any(|it| matches!(it, Ddl::CreateFunction { function, .. } if same(&function.name)))
                || ctx
                    .whole_file()
                    .any(|it| matches!(it, Ddl::RenameFunction { name: from, to, .. } if renamed(from, to)))
                || ctx.earlier().any(|it| matches!(it, Ddl::CreateFunction { function, .. } if same(&function.name)))
        }
        Ddl::DropType { .. } => {
            ctx.later().any(|it| matches!(it, Ddl::CreateType { ty } if same(&ty.name)))
                || ctx.whole_file().any(|it| matches!(it, Ddl::RenameType { from, to } if renamed(from, to)))
        }
        _ => false,
    }
}
