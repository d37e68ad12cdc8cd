//! Recordings of `tegrastats` that were made earlier, by this program or by hand.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

use super::arguments::EmcArguments;
use super::engines::accelerators;
use super::{Run, milliseconds};
use crate::artifact;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::engine::Device;
use crate::platform::{Platform, Provenance};
use crate::profile::emc::{EmcResult, SampleTimes, SingleConvolution};

/// What the recordings in `folder` come to, by accelerator and then by name.
pub(super) fn results(arguments: &EmcArguments, platform: &Platform, folder: &Path) -> Result<Vec<EmcResult>, Failure> {
    let accelerators = accelerators(arguments, platform)?;
    let files = files(folder)?;
    let mut named: Vec<(usize, String, PathBuf)> = Vec::new();
    for path in files {
        let (network, accelerator) = parts(&path, &accelerators)?;
        named.push((accelerator, network, path));
    }
    named.sort();
    let results = named.into_iter().map(|(accelerator, network, path)| {
        let log = artifact::read_text(&path)?;
        let run = Run {
            convolution: SingleConvolution::named(&network),
            network,
            accelerator: accelerators[accelerator].0.to_owned(),
            log: &log,
            start: milliseconds(arguments.warm_up),
            end: None,
            provenance: Provenance::Measured,
        };
        let shown = path.display().to_string();
        let (result, times) = run.result(platform, arguments.interval, &shown)?;
        say_times(arguments, &shown, times);
        Ok(result)
    });
    results.collect()
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let shown = folder.display();
    let entries = fs::read_dir(folder).with_context(|| format!("{shown}: can't be read"))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
    let mut paths = paths.with_context(|| format!("{shown}: can't be read"))?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "tegrastats"));
    if paths.is_empty() {
        return Err(Failure::from(anyhow!("{shown}: holds no *.tegrastats"))
            .hint("record each run as NETWORK_ACCELERATOR.tegrastats, such as conv1_kernel3_gpu.tegrastats"));
    }
    Ok(paths)
}

/// A file's network, and the position of its accelerator.
fn parts(path: &Path, accelerators: &[(&str, Device)]) -> Result<(String, usize), Failure> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let find = |(idx, (name, _)): (usize, &(&str, Device))| {
        let network = stem.strip_suffix(name)?.strip_suffix('_').filter(|network| !network.is_empty())?;
        Some((network.to_owned(), idx))
    };
    accelerators.iter().enumerate().find_map(find).ok_or_else(|| {
        let names: Vec<&str> = accelerators.iter().map(|(name, _)| *name).collect();
        Failure::from(anyhow!("{}: its name doesn't end in `_` and one of {}", path.display(), names.join(", ")))
            .hint("record each run as NETWORK_ACCELERATOR.tegrastats, such as conv1_kernel3_gpu.tegrastats")
    })
}

/// Says where the times of lines come from that have none of their own.
fn say_times(arguments: &EmcArguments, shown: &str, times: SampleTimes) {
    let how = match times {
        SampleTimes::Arrivals => return,
        SampleTimes::Dates => "its lines are spread evenly between its first and its last date".to_owned(),
        SampleTimes::Interval => {
            format!("its lines are taken to be {} ms apart (`--interval`)", arguments.interval.as_millis())
        }
    };
    output::note(arguments.output.quiet, &format!("note: {shown}: {how}"));
}
