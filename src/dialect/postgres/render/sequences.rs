//! Sequences, and the sequence options of identity columns.

use super::parts::{self, data_type, name, when};
use crate::sql::{Ddl, Persistence, SequenceOptions, quote};

/// Each option as a clause. The type of an identity's sequence is its column's and cannot be said.
pub(super) fn options(it: &SequenceOptions, with_type: bool) -> Vec<String> {
    let mut res = Vec::new();
    res.extend(it.name.as_ref().map(|it| format!("SEQUENCE NAME {}", name(it))));
    res.extend(it.ty.as_ref().filter(|_| with_type).map(|it| format!("AS {}", data_type(it))));
    res.extend(it.increment.map(|it| format!("INCREMENT BY {it}")));
    res.extend(it.min.map(|it| format!("MINVALUE {it}")));
    res.extend(it.max.map(|it| format!("MAXVALUE {it}")));
    res.extend(it.start.map(|it| format!("START WITH {it}")));
    res.extend(it.cache.map(|it| format!("CACHE {it}")));
    res.extend(it.cycle.then(|| "CYCLE".to_owned()));
    res
}

pub(super) fn restart(value: Option<i64>) -> String {
    value.map_or("RESTART".to_owned(), |it| format!("RESTART WITH {it}"))
}

fn owned_by(owner: Option<&(crate::sql::Name, crate::sql::Ident)>) -> String {
    owner.map_or("OWNED BY NONE".to_owned(), |(table, column)| format!("OWNED BY {}.{}", name(table), quote(column)))
}

pub(super) fn sequence(ddl: &Ddl) -> String {
    match ddl {
        Ddl::CreateSequence { sequence, if_not_exists } => {
            let kind = match sequence.persistence {
                Persistence::Permanent => "",
                Persistence::Unlogged => "UNLOGGED ",
                Persistence::Temporary => "TEMPORARY ",
            };
            let head =
                format!("CREATE {kind}SEQUENCE{} {}", when(*if_not_exists, " IF NOT EXISTS"), name(&sequence.name));
            let mut parts = vec![head];
            parts.extend(options(&sequence.options, true));
            parts.extend(sequence.owned_by.as_ref().map(|it| owned_by(Some(it))));
            parts.join(" ")
        }
        Ddl::AlterSequence { name: sequence, set, restart: again, owned_by: owner, if_exists } => {
            let mut parts = options(set, true);
            parts.extend(again.map(restart));
            parts.extend(owner.as_ref().map(|it| owned_by(it.as_ref())));
            // The one option whose absence is a value: `cycle` is false.
            if parts.is_empty() {
                parts.push("NO CYCLE".to_owned());
            }
            format!("ALTER SEQUENCE{} {} {}", when(*if_exists, " IF EXISTS"), name(sequence), parts.join(" "))
        }
        Ddl::RenameSequence { from, to } => format!("ALTER SEQUENCE {} RENAME TO {}", name(from), quote(to)),
        Ddl::DropSequence { name: sequence, if_exists, cascade } => {
            parts::drop("SEQUENCE", &name(sequence), *if_exists, *cascade)
        }
        _ => String::new(),
    }
}
