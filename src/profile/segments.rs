//! Times of layer groups on accelerators that run parts of a network as models of their own: from the parts that end before
//! each group, and those that begin with it.
//!
//! With `P(k)` the time of the groups before `k`, `S(k)` that of `k` and those after it, and `W` that of all: a group takes
//! `P(k + 1) - P(k)`, what a part's end costs included, and entering at `k` costs `S(k) - (W - P(k))`. So what a schedule
//! predicts for a network that changes accelerators once, or never, is what was measured.

use super::estimate::{Estimate, line, non_increasing};
use super::model::precision;
use super::{GroupCost, GroupProfile, NetworkProfile, Tagged};
use crate::backend::sim::{crossing_bytes, kernels, within};
use crate::group::LayerRange;
use crate::network::Network;
use crate::platform::{ContentionCurve, Platform, Provenance};
use crate::units::{Bytes, GigabytesPerSecond, Milliseconds};

/// What was measured on one accelerator.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentTimes {
    /// Name of the accelerator.
    pub accelerator: String,
    /// Time of the groups up to each one, itself included; the last is the whole network.
    pub up_to: Vec<Estimate>,
    /// Time of each group and those after it, from the second one on.
    pub from: Vec<Estimate>,
}

/// What a change of accelerator was measured to cost beyond the two parts alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Handover {
    /// Group that begins on the other accelerator.
    pub group: usize,
    /// Accelerator that is left.
    pub from: String,
    /// Accelerator that is entered.
    pub to: String,
    /// What crosses.
    pub crossing: Bytes,
    /// From the end of the one part to the end of the other, less the other part alone.
    pub cost: Milliseconds,
}

/// What a schedule takes of one accelerator.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentCosts {
    /// What every start of a part costs at least.
    pub launch: Milliseconds,
    /// Standalone time of each group.
    pub work: Vec<Milliseconds>,
    /// What entering before each group costs beyond the launch; 0 before the first one.
    pub entry: Vec<Milliseconds>,
}

impl SegmentTimes {
    /// The whole network.
    pub fn whole(&self) -> Option<Estimate> {
        self.up_to.last().copied()
    }

    /// `S(k) - (W - P(k))` for each group but the first.
    pub fn entering(&self) -> Vec<Estimate> {
        let Some(whole) = self.whole() else { return Vec::new() };
        let parts = self.from.iter().zip(&self.up_to);
        parts.map(|(&from, &before)| Estimate::sum(&[(1.0, from), (1.0, before), (-1.0, whole)])).collect()
    }

    /// Costs of a schedule. `P` is fitted so that it doesn't fall from group to group (pool adjacent violators).
    pub fn costs(&self) -> SegmentCosts {
        let falling: Vec<f64> = self.up_to.iter().rev().map(|estimate| estimate.value.0).collect();
        let mut rising = non_increasing(&falling, &vec![1.0; falling.len()]);
        rising.reverse();
        let entering: Vec<f64> = self.entering().iter().map(|estimate| estimate.value.0.max(0.0)).collect();
        // The first group's time holds its start, too, and can't give more than it has.
        let first = rising.first().copied().unwrap_or(0.0);
        let launch = entering.iter().copied().reduce(f64::min).unwrap_or(0.0).min(first);
        let before = std::iter::once(launch).chain(rising.iter().copied());
        let work = rising.iter().zip(before).map(|(until, before)| Milliseconds(until - before)).collect();
        let entry = std::iter::once(0.0).chain(entering.iter().map(|cost| cost - launch)).map(Milliseconds).collect();
        SegmentCosts { launch: Milliseconds(launch), work, entry }
    }
}

/// `fixed + per_mib x MiB` of least squares through the handovers to an accelerator; where all are of one size, or larger ones
/// cost less (which is noise), their mean. `None` without any.
pub fn handover_line(handovers: &[Handover], to: &str) -> Option<(Milliseconds, Milliseconds)> {
    let points: Vec<(f64, f64)> =
        handovers.iter().filter(|it| it.to == to).map(|it| (it.crossing.mebibytes(), it.cost.0)).collect();
    let mean = points.iter().map(|(_, cost)| cost).sum::<f64>() / points.len() as f64;
    let fitted =
        line(&points).filter(|(_, per_mib)| *per_mib >= 0.0).or_else(|| (!points.is_empty()).then_some((mean, 0.0)));
    fitted.map(|(fixed, per_mib)| (Milliseconds(fixed), Milliseconds(per_mib)))
}

