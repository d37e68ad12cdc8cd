//! The search where every plan has a Boolean: Z3 proposes a combination that satisfies the rows of a target, the rows of
//! neighbours around it are enumerated and decided by the oracle, and what was learnt goes back as a clause.
//!
//! Targets rise in levels, so that the proved bound rises while the incumbent falls. A clause forbids the plans of the tasks
//! that stayed fixed, everything where none did: Z3 says what is left to look at, and its `unsat` is the proof.

use std::collections::{BTreeMap, HashSet};

use super::annealing::Annealing;
use super::goal::Goal;
use super::plans::PlanTable;
use super::rows::{rounded, rows};
use super::search::{Continue, Outcome, Proposal, Search};
use super::symmetry::{Side, Symmetry};
use super::tables::Tables;
use super::z3::Master;

/// Most completions below a target that are enumerated with two tasks freed; else one task is freed.
const PLANE: usize = 100_000;
/// Completions that are enumerated between two questions to Z3 where one task is freed.
const BATCH: usize = 16_000;
/// Rows are asserted anew where the target has come nearer to the bound by one part in so many.
const SHARPEN: u64 = 4;
/// Nodes that a combination gets at first.
const FIRST_NODES: u64 = 3000;
/// Most targets between the first bound and the incumbent, one for each such share of the incumbent.
const LEVELS: u64 = 6;
const LEVEL_SHARE: u64 = 70;
/// The same where there are few combinations, because every target costs some questions to Z3.
const FEW_LEVELS: u64 = 2;
const FEW_COMBINATIONS: u64 = 5_000_000;

/// The state of one search by plans.
struct PlanSearch<'s, 'a> {
    search: &'s mut Search<'a>,
    table: &'s PlanTable,
    master: Master,
    /// Variable of the first plan of every task.
    first_variable: Vec<usize>,
    symmetry: Symmetry,
    /// Combinations that were decided.
    decided: HashSet<Vec<usize>>,
    /// Combinations whose neighbours were enumerated, without the plans of the freed tasks.
    enumerated: HashSet<Vec<Option<usize>>>,
    /// The same for the level that is being closed.
    closed: HashSet<Vec<Option<usize>>>,
    /// Combinations whose share of nodes didn't suffice, with the score that none of their orders is below.
    deferred: BTreeMap<Vec<usize>, u64>,
    annealing: &'s mut Annealing<'s>,
}

/// Searches until the incumbent is proved or a limit is reached. `table` holds the plans that a better one can have.
pub(super) fn run<'s>(search: &'s mut Search<'_>, table: &'s PlanTable, annealing: &'s mut Annealing<'s>) {
    if table.combinations() == 0 {
        search.statistics.excluded_by_enumeration = search.statistics.combinations;
        return search.raise_lower(search.best_score());
    }
    search.raise_lower(table.root_bound(search.tables, search.goal));
    let mut plan_search = PlanSearch::new(search, table, annealing);
    plan_search.run_levels();
    plan_search.count();
}

impl<'s, 'a> PlanSearch<'s, 'a> {
    fn new(search: &'s mut Search<'a>, table: &'s PlanTable, annealing: &'s mut Annealing<'s>) -> Self {
        let mut first_variable = vec![0];
        for plans in &table.plans {
            first_variable.push(first_variable[first_variable.len() - 1] + plans.len());
        }
        let master = Master::new(first_variable[first_variable.len() - 1], search.seed);
        let symmetry = Symmetry::new(search.tables, table);
        let plan_search = Self {
            search,
            table,
            master,
            first_variable,
            symmetry,
            decided: HashSet::new(),
            enumerated: HashSet::new(),
            closed: HashSet::new(),
            deferred: BTreeMap::new(),
            annealing,
        };
        plan_search.assert_choice();
        plan_search
    }

    /// Every class has exactly one plan. Of two that can change places the first has the lower one, and of two such
    /// accelerators the lower one is used first.
    fn assert_choice(&self) {
        for window in self.first_variable.windows(2) {
            self.master.exactly_one(&(window[0]..window[1]).collect::<Vec<_>>());
        }
        for (pair, _) in self.symmetry.machines.iter().enumerate() {
            self.assert_first_use(pair);
        }
        for &(first, second) in &self.symmetry.classes {
            let n = i32::try_from(self.table.plans[first].len()).unwrap_or(i32::MAX);
            let upward = (self.first_variable[first]..).zip(0..n);
            let downward = (self.first_variable[second]..).zip((0..n).map(|idx| n - idx));
            self.master.at_most(&upward.chain(downward).collect::<Vec<_>>(), n);
        }
    }

    /// A plan that uses the upper accelerator of a pair before the lower one follows a class that uses one of them.
    fn assert_first_use(&self, pair: usize) {
        let mut users: Vec<(usize, bool)> = vec![];
        for (class, plans) in self.table.plans.iter().enumerate() {
            let variable = |plan: usize| self.first_variable[class] + plan;
            for plan in (0..plans.len()).filter(|&plan| self.symmetry.touch(class, plan, pair) == Some(Side::Upper)) {
                self.master.clause(&[users.as_slice(), &[(variable(plan), false)]].concat());
            }
            let touching = (0..plans.len()).filter(|&plan| self.symmetry.touch(class, plan, pair).is_some());
            users.extend(touching.map(|plan| (variable(plan), true)));
        }
    }

