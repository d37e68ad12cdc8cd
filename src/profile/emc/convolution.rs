//! Networks of one convolution, as HaX-CoNN characterises a memory with them: how large the input, how large the kernel.

use crate::network::{LayerKind, Network, Shape};

/// Rows and columns of the inputs of `conv1` to `conv5`: each has half as many points as the one before.
pub const INPUT_SIZES: [[u64; 2]; 5] = [[224, 112], [112, 112], [112, 56], [56, 56], [56, 28]];

/// Rows, and columns, of the kernels.
pub const KERNELS: [u64; 5] = [1, 2, 3, 4, 5];

/// What tells such networks apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SingleConvolution {
    /// Rows and columns of the input.
    pub input: [u64; 2],
    /// Rows and columns of the kernel.
    pub kernel: [u64; 2],
}

impl SingleConvolution {
    /// What `network` is, where it has one convolution and nothing else that multiplies.
    pub fn of(network: &Network) -> Option<Self> {
        let mut found = network.layers.iter().filter(|layer| layer.macs > 0);
        let layer = found.next()?;
        let LayerKind::Convolution(convolution) = &layer.kind else { return None };
        let Shape { height, width, .. } = network.tensor(*layer.bottoms.first()?).shape;
        found.next().is_none().then_some(Self { input: [height, width], kernel: convolution.window.kernel })
    }

    /// What `conv1_kernel1` to `conv5_kernel5` stand for.
    pub fn named(name: &str) -> Option<Self> {
        let (size, kernel) = name.strip_prefix("conv")?.split_once("_kernel")?;
        let position = |text: &str| text.parse::<usize>().ok()?.checked_sub(1);
        let (input, kernel) = (INPUT_SIZES.get(position(size)?)?, KERNELS.get(position(kernel)?)?);
        Some(Self { input: *input, kernel: [*kernel; 2] })
    }

    /// How unlike another it is: the distance of the logarithms of the input's points and of the kernel's side, which is
    /// the root of its area where it isn't square. Twice the points count as much as twice the side.
    pub fn distance(&self, other: &Self) -> f64 {
        let log_points = |it: &Self| (it.input[0] as f64 * it.input[1] as f64).ln();
        let log_side = |it: &Self| (it.kernel[0] as f64 * it.kernel[1] as f64).ln() / 2.0;
        (log_points(self) - log_points(other)).hypot(log_side(self) - log_side(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{CONVOLUTIONS, caffe, catalog};

    #[test]
    fn every_shipped_convolution_is_what_its_name_says() {
        for entry in &CONVOLUTIONS {
            let network = caffe::parse(entry.text, entry.name, entry.title).unwrap();
            assert_eq!(SingleConvolution::of(&network), SingleConvolution::named(entry.name), "{}", entry.name);
            assert!(SingleConvolution::named(entry.name).is_some(), "{}", entry.name);
        }
        assert_eq!(CONVOLUTIONS.len(), INPUT_SIZES.len() * KERNELS.len());
    }

    #[test]
    fn other_names_and_networks_are_none() {
        for name in ["conv0_kernel1", "conv6_kernel1", "conv1_kernel6", "conv1", "googlenet", "conv1_kernel"] {
            assert_eq!(SingleConvolution::named(name), None, "{name}");
        }
        let entry = catalog::find("alexnet").unwrap();
        assert_eq!(SingleConvolution::of(&caffe::parse(entry.text, entry.name, entry.title).unwrap()), None);
    }

    #[test]
    fn distances_are_logarithmic() {
        let of = |input, kernel| SingleConvolution { input, kernel };
        let base = of([56, 56], [2, 2]);
        assert!((base.distance(&of([112, 56], [2, 2])) - 2_f64.ln()).abs() < 1e-12);
        assert!((base.distance(&of([56, 56], [1, 4]))).abs() < 1e-12);
        assert!((base.distance(&of([112, 56], [4, 4])) - 2_f64.sqrt() * 2_f64.ln()).abs() < 1e-12);
    }
}
