//! From profiles and a platform to a problem: milliseconds become nanoseconds, names become positions.

use super::{Cost, Due, Group, Machine, Problem, ProblemError, Task, instance_name};
use crate::platform::{Accelerator, ContentionCurve, Platform};
use crate::profile::{GroupCost, GroupProfile, NetworkProfile};
use crate::units::{GigabytesPerSecond, Milliseconds, Milliwatts, Nanoseconds};

/// Which contention curves a problem takes from its platform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Contention {
    /// Each accelerator's own curve, of whatever kind.
    #[default]
    Platform,
    /// The processor-centric model; an accelerator with a table is refused.
    Pccs,
    /// Measured tables; an accelerator with the processor-centric model is refused.
    Table,
    /// None: contention-blind.
    None,
}

/// What is decided about a problem besides its profiles.
#[derive(Clone, Debug, PartialEq)]
pub struct PoseOptions {
    /// Most changes of accelerator per task; `None` is unlimited.
    pub max_transitions: Option<usize>,
    /// Which contention curves hold.
    pub contention: Contention,
    /// Whether a group may run on an accelerator, by task, group and accelerator of the platform; empty pins nothing.
    pub allowed: Vec<Vec<Vec<bool>>>,
    /// Names of the tasks; empty calls them by their networks.
    pub names: Vec<String>,
    /// Their names for people; empty calls them by their networks' titles.
    pub titles: Vec<String>,
    /// Earliest start of each task; empty is zero for all.
    pub releases: Vec<Nanoseconds>,
    /// Tasks that must end before each task starts; empty is none.
    pub after: Vec<Vec<usize>>,
    /// When each task should have ended; empty is none.
    pub due: Vec<Option<Due>>,
    /// Of which earlier task each one is a further frame; empty is none.
    pub frame_of: Vec<Option<usize>>,
    /// Longest time from a task's release to its end; `None` is unlimited.
    pub latency_cap: Option<Nanoseconds>,
}

impl Default for PoseOptions {
    fn default() -> Self {
        Self {
            max_transitions: Some(2),
            contention: Contention::Platform,
            allowed: Vec::new(),
            names: Vec::new(),
            titles: Vec::new(),
            releases: Vec::new(),
            after: Vec::new(),
            due: Vec::new(),
            frame_of: Vec::new(),
            latency_cap: None,
        }
    }
}

impl Problem {
    /// The problem of running one task per profile on `platform`; the same profile may be given several times.
    pub fn pose(
        profiles: &[&NetworkProfile],
        platform: &Platform,
        options: &PoseOptions,
    ) -> Result<Self, ProblemError> {
        belong_together(profiles, platform)?;
        has_entry_each("the list of names", options.names.len(), profiles.len())?;
        has_entry_each("the list of titles", options.titles.len(), profiles.len())?;
        has_entry_each("the list of releases", options.releases.len(), profiles.len())?;
        has_entry_each("the list of edges", options.after.len(), profiles.len())?;
        has_entry_each("the list of deadlines", options.due.len(), profiles.len())?;
        has_entry_each("the list of frames", options.frame_of.len(), profiles.len())?;
        has_entry_each("the list of pins", options.allowed.len(), profiles.len())?;
        let machines =
            platform.accelerators.iter().map(|accelerator| machine(accelerator, platform, options.contention));
        let machines = machines.collect::<Result<Vec<_>, _>>()?;
        let names = if options.names.is_empty() { task_names(profiles) } else { options.names.clone() };
        let tasks = names.into_iter().enumerate();
        let tasks = tasks.map(|(idx, name)| task(name, profiles[idx], platform, options, idx));
        let problem = Self {
            machines,
            tasks: tasks.collect::<Result<_, _>>()?,
            max_transitions: options.max_transitions,
            latency_cap: options.latency_cap,
            idle_power: platform.idle_power.as_ref().map_or(Milliwatts::default(), |power| power.value),
        };
        problem.validate()?;
        Ok(problem)
    }
}

