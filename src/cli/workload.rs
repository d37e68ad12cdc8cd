//! `--workload`: from a workload file to the tasks that it asks for, one wish per frame.

use std::path::Path;
use std::str::FromStr;

use anyhow::anyhow;

use super::args::{ObjectiveArgument, TransitionLimit};
use super::failure::Failure;
use super::inputs;
use super::posing::{self, ProfileWish, TaskWish, Timing};
use crate::artifact::schedule::Places;
use crate::artifact::{self, Found, Workload, WorkloadTask};
use crate::group::GroupSpec;
use crate::network::Network;
use crate::problem::{Frame, Stream, unroll};
use crate::schedule::MOST_TASKS;
use crate::units::Nanoseconds;

/// What a workload file asks for: its tasks, and what holds where no flag says otherwise.
pub(super) struct Asked {
    pub(super) wishes: Vec<TaskWish>,
    pub(super) platform: Option<String>,
    pub(super) objective: Option<ObjectiveArgument>,
    pub(super) max_transitions: Option<TransitionLimit>,
    pub(super) latency_cap: Option<Nanoseconds>,
}

/// Reads the workload at `path`. Paths in it are relative to its folder; `groups` and `profiles` are the flags', for tasks
/// that name none.
pub(super) fn read(
    path: &Path,
    groups: Option<&GroupSpec>,
    profiles: impl FnOnce(&[Found<Network>]) -> Result<Vec<ProfileWish>, Failure>,
) -> Result<Asked, Failure> {
    let origin = path.display().to_string();
    let workload = artifact::read_workload(&artifact::read_text(path)?, &origin)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let of_file = |failure: Failure| failure.of_file(&origin);
    let networks = networks(&workload, folder).map_err(of_file)?;
    let flagged = profiles(&networks)?;
    let streams = streams(&workload, &networks).map_err(of_file)?;
    let frames = unroll(&streams, MOST_TASKS).map_err(|error| {
        of_file(error.into()).hint("give fewer `frames` or `instances`, or schedule a part of the workload")
    })?;
    let mut tasks = Vec::new();
    for (idx, (network, flagged)) in networks.into_iter().zip(flagged).enumerate() {
        tasks.push(wish(&workload.tasks[idx], idx, network, groups, flagged, folder).map_err(of_file)?);
    }
    let of_frame = |frame: Frame| {
        let places = tasks[frame.stream].timing.places.clone();
        let timing = Timing {
            name: Some(frame.name),
            title: Some(frame.title),
            release: frame.release,
            after: frame.after,
            due: frame.due,
            frame_of: frame.frame_of,
            places,
        };
        TaskWish { timing, ..tasks[frame.stream].clone() }
    };
    Ok(Asked {
        wishes: frames.into_iter().map(of_frame).collect(),
        platform: workload.platform.map(|platform| beside(&platform, is_platform_file(&platform), folder)),
        objective: workload.objective.map(Into::into),
        max_transitions: workload.max_transitions.map(|limit| TransitionLimit(limit.0)),
        latency_cap: workload.latency_cap,
    })
}

/// A path of the file as seen from the working folder; a name stays one.
fn beside(name: &str, is_file: bool, folder: &Path) -> String {
    if is_file { folder.join(name).display().to_string() } else { name.to_owned() }
}

fn is_platform_file(name: &str) -> bool {
    let extension = Path::new(name).extension();
    name.contains('/') || extension.is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// The network of every task; one that several name is read once.
fn networks(workload: &Workload, folder: &Path) -> Result<Vec<Found<Network>>, Failure> {
    let mut networks: Vec<Found<Network>> = Vec::new();
    for (idx, task) in workload.tasks.iter().enumerate() {
        let known = workload.tasks[..idx].iter().position(|other| other.network == task.network);
        let network = known.map(|known| networks[known].clone());
        let look_up = || {
            let name = beside(&task.network, inputs::is_file_name(&task.network), folder);
            inputs::network(&name).map_err(|failure| failure.of_file(&format!("tasks[{idx}].network")))
        };
        networks.push(network.map_or_else(look_up, Ok)?);
    }
    Ok(networks)
}

fn streams(workload: &Workload, networks: &[Found<Network>]) -> Result<Vec<Stream>, Failure> {
    let name = |(task, network): (&WorkloadTask, &Found<Network>)| {
        task.name.clone().unwrap_or_else(|| network.value.name.clone())
    };
    let names: Vec<String> = workload.tasks.iter().zip(networks).map(name).collect();
    for (idx, name) in names.iter().enumerate() {
        if let Some(first) = names[..idx].iter().position(|other| other == name) {
            let error = anyhow!("tasks[{idx}].name: `{name}` is what tasks[{first}] is called too");
            return Err(Failure::from(error).hint("give one of them another `name`, or `instances: 2` to one task"));
        }
    }
    let tasks = workload.tasks.iter().enumerate();
    tasks.map(|(idx, task)| stream(task, idx, &names, &networks[idx].value)).collect()
}

fn stream(task: &WorkloadTask, idx: usize, names: &[String], network: &Network) -> Result<Stream, Failure> {
    let position = |(at, before): (usize, &String)| {
        names.iter().position(|name| name == before).ok_or_else(|| {
            anyhow!("tasks[{idx}].after[{at}]: there is no task `{before}`; there are {}", names.join(", "))
        })
    };
    Ok(Stream {
        name: names[idx].clone(),
        title: task.name.clone().unwrap_or_else(|| network.title.clone()),
        n_instances: task.n_instances,
        n_frames: task.n_frames,
        release: task.release,
        period: task.period,
        n_in_flight: task.n_in_flight,
        deadline: task.deadline,
        weight: task.weight,
        after: task.after.iter().enumerate().map(position).collect::<Result<_, _>>()?,
    })
}

/// What all frames of a task have alike.
fn wish(
    task: &WorkloadTask,
    idx: usize,
    network: Found<Network>,
    groups: Option<&GroupSpec>,
    flagged: ProfileWish,
    folder: &Path,
) -> Result<TaskWish, Failure> {
    let own = task.groups.as_deref().map(GroupSpec::from_str).transpose();
    let own = own.map_err(|error| anyhow!("tasks[{idx}].groups: {error}"))?;
    let profile = match &task.profile {
        None => flagged,
        Some(path) => {
            let found = posing::read_profile(&folder.join(path))?;
            let (of, name) = (&found.value.network, &network.value.name);
            if of != name {
                return Err(anyhow!("tasks[{idx}].profile: is a profile of `{of}`, not of `{name}`").into());
            }
            ProfileWish::Given(Box::new(found))
        }
    };
    let places = Places { on: task.on.clone(), not_on: task.not_on.clone() };
    let timing = Timing { places, ..Timing::default() };
    Ok(TaskWish { network, groups: own.or_else(|| groups.cloned()), profile, timing })
}
