//! Whether a problem is one: shapes that fit, numbers within bounds in which no sum overflows, edges without a circle,
//! and a placement for every task under the transition limit.

use std::collections::HashSet;

use super::{Cost, GroupId, Problem, ProblemError, Task};
use crate::units::{MegabytesPerSecond, Nanoseconds};

/// Longest time of anything: one hour.
pub(super) const LONGEST: Nanoseconds = Nanoseconds(3_600_000_000_000);

/// Most time in all, every group on its slowest accelerator with all costs paid: a thousand hours. At the slowest
/// speed, one permille, it ends before 2^63 nanoseconds.
pub(super) const LONGEST_IN_ALL: Nanoseconds = Nanoseconds(1000 * LONGEST.0);

/// Highest demand of a group: 100 TB/s, of which `MOST_MACHINES` add up within 32 bits.
pub const HIGHEST_DEMAND: MegabytesPerSecond = MegabytesPerSecond(100_000_000);

/// Most accelerators.
pub(super) const MOST_MACHINES: usize = 32;

impl Problem {
    /// Whether the problem can be scheduled; every function of `schedule` assumes that it holds.
    pub fn validate(&self) -> Result<(), ProblemError> {
        self.validate_machines()?;
        if self.tasks.is_empty() {
            return Err(ProblemError::NoTasks);
        }
        unique("tasks", self.tasks.iter().map(|task| task.name.as_str()))?;
        self.tasks.iter().try_for_each(|task| self.validate_task(task))?;
        self.validate_edges()?;
        (0..self.tasks.len()).try_for_each(|task| self.validate_frame(task))?;
        self.validate_total()?;
        (0..self.tasks.len()).try_for_each(|task| self.validate_plan(task))
    }

    /// Fewest counted changes of accelerator with which `task` can be placed; `None` where it can't be placed at all.
    pub fn fewest_transitions(&self, task: usize) -> Option<usize> {
        let groups = &self.tasks[task].groups;
        let mut fewest: Vec<Option<usize>> = groups.first()?.costs.iter().map(|cost| cost.map(|_| 0)).collect();
        for group in &groups[1..] {
            let step = usize::from(!group.tail);
            let moved = fewest.iter().flatten().min().map(|count| count + step);
            let reach = |(stayed, cost): (&Option<usize>, &Option<Cost>)| {
                cost.and_then(|_| [*stayed, moved].into_iter().flatten().min())
            };
            fewest = fewest.iter().zip(&group.costs).map(reach).collect();
        }
        fewest.into_iter().flatten().min()
    }

    /// A group as people read it: ``group 10-23 of `googlenet` ``.
    pub fn describe(&self, id: GroupId) -> String {
        let task = &self.tasks[id.task];
        format!("group {} of `{}`", task.groups[id.group].layers, task.name)
    }

    fn validate_machines(&self) -> Result<(), ProblemError> {
        let count = self.machines.len();
        match count {
            0 => return Err(ProblemError::NoMachines),
            1..=MOST_MACHINES => {}
            _ => return Err(ProblemError::TooManyMachines { count, limit: MOST_MACHINES }),
        }
        unique("accelerators", self.machines.iter().map(|machine| machine.name.as_str()))?;
        self.machines.iter().try_for_each(|machine| {
            let wrong = |reason| ProblemError::Curve { accelerator: machine.name.clone(), reason };
            machine.curve.validate().map_err(wrong)
        })
    }

    fn validate_task(&self, task: &Task) -> Result<(), ProblemError> {
        let name = &task.name;
        if task.groups.is_empty() {
            return Err(ProblemError::NoGroups { task: name.clone() });
        }
        let expected = self.machines.len();
        shape(task.launch.len(), expected, || format!("the list of launch costs of `{name}`"))?;
        within(task.release, || format!("the release of `{name}`"))?;
        if let Some(due) = task.due {
            within(due.at, || format!("the deadline of `{name}`"))?;
        }
        for (machine, &launch) in self.machines.iter().zip(&task.launch) {
            within(launch, || format!("the launch cost of `{name}` on `{}`", machine.name))?;
        }
        validate_chain(task)?;
        (0..task.groups.len()).try_for_each(|group| self.validate_group(task, group))
    }

    fn validate_group(&self, task: &Task, group: usize) -> Result<(), ProblemError> {
        let group = &task.groups[group];
        let of = format!("group {} of `{}`", group.layers, task.name);
        shape(group.costs.len(), self.machines.len(), || format!("the list of costs of {of}"))?;
        if group.costs.iter().all(Option::is_none) {
            return Err(ProblemError::NoTime { task: task.name.clone(), layers: group.layers.to_string() });
        }
        for (machine, cost) in self.machines.iter().zip(&group.costs) {
            let Some(cost) = cost else { continue };
            let of = format!("of {of} on `{}`", machine.name);
            within(cost.work, || format!("the time {of}"))?;
            within(cost.entry, || format!("the entry cost {of}"))?;
            within(cost.exit, || format!("the exit cost {of}"))?;
            servable(cost.demand, &of)?;
        }
        Ok(())
    }

