//! From networks and a platform to a problem: which profile each network gets, in which groups, under which pins.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};

use super::failure::Failure;
use super::inputs;
use crate::artifact::schedule::Places;
use crate::artifact::{self, Found, Origin, builtin};
use crate::group::{self, GroupSpec, Pin};
use crate::network::{Network, catalog};
use crate::platform::{Accelerator, ContentionCurve, Platform};
use crate::problem::{Contention, Due, PoseOptions, Problem, ProblemError};
use crate::profile::{self, GroupProfile, NetworkProfile};
use crate::units::Nanoseconds;

/// Which profile a network gets.
#[derive(Clone, Debug)]
pub(super) enum ProfileWish {
    /// The user's or the shipped one of that name, else the cost model's.
    Any,
    /// This one.
    Given(Box<Found<NetworkProfile>>),
    /// The cost model's.
    Modelled,
}

/// One task as it is asked for.
#[derive(Clone)]
pub(super) struct TaskWish {
    pub(super) network: Found<Network>,
    pub(super) groups: Option<GroupSpec>,
    pub(super) profile: ProfileWish,
    pub(super) timing: Timing,
}

/// What one task is called, when it may run and should have ended, and where it may run; nothing of it is asked for by
/// default. Tasks are positions in the list of wishes.
#[derive(Clone, Debug, Default)]
pub(super) struct Timing {
    /// Its name and its name for people, for all tasks or for none: by their networks.
    pub(super) name: Option<String>,
    pub(super) title: Option<String>,
    pub(super) release: Nanoseconds,
    pub(super) after: Vec<usize>,
    pub(super) due: Option<Due>,
    pub(super) frame_of: Option<usize>,
    pub(super) places: Places,
}

/// What holds for all tasks.
pub(super) struct Terms {
    pub(super) pins: Vec<Pin>,
    pub(super) max_transitions: Option<usize>,
    pub(super) latency_cap: Option<Nanoseconds>,
    pub(super) contention: Contention,
}

/// A profile as it is used, and where it comes from.
pub(super) struct UsedProfile {
    pub(super) profile: NetworkProfile,
    /// `modelled`, `built-in ..` or a path.
    pub(super) origin: String,
    /// Of the file, or of the profile that the cost model made, in its written form.
    pub(super) sha256: String,
}

/// Everything that a prediction rests on.
pub(super) struct Posed {
    pub(super) platform: Found<Platform>,
    /// One network per task.
    pub(super) networks: Vec<Found<Network>>,
    /// One profile per task, in the groups that are scheduled.
    pub(super) profiles: Vec<UsedProfile>,
    pub(super) pins: Vec<Pin>,
    /// Where each task may run.
    pub(super) places: Vec<Places>,
    pub(super) problem: Problem,
    /// What the user must know about where things came from.
    pub(super) remarks: Vec<String>,
}

/// Name of a profile's origin where the cost model made it.
pub(super) const MODELLED: &str = "modelled";

/// Characterises the tasks on `platform` and poses the problem of running them beside each other.
pub(super) fn pose(wishes: Vec<TaskWish>, platform: Found<Platform>, terms: Terms) -> Result<Posed, Failure> {
    let mut remarks: Vec<String> = wishes.iter().flat_map(|wish| inputs::announce("network", &wish.network)).collect();
    remarks.extend(inputs::announce("platform", &platform));
    let mut profiles = Vec::new();
    for wish in &wishes {
        profiles.push(profile_of(wish, &platform.value, &mut remarks)?);
    }
    let (networks, timings): (Vec<Found<Network>>, Vec<Timing>) =
        wishes.into_iter().map(|wish| (wish.network, wish.timing)).unzip();
    let places: Vec<Places> = timings.iter().map(|timing| timing.places.clone()).collect();
    let options = PoseOptions {
        max_transitions: terms.max_transitions,
        contention: terms.contention,
        allowed: allowed(&networks, &profiles, &platform.value, &terms.pins, &places)?,
        names: timings.iter().filter_map(|timing| timing.name.clone()).collect(),
        titles: timings.iter().filter_map(|timing| timing.title.clone()).collect(),
        releases: timings.iter().map(|timing| timing.release).collect(),
        after: timings.iter().map(|timing| timing.after.clone()).collect(),
        due: timings.iter().map(|timing| timing.due).collect(),
        frame_of: timings.iter().map(|timing| timing.frame_of).collect(),
        latency_cap: terms.latency_cap,
    };
    let tasks: Vec<&NetworkProfile> = profiles.iter().map(|used| &used.profile).collect();
    let problem = Problem::pose(&tasks, &platform.value, &options).map_err(|error| match error {
        ProblemError::NoPlan { .. } | ProblemError::PinnedAway { .. } => Failure::no_schedule(error),
        ProblemError::NoCurve { .. } => Failure::usage(format!("`--contention`: {error}")),
        error => error.into(),
    })?;
    remarks.dedup();
    Ok(Posed { platform, networks, profiles, pins: terms.pins, places, problem, remarks })
}

