//! What is known of the memory's use, taken into the demands of layer groups.

use anyhow::anyhow;

use super::arguments::{SeriesArguments, TrafficArguments};
use super::characterise::Series;
use super::emc::{self, EmcArguments};
use super::source::Source;
use crate::artifact;
use crate::cli::args::BackendArgument;
use crate::cli::failure::Failure;
use crate::cli::{inputs, output};
use crate::platform::Provenance;
use crate::profile::demands;
use crate::profile::emc::{EmcFigure, EmcResult};

/// How busy the convolutions and the networks of `series` keep the memory, measured as its engines were and written beside
/// them; nothing where the engines were run elsewhere, or no `tegrastats` is here.
pub(super) fn measure(series: &Series, arguments: &SeriesArguments) -> Result<Option<Vec<EmcFigure>>, Failure> {
    let backend = match &series.source {
        Source::Files => {
            output::note(arguments.output.quiet, "note: no `--emc`: demands are the cost model's bytes over time");
            return Ok(None);
        }
        Source::Engines(target, _) if target.is_simulated() => BackendArgument::Sim,
        Source::Engines(..) => BackendArgument::Tensorrt,
    };
    let platform = &series.platform.value;
    let name = arguments.platform.as_deref().unwrap_or(&platform.name);
    let names = series.networks.iter().map(|one| inputs::name_of(&one.network));
    let convolutions = EmcArguments::usual(arguments, backend, name, Vec::new());
    let networks = EmcArguments::usual(arguments, backend, name, names.collect());
    let mut results: Vec<EmcResult> = emc::measure(&convolutions, platform)?;
    results.extend(emc::measure(&networks, platform)?);
    emc::write(&convolutions, platform, &results)?;
    Ok(Some(results.iter().map(Into::into).collect()))
}

/// Makes the demands of `series` anew from `measured` figures, or those of `--emc`.
pub(super) fn add_demands(
    series: &mut Series,
    arguments: &TrafficArguments,
    measured: Option<Vec<EmcFigure>>,
) -> Result<(), Failure> {
    let emc = match (&arguments.emc, measured) {
        (Some(path), _) => from_file(path, series)?,
        (None, Some(measured)) => measured,
        (None, None) => return Ok(()),
    };
    let platform = &series.platform.value;
    for one in &mut series.networks {
        let figures = std::mem::take(&mut one.figures);
        one.figures = figures.with_emc(&one.network.value, platform, &one.times, &emc);
        one.demands = demands(&one.network.value, platform, &one.times, &one.figures);
    }
    Ok(())
}

fn from_file(path: &std::path::Path, series: &Series) -> Result<Vec<EmcFigure>, Failure> {
    let shown = path.display().to_string();
    let (platform, figures) = artifact::read_emc_results(&artifact::read_text(path)?, &shown)?;
    let name = &series.platform.value.name;
    if platform != *name {
        return Err(anyhow!("{shown}: is of platform `{platform}`, the times are of `{name}`").into());
    }
    let is_simulated = figures.iter().any(|figure| figure.provenance == Provenance::Modelled);
    if is_simulated && !series.simulated {
        return Err(anyhow!("{shown}: was simulated, the times were measured; run `profile emc` on the board").into());
    }
    Ok(figures)
}