    /// A further frame follows the first one of its stream in the list and costs the same.
    fn validate_frame(&self, idx: usize) -> Result<(), ProblemError> {
        let task = &self.tasks[idx];
        let Some(leader) = task.frame_of else { return Ok(()) };
        let leads =
            |leader: &Task| leader.frame_of.is_none() && leader.groups == task.groups && leader.launch == task.launch;
        if leader < idx && leads(&self.tasks[leader]) {
            return Ok(());
        }
        Err(ProblemError::NoFrame { task: task.name.clone() })
    }

    fn validate_edges(&self) -> Result<(), ProblemError> {
        let count = self.tasks.len();
        for task in &self.tasks {
            if let Some(&before) = task.after.iter().find(|&&before| before >= count) {
                return Err(ProblemError::UnknownEdge { task: task.name.clone(), before, count });
            }
        }
        let circle = self.tasks_in_circles();
        if circle.is_empty() { Ok(()) } else { Err(ProblemError::CyclicEdges { tasks: circle }) }
    }

    /// Names of the tasks that never become free when tasks end in the order of their edges.
    fn tasks_in_circles(&self) -> Vec<String> {
        let mut ended = vec![false; self.tasks.len()];
        let free = |ended: &[bool], task: &Task| task.after.iter().all(|&before| ended[before]);
        while let Some(next) = (0..ended.len()).find(|&idx| !ended[idx] && free(&ended, &self.tasks[idx])) {
            ended[next] = true;
        }
        self.tasks.iter().zip(ended).filter(|(_, ended)| !ended).map(|(task, _)| task.name.clone()).collect()
    }

    fn validate_total(&self) -> Result<(), ProblemError> {
        if self.longest_serial() > LONGEST_IN_ALL {
            return Err(ProblemError::TotalTooLong { limit: hours(LONGEST_IN_ALL) });
        }
        Ok(())
    }

    /// Everything one after the other, every group on its slowest accelerator with all costs paid, without contention.
    pub fn longest_serial(&self) -> Nanoseconds {
        let groups = self.tasks.iter().flat_map(|task| task.groups.iter().map(move |group| (task, group)));
        let longest = groups.filter_map(|(task, group)| {
            let costs = group.costs.iter().zip(&task.launch);
            costs.filter_map(|(cost, &launch)| Some((launch + occupied(cost.as_ref()?)).0)).max()
        });
        let releases = self.tasks.iter().map(|task| task.release.0);
        Nanoseconds(longest.chain(releases).fold(0, u64::saturating_add))
    }

    fn validate_plan(&self, task: usize) -> Result<(), ProblemError> {
        let Some(limit) = self.max_transitions else { return Ok(()) };
        match self.fewest_transitions(task) {
            Some(needed) if needed > limit => {
                Err(ProblemError::NoPlan { task: self.tasks[task].name.clone(), needed, limit })
            }
            _ => Ok(()),
        }
    }
}

fn occupied(cost: &Cost) -> Nanoseconds {
    cost.entry + cost.work + cost.exit
}

/// Refuses groups that hold no layer, overlap or leave a gap.
fn validate_chain(task: &Task) -> Result<(), ProblemError> {
    let mut expected = task.groups[0].layers.first;
    for layers in task.groups.iter().map(|group| group.layers) {
        let name = task.name.clone();
        if layers.is_empty() {
            return Err(ProblemError::EmptyGroup { task: name, layer: layers.first });
        }
        if layers.first != expected {
            return Err(ProblemError::BrokenChain { task: name, layers: layers.to_string(), expected });
        }
        expected = layers.last;
    }
    Ok(())
}

fn unique<'a>(what: &'static str, names: impl Iterator<Item = &'a str>) -> Result<(), ProblemError> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(ProblemError::DuplicateName { what, name: name.to_owned() });
        }
    }
    Ok(())
}

fn shape(found: usize, expected: usize, what: impl Fn() -> String) -> Result<(), ProblemError> {
    if found == expected { Ok(()) } else { Err(ProblemError::Shape { what: what(), found, expected }) }
}

fn within(time: Nanoseconds, what: impl Fn() -> String) -> Result<(), ProblemError> {
    if time <= LONGEST { Ok(()) } else { Err(ProblemError::TooLong { what: what(), limit: hours(LONGEST) }) }
}

fn servable(demand: MegabytesPerSecond, of: &str) -> Result<(), ProblemError> {
    if demand <= HIGHEST_DEMAND {
        return Ok(());
    }
    let what = format!("the memory demand {of}");
    let (demand, limit) = (demand.to_gigabytes_per_second(), HIGHEST_DEMAND.to_gigabytes_per_second());
    Err(ProblemError::DemandTooHigh { what, demand: demand.to_string(), limit: limit.to_string() })
}

fn hours(time: Nanoseconds) -> String {
    format!("{} hour(s)", time.0 / LONGEST.0)
}
