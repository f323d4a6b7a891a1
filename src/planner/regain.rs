//! Comments and privileges that go with an object which is made anew, and come back with its successor.
//!
//! A kind says how its object is made again; that a comment hangs on it is the same story for all of them.

use std::collections::BTreeMap;

use super::order::Node;
use crate::{
    catalog::{Catalog, creates, renamed},
    changes::{Draft, Tx, grant, revoke},
    plan::{Action, PhaseKind, Undo},
    sql::{Ddl, ObjectRef},
};

/// Drafts for what `base` and `after` both have and the steps lose on the way.
pub fn drafts(base: &Catalog, after: &Catalog, nodes: &[Node]) -> Vec<Draft> {
    let ddl = || {
        let drafts = nodes.iter().flat_map(|node| node.drafts.iter().map(move |it| (node.phase, it)));
        drafts.filter_map(|(phase, it)| if let Action::Ddl(ddl) = &it.action { Some((phase, it, ddl)) } else { None })
    };
    let annotated = !base.comments.is_empty() || !base.privileges.is_empty();
    if !annotated || ddl().all(|(_, _, it)| crate::catalog::drops(it).is_empty()) {
        return Vec::new();
    }
    let mut end = base.clone();
    let mut made: BTreeMap<ObjectRef, (PhaseKind, &Draft)> = BTreeMap::new();
    for (phase, draft, ddl) in ddl() {
        // What cannot be followed is told where the plan is put together.
        _ = end.apply(ddl);
        made.extend(creates(ddl).into_iter().map(|it| (it, (phase, draft))));
    }
    let home = |object: &ObjectRef| {
        let relation = || object.relation().map(|it| [ObjectRef::View(it.clone()), ObjectRef::Table(it.clone())]);
        made.get(object).or_else(|| relation()?.iter().find_map(|it| made.get(it))).copied()
    };
    let mut res = Vec::new();
    let comments = after.comments.iter().filter(|(object, text)| base.comments.get(*object) == Some(text));
    for (object, text) in comments.filter(|(object, text)| end.comments.get(*object) != Some(text)) {
        let comment = Ddl::Comment { object: object.clone(), text: Some(text.clone()) };
        let back = Ddl::Comment { object: object.clone(), text: None };
        res.extend(home(object).map(|at| draft(at, comment, back)));
    }
    let privileges = after.privileges.iter().filter(|it| base.privileges.contains(*it));
    for it in privileges.filter(|it| !end.privileges.contains(*it)) {
        res.extend(home(&it.object).map(|at| draft(at, grant(it), revoke(it))));
    }
    res
}

/// It goes with the object on the way back, unless the object only gives its name back.
fn draft((phase, maker): (PhaseKind, &Draft), ddl: Ddl, back: Ddl) -> Draft {
    let stays = matches!(&maker.action, Action::Ddl(it) if renamed(it).is_some());
    Draft {
        phase,
        action: Action::Ddl(ddl),
        tx: Tx::Own,
        why: "as on the one before".into(),
        undo: Some(if stays { Undo::By(vec![Action::Ddl(back)]) } else { Undo::Nothing }),
        change: maker.change,
    }
}
