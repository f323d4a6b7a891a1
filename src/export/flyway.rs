//! Flyway: a file is all inside one transaction or all outside; the latter has a script configuration beside it.

use super::{
    numbering::Numbering,
    phase_text::{OutFile, PhaseText, Unit, body, next_name},
    script::{Frame, Piece},
};

/// Flyway holds its own lock in a transaction that stays open while migrations run, and CREATE INDEX CONCURRENTLY waits
/// for every open transaction: for ever, and without an error (seen with 10.20; since 9.1.2). The lock's key begins with
/// the letters `Fl`, 18028; the rest depends on the name of the history table and may carry over.
const OWN_LOCK: &str = "\
DO $lockkeeper$
BEGIN
  IF EXISTS (
    SELECT FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.classid BETWEEN 18027 AND 18029
      AND a.datname = current_database() AND a.xact_start IS NOT NULL AND a.pid <> pg_backend_pid()
  ) THEN
    RAISE EXCEPTION 'lockkeeper: Flyway holds a transaction open for which CREATE INDEX CONCURRENTLY would wait for ever'
      USING HINT = 'Set flyway.postgresql.transactional.lock=false and migrate again.';
  END IF;
END
$lockkeeper$";

pub(super) fn write(phase: &PhaseText<'_>, numbering: &mut Numbering) -> Vec<OutFile> {
    let mut units: Vec<Unit> = phase.units(false).into_iter().filter(|it| !it.up.is_empty()).collect();
    let waits = phase.phase.steps.iter().any(|it| it.tx.is_none() && it.sql.contains("CONCURRENTLY"));
    if waits {
        let check =
            Piece::of(OWN_LOCK.to_owned(), "Guard: Flyway's own lock must not stand in the way of what follows.");
        // In a transaction: a failure outside of one is written down in Flyway's history and has to be repaired.
        match units.first_mut().filter(|it| !Unit::outside(&it.up)) {
            Some(first) => first.up.insert(0, check),
            None => units.insert(0, Unit { up: vec![check], down: Vec::new() }),
        }
    }
    let names: Vec<String> = (0..units.len()).map(|part| next_name(numbering, phase, part)).collect();
    let Some(first) = names.first() else { return Vec::new() };
    // Undo migrations (`U8.1__x.sql`) are for paying users. A name without Flyway's prefixes is nothing to Flyway.
    let undo = format!("rollback/undo_{first}.sql");
    let mut files = Vec::new();
    for (part, (unit, name)) in units.iter().zip(&names).enumerate() {
        let mut out =
            phase.header(part, units.len(), &format!("{undo} (run by hand: Flyway undoes for paying users only)"));
        let outside = Unit::outside(&unit.up);
        if outside {
            out.push_str("-- Runs outside a transaction, see the .conf file beside it.\n");
            if waits {
                out.push_str("-- Needs flyway.postgresql.transactional.lock=false.\n");
            }
        }
        out.push_str(&body(&unit.up, Frame::ByTool));
        let placeholders = out.contains("${");
        files.push(OutFile::new(format!("{name}.sql"), out));
        let mut settings = String::new();
        if outside {
            settings.push_str("executeInTransaction=false\n");
        }
        if placeholders {
            settings.push_str("placeholderReplacement=false\n");
        }
        if !settings.is_empty() {
            files.push(OutFile::new(format!("{name}.sql.conf"), settings));
        }
    }
    let mut out = phase.undo_script();
    let after =
        "-- Flyway does not learn of this: afterwards take the files of the phase away and run `flyway repair`.\n";
    out.insert_str(out.find("\n\n").map_or(out.len(), |it| it + 1), after);
    files.push(OutFile::new(undo, out));
    files
}
