//! Plain SQL: one file per phase, for psql or any client that sends one statement after the other.

use super::{
    numbering::Numbering,
    phase_text::{OutFile, PhaseText, body, next_name},
    script::{self, Frame},
};

pub(super) fn write(phase: &PhaseText<'_>, numbering: &mut Numbering) -> Vec<OutFile> {
    let name = next_name(numbering, phase, 0);
    let undo = format!("rollback/{name}.sql");
    let mut out = phase.header(0, 1, &undo);
    out.push_str("-- Run it with `psql -v ON_ERROR_STOP=1 -f FILE`, outside a transaction.\n");
    out.push_str("-- After a failure run it again: what is done is passed over.\n");
    let guard = phase.guard();
    if let Some(guard) = &guard {
        out.push_str(&format!("\n-- {}\n", phase.guard_why()));
        out.push_str(&armed(guard));
    }
    out.push_str(&body(&script::forward(phase.phase), Frame::Written));
    if guard.is_some() {
        out.push_str("\nRESET default_transaction_read_only;\n");
    }
    vec![OutFile::new(format!("{name}.sql"), out), OutFile::new(undo, phase.undo_script())]
}

/// A client that goes on after an error must not get past the guard: the session may only read until the guard lets it write.
fn armed(guard: &str) -> String {
    let open = "  PERFORM set_config('default_transaction_read_only', 'off', false);\nEND\n";
    let guard = match guard.rsplit_once("END\n") {
        Some((head, tail)) => format!("{head}{open}{tail}"),
        None => guard.to_owned(),
    };
    format!("SET default_transaction_read_only = on;\n{guard};\n")
}
