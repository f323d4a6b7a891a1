//! The order of steps: a graph of what makes, needs and removes what, within and across phases.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use petgraph::{algo::tarjan_scc, graphmap::DiGraphMap};

use super::touch::{Touch, touch, world};
use crate::{
    catalog::{Catalog, creates, drops},
    changes::{Draft, Tx},
    plan::{Action, PhaseKind},
    sql::{Ddl, Name, ObjectRef},
};

/// Drafts that stay together: one, or all of a transaction group.
#[derive(Clone, Debug)]
pub struct Node {
    pub phase: PhaseKind,
    pub drafts: Vec<Draft>,
}

impl Node {
    /// Takes down what others may stand on in ways that no graph shows: after everything else of its phase.
    fn last(&self) -> bool {
        let base = |it: &Draft| {
            matches!(&it.action, Action::Ddl(Ddl::DropType { .. } | Ddl::DropSchema { .. } | Ddl::DropExtension { .. }))
        };
        self.drafts.iter().all(base)
    }

    pub fn outside(&self) -> bool {
        self.drafts.iter().all(|it| it.tx == Tx::Outside)
    }
}

/// (first, second) by index.
type Edges = BTreeSet<(usize, usize)>;

/// Orders the drafts. Every prefix of the result that ends at a phase is a schema that holds together.
pub fn arrange(drafts: Vec<Draft>, base: &Catalog, after: &Catalog) -> Vec<Node> {
    let nodes = bundle(without_remade(drafts, base));
    let ddl = nodes
        .iter()
        .flat_map(|it| &it.drafts)
        .filter_map(|it| if let Action::Ddl(ddl) = &it.action { Some(ddl) } else { None });
    let world = world(base, ddl);
    let mut nodes = merge(nodes, &|it| draft_touch(it, base, &world, after));
    let touches: Vec<Touch> = nodes.iter().map(|node| touch_of(node, base, &world, after)).collect();
    let of = |nodes: &mut Vec<Node>, touches: &[Touch]| {
        let mut res = Edges::new();
        // What is lifted may have to wait for more.
        for _ in 0..3 {
            res = edges(nodes, touches, base, after);
            res.extend(lineage(nodes, touches, base));
            res.extend(in_change(nodes));
            // A change that makes ready what it then exchanges says itself in which order.
            res.retain(|(first, second)| first < second || !of_one_change(&nodes[*first], &nodes[*second]));
            if !lift(nodes, &res) {
                break;
            }
        }
        res
    };
    let mut edges = of(&mut nodes, &touches);
    // Transactions that wait for each other are one, in the order that their statements can have.
    if let Some(joined) = join(&nodes, &edges, &|nodes| {
        let touches: Vec<Touch> = nodes.iter().map(|node| touch_of(node, base, &world, after)).collect();
        let mut res = self::edges(nodes, &touches, base, after);
        res.extend(lineage(nodes, &touches, base));
        res
    }) {
        nodes = joined;
        let touches: Vec<Touch> = nodes.iter().map(|node| touch_of(node, base, &world, after)).collect();
        edges = of(&mut nodes, &touches);
    }
    let order = sort(&nodes, &edges);
    let mut slots: Vec<Option<Node>> = nodes.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| slots[at].take()).collect()
}

/// A view that is made again takes its indexes along and brings those of the schema back: no step of their own.
fn without_remade(mut drafts: Vec<Draft>, base: &Catalog) -> Vec<Draft> {
    let ddl = |it: &Draft| if let Action::Ddl(ddl) = &it.action { Some(ddl.clone()) } else { None };
    let views: BTreeSet<Name> = drafts
        .iter()
        .filter(|it| it.tx != Tx::Outside)
        .filter_map(|it| match ddl(it)? {
            Ddl::DropView { name, materialized: true, .. } => Some(name),
            _ => None,
        })
        .collect();
    let within: Vec<Ddl> = drafts.iter().filter(|it| it.tx != Tx::Outside).filter_map(ddl).collect();
    let again = |index: &ObjectRef| within.iter().any(|it| creates(it).contains(index));
    drafts.retain(|it| match ddl(it) {
        Some(it @ Ddl::CreateIndex { concurrently: true, .. }) => !creates(&it).iter().any(&again),
        Some(Ddl::DropIndex { name, concurrently: true, .. }) => {
            !base.indexes.get(&name).is_some_and(|it| views.contains(&it.table))
        }
        _ => true,
    });
    drafts
}

