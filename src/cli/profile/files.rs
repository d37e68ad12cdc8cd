//! Files of engines that were run elsewhere, told apart by their names, which are those of the plans.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

use super::arguments::{SeriesArguments, WarmUp};
use crate::backend::trtexec::{self, Document, Generation, Log, LoggedDevice, Profile, SIMULATOR, Times, Version};
use crate::cli::failure::Failure;
use crate::cli::inputs;
use crate::engine::EngineSpec;
use crate::platform::Platform;
use crate::profile::EngineRun;
use crate::units::Milliseconds;

/// Runs that files tell of.
#[derive(Default)]
pub(super) struct Recorded {
    pub(super) runs: Vec<EngineRun>,
    /// What the user must know about them.
    pub(super) remarks: Vec<String>,
    /// Whether the simulator wrote them.
    pub(super) simulated: bool,
}

/// Which run of which engine a file is of, as its name says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct RunName {
    spec: EngineSpec,
    /// What the name has beside the engine and the kind of file (`run2` of `X.run2.profile`).
    label: String,
}

/// All that the files of one run in one folder say.
#[derive(Default)]
struct Sheet {
    profile: Option<(PathBuf, Profile)>,
    log: Option<(PathBuf, Log)>,
    times: Option<(PathBuf, Times)>,
}

/// Reads the files of `--from` that tell of engines of the networks called `names`, which ran on `platform`.
pub(super) fn read(arguments: &SeriesArguments, names: &[&str], platform: &Platform) -> Result<Recorded, Failure> {
    let mut sheets: BTreeMap<(RunName, PathBuf), Sheet> = BTreeMap::new();
    for root in &arguments.from {
        for path in files_below(root)? {
            let Some(name) = name_of(&path) else {
                if path == *root {
                    return Err(Failure::usage(format!("{}: its name doesn't say which engine it is of", path.display()))
                        .hint("name it as the plan is named: NETWORK_gpu_transition_at_38.profile, NETWORK_dla_mark_at_-1.log"));
                }
                continue;
            };
            if !names.contains(&&*name.spec.network) {
                continue;
            }
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            sheets.entry((name, folder)).or_default().add(&path)?;
        }
    }
    if sheets.is_empty() {
        return Err(anyhow!("`--from`: no file is named after an engine of {}", names.join(" or ")).into());
    }
    let origin = board(sheets.values(), platform)?;
    let mut recorded = collect(sheets, arguments.warm_up_elsewhere())?;
    recorded.simulated = origin.simulated;
    if !origin.names_board && arguments.platform.is_none() {
        let title = &platform.title;
        recorded.remarks.push(format!("no file says which board it is of; taken to be {title} (`--platform`)"));
    }
    Ok(recorded)
}

/// Of what board the files are.
struct Board {
    simulated: bool,
    /// Whether a file says so.
    names_board: bool,
}

/// Refuses files of different boards or TensorRT versions, which would be taken for repeats of each other, and those of
/// another board than `platform` is.
fn board<'a>(sheets: impl Iterator<Item = &'a Sheet>, platform: &Platform) -> Result<Board, Failure> {
    let apart = |what: String| Failure::from(anyhow!("`--from`: {what}")).hint("profile them apart");
    let mut simulated: Option<bool> = None;
    let mut device: Option<(&Path, &LoggedDevice)> = None;
    let mut generations: Vec<(&Path, &Generation)> = Vec::new();
    for sheet in sheets {
        if let Some(is) = sheet.is_simulated() {
            if simulated.is_some_and(|before| before != is) {
                return Err(apart("some of the files are the simulator's and some are not".to_owned()));
            }
            simulated = Some(is);
        }
        let logged = sheet.log.as_ref().and_then(|(path, log)| Some((&**path, log.device.as_ref()?)));
        if let (Some((path, one)), Some((other, before))) = (logged, device)
            && one != before
        {
            let (path, other) = (path.display(), other.display());
            return Err(apart(format!("{other} is of {before}, {path} of {one}")));
        }
        device = device.or(logged);
        for (path, generation) in sheet.generations() {
            if let Some((other, before)) = generations.iter().find(|(_, before)| before.excludes(generation)) {
                let (path, other) = (path.display(), other.display());
                return Err(apart(format!("{other} is of {before}, {path} of {generation}")));
            }
            if generations.iter().all(|(_, before)| *before != generation) {
                generations.push((path, generation));
            }
        }
    }
    let simulated = simulated == Some(true);
    if let Some((path, device)) = device {
        let is_another = if simulated {
            device.name != platform.name
        } else {
            let known = device.compute_capability.as_ref().zip(platform.compute_capability.as_ref());
            known.is_some_and(|(device, platform)| device != platform)
        };
        if is_another {
            let path = path.display();
            return Err(Failure::from(anyhow!("{path}: is of {device}, which isn't `{}`", platform.name))
                .hint("name the board that the files are of by `--platform`"));
        }
    }
    Ok(Board { simulated, names_board: device.is_some() })
}

