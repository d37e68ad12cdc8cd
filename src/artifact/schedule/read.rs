//! From a schedule file back to a decision and its timeline. Refuses what can't be understood; whether the schedule is
//! right is for `check` to judge.

use anyhow::{Context, Result, bail};

use super::{GroupField, OrderField, PinField, ScheduleFile};
use crate::artifact::field::from_json;
use crate::artifact::profile::check_range;
use crate::problem::{GroupId, Problem};
use crate::schedule::{Decision, Occupation, Timeline};
use crate::units::Nanoseconds;

/// The latest moment that a file may name: what every reader of JSON holds exactly, about 104 days.
const LATEST_NS: u64 = 1 << 53;

/// Reads a schedule file's `text`; errors begin with `origin`, the path that people know the file by.
pub fn read_schedule(text: &str, origin: &str) -> Result<ScheduleFile> {
    from_json::<ScheduleFile>(text).and_then(ScheduleFile::checked).with_context(|| origin.to_owned())
}

impl ScheduleFile {
    fn checked(self) -> Result<Self> {
        if self.tasks.is_empty() {
            bail!("tasks: empty; a schedule has at least one task");
        }
        unique(&self.accelerators, "accelerators", "")?;
        let names: Vec<_> = self.tasks.iter().map(|task| task.name.clone()).collect();
        unique(&names, "tasks", ".name")?;
        for (idx, task) in self.tasks.iter().enumerate() {
            let at = format!("tasks[{idx}]");
            check_moment(task.release_ns, &format!("{at}.release_ns"))?;
            check_groups(&task.groups, &format!("{at}.groups"))?;
            for (position, before) in task.after.iter().enumerate() {
                position_of(before, &names, &format!("{at}.after[{position}]"))?;
            }
            if let Some(due) = task.due {
                check_moment(due.at_ns, &format!("{at}.due.at_ns"))?;
            }
            if let Some(first) = &task.frame_of {
                position_of(first, &names, &format!("{at}.frame_of"))?;
            }
            for (key, places) in [("on", &task.on), ("not_on", &task.not_on)] {
                for (position, name) in places.iter().enumerate() {
                    position_of(name, &self.accelerators, &format!("{at}.{key}[{position}]"))?;
                }
            }
        }
        for (idx, PinField { layers, .. }) in self.pins.iter().enumerate() {
            if let Some([first, last]) = layers
                && first >= last
            {
                bail!("pins[{idx}].layers: [{first}, {last}] holds no layer");
            }
        }
        self.decision_among(&self.accelerators)?;
        Ok(self)
    }

    /// The decision and the timeline in terms of `problem`, which must have the same accelerators, tasks and groups.
    pub fn decision(&self, problem: &Problem) -> Result<(Decision, Timeline)> {
        let machines: Vec<_> = problem.machines.iter().map(|machine| machine.name.clone()).collect();
        if self.tasks.len() != problem.tasks.len() {
            bail!("tasks: the schedule has {}, asked for are {}", self.tasks.len(), problem.tasks.len());
        }
        for (idx, (field, task)) in self.tasks.iter().zip(&problem.tasks).enumerate() {
            if field.name != task.name {
                bail!("tasks[{idx}].name: the schedule has `{}`, asked for is `{}`", field.name, task.name);
            }
            let ranges = task.groups.iter().map(|group| [group.layers.first, group.layers.last]);
            if !field.groups.iter().map(|group| group.layers).eq(ranges) {
                bail!("tasks[{idx}].groups: `{}` is cut into other groups than in its profile", field.name);
            }
        }
        let timeline = self.tasks.iter().map(|task| task.groups.iter().map(occupation).collect());
        Ok((self.decision_among(&machines)?, Timeline { groups: timeline.collect() }))
    }

