//! From a schedule file back to the problem it was made of, refusing whatever has changed since.

use std::path::Path;

use anyhow::{Context, Result, bail};

use super::failure::Failure;
use super::inputs;
use super::posing::{self, MODELLED, Posed, ProfileWish, TaskWish, Terms, Timing};
use crate::artifact::schedule::{Places, Reference, TaskField};
use crate::artifact::{self, ScheduleFile};
use crate::group::GroupSpec;
use crate::problem::Due;
use crate::schedule::{self, Decision, Timeline};
use crate::units::Nanoseconds;

/// A schedule file with its problem.
pub(super) struct Replay {
    pub(super) file: ScheduleFile,
    pub(super) posed: Posed,
    pub(super) decision: Decision,
    pub(super) timeline: Timeline,
}

/// Reads the schedule at `path` and poses its problem again from the same networks, profiles and platform.
pub(super) fn read(path: &Path) -> Result<Replay, Failure> {
    let origin = path.display().to_string();
    let file = artifact::read_schedule(&artifact::read_text(path)?, &origin)?;
    let changed = |what: String| {
        Failure::from(anyhow::anyhow!("{origin}: {what} since the schedule was made"))
            .hint("run `haxconn schedule` again")
    };
    let platform = inputs::platform(platform_choice(&file.platform)).map_err(|failure| failure.of_file(&origin))?;
    if platform.sha256 != file.platform.sha256 {
        return Err(changed(format!("platform `{}` has changed", file.platform.name)));
    }
    let mut wishes = Vec::new();
    for (idx, task) in file.tasks.iter().enumerate() {
        let wish = wish(&file, task, idx).map_err(|failure| failure.of_file(&origin))?;
        if wish.network.value.content_hash != task.network_hash {
            return Err(changed(format!("network `{}` has changed", task.network)));
        }
        wishes.push(wish);
    }
    let contention = posing::contention_of(&file.contention).with_context(|| origin.clone())?;
    let pins = file.pins.iter().map(Into::into).collect();
    let latency_cap = file.latency_cap_ns.map(Nanoseconds);
    let terms = Terms { pins, max_transitions: file.max_transitions.0, latency_cap, contention };
    let posed = posing::pose(wishes, platform, terms).map_err(|failure| failure.of_file(&origin))?;
    for (idx, (used, network)) in posed.profiles.iter().zip(&posed.networks).enumerate() {
        let recorded = reference(&file.profiles, idx, &network.value.name).with_context(|| origin.clone())?;
        if recorded.sha256 != used.sha256 {
            return Err(changed(format!("the profile of `{}` ({}) has changed", recorded.name, used.origin)));
        }
    }
    let (decision, timeline) = file.decision(&posed.problem).with_context(|| origin.clone())?;
    Ok(Replay { file, posed, decision, timeline })
}

impl Replay {
    /// Every fault that the judge finds, one sentence each; none where the schedule is right.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = self.file.contradictions();
        let problem = &self.posed.problem;
        faults.extend(self.file.disagreements(problem, &self.decision));
        if let Err(violations) = schedule::check(problem, &self.decision, &self.timeline) {
            faults.extend(violations.into_iter().map(|violation| violation.message));
            return faults;
        }
        let value =
            schedule::check_value(problem, &self.decision, &self.timeline, self.file.objective, self.file.value);
        faults.extend(value.err().map(|violation| violation.message));
        faults
    }
}

/// What to look the platform up by: its path where it came from a file of no built-in's name.
fn platform_choice(platform: &Reference) -> &str {
    if Path::new(&platform.origin).extension().is_some() { &platform.origin } else { &platform.name }
}

fn wish(file: &ScheduleFile, task: &TaskField, idx: usize) -> Result<TaskWish, Failure> {
    let network = inputs::network(&task.network)?;
    let recorded = reference(&file.profiles, idx, &network.value.name)?;
    let profile = match recorded.origin.as_str() {
        MODELLED => ProfileWish::Modelled,
        path if Path::new(path).extension().is_some() => {
            ProfileWish::Given(Box::new(posing::read_profile(Path::new(path))?))
        }
        _ => ProfileWish::Any,
    };
    let starts = task.groups.iter().map(|group| group.layers[0]).collect();
    Ok(TaskWish { network, groups: Some(GroupSpec::Cuts(starts)), profile, timing: timing(file, task) })
}

/// What the file says of a task's name, moments, edges and places. Names of tasks that aren't there have been refused.
fn timing(file: &ScheduleFile, task: &TaskField) -> Timing {
    let position = |name: &String| file.tasks.iter().position(|other| other.name == *name);
    Timing {
        name: Some(task.name.clone()),
        title: Some(task.title.clone()),
        release: Nanoseconds(task.release_ns),
        after: task.after.iter().filter_map(position).collect(),
        due: task.due.map(|due| Due { at: Nanoseconds(due.at_ns), weight: due.weight }),
        frame_of: task.frame_of.as_ref().and_then(position),
        places: Places { on: task.on.clone(), not_on: task.not_on.clone() },
    }
}

/// The profile of the task at `idx`: names alone don't tell two networks of one file name apart.
fn reference<'a>(profiles: &'a [Reference], idx: usize, network: &str) -> Result<&'a Reference> {
    match profiles.get(idx) {
        Some(profile) if profile.name == network => Ok(profile),
        _ => bail!("profiles: there is none for `{network}`"),
    }
}
