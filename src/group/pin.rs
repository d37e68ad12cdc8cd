//! Pins: layers that a user wants on one accelerator (`googlenet:0-9=gpu`).
//!
//! A group is placed whole, so a pin holds for every group that it touches. A pin of a whole network (`googlenet=dla`)
//! holds for the groups that the accelerator can run; the others stay free.

use std::fmt;
use std::str::FromStr;

use crate::network::Network;

use super::{LayerGroup, Unsupported};

/// Layers of a network that must run on one accelerator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The network's short name, or the path by which the user called it.
    pub network: String,
    /// First and last layer, both included; `None` for the whole network.
    pub layers: Option<(usize, usize)>,
    /// The accelerator's name.
    pub accelerator: String,
}

/// Why a pin can't be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// The text has not the form of a pin.
    #[error(
        "`{text}` is not a pin: write `network:first-last=accelerator`, as in `googlenet:0-9=gpu`, or `googlenet=gpu`"
    )]
    Malformed {
        /// What was given.
        text: String,
    },
    /// No network of that name is scheduled.
    #[error("`--pin {pin}` names `{}`, which is not among the networks {known}", .pin.network)]
    UnknownNetwork {
        /// The pin.
        pin: Pin,
        /// The networks, for people.
        known: String,
    },
    /// The platform has no such accelerator.
    #[error("`--pin {pin}` names accelerator `{}`; the platform has {known}", .pin.accelerator)]
    UnknownAccelerator {
        /// The pin.
        pin: Pin,
        /// The accelerators, for people.
        known: String,
    },
    /// The range reaches past the last layer.
    #[error("`--pin {pin}` reaches past the last layer of `{}`, which is {last}", .pin.network)]
    OutOfRange {
        /// The pin.
        pin: Pin,
        /// The last layer.
        last: usize,
    },
    /// The accelerator can't run a group that the pin touches.
    #[error("`--pin {pin}` can't hold: `{}` can't run layer {layer} (`{name}`) of group {group}: {reason}", .pin.accelerator)]
    Unsupported {
        /// The pin.
        pin: Box<Pin>,
        /// The group's layers, for people.
        group: String,
        /// The layer.
        layer: usize,
        /// The layer's name.
        name: String,
        /// Why not.
        reason: Unsupported,
    },
    /// Two pins want the same group on different accelerators.
    #[error("`--pin {first}` and `--pin {second}` both hold for group {group}; a group runs on one accelerator")]
    Conflict {
        /// One pin.
        first: Box<Pin>,
        /// The other pin.
        second: Box<Pin>,
        /// The group's layers, for people.
        group: String,
    },
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.layers {
            None => write!(f, "{}={}", self.network, self.accelerator),
            Some((first, last)) => write!(f, "{}:{first}-{last}={}", self.network, self.accelerator),
        }
    }
}

impl FromStr for Pin {
    type Err = PinError;

    /// Reads `network:first-last=accelerator`, `network:layer=accelerator` or `network=accelerator`.
    fn from_str(text: &str) -> Result<Self, PinError> {
        parse(text).ok_or_else(|| PinError::Malformed { text: text.to_string() })
    }
}

fn parse(text: &str) -> Option<Pin> {
    let (target, accelerator) = text.rsplit_once('=')?;
    let (network, layers) = match target.rsplit_once(':') {
        None => (target, None),
        Some((network, range)) => {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
            (network, (first <= last).then_some((first, last)))
        }
    };
    let (network, accelerator) = (network.trim(), accelerator.trim());
    let complete = !network.is_empty() && !accelerator.is_empty() && (layers.is_some() || !target.contains(':'));
    complete.then(|| Pin { network: network.to_string(), layers, accelerator: accelerator.to_string() })
}

impl Pin {
    /// Whether the pin speaks of this network, by its short name or its title, upper or lower case alike.
    pub fn is_for(&self, network: &Network) -> bool {
        [&network.name, &network.title].iter().any(|name| name.eq_ignore_ascii_case(&self.network))
    }

    fn touches(&self, group: &LayerGroup) -> bool {
        self.layers.is_none_or(|(first, last)| first < group.layers.last && last >= group.layers.first)
    }
}

/// Refuses a pin that is for none of `networks`.
pub fn check_pinned_networks(pins: &[Pin], networks: &[&Network]) -> Result<(), PinError> {
    let Some(pin) = pins.iter().find(|pin| !networks.iter().any(|network| pin.is_for(network))) else { return Ok(()) };
    let names: Vec<String> = networks.iter().map(|network| network.name.clone()).collect();
    Err(PinError::UnknownNetwork { pin: pin.clone(), known: quoted(&names) })
}

/// The accelerators that each group may use: those that run it, narrowed by the pins of this network (other networks'
/// pins are passed over). Names are in the order of the groups' `support`.
pub fn allowed(network: &Network, groups: &[LayerGroup], pins: &[Pin]) -> Result<Vec<Vec<String>>, PinError> {
    let pins: Vec<&Pin> = pins.iter().filter(|pin| pin.is_for(network)).collect();
    for pin in &pins {
        check(network, groups, pin)?;
    }
    groups.iter().map(|group| allowed_for(network, group, &pins)).collect()
}

/// Refuses an accelerator that isn't there and a range that reaches past the end.
fn check(network: &Network, groups: &[LayerGroup], pin: &Pin) -> Result<(), PinError> {
    let known: Vec<String> = groups.iter().take(1).flat_map(|group| &group.support).map(name).collect();
    if !known.contains(&pin.accelerator) {
        return Err(PinError::UnknownAccelerator { pin: pin.clone(), known: quoted(&known) });
    }
    let last_layer = network.layers.len().saturating_sub(1);
    match pin.layers {
        Some((_, last)) if last > last_layer => Err(PinError::OutOfRange { pin: pin.clone(), last: last_layer }),
        _ => Ok(()),
    }
}

