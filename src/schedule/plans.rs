//! Plans: the placements that a task may have under its transition limit, with what each certainly costs.

use super::bounds::Prices;
use super::goal::{Goal, Outlook, Settled};
use super::oracle::{MAX_TASKS, MAX_VECTORS};
use super::symmetry;
use super::tables::Tables;

/// The accelerator of every group of a task, with what it costs at least.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) placement: Vec<usize>,
    /// Time from start to end without contention and waiting, every certain launch and transition included.
    pub(super) chain: u64,
    /// What it pays to every price vector: the mixed ones, then the load of every accelerator.
    pub(super) pays: Vec<u64>,
    /// Energy that it draws at least; 0 where nobody counts it.
    pub(super) energy: u64,
}

impl Plan {
    /// One that costs nothing.
    fn free(n_vectors: usize) -> Self {
        Self { placement: vec![], chain: 0, pays: vec![0; n_vectors], energy: 0 }
    }

    /// The slots that `task`, placed so, uses.
    pub(super) fn slots(&self, tables: &Tables, task: usize) -> impl Iterator<Item = usize> {
        self.placement.iter().enumerate().map(move |(group, &machine)| tables.slot(task, group, machine))
    }
}

/// The plans of every class of tasks that are placed alike.
pub(super) struct PlanTable {
    pub(super) plans: Vec<Vec<Plan>>,
    /// Number of price vectors, loads included.
    pub(super) n_vectors: usize,
}

/// All plans of `task` with at most `limit` counted changes, in a fixed order; stops after `most` plans.
pub(super) fn enumerate(
    tables: &Tables,
    prices: &Prices,
    goal: Goal,
    task: usize,
    limit: usize,
    most: usize,
) -> Vec<Plan> {
    let mut placements = vec![];
    let fewest = fewest_changes(tables, task);
    extend(tables, task, &fewest, &mut vec![], limit, most, &mut placements);
    placements.into_iter().map(|placement| price(tables, prices, goal, task, placement)).collect()
}

/// Number of plans of `task` with at most `limit` counted changes, saturating.
pub(super) fn count(tables: &Tables, task: usize, limit: usize) -> u64 {
    let n_groups = tables.n_groups(task);
    let most = limit.min(n_groups);
    // By accelerator of the last group so far, and changes so far.
    let mut counts = vec![vec![0_u64; most + 1]; tables.n_machines];
    for (machine, count) in counts.iter_mut().enumerate() {
        count[0] = u64::from(is_supported(tables, task, 0, machine));
    }
    for group in 1..n_groups {
        let counted = usize::from(!tables.problem.tasks[task].groups[group].tail);
        let mut next = vec![vec![0_u64; most + 1]; tables.n_machines];
        for machine in (0..tables.n_machines).filter(|&machine| is_supported(tables, task, group, machine)) {
            for (before, known) in counts.iter().enumerate() {
                let step = if before == machine { 0 } else { counted };
                for changes in step..=most {
                    let sum = &mut next[machine][changes];
                    *sum = sum.saturating_add(known[changes - step]);
                }
            }
        }
        counts = next;
    }
    counts.iter().flatten().fold(0, |sum: u64, &count| sum.saturating_add(count))
}

/// Fewest counted changes from a group on an accelerator to the end of its task: `[group][machine]`, `None` where it
/// can't run. So that no prefix is extended that can't be completed: there may be exponentially many.
fn fewest_changes(tables: &Tables, task: usize) -> Vec<Vec<Option<usize>>> {
    let n_groups = tables.n_groups(task);
    let mut fewest = vec![vec![None; tables.n_machines]; n_groups];
    for group in (0..n_groups).rev() {
        for machine in (0..tables.n_machines).filter(|&machine| is_supported(tables, task, group, machine)) {
            let Some(next) = fewest.get(group + 1) else {
                fewest[group][machine] = Some(0);
                continue;
            };
            let step =
                |after: usize| usize::from(after != machine && !tables.problem.tasks[task].groups[group + 1].tail);
            let rest = next.iter().enumerate().filter_map(|(after, &rest)| Some(rest? + step(after))).min();
            fewest[group][machine] = rest;
        }
    }
    fewest
}

