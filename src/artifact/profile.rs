//! Profile files: JSON in and out of [`NetworkProfile`]. Layer ranges are half-open; times are in milliseconds.
//!
//! Keys and units are listed in `docs/formats.md`.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::field::{SCHEMA_VERSION, TaggedField, from_json};
use super::json::to_json;
use crate::group::LayerRange;
use crate::profile::{GroupCost, GroupProfile, NetworkProfile};
use crate::units::{GigabytesPerSecond, Milliseconds};

/// Reads a profile file's `text`; errors begin with `origin`, the path or name that people know the file by.
pub fn read_profile(text: &str, origin: &str) -> Result<NetworkProfile> {
    from_json::<ProfileFile>(text).and_then(ProfileFile::into_profile).with_context(|| origin.to_owned())
}

/// The text of the file that holds `profile`; refuses one that could not be read back.
pub fn write_profile(profile: &NetworkProfile) -> Result<String> {
    let text = to_json(&ProfileFile::new(profile))?;
    read_profile(&text, &format!("profile of `{}`", profile.network))?;
    Ok(text)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileFile {
    schema_version: u64,
    network: NetworkField,
    platform: PlatformField,
    backend: String,
    precision: String,
    power_mode: Option<String>,
    launch_ms: BTreeMap<String, TaggedField>,
    groups: Vec<GroupField>,
    sources: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworkField {
    name: String,
    title: String,
    hash: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlatformField {
    name: String,
    hash: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupField {
    layers: [usize; 2],
    costs: BTreeMap<String, CostField>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CostField {
    t_ms: TaggedField,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    t_half_width_ms: Option<f64>,
    demand_gbps: TaggedField,
    in_ms: TaggedField,
    out_ms: TaggedField,
}

impl ProfileFile {
    fn new(profile: &NetworkProfile) -> Self {
        let launch = profile.launch.iter().map(|(name, cost)| (name.clone(), TaggedField::new(cost, cost.value.0)));
        Self {
            schema_version: SCHEMA_VERSION,
            network: NetworkField {
                name: profile.network.clone(),
                title: profile.title.clone(),
                hash: profile.network_hash.clone(),
            },
            platform: PlatformField { name: profile.platform.clone(), hash: profile.platform_hash.clone() },
            backend: profile.backend.clone(),
            precision: profile.precision.clone(),
            power_mode: profile.power_mode.clone(),
            launch_ms: launch.collect(),
            groups: profile.groups.iter().map(GroupField::new).collect(),
            sources: profile.sources.clone(),
        }
    }

    fn into_profile(self) -> Result<NetworkProfile> {
        let groups = into_groups(self.groups)?;
        let mut launch = BTreeMap::new();
        for (name, cost) in self.launch_ms {
            let path = format!("launch_ms.{name}");
            launch.insert(name, cost.amount(&path, Milliseconds)?);
        }
        Ok(NetworkProfile {
            network: self.network.name,
            title: self.network.title,
            network_hash: self.network.hash,
            platform: self.platform.name,
            platform_hash: self.platform.hash,
            backend: self.backend,
            precision: self.precision,
            power_mode: self.power_mode,
            groups,
            launch,
            sources: self.sources,
        })
    }
}

fn into_groups(fields: Vec<GroupField>) -> Result<Vec<GroupProfile>> {
    if fields.is_empty() {
        bail!("groups: empty; a network has at least one group");
    }
    let mut next = 0;
    let mut groups = Vec::with_capacity(fields.len());
    for (idx, field) in fields.into_iter().enumerate() {
        let at = format!("groups[{idx}]");
        next = check_range(field.layers, next, &format!("{at}.layers"))?;
        groups.push(field.into_group(&at)?);
    }
    Ok(groups)
}

/// Refuses a range that is empty or doesn't begin at layer `next`; returns where the following one begins.
pub(super) fn check_range([first, last]: [usize; 2], next: usize, path: &str) -> Result<usize> {
    if first >= last {
        bail!("{path}: [{first}, {last}) holds no layer");
    }
    if first > next {
        bail!("{path}: [{first}, {last}) leaves a gap; layer {next} comes next");
    }
    if first < next {
        bail!("{path}: [{first}, {last}) overlaps the group before it; layer {next} comes next");
    }
    Ok(last)
}

impl GroupField {
    fn new(group: &GroupProfile) -> Self {
        let costs = group.costs.iter().map(|(name, cost)| (name.clone(), CostField::new(cost)));
        Self { layers: [group.layers.first, group.layers.last], costs: costs.collect() }
    }

    fn into_group(self, at: &str) -> Result<GroupProfile> {
        if self.costs.is_empty() {
            bail!("{at}.costs: empty; at least one accelerator runs the group");
        }
        let [first, last] = self.layers;
        let costs = self.costs.into_iter().map(|(name, cost)| {
            let cost = cost.into_cost(&format!("{at}.costs.{name}"))?;
            Ok((name, cost))
        });
        Ok(GroupProfile { layers: LayerRange { first, last }, costs: costs.collect::<Result<_>>()? })
    }
}

impl CostField {
    fn new(cost: &GroupCost) -> Self {
        Self {
            t_ms: TaggedField::new(&cost.time, cost.time.value.0),
            t_half_width_ms: cost.half_width.map(|half| half.0),
            demand_gbps: TaggedField::new(&cost.demand, cost.demand.value.0),
            in_ms: TaggedField::new(&cost.entry, cost.entry.value.0),
            out_ms: TaggedField::new(&cost.exit, cost.exit.value.0),
        }
    }

    fn into_cost(self, at: &str) -> Result<GroupCost> {
        if let Some(half) = self.t_half_width_ms.filter(|half| *half < 0.0) {
            bail!("{at}.t_half_width_ms: `{half}` is negative");
        }
        Ok(GroupCost {
            time: self.t_ms.amount(&format!("{at}.t_ms"), Milliseconds)?,
            half_width: self.t_half_width_ms.map(Milliseconds),
            demand: self.demand_gbps.amount(&format!("{at}.demand_gbps"), GigabytesPerSecond)?,
            entry: self.in_ms.amount(&format!("{at}.in_ms"), Milliseconds)?,
            exit: self.out_ms.amount(&format!("{at}.out_ms"), Milliseconds)?,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::platform::Provenance;
    use crate::profile::Tagged;

    /// A profile of two groups on one accelerator.
    pub(in crate::artifact) const SMALL: &str = r#"{
        "schema_version": 1,
        "network": {"name": "tiny", "title": "Tiny", "hash": "ab"},
        "platform": {"name": "xavier_agx", "hash": null},
        "backend": "published", "precision": "fp16", "power_mode": null,
        "launch_ms": {"gpu": {"value": 0.01, "provenance": "assumed"}},
        "groups": [
            {"layers": [0, 10], "costs": {"gpu": {
                "t_ms": {"value": 0.452, "provenance": "published"},
                "demand_gbps": {"value": 30, "provenance": "derived"},
                "in_ms": {"value": 0, "provenance": "derived"},
                "out_ms": {"value": 0, "provenance": "derived"}}}},
            {"layers": [10, 12], "costs": {"gpu": {
                "t_ms": {"value": 1, "provenance": "published"},
                "demand_gbps": {"value": 30, "provenance": "derived"},
                "in_ms": {"value": 0, "provenance": "derived"},
                "out_ms": {"value": 0, "provenance": "derived"}}}}
        ],
        "sources": ["a test"]
    }"#;

    /// What is said of `SMALL` with `from` replaced by `to`.
    fn refusal(from: &str, to: &str) -> String {
        assert!(SMALL.contains(from), "{from}");
        format!("{:#}", read_profile(&SMALL.replacen(from, to, 1), "p.json").unwrap_err())
    }

    #[test]
    fn reads_groups_with_their_costs() {
        let profile = read_profile(SMALL, "p.json").unwrap();
        assert_eq!(profile.groups[0].layers, LayerRange { first: 0, last: 10 });
        let time = Tagged { value: Milliseconds(0.452), provenance: Provenance::Published };
        assert_eq!(profile.groups[0].costs["gpu"].time, time);
        assert_eq!(profile.launch["gpu"].value, Milliseconds(0.01));
    }

    #[test]
    fn the_uncertainty_of_a_profile_is_that_of_the_times_that_have_an_interval() {
        let profile = read_profile(SMALL, "p.json").unwrap();
        assert_eq!(profile.time_uncertainty(), None);
        // Of the two groups the second one takes 1 ms.
        let (first, second) = SMALL.rsplit_once("\"demand_gbps\"").unwrap();
        let text = format!("{first}\"t_half_width_ms\": 0.05, \"demand_gbps\"{second}");
        assert_eq!(read_profile(&text, "p.json").unwrap().time_uncertainty(), Some(0.05));
    }

    #[test]
    fn a_refused_profile_names_the_field() {
        let table = [
            ("0.452", "-1", "p.json: groups[0].costs.gpu.t_ms.value: `-1` is negative"),
            ("0.452", "1e999", "p.json: groups[0].costs.gpu.t_ms.value: number out of range at line 9 column 39"),
            ("0.452", "null", "p.json: groups[0].costs.gpu.t_ms.value: invalid type: null, expected a number"),
            ("[10, 12]", "[11, 12]", "p.json: groups[1].layers: [11, 12) leaves a gap; layer 10 comes next"),
            ("[10, 12]", "[9, 12]", "p.json: groups[1].layers: [9, 12) overlaps the group before it"),
            ("[10, 12]", "[10, 10]", "p.json: groups[1].layers: [10, 10) holds no layer"),
            ("[0, 10]", "[-1, 10]", "p.json: groups[0].layers[0]: invalid value: integer `-1`"),
            ("\"schema_version\": 1", "\"schema_version\": 2", "p.json: schema_version 2 is newer"),
            ("\"schema_version\": 1", "\"schema_version\": \"1\"", "p.json: schema_version: invalid type: string"),
            ("\"schema_version\": 1,", "", "p.json: schema_version: missing"),
            ("\"backend\"", "\"backends\"", "p.json: backends: unknown field `backends`"),
            ("\"published\", \"precision\"", "3, \"precision\"", "p.json: backend: invalid type: integer `3`"),
            ("\"derived\"", "\"guessed\"", "p.json: groups[0].costs.gpu.demand_gbps.provenance: unknown variant"),
            (
                "\"demand_gbps\"",
                "\"t_half_width_ms\": -0.1, \"demand_gbps\"",
                "p.json: groups[0].costs.gpu.t_half_width_ms: `-0.1` is negative",
            ),
            ("0.01", "-0.01", "p.json: launch_ms.gpu.value: `-0.01` is negative"),
        ];
        for (from, to, expected) in table {
            let found = refusal(from, to);
            assert!(found.starts_with(expected), "{found}\ninstead of\n{expected}");
        }
    }

    #[test]
    fn a_profile_without_groups_or_with_a_group_that_nothing_runs_is_refused() {
        let mut profile = read_profile(SMALL, "p.json").unwrap();
        profile.groups[1].costs.clear();
        let message = format!("{:#}", write_profile(&profile).unwrap_err());
        assert_eq!(message, "profile of `tiny`: groups[1].costs: empty; at least one accelerator runs the group");
        profile.groups.clear();
        let message = format!("{:#}", write_profile(&profile).unwrap_err());
        assert_eq!(message, "profile of `tiny`: groups: empty; a network has at least one group");
    }

    #[test]
    fn what_is_not_a_number_is_not_written() {
        let mut profile = read_profile(SMALL, "p.json").unwrap();
        profile.groups[1].costs.get_mut("gpu").unwrap().demand.value.0 = f64::NAN;
        let message = format!("{:#}", write_profile(&profile).unwrap_err());
        assert!(message.contains("groups[1].costs.gpu.demand_gbps.value: invalid type: null"), "{message}");
    }

    fn tagged<T: std::fmt::Debug>(meaning: fn(f64) -> T) -> impl Strategy<Value = Tagged<T>> {
        let provenance = prop::sample::select(Provenance::ALL.to_vec());
        (0..50_000_000_u32, provenance)
            .prop_map(move |(value, provenance)| Tagged { value: meaning(f64::from(value) / 1e6), provenance })
    }

    fn cost() -> impl Strategy<Value = GroupCost> {
        let ms = || tagged(Milliseconds);
        let half_width = prop::option::of((0..50_000_000_u32).prop_map(|value| Milliseconds(f64::from(value) / 1e6)));
        (ms(), half_width, tagged(GigabytesPerSecond), ms(), ms())
            .prop_map(|(time, half_width, demand, entry, exit)| GroupCost { time, half_width, demand, entry, exit })
    }

    proptest! {
        #[test]
        fn a_written_profile_reads_back_the_same(
            costs in prop::collection::vec((cost(), prop::option::of(cost()), 1..20_usize), 1..12),
            launch in tagged(Milliseconds),
            title in ".*",
        ) {
            let mut profile = read_profile(SMALL, "p.json").unwrap();
            profile.title = title;
            profile.launch = BTreeMap::from([("gpu".to_owned(), launch)]);
            let mut first = 0;
            profile.groups.clear();
            for (gpu, dla, n_layers) in costs {
                let costs = [("gpu".to_owned(), gpu)].into_iter().chain(dla.map(|dla| ("dla".to_owned(), dla)));
                let layers = LayerRange { first, last: first + n_layers };
                first = layers.last;
                profile.groups.push(GroupProfile { layers, costs: costs.collect() });
            }
            prop_assert_eq!(read_profile(&write_profile(&profile).unwrap(), "p.json").unwrap(), profile);
        }
    }
}
