//! The search where every plan has a Boolean: Z3 proposes a combination that satisfies the rows of a target, the rows of
//! neighbours around it are enumerated and decided by the oracle, and what was learnt goes back as a clause.
//!
//! Targets rise in levels, so that the proved bound rises while the incumbent falls. Every clause keeps at least one task
//! fixed: Z3 says what is left to look at, and its `unsat` is the proof.

use std::collections::{BTreeSet, HashSet};

use super::bounds::Goal;
use super::plans::{Plan, PlanTable};
use super::rows::{rounded, rows};
use super::search::{Outcome, Proposal, Search};
use super::tables::Tables;
use super::warm_start;
use super::z3::Master;
use crate::problem::Problem;

/// Most completions of a combination that are enumerated with two tasks freed; one task is freed always.
const PLANE: usize = 1000;
/// Completions that are enumerated between two questions to Z3 where one task is freed.
const BATCH: usize = 16_000;
/// Rows are asserted anew where the target has come nearer to the bound by one part in so many.
const SHARPEN: u64 = 4;
/// Nodes that a combination gets at first.
const FIRST_NODES: u64 = 3000;
/// Targets between the first bound and the incumbent, and fewer where the rows are long.
const LEVELS: u64 = 6;
const FEW_LEVELS: u64 = 3;
/// Plans of all tasks from which on rows are long.
const LONG_ROW: usize = 400;

/// The state of one search by plans.
pub(super) struct PlanSearch<'s, 'a> {
    pub(super) search: &'s mut Search<'a>,
    pub(super) table: &'s PlanTable,
    master: Master,
    /// Variable of the first plan of every task.
    first_variable: Vec<usize>,
    /// Pairs of equal tasks, of which the first takes the lower plan.
    equal: Vec<(usize, usize)>,
    /// Combinations that were decided.
    decided: HashSet<Vec<usize>>,
    /// Combinations whose neighbours were enumerated, without the plans of the freed tasks.
    enumerated: HashSet<Vec<Option<usize>>>,
    /// The same for the level that is being closed.
    closed: HashSet<Vec<Option<usize>>>,
    /// Combinations whose share of nodes didn't suffice.
    deferred: BTreeSet<Vec<usize>>,
}

/// Whether a search goes on.
pub(super) type Continue = bool;

/// Searches until the incumbent is proved or a limit is reached.
pub(super) fn run(search: &mut Search, table: &PlanTable) {
    search.statistics.combinations = table.combinations();
    search.raise_lower(table.root_bound(search.tables, search.goal));
    let mut plan_search = PlanSearch::new(search, table);
    if warm_start::run(&mut plan_search) {
        plan_search.run_levels();
    }
    plan_search.count();
}

/// Improves the incumbent by the plans of `table` without proving anything; false where a limit was reached.
pub(super) fn warm_up(search: &mut Search, table: &PlanTable) -> Continue {
    warm_start::run(&mut PlanSearch::new(search, table))
}

impl<'s, 'a> PlanSearch<'s, 'a> {
    fn new(search: &'s mut Search<'a>, table: &'s PlanTable) -> Self {
        let mut first_variable = vec![0];
        for plans in &table.plans {
            first_variable.push(first_variable[first_variable.len() - 1] + plans.len());
        }
        let master = Master::new(first_variable[first_variable.len() - 1], search.seed);
        let equal = equal_tasks(search.tables.problem);
        let plan_search = Self {
            search,
            table,
            master,
            first_variable,
            equal,
            decided: HashSet::new(),
            enumerated: HashSet::new(),
            closed: HashSet::new(),
            deferred: BTreeSet::new(),
        };
        plan_search.assert_choice();
        plan_search
    }

    /// Every task has exactly one plan; of two equal tasks the first has the lower one.
    fn assert_choice(&self) {
        for window in self.first_variable.windows(2) {
            self.master.exactly_one(&(window[0]..window[1]).collect::<Vec<_>>());
        }
        for &(first, second) in &self.equal {
            let n = i32::try_from(self.table.plans[first].len()).unwrap_or(i32::MAX);
            let upward = (self.first_variable[first]..).zip(0..n);
            let downward = (self.first_variable[second]..).zip((0..n).map(|idx| n - idx));
            self.master.at_most(&upward.chain(downward).collect::<Vec<_>>(), n);
        }
    }