/// One node per group, in the place of the group's first draft.
fn bundle(drafts: Vec<Draft>) -> Vec<Node> {
    let mut res: Vec<Node> = Vec::new();
    let mut groups: BTreeMap<(PhaseKind, String), usize> = BTreeMap::new();
    for draft in drafts {
        let key = match &draft.tx {
            Tx::Group(group) => Some((draft.phase, group.clone())),
            _ => None,
        };
        match key.as_ref().and_then(|it| groups.get(it)) {
            Some(at) => res[*at].drafts.push(draft),
            None => {
                if let Some(key) = key {
                    groups.insert(key, res.len());
                }
                res.push(Node { phase: draft.phase, drafts: vec![draft] });
            }
        }
    }
    res
}

fn touch_of(node: &Node, base: &Catalog, world: &Catalog, after: &Catalog) -> Touch {
    let mut res = Touch::default();
    node.drafts.iter().for_each(|it| res.add(draft_touch(it, base, world, after)));
    res
}

fn draft_touch(draft: &Draft, base: &Catalog, world: &Catalog, after: &Catalog) -> Touch {
    match &draft.action {
        Action::Ddl(ddl) => touch(ddl, base, world, after),
        _ => Touch::default(),
    }
}

/// Two transactions that both take the same object down and put it up again (a view over two columns that go) are one:
/// it goes first, comes back last, once.
fn merge(nodes: Vec<Node>, touch: &dyn Fn(&Draft) -> Touch) -> Vec<Node> {
    let again: Vec<BTreeSet<ObjectRef>> = nodes.iter().map(comes_again).collect();
    let mut res: Vec<(Node, BTreeSet<ObjectRef>)> = Vec::new();
    for (node, again) in nodes.into_iter().zip(again) {
        let mut merged = (node, again);
        // One node may bring two others together.
        while let Some(at) = res.iter().position(|it| it.0.phase == merged.0.phase && !it.1.is_disjoint(&merged.1)) {
            let (mut first, names) = res.remove(at);
            first.drafts.append(&mut merged.0.drafts);
            merged = (first, &names | &merged.1);
            merged.0.drafts = around(merged.0.drafts, &merged.1, touch);
        }
        res.push(merged);
    }
    res.into_iter().map(|it| it.0).collect()
}

/// Objects that a transaction drops and creates.
fn comes_again(node: &Node) -> BTreeSet<ObjectRef> {
    let ddl = || node.drafts.iter().filter_map(|it| if let Action::Ddl(ddl) = &it.action { Some(ddl) } else { None });
    let follower = |it: &ObjectRef| {
        use ObjectRef::*;
        matches!(it, View(_) | Policy(..) | Trigger(..) | Statistics(_) | Function(..))
    };
    let created: BTreeSet<ObjectRef> = ddl().flat_map(creates).collect();
    ddl().flat_map(drops).filter(|it| follower(it) && created.contains(it)).collect()
}

/// What takes `again` down, then everything else, then what puts it up: each once.
fn around(drafts: Vec<Draft>, again: &BTreeSet<ObjectRef>, touch: &dyn Fn(&Draft) -> Touch) -> Vec<Draft> {
    let mut down: Vec<(Draft, Touch)> = Vec::new();
    let mut up: Vec<(Draft, Touch)> = Vec::new();
    let mut rest: Vec<(Draft, Touch)> = Vec::new();
    for draft in drafts {
        let of = touch(&draft);
        let once = |list: &[(Draft, Touch)]| !list.iter().any(|it| it.0.action == draft.action);
        if !of.drops.is_disjoint(again) {
            if once(&down) {
                down.push((draft, of));
            }
        } else if !of.creates.is_disjoint(again) || of.needs.iter().any(|it| again.contains(it) || above(it, again)) {
            if once(&up) {
                up.push((draft, of));
            }
        } else {
            rest.push((draft, of));
        }
    }
    let rest = sorted(rest, |first, second| !first.frees.is_disjoint(&second.drops));
    let down = sorted(down, |first, second| !first.frees.is_disjoint(&second.drops));
    let up = sorted(up, |first, second| !second.needs.is_disjoint(&first.creates));
    down.into_iter().chain(rest).chain(up).collect()
}

