//! What a combination consists of: for every task the elements that occupy an accelerator one after the other, and what
//! they pay to the prices. A *position* holds, for every task, how many of its elements have ended.

use super::super::super::bounds::Prices;
use super::super::super::tables::Tables;
use super::super::remaining::Remaining;
use super::super::state::{Lane, Phase};

/// Most elements of all tasks: a chain of states as long as that fits on the stack of any thread.
const MOST_ELEMENTS: usize = 400;

/// A phase of a group on its accelerator, with a length above 0 unless it is the only one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element {
    /// At full speed.
    nanoseconds: u64,
    pub(super) machine: usize,
    slot: usize,
    group: usize,
    phase: Phase,
    /// Whether the accelerator may run another task before it.
    pub(super) is_first: bool,
    /// A launch that is due only where the accelerator has run something else in between.
    pub(super) is_relaunch: bool,
}

impl Element {
    /// Nanoseconds at full speed.
    pub(super) fn length(&self) -> f64 {
        self.nanoseconds as f64
    }

    /// The slot that works; `None` in a launch, an entry or an exit.
    pub(super) fn working_slot(&self) -> Option<usize> {
        (self.phase == Phase::Work).then_some(self.slot)
    }
}

/// The elements of every task of a combination.
pub(super) struct Chains {
    elements: Vec<Vec<Element>>,
    /// By task and accelerator, the last element that is a group's first; `None` where there is none.
    last_first: Vec<[Option<usize>; 2]>,
    /// By task: what its elements from one on pay to every vector at least, loads included.
    sums: Vec<Vec<u64>>,
    /// By vector: what all elements pay.
    totals: Vec<u64>,
    /// By task, the distance of two positions that differ by one of its elements.
    strides: Vec<usize>,
    pub(super) n_positions: usize,
}

impl Chains {
    /// The chains of a combination in which every group has one of two accelerators; `None` where they are too long.
    pub(super) fn new(tables: &Tables, remaining: &Remaining, prices: &Prices) -> Option<Self> {
        let elements = (0..tables.n_tasks).map(|task| elements(tables, remaining, task)).collect::<Option<Vec<_>>>()?;
        if elements.iter().map(Vec::len).sum::<usize>() > MOST_ELEMENTS {
            return None;
        }
        let mut strides = vec![];
        let mut n_positions = 1_usize;
        for elements in &elements {
            strides.push(n_positions);
            n_positions = n_positions.checked_mul(elements.len() + 1)?;
        }
        let last_first = |elements: &Vec<Element>| {
            [0, 1].map(|machine| elements.iter().rposition(|one| one.is_first && one.machine == machine))
        };
        let sums: Vec<Vec<u64>> = elements.iter().map(|elements| sums(prices, elements)).collect();
        let total = |vector: usize| sums.iter().map(|sums| sums[vector]).sum();
        Some(Self {
            last_first: elements.iter().map(last_first).collect(),
            totals: (0..prices.n_vectors() + 2).map(total).collect(),
            sums,
            elements,
            strides,
            n_positions,
        })
    }

    pub(super) fn n_tasks(&self) -> usize {
        self.elements.len()
    }

    /// The next element of `task`.
    pub(super) fn next(&self, position: &[usize], task: usize) -> Option<&Element> {
        self.elements[task].get(position[task])
    }

    pub(super) fn has_ended(&self, position: &[usize], task: usize) -> bool {
        position[task] == self.elements[task].len()
    }

    /// The position as a number below `n_positions`.
    pub(super) fn number(&self, position: &[usize]) -> usize {
        position.iter().zip(&self.strides).map(|(ended, stride)| ended * stride).sum()
    }

    /// The elements of `task` that had ended when `group` was the first one that hadn't, and `lane` ran it, if any did.
    pub(super) fn n_ended(&self, task: usize, group: usize, lane: Option<&Lane>) -> usize {
        let is_before = |element: &&Element| {
            element.group < group || lane.is_some_and(|lane| element.group == group && element.phase != lane.phase)
        };
        self.elements[task].iter().take_while(is_before).count()
    }