    /// Raises the target level by level until the incumbent is proved.
    fn run_levels(&mut self) {
        let levels = if self.first_variable[self.table.plans.len()] < LONG_ROW { LEVELS } else { FEW_LEVELS };
        for level in 1..=levels {
            if self.search.is_proved() {
                return;
            }
            let (lower, best) = (self.search.lower(), self.search.best_score());
            let target = lower + (best - lower).div_ceil(levels + 1 - level);
            self.master.push();
            self.closed.clear();
            let closed = self.close_level(target) && self.settle_deferred(target);
            self.master.pop();
            if !closed {
                return;
            }
            self.search.raise_lower(target);
        }
    }

    /// Decides every combination that may have a score below `target`, except deferred ones.
    fn close_level(&mut self, target: u64) -> Continue {
        let mut asserted = u64::MAX;
        loop {
            let target = target.min(self.search.best_score());
            // Sharper rows cost more than the few combinations that they exclude, unless the target fell a good deal.
            if asserted == u64::MAX || asserted - target > (asserted - self.search.lower()) / SHARPEN {
                self.assert_rows(target);
                asserted = target;
            }
            match self.search.ask(&self.master) {
                None => return false,
                Some(Proposal::NothingLeft) => return true,
                Some(Proposal::Look(values)) => {
                    let combination = self.combination(&values);
                    if !self.close_neighbours(&combination, target) {
                        return false;
                    }
                }
            }
        }
    }

    fn assert_rows(&self, target: u64) {
        let Some(most) = target.checked_sub(1) else { return self.master.refute() };
        for row in rows(self.search.tables, self.search.goal, self.table, most) {
            let Some((weights, limit)) = rounded(&row) else { return self.master.refute() };
            let weights = weights.iter().zip(&self.first_variable);
            let terms = weights.flat_map(|(weights, &first)| (first..).zip(weights.iter().copied()));
            let terms: Vec<(usize, i32)> = terms.filter(|&(_, weight)| weight > 0).collect();
            if !terms.is_empty() {
                self.master.at_most(&terms, limit);
            }
        }
    }

    fn combination(&self, values: &[bool]) -> Vec<usize> {
        let plan_of = |window: &[usize]| values[window[0]..window[1]].iter().position(|&value| value).unwrap_or(0);
        self.first_variable.windows(2).map(plan_of).collect()
    }

    /// Frees the task with most plans, and a second one where few completions are left; decides all completions whose
    /// bound is below `target` and forbids what stayed fixed. Then does the same for some neighbours, because asking Z3
    /// costs more than enumerating a few rows.
    fn close_neighbours(&mut self, combination: &[usize], target: u64) -> Continue {
        let tasks = self.freeing_order();
        let plane = (tasks.len() > 2).then(|| self.completions(combination, &tasks[..2], target, PLANE));
        if let Some(plane) = plane.flatten() {
            return self.close(combination, &tasks, 2, plane, target);
        }
        let n_free = tasks.len().min(2) - 1;
        for neighbour in self.neighbours(combination, &tasks, n_free) {
            let row = self.completions(&neighbour, &tasks[..n_free], target, usize::MAX);
            let row = row.expect("no row has more completions than can be counted");
            if !self.close(&neighbour, &tasks, n_free, row, target) {
                return false;
            }
        }
        true
    }

    /// The combination, and those that differ from it in the plan of the first fixed task, lowest bounds first: at most
    /// an eighth of the task's plans and as many as `BATCH` completions allow. Rows that are closed already are left out.
    fn neighbours(&self, combination: &[usize], tasks: &[usize], n_free: usize) -> Vec<Vec<usize>> {
        let Some(&varied) = tasks.get(n_free) else { return vec![combination.to_vec()] };
        let n_plans = self.table.plans[varied].len();
        let row_length = tasks[..n_free].iter().map(|&task| self.table.plans[task].len()).product::<usize>().max(1);
        let most = (BATCH / row_length).min(n_plans / 8).max(1);
        let (tables, goal) = self.parts();
        let candidate = |plan: usize| {
            let mut candidate = combination.to_vec();
            candidate[varied] = plan;
            candidate
        };
        let others = (0..n_plans).filter(|&plan| plan != combination[varied]).map(candidate);
        let open = others.filter(|other| !self.closed.contains(&without(other, &tasks[..n_free])));
        let mut others: Vec<_> = open.map(|other| (self.table.bound(tables, goal, &other), other)).collect();
        others.sort_unstable();
        let others = others.into_iter().map(|(_, other)| other);
        std::iter::once(combination.to_vec()).chain(others.take(most - 1)).collect()
    }