fn is_supported(tables: &Tables, task: usize, group: usize, machine: usize) -> bool {
    tables.costs[tables.slot(task, group, machine)].is_some()
}

fn extend(
    tables: &Tables,
    task: usize,
    fewest: &[Vec<Option<usize>>],
    prefix: &mut Vec<usize>,
    changes_left: usize,
    most: usize,
    found: &mut Vec<Vec<usize>>,
) {
    let group = prefix.len();
    if group == tables.n_groups(task) {
        found.push(prefix.clone());
        return;
    }
    for machine in 0..tables.n_machines {
        let counts =
            prefix.last().is_some_and(|&before| before != machine) && !tables.problem.tasks[task].groups[group].tail;
        let changes_left = if counts { changes_left.checked_sub(1) } else { Some(changes_left) };
        let suffices = |left: &usize| fewest[group][machine].is_some_and(|needed| needed <= *left);
        if let Some(changes_left) = changes_left.filter(suffices).filter(|_| found.len() < most) {
            prefix.push(machine);
            extend(tables, task, fewest, prefix, changes_left, most, found);
            prefix.pop();
        }
    }
}

fn price(tables: &Tables, prices: &Prices, goal: Goal, task: usize, placement: Vec<usize>) -> Plan {
    let pays = pays(tables, prices, task, &placement);
    let loads = &pays[prices.n_vectors()..];
    let chain = loads.iter().sum();
    let energy = loads.iter().enumerate().map(|(machine, &load)| goal.energy(machine, load));
    let energy = if goal.counts_energy() { energy.fold(0, u64::saturating_add) } else { 0 };
    Plan { placement, chain, pays, energy }
}

/// What `task`, placed so, pays to every price vector, and the load of every accelerator.
fn pays(tables: &Tables, prices: &Prices, task: usize, placement: &[usize]) -> Vec<u64> {
    let n_mixed = prices.n_vectors();
    let mut pays = vec![0; n_mixed + tables.n_machines];
    for (group, &machine) in placement.iter().enumerate() {
        let slot = tables.slot(task, group, machine);
        let before = group.checked_sub(1).map(|before| placement[before]);
        let work = tables.cost(slot).work;
        let moves = tables.entering(slot, before) + tables.leaving(slot, placement.get(group + 1).copied());
        prices.add_paid(&mut pays, slot, work, moves);
        pays[n_mixed + machine] += work + moves;
    }
    pays
}

impl PlanTable {
    /// Whether no class has more than `most` plans.
    pub(super) fn has_at_most(&self, most: usize) -> bool {
        self.plans.iter().all(|plans| plans.len() <= most)
    }

    /// Number of combinations, saturating.
    pub(super) fn combinations(&self) -> u64 {
        self.plans.iter().fold(1, |product: u64, plans| product.saturating_mul(plans.len() as u64))
    }

    /// Has every plan pay other prices.
    pub(super) fn reprice(&mut self, tables: &Tables, prices: &Prices) {
        for (class, plans) in tables.classes.iter().zip(&mut self.plans) {
            for plan in plans {
                plan.pays = pays(tables, prices, class[0], &plan.placement);
            }
        }
        self.n_vectors = prices.n_vectors() + tables.n_machines;
    }

    /// Lower bound of the score of every order of a combination.
    pub(super) fn bound(&self, tables: &Tables, goal: Goal, combination: &[usize]) -> u64 {
        self.bound_of(tables, goal, |class| &self.plans[class][combination[class]])
    }

    /// Lower bound of the score of every combination.
    pub(super) fn root_bound(&self, tables: &Tables, goal: Goal) -> u64 {
        let least = self.least();
        self.bound_of(tables, goal, |class| &least[class])
    }

    /// The plans that a combination with a score below `target` can have by its bound. Classes that can change places keep
    /// the same ones.
    pub(super) fn below(&self, tables: &Tables, goal: Goal, target: u64) -> Self {
        let alike = symmetry::equal_classes(tables);
        let mut table = Self { plans: self.plans.clone(), n_vectors: self.n_vectors };
        loop {
            let least = table.least();
            let is_useful = |class: usize, plan: &Plan| {
                table.bound_of(tables, goal, |other| if other == class { plan } else { &least[other] }) < target
            };
            let mut useful: Vec<Vec<bool>> = (0..table.plans.len())
                .map(|class| table.plans[class].iter().map(|plan| is_useful(class, plan)).collect())
                .collect();
            for &(first, second) in &alike {
                let both: Vec<bool> =
                    useful[first].iter().zip(&useful[second]).map(|(one, other)| *one && *other).collect();
                (useful[first], useful[second]) = (both.clone(), both);
            }
            if useful.iter().flatten().all(|&is_useful| is_useful) {
                return table;
            }
            for (plans, useful) in table.plans.iter_mut().zip(useful) {
                let mut useful = useful.into_iter();
                plans.retain(|_| useful.next().unwrap_or(true));
            }
        }
    }

