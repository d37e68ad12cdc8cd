//! What everything that is still to be done costs at least, for combinations on two accelerators whose makespan counts.
//!
//! At every event one accelerator, say, has just become idle while the other one runs an element that has some time left.
//! What follows then is the same whatever was before, so the least time to the end is a function of the time left alone:
//! one function for every position, running task, and task that the idle accelerator ran last. Choosing what the idle
//! accelerator starts next leads, by whichever of the two elements ends first, to the functions of two later positions; the
//! lowest of the choices is the function. An accelerator that is kept for a task stays idle while the other one goes on
//! alone, so that what that costs is a number. Position after position, the best order of every combination is found
//! without looking at orders one by one.
//!
//! The functions hold for whole nanoseconds too. An event that is rounded up leaves the running element up to a nanosecond
//! less than the exact one, so every function is lowered by the most that it falls within a nanosecond. Positions that no
//! schedule below the cutoff can pass have no function.

mod chains;
mod choice;
mod function;

use super::super::bounds::Prices;
use super::super::limits::Limits;
use super::super::tables::Tables;
use super::remaining::Remaining;
use super::state::{Lane, Phase, State};
use chains::{Chains, Element};
use choice::{Choice, Rates};
use function::{Point, fall, lower, simplify, value};

/// How far a function may be below the exact one, in nanoseconds: lower costs more points, higher more nodes.
const TOLERANCE: f64 = 10.0;
/// What floating point may be wrong by in one function.
const ROUNDING: f64 = 0.001;
/// Most places for functions and numbers of one combination, of 12 bytes each.
const MOST_PLACES: usize = 4_000_000;
/// Most points of one combination, of 16 bytes each.
const MOST_POINTS: usize = 4_000_000;
/// Functions that are counted as nodes at once.
const AT_ONCE: u64 = 64;

/// What a place holds where nothing was computed, and where there is no function.
const UNKNOWN: u32 = u32::MAX;
const PRUNED: u32 = u32::MAX - 1;

/// An index of a function; `None` where no schedule below the cutoff gets there.
type Reachable = Option<usize>;

/// The least costs of one combination, computed as they are asked for.
pub(super) struct CostToGo<'a, 'l> {
    tables: &'a Tables<'a>,
    limits: &'l Limits,
    chains: Chains,
    cutoff: u64,
    /// Tasks that may matter as an accelerator's last, and none; one where no launch depends on it.
    n_lasts: usize,
    functions: Vec<std::ops::Range<usize>>,
    points: Vec<Point>,
    /// By position, running task and last task of the idle accelerator.
    places: Vec<u32>,
    /// By position, idle accelerator, task that it is kept for or none, and last task of the other one; NaN where unknown.
    kept: Vec<f64>,
    /// Nodes that were granted and are still to be used.
    uncounted: u64,
    is_stopped: bool,
}

impl<'a, 'l> CostToGo<'a, 'l> {
    /// Costs of a combination below `cutoff`; `None` where a group may use several accelerators, the problem has another
    /// shape (see [`is_for`]), or the combination is too large.
    pub(super) fn new(
        tables: &'a Tables<'a>,
        remaining: &Remaining,
        prices: &Prices,
        cutoff: u64,
        limits: &'l Limits,
    ) -> Option<Self> {
        if !is_for(tables) {
            return None;
        }
        let chains = Chains::new(tables, remaining, prices)?;
        let launches = tables.costs.iter().flatten().any(|cost| cost.launch > 0);
        let n_lasts = if launches { tables.n_tasks + 1 } else { 1 };
        let n_places = chains.n_positions.checked_mul((tables.n_tasks + 1) * 2 * n_lasts)?;
        if n_places > MOST_PLACES {
            return None;
        }
        Some(Self {
            tables,
            limits,
            cutoff,
            n_lasts,
            functions: vec![],
            points: vec![],
            places: vec![UNKNOWN; chains.n_positions * tables.n_tasks * n_lasts],
            kept: vec![f64::NAN; n_places],
            chains,
            uncounted: 0,
            is_stopped: false,
        })
    }

