//! Finding the best schedule with a proof: the incumbent, the limits and the counts that both ways of searching share.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use thiserror::Error;

use super::annealing::Annealing;
use super::bounds::Prices;
use super::goal::{BROKEN, Goal};
use super::known::Known;
use super::limits::Limits;
use super::oracle::{MAX_TASKS, Oracle, Verdict};
use super::plans::{self, PlanTable};
use super::tables::Tables;
use super::z3::{Answer, Master};
use super::{
    Decision, Objective, Progress, Proof, ProofState, SearchStatistics, Solution, SolveOptions, Stop, Timeline,
    fitting, group_search, plan_search, warm_start, z3,
};
use crate::problem::Problem;
use crate::units::Nanoseconds;

/// How many plans of a task the search by plans takes.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    /// Most that are priced.
    pub(super) priced: usize,
    /// Most that get a Boolean each.
    pub(super) chosen: usize,
}

/// What an ordinary search takes.
pub(super) const SIZES: Sizes = Sizes { priced: 5000, chosen: 800 };

/// Whether a search goes on.
pub(super) type Continue = bool;

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
    /// No schedule keeps the latency cap.
    #[error(
        "no schedule keeps the latency cap of {cap}: it is proved that some task always takes at least {least}; allow \
         more with `--latency-cap`"
    )]
    Infeasible {
        /// The cap.
        cap: Nanoseconds,
        /// Lower bound of the longest latency.
        least: Nanoseconds,
    },
    /// A limit was reached before any schedule under the latency cap was found.
    #[error(
        "no schedule within the latency cap of {cap} was found ({stopped_by}); the best one found takes {best}, and none \
         is proved impossible: allow more time or a longer latency"
    )]
    NoneFound {
        /// The cap.
        cap: Nanoseconds,
        /// The longest latency of the best schedule that was found.
        best: Nanoseconds,
        /// What ended the search.
        stopped_by: String,
    },
    /// Sums that the search can't count.
    #[error("the {what} of this problem may be more than the search can count: use smaller weights, powers or times")]
    TooMuch {
        /// What is summed.
        what: &'static str,
    },
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

/// What a search of a combination came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// No order of it is better than what was asked for, or than the incumbent (that it may just have become).
    Decided,
    /// Its share of nodes didn't suffice.
    Deferred,
    /// A limit of the whole search was reached.
    Stopped,
}

