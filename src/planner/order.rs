//! The order of steps: a graph of what makes, needs and removes what, within and across phases.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use petgraph::graphmap::DiGraphMap;

use super::touch::{Touch, touch, world};
use crate::{
    catalog::Catalog,
    changes::{Draft, Tx},
    plan::{Action, PhaseKind},
    sql::{Ddl, ObjectRef},
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

/// Orders the drafts. Every prefix of the result that ends at a phase is a schema that holds together.
pub fn arrange(drafts: Vec<Draft>, base: &Catalog, after: &Catalog) -> Vec<Node> {
    let mut nodes = bundle(drafts);
    let ddl = nodes
        .iter()
        .flat_map(|it| &it.drafts)
        .filter_map(|it| if let Action::Ddl(ddl) = &it.action { Some(ddl) } else { None });
    let world = world(base, ddl);
    let touches: Vec<Touch> = nodes.iter().map(|node| touch_of(node, base, &world, after)).collect();
    let mut edges = edges(&touches, base);
    edges.extend(in_change(&nodes));
    lift(&mut nodes, &edges);
    let order = sort(&nodes, &edges);
    let mut slots: Vec<Option<Node>> = nodes.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| slots[at].take()).collect()
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
    for draft in &node.drafts {
        if let Action::Ddl(ddl) = &draft.action {
            res.add(touch(ddl, base, world, after));
        }
    }
    res
}

/// (first, second) by index.
fn edges(touches: &[Touch], base: &Catalog) -> BTreeSet<(usize, usize)> {
    let mut lives: BTreeMap<&ObjectRef, Life> = BTreeMap::new();
    for (i, touch) in touches.iter().enumerate() {
        touch.creates.iter().for_each(|it| lives.entry(it).or_default().makers.push(i));
        touch.drops.iter().for_each(|it| lives.entry(it).or_default().removers.push(i));
        touch.leaves.iter().for_each(|it| lives.entry(it).or_default().renamers.push(i));
    }
    for (i, touch) in touches.iter().enumerate() {
        for object in &touch.needs {
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
    let mut res = BTreeSet::new();
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

/// A step never stands in an earlier phase than what it waits for.
fn lift(nodes: &mut [Node], edges: &BTreeSet<(usize, usize)>) {
    // At most one lift per phase and node: the loop ends.
    loop {
        let late = edges.iter().find(|(first, second)| nodes[*first].phase > nodes[*second].phase).copied();
        let Some((first, second)) = late else { return };
        nodes[second].phase = nodes[first].phase;
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
