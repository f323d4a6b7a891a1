//! A plan in Markdown: for the plan document, `--format markdown` and the editor.

use super::{
    json::{Check, Phase, Plan, Step},
    script::duration,
};

/// The whole plan, from its changes on. Ends with a line break.
pub fn plan(plan: &Plan) -> String {
    if plan.phases.is_empty() && plan.changes.is_empty() {
        return "Nothing to do.\n".to_owned();
    }
    let mut out = changes(plan);
    if plan.phases.is_empty() {
        out.push_str("Nothing is planned.\n");
    }
    for (i, it) in plan.phases.iter().enumerate() {
        out.push_str(&phase(it, i + 1));
    }
    out
}

/// Changes, questions and hazards.
pub fn changes(plan: &Plan) -> String {
    let mut out = "## What changes\n\n| change | what | loses data |\n| --- | --- | --- |\n".to_owned();
    for it in &plan.changes {
        let loses = if it.destructive { "**yes**" } else { "no" };
        out.push_str(&format!("| `{}` | {} | {loses} |\n", it.id, cell(&it.summary)));
    }
    out.push('\n');
    if !plan.questions.is_empty() {
        out.push_str("## Questions\n\n");
        for it in &plan.questions {
            let state = if it.answered { "Answered" } else { "**Open**; assumed" };
            let choices: Vec<_> = it.choices.iter().map(|it| format!("`{it}`")).collect();
            out.push_str(&format!(
                "- {} {state}: `{}`. Choices: {}. Settle it with `--answer '{}=…'`.\n",
                it.about,
                it.assumed,
                choices.join(", "),
                it.id
            ));
        }
        out.push('\n');
    }
    if !plan.hazards.is_empty() {
        out.push_str("## Hazards\n\n");
        for it in &plan.hazards {
            out.push_str(&format!("- {} (`{}`, {})\n", it.message, it.rule, it.severity));
        }
        out.push('\n');
    }
    out
}

/// One phase; `number` counts from 1.
pub fn phase(phase: &Phase, number: usize) -> String {
    let mut name = phase.kind.clone();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let mut out = format!("## Phase {number}: {name}\n\n{}\n\n", phase.title);
    if let Some(gate) = &phase.gate {
        out.push_str(&format!("**Gate.** Go on only when {}.\n\n", gate.trim_end_matches('.')));
    }
    out.push_str(&checks("Before: can it succeed on today's data?", &phase.preflight));
    if !phase.steps.is_empty() {
        out.push_str("### Steps\n\n");
        for (i, it) in phase.steps.iter().enumerate() {
            let above = i.checked_sub(1).and_then(|it| phase.steps.get(it));
            out.push_str(&step(it, i + 1, above));
        }
    }
    out.push_str(&checks("After: has it done its work?", &phase.verify));
    out.push_str("### Way back\n\n");
    match phase.rollback.as_slice() {
        [] => out.push_str("There is nothing to take back.\n\n"),
        steps => {
            let sql: Vec<&str> = steps.iter().map(|it| it.sql.as_str()).collect();
            out.push_str(&fence(&sql.join(";\n")));
        }
    }
    if let Some(irreversible) = &phase.irreversible {
        out.push_str(&format!(
            "**Lost for good:** {}. Before you run this phase:\n\n",
            irreversible.lost.trim_end_matches('.')
        ));
        for it in &irreversible.checklist {
            out.push_str(&format!("- [ ] {it}\n"));
        }
        out.push('\n');
    }
    out
}

fn checks(heading: &str, checks: &[Check]) -> String {
    if checks.is_empty() {
        return String::new();
    }
    let mut out = format!("### {heading}\n\n");
    for it in checks {
        out.push_str(&format!("Expected `{}`: {}\n\n{}", it.expect, it.why, fence(&it.sql)));
    }
    out
}

fn step(step: &Step, number: usize, above: Option<&Step>) -> String {
    let mut out = format!("{number}. {}\n\n", step.why);
    out.push_str(&fence(&step.sql));
    let mut facts = Vec::new();
    match step.tx {
        None => facts.push("outside any transaction".to_owned()),
        Some(_) if above.is_some_and(|it| it.tx == step.tx) => {
            facts.push("in the transaction of the step above".to_owned())
        }
        Some(_) => facts.push("in a transaction".to_owned()),
    }
    for lock in &step.locks {
        facts.push(format!("`{}` on `{}`", lock.mode, lock.object));
    }
    if step.rewrites {
        facts.push("**writes every row anew**".to_owned());
    }
    if step.scans {
        facts.push("reads every row".to_owned());
    }
    facts.extend(step.estimate.as_ref().map(|it| format!("estimate: {it}")));
    if let Some(ms) = step.timeouts.lock_ms.filter(|it| *it > 0) {
        facts.push(format!("gives up after waiting {} for its locks", duration(ms)));
    }
    if let Some(retry) = &step.before_retry {
        facts.push(format!("after a failure first `{}`", one_line(retry)));
    }
    out.push_str(&format!("{}.\n\n", sentence(&facts.join("; "))));
    out
}

/// SQL between fences that it does not contain.
fn fence(sql: &str) -> String {
    let mut marks = "```".to_owned();
    while sql.contains(&marks) {
        marks.push('`');
    }
    format!("{marks}sql\n{};\n{marks}\n\n", sql.trim_end().trim_end_matches(';'))
}

fn sentence(text: &str) -> String {
    let mut chars = text.trim_end_matches('.').chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text within a table.
fn cell(text: &str) -> String {
    one_line(text).replace('|', "\\|")
}