    /// Decides `completions`, the best bounds first, and forbids the plans of the tasks that stayed fixed.
    fn close(
        &mut self,
        combination: &[usize],
        tasks: &[usize],
        n_free: usize,
        mut completions: Vec<(u64, Vec<usize>)>,
        target: u64,
    ) -> Continue {
        completions.sort_unstable();
        for (bound, completion) in completions {
            if bound < target.min(self.search.best_score()) && !self.decide(&completion, FIRST_NODES) {
                return false;
            }
        }
        let literals = tasks[n_free..].iter().map(|&task| (self.first_variable[task] + combination[task], false));
        self.master.clause(&literals.collect::<Vec<_>>());
        let key = without(combination, &tasks[..n_free]);
        self.closed.insert(key.clone());
        self.enumerated.insert(key);
        true
    }

    /// The combinations that differ from `combination` in the free tasks only and have a bound below `target`; `None`
    /// where there are more than `most`.
    fn completions(
        &self,
        combination: &[usize],
        free: &[usize],
        target: u64,
        most: usize,
    ) -> Option<Vec<(u64, Vec<usize>)>> {
        let mut found = vec![];
        let mut candidate = combination.to_vec();
        for &task in free {
            candidate[task] = 0;
        }
        loop {
            if self.is_canonical(&candidate) {
                let bound = self.table.bound(self.search.tables, self.search.goal, &candidate);
                if bound < target {
                    found.push((bound, candidate.clone()));
                    if found.len() > most {
                        return None;
                    }
                }
            }
            let Some(&task) = free.iter().find(|&&task| candidate[task] + 1 < self.table.plans[task].len()) else {
                return Some(found);
            };
            candidate[task] += 1;
            for &before in free.iter().take_while(|&&before| before != task) {
                candidate[before] = 0;
            }
        }
    }

    /// Whether a combination is the one of its mirror images that is looked at.
    pub(super) fn is_canonical(&self, combination: &[usize]) -> bool {
        self.equal.iter().all(|&(first, second)| combination[first] <= combination[second])
    }

    /// Decides a combination unless it has been; one that takes too many nodes is put off.
    pub(super) fn decide(&mut self, combination: &[usize], max_nodes: u64) -> Continue {
        if self.decided.contains(combination) || max_nodes <= FIRST_NODES && self.deferred.contains(combination) {
            return true;
        }
        match self.search.decide(&self.table.allowed(combination), max_nodes) {
            Outcome::Decided => {
                self.decided.insert(combination.to_vec());
                true
            }
            Outcome::Deferred => {
                self.deferred.insert(combination.to_vec());
                true
            }
            Outcome::Stopped => false,
        }
    }

    /// Decides the deferred combinations that may be below `target`, with ever more nodes.
    fn settle_deferred(&mut self, target: u64) -> Continue {
        let mut max_nodes = FIRST_NODES;
        loop {
            let (tables, goal, table) = (self.search.tables, self.search.goal, self.table);
            let target = target.min(self.search.best_score());
            let due = |combination: &Vec<usize>| table.bound(tables, goal, combination) < target;
            let (due, later): (BTreeSet<_>, BTreeSet<_>) =
                std::mem::take(&mut self.deferred).into_iter().partition(due);
            self.deferred = later;
            if due.is_empty() {
                return true;
            }
            max_nodes = max_nodes.saturating_mul(8);
            for combination in due {
                if !self.decide(&combination, max_nodes) {
                    return false;
                }
            }
        }
    }

