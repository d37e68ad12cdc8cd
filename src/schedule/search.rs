//! Finding the best schedule with a proof: the incumbent, the limits and the counts that both ways of searching share.

use thiserror::Error;

use super::bounds::{Goal, Prices};
use super::limits::Limits;
use super::oracle::{MAX_TASKS, Oracle};
use super::plans::{self, PlanTable};
use super::tables::Tables;
use super::z3::{Answer, Master};
use super::{
    Decision, Progress, Proof, ProofState, SearchStatistics, Solution, SolveOptions, Timeline, evaluate, group_search,
    plan_search, z3,
};
use crate::problem::Problem;

/// Most plans of a task that get a Boolean each.
const MOST_PLANS: usize = 500;

/// Most accelerators that the search takes.
const MAX_MACHINES: usize = 32;

/// Most costs: the tables hold the rates of every pair.
const MAX_COSTS: usize = 4000;

/// Why there is no solution.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SolveError {
    /// A task can't be placed under the limits.
    #[error(
        "task `{task}` has no placement with at most {limit} change(s) of accelerator; allow more with \
         `--max-transitions` or pin fewer layers"
    )]
    NoPlan {
        /// Name of the task.
        task: String,
        /// The limit.
        limit: usize,
    },
    /// A group runs nowhere.
    #[error("group {group} of task `{task}` can't run on any accelerator")]
    NoAccelerator {
        /// Name of the task.
        task: String,
        /// Index of the group.
        group: usize,
    },
    /// Tasks wait for each other.
    #[error("the edges make tasks wait for each other in a circle, so that none of them can start")]
    Circle,
    /// More than the search takes.
    #[error("{found} {what} are more than the {most} that the search takes")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many it takes.
        most: usize,
    },
    /// The Z3 library is too old or answers wrongly.
    #[error("{0}")]
    Solver(String),
}

/// The best schedule so far, and how it compares.
struct Incumbent {
    /// Score, sum of ends, changes of accelerator: smaller is better in this order.
    rank: (u64, u64, usize),
    decision: Decision,
    timeline: Timeline,
}

/// What a search of a combination came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// No order of it is better than the incumbent (that it may just have become).
    Decided,
    /// Its share of nodes didn't suffice.
    Deferred,
    /// A limit of the whole search was reached.
    Stopped,
}

/// What Z3 leaves to look at.
pub(super) enum Proposal {
    /// What these values of the variables stand for.
    Look(Vec<bool>),
    /// Nothing: the proof of the target.
    NothingLeft,
}

/// The shared state of a search.
pub(super) struct Search<'a> {
    pub(super) tables: &'a Tables<'a>,
    pub(super) prices: &'a Prices,
    pub(super) goal: Goal,
    pub(super) limits: Limits,
    pub(super) statistics: SearchStatistics,
    pub(super) seed: u64,
    most_plans: usize,
    oracle: Oracle<'a>,
    incumbent: Option<Incumbent>,
    /// Every score is at least this.
    lower: u64,
    on_progress: &'a mut dyn FnMut(Progress),
}