/// Refuses profiles of another platform, of other precisions or power modes, or with accelerators that aren't there.
fn belong_together(profiles: &[&NetworkProfile], platform: &Platform) -> Result<(), ProblemError> {
    for profile in profiles {
        of_platform(profile, platform)?;
    }
    same("precisions", profiles, |profile| Some(&profile.precision))?;
    same("power modes", profiles, |profile| profile.power_mode.as_ref())
}

fn of_platform(profile: &NetworkProfile, platform: &Platform) -> Result<(), ProblemError> {
    let network = profile.network.clone();
    let name = platform.name.clone();
    if profile.platform != name {
        return Err(ProblemError::OtherPlatform { network, profile: profile.platform.clone(), platform: name });
    }
    if profile.platform_hash.as_ref().is_some_and(|hash| *hash != platform.content_hash) {
        return Err(ProblemError::ChangedPlatform { network, platform: name });
    }
    let mut named = profile.groups.iter().flat_map(|group| group.costs.keys()).chain(profile.launch.keys());
    match named.find(|accelerator| platform.accelerator_index(accelerator).is_none()) {
        Some(accelerator) => {
            Err(ProblemError::UnknownAccelerator { network, accelerator: accelerator.clone(), platform: name })
        }
        None => Ok(()),
    }
}

/// Refuses profiles whose known values of `property` differ.
fn same(
    what: &'static str,
    profiles: &[&NetworkProfile],
    property: fn(&NetworkProfile) -> Option<&String>,
) -> Result<(), ProblemError> {
    let mut known = profiles.iter().filter_map(|profile| Some((profile, property(profile)?)));
    let Some((first, first_value)) = known.next() else { return Ok(()) };
    match known.find(|(_, value)| *value != first_value) {
        Some((second, second_value)) => Err(ProblemError::Mixed {
            what,
            first: first.network.clone(),
            first_value: first_value.clone(),
            second: second.network.clone(),
            second_value: second_value.clone(),
        }),
        None => Ok(()),
    }
}

/// An optional list: empty, or one entry for each task.
fn has_entry_each(what: &str, found: usize, expected: usize) -> Result<(), ProblemError> {
    if found == 0 || found == expected {
        return Ok(());
    }
    Err(ProblemError::Shape { what: what.to_owned(), found, expected })
}

fn machine(accelerator: &Accelerator, platform: &Platform, contention: Contention) -> Result<Machine, ProblemError> {
    let no_curve =
        |kind| ProblemError::NoCurve { accelerator: accelerator.name.clone(), platform: platform.name.clone(), kind };
    let curve = match (contention, &accelerator.contention) {
        (Contention::None, _) => ContentionCurve::None,
        (Contention::Pccs, ContentionCurve::Table(_)) => return Err(no_curve("pccs")),
        (Contention::Table, ContentionCurve::Pccs(_)) => return Err(no_curve("table")),
        (_, curve) => curve.clone(),
    };
    let Accelerator { pays_network_io, power, .. } = *accelerator;
    Ok(Machine { name: accelerator.name.clone(), curve, pays_network_io, power })
}

/// The networks' names; the second instance of `googlenet` is `googlenet#2`.
fn task_names(profiles: &[&NetworkProfile]) -> Vec<String> {
    let name = |(idx, profile): (usize, &&NetworkProfile)| {
        let earlier = profiles[..idx].iter().filter(|other| other.network == profile.network).count();
        instance_name(&profile.network, earlier)
    };
    profiles.iter().enumerate().map(name).collect()
}

fn task(
    name: String,
    profile: &NetworkProfile,
    platform: &Platform,
    options: &PoseOptions,
    idx: usize,
) -> Result<Task, ProblemError> {
    let pins = options.allowed.get(idx);
    if let Some(pins) = pins
        && pins.len() != profile.groups.len()
    {
        let what = format!("the list of pins of `{name}`");
        return Err(ProblemError::Shape { what, found: pins.len(), expected: profile.groups.len() });
    }
    let first_of_tail = first_of_tail(profile, platform);
    let group = |(group_idx, group_profile): (usize, &GroupProfile)| {
        let pins = pins.map(|pins| pins[group_idx].as_slice());
        group(&name, group_profile, platform, pins, group_idx >= first_of_tail)
    };
    let groups = profile.groups.iter().enumerate().map(group).collect::<Result<_, _>>()?;
    let launch = launches(profile, platform)?;
    let release = options.releases.get(idx).copied().unwrap_or_default();
    let after = options.after.get(idx).cloned().unwrap_or_default();
    let due = options.due.get(idx).copied().flatten();
    let frame_of = options.frame_of.get(idx).copied().flatten();
    let title = options.titles.get(idx).unwrap_or(&profile.title).clone();
    Ok(Task { name, title, groups, launch, release, after, due, frame_of })
}

