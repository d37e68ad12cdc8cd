//! Platform files: YAML in, a [`Platform`] out, or the path of the field that is wrong.
//!
//! Keys and units are listed in `docs/formats.md`. Nothing is filled in silently: a field that is missing is refused.

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::contention::{ContentionFields, read_contention};
use super::field::{SourcedField, WordOr, from_yaml};
use super::rules::{RulesFields, read_rules};
use crate::platform::{
    Accelerator, AcceleratorKind, Platform, Provenance, Roofline, StatedNumber, SupportRules, TransitionModel,
};
use crate::units::{GigabytesPerSecond, Milliseconds};

/// Reads a platform file's `text`; errors begin with `origin`, the path or name that people know the file by.
pub fn read_platform(text: &str, origin: &str) -> Result<Platform> {
    from_yaml::<PlatformFile>(text)
        .and_then(|file| file.into_platform(super::sha256(text.as_bytes())))
        .with_context(|| origin.to_owned())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlatformFile {
    #[serde(rename = "schema_version")]
    _schema_version: u64,
    name: String,
    title: String,
    bytes_per_element: u64,
    peak_bandwidth_gbps: SourcedField<f64>,
    sharing_efficiency: SourcedField<f64>,
    accelerators: Vec<AcceleratorFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AcceleratorFile {
    name: String,
    #[serde(with = "KindField")]
    kind: AcceleratorKind,
    #[serde(default)]
    pays_network_io: bool,
    max_loadables: Option<SourcedField<u32>>,
    rules: WordOr<RulesFields>,
    contention: WordOr<ContentionFields>,
    roofline: RooflineFile,
    transition: TransitionFile,
}

#[derive(Deserialize)]
#[serde(remote = "AcceleratorKind", rename_all = "lowercase")]
enum KindField {
    Gpu,
    Dla,
    Cpu,
    Npu,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RooflineFile {
    compute_gmacs: SourcedField<f64>,
    bandwidth_gbps: SourcedField<f64>,
    overhead_ms: SourcedField<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TransitionFile {
    #[serde(rename = "in_fixed_ms")]
    in_fixed: SourcedField<f64>,
    #[serde(rename = "in_per_mib_ms")]
    in_per_mib: SourcedField<f64>,
    #[serde(rename = "out_fixed_ms")]
    out_fixed: SourcedField<f64>,
    #[serde(rename = "out_per_mib_ms")]
    out_per_mib: SourcedField<f64>,
}

impl PlatformFile {
    fn into_platform(self, content_hash: String) -> Result<Platform> {
        check_name(&self.name, "name")?;
        if self.bytes_per_element == 0 || self.bytes_per_element > 8 {
            bail!("bytes_per_element: `{}` is not between 1 and 8", self.bytes_per_element);
        }
        let sharing_efficiency = self.sharing_efficiency.positive("sharing_efficiency")?;
        if sharing_efficiency.value > 1.0 {
            bail!("sharing_efficiency.value: `{}` is above 1, the whole of the peak", sharing_efficiency.value);
        }
        Ok(Platform {
            name: self.name,
            title: self.title,
            content_hash,
            peak_bandwidth: self.peak_bandwidth_gbps.positive("peak_bandwidth_gbps")?.map(GigabytesPerSecond),
            sharing_efficiency,
            bytes_per_element: self.bytes_per_element,
            accelerators: into_accelerators(self.accelerators)?,
        })
    }
}

fn into_accelerators(files: Vec<AcceleratorFile>) -> Result<Vec<Accelerator>> {
    let mut accelerators: Vec<Accelerator> = Vec::with_capacity(files.len());
    for (idx, file) in files.into_iter().enumerate() {
        let accelerator = file.into_accelerator(&format!("accelerators[{idx}]"))?;
        if let Some(before) = accelerators.iter().position(|other| other.name == accelerator.name) {
            bail!("accelerators[{idx}].name: `{}` is the name of accelerators[{before}] too", accelerator.name);
        }
        accelerators.push(accelerator);
    }
    match accelerators.first() {
        None => bail!("accelerators: empty; a platform has at least one accelerator"),
        Some(first) if first.rules != SupportRules::Everything => {
            bail!("accelerators[0].rules: must be `everything`; the first accelerator runs what the others can't")
        }
        Some(_) => Ok(accelerators),
    }
}

impl AcceleratorFile {
    fn into_accelerator(self, at: &str) -> Result<Accelerator> {
        check_name(&self.name, &format!("{at}.name"))?;
        let (rules, rule_numbers) = read_rules(self.rules, &self.name, &format!("{at}.rules"))?;
        let (contention, contention_numbers) =
            read_contention(self.contention, &self.name, &format!("{at}.contention"))?;
        let loadables = self.max_loadables.map(SourcedField::sourced);
        let loadable_number = loadables
            .as_ref()
            .map(|limit| limit.state(format!("{}.max_loadables", self.name), &limit.value, "per core"));
        let roofline = self.roofline.into_roofline(&format!("{at}.roofline"))?;
        let transition = self.transition.into_transition(&format!("{at}.transition"))?;
        Ok(Accelerator {
            name: self.name,
            kind: self.kind,
            contention,
            assumed_contention: assumed(&contention_numbers),
            rules,
            max_loadables: loadables.map(|limit| limit.value),
            pays_network_io: self.pays_network_io,
            roofline,
            transition,
            stated: contention_numbers.into_iter().chain(loadable_number).chain(rule_numbers).collect(),
        })
    }
}

/// Last part of the path of every assumed number.
fn assumed(numbers: &[StatedNumber]) -> Vec<String> {
    let assumed = numbers.iter().filter(|number| number.provenance == Provenance::Assumed);
    assumed.filter_map(|number| number.path.rsplit('.').next()).map(str::to_owned).collect()
}

impl RooflineFile {
    fn into_roofline(self, at: &str) -> Result<Roofline> {
        Ok(Roofline {
            compute_gmacs: self.compute_gmacs.positive(&format!("{at}.compute_gmacs"))?,
            bandwidth: self.bandwidth_gbps.positive(&format!("{at}.bandwidth_gbps"))?.map(GigabytesPerSecond),
            overhead: self.overhead_ms.amount(&format!("{at}.overhead_ms"))?.map(Milliseconds),
        })
    }
}

impl TransitionFile {
    fn into_transition(self, at: &str) -> Result<TransitionModel> {
        let cost = |field: SourcedField<f64>, key: &str| {
            Ok::<_, anyhow::Error>(field.amount(&format!("{at}.{key}"))?.map(Milliseconds))
        };
        Ok(TransitionModel {
            in_fixed: cost(self.in_fixed, "in_fixed_ms")?,
            in_per_mib: cost(self.in_per_mib, "in_per_mib_ms")?,
            out_fixed: cost(self.out_fixed, "out_fixed_ms")?,
            out_per_mib: cost(self.out_per_mib, "out_per_mib_ms")?,
        })
    }
}

/// Names are parts of file names and flags.
fn check_name(name: &str, path: &str) -> Result<()> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.is_empty() || !name.bytes().all(is_plain) {
        bail!("{path}: `{name}` is not made of lower-case letters, digits and `_`");
    }
    Ok(())
}