    /// A stand-in for the plan of every class that costs the least of any in every respect.
    fn least(&self) -> Vec<Plan> {
        let of_class = |plans: &Vec<Plan>| {
            let mut plans = plans.iter();
            let mut least = plans.next().cloned().unwrap_or_else(|| Plan::free(self.n_vectors));
            for plan in plans {
                least.chain = least.chain.min(plan.chain);
                least.energy = least.energy.min(plan.energy);
                for (least, &pays) in least.pays.iter_mut().zip(&plan.pays) {
                    *least = (*least).min(pays);
                }
            }
            least
        };
        self.plans.iter().map(of_class).collect()
    }

    /// Earliest end of every task, where it needs at least its shortest plan's chain.
    pub(super) fn earliest_ends(&self, tables: &Tables) -> Vec<u64> {
        let least = self.least();
        ends(tables, |task| least[tables.class_of[task]].chain)[..tables.n_tasks].to_vec()
    }

    /// The plans that tasks placed so have; `None` where one isn't in the table.
    pub(super) fn combination(&self, tables: &Tables, placement: &[Vec<usize>]) -> Option<Vec<usize>> {
        let of_class = |(class, plans): (&Vec<usize>, &Vec<Plan>)| {
            plans.iter().position(|plan| plan.placement == placement[class[0]])
        };
        tables.classes.iter().zip(&self.plans).map(of_class).collect()
    }

    /// Bit sets of accelerators by flat group, for the oracle.
    pub(super) fn allowed(&self, tables: &Tables, combination: &[usize]) -> Vec<u64> {
        let placement = |task: usize| {
            let class = tables.class_of[task];
            &self.plans[class][combination[class]].placement
        };
        (0..tables.n_tasks).flat_map(placement).map(|&machine| 1 << machine).collect()
    }

    fn bound_of<'p>(&self, tables: &Tables, goal: Goal, plan: impl Fn(usize) -> &'p Plan) -> u64 {
        let plan = |task: usize| plan(tables.class_of[task]);
        let release = |task: usize| tables.problem.tasks[task].release.0;
        let ends = ends(tables, |task| plan(task).chain);
        // Those that are released late can't have been served before.
        let from = |tasks: &[usize], from: u64| {
            let mut paid = [0; MAX_VECTORS];
            for &task in tasks.iter().filter(|&&task| release(task) >= from) {
                for (paid, pays) in paid.iter_mut().zip(&plan(task).pays) {
                    *paid += pays;
                }
            }
            from + paid[..self.n_vectors].iter().copied().max().unwrap_or(0)
        };
        let joint = |tasks: &[usize]| {
            let last = tasks.iter().map(|&task| release(task)).max().unwrap_or(0);
            let releases = tables.releases.iter().take_while(|&&release| release <= last);
            releases.map(|&release| from(tasks, release)).max().unwrap_or(0)
        };
        let energy = (0..tables.n_tasks).map(|task| plan(task).energy).fold(0, u64::saturating_add);
        let outlook = Outlook { open: &tables.topological, ends: &ends, energy, joint: &joint };
        goal.bound(0, Settled::default(), &outlook)
    }
}

/// Earliest end of every task, where each takes at least `chain`, after those that it waits for.
fn ends(tables: &Tables, chain: impl Fn(usize) -> u64) -> [u64; MAX_TASKS] {
    let mut ends = [0; MAX_TASKS];
    for &task in &tables.topological {
        let waits = &tables.problem.tasks[task];
        let before = waits.after.iter().map(|&before| ends[before]).max().unwrap_or(0);
        ends[task] = before.max(waits.release.0) + chain(task);
    }
    ends
}