/// A part of a view that comes again: an index of a materialized one, a comment on a column.
fn above(object: &ObjectRef, again: &BTreeSet<ObjectRef>) -> bool {
    object.relation().is_some_and(|it| again.contains(&ObjectRef::View(it.clone())))
}

/// In an order in which whatever `precedes` another does; as they came where nothing says otherwise.
fn sorted(mut items: Vec<(Draft, Touch)>, precedes: impl Fn(&Touch, &Touch) -> bool) -> Vec<Draft> {
    let mut res = Vec::with_capacity(items.len());
    while !items.is_empty() {
        let free = |at: usize| (0..items.len()).all(|it| it == at || !precedes(&items[it].1, &items[at].1));
        let next = (0..items.len()).find(|it| free(*it)).unwrap_or(0);
        res.push(items.remove(next).0);
    }
    res
}

/// (first, second) by index.
fn edges(nodes: &[Node], touches: &[Touch], base: &Catalog, after: &Catalog) -> Edges {
    let mut lives: BTreeMap<&ObjectRef, Life> = BTreeMap::new();
    for (i, touch) in touches.iter().enumerate() {
        touch.creates.iter().for_each(|it| lives.entry(it).or_default().makers.push(i));
        touch.drops.iter().for_each(|it| lives.entry(it).or_default().removers.push(i));
        touch.leaves.iter().for_each(|it| lives.entry(it).or_default().renamers.push(i));
    }
    for (i, touch) in touches.iter().enumerate() {
        // A view for old code stands on the old columns and follows them.
        let helper = |it: &ObjectRef| matches!(it, ObjectRef::View(_)) && !base.holds(it) && !after.holds(it);
        let follows = touch.creates.iter().any(helper);
        for object in &touch.needs {
            if follows && matches!(object, ObjectRef::Column(..)) && base.holds(object) {
                continue;
            }
            if let Some(life) = lives.get_mut(object) {
                life.builders.push(i);
            }
        }
        for object in touch.frees.difference(&touch.needs) {
            if let Some(life) = lives.get_mut(object) {
                life.leavers.push(i);
            }
        }
    }
    let mut res = Edges::new();
    let mut rests = Edges::new();
    for (i, touch) in touches.iter().enumerate() {
        for object in &touch.rests {
            let Some(life) = lives.get_mut(object) else { continue };
            let later = |it: &usize| touch.early && nodes[*it].phase > nodes[i].phase;
            let renamed = |it: &usize| touches[*it].renames.contains(object);
            if matches!(object, ObjectRef::Index(_)) {
                // A key that is made of the index takes its place.
                rests.extend(life.makers.iter().filter(|it| **it != i && !renamed(it)).map(|it| (*it, i)));
            } else if life.makers.is_empty() || life.makers.iter().any(|it| !later(it) && !renamed(it)) {
                life.builders.push(i);
            }
        }
    }
    res.extend(rests);
    // No view stands on a column while its type changes.
    for (i, touch) in touches.iter().enumerate().filter(|it| !it.1.retypes.is_empty()) {
        let stands = |it: &Touch| !it.needs.is_disjoint(&touch.retypes) || !it.frees.is_disjoint(&touch.retypes);
        let view = |it: &ObjectRef| matches!(it, ObjectRef::View(_) | ObjectRef::Policy(..) | ObjectRef::Column(..));
        let up = |it: &Touch| it.creates.iter().any(|it| view(it) && after.holds(it) && !touch.creates.contains(it));
        let down = |it: &Touch| {
            it.drops.iter().any(|gone| view(gone) && !it.creates.contains(gone) && !touch.drops.contains(gone))
        };
        for (j, it) in touches.iter().enumerate().filter(|(j, it)| *j != i && stands(it)) {
            if up(it) {
                res.insert((i, j));
            } else if down(it) {
                res.insert((j, i));
            }
        }
    }
    // A name is free before another object takes it.
    let takes = |touch: &Touch, name: &Name, object: &ObjectRef| {
        touch.takes.iter().any(|(other, taker)| other == name && taker != object)
    };
    for (i, touch) in touches.iter().enumerate() {
        for (name, object) in &touch.gives {
            let takers = (0..touches.len()).filter(|it| *it != i && takes(&touches[*it], name, object));
            res.extend(takers.map(|it| (i, it)));
        }
    }
    let mut all = |first: &[usize], second: &[usize]| {
        first.iter().for_each(|a| res.extend(second.iter().filter(|b| *b != a).map(|b| (*a, *b))));
    };
    for (object, life) in &lives {
        if base.holds(object) {
            // The one that is there is left and removed; a successor under its name is made and built upon.
            all(&life.leavers, &life.removers);
            all(&life.removers, &life.makers);
            all(&life.renamers, &life.makers);
            all(&life.makers, &life.builders);
            // Where the type that steps aside goes in the same transaction, nothing may be left on it.
            if !life.makers.is_empty() && matches!(object, ObjectRef::Type(_)) {
                let goes = |it: &&usize| touches[**it].drops.iter().any(|it| matches!(it, ObjectRef::Type(_)));
                let last: Vec<usize> = life.renamers.iter().filter(goes).copied().collect();
                all(&life.leavers, &last);
            }
            if life.makers.is_empty() {
                all(&life.builders, &life.removers);
                all(&life.builders, &life.renamers);
            }
        } else {
            // Made by the plan; if it also goes, it was a helper.
            all(&life.makers, &life.builders);
            all(&life.makers, &life.leavers);
            all(&life.makers, &life.removers);
            all(&life.makers, &life.renamers);
            all(&life.builders, &life.removers);
            all(&life.builders, &life.renamers);
            all(&life.leavers, &life.removers);
        }
    }
    res
}

