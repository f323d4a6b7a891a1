//! What a plan gives other names: while rows are made, it has the target's names, so that the target's demands find it.
//! And the checks of partitions to be, which the target does not have as such.

use crate::{
    dialect::{Dialect, postgres::Postgres},
    plan::{Action, Plan, Step},
    sql::{ConstraintKind, Ddl, Name},
};

/// Statements that rename what the plan renames, each with the one that takes it back; in the order in which they run.
pub fn renames(plan: &Plan) -> Vec<[String; 2]> {
    let steps: Vec<&Step> = plan.phases.iter().flat_map(|it| &it.steps).collect();
    let of = |step: &Step, kind: &str| step.changes.iter().any(|it| it.starts_with(kind));
    let mut res = Vec::new();
    for step in steps.iter().filter(|it| of(it, "rename_table:")) {
        match &step.action {
            Action::Ddl(Ddl::RenameTable { from, to, .. }) => {
                let back = Ddl::RenameTable { from: from.sibling(to.clone()), to: from.name.clone(), if_exists: false };
                res.push([step.sql.clone(), Postgres.render(&back)]);
            }
            Action::Ddl(Ddl::SetTableSchema { name, schema }) => {
                let now = Name { schema: Some(schema.clone()), name: name.name.clone() };
                let Some(before) = name.schema.clone() else { continue };
                let back = Ddl::SetTableSchema { name: now, schema: before };
                res.push([step.sql.clone(), Postgres.render(&back)]);
            }
            _ => {}
        }
    }
    // Rows that a bound keeps out would stop the plan, as it says.
    for step in &steps {
        if let Action::Ddl(Ddl::AddConstraint { table, constraint }) = &step.action
            && let (ConstraintKind::Check(_), Some(name)) = (&constraint.kind, constraint.name.clone())
            && name.as_str().starts_with("mc_bound")
        {
            let back = Ddl::DropConstraint { table: table.clone(), name, if_exists: false, cascade: false };
            res.push([step.sql.clone(), Postgres.render(&back)]);
        }
    }
    for step in steps.iter().filter(|it| of(it, "rename_column:")) {
        let (table, from, to) = match &step.action {
            Action::Ddl(Ddl::RenameColumn { table, from, to }) => (table, from, to),
            // Written under both names until the old column goes.
            Action::Ddl(Ddl::DropColumn { table, column, .. }) => {
                let made = steps.iter().filter(|it| it.changes == step.changes).find_map(|it| match &it.action {
                    Action::Ddl(Ddl::AddColumn { column, .. }) => Some(&column.name),
                    _ => None,
                });
                let Some(made) = made else { continue };
                (table, column, made)
            }
            _ => continue,
        };
        let rename = Ddl::RenameColumn { table: table.clone(), from: from.clone(), to: to.clone() };
        let back = Ddl::RenameColumn { table: table.clone(), from: to.clone(), to: from.clone() };
        res.push([Postgres.render(&rename), Postgres.render(&back)]);
    }
    res
}