fn allowed_for(network: &Network, group: &LayerGroup, pins: &[&Pin]) -> Result<Vec<String>, PinError> {
    let mut holding: Option<&Pin> = None;
    for pin in pins.iter().filter(|pin| pin.touches(group)) {
        if !group.runs_on(&pin.accelerator) {
            if pin.layers.is_none() {
                continue;
            }
            return Err(unsupported(network, group, pin));
        }
        match holding {
            Some(first) if first.accelerator != pin.accelerator => {
                let (first, second) = (Box::new(first.clone()), Box::new((*pin).clone()));
                return Err(PinError::Conflict { first, second, group: group.layers.to_string() });
            }
            _ => holding = Some(pin),
        }
    }
    Ok(match holding {
        Some(pin) => vec![pin.accelerator.clone()],
        None => group.support.iter().filter(|support| support.blocked_by.is_none()).map(name).collect(),
    })
}

fn unsupported(network: &Network, group: &LayerGroup, pin: &Pin) -> PinError {
    let support = group.support.iter().find(|support| support.accelerator == pin.accelerator);
    let blocked = support.and_then(|support| support.blocked_by.clone());
    let (layer, reason) = blocked.unwrap_or_else(|| (group.layers.first, Unsupported("it is unknown".into())));
    let name = network.layers[layer].name.clone();
    PinError::Unsupported { pin: Box::new(pin.clone()), group: group.layers.to_string(), layer, name, reason }
}

fn name(support: &super::GroupSupport) -> String {
    support.accelerator.clone()
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{chain, dla_rules};
    use super::super::{AcceleratorRules, GroupSpec, split};
    use super::*;
    use crate::platform::SupportRules;

    /// Groups 0-0, 1-2, 3-3 (softmax: GPU only).
    fn apply(pins: &[&str]) -> Result<Vec<Vec<String>>, String> {
        let network = chain(&["conv", "conv", "relu", "softmax"]);
        let dla = dla_rules();
        let gpu = AcceleratorRules::new("gpu", &SupportRules::Everything);
        let groups = split(&network, &[gpu, AcceleratorRules::new("dla", &dla)], &GroupSpec::Legal).unwrap();
        let pins: Vec<Pin> = pins.iter().map(|pin| pin.parse().unwrap()).collect();
        allowed(&network, &groups, &pins).map_err(|refusal| refusal.to_string())
    }

    fn check(pins: &[&str], expected: [&[&str]; 3]) {
        assert_eq!(apply(pins).unwrap(), expected);
    }

    #[test]
    fn reads_a_range_a_layer_or_a_whole_network() {
        let read = |text: &str| text.parse::<Pin>().unwrap();
        assert_eq!(read("googlenet:0-9=gpu").layers, Some((0, 9)));
        assert_eq!(read("googlenet:7=gpu").layers, Some((7, 7)));
        assert_eq!(read("googlenet=gpu").layers, None);
        assert_eq!(read("./my.prototxt:0-9=gpu").network, "./my.prototxt");
        assert_eq!(read("googlenet:7=gpu").to_string(), "googlenet:7-7=gpu");
    }

    #[test]
    fn refuses_what_is_no_pin() {
        for text in
            ["", "googlenet", "googlenet:0-9", "googlenet:9-0=gpu", "googlenet:a-b=gpu", "=gpu", "googlenet=", ":1=gpu"]
        {
            let refusal = text.parse::<Pin>().unwrap_err().to_string();
            assert!(refusal.starts_with(&format!("`{text}` is not a pin")), "{refusal}");
        }
    }

    #[test]
    fn a_pin_holds_for_every_group_that_it_touches() {
        check(&[], [&["gpu", "dla"], &["gpu", "dla"], &["gpu"]]);
        check(&["net:0-1=gpu"], [&["gpu"], &["gpu"], &["gpu"]]);
        check(&["net:2=dla"], [&["gpu", "dla"], &["dla"], &["gpu"]]);
        check(&["Net:0=dla", "other:0=gpu"], [&["dla"], &["gpu", "dla"], &["gpu"]]);
    }

    #[test]
    fn a_pin_of_the_whole_network_leaves_what_cannot_run_free() {
        check(&["net=dla"], [&["dla"], &["dla"], &["gpu"]]);
    }

    #[test]
    fn refuses_a_pin_that_cannot_hold() {
        let refused = |pins: &[&str], reason: &str| assert_eq!(apply(pins), Err(reason.to_string()));
        refused(
            &["net:2-3=dla"],
            "`--pin net:2-3=dla` can't hold: `dla` can't run layer 3 (`softmax3`) of group 3-3: softmax is not supported",
        );
        refused(&["net:0=npu"], "`--pin net:0-0=npu` names accelerator `npu`; the platform has `gpu`, `dla`");
        refused(&["net:0-4=gpu"], "`--pin net:0-4=gpu` reaches past the last layer of `net`, which is 3");
        refused(
            &["net:1=gpu", "net:2=dla"],
            "`--pin net:1-1=gpu` and `--pin net:2-2=dla` both hold for group 1-2; a group runs on one accelerator",
        );
    }

    #[test]
    fn refuses_a_pin_for_a_network_that_is_not_there() {
        let network = chain(&["conv"]);
        let pins = ["other=gpu".parse().unwrap()];
        let refusal = check_pinned_networks(&pins, &[&network]).unwrap_err().to_string();
        assert_eq!(refusal, "`--pin other=gpu` names `other`, which is not among the networks `net`");
        assert_eq!(check_pinned_networks(&[], &[&network]), Ok(()));
    }
}