    /// Lower bound of the makespan of every order, near the exact one; the highest number where that isn't below the cutoff.
    /// `None` where a limit was reached, or there are too many points.
    pub(super) fn least(&mut self) -> Option<u64> {
        let mut position = vec![0; self.chains.n_tasks()];
        let starts = (0..position.len()).map(|task| self.start(&mut position, 0, task, None));
        let starts = starts.fold(f64::INFINITY, f64::min);
        let kept = self.keep(&mut position, 0, None);
        (!self.is_stopped).then(|| whole(starts.min(kept)))
    }

    /// Lower bound of the end of everything from `state`, in which nothing is to be chosen.
    pub(super) fn bound(&mut self, state: &State) -> u64 {
        let mut running = [None; 2];
        let of_task = |(task, stage): (usize, &super::state::Stage)| {
            let machine = stage.machine.filter(|_| stage.running);
            if let Some(machine) = machine {
                let left = state.lanes[machine].left as f64;
                let is_working = state.lanes[machine].phase == Phase::Work;
                running[machine] = Some((task, if is_working { left / 1000.0 } else { left }));
            }
            self.chains.n_ended(task, stage.group, machine.map(|machine| &state.lanes[machine]))
        };
        let mut position: Vec<usize> = state.stages.iter().enumerate().map(of_task).collect();
        let rest = match running {
            [Some(one), Some(other)] => self.both(&mut position, one, other),
            [Some(runner), None] => self.alone(&mut position, runner, &state.lanes[1]),
            [None, Some(runner)] => self.alone(&mut position, runner, &state.lanes[0]),
            [None, None] => 0.0,
        };
        if self.is_stopped { 0 } else { state.now.saturating_add(whole(rest)) }
    }

    /// Cost where two tasks run, each with its time left.
    fn both(&mut self, position: &mut [usize], one: (usize, f64), other: (usize, f64)) -> f64 {
        let [Some(first), Some(second)] = [one.0, other.0].map(|task| self.chains.next(position, task)) else {
            return 0.0;
        };
        let rates = self.rates(first, second);
        let (one, other) = ((one.0, one.1, rates.own), (other.0, other.1, rates.other));
        let (ended, runner) = if one.1 * other.2 <= other.1 * one.2 { (one, other) } else { (other, one) };
        let time = ended.1 / ended.2;
        position[ended.0] += 1;
        let function = self.function(position, runner.0, Some(ended.0));
        time + self.cost_of(function, runner.1 - runner.2 * time)
    }

    /// Cost where only `runner` runs, with its time left, and `idle` doesn't.
    fn alone(&mut self, position: &mut [usize], (runner, left): (usize, f64), idle: &Lane) -> f64 {
        let Some(machine) = self.chains.next(position, runner).map(|next| 1 - next.machine) else { return 0.0 };
        if idle.hold.is_some() {
            position[runner] += 1;
            return left + self.kept(position, machine, idle.hold, Some(runner));
        }
        let function = self.function(position, runner, idle.last_task());
        self.cost_of(function, left)
    }

    fn cost_of(&self, function: Reachable, left: f64) -> f64 {
        function.map_or(f64::INFINITY, |function| value(self.points_of(function), left))
    }

    fn points_of(&self, function: usize) -> &[Point] {
        &self.points[self.functions[function].clone()]
    }

    /// The task that ran last, where its next launch depends on that.
    fn relevant_last(&self, position: &[usize], last: Option<usize>) -> Option<usize> {
        last.filter(|&last| self.chains.next(position, last).is_some_and(|next| next.is_relaunch))
    }

    /// The function of a position in which `runner` runs and the other accelerator, that ran `last`, may choose.
    fn function(&mut self, position: &mut [usize], runner: usize, last: Option<usize>) -> Reachable {
        let last = self.relevant_last(position, last);
        let place = self.chains.number(position) * self.chains.n_tasks() + runner;
        let place = place * self.n_lasts + last.map_or(0, |last| last + 1);
        if self.places[place] == UNKNOWN {
            let function = self.compute(position, runner, last);
            let number = function.and_then(|function| u32::try_from(function).ok());
            self.places[place] = number.unwrap_or(PRUNED);
        }
        let number = self.places[place];
        (number != PRUNED).then_some(number as usize)
    }