/// The best placement and order of `problem`, with how much of that is proved.
///
/// `warm` are schedules that the answer must not be worse than; those that break the limits are passed over.
/// `on_progress` is called whenever the incumbent or the bound improves.
///
/// # Errors
/// Where no placement satisfies the limits, or the Z3 library is unusable. A limit on time or nodes is no error: the
/// best schedule found so far comes back with its bound.
pub fn solve(
    problem: &Problem,
    options: &SolveOptions,
    warm: &[Decision],
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Solution, SolveError> {
    solve_with(problem, options, warm, MOST_PLANS, on_progress)
}

/// The same with another number of plans of a task that get a Boolean each.
pub(super) fn solve_with(
    problem: &Problem,
    options: &SolveOptions,
    warm: &[Decision],
    most_plans: usize,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Solution, SolveError> {
    let limits = Limits::new(options.time_limit, options.node_limit);
    refuse_too_large(problem)?;
    z3::self_test().map_err(SolveError::Solver)?;
    let tables = Tables::new(problem).ok_or(SolveError::Circle)?;
    let prices = Prices::new(&tables);
    let goal = Goal::new(options.objective, tables.n_tasks);
    let oracle = Oracle::new(&tables, &prices, goal);
    let mut search = Search {
        tables: &tables,
        prices: &prices,
        goal,
        limits,
        statistics: SearchStatistics::default(),
        seed: options.seed,
        most_plans,
        oracle,
        incumbent: None,
        lower: 0,
        on_progress,
    };
    search.run(warm)?;
    search.solution()
}

fn refuse_too_large(problem: &Problem) -> Result<(), SolveError> {
    let n_costs = problem.tasks.iter().map(|task| task.groups.len() * problem.machines.len()).sum();
    let sizes = [
        ("tasks", problem.tasks.len(), MAX_TASKS),
        ("accelerators", problem.machines.len(), MAX_MACHINES),
        ("groups, each counted once for each accelerator,", n_costs, MAX_COSTS),
    ];
    for (what, found, most) in sizes {
        if found > most {
            return Err(SolveError::TooLarge { what, found, most });
        }
    }
    for task in &problem.tasks {
        if let Some(group) = task.groups.iter().position(|group| group.costs.iter().all(Option::is_none)) {
            return Err(SolveError::NoAccelerator { task: task.name.clone(), group });
        }
    }
    Ok(())
}

impl Search<'_> {
    fn run(&mut self, warm: &[Decision]) -> Result<(), SolveError> {
        let table = self.plan_table(self.tables.problem.max_transitions.unwrap_or(usize::MAX));
        if let Some(task) = table.plans.iter().position(Vec::is_empty) {
            let name = self.tables.problem.tasks[task].name.clone();
            return Err(SolveError::NoPlan { task: name, limit: self.tables.problem.max_transitions.unwrap_or(0) });
        }
        for decision in warm {
            self.offer(decision);
        }
        self.offer(&self.serial(&table));
        if table.plans.iter().all(|plans| plans.len() <= self.most_plans) {
            plan_search::run(self, &table);
        } else {
            group_search::run(self, &self.short_table(table));
        }
        Ok(())
    }

    /// The plans with at most `limit` counted changes, at most one more than the most that get a Boolean each.
    fn plan_table(&self, limit: usize) -> PlanTable {
        let enumerate = |task| plans::enumerate(self.tables, self.prices, task, limit, self.most_plans + 1);
        let n_vectors = self.prices.mixed.len() + self.tables.n_machines;
        PlanTable { plans: (0..self.tables.n_tasks).map(enumerate).collect(), n_vectors }
    }

    /// The plans under the highest of the limits 3, 2, 1, 0 that leaves few but some; else what was enumerated of `table`.
    fn short_table(&self, table: PlanTable) -> PlanTable {
        let limit = self.tables.problem.max_transitions.unwrap_or(usize::MAX);
        let tables = (0..=3.min(limit)).rev().map(|limit| self.plan_table(limit));
        let is_short = |table: &PlanTable| table.plans.iter().all(|plans| (1..=self.most_plans).contains(&plans.len()));
        tables.into_iter().find(is_short).unwrap_or(table)
    }

    /// Every task on its shortest chain, one task after the other: always possible.
    fn serial(&self, table: &PlanTable) -> Decision {
        let shortest = |plans: &Vec<plans::Plan>| plans.iter().min_by_key(|plan| plan.chain).cloned();
        let placement: Vec<Vec<usize>> = table.plans.iter().filter_map(shortest).map(|plan| plan.placement).collect();
        let mut order = vec![vec![]; self.tables.n_machines];
        for &task in &self.tables.topological {
            for (group, &machine) in placement[task].iter().enumerate() {
                order[machine].push(crate::problem::GroupId { task, group });
            }
        }
        Decision { placement, order }
    }

    /// Takes a decision as the incumbent where it is better; true where it is.
    pub(super) fn offer(&mut self, decision: &Decision) -> bool {
        let Some(transitions) = self.transitions_within_limit(decision) else { return false };
        let Ok(timeline) = evaluate(self.tables.problem, decision) else { return false };
        let ends = (0..self.tables.n_tasks).map(|task| timeline.end(task).0).fold(0, u64::saturating_add);
        let rank = (self.goal.score(self.tables, &timeline), ends, transitions);
        if self.incumbent.as_ref().is_some_and(|incumbent| incumbent.rank <= rank) {
            return false;
        }
        self.incumbent = Some(Incumbent { rank, decision: decision.clone(), timeline });
        self.report();
        true
    }

    /// Changes of accelerator in all; `None` where a task has more than the limit or the shape is another one.
    fn transitions_within_limit(&self, decision: &Decision) -> Option<usize> {
        let problem = self.tables.problem;
        let fits = decision.placement.len() == problem.tasks.len()
            && decision.order.len() == problem.machines.len()
            && problem.tasks.iter().zip(&decision.placement).all(|(task, placement)| {
                placement.len() == task.groups.len()
                    && placement.iter().all(|&machine| machine < self.tables.n_machines)
            });
        if !fits {
            return None;
        }
        let counts = decision.placement.iter().enumerate().map(|(task, placement)| {
            let count = problem.counted_transitions(task, placement);
            problem.max_transitions.is_none_or(|limit| count <= limit).then_some(count)
        });
        counts.sum()
    }

    /// Score of the incumbent: what another one has to beat.
    pub(super) fn best_score(&self) -> u64 {
        self.incumbent.as_ref().map_or(u64::MAX, |incumbent| incumbent.rank.0)
    }

    pub(super) fn incumbent_placement(&self) -> Option<&[Vec<usize>]> {
        self.incumbent.as_ref().map(|incumbent| incumbent.decision.placement.as_slice())
    }

    pub(super) fn lower(&self) -> u64 {
        self.lower
    }

    /// Records that every score is at least `lower`.
    pub(super) fn raise_lower(&mut self, lower: u64) {
        let lower = lower.min(self.best_score());
        if lower > self.lower {
            self.lower = lower;
            self.report();
        }
    }

    pub(super) fn is_proved(&self) -> bool {
        self.lower >= self.best_score()
    }

    fn report(&mut self) {
        let (incumbent, bound) = (self.goal.convert(self.best_score()), self.goal.convert(self.lower));
        (self.on_progress)(Progress { incumbent, bound });
    }

    /// Searches one combination for an order better than the incumbent.
    pub(super) fn decide(&mut self, allowed: &[u64], max_nodes: u64) -> Outcome {
        let verdict = self.oracle.search(allowed, self.best_score(), max_nodes, &mut self.limits);
        if let Some(decision) = &verdict.found {
            self.offer(decision);
        }
        match (verdict.complete, self.limits.stopped_by()) {
            (true, _) => Outcome::Decided,
            (false, None) => Outcome::Deferred,
            (false, Some(_)) => Outcome::Stopped,
        }
    }

    /// Whether no order of any placement within `allowed` has a score below `target`; false where the nodes run out.
    pub(super) fn refutes(&mut self, allowed: &[u64], target: u64, max_nodes: u64) -> bool {
        let verdict = self.oracle.search(allowed, target, max_nodes, &mut self.limits);
        verdict.complete && verdict.found.is_none()
    }

    /// Asks Z3 for what is left to look at; `None` where a limit was reached or Z3 gave up.
    pub(super) fn ask(&mut self, master: &Master) -> Option<Proposal> {
        if !self.limits.has_time() {
            return None;
        }
        self.statistics.z3_checks += 1;
        match master.check(self.limits.milliseconds_left()) {
            Answer::Model(values) => Some(Proposal::Look(values)),
            Answer::Unsat => Some(Proposal::NothingLeft),
            Answer::Unknown(_) => {
                if self.limits.has_time() {
                    self.limits.stop("Z3, which gave up");
                }
                None
            }
        }
    }

    /// Lower bound of the score of every placement within `allowed`.
    pub(super) fn root_bound(&self, allowed: &[u64]) -> u64 {
        self.oracle.root_bound(allowed)
    }

    /// Least time that every task needs by itself within `allowed`.
    pub(super) fn shortest_chains(&self, allowed: &[u64]) -> Vec<u64> {
        self.oracle.shortest_chains(allowed)
    }

    fn solution(mut self) -> Result<Solution, SolveError> {
        let is_proved = self.is_proved();
        let Some(incumbent) = self.incumbent.take() else {
            return Err(SolveError::Solver("no schedule was found although every task has a placement".into()));
        };
        self.statistics.oracle_nodes = self.limits.nodes;
        let value = self.goal.convert(incumbent.rank.0);
        let proof = Proof {
            state: if is_proved { ProofState::Optimal } else { ProofState::Feasible },
            bound: if is_proved { value } else { self.goal.convert(self.lower) },
            elapsed: self.limits.elapsed(),
            stopped_by: if is_proved { None } else { self.limits.stopped_by() },
            statistics: self.statistics,
        };
        Ok(Solution { decision: incumbent.decision, timeline: incumbent.timeline, value, proof })
    }
}