fn profile_of(wish: &TaskWish, platform: &Platform, remarks: &mut Vec<String>) -> Result<UsedProfile, Failure> {
    let network = &wish.network.value;
    let found = match &wish.profile {
        ProfileWish::Any => builtin::find_profile(&network.name, &platform.name, Path::new(""))?,
        ProfileWish::Given(found) => Some((**found).clone()),
        ProfileWish::Modelled => None,
    };
    let Some(found) = found else { return modelled(network, platform, wish.groups.as_ref()) };
    if let Err(error) = profile::validate(&found.value, network) {
        if matches!(found.origin, Origin::File(_)) {
            return Err(anyhow::Error::new(error).context(found.origin.to_string()).into());
        }
        remarks.push(format!("the shipped profile is of another `{}`: the cost model's is used", network.name));
        return modelled(network, platform, wish.groups.as_ref());
    }
    remarks.extend(inputs::announce("profile", &found));
    let origin = found.origin.to_string();
    let profile = regrouped(found.value, network, platform, wish.groups.as_ref())?;
    Ok(UsedProfile { profile, origin, sha256: found.sha256 })
}

fn modelled(network: &Network, platform: &Platform, spec: Option<&GroupSpec>) -> Result<UsedProfile, Failure> {
    let groups = inputs::split(network, platform, &spec.cloned().unwrap_or_default())?;
    let profile = profile::model(network, platform, &groups);
    let sha256 = artifact::sha256(artifact::write_profile(&profile)?.as_bytes());
    Ok(UsedProfile { profile, origin: MODELLED.to_owned(), sha256 })
}

/// The profile in the groups that are asked for; its own where nothing is asked.
fn regrouped(
    profile: NetworkProfile,
    network: &Network,
    platform: &Platform,
    spec: Option<&GroupSpec>,
) -> Result<NetworkProfile, Failure> {
    let own: Vec<usize> = profile.groups.iter().map(|group| group.layers.first).collect();
    // A profile made elsewhere may begin groups where this program wouldn't cut; they are what a schedule of it has.
    let Some(spec) = spec.filter(|spec| **spec != GroupSpec::Cuts(own)) else { return Ok(profile) };
    let starts: Vec<usize> = inputs::split(network, platform, spec)?.iter().map(|group| group.layers.first).collect();
    profile::merge_groups(&profile, &starts).map_err(|error| Failure::usage(format!("`--groups`: {error}")))
}

/// Which accelerators each group of each task may use; empty where nothing is pinned and every task may run anywhere.
fn allowed(
    networks: &[Found<Network>],
    profiles: &[UsedProfile],
    platform: &Platform,
    pins: &[Pin],
    places: &[Places],
) -> Result<Vec<Vec<Vec<bool>>>, Failure> {
    if pins.is_empty() && places.iter().all(|places| *places == Places::default()) {
        return Ok(Vec::new());
    }
    let known: Vec<&Network> = networks.iter().map(|found| &found.value).collect();
    group::check_pinned_networks(pins, &known).map_err(Failure::usage)?;
    let of_task = |((network, used), places): ((&&Network, &UsedProfile), &Places)| {
        check_places(places, network, platform)?;
        let pinned = pinned(network, used, platform, pins)?;
        let may = |(group, pinned): (&GroupProfile, Vec<bool>)| {
            let may_use =
                |(accelerator, pinned): (&Accelerator, bool)| pinned && may_be_on(&accelerator.name, group, places);
            platform.accelerators.iter().zip(pinned).map(may_use).collect()
        };
        Ok(used.profile.groups.iter().zip(pinned).map(may).collect())
    };
    known.iter().zip(profiles).zip(places).map(of_task).collect()
}

/// Which accelerators the pins leave to each group of a task.
fn pinned(network: &Network, used: &UsedProfile, platform: &Platform, pins: &[Pin]) -> Result<Vec<Vec<bool>>, Failure> {
    if !pins.iter().any(|pin| pin.is_for(network)) {
        return Ok(vec![vec![true; platform.accelerators.len()]; used.profile.groups.len()]);
    }
    let starts: Vec<usize> = used.profile.groups.iter().map(|group| group.layers.first).collect();
    let groups = group::between(network, &starts, &inputs::rules(platform));
    let names = group::allowed(network, &groups, pins).map_err(Failure::usage)?;
    let may = |names: &Vec<String>| platform.accelerators.iter().map(|one| names.contains(&one.name)).collect();
    Ok(names.iter().map(may).collect())
}