/// The demand of something that runs at `speed` (1 is alone) beside `external` by `curve`: what the memory's use, as the
/// curve counts it, must be. Between nothing and `peak`.
pub fn demand_that_slows(
    curve: &ContentionCurve,
    speed: f64,
    external: GigabytesPerSecond,
    peak: GigabytesPerSecond,
) -> GigabytesPerSecond {
    let (mut low, mut high) = (0.001, peak.0);
    // Speeds don't rise with one's own demand; where they don't fall either, the smallest demand explains them.
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if curve.relative_speed(GigabytesPerSecond(middle), external) > speed { low = middle } else { high = middle }
    }
    GigabytesPerSecond(low)
}

/// One network on a platform whose accelerators run parts of networks as models.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentedNetwork {
    /// Groups in the order of their layers.
    pub groups: Vec<LayerRange>,
    /// Times, in the order of the platform's accelerators.
    pub times: Vec<SegmentTimes>,
    /// Demands of the whole network that explain how a stream beside it slows it, in the same order; `None` where nothing
    /// contends.
    pub demands: Vec<Option<GigabytesPerSecond>>,
    /// Changes of accelerator that were measured.
    pub handovers: Vec<Handover>,
}

impl SegmentedNetwork {
    /// Demand of each group on the accelerator at `idx`: modelled bytes over its time, times what makes the whole network's
    /// the one that explains its slowdown.
    pub fn group_demands(&self, network: &Network, platform: &Platform, idx: usize) -> Vec<Tagged<GigabytesPerSecond>> {
        let kernels = kernels(network, platform, idx);
        let bytes = |layers: LayerRange| -> Bytes { within(&kernels, layers).map(|kernel| kernel.bytes).sum() };
        let costs = self.times[idx].costs();
        let all: Bytes = self.groups.iter().map(|&layers| bytes(layers)).sum();
        let modelled = self.times[idx].whole().map(|whole| all.over(whole.value));
        let factor = self.demands[idx].zip(modelled).map(|(found, modelled)| found.0 / modelled.0);
        let provenance = if factor.is_some() { Provenance::Derived } else { Provenance::Modelled };
        let demand = |(&layers, &work): (&LayerRange, &Milliseconds)| {
            let value = bytes(layers).over(work).0 * factor.unwrap_or(1.0);
            Tagged { value: GigabytesPerSecond(value.min(platform.peak_bandwidth.value.0)), provenance }
        };
        self.groups.iter().zip(&costs.work).map(demand).collect()
    }