/// A table leaves its parents before it loses what they handed down, and loses what they do not have before it joins
/// them; it joins parents whose columns are as they will be. What stands on a column that steps aside goes before it.
fn lineage(nodes: &[Node], touches: &[Touch], base: &Catalog) -> Vec<(usize, usize)> {
    let ddl = |node: &Node| -> Vec<Ddl> {
        let all = node.drafts.iter().filter_map(|it| if let Action::Ddl(ddl) = &it.action { Some(ddl) } else { None });
        all.cloned().collect()
    };
    let all: Vec<Vec<Ddl>> = nodes.iter().map(ddl).collect();
    let drops = |at: usize, table: &Name| {
        all[at].iter().any(|it| matches!(it, Ddl::DropColumn { table: of, .. } if of == table))
    };
    let reshapes = |at: usize, parent: &Name| {
        all[at].iter().any(|it| match it {
            Ddl::DropColumn { table, .. }
            | Ddl::AddColumn { table, .. }
            | Ddl::RenameColumn { table, .. }
            | Ddl::SetNotNull { table, .. }
            | Ddl::DropNotNull { table, .. }
            | Ddl::AddConstraint { table, .. }
            | Ddl::RenameConstraint { table, .. }
            | Ddl::DropConstraint { table, .. }
            | Ddl::SetType { table, .. } => table == parent,
            _ => false,
        })
    };
    // What a parent asks of a table that joins it.
    let fits = |at: usize, joining: &Name| {
        all[at].iter().any(|it| match it {
            Ddl::AddColumn { table, .. } | Ddl::SetNotNull { table, .. } | Ddl::SetType { table, .. } => {
                table == joining
            }
            Ddl::ValidateConstraint { table, .. } | Ddl::AddConstraint { table, .. } => table == joining,
            _ => false,
        })
    };
    let mut res = Vec::new();
    // What leaves a table in the phase in which it is put aside does so before: on the way back it has its name again by then.
    for (i, touch) in touches.iter().enumerate() {
        for table in touch.leaves.iter().filter(|it| matches!(it, ObjectRef::Table(_)) && base.holds(it)) {
            let leaves =
                |at: &usize| *at != i && nodes[*at].phase <= nodes[i].phase && touches[*at].frees.contains(table);
            res.extend((0..nodes.len()).filter(leaves).map(|at| (at, i)));
        }
    }
    for (i, own) in all.iter().enumerate() {
        for it in own {
            let others = (0..all.len()).filter(|it| *it != i);
            match it {
                Ddl::NoInherit { table, .. } | Ddl::DetachPartition { partition: table, .. } => {
                    res.extend(others.filter(|at| drops(*at, table)).map(|at| (i, at)));
                }
                Ddl::Inherit { table, parent } | Ddl::AttachPartition { partition: table, parent, .. } => {
                    let mut above: Vec<&Name> = vec![parent];
                    while let Some(it) = above.last().and_then(|it| base.table(it)?.partition_of.as_ref()) {
                        above.push(&it.parent);
                    }
                    let shapes = |at: usize| above.iter().any(|it| reshapes(at, it));
                    // A partition that joins gets the indexes its parent has by then, and only those.
                    let indexes = |at: usize| {
                        let shell = |it: &Ddl| matches!(it, Ddl::CreateIndex { index, .. } if index.only && above.contains(&&index.table));
                        nodes[at].phase <= nodes[i].phase && all[at].iter().any(shell)
                    };
                    let first =
                        others.filter(|at| drops(*at, table) || fits(*at, table) || shapes(*at) || indexes(*at));
                    res.extend(first.map(|at| (at, i)));
                }
                Ddl::CreateTable { table, .. } => {
                    let own = table.inherits.iter().filter(|it| base.tables.contains_key(it));
                    let mut parents: Vec<&Name> = own.collect();
                    let mut at = 0;
                    while let Some(above) = parents.get(at).and_then(|it| base.table(it)) {
                        let more: Vec<&Name> = above.inherits.iter().filter(|it| !parents.contains(it)).collect();
                        parents.extend(more);
                        at += 1;
                    }
                    let joins = |at: usize| parents.iter().any(|it| reshapes(at, it));
                    res.extend(others.filter(|at| joins(*at)).map(|at| (at, i)));
                }
                Ddl::RenameColumn { table, from, to } => {
                    let gone = |it: &&Ddl| matches!(it, Ddl::DropColumn { table: of, column, .. } if of == table && column == to);
                    let stood = ObjectRef::Column(table.clone(), from.clone());
                    let stands = |at: usize| touches[at].frees.contains(&stood);
                    for last in (0..all.len()).filter(|at| all[*at].iter().any(|it| gone(&it))) {
                        res.extend((0..all.len()).filter(|at| *at != last && stands(*at)).map(|at| (at, last)));
                    }
                }
                _ => {}
            }
        }
    }
    res
}

