//! Platform files: YAML in, a [`Platform`] out, or the path of the field that is wrong.
//!
//! Keys and units are listed in `docs/formats.md`. Nothing is filled in silently: a field that is missing is refused.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::contention::{ContentionFields, read_contention};
use super::field::{SourcedField, WordOr, from_yaml};
use super::rules::{RulesFields, read_rules};
use crate::platform::{
    Accelerator, AcceleratorKind, LoadableMemory, Platform, Provenance, Provider, ProviderKind, Roofline, Sourced,
    StatedNumber, SupportRules, TransitionModel,
};
use crate::units::{Bytes, GigabytesPerSecond, Megahertz, Milliseconds, Milliwatts};

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
    compute_capability: Option<String>,
    bytes_per_element: u64,
    peak_bandwidth_gbps: SourcedField<f64>,
    emc_clock_mhz: Option<SourcedField<u32>>,
    idle_power_w: Option<SourcedField<f64>>,
    sharing_efficiency: SourcedField<f64>,
    accelerators: Vec<AcceleratorFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AcceleratorFile {
    name: String,
    #[serde(with = "KindField")]
    kind: AcceleratorKind,
    provider: Option<ProviderFile>,
    #[serde(default)]
    pays_network_io: bool,
    max_loadables: Option<SourcedField<u32>>,
    loadable_weights_mib: Option<SourcedField<f64>>,
    loadable_tensors_mib: Option<SourcedField<f64>>,
    power_w: Option<SourcedField<f64>>,
    rules: WordOr<RulesFields>,
    contention: WordOr<ContentionFields>,
    roofline: RooflineFile,
    transition: TransitionFile,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderFile {
    name: String,
    #[serde(default)]
    cores: Vec<usize>,
    #[serde(default)]
    options: BTreeMap<String, String>,
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
        if self.emc_clock_mhz.as_ref().is_some_and(|clock| clock.value == 0) {
            bail!("emc_clock_mhz.value: is zero, must be above");
        }
        Ok(Platform {
            name: self.name,
            title: self.title,
            content_hash,
            compute_capability: self.compute_capability,
            peak_bandwidth: self.peak_bandwidth_gbps.positive("peak_bandwidth_gbps")?.map(GigabytesPerSecond),
            emc_clock: self.emc_clock_mhz.map(|clock| clock.sourced().map(Megahertz)),
            idle_power: self.idle_power_w.map(|power| watts(power, "idle_power_w")).transpose()?,
            sharing_efficiency,
            bytes_per_element: self.bytes_per_element,
            accelerators: into_accelerators(self.accelerators)?,
        })
    }
}

/// Accelerators do one thing at a time each, so that no two of them may be the same cores.
fn check_cores(accelerators: &[Accelerator]) -> Result<()> {
    let mut owners: BTreeMap<usize, &str> = BTreeMap::new();
    for accelerator in accelerators {
        let processor = accelerator.provider.iter().filter(|provider| provider.kind == ProviderKind::Cpu);
        for &core in processor.flat_map(|provider| &provider.cores) {
            if let Some(owner) = owners.insert(core, &accelerator.name) {
                bail!("accelerators: `{owner}` and `{}` both have core {core}", accelerator.name);
            }
        }
    }
    Ok(())
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
    check_cores(&accelerators)?;
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
        let (loadable_memory, memory_numbers) =
            loadable_memory(self.loadable_weights_mib, self.loadable_tensors_mib, &self.name, at)?;
        let power = self.power_w.map(|power| watts(power, &format!("{at}.power_w"))).transpose()?;
        let power_number =
            power.as_ref().map(|power| power.state(format!("{}.power", self.name), &power.value.to_watts(), "W"));
        let numbers = contention_numbers.iter().cloned().chain(loadable_number).chain(memory_numbers);
        let provider = self.provider.map(|provider| provider.into_provider(&format!("{at}.provider"))).transpose()?;
        let roofline = self.roofline.into_roofline(&format!("{at}.roofline"))?;
        let transition = self.transition.into_transition(&format!("{at}.transition"))?;
        Ok(Accelerator {
            name: self.name,
            kind: self.kind,
            contention,
            assumed_contention: assumed(&contention_numbers),
            rules,
            max_loadables: loadables.map(|limit| limit.value),
            loadable_memory,
            power: power.map(|power| power.value),
            provider,
            pays_network_io: self.pays_network_io,
            roofline,
            transition,
            stated: numbers.chain(power_number).chain(rule_numbers).collect(),
        })
    }
}

