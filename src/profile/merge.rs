//! Joins neighbouring groups of a profile: coarser groups than the profiled ones, never finer ones.

use std::collections::BTreeMap;

use super::{GroupCost, GroupProfile, NetworkProfile, ProfileError, Tagged};
use crate::group::LayerRange;
use crate::platform::Provenance;
use crate::units::{GigabytesPerSecond, Milliseconds};

/// `profile` with one group from each layer in `starts` (0 is implied) to the next. Times add up, the demand is the mean
/// by time, the entry is the first one's and the exit the last one's. A tail that fewer accelerators run stays apart.
pub fn merge_groups(profile: &NetworkProfile, starts: &[usize]) -> Result<NetworkProfile, ProfileError> {
    let boundaries: Vec<usize> = profile.groups.iter().map(|group| group.layers.first).collect();
    if let Some(&layer) = starts.iter().find(|start| !boundaries.contains(start)) {
        let boundaries = boundaries.into_iter().filter(|&start| start != 0).collect();
        return Err(ProfileError::NoBoundary { network: profile.network.clone(), layer, boundaries });
    }
    let tail = tail_start(&profile.groups);
    let mut groups: Vec<GroupProfile> = Vec::new();
    let mut parts: Vec<&GroupProfile> = Vec::new();
    for group in &profile.groups {
        if !parts.is_empty() && (starts.contains(&group.layers.first) || Some(group.layers.first) == tail) {
            groups.push(joined(&parts));
            parts.clear();
        }
        parts.push(group);
    }
    groups.extend((!parts.is_empty()).then(|| joined(&parts)));
    Ok(NetworkProfile { groups, ..profile.clone() })
}

/// First layer of the last groups that run on fewer accelerators than the group before them.
fn tail_start(groups: &[GroupProfile]) -> Option<usize> {
    let supporters = |group: &GroupProfile| group.costs.keys().cloned().collect::<Vec<_>>();
    let last = supporters(groups.last()?);
    let n_tail = groups.iter().rev().take_while(|group| supporters(group) == last).count();
    let before = groups[..groups.len() - n_tail].last()?;
    let loses = before.costs.keys().any(|name| !last.contains(name));
    loses.then(|| groups[groups.len() - n_tail].layers.first)
}

fn joined(parts: &[&GroupProfile]) -> GroupProfile {
    let (first, last) = (parts[0], parts[parts.len() - 1]);
    let costs: BTreeMap<String, GroupCost> = first
        .costs
        .keys()
        .filter_map(|name| {
            let costs: Option<Vec<&GroupCost>> = parts.iter().map(|part| part.costs.get(name)).collect();
            costs.map(|costs| (name.clone(), joined_cost(&costs)))
        })
        .collect();
    GroupProfile { layers: LayerRange { first: first.layers.first, last: last.layers.last }, costs }
}

fn joined_cost(costs: &[&GroupCost]) -> GroupCost {
    let (first, last) = (costs[0], costs[costs.len() - 1]);
    if costs.len() == 1 {
        return *first;
    }
    let time: Milliseconds = costs.iter().map(|cost| cost.time.value).sum();
    let moved: f64 = costs.iter().map(|cost| cost.demand.value.0 * cost.time.value.0).sum();
    let demand = GigabytesPerSecond(if time.0 > 0.0 { moved / time.0 } else { 0.0 });
    let weakest = |of: fn(&GroupCost) -> Provenance| {
        costs.iter().map(|cost| of(cost)).max().map_or(Provenance::Derived, |worst| worst.max(Provenance::Derived))
    };
    GroupCost {
        time: Tagged { value: time, provenance: weakest(|cost| cost.time.provenance) },
        half_width: joined_half_width(costs),
        demand: Tagged { value: demand, provenance: weakest(|cost| cost.demand.provenance) },
        entry: first.entry,
        exit: last.exit,
    }
}

/// Of a sum of times that were measured apart from each other: the root of the summed squares. `None` where one is missing.
fn joined_half_width(costs: &[&GroupCost]) -> Option<Milliseconds> {
    let squares: Option<Vec<f64>> = costs.iter().map(|cost| cost.half_width.map(|half| half.0 * half.0)).collect();
    squares.map(|squares| Milliseconds(squares.iter().sum::<f64>().sqrt()))
}
