//! How a user asks for groups (`--groups`), and what can be wrong with it.

use std::fmt;
use std::str::FromStr;

use crate::network::Network;

use super::{CutFault, cut_fault, legal_cuts};

/// Groups of a network when nothing else is asked for.
pub const DEFAULT_GROUPS: usize = 10;

/// First layers of the published groups of GoogLeNet after the first (artifact of HaX-CoNN, `Makefile`, transitions).
pub const PAPER_CUTS: [usize; 9] = [10, 24, 38, 53, 67, 81, 95, 110, 124];

/// Which groups a network is divided into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupSpec {
    /// At most so many, none negligible; the tail that an accelerator can't run comes on top.
    AtMost(usize),
    /// One group between any two neighbouring legal cuts.
    Legal,
    /// The groups of the paper; GoogLeNet only.
    Paper,
    /// These first layers (a leading 0 may be there or not).
    Cuts(Vec<usize>),
}

impl Default for GroupSpec {
    fn default() -> Self {
        Self::AtMost(DEFAULT_GROUPS)
    }
}

impl fmt::Display for GroupSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(n_groups) => n_groups.fmt(f),
            Self::Legal => f.write_str("legal"),
            Self::Paper => f.write_str("paper"),
            // A single cut reads as a number of groups without its 0.
            Self::Cuts(cuts) if cuts.len() == 1 => write!(f, "0,{}", cuts[0]),
            Self::Cuts(cuts) => f.write_str(&cuts.iter().map(usize::to_string).collect::<Vec<_>>().join(",")),
        }
    }
}

impl FromStr for GroupSpec {
    type Err = GroupError;

    /// Reads `N`, `legal`, `paper` or ascending first layers (`10,24,38`; a single cut is written `0,24`).
    fn from_str(text: &str) -> Result<Self, GroupError> {
        let malformed = || GroupError::Malformed { text: text.to_string() };
        match text.trim() {
            "legal" => Ok(Self::Legal),
            "paper" => Ok(Self::Paper),
            list if list.contains(',') => {
                let layers = list.split(',').map(|layer| layer.trim().parse().map_err(|_| malformed()));
                let layers = layers.collect::<Result<Vec<usize>, _>>()?;
                if layers.is_sorted_by(|a, b| a < b) { Ok(Self::Cuts(layers)) } else { Err(malformed()) }
            }
            number => match number.parse() {
                Ok(0) | Err(_) => Err(malformed()),
                Ok(n_groups) => Ok(Self::AtMost(n_groups)),
            },
        }
    }
}

/// Why groups can't be had as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// The text is none of the four forms.
    #[error(
        "`{text}` is neither a number of groups (1 or more), `legal`, `paper` nor ascending layers like `10,24,38`"
    )]
    Malformed {
        /// What was given.
        text: String,
    },
    /// The paper's groups were asked for another network.
    #[error(
        "`paper` groups are published for `googlenet` only, not for `{network}`; leave `--groups` out or give a number"
    )]
    NotPublished {
        /// The network.
        network: String,
    },
    /// A cut was asked for where the network can't be cut.
    #[error("{0}")]
    IllegalCut(Box<IllegalCut>),
}

/// A cut that was asked for and can't be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{network}` can't be cut before layer {layer}{}: {fault}; {}", self.named(), self.advice())]
pub struct IllegalCut {
    /// The network.
    pub network: String,
    /// The layer.
    pub layer: usize,
    /// The layer's name, where there is such a layer.
    pub name: Option<String>,
    /// What is wrong there.
    pub fault: CutFault,
    /// The nearest legal cuts below and above.
    pub nearest: Vec<usize>,
}

impl IllegalCut {
    fn named(&self) -> String {
        self.name.as_ref().map(|name| format!(" (`{name}`)")).unwrap_or_default()
    }

    fn advice(&self) -> String {
        match self.nearest.as_slice() {
            [] => "it has no legal cut".into(),
            [only] => format!("the nearest legal cut is {only}"),
            [below, above, ..] => format!("the nearest legal cuts are {below} and {above}"),
        }
    }
}

impl GroupError {
    /// The refusal of a cut before `layer`, if it must be refused.
    pub(super) fn of_cut(network: &Network, layer: usize) -> Option<Self> {
        let fault = cut_fault(network, layer)?;
        let cuts = legal_cuts(network);
        let below = cuts.iter().rev().find(|cut| cut.layer < layer);
        let above = cuts.iter().find(|cut| cut.layer > layer);
        let nearest = below.into_iter().chain(above).map(|cut| cut.layer).collect();
        let name = network.layers.get(layer).map(|layer| layer.name.clone());
        let network = network.name.clone();
        Some(Self::IllegalCut(Box::new(IllegalCut { network, layer, name, fault, nearest })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_number_a_word_or_a_list() {
        let check = |text: &str, spec: GroupSpec| {
            assert_eq!(text.parse::<GroupSpec>(), Ok(spec.clone()));
            assert_eq!(spec.to_string().parse::<GroupSpec>(), Ok(spec));
        };
        check("10", GroupSpec::default());
        check("legal", GroupSpec::Legal);
        check("paper", GroupSpec::Paper);
        check("10, 24,38", GroupSpec::Cuts(vec![10, 24, 38]));
        check("0,24", GroupSpec::Cuts(vec![0, 24]));
    }

    #[test]
    fn refuses_no_groups_unsorted_lists_and_other_words() {
        for text in ["0", "", "-1", "ten", "10,", "24,10", "10,10", "10;24", "1.5"] {
            let refusal = text.parse::<GroupSpec>().unwrap_err().to_string();
            assert!(refusal.starts_with(&format!("`{text}` is neither a number")), "{refusal}");
        }
    }

    #[test]
    fn a_single_cut_is_shown_so_that_it_reads_back() {
        assert_eq!(GroupSpec::Cuts(vec![24]).to_string(), "0,24");
    }
}
