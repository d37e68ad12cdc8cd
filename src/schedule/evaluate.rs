//! The meaning of a schedule: the timeline that a placement and an order have, event by event, in exact integers.
//!
//! Every group starts as soon as its causes allow; while it works, its remaining work falls at the rate that the
//! demands of the groups working elsewhere leave it. Rates change only when work starts or ends.

use thiserror::Error;

use super::{Decision, Occupation, Timeline};
use crate::problem::{GroupId, Problem};
use crate::units::{MegabytesPerSecond, Nanoseconds};

/// Why a decision has no timeline.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum EvaluateError {
    /// The orders make groups wait for each other in a circle.
    #[error("the order makes tasks wait for each other in a circle: {} group(s) never start", waiting.len())]
    Deadlock {
        /// Groups that never start.
        waiting: Vec<GroupId>,
    },
    /// A group is placed where it can't run.
    #[error("group {} of task {} can't run on accelerator {machine}", group.group, group.task)]
    Unsupported {
        /// The group.
        group: GroupId,
        /// The accelerator.
        machine: usize,
    },
    /// The placement has another shape than the problem, or the orders don't list every placed group once.
    #[error("the orders don't list every group exactly once on the accelerator where it is placed")]
    Malformed,
}

/// What an accelerator is doing.
#[derive(Clone, Copy, Debug)]
struct Running {
    id: GroupId,
    phase: Phase,
    /// Nanoseconds for `Launch`, `Entry` and `Exit`; nanosecond-permille for `Work`.
    left: u64,
    rate: u64,
    /// Demand in MB/s while it works, else 0.
    demand: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Launch,
    Entry,
    Work,
    Exit,
}

/// The timeline of `decision`.
pub fn evaluate(problem: &Problem, decision: &Decision) -> Result<Timeline, EvaluateError> {
    if !is_well_formed(problem, decision) {
        return Err(EvaluateError::Malformed);
    }
    let mut evaluator = Evaluator::new(problem);
    evaluator.run(decision)?;
    Ok(evaluator.into_timeline())
}

/// Whether the placement has the problem's shape and the orders list every group once, where it is placed.
fn is_well_formed(problem: &Problem, decision: &Decision) -> bool {
    let n_machines = problem.machines.len();
    let (tasks, placement, order) = (&problem.tasks, &decision.placement, &decision.order);
    let has_shape = placement.len() == tasks.len()
        && order.len() == n_machines
        && tasks.iter().zip(placement).all(|(task, machines)| {
            machines.len() == task.groups.len() && machines.iter().all(|&machine| machine < n_machines)
        });
    let n_groups: usize = tasks.iter().map(|task| task.groups.len()).sum();
    if !has_shape || order.iter().map(Vec::len).sum::<usize>() != n_groups {
        return false;
    }
    let mut is_listed: Vec<Vec<bool>> = placement.iter().map(|machines| vec![false; machines.len()]).collect();
    let mut list = |id: &GroupId, machine: usize| {
        let is_placed = placement.get(id.task).and_then(|at| at.get(id.group)) == Some(&machine);
        is_placed && !std::mem::replace(&mut is_listed[id.task][id.group], true)
    };
    order.iter().enumerate().all(|(machine, ids)| ids.iter().all(|id| list(id, machine)))
}