/// Cycles of nodes of one phase put together, their statements in an order of their own; `None` where there is none,
/// or none that helps.
fn join(nodes: &[Node], edges: &Edges, of: &dyn Fn(&[Node]) -> Edges) -> Option<Vec<Node>> {
    let graph = DiGraphMap::<usize, ()>::from_edges(edges.iter().map(|(a, b)| (*a, *b)));
    let mut place: BTreeMap<usize, usize> = BTreeMap::new();
    let mut joined: Vec<Node> = Vec::new();
    for mut cycle in tarjan_scc(&graph).into_iter().filter(|it| it.len() > 1) {
        cycle.sort_unstable();
        let phase = nodes[cycle[0]].phase;
        let in_one = |it: &usize| nodes[*it].phase == phase && nodes[*it].drafts.iter().all(|it| it.tx != Tx::Outside);
        if !cycle.iter().all(in_one) {
            continue;
        }
        let mut single: Vec<(usize, Node)> = Vec::new();
        for (member, draft) in cycle.iter().flat_map(|at| nodes[*at].drafts.iter().map(move |it| (*at, it))) {
            // What two of them take down and put up is taken down and put up once.
            let routine = matches!(&draft.action, Action::Ddl(Ddl::DropFunction { .. } | Ddl::CreateFunction { .. }));
            let twice =
                (routine || is_follower(draft)) && single.iter().any(|(_, it)| it.drafts[0].action == draft.action);
            if !twice {
                single.push((member, Node { phase, drafts: vec![draft.clone()] }));
            }
        }
        let (members, single): (Vec<usize>, Vec<Node>) = single.into_iter().unzip();
        let mut among = of(&single);
        among.extend(chains(&members, &single));
        if !is_acyclic(&among) {
            continue;
        }
        let order = sort(&single, &among);
        let drafts = order.into_iter().flat_map(|it| single[it].drafts.clone()).collect();
        place.extend(cycle.iter().map(|it| (*it, joined.len())));
        joined.push(Node { phase, drafts });
    }
    if joined.is_empty() {
        return None;
    }
    let mut slots: Vec<Option<Node>> = joined.into_iter().map(Some).collect();
    let res = nodes.iter().enumerate().filter_map(|(at, node)| match place.get(&at) {
        Some(slot) => slots[*slot].take(),
        None => Some(node.clone()),
    });
    Some(res.collect())
}

