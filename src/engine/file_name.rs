//! File names of plans, both ways. They are those of HaX-CoNN's artifact, so that its users find their files:
//! `googlenet_transition_plans/googlenet_gpu_transition_at_38.plan`, `.._mark_plans/.._dla_mark_at_-1.plan`. Those of some
//! layers, which the artifact doesn't have, are called alike: `.._segment_plans/.._gpu_segment_at_10_to_38.plan` has layers 10
//! to 37.

use std::num::ParseIntError;

use super::{Device, EngineSpec, Variant};
use crate::group::LayerRange;

const TRANSITION: &str = "transition";
const MARK: &str = "mark";
const SEGMENT: &str = "segment";
const TO: &str = "_to_";

impl EngineSpec {
    /// The folder of a network's plans of this kind.
    pub fn folder(&self) -> String {
        format!("{}_{}_plans", self.network, self.kind().0)
    }

    /// The plan's file name without its extension; a DLA core other than 0 is part of it where the DLA is used.
    pub fn stem(&self) -> String {
        let (kind, layer) = self.kind();
        let core = if self.uses_dla() && self.dla_core > 0 { format!("_core{}", self.dla_core) } else { String::new() };
        format!("{}_{}_{kind}_at_{layer}{core}", self.network, self.start.name())
    }

    /// The spec whose [`EngineSpec::stem`] this is.
    pub fn from_stem(stem: &str) -> Option<Self> {
        let (named, dla_core) = match stem.rsplit_once("_core") {
            Some((named, core)) if core.bytes().all(|byte| byte.is_ascii_digit()) => (named, core.parse().ok()?),
            _ => (stem, 0),
        };
        let (rest, layer) = named.rsplit_once("_at_")?;
        let (rest, kind) = rest.rsplit_once('_')?;
        let variant = match kind {
            TRANSITION => Variant::Transition(layer_of(layer).ok()?),
            MARK => Variant::Mark(layer_of(layer).ok()?),
            SEGMENT => {
                let (first, last) = layer.split_once(TO)?;
                Variant::Segment(LayerRange { first: first.parse().ok()?, last: last.parse().ok()? })
            }
            _ => return None,
        };
        let (network, start) = rest.rsplit_once('_')?;
        let start = [Device::Gpu, Device::Dla].into_iter().find(|device| device.name() == start)?;
        let spec = Self { network: network.to_owned(), start, variant, dla_core };
        // Other spellings of the same engine (`_at_007`, `_core0`) are no names that this program gives.
        (spec.stem() == stem && !network.is_empty()).then_some(spec)
    }

    /// The kind, and the layers as they stand in names.
    fn kind(&self) -> (&'static str, String) {
        let layer = |layer: Option<usize>| layer.map_or_else(|| "-1".to_owned(), |layer| layer.to_string());
        match self.variant {
            Variant::Transition(first) => (TRANSITION, layer(first)),
            Variant::Mark(marked) => (MARK, layer(marked)),
            Variant::Segment(LayerRange { first, last }) => (SEGMENT, format!("{first}{TO}{last}")),
        }
    }
}

/// A layer as it stands in a name: -1 is none.
fn layer_of(text: &str) -> Result<Option<usize>, ParseIntError> {
    if text == "-1" { Ok(None) } else { text.parse().map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(stem: &str, network: &str, start: Device, variant: Variant, dla_core: u32) {
        let spec = EngineSpec { network: network.to_owned(), start, variant, dla_core };
        assert_eq!(spec.stem(), stem);
        assert_eq!(EngineSpec::from_stem(stem), Some(spec));
    }

    #[test]
    fn names_are_those_of_the_artifact_and_are_read_back() {
        use Variant::{Mark, Segment, Transition};
        check("googlenet_gpu_transition_at_38", "googlenet", Device::Gpu, Transition(Some(38)), 0);
        check("googlenet_gpu_transition_at_-1", "googlenet", Device::Gpu, Transition(None), 0);
        check("googlenet_dla_mark_at_-1", "googlenet", Device::Dla, Mark(None), 0);
        check("inc-res-v2_dla_mark_at_0", "inc-res-v2", Device::Dla, Mark(Some(0)), 0);
        check("my_gpu_net_gpu_transition_at_3_core1", "my_gpu_net", Device::Gpu, Transition(Some(3)), 1);
        check("a_core2_dla_transition_at_-1", "a_core2", Device::Dla, Transition(None), 0);
        let layers = Segment(LayerRange { first: 10, last: 38 });
        check("googlenet_gpu_segment_at_10_to_38", "googlenet", Device::Gpu, layers, 0);
        check("googlenet_dla_segment_at_10_to_38_core1", "googlenet", Device::Dla, layers, 1);
    }

    #[test]
    fn the_core_of_an_engine_without_dla_layers_is_not_in_its_name() {
        let spec = EngineSpec {
            network: "alexnet".to_owned(),
            start: Device::Gpu,
            variant: Variant::Transition(None),
            dla_core: 1,
        };
        assert_eq!(spec.stem(), "alexnet_gpu_transition_at_-1");
    }

    #[test]
    fn other_names_are_no_plans() {
        for stem in [
            "",
            "googlenet",
            "googlenet_gpu_transition_at_",
            "googlenet_gpu_transition_at_038",
            "googlenet_gpu_transition_at_-2",
            "googlenet_npu_transition_at_38",
            "googlenet_gpu_jump_at_38",
            "_gpu_transition_at_38",
            "googlenet_gpu_transition_at_38_core0",
            "googlenet_gpu_transition_at_10_to_38",
            "googlenet_gpu_segment_at_10",
            "googlenet_gpu_segment_at_10_to_-1",
            "googlenet_gpu_segment_at_010_to_38",
            "googlenet_gpu_transition_at_38_core99999999999",
        ] {
            assert_eq!(EngineSpec::from_stem(stem), None, "{stem}");
        }
    }
}