    fn compute(&mut self, position: &mut [usize], runner: usize, last: Option<usize>) -> Reachable {
        if self.is_out_of_reach(position, Some(runner)) || !self.count() {
            return None;
        }
        let element = *self.chains.next(position, runner)?;
        let machine = 1 - element.machine;
        let in_the_middle = self.chains.in_the_middle(position, machine);
        let kept = if in_the_middle.is_some() { f64::INFINITY } else { self.keep(position, machine, Some(runner)) };
        let choices: Vec<Choice<usize>> = match in_the_middle {
            Some(task) => self.choice(position, runner, task).into_iter().collect(),
            None => self.choices(position, runner, machine, last),
        };
        let mut best = vec![];
        if kept.is_finite() {
            best.extend([0.0, element.length()].map(|left| Point { left, cost: kept + left }));
            best.truncate(if element.length() > 0.0 { 2 } else { 1 });
        }
        let (mut candidate, mut lowest) = (vec![], vec![]);
        for choice in &choices {
            choice.map(|&function| self.points_of(function)).draw(element.length(), &mut candidate);
            match (best.is_empty(), candidate.is_empty()) {
                (_, true) => {}
                (true, false) => std::mem::swap(&mut best, &mut candidate),
                (false, false) => {
                    lower(&best, &candidate, &mut lowest);
                    std::mem::swap(&mut best, &mut lowest);
                }
            }
        }
        self.add(&best)
    }

    /// Keeps a simpler function that also holds where events are rounded up.
    fn add(&mut self, exact: &[Point]) -> Reachable {
        if exact.is_empty() {
            return None;
        }
        let first = self.points.len();
        simplify(exact, TOLERANCE, &mut self.points);
        let fall = fall(&self.points[first..]);
        for point in &mut self.points[first..] {
            point.cost -= fall + ROUNDING;
        }
        self.functions.push(first..self.points.len());
        Some(self.functions.len() - 1)
    }

    /// Counts a function as a node; false where a limit was reached.
    fn count(&mut self) -> bool {
        if self.uncounted == 0 && !self.is_stopped {
            self.uncounted = self.limits.grant_nodes(AT_ONCE);
            self.is_stopped = self.uncounted == 0 || self.points.len() > MOST_POINTS;
        }
        self.uncounted = self.uncounted.saturating_sub(1);
        !self.is_stopped
    }

    /// Whether no schedule below the cutoff comes to `position`. Prices count whole nanoseconds of parts of elements.
    fn is_out_of_reach(&self, position: &[usize], runner: Option<usize>) -> bool {
        self.chains.bound(position, runner) >= self.cutoff.saturating_add(4)
    }

    /// What an idle accelerator can start beside `runner`.
    fn choices(
        &mut self,
        position: &mut [usize],
        runner: usize,
        machine: usize,
        last: Option<usize>,
    ) -> Vec<Choice<usize>> {
        let mut choices = vec![];
        for task in (0..position.len()).filter(|&task| task != runner) {
            if self.chains.is_ready(self.tables, position, task, machine) {
                let skipped = usize::from(last == Some(task));
                position[task] += skipped;
                choices.extend(self.choice(position, runner, task));
                position[task] -= skipped;
            }
        }
        choices
    }

    /// Running the next element of `task` beside that of `runner`.
    fn choice(&mut self, position: &mut [usize], runner: usize, task: usize) -> Option<Choice<usize>> {
        let (element, other) = (*self.chains.next(position, task)?, *self.chains.next(position, runner)?);
        position[runner] += 1;
        let runner_first = self.function(position, task, Some(runner));
        position[runner] -= 1;
        position[task] += 1;
        let element_first = self.function(position, runner, Some(task));
        position[task] -= 1;
        Some(Choice { element, rates: self.rates(&element, &other), runner_first, element_first })
    }

