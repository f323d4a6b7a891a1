//! Definitions that are kept as text.

use std::sync::Arc;

use super::{Builder, Kind, Outline, pairs::Pairs};
use crate::{
    page::page,
    plan::{PhaseKind::*, Undo},
    sql::{
        Ddl, Name, ObjectRef, Opaque, Severity,
        tokens::{Token, tokens},
    },
};

page! {
    /// # Change what is kept as text
    ///
    /// Publications, rules, operators, casts and the like are compared and written as text. A new one is run as it stands in Expand; an
    /// old one is dropped in Contract.
    ///
    /// ```sql before
    /// CREATE TABLE notes (id bigint PRIMARY KEY);
    /// ```
    /// ```sql after
    /// CREATE TABLE notes (id bigint PRIMARY KEY);
    /// CREATE RULE keep AS ON DELETE TO notes DO INSTEAD NOTHING;
    /// ```
    /// ```plan
    /// Expand: add rule
    ///   CREATE RULE keep AS ON DELETE TO notes DO INSTEAD NOTHING
    ///     lock: AccessExclusive on notes, brief
    ///   undo: DROP RULE keep ON notes
    /// ```
    const PAGE;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeOpaque {
    opaque: Arc<Opaque>,
    create: bool,
}

pub(super) fn detect(pairs: &Pairs<'_>) -> Vec<ChangeOpaque> {
    let (base, after) = (&pairs.base.opaque, &pairs.input.after.opaque);
    let absent = |list: &[Arc<Opaque>], it: &Arc<Opaque>| {
        !list.iter().any(|other| other.kind == it.kind && other.text == it.text)
    };
    // What stands on a table that goes, goes with it.
    let falls = |it: &Opaque| match &it.object {
        Some(ObjectRef::Rule(table, _) | ObjectRef::Trigger(table, _)) => {
            !pairs.input.after.tables.contains_key(table) && !pairs.input.after.views.contains_key(table)
        }
        _ => false,
    };
    let created =
        after.iter().filter(|it| absent(base, it)).map(|it| ChangeOpaque { opaque: it.clone(), create: true });
    let dropped = base
        .iter()
        .filter(|it| absent(after, it) && !falls(it))
        .map(|it| ChangeOpaque { opaque: it.clone(), create: false });
    created.chain(dropped).collect()
}

/// The value of `key = value` in a definition's options.
fn option(text: &str, key: &str) -> Option<String> {
    let tokens = tokens(text);
    let at = tokens.windows(2).position(|it| it[0].is(text, key) && it[1].is(text, "="))? + 2;
    let mut depth = 0_usize;
    let ends = |it: &Token| {
        depth += usize::from(it.is(text, "("));
        let over = depth == 0 && (it.is(text, ",") || it.is(text, ")"));
        depth = depth.saturating_sub(usize::from(it.is(text, ")")));
        over
    };
    let end = tokens[at..].iter().position(ends)? + at;
    let (first, last) = (tokens.get(at)?, tokens.get(end.checked_sub(1)?)?);
    text.get(first.range.start..last.range.end).map(str::to_owned)
}

/// The access method behind `USING`.
fn method(text: &str) -> Option<String> {
    let tokens = tokens(text);
    let at = tokens.iter().position(|it| it.is(text, "using"))?;
    tokens.get(at + 1).map(|it| it.text(text).to_owned())
}

impl ChangeOpaque {
    /// `DROP KIND name …`, where the kind and the name say enough.
    fn drop(&self, b: &Builder<'_>) -> Option<Ddl> {
        let object = self.opaque.object.clone()?;
        let name = |it: &Name| b.dialect().quote_name(it);
        let text = match &object {
            ObjectRef::Rule(table, it) => format!("DROP RULE {} ON {}", b.dialect().quote(it), name(table)),
            ObjectRef::Collation(it) => format!("DROP COLLATION {}", name(it)),
            ObjectRef::Table(it) if self.opaque.kind.contains("FOREIGN") => format!("DROP FOREIGN TABLE {}", name(it)),
            ObjectRef::Other(kind, it) => match kind.as_str() {
                "CAST" => format!("DROP CAST {}", it.name),
                "OPERATOR" => {
                    let side = |key| option(self.opaque.text.text(), key).unwrap_or_else(|| "NONE".into());
                    format!("DROP OPERATOR {} ({}, {})", it.name, side("leftarg"), side("rightarg"))
                }
                kind @ ("OPERATOR CLASS" | "OPERATOR FAMILY") => {
                    format!("DROP {kind} {} USING {}", name(it), method(self.opaque.text.text())?)
                }
                kind if kind.contains("PRIVILEGES") || kind.contains("MAPPING") || kind.contains("TRANSFORM") => {
                    return None;
                }
                kind => format!("DROP {kind} {}", name(it)),
            },
            _ => return None,
        };
        Some(Ddl::DropOpaque { object, text: b.dialect().query(&text), cascade: false })
    }
}

impl Kind for ChangeOpaque {
    fn kind(&self) -> &'static str {
        if self.create { "create_other" } else { "drop_other" }
    }

    fn object(&self) -> ObjectRef {
        let named = || ObjectRef::Other(self.opaque.kind.clone(), Name::bare(self.opaque.text.canon()));
        self.opaque.object.clone().unwrap_or_else(named)
    }

    fn describe(&self) -> String {
        let verb = if self.create { "add" } else { "drop" };
        format!("{verb} {}", self.opaque.kind.trim_start_matches("CREATE ").to_lowercase())
    }

    fn outline(&self, b: &Builder<'_>, acc: &mut Outline) {
        let drop = self.drop(b);
        let other = |it: &&Arc<Opaque>| it.object.is_some() && it.object == self.opaque.object;
        if self.create && drop.is_none() && b.pairs.base.opaque.iter().any(|it| other(&it)) {
            let message = format!("its definition changed, which must be done by hand: {}", self.opaque.text.text());
            acc.hazard("not-modelled", Severity::Warning, message);
            return;
        }
        if self.create {
            let undo = match &drop {
                Some(ddl) => Undo::By(vec![crate::plan::Action::Ddl(ddl.clone())]),
                None => {
                    Undo::Loses { actions: Vec::new(), lost: format!("the way back of: {}", self.opaque.text.text()) }
                }
            };
            acc.step(Expand, Ddl::Opaque(Box::new((*self.opaque).clone())), self.opaque.why.to_string()).undo(undo);
            return;
        }
        match drop {
            Some(drop) => {
                let again = crate::plan::Action::Ddl(Ddl::Opaque(Box::new((*self.opaque).clone())));
                acc.step(Contract, drop, "no longer in the schema").undo(Undo::By(vec![again]));
            }
            None => {
                let message = format!(
                    "this is no longer in the schema and must be taken back by hand: {}",
                    self.opaque.text.text()
                );
                acc.hazard("not-modelled", Severity::Warning, message);
            }
        }
    }
}