    /// Whether a group of `task` can start on `machine`; nobody runs it.
    pub(super) fn is_ready(&self, tables: &Tables, position: &[usize], task: usize, machine: usize) -> bool {
        let is_here = self.next(position, task).is_some_and(|next| next.is_first && next.machine == machine);
        let mut waits = tables.problem.tasks[task].after.iter();
        is_here && (position[task] > 0 || waits.all(|&before| self.has_ended(position, before)))
    }

    /// Whether a group of `task` is still to start on `machine`.
    pub(super) fn comes_to(&self, position: &[usize], task: usize, machine: usize) -> bool {
        self.last_first[task][machine].is_some_and(|last| position[task] <= last)
    }

    /// The task that has begun a group on `machine` and not ended it.
    pub(super) fn in_the_middle(&self, position: &[usize], machine: usize) -> Option<usize> {
        let goes_on =
            |&task: &usize| self.next(position, task).is_some_and(|next| next.machine == machine && !next.is_first);
        (0..self.n_tasks()).find(goes_on)
    }

    /// Lower bound of the end of everything that comes to `position`, in which `runner` runs its next element: what has been
    /// paid to one vector, and what is still paid to another.
    pub(super) fn bound(&self, position: &[usize], runner: Option<usize>) -> u64 {
        let (mut done, mut to_do) = ((0, 0), (0, 0));
        for (vector, all) in self.totals.iter().enumerate() {
            let from = |task: usize, element: usize| self.sums[task][element * self.totals.len() + vector];
            let rest: u64 = (0..self.n_tasks()).map(|task| from(task, position[task])).sum();
            let own = runner.map_or(0, |task| from(task, position[task]) - from(task, position[task] + 1));
            // What the runner pays belongs to either side by the time that it has left.
            done = done.max((2 * (all - rest) + own, own));
            to_do = to_do.max((2 * (rest - own) + own, own));
        }
        let without_own = |(twice, own): (u64, u64)| (twice - own) / 2;
        without_own(done) + without_own(to_do) + done.1.min(to_do.1)
    }
}

fn elements(tables: &Tables, remaining: &Remaining, task: usize) -> Option<Vec<Element>> {
    let n_groups = tables.n_groups(task);
    let machine_of = |group: usize| remaining.only_machine(tables, task, group);
    let mut all = vec![];
    for group in 0..n_groups {
        let machine = machine_of(group)?;
        let before = if group == 0 { None } else { machine_of(group - 1) };
        let after = if group + 1 == n_groups { None } else { machine_of(group + 1) };
        let slot = tables.slot(task, group, machine);
        let cost = tables.cost(slot);
        let entry = tables.entering(slot, before).saturating_sub(cost.launch);
        let phases = [
            (Phase::Launch, cost.launch),
            (Phase::Entry, entry),
            (Phase::Work, cost.work),
            (Phase::Exit, tables.leaving(slot, after)),
        ];
        let first = all.len();
        // A group without any length still has to take its turn.
        let lasts = |&(phase, length): &(Phase, u64)| length > 0 || phase == Phase::Work;
        all.extend(phases.into_iter().filter(lasts).map(|(phase, length)| Element {
            nanoseconds: length,
            machine,
            slot,
            group,
            phase,
            is_first: false,
            is_relaunch: phase == Phase::Launch && before == Some(machine),
        }));
        all[first].is_first = true;
    }
    Some(all)
}

/// What the elements from every one on pay, a launch that may not be due nothing.
fn sums(prices: &Prices, elements: &[Element]) -> Vec<u64> {
    let n_vectors = prices.n_vectors() + 2;
    let mut sums = vec![0; (elements.len() + 1) * n_vectors];
    for (idx, element) in elements.iter().enumerate().rev() {
        let row = idx * n_vectors;
        sums.copy_within(row + n_vectors..row + 2 * n_vectors, row);
        let sums = &mut sums[row..row + n_vectors];
        let certain = if element.is_relaunch { 0 } else { element.nanoseconds };
        let (work, moves) = if element.phase == Phase::Work { (certain, 0) } else { (0, certain) };
        prices.add_paid(sums, element.slot, work, moves);
        sums[prices.n_vectors() + element.machine] += certain;
    }
    sums
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A launch of some length.
    pub(in super::super) fn launch(nanoseconds: u64) -> Element {
        Element { nanoseconds, machine: 0, slot: 0, group: 0, phase: Phase::Launch, is_first: true, is_relaunch: false }
    }
}