    /// Raises the target level by level until the incumbent is proved.
    fn run_levels(&mut self) {
        let (lower, best) = (self.search.lower(), self.search.best_score());
        let steps = best.saturating_sub(lower).saturating_mul(LEVEL_SHARE) / best.max(1);
        let most = if self.table.combinations() > FEW_COMBINATIONS { LEVELS } else { FEW_LEVELS };
        let levels = (1 + steps).min(most);
        let mut level = 0;
        while level < levels && !self.search.is_proved() {
            // Until something keeps the latency cap, no level counts.
            level += u64::from(self.search.keeps_cap());
            let target = self.search.next_target(levels + 1 - level);
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
            if !self.annealing.anneal_between(self.search) {
                return false;
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
            let most = weights.iter().map(|weights| weights.iter().map(|&weight| i64::from(weight)).max().unwrap_or(0));
            if most.sum::<i64>() <= i64::from(limit) {
                continue;
            }
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
        let plane = (tasks.len() > 1).then(|| self.completions(combination, &tasks[..2], target, PLANE));
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
        if self.search.threads() > 1 && completions.len() > 1 {
            completions.retain(|(bound, _)| *bound < target.min(self.search.best_score()));
            let all = completions.into_iter().map(|(_, completion)| completion).collect();
            if !self.decide_at_once(all, u64::MAX, FIRST_NODES) {
                return false;
            }
        } else {
            for (bound, completion) in completions {
                if bound < target.min(self.search.best_score()) && !self.decide(&completion, u64::MAX, FIRST_NODES) {
                    return false;
                }
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
    fn is_canonical(&self, combination: &[usize]) -> bool {
        self.symmetry.is_canonical(combination)
    }

    /// Looks in a combination for scores below `cutoff` unless it was decided; one that takes too many nodes is put off.
    fn decide(&mut self, combination: &[usize], cutoff: u64, max_nodes: u64) -> Continue {
        if self.is_settled(combination, max_nodes) {
            return true;
        }
        let outcome = self.search.decide(&self.table.allowed(self.search.tables, combination), cutoff, max_nodes);
        self.note(combination.to_vec(), cutoff, outcome)
    }

    /// The same for several combinations on several threads.
    fn decide_at_once(&mut self, mut all: Vec<Vec<usize>>, cutoff: u64, max_nodes: u64) -> Continue {
        all.retain(|combination| !self.is_settled(combination, max_nodes));
        let allowed: Vec<Vec<u64>> =
            all.iter().map(|combination| self.table.allowed(self.search.tables, combination)).collect();
        let outcomes = self.search.decide_at_once(&allowed, cutoff, max_nodes);
        let noted: Vec<Continue> = all
            .into_iter()
            .zip(outcomes)
            .map(|(combination, outcome)| self.note(combination, cutoff, outcome))
            .collect();
        noted.into_iter().all(|goes_on| goes_on)
    }

    /// Whether a combination was decided, or put off with as many nodes.
    fn is_settled(&self, combination: &[usize], max_nodes: u64) -> bool {
        self.decided.contains(combination) || max_nodes <= FIRST_NODES && self.deferred.contains_key(combination)
    }

    /// Records what looking for scores below `cutoff` came to.
    fn note(&mut self, combination: Vec<usize>, cutoff: u64, outcome: Outcome) -> Continue {
        match outcome {
            Outcome::Decided if cutoff < self.search.best_score() => {
                self.deferred.insert(combination, cutoff);
            }
            Outcome::Decided => {
                self.deferred.remove(&combination);
                self.decided.insert(combination);
            }
            Outcome::Deferred => {
                self.deferred.entry(combination).or_default();
            }
            Outcome::Stopped => return false,
        }
        true
    }

    /// Shows of the deferred combinations that none is below `target`, with ever more nodes. That is all that this level
    /// needs, and often less than deciding them.
    fn settle_deferred(&mut self, target: u64) -> Continue {
        let mut max_nodes = FIRST_NODES;
        loop {
            let (tables, goal, table) = (self.search.tables, self.search.goal, self.table);
            let target = target.min(self.search.best_score());
            let is_due = |(combination, bound): &(&Vec<usize>, &u64)| {
                **bound < target && table.bound(tables, goal, combination) < target
            };
            let due: Vec<Vec<usize>> = self.deferred.iter().filter(is_due).map(|(due, _)| due.clone()).collect();
            if due.is_empty() {
                return true;
            }
            max_nodes = max_nodes.saturating_mul(8);
            let cutoff = if self.search.decides_for_good(max_nodes) { u64::MAX } else { target };
            if self.search.threads() > 1 {
                if !self.decide_at_once(due, cutoff, max_nodes) {
                    return false;
                }
                continue;
            }
            for combination in due {
                if !self.annealing.anneal_between(self.search) || !self.decide(&combination, cutoff, max_nodes) {
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
        let dropped = statistics.combinations.saturating_sub(self.table.combinations());
        statistics.excluded_by_enumeration = dropped + enumerated - inside;
        let looked_at = statistics.excluded_by_enumeration + decided;
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

    fn parts(&self) -> (&'a Tables<'a>, Goal<'a>) {
        (self.search.tables, self.search.goal)
    }
}

/// A combination without the plans of some tasks.
fn without(combination: &[usize], free: &[usize]) -> Vec<Option<usize>> {
    (0..combination.len()).map(|task| (!free.contains(&task)).then_some(combination[task])).collect()
}