/// A power in watts; a million of them are no chip's.
fn watts(field: SourcedField<f64>, path: &str) -> Result<Sourced<Milliwatts>> {
    let power = field.amount(path)?;
    if power.value > 1e6 {
        bail!("{path}.value: `{}` W is above 1000000 W", power.value);
    }
    Ok(power.map(Milliwatts::of_watts))
}

/// What a loadable may take of the memory, and the numbers for people.
fn loadable_memory(
    weights: Option<SourcedField<f64>>,
    tensors: Option<SourcedField<f64>>,
    accelerator: &str,
    at: &str,
) -> Result<(LoadableMemory, Vec<StatedNumber>)> {
    let mut numbers = Vec::new();
    let mut limit = |field: Option<SourcedField<f64>>, key: &str| -> Result<Option<Bytes>> {
        let Some(field) = field else { return Ok(None) };
        let mebibytes = field.positive(&format!("{at}.{key}_mib"))?;
        numbers.push(mebibytes.state(format!("{accelerator}.{key}"), &mebibytes.value, "MiB"));
        Ok(Some(Bytes::of_mebibytes(mebibytes.value)))
    };
    let memory =
        LoadableMemory { weights: limit(weights, "loadable_weights")?, tensors: limit(tensors, "loadable_tensors")? };
    Ok((memory, numbers))
}

