//! Files of engines that were run elsewhere, told apart by their names, which are those of the plans.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

use super::arguments::SeriesArguments;
use crate::backend::trtexec::{self, Document, Log, Profile, SIMULATOR, Version};
use crate::cli::failure::Failure;
use crate::cli::inputs;
use crate::engine::EngineSpec;
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

/// All that the files of one engine in one folder say.
#[derive(Default)]
struct Sheet {
    profile: Option<(PathBuf, Profile)>,
    log: Option<(PathBuf, Log)>,
    times: Option<(PathBuf, Milliseconds)>,
    /// Whether `times` may be of runs with the profiler.
    are_profiled_times: bool,
}

/// Reads the files of `--from` that tell of engines of the networks called `names`.
pub(super) fn read(arguments: &SeriesArguments, names: &[&str]) -> Result<Recorded, Failure> {
    let mut sheets: BTreeMap<(EngineSpec, PathBuf), Sheet> = BTreeMap::new();
    for root in &arguments.from {
        for path in files_below(root)? {
            let Some(spec) = spec_of(&path) else {
                if path == *root {
                    return Err(Failure::usage(format!("{}: its name doesn't say which engine it is of", path.display()))
                        .hint("name it as the plan is named: NETWORK_gpu_transition_at_38.profile, NETWORK_dla_mark_at_-1.log"));
                }
                continue;
            };
            if !names.contains(&&*spec.network) {
                continue;
            }
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            let warm_up = Milliseconds(f64::from(arguments.warm_up));
            sheets.entry((spec, folder)).or_default().add(&path, warm_up)?;
        }
    }
    if sheets.is_empty() {
        return Err(anyhow!("`--from`: no file is named after an engine of {}", names.join(" or ")).into());
    }
    collect(sheets)
}

fn collect(sheets: BTreeMap<(EngineSpec, PathBuf), Sheet>) -> Result<Recorded, Failure> {
    let mut by_spec: BTreeMap<EngineSpec, Vec<Sheet>> = BTreeMap::new();
    for ((spec, _), sheet) in sheets {
        by_spec.entry(spec).or_default().push(sheet);
    }
    let mut recorded = Recorded::default();
    let mut writers = Vec::new();
    for (spec, mut sheets) in by_spec {
        join_neighbours(&mut sheets);
        for sheet in sheets {
            writers.extend(sheet.is_simulated());
            match sheet.run(&spec) {
                Ok((run, remark)) => {
                    recorded.remarks.extend(remark);
                    recorded.runs.push(run);
                }
                Err(remark) => recorded.remarks.push(remark),
            }
        }
    }
    if writers.iter().any(|&simulated| simulated) && !writers.iter().all(|&simulated| simulated) {
        return Err(
            anyhow!("`--from`: some of the files are the simulator's and some are not; profile them apart").into()
        );
    }
    recorded.simulated = writers.iter().any(|&simulated| simulated);
    Ok(recorded)
}

/// A profile and a log of one engine that lie in different folders, one of each, belong together.
fn join_neighbours(sheets: &mut Vec<Sheet>) {
    let only = |has: fn(&Sheet) -> bool| sheets.iter().filter(|sheet| has(sheet)).count() == 1;
    let are_two = sheets.len() == 2 && only(|sheet| sheet.profile.is_some()) && only(|sheet| sheet.log.is_some());
    if are_two && let (Some(second), Some(first)) = (sheets.pop(), sheets.pop()) {
        sheets.push(Sheet {
            profile: first.profile.or(second.profile),
            log: first.log.or(second.log),
            are_profiled_times: first.are_profiled_times || second.are_profiled_times,
            times: first.times.or(second.times),
        });
    }
}