impl Outcome {
    fn of(complete: bool, stopped: bool) -> Self {
        match (complete, stopped) {
            (true, _) => Self::Decided,
            (false, false) => Self::Deferred,
            (false, true) => Self::Stopped,
        }
    }
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
    pub(super) prices: Prices,
    pub(super) goal: Goal<'a>,
    pub(super) limits: Limits,
    pub(super) statistics: SearchStatistics,
    pub(super) seed: u64,
    sizes: Sizes,
    /// One for each thread.
    oracles: Vec<Oracle<'a>>,
    known: Known<'a>,
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
    on_progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Solution, SolveError> {
    solve_with(problem, options, warm, SIZES, on_progress)
}

/// The same with other numbers of plans.
pub(super) fn solve_with(
    problem: &Problem,
    options: &SolveOptions,
    warm: &[Decision],
    sizes: Sizes,
    on_progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Solution, SolveError> {
    let limits = Limits::new(options.time_limit, options.node_limit, options.cancel.clone());
    refuse_too_large(problem)?;
    refuse_too_much(problem, options.objective)?;
    let goal = Goal::new(problem, options.objective);
    let mut known = Known::new(problem, goal, on_progress);
    for decision in warm {
        known.offer(decision, &limits);
    }
    z3::self_test().map_err(SolveError::Solver)?;
    let tables = Tables::new(problem).ok_or(SolveError::Circle)?;
    let prices = Prices::new(&tables);
    let n_threads = options.threads.max(1);
    let oracles = (0..n_threads).map(|_| Oracle::new(&tables, goal, n_threads)).collect();
    let mut search = Search {
        tables: &tables,
        prices,
        goal,
        limits,
        statistics: SearchStatistics::default(),
        seed: options.seed,
        sizes,
        oracles,
        known,
    };
    search.run()?;
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

/// Refuses sums of weights or powers that could pass what a score holds, were every group slowed to a crawl.
fn refuse_too_much(problem: &Problem, objective: Objective) -> Result<(), SolveError> {
    let (what, factor) = match objective {
        Objective::Makespan | Objective::Throughput => return Ok(()),
        Objective::Tardiness => {
            let weights = problem.tasks.iter().filter_map(|task| task.due).map(|due| u128::from(due.weight));
            ("weighted tardiness", weights.sum::<u128>())
        }
        Objective::Energy => {
            let powers = problem.machines.iter().filter_map(|machine| machine.power).map(|power| u128::from(power.0));
            ("energy", powers.sum::<u128>() + u128::from(problem.idle_power.0))
        }
    };
    let longest = u128::from(problem.longest_serial().0) * 1000;
    if longest.saturating_mul(factor) >= u128::from(BROKEN) {
        return Err(SolveError::TooMuch { what });
    }
    Ok(())
}

impl Search<'_> {
    fn run(&mut self) -> Result<(), SolveError> {
        let limit = self.tables.problem.max_transitions.unwrap_or(usize::MAX);
        let counts = self.count_plans(limit);
        if let Some(class) = counts.iter().position(|&count| count == 0) {
            let name = self.tables.problem.tasks[self.tables.classes[class][0]].name.clone();
            return Err(SolveError::NoPlan { task: name, limit });
        }
        self.statistics.combinations = counts.iter().fold(1, |product: u64, &count| product.saturating_mul(count));
        let is_whole = counts.iter().all(|&count| count <= self.sizes.priced as u64);
        let mut table = if is_whole { self.plan_table(limit, usize::MAX) } else { self.short_table(limit) };
        self.offer(&self.serial(&table));
        self.fit_prices(&mut table);
        self.raise_lower(if is_whole {
            table.root_bound(self.tables, self.goal)
        } else {
            group_search::root_bound(self)
        });

        let short = (!table.has_at_most(self.sizes.chosen)).then(|| self.short_table(limit));
        let short = short.as_ref().unwrap_or(&table);
        let mut annealing = Annealing::new(short);
        if !(warm_start::run(self, short) && annealing.anneal(self)) {
            return Ok(());
        }
        let useful = is_whole.then(|| table.below(self.tables, self.goal, self.best_score()));
        match useful.filter(|useful| useful.has_at_most(self.sizes.chosen)) {
            Some(useful) => plan_search::run(self, &useful, &mut annealing),
            None => group_search::run(self, &mut annealing),
        }
        Ok(())
    }

    /// Adds the prices fitted to the plans of `table`, where there are some.
    fn fit_prices(&mut self, table: &mut PlanTable) {
        if let Some(vector) = fitting::of_all(self.tables, &self.prices, table) {
            self.prices = self.prices.with(self.tables, &vector);
            table.reprice(self.tables, &self.prices);
        }
    }

    /// The plans with at most `limit` counted changes, at most `most` of a class.
    fn plan_table(&self, limit: usize, most: usize) -> PlanTable {
        let enumerate =
            |class: &Vec<usize>| plans::enumerate(self.tables, &self.prices, self.goal, class[0], limit, most);
        let n_vectors = self.prices.n_vectors() + self.tables.n_machines;
        PlanTable { plans: self.tables.classes.iter().map(enumerate).collect(), n_vectors }
    }

    /// Number of plans of every class with at most `limit` counted changes.
    fn count_plans(&self, limit: usize) -> Vec<u64> {
        self.tables.classes.iter().map(|class| plans::count(self.tables, class[0], limit)).collect()
    }

    /// The plans under the highest of the limits 3, 2, 1, 0 that leaves few but some; else the first ones under `limit`.
    fn short_table(&self, limit: usize) -> PlanTable {
        let few = 1..=self.sizes.chosen as u64;
        let is_short = |&limit: &usize| self.count_plans(limit).iter().all(|count| few.contains(count));
        let short = (0..=3.min(limit)).rev().find(is_short);
        self.plan_table(short.unwrap_or(limit), self.sizes.chosen)
    }

    /// Every task on its shortest chain, one task after the other: always possible.
    fn serial(&self, table: &PlanTable) -> Decision {
        let shortest = |plans: &Vec<plans::Plan>| plans.iter().min_by_key(|plan| plan.chain).cloned();
        let by_class: Vec<Vec<usize>> = table.plans.iter().filter_map(shortest).map(|plan| plan.placement).collect();
        let placement: Vec<Vec<usize>> = self.tables.class_of.iter().map(|&class| by_class[class].clone()).collect();
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
        self.known.offer(decision, &self.limits)
    }

    /// Score of the incumbent: what another one has to beat.
    pub(super) fn best_score(&self) -> u64 {
        self.known.best_score()
    }

    pub(super) fn incumbent(&self) -> Option<(&Decision, &Timeline)> {
        self.known.incumbent.as_ref().map(|incumbent| (&incumbent.decision, &incumbent.timeline))
    }

    pub(super) fn lower(&self) -> u64 {
        self.known.lower
    }

    /// Records that every score is at least `lower`.
    pub(super) fn raise_lower(&mut self, lower: u64) {
        let lower = lower.min(self.best_score());
        if lower > self.known.lower {
            self.known.lower = lower;
            self.known.report(&self.limits);
        }
    }

    /// Whether nothing better is possible: the bound has reached the incumbent, or nothing keeps the latency cap.
    pub(super) fn is_proved(&self) -> bool {
        self.known.lower >= self.best_score() || self.known.lower >= BROKEN
    }

    /// Whether the incumbent keeps the latency cap.
    pub(super) fn keeps_cap(&self) -> bool {
        self.best_score() < BROKEN
    }

    /// The next target on the way to the incumbent, in `levels_left` equal steps; under the cap first.
    pub(super) fn next_target(&self, levels_left: u64) -> u64 {
        let (lower, best) = (self.lower(), self.best_score());
        if lower < BROKEN && best >= BROKEN { BROKEN } else { lower + (best - lower).div_ceil(levels_left) }
    }

    /// Searches one combination for an order better than the incumbent, and better than `cutoff`.
    pub(super) fn decide(&mut self, allowed: &[u64], cutoff: u64, max_nodes: u64) -> Outcome {
        let cutoff = cutoff.min(self.best_score());
        let verdict = self.oracles[0].search(allowed, &self.prices, cutoff, max_nodes, &self.limits);
        self.take(&verdict)
    }

    fn take(&mut self, verdict: &Verdict) -> Outcome {
        if let Some(decision) = &verdict.found {
            self.offer(decision);
        }
        Outcome::of(verdict.complete, self.limits.stopped_by().is_some())
    }

    /// Whether a combination that takes long is decided for good, whatever is asked for.
    pub(super) fn decides_for_good(&self, max_nodes: u64) -> bool {
        self.oracles[0].could_go_by_costs(max_nodes)
    }

    /// Number of threads that search for orders.
    pub(super) fn threads(&self) -> usize {
        self.oracles.len()
    }

    /// Searches several combinations at once, on as many threads as there are; the outcomes in the order given.
    pub(super) fn decide_at_once(&mut self, all: &[Vec<u64>], cutoff: u64, max_nodes: u64) -> Vec<Outcome> {
        let (best, next) = (AtomicU64::new(cutoff.min(self.best_score())), AtomicUsize::new(0));
        let (limits, prices, known) = (&self.limits, &self.prices, &mut self.known);
        let (sender, verdicts) = mpsc::channel::<(usize, Verdict)>();
        let mut complete = vec![false; all.len()];
        thread::scope(|scope| {
            for oracle in &mut self.oracles {
                let (sender, best, next) = (sender.clone(), &best, &next);
                scope.spawn(move || {
                    loop {
                        let idx = next.fetch_add(1, Ordering::Relaxed);
                        let Some(allowed) = all.get(idx) else { break };
                        let verdict = oracle.search(allowed, prices, best.load(Ordering::Relaxed), max_nodes, limits);
                        sender.send((idx, verdict)).expect("the receiver outlives the scope");
                    }
                });
            }
            drop(sender);
            for (idx, verdict) in verdicts {
                if let Some(decision) = &verdict.found {
                    known.offer(decision, limits);
                    best.fetch_min(known.best_score(), Ordering::Relaxed);
                }
                complete[idx] = verdict.complete;
            }
        });
        let stopped = self.limits.stopped_by().is_some();
        complete.into_iter().map(|complete| Outcome::of(complete, stopped)).collect()
    }

    /// Whether no order of any placement within `allowed` has a score below `target`; false where the nodes run out.
    pub(super) fn refutes(&mut self, allowed: &[u64], target: u64, max_nodes: u64) -> bool {
        let verdict = self.oracles[0].search(allowed, &self.prices, target, max_nodes, &self.limits);
        verdict.complete && verdict.found.is_none()
    }

    /// Asks Z3 for what is left to look at; `None` where a limit was reached or Z3 gave up.
    pub(super) fn ask(&mut self, master: &Master) -> Option<Proposal> {
        if !self.limits.has_time() {
            return None;
        }
        self.statistics.z3_checks += 1;
        match master.check_unless(self.limits.milliseconds_left(), &self.limits.cancel) {
            Answer::Model(values) => Some(Proposal::Look(values)),
            Answer::Unsat => Some(Proposal::NothingLeft),
            Answer::Unknown(_) => {
                if self.limits.has_time() {
                    self.limits.stop(Stop::Solver);
                }
                None
            }
        }
    }

    /// Lower bound of the score of every placement within `allowed`.
    pub(super) fn root_bound(&self, allowed: &[u64]) -> u64 {
        self.oracles[0].root_bound(allowed, &self.prices)
    }

    /// Least time that every task needs by itself within `allowed`.
    pub(super) fn shortest_chains(&self, allowed: &[u64]) -> Vec<u64> {
        self.oracles[0].shortest_chains(allowed, &self.prices)
    }

    fn solution(mut self) -> Result<Solution, SolveError> {
        let is_proved = self.is_proved();
        let Some(incumbent) = self.known.incumbent.take() else {
            return Err(SolveError::Solver("no schedule was found although every task has a placement".into()));
        };
        self.known.incumbent_keeps_cap(&incumbent, &self.limits)?;
        self.statistics.oracle_nodes = self.limits.nodes();
        let value = self.goal.convert(incumbent.rank.0);
        let stopped_by = if is_proved { None } else { self.limits.stopped_by() };
        let proof = Proof {
            state: if is_proved { ProofState::Optimal } else { ProofState::Feasible },
            bound: if is_proved { value } else { self.goal.convert(self.known.lower) },
            elapsed: self.limits.elapsed(),
            stopped_by,
            deterministic: self.threads() == 1 && matches!(stopped_by, None | Some(Stop::NodeLimit)),
            statistics: self.statistics,
        };
        Ok(Solution { decision: incumbent.decision, timeline: incumbent.timeline, value, proof })
    }
}