fn collect(sheets: BTreeMap<(RunName, PathBuf), Sheet>, warm_up: WarmUp) -> Result<Recorded, Failure> {
    let mut by_name: BTreeMap<RunName, Vec<Sheet>> = BTreeMap::new();
    for ((name, _), sheet) in sheets {
        by_name.entry(name).or_default().push(sheet);
    }
    let mut recorded = Recorded::default();
    recorded.remarks.extend(unpaired(&by_name));
    for (name, mut sheets) in by_name {
        recorded.remarks.extend(join_neighbours(&mut sheets));
        for sheet in sheets {
            let (run, remarks) = sheet.run(&name.spec, warm_up)?;
            recorded.remarks.extend(remarks);
            recorded.runs.extend(run);
        }
    }
    Ok(recorded)
}

/// Profiles whose engine has a log under another name only, which may be meant to belong to them.
fn unpaired(by_name: &BTreeMap<RunName, Vec<Sheet>>) -> Vec<String> {
    let has_log = |sheets: &Vec<Sheet>| sheets.iter().any(|sheet| sheet.log.is_some());
    let lacks_log = |sheets: &&Vec<Sheet>| !has_log(sheets);
    let profiles = by_name.iter().filter(|(_, sheets)| lacks_log(sheets));
    let others = |name: &RunName| {
        let others = by_name.iter().filter(|(other, _)| other.spec == name.spec && other.label != name.label);
        others.flat_map(|(_, sheets)| sheets).find(|sheet| sheet.profile.is_none() && sheet.log.is_some())
    };
    let words = profiles.filter_map(|(name, sheets)| {
        let (profile, _) = sheets.iter().find_map(|sheet| sheet.profile.as_ref())?;
        let (log, _) = others(name)?.log.as_ref()?;
        let (profile, log) = (profile.display(), log.display());
        Some(format!("{profile} and {log}: are of different runs, by what their names have beside the engine"))
    });
    words.collect()
}

/// A profile and a log of one run that lie in different folders, one of each, belong together; said in words.
fn join_neighbours(sheets: &mut Vec<Sheet>) -> Option<String> {
    let only = |has: fn(&Sheet) -> bool| sheets.iter().filter(|sheet| has(sheet)).count() == 1;
    let are_two = sheets.len() == 2 && only(|sheet| sheet.profile.is_some()) && only(|sheet| sheet.log.is_some());
    if !are_two {
        return None;
    }
    let (second, first) = (sheets.pop()?, sheets.pop()?);
    let joined = Sheet {
        profile: first.profile.or(second.profile),
        log: first.log.or(second.log),
        times: first.times.or(second.times),
    };
    let paths = joined.profile.as_ref().map(|(path, _)| path).zip(joined.log.as_ref().map(|(path, _)| path));
    let remark = paths.filter(|(profile, log)| profile.parent() != log.parent()).map(|(profile, log)| {
        format!("{} and {}: are taken to be of the same run, by their names", profile.display(), log.display())
    });
    sheets.push(joined);
    remark
}