    /// The decision with accelerators as positions in `machines`.
    fn decision_among(&self, machines: &[String]) -> Result<Decision> {
        let mut placement = Vec::with_capacity(self.tasks.len());
        for (task_idx, task) in self.tasks.iter().enumerate() {
            let machine_of = |(idx, group): (usize, &GroupField)| {
                position_of(&group.accelerator, machines, &format!("tasks[{task_idx}].groups[{idx}].accelerator"))
            };
            placement.push(task.groups.iter().enumerate().map(machine_of).collect::<Result<_>>()?);
        }
        let mut order = vec![None; machines.len()];
        for (idx, field) in self.order.iter().enumerate() {
            let machine = position_of(&field.accelerator, machines, &format!("order[{idx}].accelerator"))?;
            if order[machine].replace(self.group_ids(field, &format!("order[{idx}].groups"))?).is_some() {
                bail!("order[{idx}].accelerator: `{}` is listed twice", field.accelerator);
            }
        }
        let listed = |(idx, order): (usize, Option<Vec<GroupId>>)| {
            order.with_context(|| format!("order: accelerator `{}` is missing", machines[idx]))
        };
        Ok(Decision { placement, order: order.into_iter().enumerate().map(listed).collect::<Result<_>>()? })
    }

    fn group_ids(&self, field: &OrderField, at: &str) -> Result<Vec<GroupId>> {
        let mut ids = Vec::with_capacity(field.groups.len());
        for (idx, reference) in field.groups.iter().enumerate() {
            let task = self.tasks.iter().position(|task| task.name == reference.task);
            let task = task.with_context(|| format!("{at}[{idx}].task: no task `{}`", reference.task))?;
            let n_groups = self.tasks[task].groups.len();
            if reference.group >= n_groups {
                bail!("{at}[{idx}].group: {} of {n_groups} groups, counted from 0", reference.group);
            }
            ids.push(GroupId { task, group: reference.group });
        }
        Ok(ids)
    }
}

fn unique(names: &[String], path: &str, key: &str) -> Result<()> {
    for (idx, name) in names.iter().enumerate() {
        if names[..idx].contains(name) {
            bail!("{path}[{idx}]{key}: `{name}` is there twice");
        }
    }
    Ok(())
}

fn position_of(name: &str, names: &[String], path: &str) -> Result<usize> {
    let position = names.iter().position(|known| known == name);
    position.with_context(|| format!("{path}: `{name}` is none of {}", names.join(", ")))
}

fn check_groups(groups: &[GroupField], path: &str) -> Result<()> {
    if groups.is_empty() {
        bail!("{path}: empty; a task has at least one group");
    }
    let mut next = 0;
    for (idx, group) in groups.iter().enumerate() {
        next = check_range(group.layers, next, &format!("{path}[{idx}].layers"))?;
        check_phases(group, &format!("{path}[{idx}]"))?;
    }
    Ok(())
}

fn check_phases(group: &GroupField, at: &str) -> Result<()> {
    let phases = [("launch", group.launch), ("in", group.entry), ("work", group.work), ("out", group.exit)];
    let mut before = ("launch", group.launch[0]);
    for (name, [start, end]) in phases {
        if start != before.1 {
            bail!("{at}.{name}: begins at {start} ns, but `{}` ends at {} ns", before.0, before.1);
        }
        if end < start {
            bail!("{at}.{name}: ends at {end} ns, before it begins at {start} ns");
        }
        check_moment(end, &format!("{at}.{name}"))?;
        before = (name, end);
    }
    Ok(())
}

fn check_moment(moment: u64, path: &str) -> Result<()> {
    if moment > LATEST_NS {
        bail!("{path}: {moment} ns is later than {LATEST_NS} ns");
    }
    Ok(())
}

fn occupation(group: &GroupField) -> Occupation {
    Occupation {
        start: Nanoseconds(group.launch[0]),
        launched: Nanoseconds(group.launch[1]),
        entered: Nanoseconds(group.entry[1]),
        worked: Nanoseconds(group.work[1]),
        end: Nanoseconds(group.exit[1]),
    }
}