    /// The profile that a schedule is made of. `backend` ran the parts; `sources` are sentences for people.
    pub fn profile(
        &self,
        network: &Network,
        platform: &Platform,
        backend: &str,
        power_mode: Option<String>,
        sources: Vec<String>,
    ) -> NetworkProfile {
        let derived = |value| Tagged { value, provenance: Provenance::Derived };
        let costs: Vec<SegmentCosts> = self.times.iter().map(SegmentTimes::costs).collect();
        let demands: Vec<_> = (0..self.times.len()).map(|idx| self.group_demands(network, platform, idx)).collect();
        let entry = |idx: usize, group: usize| {
            let line = handover_line(&self.handovers, &self.times[idx].accelerator);
            let crossing = crossing_bytes(network, platform, self.groups[group].first);
            let handover = line.map_or(0.0, |(fixed, per_mib)| fixed.0 + per_mib.0 * crossing.mebibytes());
            if group == 0 { 0.0 } else { (costs[idx].entry[group].0 + handover).max(0.0) }
        };
        let group = |group: usize| GroupProfile {
            layers: self.groups[group],
            costs: (0..self.times.len())
                .map(|idx| {
                    let cost = GroupCost {
                        time: derived(costs[idx].work[group]),
                        half_width: None,
                        demand: demands[idx][group],
                        entry: derived(Milliseconds(entry(idx, group))),
                        exit: derived(Milliseconds(0.0)),
                    };
                    (self.times[idx].accelerator.clone(), cost)
                })
                .collect(),
        };
        NetworkProfile {
            network: network.name.clone(),
            title: network.title.clone(),
            network_hash: network.content_hash.clone(),
            platform: platform.name.clone(),
            platform_hash: None,
            backend: backend.to_owned(),
            precision: precision(platform).to_owned(),
            power_mode,
            groups: (0..self.groups.len()).map(group).collect(),
            launch: self
                .times
                .iter()
                .zip(&costs)
                .map(|(it, cost)| (it.accelerator.clone(), derived(cost.launch)))
                .collect(),
            sources,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::SlowdownTable;

    fn times(up_to: &[f64], from: &[f64]) -> SegmentTimes {
        let estimates = |values: &[f64]| values.iter().map(|&value| Estimate::of(&[value]).unwrap()).collect();
        SegmentTimes { accelerator: "cpu0".into(), up_to: estimates(up_to), from: estimates(from) }
    }

    fn close(found: &[Milliseconds], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found.0 - expected).abs() < 1e-12, "{found:?} {expected}");
        }
    }

    #[test]
    fn what_is_predicted_of_a_network_in_two_parts_is_what_was_measured() {
        let times = times(&[2.0, 5.0, 6.0], &[4.3, 1.2]);
        let costs = times.costs();
        assert!((costs.launch.0 - 0.2).abs() < 1e-12, "{costs:?}");
        close(&costs.work, &[1.8, 3.0, 1.0]);
        close(&costs.entry, &[0.0, 0.1, 0.0]);
        // The whole, the first two, and the last two after a change.
        let sum = |groups: std::ops::Range<usize>| costs.work[groups].iter().map(|work| work.0).sum::<f64>();
        assert!((costs.launch.0 + sum(0..3) - 6.0).abs() < 1e-12);
        assert!((costs.launch.0 + sum(0..2) - 5.0).abs() < 1e-12);
        assert!((costs.launch.0 + costs.entry[1].0 + sum(1..3) - 4.3).abs() < 1e-12);
    }

    #[test]
    fn no_time_is_negative() {
        let costs = times(&[2.0, 1.8, 6.0], &[3.9, 4.0]).costs();
        assert!((costs.launch.0).abs() < 1e-12, "{costs:?}");
        close(&costs.work, &[1.9, 0.0, 4.1]);
        assert!(costs.entry.iter().all(|entry| entry.0 >= 0.0), "{costs:?}");
        let one = times(&[2.0], &[]).costs();
        close(&one.work, &[2.0]);
        close(&one.entry, &[0.0]);
    }

    #[test]
    fn handovers_are_a_line_in_what_crosses() {
        let handover = |to: &str, mebibytes: u64, cost| Handover {
            group: 1,
            from: "cpu0".into(),
            to: to.into(),
            crossing: Bytes(mebibytes << 20),
            cost: Milliseconds(cost),
        };
        let all =
            [handover("cpu1", 1, 0.3), handover("cpu1", 3, 0.5), handover("cpu2", 1, 0.2), handover("cpu2", 1, 0.4)];
        let (fixed, per_mib) = handover_line(&all, "cpu1").unwrap();
        assert!((fixed.0 - 0.2).abs() < 1e-12 && (per_mib.0 - 0.1).abs() < 1e-12);
        let (fixed, per_mib) = handover_line(&all, "cpu2").unwrap();
        assert!((fixed.0 - 0.3).abs() < 1e-12 && per_mib.0 == 0.0);
        assert_eq!(handover_line(&all, "cpu0"), None);
    }

    #[test]
    fn the_demand_is_the_one_that_the_curve_slows_as_much() {
        let table = SlowdownTable {
            own: vec![10.0, 20.0],
            external: vec![0.0, 10.0],
            speed: vec![vec![1.0, 0.9], vec![1.0, 0.5]],
        };
        let (curve, peak) = (ContentionCurve::Table(table), GigabytesPerSecond(30.0));
        let found = |speed| demand_that_slows(&curve, speed, GigabytesPerSecond(10.0), peak).0;
        assert!((found(0.7) - 15.0).abs() < 0.1, "{}", found(0.7));
        assert!(found(1.0) < 0.01 && found(0.2) > 29.9);
    }
}