impl Sheet {
    fn add(&mut self, path: &Path) -> Result<(), Failure> {
        let before = match inputs::read_by(path, trtexec::read)? {
            Document::Profile(profile) => self.profile.replace((path.to_owned(), profile)).map(|(path, _)| path),
            Document::Log(log) => self.log.replace((path.to_owned(), *log)).map(|(path, _)| path),
            Document::Times(times) => self.times.replace((path.to_owned(), times)).map(|(path, _)| path),
            // It says nothing of times.
            Document::LayerInformation(_) => None,
        };
        let Some(before) = before else { return Ok(()) };
        Err(Failure::from(anyhow!(
            "{} and {}: both are of the same run, by their names",
            before.display(),
            path.display()
        ))
        .hint("give each repeat a folder of its own, or a name such as X.run2.profile and X.run2.log"))
    }

    /// The TensorRT versions that may have written its files.
    fn generations(&self) -> impl Iterator<Item = (&Path, &Generation)> {
        let profile = self.profile.iter().map(|(path, profile)| (&**path, &profile.generation));
        let log = self.log.iter().map(|(path, log)| (&**path, &log.generation));
        let times = self.times.iter().map(|(path, times)| (&**path, &times.generation));
        profile.chain(log).chain(times)
    }

    /// Mean compute time of the counted runs among its times, and what is to be said of it.
    ///
    /// Up to TensorRT 8.4 the runs of the warm-up are among them, and only a log beside them tells how many aren't.
    fn mean_of_times(&self, warm_up: WarmUp) -> Result<Option<(Mean<'_>, Option<String>)>, Failure> {
        let Some((path, times)) = &self.times else { return Ok(None) };
        let shown = path.display();
        let log = self.log.as_ref().map(|(_, log)| log);
        let mut remark = None;
        let counted = if let Some(runs) = log.and_then(|log| log.runs) {
            times.last_compute(runs)
        } else {
            let after = times.compute_after(warm_up.time);
            // From 8.4 on all files look alike; those of 8.5 and newer may begin as early as these.
            let may_be_all = times.includes_warm_up.is_none() && !warm_up.is_given && after.len() < times.runs.len();
            if may_be_all {
                let counted = if after.is_empty() { "all of its runs are" } else { "its runs from 200 ms on are" };
                remark = Some(format!(
                    "{shown}: {counted} counted; TensorRT 8.4 writes those of the warm-up too, newer ones don't: \
                     `--warm-up` says how long it was"
                ));
            }
            if may_be_all && after.is_empty() { times.compute_after(Milliseconds(f64::NEG_INFINITY)) } else { after }
        };
        if counted.is_empty() {
            let warm_up = warm_up.time.0;
            return Err(anyhow!("{shown}: no run begins after the warm-up of {warm_up} ms (`--warm-up`)").into());
        }
        let sum: Milliseconds = counted.iter().copied().sum();
        // TensorRT 7.1 attaches the profiler for `--exportTimes`, and up to 8.2 the form doesn't tell who was asked to.
        let is_unprofiled = match log {
            Some(log) => log.was_profiled() == Some(false),
            None => times.generation.first >= Version(8, 4),
        };
        Ok(Some((Mean { path, time: Milliseconds(sum.0 / counted.len() as f64), is_unprofiled }, remark)))
    }

    /// Whether the simulator wrote it; `None` where nothing was read that says who did.
    fn is_simulated(&self) -> Option<bool> {
        let program = |program: &Option<String>| program.as_deref() == Some(SIMULATOR);
        let profile = self.profile.as_ref().map(|(_, profile)| program(&profile.program));
        let log = self.log.as_ref().map(|(_, log)| program(&log.program));
        profile.or(log)
    }

