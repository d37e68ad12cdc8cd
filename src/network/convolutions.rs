//! The 25 networks of one convolution each, by which HaX-CoNN characterises a memory: five input sizes, five kernels.

use super::catalog::Entry;

macro_rules! entry {
    ($name:literal) => {
        Entry {
            name: $name,
            aliases: &[],
            title: $name,
            text: include_str!(concat!("../../convolution_characterization_prototxts/", $name, ".prototxt")),
        }
    };
}

/// Every characterised convolution, the largest input first, then by kernel. Their names are no names of `--dnns`.
pub static CONVOLUTIONS: [Entry; 25] = [
    entry!("conv1_kernel1"),
    entry!("conv1_kernel2"),
    entry!("conv1_kernel3"),
    entry!("conv1_kernel4"),
    entry!("conv1_kernel5"),
    entry!("conv2_kernel1"),
    entry!("conv2_kernel2"),
    entry!("conv2_kernel3"),
    entry!("conv2_kernel4"),
    entry!("conv2_kernel5"),
    entry!("conv3_kernel1"),
    entry!("conv3_kernel2"),
    entry!("conv3_kernel3"),
    entry!("conv3_kernel4"),
    entry!("conv3_kernel5"),
    entry!("conv4_kernel1"),
    entry!("conv4_kernel2"),
    entry!("conv4_kernel3"),
    entry!("conv4_kernel4"),
    entry!("conv4_kernel5"),
    entry!("conv5_kernel1"),
    entry!("conv5_kernel2"),
    entry!("conv5_kernel3"),
    entry!("conv5_kernel4"),
    entry!("conv5_kernel5"),
];
