//! Makes a failing pair small: takes away objects, parts and differences for as long as it still fails.

use super::{Pair, world::*};

/// A smaller pair, or nothing where there was nothing to take away.
type Cut = Box<dyn Fn(&mut Pair)>;

/// The smallest pair found that fails in the eyes of `fails`; stops after `budget` attempts.
pub fn shrink(mut pair: Pair, budget: usize, mut fails: impl FnMut(&Pair) -> bool) -> Pair {
    let mut left = budget;
    loop {
        let mut progress = false;
        let mut done = 0;
        // Cuts are made for the pair as it is; a cut that worked changes what others there are.
        while let Some(cut) = cuts(&pair).into_iter().nth(done) {
            let mut smaller = pair.clone();
            cut(&mut smaller);
            smaller.before.prune();
            smaller.after.prune();
            if smaller == pair {
                done += 1;
                continue;
            }
            if left == 0 {
                return pair;
            }
            left -= 1;
            if fails(&smaller) {
                pair = smaller;
                progress = true;
            } else {
                done += 1;
            }
        }
        if !progress {
            return pair;
        }
    }
}

fn find(world: &mut World, id: Id) -> Option<&mut Object> {
    world.objects.iter_mut().find(|it| it.id == id)
}

fn ids(pair: &Pair) -> Vec<Id> {
    let mut res: Vec<Id> = pair.before.objects.iter().chain(&pair.after.objects).map(|it| it.id).collect();
    res.sort_unstable();
    res.dedup();
    res.reverse();
    res
}

fn cuts(pair: &Pair) -> Vec<Cut> {
    let mut res: Vec<Cut> = Vec::new();
    // The file's order first: it hides what else is the same.
    res.push(Box::new(|it| it.after.objects.sort_by_key(|it| it.id)));
    for id in ids(pair) {
        res.push(Box::new(move |it| {
            it.before.objects.retain(|it| it.id != id);
            it.after.objects.retain(|it| it.id != id);
        }));
        // The difference goes.
        res.push(Box::new(move |it| {
            let (old, new) = (it.before.object(id).cloned(), it.after.object(id).cloned());
            match (old, new) {
                (Some(old), Some(_)) => *find(&mut it.after, id).unwrap() = old,
                (Some(old), None) => it.after.objects.push(old),
                (None, Some(new)) => it.before.objects.push(new),
                (None, None) => {}
            }
        }));
    }
    for id in ids(pair) {
        for side in [true, false] {
            let world = if side { &pair.before } else { &pair.after };
            if let Some(Kind::Table(table)) = world.object(id).map(|it| &it.kind) {
                for column in table.columns.iter().map(|it| it.id) {
                    parts(&mut res, id, column);
                }
                for constraint in table.constraints.iter().map(|it| it.id) {
                    parts(&mut res, id, constraint);
                }
            }
        }
        res.push(both(id, simplify_object));
    }
    for simplify in SIMPLER {
        for id in ids(pair) {
            res.push(both(id, simplify));
        }
    }
    res
}

fn both(id: Id, edit: impl Fn(&mut Object) + Copy + 'static) -> Cut {
    Box::new(move |it| {
        find(&mut it.before, id).into_iter().for_each(edit);
        find(&mut it.after, id).into_iter().for_each(edit);
    })
}

/// Takes a column or constraint away on both sides, or its difference.
fn parts(res: &mut Vec<Cut>, table: Id, part: Id) {
    res.push(both(table, move |it| {
        if let Kind::Table(it) = &mut it.kind {
            it.columns.retain(|it| it.id != part);
            it.constraints.retain(|it| it.id != part);
        }
    }));
    res.push(Box::new(move |it| {
        let Some(old) = it.before.table(table).cloned() else { return };
        if let Some(Kind::Table(new)) = find(&mut it.after, table).map(|it| &mut it.kind) {
            let column = old.columns.iter().find(|it| it.id == part);
            match (column, new.columns.iter_mut().find(|it| it.id == part)) {
                (Some(old), Some(new)) => *new = old.clone(),
                (Some(old), None) => new.columns.push(old.clone()),
                (None, _) => new.columns.retain(|it| it.id != part),
            }
            let constraint = old.constraints.iter().find(|it| it.id == part);
            match (constraint, new.constraints.iter_mut().find(|it| it.id == part)) {
                (Some(old), Some(new)) => *new = old.clone(),
                (Some(old), None) => new.constraints.push(old.clone()),
                (None, _) => new.constraints.retain(|it| it.id != part),
            }
        }
    }));
    res.push(both(table, move |it| {
        if let Kind::Table(it) = &mut it.kind {
            for it in it.columns.iter_mut().filter(|it| it.id == part) {
                it.default = None;
                it.comment = None;
                it.collation = None;
                it.settings.clear();
            }
        }
    }));
    res.push(both(table, move |it| {
        if let Kind::Table(it) = &mut it.kind {
            for it in it.columns.iter_mut().filter(|it| it.id == part) {
                it.not_null = false;
                it.identity = None;
            }
            for it in it.constraints.iter_mut().filter(|it| it.id == part) {
                it.comment = None;
                it.timing = "";
            }
        }
    }));
}

fn simplify_object(it: &mut Object) {
    it.comment = None;
    it.grants.clear();
}

const SIMPLER: &[fn(&mut Object)] = &[
    |it| it.schema = None,
    |it| {
        if let Kind::Table(it) = &mut it.kind {
            it.options.clear();
            it.unlogged = false;
            it.replica_identity = None;
        }
    },
    |it| {
        if let Kind::Table(it) = &mut it.kind {
            it.row_security = false;
            it.forced = false;
        }
    },
    |it| {
        if let Kind::Table(it) = &mut it.kind {
            it.inherits.clear();
        }
    },
    |it| match &mut it.kind {
        Kind::Index(it) => it.include.clear(),
        Kind::View(it) => it.items.truncate(1),
        Kind::Function(it) => it.attributes.clear(),
        Kind::Trigger(it) => it.when = None,
        _ => {}
    },
    |it| match &mut it.kind {
        Kind::Index(it) => it.predicate = None,
        Kind::View(it) => it.filter = None,
        Kind::Function(it) => it.args.truncate(1),
        Kind::Trigger(it) => it.of.clear(),
        Kind::Sequence { options, .. } => options.clear(),
        _ => {}
    },
];