/// Within a transaction, statements keep their order, save for what only steps aside and comes back.
fn chains(members: &[usize], single: &[Node]) -> Vec<(usize, usize)> {
    let mut last: BTreeMap<usize, usize> = BTreeMap::new();
    let mut res = Vec::new();
    for at in (0..single.len()).filter(|it| !is_follower(&single[*it].drafts[0])) {
        if let Some(before) = last.insert(members[at], at) {
            res.push((before, at));
        }
    }
    res
}

/// Takes down or puts up something that others only step aside with.
fn is_follower(draft: &Draft) -> bool {
    let Action::Ddl(ddl) = &draft.action else { return false };
    let follower = |it: &ObjectRef| {
        matches!(it, ObjectRef::View(_) | ObjectRef::Policy(..) | ObjectRef::Trigger(..) | ObjectRef::Statistics(_))
    };
    drops(ddl).iter().chain(&creates(ddl)).any(follower)
}

fn is_acyclic(edges: &BTreeSet<(usize, usize)>) -> bool {
    let graph = DiGraphMap::<usize, ()>::from_edges(edges.iter().map(|(a, b)| (*a, *b)));
    tarjan_scc(&graph).iter().all(|it| it.len() == 1)
}

/// Who deals with an object.
#[derive(Default)]
struct Life {
    makers: Vec<usize>,
    removers: Vec<usize>,
    /// Those that give its name up; what stands on it follows.
    renamers: Vec<usize>,
    /// Those that need it to build something.
    builders: Vec<usize>,
    /// Those that need it only to take something down from it.
    leavers: Vec<usize>,
}

fn of_one_change(a: &Node, b: &Node) -> bool {
    let change = a.drafts.first().map(|it| it.change);
    a.drafts.iter().chain(&b.drafts).all(|it| Some(it.change) == change)
}

/// The drafts of a change keep their order within a phase.
fn in_change(nodes: &[Node]) -> Vec<(usize, usize)> {
    let mut last: BTreeMap<(usize, PhaseKind), usize> = BTreeMap::new();
    let mut res = Vec::new();
    for (i, node) in nodes.iter().enumerate() {
        for draft in &node.drafts {
            if let Some(before) = last.insert((draft.change, node.phase), i)
                && before != i
            {
                res.push((before.min(i), before.max(i)));
            }
        }
    }
    res
}

/// A step never stands in an earlier phase than what it waits for. Was there one that had to be lifted?
fn lift(nodes: &mut [Node], edges: &BTreeSet<(usize, usize)>) -> bool {
    let mut res = false;
    // At most one lift per phase and node: the loop ends.
    loop {
        let late = edges.iter().find(|(first, second)| nodes[*first].phase > nodes[*second].phase).copied();
        let Some((first, second)) = late else { return res };
        nodes[second].phase = nodes[first].phase;
        res = true;
    }
}

/// Topological, phases first, then the order of the changes. A cycle, which no valid pair of schemas should have, is
/// broken at its earliest node.
fn sort(nodes: &[Node], edges: &BTreeSet<(usize, usize)>) -> Vec<usize> {
    let mut graph = DiGraphMap::<usize, ()>::new();
    (0..nodes.len()).for_each(|it| _ = graph.add_node(it));
    edges.iter().for_each(|(a, b)| _ = graph.add_edge(*a, *b, ()));
    let key = |it: usize| std::cmp::Reverse((nodes[it].phase, nodes[it].last(), it));
    let mut waiting: Vec<usize> =
        (0..nodes.len()).map(|it| graph.neighbors_directed(it, petgraph::Incoming).count()).collect();
    let mut ready: BinaryHeap<_> = (0..nodes.len()).filter(|it| waiting[*it] == 0).map(key).collect();
    let mut done = vec![false; nodes.len()];
    let mut res = Vec::with_capacity(nodes.len());
    while res.len() < nodes.len() {
        let next = match ready.pop() {
            Some(std::cmp::Reverse((_, _, it))) => it,
            None => match (0..nodes.len()).filter(|it| !done[*it]).min_by_key(|it| (nodes[*it].phase, *it)) {
                Some(it) => it,
                None => break,
            },
        };
        if std::mem::replace(&mut done[next], true) {
            continue;
        }
        res.push(next);
        for after in graph.neighbors_directed(next, petgraph::Outgoing) {
            waiting[after] = waiting[after].saturating_sub(1);
            if waiting[after] == 0 && !done[after] {
                ready.push(key(after));
            }
        }
    }
    // Breaking a cycle may leave a phase out of place.
    res.sort_by_key(|it| nodes[*it].phase);
    res
}