    /// The run, where there is one, and what the user must know of it.
    fn run(self, spec: &EngineSpec, warm_up: WarmUp) -> Result<(Option<EngineRun>, Vec<String>), Failure> {
        let summary = self.log.as_ref().and_then(|(path, log)| {
            let is_unprofiled = log.was_profiled() == Some(false);
            Some(Mean { path, time: log.compute.as_ref()?.mean?, is_unprofiled })
        });
        let (times, remark) = self.mean_of_times(warm_up)?.unzip();
        let mut remarks: Vec<String> = remark.flatten().into_iter().collect();
        // Whichever is known to be without the profiler; else whichever there is.
        let best = [times, summary].into_iter().flatten().max_by_key(|mean| mean.is_unprofiled);
        let streams = self.log.as_ref().map_or(1, |(_, log)| log.streams());
        let best = best.filter(|mean| {
            let shown = mean.path.display();
            if streams > 1 {
                remarks.push(format!("{shown}: {streams} runs at a time slow each other, so its times aren't used"));
            } else if !mean.is_unprofiled {
                let words = "may be of runs with the profiler, so times of layers aren't scaled to it";
                remarks.push(format!("{shown}: {words}"));
            }
            streams == 1
        });
        let (mean, mean_is_unprofiled) = best.map_or((None, false), |mean| (Some(mean.time), mean.is_unprofiled));
        let files = [self.profile.as_ref().map(|(path, _)| path), self.log.as_ref().map(|(path, _)| path)];
        let origin = files.into_iter().flatten().next().map_or_else(|| spec.stem(), |path| path.display().to_string());
        let table = self.log.and_then(|(_, log)| log.profile);
        let profile = self.profile.map(|(_, profile)| profile).or(table);
        if profile.is_none() && mean.is_none() {
            remarks.push(format!("{origin}: neither a profile nor a log with a summary or a table of layers"));
            return Ok((None, remarks));
        }
        Ok((Some(EngineRun { spec: spec.clone(), origin, profile, mean, mean_is_unprofiled }), remarks))
    }
}

/// A mean compute time.
#[derive(Clone, Copy)]
struct Mean<'a> {
    /// The file that tells it.
    path: &'a Path,
    time: Milliseconds,
    is_unprofiled: bool,
}

/// Words of a file's name that say what kind of file it is.
const KINDS: [&str; 8] = ["profile", "log", "times", "layers", "json", "txt", "out", "csv"];

/// The run that a file is named after: an engine before a dot, and whatever follows but for the kind of file. A plan tells
/// no times, and an engine of some layers only none of its network's groups.
fn name_of(path: &Path) -> Option<RunName> {
    let name = path.file_name()?.to_str()?;
    if name.contains(".plan") || name.contains(".tegrastats") {
        return None;
    }
    let mut dots = name.match_indices('.').map(|(at, _)| at).chain([name.len()]);
    let (spec, end) = dots.find_map(|end| Some((EngineSpec::from_stem(&name[..end])?, end)))?;
    if spec.segment().is_some() {
        return None;
    }
    let parts = name[end..].split('.').filter(|part| !part.is_empty() && !KINDS.contains(part));
    Some(RunName { spec, label: parts.collect::<Vec<_>>().join(".") })
}

/// The files at or below `root`, by name.
fn files_below(root: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !root.exists() {
        return Err(anyhow!("{}: no such file or folder", root.display()).into());
    }
    if !root.is_dir() {
        return Ok(vec![root.to_owned()]);
    }
    let entries = fs::read_dir(root).with_context(|| format!("{}: can't be read", root.display()))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
    let mut paths = paths.with_context(|| format!("{}: can't be read", root.display()))?;
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        // A link to a folder may lead back up.
        if fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir()) {
            files.extend(files_below(&path)?);
        } else if path.is_file() {
            files.push(path);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_after_their_engines() {
        let check = |name: &str, stem: Option<&str>| {
            assert_eq!(name_of(Path::new(name)).map(|name| name.spec.stem()).as_deref(), stem, "{name}");
        };
        check("a/googlenet_gpu_transition_at_38.profile", Some("googlenet_gpu_transition_at_38"));
        check("googlenet_dla_mark_at_-1.profile.json", Some("googlenet_dla_mark_at_-1"));
        check("net_1.0_gpu_transition_at_4.log", Some("net_1.0_gpu_transition_at_4"));
        check("googlenet_gpu_transition_at_38", Some("googlenet_gpu_transition_at_38"));
        check("googlenet_gpu_transition_at_38.plan", None);
        check("googlenet_gpu_transition_at_38.plan.json", None);
        check("layer_results.json", None);
    }

    #[test]
    fn what_a_name_has_beside_engine_and_kind_tells_runs_apart() {
        let label = |name: &str| name_of(Path::new(name)).unwrap().label;
        assert_eq!(label("googlenet_gpu_transition_at_38.profile.json"), "");
        assert_eq!(label("googlenet_gpu_transition_at_38.times"), "");
        assert_eq!(label("googlenet_gpu_transition_at_38.run2.log.txt"), "run2");
    }
}
