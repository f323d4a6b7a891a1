//! Tools with a file, folder or section for the way up and one for the way down.

use super::{
    numbering::Numbering,
    phase_text::{OutFile, PhaseText, Unit, body, next_name, one_string},
    script::{self, Frame, Piece},
};

/// golang-migrate: `0008_x.up.sql` and `.down.sql`, each sent as one string.
pub(super) fn golang_migrate(phase: &PhaseText<'_>, numbering: &mut Numbering) -> Vec<OutFile> {
    each(phase, numbering, true, |name, head, unit| {
        let down = format!("{}{}", phase.undo_header(), body(&unit.down, one_string(&unit.down)));
        let up = format!("{head}{}", body(&unit.up, one_string(&unit.up)));
        vec![OutFile::new(format!("{name}.up.sql"), up), OutFile::new(format!("{name}.down.sql"), down)]
    })
}

/// diesel: a folder with `up.sql`, `down.sql` and, where it must run outside a transaction, `metadata.toml`.
pub(super) fn diesel(phase: &PhaseText<'_>, numbering: &mut Numbering) -> Vec<OutFile> {
    each(phase, numbering, true, |name, head, unit| {
        // The setting is the folder's: where one way needs none, the other makes its own transaction.
        let outside = Unit::outside(&unit.up) || Unit::outside(&unit.down);
        let frame = |pieces: &[Piece]| if outside { one_string(pieces) } else { Frame::ByTool };
        let down = format!("{}{}", phase.undo_header(), body(&unit.down, frame(&unit.down)));
        let up = format!("{head}{}", body(&unit.up, frame(&unit.up)));
        let mut files =
            vec![OutFile::new(format!("{name}/up.sql"), up), OutFile::new(format!("{name}/down.sql"), down)];
        if outside {
            files.push(OutFile::new(format!("{name}/metadata.toml"), "run_in_transaction = false\n".to_owned()));
        }
        files
    })
}

/// sqlx: `.up.sql` and `.down.sql`; a first line `-- no-transaction` keeps a file out of one.
pub(super) fn sqlx(phase: &PhaseText<'_>, numbering: &mut Numbering) -> Vec<OutFile> {
    let text = |head: &str, pieces: &[Piece]| {
        let outside = Unit::outside(pieces);
        let first = if outside { "-- no-transaction\n" } else { "" };
        format!("{first}{head}{}", body(pieces, if outside { Frame::Bare } else { Frame::ByTool }))
    };
    each(phase, numbering, true, |name, head, unit| {
        let down = text(&phase.undo_header(), &unit.down);
        vec![
            OutFile::new(format!("{name}.up.sql"), text(head, &unit.up)),
            OutFile::new(format!("{name}.down.sql"), down),
        ]
    })
}

/// dbmate: two sections in a file, each with its option.
pub(super) fn dbmate(phase: &PhaseText<'_>, numbering: &mut Numbering) -> Vec<OutFile> {
    let section = |way: &str, head: &str, pieces: &[Piece]| {
        let outside = Unit::outside(pieces);
        let option = if outside { " transaction:false" } else { "" };
        let frame = if outside { Frame::Bare } else { Frame::ByTool };
        format!("-- migrate:{way}{option}\n{head}{}", body(pieces, frame))
    };
    each(phase, numbering, true, |name, head, unit| {
        let up = section("up", head, &unit.up);
        let down = section("down", &phase.undo_header(), &unit.down);
        vec![OutFile::new(format!("{name}.sql"), format!("{up}\n{down}"))]
    })
}

/// goose: two sections in a file, which is in a transaction or not as a whole. goose cuts at semicolons, so a
/// statement that holds some is set off.
pub(super) fn goose(phase: &PhaseText<'_>, numbering: &mut Numbering) -> Vec<OutFile> {
    each(phase, numbering, true, |name, head, unit| {
        let outside = Unit::outside(&unit.up) || Unit::outside(&unit.down);
        let section = |pieces: &[Piece]| -> String {
            let frame = match (outside, Unit::outside(pieces)) {
                (true, false) => Frame::Written,
                (true, true) => Frame::Bare,
                (false, _) => Frame::ByTool,
            };
            pieces.iter().map(|it| goose_piece(it, frame)).collect()
        };
        let first = if outside { "-- +goose NO TRANSACTION\n" } else { "" };
        let (up, down) = (section(&unit.up), section(&unit.down));
        let text = format!("{first}-- +goose Up\n{head}{up}\n-- +goose Down\n{}{down}", phase.undo_header());
        vec![OutFile::new(format!("{name}.sql"), text)]
    })
}

/// A piece with marks around statements that hold semicolons. A transaction of its own goes as one string, because
/// goose may send the statements of a file without a transaction over several connections.
fn goose_piece(piece: &Piece, frame: Frame) -> String {
    let marked = |sql: &str| format!("-- +goose StatementBegin\n{sql}\n-- +goose StatementEnd\n");
    if frame == Frame::Written && piece.transactional {
        return format!("\n{}", marked(script::text(piece, frame).trim_end()));
    }
    let statement = |sql: &str| if sql.contains(';') { marked(&format!("{sql};")) } else { format!("{sql};\n") };
    format!("\n{}", script::text_with(piece, frame, statement))
}

/// Prisma: a folder with `migration.sql`, sent as one string. Prisma has no way back: it stands beside.
pub(super) fn prisma(phase: &PhaseText<'_>, numbering: &mut Numbering) -> Vec<OutFile> {
    let mut files = each(phase, numbering, true, |name, head, unit| {
        if unit.up.is_empty() {
            return Vec::new();
        }
        let up = format!("{head}{}", body(&unit.up, one_string(&unit.up)));
        vec![OutFile::new(format!("{name}/migration.sql"), up)]
    });
    let first = files.first().and_then(|it| it.path.parent()).map(|it| it.join("rollback.sql"));
    files.extend(first.map(|path| OutFile::new(path, phase.undo_script())));
    files
}

/// Writes each unit of the phase under its own version.
fn each(
    phase: &PhaseText<'_>,
    numbering: &mut Numbering,
    alone: bool,
    write: impl Fn(&str, &str, &Unit) -> Vec<OutFile>,
) -> Vec<OutFile> {
    let units = phase.units(alone);
    let parts = units.len();
    let mut files = Vec::new();
    for (part, unit) in units.iter().enumerate() {
        let name = next_name(numbering, phase, part);
        let mut head = phase.header(part, parts, "with the tool's own command, or by hand");
        if unit.up.is_empty() {
            head.push_str("-- Nothing to do on the way forth: this one carries a part of the way back.\n");
        }
        files.extend(write(&name, &head, unit));
    }
    files
}