impl ProviderFile {
    fn into_provider(self, at: &str) -> Result<Provider> {
        let Some(kind) = ProviderKind::ALL.into_iter().find(|kind| kind.name() == self.name) else {
            let known = ProviderKind::ALL.map(ProviderKind::name).join(", ");
            bail!("{at}.name: `{}` is none of {known}", self.name);
        };
        if kind == ProviderKind::Cpu && self.cores.is_empty() {
            bail!("{at}.cores: is empty, must name the cores that the accelerator is");
        }
        if let Some(core) = (1..self.cores.len()).find(|&idx| self.cores[..idx].contains(&self.cores[idx])) {
            bail!("{at}.cores[{core}]: core {} is named twice", self.cores[core]);
        }
        Ok(Provider { kind, cores: self.cores, options: self.options })
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

#[cfg(test)]
mod tests {
    use super::*;

    const XAVIER: &str = include_str!("../../platforms/xavier_agx.yaml");

    const TABLE: &str = "{model: table, own: [10, 50], external: [0, 20], speed: [[1, 0.9], [1, 0.7]],
                          provenance: measured, source: s}";

    /// A platform without a DLA and with `contention`.
    fn small(contention: &str) -> String {
        let sourced = |value: &str| format!("{{value: {value}, provenance: assumed, source: s}}");
        let (one, zero) = (sourced("1"), sourced("0"));
        format!(
            "schema_version: 1\nname: mine\ntitle: Mine\nbytes_per_element: 2\npeak_bandwidth_gbps: {one}
sharing_efficiency: {one}\naccelerators:\n- name: gpu\n  kind: gpu\n  rules: everything\n  contention: {contention}
  roofline: {{compute_gmacs: {one}, bandwidth_gbps: {one}, overhead_ms: {zero}}}
  transition: {{in_fixed_ms: {zero}, in_per_mib_ms: {zero}, out_fixed_ms: {zero}, out_per_mib_ms: {zero}}}\n"
        )
    }

    fn refusal(text: &str) -> String {
        format!("{:#}", read_platform(text, "platforms/mine.yaml").unwrap_err())
    }

    fn check(text: &str, from: &str, to: &str, expected: &str) {
        assert!(text.contains(from), "{from}");
        let found = refusal(&text.replacen(from, to, 1));
        assert!(found.starts_with(&format!("platforms/mine.yaml: {expected}")), "{found}\ninstead of\n{expected}");
    }

    #[test]
    fn every_number_is_stated_with_its_unit_provenance_and_source() {
        let numbers = read_platform(XAVIER, "x").unwrap().stated_numbers();
        let rate = numbers.iter().find(|number| number.path == "dla.contention.rate").unwrap();
        assert_eq!((&*rate.value, rate.unit, rate.provenance), ("0.35", "% per GB/s", Provenance::Published));
        assert!(numbers.iter().all(|number| !number.source.is_empty() && !number.value.is_empty()));
        assert_eq!(numbers.len(), XAVIER.matches("provenance:").count());
    }

    #[test]
    fn the_assumed_parameters_of_a_curve_are_named() {
        let platform = read_platform(XAVIER, "x").unwrap();
        assert_eq!(platform.accelerators[0].assumed_contention, ["tbwdc", "cbp"]);
        assert_eq!(platform.accelerators[1].assumed_contention, ["tbwdc", "cbp", "pbw"]);
    }

    #[test]
    fn a_platform_needs_no_contention_model_and_takes_a_measured_table() {
        let platform = read_platform(&small("none"), "x").unwrap();
        assert_eq!(platform.accelerators[0].contention, crate::platform::ContentionCurve::None);
        let platform = read_platform(&small(TABLE), "x").unwrap();
        let curve = &platform.accelerators[0].contention;
        assert!((curve.relative_speed(GigabytesPerSecond(50.0), GigabytesPerSecond(20.0)) - 0.7).abs() < 1e-12);
        assert_eq!(platform.stated_numbers()[2].value, "2 x 2 grid");
    }

    #[test]
    fn a_wrong_value_is_refused_with_the_path_of_its_field() {
        let table = [
            (
                "rate: {value: 0.35",
                "rate: {value: fast",
                "accelerators[1].contention.rate.value: invalid type: string \"fast\", expected a number",
            ),
            ("rate: {value: 0.35", "rate: {value: -1", "accelerators[1].contention.rate.value: parameter `rate` is -1"),
            (
                "rate: {value: 0.35",
                "rate: {value: .nan",
                "accelerators[1].contention.rate.value: parameter `rate` is NaN, but must be",
            ),
            (
                "normal_bw: {value: 38.1",
                "normal_bw: {value: 98",
                "accelerators[0].contention.intensive_bw.value: parameter `intensive_bw` is 96.2, but must be at least `normal_bw`",
            ),
            ("pbw: {value: 127.5", "pbw: {value: 0", "accelerators[0].contention.pbw.value: parameter `pbw` is 0"),
            (
                "mrmc: {value: 4.9",
                "mrmc: {value: 104.9",
                "accelerators[0].contention.mrmc.value: parameter `mrmc` is 104.9",
            ),
            ("cbp: {value: 45.3", "cbp: {value: 0", "accelerators[0].contention.cbp.value: parameter `cbp` is 0"),
            ("      rate:", "      rat:", "accelerators[0].contention.rat: unknown field `rat`"),
            ("      rate:", "      own: [1]\n      rate:", "accelerators[0].contention.own: belongs to model `table`"),
            ("model: pccs", "model: magic", "accelerators[0].contention.model: unknown variant `magic`"),
            (
                "peak_bandwidth_gbps: {value: 137",
                "peak_bandwidth_gbps: {value: 0",
                "peak_bandwidth_gbps.value: is zero",
            ),
            ("value: 2133,", "value: 0,", "emc_clock_mhz.value: is zero"),
            ("value: 2133,", "value: -1,", "emc_clock_mhz.value: invalid type: integer `-1`, expected a whole number"),
            ("value: 0.75", "value: 1.5", "sharing_efficiency.value: `1.5` is above 1"),
            ("value: 0.75", "value: 0", "sharing_efficiency.value: is zero"),
            ("name: dla", "name: gpu", "accelerators[1].name: `gpu` is the name of accelerators[0] too"),
            ("name: dla", "name: DLA 0", "accelerators[1].name: `DLA 0` is not made of lower-case"),
            ("kind: dla", "kind: tpu", "accelerators[1].kind: unknown variant `tpu`"),
            ("rules: everything", "rules: nothing", "accelerators[0].rules: `nothing` is neither"),
            ("kernel: 32", "kernel: -2", "accelerators[1].rules.convolution.value.kernel: invalid type: integer `-2`"),
            ("provenance: published", "provenance: rumour", "peak_bandwidth_gbps.provenance: unknown variant `rumour`"),
            ("bytes_per_element: 2", "bytes_per_element: 0", "bytes_per_element: `0` is not between 1 and 8"),
            ("schema_version: 1", "schema_version: 2", "schema_version 2 is newer than this program reads (1)"),
            ("schema_version: 1", "", "schema_version: missing; this program reads 1"),
            ("title: NVIDIA Jetson AGX Xavier", "", "missing field `title`"),
        ];
        for (from, to, expected) in table {
            check(XAVIER, from, to, expected);
        }
    }

    #[test]
    fn a_parameter_that_its_model_needs_is_named_when_it_is_missing() {
        let start = XAVIER.find("      rate:").unwrap();
        let line = XAVIER[start..].lines().next().unwrap();
        check(XAVIER, line, "", "accelerators[0].contention.rate: missing; model `pccs` needs it");
        check(&small(TABLE), "external: [0, 20], ", "", "accelerators[0].contention.external: missing; model `table`");
    }

    #[test]
    fn a_table_that_is_no_slowdown_is_refused() {
        let table = [
            ("[1, 0.9]", "[0.95, 0.9]", "speed: speed 0.95 at own demand 10 GB/s without external demand is not 1"),
            ("[1, 0.9]", "[1, 0]", "speed: speed 0 at own demand 10 GB/s and external demand 20 GB/s is not above 0"),
            (
                "[1, 0.9]",
                "[1, 0.9, 0.8]",
                "speed: `speed` must have one row for each of the 2 own demands and 2 values in each row",
            ),
            ("[1, 0.9], ", "", "speed: `speed` must have one row"),
            ("external: [0, 20]", "external: [5, 20]", "external[0]: grid `external` begins at 5 GB/s"),
            (
                "external: [0, 20], speed: [[1, 0.9], [1, 0.7]]",
                "external: [0, 9, 20], speed: [[1, 0.8, 0.9], [1, 0.7, 0.7]]",
                "speed: speed at own demand 10 GB/s rises at external demand 20 GB/s",
            ),
            ("own: [10, 50]", "own: [50, 10]", "own: grid `own` must hold throughputs in GB/s"),
            ("own: [10, 50]", "own: []", "own: grid `own` must hold"),
            ("own: [10, 50]", "own: [10, .inf]", "own: grid `own` must hold"),
        ];
        for (from, to, expected) in table {
            check(&small(TABLE), from, to, &format!("accelerators[0].contention.{expected}"));
        }
        check(&small("quick"), "quick", "slow", "accelerators[0].contention: `slow` is neither `none` nor");
    }

    #[test]
    fn a_platform_without_accelerators_or_whose_first_one_is_limited_is_refused() {
        let without = &XAVIER[..XAVIER.find("accelerators:").unwrap()];
        let expected = "platforms/mine.yaml: accelerators: empty; a platform has at least one accelerator";
        assert_eq!(refusal(&format!("{without}accelerators: []\n")), expected);
        let second = &XAVIER[XAVIER.find("  - name: dla").unwrap()..];
        let found = refusal(&format!("{without}accelerators:\n{second}"));
        assert!(found.starts_with("platforms/mine.yaml: accelerators[0].rules: must be `everything`"), "{found}");
    }

    #[test]
    fn what_is_no_platform_at_all_is_refused() {
        for text in ["", "]", "a: [", "- 1", "\u{0}", "&a [*a]", "schema_version: [", "schema_version: 1"] {
            assert!(refusal(text).starts_with("platforms/mine.yaml: "), "{text}");
        }
    }
}