/// Refuses the name of an accelerator that the platform hasn't.
fn check_places(places: &Places, network: &Network, platform: &Platform) -> Result<(), Failure> {
    for (key, names) in [("on", &places.on), ("not_on", &places.not_on)] {
        if let Some(unknown) = names.iter().find(|name| platform.accelerator_index(name).is_none()) {
            let known: Vec<&str> = platform.accelerators.iter().map(|accelerator| &*accelerator.name).collect();
            let (network, known) = (&network.name, known.join(", "));
            return Err(Failure::usage(format!(
                "`{key}` of `{network}`: `{unknown}` is no accelerator of `{}`, which has {known}",
                platform.name
            )));
        }
    }
    Ok(())
}

/// Whether a task that may run at `places` may have `group` on `accelerator`. As with a pin of a whole network, groups that
/// none of `on` can run stay free; what a task is barred from it never uses.
fn may_be_on(accelerator: &str, group: &GroupProfile, places: &Places) -> bool {
    let stays_free = !places.on.iter().any(|name| group.costs.contains_key(name));
    let is_asked_for = stays_free || places.on.iter().any(|name| name == accelerator);
    is_asked_for && !places.not_on.iter().any(|name| name == accelerator)
}

/// Every `--pin`, with a network's alias replaced by its name.
pub(super) fn pins(texts: &[String]) -> Result<Vec<Pin>, Failure> {
    let parse = |text: &String| -> Result<Pin, Failure> {
        let pin: Pin = text.parse().map_err(Failure::usage)?;
        let network = catalog::find(&pin.network).map_or(pin.network.clone(), |entry| entry.name.to_owned());
        Ok(Pin { network, ..pin })
    };
    texts.iter().map(parse).collect()
}

/// The profiles of `--profile`, each for a network that is asked for.
pub(super) fn given_profiles(
    paths: &[PathBuf],
    networks: &[Found<Network>],
) -> Result<Vec<Found<NetworkProfile>>, Failure> {
    let given: Vec<_> = paths.iter().map(|path| given_profile(path, networks)).collect::<Result<_, _>>()?;
    for (idx, second) in given.iter().enumerate() {
        if let Some(first) = given[..idx].iter().find(|first| first.value.network == second.value.network) {
            let (name, first, second) = (&second.value.network, &first.origin, &second.origin);
            return Err(Failure::usage(format!("`--profile`: {first} and {second} are both of `{name}`")));
        }
    }
    Ok(given)
}

fn given_profile(path: &Path, networks: &[Found<Network>]) -> Result<Found<NetworkProfile>, Failure> {
    let found = read_profile(path)?;
    if networks.iter().any(|network| network.value.name == found.value.network) {
        return Ok(found);
    }
    Err(anyhow!("{}: is a profile of `{}`, which is none of the networks", path.display(), found.value.network).into())
}

/// The profile file at `path`.
pub(super) fn read_profile(path: &Path) -> Result<Found<NetworkProfile>, anyhow::Error> {
    let text = artifact::read_text(path)?;
    let value = artifact::read_profile(&text, &path.display().to_string())?;
    let sha256 = artifact::sha256(text.as_bytes());
    Ok(Found { value, origin: Origin::File(path.into()), sha256, hides_builtin: false, notes: Vec::new() })
}

/// How the problem counts contention, as files and reports name it.
pub(super) fn contention_name(problem: &Problem) -> &'static str {
    let all = |kind: fn(&ContentionCurve) -> bool| problem.machines.iter().all(|machine| kind(&machine.curve));
    match () {
        () if all(|curve| matches!(curve, ContentionCurve::None)) => "none",
        () if all(|curve| matches!(curve, ContentionCurve::Pccs(_))) => "pccs",
        () if all(|curve| matches!(curve, ContentionCurve::Table(_))) => "table",
        () => "platform",
    }
}

/// The contention that a schedule file names.
pub(super) fn contention_of(name: &str) -> Result<Contention, anyhow::Error> {
    match name {
        "none" => Ok(Contention::None),
        "pccs" => Ok(Contention::Pccs),
        "table" => Ok(Contention::Table),
        "platform" => Ok(Contention::Platform),
        other => bail!("contention: `{other}` is none of `pccs`, `table`, `platform`, `none`"),
    }
}