/// Where the longest suffix of groups begins that some accelerator can't run, before pins. A network that some
/// accelerator can't run at all has no tail: nothing comes before it.
fn first_of_tail(profile: &NetworkProfile, platform: &Platform) -> usize {
    let runs_everywhere = |group: &GroupProfile| {
        platform.accelerators.iter().all(|accelerator| group.costs.contains_key(&accelerator.name))
    };
    profile.groups.iter().rposition(runs_everywhere).map_or(profile.groups.len(), |last| last + 1)
}

fn group(
    task: &str,
    profile: &GroupProfile,
    platform: &Platform,
    pins: Option<&[bool]>,
    tail: bool,
) -> Result<Group, ProblemError> {
    let layers = profile.layers;
    if let Some(pins) = pins
        && pins.len() != platform.accelerators.len()
    {
        let what = format!("the list of pins of group {layers} of `{task}`");
        return Err(ProblemError::Shape { what, found: pins.len(), expected: platform.accelerators.len() });
    }
    if profile.costs.is_empty() {
        return Err(ProblemError::NoTime { task: task.to_owned(), layers: layers.to_string() });
    }
    let mut costs = Vec::with_capacity(platform.accelerators.len());
    for (idx, accelerator) in platform.accelerators.iter().enumerate() {
        let of = format!("of group {layers} of `{task}` on `{}`", accelerator.name);
        let cost = profile.costs.get(&accelerator.name).map(|cost| convert(cost, &of, platform)).transpose()?;
        costs.push(cost.filter(|_| pins.is_none_or(|pins| pins[idx])));
    }
    if costs.iter().all(Option::is_none) {
        return Err(ProblemError::PinnedAway { task: task.to_owned(), layers: layers.to_string() });
    }
    Ok(Group { layers, costs, tail })
}

fn convert(cost: &GroupCost, of: &str, platform: &Platform) -> Result<Cost, ProblemError> {
    let demand = cost.demand.value;
    not_negative(demand.0, || format!("the memory demand {of}"))?;
    let peak = platform.peak_bandwidth.value;
    if demand > peak {
        let (demand, limit) = (demand.to_string(), peak.to_string());
        return Err(ProblemError::DemandTooHigh { what: format!("the memory demand {of}"), demand, limit });
    }
    Ok(Cost {
        work: nanoseconds(cost.time.value, || format!("the time {of}"))?,
        demand: GigabytesPerSecond(demand.0).to_megabytes_per_second(),
        entry: nanoseconds(cost.entry.value, || format!("the entry cost {of}"))?,
        exit: nanoseconds(cost.exit.value, || format!("the exit cost {of}"))?,
    })
}

fn launches(profile: &NetworkProfile, platform: &Platform) -> Result<Vec<Nanoseconds>, ProblemError> {
    let launch = |accelerator: &Accelerator| match profile.launch.get(&accelerator.name) {
        Some(launch) => {
            nanoseconds(launch.value, || format!("the launch cost of `{}` on `{}`", profile.network, accelerator.name))
        }
        None => Ok(Nanoseconds::ZERO),
    };
    platform.accelerators.iter().map(launch).collect()
}

/// Rounded half to even; how long it may be is for `validate` to say.
fn nanoseconds(time: Milliseconds, what: impl Fn() -> String) -> Result<Nanoseconds, ProblemError> {
    not_negative(time.0, what)?;
    Ok(time.to_nanoseconds())
}

fn not_negative(value: f64, what: impl Fn() -> String) -> Result<(), ProblemError> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(ProblemError::NotANumber { what: what(), value: value.to_string() })
}
