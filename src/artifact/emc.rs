//! How busy networks keep the memory: what `profile emc` writes as YAML and JSON, and the samples beside it as CSV.
//!
//! Keys and units are listed in `docs/formats.md`.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::field::{ProvenanceField, SCHEMA_VERSION, from_json};
use super::json::to_json;
use crate::platform::{Platform, Provenance};
use crate::profile::emc::{EmcFigure, EmcResult, EmcSample, SingleConvolution};
use crate::units::{GigabytesPerSecond, Percent};

/// Folder of the samples, beside the results.
pub const EMC_SAMPLE_FOLDER: &str = "emc_samples";

/// Name of the file that holds the samples of `result`, without its extension.
pub fn emc_sample_stem(result: &EmcResult) -> String {
    format!("{}_{}", result.network, result.accelerator)
}

/// The results on `platform` as JSON.
pub fn emc_results_to_json(platform: &Platform, results: &[EmcResult]) -> Result<String> {
    to_json(&EmcFile::new(platform, results))
}

/// The same as YAML.
pub fn emc_results_to_yaml(platform: &Platform, results: &[EmcResult]) -> Result<String> {
    Ok(serde_yaml::to_string(&EmcFile::new(platform, results))?)
}

/// The figures in the text of an `emc_results.json`, and the name of their platform; errors begin with `origin`.
pub fn read_emc_results(text: &str, origin: &str) -> Result<(String, Vec<EmcFigure>)> {
    let file: ReadFile = from_json(text).with_context(|| origin.to_owned())?;
    Ok((file.platform.name, file.engines.into_iter().map(Into::into).collect()))
}

/// What is read of a file again.
#[derive(Deserialize)]
struct ReadFile {
    platform: ReadPlatform,
    engines: Vec<ReadEngine>,
}

#[derive(Deserialize)]
struct ReadPlatform {
    name: String,
}

#[derive(Deserialize)]
struct ReadEngine {
    network: String,
    input: Option<[u64; 2]>,
    kernel: Option<[u64; 2]>,
    accelerator: String,
    mean_percent: f64,
    demand_gbps: Option<f64>,
    #[serde(with = "ProvenanceField")]
    provenance: Provenance,
}

impl From<ReadEngine> for EmcFigure {
    fn from(engine: ReadEngine) -> Self {
        let convolution = engine.input.zip(engine.kernel);
        Self {
            network: engine.network,
            convolution: convolution.map(|(input, kernel)| SingleConvolution { input, kernel }),
            accelerator: engine.accelerator,
            mean: Percent(engine.mean_percent),
            demand: engine.demand_gbps.map(GigabytesPerSecond),
            provenance: engine.provenance,
        }
    }
}

/// `samples` as CSV; what isn't known is empty.
pub fn emc_samples_to_csv(samples: &[EmcSample]) -> String {
    let mut csv = "seconds,utilization_percent,clock_mhz\n".to_owned();
    for sample in samples {
        let percent = sample.utilization.map(|percent| percent.0.to_string()).unwrap_or_default();
        let clock = sample.clock.map(|clock| clock.0.to_string()).unwrap_or_default();
        // Writing to a string can't fail.
        let _ = writeln!(csv, "{:.3},{percent},{clock}", sample.at.0 / 1e3);
    }
    csv
}

#[derive(Serialize)]
struct EmcFile<'a> {
    schema_version: u64,
    platform: PlatformField<'a>,
    engines: Vec<EngineField<'a>>,
}

#[derive(Serialize)]
struct PlatformField<'a> {
    name: &'a str,
    peak_bandwidth_gbps: f64,
    emc_clock_mhz: Option<u32>,
}

#[derive(Serialize)]
struct EngineField<'a> {
    network: &'a str,
    input: Option<[u64; 2]>,
    kernel: Option<[u64; 2]>,
    accelerator: &'a str,
    max_percent: f64,
    mean_percent: f64,
    p95_percent: f64,
    n_samples: usize,
    clocks_mhz: Vec<u32>,
    demand_gbps: Option<f64>,
    #[serde(with = "ProvenanceField")]
    provenance: Provenance,
    samples: String,
}

impl<'a> EmcFile<'a> {
    fn new(platform: &'a Platform, results: &'a [EmcResult]) -> Self {
        let platform = PlatformField {
            name: &platform.name,
            peak_bandwidth_gbps: platform.peak_bandwidth.value.0,
            emc_clock_mhz: platform.emc_clock.as_ref().map(|clock| clock.value.0),
        };
        Self { schema_version: SCHEMA_VERSION, platform, engines: results.iter().map(EngineField::new).collect() }
    }
}

impl<'a> EngineField<'a> {
    fn new(result: &'a EmcResult) -> Self {
        let summary = &result.summary;
        Self {
            network: &result.network,
            input: result.convolution.map(|convolution| convolution.input),
            kernel: result.convolution.map(|convolution| convolution.kernel),
            accelerator: &result.accelerator,
            max_percent: summary.max.0,
            mean_percent: thousandths(summary.mean.0),
            p95_percent: summary.p95.0,
            n_samples: summary.n_samples,
            clocks_mhz: summary.clocks.iter().map(|clock| clock.0).collect(),
            demand_gbps: summary.demand.map(|demand| thousandths(demand.0)),
            provenance: result.provenance,
            samples: format!("{EMC_SAMPLE_FOLDER}/{}.csv", emc_sample_stem(result)),
        }
    }
}

/// Means of whole percents have no more digits than this that say anything.
fn thousandths(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::builtin;
    use crate::profile::emc::EmcSummary;
    use crate::units::{GigabytesPerSecond, Megahertz, Milliseconds, Percent};

    fn result() -> EmcResult {
        let sample = |at, percent: f64| EmcSample {
            at: Milliseconds(at),
            utilization: Some(Percent(percent)),
            clock: Some(Megahertz(2133)),
        };
        EmcResult {
            network: "conv1_kernel3".into(),
            convolution: SingleConvolution::named("conv1_kernel3"),
            accelerator: "gpu".into(),
            summary: EmcSummary {
                n_samples: 3,
                max: Percent(72.0),
                mean: Percent(70.0 + 1.0 / 3.0),
                p95: Percent(72.0),
                clocks: vec![Megahertz(2133)],
                demand: Some(GigabytesPerSecond(96.123_456)),
            },
            provenance: Provenance::Measured,
            samples: vec![sample(10.0, 69.0), EmcSample { utilization: None, clock: None, ..sample(20.0, 0.0) }],
        }
    }

    #[test]
    fn yaml_and_json_hold_the_same() {
        let platform = builtin::platform("xavier_agx").unwrap();
        let json = emc_results_to_json(&platform, &[result()]).unwrap();
        let yaml = emc_results_to_yaml(&platform, &[result()]).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json, serde_yaml::from_str::<serde_json::Value>(&yaml).unwrap());
        let engine = &json["engines"][0];
        assert_eq!((&engine["mean_percent"], &engine["demand_gbps"]), (&70.333.into(), &96.123.into()));
        assert_eq!(engine["samples"], "emc_samples/conv1_kernel3_gpu.csv");
        assert_eq!((&engine["input"][0], &engine["provenance"]), (&224.into(), &"measured".into()));
    }

    #[test]
    fn samples_are_one_a_line_and_unknown_ones_empty() {
        let csv = emc_samples_to_csv(&result().samples);
        assert_eq!(csv, "seconds,utilization_percent,clock_mhz\n0.010,69,2133\n0.020,,\n");
    }
}
