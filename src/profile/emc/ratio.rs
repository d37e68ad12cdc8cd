//! Demand of a layer group on the DLA, whose traffic no counter tells: HaX-CoNN's ratio rule, and which characterised
//! convolution it takes the ratio from.

use super::SingleConvolution;
use crate::group::LayerRange;
use crate::network::{Layer, LayerKind, Network};
use crate::units::{GigabytesPerSecond, Percent};

/// Demand on the DLA by HaX-CoNN's rule (its artifact's README, step 5): the demand on the GPU times the ratio of the
/// memory's use by a like convolution on the DLA and on the GPU. `None` where the GPU's use is zero.
pub fn ratio_rule(on_dla: Percent, on_gpu: Percent, gpu_demand: GigabytesPerSecond) -> Option<GigabytesPerSecond> {
    (on_gpu.0 > 0.0).then(|| GigabytesPerSecond(on_dla.0 / on_gpu.0 * gpu_demand.0))
}

/// Which of `known` is most like the layers of `range`: nearest to their convolution with the most multiply-accumulates by
/// [`SingleConvolution::distance`], the first of several. `None` where they hold no convolution, or nothing is known.
pub fn nearest_convolution(
    network: &Network,
    range: LayerRange,
    known: &[SingleConvolution],
) -> Option<SingleConvolution> {
    let layers = network.layers.get(range.first..range.last)?;
    let heaviest =
        layers.iter().filter(|layer| convolution(network, layer).is_some()).max_by_key(|layer| layer.macs)?;
    let wanted = convolution(network, heaviest)?;
    known.iter().min_by(|a, b| wanted.distance(a).total_cmp(&wanted.distance(b))).copied()
}

fn convolution(network: &Network, layer: &Layer) -> Option<SingleConvolution> {
    let LayerKind::Convolution(convolution) = &layer.kind else { return None };
    let shape = network.tensor(*layer.bottoms.first()?).shape;
    Some(SingleConvolution { input: [shape.height, shape.width], kernel: convolution.window.kernel })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{CONVOLUTIONS, caffe, catalog};

    #[test]
    fn the_dla_asks_for_as_much_less_as_it_used_less() {
        let demand = ratio_rule(Percent(30.0), Percent(60.0), GigabytesPerSecond(50.0));
        assert_eq!(demand, Some(GigabytesPerSecond(25.0)));
        assert_eq!(ratio_rule(Percent(30.0), Percent(0.0), GigabytesPerSecond(50.0)), None);
    }

    #[track_caller]
    fn check(first: usize, last: usize, expected: Option<&str>) {
        let entry = catalog::find("googlenet").unwrap();
        let network = caffe::parse(entry.text, entry.name, entry.title).unwrap();
        let known: Vec<_> = CONVOLUTIONS.iter().filter_map(|entry| SingleConvolution::named(entry.name)).collect();
        let nearest = nearest_convolution(&network, LayerRange { first, last }, &known);
        assert_eq!(nearest, expected.and_then(SingleConvolution::named), "{first}..{last}");
    }

    #[test]
    fn a_group_is_like_its_heaviest_convolution() {
        // 3x3 on 56x56 has the most work of the first ten layers; 7x7 on 224x224 is alone among the first two.
        check(0, 10, Some("conv4_kernel3"));
        check(0, 2, Some("conv1_kernel5"));
        // 3x3 on 14x14: the smallest input is nearest.
        check(53, 67, Some("conv5_kernel3"));
    }

    #[test]
    fn without_a_convolution_nothing_is_like_it() {
        check(140, 141, None);
        check(5, 5, None);
        check(500, 501, None);
    }
}