    /// Least cost where `machine` is kept for one of the tasks that can't start there yet, or is through, once the element
    /// of `runner` has ended; that element's time left isn't counted.
    fn keep(&mut self, position: &mut [usize], machine: usize, runner: Option<usize>) -> f64 {
        let could_start =
            |task: usize| runner != Some(task) && self.chains.is_ready(self.tables, position, task, machine);
        let comes = |task: &usize| self.chains.comes_to(position, *task, machine);
        let to_come: Vec<usize> = (0..position.len()).filter(comes).collect();
        let kept_for: Vec<Option<usize>> = if to_come.is_empty() {
            vec![None]
        } else {
            to_come.into_iter().filter(|&task| !could_start(task)).map(Some).collect()
        };
        if let Some(runner) = runner {
            position[runner] += 1;
        }
        let cost = |task: Option<usize>| self.kept(position, machine, task, runner);
        let least = kept_for.into_iter().map(cost).fold(f64::INFINITY, f64::min);
        if let Some(runner) = runner {
            position[runner] -= 1;
        }
        least
    }

    /// Cost where `machine` is kept for `task`, or is through, and the other accelerator, that ran `last`, is idle.
    fn kept(&mut self, position: &mut [usize], machine: usize, task: Option<usize>, last: Option<usize>) -> f64 {
        let last = self.relevant_last(position, last);
        let code = |task: Option<usize>| task.map_or(0, |task| task + 1);
        let place = (self.chains.number(position) * 2 + machine) * (self.chains.n_tasks() + 1) + code(task);
        let place = place * self.n_lasts + code(last);
        if self.kept[place].is_nan() {
            self.kept[place] = self.compute_kept(position, machine, task, last);
        }
        self.kept[place]
    }

    fn compute_kept(
        &mut self,
        position: &mut [usize],
        machine: usize,
        task: Option<usize>,
        last: Option<usize>,
    ) -> f64 {
        if self.is_out_of_reach(position, None) || !self.count() {
            return f64::INFINITY;
        }
        if let Some(runner) = self.chains.in_the_middle(position, 1 - machine) {
            return self.go_on_alone(position, machine, task, runner);
        }
        if let Some(task) = task.filter(|&task| self.chains.is_ready(self.tables, position, task, machine)) {
            return self.start(position, machine, task, last);
        }
        if (0..position.len()).all(|task| self.chains.has_ended(position, task)) {
            return 0.0;
        }
        let mut best = f64::INFINITY;
        for runner in 0..position.len() {
            if self.chains.is_ready(self.tables, position, runner, 1 - machine) {
                let skipped = usize::from(last == Some(runner));
                position[runner] += skipped;
                best = best.min(self.go_on_alone(position, machine, task, runner));
                position[runner] -= skipped;
            }
        }
        best
    }

    fn go_on_alone(&mut self, position: &mut [usize], machine: usize, task: Option<usize>, runner: usize) -> f64 {
        let length = self.chains.next(position, runner).map_or(0.0, Element::length);
        position[runner] += 1;
        let rest = self.kept(position, machine, task, Some(runner));
        position[runner] -= 1;
        length + rest
    }

    /// Cost where both accelerators are idle and `machine` starts `task`, if it can; the other one, that ran `last`, may
    /// choose.
    fn start(&mut self, position: &mut [usize], machine: usize, task: usize, last: Option<usize>) -> f64 {
        if !self.chains.is_ready(self.tables, position, task, machine) {
            return f64::INFINITY;
        }
        let function = self.function(position, task, last);
        let length = self.chains.next(position, task).map_or(0.0, Element::length);
        self.cost_of(function, length)
    }

    fn rates(&self, one: &Element, other: &Element) -> Rates {
        let rate = |element: &Element, beside: &Element| {
            let Some(slot) = element.working_slot() else { return 1.0 };
            f64::from(self.tables.pair_rate(slot, beside.working_slot().unwrap_or(slot))) / 1000.0
        };
        Rates { own: rate(one, other), other: rate(other, one) }
    }
}

impl Drop for CostToGo<'_, '_> {
    fn drop(&mut self) {
        self.limits.return_nodes(self.uncounted);
    }
}

/// Whole nanoseconds, one less for the event that is rounded up on the way to a function.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time, that saturates")]
fn whole(cost: f64) -> u64 {
    (cost - 1.0) as u64
}

/// Whether combinations of a problem can have such functions: on two accelerators, with nothing tied to a moment.
pub(super) fn is_for(tables: &Tables) -> bool {
    tables.n_machines == 2 && tables.releases.iter().all(|&release| release == 0)
}