/// Evaluates decisions of one problem one after the other, reusing its buffers.
pub(super) struct Evaluator<'a> {
    problem: &'a Problem,
    last_release: u64,
    now: u64,
    running: Vec<Option<Running>>,
    /// Position in each accelerator's order of the next group to start.
    next_in_order: Vec<usize>,
    /// Number of ended groups of each task.
    ended: Vec<usize>,
    timeline: Timeline,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(problem: &'a Problem) -> Self {
        let groups = problem.tasks.iter().map(|task| vec![Occupation::default(); task.groups.len()]).collect();
        Self {
            problem,
            last_release: problem.tasks.iter().map(|task| task.release.0).max().unwrap_or(0),
            now: 0,
            running: vec![None; problem.machines.len()],
            next_in_order: vec![0; problem.machines.len()],
            ended: vec![0; problem.tasks.len()],
            timeline: Timeline { groups },
        }
    }

    /// The timeline of a decision in which every group is listed once, where it is placed.
    pub(super) fn run(&mut self, decision: &Decision) -> Result<&Timeline, EvaluateError> {
        self.now = 0;
        self.running.fill(None);
        self.next_in_order.fill(0);
        self.ended.fill(0);
        loop {
            while self.end_due_phases(decision) | self.start_ready_groups(decision)? {}
            self.set_rates();
            let Some(length) = self.time_to_next_event() else { break };
            self.advance(length);
        }
        let all_ended = self.problem.tasks.iter().zip(&self.ended).all(|(task, &ended)| ended == task.groups.len());
        if all_ended { Ok(&self.timeline) } else { Err(EvaluateError::Deadlock { waiting: self.never_started() }) }
    }

    fn into_timeline(self) -> Timeline {
        self.timeline
    }

    /// Moves every group whose phase has nothing left into its next phase; true where anything moved.
    fn end_due_phases(&mut self, decision: &Decision) -> bool {
        let mut moved = false;
        for machine in 0..self.running.len() {
            while let Some(running) = self.running[machine].filter(|running| running.left == 0) {
                self.running[machine] = self.next_phase(decision, machine, running);
                moved = true;
            }
        }
        moved
    }

    fn next_phase(&mut self, decision: &Decision, machine: usize, running: Running) -> Option<Running> {
        let id = running.id;
        let placement = &decision.placement[id.task];
        let cost = self.problem.cost(id, machine)?;
        let occupation = &mut self.timeline.groups[id.task][id.group];
        let now = Nanoseconds(self.now);
        let (phase, left) = match running.phase {
            Phase::Launch => {
                occupation.launched = now;
                (Phase::Entry, if self.problem.pays_entry(id, placement) { cost.entry.0 } else { 0 })
            }
            Phase::Entry => {
                occupation.entered = now;
                (Phase::Work, cost.work.0 * 1000)
            }
            Phase::Work => {
                occupation.worked = now;
                (Phase::Exit, if self.problem.pays_exit(id, placement) { cost.exit.0 } else { 0 })
            }
            Phase::Exit => {
                occupation.end = now;
                self.ended[id.task] = id.group + 1;
                return None;
            }
        };
        let demand = if phase == Phase::Work { cost.demand.0 } else { 0 };
        Some(Running { phase, left, demand, ..running })
    }

    fn start_ready_groups(&mut self, decision: &Decision) -> Result<bool, EvaluateError> {
        let mut started = false;
        for machine in 0..self.running.len() {
            let position = self.next_in_order[machine];
            let Some(&id) = decision.order[machine].get(position) else { continue };
            if self.running[machine].is_some() || !self.is_ready(id) {
                continue;
            }
            if self.problem.cost(id, machine).is_none() {
                return Err(EvaluateError::Unsupported { group: id, machine });
            }
            let previous = position.checked_sub(1).map(|before| decision.order[machine][before]);
            let left = if id.continues(previous) { 0 } else { self.problem.tasks[id.task].launch[machine].0 };
            self.timeline.groups[id.task][id.group].start = Nanoseconds(self.now);
            self.running[machine] = Some(Running { id, phase: Phase::Launch, left, rate: 0, demand: 0 });
            self.next_in_order[machine] += 1;
            started = true;
        }
        Ok(started)
    }

    fn is_ready(&self, id: GroupId) -> bool {
        let task = &self.problem.tasks[id.task];
        self.ended[id.task] == id.group
            && task.release.0 <= self.now
            && task.after.iter().all(|&before| self.ended[before] == self.problem.tasks[before].groups.len())
    }

    fn set_rates(&mut self) {
        let total: u32 = self.running.iter().flatten().map(|running| running.demand).sum();
        for (machine, running) in self.running.iter_mut().enumerate() {
            let Some(running) = running else { continue };
            let (own, external) = (running.demand, total - running.demand);
            running.rate = match running.phase {
                Phase::Work => {
                    u64::from(self.problem.rate(machine, MegabytesPerSecond(own), MegabytesPerSecond(external)).0)
                }
                _ => 1,
            };
        }
    }

    /// Time until a phase ends or a task is released; `None` where nothing more happens.
    fn time_to_next_event(&self) -> Option<u64> {
        let ends = self.running.iter().flatten().map(|running| running.left.div_ceil(running.rate));
        let end = ends.min();
        if self.now >= self.last_release {
            return end;
        }
        let releases =
            self.problem.tasks.iter().filter_map(|task| task.release.0.checked_sub(self.now)).filter(|&wait| wait > 0);
        releases.chain(end).min()
    }

    fn advance(&mut self, length: u64) {
        self.now += length;
        for running in self.running.iter_mut().flatten() {
            running.left = running.left.saturating_sub(running.rate * length);
        }
    }

    fn never_started(&self) -> Vec<GroupId> {
        let ended = &self.ended;
        (0..self.problem.tasks.len())
            .flat_map(|task| {
                (ended[task]..self.problem.tasks[task].groups.len()).map(move |group| GroupId { task, group })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::LayerRange;
    use crate::platform::{ContentionCurve, SlowdownTable};
    use crate::problem::{Cost, Group, Machine, Task};

    /// Halves the speed of whoever works beside anybody.
    fn halving() -> ContentionCurve {
        let (own, external) = (vec![0.0], vec![0.0, 0.001]);
        ContentionCurve::Table(SlowdownTable { own, external, speed: vec![vec![1.0, 0.5]] })
    }

    fn machine(curve: ContentionCurve) -> Machine {
        Machine { name: "a".into(), curve, pays_network_io: false, ..Machine::default() }
    }

    /// A task whose groups work `works[group]` on every accelerator, enter in 5 and leave in 3, launch in `launch`.
    fn task(works: &[u64], launch: u64) -> Task {
        let cost = |work: u64| Cost {
            work: Nanoseconds(work),
            demand: MegabytesPerSecond(1000),
            entry: Nanoseconds(5),
            exit: Nanoseconds(3),
        };
        let group = |&work: &u64| Group {
            layers: LayerRange { first: 0, last: 1 },
            costs: vec![Some(cost(work)); 2],
            tail: false,
        };
        Task {
            name: "t".into(),
            title: "T".into(),
            groups: works.iter().map(group).collect(),
            launch: vec![Nanoseconds(launch); 2],
            release: Nanoseconds(0),
            after: vec![],
            ..Task::default()
        }
    }

    fn problem(tasks: Vec<Task>) -> Problem {
        Problem {
            machines: vec![machine(halving()), machine(halving())],
            tasks,
            max_transitions: None,
            ..Problem::default()
        }
    }

    fn id(task: usize, group: usize) -> GroupId {
        GroupId { task, group }
    }

    /// Start and end of every group must be as given.
    fn check(problem: &Problem, placement: &[&[usize]], order: [&[GroupId]; 2], expected: &[&[(u64, u64)]]) {
        let placement = placement.iter().map(|machines| machines.to_vec()).collect();
        let decision = Decision { placement, order: order.iter().map(|ids| ids.to_vec()).collect() };
        let timeline = evaluate(problem, &decision).expect("the decision has a timeline");
        let spans: Vec<Vec<(u64, u64)>> = timeline
            .groups
            .iter()
            .map(|groups| groups.iter().map(|group| (group.start.0, group.end.0)).collect())
            .collect();
        assert_eq!(spans, expected);
    }

    #[test]
    fn a_chain_alone_runs_at_full_speed() {
        check(
            &problem(vec![task(&[100, 50], 0)]),
            &[&[0, 0]],
            [&[id(0, 0), id(0, 1)], &[]],
            &[&[(0, 100), (100, 150)]],
        );
    }

    #[test]
    fn a_change_of_accelerator_pays_exit_launch_and_entry() {
        // 10 launch + 100 work + 3 exit; 10 launch + 5 entry + 50 work.
        check(&problem(vec![task(&[100, 50], 10)]), &[&[0, 1]], [&[id(0, 0)], &[id(0, 1)]], &[&[(0, 113), (113, 178)]]);
    }

    #[test]
    fn a_launch_is_due_again_after_another_task_ran_in_between() {
        let problem = problem(vec![task(&[100, 50], 10), task(&[20], 10)]);
        let order = [id(0, 0), id(1, 0), id(0, 1)];
        check(&problem, &[&[0, 0], &[0]], [&order, &[]], &[&[(0, 110), (140, 200)], &[(110, 140)]]);
    }

    #[test]
    fn groups_slow_each_other_only_while_both_work() {
        // Both at half speed until 40 of work are done at 80; the other 60 take 60.
        let problem = problem(vec![task(&[100], 0), task(&[40], 0)]);
        check(&problem, &[&[0], &[1]], [&[id(0, 0)], &[id(1, 0)]], &[&[(0, 140)], &[(0, 80)]]);
    }

    #[test]
    fn a_transition_neither_slows_nor_is_slowed() {
        // Task 1 leaves accelerator 1 from 80 to 83 and enters accelerator 0 after task 0, which ends at 140.
        let problem = problem(vec![task(&[100], 0), task(&[40, 10], 0)]);
        let order: [&[GroupId]; 2] = [&[id(0, 0), id(1, 1)], &[id(1, 0)]];
        check(&problem, &[&[0], &[1, 0]], order, &[&[(0, 140)], &[(0, 83), (140, 155)]]);
    }

    #[test]
    fn odd_work_at_half_speed_is_rounded_up_once_at_its_end() {
        let mut problem = problem(vec![task(&[101], 0), task(&[33], 0)]);
        problem.machines[1].curve = ContentionCurve::None;
        // 33 at half speed leave 84.5 of 101 at 33.
        check(&problem, &[&[0], &[1]], [&[id(0, 0)], &[id(1, 0)]], &[&[(0, 118)], &[(0, 33)]]);
    }

    #[test]
    fn releases_and_edges_delay_the_first_group() {
        let mut problem = problem(vec![task(&[100], 0), task(&[10], 0)]);
        problem.tasks[0].release = Nanoseconds(30);
        problem.tasks[1].after = vec![0];
        check(&problem, &[&[0], &[1]], [&[id(0, 0)], &[id(1, 0)]], &[&[(30, 130)], &[(130, 140)]]);
    }

    #[test]
    fn network_input_and_output_are_paid_where_the_accelerator_says_so() {
        let mut problem = problem(vec![task(&[100], 0)]);
        problem.machines[0].pays_network_io = true;
        check(&problem, &[&[0]], [&[id(0, 0)], &[]], &[&[(0, 108)]]);
    }

    #[test]
    fn groups_without_work_end_where_they_start() {
        let problem = problem(vec![task(&[0, 0, 7], 0)]);
        let order = [id(0, 0), id(0, 1), id(0, 2)];
        check(&problem, &[&[0, 0, 0]], [&order, &[]], &[&[(0, 0), (0, 0), (0, 7)]]);
    }

    /// The decision must be refused with `expected`.
    fn refuse(problem: &Problem, placement: Vec<Vec<usize>>, order: Vec<Vec<GroupId>>, expected: &EvaluateError) {
        assert_eq!(evaluate(problem, &Decision { placement, order }).as_ref(), Err(expected));
    }

    #[test]
    fn refuses_an_order_that_waits_in_a_circle() {
        let problem = problem(vec![task(&[10, 10], 0), task(&[10, 10], 0)]);
        let order = vec![vec![id(0, 1), id(1, 0)], vec![id(1, 1), id(0, 0)]];
        let waiting = vec![id(0, 0), id(0, 1), id(1, 0), id(1, 1)];
        refuse(&problem, vec![vec![1, 0], vec![0, 1]], order, &EvaluateError::Deadlock { waiting });
    }

    #[test]
    fn refuses_a_group_where_it_cannot_run() {
        let mut problem = problem(vec![task(&[10], 0)]);
        problem.tasks[0].groups[0].costs[1] = None;
        let expected = EvaluateError::Unsupported { group: id(0, 0), machine: 1 };
        refuse(&problem, vec![vec![1]], vec![vec![], vec![id(0, 0)]], &expected);
    }

    #[test]
    fn refuses_orders_that_do_not_list_the_placed_groups() {
        let problem = problem(vec![task(&[10], 0)]);
        for (placement, order) in [
            (vec![vec![0]], vec![vec![id(0, 0)]]),
            (vec![vec![0]], vec![vec![], vec![id(0, 0)]]),
            (vec![vec![0]], vec![vec![id(0, 0), id(0, 0)], vec![]]),
            (vec![vec![0]], vec![vec![id(0, 1)], vec![]]),
            (vec![vec![7]], vec![vec![id(0, 0)], vec![]]),
            (vec![vec![]], vec![vec![], vec![]]),
            (vec![], vec![vec![], vec![]]),
        ] {
            refuse(&problem, placement, order, &EvaluateError::Malformed);
        }
    }
}