    /// Fills in the counts, in which mirror images of equal tasks stand with their originals. What was neither decided
    /// nor enumerated was excluded by rows where the search is complete; otherwise it is open.
    fn count(&mut self) {
        let size = |key: &Vec<Option<usize>>| {
            let free = key.iter().zip(&self.table.plans).filter(|(plan, _)| plan.is_none());
            free.map(|(_, plans)| plans.len() as u64).product::<u64>()
        };
        // A row inside an enumerated plane counts once.
        let outer = |key: &&Vec<Option<usize>>| !self.is_enumerated_more_widely(key);
        let enumerated: u64 = self.enumerated.iter().filter(outer).map(size).sum();
        let inside = self.decided.iter().filter(|combination| self.is_enumerated(combination)).count() as u64;
        let decided = self.decided.len() as u64;
        let statistics = &mut self.search.statistics;
        statistics.decided_by_oracle = decided;
        statistics.excluded_by_enumeration = enumerated - inside;
        let looked_at = enumerated - inside + decided;
        if self.search.is_proved() {
            self.search.statistics.excluded_by_rows = self.search.statistics.combinations.saturating_sub(looked_at);
        }
    }

    fn is_enumerated(&self, combination: &[usize]) -> bool {
        let key: Vec<Option<usize>> = combination.iter().map(|&plan| Some(plan)).collect();
        self.enumerated.contains(&key) || self.is_enumerated_more_widely(&key)
    }

    /// Whether the same with one more task freed was enumerated. Tasks are freed in a fixed order.
    fn is_enumerated_more_widely(&self, key: &[Option<usize>]) -> bool {
        let mut key = key.to_vec();
        self.freeing_order().into_iter().take(2).any(|task| {
            let was_fixed = key[task].take().is_some();
            was_fixed && self.enumerated.contains(&key)
        })
    }

    /// Tasks with most plans first.
    fn freeing_order(&self) -> Vec<usize> {
        let mut tasks: Vec<usize> = (0..self.table.plans.len()).collect();
        tasks.sort_by_key(|&task| (std::cmp::Reverse(self.table.plans[task].len()), task));
        tasks
    }

    /// Plans of the incumbent.
    pub(super) fn incumbent_plans(&self) -> Option<Vec<usize>> {
        let placement = self.search.incumbent_placement()?;
        let plan =
            |(placement, plans): (&Vec<usize>, &Vec<Plan>)| plans.iter().position(|plan| &plan.placement == placement);
        placement.iter().zip(&self.table.plans).map(plan).collect()
    }

    /// Gives a combination some nodes; one that takes more is left for later.
    pub(super) fn try_out(&mut self, combination: &[usize], max_nodes: u64) -> Continue {
        match self.search.decide(&self.table.allowed(combination), max_nodes) {
            Outcome::Decided => {
                self.decided.insert(combination.to_vec());
                true
            }
            Outcome::Deferred => true,
            Outcome::Stopped => false,
        }
    }

    pub(super) fn parts(&self) -> (&'a Tables<'a>, Goal) {
        (self.search.tables, self.search.goal)
    }
}

/// A combination without the plans of some tasks.
fn without(combination: &[usize], free: &[usize]) -> Vec<Option<usize>> {
    (0..combination.len()).map(|task| (!free.contains(&task)).then_some(combination[task])).collect()
}

/// Pairs of equal tasks: equal in groups, launches, release and edges, with none waiting for the other.
fn equal_tasks(problem: &Problem) -> Vec<(usize, usize)> {
    let n_tasks = problem.tasks.len();
    let pairs = (0..n_tasks).flat_map(|first| (first + 1..n_tasks).map(move |second| (first, second)));
    pairs.filter(|&(first, second)| are_equal(problem, first, second)).collect()
}

fn are_equal(problem: &Problem, first: usize, second: usize) -> bool {
    let (one, other) = (&problem.tasks[first], &problem.tasks[second]);
    let same_numbers = one.groups == other.groups && one.launch == other.launch && one.release == other.release;
    let sorted = |after: &[usize]| {
        let mut after = after.to_vec();
        after.sort_unstable();
        after
    };
    let followers_agree = problem.tasks.iter().all(|task| task.after.contains(&first) == task.after.contains(&second));
    same_numbers
        && sorted(&one.after) == sorted(&other.after)
        && followers_agree
        && !one.after.contains(&second)
        && !other.after.contains(&first)
}
