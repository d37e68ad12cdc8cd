//! Demand of a layer group on the DLA, whose traffic no counter tells: HaX-CoNN's ratio rule, and which characterised
//! convolution it takes the ratio from.

use super::{EmcFigure, SingleConvolution};
use crate::group::LayerRange;
use crate::network::{Layer, LayerKind, Network};

/// The factor from a demand on the GPU to that on the DLA, by HaX-CoNN's rule (its artifact's README, step 5): how much a
/// like convolution asks of the memory on the DLA, over how much on the GPU.
///
/// By throughput, since a percentage is a share of the peak at its clock; by percentages only where neither clock is known.
/// `None` where one of them is zero, which no convolution's use of the memory is.
pub fn ratio_rule(on_dla: &EmcFigure, on_gpu: &EmcFigure) -> Option<f64> {
    let (dla, gpu) = match (on_dla.demand, on_gpu.demand) {
        (Some(dla), Some(gpu)) => (dla.0, gpu.0),
        (None, None) => (on_dla.mean.0, on_gpu.mean.0),
        _ => return None,
    };
    (dla > 0.0 && gpu > 0.0).then(|| dla / gpu)
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
    use crate::platform::Provenance;
    use crate::units::{GigabytesPerSecond, Percent};

    #[test]
    fn the_dla_asks_for_as_much_less_as_it_used_less() {
        let figure = |mean, demand: Option<f64>| EmcFigure {
            network: "conv1_kernel1".into(),
            convolution: SingleConvolution::named("conv1_kernel1"),
            accelerator: "any".into(),
            mean: Percent(mean),
            demand: demand.map(GigabytesPerSecond),
            provenance: Provenance::Measured,
        };
        assert_eq!(ratio_rule(&figure(30.0, None), &figure(60.0, None)), Some(0.5));
        // The same share of a clock twice as high is twice as much.
        assert_eq!(ratio_rule(&figure(30.0, Some(40.0)), &figure(30.0, Some(20.0))), Some(2.0));
        assert_eq!(ratio_rule(&figure(30.0, Some(40.0)), &figure(30.0, None)), None);
        for [dla, gpu] in [[30.0, 0.0], [0.0, 30.0]] {
            assert_eq!(ratio_rule(&figure(dla, None), &figure(gpu, None)), None);
        }
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
