//! NOT NULL without a scan under lock.

use super::Builder;
use crate::{
    catalog::object_name,
    changes::outline::Outline,
    dialect::{Capability, Probe},
    plan::{Action, PhaseKind, Undo, helper_name},
    sql::*,
};

/// NOT NULL without reading the table under a lock.
pub fn enforce_not_null(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, table: &Name, column: &Ident) {
    not_null_steps(b, acc, phase, table, column);
    acc.verify(phase, b.dialect(), Probe::NotNull { table: table.clone(), column: column.clone(), expect: true });
}

/// The steps of [`enforce_not_null`], for a column that has another name by the end of the phase.
pub fn not_null_steps(b: &Builder<'_>, acc: &mut Outline, phase: PhaseKind, table: &Name, column: &Ident) {
    acc.preflight(phase, b.dialect(), Probe::Nulls { table: table.clone(), column: column.clone() });
    let group = format!("nn:{table}.{column}");
    let proven = b.pairs.base.table(table).is_some_and(|it| {
        it.constraints.iter().any(|it| match &it.kind {
            ConstraintKind::Check(check) => !it.not_valid && !it.not_enforced && *check == is_not_null(b, column),
            _ => false,
        })
    });
    if proven {
        acc.step(
            phase,
            Ddl::SetNotNull { table: table.clone(), column: column.clone() },
            "a valid CHECK proves it already",
        );
    } else {
        for ddl in not_null_actions(b, table, column) {
            let why = match &ddl {
                Ddl::AddConstraint { .. } => "NOT VALID: holds for new rows at once, reads no old ones",
                Ddl::ValidateConstraint { .. } => "reads the old rows while reads and writes go on",
                Ddl::SetNotNull { .. } => "the valid CHECK proves it: no row is read",
                _ => "NOT NULL says it now",
            };
            let last = matches!(ddl, Ddl::SetNotNull { .. } | Ddl::DropConstraint { .. });
            let undo = scaffold_undo(&ddl);
            let draft = if last { acc.grouped(phase, &group, ddl, why) } else { acc.step(phase, ddl, why) };
            if let Some(undo) = undo {
                draft.undo(undo);
            }
        }
    }
}

/// The check is a scaffold: it need not come back only to go again; left by a failure half way, it goes.
fn scaffold_undo(ddl: &Ddl) -> Option<Undo> {
    match ddl {
        Ddl::DropConstraint { .. } => Some(Undo::Nothing),
        Ddl::AddConstraint { table, constraint } => match (&constraint.kind, &constraint.name) {
            (ConstraintKind::Check(_), Some(name)) => {
                let drop =
                    Ddl::DropConstraint { table: table.clone(), name: name.clone(), if_exists: true, cascade: false };
                Some(Undo::By(vec![Action::Ddl(drop)]))
            }
            // The validated NOT NULL constraint is the column's own by then.
            (ConstraintKind::NotNull(column), _) => {
                Some(Undo::By(vec![Action::Ddl(Ddl::DropNotNull { table: table.clone(), column: column.clone() })]))
            }
            _ => None,
        },
        _ => None,
    }
}

fn is_not_null(b: &Builder<'_>, column: &Ident) -> Expr {
    b.dialect().expr(&format!("{} IS NOT NULL", b.dialect().quote(column)))
}

/// The statements of [`enforce_not_null`].
pub fn not_null_actions(b: &Builder<'_>, table: &Name, column: &Ident) -> Vec<Ddl> {
    let add = |name: &Ident, kind: ConstraintKind| {
        let constraint = Constraint { not_valid: true, ..Constraint::new(Some(name.clone()), kind) };
        Ddl::AddConstraint { table: table.clone(), constraint: Box::new(constraint) }
    };
    let validate = |name: &Ident| Ddl::ValidateConstraint { table: table.clone(), name: name.clone() };
    if b.can(Capability::NotNullNotValid) {
        let own = |it: &std::sync::Arc<Table>| it.column(column).and_then(|it| it.not_null_name.clone());
        // On the way back the name is that of before.
        let named = b.after().table(table).and_then(own).or_else(|| b.pairs.base.table(table).and_then(own));
        let name = named.unwrap_or_else(|| object_name(table.name.as_str(), Some(column.as_str()), "not_null"));
        return vec![add(&name, ConstraintKind::NotNull(column.clone())), validate(&name)];
    }
    let name = helper_name("mc_nn", &[table.name.as_str(), column.as_str()]);
    vec![
        add(&name, ConstraintKind::Check(is_not_null(b, column))),
        validate(&name),
        Ddl::SetNotNull { table: table.clone(), column: column.clone() },
        Ddl::DropConstraint { table: table.clone(), name, if_exists: false, cascade: false },
    ]
}