impl Sheet {
    fn add(&mut self, path: &Path, warm_up: Milliseconds) -> Result<(), Failure> {
        match inputs::read_by(path, trtexec::read)? {
            Document::Profile(profile) => self.profile = Some((path.to_owned(), profile)),
            Document::Log(log) => self.log = Some((path.to_owned(), *log)),
            Document::Times(times) => {
                // Up to TensorRT 8.4 the runs of the warm-up are among them, and nothing else tells.
                let counted = times.compute_after(warm_up);
                if counted.is_empty() {
                    let (shown, warm_up) = (path.display(), warm_up.0);
                    return Err(
                        anyhow!("{shown}: no run begins after the warm-up of {warm_up} ms (`--warm-up`)").into()
                    );
                }
                // TensorRT 7.1 attaches the profiler for `--exportTimes`, and 7.2 writes the same form.
                self.are_profiled_times = times.generation.first < Version(7, 2);
                let sum: Milliseconds = counted.iter().copied().sum();
                self.times = Some((path.to_owned(), Milliseconds(sum.0 / counted.len() as f64)));
            }
            // It says nothing of times.
            Document::LayerInformation(_) => {}
        }
        Ok(())
    }

    /// Whether the simulator wrote it; `None` where nothing was read that says who did.
    fn is_simulated(&self) -> Option<bool> {
        let program = |program: &Option<String>| program.as_deref() == Some(SIMULATOR);
        let profile = self.profile.as_ref().map(|(_, profile)| program(&profile.program));
        let log = self.log.as_ref().map(|(_, log)| program(&log.program));
        profile.or(log)
    }

    /// The run, and what the user must know of it.
    fn run(self, spec: &EngineSpec) -> Result<(EngineRun, Option<String>), String> {
        let log = self.log.map(|(path, log)| {
            let mean = log.compute.as_ref().and_then(|compute| compute.mean);
            (path, mean, log.was_profiled() == Some(false), log.profile)
        });
        let summary = log.as_ref().and_then(|(path, mean, is_unprofiled, _)| Some((path, (*mean)?, *is_unprofiled)));
        let times = self.times.as_ref().map(|(path, mean)| (path, *mean, !self.are_profiled_times));
        // Whichever is known to be without the profiler; else whichever there is.
        let best = [times, summary].into_iter().flatten().max_by_key(|(_, _, is_unprofiled)| *is_unprofiled);
        let remark = best.filter(|(_, _, is_unprofiled)| !is_unprofiled).map(|(path, ..)| {
            format!("{}: may be of runs with the profiler, so times of layers aren't scaled to it", path.display())
        });
        let (mean, mean_is_unprofiled) = best.map_or((None, false), |(_, mean, is)| (Some(mean), is));
        let origin = self.profile.as_ref().map(|(path, _)| path).or(log.as_ref().map(|(path, ..)| path));
        let origin = origin.map_or_else(|| spec.stem(), |path| path.display().to_string());
        let profile = self.profile.map(|(_, profile)| profile).or(log.and_then(|(.., table)| table));
        if profile.is_none() && mean.is_none() {
            return Err(format!("{}: neither a profile nor a log with a summary or a table of layers", spec.stem()));
        }
        Ok((EngineRun { spec: spec.clone(), origin, profile, mean, mean_is_unprofiled }, remark))
    }
}

/// The engine that a file is named after, whatever comes after the first dot of its name; a plan tells no times.
fn spec_of(path: &Path) -> Option<EngineSpec> {
    let name = path.file_name()?.to_str()?;
    if name.contains(".plan") || name.contains(".tegrastats") {
        return None;
    }
    let mut dots = name.match_indices('.').map(|(at, _)| at).chain([name.len()]);
    dots.find_map(|end| EngineSpec::from_stem(&name[..end]))
}

/// The files at or below `root`, by name.
fn files_below(root: &Path) -> Result<Vec<PathBuf>, Failure> {
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
            assert_eq!(spec_of(Path::new(name)).map(|spec| spec.stem()).as_deref(), stem, "{name}");
        };
        check("a/googlenet_gpu_transition_at_38.profile", Some("googlenet_gpu_transition_at_38"));
        check("googlenet_dla_mark_at_-1.profile.json", Some("googlenet_dla_mark_at_-1"));
        check("net_1.0_gpu_transition_at_4.log", Some("net_1.0_gpu_transition_at_4"));
        check("googlenet_gpu_transition_at_38", Some("googlenet_gpu_transition_at_38"));
        check("googlenet_gpu_transition_at_38.plan", None);
        check("googlenet_gpu_transition_at_38.plan.json", None);
        check("layer_results.json", None);
    }
}
