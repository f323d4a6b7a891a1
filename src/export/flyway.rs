//! Flyway: a file is all inside one transaction or all outside; the latter has a script configuration beside it.

use super::{
    numbering::Numbering,
    phase_text::{OutFile, PhaseText, Unit, body, next_name},
    script::Frame,
};

pub(super) fn write(phase: &PhaseText<'_>, numbering: &mut Numbering) -> Vec<OutFile> {
    let units: Vec<Unit> = phase.units(false).into_iter().filter(|it| !it.up.is_empty()).collect();
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
            out.push_str("-- Flyway 9.1.2 and later hold a transaction open in which CREATE INDEX CONCURRENTLY would wait for ever:\n");
            out.push_str("-- set flyway.postgresql.transactional.lock=false.\n");
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
